"""What a model was trained on, held against the eval set before anything is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

import polars as pl

from ...curate.dataset import is_set
from ...curate.errors import DataError, GateError, UsageError
from ...curate.wording import counted
from .leaks import leaks
from .training_rows import training_rows

LINEAGE = "lineage.json"


@dataclass(frozen=True)
class TrainingData:
    """What is known of it."""

    source: str | None
    """Set or file; ``None`` where only a digest is known."""
    digest: str | None
    """SHA-256 of the file, or over the ids of a set's rows."""
    rows: int | None
    checked: bool
    """Whether its rows were held against the eval set. They were clean then: else the run was refused."""
    note: str | None = None
    """Why they were not."""

    def said(self) -> dict[str, Any]:
        """Return what a manifest keeps."""
        kept = {"set": self.source, "digest": self.digest, "rows": self.rows, "checked": self.checked}
        return kept | ({"note": self.note} if self.note else {"overlap": 0} if self.checked else {})


def check_training_data(source: str | Path, eval_rows: pl.DataFrame, *, name: str) -> TrainingData:
    """Hold training data against an eval set.

    Args:
        source: a set or a file, see ``training_rows``.
        eval_rows: all rows of the eval set, of both parts.
        name: what the eval set is called in the sentence.

    Raises:
        GateError: training rows ask what the eval set asks, exactly or nearly.
        UsageError: there is nothing at ``source``.
        DataError: it can't be read.
    """
    source = Path(source)
    rows = training_rows(source)
    found = leaks(rows, eval_rows)
    if found.count:
        first = rows.filter(pl.col("id") == found.ids[0]).row(0, named=True)
        where = f"{first['file']} line {first['line']}"
        raise GateError(
            f"{source} holds {counted(found.count, 'row')} that {name} asks ({len(found.exact):,} the same, {len(found.near):,} "
            f"near copies; one is {where}), so the score would say what was learnt by heart; take them out and train again, or "
            "build the eval set from rows that were held out."
        )
    return TrainingData(str(source), _digest(source, rows), rows.height, checked=True)


def from_lineage(folder: str | Path, eval_rows: pl.DataFrame, *, name: str) -> TrainingData | None:
    """Hold what a model's folder says of its training data against an eval set; ``None`` where it says nothing.

    ``lineage.json`` tells under ``data`` the file (``path``, below the folder or as given; ``sha256``), ``rows`` (how many) and
    ``ids`` (of the rows). The file is compared where it stands and is still the same; else the ids are, which see rows that are
    equal to the character, answer included.

    Args:
        folder: of the model or adapter.
        eval_rows: all rows of the eval set.
        name: what the eval set is called in the sentence.

    Raises:
        GateError: training rows ask what the eval set asks.
        DataError: the file is damaged.
    """
    path = Path(folder) / LINEAGE
    data = _lineage(path)
    if data is None:
        return None
    told, digest, rows = data.get("path"), data.get("sha256"), data.get("rows")
    source = _standing(told, Path(folder)) if isinstance(told, str) else None
    if source is not None and digest is not None and _digest_at(source) == digest:
        return check_training_data(source, eval_rows, name=name)
    count = rows if isinstance(rows, int) else None
    ids = data.get("ids")
    if not isinstance(ids, list):
        note = f"{path} names training data that is not at hand or has changed; name it with --train FILE"
        return TrainingData(told if isinstance(told, str) else None, digest, count, checked=False, note=note)
    trained = {str(one).partition("-")[0] for one in ids}
    shared = [one for one in eval_rows["id"] if one.partition("-")[0] in trained]
    if shared:
        raise GateError(
            f"{path}: {counted(len(shared), 'row')} of {name} stand in the training data (one is {shared[0]}), so the score "
            "would say what was learnt by heart; train again without them, or build the eval set from rows that were held out."
        )
    note = f"compared by the ids in {path} alone, which see no near copy; name the data with --train FILE"
    return TrainingData(told if isinstance(told, str) else None, digest, count or len(ids), checked=False, note=note)


def check_named(train: TrainingData, folder: str | Path) -> None:
    """Refuse training data that is other than what a model's folder says it was trained on.

    Raises:
        UsageError: the digests differ.
        DataError: the lineage is damaged.
    """
    data = _lineage(Path(folder) / LINEAGE)
    told = None if data is None else data.get("sha256")
    if told is not None and told != train.digest:
        raise UsageError(
            f"--train {train.source} is not what {Path(folder) / LINEAGE} names (digest {str(told)[:12]}, this one has "
            f"{str(train.digest)[:12]}); name the file that it was trained on."
        )


def _lineage(path: Path) -> Mapping[str, Any] | None:
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return found["data"] if isinstance(found.get("data"), Mapping) else {}
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{path} is damaged ({type(error).__name__}); name the training data with --train FILE."
        ) from error


def _digest_at(source: Path) -> str | None:
    return _digest(source, training_rows(source)) if is_set(source) else _sha256(source)


def _standing(told: str, folder: Path) -> Path | None:
    return next((path for path in (folder / told, Path(told)) if path.exists()), None)


def _digest(source: Path, rows: pl.DataFrame) -> str:
    return _sha256(source) or sha256("\n".join(rows["id"].sort()).encode()).hexdigest()


def _sha256(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
