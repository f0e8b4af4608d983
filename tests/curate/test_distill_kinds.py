"""The kinds of plan: what each asks, and the row or the fault that comes of the replies."""

import json

import pytest
from vetset.curate.calls import Answer, Parameters
from vetset.curate.distill.draft import Draft, Fault, Made
from vetset.curate.distill.kinds import KINDS
from vetset.curate.distill.seeds import Seed
from vetset.curate.distill.task import Task
from vetset.curate.errors import UsageError
from vetset.curate.messages import Said
from vetset.evaluate.models.canned import CannedModel

LABELS = ("card_lost", "pin_blocked", "refund")


def seed(text, label=None, *, answer=None, system=None, tools=None, row="r1"):
    turns = [Said("system", system)] if system else []
    turns += [Said("user", text)] + ([Said("assistant", answer)] if answer is not None else [])
    return Seed(row, tuple(turns), label, tools=tools)


def task_of(*seeds, form="json", options=None, labels=LABELS, **more):
    return Task(
        "A message to a bank.", {one.id: one for one in seeds}, labels, form=form, options=options or {}, **more
    )


def drive(kind, task, replies, *, cell=None, index=0):
    """Step a draft made from every row of the task until something has come of it; return that, and all that was asked."""
    model = CannedModel(replies if callable(replies) else _in_turn(replies))
    step, draft = KINDS[kind].make(task), Draft(cell or {}, index, tuple(task.rows))
    waves = ()
    while isinstance(found := step(draft, waves), list):
        answers = [Answer()] * len(found)
        model.answer(found, lambda place, answer, kept=answers: kept.__setitem__(place, answer))
        waves = (*waves, tuple(answers))
        assert sum(map(len, waves)) <= KINDS[kind].calls(task)
    assert step(draft, waves) == found
    return found, model.asked


def _in_turn(replies):
    left = iter(replies)
    return lambda _: next(left)


def prompt(request):
    return request.messages[-1].content


LOST = seed("I lost my card on the bus.", "card_lost")


def test_a_labelled_row_has_the_label_of_its_cell():
    made, asked = drive(
        "labelled", task_of(LOST), ['{"text": "My card is gone."}'], cell={"label": "card_lost", "tone": "calm"}
    )
    assert made == Made((Said("user", "My card is gone."),), "card_lost")
    assert "tone: calm" in prompt(asked[0])
    assert '"pin_blocked", "refund"' in prompt(asked[0])
    assert LOST.text in prompt(asked[0])


def test_a_label_that_no_row_has_is_asked_for_by_its_meaning_alone():
    task = task_of(about={"fraud": "somebody else paid with the card"}, form="plain")
    made, asked = drive("labelled", task, ["Who bought this?"], cell={"label": "fraud"})
    assert made.label == "fraud"
    assert '"fraud" (somebody else paid with the card)' in prompt(asked[0])
    assert "eal " not in prompt(asked[0])
    assert asked[0].parameters.schema is None


def test_a_paraphrase_keeps_the_label_the_answer_and_the_turns_before():
    row = Seed(
        "r1",
        (
            Said("system", "Be kind."), Said("user", "Hi"), Said("assistant", "Hello!"), Said("user", "Where is my card?"),
            Said("assistant", "On its way."),
        ),
        None,
    )  # fmt: skip
    made, asked = drive("paraphrase", task_of(row), ['{"text": "My card: where is it now?"}'])
    assert [turn.content for turn in made.messages] == [
        "Be kind.",
        "Hi",
        "Hello!",
        "My card: where is it now?",
        "On its way.",
    ]
    assert "<conversation>" in prompt(asked[0])
    assert "On its way." not in prompt(asked[0])


@pytest.mark.parametrize(
    "copy", ["I lost my card on the bus.", "i LOST my card, on the bus", "On the bus I lost my card!"]
)
def test_a_paraphrase_that_is_its_seed_is_a_fault(copy):
    found, _ = drive("paraphrase", task_of(LOST, form="plain"), [copy])
    assert found.gate == "distill.copy"


def test_a_row_without_a_user_is_a_fault_before_anything_is_paid():
    row = Seed("r1", (Said("assistant", "I only speak."),), None)
    for kind in ("paraphrase", "evolve", "preference", "hard_negatives"):
        found, asked = drive(kind, task_of(row), [])
        assert (found.gate, asked) == ("distill.seed", [])


def test_an_evolved_request_is_answered_in_a_call_of_its_own():
    row = seed("Sort these words.", answer="a b", system="Be brief.")
    replies = ['{"text": "Sort these words by length, longest first, and say why."}', "Because."]
    made, asked = drive("evolve", task_of(row), replies, cell={"operation": "constraint"})
    assert [turn.role for turn in asked[1].messages] == ["system", "user"]
    assert asked[1].messages[0].content == "Be brief."
    assert asked[1].parameters.schema is None
    assert [turn.content for turn in made.messages] == [
        "Be brief.",
        "Sort these words by length, longest first, and say why.",
        "Because.",
    ]
    assert made.extra == {"operations": ["constraint"]}


