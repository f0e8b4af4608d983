"""The views of labels.suspect: each judges a row by all others, and by them alone."""

from dataclasses import replace

import numpy as np
import pytest
from vetset.curate.labels.dynamics import learning_scores
from vetset.curate.labels.evidence import gather_evidence
from vetset.curate.labels.labelled import from_arrays
from vetset.curate.labels.neighbours import find_neighbours, neighbour_scores
from vetset.curate.labels.planted import Ranked, depths, plant
from vetset.curate.labels.ridge import PENALTIES, Lifted, fourier, leave_one_out, linear
from vetset.curate.labels.temperature import fit_temperature
from vetset.curate.labels.words import word_vectors


def clouds(seed=0, *, rows=240, classes=3, axes=24, spread=0.5):
    """Vectors of length 1 around a middle a class, and the shares of their labels."""
    draw = np.random.default_rng(seed)
    code = draw.integers(0, classes, rows)
    middles = np.linalg.qr(draw.normal(size=(axes, axes)))[0][:classes]
    vectors = middles[code] + spread * draw.normal(size=(rows, axes)) / axes**0.5
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), np.eye(classes, dtype=np.float32)[code], code


def shares_of(targets):
    return np.asarray(targets.mean(axis=0), np.float32)


def refitted(features, targets, weight, row, penalty):
    """What a ridge regression on all other rows says of one, by the normal equations."""
    rows = len(targets)
    others = np.arange(rows) != row
    heavy = weight[others] * rows / weight.sum()
    x, y = features[others].astype(np.float64), targets[others].astype(np.float64)
    x_mean, y_mean = heavy @ x / heavy.sum(), heavy @ y / heavy.sum()
    scatter = (x - x_mean).T @ (heavy[:, None] * (x - x_mean)) + penalty * rows / 100 * np.eye(x.shape[1])
    slopes = np.linalg.solve(scatter, (x - x_mean).T @ (heavy[:, None] * (y - y_mean)))
    return (features[row] - x_mean) @ slopes + y_mean


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("lifting", [linear, lambda vectors: fourier(vectors, axes=16)])
def test_ridge_left_out_in_closed_form_is_ridge_fitted_without_the_row(classes, lifting):
    vectors, targets, _ = clouds(rows=40, classes=classes, axes=8)
    weight = np.random.default_rng(1).uniform(0.2, 3.0, 40).astype(np.float32)
    lifted = lifting(vectors)
    found = leave_one_out(lifted, targets, weight, shares=shares_of(targets))
    features = lifted.lift(vectors)
    wanted = [
        np.mean([[refitted(features, targets, weight, row, one) for row in range(40)] for one in pair], axis=0)
        for pair in (PENALTIES[at : at + 2] for at in range(len(PENALTIES)))
    ]
    assert min(np.abs(found - one).max() for one in wanted) < 2e-4


def test_a_row_that_alone_holds_a_direction_is_not_told_by_its_own_label():
    draw = np.random.default_rng(0)
    vectors = np.eye(60, dtype=np.float32)  # no row says a thing of another
    targets = np.eye(2, dtype=np.float32)[draw.integers(0, 2, 60)]
    for weight in (np.ones(60, np.float32), np.where(np.arange(60) == 3, 3_000, 1).astype(np.float32)):
        found = leave_one_out(linear(vectors), targets, weight, shares=shares_of(targets))
        own = (found * targets).sum(axis=1)
        other = (found * (1 - targets)).sum(axis=1)
        assert np.corrcoef(found[:, 1], targets[:, 1])[0, 1] < 0.1
        assert own.mean() < other.mean() + 0.1
    lifted = fourier(draw.normal(size=(60, 32)).astype(np.float32))  # a thousand features for sixty rows
    labels = np.eye(20, dtype=np.float32)[draw.integers(0, 20, 60)]
    found = leave_one_out(lifted, labels, np.ones(60, np.float32), shares=np.full(20, 0.05, np.float32))
    assert (found.argmax(axis=1) == labels.argmax(axis=1)).mean() < 0.25


def test_features_lifted_block_by_block_say_the_same():
    vectors, targets, _ = clouds(rows=9_000, axes=6)
    weight = np.ones(9_000, np.float32)
    found = leave_one_out(linear(vectors), targets, weight, shares=shares_of(targets))
    assert len(list(linear(vectors).blocks())) == 2
    assert (found.argmax(axis=1) == targets.argmax(axis=1)).mean() > 0.95


def test_fourier_features_are_a_gaussian_kernel():
    vectors, _, _ = clouds(rows=200, axes=12)
    features = fourier(vectors, axes=4096).lift(vectors)
    apart = ((vectors[:, None] - vectors) ** 2).sum(axis=2)
    off = apart[np.triu_indices(200, 1)]
    assert np.abs(features @ features.T - np.exp(-apart / np.median(off))).max() < 0.15


