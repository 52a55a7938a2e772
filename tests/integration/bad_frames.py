"""What peers of a data channel send wrongly to `ssmsim serve`, alone and in crowds: refused, and it
serves on."""

import contextlib
import json
import os
import random
import socket
import struct
import sys
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

import agent_message as am
import scale
from checks import Suite, expect, expect_equal, expect_in, shorten
from raw_session import RawSession, open_frame, start_raw
from surviving_server import SurvivingServer
from websocket import BINARY, TEXT, Closed, WebSocket, frame

suite = Suite(__doc__)

PROTOCOL_ERROR = 1002
NO_UTF8 = 1007
POLICY_VIOLATION = 1008
TOO_BIG = 1009
MIB = 1 << 20
PROMPT = "# "


class Watched(RawSession):
    """Notes the sequence number of each output message as it arrives, repeated ones too."""

    def __init__(self, server):
        self.api = server.api
        self.arrived = []
        super().__init__(server.api.start())

    def step(self, timeout=None):
        message = super().step(timeout)
        if message.message_type == am.OUTPUT:
            self.arrived.append(message.sequence)
        return message

    def expect_connection_closed_by(self, data, code):
        """The connection, not the session."""
        with contextlib.suppress(Closed):  # before all was written; its close frame is still there
            self.socket.send_raw(data)
        closed = self.socket.wait_closed()
        expect_equal(closed.code, code, f"close code after {shorten(data, 60)}")
        self.resume(self.api.resume(self.session_id))
        self.echo("resumed")


@contextlib.contextmanager
def open_session(server):
    session = Watched(server)
    session.echo("begun")
    try:
        yield session
    finally:
        session.abort()
        server.api.terminate(session.session_id)


# --- tokens


def refused_by_policy(stream_url, first_frame):
    client = WebSocket(stream_url)
    client.send_text(first_frame)
    closed = client.wait_closed()
    expect_equal(closed.code, POLICY_VIOLATION, f"close code after {shorten(first_frame, 60)}")
    return closed.reason


def use(server, started):
    """Its token is still good."""
    session = RawSession(started)
    session.echo("opened")
    server.api.terminate(session.session_id)
    session.wait_channel_closed()
    session.abort()


@suite.check("token_that_was_accepted_before")
def reused_token(server):
    started = server.api.start()
    session = RawSession(started)
    session.echo("first")
    expect_in("used before", refused_by_policy(started["StreamUrl"],
                                               open_frame(started["TokenValue"])))
    session.echo("still-there")
    server.api.terminate(session.session_id)
    session.wait_channel_closed()
    session.abort()


@suite.check("wrong_token_and_token_of_another_session")
def wrong_token(server):
    mine, other = server.api.start(), server.api.start()
    token = mine["TokenValue"]
    agent = {"ClientInstanceId": "i-123456789", "ClientId": "", "ClientVersion": None}
    for first_frame in (
            open_frame("nonsense"), open_frame(""), open_frame(token[:-1]), open_frame(token + "A"),
            open_frame(token.swapcase()), open_frame(other["TokenValue"]),
            # The client's token opens no agent's end, and an agent of another instance none at all.
            open_frame(token, **agent),
            open_frame(token, **{**agent, "ClientInstanceId": "mi-0123456789abcdef0"})):
        refused_by_policy(mine["StreamUrl"], first_frame)
    use(server, mine)
    use(server, other)


@suite.check("second_client_replaces_the_first")
def replaced(server):
    with open_session(server) as session:
        session.expect(PROMPT)  # all output is here and acknowledged
        first = session.socket
        resumed = server.api.resume(session.session_id)
        session.socket = WebSocket(resumed["StreamUrl"])
        session.socket.send_text(open_frame(resumed["TokenValue"]))
        closed = first.wait_closed()
        expect(closed.code in (1005, 1006), "the first connection to be dropped", closed)
        session.echo("second-client")
        session.expect(PROMPT)
        for word in (b"begun\r\n", b"second-client\r\n"):
            expect_equal(bytes(session.output).count(word), 1, f"times {word}")
        if not scale.is_sanitized(server.ssmsim):  # a slow server may retransmit, which is no fault
            expect_equal(session.arrived, list(range(len(session.arrived))), "sequence numbers")
        expect_equal(server.session(session.session_id)["status"], "Connected", "status")


# --- frames


