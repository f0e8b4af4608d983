"""Answers that were logged elsewhere, laid beside the rows of the eval set: by id, else by content."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from ...curate.errors import DataError, StaleError, UsageError
from ...curate.text import fold
from ...curate.wording import counted, shell
from ..evalsets.evalset import EvalSet, Part, question, reference
from .record import Logged, Record

LEAST = 16
"""Digits of a digest that have to be there: 64 bits."""


@dataclass
class Joined:
    """Which answer belongs to which row."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    """(n) the row of each answer that was joined."""
    records: list[Record] = field(default_factory=list)
    samples: list[int] = field(default_factory=list)
    part: Part = "dev"
    counts: dict[str, int] = field(default_factory=dict)
    """``by_id, by_content``; left out: ``unknown, ambiguous, other_part, repeated``; ``missing`` rows without an answer."""


def join(logged: Logged, evalset: EvalSet, *, part: Part | None = None) -> Joined:
    """Lay answers beside rows.

    By content is: the same last user turn and the same reference (``curate.text.fold``), and no second row with both. A reference
    that the tool doesn't tell is not asked for.

    Args:
        logged: what was read.
        evalset: frozen.
        part: whose rows count; that of the rows that were answered for ``None``.

    Raises:
        UsageError: rows of both parts were answered and no part is named; the set is not frozen.
        StaleError: the task was written from another eval set, or from another version of a row.
        DataError: no answer belongs to any row.
    """
    _check_set(logged, evalset)
    rows = evalset.rows.to_dicts()
    by_id = {row["id"]: row for row in rows}
    by_content: dict[tuple[str, str | None], list[dict[str, Any]]] = {}
    for row in rows:
        asked = next((said.content or "" for said in reversed(question(row)) if said.role == "user"), "")
        for right in (reference(row), None):
            by_content.setdefault((fold(asked), fold(right) if right is not None else None), []).append(row)
    found: list[tuple[dict[str, Any], Record]] = []
    counts: dict[str, int] = dict.fromkeys(("by_id", "by_content", "unknown", "ambiguous", "other_part", "repeated"), 0)
    for record in logged.records:
        if record.id in by_id:
            row = by_id[record.id]
            _check_row(record, row, evalset)
            counts["by_id"] += 1
        else:
            key = (fold(record.question), fold(record.reference) if record.reference is not None else None)
            alike = by_content.get(key, [])
            if len(alike) != 1:
                counts["ambiguous" if alike else "unknown"] += 1
                continue
            row = alike[0]
            counts["by_content"] += 1
        found.append((row, record))
    if not found:
        raise DataError(
            f"none of {counted(len(logged.records), 'answer')} of {logged.tool} {logged.task} belongs to a row of "
            f"{evalset.folder}: neither "
            "an id nor question and reference are the same; name the eval set that the task was made from."
        )
    return _of_part(found, evalset, part, counts)


def _check_set(logged: Logged, evalset: EvalSet) -> None:
    if evalset.digest is None:
        raise UsageError(
            f"{evalset.folder} is not frozen, so a run on it could be compared with no other; run `vetset evalset freeze "
            f"{shell(evalset.folder)}` first."
        )
    for told in {record.evalset for record in logged.records if record.evalset}:
        if len(told) < LEAST or not evalset.digest.startswith(told):
            raise StaleError(
                f"{logged.tool} ran the eval set with the digest {told[:12]}, and {evalset.folder} has {evalset.digest[:12]}: "
                "its rows are others; name the version that was exported, or run the export again."
            )


def _check_row(record: Record, row: dict[str, Any], evalset: EvalSet) -> None:
    if record.digest and not (len(record.digest) >= LEAST and str(row["digest"]).startswith(record.digest)):
        raise StaleError(
            f"row {row['id']} of {evalset.folder} is not what it was when exported (digest {str(row['digest'])[:12]}, then "
            f"{record.digest[:12]}); name the version that was exported, or run the export again."
        )


def _of_part(
    found: list[tuple[dict[str, Any], Record]], evalset: EvalSet, part: Part | None, counts: dict[str, int]
) -> Joined:
    parts = sorted({row["part"] for row, _ in found})
    if part is None and len(parts) > 1:
        raise UsageError(
            f"rows of the parts {' and '.join(parts)} of {evalset.folder} were answered; name the one that counts with --part."
        )
    joined = Joined(part=part or parts[0], counts=counts)
    seen: dict[str, set[int]] = {}
    for row, record in found:
        if row["part"] != joined.part:
            counts["other_part"] += 1
            continue
        before = seen.setdefault(row["id"], set())
        sample = record.sample if record.sample is not None else len(before)
        if sample in before:
            counts["repeated"] += 1
            continue
        before.add(sample)
        joined.rows.append(row)
        joined.records.append(record)
        joined.samples.append(sample)
    if not joined.rows:
        raise UsageError(f"no row of the part {part} of {evalset.folder} was answered; name the part that was.")
    counts["missing"] = evalset.rows.filter(pl.col("part") == joined.part).height - len(seen)
    return joined
