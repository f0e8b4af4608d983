"""Where the evidence of a verdict is looked for: the runs themselves, the eval set's ledger, the ladder, the training data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...curate.errors import GateError, UsageError, VetsetError
from ..evalsets.evalset import VERSIONS, EvalSet
from ..evalsets.fresh_part import fresh_part
from ..evalsets.seen import manifest_digest, results_digest
from ..evalsets.touches import looks, touches
from ..runs.ladder import Ladder, Rung, ladders, open_ladder
from ..runs.results import Run
from .evidence import Evidence
from .pairing import Pairs, pair
from .remembering import read_forgotten

_CUT = 0.1  # share of a rung's answers from which on its score says little


def find_evalset(run: Run, named: str | Path | None = None) -> EvalSet | None:
    """Return the eval set of a run: the one that is named, or where the run says that it stands; ``None`` where it is gone.

    Raises:
        UsageError: one is named and is not there, or is another version.
    """
    told: Mapping[str, Any] = run.manifest.get("evalset") or {}
    if named is None:
        places = [Path(str(told[key])) for key in ("folder",) if told.get(key)]
        places += [run.folder / str(told["beside"])] if told.get("beside") else []  # wherever one compares from
        return next((found for place in places if (found := _version(place, told.get("digest"))) is not None), None)
    if (version := _version(Path(named), told.get("digest"))) is not None:
        return version
    found = EvalSet.open(named)
    if found.digest != told.get("digest"):
        raise UsageError(
            f"{found.folder} has the digest {str(found.digest)[:12]}, and {run.folder} ran on {str(told.get('digest'))[:12]}; "
            "name the version that it ran on."
        )
    return found


def _version(place: Path, digest: str | None) -> EvalSet | None:
    """Return the eval set at a place, or the old version of it, that has this digest."""
    for folder in (place, *sorted(place.glob(f"{VERSIONS}/*"))):
        try:
            found = EvalSet.open(folder)
        except VetsetError:
            continue
        if found.digest == digest:
            return found
    return None


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
        ladder: file of the ladder, or folder of the runs.
        untrained: nobody trained the candidate.

    Raises:
        GateError: rows of the eval set stand in the training data, or results are others than the ledger saw.
        UsageError: what was named is not there.
    """
    part = str((candidate.manifest.get("evalset") or {}).get("part"))
    held = evalset if isinstance(evalset, EvalSet) else find_evalset(candidate, evalset)
    proof = _proof(candidate)
    if untrained and proof is not None:
        raise UsageError(f"--untrained is not so: {candidate.folder} {proof}; leave it out.")
    trained = not untrained and _trained(baseline, candidate)
    told: Mapping[str, Any] = candidate.manifest.get("train") or {}
    rows, overlap, said = told.get("rows"), told.get("overlap"), "held against it when the run was made"
    stale: str | None = None
    forms, asked = int(told.get("forms") or 0), int(told.get("eval_rows") or 0)
    kept = ()
    of_forms: dict[str, Any] = {}
    if held is not None and (forms or train is not None):
        from ...curate.leakage.closeness import kept_by  # its rules take a quarter of a second to import

        kept = kept_by(held.manifest)
    if train is not None:
        if held is None:
            raise UsageError(
                f"--train {train} can't be held against an eval set that is not at hand; name it with --on EVALSET."
            )
        from ..runs.training_data import check_training_data  # reads any file: a tenth of a second of imports

        data = check_training_data(train, held.rows, name=str(held.folder), kept=kept)
        if told.get("digest") and data.digest != told["digest"]:
            raise UsageError(
                f"--train {train} is not what {candidate.folder} says that it was trained on ({told.get('set')}, digest "
                f"{str(told['digest'])[:12]}; this one has {str(data.digest)[:12]}); name that file."
            )
        forms, asked = data.forms, data.eval_rows
        rows, overlap, said = data.rows, data.overlap, f"by the rules on leaks, now{_but(kept)}"
    elif trained and told.get("checked"):
        from ..runs.training_data import GONE, since_changed

        changed = since_changed(told)
        said += f"; {told.get('set')} {GONE}" if changed == GONE else ""
        stale = f"{told.get('set')} {changed} since the run was made" if changed not in (None, GONE) else None
    if forms:
        from ..evalsets.forms import doubtful, said_of_forms

        of_forms = {
            "forms": forms, "forms_said": said_of_forms(forms, asked), "doubted": doubtful(forms, asked, kept),
        }  # fmt: skip
    cheaper = _best(baseline, candidate, pairs, ladder, trained=trained)
    seen = None if held is None else looks(held, part)  # pyright: ignore[reportArgumentType]
    known = seen is not None and candidate.manifest.get("candidate") in [one.candidate for one in seen]
    told_fresh = {} if held is None else {"fresh": fresh_part(held)}
    return Evidence(
        part=part, trained=trained, untrained=untrained, unseen=_unseen([baseline, candidate], held, part),
        looks=None if seen is None else len(seen) + (not known), counted=known,
        train_rows=rows, overlap=overlap, overlap_said=said, train_changed=stale, **of_forms, **told_fresh, **cheaper,
        forgetting=read_forgotten(candidate) if trained else None,
    )  # fmt: skip


def _but(kept: tuple[str, ...]) -> str:
    return f", but {', '.join(kept)}, whose finds this eval set was built to leave in train" if kept else ""


