"""The gates of made rows: each finds what was planted for it, leaves a good row alone, and nothing stands behind a rejection."""

import random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from vetset.curate.calls import Answer
from vetset.curate.dataset import frame
from vetset.curate.distill.gates.gate import VERDICTS, Batch, Checked, Vote
from vetset.curate.distill.gates.label_model import learnt
from vetset.curate.distill.gates.order import ORDER, judge_batch
from vetset.curate.distill.gates.wanted import Gates
from vetset.curate.distill.seeds import Seeds
from vetset.curate.distill.task import Task
from vetset.curate.embed.encoder import find_encoder
from vetset.curate.errors import UsageError

PLACES = ("Lyon", "Oslo", "Porto", "Graz", "Bern", "Riga", "Turin", "Malmo", "Gdansk", "Cork")
REAL = [
    *((f"My card from the branch in {place} was refused at a till, why is that so", "card") for place in PLACES),
    *(
        (f"The transfer to my landlord near {place} is late, when will the money arrive", "transfer")
        for place in PLACES
    ),
]
GOOD = ("Yesterday a waiter could not charge my card, although there is enough on it", "card")


def rows_of(lines, name="d"):
    """Rows as the engine makes them: ids of drafts, and parents."""
    made = frame([{"messages": text, "label": label} for text, label in lines])
    return made.with_columns(
        id=pl.format(name + "-{}", pl.int_range(pl.len())),
        parents=pl.lit([], pl.List(pl.String)),
        split=pl.lit("train"),
    )


def batch_of(lines, *, real=REAL, held=None, **given):
    known = frame([{"messages": text, "label": label} for text, label in real])
    seeds = Seeds(known, {}, known)
    task = Task("A message to a bank", seeds.by_id, seeds.labels)
    eval_rows = None if held is None else frame([{"messages": text} for text in held])
    return Batch(made=rows_of(lines), real=known, task=task, held=eval_rows, **given)


def judged(lines, gates=None, **given):
    batch = batch_of(lines, **given)
    return judge_batch(batch, Gates.model_validate(gates or {})), batch


def worst(found):
    """Gate and verdict of each row that did not pass, by number."""
    bad = found.filter(pl.col("verdict") != "pass").unique("id", keep="last", maintain_order=True)
    return {
        int(row_id[2:]): (gate, verdict) for row_id, gate, verdict in bad.select("id", "gate", "verdict").iter_rows()
    }


def test_a_good_row_passes_every_gate_that_looks():
    found, _ = judged([GOOD], held=["Which currencies do you exchange on a Sunday morning in spring"])
    assert found["gate"].to_list() == [
        "length",
        "leftovers",
        "truncated",
        "personal",
        "duplicates",
        "evalset",
        "label_model",
    ]
    assert set(found["verdict"]) == {"pass"}
    assert found.schema == VERDICTS


def test_no_rows_make_no_verdicts():
    found, _ = judged([])
    assert found.is_empty()
    assert found.schema == VERDICTS


def test_each_gate_finds_what_was_planted_for_it():
    found, _ = judged(
        [
            ("\u200b", "card"),
            ("why " * 400, "card"),
            ("I'm sorry, but I can't help with writing a message about a bank card.", "card"),
            ("Send the new card to {customer_name} at the old address, please do so today", "card"),
            ("Write to jane.doe@firma-nord.com about the card that was refused at the till there", "card"),
            (REAL[0][0], "card"),
            (REAL[3][0].upper(), "card"),
            ("My card from the branch in Graz was refused at a till, why is that so now", "card"),
            GOOD,
            (GOOD[0] + "!", "card"),
            ("which currencies do you EXCHANGE on a sunday morning in spring", "card"),
        ],
        held=["Which currencies do you exchange on a Sunday morning in spring"],
    )
    assert worst(found) == {
        0: ("quality.empty", "reject"), 1: ("distill.length", "reject"), 2: ("quality.template", "reject"),
        3: ("quality.template", "reject"), 4: ("privacy.email", "reject"), 5: ("duplicates.exact", "reject"),
        6: ("duplicates.normalised", "reject"), 7: ("duplicates.near", "reject"), 9: ("duplicates.near", "reject"),
        10: ("leakage.exact", "reject"),
    }  # fmt: skip


