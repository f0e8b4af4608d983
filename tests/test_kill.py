"""Kill -9 at random moments of every verb: what stands afterwards is the old state whole or the new state whole.

A victim is killed with its whole group. Of twenty, three are processes of their own that are killed while they import.
The others are forked, one after the other, from a process that has imported all and computed nothing, so that the moments
fall into the work: twelve are drawn from the time that the verb took when nobody killed it, and five are aimed at the narrow
window in which files are being put in place.
"""

import contextlib
import hashlib
import io
import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from vetset.app import cli
from vetset.curate import Dataset, Ledger, UsageError, disk, verify

STARTUP, WORK, AIMED = 3, 12, 5
VICTIM = """
import json, sys
import vetset.curate
from vetset.app import cli
sys.stdout.reconfigure(line_buffering=True)
print("started")
for arguments in map(json.loads, sys.stdin):
    code = cli.run(arguments)
    if code not in (0, 1):
        sys.exit(code)
"""
FORKER = """
import importlib, json, os, sys
import vetset.curate
from vetset.app import cli
for name in sys.argv[1:]:
    importlib.import_module(name)
sys.stdout.reconfigure(line_buffering=True)
print("ready")
for line in sys.stdin:
    commands, out = json.loads(line)
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            os.setpgid(0, 0)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
            for arguments in commands:
                code = cli.run(arguments)
                if code not in (0, 1):
                    break
        finally:
            os._exit(code)
    os.setpgid(pid, pid)
    print(pid)
    sys.stdin.readline()  # reaped when that is asked for: until then the number is the victim's alone
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
LIBRARIES = (
    "polars", "pyarrow.parquet", "pandas", "numba", "sqlite3", "scipy.sparse.csgraph", "sklearn.feature_extraction.text",
    "sklearn.linear_model", "vetset.curate.checking", "vetset.curate.near.joining", "vetset.curate.splits.splitting",
    "vetset.curate.reading.reader",
)  # fmt: skip
STRAYS = (".part", ".next", ".reading-", ".commit.json")

pytestmark = pytest.mark.slow


class Victim:
    """A forked process that runs the commands it was given."""

    def __init__(self, forker, commands, out):
        self.forker, self.out = forker, out
        words = [[str(word) for word in command] for command in commands]
        print(json.dumps([words, str(out)]), file=forker.stdin, flush=True)
        self.pid = int(forker.stdout.readline())
        self.watched = os.pidfd_open(self.pid)

    def ended(self, within=0.0):
        """Whether it has ended by itself, or does within so many seconds."""
        return bool(select.select([self.watched], [], [], within)[0])

    def end(self):
        """Kill what still runs; return whether it did, and the lines that it has printed."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        print(file=self.forker.stdin, flush=True)
        code = int(self.forker.stdout.readline())
        os.close(self.watched)
        assert code in (0, 1, -signal.SIGKILL)
        lines = self.out.read_text().splitlines(keepends=True) if self.out.exists() else []
        return code < 0, [line for line in lines if line.endswith("\n")]


@dataclass
class Verbs:
    """What runs commands in other processes, and the seconds that a new process takes before it runs one."""

    forker: subprocess.Popen
    startup: float
    out: Path

    def victim(self, commands):
        return Victim(self.forker, commands, self.out)

    def measured(self, commands):
        """Let the commands end by themselves; return the seconds that they took."""
        began, victim = time.monotonic(), self.victim(commands)
        assert victim.ended(within=300)
        seconds = time.monotonic() - began
        assert not victim.end()[0]
        return seconds


