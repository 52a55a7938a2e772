"""What the kernel knows about processes, read from /proc."""

import os


def _read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:  # it ended meanwhile, or is not ours
        return b""


def all_pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _stat_fields(pid):
    # The name in parentheses may itself hold spaces and parentheses.
    return _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()


def parent(pid):
    fields = _stat_fields(pid)
    return int(fields[1]) if fields else None


def is_zombie(pid):
    fields = _stat_fields(pid)
    return bool(fields) and fields[0] == b"Z"


def is_alive(pid):
    fields = _stat_fields(pid)
    return bool(fields) and fields[0] not in (b"Z", b"X")


def children(pid):
    """Zombies included: an unreaped child is a leak too."""
    return [child for child in all_pids() if parent(child) == pid]


def command_line(pid):
    return _read(f"/proc/{pid}/cmdline").replace(b"\0", b" ").decode(errors="replace").strip()


def with_environment(assignment):
    """Processes that were started with NAME=VALUE, wherever they have gone since."""
    wanted = assignment.encode()
    return [pid for pid in all_pids() if wanted in _read(f"/proc/{pid}/environ").split(b"\0")]


def descriptors(pid):
    """Targets of its open descriptors, such as `socket:[123]` or `/dev/ptmx`."""
    targets = []
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            try:
                targets.append(os.readlink(f"/proc/{pid}/fd/{name}"))
            except OSError:
                pass
    except OSError:
        pass
    return targets


def memory_kib(pid, field="VmRSS"):
    """VmRSS: resident now. VmHWM: the most that ever was."""
    for line in _read(f"/proc/{pid}/status").decode().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    return 0
