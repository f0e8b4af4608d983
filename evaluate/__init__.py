"""Everything that says go or no-go: eval sets, models, scorers, runs, the verdict.

build(Dataset.open("a.vet"), "a.evalset")    rows that stand for the whole, with weights
freeze(EvalSet.open("a.evalset"))            a digest, and a ledger of looks
eval_model("MODEL", evalset, Wanted(...))    a run: every answer kept, every row scored
compare("base.run", "new.run")               ship, hold or inconclusive, and why
distill(open_recipe("cards.toml"))           rows from a teacher, through gates, on a budget
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..curate.faces import lazy

if TYPE_CHECKING:
    from .distilling.bringing import bring
    from .distilling.distilled import Distilled, distill
    from .distilling.opened import open_recipe
    from .drifting.measuring import Drift, measure_drift
    from .evalsets.ageing import status
    from .evalsets.building import build
    from .evalsets.evalset import EvalSet
    from .evalsets.freezing import freeze
    from .evalsets.refreshing import refresh
    from .failing.finding import find_failures
    from .interchange.importing import import_run
    from .models.calling import answer_all
    from .models.journal import Journal
    from .models.opening import open_model
    from .models.protocol import Answer, Model, Parameters, Request
    from .paying.working_out import work_out
    from .runs.evaluating import eval_ladder, eval_model
    from .runs.results import Run
    from .runs.wanted import Wanted
    from .scorers.registry import scorer
    from .stats.gain import Gain, gain
    from .verdicts.budgets import Budgets
    from .verdicts.comparing import compare
    from .verdicts.verdict import Verdict

__all__ = [
    "Answer",
    "Budgets",
    "Distilled",
    "Drift",
    "EvalSet",
    "Gain",
    "Journal",
    "Model",
    "Parameters",
    "Request",
    "Run",
    "Verdict",
    "Wanted",
    "answer_all",
    "bring",
    "build",
    "compare",
    "distill",
    "eval_ladder",
    "eval_model",
    "find_failures",
    "freeze",
    "gain",
    "import_run",
    "measure_drift",
    "open_model",
    "open_recipe",
    "refresh",
    "scorer",
    "status",
    "work_out",
]
_HOMES = {
    "Answer": ".models.protocol",
    "Budgets": ".verdicts.budgets",
    "Distilled": ".distilling.distilled",
    "Drift": ".drifting.measuring",
    "EvalSet": ".evalsets.evalset",
    "Gain": ".stats.gain",
    "Journal": ".models.journal",
    "Model": ".models.protocol",
    "Parameters": ".models.protocol",
    "Request": ".models.protocol",
    "Run": ".runs.results",
    "Verdict": ".verdicts.verdict",
    "Wanted": ".runs.wanted",
    "answer_all": ".models.calling",
    "bring": ".distilling.bringing",
    "build": ".evalsets.building",
    "compare": ".verdicts.comparing",
    "distill": ".distilling.distilled",
    "eval_ladder": ".runs.evaluating",
    "eval_model": ".runs.evaluating",
    "find_failures": ".failing.finding",
    "freeze": ".evalsets.freezing",
    "gain": ".stats.gain",
    "import_run": ".interchange.importing",
    "measure_drift": ".drifting.measuring",
    "open_model": ".models.opening",
    "open_recipe": ".distilling.opened",
    "refresh": ".evalsets.refreshing",
    "scorer": ".scorers.registry",
    "status": ".evalsets.ageing",
    "work_out": ".paying.working_out",
}

__getattr__, __dir__ = lazy(globals(), _HOMES)
