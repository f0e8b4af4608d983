"""Records of a source, for tests of sources."""

import json

RECORDS = [{"text": "hello", "n": 1}, {"text": "مرحبا 你好 🌍", "n": None}, {"text": 'a "b"\n', "n": [1.5, {}]}]


def lines_of(records):
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def parts(source):
    """Return raw records, their lines and the rejects."""
    chunks = list(source.chunks())
    for chunk in chunks:
        assert chunk.data.count(b"\n") == len(chunk.lines)
        assert b"\n\n" not in chunk.data
    raw = [line for chunk in chunks for line in chunk.data.splitlines()]
    return raw, [n for chunk in chunks for n in chunk.lines], [reject for chunk in chunks for reject in chunk.rejects]
