"""How every command answers: one JSON object or a page on stdout, all else on stderr; and the arguments that many share."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from .terminal import tame, tame_json

SetArgument = Annotated[Path, typer.Argument(metavar="NAME.vet", help="A set, made by `vetset read`.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object to stdout and nothing else.")]


def answer(summary: dict[str, Any], as_json: bool, page: Callable[[], None]) -> None:
    """Print the summary as JSON, or the page."""
    if as_json:
        sys.stdout.write(tame_json(json.dumps(summary, ensure_ascii=False)) + "\n")
    else:
        page()


def announce(message: str) -> None:
    """Say something beside the answer, on stderr."""
    typer.echo("\n".join(map(tame, message.split("\n"))), err=True)  # a path may hold anything