def test_notes_are_one_masked_sentence_with_a_peer():
    real = [*REAL, ("Call +49 170 1234567 about my card, it was swallowed by the machine on the corner", "card")]
    found, batch = judged([(real[-1][0], "card")], {"personal": "off"}, real=real)
    line = found.filter(pl.col("verdict") == "reject").row(0, named=True)
    assert line["peer"] == batch.real["id"][-1]
    assert "1234567" not in line["note"]
    assert line["note"].endswith(".")


def test_what_a_seed_holds_is_not_the_teachers_doing_but_for_review():
    real = [*REAL, ("Write to otto@firma-sued.com about the till in the canteen, my card failed there", "card")]
    batch = batch_of(
        [("The canteen's till took no card, tell otto@firma-sued.com about it at once", "card")], real=real
    )
    parents = [[batch.real["id"][-1]]]
    made = batch.made.with_columns(parents=pl.Series(parents))
    found = judge_batch(Batch(made=made, real=batch.real, task=batch.task), Gates())
    assert worst(found) == {0: ("privacy.email", "review")}


def test_a_round_is_held_against_the_rounds_before():
    kept = rows_of([GOOD], "k")
    found, _ = judged([(GOOD[0].lower(), "card")], kept=kept)
    assert worst(found) == {0: ("duplicates.normalised", "reject")}
    assert found.filter(pl.col("verdict") == "reject")["peer"].to_list() == ["k-0"]


def test_of_a_chain_of_near_copies_the_earlier_stay():
    text = (
        "one two three four five six seven eight nine ten eleven twelve {} thirteen fourteen fifteen sixteen seventeen"
    )
    found, _ = judged(
        [(text.format("a"), None), (text.format("b"), None)], {"length": "off", "duplicates": {"threshold": 0.5}}
    )
    assert worst(found) == {1: ("duplicates.near", "reject")}


def test_a_text_inside_of_another_is_a_copy():
    short = (
        "The clerk at the counter told me that a card which was refused twice has to be sent back within thirty days"
    )
    long = f"{short} and that nobody pays for it but the bank, as the law has it since the year of the reform"
    found, _ = judged([(short, None), (long, None)], {"length": "off"})
    assert worst(found) == {1: ("duplicates.contained", "reject")}


def test_the_same_in_other_words_is_found_with_an_encoder():
    def encoder(texts):
        """A stand-in for a model: where the text speaks of."""
        return pl.DataFrame({p: [float(p in text) + 0.001 for text in texts] for p in (*PLACES, "waiter")}).to_numpy()

    found, batch = judged([("Somebody in Lyon was refused", None), GOOD],
                          {"length": "off", "duplicates": {"cosine": 0.99}, "label_model": "off"}, encoder=encoder)  # fmt: skip
    assert worst(found) == {0: ("duplicates.semantic", "reject")}
    assert any("cosine" in note for note in batch.notes)


def test_rows_that_repeat_their_seed_on_purpose_are_no_copies_of_it_but_of_each_other():
    found, _ = judged(
        [(REAL[0][0], "card"), (REAL[0][0], "card"), (REAL[0][0], "transfer")], {"label_model": "off"}, same_text=True
    )
    assert worst(found) == {1: ("duplicates.exact", "reject")}


@pytest.mark.parametrize(
    ("text", "gate"),
    [
        ("Which currencies do you exchange on a cloudy morning in spring", "leakage.edited"),
        ("Which currencies do you exchange on a morning in spring", "leakage.edited"),
        ("exchange on a Sunday morning", "leakage.half"),
    ],
)
def test_a_short_eval_text_is_found_by_its_words(text, gate):
    found, _ = judged(
        [(text, None)], {"length": "off"}, held=["Which currencies do you exchange on a Sunday morning in spring"]
    )
    assert worst(found) == {0: (gate, "reject")}


def test_words_that_real_rows_have_too_are_no_leak():
    held = ["The transfer to my landlord near the old mill is wrong by ten"]
    found, _ = judged(
        [("The transfer to my landlord near Bordeaux came back and nobody told me of it", "transfer")], held=held
    )
    assert worst(found) == {}


