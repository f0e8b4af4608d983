"""Synthetic rows as reviewers work on them: their order, filter, parents, spend, teachers; their runs and diversity."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetset.curate.dataset import frame
from vetset.curate.distill.diversity import diversity
from vetset.curate.distill.lineage import Teacher
from vetset.curate.embed.tfidf import tfidf_vectors
from vetset.curate.errors import DataError, UsageError
from vetset.curate.review.diversity_told import MEASURES, measures, told
from vetset.curate.review.synthetic import (
    MADE,
    SPENT,
    Asked,
    beside,
    cell_values,
    doubt,
    made_rows,
    queue,
    spent,
    teachers,
    values,
)
from vetset.curate.review.synthetic_runs import cells_of, find_runs, measure
from vetset.curate.review.view import open_view
from vetset.tests.curate.synthetic_made import judged, made_row, mixed, real_rows


@pytest.fixture
def view_of(make_set, tmp_path):
    """Return the view of a set of these rows."""
    return lambda rows: open_view(make_set(tmp_path / "s.vet", rows))


@pytest.fixture
def view(view_of):
    return view_of(mixed())


def test_rows_under_review_come_first_and_the_most_doubtful_of_them_first(view):
    made = made_rows(view)
    assert made.schema == MADE
    assert made.height == 12
    assert made["fate"].to_list() == ["review"] * 4 + ["accepted"] * 8
    assert made["doubt"].round(6).to_list() == [1.0, 0.88, 0.76, 0.64] + [0.0] * 8
    assert made["position"].to_list()[4:] == sorted(made["position"].to_list()[4:])
    assert view.rows["id"].gather(made["position"]).to_list() == made["id"].to_list()


def test_disagreement_is_told_of_votes_and_of_gates_that_differ():
    def of(*verdicts, votes=None):
        return doubt(json.dumps([{"gate": gate, "verdict": "pass", "score": score} for gate, score in verdicts]), votes)

    assert of() is None
    assert of(("duplicates.near", 0.5), ("labels.suspect", 0.5)) is None  # a likeness is no vote
    assert of(("distill.judge", 1.0)) == 0
    assert of(("distill.judge", 0.75)) == 0.5
    assert of(("distill.judge", 1.0), ("distill.label", 0.0)) == 1
    assert of(("distill.judge", 7.5)) is None  # a grade of another scale
    assert of(votes=["a", "a", "a", "b"]) == 0.5
    assert of(votes={"a": 1, "b": 1, "c": 1}) == 1
    for broken in ("x", {"a": "many"}, {"a": -1}, {"a": float("inf")}, [], {}, 3, [{}, {}]):
        assert of(votes=broken) in (None, 0)


def test_votes_for_labels_are_read_from_the_row(view_of):
    rows = frame([made_row(0, [], verdicts=(), made_extra={"votes": {"card": 3, "loan": 1}})])
    assert made_rows(view_of(rows))["doubt"].to_list() == [0.5]


def test_every_part_of_a_filter_has_to_hold(view):
    made = made_rows(view)
    assert queue(made, Asked()).tolist() == made["position"].to_list()
    assert queue(made, Asked(fate=("review",))).tolist() == made["position"].to_list()[:4]
    assert queue(made, Asked(run=("second",))).size == 0
    cells = Asked(cell=(("label", "card"), ("label", "loan"), ("tone", "angry")))
    found = [json.loads(cell) for cell in made.filter(pl.col("position").is_in(queue(made, cells).tolist()))["cell"]]
    assert found
    assert all(cell["label"] in ("card", "loan") and cell["tone"] == "angry" for cell in found)
    assert cell_values(made)[0] == ("label", "card")
    assert values(made, "run") == ["first"]
    assert len(cell_values(made, most=2)) == 2


def test_a_row_has_its_parents_beside_it_and_those_that_are_gone(view_of):
    rows = real_rows(4)
    ids = rows["id"].to_list()
    view = view_of(rows.vstack(frame([made_row(0, [ids[2], "lost-0", ids[0]])])))
    found = beside(view, 4)
    assert found is not None
    assert (found.seeds, found.lost) == ([2, 0], ["lost-0"])
    assert beside(view, 0) is None


def test_spend_is_told_by_day_and_teacher(view):
    found = spent(made_rows(view))
    assert found.schema == SPENT
    assert found["made"].to_list() == ["2026-11-10", "2026-11-11"]
    assert found.select("rows", "prompt_tokens", "completion_tokens", "unpriced").rows() == [(6, 600, 120, 0)] * 2
    assert found["cost"].to_list() == pytest.approx([0.006, 0.006])


def test_what_is_not_told_of_a_row_is_no_zero_rows(view_of):
    rows = frame([made_row(0, [], cost=None, currency=None, tokens=None, made=None, run=None, kind=None, verdicts=())])
    made = made_rows(view_of(rows.with_columns(source=pl.lit("x"))))
    assert spent(made).rows() == [(None, "HuggingFaceTB/SmolLM2-1.7B-Instruct", None, 1, 0, 0, 0.0, 1)]
    assert made["doubt"].to_list() == [None]


def test_teachers_are_told_with_their_terms(view_of):
    rows = frame([made_row(0, []), made_row(1, []), made_row(2, [], teacher=Teacher("nobody-knows"))])
    found = teachers(view_of(rows))
    assert found["rows"].to_list() == [2, 1]
    assert found["training"].to_list() == ["allowed", "unknown"]


def test_a_set_without_synthetic_rows_has_none(view_of):
    view = view_of(real_rows(3))
    made = made_rows(view)
    assert made.schema == MADE
    assert made.is_empty()
    assert spent(made).is_empty()
    assert teachers(view).is_empty()
    assert cell_values(made) == values(made, "run") == []


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda of: st.lists(of) | st.dictionaries(st.text(max_size=5), of),
        max_leaves=6,
    )
)
def test_no_votes_break_the_order(votes):
    found = doubt("[]", votes)
    assert found is None or 0 <= found <= 1


def report(**more):
    cell = {"cell": {"label": "card"}, "wanted": 4, "drafts": 6, "accepted": 3, "rejected": 1, "review": 1, "failed": 1}
    return {"planned": 6, "cells": [cell], **more}


def written(folder, told, spend=None):
    folder.mkdir(parents=True)
    (folder / "drafts.parquet").touch()
    (folder / "report.json").write_text(told if isinstance(told, str) else json.dumps(told))
    if spend is not None:
        (folder / "spend.json").write_text(json.dumps(spend))


def test_runs_are_found_by_their_name_and_damaged_ones_are_none(tmp_path):
    written(tmp_path / "first.distill", report(), {"calls": 7})
    written(tmp_path / "broken.distill", "{")
    written(tmp_path / "list.distill", "[]")
    written(tmp_path / "deep.distill", "[" * 100_000)
    (tmp_path / "empty.distill").mkdir()
    written(tmp_path / "named", report())
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "report.json").write_text(json.dumps(report()))
    found = find_runs([tmp_path, tmp_path / "nowhere"])
    assert set(found) == {"first", "named"}
    assert found["first"].paid == {"calls": 7}
    assert found["first"].cells.rows() == [("card", 4, 3, 1, 1, 1, 1)]
    written(tmp_path / "odd.distill", {"cells": "x"})
    with pytest.raises(DataError, match="tells of no cells"):
        _ = find_runs([tmp_path])["odd"].cells


def test_without_its_folder_a_run_has_the_cells_that_stand_in_the_set(view):
    cells = cells_of(made_rows(view))
    assert cells["wanted"].null_count() == cells.height == 12
    assert cells.select("accepted", "review").sum().row(0) == (8, 4)


def test_synthetic_rows_are_measured_beside_the_real_rows_of_their_labels(view_of):
    view = view_of(mixed(real=80, made=40))
    made = made_rows(view)
    every = queue(made, Asked())
    found = measure(view, every, every)
    assert found.real is not None
    assert (found.made.rows, found.real.rows) == (40, 80)
    one = measure(view, queue(made, Asked(cell=(("label", "card"),))), every)
    assert one.real is not None
    assert (one.made.rows, one.real.rows) == (10, 20)
    with pytest.raises(UsageError, match="no made row"):
        measure(view, np.zeros(0, np.int64), every)


def test_a_summary_comes_back_from_a_file_as_lines_to_show():
    found = diversity(
        [f"text {n} of some" for n in range(70)], [f"other {n} said {n % 7}" for n in range(80)], encoder=tfidf_vectors
    )
    back = told(json.loads(json.dumps(found.summary())))
    assert back.sentences == found.sentences
    shown = measures(back)
    assert shown.schema == MEASURES
    assert shown.height == 11
    alone = measures(told(json.loads(json.dumps(diversity(["one"], encoder=tfidf_vectors).summary()))))
    assert set(alone["real"]) == {""}
    for broken in (None, {}, {"made": 3}, {**found.summary(), "gaps": [1]}):
        with pytest.raises(DataError, match="diversity is damaged"):
            told(broken)


def test_judges_of_another_gate_count_as_well():
    verdicts = json.dumps(
        [
            {"gate": one.gate, "verdict": one.verdict, "score": one.score}
            for one in (judged(0.9), judged(0.2, gate="distill.label"))
        ]
    )
    assert doubt(verdicts) == pytest.approx(0.7)
