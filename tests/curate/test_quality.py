"""quality.empty and quality.length: rows that say nothing, or far more or less than the rest."""

import polars as pl
import pytest
from vetset.curate import findings, text
from vetset.curate.dataset import frame
from vetset.curate.quality import lengths as quality


def empties(records):
    rows = frame(records)
    found = quality.find_empty(rows, text.turns(rows))
    assert found.schema == findings.SCHEMA
    return rows, found


def chat(*contents, **rest):
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[i % 2], "content": content} for i, content in enumerate(contents)], **rest}


def lengths(sizes, side="input"):
    contents = [("x" * size, "fine") if side == "input" else ("question", "x" * size) for size in sizes]
    rows = frame([chat(*pair) for pair in contents])
    return rows, quality.find_length(rows, text.turns(rows))


@pytest.mark.parametrize(
    "blank", ["", "  \n\t ", "\u200b", "\ufeff \u00a0", "\u2800\u3164", "\x00\x07", "\u200f\u2067", None]
)
def test_an_input_without_a_visible_character_is_found(blank):
    rows, found = empties([chat(blank, "an answer"), chat("a question", "an answer")])
    assert found["id"].to_list() == [rows["id"][0]]
    assert found["note"].to_list() == ["The input has no visible character."]
    assert found.select("score", "suggest").row(0) == (1.0, "drop")


@pytest.mark.parametrize("seen", ["a", "مرحبا", "字", "🙂", "👩\u200d🚀", ".", "\u0301e", "ㅤx"])
def test_one_visible_character_in_any_script_is_enough(seen):
    _, found = empties([chat(seen, seen), chat("a question", "an answer")])
    assert found.is_empty()


def test_an_empty_target_is_found_and_a_call_is_no_empty_target():
    call = {"role": "assistant", "tool_calls": '[{"function": {"name": "f", "arguments": "{}"}}]'}
    no_call = {"role": "assistant", "content": "", "tool_calls": "[]"}
    question = {"role": "user", "content": "go"}
    _, found = empties([chat("q", " "), {"messages": [question, call]}, {"messages": [question, no_call]}])
    assert found["note"].to_list() == ["The target has no visible character."] * 2


def test_a_system_turn_is_no_input():
    system = {"role": "system", "content": "be brief"}
    _, found = empties([{"messages": [system, {"role": "assistant", "content": "hello"}]}])
    assert found["note"].to_list() == ["The input has no visible character."]


def test_labels_and_rejected_replies_can_be_empty_too():
    _, found = empties(
        [{"messages": "text", "label": " "}, {"messages": "text", "label": "a"}, chat("q", "good", rejected="")]
    )
    assert found["note"].to_list() == [
        "The label has no visible character.",
        "The rejected reply has no visible character.",
    ]


def test_several_reasons_make_one_finding():
    _, found = empties([chat("", ""), {"messages": []}])
    assert found["note"].to_list() == [
        "The input has no visible character. The target has no visible character.",
        "The row holds no message.",
    ]


def test_plain_text_needs_no_target_and_an_answered_source_does():
    plain = [{"messages": f"paragraph {n}", "source": "books"} for n in range(5)]
    _, found = empties(plain)
    assert found.is_empty()
    rows, found = empties(
        [*plain, *[chat(f"q{n}", "a", source="chats") for n in range(5)], chat("cut off", source="chats")]
    )
    assert found["id"].to_list() == [rows["id"][10]]
    assert found["suggest"].to_list() == ["review"]


def test_a_test_split_without_labels_is_no_fault():
    train = [{"messages": f"t{n}", "label": "a", "split": "train"} for n in range(9)]
    _, found = empties([*train, *[{"messages": f"e{n}", "split": "test"} for n in range(3)]])
    assert found.is_empty()


def test_no_rows_and_one_row_give_findings_frames():
    assert empties([])[1].is_empty()
    assert empties([chat("q", "a")])[1].is_empty()
    _, found = lengths([])
    assert found.is_empty()
    assert found.schema == findings.SCHEMA
    assert lengths([9000])[1].is_empty()


@pytest.mark.parametrize("side", ["input", "target"])
def test_lengths_far_from_the_rest_are_found_at_both_ends(side):
    rows, found = lengths([*range(80, 120), 2, 6000], side)
    assert found["id"].to_list() == rows["id"].to_list()[-2:]
    assert found["note"][1] == f"The {side} has 6000 characters; the set's median is 100, 5-95% have 81 to 118."
    assert found["suggest"].unique().to_list() == ["review"]
    assert found["score"].is_between(0.35, 1).all()


def test_equal_lengths_and_lengths_within_a_factor_of_four_are_left_alone():
    assert lengths([50] * 100)[1].is_empty()
    assert lengths([50] * 99 + [199])[1].is_empty()
    assert lengths([50] * 99 + [201])[1].height == 1


def test_a_second_kind_of_row_is_no_outlier():
    assert lengths([100] * 90 + [3000] * 10)[1].is_empty()


def test_the_few_very_long_texts_are_found_however_wide_the_set():
    spread = [2**n for n in range(4, 14)] * 10
    rows, found = lengths([*spread, 25_000])
    assert found["id"].to_list() == [rows["id"][-1]]


def test_a_blank_text_is_empty_and_not_short():
    rows = frame([*[chat("x" * 100, "fine")] * 30, chat(" ", "fine"), chat("\u200b", "fine")])
    assert quality.find_length(rows, text.turns(rows)).is_empty()


def test_length_counts_characters_and_not_bytes():
    _, found = lengths([100] * 30)
    rows = frame([*[chat("x" * 100, "fine")] * 30, chat("字" * 150, "好"), chat("🙂" * 150, "👍")])
    assert quality.find_length(rows, text.turns(rows)).equals(found)


def test_the_distribution_names_its_quantiles():
    rows = frame([chat("x" * n, "ab") for n in range(1, 101)])
    told = quality.length_distribution(text.turns(rows))
    assert told["input"].pop("rows") == 100
    assert list(told["input"]) == ["min", "p05", "p25", "p50", "p75", "p95", "p99", "max"]
    assert list(told["input"].values()) == [1, 6, 26, 51, 75, 95, 99, 100]
    assert told["target"]["max"] == 2.0
    assert quality.length_distribution(text.turns(frame([]))) == {}


def test_the_same_rows_give_the_same_findings():
    rows, found = lengths([*range(80, 120), 2, 6000])
    again = quality.find_length(rows, text.turns(rows))
    assert found.equals(again)
    assert found["id"].to_list() == [one for one in rows["id"] if one in set(found["id"])]
    assert isinstance(found, pl.DataFrame)
