"""`aws ssm start-session` of the installed AWS CLI with ssmsim's session-manager-plugin."""

import json
import os
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

import plugin_shell
import processes
from checks import Suite, expect, expect_equal, expect_in, wait_until
from server import TARGET, Server, aws_environment

suite = Suite(__doc__)


class Context(Server):
    def __init__(self, arguments):
        plugin_shell.need_aws()
        super().__init__(arguments.ssmsim)
        self.plugin_directory = os.path.dirname(arguments.ssmsim)
        self.plugin = os.path.join(self.plugin_directory, "session-manager-plugin")


@suite.check("command_output_end_text_and_modes")
def command(server):
    plugin_shell.check_command(server, server.plugin_directory)


@suite.check("window_size_follows_resize")
def window_size(server):
    plugin_shell.check_window_size(server, server.plugin_directory)


@suite.check("ctrl_c_interrupts_remote_program")
def interrupt(server):
    plugin_shell.check_interrupt(server, server.plugin_directory)


@suite.check("utf8_typed_and_printed")
def utf8(server):
    plugin_shell.check_utf8(server, server.plugin_directory)


def plugin_pid(terminal):
    def find():
        return [pid for pid in terminal.descendants()
                if "session-manager-plugin" in processes.command_line(pid).split(" ")[0]]

    return wait_until(find, 20, "a running session-manager-plugin")[0]


def killed(server, number):
    with plugin_shell.cli_shell(server, server.plugin_directory) as terminal:
        expect(terminal.is_raw(), "a raw terminal while the session lasts", terminal.modes())
        os.kill(plugin_pid(terminal), number)
        status = terminal.wait()
        modes = terminal.modes()
        server.api.terminate(terminal.session_id)
        server.expect_idle()
        return status, modes, terminal.modes_before


@suite.check("sigterm_to_plugin_restores_modes")
def terminated(server):
    status, modes, before = killed(server, signal.SIGTERM)
    expect_equal(modes, before, "terminal modes")
    expect(status != 0, "a CLI status that is not 0", status)


@suite.check("sighup_to_plugin_restores_modes")
def hung_up(server):
    status, modes, before = killed(server, signal.SIGHUP)
    expect_equal(modes, before, "terminal modes")
    expect(status != 0, "a CLI status that is not 0", status)


@suite.check("sigkill_to_plugin_leaves_a_session_that_can_be_terminated")
def killed_hard(server):
    status, _, _ = killed(server, signal.SIGKILL)
    expect(status != 0, "a CLI status that is not 0", status)


def pipe_session(server, command, environment):
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, env=environment)


def read_until(stream, wanted):
    seen = b""
    while wanted not in seen:
        data = os.read(stream.fileno(), 65536)
        expect(data, f"{wanted!r}", seen)
        seen += data
    return seen


def converse_over_pipes(server, command, environment, session_id=None):
    with pipe_session(server, command, environment) as program:
        try:
            program.stdin.write(b"echo pi''pe-$((40 + 2))\n")
            program.stdin.flush()
            seen = read_until(program.stdout, b"pipe-42\r\n")
            program.stdin.write(b"exit\n")
            program.stdin.flush()
            seen += program.stdout.read()
            status = program.wait(60)
        finally:
            program.kill()
    session_id = session_id or seen.split(b"SessionId: ")[1].split(b"\n")[0].decode()
    expect(seen.startswith(f"\nStarting session with SessionId: {session_id}\n".encode()),
           "the start text first", seen)
    expect(seen.endswith(plugin_shell.end_text(session_id).encode()), "the end text last", seen)
    expect_equal(status, 0, "exit status")
    server.expect_idle()


@suite.check("stdin_and_stdout_as_pipes")
def pipes(server):
    converse_over_pipes(server, plugin_shell.start_session_command(server),
                        plugin_shell.environment_with(server.plugin_directory))


