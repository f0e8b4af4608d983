"""How many labels are wrong in all, with an interval; where they are; and how many rows to review until few are left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ..errors import quote
from ..masking import mask
from .evidence import label_shares
from .judged import Judged
from .planted import Doubles
from .ridge import leave_one_out, linear

TARGET = 0.01
"""Share of wrong labels that review is to bring a set under, where nothing else is said."""
_NAME = 60  # characters of a name
_SHOWN = 20  # labels, annotators or sources that are listed, the worst first
_SURE = 1.96  # standard errors
_UNLIKE = 0.15  # standard error of the log rate by errors of another kind than those planted
_UNSEEN = 3.0  # rows: where none of a kind is seen, up to three may have been due (95%)
_LEAK = 0.5  # share of the overlap of right and planted rows by which the rate may be too high


@dataclass(frozen=True)
class Expected:
    """A number of wrong labels."""

    wrong: float
    low: float
    """Lower end of a 95% interval."""
    high: float

    def said(self, rows: int) -> dict[str, Any]:
        """Return it as JSON values, in rows and as a share of ``rows``."""
        return {
            "rows": rows, "wrong": round(self.wrong, 1), "low": round(self.low, 1), "high": round(self.high, 1),
            "share": round(self.wrong / max(rows, 1), 4),
        }  # fmt: skip


def expected_wrong(judged: Judged) -> Expected:
    """Return how many labels are wrong, with a 95% interval.

    Where no rate can be read off, it reaches up to all rows whose text speaks for another label.

    Right rows that look as wrong as the planted count as wrong: the less the two are apart, the lower the interval reaches. How
    far, and how much is added for errors that are unlike the planted, was fitted to simulated sets and checked on others
    (benchmarks/label_estimate.py).
    """
    noise, rows = judged.by_text, len(judged.of.code)
    told = float(judged.noise.wrong.sum() / max(noise.wrong.sum(), 1e-9))  # by who labelled, beside the texts
    total = noise.rate * rows * told
    wide = float(np.exp(_SURE * np.hypot(noise.spread, _UNLIKE)))
    leak = _LEAK * (1 - noise.apart) * rows
    return Expected(
        min(total, rows),
        float(max(total / wide - leak, 0.0)),
        float(min(max(total * wide, _UNSEEN, noise.doubted), rows)),
    )


def estimate_figures(rows: pl.DataFrame, judged: Judged, *, target: float = TARGET) -> dict[str, Any]:
    """Return, as JSON values, how many labels are wrong, where, how many rows to review, and what they cost.

    Args:
        rows: the rows.
        judged: their labels, judged.
        target: share of wrong labels to come under.
    """
    of, wrong = judged.of, judged.noise.wrong
    total = expected_wrong(judged)
    # few wrong labels are told by their number sooner than row by row: what is left to review has to add up to that number
    short = total.wrong / max(float(wrong.sum()), 1e-9)
    review = rows_to_review(np.minimum(wrong * max(short, 1.0), 1.0), target)
    groups = {
        "by_label": pl.Series(of.names, dtype=pl.String).gather(of.code),
        "by_annotator": rows["annotator"].gather(of.row),
        "by_source": rows["source"].gather(of.row),
    }
    accuracy = accuracies(judged)
    return {
        "expected": total.said(len(of.code)),
        "target": target,
        "review": review,
        "accuracy_as_is": round(accuracy[0], 4),
        "accuracy_without": round(accuracy[1], 4),
        "views": {view.name: round(view.knows, 3) for view in judged.evidence.views},
    } | {name: _worst(group, wrong, total) for name, group in groups.items() if group.n_unique() > 1}


def rows_to_review(wrong: Doubles, target: float) -> int:
    """Return how many rows to review, the worst first, until at most ``target`` of all labels are expected to be wrong."""
    left = wrong.sum() - np.concatenate([[0.0], np.cumsum(np.sort(wrong)[::-1])])
    return int(np.argmax(left <= target * max(wrong.size, 1) + 1e-9))


def accuracies(judged: Judged) -> tuple[float, float]:
    """Return the accuracy, on the labels that are right, of a linear classifier trained on all labels and on the trusted alone.

    Both judge rows that they did not see; each row counts by the chance that its label is right.
    """
    of, targets = judged.of, judged.evidence.targets
    right = 1 - judged.noise.wrong
    trust = np.bincount(of.text, right, minlength=len(of.vectors)) / np.maximum(
        np.bincount(of.text, minlength=len(of.vectors)), 1
    )
    shares = label_shares(targets)
    found = []
    for weight in (np.ones(len(of.vectors)), np.maximum(trust, 1e-3)):
        scores = leave_one_out(linear(of.vectors), targets, weight.astype(np.float32), shares=shares)
        hit = scores.argmax(axis=1)[of.text] == of.code
        found.append(float((right * hit).sum() / right.sum()))
    return found[0], found[1]


def _worst(group: pl.Series, wrong: Doubles, total: Expected) -> dict[str, dict[str, Any]]:
    """Return the groups with most wrong labels: what is expected of each, as uncertain as the whole and as its own rows."""
    # where next to nothing is wrong, three rows that may have been missed are no share of a group
    ratio = (total.low / max(total.wrong, _UNSEEN), total.high / max(total.wrong, _UNSEEN))
    counted = (
        pl.DataFrame({"group": group, "wrong": wrong, "spread": wrong * (1 - wrong)})
        .drop_nulls("group")
        .group_by("group")
        .agg(pl.len().alias("rows"), pl.col("wrong").sum(), pl.col("spread").sum().sqrt())
        .sort(["wrong", "group"], descending=[True, False])
        .head(_SHOWN)
    )
    return {
        _named(name, number): Expected(
            sure,
            max(0.0, sure * ratio[0] - _SURE * spread),
            min(float(rows), sure * max(ratio[1], 1.0) + _SURE * spread),
        ).said(rows)
        for number, (name, rows, sure, spread) in enumerate(counted.iter_rows(), 1)
    }


def _named(name: str, number: int) -> str:
    """Return a name of a label, annotator or source as it may be shown; what is masked or cut has a number to be told by."""
    shown = quote(mask(name[:200]), limit=_NAME)[1:-1]
    return shown if shown == name else f"{shown} ({number})"
