"""How full the cells of a grid are."""

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetset.curate.distill.filling import FATES, HEAT, filled, filled_cells, heat
from vetset.curate.errors import DataError, UsageError


def drafts(*pairs):
    return pl.DataFrame(
        [{"cell": json.dumps(cell), "fate": fate} for cell, fate in pairs],
        schema={"cell": pl.String, "fate": pl.String},
    )


ANGRY, CALM = {"label": "refund", "tone": "angry"}, {"tone": "calm", "label": "refund"}
CARD = {"label": "card", "tone": "calm"}


def test_each_cell_has_its_fates_beside_what_is_wanted():
    found = filled(
        drafts((ANGRY, "accepted"), (ANGRY, "rejected"), (CALM, "accepted"), (CALM, "review"), (CALM, None)),
        {json.dumps(ANGRY): 3, json.dumps(CARD): 2, json.dumps(CALM): 1},
    )
    assert found.rows() == [
        ("card", "calm", 2, 0, 0, 0, 0, 2),
        ("refund", "angry", 3, 1, 1, 0, 0, 2),
        ("refund", "calm", 1, 1, 0, 1, 0, 0),
    ]
    assert found.columns == ["label", "tone", "wanted", *FATES, "missing"]


def test_keys_in_another_order_are_one_cell():
    turned = {"tone": "angry", "label": "refund"}
    found = filled(drafts((ANGRY, "accepted"), (turned, "accepted")), {json.dumps(turned): 2})
    assert found.select("wanted", "accepted", "missing").rows() == [(2, 2, 0)]


def test_without_a_plan_nothing_is_said_of_what_is_wanted():
    found = filled(drafts((ANGRY, "accepted")))
    assert found["wanted"].to_list() == [None]
    assert heat(found).rows() == [("refund", "angry", None, 1, 0, 0, 0, None)]


def test_the_two_axes_with_most_values_are_drawn_and_others_summed():
    cells = [
        {"label": f"l{a}", "tone": f"t{b}", "length": f"n{c}"} for a in range(3) for b in range(4) for c in range(2)
    ]
    found = heat(filled(drafts(*((cell, "accepted") for cell in cells)), {json.dumps(cell): 2 for cell in cells}))
    assert found.schema == HEAT
    assert (found["down"].n_unique(), found["across"].n_unique()) == (4, 3)
    assert set(found["share"]) == {0.5}
    assert found["wanted"].to_list() == [4] * 12
    chosen = heat(filled(drafts(*((cell, "accepted") for cell in cells))), "length", "tone")
    assert (chosen["down"].n_unique(), chosen["across"].n_unique()) == (2, 4)


def test_what_a_cell_has_too_many_of_fills_no_other():
    found = filled(
        drafts(*[(ANGRY, "accepted")] * 5), {json.dumps(ANGRY): 2, json.dumps({**ANGRY, "length": "long"}): 2}
    )
    whole = heat(found, "label", "tone")
    assert whole.select("wanted", "accepted", "share").rows() == [(4, 5, 0.5)]


def test_a_plan_without_axes_is_one_cell():
    found = filled(drafts(({}, "accepted"), ({}, "failed")), {"{}": 4})
    assert found.rows() == [(4, 1, 0, 0, 1, 3)]
    assert heat(found).rows() == [("", "", 4, 1, 0, 0, 1, 0.25)]


def test_one_axis_is_drawn_as_one_column_and_no_draft_as_none():
    assert heat(filled(drafts(({"label": "é"}, "accepted")))).rows()[0][:2] == ("é", "")
    assert filled(drafts()).is_empty()
    assert heat(filled(drafts())).schema == HEAT


def test_cells_that_are_none_and_axes_that_are_not_there_are_told():
    for text in ("{", "[]", '{"a": 1}', None):
        with pytest.raises(DataError, match="is no JSON"):
            filled(pl.DataFrame({"cell": [text], "fate": ["accepted"]}))
    with pytest.raises(UsageError, match="no axis 'size'; it has 'label', 'tone'"):
        heat(filled(drafts((ANGRY, "accepted"))), "size")
    with pytest.raises(DataError, match="called 'review'"):
        filled(drafts(({"review": "x"}, "accepted")))


@given(
    st.lists(
        st.tuples(st.dictionaries(st.sampled_from("ab"), st.sampled_from("xy")), st.sampled_from(FATES)), max_size=20
    )
)
def test_every_draft_stands_in_one_cell_once(pairs):
    found = filled(drafts(*pairs))
    assert found.select(FATES).sum_horizontal().sum() == len(pairs)
    assert heat(found).select(FATES).sum_horizontal().sum() == len(pairs)


def test_the_cells_of_a_report_are_told_in_the_same_way():
    counts = {"wanted": 3, "drafts": 2, "accepted": 1, "rejected": 1, "review": 0, "failed": 0}
    found = filled_cells([{"cell": ANGRY, **counts}])
    assert found.equals(filled(drafts((ANGRY, "accepted"), (ANGRY, "rejected")), {json.dumps(ANGRY): 3}))
    for wrong in ([None], [{"cell": "x"}], [{"cell": ANGRY, **counts, "wanted": "3"}], [{"cell": {"a": 1}, **counts}]):
        with pytest.raises(DataError, match=r"no cell|no count|no JSON object of strings"):
            filled_cells(wrong)
    assert filled_cells([]).is_empty()
