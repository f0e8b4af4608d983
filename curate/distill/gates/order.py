"""The gates in their order: what costs nothing looks first, and what costs calls looks at what is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl

from . import copies, evalset, judging, label_model, label_votes, lengths, named, personal, verifying
from .gate import VERDICTS, Batch, limited, verdicts
from .wanted import Gates

Look = Callable[[Batch, Any], pl.DataFrame]
"""A batch and what the recipe asks of the gate, to verdicts on rows that don't pass or of which there is something to say."""

ORDER: dict[str, Look] = {
    "length": lengths.find_length,
    "leftovers": named.find_leftovers,
    "truncated": named.find_truncated,
    "personal": personal.find_personal,
    "duplicates": copies.find_copies,
    "evalset": evalset.find_close,
    "verify": verifying.find_failing,
    "rules": named.find_named,
    "judge": judging.find_bad,
    "label_model": label_model.find_unlike,
    "label_votes": label_votes.find_outvoted,
}


def judge_batch(batch: Batch, wanted: Gates) -> pl.DataFrame:
    """Hold made rows against every gate, each over what earlier ones did not reject.

    Args:
        batch: the rows.
        wanted: what the recipe asks.

    Returns:
        ``VERDICTS``: for each row a line of every gate that looked at it, in the order of the rows and of the gates; a row that
        several rules of a gate find has a line of each. Nothing stands behind a rejection, or behind a call that failed.
    """
    lines, left = [VERDICTS.to_frame()], batch.made
    for name, look in ORDER.items():
        options = getattr(wanted, name)
        if options.action == "off" or left.is_empty() or not asked(name, batch, options):
            continue
        found = limited(look(_part(batch, left), options), options.action)
        passed = left.select("id").filter(~pl.col("id").is_in(found["id"].implode()))
        lines += [found, verdicts(passed, name, severity="pass")]
        out = found.filter(pl.col("verdict").is_in(["reject", "failed"]))["id"]
        left = left.filter(~pl.col("id").is_in(out.implode()))
    order = batch.made.select("id", place=pl.int_range(pl.len()))
    every = pl.concat(lines).with_row_index("line").join(order, on="id", how="left")
    return every.sort("place", "line").drop("place", "line")


def asked(name: str, batch: Batch, options: Any) -> bool:
    """Say whether a gate has anything to look with: it stands in no verdict where it has not."""
    needs: dict[str, Callable[[], bool]] = {
        "evalset": lambda: batch.held is not None and not batch.held.is_empty(),
        "verify": lambda: bool(batch.checks),
        "rules": lambda: bool(options.names),
        "judge": lambda: batch.judge is not None,
        "label_model": lambda: batch.made["label"].null_count() < batch.made.height,
        "label_votes": lambda: options.votes > 0 and batch.ask is not None,
    }
    return needs[name]() if name in needs else True


def _part(batch: Batch, left: pl.DataFrame) -> Batch:
    return batch if left.height == batch.made.height else replace(batch, made=left)
