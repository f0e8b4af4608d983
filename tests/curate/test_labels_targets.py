"""Labels that are sets or shares: how they are read, told from names with brackets, and written again."""

import json

import numpy as np
import polars as pl
import pytest
from vetset.curate.coverage.balance import find_unknown_labels, label_figures
from vetset.curate.coverage.wanted import Wanted
from vetset.curate.dataset import Dataset, frame
from vetset.curate.exports.exporting import export
from vetset.curate.labels.queue import review_queue
from vetset.curate.labels.targets import (
    NotATarget,
    canonical,
    exploded,
    has_any,
    kind_of,
    kind_of_set,
    likeliest,
    parse,
)
from vetset.curate.reading.mapping import Given
from vetset.curate.reading.reader import read
from vetset.curate.rules import RULES, Material

SETS = [["refund"], ["delay", "refund"], [], ["praise"], ["refund", "bug"]]
SHARES = [{"yes": 3, "no": 1}, {"no": 0.25, "yes": 0.75}, {"no": 1.0}, {"yes": 0.5, "no": 0.5}]


def lines(folder, labels, column="labels"):
    path = folder / "tickets.jsonl"
    records = [{"text": f"this is ticket {i}", column: labels[i % len(labels)]} for i in range(40)]
    path.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    return path


def test_lists_become_sets_in_one_form_and_come_out_as_lists_again(tmp_path):
    result = read([lines(tmp_path, SETS)], tmp_path / "a.vet")
    assert any("several labels a row" in reason for reason in result.sources[0].plan.reasons)
    labels = result.dataset.rows["label"]
    assert labels.head(5).to_list() == ['["refund"]', '["delay","refund"]', "[]", '["praise"]', '["bug","refund"]']
    export(result.dataset, tmp_path / "out", format="text-label", held="keep")
    again = read([tmp_path / "out" / "data.jsonl"], tmp_path / "b.vet").dataset.rows
    assert again["label"].to_list() == labels.to_list()
    assert json.loads((tmp_path / "out" / "data.jsonl").read_text().splitlines()[1])["label"] == ["delay", "refund"]


@pytest.mark.parametrize("form", ["csv", "parquet", "text-label"])
@pytest.mark.parametrize("labels", [SETS, SHARES], ids=["sets", "shares"])
def test_every_format_with_a_label_gives_the_same_labels_again(tmp_path, form, labels):
    dataset = read([lines(tmp_path, labels)], tmp_path / "a.vet").dataset
    export(dataset, tmp_path / "out", format=form, held="keep")
    (data,) = (tmp_path / "out").glob("data.*")
    again = read([data], tmp_path / "b.vet", columns=Given(label="label")).dataset.rows
    assert again["label"].to_list() == dataset.rows["label"].to_list()


def test_objects_become_shares_with_the_numbers_of_the_source(tmp_path):
    rows = read([lines(tmp_path, SHARES, "label")], tmp_path / "a.vet").dataset.rows
    assert rows["label"].head(3).to_list() == ['{"no":1,"yes":3}', '{"no":0.25,"yes":0.75}', '{"no":1.0}']
    found = parse(rows["label"].head(2))
    assert found is not None
    assert found.names == ["no", "yes"]
    assert found.share.tolist() == [0.25, 0.75, 0.25, 0.75]


@pytest.mark.parametrize("bad", [{"yes": -1, "no": 2}, {"yes": 0, "no": 0}, {}, {"yes": "much"}, ["yes"]])
def test_shares_that_are_none_are_rejected_with_the_reason(tmp_path, bad):
    result = read([lines(tmp_path, [*SHARES * 5, bad])], tmp_path / "a.vet", columns=Given(label="labels"))
    assert (result.rows, result.rejects) == (39, 1)
    assert "shares of labels" in (tmp_path / "a.vet" / "rejects.jsonl").read_text()


def reasons_of(folder, labels, **given):
    given = Given(text="text", **given)
    return " ".join(read([lines(folder, labels)], folder / "a.vet", columns=given).sources[0].plan.reasons)


