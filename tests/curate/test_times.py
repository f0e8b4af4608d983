"""Text to points in time: what people write for a date, and what is none."""

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetset.curate.reading.times import day_first, parse

MARCH = datetime(2020, 3, 9, tzinfo=UTC)
READ = {
    "2020/3/9": MARCH, "2020-03-09": MARCH, "2020.03.09": MARCH, "20200309": MARCH, " 2020-03-09 ": MARCH,
    "2020-03-09T13:05:00Z": MARCH.replace(hour=13, minute=5), "2020-03-09 13:05": MARCH.replace(hour=13, minute=5),
    "2020-03-09T15:05:00+02:00": MARCH.replace(hour=13, minute=5), "2020-03-09T13:05:00.123456789Z":
    MARCH.replace(hour=13, minute=5, microsecond=123456), "20200309T130500Z": MARCH.replace(hour=13, minute=5),
    "3/9/2020": MARCH, "3/9/2020 1:05 PM": MARCH.replace(hour=13, minute=5), "3/9/2020 12:05 am": MARCH.replace(minute=5),
    "3/9/2020 12:05 p.m.": MARCH.replace(hour=12, minute=5),
    "2020-03-08T24:00:00": MARCH, "2020": datetime(2020, 1, 1, tzinfo=UTC),
    "2020.0": datetime(2020, 1, 1, tzinfo=UTC), "2020-03": datetime(2020, 3, 1, tzinfo=UTC),
    "1583712000": MARCH, "1583712000000": MARCH,
    "1583712000.0": MARCH, "March 9, 2020": MARCH, "9 Mar 2020": MARCH, "Mon, 09 Mar 2020 10:00:00 GMT": MARCH.replace(hour=10),
    "Mon, 09 Mar 2020 10:00:00 -0500": MARCH.replace(hour=15), "Mon Mar 09 10:00:00 +0000 2020": MARCH.replace(hour=10),
}  # fmt: skip
UNREAD = [
    "",
    "soon",
    "2020-02-30",
    "2020-13-01",
    "3/9/2020 13:05 PM",
    "0000-01-01",
    "99999999",
    "12345678901",
    "2020-3-9-1",
    "٢٠٢٠-٠٣-٠٩",
]


@pytest.mark.parametrize("text", READ)
def test_a_date_is_read(text):
    assert parse(pl.Series([text])).to_list() == [READ[text]]


@pytest.mark.parametrize("text", UNREAD)
def test_what_is_no_date_is_null(text):
    assert parse(pl.Series([text])).to_list() == [None]


def test_one_column_may_hold_every_way_of_writing():
    texts = [*READ, None, *UNREAD, *READ]
    assert parse(pl.Series(texts)).to_list() == [*READ.values(), None, *[None] * len(UNREAD), *READ.values()]


def test_dates_that_sort_wrong_as_text_sort_right_as_times():
    texts = pl.Series(["2020/10/1", "2020/3/9", "2020/12/31"])
    assert (
        texts.sort().to_list()
        != texts.gather(parse(texts).arg_sort()).to_list()
        == ["2020/3/9", "2020/10/1", "2020/12/31"]
    )


def test_the_day_comes_first_when_a_date_of_the_column_says_so():
    assert day_first(pl.Series(["3/9/2020", "31/9/2020"])) is True
    assert day_first(pl.Series(["3/9/2020", "3/31/2020"])) is False
    assert day_first(pl.Series(["3/9/2020", None, "soon"])) is None
    assert parse(pl.Series(["3.9.2020"]), day_is_first=True).to_list() == [datetime(2020, 9, 3, tzinfo=UTC)]


def test_nothing_gives_nothing():
    assert parse(pl.Series([], dtype=pl.String)).to_list() == []
    assert parse(pl.Series([None], dtype=pl.String)).to_list() == [None]
    assert parse(pl.Series([None], dtype=pl.String)).dtype == pl.Datetime("us", "UTC")


@given(st.lists(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)), max_size=5))
def test_what_iso_writes_is_read_back(moments):
    assert parse(pl.Series([moment.isoformat() for moment in moments], dtype=pl.String)).to_list() == [
        moment.replace(tzinfo=UTC) for moment in moments
    ]


@given(st.lists(st.text(alphabet="0123456789-/.:T Z+apmAPMe", max_size=24), max_size=8))
def test_any_text_gives_a_time_that_python_can_hold_or_none(texts):
    assert len(parse(pl.Series(texts, dtype=pl.String)).to_list()) == len(texts)
