"""The verb ``findings``: every row of which the last check said something, with its place in the source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from .checking import judge
from .dataset import Dataset
from .decisions.policy import Policy
from .errors import UsageError
from .masking import mask
from .rules import RULES, named_rules
from .wording import shell


@dataclass(frozen=True)
class Listed:
    """What was found, a line a row and rule."""

    frame: pl.DataFrame
    """``rule, id, file, line, standing, score, cluster, peer, suggest, value, note``: in the order of the rules, worst
    first, rows of one cluster together, then as in the source; texts are masked for showing (``masking``)."""
    counts: dict[str, dict[str, int]]
    """``rows, clusters, standing`` of each listed rule that has run, whatever is listed of it; worst first."""
    blocking: list[str]
    """Those of the listed rules that block, and of which something stands."""
    unchecked: list[str]
    """Rules that were asked for and have not run on these rows."""

    def summary(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "rules": self.counts, "findings": self.frame.to_dicts(), "blocking": self.blocking,
            "unchecked": self.unchecked,
        }  # fmt: skip


def list_findings(
    dataset: Dataset, *, select: Sequence[str] | None = None, settled: bool = False, policy: Policy | None = None
) -> Listed:
    """Return the findings of the last check, without running a rule.

    Args:
        dataset: the set.
        select: rule names or families; all that have run by default.
        settled: whether those that a decision has settled are listed too.
        policy: says which rules block; the default policy for ``None``.

    Raises:
        UsageError: there is no such rule, or the set has not been checked.
    """
    result = judge(dataset, policy=policy)
    wanted = result.rules if select is None else named_rules(select)
    if not result.rules:
        raise UsageError(f"{dataset.folder} has not been checked yet; run `vetset check {shell(dataset.folder)}`.")
    stand = result.standing.select("id", "rule", standing=True)
    found = result.findings.filter(pl.col("rule").is_in(wanted)).join(
        stand, on=["id", "rule"], how="left" if settled else "inner"
    )
    place = dataset.rows.select("id", "file", "line").with_row_index("place")
    rule = pl.col("rule").replace_strict(list(RULES), range(len(RULES)), default=len(RULES), return_dtype=pl.UInt32)
    frame = (
        found.join(place, on="id", how="left")
        .with_columns(pl.col("standing").fill_null(value=False), first=pl.col("place").min().over("rule", "cluster"))
        .with_columns(first=pl.when(pl.col("cluster").is_null()).then("place").otherwise("first"))
        .sort(rule, -pl.col("score"), "first", "place")
        .select("rule", "id", "file", "line", "standing", "score", "cluster", "peer", "suggest", "value", "note")
        # Few findings have a value, and most notes quote little: of a million lines this is a second or two.
        .with_columns(pl.col("value", "note").map_elements(mask, return_dtype=pl.String))
    )
    counts = {name: of for name, of in result.counts().items() if name in wanted}
    unchecked = [name for name in wanted if name not in counts]
    return Listed(frame, counts, [name for name in result.blocking if name in wanted], unchecked)
