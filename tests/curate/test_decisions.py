"""The ledger and what it does to rows. Kills are in test_decisions_kill.py."""

import json
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate.dataset import frame
from vetset.curate.decisions import ledger_file
from vetset.curate.decisions.applied import HEADS, LOG, Decision, Ledger, apply, head_for
from vetset.curate.decisions.ledger import now
from vetset.curate.decisions.ledger_jsonl import export_jsonl, import_jsonl
from vetset.curate.errors import DataError, UsageError

REPLY = {"role": "assistant", "content": "Press reset."}


def drop(row_id: str, **more) -> Decision:
    return Decision(row_id, "drop", **more)


def heads(ledger: Ledger) -> dict[str, tuple]:
    return {
        row: (action, value, seq)
        for row, action, value, seq in ledger.head().select("row_id", "action", "value", "seq").iter_rows()
    }


# The ledger


def test_opening_makes_no_file_and_the_first_decision_does(tmp_path):
    with Ledger.open(tmp_path) as ledger:
        assert ledger.head().schema == HEADS
        assert ledger.log().schema == LOG
        assert ledger.last() == 0
        assert ledger.decide([], reviewer="ann").seqs == ()
        assert list(tmp_path.iterdir()) == []
        ledger.decide([drop("a-0")], reviewer="ann")
    assert (tmp_path / "decisions.db").exists()
    assert not (tmp_path / "decisions.db-wal").exists()


def test_a_decision_is_kept_with_who_when_why_and_the_content_it_was_made_on(tmp_path):
    with Ledger.open(tmp_path) as ledger:
        decision = Decision("8a0f-2", "relabel", value="إرجاع 返品 📦", reason="see", rule="labels.conflict")
        outcome = ledger.decide([decision], reviewer="ann")
    with Ledger.open(tmp_path) as ledger:
        line = ledger.log().row(0, named=True)
    assert line.pop("at") <= now()
    assert line == {
        "seq": 1, "uid": decision.uid, "reviewer": "ann", "row_id": "8a0f-2", "content": "8a0f", "action": "relabel",
        "value": "إرجاع 返品 📦", "reason": "see", "undoes": None, "batch": outcome.batch, "rule": "labels.conflict",
    }  # fmt: skip


