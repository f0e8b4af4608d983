"""labels.annotator: who errs more than the rest where every row has one label, on real texts with planted annotators."""

import csv
import tracemalloc

import numpy as np
import polars as pl
import pytest
from vetset.curate.dataset import frame
from vetset.curate.findings import SCHEMA
from vetset.curate.labels.annotators import doubts, find_annotator
from vetset.curate.labels.labelled import from_arrays


def points(labels, seed=0, width=24, spread=0.35):
    """Vectors about a mean for each label; labels next to each other lie nearer."""
    random = np.random.default_rng(seed)
    means = random.normal(size=(int(labels.max()) + 1, width))
    means[1::2] = means[::2][: len(means[1::2])] + 0.5 * means[1::2]
    return means[labels] + spread * random.normal(size=(len(labels), width))


def judged(vectors, code, labels, errors):
    """A stand-in for the classifier: ridge regression on the labels, each row left out in closed form, then calibrated."""
    from sklearn.isotonic import IsotonicRegression

    left, size, _ = np.linalg.svd(vectors, full_matrices=False)
    keep = size**2 / (size**2 + 1.0)
    hot = np.eye(labels)[code]
    leverage = (left**2 * keep).sum(axis=1, keepdims=True)
    score = (left @ (keep[:, None] * (left.T @ hot)) - leverage * hot) / (1 - leverage)
    share = np.exp(12 * score)
    share /= share.sum(axis=1, keepdims=True)
    doubt = 1 - share[np.arange(len(code)), code]
    calibrated = IsotonicRegression(y_min=0.001, y_max=0.97).fit(doubt, errors)
    return calibrated.predict(doubt), share.argmax(axis=1)


def case(planted, seed=0, rows=3000, labels=12, people=10, spread=0.35):
    """Rows of ten annotators; ``planted`` gets the true labels and the annotators and returns the given ones."""
    random = np.random.default_rng(seed)
    truth, who = random.integers(0, labels, rows), random.integers(0, people, rows)
    given = planted(truth, who, random)
    names = np.array([f"label {number:02}" for number in range(labels)])
    vectors = points(truth, seed, spread=spread)
    known = from_arrays(vectors, names[given])
    wrong, other = judged(known.vectors.astype(float), given, labels, given != truth)
    table = pl.DataFrame({"id": [f"r{n}" for n in range(rows)], "annotator": [f"ann{n}" for n in who]})
    return table, known, wrong, other, given != truth


def found_of(rows, known, wrong, other):
    found = find_annotator(rows, known, wrong, other)
    assert found.schema == SCHEMA
    return found, set(rows.filter(pl.col("id").is_in(found["id"].implode()))["annotator"])


def careless(truth, who, random):
    wrong = random.random(len(truth)) < np.where(who == 4, 0.4, 0.01)
    return np.where(wrong, (truth + random.integers(1, 12, len(truth))) % 12, truth)


def of_one_pair(truth, who, random):
    return np.where((who == 2) & (truth == 6) & (random.random(len(truth)) < 0.6), 7, truth)


def of_few_labels(truth, who, random):
    few = (who == 5) & (truth < 4) & (random.random(len(truth)) < 0.5)
    return np.where(few, (truth + random.integers(1, 4, len(truth))) % 4, truth)


def test_a_careless_annotator_is_found_with_the_rows_that_are_wrong():
    rows, known, wrong, other, errors = case(careless)
    found, who = found_of(rows, known, wrong, other)
    assert who == {"ann4"}
    place = found["id"].str.slice(1).cast(pl.Int64).to_numpy()
    assert errors[place].mean() > 0.85
    assert errors[place].sum() > 0.9 * (errors & (rows["annotator"] == "ann4").to_numpy()).sum()
    assert any("'ann4' errs in some" in note and "others in" in note for note in found["note"])
    assert (found.filter(pl.col("suggest") == "relabel")["score"] >= 0.5).all()
    assert found.filter(pl.col("suggest") == "review")["value"].null_count() == (found["suggest"] == "review").sum()


