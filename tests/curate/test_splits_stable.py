"""Splits that stay: few rows change sides when rows are added, and few units move to make all even."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate.dataset import frame
from vetset.curate.splits.assignment import split_rows
from vetset.curate.splits.balance import place
from vetset.curate.splits.position import positions


def tickets(count, *, size):
    labels = np.random.default_rng(1).integers(0, 7, count)
    return frame([{"messages": f"t {i}", "group": f"g{i // size}", "label": str(labels[i])} for i in range(count)])


def kept(rows, part, **options):
    """Return the share of the rows of ``part`` that have the same split in all of ``rows``."""
    whole = split_rows(rows, **options).assignment.filter(part)
    return (split_rows(rows.filter(part), **options).assignment == whole).mean()


@pytest.mark.parametrize("size", [1, 2, 8])
@pytest.mark.parametrize(("added", "least"), [(0.01, 0.95), (0.1, 0.93)])
def test_few_rows_change_sides_when_rows_are_added(size, added, least):
    rows = tickets(6000, size=size)
    part = pl.Series(np.random.default_rng(0).random(rows.height) > added)
    assert kept(rows, part, by=("group",)) > least


def test_a_new_row_of_a_group_goes_where_the_group_is():
    rows = tickets(3000, size=3)
    result = split_rows(rows[:2999], by=("group",))
    assert split_rows(rows, by=("group",)).assignment[2999] == result.assignment[2998]


def test_positions_depend_on_names_and_seed_alone():
    units = np.array([0, 1, 1, 2])
    group, content = pl.Series("group", ["a", "b", "c", None]), pl.Series("content", ["4", "3", "2", "1"])
    given_ = positions(units, [group, content], seed=0)
    assert ((given_ >= 0) & (given_ < 1)).all()
    # A new row with a greater group key, and one more unit before all others, change nothing for the rest.
    more = positions(np.array([0, 1, 2, 2, 2, 3]), [group[[3, 0, 1, 2, 2, 3]], content[[0, 0, 1, 2, 2, 3]]], seed=0)
    assert more[1:].tolist() == given_.tolist()
    assert (positions(units, [group, content], seed=1) != given_).all()


def test_units_of_one_name_fall_apart():
    same = positions(np.arange(2000), [pl.Series("content", ["hi"] * 2000)], seed=0)
    assert len(np.unique(same)) == 2000
    assert np.histogram(same, 10, (0, 1))[0].min() > 150


def test_what_is_even_already_does_not_move():
    random = np.random.default_rng(0)
    units = np.repeat(np.arange(3000), 3)
    fall, targets = random.random(3000), np.array([0.8, 0.1, 0.1]) * 9000
    split = place(units, np.zeros(9000, dtype=np.int64), targets, positions=fall)
    start = np.searchsorted([0.8, 0.9], fall, side="right")
    off = np.abs(np.bincount(start, minlength=3) - targets / 3).sum() / 2
    assert (split != start).sum() <= off + 3
    assert np.abs(np.bincount(split) * 3 - targets).max() <= 3


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), min_size=3, max_size=80),
    st.integers(0, 9),
    st.booleans(),
)
def test_every_unit_gets_a_split_and_no_split_stays_empty(rows, seed, afresh):
    units = np.unique([unit for unit, _ in rows], return_inverse=True)[1]
    labels = np.array([label for _, label in rows])
    targets = np.array([0.5, 0.25, 0.25]) * len(rows)
    fall = np.random.default_rng(seed).random(units.max() + 1)
    split = place(units, labels, targets, positions=fall, afresh=afresh)
    assert len(split) == units.max() + 1
    assert set(split.tolist()) <= {0, 1, 2}
    assert len(set(split.tolist())) == min(3, units.max() + 1) or len(split) < 3


def test_units_are_swapped_where_no_single_move_helps():
    # Each unit has 3 rows, two of one label; a move of any one spoils the sizes.
    units, labels = np.repeat(np.arange(300), 3), np.arange(900) % 2
    targets = np.array([0.8, 0.1, 0.1]) * 900
    for seed in range(10):
        split = place(units, labels, targets, positions=np.random.default_rng(seed).random(300))[units]
        assert np.bincount(split).tolist() == [720, 90, 90]
        assert np.abs(np.bincount(split, weights=labels) - targets / 2).max() <= 0.5
