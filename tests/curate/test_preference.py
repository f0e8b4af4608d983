"""Preference pairs that teach nothing, or both ways."""

import json

from vetset.curate.dataset import frame
from vetset.curate.findings import SCHEMA
from vetset.curate.preferences.conflict import find_preference_conflict
from vetset.curate.preferences.pairs import find_same
from vetset.curate.text import keys


def pair(prompt, chosen, rejected, **reply):
    messages = [{"role": "user", "content": prompt}, {"role": "assistant", "content": chosen, **reply}]
    return {"messages": messages, "rejected": rejected}


def conflicts(rows):
    return find_preference_conflict(rows, keys(rows))


def test_a_pair_of_equal_replies_is_found():
    rows = frame([pair("q", "yes", "yes"), pair("q", "Ｙes ", "yes"), pair("q", "yes", "no"), pair("q", "", " ")])
    found = find_same(rows)
    assert found["id"].to_list() == [rows["id"][0], rows["id"][1], rows["id"][3]]
    assert found["score"].to_list() == [1.0, 0.9, 0.9]
    assert "identical" in found["note"][0]
    assert "case" in found["note"][1]
    assert "empty" in found["note"][2]


def test_a_reply_that_calls_a_tool_is_not_the_same_as_text():
    assert find_same(frame([pair("q", None, "", tool_calls="[]")])).is_empty()


def test_rows_without_a_rejected_or_a_chosen_reply_are_passed_over():
    rows = frame([{"messages": "q"}, {"messages": "q", "rejected": "q"}, {"messages": [], "rejected": ""}])
    assert find_same(rows).is_empty()
    assert conflicts(rows).is_empty()


def test_rows_that_prefer_both_ways_are_all_found():
    rows = frame(
        [pair("q", "A", "B"), pair("Q ", "b", "a"), pair("q", "A", "B"), pair("q", "A", "C"), pair("r", "B", "A")]
    )
    found = conflicts(rows)
    assert found["id"].to_list() == rows["id"][:3].to_list()
    assert found["peer"].to_list() == [rows["id"][1], rows["id"][0], rows["id"][1]]
    assert found["score"].round(3).to_list() == [0.333, 0.667, 0.333]
    assert found["note"][1] == (
        "Same prompt and same two replies 3 times: 1 prefer this row's choice, 2 the other way round."
    )


def test_repeats_and_equal_replies_do_not_conflict():
    assert conflicts(frame([pair("q", "A", "B")] * 2 + [pair("q", "A", "A")] * 2)).is_empty()


def test_empty_and_single_row_sets_have_nothing():
    for rows in (frame([]), frame([pair("q", "A", "B")])):
        for found in (find_same(rows), conflicts(rows)):
            assert found.is_empty()
            assert found.schema == SCHEMA


def test_every_script_is_compared_and_results_repeat():
    rows = frame([pair("你好 😀", "مرحبا", "שלום"), pair("你好 😀", "שלום", "مرحبا")])
    assert len(conflicts(rows)) == 2
    assert conflicts(rows).equals(conflicts(rows))


def test_public_preference_pairs_have_neither_flaw(shared):
    for language in ("en", "zh"):
        source = json.loads((shared / "llm_formats" / f"dpo_{language}_demo.json").read_text(encoding="utf-8"))
        rows = frame(
            [pair(row["conversations"][0]["value"], row["chosen"]["value"], row["rejected"]["value"]) for row in source]
        )
        assert find_same(rows).is_empty()
        assert conflicts(rows).is_empty()


def test_the_same_words_with_other_signs_are_the_same_pair():
    rows = frame([pair("Who is it?", "Ann!", "Ben."), pair("who is it", "ben", "Ann")])
    found = conflicts(rows)
    assert len(found) == 2
    assert found["note"][0].startswith("The same words in prompt and replies 2 times")


def test_replies_without_a_word_are_told_apart_by_their_signs():
    assert conflicts(frame([pair("q", "🙂", "🙁"), pair("q", "!", "?")])).is_empty()
    assert len(conflicts(frame([pair("q", "🙂", "🙁"), pair("q", "🙁", "🙂")]))) == 2


def test_a_circle_of_replies_is_found_and_what_hangs_on_it_is_not():
    rows = frame(
        [pair("q", "A", "B"), pair("q", "B", "C"), pair("q", "C", "A"), pair("q", "A", "D"), pair("r", "C", "A")]
    )
    found = conflicts(rows)
    assert found["id"].to_list() == rows["id"][:3].to_list()
    assert found["peer"].to_list() == [rows["id"][1], rows["id"][2], rows["id"][0]]
    assert found["score"].to_list() == [0.5] * 3
    assert found["note"][0].startswith("3 replies to one prompt are preferred in a circle")
    back = rows.reverse()
    assert (
        conflicts(back).select("id", "score", "peer").sort("id").equals(found.select("id", "score", "peer").sort("id"))
    )


def test_a_chain_of_preferences_is_no_circle():
    assert conflicts(frame([pair("q", "A", "B"), pair("q", "B", "C"), pair("q", "A", "C")])).is_empty()


def test_prompts_that_differ_in_width_meet_among_prompts_of_ascii():
    rows = frame(
        [
            pair("other", "C", "D"),
            pair("Ａ １", "A", "B"),
            pair("é", "A", "B"),
            pair("a 1", "B", "A"),
            pair("e\u0301", "B", "A"),
        ]
    )
    assert sorted(conflicts(rows)["id"]) == sorted(rows["id"][1:])
