"""`vetset distill` on the command line: what it prints, its one JSON object, its exit codes and its sentences."""

import json

import pytest
from vetset.app import cli

TEXTS = (
    "My card has not come yet, it is two weeks now.", "When will the new card be here?", "No card in the post again today.",
    "The card that I ordered in May is nowhere.", "Has my card been sent at all?", "Still waiting for the plastic card.",
    "I moved house, where did the card go?", "Card delivery to Norway, how long?",
)  # fmt: skip
TEACHER = {"*": [json.dumps({"text": text}) for text in TEXTS]}
RECIPE = """
seeds = "real.vet"
accepted = 3
[teacher]
model = "canned:teacher.json"
[plan]
kind = "labelled"
instruction = "A message to a bank"
examples = 2
[plan.grid]
label = ["card_arrival"]
[gates]
label_model = "off"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"my card number {number} has still not come to my house,card_arrival" for number in range(6)]
    rows += [f"what is the rate of exchange for currency {number} today,exchange_rate" for number in range(6)]
    (tmp_path / "real.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    assert cli.run(["read", "real.csv", "-o", "real.vet", "--label", "label"]) == 0
    (tmp_path / "teacher.json").write_text(json.dumps(TEACHER))
    (tmp_path / "cards.toml").write_text(RECIPE)
    return tmp_path


def said(capsys, *words):
    code = cli.run(["distill", *words])
    return code, capsys.readouterr()


def test_a_run_prints_what_it_came_to_and_the_next_command_works(folder, capsys):
    capsys.readouterr()
    code, shown = said(capsys, "cards.toml")
    assert code == 0
    assert "cards.distill: 3 of 3 rows accepted" in shown.out
    assert shown.out.rstrip().endswith("next: vetset distill cards.toml --bring-in")
    code, shown = said(capsys, "cards.toml", "--bring-in")
    assert code == 0
    assert "nothing has changed since" in " ".join(shown.out.split())
    assert "real.vet: 3 rows added" in shown.out


def test_json_is_one_object_and_nothing_else(folder, capsys):
    capsys.readouterr()
    code, shown = said(capsys, "cards.toml", "--json", "--bring-in")
    found = json.loads(shown.out)
    assert code == 0
    assert found["accepted"] == found["brought_in"]["added"] == 3
    assert found["planned"] == found["accepted"] + found["rejected"] + found["review"] + found["failed"]


def test_a_cell_that_is_short_is_told_and_ends_with_1(folder, capsys):
    (folder / "cards.toml").write_text(RECIPE.replace("accepted = 3", "accepted = 30"))
    code, shown = said(capsys, "cards.toml")
    assert code == 1
    assert "1 cell short of" in shown.out
    assert "label=card_arrival" in shown.out


def test_a_plan_asks_nobody_and_writes_nothing(folder, capsys):
    code, shown = said(capsys, "cards.toml", "--plan", "--json")
    found = json.loads(shown.out.splitlines()[-1])
    assert code == 0
    assert (found["wanted"], found["cells"], found["known_calls"]) == (3, 1, 0)
    assert not (folder / "cards.distill").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["none.toml"], "none.toml can't be read"),
        (["cards.toml", "--probe", "4"], "--probe is a part of --plan"),
        (["cards.toml", "--plan", "--write-batch", "b.jsonl"], "exclude each other"),
        (["cards.toml", "--withdraw-batch", "b.jsonl"], "no batch of it is under way"),
        (["cards.toml", "-o", "real.vet"], "holds other files and no run"),
    ],
)
def test_wrong_use_is_one_sentence_and_64(folder, capsys, words, sentence):
    code, shown = said(capsys, *words)
    assert code == 64
    assert sentence in shown.err
    assert shown.err.strip().count("\n") == 0


def test_what_a_seed_or_a_reply_holds_never_reaches_the_terminal_whole(folder, capsys):
    secret = "card 4111 1111 1111 1111 of ann@example.com"
    (folder / "teacher.json").write_text(
        json.dumps({"*": [json.dumps({"text": f"I lost {secret} {n}"}) for n in range(9)]})
    )
    code, shown = said(capsys, "cards.toml")
    assert code == 1
    assert "privacy." in shown.out
    table = (folder / "cards.distill" / "rejected.jsonl").read_text()
    assert all("4111 1111" not in json.loads(line)["why"] for line in table.splitlines())
    assert "4111 1111" not in shown.out + shown.err
