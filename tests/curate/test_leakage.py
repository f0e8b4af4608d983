"""Eval rows that stand in train, and answers that stand in the input."""

import csv
import json

import polars as pl
import pytest
from vetset.curate.dataset import frame
from vetset.curate.findings import SCHEMA
from vetset.curate.leakage.exact import find_answer, find_leak, leak_figures
from vetset.curate.text import keys, turns


def leaks(rows, **options):
    return find_leak(rows, keys(rows), **options)


def answers(rows):
    return find_answer(rows, turns(rows))


def row(text, split, label="a"):
    return {"messages": text, "split": split, "label": label}


def labelled(pairs, **more):
    return frame([{"messages": text, "label": label, **more} for text, label in pairs])


# leakage.exact


def test_eval_rows_that_stand_in_train_are_found():
    rows = frame([row("x", "train"), row("X ", "train"), row("x", "test"), row("x  ", "dev", "b"), row("y", "dev")])
    found = leaks(rows)
    assert found["id"].to_list() == [rows["id"][2], rows["id"][3]]
    assert found["score"].to_list() == [1.0, 0.9]
    assert set(found["peer"]) == {rows["id"][0]}
    assert found["note"].to_list() == [
        "The input stands in train 2 times character for character, first at memory line 1, with the same target.",
        "The input stands in train 2 times but for case, width or white space, first at memory line 1, "
        "with another target.",
    ]


def test_a_leak_between_two_eval_splits_is_counted_but_not_found():
    rows = frame([row("x", "dev"), row("x", "test"), row("z", "train")])
    assert leaks(rows).is_empty()
    figures = leak_figures(rows, keys(rows))
    assert figures["raw"] == 0
    assert figures["pairs"]["dev in test"]["raw"] == 1


def test_sets_without_splits_empty_sets_and_empty_texts_do_not_leak():
    for records in ([], [row("x", "test")], [row("x", None), row("x", None)], [row(" ", "train"), row(" ", "test")]):
        found = leaks(frame(records))
        assert found.is_empty()
        assert found.schema == SCHEMA


def test_plain_text_is_compared_by_itself():
    def said(text):
        return [{"role": "assistant", "content": text}]

    rows = frame([row(said("Ω 你好"), "train", None), row(said("ω 你好"), "eval", None), row(said("x"), "eval", None)])
    assert leaks(rows)["id"].to_list() == [rows["id"][1]]


def test_rows_of_this_set_that_stand_in_another_eval_file_are_found():
    rows = frame([row("x", "train"), row("y", None), row("x", "test"), row("z", "train")])
    against = frame([row("X", None), row("y", None, "b"), row("w", None)])
    found = leaks(rows, against=against)
    assert found["id"].to_list() == [rows["id"][0], rows["id"][1], rows["id"][2]]
    assert "the eval file" in found["note"][0]
    assert "stands in train" in found["note"][2]
    assert found["peer"].to_list() == [None, None, rows["id"][0]]
    pair = leak_figures(rows, keys(rows), against=against)["pairs"]["against in set"]
    assert pair == {"eval_rows": 3, "raw": 1, "normalised": 2, "distinct_raw": 1, "distinct_normalised": 2}


def test_a_text_that_stands_very_often_on_both_sides_costs_no_more():
    rows = frame([row("x", "train", f"l{n}") for n in range(4000)] + [row("x", "test", f"l{n}") for n in range(4000)])
    assert len(leaks(rows)) == 4000


def test_the_same_rows_give_the_same_findings():
    rows = frame([row(f"t{n % 9}", ("train", "dev")[n % 2], str(n % 4)) for n in range(60)])
    assert leaks(rows).equals(leaks(rows))
    assert answers(rows).equals(answers(rows))


def test_support_chats_leak_as_counted_by_brute_force(shared):
    records = []
    for split in ("train", "dev", "test"):
        for domain in ("airline", "finance", "media"):
            with (shared / "support_chat" / domain / f"{split}.tsv").open(encoding="utf-8", newline="") as file:
                records += [
                    row(line["utterance"], split, line["intent"]) for line in csv.DictReader(file, delimiter="\t")
                ]
    rows = frame(records)
    facts = json.loads((shared / "facts.json").read_text())["support_chat"]["overlap_raw"]
    figures = leak_figures(rows, keys(rows))
    assert figures["eval_rows"] == facts["eval_rows"]
    assert figures["raw"] == facts["eval_rows_in_train"]
    assert figures["distinct_raw"] == facts["distinct"]
    found = leaks(rows)
    assert (found["score"] == 1).sum() == facts["eval_rows_in_train"]
    assert answers(rows).is_empty()