def test_a_confusion_of_one_pair_is_told_with_its_counts():
    rows, known, wrong, other, errors = case(of_one_pair, rows=6000)
    found, who = found_of(rows, known, wrong, other)
    assert who == {"ann2"}
    told = found["note"].str.starts_with("annotator 'ann2' gives 'label 07' where the rest say 'label 06': ")
    assert told.mean() > 0.9
    assert errors[found["id"].str.slice(1).cast(pl.Int64).to_numpy()].mean() > 0.9


def test_confusion_among_a_few_labels_is_found():
    rows, known, wrong, other, _ = case(of_few_labels, rows=4000)
    found, who = found_of(rows, known, wrong, other)
    assert who == {"ann5"}
    assert found.height > 30


def test_annotators_who_err_alike_are_left_alone():
    def alike(truth, who, random):
        return np.where(random.random(len(truth)) < 0.1, (truth + 1) % 12, truth)

    for seed in range(5):
        rows, known, wrong, other, _ = case(alike, seed)
        assert found_of(rows, known, wrong, other)[0].is_empty()
        assert doubts(rows, known, wrong, other) == pytest.approx(wrong, abs=1e-5)


def test_annotators_with_topics_of_their_own_are_not_blamed_for_the_classifier():
    """Each labels three of twelve labels nearly alone, and some of these the classifier takes for others."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 12, 4000)
    who = np.where(random.random(4000) < 0.8, truth % 4, random.integers(0, 4, 4000))
    vectors = points(truth, 0, spread=0.9)
    known = from_arrays(vectors, np.array([f"label {number:02}" for number in truth]))
    wrong, other = judged(known.vectors.astype(float), truth, 12, np.random.default_rng(1).random(4000) < 0.05)
    rows = pl.DataFrame({"id": [f"r{n}" for n in range(4000)], "annotator": [f"ann{n}" for n in who]})
    assert (other != truth).mean() > 0.02
    assert found_of(rows, known, wrong, other)[0].is_empty()


def test_doubts_with_annotators_rank_the_wrong_labels_better():
    from sklearn.metrics import average_precision_score

    rows, known, wrong, other, errors = case(careless, seed=3, spread=0.7)
    after = doubts(rows, known, wrong, other)
    assert average_precision_score(errors, after) > average_precision_score(errors, wrong)
    others = (rows["annotator"] != "ann4").to_numpy()
    assert after[others] == pytest.approx(np.clip(wrong[others], 1e-6, 1 - 1e-6), abs=1e-9)


def test_without_annotators_or_with_one_there_is_nothing_to_say():
    rows = frame([{"messages": f"t{n}", "label": "ab"[n % 2]} for n in range(6)])
    known = from_arrays(np.random.default_rng(0).normal(size=(6, 3)), list("ababab"))
    wrong, other = np.full(6, 0.9), np.zeros(6, int)
    assert find_annotator(rows, known, wrong, other).is_empty()
    assert find_annotator(rows.with_columns(annotator=pl.lit("x")), known, wrong, other).is_empty()
    nobody = from_arrays(np.zeros((0, 3)), np.zeros(0, str))
    assert find_annotator(rows.head(0), nobody, wrong[:0], other[:0]).is_empty()
    assert doubts(rows, known, wrong, other).tolist() == wrong.tolist()


def test_rows_of_unknown_annotators_are_passed_over():
    rows, known, wrong, other, _ = case(careless)
    some = rows.with_columns(pl.when(pl.int_range(pl.len()) % 2 == 0).then("annotator").alias("annotator"))
    _, who = found_of(some, known, wrong, other)
    assert who == {"ann4"}
    after = doubts(some, known, wrong, other)
    assert (after[1::2] == wrong[1::2]).all()


def test_any_order_of_rows_gives_the_same_findings():
    rows, known, wrong, other, _ = case(careless, rows=1500)
    order = np.random.default_rng(1).permutation(1500)
    given = np.array(known.names)[known.code]
    shuffled = from_arrays(known.vectors[order], given[order])
    one = find_annotator(rows, known, wrong, other)
    two = find_annotator(rows[order], shuffled, wrong[order], other[order])
    assert one.drop("score").sort("id").equals(two.drop("score").sort("id"))
    assert one.sort("id")["score"].to_numpy() == pytest.approx(two.sort("id")["score"].to_numpy(), abs=1e-9)


def test_what_is_secret_in_a_name_is_masked_and_names_are_told_apart():
    rows, known, wrong, other, _ = case(careless)
    mail = rows.with_columns(("ann" + pl.col("annotator").str.slice(3) + "@example.com").alias("annotator"))
    notes = find_annotator(mail, known, wrong, other)["note"]
    assert len(notes) > 50
    assert not notes.str.contains("example").any()
    assert notes.str.contains(r"\[mail address\] 5").all()


def test_many_labels_are_no_trouble():
    random = np.random.default_rng(0)
    given = np.concatenate([np.arange(2000), random.integers(0, 2000, 2000)])
    known = from_arrays(random.normal(size=(4000, 8)), given.astype(str))
    rows = pl.DataFrame({"id": [str(n) for n in range(4000)], "annotator": [f"ann{n % 7}" for n in range(4000)]})
    found = find_annotator(rows, known, np.full(4000, 0.3), random.integers(0, 2000, 4000))
    assert found.is_empty()


def test_many_annotators_times_many_labels_stay_small():
    draw = np.random.default_rng(0)
    code = np.repeat(np.arange(1_000), 6)
    of = from_arrays(draw.normal(size=(code.size, 8)), code.astype(str))
    who = (draw.permutation(code.size) % 1_000).astype(str)
    rows = pl.DataFrame({"id": [str(n) for n in range(code.size)], "annotator": who})
    wrong, other = np.full(code.size, 0.7), (of.code + 1) % 1_000
    assert of.targets.shape == (code.size, 1_000)
    tracemalloc.start()
    found = find_annotator(rows, of, wrong, other)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.is_empty()
    assert peak < 120e6, peak


def test_a_note_on_alike_labels_names_the_confusions_that_carry_most_errors_the_most_first():
    def confuses(truth, who, random):
        mostly = (who == 5) & (truth == 2) & (random.random(len(truth)) < 0.5)
        some = (who == 5) & (truth < 4) & (random.random(len(truth)) < 0.3)
        return np.where(mostly, 3, np.where(some, (truth + random.integers(1, 4, len(truth))) % 4, truth))

    notes = find_annotator(*case(confuses)[:4])["note"].to_list()
    told = [note for note in notes if "most are" in note]
    assert told
    assert all("most are 'label 03' for 'label 02' (" in note for note in told)


@pytest.mark.slow
def test_planted_annotators_among_real_questions_are_found_and_no_other(shared):
    """40 annotators, three of whom take every second label for the one that is nearest to it; words for vectors."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    records = []
    for part in ("train", "test"):
        with (shared / "bank_intents" / f"{part}.csv").open(encoding="utf-8", newline="") as file:
            records += list(csv.DictReader(file))
    names, truth = np.unique([record["category"] for record in records], return_inverse=True)
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    vectors = TruncatedSVD(150, random_state=0).fit_transform(words.fit_transform([r["text"] for r in records]))
    means = np.stack([vectors[truth == label].mean(axis=0) for label in range(len(names))])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    near = np.argsort(-(means @ means.T) + 2 * np.eye(len(names)), axis=1)[:, 0]
    for seed in range(2):
        random = np.random.default_rng(seed)
        who, bad = random.integers(0, 40, len(truth)), random.choice(40, 3, replace=False)
        rate = np.where(np.isin(who, bad), 0.5, 0.01)
        given = np.where(random.random(len(truth)) < rate, near[truth], truth)
        known = from_arrays(vectors, names[given])
        wrong, other = judged(known.vectors.astype(float), given, len(names), given != truth)
        rows = pl.DataFrame({"id": [f"r{n}" for n in range(len(truth))], "annotator": [f"ann{n}" for n in who]})
        _, blamed = found_of(rows, known, wrong, other)
        assert blamed == {f"ann{n}" for n in bad}
