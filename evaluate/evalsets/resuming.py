"""A refresh that was cut off: what it did to sets before its version stood is written down first, and taken back.

A refresh changes up to three folders: the sample gives rows and drops others, the training set drops some, the eval set gets its
version. No change of files spans them all, so ``refresh.json`` says what is about to be done. A kill leaves it there: until the
version stands nothing of it counts, and the next to write begins from where the sets were.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from ...curate import disk, parts
from ...curate.dataset import Dataset, is_set, parquet
from ...curate.decisions.ledger import Ledger
from ...curate.errors import DataError
from ...curate.version import version
from ...curate.wording import counted
from .aside import REVIEWER, batch_of, taken
from .evalset import EvalSet

REFRESH_FILE = "refresh.json"


def begin(evalset: EvalSet, dataset: Dataset, chosen: pl.DataFrame, *, train: Dataset | None) -> None:
    """Write down what a refresh is about to do.

    Args:
        evalset: at the version before.
        dataset: the sample that gives rows.
        chosen: the rows, by ``id``.
        train: the set that drops rows.
    """
    mine = dataset.rows.filter(pl.col("id").is_in(chosen["id"].implode())).select("id", "split")
    told = {
        "version": evalset.manifest["version"], "set": str(dataset.folder.resolve()), "rows": dict(mine.iter_rows()),
        "train": None if train is None else str(train.folder.resolve()), "batch": batch_of(evalset.name, chosen),
        "named": evalset.name in taken(dataset), "split": (dataset.folder / parts.SPLITS).exists(),
    }  # fmt: skip
    text = json.dumps(told, indent=1) + "\n"
    disk.write_whole(evalset.folder / REFRESH_FILE, lambda path: path.write_text(text, encoding="utf-8"))


def end(evalset: EvalSet) -> None:
    """Note that the version stands, and with it all that was done for it."""
    (evalset.folder / REFRESH_FILE).unlink(missing_ok=True)


def cut_off(evalset: EvalSet) -> bool:
    """Say whether a refresh was begun whose version does not stand."""
    told = _read(evalset)
    return told is not None and int(evalset.manifest.get("version", 1)) <= told["version"]


def take_back(evalset: EvalSet) -> str | None:
    """Take back what a refresh did that was cut off; returns a sentence where there was one.

    Raises:
        DataError: the note is damaged, or a set that it names is gone.
    """
    told = _read(evalset)
    if told is None:
        return None
    said = None
    if int(evalset.manifest.get("version", 1)) <= told["version"]:
        sample = _open(evalset, told["set"])
        dropped = _undo(sample, told["batch"])
        if told["train"] is not None:
            dropped += _undo(_open(evalset, told["train"]), told["batch"])
        back = _put_back(sample, evalset.name, told)
        said = (
            f"a refresh of {evalset.folder} was cut off: {counted(back, 'row')} went back to {sample.folder}, and "
            f"{counted(dropped, 'drop')} {'was' if dropped == 1 else 'were'} taken back"
        )
    end(evalset)
    return said


def _read(evalset: EvalSet) -> dict[str, Any] | None:
    path = evalset.folder / REFRESH_FILE
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} is damaged; vetset did not write it so: remove it, and build another eval set."
        ) from error
    if not isinstance(told, dict) or not {"version", "set", "rows", "train", "batch", "named", "split"} <= told.keys():
        raise DataError(f"{path} does not say what a refresh did; remove it, and build another eval set.")
    return told


def _open(evalset: EvalSet, folder: str) -> Dataset:
    if not is_set(Path(folder)):
        raise DataError(
            f"a refresh of {evalset.folder} was cut off, and {folder}, which it changed, is not there; put it back, or remove "
            f"{evalset.folder / REFRESH_FILE} to leave it as it is."
        )
    return Dataset.open(folder)


def _undo(dataset: Dataset, batch: str) -> int:
    with Ledger.open(dataset.folder) as ledger:
        stands = ledger.head().filter((pl.col("reviewer") == REVIEWER) & (pl.col("batch") == batch))
        if stands.height:
            ledger.undo(stands["seq"].to_list(), reviewer=REVIEWER, reason="a refresh was cut off")
    return stands.height


def _put_back(dataset: Dataset, name: str, told: Mapping[str, Any]) -> int:
    """Give the rows of a refresh their split again; returns how many stood in that of the eval set."""
    split = taken(dataset).get(name)
    if split is None:
        return 0
    was = pl.DataFrame(list(told["rows"].items()), schema={"id": pl.String, "was": pl.String}, orient="row")
    now = dataset.rows.select("id", "split").join(was, on="id", how="left", maintain_order="left")
    mine = (pl.col("split") == split) & pl.col("id").is_in(was["id"].implode())
    count = now.filter(mine).height
    if not count:
        return 0
    train = dataset.manifest.get("train", "train")
    back = now.select("id", split=pl.when(mine).then(pl.col("was").fill_null(train)).otherwise("split"))
    read = dataset.as_read().rows.select("id", pl.col("split").fill_null(train))
    unmade = not told["split"] and read.equals(back)  # nobody has split it since
    dataset.save(
        {parts.SPLITS: None if unmade else parquet(back)},
        step={"verb": "evalset refresh taken back", "version": version(), "counts": {"rows": count}},
        evalsets=lambda of: {key: value for key, value in (of or {}).items() if told["named"] or key != name},
    )
    return count
