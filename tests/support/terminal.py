"""Drives a program in a pseudo-terminal by waiting for what it prints."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import processes
from checks import Failure, shorten

DEFAULT_SECONDS = 60


def _become_terminal_owner():
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class TerminalProgram:
    def __init__(self, command, environment, *, rows=24, columns=80, cwd="/"):
        # The slave stays open here: the modes are read after the program's end, and bytes that it
        # printed last are not lost with it.
        self._master, self._slave = pty.openpty()
        self.resize(rows, columns)
        self.modes_before = termios.tcgetattr(self._slave)
        self.output = bytearray()
        self._position = 0
        self.process = subprocess.Popen(
            command, stdin=self._slave, stdout=self._slave, stderr=self._slave, env=environment,
            cwd=cwd, preexec_fn=_become_terminal_owner, close_fds=True)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for pid in [*self.descendants(), self.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        os.close(self._master)
        os.close(self._slave)

    def descendants(self):
        found = []
        waiting = [self.pid]
        while waiting:
            new = processes.children(waiting.pop())
            found += new
            waiting += new
        return found

    def modes(self):
        return termios.tcgetattr(self._slave)

    def is_raw(self):
        """It passes on each key and echoes none."""
        return not self.modes()[3] & (termios.ICANON | termios.ECHO)

    def resize(self, rows, columns):
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, text):
        data = text.encode() if isinstance(text, str) else text
        while data:
            data = data[os.write(self._master, data):]

    def _read(self, seconds):
        """False if nothing came in time."""
        if not select.select([self._master], [], [], max(0.0, seconds))[0]:
            return False
        self.output += os.read(self._master, 65536)
        return True

    def expect(self, pattern, seconds=DEFAULT_SECONDS):
        """Reads until the regular expression matches behind the last match; returns the match."""
        expression = re.compile(pattern.encode() if isinstance(pattern, str) else pattern, re.S)
        deadline = time.monotonic() + seconds
        while True:
            match = expression.search(self.output, self._position)
            if match:
                self._position = match.end()
                return match
            if self._read(min(0.2, deadline - time.monotonic())):
                continue
            ended = self.process.poll() is not None and not self._read(0)
            if ended or time.monotonic() > deadline:
                state = f"exit {self.process.returncode}" if ended else f"nothing in {seconds} s"
                raise Failure(f"expected {pattern!r}, seen "
                              f"{shorten(bytes(self.output[self._position:]))} and then {state}")

    def wait(self, seconds=DEFAULT_SECONDS):
        """Exit status; all output that was printed before is in `output`."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            self._read(0.05)
            if time.monotonic() > deadline:
                raise Failure(f"expected the program to end within {seconds} s, seen "
                              f"{shorten(bytes(self.output[self._position:]))}")
        while self._read(0):
            pass
        return self.process.returncode

    def rest(self):
        """What was printed since the last match, without the terminal's own carriage returns."""
        return re.sub(rb"\r+\n", b"\n", self.output[self._position:]).decode(errors="replace")