def test_times_sort_as_text(tmp_path):
    with Ledger.open(tmp_path) as ledger:
        for row in ("a-0", "b-0"):
            ledger.decide([drop(row)], reviewer="ann")
        at = ledger.log()["at"]
    assert at.is_sorted()
    assert at.str.contains(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$").all()


def test_undoing_brings_the_decision_before_back(tmp_path):
    with Ledger.open(tmp_path) as ledger:
        ledger.decide([Decision("a-0", "keep")], reviewer="ann")
        second = ledger.decide([drop("a-0"), drop("b-0")], reviewer="bob")
        assert heads(ledger) == {"a-0": ("drop", None, 2), "b-0": ("drop", None, 3)}
        undone = ledger.undo(second.batch, reviewer="ann", reason="no")
        assert undone.seqs == (4, 5)
        assert heads(ledger) == {"a-0": ("keep", None, 1)}
        assert ledger.history("a-0")["undoes"].to_list() == [None, None, 2]
        again = ledger.undo(second.batch, reviewer="ann")
        assert again.seqs == ()
        assert len(again.repeated) == 2
        ledger.undo([1], reviewer="ann")
        assert ledger.head().is_empty()


def test_undoing_an_older_decision_leaves_the_newer_one_standing(tmp_path):
    with Ledger.open(tmp_path) as ledger:
        ledger.decide([Decision("a-0", "keep")], reviewer="ann")
        ledger.decide([drop("a-0")], reviewer="ann")
        ledger.undo([1], reviewer="ann")
        assert heads(ledger) == {"a-0": ("drop", None, 2)}


def test_the_undo_button_walks_back_through_the_reviewers_own_batches(tmp_path):
    with Ledger.open(tmp_path) as ledger:
        assert ledger.last_batch("ann") is None
        first = ledger.decide([drop("a-0")], reviewer="ann")
        second = ledger.decide([drop("b-0")], reviewer="ann")
        ledger.decide([drop("c-0")], reviewer="bob")
        for batch in (second.batch, first.batch):
            assert ledger.last_batch("ann") == batch
            ledger.undo(batch, reviewer="ann")
        assert ledger.last_batch("ann") is None


def test_what_is_not_there_or_is_an_undo_cannot_be_undone(tmp_path):
    with Ledger.open(tmp_path) as ledger:
        ledger.decide([drop("a-0")], reviewer="ann")
        undo = ledger.undo([1], reviewer="ann")
        for what, said in (
            ([7], "no decision 7"),
            ("nope", "no batch 'nope'"),
            ([2], "undo can't be undone"),
            (undo.batch, "undo can't"),
        ):
            with pytest.raises(UsageError, match=said):
                ledger.undo(what, reviewer="ann")
        assert ledger.last() == 2


def test_a_row_decided_by_another_since_is_a_conflict_and_not_overwritten(tmp_path):
    with Ledger.open(tmp_path) as ann, Ledger.open(tmp_path) as bob:
        seen = ann.last()
        bob.decide([drop("a-0")], reviewer="bob")
        outcome = ann.decide([Decision("a-0", "keep"), Decision("b-0", "keep")], reviewer="ann", expect=seen)
        assert [(c.row_id, c.reviewer, c.action, c.seq) for c in outcome.conflicts] == [("a-0", "bob", "drop", 1)]
        assert outcome.seqs == (2,)
        assert heads(ann) == {"a-0": ("drop", None, 1), "b-0": ("keep", None, 2)}
        assert json.dumps(outcome.summary())
        assert ann.decide([Decision("a-0", "keep")], reviewer="ann", expect=ann.last()).conflicts == ()
        assert bob.decide([drop("b-0")], reviewer="ann", expect=0).conflicts == ()


def test_an_undo_by_another_is_a_conflict_too(tmp_path):
    with Ledger.open(tmp_path) as ledger:
        ledger.decide([drop("a-0")], reviewer="ann")
        seen = ledger.last()
        ledger.undo([1], reviewer="bob")
        outcome = ledger.decide([Decision("a-0", "keep")], reviewer="ann", expect=seen)
        assert [c.action for c in outcome.conflicts] == ["undo"]


def test_the_same_uid_twice_is_one_decision(tmp_path):
    click = drop("a-0", uid="click-1")
    with Ledger.open(tmp_path) as ledger:
        assert ledger.decide([click, click], reviewer="ann").repeated == ("click-1",)
        assert ledger.decide([click], reviewer="ann", expect=0).repeated == ("click-1",)
        assert ledger.log().height == 1
        with pytest.raises(UsageError, match="stands for another decision"):
            ledger.decide([drop("new-0"), drop("b-0", uid="click-1")], reviewer="ann")
        assert ledger.log().height == 1, "an error writes none of the batch"


def test_two_threads_with_the_same_uid_make_one_decision(tmp_path):
    results = []
    with Ledger.open(tmp_path) as ledger:
        start = threading.Barrier(2)

        def click(own: Ledger) -> None:
            start.wait()
            results.append(own.decide([drop("a-0", uid="click-1")], reviewer="ann"))

        with Ledger.open(tmp_path) as other:
            for pair in ((ledger, ledger), (ledger, other)):
                threads = [threading.Thread(target=click, args=(own,)) for own in pair]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
        assert sorted(len(result.seqs) for result in results) == [0, 0, 0, 1]
        assert ledger.log().height == 1


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        (Decision("a-0", "delete"), "none of keep, drop, relabel, edit, skip"),  # pyright: ignore[reportArgumentType]
        (Decision("a-0", "undo"), "none of keep"),  # pyright: ignore[reportArgumentType]
        (Decision("", "drop"), "must not be empty"),
        (Decision("a-0", "drop", value="x"), "takes no value"),
        (Decision("a-0", "relabel"), "needs a value, the new label"),
        (Decision("a-0", "relabel", value=" "), "needs a value"),
        (Decision("a-0", "edit", value="hello"), "can't be read"),
        (Decision("a-0", "edit", value="[]"), "at least one message"),
        (Decision("a-0", "edit", value='[{"role":"","content":"x"}]'), "at least one message"),
        (Decision("a-0", "edit", value='[{"role":"user","text":"x"}]'), "unknown field"),
        (Decision("a-0", "edit", value='[{"role":"assistant","tool_calls":"no JSON"}]'), "can't be read"),
        (Decision("a-0", "edit", value='[{"role":"assistant","tool_calls":"' + "[" * 9000 + '"}]'), "can't be read"),
        (Decision("a-0", "drop", reason="\ud800"), "lone surrogate"),
        (Decision("a-0", "relabel", value="x\udfff"), "lone surrogate"),
    ],
)
def test_what_can_be_no_decision_is_said_in_one_short_sentence_and_nothing_is_written(tmp_path, decision, said):
    with Ledger.open(tmp_path) as ledger:
        with pytest.raises(UsageError, match=said) as caught:
            ledger.decide([drop("good-0"), decision], reviewer="ann")
        assert len(str(caught.value)) < 330
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("reviewer", ["", "  ", "a\nb", "x" * 201, "\ud800"])
def test_a_reviewer_has_a_printable_name(tmp_path, reviewer):
    with Ledger.open(tmp_path) as ledger, pytest.raises(UsageError, match="is no name"):
        ledger.decide([drop("a-0")], reviewer=reviewer)


