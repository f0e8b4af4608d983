"""An eval set over time: frozen, looked at, renewed, and how it says that it rots."""

import json

import polars as pl
import pytest
from vetset.curate.dataset import Dataset
from vetset.curate.errors import DataError, StaleError, UsageError
from vetset.curate.leakage.closeness import spoilt
from vetset.evaluate.evalsets.ageing import status
from vetset.evaluate.evalsets.building import build
from vetset.evaluate.evalsets.candidates import standing
from vetset.evaluate.evalsets.confirming import confirm
from vetset.evaluate.evalsets.evalset import EvalSet, digest_of, row_digests
from vetset.evaluate.evalsets.freezing import freeze
from vetset.evaluate.evalsets.parting import Shares
from vetset.evaluate.evalsets.refreshing import refresh
from vetset.evaluate.evalsets.touches import looks, touch
from vetset.tests.evaluate.sets_made import made_set


@pytest.fixture
def frozen(tmp_path):
    """A frozen eval set of 60 rows, 15 of them in reserve, beside its set."""
    build(made_set(tmp_path, copies=20), tmp_path / "t.evalset", rows=60, shares=Shares(dev=0.25, reserve=0.25))
    freeze(EvalSet.open(tmp_path / "t.evalset"), by="ann", at="2026-01-01T00:00:00+00:00")
    return EvalSet.open(tmp_path / "t.evalset")


def changed(evalset):
    """Change a label behind the back of a frozen set."""
    path = evalset.folder / "rows.parquet"
    first = pl.int_range(pl.len()) == 0
    rows = pl.read_parquet(path)
    rows.with_columns(label=pl.when(first).then(pl.lit("else")).otherwise("label")).write_parquet(path)
    return EvalSet.open(evalset.folder)


def test_freezing_twice_changes_nothing(frozen):
    manifest = (frozen.folder / "evalset.json").read_bytes()
    again = freeze(frozen, by="bob")
    assert again.before
    assert (frozen.folder / "evalset.json").read_bytes() == manifest
    assert frozen.manifest["frozen_by"] == "ann"
    assert len(frozen.manifest["row_digests"]) == frozen.rows.height
    assert digest_of(EvalSet.open(frozen.folder / "versions" / "1").rows) == frozen.digest


def test_changed_rows_are_refused_and_the_first_is_named(frozen):
    first = frozen.rows["id"][0]
    now = changed(frozen)
    with pytest.raises(StaleError, match=f"1 changed or new, 0 gone, first {first}"):
        freeze(now)
    with pytest.raises(StaleError):
        status(now)


TAMPERED = {
    "id": pl.lit("another"), "stratum": pl.lit("else"), "tags": pl.lit(["rare"], pl.List(pl.String)), "source": pl.lit("else"),
    "group": pl.lit("else"), "extra": pl.lit('{"gold": "else"}'), "label": pl.lit("else"), "weight": pl.col("weight") * 2,
}  # fmt: skip


def tampered(evalset, column):
    path = evalset.folder / "rows.parquet"
    first = pl.int_range(pl.len()) == 0
    rows = pl.read_parquet(path)
    new = pl.when(first).then(TAMPERED[column]).otherwise(pl.col(column)).alias(column)
    rows.with_columns(new).write_parquet(path)
    return EvalSet.open(evalset.folder)


@pytest.mark.parametrize("column", list(TAMPERED))
def test_a_change_of_any_column_that_a_verdict_reads_is_seen(frozen, column):
    with pytest.raises(StaleError, match="other rows than those that were frozen"):
        _ = tampered(frozen, column).rows


def made_by_format_1(evalset):
    """Write an eval set as a vetset did that left id, stratum, tags and source out of the digest."""
    for folder in (evalset.folder, evalset.folder / "versions" / "1"):
        path = folder / "evalset.json"
        told = json.loads(path.read_text())
        digests = dict(zip(evalset.rows["id"], row_digests(evalset.rows, rule=1), strict=True))
        told |= {"format": 1, "digest": digest_of(evalset.rows, rule=1), "row_digests": digests}
        path.write_text(json.dumps(told))
    return EvalSet.open(evalset.folder)


