"""The ledger of looks: appended, flushed, counted once a candidate, and missed where it is gone or changed."""

import json
import os
import signal
import subprocess
import sys

import pytest
from vetset.curate.errors import DataError, UsageError
from vetset.evaluate.evalsets.evalset import EvalSet
from vetset.evaluate.evalsets.touches import candidate_digest, looks, touch, touches
from vetset.tests.evaluate.runs_made import made_evalset


@pytest.fixture
def frozen(tmp_path):
    return made_evalset(tmp_path / "t.evalset", [{"messages": f"question {n}", "label": "a"} for n in range(4)])


def test_a_candidate_that_is_scored_again_is_no_other_look(frozen):
    for candidate in ("one", "two", "one"):
        touch(frozen, candidate=candidate, part="ship", run="r.run", by="ann")
    touch(frozen, candidate="three", part="dev")
    touch(frozen, candidate="base", part="ship", rung="bare prompt")
    assert [look.candidate for look in looks(frozen, "ship")] == ["one", "two"]
    assert [look.candidate for look in looks(frozen, "dev")] == ["three"]
    assert len(touches(frozen)) == 5
    first = touches(frozen)[0]
    assert (first.by, first.run, first.version, first.digest) == ("ann", "r.run", 1, frozen.digest)


def test_what_decides_an_answer_tells_a_candidate(frozen):
    one = {"model": {"weights": "a"}, "prompt": "p"}
    assert candidate_digest(one) == candidate_digest(dict(reversed(one.items())))
    assert candidate_digest(one) != candidate_digest({**one, "prompt": "q"})


def test_a_ledger_that_is_gone_is_missed(frozen):
    (frozen.folder / "touches.jsonl").unlink()
    with pytest.raises(DataError, match="is gone"):
        looks(frozen, "ship")


@pytest.mark.parametrize("line", [0, 1, 2])
def test_a_line_that_is_cut_out_or_changed_is_missed(frozen, line):
    for candidate in ("one", "two", "three"):
        touch(frozen, candidate=candidate, part="ship")
    path = frozen.folder / "touches.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:line] + lines[line + 1 :]))
    with pytest.raises(DataError, match="does not follow"):
        looks(frozen, "ship")
    path.write_text("".join([*lines[:line], lines[line].replace("version", "Version"), *lines[line + 1 :]]))
    with pytest.raises(DataError, match=r"does not follow|without all"):
        looks(frozen, "ship")
    path.write_text("no json\n")
    with pytest.raises(DataError, match="line 1 is no JSON"):
        looks(frozen, "ship")


def test_a_line_that_a_kill_cut_off_is_left_out_and_the_next_is_whole(frozen):
    touch(frozen, candidate="one", part="ship")
    path = frozen.folder / "touches.jsonl"
    with path.open("a") as file:
        file.write('{"at": "2026')
    assert len(looks(frozen, "ship")) == 1
    touch(frozen, candidate="two", part="ship")
    assert [look.candidate for look in looks(frozen, "ship")] == ["one", "two"]


def test_a_part_that_is_none_and_a_folder_that_can_not_be_written_are_refused(frozen):
    with pytest.raises(UsageError, match="no part"):
        touch(frozen, candidate="one", part="test")
    if os.geteuid() != 0:
        frozen.folder.chmod(0o500)
        (frozen.folder / "touches.jsonl").chmod(0o400)
        with pytest.raises(UsageError, match="could not be noted"):
            touch(frozen, candidate="one", part="ship")


WRITER = """
import sys
from vetset.evaluate.evalsets.evalset import EvalSet
from vetset.evaluate.evalsets.touches import touch
evalset = EvalSet.open(sys.argv[1])
for number in range(1_000_000):
    touch(evalset, candidate=f"{sys.argv[2]}-{number}", part="ship")
    print(number, flush=True)
"""


def test_looks_of_two_writers_that_are_killed_are_whole_and_none_is_lost(frozen):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(frozen.folder), name], stdout=subprocess.PIPE, text=True)
        for name in "ab"
    ]
    said = {}
    for name, writer in zip("ab", writers, strict=True):
        for _ in range(15):
            last = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().split()
        said[name] = int(rest[-1]) if rest else last
        writer.stdout.close()
        writer.wait()
    found = {look.candidate for look in looks(EvalSet.open(frozen.folder), "ship")}
    assert {f"{name}-{number}" for name, last in said.items() for number in range(last + 1)} <= found
    assert all(json.loads(line) for line in (frozen.folder / "touches.jsonl").read_text().splitlines()[:5])
