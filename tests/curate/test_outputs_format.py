"""outputs.format: a form that is rare in the set and the rule in its part; and the rate of refusals by source."""

from datetime import UTC, datetime, timedelta

import pytest
from vetset.curate import text
from vetset.curate.dataset import frame
from vetset.curate.findings import SCHEMA
from vetset.curate.outputs.drift import find_format
from vetset.curate.outputs.refusals import refusal_figures
from vetset.curate.quality.leftovers import find_template

PLAIN = "The parcel {} is on its way and will arrive on Monday."
FORMS = {
    "<think>parcels</think>The parcel {} is on its way.": "thinks in tags",
    "The parcel {} is on its way.\n#### 12": "ends with '####'",
    "Final answer: parcel {} is on its way.": "says 'Final answer:'",
    "# Parcel {}\n\nIt is on its way.": "has Markdown headings",
    "- parcel {}\n- on its way\n- Monday": "has bullets",
    '{{"parcel": {}}}': "is JSON",
    "Sure! Parcel {} is on its way.": "opens with 'Sure' or 'Certainly'",
    "It costs $\\frac{{1}}{{2}}$ for parcel {}.": "has LaTeX",
}


def rows_of(answers):
    """Rows of (answer, fields) pairs."""
    return frame(
        [
            {
                "messages": [{"role": "user", "content": f"Where is {i}?"}, {"role": "assistant", "content": told}],
                **fields,
            }
            for i, (told, fields) in enumerate(answers)
        ]
    )


def found_in(rows):
    return find_format(rows, text.turns(rows))


@pytest.mark.parametrize(("form", "name"), FORMS.items())
@pytest.mark.parametrize("part", ["source", "annotator", "origin"])
def test_a_form_of_one_part_only_is_found_there(form, name, part):
    rows = rows_of(
        [(PLAIN.format(i), {part: "ab"[i % 2]}) for i in range(80)] + [(form.format(i), {part: "c"}) for i in range(30)]
    )
    found = found_in(rows)
    assert set(found["id"]) == set(rows["id"][80:])
    assert found["note"][0] == f"The answer {name}: 100% of {part} 'c' do so, 0.0% of the rest."
    assert found.schema == SCHEMA


def test_a_part_that_lacks_what_most_do_is_found():
    rows = rows_of(
        [(f"Final answer: parcel {i}.", {"source": "a"}) for i in range(80)]
        + [(PLAIN.format(i), {"source": "b"}) for i in range(30)]
    )
    assert "does not do what most do" in found_in(rows)["note"][0]
    assert set(found_in(rows)["id"]) == set(rows["id"][80:])


def test_a_form_that_came_with_a_date_is_found():
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rows = rows_of(
        [(("Sure! " if i >= 75 else "") + PLAIN.format(i), {"time": start + timedelta(days=i)}) for i in range(100)]
    )
    found = found_in(rows)
    assert set(found["id"]) == set(rows["id"][75:])
    assert "since 2026-03-" in found["note"][0]


def test_forms_that_all_parts_have_alike_or_that_inputs_have_are_left_alone():
    mixed = [
        ((PLAIN if i % 3 else "# Parcel {}\n\nOn its way.").format(i), {"source": "ab"[i % 2]}) for i in range(120)
    ]
    assert found_in(rows_of(mixed)).is_empty()
    asked = [
        {
            "messages": [
                {"role": "user", "content": f"{mark} {i}"},
                {"role": "assistant", "content": f"{mark} {i} it is."},
            ],
            "source": of,
        }
        for i in range(60)
        for mark, of in (("\\frac{1}{2}", "c") if i < 25 else ("half", "a"),)
    ]
    assert found_in(frame(asked)).is_empty()


def test_small_parts_no_parts_no_row_and_one_row_say_nothing():
    small = [(PLAIN.format(i), {"source": "a"}) for i in range(80)] + [("# X\n\nY", {"source": "c"})] * 5
    assert found_in(rows_of(small)).is_empty()
    assert found_in(rows_of([(told, {}) for told, _ in small])).is_empty()
    for rows in (rows_of([]), rows_of(small[:1])):
        assert found_in(rows).schema == SCHEMA


def test_any_order_gives_the_same():
    rows = rows_of(
        [(PLAIN.format(i), {"source": "a"}) for i in range(80)]
        + [(f"# 包裹 {i}\n\n🙂", {"source": "c"}) for i in range(30)]
    )
    assert found_in(rows).sort("id").equals(found_in(rows.reverse()).sort("id"))
    assert len(found_in(rows)) == 30


def test_refusals_are_counted_by_source():
    no = "I'm sorry, but I can't help with that."
    rows = rows_of(
        [(no, {"source": "b"})] * 5
        + [(PLAIN.format(i), {"source": "b"}) for i in range(5)]
        + [(PLAIN.format(1), {"source": "a"})]
    )
    turns = text.turns(rows)
    told = refusal_figures(rows, turns, find_template(rows, turns))
    assert told == {"refusals": 5, "answers": 11, "by_source": {"b": {"refusals": 5, "answers": 10, "share": 0.5}}}
    assert refusal_figures(rows[5:], text.turns(rows[5:]), find_template(rows[5:], text.turns(rows[5:]))) == {}
