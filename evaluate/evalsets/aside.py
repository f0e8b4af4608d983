"""What becomes of a set whose rows were chosen: they stand in a split of their own, and what is too close to them is dropped.

Both can be taken back: the split is the set's own file beside its rows, and the drops are one batch of decisions.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import polars as pl

from ...curate import parts
from ...curate.dataset import Dataset, parquet
from ...curate.decisions.decision import Decision
from ...curate.decisions.ledger import Ledger
from ...curate.errors import UsageError
from ...curate.splits.splitting import hangs_on_splits
from ...curate.version import version

REVIEWER = "evalset"
"""Under whose name rows are dropped for being too close to an eval row."""
SPLIT = "eval"


@dataclass(frozen=True)
class Aside:
    """What was done to a set."""

    split: str
    """Where the chosen rows stand now."""
    batch: str | None
    """Of the decisions; ``None`` where no row was too close."""
    counts: Mapping[str, int]
    """Rows dropped, by the rule that found them."""
    unchecked: list[str]
    """Rules that said what held for the splits before, and have to look again."""


@dataclass(frozen=True)
class Before:
    """A set as it was before an eval set of this name took rows from it."""

    splits: pl.DataFrame
    """``id, split`` of all rows."""
    undone: list[Decision]
    """The drops that were taken back; ``put_back`` makes them again where no new eval set comes of it."""


def before(dataset: Dataset, name: str, chosen: pl.DataFrame | None) -> Before:
    """Take back what an eval set of that name has done to the set, so that it can be built anew.

    Args:
        dataset: the set.
        name: of the eval set.
        chosen: the rows that it took, with the splits that they had; where they are gone, a row goes back to the split of its
            source, or to train.
    """
    undone: list[Decision] = []
    with Ledger.open(dataset.folder) as ledger:
        mine = (pl.col("reviewer") == REVIEWER) & pl.col("batch").str.starts_with(batch_of(name))
        stands = ledger.head().filter(mine)
        if stands.height:
            ledger.undo(stands["seq"].to_list(), reviewer=REVIEWER, reason=f"the eval set {name} is built anew")
            undone = [
                Decision(row_id, "drop", reason=reason, rule=rule)
                for row_id, reason, rule in stands.select("row_id", "reason", "rule").iter_rows()
            ]
    now = dataset.rows.select("id", "split")
    took = taken(dataset).get(name)
    if took is None:
        return Before(now, undone)
    train = dataset.manifest.get("train", "train")
    if chosen is None:
        chosen = dataset.as_read().rows.select("id", pl.col("split").fill_null(train))
    back = now.join(chosen.select("id", was="split"), on="id", how="left", maintain_order="left")
    own = (pl.col("split") == took) & pl.col("id").is_in(chosen["id"].implode())
    return Before(back.select("id", split=pl.when(own).then("was").otherwise("split")), undone)


def put_back(dataset: Dataset, name: str, undone: list[Decision]) -> None:
    """Drop again what was taken back for an eval set that could not be built."""
    if undone:
        with Ledger.open(dataset.folder) as ledger:
            ledger.decide(undone, reviewer=REVIEWER, batch=f"{batch_of(name)}again")


def taken(dataset: Dataset) -> dict[str, str]:
    """Return the eval sets that rows of this set went to, and the split in which those stand."""
    found = dataset.manifest.get("evalsets")
    entries = found.items() if isinstance(found, dict) else ()
    return {str(name): str(of["split"]) for name, of in entries if isinstance(of, dict) and "split" in of}


def refuse_namesake(dataset: Dataset, name: str, out: Path) -> None:
    """Raise ``UsageError`` where another eval set of that name has rows of this set: its drops would be taken for ours."""
    found = dataset.manifest.get("evalsets")
    known = found.get(name) if isinstance(found, dict) else None
    if isinstance(known, dict) and known.get("path") != _way(dataset, out):
        raise UsageError(
            f"{dataset.folder} gave rows to another eval set called {name} ({known.get('path')}, seen from the set); give this "
            "one another name with -o."
        )


def _way(dataset: Dataset, out: Path) -> str:
    return os.path.relpath(out.resolve(), dataset.folder.resolve())


def set_aside(
    dataset: Dataset, name: str, splits: pl.DataFrame, chosen: pl.DataFrame, close: pl.DataFrame, *, out: Path, seed: int,
    verb: str = "evalset build",
) -> Aside:  # fmt: skip
    """Put the chosen rows into a split of their own and drop the rows that are too close to them.

    Args:
        dataset: the set.
        name: of the eval set.
        splits: ``id, split`` of all rows, as they stand without this eval set (``before``).
        chosen: the rows, by ``id``.
        close: ``closeness.CLOSE``.
        out: the eval set's folder.
        seed: of the choice, for the manifest.
        verb: that did it, for the manifest.

    Raises:
        UsageError: the set can't be written.
        StaleError: the set was read or split anew meanwhile.
    """
    train = dataset.manifest.get("train", "train")
    mine = pl.col("id").is_in(chosen["id"].implode())
    elsewhere = {
        *splits.filter(~mine)["split"].drop_nulls().unique(),
        *(s for n, s in taken(dataset).items() if n != name),
    }
    split = taken(dataset).get(name) or (SPLIT if SPLIT not in elsewhere else f"{SPLIT}-{name}")
    rest = pl.lit(train) if splits["split"].null_count() == splits.height else pl.col("split")
    assigned = splits.select("id", split=pl.when(mine).then(pl.lit(split)).otherwise(rest))
    batch = drop(dataset, name, chosen, close)
    checked = dataset.manifest.get("checked", [])
    gone = [rule for rule in checked if hangs_on_splits(rule)]
    files: dict = {parts.SPLITS: parquet(assigned)}
    if gone and dataset.findings is not None:
        files[parts.FINDINGS] = parquet(dataset.findings.filter(~pl.col("rule").is_in(gone)))
    counts = dict(close.group_by("rule", maintain_order=True).len().iter_rows())
    step = {
        "verb": verb, "version": version(), "seed": seed, "options": {"name": name, "split": split},
        "counts": {"chosen": chosen.height, "dropped": counts},
    }  # fmt: skip
    dataset.save(
        files, step=step, train=train, checked=[rule for rule in checked if rule not in gone],
        evalsets=lambda now: {**(now or {}), name: {"split": split, "path": _way(dataset, out)}},
    )  # fmt: skip
    return Aside(split, batch, counts, gone)


def drop(dataset: Dataset, name: str, chosen: pl.DataFrame, close: pl.DataFrame) -> str | None:
    """Decide to drop rows that are too close to eval rows, as one batch; return its name."""
    if close.is_empty():
        return None
    batch = batch_of(name, chosen)
    decisions = [
        Decision(row_id, "drop", reason=f"too close to the eval set {name}: {note}", rule=rule)
        for row_id, rule, note in close.select("id", "rule", "note").iter_rows()
    ]
    with Ledger.open(dataset.folder) as ledger:
        if ledger.readonly:
            raise UsageError(
                f"{dataset.folder} can't be written, so no row can leave its train side; copy the set to a folder of yours."
            )
        ledger.decide(decisions, reviewer=REVIEWER, batch=batch)
    return batch


def batch_of(name: str, chosen: pl.DataFrame | None = None) -> str:
    """Return the name of the batch of an eval set: the same rows, the same name, so that a cut-off build is made whole.

    Without rows it is what all its batches begin with.
    """
    of = sha256(name.encode()).hexdigest()[:8]
    return f"evalset-{of}-" + ("" if chosen is None else sha256("\n".join(chosen["id"]).encode()).hexdigest()[:8])
