"""Planning before labels are bought, and looking while they are."""

import numpy as np
import pytest
from vetset.curate.errors import DataError, UsageError
from vetset.evaluate.stats.clustered import design
from vetset.evaluate.stats.difference import mean_difference
from vetset.evaluate.stats.gain import gain
from vetset.evaluate.stats.power import design_effect, minimum_gain, rows_needed, rows_to_settle
from vetset.evaluate.stats.sequential import confidence_sequence, gain_sequence


@pytest.mark.parametrize(("rows", "differing"), [(200, 0.2), (400, 0.1), (1000, 0.3)])
def test_the_minimum_gain_is_seen_four_times_in_five(rows, differing):
    random = np.random.default_rng(0)
    least = minimum_gain(rows, disagreement=differing)
    chances = [(differing + least) / 2, (differing - least) / 2, 1 - differing]
    values = random.choice([1.0, -1.0, 0.0], (3000, rows), p=chances)
    assert (mean_difference(values, design(rows)).low > 0).mean() == pytest.approx(0.8, abs=0.04)


def test_rows_needed_and_minimum_gain_undo_each_other():
    for wanted in (0.02, 0.05, 0.15):
        rows = rows_needed(wanted, disagreement=0.2, design_effect=2.0)
        assert minimum_gain(rows, disagreement=0.2, design_effect=2.0) == pytest.approx(wanted, rel=0.01)
    assert rows_needed(0.3, disagreement=0.1) == rows_needed(0.3, disagreement=0.3), "a gain takes rows that differ"


def test_less_can_be_seen_with_fewer_rows_more_disagreement_and_clusters():
    plain = minimum_gain(200, disagreement=0.2)
    assert minimum_gain(100, disagreement=0.2) > plain
    assert minimum_gain(200, disagreement=0.4) > plain
    assert minimum_gain(200, disagreement=0.2, design_effect=design_effect(10, 0.3)) > plain
    assert minimum_gain(200, disagreement=0.2, degrees=4) > plain
    assert minimum_gain(1, disagreement=0.2) == 1.0
    assert 0.03 < minimum_gain(200, disagreement=0.0) < 0.05
    assert design_effect(1, 0.9) == 1
    assert design_effect(5, 0.3, spread=1.0) == pytest.approx(3.7)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: minimum_gain(0, disagreement=0.2),
        lambda: minimum_gain(10, disagreement=20),
        lambda: minimum_gain(10, disagreement=0.2, power=80),
        lambda: minimum_gain(10, disagreement=0.2, design_effect=0),
        lambda: rows_needed(0, disagreement=0.2),
        lambda: design_effect(0.5, 0.1),
        lambda: rows_to_settle(0.1, error=0.1, rows=0, margin=0.05),
    ],
)
def test_plans_with_impossible_numbers_are_refused(wrong):
    with pytest.raises(UsageError, match="give"):
        wrong()


def test_more_rows_settle_what_is_open():
    random = np.random.default_rng(1)
    chances = [0.14, 0.06, 0.8]
    found = gain(np.zeros(100), np.array([1.0] * 8 + [0.0] * 92))
    assert rows_to_settle(found.gain, error=found.error, rows=100, margin=0.05).outcome == "above"
    open_ = rows_to_settle(0.08, error=np.sqrt((0.2 - 0.08**2) / 100), rows=100, margin=0.05)
    values = random.choice([1.0, -1.0, 0.0], (2000, open_.rows), p=chances)
    assert (mean_difference(values, design(open_.rows)).low > 0).mean() == pytest.approx(0.8, abs=0.05)
    assert open_.more == open_.rows - 100
    below = rows_to_settle(0.01, error=0.03, rows=200, margin=0.05)
    assert (below.outcome, below.more > 0) == ("below", True)
    assert rows_to_settle(0.0499, error=0.03, rows=200, margin=0.05) is None, "too near the margin"
    assert rows_to_settle(0.0, error=float("nan"), rows=1, margin=0.05) is None
    alike = rows_to_settle(0.0, error=0.0, rows=20, margin=0.05)
    assert 20 < alike.rows < 400
    assert gain(np.zeros(alike.rows), np.zeros(alike.rows)).high < 0.05
    assert rows_to_settle(0.5, error=0.01, rows=200, margin=0.05).more == 1


def test_a_sequence_holds_at_every_row():
    random = np.random.default_rng(2)
    missed = fooled = 0
    for _ in range(100):
        value = random.choice([1.0, -1.0, 0.0], 300, p=[0.1, 0.1, 0.8])
        found = confidence_sequence(value, least=-1, most=1)
        missed += bool((found.low > 0).any() or (found.high < 0).any())
        fooled += bool((np.abs(np.cumsum(value)) > 1.96 * np.sqrt(np.cumsum(value**2)))[49:].any())
    assert missed <= 100 * 0.05
    assert fooled > 100 * 0.15, "an interval for one look does not"


def test_a_sequence_only_narrows_and_ends_near_the_mean():
    random = np.random.default_rng(3)
    first = (random.random(2000) < 0.5) * 1.0
    second = np.where(random.random(2000) < 0.15, 1.0, first)
    found = gain_sequence(first, second)
    assert (np.diff(found.low) >= 0).all()
    assert (np.diff(found.high) <= 0).all()
    assert 0 < found.low[-1] < found.mean[-1] < found.high[-1] < 0.15
    shorter = gain_sequence(first[:700], second[:700])
    assert (shorter.low == found.low[:700]).all(), "later labels change nothing of what was said"


def test_clusters_and_weights_are_bets_of_their_size():
    random = np.random.default_rng(4)
    values = random.random(300)
    plain = confidence_sequence(values)
    copied = confidence_sequence(np.repeat(values, 4), clusters=np.repeat(np.arange(300), 4))
    assert copied.rows[-1] == 1200
    assert np.allclose((copied.low, copied.high), (plain.low, plain.high))
    heavy = confidence_sequence(values, weights=np.where(np.arange(300) < 5, 20.0, 1.0))
    assert heavy.high[-1] - heavy.low[-1] > plain.high[-1] - plain.low[-1]
    missed = 0
    for _ in range(60):
        sizes = random.integers(1, 8, 80)
        values = np.repeat((random.random(80) < 0.3) * 1.0, sizes)
        found = confidence_sequence(values, clusters=np.repeat(np.arange(80), sizes))
        missed += bool((found.low > 0.3).any() or (found.high < 0.3).any())
    assert missed <= 3


def test_one_row_and_no_spread_are_no_certainty():
    found = confidence_sequence([1.0])
    assert (found.low[0], found.high[0]) == (0.0, 1.0)
    assert confidence_sequence([0.0] * 50).high[-1] > 0.05
    with pytest.raises(DataError, match="range that values can have"):
        confidence_sequence([0.5, 2.0])
    with pytest.raises(UsageError, match="range"):
        confidence_sequence([0.5], least=1, most=1)
    with pytest.raises(DataError, match="no rows"):
        confidence_sequence([])
