"""One short row of small numbers for each text of a set, mapped into memory: what likeness to a million rows is told by at once.

A folder beside the view's frames, ``sketch-<rows>-<encoder>``, made once a state of the rows by another process. Rows that say
the same, letter for letter, share one line of it.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from .. import disk
from ..embed import vector_cache
from ..embed.encoder import TFIDF
from ..embed.encoding import row_texts
from ..near.row_texts import row_pieces
from .making import Making, Tell, alone, ask
from .view import View, place_of
from .worklist import Positions

WORDS = "words"
"""Of what a sketch was made where no encoder's vectors are at hand."""

_FORM = 3  # of the files; raised when what is in them changes
_SAMPLE = 20_000  # texts by which rarity and the middle of each axis are measured
_COUNTED = 8_000  # texts by which the rarity of words is measured for the last look at a few hundred rows
_CHUNK = 25_000  # rows that are read at a time
_KNOWN = 0.9  # share of texts that must have a kept vector: the others are like none
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Sketch:
    """The lines of m distinct texts of n rows."""

    folder: Path
    of: str
    """``WORDS``, or the encoder whose vectors the lines are."""
    matrix: npt.NDArray[np.int8]
    """(m, d) lines of about the same length."""
    bits: npt.NDArray[np.uint64]
    """(w, m) whether each number is over the middle of its axis, 64 axes a word: a first look costs an eighth of the bytes."""
    of_row: npt.NDArray[np.int32]
    """(n) each row's line; -1 for rows without a text, or without a vector."""
    row: npt.NDArray[np.int64]
    """(m) a row that says it: of all that do, the one with the lowest id."""
    copies: npt.NDArray[np.int64]
    """(m) how many rows say it."""
    weights: npt.NDArray[np.float32]
    """How much words weigh (``sketch_words.words``); empty for an encoder's vectors."""

    def same(self, position: int) -> Positions:
        """Return the other rows that say the same as the row at ``position``, letter for letter."""
        line = self.of_row[position]
        found = np.flatnonzero(self.of_row == line) if line >= 0 else np.zeros(0, np.int64)
        return found[found != position]


def sketch_path(view: View) -> Path:
    """Return where the sketch of a view stands, or will stand."""
    name = blake2b(f"{_FORM} {_encoder(view) or WORDS}".encode(), digest_size=6).hexdigest()
    return place_of(view.folder) / f"sketch-{view.rows_key}-{name}"


def is_made(view: View) -> bool:
    """Say whether ``open_sketch`` finds it."""
    return sketch_path(view).exists()


def ask_sketch(view: View, *, again: bool = False) -> Making:
    """Say how far the sketch is, and have another process make it where nobody has; returns at once."""
    return ask(view, "sketch", sketch_path(view), again=again)


def open_sketch(view: View) -> Sketch | None:
    """Return the sketch of a view, mapped; ``None`` where it is not made yet."""
    path = sketch_path(view)
    try:
        about = json.loads((path / "about.json").read_text(encoding="utf-8"))
        parts = {
            name: np.load(path / f"{name}.npy", mmap_mode="r") for name in ("matrix", "bits", "of_row", "row", "copies")
        }
        weights = np.load(path / "weights.npy")
    except FileNotFoundError:
        return None
    except (ValueError, OSError, EOFError):  # cut off by a disk that failed: it is made again
        shutil.rmtree(path, ignore_errors=True)
        return None
    return Sketch(path, about["of"], **parts, weights=weights)


def make_sketch(view: View, *, tell: Tell | None = None) -> Path:
    """Make the sketch of a view where there is none, in this process; takes a minute at a million rows.

    Args:
        view: the frames.
        tell: told how far it is.
    """
    path = sketch_path(view)
    with alone(view, "sketch"):
        if not path.exists():
            _make(view, path, tell or _silent)
    return path


def _make(view: View, path: Path, tell: Tell) -> None:
    tell(0.0, "Rows that say the same are put together.")
    row, of_row, order = _distinct(view.rows)
    found = _kept_vectors(view, row) or _by_words(view, row, order, tell)
    matrix, weights, of = found
    seen = (matrix != 0).any(axis=1)
    number = np.where(seen, np.cumsum(seen) - 1, -1)
    of_row = np.where(of_row >= 0, number[of_row], -1).astype(np.int32) if row.size else of_row
    matrix, row = matrix[seen], row[seen]
    tell(0.95, "The sketch is written.")
    arrays = {
        "matrix": matrix, "bits": _bits(matrix, np.argsort(order[seen])), "of_row": of_row, "row": row, "weights": weights,
        "copies": np.bincount(of_row[of_row >= 0], minlength=row.size).astype(np.int64),
    }  # fmt: skip
    _write(path, arrays, {"of": of, "rows": view.rows.height})


def texts_at(view: View, positions: Positions) -> list[str]:
    """Return the texts of a few hundred rows, as they are compared (``encoding.row_texts``).

    By slices and plain strings: to take rows of nested columns by position, polars goes through all of them (200 ms and 240 MB
    at a million), and a frame for each text costs more than the texts.
    """
    messages = view.rows.select("messages")
    some = pl.concat([messages[:0], *(messages.slice(int(at), 1) for at in positions)])["messages"].to_list()
    return ["\n".join(turn["content"] or "" for turn in row if turn["role"] != "system").strip() for row in some]


def _silent(share: float, said: str) -> None:
    del share, said


def _encoder(view: View) -> str | None:
    """Return the encoder of the last check, where it was one."""
    named = view.manifest.get("options", {}).get("encoder")
    return named if named != TFIDF else None


