"""`ssmsim connect port`, and the plugin's link, between real sockets: many connections, half-closed,
slow, refused and cut ones, and how it ends."""

import concurrent.futures
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

import processes
import scale
from checks import Prepared, Suite, expect, expect_equal, expect_in, measured, wait_until
from forwarding import (TIMEOUT, Destination, PortClient, digest_after_end, echo, expect_refused,
                        free_port, noise, read_all, sends)
from server import AWS, END_SECONDS, TARGET, Server, aws_environment, clean_environment

suite = Suite(__doc__)

# By chance: cut at every so many messages, a window that is larger and sent again as a whole would
# never be acknowledged.
CUTS = """
seed: 3
rules:
  - name: cut the client
    match: {message_type: input_stream_data, probability: 0.002}
    action: {close: {side: client}}
  - name: cut on output
    match: {message_type: output_stream_data, probability: 0.001}
    action: {close: {side: client, code: 1001, reason: recycled}}
  - name: cut the agent
    match: {message_type: output_stream_data, probability: 0.002}
    action: {close: {side: agent}}
"""


class Context(Prepared):
    def __init__(self, arguments):
        super().__init__(arguments)
        self.bulk_bytes = scale.choose(self.ssmsim, 20_000_000, 4_000_000)


def forward(port, host="localhost"):
    return f"0:{host}:{port}"


@suite.check("fifty connections at once, each with bytes of its own")
def fifty_connections(context):
    with Server(context.ssmsim) as server, Destination(echo) as destination, \
            PortClient(server, forward(destination.port)) as client, \
            concurrent.futures.ThreadPoolExecutor(50) as pool:
        expect_equal(client.listening[0]["mode"], "mux")
        contents = [noise(50_000 + n * 3_000, n) for n in range(50)]
        for content, answer in zip(contents, pool.map(client.exchange, contents)):
            expect(content == answer, f"{len(content)} bytes echoed", f"{len(answer)} bytes")
        expect_equal(destination.accepted, 50, "connections at the destination")


@suite.check("a half-closed connection gets its answer")
def half_close(context):
    with Server(context.ssmsim) as server, Destination(digest_after_end) as destination, \
            PortClient(server, forward(destination.port)) as client:
        content = noise(context.bulk_bytes)
        expect_equal(client.exchange(content).decode(), hashlib.sha256(content).hexdigest(), "hash")


@suite.check("a destination that speaks first, and ends, is heard whole")
def speaks_first(context):
    content = noise(context.bulk_bytes)
    with Server(context.ssmsim) as server, Destination(sends(content)) as destination, \
            PortClient(server, forward(destination.port)) as client, client.connect() as connection:
        expect(read_all(connection) == content, f"{len(content)} bytes", "something else")


