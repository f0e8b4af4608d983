"""The rows that may be chosen, and what each of them is: its stratum, its region, its copies, what makes it an edge case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from ...curate import text
from ...curate.coverage.regions import regions
from ...curate.dataset import Dataset
from ...curate.decisions.applied import apply, head_for
from ...curate.decisions.ledger import Ledger
from ...curate.distill.lineage import is_synthetic
from ...curate.embed.encoder import TFIDF, find_encoder
from ...curate.embed.encoding import Encoded, Report, encode, row_texts
from ...curate.errors import DataError, UsageError, quote
from ...curate.options import Options
from ...curate.splits.components import connect, renumber
from ...curate.splits.near import near_clusters
from ...curate.wording import counted

Ints = npt.NDArray[np.int64]

_COLUMNS = ("label", "source", "annotator", "license", "origin", "split", "group")
NONE = "none"
"""What ``by`` takes for no stratum at all."""


@dataclass(frozen=True)
class Pool:
    """The n rows that may be chosen, and what their choice goes by."""

    rows: pl.DataFrame
    """``dataset.ROWS``, as decisions have them."""
    stratum: list[str]
    """Name of each row's stratum."""
    near: pl.Series
    """Cluster of near copies; null where nothing is seen."""
    unit: Ints
    """Rows that ask the same in one stratum: one question, asked several times."""
    encoded: Encoded
    by: tuple[str, ...]
    encoder: str
    dropped: int
    """Rows of the set that decisions took out before."""
    blank: int
    """Rows that ask nothing that can be seen."""
    common: int
    """Rows left out since their text stands too often."""
    notes: list[str]

    def regions(self, count: int) -> Ints:
        """Return (n) the region of each row's vector, ``count`` at most; texts without a vector share one of their own."""
        found = regions(self.encoded.vectors, count)  # of no seed: what is to be covered is no matter of luck
        return renumber(np.where(self.encoded.of_row < 0, -1, np.append(found, -1)[self.encoded.of_row]))


def standing(dataset: Dataset) -> pl.DataFrame:
    """Return the rows that no decision has dropped, as decisions have them."""
    with Ledger.open(dataset.folder) as ledger:
        return apply(dataset.rows, head_for(ledger, dataset.rows).heads).rows


def pool_of(
    dataset: Dataset,
    rows: pl.DataFrame,
    *,
    by: Sequence[str] | None = None,
    split: str | None = None,
    most_copies: int | None = None,
    encoder: str | None = None,
    download: bool = False,
    cache: Path | None = None,
    progress: Report | None = None,
) -> Pool:
    """Return the rows of a set that may be chosen.

    Args:
        dataset: the set.
        rows: ``standing(dataset)``.
        by: columns whose values make the strata, of the rows or of the source (``extra``); for ``None`` the label where it is a
            class; ``("none",)`` for a single stratum.
        split: rows of this split alone.
        most_copies: rows whose text stands more often are left out, and stay in train.
        encoder: whose vectors make the regions (``embed.encoder``); TF-IDF for ``None``.
        download: whether it may be fetched.
        cache: a folder to keep vectors in.
        progress: told how far the encoding is.

    Raises:
        UsageError: a column or split that is not there.
        DataError: there is no row to choose.
    """
    dropped = dataset.rows.height - rows.height
    if split is not None:
        rows = _of_split(dataset, rows, split)
    notes: list[str] = []
    made = is_synthetic(rows)
    if made.any():
        notes.append(
            f"{counted(int(made.sum()), 'synthetic row')} can't be chosen: what a teacher writes is no measure of what people ask"
        )
        rows = rows.filter(~made)
    keys = text.keys(rows)
    seen = ~keys["input_empty"] & keys["input"].is_not_null()
    blank = rows.height - int(seen.sum())
    rows, keys = rows.filter(seen), keys.filter(seen)
    common = 0
    if most_copies is not None:
        few = keys.select(pl.len().over("input_folded") <= most_copies).to_series()
        common = rows.height - int(few.sum())
        rows, keys = rows.filter(few), keys.filter(few)
    if rows.is_empty():
        raise DataError(
            f"{dataset.folder} has no row to choose: of {counted(dataset.rows.height, 'row')} {dropped:,} are dropped, "
            f"{blank:,} ask nothing that can be seen, {common:,} stand too often, {int(made.sum()):,} are synthetic; look at "
            "them with `vetset findings`."
        )
    columns = _columns(rows, by, notes)
    stratum = _strata(rows, columns, dataset)
    options = Options.given(dataset.manifest.get("options", {}))
    found = find_encoder(encoder or TFIDF, download=download)
    told = progress if encoder is not None else None  # words take seconds, and nobody asked for an encoding
    encoded = encode(row_texts(rows, "input"), found.encoder, cache=cache, progress=told)
    unit = pl.DataFrame({"text": keys["input_folded"], "stratum": stratum}).select(pl.struct("text", "stratum"))
    return Pool(
        rows, stratum, near_clusters(rows, threshold=options.threshold, shingle=options.shingle),
        connect(rows.height, unit.to_series()), encoded, columns, found.name, dropped, blank, common, notes,
    )  # fmt: skip


