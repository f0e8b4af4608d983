"""One label of several votes, who errs, and how: on simulated annotators whose truth is known, and on a real crowd."""

import numpy as np
import polars as pl
import pytest
from vetset.curate.agreement.agreeing import agree
from vetset.curate.agreement.choosing import choose, ways
from vetset.curate.agreement.confusions import confused
from vetset.curate.agreement.dawid_skene import fit_tables
from vetset.curate.agreement.error_rates import counted_errors, shrunken
from vetset.curate.agreement.label_files import write_labels
from vetset.curate.agreement.single_rates import fit_rates
from vetset.curate.agreement.votes import gathered
from vetset.curate.errors import UsageError


def crowd(errors, items=1000, labels=3, votes=5, seed=0, shift=None):
    """Votes of annotators with these error rates; their wrong labels are the next one, or any where ``shift`` is none."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, labels, items)
    who = random.permuted(np.tile(np.arange(len(errors)), (items, 1)), axis=1)[:, :votes]
    off = random.integers(1, labels, who.shape) if shift is None else shift
    said = np.where(random.random(who.shape) < np.asarray(errors)[who], (truth[:, None] + off) % labels, truth[:, None])
    frame = pl.DataFrame(
        {
            "item": [f"{item:05}" for item in np.repeat(np.arange(items), votes)],
            "annotator": [f"a{person:02}" for person in who.ravel()],
            "label": [str(label) for label in said.ravel()],
        }
    )
    return gathered(frame), truth


def share_right(fitted, truth):
    return (fitted.labels().label == truth).mean()


def test_the_majority_is_the_label_with_the_most_votes():
    votes, _ = crowd([0.3] * 9)
    found = fit_rates(votes, alike=True).labels()
    counts = np.zeros((len(votes.items), 3))
    np.add.at(counts, (votes.item, votes.label), 1)
    assert (counts[np.arange(len(counts)), found.label] == counts.max(axis=1)).all()
    assert (found.tied == ((counts == counts.max(axis=1, keepdims=True)).sum(axis=1) > 1)).all()


def test_rates_and_tables_beat_the_majority_where_annotators_differ():
    votes, truth = crowd([0.05, 0.05, 0.1, 0.6, 0.6, 0.6, 0.6, 0.6], shift=None)
    scores = {method: share_right(fit(votes), truth) for method, fit in ways(votes).items()}
    assert scores["one rate each"] > scores["majority"] + 0.05
    assert scores["Dawid-Skene"] > scores["majority"] + 0.05


def test_tables_turn_round_who_is_wrong_in_a_way_that_can_be_learned():
    votes, truth = crowd([0.05, 0.1, 0.1, 0.1, 0.95, 0.95, 0.9], shift=1, votes=5)
    assert share_right(fit_tables(votes), truth) > 0.97 > share_right(fit_rates(votes, alike=True), truth)
    assert choose(votes).method == "Dawid-Skene"


def test_tables_find_what_each_annotator_says():
    votes, _ = crowd([0.05, 0.1, 0.1, 0.1, 0.4], items=3000, shift=1)
    said = np.exp(fit_tables(votes).said[4])
    assert said[:, 0] == pytest.approx([0.6, 0.4, 0.0], abs=0.05)
    assert np.exp(fit_tables(votes).said).sum(axis=1) == pytest.approx(np.ones((5, 3)), abs=1e-9)


def test_the_evidence_says_majority_where_all_err_alike():
    votes, _ = crowd([0.2] * 6)
    choice = choose(votes)
    assert choice.method == "majority"
    assert [entry.method for entry in choice.evidence] == ["majority", "one rate each", "Dawid-Skene"]
    assert "the simpler one is taken" in choice.sentence or "the others give less" in choice.sentence


def test_a_good_classifier_is_one_more_voter_and_a_bad_one_is_not_believed():
    votes, truth = crowd([0.35] * 8, votes=3)
    random = np.random.default_rng(1)
    seen = np.where(random.random(1000) < 0.9, truth, random.integers(0, 3, 1000))
    good = np.full((1000, 3), 0.05) + 0.85 * np.eye(3)[seen]
    bad = random.dirichlet(np.ones(3), 1000)
    alone = share_right(fit_tables(votes), truth)
    assert share_right(fit_tables(votes, shares=good), truth) > alone + 0.05
    assert share_right(fit_tables(votes, shares=bad), truth) > alone - 0.02
    assert choose(votes, shares=good).method == "Dawid-Skene with the classifier"
    assert choose(votes, shares=bad).method != "Dawid-Skene with the classifier"


def test_of_two_annotators_nothing_is_weighed():
    votes, _ = crowd([0.1, 0.4], votes=2)
    choice = choose(votes)
    assert choice.method == "majority"
    assert "of two annotators" in choice.sentence


def test_a_vote_has_no_say_in_whether_it_is_wrong():
    """Two items: three agree, and one is alone against two. Whoever is judged is judged by the others."""
    votes, _ = crowd([0.1] * 5)
    for fitted in (fit_rates(votes, alike=True), fit_tables(votes)):
        rest = fitted.rest(votes.item, votes.annotator, votes.label)
        others = np.zeros((len(votes.items), 3))
        np.add.at(others, (votes.item, votes.label), 1)
        mine = others[votes.item]
        mine[np.arange(len(votes.item)), votes.label] -= 1
        clear = mine.max(axis=1) >= 3
        assert (rest.label[clear] == mine[clear].argmax(axis=1)).all()
        assert ((rest.wrong[clear] > 0.5) == (mine[clear].argmax(axis=1) != votes.label[clear])).all()


def test_error_rates_are_found_and_their_intervals_hold():
    errors = [0.02, 0.05, 0.05, 0.1, 0.1, 0.1, 0.2, 0.3, 0.45]
    votes, _ = crowd(errors, items=2000)
    found = agree(votes, draws=0).annotators.sort("annotator")
    assert found["rate"].to_numpy() == pytest.approx(errors, abs=0.04)
    assert agree(votes, draws=0).annotators["annotator"][0] == "a08"


def test_a_rate_of_few_votes_is_drawn_to_what_is_usual():
    rates = shrunken(np.array([2.0, 10, 12, 9, 11, 100]), np.array([2.0, 100, 100, 100, 100, 200]))
    assert 0.1 < rates.mean[0] < 0.8
    assert rates.mean[5] == pytest.approx(0.5, abs=0.05)
    assert (rates.low < rates.mean).all()
    assert (rates.mean < rates.high).all()
    none = shrunken(np.zeros(3), np.array([10.0, 0.0, 5.0]))
    assert np.isfinite(none.mean).all()
    assert (none.mean < 0.2).all()


def test_who_has_no_shared_item_is_judged_by_the_classifier_where_there_is_one():
    frame = pl.DataFrame({"item": list("abcd"), "annotator": list("xxyy"), "label": list("pqpq")})
    votes = gathered(frame)
    assert agree(votes).annotators["rate"].null_count() == 2
    found = agree(votes, wrong=[0.9, 0.9, 0.05, np.nan]).annotators
    assert found["annotator"].to_list() == ["x", "y"]
    assert found["judged"].to_list() == [2, 1]


def test_a_confusion_of_one_is_told_and_one_of_all_is_not():
    random = np.random.default_rng(0)
    who, truth = random.integers(0, 8, 4000), random.integers(0, 4, 4000)
    given = np.where((truth == 0) & (random.random(4000) < 0.2), 1, truth)  # everybody's habit
    given = np.where((who == 3) & (truth == 2) & (random.random(4000) < 0.4), 3, given)
    found = confused(who, given, truth).filter("credible")
    assert found.select("annotator", "given", "rest").rows() == [(3, 3, 2)]
    entry = found.row(0, named=True)
    assert entry["times"] == ((who == 3) & (truth == 2) & (given == 3)).sum()
    assert entry["of"] == ((who == 3) & (truth == 2)).sum()
    assert entry["others_times"] == 0
    assert confused(who[:0], given[:0], truth[:0]).is_empty()


def test_a_real_crowd_is_brought_to_gold_better_than_by_the_majority(shared):
    folder = shared / "labels" / "crowd_sp"
    votes = gathered(pl.read_parquet(folder / "annotations.parquet").rename({"id": "item"}))
    gold = dict(pl.read_parquet(folder / "data.parquet").select("id", "gold").iter_rows())
    result = agree(votes, gold=gold, draws=0)
    assert result.right["majority"] == pytest.approx(0.882, abs=0.003)
    assert result.right[result.choice.method] >= max(result.right.values()) - 0.003
    assert result.right[result.choice.method] > 0.91
    truth = np.array([gold[item] for item in votes.items])
    wrong = np.array(votes.labels)[votes.label] != truth[votes.item]
    real = np.bincount(votes.annotator, wrong) / np.bincount(votes.annotator)
    found = result.annotators.sort("annotator")
    many = (found["votes"] >= 50).to_numpy()
    assert np.corrcoef(found["rate"].to_numpy()[many], real[many])[0, 1] > 0.95


def test_the_order_of_lines_changes_nothing():
    votes, _ = crowd([0.1, 0.2, 0.3, 0.1], votes=3, items=100)
    frame = pl.DataFrame({
        "item": [votes.items[i] for i in votes.item], "annotator": [votes.annotators[i] for i in votes.annotator],
        "label": [votes.labels[i] for i in votes.label],
    })  # fmt: skip
    one, two = (agree(gathered(some), draws=50) for some in (frame, frame.sample(fraction=1.0, shuffle=True, seed=2)))
    assert one.summary() == two.summary()
    assert one.labels.equals(two.labels)


def test_labels_are_written_in_three_forms_and_no_other(tmp_path):
    labels = agree(crowd([0.1] * 4, items=20, votes=3)[0], draws=0).labels
    for name, reader in (("a.csv", pl.read_csv), ("a.jsonl", pl.read_ndjson), ("a.parquet", pl.read_parquet)):
        write_labels(labels, tmp_path / name)
        assert reader(tmp_path / name).columns == ["item", "label", "confidence", "votes", "tied"]
    with pytest.raises(UsageError, match=r"\.csv"):
        write_labels(labels, tmp_path / "a.xlsx")
    with pytest.raises(UsageError, match="no folder"):
        write_labels(labels, tmp_path / "b" / "a.csv")
    assert {path.name for path in tmp_path.iterdir()} == {"a.csv", "a.jsonl", "a.parquet"}


def test_gold_of_other_items_is_wrong_use():
    with pytest.raises(UsageError, match="other items"):
        agree(crowd([0.1] * 3, items=5, votes=2)[0], gold={"zzz": "1"}, draws=0)


@pytest.mark.parametrize(("errors", "labels", "votes"), [([0.1, 0.1, 0.4], 2, 3), ([0.2] * 8, 4, 3)])
def test_an_error_rate_is_not_the_doubt_of_the_others(errors, labels, votes):
    """Two others who differ leave half a doubt in whoever is judged; summed up, that made 0.37 of a rate of 0.2."""
    found = agree(crowd(errors, items=1500, labels=labels, votes=votes)[0], draws=0).annotators.sort("annotator")
    assert found["rate"].to_numpy() == pytest.approx(errors, abs=0.06)
    assert found["rate"].mean() == pytest.approx(np.mean(errors), abs=0.025)
    # of three annotators and two labels hardly more than who errs most can be told
    assert ((found["low"] <= np.array(errors)) & (found["high"] >= np.array(errors))).mean() >= 2 / 3


def test_votes_that_others_are_unsure_of_make_a_wider_interval():
    who = np.zeros(200, np.int64)
    widths = []
    for doubt in (0.02, 0.2, 0.5):
        seen = np.where(np.arange(200) % 5 == 0, 1 - doubt, doubt)
        errors, worth = counted_errors(seen, who, people=1, labels=2)
        assert (0 <= errors <= 200).all()
        assert (0 <= worth <= 200).all()
        widths.append(worth[0])
    assert widths[0] > 170 > widths[1] > widths[2]
    assert widths[2] == pytest.approx(0)
    nothing = counted_errors(np.zeros(0), np.zeros(0, np.int64), people=2, labels=1)
    assert nothing[0].tolist() == nothing[1].tolist() == [0, 0]
