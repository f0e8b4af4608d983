"""What tests of curate share: real sets that several of them read."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from vetset.curate.dataset import Dataset, digest_of, parquet
from vetset.curate.review.view import prepare
from vetset.curate.rules import RULES


@pytest.fixture(scope="session")
def bank(shared: Path) -> pl.DataFrame:
    """Questions to a bank and what they are about, ``text, category``: 13,083 rows, train before test."""
    return pl.concat([pl.read_csv(shared / "bank_intents" / f"{side}.csv") for side in ("train", "test")])


@pytest.fixture(scope="session")
def make_set() -> Callable[..., Path]:
    """Write rows, and findings where there are some, as a set whose view is made already; returns its folder."""

    def make_set(folder: Path, rows: pl.DataFrame, findings: pl.DataFrame | None = None) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        files = {
            "rows.parquet": parquet(rows),
            "rejects.jsonl": Path.touch,
            "findings.parquet": None if findings is None else parquet(findings),
        }
        checked = {} if findings is None else {"checked": list(RULES)}
        said = {"rows": rows.height, "rejects": 0, "inputs": [], "digest": digest_of(rows["id"])}
        Dataset(folder).save(files, step={"verb": "read"}, **said, **checked)
        prepare(Dataset.open(folder))
        return folder

    return make_set
