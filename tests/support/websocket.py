"""A small blocking WebSocket client (RFC 6455) that can also send what a good one never would."""

import base64
import hashlib
import os
import select
import socket
import struct
import time
from urllib.parse import urlsplit

TEXT = 1
BINARY = 2
CLOSE = 8
PING = 9
PONG = 10

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Refused(Exception):
    """The upgrade was answered with something else than 101."""

    def __init__(self, status, text):
        super().__init__(f"{status}: {text[:200]!r}")
        self.status = status
        self.text = text


class Closed(Exception):
    """The connection is over. `code` is that of the peer's close frame: 1005 when it was empty,
    1006 when there was none."""

    def __init__(self, code, reason=""):
        super().__init__(f"closed with {code} {reason!r}")
        self.code = code
        self.reason = reason


def mask_bytes(key, data):
    if not data:
        return data
    whole = key * (len(data) // 4 + 1)
    size = len(data)
    mixed = int.from_bytes(data, "big") ^ int.from_bytes(whole[:size], "big")
    return mixed.to_bytes(size, "big")


def frame(opcode, payload, *, final=True, masked=True):
    head = bytearray([(0x80 if final else 0) | opcode])
    bit = 0x80 if masked else 0
    if len(payload) < 126:
        head.append(bit | len(payload))
    elif len(payload) < 65536:
        head.append(bit | 126)
        head += struct.pack(">H", len(payload))
    else:
        head.append(bit | 127)
        head += struct.pack(">Q", len(payload))
    if not masked:
        return bytes(head) + payload
    key = os.urandom(4)
    return bytes(head) + key + mask_bytes(key, payload)


class WebSocket:
    def __init__(self, url, *, headers=None, timeout=60):
        parts = urlsplit(url)
        self.timeout = timeout
        self._buffer = bytearray()
        self._fragments = bytearray()
        self._fragment_opcode = 0
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            self._upgrade(target, parts.netloc, headers or {})
        except BaseException:
            self.socket.close()
            raise

    def _upgrade(self, target, host, headers):
        key = base64.b64encode(os.urandom(16))
        lines = {"Host": host, "Upgrade": "websocket", "Connection": "Upgrade",
                 "Sec-WebSocket-Key": key.decode(), "Sec-WebSocket-Version": "13", **headers}
        text = f"GET {target} HTTP/1.1\r\n"
        text += "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self.socket.sendall(text.encode() + b"\r\n")
        deadline = time.monotonic() + self.timeout
        while b"\r\n\r\n" not in self._buffer:
            self._fill(deadline)
        head, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        if status != 101:
            raise Refused(status, (head + b"\r\n\r\n" + rest).decode(errors="replace"))
        expected = base64.b64encode(hashlib.sha1(key + _GUID).digest())
        if expected not in head:
            raise Refused(status, "wrong Sec-WebSocket-Accept: " + head.decode(errors="replace"))
        self._buffer = bytearray(rest)

    # --- sending

    def send_raw(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Closed(1006, str(error)) from error

    def send_text(self, text):
        self.send_raw(frame(TEXT, text if isinstance(text, bytes) else text.encode()))

    def send_binary(self, data):
        self.send_raw(frame(BINARY, data))

    def abort(self):
        """Leaves without a close frame."""
        self.socket.close()

    # --- receiving

    def _fill(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0 or not self._readable(left):
            raise TimeoutError("nothing arrived in time")
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError as error:
            raise Closed(1006, str(error)) from error
        if not data:
            raise Closed(1006, "end of stream")
        self._buffer += data

    def _readable(self, seconds):
        # select() knows no descriptor above 1023.
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        return bool(poll.poll(1000 * seconds))

    def has_data(self):
        return bool(self._buffer) or self._readable(0)

    def _take(self, size, deadline):
        while len(self._buffer) < size:
            self._fill(deadline)
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def receive(self, timeout=None):
        """(opcode, payload) of the next text or binary message. Answers pings. Raises Closed, or
        TimeoutError."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            head = self._take(2, deadline)
            size = head[1] & 0x7F
            if head[1] & 0x80:
                raise Closed(1002, "the server masked a frame")
            if size == 126:
                size = struct.unpack(">H", self._take(2, deadline))[0]
            elif size == 127:
                size = struct.unpack(">Q", self._take(8, deadline))[0]
            payload = self._take(size, deadline)
            opcode = head[0] & 0x0F
            if opcode == PING:
                self.send_raw(frame(PONG, payload))
            elif opcode == CLOSE:
                self._answer_close(payload)
            elif opcode in (0, TEXT, BINARY):
                self._fragment_opcode = opcode or self._fragment_opcode
                self._fragments += payload
                if head[0] & 0x80:
                    whole = bytes(self._fragments)
                    self._fragments = bytearray()
                    return self._fragment_opcode, whole

    def _answer_close(self, payload):
        try:
            self.send_raw(frame(CLOSE, payload[:2]))
        except Closed:
            pass
        self.socket.close()
        if len(payload) < 2:
            raise Closed(1005)
        raise Closed(struct.unpack(">H", payload[:2])[0], payload[2:].decode(errors="replace"))

    def wait_closed(self, timeout=None):
        """Reads on until the connection is over; returns its Closed."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            try:
                self.receive(deadline - time.monotonic())
            except Closed as closed:
                return closed
