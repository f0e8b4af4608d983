"""Training data as rows: of a set that was split, or of a file as ``vetset read`` reads it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import polars as pl

from ...curate.dataset import Dataset, is_set
from ...curate.errors import DataError, UsageError
from ...curate.reading.mapping import Given
from ...curate.reading.reader import read
from ...curate.wording import counted, shell


def training_rows(source: str | Path, *, tell: Callable[[str], object] | None = None) -> pl.DataFrame:
    """Return the rows that are trained on, as decisions have them.

    Args:
        source: a set, of which those splits count that are no eval side (its train split, or all rows of a set without splits);
            or a file of any format that ``vetset read`` knows, such as an export's ``train.jsonl``.
        tell: is told of records that can't be read and are left out.

    Raises:
        UsageError: there is nothing at ``source``.
        DataError: it can't be read, or no row is left.
    """
    source = Path(source)
    if not source.exists():
        raise UsageError(f"{source}: no such file or set of training data; check the path.")
    if not is_set(source):
        with tempfile.TemporaryDirectory(prefix="vetset-") as folder:
            try:
                dataset = read([source], Path(folder) / "train.vet", columns=Given()).dataset
            except (DataError, UsageError) as error:
                if " --" not in str(error):
                    raise
                step = f"these are options of `vetset read {shell(source)}`: read it, and name the set that it makes"
                raise type(error)(f"{str(error).rstrip('.')}; {step}.") from error
            if tell is not None and (lost := int(dataset.manifest.get("rejects", 0))):
                tell(
                    f"{counted(lost, 'record')} of {source} can't be read and left out; `vetset read {shell(source)}` lists them."
                )
            return dataset.rows
    from ...curate.decisions.applied import apply, head_for
    from ...curate.decisions.ledger import Ledger

    dataset = Dataset.open(source)
    with Ledger.open(dataset.folder) as ledger:
        rows = apply(dataset.rows, head_for(ledger, dataset.rows).heads).rows
    if rows["split"].null_count() < rows.height:
        rows = rows.filter(pl.col("split") == str(dataset.manifest.get("train", "train")))
    if rows.is_empty():
        raise DataError(f"{source} has no row in its train split; run `vetset split {shell(source)}`, or name a file.")
    return rows
