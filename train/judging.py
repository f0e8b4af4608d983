"""A trained model judged where it was made: base and adapter over one set of weights, on a frozen eval set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..curate.errors import UsageError
from ..evaluate.evalsets.evalset import EvalSet, Part
from ..evaluate.runs.harness import Progress
from ..evaluate.runs.ladder import climb
from ..evaluate.runs.naming import default_name
from ..evaluate.runs.prompts import RungName
from ..evaluate.runs.results import Run
from ..evaluate.runs.setting import Setting, open_wanted
from ..evaluate.runs.wanted import Wanted
from ..evaluate.verdicts.comparing import compare, save_verdict
from ..evaluate.verdicts.forgetting import measure_forgetting, save_forgetting
from ..evaluate.verdicts.verdict import Verdict
from .recipe import Recipe


@dataclass(frozen=True)
class Judged:
    """A verdict, and where its report is."""

    verdict: Verdict
    page: Path


def judge(
    recipe: Recipe, folder: Path, evalset: EvalSet, *, part: Part = "dev", runs: Path = Path("runs"), by: str = "",
    say: Callable[[str], None], progress: Progress | None = None,
) -> Judged:  # fmt: skip
    """Score base and candidate, measure what was forgotten, and compare with the best cheaper way.

    The base is asked bare and with examples from the training data; the reasoning rung, which writes up to a thousand tokens a
    row, is left to ``vetset eval --ladder``.

    Args:
        recipe: that the candidate was trained by.
        folder: of the adapter, or of the model where all weights were trained.
        evalset: frozen.
        part: ``dev``; ``ship`` is one look.
        runs: folder of the runs.
        by: who looks.
        say: is told each guess.
        progress: told after each answer.

    Raises:
        VetsetError: see ``harness.evaluate`` and ``comparing.compare``.
    """
    adapter = None if recipe.full else folder
    wanted = Wanted(
        part=part,
        adapter=adapter,
        examples=Path(recipe.data),
        out=runs,
        by=by,
        device=recipe.device,
        dtype=recipe.dtype,
        template=Path(recipe.template) if recipe.template else None,
    )
    setting = Setting(evalset, wanted, say, progress)
    candidate = open_wanted(recipe.base if adapter else str(folder), wanted, adapter=adapter)
    base = candidate.with_adapter(None) if adapter else open_wanted(recipe.base, wanted)  # pyright: ignore[reportAttributeAccessIssue]

    def rung(name: RungName) -> Callable[[], Run]:
        named = default_name(base.name, name, part)
        return lambda: setting.run(base, setting.prompt(name, own=False), name=named, trained=None, baseline=True)

    def last() -> Run:
        named = default_name(candidate.name, "candidate", part)
        run = setting.run(candidate, setting.prompt("plain", own=False), name=named, trained=[folder], baseline=False)
        save_forgetting(run.folder, measure_forgetting(base, candidate, journal=setting.journal, told=say))
        return run

    steps = [("bare", False, rung("bare")), ("candidate", True, last)]
    try:
        setting.prompt("few-shot", own=False)
        steps.insert(1, ("few-shot", False, rung("few-shot")))
    except UsageError as error:  # a verdict says that it is missing; the hours of training are not thrown away for it
        say(f"no few-shot rung: {error}")
    ladder = climb(evalset, steps, out=runs, prefix=candidate.name)
    best, other = (Run.open(runs / one.run) for one in (ladder.best_cheaper, ladder.rungs[-1]))
    verdict = compare(best, other, evalset=evalset, ladder=ladder.path)
    return Judged(verdict, save_verdict(verdict, best, other, evalset=evalset)[1])
