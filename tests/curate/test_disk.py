"""Files change whole or not at all, whatever moment a process is killed at."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import warnings
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vetset.curate import disk
from vetset.curate.errors import DataError, UsageError

OLD = {"rows": "old rows", "rejects": "old rejects", "findings": "old findings"}
CHANGE = {"rows": "new rows", "findings": None, "manifest": "new manifest"}
NEW = {"rows": "new rows", "rejects": "old rejects", "manifest": "new manifest"}


def put(text):
    """A writer that writes in two steps, so that a kill can fall between them."""

    def write(path):
        with path.open("w") as out:
            out.write(text[: len(text) // 2])
            out.flush()
            out.write(text[len(text) // 2 :])

    return write


def replace(folder, change):
    with disk.locked(folder):
        disk.replace_together(folder, {name: text if text is None else put(text) for name, text in change.items()})


def lay(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def stands(folder):
    return {path.name: path.read_text() for path in folder.iterdir() if not path.name.startswith(".")}


def hidden(folder):
    return sorted(path.name for path in folder.iterdir() if path.name.startswith(".") and path.name != ".lock")


def killed(step, action):
    """Run ``action`` in a process of its own, which SIGKILL ends before its ``step``-th line in disk.py or a writer.

    Returns whether it was killed; false says that the action has fewer lines than that.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of other libraries stand still in the child
        pid = os.fork()
    if pid:
        return os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    left = step

    def trace(frame, event, _):
        nonlocal left
        if frame.f_code.co_filename not in (disk.__file__, __file__):
            return None
        if event == "line":
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
        return trace

    try:
        sys.settrace(trace)
        action()
    finally:
        os._exit(0)  # nothing of the test session may run twice


def states_after_each_kill(folder, lay_out, action):
    """Kill ``action`` at every line, recover, and return the states found, in the order of the kills."""
    found = []
    for step in range(1000):
        place = lay_out(folder / str(step))
        cut = killed(step, partial(action, place))
        disk.recover(place)
        assert hidden(place) == []
        found.append(stands(place))
        if not cut:
            return found
    raise AssertionError("the action never ended")


def test_a_change_that_is_killed_at_any_line_has_happened_wholly_or_not_at_all(tmp_path):
    found = states_after_each_kill(tmp_path, partial(lay, files=OLD), partial(replace, change=CHANGE))
    turn = found.index(NEW)
    assert found[:turn] == [OLD] * turn
    assert found[turn:] == [NEW] * (len(found) - turn)  # once committed, it is never taken back
    assert turn > 20
    assert len(found) - turn > 10
    print(f"{len(found) - 1} kills: {turn} left the old state, {len(found) - 1 - turn} the new one")


def test_a_first_write_that_is_killed_leaves_all_or_nothing(tmp_path):
    found = states_after_each_kill(tmp_path, partial(lay, files={}), partial(replace, change=OLD))
    assert all(state in ({}, OLD) for state in found)
    assert found[0] == {}
    assert found[-1] == OLD


def test_one_file_is_replaced_whole_at_any_kill(tmp_path):
    def write(folder):
        disk.write_whole(folder / "rows", put("new rows"))

    found = states_after_each_kill(tmp_path, partial(lay, files=OLD), write)
    assert {state["rows"] for state in found} == {"old rows", "new rows"}
    assert all(state | {"rows": "old rows"} == OLD for state in found)


def test_a_recovery_that_is_killed_itself_is_finished_by_the_next(tmp_path):
    kills = 0
    for step in range(0, 130, 9):  # past the end: a change takes about 128 lines
        for again in range(0, 60, 6):
            place = lay(tmp_path / f"{step}-{again}", OLD)
            killed(step, partial(replace, place, CHANGE))
            cut = killed(again, partial(disk.recover, place))
            kills += cut
            disk.recover(place)
            assert stands(place) in (OLD, NEW)
            assert hidden(place) == []
            if not cut:
                break
    assert kills > 20


def test_the_next_change_finishes_a_committed_one_first(tmp_path):
    # The trap: the next writer does not recover, and writes over the .next files of the change before.
    later = {"manifest": "later manifest"}
    states = set()
    for step in range(0, 200, 3):
        place = lay(tmp_path / str(step), OLD)
        cut = killed(step, partial(replace, place, CHANGE))
        replace(place, later)
        assert stands(place) in (OLD | later, NEW | later)
        assert hidden(place) == []
        states.add(stands(place)["rows"])
        if not cut:
            break
    assert states == {"old rows", "new rows"}


