"""Sessions of every kind at the same time, with and without cuts, and a large paste."""

import concurrent.futures
import hashlib
import os
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

import scale
from checks import Prepared, Suite, expect_equal, wait_until
from forwarding import TIMEOUT, Destination, PortClient, echo, noise
from piped_shell import BEGIN, END, PipedShell, begin, end
from server import TARGET, Server, clean_environment
from terminal import TerminalProgram

CUTS = """
seed: 20
rules:
  - name: cut the client
    match: {message_type: output_stream_data, probability: 0.003}
    action: {close: {side: client}}
  - name: cut the client that sends
    match: {message_type: input_stream_data, probability: 0.003}
    action: {close: {side: client}}
"""

suite = Suite(__doc__)


class Context(Prepared):
    def __init__(self, arguments):
        super().__init__(arguments)
        self.bytes = scale.choose(self.ssmsim, 1_000_000, 200_000)


def shell(server, context, number):
    """Numbered lines, all of them and once."""
    last = context.bytes // 20
    with PipedShell(server, timeout=TIMEOUT) as one:
        one.type(f"{begin()}; seq -f 'line %.0f of {number}' {last}; {end()}; exit\n")
        one.skip_to(BEGIN)
        seen = b"".join(one.stream_to(END))
        expect_equal(one.finish(), 0, f"exit status, {bytes(one.notes)}")
    expect_equal(hashlib.sha256(seen).hexdigest(), hashlib.sha256(
        b"".join(b"line %d of %d\n" % (i, number) for i in range(1, last + 1))).hexdigest(),
        f"hash of the {len(seen)} bytes of shell {number}")


def command(server, context, number):
    content = f"printf '%0{context.bytes}d' {number}; echo error-{number} >&2; exit {number}"
    run = subprocess.run([server.ssmsim, "connect", "exec", "--quiet", "--endpoint",
                          server.endpoint, "--target", TARGET, "--", "sh", "-c", content],
                         env=clean_environment(), capture_output=True, timeout=TIMEOUT, check=False)
    expect_equal(run.returncode, number, run.stderr[-300:])
    expect_equal(run.stderr, b"error-%d\n" % number)
    expect_equal(hashlib.sha256(run.stdout).hexdigest(),
                 hashlib.sha256(b"%0*d" % (context.bytes, number)).hexdigest())


def port(server, context, number):
    content = noise(context.bytes, number)
    with Destination(echo) as destination, \
            PortClient(server, f"0:localhost:{destination.port}") as ports:
        answer = ports.exchange(content)
    expect_equal(hashlib.sha256(answer).hexdigest(), hashlib.sha256(content).hexdigest(),
                 f"hash of the {len(answer)} of {len(content)} bytes of port {number}")


def check_twenty(context, faults=None):
    with Server(context.ssmsim, faults=faults) as server:
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            running = [pool.submit((shell, command, port)[i % 3], server, context, i)
                       for i in range(20)]
            for one in running:
                one.result()
        server.expect_idle()
        if faults:
            wait_until(lambda: server.log().count("cut the client") >= 10, 20, "ten cuts at least",
                       server.log)


@suite.check("20 sessions of three kinds at once")
def twenty(context):
    check_twenty(context)


@suite.check("20 sessions of three kinds at once, cut again and again")
def twenty_cut(context):
    check_twenty(context, CUTS)


def check_paste(context, faults=None):
    text = noise(500_000).hex().encode()
    with Server(context.ssmsim, faults=faults) as server, \
            TerminalProgram([server.ssmsim, "connect", "shell", "--quiet", "--endpoint",
                             server.endpoint, "--target", TARGET], clean_environment()) as terminal:
        terminal.expect(rb"# $")
        wait_until(terminal.is_raw, 20, "a raw terminal", terminal.modes)
        terminal.send(f"stty raw -echo; echo re''ady; head -c {len(text)} | sha256sum; exit\r")
        terminal.expect(rb"\nready")
        typist = threading.Thread(target=terminal.send, args=(text,), daemon=True)
        typist.start()
        seen = terminal.expect(rb"([0-9a-f]{64})  -").group(1).decode()
        typist.join(TIMEOUT)
        expect_equal(seen, hashlib.sha256(text).hexdigest())
        expect_equal(terminal.wait(), 0)
        if faults:
            wait_until(lambda: "cut the client" in server.log(), 20, "a cut", server.log)


@suite.check("a paste of 1 MB into a terminal")
def paste(context):
    check_paste(context)


@suite.check("a paste of 1 MB into a terminal while the connection is cut")
def paste_cut(context):
    check_paste(context, CUTS)


if __name__ == "__main__":
    sys.exit(suite.main(Context))
