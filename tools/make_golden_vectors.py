#!/usr/bin/python3
"""Writes tests/golden/agent_message.vec.

An implementation of the AgentMessage layout and of four receivers that shares nothing with the C++
codec, so that the vectors check both. The two reference receivers are written the way the programs
read (session-manager-plugin src/message/messageparser.go, amazon-ssm-agent
agent/session/contracts/agentmessage.go): bounds checks per field, 32-bit sums, slices that panic.

    tools/make_golden_vectors.py                 rewrite the file
    tools/make_golden_vectors.py --check FILE    exit 1 if FILE is not what would be written
"""

import argparse
import hashlib
import pathlib
import struct
import sys
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "tests" / "golden" / "agent_message.vec"

CREATED = 1503434274948
ID_1 = "dd01e56b-ff48-483e-a508-b5f073f31b16"
ID_2 = "0a1b2c3d-4e5f-4a6b-8c7d-9e8f0a1b2c3d"
NIL_ID = str(uuid.UUID(int=0))
U32 = 2**32
EMPTY_DIGEST = hashlib.sha256(b"").digest()

# White_Space of Unicode, as Go's unicode.IsSpace has it.
SPACES = "\t\n\v\f\r \u0085\u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200B)))
SPACES += "\u2028\u2029\u202f\u205f\u3000"


class Refused(Exception):
    """A receiver's verdict other than `accept`; the text is the name of the error."""


def build(message_type="input_stream_data", payload=b"payload", *, header_length=116, pad=b" ",
          raw_type=None, schema=1, created=CREATED, sequence=1, flags=0, message_id=ID_1,
          digest=None, payload_type=0, payload_length=None, tail=b""):
    """Any message, right by default; `digest` and `payload_length` may be given wrong values."""
    if raw_type is None:
        raw_type = message_type.encode().ljust(32, pad)
    assert len(raw_type) == 32
    ident = uuid.UUID(message_id).bytes
    if digest is None:
        digest = hashlib.sha256(payload).digest()
    if payload_length is None:
        payload_length = len(payload)
    out = struct.pack(">I32sIQqQ8s8s32s", header_length, raw_type, schema, created, sequence, flags,
                      ident[8:], ident[:8], digest)
    if header_length != 112:
        out += struct.pack(">I", payload_type)
    return out + struct.pack(">I", payload_length) + payload + tail


# --- reading -----------------------------------------------------------------------------------

def clean_type(raw):
    text = raw.strip(b"\0").decode("utf-8", "surrogateescape").strip(SPACES)
    return text.encode("utf-8", "surrogateescape")


class Reader:
    """Reads fields at fixed offsets; `spare` bytes must follow an integer (the agent wants one)."""

    def __init__(self, data, spare):
        self.data, self.spare = data, spare

    def take(self, offset, size, spare=0):
        if offset + size + spare > len(self.data):
            raise Refused("truncated_header")
        return self.data[offset:offset + size]

    def integer(self, offset, code):
        size = struct.calcsize(code)
        return struct.unpack(">" + code, self.take(offset, size, self.spare if size == 4 else 0))[0]


def read_fields(data, spare):
    reader = Reader(data, spare)
    fields = {"type": clean_type(reader.take(4, 32))}
    fields["schema"] = reader.integer(36, "I")
    fields["created"] = reader.integer(40, "Q")
    fields["sequence"] = reader.integer(48, "q")
    fields["flags"] = reader.integer(56, "Q")
    half = reader.take(64, 16)
    fields["id"] = str(uuid.UUID(bytes=half[8:] + half[:8]))
    fields["digest"] = reader.take(80, 32)
    fields["payload_type"] = reader.integer(112, "I")
    late_error = None
    try:
        fields["payload_length"] = reader.integer(116, "I")
    except Refused as error:
        fields["payload_length"], late_error = 0, error
    fields["header_length"] = struct.unpack(">I", data[:4])[0]
    return fields, late_error


def cut(data, fields, start):
    if start > len(data):
        raise Refused("payload_out_of_bounds")  # the references panic here
    fields["start"], fields["payload"] = start, data[start:]


def decode_plugin(data):
    fields, late_error = read_fields(data, spare=0)
    cut(data, fields, (fields["header_length"] + 4) % U32)
    if late_error:
        raise late_error
    return fields


