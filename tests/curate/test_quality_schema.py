"""quality.schema: most targets are JSON of one shape; which are not, and in what."""

import json

import pytest
from vetset.curate import findings, text
from vetset.curate.dataset import frame
from vetset.curate.quality.outputs_schema import find_schema


def found_in(targets, **rest):
    rows = frame(
        [
            {"messages": [{"role": "user", "content": f"q{n}"}, {"role": "assistant", "content": one}], **rest}
            for n, one in enumerate(targets)
        ]
    )
    return rows, find_schema(rows, text.turns(rows))


USUAL = [json.dumps({"name": f"n{n}", "age": n, "tags": []}) for n in range(40)]

ODD = {
    "Sure! The name is Ann.": "The target is not JSON, while most of this source are a JSON object.",
    '{"name": "Ann", "age": 3,': (
        "The target starts as JSON but does not parse, while most of this source are a JSON object."
    ),
    "[1, 2]": "The target is a JSON list, while most of this source are a JSON object.",
    '{"name": "Ann", "tags": []}': "The target's JSON differs: key 'age' is missing.",
    '{"name": "Ann", "age": "3", "tags": []}': (
        "The target's JSON differs: key 'age' is a string where 98% have a number."
    ),
    '{"name": "A", "age": 3, "tags": [], "城市": "x"}': "The target's JSON differs: key '城市' is one that most lack.",
}


@pytest.mark.parametrize(("odd", "note"), ODD.items())
def test_the_target_of_another_shape_is_found(odd, note):
    rows, found = found_in([*USUAL, odd])
    assert found.schema == findings.SCHEMA
    assert found["id"].to_list() == [rows["id"][-1]]
    assert found["note"].to_list() == [note]


@pytest.mark.parametrize(
    "same",
    [
        '{"tags": ["x"], "age": 1.5, "name": "مرحبا"}',
        '{"name": null, "age": 3, "tags": []}',
        '```json\n{"name": "a", "age": 3, "tags": []}\n```',
        '  ```\n{"name": "a", "age": 3, "tags": []}```\n',
    ],
)
def test_order_null_and_fences_do_not_change_a_shape(same):
    assert found_in([*USUAL, same])[1].is_empty()


def test_sets_without_one_shape_are_left_alone():
    assert found_in(["prose"] * 50)[1].is_empty()
    assert found_in([*USUAL[:20], *["prose"] * 20])[1].is_empty()
    assert found_in([json.dumps({f"k{n}": n}) for n in range(40)])[1].is_empty()
    assert found_in([*USUAL[:15], "prose"])[1].is_empty()
    assert found_in(["{curly} prose"] * 40)[1].is_empty()


def test_each_source_has_its_own_shape():
    other = [json.dumps({"id": n}) for n in range(30)]
    records = [("a", one) for one in USUAL] + [("b", one) for one in other] + [("a", other[0]), ("c", "prose")]
    rows = frame(
        [
            {"messages": [{"role": "user", "content": f"{n}"}, {"role": "assistant", "content": one}], "source": source}
            for n, (source, one) in enumerate(records)
        ]
    )
    found = find_schema(rows, text.turns(rows))
    assert found["id"].to_list() == [rows["id"][70]]


def test_classification_rows_and_calls_are_no_targets():
    rows = frame([{"messages": '{"a": 1}', "label": "x"}] * 40)
    assert find_schema(rows, text.turns(rows)).is_empty()
    call = {"role": "assistant", "tool_calls": '[{"function": {"name": "f"}}]'}
    chats = [{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": one}]} for one in USUAL]
    rows = frame([*chats, {"messages": [{"role": "user", "content": "q"}, call]}])
    assert find_schema(rows, text.turns(rows)).is_empty()


def test_no_rows_one_row_and_hostile_json():
    assert found_in([])[1].is_empty()
    assert found_in(['{"a": 1}'])[1].is_empty()
    deep = '{"name": ' * 100_000
    rows, found = found_in([*USUAL, deep, '{"name": NaN}', '{"\\ud800": 1}'])
    assert found["id"].to_list() == rows["id"].to_list()[-3:]
    assert found.equals(find_schema(rows, text.turns(rows)))
    assert found["note"].str.len_chars().max() < 200
