"""Pairs of annotators: how often two differ on the items they share, and Cohen's kappa.

Cohen (1960), A coefficient of agreement for nominal scales; Cohen (1968) for the weighted form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from .coefficients import Level
from .error_rates import shrunken
from .resampling import DRAWS, Interval, interval
from .votes import Floats, Ints, Votes, together

LIMIT = 100
"""Pairs for which kappa is computed: so many of those that differ most, and of those that share the most items."""
_MOST = 2_500_000  # pairs of votes: beyond, items with very many votes would take minutes
_NOTHING = 1e-12

PAIRS = pl.Schema(
    {
        "one": pl.String,
        "other": pl.String,
        "items": pl.Int64,  # that both labelled
        "differ": pl.Int64,  # of these
        "rate": pl.Float64,  # at which they differ, shrunken
        "low": pl.Float64,
        "high": pl.Float64,
        "kappa": pl.Float64,
        "kappa_low": pl.Float64,
        "kappa_high": pl.Float64,
        "kappa_linear": pl.Float64,
        "kappa_quadratic": pl.Float64,
        "why": pl.String,  # where there is no kappa, or no interval
    }
)
"""Columns of a frame of pairs; kappas are null where they are not defined."""


@dataclass(frozen=True)
class Kappa:
    """Cohen's kappa of two annotators."""

    value: float | None
    interval: Interval


def differing(votes: Votes, *, level: Level = "nominal", draws: int = DRAWS, seed: int = 0) -> pl.DataFrame:
    """Return every pair that shares items (``PAIRS``), those first that credibly differ most.

    Nothing where items have so many votes that their pairs can't be held.
    """
    many = votes.per_item
    if int((many * (many - 1) // 2).sum()) > _MOST:
        return PAIRS.to_frame()
    found = [(first, second) for first, second in together(votes) if len(first)]
    if not found:
        return PAIRS.to_frame()
    first, second = (np.concatenate(side) for side in zip(*found, strict=True))
    pair = votes.annotator[first] * len(votes.annotators) + votes.annotator[second]
    order = np.lexsort((first, pair))
    first, second = first[order], second[order]
    known, start, items = np.unique(pair[order], return_index=True, return_counts=True)
    differ = np.add.reduceat((votes.label[first] != votes.label[second]).astype(np.int64), start)
    rates = shrunken(differ.astype(np.float64), items.astype(np.float64))
    frame = pl.DataFrame(
        {
            "place": np.arange(len(known)),
            "one": [votes.annotators[place] for place in known // len(votes.annotators)],
            "other": [votes.annotators[place] for place in known % len(votes.annotators)],
            "items": items, "differ": differ, "rate": rates.mean, "low": rates.low, "high": rates.high,
        }
    )  # fmt: skip
    most = np.union1d(np.argsort(-items, kind="stable")[:LIMIT], np.lexsort((-differ, -rates.low))[:LIMIT])
    labels = votes.label[first], votes.label[second]
    parts = {int(place): slice(start[place], start[place] + items[place]) for place in most}
    kappas = [
        {"place": place} | _kappas(labels[0][part], labels[1][part], votes, level, draws, seed)
        for place, part in sorted(parts.items())
    ]
    joined = frame.join(pl.DataFrame(kappas, infer_schema_length=None), on="place", how="left", maintain_order="left")
    return joined.sort("low", "differ", descending=True, maintain_order=True).select(
        pl.col(name).cast(kind) if name in joined.columns else pl.lit(None, kind).alias(name)
        for name, kind in PAIRS.items()
    )


def _kappas(one: Ints, other: Ints, votes: Votes, level: Level, draws: int, seed: int) -> dict[str, float | str | None]:
    """Return a pair's kappas; where labels are ordered, the weighted ones too."""
    kappa = cohen(one, other, draws=draws, seed=seed)
    found: dict[str, float | str | None] = {
        "kappa": kappa.value, "kappa_low": kappa.interval.low, "kappa_high": kappa.interval.high,
        "kappa_linear": None, "kappa_quadratic": None, "why": kappa.interval.why,
    }  # fmt: skip
    if level != "nominal":
        at = (
            votes.values
            if level == "interval" and votes.values is not None
            else np.asarray(votes.places or range(len(votes.labels)), np.float64)
        )
        for name, power in (("kappa_linear", 1), ("kappa_quadratic", 2)):
            found[name] = cohen(one, other, at=at, power=power, draws=0).value
    return found


def cohen(
    one: Ints, other: Ints, *, at: Floats | None = None, power: int = 1, draws: int = DRAWS, seed: int = 0
) -> Kappa:
    """Return Cohen's kappa of two annotators' labels of the same items.

    Args:
        one: (n) labels.
        other: (n) labels.
        at: where each label stands; then a disagreement counts by its distance.
        power: of the distance: 1 for linear weights, 2 for quadratic ones.
        draws: of the items, for the percentile interval; 0 for none.
        seed: of the draws.

    >>> round(cohen(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])).value, 3)
    0.5
    """
    labels, code = np.unique(np.concatenate([one, other]), return_inverse=True)
    cells, many = np.unique(code[: len(one)] * len(labels) + code[len(one) :], return_counts=True)
    low, high = cells // len(labels), cells % len(labels)
    place = np.arange(len(labels), dtype=np.float64) if at is None else at[labels]
    distance = (low != high) * 1.0 if at is None else np.abs(place[low] - place[high]) ** power

    def value(sums: Floats) -> Floats:
        share = sums / sums.sum(axis=1, keepdims=True)
        sides = _sides(share, low, len(labels)), _sides(share, high, len(labels))
        by_chance = _chance(*sides, place, None if at is None else power)
        defined = by_chance > _NOTHING
        return np.where(defined, 1 - (share @ distance) / np.where(defined, by_chance, 1.0), np.nan)

    point = float(value(many[None].astype(np.float64))[0])
    if not np.isfinite(point):
        why = "both gave one and the same label throughout, so nothing tells agreement from chance"
        return Kappa(None, Interval(None, None, why))
    if not draws:
        return Kappa(point, Interval(None, None))
    random = np.random.default_rng(seed)
    drawn = random.multinomial(len(one), many / len(one), size=draws).astype(np.float64)
    return Kappa(point, interval(value(drawn), point=point))


def _sides(share: Floats, label: Ints, labels: int) -> Floats:
    """Return (b, labels) the share of each label among one annotator's."""
    from scipy import sparse

    sums = sparse.csr_matrix((np.ones(len(label)), (label, np.arange(len(label)))), shape=(labels, len(label)))
    return (sums @ share.T).T


def _chance(one: Floats, other: Floats, place: Floats, power: int | None) -> Floats:
    """Return (b) the mean distance of two labels that are drawn apart from each other."""
    if power is None:
        return 1 - (one * other).sum(axis=1)
    if power == 2:
        middle = one @ place, other @ place
        return one @ place**2 + other @ place**2 - 2 * middle[0] * middle[1]
    order = np.argsort(place)  # a distance is the sum of the gaps between; both sides of each are needed
    below = np.cumsum(one[:, order], axis=1)[:, :-1], np.cumsum(other[:, order], axis=1)[:, :-1]
    return (below[0] * (1 - below[1]) + below[1] * (1 - below[0])) @ np.diff(place[order])
