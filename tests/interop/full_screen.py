"""Full-screen programs in a tmux through `ssmsim connect shell`: what is on the screen is compared
with the same program in a tmux of its own, also after the window was resized."""

import os
import shlex
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

from checks import Skip, Suite, wait_until
from server import TARGET, Server, clean_environment

suite = Suite(__doc__)


class Tmux:
    """One terminal of a given size with a tmux server of its own."""

    def __init__(self, directory, name, command, columns=100, rows=30):
        self._socket = os.path.join(directory, f"tmux-{name}")
        self._environment = clean_environment(TMUX=None, HOME=directory, SHELL="/bin/sh",
                                              PS1="$ ", ENV=None)
        self.run("new-session", "-d", "-x", str(columns), "-y", str(rows), command)

    def run(self, *arguments):
        return subprocess.run(["tmux", "-f", "/dev/null", "-S", self._socket, *arguments],
                              env=self._environment, capture_output=True, text=True, check=True,
                              stdin=subprocess.DEVNULL, timeout=30).stdout

    def type(self, *keys):
        self.run("send-keys", *keys)

    def resize(self, columns, rows):
        self.run("resize-window", "-x", str(columns), "-y", str(rows))

    def screen(self):
        return self.run("capture-pane", "-p")

    def expect(self, text):
        wait_until(lambda: text in self.screen(), 20, f"{text!r} on the screen", self.screen)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        subprocess.run(["tmux", "-S", self._socket, "kill-server"], capture_output=True, check=False)


def need(*programs):
    for program in ("tmux", *programs):
        if not os.access(f"/usr/bin/{program}", os.X_OK):
            raise Skip(f"/usr/bin/{program} is not installed")


class Pair:
    """The same shell twice: through a session, and without one."""

    def __init__(self, ssmsim, directory):
        self._server = Server(ssmsim)
        connect = [ssmsim, "connect", "shell", "--quiet", "--endpoint", self._server.endpoint,
                   "--target", TARGET]
        self.remote = Tmux(directory, "remote", shlex.join(connect))
        self.local = Tmux(directory, "local", "sh")
        for one in self.both():
            one.expect("#" if one is self.remote else "$")
            # The same environment and an empty screen for both.
            one.type(f"cd {directory}; TERM=screen PS1='> ' LC_ALL=C.UTF-8; "
                     "export TERM LC_ALL; clear", "Enter")
            wait_until(lambda one=one: one.screen().rstrip() == ">", 20, "an empty screen",
                       one.screen)

    def both(self):
        return (self.remote, self.local)

    def type(self, *keys):
        for one in self.both():
            one.type(*keys)

    def resize(self, columns, rows):
        for one in self.both():
            one.resize(columns, rows)

    def expect_same(self, text):
        for one in self.both():
            one.expect(text)
        wait_until(lambda: self.remote.screen() == self.local.screen(), 20, self.local.screen(),
                   self.remote.screen)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        for one in self.both():
            one.__exit__()
        self._server.__exit__(kind, error, trace)


def lines(directory, count=500):
    with open(os.path.join(directory, "text"), "w", encoding="utf-8") as file:
        file.writelines(f"line {i} of the text, ünï {'=' * (i % 90)} end\n" for i in range(count))


def content_of(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


@suite.check("less: pages, a search, its end, a resize")
def less(arguments):
    need("less")
    with tempfile.TemporaryDirectory() as directory:
        lines(directory)
        with Pair(arguments.ssmsim, directory) as pair:
            pair.type("less text", "Enter")
            pair.expect_same("line 3 ")
            pair.type("Space")
            pair.expect_same("line 40 ")
            pair.type("/line 333", "Enter")
            pair.expect_same("line 333 ")
            pair.resize(72, 17)
            pair.type("G")
            pair.expect_same("line 499 ")
            pair.type("q")
            pair.expect_same(">")


@suite.check("vim: edits, a split window, a resize, a written file")
def vim(arguments):
    need("vim")
    with tempfile.TemporaryDirectory() as directory:
        lines(directory)
        for one in ("remote", "local"):
            os.link(os.path.join(directory, "text"), os.path.join(directory, one))
        with Pair(arguments.ssmsim, directory) as pair:
            pair.type("vim -u NONE -N -n text", "Enter")
            pair.expect_same("line 3 ")
            pair.type("10Gihello from here ", "Escape")
            pair.expect_same("hello from here line 9 ")
            pair.type(":split +200", "Enter")
            pair.expect_same("line 199 ")
            pair.resize(64, 40)
            pair.expect_same("line 199 ")
            pair.type(":qa!", "Enter")
            pair.expect_same(">")
            pair.remote.type("vim -u NONE -N -n written", "Enter")
            pair.remote.expect("written")
            pair.remote.type("ioverwritten", "Escape", ":wq", "Enter")
            wait_until(lambda: "overwritten" in content_of(os.path.join(directory, "written")), 20,
                       "the file with what was typed")


@suite.check("top draws its screen and leaves it")
def top(arguments):
    need("top")
    with tempfile.TemporaryDirectory() as directory, Pair(arguments.ssmsim, directory) as pair:
        pair.remote.type("top", "Enter")
        pair.remote.expect("load average")
        pair.remote.resize(120, 20)
        pair.remote.expect("COMMAND")
        pair.remote.type("q")
        pair.remote.expect(">")


@suite.check("job control: Ctrl-Z, jobs, fg, Ctrl-C")
def job_control(arguments):
    need()
    with tempfile.TemporaryDirectory() as directory, Pair(arguments.ssmsim, directory) as pair:
        pair.type("sh -c 'echo go\"\"ing; exec sleep 1000'", "Enter")
        pair.expect_same("\ngoing")
        pair.type("C-z")
        pair.expect_same("Stopped")
        pair.type("clear; jobs", "Enter")
        pair.expect_same("Stopped")
        pair.type("fg", "Enter")
        pair.expect_same("> fg\nsh -c")
        pair.type("C-c")
        pair.expect_same("^C")
        pair.type("clear; jobs; echo no''thing", "Enter")
        pair.expect_same("nothing\n>")


sys.exit(suite.main())
