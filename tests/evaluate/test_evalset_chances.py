"""Chances and the draw: margins are met for sure, and each unit is drawn as often as its chance says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from vetset.curate.errors import UsageError
from vetset.evaluate.evalsets.chances import chances
from vetset.evaluate.evalsets.parting import Shares, parted
from vetset.evaluate.evalsets.rounding import draw


def world(seed, units=300, strata=12, regions=9):
    random = np.random.default_rng(seed)
    stratum = np.concatenate([np.arange(strata), random.integers(0, strata, units - strata) ** 2 // strata])
    region = np.concatenate([random.integers(0, regions, units - regions), np.arange(regions)])
    return random.pareto(1.5, units) + 1, stratum, region


@given(some.integers(0, 10_000), some.integers(25, 150))
@settings(max_examples=60, deadline=None)
def test_counts_of_both_groupings_are_the_expected_ones_rounded(seed, rows):
    size, stratum, region = world(seed)
    chance = chances(size, stratum, region, rows=rows)
    assert chance.min() > 0
    assert chance.max() <= 1
    assert chance.sum() == pytest.approx(rows)
    drawn = draw(chance, stratum, region, seed=seed)
    assert drawn.sum() == rows
    for group in (stratum, region):
        expected, count = np.bincount(group, weights=chance), np.bincount(group, weights=drawn)
        assert (np.abs(count - expected) < 1 + 1e-6).all()
        assert (count >= 1).all()


def test_a_unit_is_drawn_as_often_as_its_chance_says():
    size, stratum, region = world(3, units=120)
    chance = chances(size, stratum, region, rows=40)
    times = 1_000
    often = sum(draw(chance, stratum, region, seed=seed).astype(float) for seed in range(times))
    open_to_luck = (chance > 0.001) & (chance < 0.999)
    z = (often - times * chance)[open_to_luck] / np.sqrt(times * chance * (1 - chance))[open_to_luck]
    assert (often[chance > 1 - 1e-9] == times).all()
    assert np.abs(z).max() < 4.5
    assert 0.8 < z.std() < 1.2


def test_chances_go_with_size_where_nothing_stands_in_the_way():
    chance = chances(np.array([1.0, 2, 3, 4]), np.zeros(4, int), np.zeros(4, int), rows=2)
    assert chance.tolist() == pytest.approx([0.2, 0.4, 0.6, 0.8])


def test_what_can_not_be_met_is_told():
    assert chances(np.ones(10), np.arange(10), np.zeros(10, int), rows=5) is None


def test_the_same_seed_draws_the_same():
    size, stratum, region = world(1)
    chance = chances(size, stratum, region, rows=60)
    first, again, other = (draw(chance, stratum, region, seed=seed) for seed in (5, 5, 6))
    assert (first == again).all()
    assert (first != other).any()


def test_parts_tear_no_cluster_and_their_chances_are_their_shares():
    cluster = np.repeat(np.arange(90), [1] * 80 + [4] * 10)
    order = np.arange(len(cluster)) // 7
    dev = np.zeros(len(cluster))
    for seed in range(400):
        part, chance = parted(cluster, order, Shares(dev=0.25, reserve=0.2), seed)
        part = np.array(part)
        assert all(len(set(part[cluster == one])) == 1 for one in range(80, 90))
        assert len(set(cluster[part == "reserve"])) == 18
        assert len(set(cluster[part == "dev"])) == 22
        assert chance[part == "reserve"] == pytest.approx(0.2)
        assert chance[part == "dev"] == pytest.approx(0.8 * 22 / 72)
        dev += part == "dev"
    assert np.abs(dev / 400 - 0.8 * 22 / 72).max() < 0.11


@pytest.mark.parametrize(("dev", "reserve"), [(1.0, 0.0), (-0.1, 0.0), (0.5, 0.5), (float("nan"), 0.0)])
def test_shares_that_leave_nothing_to_decide_by_are_refused(dev, reserve):
    with pytest.raises(UsageError, match="shares"):
        Shares(dev=dev, reserve=reserve)
