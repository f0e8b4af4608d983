"""Text to points in time: ISO 8601 and what people write instead, parsed column-wise, in UTC."""

from __future__ import annotations

import polars as pl

_YMD = (
    r"^\s*(?P<year>\d{4})[-/.](?P<month>\d{1,2})(?:[-/.](?P<day>\d{1,2}))?"
    r"(?:[T ]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?)?"
    r"\s*(?P<zone>Z|z|UTC|[+-]\d{2}:?\d{2})?\s*$"
)
_DMY = (
    r"^\s*(?P<a>\d{1,2})[-/.](?P<b>\d{1,2})[-/.](?P<year>\d{4})"
    r"(?:[T ,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?\s*(?P<half>[AaPp])?\.?[Mm]?\.?)?\s*$"
)
_COMPACT = r"^\s*((?:1[89]|20)\d{2})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})?)?Z?\s*$"  # ISO 8601, basic format
_YEAR = r"^\s*((?:1[89]|20)\d{2})(?:\.0)?\s*$"
_EPOCH = r"^\s*(\d{9,10}|\d{13})(?:\.\d+)?\s*$"  # seconds since 1970, or milliseconds
# Mail (RFC 5322) and what X's interface gives: an offset from UTC.
_OFFSET = ("%a, %d %b %Y %H:%M:%S %z", "%d %b %Y %H:%M:%S %z", "%a %b %d %H:%M:%S %z %Y")
_WORDED = ("%a, %d %b %Y %H:%M:%S", "%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y", "%a %b %d %H:%M:%S %Y")


def day_first(texts: pl.Series) -> bool | None:
    """Tell whether dates such as 3/9/2020 put the day first; ``None`` when nothing in the column decides.

    >>> day_first(pl.Series(["3.9.2020"])), day_first(pl.Series(["3/9/2020"]))
    (True, None)
    """
    pairs = texts.drop_nulls().str.extract_groups(_DMY).struct.unnest()
    first, second = (pairs[name].cast(pl.Int32, strict=False) for name in ("a", "b"))
    if (first > 12).any():
        return True
    if (second > 12).any():
        return False
    # Nobody writes 3.9.2020 with the month first.
    return True if texts.str.contains(r"^\s*\d{1,2}\.\d{1,2}\.\d{4}").any() else None


def parse(texts: pl.Series, *, day_is_first: bool = False) -> pl.Series:
    """Return ``texts`` as UTC times in microseconds; null where a text is no time. A time without a zone is UTC.

    Reads ISO 8601 (also ``2020/3/9``, ``20200309`` and a space for the T), ``9.3.2020`` and ``3/9/2020 1:05 PM``, seconds
    and milliseconds since 1970, a bare year (its first of January), and dates with month names, as mail has them too.

    >>> parse(pl.Series(["2020/3/9", "2021-01-02T03:04:05+01:00", "soon"])).dt.to_string("%F %T").to_list()
    ['2020-03-09 00:00:00', '2021-01-02 02:04:05', None]
    """
    found = pl.Series(texts.name, [None] * len(texts), dtype=pl.Datetime("us"))
    column = pl.col("t")
    numbers = [_year_first(column), _bare_year(column), _epoch(column), _compact(column)]
    words = [_worded(column, form) for form in _WORDED] + [_offset(column, form) for form in _OFFSET]
    for reading in [*numbers, _day_or_month_first(column, day_is_first), pl.coalesce(*words)]:
        missing = (found.is_null() & texts.is_not_null()).arg_true()
        if not len(missing):  # nearly every column is written one way: the other readings never run
            break
        distinct = texts.gather(missing).alias("t").to_frame()
        values = distinct.unique().with_columns(reading.alias("found"))
        found = found.scatter(missing, distinct.join(values, on="t", how="left", maintain_order="left")["found"])
    known = found.dt.year().is_between(1, 9999)  # what Python's datetime holds; polars counts on and back
    return found.zip_with(known.fill_null(value=False), pl.Series([None], dtype=found.dtype)).dt.replace_time_zone(
        "UTC"
    )