def test_labels_that_are_neither_sets_nor_shares_are_told_in_counts(tmp_path):
    below = [{"a": -1, "b": 1}, {"a": 0, "b": 0}, {"a": 1.5, "b": -2}, {"a": 1}]
    assert "not 'labels': it holds 40 objects: numbers below 0 in 20, none over 0 in 10" in reasons_of(tmp_path, below)
    assert "'labels' holds 40 objects: numbers below 0 in 20" in reasons_of(tmp_path, below, label="labels")
    mixed = [["a", "b"], {"a": 1}, 3, True]
    told = "'labels' holds 10 lists, 10 objects, 10 numbers, 10 true or false; each is one label"
    assert told in reasons_of(tmp_path, mixed, label="labels")
    assert "holds" not in reasons_of(tmp_path, ["a", "b"], label="labels")


def test_the_records_of_sets_are_counted_and_not_their_labels(tmp_path):
    assert "3 values in 40 records of the sample" in reasons_of(tmp_path, [["a", "b"], ["b", "c"]])


def test_a_label_that_is_a_word_is_a_set_of_one_among_sets(tmp_path):
    result = read([lines(tmp_path, [*SETS * 4, "bug"])], tmp_path / "a.vet")
    assert '["bug"]' in result.dataset.rows["label"].to_list()


def test_named_sets_are_read_from_any_shape_and_any_depth(tmp_path):
    path = tmp_path / "chats.jsonl"
    turns = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi"}]
    records = [{"messages": turns, "meta": {"tags": ["b", "a"] if i % 2 else []}} for i in range(30)]
    path.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    rows = read([path], tmp_path / "a.vet", columns=Given(label="meta.tags")).dataset.rows
    assert rows["label"].unique().sort().to_list() == ['["a","b"]', "[]"]


@pytest.mark.parametrize(
    "values",
    [
        [["O", "O", "B-PER"]] * 20,  # a label a token
        [[0, 1, 1, 0]] * 20,  # flags
        [["a", {"b": 1}]] * 20,
        [{"text": ["x"], "start": [3]}] * 20,
        ["[URGENT]", "{name}"] * 10,
        [True, False],
        [],
    ],
)
def test_other_columns_are_neither_sets_nor_shares(values):
    assert kind_of(values) is None


@pytest.mark.parametrize(
    "labels",
    [
        ["[URGENT]", "[LATER]"],
        ["{name}", "{date}"],
        ['["a"]', '["b"]', "[URGENT]"],
        ['{"a":1}', '{"a":"x"}'],
        [None],
        [],
    ],
)
def test_names_with_brackets_stay_names(labels):
    series = pl.Series("label", labels, dtype=pl.String)
    assert parse(series) is None
    assert kind_of_set(series) is None
    assert likeliest(series).equals(series, null_equal=True)


def test_the_form_is_sorted_and_without_repeats_in_any_script():
    assert canonical(["возврат", "a", "返金", "a"], "several") == '["a","возврат","返金"]'
    assert canonical({"b": 1, "a": 2.5}, "shares") == '{"a":2.5,"b":1}'
    assert canonical([5, 3], "several") == '["3","5"]'
    with pytest.raises(NotATarget):
        canonical({"a": float("inf")}, "shares")


def test_the_likeliest_label_stands_for_shares_and_each_label_of_a_set_for_itself():
    shares = pl.Series("label", ['{"a":1,"b":3}', None, "c", '{"a":0.5,"b":0.5}'])
    assert likeliest(shares).to_list() == ["b", None, "c", "a"]
    rows = pl.DataFrame({"id": ["1", "2", "3", "4"], "label": ['["a","b"]', "[]", None, '["b"]']})
    assert exploded(rows).rows() == [("1", "a"), ("1", "b"), ("4", "b")]


def test_a_set_of_empty_lists_is_one_of_sets():
    found = parse(pl.Series(["[]", "[]"]))
    assert found is not None
    assert found.names == []
    assert found.row.size == 0


