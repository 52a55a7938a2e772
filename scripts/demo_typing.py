#!/usr/bin/env python3
"""Runs a command in a pseudo terminal, types a few lines into its shell, and shows the screen.

Waits for what it expects to see, never for a time; gives up after 60 seconds.
"""
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

TYPED = [
    (b"$ ", b"echo \"hello from process $$\"\n"),
    (b"hello from process ", b"stty size\n"),
    (b"\n", b"exit\n"),
]
LIMIT_S = 60


def main() -> int:
    child, terminal = pty.fork()
    if child == 0:
        os.environ["PS1"] = "$ "
        os.execvp(sys.argv[1], sys.argv[1:])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    deadline = time.monotonic() + LIMIT_S
    seen = b""
    typed = list(TYPED)
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        if not data:
            break
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        seen += data
        # A shell of root shows '#'.
        if typed and (typed[0][0] in seen or (typed[0][0] == b"$ " and b"# " in seen)):
            os.write(terminal, typed.pop(0)[1])
            seen = b""
    status = os.waitpid(child, 0)[1]
    if typed:
        print(f"demo: the session ended before {typed[0][1]!r} was typed", file=sys.stderr)
        return 1
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
