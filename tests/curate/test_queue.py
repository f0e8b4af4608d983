"""The queue of labels to review: what is offered first, what answers change, and what is never offered again."""

import json
import random
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl
import pytest
from vetset.curate import read
from vetset.curate.dataset import Dataset, frame
from vetset.curate.decisions.deciding import decide_rows
from vetset.curate.decisions.ledger import HEADS, Decision, Ledger
from vetset.curate.errors import UsageError
from vetset.curate.labels.influence import influence, row_weights
from vetset.curate.labels.neighbours import find_neighbours
from vetset.curate.labels.queue import EVERY, QUEUE, review_queue
from vetset.curate.labels.reviewed import counted_heads, reviewed
from vetset.curate.reading.mapping import Given

WORDS = {
    "card": ["card", "lost", "stolen", "bank", "pin", "block", "swallowed", "machine", "limit", "plastic"],
    "flight": ["flight", "plane", "gate", "luggage", "seat", "airport", "delayed", "boarding", "aisle", "pilot"],
    "food": ["soup", "bread", "cold", "spicy", "waiter", "plate", "hungry", "menu", "pizza", "dessert"],
}


def records(rows=180, wrong=24, *, seed=1):
    """Texts of three topics, some of which have another topic's label; ``truth`` says which."""
    draw = random.Random(seed)
    found = []
    for i in range(rows):
        truth = list(WORDS)[i % 3]
        said = " ".join(["please", *draw.sample(WORDS[truth], 4), draw.choice("abcdefgh") * 3, str(i)])
        other = draw.choice([name for name in WORDS if name != truth])
        label = other if i >= rows - wrong else truth
        found.append({"text": said, "label": label, "truth": truth, "split": "test" if i % 10 == 0 else "train"})
    return found


def saved(folder, rows, name="s"):
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    read([path], folder / f"{name}.vet", columns=Given(text="text", label="label" if "label" in rows[0] else None))
    return folder / f"{name}.vet"


@pytest.fixture
def folder(tmp_path):
    return saved(tmp_path, records())


def opened(folder, **options):
    return review_queue(Dataset.open(folder), **options)


def truths(folder):
    rows = Dataset.open(folder).rows
    return dict(zip(rows["id"], rows["extra"].str.json_path_match("$.truth"), strict=True))


def answered(folder, ids, *, reviewer="ann"):
    """Answer with the truth, one decision after the other."""
    truth, label = truths(folder), dict(Dataset.open(folder).rows.select("id", "label").iter_rows())
    with Ledger.open(folder) as ledger:
        for row in ids:
            right = truth[row] == label[row]
            decision = Decision(row, "keep") if right else Decision(row, "relabel", value=truth[row])
            ledger.decide([decision], reviewer=reviewer)


@pytest.mark.parametrize("by", ["gain", "wrong"])
def test_planted_errors_come_first_with_the_label_that_is_right(folder, by):
    queue = opened(folder, by=by, limit=20)
    truth = truths(folder)
    assert queue.frame.schema == QUEUE
    hits = [truth[row] != label for row, label in queue.frame.select("id", "label").iter_rows()]
    assert sum(hits) >= 18
    right = [truth[row] == label for row, label in queue.frame.select("id", "suggested").iter_rows()]
    assert sum(right) >= 18
    assert queue.frame["note"].null_count() == 0
    assert (queue.waiting, queue.decided, queue.refit_in, queue.precision) == (180, 0, EVERY, {})


def test_the_order_is_by_gain_or_by_chance(folder):
    gain, wrong = (opened(folder, by=by, limit=None).frame for by in ("gain", "wrong"))
    assert gain["gain"].is_sorted(descending=True)
    assert wrong["wrong"].is_sorted(descending=True)
    assert set(gain["id"]) == set(wrong["id"])
    assert gain["id"].to_list() != wrong["id"].to_list()


def test_what_is_settled_is_never_offered_again(folder):
    first = opened(folder, limit=4).frame["id"].to_list()
    soup = '[{"role": "user", "content": "soup"}]'
    for row, (action, value) in zip(
        first, (("keep", None), ("relabel", "card"), ("drop", None), ("edit", soup)), strict=True
    ):
        decide_rows(Dataset.open(folder), [row], action, reviewer="ann", value=value)
    queue = opened(folder, limit=None)
    assert not set(first) & set(queue.frame["id"])
    assert queue.waiting == 176
    with Ledger.open(folder) as ledger:
        ledger.decide([Decision(queue.frame["id"][0], "skip")], reviewer="ann")
        ledger.undo([1], reviewer="ann")
    assert set(opened(folder, limit=None).frame["id"]) == set(queue.frame["id"]) | {first[0]}


def test_the_queue_is_fitted_after_every_thirty_answers_and_not_before(folder):
    assert opened(folder).again
    assert not opened(folder, by="wrong").again
    order = opened(folder, limit=None).frame["id"].to_list()
    answered(folder, order[: EVERY - 1])
    late = opened(folder, limit=None)
    assert (late.again, late.fitted_with, late.refit_in) == (False, 0, 1)
    assert late.frame["id"].to_list() == order[EVERY - 1 :]
    answered(folder, order[EVERY - 1 : EVERY])
    moved = opened(folder, limit=None)
    assert (moved.again, moved.fitted_with, moved.refit_in) == (True, EVERY, EVERY)
    assert moved.frame["id"].to_list() != order[EVERY:]
    assert not opened(folder).again


