"""The official session-manager-plugin, built from AWS's source, behind `aws ssm start-session`.

The second argument chooses the version: official_plugin/plugin-<version>.mod pins it and all that
it needs. The plugin has no go.mod of its own, so the versions of its dependencies are those that it
vendored, or that were current at the time.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

import plugin_shell
from checks import EXIT_SKIPPED, Failure, Skip, Suite, expect_equal, shorten
from server import Server, clean_environment

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "official_plugin")
DOWNLOAD_SECONDS = 240
BUILD_SECONDS = 900

suite = Suite(__doc__)


def go_environment():
    """Its caches and its proxy are the caller's; the toolchain is never replaced by another."""
    kept = {name: os.environ[name] for name in ("HTTPS_PROXY", "https_proxy") if name in os.environ}
    path = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/local/go/bin"
    return clean_environment(PATH=path, GOTOOLCHAIN="local", CGO_ENABLED="0", GOFLAGS=None, **kept)


def run_go(go, seconds, *arguments):
    return subprocess.run([go, *arguments], cwd=SOURCE, env=go_environment(), text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds)


def check_go_version(go, module_file):
    with open(os.path.join(SOURCE, module_file), encoding="utf-8") as file:
        wanted = re.search(r"^go (\d+)\.(\d+)", file.read(), re.M)
    text = run_go(go, 60, "version").stdout
    found = re.search(r"go(\d+)\.(\d+)", text)
    if not found:
        raise Skip(f"`go version` says {text!r}")
    if [int(n) for n in found.groups()] < [int(n) for n in wanted.groups()]:
        raise Skip(f"this version of the plugin needs go {'.'.join(wanted.groups())}, "
                   f"here is {found.group(0)}")


def build(version, directory):
    """Path of the program, built outside of the source tree."""
    plugin_shell.need_aws()
    go = shutil.which("go", path=go_environment()["PATH"])
    if go is None:
        raise Skip("go is not installed")
    module_file = f"plugin-{version}.mod"
    check_go_version(go, module_file)
    module = ["-mod=readonly", f"-modfile={module_file}"]
    try:
        listed = run_go(go, DOWNLOAD_SECONDS, "list", *module, "-deps", ".")
    except subprocess.TimeoutExpired as timeout:
        raise Skip(f"the modules were not downloaded in {DOWNLOAD_SECONDS} s") from timeout
    if listed.returncode != 0:
        if re.search("checksum mismatch|missing go.sum|updates to go.mod", listed.stderr):
            raise Failure(f"expected pinned modules, seen {shorten(listed.stderr)}")
        raise Skip(f"the modules cannot be downloaded: {shorten(listed.stderr)}")
    program = os.path.join(directory, "session-manager-plugin")
    built = run_go(go, BUILD_SECONDS, "build", *module, "-trimpath", "-o", program, ".")
    if built.returncode != 0:
        raise Failure(f"expected a program, seen {shorten(built.stderr)}")
    return program


def check_with(name, faults=None):
    def register(function):
        @suite.check(name)
        def run(arguments):
            with Server(arguments.ssmsim, faults=faults) as server:
                function(server, plugin_directory)

        return run

    return register


def shared_check(name, check):
    check_with(name)(lambda server, directory: check(server, directory, plugin_shell.expect_echo))


shared_check("command_output_and_end_text", plugin_shell.check_command)
shared_check("window_size_follows_resize", plugin_shell.check_window_size)
shared_check("ctrl_c_interrupts_remote_program", plugin_shell.check_interrupt)
shared_check("utf8_typed_and_printed", plugin_shell.check_utf8)


@check_with("terminate_session_ends_the_shell")
def terminate(server, directory):
    with plugin_shell.cli_shell(server, directory) as terminal:
        server.api.terminate(terminal.session_id)
        status = terminal.wait()
        expect_equal(terminal.rest(), plugin_shell.end_text(terminal.session_id), "text at the end")
        expect_equal(status, 0, "exit status")
        plugin_shell.expect_echo(terminal)
    server.expect_idle()


CUTS = """
rules:
  - name: broken
    match: {direction: client_to_agent, message_type: acknowledge, connection: 1, nth: 20}
    action: {close: {side: client}}
  - name: recycled
    match: {direction: client_to_agent, message_type: acknowledge, connection: 2, nth: 20}
    action: {close: {side: client, code: 1001, reason: recycled}}
  - name: closed normally
    match: {direction: client_to_agent, message_type: acknowledge, connection: 3, nth: 20}
    action: {close: {side: client, code: 1000}}
"""


@check_with("cut_connections_lose_and_repeat_nothing", CUTS)
def cut(server, directory):
    lines = 20000
    with plugin_shell.cli_shell(server, directory) as terminal:
        terminal.send(f"i={lines}; seq -f 'line %.0f' $i; echo al''l\n")
        printed = terminal.expect(rb"al''l\r+\n(.*)\nall\r+\n").group(1)
        terminal.expect(plugin_shell.PROMPT)
        expect_equal(printed.replace(b"\r", b"").decode().split("\n"),
                     [f"line {i}" for i in range(1, lines + 1)], "lines")
        log = server.log()
        cuts = [name for name in ("broken", "recycled", "closed normally") if f"'{name}'" in log]
        expect_equal(len(cuts), 3, f"cuts ({cuts})")
        # The shell is still the same and still listens.
        terminal.send("echo \"count=$i\"\n")
        terminal.expect(rf"\ncount={lines}\r+\n")
        terminal.expect(plugin_shell.PROMPT)
        plugin_shell.leave(terminal, plugin_shell.expect_echo)
    server.expect_idle()


def main():
    global plugin_directory
    version = sys.argv.pop(2) if len(sys.argv) > 2 else ""
    if not re.fullmatch(r"\d{4}-\d{2}", version):
        sys.exit("usage: official_plugin.py SSMSIM VERSION [--only CHECK], VERSION as in "
                 "official_plugin/plugin-VERSION.mod")
    with tempfile.TemporaryDirectory(prefix="official-plugin-") as plugin_directory:
        try:
            program = build(version, plugin_directory)
        except Skip as skip:
            print(f"SKIP: {skip}")
            return EXIT_SKIPPED
        except Failure as failure:
            print(f"not ok build: {failure}")
            return 1
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        print(f"official plugin of {version}, says {said.stdout.strip()}", flush=True)
        return suite.main()


if __name__ == "__main__":
    sys.exit(main())
