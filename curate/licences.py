"""Rows of which nobody can say whether they may be trained on."""

from __future__ import annotations

import polars as pl

from .errors import quote
from .findings import report
from .spdx import identify

_EMPTY_WORDS = frozenset(
    ("", "unknown", "other", "none", "null", "n/a", "na", "nan", "-", "?", "tbd", "unspecified", "see repo")
)

_TELLS_NOTHING = 0.8  # score from which on a licence is not known; below, it is known and spelt otherwise


def find_unknown(rows: pl.DataFrame) -> pl.DataFrame:
    """Find rows without a licence, or with one that is not an SPDX identifier nor a known name for one.

    A usual spelling of a known licence (``apache 2.0``) is found too, with a low score and the identifier as
    ``value``. What a licence forbids (commercial use, changes) is not this rule's matter.

    >>> from vetset.curate.dataset import frame
    >>> find_unknown(frame([{"messages": "hi", "license": "apache 2.0"}]))["value"][0]
    'Apache-2.0'
    """
    named = rows["license"].unique().drop_nulls().sort()
    judged = [_judge(name) for name in named]
    table = pl.DataFrame(
        {
            "license": named,
            "score": [j[0] for j in judged],
            "note": [j[1] for j in judged],
            "value": [j[2] for j in judged],
        },
        schema={"license": pl.String, "score": pl.Float64, "note": pl.String, "value": pl.String},
    )
    none = pl.col("license").is_null()
    found = (
        rows.select("id", "license", "file")
        .join(table, on="license", how="left", maintain_order="left")
        .with_columns(
            pl.when(none).then(1.0).otherwise("score").alias("score"),
            pl.when(none & none.all())
            .then(pl.lit("No row has a licence; give it at the read with `--license SPDX`."))
            .when(none & none.all().over("file"))
            .then(pl.lit("No row of its file has a licence; read that file with `--license SPDX`."))
            .when(none)
            .then(pl.lit("The row has no licence, though others of its file have one."))
            .otherwise("note")
            .alias("note"),
        )
        .filter(pl.col("score") > 0)
        # Never edit: an edit's value is new messages, and here it is the licence to give at the next read.
        .with_columns(pl.lit("review").alias("suggest"))
    )
    return report(found, "licences.unknown")


def is_known(name: str | None) -> bool:
    """Say whether a licence's name tells what it is; one that SPDX writes otherwise does.

    >>> [is_known(name) for name in ("apache 2.0", "unknown", None)]
    [True, False, False]
    """
    return name is not None and _judge(name)[0] < _TELLS_NOTHING


def _judge(name: str) -> tuple[float, str, str | None]:
    """Return score, note and the identifier of one licence's name; score 0 is nothing to say."""
    if name.strip().casefold() in _EMPTY_WORDS:
        return 1.0, f"The licence is given as {quote(name, 20)}, which says nothing.", None
    if name.strip().casefold() in {"proprietary", "all rights reserved"}:
        return 0.0, "", None
    known = identify(name)
    if known is None:
        return (
            _TELLS_NOTHING,
            f"The licence {quote(name, 40)} is no SPDX identifier; give one, or LicenseRef- and a name of yours.",
            None,
        )
    if known.casefold() != name.casefold():  # SPDX compares identifiers without regard to case (annex D of 2.3)
        return 0.2, f"The licence {quote(name, 40)} is written {quote(known, 40)} in SPDX.", known
    return 0.0, "", None
