"""From rows to vectors: distinct texts only, the longest first, those that were encoded before read back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from ..errors import DataError
from ..near.cosine import Ints, Vectors, unit
from ..near.row_texts import Part, row_pieces
from ..wording import counted
from . import vector_cache
from .encoder import Encoder

_KEEP_EVERY = 60  # seconds: what a kill costs


@dataclass(frozen=True)
class Progress:
    """How far an encoding is."""

    done: int
    """Texts encoded."""
    total: int
    """Texts to encode."""
    rate: float
    """Texts a second, over the last texts and the first alike."""
    seconds_left: float
    """By bytes, not by texts: the longest texts come first, and the last thousand go fast."""


Report = Callable[[Progress], None]
_Batch = tuple[Ints, npt.NDArray[np.float16]]


@dataclass(frozen=True)
class Encoded:
    """The vectors of n rows."""

    vectors: Vectors
    """(m, d) of length 1, one a distinct text that can be read, in the order of their first rows."""
    of_row: Ints
    """(n) each row's vector; -1 where the row has no text, or none that the encoder can read."""
    texts: list[str]
    """(m) the texts."""
    fresh: int
    """Texts that were encoded now; all others came from the cache."""
    unread: int
    """Distinct texts of which the encoder makes nothing, such as emoji alone: they are alike to none."""
    long: npt.NDArray[np.bool_]
    """(m) texts of which an end may have been cut off before they were encoded."""
    note: str | None = None
    """What is to say once, such as that vectors could not be kept."""

    @property
    def notes(self) -> list[str]:
        """Return what a person should be told: texts that no vector stands for, and ``note``."""
        unread = (
            f"The encoder makes nothing of {counted(self.unread, 'text')}, such as emoji alone: they are like none."
        )
        return [*([unread] if self.unread else []), *([self.note] if self.note else [])]


def row_texts(rows: pl.DataFrame, part: Part = "text") -> pl.Series:
    """Return the text of each row: its turns but system prompts, one below the other; empty where there is none."""
    pieces, bounds = row_pieces(rows, part)
    row = pl.Series("row", np.repeat(np.arange(len(rows)), np.diff(bounds)), dtype=pl.UInt32)
    said = (
        pl.DataFrame({"row": row, "text": pieces})
        .group_by("row", maintain_order=True)
        .agg(pl.col("text").str.join("\n"))
    )
    every = pl.select(pl.int_range(len(rows), dtype=pl.UInt32).alias("row"))
    return every.join(said, on="row", how="left", maintain_order="left")["text"].fill_null("").str.strip_chars()


def encode(texts: pl.Series, encoder: Encoder, *, cache: Path | None = None, progress: Report | None = None) -> Encoded:
    """Encode the distinct texts among ``texts``.

    Vectors are rounded to float16 whether they are kept or not, so that what is found doesn't depend on what was kept: that moves
    a cosine by some 0.00001 and halves the cache.

    Args:
        texts: n texts; empty ones are alike to nothing.
        encoder: see ``embed.encoder.Encoder``.
        cache: a folder to keep vectors in; used where the encoder has a fingerprint.
        progress: called after each batch.

    Raises:
        DataError: the encoder returns something other than one vector of finite numbers a text.
    """
    distinct = texts.unique(maintain_order=True).to_list()
    distinct = [text for text in distinct if text]
    fingerprint = getattr(encoder, "fingerprint", None)
    keep = cache if fingerprint is not None else None
    kept = True
    keys = vector_cache.text_keys(distinct) if keep is not None else np.zeros((len(distinct), 2), np.uint64)
    if keep is not None:
        known, vectors = vector_cache.load(keep, str(fingerprint), keys)
    else:
        known, vectors = np.zeros(len(distinct), bool), np.zeros((len(distinct), 0), np.float16)
    missing = _longest_first(distinct, np.flatnonzero(~known))
    for batch, values in _batches(distinct, missing, encoder, progress):
        if vectors.shape[1] == 0:
            vectors = np.zeros((len(distinct), values.shape[1]), np.float16)
        if values.shape[1] != vectors.shape[1]:
            raise DataError(
                f"the encoder returned vectors of {values.shape[1]} axes after some of {vectors.shape[1]}; give one model."
            )
        vectors[batch] = values
        if keep is not None:
            kept = vector_cache.add(keep, str(fingerprint), keys[batch], vectors[batch]) and kept
    note = None if kept else f"Vectors could not be written to {keep}, so they will be encoded again the next time."
    return _encoded(texts, distinct, vectors, fresh=missing.size, reach=getattr(encoder, "reach", None), note=note)


def tell(encoded: Encoded, notes: list[str] | None) -> None:
    """Add what is to say of an encoding to ``notes``, but for what stands there: several rules may encode the same texts."""
    if notes is not None:
        notes += [note for note in encoded.notes if note not in notes]


def _longest_first(texts: list[str], which: Ints) -> Ints:
    """Order texts by length, then by themselves: the same batches whatever the order of the rows."""
    return np.array(sorted(which.tolist(), key=lambda at: (-len(texts[at]), texts[at])), np.int64)


def _batches(texts: list[str], missing: Ints, encoder: Encoder, progress: Report | None) -> Iterator[_Batch]:
    """Yield what was encoded, about once a minute: positions and (n, d) float16 vectors."""
    size = getattr(encoder, "batch", None) or max(missing.size, 1)
    lengths = np.array(
        [len(texts[at]) + 8 for at in missing], np.float64
    )  # 8: a text costs something even if it is short
    ahead = np.concatenate([np.cumsum(lengths[::-1])[::-1], [0.0]])
    started = last = time.monotonic()
    parts: list[npt.NDArray[np.float16]] = []
    first = 0
    for low in range(0, missing.size, size):
        batch = missing[low : low + size]
        values = np.asarray(encoder([texts[at] for at in batch]))
        if values.ndim != 2 or len(values) != len(batch):
            raise DataError(
                f"the encoder returned an array of shape {values.shape} for {len(batch)} texts; it takes one vector a text."
            )
        parts.append(unit(values).astype(np.float16))
        done, now = low + len(batch), time.monotonic()
        if progress is not None:
            spent = max(now - started, 1e-9)
            speed = (ahead[0] - ahead[done]) / spent
            progress(Progress(done, missing.size, done / spent, float(ahead[done] / speed)))
        if now - last > _KEEP_EVERY or done == missing.size:
            yield missing[first:done], np.concatenate(parts)
            first, last, parts = done, now, []


def _encoded(
    texts: pl.Series,
    distinct: list[str],
    halves: npt.NDArray[np.float16],
    *,
    fresh: int,
    reach: int | None,
    note: str | None,
) -> Encoded:
    vectors = unit(halves.astype(np.float32))
    readable = np.flatnonzero((vectors != 0).any(axis=1)) if vectors.size else np.zeros(0, np.int64)
    said = [distinct[at] for at in readable]
    numbered = pl.DataFrame({"text": pl.Series(said, dtype=pl.String), "number": np.arange(len(said))})
    of_row = pl.DataFrame({"text": texts}).join(numbered, on="text", how="left", maintain_order="left")["number"]
    long = np.array([reach is not None and len(text.encode()) > reach for text in said], bool)
    return Encoded(
        vectors[readable],
        of_row.fill_null(-1).to_numpy().astype(np.int64),
        said,
        fresh,
        len(distinct) - len(said),
        long,
        note,
    )
