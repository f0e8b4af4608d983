"""What to do about a drift: the rule, in words and in code."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from .shifts import Shift

RULE = (
    "A look counts if it is more than chance (p after Holm at most alpha) and its effect beyond chance is at least the least "
    "that counts. New unlike the eval set in any look: refresh the eval set. New unlike the training data in any look: retrain, "
    "unless the eval set stands for the new rows in that look and differs from the training data as they do (more than chance "
    "after Holm, by three quarters as much or more, and twice as near to the new rows), so that the model was scored with that "
    "difference; a class without training rows always counts. Else nothing."
)


@dataclass(frozen=True)
class Ruling:
    """What to do, and why."""

    actions: tuple[str, ...]
    """``refresh``, ``retrain``, both (in this order) or none."""
    sentence: str
    reasons: tuple[str, ...]
    told: bool = True
    """False where the samples are too small to show a change that matters."""


def rule(
    new: Sequence[Shift], old: Sequence[Shift] | None, *, by_design: Collection[str] = (), small: str | None = None
) -> Ruling:
    """Apply ``RULE``.

    Args:
        new: the new sample against the eval set.
        old: against the training data; ``None`` where none was given.
        by_design: looks in which the eval set differs from the training data as the new sample does.
        small: what to say where nothing was found in samples that are too small to show what matters.
    """
    unlike_eval = [shift for shift in new if shift.found]
    known = {shift.look for shift in unlike_eval}
    unlike_train = [shift for shift in old or () if shift.found]
    planned = [
        shift for shift in unlike_train
        if shift.look in by_design and shift.look not in known and shift.look != "unseen classes"
    ]  # fmt: skip
    acted = [shift for shift in unlike_train if shift not in planned]
    actions = (*(["refresh"] if unlike_eval else []), *(["retrain"] if acted else []))
    reasons = [
        *(_reason(shift, "the eval set") for shift in unlike_eval),
        *(_reason(shift, "the training data") for shift in acted),
        *(
            f"{_reason(shift, 'the training data')}; so does the eval set, so the score tells what it costs"
            for shift in planned
        ),
        *(_small(shift, "the eval set") for shift in new if shift.sure and not shift.found),
        *(_small(shift, "the training data") for shift in old or () if shift.sure and not shift.found),
    ]
    if not actions and small is not None:
        return Ruling((), small, tuple(reasons), told=False)
    return Ruling(actions, _SENTENCES[actions], tuple(reasons))


_SENTENCES = {
    (): "Nothing to do: no drift that is more than chance and large enough to matter.",
    ("refresh",): "Refresh the eval set: it no longer stands for what comes in.",
    ("retrain",): "Retrain: the training data no longer stands for what comes in; the eval set still does, so it can tell the "
    "gain.",
    ("refresh", "retrain"): "Refresh the eval set, score the model on it, and retrain: what comes in is like neither the "
    "eval set nor the training data.",
}  # fmt: skip


def _reason(shift: Shift, other: str) -> str:
    seen = f": {', '.join(shift.evidence)}" if shift.evidence else ""
    return (
        f"{shift.look} differ{'s' if shift.look == 'length' else ''} from {other} ({shift.effect:.3f}, by chance "
        f"{shift.by_chance:.3f}, p {shift.adjusted:.3f}){seen}"
    )


def _small(shift: Shift, other: str) -> str:
    return (
        f"{shift.look} differ{'s' if shift.look == 'length' else ''} from {other} by more than chance, and by too little to "
        f"act on ({shift.effect:.3f}, by chance {shift.by_chance:.3f})"
    )
