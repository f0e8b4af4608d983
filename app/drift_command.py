"""The command ``drift``: a new sample against the eval set and the training data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .answering import Json, announce, answer


def drift(
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The new sample: a file of any format, or a set.")],
    against: Annotated[Path, typer.Option(metavar="EVALSET", help="The eval set; a set or a file will do.")],
    train: Annotated[
        Path | None, typer.Option(metavar="SET.vet", help="The training data: a set (its train split), or a file.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="Column of the text, where NEW is a file.")] = None,
    label: Annotated[str | None, typer.Option(help="Column of the label; 'none' says that there is none.")] = None,
    group: Annotated[str | None, typer.Option(help="Column of what hangs together: user, conversation.")] = None,
    encoder: Annotated[
        str | None,
        typer.Option(help="Model whose vectors a classifier tries to tell apart (default: TF-IDF, words alone)."),
    ] = None,
    download: Annotated[bool, typer.Option("--download", help="The model may be fetched from the hub.")] = False,
    alpha: Annotated[float, typer.Option(help="Chance of any false alarm, if nothing moved.")] = 0.05,
    relevant: Annotated[
        float, typer.Option(help="Change of a share that has to be visible before it is said that nothing moved.")
    ] = 0.2,
    permutations: Annotated[int, typer.Option(help="How often rows change places by chance.")] = 999,
    seed: Annotated[int, typer.Option(help="Of every random choice.")] = 0,
    as_json: Json = False,
) -> None:
    """Say whether what comes in has moved: refresh the eval set, retrain, or nothing.

    Exit code 0 if there is nothing to do, 1 if there is, 2 if nothing was found in samples that are too small to say so.
    """
    from ..curate.embed.encoder import TFIDF, find_encoder
    from ..curate.reading.mapping import Given
    from ..evaluate.drifting.measuring import measure_drift
    from ..evaluate.drifting.samples import sample_rows
    from ..evaluate.runs.training_rows import training_rows
    from .drift_page import print_drift

    found = measure_drift(
        sample_rows(new, columns=Given(text=text, label=label, group=group)), sample_rows(against),
        train_rows=None if train is None else training_rows(train),
        encoder=find_encoder(encoder or TFIDF, download=download).encoder, alpha=alpha, relevant=relevant,
        permutations=permutations, seed=seed,
    )  # fmt: skip
    names = {"new": str(new), "eval": str(against), "train": None if train is None else str(train)}
    answer({**found.summary(), "names": names}, as_json, lambda: print_drift(found, names))
    if as_json:
        for note in found.notes:
            announce(f"note: {note}")
    if found.drifted:
        raise typer.Exit(1)
    if not found.told:
        raise typer.Exit(2)
