"""The command ``vetset plan``: what a training run would be, before its first second."""

from __future__ import annotations

from typing import Annotated

import typer

from .answering import Json, answer
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


def plan(
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
    device: Annotated[
        str | None, typer.Option(help="To plan for: h100, a100, l4, t4, 4090, cpu ... (default: what is here).")
    ] = None,
    price: Annotated[float | None, typer.Option(min=0, help="An hour of that device, for the cost.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Most rows listed of a problem; 0 lists all.")] = 5,
    said: SetOption = None,
    as_json: Json = False,
) -> None:
    """Show what a training run would be and what would go wrong; exit code 1 if it would be refused.

    Every row is rendered, tokenized and masked as it will be trained; no torch is loaded, and nothing is written.
    """
    from ..train.planning.preflight import plan as run
    from .plan_page import print_plan

    wanted = recipe_of(
        recipe, said, base=base, data=data, out=out, method=method, epochs=epochs, learning_rate=learning_rate, rank=rank,
        batch=batch, max_length=max_length, seed=seed, evalsets=evalset, price_per_hour=price,
    )  # fmt: skip
    result = run(wanted, device=device)
    answer(result.summary(), as_json, lambda: print_plan(result, recipe, limit=limit))
    if result.refused:
        raise typer.Exit(1)
