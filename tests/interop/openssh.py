"""OpenSSH over a session: ssh, scp, sftp and rsync, with the ProxyCommand lines of docs/connect.md,
and with connections that are cut on the way."""

import contextlib
import hashlib
import os
import pathlib
import shlex
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

import scale
from checks import Prepared, Skip, Suite, expect_equal, measured, wait_until
from server import AWS, TARGET, Server, aws_environment

SSHD = "/usr/sbin/sshd"
SECONDS = 300
# Names that shells, scp and rsync have stumbled over.
NAMES = ["plain", "with space", "quote'\"s", "new\nline", "-dash", "ünï", "dollar $HOME `x`"]

# By chance, so that no message is cut each time it is sent again.
CUTS = """
seed: 11
rules:
  - name: cut the client
    match: {message_type: input_stream_data, probability: 0.001}
    action: {close: {side: client}}
  - name: cut the client while it receives
    match: {message_type: output_stream_data, probability: 0.001}
    action: {close: {side: client}}
"""

suite = Suite(__doc__)


class Context(Prepared):
    def __init__(self, arguments):
        for program in (SSHD, "/usr/bin/ssh", "/usr/bin/rsync"):
            if not os.access(program, os.X_OK):
                raise Skip(f"{program} is not installed (Debian: openssh-server, rsync)")
        super().__init__(arguments)
        self.big_bytes = scale.choose(self.ssmsim, 200_000_000, 4_000_000)
        self.medium_bytes = scale.choose(self.ssmsim, 20_000_000, 2_000_000)


