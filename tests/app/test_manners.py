"""How `eval`, `compare` and `judge` end when something is in the way: an interrupt, no model, a dead server."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import polars as pl
import pytest
from vetset.app.cli import run
from vetset.curate import Dataset
from vetset.evaluate.verdicts import comparing
from vetset.tests.evaluate.fault_server import Faults, serving
from vetset.tests.evaluate.runs_made import made_evalset, made_run


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with an eval set of 60 rows, a canned model, a file of outputs, a rubric and labels for it."""
    monkeypatch.chdir(tmp_path)
    rows = [{"messages": f"q {i}", "label": "ab"[i % 2]} for i in range(60)]
    made_evalset(tmp_path / "e.evalset", rows, part=["dev"] * 59 + ["ship"])
    return _furnished(tmp_path)


def _furnished(folder):
    (folder / "m.json").write_text('{"*": "a"}')
    (folder / "weak.jsonl").write_text('{"id": "1", "output": "a"}\n')
    (folder / "tone.md").write_text("A good answer is short.")
    labels = [{"question": f"q {i}", "output": f"o {i}", "human": ("pass", "fail")[i % 2]} for i in range(60)]
    (folder / "labels.jsonl").write_text("".join(json.dumps(line) + "\n" for line in labels))
    return folder


def words(command, url):
    return {
        "eval": ["eval", f"openai:m@{url}", "--on", "e.evalset", "--concurrency", "2"],
        "judge": ["judge", "tone.md", "--model", f"openai:m@{url}", "--labels", "labels.jsonl"],
    }[command]


def _answered(journal):
    return journal.read_text().count('"answered"') if journal.is_file() else 0


@pytest.mark.parametrize(("command", "journal"), [("eval", "runs/journal.jsonl"), ("judge", "tone.journal.jsonl")])
def test_an_interrupt_says_in_which_journal_the_answers_are_and_how_to_go_on(place, command, journal):
    code = "import sys; from vetset.app.cli import main; sys.argv = ['vetset', *{}]; main()"
    with serving(Faults(latency=0.1)) as server:
        call = [sys.executable, "-c", code.format(words(command, server.url))]
        with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as client:
            until = time.monotonic() + 60
            while _answered(place / journal) < 2 and client.poll() is None and time.monotonic() < until:
                time.sleep(0.005)
            os.kill(client.pid, signal.SIGINT)
            out, err = client.communicate(timeout=60)
    assert client.returncode == 130
    assert out == ""
    assert err.splitlines()[-1] == (
        f"stopped: every answer that came is kept in {journal}; the same command again goes on from there and asks only for "
        "what is missing."
    )
    assert _answered(place / journal) >= 2
    assert not list(place.glob("runs/*.run"))


def test_an_interrupt_before_the_first_answer_says_so(place, capsys, monkeypatch):
    monkeypatch.setattr("vetset.evaluate.evalsets.evalset.EvalSet.open", _interrupted)
    assert run(["eval", "canned:m.json", "--on", "e.evalset"]) == 130
    assert "before an answer came to runs/journal.jsonl" in capsys.readouterr().err


def test_an_interrupted_comparison_leaves_no_verdict_and_says_so(place, capsys, monkeypatch):
    runs = _two_runs(place)
    assert run(["compare", *runs]) == 1
    assert (place / "runs" / "new.run" / "verdict.json").exists()
    capsys.readouterr()
    monkeypatch.setattr(comparing, "save_verdict", _interrupted)
    assert run(["compare", *runs]) == 130
    said = capsys.readouterr()
    assert said.err == "stopped: runs/new.run has no verdict now, and both runs are as they were; compare them again.\n"
    assert not (place / "runs" / "new.run" / "verdict.json").exists()


def test_an_interrupt_of_any_other_command_is_told_too(place, capsys, monkeypatch):
    monkeypatch.setattr(Dataset, "open", _interrupted)
    assert run(["check", "a.vet"]) == 130
    assert capsys.readouterr().err == "stopped; nothing half-written is left behind.\n"


def _interrupted(*_, **__):
    raise KeyboardInterrupt


