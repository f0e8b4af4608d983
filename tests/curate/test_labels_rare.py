"""Labels that too few rows have, and labels that are no classes."""

from dataclasses import replace

import pytest
from vetset.curate.dataset import frame
from vetset.curate.embed.tfidf import tfidf_vectors
from vetset.curate.findings import SCHEMA
from vetset.curate.labels.classes import are_classes
from vetset.curate.labels.labelled import labelled
from vetset.curate.labels.rare import find_rare


def made(pairs, splits=None):
    splits = splits or ["train"] * len(pairs)
    records = [
        {"messages": text, "label": label, "split": split} for (text, label), split in zip(pairs, splits, strict=True)
    ]
    rows = frame(records)
    return labelled(rows, encoder=tfidf_vectors), rows


def many(label, count, start=0):
    return [(f"text number {label} {n + start}", label) for n in range(count)]


def test_labels_of_one_and_of_four_rows_are_found_and_the_single_one_scores_highest():
    of, rows = made([*many("a", 40), *many("b", 30), *many("c", 4), *many("d", 1)])
    found = find_rare(of, rows)
    assert found.height == 5
    assert found["cluster"].n_unique() == 2
    assert found["note"][4] == (
        "This is the only row with the label 'd' among 75: it can be learnt or tested, never both."
    )
    assert found["score"].to_list() == pytest.approx([0.4, 0.4, 0.4, 0.4, 1.0])
    assert set(found["suggest"]) == {"review"}


def test_five_rows_are_not_rare():
    of, rows = made([*many("a", 20), *many("b", 5)])
    assert find_rare(of, rows).is_empty()


def test_a_label_that_no_row_of_train_has_is_found_whatever_its_size():
    of, rows = made([*many("a", 60), *many("b", 12)], ["train"] * 60 + ["test"] * 12)
    found = find_rare(of, rows)
    assert found.height == 12
    assert "none of which is trained on" in found["note"][0]
    assert find_rare(of, rows, train="test").height == 0 or "trained on" in find_rare(of, rows, train="test")["note"][0]


def test_a_label_that_alias_has_found_is_not_found_twice():
    of, rows = made([*many("a", 40), *many("b", 40), *many("bb", 1)])
    assert find_rare(of, rows).height == 1
    assert find_rare(of, rows, skip=frozenset({of.names.index("bb")})).is_empty()


def test_where_a_fifth_of_the_rows_is_rare_one_sentence_says_so():
    of, rows = made([*many("a", 40), *[pair for n in range(8) for pair in many(f"x{n}", 2)]])
    notes = []
    assert find_rare(of, rows, notes=notes).is_empty()
    assert notes == [
        "8 of 9 labels have fewer than 5 rows or none in train, 29% of all rows: too many to list, and too few to learn them."
    ]


@pytest.mark.parametrize(
    ("pairs", "says"),
    [
        ([], None),
        ([("t", None), ("u", None)], None),
        ([("t", "a")], "All 1 labelled row have"),
        ([("t", "a"), ("u", "a")], "All 2 labelled rows have the label 'a'"),
        ([("t", "a"), ("u", "b")], "2 different labels on 2 rows"),
        ([(f"t{n}", str(n)) for n in range(50)], "50 different labels on 50 rows"),
    ],
)
def test_labels_that_are_no_classes_are_said_once_and_found_never(pairs, says):
    of, rows = made(pairs)
    notes = []
    assert find_rare(of, rows, notes=notes).schema == SCHEMA
    assert find_rare(of, rows, notes=notes).is_empty()
    assert len(notes) == (says is not None)
    assert says is None or says in notes[0]


def test_a_label_in_any_script_is_quoted_short_and_masked():
    of, rows = made([*many("a", 40), *many("b", 40), ("t", "标签 ann@example.com " + "א" * 90)])
    note = find_rare(of, rows)["note"][0]
    assert "[mail address]" in note
    assert len(note) < 160


def test_any_order_of_rows_finds_the_same_rows():
    pairs = [*many("a", 40), *many("b", 30), *many("c", 4), *many("d", 1)]
    one = find_rare(*made(pairs)).select("id", "score", "note").sort("id")
    assert one.equals(find_rare(*made(pairs[::-1])).select("id", "score", "note").sort("id"))


def test_questions_have_one_label_with_one_row(shared):
    import polars as pl

    data = pl.read_parquet(shared / "labels/wrench_trec/data.parquet").filter(pl.col("label").is_not_null())
    rows = frame([{"messages": text, "label": label} for text, label in data.select("text", "label").iter_rows()])
    of = labelled(rows, encoder=tfidf_vectors)
    assert are_classes(of)
    assert find_rare(of, rows)["note"].to_list() == [
        f"This is the only row with the label 'ABBR' among {len(of.row):,}: it can be learnt or tested, never both."
    ]
    assert find_rare(replace(of, code=of.code * 0, names=["x"]), rows).is_empty()
