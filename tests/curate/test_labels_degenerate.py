"""Sets in which labels can't be judged: a clear sentence or nothing, never a wrong number."""

import json
import math

import numpy as np
import polars as pl
import pytest
from vetset.curate.checking import check
from vetset.curate.dataset import Dataset, frame
from vetset.curate.errors import DataError, UsageError
from vetset.curate.labels.judged import judge_labels, knows_nothing, why_not
from vetset.curate.labels.labelled import from_arrays, labelled
from vetset.curate.labels.suspect import suspects
from vetset.curate.reading.mapping import Given
from vetset.curate.reading.reader import read

WORDS = {
    "card": "card lost stolen block replace",
    "loan": "loan borrow interest repay debt",
    "fees": "fee charge cost price bill",
}


def topical(count, seed=0):
    """Texts that say what their label is, each text another."""
    draw = np.random.default_rng(seed)
    labels = [list(WORDS)[n % 3] for n in range(count)]
    return [(" ".join(draw.choice(WORDS[label].split(), 3)) + f" n{n}", label) for n, label in enumerate(labels)]


@pytest.fixture
def checked(tmp_path):
    """Read pairs of text and label as a set and check its labels; every number in what is said has to be finite."""

    def run(pairs, *, select=("labels",)):
        source = tmp_path / "a.jsonl"
        source.write_text(
            "".join(json.dumps({"text": text, "label": label, "side": "x"}) + "\n" for text, label in pairs)
        )
        folder = tmp_path / f"{len(list(tmp_path.iterdir()))}.vet"
        read([source], folder, columns=Given(text="text", label="label"))
        result = check(Dataset.open(folder), select=list(select))
        assert "NaN" not in json.dumps(result.summary())
        assert all(math.isfinite(score) for score in result.findings["score"].drop_nulls())
        return result

    return run


def said_of_judging(result):
    return [note for note in result.notes if note.startswith("labels were not judged")]


NOT_JUDGED = {
    "one class": ([(f"text {n}", "a") for n in range(50)], "there is none to hold it against"),
    "two rows": ([("a text", "a"), ("another text", "b")], "no classes to hold rows against"),
    "labels equal to row numbers": ([(f"text {n}", str(n)) for n in range(60)], "no classes to hold rows against"),
    "labels that are all unique but two": (
        [(f"text {n}", "same" if n < 2 else f"label {n}") for n in range(60)], "no classes to hold rows against",
    ),
    "one label on many texts and the rest once": (
        [(f"text {n} on cards", "card" if n < 40 else f"label {n}") for n in range(50)], "more than one text",
    ),
    "all texts equal with different labels": ([("the same text", "ab"[n % 2]) for n in range(60)], "too few to judge"),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_JUDGED)
def test_what_can_t_be_judged_is_said_and_nothing_is_suspect(checked, name):
    pairs, sentence = NOT_JUDGED[name]
    result = checked(pairs)
    (note,) = result.notes  # one reason, once, whatever rules ask for it
    assert sentence in note
    assert not set(result.findings["rule"]) & {"labels.suspect", "labels.ambiguous", "labels.annotator"}
    assert "labels.suspect" not in result.figures


def test_labels_that_were_asked_for_and_are_missing_are_said_to_be(checked):
    pairs = [(f"text {n}", None) for n in range(30)]
    for select in (["labels"], ["labels.suspect"]):
        result = checked(pairs, select=select)
        assert [note for note in result.notes if "no row has a label" in note and "--label COLUMN" in note]
        assert result.findings.is_empty()
    for select in (["labels.conflict"], ["quality"]):
        assert not checked(pairs, select=select).notes


def test_an_empty_set_has_no_labels(tmp_path):
    notes = why_not(from_arrays(np.zeros((0, 3)), []))
    assert notes is not None
    assert "no row has both" in notes


