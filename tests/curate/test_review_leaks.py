"""Leaks between splits: how many from where to where, what is dropped of a pair, and what splits are made of."""

from datetime import datetime, timedelta

import polars as pl
import pytest
from vetset.curate import text
from vetset.curate.dataset import frame
from vetset.curate.decisions.decision import Decision
from vetset.curate.findings import SCHEMA
from vetset.curate.leakage.exact import find_leak
from vetset.curate.leakage.grouped import find_group
from vetset.curate.leakage.near import find_near
from vetset.curate.review.desk import Desk
from vetset.curate.review.keeping import PLAN, decisions, replaced
from vetset.curate.review.leak_matrix import (
    CROSSING,
    MATRIX,
    NONE,
    OUTSIDE,
    crossing,
    drop_eval_side,
    drop_train_side,
    find_leaks,
    keep_both,
    matrix,
    sources,
    split_table,
    times,
    to_do,
)

CARD = "my card was charged twice for the same train ticket to Oslo last Monday morning"


def exact(rows, against=None):
    return find_leak(rows, text.keys(rows), against=against)


@pytest.fixture
def desk_of(tmp_path, make_set):
    """Open a set of rows with the findings of some rules."""

    def desk_of(rows, *rules):
        made = frame(rows) if isinstance(rows, list) else rows
        found = [pl.DataFrame(schema=SCHEMA), *(rule(made) for rule in rules)]
        return Desk(make_set(tmp_path / "s.vet", made, pl.concat(found)))

    return desk_of


def split_rows(*given):
    return [{"messages": said, "split": split} for said, split in given]


def acts(plan):
    return dict(plan.select("row", "action").iter_rows())


def test_a_cell_counts_the_eval_rows_that_are_like_rows_of_another_split(desk_of):
    rows = split_rows(("a", "train"), ("b", "train"), ("a", "test"), ("a", "dev"), ("b", "test"), ("c", "test"))
    desk = desk_of(rows, exact)
    look = desk.look()
    leaks = find_leaks(look.view)
    assert matrix(leaks, look.heads).rows() == [("test", "train", 2, 2), ("dev", "train", 1, 1)]
    assert leaks.cell("test", "train").select("row", "peer").rows() == [(2, 0), (4, 1)]
    plan = drop_eval_side(look.heads, leaks.cell("test", "train")[0])
    desk.decide(decisions(look.view, plan, rule="leakage.exact"), reviewer="ann", seen=desk.look().seq)
    assert matrix(leaks, desk.look().heads).rows() == [("test", "train", 2, 1), ("dev", "train", 1, 1)]
    assert to_do(leaks.cell("test", "train"), desk.look().heads).tolist() == [1]


def test_a_row_that_several_rules_found_is_one_pair_by_the_surest(desk_of):
    rows = split_rows((CARD, "train"), (CARD, "test"), (CARD + " please", "test"))
    look = desk_of(rows, find_near, exact).look()
    cell = find_leaks(look.view).cell("test", "train")
    assert cell.select("row", "rule").rows() == [(1, "leakage.exact"), (2, "leakage.near")]
    assert find_leaks(look.view, "leakage.near").cell("test", "train").height == 2


def test_dropping_from_train_takes_every_row_that_says_the_same(desk_of):
    rows = split_rows(("a", "train"), ("a", "train"), ("a", "dev"), ("a", "test"), ("b", "train"))
    desk = desk_of(rows, exact)
    look = desk.look()
    cell = find_leaks(look.view).cell("test", "train")
    assert acts(drop_train_side(look.view, look.heads, cell)) == {0: "drop", 1: "drop", 3: "keep"}
    assert acts(drop_eval_side(look.heads, cell)) == {3: "drop"}
    assert acts(keep_both(look.heads, cell)) == {3: "keep"}
    written = decisions(look.view, drop_train_side(look.view, look.heads, cell), rule="leakage.exact")
    desk.decide(written, reviewer="ann", seen=look.seq)
    now = desk.look()
    assert drop_train_side(look.view, now.heads, cell).filter(pl.col("action") == "drop").is_empty()
    assert to_do(cell, now.heads).size == 0


