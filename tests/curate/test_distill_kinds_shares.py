"""Labels as shares: of the letters' probabilities, over several orders, or of replies where a server gives none."""

import json
import math

import polars as pl
import pytest
from vetset.curate.calls import Answer, Parameters
from vetset.curate.distill.kinds import KINDS
from vetset.curate.errors import UsageError
from vetset.curate.labels.targets import kind_of_labels
from vetset.tests.curate.test_distill_kinds import LOST, drive, prompt, task_of


def likely(request, shares, *, lead=()):
    """Answer with log-probabilities of letters, by the label that each letter stands for in this prompt."""
    signs = {line.split(": ", 1)[1].split('"')[1]: line[0] for line in prompt(request).split("\n") if line[1:3] == ": "}
    top = [
        {"token": signs.get(name, name), "logprob": math.log(share), "bytes": None} for name, share in shares.items()
    ]
    best = max(top, key=lambda one: one["logprob"])
    return Answer(text="A", finish="length", logprobs=json.dumps([*lead, {**best, "top_logprobs": top}]))


def test_shares_are_the_letters_probabilities_and_what_is_outside_is_told():
    given = {"card_lost": 0.6, "refund": 0.2, "pin_blocked": 0.0001, "The": 0.15}
    lead = [{"token": "\n", "logprob": -0.1, "top_logprobs": [{"token": "A", "logprob": -0.1}]}]
    made, asked = drive("soft_labels", task_of(LOST), lambda request: likely(request, given, lead=lead))
    assert json.loads(made.label) == {"card_lost": 0.7499, "pin_blocked": 0.0001, "refund": 0.25}
    assert made.extra == {
        "soft": {"way": "logprobs", "orders": 2, "outside": 0.1999, "apart": 0.0},
        "hard_label": "card_lost",
    }
    assert kind_of_labels(pl.Series([made.label])) == "shares"
    assert (asked[0].parameters.top_logprobs, asked[0].parameters.temperature, made.messages) == (
        20,
        0.0,
        LOST.messages,
    )
    found, _ = drive("soft_labels", task_of(LOST), lambda request: likely(request, {"The": 0.9, "refund": 0.1}))
    assert found.gate == "distill.mass"


def test_a_lean_to_a_letter_is_evened_out_over_orders():
    def leaning(_):
        top = [
            {"token": " A", "logprob": math.log(0.8)},
            {"token": "B", "logprob": math.log(0.1)},
            {"token": "C)", "logprob": math.log(0.1)},
        ]
        return Answer(text="A", logprobs=json.dumps([{**top[0], "top_logprobs": top}]))

    one, _ = drive("soft_labels", task_of(LOST, options={"orders": 1}), leaning)
    two, _ = drive("soft_labels", task_of(LOST), leaning)
    three, asked = drive("soft_labels", task_of(LOST, options={"orders": 3}), leaning)
    assert max(json.loads(one.label).values()) == 0.8
    assert two.extra["review"] == "The order of the labels moves 35% of their shares."
    assert {round(share, 2) for share in json.loads(three.label).values()} == {0.33}
    assert len(asked) == 3


def test_a_server_without_log_probabilities_is_asked_for_samples_and_that_is_told():
    def reply(request):
        signs = {line.split('"')[1]: line[0] for line in prompt(request).split("\n") if line[1:3] == ": "}
        return f"{signs['refund']}." if request.sample % 5 else "card_lost"

    made, asked = drive("soft_labels", task_of(LOST), reply)
    assert (json.loads(made.label), len(asked)) == ({"card_lost": 0.2, "refund": 0.8}, 12)
    assert made.extra["soft"] == {"way": "samples", "samples": 10, "outside": 0.0}
    _, asked = drive("soft_labels", task_of(LOST, options={"way": "samples", "samples": 4}), reply)
    assert len(asked) == 4
    found, _ = drive("soft_labels", task_of(LOST, parameters=Parameters()), reply)
    assert "temperature 0" in found.why


@pytest.mark.parametrize(
    "junk", ["7", "[]", "{", '[{"token": "A"}]', '[{"token": "A", "logprob": "x", "top_logprobs": []}]']
)
def test_log_probabilities_that_are_none_count_as_none(junk):
    found, asked = drive("soft_labels", task_of(LOST), lambda _: Answer(text="hm", logprobs=junk))
    assert (found.gate, len(asked)) == ("distill.mass", 12)


def test_more_labels_than_letters_are_refused():
    with pytest.raises(UsageError, match="2 to 52 labels"):
        KINDS["soft_labels"].make(task_of(LOST, labels=tuple(f"l{number}" for number in range(53))))
