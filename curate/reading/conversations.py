"""Conversations as Arrow has them: lists of messages, whose texts stand in five columns."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .ragged import integers

TEXT = pa.large_string()
MESSAGE_TYPE = pa.struct([(name, TEXT) for name in ("role", "content", "tool_calls", "tool_call_id", "extra")])


def plain_messages(counts: npt.NDArray[np.int64], roles: pa.Array, contents: pa.Array) -> pa.LargeListArray:
    """Return conversations of nothing but roles and contents.

    Args:
        counts: how many messages each has.
        roles: of all messages, one conversation after another.
        contents: as ``roles``.
    """
    return messages_of(counts, [roles, contents, *[pa.nulls(len(roles), TEXT)] * 3])


def messages_of(counts: npt.NDArray[np.int64], texts: list[pa.Array]) -> pa.LargeListArray:
    """Return conversations whose texts are given in the order of ``MESSAGE_TYPE``."""
    offsets = integers(np.concatenate(([0], np.cumsum(counts))))
    return pa.LargeListArray.from_arrays(offsets, pa.StructArray.from_arrays(texts, fields=list(MESSAGE_TYPE)))
