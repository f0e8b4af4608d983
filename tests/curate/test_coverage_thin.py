"""Regions of the input space that a side of the split lacks, or that one source labels all the same."""

import numpy as np
import polars as pl
import pytest
from vetset.curate.checking import check
from vetset.curate.coverage.regions import cells, regions
from vetset.curate.coverage.sentences import thin_sentence
from vetset.curate.coverage.thin import Placed, find_thin, may_be_thin, thin_figures, thin_regions
from vetset.curate.coverage.typical import typical_words
from vetset.curate.dataset import Dataset, frame
from vetset.curate.findings import SCHEMA
from vetset.curate.material import Material
from vetset.curate.reading.reader import read

TOPICS = (
    "card lost",
    "refund late",
    "loan rate",
    "login code",
    "fee abroad",
    "app crash",
    "cash machine",
    "new account",
)


def topical(seed=0, *, topics=8, each=50):
    """Rows of some topics, with vectors that stand apart."""
    draw = np.random.default_rng(seed)
    topic = np.repeat(np.arange(topics), each)
    middles = np.linalg.qr(draw.normal(size=(64, 64)))[0][:topics]
    vectors = middles[topic] + 0.1 * draw.normal(size=(len(topic), 64))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    texts = [f"{TOPICS[t % 8]} number{'x' * (n % 7)} {n}" for n, t in enumerate(topic)]
    side = np.where(draw.random(len(topic)) < 0.8, "train", "test")
    rows = frame([{"messages": text, "split": s, "label": "ab"[n % 2], "source": "pq"[n % 3 > 0]}
                  for n, (text, s) in enumerate(zip(texts, side, strict=True))])  # fmt: skip
    places = np.arange(len(topic))
    return rows, Placed(places, places, vectors, texts), topic


def sided(rows, where, split):
    return rows.with_columns(split=pl.when(pl.Series(where)).then(pl.lit(split)).otherwise("split"))


def found_in(rows, placed):
    return find_thin(rows, placed, thin_regions(rows, placed))


def test_a_topic_that_train_lacks_is_found_with_its_words_and_counts():
    rows, placed, topic = topical()
    rows = sided(rows, topic == 2, "test")
    found = found_in(rows, placed)
    assert set(found["id"]) == set(rows.filter(pl.Series(topic == 2))["id"])
    assert found["score"].unique().to_list() == [0.9]
    notes = found["note"].unique().to_list()
    assert all("'loan, rate" in note and "none stand in train, where" in note for note in notes)
    assert set(found["suggest"]) == {"review"}


def test_a_topic_that_no_eval_split_holds_is_found():
    rows, placed, topic = topical(each=100)
    rows = sided(rows, topic == 5, "train")
    found = found_in(rows, placed)
    assert set(found["id"]) == set(rows.filter(pl.Series(topic == 5))["id"])
    assert "no score covers them" in found["note"][0]


def test_a_topic_of_one_label_by_one_source_amid_others_is_found():
    rows, placed, topic = topical(topics=16)
    own = pl.Series(topic == 3)
    rows = rows.with_columns(label=pl.when(own).then(pl.lit("a")).otherwise("label"))
    assert found_in(rows, placed).is_empty()  # a label alone is what a topic may well have
    rows = rows.with_columns(source=pl.when(own).then(pl.lit("p")).otherwise("source"))
    found = found_in(rows, placed)
    assert set(found["id"]) == set(rows.filter(own)["id"])
    assert "all by source 'p'" in found["note"][0]


@pytest.mark.parametrize("seed", range(20))
def test_a_split_at_random_has_no_gap(seed):
    rows, placed, _ = topical(seed)
    assert found_in(rows, placed).is_empty()


