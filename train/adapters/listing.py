"""What a list of adapters says of each: task, base, data, verdict, age, and whether it is due."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ...evaluate.runs.training_data import LINEAGE
from ..curves import FILE as CURVES
from .ageing import due, moved_on
from .library import Adapter, find_adapters, run_places, verdicts

_MOST = 200  # trainings; a folder with more is listed by its newest


@dataclass(frozen=True)
class Listed:
    """An adapter, and what was found out about it."""

    adapter: Adapter
    verdict: Mapping[str, Any] | None
    moved: list[str]
    """Sentences: what is not any more as it was, and what could not be looked at."""
    days: float | None

    @property
    def due(self) -> bool:
        """Whether base or data moved on."""
        return due(self.moved)

    @property
    def word(self) -> str | None:
        """Of the verdict."""
        return None if self.verdict is None else str(self.verdict.get("verdict"))

    def summary(self, *, whole: bool = False) -> dict[str, Any]:
        """Return it as JSON values; ``whole`` with the lineage and the verdict."""
        adapter, lineage = self.adapter, self.adapter.lineage
        told = {
            "name": adapter.name, "folder": str(adapter.folder), "kind": "model" if adapter.whole else "adapter",
            "task": adapter.task, "base": adapter.base, "base_digest": lineage.base.digest if lineage else None,
            "data_sha256": lineage.data.sha256 if lineage else None, "rows": lineage.data.rows if lineage else None,
            "digest": adapter.digest, "rank": None if adapter.whole else adapter.rank, "verdict": self.word,
            "run": None if self.verdict is None else self.verdict.get("run"), "finished": lineage.finished if lineage else None,
            "days": None if self.days is None else round(self.days, 2), "due": self.due, "why": self.moved,
        }  # fmt: skip
        if not whole:
            return told
        of = None if lineage is None else msgspec.to_builtins(lineage)
        return told | {"lineage": of, "told": self.verdict, "fault": adapter.fault}


@dataclass(frozen=True)
class Library:
    """The adapters of a folder."""

    place: Path
    adapters: list[Listed]
    faults: list[str]
    """Of folders that look like an adapter's and can't be opened."""

    def summary(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"folder": str(self.place), "adapters": [one.summary() for one in self.adapters], "faults": self.faults}


def list_adapters(
    place: str | Path, *, runs: Iterable[str | Path] = (), now: datetime.datetime | None = None
) -> Library:
    """Look at every adapter of a folder.

    Args:
        place: the folder.
        runs: folders with runs, where verdicts are looked for besides ``run_places``.
        now: the time that ages are counted to.

    Raises:
        UsageError: there is no such folder.
    """
    found, faults = find_adapters(place)
    known = verdicts(run_places(place, runs))
    listed = [Listed(one, known.get(one.digest), moved_on(one), one.days(now)) for one in found]
    return Library(Path(place), listed, faults)


def find_trainings(places: Iterable[Path]) -> list[Path]:
    """Return folders of trainings that have curves or a lineage, those at work too, one and two levels down, the newest first."""
    found: dict[Path, float] = {}
    for place in places:
        for path in (
            path for name in (CURVES, LINEAGE) for depth in ("*/", "*/*/") for path in place.glob(depth + name)
        ):
            inside = path.parent.relative_to(place).parts
            if not any(part.startswith(".") or part == "checkpoints" for part in inside):
                with contextlib.suppress(OSError):  # gone between the look and this
                    found[path.parent] = max(path.stat().st_mtime, found.get(path.parent, 0.0))
    return sorted(found, key=lambda folder: (-found[folder], str(folder)))[:_MOST]


def listed(adapter: Adapter, *, runs: Iterable[str | Path] = ()) -> Listed:
    """Look at one adapter."""
    known = verdicts(run_places(adapter.folder.resolve().parent, [adapter.folder, *runs]))
    return Listed(adapter, known.get(adapter.digest), moved_on(adapter), adapter.days())
