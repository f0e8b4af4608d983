"""Contamination: eval texts that stand in train nearly, in part, inside of others, or with other numbers and names."""

import csv
import importlib.util
import json
import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from vetset.curate.dataset import frame
from vetset.curate.findings import SCHEMA
from vetset.curate.leakage import evidence
from vetset.curate.leakage.containment import find_contained
from vetset.curate.leakage.evidence import Words, differences, shared_run
from vetset.curate.leakage.grams import find_ngram, ngram_figures
from vetset.curate.leakage.grouped import find_group, group_figures
from vetset.curate.leakage.later import find_time, time_figures
from vetset.curate.leakage.masked import find_masked, masked
from vetset.curate.leakage.near import find_near
from vetset.curate.leakage.overlap import fewer_words, too_many
from vetset.curate.leakage.short import find_short
from vetset.curate.leakage.sides import Texts, sides
from vetset.curate.near.row_texts import row_pieces
from vetset.curate.near.shingles import Shingle

RULES = {
    "near": find_near, "ngram": find_ngram, "contained": find_contained, "masked": find_masked, "short": find_short,
    "group": find_group, "time": find_time,
}  # fmt: skip
TEXT_RULES = ["near", "ngram", "contained", "masked", "short"]
ITEM = (
    "A gardener called Maria planted 14 rows of lettuce behind the old mill, watered them every second evening, and sold "
    "each head for 3 coins at the harbour market; how many coins did she earn before the frost came?"
)
DOCUMENT = (
    "The minutes of the meeting were read first. {} After that nobody asked anything else, and the session was closed."
)
NOUNS = [
    a + b
    for a in ("lan", "mir", "tov", "sel", "kra", "dun", "pho", "gri")
    for b in ("der", "vok", "ton", "ule", "apa", "ix")
]


def other(number):
    """A text of its own: thirty words that no other number gives in such an order."""
    draw = random.Random(number)
    return f"text {number} " + " ".join(draw.choice(NOUNS) + draw.choice(NOUNS) for _ in range(30))


def split_rows(train, test, **more):
    return frame(
        [{"messages": text, "split": "train", **more} for text in train]
        + [{"messages": text, "split": "test", **more} for text in test]
    )


def among(planted, item, count=40):
    """Rows in which train holds ``planted`` and the eval side ``item``, both among texts of their own."""
    others = [other(number) for number in range(2 * count)]
    return split_rows([*others[:count], planted], [item, *others[count:]])


PLANTS = {
    "near": (f"Tell me. {ITEM}", ITEM),
    "ngram": (DOCUMENT.format(ITEM[:120]), ITEM),
    "contained": (DOCUMENT.format(ITEM.replace("every second", "each second")), ITEM),
    "masked": (ITEM.replace("14", "377").replace("3 coins", "29 coins").replace("Maria", "Olaf Berg"), ITEM),
    "short": (DOCUMENT.format("Why does quicksilver freeze?"), "why does Quicksilver freeze"),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXT_RULES)
def test_the_planted_row_is_found_and_no_other(name):
    rows = among(*PLANTS[name])
    found = RULES[name](rows)
    assert found["id"].to_list() == [rows["id"][41]]
    assert found["peer"].to_list() == [rows["id"][40]]
    assert found["rule"].to_list() == [f"leakage.{name}"]
    assert found["note"].str.contains("in train (memory line 41)", literal=True).any() or name == "contained"
    assert "memory line 41" in found["note"][0]
    assert found.schema == SCHEMA
    assert found["score"].is_between(0, 1).all()


