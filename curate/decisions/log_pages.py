"""The log in pages: the batches that a filter asks for, and the lines of one, as many as a page shows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from .ledger import LOG, Ledger

PAGE = 50
"""Batches, or lines, that are read at a time."""

LINES = pl.Schema({**LOG, "taken": pl.Boolean})
"""Columns of ``lines``: the log's, and whether the line was taken back since."""


@dataclass(frozen=True)
class Asked:
    """Which batches are looked for: those with a line of which all of it holds. The default asks for every batch."""

    reviewer: str = ""
    action: str = ""
    rule: str = ""
    text: str = ""
    """Letters that the reason holds; a Latin one in either case."""

    def where(self) -> tuple[str, tuple[Any, ...]]:
        """Return it as a condition in SQL, and what stands for its question marks."""
        parts = [(f"{name} = ?", value) for name in ("reviewer", "action", "rule") if (value := getattr(self, name))]
        if self.text:
            parts.append((r"reason LIKE ? ESCAPE '\'", f"%{_literal(self.text)}%"))
        return " AND ".join(sql for sql, _ in parts) or "1", tuple(value for _, value in parts)


@dataclass(frozen=True)
class Found:
    """One page of the batches that were asked for."""

    names: tuple[str, ...]
    """The latest first."""
    batches: int
    """That were found in all."""
    lines: int
    """That match, in all of them."""


def find(ledger: Ledger, asked: Asked, *, page: int = 1) -> Found:
    """Return a page of the batches that hold what was asked for, the latest first.

    Args:
        ledger: the log.
        asked: the filter.
        page: 1 for the first.
    """
    where, values = asked.where()
    counts = pl.Schema({"batches": pl.Int64, "lines": pl.Int64})
    counted = ledger.select(
        f"SELECT count(DISTINCT batch), count(*) FROM decision WHERE {where}",
        values,
        counts,
    )
    many, lines = counted.row(0) if counted.height else (0, 0)
    names = ledger.select(
        f"SELECT batch, max(seq) FROM decision WHERE {where} GROUP BY batch ORDER BY max(seq) DESC LIMIT ? OFFSET ?",
        (*values, PAGE, PAGE * (page - 1)),
        pl.Schema({"batch": pl.String, "seq": pl.Int64}),
    )
    return Found(tuple(names["batch"]), many, lines)


def lines(ledger: Ledger, batch: str, *, page: int = 1) -> pl.DataFrame:
    """Return a page of the lines of a batch, ``LINES`` columns, in the order of writing."""
    sql = """SELECT d.*, EXISTS (SELECT 1 FROM decision AS u WHERE u.undoes = d.seq) FROM decision AS d
        WHERE batch = ? ORDER BY seq LIMIT ? OFFSET ?"""
    return ledger.select(sql, (batch, PAGE, PAGE * (page - 1)), LINES)


def reasons(ledger: Ledger, names: Sequence[str]) -> dict[str, tuple[str, int]]:
    """Return the commonest reason of each of these batches that has one, and how many different ones it has."""
    sql = """SELECT batch, reason, count(*) FROM decision WHERE batch IN (SELECT value FROM json_each(?))
        AND reason IS NOT NULL GROUP BY batch, reason ORDER BY count(*) DESC, reason"""
    schema = pl.Schema({"batch": pl.String, "reason": pl.String, "lines": pl.Int64})
    found = ledger.select(sql, (json.dumps(list(names)),), schema)
    first = found.group_by("batch", maintain_order=True).agg(pl.col("reason").first(), pl.len())
    return {batch: (reason, many) for batch, reason, many in first.iter_rows()}


def choices(ledger: Ledger) -> dict[str, list[str]]:
    """Return the reviewers, actions and rules that the log names, those with the most lines first."""
    found: dict[str, list[str]] = {}
    for name in ("reviewer", "action", "rule"):
        sql = f"SELECT {name}, count(*) FROM decision GROUP BY {name} ORDER BY count(*) DESC, {name} LIMIT 200"
        told = ledger.select(sql, (), pl.Schema({name: pl.String, "lines": pl.Int64}))
        found[name] = told[name].drop_nulls().to_list()
    return found


def _literal(text: str) -> str:
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
