"""Nothing of a session is left in the server, whichever way it ends: no process, no pty, no socket,
no descriptor."""

import os
import signal
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

import processes
import scale
from checks import Suite, expect, expect_equal, measured, wait_until
from piped_shell import PipedShell
from progress import wait_until_stuck
from raw_session import prove_serving, start_raw
from server import END_SECONDS, Server

suite = Suite(__doc__)


class Context(Server):
    def __init__(self, arguments):
        super().__init__(arguments.ssmsim)
        prove_serving(self)  # whatever is made once for all sessions is made
        self.expect_idle()
        self.descriptors_before = sorted_kinds(self)


def sorted_kinds(server):
    """Descriptors without the numbers of sockets and pipes."""
    return sorted(target.split("[")[0] for target in server.descriptors())


def ending(name):
    """A check after which the server must hold exactly what it held before."""

    def register(function):
        @suite.check(name)
        def run(server):
            function(server)
            server.expect_idle()
            expect_equal(sorted_kinds(server), server.descriptors_before, "descriptors")
            expect_equal(server.health()["active_sessions"], 0, "active sessions")

        return run

    return register


def ended(server, session, status="Terminated"):
    wait_until(lambda: server.session(session.session_id)["status"] == status, END_SECONDS,
               f"the status {status}", lambda: server.session(session.session_id))


def terminate(server, session):
    server.api.terminate(session.session_id)
    ended(server, session)


def running(server, text):
    """The programs whose command line contains `text`, once there is one."""
    return wait_until(
        lambda: [pid for pid in server.programs() if text in processes.command_line(pid)],
        END_SECONDS, f"a running {text}", server.describe_programs)


@ending("exit")
def exit_of_shell(server):
    session = start_raw(server)
    session.echo("begun")
    session.type("exit 7\n")
    session.wait_channel_closed()
    ended(server, session)
    session.socket.wait_closed()


@ending("shell_killed_from_inside")
def killed_from_inside(server):
    session = start_raw(server)
    session.type("kill -9 $$\n")
    session.wait_channel_closed()
    ended(server, session)
    session.abort()


@ending("terminate_session")
def terminate_session(server):
    session = start_raw(server)
    session.echo("begun")
    terminate(server, session)
    session.wait_channel_closed()
    session.socket.wait_closed()


@ending("terminate_before_any_client_came")
def terminate_early(server):
    for _ in range(20):
        server.api.terminate(server.api.start()["SessionId"])
    session = start_raw(server)
    terminate(server, session)
    session.abort()


@ending("terminate_twice_and_after_exit")
def terminate_twice(server):
    session = start_raw(server)
    session.type("exit\n")
    session.wait_channel_closed()
    terminate(server, session)
    terminate(server, session)
    session.abort()


@ending("client_killed_then_terminate_session")
def client_killed(server):
    known = {session["id"] for session in server.sessions()}
    with PipedShell(server) as client:
        client.type("echo be''gun; sleep 1000\n")
        client.skip_to(b"begun\r\n")
        running(server, "sleep 1000")
        os.kill(client.pid, signal.SIGKILL)
        client.process.wait()
    session_id = next(s["id"] for s in server.sessions() if s["id"] not in known)
    wait_until(lambda: server.session(session_id)["status"] == "Disconnected", END_SECONDS,
               "a disconnected session", lambda: server.session(session_id))
    expect(running(server, "sleep 1000"), "a program that waits for its client's return", "none")
    server.api.terminate(session_id)


def cut_then_terminate(server, cut):
    session = start_raw(server)
    session.echo("begun")
    cut(session)
    wait_until(lambda: server.session(session.session_id)["status"] == "Disconnected", END_SECONDS,
               "a disconnected session", lambda: server.session(session.session_id))
    terminate(server, session)
    session.abort()


@ending("connection_closed_and_never_resumed")
def closed(server):
    cut_then_terminate(server, lambda session: session.abort())


@ending("connection_reset_and_never_resumed")
def reset(server):
    def cut(session):
        session.socket.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                         struct.pack("ii", 1, 0))
        session.abort()

    cut_then_terminate(server, cut)


@ending("connection_half_closed_and_never_resumed")
def half_closed(server):
    cut_then_terminate(server,
                       lambda session: session.socket.socket.shutdown(socket.SHUT_WR))


@ending("client_that_stopped_reading")
def stopped_reading(server):
    session = start_raw(server)
    session.type("echo be''gun; while :; do echo flood; done\n")
    session.expect("begun")
    wait_until_stuck(server.programs()[0])  # the whole way to the client is full
    terminate(server, session)
    session.abort()


@ending("program_that_ignores_hangup_and_termination")
def ignores_signals(server):
    session = start_raw(server)
    session.type("trap '' HUP TERM INT; echo be''gun; while :; do sleep 1000; done\n")
    session.expect("begun")
    running(server, "sleep 1000")
    terminate(server, session)
    session.abort()


