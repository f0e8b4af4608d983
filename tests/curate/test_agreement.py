"""Coefficients of agreement: held against their definitions, a peer's values, and what real sets are known to have."""

import json

import numpy as np
import polars as pl
import pytest
from vetset.curate.agreement.agreeing import agree
from vetset.curate.agreement.coefficients import fleiss, kinds, krippendorff
from vetset.curate.agreement.levels import in_order
from vetset.curate.agreement.pairs import cohen, differing
from vetset.curate.agreement.resampling import drawn, interval, whole
from vetset.curate.agreement.vote_sources import Where, find_votes
from vetset.curate.agreement.votes import gathered
from vetset.curate.errors import DataError, UsageError

LEVELS = ("nominal", "ordinal", "interval")
# What the package krippendorff 0.9.0 gives for random_table(seed), seed 0 to 5: nominal, ordinal, interval.
PEER = [
    (0.24094597917862104, 0.24115561819550202, 0.23560460652591153),
    (0.29508666380174764, 0.22948155104276702, 0.22302456839309437),
    (0.5295225285810357, 0.49477611940298505, 0.4952108649035025),
    (0.4825042881646655, 0.3905927920190275, 0.35047021943573664),
    (0.23039639417140034, 0.29275442711416466, 0.2919366401058755),
    (0.46984126984126984, 0.4590065328077154, 0.45832181493153457),
]


def random_table(seed):
    """Annotators times items with gaps, NaN; the figures of PEER were computed of the same."""
    random = np.random.default_rng(seed)
    annotators, items, labels = (int(random.integers(*bounds)) for bounds in ((2, 7), (5, 60), (3, 8)))
    truth = random.integers(0, labels, items)
    right = random.random((annotators, items)) < 0.6
    table = np.where(right, truth, random.integers(0, labels, (annotators, items))).astype(float)
    table[random.random((annotators, items)) < 0.3] = np.nan
    return table


def lines(table, names=str):
    annotator, item = np.nonzero(~np.isnan(table))
    return pl.DataFrame(
        {
            "item": [f"i{n:03}" for n in item],
            "annotator": [f"a{n}" for n in annotator],
            "label": [names(int(value)) for value in table[annotator, item]],
        }
    )


def alpha(votes, level):
    found = kinds(votes)
    return whole(krippendorff(found, level, values=votes.values), found.many)


def alpha_by_definition(table, level):
    """Krippendorff's alpha by every pair of values, one after another."""
    units = [column[~np.isnan(column)] for column in table.T]
    units = [unit for unit in units if len(unit) > 1]
    values = np.concatenate(units)
    labels, many = np.unique(values, return_counts=True)

    def distance(one, other):
        if level == "nominal":
            return float(one != other)
        if level == "interval":
            return (one - other) ** 2
        low, high = np.searchsorted(labels, sorted((one, other)))
        return (many[low : high + 1].sum() - (many[low] + many[high]) / 2) ** 2

    seen = sum(distance(a, b) / (len(unit) - 1) for unit in units for a in unit for b in unit) / len(values)
    by_chance = sum(distance(a, b) for a in values for b in values) / len(values) / (len(values) - 1)
    return 1 - seen / by_chance


@pytest.mark.parametrize("seed", range(len(PEER)))
def test_alpha_is_that_of_the_peer_on_random_data_with_gaps(seed):
    votes = gathered(lines(random_table(seed)))
    assert [alpha(votes, level) for level in LEVELS] == pytest.approx(PEER[seed], abs=1e-9)


@pytest.mark.parametrize("level", LEVELS)
def test_alpha_is_what_its_definition_says(level):
    for seed in range(10, 14):
        table = random_table(seed)
        assert alpha(gathered(lines(table)), level) == pytest.approx(alpha_by_definition(table, level), abs=1e-9)