def _of_split(dataset: Dataset, rows: pl.DataFrame, split: str) -> pl.DataFrame:
    found = rows.filter(pl.col("split") == split)
    if found.is_empty():
        names = ", ".join(quote(name, 20) for name in rows["split"].drop_nulls().unique().sort()[:8]) or "none"
        raise UsageError(f"{dataset.folder} has no row in split {quote(split)}; its splits are {names}.")
    return found


def _columns(rows: pl.DataFrame, by: Sequence[str] | None, notes: list[str]) -> tuple[str, ...]:
    """Return the columns of the strata: those that were named, or the label where it is a class."""
    if by is not None:
        return tuple(name for name in dict.fromkeys(by) if name != NONE)
    labels = rows["label"].drop_nulls()
    if labels.is_empty():
        return ()
    if 2 * labels.n_unique() > len(labels):
        notes.append(
            f"{labels.n_unique():,} different labels on {counted(len(labels), 'row')} are answers and no classes, so they make "
            "no strata; name columns that do with --by"
        )
        return ()
    return ("label",)


def _mapped(dataset: Dataset) -> dict[str, str]:
    """Return which column of the rows a column of the source became: who read ``channel`` as the source may ask for either."""
    found: dict[str, str] = {}
    for entry in dataset.manifest.get("inputs") or []:
        columns = entry.get("columns") if isinstance(entry, dict) else None
        for ours, theirs in (columns or {}).items():
            if isinstance(theirs, str) and ours in _COLUMNS and theirs not in _COLUMNS:
                found.setdefault(theirs, ours)
    return found


def _strata(rows: pl.DataFrame, columns: Sequence[str], dataset: Dataset) -> list[str]:
    """Return the name of each row's stratum: its values, one after the other."""
    if not columns:
        return ["all"] * rows.height
    read_as = _mapped(dataset)
    values = []
    for name in columns:
        if (column := read_as.get(name, name)) in _COLUMNS:
            value = rows[column]
        else:
            path = "$" + "".join(f"['{key}']" for key in name.split("."))
            value = rows["extra"].str.json_path_match(path) if "'" not in name else rows["extra"].head(0)
        if not value.count():
            raise UsageError(
                f"no row of {dataset.folder} has a value in {quote(name)}, which --by names; it takes {', '.join(_COLUMNS)}, a "
                "field of the source (meta.channel for a nested one), or none."
            )
        values.append(value.fill_null("(none)").alias(f"column {len(values)}"))
    return pl.DataFrame(values).select(pl.concat_str(pl.all(), separator=" | ")).to_series().to_list()
