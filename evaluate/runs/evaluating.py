"""The verb ``eval``: one run, or a ladder of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from ...curate.errors import UsageError, quote
from ..evalsets.evalset import EvalSet
from ..models.protocol import Model
from .harness import Progress
from .ladder import Ladder, climb
from .naming import default_name
from .prompts import RungName
from .results import Run
from .setting import Say, Setting, is_local, open_wanted
from .wanted import Wanted

Step = tuple[str, bool, Callable[[], Run]]


def eval_model(spec: str, evalset: EvalSet, wanted: Wanted, *, say: Say, progress: Progress | None = None) -> Run:
    """Run one model on an eval set.

    Args:
        spec: the model (``models.opening.open_model``).
        evalset: frozen.
        wanted: how it is asked and scored.
        say: is told each guess, and what a person should know before the calls begin.
        progress: told after each answer.

    Raises:
        VetsetError: see ``harness.evaluate``, and whatever of ``wanted`` can't be had.
    """
    if wanted.candidate is not None or wanted.reasoner is not None:
        raise UsageError("--candidate and --reasoner belong to a ladder; add --ladder, or name that model by itself.")
    setting = Setting(evalset, wanted, say, progress)
    if wanted.rung is None and wanted.prompt is None and wanted.adapter is not None:
        say("an adapter is asked as its training rows stand, the row alone (--rung bare sets the labels before it).")
    prompt = setting.prompt(wanted.rung or ("bare" if wanted.adapter is None else "plain"), own=True)
    model = open_wanted(spec, wanted, adapter=wanted.adapter)
    base = _base(model, wanted) if wanted.forgetting else None  # before anything is asked: it may not be there
    run = setting.run(
        model, prompt, name=wanted.name, trained=_lineage_folders(spec, wanted), baseline=wanted.baseline, replace=False
    )
    if base is not None:
        _forgetting(setting, base, model, run)
    return run


def eval_ladder(spec: str, evalset: EvalSet, wanted: Wanted, *, say: Say, progress: Progress | None = None) -> Ladder:
    """Run each cheaper way that can be had, and the candidate where there is one (an adapter, or another model).

    Args:
        spec: the model of the rungs.
        evalset: frozen.
        wanted: how it is asked and scored; its prompt file is the candidate's.
        say: is told each guess, and the rungs that are left out.
        progress: told after each answer.

    Raises:
        UsageError: what belongs to one run alone is named.
        VetsetError: see ``eval_model``.
    """
    _check(wanted)
    if spec.startswith("recorded:"):
        raise UsageError(
            f"{quote(spec, 60)} answers whatever it is asked by what was written down, so all rungs of a ladder would be one; "
            "name a model that reads its prompt."
        )
    setting = Setting(evalset, wanted, say, progress)
    trained = open_wanted(spec, wanted, adapter=wanted.adapter)
    base: Any = trained
    if wanted.adapter is not None:  # one set of weights, with the adapter switched off
        base = base.with_adapter(None)
    thinker = base if wanted.reasoner is None else open_wanted(wanted.reasoner, wanted)
    steps = [_rung(setting, "bare", base)]
    if setting.examples is not None:
        steps.append(_rung(setting, "few-shot", base))
    else:
        say("no few-shot rung: name training data with --examples FILE.")
    if wanted.documents is not None:
        steps.append(_rung(setting, "rag", base))
    else:
        say("no RAG rung: name a folder of documents with --documents DIR, where answers stand in some.")
    steps.append(_rung(setting, "reasoning", thinker))
    if wanted.adapter is not None or wanted.candidate is not None:
        steps.append(("candidate", True, lambda: _candidate(setting, spec, trained, base)))
    else:
        say("no candidate yet: name what has to beat these rungs with --adapter DIR or --candidate MODEL.")
    for name, candidate, _ in steps:  # whatever can't be had is said before the first rung is asked and paid for
        setting.prompt(_own_rung(wanted) if candidate else cast(RungName, name), own=candidate)
    return climb(evalset, steps, out=wanted.out, prefix=wanted.name)


def _check(wanted: Wanted) -> None:
    if wanted.forgetting and wanted.adapter is None and wanted.candidate is None:
        raise UsageError("--forgetting is of a candidate: name it with --adapter or --candidate.")
    if wanted.rung is not None:
        raise UsageError("--ladder makes a run of every rung; leave --rung out, or leave --ladder out.")
    if wanted.adapter is not None and wanted.candidate is not None:
        raise UsageError("--adapter and --candidate both name what has to beat the rungs; give one of them.")
    if wanted.prompt is not None and wanted.adapter is None and wanted.candidate is None:
        raise UsageError("--prompt is the candidate's on a ladder: name that with --adapter or --candidate.")


def _rung(setting: Setting, name: RungName, model: Model) -> Step:
    def make() -> Run:
        prompt = setting.prompt(name, own=False)
        return setting.run(model, prompt, name=_named(setting.wanted, model, name), trained=None, baseline=True)

    return name, False, make


def _own_rung(wanted: Wanted) -> RungName:
    return "bare" if wanted.adapter is None else "plain"


def _named(wanted: Wanted, model: Model, rung: str) -> str:
    return default_name(wanted.name or model.name, rung, wanted.part)


def _candidate(setting: Setting, spec: str, model: Model, first: Model) -> Run:
    wanted = setting.wanted
    if wanted.candidate is not None:
        spec, model = wanted.candidate, open_wanted(wanted.candidate, wanted)
    prompt = setting.prompt(_own_rung(wanted), own=True)
    name = _named(wanted, model, "candidate")
    base = _base(model, wanted, first) if wanted.forgetting else None
    run = setting.run(model, prompt, name=name, trained=_lineage_folders(spec, wanted), baseline=False)
    if base is not None:
        _forgetting(setting, base, model, run)
    return run


def _base(model: Any, wanted: Wanted, first: Model | None = None) -> Model:
    """Return the model before training: below an adapter, the one that is named, or that of the ladder's rungs."""
    if wanted.adapter is not None:
        return model.with_adapter(None)
    if wanted.base is not None:
        return open_wanted(wanted.base, wanted)
    if first is not None:
        return first
    raise UsageError(
        "--forgetting needs the model before training: name it with --base MODEL, or an adapter with --adapter."
    )


def _forgetting(setting: Setting, base: Model, model: Model, run: Run) -> None:
    """Measure what the training cost, and keep it beside the run, where ``compare`` looks for it."""
    from ..verdicts.forgetting import measure_forgetting, save_forgetting

    found = measure_forgetting(base, model, journal=setting.journal, told=setting.say)
    save_forgetting(run.folder, found)
    of = found.summary()
    nats = (
        ""
        if of["nats_base"] is None
        else f", general text {of['nats_base']:.2f} to {of['nats_candidate']:.2f} nats a token"
    )
    setting.say(f"forgetting: general items {of['score_base']:.0%} to {of['score_candidate']:.0%}{nats}.")


def _lineage_folders(spec: str, wanted: Wanted) -> list[Path]:
    """Return where the lineage of a model or adapter may stand."""
    return [*([wanted.adapter] if wanted.adapter is not None else []), *([Path(spec)] if is_local(spec) else [])]
