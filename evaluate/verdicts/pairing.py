"""Two runs, row by row: what each scored on the same rows of the same eval set."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import polars as pl

from ...curate.errors import DataError, StaleError, UsageError, quote
from ...curate.wording import counted, shell
from ..evalsets.evalset import EvalSet, reference
from ..runs.results import SCORE, Run, Status

Doubles = npt.NDArray[np.float64]

_SLICED = ("weight", "cluster", "label", "stratum", "group", "source", "tags", "part", "reference")


@dataclass(frozen=True)
class Pairs:
    """Rows that both runs answered.

    What could not be scored (unparsed, truncated, refused) is not right and counts as 0; how much of it there is stands in the
    verdict as figures of its own.
    """

    rows: pl.DataFrame
    """A line a row: ``id, baseline, candidate`` (mean score of its samples, 0 to 1), ``baseline_status, candidate_status`` and
    ``baseline_output, candidate_output`` of its first sample, and the columns of the eval set."""
    scorer: str
    errors: dict[str, int]
    """Answers that never came, by run: ``baseline``, ``candidate``. Their rows are in none of the figures."""
    unanswered: tuple[str, ...] = ()
    """Ids of these rows."""

    @property
    def baseline(self) -> Doubles:
        """Scores of the baseline, in the order of the rows."""
        return self.rows["baseline"].to_numpy()

    @property
    def candidate(self) -> Doubles:
        """Scores of the candidate, in the order of the rows."""
        return self.rows["candidate"].to_numpy()

    @property
    def weights(self) -> Doubles:
        """What each row counts for."""
        return self.rows["weight"].to_numpy()

    @property
    def clusters(self) -> npt.NDArray[np.int64]:
        """Numbers that are equal where rows are dependent."""
        return self.rows["cluster"].rank("dense").cast(pl.Int64).to_numpy() - 1

    def share(self, which: str, *statuses: str) -> float:
        """Return the weighted share of rows of one run with one of these statuses."""
        hit = sum((self.rows[f"{which}_{status}"].to_numpy() for status in statuses), np.zeros(self.rows.height))
        return float((hit * self.weights).sum() / self.weights.sum())


def pair(baseline: Run, candidate: Run, *, scorer: str | None = None) -> Pairs:
    """Return what two runs scored on the rows that both were asked.

    Args:
        baseline: what there is without the candidate.
        candidate: what may be shipped.
        scorer: name of the scorer to judge by; the candidate's primary one for ``None``.

    Raises:
        StaleError: they ran on eval sets of different digests, or on other parts.
        UsageError: one of them has no such scorer, or has it in another version.
        DataError: a row is missing in one of them, or what is right differs.
    """
    _same_set(baseline, candidate)
    name = scorer or candidate.manifest.get("primary") or next(iter(candidate.scorers), None)
    if name is None:
        raise UsageError(f"{candidate.folder} holds no score; run `vetset eval` with a --scorer.")
    for run in (baseline, candidate):
        if f"{SCORE}{name}" not in run.results.columns:
            raise UsageError(
                f"{run.folder} was not scored by {quote(name, 40)} (it has {', '.join(run.scorers) or 'no scorer'}); "
                f"{_scored_by(run, candidate if run is baseline else baseline, name)}."
            )
    _same_scorer(baseline, candidate, name)
    one, other = _by_row(baseline, name, "baseline"), _by_row(candidate, name, "candidate")
    _same_rows(one, other, baseline, candidate)
    kept = [column for column in _SLICED if column in candidate.results.columns]
    about = candidate.results.unique("id", keep="first", maintain_order=True).select("id", *kept)
    rows = about.join(one, on="id", how="inner", maintain_order="left").join(
        other, on="id", how="inner", maintain_order="left"
    )
    errors = {which: int(rows[f"{which}_errors"].sum()) for which in ("baseline", "candidate")}
    answered = rows.filter(pl.col("baseline").is_not_null() & pl.col("candidate").is_not_null())
    if answered.is_empty():
        raise DataError(
            f"no row of {baseline.folder} and {candidate.folder} was answered by both; run `vetset eval` again."
        )
    alone = pl.col("cluster").fill_null(pl.col("id"))
    if answered["weight"].null_count() not in (0, answered.height):
        raise DataError(f"{candidate.folder} has weights for some rows only; run `vetset eval` again.")
    lost = rows.filter(pl.col("baseline").is_null() | pl.col("candidate").is_null())["id"]
    return Pairs(answered.with_columns(alone, pl.col("weight").fill_null(1.0)), name, errors, tuple(lost))


def held_to(pairs: Pairs, evalset: EvalSet, part: str) -> Pairs:
    """Return the pairs with weight, cluster and slices as the frozen eval set has them, once its rows are those of the runs.

    A run's own columns are copies, for where the set is not at hand; they may have been edited, and so may a list of rows.

    Raises:
        DataError: the runs leave out rows of the part, hold others, or were scored against other references.
    """
    frozen = evalset.rows.filter(pl.col("part") == part)
    asked = set(pairs.rows["id"]) | set(pairs.unanswered)
    missing, strange = [one for one in frozen["id"] if one not in asked], sorted(asked - set(frozen["id"]))
    if missing or strange:
        what = (
            f"leave out {counted(len(missing), 'row')}"
            if missing
            else f"hold {counted(len(strange), 'row')} that it has not"
        )
        raise DataError(
            f"the runs {what} of the part {part} of {evalset.folder} (the first: {(missing or strange)[0]}); run `vetset eval` "
            "on both again, or import both again with --on EVALSET: no answer is paid for twice."
        )
    right = pl.DataFrame({"id": frozen["id"], "right": [reference(row) for row in frozen.iter_rows(named=True)]})
    both = pairs.rows.join(right, on="id", how="left", maintain_order="left")
    differing = both.filter(pl.col("right").ne_missing(pl.col("reference")))
    if differing.height:
        raise DataError(
            f"what is right differs between the runs and {evalset.folder} in {counted(differing.height, 'row')} (the first: "
            f"{differing['id'][0]}); score them again with `vetset eval`."
        )
    own = [column for column in _SLICED if column not in ("reference",) and column in frozen.columns]
    kept = pairs.rows.drop(own, strict=False).join(
        frozen.select("id", *own), on="id", how="left", maintain_order="left"
    )
    return replace(pairs, rows=kept.with_columns(pl.col("cluster").fill_null(pl.col("id"))))


def rewritten(run: Run) -> str:
    """Return how a run is written anew: an imported one from its log, and of a file of outputs only what the file holds."""
    if "imported" in run.manifest:
        return "take it over again with `vetset runs import`, from a log that holds them"
    if from_file(run):
        return "the file of outputs lacks them: add them to it, and run `vetset eval` on it again"
    return "run `vetset eval` on it again: no answer is paid for twice"


def from_file(run: Run) -> bool:
    """Say whether answers were read from a file: asking again brings no more of them."""
    return "imported" in run.manifest or (run.manifest.get("model") or {}).get("identity", {}).get("kind") == "recorded"


def _told_of(run: Run, name: str) -> dict[str, Any]:
    return next((of for of in run.manifest.get("scorers") or [] if of.get("name") == name), {})


def _scored_by(run: Run, other: Run, name: str) -> str:
    """Return how a run gets a score that the other one has, in words."""
    spec = str(_told_of(other, name).get("spec") or name)
    if "imported" in run.manifest:
        return f"score its answers anew with `vetset runs import LOG --on EVALSET -o {shell(run.folder)} --scorer {shell(spec)}`"
    foreign = ("exported:", f"{(other.manifest.get('imported') or {}).get('from')}:")
    if "imported" in other.manifest and spec.startswith(foreign):  # what another tool gave, vetset can't give
        return (
            "score the imported one by a scorer of vetset's with `vetset runs import LOG --on EVALSET "
            f"-o {shell(other.folder)} --scorer {shell(str(_first_spec(run)))}`, or name another score with --scorer"
        )
    return f"run `vetset eval` on it again with --scorer {shell(spec)}: no answer is paid for twice"


def _alike(baseline: Run, candidate: Run, name: str) -> str:
    """Return how two runs come to one and the same scorer, in words."""
    imported = [run for run in (baseline, candidate) if "imported" in run.manifest]
    if not imported:
        return "run `vetset eval` on both again: no answer is paid for twice"
    other = candidate if imported[0] is baseline else baseline
    spec = _told_of(other, name).get("spec") if "imported" not in other.manifest else "class"
    return (
        f"score the imported one anew with `vetset runs import LOG --on EVALSET -o {shell(imported[0].folder)} --scorer "
        f"{shell(str(spec))}`, as the other one is to be"
    )


def _first_spec(run: Run) -> object:
    """Return the spec of a run's primary scorer."""
    return _told_of(run, str(run.manifest.get("primary"))).get("spec") or run.manifest.get("primary")