def test_an_older_frozen_set_is_read_by_its_own_rule_and_its_next_version_by_todays(frozen):
    old = made_by_format_1(frozen)
    assert old.digest != frozen.digest
    assert old.rows.equals(frozen.rows)
    assert freeze(old).before
    touch(old, candidate="one", part="ship")
    with pytest.raises(StaleError, match="1 changed or new, 0 gone"):
        freeze(changed(old))
    after = freeze(changed(old), anew=True).evalset
    assert (after.format, after.digest) == (2, digest_of(after.rows))
    kept = EvalSet.open(old.folder / "versions" / "1")
    assert (kept.format, kept.digest, kept.rows.height) == (1, old.digest, old.rows.height)
    assert len(looks(after, "ship")) == 1
    with pytest.raises(StaleError):
        _ = tampered(after, "stratum").rows


def test_an_eval_set_of_a_newer_vetset_is_not_guessed_at(frozen):
    path = frozen.folder / "evalset.json"
    path.write_text(path.read_text().replace('"format": 2', '"format": 3'))
    with pytest.raises(DataError, match="has format 3, this vetset reads up to 2"):
        EvalSet.open(frozen.folder)


def test_a_label_that_was_wrong_makes_a_version_and_no_look_is_forgotten(frozen):
    touch(frozen, candidate="one", part="ship")
    after = freeze(changed(frozen), anew=True).evalset
    assert (after.manifest["version"], after.manifest["history"][0]["digest"]) == (2, frozen.digest)
    assert EvalSet.open(frozen.folder / "versions" / "1").digest == frozen.digest
    assert after.digest != frozen.digest
    assert [look.candidate for look in looks(after, "ship")] == ["one"]


def test_a_refresh_keeps_its_share_the_old_version_and_the_looks(frozen, tmp_path):
    touch(frozen, candidate="one", part="ship")
    newer = made_set(tmp_path, rows=300, seed=9, name="newer")
    result = refresh(frozen, newer, share=0.2, train=Dataset.open(tmp_path / "tickets.vet"))
    now = EvalSet.open(frozen.folder)
    assert (now.manifest["version"], now.rows.height) == (2, frozen.rows.height)
    kept = now.rows.filter(pl.col("id").is_in(frozen.rows["id"].implode()))
    assert kept.height == result.kept == frozen.rows.height - result.fresh
    assert 0.15 <= result.fresh / frozen.rows.height <= 0.25
    assert EvalSet.open(frozen.folder / "versions" / "1").rows.equals(frozen.rows)
    assert [one["share"] for one in now.manifest["population"]] == [0.8, 0.2]
    for part in ("dev", "ship"):
        own = now.rows.filter(part=part)
        fresh = own.filter(~pl.col("id").is_in(frozen.rows["id"].implode()))
        assert fresh["weight"].sum() / own["weight"].sum() == pytest.approx(0.2)
        assert fresh.height > 0
    assert [look.candidate for look in looks(now, "ship")] == ["one"]
    assert set(Dataset.open(newer.folder).rows.filter(split="eval")["id"]) == set(now.rows["id"]) - set(
        frozen.rows["id"]
    )
    for name in ("tickets", "newer"):
        rows = standing(Dataset.open(tmp_path / f"{name}.vet")).filter(split="train")
        assert spoilt(now.rows, rows).is_empty()


def test_a_refresh_of_the_refreshed_and_from_the_same_sample_takes_other_rows(frozen, tmp_path):
    newer = made_set(tmp_path, rows=300, seed=9, name="newer")
    refresh(frozen, newer, share=0.2)
    second = refresh(EvalSet.open(frozen.folder), Dataset.open(newer.folder), share=0.2, seed=4)
    assert second.evalset.manifest["version"] == 3
    assert second.evalset.rows["id"].is_unique().all()
    assert [one["share"] for one in second.evalset.manifest["population"]] == pytest.approx([0.64, 0.16, 0.2])
    assert sorted(path.name for path in (frozen.folder / "versions").iterdir()) == ["1", "2", "3"]


def test_the_weighted_mean_is_that_of_the_mixture_over_many_seeds(tmp_path):
    """Of the old population all rows count 0, of the new one 1: the estimate is the share, whatever the draw."""
    build(made_set(tmp_path), tmp_path / "t.evalset", rows=60)
    freeze(EvalSet.open(tmp_path / "t.evalset"))
    frozen = EvalSet.open(tmp_path / "t.evalset")
    newer = made_set(tmp_path, rows=300, seed=9, name="newer")
    after = refresh(frozen, newer, share=0.3).evalset.rows
    fresh = ~after["id"].is_in(frozen.rows["id"].implode())
    for part in ("dev", "ship"):
        mine = after["part"] == part
        weight = after["weight"].filter(mine)
        assert (weight * fresh.filter(mine)).sum() / weight.sum() == pytest.approx(0.3)


