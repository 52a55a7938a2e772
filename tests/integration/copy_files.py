"""`ssmsim connect cp`: files and trees both ways by every kind of session, odd names, modes and times,
cuts, interruptions, and what stands in the way."""

import fcntl
import hashlib
import json
import os
import pty
import re
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import termios

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

import scale
from checks import Suite, expect, expect_equal, expect_in, measured, wait_until
from server import END_SECONDS, TARGET, Server, clean_environment

suite = Suite(__doc__)
TIMEOUT = 240
UP = ("shell", "port")
DOWN = ("command", "shell")
PARTIAL = ".ssmsim-part-"

CUTS = """
seed: 8
rules:
  - name: cut the client
    match: {message_type: MESSAGE, probability: 0.002}
    action: {close: {side: client}}
  - name: cut the agent
    match: {message_type: MESSAGE, probability: 0.002}
    action: {close: {side: agent}}
"""

ODD_NAMES = ["a b", "it's", '"', "-rf", "--", "new\nline", "tab\t", "\x01\x03\x04\x1a\x7f", "é", "\udcff",
             "$HOME", "`id`", "*", "~", "\\", "\\n", "a:b", "#", ".hidden", "x" * 255, "end\n"]


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)
    return path


def tree_of(top):
    """What a tree is: kinds, contents, targets of links."""
    found = {}
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(folder, name)
            key = os.path.relpath(path, top)
            if os.path.islink(path):
                found[key] = "-> " + os.readlink(path)
            else:
                found[key] = "folder" if os.path.isdir(path) else digest(path)
    return found


def modes_of(top):
    found = {}
    for folder, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                status = os.stat(path)
                found[os.path.relpath(path, top)] = (stat.S_IMODE(status.st_mode), int(status.st_mtime))
    return found


def partials(folder):
    return [name for name in os.listdir(folder) if name.startswith(PARTIAL)]


class Context:
    def __init__(self, arguments):
        self.ssmsim = arguments.ssmsim
        self.bulk_bytes = scale.choose(self.ssmsim, 50_000_000, 4_000_000)
        # Enough for a copy to be caught in the middle.
        self.while_bytes = scale.choose(self.ssmsim, 20_000_000, 4_000_000)

    def __enter__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="ssmsim-copy-")
        self.here = os.path.join(self.temporary.name, "here")
        self.there = os.path.join(self.temporary.name, "there")
        return self

    def __exit__(self, *unused):
        self.temporary.cleanup()

    def clear(self):
        for folder in (self.here, self.there):
            shutil.rmtree(folder, ignore_errors=True)
            os.mkdir(folder)

    def command(self, server, *arguments):
        return [self.ssmsim, "connect", "cp", "--endpoint", server.endpoint, *arguments]

    def run(self, server, *arguments, prefix=()):
        run = subprocess.run([*prefix, *self.command(server, "--json", *arguments)],
                             env=clean_environment(), capture_output=True, timeout=TIMEOUT,
                             stdin=subprocess.DEVNULL, check=False)
        run.errors = run.stderr.decode(errors="replace")
        run.result = json.loads(run.stdout) if run.stdout else None
        return run

    def copy(self, server, *arguments):
        run = self.run(server, *arguments)
        expect_equal(run.returncode, 0, run.errors)
        return run


def remote(path):
    return f"{TARGET}:{path}"


def both_ways():
    return [("up", via) for via in UP] + [("down", via) for via in DOWN]


def ends(context, way):
    """Folders of source and destination, and the destination as an argument."""
    context.clear()
    if way == "up":
        return context.here, context.there, lambda path: path, remote
    return context.there, context.here, remote, lambda path: path


