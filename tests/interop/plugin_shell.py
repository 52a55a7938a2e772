"""A shell through `aws ssm start-session` and whatever session-manager-plugin is first in PATH."""

import contextlib
import os
import re
import termios

from checks import Skip, expect, expect_equal, wait_until
from server import AWS, TARGET, aws_environment
from terminal import TerminalProgram

PROMPT = rb"[#$] $"
# The official plugin leaves the local terminal's output processing on: \r\n arrives as \r\r\n.
EOL = rb"\r+\n"
START = rb"\r\nStarting session with SessionId: (test-[a-z0-9]+)\r\n"


def need_aws():
    if not os.access(AWS, os.X_OK):
        raise Skip(f"{AWS} is not installed (Debian package awscli)")


def start_session_command(server, *arguments):
    return [AWS, "--endpoint-url", server.endpoint, "ssm", "start-session", "--target", TARGET,
            *arguments]


def environment_with(plugin_directory, **changes):
    return aws_environment(PATH=f"{plugin_directory}:/usr/bin:/bin", **changes)


@contextlib.contextmanager
def cli_shell(server, plugin_directory, **size):
    """A terminal in which the shell shows its prompt; `session_id` is noted in it."""
    environment = environment_with(plugin_directory)
    with TerminalProgram(start_session_command(server), environment, **size) as terminal:
        terminal.session_id = terminal.expect(START).group(1).decode()
        terminal.expect(PROMPT)
        # What is typed earlier is echoed twice.
        wait_until(terminal.is_raw, 20, "a raw terminal", terminal.modes)
        yield terminal


def end_text(session_id):
    return f"\n\nExiting session with sessionId: {session_id}.\n\n"


def expect_restored(terminal):
    expect_equal(terminal.modes(), terminal.modes_before, "terminal modes after the end")


def expect_echo(terminal):
    """All that the official plugin gives back: it hands `stty -g`'s answer with its line end to
    stty, and GNU stty refuses it, so that only its last resort `stty echo` has an effect."""
    expect(terminal.modes()[3] & termios.ECHO, "a terminal that echoes", terminal.modes())


def leave(terminal, expect_modes=expect_restored):
    """`exit`: the exact end text, status 0, the terminal usable again."""
    terminal.send("exit\n")
    status = terminal.wait()
    # The remote terminal echoes what was typed.
    said = terminal.rest().removeprefix("exit\n")
    expect_equal(said, end_text(terminal.session_id), "text at the end")
    expect_equal(status, 0, "exit status")
    expect_modes(terminal)


def check_command(server, plugin_directory, expect_modes=expect_restored):
    with cli_shell(server, plugin_directory) as terminal:
        terminal.send("echo re''sult-$((40 + 2)); echo $0 >&2\n")
        terminal.expect(rb"\nresult-42" + EOL + b"sh" + EOL)
        terminal.expect(PROMPT)
        leave(terminal, expect_modes)
    server.expect_idle()


def check_window_size(server, plugin_directory, expect_modes=expect_restored):
    with cli_shell(server, plugin_directory, rows=30, columns=100) as terminal:
        _wait_size(terminal, 30, 100)
        terminal.resize(41, 133)
        _wait_size(terminal, 41, 133)
        leave(terminal, expect_modes)
    server.expect_idle()


def _wait_size(terminal, rows, columns):
    """The size travels on its own, and clients that poll for it need up to half a second."""

    def arrived():
        terminal.send("stty size\n")
        seen = terminal.expect(rb"\n(\d+ \d+)" + EOL).group(1)
        terminal.expect(PROMPT)
        return seen == f"{rows} {columns}".encode()

    wait_until(arrived, 20, f"the window size {rows} {columns} inside")


def check_interrupt(server, plugin_directory, expect_modes=expect_restored):
    with cli_shell(server, plugin_directory) as terminal:
        terminal.send("echo go''ing; sleep 1000; echo status=$?\n")
        terminal.expect(rb"\ngoing" + EOL)
        sleeping = server.wait_program("sleep 1000")
        terminal.send(b"\x03")
        # dash leaves the rest of the line alone, other shells go on with it.
        terminal.expect(rb"\^C.*" + PROMPT)
        wait_until(lambda: sleeping not in server.programs(), 20, "an ended sleep",
                   server.describe_programs)
        terminal.send("echo al''ive\n")
        terminal.expect(rb"\nalive" + EOL)
        terminal.expect(PROMPT)
        leave(terminal, expect_modes)
    server.expect_idle()


def check_utf8(server, plugin_directory, expect_modes=expect_restored):
    word = "Grüße-€-日本語-🙂"
    with cli_shell(server, plugin_directory) as terminal:
        terminal.send(f"echo '{word}' | tr -d '-'\n")
        terminal.expect(re.escape(word.encode()))  # the echo of what was typed
        terminal.expect(b"\n" + re.escape(word.replace("-", "").encode()) + EOL)
        terminal.expect(PROMPT)
        leave(terminal, expect_modes)
    server.expect_idle()