def _same_set(baseline: Run, candidate: Run) -> None:
    one, other = (run.manifest.get("evalset") or {} for run in (baseline, candidate))
    for run, of in ((baseline, one), (candidate, other)):
        if not of.get("digest"):
            raise StaleError(
                f"{run.folder} names no frozen eval set; freeze one with `vetset evalset freeze` and run on it."
            )
    if one["digest"] != other["digest"]:
        raise StaleError(
            f"{baseline.folder} ran on the eval set {_short(one)} and {candidate.folder} on {_short(other)}: their rows differ, "
            "so no gain can be told; run both on the same version."
        )
    if one.get("part") != other.get("part"):
        raise StaleError(
            f"{baseline.folder} ran on the part {one.get('part')} and {candidate.folder} on {other.get('part')}; run both on the "
            "same part."
        )


def _short(evalset: dict[str, Any]) -> str:
    return f"{evalset.get('name')} {str(evalset['digest'])[:12]}"


def _same_scorer(baseline: Run, candidate: Run, name: str) -> None:
    told = [
        next((of for of in run.manifest.get("scorers") or [] if of.get("name") == name), {})
        for run in (baseline, candidate)
    ]
    for key in ("spec", "version", "calibration"):
        if told[0].get(key) != told[1].get(key):
            raise UsageError(
                f"the scorer {name} of {baseline.folder} has the {key} {quote(told[0].get(key), 40)}, that of {candidate.folder} "
                f"{quote(told[1].get(key), 40)}; {_alike(baseline, candidate, name)}."
            )