def test_random_labels_are_not_said_to_be_wrong(checked):
    """What texts don't tell can't be found by them: right labels look like wrong ones."""
    draw = np.random.default_rng(0)
    result = checked([(text, "abc"[draw.integers(3)]) for text, _ in topical(300)])
    (note,) = said_of_judging(result)
    assert "next to nothing" in note
    assert "labels.suspect" not in set(result.findings["rule"])
    assert "labels.suspect" not in result.figures


@pytest.mark.parametrize(("rows", "labels", "seed"), [(12, 2, 0), (60, 2, 1), (60, 20, 2), (300, 5, 3), (2_000, 20, 4)])
def test_random_labels_of_any_number_tell_nothing(rows, labels, seed):
    draw = np.random.default_rng(seed)
    of = from_arrays(draw.normal(size=(rows, 32)), draw.integers(0, labels, rows).astype(str))
    assert why_not(of) is None
    assert knows_nothing(judge_labels(of, words=np.zeros((rows, 1), np.float32))) is not None


def test_few_rows_with_plain_labels_are_judged(checked):
    result = checked(topical(30))
    assert not said_of_judging(result)
    assert "labels.suspect" not in set(result.findings["rule"])
    expected = result.figures["labels.suspect"]["expected"]
    assert expected["low"] <= expected["wrong"] <= expected["high"] <= 30
    assert expected["wrong"] < 3
    assert expected["high"] >= 3  # none was seen; that there is none can't be known from thirty rows


def test_a_class_with_one_row_is_rare_and_not_suspect(checked):
    """No other row could speak for its label: that none does is no word against it."""
    result = checked([*topical(120), ("card lost today, and my heart as well", "elsewhere")])
    found = dict(result.findings.select("rule", "id").group_by("rule").agg("id").iter_rows())
    assert "labels.suspect" not in found
    assert len(found["labels.rare"]) == 1


@pytest.mark.slow
def test_two_thousand_classes_on_four_thousand_rows_are_judged_without_a_wrong_number():
    draw = np.random.default_rng(0)
    code = np.arange(4_000) % 2_000
    vectors = draw.normal(size=(2_000, 64))[code] + 0.3 * draw.normal(size=(4_000, 64))
    of = from_arrays(vectors, code.astype(str))
    assert why_not(of) is None
    judged = judge_labels(of, words=np.zeros((4_000, 1), np.float32))
    assert np.isfinite(judged.noise.wrong).all()
    assert judged.noise.wrong.mean() < 0.02
    assert suspects(judged).mean() < 0.02


def test_more_texts_times_labels_than_fit_are_refused_before_any_table_is_made():
    of = from_arrays(np.eye(2, dtype=np.float32)[np.arange(20_000) % 2], (np.arange(20_000) % 10_000).astype(str))
    assert why_not(of) == (
        "20,000 texts times 10,000 labels do not fit into memory; give a part of the rows, or coarser labels"
    )
    assert "targets" not in vars(of)


def test_a_row_alone_is_told_in_the_singular():
    assert (
        why_not(from_arrays(np.eye(2)[:1], ["a"]))
        == "one row alone has a label, so there is nothing to hold it against"
    )


def test_vectors_that_are_all_the_same_tell_nothing():
    of = from_arrays(np.ones((40, 8)), ["ab"[n % 2] for n in range(40)])
    assert "all vectors are the same" in (why_not(of) or "")
    zeros = from_arrays(np.zeros((40, 8)), ["ab"[n % 2] for n in range(40)])
    assert "all vectors are the same" in (why_not(zeros) or "")


def test_rows_of_arrays_without_a_label_are_left_out():
    labels = [None, float("nan"), *["a", "b"] * 10]
    of = from_arrays(np.eye(22), labels)
    assert of.names == ["a", "b"]
    assert of.row.tolist() == list(range(2, 22))
    assert of.vectors.shape == (20, 22)
    assert "no row has both" in (why_not(from_arrays(np.eye(12), [None] * 12)) or "")


def test_labels_of_arrays_are_told_apart_to_the_last_character_and_long_ones_cost_little():
    names = ["a", "a\0", "", "x" * 1_000_000]
    of = from_arrays(np.eye(400), names * 100)
    assert of.names == sorted(names)
    assert of.counts.tolist() == [100] * 4