@ending("stopped_program")
def stopped_program(server):
    session = start_raw(server)
    session.type("set -m; sleep 1000 & sleep 1001\n")
    running(server, "sleep 1000")
    running(server, "sleep 1001")
    session.type(b"\x1a")
    session.echo("stopped")
    terminate(server, session)
    session.abort()


BACKGROUND = "sleep 1000 & nohup sleep 1001 >/dev/null 2>&1 & (trap '' HUP; exec sleep 1002) & "


def with_background_jobs(server):
    session = start_raw(server)
    session.type(BACKGROUND + "echo be''gun\n")
    session.expect("begun")
    for text in ("sleep 1000", "sleep 1001", "sleep 1002"):
        running(server, text)
    return session


@ending("background_jobs_and_nohup_at_exit")
def background_exit(server):
    session = with_background_jobs(server)
    session.type("exit\n")
    session.wait_channel_closed()
    session.abort()


@ending("background_jobs_and_nohup_at_terminate")
def background_terminate(server):
    session = with_background_jobs(server)
    terminate(server, session)
    session.abort()


@ending("shell_that_closes_its_terminal")
def closes_terminal(server):
    session = start_raw(server)
    session.type("exec sleep 1000 </dev/null >/dev/null 2>&1\n")
    session.wait_channel_closed()
    session.abort()


@ending("output_still_in_the_pty_at_exit")
def last_output(server):
    session = start_raw(server)
    session.type("stty -echo; head -c 50000 /dev/zero | tr '\\0' 'x'; echo l''ast; exit\n")
    session.wait_channel_closed()
    expect(b"xlast\r\n" in session.output, "all output before the end", session.output[-100:])
    expect_equal(bytes(session.output).count(b"x") >= 50000, True, "50000 bytes of output")
    session.abort()


@ending("many_sessions_at_once")
def many(server):
    count = scale.choose(server.ssmsim, 50, 15)
    sessions = [start_raw(server) for _ in range(count)]
    for session in sessions:
        session.echo("begun")
    for number, session in enumerate(sessions):
        if number % 3 == 0:
            session.type("exit\n")
        elif number % 3 == 1:
            session.abort()
    for session in sessions:
        server.api.terminate(session.session_id)
        session.abort()


@ending("50_sessions_in_a_row")
def in_a_row(server):
    count = scale.choose(server.ssmsim, 50, 20)
    before = server.rss_kib()
    for number in range(count):
        session = start_raw(server)
        session.echo("begun")
        if number % 2:
            terminate(server, session)
        else:
            session.type("exit\n")
            session.wait_channel_closed()
        session.abort()
        server.expect_idle()
    measured("memory_of_sessions_in_a_row",
             f"{count} sessions: {before} KiB before, {server.rss_kib()} KiB after")


# --- the end of the server itself


def start_sessions(server):
    sessions = [with_background_jobs(server), *(start_raw(server) for _ in range(3))]
    sessions[1].type("trap '' HUP TERM; echo be''gun; while :; do sleep 1003; done\n")
    sessions[1].expect("begun")
    running(server, "sleep 1003")
    sessions[2].echo("begun")
    sessions[2].abort()  # Disconnected
    sessions[3].type("sleep 1004\n")
    running(server, "sleep 1004")
    return sessions


def stopped_by(context, number):
    with Server(context.ssmsim) as server:
        sessions = start_sessions(server)
        ready_file = os.path.join(server.directory, "ready.json")
        expect(os.path.exists(ready_file), "a ready file while it serves", "none")
        server.process.send_signal(number)
        expect_equal(server.process.wait(END_SECONDS), 0, f"exit status after signal {number}")
        expect(not os.path.exists(ready_file), "no ready file after the end",
               os.listdir(server.directory))
        server.expect_no_programs()
        for session in sessions:
            session.abort()


@suite.check("server_stopped_by_sigterm")
def sigterm(context):
    stopped_by(context, signal.SIGTERM)


@suite.check("server_stopped_by_sigint")
def sigint(context):
    stopped_by(context, signal.SIGINT)


@suite.check("server_killed")
def sigkill(context):
    server = Server(context.ssmsim)
    try:
        sessions = start_sessions(server)
        server.process.kill()
        expect_equal(server.process.wait(END_SECONDS), -signal.SIGKILL, "exit status")
        # Jobs in the background, and what ignores the hangup, are not the server's children, and no
        # server is left that could look for them.
        others = ("sleep 1000", "sleep 1001", "sleep 1002", "sleep 1003")
        left = lambda: [text for text in server.describe_programs() if not text.endswith(others)]
        wait_until(lambda: not left(), END_SECONDS,
                   "shells and their programs that end by themselves", left)
        measured("left_by_a_killed_server", server.describe_programs())
        for session in sessions:
            session.abort()
    finally:
        server.kill_all()


if __name__ == "__main__":
    sys.exit(suite.main(Context))