def test_no_line_can_be_changed_removed_or_replaced(tmp_path):
    with Ledger.open(tmp_path) as ledger:
        ledger.decide([drop("a-0", uid="u")], reviewer="ann")
        ledger.undo([1], reviewer="ann")
    with sqlite3.connect(tmp_path / "decisions.db") as raw:
        before = raw.execute("SELECT * FROM decision").fetchall()
        values = "(9, 'u', 'at', 'eve', 'a-0', 'a', 'keep', NULL, NULL, NULL, 'b', NULL)"
        for sql in (
            "UPDATE decision SET reviewer = 'eve'", "DELETE FROM decision", f"REPLACE INTO decision VALUES {values}",
            f"INSERT OR REPLACE INTO decision VALUES {values.replace('9', '1', 1).replace('u', 'v', 1)}",
            f"INSERT INTO decision VALUES {values} ON CONFLICT(uid) DO UPDATE SET reviewer = 'eve'",
        ):  # fmt: skip
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                raw.execute(sql)
        assert raw.execute("SELECT * FROM decision").fetchall() == before
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    raw.close()


def test_all_is_flushed_at_every_commit(tmp_path):
    with Ledger.open(tmp_path) as ledger, ledger.writing() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_what_follows_a_number_is_what_a_page_has_to_read(tmp_path):
    with Ledger.open(tmp_path) as ledger:
        ledger.decide([drop("a-0")], reviewer="ann")
        seen = ledger.last()
        ledger.decide([drop("b-0")], reviewer="bob")
        ledger.undo([1], reviewer="bob")
        assert ledger.since(seen).select("row_id", "action").rows() == [("b-0", "drop"), ("a-0", "undo")]
        assert ledger.since(ledger.last()).is_empty()


ROWS = ("a-0", "a-1", "b-0")
STEP = st.one_of(
    st.tuples(
        st.just("decide"),
        st.lists(st.tuples(st.sampled_from(ROWS), st.sampled_from(("keep", "drop", "skip"))), min_size=1, max_size=4),
        st.sampled_from(("ann", "bob")),
        st.one_of(st.none(), st.integers(0, 12)),
    ),
    st.tuples(st.just("undo"), st.integers(1, 12), st.sampled_from(("ann", "bob"))),
    st.tuples(st.just("undo batch"), st.integers(0, 6), st.sampled_from(("ann", "bob"))),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(STEP, max_size=10))
def test_any_sequence_of_decisions_and_undos_gives_the_heads_of_a_plain_model(steps):
    log: list[dict] = []  # the model: a list of lines
    batches: list[str] = []
    with tempfile.TemporaryDirectory() as folder, Ledger.open(folder) as ledger:
        for step in steps:
            if step[0] == "decide":
                _, wanted, reviewer, expect = step
                outcome = ledger.decide([Decision(r, a) for r, a in wanted], reviewer=reviewer, expect=expect)
                last = {line["row"]: line for line in log}
                blocked = {
                    row
                    for row, line in last.items()
                    if expect is not None and line["seq"] > expect and line["who"] != reviewer
                }
                assert [c.row_id for c in outcome.conflicts] == [row for row, _ in wanted if row in blocked]
                for row, action in wanted:
                    if row not in blocked:
                        log.append(
                            {
                                "seq": len(log) + 1,
                                "row": row,
                                "action": action,
                                "who": reviewer,
                                "batch": len(batches),
                                "undone": False,
                            }
                        )
                batches.append(outcome.batch)
                continue
            number = step[1]
            if step[0] == "undo":
                meant, what = [line for line in log if line["seq"] == number], [number]
            else:
                meant = [line for line in log if line["batch"] == number and number < len(batches)]
                what = batches[number] if number < len(batches) else "none"
            if not meant or meant[0]["action"] == "undo":
                with pytest.raises(UsageError):
                    ledger.undo(what, reviewer=step[2])
                continue
            ledger.undo(what, reviewer=step[2])
            for line in [line for line in meant if not line["undone"]]:
                line["undone"] = True
                log.append(
                    {
                        "seq": len(log) + 1,
                        "row": line["row"],
                        "action": "undo",
                        "who": step[2],
                        "batch": -1,
                        "undone": False,
                    }
                )
        live = [line for line in log if line["action"] != "undo" and not line["undone"]]
        assert heads(ledger) == {line["row"]: (line["action"], None, line["seq"]) for line in live}
        assert ledger.log().select("seq", "row_id", "action").rows() == [(x["seq"], x["row"], x["action"]) for x in log]


