"""Inputs on which a join of near-duplicates breaks down: right answers, within seconds, in bounded memory."""

import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_array  # noqa: TID253
from scipy.sparse.csgraph import connected_components  # noqa: TID253
from vetset.curate.near import joining
from vetset.curate.near.shingles import Shingle, shingled

LIMIT = 2.0  # CPU seconds for each input
BENCH = Path(__file__).resolve().parents[2] / "benchmarks" / "duplicates.py"


class Joined:
    """What the join says of texts, and the CPU seconds that it took, on all threads together."""

    def __init__(self, texts, threshold=0.8, **options):
        texts = pl.Series(texts, dtype=pl.String)
        started = time.process_time()
        self.sets = shingled(texts, **options)
        self.ready = joining.prepare(self.sets, threshold)
        self.component = joining.components(self.sets, self.ready)
        self.keepers, self.jaccard = joining.stars(self.sets, self.ready, self.component, np.arange(len(texts)))
        self.seconds = time.process_time() - started
        print(f"{self.seconds:.2f} CPU s")

    @property
    def kept(self):
        return int((self.keepers == np.arange(len(self.keepers))).sum())

    @property
    def clusters(self):
        return len(set(self.component.tolist()) - {-1})


@pytest.fixture(autouse=True, scope="module")
def compiled():
    """Compilation and the tables of characters, once a process, are not what is measured here."""
    Joined(["a b c d e f g h", "a b c d e f g h i", "été", "\u0301a", "क्ष"])
    Joined(["abcdefgh"], shingle=Shingle("char", 5))
    fields = [(a, b, c) for a in range(12) for b in range(12) for c in range(12)]
    Joined([" ".join(f"t{word}" if word % 20 else f"v{row[word // 20]}" for word in range(60)) for row in fields])


def template(rows, words, common, draw):
    """Rows that share the first ``common`` of ``words`` words and have the rest for themselves.

    Of two rows (common - 4) shingles are shared, and each has words - common of its own.
    """
    head = " ".join(f"t{number}" for number in range(common))
    return [f"{head} {' '.join(f'x{draw.getrandbits(60)}' for _ in range(words - common))}" for _ in range(rows)]


def within_limit(joined):
    assert joined.seconds <= LIMIT
    return joined


def test_50_000_identical_rows_are_one_cluster_with_one_keeper():
    joined = within_limit(Joined(["the same sentence stands in every row of this very set " * 4] * 50_000))
    assert joined.clusters == joined.kept == 1
    assert (joined.jaccard == 1).all()


@pytest.mark.parametrize(
    ("common", "own", "clusters"), [(73, 30, 20_000), (194, 10, 1)], ids=["J of 0.535", "J of 0.905"]
)
def test_20_000_rows_of_one_template(common, own, clusters):
    joined = within_limit(Joined(template(20_000, common + own, common, random.Random(0))))
    assert joined.clusters == joined.kept == clusters


@pytest.mark.parametrize(("common", "own", "jaccard"), [(74, 15, 0.7), (194, 5, 0.95)])
def test_20_000_rows_of_one_template_at_a_jaccard_index(common, own, jaccard):
    joined = within_limit(Joined(template(20_000, common + own, common, random.Random(0))))
    assert (common - 4) / (common - 4 + 2 * own) == pytest.approx(jaccard, abs=1e-9)
    assert joined.clusters == joined.kept == (1 if jaccard >= 0.8 else 20_000)
    assert jaccard < 0.8 or (np.delete(joined.jaccard, 0) == (common - 4) / (common - 4 + 2 * own)).all()


@pytest.mark.parametrize(("shared", "own"), [(376, 50), (79, 10.5), (80, 10), (81, 9.5), (378, 47), (376, 47)])
def test_5_000_rows_of_one_template_close_to_the_threshold(shared, own):
    """Every row shares nearly enough with every other."""
    own = round(own * 2)
    shared *= 2
    joined = within_limit(Joined(template(5_000, shared + 4 + own, shared + 4, random.Random(0))))
    alike = shared * 5 >= (shared + 2 * own) * 4
    assert joined.clusters == joined.kept == (1 if alike else 5_000)


