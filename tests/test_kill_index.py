"""Kill -9 at random moments of `index add`: the index opens, nothing acknowledged is lost, and no row is there by half."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
from vetset.curate.dataset import frame
from vetset.curate.index.adding import add
from vetset.curate.index.checking import check
from vetset.curate.index.describing import info

pytestmark = pytest.mark.slow

KILLS = 20
# One process imports what both adders need and forks them; it has not computed anything by then, so there are no threads to lose.
ADDERS = """
import json, os, sys
from vetset.curate.dataset import frame
from vetset.curate.index import adding, checking, describing
from vetset.curate.near import joining
adding.BATCH = 20  # several transactions an addition


def said(name, round, at):
    asked = " ".join(f"{name}q{round}x{at}w{word}" for word in range(12))
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": f"{asked} yes {name} {round}"}]}


def add(path, name, acks):
    out = os.open(acks, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    adding.add(f"{path}.warm-{name}", frame([said("warm", 0, 0)]), name="warm")  # compiled loops and tables are loaded now
    os.write(out, b"started\\n")
    for round in range(10**6):
        rows = frame([said(name, round, at) for at in range(50)])
        result = adding.add(path, rows, name=f"{name}-{round}")
        assert result.added == 50
        os.write(out, f"added {name} {round}\\n".encode())


def forked(path, name, acks):
    pid = os.fork()
    if pid == 0:
        try:
            add(path, name, acks)
        finally:
            os._exit(1)
    return pid


if __name__ == "__main__":
    for path, names, acks in map(json.loads, sys.stdin):
        adders = [forked(path, name, acks) for name in names]
        print(*adders, flush=True)
        print(*(os.waitstatus_to_exitcode(os.waitpid(adder, 0)[1]) for adder in adders), flush=True)
"""


@pytest.fixture(scope="module")
def adders():
    """A process that forks two adders for each line that it is given."""
    with subprocess.Popen([sys.executable, "-c", ADDERS], stdin=-1, stdout=-1, text=True) as forker:
        yield forker
        forker.stdin.close()


def rows_of(name, number):
    scope = {"__name__": "read"}
    exec(ADDERS, scope)
    return frame([scope["said"](name, number, at) for at in range(50)])


def acknowledged(acks):
    lines = [line.split() for line in acks.read_text().splitlines()]
    return {(line[1], int(line[2])) for line in lines if line[0] == "added"}


def killed(adders, folder, number, delay):
    """Run two adders and kill both ``delay`` seconds after both have started."""
    path, acks = folder / "kept.index", folder / "acks"
    begun = acks.read_text().count("started")
    print(json.dumps([str(path), [f"k{number}{who}" for who in "ab"], str(acks)]), file=adders.stdin, flush=True)
    pids = [int(pid) for pid in adders.stdout.readline().split()]
    limit = time.monotonic() + 120
    while acks.read_text().count("started") < begun + 2 and time.monotonic() < limit:
        time.sleep(0.005)
    time.sleep(delay)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    assert adders.stdout.readline().split() == ["-9", "-9"], "an adder ended by itself"


def proved_whole(path):
    """The file's own tables agree: every row has both of its sets, and every set its bands."""
    with sqlite3.connect(path) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        halves = "SELECT content, source, sum(part) AS parts FROM standing GROUP BY content, source HAVING parts <> 3"
        assert raw.execute(halves).fetchall() == []
        sketches = raw.execute("SELECT count(*), coalesce(max(id), 0) FROM sketch").fetchone()
        assert raw.execute("SELECT coalesce(sum(count), 0) FROM segment").fetchone()[0] == sketches[0] == sketches[1]
        alone = "SELECT count(*) FROM sketch WHERE id NOT IN (SELECT sketch FROM standing)"
        assert raw.execute(alone).fetchone() == (0,)
    raw.close()


def test_two_adders_killed_twenty_times_lose_nothing_that_was_acknowledged(tmp_path, adders):
    path, acks, chance, cut = tmp_path / "kept.index", tmp_path / "acks", random.Random(7), 0
    acks.touch()
    for number in range(KILLS):
        killed(adders, tmp_path, number, chance.uniform(0, 1.0))
        if not path.exists() or path.stat().st_size == 0:
            continue
        told = {entry["set"]: entry["rows"] for entry in info(path).sets}  # opens: SQLite rolls back what was cut off
        proved_whole(path)
        for name, at in acknowledged(acks):
            assert told[f"{name}-{at}"] == 50
        cut += sum(rows < 50 for rows in told.values())
        assert all(rows in (20, 40, 50) for rows in told.values()), "a batch is there whole or not at all"
    done = sorted(acknowledged(acks))
    assert len(done) > KILLS
    for name, at in random.Random(8).sample(done, 10):
        found = check(path, rows_of(name, at))
        assert found.hits.filter(found.hits["part"] == "text")["jaccard"].to_list() == [1.0] * 50
    print(f"{len(done)} additions of 50 rows acknowledged, {KILLS} x 2 adders killed, {cut} sightings of a cut one")
    part = next((name for name, rows in told.items() if rows < 50), None)
    if part is not None:  # the same command again adds the rest
        who, _, at = part.rpartition("-")
        assert add(path, rows_of(who, int(at)), name=part).added == 50 - told[part]


def test_a_kill_while_the_file_is_being_made_leaves_one_that_can_be_added_to(tmp_path, adders):
    chance = random.Random(11)
    for number in range(6):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "acks").touch()
        killed(adders, folder, number, chance.uniform(0, 0.5))
        path = folder / "kept.index"
        assert add(path, rows_of("new", 0), name="new").added == 50
        proved_whole(path)
        for name, at in acknowledged(folder / "acks"):
            assert check(path, rows_of(name, at)).found == 50
