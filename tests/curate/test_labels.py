"""The same input with different targets."""

import csv
import json

import pytest
from vetset.curate.dataset import frame
from vetset.curate.findings import SCHEMA
from vetset.curate.labels.conflict import ConflictFigures, conflict_figures, find_conflict
from vetset.curate.text import keys


def conflicts(records, **options):
    rows = frame(records)
    return rows, find_conflict(rows, keys(rows), **options)


def labelled(*pairs):
    return [{"messages": text, "label": label} for text, label in pairs]


def said(*turns, **more):
    roles = ("user", "assistant") * len(turns)
    return {"messages": [{"role": role, "content": text} for role, text in zip(roles, turns, strict=False)], **more}


def test_the_minority_is_to_be_relabelled_to_the_majority():
    rows, found = conflicts(labelled(("t", "refund"), ("t", "billing"), ("t", "refund"), ("u", "billing")))
    assert found["id"].to_list() == rows["id"][:3].to_list()
    assert found["suggest"].to_list() == ["review", "relabel", "review"]
    assert found["value"].to_list() == [None, "refund", None]
    assert found["score"].to_list() == pytest.approx([1 / 3, 2 / 3, 1 / 3])
    assert found["peer"].to_list() == [rows["id"][1], rows["id"][0], rows["id"][1]]
    assert found["cluster"].n_unique() == 1
    assert found["note"][0] == "same text 3 times: 2 x 'refund', 1 x 'billing'; this row is one of the 2."
    assert found["note"][1].endswith("this row is the only one with its target.")


def test_without_a_majority_nobody_is_told_to_relabel():
    _, found = conflicts(labelled(("t", "a"), ("t", "b"), ("t", "c"), ("t", "a")))
    assert set(found["suggest"]) == {"review"}
    assert found["value"].null_count() == 4


def test_inputs_are_folded_and_labels_are_not():
    _, found = conflicts(labelled(("Hi", "a"), ("hi ", "A")))
    assert "differ only in case" in found["note"][0]
    assert conflicts(labelled(("Hi", "a"), ("hi", "b")), folded=False)[1].is_empty()


def test_clean_empty_and_single_row_sets_have_no_conflict():
    for records in ([], labelled(("t", "a")), labelled(("t", "a"), ("u", "b"), ("t", "a"))):
        _, found = conflicts(records)
        assert found.is_empty()
        assert found.schema == SCHEMA
        assert conflict_figures(found) == ConflictFigures(0, 0, 0)


def test_empty_texts_unlabelled_rows_and_preferences_never_conflict():
    pairs = [said("q", "good", rejected="bad"), said("q", "bad", rejected="good")]
    records = [*labelled(("", "a"), (" \u200b", "b"), ("t", None), ("t", "a")), *pairs]
    assert conflicts(records)[1].is_empty()


def test_another_continuation_of_the_same_first_turn_is_no_conflict():
    assert conflicts([said("hi", "hello", "what time?", "noon"), said("hi", "hello", "who?", "me")])[1].is_empty()
    assert len(conflicts([said("hi", "hello", "who?", "you"), said("hi", "hello", "who?", "me")])[1]) == 2


def test_other_tools_on_offer_are_another_input():
    assert conflicts([said("q", "a", tools="[]"), said("q", "b", tools='[{"name":"f"}]')])[1].is_empty()


def test_replies_are_counted_but_not_quoted():
    _, found = conflicts([said("q", "a secret"), said("q", "another")])
    assert found["note"][0] == "same input 2 times with 2 different answers; this row is the only one with its target."
    assert set(found["suggest"]) == {"review"}


def test_rows_not_majority_counts_a_tie_once():
    _, found = conflicts(labelled(*[("t", "a")] * 2, *[("t", "b")] * 2, ("u", "a"), ("u", "b"), ("u", "b")))
    assert conflict_figures(found) == ConflictFigures(groups=2, rows=7, rows_not_majority=3)


def test_many_long_labels_in_every_script_make_a_short_note():
    _, found = conflicts(labelled(*[("😀 مرحبا 你好", f"标签{n} " + "א" * 90) for n in range(30)]))
    assert len(found["note"][0]) < 200
    assert "and 27 more" in found["note"][0]


def test_the_same_rows_give_the_same_findings():
    records = labelled(*[(f"t{n % 5}", f"l{n % 3}") for n in range(60)])
    assert conflicts(records)[1].equals(conflicts(records)[1])


def test_arabic_tweets_conflict_as_counted_by_brute_force(shared):
    records = []
    for split in ("train", "test"):
        with (shared / "arabic_sentiment" / f"ArSarcasm_{split}.csv").open(encoding="utf-8", newline="") as file:
            records += [{"messages": line["tweet"], "label": line["sentiment"]} for line in csv.DictReader(file)]
    facts = json.loads((shared / "facts.json").read_text())["arabic_sentiment"]["conflict_norm"]
    assert conflict_figures(conflicts(records)[1]) == ConflictFigures(**facts)


def test_toolformer_prompts_conflict_once_folded(shared):
    path = shared / "toolformer_neardup" / "Toolformer" / "toolformer-dedupe-only-dataset.json"
    records = [
        said(f"{row['instruction']}\n{row['input']}", row["response"])
        for row in json.loads(path.read_text(encoding="utf-8"))
    ]
    facts = json.loads((shared / "facts.json").read_text())["toolformer_neardup"]["dedupe-only"]
    assert conflict_figures(conflicts(records)[1]) == ConflictFigures(**facts["conflict_norm"])
    assert conflict_figures(conflicts(records, folded=False)[1]) == ConflictFigures(**facts["conflict_raw"])
