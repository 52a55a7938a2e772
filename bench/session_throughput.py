#!/usr/bin/python3
"""What sessions carry, beside a bare WebSocket echo in the same run.

    bench/session_throughput.py [BIN_DIRECTORY] [MEGABYTES]

Three processes: service with agent, client, and this one, which is both the application and the
destination. MB/s are 10^6 bytes of content; the ratio is to the bytes that `echo_bench`'s bare Beast
echo moves one way in 1 KiB messages with 64 on the way. Machines are noisy: compare ratios.
"""

import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "support"))

import processes
from forwarding import Destination, PortClient
from server import TARGET, Server, clean_environment

CHUNK = bytes(65536)


def echo_bytes_per_second(programs):
    out = subprocess.run([os.path.join(programs, "echo_bench"), "3", "50000"], check=True, text=True,
                         capture_output=True).stdout
    rate = re.search(r"messages/s, window 64 +(\d+)", out)
    if not rate:
        raise SystemExit(f"expected a rate of the bare echo, seen: {out}")
    return int(rate[1]) * 1024


def send(connection, count):
    while count > 0:
        count -= connection.send(CHUNK[:count])


def drain(connection):
    count = 0
    buffer = bytearray(1 << 20)
    while size := connection.recv_into(buffer):
        count += size
    return count


def transfer(server, streams, total, download):
    """Seconds for `total` bytes over so many connections of one session."""
    each = total // streams
    got = []

    def serve(connection):
        if download:
            send(connection, each)
        else:
            got.append(drain(connection))

    with Destination(serve) as destination, \
            PortClient(server, f"0:localhost:{destination.port}") as ports:
        def use():
            with ports.connect() as connection:
                if download:
                    got.append(drain(connection))
                else:
                    send(connection, each)
                    connection.shutdown(socket.SHUT_WR)
                    connection.recv(1)
        threads = [threading.Thread(target=use) for _ in range(streams)]
        begun = time.monotonic()
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        seconds = time.monotonic() - begun
    assert got == [each] * streams, f"expected {streams} times {each} bytes, seen {got}"
    return seconds


def command_output(server, total):
    command = [server.ssmsim, "connect", "exec", "--quiet", "--endpoint", server.endpoint,
               "--target", TARGET, "--", "head", "-c", str(total), "/dev/zero"]
    begun = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=clean_environment()) as run:
        count = drain_pipe(run.stdout)
    assert count == total, f"expected {total} bytes, seen {count}"
    return time.monotonic() - begun


def drain_pipe(pipe):
    count = 0
    while data := os.read(pipe.fileno(), 1 << 20):
        count += len(data)
    return count


def shell_flood(server, total):
    command = [server.ssmsim, "connect", "shell", "--quiet", "--endpoint", server.endpoint,
               "--target", TARGET]
    typed = f"stty raw -echo; head -c {total} /dev/zero; exit\n".encode()
    begun = time.monotonic()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          env=clean_environment()) as run:
        run.stdin.write(typed)
        run.stdin.close()
        count = drain_pipe(run.stdout)
    assert count >= total, f"expected {total} bytes at least, seen {count}"
    return time.monotonic() - begun


def slow_reader_memory(server):
    """Resident KiB of client and service after 64 MB were offered to a reader that reads nothing,
    for two seconds."""
    def serve(connection):
        connection.settimeout(2)
        try:
            send(connection, 64_000_000)
        except OSError:
            pass
        finally:
            connection.close()

    with Destination(serve) as destination, \
            PortClient(server, f"0:localhost:{destination.port}") as ports:
        before = processes.memory_kib(ports.process.pid), server.rss_kib()
        with ports.connect():
            time.sleep(2)
            after = processes.memory_kib(ports.process.pid), server.rss_kib()
    return [f"{was / 1024:.0f} -> {now / 1024:.0f} MiB" for was, now in zip(before, after)]


def main():
    programs = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build/release/bin")
    total = int(float(sys.argv[2]) * 1e6) if len(sys.argv) > 2 else 200_000_000
    bare = echo_bytes_per_second(programs)
    print(f"bare Beast echo, one way       {bare / 1e6:8.1f} MB/s  {bare / 1024:9,.0f} messages/s")
    with Server(os.path.join(programs, "ssmsim")) as server:
        for what, action in [
                ("port, 1 stream, download", lambda: transfer(server, 1, total, True)),
                ("port, 1 stream, upload", lambda: transfer(server, 1, total, False)),
                ("port, 50 streams, download", lambda: transfer(server, 50, total, True)),
                ("port, 50 streams, upload", lambda: transfer(server, 50, total, False)),
                ("command's output (exec)", lambda: command_output(server, total)),
                ("shell, flood of output", lambda: shell_flood(server, total))]:
            rate = total / action()
            print(f"{what:30} {rate / 1e6:8.1f} MB/s  {rate / 1024:9,.0f} messages/s  "
                  f"{rate / bare:5.2f} of the echo", flush=True)
        client, service = slow_reader_memory(server)
        print(f"a reader that reads nothing: client {client}, service and agent {service}")


if __name__ == "__main__":
    main()
