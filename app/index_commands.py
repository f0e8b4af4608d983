"""The commands of ``vetset index``: rows into an index that lasts, and rows held against it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .answering import Json, SetArgument, answer

if TYPE_CHECKING:
    import polars as pl

commands = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]}
)

_ISO = "%Y-%m-%dT%H:%M:%S+00:00"  # as `add` and `info` say it

Index = Annotated[str, typer.Argument(metavar="INDEX", help="A file, or redis://HOST:PORT/DATABASE.")]


@commands.command()
def add(
    index: Index,
    name: SetArgument,
    called: Annotated[str | None, typer.Option("--name", help="What hits call it (default: the set's folder).")] = None,
    shingle: Annotated[
        str | None, typer.Option(help="What texts are cut into, in a new index: word5, char5 ...")
    ] = None,
    threshold: Annotated[float | None, typer.Option(help="Least Jaccard index that a new index finds (0.8).")] = None,
    exact: Annotated[
        bool | None,
        typer.Option("--exact/--no-exact", help="Whether a new index keeps all shingles, so that hits are proved."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Take the rows that stand in a set into an index; adding them again changes nothing."""
    from ..curate.index.adding import add as run
    from .index_pages import print_added

    result = run(index, _standing(name), name=called or name.name, shingle=shingle, threshold=threshold, exact=exact)
    answer(result.summary(), as_json, lambda: print_added(result))


@commands.command()
def check(
    index: Index,
    name: SetArgument,
    threshold: Annotated[float | None, typer.Option(help="Least Jaccard index (default: that of the index).")] = None,
    apart_from: Annotated[
        list[str] | None, typer.Option("--apart-from", help="A set whose rows don't count; may be repeated.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say which rows of a set are near copies of rows in the index; exit code 1 if any is."""
    import polars as pl

    from ..curate.dataset import Dataset
    from ..curate.index.checking import check as run
    from .index_pages import print_hits

    train = Dataset.open(name).manifest.get("train", "train")
    result = run(index, _standing(name), threshold=threshold, apart_from=tuple(apart_from or ()), train=train)
    answer(
        result.summary() | {"hits": result.hits.with_columns(pl.col("added").dt.strftime(_ISO)).to_dicts()},
        as_json,
        lambda: print_hits(result, name.name),
    )
    if result.found:
        raise typer.Exit(1)


@commands.command()
def info(index: Index, as_json: Json = False) -> None:
    """Say what an index holds."""
    from ..curate.index.describing import info as run
    from .index_pages import print_info

    result = run(index)
    answer(result.summary(), as_json, lambda: print_info(result))


def _standing(name: Path) -> pl.DataFrame:
    """The rows of a set that no decision has dropped, as decisions have them."""
    from ..curate.dataset import Dataset
    from ..curate.decisions.applied import apply, head_for
    from ..curate.decisions.ledger import Ledger

    dataset = Dataset.open(name)
    with Ledger.open(dataset.folder) as ledger:
        return apply(dataset.rows, head_for(ledger, dataset.rows).heads).rows
