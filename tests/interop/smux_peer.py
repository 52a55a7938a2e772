"""github.com/xtaci/smux, as Debian packages it, on the other end of our multiplexer.

The argument is smux_peer_driver, which runs our side; smux_peer/main.go is the other one. The
program is built from what is installed: nothing is downloaded.
"""

import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

from checks import Failure, Skip, Suite, shorten
from server import clean_environment

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "smux_peer", "main.go")
GOPATH = "/usr/share/gocode"
MEBIBYTE = 1024 * 1024

suite = Suite(__doc__)


def build(directory):
    path = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/local/go/bin"
    go = shutil.which("go", path=path)
    if go is None:
        raise Skip("go is not installed")
    if not os.path.isdir(os.path.join(GOPATH, "src/github.com/xtaci/smux")):
        raise Skip("golang-github-xtaci-smux-dev is not installed")
    environment = clean_environment(PATH=path, GOPATH=GOPATH, GO111MODULE="off", GOFLAGS=None,
                                    GOTOOLCHAIN="local", CGO_ENABLED="0")
    if "HOME" not in environment:
        environment["GOCACHE"] = os.path.join(directory, "cache")
    program = os.path.join(directory, "smux_peer")
    run = subprocess.run([go, "build", "-o", program, SOURCE], cwd=directory, env=environment,
                         text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=600)
    if run.returncode != 0:
        raise Failure(f"expected go build to work, seen {shorten(run.stderr)}")
    return program


class Peer:
    """Built once, by the first check."""

    def __init__(self):
        self._directory = tempfile.TemporaryDirectory()
        self._program = None

    def program(self):
        if self._program is None:
            self._program = build(self._directory.name)
        return self._program


peer = Peer()


def exchange(arguments, what, version, streams, size):
    command = [arguments.ssmsim, peer.program(), what, str(version), str(streams), str(size)]
    done = subprocess.run(command, text=True, stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=60)
    if done.returncode != 0:
        raise Failure(f"expected exit code 0, seen {done.returncode}: {shorten(done.stderr)}")
    if what == "serve" and f"ok {streams} {streams * size}" not in done.stdout:
        raise Failure(f"expected the peer to say ok, seen {shorten(done.stdout)}")


@suite.check("v1: 40 MiB each way on 40 streams that we open")
def client_1(arguments):
    exchange(arguments, "echo", 1, 40, MEBIBYTE)


@suite.check("v2: 40 MiB each way on 40 streams that we open")
def client_2(arguments):
    exchange(arguments, "echo", 2, 40, MEBIBYTE)


@suite.check("v1: 40 MiB each way on 40 streams that the peer opens")
def server_1(arguments):
    exchange(arguments, "serve", 1, 40, MEBIBYTE)


@suite.check("v2: 40 MiB each way on 40 streams that the peer opens")
def server_2(arguments):
    exchange(arguments, "serve", 2, 40, MEBIBYTE)


@suite.check("v1: one stream of 32 MiB")
def long_stream(arguments):
    exchange(arguments, "echo", 1, 1, 32 * MEBIBYTE)


@suite.check("v1: 1500 small streams, either way")
def many_streams(arguments):
    exchange(arguments, "echo", 1, 1500, 100)
    exchange(arguments, "serve", 1, 1500, 100)


@suite.check("v1 and v2: the peer answers after our FIN")
def half_close(arguments):
    exchange(arguments, "half-close", 1, 20, MEBIBYTE)
    exchange(arguments, "half-close", 2, 20, MEBIBYTE)


@suite.check("v1: keep-alive on both sides keeps an idle session")
def keepalive(arguments):
    exchange(arguments, "keepalive", 1, 3, 1000)


@suite.check("v1: the peer closes a session in which we send no keep-alive")
def silence(arguments):
    exchange(arguments, "silence", 1, 0, 0)


sys.exit(suite.main())
