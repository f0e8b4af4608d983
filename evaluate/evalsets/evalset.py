"""The eval set on disk: ``NAME.evalset/`` with its rows, their digest once it is frozen, and who looked at it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import polars as pl

from ...curate import disk
from ...curate.dataset import ROWS, parquet
from ...curate.errors import DataError, StaleError, UsageError
from ...curate.messages import Said
from ...curate.wording import shell

Part = Literal["dev", "ship"]
"""``dev`` is looked at while one works: prompts, checkpoints; ``ship`` is locked, for one look."""

EVAL_ROWS = pl.Schema(
    {
        **ROWS,
        "part": pl.String,
        "weight": pl.Float64,  # rows of the population that it stands for: one over its chance to be chosen
        "stratum": pl.String,
        "cluster": pl.String,  # what must be taken for one when errors are computed: group, or near copies
        "tags": pl.List(pl.String),  # why it is an edge case: rare, long, hard ...
        "digest": pl.String,  # SHA-256 of the others (row_digests)
    }
)
"""Columns of an eval set's rows: those of a set, and what choosing them brought."""

FORMAT = 2
"""1 left ``id``, ``stratum``, ``tags``, ``source`` and more out of the digest; its sets are read by that rule."""
_DIGESTED: dict[int, tuple[str, ...]] = {
    1: ("messages", "tools", "label", "rejected", "part", "weight", "cluster"),
    2: (
        "id", "messages", "rejected", "tools", "label", "group", "time", "annotator", "source", "license", "origin", "split",
        "extra", "part", "weight", "stratum", "cluster", "tags",
    ),
}  # fmt: skip
"""Columns of a row's digest, by format; written out, so that a column of a later vetset leaves old digests as they are. Where a
row was read (``file``, ``line``) is left out: the same rows read in another folder are the same set."""
ROWS_FILE, MANIFEST_FILE, TOUCHES_FILE, VERSIONS = "rows.parquet", "evalset.json", "touches.jsonl", "versions"


@dataclass(frozen=True)
class EvalSet:
    """An opened eval set."""

    folder: Path

    @classmethod
    def open(cls, folder: str | Path) -> EvalSet:
        """Open an eval set.

        Raises:
            UsageError: there is none at ``folder``.
            DataError: it was written by a newer vetset, or is damaged.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise UsageError(
                f"{folder}: no such eval set; make one with `vetset evalset build NAME.vet -o {shell(folder)}`."
            )
        disk.recover(folder)
        if not (folder / MANIFEST_FILE).is_file():
            raise UsageError(
                f"{folder} holds no {MANIFEST_FILE}, so it is no eval set; make one with `vetset evalset build NAME.vet`."
            )
        found = cls(folder)
        if found.format not in _DIGESTED:
            raise DataError(
                f"{folder}/{MANIFEST_FILE} has format {found.format!r}, this vetset reads up to {FORMAT}; update vetset."
            )
        return found

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """``name, version, digest, frozen_at, built, population, parts, alpha`` and what ``refresh`` noted."""
        path = self.folder / MANIFEST_FILE
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"{path} is damaged; put it back from a copy, or build the eval set again.") from error

    @cached_property
    def rows(self) -> pl.DataFrame:
        """The rows, ``EVAL_ROWS``.

        Raises:
            DataError: they can't be read.
            StaleError: the set is frozen, and they are not the rows that were.
        """
        path = self.folder / ROWS_FILE
        try:
            found = pl.read_parquet(path, glob=False)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise DataError(f"{path} can't be read; put it back from a copy, or build the eval set again.") from error
        if self.digest is not None and (now := digest_of(found, rule=self.format)) != self.digest:
            raise StaleError(
                f"{path} holds other rows than those that were frozen (digest {now[:12]}, frozen {self.digest[:12]}); put "
                f"{self.folder / VERSIONS / str(self.manifest.get('version')) / ROWS_FILE} back in its place, or take these rows "
                f"for the next version with `vetset evalset freeze {shell(self.folder)} --anew`."
            )
        return found

    @property
    def name(self) -> str:
        """The set's name."""
        return str(self.manifest.get("name") or self.folder.name.removesuffix(".evalset"))

    @property
    def format(self) -> Any:
        """The format of its manifest, which says how its digests are made."""
        return self.manifest.get("format")

    @property
    def digest(self) -> str | None:
        """The digest that was frozen; ``None`` before."""
        return self.manifest.get("digest")

    def part(self, part: Part) -> pl.DataFrame:
        """Return the rows of one part."""
        return self.rows.filter(pl.col("part") == part)


def row_digests(rows: pl.DataFrame, *, rule: int = FORMAT) -> list[str]:
    """Return the SHA-256 of each row: all that it holds but where it was read.

    Args:
        rows: ``EVAL_ROWS``.
        rule: format of the eval set; ``1`` covers what is asked, what is right, and part, weight and cluster.
    """
    digests = []
    for row in rows.select(_DIGESTED[rule]).iter_rows(named=True):
        whole = json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)  # times
        digests.append(sha256(whole.encode("utf-8", "surrogatepass")).hexdigest())
    return digests


def digest_of(rows: pl.DataFrame, *, rule: int = FORMAT) -> str:
    """Return the digest of an eval set: SHA-256 over the sorted digests of its rows, computed anew from what they hold."""
    return sha256("\n".join(sorted(row_digests(rows, rule=rule))).encode()).hexdigest()


def save_evalset(folder: str | Path, manifest: Mapping[str, Any], rows: pl.DataFrame) -> EvalSet:
    """Write rows and manifest as one change.

    Args:
        folder: of the eval set; made where it is missing.
        manifest: as ``EvalSet.manifest``; ``format`` is set here.
        rows: ``EVAL_ROWS``; ``digest`` is computed here.
    """
    folder = Path(folder)
    frame = rows.with_columns(pl.Series("digest", row_digests(rows), dtype=pl.String)).select(
        pl.col(name).cast(kind) for name, kind in EVAL_ROWS.items()
    )
    text = json.dumps({"format": FORMAT, **manifest}, indent=1, ensure_ascii=False) + "\n"
    with disk.locked(folder, make=True):
        disk.replace_together(
            folder,
            {ROWS_FILE: parquet(frame), MANIFEST_FILE: lambda path: path.write_text(text, encoding="utf-8")},
        )
    return EvalSet.open(folder)


def question(row: Mapping[str, Any]) -> tuple[Said, ...]:
    """Return the conversation that a row asks with: its messages without a last assistant turn."""
    said = [
        Said(
            role=turn["role"], content=turn["content"], tool_calls=turn["tool_calls"], tool_call_id=turn["tool_call_id"]
        )
        for turn in row["messages"]
    ]
    return tuple(said[:-1] if said and said[-1].role == "assistant" else said)


def reference(row: Mapping[str, Any]) -> str | None:
    """Return what is right: the label where the row has one, else the last assistant turn (its text, or its calls)."""
    if row["label"] is not None:
        return row["label"]
    last = row["messages"][-1] if row["messages"] else None
    if last is None or last["role"] != "assistant":
        return None
    return last["content"] if last["content"] is not None else last["tool_calls"]