@suite.check("oversized_message")
def oversized(server):
    with open_session(server) as session:
        session.expect_connection_closed_by(frame(BINARY, bytes(MIB + 1)), TOO_BIG)
        # Only announced: nobody waits for bytes that would be refused, or makes room for them.
        for announced in (MIB + 1, 1 << 32, (1 << 63) - 1):
            session.expect_connection_closed_by(
                b"\x82\xff" + struct.pack(">Q", announced) + bytes(4), TOO_BIG)
        halves = frame(BINARY, bytes(MIB // 2 + 1), final=False) + frame(0, bytes(MIB // 2 + 1))
        session.expect_connection_closed_by(halves, TOO_BIG)
        # One that is just small enough is read whole, and is no AgentMessage.
        session.socket.send_raw(frame(BINARY, bytes(MIB)))
        session.echo("largest")


@suite.check("frames_that_break_rfc_6455")
def broken_frames(server):
    with open_session(server) as session:
        for data in (frame(BINARY, b"unmasked", masked=False), frame(3, b"reserved"),
                     frame(11, b"reserved control"), b"\xc2\x80" + bytes(4), frame(9, bytes(126)),
                     frame(9, b"x", final=False), frame(0, b"continues nothing"),
                     frame(BINARY, b"a", final=False) + frame(BINARY, b"b"),
                     b"\x82\xff" + struct.pack(">Q", 1 << 63) + bytes(4)):
            session.expect_connection_closed_by(data, PROTOCOL_ERROR)
        session.expect_connection_closed_by(frame(8, struct.pack(">H", 4321) + b"reason"), 4321)
        session.socket.send_raw(frame(8, b"\x03"))
        session.socket.wait_closed()


# --- messages


@suite.check("truncated_agent_messages")
def truncated(server):
    with open_session(server) as session:
        whole = am.AgentMessage(am.INPUT, b"echo tr''uncated\n", session._next_input, 0,
                                am.DATA).encode()
        expect(len(whole) > 130, "a message longer than 130 bytes", len(whole))
        for size in range(131):
            session.socket.send_binary(whole[:size])
        session.echo("whole")
        expect(b"truncated" not in session.output, "no truncated message typed",
               bytes(session.output))


@suite.check("damaged_agent_messages")
def damaged(server):
    choice = random.Random(1)
    with open_session(server) as session:
        good = am.AgentMessage(am.INPUT, b"echo dam''aged\n", session._next_input, 0,
                               am.DATA).encode()

        def changed(offset, data):
            return good[:offset] + data + good[offset + len(data):]

        messages = [changed(0, struct.pack(">I", size))
                    for size in (0, 1, 115, 117, 1 << 31, 0xFFFFFFFF)]
        messages += [changed(4, text.ljust(32)) for text in
                     (b"nonsense", bytes(32), b"\xff" * 32, b" ")]
        messages += [changed(80, bytes(32)), good[:-1] + b"\r", good + b"x"]  # digest, content
        messages += [changed(48, struct.pack(">q", number))
                     for number in (-1, -(1 << 63), (1 << 63) - 1, 1 << 40)]
        for _ in range(500):
            noise = bytearray(good)
            for _ in range(choice.randint(1, 8)):
                # Where no other value is right. PayloadLength is not read: it says nothing new.
                noise[choice.choice([*range(21), *range(80, 112), *range(120, len(good))])] = \
                    choice.randrange(256)
            if bytes(noise) != good:
                messages.append(bytes(noise))
        for message in messages:
            session.socket.send_binary(message)
        session.echo("unhurt")
        expect(b"damaged" not in session.output, "no damaged message typed", bytes(session.output))


@suite.check("messages_that_are_not_a_clients_to_send")
def forged(server):
    contents = {
        am.CHANNEL_CLOSED: {"MessageType": "channel_closed", "MessageId": str(uuid.uuid4()),
                            "DestinationId": "x", "SchemaVersion": 1, "CreatedDate": "now",
                            "Output": "forged"},
        "pause_publication": {}, "start_publication": {},
        "agent_session_state": {"SchemaVersion": 1, "SessionState": "Terminating"},
        "agent_task_complete": {"FailedMessage": "forged"}, "interactive_shell": {},
        am.OUTPUT: {"forged": True},
    }
    with open_session(server) as session:
        for kind, content in contents.items():
            content["SessionId"] = session.session_id
            for sequence in (0, session._next_input, 1 << 40):
                session.socket.send_binary(am.AgentMessage(
                    kind, json.dumps(content).encode(), sequence, 3, am.DATA).encode())
        bogus = {"AcknowledgedMessageType": am.OUTPUT, "AcknowledgedMessageId": "no uuid",
                 "AcknowledgedMessageSequenceNumber": 1 << 40, "IsSequentialMessage": True}
        for payload in (b"", b"{", b"[]", json.dumps(bogus).encode(), b"\xff" * 100):
            session.socket.send_binary(am.AgentMessage(am.ACKNOWLEDGE, payload, flags=3).encode())
        session.echo("unmoved")
        session.echo("output-still-flows")
        expect_equal(session.closed_text, None, "text of a channel_closed")
        expect(b"forged" not in session.output, "nothing forged", bytes(session.output))
        expect_equal(server.session(session.session_id)["status"], "Connected", "status")


@suite.check("stream_messages_with_odd_content")
def odd_streams(server):
    with open_session(server) as session:
        for text in (b"", b"{}", b'{"cols":0,"rows":0}', b'{"cols":4294967295,"rows":4294967295}'):
            session.send(text, am.SIZE)
        for payload_type in (0, 2, 4, am.HANDSHAKE_REQUEST, am.HANDSHAKE_RESPONSE,
                             am.HANDSHAKE_COMPLETE, 8, 9, 10, 11, 12, 13, 255, 0xFFFFFFFF):
            session.send(b'{"odd": true}', payload_type)
        session.echo("even")


#= SHELL-005
@suite.check("unreadable_window_size_is_not_taken_until_it_is_sent_right")
def unreadable_size(server):
    for text in (b"null", b'{"cols":-1,"rows":1}', b'{"cols":1e99}', b'{"cols":"x"}', b"\xff" * 64,
                 b"[" * 900):
        with open_session(server) as session:
            session.send(text, am.SIZE)
            session._next_input -= 1
            session.resize(100, 30)
            session.type("stty size\n")
            session.expect("30 100\r\n")


# --- before the first text frame


@suite.check("noise_before_the_first_text_frame")
def noise_first(server):
    choice = random.Random(2)
    started = server.api.start()
    message = am.AgentMessage(am.INPUT, b"echo early\n", 0, 0, am.DATA).encode()
    for data in (message, *(choice.randbytes(size) for size in (0, 1, 119, 120, 4096, 65536))):
        client = WebSocket(started["StreamUrl"])
        client.send_binary(data)
        expect_equal(client.wait_closed().code, POLICY_VIOLATION, f"after {shorten(data, 60)}")
    client = WebSocket(started["StreamUrl"])
    client.send_raw(choice.randbytes(64 * 1024))  # no frames at all
    client.wait_closed()
    use(server, started)


@suite.check("text_that_opens_nothing")
def wrong_text(server):
    choice = random.Random(2)
    started = server.api.start()
    alphabet = '{}[]":,\\/ \t\n0aeE+-.tfnulrsTokenValue\0é日'
    texts = ["".join(choice.choices(alphabet, k=choice.randint(0, 200))) for _ in range(30)]
    for text in (*texts, "", "{}", "null", "[]", '{"TokenValue":1}', "[" * 10_000,
                 '{"TokenValue":"x"}', open_frame(started["TokenValue"])[:-1], open_frame(None)):
        refused_by_policy(started["StreamUrl"], text)
    client = WebSocket(started["StreamUrl"])
    client.send_raw(frame(TEXT, b'{"TokenValue":"\xff\xfe"}'))
    code = client.wait_closed().code
    expect(code in (NO_UTF8, POLICY_VIOLATION), "1007 or 1008 for what is no UTF-8", code)
    use(server, started)


@suite.check("first_text_frame_of_1_mb")
def huge_first_frame(server):
    started = server.api.start()
    for text in ("x" * 1_000_000, open_frame("x" * 1_000_000),
                 open_frame(started["TokenValue"]) + " " * 1_000_000):
        refused_by_policy(started["StreamUrl"], text)
    use(server, started)


# --- crowds


def prove_a_session_beside(server):
    session = start_raw(server)
    session.echo("beside-the-crowd")
    session.type("exit\n")
    session.wait_channel_closed()
    session.abort()


@suite.check("websockets_that_never_send_a_first_frame")
def silent_websockets(server):
    crowd = server.api.start()
    with contextlib.ExitStack() as stack:
        silent = []
        for _ in range(scale.choose(server.ssmsim, 1000, 200)):
            silent.append(WebSocket(crowd["StreamUrl"]))
            stack.callback(silent[-1].abort)
        prove_a_session_beside(server)
        # They are not waited for longer than the time in which an OpenDataChannel must come.
        for client in silent:
            expect_equal(client.wait_closed().code, POLICY_VIOLATION, "close code of a silent one")
    server.api.terminate(crowd["SessionId"])


@suite.check("half_open_tcp_connections")
def half_open(server):
    beginnings = (b"", b"G", b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{",
                  b"GET /v1/data-channel/x HTTP/1.1\r\nUpgrade: websocket\r\n")
    with contextlib.ExitStack() as stack:
        for number in range(scale.choose(server.ssmsim, 2000, 400)):
            client = stack.enter_context(socket.create_connection((server.host, server.port), 60))
            client.sendall(beginnings[number % len(beginnings)])
        prove_a_session_beside(server)


if __name__ == "__main__":
    sys.exit(suite.main(SurvivingServer))