def test_fleiss_is_its_own_formula_where_all_items_have_as_many_votes():
    table = np.where(np.isnan(random_table(3)), 0, random_table(3))
    votes = gathered(lines(table))
    counts = np.stack([(table == label).sum(axis=0) for label in np.unique(table)], axis=1)
    raters = len(table)
    agreeing = ((counts**2).sum(axis=1) - raters) / (raters * (raters - 1))
    by_chance = ((counts.sum(axis=0) / counts.sum()) ** 2).sum()
    found = kinds(votes)
    want = (agreeing.mean() - by_chance) / (1 - by_chance)
    assert whole(fleiss(found), found.many) == pytest.approx(want, abs=1e-12)


def test_an_item_with_many_votes_counts_once_for_fleiss():
    few = [("x", a, "p") for a in "ab"] + [("y", "a", "p"), ("y", "b", "q")]
    many = [("x", a, "p") for a in "abcdef"] + [("y", "a", "p"), ("y", "b", "q")]
    found = [
        kinds(gathered(pl.DataFrame(votes, ["item", "annotator", "label"], orient="row"))) for votes in (few, many)
    ]
    values = [whole(fleiss(kind), kind.many) for kind in found]
    assert values[0] == pytest.approx(values[1], abs=1e-12)


def test_cohen_is_that_of_scikit_learn_weighted_too():
    from sklearn.metrics import cohen_kappa_score

    random = np.random.default_rng(1)
    for _ in range(20):
        one = random.integers(0, 5, 60)
        other = np.where(random.random(60) < 0.6, one, random.integers(0, 5, 60))
        assert cohen(one, other).value == pytest.approx(cohen_kappa_score(one, other), abs=1e-12)
        for power, weights in ((1, "linear"), (2, "quadratic")):
            got = cohen(one, other, at=np.arange(5.0), power=power, draws=0).value
            assert got == pytest.approx(cohen_kappa_score(one, other, weights=weights), abs=1e-12)


def test_a_near_miss_counts_less_where_labels_have_an_order():
    near = pl.DataFrame([(str(i), a, v) for i in range(30) for a, v in (("x", str(i % 5)), ("y", str(min(i % 5 + 1, 4))))],
                        ["item", "annotator", "label"], orient="row")  # fmt: skip
    votes = gathered(near)
    assert alpha(votes, "nominal") < 0.2
    assert alpha(votes, "ordinal") > 0.6


def test_the_figures_of_two_real_sets(shared):
    found = find_votes(shared / "pubmedqa" / "ori_pqal.json",
                       Where(votes=("reasoning_required_pred", "reasoning_free_pred"), gold="final_decision"))  # fmt: skip
    result = agree(gathered(found.frame), gold=found.gold, draws=200)
    assert result.pairs["kappa"].item() == pytest.approx(0.4567, abs=1e-4)
    assert result.pairs["items"].item() - result.pairs["differ"].item() == 701
    assert result.coefficients[1].value == pytest.approx(0.4555, abs=1e-4)
    assert result.gold_items == 1000
    found = find_votes(shared / "arabic_sentiment", Where(votes=("sentiment", "original_sentiment")))
    result = agree(gathered(found.frame), draws=0)
    assert result.pairs["kappa"].item() == pytest.approx(0.4537, abs=1e-4)
    assert result.pairs["differ"].item() == 3711


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    random = np.random.default_rng(4)

    def table(items):
        truth = random.choice(3, items, p=[0.5, 0.3, 0.2])
        return np.where(random.random((3, items)) < 0.75, truth, random.integers(0, 3, (3, items))).astype(float)

    truth = alpha(gathered(lines(table(40_000))), "nominal")
    held = 0
    for _ in range(120):
        found = kinds(gathered(lines(table(80))))
        statistic = krippendorff(found)
        (values,) = drawn([statistic], found.many, draws=400)
        bounds = interval(values, point=whole(statistic, found.many))
        held += bounds.low <= truth <= bounds.high
    assert 0.88 <= held / 120 <= 0.995  # 0.95 less and more than three standard errors, and small samples' loss


def test_the_same_seed_gives_the_same_bounds_in_any_order_of_lines_and_whatever_items_are_called():
    frame = lines(random_table(4))
    other = frame.sample(fraction=1.0, shuffle=True, seed=1).with_columns("x" + pl.col("item").str.reverse())
    one, two = (agree(gathered(some), seed=3).coefficients for some in (frame, other))
    assert one == two
    assert agree(gathered(frame), seed=4).coefficients != one


