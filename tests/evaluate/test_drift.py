"""Drift: what moved is found, what did not sets nothing off, and what to do follows the stated rule."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate.dataset import frame
from vetset.curate.errors import DataError, UsageError
from vetset.evaluate.drifting import label_mix, permuting, pooling, ruling, separating, shifts, vocabulary
from vetset.evaluate.drifting.measuring import measure_drift
from vetset.evaluate.evalsets.evalset import EVAL_ROWS

CARDS = [
    "my card was lost in the city",
    "card stolen again please block it",
    "where is the new card",
    "card pin forgotten",
]
FOOD = ["the soup was cold and salty", "waiter forgot our bread", "spicy noodles please", "a table for two tonight"]


def texts(words, count, seed, label=None, **more):
    draw = np.random.default_rng(seed)
    return frame(
        [
            {
                "messages": f"{draw.choice(words)} {draw.integers(10_000)}",
                "label": label and str(draw.choice(label)),
                **more,
            }
            for _ in range(count)
        ]
    )


@pytest.fixture(scope="module")
def bank(shared):
    with (shared / "bank_intents" / "train.csv").open(encoding="utf-8") as file:
        return frame([{"messages": row["text"], "label": row["category"]} for row in csv.DictReader(file)])


def chats(shared, domain):
    table = pl.read_csv(shared / "support_chat" / domain / "train.tsv", separator="\t", infer_schema_length=0)
    return frame(
        [
            {"messages": row["utterance"] or "", "label": row["intent"], "group": row["conversationId"]}
            for row in table.iter_rows(named=True)
        ]
    )


@pytest.fixture(scope="module")
def airline(shared):
    return chats(shared, "airline")


@pytest.fixture(scope="module")
def media(shared):
    return chats(shared, "media")


def conversations(rows, count, seed):
    groups = rows["group"].unique().sort().to_list()
    drawn = [groups[at] for at in np.random.default_rng(seed).permutation(len(groups))[:count]]
    return rows.filter(pl.col("group").is_in(drawn)), rows.filter(~pl.col("group").is_in(drawn))


def found(drift, against="eval"):
    return {shift.look for each in drift.comparisons if each.against == against for shift in each.shifts if shift.found}


def shift(look, *, found, sure=None):
    sure = found if sure is None else sure
    return shifts.Shift(look, 0.9 if found else 0.011, 0.01, 0.001, 0.2, (), adjusted=0.01 if sure else 0.9)


# --- what is found -------------------------------------------------------------------------------------------------


def test_another_topic_is_told_by_words_vectors_and_classes():
    drift = measure_drift(texts(FOOD, 80, 1, ["food"]), texts(CARDS, 80, 2, ["card"]))
    assert found(drift) >= {"labels", "unseen classes", "words", "unseen words", "vectors"}
    assert drift.actions == ("refresh",)
    classes = next(shift for shift in drift.comparisons[0].shifts if shift.look == "unseen classes")
    assert classes.effect == 1.0
    assert classes.evidence == ("'food' (80)",)


def test_the_same_texts_twice_are_no_drift():
    rows = texts(CARDS, 160, 3, ["a", "b"])
    drift = measure_drift(rows, rows, permutations=199)
    assert not drift.drifted
    assert drift.told
    assert drift.ruling.sentence.startswith("Nothing to do")


def test_longer_texts_of_the_same_words_are_told_by_their_length():
    short = texts(CARDS, 60, 4)
    long = frame(
        [{"messages": f"{text} {text}"} for text in [row[0]["content"] for row in texts(CARDS, 60, 5)["messages"]]]
    )
    drift = measure_drift(long, short, permutations=199)
    assert "length" in found(drift)
    assert "characters" in next(s for s in drift.comparisons[0].shifts if s.look == "length").evidence[0]


def test_a_mix_of_classes_that_moved_is_told_and_the_classes_are_named():
    old, new = texts(CARDS, 200, 6, ["a", "a", "a", "b"]), texts(CARDS, 200, 7, ["a", "b", "b", "b"])
    drift = measure_drift(new, old, permutations=199)
    assert found(drift) == {"labels"}
    assert "'b' 31.2% -> 74.5%" in drift.comparisons[0].shifts[0].evidence


def test_another_domain_of_real_chats_asks_for_both(airline, media):
    reference, rest = conversations(airline, 40, 0)
    drift = measure_drift(conversations(media, 40, 0)[0], reference, train_rows=conversations(rest, 200, 1)[0])
    assert drift.actions == ("refresh", "retrain")
    assert found(drift, "train") >= {"labels", "unseen classes", "words", "vectors"}
    assert any("startserviceintent" in reason for reason in drift.ruling.reasons)


def test_a_class_that_training_lacks_is_reason_enough_to_retrain(bank):
    order = np.random.default_rng(0).permutation(bank.height)
    rows = bank[order]
    common = rows["label"].value_counts().sort("count", "label", descending=True)["label"][0]
    train = rows[500:1500].filter(pl.col("label") != common)
    drift = measure_drift(rows[:250], rows[250:500], train_rows=train, permutations=299)
    assert drift.actions == ("retrain",)
    assert found(drift, "train") == {"unseen classes"}


def test_training_data_that_was_unlike_from_the_start_is_no_drift(airline, media):
    """New rows and eval set are airline, training is media: the model was scored with that difference."""
    reference, rest = conversations(airline.drop("label").with_columns(label=pl.lit(None, pl.String)), 40, 0)
    drift = measure_drift(
        conversations(rest, 40, 1)[0], reference, train_rows=conversations(media, 60, 0)[0], permutations=239
    )
    assert drift.actions == ()
    assert any("so does the eval set" in reason for reason in drift.ruling.reasons)
    assert any("labels were not compared" in note for note in drift.notes)


# --- no false alarm -------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("what", ["bank", "airline"])
def test_halves_of_real_data_set_off_no_more_alarms_than_alpha(what, bank, airline):
    """100 splits; with a chance of 5% each, more than 11 alarms come about once in 100 such tests."""
    alarms = 0
    for seed in range(100):
        if what == "bank":
            order = np.random.default_rng(1_000 + seed).permutation(bank.height)
            one, other = bank[order[:120]], bank[order[120:240]]
        else:
            one, rest = conversations(airline, 16, 2_000 + seed)
            other, _ = conversations(rest, 16, seed)
        drift = measure_drift(one, other, permutations=199, seed=seed)
        alarms += any(shift.sure for shift in drift.comparisons[0].shifts)
    assert alarms <= 11


@pytest.mark.slow
def test_weights_undo_a_choice_that_preferred_long_texts(bank):
    """An eval set that took long texts five times as often is no drift; taken without weights, it is one."""
    length = np.array([len(row[0]["content"]) for row in bank["messages"]])
    alarms, unweighted = 0, 0
    for seed in range(30):
        draw = np.random.default_rng(seed)
        order = draw.permutation(bank.height)
        chance = np.where(length[order[:4000]] > 60, 0.15, 0.03)
        taken = order[:4000][draw.random(4000) < chance]
        reference = bank[taken]
        weights = 1 / np.where(length[taken] > 60, 0.15, 0.03)
        new = bank[order[4000:4250]]
        told = measure_drift(new, reference, weights=weights, permutations=199, seed=seed)
        alarms += any(shift.sure for shift in told.comparisons[0].shifts)
        if seed < 5:
            bare = measure_drift(new, reference, permutations=199, seed=seed).comparisons[0].shifts
            unweighted += any(shift.sure for shift in bare if shift.look == "length")
    assert alarms <= 5
    assert unweighted == 5


@pytest.mark.slow
def test_what_is_said_to_be_seen_is_seen_four_times_in_five():
    """Two classes of 50%: a new sample as far off as ``detectable`` says."""
    draw = np.random.default_rng(0)
    hits, shares = 0, []
    for seed in range(60):
        old = frame([{"messages": f"text {i}", "label": "ab"[int(draw.random() < 0.5)]} for i in range(150)])
        if not shares:
            probe = measure_drift(old[:75], old[75:]).comparisons[0].shifts[0]
            shares.append(probe.detectable)
        pool = pooling.pooled(
            frame([{"messages": f"new {i}", "label": "ab"[int(draw.random() < 0.5 + shares[0])]} for i in range(75)]),
            old[:75],
            seed=seed,
        )
        classes = label_mix.classes(pool)
        values = permuting.permuted(pool.unit_new, {"labels": label_mix.mix_statistic(classes)}, seed=seed)
        hits += permuting.p_value(values["labels"][:, 0]) <= 0.05 / 6
    assert 0.65 <= hits / 60 <= 1.0


# --- small, weighted, dependent -------------------------------------------------------------------------------------


def test_a_few_rows_are_said_to_be_too_few():
    drift = measure_drift(texts(FOOD, 3, 1), texts(CARDS, 3, 2))
    assert not drift.told
    assert not drift.drifted
    assert drift.ruling.sentence.startswith("Nothing can be said: 3 independent new rows against 3 of the eval set")


def test_rows_of_one_conversation_count_once():
    """One new conversation of 60 rows is one thing that happened, and no proof of anything."""
    drift = measure_drift(texts(FOOD, 60, 1, group="only"), texts(CARDS, 60, 2), permutations=199)
    assert drift.comparisons[0].units == (1, 60)
    assert not drift.drifted


def test_copies_of_a_long_text_count_once_and_short_ones_each():
    rows = frame(
        [{"messages": "please send the invoice of last month to my office again"}] * 20 + [{"messages": "yes"}] * 20
    )
    pool = pooling.pooled(rows, texts(CARDS, 30, 1))
    assert int(pool.unit_new.sum()) == 21


def test_equal_weights_leave_every_row_and_unequal_ones_as_many_as_they_say():
    rows = texts(CARDS, 2_000, 1)
    assert pooling.thinned(rows, np.full(2_000, 7.0)).height == 2_000
    weights = np.where(np.arange(2_000) < 1_000, 1.0, 0.25)
    kept = pooling.thinned(rows, weights)
    assert kept["id"][:1000].equals(rows["id"][:1000])
    assert 190 <= kept.height - 1_000 <= 310


def test_the_weights_of_an_eval_set_are_used_and_told():
    rows = texts(CARDS, 80, 1).with_columns(
        part=pl.lit("dev"), weight=pl.when(pl.int_range(pl.len()) < 40).then(1.0).otherwise(0.1),
        stratum=pl.lit(None, pl.String), cluster=pl.col("id"), tags=pl.lit(None, pl.List(pl.String)), digest=pl.lit(""),
    ).select(list(EVAL_ROWS))  # fmt: skip
    drift = measure_drift(texts(CARDS, 80, 2), rows, permutations=119)
    assert any("weights leave" in note for note in drift.notes)
    assert 40 <= drift.comparisons[0].rows <= 52


def test_wrong_input_is_one_sentence():
    rows = texts(CARDS, 10, 1)
    with pytest.raises(DataError, match="no row with a text"):
        measure_drift(frame([{"messages": " "}]), rows)
    with pytest.raises(DataError, match="weight of reference row 2 is nan"):
        measure_drift(rows, rows[:2], weights=[1, float("nan")])
    with pytest.raises(UsageError, match="3 weights for 2"):
        measure_drift(rows, rows[:2], weights=[1, 1, 1])
    with pytest.raises(UsageError, match="give 119 or more"):
        measure_drift(rows, rows, permutations=118)
    with pytest.raises(UsageError, match="alpha is 5"):
        measure_drift(rows, rows, alpha=5)


# --- the parts ------------------------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 30))
def test_every_assignment_has_as_many_new_units_and_the_first_is_what_was_seen(new, known, count):
    flags = np.arange(new + known) < new
    blocks = np.concatenate(list(permuting.assignments(flags, count)))
    assert blocks.shape == (count + 1, new + known)
    assert (blocks[0] == flags).all()
    assert (blocks.sum(axis=1) == new).all()


def test_length_and_words_agree_with_scipy():
    from scipy.spatial.distance import jensenshannon
    from scipy.stats import ks_2samp
    from vetset.evaluate.drifting.lengths import length_statistic, lengths

    pool = pooling.pooled(texts(FOOD, 40, 1), texts(CARDS, 50, 2))
    values = lengths(pool)
    got = length_statistic(pool)(pool.unit_new[None])[0, 0]
    assert got == pytest.approx(ks_2samp(values[pool.new], values[~pool.new]).statistic, abs=1e-12)
    of = vocabulary.vocabulary(pool)
    one, other = (np.asarray(of.counts[side].sum(axis=0)).ravel() for side in (pool.unit_new, ~pool.unit_new))
    got = vocabulary.mix_statistic(of)(pool.unit_new[None])[0, 0]
    assert got == pytest.approx(jensenshannon(one, other, base=2) ** 2, abs=1e-6)


def test_the_classifier_is_ridge_regression_fitted_without_the_fold_and_its_area_that_of_scikit_learn():
    from sklearn.linear_model import Ridge
    from sklearn.metrics import roc_auc_score
    from vetset.curate.embed.tfidf import tfidf_vectors

    pool = pooling.pooled(texts(FOOD + CARDS, 60, 1), texts(CARDS, 60, 2))
    vectors = separating.text_vectors(pool.texts, tfidf_vectors)
    scores = separating.scores(pool, vectors)
    right, pairs = 0.0, 0
    for fold in separating._folds(pool, seed=0):
        model = Ridge(alpha=1.0).fit(vectors[~fold], pool.new[~fold].astype(float))
        foretold = model.predict(vectors[fold]) - pool.new[~fold].mean()
        assert np.allclose(foretold, scores[fold], atol=1e-3)
        count = pool.new[fold].sum() * (~pool.new[fold]).sum()
        right, pairs = right + roc_auc_score(pool.new[fold], foretold) * count, pairs + count
    area = separating.separation_statistic(pool, vectors)(pool.unit_new[None])[0, 0]
    assert area == pytest.approx(right / pairs, abs=0.02)


def test_the_rule_is_what_it_says():
    calm, words = shift("words", found=False), shift("words", found=True)
    assert ruling.rule([calm], [calm]).actions == ()
    assert ruling.rule([words], None).actions == ("refresh",)
    assert ruling.rule([calm], [words]).actions == ("retrain",)
    assert ruling.rule([words], [words]).actions == ("refresh", "retrain")
    assert ruling.rule([calm], [words], by_design={"words"}).actions == ()
    assert ruling.rule([words], [words], by_design={"words"}).actions == ("refresh", "retrain")
    classes = shift("unseen classes", found=True)
    assert ruling.rule([calm], [classes], by_design={"unseen classes"}).actions == ("retrain",)
    small = shift("words", found=False, sure=True)
    assert "too little to act on" in ruling.rule([small], None).reasons[0]
    assert ruling.rule([calm], None, small="Too few.") == ruling.Ruling((), "Too few.", (), told=False)
    assert ruling.rule([words], None, small="Too few.").actions == ("refresh",)


def test_the_same_seed_gives_the_same_bytes():
    new, old = texts(FOOD, 40, 1, ["a", "b"]), texts(CARDS, 40, 2, ["a", "b"])
    one, other = (json.dumps(measure_drift(new, old, permutations=119, seed=4).summary()) for _ in range(2))
    assert one == other


def test_secrets_are_masked_in_what_is_shown():
    new = frame([{"messages": f"write to ann{i}@example.com about order {i}"} for i in range(60)])
    told = json.dumps(measure_drift(new, texts(CARDS, 60, 1), permutations=199).summary())
    assert "example.com" not in told
    assert "mail address" in told


def test_scripts_without_blanks_are_compared_word_part_by_word_part():
    new = frame([{"messages": f"我的银行卡丢了{i}"} for i in range(40)])
    old = frame([{"messages": f"请问今天的天气怎么样{i}"} for i in range(40)])
    assert found(measure_drift(new, old, permutations=199)) >= {"words", "vectors"}


def test_the_python_of_the_page_runs():
    page = (Path(__file__).parents[2] / "docs" / "drift.md").read_text(encoding="utf-8")
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(block, "drift.md", "exec"), {})
