"""What a fine-tune forgot is seen pair by pair, and written where a verdict finds it."""

import json
import re

import msgspec
import pytest
from vetset.curate.errors import DataError, UsageError
from vetset.evaluate.models.likelihoods import perplexity
from vetset.evaluate.models.local import open_local
from vetset.evaluate.models.protocol import Answer
from vetset.evaluate.verdicts.forgetting import (
    forgetting_rows,
    measure_forgetting,
    read_forgetting,
    save_forgetting,
)
from vetset.evaluate.verdicts.general import Check, Item, general_items, general_text, right

# One right answer an item, as a person would write it: a check that refuses it is wrong.
GOOD = {
    "format-03": "TABLE",
    "format-05": '{"name": "Lena"}',
    "format-06": "- apple\n- pear\n- plum",
    "format-09": "moon, moon, moon",
    "format-10": "apple, fig, pear",
    "format-11": "B",
    "format-12": "2030-01-01",
    "code-03": "def add(a, b):\n    return a + b",
    "code-04": "The <p> tag.",
    "code-06": "It lists the files in a folder.",
}


class Canned:
    """Answers each item with what a function says of it."""

    def __init__(self, name, answer):
        self.name, self._answer = name, answer
        self.asked = 0

    def identity(self):
        return {"name": self.name}

    def answer(self, requests, done):
        items = {item.ask: item for item in general_items()}
        for place, request in enumerate(requests):
            self.asked += 1
            answer = self._answer(items[request.messages[0].content])
            done(place, answer if isinstance(answer, Answer) else Answer(text=answer))


def good(item):
    if item.kind == "unknown":
        return "I don't know that."
    return GOOD.get(item.id) or (item.check.any or item.check.exact)[0]


def test_every_item_has_an_answer_that_is_right_and_silence_and_a_tuned_label_are_wrong():
    for item in general_items():
        assert right(item.check, good(item)), item.id
        if item.kind not in ("format", "unknown"):
            assert right(item.check, f"The answer is {good(item)}."), item.id
        assert not right(item.check, ""), item.id
        assert not right(item.check, None), item.id
        assert not right(item.check, "card_linking"), item.id
        if item.kind in ("facts", "arithmetic", "languages", "code"):  # elsewhere the question holds the answer
            assert not right(item.check, item.ask), item.id


def test_the_suite_is_large_enough_and_says_each_thing_once():
    items, texts = general_items(), general_text()
    assert len(items) == 106
    assert len({item.id for item in items}) == len({item.ask for item in items}) == 106
    assert len({item.kind for item in items}) == 9
    assert len(texts) == len({text.register for text in texts}) == 32
    assert all(250 < len(text.text) < 700 for text in texts)
    assert forgetting_rows().height == 106


def test_checks_see_words_and_not_parts_of_them():
    four = Check(any=("4",))
    assert right(four, "It is 4.")
    assert right(four, "4, of course")
    assert not right(four, "42")
    assert not right(four, "1.4")
    assert not right(four, "4.5")
    assert right(Check(any=("北京",)), "中国的首都是北京。")
    assert right(Check(exact=("yes",)), ' "Yes." ')
    assert not right(Check(exact=("yes",)), "yes and no")
    assert not right(Check(any=("a",), regex="b"), "a")


def test_no_check_takes_long_on_a_long_answer():
    """Answers are a stranger's: a pattern that goes back and forth over them would hang."""
    import time

    begun = time.process_time()
    for item in general_items():
        for text in ("don don't " * 3000, "- a\n" * 5000, "moon, " * 5000, "{" * 20_000, " \n" * 20_000):
            right(item.check, text)
    assert time.process_time() - begun < 60


def test_pairs_and_figures_follow_from_the_answers(tmp_path):
    base = Canned("base", good)
    tuned = Canned("tuned", lambda item: "card_linking" if item.kind in ("facts", "code") else good(item))
    found = measure_forgetting(base, tuned)
    lost = [pair.id for pair in found.items if pair.base > pair.candidate]
    assert {name.split("-")[0] for name in lost} == {"facts", "code"}
    assert len(lost) == 26
    assert found.summary()["score_candidate"] == pytest.approx(80 / 106)
    assert found.summary()["kinds"]["facts"] == {"items": 20, "base": 1.0, "candidate": 0.0}
    assert found.item_pairs()[0] == [1.0] * 106
    assert found.texts == []
    assert "base does not say how likely" in found.no_texts
    save_forgetting(tmp_path, found)
    assert read_forgetting(tmp_path) == found


