"""The whole verb on published answers: GSM8K's four models, whose accuracies are known."""

import json

import pytest
from vetset.app.cli import run
from vetset.tests.evaluate.runs_made import made_evalset

PUBLISHED = {"6b_finetuning": 286, "6b_verification": 515, "175b_finetuning": 458, "175b_verification": 742}


@pytest.fixture(scope="module")
def solutions(shared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gsm8k")
    path = shared / "model_solutions" / "example_model_solutions.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    turns = [
        [{"role": "user", "content": one["question"]}, {"role": "assistant", "content": one["ground_truth"]}]
        for one in lines
    ]
    made_evalset(folder / "gsm8k.evalset", [{"messages": said} for said in turns])
    for name in PUBLISHED:
        told = [json.dumps({"question": one["question"], "output": one[name]["solution"]}) for one in lines]
        (folder / f"{name}.jsonl").write_text("\n".join(told), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_accuracies_come_out_to_the_row(solutions, name, monkeypatch, capsys):
    monkeypatch.chdir(solutions)
    words = [
        "eval",
        f"recorded:{name}.jsonl",
        "--on",
        "gsm8k.evalset",
        "--part",
        "ship",
        "--scorer",
        "number",
        "--baseline",
    ]
    assert run([*words, "--json"]) == 0
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert round(told["scores"]["number"]["mean"] * 1319) == PUBLISHED[name]
    assert told["counts"]["error"] == 0
