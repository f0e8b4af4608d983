"""Kill -9 at random moments of every verb: what stands afterwards is the old state whole or the new state whole.

A victim is a real process, killed with its whole group. It says when its imports are done, so that most of the moments
fall into the work: of twenty, three are drawn from the startup, twelve from the work (over the time that the verb took
when nobody killed it), and five are aimed at the narrow window in which files are being put in place.
"""

import contextlib
import hashlib
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

import pytest
from vetset.app import cli
from vetset.curate import Dataset, Ledger, UsageError, disk, verify

STARTUP, WORK, AIMED = 3, 12, 5
VICTIM = """
import json, sys
import vetset.curate
from vetset.app import cli
sys.stdout.reconfigure(line_buffering=True)
print("started", flush=True)
for arguments in map(json.loads, sys.stdin):
    code = cli.run(arguments)
    if code not in (0, 1):
        sys.exit(code)
"""
STRAYS = (".part", ".next", ".reading-", ".commit.json")

pytestmark = pytest.mark.slow


@dataclass
class Victim:
    """A process that imports vetset, says so, and runs the commands that it is given."""

    process: subprocess.Popen
    began: float = field(default_factory=time.monotonic)

    @classmethod
    def start(cls):
        return cls(subprocess.Popen(
            [sys.executable, "-c", VICTIM],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
        ))  # fmt: skip

    def give(self, commands):
        self.process.stdin.write("".join(json.dumps([str(word) for word in command]) + "\n" for command in commands))
        self.process.stdin.close()

    def started(self):
        assert self.process.stdout.readline() == "started\n"
        return time.monotonic() - self.began

    def end(self):
        """Kill what still runs; return whether it did, and the lines that it has printed."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        lines = [line for line in self.process.stdout if line.endswith("\n")]
        code = self.process.wait()
        self.process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        assert code in (0, -signal.SIGKILL)
        return code != 0, lines


def run(*words):
    """Run a command in this process, as the next user would; it must succeed."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert cli.run([str(word) for word in words]) in (0, 1)
    return out.getvalue()


def measured(commands):
    """Let the commands end by themselves; return the seconds of the startup and of the work."""
    victim = Victim.start()
    startup = victim.started()
    victim.give(commands)
    victim.process.stdout.read()
    work = time.monotonic() - victim.began - startup
    assert victim.process.wait() == 0
    victim.process.stdout.close()
    return startup, work


def busy(folder):
    """Whether files are being put in place: a change is staged or committed in the folder."""
    try:
        return any(name.endswith((".next", ".commit.json")) for name in os.listdir(folder))
    except FileNotFoundError:
        return False


def killed_at_each_moment(seed, commands, startup, work, *, aimed_at=None):
    """Yield, after each kill, whether the victim was still alive, and its lines; the caller prepares in between."""
    chance = random.Random(seed)
    for _ in range(STARTUP):
        victim = Victim.start()
        victim.give(commands)
        time.sleep(chance.uniform(0.02, startup))
        yield victim.end()
    living = 0
    following = Victim.start()  # imports while the one before is looked at
    try:
        while living < WORK + AIMED:
            victim, following = following, Victim.start()
            victim.started()
            victim.give(commands)
            if living < WORK or aimed_at is None:
                time.sleep(chance.uniform(0, work))
            else:
                while victim.process.poll() is None and not busy(aimed_at):
                    pass
                time.sleep(chance.uniform(0, 0.02))  # a change of seven files takes 5 to 30 ms
            alive, lines = victim.end()
            living += alive
            work *= 1 if alive else 0.9  # it was measured on a busier machine
            yield alive, lines
    finally:
        following.end()


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


def restore(backup, folder):
    shutil.rmtree(folder, ignore_errors=True)
    if backup is not None:
        shutil.copytree(backup, folder)


def tell(verb, seen, alive, startup, work):
    found = ", ".join(f"{count} {name}" for name, count in sorted(seen.items()))
    print(
        f"{verb}: {seen.total()} kills, {alive} of a live process; {found} (startup {startup:.1f} s, work {work:.1f} s)"
    )
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


