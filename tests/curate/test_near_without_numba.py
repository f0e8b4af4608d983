"""The numpy path against the compiled one: the same sets, the same pairs, components, stars and scores."""

import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate.errors import UsageError
from vetset.curate.near import comparing_in_numpy, joining, joining_in_numpy, shingles, shingles_in_numpy
from vetset.curate.near.shingles import Shingle

THRESHOLDS = st.sampled_from([0.3, 0.5, 0.7, 0.8, 0.9, 1.0])
SHINGLES = st.builds(Shingle, st.sampled_from(["word", "char"]), st.sampled_from([1, 2, 3, 5]))
# Expansions, dropped marks, characters that lean on their neighbours, scripts without spaces, signs.
ODD = [
    "日本",
    "ﷺ",
    "ﬃ",
    "ß",
    "e\u0301",
    "é",
    "\u200b",
    "ไป",
    "कि",
    "ᄀ\u1161",
    "가",
    "!",
    "?!",
    "😀",
    "\n",
    "ﾊﾟ",
    "_",
    "\x7f",
]


@st.composite
def near_copies(draw):
    """Texts made of few words, many of them edits of one another."""
    words = [f"w{i}" for i in range(draw(st.sampled_from([3, 10, 60])))] + draw(st.lists(st.sampled_from(ODD)))
    rng = draw(st.randoms(use_true_random=False))
    base = [[rng.choice(words) for _ in range(rng.randint(0, 40))] for _ in range(rng.randint(1, 8))]
    texts = []
    for _ in range(rng.randint(1, 40)):
        edited = list(rng.choice(base))
        for _ in range(rng.randint(0, 3)):
            if edited:
                edited[rng.randrange(len(edited))] = rng.choice(words)
        texts.append(rng.choice([" ", "", ", "]).join(edited))
    return texts


def equal_rows(sets):
    """Which rows have equal sets, by their sums and by their members."""
    members = [frozenset(sets.hashes[a : a + n].tolist()) for a, n in zip(sets.starts, sets.sizes, strict=True)]
    sums = [tuple(pair) for pair in sets.sums.tolist()]
    assert [members.index(m) for m in members] == [sums.index(s) for s in sums]
    assert all(len(m) == n for m, n in zip(members, sets.sizes, strict=True))
    return [members.index(m) for m in members]


def overlaps(sets):
    members = [set(sets.hashes[a : a + n].tolist()) for a, n in zip(sets.starts, sets.sizes, strict=True)]
    return [len(a & b) for a in members for b in members]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("".join(ODD))), max_size=12)), SHINGLES)
def test_any_text_gives_the_same_sets(texts, shingle):
    pieces = pl.Series(texts, dtype=pl.String)
    one, other = shingles.shingled(pieces, shingle=shingle), shingles_in_numpy.shingled(pieces, shingle=shingle)
    assert one.sizes.tolist() == other.sizes.tolist()
    assert equal_rows(one) == equal_rows(other)
    assert overlaps(one) == overlaps(other)
    assert one.counts.size == other.counts.size
    assert one.counts.sum() == other.counts.sum()  # short of 255 every shingle is counted, in whatever cell


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from([*ODD, "one two three", "a b"]), max_size=4), max_size=8), SHINGLES)
def test_texts_of_several_pieces_give_the_same_sets(texts, shingle):
    pieces = pl.Series([piece for pieces in texts for piece in pieces], dtype=pl.String)
    bounds = np.cumsum([0, *map(len, texts)]).astype(np.int64)
    one = shingles.shingled(pieces, bounds, shingle=shingle)
    other = shingles_in_numpy.shingled(pieces, bounds, shingle=shingle)
    assert one.sizes.tolist() == other.sizes.tolist()
    assert overlaps(one) == overlaps(other)