def _worded(column: pl.Expr, form: str) -> pl.Expr:
    plain = column.str.strip_chars().str.replace(r"\s*(GMT|UTC|[+-]0000)$", "")
    return plain.str.to_datetime(form, strict=False, time_unit="us")


def _offset(column: pl.Expr, form: str) -> pl.Expr:
    return column.str.strip_chars().str.to_datetime(form, strict=False, time_unit="us").dt.replace_time_zone(None)


def _number(parts: pl.Expr, name: str, default: int) -> pl.Expr:
    return parts.struct.field(name).cast(pl.Int32, strict=False).fill_null(default)


def _moment(parts: pl.Expr, month: pl.Expr, day: pl.Expr) -> pl.Expr:
    """Build a naive datetime, null where the text did not match or names no real day (30 February)."""
    date = pl.concat_str(
        parts.struct.field("year"), month.cast(pl.String).str.zfill(2), day.cast(pl.String).str.zfill(2), separator="-"
    ).str.to_date("%Y-%m-%d", strict=False)
    clock = pl.duration(
        hours=_number(parts, "hour", 0),
        minutes=_number(parts, "minute", 0),
        seconds=_number(parts, "second", 0),
        time_unit="us",
    )
    sane = (_number(parts, "hour", 0) < 25) & (_number(parts, "minute", 0) < 60) & (_number(parts, "second", 0) < 61)
    return pl.when(sane).then(date.cast(pl.Datetime("us")) + clock)


def _year_first(column: pl.Expr) -> pl.Expr:
    parts = column.str.extract_groups(_YMD)
    fraction = parts.struct.field("fraction").str.pad_end(9, "0").str.head(6).cast(pl.Int64, strict=False).fill_null(0)
    zone = parts.struct.field("zone").str.replace(":", "")
    minutes = zone.str.slice(1, 2).cast(pl.Int32, strict=False) * 60 + zone.str.slice(3, 2).cast(pl.Int32, strict=False)
    offset = pl.when(zone.str.starts_with("-")).then(-minutes).otherwise(minutes).fill_null(0)
    moment = _moment(parts, _number(parts, "month", 1), _number(parts, "day", 1))
    return moment + pl.duration(microseconds=fraction, time_unit="us") - pl.duration(minutes=offset, time_unit="us")


def _day_or_month_first(column: pl.Expr, day_is_first: bool) -> pl.Expr:
    parts = column.str.extract_groups(_DMY)
    day, month = ("a", "b") if day_is_first else ("b", "a")
    moment, half = _moment(parts, _number(parts, month, 1), _number(parts, day, 1)), parts.struct.field("half")
    hour = _number(parts, "hour", 0)
    shift = pl.when(half.is_in(["p", "P"]) & (hour < 12)).then(12).when(half.is_in(["a", "A"]) & (hour == 12)).then(-12)
    sane = half.is_null() | hour.is_between(1, 12)
    return pl.when(sane).then(moment + pl.duration(hours=shift.otherwise(0), time_unit="us"))


def _compact(column: pl.Expr) -> pl.Expr:
    parts = column.str.extract_groups(_COMPACT)
    year, month, day, *clock = (parts.struct.field(str(i)) for i in range(1, 7))
    text = pl.concat_str(year, month, day, *(part.fill_null("00") for part in clock))
    return text.str.to_datetime("%Y%m%d%H%M%S", strict=False, time_unit="us")


def _bare_year(column: pl.Expr) -> pl.Expr:
    return pl.datetime(column.str.extract(_YEAR).cast(pl.Int32, strict=False), 1, 1, time_unit="us")


def _epoch(column: pl.Expr) -> pl.Expr:
    ticks = column.str.extract(_EPOCH).cast(pl.Int64, strict=False)
    return pl.from_epoch(pl.when(ticks > 10**11).then(ticks).otherwise(ticks * 1000), time_unit="ms").cast(
        pl.Datetime("us")
    )