def test_labels_of_json_text_are_not_touched(tmp_path):
    path = lines(tmp_path, ['["b", "a"]', '["c"]'])
    rows = Dataset.open(read([path], tmp_path / "a.vet").dataset.folder).rows
    assert rows["label"][0] == '["b", "a"]'
    assert kind_of_set(rows["label"]) is None  # so that an export gives the same characters again
    found = parse(rows["label"])
    assert found is not None
    assert found.names == ["a", "b", "c"]


def soft_rows(rows=200):
    words = {"refund": "money back please", "delay": "parcel late courier", "bug": "app crashes error"}
    names = sorted(words)
    records = []
    for number in range(rows):
        own, other = names[number % 3], names[(number + 1) % 3]
        ahead = other if number % 25 == 0 else own
        behind = own if ahead == other else other
        shares = json.dumps({ahead: 0.7, behind: 0.3})
        records.append({"messages": f"ticket {number} {words[own]}", "label": shares})
    return frame(records)


def test_shares_are_judged_by_their_likeliest_label():
    rows = soft_rows()
    material = Material(rows)
    found = RULES["labels.suspect"].find(material).sort("score", descending=True)
    spoilt = rows["id"].gather_every(25).to_list()
    assert set(found["id"].head(len(spoilt))) == set(spoilt)
    assert set(found["value"]) <= {"refund", "delay", "bug"}
    assert np.allclose(material.labelled.targets.sum(axis=1), 1)
    assert np.isclose(material.labelled.targets.max(axis=1), 0.7).all()


@pytest.mark.parametrize("rule", [name for name in RULES if name.startswith(("labels.", "coverage."))])
def test_every_rule_on_labels_takes_sets_shares_and_next_to_nothing(rule):
    for labels in (['["a","b"]', '["a"]', "[]"], ['{"a":1}', '{"a":0.5,"b":0.5}'], ["[]"], ['["a"]'], ['{"a":1}']):
        for count in (1, 2, 30):
            rows = frame([{"messages": f"text number {n}", "label": labels[n % len(labels)]} for n in range(count)])
            material = Material(rows)
            found = RULES[rule].find(material)
            assert found.is_empty() or rule == "labels.suspect"
            figures = RULES[rule].figures
            assert figures is None or isinstance(figures(material, found), dict)


def test_shares_that_differ_a_little_are_no_conflict_and_sets_that_differ_are_one():
    def clashes(*labels):
        rows = frame([{"messages": "the same text", "label": label} for label in labels])
        return RULES["labels.conflict"].find(Material(rows)).height

    assert clashes('{"a":0.7,"b":0.3}', '{"a":0.6,"b":0.4}') == 0
    assert clashes('{"a":0.7,"b":0.3}', '{"a":0.3,"b":0.7}') == 2
    assert clashes('["a"]', '["a","b"]') == 2


def test_edge_cases_and_expected_labels_look_into_sets():
    assert has_any(pl.Series(['["a","b"]', "[]", None, '["c"]']), ["b", "c"]).to_list() == [True, False, False, True]
    assert has_any(pl.Series(['{"a":0.9,"b":0.1}', '{"b":1}']), ["b"]).to_list() == [False, True]
    rows = frame([{"messages": f"text {n}", "label": label} for n, label in enumerate(['["a","x"]', '["b"]', "[]"])])
    found = find_unknown_labels(rows, Wanted(expected=("a", "b")))
    assert found.select("id", "suggest", "value").rows() == [(rows["id"][0], "review", None)]
    figures = label_figures(rows, Wanted())
    assert (figures["rows"], figures["labels"], figures["labels_a_row"]) == (3, 3, 1.0)


def test_a_person_who_relabels_with_a_word_leaves_shares_and_sets_what_they_are():
    shares = pl.Series(['{"a":0.9,"b":0.1}', '{"b":1}', "a"])
    assert likeliest(shares).to_list() == ["a", "b", "a"]
    assert kind_of_set(shares) == "shares"


def test_the_queue_of_sets_says_why_it_is_empty(tmp_path):
    dataset = read([lines(tmp_path, SETS)], tmp_path / "a.vet").dataset
    queue = review_queue(dataset)
    assert queue.frame.is_empty()
    assert "several labels each" in queue.notes[0]
