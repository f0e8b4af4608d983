"""What tests of curate share: real sets that several of them read, and what writes and reads small ones."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from vetset.curate import Given, ReadResult, read
from vetset.curate.dataset import Dataset, digest_of, frame, parquet
from vetset.curate.reading.sources import find_sources
from vetset.curate.review.view import prepare
from vetset.curate.rules import RULES
from vetset.tests.curate.desks import ROWS, found
from vetset.tests.curate.source_records import parts


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


@pytest.fixture
def small_set(make_set: Callable[..., Path], tmp_path: Path) -> Path:
    """A small set with findings on rows 7 to 11."""
    rows = frame(ROWS)
    return make_set(tmp_path / "s.vet", rows, found(rows, 7, 8, 9, 10, 11))


@pytest.fixture
def reads(tmp_path: Path) -> Callable[..., ReadResult]:
    """Write one file and read it; returns the result."""

    def reads(content: str | bytes, name: str = "a.jsonl", **columns: Any) -> ReadResult:
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return read([tmp_path / name], tmp_path / "a.vet", columns=Given(**columns))

    return reads


@pytest.fixture
def read_source(tmp_path: Path) -> Callable[..., tuple[list[Any], list[int], list[Any], Any]]:
    """Write one file and take it as a source; returns records, their lines, rejects and the source."""

    def read_source(name: str, content: str | bytes, **options: Any) -> tuple[list[Any], list[int], list[Any], Any]:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        (source,), _ = find_sources([path], **options)
        raw, lines, rejects = parts(source)
        return [json.loads(record) for record in raw], lines, rejects, source

    return read_source


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data sets as Hugging Face's library saves them: ``both`` with two splits, ``one`` in two shards."""
    import datasets

    labels = datasets.ClassLabel(names=["neg", "pos"])
    features = datasets.Features({"text": datasets.Value("string"), "label": labels})
    train = datasets.Dataset.from_dict({"text": ["a", "b", "c"], "label": [1, 0, -1]}, features=features)
    test = datasets.Dataset.from_dict({"text": ["d"], "label": [1]}, features=features)
    folder = tmp_path_factory.mktemp("saved")
    datasets.DatasetDict({"train": train, "test": test}).save_to_disk(folder / "both")
    train.save_to_disk(folder / "one", num_shards=2)
    return folder