@suite.check("files of 0, 1 and many bytes, of every value, arrive whole")
def contents(context):
    bulk = bytes(range(256)) * 64 + os.urandom(context.bulk_bytes)
    with Server(context.ssmsim) as server:
        for way, via in both_ways():
            source, destination, at_source, at_destination = ends(context, way)
            write(os.path.join(source, "empty"), b"")
            write(os.path.join(source, "one"), b"\0")
            write(os.path.join(source, "lines"), b"\n\r\n\x04\x03\n" * 1000)
            write(os.path.join(source, "bulk"), bulk)
            small = [at_source(os.path.join(source, name)) for name in ("empty", "one", "lines")]
            context.copy(server, "--via", via, *small, at_destination(destination))
            run = context.copy(server, "-v", "--via", via, at_source(os.path.join(source, "bulk")),
                               at_destination(os.path.join(destination, "bulk")))
            expect_equal(tree_of(destination), tree_of(source), f"{way} by {via}")
            expect_equal(partials(destination), [], "partial files")
            expect_in(f"copying by a {via} session", run.errors)
            expect_equal((run.result["via"], run.result["bytes"]), (via, len(bulk)))
            measured(f"MB/s {way} by {via}", round(len(bulk) / run.result["seconds"] / 1e6, 1))


@suite.check("a way is chosen when none is named")
def automatic(context):
    with Server(context.ssmsim) as server:
        for way, size, via in (("up", 10, "shell"), ("up", 5_000_000, "port"), ("down", 10, "command")):
            source, destination, at_source, at_destination = ends(context, way)
            write(os.path.join(source, "file"), os.urandom(size))
            run = context.copy(server, at_source(os.path.join(source, "file")),
                               at_destination(destination))
            expect_equal(run.result["via"], via)
            expect_equal(run.errors, "", "quiet on success")
            expect_equal(tree_of(destination), tree_of(source))


@suite.check("an agent without command sessions is copied to and from by its shell")
def old_agent(context):
    with Server(context.ssmsim, "--agent", "i-old=agent-2.3") as server:
        for way in ("up", "down"):
            source, destination, at_source, at_destination = ends(context, way)
            path = write(os.path.join(source, "file"), os.urandom(4_000_000))
            run = context.copy(server, "-v", *(place.replace(TARGET, "i-old") for place in
                                               (at_source(path), at_destination(destination))))
            expect_equal(run.result["via"], "shell")
            expect_in("NonInteractiveCommands is not supported", run.errors)
            expect_equal(tree_of(destination), tree_of(source))


@suite.check("trees with odd names, links and empty folders, with modes and times on request")
def trees(context):
    with Server(context.ssmsim) as server:
        for way, via in both_ways():
            source, destination, at_source, at_destination = ends(context, way)
            top = os.path.join(source, "a tree")
            for folder in (top, os.path.join(top, "-p q'"), os.path.join(top, "empty")):
                os.mkdir(folder)
            for index, name in enumerate(ODD_NAMES):
                path = os.path.join(top, "-p q'" if index % 2 else "", name)
                write(path, name.encode(errors="surrogateescape") * index)
                os.chmod(path, (0o600, 0o755, 0o444)[index % 3])
                os.utime(path, (1, 1_000_000_000 + index))
            os.symlink("../no such\nthing", os.path.join(top, "link"))
            os.symlink("/", os.path.join(top, "root"))
            os.chmod(os.path.join(top, "empty"), 0o500)
            os.utime(os.path.join(top, "empty"), (1, 1_100_000_000))
            run = context.copy(server, "-r", "-p", "--via", via, at_source(top),
                               at_destination(destination))
            expect_equal(tree_of(destination), tree_of(source), f"{way} by {via}: {run.errors}")
            expect_equal(modes_of(destination), modes_of(source), f"{way} by {via}")
            # The name of the copy may be another, and a second copy finds everything there.
            again = os.path.join(destination, "again\n x")
            for resumed in (False, True):
                target = again if not resumed else os.path.join(destination, "a tree")
                arguments = ["--resume"] if resumed else []
                place = at_destination(target if not resumed else destination)
                run = context.copy(server, "-r", *arguments, "--via", via, at_source(top), place)
                expect_equal(tree_of(target), tree_of(top), f"{way} by {via}")
            expect_equal(run.result["resumed_bytes"], run.result["bytes"])


