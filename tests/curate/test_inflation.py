"""Inflation: finds a planted leak, leaves a set without one alone, and says why it can't be measured."""

import json

import numpy as np
import polars as pl
import pytest
from vetset.curate.dataset import frame
from vetset.curate.errors import UsageError
from vetset.curate.splits.inflation import measure


def people(count, *, leak, words=("refund", "crash")):
    """Rows of 12 a person; with ``leak`` the label is the person's own and only their name tells it."""
    random = np.random.default_rng(0)
    records = []
    for person in range(count):
        own = random.integers(2)
        for _ in range(12):
            label = own if leak else random.integers(2)
            hint = "" if leak else words[label]
            filler = " ".join(f"w{number}" for number in random.integers(0, 300, 4))
            records.append({"messages": f"name{person} {hint} {filler}", "label": "ab"[label], "group": str(person)})
    return frame(records)


def test_a_planted_leak_is_found_with_an_interval_above_zero():
    rows = people(60, leak=True)
    found = measure(rows, rows["group"])
    assert found.reason is None
    assert found.accuracy.random > 0.9
    assert found.accuracy.grouped < 0.65
    assert found.accuracy.low > 0.2
    assert found.accuracy.low <= found.accuracy.difference <= found.accuracy.high
    assert found.macro_f1.low > 0.2
    assert found.sentence.startswith("A small model scores")


def test_where_the_text_tells_the_label_nothing_is_inflated():
    rows = people(60, leak=False)
    found = measure(rows, rows["group"])
    assert found.accuracy.grouped > 0.95
    assert abs(found.accuracy.difference) < 0.02
    assert found.accuracy.low <= 0 <= found.accuracy.high


def test_the_same_call_gives_the_same_figures():
    rows = people(20, leak=True)
    assert measure(rows, rows["group"], seed=3) == measure(rows, rows["group"], seed=3)


def test_more_rows_are_cut_to_whole_units_and_it_is_said():
    rows = people(60, leak=True)
    found = measure(rows, rows["group"], max_rows=300)
    assert (found.rows, found.of, found.units) == (300, 720, 25)
    assert "on 300 of 720 rows, whole units drawn at random" in found.sentence
    json.dumps(found.summary(), allow_nan=False)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (frame([]), "0 rows have a label"),
        (frame([{"messages": "hi", "label": "a", "group": "g"}]), "1 rows have a label"),
        (people(5, leak=True).head(49), "49 rows have a label"),
        (people(6, leak=True).with_columns(label=pl.lit("a")), "every row has the same label"),
        (people(6, leak=True).with_columns(label=pl.col("id")), "are answers, not classes"),
        (people(6, leak=True).with_columns(group=pl.lit("g")), "the rows form 1 unit, and 5 folds need 5"),
        (
            people(8, leak=True).with_columns(
                group=pl.when(pl.int_range(pl.len()) < 90).then(pl.lit("g")).otherwise("id")
            ),
            "one unit holds 90 of 96 rows",
        ),
        (people(6, leak=True).with_columns(group=pl.lit(None, dtype=pl.String)), "no two of the rows hang together"),
        (people(6, leak=True).with_columns(label=pl.lit(None, dtype=pl.String)), "0 rows have a label"),
    ],
)
def test_what_can_not_be_measured_is_said(rows, said):
    found = measure(rows, rows["group"])
    assert found.accuracy is None
    assert said in found.reason
    assert found.sentence.startswith("Not measured: ")


def test_a_fold_whose_rest_has_one_label_is_answered_with_it():
    rows = people(6, leak=True).with_columns(
        label=pl.when(pl.col("group") == "0").then(pl.lit("a")).otherwise(pl.lit("b"))
    )
    assert measure(rows, rows["group"]).accuracy.grouped == pytest.approx(60 / 72)


def test_texts_without_spaces_are_read_by_character():
    rows = people(30, leak=False)
    chinese = rows["label"].replace_strict({"a": "请问我的包裹什么时候到", "b": "手机坏了想要退货"})
    marks = np.random.default_rng(0).integers(0x4E00, 0x4F00, (rows.height, 5))
    texts = [said + "".join(map(chr, mark)) for said, mark in zip(chinese, marks, strict=True)]
    rows = frame(
        [{"messages": t, "label": b, "group": g} for t, b, g in zip(texts, rows["label"], rows["group"], strict=True)]
    )
    found = measure(rows, rows["group"])
    assert found.features == "characters"
    assert found.accuracy.grouped > 0.95


def test_texts_without_any_word_do_not_crash():
    rows = people(10, leak=True).with_columns(pl.Series("messages", frame([{"messages": "🙂 🙃"}] * 120)["messages"]))
    assert measure(rows, rows["group"], features="words").accuracy is not None


def test_wrong_use_is_said():
    rows = people(2, leak=True)
    with pytest.raises(UsageError, match="1 values for 24 rows"):
        measure(rows, pl.Series(["a"]))
    with pytest.raises(UsageError, match="at least 2 folds"):
        measure(rows, rows["group"], folds=1)


def test_github_issues_by_repository_gain_under_two_points(shared):
    lines = [
        json.loads(line)
        for part in ("training", "eval")
        for line in (shared / f"github_docs_issues/assets/docs_issues_{part}.jsonl").read_text().splitlines()
    ]
    rows = frame(
        [
            {"messages": x["text"], "label": x["answer"], "group": "/".join(x["meta"]["url"].split("/")[3:5])}
            for x in lines
        ]
    )
    found = measure(rows, rows["group"])
    assert found.majority == pytest.approx(795 / 1161)
    assert found.accuracy.grouped > 0.82
    assert abs(found.accuracy.difference) < 0.02
