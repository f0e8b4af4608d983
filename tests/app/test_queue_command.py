"""The command ``queue``: what people read, what programs read."""

import json
import random

import pytest
from vetset.app.cli import run

WORDS = {"card": ["card", "stolen", "bank", "pin", "block"], "food": ["soup", "bread", "cold", "spicy", "waiter"]}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Sixty texts of two labels, of which the last four have the other's."""
    monkeypatch.chdir(tmp_path)
    draw, lines = random.Random(2), []
    for i in range(60):
        label, other = ("card", "food") if i % 2 else ("food", "card")
        text = " ".join([*draw.sample(WORDS[label], 3), "please", str(i)])
        lines.append(json.dumps({"text": text, "label": other if i >= 56 else label}))
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    assert run(["read", "a.jsonl"]) == 0
    return "a.vet"


def told(capsys, *arguments):
    capsys.readouterr()
    assert run(list(arguments)) == 0
    return capsys.readouterr()


def test_the_page_names_place_labels_chance_reason_and_how_to_decide(folder, capsys):
    out = told(capsys, "queue", folder, "--limit", "2", "--by", "wrong").out
    assert "60 labels to review, by how likely the label is wrong:" in out
    assert "a.jsonl:5" in out
    assert "card -> food" in out or "food -> card" in out
    assert "likely to be wrong" in out
    assert "views put it first" in " ".join(out.split())
    assert "and 58 more" in out
    assert "rests on no answer yet; it is worked out again in 30 answers" in out
    assert out.rstrip().endswith("next: vetset decide a.vet --id ID --action relabel --value LABEL, or --action keep")


def test_a_decision_takes_the_row_out_and_counts(folder, capsys):
    first = json.loads(told(capsys, "queue", folder, "--json", "--limit", "1").out)["rows"][0]
    assert run(["decide", folder, "--id", first["id"], "--action", "relabel", "--value", first["suggested"]]) == 0
    after = json.loads(told(capsys, "queue", folder, "--json", "--all").out)
    assert first["id"] not in {row["id"] for row in after["rows"]}
    assert (after["waiting"], len(after["rows"]), after["decided"], after["confirmed_wrong"]) == (59, 59, 1, 1)
    assert after["precision"] == {"all": 1.0}
    out = told(capsys, "queue", folder).out
    assert "reviewed so far: 1 label, 1 of them wrong (100% of all)" in out
    assert "worked out again in 29 answers" in out


def test_a_set_without_labels_says_why_there_is_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.jsonl").write_text('{"text": "hello there"}\n{"text": "good bye"}\n')
    assert run(["read", "b.jsonl"]) == 0
    said = told(capsys, "queue", "b.vet")
    assert said.out == "no label waits for review\n"
    assert "note: labels were not judged: no row has both a label and a text" in said.err


def test_another_order_is_wrong_use(folder, capsys):
    assert run(["queue", folder, "--by", "luck"]) == 64
    assert "luck" in capsys.readouterr().err


def test_a_check_of_several_labels_a_row_names_no_queue_and_the_queue_no_encoder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    draw = random.Random(3)
    lines = []
    for i in range(200):
        labels = sorted(draw.sample(sorted(WORDS), 1 + (i % 3 == 0)))
        text = " ".join(word for label in labels for word in draw.sample(WORDS[label], 3))
        lines.append(json.dumps({"text": f"{text} {i}", "labels": labels if i % 20 else labels[:1]}))
    lines.append(json.dumps({"text": "🎉", "labels": ["card"]}))
    (tmp_path / "c.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert run(["read", "c.jsonl"]) == 0
    capsys.readouterr()
    run(["check", "c.vet", "--select", "labels.suspect"])
    out = capsys.readouterr().out
    assert "vetset queue" not in out
    assert "next: vetset findings c.vet --select labels.suspect" in out
    assert "encoder" not in told(capsys, "queue", "c.vet").err


def test_labels_that_were_not_judged_are_not_said_to_be_without_a_finding(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d.csv").write_text("text,label\ngood day,a\nbad night,b\ngood night,a\nbad day,b\n", encoding="utf-8")
    assert run(["read", "d.csv"]) == 0
    out = told(capsys, "check", "d.vet", "--select", "labels.suspect,labels.conflict").out
    assert "labels.suspect: labels were not judged" in out
    assert "nothing found by labels.conflict" in " ".join(out.split())
    assert "labels.conflict, labels.suspect" not in out
