#!/usr/bin/python3
"""Seeds fuzz/corpus/codec_fuzzer from the golden vectors, one small file per kind of message.

A file is named by the start of the SHA-256 of its content, so that adding the same input twice is
no change. Files that are there already stay.

    tools/make_codec_corpus.py
"""

import hashlib
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"
CORPUS = ROOT / "fuzz" / "corpus" / "codec_fuzzer"
LARGEST = 400
PER_KIND = 3  # vectors with the same verdicts, type and header length
AT_MOST = 95


def blocks(path):
    block = {}
    for line in [*path.read_text().splitlines(), ""]:
        if line.startswith("#"):
            continue
        if not line:
            if block:
                yield block
            block = {}
            continue
        key, _, value = line.partition(" = ")
        block[key] = value


def main():
    CORPUS.mkdir(parents=True, exist_ok=True)
    seen = {}
    for path in (GOLDEN / "agent_message.vec", GOLDEN / "recorded_frames.vec"):
        for block in blocks(path):
            data = bytes.fromhex(block["message"])
            kind = tuple(block.get(key) for key in ("strict", "plugin", "agent", "pedantic",
                                                    "header_length", "schema_version", "encode"))
            seen[kind] = seen.get(kind, 0) + 1
            if len(data) > LARGEST or seen[kind] > PER_KIND:
                continue
            if len(list(CORPUS.iterdir())) >= AT_MOST:
                return
            (CORPUS / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


if __name__ == "__main__":
    main()
