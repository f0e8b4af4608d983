"""Tokens of a request as a run counted them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...curate.errors import DataError
from ..runs.results import Run
from .amounts import Amount

_WIDE = 2.0  # standard errors: the mean of another week's requests lies within them 19 times in 20


def measured_tokens(folder: str | Path) -> dict[str, Amount]:
    """Return the mean tokens of a run's requests with two standard errors to each side: ``input_tokens, output_tokens``.

    Raises:
        UsageError: there is no run.
        DataError: it counted no tokens.
    """
    results = Run.open(folder).results
    found = {}
    for key, column in (("input_tokens", "prompt_tokens"), ("output_tokens", "completion_tokens")):
        counts = results[column].drop_nulls().to_numpy().astype(np.float64)
        if not counts.size:
            raise DataError(f"{folder}/results.parquet counts no {column}; give {key} in the price file.")
        mean = float(counts.mean())
        error = float(counts.std(ddof=1) / counts.size**0.5) if counts.size > 1 else 0.0
        found[key] = Amount(max(mean - _WIDE * error, 0.0), mean, mean + _WIDE * error)
    return found
