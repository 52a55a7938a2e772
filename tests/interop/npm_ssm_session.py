"""The npm package ssm-session as a client. It pads message types on the left, sends digests that
are never right, and acknowledges even acknowledgements; AWS takes all of it, so an agent that
behaves as a real one must too."""

import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

from checks import EXIT_SKIPPED, Failure, Skip, Suite, expect_equal, shorten
from server import Server, clean_environment

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "npm_ssm_session")
INSTALL_SECONDS = 120

suite = Suite(__doc__)


def caller_environment():
    """npm and node are where the caller has them, and so is the registry."""
    kept = {name: os.environ[name] for name in ("PATH", "HTTPS_PROXY", "https_proxy")
            if name in os.environ}
    return clean_environment(NODE_OPTIONS=None, **kept)


def install(directory):
    programs = {name: shutil.which(name, path=caller_environment()["PATH"])
                for name in ("node", "npm")}
    for name, path in programs.items():
        if path is None:
            raise Skip(f"{name} is not installed")
    for name in ("package.json", "client.js"):
        shutil.copy(os.path.join(SOURCE, name), directory)
    command = [programs["npm"], "install", "--no-package-lock", "--ignore-scripts", "--no-audit",
               "--no-fund", "--fetch-retries=1", f"--cache={directory}/cache"]
    try:
        result = subprocess.run(command, cwd=directory, env=caller_environment(), text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired as timeout:
        raise Skip(f"npm install did not end in {INSTALL_SECONDS} s") from timeout
    if re.search("E404|ETARGET|EINTEGRITY", result.stdout):
        raise Failure(f"expected the pinned packages, seen {shorten(result.stdout)}")
    if result.returncode != 0:
        raise Skip(f"the npm registry cannot be used: {shorten(result.stdout)}")
    return programs["node"]


class Client:
    def __init__(self, server):
        self.server = server
        started = server.api.start()
        environment = clean_environment(SSM_STREAM_URL=started["StreamUrl"],
                                        SSM_TOKEN=started["TokenValue"],
                                        PATH=caller_environment()["PATH"])
        self.output = b""
        self.process = subprocess.Popen([node, "client.js"], cwd=installed, env=environment,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.kill()
        self.process.communicate()

    def type(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def expect(self, text, seconds=60):
        """Reads until the text comes behind what was expected before; returns what was between."""
        wanted = text.encode()
        deadline = time.monotonic() + seconds
        while wanted not in self.output:
            left = deadline - time.monotonic()
            ready = left > 0 and select.select([self.process.stdout], [], [], left)[0]
            data = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not data:
                raise Failure(f"expected {text!r}, seen {shorten(self.output)} and then "
                              f"{'the end' if ready else 'nothing'}")
            self.output += data
        before, _, self.output = self.output.partition(wanted)
        return before.decode(errors="replace")


def check_with(name):
    def register(function):
        @suite.check(name)
        def run(arguments):
            with Server(arguments.ssmsim, "--agent-profile", "agent-3.3") as server:
                with Client(server) as client:
                    client.expect("# ")
                    function(client)
                    client.type("exit\n")
                    client.expect("[channel closed]\n")
                    expect_equal(client.process.wait(30), 0, "exit status")
                server.expect_idle()

        return run

    return register


@check_with("command_and_output")
def command(client):
    client.type("echo re''sult-$((40 + 2))\n")
    client.expect("\r\nresult-42\r\n")


@check_with("window_size")
def window_size(client):
    client.type("stty size\n")
    client.expect("\r\n34 197\r\n")


@check_with("utf8")
def utf8(client):
    client.type("echo 'Grüße-€-日本語-🙂' | tr -d '-'\n")
    client.expect("\r\nGrüße€日本語🙂\r\n")


@check_with("much_output_complete_and_in_order")
def much_output(client):
    client.type("seq 5000; echo al''l\n")
    client.expect("al''l\r\n")
    printed = client.expect("\r\nall\r\n").split("\r\n")
    expect_equal(printed, [str(number) for number in range(1, 5001)], "lines")


@check_with("interrupt")
def interrupt(client):
    client.type("echo go''ing; sleep 1000\n")
    client.expect("\r\ngoing\r\n")
    client.server.wait_program("sleep 1000")
    client.type("\x03")
    client.expect("^C")
    client.expect("# ")


def main():
    global node, installed
    with tempfile.TemporaryDirectory(prefix="npm-ssm-session-") as installed:
        try:
            node = install(installed)
        except Skip as skip:
            print(f"SKIP: {skip}")
            return EXIT_SKIPPED
        except Failure as failure:
            print(f"not ok install: {failure}")
            return 1
        return suite.main()


if __name__ == "__main__":
    sys.exit(main())