def _by_row(run: Run, scorer: str, which: str) -> pl.DataFrame:
    """Return a line a row: the mean of its samples, null where an answer is missing."""
    failed = pl.col("status") == "error"
    value = pl.when(failed).then(None).otherwise(pl.col(f"{SCORE}{scorer}").fill_null(0.0))
    return run.results.group_by("id", maintain_order=True).agg(
        pl.when(failed.any()).then(None).otherwise(value.mean()).first().alias(which),
        pl.col("status").first().alias(f"{which}_status"),
        *((pl.col("status") == status).mean().alias(f"{which}_{status}") for status in get_args(Status)),
        pl.col("output").first().alias(f"{which}_output"),
        pl.col("prediction").first().alias(f"{which}_prediction"),
        pl.col("reference").first().alias(f"{which}_reference"),
        pl.when(pl.col("seconds").is_not_null().all()).then(pl.col("seconds").max()).alias(f"{which}_seconds"),
        pl.when(pl.col("cost").is_not_null().all()).then(pl.col("cost").mean()).alias(f"{which}_cost"),
        failed.sum().alias(f"{which}_errors"),
    )


def _same_rows(one: pl.DataFrame, other: pl.DataFrame, baseline: Run, candidate: Run) -> None:
    for lacking, here, there in ((one, other, baseline), (other, one, candidate)):
        missing = here.join(lacking, on="id", how="anti")
        if missing.height:
            raise DataError(
                f"{there.folder} lacks {counted(missing.height, 'row')} that the other run answered (the first: "
                f"{missing['id'][0]}); {rewritten(there)}."
            )
    both = one.join(other, on="id")
    differing = both.filter(pl.col("baseline_reference").ne_missing(pl.col("candidate_reference")))
    if differing.height:
        raise DataError(
            f"what is right differs between {baseline.folder} and {candidate.folder} in {counted(differing.height, 'row')} (the "
            f"first: {differing['id'][0]}); one of them was scored against other labels: run both on the same eval set."
        )
