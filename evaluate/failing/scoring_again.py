"""The scorer of a run, once more."""

from __future__ import annotations

import polars as pl

from ...curate.errors import UsageError, quote
from ..runs.prompts import labels_of
from ..runs.results import Run
from ..scorers.case import Scorer
from ..scorers.registry import scorer as make


def scorer_of(run: Run, rows: pl.DataFrame, name: str | None = None) -> Scorer:
    """Return the scorer that judged a run, with its options.

    Args:
        run: the run.
        rows: of its eval set: a scorer of classes has to know them.
        name: of one of its scorers; the primary one for ``None``.

    Raises:
        UsageError: the run has none of that name.
    """
    told = {str(one.get("name")): str(one.get("spec")) for one in run.manifest.get("scorers") or []}
    name = name or str(run.manifest.get("primary"))
    if name not in told:
        raise UsageError(f"{run.folder} does not say how {quote(name)} scores; there is {', '.join(told) or 'none'}.")
    return make(told[name], labels=labels_of(rows) or None)