def test_an_eval_text_in_an_answer_or_a_worse_reply_is_found():
    held = "Which currencies do you exchange on a Sunday morning in spring"
    asked, said = (
        ("Make up a question that a tourist would ask", "Make up what nobody would say"),
        (held, "Good evening to all"),
    )
    turns = [
        [{"role": "user", "content": one}, {"role": "assistant", "content": two}]
        for one, two in zip(asked, said, strict=True)
    ]
    made = frame([{"messages": turns[0]}, {"messages": turns[1], "rejected": held.upper()}])
    made = made.with_columns(id=pl.Series(["d-0", "d-1"]), parents=pl.lit([], pl.List(pl.String)))
    batch = batch_of([], held=[held])
    found = judge_batch(
        Batch(made=made, real=batch.real, task=batch.task, held=batch.held), Gates.model_validate({"length": "off"})
    )
    assert {number: gate for number, (gate, _) in worst(found).items()} == {0: "leakage.exact", 1: "leakage.exact"}


def test_verifiers_reject_and_say_what_they_have_no_reference_for():
    def even(made):
        return [Checked(1.0), Checked(0.25, note="odd"), Checked(None), Checked(None, asked=False)]

    lines = [GOOD, *((f"{GOOD[0]} since {place} played a match there in May", "card") for place in PLACES[:3])]
    found, batch = judged(lines, {"duplicates": "off", "verify": {"action": "review"}}, checks={"even": even})
    assert worst(found) == {1: ("distill.verify", "review"), 2: ("distill.verify", "review")}
    assert batch.notes == ["even had no reference to hold 1 made rows against, and let them pass."]


def test_a_judge_that_nobody_calibrated_rejects_nothing_and_disagreement_goes_to_review():
    measured = [Vote(score, "a", calibrated=True) for score in (0.9, 0.1, 1.0, None)]
    votes = [[measured[0]], [measured[1]], [Vote(0.1, "a")], [measured[2], Vote(0.25, "a")], [measured[3]]]
    lines = [(f"{GOOD[0]} since {place}", "card") for place in PLACES[:5]]
    found, batch = judged(lines, {"duplicates": "off"}, judge=lambda made: votes)
    assert worst(found) == {
        number: ("distill.judge", verdict)
        for number, verdict in {1: "reject", 2: "review", 3: "review", 4: "review"}.items()
    }
    assert "never held against people" in batch.notes[0]


def test_the_real_rows_contradict_a_label_that_they_would_not_give():
    line = ("The transfer to my sister is late, when will the money arrive in her account", "card")
    found, batch = judged([line, GOOD], {"duplicates": "off"})
    assert worst(found) == {0: ("labels.suspect", "reject")}
    peer = found.filter(pl.col("verdict") == "reject")["peer"][0]
    assert batch.real.filter(pl.col("id") == peer)["label"].to_list() == ["transfer"]


def test_labels_that_the_texts_say_nothing_of_are_not_judged():
    draw = random.Random(0)
    real = [(f"{text} {number}", draw.choice(["even", "odd"])) for number, (text, _) in enumerate(REAL * 3)]
    found, batch = judged([(GOOD[0], "even")], {"duplicates": "off"}, real=real)
    assert worst(found) == {}
    assert any("next to nothing" in note for note in batch.notes)


@pytest.mark.parametrize(
    ("replies", "verdict"),
    [
        (["card"] * 3, None), (["transfer"] * 3, "reject"), (["card", "transfer", "both"], None),
        (["card", "transfer", "transfer"], "reject"), (["?"] * 3, "review"),
    ],
)  # fmt: skip
def test_the_teacher_is_asked_for_the_label_without_being_told(replies, verdict):
    asked = []

    def teacher(requests):
        asked.extend(requests)
        return [Answer(text=f'{{"label": "{reply}"}}') for reply in replies]

    found, _ = judged([GOOD], {"label_votes": {"votes": 3}, "label_model": "off"}, ask=teacher)
    assert worst(found) == ({} if verdict is None else {0: ("distill.label", verdict)})
    assert len({request.sample for request in asked}) == 3
    said = asked[0].messages[1].content
    assert "- card" in said
    assert "- transfer" in said
    assert GOOD[0] in said


