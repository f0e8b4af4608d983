"""How far a judge agrees with people: what has to be known before its scores count.

Cohen's kappa of the judge and people's labels on the same answers; for scores from 1 to 5 with quadratic weights (Cohen 1968),
so that 4 for 5 is less of a fault than 1 for 5. Its interval is drawn over the answers (Efron 1979); where judge and people
agree on all of them no draw differs, and the lower end is that of Clopper and Pearson (1934) for their agreement.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from ...curate import disk
from ...curate.agreement.pairs import cohen
from ...curate.errors import DataError, GateError, UsageError, quote
from ...curate.text import fold
from ...curate.wording import counted
from .case import Case
from .judge import Judge, judge_answers, judge_pairs
from .judge_prompts import VERDICTS, Mode

LEAST = 30
"""Human labels: with fewer, an interval of kappa spans half of its range."""
ENOUGH = 0.4
"""Kappa from which agreement is more than poor (Fleiss 1981)."""

_SAID: dict[Mode, dict[str, str]] = {
    "pass": {
        **dict.fromkeys(("pass", "1", "true", "yes"), "PASS"),
        **dict.fromkeys(("fail", "0", "false", "no"), "FAIL"),
    },
    "score": {str(number): str(number) for number in range(1, 6)},
    "pair": {"first": "A", "second": "B", "a": "A", "b": "B", "tie": "TIE"},
}
"""How people may say a verdict."""


@dataclass(frozen=True)
class Calibration:
    """The measured agreement of one judge, rubric and prompt with people."""

    judge: str
    """``Judge.digest``: another model, rubric, parameter or prompt has to be measured anew."""
    model: str
    mode: str
    labels: int
    """Human labels."""
    compared: int
    """Of these, with a verdict of the judge's that could be read."""
    unparsed: int
    """Verdicts that could not be read."""
    left_out: int
    """Answers that the judge was not shown, as they refuse, were cut off or don't exist, and those on which its call failed."""
    agreement: float | None
    """Share of those compared in which judge and person say the same."""
    kappa: float | None
    low: float | None
    high: float | None
    why: str | None
    """Why there is no kappa or no interval."""
    weights: str
    """``none`` or ``quadratic``."""
    contradictions: int
    """Pairs that the judge decided otherwise in the other order."""
    cells: dict[str, int] = field(default_factory=dict)
    """``PERSON>JUDGE`` to how often."""
    draws: int = 0
    seed: int = 0

    @property
    def digest(self) -> str:
        """The SHA-256 of the calibration."""
        return sha256(_text(self).encode()).hexdigest()

    def sentence(self) -> str:
        """Return it in one sentence."""
        span = f" [{self.low:.2f}, {self.high:.2f}]" if self.low is not None and self.high is not None else ""
        kappa = f"kappa {self.kappa:.2f}{span}" if self.kappa is not None else f"no kappa: {self.why}"
        return (
            f"{self.model} agrees with people on {self.agreement or 0:.0%} of {counted(self.compared, 'answer')}, {kappa}; "
            f"{counted(self.unparsed, 'verdict')} unparsed."
        )

    def save(self, path: str | Path) -> Path:
        """Write it as JSON and return where.

        Raises:
            UsageError: the file can't be written.
        """
        path = Path(path)
        try:
            disk.write_whole(path, lambda beside: beside.write_text(_text(self), encoding="utf-8"))
        except OSError as error:
            raise UsageError(f"{path} can't be written ({error.strerror}); name another file.") from error
        return path


