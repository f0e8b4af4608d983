"""Rows that belong to no label."""

import json
import tracemalloc

import numpy as np
import polars as pl
import pytest
from vetset.curate.dataset import frame
from vetset.curate.embed.tfidf import tfidf_vectors
from vetset.curate.findings import SCHEMA
from vetset.curate.labels.labelled import from_arrays, labelled
from vetset.curate.labels.outlier import find_outlier

TOPICS = {
    "card": "card lost stolen block freeze replace plastic chip",
    "loan": "loan borrow interest repay mortgage rate monthly debt",
    "login": "login password reset code forgot sign account locked",
    "fees": "fee charge cost price monthly bill extra payment",
    "travel": "abroad travel currency exchange country foreign trip euro",
    "savings": "save savings deposit goal pot interest grow target",
}


def topical(count=60, seed=0):
    draw = np.random.default_rng(seed)
    pairs = []
    for label, words in TOPICS.items():
        pairs += [(" ".join(draw.choice(words.split(), 5)) + " please", label) for _ in range(count)]
    return pairs


def outliers(pairs, notes=None, **options):
    rows = frame([{"messages": text, "label": label} for text, label in pairs])
    return rows, find_outlier(labelled(rows, encoder=tfidf_vectors), rows, notes=notes, **options)


def test_gibberish_and_other_languages_are_found_among_topics_and_nothing_else():
    odd = [("qwzx vbnm plokij", "card"), ("متى يصل الطرد إلى بيتي", "loan"), ("🦊 zzzz yyyy", "fees")]
    rows, found = outliers([*topical(), *odd], words=True)
    assert found["id"].to_list() == rows["id"][-3:].to_list()
    assert found["score"].to_list() == [1.0, 1.0, 1.0]
    assert set(found["suggest"]) == {"review"}
    assert found["note"][0].startswith(
        "The text shares next to no words with other texts of any label, 'card' among them"
    )
    assert found.schema == SCHEMA


def test_copies_of_a_foreign_text_are_no_company_and_the_note_counts_them():
    odd = [("qwzx vbnm plokij", "card"), ("Qwzx  vbnm plokij", "card"), ("qwzx VBNM plokij ", "card")]
    rows, found = outliers([*topical(), *odd], words=True)
    assert sorted(found["id"]) == sorted(rows["id"][-3:])
    assert all(note.endswith(" 3 rows say the same under this label and count as one.") for note in found["note"])


def test_vectors_far_from_every_label_are_found():
    draw = np.random.default_rng(0)
    middles = np.eye(6, 32)
    vectors = np.concatenate([middles[n % 6] + draw.normal(0, 0.08, 32) for n in range(600)]).reshape(600, 32)
    vectors[7] = np.eye(32)[20]
    labels = [f"label {n % 6}" for n in range(600)]
    rows = frame([{"messages": f"t{n}", "label": label} for n, label in enumerate(labels)])
    found = find_outlier(from_arrays(vectors, labels), rows)
    assert rows["id"][7] in found["id"].to_list()
    assert found.height <= 3
    assert found.sort("score")["id"][-1] == rows["id"][7]
    assert "is far from the rows of every label" in found["note"][0]


def test_no_row_of_a_clean_set_is_found():
    assert outliers(topical(), words=True)[1].is_empty()


@pytest.mark.parametrize("words", [True, False])
@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [("t", "a")],
        [("t", None)] * 9,
        [("one text", "a"), ("two text", "b")],
        [(f"t{n}", str(n)) for n in range(40)],
        [("the same text", "ab"[n % 2]) for n in range(40)],
        [("!!! ...", "ab"[n % 2]) for n in range(40)],
        [*[(f"word{n} is here", "a") for n in range(30)], ("word3 is there", "b")],
    ],
)
def test_sets_in_which_nothing_can_be_said_have_no_outlier(pairs, words):
    assert outliers(pairs, words=words)[1].is_empty()