@pytest.mark.slow
def test_fifty_thousand_decisions_and_their_undo_take_under_ten_seconds(tmp_path):
    with Ledger.open(tmp_path) as ledger:
        start = time.process_time()
        batch = ledger.decide([drop(f"{i:020x}-0") for i in range(50_000)], reviewer="ann", expect=0).batch
        decided = time.process_time() - start
        assert ledger.head().height == 50_000
        seen = ledger.last()
        undone = time.process_time()
        ledger.undo(batch, reviewer="ann")
        undone = time.process_time() - undone
        assert ledger.head().is_empty()
        ledger.decide([drop("a-0")], reviewer="bob")
        follow = min(_seconds(lambda: ledger.since(seen + 50_000)) for _ in range(20))
    print(f"decide {decided:.2f} s, undo {undone:.2f} s, follow {follow * 1000:.2f} ms")
    assert decided + undone < 10
    assert follow < 0.005


def _seconds(call) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


# The file: locks, folders that can't be written, damage

HOLD = """
import sqlite3, sys, time
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("BEGIN IMMEDIATE"); print("held", flush=True)
time.sleep(float(sys.argv[2])); c.execute("ROLLBACK")
"""


def _hold(folder: Path, seconds: float) -> subprocess.Popen:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, folder / "decisions.db", str(seconds)], stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    return holder


def test_a_write_waits_for_a_lock_that_another_process_holds_for_three_seconds(tmp_path):
    with Ledger.open(tmp_path) as ledger:
        ledger.decide([drop("a-0")], reviewer="ann")
        start = time.monotonic()
        with _hold(tmp_path, 3) as holder:
            assert ledger.head().height == 1, "readers don't wait"
            assert ledger.decide([drop("b-0")], reviewer="ann").seqs == (2,)
            holder.wait()
        assert time.monotonic() - start > 2.5


def test_a_lock_that_stays_is_said_and_nothing_is_written(tmp_path):
    with Ledger.open(tmp_path, wait=0.2) as ledger:
        ledger.decide([drop("a-0")], reviewer="ann")
        with _hold(tmp_path, 60) as holder:
            with pytest.raises(UsageError, match="in use by another process; nothing was written, try again"):
                ledger.decide([drop("b-0")], reviewer="ann")
            holder.kill()
        assert ledger.decide([drop("b-0")], reviewer="ann").seqs == (2,)


def test_a_full_disk_is_said_and_the_batch_has_not_happened(tmp_path):
    with Ledger.open(tmp_path) as ledger:
        ledger.decide([drop("a-0")], reviewer="ann")
        with ledger.writing() as connection:
            connection.execute("PRAGMA max_page_count=20")  # SQLite's own full disk
        with pytest.raises(UsageError, match="the disk is full; nothing was written"):
            ledger.decide([drop(f"{i:020x}-0") for i in range(5000)], reviewer="ann")
        assert ledger.log().height == 1
        assert ledger.decide([drop("b-0")], reviewer="ann").seqs == (2,)


READ_ONLY = """
import json, os, sys
from vetset.curate.decisions.ledger import Decision, Ledger
from vetset.curate.errors import UsageError
if os.getuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)  # root may write anywhere
with Ledger.open(sys.argv[1]) as ledger:
    said = ""
    try: ledger.decide([Decision("a-0", "keep")], reviewer="eve")
    except UsageError as error: said = str(error)
    print(json.dumps([ledger.readonly, ledger.head()["row_id"].to_list(), said]))
"""