def test_a_conversation_of_many_empty_turns_stays_in_its_room():
    """In a process of its own: it wrote beyond its room, and then tried for ever."""
    code = """
import numpy as np, polars as pl
from vetset.curate.near import shingles, shingles_in_numpy
pieces, bounds = pl.Series(["a", *[None] * 5_000, "b", None]), np.array([0, 5_002, 5_003])
for way in (shingles, shingles_in_numpy):
    sets = way.shingled(pieces, bounds, shingle=shingles.Shingle("char", 5))
    print(sets.sizes.tolist())
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.splitlines() == ["[3, 0]"] * 2


@pytest.mark.parametrize("chunk", [7, 1 << 21])
@settings(max_examples=40, deadline=None)
@given(near_copies(), THRESHOLDS, SHINGLES)
def test_the_join_finds_what_the_compiled_one_finds(chunk, texts, threshold, shingle):
    kept = joining_in_numpy.CHUNK
    joining_in_numpy.CHUNK = comparing_in_numpy.CHUNK = chunk
    try:
        compare(texts, threshold, shingle)
    finally:
        joining_in_numpy.CHUNK = comparing_in_numpy.CHUNK = kept


def compare(texts, threshold, shingle):
    pieces = pl.Series(texts)
    fast, slow = shingles.shingled(pieces, shingle=shingle), shingles_in_numpy.shingled(pieces, shingle=shingle)
    ready, plain = joining.prepare(fast, threshold), joining_in_numpy.prepare(slow, threshold)
    assert joining_in_numpy.pairs(slow, plain).equals(joining.pairs(fast, ready))
    component = joining_in_numpy.components(slow, plain)
    assert component.tolist() == joining.components(fast, ready).tolist()
    rank = np.argsort([text[::-1] for text in texts], kind="stable").argsort()
    for one, other in zip(
        joining_in_numpy.stars(slow, plain, component, rank), joining.stars(fast, ready, component, rank), strict=True
    ):
        assert one.tolist() == other.tolist()
        assert one.dtype == other.dtype
    held = np.array([len(text) % 2 == 0 for text in texts])
    peer, score = joining_in_numpy.closest(slow, plain, held, ~held, limit=1000)
    expected, same = joining.closest(fast, ready, held, ~held)
    assert score.tolist() == same.tolist()
    assert peer.tolist() == expected.tolist()  # of equally close rows both take the lowest
    jaccard = {(a, b): j for a, b, j in joining.pairs(fast, ready).iter_rows()}
    for row in np.flatnonzero(peer >= 0):
        assert not held[peer[row]]
        assert jaccard[min(row, peer[row]), max(row, peer[row])] == score[row]


def test_forms_of_one_text_are_one_set():
    forms = ["ΟΔΟΣ ΤΗΣ ΠΟΛΗΣ ΕΙΝΑΙ ΜΕΓΑΛΗ", "οδος της πολης ειναι μεγαλη"]
    forms += ["die große straße ist lang und", "DIE GROSSE STRASSE IST LANG UND"]
    forms += ["café s'il vous plaît monsieur", unicodedata.normalize("NFD", "café s'il vous plaît monsieur")]
    sets = shingles_in_numpy.shingled(pl.Series(forms))
    assert equal_rows(sets) == [0, 0, 2, 2, 4, 4]


def test_empty_and_unseen_texts_are_never_alike():
    sets = shingles_in_numpy.shingled(pl.Series(["", None, " \n", "\u200b", "a b c d e f"]))
    assert sets.sizes.tolist() == [0, 0, 0, 0, 2]
    ready = joining_in_numpy.prepare(sets, 0.8)
    assert joining_in_numpy.components(sets, ready).tolist() == [-1, -1, -1, -1, 4]
    none = shingles_in_numpy.shingled(pl.Series([], dtype=pl.String))
    assert joining_in_numpy.pairs(none, joining_in_numpy.prepare(none, 0.8)).is_empty()


def test_wrong_thresholds_and_too_many_pairs_are_refused():
    sets = shingles_in_numpy.shingled(pl.Series(["a b"] * 4))
    with pytest.raises(UsageError, match="over 0 and at most 1"):
        joining_in_numpy.prepare(sets, 80)
    with pytest.raises(UsageError, match="6 pairs are more"):
        joining_in_numpy.pairs(sets, joining_in_numpy.prepare(sets, 0.8), most=5)


@pytest.mark.parametrize("changed", [2, 9])
def test_a_template_of_thousands_is_joined_without_listing_its_pairs(changed):
    body = " ".join(f"word{n}" for n in range(100))
    texts = pl.Series([f"{' '.join(f'r{n}x{i}' for i in range(changed))} {body}" for n in range(4000)])
    sets = shingles_in_numpy.shingled(texts)
    ready = joining_in_numpy.prepare(sets, 0.8)
    component = joining_in_numpy.components(sets, ready)
    keepers, _ = joining_in_numpy.stars(sets, ready, component, np.arange(len(texts)))
    assert np.unique(component).size == np.unique(keepers).size == 1


def test_the_path_needs_no_numba():
    code = (
        "import sys; sys.modules['numba'] = None\n"
        "import polars as pl, numpy as np\n"
        "from vetset.curate.near import joining_in_numpy as j, shingles_in_numpy as s\n"
        "sets = s.shingled(pl.Series(['a b c d e f g h i j k l m n o p', 'a b c d e f g h i j k l m n o q']))\n"
        "print(len(j.pairs(sets, j.prepare(sets, 0.8))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"


@pytest.mark.slow
def test_a_check_runs_without_numba_and_says_what_it_left_out(tmp_path):
    """In a process in which numba can't be imported."""
    text = " ".join(f"word{i}" for i in range(100))
    lines = "".join(f'{{"text": "{text} {end}", "label": "a"}}\n' for end in ("", "end", "other end"))
    (tmp_path / "x.jsonl").write_text(lines, encoding="utf-8")
    script = """
import sys
sys.modules["numba"] = None
from vetset.app import cli
assert cli.run(["read", "x.jsonl", "-o", "x.vet"]) == 0
code = cli.run(["check", "x.vet", "--json"])
assert cli.run(["check", "x.vet", "--select", "leakage.ngram"]) == 64
assert cli.run(["check", "x.vet", "--encoder", "tfidf"]) == 64
sys.exit(code)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert '"duplicates.near": {"rows": 2' in done.stdout
    assert "leakage.ngram" in done.stderr
    assert "pip install numba" in done.stderr


@pytest.mark.parametrize("asked", ["compiled", "cosine_kernels"])
def test_where_nothing_can_be_kept_loops_are_compiled_in_a_folder_of_the_process(asked):
    """numba keeps what it compiles beside the module or with the user, and gives up where neither can be written."""
    script = """
