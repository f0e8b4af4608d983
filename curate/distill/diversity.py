"""Do made rows say as much as real ones? Measures of some texts beside others, at equal sizes, and what stands out of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ..coverage.typical import typical_words
from ..embed.encoder import Encoder
from ..embed.encoding import Encoded, Report, encode, tell
from ..errors import UsageError
from ..masking import mask
from ..near.cosine import Ints, Vectors, check_threshold
from .outstanding import outstanding
from .spread import Reach, Spread, reach, spread
from .wordings import Wording, drawn, wording

NEAR = 0.9
"""Cosine from which two rows are near: to MiniLM another wording of one question, to TF-IDF a copy with a word changed."""
MOST = 5_000
"""Rows a side whose vectors are compared: 20,000 texts take 2.4 CPU seconds, and a share of 5,000 is sure to 1.4 points."""

_GAPS = 5  # regions without a made row that are told
_SHOWN = 100  # characters of a text that are shown


@dataclass(frozen=True)
class Gap:
    """A region of the real rows that holds no made row."""

    rows: int
    """Real rows in it."""
    words: list[str]
    """That stand in many of them and in few others; masked."""
    example: str
    """One of them, masked and cut."""


@dataclass(frozen=True)
class Side:
    """The measures of some texts, at the size at which both sides are measured."""

    rows: int
    """Texts that were given; ``wording.texts`` hold a word, ``spread.rows`` were compared by their vectors."""
    wording: Wording
    spread: Spread


@dataclass(frozen=True)
class Parameters:
    """What the measures were made with."""

    encoder: str
    near: float
    most: int
    seed: int


@dataclass(frozen=True)
class Diversity:
    """Made texts, and the real ones beside them."""

    made: Side
    real: Side | None
    """``None``: none were given, and nothing can be compared."""
    reach: Reach | None
    """``None``: too few texts that the encoder reads."""
    gaps: list[Gap]
    """The largest regions without a made row, at most five."""
    parameters: Parameters
    notes: list[str]
    """What to say once of the encoding."""

    @property
    def sentences(self) -> list[str]:
        """What stands out, the weightiest first; one that says so where nothing does."""
        return outstanding(self)

    def summary(self) -> dict[str, Any]:
        """Return it as JSON values: shares and cosines at four decimals."""
        told = asdict(self)
        if self.reach is not None:
            told["reach"]["covered"] = self.reach.covered
            told["reach"]["regions"] = [{"real": region.real, "made": region.made} for region in self.reach.regions]
        return {"sentences": self.sentences, **_rounded(told)}


def diversity(
    made: Sequence[str] | pl.Series,
    real: Sequence[str] | pl.Series | None = None,
    *,
    encoder: Encoder,
    name: str = "",
    near: float = NEAR,
    most: int = MOST,
    seed: int = 0,
    cache: Path | None = None,
    progress: Report | None = None,
) -> Diversity:
    """Measure the diversity of made texts, and of real ones beside them.

    Every measure that hangs on the size of a set is taken at the smaller size of the two. Give real rows that the made ones
    should be like: those of the same labels, not the whole set, where only some labels were made.

    Args:
        made: texts of the made rows (``embed.encoding.row_texts``).
        real: those of the real rows.
        encoder: see ``embed.encoder``; vectors of TF-IDF hold among the texts of this call alone.
        name: of the encoder, as it is told.
        near: cosine from which two rows are near.
        most: rows a side whose vectors are compared; more are drawn down to it.
        seed: of the draws and of the regions.
        cache: folder to keep vectors in.
        progress: called after each batch that is encoded.

    Raises:
        UsageError: no made text, a threshold out of bounds, or fewer than two rows to compare.
        DataError: the encoder returns no vector of finite numbers a text.
    """
    check_threshold(near)
    if most < 2:
        raise UsageError(f"at least 2 rows have to be compared, not {most}; leave `most` out for {MOST:,}.")
    own, other = list(made), list(real) if real is not None else []
    if not own:
        raise UsageError("there is no made row to measure; make some first, or choose another run.")
    words, real_words = wording(own, other, seed=seed)
    sizes = len(own), len(other)
    own = [own[at] for at in drawn(own, seed=seed)[:most]]
    other = [other[at] for at in drawn(other, seed=seed)[:most]]
    encoded = encode(pl.Series("text", own + other, dtype=pl.String), encoder, cache=cache, progress=progress)
    notes: list[str] = []
    tell(encoded, notes)
    own_vectors, real_vectors, texts = _sides(encoded, len(own))
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):  # threads that wait for each other cost CPU and save no time here
        equal = min(len(own_vectors), len(real_vectors)) if len(real_vectors) else len(own_vectors)
        own_side = Side(sizes[0], words, spread(own_vectors[:equal], near=near))
        real_side = None
        if real_words is not None:
            real_side = Side(sizes[1], real_words, spread(real_vectors[:equal], near=near))
        distinct = encoded.vectors[texts]
        found = None
        if len(own_vectors) and len(distinct) > 1:
            found = reach(own_vectors, distinct, near=near, seed=seed)
    gaps = _gaps(found, [encoded.texts[at] for at in texts])
    return Diversity(own_side, real_side, found, gaps, Parameters(name, near, most, seed), notes)


def _sides(encoded: Encoded, made: int) -> tuple[Vectors, Vectors, Ints]:
    """Return the vectors of the made rows, of the real ones, and which vectors are of real texts, each once."""
    own, other = encoded.of_row[:made], encoded.of_row[made:]
    own, other = own[own >= 0], other[other >= 0]
    return encoded.vectors[own], encoded.vectors[other], np.unique(other)


def _gaps(found: Reach | None, texts: list[str]) -> list[Gap]:
    if found is None:
        return []
    empty = [region for region in found.regions if not region.made][:_GAPS]
    words = typical_words(texts, [region.members for region in empty])
    return [
        Gap(region.real, told, mask(texts[int(region.members[0])])[:_SHOWN])
        for region, told in zip(empty, words, strict=True)
    ]


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list | tuple) else value
