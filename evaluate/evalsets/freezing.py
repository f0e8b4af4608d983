"""The verb ``evalset freeze``: from here on the rows are what they are, and every look at them is noted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ...curate.errors import DataError, StaleError, UsageError
from ...curate.wording import shell
from .evalset import EVAL_ROWS, ROWS_FILE, VERSIONS, EvalSet, digest_of, row_digests, save_evalset
from .resuming import take_back
from .touches import note_frozen, now, touches, user


@dataclass(frozen=True)
class Frozen:
    """An eval set that is frozen."""

    evalset: EvalSet
    before: bool
    """It was frozen already, and its rows are still those."""

    def summary(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        of = self.evalset.manifest
        return {
            "evalset": str(self.evalset.folder), "version": of["version"], "digest": of["digest"], "rows": len(of["row_digests"]),
            "frozen_at": of["frozen_at"], "frozen_by": of["frozen_by"], "already": self.before,
        }  # fmt: skip


def freeze(evalset: EvalSet, *, by: str | None = None, at: str | None = None, anew: bool = False) -> Frozen:
    """Note the digest of every row and of all of them; the second time nothing changes.

    A copy of the frozen rows is kept under ``versions/N``, where a later version still finds them.

    Args:
        evalset: the set.
        by: who freezes; your user name for ``None``.
        at: when, UTC in ISO 8601; now for ``None``.
        anew: take rows that were changed since (a label that was wrong) for the next version; looks at them still count.

    Raises:
        StaleError: it was frozen with other rows, and not ``anew``.
        UsageError: it has no row that could decide anything.
    """
    if evalset.digest is not None:
        found = _as_they_stand(evalset)
        if digest_of(found, rule=evalset.format) == evalset.digest:
            return Frozen(evalset, before=True)
        if not anew:
            raise _changed(evalset, found)
        take_back(evalset)  # else this version would be taken for that of a refresh that was cut off
        return Frozen(next_version(evalset, found, {"verb": "freeze --anew"}, who=by, at=at), before=False)
    rows = evalset.rows
    if rows.filter(pl.col("part") == "ship").is_empty():
        raise UsageError(
            f"{evalset.folder} has no row in part ship, so nothing could be decided by it; build it again."
        )
    return Frozen(_freeze(evalset, rows, evalset.manifest, by or user(), at or now()), before=False)


def _freeze(evalset: EvalSet, rows: pl.DataFrame, manifest: dict[str, Any], by: str, at: str) -> EvalSet:
    """Write rows and manifest as frozen, the copy first: a kill between the two leaves no version without one."""
    digest, version = digest_of(rows), manifest["version"]
    frozen = {key: value for key, value in manifest.items() if key != "format"} | {
        "digest": digest, "frozen_at": at, "frozen_by": by,
        "row_digests": dict(zip(rows["id"].to_list(), row_digests(rows), strict=True)),
    }  # fmt: skip
    save_evalset(evalset.folder / VERSIONS / str(version), frozen, rows)
    note_frozen(evalset.folder, version=version, digest=digest, at=at, by=by)
    return save_evalset(evalset.folder, frozen, rows)


def next_version(
    evalset: EvalSet, rows: pl.DataFrame, step: dict[str, Any], *, population: list[dict[str, Any]] | None = None,
    fresh: Sequence[str] = (), who: str | None, at: str | None,
) -> EvalSet:  # fmt: skip
    """Write other rows as the next version, frozen.

    Args:
        evalset: frozen; its version stays under ``versions/``.
        rows: ``EVAL_ROWS``.
        step: what led to them, for the history.
        population: what they stand for; the same as before for ``None``.
        fresh: parts at whose rows nobody has looked.
        who: who did it; your user name for ``None``.
        at: when; now for ``None``.
    """
    old = evalset.manifest
    version = int(old["version"]) + 1
    count = len(old["row_digests"])
    was = {
        "version": old["version"],
        "digest": old["digest"],
        "frozen_at": old["frozen_at"],
        "rows": count,
        "then": step,
    }
    manifest = {
        **old, "version": version, "parts": parts_of(rows), "population": population or old.get("population", []),
        "since": {**old.get("since", {}), **dict.fromkeys(fresh, version)}, "history": [*old.get("history", []), was],
        "reserve": 0 if fresh else old.get("reserve", 0),
        "covered": old.get("covered") if population is None and not fresh else None,  # as the rows of the build were
    }  # fmt: skip
    return _freeze(evalset, rows, manifest, who or user(), at or now())


def must_be_frozen(evalset: EvalSet, *, looks: bool = True) -> None:
    """Raise where a version has no digest to go by, or its looks are lost: no version with some of its rows can follow it.

    Args:
        evalset: the version.
        looks: whether its looks count for the next one.
    """
    if evalset.digest is None:
        raise UsageError(
            f"{evalset.folder} is not frozen, so it has no version to keep; run "
            f"`vetset evalset freeze {shell(evalset.folder)}`, or build it again."
        )
    if looks:
        touches(evalset)


def parts_of(rows: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """Return rows, clusters and sum of weights of each part."""
    found = rows.group_by("part").agg(
        rows=pl.len(), clusters=pl.col("cluster").n_unique(), weight=pl.col("weight").sum().round(6)
    )
    return {of.pop("part"): of for of in found.sort("part").iter_rows(named=True)}


def _as_they_stand(evalset: EvalSet) -> pl.DataFrame:
    path = evalset.folder / ROWS_FILE
    try:
        found = pl.read_parquet(path, glob=False)
        return found.select(pl.col(name).cast(kind) for name, kind in EVAL_ROWS.items())
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"{path} can't be read; put {_copy(evalset)} back in its place, or build the eval set again."
        ) from error


def _changed(evalset: EvalSet, found: pl.DataFrame) -> StaleError:
    known = evalset.manifest.get("row_digests", {})
    now_are = dict(zip(found["id"].to_list(), row_digests(found, rule=evalset.format), strict=True))
    gone = [row for row in known if row not in now_are]
    changed = [row for row, digest in now_are.items() if known.get(row) != digest]
    first = next(iter([*changed, *gone]), "none: rows stand twice")
    return StaleError(
        f"{evalset.folder / ROWS_FILE} holds other rows than those that were frozen at {evalset.manifest.get('frozen_at')}: "
        f"{len(changed):,} changed or new, {len(gone):,} gone, first {first}; put {_copy(evalset)} back in its place, or take "
        "them for the next version with --anew."
    )


def _copy(evalset: EvalSet) -> Path:
    return evalset.folder / VERSIONS / str(evalset.manifest.get("version")) / ROWS_FILE