@pytest.mark.parametrize(
    ("words", "fields", "values"), [(93, 3, 10), (93, 3, 30), (93, 3, 100), (93, 2, 500), (194, 6, 20), (124, 5, 8)]
)
def test_5_000_filled_in_forms_are_clustered_by_the_fields_that_they_share(words, fields, values):
    """Letters of one form, with a few values for each field: hardly a shingle is rare, and any two rows share some.

    Rows that differ in d fields share all but 5d of their shingles. test_near_crowds.py has more of them.
    """
    filled = np.random.default_rng(0).integers(0, values, (5_000, fields))
    places = [int((field + 0.5) * words / fields) for field in range(fields)]
    texts = []
    for row in filled:
        said = [f"t{number}" for number in range(words)]
        for place, value in zip(places, row, strict=True):
            said[place] = f"v{place}x{value}"
        texts.append(" ".join(said))
    Joined(texts)  # what forms need is compiled when the first of them comes
    joined = within_limit(Joined(texts))
    apart = sum((filled[:, field, None] != filled[None, :, field]).astype(np.int64) for field in range(fields))
    alike = 5 * (words - 4 - 5 * apart) >= 4 * (words - 4 + 5 * apart)
    _, label = connected_components(csr_array(alike), directed=False)
    assert joined.component.tolist() == [int(np.flatnonzero(label == own)[0]) for own in label]
    kept = joined.keepers == np.arange(5_000)
    assert kept[joined.keepers].all()
    assert alike[np.arange(5_000), joined.keepers].all()
    assert alike[np.ix_(kept, kept)].sum() == kept.sum()


def test_100_000_empty_rows_never_merge():
    joined = within_limit(Joined(["", " ", "\u200b", None] * 25_000))
    assert (joined.component == -1).all()
    assert (joined.keepers == -1).all()


def test_three_texts_of_10_megabytes():
    draw = random.Random(0)
    words = [f"w{draw.getrandbits(40)}" for _ in range(50_000)]
    long = " ".join(draw.choices(words, k=770_000))
    assert len(long) > 10_000_000
    other = " ".join(draw.choices(words, k=770_000))
    joined = within_limit(Joined([long, long.upper() + " and a tail of seven words more", other]))
    assert joined.component.tolist() == [0, 0, 2]
    assert joined.keepers.tolist() == [0, 0, 2]
    assert 0.9999 < joined.jaccard[1] < 1


def test_20_000_distinct_rows_of_emoji_never_merge():
    signs = [chr(code) for code in [*range(0x1F600, 0x1F64F), *range(0x1F300, 0x1F320)]]
    draw = random.Random(0)
    rows = {"".join(draw.choices(signs, k=8)) for _ in range(20_500)}
    joined = within_limit(Joined(sorted(rows)[:20_000]))
    assert joined.clusters == joined.kept == 20_000


def test_single_emoji_are_themselves_and_no_other():
    faces = [chr(code) for code in range(0x1F600, 0x1F64F)]
    joined = within_limit(Joined(faces * 250))
    assert joined.clusters == joined.kept == len(faces)


@pytest.mark.parametrize(
    "span", [range(0x4E00, 0x9F00), range(0xAC00, 0xD7A4), range(0x3041, 0x3097), range(0x0E01, 0x0E2F)],
    ids=["ideographs", "Hangul", "kana", "Thai"],
)  # fmt: skip
def test_10_000_pairs_in_a_script_without_spaces_are_all_found(span):
    draw = random.Random(0)
    signs = [chr(code) for code in span]
    rows = []
    for _ in range(10_000):
        text = draw.choices(signs, k=120)
        rows.append("".join(text))
        text[60] = draw.choice(signs[: signs.index(text[60])] or signs[1:])
        rows.append("".join(text))
    joined = within_limit(Joined(rows))
    assert joined.component.tolist() == [row - row % 2 for row in range(20_000)]


def test_one_token_of_5_000_characters():
    draw = random.Random(0)
    letters = "abcdefghijklmnopqrstuvwxyz"
    tokens = ["".join(draw.choices(letters, k=5_000)) for _ in range(1_000)]
    joined = within_limit(Joined([*tokens, *(token.upper() for token in tokens)]))
    assert joined.component.tolist() == [row % 1_000 for row in range(2_000)]


