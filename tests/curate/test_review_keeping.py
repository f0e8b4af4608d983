"""Which rows of a cluster stay: by hand, and of many by one rule. Nothing may be lost that nobody decided on."""

from datetime import datetime

import polars as pl
import pytest
from vetset.curate import text
from vetset.curate.dataset import frame
from vetset.curate.decisions.applied import Decision, apply
from vetset.curate.duplicates.exact import find_exact
from vetset.curate.errors import UsageError
from vetset.curate.findings import SCHEMA, report
from vetset.curate.labels.conflict import find_conflict
from vetset.curate.review.cluster_list import list_clusters, state, to_do
from vetset.curate.review.desk import Desk
from vetset.curate.review.keeping import (
    KEEPS,
    PLAN,
    decisions,
    keep_all,
    keep_by,
    keep_one,
    marked_first,
    replaced,
    skip,
)


@pytest.fixture
def opened(tmp_path, make_set):
    """Open a set of rows with the findings of a rule; returns the desk, its look and the clusters."""

    def opened(rows, rule="duplicates.exact", more=()):
        made = frame(rows)
        find = {"duplicates.exact": find_exact, "labels.conflict": lambda of: find_conflict(of, text.keys(of))}[rule]
        others = [
            report(pl.DataFrame({"id": made["id"][at], "score": 1.0, "note": "A.", "suggest": "review"}), name)
            for at, name in more
        ]
        desk = Desk(make_set(tmp_path / "s.vet", made, pl.concat([pl.DataFrame(schema=SCHEMA), find(made), *others])))
        look = desk.look()
        return desk, look, list_clusters(look.view, rule)

    return opened


def acts(plan):
    return {row: action if value is None else value for row, action, value in plan.iter_rows()}


def write(desk, clusters, plan):
    look = desk.look()
    outcome = desk.decide(decisions(look.view, plan, rule=clusters.rule), reviewer="ann", seen=look.seq)
    assert not outcome.conflicts
    return desk.look()


def test_the_marked_row_stays_and_the_others_go(opened):
    desk, look, clusters = opened([{"messages": "a"}] * 3)
    assert acts(keep_one(look.view, look.heads, clusters, 0)) == {0: "keep", 1: "drop", 2: "drop"}
    assert acts(keep_one(look.view, look.heads, clusters, 2)) == {0: "drop", 1: "drop", 2: "keep"}
    look = write(desk, clusters, keep_one(look.view, look.heads, clusters, 2))
    assert to_do(state(clusters, look.view, look.heads)).size == 0
    assert apply(look.view.rows.drop("text"), look.heads.frame).rows["id"].to_list() == [look.view.rows["id"][2]]


def test_what_waits_on_the_row_that_stays_is_not_settled_by_the_way(opened):
    _, look, clusters = opened([{"messages": "a"}] * 2, more=[(0, "labels.suspect")])
    assert acts(keep_one(look.view, look.heads, clusters, 0)) == {1: "drop"}
    assert acts(keep_one(look.view, look.heads, clusters, 1)) == {0: "drop", 1: "keep"}  # found itself: it has to be


def test_a_decision_that_stands_is_not_written_again(opened):
    desk, look, clusters = opened([{"messages": "a"}] * 3)
    desk.decide([Decision(look.view.rows["id"][1], "drop")], reviewer="ann", seen=look.seq)
    look = desk.look()
    assert acts(keep_one(look.view, look.heads, clusters, 0)) == {0: "keep", 2: "drop"}
    assert acts(keep_one(look.view, look.heads, clusters, 1)) == {0: "drop", 1: "keep", 2: "drop"}


