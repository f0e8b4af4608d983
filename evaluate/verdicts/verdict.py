"""The verdict: ship, hold or inconclusive, and the gates that led to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite
from typing import Any, Literal

from ...curate.errors import UsageError, quote
from ...curate.wording import counted
from ..stats.bootstrap import Resampled
from ..stats.gain import Gain
from .budgets import Budgets
from .gates import NAMES, Gate
from .slices import Sliced

Word = Literal["ship", "hold", "inconclusive"]

EXIT: dict[Word, int] = {"ship": 0, "hold": 1, "inconclusive": 2}
"""Exit code of ``vetset compare``."""


@dataclass(frozen=True)
class Verdict:
    """What two runs come to."""

    word: Word
    reason: str
    """One sentence: what decided it, and the next step."""
    baseline: str
    candidate: str
    evalset: Mapping[str, Any]
    """``name, digest, version, part``."""
    scorer: str
    gain: Gain
    resampled: Resampled
    """The same difference by 20,000 bootstrap draws of whole clusters: a second opinion, which decides nothing."""
    gates: list[Gate]
    sliced: Sliced
    won: list[str]
    """Ids of rows that the candidate scored higher, in the order of the eval set."""
    lost: list[str]
    budgets: Budgets
    statuses: Mapping[str, Mapping[str, int]]
    """Rows by status, of each run."""

    @property
    def exit_code(self) -> int:
        """0 ship, 1 hold, 2 inconclusive."""
        return EXIT[self.word]

    def summary(self) -> dict[str, Any]:
        """Return the verdict as JSON values: what ``verdict.json`` holds."""
        return {
            "verdict": self.word, "reason": self.reason, "baseline": self.baseline, "candidate": self.candidate,
            "evalset": dict(self.evalset), "scorer": self.scorer, "gain": _finite(asdict(self.gain)),
            "resampled": asdict(self.resampled),
            "gates": [gate.summary() for gate in self.gates],
            "slices": [one.summary() for one in self.sliced.slices], "slices_too_small": self.sliced.small,
            "won": self.won, "lost": self.lost, "statuses": {name: dict(of) for name, of in self.statuses.items()},
            "budgets": self.budgets.summary(),
        }  # fmt: skip


def _finite(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return figures with null for those that are none: JSON has no NaN."""
    return {name: None if isinstance(value, float) and not isfinite(value) else value for name, value in values.items()}


def decide(gates: Sequence[Gate]) -> tuple[Word, str]:
    """Return the word for a list of gates, and the sentence that says why.

    A gate that fails holds the candidate back. Else a gain that more rows could settle leaves it open, whatever was not measured
    besides: what to measure next is more rows. Else what nobody measured holds it back. Nothing ships by default.
    """
    standing = [gate for gate in gates if not gate.passes]
    failed = [gate for gate in standing if gate.state == "fails"]
    missing = [gate for gate in standing if gate.state == "missing"]
    if failed:
        return "hold", _why(failed[0], len(standing))
    open_ = [gate for gate in standing if gate.state == "unsettled"]
    if open_:
        return "inconclusive", _why(open_[0], len(standing))
    if missing:
        return "hold", _why(missing[0], len(standing))
    waived = [gate.name for gate in gates if gate.waived is not None]
    past = f", with {', '.join(waived)} waived" if waived else ""
    return "ship", f"every gate holds{past}"


def _why(gate: Gate, standing: int) -> str:
    others = f" (and {counted(standing - 1, 'gate')} more)" if standing > 1 else ""
    step = f"; {gate.next}" if gate.next else ""
    return f"{gate.name}: {gate.said}{step}{others}"


_NEVER = {
    **dict.fromkeys(("gain", "answers"), "without it there is nothing to ship"),
    "results": "nobody would know whose figures these are; run both again, which pays for no answer twice",
}


def waive(gates: Sequence[Gate], waivers: Mapping[str, str]) -> list[Gate]:
    """Return the gates with those let past that somebody names with a reason.

    Neither a gain can be waived nor the results that it was computed from.

    Raises:
        UsageError: no such gate, no reason, or a gate that nobody may let pass.
    """
    for name, reason in waivers.items():
        if name not in NAMES:
            raise UsageError(f"{quote(name, 40)} is no gate; use {', '.join(NAMES)}.")
        if name in _NEVER:
            raise UsageError(f"the gate {name} can't be waived: {_NEVER[name]}.")
        if not reason.strip():
            raise UsageError(f"to waive the gate {name} takes a reason: --waive '{name}: why'.")
    return [replace(gate, waived=waivers[gate.name]) if gate.name in waivers else gate for gate in gates]
