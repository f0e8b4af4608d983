"""Eval rows of real sets, planted among drafts: what is caught of them, and what of rows that people wrote."""

import importlib.util
import sys
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetset.curate.distill.gates.eval_words import EvalWords, Habits, but_one, words_of

BENCH = Path(__file__).resolve().parents[2] / "benchmarks" / "distill_gates.py"


@pytest.fixture(scope="module")
def bench():
    """What plants and measures, as the benchmark does."""
    spec = importlib.util.spec_from_file_location("distill_gates_bench", BENCH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


# Words from which a text counts where a word or half is planted: of four words half are two, and chance says as much.
SHORTEST = {"word": 5, "half": 5, "half inside": 13}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "inside"),
    [("bank_intents", 0.6), ("github_docs_issues", 0.95), ("pubmedqa questions", 0.98), ("math_contamination", 0.99)],
)
def test_planted_eval_rows_are_caught_and_clean_rows_are_not(bench, shared, name, inside):
    held, real = bench.texts_of(name, shared)
    found = bench.leaks(held, real, plants=200, controls=600, seed=1)
    table = found.table.filter(pl.col("new"))
    for kind in bench.KINDS:
        own = table.filter((pl.col("kind") == kind) & (pl.col("words") >= SHORTEST.get(kind, 1)))
        assert own["caught"].mean() >= (inside if kind == "half inside" else 0.99), (
            kind,
            own.filter(~pl.col("caught")),
        )
    clean = found.controls.filter(~pl.col("leak") & ~pl.col("word") & ~pl.col("part"))
    assert clean.height >= 200
    assert clean["caught"].mean() <= 0.01 + 1e-9 + 1 / clean.height
    assert found.controls.filter("leak")["caught"].all()


TEXTS = st.lists(
    st.sampled_from(["card", "bank", "late", "how", "why", "my", "the", "till", "Oslo", "ü", "東", "42"]),
    min_size=3,
    max_size=20,
)


@given(TEXTS, st.data())
def test_a_text_with_any_one_word_changed_taken_or_put_in_is_found(words, data):
    at = data.draw(st.integers(0, len(words) - 1))
    changed, fewer, more = (
        [*words[:at], *put, *words[at + keep :]] for put, keep in ((["zebra"], 1), ([], 1), (["zebra"], 0))
    )
    short = EvalWords(["something else altogether here", " ".join(words)], [])
    for one in (words, changed, fewer, more):
        assert short.find(" ".join(one).upper()) is not None


@given(TEXTS)
def test_without_eval_texts_nothing_is_found(words):
    assert EvalWords([], [" ".join(words)]).find(" ".join(words)) is None
    assert EvalWords(["", "two words"], []).find(" ".join(words)) is None


def test_words_are_told_in_any_script():
    assert words_of("Ça va-t-il?  Ｓtraße") == ("ca", "vatil", "strasse")
    assert words_of("信用卡 被拒") == ("信", "用", "卡", "被", "拒")
    assert words_of("...  https://a.example/b") == ()


def test_what_is_left_without_one_word_holds_the_whole():
    assert but_one(("a", "b")) == {("a", "b"), ("a",), ("b",)}


def test_a_run_that_real_texts_are_full_of_surprises_less():
    habits = Habits([("how", "do", "i", "get", name) for name in ("cash", "cards", "coins", "notes")])
    assert habits.surprise(("how", "do", "i")) < 3
    assert habits.surprise(("i", "how", "do")) > 5
