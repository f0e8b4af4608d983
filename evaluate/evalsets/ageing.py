"""The verb ``evalset status``: how old an eval set is, how often it was looked at, and whether it has begun to rot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from ...curate import disk
from ...curate.dataset import is_set
from ...curate.embed.encoder import TFIDF, find_encoder
from ...curate.embed.encoding import Report
from ...curate.errors import UsageError
from ...curate.leakage.closeness import How, kept_by, spoilt
from ...curate.wording import counted, shell
from ..drifting.measuring import Drift, measure_drift
from ..drifting.samples import sample_rows
from ..runs.training_rows import training_rows
from ..stats.holm import alpha_after
from .evalset import EvalSet
from .forms import doubtful, forms_in, forms_note
from .fresh_part import fresh_part
from .reserve import read_reserve
from .resuming import cut_off
from .sight import Sight, sight
from .touches import Touch, looks, now

MAX_AGE = 180
"""Days: two releases of most products and a season of their users; older sets ask what nobody asks any more."""
_SPENT = 5  # looks at ship: from here on the best of them has to be surer than one in a hundred


@dataclass(frozen=True)
class Part:
    """One part, and who looked at it."""

    sight: Sight
    looks: list[Touch]
    alpha: float
    """The level at which the next candidate is tested."""


@dataclass(frozen=True)
class Status:
    """How an eval set stands."""

    evalset: EvalSet
    age: int | None
    """Days since it was frozen; ``None`` before."""
    parts: list[Part]
    reserve: int
    drift: Drift | None
    overlap: pl.DataFrame | None
    """Eval rows to which a training row is too close (``closeness.CLOSE``); ``None`` where no training data was named."""
    rot: list[str]
    """What speaks against using it, a sentence each."""
    notes: list[str]
    versions: list[Mapping[str, Any]]
    forms: list[str] | None = None
    """Ids of the eval rows that train holds with other numbers and names (``forms``)."""

    def summary(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        of = self.evalset.manifest
        overlap = None if self.overlap is None else {
            "rows": self.overlap.height, "by_rule": dict(self.overlap.group_by("rule", maintain_order=True).len().iter_rows()),
            "ids": self.overlap["id"].to_list(),
        }  # fmt: skip
        return {
            "evalset": str(self.evalset.folder), "name": self.evalset.name, "age_days": self.age, "reserve": self.reserve,
            **{name: of.get(name) for name in ("version", "digest", "frozen_at", "frozen_by", "covered", "population")},
            "parts": {
                part.sight.part: {
                    **part.sight.summary(), "looks": len(part.looks), "alpha": part.alpha,
                    "candidates": [one.candidate for one in part.looks],
                }
                for part in self.parts
            },
            "drift": None if self.drift is None else self.drift.summary(), "overlap": overlap, "forms": self.forms,
            "rot": self.rot, "notes": self.notes, "history": list(self.versions),
        }  # fmt: skip


def status(
    evalset: EvalSet,
    *,
    against: str | Path | None = None,
    train: str | Path | None = None,
    encoder: str | None = None,
    cosine: float | None = None,
    download: bool = False,
    max_age: int = MAX_AGE,
    at: str | None = None,
    say: Callable[[str], None] = lambda _: None,
    progress: Report | None = None,
) -> Status:
    """Return how an eval set stands: age, looks and what they cost, drift, and overlap with what is trained on now.

    Args:
        evalset: the set.
        against: a newer sample, as a set or a file.
        train: what is trained on, as a set or a file.
        encoder: for drift, and for rows that say the same in other words; without it words are compared.
        cosine: least cosine of the same meaning.
        download: whether the encoder may be fetched.
        max_age: days from which age counts as rot.
        at: the time, UTC in ISO 8601; now for ``None``.
        say: told what takes time.
        progress: told how far an encoding is.

    Raises:
        StaleError: the rows are not those that were frozen.
        DataError: the ledger of looks is damaged or gone.
    """
    if max_age < 1:
        raise UsageError(f"--max-age {max_age} is no number of days; the default is {MAX_AGE}.")
    rows, of, notes = evalset.rows, evalset.manifest, []
    taught: list[str] = []
    alpha = float(of.get("alpha", 0.05))
    parts = []
    for part in ("dev", "ship"):
        if (rows["part"] == part).any():
            seen = looks(evalset, part)
            parts.append(Part(sight(rows, part), seen, alpha_after(len(seen) + 1, alpha=alpha)))
    age = None if evalset.digest is None else _days(of["frozen_at"], at or now())
    found = None if encoder is None else find_encoder(encoder, download=download).encoder
    drift = overlap = forms = None
    if against is not None:
        say("holding the set against the newer sample ...")
        words = found or find_encoder(TFIDF).encoder
        drift = measure_drift(sample_rows(against), rows, encoder=words)
    reserve = read_reserve(evalset.folder)
    if train is not None:
        say("holding the set against the training data ...")
        built = of.get("built", {}).get("options", {})
        as_built = (
            cosine is None and built.get("encoder") == encoder
        )  # else a set that was just built might seem to rot
        cache = Path(train) / "vectors" if is_set(Path(train)) and disk.writable(Path(train)) else None
        how = How(
            encoder=found,
            cosine=built.get("cosine") if as_built else cosine,
            cache=cache,
            progress=progress,
            say=say,
            kept=kept_by(of),
        )
        every, trained = pl.concat([rows, reserve]), training_rows(train)
        overlap = spoilt(every, trained, how, notes=notes)
        forms = forms_in(every, trained)
        told = forms_note(len(forms), every.height, kept_by(of))
        (taught if doubtful(len(forms), every.height, kept_by(of)) else notes).extend(told)
        if found is None:
            notes.append(
                "meaning was not compared: rows in other words may stand in train (--encoder NAME compares it)"
            )
    if evalset.digest is None:
        notes.append(
            f"it is not frozen: its rows may change, and no look counts (`vetset evalset freeze {shell(evalset.folder)}`)"
        )
    if cut_off(evalset):
        notes.append(
            f"a refresh of it was cut off: `vetset evalset refresh {shell(evalset.folder)} --from NEWER.vet` begins by taking "
            "back what it did to sets"
        )
    rot = [
        *_aged(age, max_age, evalset),
        *_spent(parts, evalset),
        *_moved(drift, against),
        *_learnt(overlap, train),
        *taught,
    ]
    return Status(evalset, age, parts, reserve.height, drift, overlap, rot, notes, of.get("history", []), forms)


def _days(then: str, today: str) -> int:
    past, present = (datetime.fromisoformat(time).astimezone(UTC) for time in (then, today))
    return max(0, (present - past).days)


def _aged(age: int | None, most: int, evalset: EvalSet) -> list[str]:
    return (
        []
        if age is None or age < most
        else [
            f"it was frozen {age:,} days ago: renew a share of it with `vetset evalset refresh {shell(evalset.folder)} --from "
            "NEWER.vet`"
        ]
    )


def _spent(parts: list[Part], evalset: EvalSet) -> list[str]:
    ship = next((part for part in parts if part.sight.part == "ship"), None)
    if ship is None or len(ship.looks) < _SPENT:
        return []
    return [
        f"{counted(len(ship.looks), 'candidate')} looked at ship: the next one is tested at {ship.alpha:.4f}; take a fresh part "
        f"with {fresh_part(evalset)}"
    ]


def _moved(drift: Drift | None, against: str | Path | None) -> list[str]:
    return [] if drift is None or not drift.drifted else [f"{against} is unlike it: {drift.ruling.sentence}"]


def _learnt(overlap: pl.DataFrame | None, train: str | Path | None) -> list[str]:
    if overlap is None or overlap.is_empty():
        return []
    first = overlap.row(0, named=True)
    return [
        f"{counted(overlap.height, 'eval row')} can be learnt by heart from {train} (one is {first['id']}, by {first['rule']}): "
        "take those training rows out before the next run"
    ]
