"""The command ``agree``: how far annotators agree, who errs, and one label of their votes."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .answering import Json, announce, answer
from .given import commas

if TYPE_CHECKING:
    import polars as pl

    from ..curate.agreement.classifier import View
    from ..curate.agreement.votes import Votes


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
    classifier: Annotated[
        bool, typer.Option(help="Of a set: let a classifier of its texts be one more voter, if it earns its place.")
    ] = True,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="Model whose vectors the classifier reads (default: that of the last check, or words alone)."
        ),
    ] = None,
    download: Annotated[bool, typer.Option("--download", help="The model may be fetched from the hub.")] = False,
    as_json: Json = False,
) -> None:
    """Say how far annotators agree, who errs and how, and make one label of their votes."""
    from ..curate.agreement.agreeing import agree as run
    from ..curate.agreement.label_files import check_place, write_labels
    from ..curate.agreement.levels import in_order
    from ..curate.agreement.vote_sources import Where, find_votes
    from .agree_page import print_agreement

    if out is not None:
        check_place(out)
    lines = find_votes(
        source, Where(item=item, annotator=annotator, label=label, votes=tuple(commas(votes) or ()), gold=gold)
    )
    voted, chosen = in_order(
        lines.frame, level=level.value if level else None, order=commas([order] if order else None)
    )
    seen = _view(source, voted, lines.texts, encoder=encoder, download=download, seed=seed) if classifier else None
    shares, wrong = (None, None) if seen is None else (seen.shares, seen.wrong)
    result = run(voted, level=chosen, shares=shares, wrong=wrong, gold=lines.gold, draws=draws, seed=seed)
    notes = lines.notes + ([] if seen is None else seen.notes)
    if out is not None:
        write_labels(result.labels, out)
    answer(
        result.summary() | {"guessed": notes},
        as_json,
        lambda: print_agreement(result, notes, source=source, out=out),
    )


def _view(
    source: str, votes: Votes, texts: pl.DataFrame | None, *, encoder: str | None, download: bool, seed: int
) -> View | None:
    """Return what a classifier says of a set's items; a file does not say which of its columns are texts."""
    from ..curate import disk
    from ..curate.agreement.classifier import view
    from ..curate.dataset import Dataset
    from ..curate.embed.encoder import TFIDF, find_encoder
    from ..curate.errors import UsageError
    from .lines import told_now_and_then

    if texts is None:
        if encoder is not None:
            raise UsageError(f"--encoder needs a set, and {source} is a file; read it with `vetset read` first.")
        return None
    dataset = Dataset.open(source)
    found = find_encoder(encoder or dataset.manifest.get("options", {}).get("encoder") or TFIDF, download=download)
    return view(
        votes, texts, encoder=found.encoder, name="words alone" if found.name == TFIDF else found.name, seed=seed,
        cache=dataset.folder / "vectors" if disk.writable(dataset.folder) else None, progress=told_now_and_then(announce),
    )  # fmt: skip
