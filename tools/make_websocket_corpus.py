#!/usr/bin/env python3
"""Writes the seed files of fuzz/corpus/websocket_fuzzer, named by the hash of their content.

First byte: bit 0 masked (as from a client), the rest one less than the size of the pieces in which
the input is given. Then WebSocket frames (RFC 6455).
"""
import hashlib
import pathlib
import struct
import sys


def frame(opcode, payload, mask=None, final=True, reserved=0, length_form=None):
    form = length_form or (7 if len(payload) < 126 else 16 if len(payload) < 65536 else 64)
    head = bytes([(0x80 if final else 0) | reserved << 4 | opcode])
    masked = 0x80 if mask else 0
    if form == 7:
        head += bytes([masked | len(payload)])
    elif form == 16:
        head += bytes([masked | 126]) + struct.pack(">H", len(payload))
    else:
        head += bytes([masked | 127]) + struct.pack(">Q", len(payload))
    if mask:
        head += mask
        payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return head + payload


TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
MASK = b"\x37\xfa\x21\x3d"
SEEDS = [
    frame(TEXT, b"Hello"),
    frame(TEXT, b"Hello", MASK),
    frame(TEXT, b"Hel", final=False) + frame(PING, b"keepalive") + frame(CONTINUATION, b"lo"),
    frame(BINARY, b"x" * 130, MASK),
    frame(BINARY, b"x" * 130, MASK, final=False) + frame(CONTINUATION, b"y" * 130, MASK),
    frame(CLOSE, struct.pack(">H", 1000) + b"bye", MASK),
    frame(CLOSE, b""),
    frame(CLOSE, b"\x03"),
    frame(CLOSE, struct.pack(">H", 1005)),
    frame(PONG, b"keepalive") + frame(PING, b""),
    frame(PING, b"x" * 126, length_form=16),
    frame(PING, b"x", final=False),
    frame(TEXT, b"\xff\xfe", MASK),
    frame(TEXT, b"\xe2\x82", final=False) + frame(CONTINUATION, b"\xac"),
    frame(BINARY, b"x", reserved=4),
    frame(3, b"x"),
    frame(CONTINUATION, b"x"),
    frame(BINARY, b"x", length_form=16),
    b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x82\x7f\x00\x00\x00\x00\x00\x00\x20\x00",
    frame(BINARY, b""),
    frame(BINARY, b"", MASK) + frame(BINARY, b"abc", MASK),
]


def main() -> int:
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for seed in SEEDS:
        masked = 1 if len(seed) > 1 and seed[1] & 0x80 else 0
        for piece in (1, 100):
            data = bytes([masked | (piece - 1) << 1]) + seed
            (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
