"""What a scorer is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...curate.messages import Said
from ..models.protocol import Finish
from ..runs.results import Status


@dataclass(frozen=True, slots=True)
class Case:
    """One answer beside what was right."""

    output: str | None
    """What the model wrote; ``None`` where there is no answer."""
    reference: str | None
    """What is right: a label, a text, JSON, a schema's instance; ``None`` where a scorer needs none."""
    finish: Finish = "stop"
    tool_calls: str | None = None
    """JSON array in OpenAI's shape."""
    question: tuple[Said, ...] = ()
    id: str = ""


@dataclass(frozen=True, slots=True)
class Scored:
    """What a scorer says of one answer."""

    score: float | None
    """From 0 to 1; ``None`` where the status is not ``ok``."""
    status: Status = "ok"
    prediction: str | None = None
    """What the scorer took from the answer: a class, a number, JSON in its canonical form."""
    error: str | None = None
    """Of a judge whose own call brought no answer: why."""


@dataclass(frozen=True)
class Scorer:
    """A scorer with its options set."""

    name: str
    """Of the column ``score.NAME``."""
    spec: str
    """As it was asked for: the kind, and after a colon its option."""
    score: Callable[[Sequence[Case]], list[Scored]]
    """All cases of a run in one call, in order: an encoder or a judge works in batches."""
    version: int = 1
    """Raised when the same answer would be scored otherwise; runs that differ in it are not compared."""
    calibration: str | None = None
    """Of a judge: the digest of its measured agreement with people; a run's manifest says it, and a verdict asks for it."""