def test_a_next_change_that_is_killed_too_mixes_nothing(tmp_path):
    later = {"manifest": "later manifest", "rejects": None}
    good = [OLD, NEW]
    good += [{name: text for name, text in (state | later).items() if text is not None} for state in (OLD, NEW)]
    for step in range(0, 130, 11):
        for again in range(0, 100, 13):
            place = lay(tmp_path / f"{step}-{again}", OLD)
            killed(step, partial(replace, place, CHANGE))
            killed(again, partial(replace, place, later))
            disk.recover(place)
            assert stands(place) in good
            assert hidden(place) == []


names = st.sampled_from(["rows", "rejects", "findings", "manifest", "splits"])
changes = st.dictionaries(names, st.one_of(st.none(), st.text("abc", min_size=1, max_size=4)), min_size=1, max_size=4)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(st.tuples(changes, st.integers(0, 90), st.booleans()), min_size=1, max_size=6))
def test_any_sequence_of_changes_kills_and_recoveries_keeps_each_change_whole(tmp_path_factory, events):
    place = tmp_path_factory.mktemp("sequence")
    could = [{}]  # the states that may stand; more than one until the next look
    for change, step, looks in events:
        cut = killed(step, partial(replace, place, change))
        after = [{name: text for name, text in (state | change).items() if text is not None} for state in could]
        could = could + after if cut else after
        if looks or not cut:
            disk.recover(place)
            assert stands(place) in could
            assert hidden(place) == []
            could = [stands(place)]
    disk.recover(place)
    assert stands(place) in could


def test_a_writer_that_raises_changes_nothing_and_leaves_nothing(tmp_path):
    lay(tmp_path, OLD)

    def full(path):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    with disk.locked(tmp_path), pytest.raises(OSError, match="space"):
        disk.replace_together(tmp_path, {"rows": put("new"), "manifest": full})
    assert stands(tmp_path) == OLD
    assert hidden(tmp_path) == []
    with pytest.raises(OSError, match="space"):
        disk.write_whole(tmp_path / "rows", full)
    assert stands(tmp_path) == OLD
    assert hidden(tmp_path) == []


WRITER = """
import sys
from pathlib import Path
from vetset.curate import disk
folder = Path(sys.argv[1])
def slow(path):
    path.write_text("new rows")
    print("writing", flush=True)
    sys.stdin.readline()
with disk.locked(folder):
    disk.replace_together(folder, {"rows": slow, "findings": None})
"""


def test_a_live_writer_is_not_disturbed_by_a_recovery(tmp_path):
    lay(tmp_path, OLD)
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == "writing\n"
        disk.recover(tmp_path)
        assert (tmp_path / ".rows.next").read_text() == "new rows"
        assert stands(tmp_path) == OLD
        writer.communicate("go\n", timeout=30)
    assert writer.returncode == 0
    assert stands(tmp_path) == {"rows": "new rows", "rejects": "old rejects"}
    assert hidden(tmp_path) == []


def test_a_file_that_a_living_process_writes_without_the_lock_is_left_alone(tmp_path):
    mine, theirs = tmp_path / ".log.part1", tmp_path / ".log.part999999999"
    mine.write_text("of process 1, which always lives")
    theirs.write_text("of no process")
    disk.recover(tmp_path)
    assert hidden(tmp_path) == [".log.part1"]


def test_hidden_files_of_somebody_else_are_left_alone(tmp_path):
    lay(tmp_path, {".gitignore": "*", ".x.partial": "mine", ".rows.next": "stray", ".rows.part": "mine"})
    disk.recover(tmp_path)
    assert hidden(tmp_path) == [".gitignore", ".rows.part", ".x.partial"]


@pytest.mark.parametrize("name", ["../outside", "/etc/vetset-outside", "deeper/file", "..", "", "nul\0byte"])
def test_a_list_of_changes_from_a_stranger_can_not_lead_out_of_the_folder(tmp_path, name):
    outside = tmp_path / "outside"
    outside.write_text("precious")
    folder = lay(tmp_path / "set", OLD)
    (folder / ".commit.json").write_text(json.dumps({"rows": False, name: False}))
    with pytest.raises(DataError, match=r"\.commit\.json names"):
        disk.recover(folder)
    assert outside.read_text() == "precious"
    assert stands(folder) == OLD