def test_a_lost_or_damaged_fit_is_worked_out_again_to_the_same_queue(folder):
    answered(folder, opened(folder, limit=EVERY).frame["id"])
    before = opened(folder, limit=None)
    [kept] = (folder / "vectors").glob("queue-*.parquet")
    for harm in (kept.unlink, lambda: kept.write_bytes(kept.read_bytes()[:200])):
        harm()
        queue = opened(folder, limit=None)
        assert queue.again
        assert queue.frame.equals(before.frame)
        assert queue.calibration == before.calibration


def test_answers_are_counted_in_the_order_in_which_they_were_given(folder):
    truth = truths(folder)
    ids = opened(folder, limit=None).frame["id"].to_list()
    answered(folder, [*ids[:12], *ids[-18:]])
    queue = opened(folder)
    wrong = [truth[row] != label for row, label in queue.answers.select("id", "came").iter_rows()]
    assert queue.answers["wrong"].to_list() == wrong
    assert queue.precision == {
        "10": sum(wrong[:10]) / 10,
        "30": round(sum(wrong) / 30, 4),
        "all": round(sum(wrong) / 30, 4),
    }
    assert queue.confirmed_wrong == sum(wrong)
    assert sum(line["rows"] for line in queue.calibration) == 30
    best, worst = queue.calibration[0], queue.calibration[-1]
    assert best["found"] <= 0.1
    assert worst["found"] >= 0.9


def test_a_confirmed_label_is_trusted_and_its_row_sure(folder):
    ids = opened(folder, limit=None).frame["id"].to_list()
    answered(folder, ids[:EVERY])
    opened(folder)
    [kept] = (folder / "vectors").glob("queue-*.parquet")
    fit = pl.read_parquet(kept).filter(pl.col("id").is_in(ids[:EVERY]))
    truth = truths(folder)
    assert fit.height == EVERY
    assert (fit["wrong"] == 0).all()
    assert all(truth[row] == label for row, label in fit.select("id", "label").iter_rows())


def heads(*lines):
    names = ("row_id", "action", "value", "reviewer", "rule")
    found = pl.DataFrame(
        [dict(zip(names, line, strict=True)) for line in lines], schema=dict.fromkeys(names, pl.String)
    )
    return found.with_row_index("seq", 1).cast({"seq": pl.Int64}).match_to_schema(HEADS, missing_columns="insert")


def test_only_people_who_saw_the_label_give_answers():
    rows = frame([{"messages": f"t{i}", "label": "a"} for i in range(7)] + [{"messages": "bare"}])
    ids = rows["id"].to_list()
    seen = reviewed(
        rows,
        heads(
            (ids[0], "keep", None, "policy", "labels.suspect"),
            (ids[1], "keep", None, "ann", "duplicates.near"),
            (ids[2], "keep", None, "ann", None),
            (ids[3], "relabel", "b", "ann", "labels.suspect"),
            (ids[4], "drop", None, "ann", None),
            (ids[5], "relabel", "a", "ann", None),
            (ids[6], "skip", None, "ann", None),
            (ids[7], "keep", None, "ann", None),
        ),
    )
    assert seen.answers["id"].to_list() == ids[2:6]
    assert seen.answers["wrong"].to_list() == [False, True, None, False]
    assert seen.answers["trusted"].to_list() == [True, True, False, True]
    assert set(seen.settled) == {*ids[:6], ids[7]}
    assert seen.rows["label"].to_list() == ["a", "a", "a", "b", "a", "a", None]


def test_other_decisions_wait_with_the_answers_for_the_next_fit():
    rows = frame([{"messages": f"t{i}", "label": "a"} for i in range(9)])
    ids = rows["id"].to_list()
    policy = (ids[0], "drop", None, "policy", "duplicates.exact")
    keeps = [(row, "keep", None, "ann", None) for row in ids[1:8]]
    late = (ids[8], "drop", None, "policy", "duplicates.exact")
    for lines, counted in (([policy], 1), ([policy, *keeps[:2], late], 1), ([policy, *keeps[:4], late], 4)):
        of = heads(*lines)
        assert counted_heads(of, reviewed(rows, of).answers, every=3).height == counted


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([{"text": "hello there"}], "no row has both"),
        ([{"text": "hello there", "label": "a"}], "one row alone"),
        ([{"text": f"hello {i}", "label": "a"} for i in range(40)], "one label"),
        ([{"text": f"hello {i}", "label": f"kind {i % 30}"} for i in range(40)], "no classes"),
    ],
)
def test_labels_that_can_t_be_judged_give_a_sentence_and_no_row(tmp_path, rows, why):
    queue = opened(saved(tmp_path, rows))
    assert queue.frame.is_empty()
    assert queue.frame.schema == QUEUE
    assert why in " ".join(queue.notes)
    json.dumps(queue.summary())