import os, sys
import numba, numba.core.caching as caching
class Refused:
    @classmethod
    def from_function(cls, *_): return None
own = caching.CacheImpl._locator_classes
caching.CacheImpl._locator_classes = [kind if "UserProvided" in kind.__name__ else Refused for kind in own]
if sys.argv[1] == "compiled":
    from vetset.curate.near.compiled import compiled
    assert compiled()
else:
    from vetset.curate.near import cosine_kernels
folder = numba.config.CACHE_DIR
assert os.path.isdir(folder) and os.stat(folder).st_mode & 0o077 == 0
from vetset.curate.near import kernels
print(folder)
"""
    done = subprocess.run([sys.executable, "-c", script, asked], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not Path(done.stdout.strip()).exists()  # gone with the process


def test_loops_are_compiled_again_when_one_that_they_call_has_changed(tmp_path):
    """numba looks at the file of the outer loop only, and would go on with the old inner one."""
    loop = "from numba import njit\n{}\n@njit(cache=True)\ndef {}(value):\n    return {}\n"
    (tmp_path / "outer_kernels.py").write_text(loop.format("from inner_kernels import inner", "outer", "inner(value)"))
    script = """
from pathlib import Path
from vetset.curate.near.compiled import drop_stale
drop_stale(Path.cwd())
from outer_kernels import outer
print(outer(1), sum(outer.stats.cache_hits.values()))
"""
    said = []
    for meaning in ("value + 1", None, "value + 100"):
        if meaning is not None:
            (tmp_path / "inner_kernels.py").write_text(loop.format("", "inner", meaning))
        command = [sys.executable, "-c", script]
        said.append(subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout.split())
    assert said == [["2", "0"], ["2", "1"], ["101", "0"]]  # kept where nothing has changed
