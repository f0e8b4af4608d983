"""Edge cases: rows that are rare, long or hard, of which a plain sample of 200 holds too few to look at."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from ...curate.dataset import Dataset
from .candidates import Ints, Pool

Flags = npt.NDArray[np.bool_]

_LONG = 0.05  # of the texts: where a context is cut, or a model loses the thread, is seen at the longest first
_NEAR = 0.10  # of the texts: those that a quick classifier nearly gives another label, or does give one
_TEXTS = 50  # fewer teach a classifier nothing
_CELLS = 50_000_000  # texts times labels: 200 MB; beyond that nearness to a boundary is not looked for
_DISAGREED = ("labels.suspect", "labels.conflict", "labels.ambiguous", "labels.near_conflict", "outputs.conflict")


def edge_cases(pool: Pool, region: Ints, dataset: Dataset, *, rows: int) -> dict[str, Flags]:
    """Return which rows are edge cases, by why: ``rare``, ``long``, ``hard``.

    - rare: of a stratum or a region of which a plain sample of ``rows`` would hold less than one row;
    - long: the longest twentieth of the texts;
    - hard: the last check found its label doubtful, in conflict or ambiguous, or it is of the tenth of the texts that are nearest
      to another label for a ridge classifier on the same vectors, each row judged by all others (leave-one-out).

    Args:
        pool: the rows that may be chosen.
        region: (n) their regions.
        dataset: whose findings are looked at, where a check ran.
        rows: how many are to be chosen.
    """
    few = np.zeros(len(region), bool)
    stratum = np.unique(pool.stratum, return_inverse=True)[1]
    for group in (stratum, region):
        few |= np.bincount(group)[group] * rows < len(region)
    length = _lengths(pool)
    long = length >= max(float(np.quantile(length, 1 - _LONG)), 1)
    if long.mean() > 2 * _LONG:  # most texts are as long as the longest: none stands out
        long[:] = False
    return {"rare": few, "long": long, "hard": _doubted(pool, dataset) | near_boundary(pool)}


def _lengths(pool: Pool) -> npt.NDArray[np.float64]:
    turns = pl.col("messages").list.eval(pl.element().struct.field("content").str.len_bytes()).list.sum()
    return pool.rows.select(turns.fill_null(0)).to_series().to_numpy().astype(np.float64)


def _doubted(pool: Pool, dataset: Dataset) -> Flags:
    """Say which rows the last check found doubtful; those that a person has settled are hard all the same."""
    findings = dataset.findings
    if findings is None:
        return np.zeros(pool.rows.height, bool)
    doubted = findings.filter(pl.col("rule").is_in(_DISAGREED))["id"].unique()
    return pool.rows["id"].is_in(doubted.implode()).to_numpy()


def near_boundary(pool: Pool) -> Flags:
    """Say which rows' labels nearly are other ones, by all other rows; nobody's where labels are no classes."""
    labels, text = pool.rows["label"], pool.encoded.of_row
    known = labels.is_not_null().to_numpy() & (text >= 0)
    names, code = np.unique(labels.filter(pl.Series(known)).to_numpy().astype(str), return_inverse=True)
    texts = len(pool.encoded.vectors)
    none = np.zeros(len(text), bool)
    if not 2 <= len(names) <= known.sum() / 2 or texts < _TEXTS or texts * len(names) > _CELLS:
        return none
    lead = _leads(pool, text[known], code, len(names))
    none[known] = lead <= np.quantile(lead, _NEAR)
    return none


def _leads(pool: Pool, text: Ints, code: Ints, labels: int) -> npt.NDArray[np.float64]:
    """Return by how much each row's label leads the best other one, out of sample."""
    from threadpoolctl import threadpool_limits

    from ...curate.labels.ridge import leave_one_out, linear

    asked, place = np.unique(text, return_inverse=True)
    targets = np.zeros((len(asked), labels), np.float32)
    np.add.at(targets, (place, code), 1.0)
    weight = targets.sum(axis=1)
    targets /= weight[:, None]
    shares = targets.mean(axis=0)
    with threadpool_limits(1):  # small products: threads that wait for each other cost more than they save
        said = leave_one_out(
            linear(pool.encoded.vectors[asked]), targets, np.ones(len(asked), np.float32), shares=shares
        )
    own = said[place, code].astype(np.float64)
    said = said[place].astype(np.float64)
    said[np.arange(len(code)), code] = -np.inf
    return own - said.max(axis=1)