def test_an_eval_row_that_was_given_another_label_keeps_it_when_train_is_cleaned(desk_of):
    desk = desk_of(split_rows(("a", "train"), ("a", "test")), exact)
    look = desk.look()
    desk.decide([Decision(look.view.rows["id"][1], "relabel", "new")], reviewer="ann", seen=look.seq)
    look = desk.look()
    plan = drop_train_side(look.view, look.heads, find_leaks(look.view).cell("test", "train"))
    assert acts(plan) == {0: "drop"}
    desk.decide(decisions(look.view, plan, rule="leakage.exact"), reviewer="ben", seen=look.seq)
    assert desk.look().heads.counts()["relabel"] == 1


@pytest.mark.parametrize(("action", "value"), [("keep", None), ("relabel", "new")])
def test_rows_of_train_that_somebody_let_stand_stay_in_a_batch_and_their_leaks_stay_open(desk_of, action, value):
    rows = split_rows(("a", "train"), ("a", "train"), ("a", "test"), ("b", "train"), ("b", "test"))
    desk = desk_of([row | {"label": "x"} for row in rows], exact)
    look = desk.look()
    desk.decide([Decision(look.view.rows["id"][1], action, value)], reviewer="ann", seen=look.seq)
    look = desk.look()
    cell = find_leaks(look.view).cell("test", "train")
    assert acts(drop_train_side(look.view, look.heads, cell)) == {0: "drop", 3: "drop", 4: "keep"}
    every = drop_train_side(look.view, look.heads, cell, replace=True)
    assert acts(every) == {0: "drop", 1: "drop", 2: "keep", 3: "drop", 4: "keep"}
    assert replaced(look.view, look.heads, every) == {"ann": 1}


def test_a_row_that_leaks_to_an_eval_file_and_was_kept_stays_in_a_batch(desk_of):
    desk = desk_of(frame([{"messages": "a"}]), lambda made: exact(made, frame([{"messages": "a"}])))
    look = desk.look()
    desk.decide([Decision(look.view.rows["id"][0], "keep")], reviewer="ann", seen=look.seq)
    look, cell = desk.look(), find_leaks(look.view).cell(NONE, OUTSIDE)
    assert drop_train_side(look.view, look.heads, cell).is_empty()
    assert acts(drop_train_side(look.view, look.heads, cell, replace=True)) == {0: "drop"}


def test_of_many_pairs_all_are_dropped_at_once(desk_of):
    rows = split_rows(*[(f"text {number % 5}", "train" if number < 20 else "test") for number in range(30)])
    look = desk_of(rows, exact).look()
    cell = find_leaks(look.view).cell("test", "train")
    plan = acts(drop_train_side(look.view, look.heads, cell))
    assert {row for row, act in plan.items() if act == "drop"} == set(range(20))
    assert {row for row, act in plan.items() if act == "keep"} == set(range(20, 30))


def test_a_row_of_an_eval_file_has_no_place_here(desk_of):
    rows = frame([{"messages": "a"}, {"messages": "b"}])
    look = desk_of(rows, lambda made: exact(made, frame([{"messages": "a"}]))).look()
    leaks = find_leaks(look.view)
    assert matrix(leaks, look.heads).rows() == [(NONE, OUTSIDE, 1, 1)]
    cell = leaks.cell(NONE, OUTSIDE)
    assert acts(drop_train_side(look.view, look.heads, cell)) == {0: "drop"}
    assert drop_eval_side(look.heads, cell).is_empty()
    assert acts(keep_both(look.heads, cell)) == {0: "keep"}


@pytest.mark.parametrize("rows", [[], [{"messages": "a", "split": "train"}], split_rows(("a", "train"), ("b", "test"))])
def test_no_leaks_are_an_empty_matrix(desk_of, rows):
    look = desk_of(rows, exact).look()
    leaks = find_leaks(look.view)
    assert matrix(leaks, look.heads).schema == MATRIX
    assert matrix(leaks, look.heads).is_empty()
    plan = drop_train_side(look.view, look.heads, leaks.pairs)
    assert plan.is_empty()
    assert plan.schema == PLAN


