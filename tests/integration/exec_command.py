"""`ssmsim connect exec`: streams apart, exit codes, arguments of every kind, large and binary output,
signals, cuts."""

import hashlib
import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

import scale
from checks import Prepared, Suite, expect, expect_equal, expect_in, measured
from server import END_SECONDS, TARGET, Server, clean_environment

suite = Suite(__doc__)
TIMEOUT = 120

CUTS = """
seed: 6
rules:
  - name: cut the client
    match: {message_type: output_stream_data, probability: 0.002}
    action: {close: {side: client}}
  - name: cut the agent
    match: {message_type: output_stream_data, probability: 0.002}
    action: {close: {side: agent}}
"""


class Context(Prepared):
    def __init__(self, arguments):
        super().__init__(arguments)
        self.bulk_bytes = scale.choose(self.ssmsim, 20_000_000, 2_000_000)

    def command(self, server, *arguments, options=()):
        return [self.ssmsim, "connect", "exec", "--endpoint", server.endpoint, "--target", TARGET,
                *options, "--", *arguments]

    def run(self, server, *arguments, options=(), stdin=b""):
        return subprocess.run(self.command(server, *arguments, options=options), input=stdin,
                              env=clean_environment(), capture_output=True, timeout=TIMEOUT,
                              check=False)


@suite.check("stdout, stderr and the exit code come apart")
def streams(context):
    with Server(context.ssmsim) as server:
        run = context.run(server, "sh", "-c", "echo out; echo err >&2; exit 7", stdin=b"unread")
        expect_equal((run.returncode, run.stdout, run.stderr), (7, b"out\n", b"err\n"))
        for code in (0, 1, 2, 3, 255):
            expect_equal(context.run(server, "sh", "-c", f"exit {code}").returncode, code)


@suite.check("arguments arrive as they were given")
def quoting(context):
    arguments = ["", " ", "a b", "it's", '"', "\\", "a\\'b", "$HOME", "`id`", "$(id)", "*", "~",
                 "#c", "a\nb\n", "\t!", "=", "&&", ";", "é", "-n", "{{ command }}"]
    with Server(context.ssmsim) as server:
        run = context.run(server, "printf", "<%s>", *arguments)
        expect_equal(run.stdout.decode(), "".join(f"<{one}>" for one in arguments),
                     run.stderr.decode())


@suite.check("large and binary output is whole, on both streams at once")
def bulk(context):
    with Server(context.ssmsim) as server:
        path = os.path.join(server.directory, "bulk with a blank")
        content = os.urandom(context.bulk_bytes)
        with open(path, "wb") as file:
            file.write(content)
        run = context.run(server, "sh", "-c", 'cat "$0" & cat "$0" >&2; wait', path)
        expect_equal(run.returncode, 0)
        for name, seen in (("stdout", run.stdout), ("stderr", run.stderr)):
            expect_equal(hashlib.sha256(seen).hexdigest(), hashlib.sha256(content).hexdigest(),
                         f"hash of {len(seen)} bytes of {name}")


@suite.check("cut at both ends, output and exit code are whole")
def cuts(context):
    with Server(context.ssmsim, faults=CUTS) as server:
        path = os.path.join(server.directory, "bulk")
        content = os.urandom(context.bulk_bytes // 4)
        with open(path, "wb") as file:
            file.write(content)
        run = context.run(server, "sh", "-c", 'cat "$0"; exit 5', path)
        expect_equal(run.returncode, 5, run.stderr.decode()[-500:])
        expect(run.stdout == content, f"{len(content)} bytes", f"{len(run.stdout)} bytes")
        lost = run.stderr.decode().count("connection lost")
        expect(lost > 0, "cut connections", run.stderr.decode()[-500:])
        measured("cut connections of the client", lost)


@suite.check("^C reaches the command")
def interrupt(context):
    with Server(context.ssmsim) as server, subprocess.Popen(
            context.command(server, "sh", "-c",
                            "trap 'echo caught; exit 9' INT; echo ready; while :; do sleep 0.1; done"),
            env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True) as process:
        expect_equal(process.stdout.readline(), b"ready\n")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=END_SECONDS)
        expect_equal((process.returncode, output), (9, b"caught\n"), errors.decode())
        expect_in("signal passed on", errors.decode())


@suite.check("a command that cannot be started says why, and --json who failed")
def not_started(context):
    with Server(context.ssmsim) as server:
        run = context.run(server, "/no/such/command", options=["--json"])
        *text, last = run.stderr.decode().splitlines()
        summary = json.loads(last)
        expect_equal(run.returncode, summary["status"])
        expect_equal(summary["exit_code"], 1, "exit code")
        expect_in("No such file", "\n".join(text))


@suite.check("with --tty there is a terminal and stdin")
def terminal(context):
    with Server(context.ssmsim) as server:
        run = context.run(server, "sh", "-c", "tty; read line; echo \"got $line\"",
                          options=["--tty"], stdin=b"word\n")
        expect_equal(run.returncode, 0, run.stderr.decode())
        expect_in(b"/dev/pts/", run.stdout)
        expect_in(b"got word", run.stdout)


if __name__ == "__main__":
    sys.exit(suite.main(Context))
