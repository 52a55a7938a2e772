"""`ssmsim connect ssh` as a ProxyCommand is used: bytes of every value, ends of either side, cuts,
and nothing on stdout but the connection."""

import hashlib
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

import scale
from checks import Prepared, Suite, expect, expect_equal, expect_in, measured, wait_until
from forwarding import TIMEOUT, Destination, echo, free_port, noise, sends
from server import AWS, END_SECONDS, TARGET, Server, aws_environment, clean_environment

suite = Suite(__doc__)

# By chance: cut at every so many messages, a window that is larger and sent again as a whole would
# never be acknowledged.
CUTS = """
seed: 4
rules:
  - name: cut the client
    match: {message_type: input_stream_data, probability: 0.003}
    action: {close: {side: client}}
  - name: cut the agent
    match: {message_type: output_stream_data, probability: 0.002}
    action: {close: {side: agent}}
"""


class Context(Prepared):
    def __init__(self, arguments):
        super().__init__(arguments)
        self.bulk_bytes = scale.choose(self.ssmsim, 10_000_000, 2_000_000)

    def command(self, server, port, *more):
        return [self.ssmsim, "connect", "ssh", "--endpoint", server.endpoint, "--target", TARGET,
                "--port", str(port), *more]

    def run(self, server, port, content, *more):
        return subprocess.run(self.command(server, port, *more), input=content,
                              env=clean_environment(), capture_output=True, timeout=TIMEOUT,
                              check=False)


def echo_and_end(count):
    """Ends by itself once it has echoed so many bytes, as a server does that knows the length."""
    def serve(connection):
        left = count
        while left > 0 and (data := connection.recv(65536)):
            connection.sendall(data)
            left -= len(data)
    return serve


@suite.check("every byte goes both ways, and nothing else")
def binary(context):
    content = bytes(range(256)) + b"\n" + noise(context.bulk_bytes)
    with Server(context.ssmsim) as server, \
            Destination(echo_and_end(len(content))) as destination:
        run = context.run(server, destination.port, content)
        expect_equal(run.returncode, 0, run.stderr.decode())
        expect_equal(hashlib.sha256(run.stdout).hexdigest(), hashlib.sha256(content).hexdigest(),
                     f"hash of {len(run.stdout)} of {len(content)} bytes")
        expect_equal(run.stderr, b"")


@suite.check("a server that speaks first is heard before anything is said")
def banner(context):
    with Server(context.ssmsim) as server, Destination(sends(b"SSH-2.0-x\r\n")) as destination:
        run = context.run(server, destination.port, b"")
        expect_equal((run.returncode, run.stdout), (0, b"SSH-2.0-x\r\n"))


@suite.check("after the end of the input the answer comes, and silence ends it")
def end_of_input(context):
    with Server(context.ssmsim) as server, Destination(echo) as destination:
        started = time.monotonic()
        run = context.run(server, destination.port, b"request", "--eof-wait", "1")
        expect_equal((run.returncode, run.stdout), (0, b"request"), run.stderr.decode())
        expect(1 <= time.monotonic() - started < 8, "about a second", time.monotonic() - started)


@suite.check("a reader that goes ends it at once, with the session")
def reader_goes(context):
    with Server(context.ssmsim) as server, Destination(echo) as destination, \
            subprocess.Popen(context.command(server, destination.port), env=clean_environment(),
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdin.write(b"x")
        process.stdin.flush()
        expect_equal(process.stdout.read(1), b"x")
        process.stdout.close()
        process.wait(END_SECONDS)
        wait_until(lambda: all("ended_unix_ms" in session for session in server.sessions()),
                   END_SECONDS, "no session left", server.sessions)


@suite.check("a destination that refuses is status 3 with the reason")
def refused(context):
    with Server(context.ssmsim) as server:
        run = context.run(server, free_port(), b"x")
        expect_equal((run.returncode, run.stdout), (3, b""))
        expect_in("connection refused", run.stderr.decode())


@suite.check("cut at both ends it loses and repeats nothing, and stdout stays clean")
def cuts(context):
    content = noise(2_500_000)
    with Server(context.ssmsim, faults=CUTS) as server, \
            Destination(echo_and_end(len(content))) as destination:
        run = context.run(server, destination.port, content)
        expect_equal(run.returncode, 0, run.stderr.decode()[-500:])
        expect(run.stdout == content, f"{len(content)} bytes",
               f"{len(run.stdout)} bytes; {run.stderr.decode()[-500:]}")
        expect_in("connection resumed", run.stderr.decode())
        measured("cut connections of the client", run.stderr.decode().count("connection lost"))


@suite.check("the AWS CLI with our plugin does the same, between the official texts")
def plugin(context):
    content = noise(100_000)
    with Server(context.ssmsim) as server, \
            Destination(echo_and_end(len(content))) as destination:
        run = subprocess.run(
            [AWS, "--endpoint-url", server.endpoint, "ssm", "start-session", "--target", TARGET,
             "--document-name", "AWS-StartSSHSession", "--parameters",
             f"portNumber={destination.port}"],
            input=content, capture_output=True, timeout=TIMEOUT, check=False,
            env=aws_environment(PATH=os.path.dirname(context.ssmsim) + ":/usr/bin:/bin"))
        expect_equal(run.returncode, 0, run.stderr.decode())
        first, _, rest = run.stdout.partition(b"\n")[2].partition(b"\n")
        expect_in(b"Starting session with SessionId: ", first)
        expect(rest.startswith(content), "the content after the first line", rest[:100])
        expect_in(b"\n\nExiting session with sessionId: ", rest[len(content):])


if __name__ == "__main__":
    sys.exit(suite.main(Context))