def test_the_reserve_takes_the_place_of_what_is_spent(frozen):
    touch(frozen, candidate="one", part="ship")
    spent = set(frozen.part("ship")["id"])
    result = confirm(frozen)
    now = EvalSet.open(frozen.folder)
    assert result.fresh == now.part("ship").height == frozen.manifest["reserve"]
    assert not set(now.part("ship")["id"]) & set(frozen.rows["id"])
    assert spent <= set(now.part("dev")["id"])
    assert looks(now, "ship") == []
    assert now.manifest["reserve"] == 0
    with pytest.raises(UsageError, match="no reserve left"):
        confirm(now)


def test_a_reserve_is_not_given_away_for_rows_that_nobody_has_seen(frozen):
    touch(frozen, candidate="base", part="ship", rung="bare")
    touch(frozen, candidate="one", part="dev")
    with pytest.raises(UsageError, match=r"no candidate has looked at the part ship .*`vetset eval MODEL"):
        confirm(frozen)
    assert EvalSet.open(frozen.folder).manifest["version"] == 1
    assert EvalSet.open(frozen.folder).manifest["reserve"] == frozen.manifest["reserve"] > 0


def test_a_reserve_serves_where_the_looks_are_lost_and_a_refresh_does_not(frozen, tmp_path):
    (frozen.folder / "touches.jsonl").unlink()
    with pytest.raises(DataError, match="is gone"):
        refresh(frozen, made_set(tmp_path, rows=300, seed=9, name="newer"))
    confirm(frozen)
    assert looks(EvalSet.open(frozen.folder), "ship") == []


def test_what_is_not_frozen_has_no_versions(tmp_path):
    built = build(made_set(tmp_path), tmp_path / "t.evalset", rows=40)
    with pytest.raises(UsageError, match="not frozen"):
        confirm(built.evalset)
    assert status(built.evalset).age is None
    assert "not frozen" in status(built.evalset).notes[0]


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0, float("nan"), 0.001])
def test_a_share_that_is_none_is_refused(frozen, tmp_path, share):
    with pytest.raises(UsageError, match="share"):
        refresh(frozen, made_set(tmp_path, rows=300, seed=9, name="newer"), share=share)


def test_a_set_that_is_fresh_clean_and_unseen_has_no_rot(frozen, tmp_path):
    found = status(frozen, train=tmp_path / "tickets.vet", at="2026-01-31T00:00:00+00:00")
    assert (found.age, found.rot) == (30, [])
    assert found.overlap.is_empty()
    assert json.loads(json.dumps(found.summary()))["parts"]["ship"]["looks"] == 0


def test_age_looks_and_training_rows_are_rot(frozen, tmp_path):
    for number in range(5):
        touch(frozen, candidate=f"c{number}", part="ship")
    learnt = frozen.rows.head(7)["messages"].list.first().struct.field("content").to_list()
    path = tmp_path / "train.jsonl"
    path.write_text(
        "".join(json.dumps({"text": text.upper(), "label": "a"}) + "\n" for text in [*learnt, *["other words"] * 5])
    )
    found = status(frozen, train=path, at="2026-09-01T00:00:00+00:00")
    assert found.overlap.height == 7
    assert set(found.overlap["rule"]) == {"leakage.exact"}
    assert [sentence.split()[0] for sentence in found.rot] == ["it", "5", "7"]
    ship = next(part for part in found.parts if part.sight.part == "ship")
    assert ship.alpha == pytest.approx(0.05 / 6)


def test_a_newer_sample_on_other_things_is_rot(frozen, tmp_path):
    path = tmp_path / "new.jsonl"
    path.write_text(
        "".join(
            json.dumps({"text": f"parcel lost in the rain number {n}", "label": "parcel"}) + "\n" for n in range(150)
        )
    )
    found = status(frozen, against=path, at="2026-01-02T00:00:00+00:00")
    assert found.drift.drifted
    assert [f"{path} is unlike it" in sentence for sentence in found.rot] == [True]


def test_a_sight_shrinks_with_clusters_and_weights(frozen):
    ship = next(part.sight for part in status(frozen).parts if part.sight.part == "ship")
    assert ship.effective <= ship.rows
    assert 0.15 < ship.least_gain < 0.5
    assert ship.rows_for_margin >= 623  # of rows that are independent and weigh alike
    assert "80% power" in ship.sentence