@pytest.mark.parametrize("name", TEXT_RULES)
def test_with_an_eval_file_the_rows_of_this_set_are_found(name):
    planted, item = PLANTS[name]
    ours = frame([{"messages": other(n), "split": "train"} for n in range(20)] + [{"messages": planted, "split": None}])
    theirs = frame([{"messages": text} for text in (*map(other, range(50, 70)), item)])
    found = RULES[name](ours, against=theirs)
    assert found["id"].to_list() == [ours["id"][20]]
    assert found["peer"].to_list() == [None]
    assert "the eval file (memory line 21)" in found["note"][0]
    aside = frame([{"messages": planted, "split": "dev"}, *({"messages": other(n), "split": None} for n in range(20))])
    assert RULES[name](aside, against=theirs).is_empty()


@pytest.mark.parametrize("name", TEXT_RULES)
def test_every_copy_in_this_set_is_found_beside_an_eval_file(name):
    planted, item = PLANTS[name]
    ours = frame(
        [{"messages": other(n)} for n in range(20)] + [{"messages": planted, "label": str(n)} for n in range(3)]
    )
    theirs = frame([{"messages": text} for text in (*map(other, range(50, 70)), item)])
    assert RULES[name](ours, against=theirs)["id"].to_list() == ours["id"][20:].to_list()


@pytest.mark.parametrize("name", list(RULES))
def test_sets_with_an_empty_side_have_no_leak(name):
    row = {"messages": ITEM, "group": "g", "time": datetime(2024, 1, 1, tzinfo=UTC)}
    for records in ([], [row], [{**row, "split": "train"}], [{**row, "split": "test"}] * 3, [row] * 3):
        found = RULES[name](frame(records))
        assert found.is_empty()
        assert found.schema == SCHEMA
    blank = frame([{"messages": text, "split": side} for text in (" ", "\u200b", "!?") for side in ("train", "test")])
    assert RULES[name](blank).height <= 2  # the same signs are the same text; blanks are none
    assert RULES[name](frame([{**row, "split": "train"}]), against=frame([])).is_empty()


@pytest.mark.parametrize("name", list(RULES))
def test_clean_texts_of_every_script_are_left_alone(name):
    texts = [other(n) for n in range(60)] + [
        "你好吗 今天天气很好",
        "مرحبا بك في بيتنا الكبير",
        "😀😀 ok",
        "नमस्ते दुनिया कैसे हो",
    ]
    rows = split_rows(texts[::2], texts[1::2])
    assert RULES[name](rows).is_empty()


@pytest.mark.parametrize("name", TEXT_RULES)
def test_the_same_rows_give_the_same_findings(name):
    planted, item = PLANTS[name]
    rows = among(planted, item)
    again = rows.filter(pl.col("split") == "train").sort("line", descending=True)
    again = pl.concat([again, rows.filter(pl.col("split") == "test")])
    assert RULES[name](rows).equals(RULES[name](rows))
    assert RULES[name](again)["id"].to_list() == RULES[name](rows)["id"].to_list()


@pytest.mark.parametrize("name", ["near", "ngram", "contained"])
@pytest.mark.parametrize(
    ("planted", "item"),
    [
        (ITEM.upper(), ITEM),
        ("".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in ITEM), ITEM),
        (
            "请在周五之前把三份合同的扫描件发送到财务部门的公共邮箱并抄送给经理",
            "请在周五之前把三份合同的扫描件发送到财务部门的公共邮箱,并抄送给经理",
        ),
        (
            "يجب إرسال جميع الفواتير القديمة إلى مكتب المحاسبة قبل نهاية الأسبوع المقبل",
            "يجب إرسالُ جميع الفواتير القديمة إلى مكتب المحاسبة قبل نهاية الأسبوع المقبل!",
        ),
    ],
)
def test_other_forms_of_a_text_are_found_in_every_script(name, planted, item):
    rows = among(planted, item)
    assert RULES[name](rows)["id"].to_list() == [rows["id"][41]]


def test_the_system_prompt_and_the_answer_are_not_compared():
    def chat(asked, side):
        said = (("system", ITEM), ("user", asked), ("assistant", ITEM))
        return {"messages": [{"role": role, "content": content} for role, content in said], "split": side}

    rows = frame([chat(other(n), ("train", "test")[n % 2]) for n in range(40)])
    for name in TEXT_RULES:
        assert RULES[name](rows).is_empty()


