"""The page Runs: two runs beside a set, judged and listed row by row."""

import json
from pathlib import Path

import pytest
from vetset.app.cli import run
from vetset.app.dashboard.named_folders import by_name
from vetset.evaluate.evalsets.touches import touch
from vetset.evaluate.models.canned import CannedModel
from vetset.evaluate.runs.ladder import Ladder, Rung
from vetset.evaluate.verdicts.comparing import compare
from vetset.evaluate.verdicts.forgetting import measure_forgetting, save_forgetting
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
    assert dict(zip(tables[0]["gate"], tables[0]["holds"], strict=True))["gain"] == "yes"
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


def gates(page):
    table = page.dataframe[0].value
    return {gate: (holds, said) for gate, holds, said in zip(table["gate"], table["holds"], table["said"], strict=True)}


def test_gates_are_told_in_the_words_of_the_report(folder, runs, drawn):
    verdict = compare(*runs)
    assert gates(drawn(folder, "runs", address=CHOSEN)).keys() == {gate.name for gate in verdict.gates}
    assert {name: holds for name, (holds, _) in gates(drawn(folder, "runs", address=CHOSEN)).items()} == {
        gate.name: gate.mark for gate in verdict.gates
    }


def test_what_is_measured_after_the_page_was_drawn_is_on_it_when_it_is_drawn_again(folder, runs, drawn):
    one, model = runs[0], CannedModel({"*": "x"}, name="trained")
    told = {"name": "trained", "identity": dict(model.identity())}
    other = made_run(runs[1].folder, evalset_of(folder), [1.0] * 200, outputs=["x"] * 200, model=told)
    before = gates(drawn(folder, "runs", address=CHOSEN))
    assert before["cheaper"][0] == before["forgetting"][0] == "not measured"

    rung = Rung("few-shot", "base.run", False, 0.6, 0.53, 0.67, 200, 0, 0, None, None, None)
    climbed = Ladder(one.folder.parent, one.manifest["evalset"], "exact", [rung])
    (climbed.folder / "ladder.json").write_text(json.dumps(climbed.summary()))
    assert gates(drawn(folder, "runs", address=CHOSEN))["cheaper"][0] == "yes"

    save_forgetting(other.folder, measure_forgetting(CannedModel({"*": "y"}), model))
    after = gates(drawn(folder, "runs", address=CHOSEN))
    assert after["forgetting"] != before["forgetting"]
    assert "of the general items" in after["forgetting"][1]


def evalset_of(folder):
    from vetset.evaluate.evalsets.evalset import EvalSet

    return EvalSet.open(folder.parent / "e.evalset")


def test_runs_of_one_name_in_two_folders_are_two_choices(folder, runs, drawn, monkeypatch):
    again = made_evalset(
        folder.parent / "deep" / "f.evalset", [{"messages": f"q {i}", "label": "a"} for i in range(20)]
    )
    made_run(folder.parent / "deep" / "runs" / "base.run", again, [1.0] * 20)
    monkeypatch.chdir(folder.parent / "deep")  # where a server is started, runs are looked for as well
    names = drawn(folder, "runs", errors=True).selectbox[0].options
    assert len(names) == len(set(names)) == 3


def test_names_of_folders_grow_until_they_differ():
    home = Path("/data/sets")
    paths = [Path(f"/data/{end}") for end in ("sets/a.run", "sets/runs/b.run", "old/runs/b.run", "old/runs/c.run")]
    found = by_name([*paths, paths[0]], home=home)
    assert list(found) == ["a.run", "sets/runs/b.run", "old/runs/b.run", "runs/c.run"]
    assert list(found.values()) == paths
    hidden = [Path(f"/{name}@example.com/a.run") for name in ("ann", "bob")]  # masked, their paths are alike
    assert sorted(by_name(hidden, home=home).values()) == sorted(hidden)
