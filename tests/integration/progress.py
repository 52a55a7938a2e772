"""Whether a process still gets on with its writing."""

import time

from checks import wait_until

_STILL_SECONDS = 1.0


def written_bytes(pid):
    try:
        with open(f"/proc/{pid}/io", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("wchar:"))
    except OSError:  # it has ended
        return 0


def wait_until_stuck(pid, seconds=60):
    """Until the process has written nothing for a while; returns how much it wrote in all."""
    seen = -1
    since = time.monotonic()

    def stuck():
        nonlocal seen, since
        written = written_bytes(pid)
        if written != seen:
            seen, since = written, time.monotonic()
        return seen > 0 and time.monotonic() - since > _STILL_SECONDS

    wait_until(stuck, seconds, "a writer that has to wait", lambda: f"{seen} bytes and going on")
    return seen