@pytest.mark.parametrize("text", ["", "{", "[1]", '"rows"', "\xff"])
def test_a_damaged_list_of_changes_is_told_in_one_sentence(tmp_path, text):
    lay(tmp_path, OLD)
    (tmp_path / ".commit.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=r"\.commit\.json is"):
        disk.recover(tmp_path)
    assert stands(tmp_path) == OLD


def as_nobody(action):
    """Run ``action`` as a user who owns nothing (root may write anywhere); return the text that it makes or raises."""
    inward, outward = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid:
        os.close(outward)
        with os.fdopen(inward) as told:
            text = told.read()
        os.waitpid(pid, 0)
        return text
    try:
        if os.getuid() == 0:
            os.setuid(65534)
        try:
            action()
            told = "fine"
        except Exception as error:  # noqa: BLE001
            told = f"{type(error).__name__}: {error}"
        os.write(outward, told.encode())
    finally:
        os._exit(0)


@pytest.fixture
def read_only(tmp_path, let_in):
    """A folder that nobody may write to, reachable for everybody."""
    place = lay(tmp_path / "set", OLD)
    let_in(tmp_path)
    yield place
    place.chmod(0o755)


def test_a_read_only_folder_with_strays_opens_and_keeps_them(read_only):
    (read_only / ".rows.next").write_text("half")
    (read_only / ".lock").touch(0o666)
    read_only.chmod(0o555)
    assert as_nobody(partial(disk.recover, read_only)) == "fine"
    assert stands(read_only) == OLD
    assert hidden(read_only) == [".rows.next"]


def test_a_committed_change_in_a_read_only_folder_is_told_and_never_taken_for_whole(read_only):
    (read_only / ".rows.next").write_text("new rows")
    (read_only / ".commit.json").write_text('{"rows": true, "findings": false}')
    read_only.chmod(0o555)
    told = as_nobody(partial(disk.recover, read_only))
    assert told.startswith("UsageError")
    assert "cut off" in told
    assert stands(read_only) == OLD
    read_only.chmod(0o755)
    disk.recover(read_only)
    assert stands(read_only) == {"rows": "new rows", "rejects": "old rejects"}


def test_a_read_only_folder_can_not_be_locked(read_only):
    read_only.chmod(0o555)
    told = as_nobody(partial(replace, read_only, CHANGE))
    assert told.startswith("UsageError")
    assert "may write" in told
    assert stands(read_only) == OLD


def test_a_folder_that_is_not_there_is_told_by_name(tmp_path):
    with pytest.raises(UsageError, match="gone"), disk.locked(tmp_path / "gone"):
        pass
    disk.recover(tmp_path / "gone")


def test_a_lock_that_was_taken_away_while_one_waited_is_not_taken_for_the_lock(tmp_path, monkeypatch):
    place, flock = tmp_path / "set", disk.fcntl.flock
    asked, held, let_go = threading.Event(), threading.Event(), threading.Event()

    def telling(handle, operation):
        if threading.current_thread() is waiting:
            asked.set()
        flock(handle, operation)

    def wait():
        with disk.locked(place, make=True):
            held.set()
            let_go.wait(30)

    monkeypatch.setattr(disk.fcntl, "flock", telling)
    waiting = threading.Thread(target=wait)
    with disk.locked(place, make=True):
        waiting.start()
        assert asked.wait(30)
        disk.remove_empty(place)
        assert not place.exists()
    assert held.wait(30)
    handle = os.open(place / ".lock", os.O_RDWR)
    with pytest.raises(BlockingIOError):
        flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(handle)
    let_go.set()
    waiting.join(30)


def test_a_folder_that_holds_something_is_not_taken_away(tmp_path):
    lay(tmp_path, OLD)
    disk.remove_empty(tmp_path)
    assert stands(tmp_path) == OLD


def test_what_can_be_written_is_told_before_it_is_tried(read_only):
    assert disk.writable(read_only)
    (read_only / ".lock").chmod(0o666)
    read_only.chmod(0o555)

    def ask():
        assert not disk.writable(read_only)

    assert as_nobody(ask) == "fine"
    assert not disk.writable(read_only / "gone")


def test_strays_in_a_locked_read_only_folder_are_told_in_one_sentence(read_only):
    (read_only / ".rows.next").write_text("half")
    (read_only / ".lock").touch()
    (read_only / ".lock").chmod(0o666)
    read_only.chmod(0o555)
    told = as_nobody(partial(replace, read_only, CHANGE))
    assert told.startswith("UsageError")
    assert stands(read_only) == OLD


def test_a_lock_that_leads_nowhere_is_told_and_not_tried_for_ever(tmp_path):
    (tmp_path / ".lock").symlink_to(tmp_path / "gone" / "lock")
    with pytest.raises(UsageError, match="can't be written"), disk.locked(tmp_path, make=True):
        pass
