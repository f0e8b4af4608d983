"""Records and what became of them, for tests of reading."""

import json


def lines(*records):
    return "\n".join(map(json.dumps, records)) + "\n"


def tickets(rows, **more):
    return [{"text": f"my ticket number {i}", "label": "ab"[i % 2], **more} for i in range(rows)]
