"""A plan for every source, from a sample of its records."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import DataError
from .guesses import plan as guess
from .mapping import SAMPLE, Given, NoText, Plan, split_of_name
from .sources import Source


def plan_all(
    sources: Sequence[Source], given: Given, skipped: list[str], *, named: set[Path]
) -> tuple[list[Source], list[tuple[Plan, list[str]]], list[str]]:
    """Plan every source; of a folder or glob, files without any text (lists of ids, of answers) are passed over."""
    kept: list[Source] = []
    plans: list[tuple[Plan, list[str]]] = []
    passed: list[DataError] = []
    for source in sources:
        try:
            plans.append(_plan(source, given))
            kept.append(source)
        except NoText as error:
            if source.path in named:
                raise
            passed.append(error)
    if not kept:
        beside = next((text.partition(": ")[0] for text in skipped if text.endswith("name it to read it")), None)
        if beside is None:
            raise passed[0]
        raise DataError(f"{str(passed[0]).removesuffix('.')}, or name the texts beside it, such as {beside}.")
    return kept, plans, [*skipped, *(str(error).rpartition("; ")[0] for error in passed)]


def _plan(source: Source, given: Given) -> tuple[Plan, list[str]]:
    sample = _sample(source)
    if not sample:
        return Plan(given.format or "text", {"text": "text"}), ["text"]
    plan = guess(sample, given, name=source.name, file_split=split_of_name(Path(source.name).name))
    return plan, list(dict.fromkeys(column for record in sample for column in record))


def _sample(source: Source) -> list[dict[str, Any]]:
    """Return records from all over the first chunks (files are often sorted by label)."""
    records: list[dict[str, Any]] = []
    for chunk in itertools.islice(source.chunks(), 2):
        lines = chunk.some(SAMPLE)
        for line in lines[: SAMPLE - len(records)]:
            try:
                record = json.loads(line)
                json.dumps(record, ensure_ascii=False).encode()  # half a surrogate pair can't be shown or compared
            except (ValueError, RecursionError):
                continue
            if isinstance(record, dict):
                records.append(record)
        if len(records) >= SAMPLE:
            break
    return records