# leakage.answer: endings


@pytest.mark.parametrize(
    "text",
    [
        "I want it back.\nlabel: refund",
        "Text… Category = 'Refund'.",
        "back!\n**Answer:** refund",
        "钱？答案：refund",
        "x #### refund",
    ],
)
def test_an_input_that_ends_with_its_own_label_is_found(text):
    rows = labelled([(text, "refund"), ("hello there", "greeting"), ("a refund, please", "refund")])
    assert answers(rows)["id"].to_list() == [rows["id"][0]]


def test_a_prompt_that_ends_with_the_answer_of_its_reply_is_found():
    def ask(prompt):
        reply = "9 + 9 = 18\n#### 18"
        return {"messages": [{"role": "user", "content": prompt}, {"role": "assistant", "content": reply}]}

    rows = frame([ask("How many? Answer: 18"), ask("How many are 9 and 9?"), ask("How many? Answer:")])
    assert answers(rows)["id"].to_list() == [rows["id"][0]]


def test_an_answer_to_be_judged_is_no_leak():
    rows = labelled([(f"Is it right? Answer: {given}", own) for given in ("yes", "no") for own in ("yes", "no")] * 5)
    assert answers(rows).is_empty()


# leakage.answer: marks and codes


def test_a_mark_before_the_own_label_is_learned():
    names = ["access_control", "reentrancy", "bad_randomness", "other"]
    pairs = [(f"line {n}\n// [x] FOUND: {names[n % 4].upper()} here\nother code();", names[n % 4]) for n in range(40)]
    rows = labelled([*pairs, ("nothing to see", "other")])
    assert answers(rows)["id"].to_list() == rows["id"][:40].to_list()


def test_a_word_that_stands_for_the_label_after_a_mark_is_learned():
    codes = {"unchecked_calls": "UC_CALL", "reentrancy": "REENTRANCY", "overflow": "OVERFLOW"}
    pairs = [(f"code {n}\n// <report> {codes[name]}\nend", name) for n in range(15) for name in codes]
    assert len(answers(labelled(pairs))) == 45


def test_a_label_spelled_as_code_is_found_where_most_rows_do():
    names = ["card_arrival", "lost_card", "top_up"]
    rows = labelled([(f"see {name} in row {n} please", name) for n in range(10) for name in names])
    assert len(answers(rows)) == 30


def test_labels_that_stand_in_the_text_by_nature_are_left_alone():
    natural = [
        ("what is the age limit", "age_limit"),
        ("my card arrival is late", "card_arrival"),
        ("top up now", "top_up"),
    ]
    few_shot = [
        (f"Text: good\nLabel: {given}\nText: t{n}\nLabel:", own) for n in range(9) for given in "ab" for own in "ab"
    ]
    options = [
        (f"{n} Choose one. Options: refund, billing, (refund) (billing)", ("refund", "billing")[n % 2])
        for n in range(40)
    ]
    words = [(f'{n} I say yes, no, maybe: "yes"', ("yes", "no")[n % 2]) for n in range(40)]
    for pairs in (natural * 20, few_shot, options, words):
        assert answers(labelled(pairs)).is_empty()


def test_a_system_prompt_that_lists_the_labels_is_left_alone():
    rows = frame(
        [
            {
                "messages": [
                    {"role": "system", "content": f"label: {label}"},
                    {"role": "user", "content": f"text {n}"},
                ],
                "label": label,
            }
            for n in range(20)
            for label in ("a_b", "c_d")
        ]
    )
    assert answers(rows).is_empty()


def test_rows_without_labels_and_tiny_sets_have_no_answer():
    for rows in (frame([]), frame([{"messages": "x"}]), labelled([("x", "a")]), labelled([("", "a"), ("", "")])):
        found = answers(rows)
        assert found.is_empty()
        assert found.schema == SCHEMA


def test_a_judgement_beside_a_reply_is_no_answer():
    said = [{"role": "user", "content": "label: true"}, {"role": "assistant", "content": "yes"}]
    assert answers(frame([{"messages": said, "label": "true"}, {"messages": said, "label": "false"}] * 20)).is_empty()


def test_marks_in_every_script_are_learned():
    names = ["正面", "负面", "إيجابي", "חיובי"]
    rows = labelled([(f"类别: {names[n % 4]}\n😀 很好 {n}", names[n % 4]) for n in range(24)])
    assert len(answers(rows)) == 24