def test_an_evolved_row_with_a_label_and_no_answer_keeps_its_label():
    made, asked = drive(
        "evolve", task_of(LOST, form="plain"), ["On the 7 bus at nine I lost my card, and I fly tomorrow."]
    )
    assert (made.label, len(made.messages), len(asked)) == ("card_lost", 1, 1)


def test_rounds_evolve_what_came_of_the_round_before():
    row = seed("Sort these words.")
    task = task_of(row, form="plain", options={"rounds": 2, "answer": False})
    made, asked = drive(
        "evolve", task, ["Sort these ten words by sound.", "Sort these ten words by sound, in three languages at once."]
    )
    assert "Sort these ten words by sound." in prompt(asked[1])
    assert len(made.extra["operations"]) == 2


def test_an_evolution_that_changes_nothing_is_a_fault():
    found, asked = drive(
        "evolve", task_of(seed("Sort these words please now.")), ['{"text": "Sort these words, please: now!"}']
    )
    assert (found.gate, len(asked)) == ("distill.copy", 1)


def test_operations_are_spread_over_the_drafts_of_one_row():
    seen = set()
    for index in range(60):
        found = KINDS["evolve"].make(task_of(LOST))(Draft({}, index, ("r1",)), ())
        seen.add(prompt(found[0]).split("Rewrite this message: ")[1].split("\n")[0])
    assert len(seen) == 6


def test_an_instruction_of_ones_own_is_answered_and_a_prompt_is_not():
    rows = [
        seed("Name a fruit.", answer="Pear", system="Be brief.", row="a"),
        seed("Name a dog.", answer="Rex", system="Be brief.", row="b"),
    ]
    made, asked = drive("instruct", task_of(*rows), ['{"instruction": "Name a river."}', "The Po."])
    assert [turn.content for turn in made.messages] == ["Be brief.", "Name a river.", "The Po."]
    assert all(text in prompt(asked[0]) for text in ("Name a fruit.", "Name a dog."))
    made, asked = drive("prompts", task_of(*rows), ['{"instruction": "Name a river."}'])
    assert [turn.role for turn in made.messages] == ["system", "user"]


DOCUMENT = seed("The museum opened in 1901.\n\nIt was closed  from 1940 to\n1946.")


def test_a_question_stands_with_its_quote_and_without_one_it_is_no_row():
    reply = {
        "question": "When was the museum closed?",
        "answer": "1940 to 1946",
        "quote": "It was closed from 1940 to 1946",
    }
    made, _ = drive("questions", task_of(DOCUMENT), [json.dumps(reply)])
    assert [turn.content for turn in made.messages] == ["When was the museum closed?", "1940 to 1946"]
    assert made.extra == {"quote": "It was closed from 1940 to 1946"}
    found, _ = drive("questions", task_of(DOCUMENT), [json.dumps(reply | {"quote": "It was closed from 1940 to 1945"})])
    assert found.gate == "distill.grounding"


def test_a_question_may_bring_its_document_along():
    plain = "QUESTION: When?\nANSWER: 1901"
    made, _ = drive(
        "questions", task_of(DOCUMENT, form="plain", options={"quote": False, "with_document": True}), [plain]
    )
    assert made.messages[0].content == f"{DOCUMENT.text}\n\nWhen?"


def test_of_a_long_document_a_part_is_asked_about_and_the_quote_stands_in_that_part():
    document = seed("\n\n".join(f"Paragraph {number} says {'x' * 300}." for number in range(100)))
    task, seen = task_of(document, options={"characters": 1000}), set()
    for index in range(20):
        found = KINDS["questions"].make(task)(Draft({}, index, ("r1",)), ())
        held = prompt(found[0]).split("<document>\n")[1].split("\n</document>")[0]
        assert len(held) == 1000
        assert held.startswith("Paragraph")
        seen.add(held)
    assert len(seen) > 10


def test_backtranslation_keeps_the_answer_and_takes_no_instruction_that_holds_it():
    row = seed("?", answer="Boil it for ten minutes.")
    made, asked = drive("backtranslation", task_of(row), ['{"instruction": "How do I cook an egg?"}'])
    assert [turn.content for turn in made.messages] == ["How do I cook an egg?", "Boil it for ten minutes."]
    assert "<text>" in prompt(asked[0])
    found, _ = drive("backtranslation", task_of(row), ['{"instruction": "Say: boil it for  ten minutes."}'])
    assert found.gate == "distill.copy"
    made, _ = drive("backtranslation", task_of(DOCUMENT), ['{"instruction": "Tell the story of the museum."}'])
    assert made.messages[1].content == DOCUMENT.text