@suite.check("end_of_stdin_ends_the_plugin_as_the_official_one")
def end_of_input(server):
    result = subprocess.run(plugin_shell.start_session_command(server), stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                            env=plugin_shell.environment_with(server.plugin_directory))
    expect(result.stdout.endswith(b"Cannot perform start session: EOF\n"), "the text about EOF",
           result.stdout)
    expect_equal(result.returncode, 0, "exit status")
    # It leaves without a word to the service, and the session waits for its client.
    session_id = result.stdout.split(b"SessionId: ")[1].split(b"\n")[0].decode()
    server.api.terminate(session_id)
    server.expect_idle()


def plugin_command(server, response, program=None):
    request = json.dumps({"Target": TARGET})
    return [program or server.plugin, response, "us-east-1", "StartSession", "", request,
            server.endpoint]


@suite.check("plugin_with_the_response_in_argv")
def argv_form(server):
    started = server.api.start()
    converse_over_pipes(server, plugin_command(server, json.dumps(started)), aws_environment(),
                        started["SessionId"])


@suite.check("plugin_with_the_response_in_the_environment")
def environment_form(server):
    started = server.api.start()
    name = "AWS_SSM_START_SESSION_RESPONSE_1"
    converse_over_pipes(server, plugin_command(server, name),
                        aws_environment(**{name: json.dumps(started)}), started["SessionId"])


@suite.check("plugin_with_lower_case_members_as_of_ecs")
def ecs_form(server):
    started = server.api.start()
    members = {name[0].lower() + name[1:]: started[name]
               for name in ("SessionId", "StreamUrl", "TokenValue")}
    converse_over_pipes(server, plugin_command(server, json.dumps(members)), aws_environment(),
                        started["SessionId"])


def run_plugin(server, *arguments):
    result = subprocess.run([server.plugin, *arguments], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                            env=aws_environment())
    return result.returncode, result.stdout.decode()


@suite.check("plugin_without_a_session")
def without_session(server):
    expect_equal(run_plugin(server),
                 (0, "\nThe Session Manager plugin was installed successfully. "
                     "Use the AWS CLI to start a session.\n\n"), "no argument")
    status, version = run_plugin(server, "--version")
    expect_equal(status, 0, "status of --version")
    numbers = [int(part) for part in version.strip().split(".")]
    expect(numbers > [1, 2, 497, 0], "a version for which the CLI uses the environment", version)
    expect_equal(run_plugin(server, "--help"),
                 (0, "\nUnknown operation --help. \nUse session-manager-plugin --version to check "
                     "the version.\n\n"), "an unknown operation")
    status, text = run_plugin(server, "{}", "us-east-1", "StartSession", "", "{}", server.endpoint)
    expect(status != 0, "a status that is not 0 for an empty response", status)
    expect_in("SessionId", text, "text for an empty response")


#= SVC-033
@suite.check("without_plugin_the_cli_terminates_the_session")
def without_plugin(server):
    before = {session["id"] for session in server.sessions()}
    with tempfile.TemporaryDirectory() as empty:
        result = subprocess.run(plugin_shell.start_session_command(server),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, timeout=60,
                                env=aws_environment(PATH=empty))
    expect_equal(result.returncode, 255, "exit status")
    expect_in(b"SessionManagerPlugin is not found", result.stdout)
    new = [session for session in server.sessions() if session["id"] not in before]
    expect_equal([session["status"] for session in new], ["Terminated"], "the new sessions")
    server.expect_idle()


@suite.check("two_sessions_side_by_side")
def side_by_side(server):
    with plugin_shell.cli_shell(server, server.plugin_directory) as first, \
            plugin_shell.cli_shell(server, server.plugin_directory) as second:
        first.send("who=fi''rst\n")
        first.expect(plugin_shell.PROMPT)
        second.send("echo \"who=$who.\"\n")
        second.expect(rb"\nwho=\.\r\n")
        first.send("echo \"who=$who.\"\n")
        first.expect(rb"\nwho=first\.\r\n")
        first.expect(plugin_shell.PROMPT)
        second.expect(plugin_shell.PROMPT)
        plugin_shell.leave(first)
        second.send("echo st''ill\n")
        second.expect(rb"\nstill\r\n")
        second.expect(plugin_shell.PROMPT)
        plugin_shell.leave(second)
    server.expect_idle()


if __name__ == "__main__":
    sys.exit(suite.main(Context))
