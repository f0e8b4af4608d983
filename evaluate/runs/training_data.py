"""What a model was trained on, held against the eval set before anything is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import file_digest
from pathlib import Path
from typing import Any

import polars as pl

from ...curate.dataset import is_set
from ...curate.errors import DataError, GateError, UsageError, VetsetError, quote
from ...curate.exports.provenance import digest_rows
from ...curate.wording import counted, shell
from .training_rows import training_rows

LINEAGE = "lineage.json"
GONE = "is not there any more"


@dataclass(frozen=True)
class TrainingData:
    """What is known of it."""

    source: str | None
    """Set or file; ``None`` where only a digest is known."""
    digest: str | None
    """SHA-256 of the file, or over what a set's rows say (``provenance.digest_rows``)."""
    rows: int | None
    checked: bool
    """Whether its rows were held against the eval set. Copies were none then: else the run was refused."""
    note: str | None = None
    """Why they were not, or what was found beside copies."""
    overlap: int = 0
    """Eval rows to which a training row is too close by other rules (``closeness.spoilt``): a verdict does not ship on them."""
    forms: int = 0
    """Eval rows that train holds with other numbers and names (``forms.forms_in``)."""
    eval_rows: int = 0
    """How many eval rows it was held against."""

    def said(self) -> dict[str, Any]:
        """Return what a manifest keeps."""
        kept = {"set": self.source, "digest": self.digest, "rows": self.rows, "checked": self.checked}
        forms = {"forms": self.forms, "eval_rows": self.eval_rows} if self.forms else {}
        return (
            kept
            | ({"overlap": self.overlap} if self.checked else {})
            | forms
            | ({"note": self.note} if self.note else {})
        )


def check_training_data(
    source: str | Path, eval_rows: pl.DataFrame, *, name: str, kept: tuple[str, ...] = ()
) -> TrainingData:
    """Hold training data against an eval set, as ``vetset evalset status --train`` does (``closeness.spoilt``).

    Args:
        source: a set or a file, see ``training_rows``.
        eval_rows: all rows of the eval set, of both parts.
        name: what the eval set is called in the sentence.
        kept: rules that don't look, as the eval set was built (``closeness.kept_by``).

    Raises:
        GateError: training rows ask what the eval set asks, exactly or nearly.
        UsageError: there is nothing at ``source``.
        DataError: it can't be read.
    """
    from ...curate.leakage.closeness import COPIES, How, spoilt  # its rules take a quarter of a second to import
    from ..evalsets.forms import forms_in, forms_note

    source = Path(source)
    rows = training_rows(source)
    close = spoilt(eval_rows, rows, How(kept=kept))
    copies = close.filter(pl.col("rule").is_in(COPIES))
    if copies.height:
        same = copies.filter(pl.col("rule") == COPIES[0]).height
        raise GateError(
            f"{source} holds {counted(copies.height, 'row')} that {name} asks ({same:,} the same, {copies.height - same:,} near "
            f"copies{_where(copies, rows)}), so the score would say what was learnt by heart; take them out and train again, or "
            "build the eval set from rows that were held out."
        )
    note = None
    if close.height:
        by_rule = ", ".join(
            f"{rule} {count:,}" for rule, count in close.group_by("rule", maintain_order=True).len().iter_rows()
        )
        note = (
            f"{source} holds rows too close to {counted(close.height, 'row')} of {name} ({by_rule}{_where(close, rows)}), so no "
            f"verdict will ship; `vetset evalset status {shell(name)} --train {shell(source)} --json` "
            "lists them, to be taken out before training"
        )
    forms = len(forms_in(eval_rows, rows))
    note = "; ".join([*([note] if note else []), *forms_note(forms, eval_rows.height, kept)]) or None
    return TrainingData(
        str(source), _digest(source, rows), rows.height, True, note, close.height, forms, eval_rows.height
    )


