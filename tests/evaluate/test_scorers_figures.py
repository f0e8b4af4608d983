"""Figures of runs: classes as scikit-learn counts them, pass@k by brute force, seconds, tokens, cost; and specs of scorers."""

import itertools
import json
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate.errors import DataError, UsageError
from vetset.evaluate.runs.results import RESULTS
from vetset.evaluate.scorers.case import Case
from vetset.evaluate.scorers.class_labels import score_class
from vetset.evaluate.scorers.classification_report import classification_report
from vetset.evaluate.scorers.figures import run_figures
from vetset.evaluate.scorers.prices import Price, Prices, read_prices
from vetset.evaluate.scorers.registry import KINDS, scorer, scorers
from vetset.evaluate.scorers.samples import mean_pass, pass_at_k, pass_by_row


def results(**columns):
    height = len(next(iter(columns.values())))
    return pl.DataFrame({**{name: [None] * height for name in RESULTS}, **columns}, schema_overrides=RESULTS)


rows = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from("abcde"), st.floats(0.01, 100)), min_size=1, max_size=60
)


@given(rows, st.booleans())
@settings(max_examples=60, deadline=None)
def test_class_figures_are_those_of_scikit_learn(rows, weighted):
    from sklearn.metrics import accuracy_score, precision_recall_fscore_support

    right, said, weight = (list(column) for column in zip(*rows, strict=True))
    found = classification_report(
        results(reference=right, prediction=said, weight=weight, status=["ok"] * len(rows)), weighted=weighted
    )
    weights = weight if weighted else None
    names = sorted({*right, *said})
    each = precision_recall_fscore_support(right, said, labels=names, sample_weight=weights, zero_division=0)
    table = found.classes.sort("label")
    for column, expected in zip(("precision", "recall", "f1", "support"), each, strict=True):
        np.testing.assert_allclose(table[column].to_numpy(), np.asarray(expected, float), atol=1e-12, rtol=1e-12)
    macro = precision_recall_fscore_support(
        right, said, labels=names, average="macro", sample_weight=weights, zero_division=0
    )
    assert (found.macro_precision, found.macro_recall, found.macro_f1) == pytest.approx(macro[:3], abs=1e-12)
    assert found.accuracy == pytest.approx(accuracy_score(right, said, sample_weight=weights), abs=1e-12)


def test_class_figures_of_77_real_labels_are_those_of_scikit_learn(shared):
    from sklearn.metrics import classification_report as theirs

    bank = shared / "bank_intents"
    labels = json.loads((bank / "categories.json").read_text())
    right = pl.read_csv(bank / "test.csv")["category"].to_list()
    random = np.random.default_rng(0)
    said = [label if random.random() < 0.7 else labels[random.integers(77)] for label in right]
    scored = score_class([Case(f"Label: {one}", of) for one, of in zip(said, right, strict=True)], labels=labels)
    found = classification_report(
        results(reference=right, prediction=[one.prediction for one in scored], status=["ok"] * len(right))
    )
    expected = theirs(right, said, output_dict=True, zero_division=0)
    assert found.accuracy == pytest.approx(expected["accuracy"], abs=1e-12)
    assert found.macro_f1 == pytest.approx(expected["macro avg"]["f1-score"], abs=1e-12)
    assert found.weighted_f1 == pytest.approx(expected["weighted avg"]["f1-score"], abs=1e-12)
    assert found.classes.height == 77
    assert found.classes["f1"].is_sorted()


def test_what_names_no_class_is_beside_the_figures_and_not_in_them():
    table = results(
        reference=["a", "a", "b", "b", "b"],
        prediction=["a", "b", "b", None, "b"],
        status=["ok", "ok", "ok", "refused", "error"],
        weight=[1.0, 1, 1, 5, 2],
    )
    found = classification_report(table, labels=["c"])
    assert (found.rows, found.answered, found.statuses) == (5, 3, {"error": 1, "ok": 3, "refused": 1})
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.accuracy_of_all == pytest.approx(2 / 10)
    assert found.classes.filter(label="b").select("rows", "unanswered", "support").row(0) == (3, 2, 1.0)
    assert found.classes.filter(label="c")["f1"].item() == 0
    assert found.confused().select("reference", "prediction", "rows", "share").rows() == [("a", "b", 1, 0.5)]
    assert json.dumps(found.summary())


def test_nothing_and_wrong_input_are_told():
    empty = classification_report(results(reference=[], prediction=[], status=[]))
    assert (empty.rows, empty.accuracy, empty.macro_f1) == (0, None, None)
    with pytest.raises(DataError, match="row 2 of the results has no reference"):
        classification_report(results(reference=["a", None], prediction=["a", "a"], status=["ok", "ok"]))
    with pytest.raises(DataError, match="row 1 of the results has a negative weight"):
        classification_report(results(reference=["a"], prediction=["a"], status=["ok"], weight=[-1.0]))


