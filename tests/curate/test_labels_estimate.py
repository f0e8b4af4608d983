"""How many labels are wrong in all, where, and how many rows to review."""

import json

import numpy as np
import polars as pl
import pytest
from vetset.curate.dataset import frame
from vetset.curate.labels.estimate import estimate_figures, expected_wrong, rows_to_review
from vetset.curate.labels.judged import judge_labels
from vetset.curate.labels.labelled import from_arrays


def planted(seed, *, rows=1_500, classes=5, share=0.1, people=None, blur=0.9):
    """Clouds of classes with a share of wrong labels; by a person of eight where ``people`` names who errs."""
    draw = np.random.default_rng(seed)
    code = draw.integers(0, classes, rows)
    middles = np.linalg.qr(draw.normal(size=(32, 32)))[0][:classes]
    vectors = middles[code] + blur * draw.normal(size=(rows, 32)) / 32**0.5
    who = draw.integers(0, 8, rows)
    wrong = draw.random(rows) < (share if people is None else np.where(np.isin(who, people), 0.5, 0.0))
    given = np.where(wrong, (code + draw.integers(1, classes, rows)) % classes, code)
    table = frame([{"messages": f"text {n}"} for n in range(rows)])
    table = table.with_columns(
        pl.Series("label", given.astype(str)),
        pl.Series("annotator", [f"person {p}" for p in who] if people is not None else [None] * rows, dtype=pl.String),
        pl.Series("source", ["web" if n % 3 else "mail" for n in range(rows)]),
    )
    return (
        table,
        judge_labels(from_arrays(vectors, given.astype(str)), table, words=np.zeros((rows, 1), np.float32)),
        wrong,
    )


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_planted_tenth_is_in_the_interval(seed):
    _, judged, wrong = planted(seed)
    found = expected_wrong(judged)
    assert found.low <= wrong.sum() <= found.high
    assert found.low <= found.wrong <= found.high
    assert found.wrong == pytest.approx(wrong.sum(), rel=0.35)
    assert found.high < 2 * wrong.sum()


def test_a_clean_set_may_hold_three_wrong_labels_that_nobody_can_see():
    _, judged, _ = planted(0, share=0.0)
    found = expected_wrong(judged)
    assert found.low == 0
    assert found.wrong < 8
    assert 3 <= found.high < 25


def test_figures_are_json_and_in_order():
    table, judged, wrong = planted(3, people=[1, 5])
    figures = estimate_figures(table, judged)
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    for group in ("by_label", "by_annotator", "by_source"):
        assert figures[group]
        for told in [figures["expected"], *figures[group].values()]:
            assert 0 <= told["low"] <= told["wrong"] <= told["high"] <= told["rows"]
        assert sum(told["rows"] for told in figures[group].values()) == 1_500
    assert list(figures["by_annotator"])[:2] in (["person 1", "person 5"], ["person 5", "person 1"])
    assert set(figures["by_source"]) == {"web", "mail"}
    assert 0 < figures["review"] <= 1_500
    assert figures["accuracy_as_is"] <= figures["accuracy_without"] + 0.01
    assert 0.8 < figures["accuracy_as_is"] <= 1
    assert abs(figures["expected"]["wrong"] - wrong.sum()) < 0.35 * wrong.sum()


def test_annotators_and_sources_that_are_not_told_apart_are_not_listed():
    table, judged, _ = planted(0)
    table = table.with_columns(source=pl.lit("web"))
    figures = estimate_figures(table, judged)
    assert "by_annotator" not in figures
    assert "by_source" not in figures
    assert "by_label" in figures


def test_who_labelled_says_which_rows_are_wrong():
    table, judged, wrong = planted(4, people=[2])
    who = table["annotator"].to_numpy() == "person 2"
    assert judged.noise.wrong[who].mean() > 5 * judged.noise.wrong[~who].mean()
    assert judged.noise.wrong[wrong].mean() >= judged.by_text.wrong[wrong].mean()


def test_reviewing_as_many_rows_as_are_said_leaves_the_target():
    draw = np.random.default_rng(0)
    wrong = draw.beta(0.1, 1.0, 1_000)
    count = rows_to_review(wrong, 0.01)
    order = np.sort(wrong)[::-1]
    assert order[count:].sum() <= 0.01 * 1_000 < order[count - 1 :].sum()
    assert rows_to_review(wrong, 1.0) == 0
    assert rows_to_review(np.full(7, 0.5), 0.0) == 7
    assert rows_to_review(np.zeros(5), 0.01) == 0
    assert rows_to_review(np.zeros(0), 0.01) == 0
    assert rows_to_review(np.array([0.5]), 0.01) == 1


def test_a_lower_target_takes_more_rows():
    table, judged, _ = planted(1)
    counts = [estimate_figures(table, judged, target=target)["review"] for target in (0.05, 0.01, 0.005)]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


def test_the_same_set_gives_the_same_figures():
    (table, one, _), (_, other, _) = planted(2), planted(2)
    assert estimate_figures(table, one) == estimate_figures(table, other)


def test_names_of_people_are_masked_in_figures_and_stay_apart():
    table, judged, _ = planted(3, people=[1, 5])
    mails = table["annotator"].str.replace("person ", "agent.name.").str.slice(0) + pl.lit("@mail.example.com")
    told = estimate_figures(table.with_columns(annotator=mails), judged)["by_annotator"]
    assert len(told) == 8
    assert not [name for name in told if "agent.name" in name]


def test_who_labelled_moves_a_row_by_as_much_as_its_text():
    _, judged, wrong = planted(3, people=[1, 5], blur=3.0)
    apart = lambda score: (score[wrong][:, None] > score[~wrong]).mean()  # noqa: E731
    by_text, both, by_chance = (apart(score) for score in (judged.by_text.rank, judged.noise.rank, judged.noise.wrong))
    assert both > by_text + 0.03
    assert both > by_chance - 0.005


@pytest.mark.parametrize(("classes", "flipped"), [(5, 48), (2, 120)])
def test_errors_of_one_label_alone_are_counted_too(classes, flipped):
    """They look milder than those planted into the other labels, whose texts are all of one mind."""
    draw = np.random.default_rng(0)
    code = np.arange(1_200) % classes
    vectors = draw.normal(size=(classes, 32))[code] + 0.6 * draw.normal(size=(1_200, 32))
    given = code.copy()
    given[np.flatnonzero(code == 1)[:flipped]] = 0
    judged = judge_labels(from_arrays(vectors, given.astype(str)), words=np.zeros((1_200, 1), np.float32))
    found = expected_wrong(judged)
    assert found.low <= flipped <= found.high
    assert found.wrong == pytest.approx(flipped, rel=0.4)


def test_what_a_name_holds_breaks_no_table_of_figures():
    table, judged, _ = planted(3)
    sources = pl.Series(["one\nline\x1b[31m" + "y" * 300, "two"] * 750)
    told = list(estimate_figures(table.with_columns(source=sources), judged)["by_source"])
    assert len(told) == 2
    assert all(len(name) < 80 and name.isprintable() for name in told)