# near


def test_a_near_row_names_what_differs_and_how_near_it_is():
    rows = among(*PLANTS["near"])
    note = find_near(rows)["note"][0]
    assert note == "The input is near to one in train (memory line 41), Jaccard 0.95 of word5: only there 'tell me'."
    assert find_near(rows, threshold=0.99).is_empty()


def test_bank_questions_are_near_as_counted_by_brute_force(shared):
    sides_ = []
    for name in ("train", "test"):
        with (shared / "bank_intents" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            sides_.append([row["text"] for row in csv.DictReader(file)])
    rows = split_rows(*sides_)
    assert len(find_near(rows, shingle=Shingle("char", 5))) == 103
    figures = ngram_figures(rows)["eval in train"]
    assert figures.eval_rows == 3080
    assert len(find_ngram(rows)) == figures.counted[8]


# ngram


def problems(shared, name):
    with (shared / "math_contamination" / name).open(encoding="utf-8") as file:
        return [row.get("question") or row["text"] for row in map(json.loads, file)]


def test_school_problems_share_grams_as_counted_by_brute_force(shared):
    train, test = (problems(shared, f"gsm8k/{name}.jsonl") for name in ("train", "test"))
    facts = json.loads((shared / "facts.json").read_text())["math_contamination"]
    rows = split_rows(train, test)
    figures = ngram_figures(rows)["eval in train"]
    assert figures.shared == figures.counted == {13: 3, 8: 80}
    assert figures.shared[8] == facts["train_vs_test_8gram"]["eval_rows_with_shared_ngram"]
    found = find_ngram(rows)
    assert (found["score"] == 0.9).sum() == 3
    assert len(found) == 80
    # By hand: of 80, one more problem is told alike ("if each student only participates in one group, how many students ...").
    assert (found["score"] >= 0.5).sum() == 4
    assert find_near(rows).is_empty()
    assert find_contained(rows).is_empty()
    assert len(find_masked(rows)) == 2


def test_rephrased_problems_share_grams_as_counted_by_brute_force(shared):
    rows = split_rows(
        problems(shared, "decontaminator/rephrase/rephrase_gsm8k.jsonl"), problems(shared, "gsm8k/test.jsonl")
    )
    assert ngram_figures(rows)["eval in train"].shared == {13: 0, 8: 88}
    assert len(find_ngram(rows)) == 88


def test_the_longer_convention_goes_first_and_the_run_is_shown():
    rows = among(DOCUMENT.format(ITEM[:120]), ITEM)
    found = find_ngram(rows)
    assert found["score"].to_list() == [0.9]
    assert found["note"][0].startswith(
        "21 words in a row stand in train (memory line 41) too (13-gram convention): 'A gardener"
    )
    assert "idf" in found["note"][0]
    eight = among(
        DOCUMENT.format("planted 14 rows of lettuce behind the old mill"),
        "He planted 14 rows of lettuce behind the old mill.",
    )
    assert find_ngram(eight)["score"].to_list() == [0.7]
    seven = among(DOCUMENT.format("14 rows of lettuce behind the mill"), "He sold 14 rows of lettuce behind the mill.")
    assert find_ngram(seven).is_empty()


def test_one_phrase_of_a_long_text_is_told_as_a_turn_of_phrase():
    phrase = "how many of them will be left at the"
    rows = among(f"{other(300)} {phrase} {other(301)}", f"{other(302)} {phrase} {other(303)}")
    found = find_ngram(rows)
    assert found["score"].to_list() == [0.4]
    assert "turn of phrase" in found["note"][0]


def test_a_prompt_that_stands_everywhere_is_no_leak():
    prompt = "Read the following question with care and answer it with one word and nothing else"
    rows = split_rows([f"{prompt} {other(n)}" for n in range(40)], [f"{prompt} {other(n)}" for n in range(40, 60)])
    for name in TEXT_RULES:
        assert RULES[name](rows).is_empty()
    leaked = split_rows(
        [f"{prompt} {other(n)}" for n in range(40)], [f"{prompt} {other(n)}" for n in (7, *range(40, 60))]
    )
    assert find_ngram(leaked)["id"].to_list() == [leaked["id"][40]]
    assert find_contained(leaked)["id"].to_list() == [leaked["id"][40]]


def test_a_prompt_of_the_eval_side_that_a_few_train_rows_hold_is_no_leak():
    prompt = "Read the following question with care and answer it with one word and nothing else"
    train = [*(other(n) for n in range(40)), f"{prompt} {other(90)}"]
    rows = split_rows(train, [f"{prompt} {other(n)}" for n in range(40, 80)])
    assert find_ngram(rows).is_empty()
    assert find_contained(rows).is_empty()


def test_a_leak_that_stands_in_train_a_hundred_times_is_found():
    rows = split_rows([*(other(n) for n in range(40)), *[DOCUMENT.format(ITEM)] * 100], [ITEM, other(99)])
    assert find_ngram(rows)["peer"].to_list() == [rows["id"][40]]
    assert find_contained(rows)["peer"].to_list() == [rows["id"][40]]


def test_secrets_in_a_shared_run_are_masked():
    text = "please write to ann.miller@example.com about invoice nine of the second quarter and the delayed parcel from Kraków"
    rows = among(DOCUMENT.format(text), text)
    for name in ("ngram", "contained"):
        assert "ann.miller" not in RULES[name](rows)["note"][0]
    assert "[mail address]" in find_ngram(rows)["note"][0]


def test_secrets_in_what_differs_are_masked():
    mail, key = "anna.smith@example.com", "sk-abc123def456ghi789jkl0"
    for name, text in (("near", ITEM), ("masked", PLANTS["masked"][0])):
        note = RULES[name](among(text, f"{mail} {key} {ITEM}"), threshold=0.5)["note"][0]
        assert "anna" not in note
        assert "abc123" not in note
        assert "secret" in note


def test_a_run_that_cuts_a_secret_in_two_does_not_show_half_of_it():
    begins = "it is on a 1 to 2 of me 4111 1111 1111 "
    rows = among(f"{other(300)} {begins}1234 so", f"{begins}1111 then, {other(301)}")
    for name in ("ngram", "contained"):
        note = RULES[name](rows, **({"threshold": 0.1} if name == "contained" else {}))["note"][0]
        assert "4111" not in note
        assert "it is on a 1 to 2 of me" in note


def test_a_group_that_is_a_mail_address_is_masked():
    rows = frame([{"messages": side, "split": side, "group": "ann@example.com"} for side in ("train", "test")])
    assert "'[mail address]'" in find_group(rows)["note"][0]


def test_of_one_text_a_side_what_they_share_counts():
    rows = split_rows([DOCUMENT.format(ITEM)], [ITEM])
    assert len(find_ngram(rows)) == len(find_contained(rows)) == 1


def test_the_plain_convention_counts_grams_that_stand_everywhere():
    prompt = "Read the following question with care and answer it with one word and nothing else"
    rows = split_rows([f"{prompt} {other(n)}" for n in range(40)], [f"{prompt} {other(n)}" for n in range(40, 60)])
    figures = ngram_figures(rows)["eval in train"]
    assert figures.shared == {13: 20, 8: 20}
    assert figures.counted == {13: 0, 8: 0}
    same = ngram_figures(split_rows([ITEM] * 5, [ITEM] * 4 + ["short"]))["eval in train"]
    assert same.shared == same.counted == {13: 4, 8: 4}


def test_counting_a_prompt_of_many_rows_takes_no_time():
    sentences = [other(n) for n in range(30)]
    draw = random.Random(0)
    rows = split_rows(*([" ".join(draw.sample(sentences, 5)) for _ in range(size)] for size in (6000, 3000)))
    ngram_figures(rows[:10])
    start = time.process_time()
    assert ngram_figures(rows)["eval in train"].shared == {13: 3000, 8: 3000}
    assert time.process_time() - start < 3


# contained


def test_the_part_of_an_item_that_stands_in_a_document_is_measured():
    whole = find_contained(among(DOCUMENT.format(ITEM), ITEM))
    assert whole["score"][0] == pytest.approx(1)
    assert "100% of the input" in whole["note"][0]
    long = " ".join(map(other, range(200, 215)))
    nearly = find_contained(among(DOCUMENT.format(long), long.replace("text 207", "no 207")))
    assert "99% of the input" in nearly["note"][0]
    half = among(DOCUMENT.format(ITEM[:90]), ITEM)
    assert find_contained(half).is_empty()
    assert 0.3 < find_contained(half, threshold=0.3)["score"][0] < 0.6


def test_a_train_text_inside_of_an_eval_document_is_not_contained():
    assert find_contained(among(ITEM, DOCUMENT.format(" ".join((ITEM, other(200), other(201)))))).is_empty()


# masked


def test_numbers_and_names_are_masked_in_every_form():
    shown = masked(
        pl.Series(["So Anna-Lena O'Neill's son pays $1,200.50 (12:30, 50%) for ٣ cats", "iPhone ÉTÉ 2x"]), "#", "@"
    )
    assert shown.to_list() == ["@ son pays # (#, #) for # cats", "iPhone @ #x"]


def test_a_template_with_a_slot_is_no_leak():
    def booked(number):
        return f"please book me a quiet table for {number} people near the window at the back of the room tonight"

    rows = split_rows([booked(n) for n in range(2, 12)], [booked(n) for n in range(20, 30)])
    assert find_masked(rows).is_empty()
    assert len(find_masked(split_rows([booked(n) for n in range(2, 12)], [booked(20)]))) == 1


def test_texts_that_are_little_but_numbers_and_names_are_left_alone():
    rows = split_rows(
        ["What is 12 + 13?", "JOHN SMITH, 12 MAIN STREET, NEW YORK, 10001, USA, EARTH"] * 2,
        ["What is 14 + 15?", "ANN LEE 3 HIGH STREET"],
    )
    assert find_masked(rows).is_empty()
    signs = [f"{a} + {b} * ({c} - 1) / 7 = [?] & {{}}!; %" for a, b, c in ((2, 3, 4), (7, 5, 2))]
    assert find_masked(among(*signs)).is_empty()


def test_what_is_near_before_masking_is_left_to_the_rule_for_that():
    rows = among(ITEM, ITEM)
    assert find_masked(rows).is_empty()
    assert len(find_near(rows)) == 1


# short


def test_trivial_texts_that_people_say_everywhere_are_no_leak():
    said = ["yes", "ok thanks", "Hello", "no, thank you", "what?", "I need help"]
    train = [f"{other(n)} {said[n % 6]} {other(n + 500)}" for n in range(200)]
    assert find_short(split_rows(train, said)).is_empty()
    rare = split_rows([*(other(n) for n in range(100)), "He said yes to it, ok thanks"], ["yes", "ok thanks", "said"])
    assert "yes" not in rare.filter(pl.col("id").is_in(find_short(rare)["id"].to_list()))["messages"].to_list()
    assert find_short(rare).is_empty()


def test_words_in_another_order_are_no_run():
    assert find_short(
        among(DOCUMENT.format("Does quicksilver freeze, and why?"), "Why does quicksilver freeze?")
    ).is_empty()


def test_texts_of_fewer_words_than_asked_are_told_from_those_of_just_as_many():
    texts = ["", "a", "a b c d e f g", "a b c d e f g h", "a a a a a a a a", "你好吗朋友", "a " * 200, "!!"]
    rows = frame([{"messages": text} for text in texts])
    expected = [True, True, True, False, False, True, False, True]
    assert fewer_words(Texts(*row_pieces(rows, "input")), 8).tolist() == expected


@pytest.mark.parametrize("name", ["ngram", "contained", "masked", "short"])
def test_texts_without_a_word_and_rows_of_numbers_are_no_runs_of_words(name):
    dots = split_rows([*map(other, range(40)), "!" * 30, "😀" * 20], ["!" * 25, "😀" * 18, *map(other, range(40, 80))])
    assert RULES[name](dots).is_empty()
    table = split_rows([" ".join(f"x{n}" for n in range(60))], [" ".join(f"x{n}" for n in range(100, 160))])
    assert RULES[name](table).is_empty()


def test_a_template_whose_slots_agree_by_chance_is_told_as_a_turn_of_phrase():
    def booked(number):
        draw = random.Random(number)
        return "please book me a table for {} people near the window at the back of the room in {} tonight".format(
            *(draw.choice(NOUNS) + draw.choice(NOUNS) for _ in range(2))
        )

    found = find_ngram(split_rows(map(booked, range(2000)), map(booked, range(2000, 2200))))
    assert len(found) > 100
    assert (found["score"] == 0.4).all()


# group


def test_eval_rows_of_a_trained_group_are_found():
    rows = frame(
        [
            {"messages": str(n), "split": side, "group": group}
            for n, (side, group) in enumerate(
                [
                    ("train", "a"),
                    ("train", "a"),
                    ("test", "a"),
                    ("test", "b"),
                    ("dev", None),
                    ("train", " "),
                    ("dev", " "),
                ]
            )
        ]
    )
    found = find_group(rows)
    assert found["id"].to_list() == [rows["id"][2]]
    assert found["note"][0] == "train (memory line 1) is the first of 2 rows there of the same group, 'a'."
    assert group_figures(rows).rows == group_figures(rows).groups == 1
    assert find_group(rows.with_columns(pl.lit(None, dtype=pl.String).alias("group"))).is_empty()


def test_groups_of_an_eval_file_are_compared_by_name_not_by_running_number():
    ours = frame([{"messages": str(n), "group": group} for n, group in enumerate(["user-7", "12", "x"])])
    theirs = frame([{"messages": "t", "group": group} for group in ("user-7", "12")])
    assert find_group(ours, against=theirs)["id"].to_list() == [ours["id"][0]]


def test_issues_share_repositories_with_train_as_counted(shared):
    folder = shared / "github_docs_issues" / "assets"
    records = []
    for side, name in (("train", "training"), ("test", "eval")):
        for line in (folder / f"docs_issues_{name}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            url = row["meta"]["url"].split("/")
            records.append({"messages": row["text"], "split": side, "group": "/".join(url[3:5])})
    assert len(find_group(frame(records))) == group_figures(frame(records)).rows == 71


# time


def timed(days, split):
    start = datetime(2024, 1, 1, tzinfo=UTC)
    return [
        {"messages": f"{split} {n}", "split": split, "time": start + timedelta(days=day)} for n, day in enumerate(days)
    ]


def test_the_few_rows_on_the_wrong_side_of_a_split_by_time_are_found():
    rows = frame(timed([*range(50), 3000], "train") + timed([*range(50, 70), 12], "test") + timed([70] * 12, "dev"))
    found = find_time(rows)
    assert found["id"].to_list() == [rows["id"][50], rows["id"][71]]
    assert "2032" in found["note"][0]
    assert "later than 2024-02-19" in found["note"][0]
    assert "earlier than 2024-02-19" in found["note"][1]
    figures = time_figures(rows)
    assert figures["test in train"].train_after == figures["test in train"].eval_before == 1
    assert figures["dev in train"].later > 0.95


def test_a_random_split_a_clean_one_and_rows_without_time_are_left_alone():
    mixed = frame(timed(range(0, 100, 2), "train") + timed(range(1, 100, 2), "test"))
    clean = frame(timed(range(50), "train") + timed(range(49, 90), "test"))
    few = frame(timed(range(5), "train") + timed([9, 9, 0], "test"))
    none = clean.with_columns(pl.lit(None, dtype=pl.Datetime("us", "UTC")).alias("time"))
    for rows in (mixed, clean, few, none):
        assert find_time(rows).is_empty()
    assert time_figures(mixed)["test in train"].later == pytest.approx(0.51, abs=0.02)


def test_years_that_no_calendar_has_are_no_times():
    rows = split_rows(map(other, range(20)), map(other, range(20, 40)))
    far = pl.Series("time", [2**62 + number for number in range(40)]).cast(pl.Datetime("us", "UTC"))
    assert find_time(rows.with_columns(far)).is_empty()


def test_rows_from_after_an_eval_file_are_found():
    ours = frame([{**row, "split": None} for row in timed([*range(40), 100], "train")])
    theirs = frame([{**row, "split": None} for row in timed(range(45, 60), "test")])
    assert find_time(ours, against=theirs)["id"].to_list() == [ours["id"][40]]


# evidence and sides


def test_a_run_grows_around_the_gram_that_was_found():
    own, there = Words.of("one two three four five six"), Words.of("zero two three four x two three four five y")
    assert shared_run(own, there, 2, 2) == (1, 5)
    assert shared_run(own, there, 2, 99) == (0, 0)
    assert differences(own.text, own.text) == "the same words"
    assert differences("to ann@example.com", "to joe@example.com") == "words that are masked here"


def test_the_longest_run_is_found_wherever_it_begins_and_ends():
    words = [f"w{number}" for number in range(1000)]
    for low, high in ((0, 1000), (0, 37), (963, 1000), (300, 333), (499, 521)):
        own, there = Words(" ".join(words), words), ["x", *words[low:high], "y"]
        assert shared_run(own, Words(" ".join(there), there), 13, low + 3) == (low, high)


def test_one_word_repeated_is_no_matter_of_minutes():
    start = time.process_time()
    rows = among("ha " * 20_000, "ha " * 20_001)
    assert len(find_ngram(rows)) == len(find_contained(rows)) == 1
    assert time.process_time() - start < 8


def test_words_of_long_texts_are_shown_up_to_a_number_of_bytes(monkeypatch):
    monkeypatch.setattr(evidence, "_READ", 1000)
    rows = split_rows([other(n) for n in range(8)], [f"so {other(n)}" for n in range(8)])
    for name in ("near", "ngram", "contained"):
        found = RULES[name](rows)
        assert len(found) == 8
        told = "only here" if name == "near" else "'" + "text"
        assert 0 < found["note"].str.contains(told, literal=True).sum() < 8


@pytest.mark.parametrize(("texts", "most"), [(1, 2), (9, 3), (30, 10), (7473, 10), (20_000, 20), (10**6, 1000)])
def test_how_often_a_gram_may_stand(texts, most):
    assert too_many(texts) == most


def test_rows_of_an_own_eval_split_never_meet_an_eval_file():
    rows = frame([{"messages": side or "none", "split": side} for side in ("train", "dev", None)])
    inside, outside = sides(rows, rows)
    assert inside.tested["split"].to_list() == ["dev"]
    assert outside.trained["split"].to_list() == ["train", None]
    assert [pair.outside for pair in sides(rows.filter(pl.col("split").is_null()), rows)] == [True]


# the bench


@pytest.mark.slow
def test_planted_leaks_of_every_kind_are_found_and_clean_texts_are_not(shared):
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "contamination.py"
    spec = importlib.util.spec_from_file_location("contamination", path)
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    figures, _ = bench.measure(15, 1, shared)
    union = dict(figures.select("kind", "with short").iter_rows())
    assert union["clean: no 8 words in common"] == 0
    assert union["clean: problems as published"] < 0.01
    assert union["the nine kinds"] >= 0.99