@given(st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_is_the_share_of_all_draws_that_hold_a_right_one(drawn):
    answers, right, k = drawn
    draws = list(itertools.combinations([1] * right + [0] * (answers - right), k))
    assert pass_at_k(answers, right, k)[0] == pytest.approx(sum(map(any, draws)) / len(draws), abs=1e-12)


def test_pass_at_k_of_many_answers_does_not_overflow():
    assert pass_at_k([100_000], [1], 50_000)[0] == pytest.approx(0.5)
    with pytest.raises(UsageError, match="k of 1 or more"):
        pass_at_k([1], [1], 0)
    with pytest.raises(UsageError, match="more right answers"):
        pass_at_k([1], [2], 1)


def test_pass_by_row_leaves_missing_answers_out_and_counts_the_rest():
    table = results(
        id=["x"] * 4 + ["y"] * 2, status=["ok", "ok", "error", "unparsed", "ok", "error"], weight=[3.0] * 4 + [1.0] * 2,
    ).with_columns(pl.Series("score.number", [1.0, 0.0, None, None, 1.0, None]))  # fmt: skip
    found = pass_by_row(table, scorer="number", k=2)
    assert found.rows() == [("x", 3, 1, pytest.approx(2 / 3), 3.0), ("y", 1, 1, None, 1.0)]
    assert mean_pass(found) == pytest.approx(2 / 3)
    assert mean_pass(pass_by_row(table, scorer="number", k=1)) == pytest.approx((3 / 3 + 1) / 4)
    with pytest.raises(UsageError, match=r"no scorer 'exact'; it has number"):
        pass_by_row(table, scorer="exact", k=1)


def test_seconds_tokens_and_statuses_are_counted():
    table = results(
        status=["ok", "ok", "error", "truncated"], seconds=[1.0, 3.0, None, 2.0], prompt_tokens=[10, 20, None, 30],
        completion_tokens=[1, 2, None, 3], cost=[0.1, 0.2, None, 0.3],
    )  # fmt: skip
    found = run_figures(table)
    assert found.statuses == {"ok": 2, "unparsed": 0, "truncated": 1, "refused": 0, "error": 1}
    assert (found.seconds.p50, found.seconds.p95) == (2.0, pytest.approx(np.percentile([1, 2, 3], 95)))
    assert (found.prompt_tokens.total, found.cost.total) == (60, pytest.approx(0.6))
    assert found.share("error") == 0.25
    assert json.loads(json.dumps(found.summary()))["seconds"]["known"] == 3
    assert run_figures(table.clear()).share("ok") == 0


PRICES = 'currency = "EUR"\ndated = 2026-05-01\n[models."m-1"]\ninput_price = 0.15\noutput_price = 0.6\n'


def test_costs_come_from_the_users_dated_file(tmp_path):
    (tmp_path / "p.toml").write_text(PRICES)
    prices = read_prices(tmp_path / "p.toml")
    assert (prices.currency, prices.date, prices.models) == ("EUR", date(2026, 5, 1), {"m-1": Price(0.15, 0.6)})
    costs = prices.costs(results(prompt_tokens=[1_000_000, None], completion_tokens=[500_000, 1]), "m-1")
    assert costs.to_list() == [pytest.approx(0.45), None]
    assert prices.age(date(2026, 5, 31)) == 30
    assert prices.said()["date"] == "2026-05-01"
    with pytest.raises(UsageError, match=r"p\.toml has no price of 'm-2'; it has 'm-1'"):
        prices.of("m-2")


def test_the_price_file_of_payback_will_do(tmp_path):
    (tmp_path / "p.toml").write_text(
        'dated = 2026-05-01\ncurrency = "USD"\nrequests_per_day = 10\n'
        '[[options]]\nname = "api"\ninput_price = 2.5\noutput_price = 10\n'
        '[[options]]\nname = "own"\nmodel = "m-1"\ninput_tokens = [1000, 3000]\noutput_tokens = 10\n'
        "[models.m-1]\ninput_price = [1, 2]\ncached_price = 0.1\noutput_price = 4\n"
    )
    assert read_prices(tmp_path / "p.toml").models == {"m-1": Price(1.5, 4.0), "api": Price(2.5, 10.0)}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (PRICES.replace('"EUR"', "3"), "currency is '3'"), ('currency = "EUR"', "has no date; add dated"),
        ('currency = "EUR"\ndated = "soon"', "dated is 'soon'"), (PRICES.replace("dated", "date"), "is called `dated`"),
        (PRICES.replace("0.15", "-1"), "'m-1'. input_price is '-1'"), (PRICES.replace("0.15", "inf"), "is 'inf'"),
        (PRICES.replace("output_price = 0.6", ""), "needs input_price and output_price"),
        (PRICES.replace("input_price", "input"), "needs input_price"), (PRICES.replace('"m-1"', '"m-1'), "not TOML"),
        ("dated = 2026-05-01", "holds no price of a model"), ("dated = 2026-05-01\nmodels = 3", "models is '3'"),
        ("price = 1", "'price' is no setting"),
    ],
)  # fmt: skip
def test_a_price_file_that_says_too_little_is_named(tmp_path, text, says):
    (tmp_path / "p.toml").write_text(text)
    with pytest.raises(UsageError, match=rf"p\.toml.*{says}"):
        read_prices(tmp_path / "p.toml")


