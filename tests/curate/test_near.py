"""Shingle sets and the exact join, held against brute force."""

import itertools
import unicodedata

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate.errors import UsageError
from vetset.curate.near import joining, joining_in_numpy
from vetset.curate.near.prefix_kernels import mark_repeated
from vetset.curate.near.shingles import Shingle, shingled

THRESHOLDS = st.sampled_from([0.3, 0.5, 0.7, 0.8, 0.9, 1.0])
SHINGLES = st.builds(Shingle, st.sampled_from(["word", "char"]), st.sampled_from([1, 2, 3, 5]))


@st.composite
def near_copies(draw):
    """Texts made of few words, many of them edits of one another."""
    words = [f"w{i}" for i in range(draw(st.sampled_from([3, 10, 60])))] + ["日本語", "été", "😀"]
    rng = draw(st.randoms(use_true_random=False))
    base = [[rng.choice(words) for _ in range(rng.randint(0, 40))] for _ in range(rng.randint(1, 8))]
    texts = []
    for _ in range(rng.randint(1, 40)):
        edited = list(rng.choice(base))
        for _ in range(rng.randint(0, 3)):
            if edited:
                edited[rng.randrange(len(edited))] = rng.choice(words)
        texts.append(rng.choice([" ", "  ", ", "]).join(edited))
    return texts


def brute(sets, tenths):
    """Every pair by the definition, on whole numbers."""
    members = [
        set(sets.hashes[start : start + size].tolist()) for start, size in zip(sets.starts, sets.sizes, strict=True)
    ]
    found = {}
    for a, b in itertools.combinations(range(len(members)), 2):
        common, union = len(members[a] & members[b]), len(members[a] | members[b])
        if union and common * 10 >= tenths * union:
            found[a, b] = common / union
    return found


@settings(max_examples=150, deadline=None)
@given(near_copies(), THRESHOLDS, SHINGLES, st.integers(1, 3))
def test_pairs_components_and_stars_are_those_of_brute_force(texts, threshold, shingle, threads):
    sets = shingled(pl.Series(texts), shingle=shingle, threads=threads)
    ready = joining.prepare(sets, threshold, threads=threads)
    expected = brute(sets, round(threshold * 10))
    assert {(a, b): j for a, b, j in joining.pairs(sets, ready).iter_rows()} == expected

    parents = list(range(len(texts)))

    def root(row):
        return row if parents[row] == row else root(parents[row])

    for a, b in expected:
        low, high = sorted((root(a), root(b)))
        parents[high] = low
    component = joining.components(sets, ready)
    assert component.tolist() == [root(row) if size else -1 for row, size in enumerate(sets.sizes)]

    rank = np.argsort([text[::-1] for text in texts], kind="stable").argsort()
    keepers, jaccard = joining.stars(sets, ready, component, rank)
    kept = {row for row, keeper in enumerate(keepers) if row == keeper}
    for row, keeper in enumerate(keepers):
        if keeper < 0:
            assert sets.sizes[row] == 0
        elif row != keeper:
            assert keeper in kept
            assert rank[keeper] < rank[row]
            assert jaccard[row] == expected[min(row, keeper), max(row, keeper)]
    assert not [pair for pair in expected if set(pair) <= kept]

    held = np.array([len(text) % 2 == 0 for text in texts])
    peer, score = joining.closest(sets, ready, held, ~held)
    for row in range(len(texts)):
        others = {b if a == row else a: j for (a, b), j in expected.items() if row in (a, b)}
        best = max((j for other, j in others.items() if not held[other]), default=0) if held[row] else 0
        assert score[row] == best
        assert (peer[row] == -1) == (best == 0)
        assert peer[row] == -1 or others[peer[row]] == best


@settings(max_examples=60, deadline=None)
@given(near_copies(), THRESHOLDS, st.randoms(use_true_random=False))
def test_clusters_are_the_same_in_any_row_order(texts, threshold, rng):
    def clusters(order):
        shown = [texts[i] for i in order]
        sets = shingled(pl.Series(shown), threads=rng.choice([1, 2]))
        ready = joining.prepare(sets, threshold)
        component = joining.components(sets, ready)
        by_content = np.lexsort((shown, -sets.sizes)).argsort()
        keepers, _ = joining.stars(sets, ready, component, by_content)
        together, stars = {}, {}
        for at, name in enumerate(order):
            together.setdefault(component[at], set()).add(name)
            stars.setdefault(shown[keepers[at]] if keepers[at] >= 0 else name, set()).add(shown[at])
        return {frozenset(rows) for number, rows in together.items() if number >= 0}, {
            k: frozenset(v) for k, v in stars.items()
        }

    order = list(range(len(texts)))
    first = clusters(order)
    rng.shuffle(order)
    assert clusters(order) == first


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The quick brown fox jumps over it", "ＴＨＥ ｑｕｉｃｋ brown fox, jumps over it!"),
        ("The qu\u200bick bro\u00adwn fox jumps over it", "the quick brown fox jumps over it"),
        ("café s'il vous plaît monsieur merci", unicodedata.normalize("NFD", "café s'il vous plaît monsieur merci")),
        ("die gro\u00dfe stra\u00dfe ist lang und breit", "DIE GROSSE STRASSE IST LANG UND BREIT"),
        ("مرحبا بك في هذا البيت الكبير", "مَرحبا بك في هذا البيت الكبير"),
        ("ﬁne oﬃce work is never over today", "fine office work is never over today"),
        ("z\u0335a\u0336l\u0337g\u0338o is a text of five words", "zalgo is a text of five words"),
        ("ΟΔΟΣ ΤΗΣ ΠΟΛΗΣ ΕΙΝΑΙ ΜΕΓΑΛΗ", "οδος της πολης ειναι μεγαλη"),
        ("ﾊﾟｿｺﾝ を 使う 人", "パソコンを使う人"),
    ],
)  # fmt: skip
def test_texts_that_differ_in_form_only_are_equal_sets(one, other):
    sets = shingled(pl.Series([one, other]))
    assert sets.sizes[0] == sets.sizes[1] > 0
    assert (sets.sums[0] == sets.sums[1]).all()


