"""Synthetic rows from the command line: export, its waiver, why, split, and what they print."""

import json

import pytest
from vetset.app import cli
from vetset.curate import read
from vetset.curate.dataset import Dataset
from vetset.curate.distill.handoff import bring_in
from vetset.tests.curate.children_made import child, children


@pytest.fixture
def tickets(tmp_path, monkeypatch):
    """A set of 40 rows with two synthetic ones, of which one has a teacher whose terms are closed."""
    monkeypatch.chdir(tmp_path)
    rows = [{"text": f"ticket {n} about my card", "label": "ab"[n % 2]} for n in range(40)]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    dataset = read(["t.jsonl"], "t.vet").dataset
    ids = dataset.rows["id"]
    bring_in(
        dataset, children(child("made one", ids[0], label="a"), child("made two", ids[1], label="b", model="gpt-4o"))
    )
    return Dataset.open("t.vet")


def test_an_export_of_closed_terms_exits_with_one_and_names_the_next_step(tickets, capsys):
    assert cli.run(["export", "t.vet", "-o", "out"]) == 1
    said = capsys.readouterr().err
    assert "'gpt-4o', 1 row: not for models that compete" in " ".join(said.split())
    assert "--waive-terms 'REASON by NAME'" in " ".join(said.split())
    assert cli.run(["export", "t.vet", "-o", "out", "--waive-terms", "because"]) == 64


def test_a_waiver_lets_it_through_and_stands_in_the_answer(tickets, capsys):
    assert cli.run(["export", "t.vet", "-o", "out", "--waive-terms", "no competing by Ann", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["synthetic"]["waiver"] == {"reason": "no competing", "by": "Ann"}
    assert cli.run(["export", "t.vet", "-o", "out", "--waive-terms", "no competing by Ann"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "2 of the written rows are synthetic: 1 by HuggingFaceTB/SmolLM2-360M-Instruct (terms: allowed)" in said
    assert "waived by Ann" in said
    assert cli.run(["verify", "out", "--json"]) == 0


def test_a_split_says_where_synthetic_rows_went(tickets, capsys):
    assert cli.run(["split", "t.vet", "--no-inflation"]) == 0
    assert "2 synthetic rows beside these, which stand in no eval split" in " ".join(capsys.readouterr().out.split())
    assert cli.run(["split", "t.vet", "--no-inflation", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["synthetic"]["rows"] == 2


def test_a_split_of_labels_of_a_teacher_says_that_they_are_no_gold(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    told = {"distill": {"parents": ["f" * 20 + "-0"], "teacher": {"model": "m"}, "kind": "label_rows"}}
    rows = [{"text": f"ticket {n} about {n * 7919}", "label": "ab"[n % 2], **told} for n in range(40)]
    (tmp_path / "accepted.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert cli.run(["read", "accepted.jsonl", "-o", "l.vet"]) == 0
    assert cli.run(["split", "l.vet", "--no-inflation"]) == 0
    assert "40 rows say what people wrote" in " ".join(capsys.readouterr().out.split())


def test_why_prints_the_lineage_of_a_row_and_its_children(tickets, capsys):
    ids = tickets.rows["id"]
    assert cli.run(["why", "t.vet", ids[41]]) == 0
    said = " ".join(capsys.readouterr().out.split())
    for words in (
        "by gpt-4o at r1 in the run first, 2026-11-20", "training of other models: not for models that compete",
        f"parent {ids[1]}: t.jsonl line 2, split none", "120 + 30 tokens, 0.002 EUR", "distill.judge: pass 0.80 clear",
    ):  # fmt: skip
        assert words in said
    assert cli.run(["why", "t.vet", ids[1]]) == 0
    assert f"child {ids[41]} by gpt-4o, split none" in " ".join(capsys.readouterr().out.split())


def test_check_tells_of_the_teacher_and_does_not_block(tickets, capsys):
    assert cli.run(["check", "t.vet", "--select", "licences.teacher", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rules"]["licences.teacher"]["rows"] == 1
