"""Clusters as a person settles them: who is in each, in which order, and which are open."""

import numpy as np
import polars as pl
import pytest
from vetset.curate import text
from vetset.curate.dataset import frame
from vetset.curate.decisions.applied import Decision
from vetset.curate.duplicates.exact import find_exact
from vetset.curate.duplicates.near import find_near
from vetset.curate.findings import SCHEMA, report
from vetset.curate.labels.conflict import find_conflict
from vetset.curate.review.cluster_list import list_clusters, onward, rules_with_clusters, state, to_do
from vetset.curate.review.desk import Desk
from vetset.curate.review.heads import SETTLED, SKIPPED, UNDECIDED

CARD = "my card was charged twice for the same train ticket to Oslo last Monday morning"


@pytest.fixture
def desk_of(tmp_path, make_set):
    """Open a set of rows with the findings of some rules."""

    def desk_of(rows, *rules):
        made = frame(rows) if isinstance(rows, list) else rows
        found = pl.concat([pl.DataFrame(schema=SCHEMA), *(rule(made) for rule in rules)])
        return Desk(make_set(tmp_path / "s.vet", made, found))

    return desk_of


def conflicts(rows):
    return find_conflict(rows, text.keys(rows))


def members(clusters, number):
    return clusters.rows[clusters.places(number)].tolist()


def test_a_cluster_holds_what_was_found_and_what_stays(desk_of):
    look = desk_of([{"messages": word} for word in ("a", "b", "a", "c", "a", "b")], find_exact).look()
    clusters = list_clusters(look.view, "duplicates.exact")
    assert [members(clusters, number) for number in range(len(clusters))] == [[0, 2, 4], [1, 5]]
    assert clusters.found.tolist() == [False, True, True, False, True]
    assert clusters.keeps.tolist() == [True, False, False, True, False]
    assert clusters.table.select("size", "labels", "splits").rows() == [(3, 1, 1), (2, 1, 1)]


def test_labels_that_disagree_come_first_then_the_largest(desk_of):
    rows = [{"messages": CARD, "label": "a"}] * 3 + [
        {"messages": CARD + " again and again", "label": one} for one in "ab"
    ]
    clusters = list_clusters(desk_of(rows, find_near).look().view, "duplicates.near")
    assert clusters.table.select("size", "labels").rows() == [(2, 2), (3, 1)]


def test_of_a_chain_each_row_stands_with_the_row_that_is_kept_in_its_place(desk_of):
    words = [f"word{number}" for number in range(40)]
    rows = [{"messages": " ".join(words[start : start + 30])} for start in (0, 2, 4, 6, 8, 10)]
    look = desk_of(rows, find_near).look()
    found = look.view.findings
    assert found["cluster"].n_unique() == 1
    assert found["peer"].n_unique() > 1  # one component, several stars
    clusters = list_clusters(look.view, "duplicates.near")
    told = {(row, peer) for row, peer in found.select("id", "peer").iter_rows()}
    ids = look.view.rows["id"].to_list()
    for number in range(len(clusters)):
        places = clusters.places(number)
        (stays,) = clusters.rows[places][clusters.keeps[places]]
        assert {(ids[row], ids[stays]) for row in members(clusters, number) if row != stays} <= told
    assert clusters.found.sum() == found.height


def test_a_copy_in_another_split_is_of_the_same_cluster(desk_of):
    rows = [{"messages": "a", "split": split} for split in ("train", "train", "test", "test")]
    clusters = list_clusters(desk_of(rows, find_exact).look().view, "duplicates.exact")
    assert members(clusters, 0) == [0, 1, 2, 3]
    assert clusters.table["splits"].to_list() == [2]
    assert clusters.keeps.tolist() == [True, False, True, False]  # each split keeps a copy of its own


def test_for_a_rule_on_labels_nothing_says_what_stays(desk_of):
    clusters = list_clusters(
        desk_of([{"messages": "a", "label": one} for one in "xxy"], conflicts).look().view, "labels.conflict"
    )
    assert members(clusters, 0) == [0, 1, 2]
    assert clusters.found.all()
    assert not clusters.keeps.any()


def test_rows_that_stand_in_no_cluster_of_two_are_counted(desk_of):
    rows = frame([{"messages": "a"}, {"messages": "b"}, {"messages": "c"}])
    two = rows[:2].select(
        "id", cluster=pl.Series([rows["id"][0], None]), score=0.5, note=pl.lit("A."), suggest=pl.lit("review")
    )
    found = report(two, "duplicates.boilerplate")
    clusters = list_clusters(desk_of(rows, lambda _: found).look().view, "duplicates.boilerplate")
    assert (len(clusters), clusters.alone) == (0, 2)
    assert state(clusters, desk_of(rows).look().view, desk_of(rows).look().heads).size == 0


