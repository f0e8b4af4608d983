"""The commands that speak with other tools: one JSON object, warnings on stderr, exit codes."""

import json
from pathlib import Path

import pytest
from vetset.app.cli import run
from vetset.tests.evaluate.test_interchange import evalset_of

DATA = Path(__file__).resolve().parents[1] / "data" / "interchange"


@pytest.fixture
def tickets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = json.loads((DATA / "rows.json").read_text(encoding="utf-8"))
    evalset_of("tickets.evalset", given)
    return "tickets.evalset"


def test_an_export_is_one_json_object_and_the_warning_goes_to_stderr(tickets, capsys):
    assert run(["evalset", "export", tickets, "--to", "inspect", "-o", "task", "--part", "ship", "--json"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert (told["rows"], told["task"], told["match"]) == (2, "tickets_ship", "label")
    assert all(Path("task", name).is_file() for name in told["files"])
    assert "which is for one look" in err


def test_an_import_prints_the_scores_and_the_next_command(tickets, capsys):
    assert run(["runs", "import", str(DATA / "inspect.eval"), "--on", tickets, "-o", "a.run"]) == 0
    out = capsys.readouterr().out
    assert "label (primary)  0.3750" in out
    assert "8 by id, 0 by content" in out
    assert "next: vetset compare BASELINE.run a.run" in out
    assert run(["runs", "import", str(DATA / "promptfoo.json.gz"), "--on", tickets, "-o", "b.run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scores"]["label"] == pytest.approx(3 / 7)  # an error is no answer


def test_wrong_use_is_one_sentence_and_its_exit_code(tickets, capsys):
    log = str(DATA / "inspect.eval")
    for arguments, code, said in (
        (["runs", "import", "nothing.eval", "-o", "a.run"], 64, "no such file"),
        (["runs", "import", log, "-o", "a"], 64, "give a.run"),
        (["runs", "import", log, "-o", "a.run", "--from", "weights"], 64, "--from 'weights'"),
        (["runs", "import", log, "-o", "a.run", "--from", "lm-eval"], 65, "inspect.eval"),
        (["runs", "import", log, "-o", "a.run", "--on", tickets, "--part", "ship"], 64, "no row of the part ship"),
        (["runs", "import", log, "-o", "a.run", "--primary", "bleu"], 64, "it has label"),
        (["evalset", "export", tickets, "--to", "excel", "-o", "x"], 64, "--to 'excel'"),
        (["evalset", "export", tickets, "--to", "inspect", "-o", "x", "--part", "test"], 64, "no row in its part test"),
    ):
        assert run(arguments) == code, arguments
        out, err = capsys.readouterr()
        assert (out, err.count("\n"), said in err) == ("", 1, True), err
    assert not list(Path().glob("*.run"))
