"""The gain that a verdict goes by: its laws, its edges, and how often it is wrong."""

import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate.errors import DataError, UsageError
from vetset.evaluate.stats.bootstrap import bootstrap_mean
from vetset.evaluate.stats.clustered import design
from vetset.evaluate.stats.difference import mean_difference
from vetset.evaluate.stats.gain import gain
from vetset.evaluate.stats.noninferiority import noninferior

scores = st.sampled_from([0.0, 1.0]) | st.integers(0, 8).map(lambda eighth: eighth / 8)


@st.composite
def comparisons(draw):
    """Two columns of scores, weights and clusters."""
    rows = draw(st.integers(2, 40))
    column = st.lists(scores, min_size=rows, max_size=rows)
    weights = draw(st.lists(st.sampled_from([0.5, 1.0, 3.0]), min_size=rows, max_size=rows))
    clusters = draw(st.lists(st.integers(0, max(1, rows // 2)), min_size=rows, max_size=rows))
    return np.array(draw(column)), np.array(draw(column)), np.array(weights), np.array(clusters)


def near(one, other):
    return one == pytest.approx(other, rel=1e-6, abs=1e-9, nan_ok=True)


@settings(deadline=None)
@given(comparisons())
def test_candidate_and_baseline_mirror_each_other(them):
    first, second, weights, clusters = them
    found = gain(first, second, weights=weights, clusters=clusters)
    other = gain(second, first, weights=weights, clusters=clusters)
    assert near(found.gain, -other.gain)
    assert near((found.low, found.high), (-other.high, -other.low))
    assert near((found.p_two_sided, found.p_no_gain), (other.p_two_sided, other.p_no_loss))
    assert (found.won, found.lost) == (other.lost, other.won)


@settings(deadline=None)
@given(comparisons(), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_the_unit_of_weights_do_not_matter(them, shuffler):
    first, second, weights, clusters = them
    order = list(range(len(first)))
    shuffler.shuffle(order)
    found = gain(first, second, weights=weights, clusters=clusters)
    other = gain(first[order], second[order], weights=7 * weights[order], clusters=clusters[order])
    for name in ("gain", "error", "degrees", "low", "high", "p_no_gain", "effective_rows", "minimum_gain"):
        assert near(getattr(found, name), getattr(other, name)), name


@settings(deadline=None)
@given(comparisons())
def test_equal_weights_and_clusters_of_one_change_nothing(them):
    first, second, _, _ = them
    plain = gain(first, second)
    for other in (
        gain(first, second, weights=np.full(len(first), 4.0)),
        gain(first, second, clusters=range(len(first))),
    ):
        assert near(
            (plain.error, plain.degrees, plain.low, plain.high), (other.error, other.degrees, other.low, other.high)
        )


@settings(deadline=None)
@given(comparisons(), st.sampled_from([0.8, 0.95, 0.99]))
def test_the_bound_and_its_p_say_the_same(them, confidence):
    first, second, weights, clusters = them
    found = gain(first, second, weights=weights, clusters=clusters, confidence=confidence)
    assert -1 <= found.low <= found.gain + 1e-12
    assert found.gain - 1e-12 <= found.high <= 1
    assert 0 <= found.p_two_sided <= 1
    if abs(found.low) > 1e-9:
        assert (found.low > 0) == (found.p_no_gain < (1 - confidence) / 2)
    if abs(found.high) > 1e-9:
        assert (found.high < 0) == (found.p_no_loss < (1 - confidence) / 2)
    assert found.low < found.high, "an interval is never a point"


def test_copies_in_clusters_add_nothing():
    random = np.random.default_rng(0)
    first, second = random.integers(0, 2, (2, 200)).astype(float)
    plain = gain(first, second)
    copied = gain(np.repeat(first, 3), np.repeat(second, 3), clusters=np.repeat(np.arange(200), 3))
    naive = gain(np.repeat(first, 3), np.repeat(second, 3))
    assert near((copied.error, copied.low, copied.high, copied.degrees), (plain.error, plain.low, plain.high, 199))
    assert copied.effective_rows == pytest.approx(200, rel=0.01)
    assert naive.error < 0.6 * plain.error


def test_without_any_difference_the_interval_holds_what_unseen_rows_could_bring():
    found = gain([1.0, 0.0] * 100, [1.0, 0.0] * 100)
    assert (found.gain, found.p_two_sided, found.p_no_gain, found.p_no_loss) == (0, 1, 1, 1)
    assert found.high == pytest.approx(-found.low)
    assert 3 / 200 < found.high < 4 / 200  # the rule of three, and a little
    assert "score interval" in found.method
    few = gain([1.0, 0.0] * 100, [1.0, 0.0] * 100, clusters=np.arange(200) // 10)
    assert few.high > 3 / 20, "twenty clusters that agree are not two hundred rows that do"


def test_what_is_won_throughout_is_not_certain():
    found = gain([0.0] * 5, [1.0] * 5)
    assert found.gain == found.high == 1
    assert found.low < 0.2
    assert gain([0.0] * 60, [0.1] * 60).low < 0.1 < gain([0.0] * 60, [0.1] * 60).high


@pytest.mark.parametrize("clusters", [None, ["a"] * 3])
def test_one_observation_says_nothing(clusters):
    rows = 3 if clusters else 1
    found = gain([0.0] * rows, [1.0] * rows, clusters=clusters)
    assert (found.low, found.high, found.p_two_sided, found.degrees) == (-1, 1, 1, 0)
    assert np.isnan(found.error)
    assert found.minimum_gain == 1
    assert "one observation" in found.method


def test_four_rows_won_of_fifty_do_not_ship():
    found = gain([0.0] * 50, [1.0] * 4 + [0.0] * 46)
    assert found.gain == 0.08
    assert found.low <= 0, "the t interval alone would lie above 0; the binomial p is 1/16"


def test_one_large_cluster_counts_as_what_it_is():
    first, second = np.zeros(200), np.zeros(200)
    second[:60] = 1.0
    plain, held = gain(first, second), gain(first, second, clusters=[0] * 60 + list(range(1, 141)))
    assert plain.low > 0.2
    assert held.low < 0
    assert held.degrees < 10


@pytest.mark.parametrize(
    ("baseline", "candidate", "options", "said"),
    [
        ([], [], {}, "holds no rows"),
        ([1.0], [1.0, 0.0], {}, "same rows"),
        ([1.0, float("nan")], [1.0, 0.0], {}, "the baseline row 1 has the score nan"),
        ([1.0, 0.0], [1.0, 2.0], {}, "the candidate row 1 has the score 2.0"),
        ([1.0, 0.0], [1.0, 0.0], {"weights": [1.0]}, "must match the number of rows"),
        ([1.0, 0.0], [1.0, 0.0], {"weights": [1.0, 0.0]}, "row 1 weighs 0.0"),
        ([1.0, 0.0], [1.0, 0.0], {"clusters": ["a"]}, "must match the number of rows"),
        ([1.0, 0.0], [1.0, 0.0], {"clusters": ["a", None]}, "its own id"),
        ([1.0, 0.0], [1.0, 0.0], {"clusters": [1.0, float("nan")]}, "its own id"),
    ],
)
def test_what_can_not_be_compared_is_refused(baseline, candidate, options, said):
    with pytest.raises(DataError, match=said):
        gain(baseline, candidate, **options)


def test_a_confidence_in_percent_is_refused():
    with pytest.raises(UsageError, match="share between 0 and 1"):
        gain([0.0, 1.0], [1.0, 1.0], confidence=95)


def test_scores_that_are_not_right_or_wrong_have_no_table():
    found = gain([0.2, 0.4, 0.9], [0.3, 0.5, 0.8])
    assert (found.won, found.lost, found.both, found.neither, found.mcnemar_p) == (None,) * 5


def test_not_worse_has_to_be_shown():
    random = np.random.default_rng(1)
    first = random.integers(0, 2, 1000).astype(float)
    second = np.where(random.random(1000) < 0.02, 1 - first, first)
    assert noninferior(first, second, margin=0.03).holds
    few = noninferior(first[:40], second[:40], margin=0.03)
    assert not few.holds
    assert few.p > 0.05
    assert not noninferior(first, np.where(random.random(1000) < 0.06, 0, first), margin=0.03).holds
    assert noninferior(first, second, margin=0.03).p < 0.05


def test_losses_without_bounds_are_compared_by_t_alone():
    random = np.random.default_rng(2)
    first = -random.gamma(2, 3, 100)
    assert noninferior(first, first + random.normal(0, 0.1, 100), margin=0.05, bounded=False).holds
    assert not noninferior(first, first - 0.2 + random.normal(0, 0.1, 100), margin=0.05, bounded=False).holds
    same = noninferior(first, first, margin=0.05, bounded=False)
    assert (same.holds, same.p) == (False, 1.0)
    with pytest.raises(DataError, match="not bounded"):
        noninferior(first, first, margin=0.05)
    with pytest.raises(UsageError, match="margin"):
        noninferior([1.0, 0.0], [1.0, 0.0], margin=0)
    with pytest.raises(UsageError, match="one-sided"):
        noninferior([1.0, 0.0], [1.0, 0.0], margin=0.1, confidence=0.4)


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [[10] * 20, [72, 36, 24, 18, 14, *[3] * 12]])
def test_a_candidate_without_a_gain_ships_at_most_as_often_as_alpha(sizes):
    random, samples = np.random.default_rng(3), 8000
    cluster = np.repeat(np.arange(len(sizes)), sizes)
    rows = len(cluster)
    value = random.random((samples, rows))
    common = random.random((samples, len(sizes)))[:, cluster]
    value = np.where(random.random(value.shape) < np.sqrt(0.3), common, value)
    found = mean_difference((value < 0.15).astype(float) - (value > 0.85), design(rows, clusters=cluster))
    naive = mean_difference((value < 0.15).astype(float) - (value > 0.85), design(rows))
    noise = np.sqrt(0.025 * 0.975 / samples)
    assert (found.low > 0).mean() <= 0.025 + 3 * noise
    assert (found.high < 0).mean() <= 0.025 + 3 * noise
    assert (naive.low > 0).mean() > 0.08, "errors that know of no clusters are far too small"


def test_a_gain_with_ten_slices_and_20000_draws_costs_little():
    random = np.random.default_rng(4)
    first, second = random.integers(0, 2, (2, 1319)).astype(float)
    weights, clusters, part = random.random(1319) + 0.5, random.integers(0, 300, 1319), random.integers(0, 10, 1319)
    gain(first, second)  # scipy's own start is not ours
    begin = time.process_time()
    gain(first, second, weights=weights, clusters=clusters)
    bootstrap_mean(second - first, draws=20_000)
    for one in range(10):
        here = part == one
        gain(first[here], second[here], weights=weights[here], clusters=clusters[here])
    assert time.process_time() - begin < 0.25  # measured 0.02


def test_statistics_load_without_scipy():
    code = "import sys, vetset.evaluate.stats.gain, vetset.evaluate.stats.sequential; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
