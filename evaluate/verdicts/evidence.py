"""What a verdict knows besides the scores: the training, the looks, the ladder, and what was forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Forgotten:
    """What the candidate lost of what its base could: paired differences, and the upper ends of their one-sided 95% intervals."""

    base: float
    """Share of the general items that the base gets right: what is not there can't be lost."""
    items: float
    """Share of the general items, base less candidate."""
    items_at_most: float
    nats: float | None
    """Nats a token of general text, candidate less base; ``None`` where a model can't say."""
    nats_at_most: float | None


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What there is to judge by; ``None`` where nobody measured it."""

    part: str
    trained: bool
    """Whether the candidate's weights are not the baseline's."""
    untrained: bool = False
    """Whether somebody said that nobody trained it."""
    looks: int | None = None
    """Candidates that were scored on the part, this one included."""
    fresh: str = "`vetset evalset refresh EVALSET --confirm`"
    """The command that brings a part at which nobody has looked."""
    counted: bool = True
    """Whether this candidate is one of them: one that is not in the ledger may be the best of many."""
    unseen: str | None = None
    """Why it is not known that the results of both runs are those that were scored; ``None`` where it is."""
    train_rows: int | None = None
    overlap: int | None = None
    """Eval rows that the training data holds, or near copies of them."""
    overlap_said: str = ""
    """How they were looked for."""
    train_changed: str | None = None
    """What is at the place of the training data now, where it is no more what the run says."""
    forms: int = 0
    """Eval rows that the training data holds with other numbers and names."""
    forms_said: str = ""
    """What there is to say of them."""
    doubted: bool = False
    """Whether they hold the verdict back: so many, and nobody said that forms are what the task is made of."""
    best_cheaper: tuple[str, float, bool] | None = None
    """Rung, its score on these rows, and whether the baseline is that run or as good."""
    best_folder: Path | None = None
    no_ladder: str = "no ladder says what a better prompt, examples or retrieval reach"
    """Why there is no ``best_cheaper``."""
    forgetting: Forgotten | None = None
