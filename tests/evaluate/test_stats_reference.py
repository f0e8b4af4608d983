"""Statistics beside published values and beside scipy and statsmodels."""

import json
import warnings
from importlib import import_module
from itertools import product

import numpy as np
import pytest
from vetset.curate.errors import DataError, UsageError
from vetset.evaluate.stats.bootstrap import bootstrap_mean
from vetset.evaluate.stats.clustered import _degrees, _moments, clustered_mean, design
from vetset.evaluate.stats.gain import gain
from vetset.evaluate.stats.holm import adjusted, after_looks, confidence_after, decided
from vetset.evaluate.stats.intervals import clopper_pearson, wilson
from vetset.evaluate.stats.kappa import kappa
from vetset.evaluate.stats.paired import mcnemar, paired_t
from vetset.evaluate.stats.score_interval import score, score_interval
from vetset.evaluate.stats.weighted import kish, weighted_mean

optimize, stats = import_module("scipy.optimize"), import_module("scipy.stats")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    proportion = import_module("statsmodels.stats.proportion")
    multitest = import_module("statsmodels.stats.multitest")
    tables = import_module("statsmodels.stats.contingency_tables")
    api = import_module("statsmodels.api")


@pytest.fixture(scope="module")
def solved(shared):
    """Whether each of two published models solved each of GSM8K's 1,319 test questions."""
    path = shared / "model_solutions" / "example_model_solutions.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return tuple(
        np.array([row[name]["is_correct"] for row in rows], float) for name in ("175b_finetuning", "6b_verification")
    )


def test_the_published_solutions_give_the_reference_values(solved):
    found = gain(*solved)
    assert (found.both, found.lost, found.won, found.neither) == (306, 152, 209, 652)
    assert found.mcnemar_p == pytest.approx(0.003150656880360618, rel=1e-9)
    assert mcnemar(209, 152).mid_p == pytest.approx(0.0026873913, abs=5e-11)
    assert found.gain == pytest.approx(0.043214556, abs=5e-10)
    assert found.error == pytest.approx(0.014361068, abs=5e-10)
    assert found.p_two_sided == pytest.approx(0.00266957, abs=5e-9)
    test = paired_t(*solved)
    assert test.statistic == pytest.approx(3.00914636, abs=5e-9)
    assert test.p == pytest.approx(found.p_two_sided, rel=1e-9)
    assert (found.low, found.high) == pytest.approx((0.043214556 - 1.9617666 * 0.014361068, 0.0713876), abs=1e-6)
    for column, bounds in zip(solved, ((0.3220169, 0.3733359), (0.3644741, 0.4170568)), strict=True):
        found = wilson(column.sum(), len(column))
        assert (found.low, found.high) == pytest.approx(bounds, abs=1e-7)
    resampled = bootstrap_mean(solved[1] - solved[0], draws=500_000)  # means lie 1/1319 apart: few draws jump by one
    for bounds in (resampled.bca, resampled.percentile):
        assert (bounds.low, bounds.high) == pytest.approx((0.0152, 0.0713), abs=1 / 1319)


def test_a_perfect_score_is_no_more_than_all_whatever_rounding_makes_of_it():
    for bounds in (wilson, clopper_pearson):
        assert bounds(40.071311297553386, 40.07131129755338) == bounds(40.07131129755338, 40.07131129755338)
        assert bounds(-1e-15, 7).low == 0
        with pytest.raises(UsageError, match="is no share"):
            bounds(7.001, 7)
    draw = np.random.default_rng(0)
    for rows in range(2, 200):
        found = weighted_mean(np.ones(rows), weights=draw.random(rows) + 0.1, clusters=draw.integers(0, rows, rows))
        assert (found.mean, found.high) == (1, 1)


@pytest.mark.parametrize(("right", "rows"), [(0, 7), (1, 7), (458, 1319), (1319, 1319), (3, 3)])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
def test_intervals_of_a_share_are_those_of_statsmodels(right, rows, confidence):
    for ours, method in ((wilson, "wilson"), (clopper_pearson, "beta")):
        found = ours(right, rows, confidence=confidence)
        want = proportion.proportion_confint(right, rows, 1 - confidence, method)
        assert (found.low, found.high) == pytest.approx(want, abs=1e-12)