@suite.check("a reader that stops does not stop the others, and memory stays bounded")
def slow_reader(context):
    content = noise(context.bulk_bytes)
    with Server(context.ssmsim) as server, Destination(sends(content)) as bulk, \
            PortClient(server, forward(bulk.port)) as client, client.connect() as slow:
        started = time.monotonic()
        for _ in range(3):
            with client.connect() as connection:
                expect(read_all(connection) == content, "all of it", "something else")
        measured("three transfers beside a reader that does not read, seconds",
                 round(time.monotonic() - started, 2))
        measured("memory of the client at its peak, MiB",
                 processes.memory_kib(client.process.pid, "VmHWM") // 1024)
        expect(processes.memory_kib(client.process.pid, "VmHWM") < 150 * 1024,
               "less than 150 MiB", processes.memory_kib(client.process.pid, "VmHWM"))
        expect(read_all(slow) == content, "all of it", "something else")


@suite.check("a refused connection is closed with a note, and the others live")
def refused(context):
    with Server(context.ssmsim) as server, PortClient(server, forward(free_port())) as client:
        for _ in range(3):
            with client.connect() as connection:
                expect_refused(connection)
        wait_until(lambda: client.notes().count("refused by the destination") == 3, END_SECONDS,
                   "three notes", client.notes)
        expect_equal(client.stop(), 0)
        expect_equal(client.totals[0]["refused"], 3)


@suite.check("a port in use is an error before any session is started")
def port_in_use(context):
    with Server(context.ssmsim) as server, Destination(echo) as destination:
        run = subprocess.run(
            [context.ssmsim, "connect", "port", "--endpoint", server.endpoint, "--target", TARGET,
             "-L", "0:localhost:1", "-L", f"{destination.port}:localhost:1"],
            env=clean_environment(), capture_output=True, timeout=TIMEOUT, check=False)
        expect_equal(run.returncode, 3)
        expect_in(f"cannot listen on 127.0.0.1:{destination.port}", run.stderr.decode())
        expect_in("No session was started", run.stderr.decode())
        expect_equal(server.sessions(), [])


@suite.check("several forwards, a remote host and a Unix socket")
def several(context):
    path = f"/tmp/ssmsim-test-{os.getpid()} with a blank.sock"
    with Server(context.ssmsim) as server, Destination(echo) as destination:
        ready = os.path.join(server.directory, "ready-ports.json")
        with PortClient(server, forward(destination.port), forward(destination.port, "127.0.0.1"),
                        f"{path}:localhost:{destination.port}",
                        arguments=["--ready-file", ready]) as client:
            for index in range(3):
                expect_equal(client.exchange(b"ping", index), b"ping", f"forward {index}")
            documents = sorted(session["document"] for session in server.sessions())
            expect_equal(documents, ["AWS-StartPortForwardingSession"] * 2 +
                         ["AWS-StartPortForwardingSessionToRemoteHost"])
            with open(ready, encoding="utf-8") as file:
                written = json.load(file)
            expect_equal([one["listen"] for one in written["forwards"]],
                         [one["listen"] for one in client.listening])
        expect(not os.path.exists(path) and not os.path.exists(ready), "no file left", path)


@suite.check("an old agent carries one connection after the other")
def basic(context):
    with Server(context.ssmsim, "--agent-profile", "agent-2.3") as server, \
            Destination(echo) as destination, \
            PortClient(server, forward(destination.port)) as client:
        expect_equal(client.listening[0]["mode"], "basic")
        with client.connect() as first, client.connect() as second:
            first.sendall(b"first")
            expect_equal(first.recv(100), b"first")
            second.sendall(b"second")
            first.close()
            expect_equal(second.recv(100), b"second")
        expect_in("one connection at a time", client.notes())


@suite.check("every client and agent version come to the same result")
def versions(context):
    for agent in ("strict", "agent-3.3", "agent-3.1.1511", "agent-3.0", "agent-2.3"):
        with Server(context.ssmsim, "--agent-profile", agent) as server, \
                Destination(echo) as destination:
            for profile in ("strict", "plugin-1.2.677", "plugin-1.1.61", "plugin-source"):
                with PortClient(server, forward(destination.port),
                                arguments=["--profile", profile]) as client:
                    is_basic = profile == "plugin-1.1.61" or agent in ("agent-3.0", "agent-2.3")
                    expect_equal(client.listening[0]["mode"], "basic" if is_basic else "mux",
                                 f"{profile} with {agent}")
                    for word in (b"first", b"second"):
                        with client.connect() as connection:
                            connection.sendall(word)
                            expect_equal(connection.recv(100), word, f"{profile} with {agent}")


@suite.check("^C ends all connections, the session and the listener, and says what was done")
def interrupt(context):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with Server(context.ssmsim) as server, Destination(echo) as destination, \
                PortClient(server, forward(destination.port)) as client, \
                client.connect() as connection:
            connection.sendall(b"x")
            expect_equal(connection.recv(1), b"x")
            started = time.monotonic()
            expect_equal(client.stop(number), 0, f"exit status after signal {number}")
            expect(time.monotonic() - started < 3, "an end at once", time.monotonic() - started)
            expect_equal(client.totals[0]["connections"], 1)
            expect_equal(client.totals[0]["open"], 1)
            expect_refused(connection)
            session_id = client.listening[0]["session_id"]
            wait_until(lambda: "ended_unix_ms" in server.session(session_id), END_SECONDS,
                       "no session left", server.sessions)


@suite.check("connections that are cut at both ends of the session lose and repeat nothing")
def cuts(context):
    with Server(context.ssmsim, faults=CUTS) as server, Destination(echo) as destination, \
            PortClient(server, forward(destination.port)) as client, \
            concurrent.futures.ThreadPoolExecutor(8) as pool:
        contents = [noise(context.bulk_bytes // 16, n) for n in range(8)]
        for content, answer in zip(contents, pool.map(client.exchange, contents)):
            expect(content == answer, f"{len(content)} bytes echoed",
                   f"{len(answer)} bytes; {client.notes()[-500:]}")
        lost = client.notes().count("connection lost")
        expect(lost > 0, "cut connections", client.notes()[-500:])
        measured("cut connections of the client", lost)


@suite.check("a session that is terminated elsewhere ends the forwarding")
def terminated(context):
    with Server(context.ssmsim) as server, Destination(echo) as destination, \
            PortClient(server, forward(destination.port)) as client:
        server.api.terminate(client.listening[0]["session_id"])
        expect_equal(client.wait(), 0)


@suite.check("the AWS CLI with our plugin forwards a port, with the official texts")
def plugin(context):
    port = free_port()
    with Server(context.ssmsim) as server, Destination(echo) as destination:
        path = os.path.dirname(context.ssmsim) + ":/usr/bin:/bin"
        with subprocess.Popen(
                [AWS, "--endpoint-url", server.endpoint, "ssm", "start-session", "--target", TARGET,
                 "--document-name", "AWS-StartPortForwardingSession", "--parameters",
                 f"portNumber={destination.port},localPortNumber={port}"],
                env=aws_environment(PATH=path), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                start_new_session=True) as process:
            seen = b""
            while b"Waiting for connections...\n" not in seen:
                data = os.read(process.stdout.fileno(), 65536)
                expect(data != b"", "the waiting line", seen)
                seen += data
            expect_in(f"Port {port} opened for sessionId ".encode(), seen)
            with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection:
                connection.sendall(b"ping")
                expect_equal(connection.recv(10), b"ping")
            # As a terminal's ^C: the AWS CLI ignores it, the plugin does not.
            os.killpg(process.pid, signal.SIGINT)
            rest = process.stdout.read().decode()
            expect_equal(process.wait(END_SECONDS), 0)
            expect_in("Connection accepted for session [", rest)
            expect_in("Terminate signal received, exiting.\n\n\nExiting session with sessionId: ",
                      rest)


if __name__ == "__main__":
    sys.exit(suite.main(Context))
