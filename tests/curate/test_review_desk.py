"""The desk: it follows what others write, and what is locked, full, read-only, damaged or lost is a sentence."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time

import polars as pl
import pytest
from vetset.curate import Dataset, check, read
from vetset.curate import findings as table
from vetset.curate.dataset import frame, parquet
from vetset.curate.decisions.applied import Decision, Ledger
from vetset.curate.errors import DataError, StaleError, UsageError
from vetset.curate.review.desk import Desk
from vetset.curate.review.view import open_view, place_of, prepare, state_of
from vetset.curate.review.worklist import Filter, facet, pick, still
from vetset.curate.splits.splitting import split

ROWS = [{"messages": f"ticket {n % 7}", "label": "ab"[n == 9]} for n in range(12)]


def found(rows, *at, rule="duplicates.exact"):
    lines = [{"id": rows["id"][n], "rule": rule, "score": 1.0, "note": "A.", "suggest": "drop"} for n in at]
    return pl.DataFrame(lines, schema=table.SCHEMA)


@pytest.fixture
def folder(make_set, tmp_path):
    """A small set with findings on rows 7 to 11."""
    rows = frame(ROWS)
    return make_set(tmp_path / "s.vet", rows, found(rows, 7, 8, 9, 10, 11))


def ids(desk):
    return desk.look().view.rows["id"]


def keep(desk, row, *, who="ann"):
    return desk.decide([Decision(ids(desk)[row], "keep")], reviewer=who, seen=desk.look().heads.seq)


# What others write


def test_a_look_without_news_is_the_same_object_and_each_decision_makes_another(folder):
    with Desk(folder) as desk, Desk(folder) as other:
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


def test_many_decisions_one_by_one_leave_a_frame_in_few_pieces(folder, monkeypatch):
    monkeypatch.setattr("vetset.curate.review.heads._PIECES", 4)
    with Desk(folder) as desk:
        for row in range(12):
            keep(desk, row)
        found = desk.look().heads.frame
        assert found["row_id"].to_list() == ids(desk).to_list()
        assert found.n_chunks() <= 4


def test_a_check_that_ran_meanwhile_is_seen_with_all_decisions_in_place(folder):
    with Desk(folder) as desk:
        keep(desk, 0)
        assert desk.pick(desk.look(), Filter()).tolist() == [7, 8, 9, 10, 11]
        check(Dataset.open(folder), select=["labels.conflict"])
        look = desk.look()
        assert set(look.view.findings["rule"]) == {"duplicates.exact", "labels.conflict"}
        assert (look.heads.marks[0], look.heads.counts()["keep"]) == (2, 1)
        assert desk.pick(look, Filter(rule="labels.conflict")).tolist() == [2, 9]  # ticket 2 is of a and of b
        assert look.view.manifest["steps"][-1]["verb"] == "check"


def test_a_split_made_anew_is_seen(folder):
    with Desk(folder) as desk:
        before = desk.look()
        assert facet(before.view, "split") == [(None, 12)]
        split(Dataset.open(folder), ratios=(0.5, 0.5), names=("train", "test"), inflation=False)
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


def test_an_export_that_was_listed_meanwhile_is_in_the_manifest(folder):
    with Desk(folder) as desk:
        before = desk.look()
        before.view.positions(["a-0"])
        Dataset.open(folder).save({}, step={"verb": "export"}, exports=[{"path": "out"}])
        after = desk.look()
        assert after.view.manifest["exports"] == [{"path": "out"}]
        assert (after.view.rows is before.view.rows, after.view.key) == (True, before.view.key)
        assert after.view._hashes is before.view._hashes, "what was computed from the frames stays"
        assert desk.look() is after


def test_the_view_of_a_large_set_is_made_by_another_process(folder, monkeypatch):
    shutil.rmtree(folder / "view")
    monkeypatch.setattr("vetset.curate.review.desk._LARGE", 0)
    made = []
    monkeypatch.setattr("vetset.curate.review.view._write", lambda path, frame: made.append(path))
    with Desk(folder) as desk:
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


# Locked, full, read-only

HOLD = """
import sqlite3, sys, time
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("BEGIN IMMEDIATE"); print("held", flush=True)
time.sleep(float(sys.argv[2])); c.execute("ROLLBACK")
"""


def hold(folder, seconds):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, folder / "decisions.db", str(seconds)], stdout=-1)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    return holder


def test_a_decision_waits_for_a_lock_that_is_held_three_seconds_and_nobody_elses_look_does(folder):
    with Desk(folder) as desk:
        keep(desk, 0)
        with hold(folder, 3) as holder:
            start, row = time.monotonic(), ids(desk)[1]
            done = []
            decide = threading.Thread(
                target=lambda: done.append(desk.decide([Decision(row, "keep")], reviewer="ann", seen=1))
            )
            decide.start()
            while time.monotonic() < start + 1:
                assert desk.look().seq == 1
                assert desk.ledger.last_batch("ann") is not None
            assert holder.poll() is None, "looks waited for the lock"
            decide.join()
            assert time.monotonic() - start > 2.5
        assert done[0].seqs == (2,)
        assert desk.look().heads.marks[:2].tolist() == [2, 2]


def test_a_lock_that_stays_is_said_nothing_is_written_and_the_desk_goes_on(folder):
    with Desk(folder, wait=0.3) as desk:
        keep(desk, 0)
        with hold(folder, 60) as holder:
            for write in (lambda: keep(desk, 1), lambda: desk.undo([1], reviewer="ann")):
                with pytest.raises(UsageError, match="in use by another process; nothing was written, try again"):
                    write()
            assert desk.look().seq == 1
            holder.kill()
        assert keep(desk, 1).seqs == (2,)
        assert desk.look().seq == 2


FULL = """
import json, os, resource, shutil, sys
from vetset.curate.decisions.applied import Decision
from vetset.curate.errors import UsageError
from vetset.curate.review.desk import Desk
from vetset.curate.review.view import open_view
folder, said = sys.argv[1], []