def test_one_label_one_item_and_one_annotator_have_no_figure_and_say_why():
    alike = pl.DataFrame([(i, a, "same") for i in "123" for a in "xy"], ["item", "annotator", "label"], orient="row")
    result = agree(gathered(alike))
    assert all(entry.value is None and "one label" in entry.why for entry in result.coefficients)
    assert result.pairs["kappa"].to_list() == [None]
    assert "one and the same label" in result.pairs["why"].item()
    alone = alike.filter(pl.col("annotator") == "x")
    result = agree(gathered(alone))
    assert all("no item was labelled by two" in entry.why for entry in result.coefficients)
    assert result.pairs.is_empty()
    assert result.annotators["rate"].to_list() == [None]
    single = agree(gathered(pl.DataFrame({"item": ["1", "1"], "annotator": ["x", "y"], "label": ["p", "q"]})))
    assert [entry.low for entry in single.coefficients] == [None, None]
    assert all("every draw" in entry.why for entry in single.coefficients)
    assert "NaN" not in json.dumps([result.summary(), single.summary()])


def test_full_agreement_has_no_interval():
    frame = pl.DataFrame(
        [(str(i), a, str(i % 3)) for i in range(30) for a in "xyz"], ["item", "annotator", "label"], orient="row"
    )
    result = agree(gathered(frame))
    assert [entry.value for entry in result.coefficients] == [1.0, 1.0]
    assert [entry.low for entry in result.coefficients] == [None, None]


def test_no_vote_is_an_error():
    with pytest.raises(DataError, match="no vote"):
        gathered(pl.DataFrame({"item": ["1"], "annotator": [None], "label": ["p"]}))
    with pytest.raises(DataError, match="no vote"):
        gathered(pl.DataFrame(schema={"item": pl.String, "annotator": pl.String, "label": pl.String}))


def test_votes_that_say_nothing_are_counted_and_left_out():
    frame = pl.DataFrame(
        [("1", "x", "p"), ("1", "x", "p"), ("2", "x", "p"), ("2", "x", "q"), ("3", "x", " "), ("3", None, "p"), ("4", "ÿ", "值")],
        ["item", "annotator", "label"], orient="row",
    )  # fmt: skip
    votes = gathered(frame)
    assert (votes.repeated, votes.contradicted, votes.missing) == (1, 1, 2)
    assert votes.items == ["1", "4"]
    assert votes.labels == ["p", "值"]


def test_words_need_an_order_to_be_ordinal_and_numbers_have_one():
    words = pl.DataFrame({"item": ["1", "1"], "annotator": ["x", "y"], "label": ["low", "high"]})
    with pytest.raises(UsageError, match="--order"):
        in_order(words, level="ordinal")
    with pytest.raises(UsageError, match="leaves out 'high'"):
        in_order(words, order=["low", "mid"])
    with pytest.raises(UsageError, match="twice"):
        in_order(words, order=["low", "high", "low"])
    with pytest.raises(UsageError, match="needs numbers"):
        in_order(words, level="interval")
    votes, level = in_order(words, order=["low", "mid", "high"])
    assert (votes.labels, level) == (["low", "high"], "ordinal")
    numbers = words.with_columns(pl.Series("label", ["10", "9"]))
    assert in_order(numbers, level="ordinal")[0].labels == ["9", "10"]
    assert any("--level ordinal" in note for note in agree(gathered(lines(random_table(0)))).notes)


def test_two_thousand_labels_are_no_trouble():
    random = np.random.default_rng(0)
    truth = random.integers(0, 2000, 4000)
    table = np.where(random.random((3, 4000)) < 0.8, truth, random.integers(0, 2000, (3, 4000))).astype(float)
    result = agree(gathered(lines(table)), draws=50)
    assert 0.6 < result.coefficients[1].value < 0.7
    assert result.choice.method in ("majority", "one rate each")