@pytest.mark.parametrize(
    ("one", "other"), [("कि", "का"), ("é", "e"), ("😀", "😁"), ("!!!", "???"), ("ไป", "ไม่"), ("a", "b")]
)
def test_texts_that_mean_something_else_are_not(one, other):
    sets = shingled(pl.Series([one, other]))
    assert (sets.sizes == 1).all() or (sets.sizes > 0).all()
    assert (sets.sums[0] != sets.sums[1]).any()


def test_a_text_of_which_nothing_is_seen_is_never_alike():
    sets = shingled(pl.Series(["", None, " \n\t", "\u200b\u200b", "\ufeff", "a b c d e f"]))
    assert sets.sizes.tolist() == [0, 0, 0, 0, 0, 2]
    ready = joining.prepare(sets, 0.8)
    assert joining.components(sets, ready).tolist() == [-1, -1, -1, -1, -1, 5]
    assert joining.pairs(sets, ready).is_empty()


def test_text_without_spaces_is_cut_at_every_ideograph():
    long = "".join(chr(0x4E00 + 7 * i) for i in range(200))
    sets = shingled(pl.Series([long, long[:150] + "一" + long[151:]]))
    assert sets.sizes.tolist() == [196, 196]
    assert len(joining.pairs(sets, joining.prepare(sets, 0.8))) == 1


def test_words_do_not_go_over_the_end_of_a_piece():
    pieces = pl.Series(["one two", "three four five six", "one two three four five six"])
    sets = shingled(pieces, np.array([0, 2, 3]))
    assert (sets.sums[0] == sets.sums[1]).all()
    joined = shingled(pl.Series(["ab", "cd", "abcd"]), np.array([0, 2, 3]), shingle=Shingle("word", 1))
    assert joined.sizes.tolist() == [2, 1]


@pytest.mark.parametrize("join", [joining, joining_in_numpy])
def test_a_threshold_next_to_nothing_asks_for_one_shared_shingle(join):
    """It was rounded to 0, and a prefix longer than its set was read from beyond it."""
    sets = shingled(pl.Series(["a b c d e f", "a b c d e g", "x y z u v", "x y z u v w q r s t"]))
    ready = join.prepare(sets, 1e-9)
    assert join.components(sets, ready).tolist() == [0, 0, 2, 2]
    assert len(join.pairs(sets, ready)) == 2


@pytest.mark.parametrize("threshold", [0, -1, 1.2, 80, float("nan")])
def test_a_threshold_out_of_bounds_is_wrong_use(threshold):
    with pytest.raises(UsageError, match="over 0 and at most 1"):
        joining.prepare(shingled(pl.Series(["a b"])), threshold)


@pytest.mark.parametrize("name", ["", "word", "word0", "token5", "char100", "5"])
def test_a_shingle_that_is_none_is_wrong_use(name):
    with pytest.raises(UsageError, match="--shingle"):
        Shingle.named(name)


def test_no_text_at_all():
    sets = shingled(pl.Series([], dtype=pl.String))
    ready = joining.prepare(sets, 0.8)
    assert joining.components(sets, ready).size == 0
    assert joining.pairs(sets, ready).is_empty()


def test_signs_are_compared_wherever_they_stand():
    row = "😀😁😂🤣😃😄😅😆😇😈"
    sets = shingled(pl.Series([row, "!" + row, "!!", "!"]), shingle=Shingle("word", 5))
    assert sets.sizes.tolist() == [6, 7, 1, 1]
    assert joining.pairs(sets, joining.prepare(sets, 0.8)).row(0) == (0, 1, 6 / 7)
    once = shingled(pl.Series(["! ! !"]), shingle=Shingle("word", 1))
    assert once.sizes.tolist() == [1]


@pytest.mark.parametrize("join", [joining, joining_in_numpy])
def test_more_pairs_than_can_be_listed_are_refused(join):
    """65,600 equal rows have 2,151,647,200 pairs; in 32 bits that would be some four million."""
    ready = join.prepare(sets := shingled(pl.Series(["one text that is always the same"] * 65_600)), 0.8)
    with pytest.raises(UsageError, match="2,151,647,200 pairs are more"):
        join.pairs(sets, ready)
    words = " ".join(f"word{i}" for i in range(60))
    two = shingled(pl.Series([words] * 100 + [f"{words} more"] * 100))
    with pytest.raises(UsageError, match="10,000 pairs are more than the 9,999"):
        join.pairs(two, join.prepare(two, 0.8), most=9_999)


@pytest.mark.parametrize("parts", [3, 6, 12, 128])
def test_no_two_threads_mark_one_byte(parts):
    """Two that add to one byte at once lose a mark, and with it a pair."""
    keys = np.random.default_rng(0).integers(0, 2**64, 5_000, np.uint64)
    apart, together = np.zeros((parts, 64), np.uint8), np.zeros(64, np.uint8)
    for part in range(parts):
        mark_repeated(keys, apart[part], part, parts)
    mark_repeated(keys, together, 0, 1)
    assert (np.count_nonzero(apart, axis=0) <= 1).all()
    assert apart.sum(axis=0).tolist() == together.tolist()