def decode_agent(data):
    fields, _ = read_fields(data, spare=1)  # the late error is dropped
    cut(data, fields, (fields["header_length"] + 4) % U32)
    return fields


def decode_ours(data):
    fields, late_error = read_fields(data, spare=0)
    cut(data, fields, fields["header_length"] + 4)
    if late_error:
        raise late_error
    return fields


def check_common(fields):
    if fields["header_length"] == 0:
        raise Refused("zero_header_length")
    if fields["type"] == b"":
        raise Refused("blank_message_type")
    if fields["created"] == 0:
        raise Refused("zero_created_date")


def check_digest(fields):
    if hashlib.sha256(fields["payload"]).digest() != fields["digest"]:
        raise Refused("digest_mismatch")


def check_plugin(data, fields):
    if fields["type"] in (b"start_publication", b"pause_publication"):
        return
    check_common(fields)
    if fields["payload_length"] != 0:
        check_digest(fields)


def check_agent(data, fields):
    check_common(fields)


def check_strict(data, fields):
    check_common(fields)
    check_digest(fields)


def check_pedantic(data, fields):
    if fields["header_length"] == 0:
        raise Refused("zero_header_length")
    if fields["header_length"] not in (112, 116):
        raise Refused("unknown_header_length")
    check_common(fields)
    if fields["schema"] != 1:
        raise Refused("unknown_schema_version")
    where = fields["header_length"]
    if struct.unpack(">I", data[where:where + 4])[0] != len(fields["payload"]):
        raise Refused("payload_length_mismatch")
    check_digest(fields)


RECEIVERS = {
    "strict": (decode_ours, check_strict),
    "plugin": (decode_plugin, check_plugin),
    "agent": (decode_agent, check_agent),
    "pedantic": (decode_ours, check_pedantic),
}


def judge(data, receiver):
    """Verdict, and the fields if the bytes could be decoded at all."""
    decode, check = RECEIVERS[receiver]
    try:
        fields = decode(data)
    except Refused as error:
        return str(error), None
    try:
        check(data, fields)
    except Refused as error:
        return str(error), fields
    return "accept", fields


def encoding_of(data, fields):
    """How a sender can make exactly these bytes: the value of the key `encode`, or None."""
    padding = {"": b" ", " nul_padding": b"\0"}
    if fields["id"] == NIL_ID:
        return None
    for word, pad in padding.items():
        for length in (116, 112):
            same = build(raw_type=fields["type"].ljust(32, pad), payload=fields["payload"],
                         header_length=length, created=fields["created"],
                         sequence=fields["sequence"], flags=fields["flags"],
                         message_id=fields["id"], payload_type=fields["payload_type"])
            if same != data:
                continue
            form = ("header_112" if length == 112 else "header_116") + word
            if not fields["payload"]:
                form += " empty_payload"
            return "standard" if form == "header_116" else form
    return None


def block(name, note, data):
    lines = [f"name = {name}", f"note = {note}", f"message = {data.hex()}"]
    decoded = {}
    for receiver in RECEIVERS:
        verdict, fields = judge(data, receiver)
        lines.append(f"{receiver} = {verdict}")
        if fields:
            decoded[receiver] = fields
    fields = decoded.get("strict") or decoded.get("plugin") or decoded.get("agent")
    if fields:
        lines += [
            f"header_length = {fields['header_length']}",
            f"message_type_hex = {fields['type'].hex()}",
            f"schema_version = {fields['schema']}",
            f"created_date = {fields['created']}",
            f"sequence_number = {fields['sequence']}",
            f"flags = {fields['flags']}",
            f"message_id = {fields['id']}",
            f"digest = {fields['digest'].hex()}",
            f"payload_type = {fields['payload_type']}",
            f"payload_length = {fields['payload_length']}",
        ]
        agent = decoded.get("agent")
        if agent and agent["payload_length"] != fields["payload_length"]:
            lines.append(f"payload_length_agent = {agent['payload_length']}")
        lines += [
            f"payload_offset = {fields['start']}",
            f"payload_size = {len(fields['payload'])}",
            f"payload_sha256 = {hashlib.sha256(fields['payload']).hexdigest()}",
        ]
        form = encoding_of(data, fields)
        if form:
            lines.append(f"encode = {form}")
    return "\n".join(lines) + "\n"


# --- the vectors -------------------------------------------------------------------------------