def test_the_pair_that_differs_most_comes_first():
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 300)
    table = np.stack(
        [np.where(random.random(300) < right, truth, (truth + 1) % 3) for right in (0.95, 0.95, 0.95, 0.5)]
    )
    pairs = differing(gathered(lines(table.astype(float))), draws=0)
    assert pairs.height == 6
    assert pairs["other"][:3].to_list() == ["a3"] * 3
    assert pairs["kappa"].null_count() == 0


def told(*votes):
    return pl.DataFrame([dict(zip(("item", "annotator", "label"), vote, strict=True)) for vote in votes])


def test_one_number_written_in_two_ways_is_one_label_and_the_page_says_so():
    frame = told(*((str(n), who, f"{n % 3}{tail}") for n in range(30) for who, tail in (("a", ""), ("b", ".0"))))
    votes = gathered(frame)
    assert (votes.labels, votes.alike) == (["0", "1", "2"], 3)
    found = agree(votes, draws=0, gold={str(n): f"{n % 3:.1f}" for n in range(30)})
    assert found.coefficients[1].value == pytest.approx(1)
    assert found.right["majority"] == 1
    assert any("3 labels are written as another number" in note for note in found.notes)
    assert gathered(told(("1", "a", "1"), ("1", "b", "1.0"), ("2", "a", "x"))).labels == ["1", "1.0", "x"]


def test_a_label_of_the_order_that_nobody_gave_keeps_its_place_among_the_weights():
    from sklearn.metrics import cohen_kappa_score

    random, order = np.random.default_rng(1), ["a", "b", "c", "d"]
    one, other = random.choice(["a", "b", "d"], (2, 60))
    frame = told(*((f"{n:02}", who, side[n]) for n in range(60) for who, side in (("x", one), ("y", other))))
    votes, level = in_order(frame, order=order)
    pair = differing(votes, level=level, draws=0).row(0, named=True)
    for name in ("linear", "quadratic"):
        peer = cohen_kappa_score(one, other, labels=order, weights=name)
        assert pair[f"kappa_{name}"] == pytest.approx(peer, abs=1e-12)


def test_an_interval_that_misses_its_own_value_is_not_told():
    # all items have the same mix of votes: what is drawn again differs by chance agreement alone, to one side
    frame = told(*((f"{n}", who, f"{n}{who}") for n in range(200) for who in "abc"))
    for entry in agree(gathered(frame)).coefficients:
        assert entry.low is None
        assert "the draws miss the value" in entry.why


def test_gold_that_contradicts_itself_is_none_in_any_order_of_its_lines(tmp_path):
    lines = ["item,annotator,label,gold", "1,a,x,x", "1,b,x,y", "2,a,y,y", "2,b,x,y"]
    for name, body in (("on", lines[1:]), ("back", lines[:0:-1])):
        (tmp_path / f"{name}.csv").write_text("\n".join([lines[0], *body]), encoding="utf-8")
    assert [find_votes(tmp_path / f"{name}.csv", Where(gold="gold")).gold for name in ("on", "back")] == [
        {"2": "y"}
    ] * 2


def test_the_worked_examples_of_the_papers():
    """Fleiss' kappa of 14 raters on 10 items is 0.210; Krippendorff (2011), example C: 0.743, 0.815 and 0.849."""
    table = [[0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
             [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]]  # fmt: skip
    given = [(n, [str(label) for label, count in enumerate(row) for _ in range(count)]) for n, row in enumerate(table)]
    votes = gathered(told(*((str(n), f"{who:02}", label) for n, row in given for who, label in enumerate(row))))
    found = kinds(votes)
    assert whole(fleiss(found), found.many) == pytest.approx(0.210, abs=5e-4)
    observers = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]
    lines_of = [(f"{n:02}", who, label) for who, row in zip("abcd", observers, strict=True)
                for n, label in enumerate(row) if label != "."]  # fmt: skip
    found = kinds(votes := gathered(told(*lines_of)))
    for level, expected in zip(LEVELS, (0.743, 0.815, 0.849), strict=True):
        assert whole(krippendorff(found, level, values=votes.values), found.many) == pytest.approx(expected, abs=6e-4)
