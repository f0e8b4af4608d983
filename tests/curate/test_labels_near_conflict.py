"""Nearly the same text under different labels."""

import csv
import tracemalloc

import numpy as np
import pytest
from vetset.curate.dataset import frame
from vetset.curate.embed.tfidf import tfidf_vectors
from vetset.curate.errors import UsageError
from vetset.curate.findings import SCHEMA
from vetset.curate.labels import paraphrases as module
from vetset.curate.labels.differing_words import difference, same_numbers, words_of
from vetset.curate.labels.labelled import from_arrays, labelled
from vetset.curate.labels.near_conflict import find_near_conflict
from vetset.curate.labels.paraphrases import paraphrases
from vetset.curate.near.cosine import pairs as all_pairs
from vetset.curate.near.cosine import unit

FILL = [
    (f"{verb} my {thing} number {n} today please", verb)
    for n in range(12)
    for verb in ("cancel", "track")
    for thing in ("order", "parcel")
]


def clashes(pairs, notes=None, **options):
    rows = frame([{"messages": text, "label": label} for text, label in pairs])
    return rows, find_near_conflict(labelled(rows, encoder=tfidf_vectors), rows, notes=notes, **options)


def test_a_text_that_differs_in_signs_alone_conflicts():
    rows, found = clashes(
        [*FILL, ("where is the invoice for june", "bills"), ('"where is the invoice for june?!"', "fees")]
    )
    assert found["id"].to_list() == rows["id"][-2:].to_list()
    assert found["peer"].to_list() == rows["id"][-2:].to_list()[::-1]
    assert found["cluster"].n_unique() == 1
    assert set(found["suggest"]) == {"review"}
    assert "but for signs, spaces or spelling, with another label: 'bills' here, 'fees' there" in found["note"][0]
    assert found.schema == SCHEMA


def test_a_misspelling_and_another_order_of_words_are_no_reason_for_another_label():
    text = "there is a payment in my list that i can not recognize at all"
    for other in (
        text.replace("recognize", "recognise"),
        "at all i can not recognize a payment that is in my list there",
    ):
        rows, found = clashes([*FILL, (text, "card"), (other, "transfer")])
        assert found["id"].to_list() == rows["id"][-2:].to_list()


def test_the_word_that_makes_the_difference_elsewhere_explains_it():
    assert clashes(FILL)[1].is_empty()
    twins = [(f"{verb} my subscription to the paper now", verb) for verb in ("cancel", "track")]
    assert clashes([*FILL, *twins])[1].is_empty()


def test_a_word_that_says_nothing_of_labels_explains_nothing():
    twins = [
        (f"when will the transfer that i made on friday {verb} through to my account at the other bank", label)
        for verb, label in (("go", "a"), ("get", "b"))
    ]
    rows, found = clashes([*FILL, *twins])
    assert found["id"].to_list() == rows["id"][-2:].to_list()
    assert "Near copy of" in found["note"][0]
    assert "here 'go', there 'get'" in found["note"][0]


def test_a_text_in_a_hundred_rows_makes_its_label_no_likelier():
    says = [(f"{thing} never", "b") for thing in ("i", "you", "they")] + [
        (f"{thing} then", "a") for thing in ("he", "she")
    ]
    text = "when will the transfer that i made on friday go through to my account at the other bank"
    twins = [(text, "a"), (text.replace("will", "will never"), "b")]
    copies = [("a plain text that many people have sent", "b")] * 300
    assert clashes([*FILL, *says, *twins])[1].is_empty()
    assert clashes([*FILL, *says, *twins, *copies])[1].is_empty()


