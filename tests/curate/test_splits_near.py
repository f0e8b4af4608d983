"""Splits by near copies and by source: what is kept together, reported, measured, and offered where it can't be had."""

import re

import numpy as np
import polars as pl
import pytest
from vetset.curate.dataset import frame
from vetset.curate.errors import DataError
from vetset.curate.splits.assignment import split_rows
from vetset.curate.splits.inflation import measure
from vetset.curate.splits.near import near_clusters

LONG = "dear customer your parcel has left our warehouse today and will reach you within three working days as promised"


def templates(count, *, of=None, **columns):
    """Rows of one text each but for its last word; ``of`` says which text a row has."""
    name = of or (lambda _: "")
    records = [
        {"messages": f"{' '.join(word + name(i) for word in LONG.split())} {i}"}
        | {column: value(i) for column, value in columns.items()}
        for i in range(count)
    ]
    rows = frame(records)
    return rows, near_clusters(rows)


def test_near_copies_stay_on_one_side_and_the_report_says_what_a_random_split_would_have_leaked():
    rows, clusters = templates(600, of=lambda i: f"x{i // 3}x", label=lambda i: "ab"[i % 2])
    assert clusters.n_unique() == 200
    result = split_rows(rows, clusters=clusters)
    assert result.report["by"] == ["duplicates", "near"]
    assert rows.select(cluster=clusters, split=result.assignment).unique().height == 200
    leak = result.report["leaks"]["near"]
    assert (leak["rows"], leak["made"]) == (600, 0)
    assert leak["random"] == pytest.approx(1 - 0.2**2, abs=0.01)
    assert result.report["leaks"]["duplicate"] == {"rows": 600, "made": 0, "random": 0}


def test_near_and_group_hang_together_through_one_another():
    rows, clusters = templates(400, of=lambda i: f"x{i // 2}x", group=lambda i: f"g{(i + 1) // 2}" if i < 8 else None)
    result = split_rows(rows, clusters=clusters)
    assert result.assignment[:8].n_unique() == 1
    assert result.report["units"]["largest"] == 8


def test_rows_without_a_cluster_are_tied_to_nothing_by_near():
    rows = frame([{"messages": str(i)} for i in range(100)])
    result = split_rows(rows, clusters=pl.Series([None] * 100, dtype=pl.UInt32))
    assert result.report["units"]["single"] == 100
    assert "near" not in result.report["leaks"]


def test_sources_stay_whole_and_are_reported_only_where_asked():
    rows = frame([{"messages": f"t {i}", "source": f"file {i // 4}"} for i in range(400)])
    result = split_rows(rows, by=("source", "duplicates"))
    assert rows.select("source", split=result.assignment).unique().height == 100
    assert result.report["leaks"]["source"]["made"] == 0
    assert result.report["leaks"]["source"]["random"] > 0.98
    assert "source" not in split_rows(rows).report["leaks"]


def test_one_source_is_named():
    rows = frame([{"messages": f"t {i}", "source": "web" if i < 90 else f"s{i}"} for i in range(100)])
    with pytest.raises(DataError, match=r"source 'web' holds 90% of the rows \(90 of 100\)"):
        split_rows(rows, by=("source",))


@pytest.mark.parametrize(
    ("columns", "by", "offers"),
    [
        ({}, None, ["duplicates"]),
        ({"group": lambda i: str(i // 5)}, None, ["group,duplicates"]),
        ({"source": lambda i: str(i // 20)}, ("source", "near"), ["source"]),
        ({"group": lambda i: str(i // 5), "source": str}, ("group", "source", "near"), ["group,source"]),
    ],
)
def test_a_thousand_rows_of_one_template_are_told_what_works(columns, by, offers):
    rows, clusters = templates(1000, **columns)
    with pytest.raises(DataError, match="form 1 unit") as caught:
        split_rows(rows, by=by, clusters=clusters)
    assert re.findall(r"--by ([a-z,]+) \(which no longer keeps near\)", str(caught.value)) == offers
    for offer in offers:
        assert split_rows(rows, by=tuple(offer.split(","))).sizes == {"train": 800, "validation": 100, "test": 100}


def test_each_way_that_was_asked_for_is_in_an_offer():
    # Groups alone can be had, and texts alone; both at once chain all rows to one another.
    rows, clusters = templates(900, of=lambda i: f"x{i // 3}x", group=lambda i: str((i + 1) // 3))
    with pytest.raises(DataError) as caught:
        split_rows(rows, clusters=clusters)
    assert re.findall(r"--by ([a-z,]+)", str(caught.value)) == ["group,duplicates", "duplicates,near"]


def test_the_estimate_of_inflation_covers_near_copies():
    random = np.random.default_rng(0)
    label = random.integers(0, 2, 60)  # each template has a label that nothing but the template tells
    rows, clusters = templates(600, of=lambda i: f"x{i // 10}x", label=lambda i: "ab"[label[i // 10]])
    result = split_rows(rows, clusters=clusters)
    found = measure(rows, result.units)
    assert found.units == 60
    assert found.accuracy.low > 0.2