def test_vectors_that_are_all_the_same_have_no_outlier():
    labels = ["a", "b", "c", "d", "e", "f"] * 20
    rows = frame([{"messages": f"t{n}", "label": label} for n, label in enumerate(labels)])
    assert find_outlier(from_arrays(np.ones((120, 8)), labels), rows).is_empty()


def test_a_text_that_is_unlike_all_where_texts_share_nothing_has_a_whole_score():
    vectors = np.eye(601)
    vectors[600] = -1.0
    labels = [f"label {n % 6}" for n in range(601)]
    rows = frame([{"messages": f"t{n}", "label": label} for n, label in enumerate(labels)])
    found = find_outlier(from_arrays(vectors, labels), rows)
    assert found["id"].to_list() == [rows["id"][600]]
    assert found["score"].to_list() == [1.0]


def test_thousands_of_labels_are_held_against_texts_a_few_at_a_time():
    draw = np.random.default_rng(0)
    labels = [f"label {n % 4_000}" for n in range(8_000)]
    rows = frame([{"messages": f"t{n}", "label": label} for n, label in enumerate(labels)])
    of = from_arrays(draw.normal(size=(8_000, 4)), labels)
    tracemalloc.start()
    find_outlier(of, rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 320e6, peak


def test_any_order_of_rows_and_a_second_run_find_the_same():
    pairs = [*topical(), ("qwzx vbnm plokij", "card"), ("zzzz yyyy xxxx", "loan")]
    one = outliers(pairs, words=True)[1].sort("id")
    assert one.equals(outliers(pairs[::-1], words=True)[1].sort("id"))
    assert outliers(pairs, words=True)[1].sort("id").equals(one)


def foreign(shared, kind, draw):
    if kind == "tweets":
        tweets = pl.read_csv(shared / "arabic_sentiment/ArSarcasm_test.csv")["tweet"].to_list()
        return [tweets[at] for at in draw.choice(len(tweets), 50, replace=False)]
    if kind == "sums":
        lines = (shared / "math_contamination/gsm8k/test.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(lines[at])["question"] for at in draw.choice(len(lines), 50, replace=False)]
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    return [" ".join("".join(draw.choice(letters, 6)) for _ in range(6)) for _ in range(50)]


@pytest.mark.parametrize(("kind", "least"), [("tweets", 1.0), ("sums", 0.8), ("gibberish", 1.0)])
def test_fifty_foreign_rows_among_bank_questions_are_found_at_half_a_percent_of_false_alarms(bank, shared, kind, least):
    draw = np.random.default_rng(3)
    names = bank["category"].unique().sort().to_list()
    planted = [(text, names[draw.integers(len(names))]) for text in foreign(shared, kind, draw)]
    rows = frame([{"messages": text, "label": label} for text, label in [*bank.rows(), *planted]])
    # The vectors are not looked at; made of nothing, they cost nothing.
    of = labelled(rows, encoder=lambda texts: np.ones((len(texts), 1), np.float32))
    found = rows["id"].is_in(find_outlier(of, rows, words=True)["id"].to_list()).to_numpy()
    assert found[len(bank) :].mean() >= least
    assert found[: len(bank)].mean() <= 0.005


def test_hotel_reviews_in_no_language_are_found(shared):
    data = pl.read_parquet(shared / "labels/chnsenticorp_golden/data.parquet")
    rows = frame([{"messages": text, "label": label} for text, label in data.select("text", "label").iter_rows()])
    of = labelled(rows, encoder=lambda texts: np.ones((len(texts), 1), np.float32))
    found = rows.filter(rows["id"].is_in(find_outlier(of, rows, words=True)["id"].to_list()))
    texts = found["messages"].list.first().struct.field("content").to_list()
    assert any(text.startswith("诺覃祥渣") for text in texts)
    assert any(text.startswith("Excellentlocation") for text in texts)
    assert len(texts) < 15
