"""The verb ``compare``: two runs in, a verdict out, written beside the candidate."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from ...curate import disk
from ...curate.errors import UsageError
from ..evalsets.evalset import EvalSet
from ..evalsets.fresh_part import moved_on
from ..runs.results import Run
from ..stats.bootstrap import Resampled, bootstrap_mean
from ..stats.gain import Gain, gain
from ..stats.holm import confidence_after
from ..stats.power import rows_to_settle
from . import gates
from .budgets import Budgets
from .gathering import find_evalset, gather
from .pairing import Pairs, from_file, held_to, pair
from .refusing import refuse
from .report import report
from .slices import slices as sliced
from .verdict import Verdict, decide, waive


def compare(
    baseline: Run | str | Path,
    candidate: Run | str | Path,
    *,
    evalset: EvalSet | str | Path | None = None,
    scorer: str | None = None,
    train: str | Path | None = None,
    ladder: str | Path | None = None,
    slices: Sequence[str] | None = None,
    budgets: Budgets | Mapping[str, Any] | None = None,
    waivers: Mapping[str, str] | None = None,
    untrained: bool = False,
) -> Verdict:
    """Judge whether a candidate may take the place of a baseline.

    The gain is a weighted, paired, clustered difference (``stats.gain``); with k candidates scored on the part its interval is
    widened to 1 - (1 - confidence) / k, the first step of Holm (1979), which is the one that the best of k has to pass.

    Args:
        baseline: the best cheaper way.
        candidate: what may be shipped.
        evalset: what both ran on, for its ledger of looks; where the runs say it stands for ``None``.
        scorer: to judge by; the candidate's primary one for ``None``.
        train: the training data, a set or a file, to hold the eval set against; what the runs know of it for ``None``.
        ladder: folder of a ladder; that of the runs for ``None``.
        slices: columns whose values are judged by themselves; ``slices.COLUMNS`` for ``None``.
        budgets: what the gates hold it against.
        waivers: gate to the reason why it may pass.
        untrained: the candidate is another model that nobody trained for this, so nothing of training is asked.

    Raises:
        StaleError: the runs are of other eval sets or parts.
        GateError: one of the runs can't be judged: its results were edited, its adapter did nothing, its labels are swapped, its
            judge is not calibrated.
        UsageError, DataError: see ``pair``.
    """
    one = baseline if isinstance(baseline, Run) else Run.open(baseline)
    other = candidate if isinstance(candidate, Run) else Run.open(candidate)
    if one.folder.resolve() == other.folder.resolve():
        raise UsageError(f"{one.folder} is both baseline and candidate; name two runs.")
    limits = budgets if isinstance(budgets, Budgets) else Budgets.given(budgets or {})
    pairs = pair(one, other, scorer=scorer)
    refuse(pairs, one, other)
    held = evalset if isinstance(evalset, EvalSet) else find_evalset(other, evalset)
    if held is not None:
        pairs = held_to(pairs, held, str(other.manifest["evalset"].get("part")))
    evidence = gather(one, other, pairs, evalset=held, train=train, ladder=ladder, untrained=untrained)
    looked = max(evidence.looks or 1, 1)
    confidence = confidence_after(looked, confidence=limits.confidence)
    whole = gain(pairs.baseline, pairs.candidate, weights=pairs.weights, clusters=pairs.clusters, confidence=confidence)
    parts = sliced(pairs, columns=slices, alpha=limits.slice_alpha)
    found = waive(
        [
            gates.answers(
                pairs, written=[which for which, run in (("baseline", one), ("candidate", other)) if from_file(run)]
            ),
            gates.as_scored(evidence),
            gates.better(whole, limits, looked=looked, more=_more(whole, limits)),
            gates.large_enough(whole, limits),
            gates.no_slice_worse(parts, limits),
            gates.cheaper_way(evidence),
            gates.not_forgotten(evidence, limits),
            gates.format_kept(pairs, limits, confidence=confidence),
            gates.refusals_kept(pairs, limits),
            gates.fast_enough(pairs, limits),
            gates.cheap_enough(pairs, limits),
            gates.clean(evidence),
            gates.unspent(evidence, limits),
            gates.enough_rows(evidence, limits),
        ],
        waivers or {},
    )
    if "looks" in (waivers or {}) and evidence.part != "ship":
        raise UsageError("the gate looks can't be waived on the part dev: run both on ship, once.")
    word, reason = decide(found)
    if word == "ship" and (laxer := limits.laxer()):
        reason += f", under budgets of your own: {laxer}"
    if held is not None and (moved := moved_on(held)):
        reason += f"; {moved}"
    return Verdict(
        word=word, reason=reason, baseline=one.name, candidate=other.name, evalset=dict(other.manifest["evalset"]),
        scorer=pairs.scorer, gain=whole, resampled=_resampled(pairs, confidence), gates=found, sliced=parts,
        won=_flips(pairs, won=True), lost=_flips(pairs, won=False),
        budgets=limits, statuses={which: _statuses(pairs, which) for which in ("baseline", "candidate")},
    )  # fmt: skip


def _resampled(pairs: Pairs, confidence: float) -> Resampled:
    return bootstrap_mean(
        pairs.candidate - pairs.baseline, weights=pairs.weights, clusters=pairs.clusters, confidence=confidence
    )


def _more(of: Gain, limits: Budgets) -> int | None:
    """Return how many more rows would settle the gain; ``None`` where no number does."""
    if not isfinite(of.error):
        return None
    found = rows_to_settle(
        of.gain, error=of.error, rows=of.rows, margin=limits.margin, degrees=of.degrees, confidence=of.confidence
    )
    return None if found is None else found.more


def _flips(pairs: Pairs, *, won: bool) -> list[str]:
    higher = pairs.rows["candidate"] > pairs.rows["baseline"]
    return pairs.rows["id"].filter(higher if won else pairs.rows["candidate"] < pairs.rows["baseline"]).to_list()


def _statuses(pairs: Pairs, which: str) -> dict[str, int]:
    counts = pairs.rows[f"{which}_status"].value_counts(sort=True)
    return dict(counts.iter_rows())


def forget_verdict(candidate: Run) -> None:
    """Take an old verdict away: what can't be judged now must not lie there as shipped."""
    with disk.locked(candidate.folder):
        stale = [name for name in ("verdict.json", "verdict.md") if (candidate.folder / name).exists()]
        disk.replace_together(candidate.folder, dict.fromkeys(stale))


def save_verdict(
    verdict: Verdict, baseline: Run, candidate: Run, *, evalset: EvalSet | None = None
) -> tuple[Path, Path]:
    """Write ``verdict.json`` and the report ``verdict.md`` into the candidate's run; returns their paths.

    Texts of rows are masked and cut in the report; ``verdict.json`` holds none.
    """
    folder = candidate.folder
    text = json.dumps(verdict.summary(), indent=1, ensure_ascii=False) + "\n"
    page = report(verdict, pair(baseline, candidate, scorer=verdict.scorer), evalset)
    with disk.locked(folder):
        disk.replace_together(
            folder,
            {
                "verdict.json": lambda path: path.write_text(text, encoding="utf-8"),
                "verdict.md": lambda path: path.write_text(page, encoding="utf-8"),
            },
        )
    return folder / "verdict.json", folder / "verdict.md"
