"""Many bytes through a shell of `ssmsim connect shell`, either way: all arrive, and the server
holds no more than a little of them."""

import base64
import hashlib
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

import processes
import scale
from checks import Suite, expect, expect_equal, measured, wait_until
from piped_shell import BEGIN, END, PipedShell, begin, end
from progress import wait_until_stuck
from raw_session import prove_serving, start_raw
from server import Server

suite = Suite(__doc__)

MB = 1_000_000
MAX_SERVER_KIB = 200 * 1024
# What may lie in sockets, queues and windows for one session whose client does not read.
MAX_HELD_KIB = 16 * 1024


class Context(Server):
    def __init__(self, arguments):
        super().__init__(arguments.ssmsim)
        self.sanitized = scale.is_sanitized(arguments.ssmsim)
        prove_serving(self)

    def expect_small(self):
        if not self.sanitized:
            expect(self.peak_rss_kib() < MAX_SERVER_KIB, f"less than {MAX_SERVER_KIB} KiB",
                   f"{self.peak_rss_kib()} KiB")


def text_file(server, size):
    """Lines of base64, always the same; its path."""
    path = os.path.join(server.directory, f"text-{size}")
    if not os.path.exists(path):
        text = base64.encodebytes(random.Random(size).randbytes(size * 3 // 4))[:size]
        with open(path, "wb") as file:
            file.write(text)
    return path


def sha256_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_to(client, mark):
    digest = hashlib.sha256()
    size = 0
    for part in client.stream_to(mark):
        digest.update(part)
        size += len(part)
    return size, digest.hexdigest()


def expect_whole(client, path):
    size, digest = hash_to(client, END)
    expect_equal(size, os.path.getsize(path), "bytes that arrived")
    expect_equal(digest, sha256_of(path), "SHA-256 of them")


def expect_end(client):
    expect_equal(client.finish(), 0, "exit status of the client")
    expect_equal(bytes(client.notes), b"", "standard error of the client")


def rate(size, seconds):
    return f"{size / MB:.0f} MB in {seconds:.2f} s = {size / MB / seconds:.1f} MB/s"


@suite.check("download")
def download(server):
    size = scale.choose(server.ssmsim, 100 * MB, 10 * MB)
    path = text_file(server, size)
    with PipedShell(server, timeout=500) as client:
        client.type(f"{begin()}; cat {path}; {end()}; exit\n")
        client.skip_to(BEGIN)
        started = time.monotonic()
        expect_whole(client, path)
        seconds = time.monotonic() - started
        expect_end(client)
    measured("download", f"{rate(size, seconds)}, server at most {server.peak_rss_kib()} KiB")
    server.expect_idle()
    server.expect_small()


def expect_held_little(server, before_kib, writer_bytes):
    grown = server.rss_kib() - before_kib
    measured("held_for_a_client_that_does_not_read",
             f"{writer_bytes} bytes written, server grew by {grown} KiB")
    if not server.sanitized:
        expect(grown < MAX_HELD_KIB, f"growth below {MAX_HELD_KIB} KiB", f"{grown} KiB")


def cat_of(server, path):
    return wait_until(lambda: [pid for pid in server.programs()
                               if processes.command_line(pid) == f"cat {path}"], 60,
                      "a running cat", server.describe_programs)[0]


@suite.check("reader_that_pauses_loses_nothing")
def slow_reader(server):
    path = text_file(server, scale.choose(server.ssmsim, 20 * MB, 5 * MB))
    before = server.rss_kib()
    with PipedShell(server) as client:
        client.type(f"{begin()}; cat {path}; {end()}; exit\n")
        client.skip_to(BEGIN)
        written = wait_until_stuck(cat_of(server, path))
        expect_held_little(server, before, written)
        prove_serving(server)  # others are served meanwhile
        expect_whole(client, path)
        expect_end(client)
    server.expect_idle()


@suite.check("websocket_that_is_not_read_loses_nothing")
def unread_socket(server):
    path = text_file(server, scale.choose(server.ssmsim, 20 * MB, 5 * MB))
    before = server.rss_kib()
    session = start_raw(server)
    session.type(f"{begin()}; cat {path}; {end()}; exit\n")
    session.expect(BEGIN)
    start = session._position
    written = wait_until_stuck(cat_of(server, path))
    expect_held_little(server, before, written)
    prove_serving(server)
    session.wait_channel_closed(300)
    whole = bytes(session.output[start:])
    expect(whole.endswith(END), "the end mark", whole[-100:])
    with open(path, "rb") as file:
        expect(whole[: -len(END)] == file.read(), "the file's content", f"{len(whole)} bytes")
    session.abort()
    server.expect_idle()


@suite.check("upload")
def upload(server):
    size = scale.choose(server.ssmsim, 2 * MB, MB // 2)
    # A line feed that a client reads alone becomes a return, as in the official one.
    data = random.Random(4).randbytes(size).replace(b"\n", b"\0")
    with PipedShell(server) as client:
        client.type(f"{begin()}; head -c {size} | sha256sum; {end()}; exit\n")
        client.skip_to(BEGIN)
        started = time.monotonic()
        client.type(data)
        seen = b"".join(client.stream_to(END))
        seconds = time.monotonic() - started
        expect_end(client)
    expect_equal(seen.decode(), hashlib.sha256(data).hexdigest() + "  -\n", "sha256sum inside")
    measured("upload", f"{rate(size, seconds)}, server at most {server.peak_rss_kib()} KiB")
    server.expect_idle()
    server.expect_small()


@suite.check("both_ways_at_once")
def both_ways(server):
    size = scale.choose(server.ssmsim, 2 * MB, MB // 2)
    data = random.Random(5).randbytes(size).replace(b"\n", b"\0")
    with PipedShell(server) as client:
        client.type(f"{begin()}; head -c {size}; {end()}; exit\n")
        client.skip_to(BEGIN)
        client.type(data)  # reads meanwhile
        received = b"".join(client.stream_to(END))
        expect(received == data, f"the {size} bytes that were sent", f"{len(received)} bytes")
        expect_end(client)
    server.expect_idle()


@suite.check("program_that_does_not_read_its_input")
def unread_input(server):
    """Input for it is held back at its source, not in the server, and is there when it reads."""
    size = scale.choose(server.ssmsim, 4 * MB, MB)
    data = random.Random(6).randbytes(size).replace(b"\n", b"\0")
    gate = os.path.join(server.directory, "gate")
    os.mkfifo(gate)
    before = server.rss_kib()
    with PipedShell(server) as client:
        client.type(f"{begin()}; read line < {gate}; head -c {size} | sha256sum; {end()}; exit\n")
        client.skip_to(BEGIN)
        sent = client.type_until_stuck(data)
        grown = server.rss_kib() - before
        measured("held_for_a_program_that_does_not_read",
                 f"{sent} bytes taken by the client, server grew by {grown} KiB")
        if not server.sanitized:
            expect(grown < MAX_HELD_KIB, f"growth below {MAX_HELD_KIB} KiB", f"{grown} KiB")
        prove_serving(server)
        with open(gate, "w", encoding="ascii") as file:
            file.write("go\n")
        client.type(data[sent:])
        seen = b"".join(client.stream_to(END))
        expect_end(client)
    expect_equal(seen.decode(), hashlib.sha256(data).hexdigest() + "  -\n", "sha256sum inside")
    server.expect_idle()


if __name__ == "__main__":
    sys.exit(suite.main(Context))
