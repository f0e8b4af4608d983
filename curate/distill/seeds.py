"""The rows that a teacher is shown: real, decided, on the side that is trained on; and which of them make which draft."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import polars as pl

from ..dataset import Dataset
from ..decisions.applied import apply, head_for
from ..decisions.ledger import Ledger
from ..errors import DataError, quote
from ..messages import Said
from .lineage import synthetic


@dataclass(frozen=True)
class Seed:
    """One row that others are made from."""

    id: str
    messages: tuple[Said, ...]
    label: str | None
    rejected: str | None = None
    tools: str | None = None

    @property
    def asked(self) -> tuple[Said, ...]:
        """The turns before the answer: all of them where the last is not the assistant's."""
        return self.messages[:-1] if self.messages[-1].role == "assistant" else self.messages

    @property
    def text(self) -> str:
        """What the user says: the turns of the user, a blank line between two."""
        return "\n\n".join(said.content or "" for said in self.asked if said.role == "user")

    @property
    def answer(self) -> str | None:
        """The assistant's last turn, else the label; ``None`` where there is neither."""
        last = self.messages[-1]
        return last.content if last.role == "assistant" else self.label


@dataclass(frozen=True)
class Seeds:
    """The rows that may be shown, in the order of the set."""

    rows: pl.DataFrame
    """``dataset.ROWS``."""
    left: Mapping[str, int]
    """Why rows may not be shown, and how many."""
    real: pl.DataFrame
    """``id, label`` of all real rows, as they were read: what may not be shown leaves its block, and moves no other."""

    @cached_property
    def by_id(self) -> dict[str, Seed]:
        """Every row by its id."""
        columns = ("id", "messages", "label", "rejected", "tools")
        return {
            row_id: Seed(row_id, tuple(_turn(one) for one in said), label, worse, tools)
            for row_id, said, label, worse, tools in self.rows.select(columns).iter_rows()
        }

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Every label, sorted."""
        return tuple(self.rows["label"].drop_nulls().unique().sort())

    def of(self, label: str | None) -> list[str]:
        """Return the ids of the rows with a label; of all rows for ``None``."""
        return self.rows["id"].to_list() if label is None else self._shown.get(label, [])

    def ever(self, label: str | None) -> list[str]:
        """Return the ids of all real rows with a label, shown or not; of all rows for ``None``."""
        return self.real["id"].to_list() if label is None else self._real.get(label, [])

    @cached_property
    def _shown(self) -> dict[str, list[str]]:
        return _by_label(self.rows)

    @cached_property
    def _real(self) -> dict[str, list[str]]:
        return _by_label(self.real)


def _by_label(rows: pl.DataFrame) -> dict[str, list[str]]:
    found = rows.drop_nulls("label").group_by("label", maintain_order=True).agg("id")
    return dict(zip(found["label"].to_list(), found["id"].to_list(), strict=True))


def _turn(message: Mapping[str, Any]) -> Said:
    return Said(message["role"], message["content"], message["tool_calls"], message["tool_call_id"])


def open_seeds(dataset: Dataset, *, held: pl.DataFrame | None = None, too_close: Iterable[str] = ()) -> Seeds:
    """Return the rows of a set that a teacher may be shown.

    These are left: dropped rows, rows that a teacher wrote, rows of an eval split, and rows that stand in an eval set or too
    close to a row of one: a child of an eval row would carry it into training.

    Args:
        dataset: the set; its decisions are applied.
        held: rows of eval sets.
        too_close: ids of rows that stand too close to one of these.

    Raises:
        DataError: no row is left.
    """
    rows = dataset.rows
    with Ledger.open(dataset.folder) as ledger:
        decided = apply(rows, head_for(ledger, rows).heads).rows
    train = dataset.manifest.get("train", "train")
    parted = decided["split"].drop_nulls()
    made = synthetic(rows)["id"]
    reasons: list[tuple[str, pl.Expr]] = [
        ("written by a teacher", pl.col("id").is_in(made.implode())),
        (f"not in the split {quote(train)}", pl.col("split").ne_missing(train) if len(parted) else pl.lit(False)),
        ("in an eval set", pl.col("id").is_in((held["id"] if held is not None else pl.Series(["-"])).implode())),
        ("too close to an eval row", pl.col("id").is_in(pl.Series("id", list(too_close), pl.String).implode())),
    ]
    left, kept = {"dropped by a decision": rows.height - decided.height}, decided
    for why, leaves in reasons:
        fewer = kept.filter(~leaves)
        left[why], kept = kept.height - fewer.height, fewer
    left = {why: count for why, count in left.items() if count}
    if kept.is_empty():
        told = ", ".join(f"{count:,} {why}" for why, count in left.items()) or "the set is empty"
        raise DataError(
            f"{dataset.folder} has no row that a teacher may be shown ({told}); give a set with real rows in train."
        )
    # By the label that was decided, where one was: that is the one that the row is shown for.
    real = rows.filter(~pl.col("id").is_in(made.implode())).select("id", "label")
    real = real.update(decided.select("id", "label"), on="id")
    return Seeds(kept, left, real)


def in_order(ids: list[str], *, seed: int, name: str) -> list[str]:
    """Return ids in an order by lot in which one that leaves moves no other."""
    return sorted(ids, key=lambda one: sha256(f"{seed}\n{name}\n{one}".encode()).digest())


def blocks(ids: list[str], size: int, *, seed: int, name: str) -> list[tuple[str, ...]]:
    """Part rows into blocks of examples that are shown together, each row in one block alone.

    A row that a teacher writes stands with all that it was shown when the set is split. Were examples drawn anew for every draft,
    all rows would soon hang together; in blocks, a block and its children do.

    Args:
        ids: of the rows.
        size: rows a block; the last may have fewer, and is left out where there are others.
        seed: of the order.
        name: of the cell, so that cells differ.

    >>> [len(block) for block in blocks(list("abcdefg"), 3, seed=0, name="")]
    [3, 3]
    """
    if not ids or size < 1:
        return [()]
    order = in_order(ids, seed=seed, name=name)
    parts = [tuple(order[at : at + size]) for at in range(0, len(order), size)]
    return parts[:-1] if len(parts) > 1 and len(parts[-1]) < size else parts
