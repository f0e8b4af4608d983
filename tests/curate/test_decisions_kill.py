"""Kill -9 at random moments: what ``decide`` has returned is there, batches are whole, and the file opens."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from vetset.curate.dataset import frame
from vetset.curate.decisions.ledger import Decision, Ledger
from vetset.curate.review.desk import Desk
from vetset.curate.review.heads import read_heads

# Acknowledges after the fact, with one write that a kill can't tear: the uids, or the seqs that an undo has written.
WRITER = """
import os, sys
from vetset.curate.decisions.ledger import Decision, Ledger
folder, name, acks = sys.argv[1:]
out = os.open(acks, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
with Ledger.open(folder) as ledger:
    for i in range(10**6):
        batch = [Decision(f"{name}{i}-{k}", "drop", uid=f"{name}-{i}-{k}") for k in range(3)]
        done = ledger.decide(batch, reviewer=name, expect=ledger.last(), batch=f"{name}-{i}")
        os.write(out, f"decided {name}-{i} {done.seqs[0]}\\n".encode())
        if i % 4 == 3:
            undone = ledger.undo(done.batch, reviewer=name)
            os.write(out, f"undone {name}-{i} {undone.seqs[0]}\\n".encode())
"""


# The same through a desk each, as four servers on one set. One process imports what all need (a second of the processor)
# and forks a writer for each name that it is told; it has not computed anything by then, so there are no threads to lose.
DESKS = """
import os, signal, sys
from vetset.curate.decisions.ledger import Decision
from vetset.curate.review.desk import Desk
folder, acks = sys.argv[1:]

def write(name):
    out = os.open(acks, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with Desk(folder) as desk:
        own = desk.look().view.rows["id"].gather_every(4, "abcd".index(name[-1])).to_list()
        for i in range(10**6):
            look = desk.look()
            first = own.index(desk.leases.take(own[3 * i % 600 :], holder=name, reviewer=name))
            batch = [Decision(row, "drop", uid=f"{name}-{i}-{row}") for row in own[first : first + 3]]
            done = desk.decide(batch, reviewer=name, seen=look.seq)
            os.write(out, f"decided {done.batch} {done.seqs[0]}\\n".encode())
            if i % 4 == 3:
                undone = desk.undo(done.batch, reviewer=name)
                os.write(out, f"undone {done.batch} {undone.seqs[0]}\\n".encode())

for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        try:
            write(line.strip())
        finally:
            os._exit(1)
    print(pid, flush=True)
    if line.strip().endswith("d"):
        print(*(os.waitpid(-1, 0)[1] for _ in "abcd"), flush=True)
"""


def _round(folder: Path, number: int, acks: Path, delay: float, *, after_first: bool) -> None:
    """Run four writers, kill them all ``delay`` seconds after their start or their first acknowledgement."""
    command = [sys.executable, "-c", WRITER, str(folder)]
    writers = [subprocess.Popen([*command, f"w{number}{name}", str(acks)]) for name in "abcd"]
    size = acks.stat().st_size
    limit = time.monotonic() + 60
    while after_first and acks.stat().st_size == size and time.monotonic() < limit:
        assert all(writer.poll() is None for writer in writers), "a writer ended by itself"
        time.sleep(0.005)
    time.sleep(delay)
    for writer in writers:
        writer.send_signal(signal.SIGKILL)
    for writer in writers:
        assert writer.wait() == -signal.SIGKILL


def _check(folder: Path, acks: Path) -> int:
    """Assert that all that was acknowledged stands, whole; return the number of acknowledgements."""
    with Ledger.open(folder) as ledger:
        log = ledger.log()
    if (folder / "decisions.db").exists():
        with sqlite3.connect(folder / "decisions.db") as raw:
            assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        raw.close()
    assert log["seq"].to_list() == list(range(1, log.height + 1))
    lines = log.select("seq", "action", "batch", "uid", "undoes")
    assert (lines.group_by("batch").len()["len"] == 3).all(), "a batch is there whole or not at all"
    first = {(action, seq): (batch, undoes) for seq, action, batch, _, undoes in lines.iter_rows()}
    batch_of = dict(lines.select("seq", "batch").iter_rows())
    acknowledged = [line.split() for line in acks.read_text().splitlines()]
    for what, batch, seq in acknowledged:
        if what == "decided":
            assert first["drop", int(seq)][0] == batch
        else:
            assert batch_of[first["undo", int(seq)][1]] == batch
    return len(acknowledged)


@pytest.mark.slow
def test_four_writers_killed_twenty_times_lose_nothing_that_was_acknowledged(tmp_path):
    folder, acks = tmp_path / "set", tmp_path / "acks"
    folder.mkdir()
    acks.touch()
    chance = random.Random(7)
    for number in range(20):
        _round(folder, number, acks, chance.uniform(0, 0.4), after_first=True)
        count = _check(folder, acks)
    with Ledger.open(folder) as ledger:
        print(f"{count} writes acknowledged, {ledger.last() // 3} made, 20 x 4 writers killed")
        assert ledger.last() // 3 >= count
        assert ledger.log().filter(pl.col("action") == "undo").height > 0
    assert count > 40


@pytest.mark.slow
def test_four_desks_killed_ten_times_lose_nothing_and_one_that_stayed_open_follows(tmp_path, make_set):
    folder, acks = make_set(tmp_path / "s.vet", frame([{"messages": str(n)} for n in range(2500)])), tmp_path / "acks"
    acks.touch()
    chance = random.Random(13)
    command = [sys.executable, "-c", DESKS, folder, acks]
    with Desk(folder) as desk, subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as forker:
        for number in range(10):
            size, limit = acks.stat().st_size, time.monotonic() + 60
            print(*(f"w{number}{name}" for name in "abcd"), sep="\n", file=forker.stdin, flush=True)
            writers = [int(forker.stdout.readline()) for _ in "abcd"]
            while acks.stat().st_size == size and time.monotonic() < limit:
                time.sleep(0.005)
            time.sleep(chance.uniform(0, 0.4))
            for writer in writers:
                os.kill(writer, signal.SIGKILL)
            assert forker.stdout.readline().split() == ["9"] * 4, "a writer ended by itself"
            count = _check(folder, acks)
            look = desk.look()
            with Ledger.open(folder) as ledger:
                anew = read_heads(look.view, ledger)
            assert_frame_equal(look.heads.frame.sort("seq"), anew.frame.sort("seq"))
            assert (look.heads.seq, look.heads.marks.tolist()) == (anew.seq, anew.marks.tolist())
            row = look.view.rows["id"][-1]
            assert desk.leases.take([row], holder="open", reviewer="ann") == row
        print(f"{count} writes acknowledged, {look.heads.seq // 3} made, 10 x 4 desks killed")
        assert look.heads.seq // 3 >= count > 40
        forker.stdin.close()


@pytest.mark.slow
def test_a_kill_while_the_file_is_being_made_leaves_a_ledger_that_opens(tmp_path):
    chance = random.Random(11)
    made = 0
    for number in range(12):
        folder, acks = tmp_path / str(number), tmp_path / f"acks{number}"
        folder.mkdir()
        acks.touch()
        # No ledger yet: the four writers collide in making the file, and die around that moment.
        late = number % 2 == 0
        _round(folder, number, acks, chance.uniform(0, 0.02) if late else chance.uniform(0.2, 1.2), after_first=late)
        made += (folder / "decisions.db").exists()
        _check(folder, acks)
        with Ledger.open(folder) as ledger:
            ledger.decide([Decision("a-0", "keep")], reviewer="ann")
            assert ledger.head().filter(pl.col("row_id") == "a-0").height == 1
    assert made > 5


def test_a_writer_killed_between_begin_and_commit_has_written_nothing(tmp_path):
    script = """
import os, sys
from vetset.curate.decisions.ledger import Decision, Ledger
ledger = Ledger.open(sys.argv[1])
ledger.decide([Decision("a-0", "drop")], reviewer="ann")
with ledger.writing() as connection:
    columns = "at, reviewer, row_id, content, action, value, reason, undoes, batch, rule"
    connection.execute(f"INSERT INTO decision SELECT 2, 'u', {columns} FROM decision")
    os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "decisions.db").stat().st_size > 0
    with Ledger.open(tmp_path) as ledger:
        assert ledger.log()["row_id"].to_list() == ["a-0"]
