"""The rows that carry a label, as arrays: what every look at labels starts from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from ..embed.encoder import Encoder
from ..embed.encoding import Report, encode, row_texts, tell
from ..errors import DataError, UsageError
from ..near.cosine import Ints, Vectors
from .targets import Targets, likeliest, parse


@dataclass(frozen=True)
class Labelled:
    """n labelled rows with k labels over m distinct texts."""

    row: Ints
    """(n) position in the rows frame, rising."""
    code: Ints
    """(n) which label, as a position in ``names``; of shares the likeliest."""
    names: list[str]
    """(k) the labels that occur, sorted. Where rows have several labels each, a whole set is one name; ask ``several`` first."""
    text: Ints
    """(n) which text, as a position in ``vectors`` and ``texts``: rows that say the same share it."""
    vectors: Vectors
    """(m, d) f32 of length 1."""
    texts: list[str]
    """(m) the texts."""
    blank: int = 0
    """Labelled rows that are left out, since they have no text or none that the encoder can read."""
    given: Targets | None = None
    """The labels of each of the n rows, where they are shares or sets."""

    @property
    def several(self) -> bool:
        """Whether rows have several labels each: what looks at single labels has nothing to say then."""
        return self.given is not None and self.given.kind == "several"

    @cached_property
    def counts(self) -> Ints:
        """(k) rows of each label."""
        return np.bincount(self.code, minlength=len(self.names))

    @cached_property
    def targets(self) -> npt.NDArray[np.float32]:
        """(m, k) share of each label among the rows of a text, shares by their numbers; every line sums to 1."""
        found = np.zeros((len(self.vectors), len(self.names)), np.float32)
        if self.given is None or self.several:
            np.add.at(found, (self.text, self.code), 1.0)
        else:
            np.add.at(found, (self.text[self.given.row], self.given.code), self.given.share)
        return found / np.maximum(found.sum(axis=1, keepdims=True), 1.0)


def labelled(
    rows: pl.DataFrame,
    *,
    encoder: Encoder,
    cache: Path | None = None,
    progress: Report | None = None,
    notes: list[str] | None = None,
) -> Labelled:
    """Return the rows that have a label and a text, and the vectors of their texts.

    The text is all turns but system prompts: where there is a reply, the label is taken to judge it too.

    Args:
        rows: the rows.
        encoder: see ``embed.encoder``.
        cache: a folder to keep vectors in.
        progress: told how far the encoding is.
        notes: takes what there is to say of the encoding.

    Raises:
        DataError: the encoder is broken.
    """
    have = rows["label"].is_not_null().arg_true().to_numpy().astype(np.int64)
    encoded = encode(row_texts(rows[have]), encoder, cache=cache, progress=progress)
    tell(encoded, notes)
    seen = encoded.of_row >= 0
    label = rows["label"].gather(have[seen])
    given = parse(label)
    shares = given is not None and given.kind == "shares"
    names = given.names if given is not None and shares else label.unique().sort().to_list()
    label = likeliest(label) if shares else label
    code = (
        label.replace_strict(names, range(len(names)), return_dtype=pl.Int64)
        if names
        else pl.Series([], dtype=pl.Int64)
    )
    return Labelled(
        have[seen],
        code.to_numpy(),
        names,
        encoded.of_row[seen],
        encoded.vectors,
        encoded.texts,
        int((~seen).sum()),
        given,
    )


def by_text(of: Labelled) -> Labelled:
    """Return the same with the texts sorted: what is drawn by place is then drawn alike for every order of the rows."""
    order = np.array(sorted(range(len(of.texts)), key=of.texts.__getitem__), np.int64)
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    return replace(of, text=place[of.text], vectors=of.vectors[order], texts=[of.texts[at] for at in order])


def from_arrays(vectors: npt.ArrayLike, labels: npt.ArrayLike) -> Labelled:
    """Return the same of vectors and labels that stand in arrays, a row each.

    Args:
        vectors: (n, d) numbers; taken to length 1, zeros stay zeros.
        labels: (n) what ``str`` names; ``None`` and NaN are no label, and such rows are left out.

    Raises:
        UsageError: there is not one vector a label.
        DataError: a number is missing or infinite, or too large to be squared.
    """
    values, given = np.asarray(vectors, np.float32), np.asarray(labels, object)
    if values.size == 0 and given.size == 0:
        values = values.reshape(0, values.shape[-1] if values.ndim == 2 else 0)
    if values.ndim != 2 or given.shape != values.shape[:1]:
        raise UsageError(f"it takes one vector a label, not an array of shape {values.shape} and {given.size} labels.")
    # By hand: NumPy's strings take four bytes a character of the longest for each row, and drop a NUL at the end.
    row = np.array([at for at, label in enumerate(given) if label is not None and label == label], np.int64)  # noqa: PLR0124
    own = [str(given[at]) for at in row]
    names = sorted(set(own))
    place = {name: code for code, name in enumerate(names)}
    values = values[row]
    with np.errstate(over="ignore", invalid="ignore"):
        length = np.linalg.norm(values, axis=1, keepdims=True)
    if not np.isfinite(length).all():
        at = int(row[np.flatnonzero(~np.isfinite(length[:, 0]))[0]])
        raise DataError(
            f"the vector in row {at} holds a number that is missing, infinite or far too large; give finite ones."
        )
    values = values / np.maximum(length, 1e-12)
    code = np.array([place[name] for name in own], np.int64)
    return Labelled(row, code, names, np.arange(row.size, dtype=np.int64), values, [""] * row.size)
