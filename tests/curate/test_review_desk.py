"""The desk: it follows what others write, and the files of its views are made anew where they are gone."""

import json
import shutil
import threading

import pytest
from vetset.curate import Dataset, check, read
from vetset.curate import findings as table
from vetset.curate.dataset import frame, parquet
from vetset.curate.decisions.applied import Decision, Ledger
from vetset.curate.errors import UsageError
from vetset.curate.review.desk import Desk
from vetset.curate.review.view import open_view, prepare, state_of
from vetset.curate.review.worklist import Filter, facet, pick, still
from vetset.curate.splits.splitting import split
from vetset.tests.curate.desks import ROWS, found, ids, keep


def test_a_look_without_news_is_the_same_object_and_each_decision_makes_another(small_set):
    with Desk(small_set) as desk, Desk(small_set) as other:
        before = desk.look()
        assert desk.look() is before
        keep(other, 3, who="bob")
        after = desk.look()
        assert (after.seq, after.heads.marks.sum()) == (1, 2)
        assert after.view.rows is before.view.rows, "no frame was opened anew"
        assert before.heads.marks.sum() == 0, "who drew a page of it still sees it whole"
        assert desk.decide([Decision(ids(desk)[3], "drop")], reviewer="ann", seen=before.seq).conflicts
        desk.undo([1], reviewer="ann")
        assert other.look().heads.marks.sum() == 0


def test_many_decisions_one_by_one_leave_a_frame_in_few_pieces(small_set, monkeypatch):
    monkeypatch.setattr("vetset.curate.review.heads._PIECES", 4)
    with Desk(small_set) as desk:
        for row in range(12):
            keep(desk, row)
        found = desk.look().heads.frame
        assert found["row_id"].to_list() == ids(desk).to_list()
        assert found.n_chunks() <= 4


def test_a_check_that_ran_meanwhile_is_seen_with_all_decisions_in_place(small_set):
    with Desk(small_set) as desk:
        keep(desk, 0)
        assert desk.pick(desk.look(), Filter()).tolist() == [7, 8, 9, 10, 11]
        check(Dataset.open(small_set), select=["labels.conflict"])
        look = desk.look()
        assert set(look.view.findings["rule"]) == {"duplicates.exact", "labels.conflict"}
        assert (look.heads.marks[0], look.heads.counts()["keep"]) == (2, 1)
        assert desk.pick(look, Filter(rule="labels.conflict")).tolist() == [2, 9]  # ticket 2 is of a and of b
        assert look.view.manifest["steps"][-1]["verb"] == "check"


def test_a_split_made_anew_is_seen(small_set):
    with Desk(small_set) as desk:
        before = desk.look()
        assert facet(before.view, "split") == [(None, 12)]
        split(Dataset.open(small_set), ratios=(0.5, 0.5), names=("train", "test"), inflation=False)
        after = desk.look()
        assert {name for name, _ in facet(after.view, "split")} == {"train", "test"}
        chosen = desk.pick(after, Filter(rule="rows", split=("test",)))
        assert chosen.size == dict(facet(after.view, "split"))["test"]
        assert before.view.rows["split"].null_count() == 12, "what was mapped stays as it was"


def test_decisions_of_rows_that_left_are_stale_and_not_counted(tmp_path):
    def write(numbers):
        lines = [json.dumps({"text": f"ticket {n}", "label": "ab"[n % 2]}) + "\n" for n in numbers]
        (tmp_path / "a.jsonl").write_text("".join(lines))
        read([tmp_path / "a.jsonl"], tmp_path / "s.vet")

    write(range(6))
    with Desk(tmp_path / "s.vet") as desk:
        for row in (0, 1, 5):
            keep(desk, row)
        check(Dataset.open(desk.folder), select=["duplicates.exact"])
        assert desk.look().view.checked
        write([9, 1, 2])
        look = desk.look()
        assert (look.view.rows.height, look.view.checked, look.view.findings.height) == (3, False, 0)
        assert (look.heads.stale, look.heads.counts()["keep"], look.heads.marks.tolist()) == (2, 1, [0, 2, 0])
        with Ledger.open(desk.folder) as ledger:  # by the command line, on a row that is not here
            ledger.undo([1], reviewer="bob")
        assert desk.look().heads.stale == 1
        write(range(6))
        look = desk.look()
        assert (look.heads.stale, look.heads.marks.tolist()) == (0, [0, 2, 0, 0, 0, 2])


def test_an_export_that_was_listed_meanwhile_is_in_the_manifest(small_set):
    with Desk(small_set) as desk:
        before = desk.look()
        before.view.positions(["a-0"])
        Dataset.open(small_set).save({}, step={"verb": "export"}, exports=[{"path": "out"}])
        after = desk.look()
        assert after.view.manifest["exports"] == [{"path": "out"}]
        assert (after.view.rows is before.view.rows, after.view.key) == (True, before.view.key)
        assert after.view._hashes is before.view._hashes, "what was computed from the frames stays"
        assert desk.look() is after