@pytest.mark.parametrize(("won", "lost"), [(0, 0), (5, 0), (3, 3), (4, 9), (209, 152), (2000, 1800)])
def test_mcnemar_is_the_binomial_test(won, lost):
    found = mcnemar(won, lost)
    table = [[10, lost], [won, 10]]
    assert found.p == pytest.approx(tables.mcnemar(table, exact=True).pvalue if won + lost else 1.0, rel=1e-9)
    if won + lost:
        assert found.p == pytest.approx(stats.binomtest(won, won + lost).pvalue, rel=1e-9)
        middle = stats.binom.pmf(won, won + lost, 0.5)
        assert found.mid_p == pytest.approx(
            min(1, 2 * stats.binom.cdf(min(won, lost), won + lost, 0.5) - middle), rel=1e-9
        )
    with pytest.raises(UsageError, match="negative"):
        mcnemar(-1, 2)


def test_the_paired_t_test_is_scipys():
    random = np.random.default_rng(0)
    first, second = random.random((2, 40))
    found, want = paired_t(first, second), stats.ttest_rel(second, first)
    assert (found.statistic, found.p, found.degrees) == pytest.approx((want.statistic, want.pvalue, want.df), rel=1e-9)
    assert np.isnan(paired_t([0.0, 1.0], [0.0, 1.0]).p)
    with pytest.raises(DataError, match="two columns of at least two rows"):
        paired_t([1.0], [1.0])


def test_adjusted_p_values_are_those_of_statsmodels():
    random = np.random.default_rng(1)
    for many in (1, 2, 7, 40):
        p = random.random(many) ** 3
        assert adjusted(p) == pytest.approx(multitest.multipletests(p, method="holm")[1], abs=1e-12)
        assert (decided(p, alpha=0.05) == multitest.multipletests(p, 0.05, method="holm")[0]).all()
    assert adjusted([]).tolist() == []
    assert after_looks(0.2, 10) == 1.0
    assert confidence_after(20) == pytest.approx(0.9975)
    with pytest.raises(DataError, match="0 to 1"):
        adjusted([0.1, float("nan")])
    with pytest.raises(UsageError, match="looks"):
        after_looks(0.1, 0)


def test_equal_clusters_have_the_sandwich_error_with_its_correction():
    random = np.random.default_rng(2)
    values = random.normal(size=120)
    clusters = np.repeat(np.arange(24), 5)
    found = clustered_mean(values, design(120, clusters=clusters))
    options = {"groups": clusters, "use_correction": False}
    fitted = api.OLS(values, np.ones(120)).fit(cov_type="cluster", cov_kwds=options)
    assert found.error == pytest.approx(fitted.bse[0] * np.sqrt(24 / 23), rel=1e-9)
    assert found.degrees == pytest.approx(23, rel=1e-9)


def test_the_error_of_unequal_weighted_clusters_is_the_jackknifes():
    random = np.random.default_rng(3)
    values, weights, clusters = random.random(60), random.random(60) + 0.2, random.integers(0, 9, 60)
    found = clustered_mean(values, design(60, weights=weights, clusters=clusters))
    mean = np.average(values, weights=weights)
    without = [np.average(values[clusters != one], weights=weights[clusters != one]) for one in range(9)]
    assert found.mean == pytest.approx(mean, rel=1e-12)
    assert found.error == pytest.approx(np.sqrt(8 / 9 * np.sum((np.array(without) - mean) ** 2)), rel=1e-9)
    assert 1 <= found.degrees < 8


@pytest.mark.parametrize("alike", [0.0, 0.3, 0.6, 1.0])
def test_equal_clusters_have_one_degree_less_however_their_rows_correlate(alike):
    random = np.random.default_rng(7)
    common = random.normal(size=(20, 1)) * np.sqrt(alike)
    values = (common + random.normal(size=(20, 6)) * np.sqrt(1 - alike)).ravel()
    found = clustered_mean(values, design(120, clusters=np.repeat(np.arange(20), 6)))
    assert found.degrees == pytest.approx(19, rel=1e-9)


def test_degrees_are_those_of_the_whole_matrix():
    form = design(40, clusters=np.repeat(np.arange(6), [1, 2, 4, 8, 10, 15]))
    share = form.total / form.total.sum()
    residual = (np.eye(6) - np.outer(share, np.ones(6))) / (1 - share)[:, None]
    each = []
    for alike in (0.0, 0.4):
        variance = (1 - alike) * form.apart + alike * form.total**2
        whole = residual @ np.diag(variance) @ residual.T
        each.append(np.trace(whole) ** 2 / np.trace(whole @ whole))
    assert _degrees(form, np.array(0.4)) == pytest.approx(np.sqrt(each[0] * each[1]), rel=1e-9)


def test_traces_are_those_of_the_whole_matrix():
    random = np.random.default_rng(4)
    variance, share, scale = random.random((3, 12))
    share /= share.sum()
    residual = np.eye(12) - np.outer(share, np.ones(12))
    whole = np.diag(scale) @ residual @ np.diag(variance) @ residual.T @ np.diag(scale)
    assert _moments(variance, share, scale) == pytest.approx((np.trace(whole), np.trace(whole @ whole)), rel=1e-9)


