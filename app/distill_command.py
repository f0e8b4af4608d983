"""The command ``vetset distill``: rows from a teacher by a recipe, on a budget, through gates, with their lineage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .answering import Json, announce, answer
from .model_given import reachable
from .stopping import answers_kept, stoppable


def distill(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.toml", help="What is made, by whom, of which rows.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder of the run (default: the recipe's name and .distill).")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say what it would take, and ask nobody.")] = False,
    probe: Annotated[
        int, typer.Option(min=0, help="With --plan: ask for the first drafts, so that tokens are measured.")
    ] = 0,
    write_batch: Annotated[
        Path | None, typer.Option(metavar="FILE.jsonl", help="Write the next calls as a provider's batch; ask nobody.")
    ] = None,
    read_batch: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE.jsonl", help="Take in the answers to a batch; repeat it for more."),
    ] = None,
    withdraw_batch: Annotated[
        list[Path] | None, typer.Option(metavar="FILE.jsonl", help="Take back a batch that was never sent.")
    ] = None,
    bring_in: Annotated[
        bool, typer.Option("--bring-in", help="Add the rows to the set that the recipe's seeds are of.")
    ] = False,
    anew: Annotated[
        bool, typer.Option("--anew", help="Hold everything against the gates again; kept answers are not asked again.")
    ] = False,
    download: Annotated[bool, typer.Option("--download", help="Fetch a local teacher that is not here.")] = False,
    as_json: Json = False,
) -> None:
    """Have a teacher write the rows that a set lacks; only what passes the gates comes in.

    Every answer is kept as it comes: the same command again asks only for what is missing, and for nothing where nothing is.
    Exit code 1 where cells are short of the rows that they want.
    """
    from ..curate.errors import UsageError
    from ..curate.wording import counted, shell
    from ..evaluate.distilling.opened import open_recipe
    from .distill_page import print_distilled, print_plan, rate

    if probe and not plan:
        raise UsageError("--probe is a part of --plan; add it, or leave --probe out.")
    if sum((plan, write_batch is not None)) > 1:
        raise UsageError("--plan and --write-batch exclude each other; give one of them.")
    opened = open_recipe(recipe, out, download=download)
    changed: dict[str, object] = {}
    if read_batch:
        from ..evaluate.distilling.batching import read_back

        back = read_back(opened, read_batch)
        changed |= {"read_back": {"answers": back.answers, "failed": back.failed, "waiting": back.waiting}}
        announce(back.note)
    if withdraw_batch:
        from ..evaluate.distilling.batching import take_back

        taken = take_back(opened, withdraw_batch)
        changed |= {"withdrawn": taken}
        announce(f"{counted(taken, 'call')} taken back; a run asks them now.")
    if (read_batch or withdraw_batch) and not (plan or write_batch or bring_in):
        answer(
            changed,
            as_json,
            lambda: announce(f"next: vetset distill {shell(recipe)}, or --write-batch for what is due next"),
        )
        return
    if plan:
        from ..evaluate.distilling.estimating import estimate

        with (
            stoppable(lambda: answers_kept(opened.journal)),
            reachable(opened.recipe.teacher.model, journal=opened.journal),
        ):
            planned = estimate(opened, probe=probe, say=announce)
        answer(planned.summary(), as_json, lambda: print_plan(planned, recipe))
        return
    if write_batch is not None:
        from ..evaluate.distilling.batching import write_next

        written = write_next(opened, write_batch)
        answer(written.summary(), as_json, lambda: announce(written.sentence))
        return
    from ..evaluate.distilling.distilled import distill as run

    asked = (opened.recipe.teacher.model, opened.recipe.judge.model if opened.recipe.judge else None)
    with stoppable(lambda: answers_kept(opened.journal)), reachable(*asked, journal=opened.journal), rate() as progress:
        found = run(opened, say=announce, tell=progress.round, called=progress.call, anew=anew)
    brought = None
    if bring_in:
        from ..evaluate.distilling.bringing import bring

        brought = bring(opened)
    summary = found.summary() | ({"brought_in": brought.summary()} if brought else {})
    answer(summary, as_json, lambda: print_distilled(found, recipe, brought))
    if found.short:
        raise typer.Exit(1)