def check_verb(name, seed, tmp_path, old, words, *, folder=None, first=False):
    """Kill one verb at each moment; the set must be in the old or the new state, and the next run must end it."""
    folder = folder or tmp_path / "chat.vet"
    restore(None if first else old, folder)
    before = None if first else state(folder)
    decided = log_of(old)
    startup, work = measured([words])
    after = state(folder)
    assert after != before
    restore(None if first else old, folder)
    seen, living = Counter(), 0
    for alive, _ in killed_at_each_moment(seed, [words], startup, work, aimed_at=folder):
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
        run(*words)
        again = state(folder)
        assert again[:4] == after[:4]
        no_strays(tmp_path)
        restore(None if first else old, folder)
    tell(name, seen, living, startup, work)


def test_a_first_read_leaves_a_whole_set_or_none(tmp_path, old, shared):
    words = ["read", shared / "support_chat" / "airline", "-o", tmp_path / "chat.vet", "--json"]
    check_verb("first read", 1, tmp_path, old, words, first=True)


def test_reading_again_leaves_the_old_rows_or_the_new(tmp_path, old, shared):
    chats = shared / "support_chat"
    words = ["read", chats / "media", chats / "airline", "-o", tmp_path / "chat.vet", "--json"]
    check_verb("second read", 2, tmp_path, old, words)


def test_a_check_leaves_the_old_findings_or_the_new(tmp_path, old):
    # a few rules of several kinds: how files are put in place does not hang on what was found, and 21 runs take their time
    rules = "duplicates,quality,licences,coverage"
    check_verb("check", 3, tmp_path, old, ["check", tmp_path / "chat.vet", "--select", rules, "--json"])


def test_a_split_leaves_the_old_split_and_its_findings_or_the_new(tmp_path, old):
    words = ["split", tmp_path / "chat.vet", "--by", "group", "--seed", "9", "--no-inflation", "--json"]
    check_verb("split", 4, tmp_path, old, words)


def test_no_decision_that_was_acknowledged_is_lost(tmp_path, old):
    folder = tmp_path / "chat.vet"
    restore(old, folder)
    ids = Dataset.open(folder).rows["id"].gather_every(7).head(400).to_list()
    commands = [["decide", folder, "--id", row, "--action", "keep", "--json"] for row in ids]
    startup, work = measured(commands[:8])
    restore(old, folder)
    before = log_of(folder)
    seen, living, told = Counter(), 0, 0
    for alive, lines in killed_at_each_moment(5, commands, startup, work):
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
    tell(f"decide ({told} acknowledged)", seen, living, startup, work)
    assert told > 10


def test_a_policy_batch_is_written_whole_or_not_at_all(tmp_path, old):
    folder = tmp_path / "chat.vet"
    restore(old, folder)
    words = ["decide", folder, "--policy", "--json"]
    before = log_of(folder).height
    startup, work = measured([words])
    after = log_of(folder).height
    assert after > before + 5000
    restore(old, folder)
    seen, living = Counter(), 0
    for alive, lines in killed_at_each_moment(6, [words], startup, work):
        height = log_of(folder).height
        assert height in (before, after)
        assert height == after or len(lines) < 2  # told, so written
        seen["new" if height == after else "old"] += 1
        living += alive
        state(folder)
        run(*words)
        assert log_of(folder).height == after
        restore(old, folder)
    tell(f"decide --policy ({after - before:,} decisions)", seen, living, startup, work)


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
def test_an_export_is_absent_or_verifies_whole(tmp_path, old, first):
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
    startup, work = measured([words])
    after = export_state(out)
    assert after not in (None, before)
    seen, living = Counter(), 0
    restore(kept, dataset)
    restore(backup, out)
    for alive, _ in killed_at_each_moment(7 + first, [words], startup, work, aimed_at=out):
        stands = export_state(out)
        assert stands in (before, after)
        listed = [entry["files"]["provenance.json"] for entry in Dataset.open(dataset).manifest["exports"]]
        account = out / "provenance.json"
        assert listed == ([] if stands is None else [hashlib.sha256(account.read_bytes()).hexdigest()])
        seen["absent" if stands is None else "old" if stands == before else "new"] += 1
        living += alive
        state(dataset)
        run(*words)
        assert export_state(out) == after
        no_strays(tmp_path)
        restore(kept, dataset)
        restore(backup, out)
    tell("first export" if first else "second export", seen, living, startup, work)
