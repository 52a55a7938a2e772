"""Destinations of forwarded connections, and `ssmsim connect port` as a child."""

import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import threading

from checks import expect, expect_equal, fail
from server import END_SECONDS, TARGET, clean_environment

TIMEOUT = 60


class Destination:
    """A TCP server on the loopback that runs `serve(connection)` for each connection."""

    def __init__(self, serve, host="127.0.0.1"):
        self._socket = socket.create_server((host, 0))
        self.port = self._socket.getsockname()[1]
        self.accepted = 0
        self._serve = serve
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self._socket.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection):
        with connection:
            try:
                self._serve(connection)
            except OSError:
                pass


def echo(connection):
    """Until the other side has ended its writing."""
    while data := connection.recv(65536):
        connection.sendall(data)


def digest_after_end(connection):
    """Reads to the end, then answers with the hash: needs a half-closed connection."""
    digest = hashlib.sha256()
    while data := connection.recv(65536):
        digest.update(data)
    connection.sendall(digest.hexdigest().encode())


def sends(content):
    """A destination that speaks first, and ends."""
    return lambda connection: connection.sendall(content)


def free_port():
    """Nobody listens there (any more)."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


def read_all(connection):
    parts = []
    while data := connection.recv(65536):
        parts.append(data)
    return b"".join(parts)


class PortClient:
    """`ssmsim connect port`; leaving it sends SIGINT and expects an orderly end."""

    def __init__(self, server, *forwards, target=TARGET, arguments=(), program=None):
        self.notes_path = os.path.join(server.directory, f"notes-{id(self)}")
        command = [program or server.ssmsim, "connect", "port", "--json", "--verbose",
                   "--endpoint", server.endpoint, "--target", target]
        for forward in forwards:
            command += ["-L", forward]
        self.totals = []
        with open(self.notes_path, "wb") as notes:
            self.process = subprocess.Popen(
                [*command, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=notes, env=clean_environment(), start_new_session=True)
        self.listening = sorted((self._event("listening") for _ in forwards),
                                key=lambda event: event["forward"])

    def _event(self, name):
        line = self.process.stdout.readline()
        if not line:
            fail(f"an event '{name}'", f"exit {self.process.wait(END_SECONDS)}: {self.notes()}")
        event = json.loads(line)
        expect_equal(event["event"], name, "event")
        return event

    def notes(self):
        with open(self.notes_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def connect(self, index=0):
        where = self.listening[index]
        if where["path"]:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(TIMEOUT)
            connection.connect(where["path"])
            return connection
        return socket.create_connection((where["host"], where["port"]), timeout=TIMEOUT)

    def exchange(self, content, index=0):
        """Sends while receiving; what an echo answers."""
        with self.connect(index) as connection:
            def send():
                connection.sendall(content)
                connection.shutdown(socket.SHUT_WR)
            sender = threading.Thread(target=send, daemon=True)
            sender.start()
            answer = read_all(connection)
            sender.join(TIMEOUT)
            return answer

    def stop(self, signal_number=signal.SIGINT):
        self.process.send_signal(signal_number)
        return self.wait()

    def wait(self):
        self.totals = [self._event("ended") for _ in self.listening]
        status = self.process.wait(END_SECONDS)
        self.process.stdout.close()
        return status

    def __enter__(self):
        return self

    def __exit__(self, kind, *unused):
        try:
            if kind is None and self.process.poll() is None:
                expect_equal(self.stop(), 0, f"exit status, notes {self.notes()[-500:]}")
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()


def expect_refused(connection):
    """It ends without any byte, in whatever way."""
    try:
        data = connection.recv(100)
    except ConnectionResetError:
        return
    expect(data == b"", "the end of the connection", data)
