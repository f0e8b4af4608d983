"""Eval sets that are built: what is chosen is covered and weighed, what is too close leaves, all of it can be taken back."""

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from vetset.curate import check
from vetset.curate.dataset import Dataset
from vetset.curate.decisions.deciding import decide_rows, undo
from vetset.curate.errors import DataError, UsageError
from vetset.curate.exports import exporting
from vetset.curate.leakage.closeness import spoilt, too_close
from vetset.evaluate.evalsets.building import build
from vetset.evaluate.evalsets.candidates import pool_of, standing
from vetset.evaluate.evalsets.choosing import choose, design, region_count
from vetset.evaluate.evalsets.edges import edge_cases
from vetset.evaluate.evalsets.evalset import EVAL_ROWS, EvalSet
from vetset.evaluate.evalsets.freezing import freeze
from vetset.evaluate.evalsets.parting import Shares
from vetset.tests.evaluate.sets_made import made_set


@pytest.fixture
def tickets(tmp_path):
    return made_set(tmp_path, copies=30)


def trained(dataset):
    """Rows that an export would write for training."""
    rows = standing(Dataset.open(dataset.folder))
    return rows.filter(pl.col("split") == "train")


def test_every_stratum_and_region_is_met_and_parts_have_their_rows(tickets, tmp_path):
    built = build(tickets, tmp_path / "t.evalset", rows=60)
    rows = built.evalset.rows
    assert rows.columns == EVAL_ROWS.names()
    assert rows.height == 60
    assert set(rows["stratum"]) == {"card", "transfer", "rate", "login"}
    assert built.chosen.covered["regions"]["met"] == built.chosen.covered["regions"]["count"] == 15
    assert set(rows.filter(part="ship")["stratum"]) == {"card", "transfer", "rate", "login"}
    assert 12 <= rows.filter(part="dev").height <= 16  # a quarter of the clusters, some of which have two rows
    assert rows["tags"].explode().drop_nulls().is_in(["rare", "long", "hard"]).all()
    for part in ("dev", "ship"):
        assert rows.filter(part=part)["weight"].sum() == pytest.approx(430, rel=0.4)


def test_no_group_and_no_copy_of_an_eval_row_is_left_in_train(tickets, tmp_path):
    built = build(tickets, tmp_path / "t.evalset", rows=60)
    left, chosen = trained(tickets), built.evalset.rows
    assert not set(left["group"]) & set(chosen["group"])
    said = [rows["messages"].list.first().struct.field("content") for rows in (left, chosen)]
    assert not set(said[0]) & set(said[1])
    assert left.height + sum(built.aside.counts.values()) + 60 == 430
    assert spoilt(chosen, left).is_empty()
    assert set(Dataset.open(tickets.folder).rows.filter(split="eval")["id"]) == set(chosen["id"])
    exported = exporting.export(Dataset.open(tickets.folder), tmp_path / "out")
    assert {file.name: file.rows for file in exported.files}["train.jsonl"] == left.height


def test_parts_share_no_group_and_no_text(tmp_path):
    rows = build(made_set(tmp_path, rows=120, copies=30), tmp_path / "t.evalset", rows=80).evalset.rows
    dev, ship = (rows.filter(part=part) for part in ("dev", "ship"))
    assert not set(dev["group"]) & set(ship["group"])
    assert not set(dev["cluster"]) & set(ship["cluster"])
    assert rows["cluster"].n_unique() < 80  # some users have several rows, and count as one


def test_the_drops_are_one_batch_that_names_the_eval_row_and_is_taken_back(tickets, tmp_path):
    built = build(tickets, tmp_path / "t.evalset", rows=60)
    before = trained(tickets).height
    why = standing(tickets)  # opened before the build: decisions are read anew
    assert why.height == 430 - sum(built.aside.counts.values())
    undo(Dataset.open(tickets.folder), built.aside.batch, reviewer="ann")
    assert trained(tickets).height == before + sum(built.aside.counts.values()) == 370


def test_the_same_command_gives_the_same_bytes_and_takes_its_own_doing_back(tickets, tmp_path):
    out = tmp_path / "t.evalset"
    first = build(tickets, out, rows=60)
    file = (out / "rows.parquet").read_bytes()
    again = build(Dataset.open(tickets.folder), out, rows=60)
    assert (out / "rows.parquet").read_bytes() == file
    assert again.aside == first.aside
    other = build(Dataset.open(tickets.folder), out, rows=60, seed=1)
    assert set(other.rows["id"]) != set(first.rows["id"])
    ours = Dataset.open(tickets.folder).rows.filter(split="eval")["id"]
    assert set(ours) == set(other.rows["id"])  # the rows of the first went back to train
    assert spoilt(other.evalset.rows, trained(tickets)).is_empty()