@pytest.mark.parametrize("rows", [[], [{"messages": "a"}], [{"messages": "a"}, {"messages": "b"}]])
def test_no_copies_are_no_clusters(desk_of, rows):
    look = desk_of(rows, find_exact).look()
    clusters = list_clusters(look.view, "duplicates.exact")
    assert (len(clusters), clusters.rows.size, clusters.alone) == (0, 0, 0)
    assert rules_with_clusters(look.view) == []
    assert to_do(state(clusters, look.view, look.heads)).size == 0


def test_texts_of_any_script_cluster(desk_of):
    rows = [{"messages": one} for one in ("بطاقة", "卡片", "بطاقة", "卡片", "👩‍👩‍👧")]
    look = desk_of(rows, find_exact).look()
    clusters = list_clusters(look.view, "duplicates.exact")
    assert [members(clusters, number) for number in range(len(clusters))] == [[0, 2], [1, 3]]
    assert rules_with_clusters(look.view) == ["duplicates.exact"]


def test_a_cluster_is_settled_once_all_that_was_found_of_it_is(desk_of):
    desk = desk_of([{"messages": word} for word in ("a", "a", "a", "b", "b")], find_exact)
    look = desk.look()
    clusters, ids = list_clusters(look.view, "duplicates.exact"), look.view.rows["id"].to_list()
    assert state(clusters, look.view, look.heads).tolist() == [UNDECIDED, UNDECIDED]
    desk.decide([Decision(ids[1], "drop")], reviewer="ann", seen=look.seq)
    assert state(clusters, look.view, desk.look().heads).tolist() == [UNDECIDED, UNDECIDED]
    desk.decide([Decision(ids[2], "skip")], reviewer="ann", seen=desk.look().seq)
    assert state(clusters, look.view, desk.look().heads).tolist() == [SKIPPED, UNDECIDED]
    desk.decide([Decision(ids[2], "keep")], reviewer="ann", seen=desk.look().seq)
    assert state(clusters, look.view, desk.look().heads).tolist() == [SETTLED, UNDECIDED]


def test_a_conflict_is_settled_once_the_rows_left_agree(desk_of):
    desk = desk_of([{"messages": "a", "label": one} for one in "xxy"], conflicts)
    look = desk.look()
    clusters = list_clusters(look.view, "labels.conflict")
    desk.decide([Decision(look.view.rows["id"][2], "drop")], reviewer="ann", seen=look.seq)
    assert state(clusters, look.view, desk.look().heads).tolist() == [SETTLED]


def test_what_comes_next_is_behind_then_before_then_what_was_skipped():
    marks = np.array([UNDECIDED, SKIPPED, UNDECIDED, SETTLED, UNDECIDED], np.uint8)
    assert to_do(marks).tolist() == [0, 2, 4, 1]
    assert onward(marks, 2).tolist() == [4, 0, 1, 2]
    assert onward(marks, 1).tolist() == [2, 4, 0, 1]
    assert onward(marks, 3).tolist() == [4, 0, 2, 1]


def test_a_cluster_is_found_by_its_name_and_by_its_rows(desk_of):
    look = desk_of([{"messages": word} for word in ("a", "b", "a", "c", "b")], find_exact).look()
    clusters = list_clusters(look.view, "duplicates.exact")
    for number in range(len(clusters)):
        assert clusters.named(clusters.table["key"][number]) == number
        assert {clusters.holding(row) for row in members(clusters, number)} == {number}
    assert clusters.named(3) is None
    assert clusters.holding(3) is None


@pytest.mark.slow
def test_support_chats_have_the_clusters_that_are_known(shared, desk_of):
    parts = [
        pl.read_csv(path, separator="\t", quote_char='"', infer_schema=False).select(
            pl.col("utterance").fill_null("").alias("messages"), pl.col("intent").alias("label")
        )
        for path in sorted((shared / "support_chat").glob("*/*.tsv"))
    ]
    rows = frame(pl.concat(parts).to_dicts())
    look = desk_of(rows, find_exact, conflicts).look()
    exact, conflict = (list_clusters(look.view, rule) for rule in ("duplicates.exact", "labels.conflict"))
    assert int(exact.found.sum()) == 33_464
    assert (len(conflict), int(conflict.found.sum())) == (452, 23_233)
    assert np.array_equal(list_clusters(look.view, "duplicates.exact").rows, exact.rows)
