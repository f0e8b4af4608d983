"""The command ``agree``: how far annotators agree, who errs, and one label of their votes."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .answering import Json, answer
from .given import commas


class Levels(StrEnum):
    """What labels mean."""

    nominal = "nominal"
    ordinal = "ordinal"
    interval = "interval"


def agree(
    source: Annotated[str, typer.Argument(metavar="FILE|NAME.vet", help="Votes, a line each; or a set.")],
    item: Annotated[str | None, typer.Option(help="Column of what was labelled.")] = None,
    annotator: Annotated[str | None, typer.Option(help="Column of who labelled it.")] = None,
    label: Annotated[str | None, typer.Option(help="Column of the label.")] = None,
    votes: Annotated[
        list[str] | None, typer.Option(help="Columns that hold one annotator each, with commas between.")
    ] = None,
    gold: Annotated[
        str | None, typer.Option(help="True labels, to score the aggregation: a column, or FILE:column.")
    ] = None,
    level: Annotated[
        Levels | None, typer.Option(help="Names (nominal, the default), an order, or numbers with equal steps.")
    ] = None,
    order: Annotated[str | None, typer.Option(help="Ordinal labels from low to high, with commas between.")] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Write a label an item: .csv, .jsonl or .parquet.")
    ] = None,
    draws: Annotated[int, typer.Option(min=0, help="Of the items, for the intervals; 0 for none.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the draws.")] = 0,
    as_json: Json = False,
) -> None:
    """Say how far annotators agree, who errs and how, and make one label of their votes."""
    from ..curate.agreement.agreeing import agree as run
    from ..curate.agreement.label_files import check_ending, write_labels
    from ..curate.agreement.levels import in_order
    from ..curate.agreement.vote_sources import Where, find_votes
    from .agree_page import print_agreement

    if out is not None:
        check_ending(out)
    lines = find_votes(
        source, Where(item=item, annotator=annotator, label=label, votes=tuple(commas(votes) or ()), gold=gold)
    )
    voted, chosen = in_order(
        lines.frame, level=level.value if level else None, order=commas([order] if order else None)
    )
    result = run(voted, level=chosen, gold=lines.gold, draws=draws, seed=seed)
    if out is not None:
        write_labels(result.labels, out)
    answer(
        result.summary() | {"guessed": lines.notes},
        as_json,
        lambda: print_agreement(result, lines.notes, source=source, out=out),
    )