@pytest.mark.parametrize("odd", [np.nan, np.inf, 1e30])
def test_arrays_with_a_number_that_is_none_are_refused_by_their_row(odd):
    vectors = np.eye(12)
    vectors[5, 5] = odd
    with pytest.raises(DataError, match="row 5"):
        from_arrays(vectors, list("ab" * 6))


@pytest.mark.parametrize(("vectors", "labels"), [(np.eye(12), "ab"), (np.ones(12), "ab" * 6), (np.eye(12), [])])
def test_arrays_that_do_not_go_together_are_refused(vectors, labels):
    with pytest.raises(UsageError, match="one vector a label"):
        from_arrays(vectors, list(labels))


def test_no_arrays_at_all_are_an_empty_set():
    assert "no row has both" in (why_not(from_arrays([], [])) or "")


def test_one_text_a_thousand_times_is_one_text(checked):
    plain = topical(150)
    crowded = [*plain, *[("card lost and stolen", "card")] * 1_000]
    result = checked(crowded)
    assert not said_of_judging(result)
    assert "labels.suspect" not in set(result.findings["rule"])
    wrong = [(text, "loan" if n == 0 else label) for n, (text, label) in enumerate(crowded)]
    found = checked(wrong).findings.filter(pl.col("rule") == "labels.suspect")
    assert found["value"].to_list() == ["card"]


def test_one_text_a_thousand_times_with_labels_by_lot_is_not_judged_by_itself(checked):
    draw = np.random.default_rng(0)
    result = checked([*topical(150), *[("hello there", list(WORDS)[draw.integers(3)]) for _ in range(1_000)]])
    found = result.findings.filter(pl.col("rule") == "labels.suspect")
    assert found.height <= 5  # what to do with copies that disagree is for labels.conflict to say
    assert (result.findings["rule"] == "labels.conflict").sum() == 1_000


def test_a_label_in_another_spelling_is_an_alias_and_no_suspect(checked):
    pairs = [(text, f"{label} " if n % 5 == 0 else label) for n, (text, label) in enumerate(topical(120))]
    found = checked(pairs).findings
    assert (found["rule"] == "labels.alias").sum() == 24
    assert "labels.suspect" not in set(found["rule"])
    assert "labels.ambiguous" not in set(found["rule"])


def test_texts_that_differ_in_case_alone_raise_no_warning(checked):
    pairs = [(f"{word}{' ' * n}.", "ab"[n % 2]) for n, word in enumerate(["WORD", "word", "Word", "wOrd"] * 5)]
    result = checked(pairs)
    assert "labels.suspect" not in set(result.findings["rule"])


def test_odd_characters_and_long_texts_are_texts(checked):
    odd = [
        ("\U0001f600 \u202e \u0000x", "card"),
        ("كلمة المرور " * 400, "loan"),
        ("我忘了密码", "fees"),
        ("\n\n", "card"),
    ]
    result = checked([*topical(60), *odd])
    assert np.isfinite(result.findings["score"].fill_null(0).to_numpy()).all()


def test_labels_with_odd_names_are_named_safely(checked):
    odd = {"card": "ann@example.com", "loan": "a\nb\u202e", "fees": "x" * 500}
    pairs = [(text, odd[label]) for text, label in topical(90)]
    pairs[0] = (pairs[0][0], odd["loan"])
    found = checked(pairs).findings.filter(pl.col("rule") == "labels.suspect")
    assert found.height == 1
    note = found["note"][0]
    assert "ann@example.com" not in note
    assert "\n" not in note
    assert "\u202e" not in note
    assert len(note) < 500


def test_a_frame_without_rows_has_nothing_to_judge():
    of = labelled(frame([]), encoder=lambda texts: np.ones((len(texts), 2), np.float32))
    assert of.vectors.shape[0] == of.row.size == len(of.names) == 0
    assert "no row has both" in (why_not(of) or "")
