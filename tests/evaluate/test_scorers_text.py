"""Scorers of texts: equal, held, alike; each against the definition or library that it follows."""

import time
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetset.curate.errors import DataError, MissingExtra, UsageError
from vetset.evaluate.scorers import text_overlap
from vetset.evaluate.scorers.case import Case
from vetset.evaluate.scorers.exact_match import score_contains, score_exact, score_normalised
from vetset.evaluate.scorers.patterns import score_pattern
from vetset.evaluate.scorers.refusals import score_refusal
from vetset.evaluate.scorers.registry import scorer
from vetset.evaluate.scorers.similarity import score_similarity
from vetset.evaluate.scorers.token_overlap import squad_words, token_f1

REFUSAL = "I'm sorry, but I can't assist with that request."


def scores(found):
    return [one.score for one in found]


def test_exact_is_to_the_character_and_normalised_is_the_same_text():
    cases = [
        Case("refund\n", "refund"),
        Case("Refund", "refund"),
        Case(" “ＲＥＦＵＮＤ.” ", "refund"),
        Case("refunds", "refund"),
    ]
    assert scores(score_exact(cases)) == [1, 0, 0, 0]
    assert scores(score_normalised(cases)) == [1, 1, 1, 0]
    assert score_normalised(cases)[2].prediction == "refund"


def test_contains_asks_for_whole_words():
    cases = [Case("It is PARIS.", "Paris"), Case("a parish", "Paris"), Case("答案是北京。", "北京"), Case("", "Paris")]
    assert [(one.score, one.status) for one in score_contains(cases)] == [
        (1, "ok"), (0, "ok"), (1, "ok"), (None, "unparsed")
    ]  # fmt: skip


@pytest.mark.parametrize("spec", ["exact", "normalised", "contains", "token_f1", "similarity:tfidf"])
def test_texts_that_are_no_answer_are_not_wrong(spec):
    cases = [
        Case("the cat sat here", "the cat sat here"),
        Case(REFUSAL, "the cat"),
        Case("the", "the cat", "length"),
        Case(None, "the cat", "error"),
        Case("  ", "the cat"),
        Case("the dog ran", "the cat"),
    ]
    found = scorer(spec).score(cases)
    assert [one.status for one in found] == ["ok", "refused", "truncated", "error", "unparsed", "ok"]
    assert found[0].score == pytest.approx(1)
    assert found[-1].score < 1


def test_a_refusal_where_the_reference_refuses_is_an_answer():
    (found,) = score_normalised([Case(REFUSAL, "Sorry, I can't help with that.")])
    assert (found.status, found.score) == ("ok", 0)
    assert score_exact([Case(REFUSAL, REFUSAL)])[0].score == 1


def test_a_refusal_or_a_filtered_text_that_holds_the_reference_is_no_answer():
    asked = "I'm sorry, but I can't help with refund requests."
    assert [(one.score, one.status) for one in score_contains([Case(asked, "refund"), Case("A refund.", "refund")])] == [
        (None, "refused"), (1, "ok")
    ]  # fmt: skip
    assert score_contains([Case(REFUSAL, "sorry"), Case(REFUSAL, REFUSAL)])[1].score == 1
    for spec in ("exact", "normalised", "contains", "token_f1", "regex:re(fund)", "json"):
        (found,) = scorer(spec).score([Case('"refund"' if spec == "json" else "refund", "refund", "filtered")])
        assert (found.score, found.status) == (None, "refused"), spec
    (found,) = score_contains([Case(f"{REFUSAL} Ask", REFUSAL, "filtered")])
    assert found.score == 1


def test_refusal_says_whether_it_refuses_where_it_should():
    cases = [
        Case(REFUSAL, "refuse"), Case("42", "refuse"), Case(REFUSAL, "42"), Case("42", "42"), Case("42", None),
        Case("对不起，我无法帮助您。", REFUSAL), Case(None, "refuse", "filtered"), Case(None, "refuse", "error"),
    ]  # fmt: skip
    found = score_refusal(cases)
    assert scores(found) == [1, 0, 0, 1, 1, 1, 1, None]
    assert [one.prediction for one in found[:2]] == ["refused", "answered"]


def test_a_pattern_with_a_group_is_compared_and_one_without_matches():
    cases = [Case("Order 17 is late", "17"), Case("order 18", "17"), Case("none", "17"), Case(None, "17", "error")]
    found = score_pattern(cases, pattern=r"(?i)order (\d+)")
    assert [(one.score, one.status) for one in found] == [(1, "ok"), (0, "ok"), (None, "unparsed"), (None, "error")]
    assert scores(score_pattern([Case("a1", None), Case("b", None)], pattern=r"\d")) == [1, 0]


