"""Leases: two people do not get the same row, a lease runs out, and whatever is wrong with the file, the work goes on."""

import os
import sqlite3
import subprocess
import sys
import threading
import time
from itertools import count

import pytest
from vetset.curate.review import leases as leases_room
from vetset.curate.review.leases import FOR, Leases

IDS = [f"{number:02x}-0" for number in range(20)]


@pytest.fixture
def leases(tmp_path):
    leases = Leases(tmp_path)
    yield leases
    leases.close()


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands until it is moved."""
    now = [time.time()]
    monkeypatch.setattr(leases_room.time, "time", lambda: now[0])

    def move(seconds):
        now[0] += seconds

    return move


def take(leases, holder, ids=IDS):
    return leases.take(ids, holder=holder, reviewer=f"{holder} 漢字")


def test_each_holder_gets_the_first_row_that_nobody_else_holds_and_keeps_it(leases):
    assert [take(leases, holder) for holder in "abab"] == [IDS[0], IDS[1], IDS[0], IDS[1]]
    assert [(lease.row_id, lease.reviewer) for lease in leases.held_by_others("a")] == [(IDS[1], "b 漢字")]


def test_who_goes_on_lets_go_of_the_row_before(leases):
    take(leases, "a")
    assert take(leases, "a", IDS[1:]) == IDS[1]
    assert take(leases, "b") == IDS[0]


def test_no_row_is_free_where_all_are_held_or_none_is_asked_for(leases):
    take(leases, "a", IDS[:1])
    assert take(leases, "b", IDS[:1]) is None
    assert take(leases, "b", []) is None
    assert [lease.row_id for lease in leases.held_by_others("b")] == [IDS[0]]


def test_a_lease_runs_out_and_a_look_at_the_row_renews_it(leases, clock):
    take(leases, "a")
    clock(FOR - 1)
    assert take(leases, "b") == IDS[1]
    take(leases, "a")
    clock(FOR - 1)
    assert take(leases, "c", IDS[:2]) is None
    clock(2)
    assert take(leases, "c") == IDS[0]
    assert leases.held_by_others("c") == []


def test_a_clock_that_was_set_back_holds_no_row_for_hours(leases, clock):
    take(leases, "a")
    clock(-3600)
    assert take(leases, "b") == IDS[0]


def test_ids_are_read_only_as_far_as_needed(leases):
    drawn = []

    def ids():
        for number in count():
            drawn.append(number)
            yield f"{number}-0"

    assert [take(leases, holder, ids()) for holder in "abc"] == ["0-0", "1-0", "2-0"]
    assert drawn == [0, 0, 1, 0, 1, 2]


def test_an_error_of_whoever_names_the_rows_is_theirs_and_the_leases_go_on(leases):
    def ids():
        yield IDS[0]
        raise RuntimeError("theirs")

    assert take(leases, "a", ids()) == IDS[0]
    with pytest.raises(RuntimeError, match="theirs"):
        take(leases, "b", ids())
    assert take(leases, "b") == IDS[1]


def test_threads_never_hold_the_same_row(tmp_path, leases):
    other = Leases(tmp_path)  # another server's
    got, start = {}, threading.Barrier(8)

    def work(number):
        start.wait()
        for _ in range(15):
            got[number] = take(other if number % 2 else leases, f"holder {number}")
            held = [lease.row_id for lease in leases.held_by_others(f"holder {number}")]
            assert got[number] not in held

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert len(set(got.values())) == 8
    assert None not in got.values()


HOLDER = """
import sys
from pathlib import Path
from vetset.curate.review.leases import Leases
leases = Leases(Path(sys.argv[1]))
for line in sys.stdin:
    print(leases.take([f"{n:02x}-0" for n in range(20)], holder=sys.argv[2], reviewer=sys.argv[2]), flush=True)
