"""`vetset judge` from the command line: what it writes, and how it ends."""

import json
from functools import partial

import pytest
from vetset.app.cli import run
from vetset.evaluate.models.calling import answer_all
from vetset.evaluate.models.canned import CannedModel
from vetset.evaluate.models.opening import open_model
from vetset.evaluate.scorers.case import Case
from vetset.evaluate.scorers.human_labels import read_labelled
from vetset.evaluate.scorers.judge import Judge
from vetset.evaluate.scorers.judge_calibration import calibrate, load_calibration
from vetset.evaluate.scorers.judge_prompts import one_answer, read_rubric
from vetset.evaluate.scorers.registry import scorer


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A rubric, 40 labelled answers, and a canned judge that agrees on all but a few of them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "city.md").write_text("The answer names a city.")
    return tmp_path


def write(place, wrong, count=40):
    rubric, lines, replies = read_rubric(place / "city.md"), [], []
    for number in range(count):
        output = f"Paris {number}" if number % 2 else f"no {number}"
        said = "PASS" if number % 2 else "FAIL"
        human = {"PASS": "fail", "FAIL": "pass"}[said] if number < wrong else said.lower()
        lines.append({"id": str(number), "question": "Where?", "output": output, "human": human})
        prompt, code = one_answer(rubric, Case(output, None, question=_asked()))
        replies.append({"question": prompt[-1].content, "answer": f"So.\nVERDICT {code}: {said}"})
    (place / "labels.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (place / "judge.json").write_text(json.dumps({one["question"]: one["answer"] for one in replies}))


def _asked():
    from vetset.curate.messages import Said

    return (Said("user", "Where?"),)


JUDGE = ["judge", "city.md", "--model", "canned:judge.json", "--labels", "labels.jsonl"]


def test_a_judge_that_agrees_counts_and_is_taken_as_a_scorer(place, capsys):
    write(place, wrong=4)
    assert run([*JUDGE, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["labels"], told["compared"], told["agreement"], told["counts"]) == (40, 40, 0.9, True)
    assert load_calibration(place / "city.calibration.json").kappa == told["kappa"] == pytest.approx(0.8)
    model = open_model("canned:judge.json")
    made = scorer("judge:city.md", judge=model, ask=lambda requests: answer_all(model, requests))
    assert made.score([Case("Paris 1", None, question=_asked())])[0].score == 1
    assert run(JUDGE) == 0
    shown = capsys.readouterr().out
    assert "kappa 0.80 [" in shown
    assert "It counts" in shown


def test_a_reply_that_can_not_be_read_is_asked_for_anew_by_the_same_command_and_the_others_are_not(place, capsys):
    write(place, wrong=0)
    whole = json.loads((place / "judge.json").read_text())
    bad = dict.fromkeys(list(whole)[:3], "Well, that depends.")
    asked, path = [], place / "journal.jsonl"

    def calibrated(answers):
        model = CannedModel(lambda request: asked.append(request) or answers[request.messages[-1].content], name="j")
        model._identity = {"kind": "openai", "url": "u", "model": "j"}
        again = partial(_anew, model, path)
        labelled = read_labelled(place / "labels.jsonl")
        return calibrate(Judge(model, read_rubric(place / "city.md"), again=again), labelled.cases, labelled.human)

    assert (calibrated(whole | bad).unparsed, len(asked)) == (3, 40)
    assert (calibrated(whole | bad).unparsed, len(asked)) == (3, 43), "asked once more, and no oftener"
    assert (calibrated(whole).unparsed, len(asked)) == (0, 46)
    assert (calibrated(bad).unparsed, len(asked)) == (0, 46), "what was read at last stands"
    (place / "judge.json").write_text(json.dumps(whole | bad))
    assert run(JUDGE) == 0
    assert "3 verdicts could not be read; the same command again asks for them anew" in " ".join(
        capsys.readouterr().out.split()
    )


def _anew(model, path, requests, broken):
    return answer_all(model, requests, journal=path, again=broken)


def test_a_judge_that_disagrees_ends_with_1_and_says_why(place, capsys):
    write(place, wrong=18)
    assert run([*JUDGE, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["counts"] is False
    assert told["why_not"].startswith("judge not calibrated")


def test_wrong_input_is_one_sentence(place, capsys):
    write(place, wrong=0, count=20)
    for arguments, code, says in (
        (JUDGE, 65, "20 human labels can't calibrate a judge"),
        ([*JUDGE[:-1], "none.jsonl"], 64, "none.jsonl can't be read"),
        (["judge", "none.md", *JUDGE[2:]], 64, "none.md can't be read"),
    ):
        assert run(arguments) == code
        assert says in capsys.readouterr().err
    for line, says in (
        ('{"output": 1, "human": "pass"}', "line 1: output is no text"),
        ('{"output": "x"}', "line 1 has no label"), ("[1]", "line 1 is no object"),
        ("{", "line 1 is not JSON"), ('{"output": "x", "human": "pass", "grade": 1}', "key 'grade'"),
        ('{"output": "x", "human": "pass", "question": 3}', "neither a text nor a list"),
    ):  # fmt: skip
        (place / "labels.jsonl").write_text(line + "\n")
        assert run(JUDGE) == 65
        assert says in capsys.readouterr().err