def test_an_edge_case_has_the_cells_label_or_one_of_the_sets():
    cell = {"failure": "negation", "label": "refund"}
    made, asked = drive(
        "edge_cases",
        task_of(LOST, about={"negation": "what is not meant"}),
        ['{"text": "No refund, thanks."}'],
        cell=cell,
    )
    assert (made.label, len(asked)) == ("refund", 1)
    assert "negation (what is not meant)" in prompt(asked[0])
    task, cell = task_of(LOST), {"failure": "negation"}
    made, _ = drive("edge_cases", task, ['{"text": "No refund, thanks.", "label": "Refund"}'], cell=cell)
    assert made.label == "refund"
    found, _ = drive("edge_cases", task, ['{"text": "No refund, thanks.", "label": "money"}'], cell=cell)
    assert found.gate == "distill.label"


def test_an_edge_case_of_conversations_is_answered():
    task = task_of(seed("2 + 2?", answer="4"), labels=())
    made, _ = drive("edge_cases", task, ['{"text": "2 - -2?"}', "4"], cell={"failure": "signs"})
    assert [turn.content for turn in made.messages] == ["2 - -2?", "4"]


def test_a_hard_negative_gets_the_label_of_its_cell_by_a_small_change():
    cell = {"label": "pin_blocked", "confused_with": "card_lost"}
    made, asked = drive("hard_negatives", task_of(LOST), ['{"text": "I lost my PIN on the bus."}'], cell=cell)
    assert (made.label, made.extra["looks_like"]) == ("pin_blocked", "card_lost")
    assert 0 < made.extra["changed"] < 0.3
    assert 'is "pin_blocked" beyond doubt' in prompt(asked[0])
    found, _ = drive("hard_negatives", task_of(LOST), ['{"text": "Please unblock what I type in shops."}'], cell=cell)
    assert found.gate == "distill.change"


def test_a_hard_negative_draws_its_label_of_the_pairs():
    task = task_of(LOST, options={"pairs": [["refund", "card_lost"]]})
    for index in range(20):
        made, _ = drive("hard_negatives", task, ['{"text": "I lost my refund on the bus."}'], index=index)
        assert made.label == "refund"
    with pytest.raises(UsageError, match="two labels of the set"):
        KINDS["hard_negatives"].make(task_of(LOST, options={"pairs": [["refund", "nothing"]]}))
    other = seed("I lost my PIN on a bus.", "pin_blocked", row="r2")
    found, _ = drive(
        "hard_negatives", task_of(LOST, other), ['{"text": "I lost my pin on a bus."}'], cell={"label": "pin_blocked"}
    )
    assert found.why == "It is another of the real rows."
    found, asked = drive("hard_negatives", task_of(LOST), [], cell={"label": "card_lost"})
    assert (found.gate, asked) == ("distill.seed", [])


@pytest.mark.parametrize("kind", list(KINDS))
def test_an_option_of_another_type_is_refused_when_the_plan_is_made(kind):
    tools = '[{"name": "add", "parameters": {}}]'
    for name, default in KINDS[kind].options.items():
        wrong = 7 if isinstance(default, str | list) else "seven"
        with pytest.raises(UsageError, match=rf"plan\.options\.{name}"):
            KINDS[kind].make(task_of(seed("a", tools=tools), options={name: wrong}))


@pytest.mark.parametrize("kind", list(KINDS))
def test_what_a_server_kept_back_cut_off_or_left_empty_makes_no_row(kind):
    row = seed(
        "I lost my card.", None if kind == "label_rows" else "card_lost", tools='[{"name": "add", "parameters": {}}]'
    )
    for answer in (
        Answer(finish="filtered"),
        Answer(text='{"te', finish="length"),
        Answer(text=""),
        Answer(finish="error", error="No."),
    ):
        found, _ = drive(
            kind,
            task_of(row),
            lambda _, given=answer: given,
            cell={"label": "refund"} if kind == "hard_negatives" else {},
        )
        assert isinstance(found, Fault), (kind, answer)
        assert found.why.endswith(".")


def test_parameters_of_the_recipe_reach_every_call():
    task = task_of(LOST, parameters=Parameters(temperature=0.3, max_tokens=99, seed=4))
    _, asked = drive("evolve", task, ['{"text": "Where on the bus line did I lose my card, and when?"}', "Hm."])
    assert {(one.parameters.temperature, one.parameters.max_tokens, one.parameters.seed) for one in asked} == {
        (0.3, 99, 4)
    }
