"""`ssmsim connect shell` with pipes instead of a terminal, as a script runs it.

The remote terminal is made transparent first (no echo, no line ends rewritten), and what matters
stands between two marks in the output that are in no typed line."""

import os
import select
import subprocess
import time

from checks import Failure, fail, shorten
from server import TARGET, aws_environment

_TRANSPARENT = "stty raw -echo; "
BEGIN = b"<-begin->\n"
END = b"<-end->\n"


def _print_mark(mark):
    text = mark.decode().strip()
    return f"printf '{text[:4]}%s\\n' '{text[4:]}'"


def begin():
    """Shell code that makes the terminal transparent and prints BEGIN."""
    return _TRANSPARENT + _print_mark(BEGIN)


def end():
    return _print_mark(END)


class PipedShell:
    def __init__(self, server, *, timeout=300):
        self.timeout = timeout
        self.process = subprocess.Popen(
            [server.ssmsim, "connect", "shell", "--quiet", "--endpoint", server.endpoint,
             "--target", TARGET],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=aws_environment())
        self.pid = self.process.pid
        self.notes = bytearray()
        self._buffer = bytearray()
        self._open = {self.process.stdout: self._buffer, self.process.stderr: self.notes}
        self._deadline = time.monotonic() + timeout

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()

    def type(self, text):
        """Everything, while output is read: otherwise both sides could wait for each other."""
        data = memoryview(text.encode() if isinstance(text, str) else text)
        pipe = self.process.stdin
        os.set_blocking(pipe.fileno(), False)
        while data:
            if self._wait([pipe]):
                try:
                    data = data[os.write(pipe.fileno(), data):]
                except BlockingIOError:  # there is room, but less than one page
                    pass
                except BrokenPipeError as error:
                    raise Failure(f"expected a client that reads, seen its end: {self._seen()}"
                                  ) from error

    def type_until_stuck(self, data, still_seconds=1.0):
        """How much of `data` was taken before nothing more was for a while."""
        pipe = self.process.stdin
        os.set_blocking(pipe.fileno(), False)
        sent = 0
        while sent < len(data) and select.select([], [pipe], [], still_seconds)[1]:
            try:
                sent += os.write(pipe.fileno(), data[sent : sent + 65536])
            except BlockingIOError:
                time.sleep(0.01)
        return sent

    def _wait(self, writing=()):
        """Reads what is there once; true if one of `writing` takes more."""
        left = self._deadline - time.monotonic()
        readable, writable, _ = select.select(list(self._open), writing, [], max(0.0, left))
        if not readable and not writable:
            fail(f"progress within {self.timeout} s", self._seen())
        for stream in readable:
            data = os.read(stream.fileno(), 1 << 16)
            if data:
                self._open[stream] += data
            else:
                del self._open[stream]
        return bool(writable)

    def _seen(self):
        return f"{shorten(bytes(self._buffer))}, stderr {shorten(bytes(self.notes))}"

    def skip_to(self, mark):
        """Drops the output up to and with `mark`."""
        while mark not in self._buffer:
            self._read_more(mark)
        del self._buffer[: self._buffer.index(mark) + len(mark)]

    def stream_to(self, mark):
        """Yields the output before `mark` as it comes, and drops the mark."""
        while True:
            found = self._buffer.find(mark)
            if found >= 0:
                yield bytes(self._buffer[:found])
                del self._buffer[: found + len(mark)]
                return
            keep = len(mark) - 1
            if len(self._buffer) > keep:
                size = len(self._buffer) - keep
                yield bytes(self._buffer[:size])
                del self._buffer[:size]
            self._read_more(mark)

    def _read_more(self, mark):
        if self.process.stdout not in self._open:
            fail(f"{mark!r} in the output", self._seen())
        self._wait()

    def finish(self):
        """The exit status, once all output was read; what is left of it is in `rest`."""
        while self._open:
            self._wait()
        return self.process.wait(max(1.0, self._deadline - time.monotonic()))

    def rest(self):
        return bytes(self._buffer)
