"""outputs.truncated: answers that end in the middle, by the set's own habit."""

import json

import pytest
from vetset.curate import text
from vetset.curate.dataset import frame
from vetset.curate.findings import SCHEMA
from vetset.curate.outputs.truncated import find_truncated

PROSE = "The parcel left on Monday, number {}. It was sent with the evening van and should have arrived by now at the depot{}"


def rows_of(answers):
    return frame(
        [
            {"messages": [{"role": "user", "content": f"q{i}"}, {"role": "assistant", "content": one}]}
            for i, one in enumerate(answers)
        ]
    )


def found_in(*answers, ended=60):
    rows = rows_of([*answers, *(PROSE.format(i, ".") for i in range(ended))])
    found = find_truncated(rows, text.turns(rows))
    return [rows["id"].to_list().index(one) for one in found["id"]], found


CUT = {
    "Here is the code:\n```python\nfor i in range(3):\n    pri": "fence",
    '{"name": "Ann", "items": [{"id": 1}, {"id": 2': "JSON",
    PROSE.format("x", " and then it was loaded onto the"): "ends with",
    PROSE.format("x", " in Ostermill where nobody looked for"): "ends with",
    PROSE.format("x", " where Ann waited"): "no end",
    "包裹在星期一寄出。" + "它和晚班货车一起出发，现在应该已经到达仓库，" * 6: "ends with",
}
WHOLE = (
    PROSE.format("x", ' "as they say"'),
    PROSE.format("x", " 🙂"),
    PROSE.format("x", ":\n\n```\ncode\n```"),
    PROSE.format("x", ". #parcel"),
    "Steps:\n- take the parcel to the van that stands behind the house in the evening, and wait for it there",
    "Dear Ann,\n\nThanks.\n\nBest regards,\nBen",
    '{"name": "Ann {", "items": [1, 2]}',
    "yes",
    "One sentence that goes on and on without any sign at its end although it is rather long for a title of that kind",
    "print(x)\n```\nand that prints all the things that you have asked for in the code that stands above.",
    "包裹在星期一寄出。" + "它和晚班货车一起出发，现在应该已经到达仓库。" * 6,
    "",
)


@pytest.mark.parametrize(("answer", "why"), CUT.items())
def test_an_answer_that_breaks_off_is_found(answer, why):
    places, found = found_in(answer)
    assert places == [0]
    assert why in found["note"][0]
    assert found.schema == SCHEMA


@pytest.mark.parametrize("answer", WHOLE)
def test_an_answer_that_ends_is_left_alone(answer):
    assert found_in(answer)[0] == []


def test_a_set_that_ends_without_signs_has_no_habit_to_miss():
    places, _ = found_in(*(PROSE.format(f"{i}x", "") for i in range(20)))
    assert places == []


def test_too_few_rows_have_no_habit():
    assert found_in(PROSE.format("x", " where Ann waited"), ended=20)[0] == []


def test_many_answers_of_one_length_that_break_off_were_cut_there():
    long = [(f"{i} " + "alpha beta gamma delta, " * 60)[:1000] + "." * (i < 0) for i in range(12)]
    other = [("w" * (600 + 7 * i)) + "." for i in range(60)]
    rows = rows_of([*(one[:999] + "x" for one in long), *other])
    found = find_truncated(rows, text.turns(rows))
    assert set(rows["id"][:12]) == set(found["id"])
    assert "1000 characters, as have many" in found["note"][0]


def test_no_row_and_one_row_and_every_order():
    for rows in (rows_of([]), rows_of(["abc"])):
        assert find_truncated(rows, text.turns(rows)).schema == SCHEMA
    rows = rows_of([*CUT, *(PROSE.format(i, ".") for i in range(300))])
    back = rows.reverse()
    one, other = find_truncated(rows, text.turns(rows)), find_truncated(back, text.turns(back))
    assert one.sort("id").equals(other.sort("id"))
    assert len(one) == len(CUT)


@pytest.mark.parametrize(("name", "most"), [("alpaca_en", 8), ("alpaca_zh", 1)])
def test_real_sets_have_a_few(shared, name, most):
    source = json.loads((shared / "llm_formats" / f"{name}_demo.json").read_text(encoding="utf-8"))
    rows = rows_of([one["output"] for one in source])
    assert 0 < len(find_truncated(rows, text.turns(rows))) <= most