def test_neighbours_are_those_that_brute_force_finds_and_never_the_row_itself():
    vectors, _, _ = clouds(rows=120, axes=10, spread=2.0)
    found = find_neighbours(vectors, count=7)
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, -2)
    wanted = np.argsort(-alike, axis=1, kind="stable")[:, :7]
    assert np.array_equal(found.near, wanted)
    assert np.allclose(found.cosine, np.take_along_axis(alike, wanted, axis=1), atol=1e-6)
    repeats = np.repeat(vectors[:3], 4, axis=0)
    assert not (find_neighbours(repeats, count=5).near == np.arange(12)[:, None]).any()


@pytest.mark.parametrize(("rows", "count"), [(1, 0), (2, 1), (5, 4)])
def test_few_texts_have_few_neighbours(rows, count):
    vectors, targets, _ = clouds(rows=rows)
    found = find_neighbours(vectors)
    assert found.near.shape == (rows, count)
    scores = neighbour_scores(found, targets, np.full(3, 1 / 3, np.float32))
    assert scores.shape == targets.shape
    assert np.isfinite(scores).all()


@pytest.mark.slow
def test_neighbours_among_texts_that_were_drawn_are_near_and_never_the_row_itself():
    vectors, targets, code = clouds(rows=17_000, axes=160, classes=5)
    found = find_neighbours(vectors)
    assert not (found.near == np.arange(17_000)[:, None]).any()
    assert (code[found.near] == code[:, None]).mean() > 0.95
    assert np.isfinite(neighbour_scores(found, targets, shares_of(targets))).all()


def test_neighbours_speak_for_the_label_that_most_of_them_have_over_its_share():
    vectors, targets, code = clouds(spread=0.3)
    scores = neighbour_scores(find_neighbours(vectors), targets, shares_of(targets))
    assert (scores.argmax(axis=1) == code).mean() > 0.98
    own = scores[np.arange(len(code)), code]
    assert (own > 0).mean() > 0.98


def test_training_dynamics_never_saw_the_row():
    """A changed label moves the scores of other rows, and not the one's own, whose fold did not learn from it."""
    vectors, targets, code = clouds()
    shares = shares_of(targets)
    changed = targets.copy()
    changed[5] = np.eye(3)[(code[5] + 1) % 3]
    one, other = (learning_scores(vectors, of, shares, seed=3) for of in (targets, changed))
    assert np.array_equal(one[5], other[5])
    assert not np.array_equal(one, other)
    assert (one.argmax(axis=1) == code).mean() > 0.95


def test_no_view_is_moved_towards_a_row_s_own_label():
    """Of a text that stands between two classes each view says the same, whichever of the two labels it has."""
    vectors, _, code = clouds(spread=1.5)
    vectors[0] = vectors[code == 0][0] + vectors[code == 1][0]
    vectors[0] /= np.linalg.norm(vectors[0])
    odds = []
    for label in (0, 1):
        given = code.copy()
        given[0] = label
        evidence = gather_evidence(from_arrays(vectors, given.astype(str)), words=np.zeros((240, 1), np.float32))
        odds.append(evidence.odds[0, 0] - evidence.odds[0, 1])
    assert odds[0] <= odds[1] + 0.1  # its own label never speaks for itself
    assert abs(odds[0] - odds[1]) < 1.0


def test_temperature_recovers_slope_and_noise():
    draw = np.random.default_rng(0)
    shares = np.array([0.6, 0.3, 0.1], np.float32)
    scores = draw.normal(size=(40_000, 3)).astype(np.float32)
    chance = np.exp(2.5 * scores + np.log(shares))
    chance /= chance.sum(axis=1, keepdims=True)
    label = (chance.cumsum(axis=1) > draw.random((40_000, 1))).argmax(axis=1)
    noisy = draw.random(40_000) < 0.12
    label[noisy] = draw.choice(3, noisy.sum(), p=shares / shares.sum())
    found = fit_temperature(scores, np.eye(3, dtype=np.float32)[label], shares)
    assert found.slope == pytest.approx(2.5, rel=0.08)
    assert found.noise == pytest.approx(0.12, abs=0.03)
    assert found.loss < -np.log(shares[label]).mean()


def test_temperature_of_scores_without_an_opinion_or_a_meaning_is_nothing():
    shares = np.array([0.5, 0.5], np.float32)
    draw = np.random.default_rng(0)
    targets = np.eye(2, dtype=np.float32)[draw.integers(0, 2, 400)]
    flat = fit_temperature(np.zeros((400, 2), np.float32), targets, shares)
    assert (flat.slope, flat.noise) == (0.0, 0.0)
    assert flat.loss == pytest.approx(np.log(2))
    contrary = fit_temperature(-targets, targets, shares)  # says the opposite: not one to hear
    assert contrary.loss == pytest.approx(np.log(2), abs=0.02)
    halves = fit_temperature(np.zeros((3, 2), np.float32), np.full((3, 2), 0.5, np.float32), shares)
    assert halves.loss == pytest.approx(np.log(2))


