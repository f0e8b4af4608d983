"""Where rows are from, and whether they may be used: files, sources, licences with what they allow, and who wrote them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

import polars as pl

from .. import parts
from ..dataset import Dataset
from ..errors import DataError
from ..licence_terms import Terms, terms
from .desk import Look
from .worklist import NONE, Filter

FILES = pl.Schema(
    {
        "path": pl.String,  # as it was given
        "kind": pl.String,  # csv, jsonl, ...
        "rows": pl.Int64,
        "rejects": pl.Int64,
        "bytes": pl.Int64,
        "sha256": pl.String,
        "license": pl.String,  # that was given for all of the file, null where none was
    }
)
"""Columns of ``files``; what the manifest does not say is null."""

_REJECTS = 20  # that are shown


@dataclass(frozen=True)
class Licensed:
    """The rows of one source under one licence, in the hands that wrote them."""

    source: str | None
    license: str | None
    origin: str
    rows: int
    terms: Terms

    @property
    def filter(self) -> Filter:
        """The rows, for a queue."""
        return Filter("rows", source=(self.source or NONE,), license=(self.license or NONE,), origin=(self.origin,))


def licensed(look: Look) -> list[Licensed]:
    """Return the rows by source, licence and origin: those first whose licence is not known, then the most rows."""
    counts = _groups(look, "source", "license", "origin")
    counts = counts.sort("rows", "source", "license", "origin", descending=[True, False, False, False])
    found = [Licensed(source, name, origin, rows, terms(name)) for source, name, origin, rows in counts.iter_rows()]
    return sorted(found, key=lambda of: of.terms.kind != "unknown")


def _groups(look: Look, *columns: str) -> pl.DataFrame:
    """Return how many ``rows`` have each combination of ``columns``.

    A column of one value, which most sets have there, is left out of the grouping: that of a million rows by three columns
    takes 80 MB.
    """
    told = look.view.rows.select(columns)
    values = {name: told[name].unique() for name in columns}
    varied = [name for name in columns if values[name].len() > 1]
    if varied:
        counts = told.select(varied).group_by(varied).agg(rows=pl.len())
    else:
        counts = pl.DataFrame({"rows": [told.height] if told.height else []}, schema={"rows": pl.UInt32})
    same = [pl.lit(values[name][0], pl.String).alias(name) for name in columns if values[name].len() == 1]
    return counts.with_columns(same).match_to_schema(
        {**dict.fromkeys(columns, pl.String), "rows": pl.UInt32}, missing_columns="insert"
    )


def origins(look: Look) -> dict[str, int]:
    """Return the rows of each origin (``human``, a teacher, ``unknown``), the most first."""
    counts = look.view.rows["origin"].value_counts().sort("count", "origin", descending=[True, False])
    return dict(counts.iter_rows())


def files(look: Look) -> pl.DataFrame:
    """Return a line for each file that was read, ``FILES`` columns, in the order of reading."""
    inputs = look.view.manifest.get("inputs", [])
    told = [
        {"kind": entry.get("container"), **{name: entry.get(name) for name in FILES if name != "kind"}}
        for entry in inputs
    ]
    return pl.DataFrame(told, schema=FILES)


def unlicensed_files(look: Look) -> list[str]:
    """Return the files whose rows have a licence that is not known, by name: those to read again with ``--license``."""
    pairs = _groups(look, "file", "license").sort("file", "license")
    unknown = [file for file, name, _ in pairs.iter_rows() if terms(name).kind == "unknown"]
    return list(dict.fromkeys(unknown))


def partly_licensed(look: Look) -> list[str]:
    """Return those of ``unlicensed_files`` of which other rows have a licence that is known."""
    known = {file for file, name, _ in _groups(look, "file", "license").iter_rows() if terms(name).kind != "unknown"}
    return [file for file in unlicensed_files(look) if file in known]


@dataclass(frozen=True)
class Rejects:
    """The lines that could not become rows."""

    count: int
    first: list[dict[str, Any]]
    """The first of them: ``file, line, reason, text``; the text is raw, and masked by who shows it."""
    lost: str | None = None
    """Why they can't be shown, where they can't."""


def rejects(look: Look) -> Rejects:
    """Return how many lines were rejected, and the first of them; reads no more of their file than it shows."""
    count = int(look.view.manifest.get("rejects", 0))
    folder = look.view.folder
    try:
        return Rejects(count, list(islice(Dataset(folder).rejects(), _REJECTS)))
    except DataError as error:
        return Rejects(count, [], str(error))
    except ValueError:
        said = (
            f"{folder / parts.REJECTS} is damaged; read the source files again with `vetset read`: decisions are kept."
        )
        return Rejects(count, [], said)
