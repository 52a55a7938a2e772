"""Messages that a fault plan loses, doubles and holds up on real connections: what is typed and
printed arrives once and in order all the same."""

import glob
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

import agent_message as am
from checks import Prepared, Suite, expect, expect_equal, expect_in, measured
from piped_shell import BEGIN, END, PipedShell, begin, end
from raw_session import RawSession, prove_serving, start_raw
from server import END_SECONDS, Server, clean_environment
from websocket import Closed

suite = Suite(__doc__)

EXAMPLES = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "faults")
LINE_BYTES = 100


class Context(Prepared):
    def __init__(self, arguments):
        super().__init__(arguments)
        self.lines = 8000  # 780 messages of 1 KiB each way; every example fires before that


def numbered_lines(count):
    return b"".join(b"line %06d " % n + b"." * (LINE_BYTES - 13) + b"\n"
                    for n in range(1, count + 1))


def plan_of(match, action):
    return f"seed: 3\nrules:\n  - name: trouble\n    match: {match}\n    action: {action}\n"


def fired(server):
    return server.log().count(": fault '")


class Recorder(RawSession):
    """Remembers the numbers of the output messages in the order of their arrival."""

    def __init__(self, started):
        self.arrived = []
        super().__init__(started)

    def step(self, timeout=None):
        message = super().step(timeout)
        if message.message_type == am.OUTPUT:
            self.arrived.append(message.sequence)
        return message


# --- plans of the documentation


def both_ways(server, lines):
    """Numbered lines typed into a file and printed from it."""
    path = os.path.join(server.directory, "lines")
    data = numbered_lines(lines)
    with PipedShell(server) as client:
        client.type(f"{begin()}; head -c {len(data)} > {path}; cat {path}; {end()}; exit\n")
        client.skip_to(BEGIN)
        client.type(data)
        printed = b"".join(client.stream_to(END))
        status = client.finish()
    with open(path, "rb") as file:
        expect_equal(file.read() == data, True, "whether the typed lines are complete and in order")
    expect_equal(printed == data, True, "whether the printed lines are complete and in order")
    return status


@suite.check("examples")
def examples(context):
    for path in sorted(glob.glob(os.path.join(EXAMPLES, "*.yaml"))):
        with open(path, encoding="utf-8") as file:
            plan = file.read()
        if "# For ssmsim simulate." in plan:
            continue
        with Server(context.ssmsim, faults=plan) as server:
            status = both_ways(server, context.lines)
            # A client that is cut at the very end finds no session to resume.
            cut = "close:" in plan
            expect(status == 0 or (cut and status == 3), "exit status 0", (path, status))
            count = fired(server)
            rare = os.path.basename(path) in ("close-after-an-hour.yaml", "flaky-agent.yaml")
            expect(count > 0 or rare, "some faults", (path, count))
            measured(os.path.basename(path), f"{count} faults")
            server.expect_idle()


# --- one message: how much the shell prints at once differs, but each echo is a message at least


@suite.check("a_dropped_message_arrives_when_it_is_sent_again")
def dropped(context):
    with Server(context.ssmsim,
                faults=plan_of("{message_type: output_stream_data, sequence: 1, copy: 1}",
                               "{drop: {}}")) as server:
        session = Recorder(server.api.start())
        session.echo("first")
        session.echo("second")
        session.echo("third")
        expect_equal(session.arrived.count(1), 1, f"arrivals of number 1 in {session.arrived}")
        expect_equal(fired(server), 1, "faults")
        session.abort()


@suite.check("a_dropped_message_is_lost_each_time_without_a_copy")
def dropped_always(context):
    with Server(context.ssmsim,
                faults=plan_of("{message_type: output_stream_data, sequence: 0}",
                               "{drop: {}}")) as server:
        session = Recorder(server.api.start())
        session.type("echo w''ord\n")
        deadline = time.monotonic() + END_SECONDS
        while fired(server) < 3 and time.monotonic() < deadline:
            try:
                session.step(0.2)
            except TimeoutError:
                pass
        expect(fired(server) >= 3, "3 transmissions", (session.arrived, server.log()[-500:]))
        expect(0 not in session.arrived, "no number 0", session.arrived)
        session.abort()


