"""The rows that are most like one row: five texts that differ, each once, however many rows say them.

Three looks, each at fewer rows than the one before: signs of all lines of the sketch (a million rows take 20 ms of one core and
no compiled loop), their numbers, and of the best the words themselves.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from .side_by_side import Piece, word_diff
from .sketch import Sketch, texts_at
from .sketch_words import READ, alike, words
from .view import View

__all__ = ["NEAREST", "Piece", "nearest", "word_diff"]

NEAREST = pl.Schema({"position": pl.UInt32, "similarity": pl.Float64, "copies": pl.UInt32, "same": pl.Boolean})
"""``position``: of a row that says it; ``similarity``: 0 to 1; ``copies``: rows that say it, letter for letter; ``same``: whether
it is what the row itself says, in which case ``copies`` are the others."""

_SIGNS = 2_048  # lines that the first look leaves
_NUMBERS = 120  # lines that the second look leaves
_PORTION = 40  # lines whose words are looked at first
_ERROR = 0.25  # that the numbers' cosine may be off by: four times what it is off by on average
_BLOCK = 1 << 16  # lines that are looked at at a time: what is made on the way stays in cache


def nearest(view: View, sketch: Sketch, position: int, k: int = 5) -> pl.DataFrame:
    """Return the ``k`` texts most like that of the row at ``position``, the likest first, and last those that say the same.

    Likeness is the cosine of an encoder's vectors where the sketch is made of them, else that of the words, each weighed by how
    rare it is in the set.

    Args:
        view: the frames.
        sketch: of this view.
        position: of the row.
        k: texts that differ; fewer where the set has no more that share anything with the row.

    Returns:
        ``NEAREST``; at most one line is ``same``. Empty for a row without a text.
    """
    line = int(sketch.of_row[position])
    if line < 0:
        return pl.DataFrame(schema=NEAREST)
    lines = _by_signs(sketch, line)
    lines, similarity = _by_numbers(sketch, line, lines[lines != line])
    if sketch.weights.size:
        lines, similarity = _by_words(view, sketch, line, lines, similarity, k)
    found = pl.DataFrame({
        "position": sketch.row[lines], "similarity": similarity, "copies": sketch.copies[lines], "same": False,
        "id": view.rows["id"].gather(sketch.row[lines]),
    })  # fmt: skip
    found = found.filter(pl.col("similarity") > 0).sort("similarity", "id", descending=[True, False]).head(k)
    return pl.concat([found.select(NEAREST.names()).cast(NEAREST), _same(sketch, position)])  # pyright: ignore[reportArgumentType]


def _by_signs(sketch: Sketch, line: int) -> npt.NDArray[np.int64]:
    """Return the lines that share the most signs with one, and others that share as many as the last of them."""
    height = sketch.bits.shape[1]
    if height <= _SIGNS:
        return np.arange(height)
    own = sketch.bits[:, line]
    apart = np.empty(height, np.uint16)
    for low in range(0, height, _BLOCK):
        block = slice(low, min(low + _BLOCK, height))
        total = np.zeros(block.stop - low, np.uint16)
        for part in range(own.size):
            total += np.bitwise_count(sketch.bits[part, block] ^ own[part])
        apart[block] = total
    most = int(np.searchsorted(np.cumsum(np.bincount(apart)), _SIGNS))
    return np.flatnonzero(apart <= most)


def _by_numbers(
    sketch: Sketch, line: int, lines: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the lines with the highest cosines to one, and these."""
    values, own = sketch.matrix[lines].astype(np.float32), sketch.matrix[line].astype(np.float32)
    lengths = np.linalg.norm(values, axis=1) * np.linalg.norm(own)
    cosines = (values @ own).astype(np.float64) / np.maximum(lengths, 1e-9)
    if lines.size > _NUMBERS:
        best = np.sort(np.argpartition(-cosines, _NUMBERS)[:_NUMBERS])
        lines, cosines = lines[best], cosines[best]
    return lines, np.round(np.clip(cosines, 0.0, 1.0), 6)


def _by_words(
    view: View,
    sketch: Sketch,
    line: int,
    lines: npt.NDArray[np.int64],
    cosines: npt.NDArray[np.float64],
    k: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return lines and how like their words are to one's: of all that could be among the ``k`` best.

    Of short texts those need no look at their words whose numbers are far from the best: what is read of a long one is its
    beginning, of which its numbers say little.
    """
    texts = texts_at(view, sketch.row[np.concatenate([[line], lines])])
    own, texts = texts[0], texts[1:]
    order = np.argsort(-cosines, kind="stable")
    first, rest = order[:_PORTION], order[_PORTION:]
    similarity = np.zeros(lines.size)
    similarity[first] = alike(words(own), [words(texts[at]) for at in first], sketch.weights)
    if len(own) <= READ and rest.size:
        least = np.sort(similarity[first])[-min(k, first.size)]
        long = np.array([len(texts[at]) > READ for at in rest])
        rest = rest[long | (cosines[rest] + _ERROR >= least)]
    similarity[rest] = alike(words(own), [words(texts[at]) for at in rest], sketch.weights)
    looked = np.sort(np.concatenate([first, rest]))
    return lines[looked], similarity[looked]


def _same(sketch: Sketch, position: int) -> pl.DataFrame:
    same = sketch.same(position)
    lines = {
        "position": same[:1],
        "similarity": np.ones(same[:1].size),
        "copies": same[:1] * 0 + same.size,
        "same": same[:1] >= 0,
    }
    return pl.DataFrame(lines, schema=NEAREST)
