"""What samples of a size can show: nothing found in a few rows is nothing known."""

import numpy as np
import polars as pl
import pytest
from vetset.evaluate.drifting.measuring import measure_drift
from vetset.evaluate.drifting.sight import Sight
from vetset.tests.evaluate.test_drift import CARDS, FOOD, texts


def test_nothing_found_is_only_said_of_samples_that_could_show_it():
    known = texts(CARDS, 200, 1)
    few, enough = (measure_drift(texts(CARDS, rows, 2), known, permutations=199) for rows in (5, 130))
    assert (few.told, few.drifted, enough.told, enough.drifted) == (False, False, True, False)
    assert "takes 122 new rows and 10% takes 606 rows on each side" in few.ruling.sentence
    assert few.summary()["comparisons"][0]["sight"] == {
        "least_change": 0.7878, "power": 0.8, "rows_for_10_points": {"new": None, "each_side": 606},
    }  # fmt: skip
    assert measure_drift(texts(CARDS, 5, 2), known, relevant=0.8, permutations=199).told
    assert not measure_drift(texts(CARDS, 130, 2), known, relevant=0.1, permutations=199).told
    # Of two comparisons the one that shows less decides, and rows of one conversation are one.
    assert not measure_drift(texts(CARDS, 130, 2), known, train_rows=texts(CARDS, 20, 3), permutations=299).told
    alone = texts(CARDS, 130, 2).with_columns(pl.lit("a long chat").alias("group"))
    assert not measure_drift(alone, known, permutations=199).told
    found = measure_drift(texts(FOOD, 20, 2), known, permutations=199)  # what is found is found
    assert found.told
    assert found.drifted


@pytest.mark.parametrize(("new", "known", "change"), [(150, 150, 0.2), (606, 606, 0.1), (130, 200, 0.2)])
def test_a_change_that_samples_of_a_size_show_is_found_in_four_of_five(new, known, change):
    seen = Sight(new, known, alpha=0.05, looks=6)
    assert seen.least <= change * 1.02
    rows = np.random.default_rng(new).binomial(new, 0.5 + change / 2, 4000)
    other = np.random.default_rng(1).binomial(known, 0.5 - change / 2, 4000)
    hits = chi2_contingencies(rows, new, other, known) <= 0.05 / 6
    assert 0.77 <= hits.mean() <= 0.86
    assert seen.new_rows(change) in range(new - 25, new + 5) or new == 606


def chi2_contingencies(rows, new, other, known):
    """The p of Pearson's test of two shares, for many pairs of samples."""
    from scipy.stats import chi2

    share = (rows + other) / (new + known)
    z = (rows / new - other / known) / np.sqrt(share * (1 - share) * (1 / new + 1 / known))
    return chi2.sf(z**2, 1)