class Sshd:
    """An OpenSSH server of the test's own, with keys of its own, on a free port of the loopback."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
                            str(self.directory / name)], check=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        config = self.directory / "sshd_config"
        config.write_text(f"ListenAddress 127.0.0.1\nPort {self.port}\n"
                          f"HostKey {self.directory}/host\nPidFile none\n"
                          f"AuthorizedKeysFile {self.directory}/user.pub\n"
                          "StrictModes no\nUsePAM no\nPasswordAuthentication no\n"
                          "PermitRootLogin yes\nSubsystem sftp internal-sftp\n")
        pathlib.Path("/run/sshd").mkdir(exist_ok=True)
        self.log = self.directory / "sshd.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(config)],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self._listens, 20, "a listening sshd", self.log.read_text)

    def _listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.terminate()
        self.process.wait(20)


class Setup:
    """A server, an sshd, and the ssh_config that a user would have."""

    def __init__(self, context, server, sshd, directory, proxy):
        self.server = server
        self.directory = pathlib.Path(directory)
        self.environment = aws_environment(
            AWS_ENDPOINT_URL=server.endpoint,
            PATH=f"{os.path.dirname(context.ssmsim)}:/usr/bin:/bin", HOME=directory)
        self.config = self.directory / "ssh_config"
        self.config.write_text(
            f"Host i-*\n  Port {sshd.port}\n  ProxyCommand {proxy}\n"
            f"  IdentityFile {directory}/user\n  UserKnownHostsFile {directory}/known_hosts\n"
            "  StrictHostKeyChecking accept-new\n  LogLevel ERROR\n")

    def run(self, *command, content=None):
        options = {"stdin": subprocess.DEVNULL} if content is None else {"input": content}
        return subprocess.run(command, env=self.environment, capture_output=True, check=False,
                              timeout=SECONDS, cwd=self.directory, **options)

    def expect_ok(self, *command, content=None):
        run = self.run(*command, content=content)
        expect_equal((run.returncode, run.stderr.decode(errors="replace")), (0, ""), command[0])
        return run.stdout


CONNECT = "ssmsim connect ssh --quiet --target %h --port %p"


def aws_command(server):
    # The documented line; an AWS CLI this old does not know AWS_ENDPOINT_URL.
    return (f"{AWS} --endpoint-url {server.endpoint} ssm start-session --target %h "
            "--document-name AWS-StartSSHSession --parameters portNumber=%p")


@contextlib.contextmanager
def setup(context, faults=None, proxy=None):
    with tempfile.TemporaryDirectory(prefix="ssmsim-ssh-") as directory, \
            Server(context.ssmsim, faults=faults) as server, Sshd(directory) as sshd:
        yield Setup(context, server, sshd, directory, proxy(server) if proxy else CONNECT)


def noise(count, seed=1):
    return hashlib.shake_128(str(seed).encode()).digest(count)


def make_tree(root):
    """Small and larger files, empty ones and folders, with names that need quoting."""
    root.mkdir()
    for number, name in enumerate(NAMES):
        folder = root / name
        folder.mkdir()
        (folder / name).write_bytes(noise(number * 40_000, number))
    (root / "empty folder").mkdir()
    for number in range(100):
        (root / f"small-{number}").write_bytes(noise(number, number))
    return root


def tree_digest(root):
    digest = {}
    for path in sorted(root.rglob("*")):
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        digest[str(path.relative_to(root))] = content
    return digest


def file_digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def timed(what, count, action):
    begun = time.monotonic()
    action()
    seconds = time.monotonic() - begun
    measured(what, f"{count / seconds / 1e6:.1f} MB/s")


@suite.check("ssh runs a command: its output, errors and exit code")
def ssh_command(context):
    with setup(context) as s:
        content = noise(context.medium_bytes)
        run = s.run("ssh", "-F", s.config, TARGET, "sha256sum; echo to-stderr >&2; exit 7",
                    content=content)
        expect_equal(run.returncode, 7, run.stderr.decode())
        expect_equal(run.stdout.split()[0].decode(), hashlib.sha256(content).hexdigest())
        expect_equal(run.stderr, b"to-stderr\n")
    

@suite.check("scp copies a large file there and back")
def scp(context):
    with setup(context) as s:
        there, back = s.directory / "there", s.directory / "back"
        original = s.directory / "original"
        original.write_bytes(noise(context.big_bytes))
        timed("scp, upload", context.big_bytes,
              lambda: s.expect_ok("scp", "-F", s.config, original, f"{TARGET}:{there}"))
        timed("scp, download", context.big_bytes,
              lambda: s.expect_ok("scp", "-F", s.config, f"{TARGET}:{there}", back))
        expect_equal(file_digest(there), file_digest(original), "uploaded")
        expect_equal(file_digest(back), file_digest(original), "downloaded")


@suite.check("sftp puts and gets a tree")
def sftp(context):
    with setup(context) as s:
        tree = make_tree(s.directory / "tree")
        (s.directory / "put").mkdir()
        # Its batch language has no line ends in names.
        (tree / NAMES[3] / NAMES[3]).unlink()
        (tree / NAMES[3]).rmdir()
        batch = f"put -R {tree} {s.directory}/put\nget -R {s.directory}/put/tree {s.directory}/got\n"
        s.expect_ok("sftp", "-F", s.config, "-b", "-", TARGET, content=batch.encode())
        expect_equal(tree_digest(s.directory / "put" / "tree"), tree_digest(tree), "put")
        expect_equal(tree_digest(s.directory / "got"), tree_digest(tree), "got")


def rsync(s, source, target):
    s.expect_ok("rsync", "-a", "-e", f"ssh -F {shlex.quote(str(s.config))}", f"{source}/",
                f"{TARGET}:{target}")


def check_rsync(s):
    tree, copy = make_tree(s.directory / "tree"), s.directory / "copy"
    rsync(s, tree, copy)
    expect_equal(tree_digest(copy), tree_digest(tree), "first run")
    (tree / "small-7").write_bytes(b"changed, and longer")
    (tree / "added").write_bytes(noise(100_000))
    rsync(s, tree, copy)
    expect_equal(tree_digest(copy), tree_digest(tree), "second run")


@suite.check("rsync copies a tree, then what changed")
def rsync_tree(context):
    with setup(context) as s:
        check_rsync(s)


@suite.check("rsync and scp through connections that are cut")
def cuts(context):
    with setup(context, faults=CUTS) as s:
        check_rsync(s)
        original, there = s.directory / "original", s.directory / "there"
        original.write_bytes(noise(context.medium_bytes))
        s.expect_ok("scp", "-F", s.config, original, f"{TARGET}:{there}")
        expect_equal(file_digest(there), file_digest(original), "uploaded")
        wait_until(lambda: s.server.log().count("cut the client") >= 2, 20, "two cuts at least",
                   s.server.log)


@suite.check("the AWS CLI's ProxyCommand with session-manager-plugin")
def aws_cli(context):
    if not os.access(AWS, os.X_OK):
        raise Skip(f"{AWS} is not installed (Debian package awscli)")
    with setup(context, proxy=aws_command) as s:
        check_rsync(s)
        original, there = s.directory / "original", s.directory / "there"
        original.write_bytes(noise(context.medium_bytes))
        s.expect_ok("scp", "-F", s.config, original, f"{TARGET}:{there}")
        expect_equal(file_digest(there), file_digest(original), "uploaded")


sys.exit(suite.main(Context))
