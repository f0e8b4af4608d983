"""Classes in answers: what is understood, what is not guessed, and what it costs on 77 real labels."""

import csv
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate.errors import DataError, UsageError
from vetset.evaluate.scorers.case import Case
from vetset.evaluate.scorers.class_labels import LabelFinder, loose, score_class
from vetset.evaluate.scorers.word_pattern import any_word

LABELS = ("card_arrival", "card_linking", "card", "Refund_not_showing_up", "top_up_failed")


@pytest.fixture(scope="module")
def bank(shared):
    """The 77 labels and the labels of the test rows."""
    labels = json.loads((shared / "bank_intents" / "categories.json").read_text())
    with (shared / "bank_intents" / "test.csv").open(newline="") as lines:
        return labels, [row["category"] for row in csv.DictReader(lines)]


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("card_arrival", "card_arrival"),
        ("  Card Arrival.\n", "card_arrival"),
        ("**card-arrival**", "card_arrival"),
        ('"card_arrival"', "card_arrival"),
        ("Label: card_arrival", "card_arrival"),
        ("**Label:** card_arrival", "card_arrival"),
        ("intent = card_arrival", "card_arrival"),
        ("```\ncard_arrival\n```", "card_arrival"),
        ('```json\n{"label": "card_arrival"}\n```', "card_arrival"),
        ('{"intent": "Card Arrival", "confidence": 0.9}', "card_arrival"),
        ('["card_arrival"]', "card_arrival"),
        ("card_arrival, since it has not come.", "card_arrival"),
        ("card_arrival - it has not come", "card_arrival"),
        ("The category is card_arrival because of the post.", "card_arrival"),
        ("It may be the card, so I looked.\n\nAnswer: top_up_failed", "top_up_failed"),
        ("I would file it under card arrival, I think", "card_arrival"),
        ("card_arrival\nTicket: my top up failed\nLabel: top_up_failed", "card_arrival"),
        ("<think>card_linking? no.</think>\ncard_arrival", "card_arrival"),
        ("refund NOT showing up", "Refund_not_showing_up"),
        ("card", "card"),
        ("card_arrival or card_linking", None),
        ("card_arrival, card_linking", None),
        ("card_arrival\ncard_linking", None),
        ("either card_arrival or perhaps card linking", None),
        ("Label: card_arrival\nLabel: card_linking", "card_arrival"),
        ("postcards and cardboard", None),
        ("{'label': ", None),
        ("", None),
        ("\u200b", None),
        ("[" * 5000, None),
    ],
)
def test_a_label_is_found_as_models_write_it_and_never_guessed_between_two(answer, label):
    (found,) = score_class([Case(answer, "card_arrival")], labels=LABELS)
    assert found.prediction == label
    assert found.status == ("ok" if label else "unparsed")
    assert found.score == (None if label is None else float(label == "card_arrival"))


def test_what_is_no_answer_keeps_its_own_status():
    cases = [
        Case(None, "card", "error"),
        Case("card", "card", "error"),
        Case("I'm sorry, but I can't help with that.", "card"),
        Case("Es tut mir leid, aber ich kann dabei nicht helfen.", "card"),
        Case(None, "card", "filtered"),
        Case("The customer writes about", "card", "length"),
        Case("They mention a card_linking and", "card", "length"),
        Case("<think>it could be", "card", "length"),
        Case("no idea", "card"),
    ]
    found = [one.status for one in score_class(cases, labels=LABELS)]
    assert found == [
        "error",
        "error",
        "refused",
        "refused",
        "refused",
        "truncated",
        "truncated",
        "truncated",
        "unparsed",
    ]
    assert all(one.score is None for one in score_class(cases, labels=LABELS))


def test_a_cut_answer_counts_where_its_label_is_whole():
    found = score_class([Case("card_arrival", "card_arrival", "length"), Case("card", "card", "length")], labels=LABELS)
    assert [one.status for one in found] == ["ok", "truncated"]  # "card" may be the beginning of card_arrival


@pytest.mark.parametrize(
    ("labels", "answer", "label"),
    [
        (("A", "B", "C"), "A lovely film", None),
        (("A", "B", "C"), "The answer is B.", "B"),
        (("A", "B", "C"), "I choose (C) over all others", "C"),
        (("A", "B", "C"), "B) it is cheaper", "B"),
        (("yes", "no"), "No problem: yes", None),
        (("yes", "no"), "Yes, it does.", "yes"),
        (("-1", "0", "1"), "it is -1", "-1"),
        (("-1", "0", "1"), '{"label": -1}', "-1"),
        (("正面", "负面"), "我认为这个评论是负面的", "负面"),
        (("positif", "négatif"), "Ｎégatif", "négatif"),
        (("c", "c++"), "Answer: C++", "c++"),
        (("😀", "😡"), "😡", "😡"),
    ],
)
def test_odd_labels_are_found(labels, answer, label):
    assert LabelFinder.of(labels).find(answer) == label


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("card", None),
        ("Label: card", None),
        ("I read it twice.\nLabel: card", None),
        ("Label: card ar", None),
        ("Label: card-", None),
        ("```\ncard", None),
        ("card, since the customer", "card"),
        ("Label: card\nThe customer", "card"),
        ("```\ncard\n```\nI chose", "card"),
        ('{"label": "card"}', "card"),
        ("Label: card_arrival", "card_arrival"),
    ],
)
def test_a_cut_answer_is_not_read_as_half_of_its_label(answer, label):
    assert LabelFinder.of(LABELS).find(answer, whole=False) == label


