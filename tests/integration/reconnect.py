"""Connections that a fault plan cuts: what is typed and printed arrives once and in order all the
same, the same plan cuts at the same messages, and a recording tells the whole story."""

import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

import scale
from checks import Prepared, Suite, expect, expect_equal, expect_in, measured, wait_until
from piped_shell import BEGIN, END, PipedShell, begin, end
from raw_session import RawSession, prove_serving, start_raw
from server import END_SECONDS, Server, clean_environment
from websocket import Closed

suite = Suite(__doc__)

PLAN = """
rules:
  - name: cut
    match: {%s}
    action: {close: {%s}}
"""
# Stream messages only: what the client acknowledges is then never followed by a cut. The shell ends
# when its last output is acknowledged, and a client that is away at that moment finds no session.
OUTPUT = "message_type: output_stream_data, every: 100"
INPUT = "message_type: input_stream_data, every: 100"
ANYTHING = "direction: any, every: 200"
CLIENT_WITHOUT_FRAME = "side: client"
CLIENT_WITH_FRAME = "side: client, code: 1001, reason: recycled"
AGENT = "side: agent"
BOTH_ENDS = """
seed: 5
rules:
  - name: cut
    match: {message_type: output_stream_data, every: 75}
    action: {close: {side: client}}
  - name: cut the agent
    match: {message_type: output_stream_data, probability: 0.02}
    action: {close: {side: agent}}
"""

LINE_BYTES = 200  # 5,000 lines are 976 messages at least, and their acknowledgements


class Context(Prepared):
    def __init__(self, arguments):
        super().__init__(arguments)
        self.lines = scale.choose(self.ssmsim, 5000, 2000)


def numbered_lines(count):
    return b"".join(b"line %06d " % n + b"." * (LINE_BYTES - 13) + b"\n"
                    for n in range(1, count + 1))


def cuts(server):
    return len(re.findall(r": fault 'cut[a-z ]*': close", server.log()))


def expect_lines(received, count):
    if received == numbered_lines(count):
        return
    numbers = [int(text) for text in re.findall(rb"line (\d{6}) ", received)]
    wrong = next((f"line {seen} in place of {n}" for n, seen in enumerate(numbers, 1) if n != seen),
                 "damage inside the lines")
    expect(False, f"the lines 1 to {count}, complete, in order and once each",
           f"{len(numbers)} lines, {len(received)} bytes; first difference: {wrong}")


def expect_end(server, client):
    """A client that is away when the session ends resumes it all the same and is told the end."""
    status = client.finish()
    said = bytes(client.notes).decode()
    expect(status == 0, "exit status 0 of the client",
           f"{status}: {said[-500:]}; server: {server.log()[-1500:]}")
    lost = said.count("connection lost")
    expect_equal(said.count("connection resumed"), lost,
                 f"notes about resumed connections in {said[-1000:]}")
    return lost


def expect_cut(context, server):
    """A chunk is at most 1024 bytes, and a rule looks at one message in a hundred at least."""
    least = context.lines * LINE_BYTES // 1024 // 100
    seen = cuts(server)
    expect(seen >= least, f"at least {least} cuts", f"{seen}: {server.log()[-500:]}")
    return seen


def print_lines(context, plan, client_is_cut=True):
    with Server(context.ssmsim, faults=plan) as server:
        prove_serving(server)
        loop = (f"i=1; while [ $i -le {context.lines} ]; do printf 'line %06d %s\\n' $i "
                f"{'.' * (LINE_BYTES - 13)}; i=$((i+1)); done")
        with PipedShell(server) as client:
            client.type(f"{begin()}; {loop}; {end()}; exit\n")
            client.skip_to(BEGIN)
            expect_lines(b"".join(client.stream_to(END)), context.lines)
            lost = expect_end(server, client)
        expect_equal(lost > 0, client_is_cut, f"whether the client was cut ({lost} times)")
        measured("cuts", f"{expect_cut(context, server)} while {context.lines} lines were printed")
        server.expect_idle()


