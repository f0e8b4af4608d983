"""The page Runs: two runs beside a set, judged and listed row by row."""

import json

import pytest
from vetset.app.cli import run
from vetset.evaluate.evalsets.touches import touch
from vetset.tests.evaluate.runs_made import made_evalset, made_run

EVIL = "<b onmouseover=alert(1)>x</b> ![a](http://evil.example/a.png) ann.miller@example.com"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A set of two rows."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": f"text {i}", "label": "a"}) + "\n" for i in range(2)))
    assert run(["read", "a.jsonl"]) == 0
    return tmp_path / "a.vet"


@pytest.fixture
def runs(folder):
    """A baseline and a candidate that wins 40 of 200 rows and loses 10."""
    rows = [{"messages": f"question {i} {EVIL}", "label": "ab"[i % 2]} for i in range(200)]
    evalset = made_evalset(folder.parent / "e.evalset", rows)
    one = made_run(folder.parent / "runs" / "base.run", evalset, [float(i >= 80) for i in range(200)])
    after = [float(i < 40 or i >= 90) for i in range(200)]
    other = made_run(folder.parent / "runs" / "new.run", evalset, after, outputs=[EVIL] * 200)
    touch(evalset, candidate="new", part="ship", run=str(other.folder), by="test")
    return one, other


CHOSEN = {"r.a": "runs/base.run", "r.b": "runs/new.run"}


def test_two_runs_are_judged_and_their_rows_listed(folder, runs, drawn):
    page = drawn(folder, "runs", address=CHOSEN)
    figures = {metric.label: metric.value for metric in page.metric}
    assert (figures["Baseline"], figures["Candidate"], figures["Gain, points"]) == ("60.0%", "75.0%", "+15.0")
    tables = [element.value for element in page.dataframe]
    assert dict(zip(tables[0]["gate"], tables[0]["state"], strict=True))["gain"] == "holds"
    assert len(tables[-1]) == 10, "the rows that were lost are shown at first"
    assert any("Hold" in head.value for head in page.subheader), "nobody told whether the candidate is trained"
    whole = " ".join(str(element.value) for element in [*page.markdown, *page.caption, *page.get("html")])
    assert "ann.miller" not in whole + tables[-1].to_string()


def test_rows_that_were_won_are_a_choice(folder, runs, drawn):
    page = drawn(folder, "runs", address={**CHOSEN, "r.kind": "Won"})
    assert len(page.dataframe[-1].value) == 40


def test_one_run_and_no_run_say_what_to_do(folder, drawn):
    assert any("vetset eval" in info.value for info in drawn(folder, "runs").info)


def test_a_run_that_is_of_another_eval_set_can_not_be_compared(folder, runs, drawn):
    other = made_evalset(folder.parent / "f.evalset", [{"messages": f"q {i}", "label": "a"} for i in range(20)])
    made_run(folder.parent / "runs" / "strange.run", other, [1.0] * 20)
    page = drawn(folder, "runs", errors=True, address={"r.a": "runs/base.run", "r.b": "runs/strange.run"})
    assert any(
        "can't be compared" in error.value and "their rows differ" in error.value.replace("\\", "")
        for error in page.error
    )