def test_of_many_texts_of_the_same_words_any_order_of_rows_finds_the_same():
    signs = [("the invoice is not here" + "?!."[n % 3] * (1 + n // 3), "ab"[n % 4 == 0]) for n in range(90)]
    pairs = [*FILL, *signs]
    one, other = (clashes(some)[1].sort("id").drop("cluster", "note") for some in (pairs, pairs[::-1]))
    assert one.height > 10
    assert one.equals(other)


def test_other_numbers_are_another_question():
    assert same_numbers("two cards", "2 cards")
    twins = ("what is the sum of the first 17 odd numbers", "a"), ("what is the sum of the first 18 odd numbers", "b")
    assert clashes([*FILL, *twins])[1].is_empty()


def test_equal_texts_are_left_to_labels_conflict():
    assert clashes([*FILL, ("The same text", "a"), ("the  SAME text", "b")])[1].is_empty()


def test_a_single_row_against_many_is_found_alone_and_told_their_label():
    many = [(f"how do i reset the pin of my card{sign}", "pin") for sign in ("", "?", "!", "...")]
    rows, found = clashes([*FILL, *many, ("how do I reset the pin of my card ?!", "card")])
    assert found["id"].to_list() == rows["id"][-1:].to_list()
    assert found["suggest"].to_list() == ["relabel"]
    assert found["value"].to_list() == ["pin"]


def test_a_few_near_copies_that_differ_are_found_where_their_labels_are_told_apart_elsewhere():
    draw = np.random.default_rng(1)
    words = ["".join(draw.choice(list("bcdfgaeiou"), 6)) for _ in range(400)]
    pairs = [(" ".join(draw.choice(words[40 * (n % 8) : 40 * (n % 8) + 120], 15)), f"l{n % 8}") for n in range(1200)]
    twins = [(text + " please", f"l{(int(label[1]) + 4) % 8}") for text, label in pairs[:24]]
    notes = []
    found = clashes([*pairs, *twins], notes=notes)[1]
    assert found.height == 48
    assert notes == []


def test_where_near_copies_differ_in_label_as_a_rule_they_are_passed_over_and_it_is_said():
    draw = np.random.default_rng(0)
    words = ["".join(draw.choice(list("bcdfgaeiou"), 6)) for _ in range(300)]
    pairs = []
    for n in range(120):
        text = " ".join(draw.choice(words, 15))
        pairs += [
            (text + f" {draw.choice(words)}", "ab"[n % 2]),
            (text + f" {draw.choice(words)}", "ab"[(n + n // 3) % 2]),
        ]
    notes = []
    assert clashes(pairs, notes=notes)[1].is_empty()
    assert "so small differences seem to decide it here" in notes[0]


def test_paraphrases_are_found_by_their_vectors_alone():
    texts = [f"text {'abcdefghij'[n // 10]}{'klmnopqrst'[n % 10]}" for n in range(60)]
    vectors = np.random.default_rng(0).normal(size=(60, 32))
    vectors[1] = vectors[0] + 0.02
    labels = ["a", "b"] * 30
    rows = frame([{"messages": text, "label": label} for text, label in zip(texts, labels, strict=True)])
    given = dict(zip(texts, vectors.astype(np.float32), strict=True))
    of = labelled(rows, encoder=lambda asked: np.stack([given[text] for text in asked]))
    found = find_near_conflict(of, rows, paraphrase=0.95)
    assert found["id"].to_list() == rows["id"][:2].to_list()
    assert "in other words, cosine 1.00" in found["note"][0]
    assert find_near_conflict(of, rows).is_empty()


def test_landmarks_miss_no_close_pair(monkeypatch):
    draw = np.random.default_rng(0)
    middles = draw.normal(size=(400, 16))
    vectors = unit(np.repeat(middles, 5, axis=0) + draw.normal(0, 0.12, (2_000, 16)))
    monkeypatch.setattr(module, "_EXACT", 100)
    found = paraphrases(vectors, 0.95, most=1_000_000)
    true = all_pairs(vectors, 0.95)
    assert len(true) > 1_000
    assert len(set(zip(found.rows, found.others, strict=True))) == len(found.rows) >= 0.99 * len(true)
    with pytest.raises(UsageError, match="pairs"):
        paraphrases(vectors, 0.95, most=100)


def test_thousands_of_labels_cost_no_memory_a_text():
    draw = np.random.default_rng(0)
    words = np.array(["".join(draw.choice(list("bcdfgaeiou"), 6)) for _ in range(500)])
    texts = [" ".join(draw.choice(words, 6)) for _ in range(6_000)]
    labels = [f"label {n % 3_000}" for n in range(6_000)]
    rows = frame([{"messages": text, "label": label} for text, label in zip(texts, labels, strict=True)])
    of = labelled(rows, encoder=lambda asked: np.ones((len(asked), 1), np.float32))
    tracemalloc.start()
    found = find_near_conflict(of, rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.is_empty()
    assert peak < 60e6, peak


@pytest.mark.parametrize(
    "pairs",
    [
        [], [("t", "a")], [("t", None)] * 3, [("t", "a"), ("t!", "b")], [(f"t {n}", str(n)) for n in range(40)],
        [("same", "ab"[n % 2]) for n in range(40)], [("🦊" * (1 + n), "ab"[n % 2]) for n in range(8)],
    ],
)  # fmt: skip
def test_sets_in_which_nothing_can_be_said_have_no_near_conflict(pairs):
    assert clashes(pairs, paraphrase=0.95)[1].is_empty()


def test_vectors_without_texts_have_no_near_conflict():
    labels = ["a", "b"] * 20
    rows = frame([{"messages": f"t{n}", "label": label} for n, label in enumerate(labels)])
    assert find_near_conflict(from_arrays(np.ones((40, 8)), labels), rows, paraphrase=0.95).is_empty()


def test_thousands_of_copies_of_one_form_are_said_and_not_listed(monkeypatch):
    from vetset.curate.labels import near_conflict

    monkeypatch.setattr(near_conflict, "_MOST", 50)
    notes = []
    form = "please fill in the form for the department of long and winding names and return it by {} to the desk"
    clashes([(form.format("abcdefghijklmnopqrstuvwxyz"[n]), "ab"[n % 2]) for n in range(26)], notes=notes)
    assert notes[0].startswith("labels.near_conflict looked at texts of the same words only")


def test_any_order_of_rows_finds_the_same_rows_with_the_same_words():
    pairs = [
        *FILL,
        ("where is it", "a"),
        ("where is it?", "b"),
        ("where  is it!", "b"),
        ("مرحبا بكم", "a"),
        ("مرحبا بكم!", "b"),
    ]
    one = clashes(pairs)[1].select("id", "score", "suggest", "value").sort("id")
    assert one.height >= 4
    assert one.equals(clashes(pairs[::-1])[1].select("id", "score", "suggest", "value").sort("id"))
    assert clashes(pairs)[1].equals(clashes(pairs)[1])


def test_words_that_only_one_text_has_are_counted():
    apart = difference(words_of("a card, a card"), words_of("a card and a crad"))
    assert (apart.here, apart.there) == (["card"], ["and", "crad"])
    assert not apart.trivial
    assert difference(["recognize"], ["recognise"]).trivial
    assert not difference(["in"], ["on"]).trivial


def test_tweets_that_stand_twice_with_quotes_around_them_conflict(shared):
    pairs = []
    for name in ("train", "test"):
        with (shared / "arabic_sentiment" / f"ArSarcasm_{name}.csv").open(encoding="utf-8", newline="") as file:
            pairs += [(line["tweet"], line["sentiment"]) for line in csv.DictReader(file)]
    rows = frame([{"messages": text, "label": label} for text, label in pairs])
    of = labelled(rows, encoder=lambda texts: np.ones((len(texts), 1), np.float32))
    found = find_near_conflict(of, rows)
    assert 180 <= found.height <= 240
    assert found["note"].str.starts_with("Says the same as").all()


def test_bank_questions_conflict_where_a_person_sees_no_difference(bank):
    rows = frame([{"messages": text, "label": label} for text, label in bank.rows()])
    of = labelled(rows, encoder=lambda texts: np.ones((len(texts), 1), np.float32))
    found = find_near_conflict(of, rows)
    texts = rows.filter(rows["id"].is_in(found["id"].to_list()))["messages"].list.first().struct.field("content")
    assert {"What are the fees for top-ups?", "What are the fees for top ups?"} <= set(texts)
    assert found.height < 30
