"""Labels whose meaning moved with time, source or version, and what only looks like it."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from vetset.curate.checking import check
from vetset.curate.coverage.wanted import Wanted
from vetset.curate.dataset import ROWS, Dataset, frame
from vetset.curate.findings import SCHEMA
from vetset.curate.labels.drift import find_drift, may_drift, moves
from vetset.curate.labels.drift_axes import axes
from vetset.curate.labels.labelled import Labelled, from_arrays
from vetset.curate.reading.reader import read

START = datetime(2025, 1, 1, tzinfo=UTC)


def clouds(seed, *, classes=6, each=120, spread=0.9):
    """Vectors of classes that overlap a little, and their labels."""
    draw = np.random.default_rng(seed)
    code = np.repeat(np.arange(classes), each)
    middles = np.linalg.qr(draw.normal(size=(32, 32)))[0][:classes]
    vectors = middles[code] + spread / 32**0.5 * draw.normal(size=(len(code), 32))
    return vectors.astype(np.float32), np.array([f"label {c}" for c in code])


def rows_at(when, *, source=None, extra=None):
    """Rows with times (shares of a year), sources and versions."""
    count = len(when)
    times = [None if w is None else START + timedelta(days=365 * float(w)) for w in when]
    rows = frame([{"messages": f"text {n}"} for n in range(count)])
    return rows.with_columns(
        pl.Series("time", times, dtype=ROWS["time"]),
        pl.Series("source", source if source is not None else [None] * count, dtype=pl.String),
        pl.Series("extra", extra if extra is not None else ["{}"] * count, dtype=pl.String),
    )


def moved(seed, *, share=1.0):
    """A set in which, from day 182 on, a share of the texts of label 1 are label 0."""
    vectors, labels = clouds(seed)
    draw = np.random.default_rng(seed)
    when = draw.random(len(labels))
    change = (labels == "label 1") & (when > 0.5) & (draw.random(len(labels)) < share)
    return rows_at(when), vectors, np.where(change, "label 0", labels)


def days(move):
    return (datetime.fromisoformat(move.axis.values[move.place]).replace(tzinfo=UTC) - START).days


@pytest.mark.parametrize("share", [1.0, 0.6])
def test_a_label_that_takes_over_another_is_found_with_its_date(share):
    rows, vectors, labels = moved(3, share=share)
    found = moves(rows, from_arrays(vectors, labels))
    assert [(move.to, move.was) for move in found] == [(0, 1)]
    assert abs(days(found[0]) - 182) < 0.05 * 365
    now, here, before, there = found[0].counts
    assert now / here > share - 0.2
    assert before / there < 0.2


def test_the_findings_name_both_sides_with_peers_and_a_sentence():
    rows, vectors, labels = moved(3)
    of = from_arrays(vectors, labels)
    found = find_drift(rows, of)
    assert found.schema == SCHEMA
    assert found["cluster"].n_unique() == 1
    assert set(found["suggest"]) == {"review"}
    told = found.join(rows.select("id", "time").with_columns(pl.Series("label", labels)), on="id")
    middle = START + timedelta(days=182)
    late = told.filter(pl.col("time") > middle + timedelta(days=20))
    early = told.filter(pl.col("time") < middle - timedelta(days=20))
    assert set(late["label"]) == {"label 0"}
    assert set(early["label"]) == {"label 1"}
    assert set(found["peer"]) <= set(found["id"])
    assert "are 'label 0', before they were 'label 1' (" in found["note"][0]
    assert found["note"][0].startswith("From 2025-0")


def test_a_source_that_uses_one_label_for_another_is_found():
    vectors, labels = clouds(5)
    source = np.random.default_rng(5).choice(["p", "q", "r"], len(labels))
    labels = np.where((labels == "label 2") & (source == "q"), "label 4", labels)
    found = find_drift(rows_at([None] * len(labels), source=source), from_arrays(vectors, labels))
    assert found.height > 20
    assert found["note"][0].startswith("In source 'q', texts like ")
    assert "are 'label 4', elsewhere they were 'label 2'" in found["note"][0]


def test_a_label_that_is_merged_at_a_version_is_found_along_a_column_that_is_named():
    vectors, labels = clouds(6)
    minor = np.random.default_rng(6).integers(8, 12, len(labels))
    labels = np.where((labels == "label 1") & (minor >= 10), "label 0", labels)
    rows = rows_at([None] * len(labels), extra=[f'{{"app": {{"version": "1.{n}"}}}}' for n in minor])
    of = from_arrays(vectors, labels)
    assert find_drift(rows, of).is_empty()
    assert not may_drift(rows.with_columns(pl.Series("label", labels)))
    found = find_drift(rows, of, columns=["app.version"])
    assert found["note"][0].startswith("From app.version '1.10' on, texts like ")


@pytest.mark.parametrize("shift", ["none", "labels", "inputs"])
def test_topics_and_classes_that_come_and_go_are_no_drift(shift):
    alarms = 0
    for seed in range(12):
        vectors, labels = clouds(seed, spread=1.2)
        draw = np.random.default_rng(seed)
        when = draw.random(len(labels))
        if shift == "labels":  # each class has its own time
            when = draw.random(6)[[int(label[-1]) for label in labels]] + 0.2 * draw.normal(size=len(labels))
        if shift == "inputs":  # time goes through the space of texts
            when = vectors @ draw.normal(size=32) / 2 + 0.2 * draw.normal(size=len(labels))
        alarms += bool(moves(rows_at(when), from_arrays(vectors, labels)))
    assert alarms <= 1


def test_half_a_label_that_moves_in_a_small_set_with_wrong_labels_is_found_whatever_cells_are_drawn():
    for seed in (4, 5, 8):
        draw = np.random.default_rng(seed)
        vectors, labels = clouds(seed, each=60, spread=1.2)
        when = draw.random(len(labels))
        topic = (labels == "label 1") & (draw.random(len(labels)) < 0.5)
        vectors[topic] += np.linalg.qr(np.random.default_rng(seed).normal(size=(32, 32)))[0][6].astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        labels = np.where(topic & (when > 0.5), "label 0", labels)
        wrong = draw.random(len(labels)) < 0.05
        labels = np.where(wrong, [f"label {code}" for code in draw.integers(0, 6, len(labels))], labels)
        found = moves(rows_at(when), from_arrays(vectors, labels))
        assert {(move.to, move.was) for move in found} == {(0, 1)}, seed


def test_noise_that_is_the_same_at_all_times_is_no_drift():
    vectors, labels = clouds(7)
    draw = np.random.default_rng(7)
    labels = np.where(draw.random(len(labels)) < 0.2, draw.permutation(labels), labels)
    assert not moves(rows_at(draw.random(len(labels))), from_arrays(vectors, labels))


@pytest.mark.parametrize(
    "labels",
    [[], ["a"], ["a", "b"], ["a"] * 50, [str(n) for n in range(50)], ["a", "b"] * 25],
    ids=["empty", "one row", "two rows", "one class", "row numbers", "alike vectors"],
)
def test_degenerate_sets_have_no_drift(labels):
    rows = rows_at(np.linspace(0, 1, len(labels)))
    vectors = np.ones((len(labels), 4), np.float32)
    assert find_drift(rows, from_arrays(vectors, labels) if labels else _nothing()).schema == SCHEMA
    assert find_drift(rows, from_arrays(vectors, labels) if labels else _nothing()).is_empty()


def _nothing():
    none = np.zeros(0, np.int64)
    return Labelled(none, none, [], none, np.zeros((0, 4), np.float32), [])


def test_no_time_and_one_time_are_no_axis():
    assert axes(rows_at([None] * 5)) == []
    assert axes(rows_at([0.5] * 5)) == []
    assert [axis.name for axis in axes(rows_at([0.5, 0.6, None]))] == ["time"]
    assert axes(frame([])) == []


def test_few_rows_of_a_source_are_not_held_against_the_others():
    assert axes(rows_at([None] * 60, source=["a"] * 50 + ["b"] * 10)) == []
    assert axes(rows_at([None] * 60, source=["a"] * 30 + ["b"] * 30))[0].values == ["'a'", "'b'"]


def test_one_moment_is_never_cut_in_two():
    draw = np.random.default_rng(0)
    axis = axes(rows_at(draw.integers(0, 200, 5_000) / 200))[0]
    assert axis.count <= 64
    assert len(set(zip(axis.place.tolist(), axis.bins.tolist(), strict=True))) == 200


def test_the_same_is_found_whatever_the_order_of_the_rows():
    rows, vectors, labels = moved(3, share=0.6)
    order = np.random.default_rng(1).permutation(len(labels))
    again = find_drift(rows[order.tolist()], from_arrays(vectors[order], labels[order]))
    found = find_drift(rows, from_arrays(vectors, labels))
    assert found.height > 0
    assert again.sort("id").equals(found.sort("id"))
    assert find_drift(rows, from_arrays(vectors, labels)).equals(found)


def test_a_text_that_repeats_at_one_time_counts_once():
    vectors, labels = clouds(8)
    when = np.random.default_rng(8).random(len(labels))
    # One odd judgement, copied sixty times, is no change of definition.
    at = int(np.flatnonzero((labels == "label 1") & (when > 0.9))[0])
    copies = np.full(60, at)
    whole = from_arrays(vectors, labels)
    of = Labelled(
        np.arange(len(labels) + 60), np.concatenate([whole.code, np.zeros(60, np.int64)]), whole.names,
        np.concatenate([whole.text, copies]), whole.vectors, whole.texts,
    )  # fmt: skip
    assert not moves(rows_at([*when, *when[copies]]), of)


def test_notes_mask_and_cut_what_they_quote():
    rows, vectors, labels = moved(3)
    of = from_arrays(vectors, np.where(labels == "label 0", "ann@example.com " + "长" * 90, labels))
    of = Labelled(of.row, of.code, of.names, of.text, of.vectors, [f"write to ann@example.com 😀 {n}" for n in of.text])
    note = find_drift(rows, of)["note"][0]
    assert "ann@" not in note
    assert len(note) < 200


def test_bank_intents_of_which_one_takes_over_another_are_found_by_a_check(bank, tmp_path):
    set_ = bank.filter(pl.col("category").is_in(
        ["card_arrival", "card_delivery_estimate", "lost_or_stolen_card", "exchange_rate", "age_limit", "country_support"]
    ))  # fmt: skip
    when = np.random.default_rng(0).random(len(set_))
    merged = (set_["category"] == "card_delivery_estimate") & pl.Series(when > 0.5)
    set_ = set_.with_columns(
        category=pl.when(merged).then(pl.lit("card_arrival")).otherwise("category"),
        date=pl.Series([(START + timedelta(days=365 * float(w))).isoformat() for w in when]),
    )
    set_.write_csv(tmp_path / "bank.csv")
    dataset = read([tmp_path / "bank.csv"], tmp_path / "bank.vet").dataset
    result = check(dataset, select=["labels.drift"], wanted=Wanted())
    assert result.findings.height > 50
    assert "are 'card_arrival', before they were 'card_delivery_e…' (" in result.findings["note"][0]
    plain = Dataset.open(dataset.folder).rows.with_columns(time=pl.lit(None, ROWS["time"]))
    assert not may_drift(plain)