def test_a_plan_names_whose_decisions_it_replaces(opened):
    desk, look, clusters = opened([{"messages": "a"}] * 4)
    ids = look.view.rows["id"]
    for who, row, action in (("ann", 0, "keep"), ("بن", 1, "keep"), ("بن", 2, "drop"), ("cid", 3, "skip")):
        desk.decide([Decision(ids[row], action)], reviewer=who, seen=desk.look().seq)
    look = desk.look()
    assert replaced(look.view, look.heads, keep_one(look.view, look.heads, clusters, 0)) == {"بن": 1}
    assert replaced(look.view, look.heads, keep_one(look.view, look.heads, clusters, 2)) == {"ann": 1, "بن": 2}
    assert replaced(look.view, look.heads, keep_all(look.heads, clusters, 0)) == {}
    assert replaced(look.view, look.heads, pl.DataFrame(schema=PLAN)) == {}


def test_a_row_that_was_dropped_is_not_proposed(opened):
    desk, look, clusters = opened([{"messages": "a"}] * 3)
    assert marked_first(look.view, look.heads, clusters, 0) == 0
    desk.decide([Decision(look.view.rows["id"][0], "drop")], reviewer="ann", seen=look.seq)
    assert marked_first(look.view, desk.look().heads, clusters, 0) == 1


def test_one_in_each_split_stays(opened):
    rows = [{"messages": "a", "split": split} for split in ("train", "train", "test", "test", "dev")]
    _, look, clusters = opened(rows)
    plan = keep_one(look.view, look.heads, clusters, 1, each_split=True)
    assert acts(plan) == {0: "drop", 1: "keep", 2: "keep", 3: "drop", 4: "keep"}
    plan = keep_by(look.view, look.heads, clusters, to_do(state(clusters, look.view, look.heads)), each_split=True)
    assert [row for row, action in acts(plan).items() if action == "drop"] == [1, 3]


def test_a_leak_is_not_settled_because_each_split_keeps_a_row(opened):
    rows = [{"messages": "a", "split": split} for split in ("train", "test", "test")]
    _, look, clusters = opened(rows, more=[(1, "leakage.exact")])
    assert acts(keep_one(look.view, look.heads, clusters, 0, each_split=True)) == {0: "keep", 2: "drop"}
    assert acts(keep_one(look.view, look.heads, clusters, 1)) == {0: "drop", 1: "keep", 2: "drop"}


def test_all_may_stay_and_a_cluster_may_wait(opened):
    desk, look, clusters = opened([{"messages": "a"}] * 3)
    assert acts(keep_all(look.heads, clusters, 0)) == {1: "keep", 2: "keep"}
    assert acts(skip(look.heads, clusters, 0)) == {1: "skip"}
    look = write(desk, clusters, keep_all(look.heads, clusters, 0))
    assert keep_all(look.heads, clusters, 0).is_empty()
    assert skip(look.heads, clusters, 0).is_empty()


def test_in_a_conflict_all_rows_that_answer_as_the_marked_one_stay(opened):
    desk, look, clusters = opened([{"messages": "a", "label": one} for one in "xyxx"], "labels.conflict")
    assert marked_first(look.view, look.heads, clusters, 0) == 0  # of the commonest label
    plan = keep_one(look.view, look.heads, clusters, 0)
    assert acts(plan) == {0: "keep", 1: "drop"}
    assert acts(keep_one(look.view, look.heads, clusters, 1)) == {0: "drop", 1: "keep", 2: "drop", 3: "drop"}
    look = write(desk, clusters, plan)
    assert to_do(state(clusters, look.view, look.heads)).size == 0


def test_a_conflict_ends_when_all_are_given_one_label(opened):
    desk, look, clusters = opened([{"messages": "a", "label": one} for one in "xyx"], "labels.conflict")
    plan = keep_one(look.view, look.heads, clusters, 1, relabel=True)
    assert acts(plan) == {0: "y", 1: "keep", 2: "y"}
    look = write(desk, clusters, plan)
    assert to_do(state(clusters, look.view, look.heads)).size == 0