def test_splits_are_told_with_their_rows_labels_and_groups(desk_of):
    rows = [
        {"messages": "a", "split": "train", "label": "x", "group": "g"},
        {"messages": "b", "split": "train", "label": "y", "group": "g"},
        {"messages": "c", "split": "漢", "label": "x", "group": None},
        {"messages": "d"},
    ]
    assert split_table(desk_of(rows).look().view).rows() == [
        ("train", 2, 0.5, 2, 1), (NONE, 1, 0.25, 0, 0), ("漢", 1, 0.25, 1, 0),
    ]  # fmt: skip


def test_groups_that_stand_in_train_and_elsewhere_cross(desk_of):
    rows = [
        {"messages": str(number), "split": split, "group": group}
        for number, (split, group) in enumerate(
            [("train", "a"), ("test", "a"), ("dev", "a"), ("train", "b"), ("test", "c"), ("dev", "c"), ("train", " "),
             ("test", " "), ("train", "بطاقة"), ("test", "بطاقة"), (None, "b")]
        )
    ]  # fmt: skip
    view = desk_of(rows).look().view
    assert crossing(view).rows() == [("a", "dev, test, train", 3, 2), ("بطاقة", "test, train", 2, 1)]
    found = find_group(view.rows.drop("text"))
    assert crossing(view)["eval_rows"].sum() == found.height


def test_nothing_crosses_in_a_set_without_groups(desk_of):
    assert crossing(desk_of(split_rows(("a", "train"), ("b", "test"))).look().view).schema == CROSSING
    assert crossing(desk_of([]).look().view).is_empty()


def test_times_are_told_where_there_are_some(desk_of):
    start = datetime(2024, 1, 1)
    rows = [
        {"messages": str(day), "split": "train" if day < 20 else "test", "time": start + timedelta(days=day)}
        for day in range(40)
    ]
    view = desk_of(rows).look().view
    assert [(name, one.later, one.train_after) for name, one in times(view).items()] == [("test in train", 1.0, 0)]
    assert times(desk_of(split_rows(("a", "train"), ("b", "test"))).look().view) == {}


def test_rare_sources_are_told_as_one(desk_of):
    rows = [
        {"messages": f"{number} {nth}", "split": "train", "source": f"s{number}"}
        for number in range(5)
        for nth in range(5 - number)
    ]
    mixed = sources(desk_of(rows).look().view, most=2)
    assert mixed.select("source", "rows").rows() == [("(others)", 6), ("s0", 5), ("s1", 4)]
    assert mixed["share"].sum() == pytest.approx(1)


@pytest.mark.slow
def test_the_leaks_of_bank_questions_are_those_that_are_known(bank, desk_of):
    split = ["train"] * 10_003 + ["test"] * 3_080
    rows = frame(
        [
            {"messages": said, "label": label, "split": of}
            for (said, label), of in zip(bank.iter_rows(), split, strict=True)
        ]
    )
    look = desk_of(rows, exact).look()
    leaks = find_leaks(look.view)
    assert matrix(leaks, look.heads).rows() == [("test", "train", 7, 7)]
    assert leaks.pairs.equals(find_leaks(look.view).pairs)


def test_of_a_group_that_crosses_every_row_goes_from_train_or_the_leak_stays_open(desk_of):
    given = [("one", "train", "u1"), ("two", "train", "u1"), ("three", "test", "u1"), ("four", "train", "u2")]
    rows = [{"messages": said, "split": split, "group": group} for said, split, group in given]
    desk = desk_of(rows, find_group)
    look = desk.look()
    cell = find_leaks(look.view).cell("test", "train")
    assert acts(drop_train_side(look.view, look.heads, cell)) == {0: "drop", 1: "drop", 2: "keep"}
    desk.decide([Decision(look.view.rows["id"][1], "keep")], reviewer="ann", seen=look.seq)
    heads = desk.look().heads
    assert acts(drop_train_side(look.view, heads, cell)) == {0: "drop"}
