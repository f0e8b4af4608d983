"""The kinds whose replies are checked against something: schemas, known answers, scores, votes, probabilities."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetset.curate.calls import Parameters
from vetset.curate.distill.draft import Draft, Fault
from vetset.curate.distill.kinds import KINDS
from vetset.curate.distill.kinds.answers import find_label, same_answer
from vetset.curate.distill.kinds.kind import needed
from vetset.curate.errors import UsageError
from vetset.curate.messages import Said
from vetset.tests.curate.test_distill_kinds import LABELS, LOST, drive, prompt, seed, task_of

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
            "required": ["city"],
        },
    },
}
TOOLS = json.dumps([WEATHER, {"name": "time", "parameters": {"type": "object", "properties": {}}}])
RAINY = seed("Will it rain?", tools=TOOLS, system="You use tools.")


def calls(*pairs):
    return json.dumps(
        {"request": "Rain in Bern?", "calls": [{"name": name, "arguments": said} for name, said in pairs]}
    )


def test_a_call_that_fits_its_schema_becomes_a_row_with_its_tools():
    made, asked = drive("tool_calls", task_of(RAINY), [calls(("weather", '{"city": "Bern", "days": 2}'))])
    called = json.loads(made.messages[2].tool_calls)[0]
    assert (called["id"], called["type"], called["function"]["name"]) == ("call_1", "function", "weather")
    assert json.loads(called["function"]["arguments"]) == {"city": "Bern", "days": 2}
    assert ([turn.role for turn in made.messages], made.tools) == (["system", "user", "assistant"], TOOLS)
    assert asked[0].tools is None
    assert json.loads(asked[0].parameters.schema)["additionalProperties"] is False


@pytest.mark.parametrize(
    "reply",
    [
        calls(("weather", '{"days": 2}')),
        calls(("weather", '{"city": "Bern", "days": "two"}')),
        calls(("weather", '{"city": "Bern", "days": 0}')),
        calls(("weather", '{"city": "Bern", "wind": true}')),
        calls(("weather", '["Bern"]')),
        calls(("weather", 7)),
        calls(("wether", '{"city": "Bern"}')),
        calls(),
        calls(("time", ""), ("time", "")),
        '{"request": "Rain?", "calls": "weather"}',
        '{"request": "", "calls": [{"name": "time", "arguments": {}}]}',
    ],
)
def test_a_call_that_does_not_fit_is_a_fault(reply):
    found, _ = drive("tool_calls", task_of(RAINY), [reply])
    assert found.gate == "distill.schema"


def test_calls_of_a_real_set_fit_but_for_those_that_are_wrong(shared):
    rows = json.loads((shared / "llm_formats" / "glaive_toolcall_en_demo.json").read_text())
    faults = []
    for row in rows:
        tools = row["tools"]
        for turn in row["conversations"]:
            if turn["from"] == "function_call":
                called = json.loads(turn["value"])
                found, _ = drive(
                    "tool_calls", task_of(seed("?", tools=tools)), [calls((called["name"], called["arguments"]))]
                )
                faults += [found.why] if isinstance(found, Fault) else []
    assert faults == [
        "The arguments of 'track_calories' don't fit its schema: 'calories_per_item' is not of type number."
    ]


def test_several_calls_and_their_results_stand_in_order():
    after = json.dumps({"results": ['{"rain": true}', {"time": 9}], "answer": "It rains, and it is nine."})
    replies = [calls(("weather", {"city": "Bern"}), ("time", "{}")), after]
    made, asked = drive("tool_calls", task_of(RAINY, options={"result": True}), replies, cell={"calls": "several"})
    assert [turn.role for turn in made.messages] == ["system", "user", "assistant", "tool", "tool", "assistant"]
    assert [turn.tool_call_id for turn in made.messages[3:5]] == ["call_1", "call_2"]
    assert made.messages[4].content == '{"time": 9}'
    assert '"city": "Bern"' in prompt(asked[1])
    found, _ = drive("tool_calls", task_of(RAINY), [calls(("time", "{}"))], cell={"calls": "several"})
    assert found.gate == "distill.schema"


def test_a_small_model_writes_a_call_in_lines():
    reply = 'REQUEST: Rain in Bern?\nTOOL: weather\nARGUMENTS: {"city": "Bern"}'
    made, _ = drive("tool_calls", task_of(RAINY, form="plain"), [reply])
    assert json.loads(json.loads(made.messages[2].tool_calls)[0]["function"]["arguments"]) == {"city": "Bern"}


def test_a_request_that_no_tool_serves_is_answered_without_one():
    reply = '{"request": "Order a pizza.", "answer": "I can\'t order food."}'
    made, _ = drive("tool_calls", task_of(RAINY), [reply], cell={"calls": "none"})
    assert [turn.content for turn in made.messages] == ["You use tools.", "Order a pizza.", "I can't order food."]
    assert (made.messages[2].tool_calls, made.tools) == (None, TOOLS)


def test_tools_of_the_recipe_serve_rows_without_any():
    task = task_of(seed("Will it rain?"), options={"tools": [WEATHER]})
    made, _ = drive("tool_calls", task, [calls(("weather", {"city": "Bern"}))])
    assert json.loads(made.tools) == [WEATHER]
    assert needed(KINDS["tool_calls"], task.options) == "anything"
    assert needed(KINDS["tool_calls"], {}) == "tools"
    with pytest.raises(UsageError, match="no tool with a JSON schema"):
        KINDS["tool_calls"].make(task_of(LOST, options={"tools": [{"name": "a", "parameters": {"type": "nothing"}}]}))
    found, asked = drive("tool_calls", task_of(LOST), [])
    assert (found.gate, asked) == ("distill.seed", [])


def test_a_conversation_takes_turns_and_ends_with_the_assistant():
    task = task_of(LOST, options={"turns": 2, "system": "Be brief."}, form="plain")
    made, asked = drive(
        "conversation", task, ["It is gone!", "Blocked.", "And a new one?", "On its way."], cell={"mood": "upset"}
    )
    assert [turn.role for turn in made.messages] == ["system", "user", "assistant", "user", "assistant"]
    assert [turn.content for turn in asked[3].messages] == ["Be brief.", "It is gone!", "Blocked.", "And a new one?"]
    assert "mood: upset" in prompt(asked[2])
    assert "user: It is gone!\n\nassistant: Blocked." in prompt(asked[2])
    assert "Be brief." not in prompt(asked[2])


def scored(scores):
    """Answer with texts A, B ..., and score each as told."""

    def reply(request):
        said = prompt(request)
        if "Score this answer" not in said:
            return chr(ord("A") + request.sample % len(scores))
        return scores[ord(said.split("<answer>\n")[1][0]) - ord("A")]

    return reply


def test_the_best_and_the_worst_of_n_make_a_pair():
    row = seed("Name a river.", system="Be brief.")
    made, asked = drive(
        "preference", task_of(row, options={"n": 4}), scored(['{"score": 6}', '{"score": "9"}', '{"score": 2}', "{}"])
    )
    assert ([turn.content for turn in made.messages], made.rejected) == (["Be brief.", "Name a river.", "B"], "C")
    assert made.extra == {"way": "best_of", "scores": [9, 2], "of": 4}
    assert [one.sample for one in asked[:4]] == [0, 1, 2, 3]
    assert asked[4].parameters.temperature == 0


@pytest.mark.parametrize(
    ("scores", "told"),
    [
        (["7", "7", "8", "7"], "scores: 7, 7, 8, 7"),
        (["no", "7", "x", ""], "scores: none, 7, none, none"),
        (["3 or 9", "3", "3", "3"], "points apart"),
    ],
)
def test_answers_that_are_scored_alike_are_no_pair(scores, told):
    found, _ = drive("preference", task_of(seed("Name a river."), form="plain"), scored(scores))
    assert found.gate == "distill.pair"
    assert told in found.why


def test_answers_that_are_all_the_same_are_no_pair_and_are_not_scored():
    found, asked = drive("preference", task_of(seed("Name a river.")), lambda _: "The Po.")
    assert (found.gate, len(asked)) == ("distill.pair", 4)


def test_scores_out_of_ten_are_read():
    made, _ = drive(
        "preference", task_of(seed("a"), form="plain", options={"n": 2}), scored(["Score: 8/10", "**2** out of 10"])
    )
    assert made.extra["scores"] == [8, 2]


def test_a_planted_error_makes_the_worse_answer():
    row, options = seed("When?", answer="It was built in 1901 by the city."), {"way": "minimal_edit"}
    reply = '{"answer": "It was built in 1911 by the city.", "error": "the year"}'
    made, asked = drive("preference", task_of(row, options=options), [reply], cell={"error": "number"})
    assert (made.messages[-1].content, made.rejected) == (
        "It was built in 1901 by the city.",
        "It was built in 1911 by the city.",
    )
    assert (made.extra["error"], made.extra["what"]) == ("number", "the year")
    assert "Make one number" in prompt(asked[0])
    for wrong, gate in (
        ("It was built in 1901 by the city.", "distill.copy"),
        ("Nobody knows a thing of that.", "distill.change"),
    ):
        found, _ = drive("preference", task_of(row, options=options), [json.dumps({"answer": wrong, "error": "?"})])
        assert found.gate == gate
    made, asked = drive(
        "preference", task_of(LOST, options=options), ["Call us now.", '{"answer": "Call us never.", "error": "x"}']
    )
    assert (made.rejected, len(asked), made.label) == ("Call us never.", 2, None)


SUM = seed("6 pens at 7 each?", answer="6 * 7 = 42\n#### 42")


def test_a_thought_stands_where_it_comes_to_the_rows_answer():
    made, asked = drive("rationale", task_of(SUM), ['{"thought": "Six sevens.", "answer": "42 euros"}'])
    assert (made.messages, made.extra) == (SUM.messages, {"rationale": "Six sevens."})
    assert "42" not in prompt(asked[0])
    made, _ = drive(
        "rationale", task_of(SUM, options={"into": "answer"}), ['{"thought": "Six sevens.", "answer": "42"}']
    )
    assert made.messages[-1].content == "Six sevens.\n\n6 * 7 = 42\n#### 42"
    found, _ = drive("rationale", task_of(SUM), ['{"thought": "Six and seven.", "answer": "13"}'])
    assert found.gate == "distill.answer"


def test_a_thought_to_a_label_is_held_against_the_label():
    made, asked = drive("rationale", task_of(LOST, form="plain"), ["THOUGHT: Gone.\nANSWER: Card lost."])
    assert (made.label, made.messages, made.extra["rationale"]) == ("card_lost", LOST.messages, "Gone.")
    assert '- "refund"' in prompt(asked[0])
    found, _ = drive("rationale", task_of(LOST, form="plain"), ["THOUGHT: Gone.\nANSWER: refund"])
    assert found.gate == "distill.answer"


def test_a_hint_is_given_once_and_told():
    wrong, right = '{"thought": "a", "answer": "13"}', '{"thought": "b", "answer": "42"}'
    made, asked = drive("rationale", task_of(SUM, options={"hint": True}), [wrong, right])
    assert made.extra == {"rationale": "b", "hinted": True}
    assert "#### 42" in prompt(asked[1])
    found, asked = drive("rationale", task_of(SUM, options={"hint": True}), [wrong, wrong])
    assert (found.gate, len(asked)) == ("distill.answer", 2)
    made, _ = drive("rationale", task_of(SUM, options={"hint": True}), [right])
    assert made.extra["hinted"] is False


def test_an_answer_too_long_to_be_compared_costs_nothing():
    found, asked = drive("rationale", task_of(seed("Why?", answer="long " * 50)), [])
    assert (found.gate, asked) == ("distill.seed", [])


@pytest.mark.parametrize(
    ("said", "known", "same"),
    [("42.0", "#### 42", True), ("1,000", "1000", True), (r"so \boxed{7}", "7", True), ("4 of 42", "42", True),
     ("42 of 4", "42", False),
     ("-3", "3", False), (".5", "5", False), ("1, 2", "12", False), ("9" * 400, "8" * 400, False), ("−3", "-3", True),
     ("0.50", ".5", True), ("10-3", "3", True), ("...", "?!", False),
     ("Paris.", "paris", True), ("in 1999", "in 2000", False), ("", "0", False), ("5", "five", False)],
)  # fmt: skip
def test_short_answers_are_compared_as_text_or_as_their_last_number(said, known, same):
    assert same_answer(said, known) is same


@given(st.sampled_from(["card_lost", "Card Lost", "card-lost"]), st.sampled_from(["", "**", '"', "`", "."]))
def test_a_label_is_found_whatever_stands_around_it(label, around):
    assert find_label(f"{around}{label}{around}", LABELS) == "card_lost"


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ("I'd say: card lost!", "card_lost"), ("card_lost or refund", None), ("It is 'Refund'.", "refund"), ("refunds", None),
        ("", None), ("lost", None), ("x " * 200 + "refund", None), ("card_lost, not card_lost", "card_lost"),
    ],
)  # fmt: skip
def test_a_label_in_a_sentence_is_found_where_it_is_the_only_one(said, label):
    assert find_label(said, LABELS) == label


def test_labels_that_differ_in_case_alone_are_told_apart():
    assert [find_label(said, ["US", "us"]) for said in ("US", "us", "Us")] == ["US", "us", None]


def votes(*said):
    return [json.dumps({"label": label}) for label in said]


FREE = seed("I lost my card.")


def test_votes_that_agree_from_the_start_end_the_vote():
    made, asked = drive("label_rows", task_of(FREE), votes(*["card_lost"] * 3))
    assert (made.label, made.extra, len(asked)) == (
        "card_lost",
        {"votes": {"card_lost": 3}, "asked": 3, "share": 1.0},
        3,
    )
    assert made.messages == FREE.messages


def test_the_majority_labels_a_row_and_a_narrow_one_is_for_review():
    made, asked = drive("label_rows", task_of(FREE), votes("refund", "card_lost", "card_lost", "refund", "Card-Lost"))
    assert (made.label, made.extra["share"], len(asked), "review" in made.extra) == ("card_lost", 0.6, 5, False)
    assert len({one.sample for one in asked}) == 5
    made, _ = drive("label_rows", task_of(FREE), [*votes("refund", "card_lost", "card_lost", "x"), "?"])
    assert (made.label, made.extra["review"]) == ("card_lost", "Only 2 of the teacher's 5 votes are for this label.")
    made, _ = drive("label_rows", task_of(FREE), [*votes("refund", "card_lost", "card_lost", "refund"), "?"])
    assert "tied" in made.extra["review"]


def test_a_row_that_no_label_fits_gets_none():
    found, _ = drive("label_rows", task_of(FREE), votes(*["none of these"] * 3))
    assert found.gate == "distill.label"
    assert "none of these" not in prompt(
        drive("label_rows", task_of(FREE, options={"none": False}), votes(*["refund"] * 3))[1][0]
    )


def test_votes_need_chance_and_labels():
    with pytest.raises(UsageError, match="temperature above 0"):
        KINDS["label_rows"].make(task_of(FREE, parameters=Parameters()))
    with pytest.raises(UsageError, match="two labels or more"):
        KINDS["label_rows"].make(task_of(FREE, labels=()))
    KINDS["label_rows"].make(
        task_of(FREE, labels=(), options={"labels": ["a", "b"], "votes": 1}, parameters=Parameters())
    )


def test_a_pair_is_made_of_what_the_row_asks_and_nothing_of_its_answer():
    row = seed("Name a river.", answer="SECRET")
    found = KINDS["preference"].make(task_of(row))(Draft({}, 3, ("r1",)), ())
    assert found[0].messages == (Said("user", "Name a river."),)
    assert [one.sample for one in found] == [12, 13, 14, 15]
