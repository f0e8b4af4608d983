"""The command ``queue``: which labels to review first."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from .answering import Json, SetArgument, announce, answer
from .given import warn


class By(StrEnum):
    """What puts a row first."""

    gain = "gain"
    wrong = "wrong"


def queue(
    name: SetArgument,
    limit: Annotated[int, typer.Option(min=0, help="Most rows that are shown.")] = 20,
    by: Annotated[
        By, typer.Option(help="gain: chance of a wrong label times what hangs on the row; wrong: that chance alone.")
    ] = By.gain,
    every: Annotated[bool, typer.Option("--all", help="Every labelled row that waits, in order.")] = False,
    encoder: Annotated[
        str | None,
        typer.Option(help="Model whose vectors are compared (default: that of the last check, or words alone)."),
    ] = None,
    download: Annotated[bool, typer.Option("--download", help="The model may be fetched from the hub.")] = False,
    as_json: Json = False,
) -> None:
    """List the labels to review first; what you decide moves the queue after every 30 answers."""
    from ..curate.dataset import Dataset
    from ..curate.labels.queue import review_queue
    from .lines import told_now_and_then
    from .queue_page import print_queue

    dataset = Dataset.open(name)
    found = review_queue(
        dataset, by=by.value, encoder=encoder, download=download, limit=None if every else limit,
        progress=told_now_and_then(announce),
    )  # fmt: skip
    warn(dataset)
    answer(found.summary(), as_json, lambda: print_queue(dataset, found))
    for note in found.notes:
        announce(f"note: {note}")