def ranked(rows=400, labels=12, seed=0):
    draw = np.random.default_rng(seed)
    return Ranked.of(draw.normal(size=(rows, labels)).astype(np.float32)), draw.integers(0, labels, rows)


@pytest.mark.parametrize("labels", [2, 3, 9, 10, 11, 40])
def test_a_planted_label_is_never_the_row_s_own(labels):
    of, label = ranked(labels=labels)
    place = np.arange(400)
    for chances in (np.eye(9)[0], np.eye(9)[8], np.full(9, 1 / 9), depths(of, place, label, np.full(400, 0.1))):
        for seed in range(3):
            new = plant(of, place, label, chances, np.random.default_rng(seed))
            assert (new != label).all()
            assert new.min() >= 0
            assert new.max() < labels


def test_the_shallowest_planted_labels_are_the_likeliest_other_ones():
    of, label = ranked()
    place = np.arange(400)
    assert np.array_equal(plant(of, place, label, np.eye(9)[0], np.random.default_rng(0)), of.other(place, label))
    assert (of.depth(place, of.best[:, 0]) == -1).all()
    assert (of.depth(place, of.best[:, 1]) == 0).all()


@pytest.mark.parametrize("labels", [2, 3, 8, 9, 10, 100])
@pytest.mark.parametrize("doubt", [0.0, 1e-4, 0.3])
def test_chances_of_depths_sum_to_one_and_know_how_many_labels_there_are(labels, doubt):
    of, label = ranked(labels=labels)
    found = depths(of, np.arange(400), label, np.full(400, doubt))
    assert found.shape == (9,)
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()
    assert (found[labels - 1 : 8] == 0).all()


def test_margins_are_the_likeliest_other_label_over_the_own():
    of, label = ranked()
    odds = of.odds.astype(np.float64)
    others = odds.copy()
    others[np.arange(400), label] = -np.inf
    wanted = others.max(axis=1) - odds[np.arange(400), label]
    assert np.allclose(of.margin(np.arange(400), label), wanted, atol=1e-5)


def test_two_labels_do_in_every_view():
    vectors, _, code = clouds(classes=2)
    found = gather_evidence(from_arrays(vectors, code.astype(str)), words=vectors)
    assert len(found.views) == 6
    assert found.odds.shape == (240, 2)
    assert np.isfinite(found.odds).all()
    assert (found.odds.argmax(axis=1) == code).mean() > 0.98
    assert all(0.5 < view.knows <= 1 for view in found.views)


def test_a_view_that_knows_nothing_is_silent():
    vectors, _, code = clouds()
    noise = np.random.default_rng(0).normal(size=(240, 8)).astype(np.float32)
    found = gather_evidence(from_arrays(vectors, code.astype(str)), words=noise)
    assert {view.name: view.weight > 0 for view in found.views} == {
        "a linear classifier": True, "a kernel classifier": True, "the nearest texts": True, "training dynamics": True,
        "the nearest wordings": False, "the words": False,
    }  # fmt: skip


def test_what_views_know_is_told_by_texts_however_often_one_is_repeated():
    """A thousand rows of one text are one text: the others are known no less."""
    vectors, _, code = clouds(rows=120)
    of = from_arrays(vectors, code.astype(str))
    text = np.concatenate([np.arange(120), np.full(1_000, 7)])
    crowd = replace(of, row=np.arange(1_120), code=code[text].astype(np.int64), text=text)
    plain, crowded = (gather_evidence(one, words=vectors) for one in (of, crowd))
    assert [view.knows for view in crowded.views] == pytest.approx([view.knows for view in plain.views])
    assert np.allclose(plain.odds, crowded.odds)


def test_words_become_vectors_in_every_script():
    texts = ["lost my card", "lost the card", "我的卡丢了", "我的卡被偷了", "ضاعت بطاقتي", "ضاعت البطاقة", "!!", ""]
    found = word_vectors(texts)
    length = np.linalg.norm(found, axis=1)
    assert np.all((np.abs(length - 1) < 1e-4) | (length == 0))
    alike = found @ found.T
    assert alike[0, 1] > alike[0, 2]
    assert alike[2, 3] > alike[2, 1]
    assert np.array_equal(found, word_vectors(texts))


@pytest.mark.parametrize("texts", [[], ["a"], ["a", "b"], [""] * 9, ["word"] * 9, [f"{n}" for n in range(9)]])
def test_words_of_next_to_nothing_are_finite(texts):
    found = word_vectors(texts)
    assert len(found) == len(texts)
    assert np.isfinite(found).all()


def test_lifted_vectors_come_with_their_places():
    blocks = list(Lifted(np.zeros((5, 2), np.float32), lambda block: block).blocks())
    assert [(place.start, len(block)) for place, block in blocks] == [(0, 5)]
