"""Columns beside the text that give the label away: by what they miss, or because each value has one label."""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec
import polars as pl

from ..errors import quote
from .quoting import named

_SAMPLE = 20_000  # rows looked at, evenly spaced; enough to tell 99% from less
_AGREEMENT = 0.99  # of each side of the split between missing and there; 1 in 100 may be an accident of the source
_CHANCE = 1e-3  # that any column of the set misses values on just one label's rows by accident
_COLUMNS = 200  # of `extra` that are looked at; sets keyed by free text can have one a row
_VOID = frozenset((b"null", b'""', b"[]", b"{}", b"NaN"))
_OWN = ("group", "time", "annotator", "source", "license")


def find_columns(rows: pl.DataFrame) -> pl.DataFrame:
    """Find rows whose label shows in a column beside the text.

    * A column is empty on just the rows of one label, or filled on just these (``closed_at`` on closed tickets): the
      rows of that side are found. With two labels, where both hold, the empty side.
    * Each ``source`` or each ``annotator`` has one label only: the first row of each value is found, as evidence;
      a model may learn to tell the sources apart instead of the labels.

    Patterns are learned on at most 20,000 rows, and one in a hundred rows may break them.

    Returns:
        ``row, score, note``.
    """
    labelled = rows.with_row_index("row").filter(pl.col("label").is_not_null())
    sample = labelled.gather_every(max(1, math.ceil(len(labelled) / _SAMPLE)))
    nothing = pl.DataFrame(schema={"row": pl.UInt32, "score": pl.Float64, "note": pl.String})
    if sample["label"].n_unique() < 2:
        return nothing
    beside = _filled(sample)
    tries = max(1, beside.width) * sample["label"].n_unique()
    found = [nothing]
    for column in beside.columns:
        for filled in (False, True):
            label = _label_of_side(beside[column] == filled, sample["label"], tries)
            if label is not None:
                found.append(_side(labelled, column, filled=filled, label=label))
                break
    found += [_each_value(labelled, column) for column in ("source", "annotator")]
    return pl.concat(found)


def _filled(rows: pl.DataFrame, only: str | None = None) -> pl.DataFrame:
    """Return one boolean column a column beside the text: does the row have a value there?"""
    filled: dict[str, pl.Series] = {
        f"'{name}'": rows[name].is_not_null() for name in _OWN if only is None or only == f"'{name}'"
    }
    if only is None or only not in filled:
        # Raw values are told apart from void ones without being parsed; json_path_match reads each row once a column.
        records = list(_records(rows["extra"]))
        names = [only] if only else list(dict.fromkeys(name for record in records for name in record))[:_COLUMNS]
        for name in names:
            filled[name] = pl.Series(
                name, [bytes(record.get(name, b"null")) not in _VOID for record in records], dtype=pl.Boolean
            )
    return pl.DataFrame(filled)


def _records(extra: pl.Series) -> Iterator[dict[str, msgspec.Raw]]:
    decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
    for line in extra:
        try:
            yield decoder.decode(line) if line and line != "{}" else {}
        except (msgspec.DecodeError, RecursionError):  # brackets a thousand deep
            yield {}


def _label_of_side(side: pl.Series, labels: pl.Series, tries: int) -> str | None:
    """Return the label whose rows are the rows of ``side``, if there is one and chance can't explain it."""
    size, total = int(side.sum()), len(side)
    if not 0 < size < total:
        return None
    label, inside = labels.filter(side).value_counts(sort=True).sort("count", "label", descending=[True, False]).row(0)
    of_label = int((labels == label).sum())
    if inside < _AGREEMENT * size or inside < _AGREEMENT * of_label:
        return None
    # That k blanks fall on just the k rows of a label by chance: 1 / (n over k).
    log_chance = math.lgamma(size + 1) + math.lgamma(total - size + 1) - math.lgamma(total + 1)
    return label if log_chance + math.log(tries) < math.log(_CHANCE) else None


def _side(labelled: pl.DataFrame, column: str, *, filled: bool, label: str) -> pl.DataFrame:
    state = _filled(labelled, only=column)[column] == filled
    hits = labelled.filter(state & (labelled["label"] == label))
    of_label = int((labelled["label"] == label).sum())
    whose = named([label], 25)[0]
    note = (
        f"Column {quote(column.strip(chr(39)), 25)} is {'filled' if filled else 'empty'} on {int(state.sum())} rows, "
        f"{len(hits)} of them among the {of_label} labelled {whose}: it gives the label away."
    )
    return hits.select("row", pl.lit(0.6).alias("score"), pl.lit(note).alias("note"))


def _each_value(labelled: pl.DataFrame, column: str) -> pl.DataFrame:
    known = labelled.select("row", "label", pl.col(column).alias("value")).drop_nulls()
    nothing = known.clear().select("row", pl.lit(0.0).alias("score"), pl.lit("").alias("note"))
    if known["label"].n_unique() < 2:
        return nothing
    counts = known.group_by("value", "label").agg(pl.len().alias("rows"), pl.col("row").min())
    values = (
        counts.sort(pl.col("rows"), "label", descending=[True, False])
        .group_by("value", maintain_order=True)
        .agg(pl.col("label").first(), pl.col("rows").first().alias("top"), pl.col("rows").sum(), pl.col("row").min())
    )
    # Small groups have one label by nature, so each value needs 10 rows; two labels must be told apart by it.
    pure = int(values["top"].sum()) >= _AGREEMENT * len(known)
    if not pure or min(values["rows"], default=0) < 10 or values["label"].n_unique() < 2:
        return nothing
    values = values.sort("row")
    of = values.with_columns(value=named(values["value"], 20), label=named(values["label"], 20))
    notes = [
        f"Each {column} has one label only: {value} has {label} on {top} of its {rows} rows."
        for value, label, top, rows in of.select("value", "label", "top", "rows").iter_rows()
    ]
    return values.select("row", pl.lit(0.5).alias("score"), pl.Series(notes, dtype=pl.String).alias("note"))