def type_lines(context, plan, client_is_cut=True):
    with Server(context.ssmsim, faults=plan) as server:
        path = os.path.join(server.directory, "typed")
        data = numbered_lines(context.lines)
        with PipedShell(server) as client:
            client.type(f"{begin()}; head -c {len(data)} > {path}; {end()}; exit\n")
            client.skip_to(BEGIN)
            client.type(data)
            expect_equal(b"".join(client.stream_to(END)), b"", "output of head")
            lost = expect_end(server, client)
        expect_equal(lost > 0, client_is_cut, f"whether the client was cut ({lost} times)")
        with open(path, "rb") as file:
            expect_lines(file.read(), context.lines)
        measured("cuts", f"{expect_cut(context, server)} while {context.lines} lines were typed")
        server.expect_idle()


@suite.check("output_with_client_cut_without_a_close_frame")
def output_dropped(context):
    print_lines(context, PLAN % (OUTPUT, CLIENT_WITHOUT_FRAME))


@suite.check("output_with_client_cut_with_a_close_frame")
def output_closed(context):
    print_lines(context, PLAN % (OUTPUT, CLIENT_WITH_FRAME))


@suite.check("output_with_client_cut_at_messages_of_any_kind")
def output_any(context):
    print_lines(context, PLAN % (ANYTHING, CLIENT_WITHOUT_FRAME))


@suite.check("output_with_agent_cut")
def output_agent(context):
    print_lines(context, PLAN % (OUTPUT, AGENT), client_is_cut=False)


@suite.check("output_with_both_cut")
def output_both(context):
    print_lines(context, BOTH_ENDS)


@suite.check("input_with_client_cut_without_a_close_frame")
def input_dropped(context):
    type_lines(context, PLAN % (INPUT, CLIENT_WITHOUT_FRAME))


@suite.check("input_with_client_cut_with_a_close_frame")
def input_closed(context):
    type_lines(context, PLAN % (INPUT, CLIENT_WITH_FRAME))


@suite.check("input_with_agent_cut")
def input_agent(context):
    type_lines(context, PLAN % (INPUT, AGENT), client_is_cut=False)


# --- the same decisions

SEEDED = """
seed: %d
rules:
  - name: cut
    match: {direction: client_to_agent, message_type: input_stream_data, payload_type: output,
            probability: 0.2}
    action: {close: {side: client}}
"""


def cut_positions(context, seed, inputs=100):
    """After which of the client's messages it was cut, in a conversation of one message at a time:
    how much the terminal prints at once, and so the number of all messages, differs."""
    with Server(context.ssmsim, faults=SEEDED % seed) as server:
        session = start_raw(server)
        positions = []
        for number in range(inputs):
            before = cuts(server)
            session.type(f"echo w''ord-{number}.\n")
            wanted = f"word-{number}.".encode()
            while wanted not in session.output:
                try:
                    session.step()
                except Closed:
                    session.resume(server.api.resume(session.session_id))
            if cuts(server) > before:
                positions.append(number)
        session.abort()
        server.api.terminate(session.session_id)
        server.expect_idle()
        return positions


@suite.check("same_plan_same_cuts")
def same_cuts(context):
    first = cut_positions(context, 11)
    expect(len(first) > 5, "more than 5 cuts in 100 messages", first)
    expect_equal(cut_positions(context, 11), first, "positions in the second run")
    expect(cut_positions(context, 12) != first, "other positions with another seed", first)
    measured("cuts_at", first)


# --- resuming what is over


#= SVC-021
@suite.check("resume_of_an_ended_session_gives_no_token")
def resume_ended(context):
    with Server(context.ssmsim) as server:
        terminated = server.api.start()["SessionId"]
        server.api.terminate(terminated)
        session = start_raw(server)
        session.type("exit\n")
        session.wait_channel_closed()
        session.abort()
        for session_id in (terminated, session.session_id):
            answer = server.api.resume(session_id)
            expect(not answer.get("TokenValue"), "no TokenValue", answer)
            expect_equal(answer["SessionId"], session_id, "SessionId")