def _where(close: pl.DataFrame, rows: pl.DataFrame) -> str:
    """Return where the first of the training rows stands whose place is known."""
    known = close.select(id="peer").join(rows.select("id", "file", "line"), on="id", how="inner", maintain_order="left")
    return "".join(f"; one is {file} line {line}" for _, file, line in known.head(1).iter_rows())


def from_lineage(
    folder: str | Path, eval_rows: pl.DataFrame, *, name: str, kept: tuple[str, ...] = ()
) -> TrainingData | None:
    """Hold what a model's folder says of its training data against an eval set; ``None`` where it says nothing.

    ``lineage.json`` tells under ``data`` the file (``path``, below the folder or as given; ``sha256``), ``rows`` (how many) and
    ``ids`` (of the rows). The file is compared where it stands and is still the same; else the ids are, which see rows that are
    equal to the character, answer included.

    Args:
        folder: of the model or adapter.
        eval_rows: all rows of the eval set.
        name: what the eval set is called in the sentence.
        kept: as ``check_training_data``.

    Raises:
        GateError: training rows ask what the eval set asks.
        DataError: the file is damaged.
    """
    path = Path(folder) / LINEAGE
    data = _lineage(path)
    if data is None:
        return None
    for part, word in (("general", "the general rows"), ("valid", "the rows that chose the checkpoint")):
        _refuse_shared(_lineage(path, part), eval_rows, f"{path}: ", f"of {name} stand in {word}")
    told, digest, rows, seen = (data.get(name) for name in ("path", "sha256", "rows", "seen"))
    source = _standing(told, Path(folder)) if isinstance(told, str) else None
    if source is not None and digest is not None and _digest_at(source) == digest:
        found = check_training_data(source, eval_rows, name=name, kept=kept)
        return replace(found, rows=seen) if isinstance(seen, int) else found  # it ended before it had read each row
    count = seen if isinstance(seen, int) else rows if isinstance(rows, int) else None
    ids = data.get("ids")
    if not isinstance(ids, list):
        note = f"{path} names training data that is not at hand or has changed; name it with --train FILE"
        return TrainingData(told if isinstance(told, str) else None, digest, count, checked=False, note=note)
    _refuse_shared(data, eval_rows, f"{path}: ", f"of {name} stand in the training data")
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


def since_changed(told: Mapping[str, Any]) -> str | None:
    """Return what became of the training data that a run's manifest names, in words; ``None`` where it stands as it was.

    Args:
        told: ``train`` of the manifest. A relative path is looked for in the working folder.
    """
    source, digest = told.get("set"), told.get("digest")
    if not source or not digest:
        return None
    if not Path(source).exists():
        return GONE
    try:
        now = _digest_at(Path(source))
    except (VetsetError, OSError) as error:
        return f"can't be read any more ({quote(error, 120)})"
    return (
        None if now == digest else f"has changed (digest {str(now)[:12]}, and the run was made on {str(digest)[:12]})"
    )


def _refuse_shared(data: Mapping[str, Any] | None, eval_rows: pl.DataFrame, begin: str, end: str) -> None:
    ids = (data or {}).get("ids")
    trained = {str(one).partition("-")[0] for one in ids} if isinstance(ids, list) else set()
    if shared := [one for one in eval_rows["id"] if one.partition("-")[0] in trained]:
        raise GateError(
            f"{begin}{counted(len(shared), 'row')} {end} (one is {shared[0]}), so the score would say what was learnt by heart; "
            "train again without them, or build the eval set from rows that were held out."
        )


def _lineage(path: Path, part: str = "data") -> Mapping[str, Any] | None:
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return found[part] if isinstance(found.get(part), Mapping) else {}
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{path} is damaged ({type(error).__name__}); name the training data with --train FILE."
        ) from error


def _digest_at(source: Path) -> str | None:
    return _digest(source, training_rows(source)) if is_set(source) else _sha256(source)


def _standing(told: str, folder: Path) -> Path | None:
    return next((path for path in (folder / told, Path(told)) if path.exists()), None)


def _digest(source: Path, rows: pl.DataFrame) -> str:
    return _sha256(source) or digest_rows(rows)


def _sha256(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
