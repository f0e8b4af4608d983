"""Drift: a new sample against the eval set and the training data, and what to do about it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ...curate.embed.encoder import Encoder
from ...curate.errors import DataError, UsageError
from ...curate.wording import counted
from . import ruling
from .permuting import PERMUTATIONS
from .pooling import Pool, pooled, thinned
from .shifts import Looked, Shift, adjust, look
from .sight import RELEVANT, Sight

_LOOKS = 6
_REFRESHED = 0.2  # share that `evalset refresh` replaces where none is named
_ALIKE = 0.75  # of what new rows differ by from the training data, so much has to be the eval set's difference, too
_NEARER = 0.5  # and the eval set is at least twice as near to the new rows as the training data is


@dataclass(frozen=True)
class Comparison:
    """The new sample against one other."""

    against: str
    """``eval`` or ``train``."""
    rows: int
    """Rows of the other sample that were compared."""
    units: tuple[int, int]
    """Independent units of the new sample and of the other one."""
    shifts: tuple[Shift, ...]
    sight: Sight
    """What so many can show."""

    @property
    def found(self) -> list[Shift]:
        """What moved, surely and far enough."""
        return [shift for shift in self.shifts if shift.found]

    def summary(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "against": self.against, "rows": self.rows, "units_new": self.units[0], "units": self.units[1],
            "sight": self.sight.summary(), "shifts": [shift.summary() for shift in self.shifts],
        }  # fmt: skip


@dataclass(frozen=True)
class Drift:
    """What moved, and what to do."""

    rows: int
    """Rows of the new sample that have a text."""
    comparisons: tuple[Comparison, ...]
    ruling: ruling.Ruling
    notes: tuple[str, ...]
    alpha: float
    permutations: int
    seed: int
    short: int | None = None
    """Rows that a refresh of a fifth takes, where the new sample has fewer independent ones."""

    @property
    def actions(self) -> tuple[str, ...]:
        """``refresh`` (the eval set), ``retrain``, both or none."""
        return self.ruling.actions

    @property
    def drifted(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.ruling.actions)

    @property
    def told(self) -> bool:
        """Whether there is something to do, or the samples are large enough to say that there is not."""
        return self.ruling.told

    def summary(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "rows": self.rows, "drifted": self.drifted, "told": self.told, "actions": list(self.actions),
            "sentence": self.ruling.sentence, "reasons": list(self.ruling.reasons), "rule": ruling.RULE,
            "comparisons": [comparison.summary() for comparison in self.comparisons], "notes": list(self.notes),
            "alpha": self.alpha, "permutations": self.permutations, "seed": self.seed,
            "refresh_takes": self.short,
        }  # fmt: skip


def measure_drift(
    new_rows: pl.DataFrame,
    reference_rows: pl.DataFrame,
    *,
    train_rows: pl.DataFrame | None = None,
    weights: npt.ArrayLike | None = None,
    encoder: Encoder | None = None,
    alpha: float = 0.05,
    relevant: float = RELEVANT,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> Drift:
    """Hold a new sample against the eval set and the training data, and say whether to refresh the one or retrain on the other.

    Six looks at each: mix of labels, classes that were not there, length, words, words that were not there, and a classifier
    that tries to tell new from known. Every p is one of permutation, and Holm's correction holds the chance of any false alarm
    in the whole report at ``alpha``.

    Args:
        new_rows: the new sample, columns of ``dataset.ROWS``; ``label`` may be null.
        reference_rows: the rows of the eval set, ``EVAL_ROWS``, or of any set.
        train_rows: the training data.
        weights: (n) of the reference rows, how many rows of the population each stands for; for ``None`` their own ``weight``
            where they have one, else all alike.
        encoder: turns texts into vectors; for ``None`` TF-IDF, which is fitted to both samples and compares words.
        alpha: chance of a false alarm if nothing moved.
        relevant: change of a share that samples have to be able to show before it is said that nothing moved.
        permutations: how often rows change places; p can't go below one over it.
        seed: of every draw.

    Raises:
        DataError: a sample has no row with a text, or a weight is none.
        UsageError: ``alpha`` or ``relevant`` out of bounds, or too few permutations.
    """
    for name, value, such in (("alpha", alpha, 0.05), ("relevant", relevant, RELEVANT)):
        if not 0 < value < 1:
            raise UsageError(f"{name} is {value:g}; give a share between 0 and 1, such as {such:g}.")
    looks = _LOOKS * (1 if train_rows is None else 2)
    if permutations + 1 < looks / alpha:
        raise UsageError(
            f"permutations is {permutations}, and with {looks} looks at alpha {alpha:g} no p could be small enough; give "
            f"{math.ceil(looks / alpha) - 1:,} or more, such as {PERMUTATIONS:,}."
        )
    if encoder is None:
        from ...curate.embed.tfidf import tfidf_vectors as encoder
    reference, notes = _representative(reference_rows, weights, seed=seed)
    known = {"eval": reference} | ({} if train_rows is None else {"train": train_rows})
    pools = {name: _pool(new_rows, rows, name, seed=seed) for name, rows in known.items()}
    options: dict[str, Any] = {
        "encoder": encoder, "permutations": permutations, "alpha": alpha, "seed": seed, "looks": looks,
    }  # fmt: skip
    looked = {name: look(pool, **options) for name, pool in pools.items()}
    compared = _adjusted(pools, looked, alpha=alpha, looks=looks)
    new, old = compared["eval"], compared.get("train")
    by_design = _by_design(new, old, reference, train_rows, options)
    told = ruling.rule(new.shifts, old.shifts if old else None, by_design=by_design, small=_small(compared, relevant))
    notes += [f"against {_NAMES[name]}: {note}" for name, found in looked.items() for note in found.notes]
    rows = int(pools["eval"].new.sum()) + pools["eval"].left_out[0]
    if rows < new_rows.height:
        notes.append(f"{counted(new_rows.height - rows, 'new row')} without a text left out.")
    takes = math.ceil(_REFRESHED * reference_rows.height)
    short = takes if "refresh" in told.actions and new.units[0] < takes else None
    if short is not None:
        notes.append(
            f"a refresh of a fifth puts {takes:,} new rows in the place of old ones, and this sample has "
            f"{counted(new.units[0], 'independent row')}: what it shows is sure, and it is too small to refresh with."
        )
    return Drift(rows, tuple(compared.values()), told, tuple(notes), alpha, permutations, seed, short)


_NAMES = {"eval": "the eval set", "train": "the training data"}


def _representative(rows: pl.DataFrame, weights: npt.ArrayLike | None, *, seed: int) -> tuple[pl.DataFrame, list[str]]:
    """Return reference rows of which each stands for as many, and what to say of it."""
    if weights is None:
        weights = rows["weight"].to_numpy() if "weight" in rows.columns else np.ones(rows.height)
    given = np.asarray(weights, np.float64)
    if given.shape != (rows.height,):
        raise UsageError(f"there are {given.size:,} weights for {rows.height:,} reference rows; give one a row.")
    if not (np.isfinite(given) & (given > 0)).all():
        at = int(np.flatnonzero(~(np.isfinite(given) & (given > 0)))[0])
        raise DataError(f"the weight of reference row {at + 1} is {given[at]}; give a finite number above 0.")
    kept = thinned(rows, given, seed=seed)
    if kept.height == rows.height:
        return rows, []
    return kept, [
        f"weights leave {kept.height:,} of {rows.height:,} rows of the eval set: those that were chosen oftener than others "
        "stay with a chance of their weight, so that what is compared stands for the population."
    ]


def _pool(new: pl.DataFrame, known: pl.DataFrame, name: str, *, seed: int) -> Pool:
    found = pooled(new, known, seed=seed)
    for side, of in ((found.new, "the new sample"), (~found.new, _NAMES[name])):
        if not side.any():
            raise DataError(f"{of} has no row with a text, so there is nothing to compare; give rows with one.")
    return found


def _small(compared: dict[str, Comparison], relevant: float) -> str | None:
    """Return what to say of the sample that shows least, where it is too little; ``None`` where all show enough."""
    worst = max(compared.values(), key=lambda comparison: comparison.sight.least)
    return None if worst.sight.least <= relevant else worst.sight.sentence(_NAMES[worst.against], relevant)


def _adjusted(pools: dict[str, Pool], looked: dict[str, Looked], *, alpha: float, looks: int) -> dict[str, Comparison]:
    """Return the comparisons, p corrected over the looks of all of them."""
    corrected = iter(adjust([shift for found in looked.values() for shift in found.shifts], alpha=alpha))
    compared = {}
    for name, found in looked.items():
        pool = pools[name]
        units = int(pool.unit_new.sum()), int((~pool.unit_new).sum())
        shifts = tuple(next(corrected) for _ in found.shifts)
        compared[name] = Comparison(name, int((~pool.new).sum()), units, shifts, Sight(*units, alpha, looks))
    return compared


def _by_design(
    new: Comparison,
    old: Comparison | None,
    reference: pl.DataFrame,
    train: pl.DataFrame | None,
    options: dict[str, Any],
) -> set[str]:
    """Return the looks in which new rows differ from the training data alone, and the eval set differs from it as they do.

    Training data is balanced and filtered on purpose: that it is unlike what comes in was so from the start, and the model was
    scored with it. That has to be found as surely as what it excuses, and to be about as large (``_ALIKE``); and the eval set has
    to be nearer to the new rows than the training data is (``_NEARER``), or the two differ from it in opposite ways.
    """
    if old is None or train is None or not {shift.look for shift in old.found} - {shift.look for shift in new.found}:
        return set()
    looked = look(_pool(reference, train, "train", seed=options["seed"]), **options)
    told, apart = ({shift.look: shift for shift in of.shifts} for of in (old, new))
    return {
        shift.look for shift in adjust(list(looked.shifts), alpha=options["alpha"])
        if shift.found and shift.look in told and shift.look in apart
        and shift.beyond >= _ALIKE * told[shift.look].beyond
        and apart[shift.look].beyond <= _NEARER * told[shift.look].beyond
    }  # fmt: skip
