"""How diverse made rows are: each measure by hand, by another computation, on planted collapse and on real rows."""

import csv
import json
import random
import zlib
from itertools import combinations, pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate.distill.diversity import diversity
from vetset.curate.distill.spread import _vendi, nearest, reach, spread, vendi
from vetset.curate.distill.wordings import compression, counts, drawn, expected_distinct, wording
from vetset.curate.embed.tfidf import tfidf_vectors
from vetset.curate.errors import DataError, UsageError

NAMES = ["Anna", "Bob", "Carl", "Dora", "Emil", "Fay", "Gus", "Hal", "Ivy", "Joe"]


def unit(vectors):
    vectors = np.asarray(vectors, np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def bank(shared):
    with (shared / "bank_intents" / "train.csv").open(encoding="utf-8") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    random.Random(0).shuffle(texts)
    return texts


def collapsed(texts, count):
    """Ten sentences, said again with another name and another last word."""
    draw = random.Random(1)
    ending = ["please", "thanks", "now"]
    return [f"{texts[n % 10].rstrip('?.')} {draw.choice(NAMES)}, {draw.choice(ending)}" for n in range(count)]


def test_runs_of_words_are_counted_within_a_text_and_folded():
    found = counts(["A b a B", "a b", "..."])
    assert (found.texts, found.words) == (2, 6)
    assert [sorted(often.tolist()) for often in found.runs] == [[3, 3], [1, 3], [1, 1]]  # a b; "a b" 3, "b a" 1


def test_scripts_without_blanks_have_a_word_a_character():
    found = counts(["退款退款", "我要退款 now"])
    assert found.words == 9
    assert sorted(found.runs[0].tolist()) == [1, 1, 1, 3, 3]


def test_what_a_draw_holds_is_the_mean_over_every_draw():
    often = np.array([3, 2, 1, 1])
    bag = [kind for kind, times in enumerate(often) for _ in range(times)]
    for size in range(len(bag) + 1):
        every = [len(set(one)) for one in combinations(bag, size)]
        assert expected_distinct(often, size) == pytest.approx(sum(every) / len(every), abs=1e-12)
    with pytest.raises(ValueError, match="8 can't be drawn of 7"):
        expected_distinct(often, 8)


def test_distinct_runs_of_real_rows_are_what_draws_give(bank):
    texts = bank[:1_000]
    pairs = [
        pair
        for text in texts
        for pair in pairwise("".join(c if c.isalnum() or c == "_" else " " for c in text.lower()).split())
    ]
    found, _ = wording(texts, texts[:300])
    assert found.distinct[1] is not None
    draw = random.Random(0)
    means = [len(set(draw.sample(pairs, found.of[1]))) / found.of[1] for _ in range(40)]
    assert found.distinct[1] == pytest.approx(float(np.mean(means)), abs=4 * float(np.std(means)) / 40**0.5)
    whole, _ = wording(texts)
    assert whole.of[1] == len(pairs)
    assert whole.distinct[1] == pytest.approx(len(set(pairs)) / len(pairs), abs=1e-9)


def test_texts_are_compressed_in_an_order_of_their_own():
    texts = [f"row {n % 7} says {n % 11}" for n in range(500)]
    plain = "\n".join(sorted(texts)).encode()
    assert compression(texts) == len(plain) / len(zlib.compress(plain, 9))
    assert compression(texts[::-1], size=900, seed=3) == compression(texts, size=900, seed=3)
    assert compression(["", ""]) is None
    assert compression([]) is None


def test_copies_are_drawn_one_by_one():
    order = drawn(["same"] * 50 + [f"other {n}" for n in range(50)])
    assert sorted(order) == list(range(100))
    assert 15 < sum(at < 50 for at in order[:50]) < 35


def test_the_opening_that_most_rows_share_is_told_and_masked():
    found, _ = wording([*["How do I pay?"] * 3, "how do i stop", "Why me", "..."])
    assert (found.opening, found.opening_share) == ("how do i", 4 / 5)
    found, _ = wording(["one two three", "two three four"])
    assert (found.opening, found.opening_share) == ("", 1 / 2)


@given(texts=st.lists(st.text(max_size=30), min_size=1, max_size=12), seed=st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_the_order_of_rows_changes_no_measure_of_the_wording(texts, seed):
    turned = texts[::-1]
    assert wording(texts, seed=seed)[0] == wording(turned, seed=seed)[0]
    one, other = wording(texts, turned, seed=seed)
    assert one == other
    assert all(share is None or 0 < share <= 1 for share in one.distinct)


@pytest.mark.parametrize(("rows", "axes"), [(400, 30), (30, 400), (50, 50), (1, 8), (2, 3)])
def test_the_vendi_score_is_the_same_by_rows_and_by_axes(rows, axes):
    vectors = unit(np.random.default_rng(0).normal(size=(rows, axes)))
    one, other = _vendi(vectors, by_axes=True), _vendi(vectors, by_axes=False)
    assert one == pytest.approx(other, abs=1e-8)
    wide = vectors.astype(np.float64)
    wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    shares = np.linalg.svd(wide, compute_uv=False) ** 2 / rows  # of the vectors themselves: no matrix of products
    shares = shares[shares > 1e-15]
    assert vendi(vectors) == pytest.approx(float(np.exp(-(shares * np.log(shares)).sum())), abs=1e-8)


def test_the_vendi_score_counts_rows_that_share_nothing():
    axes = np.eye(4, dtype=np.float32)
    assert vendi(axes) == pytest.approx(4)
    assert vendi(np.repeat(axes, 25, axis=0)) == pytest.approx(4)
    assert vendi(axes[[0, 0, 0, 1]]) == pytest.approx(4 / 27**0.25)  # e^H of 3/4 and 1/4


def test_the_nearest_row_is_found_over_blocks():
    draw = np.random.default_rng(0)
    vectors, known = unit(draw.normal(size=(1_500, 5))), unit(draw.normal(size=(40, 5)))
    products = vectors.astype(np.float64) @ known.T.astype(np.float64)
    cosines, which = nearest(vectors, known)
    assert which.tolist() == products.argmax(axis=1).tolist()
    assert cosines == pytest.approx(products.max(axis=1), abs=1e-6)
    among = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    np.fill_diagonal(among, -2)
    assert nearest(vectors)[0] == pytest.approx(among.max(axis=1), abs=1e-6)


def test_spread_of_one_row_and_of_two():
    assert spread(unit([[1, 0]]), near=0.9).nearest is None
    assert spread(np.zeros((0, 2), np.float32), near=0.9).vendi is None
    found = spread(unit([[1, 0], [3, 4]]), near=0.6)
    assert (found.nearest, found.near) == (pytest.approx(0.6), 1.0)


def angles(*degrees):
    return unit([[np.cos(np.radians(one)), np.sin(np.radians(one))] for one in degrees])


def test_reach_by_hand():
    """Twenty real rows a degree apart at 0, twenty at 90: made rows at 5, at 8 and at 45, which nobody is near to."""
    real = angles(*range(20), *range(90, 110))
    found = reach(angles(5, 8.4, 45), real, near=0.9999, seed=0)
    assert sum(region.real for region in found.regions) == 40
    assert found.reach[0] == pytest.approx(np.cos(np.radians(1)), abs=1e-6)
    assert found.outside == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert sum(region.made for region in found.regions) == 2
    assert found.nearest == pytest.approx(np.cos(np.radians(0.4)), abs=1e-6)
    assert found.near == pytest.approx(2 / 3)  # 1 degree is a cosine of 0.99985, 0.4 of 0.99998
    held = sum(region.made > 0 for region in found.regions)
    assert found.covered == held / len(found.regions)


def test_what_as_many_real_rows_would_reach_is_counted():
    real = angles(*range(0, 20), *range(90, 110))
    found = reach(real[:1], real, near=0.9, seed=0)
    assert found.expected == pytest.approx(1 / len(found.regions))
    assert reach(real, real, near=0.9, seed=0).expected == 1.0


def test_two_halves_of_a_real_set_are_alike(bank):
    found = diversity(bank[:2_000], bank[2_000:4_000], encoder=tfidf_vectors, name="tfidf")
    assert found.sentences == ["Nothing stands out beside 2,000 real rows."]
    assert found.reach is not None
    assert found.reach.covered > 0.97
    assert found.reach.outside[0] == pytest.approx(0.05, abs=0.03)
    assert found.gaps == [] or found.gaps[0].rows < 30


def test_a_planted_collapse_shows_in_every_measure(bank):
    found = diversity(collapsed(bank[4_000:], 2_000), bank[:2_000], encoder=tfidf_vectors, name="tfidf")
    made, real = found.made, found.real
    assert real is not None
    assert found.reach is not None
    for own, other in zip(made.wording.distinct, real.wording.distinct, strict=True):
        assert own < other / 4
    assert made.wording.compression > 5 * real.wording.compression
    assert made.wording.opening_share > 3 * real.wording.opening_share
    assert made.spread.vendi < real.spread.vendi / 5
    assert made.spread.nearest > 0.95 > real.spread.nearest
    assert made.spread.near > 0.95
    assert found.reach.covered < 0.3
    assert found.reach.expected > 0.99
    said = " ".join(found.sentences)
    for word in (
        "distinct runs",
        "compresses",
        "begin with",
        "Vendi",
        "at a cosine of 0.9",
        "nearest other",
        "regions of the real",
    ):
        assert word in said
    assert 1 <= len(found.gaps) <= 5
    assert all(gap.rows > 10 and gap.example for gap in found.gaps)


def test_rows_of_another_world_are_outside(bank, shared):
    lines = (shared / "math_contamination" / "gsm8k" / "test.jsonl").read_text(encoding="utf-8").splitlines()[:500]
    other = [json.loads(line)["question"] for line in lines]
    found = diversity(other, bank[:1_000], encoder=tfidf_vectors)
    assert found.reach is not None
    assert found.reach.outside[0] > 0.5
    assert found.reach.covered < 0.5
    assert any("farther from every real row" in sentence for sentence in found.sentences)


def test_copies_of_real_rows_are_told(bank):
    found = diversity([f"{text} " for text in bank[:500]], bank[:500], encoder=tfidf_vectors)
    assert any("nearly repeat" in sentence for sentence in found.sentences)


def test_the_summary_is_json_and_the_same_whatever_the_order(bank):
    made, real = collapsed(bank[4_000:], 300), bank[:700]
    one = diversity(pl.Series(made), pl.Series(real), encoder=tfidf_vectors, name="tfidf").summary()
    other = diversity(made[::-1], real[::-1], encoder=tfidf_vectors, name="tfidf").summary()
    assert json.dumps(one) == json.dumps(other)
    assert one["parameters"] == {"encoder": "tfidf", "near": 0.9, "most": 5_000, "seed": 0}
    assert sum(region["real"] for region in one["reach"]["regions"]) == 700


def test_without_real_rows_the_measures_stand_alone():
    found = diversity(
        pl.Series(["one two", "three four", "one two"]), pl.Series([], dtype=pl.String), encoder=tfidf_vectors
    )
    assert found.real is None
    assert found.reach is None
    assert found.made.wording.distinct[0] == pytest.approx(4 / 6)
    assert found.sentences == ["There are no real rows to compare with."]
    json.dumps(found.summary())


@pytest.mark.parametrize(
    ("made", "real"),
    [
        (["x"], ["y"]),
        ([""], [""]),
        (["🙂"], ["a b c"]),
        (["a"] * 3, []),
        (["a b c d"] * 3, ["a b c d"] * 3),
        (["退款"], ["退款", "é"]),
    ],
)
def test_odd_sets_are_measured_without_a_word_of_trouble(made, real):
    found = diversity(made, real, encoder=tfidf_vectors)
    json.dumps(found.summary(), allow_nan=False)
    assert all(found.sentences)


def test_few_rows_are_called_few():
    found = diversity(["pay my bill"] * 5, ["where is my card", "how do I pay"], encoder=tfidf_vectors)
    assert found.sentences[-1] == "There are only 2 rows to compare on one side: at least 30 say something."


def test_examples_of_gaps_are_masked(bank):
    secret = [f"send the refund {n} to ann{n}@example.com right away" for n in range(40)]
    found = diversity(bank[:200], bank[200:400] + secret, encoder=tfidf_vectors)
    assert any("[mail address]" in gap.example for gap in found.gaps)
    assert "example.com" not in json.dumps(found.summary())


def test_wrong_use_is_told():
    with pytest.raises(UsageError, match="no made row"):
        diversity([], ["a"], encoder=tfidf_vectors)
    with pytest.raises(UsageError, match="a cosine to reach"):
        diversity(["a"], encoder=tfidf_vectors, near=1.5)
    with pytest.raises(UsageError, match="at least 2 rows"):
        diversity(["a"], encoder=tfidf_vectors, most=1)
    with pytest.raises(DataError, match="one vector a text"):
        diversity(["a", "b"], encoder=lambda texts: np.zeros((1, 3), np.float32))