@suite.check("a_duplicated_message_arrives_several_times")
def duplicated(context):
    with Server(context.ssmsim,
                faults=plan_of("{message_type: output_stream_data, sequence: 1, copy: 1}",
                               "{duplicate: {copies: 4}}")) as server:
        session = Recorder(server.api.start())
        session.echo("first")
        session.echo("second")
        session.echo("third")
        expect_equal(session.arrived.count(1), 5, f"arrivals of number 1 in {session.arrived}")
        session.abort()


@suite.check("a_late_duplicate_arrives_behind_later_messages")
def late_duplicate(context):
    with Server(context.ssmsim,
                faults=plan_of("{message_type: output_stream_data, sequence: 1, copy: 1}",
                               "{duplicate: {after: {min: 1s}}}")) as server:
        session = Recorder(server.api.start())
        session.echo("first")
        session.echo("second")
        session.echo("third")
        started = time.monotonic()
        while session.arrived.count(1) < 2:
            session.step()
        last = len(session.arrived) - 1 - session.arrived[::-1].index(1)
        expect(max(session.arrived[:last]) > 1, "later numbers before the copy", session.arrived)
        expect(time.monotonic() - started < END_SECONDS, f"less than {END_SECONDS} s",
               time.monotonic() - started)
        session.abort()


@suite.check("a_delayed_message_is_overtaken")
def delayed(context):
    # One message in three of a stream that never waits for it.
    with Server(context.ssmsim,
                faults=plan_of("{message_type: output_stream_data, payload_type: output, every: 3}",
                               "{delay: {min: 30ms, max: 300ms}}")) as server:
        session = Recorder(server.api.start())
        session.type("for i in 1 2 3 4 5 6 7 8 9; do echo $i; sleep 0.02; done; echo e''nd\n")
        session.expect("1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7\r\n8\r\n9\r\n")
        session.expect("end")
        expect(session.arrived != sorted(session.arrived), "arrivals out of order", session.arrived)
        session.abort()


# --- times


@suite.check("a_timed_close_ends_a_connection_and_not_the_session")
def timed_close(context):
    with Server(context.ssmsim,
                faults=plan_of("{at: 1s}", "{close: {side: client, code: 1001, reason: time}}")
                ) as server:
        session = start_raw(server)
        session.echo("before")
        ended = None
        while ended is None:
            try:
                session.step()
            except Closed as closed:
                ended = closed
        expect_equal(fired(server), 1, "faults")
        session.resume(server.api.resume(session.session_id))
        session.echo("after")
        session.type("exit\n")
        session.wait_channel_closed()
        expect_equal(fired(server), 1, "faults in the end")
        session.abort()
        server.expect_idle()


# --- limits


@suite.check("what_is_held_back_is_bounded")
def bounded(context):
    with Server(context.ssmsim,
                faults=plan_of("{direction: client_to_agent, message_type: input_stream_data, "
                               "sequence: 10-}", "{delay: {min: 1h}}")) as server:
        prove_serving(server)
        before = server.rss_kib()
        session = start_raw(server)
        session.echo("before")
        sent = 0
        try:
            while sent < 64 << 20:
                session.socket.socket.settimeout(2)
                session.type(b"x" * 16384)
                sent += 16384
        except (TimeoutError, OSError):
            pass
        expect(sent < 32 << 20, "a server that stops reading", sent)
        grown = server.rss_kib() - before
        measured("held", f"{sent} bytes taken, {grown} KiB more memory")
        expect(grown < 32 << 10, "at most 32 MiB more memory", f"{grown} KiB")
        session.abort()
        server.api.terminate(session.session_id)
        prove_serving(server)
        server.expect_idle()


@suite.check("what_serve_does_not_execute_is_refused")
def refused(context):
    result = subprocess.run(
        [context.ssmsim, "serve", "--listen", "127.0.0.1:0", "--faults",
         os.path.join(EXAMPLES, "half-open.yaml")],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
        env=clean_environment())
    expect_equal(result.returncode, 2, "exit status")
    text = result.stderr.decode()
    expect_in("half-open.yaml:6:21: rules[0].action.stall: ", text)
    expect_in('in the rule "the router forgets"; ssmsim simulate executes it', text)


if __name__ == "__main__":
    sys.exit(suite.main(Context))