def _distinct(rows: pl.DataFrame) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Return (m) a row of each distinct text, (n) the text of each row, and (m) the texts' places in the order of ids."""
    height = rows.height
    keys = np.concatenate(
        [np.zeros(0, np.uint64), *(_keys(rows.slice(low, _CHUNK)) for low in range(0, height, _CHUNK))]
    )
    rank = np.empty(height, np.int64)
    rank[rows["id"].arg_sort().to_numpy()] = np.arange(height)
    # The lowest id stands for a text, whatever the order of the rows; lines follow the rows, which are read in order.
    table = pl.DataFrame({"key": keys, "rank": rank}).with_row_index("row")
    best = table.group_by("key").agg(pl.col("row", "rank").sort_by("rank").first()).sort("row").with_row_index("line")
    lines = table.join(best.select("key", "line"), on="key", how="left", maintain_order="left")["line"]
    return best["row"].to_numpy().astype(np.int64), lines.to_numpy().astype(np.int32), best["rank"].to_numpy()


def _keys(rows: pl.DataFrame) -> npt.NDArray[np.uint64]:
    """Return 64 bits of what each row says; compared within this call of ``make_sketch`` alone."""
    pieces, bounds = row_pieces(rows)
    ordinal = np.arange(len(pieces), dtype=np.uint64) - np.repeat(bounds[:-1], np.diff(bounds)).astype(np.uint64)
    mixed = (pieces.hash(seed=0).to_numpy() ^ (ordinal * _GOLDEN)) * _GOLDEN
    mixed ^= mixed >> np.uint64(32)
    total = np.concatenate([np.zeros(1, np.uint64), np.cumsum(mixed, dtype=np.uint64)])  # wraps, and so do differences
    return total[bounds[1:]] - total[bounds[:-1]]


Found = tuple[npt.NDArray[np.int8], npt.NDArray[np.float32], str]


def _by_words(view: View, row: npt.NDArray[np.int64], order: npt.NDArray[np.int64], tell: Tell) -> Found:
    from . import sketch_words

    tell(0.05, "It is counted how rare each word is.")
    lowest = np.argsort(order)[:_SAMPLE]
    sample = view.rows[row[np.sort(lowest)]]
    weights = sketch_words.rarities(sample)
    last = sketch_words.rarities_of_words(row_texts(view.rows[row[np.sort(lowest[:_COUNTED])]]).to_list())
    matrix = np.zeros((row.size, sketch_words.AXES), np.int8)
    wanted = np.zeros(view.rows.height, bool)
    wanted[row] = True
    done = 0
    for low in range(0, view.rows.height, _CHUNK):
        tell(0.15 + 0.8 * low / view.rows.height, f"Words of {low:,} of {view.rows.height:,} rows are read.")
        part = view.rows.slice(low, _CHUNK).filter(pl.Series(wanted[low : low + _CHUNK]))
        matrix[done : done + part.height] = _quantised(sketch_words.summed(part, weights))
        done += part.height
    return matrix, last, WORDS


def _kept_vectors(view: View, row: npt.NDArray[np.int64]) -> Found | None:
    """Return the vectors that the last check's encoder left behind, where nearly all texts have one."""
    name = _encoder(view)
    if name is None:
        return None
    from ..embed.encoder import find_encoder
    from ..errors import VetsetError

    try:
        fingerprint = getattr(find_encoder(name).encoder, "fingerprint", None)
    except VetsetError:  # the model has gone since, and with it the name under which its vectors are kept
        return None
    texts = row_texts(view.rows[row]).to_list()
    known, vectors = vector_cache.load(view.folder / "vectors", str(fingerprint), vector_cache.text_keys(texts))
    if not known.any() or known.sum() < _KNOWN * sum(map(bool, texts)):
        return None
    return _quantised(vectors), np.zeros(0, np.float32), name


def _quantised(values: npt.NDArray[Any]) -> npt.NDArray[np.int8]:
    """Return the rows at one length, as whole numbers; what lies five deviations out is cut off."""
    values = values.astype(np.float32)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    scale = np.float32(127 / 5 * values.shape[1] ** 0.5)
    return np.clip(np.rint(values * (scale / np.maximum(lengths, np.float32(1e-6)))), -127, 127).astype(np.int8)


def _bits(matrix: npt.NDArray[np.int8], by_id: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """Return (w, m) whether each number is over the median of its axis."""
    width = -(-matrix.shape[1] // 64)
    if not len(matrix):
        return np.zeros((width, 0), np.uint64)
    middle = np.median(matrix[np.sort(by_id[:_SAMPLE])], axis=0)
    packed = np.zeros((len(matrix), 8 * width), np.uint8)
    for low in range(0, len(matrix), _CHUNK):
        over = np.packbits(matrix[low : low + _CHUNK] > middle, axis=1, bitorder="little")
        packed[low : low + _CHUNK, : over.shape[1]] = over
    return np.ascontiguousarray(packed.view("<u8").T)


def _write(path: Path, arrays: dict[str, npt.NDArray[Any]], about: dict[str, Any]) -> None:
    """Write the folder whole or not at all, and remove sketches of other encoders."""
    beside = path.with_name(f".{path.name}.part{os.getpid()}")
    try:
        beside.mkdir(parents=True, exist_ok=True)
        for name, values in arrays.items():
            np.save(beside / f"{name}.npy", values)
            disk.flush(beside / f"{name}.npy")
        (beside / "about.json").write_text(json.dumps(about), encoding="utf-8")
        if not path.exists():
            beside.rename(path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    for other in path.parent.glob("sketch-*"):
        if other != path:
            shutil.rmtree(other, ignore_errors=True)
