"""However a session ends, no process, pty or descriptor of it is left."""

import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

import processes
from checks import Suite, expect_equal, wait_until
from raw_session import prove_serving, start_raw
from server import TARGET, Server, aws_environment
from terminal import TerminalProgram

suite = Suite(__doc__)
DIES_SECONDS = 20


class Context(Server):
    def __init__(self, arguments):
        super().__init__(arguments.ssmsim)

    def connect_shell(self):
        command = [self.ssmsim, "connect", "shell", "--target", TARGET, "--endpoint", self.endpoint]
        return TerminalProgram(command, aws_environment())

    def expect_over(self, session, status="Terminated"):
        wait_until(lambda: self.session(session.session_id)["status"] == status, DIES_SECONDS,
                   f"status {status}", lambda: self.session(session.session_id))
        session.abort()
        self.expect_idle()
        prove_serving(self)
        self.expect_idle()


def with_programs(server):
    """A session with all that may outlive a shell: each of them runs when this returns."""
    session = start_raw(server)
    session.type("(trap '' HUP; exec sleep 1001) & (trap '' HUP TERM INT; exec sleep 1002) & "
                 "nohup sleep 1003 >/dev/null 2>&1 & sleep 1004 &\n")
    session.type("sh -c 'trap \"\" HUP; sleep 1005' & (sleep 1006 & exec sleep 1007) &\n")
    session.echo("started")
    for seconds in range(1001, 1008):
        server.wait_program(f"sleep {seconds}")
    return session


@suite.check("exit")
def leave(server):
    session = start_raw(server)
    session.echo("hello")
    session.type("exit\n")
    expect_equal(session.wait_channel_closed(), "", "Output of channel_closed")
    server.expect_over(session)


@suite.check("exit_with_a_status_and_last_words")
def last_words(server):
    session = start_raw(server)
    session.echo("hello")
    session.type("seq 100000; echo la''st; exit 3\n")
    session.expect("\r\n100000\r\nlast\r\n")
    session.wait_channel_closed()
    server.expect_over(session)


@suite.check("exit_with_background_jobs_and_programs_that_ignore_sighup")
def leave_jobs(server):
    session = with_programs(server)
    session.type("exit\n")
    session.wait_channel_closed()
    server.expect_over(session)


@suite.check("shell_killed")
def shell_killed(server):
    session = start_raw(server)
    session.echo("hello")
    session.type("kill -9 $$\n")
    session.wait_channel_closed()
    server.expect_over(session)


@suite.check("shell_replaced_by_a_program_that_ends")
def shell_replaced(server):
    session = start_raw(server)
    session.type("exec echo re''placed\n")
    session.expect("replaced")
    session.wait_channel_closed()
    server.expect_over(session)


@suite.check("terminate_session")
def terminate(server):
    session = start_raw(server)
    session.echo("hello")
    server.api.terminate(session.session_id)
    session.wait_channel_closed()
    server.expect_over(session)


@suite.check("terminate_session_with_programs_that_ignore_sighup")
def terminate_jobs(server):
    session = with_programs(server)
    server.api.terminate(session.session_id)
    session.wait_channel_closed()
    server.expect_over(session)


@suite.check("terminate_session_in_the_middle_of_output")
def terminate_flood(server):
    session = start_raw(server)
    session.type("yes\n")
    session.expect("y\r\ny\r\n")
    server.api.terminate(session.session_id)
    session.wait_channel_closed()
    server.expect_over(session)


@suite.check("terminate_session_whose_client_does_not_read")
def terminate_unread(server):
    session = start_raw(server)
    session.type("yes\n")
    session.expect("y\r\ny\r\n")
    # Nothing is read or acknowledged any more; the server's memory stays bounded meanwhile.
    yes = server.wait_program("yes")
    blocked = {"seen": None}

    def stands_still():
        """It is held up by a full window: its use of the processor does not grow."""
        used = processes.cpu_ticks(yes)
        still = used == blocked["seen"]
        blocked["seen"] = used
        return still and server.rss_kib() < 200 * 1024

    wait_until(stands_still, DIES_SECONDS, "a program that is held up", server.rss_kib, every=0.5)
    server.api.terminate(session.session_id)
    session.abort()
    server.expect_over(session)


@suite.check("terminate_session_before_the_client_came")
def terminate_early(server):
    started = server.api.start()
    server.api.terminate(started["SessionId"])
    server.expect_idle()


@suite.check("client_killed_then_terminate_session")
def client_killed(server):
    with server.connect_shell() as terminal:
        session_id = terminal.expect(rb"SessionId: (test-\w+)").group(1).decode()
        terminal.expect(rb"# $")
        terminal.send("sleep 1000\n")
        server.wait_program("sleep 1000")
        os.kill(terminal.pid, signal.SIGKILL)
        terminal.wait()
    wait_until(lambda: server.session(session_id)["status"] == "Disconnected", DIES_SECONDS,
               "status Disconnected", lambda: server.session(session_id))
    server.wait_program("sleep 1000")  # it may come back: nothing is ended
    server.api.terminate(session_id)
    server.expect_idle()


@suite.check("client_leaves_with_the_escape")
def client_leaves(server):
    with server.connect_shell() as terminal:
        terminal.expect(rb"# $")
        terminal.send("\n")
        terminal.expect(rb"# $")
        terminal.send("~.")
        expect_equal(terminal.wait(), 0, "exit status")
        expect_equal(terminal.modes(), terminal.modes_before, "terminal modes")
    server.expect_idle()


@suite.check("client_stopped_by_sigterm_restores_the_terminal")
def client_stopped(server):
    with server.connect_shell() as terminal:
        session_id = terminal.expect(rb"SessionId: (test-\w+)").group(1).decode()
        terminal.expect(rb"# $")
        os.kill(terminal.pid, signal.SIGTERM)
        expect_equal(terminal.wait(), -signal.SIGTERM, "exit status")
        expect_equal(terminal.modes(), terminal.modes_before, "terminal modes")
    server.api.terminate(session_id)
    server.expect_idle()


@suite.check("server_stopped_by_sigterm")
def server_stopped(server):
    session = with_programs(server)
    server.process.send_signal(signal.SIGTERM)
    expect_equal(server.process.wait(DIES_SECONDS), 0, "exit status of the server")
    server.expect_no_programs()
    session.abort()


@suite.check("server_stopped_by_ctrl_c")
def server_interrupted(server):
    session = start_raw(server)
    session.echo("hello")
    server.process.send_signal(signal.SIGINT)
    expect_equal(server.process.wait(DIES_SECONDS), 0, "exit status of the server")
    server.expect_no_programs()
    session.abort()


@suite.check("server_killed")
def server_killed(server):
    session = with_programs(server)
    server.process.kill()
    server.process.wait()
    server.expect_no_programs()
    session.abort()
    server.was_killed = True


@suite.check("client_of_a_killed_server_ends_by_itself")
def client_of_killed_server(server):
    with server.connect_shell() as terminal:
        terminal.expect(rb"# $")
        server.process.kill()
        server.process.wait()
        expect_equal(terminal.wait(120), 3, "exit status")
        expect_equal(terminal.modes(), terminal.modes_before, "terminal modes")
    server.was_killed = True


@suite.check("fifty_sessions_at_once")
def fifty(server):
    sessions = [start_raw(server) for _ in range(50)]
    for number, session in enumerate(sessions):
        session.echo(f"number-{number}")
    for session in sessions:
        session.type("exit\n")
    for session in sessions:
        session.wait_channel_closed()
        session.abort()
    server.expect_idle()


if __name__ == "__main__":
    sys.exit(suite.main(Context))
