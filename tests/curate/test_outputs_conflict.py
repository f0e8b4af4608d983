"""outputs.conflict: nearly the same prompt, and answers that can't both be right."""

import json

import pytest
from vetset.curate import text
from vetset.curate.dataset import frame
from vetset.curate.findings import SCHEMA
from vetset.curate.outputs.conflict import find_output_conflict
from vetset.curate.outputs.exchanges import exchanges
from vetset.curate.outputs.verdicts import verdict

ASKED = "How many eggs do the hens of the farm behind the old mill of Ostermill lay in 7 days?"
AGAIN = "Please tell me how many eggs the hens of the farm behind the old mill of Ostermill lay in 7 days."


def rows_of(*pairs):
    return frame(
        [
            {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": told}]}
            for asked, told in pairs
        ]
    )


def found_in(*pairs):
    rows = rows_of(*pairs)
    return rows, find_output_conflict(rows, exchanges(text.turns(rows)))


@pytest.mark.parametrize(
    ("here", "there", "kind"),
    [
        ("They lay 5 * 7 = 35.\n#### 35", "They lay 5 + 7 = 12.\n#### 12", "another number: '35' here, '12' there"),
        ("35", "36 eggs", "another number"),
        ("Yes, they do.", "No.", "another yes or no: 'yes' here, 'no' there"),
        ("(B)", "The answer is (C).", "another choice: 'B' here, 'C' there"),
        ('{"eggs": 35}', '{"eggs": 36}', "another JSON"),
        ("thirty-five", "a dozen", "another label"),
        ("The brown hens produce masses daily.", "Nobody has counted them yet, sorry!", "without a word in common"),
    ],
)
def test_answers_that_disagree_are_found_with_what_they_say(here, there, kind):
    rows, found = found_in((ASKED, here), (AGAIN, there))
    assert found["id"].to_list() == rows["id"].to_list()
    assert found["peer"].to_list() == rows["id"].to_list()[::-1]
    assert found["cluster"].n_unique() == 1
    assert kind in found["note"][0]
    assert found.schema == SCHEMA


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (ASKED, "36"),  # the same prompt: labels.conflict's
        (AGAIN, "35 eggs"),
        (AGAIN.replace("7", "8"), "40"),
        (AGAIN.replace("lay", "do not lay"), "36"),
        (AGAIN.replace("hens", "ducks"), "36"),
        (
            AGAIN,
            "The hens lay thirty-five eggs in a week, which is five a day, so one may sell them at the mill on Sunday.",
        ),
    ],
)
def test_another_question_or_an_answer_that_agrees_is_left_alone(asked, told):
    assert found_in((ASKED, "35"), (asked, told))[1].is_empty()


def test_what_an_answer_decides():
    assert verdict("The final answer is 1,200.50").value == "1200.5"
    assert verdict("是的，可以。").value == "yes"
    assert verdict("A nice day it was, by the sea.") is None
    assert verdict("{broken") is None


def test_every_row_of_a_group_that_disagrees_with_another_is_found_in_any_order():
    pairs = [
        (ASKED, "35"),
        (AGAIN, "36"),
        (AGAIN + " Thanks!", "35"),
        ("What is the mill of Ostermill built of?", "wood"),
    ]
    rows, found = found_in(*pairs)
    assert found["id"].to_list() == rows["id"][:3].to_list()
    _, other = found_in(*pairs[::-1])
    assert sorted(other["id"]) == sorted(found["id"])


def test_no_row_one_row_and_every_script():
    assert found_in()[1].schema == SCHEMA
    assert found_in((ASKED, "35"))[1].is_empty()
    _, found = found_in(
        ("描述泰姬陵有几座宣礼塔以及它们的高度。", "4"), ("请描述泰姬陵有几座宣礼塔以及它们的高度", "5")
    )
    assert len(found) == 2


def test_real_near_prompts_with_answers_that_agree_are_left_alone(shared):
    """533 pairs of prompts are near here, and their answers differ in words only."""
    path = shared / "toolformer_neardup" / "Toolformer" / "toolformer-dedupe-only-dataset.json"
    source = json.loads(path.read_text(encoding="utf-8"))
    rows = rows_of(*((f"{one['instruction']}\n{one['input']}", one["response"]) for one in source))
    assert find_output_conflict(rows, exchanges(text.turns(rows))).is_empty()
