"""outputs.copy: the prompt given back."""

import json

import pytest
from vetset.curate import text
from vetset.curate.dataset import frame
from vetset.curate.findings import SCHEMA
from vetset.curate.outputs.copies import find_copy
from vetset.curate.outputs.exchanges import exchanges

ASKED = "Why does the hand scanner in the kiosk of Ostermill stop whenever the evening train arrives at platform {}?"
STORY = (
    "The scanner stopped. " * 3 + "Then the train came in, and all the lights in the kiosk went out for a while. " * 4
)


def rows_of(pairs, system=None):
    head = [] if system is None else [{"role": "system", "content": system}]
    return frame(
        [
            {"messages": [*head, {"role": "user", "content": asked}, {"role": "assistant", "content": told}]}
            for asked, told in pairs
        ]
    )


def clean(count=200):
    return [(ASKED.format(i), f"The lights of platform {i} draw too much.") for i in range(count)]


def found_in(*pairs, count=200, system=None):
    rows = rows_of([*pairs, *clean(count)], system)
    return rows, find_copy(rows, exchanges(text.turns(rows)))


def test_the_prompt_as_an_answer_is_found():
    rows, found = found_in((ASKED.format("x"), ASKED.format("x").upper() + " "))
    assert found["id"].to_list() == rows["id"][:1].to_list()
    assert found["suggest"].to_list() == ["drop"]
    assert found["note"][0].startswith("The target is the prompt again, word for word: 'WHY DOES")
    assert found.schema == SCHEMA


def test_the_prompt_before_the_answer_and_a_long_part_of_it_are_found():
    _, found = found_in((ASKED.format("x"), ASKED.format("x") + " Because of the lights."))
    assert "again before it answers" in found["note"][0]
    _, found = found_in((f"What happened here?\n{STORY}", STORY.strip()))
    assert "characters of the prompt" in found["note"][0]
    assert found["score"].to_list() == [0.7]


@pytest.mark.parametrize(
    "request_", ["Correct the grammar:", "Extract the story:", "Delete the title.", "翻译：", "Repeat:"]
)
def test_who_asks_for_the_text_back_gets_it(request_):
    assert found_in((f"{request_}\n{STORY}", STORY.strip()))[1].is_empty()


def test_who_asks_to_repeat_all_gets_all_and_a_system_prompt_may_ask_too():
    echo = "Please repeat this sentence, all of it, for the microphone."
    assert found_in((echo, echo))[1].is_empty()
    assert found_in((ASKED.format("x"), ASKED.format("x")), system="Correct what the user writes.")[1].is_empty()


def test_what_the_set_does_often_is_its_task():
    pairs = [(ASKED.format(f"x{i}"), ASKED.format(f"x{i}")) for i in range(20)]
    assert found_in(*pairs)[1].is_empty()


def test_short_prompts_and_shared_words_are_no_copies():
    assert found_in(("Hello there", "Hello there"), (ASKED.format("x"), "Why does the hand scanner stop? Because."))[
        1
    ].is_empty()


def test_notes_mask_what_is_personal():
    asked = "Please write to ann.miller@example.com about the scanner in the kiosk today"
    _, found = found_in((asked, asked))
    assert "ann.miller" not in found["note"][0]


def test_no_row_one_row_every_script_and_order():
    assert found_in(count=0)[1].schema == SCHEMA
    line = "为什么奥斯特米尔售货亭里的手持扫描仪在晚班火车到达第三站台时总是停止工作？这已经是本周第四次了，请尽快告诉我们原因。"
    rows, found = found_in((line, line), count=0)
    assert len(found) == 1
    rows = rows_of([*clean(), (line, line)])
    mixed = rows.reverse()
    both = [find_copy(one, exchanges(text.turns(one))) for one in (rows, mixed)]
    assert both[0].equals(both[1])


@pytest.mark.parametrize("name", ["alpaca_en", "alpaca_zh"])
def test_real_sets_have_none(shared, name):
    source = json.loads((shared / "llm_formats" / f"{name}_demo.json").read_text(encoding="utf-8"))
    rows = rows_of([(f"{one['instruction']}\n{one['input']}", one["output"]) for one in source])
    assert find_copy(rows, exchanges(text.turns(rows))).is_empty()
