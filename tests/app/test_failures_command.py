"""The command ``failures``: kinds on a page and in JSON, names that stay, causes by asking again."""

import json

import pytest
from vetset.app.cli import run
from vetset.tests.evaluate.runs_made import made_evalset, made_run

TOPICS = {"card": "my card was lost in {}", "soup": "the soup in {} was cold", "train": "the train to {} was late"}
CITIES = ["Oslo", "Rome", "Paris", "Cairo", "Lima", "Quito", "Delhi", "Tokyo"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    topics = sorted(TOPICS)
    rows = [
        {
            "messages": TOPICS[topics[i % 3]].format(CITIES[i // 3]), "label": topics[i % 3],
            "extra": json.dumps({"why": f"It is about the {topics[i % 3]}."}),
        }
        for i in range(24)
    ]  # fmt: skip
    of = made_evalset(tmp_path / "a.evalset", rows)
    for name in ("one", "two"):
        made_run(tmp_path / f"{name}.run", of, [0.0] * 24, outputs=["wrong thing"] * 24)
    return tmp_path


def told(capsys, *arguments, code=0):
    capsys.readouterr()
    assert run(["failures", *arguments]) == code
    return capsys.readouterr()


def test_the_page_counts_names_and_shows_examples(folder, capsys):
    out = told(capsys, "one.run").out
    assert out.startswith("one.run: 24 of 24 rows failed (100.0%): 24 wrong")
    assert "my card was lost in Oslo -> wrong thing" in out
    assert "Why they failed is not known" in out
    assert "next: vetset failures one.run --label F" in out
    assert (folder / "failures-a.json").is_file()


def test_names_are_kept_for_the_next_run(folder, capsys):
    first = json.loads(told(capsys, "one.run", "--json").out)
    kind = first["kinds"][0]["id"]
    told(capsys, "one.run", "--label", f"{kind}=lost things")
    (folder / "names.toml").write_text('F2 = "late trains"\n', encoding="utf-8")
    told(capsys, "one.run", "--names", "names.toml")
    second = json.loads(told(capsys, "two.run", "--json").out)
    names = {one["id"]: one["name"] for one in second["kinds"]}
    assert names[kind] in ("lost things", "late trains")
    assert "late trains" in names.values()
    assert {one["id"] for one in second["kinds"]} == {one["id"] for one in first["kinds"]}
    assert all(set(one["runs"]) == {"one", "two"} for one in second["kinds"])


def test_without_saving_nothing_is_written(folder, capsys):
    assert json.loads(told(capsys, "one.run", "--no-save", "--json").out)["taxonomy"] is None
    assert not (folder / "failures-a.json").exists()


def test_asking_again_with_what_answers_a_row_tells_causes_apart(folder, capsys):
    answers = {
        f"Use these documents where they help.\n\nIt is about the soup.\n\n{TOPICS['soup'].format(c)}": "soup"
        for c in CITIES
    }
    (folder / "model.json").write_text(json.dumps({**answers, "*": "no idea"}), encoding="utf-8")
    out = told(capsys, "one.run", "--model", "canned:model.json", "--gold", "why").out
    assert "67% of 24 failures are behaviour (47% to 82%)" in out
    assert "can't be told from so few" in out
    assert "behavioural  retrieval  data" in out
    summary = json.loads(told(capsys, "one.run", "--model", "canned:model.json", "--gold", "why", "--json").out)
    assert summary["advice"]["causes"] == {"behavioural": 16, "retrieval": 8, "data": 0, "unknown": 0}
    assert summary["advice"]["fine_tune_helps"] == "open"


def test_a_judge_names_kinds(folder, capsys):
    (folder / "judge.json").write_text(json.dumps({"*": "wrong topic"}), encoding="utf-8")
    kinds = json.loads(told(capsys, "one.run", "--judge", "canned:judge.json", "--json").out)["kinds"]
    assert [kind["name"] for kind in kinds if kind["named_by"] == "judge"] == ["wrong topic"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["gone.run"], 64, "is no run"),
        (["one.run", "--on", "gone.evalset"], 64, "gone.evalset"),
        (["one.run", "--label", "F99=x"], 64, "'F99' is no kind of failure"),
        (["one.run", "--names", "gone.toml"], 64, "gone.toml can't be read"),
        (["one.run", "--scorer", "chrf"], 64, "no scorer 'chrf'"),
        (["one.run", "--threshold", "0"], 64, "--threshold 0"),
        (["one.run", "--model", "canned:x.json"], 64, "--model and --gold belong together"),
        (["one.run", "--rag", "two.run"], 64, "add --model SPEC"),
        (["one.run", "--taxonomy", "a.evalset/evalset.json"], 65, "is no taxonomy"),
        (["one.run", "--taxonomy", "no/such/place.json"], 64, "can't be written"),
    ],
)
def test_wrong_use_is_one_sentence(folder, capsys, arguments, code, said):
    assert said in told(capsys, *arguments, code=code).err
