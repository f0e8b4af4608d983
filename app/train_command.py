"""The command ``vetset train``: a recipe in, an adapter with its lineage out, judged at once where an eval set is named."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from .answering import Json, announce, answer
from .given import user
from .recipe_given import (
    BaseOption,
    BatchOption,
    DataOption,
    EpochsOption,
    EvalSetsOption,
    LengthOption,
    MethodOption,
    OutOption,
    RankOption,
    RateOption,
    RecipeArgument,
    SeedOption,
    SetOption,
    recipe_of,
)
from .stopping import stoppable

if TYPE_CHECKING:
    from ..train.recipe import Recipe


def train(
    recipe: RecipeArgument = None,
    base: BaseOption = None,
    data: DataOption = None,
    out: OutOption = None,
    method: MethodOption = None,
    epochs: EpochsOption = None,
    learning_rate: RateOption = None,
    rank: RankOption = None,
    batch: BatchOption = None,
    max_length: LengthOption = None,
    seed: SeedOption = None,
    evalset: EvalSetsOption = None,
    said: SetOption = None,
    resume: Annotated[
        bool, typer.Option("--resume/--anew", help="Go on from the last checkpoint, or throw away what is there.")
    ] = True,
    then_eval: Annotated[
        Path | None, typer.Option(metavar="EVALSET", help="Judge it at once; the exit code is the verdict's.")
    ] = None,
    part: Annotated[str, typer.Option(help="With --then-eval: dev, or ship for one look that counts.")] = "dev",
    runs: Annotated[Path, typer.Option(help="With --then-eval: folder of the runs.")] = Path("runs"),
    as_json: Json = False,
) -> None:
    """Train an adapter, or all weights, by a recipe.

    What `vetset plan` refuses is refused. A run that was stopped goes on where it was: the same command again.
    """
    from ..train.training import train as run
    from .opened import open_evalset
    from .train_page import print_trained, rate

    wanted = recipe_of(
        recipe, said, base=base, data=data, out=out, method=method, epochs=epochs, learning_rate=learning_rate, rank=rank,
        batch=batch, max_length=max_length, seed=seed, evalsets=evalset,
    )  # fmt: skip
    if then_eval is None:
        evaluated = None
    else:
        _check_part(part)
        _check_judged(wanted)
        evaluated = open_evalset(then_eval)  # before the hours of training: it may not be there
        wanted = wanted.model_copy(update={"evalsets": [*wanted.evalsets, str(then_eval)]})
    kept = (
        f"stopped: {wanted.out} keeps the checkpoints; the same command again, without --anew, goes on from the last."
    )
    with stoppable(lambda: kept), rate() as progress:
        trained = run(wanted, resume=resume, tell=announce, progress=progress)
    if os.environ.get("RANK", "0") != "0":
        return  # of several processes the first one speaks
    if evaluated is None:
        answer(trained.summary(), as_json, lambda: print_trained(trained, wanted))
        return
    from ..train.judging import judge
    from .compare_page import print_verdict
    from .eval_page import rate as asked

    if not as_json:
        print_trained(trained, wanted)
    with asked() as progress:
        judged = judge(
            wanted,
            trained.folder,
            evaluated,
            part=cast(Any, part),
            runs=runs,
            by=user(),
            say=announce,
            progress=progress,
        )
    both = {**trained.summary(), "verdict": judged.verdict.summary(), "page": str(judged.page)}
    answer(both, as_json, lambda: print_verdict(judged.verdict, judged.page))
    if judged.verdict.exit_code:
        raise typer.Exit(judged.verdict.exit_code)


def _check_judged(recipe: Recipe) -> None:
    from ..curate.errors import UsageError

    if recipe.method == "cpt":
        raise UsageError(
            "texts alone teach no answers, so there is nothing to judge yet: leave out --then-eval, and judge the answers that "
            "are trained on top."
        )


def _check_part(part: str) -> None:
    from ..curate.errors import UsageError, quote

    if part not in ("dev", "ship"):
        raise UsageError(f"--part {quote(part, 30)} is none; give dev or ship.")