def started():
    return subprocess.Popen(
        [sys.executable, "-c", VICTIM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, start_new_session=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def verbs(tmp_path_factory):
    """What the victims are forked from."""
    began = time.monotonic()
    with started() as alone:
        assert alone.stdout.readline() == "started\n"
        startup = time.monotonic() - began
        alone.kill()
    command = [sys.executable, "-c", FORKER, *LIBRARIES]
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=subprocess.DEVNULL, text=True) as forker:
        assert forker.stdout.readline() == "ready\n"
        yield Verbs(forker, startup, tmp_path_factory.mktemp("verbs") / "out")
        forker.stdin.close()


def run(*words):
    """Run a command in this process, as the next user would; it must succeed."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert cli.run([str(word) for word in words]) in (0, 1)
    return out.getvalue()


def busy(folder):
    """Whether files are being put in place: a change is staged or committed in the folder."""
    try:
        return any(name.endswith((".next", ".commit.json")) for name in os.listdir(folder))
    except FileNotFoundError:
        return False


def killed_while_it_starts(commands, seconds):
    with started() as victim:
        victim.stdin.write("".join(json.dumps([str(word) for word in command]) + "\n" for command in commands))
        victim.stdin.close()
        time.sleep(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(victim.pid, signal.SIGKILL)
        lines = [line for line in victim.stdout if line.endswith("\n")]
    assert victim.returncode in (0, -signal.SIGKILL)
    return victim.returncode != 0, [line for line in lines if line != "started\n"]


def killed_at_each_moment(seed, verbs, commands, work, *, aimed_at=None):
    """Yield, after each kill, whether the victim was still alive, and its lines; the caller prepares in between."""
    chance = random.Random(seed)
    for _ in range(STARTUP):
        # twice the startup: by then the libraries that a verb alone needs are being imported
        yield killed_while_it_starts(commands, chance.uniform(0.02, 2 * verbs.startup))
    living = 0
    while living < WORK + AIMED:
        victim = verbs.victim(commands)
        if living < WORK or aimed_at is None:
            time.sleep(chance.uniform(0, work))
        else:
            while not busy(aimed_at) and not victim.ended():
                time.sleep(0.0005)
            time.sleep(chance.uniform(0, 0.02))  # a change of seven files takes 5 to 30 ms
        alive, lines = victim.end()
        living += alive
        work *= 1 if alive else 0.9  # it was measured on a busier machine
        yield alive, lines


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.exists() else None


def state(folder):
    """Open the set, prove that its parts are whole and belong together, and return what tells states apart."""
    dataset = Dataset.open(folder)
    rows = dataset.rows
    assert rows.height == dataset.manifest["rows"]
    assert len(list(dataset.rejects())) == dataset.manifest["rejects"]
    if dataset.findings is not None:
        assert dataset.findings["id"].is_in(rows["id"].implode()).all()
    names = ("rows.parquet", "rejects.jsonl", "findings.parquet", "splits.parquet", "manifest.json")
    return tuple(digest(folder / name) for name in names)


def log_of(folder):
    with Ledger.open(folder) as ledger:
        return ledger.log()


def no_strays(folder):
    left = [str(path) for path in folder.rglob("*") if any(mark in path.name for mark in STRAYS)]
    assert left == []


def tree(*folders):
    """Return what stands in folders to the byte; a verb is not run again on what it was run on before."""
    files = (path for folder in folders if folder.exists() for path in sorted(folder.rglob("*")) if path.is_file())
    return tuple((str(path), digest(path)) for path in files)


def restore(backup, folder):
    shutil.rmtree(folder, ignore_errors=True)
    if backup is not None:
        shutil.copytree(backup, folder)


def tell(verb, seen, alive, work):
    found = ", ".join(f"{count} {name}" for name, count in sorted(seen.items()))
    print(f"{verb}: {seen.total()} kills, {alive} of a live process at work; {found} (work {work:.1f} s)")
    assert alive >= WORK + AIMED


@pytest.fixture(scope="module")
def old(shared, tmp_path_factory):
    """A set that was read, checked in part, decided, checked for leaks and split."""
    folder = tmp_path_factory.mktemp("old") / "chat.vet"
    run("read", shared / "support_chat" / "media", "-o", folder, "--json")
    run("check", folder, "--select", "duplicates,leakage", "--json")
    ids = Dataset.open(folder).rows["id"]
    run("decide", folder, "--id", ids[0], "--id", ids[1], "--action", "drop", "--json")
    run("split", folder, "--by", "group", "--no-inflation", "--json")
    return folder


def check_verb(name, seed, tmp_path, old, verbs, words, *, folder=None, first=False):
    """Kill one verb at each moment; the set must be in the old or the new state, and the next run must end it."""
    folder = folder or tmp_path / "chat.vet"
    restore(None if first else old, folder)
    before = None if first else state(folder)
    decided = log_of(old)
    work = verbs.measured([words])
    after = state(folder)
    assert after != before
    restore(None if first else old, folder)
    seen, living, ended = Counter(), 0, set()
    for alive, _ in killed_at_each_moment(seed, verbs, [words], work, aimed_at=folder):
        left = tree(tmp_path)
        try:
            stands = state(folder)
        except UsageError:  # a first read that was cut off: no set is there, and it says so
            assert first
            stands = None
        assert stands in (before, after), f"{stands} is neither {before} nor {after}"
        seen["new" if stands == after else "not a set yet" if stands is None else "old"] += 1
        living += alive
        if not first:
            assert log_of(folder).equals(decided)
        if left not in ended:
            run(*words)
            again = state(folder)
            assert again[:4] == after[:4]
            no_strays(tmp_path)
            ended.add(left)
        restore(None if first else old, folder)
    tell(name, seen, living, work)


def test_a_first_read_leaves_a_whole_set_or_none(tmp_path, old, verbs, shared):
    words = ["read", shared / "support_chat" / "airline", "-o", tmp_path / "chat.vet", "--json"]
    check_verb("first read", 1, tmp_path, old, verbs, words, first=True)


def test_reading_again_leaves_the_old_rows_or_the_new(tmp_path, old, verbs, shared):
    chats = shared / "support_chat"
    words = ["read", chats / "media", chats / "airline", "-o", tmp_path / "chat.vet", "--json"]
    check_verb("second read", 2, tmp_path, old, verbs, words)


def test_a_check_leaves_the_old_findings_or_the_new(tmp_path, old, verbs):
    # a few rules of several kinds: how files are put in place does not hang on what was found, and 21 runs take their time
    rules = "duplicates,quality,licences,coverage.balance"
    check_verb("check", 3, tmp_path, old, verbs, ["check", tmp_path / "chat.vet", "--select", rules, "--json"])


def test_a_split_leaves_the_old_split_and_its_findings_or_the_new(tmp_path, old, verbs):
    words = ["split", tmp_path / "chat.vet", "--by", "group", "--seed", "9", "--no-inflation", "--json"]
    check_verb("split", 4, tmp_path, old, verbs, words)


def test_no_decision_that_was_acknowledged_is_lost(tmp_path, old, verbs):
    folder = tmp_path / "chat.vet"
    restore(old, folder)
    ids = Dataset.open(folder).rows["id"].gather_every(7).head(400).to_list()
    commands = [["decide", folder, "--id", row, "--action", "keep", "--json"] for row in ids]
    work = verbs.measured(commands[:8])
    restore(old, folder)
    before = log_of(folder)
    seen, living, told = Counter(), 0, 0
    for alive, lines in killed_at_each_moment(5, verbs, commands, work):
        log = log_of(folder)
        batches = set(log["batch"])
        acknowledged = [json.loads(line)["batch"] for line in lines if line != "started\n"]
        assert batches.issuperset(acknowledged)
        made = log.height - before.height
        assert 0 <= made - len(acknowledged) <= 1  # the one that was written and not told of any more
        assert log.head(before.height).equals(before)
        assert log["row_id"].to_list()[before.height :] == ids[:made]
        told += len(acknowledged)
        seen["all told stand" if made == len(acknowledged) else "one more stands than was told"] += 1
        living += alive
        state(folder)
        run(*commands[-1])
        assert log_of(folder).height == log.height + 1
        no_strays(tmp_path)
        restore(old, folder)
    tell(f"decide ({told} acknowledged)", seen, living, work)
    assert told > 10


def test_a_policy_batch_is_written_whole_or_not_at_all(tmp_path, old, verbs):
    folder = tmp_path / "chat.vet"
    restore(old, folder)
    words = ["decide", folder, "--policy", "--json"]
    before = log_of(folder).height
    work = verbs.measured([words])
    after = log_of(folder).height
    assert after > before + 5000
    restore(old, folder)
    seen, living, ended = Counter(), 0, set()
    for alive, lines in killed_at_each_moment(6, verbs, [words], work):
        left = tree(folder)
        height = log_of(folder).height
        assert height in (before, after)
        assert height == after or len(lines) < 2  # told, so written
        seen["new" if height == after else "old"] += 1
        living += alive
        state(folder)
        if left not in ended:
            run(*words)
            assert log_of(folder).height == after
            ended.add(left)
        restore(old, folder)
    tell(f"decide --policy ({after - before:,} decisions)", seen, living, work)


def export_state(folder):
    """Return the seal of the export that stands, or nothing where there is none; what stands must verify whole."""
    if not folder.exists():
        return None
    disk.recover(folder)
    if not any(not path.name.startswith(".") for path in folder.iterdir()):
        return None
    result = verify(folder)
    assert result.ok, [check.sentence for check in result.checks if not check.ok]
    return json.loads((folder / "provenance.json").read_text())["seal"]


@pytest.mark.parametrize("first", [True, False], ids=["first", "again"])
def test_an_export_is_absent_or_verifies_whole(tmp_path, old, verbs, first):
    dataset, out, backup = tmp_path / "chat.vet", tmp_path / "out", None
    restore(old, dataset)
    if not first:
        run("export", dataset, "-o", out, "--format", "text-label", "--json")
        backup = tmp_path / "backup"
        shutil.copytree(out, backup)
    kept = tmp_path / "kept.vet"
    shutil.copytree(dataset, kept)
    before = export_state(out)
    words = ["export", dataset, "-o", out, "--format", "messages", "--json"]
    work = verbs.measured([words])
    after = export_state(out)
    assert after not in (None, before)
    seen, living, ended = Counter(), 0, set()
    restore(kept, dataset)
    restore(backup, out)
    for alive, _ in killed_at_each_moment(7 + first, verbs, [words], work, aimed_at=out):
        left = tree(tmp_path)
        stands = export_state(out)
        assert stands in (before, after)
        listed = [entry["files"]["provenance.json"] for entry in Dataset.open(dataset).manifest["exports"]]
        account = out / "provenance.json"
        assert listed == ([] if stands is None else [hashlib.sha256(account.read_bytes()).hexdigest()])
        seen["absent" if stands is None else "old" if stands == before else "new"] += 1
        living += alive
        state(dataset)
        if left not in ended:
            run(*words)
            assert export_state(out) == after
            no_strays(tmp_path)
            ended.add(left)
        restore(kept, dataset)
        restore(backup, out)
    tell("first export" if first else "second export", seen, living, work)
