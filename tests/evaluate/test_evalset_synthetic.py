"""Eval sets of sets with synthetic rows: none of them is chosen, and no child of a chosen row is left in train."""

import polars as pl
import pytest
from vetset.curate import check
from vetset.curate.dataset import Dataset, frame
from vetset.curate.distill.handoff import bring_in
from vetset.curate.distill.lineage import ancestors, is_synthetic, synthetic
from vetset.curate.errors import DataError
from vetset.curate.leakage.closeness import spoilt, too_close
from vetset.evaluate.evalsets.building import build
from vetset.evaluate.evalsets.candidates import pool_of, standing
from vetset.tests.curate.children_made import child, children
from vetset.tests.evaluate.sets_made import made_set


@pytest.fixture
def tickets(tmp_path):
    """A set of 400 real rows and 200 synthetic ones, of two parents each; the texts have nothing in common."""
    dataset = made_set(tmp_path, groups=False)
    ids = dataset.rows["id"]
    rows = [
        child(f"zebra{n} quokka{n * 7} walrus{n * 13} heron{n * 3}", ids[n], ids[n + 200], label="card")
        for n in range(200)
    ]
    bring_in(dataset, children(*rows))
    return Dataset.open(dataset.folder)


def test_no_synthetic_row_is_chosen_and_no_child_of_a_chosen_one_trains(tickets, tmp_path):
    built = build(tickets, tmp_path / "t.evalset", rows=60)
    assert not is_synthetic(built.evalset.rows).any()
    assert any("200 synthetic rows can't be chosen" in note for note in built.notes)
    chosen = set(built.evalset.rows["id"])
    now = Dataset.open(tickets.folder)
    left = standing(now).filter(pl.col("split") == "train")
    trained = ancestors(synthetic(left))
    assert left.filter(is_synthetic(left)).height > 50
    assert not chosen & set(trained["ancestor"])
    assert built.aside.counts["leakage.parent"] > 30
    assert not check(now, select=["leakage.parent"]).standing.height


def test_a_set_of_synthetic_rows_alone_gives_no_eval_row(tmp_path):
    dataset = made_set(tmp_path, rows=30)
    only = children(*(child(f"made {n}") for n in range(30)))
    with pytest.raises(DataError, match="30 are synthetic"):
        pool_of(dataset, only)


def test_a_child_is_too_close_to_its_parent_and_a_grandchild_too():
    chosen = frame([{"messages": "why was my card swallowed by the machine"}, {"messages": "asked"}])
    first = frame([child("zebra quokka", chosen["id"][0]), child("walrus heron", "f" * 20 + "-0")])
    second = frame([child("bison lemur", first["id"][0], chosen["id"][1])])
    pool = pl.concat([first, second])
    found = too_close(pool, chosen)
    assert found.select("id", "rule").rows() == [
        (first["id"][0], "leakage.parent"), (second["id"][0], "leakage.parent"),
    ]  # fmt: skip
    assert found["peer"][0] == chosen["id"][0]
    assert set(spoilt(chosen, pool)["id"]) == set(chosen["id"])
    assert spoilt(chosen, first.tail(1)).is_empty()