ACK = (b'{"AcknowledgedMessageType":"output_stream_data","AcknowledgedMessageId":"'
       + ID_1.encode() + b'","AcknowledgedMessageSequenceNumber":2,"IsSequentialMessage":true}')
STATE = (b'{"SchemaVersion":1,"SessionState":"Connected",'
         b'"SessionId":"2b196342-d7d4-436e-8f09-3883a1116ac3"}')


def channel_closed(output):
    return (b'{"MessageType":"channel_closed","MessageId":"' + ID_1.encode()
            + b'","DestinationId":"client-1","SessionId":"alice-0123456789abcdef0",'
            b'"SchemaVersion":1,"CreatedDate":"2017-08-22T20:37:54.948Z","Output":"' + output
            + b'"}')


def worked_examples():
    yield ("worked_example_a", "the message of both programs' serializer tests",
           build(flags=2))
    yield ("worked_example_b", "acknowledge for output sequence 2, as both programs write it",
           build("acknowledge", ACK, sequence=0, flags=3, message_id=ID_2))
    yield ("worked_example_c", "first agent output, as both programs write it",
           build("output_stream_data", b"Hello Agent\n", sequence=0, flags=1, payload_type=1))
    yield ("worked_example_d", "client terminal size, as the client writes it",
           build(payload=b'{"cols":100,"rows":100}', sequence=0, payload_type=3))
    yield ("worked_example_e", "agent_session_state Connected, as the agent writes it",
           build("agent_session_state", STATE, sequence=0, flags=3, message_id=ID_2))
    yield ("worked_example_f", "port flag TerminateSession, as the client writes it",
           build(payload=b"\0\0\0\2", sequence=5, payload_type=10))
    payload = channel_closed(b"")
    payload = channel_closed(b"x" * (223 - len(payload)))
    yield ("worked_example_g", "received form: HeaderLength 112, NUL padding, no PayloadType; a "
           "reader of fixed offsets sees PayloadType 223 and PayloadLength 2065845605",
           build("channel_closed", payload, header_length=112, pad=b"\0", sequence=0))
    yield ("worked_example_h", "received form: header only, pause_publication",
           build("pause_publication", b"", sequence=0, message_id=ID_2))


# As the reference serializers write A to F, and as both reference parsers accept G and H.
def hexdump(text):
    return bytes.fromhex("".join(text.split()))