def test_a_build_that_fails_leaves_the_drops_that_stood(tickets, tmp_path):
    build(tickets, tmp_path / "t.evalset", rows=60)
    left = trained(tickets)["id"].to_list()
    with pytest.raises(DataError, match="--rows"):
        build(Dataset.open(tickets.folder), tmp_path / "t.evalset", rows=5_000)
    assert trained(tickets)["id"].to_list() == left


def test_a_second_eval_set_takes_other_rows_and_another_split(tickets, tmp_path):
    first = build(tickets, tmp_path / "one.evalset", rows=40)
    second = build(Dataset.open(tickets.folder), tmp_path / "two.evalset", rows=40)
    assert not set(first.rows["id"]) & set(second.rows["id"])
    assert (first.aside.split, second.aside.split) == ("eval", "eval-two")
    for one in (first, second):
        assert spoilt(one.evalset.rows, trained(tickets)).is_empty()
    (tmp_path / "else").mkdir()
    with pytest.raises(UsageError, match="another eval set called one"):
        build(Dataset.open(tickets.folder), tmp_path / "else" / "one.evalset", rows=40)


def test_dropped_rows_are_not_chosen_and_relabels_apply(tickets, tmp_path):
    rows = tickets.rows.filter(label="login")
    decide_rows(tickets, rows["id"].to_list(), "relabel", value="sign-in", reviewer="ann")
    gone = tickets.rows.filter(pl.col("label") == "rate")["id"].to_list()
    decide_rows(tickets, gone, "drop", reviewer="ann")
    built = build(Dataset.open(tickets.folder), tmp_path / "t.evalset", rows=40)
    assert set(built.rows["stratum"]) == {"card", "transfer", "sign-in"}
    assert built.population["dropped"] == len(gone)
    undo(tickets, built.aside.batch, reviewer="ann") if built.aside.batch else None
    assert "rate" not in set(standing(tickets)["label"])  # another's decisions are not touched


def test_rows_that_stand_in_a_split_are_asked_for(tmp_path, tickets):
    splits = tickets.rows.select(
        "id", split=pl.when(pl.int_range(pl.len()) % 3 == 0).then(pl.lit("test")).otherwise(pl.lit("train"))
    )
    tickets.save({"splits.parquet": splits.write_parquet})
    built = build(Dataset.open(tickets.folder), tmp_path / "t.evalset", rows=40, split="test")
    assert set(built.rows["split"]) == {"test"}
    left = Dataset.open(tickets.folder).rows["split"].value_counts().sort("split").rows()
    assert left == [("eval", 40), ("test", 144 - 40), ("train", 286)]


def test_more_columns_make_more_strata_and_too_few_rows_are_told(tickets, tmp_path):
    built = build(tickets, tmp_path / "t.evalset", rows=60, by=("label", "channel"))
    assert len(set(built.rows["stratum"])) == 8
    assert "card | a" in set(built.rows["stratum"])
    with pytest.raises(DataError, match=r"7 rows can't cover 8 strata \(label x channel\); give --rows 8"):
        build(Dataset.open(tickets.folder), tmp_path / "u.evalset", rows=7, by=("label", "channel"))
    with pytest.raises(UsageError, match=r"no row of .* has a value in 'nothing'"):
        build(Dataset.open(tickets.folder), tmp_path / "u.evalset", rows=60, by=("nothing",))
    assert not (tmp_path / "u.evalset").exists()


def test_texts_that_stand_too_often_can_stay_in_train(tmp_path):
    tickets = made_set(tmp_path, copies=60)
    built = build(tickets, tmp_path / "t.evalset", rows=40, most_copies=3)
    assert built.population["common"] == 65
    assert "leakage.exact" not in built.aside.counts


def test_a_frozen_set_and_a_foreign_folder_are_not_written_over(tickets, tmp_path):
    out = tmp_path / "t.evalset"
    freeze(build(tickets, out, rows=60).evalset)
    with pytest.raises(UsageError, match="is frozen"):
        build(Dataset.open(tickets.folder), out, rows=60)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("x")
    with pytest.raises(UsageError, match="holds other files"):
        build(Dataset.open(tickets.folder), tmp_path / "other", rows=60)
    with pytest.raises(UsageError, match="no eval set"):
        build(Dataset.open(tickets.folder), tickets.folder, rows=60)


