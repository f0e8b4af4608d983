"""The command ``vetset compare``: two runs in, a verdict and its exit code out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .answering import Json, answer
from .given import commas
from .opened import open_run
from .stopping import stoppable


def compare(
    baseline: Annotated[Path, typer.Argument(metavar="BASELINE", help="A run: the best cheaper way.")],
    candidate: Annotated[Path, typer.Argument(metavar="CANDIDATE", help="A run: what may be shipped.")],
    on: Annotated[
        Path | None, typer.Option("--on", help="The eval set (default: where the runs say that it stands).")
    ] = None,
    scorer: Annotated[str | None, typer.Option(help="To judge by (default: the candidate's first).")] = None,
    train: Annotated[
        Path | None, typer.Option(help="The training data, a set or a file: no eval row may stand in it.")
    ] = None,
    ladder: Annotated[Path | None, typer.Option(help="Folder of `vetset eval --ladder` (default: the runs').")] = None,
    slices: Annotated[
        list[str] | None,
        typer.Option("--slice", help="More columns to judge by value, beside label, source, stratum and tags."),
    ] = None,
    margin: Annotated[float | None, typer.Option(help="Least gain, absolute (default 0.05: five points).")] = None,
    confidence: Annotated[float | None, typer.Option(help="Of the two-sided interval (default 0.95).")] = None,
    max_unparsed: Annotated[float | None, typer.Option(help="Most answers that can't be read (default 0.02).")] = None,
    max_refused: Annotated[float | None, typer.Option(help="Most answers that decline (default 0.02).")] = None,
    max_seconds: Annotated[
        float | None, typer.Option(help="Most seconds of the slowest 5% (default: no gate).")
    ] = None,
    max_cost: Annotated[float | None, typer.Option(help="Most cost an answer (default: no gate).")] = None,
    waive: Annotated[
        list[str] | None, typer.Option(help="Let a gate pass, with the reason: 'forgetting: labels only'. It is told.")
    ] = None,
    untrained: Annotated[
        bool, typer.Option("--untrained", help="The candidate is another model that nobody trained for this.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Judge two runs on one eval set: exit code 0 ship, 1 hold, 2 inconclusive.

    A gain counts only as an absolute one of five points or more (--margin) whose interval lies above 0; what nobody measured
    holds the candidate back. verdict.json and verdict.md are written into the candidate's run.
    """
    from ..evaluate.verdicts.comparing import compare as run
    from ..evaluate.verdicts.comparing import forget_verdict, save_verdict
    from ..evaluate.verdicts.gathering import find_evalset
    from .compare_page import print_verdict

    told = {
        "margin": margin, "confidence": confidence, "unparsed": max_unparsed, "refused": max_refused, "seconds": max_seconds,
        "cost": max_cost,
    }  # fmt: skip
    one, other = open_run(baseline), open_run(candidate)
    evalset = find_evalset(other, on)
    with stoppable(
        lambda: f"stopped: {other.folder} has no verdict now, and both runs are as they were; compare them again."
    ):
        forget_verdict(other)
        verdict = run(
            one, other, evalset=evalset, scorer=scorer, train=train, ladder=ladder, slices=commas(slices),
            budgets={name: value for name, value in told.items() if value is not None}, waivers=_waivers(waive),
            untrained=untrained,
        )  # fmt: skip
        page = save_verdict(verdict, one, other, evalset=evalset)[1]
    answer(verdict.summary(), as_json, lambda: print_verdict(verdict, page))
    if verdict.exit_code:
        raise typer.Exit(verdict.exit_code)


def _waivers(told: list[str] | None) -> dict[str, str]:
    """Return gate to reason; what has no colon is a gate without one, which is refused."""
    return {name.strip(): reason.strip() for name, _, reason in (item.partition(":") for item in told or [])}