EXPECTED = {
    "worked_example_a": hexdump("""
        00 00 00 74 69 6e 70 75 74 5f 73 74 72 65 61 6d 5f 64 61 74 61 20 20 20 20 20 20 20 20 20 20 20
        20 20 20 20 00 00 00 01 00 00 01 5e 0b aa 78 84 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 02
        a5 08 b5 f0 73 f3 1b 16 dd 01 e5 6b ff 48 48 3e 23 9f 59 ed 55 e7 37 c7 71 47 cf 55 ad 0c 1b 03
        0b 6d 7e e7 48 a7 42 69 52 f9 b8 52 d5 a9 35 e5 00 00 00 00 00 00 00 07 70 61 79 6c 6f 61 64"""),
    "worked_example_b": hexdump("""
        00 00 00 74 61 63 6b 6e 6f 77 6c 65 64 67 65 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20
        20 20 20 20 00 00 00 01 00 00 01 5e 0b aa 78 84 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 03
        8c 7d 9e 8f 0a 1b 2c 3d 0a 1b 2c 3d 4e 5f 4a 6b 82 61 49 d3 5e 09 fb 65 5b 0d e7 14 8d ac 39 3b
        94 0c 08 94 4a ec cb ef ab 44 cb d8 6c 9b e0 50 00 00 00 00 00 00 00 b0 7b 22 41 63 6b 6e 6f 77
        6c 65 64 67 65 64 4d 65 73 73 61 67 65 54 79 70 65 22 3a 22 6f 75 74 70 75 74 5f 73 74 72 65 61
        6d 5f 64 61 74 61 22 2c 22 41 63 6b 6e 6f 77 6c 65 64 67 65 64 4d 65 73 73 61 67 65 49 64 22 3a
        22 64 64 30 31 65 35 36 62 2d 66 66 34 38 2d 34 38 33 65 2d 61 35 30 38 2d 62 35 66 30 37 33 66
        33 31 62 31 36 22 2c 22 41 63 6b 6e 6f 77 6c 65 64 67 65 64 4d 65 73 73 61 67 65 53 65 71 75 65
        6e 63 65 4e 75 6d 62 65 72 22 3a 32 2c 22 49 73 53 65 71 75 65 6e 74 69 61 6c 4d 65 73 73 61 67
        65 22 3a 74 72 75 65 7d"""),
    "worked_example_c": hexdump("""
        00 00 00 74 6f 75 74 70 75 74 5f 73 74 72 65 61 6d 5f 64 61 74 61 20 20 20 20 20 20 20 20 20 20
        20 20 20 20 00 00 00 01 00 00 01 5e 0b aa 78 84 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01
        a5 08 b5 f0 73 f3 1b 16 dd 01 e5 6b ff 48 48 3e 77 7a 72 d7 72 bb f2 98 9a 81 bb 2a ce 58 cf 36
        fa f9 d7 e6 26 f9 62 6d 9b 80 7b 42 a6 26 26 02 00 00 00 01 00 00 00 0c 48 65 6c 6c 6f 20 41 67
        65 6e 74 0a"""),
    "worked_example_d": hexdump("""
        00 00 00 74 69 6e 70 75 74 5f 73 74 72 65 61 6d 5f 64 61 74 61 20 20 20 20 20 20 20 20 20 20 20
        20 20 20 20 00 00 00 01 00 00 01 5e 0b aa 78 84 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
        a5 08 b5 f0 73 f3 1b 16 dd 01 e5 6b ff 48 48 3e bb 21 de 0e a2 c2 47 01 05 20 0e 9e 3a 7a 0f f7
        ca d3 b8 0d a7 e6 18 21 5a b0 c7 48 3a 5d ef 8d 00 00 00 03 00 00 00 17 7b 22 63 6f 6c 73 22 3a
        31 30 30 2c 22 72 6f 77 73 22 3a 31 30 30 7d"""),
    "worked_example_e": hexdump("""
        00 00 00 74 61 67 65 6e 74 5f 73 65 73 73 69 6f 6e 5f 73 74 61 74 65 20 20 20 20 20 20 20 20 20
        20 20 20 20 00 00 00 01 00 00 01 5e 0b aa 78 84 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 03
        8c 7d 9e 8f 0a 1b 2c 3d 0a 1b 2c 3d 4e 5f 4a 6b b1 c0 ed 88 cc 66 b7 e9 30 7d 81 52 6a bf 3e d1
        76 de d9 6a 77 e6 62 bd 5d c5 73 65 f0 e6 7b e2 00 00 00 00 00 00 00 61 7b 22 53 63 68 65 6d 61
        56 65 72 73 69 6f 6e 22 3a 31 2c 22 53 65 73 73 69 6f 6e 53 74 61 74 65 22 3a 22 43 6f 6e 6e 65
        63 74 65 64 22 2c 22 53 65 73 73 69 6f 6e 49 64 22 3a 22 32 62 31 39 36 33 34 32 2d 64 37 64 34
        2d 34 33 36 65 2d 38 66 30 39 2d 33 38 38 33 61 31 31 31 36 61 63 33 22 7d"""),
    "worked_example_f": hexdump("""
        00 00 00 74 69 6e 70 75 74 5f 73 74 72 65 61 6d 5f 64 61 74 61 20 20 20 20 20 20 20 20 20 20 20
        20 20 20 20 00 00 00 01 00 00 01 5e 0b aa 78 84 00 00 00 00 00 00 00 05 00 00 00 00 00 00 00 00
        a5 08 b5 f0 73 f3 1b 16 dd 01 e5 6b ff 48 48 3e 43 3e bf 5b c0 3d ff a3 85 36 67 32 07 a2 12 81
        61 2c ef 5f aa 9b c7 a4 d5 b9 be 2f db 12 cf 1a 00 00 00 0a 00 00 00 04 00 00 00 02"""),
    # Without its digest: the JSON of the original is not known, only its length.
    "worked_example_g": hexdump("""
        00 00 00 70 63 68 61 6e 6e 65 6c 5f 63 6c 6f 73 65 64 00 00 00 00 00 00 00 00 00 00 00 00 00 00
        00 00 00 00 00 00 00 01 00 00 01 5e 0b aa 78 84 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
        a5 08 b5 f0 73 f3 1b 16 dd 01 e5 6b ff 48 48 3e"""),
    "worked_example_h": hexdump("""
        00 00 00 74 70 61 75 73 65 5f 70 75 62 6c 69 63 61 74 69 6f 6e 20 20 20 20 20 20 20 20 20 20 20
        20 20 20 20 00 00 00 01 00 00 01 5e 0b aa 78 84 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
        8c 7d 9e 8f 0a 1b 2c 3d 0a 1b 2c 3d 4e 5f 4a 6b e3 b0 c4 42 98 fc 1c 14 9a fb f4 c8 99 6f b9 24
        27 ae 41 e4 64 9b 93 4c a4 95 99 1b 78 52 b8 55 00 00 00 00 00 00 00 00"""),
}


