"""Runs that no verdict may stand on: an adapter that did nothing, labels that were swapped, a judge that nobody checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from ...curate.errors import GateError
from ...curate.wording import counted, shell
from ..runs.results import Run
from .pairing import Pairs

_LEAST = 10  # rows of a class: below, most of them may be taken for another by chance


def refuse(pairs: Pairs, baseline: Run, candidate: Run) -> None:
    """Raise where what the figures would say is about a mistake in the run, and not about the candidate.

    Raises:
        GateError: an adapter that changed nothing, two labels that are swapped, a judge without calibration.
    """
    _adapter_did_nothing(pairs, baseline, candidate)
    for which, run in (("baseline", baseline), ("candidate", candidate)):
        _labels_swapped(pairs, which, run)
        _judge_unknown(pairs.scorer, run)


def _adapter_did_nothing(pairs: Pairs, baseline: Run, candidate: Run) -> None:
    adapter = _identity(candidate).get("adapter")
    if not adapter or _identity(baseline).get("adapter") == adapter:
        return
    same = pairs.rows["baseline_output"].eq_missing(pairs.rows["candidate_output"]).all()
    prompts = [(run.manifest.get("prompt") or {}).get("digest") for run in (baseline, candidate)]
    if same and prompts[0] == prompts[1]:
        raise GateError(
            f"{candidate.folder} names an adapter and answers {counted(pairs.rows.height, 'row')} letter by letter as its base "
            "does: it was not applied; check the adapter's folder and run `vetset eval` again."
        )


def _identity(run: Run) -> Mapping[str, Any]:
    return (run.manifest.get("model") or {}).get("identity") or {}


def _labels_swapped(pairs: Pairs, which: str, run: Run) -> None:
    """Raise where most rows of one label are given another's, and the other way round: a table of labels in another order.

    A model that is only bad takes one label for another, but hardly ever each of two for the other most of the time.
    """
    told = pairs.rows.select(pl.col("reference"), pl.col(f"{which}_prediction").alias("prediction"))
    told = told.filter(pl.col("prediction").is_not_null() & pl.col("reference").is_not_null())
    sizes = dict(told.group_by("reference").len().iter_rows())
    if len(sizes) < 2 or 2 * len(sizes) > told.height:
        return  # reference answers, and no classes
    counts = {
        (reference, prediction): rows
        for reference, prediction, rows in told.group_by("reference", "prediction").len().iter_rows()
    }
    for (reference, prediction), rows in sorted(counts.items()):
        if reference >= prediction or min(sizes[reference], sizes.get(prediction, 0)) < _LEAST:
            continue
        if rows > 0.5 * sizes[reference] and counts.get((prediction, reference), 0) > 0.5 * sizes[prediction]:
            raise GateError(
                f"{run.folder} gives most rows of one label another and the other way round (row counts {rows} and "
                f"{counts[prediction, reference]}): the two labels are swapped in the prompt, the training file or the eval set; "
                f"look at the confusion with `vetset failures {shell(run.folder)}`."
            )


def _judge_unknown(scorer: str, run: Run) -> None:
    told: Mapping[str, Any] = next((of for of in run.manifest.get("scorers") or [] if of.get("name") == scorer), {})
    if str(told.get("spec", "")).partition(":")[0] == "judge" and not told.get("calibration"):
        if "imported" in run.manifest:  # a judge of another tool's: there is nothing here to measure it with
            raise GateError(
                f"the score {scorer} of {run.folder} is a judge's of {run.manifest['imported'].get('from')}, whose agreement "
                "with people vetset knows nothing of; import the log again with --scorer SPEC, or name another score here."
            )
        raise GateError(
            f"{run.folder} was scored by a judge whose agreement with people was never measured; measure it on at least 30 "
            "labelled answers first, and run `vetset eval` again."
        )