def test_labels_full_of_regex_characters_do_no_harm():
    rows = labelled([(f"(.*+?[ {n} label: {label}", label) for n in range(10) for label in ("(.*", "a|b", "[x", "\\d")])
    assert answers(rows).schema == SCHEMA


# leakage.answer: columns


def test_a_column_that_is_empty_on_just_one_label_gives_it_away():
    rows = frame(
        [
            {
                "messages": f"t{n}",
                "label": ("open", "closed", "new")[n % 3],
                "extra": json.dumps(
                    {"closed_at": "2024" if n % 3 == 1 else None, "n": n, "note": None if n % 2 else "x"}
                ),
            }
            for n in range(60)
        ]
    )
    found = answers(rows)
    assert found["id"].to_list() == rows["id"].gather_every(3, 1).to_list()
    assert found["note"][0] == (
        "Column 'closed_at' is filled on 20 rows, 20 of them among the 20 labelled 'closed': it gives the label away."
    )


def test_two_labels_are_reported_on_the_empty_side():
    rows = frame(
        [{"messages": f"t{n}", "label": "ab"[n % 2], "annotator": "ann" if n % 2 else None} for n in range(40)]
    )
    assert answers(rows)["id"].to_list() == rows["id"].gather_every(2).to_list()


def test_few_blanks_that_fall_on_one_label_by_chance_are_left_alone():
    rows = frame(
        [{"messages": f"t{n}", "label": "ab"[n < 1], "extra": json.dumps({"x": n or None})} for n in range(30)]
    )
    assert answers(rows).is_empty()


def test_sources_of_one_label_each_are_shown_once_a_source():
    rows = frame([{"messages": f"t{n}", "label": "ab"[n % 2], "source": ("web", "mail")[n % 2]} for n in range(40)])
    found = answers(rows)
    assert found["id"].to_list() == rows["id"][:2].to_list()
    assert "'web' has 'a' on 20 of its 20 rows" in found["note"][0]


def test_labels_and_annotators_that_are_mail_addresses_are_masked():
    names = ["ann@example.com", "joe@example.com"]
    rows = frame(
        [
            {"messages": f"{n} label: {names[n % 2]}", "label": names[n % 2], "annotator": names[n % 2]}
            for n in range(60)
        ]
    )
    notes = find_answer(rows, turns(rows))["note"]
    assert len(notes) == 60
    assert not notes.str.contains("@").any()
    assert notes.str.contains("[mail address]", literal=True).all()


def test_brackets_a_thousand_deep_do_no_harm():
    deep = '{"a": ' + "[" * 50_000 + "]" * 50_000 + "}"
    rows = frame([{"messages": f"t{n}", "label": "ab"[n % 2], "extra": deep} for n in range(6)])
    assert find_answer(rows, turns(rows)).is_empty()


def test_extra_that_is_no_json_object_does_no_harm():
    rows = frame([{"messages": f"t{n}", "label": "ab"[n % 2], "extra": ("[1]", "x", "")[n % 3]} for n in range(30)])
    assert answers(rows).is_empty()


# leakage.answer: real sets


def test_every_contract_shows_its_answer_in_a_comment(shared):
    folder = shared / "smart_contracts"
    listed = json.loads((folder / "vulnerabilities.json").read_text(encoding="utf-8"))
    rows = labelled(
        [((folder / item["path"]).read_text(encoding="utf-8"), item["path"].split("/")[1]) for item in listed]
    )
    found = answers(rows)
    assert len(found) == json.loads((shared / "facts.json").read_text())["smart_contracts"]["rows"]
    assert found["note"].str.contains("< report >", literal=True).all()


def test_public_sets_without_marks_are_left_alone(shared):
    with (shared / "bank_intents" / "train.csv").open(encoding="utf-8", newline="") as file:
        bank = labelled([(line["text"], line["category"]) for line in csv.DictReader(file)])
    studies = json.loads((shared / "pubmedqa" / "ori_pqal.json").read_text(encoding="utf-8")).values()
    pubmed = labelled([("\n".join(study["CONTEXTS"]), study["final_decision"]) for study in studies])
    issues = pl.read_ndjson(
        shared / "github_docs_issues" / "assets" / "docs_issues_training.jsonl", infer_schema_length=None
    )
    github = labelled(issues.select("text", "answer").iter_rows())
    for rows in (bank, pubmed, github):
        assert answers(rows).is_empty()
