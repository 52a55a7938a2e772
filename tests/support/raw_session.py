"""A shell session over a raw WebSocket: the client's side of a data channel in its simplest form.
Every output message is acknowledged; its own input is not retransmitted, as nothing is lost on an
unbroken loopback connection."""

import json
import time
import uuid

import agent_message as am
from checks import Failure, fail, shorten
from websocket import BINARY, Closed, WebSocket


def open_frame(token, **changes):
    members = {"MessageSchemaVersion": "1.0", "RequestId": str(uuid.uuid4()), "TokenValue": token,
               "ClientId": str(uuid.uuid4()), "ClientVersion": "1.2.0.0", **changes}
    return json.dumps({name: value for name, value in members.items() if value is not None})


class RawSession:
    def __init__(self, started, timeout=60):
        """`started`: the response of StartSession."""
        self.session_id = started["SessionId"]
        self.stream_url = started["StreamUrl"]
        self.timeout = timeout
        self.output = bytearray()
        self.closed_text = None
        self._position = 0
        self._next_input = 0
        self._next_output = 0
        self._early = {}
        self.socket = WebSocket(self.stream_url, timeout=timeout)
        self.socket.send_text(open_frame(started["TokenValue"]))

    def resume(self, resumed):
        """The same session on another connection. Messages that are not acknowledged come again."""
        self.socket.abort()
        self.socket = WebSocket(resumed["StreamUrl"], timeout=self.timeout)
        self.socket.send_text(open_frame(resumed["TokenValue"]))

    def send(self, payload, payload_type=am.DATA):
        message = am.AgentMessage(am.INPUT, payload, self._next_input, 0, payload_type)
        self._next_input += 1
        self.socket.send_binary(message.encode())

    def type(self, text):
        self.send(text.encode() if isinstance(text, str) else text)

    def resize(self, columns, rows):
        self.send(json.dumps({"cols": columns, "rows": rows}).encode(), am.SIZE)

    def step(self, timeout=None):
        """Handles one message from the server."""
        opcode, data = self.socket.receive(timeout)
        if opcode != BINARY:
            fail("binary messages only", shorten(data))
        message = am.decode(data)
        if message.message_type == am.CHANNEL_CLOSED:
            self.closed_text = message.json().get("Output", "")
        elif message.message_type == am.OUTPUT:
            self.socket.send_binary(am.acknowledgement(message).encode())
            self._early.setdefault(message.sequence, message)
            while self._next_output in self._early:
                self._handle(self._early.pop(self._next_output))
                self._next_output += 1
            self._early = {n: m for n, m in self._early.items() if n > self._next_output}
        return message

    def _handle(self, message):
        if message.payload_type == am.HANDSHAKE_REQUEST:
            answers = [{"ActionType": action["ActionType"], "ActionStatus": 1, "ActionResult": None,
                        "Error": ""} for action in message.json()["RequestedClientActions"]]
            response = {"ClientVersion": "1.2.0.0", "ProcessedClientActions": answers, "Errors": []}
            self.send(json.dumps(response).encode(), am.HANDSHAKE_RESPONSE)
        elif message.payload_type != am.HANDSHAKE_COMPLETE:
            self.output += message.payload

    def expect(self, text, timeout=None):
        """Reads until the output holds `text` behind what was expected before."""
        wanted = text.encode() if isinstance(text, str) else text
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            found = self.output.find(wanted, self._position)
            if found >= 0:
                self._position = found + len(wanted)
                return
            try:
                self.step(deadline - time.monotonic())
            except (Closed, TimeoutError) as error:
                raise Failure(f"expected {wanted!r}, seen {shorten(bytes(self.output))} and then "
                              f"{error}") from error

    def echo(self, word):
        """Proves that the shell runs: its answer is not in what is typed."""
        self.type(f"echo {word[:1]}''{word[1:]}\n")
        self.expect(word)

    def wait_channel_closed(self, timeout=None):
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while self.closed_text is None:
            try:
                self.step(deadline - time.monotonic())
            except (Closed, TimeoutError) as error:
                raise Failure(f"expected channel_closed, seen {error}") from error
        return self.closed_text

    def abort(self):
        self.socket.abort()


def start_raw(server, **parameters):
    return RawSession(server.api.start(**parameters))


def prove_serving(server):
    """A whole session from StartSession to its end."""
    session = start_raw(server)
    session.echo("still-serving")
    session.type("exit\n")
    session.wait_channel_closed()
    session.abort()
