"""What tests of curate share: real sets that several of them read."""

from pathlib import Path

import polars as pl
import pytest


@pytest.fixture(scope="session")
def bank(shared: Path) -> pl.DataFrame:
    """Questions to a bank and what they are about, ``text, category``: 13,083 rows, train before test."""
    return pl.concat([pl.read_csv(shared / "bank_intents" / f"{side}.csv") for side in ("train", "test")])
