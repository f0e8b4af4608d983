"""Lines that repeat over rows, and in one row."""

import polars as pl
import pytest
from vetset.curate import Given, read
from vetset.curate.dataset import frame
from vetset.curate.duplicates.boilerplate import find_boilerplate
from vetset.curate.findings import SCHEMA
from vetset.curate.text import turns

FOOTER = "This message is confidential and meant for the named recipient only."


def found_in(*contents, **options):
    rows = frame([{"messages": content} for content in contents])
    return rows, find_boilerplate(rows, turns(rows), **options)


def own(n):
    return f"Question {n}: where is parcel {n * 7919}?"


def test_a_footer_that_five_texts_carry_is_found_in_each():
    rows, found = found_in(*[f"{own(n)}\n{FOOTER}" for n in range(5)], own(7), "Fine, thanks.")
    assert found["id"].to_list() == rows["id"][:5].to_list()
    assert set(found["cluster"]) == {rows["id"][0]}
    assert set(found["suggest"]) == {"review"}
    assert found["note"][0] == (
        "69% of it is lines that repeat over rows; 'This message is confidential and meant for the nam…' stands in 5 rows."
    )
    assert found["score"].is_between(0.65, 0.70).all()


def test_four_texts_are_too_few_and_copies_of_one_text_count_once():
    assert found_in(*[f"{own(n)}\n{FOOTER}" for n in range(4)])[1].is_empty()
    assert found_in(*[f"{own(1)}\n{FOOTER}"] * 50)[1].is_empty()


def test_a_sentence_inside_of_a_line_counts_and_case_does_not():
    texts = [f"{own(n)} {FOOTER.upper() if n % 2 else FOOTER} Bye" for n in range(6)]
    assert len(found_in(*texts)[1]) == 6


@pytest.mark.parametrize(
    "line", ["Thank you", "}", "        return self._value", "Yes, that is fine with me.", "-" * 80, "a  b" + " " * 60]
)
def test_short_replies_and_lines_of_code_are_left_alone(line):
    assert found_in(*[f"{own(n)}\n{line}" for n in range(40)])[1].is_empty()


def test_a_close_that_is_a_small_part_of_each_row_is_left_alone():
    body = " ".join(f"word{n}" for n in range(60))
    assert found_in(*[f"{own(n)} {n} {body}{n}\n{FOOTER}" for n in range(10)])[1].is_empty()


def test_the_frame_of_the_task_is_held_against_nobody():
    prompt = "Say which of the following intents the message of the customer has."
    assert found_in(*[f"{prompt}\n{own(n)}" for n in range(400)])[1].is_empty()


def test_system_prompts_and_tool_results_may_repeat():
    rows = frame(
        [
            {
                "messages": [
                    {"role": "system", "content": FOOTER},
                    {"role": "user", "content": own(n)},
                    {"role": "tool", "content": FOOTER},
                    {"role": "assistant", "content": "ok"},
                ]
            }
            for n in range(9)
        ]
    )
    assert find_boilerplate(rows, turns(rows)).is_empty()


def test_a_row_that_says_one_sentence_again_and_again_is_found():
    sentence = "I am sorry, I can not do that for you today."
    rows, found = found_in(own(1), f"Well. {f'{sentence} ' * 6}", f"Well. {sentence} {sentence} {own(2)}")
    assert found["id"].to_list() == [rows["id"][1]]
    assert found["note"].to_list() == [
        "96% of it is lines said again; 'I am sorry, I can not do that for you today.' stands 6 times in it."
    ]
    assert found["cluster"].to_list() == [None]


@pytest.mark.parametrize(
    "footer",
    [
        "您好此邮件包含保密信息仅供指定收件人阅读请勿转发给他人。",
        "هذه الرسالة سرية ومخصصة للمرسل إليه المذكور فقط ولا يجوز نشرها",
        "😀 Эта рассылка отправлена автоматически, отвечать на неё не нужно.",
        "このメールは送信専用ですので返信はできませんのでご了承ください。",
    ],
)
def test_footers_of_other_scripts_are_found(footer):
    assert len(found_in(*[f"{n}{n}\n{footer}" for n in range(5)])[1]) == 5


def test_secrets_in_the_line_are_masked():
    line = "Mail ann.smith@example.com if you did not ask for this message."
    note = found_in(*[f"{own(n)}\n{line}" for n in range(5)])[1]["note"][0]
    assert "ann.smith" not in note
    assert "[mail address]" in note


def test_an_empty_set_a_single_row_and_empty_texts():
    for contents in ([], ["one row"], ["", " ", "\n"], [FOOTER]):
        found = found_in(*contents)[1]
        assert found.is_empty()
        assert found.schema == SCHEMA


def test_the_same_rows_give_the_same_findings():
    texts = [f"{own(n)}\n{FOOTER}\n{'Please do not reply to this mail, nobody reads it.' * (n % 2)}" for n in range(60)]
    rows = frame([{"messages": content} for content in texts])
    one, other = find_boilerplate(rows, turns(rows), most=1), find_boilerplate(rows, turns(rows), most=1)
    assert len(one) == 60
    assert one.equals(other)
    shuffled = rows.sample(fraction=1.0, shuffle=True, seed=1)
    again = find_boilerplate(shuffled, turns(shuffled), most=1)
    assert again.select("id", "score", "note").sort("id").equals(one.select("id", "score", "note").sort("id"))


def test_the_footer_of_a_site_in_hotel_reviews_is_found_and_word_problems_are_clean(shared, tmp_path):
    rows = read([shared / "labels" / "chnsenticorp_golden" / "data.parquet"], tmp_path / "h.vet", columns=Given())
    rows = rows.dataset.rows
    found = find_boilerplate(rows, turns(rows))
    assert len(found) == 25
    assert found["note"].str.contains("免费注册网站导航").all()
    problems = pl.read_ndjson(next((shared / "math_contamination").rglob("train.jsonl")))
    rows = frame([{"messages": question} for question in problems["question"]])
    assert find_boilerplate(rows, turns(rows)).is_empty()
