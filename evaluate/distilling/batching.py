"""A run by a provider's batches: what would be asked next goes into a file, and the answers come back from one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...curate.calls import Request
from ...curate.distill.budget import Account
from ...curate.errors import UsageError
from ...curate.wording import counted, shell
from ..models.batch_files import ReadBack, read_batch, withdraw_batch, write_batch
from ..models.batch_files import Written as Files
from ..models.journal import Journal
from .alone import alone
from .helping import helpers_of, known_of
from .offline import look_ahead
from .opened import Opened


@dataclass(frozen=True)
class Written:
    """A batch that was written."""

    files: Files
    recipe: Path

    @property
    def sentence(self) -> str:
        """What there is to say of it."""
        made = self.files
        if not made.files:
            waiting = (
                f"; {counted(made.waiting, 'call')} wait in a batch that was not read back" if made.waiting else ""
            )
            return f"nothing is to be asked{waiting}. next: vetset distill {shell(self.recipe)}"
        names = ", ".join(shell(file) for file in made.files)
        left = (
            f" {counted(len(made.refused), 'call')} left out, the first as: {made.refused[0]}" if made.refused else ""
        )
        return (
            f"{names}: {counted(made.calls, 'call')}, at most {made.most.tokens:,} tokens.{left} Upload it, fetch the answers, "
            f"then vetset distill {shell(self.recipe)} --read-batch ANSWERS.jsonl"
        )

    def summary(self) -> dict[str, Any]:
        """Return it as JSON values."""
        made = self.files
        return {
            "files": [str(file) for file in made.files], "calls": made.calls, "tokens_at_most": made.most.tokens,
            "known": made.known, "waiting": made.waiting, "refused": list(made.refused),
        }  # fmt: skip


def write_next(opened: Opened, path: Path) -> Written:
    """Write the calls that a run would make next; a draft of several calls takes as many batches, one after the other.

    Raises:
        UsageError: the file stands there already, or can't be written.
    """
    with alone(opened.folder), Journal(opened.journal) as journal:
        account = Account(opened.budget, former=journal.former())
        helpers = helpers_of(opened, [])
        requests = list(look_ahead(opened, journal, helpers=helpers, known=known_of(opened)).missing.values())

        def before(place: int, request: Request) -> str | None:
            return account.reserve(place, account.most_of(request))

        files = write_batch(
            path, opened.teacher.identity(), opened.teacher.name, requests, journal, before=before,
            extra=opened.recipe.teacher.extra,
        )  # fmt: skip
    return Written(files, opened.path)


def read_back(opened: Opened, paths: Sequence[Path]) -> ReadBack:
    """Write the answers of a provider's files into the run's journal.

    Raises:
        UsageError: a file can't be read, or is one that was written to be sent.
    """
    with alone(opened.folder), Journal(opened.journal) as journal:
        return read_batch(paths, journal)


def take_back(opened: Opened, paths: Sequence[Path]) -> int:
    """Take back batch files that were never sent; return how many calls may be asked otherwise now.

    Raises:
        UsageError: a file can't be read, or there is no journal.
    """
    if not opened.journal.exists():
        raise UsageError(f"{opened.folder} has no journal, so no batch of it is under way; check the recipe and -o.")
    with Journal(opened.journal) as journal:
        return withdraw_batch(paths, journal)