# --- specs --------------------------------------------------------------------------------------------------------


def test_a_spec_that_is_none_names_the_nearest():
    with pytest.raises(UsageError, match=r"'exat' is no scorer; did you mean exact\?"):
        scorer("exat")
    with pytest.raises(UsageError, match="did you mean rouge_l"):
        scorer("rouge-L")
    with pytest.raises(UsageError, match="use one of exact, normalised"):
        scorer("zzz:1")
    with pytest.raises(UsageError, match="takes no option"):
        scorer("class:a,b")
    with pytest.raises(UsageError, match="can't be called"):
        scorer("a b=exact")
    for spec in (
        "regex",
        "regex:(",
        "regex:(?=a)",
        "schema",
        "json:loose",
        "tool_calls:x",
        "verify",
        "verify:f",
        "judge",
        "number:x",
    ):
        with pytest.raises(UsageError):
            scorer(spec)


def test_scorers_of_one_run_have_names_of_their_own():
    found = scorers(["regex:a(.)", "second=regex:b(.)", "json:strict"])
    assert [(one.name, one.spec) for one in found] == [
        ("regex", "regex:a(.)"),
        ("second", "regex:b(.)"),
        ("json", "json:strict"),
    ]
    with pytest.raises(UsageError, match="two scorers are called exact"):
        scorers(["exact", "exact"])


def test_a_function_of_the_users_is_imported_by_the_name_it_was_given(tmp_path):
    file = tmp_path / "checks.py"
    file.write_text(
        "from dataclasses import dataclass\n@dataclass\nclass Kept:\n    x: int\n"
        "def even(case):\n    return None if not case.output.isdigit() else int(case.output) % 2 == 0\n"
        "def broken(case):\n    return 1 / 0\ndef odd(case):\n    return 'yes'\nVALUE = 3\n"
    )
    found = scorer(f"verify:{file}:even").score(
        [Case("2", None), Case("3", None), Case("x", None), Case(None, None, "error"), Case("", None)]
    )
    assert [(one.score, one.status) for one in found] == [
        (1, "ok"), (0, "ok"), (None, "unparsed"), (None, "error"), (None, "unparsed"),
    ]  # fmt: skip
    assert scorer("verify:operator:truth").score([Case("x", None)])[0].score == 1
    with pytest.raises(UsageError, match=r"fails on row 'r5' with ZeroDivisionError"):
        scorer(f"verify:{file}:broken").score([Case("1", None, id="r5")])
    with pytest.raises(UsageError, match=r"returns 'yes' for row 'r5'"):
        scorer(f"verify:{file}:odd").score([Case("1", None, id="r5")])
    for spec, says in (
        (f"verify:{file}:VALUE", "no function 'VALUE'"), (f"verify:{tmp_path}/no.py:f", "is no file"),
        ("verify:no_such_module:f", "importing"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=says):
            scorer(spec)
    file.write_text("syntax error here")
    with pytest.raises(UsageError, match="SyntaxError"):
        scorer(f"verify:{file}:even")


def test_every_kind_gives_one_score_a_case_in_order_and_none_of_none(tmp_path):
    (tmp_path / "s.json").write_text('{"type": "integer"}')
    specs = {
        "regex": "regex:(.+)", "schema": f"schema:{tmp_path / 's.json'}",
        "similarity": "similarity:tfidf", "verify": "verify:operator:truth",
    }  # fmt: skip
    libraries = {"chrf", "bleu", "rouge_l"} if not _installed("sacrebleu", "rouge_score") else set()
    for kind in KINDS.keys() - {"judge"} - libraries:
        made = scorer(specs.get(kind, kind))
        reference = '{"a": 1}' if kind == "fields" else "1"
        assert made.score([]) == []
        found = made.score([Case(reference, reference), Case(None, reference, "error")])
        assert (found[0].status, found[1].status, found[1].score) == ("ok", "error", None), kind


def _installed(*modules):
    from importlib.util import find_spec

    return all(find_spec(module) for module in modules)


def test_prices_know_nothing_by_themselves():
    with pytest.raises(UsageError, match="no price"):
        Prices("USD", date(2026, 1, 1), {}).of("any")
