"""Tokens of a request as a run counted them."""

from __future__ import annotations

import math
from pathlib import Path

import polars as pl

from ...curate.errors import DataError
from ..runs.results import Run
from ..stats.clustered import clustered_mean, design
from .amounts import Amount

_WIDE = 2.4  # standard errors to each side: the triangle's standard deviation is its half over the root of 6


def measured_tokens(folder: str | Path) -> dict[str, Amount]:
    """Return the mean tokens of the requests that a run stands for: ``input_tokens, output_tokens``.

    Rows count by their weight, since long ones were chosen oftener; several answers to a row are one row, and rows of a cluster
    one observation. The range is a triangle whose spread is the standard error of that mean; a run of one cluster has none.

    Raises:
        UsageError: there is no run.
        DataError: it counted no tokens.
    """
    results = Run.open(folder).results
    found = {}
    for key, column in (("input_tokens", "prompt_tokens"), ("output_tokens", "completion_tokens")):
        rows = (
            results.filter(pl.col(column).is_not_null())
            .group_by("id", maintain_order=True)
            .agg(pl.col(column).mean(), pl.col("weight").first(), pl.col("cluster").first())
        )
        if rows.is_empty():
            raise DataError(f"{folder}/results.parquet counts no {column}; give {key} in the price file.")
        clusters = rows.select(pl.coalesce("cluster", "id")).to_series()
        weights = rows["weight"].fill_null(1.0).to_numpy()
        told = clustered_mean(rows[column].to_numpy(), design(rows.height, weights=weights, clusters=clusters))
        mean, half = float(told.mean), 0.0 if math.isnan(told.error) else _WIDE * float(told.error)
        found[key] = Amount(max(mean - half, 0.0), mean, mean + half)
    return found