def refused(act):
    try: act()
    except UsageError as error: said.append(str(error))

with Desk(folder) as desk:
    look = desk.look()
    many = lambda n: [Decision(i, "keep", reason="x" * n) for i in look.view.rows["id"]]
    desk.decide(many(1), reviewer="ann", seen=0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(folder + "/decisions.db-wal") + 5000, -1))
    refused(lambda: desk.decide(many(100_000), reviewer="ann", seen=12))
    refused(lambda: desk.look())
    assert desk.leases.take(look.view.rows["id"], holder="a", reviewer="ann")
    said.append(desk.look().seq)
    resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
    said.append(desk.decide(many(100_000), reviewer="ann", seen=12).seqs[0])
resource.setrlimit(resource.RLIMIT_FSIZE, (300, -1))
shutil.rmtree(folder + "/view")
refused(lambda: open_view(folder))
resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
said.append(Desk(folder).look().seq)
print(json.dumps(said))
"""


def test_a_full_disk_is_said_nothing_is_lost_and_all_goes_on_when_there_is_room(folder):
    done = subprocess.run([sys.executable, "-c", FULL, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    decide, look, again, view, opened = json.loads(done.stdout)
    assert "nothing was written" in decide
    assert (look, again, opened) == (12, 13, 24)
    assert "can't be written" in view
    assert "free some space" in view
    assert [path.name for path in (folder / "view").iterdir() if ".part" in path.name] == []


READ_ONLY = """
import json, os, sys
from vetset.curate.decisions.applied import Decision
from vetset.curate.errors import UsageError
from vetset.curate.review.desk import Desk
from vetset.curate.review.worklist import Filter
def seen(desk):
    look, said = desk.look(), ""
    row = look.view.rows["id"][0]
    try: desk.decide([Decision(row, "keep")], reviewer="eve", seen=look.seq)
    except UsageError as error: said = str(error)
    free = desk.leases.take([row], holder="eve", reviewer="eve")
    return json.dumps([look.heads.marks.tolist(), desk.pick(look, Filter()).tolist(), free == row, said])
with Desk(sys.argv[2]) as desk: seen(desk), seen(desk)  # imports all it needs: packages may stand where only root can read
if os.getuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)  # root may write anywhere
with Desk(sys.argv[1]) as desk:
    for _ in sys.stdin: print(seen(desk), flush=True)
