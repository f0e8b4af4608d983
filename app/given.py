"""What several commands are given: options that they share, and words of the command line as the rooms take them."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .answering import announce

if TYPE_CHECKING:
    from ..curate.dataset import Dataset

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="vetset.toml (default: the one in this folder, or beside the set).")
]
SelectOption = Annotated[list[str] | None, typer.Option(help="Rules or families, with commas between.")]


def warn(dataset: Dataset) -> None:
    """Say once, on stderr, what can't be done with the set's decisions here."""
    from ..curate.decisions.deciding import warning

    if (said := warning(dataset)) is not None:
        announce(f"warning: {said}")


def policy(config: Path | None, dataset: Dataset) -> Any:
    """Return the policy of a vetset.toml, or the default one; the file beside the set counts where this folder has none."""
    from ..curate.decisions.policy import load
    from ..curate.rules import RULES
    from ..curate.vetset_toml import settings_file

    return load(settings_file(config, dataset.folder), rules=tuple(RULES))


def wanted(config: Path | None, dataset: Dataset) -> Any:
    """Return what a vetset.toml asks the set to hold; the file beside the set counts where this folder has none."""
    from ..curate.coverage.slips import slips
    from ..curate.coverage.wanted import load
    from ..curate.vetset_toml import settings_file

    found = load(settings_file(config, dataset.folder))
    if found.said():
        announce(f"{found.file} asks for {found.sentence}")
        for slip in slips(found, dataset.rows):
            announce(f"note: {found.file} {slip}.")
    return found


def user() -> str:
    """Return the name of who is at work."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def commas(values: list[str] | None) -> list[str] | None:
    """Return words that were given with commas between, or by repeating the option."""
    return [item.strip() for value in values for item in value.split(",") if item.strip()] if values else None


def numbers(text: str | None, kind: type, option: str) -> Any:
    """Return the numbers of an option that takes several."""
    from ..curate.errors import UsageError, quote

    if text is None:
        return None
    try:
        return tuple(kind(item) for item in text.split(","))
    except ValueError as error:
        example = "0.8,0.1,0.1" if kind is float else "1000,100,100"
        raise UsageError(f"{option} {quote(text)} is not a list of numbers such as {example}.") from error