def check_worked(name, data):
    want = EXPECTED[name]
    if name == "worked_example_g":
        tail = hexdump("00 00 00 df 7b 22 4d 65 73 73 61 67 65 54 79 70")
        assert len(data) == 339 and data[:80] == want and data[112:128] == tail, name
    else:
        assert data == want, name


def lengths():
    whole = build(payload=b"")
    for size in (0, 1, 3, 4, 36, 40, 64, 111, 112, 115, 116, 117, 118, 119):
        yield (f"length_{size}", f"only the first {size} bytes of a 120-byte message", whole[:size])
    yield ("length_120", "empty payload; the agent cannot read PayloadLength", whole)
    yield ("length_120_length_field_5", "PayloadLength 5, nothing follows; the agent reads 0",
           build(payload=b"", payload_length=5))
    yield ("length_121", "the shortest message with a payload", build(payload=b"x"))
    for size in (55, 56, 63, 64, 65, 1023, 1024, 1025, 4096):
        body = bytes((7 * i + size) & 255 for i in range(size))
        yield (f"payload_{size}", "sizes around SHA-256 blocks and the chunk size of the references",
               build(payload=body, payload_type=1))
    short = build(header_length=112, payload=b"", message_type="channel_closed")
    yield ("header_112_length_116", "HeaderLength 112 and nothing after it: too short for both "
           "references, which want the field at 116", short)
    for size in (1, 2, 3, 4):
        yield (f"header_112_payload_{size}", "HeaderLength 112 and a short payload, read as "
               "PayloadLength by the references; the client fails below 4, the agent reads 0 up to 4",
               build(header_length=112, payload=b"abcd"[:size], message_type="channel_closed"))
    yield ("all_zero_120", "120 NUL bytes", bytes(120))
    yield ("all_ones_120", "120 bytes 0xff: the sum wraps to a payload at byte 3", b"\xff" * 120)
    yield ("all_spaces_160", "160 spaces: a huge HeaderLength", b" " * 160)


def header_lengths():
    for value in (0, 1, 4, 36, 76, 80, 100, 108, 111, 113, 114, 115, 117, 118, 119, 120):
        body = build(payload=b"payload-and-more")
        body = struct.pack(">I", value) + body[4:]
        payload = body[value + 4:]
        digest = hashlib.sha256(payload).digest()
        if value + 4 >= 112:
            body = body[:80] + digest + body[112:]
            note = "digest of the bytes from HeaderLength + 4"
        else:
            note = "payload contains its own digest, which cannot match"
        yield (f"header_length_{value}", note, body)
    base = build(payload=b"seven77")  # 127 bytes
    for value in (122, 123, 124, 127, 128, 1000, 0x7FFFFFFB, 0x7FFFFFFF, 0x80000000, 0xFFFFFF00,
                  0xFFFFFFFB, 0xFFFFFFFC, 0xFFFFFFFD, 0xFFFFFFFE, 0xFFFFFFFF):
        yield (f"header_length_{value:#x}", "127 bytes; 123 is the largest that fits",
               struct.pack(">I", value) + base[4:])
    empty_at_end = struct.pack(">I", 123) + base[4:80] + EMPTY_DIGEST + base[112:]
    yield ("header_length_123_empty_payload", "payload starts at the end of the message",
           empty_at_end)
    for value in (0xFFFFFFFC, 0xFFFFFFFF):
        yield (f"header_length_{value:#x}_length_field_0", "wraps, and PayloadLength 0 saves it from "
               "the client's digest check",
               struct.pack(">I", value) + build(payload=b"payload", payload_length=0)[4:])
    for kind in ("pause_publication", "start_publication"):
        yield (f"{kind}_header_length_0", "the client looks at nothing in this type",
               struct.pack(">I", 0) + build(kind, b"")[4:])
        yield (f"{kind}_header_length_wraps", "the client looks at nothing in this type",
               struct.pack(">I", 0xFFFFFFFE) + build(kind, b"")[4:])
        yield (f"{kind}_header_length_huge", "bounds hold for this type too",
               struct.pack(">I", 0x10000000) + build(kind, b"")[4:])
    yield ("header_112_digest_wrong", "HeaderLength 112 with a wrong digest",
           build("channel_closed", b'{"Output":"bye"}', header_length=112, digest=bytes(32)))
    yield ("header_112_space_padding", "HeaderLength 112 with spaces",
           build("channel_closed", b'{"Output":"bye"}', header_length=112))
    yield ("header_112_length_wrong", "HeaderLength 112, PayloadLength (at 112) too small",
           build("channel_closed", b'{"Output":"bye"}', header_length=112, payload_length=3))
    yield ("header_112_field_116_zero", "HeaderLength 112; the payload begins with four NULs, which "
           "the client takes for PayloadLength 0: no digest check",
           build("output_stream_data", b"\0\0\0\0data", header_length=112, digest=bytes(32)))
    yield ("header_112_stream_data", "HeaderLength 112 on a stream message",
           build("output_stream_data", b"stream data", header_length=112, sequence=9))
    yield ("header_116_channel_closed_nul", "HeaderLength 116 with NUL padding",
           build("channel_closed", b'{"Output":"bye"}', pad=b"\0"))


