"""Whether a fine-tune can help: what share of the failures is behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from ...curate.wording import counted
from ..stats.intervals import wilson
from ..stats.weighted import kish
from .causes import CAUSES, Cause

HALF = 0.5
"""Share of behaviour from which a fine-tune can help: with less, most of what fails would fail after it, too."""


@dataclass(frozen=True)
class Advice:
    """What the causes come to."""

    counts: dict[str, int]
    """Failures by cause."""
    share: float | None
    """Of behaviour among the failures whose cause is known, weighted as the eval set is; ``None`` where none is."""
    low: float | None
    high: float | None
    helps: Literal["yes", "no", "open"]
    """``yes``: surely half and more are behaviour; ``no``: surely less."""
    sentence: str

    def summary(self) -> dict[str, Any]:
        """Return it as JSON values."""

        def rounded(value: float | None) -> float | None:
            return None if value is None else round(value, 4)

        return {
            "causes": self.counts, "behavioural_share": rounded(self.share), "interval": [rounded(self.low), rounded(self.high)],
            "fine_tune_helps": self.helps, "sentence": self.sentence,
        }  # fmt: skip


def advise(failed: pl.DataFrame, causes: Mapping[str, Cause], *, confidence: float = 0.95) -> Advice:
    """Say whether at least half of the failures are behaviour, with Wilson's interval at the effective number of failures.

    Args:
        failed: ``FAILED``.
        causes: by row id.
        confidence: of the interval, two-sided.
    """
    told = [causes.get(row_id, "unknown") for row_id in failed["id"]]
    counts = {cause: told.count(cause) for cause in CAUSES}
    judged = failed.with_columns(cause=pl.Series(told, dtype=pl.String)).filter(pl.col("cause") != "unknown")
    if judged.is_empty():
        sentence = (
            "Why they failed is not known: ask them again with the documents that answer them (--model SPEC --gold COLUMN)."
            if failed.height
            else "Nothing failed."
        )
        return Advice(counts, None, None, None, "open", sentence)
    rows = _independent(judged)
    weight = judged["weight"].to_numpy()
    share = float(((judged["cause"] == "behavioural").to_numpy() * weight).sum() / weight.sum())
    bounds = wilson(share * rows, rows, confidence=confidence)
    helps = "yes" if bounds.low >= HALF else "no" if bounds.high < HALF else "open"
    return Advice(
        counts, share, bounds.low, bounds.high, helps, _sentence(share, bounds.low, bounds.high, judged.height, helps)
    )


def _independent(judged: pl.DataFrame) -> float:
    """Return how many failures tell something of their own: those of a cluster count for one, and weights cost as Kish has it."""
    return kish(judged.group_by("cluster", maintain_order=True).agg(pl.col("weight").sum())["weight"].to_numpy())


def _sentence(share: float, low: float, high: float, judged: int, helps: str) -> str:
    said = f"{share:.0%} of {counted(judged, 'failure')} are behaviour ({low:.0%} to {high:.0%})"
    if helps == "yes":
        return f"{said}: at least half, so a fine-tune can help."
    if helps == "no":
        return f"{said}: fewer than half, so mend retrieval, documents or references before a fine-tune."
    return f"{said}: whether at least half are can't be told from so few; judge more failures."