"""


def test_processes_never_hold_the_same_row_and_one_that_is_killed_blocks_nobody(tmp_path, leases, clock):
    holders = [
        subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path, name], stdin=-1, stdout=-1, text=True)
        for name in "abc"
    ]
    for _ in range(4):  # all are asked before any is read
        for holder in holders:
            holder.stdin.write("next\n")
            holder.stdin.flush()
        got = [holder.stdout.readline().strip() for holder in holders]
        assert len(set(got)) == 3
    for holder in holders:
        holder.kill()
        holder.communicate()
    assert take(leases, "d") not in got
    clock(FOR + 60)
    assert take(leases, "e") in got


BROKEN = {
    "no database": lambda path: path.write_bytes(b"no database " * 400),
    "empty": lambda path: path.write_bytes(b""),
    "cut off": lambda path: os.truncate(path, 4096 + 100),
    "another table": lambda path: _sql(path, "DROP TABLE lease; CREATE TABLE lease (x)"),
    "no table": lambda path: _sql(path, "DROP TABLE lease"),
    "gone": lambda path: path.unlink(),
}


def _sql(path, sql):
    with sqlite3.connect(path) as raw:
        raw.executescript(sql)
    raw.close()


@pytest.mark.parametrize("what", BROKEN)
@pytest.mark.parametrize("still_open", [True, False])
def test_a_file_that_is_lost_or_damaged_is_made_anew_and_keeps_nobody_from_work(tmp_path, what, still_open):
    before = Leases(tmp_path)
    take(before, "a")
    if not still_open:
        before.close()
    BROKEN[what](tmp_path / "leases.db")
    after = before if still_open else Leases(tmp_path)
    assert take(after, "a") in IDS
    assert take(after, "a") == IDS[0]
    assert take(after, "b") == IDS[1]
    assert [lease.holder for lease in after.held_by_others("b")] == ["a"]
    after.close()


def test_where_the_file_cannot_be_had_the_first_row_is_given_and_nobody_holds_one(tmp_path):
    (tmp_path / "leases.db").mkdir()
    leases = Leases(tmp_path)
    assert [take(leases, holder) for holder in "ab"] == [IDS[0], IDS[0]]
    assert take(leases, "a", []) is None
    assert leases.held_by_others("a") == []


def test_a_file_that_another_process_does_not_let_go_of_costs_a_moment_and_no_error(tmp_path, leases):
    take(leases, "a")
    holder = sqlite3.connect(tmp_path / "leases.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    start = time.monotonic()
    assert take(leases, "b") == IDS[0]
    assert time.monotonic() - start < 3
    holder.execute("ROLLBACK")
    assert take(leases, "b") == IDS[1]
    holder.close()


def test_a_disk_that_is_full_costs_the_lease_and_no_row_is_passed_over(leases):
    take(leases, "a")
    leases._open.execute("PRAGMA max_page_count=1")  # SQLite's own full disk
    long = [f"{number}" * 3000 for number in range(9)]
    assert take(leases, "b", long) == long[0]
    assert take(leases, "b") == IDS[1], "the next has it again"


READ_ONLY = """
import os, sys
from pathlib import Path
from vetset.curate.review.leases import Leases
if os.getuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)  # root may write anywhere
leases = Leases(Path(sys.argv[1]))
print(*(leases.take(["a-0", "b-0"], holder=name, reviewer="eve") for name in "xyx"), leases.held_by_others("x"))
"""


@pytest.mark.parametrize(("folder", "file"), [(0o555, 0o644), (0o777, 0o444)])
def test_where_nothing_can_be_written_nobody_gets_a_lease_and_all_get_a_row(tmp_path, let_in, folder, file):
    leases = Leases(tmp_path)
    take(leases, "a")
    leases.close()
    let_in(tmp_path)
    (tmp_path / ".lock").chmod(0o666)
    (tmp_path / "leases.db").chmod(file)
    tmp_path.chmod(folder)
    done = subprocess.run([sys.executable, "-c", READ_ONLY, tmp_path], capture_output=True, text=True, check=False)
    tmp_path.chmod(0o755)
    assert done.stdout.startswith("a-0 a-0 a-0 ["), done.stderr
    assert done.returncode == 0


def test_where_nothing_else_is_left_a_person_gets_what_their_other_tab_holds(tmp_path):
    leases = Leases(tmp_path)
    assert leases.take(["a", "b"], holder="first tab", reviewer="ann") == "a"
    assert leases.take(["a", "b"], holder="second tab", reviewer="ann") == "b"
    assert leases.take(["a", "b"], holder="loaded anew", reviewer="ann") == "a"
    assert leases.take(["a", "b"], holder="another", reviewer="ben") is None
    leases.close()