def test_conflicting_replies_are_told_apart_without_labels(opened):
    rows = [
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": one}]}
        for one in ("x", "y", "x")
    ]
    _, look, clusters = opened(rows, "labels.conflict")
    assert acts(keep_one(look.view, look.heads, clusters, 0)) == {0: "keep", 1: "drop"}
    assert acts(keep_by(look.view, look.heads, clusters, to_do(state(clusters, look.view, look.heads)), keep="first")) == {
        0: "keep", 1: "drop",
    }  # fmt: skip


@pytest.mark.parametrize(("keep", "stays"), [("rule", 0), ("first", 0), ("longest", 1), ("newest", 2), ("majority", 3)])
def test_one_rule_says_what_stays_in_all_clusters(tmp_path, make_set, keep, stays):
    said = [
        ("A b", "x", 2020),
        ("A b and much more", "y", 2021),
        ("a b", "z", 2022),
        ("a b c", "w", 2019),
        ("a b", "w", 2018),
    ]
    made = frame([{"messages": one, "label": label, "time": datetime(year, 1, 1)} for one, label, year in said])
    first = pl.lit(made["id"][0])
    near = made[1:].select("id", cluster=first, peer=first, score=0.9, note=pl.lit("A."), suggest=pl.lit("review"))
    look = Desk(make_set(tmp_path / "s.vet", made, report(near, "duplicates.near"))).look()
    clusters = list_clusters(look.view, "duplicates.near")
    plan = keep_by(look.view, look.heads, clusters, to_do(state(clusters, look.view, look.heads)), keep=keep)
    assert {row for row, action in acts(plan).items() if action == "drop"} == set(range(5)) - {stays}


def test_an_eval_row_stays_before_one_of_train(opened):
    _, look, clusters = opened([{"messages": "a", "split": "train"}, {"messages": "a", "split": "test"}])
    plan = keep_by(look.view, look.heads, clusters, to_do(state(clusters, look.view, look.heads)), keep="longest")
    assert acts(plan)[0] == "drop"


def test_one_rule_for_all_stands_behind_what_people_decided(opened):
    desk, look, clusters = opened([{"messages": word} for word in "aaabbb"])
    ids = look.view.rows["id"].to_list()
    before = [Decision(ids[0], "drop"), Decision(ids[4], "keep")]
    desk.decide(before, reviewer="ann", seen=look.seq)
    look = desk.look()
    plan = keep_by(look.view, look.heads, clusters, to_do(state(clusters, look.view, look.heads)), keep="first")
    assert acts(plan) == {1: "keep", 2: "drop", 3: "drop", 5: "drop"}


@pytest.mark.parametrize("keep", KEEPS)
def test_by_any_rule_every_text_is_left_once_and_all_is_settled(opened, keep):
    rows = [{"messages": f"text {number % 7} {number % 3}", "label": "ab"[number % 2]} for number in range(60)]
    desk, look, clusters = opened(rows)
    todo = to_do(state(clusters, look.view, look.heads))
    plan = keep_by(look.view, look.heads, clusters, todo, keep=keep)
    assert plan.equals(keep_by(look.view, look.heads, clusters, todo, keep=keep))
    look = write(desk, clusters, plan)
    assert to_do(state(clusters, look.view, look.heads)).size == 0
    left = apply(look.view.rows.drop("text"), look.heads.frame).rows
    assert find_exact(left).is_empty()
    said = look.view.rows.select("text", "label").unique()
    assert left.height == said.height


def test_nothing_to_settle_is_an_empty_plan(opened):
    _, look, clusters = opened([])
    plan = keep_by(look.view, look.heads, clusters, to_do(state(clusters, look.view, look.heads)))
    assert plan.is_empty()
    assert plan.schema == PLAN
    assert decisions(look.view, plan, rule="duplicates.exact") == []


def test_an_unknown_rule_for_all_is_refused(opened):
    _, look, clusters = opened([{"messages": "a"}] * 2)
    with pytest.raises(UsageError):
        keep_by(look.view, look.heads, clusters, to_do(state(clusters, look.view, look.heads)), keep="biggest")