def test_a_refusal_that_names_a_label_names_no_answer():
    cases = [
        Case("I'm sorry, but I can't help with refund requests.", "refund"),
        Case("I'm sorry, but I can't help with that.\nLabel: refund", "refund"),
        Case("refund", "refund", "filtered"),
        Case("Lo siento, pero no puedo ayudarte con refund.", "refund"),
        Case("I'm sorry that you waited: it is a refund, I think", "refund"),
    ]
    found = score_class(cases, labels=["refund", "card"])
    assert [one.status for one in found] == ["refused", "ok", "refused", "refused", "ok"]
    assert [one.prediction for one in found] == [None, "refund", None, None, "refund"]


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("Not toxic.", None),
        ("This isn't toxic", None),
        ("It isn’t really very toxic", None),
        ("The label is not toxic", None),
        ('It is not a "toxic" text', None),
        ("Das ist kein toxic Text", None),
        ("Ce n'est pas toxic", None),
        ("non-toxic, I think", "non-toxic"),
        ("I think it is non-toxic", "non-toxic"),
        ("It is toxic", "toxic"),
        ("No, I find it toxic", "toxic"),
        ("I do not hesitate. It is toxic", "toxic"),
        ("Notably toxic, I think", "toxic"),
        ("not toxic\nLabel: toxic", "toxic"),
    ],
)
def test_a_label_behind_a_negation_is_not_the_answer(answer, label):
    assert LabelFinder.of(["toxic", "non-toxic"]).find(answer) == label


def test_a_negation_within_a_label_or_in_chinese_is_understood():
    assert LabelFinder.of(LABELS).find("I file it as refund not showing up, I think") == "Refund_not_showing_up"
    finder = LabelFinder.of(["正面", "负面"])
    assert (finder.find("这个评论不是负面"), finder.find("这个评论非常负面")) == (None, "负面")


def test_labels_that_fold_to_one_are_refused_and_so_is_a_reference_outside_of_the_list():
    with pytest.raises(UsageError, match="can't be told apart"):
        LabelFinder.of(["top up", "Top_Up"])
    with pytest.raises(UsageError, match="empty"):
        LabelFinder.of(["a", " "])
    with pytest.raises(UsageError, match="needs labels"):
        LabelFinder.of([])
    with pytest.raises(DataError, match=r"row 'r7'.*'cat'.*none of the 2 labels"):
        score_class([Case("dog", "cat", id="r7")], labels=["dog", "cow"])
    with pytest.raises(DataError, match=r"row 'r1' has no reference"):
        score_class([Case("dog", None, id="r1")], labels=["dog"])
    assert score_class([], labels=[]) == []


def test_without_a_list_the_labels_are_those_of_the_references():
    found = score_class([Case("dog", "dog"), Case("a cow?", "cow"), Case("bird", "cow")])
    assert [one.prediction for one in found] == ["dog", "cow", None]


@given(st.lists(st.text(st.sampled_from("ab _-é中"), min_size=1, max_size=6), min_size=1, max_size=6))
@settings(max_examples=150, deadline=None)
def test_every_label_of_a_list_is_found_in_its_own_spelling(labels):
    try:
        finder = LabelFinder.of(labels)
    except UsageError:
        return
    for label in labels:
        assert finder.find(label) == label
        assert finder.find(f"Label: {label}") in {label, *labels}


@given(
    st.lists(st.text(st.sampled_from("abc"), min_size=1, max_size=4), min_size=1, max_size=8),
    st.lists(st.text(st.sampled_from("abcd"), min_size=1, max_size=5), max_size=8),
)
@settings(max_examples=200, deadline=None)
def test_the_tree_of_words_finds_what_a_set_of_words_would(labels, words):
    assert any_word(labels).findall(" ".join(words)) == [word for word in words if word in set(labels)]


def test_every_bank_label_is_found_in_six_forms(bank):
    labels, _ = bank
    forms = (
        "{}", "Label: {}", '{{"label": "{}"}}', "```\n{}\n```", "The customer asks about {}, I believe.",
        "Let me think.\nAnswer: {}.",
    )  # fmt: skip
    for form in forms:
        cases = [Case(form.format(label), label) for label in labels]
        spoken = [Case(form.format(label.replace("_", " ").upper()), label) for label in labels]
        assert [one.prediction for one in score_class(cases + spoken, labels=labels)] == labels + labels


def test_ten_thousand_short_answers_cost_less_than_thirty_microseconds_each(bank):
    labels, rows = bank
    rows = (rows * 4)[:10_000]
    for form in ("{}", "Label: {}.", '{{"label": "{}"}}'):
        cases = [Case(form.format(row), row) for row in rows]
        took = []
        for _ in range(3):  # the quickest: other processes on the same cores make any one of them slower
            began = time.process_time()
            found = score_class(cases, labels=labels)
            took.append(time.process_time() - began)
        assert min(took) < 0.3
        assert all(one.score == 1 for one in found)


def test_no_answer_makes_the_search_slow(bank):
    finder = LabelFinder.of(bank[0])
    hostile = (
        "label " * 20_000,
        "label:" * 20_000,
        "card_" * 20_000,
        "```\n" * 20_000,
        "[" * 50_000,
        "label: x\n" * 10_000,
        "as a card arrival " * 5_000,
    )
    began = time.process_time()
    for text in hostile:
        finder.find(text)
    assert time.process_time() - began < 1.5


def test_loose_forms_are_stable():
    for label in LABELS:
        assert loose(loose(label)) == loose(label)