def test_findings_on_the_splits_before_are_taken_away_and_hard_rows_are_those_that_were_doubted(tickets, tmp_path):
    check(tickets, select=["leakage", "labels.conflict", "duplicates.exact"])
    built = build(Dataset.open(tickets.folder), tmp_path / "t.evalset", rows=60)
    now = Dataset.open(tickets.folder)
    assert "duplicates.exact" in built.aside.unchecked
    assert now.manifest["checked"] == ["labels.conflict"]
    assert set(now.findings["rule"]) <= {"labels.conflict"}


def test_chats_without_labels_are_covered_by_region(tmp_path):
    tickets = made_set(tmp_path, groups=False)
    bare = tickets.rows.with_columns(label=pl.lit(None, pl.String))
    shutil.rmtree(tickets.folder)
    bare.select(text=pl.col("messages").list.first().struct.field("content")).write_ndjson(tmp_path / "bare.jsonl")
    from vetset.curate import read

    built = build(read([tmp_path / "bare.jsonl"], tmp_path / "bare.vet").dataset, tmp_path / "t.evalset", rows=40)
    assert set(built.rows["stratum"]) == {"all"}
    assert built.chosen.covered["regions"]["met"] == 10


def test_a_reserve_is_kept_out_of_sight(tickets, tmp_path):
    built = build(tickets, tmp_path / "t.evalset", rows=60, shares=Shares(dev=0.2, reserve=0.25))
    assert set(built.evalset.rows["part"]) == {"dev", "ship"}
    assert built.evalset.rows.height + built.evalset.manifest["reserve"] == 60
    assert built.rows.height == 60
    assert spoilt(built.rows.with_columns(digest=pl.lit("")), trained(tickets)).is_empty()


def test_rows_that_ask_nothing_are_no_candidates(tmp_path):
    made_set(tmp_path, rows=100)
    path = Path(tmp_path / "tickets.jsonl")
    path.write_text(path.read_text() + '{"text": " ", "label": "card", "user": "x"}\n')
    from vetset.curate import read

    dataset = read([path], tmp_path / "more.vet").dataset
    assert build(dataset, tmp_path / "t.evalset", rows=30).population["blank"] == 1


def test_what_is_close_is_found_from_either_side(tickets):
    rows = tickets.rows
    chosen, pool = rows.head(20), rows.slice(20)
    close = too_close(pool, chosen)
    assert set(close["id"]) >= set(pool.filter(pl.col("group").is_in(chosen["group"].implode()))["id"])
    left = pool.filter(~pl.col("id").is_in(close["id"].implode()))
    assert spoilt(chosen, left).is_empty()
    assert spoilt(chosen, pool).height > 0
    assert too_close(pool.head(0), chosen).is_empty()
    assert too_close(pool, chosen.head(0)).is_empty()


def test_weights_make_up_for_edge_cases_over_many_seeds(tmp_path):
    tickets = made_set(tmp_path, rows=600, copies=60)
    pool = pool_of(tickets, standing(tickets))
    region = pool.regions(region_count(60))
    tags = edge_cases(pool, region, tickets, rows=60)
    planned = design(pool, tags, region, rows=60)
    long = tags["long"].astype(float)
    weighted, plain = [], []
    for seed in range(200):
        found = choose(planned, Shares(), seed=seed)
        ship = (found.rows["part"] == "ship").to_numpy()
        weighted.append(float((found.rows["weight"].to_numpy() * long[found.at])[ship].sum() / 660))
        plain.append(float(long[found.at][ship].mean()))
    error = np.std(weighted) / 200**0.5
    assert abs(np.mean(weighted) - long.mean()) < 4 * error
    assert np.mean(plain) > 1.3 * long.mean()  # without weights the estimate would be off


def test_an_opened_set_has_what_was_written(tickets, tmp_path):
    built = build(tickets, tmp_path / "t.evalset", rows=60)
    opened = EvalSet.open(tmp_path / "t.evalset")
    assert opened.rows.equals(built.evalset.rows)
    assert opened.manifest["population"][0]["rows"] == 430
    assert opened.manifest["built"]["options"]["by"] == ["label"]
