"""Exact and normalised repeats."""

import csv
import json

from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate.dataset import ROWS, frame
from vetset.curate.duplicates.exact import find_exact, find_normalised
from vetset.curate.findings import SCHEMA
from vetset.curate.text import fold, keys


def normalised(rows):
    return find_normalised(rows, keys(rows))


def reply(asked, answered, **more):
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}], **more}


def test_every_repeat_but_the_first_is_found():
    rows = frame([{"messages": text, "label": "a"} for text in ("x", "y", "x", "x", "z")])
    found = find_exact(rows)
    assert found["id"].to_list() == [rows["id"][2], rows["id"][3]]
    assert set(found["peer"]) == set(found["cluster"]) == {rows["id"][0]}
    assert set(found["suggest"]) == {"drop"}
    assert found["note"][0] == "Same input and same target as memory line 1; they stand 3 times in the set."


def test_another_label_is_no_repeat():
    rows = frame([{"messages": "x", "label": "a"}, {"messages": "x", "label": "b"}])
    assert find_exact(rows).is_empty()
    assert normalised(rows).is_empty()


def test_a_clean_set_an_empty_one_and_a_single_row_have_no_repeats():
    for rows in (frame([]), frame([{"messages": "x"}]), frame([{"messages": "x"}, {"messages": "y"}])):
        for found in (find_exact(rows), normalised(rows)):
            assert found.is_empty()
            assert found.schema == SCHEMA


def test_what_differs_is_named():
    pairs = {
        "case": ("Hello", "hello"),
        "white space": ("a b", " a\t b\n"),
        "zero-width characters": ("ab", "a\u200bb"),
        "width or compatibility form": ("ABC", "ＡＢＣ"),
        "case, white space": ("A b", "a  b"),
    }
    for what, (one, other) in pairs.items():
        found = normalised(frame([{"messages": one, "label": "x"}, {"messages": other, "label": "x"}]))
        assert found["note"].to_list() == [
            f"Differs only in {what} from memory line 1; the text stands 2 times in the set."
        ]


def test_normalised_repeats_hold_the_exact_ones():
    rows = frame([{"messages": text, "label": "a"} for text in ("Ä 😀", "Ä 😀", "ä 😀 ", "مرحبا", "مرحبا", "你好")])
    exact, all_repeats = find_exact(rows), normalised(rows)
    assert exact["id"].is_in(all_repeats["id"].implode()).all()
    assert len(exact) == 2
    assert len(all_repeats) == 3


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.text(max_size=4), st.sampled_from("ab")), max_size=12))
def test_counts_are_those_of_sets(pairs):
    rows = frame([{"messages": text, "label": label} for text, label in pairs])
    assert len(find_exact(rows)) == len(pairs) - len(set(pairs))
    assert len(normalised(rows)) == len(pairs) - len({(fold(text), label) for text, label in pairs})


def test_rows_without_input_and_target_are_not_alike():
    rows = frame([{"messages": []}, {"messages": []}])
    assert find_exact(rows).is_empty()
    assert normalised(rows).is_empty()


def test_empty_texts_with_one_label_repeat():
    assert len(find_exact(frame([{"messages": "", "label": "a"}] * 3))) == 2


def test_a_repeat_under_other_tools_waits_for_a_person():
    rows = frame([reply("q", "a", tools='[{"name":"f"}]'), reply("q", "a", tools="[]"), reply("q", "a", tools="[]")])
    found = find_exact(rows)
    assert found["suggest"].to_list() == ["review", "review"]
    assert found["note"][0].endswith("here with other tools on offer.")


def test_each_split_keeps_a_copy_of_its_own_whatever_case_it_is_in():
    rows = frame(
        [{"messages": text, "split": side} for text, side in zip("aAaA", ["test", "train", "train", None], strict=True)]
    )
    found = normalised(rows)
    assert found["peer"].to_list() == [rows["id"][at] for at in (0, 1, 0)]
    assert set(found["cluster"]) == {rows["id"][0]}
    assert found["suggest"].to_list() == ["review", "drop", "drop"]
    assert found["note"][0].endswith("in the set, this one in another split.")
    assert normalised(frame([reply("q", "a", tools="[]"), reply("Q", "a", tools="{}")]))["suggest"].to_list() == [
        "review"
    ]


def test_the_order_of_turns_tells_rows_apart():
    one = [{"role": role, "content": text} for role, text in (("user", "a"), ("assistant", "b"), ("user", "c"))]
    other = [one[2], one[1], one[0]]
    rows = frame([{"messages": one, "tools": "[]"}, {"messages": other, "tools": "[]"}])
    assert find_exact(rows).is_empty()
    assert normalised(rows).is_empty()


def test_the_same_rows_give_the_same_findings():
    rows = frame([{"messages": f"t{n % 7} A"} for n in range(40)] + [{"messages": f"T{n % 7} a"} for n in range(9)])
    assert find_exact(rows).equals(find_exact(rows))
    assert normalised(rows).equals(normalised(rows))


def test_a_path_full_of_odd_characters_stays_on_one_short_line():
    rows = frame([{"messages": "x", "file": "a\n\x1b[2J" + "b" * 300}] * 2)
    note = find_exact(rows)["note"][0]
    assert note.isprintable()
    assert len(note) < 160


def test_bank_intents_repeat_12_times_but_for_white_space(shared):
    records = []
    for split in ("train", "test"):
        with (shared / "bank_intents" / f"{split}.csv").open(encoding="utf-8", newline="") as file:
            records += [{"messages": line["text"], "label": line["category"]} for line in csv.DictReader(file)]
    rows = frame(records)
    facts = json.loads((shared / "facts.json").read_text())["bank_intents"]
    assert len(find_exact(rows)) == facts["exact_dup_pairs_in_out"]["surplus_rows"]
    assert len(normalised(rows)) == facts["norm_dup_pairs_in_out"]["surplus_rows"]


def test_tool_conversations_repeat_38_times_whatever_tools_are_on_offer(shared):
    roles = {"human": "user", "gpt": "assistant", "function_call": "assistant", "observation": "tool"}
    source = json.loads((shared / "llm_formats" / "glaive_toolcall_en_demo.json").read_text(encoding="utf-8"))
    rows = frame(
        [
            {
                "messages": [{"role": roles[turn["from"]], "content": turn["value"]} for turn in row["conversations"]],
                "tools": row["tools"],
            }
            for row in source
        ]
    )
    assert rows.schema == ROWS
    assert len(find_exact(rows)) == len(normalised(rows)) == 38
    assert (find_exact(rows)["suggest"] == "review").sum() == 3