def test_named_rules_speak_of_made_rows_only():
    real = [("Sum 2 and 3", "2 + 3 = 6")] * 3
    made = frame(
        [
            {
                "messages": [
                    {"role": "user", "content": "Add 4 to 5, and show how"},
                    {"role": "assistant", "content": "4 + 5 = 11"},
                ]
            }
        ]
    )
    made = made.with_columns(id=pl.Series(["d-0"]), parents=pl.lit([], pl.List(pl.String)))
    known = frame(
        [{"messages": [{"role": "user", "content": one}, {"role": "assistant", "content": two}]} for one, two in real]
    )
    batch = Batch(made=made, real=known.head(0), task=Task("", {}))
    found = judge_batch(batch, Gates.model_validate({"rules": ["outputs.arithmetic"]}))
    assert worst(found) == {0: ("outputs.arithmetic", "review")}


def test_what_real_rows_are_like_is_no_fault_of_the_teacher():
    real = [(f"{text}. As an AI language model, I would say so", label) for text, label in REAL]
    found, batch = judged([("As an AI language model, I had my card refused by a waiter", "card")], real=real)
    assert worst(found) == {}
    assert any("quality.template" in note for note in batch.notes)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"evalset": "off"}, "can't be off"),
        ({"duplicates": {"thresold": 0.9}}, "thresold"),
        ({"rules": ["outputs.aritmetic"]}, "did you mean outputs.arithmetic"),
        ({"rules": ["leakage.near"]}, "gate evalset"),
        ({"label_model": {"review_odds": 500}}, "reject_odds"),
        ({"length": "drop"}, "reject"),
        ({"duplicates": {"shingle": "line3"}}, "word5"),
    ],
)
def test_what_no_gate_has_is_refused(said, told):
    with pytest.raises(ValidationError, match=told):
        Gates.model_validate(said)


def test_a_verifier_or_a_judge_that_loses_rows_is_refused():
    with pytest.raises(UsageError, match="one each"):
        judged([GOOD], checks={"none": lambda made: []})
    with pytest.raises(UsageError, match="one list each"):
        judged([GOOD], judge=lambda made: [])


ACTIONS = st.sampled_from(["reject", "review", "off"])
LINES = st.lists(
    st.sampled_from(
        [GOOD, REAL[0], (REAL[12][0], "card"), ("", "card"), ("hi", None), ("a@firma-nord.com or so", "x")]
    ),
    max_size=6,
)


@settings(max_examples=25, deadline=None)
@given(LINES, ACTIONS, ACTIONS, ACTIONS)
def test_every_row_gets_its_verdicts_in_order_and_none_behind_a_rejection(lines, length, duplicates, personal):
    gates = {"length": length, "duplicates": duplicates, "personal": personal, "label_model": "off"}
    found, batch = judged(lines, gates)
    assert found["id"].unique(maintain_order=True).to_list() == batch.made["id"].to_list()
    for _, own in found.group_by("id", maintain_order=True):
        assert "reject" not in own["verdict"].to_list()[:-1]
    assert found.equals(judged(lines, gates)[0])
    for gate, action in (("distill.length", length), ("privacy.email", personal), ("duplicates.exact", duplicates)):
        if action != "reject":
            assert found.filter((pl.col("gate") == gate) & (pl.col("verdict") == "reject")).is_empty()


def test_every_gate_of_a_recipe_stands_in_the_order():
    assert list(ORDER) == list(Gates.model_fields)


def test_the_vectors_of_words_can_be_asked_for_as_an_encoder():
    found, _ = judged([GOOD, REAL[1]], encoder=find_encoder("tfidf").encoder)
    assert worst(found) == {1: ("duplicates.exact", "reject")}


def test_of_many_real_rows_the_same_number_of_each_label_is_learnt_from():
    real = frame([{"messages": f"text {at}", "label": "rare" if at % 10 == 0 else "common"} for at in range(6_000)])
    some = learnt(real)
    assert some.height == 5_000
    assert dict(some["label"].value_counts().iter_rows()) == {"rare": 600, "common": 4_400}
    assert some.equals(learnt(real))
    assert learnt(real.head(50)).equals(real.head(50))