def _text(calibration: Calibration) -> str:
    return json.dumps({"format": 1, **asdict(calibration)}, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def calibrate(
    judge: Judge,
    cases: Sequence[Case],
    human: Sequence[str | int | bool],
    *,
    others: Sequence[Case] | None = None,
    draws: int = 2000,
    seed: int = 0,
) -> Calibration:
    """Measure how far a judge agrees with people on the same answers.

    Draw the answers as the judge will meet them: of the models that are to be compared, good and bad ones, and not the clear
    ones alone. Label them before you see what the judge says.

    Args:
        judge: a model with a rubric.
        cases: (n) the answers.
        human: (n) what people say: pass or fail; 1 to 5; first, second or tie.
        others: (n) of a rubric for pairs, the second answers.
        draws: for the interval.
        seed: of the draws.

    Raises:
        DataError: fewer than 30 labels, or a label that is no verdict of this rubric.
        UsageError: not as many labels as answers.
    """
    mode = judge.rubric.mode
    if len(human) != len(cases):
        raise UsageError(f"there are {len(human):,} labels for {len(cases):,} answers; give one for each.")
    people = [_said(label, mode, case.id) for label, case in zip(human, cases, strict=True)]
    if len(people) < LEAST:
        raise DataError(
            f"{counted(len(people), 'human label')} can't calibrate a judge; label at least {LEAST} answers."
        )
    verdicts, unparsed, left_out, contradictions = _verdicts(judge, cases, others)
    pairs = [(person, verdict) for person, verdict in zip(people, verdicts, strict=True) if verdict is not None]
    value, low, high, why = _kappa(pairs, mode, draws=draws, seed=seed)
    cells: dict[str, int] = {}
    for person, verdict in sorted(pairs):
        cells[f"{person}>{verdict}"] = cells.get(f"{person}>{verdict}", 0) + 1
    return Calibration(
        judge=judge.digest, model=judge.model.name, mode=mode, labels=len(people), compared=len(pairs),
        unparsed=unparsed, left_out=left_out, contradictions=contradictions,
        agreement=sum(person == verdict for person, verdict in pairs) / len(pairs) if pairs else None,
        kappa=value, low=low, high=high, why=why, weights="quadratic" if mode == "score" else "none",
        cells=cells, draws=draws, seed=seed,
    )  # fmt: skip


def _said(label: object, mode: Mode, case: str) -> str:
    said = _SAID[mode].get(fold(str(label)))
    if said is None:
        known = ", ".join(dict.fromkeys(_SAID[mode]))
        raise DataError(
            f"row {quote(case)}: the human label {quote(label, 30)} is no verdict of this rubric; use {known}."
        )
    return said


def _verdicts(
    judge: Judge, cases: Sequence[Case], others: Sequence[Case] | None
) -> tuple[list[str | None], int, int, int]:
    """Return the verdicts, and how many could not be read, were left out, and contradict themselves."""
    if judge.rubric.mode == "pair":
        if others is None:
            raise UsageError("this rubric compares two answers; give the second ones, too.")
        said = judge_pairs(judge, cases, others)
        letters = {"first": "A", "second": "B", "tie": "TIE"}
        found = [letters[one.winner] if one.winner else None for one in said]
        broken = [sum(one.status == kind for one in said) for kind in ("unparsed", "error")]
        return found, broken[0], broken[1], sum(one.contradicts for one in said)
    scored = judge_answers(judge, cases)
    unparsed = sum(one.status == "unparsed" for one in scored)
    return [one.prediction for one in scored], unparsed, sum(one.prediction is None for one in scored) - unparsed, 0


def _kappa(
    pairs: Sequence[tuple[str, str]], mode: Mode, *, draws: int, seed: int
) -> tuple[float | None, float | None, float | None, str | None]:
    if not pairs:
        return None, None, None, "the judge gave no verdict that could be read"
    names = VERDICTS[mode]
    one, other = (np.array([names.index(pair[side]) for pair in pairs], np.int64) for side in (0, 1))
    at = np.arange(1.0, 6.0) if mode == "score" else None
    found = cohen(one, other, at=at, power=2, draws=draws, seed=seed)
    low, high, why = found.interval.low, found.interval.high, found.interval.why
    if found.value is not None and low is None and (one == other).all():
        shares = np.bincount(one) / len(one)
        by_chance = float((shares**2).sum())
        surely = 0.025 ** (1 / len(one))  # Clopper and Pearson's lower end, of n in n
        return found.value, max(0.0, (surely - by_chance) / (1 - by_chance)), 1.0, None
    return found.value, low, high, why


def load_calibration(path: str | Path) -> Calibration:
    """Return a calibration that was saved.

    Raises:
        GateError: there is none: judge not calibrated.
        DataError: the file is no calibration.
    """
    path = Path(path)
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        known = {one.name for one in fields(Calibration)}
        return Calibration(**{name: value for name, value in told.items() if name in known})
    except FileNotFoundError as error:
        raise GateError(
            f"judge not calibrated: {path} is missing; measure its agreement with at least {LEAST} human labels first "
            "(`vetset judge RUBRIC --model MODEL --labels FILE`)."
        ) from error
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is no calibration ({quote(error, 60)}); calibrate the judge again.") from error


def require_calibrated(judge: Judge, calibration: Calibration | None, *, least: float = ENOUGH) -> Calibration:
    """Return the calibration if it lets the judge count.

    Args:
        judge: the model, rubric and prompt that are to score.
        calibration: what was measured.
        least: kappa; and the lower end of its interval has to be above 0, so that agreement is more than chance.

    Raises:
        GateError: none was measured, it is of another judge or prompt, on fewer than 30 answers, or the judge agrees too little.
    """
    again = f"; measure it again on at least {LEAST} human labels (`vetset judge RUBRIC --model MODEL --labels FILE`)."
    if calibration is None:
        raise GateError(f"judge not calibrated: {judge.model.name} was never held against people{again}")
    if calibration.judge != judge.digest:
        raise GateError(
            f"judge not calibrated: what was measured is {calibration.model} with another rubric, prompt or parameter than "
            f"{judge.model.name} has now{again}"
        )
    if calibration.compared < LEAST:
        raise GateError(
            f"judge not calibrated: only {counted(calibration.compared, 'verdict')} of {calibration.labels} could be compared "
            f"with people's{again}"
        )
    if calibration.kappa is None or calibration.low is None or calibration.kappa < least or calibration.low <= 0:
        raise GateError(
            f"judge not calibrated: {calibration.sentence()} It takes a kappa of {least:g} and a lower end above 0; sharpen "
            "the rubric, or take a better judge."
        )
    return calibration
