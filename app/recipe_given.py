"""A recipe as a command line has it: a file, the common keys as options, and any other by ``--set``."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ..train.recipe import Recipe

RecipeArgument = Annotated[Path | None, typer.Argument(metavar="RECIPE.toml", help="The recipe; options go before it.")]
BaseOption = Annotated[str | None, typer.Option(help="Folder or hub name of the model.")]
DataOption = Annotated[str | None, typer.Option(help="A set, an export's folder or file, any file that `read` takes.")]
OutOption = Annotated[str | None, typer.Option("-o", "--out", help="Folder of the adapter.")]
MethodOption = Annotated[str | None, typer.Option(help="sft, dpo, kto, orpo, grpo, distil or cpt.")]
EpochsOption = Annotated[float | None, typer.Option(help="Times that every row is seen.")]
RateOption = Annotated[float | None, typer.Option("--learning-rate", help="Default: the method's.")]
RankOption = Annotated[int | None, typer.Option(help="Of the adapter.")]
BatchOption = Annotated[int | None, typer.Option(help="Rows a step.")]
LengthOption = Annotated[int | None, typer.Option("--max-length", help="Tokens a row (default: the longest row's).")]
SeedOption = Annotated[int | None, typer.Option(help="Of all that is drawn.")]
EvalSetsOption = Annotated[
    list[str] | None, typer.Option("--evalset", help="No row of it may be trained on; repeat it for more.")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any key of a recipe, such as lora.dropout=0.05.")
]


def recipe_of(path: Path | None, said: list[str] | None, **keys: Any) -> Recipe:
    """Return the recipe of a file with options in place of what it says.

    Args:
        path: of the file, if there is one.
        said: what ``--set`` was given.
        **keys: by the recipe's own names; ``None`` was not given.
    """
    from ..curate.errors import UsageError, quote
    from ..train.recipe import read_recipe

    given = {key: value for key, value in keys.items() if value is not None}
    for one in said or []:
        key, sign, value = one.partition("=")
        if not sign or not all(key.strip().split(".")):
            raise UsageError(f"--set {quote(one)} is no KEY=VALUE; give one such as --set lora.dropout=0.05.")
        given[key.strip()] = _value(value.strip())
    return read_recipe(path, given)


def _value(text: str) -> Any:
    """A number, a list or true as TOML has them; a bare word stands for itself, as shells take quotes away."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        return text
