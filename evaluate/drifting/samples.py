"""Where rows to compare come from: a file as ``vetset read`` reads it, a set, an eval set."""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl

from ...curate.dataset import Dataset, is_set
from ...curate.errors import UsageError
from ...curate.reading.mapping import Given
from ...curate.reading.reader import read
from ..evalsets.evalset import MANIFEST_FILE, EvalSet


def sample_rows(source: str | Path, *, columns: Given | None = None) -> pl.DataFrame:
    """Return the rows of a sample.

    Args:
        source: an eval set (both parts), a set (all rows that no decision dropped, whatever their split), or a file of any
            format that ``vetset read`` knows.
        columns: what the columns of a file mean; what it leaves out is guessed.

    Raises:
        UsageError: there is nothing at ``source``, or a column is named that it has not.
        DataError: it can't be read.
    """
    source = Path(source)
    if not source.exists():
        raise UsageError(f"{source}: no such file, set or eval set; check the path.")
    if (source / MANIFEST_FILE).is_file():
        return EvalSet.open(source).rows
    if not is_set(source):
        with tempfile.TemporaryDirectory(prefix="vetset-") as folder:
            return read([source], Path(folder) / "sample.vet", columns=columns or Given()).dataset.rows
    from ...curate.decisions.applied import apply, head_for
    from ...curate.decisions.ledger import Ledger

    dataset = Dataset.open(source)
    with Ledger.open(dataset.folder) as ledger:
        return apply(dataset.rows, head_for(ledger, dataset.rows).heads).rows
