"""Plain conversations lifted out of large files by a compiled loop; the same rows as ``plain_chats`` gives, sooner."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from .conversations import plain_messages
from .plain_chats import MARK, Lifted
from .ragged import Bytes, Places

_BEHIND = 64  # bytes that the loop may look at behind the last line
_MESSAGE = 24  # bytes of the shortest message


def lift_compiled(data: bytes, column: str) -> Lifted | None:
    """Find the plain conversations in ``column`` of JSON lines; ``None`` where there are none.

    Args:
        data: records, one a line, without the last line's end; UTF-8.
        column: the key that they stand under.
    """
    from .chat_kernels import SCRATCH, lift_lines

    size = len(data)
    padded = np.empty(size + _BEHIND, np.uint8)
    padded[:size], padded[size:] = np.frombuffer(data, np.uint8), 0
    padded[size] = 10
    most = size // _MESSAGE + 1
    rest, roles, contents, said = (np.empty(size + _BEHIND, np.uint8) for _ in range(4))  # nothing gets longer
    role_ends, content_ends = np.zeros((2, most + 1), np.int64)
    rows, counts, said_ends = np.empty((3, most), np.int64)
    doubtful = np.empty(most, np.bool_)
    found = lift_lines(
        padded, size, np.frombuffer(column.encode(), np.uint8), np.frombuffer(MARK, np.uint8), rest, roles, role_ends[1:],
        contents, content_ends[1:], said, rows, counts, said_ends, doubtful, np.zeros(SCRATCH, np.int64),
    )  # fmt: skip
    rest_end, lifted, messages = found
    left = rest[: max(rest_end - 1, 0)].tobytes()
    if not lifted or left.count(MARK[1:-1]) != lifted:
        return None
    ends = said_ends[:lifted]
    return Lifted(
        rows[:lifted],
        left,
        plain_messages(counts[:lifted], _texts(role_ends[: messages + 1], roles), _texts(content_ends[: messages + 1], contents)),
        said[: ends[-1]].data,
        np.concatenate(([0], ends[:-1])),
        ends,
        frozenset(np.flatnonzero(doubtful[:lifted]).tolist()),
    )  # fmt: skip


def _texts(offsets: Places, data: Bytes) -> pa.LargeStringArray:
    return pa.LargeStringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(data))
