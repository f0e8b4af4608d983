"""What a run made, brought into the set that it was made for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...curate.dataset import Dataset
from ...curate.distill.folder import ACCEPTED, read_report
from ...curate.distill.handoff import Brought, bring_in
from ...curate.distill.kinds import KINDS
from ...curate.errors import UsageError
from ...curate.wording import counted, shell
from .opened import Opened

_NOW = {"accepted": "are accepted", "rejected": "are rejected", "review": "wait for a person"}


@dataclass(frozen=True)
class BroughtIn:
    """Rows that came into a set."""

    folder: Path
    of: Brought

    @property
    def sentence(self) -> str:
        """What there is to say of it."""
        found = self.of
        left = (
            f"; {sum(found.unsplit.values()):,} stand in no split ({', '.join(found.unsplit)})" if found.unsplit else ""
        )
        told = [f"{rows:,} of these {_NOW.get(fate, fate)} by now" for fate, rows in found.changed.items()]
        if found.anew:
            told.append(f"{counted(found.anew, 'draft')} said something else before, which stays beside it")
        if found.gone:
            told.append(f"{counted(found.gone, 'row')} that the run has no more stay")
        if found.stale:
            told.append(
                f"{counted(len(found.stale), 'rule')} have not seen the new rows: vetset check {shell(self.folder)}"
            )
        more = "".join(f"; {one}" for one in [*told, *found.notes])
        return (
            f"{self.folder}: {counted(found.added, 'row')} added, {found.known:,} stood there already, {found.review:,} wait for "
            f"a person{left}{more}"
        )

    def summary(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return self.of.summary()


def bring(opened: Opened) -> BroughtIn:
    """Add the rows of a run to the set that its seeds are of.

    Raises:
        UsageError: there is no finished run, or its rows stand in the set without what was added to them.
    """
    read_report(opened.folder)
    if KINDS[opened.recipe.plan.kind].draws == "each":
        kind, accepted = opened.recipe.plan.kind, opened.folder / ACCEPTED
        raise UsageError(
            f"{opened.recipe.seeds} has the texts of a run of {kind} already, and they would stand there twice; read the rows as "
            f"a set of their own: vetset read {shell(accepted)} -o NAME.vet"
        )
    dataset = Dataset.open(opened.recipe.seeds)
    return BroughtIn(dataset.folder, bring_in(dataset, opened.folder))