def types():
    def raw(name, note, text):
        return (f"type_{name}", note, build(raw_type=text))

    t = b"acknowledge"
    sp, nul = b" ", b"\0"
    yield raw("nul_padding", "NULs at the end", t.ljust(32, nul))
    yield raw("leading_nuls", "NULs in front", t.rjust(32, nul))
    yield raw("leading_spaces", "spaces in front", t.rjust(32, sp))
    yield raw("nuls_both_ends", "NULs at both ends", t.center(32, nul))
    yield raw("spaces_both_ends", "spaces at both ends", t.center(32, sp))
    yield raw("spaces_then_nuls", "type, spaces, NULs: both go",
              (t + sp * 5).ljust(32, nul))
    yield raw("nul_then_spaces", "type, NUL, spaces: the NUL is inner and stays",
              (t + nul).ljust(32, sp))
    yield raw("spaces_nul_type", "spaces, NUL, type: the NUL is inner and stays",
              (sp * 3 + nul + t).ljust(32, nul))
    yield raw("nul_space_type", "NUL, space, type: both go", (nul + sp + t).ljust(32, sp))
    yield raw("inner_nul", "a NUL inside the word", b"acknow\0ledge".ljust(32, sp))
    yield raw("inner_space", "a space inside", b"acknow ledge".ljust(32, sp))
    yield raw("tabs_and_newlines", "tab, line feed, vertical tab, form feed, carriage return",
              (b"\t\n\v\f\r" + t + b"\r\f\v\n\t").ljust(32, sp))
    yield raw("file_separators_stay", "0x1c to 0x1f are no white space here",
              (b"\x1c" + t + b"\x1d\x1e\x1f").ljust(32, sp))
    yield raw("zero_width_space_stays", "U+200B is no white space",
              ("acknowledge\u200b".encode()).ljust(32, sp))
    yield raw("byte_order_mark_stays", "U+FEFF is no white space",
              ("\ufeffacknowledge".encode()).ljust(32, sp))
    yield raw("all_spaces", "blank", sp * 32)
    yield raw("all_nuls", "blank", nul * 32)
    yield raw("nuls_around_spaces", "blank", (nul * 4 + sp * 20).ljust(32, nul))
    yield raw("unicode_blank", "ten U+3000 and a space pair: blank", ("\u3000" * 10).encode() + sp * 2)
    for space in SPACES:
        if space in "\t\n\v\f\r ":
            continue
        text = space.encode()
        yield raw(f"space_u{ord(space):04x}", "Unicode white space on both ends",
                  (text + t + text + text).ljust(32, nul))
    yield raw("lone_85", "a lone byte 0x85 is no U+0085", (t + b"\x85").ljust(32, nul))
    yield raw("lone_a0", "a lone byte 0xa0 is no U+00A0", (b"\xa0" + t).ljust(32, nul))
    yield raw("cut_multibyte", "U+3000 cut by the end of the field stays",
              t + b" " * 19 + b"\xe3\x80")
    yield raw("overlong_space", "an overlong coded space (c0 a0) stays", (t + b"\xc0\xa0").ljust(32, nul))
    yield raw("space_after_bad_byte", "an invalid byte, then U+00A0: the U+00A0 goes",
              (t + b"\xe2\xc2\xa0").ljust(32, nul))
    yield raw("not_utf8", "bytes that are no UTF-8", bytes(range(0xE0, 0x100)))
    yield raw("length_32", "all 32 bytes used", b"a_message_type_of_just_32_bytes!")
    yield raw("length_31", "31 bytes used", b"a_message_type_of_just_31_byte!".ljust(32, sp))
    yield raw("length_1", "one byte", b"x".ljust(32, sp))
    yield raw("unknown", "valid, but nobody handles it", b"bogus_type".ljust(32, sp))
    yield raw("upper_case", "not the same type", b"ACKNOWLEDGE".ljust(32, sp))
    for name in ("input_stream_data", "output_stream_data", "acknowledge", "channel_closed",
                 "pause_publication", "start_publication", "agent_session_state",
                 "interactive_shell", "agent_task_complete", "agent_task_acknowledge",
                 "data_channel_ready"):
        yield (f"known_type_{name}", "", build(name, b"{}"))
    yield ("pause_publication_nul_padding", "exempt with NUL padding too",
           build("pause_publication", b"", pad=nul, created=0))
    yield ("pause_publication_inner_nul", "not that type, so not exempt",
           build(raw_type=b"pause_publication\0".ljust(32, sp), created=0))


