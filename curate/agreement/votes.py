"""Votes: who said what of which item, as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from ..errors import DataError, UsageError, quote
from ..masking import mask

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Votes:
    """v votes of a annotators on n items with k labels, sorted by item and annotator; nobody votes twice on an item."""

    item: Ints
    """(v) position in ``items``."""
    annotator: Ints
    """(v) position in ``annotators``."""
    label: Ints
    """(v) position in ``labels``."""
    items: list[str]
    """(n) sorted."""
    annotators: list[str]
    """(a) sorted."""
    labels: list[str]
    """(k) in their order where one was given, else by number or by name."""
    missing: int = 0
    """Lines without an item, an annotator or a label; they are no votes."""
    repeated: int = 0
    """Lines that say again what the same annotator said of the same item."""
    alike: int = 0
    """Labels that were written as another number of the same value, such as ``1.0`` beside ``1``; they count as one."""
    places: tuple[int, ...] | None = None
    """(k) place of each label in the order that was given, in which some may stand that nobody gave."""
    contradicted: int = 0
    """Times that an annotator gave one item several labels; none of them counts."""

    @cached_property
    def per_item(self) -> Ints:
        """(n) votes on each item."""
        return np.bincount(self.item, minlength=len(self.items))

    @cached_property
    def start(self) -> Ints:
        """(n + 1) where the votes on each item begin."""
        return np.concatenate([[0], np.cumsum(self.per_item)])

    @cached_property
    def values(self) -> Floats | None:
        """(k) the labels as numbers, or ``None`` where one of them is none."""
        found = numbers(self.labels)
        return None if found is None else np.asarray(found)

    @property
    def shared(self) -> int:
        """Items on which two annotators voted, or more."""
        return int((self.per_item > 1).sum())

    def chosen(self, keep: npt.NDArray[np.bool_]) -> Votes:
        """Return the votes that ``keep`` (v) marks, over the same items, annotators and labels."""
        return replace(self, item=self.item[keep], annotator=self.annotator[keep], label=self.label[keep])

    def of_items(self, keep: Ints) -> Votes:
        """Return the votes on some items, given by their rising positions, and these items only."""
        place = np.full(len(self.items), -1)
        place[keep] = np.arange(len(keep))
        chosen = place[self.item] >= 0
        items = [self.items[number] for number in keep]
        item = place[self.item[chosen]]
        return replace(self, item=item, annotator=self.annotator[chosen], label=self.label[chosen], items=items)


def gathered(frame: pl.DataFrame, *, order: Sequence[str] | None = None) -> Votes:
    """Return the votes of a frame with a line for each.

    What the same annotator says twice of an item counts once; where the two differ, neither counts, so that the order
    of the lines means nothing.

    Args:
        frame: ``item, annotator, label`` as strings; null or empty where there is none.
        order: the labels from low to high.

    Raises:
        UsageError: ``order`` leaves a label out, or names one twice.
        DataError: there is no vote.

    >>> lines = pl.DataFrame({"item": ["1", "1"], "annotator": ["ann", "bob"], "label": ["yes", "no"]})
    >>> votes = gathered(lines)
    >>> votes.labels, votes.label.tolist()
    (['no', 'yes'], [1, 0])
    """
    names = ("item", "annotator", "label")
    told = frame.select(pl.col(*names).cast(pl.String))
    have = told.filter(pl.all_horizontal(pl.col(*names).fill_null("").str.strip_chars() != ""))
    written = {} if order is not None else _written(have["label"].unique().to_list())
    have = have.with_columns(pl.col("label").replace(written)) if written else have
    distinct = have.unique()
    alone = distinct.filter(pl.len().over("item", "annotator") == 1).sort("item", "annotator")
    if alone.is_empty() and have.height:
        raise DataError("there is no vote: every annotator gave each item several labels, and of these none counts.")
    if alone.is_empty():
        raise DataError("there is no vote: every line lacks an item, an annotator or a label; name other columns.")
    labels = _ordered(alone["label"].unique().to_list(), order)
    items, annotators = (alone[name].unique().sort().to_list() for name in names[:2])
    return Votes(
        _codes(alone["item"], items),
        _codes(alone["annotator"], annotators),
        _codes(alone["label"], labels),
        items,
        annotators,
        labels,
        missing=told.height - have.height,
        repeated=have.height - distinct.height,
        alike=len(written),
        places=None if order is None else tuple(list(order).index(label) for label in labels),
        contradicted=distinct.select("item", "annotator").unique().height - alone.height,
    )


def _written(labels: list[str]) -> dict[str, str]:
    """Return, where all labels are numbers, how each that has the value of another is written: as the shortest of these.

    A column of whole numbers in which one is missing comes out of many tools as ``1.0``, the one beside it as ``1``.
    """
    values = numbers(labels)
    if values is None:
        return {}
    first: dict[float, str] = {}
    for value, label in sorted(zip(values, labels, strict=True), key=lambda pair: (len(pair[1]), pair[1])):
        first.setdefault(value, label)
    return {label: first[value] for value, label in zip(values, labels, strict=True) if first[value] != label}


def numbers(labels: Sequence[str]) -> list[float] | None:
    """Return labels as numbers, or ``None`` where one of them is no finite number."""
    try:
        found = [float(label) for label in labels]
    except ValueError:
        return None
    return found if np.isfinite(found).all() else None


def together(votes: Votes) -> Iterator[tuple[Ints, Ints]]:
    """Yield positions of votes on the same item, each pair once: first and second, the annotator of the first before."""
    for apart in range(1, int(votes.per_item.max(initial=0))):
        first = np.flatnonzero(votes.item[:-apart] == votes.item[apart:])
        yield first, first + apart


def _ordered(labels: list[str], order: Sequence[str] | None) -> list[str]:
    if order is None:
        values = numbers(labels)
        if values is None:
            return sorted(labels)
        return [label for _, label in sorted(zip(values, labels, strict=True))]
    if len(set(order)) < len(order):
        raise UsageError(f"the order {quote(','.join(order))} names a label twice; name each once, from low to high.")
    if left := sorted(set(labels) - set(order)):
        raise UsageError(
            f"the order leaves out {quote(mask(left[0][:200]), 60)}, which was voted; name every label, from low to high."
        )
    return [label for label in order if label in set(labels)]


def _codes(column: pl.Series, names: list[str]) -> Ints:
    return column.cast(pl.Enum(names)).to_physical().to_numpy().astype(np.int64)
