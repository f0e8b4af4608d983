"""Drift where units are unlike in size, and what counts as a difference that was there from the start."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate.dataset import frame
from vetset.evaluate.drifting import label_mix, lengths, permuting, pooling
from vetset.evaluate.drifting.measuring import measure_drift

USERS = ["card", "loan", "fees", "transfer"]


def said(users, each, draw, name):
    """Users who each ask about one thing, again and again, all drawn from one source."""
    rows = []
    for user in range(users):
        topic = str(draw.choice(USERS))
        length = int(draw.integers(1, 40))
        rows += [
            {"messages": "x" * length + f" {draw.integers(10**9)}", "label": topic, "group": f"{name}{user}"}
        ] * each
    return frame(rows)


def p_values(pool, seed):
    of = label_mix.classes(pool)
    looks = {"labels": label_mix.mix_statistic(of), "length": lengths.length_statistic(pool)}
    values = permuting.permuted(pool.unit_new, looks, permutations=99, rows=len(pool.texts), seed=seed)
    return [permuting.p_value(found[:, 0]) for found in values.values()]


@pytest.mark.parametrize(("new", "known"), [(12, 400), pytest.param(30, 1_000, marks=pytest.mark.slow)])
def test_users_with_many_rows_held_against_single_rows_set_off_no_more_alarms_than_alpha(new, known):
    """New users of 10 rows, known ones of one, no drift: at 5% over 8 alarms of 60 come about less than once in 100 such tests.

    With whole users changing places labels set off 29 and 24 of 60.
    """
    draw = np.random.default_rng(0)
    found = []
    for seed in range(60):
        pool = pooling.pooled(said(new, 10, draw, "n"), said(known, 1, draw, "k"), seed=seed)
        found.append(p_values(pool, seed))
    alarms = (np.array(found) <= 0.05).sum(axis=0)
    assert (alarms <= 8).all()


def test_units_are_cut_to_like_sizes_and_a_note_says_so():
    draw = np.random.default_rng(1)
    new, known = said(30, 10, draw, "n"), said(300, 1, draw, "k")
    pool = pooling.pooled(new, known)
    assert int(pool.new.sum()) == 30
    assert pool.left_out == (270, 0)
    drift = measure_drift(new, known, permutations=119)
    assert any("270 new and 0 known rows left out" in note for note in drift.notes)
    assert drift.rows == 300
    assert not any("without a text" in note for note in drift.notes)
    even = pooling.pooled(said(30, 10, draw, "n"), said(90, 10, draw, "k"))
    assert even.left_out == (0, 0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.lists(st.integers(1, 9), min_size=1, max_size=12))
def test_both_sides_keep_the_same_shares_of_sizes_and_every_unit(new, known):
    sizes, side = np.array(new + known), np.arange(len(new) + len(known)) < len(new)
    kept = pooling._alike(sizes, side, np.arange(sizes.size))
    assert ((kept >= 1) & (kept <= sizes)).all()
    if len(new) == len(known):
        assert sorted(kept[side]) == sorted(kept[~side])
    if sorted(new) == sorted(known):
        assert (kept == sizes).all()


def test_blocks_are_as_small_as_the_rows_of_all_units_need():
    flags = np.arange(20) < 10
    few = list(permuting.assignments(flags, 50, rows=1_000_000))
    assert max(len(block) for block in few) * 1_000_000 <= permuting._CELLS
    assert (np.concatenate(few) == np.concatenate(list(permuting.assignments(flags, 50)))).all()


def shares(count, share, seed):
    """Rows of which a share is of class a; texts say nothing."""
    order = np.random.default_rng(seed).permutation(count)
    return frame([{"messages": f"ticket {i % 20}", "label": "a" if i < share * count else "b"} for i in order])


@pytest.mark.parametrize(
    ("reference", "excused"),
    [
        (shares(400, 0.8, 2), True),  # like the new rows, unlike training: so it was from the start
        (
            shares(40, 0.66, 3),
            False,
        ),  # unlike training at p 0.04 and not after Holm, too small to be told from the new rows
    ],
)
def test_a_difference_from_training_is_excused_only_by_one_that_is_as_sure_and_as_large(reference, excused):
    drift = measure_drift(shares(400, 0.8, 1), reference, train_rows=shares(2_000, 0.5, 4), permutations=239)
    labels = [next(shift for shift in of.shifts if shift.look == "labels").found for of in drift.comparisons]
    assert labels == [False, True]
    assert drift.actions == (() if excused else ("retrain",))


def test_no_half_of_a_secret_is_shown():
    token = "eyJ" + "a" * 150 + "." + "b" * 300 + "." + "c" * 100
    assert "eyJ" not in label_mix.shown(token)
    new = frame([{"messages": f"{token} please help with order {i}", "label": token} for i in range(60)])
    known = frame([{"messages": f"the soup was cold at {i}", "label": "soup"} for i in range(60)])
    told = json.dumps(measure_drift(new, known, permutations=199).summary())
    assert "secret" in told
    assert "eyJ" not in told
    assert "aaaa" not in told


def test_a_side_of_one_unit_is_a_pool_all_the_same():
    pool = pooling.pooled(frame([{"messages": "one", "group": "g"}] * 5), frame([{"messages": "two"}]))
    assert pool.unit_new.tolist().count(True) == 1
    assert isinstance(pool.labels, pl.Series)