def test_the_base_is_asked_once_for_many_candidates():
    base = Canned("base", good)
    first = measure_forgetting(base, Canned("one", good))
    second = measure_forgetting(base, Canned("two", lambda item: "no"), earlier=first)
    assert base.asked == 106
    assert [pair.base for pair in second.items] == [pair.base for pair in first.items]
    measure_forgetting(Canned("another base", good), Canned("three", good), earlier=first)
    other = Canned("other base", good)
    measure_forgetting(other, Canned("three", good), earlier=second)
    assert other.asked == 106


def test_a_candidate_that_is_the_base_or_does_not_answer_is_refused():
    with pytest.raises(DataError, match="is 'base' itself"):
        measure_forgetting(Canned("base", good), Canned("base", good))
    broken = Canned("broken", lambda item: Answer(finish="error", error="no route") if item.kind == "code" else "x")
    with pytest.raises(DataError, match=r"no answer to 6 general questions of 106 \('no route'\)"):
        measure_forgetting(Canned("base", good), broken)


def test_a_damaged_or_newer_file_is_refused(tmp_path):
    assert read_forgetting(tmp_path) is None
    path = save_forgetting(tmp_path, measure_forgetting(Canned("base", good), Canned("tuned", good)))
    whole = json.loads(path.read_text())
    path.write_text(json.dumps({**whole, "format": 2}))
    with pytest.raises(DataError, match="update vetset"):
        read_forgetting(tmp_path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match="is damaged"):
        read_forgetting(tmp_path)
    with pytest.raises(UsageError, match="can't be written"):
        save_forgetting(tmp_path / "nowhere", msgspec.convert(whole, type=type(measure_forgetting(
            Canned("base", good), Canned("tuned", good)))))  # fmt: skip


def test_a_tiny_model_and_its_adapter_are_told_apart(tiny, adapter):
    tuned = open_local(tiny, adapter=adapter)
    found = measure_forgetting(tuned.with_adapter(None), tuned)
    assert len(found.texts) == 32
    assert all(pair.tokens > 250 for pair in found.texts)
    base, candidate = found.text_pairs()
    assert min(abs(one - two) for one, two in zip(base, candidate, strict=True)) > 1e-4
    assert found.no_texts is None


def test_likelihoods_are_those_of_a_plain_forward_pass_in_any_batch(tiny):
    import torch

    model = open_local(tiny)
    texts = ["", "a", "The rain came late.", "The rain came slow, it had a dozen roofs to know. " * 4]
    found = model.likelihoods(texts)
    assert [each.tokens for each in found] == [0, 0, 18, 199]
    for text, each in zip(texts[2:], found[2:], strict=True):
        ids = model.tokenizer(text, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            loss = model.weights.module(input_ids=ids, labels=ids).loss
        assert each.per_token == pytest.approx(float(loss), rel=1e-5)
    assert perplexity(found) == pytest.approx(2.718281828 ** ((found[2].nats + found[3].nats) / 217))
    assert found[3].bytes == 200
    with pytest.raises(UsageError, match="text 2 of 2 has 3,000 tokens"):
        model.likelihoods(["x", "y" * 3000])


@pytest.mark.slow
def test_a_real_model_knows_more_than_it_is_noise(smol):
    model = open_local(smol)
    asked: list[Item] = [item for item in general_items() if item.kind in ("facts", "code")]
    answers = {}
    model.answer([item.request() for item in asked], answers.__setitem__)
    score = sum(right(item.check, answers[place].text) for place, item in enumerate(asked)) / len(asked)
    assert score >= 0.6  # 20 of 26 when this was written; by chance none
    plain = general_text()[0].text
    shuffled = " ".join(sorted(re.findall(r"\S+", plain)))
    one, other = model.likelihoods([plain, shuffled])
    assert one.per_token + 1 < other.per_token