def numbers():
    for value in (0, 1, 2**31, 2**63 - 1, 2**63, 2**64 - 1):
        yield (f"created_{value}", "CreatedDate", build(created=value))
    for value in (-1, 0, 2, 255, 256, 2**31, 2**32, -2**31, 2**63 - 1, -2**63):
        yield (f"sequence_{value}".replace("-", "minus_"), "SequenceNumber", build(sequence=value))
    for value in (0, 1, 2, 3, 2**63, 2**64 - 1):
        yield (f"flags_{value:#x}", "Flags", build(flags=value))
    for value in (0, 2, 0x01000000, 0xFF000001, 0xFFFFFFFF):
        yield (f"schema_{value:#x}", "SchemaVersion", build(schema=value))
    for value in (*range(0, 14), 0x01000000, 0x80000000, 0xFFFFFFFF):
        yield (f"payload_type_{value:#x}", "PayloadType", build(payload_type=value))
    for name, value in (("counting", "00010203-0405-0607-0809-0a0b0c0d0e0f"),
                        ("nil", NIL_ID), ("max", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
                        ("low_half", "00000000-0000-0000-0000-000000000001"),
                        ("high_half", "01000000-0000-0000-0000-000000000000")):
        yield (f"message_id_{name}", "MessageId: low half first", build(message_id=value))
    for kind in ("pause_publication", "start_publication"):
        yield (f"{kind}_created_0", "the client exempts this type, the agent does not",
               build(kind, b"", created=0))
        yield (f"{kind}_digest_wrong", "the client exempts this type, the agent checks no digest",
               build(kind, b"ignored", digest=bytes(32)))
        yield (f"{kind}_header_only", "no payload", build(kind, b""))


def digests():
    good = hashlib.sha256(b"payload").digest()
    for bit in (0, 7, 128, 255):
        bad = bytearray(good)
        bad[bit // 8] ^= 0x80 >> bit % 8
        yield (f"digest_bit_{bit}", "one bit of the digest is wrong", build(digest=bytes(bad)))
    yield ("digest_zero", "digest all zero", build(digest=bytes(32)))
    yield ("digest_of_plaintext", "digest of other bytes than those sent",
           build(digest=hashlib.sha256(b"plaintext").digest()))
    yield ("digest_upper_half_only", "second half of the digest missing",
           build(digest=good[:16] + bytes(16)))
    yield ("payload_flipped", "one bit of the payload is wrong",
           build(payload=b"qayload", digest=good))
    yield ("trailing_byte", "a byte after the payload belongs to it", build(tail=b"!"))
    yield ("trailing_zeros", "NULs after the payload belong to it", build(tail=bytes(8)))
    yield ("trailing_message", "two messages in one frame are one message",
           build(tail=build(sequence=2)))
    yield ("trailing_byte_digest_right", "PayloadLength is short but the digest covers all",
           build(payload=b"payload!", payload_length=7))
    yield ("length_field_0", "PayloadLength 0 with the right digest", build(payload_length=0))
    yield ("length_field_0_digest_wrong", "PayloadLength 0 escapes the client's digest check",
           build(payload_length=0, digest=bytes(32)))
    yield ("length_field_0_empty_digest_wrong", "nothing to check, but the digest of it is wrong",
           build(payload=b"", digest=bytes(32)))
    yield ("length_field_short", "PayloadLength too small is not used to cut", build(payload_length=3))
    yield ("length_field_long", "PayloadLength too large is not a missing payload",
           build(payload_length=70))
    yield ("length_field_max", "PayloadLength 0xffffffff", build(payload_length=U32 - 1))
    yield ("length_field_with_header", "PayloadLength that counts the header too",
           build(payload_length=127))
    yield ("length_field_little_endian", "PayloadLength in the wrong byte order",
           build(payload_length=0x07000000))
    yield ("header_length_little_endian", "HeaderLength in the wrong byte order",
           struct.pack("<I", 116) + build()[4:])
    for first, second, changes in (
            ("blank type", "created 0", dict(raw_type=b" " * 32, created=0)),
            ("created 0", "wrong digest", dict(created=0, digest=bytes(32))),
            ("schema 2", "length wrong", dict(schema=2, payload_length=1)),
            ("length wrong", "digest wrong", dict(payload_length=1, digest=bytes(32))),
            ("blank type", "wrong digest", dict(raw_type=bytes(32), digest=bytes(32)))):
        yield (f"order_{first}_{second}".replace(" ", "_"), "which of two errors is reported",
               build(**changes))


class Stream:
    """Numbers from SHA-256 of a counter: the same with every Python."""

    def __init__(self, seed):
        self.seed, self.count = seed, 0

    def below(self, bound):
        self.count += 1
        block_ = hashlib.sha256(f"{self.seed}/{self.count}".encode()).digest()
        return int.from_bytes(block_[:8], "big") % bound

    def take(self, size):
        return bytes(self.below(256) for _ in range(size))


def seeded():
    """Ordinary messages with arbitrary values, and the same with a byte or the length changed."""
    rng = Stream("agent_message")
    kinds = ("input_stream_data", "output_stream_data", "acknowledge", "channel_closed",
             "agent_session_state", "pause_publication")
    for i in range(24):
        data = build(kinds[rng.below(len(kinds))], rng.take(1 + rng.below(48)),
                     sequence=rng.below(2**64) - 2**63, flags=rng.below(2**64),
                     created=1 + rng.below(2**64 - 1), payload_type=rng.below(14),
                     message_id=str(uuid.UUID(bytes=rng.take(16))),
                     header_length=112 if rng.below(4) == 0 else 116,
                     pad=b"\0" if rng.below(3) == 0 else b" ")
        yield (f"seeded_{i}", "arbitrary values", data)
        where = rng.below(len(data))
        changed = bytearray(data)
        changed[where] ^= 1 << rng.below(8)
        yield (f"seeded_{i}_changed", f"one bit of byte {where} changed", bytes(changed))
        if i % 3 == 0:
            yield (f"seeded_{i}_cut", "cut short", data[:rng.below(len(data))])


HEAD = """\
# AgentMessage vectors; the format is described in README.md beside this file.
# Written by tools/make_golden_vectors.py: change that, not this.
"""


def render():
    parts, seen = [HEAD], set()
    for group in (worked_examples, lengths, header_lengths, types, numbers, digests, seeded):
        parts.append(f"# --- {group.__name__} ---\n")
        for name, note, data in group():
            assert name not in seen, name
            seen.add(name)
            if name in EXPECTED:
                check_worked(name, data)
            parts.append(block(name, note or name, data))
    return "\n".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", metavar="FILE", type=pathlib.Path)
    arguments = parser.parse_args()
    text = render()
    if arguments.check:
        if arguments.check.read_text() == text:
            return 0
        print(f"{arguments.check} is not what {__file__} writes; run it to see the difference in "
              "`git diff`", file=sys.stderr)
        return 1
    OUTPUT.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