CUT_OFF = """
import os, sys
from vetset.curate.decisions.ledger import Decision, Ledger
Ledger.open(sys.argv[1]).decide([Decision("a-0", "drop")], reviewer="ann")
os._exit(9)  # without closing
"""


def _read_only(folder: Path) -> tuple[bool, list[str], str]:
    """Open the ledger as a user who may not write to its folder."""
    folder.chmod(0o555)
    try:
        done = subprocess.run([sys.executable, "-c", READ_ONLY, folder], capture_output=True, text=True, check=False)
    finally:
        folder.chmod(0o755)
    assert done.returncode == 0, done.stderr
    return tuple(json.loads(done.stdout))


@pytest.fixture
def open_path():
    """A folder that every user can reach (tmp_path is closed to others)."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_a_folder_that_cannot_be_written_gives_a_read_only_ledger(open_path):
    assert _read_only(open_path)[:2] == (True, [])
    with Ledger.open(open_path) as ledger:
        ledger.decide([drop("a-0"), drop("b-0")], reviewer="ann")
    readonly, rows, said = _read_only(open_path)
    assert readonly
    assert rows == ["a-0", "b-0"]
    assert "can't be written, so nothing was decided" in said


def test_a_read_only_ledger_reads_lines_that_a_killed_writer_left_in_the_wal(open_path):
    subprocess.run([sys.executable, "-c", CUT_OFF, open_path], check=False)
    assert (open_path / "decisions.db-wal").stat().st_size > 0
    for name in ("decisions.db-shm", "nothing"):
        assert _read_only(open_path)[1] == ["a-0"]
        (open_path / name).unlink(missing_ok=True)
    with Ledger.open(open_path) as ledger:
        assert heads(ledger) == {"a-0": ("drop", None, 1)}


def test_where_wal_is_refused_the_ledger_falls_back_and_says_what_it_costs(tmp_path):
    # This SQLite file system layer has no shared memory, as a network share.
    connection = sqlite3.connect(f"file:{tmp_path}/x.db?vfs=unix-dotfile", uri=True, isolation_level=None)
    warning = ledger_file.use_wal(connection, 1)
    assert warning is not None
    assert "network share" in warning
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()


def test_a_missing_folder_and_a_damaged_or_newer_file_are_said(tmp_path):
    with pytest.raises(UsageError, match="no such set"):
        Ledger.open(tmp_path / "none.vet")
    file = tmp_path / "decisions.db"
    file.write_bytes(b"")
    with Ledger.open(tmp_path) as ledger:
        assert ledger.head().is_empty(), "a creation that was cut off"
        ledger.decide([drop("a-0")], reviewer="ann")
    with sqlite3.connect(file) as raw:
        raw.execute("PRAGMA user_version=99")
    raw.close()
    with pytest.raises(DataError, match="format 99"):
        Ledger.open(tmp_path)
    file.write_bytes(b"no database " * 400)
    with pytest.raises(DataError, match=r"is damaged .* decisions.jsonl"):
        Ledger.open(tmp_path)


# JSONL


def _story(ledger: Ledger) -> None:
    ledger.decide([drop("a-0", reason="Müll 🗑\u2028"), Decision("b-0", "relabel", value="返品")], reviewer="ann")
    ledger.decide([Decision("a-0", "edit", value=json.dumps([{"role": "user", "content": 'a "b"\n'}]))], reviewer="bob")
    ledger.undo([1], reviewer="ann", reason="no")


def test_exports_are_the_same_bytes_and_each_is_the_start_of_the_next(tmp_path):
    files = [tmp_path / f"{i}.jsonl" for i in range(4)]
    with Ledger.open(tmp_path) as ledger:
        _story(ledger)
        assert export_jsonl(ledger, files[0]) == 4
        export_jsonl(ledger, files[1])
        before = ledger.head()
        batch = ledger.decide([drop("c-0"), drop("b-0")], reviewer="ann").batch
        ledger.undo(batch, reviewer="ann")
        assert ledger.head().equals(before)
        export_jsonl(ledger, files[2])
    first, second, later = (file.read_bytes() for file in files[:3])
    assert first == second
    assert later.startswith(first)
    assert later.count(b"\n") == 8
    assert b"/" not in first, "no path of this machine"
    assert list(json.loads(first.splitlines()[0])) == ["uid", "at", "reviewer", "row", "action", "reason", "batch"]


def test_an_export_taken_into_an_empty_ledger_is_the_same_ledger(tmp_path):
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    here.mkdir()
    with Ledger.open(there) as ledger, Ledger.open(here) as copy:
        _story(ledger)
        export_jsonl(ledger, there / "d.jsonl")
        assert import_jsonl(copy, there / "d.jsonl").seqs == (1, 2, 3, 4)
        again = import_jsonl(copy, there / "d.jsonl")
        assert (again.seqs, len(again.repeated)) == ((), 4)
        assert copy.log().equals(ledger.log())
        export_jsonl(copy, here / "d.jsonl")
    assert (there / "d.jsonl").read_bytes() == (here / "d.jsonl").read_bytes()


def test_taking_in_another_ledger_adds_its_lines_and_returns_what_conflicts(tmp_path):
    for name in ("ann", "bob"):
        (tmp_path / name).mkdir()
    with Ledger.open(tmp_path / "ann") as ann, Ledger.open(tmp_path / "bob") as bob:
        ann.decide([drop("shared-0"), drop("later-0")], reviewer="ann")
        export_jsonl(ann, tmp_path / "1.jsonl")
        import_jsonl(bob, tmp_path / "1.jsonl")
        ann.decide([Decision("both-0", "keep")], reviewer="ann")
        bob.decide([drop("both-0"), drop("his-0")], reviewer="bob")
        bob.decide([Decision("later-0", "keep")], reviewer="bob")
        bob.undo([1], reviewer="bob")
        export_jsonl(bob, tmp_path / "2.jsonl")
        outcome = import_jsonl(ann, tmp_path / "2.jsonl")
        assert [(c.row_id, c.reviewer, c.action) for c in outcome.conflicts] == [("both-0", "ann", "keep")]
        assert len(outcome.repeated) == 2
        assert {row: head[0] for row, head in heads(ann).items()} == {
            "both-0": "keep",
            "his-0": "drop",
            "later-0": "keep",
        }
        assert import_jsonl(ann, tmp_path / "2.jsonl").seqs == ()


def test_both_sides_may_have_undone_the_same_decision(tmp_path):
    for name in ("ann", "bob"):
        (tmp_path / name).mkdir()
    with Ledger.open(tmp_path / "ann") as ann, Ledger.open(tmp_path / "bob") as bob:
        ann.decide([drop("a-0")], reviewer="ann")
        export_jsonl(ann, tmp_path / "1.jsonl")
        import_jsonl(bob, tmp_path / "1.jsonl")
        ann.undo([1], reviewer="ann")
        bob.undo([1], reviewer="bob")
        export_jsonl(bob, tmp_path / "2.jsonl")
        outcome = import_jsonl(ann, tmp_path / "2.jsonl")
        assert (outcome.seqs, len(outcome.repeated), outcome.conflicts) == ((), 2, ())


LINE = {
    "uid": "u1",
    "at": "2026-01-31T09:30:00.000000+00:00",
    "reviewer": "ann",
    "row": "a-0",
    "action": "drop",
    "batch": "b1",
}


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ("{", "is no decision"),
        ("<<<<<<< HEAD", "is no decision"),
        ("[]", "is no decision"),
        ("null", "is no decision"),
        ("[" * 5000, "is no decision"),
        ({**LINE, "uid": "u2", "colour": "red"}, "unknown field `colour`"),
        ({k: v for k, v in LINE.items() if k != "row"}, "missing required field `row`"),
        ({**LINE, "uid": 2}, "Expected `str`"),
        ({**LINE, "uid": "u2", "action": "delete"}, "none of keep"),
        ({**LINE, "uid": "u2", "at": "yesterday"}, "is not like 2026"),
        ({**LINE, "uid": "u2", "at": "2026-13-31T09:30:00.000000+00:00"}, "is no decision"),
        ({**LINE, "uid": "u2", "reviewer": ""}, "is no name"),
        ({**LINE, "uid": "u2", "batch": ""}, "batch is empty"),
        ({**LINE, "uid": "u2", "action": "relabel"}, "needs a value"),
        ({**LINE, "uid": "u2", "action": "undo"}, "names the decision"),
        ({**LINE, "uid": "u2", "undoes": "u1"}, "names the decision"),
        ({**LINE, "uid": "u2", "action": "undo", "undoes": "u1", "value": "x"}, "takes no value"),
        ({**LINE, "uid": "u2", "action": "undo", "undoes": "u9"}, "undoes 'u9', which is no decision"),
        ({**LINE, "uid": "u2", "row": "b-0", "action": "undo", "undoes": "u1"}, "undoes 'u1', which is no decision"),
        ({**LINE, "action": "keep"}, "stands for another decision"),
    ],
)
def test_a_line_that_is_no_decision_is_named_and_nothing_is_taken_in(tmp_path, second, said):
    file = tmp_path / "d.jsonl"
    file.write_text(json.dumps(LINE) + "\n\n" + (second if isinstance(second, str) else json.dumps(second)))
    with Ledger.open(tmp_path) as ledger:
        with pytest.raises(DataError, match=rf"d\.jsonl line 3.*{said}"):
            import_jsonl(ledger, file)
        assert ledger.log().is_empty()


def test_bytes_that_are_no_text_are_named_and_a_missing_file_too(tmp_path):
    (tmp_path / "d.jsonl").write_bytes(b'{"uid": "\xff\xfe"}\n')
    with Ledger.open(tmp_path) as ledger:
        with pytest.raises(DataError, match="line 1 is no decision"):
            import_jsonl(ledger, tmp_path / "d.jsonl")
        for call in (import_jsonl, export_jsonl):
            with pytest.raises(UsageError, match=r"none/x\.jsonl can't be"):
                call(ledger, tmp_path / "none" / "x.jsonl")
        (tmp_path / "empty.jsonl").write_text("")
        assert import_jsonl(ledger, tmp_path / "empty.jsonl").seqs == ()
    assert not (tmp_path / "decisions.db").exists()


# Decisions meet rows


def test_decisions_change_the_rows_and_keep_their_ids(tmp_path):
    edited = [{"role": "user", "content": "改めて 🙂"}, REPLY]
    rows = frame(
        [
            {"messages": "spam"},
            {"messages": "hi", "label": "bye"},
            {"messages": [{"role": "user", "content": "how?"}, {"role": "assistant", "content": "No."}]},
            {"messages": "kto", "label": None},
            {"messages": [{"role": "user", "content": "x"}, REPLY], "label": "false"},
            {"messages": [{"role": "user", "content": "pair"}, REPLY], "rejected": "Go away."},
            {"messages": "keep", "label": "a"},
            {"messages": "skip", "label": "a"},
            {"messages": "undecided", "label": "a"},
        ]
    )
    ids = rows["id"]
    with Ledger.open(tmp_path) as ledger:
        ledger.decide(
            [
                Decision(ids[0], "drop"),
                Decision(ids[1], "relabel", value="greeting"),
                Decision(ids[2], "relabel", value="Press reset."),
                Decision(ids[3], "relabel", value="new"),
                Decision(ids[4], "relabel", value="true"),
                Decision(ids[5], "edit", value=json.dumps(edited)),
                Decision(ids[6], "keep"),
                Decision(ids[7], "skip"),
            ],
            reviewer="ann",
        )
        vetted = apply(rows, head_for(ledger, rows).heads)
    assert vetted.rows.schema == rows.schema
    assert vetted.rows["id"].to_list() == ids[1:].to_list()
    assert vetted.rows["label"].to_list() == ["greeting", None, "new", "true", None, "a", "a", "a"]
    said = [[(m["role"], m["content"]) for m in messages] for messages in vetted.rows["messages"]]
    assert said[1] == [("user", "how?"), ("assistant", "Press reset.")]
    assert said[3] == [("user", "x"), ("assistant", "Press reset.")]
    assert said[4] == [("user", "改めて 🙂"), ("assistant", "Press reset.")]
    assert vetted.rows["rejected"][4] == "Go away."
    assert vetted.counts == {"keep": 1, "drop": 1, "relabel": 4, "edit": 1, "skip": 1, "unapplied": 0, "undecided": 1}
    assert vetted.summary()["rows_in"] == 9
    assert vetted.summary()["rows_out"] == 8
    assert vetted.dropped["row_id"].to_list() == [ids[0]]


def test_a_relabel_never_replaces_a_tool_call(tmp_path):
    call = {
        "role": "assistant",
        "content": None,
        "tool_calls": '[{"type":"function","function":{"name":"f","arguments":"{}"}}]',
    }
    rows = frame([{"messages": [{"role": "user", "content": "x"}, call]}])
    with Ledger.open(tmp_path) as ledger:
        ledger.decide([Decision(rows["id"][0], "relabel", value="text")], reviewer="ann")
        vetted = apply(rows, ledger.head())
    assert vetted.rows.equals(rows)
    assert vetted.unapplied["row_id"].to_list() == rows["id"].to_list()
    assert vetted.counts["unapplied"] == 1
    assert vetted.counts["relabel"] == 0


def test_a_decision_on_a_row_that_changed_or_left_is_stale_and_not_applied(tmp_path):
    before = frame(
        [{"messages": "hi", "label": "a"}, {"messages": "hi", "label": "a"}, {"messages": "bye", "label": "b"}]
    )
    after = frame([{"messages": "hi", "label": "a"}, {"messages": "bye!", "label": "b"}])
    with Ledger.open(tmp_path) as ledger:
        ledger.decide([drop(row) for row in before["id"]], reviewer="ann")
        applied = head_for(ledger, after)
        assert applied.heads["row_id"].to_list() == [before["id"][0]]
        assert applied.stale["row_id"].to_list() == before["id"].to_list()[1:]
        assert ledger.head()["content"].to_list() == [row.split("-")[0] for row in before["id"]]
        assert apply(after, ledger.head()).rows["id"].to_list() == [after["id"][1]]
        assert head_for(ledger, before).stale.is_empty(), "the row came back, and its decision with it"


def test_no_decision_is_the_input_and_an_undone_one_too(tmp_path):
    rows = frame([{"messages": "hi", "label": "a"}, {"messages": [{"role": "user", "content": "q"}, REPLY]}])
    with Ledger.open(tmp_path) as ledger:
        assert apply(rows, head_for(ledger, rows).heads).rows.equals(rows)
        batch = ledger.decide(
            [drop(rows["id"][0]), Decision(rows["id"][1], "relabel", value="x")], reviewer="ann"
        ).batch
        assert not apply(rows, ledger.head()).rows.equals(rows)
        ledger.undo(batch, reviewer="ann")
        assert apply(rows, ledger.head()).rows.equals(rows)
        empty = rows.clear()
        assert apply(empty, ledger.head()).rows.equals(empty)
        assert head_for(ledger, empty).heads.is_empty()


VALUES = {"relabel": "new", "edit": '[{"role":"user","content":"new"}]'}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.text("abß漢", max_size=3), st.sampled_from(("", "keep", "drop", "relabel", "edit", "skip"))),
        max_size=12,
    )
)
def test_applied_rows_are_what_one_by_one_would_give(wanted):
    rows = frame([{"messages": text, "label": "old"} for text, _ in wanted])
    decided = [(row, action) for row, (_, action) in zip(rows["id"], wanted, strict=True) if action]
    heads = pl.DataFrame(
        {
            "row_id": [r for r, _ in decided],
            "action": [a for _, a in decided],
            "value": [VALUES.get(a) for _, a in decided],
        },
        schema_overrides=HEADS,
    ).match_to_schema(HEADS, missing_columns="insert")
    vetted = apply(rows, heads.sample(fraction=1, shuffle=True, seed=1))
    expected = [
        (row, "new" if action == "relabel" else "old", "new" if action == "edit" else text)
        for row, (text, action) in zip(rows["id"], wanted, strict=True)
        if action != "drop"
    ]
    got = vetted.rows.select("id", "label", pl.col("messages").list.first().struct.field("content"))
    assert got.rows() == expected
    assert sum(vetted.counts.values()) == len(wanted)


def test_decisions_hold_on_real_rows(tmp_path, shared):
    table = pl.read_csv(shared / "bank_intents" / "train.csv").head(3000)
    text, label = table.columns[:2]
    rows = frame([{"messages": a, "label": b} for a, b in table.select(text, label).iter_rows()])
    with Ledger.open(tmp_path) as ledger:
        chosen = rows.gather_every(3)["id"]
        ledger.decide([Decision(row, "relabel", value="checked") for row in chosen], reviewer="ann")
        ledger.decide([drop(row) for row in rows.gather_every(5)["id"]], reviewer="bob", expect=ledger.last())
        vetted = apply(rows, head_for(ledger, rows).heads)
    assert vetted.rows.height == 3000 - 600
    assert (vetted.rows["label"] == "checked").sum() == 1000 - 200
    untouched = vetted.rows.filter(pl.col("label") != "checked")
    assert untouched.equals(rows.filter(pl.col("id").is_in(untouched["id"].implode())))
