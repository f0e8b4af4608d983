"""The runs behind a set's synthetic rows: how full their grids are, and how diverse what they made is."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from ..distill.diversity import Diversity, diversity
from ..distill.filling import filled, filled_cells
from ..distill.folder import DRAFTS, REPORT, SPEND, SUFFIX
from ..embed.encoder import TFIDF, find_encoder
from ..embed.encoding import row_texts
from ..errors import DataError
from .view import View
from .worklist import Positions

_LARGEST = 64_000_000  # bytes of a report; one of 100,000 cells has some 20 MB
_MOST = 200  # runs
_MEASURED = 10_000  # rows a side that are measured on a page: 3 CPU seconds


@dataclass(frozen=True)
class Run:
    """What a run told of itself."""

    name: str
    folder: Path
    report: dict[str, Any]
    paid: dict[str, Any]
    """What was paid, rejected drafts and all; empty where it is not told."""

    @property
    def cells(self) -> pl.DataFrame:
        """How full its grid is (``filling.filled``).

        Raises:
            DataError: the report is damaged.
        """
        told = self.report.get("cells")
        if not isinstance(told, list):
            raise DataError(
                f"{self.folder / REPORT} tells of no cells; run `vetset distill` again, which writes it anew."
            )
        return filled_cells(told)


def find_runs(places: Iterable[Path]) -> dict[str, Run]:
    """Return the runs in these folders by their name, the newest of each; what can't be read is none."""
    found: dict[Path, float] = {}
    for place in places:
        for path in place.glob(f"*/{REPORT}"):
            with suppress(OSError):  # gone between the look and this
                if path.with_name(DRAFTS).is_file():  # others write a report, too
                    found[path] = path.stat().st_mtime
    runs: dict[str, Run] = {}
    for path in sorted(found, key=lambda path: (-found[path], str(path)))[:_MOST]:
        name = path.parent.name.removesuffix(SUFFIX)
        report = _read(path)
        if name not in runs and report is not None:
            runs[name] = Run(name, path.parent, report, _read(path.with_name(SPEND)) or {})
    return runs


def _read(path: Path) -> dict[str, Any] | None:
    try:
        if path.stat().st_size > _LARGEST:
            return None
        report = msgspec.json.decode(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return report if isinstance(report, dict) else None


def cells_of(made: pl.DataFrame) -> pl.DataFrame:
    """Return how many rows of each cell stand in the set: what can be told of a run without its folder.

    Args:
        made: ``synthetic.MADE``.
    """
    return filled(made.select("cell", "fate"))


def measure(view: View, made: Positions, synthetic: Positions, *, seed: int = 0) -> Diversity:
    """Measure the diversity of synthetic rows beside the real rows of the same labels, by TF-IDF: what a page can wait for.

    Args:
        view: the frames.
        made: positions of the rows to measure.
        synthetic: of all synthetic rows: none of them is real.
        seed: of the draws.

    Raises:
        UsageError: there is no row to measure.
    """
    real = np.ones(view.rows.height, bool)
    real[synthetic] = False
    labels = view.rows["label"].gather(made)
    if labels.null_count() == 0:
        # 77 labels beside rows of three would make any of them look narrow.
        of_labels = view.rows["label"].is_in(labels.unique().implode()).fill_null(value=False).to_numpy()
        real = real & of_labels if (real & of_labels).any() else real
    rows = [_some(made, seed), _some(np.flatnonzero(real), seed)]
    texts = [row_texts(view.take(positions)) for positions in rows]
    return diversity(texts[0], texts[1], encoder=find_encoder(TFIDF).encoder, name=TFIDF, seed=seed)


def _some(positions: Positions, seed: int) -> Positions:
    if positions.size <= _MEASURED:
        return np.sort(positions)
    return np.sort(np.random.default_rng(seed).choice(positions, _MEASURED, replace=False))
