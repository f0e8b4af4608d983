"""Splits of sets with synthetic rows: no child of an eval row trains, eval splits are real, and sizes are of real rows."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate import check, split
from vetset.curate.dataset import Dataset, digest_of, frame, parquet
from vetset.curate.decisions.ledger import Decision, Ledger
from vetset.curate.distill.handoff import with_ids
from vetset.curate.distill.kinds import KINDS
from vetset.curate.distill.lineage import TEXT_OF_PEOPLE, ancestors, is_synthetic, synthetic
from vetset.curate.errors import DataError, UsageError
from vetset.curate.splits.families import families
from vetset.tests.curate.children_made import child


def made_set(folder, rows):
    folder.mkdir()
    Dataset(folder).save(
        {"rows.parquet": parquet(rows)}, inputs=[], rows=rows.height, rejects=0, digest=digest_of(rows["id"])
    )
    return Dataset.open(folder)


def real(count, **columns):
    return frame(
        [
            {"messages": f"ticket number {n}", "label": "ab"[n % 2], **{k: of(n) for k, of in columns.items()}}
            for n in range(count)
        ]
    )


def with_children(rows, parents):
    """Rows and one child for each tuple of places of parents."""
    ids = rows["id"]
    kids = [child(f"made {n}", *(ids[place] for place in places)) for n, places in enumerate(parents)]
    return pl.concat([rows, with_ids(frame(kids))]) if kids else rows


def sides(dataset):
    """Split of each synthetic row, beside those of its parents and theirs."""
    rows = dataset.rows
    pairs = ancestors(synthetic(rows)).join(rows.select(ancestor="id", above="split"), on="ancestor")
    return pairs.join(rows.select("id", "split"), on="id")


def test_children_follow_their_parents_and_eval_splits_are_real(tmp_path):
    dataset = made_set(tmp_path / "s.vet", with_children(real(200), [(n, n + 1) for n in range(0, 120, 2)]))
    result = split(dataset, inflation=False)
    now = Dataset.open(dataset.folder)
    told = sides(now)
    assert set(told.filter(pl.col("split") == "train")["above"]) == {"train"}
    # Both parents stand in one unit, so a child is lost only where both went to an eval split.
    assert told.group_by("id").agg(pl.col("above").n_unique())["above"].max() == 1
    assert set(now.rows.filter(is_synthetic(now.rows))["split"]) == {"train", None}
    assert result.result.sizes == {"train": 160, "validation": 20, "test": 20}
    counts = result.summary()["synthetic"]
    assert counts["rows"] == 60 == counts["train"] + counts["unsplit"]
    assert sum(counts["reasons"].values()) == counts["unsplit"]
    assert now.manifest["steps"][-1]["counts"]["synthetic"] == counts
    assert "parents" in result.result.report["by"]
    assert not check(now, select=["leakage.parent"]).findings.height


small = st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=12)


@settings(max_examples=25, deadline=None)
@given(small, st.integers(0, 3), st.sampled_from([None, ("group",), ("duplicates",), (), ("parents",)]))
def test_no_child_of_an_eval_row_trains_however_it_is_split(tmp_path_factory, parents, seed, by):
    rows = with_children(real(20, group=lambda n: str(n // 2)), parents)
    dataset = made_set(tmp_path_factory.mktemp("s") / "s.vet", rows)
    if not parents and by == ("parents",):
        return
    try:
        split(dataset, inflation=False, seed=seed, by=by, ratios=(0.5, 0.5))
    except DataError as error:  # what hangs together is too large for these sizes
        assert "can't be met" in str(error) or "units" in str(error) or "unit" in str(error)  # noqa: PT017
        return
    told = sides(Dataset.open(dataset.folder))
    assert set(told.filter(pl.col("split") == "train")["above"]) <= {"train"}
    made = Dataset.open(dataset.folder).rows.filter(is_synthetic(rows))
    assert set(made["split"]) <= {"train", None}


def test_what_the_order_of_rows_is_does_not_matter(tmp_path):
    rows = with_children(real(60), [(n, n + 3) for n in range(0, 30, 5)])
    first = made_set(tmp_path / "a.vet", rows)
    second = made_set(tmp_path / "b.vet", rows.sample(fraction=1, shuffle=True, seed=3))
    for dataset in (first, second):
        split(dataset, inflation=False)
    one, other = (Dataset.open(one.folder).rows.sort("id").select("id", "split") for one in (first, second))
    assert one.equals(other)


def test_a_child_of_a_row_that_stays_with_its_eval_set_does_not_train(tmp_path):
    rows = with_children(real(50), [(0,), (10,)])
    dataset = made_set(tmp_path / "s.vet", rows)
    aside = pl.DataFrame({"id": rows["id"], "split": ["eval"] + ["train"] * (rows.height - 1)})
    dataset.save({"splits.parquet": parquet(aside)}, evalsets={"e": {"split": "eval", "path": "../e.evalset"}})
    result = split(Dataset.open(dataset.folder), inflation=False)
    now = Dataset.open(dataset.folder).rows
    assert result.aside == 1
    assert now["split"][0] == "eval"
    assert now["split"][50] is None
    assert result.summary()["synthetic"]["reasons"]["a parent stands in eval"] == 1


def test_a_dropped_parent_ties_nothing_and_a_dropped_child_neither(tmp_path):
    rows = with_children(real(30), [(0, 1), (2, 3)])
    dataset = made_set(tmp_path / "s.vet", rows)
    with Ledger.open(dataset.folder) as ledger:
        ledger.decide([Decision(rows["id"][0], "drop"), Decision(rows["id"][31], "drop")], reviewer="ann")
    result = split(Dataset.open(dataset.folder), inflation=False)
    assert result.summary()["synthetic"]["rows"] == 1
    # A parent that was dropped is known, so it says nothing of where the child may stand.
    assert "a parent is not in the set" not in result.summary()["synthetic"]["reasons"]
    assert result.result.report["rows"] == 29


def test_a_child_that_is_near_to_an_eval_row_is_in_no_split(tmp_path):
    long = "my card was charged twice for the same train ticket to Oslo last Friday evening"
    rows = pl.concat([
        frame([{"messages": f"{long} {n} {'x' * n}" if n == 0 else f"other question number {n * 7919}"} for n in range(40)]),
        with_ids(frame([child(f"{long} 0 ")])),
    ])  # fmt: skip
    dataset = made_set(tmp_path / "s.vet", rows)
    where = set()
    for seed in range(12):
        split(Dataset.open(dataset.folder), inflation=False, seed=seed)
        now = Dataset.open(dataset.folder).rows
        where.add((now["split"][0], now["split"][40]))
    assert where <= {("train", "train"), ("validation", None), ("test", None)}
    assert len(where) > 1


def test_in_a_split_by_time_no_synthetic_row_of_train_is_newer_than_train(tmp_path):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rows = real(100, time=lambda n: start + timedelta(days=n))
    ids = rows["id"]
    kids = [
        child("old", ids[3], time=start + timedelta(days=3)), child("new", ids[95], time=start + timedelta(days=95)),
        child("alone and new", time=start + timedelta(days=90)), child("alone and old", time=start), child("timeless"),
    ]  # fmt: skip
    dataset = made_set(tmp_path / "s.vet", pl.concat([rows, with_ids(frame(kids))]))
    result = split(dataset, inflation=False, by=("time", "parents"))
    now = Dataset.open(dataset.folder).rows
    assert now["split"].tail(5).to_list() == ["train", None, None, "train", "train"]
    assert result.summary()["synthetic"]["reasons"] == {
        "a parent stands in test": 1, "it is newer than the newest row of train": 1,
    }  # fmt: skip
    assert not check(Dataset.open(dataset.folder), select=["leakage.time", "leakage.parent"]).findings.height


def test_a_set_of_synthetic_rows_alone_and_a_way_that_ties_nothing_are_refused(tmp_path):
    alone = made_set(tmp_path / "a.vet", with_ids(frame([child(f"made {n}") for n in range(20)])))
    with pytest.raises(DataError, match="every row is synthetic"):
        split(alone, inflation=False)
    plain = made_set(tmp_path / "b.vet", real(20))
    with pytest.raises(UsageError, match="there is none, so leave parents out"):
        split(plain, inflation=False, by=("parents",))


def test_a_child_of_a_dropped_child_of_an_eval_row_does_not_train(tmp_path):
    rows = with_children(real(30), [(0,)])
    rows = pl.concat([rows, with_ids(frame([child("deeper", rows["id"][30])]))])
    dataset = made_set(tmp_path / "s.vet", rows)
    with Ledger.open(dataset.folder) as ledger:
        ledger.decide([Decision(rows["id"][30], "drop")], reviewer="ann")
    where = set()
    for seed in range(12):
        split(Dataset.open(dataset.folder), inflation=False, seed=seed, ratios=(0.5, 0.5))
        now = Dataset.open(dataset.folder).rows
        where.add((now["split"][0], now["split"][31]))
    assert where == {("train", "train"), ("test", None)}


def labelled_by_a_teacher(count, kind="label_rows"):
    kids = frame([child(f"ticket {n} about {n * 7919}", f"{n:020x}-0", label="ab"[n % 2]) for n in range(count)])
    return kids.with_columns(pl.col("extra").str.replace('"kind":"labelled"', f'"kind":"{kind}"', literal=True))


def test_a_set_of_labels_of_a_teacher_is_split_and_says_that_they_are_no_gold(tmp_path):
    dataset = made_set(tmp_path / "s.vet", labelled_by_a_teacher(40))
    result = split(dataset, inflation=False)
    assert result.result.sizes == {"train": 32, "validation": 4, "test": 4}
    assert (result.taught, result.summary()["taught"], result.followed) == (40, 40, None)
    assert not check(Dataset.open(dataset.folder), select=["leakage.parent"]).findings.height


def test_beside_labels_of_a_teacher_what_it_wrote_itself_stands_in_no_eval_split(tmp_path):
    rows = pl.concat([labelled_by_a_teacher(40, "rationale"), frame([child(f"made {n}") for n in range(10)])])
    result = split(made_set(tmp_path / "s.vet", rows), inflation=False)
    assert result.taught == 40
    assert result.summary()["synthetic"]["train"] == 10


def test_the_kinds_that_keep_a_text_of_people_are_those_that_make_one_row_of_each():
    assert {name for name, kind in KINDS.items() if kind.draws == "each"} == TEXT_OF_PEOPLE


def test_a_set_without_synthetic_rows_splits_as_it_did_and_says_nothing_of_them(tmp_path):
    result = split(made_set(tmp_path / "s.vet", real(50)), inflation=False)
    assert "synthetic" not in result.summary()
    assert result.result.report["by"] == ["duplicates", "near"]


def test_families_are_connected_through_children_of_children():
    rows = frame([{"messages": text} for text in "abc"])
    a, b, _ = rows["id"]
    first = with_ids(frame([child("p", a)]))
    second = with_ids(frame([child("q", first["id"][0], b, "0" * 20 + "-0")]))
    both = pl.concat([rows, first, second])
    assert families(both, synthetic(both)).to_list() == [0, 0, None, 0, 0]


@pytest.mark.slow
def test_the_bank_split_anew_trains_no_child_of_an_eval_row(tmp_path, bank):
    """Few-shot blocks of four over 3,000 real rows: at least two thirds of the children can be trained on."""
    rows = frame([{"messages": text, "label": label} for text, label in bank.head(3000).iter_rows()])
    parents = [tuple(range(n, n + 4)) for n in range(0, 1200, 4)]
    dataset = made_set(tmp_path / "b.vet", with_children(rows, parents))
    result = split(dataset, inflation=False)
    told = sides(Dataset.open(dataset.folder))
    assert set(told.filter(pl.col("split") == "train")["above"]) == {"train"}
    assert result.summary()["synthetic"]["train"] >= 200
    assert result.result.sizes["train"] == pytest.approx(2400, abs=60)
