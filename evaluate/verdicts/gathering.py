"""Where the evidence of a verdict is looked for: the runs themselves, the eval set's ledger, the ladder, the training data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...curate.errors import UsageError, VetsetError
from ..evalsets.evalset import EvalSet
from ..evalsets.touches import looks
from ..runs.ladder import FILE, open_ladder
from ..runs.results import Run
from .evidence import Evidence
from .pairing import Pairs
from .remembering import read_forgotten


def find_evalset(run: Run, named: str | Path | None = None) -> EvalSet | None:
    """Return the eval set of a run: the one that is named, or where the run says that it stands; ``None`` where it is gone.

    Raises:
        UsageError: one is named and is not there, or is another version.
    """
    told: Mapping[str, Any] = run.manifest.get("evalset") or {}
    if named is None:
        place = told.get("folder")
        if not place or not Path(place).is_dir():
            return None
        try:
            found = EvalSet.open(place)
        except VetsetError:
            return None
        return found if found.digest == told.get("digest") else None
    found = EvalSet.open(named)
    if found.digest != told.get("digest"):
        raise UsageError(
            f"{found.folder} has the digest {str(found.digest)[:12]}, and {run.folder} ran on {str(told.get('digest'))[:12]}; "
            "name the version that it ran on."
        )
    return found


def gather(
    baseline: Run,
    candidate: Run,
    pairs: Pairs,
    *,
    evalset: EvalSet | str | Path | None = None,
    train: str | Path | None = None,
    ladder: str | Path | None = None,
    untrained: bool = False,
) -> Evidence:
    """Return what is known of two runs besides their scores.

    Args:
        baseline: run.
        candidate: run.
        pairs: their rows.
        evalset: that both ran on.
        train: the training data.
        ladder: folder of the ladder.
        untrained: nobody trained the candidate.

    Raises:
        GateError: rows of the eval set stand in the training data.
        UsageError: what was named is not there.
    """
    part = str((candidate.manifest.get("evalset") or {}).get("part"))
    held = evalset if isinstance(evalset, EvalSet) else find_evalset(candidate, evalset)
    trained = not untrained and _trained(baseline, candidate)
    told: Mapping[str, Any] = candidate.manifest.get("train") or {}
    rows, overlap, said = told.get("rows"), told.get("overlap"), "held against it when the run was made"
    if train is not None:
        if held is None:
            raise UsageError(
                f"--train {train} can't be held against an eval set that is not at hand; name it with --on EVALSET."
            )
        from ..runs.training_data import check_training_data  # reads any file: a tenth of a second of imports

        data = check_training_data(train, held.rows, name=held.name)
        rows, overlap, said = data.rows, 0, "by equal and near copies, now"
    best, folder = _best(baseline, candidate, pairs, ladder)
    return Evidence(
        part=part, trained=trained, looks=None if held is None else max(len(looks(held, part)), 1), train_rows=rows,  # pyright: ignore[reportArgumentType]
        overlap=overlap, overlap_said=said, best_cheaper=best, best_folder=folder,
        forgetting=read_forgotten(candidate.folder) if trained else None,
    )  # fmt: skip


def _trained(baseline: Run, candidate: Run) -> bool:
    """Say whether the candidate's weights are others than the baseline's: then what training brings and costs is asked.

    Two models of which nobody says how they came about count as trained: what is not known holds back.
    """
    if candidate.manifest.get("train"):
        return True
    one, other = ((run.manifest.get("model") or {}).get("identity") or {} for run in (baseline, candidate))
    return one != other


def _best(
    baseline: Run, candidate: Run, pairs: Pairs, ladder: str | Path | None
) -> tuple[tuple[str, float, bool] | None, Path | None]:
    """Return the best cheaper rung with its score and whether the baseline is that run, and where it stands."""
    places = [Path(ladder)] if ladder is not None else [baseline.folder.parent, candidate.folder.parent]
    for place in places:
        if ladder is None and not (place / FILE).is_file():
            continue
        found = open_ladder(place)
        if found.evalset.get("digest") != (candidate.manifest.get("evalset") or {}).get("digest"):
            if ladder is None:
                continue
            raise UsageError(f"{place / FILE} is of another eval set than the runs; run the ladder on theirs.")
        best = found.best_cheaper
        folder = place / best.run
        here = folder.resolve() == baseline.folder.resolve() or _score(pairs) >= best.score
        return (best.rung, best.score, here), folder
    return None, None


def _score(pairs: Pairs) -> float:
    return float((pairs.baseline * pairs.weights).sum() / pairs.weights.sum())
