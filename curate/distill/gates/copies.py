"""Made rows that say what a real row says, or one made before: to the character, folded, nearly, inside of it, in other words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from ... import text
from ...embed.encoding import encode, row_texts, tell
from ...errors import quote
from ...masking import mask
from ...near import joining
from ...near.containing import inside
from ...near.cosine import unit
from ...near.row_texts import row_pieces
from ...near.shingles import Sets, Shingle, shingled
from ...rules import out_of_reach
from .gate import Batch, of_lines, plain, verdicts
from .wanted import Copies

Ints = npt.NDArray[np.int64]

_SHORT = (
    30  # words of a text that is held against others by its characters, too: one word of ten costs half of its 5-grams
)
_CLOSEST = 0.995  # share of the real rows that stand further from each other than what counts as the same meaning
_MEANING = (0.85, 0.97)  # that cosine is never under the first, which other questions reach, nor over the second
_SAMPLE = 3_000  # real rows by which it is found
_BLOCK = 512  # rows that are compared at a time


def find_copies(batch: Batch, options: Copies) -> pl.DataFrame:
    """Find made rows that repeat a real row, one of a round before, or an earlier one of this round.

    Compared are all turns but system prompts. Of two made rows that are alike the earlier stays; a row that was found by
    one comparison takes no other with it. Rows that repeat their seed on purpose (``Batch.same_text``) are held against made
    rows alone, and only to the character, with their answer and label.

    Args:
        batch: the rows.
        options: threshold, shingle and cosine.
    """
    rows = pl.concat([plain(batch.kept if batch.same_text else batch.known), plain(batch.made)])
    left = np.arange(rows.height - batch.made.height, rows.height)
    parts = []
    for found in _looks(batch, rows, options):
        for new in found(left):
            parts.append(_said(rows, new))
            left = left[~np.isin(left, new.row)]
    return pl.concat([of_lines([]), *parts]).unique("id", keep="first", maintain_order=True)


@dataclass(frozen=True)
class Alike:
    """Rows that one comparison found, each with the row that it is like."""

    gate: str
    row: Ints
    peer: Ints
    score: npt.NDArray[np.float64]
    how: str
    """What a note says; ``{}`` is the score."""


def _looks(batch: Batch, rows: pl.DataFrame, options: Copies):  # noqa: ANN202 - callables of one shape, used above
    """Yield the comparisons in the order of their cost; each takes the rows that are still asked about."""
    count = rows.height - batch.made.height
    yield lambda left: _same(rows, left, batch)
    if batch.same_text:
        return
    yield lambda left: _near(rows, left, count, Shingle.named(options.shingle), options.threshold)
    if options.contained and not out_of_reach("duplicates.contained"):
        yield lambda left: _contained(rows, left, options.threshold)
    if batch.encoder is not None:
        yield lambda left: _meaning(batch, rows, left, count, options.cosine)


def _same(rows: pl.DataFrame, left: Ints, batch: Batch) -> Iterator[Alike]:
    keys = text.keys(rows).select("input", "target", "input_folded", "target_folded")
    both = keys.with_columns(rows["label"], rows["rejected"]) if batch.same_text else keys
    own = ("label", "rejected") if batch.same_text else ()
    for gate, how, names in (
        ("duplicates.exact", "The same text", ("input", "target")),
        (
            "duplicates.normalised",
            "The same text but for case, width or white space",
            ("input_folded", "target_folded"),
        ),
    ):
        wanted = both.select(*names, *own)
        first = wanted.with_row_index("row").select(pl.col("row").min().over(wanted.columns))["row"]
        first = first.to_numpy().astype(np.int64)
        found = left[first[left] < left]
        yield Alike(gate, found, first[found], np.ones(found.size), how)


def _near(rows: pl.DataFrame, left: Ints, count: int, shingle: Shingle, threshold: float) -> Iterator[Alike]:
    pieces, bounds = row_pieces(rows)
    sets = shingled(pieces, bounds, shingle=shingle)
    yield from _by_shingles(sets, left, count, threshold, f"Near, Jaccard {{:.2f}} of {shingle},")
    if shingle.unit == "word":
        words = _words(pieces, bounds)
        few = np.flatnonzero(words < _SHORT)
        if not np.isin(left, few).any():
            return
        place = np.full(rows.height, -1)
        place[few] = np.arange(few.size)
        taken = np.concatenate([np.arange(bounds[row], bounds[row + 1]) for row in few.tolist()])
        own = np.concatenate([[0], np.cumsum(np.diff(bounds)[few])]).astype(np.int64)
        sets = shingled(pieces.gather(taken), own, shingle=Shingle("char", 5))
        asked = place[left][place[left] >= 0]
        for found in _by_shingles(sets, asked, int((few < count).sum()), threshold, "Near, Jaccard {:.2f} of char5,"):
            yield Alike(found.gate, few[found.row], few[found.peer], found.score, found.how)


def _by_shingles(sets: Sets, left: Ints, count: int, threshold: float, how: str) -> Iterator[Alike]:
    """Find near copies of what was there before, and among the rest those of an earlier one that stays."""
    ready = joining.prepare(sets, threshold)
    rows = len(sets.sizes)
    asked = np.zeros(rows, np.bool_)
    asked[left] = True
    peer, score = joining.closest(sets, ready, asked, np.arange(rows) < count)
    found = np.flatnonzero(peer >= 0)
    yield Alike("duplicates.near", found, peer[found], score[found], how)
    rest = left[peer[left] < 0]
    few = replace(sets, starts=sets.starts[rest], sizes=sets.sizes[rest], sums=sets.sums[rest])
    table = joining.pairs(few, joining.prepare(few, threshold))
    row, kept, jaccard = _earlier(rest[table["a"].to_numpy()], rest[table["b"].to_numpy()], table["jaccard"].to_numpy())
    yield Alike("duplicates.near", row, kept, jaccard, how)


def _earlier(one: Ints, other: Ints, score: npt.NDArray[np.float64]) -> tuple[Ints, Ints, npt.NDArray[np.float64]]:
    """Return the rows that are like an earlier one which stays: of each pair, in order, the later goes if the earlier is left."""
    gone: dict[int, tuple[int, float]] = {}
    for row, kept, alike in sorted(zip(other.tolist(), one.tolist(), score.tolist(), strict=True)):
        if row not in gone and kept not in gone:
            gone[row] = (kept, alike)
    peers = [peer for peer, _ in gone.values()]
    return np.array(list(gone), np.int64), np.array(peers, np.int64), np.array([alike for _, alike in gone.values()])


def _contained(rows: pl.DataFrame, left: Ints, threshold: float) -> Iterator[Alike]:
    """Find made rows that stand inside of another row, and those that hold a whole one."""
    sets = shingled(*row_pieces(rows))
    found = inside(sets, alike=threshold)
    share = found.common / np.maximum(sets.sizes[found.row], 1)
    for row, peer, how in (
        (found.row, found.outer, "{:.0%} of it stands inside,"),
        (found.outer, found.row, "It holds {:.0%},"),
    ):
        mine = np.isin(row, left) & ((peer < row) | ~np.isin(peer, left))
        yield Alike("duplicates.contained", row[mine], peer[mine], share[mine], how)


def _meaning(batch: Batch, rows: pl.DataFrame, left: Ints, count: int, cosine: float | None) -> Iterator[Alike]:
    if batch.encoder is None:
        return
    encoded = encode(row_texts(rows), batch.encoder, cache=batch.cache)
    tell(encoded, batch.notes)
    vectors = np.zeros((rows.height, encoded.vectors.shape[1]), np.float32)
    seen = encoded.of_row >= 0
    vectors[seen] = unit(encoded.vectors)[encoded.of_row[seen]]
    least = cosine or _usual(vectors[: batch.real.height])
    batch.say(f"made rows from a cosine of {least:.3f} count as the same in other words")
    asked = left[vectors[left].any(axis=1)]
    peer, cosines = _closest(vectors[asked], vectors[:count])
    near = cosines >= least
    rest = asked[~near]
    one, other = np.nonzero(np.triu(vectors[rest] @ vectors[rest].T >= least, 1))
    alike = np.einsum("ij,ij->i", vectors[rest[one]], vectors[rest[other]]).astype(np.float64)
    row, kept, score = _earlier(rest[one], rest[other], alike)
    how = "The same meaning, cosine {:.2f},"
    yield Alike("duplicates.semantic", asked[near], peer[near], cosines[near], how)
    yield Alike("duplicates.semantic", row, kept, score, how)


def _closest(asked: npt.NDArray[np.float32], known: npt.NDArray[np.float32]) -> tuple[Ints, npt.NDArray[np.float64]]:
    """Return the closest known vector of each one that is asked for, and their cosine; 0 and -1 where none is known."""
    place, best = np.zeros(len(asked), np.int64), np.full(len(asked), -1.0)
    for low in range(0, len(asked) if len(known) else 0, _BLOCK):
        part = slice(low, low + _BLOCK)
        product = asked[part] @ known.T
        place[part] = product.argmax(axis=1)
        best[part] = product.max(axis=1)
    return place, best


def _usual(vectors: npt.NDArray[np.float32]) -> float:
    """Return the cosine that the closest real row of hardly any real row reaches."""
    some = vectors[np.random.default_rng(0).permutation(len(vectors))[:_SAMPLE]]
    some = some[some.any(axis=1)]
    if len(some) < 20:
        return _MEANING[1]
    product = some @ some.T
    np.fill_diagonal(product, -1.0)
    return float(np.clip(np.quantile(product.max(axis=1), _CLOSEST), *_MEANING))


def _words(pieces: pl.Series, bounds: Ints) -> Ints:
    counts = pieces.str.count_matches(r"[\p{L}\p{N}]+|\p{Han}").to_numpy()
    ends = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    return np.diff(ends[bounds])


def _said(rows: pl.DataFrame, found: Alike) -> pl.DataFrame:
    texts = row_texts(rows[found.peer]).to_list() if found.row.size else []
    notes = [
        f"{found.how.format(score)} as {quote(mask(peer[:200]), 50)}."
        for score, peer in zip(found.score.tolist(), texts, strict=True)
    ]
    lines = pl.DataFrame(
        {
            "id": rows["id"].gather(found.row),
            "score": pl.Series(found.score, dtype=pl.Float64),
            "note": pl.Series(notes, dtype=pl.String),
            "peer": rows["id"].gather(found.peer),
        }
    )
    return verdicts(lines, found.gate, severity="reject")