@suite.check("with -p not given, a new file has the umask's mode and a replaced one keeps its own")
def modes(context):
    with Server(context.ssmsim) as server:
        for way, via in both_ways():
            source, destination, at_source, at_destination = ends(context, way)
            os.chmod(write(os.path.join(source, "script"), b"#!"), 0o700)
            os.chmod(write(os.path.join(source, "kept"), b"new"), 0o600)
            os.chmod(write(os.path.join(destination, "kept"), b"old content"), 0o640)
            context.copy(server, "--via", via, *(at_source(os.path.join(source, name))
                                                 for name in ("script", "kept")),
                         at_destination(destination))
            seen = {name: mode for name, (mode, _) in modes_of(destination).items()}
            expect_equal(seen, {"script": 0o755, "kept": 0o640}, f"{way} by {via}")
            expect_equal(tree_of(destination), tree_of(source))


@suite.check("cut at both ends, everything arrives")
def cuts(context):
    content = os.urandom(min(context.bulk_bytes, 3_000_000))
    for way, message in (("up", "input_stream_data"), ("down", "output_stream_data")):
        with Server(context.ssmsim, faults=CUTS.replace("MESSAGE", message)) as server:
            for via in UP if way == "up" else DOWN:
                source, destination, at_source, at_destination = ends(context, way)
                write(os.path.join(source, "file"), content)
                run = context.copy(server, "--via", via, at_source(os.path.join(source, "file")),
                                   at_destination(destination))
                expect_equal(tree_of(destination), tree_of(source))
                measured(f"cut connections {way} by {via}", run.errors.count("connection lost"))
                expect("connection lost" in run.errors, "cut connections", run.errors[-500:])


@suite.check("an interrupted copy leaves the old file as it was and goes on with --resume")
def interrupted(context):
    content = os.urandom(context.while_bytes)
    with Server(context.ssmsim) as server:
        for way, via in both_ways():
            for number in (signal.SIGINT, signal.SIGKILL):
                source, destination, at_source, at_destination = ends(context, way)
                write(os.path.join(source, "file"), content)
                write(os.path.join(destination, "file"), b"good")
                arguments = ["--via", via, at_source(os.path.join(source, "file")),
                             at_destination(os.path.join(destination, "file"))]
                with subprocess.Popen(context.command(server, *arguments), env=clean_environment(),
                                      stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.PIPE, start_new_session=True) as process:

                    def some_came():
                        return any(os.path.getsize(os.path.join(destination, name)) > 200_000
                                   for name in partials(destination))

                    wait_until(some_came, END_SECONDS, "a partial file")
                    process.send_signal(number)
                    _, errors = process.communicate(timeout=END_SECONDS)
                    expect_equal(process.returncode, -number, errors.decode())
                if number == signal.SIGINT:
                    expect_in("--resume", errors.decode())
                with open(os.path.join(destination, "file"), "rb") as file:
                    expect_equal(file.read(), b"good", f"{way} by {via}")
                expect_equal(len(partials(destination)), 1, "partial files")
                run = context.copy(server, "--resume", *arguments)
                expect_equal(tree_of(destination), tree_of(source), f"{way} by {via}")
                expect(run.result["resumed_bytes"] >= 100_000, "resumed bytes", run.result)
                expect_equal(run.result["bytes"], len(content))


