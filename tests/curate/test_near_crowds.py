"""Filled-in forms: rows that share so much with so many that they are held against each other as a crowd."""

import itertools
import time

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate.near import joining
from vetset.curate.near.crowds import crowd_of
from vetset.curate.near.shingles import Shingle, shingled

LIMIT = 6.0  # CPU seconds: 2 are promised on a quiet machine
THRESHOLDS = st.sampled_from([0.05, 0.3, 0.5, 0.7, 0.8, 0.9, 1.0])


def filled(rows, words, fields, values, *, near=False, seed=0, tag="t", own=0):
    """Rows of one form whose fields stand all through it, or close together; ``own`` words stand in no other row."""
    draw = np.random.default_rng(seed).integers(0, values, (rows, fields))
    places = [10 + 3 * field if near else int((field + 0.5) * words / fields) for field in range(fields)]
    texts = []
    for row in range(rows):
        said = [f"{tag}{number}" for number in range(words)]
        for place, value in zip(places, draw[row], strict=True):
            said[place] = f"v{place}x{value}"
        texts.append(" ".join([*said, *(f"own{row}x{number}" for number in range(own))]))
    return texts


@st.composite
def forms(draw):
    """Rows of one to three forms, of few fields with few values, some with words of their own."""
    rng = draw(st.randoms(use_true_random=False))
    texts = []
    for form in range(rng.randint(1, 3)):
        texts += filled(
            rng.randint(1, 40), rng.choice([12, 30, 60]), rng.randint(1, 6), rng.choice([2, 3, 8]),
            seed=rng.randrange(1000), tag=rng.choice(["t", f"t{form}"]), own=rng.choice([0, 0, 1, 4]),
        )  # fmt: skip
    rng.shuffle(texts)
    return texts


def brute(sets, threshold):
    """Every pair by the definition, on whole numbers."""
    members = [set(sets.hashes[a : a + n].tolist()) for a, n in zip(sets.starts, sets.sizes, strict=True)]
    found = {}
    for a, b in itertools.combinations(range(len(members)), 2):
        common, union = len(members[a] & members[b]), len(members[a] | members[b])
        if common * 100 >= round(threshold * 100) * union:
            found[a, b] = common / union
    return found


def by_hand(count, pairs, rank):
    """Components and stars of all pairs, in the plainest way."""
    root = list(range(count))
    for a, b in pairs:
        low, high = sorted((root[a], root[b]))
        root = [low if one == high else one for one in root]
    keepers, kept = np.arange(count), []
    for row in np.argsort(rank).tolist():
        near = [(-pairs[min(row, k), max(row, k)], rank[k]) for k in kept if (min(row, k), max(row, k)) in pairs]
        if near:
            keepers[row] = int(np.flatnonzero(rank == min(near)[1])[0])
        else:
            kept.append(row)
    return root, keepers


@pytest.mark.parametrize("patience", [0, 1, joining.PATIENCE])
@settings(max_examples=60, deadline=None)
@given(texts=forms(), threshold=THRESHOLDS, width=st.sampled_from([1, 2, 5]), rng=st.randoms(use_true_random=False))
def test_forms_are_joined_as_by_brute_force(patience, texts, threshold, width, rng):
    """With no patience every row that shares a rare shingle is in a crowd from the start."""
    sets = shingled(pl.Series(list(dict.fromkeys(texts))), shingle=Shingle("word", width))
    count = len(sets.sizes)
    rank = np.array(rng.sample(range(count), count))
    held = np.array([rng.random() < 0.5 for _ in range(count)])
    expected = brute(sets, threshold)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joining, "PATIENCE", patience)
        ready = joining.prepare(sets, threshold)
        component = joining.components(sets, ready)
        keepers, jaccard = joining.stars(sets, ready, component, rank)
        assert {(a, b): j for a, b, j in joining.pairs(sets, ready).iter_rows()} == expected
        peer, score = joining.closest(sets, ready, held, ~held)
    assert (component.tolist(), keepers.tolist()) == tuple(map(list, by_hand(count, expected, rank)))
    for row, keeper in enumerate(keepers.tolist()):
        assert jaccard[row] == expected.get((min(row, keeper), max(row, keeper)), 1)
    for row in range(count):
        near = [
            (-j, b if a == row else a) for (a, b), j in expected.items() if row in (a, b) and held[a] != held[b]
        ] or [(0, -1)]
        assert (-score[row], peer[row]) == (min(near) if held[row] else (0, -1))


def test_shingles_that_always_stand_together_are_one_group():
    texts = ["a b c d x y", "a b c d x y z", "a b c d p q", "a b c d p q own", "a b c d r"]
    sets = shingled(pl.Series(texts), shingle=Shingle("word", 1))
    ready = joining.prepare(sets, 0.5)
    crowd = crowd_of(sets, ready, np.arange(5))
    assert crowd.everywhere == 4
    assert crowd.weights.tolist() == [2, 2]
    assert [len(texts[row].split()) for row in ready.order] == crowd.sizes.tolist()
    assert np.diff(crowd.starts).tolist() == [int(crowd.shareable[at] > 4) for at in range(5)]
    assert sorted(crowd.shareable.tolist()) == [4, 6, 6, 6, 6]


@pytest.fixture(scope="module")
def _compiled():
    """Compilation, once, is not what is measured."""
    sets = shingled(pl.Series(filled(2_000, 60, 5, 6) + filled(2_000, 60, 5, 20, tag="u")))
    ready = joining.prepare(sets, 0.8)
    joining.stars(sets, ready, joining.components(sets, ready), np.arange(4_000))
    joining.closest(sets, ready, np.arange(4_000) < 2_000, np.arange(4_000) >= 1_000)


FORMS = {
    "60 words, 5 fields of 20": lambda: filled(20_000, 60, 5, 20),
    "60 words, 8 fields of 5": lambda: filled(20_000, 60, 8, 5),
    "60 words, 10 fields of 20": lambda: filled(20_000, 60, 10, 20),
    "200 words, 10 fields of 8": lambda: filled(20_000, 200, 10, 8),
    "200 words, 12 fields of 10 side by side": lambda: filled(20_000, 200, 12, 10, near=True),
    "4 forms with one frame": lambda: [t for n in range(4) for t in filled(5_000, 200, 8 + n, 12, seed=n)],
    "words of their own": lambda: filled(20_000, 200, 4, 10, own=17),
}  # fmt: skip


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (at > 1)) for at, name in enumerate(FORMS)]
)
@pytest.mark.usefixtures("_compiled")
def test_20_000_filled_in_forms_take_seconds(name):
    """Rows are clustered, and held against one another as train and eval, without a look at each pair's shingles."""
    texts = pl.Series(FORMS[name]())
    started = time.process_time()
    sets = shingled(texts)
    ready = joining.prepare(sets, 0.8)
    component = joining.components(sets, ready)
    keepers, jaccard = joining.stars(sets, ready, component, np.arange(20_000))
    clustered = time.process_time() - started
    held = np.arange(20_000) % 5 == 0
    peer, score = joining.closest(sets, ready, held, ~held)
    print(f"{clustered:.2f} and {time.process_time() - started - clustered:.2f} CPU s")
    assert clustered <= LIMIT
    assert time.process_time() - started - clustered <= LIMIT
    assert (component[keepers] == component).all()
    assert (keepers[keepers] == keepers).all()
    assert (jaccard >= 0.8).all()
    found = peer >= 0
    assert (component[peer[found]] == component[found]).all()
    assert (score[found] >= 0.8).all()
