"""A set on one page: progress, balance, and what to do next."""

import polars as pl
import pytest
from vetset.curate.checking import check
from vetset.curate.dataset import Dataset, frame
from vetset.curate.decisions.decision import Decision
from vetset.curate.decisions.policy import Policy
from vetset.curate.review.desk import Desk
from vetset.curate.review.summary import balance, progress, summarise

RULES = ["duplicates.exact", "labels.conflict", "licences"]


def summed(desk, day="2026-01-31", policy=None):
    return summarise(desk.look(), policy or Policy(), day=day)


@pytest.fixture
def desk(make_set, tmp_path):
    rows = frame(
        [
            *({"messages": f"question {n}", "label": f"label {n % 20:02}", "split": "train"} for n in range(100)),
            *({"messages": f"سؤال {n}", "label": "label 00", "split": "test"} for n in range(5)),
            {"messages": "no label"},
            *({"messages": "twice", "label": "label 01"} for _ in range(2)),
        ]
    )
    with Desk(make_set(tmp_path / "s.vet", rows)) as desk:
        yield desk


def test_balance_counts_every_row_once_and_the_rest_as_one(desk):
    found = balance(desk.look())
    assert found["rows"].sum() == 108
    assert found.filter(pl.col("label") == "label 00").sort("split")["rows"].to_list() == [5, 5]
    assert found["label"].n_unique() == 15 + 2  # the others, and the row without a label
    assert found.filter(pl.col("label") == "")["rows"].to_list() == [1]
    assert found.filter(pl.col("label").is_null())["rows"].sum() == 5 * 5
    assert found.equals(balance(desk.look()))


def test_answers_are_no_labels_to_balance(make_set, tmp_path):
    rows = frame([{"messages": f"q {n}", "label": f"the answer {n}", "split": "train"} for n in range(9)])
    with Desk(make_set(tmp_path / "a.vet", rows)) as desk:
        assert balance(desk.look()).rows() == [("", "train", 9)]


def test_progress_counts_rows_by_action_by_reviewer_and_today(desk):
    look = desk.look()
    ids = look.view.rows["id"]
    desk.decide([Decision(ids[0], "keep"), Decision(ids[1], "drop")], reviewer="ann", seen=look.seq)
    look = desk.look()
    desk.decide([Decision(ids[2], "skip")], reviewer="bob متى", seen=look.seq)
    frame_ = desk.look().heads.frame
    day = frame_["at"][0][:10]
    found = progress(desk.look(), day=day)
    assert (found.settled, found.today) == (2, 3)
    assert found.by_reviewer == {"ann": 2, "bob متى": 1}
    assert {action: rows for action, rows in found.by_action.items() if rows} == {"keep": 1, "drop": 1, "skip": 1}
    assert found.last["reviewer"].to_list()[0] == "bob متى"
    assert progress(desk.look(), day="1999-01-01").today == 0


def test_what_is_next_follows_what_was_done(desk):
    assert summed(desk).next.command == "check {}"
    check(Dataset.open(desk.folder), select=RULES)
    found = summed(desk)
    assert found.next.command == "decide {} --policy"
    assert found.worst is not None
    assert found.worst.rule == "licences.unknown"  # nothing else waits for a person
    look = desk.look()
    ids = look.view.rows["id"].to_list()
    desk.decide([Decision(row, "keep") for row in ids], reviewer="ann", seen=look.seq)
    found = summed(desk)
    assert found.worst is None
    assert found.next.command == "check {}"  # most rules did not run
    assert found.progress.settled == len(ids)


@pytest.mark.parametrize("rows", [[], [{"messages": "one"}]], ids=["no row", "one row"])
def test_the_smallest_sets_are_summed_up(make_set, tmp_path, rows):
    with Desk(make_set(tmp_path / "s.vet", frame(rows))) as desk:
        found = summed(desk)
        assert found.ships.rows == len(rows)
        assert found.rules == []
        assert found.worst is None
        assert found.balance["rows"].sum() == len(rows)
