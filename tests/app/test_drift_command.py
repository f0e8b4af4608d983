"""The command ``drift``: what people read, what programs read, exit codes."""

import csv
import json

import pytest
from vetset.app.cli import run
from vetset.tests.evaluate.runs_made import made_evalset

CARDS = ["my card was lost", "card stolen please block it", "where is the new card", "card pin forgotten"]
FOOD = ["the soup was cold", "waiter forgot our bread", "spicy noodles please", "a table for two"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made_evalset(tmp_path / "a.evalset", [{"messages": f"{CARDS[i % 4]} {i}", "label": "ab"[i % 2]} for i in range(60)])
    for name, words in (("same", CARDS), ("other", FOOD), ("few", FOOD[:2])):
        with (tmp_path / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["text", "label"])
            writer.writerows(
                [f"{words[i % len(words)]} {59 - i}", "ab"[i % 2]] for i in range(1 if name == "few" else 60)
            )
    return tmp_path


def test_nothing_to_do_is_0_something_1_and_too_little_to_tell_2(folder, capsys):
    command = ["drift", "same.csv", "--against", "a.evalset", "--permutations", "299"]
    assert run([*command, "--relevant", "0.35"]) == 0
    out = capsys.readouterr().out
    assert "Nothing to do" in out
    assert "a change of less than 32% of the rows may go unseen" in out
    assert run(command) == 2
    assert "to see 20% takes 152 rows on each side" in " ".join(capsys.readouterr().out.split())
    assert run(["drift", "other.csv", "--against", "a.evalset", "--permutations", "299"]) == 1
    out = capsys.readouterr().out
    assert "Refresh the eval set" in out
    assert "- vectors differ from the eval set" in out
    assert "vetset evalset refresh a.evalset --from newer.vet" in out
    assert "would be seen" in out
    assert run(["drift", "few.csv", "--against", "a.evalset", "--permutations", "119"]) == 2
    assert "Nothing can be said: 1 independent new row against 60" in capsys.readouterr().out


def test_json_is_one_object_with_the_rule_and_every_look(folder, capsys):
    command = ["drift", "other.csv", "--against", "a.evalset", "--train", "same.csv", "--permutations", "299", "--json"]
    assert run(command) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["actions"] == ["refresh", "retrain"]
    assert told["rule"].startswith("A look counts if")
    assert [len(each["shifts"]) for each in told["comparisons"]] == [6, 6]
    assert {"effect", "by_chance", "p", "adjusted", "detectable", "evidence"} <= told["comparisons"][0]["shifts"][
        0
    ].keys()


def test_a_set_without_labels_compares_the_rest_and_says_so(folder, capsys):
    (folder / "bare.jsonl").write_text("\n".join(json.dumps({"text": f"{CARDS[i % 4]} {i}"}) for i in range(60)))
    assert run(["read", "bare.jsonl"]) == 0
    capsys.readouterr()
    assert run(["drift", "bare.vet", "--against", "a.evalset", "--permutations", "199", "--relevant", "0.35"]) == 0
    assert "labels were not compared: the new sample has none" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (["gone.csv", "--against", "a.evalset"], 64, "gone.csv: no such file"),
        (["same.csv", "--against", "gone.evalset"], 64, "gone.evalset: no such"),
        (["same.csv", "--against", "a.evalset", "--alpha", "2"], 64, "alpha is 2"),
        (["same.csv", "--against", "a.evalset", "--relevant", "20"], 64, "relevant is 20"),
        (["same.csv", "--against", "a.evalset", "--permutations", "0"], 64, "permutations is 0"),
        (["same.csv", "--against", "a.evalset", "--text", "body"], 64, "body"),
        (["same.csv", "--against", "a.evalset", "--train", "gone.vet"], 64, "gone.vet"),
        (["same.csv"], 64, "--against"),
    ],
)
def test_wrong_use_is_one_sentence(folder, capsys, command, code, said):
    assert run(["drift", *command]) == code
    assert said in capsys.readouterr().err


def test_a_sample_too_small_to_refresh_with_is_told_so_and_offers_no_refresh(folder, capsys):
    with (folder / "eight.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["text", "label"], *([f"{FOOD[i % 4]} {i}", "z"] for i in range(8))])
    assert run(["drift", "eight.csv", "--against", "a.evalset", "--permutations", "299"]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "a refresh of a fifth puts 12 new rows in the place of old ones, and this sample has 8" in out
    assert "next: take a sample of 12 independent rows or more" in out
    assert "evalset refresh a.evalset" not in out