def test_the_view_of_a_large_set_is_made_by_another_process(small_set, monkeypatch):
    shutil.rmtree(small_set / "view")
    monkeypatch.setattr("vetset.curate.review.desk._LARGE", 0)
    made = []
    monkeypatch.setattr("vetset.curate.review.view._write", lambda path, frame: made.append(path))
    with Desk(small_set) as desk:
        assert desk.look().view.rows.height == 12
    assert made == []


def test_a_set_that_changes_while_it_is_opened_is_never_shown_half(make_set, tmp_path):
    one, two = frame([{"messages": f"one {n}"} for n in range(40)]), frame([{"messages": f"two {n}"} for n in range(9)])
    make_set(tmp_path / "s.vet", one, found(one, 3))
    ended = threading.Event()

    def change():
        while not ended.is_set():
            for rows, at in ((two, 5), (one, 3)):
                files = {"rows.parquet": parquet(rows), "findings.parquet": parquet(found(rows, at))}
                Dataset(tmp_path / "s.vet").save(files, rows=rows.height, digest=digest[rows.height])

    digest = {}
    for rows in (one, two):
        make_set(tmp_path / "x.vet", rows)
        digest[rows.height] = Dataset.open(tmp_path / "x.vet").manifest["digest"]
    thread = threading.Thread(target=change)
    thread.start()
    seen = []
    try:
        for _ in range(25):
            try:
                view = open_view(tmp_path / "s.vet")
            except UsageError:  # it changes faster than it can be opened
                continue
            at = view.findings["row"].item()
            assert view.rows["id"][at] == view.findings["id"].item()
            assert at == {40: 3, 9: 5}[view.rows.height]
            seen.append(view.rows.height)
    finally:
        ended.set()
        thread.join()
    assert open_view(tmp_path / "s.vet").key == state_of(tmp_path / "s.vet")
    assert seen


def test_a_set_without_a_check_shows_its_rows_and_no_finding(make_set, tmp_path):
    with Desk(make_set(tmp_path / "s.vet", frame(ROWS))) as desk:
        look = desk.look()
        assert not look.view.checked
        assert [desk.pick(look, Filter(rule=rule)).size for rule in ("", "labels", "rows")] == [0, 0, 12]
        keep(desk, 3)
        assert still(desk.pick(look, Filter(rule="rows")), desk.look().heads).size == 11


def test_a_set_without_a_row_and_one_of_one_row_open(make_set, tmp_path):
    none = frame(ROWS).clear()
    with Desk(make_set(tmp_path / "none.vet", none, table.empty())) as desk:
        look = desk.look()
        wanted = Filter(rule="rows", text="x", label=("a",), ids=("a-0",), order="gain")
        for one in (wanted, Filter(), Filter(rule="rows")):
            assert still(pick(look.view, one), look.heads).tolist() == []
        assert facet(look.view, "label") == []
        assert look.view.positions(["a-0"]).tolist() == [-1]
        desk.decide([Decision("a-0", "keep")], reviewer="ann", seen=0)
        assert (desk.look().heads.stale, desk.look().heads.marks.size) == (1, 0)
    one = frame([{"messages": "مرحبا 你好 🙂"}])
    with Desk(make_set(tmp_path / "one.vet", one, found(one, 0))) as desk:
        assert desk.pick(desk.look(), Filter(text="你")).tolist() == [0]
        assert desk.look().view.row(0)["messages"][0]["content"] == "مرحبا 你好 🙂"


@pytest.mark.parametrize("size", [0, 100, -100])
def test_files_of_a_view_that_are_gone_or_cut_off_are_made_anew(small_set, size):
    with Desk(small_set) as desk:
        before = desk.look().view.rows["id"].to_list()
        for path in (small_set / "view").glob("*.arrow"):
            left = path.read_bytes()[:size]
            path.unlink()  # another file, so that what is mapped stays
            path.write_bytes(left)
        assert desk.look().view.rows["id"].to_list() == before
        with Desk(small_set) as other:
            assert ids(other).to_list() == before
            shutil.rmtree(small_set / "view")
            assert desk.look().view.findings.height == other.look().view.findings.height == 5
        with Desk(small_set) as other:
            assert ids(other).to_list() == before


def test_files_of_earlier_states_and_what_a_killed_server_left_are_removed(small_set):
    (small_set / "view" / ".rows-0.arrow.part999999999").write_bytes(b"x")
    before = {path.name for path in (small_set / "view").glob("*.arrow")}
    check(Dataset.open(small_set), select=["duplicates.exact"])
    prepare(Dataset.open(small_set))
    after = {path.name for path in (small_set / "view").iterdir() if path.is_file() and path.name != ".lock"}
    assert len(before) == len(after) == 2
    assert len(before & after) == 1, "the rows are the same"


def test_two_views_of_one_state_are_the_same_bytes(small_set):
    def made():
        return {path.name: path.read_bytes() for path in (small_set / "view").glob("*.arrow")}

    first = made()
    shutil.rmtree(small_set / "view")
    prepare(Dataset.open(small_set))
    assert made() == first