@suite.check("a_client_that_was_away_at_the_end_is_told_of_it")
def late_client(context):
    with Server(context.ssmsim) as server:
        session = start_raw(server)
        session.echo("here")
        session.abort()
        wait_until(lambda: [found["Status"] for found in
                            server.api.call("DescribeSessions", {"State": "Active"})["Sessions"]]
                   == ["Disconnected"], 30, "a disconnected session")
        server.api.terminate(session.session_id)
        session.resume(server.api.resume(session.session_id))
        session.wait_channel_closed()
        session.abort()
        expect(not server.api.resume(session.session_id).get("TokenValue"),
               "no TokenValue once it was told", "one")
        server.expect_idle()


# --- recordings


def decode(context, path, *arguments):
    result = subprocess.run([context.ssmsim, "trace", "decode", *arguments, path],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, timeout=120, env=clean_environment())
    return result.returncode, result.stdout.decode(), result.stderr.decode()


def recordings(directory):
    return [os.path.join(directory, name) for name in sorted(os.listdir(directory))
            if name.endswith(".ssmtrace")]


@suite.check("recording_of_a_cut_session")
def recording(context):
    tokens = []
    with tempfile.TemporaryDirectory(prefix="ssmsim-test-") as directory, \
            Server(context.ssmsim, "--record", directory, faults=SEEDED % 3) as server:
        started = server.api.start()
        tokens.append(started["TokenValue"])
        session = RawSession(started)
        for number in range(40):
            session.type(f"echo w''ord-{number}.\n")
            while f"word-{number}.".encode() not in session.output:
                try:
                    session.step()
                except Closed:
                    resumed = server.api.resume(session.session_id)
                    tokens.append(resumed["TokenValue"])
                    session.resume(resumed)
        seen = cuts(server)
        server.api.terminate(session.session_id)
        session.abort()
        server.expect_idle()
        expect(seen > 2 and len(tokens) > 2, "some cuts", (seen, len(tokens)))
        paths = recordings(directory)
        expect_equal(len(paths), 1, "recordings")
        expect_in(session.session_id, paths[0])
        status, text, errors = decode(context, paths[0])
        expect_equal((status, errors), (0, ""), "status and errors of trace decode")
        expect_in("word-39", text)
        expect_in("fault: cut", text)
        json_status, lines, _ = decode(context, paths[0], "--json")
        expect_equal(json_status, 0, "status of trace decode --json")
        for line in lines.splitlines():
            json.loads(line)
        with open(paths[0], "rb") as file:
            raw = file.read()
        for token in tokens:
            expect(token.encode() not in raw, "no token in the recording", "one")
            expect(token not in text and token not in lines, "no token in what is decoded", "one")
        # The agents' tokens are known to nobody here: no TokenValue may look like one.
        for found in re.findall(rb'"TokenValue"\s*:\s*"([^"]*)"', raw):
            expect(not found.strip(b"*"), "stars in place of tokens", found)
        measured("recording", f"{len(raw)} bytes, {len(text.splitlines())} lines, {seen} cuts")


@suite.check("recording_of_a_killed_server")
def killed(context):
    with tempfile.TemporaryDirectory(prefix="ssmsim-test-") as directory:
        server = Server(context.ssmsim, "--record", directory)
        try:
            session = start_raw(server)
            session.type("while :; do echo a-line-of-many; done\n")
            while len(session.output) < 1_000_000:
                session.step()
            server.process.kill()
            server.process.wait(END_SECONDS)
            session.abort()
        finally:
            server.kill_all()
        (path,) = recordings(directory)
        status, text, errors = decode(context, path)
        expect(status in (0, 1), "status 0 or 1", (status, errors))
        expect_in("a-line-of-many", text)
        if status == 1:
            expect_named_cut(text, errors)
        size = os.path.getsize(path)
        measured("recording_of_a_killed_server",
                 f"{size} bytes of {len(session.output)} bytes of output, "
                 f"{len(text.splitlines())} lines, status {status}")
        os.truncate(path, size - 7)
        status, text, errors = decode(context, path)
        expect_equal(status, 1, "status of a file without its last 7 bytes")
        expect_named_cut(text, errors)


def expect_named_cut(text, errors):
    said = text[-500:] + errors
    expect(re.search("cut|damaged|truncated|incomplete", said), "a text that says what is wrong",
           said)


if __name__ == "__main__":
    sys.exit(suite.main(Context))