def test_a_pattern_that_would_take_python_years_takes_no_time():
    began = time.process_time()
    score_pattern([Case("a" * 50_000, None)], pattern=r"(?:a+)+$|(?:a|a)*b")
    assert time.process_time() - began < 1


def test_token_f1_is_that_of_squad():
    assert token_f1("The cat sat down.", "a cat sat") == pytest.approx(0.8)
    assert token_f1("", "") == 1
    assert token_f1("the", "cat") == 0
    assert token_f1("cat cat", "cat") == pytest.approx(2 / 3)
    assert squad_words("U.S.-based, 上海!") == ["usbased", "上", "海"]


@given(st.text(), st.text())
def test_token_f1_is_symmetric_and_within_0_and_1(one, other):
    assert token_f1(one, other) == token_f1(other, one)
    assert 0 <= token_f1(one, other) <= 1


def test_bleu_chrf_and_rouge_are_those_of_their_libraries():
    sacrebleu = import_module("sacrebleu")
    rouge = import_module("rouge_score.rouge_scorer")
    pairs = [
        ("the cat sat on the mat", "the cat is on the mat"),
        ("a quick brown fox jumped over it", "the quick brown fox jumps over the lazy dog"),
        ("nothing in common", "wholly other words"),
    ]
    cases = [Case(*pair) for pair in pairs]
    bleu = [sacrebleu.sentence_bleu(text, [right]).score / 100 for text, right in pairs]
    assert scores(scorer("bleu").score(cases)) == pytest.approx(bleu, abs=1e-12)
    for spec, order in (("chrf", 0), ("chrf:++", 2)):
        chrf = [sacrebleu.sentence_chrf(text, [right], word_order=order).score / 100 for text, right in pairs]
        assert scores(scorer(spec).score(cases)) == pytest.approx(chrf, abs=1e-12)

    class Spaces:
        def tokenize(self, text):
            return [word for word in text.lower().split() if word not in ("a", "the")]

    metric = rouge.RougeScorer(["rougeL"], tokenizer=Spaces())
    assert scores(scorer("rouge_l").score(cases)) == pytest.approx(
        [metric.score(right, text)["rougeL"].fmeasure for text, right in pairs]
    )
    whole, signature = text_overlap.corpus_score(*zip(*pairs, strict=True), kind="bleu")
    assert whole == pytest.approx(sacrebleu.corpus_bleu([a for a, _ in pairs], [[b for _, b in pairs]]).score)
    assert "tok:13a" in signature


def test_rouge_reads_every_script():
    import_module("rouge_score")
    assert scores(scorer("rouge_l").score([Case("مرحبا بالعالم", "مرحبا بالعالم"), Case("你好吗", "你好")])) == [1, 0.8]


def test_a_library_that_is_missing_names_its_extra(monkeypatch):
    monkeypatch.setattr(text_overlap, "find_spec", lambda _: None)
    for spec in ("bleu", "chrf", "rouge_l"):
        with pytest.raises(MissingExtra, match=r"pip install 'vetset\[text\]'"):
            scorer(spec)
    with pytest.raises(UsageError, match="no tokenizer"):
        scorer("bleu:flores200")  # sacrebleu would fetch it
    with pytest.raises(UsageError, match=r"chrf:\+\+"):
        scorer("chrf:3")


def test_similarity_is_the_cosine_of_the_encoder_that_is_given():
    seen = []

    def encoder(texts):
        seen.append(texts)
        return np.array([[len(text), 1.0 if "x" in text else 0.0] for text in texts], np.float32)

    found = score_similarity([Case("aaa", "bbb"), Case("xxx", "aaa"), Case("🙂", "aaa")], encoder=encoder)
    assert found[0].score == pytest.approx(1)
    assert found[1].score == pytest.approx(3 / 10**0.5)
    assert len(seen) == 1  # TF-IDF has to see all texts at once
    assert len(seen[0]) == 4


def test_a_reference_is_asked_for_by_name_of_the_row():
    for spec in ("exact", "normalised", "contains", "token_f1", "similarity:tfidf", "number", "fields", "tool_calls"):
        with pytest.raises(DataError, match=r"row 'r9' has no reference"):
            scorer(spec).score([Case("x", None, id="r9")])


def test_ten_thousand_wrong_texts_cost_little():
    cases = [Case(f"answer number {number}, as it seems to me", "another answer") for number in range(10_000)]
    for spec in ("exact", "normalised", "token_f1"):
        began = time.process_time()
        assert sum(one.status == "ok" for one in scorer(spec).score(cases)) == 10_000
        assert time.process_time() - began < 3.0
