"""`vetset eval` killed with -9 at any moment: nothing is asked twice but what was in flight, and the end is the same."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import polars as pl
import pytest
from vetset.app.cli import run
from vetset.evaluate.evalsets.evalset import EvalSet
from vetset.evaluate.evalsets.touches import looks, touches
from vetset.evaluate.models.journal import Journal
from vetset.evaluate.runs.results import Run
from vetset.tests.evaluate.fault_server import Faults, serving
from vetset.tests.evaluate.runs_made import made_evalset

ROWS, AT_ONCE, KILLS = 240, 8, 5
VERB = "import sys; from vetset.app.cli import run; sys.exit(run(sys.argv[1:]))"


def words(server, out):
    return [
        "eval", f"openai:tiny@{server.url}", "--on", "q.evalset", "--part", "ship", "--rung", "plain", "--scorer", "exact",
        "--concurrency", str(AT_ONCE), "-o", str(out), "--json",
    ]  # fmt: skip


def killed(server, out, answers):
    """Start the verb and kill it after the server has made so many more answers; return whether it still ran."""
    made = sum(server.paid.values()) + answers
    with subprocess.Popen(
        [sys.executable, "-c", VERB, *words(server, out)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as verb:
        until = time.monotonic() + 60
        while sum(server.paid.values()) < made and verb.poll() is None and time.monotonic() < until:
            time.sleep(0.001)
        os.kill(verb.pid, signal.SIGKILL)
    return verb.returncode == -signal.SIGKILL


@pytest.mark.slow
def test_a_run_that_was_killed_again_and_again_ends_as_one_that_was_not(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = [{"messages": f"question {i}", "label": f"re: question {i}" if i % 3 else "else"} for i in range(ROWS)]
    evalset = made_evalset(tmp_path / "q.evalset", rows)
    draw = random.Random(7)
    with serving(Faults(latency=0.01, busy=0.02, error=0.03, seed=1), keep=False) as server:
        for _ in range(KILLS):
            assert killed(server, "runs", draw.randrange(1, 45))
            assert not list(tmp_path.glob("runs/*.run")), "a run stands whole or not at all"
            assert touches(evalset) == []
        with Journal(tmp_path / "runs" / "journal.jsonl") as journal:
            known = len(journal.answers)
            sent = Counter(call.key for call in journal.unsettled())
        assert 0 < known < ROWS
        assert run(words(server, "runs")) == 0
        said = capsys.readouterr()
        assert json.loads(said.out)["fresh"] == ROWS - known, "what stood in the journal was not asked again"
        assert "sent and never answered" in said.err
        again = {question: count - 1 for question, count in server.paid.items()}
        assert len(again) == ROWS
        assert 0 < sum(again.values()) <= KILLS * AT_ONCE
        assert sum(again.values()) <= sum(sent.values()), "whatever may have been paid twice was written down"
        assert len(looks(EvalSet.open("q.evalset"), "ship")) == 1

        seen = sum(server.seen.values())
        assert run(words(server, "runs")) == 0
        assert sum(server.seen.values()) == seen, "an unchanged rerun asks nothing"
        assert "sent and never answered" not in capsys.readouterr().err.replace("\n", " ")
        assert run(words(server, "whole")) == 0
    killed_run, whole = (Run.open(next(tmp_path.glob(f"{out}/*.run"))) for out in ("runs", "whole"))
    assert killed_run.name == whole.name
    assert killed_run.results.drop("seconds").equals(whole.results.drop("seconds"))
    assert killed_run.results["status"].eq("ok").all()
    assert killed_run.results["score.exact"].mean() == pytest.approx(160 / 240)
    assert len(looks(EvalSet.open("q.evalset"), "ship")) == 1, "the same answers of the same name are the same look"
    assert pl.Series(killed_run.results["id"]).is_unique().all()