@pytest.mark.parametrize("null", [-0.3, -0.01, 0.0, 0.05, 0.4])
@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (4, 0), (3, 7), (12, 2)])
def test_the_score_takes_the_likeliest_shares_under_the_null(wins, losses, null):
    rows = 50

    def unlikely(lost):
        shares = np.array([lost + null, lost, 1 - 2 * lost - null])
        counts = np.array([wins, losses, rows - wins - losses])
        return -np.sum(counts[counts > 0] * np.log(np.maximum(shares[counts > 0], 1e-300)))

    ends = max(0.0, -null) + 1e-13, (1 - null) / 2 - 1e-13
    lost = optimize.minimize_scalar(unlikely, bounds=ends, method="bounded", options={"xatol": 1e-12}).x
    variance = (2 * lost + null - null**2) / rows
    want = ((wins - losses) / rows - null) / np.sqrt(variance) if wins != losses or null else 0.0
    assert float(score(wins, losses, rows, null)) == pytest.approx(want, rel=1e-4)


def test_the_score_interval_holds_exactly_what_its_score_allows():
    for wins, losses in product((0.0, 1.0, 6.5), (0.0, 2.0)):
        low, high = (float(bound) for bound in score_interval(wins, losses, 40.0, 2.0))
        assert -1 < low <= (wins - losses) / 40 <= high < 1
        assert score(wins, losses, 40.0, low) == pytest.approx(2.0, abs=1e-6)
        assert score(wins, losses, 40.0, high) == pytest.approx(-2.0, abs=1e-6)


def test_bca_is_scipys_up_to_the_draws():
    values = np.random.default_rng(5).lognormal(size=150)
    options = {"n_resamples": 20_000, "batch": 2000}
    for method, name in (("BCa", "bca"), ("percentile", "percentile")):
        want = stats.bootstrap((values,), np.mean, method=method, rng=np.random.default_rng(0), **options)
        found = getattr(bootstrap_mean(values, seed=1), name)
        assert (found.low, found.high) == pytest.approx(tuple(want.confidence_interval), abs=0.02)


@pytest.mark.parametrize("kinds", [3, 10_000])
def test_the_bootstrap_draws_whole_clusters_by_their_weight(kinds):
    random = np.random.default_rng(6)
    clusters = np.repeat(np.arange(300), random.integers(1, 4, 300))
    values = (random.integers(0, kinds, 300) / kinds)[clusters]
    weights = random.integers(1, 3, 300)[clusters] * 1.0
    found = bootstrap_mean(values, weights=weights, clusters=clusters, seed=2)
    error = float(clustered_mean(values, design(len(values), weights=weights, clusters=clusters)).error)
    assert (found.percentile.high - found.percentile.low) / (2 * 1.96 * error) == pytest.approx(1, abs=0.04)
    assert found == bootstrap_mean(values, weights=weights, clusters=clusters, seed=2)
    assert found != bootstrap_mean(values, weights=weights, clusters=clusters, seed=3)


def test_draws_that_say_nothing_are_said_to():
    assert bootstrap_mean([0.0] * 20).percentile is None
    assert "one mean" in bootstrap_mean([1.0]).why
    with pytest.raises(UsageError, match="no tails"):
        bootstrap_mean([0.0, 1.0], draws=10)
    with pytest.raises(DataError, match="missing"):
        bootstrap_mean([0.0, float("nan")])


def test_the_mean_of_plain_right_and_wrong_has_wilsons_interval():
    found = weighted_mean([1.0] * 7 + [0.0] * 13)
    want = wilson(7, 20)
    assert (found.low, found.high) == (want.low, want.high)
    assert kish([2.0] * 5) == pytest.approx(5)
    heavy = weighted_mean([1.0] * 7 + [0.0] * 13, weights=[9.0] * 3 + [1.0] * 17)
    assert heavy.effective_rows < 20
    assert heavy.high - heavy.low > found.high - found.low
    same = weighted_mean([1.0] * 7 + [0.0] * 13, clusters=["one"] * 20)
    assert (same.low, same.high) == (0.0, 1.0)
    alike = weighted_mean([0.5] * 20)
    assert alike.low < 0.5 < alike.high


def test_kappa_takes_labels_as_they_stand():
    found = kappa(["a", "b", "a", "c"] * 20, ["a", "b", "b", "c"] * 20)
    assert found.value == pytest.approx(0.6363636)
    assert found.interval.low < found.value < found.interval.high
    with pytest.raises(DataError, match="same items"):
        kappa(["a"], [])
