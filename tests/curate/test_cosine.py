"""Pairs, stars and curves over a cosine, held against every product in float64."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate.errors import DataError, UsageError
from vetset.curate.near.cosine import Exact, exact_cosines, index, pairs, stars, unit
from vetset.curate.near.numbers import agree, numbers_of
from vetset.curate.near.score_curve import STEPS, UNREAD, propose, score_curve


def clouds(count, *, axes=32, seed=0, noise=0.12):
    """Vectors in small clouds around random middles, so that cosines of all sizes occur."""
    draw = np.random.default_rng(seed)
    middles = draw.normal(size=(max(count // 4, 1), axes))
    return unit(
        middles[draw.integers(0, len(middles), count)] + noise * axes**0.5 * draw.normal(size=(count, axes)) * 0.5
    )


def brute(vectors, threshold):
    wide = vectors.astype(np.float64)
    wide /= np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12)
    products = wide @ wide.T
    return {(int(a), int(b)) for a, b in zip(*np.nonzero(np.triu(products >= threshold - 1e-9, 1)), strict=True)}


@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.95])
def test_every_pair_over_the_threshold_is_found_and_no_other(threshold):
    vectors = clouds(700)
    found = pairs(vectors, threshold)
    assert set(found.select("a", "b").iter_rows()) == brute(vectors, threshold)
    assert found.height > 10
    assert found["cosine"].min() >= threshold - 1e-9


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), threshold=st.sampled_from([0.7, 0.8, 0.9]), count=st.integers(0, 60))
def test_stars_stand_apart_and_each_row_is_close_to_its_keeper(seed, threshold, count):
    vectors = clouds(count, seed=seed)
    keeper, cosine = stars(vectors, threshold)
    rows = np.arange(count)
    assert (keeper <= rows).all()
    assert (keeper[keeper] == keeper).all()
    assert (cosine[keeper != rows] >= threshold - 1e-9).all()
    close = brute(vectors, threshold)
    kept = np.flatnonzero(keeper == rows).tolist()
    assert not {(a, b) for a in kept for b in kept} & close


def test_vectors_of_length_zero_pair_with_nothing_not_even_themselves():
    vectors = unit(np.zeros((50, 8)))
    assert pairs(vectors, 0.01).is_empty()
    assert (stars(vectors, 0.01)[0] == np.arange(50)).all()


def test_equal_vectors_reach_one():
    vectors = unit(np.random.default_rng(0).normal(size=(1, 384)).repeat(5, axis=0))
    assert pairs(vectors, 1.0).height == 10


def test_one_template_of_many_rows_is_one_star_and_lists_no_pair():
    draw = np.random.default_rng(0)
    vectors = unit(draw.normal(size=16) + 0.01 * draw.normal(size=(6_000, 16)))
    keeper, _ = stars(vectors, 0.9)
    assert (keeper == 0).all()
    with pytest.raises(UsageError, match="pairs"):
        pairs(vectors, 0.9, most=1_000)


def test_cells_report_nothing_under_the_threshold_and_miss_little():
    vectors = clouds(4_000, axes=48)
    whole, some = pairs(vectors, 0.8, method="exact"), pairs(vectors, 0.8, method="cells")
    assert some.join(whole, on=["a", "b"], how="anti").is_empty()
    assert some.height >= 0.99 * whole.height > 100
    assert pairs(vectors, 0.8, method="cells").equals(some)


def test_cells_and_all_products_make_the_same_stars_of_well_parted_clouds():
    vectors = clouds(3_000, axes=48, noise=0.05)
    for one, other in zip(stars(vectors, 0.9, method="exact"), stars(vectors, 0.9, method="cells"), strict=True):
        assert np.array_equal(one, other)


def test_a_block_with_too_many_hits_is_cut_in_two(monkeypatch):
    from vetset.curate.near import cells

    vectors = clouds(600)
    whole = pairs(vectors, 0.5, method="cells")
    monkeypatch.setattr(cells, "_MOST", 50)
    assert pairs(vectors, 0.5, method="cells").equals(whole)


def test_faiss_finds_what_our_cells_find():
    pytest.importorskip("faiss", reason="FAISS is optional and not installed")
    vectors = clouds(3_000, axes=48)
    assert (
        pairs(vectors, 0.8, method="faiss")
        .select("a", "b")
        .equals(pairs(vectors, 0.8, method="cells").select("a", "b"))
    )


def test_small_sets_are_searched_exactly():
    assert isinstance(index(clouds(10)), Exact)


@pytest.mark.parametrize("method", ["exact", "cells"])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_no_vectors_and_one_have_no_pairs(method, count):
    vectors = unit(np.eye(8)[:count])
    assert pairs(vectors, 0.8, method=method).is_empty()
    assert stars(vectors, 0.8, method=method)[0].tolist() == list(range(count))
    assert score_curve(vectors, method=method).frame["removed"].sum() == 0


@pytest.mark.parametrize("threshold", [0.0, -0.5, 1.01, float("nan")])
def test_a_threshold_that_no_cosine_is_raises(threshold):
    with pytest.raises(UsageError, match="cosine"):
        pairs(clouds(3), threshold)


def test_numbers_that_are_not_finite_raise():
    with pytest.raises(DataError, match="infinite"):
        unit(np.array([[np.nan, 1.0]]))


def test_the_curve_says_what_each_threshold_does():
    vectors = clouds(900)
    curve = score_curve(vectors, rows=950)
    for line in curve.frame.iter_rows(named=True):
        threshold = line["threshold"]
        close = brute(vectors, threshold - 1e-6)
        assert line["pairs"] == len(close)
        assert line["neighboured"] == len({row for pair in close for row in pair})
        assert line["removed"] == 50 + int((stars(vectors, threshold - 1e-6)[0] != np.arange(900)).sum())
    assert curve.frame["threshold"].to_list() == STEPS.tolist()


def test_planted_copies_do_not_move_the_proposal():
    draw = np.random.default_rng(3)
    alone = unit(draw.normal(size=(1_000, 64)))
    copies = unit(alone[:300] + 0.02 * draw.normal(size=(300, 64)))
    before, after = (score_curve(v).proposed.threshold for v in (alone, np.concatenate([alone, copies])))
    assert abs(before - after) <= 0.03
    found = stars(np.concatenate([alone, copies]), after)[0]
    assert (found[1_000:] == np.arange(300)).all()
    assert (found[:1_000] == np.arange(1_000)).all()


def test_few_texts_get_a_guess_that_says_so():
    proposal, centre, _ = propose(np.full(20, 0.6, np.float32))
    assert proposal.threshold == UNREAD
    assert "too few" in proposal.why
    assert np.isnan(centre)


def test_exact_cosines_do_not_depend_on_the_block():
    vectors = clouds(200)
    rows, others = np.arange(199), np.arange(1, 200)
    whole = exact_cosines(vectors, rows, vectors, others)
    assert all(
        exact_cosines(vectors, rows[at : at + 1], vectors, others[at : at + 1])[0] == whole[at] for at in range(199)
    )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("3 apples at $1,000.50", "three apples for 1000.5 dollars", True),
        ("٣ apples and ٤ pears", "3 apples and 4 pears", True),
        ("order 17 of 20", "order 18 of 25", False),
        ("both of them", "the 2 of them", True),
        ("", "", True),
    ],
)
def test_numbers_agree_however_they_are_written(one, other, same):
    starts, values = numbers_of([one, other])
    sets = [set(values[low:high].tolist()) for low, high in pairwise(starts)]
    assert agree(*sets) is same