"""


@pytest.mark.parametrize("open_elsewhere", [True, False])
def test_a_folder_that_cannot_be_written_is_looked_at_from_the_cache_and_follows_its_owner(
    folder, tmp_path, let_in, open_elsewhere
):
    owner = Desk(folder)
    keep(owner, 3)
    if not open_elsewhere:
        owner.close()
    shutil.rmtree(folder / "view")
    shutil.copytree(folder, tmp_path / "copy.vet")
    (tmp_path / "cache").mkdir(mode=0o777)
    (tmp_path / "cache").chmod(0o777)
    let_in(folder)
    folder.chmod(0o555)
    told = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [sys.executable, "-c", READ_ONLY, folder, tmp_path / "copy.vet"]
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, text=True, env=told) as eve:

        def look():
            print(file=eve.stdin, flush=True)
            line = eve.stdout.readline()
            assert line, eve.stderr.read()
            return json.loads(line)

        marks, open_, free, said = look()
        assert (marks, open_, free) == ([0] * 3 + [2] + [0] * 8, [7, 8, 9, 10, 11], True)
        assert "can't be written, so nothing was decided" in said
        folder.chmod(0o755)
        keep(owner, 7)
        owner.close()
        folder.chmod(0o555)
        assert look()[0] == [0] * 3 + [2] + [0] * 3 + [2] + [0] * 4
        eve.stdin.close()
    folder.chmod(0o755)
    assert not (folder / "view").exists()
    (kept,) = (tmp_path / "cache" / "vetset").iterdir()
    assert kept.stat().st_mode & 0o077 == 0, "private, as what it was made of may be"


def test_where_no_place_can_be_written_it_is_said_what_helps(folder, tmp_path, monkeypatch):
    shutil.rmtree(folder / "view")
    (folder / "view").write_text("no folder")
    (tmp_path / "cache").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(UsageError, match=r"neither .* nor .* can be written.* set XDG_CACHE_HOME"):
        Desk(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    assert place_of(folder).is_relative_to(tmp_path / "other")
    with Desk(folder) as desk:
        assert desk.look().view.rows.height == 12


# Damaged and lost


def test_a_folder_that_is_no_set_is_said_and_left_as_it_was(tmp_path):
    with pytest.raises(UsageError, match="no such set"):
        Desk(tmp_path / "none.vet")
    (tmp_path / "other").mkdir()
    with pytest.raises(UsageError, match="is not a set"):
        Desk(tmp_path / "other")
    assert list((tmp_path / "other").iterdir()) == []


@pytest.mark.parametrize("name", ["rows.parquet", "findings.parquet", "decisions.db", "manifest.json"])
@pytest.mark.parametrize("how", ["lost", "damaged"])
def test_a_part_that_is_lost_or_damaged_is_a_sentence_and_the_desk_works_again_when_it_is_back(folder, name, how):
    with Desk(folder) as desk:
        keep(desk, 0)
        desk.close()  # else the ledger's last lines stand beside it
        kept = (folder / name).read_bytes()
        (folder / name).unlink()
        if how == "damaged":
            (folder / name).write_bytes(b"not what it was " * 300)
        with pytest.raises((DataError, UsageError), match=name.partition(".")[0]):
            desk.look()
        with pytest.raises((DataError, UsageError), match=name.partition(".")[0]):
            Desk(folder)
        (folder / name).unlink(missing_ok=True)
        (folder / name).write_bytes(kept)
        assert desk.look().heads.marks[0] == 2
        assert keep(desk, 1).seqs == (2,)


def test_decisions_taken_away_under_an_open_desk_are_missed_and_nothing_is_decided(folder):
    with Desk(folder) as desk:
        keep(desk, 0)
        (folder / "decisions.db").unlink()
        with pytest.raises(DataError, match=r"decisions.db is gone"):
            desk.look()
        with pytest.raises(DataError, match=r"decisions.db is gone"):
            desk.decide([Decision("a-0", "keep")], reviewer="ann", seen=1)
        assert not (folder / "decisions.db").exists()


def test_findings_of_other_rows_are_refused_and_findings_without_their_columns_too(folder):
    findings = pl.read_parquet(folder / "findings.parquet")
    with Desk(folder) as desk:
        others = findings.with_columns(id=pl.lit("feedbead-0"))
        others.write_parquet(folder / "findings.parquet")
        with pytest.raises(StaleError, match=r"findings.parquet speaks of rows that are not here; run `vetset check"):
            desk.look()
        findings.drop("score").write_parquet(folder / "findings.parquet")
        with pytest.raises(DataError, match=r"has not the columns of findings; move it away and run `vetset check"):
            desk.look()
        others.write_parquet(folder / "findings.parquet")
        check(Dataset.open(folder), select=["duplicates.exact"])
        assert desk.look().view.findings.height == 4


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
def test_files_of_a_view_that_are_gone_or_cut_off_are_made_anew(folder, size):
    with Desk(folder) as desk:
        before = desk.look().view.rows["id"].to_list()
        for path in (folder / "view").glob("*.arrow"):
            left = path.read_bytes()[:size]
            path.unlink()  # another file, so that what is mapped stays
            path.write_bytes(left)
        assert desk.look().view.rows["id"].to_list() == before
        with Desk(folder) as other:
            assert ids(other).to_list() == before
            shutil.rmtree(folder / "view")
            assert desk.look().view.findings.height == other.look().view.findings.height == 5
        with Desk(folder) as other:
            assert ids(other).to_list() == before


def test_files_of_earlier_states_and_what_a_killed_server_left_are_removed(folder):
    (folder / "view" / ".rows-0.arrow.part999999999").write_bytes(b"x")
    before = {path.name for path in (folder / "view").glob("*.arrow")}
    check(Dataset.open(folder), select=["duplicates.exact"])
    prepare(Dataset.open(folder))
    after = {path.name for path in (folder / "view").iterdir() if path.is_file() and path.name != ".lock"}
    assert len(before) == len(after) == 2
    assert len(before & after) == 1, "the rows are the same"


def test_two_views_of_one_state_are_the_same_bytes(folder):
    def made():
        return {path.name: path.read_bytes() for path in (folder / "view").glob("*.arrow")}

    first = made()
    shutil.rmtree(folder / "view")
    prepare(Dataset.open(folder))
    assert made() == first