def _two_runs(place):
    evalset = made_evalset(place / "s.evalset", [{"messages": f"q {i}", "label": "ab"[i % 2]} for i in range(40)])
    for name, right in (("base", 20), ("new", 30)):
        made_run(place / "runs" / f"{name}.run", evalset, [float(i < right) for i in range(40)])
    return ["runs/base.run", "runs/new.run"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["weak.jsonl"], "MODEL: 'weak.jsonl' is a file and no model; give a file of outputs as recorded:weak.jsonl."),
        (["m.json"], "give questions with their answers as canned:m.json."),
        (["tone.md"], "give the folder that holds the model."),
        (["http://localhost:1/v1"], "write openai:MODEL@http://localhost:1/v1."),
        (["recorded:none.jsonl"], "MODEL: 'none.jsonl' can't be read"),
        (["canned:m.json", "--ladder", "--candidate", "nowhere"], "--candidate: 'nowhere' is no folder with a model"),
        (["canned:m.json", "--scorer", "judge:tone.md"], "--scorer 'judge:tone.md' needs a model that judges; name it with"),
        (["canned:m.json", "--scorer", "judge:tone.md", "--judge", "nowhere"], "--judge: 'nowhere' is no folder with a model"),
        (["canned:m.json", "--scorer", "judge:tone.md", "--judge", "weak.jsonl"], "--judge: 'weak.jsonl' is a file and no model"),
        (["canned:m.json", "--judge", "canned:m.json"], "--judge is the model of the scorer judge:RUBRIC; add"),
    ],
)  # fmt: skip
def test_what_is_no_model_is_named_with_its_option_and_what_was_meant(place, capsys, given, said):
    assert run(["eval", *given, "--on", "e.evalset"]) == 64
    told = capsys.readouterr()
    assert said in told.err
    assert told.out == ""
    assert not (place / "runs").exists()


def test_the_file_that_was_suggested_is_taken(place, capsys):
    ids = pl.read_parquet(place / "e.evalset" / "rows.parquet")["id"]
    (place / "my outputs.jsonl").write_text("".join(json.dumps({"id": one, "output": "a"}) + "\n" for one in ids))
    assert run(["eval", "my outputs.jsonl", "--on", "e.evalset"]) == 64
    assert "as recorded:'my outputs.jsonl'." in capsys.readouterr().err
    assert run(["eval", "recorded:my outputs.jsonl", "--on", "e.evalset"]) == 0


def test_a_judge_that_is_no_model_is_named_by_its_option(place, capsys):
    assert run(["judge", "tone.md", "--model", "nowhere", "--labels", "labels.jsonl"]) == 64
    assert "--model: 'nowhere' is no folder with a model" in capsys.readouterr().err


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("command", ["eval", "judge"])
def test_a_server_that_is_down_ends_with_65_its_address_and_what_to_start(place, capsys, command):
    port = _free_port()
    assert run(words(command, f"http://127.0.0.1:{port}/v1/")) == 65
    told = capsys.readouterr().err.splitlines()[-1]
    assert f"nobody answers at http://127.0.0.1:{port}/v1 (connection refused); start the server" in told
    assert f"--port {port}" in told
    assert "journal.jsonl has is not asked anew" in told


def test_a_server_that_is_there_and_does_not_know_the_model_is_a_wrong_use(place, capsys):
    refusal = {"error": {"message": "The model `m` does not exist.", "code": "model_not_found"}}
    with serving(reply=lambda body: (404, {}, refusal)) as server:
        assert run(words("eval", server.url)) == 64
    assert "can't be asked for 'm'" in capsys.readouterr().err


def test_a_rerun_whose_answers_are_all_known_needs_no_server(place, capsys):
    with serving() as server:
        assert run(words("eval", server.url)) == 0
    assert run(words("eval", server.url)) == 0
    assert "0 calls made now" in capsys.readouterr().out


def test_a_run_that_is_not_there_is_answered_with_those_that_are(place, capsys):
    runs = _two_runs(place)
    for wrong, there in (
        ("runs/bse.run", "in runs there is"),
        ("runs", "runs is no run: it holds no run.json; in runs there is"),
    ):
        assert run(["compare", wrong, runs[1]]) == 64
        told = capsys.readouterr().err
        assert there in told
        assert "runs/base.run" in told
        assert "runs/new.run" in told
    assert run(["compare", "nowhere/a.run", runs[1]]) == 64
    assert "nowhere/a.run: no such run, and nowhere holds none; make one with `vetset eval" in capsys.readouterr().err


def test_many_runs_are_not_all_named(place, capsys):
    runs = _two_runs(place)
    for number in range(9):
        shutil.copytree(place / runs[0], place / "runs" / f"more-{number}.run")
    assert run(["compare", "runs/bse.run", runs[1]]) == 64
    assert "and 6 more." in capsys.readouterr().err


def test_an_eval_set_that_was_changed_names_both_ways_back_and_they_work(place, capsys):
    path = place / "e.evalset" / "rows.parquet"
    pl.read_parquet(path).with_columns(label=pl.lit("a")).write_parquet(path)
    assert run(["eval", "canned:m.json", "--on", "e.evalset"]) == 65
    told = capsys.readouterr().err
    kept = "e.evalset/versions/1/rows.parquet"
    assert f"put {kept} back in its place" in told
    assert "`vetset evalset freeze e.evalset --anew`" in told
    changed = path.read_bytes()
    shutil.copy(kept, path)
    assert run(["eval", "canned:m.json", "--on", "e.evalset"]) == 0
    path.write_bytes(changed)
    assert run(["evalset", "freeze", "e.evalset", "--anew"]) == 0
    assert run(["eval", "canned:m.json", "--on", "e.evalset", "--name", "again"]) == 0