@suite.check("a partial file that is not of this source is found out")
def foreign_partial(context):
    with Server(context.ssmsim) as server:
        for way, via in both_ways():
            source, destination, at_source, at_destination = ends(context, way)
            path = write(os.path.join(source, "file"), os.urandom(1_000_000))
            name = PARTIAL + hashlib.sha256(b"file").hexdigest()[:16]
            write(os.path.join(destination, name), b"something else")
            write(os.path.join(destination, "file"), b"good")
            arguments = ["--via", via, at_source(path), at_destination(destination)]
            run = context.run(server, "--resume", *arguments)
            expect_equal(run.returncode, 1, run.errors)
            expect_in("SHA-256", run.errors)
            expect_in("an earlier run had left", run.errors)
            expect_equal(os.listdir(destination), ["file"])
            expect_equal(os.path.getsize(os.path.join(destination, "file")), 4)
            context.copy(server, *arguments)
            expect_equal(tree_of(destination), tree_of(source))


@suite.check("a source that changes while it is read is told, and nothing takes its place")
def changing(context):
    with Server(context.ssmsim) as server:
        for way, via in both_ways():
            source, destination, at_source, at_destination = ends(context, way)
            path = write(os.path.join(source, "file"), os.urandom(context.while_bytes))
            with subprocess.Popen(context.command(server, "--via", via, at_source(path),
                                                  at_destination(destination)),
                                  env=clean_environment(), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
                wait_until(lambda: any(os.path.getsize(os.path.join(destination, name)) > 0
                                       for name in partials(destination)), END_SECONDS,
                           "a partial file")
                os.truncate(path, context.while_bytes - 7)
                _, errors = process.communicate(timeout=TIMEOUT)
            expect_equal(process.returncode, 1, errors.decode())
            expect_in("changed", errors.decode())
            expect_equal(os.listdir(destination), [], f"{way} by {via}")


@suite.check("what stands in the way is told, the rest is copied")
def refusals(context):
    with Server(context.ssmsim) as server:
        for way, via in both_ways():
            source, destination, at_source, at_destination = ends(context, way)
            good = write(os.path.join(source, "good"), b"good")
            os.mkdir(os.path.join(source, "folder"))
            os.mkdir(os.path.join(destination, "taken"))
            os.mkfifo(os.path.join(source, "fifo"))
            write(os.path.join(source, "taken"), b"x")

            def fails(text, *arguments, code=1):
                run = context.run(server, "--via", via, *arguments)
                expect_equal(run.returncode, code, f"{way} by {via}: {run.errors}")
                expect(re.search(text, run.errors), text, run.errors)
                return run

            there = at_destination(destination)
            fails("no such file", at_source(os.path.join(source, "none")), there)
            fails("-r copies folders", at_source(os.path.join(source, "folder")), there)
            fails("no regular file|not a regular file", at_source(os.path.join(source, "fifo")), there)
            fails("it is a folder", at_source(os.path.join(source, "taken")), there)
            fails("no folder", at_source(good), at_source(os.path.join(source, "taken")),
                  at_destination(os.path.join(destination, "absent")))
            fails("[Nn]o such file|nonexistent", at_source(good),
                  at_destination(os.path.join(destination, "absent", "file")))
            fails("[Pp]ermission|Read-only|Operation not permitted", at_source(good),
                  at_destination("/sys/good"))
            expect_equal(os.listdir(destination), ["taken"])
            run = fails("no such file", at_source(os.path.join(source, "none")), at_source(good), there)
            expect_equal(sorted(os.listdir(destination)), ["good", "taken"])
            expect_equal((run.result["files"], len(run.result["errors"])), (1, 1))


@suite.check("a full disk is told, and the old file stays")
def full_disk(context):
    context.clear()
    probe = subprocess.run(["/usr/bin/unshare", "-m", "mount", "-t", "tmpfs", "none", context.there],
                           capture_output=True, check=False)
    if probe.returncode != 0:
        measured("skipped: no mount namespace", probe.stderr.decode().strip())
        return
    wrapper = os.path.join(context.temporary.name, "small-disk")
    with open(wrapper, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\nexec unshare -m sh -c 'mount -t tmpfs -o size=1m none \"$0\" && "
                   f"echo good >\"$0/file\" && exec \"$@\"' \"$SMALL\" {context.ssmsim} \"$@\"\n")
    os.chmod(wrapper, 0o755)
    path = write(os.path.join(context.here, "file"), os.urandom(3_000_000))
    os.environ["SMALL"] = context.there
    with Server(wrapper) as server:
        for via in UP:
            run = context.run(server, "--via", via, path, remote(context.there))
            expect_equal(run.returncode, 1, run.errors)
            expect_in("No space left", run.errors)
            look = subprocess.run([context.ssmsim, "connect", "exec", "--endpoint", server.endpoint,
                                   "--target", TARGET, "--", "sh", "-c",
                                   'ls -A "$0"; cat "$0/file"', context.there],
                                  env=clean_environment(), capture_output=True, timeout=TIMEOUT,
                                  check=False)
            expect_equal(look.stdout, b"file\ngood\n", f"by {via}")
    with Server(context.ssmsim) as server:
        for via in DOWN:
            command = [wrapper, *context.command(server, "--via", via, remote(path),
                                                 context.there)[1:]]
            run = subprocess.run(
                ["/usr/bin/unshare", "-m", "sh", "-c",
                 'mount -t tmpfs -o size=1m none "$0" && echo good >"$0/file"; shift 0; "$@"; '
                 'code=$?; ls -A "$0"; cat "$0/file"; exit $code', context.there,
                 context.ssmsim, *command[1:]],
                env=clean_environment(), capture_output=True, timeout=TIMEOUT, check=False)
            expect_equal(run.returncode, 1, run.stderr.decode())
            expect_in("No space left", run.stderr.decode())
            expect_equal(run.stdout, b"file\ngood\n", f"by {via}")


def on_terminal(context, server, *arguments):
    """What it writes on a terminal of 79 columns."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with subprocess.Popen(context.command(server, *arguments), env=clean_environment(),
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=slave) as process:
        os.close(slave)
        shown = b""
        try:
            while part := os.read(master, 4096):
                shown += part
        except OSError:  # the last writer has gone
            pass
        os.close(master)
        expect_equal(process.wait(END_SECONDS), 0, shown.decode())
    return shown.decode()


@suite.check("a terminal shows bytes, rate and time, unless quiet is asked for")
def progress(context):
    with Server(context.ssmsim) as server:
        for way, via in both_ways():
            source, destination, at_source, at_destination = ends(context, way)
            path = write(os.path.join(source, "file"), os.urandom(4_000_000))
            arguments = ["--via", via, at_source(path), at_destination(destination)]
            shown = on_terminal(context, server, *arguments)
            expect_in("100%    4.0 MB", shown)
            # A fast copy shows its last line only.
            expect(re.search(r"B/s \d+:\d\d", shown), "a rate and a time", shown)
            expect(all(len(line.removesuffix("\x1b[K")) < 80 for line in shown.strip().split("\r")),
                   "lines that fit", shown)
            expect_equal(on_terminal(context, server, "--quiet", *arguments), "")


@suite.check("wrong uses and lost services have exit codes of their own")
def codes(context):
    context.clear()
    path = write(os.path.join(context.here, "file"), b"x")
    with Server(context.ssmsim) as server:
        for arguments in (["a"], ["a", "b"], [remote("a"), remote("b")], ["--via", "command", path,
                          remote("/tmp")], ["--via", "port", remote("/a"), "b"], [":a", "b"],
                          [remote("/a"), "i-other:/a", "."]):
            run = context.run(server, *arguments)
            expect_equal(run.returncode, 2, f"{arguments}: {run.errors}")
        run = context.run(server, path, "i-none:/tmp")
        expect_equal((run.returncode, run.result["status"]), (3, 3), run.errors)
        expect_in("TargetNotConnected", run.errors)


if __name__ == "__main__":
    sys.exit(suite.main(Context))