def _unseen(runs: Sequence[Run], evalset: EvalSet | None, part: str) -> str | None:
    """Return why it is not known that results and manifests are those that were scored; ``None`` where the ledger saw them.

    Raises:
        GateError: the ledger saw others.
    """
    if evalset is None:
        return "the eval set is not there, so nobody knows whether the results are those that were scored"
    ledger = [one for one in touches(evalset) if one.part == part and one.digest == evalset.digest]
    for run in runs:
        lines = [one for one in ledger if one.candidate == run.manifest.get("candidate")]
        noted = {one.results for one in lines}
        if (now := results_digest(run.results)) in noted:
            manifests = {one.manifest for one in lines if one.results == now}
            if manifest_digest(run.manifest) in manifests:
                continue
            if None in manifests:
                return (
                    f"the ledger of {evalset.name} can't vouch for {run.folder / 'run.json'}: an older vetset noted its results "
                    "and no digest of it"
                )
            raise GateError(
                f"{run.folder / 'run.json'} was changed after the run was scored: what it says of the training data, the model, "
                f"the prompt or the scorers is not what the ledger of {evalset.folder} saw; {_again(run)}."
            )
        if not noted or None in noted:
            why = "nothing of them" if not noted else "that there was a look, by an older vetset, and no digest"
            return f"the ledger of {evalset.name} can't vouch for the results of {run.name}: it knows {why}"
        raise GateError(
            f"{run.folder / 'results.parquet'} was changed after it was scored (digest {now[:12]}, and the ledger of "
            f"{evalset.folder} saw {', '.join(sorted(str(one)[:12] for one in noted))}); {_again(run)}."
        )
    return None


def _again(run: Run) -> str:
    """Return how a run is written anew."""
    if "imported" in run.manifest:
        return "take it over again with `vetset runs import`"
    return "run `vetset eval` on it again: no answer is paid for twice"


def _proof(candidate: Run) -> str | None:
    """Return what says that the candidate was trained, or ``None``."""
    if candidate.manifest.get("train"):
        return "names its training data"
    return "answers through an adapter" if _identity(candidate).get("adapter") else None


def _identity(run: Run) -> Mapping[str, Any]:
    return (run.manifest.get("model") or {}).get("identity") or {}


def _trained(baseline: Run, candidate: Run) -> bool:
    """Say whether the candidate's weights may be others than the baseline's: then what training brings and costs is asked.

    Only a digest of the weights says that they are not: behind one name of a server other weights may stand tomorrow. What is
    not known holds back.
    """
    one, other = _identity(baseline), _identity(candidate)
    weights = other.get("weights") or (other.get("kind") in ("canned", "recorded") and other)
    return any(_proof(run) for run in (baseline, candidate)) or one != other or not weights


def _best(baseline: Run, candidate: Run, pairs: Pairs, ladder: str | Path | None, *, trained: bool) -> dict[str, Any]:
    """Return the fields of ``Evidence`` on the best cheaper rung of all ladders on these rows, its score computed anew."""
    of = candidate.manifest.get("evalset") or {}
    places = [] if ladder is not None else dict.fromkeys((baseline.folder.parent, candidate.folder.parent))
    if ladder is not None:
        known = ladders(ladder) if Path(ladder).is_dir() else [open_ladder(ladder)]
    else:
        known = [one for place in places for one in ladders(place)]
    here = [
        one
        for one in known
        if (one.evalset.get("digest"), one.evalset.get("part")) == (of.get("digest"), of.get("part"))
    ]
    if ladder is not None and not here:
        what = "is of another eval set or part than the runs" if known else "holds no ladder"
        raise UsageError(f"{ladder} {what}; run the ladder on theirs.")
    found = [_judged(baseline, pairs, one, trained=trained) for one in here]
    judged = [one for one in found if "best_cheaper" in one]
    return max(judged, key=lambda one: one["best_cheaper"][1], default=(found or [{}])[0])


def _judged(baseline: Run, pairs: Pairs, found: Ladder, *, trained: bool) -> dict[str, Any]:
    cheaper = [rung for rung in found.rungs if not rung.candidate]
    names = ", ".join(rung.rung for rung in cheaper)
    if found.scorer != pairs.scorer:
        return {"no_ladder": f"the ladder was scored by {found.scorer}, and this is judged by {pairs.scorer}"}
    if failed := [rung.rung for rung in cheaper if rung.failed]:
        return {"no_ladder": f"answers of the rung {failed[0]} never came"}
    if trained and not any(rung.rung not in ("bare", "plain") for rung in cheaper):
        return {
            "no_ladder": f"the ladder has no rung but {names}: examples in the prompt are what a fine-tune has to beat"
        }
    best = found.best_cheaper
    folder = found.folder / best.run
    here = folder.resolve() == baseline.folder.resolve()
    score = _score(pairs) if here else _mean(pair(baseline, Run.open(folder), scorer=pairs.scorer))
    said = f"{best.rung}, of {names}{_cut(found, cheaper)}"
    return {"best_cheaper": (said, score, here or _score(pairs) >= score), "best_folder": folder}


def _cut(found: Ladder, rungs: Sequence[Rung]) -> str:
    """Return which rungs were mostly cut off, in words: with more tokens they might have come further."""
    runs = {rung.rung: Run.open(found.folder / rung.run).results for rung in rungs if rung.unscored}
    cut = {name: float((of["status"] == "truncated").mean() or 0) for name, of in runs.items()}  # pyright: ignore
    return "".join(f"; {name} cut off in {share:.0%}" for name, share in cut.items() if share > _CUT)


def _score(pairs: Pairs) -> float:
    return float((pairs.baseline * pairs.weights).sum() / pairs.weights.sum())


def _mean(pairs: Pairs) -> float:
    return float((pairs.candidate * pairs.weights).sum() / pairs.weights.sum())
