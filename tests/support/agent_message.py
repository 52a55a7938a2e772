"""AgentMessage, the binary message of a data channel. All numbers are big-endian.

      0  HeaderLength  4   116, the offset of PayloadLength
      4  MessageType  32   text, padded with spaces
     36  SchemaVersion 4   1
     40  CreatedDate   8   ms since the Unix epoch
     48  SequenceNumber 8
     56  Flags         8
     64  MessageId    16   UUID, its second half first
     80  PayloadDigest 32  SHA-256 of the payload
    112  PayloadType   4
    116  PayloadLength 4
    120  Payload
"""

import hashlib
import json
import struct
import time
import uuid
from dataclasses import dataclass, field

HEADER_LENGTH = 116
FIXED_BYTES = 120
_LAYOUT = struct.Struct(">I32sIQqQ16s32sII")
assert _LAYOUT.size == FIXED_BYTES

INPUT = "input_stream_data"
OUTPUT = "output_stream_data"
ACKNOWLEDGE = "acknowledge"
CHANNEL_CLOSED = "channel_closed"

# Payload types of stream messages.
DATA = 1
SIZE = 3
HANDSHAKE_REQUEST = 5
HANDSHAKE_RESPONSE = 6
HANDSHAKE_COMPLETE = 7


@dataclass
class AgentMessage:
    message_type: str
    payload: bytes = b""
    sequence: int = 0
    flags: int = 0
    payload_type: int = 0
    message_id: uuid.UUID = field(default_factory=uuid.uuid4)
    created_ms: int = field(default_factory=lambda: int(time.time() * 1000))
    schema_version: int = 1

    def encode(self):
        low_half_first = self.message_id.bytes[8:] + self.message_id.bytes[:8]
        return _LAYOUT.pack(
            HEADER_LENGTH, self.message_type.encode().ljust(32), self.schema_version,
            self.created_ms, self.sequence, self.flags, low_half_first,
            hashlib.sha256(self.payload).digest(), self.payload_type, len(self.payload),
        ) + self.payload

    def json(self):
        return json.loads(self.payload)


def decode(data):
    """Raises ValueError for what a correct peer never sends."""
    if len(data) < FIXED_BYTES:
        raise ValueError(f"{len(data)} bytes, expected at least {FIXED_BYTES}")
    (header_length, kind, schema, created, sequence, flags, message_id, digest, payload_type,
     length) = _LAYOUT.unpack_from(data)
    payload = data[FIXED_BYTES:]
    if header_length != HEADER_LENGTH or length != len(payload):
        raise ValueError(f"HeaderLength {header_length}, PayloadLength {length} of {len(payload)}")
    if digest != hashlib.sha256(payload).digest():
        raise ValueError("the digest is not that of the payload")
    return AgentMessage(kind.decode().strip(" \0"), payload, sequence, flags, payload_type,
                        uuid.UUID(bytes=message_id[8:] + message_id[:8]), created, schema)


def acknowledgement(message):
    content = {
        "AcknowledgedMessageType": message.message_type,
        "AcknowledgedMessageId": str(message.message_id),
        "AcknowledgedMessageSequenceNumber": message.sequence,
        "IsSequentialMessage": True,
    }
    return AgentMessage(ACKNOWLEDGE, json.dumps(content).encode(), flags=3)