def test_one_word_repeated_is_one_shingle_however_often():
    joined = within_limit(Joined([("spam " * (5 + number % 50)).strip() for number in range(20_000)]))
    assert joined.clusters == joined.kept == 1
    assert joined.sets.sizes.tolist() == [1] * 20_000


def test_one_word_fewer_times_than_a_shingle_is_wide_is_another_text():
    joined = within_limit(Joined(["spam " * times for times in range(1, 7)]))
    assert joined.component.tolist() == [0, 1, 2, 3, 4, 4]


@pytest.mark.parametrize(("low", "high"), [(0x05D0, 0x05EB), (0x0627, 0x064B)], ids=["Hebrew", "Arabic"])
def test_right_to_left_texts_with_and_without_points_and_marks(low, high):
    draw = random.Random(0)
    letters = [chr(code) for code in range(low, high) if chr(code).isalpha() and code != 0x0640]
    words = ["".join(draw.choices(letters, k=5)) for _ in range(3_000)]
    rows = []
    for _ in range(5_000):
        text = draw.choices(words, k=40)
        rows += [" ".join(text), "\u200f" + " \u202b".join(word[0] + "\u05b0\u064f" + word[1:] for word in text)]
    joined = within_limit(Joined(rows))
    assert joined.component.tolist() == [row - row % 2 for row in range(10_000)]
    assert (joined.jaccard == 1).all()


@pytest.mark.parametrize(
    ("one", "other"), [("ß", "SS"), ("ŉ", "ʼn"), ("ΐ", "ΐ"), ("ﬃ", "FFI"), ("İ", "i̇"), ("ﷺ", "صلى الله عليه وسلم"), ("և", "ԵՒ")]
)  # fmt: skip
def test_case_folding_that_changes_the_length(one, other):
    draw = random.Random(0)
    rows = []
    for _ in range(5_000):
        words = [f"{draw.getrandbits(24):x}" for _ in range(20)]
        rows += [" ".join(f"a{word}{sign}b{word}" for word in words) for sign in (one, other)]
    joined = within_limit(Joined(rows))
    assert joined.component.tolist() == [row - row % 2 for row in range(10_000)]
    assert (joined.jaccard == 1).all()


def test_an_expanding_sign_repeated_does_not_outgrow_its_room():
    joined = within_limit(
        Joined(["ﷺ" * 50_000, "ﷺ " * 50_000, "ﬃ" * 100_000, "㍿" * 50_000, "\u0344" * 50_000 + "a"] * 4)
    )
    assert joined.clusters == 5
    assert joined.component.tolist() == [0, 1, 2, 3, 4] * 4


def test_every_row_holds_the_same_long_header():
    """A header of half the text: no pair is near, and no shingle of the header may cost a list of all rows."""
    joined = within_limit(Joined(template(20_000, 120, 62, random.Random(0))))
    assert joined.clusters == 20_000


def test_memory_stays_within_a_multiple_of_the_text(tmp_path):
    """Peak above the text in a process of its own: 20,000 rows of one template, and three of 10 MB."""
    code = """
import random, sys, numpy as np, polars as pl
sys.path.insert(0, sys.argv[1])
from test_near_hard import Joined, template
def peak(): return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024
Joined(["a b c d e f", "été"])
texts = pl.Series(template(20_000, 204, 194, random.Random(0)) + [" ".join(map(str, range(n, n + 1_600_000))) for n in range(3)])
open("/proc/self/clear_refs", "w").write("5")
before = peak()
Joined(texts)
print((peak() - before) / (texts.str.len_bytes().sum() / 2**20))
"""
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("peak memory is read from /proc")
    told = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert float(told.stdout.split()[-1]) < 8


@pytest.mark.slow
def test_the_bench_runs_and_finds_every_pair(shared):
    assert shared.exists()
    told = subprocess.run(
        [sys.executable, BENCH, "--quick", "--only", "vetset"], capture_output=True, text=True, check=True, timeout=600
    )
    assert "recall 1.0000, precision 1.0000" in told.stdout
    assert "Rows in another component than by the truth: 0." in told.stdout
