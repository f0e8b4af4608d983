"""A set on one page: its gates, what to fix first, how far review is, how labels spread, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ..decisions.policy import Policy
from .desk import Look
from .gates import Gate, corrected_labels, gates
from .heads import SETTLED
from .shipping import Shipping, shipping
from .standing import RuleCount, by_rule, ran, standing, worst

SECONDS_A_ROW = 7.0
"""What a person takes to decide one row, until their own pace is known."""

_LABELS = 15  # bars of a chart that can still be read
_BATCHES = 6


@dataclass(frozen=True)
class Next:
    """What to do next."""

    said: str
    command: str | None = None
    """``{}`` stands for the set; none where it is done in the dashboard."""


@dataclass(frozen=True)
class Progress:
    """How far review is."""

    settled: int
    """Rows on which a decision stands that settles their findings."""
    today: int
    """Rows on which a decision of today (UTC) stands."""
    by_action: dict[str, int]
    by_reviewer: dict[str, int]
    last: pl.DataFrame
    """``batch, at, reviewer, action, rows``: what stands of the last decisions, the latest first."""


@dataclass(frozen=True)
class Summary:
    """What the overview shows of one moment of a set."""

    gates: list[Gate]
    rules: list[RuleCount]
    """All that ran, in the order of ``vetset check``."""
    worst: RuleCount | None
    """The rule to begin with."""
    ships: Shipping
    progress: Progress
    corrected: int
    balance: pl.DataFrame
    """``balance``."""
    next: Next


def summarise(look: Look, policy: Policy, *, day: str) -> Summary:
    """Return what the overview shows.

    Args:
        look: of this moment.
        policy: what blocks, and what settles by itself.
        day: today, as the ledger writes it (``2026-01-31``, UTC).
    """
    stands = standing(look)
    counts = by_rule(look, stands, policy)
    ships = shipping(look, stands, policy)
    found = gates(look, policy=policy, stands=stands, counts=counts, ships=ships)
    return Summary(
        found, counts, worst(counts), ships, progress(look, day=day), corrected_labels(look), balance(look),
        next_step(look, found, counts),
    )  # fmt: skip


def progress(look: Look, *, day: str) -> Progress:
    """Return how far review is; decisions of today are those whose time begins with ``day``."""
    frame = look.heads.frame
    reviewers = frame.group_by("reviewer").agg(rows=pl.col("row_id").n_unique())
    reviewers = reviewers.sort("rows", "reviewer", descending=[True, False])
    today = frame.filter(pl.col("at").str.starts_with(day))["row_id"].n_unique()
    last = (
        frame.group_by("batch", "reviewer", "action")
        .agg(pl.col("at").max(), pl.col("seq").max(), rows=pl.col("row_id").n_unique())
        .sort("seq", descending=True)
        .head(_BATCHES)
        .select("batch", "at", "reviewer", "action", "rows")
    )
    settled = int((look.heads.marks == SETTLED).sum())
    return Progress(settled, today, look.heads.counts(), dict(reviewers.iter_rows()), last)


def balance(look: Look) -> pl.DataFrame:
    """Return ``label, split, rows``: the commonest labels, the rest of them as one (null); the splits alone without labels.

    The rows are those that were read, whatever was decided; ``label`` of rows without one is "".
    """
    if not look.view.labels:
        sizes = look.view.rows["split"].value_counts(name="rows").sort("split")
        return sizes.select(pl.lit("").alias("label"), "split", "rows")
    shown = look.view.labels[:_LABELS]
    counts = look.view.rows.select("label", "split").group_by("label", "split").agg(rows=pl.len())
    label = pl.when(pl.col("label").is_in(shown)).then("label").when(pl.col("label").is_null()).then(pl.lit(""))
    return counts.group_by(label.alias("label"), "split").agg(pl.col("rows").sum()).sort("label", "split")


def next_step(look: Look, found: list[Gate], counts: list[RuleCount]) -> Next:
    """Return what to do next: checks before decisions, what settles by itself before what a person looks at."""
    if not ran(look):
        return Next("Check the rows: nothing is known of them yet.", "check {}")
    left = [gate for gate in found if gate.status in ("fails", "open")]
    if not left:
        return Next("Every gate holds: export the vetted files.", "export {} -o DIR")
    if any((count.command or "").startswith("decide") for count in counts if count.standing):
        said = "Let the policy settle what needs nobody's eyes; each of its decisions can be undone."
        return Next(said, "decide {} --policy")
    by_hand = any(count.blocks for count in counts)
    mended = next((gate for gate in left if gate.command is not None), None)
    if mended is None or (by_hand and mended.name != found[0].name):
        return Next(
            "Review what blocks: press G." if by_hand else f"{left[0].name}: {left[0].said}. Press G to review."
        )
    return Next(f"{mended.name}: {mended.said}.", mended.command)