def test_the_same_is_found_whatever_the_order_of_the_rows():
    rows, placed, topic = topical()
    rows = sided(rows, topic == 2, "test")
    order = np.random.default_rng(1).permutation(len(rows))
    vectors, texts = placed.vectors[order], [placed.texts[at] for at in order]
    moved = rows[order.tolist()]
    again = find_thin(moved, Placed(placed.row, placed.text, vectors, texts),
                      thin_regions(moved, Placed(placed.row, placed.text, vectors, texts)))  # fmt: skip
    assert again.sort("id").equals(found_in(rows, placed).sort("id"))


def test_nothing_is_looked_for_where_nothing_could_be_found():
    plain = frame([{"messages": f"t{n}", "label": "ab"[n % 2]} for n in range(10)])
    assert not may_be_thin(plain)
    assert Material(plain).regions is None
    assert not may_be_thin(frame([]))
    assert may_be_thin(sided(plain, np.arange(10) > 4, "test").with_columns(pl.col("split").fill_null("train")))
    assert may_be_thin(plain.with_columns(annotator=pl.Series([str(n % 3) for n in range(10)])))


def test_small_and_odd_sets_have_no_gap():
    one = frame([{"messages": "a", "split": "train"}, {"messages": "b", "split": "test"}])
    alike = Placed(np.arange(2), np.arange(2), np.ones((2, 1), np.float32), ["a", "b"])
    assert found_in(one, alike).schema == SCHEMA
    assert found_in(one, alike).is_empty()
    none = Placed(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 1), np.float32), [])
    assert found_in(one, none).is_empty()
    assert thin_sentence(thin_figures(thin_regions(one, none))) == ""


def test_regions_hold_every_vector_and_hang_on_no_order():
    vectors = topical()[1].vectors
    for cut in (lambda v: regions(v, 12), lambda v: cells(v, 10)):
        found = cut(vectors)
        assert set(found) == set(range(found.max() + 1))
        order = np.random.default_rng(0).permutation(len(vectors))
        same = cut(vectors[order])
        assert len(set(zip(found[order].tolist(), same.tolist(), strict=True))) == found.max() + 1
    assert regions(vectors[:0], 5).size == cells(vectors[:0], 5).size == 0
    assert set(regions(np.ones((9, 3), np.float32), 4)) == {0}


def test_typical_words_are_those_of_the_group_and_secrets_are_masked():
    texts = ["the red card ann@example.com"] * 5 + ["the blue loan"] * 50
    assert typical_words(texts, [np.arange(5)])[0][:2] == ["card", "red"]
    assert not {"ann", "example"} & set(typical_words(texts, [np.arange(5)])[0])
    assert typical_words(["退款太慢", "退款很慢", "登录失败", "登录不了"], [np.arange(2)])[0][0] == "退款"
    assert typical_words([], []) == []


def test_a_check_of_real_splits_finds_the_topics_that_train_lacks(shared, tmp_path):
    dataset = read([shared / "labels" / "wrench_youtube" / "data.parquet"], tmp_path / "yt.vet").dataset
    result = check(dataset, select=["coverage.thin"])
    notes = result.findings["note"].unique().to_list()
    assert any(
        "shakira" in note and "of all do" in note for note in notes
    )  # one of the videos is in the test split only
    assert result.counts()["coverage.thin"]["rows"] < 100
    assert check(Dataset.open(dataset.folder), select=["coverage.thin"]).findings.equals(result.findings)


@pytest.mark.slow
def test_bank_intents_have_no_gap_until_one_is_planted(shared, tmp_path):
    dataset = read([shared / "bank_intents"], tmp_path / "b.vet").dataset
    material = Material(dataset.rows)
    assert material.regions is not None
    placed, found = material.regions
    assert find_thin(dataset.rows, placed, found).is_empty()
    moved = dataset.rows["label"] == "age_limit"
    rows = sided(dataset.rows, moved.to_numpy(), "test")
    planted = found_in(rows, placed)
    # Regions are of some 50 texts, and those at the edge of a topic are mixed: half of its rows, and hardly any other.
    assert rows.filter(moved)["id"].is_in(planted["id"].implode()).mean() > 0.4
    assert planted.height < 150
    assert any("children" in note for note in planted["note"].unique())
