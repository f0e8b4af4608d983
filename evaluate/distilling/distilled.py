"""The verb ``distill``: a run whose inputs have not changed is told as it stands; all else is work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...curate.distill.folder import unchanged

if TYPE_CHECKING:
    from ...curate.distill.rounds import Progress
    from .opened import Opened


@dataclass
class Counts:
    """What a run asked for, and what it knew."""

    asked: int = 0
    """Calls that were answered now."""
    failed: int = 0
    tokens: int = 0
    money: float | None = None
    """What the teacher's calls of this run took so far, of earlier processes too; ``None`` without prices."""


@dataclass(frozen=True)
class Distilled:
    """What a run came to."""

    folder: Path
    report: dict[str, Any]
    calls: int
    """That were answered now; 0 where nothing was to do."""
    unchanged: bool = False
    """Whether the files stand as an earlier run wrote them."""

    @property
    def short(self) -> int:
        """Rows that are lacking."""
        return int(self.report.get("short", 0))

    def summary(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"folder": str(self.folder), "calls": self.calls, "unchanged": self.unchanged, **self.report}


def distill(
    opened: Opened,
    *,
    say: Callable[[str], None] = lambda _: None,
    tell: Callable[[Progress], None] = lambda _: None,
    called: Callable[[Counts], None] = lambda _: None,
    anew: bool = False,
) -> Distilled:
    """Run a recipe and write its folder; what is kept is not asked again.

    Args:
        opened: the recipe.
        say: is told sentences.
        tell: is told how far it is, round by round.
        called: is told what was asked, answer by answer.
        anew: hold everything against the gates again, though nothing has changed.
    """
    digest = opened.digest()
    if not anew and (report := unchanged(opened.folder, digest)) is not None:
        return Distilled(opened.folder, report, 0, unchanged=True)
    from .running import run_recipe  # all gates with it: a second of imports, which a rerun need not wait for

    return run_recipe(opened, digest, say=say, tell=tell, called=called)
