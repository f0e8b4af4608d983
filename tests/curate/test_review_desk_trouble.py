"""A desk whose set is locked, full, read-only, lost or damaged: a sentence, nothing half done, and it goes on afterwards."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time

import polars as pl
import pytest
from vetset.curate import Dataset, check
from vetset.curate.decisions.applied import Decision
from vetset.curate.errors import DataError, StaleError, UsageError
from vetset.curate.review.desk import Desk
from vetset.curate.review.view import place_of
from vetset.tests.curate.desks import ids, keep

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


def test_a_decision_waits_for_a_lock_that_is_held_three_seconds_and_nobody_elses_look_does(small_set):
    with Desk(small_set) as desk:
        keep(desk, 0)
        with hold(small_set, 3) as holder:
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


def test_a_lock_that_stays_is_said_nothing_is_written_and_the_desk_goes_on(small_set):
    with Desk(small_set, wait=0.3) as desk:
        keep(desk, 0)
        with hold(small_set, 60) as holder:
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


def test_a_full_disk_is_said_nothing_is_lost_and_all_goes_on_when_there_is_room(small_set):
    done = subprocess.run([sys.executable, "-c", FULL, small_set], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    decide, look, again, view, opened = json.loads(done.stdout)
    assert "nothing was written" in decide
    assert (look, again, opened) == (12, 13, 24)
    assert "can't be written" in view
    assert "free some space" in view
    assert [path.name for path in (small_set / "view").iterdir() if ".part" in path.name] == []


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
    small_set, tmp_path, let_in, open_elsewhere
):
    owner = Desk(small_set)
    keep(owner, 3)
    if not open_elsewhere:
        owner.close()
    shutil.rmtree(small_set / "view")
    shutil.copytree(small_set, tmp_path / "copy.vet")
    (tmp_path / "cache").mkdir(mode=0o777)
    (tmp_path / "cache").chmod(0o777)
    let_in(small_set)
    small_set.chmod(0o555)
    told = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [sys.executable, "-c", READ_ONLY, small_set, tmp_path / "copy.vet"]
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, text=True, env=told) as eve:

        def look():
            print(file=eve.stdin, flush=True)
            line = eve.stdout.readline()
            assert line, eve.stderr.read()
            return json.loads(line)

        marks, open_, free, said = look()
        assert (marks, open_, free) == ([0] * 3 + [2] + [0] * 8, [7, 8, 9, 10, 11], True)
        assert "can't be written, so nothing was decided" in said
        small_set.chmod(0o755)
        keep(owner, 7)
        owner.close()
        small_set.chmod(0o555)
        assert look()[0] == [0] * 3 + [2] + [0] * 3 + [2] + [0] * 4
        eve.stdin.close()
    small_set.chmod(0o755)
    assert not (small_set / "view").exists()
    (kept,) = (tmp_path / "cache" / "vetset").iterdir()
    assert kept.stat().st_mode & 0o077 == 0, "private, as what it was made of may be"


def test_where_no_place_can_be_written_it_is_said_what_helps(small_set, tmp_path, monkeypatch):
    shutil.rmtree(small_set / "view")
    (small_set / "view").write_text("no folder")
    (tmp_path / "cache").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(UsageError, match=r"neither .* nor .* can be written.* set XDG_CACHE_HOME"):
        Desk(small_set)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    assert place_of(small_set).is_relative_to(tmp_path / "other")
    with Desk(small_set) as desk:
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
def test_a_part_that_is_lost_or_damaged_is_a_sentence_and_the_desk_works_again_when_it_is_back(small_set, name, how):
    with Desk(small_set) as desk:
        keep(desk, 0)
        desk.close()  # else the ledger's last lines stand beside it
        kept = (small_set / name).read_bytes()
        (small_set / name).unlink()
        if how == "damaged":
            (small_set / name).write_bytes(b"not what it was " * 300)
        with pytest.raises((DataError, UsageError), match=name.partition(".")[0]):
            desk.look()
        with pytest.raises((DataError, UsageError), match=name.partition(".")[0]):
            Desk(small_set)
        (small_set / name).unlink(missing_ok=True)
        (small_set / name).write_bytes(kept)
        assert desk.look().heads.marks[0] == 2
        assert keep(desk, 1).seqs == (2,)


def test_decisions_taken_away_under_an_open_desk_are_missed_and_nothing_is_decided(small_set):
    with Desk(small_set) as desk:
        keep(desk, 0)
        (small_set / "decisions.db").unlink()
        with pytest.raises(DataError, match=r"decisions.db is gone"):
            desk.look()
        with pytest.raises(DataError, match=r"decisions.db is gone"):
            desk.decide([Decision("a-0", "keep")], reviewer="ann", seen=1)
        assert not (small_set / "decisions.db").exists()


def test_findings_of_other_rows_are_refused_and_findings_without_their_columns_too(small_set):
    findings = pl.read_parquet(small_set / "findings.parquet")
    with Desk(small_set) as desk:
        others = findings.with_columns(id=pl.lit("feedbead-0"))
        others.write_parquet(small_set / "findings.parquet")
        with pytest.raises(StaleError, match=r"findings.parquet speaks of rows that are not here; run `vetset check"):
            desk.look()
        findings.drop("score").write_parquet(small_set / "findings.parquet")
        with pytest.raises(DataError, match=r"has not the columns of findings; move it away and run `vetset check"):
            desk.look()
        others.write_parquet(small_set / "findings.parquet")
        check(Dataset.open(small_set), select=["duplicates.exact"])
        assert desk.look().view.findings.height == 4