def test_unicode_labels_and_texts_are_offered(tmp_path):
    rows = [{**row, "text": f"{row['text']} été 酒店", "label": f"标签 {row['label']}"} for row in records(60, 6)]
    queue = opened(saved(tmp_path, rows), limit=3)
    assert all(label.startswith("标签 ") for label in queue.frame["suggested"])
    assert "标签" in json.dumps(queue.summary(), ensure_ascii=False)


def test_the_same_set_gives_the_same_queue(tmp_path):
    (tmp_path / "b").mkdir()
    one, two = saved(tmp_path, records()), saved(tmp_path / "b", records())
    left, right = (opened(folder, limit=None).frame.drop("file") for folder in (one, two))
    assert left.equals(right)


def test_wrong_use_is_a_sentence(folder):
    with pytest.raises(UsageError, match="gain or wrong"):
        opened(folder, by="luck")
    with pytest.raises(UsageError, match="0 or more"):
        opened(folder, limit=-1)


def test_an_eval_row_weighs_as_many_train_rows_as_there_are_to_one():
    split = pl.Series(["train"] * 7 + ["test", None, "test"])
    assert row_weights(split, train="train").tolist() == [1.0] * 7 + [4.0, 1.0, 4.0]
    assert row_weights(pl.Series(["train"] * 99 + ["test"]), train="train").max() == 10.0
    assert row_weights(pl.Series([None, None], dtype=pl.String), train="train").tolist() == [1.0, 1.0]


def test_influence_is_shared_out_and_more_of_it_stands_in_the_middle():
    draw = np.random.default_rng(0)
    vectors = draw.standard_normal((60, 8)).astype(np.float32) * 0.2 + np.eye(8, dtype=np.float32)[0]
    vectors[-1] = np.eye(8, dtype=np.float32)[7]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    weight = np.ones(60)
    found = influence(find_neighbours(vectors), np.arange(60), weight)
    assert found.sum() == pytest.approx(120)
    assert found[-1] == found.min() == pytest.approx(1.0, abs=0.2)


def test_two_reviewers_at_once_lose_nothing_and_settle_no_row_twice(folder):
    opened(folder)

    def review(name):
        late = 0
        for _ in range(8):
            dataset = Dataset.open(folder)
            row = review_queue(dataset, limit=1).frame["id"][0]
            late += len(decide_rows(dataset, [row], "keep", reviewer=name).conflicts)
        return late

    with ThreadPoolExecutor(2) as pool:
        late = sum(pool.map(review, ["ann", "bob"]))
    with Ledger.open(folder) as ledger:
        log = ledger.log()
    queue = opened(folder, limit=None)
    assert log.height == 16 - late
    assert queue.decided == log["row_id"].n_unique()
    assert queue.waiting == 180 - queue.decided
    assert not set(log["row_id"]) & set(queue.frame["id"])


REVIEWER = """
import os, sys
from vetset.curate.dataset import Dataset
from vetset.curate.decisions.deciding import decide_rows
from vetset.curate.labels.queue import review_queue
while True:
    dataset = Dataset.open(sys.argv[1])
    row = review_queue(dataset, limit=1).frame["id"][0]
    decide_rows(dataset, [row], "keep", reviewer="ann")
    print(row, flush=True)
"""


def test_a_kill_between_decisions_loses_none(folder):
    order = opened(folder, limit=None).frame["id"].to_list()
    reviewer = subprocess.Popen([sys.executable, "-c", REVIEWER, str(folder)], stdout=subprocess.PIPE, text=True)
    told = [reviewer.stdout.readline().strip() for _ in range(5)]
    reviewer.send_signal(signal.SIGKILL)
    told += reviewer.communicate()[0].split()
    assert reviewer.returncode == -signal.SIGKILL
    queue = opened(folder, limit=None)
    assert told == order[: len(told)]
    assert not set(told) & set(queue.frame["id"])
    assert queue.decided - len(told) in (0, 1)


@pytest.mark.slow
def test_on_weak_labels_a_queue_that_is_fitted_again_finds_more(shared, tmp_path):
    """Labels by rules, with gold: 131 of 1,558 are wrong."""
    data = pl.read_parquet(shared / "labels" / "wrench_youtube" / "data.parquet").drop_nulls("label")
    folder = saved(tmp_path, data.select("text", "label", truth="gold").to_dicts())
    truth, label = truths(folder), dict(Dataset.open(folder).rows.select("id", "label").iter_rows())
    still = opened(folder, limit=150).frame["id"].to_list()
    offered = []
    for _ in range(5):
        offered += (ids := opened(folder, limit=EVERY).frame["id"].to_list())
        answered(folder, ids)
    assert len(set(offered)) == 150
    found, unmoved = (sum(truth[row] != label[row] for row in ids) for ids in (offered, still))
    assert found >= unmoved
    assert found >= 75
    queue = opened(folder)
    assert queue.confirmed_wrong == found
    assert queue.precision["30"] >= 0.8
