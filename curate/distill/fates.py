"""The newest fate of rows that were handed over: rows never change, and a later run may judge one anew.

A row that stood under review because the judge or the money failed is accepted or rejected by the next run. The row stays as it
came in; the manifest keeps, under ``fates``, what the newest run that was handed over says of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from ..errors import DataError

KEY = "fates"
"""Of the manifest: id of a row -> fate (accepted, review or rejected) and why."""

Fates = Mapping[str, Sequence[str | None]]


def newest(manifest: Mapping[str, Any]) -> dict[str, list[str | None]]:
    """Return the fates that a manifest tells; what is damaged counts as not told, so that the row's own word holds.

    >>> newest({"fates": {"a-0": ["accepted", None], "b-0": 3}})
    {'a-0': ['accepted', None]}
    """
    told = manifest.get(KEY)
    found = told.items() if isinstance(told, dict) else ()
    return {
        one: [str(of[0]), None if of[1] is None else str(of[1])]
        for one, of in found
        if isinstance(of, list) and len(of) == 2
    }


def with_newest(made: pl.DataFrame, fates: Fates) -> pl.DataFrame:
    """Return lineages (``lineage.synthetic``) with the newest fate of each row, and why."""
    if not fates or made.is_empty():
        return made
    told = pl.DataFrame(
        [(one, of[0], of[1]) for one, of in fates.items()],
        schema={"id": pl.String, "fate_now": pl.String, "why_now": pl.String}, orient="row",
    )  # fmt: skip
    now = made.join(told, on="id", how="left", maintain_order="left")
    is_told = pl.col("fate_now").is_not_null()
    return now.with_columns(
        fate=pl.coalesce("fate_now", "fate"), why=pl.when(is_told).then("why_now").otherwise("why")
    ).select(made.columns)


def changed(
    stand: pl.DataFrame, offered: pl.DataFrame, rejected: Mapping[str, str | None]
) -> dict[str, list[str | None]]:
    """Return the fates of rows that stand in a set and that a run judges otherwise than the set knows.

    Args:
        stand: lineages of the rows of the set, with their newest fates.
        offered: lineages of the run's rows.
        rejected: ids of rows that the run made and rejects, and why.
    """
    both = stand.select("id", "fate").join(
        offered.select("id", now="fate", reason="why"), on="id", how="inner", maintain_order="left"
    )
    found = {one: [now, why] for one, fate, now, why in both.iter_rows() if fate != now}
    no = stand.filter((pl.col("fate") != "rejected") & pl.col("id").is_in(list(rejected)))["id"]
    return found | {one: ["rejected", rejected[one]] for one in no if one not in set(both["id"])}


def rejected_by(path: Path, rows: pl.DataFrame) -> dict[str, str | None]:
    """Return the rows that a run made and rejects by now, by id, and why: the same draft, and it says the same.

    Args:
        path: of the file in which the run keeps what it rejects.
        rows: of the set, those of this run, with their ``draft``.

    Raises:
        DataError: the file can't be read.
    """
    no = {_saying(one.get("draft"), one["made"]): one.get("why") for one in _rejected(path)}
    said = rows.select("id", "draft", "messages", "label", "rejected").iter_rows(named=True) if no else ()
    return {row["id"]: no[key] for row in said if (key := _saying(row["draft"], row)) in no}


def _saying(draft: str | None, made: Mapping[str, Any]) -> tuple[Any, ...]:
    turns = tuple((one.get("role"), one.get("content")) for one in made.get("messages", []))
    return draft, turns, made.get("label"), made.get("rejected")


def _rejected(path: Path) -> list[dict[str, Any]]:
    """Return the rejected drafts of a run that made something; those that failed were judged by nobody.

    Raises:
        DataError: the file can't be read.
    """
    try:
        lines = [msgspec.json.decode(line) for line in path.read_bytes().splitlines() if line.strip()]
    except FileNotFoundError:
        return []
    except (OSError, msgspec.DecodeError) as error:
        raise DataError(f"{path} can't be read ({error}); make it again with `vetset distill`.") from error
    return [
        one for one in lines
        if isinstance(one, dict) and one.get("fate") == "rejected" and isinstance(one.get("made"), dict)
    ]  # fmt: skip
