"""Commands that are offered can be pasted: a path with spaces, quotes or a dash in front stands there as a shell takes it."""

import ast
import json
import re
import shlex
from pathlib import Path

import pytest
import typer
from vetset.app.cli import app, run
from vetset.curate.wording import shell
from vetset.tests.evaluate.runs_made import made_evalset, made_run

ROOT = Path(__file__).resolve().parents[2]
WORDS = {
    # what is no path: rules, rows, batches, actions, and names that were quoted where they were made
    "name", "_name()", "action", "row", "outcome.batch", "result.blocking[0]", "','.join([*by, 'near'])", "option",
    "nameless", "result.to", "result.aside.batch", "of.rows + more", "way", "guess.spec",
}  # fmt: skip
VERBS = "|".join(typer.main.get_command(app).commands)  # pyright: ignore[reportAttributeAccessIssue]


def test_a_shell_takes_a_quoted_path_for_one_word():
    for path in ("my set.vet", "it's.vet", "$HOME `x`.vet", "a;b.vet", "plain.vet"):
        assert shlex.split(f"vetset check {shell(Path(path))}")[2:] == [path]
    assert shlex.split(shell("-o.vet")) == ["./-o.vet"]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder whose name and whose files' names have spaces and a quotation mark."""
    folder = tmp_path / "it's mine"
    folder.mkdir()
    monkeypatch.chdir(folder)
    rows = [{"text": f"my card number {i} is lost", "label": "ab"[i % 2]} for i in range(40)] * 2
    (folder / "my data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def offered(capsys):
    """Return the words of every command on the lines that offer one."""
    said = capsys.readouterr()
    lines = [line for line in (said.out + said.err).splitlines() if line.startswith(("next: ", "undo: "))]
    found = [f"vetset {part}" for line in lines for part in re.split(r"vetset ", line)[1:]]
    return [shlex.split(re.split(r", (?=then|which|or|in a copy)", command)[0]) for command in found]


def test_commands_on_a_set_with_spaces_name_it_whole(place, capsys):
    for words in (
        ["read", "my data.jsonl", "-o", "my set.vet"], ["check", "my set.vet"], ["findings", "my set.vet"],
        ["decide", "my set.vet", "--policy"], ["decisions", "my set.vet"], ["split", "my set.vet"],
        ["export", "my set.vet", "-o", "my files"], ["decide", "my set.vet", "--export", "my decisions.jsonl"],
    ):  # fmt: skip
        assert run(words) in (0, 1)
        commands = offered(capsys)
        assert commands, words
        for command in commands:
            names = [word for word in command if "my" in word]
            assert names, command
            assert all(Path(name).exists() for name in names), command


def test_a_command_that_was_offered_runs(place, capsys):
    assert run(["read", "my data.jsonl", "-o", "my set.vet"]) == 0
    assert run(offered(capsys)[0][1:]) in (0, 1)
    assert run(["check", "my gone.vet"]) == 64
    told = capsys.readouterr().err
    assert shlex.split(told[told.index("`") + 1 : told.rindex("`")])[-1] == "my gone.vet"


def test_commands_on_runs_and_eval_sets_with_spaces_name_them_whole(place, capsys):
    rows = [{"messages": f"q {i}", "label": "ab"[i % 2]} for i in range(40)]
    evalset = made_evalset(place / "my rows.evalset", rows, part=["dev"] * 20 + ["ship"] * 20)
    Path("m.json").write_text('{"*": "a"}')
    assert run(["eval", "canned:m.json", "--on", "my rows.evalset", "-o", "my runs", "--name", "my m"]) == 0
    command = offered(capsys)[0]
    assert (command[command.index("--on") + 1], command[-1]) == ("my rows.evalset", "my runs")
    assert run(["eval", "canned:m.json", "--on", "my rows.evalset", "-o", "my runs", "--part", "ship"]) == 0
    assert Path(offered(capsys)[0][-1]).is_dir()
    made_run(place / "my runs" / "x.run", evalset, [1.0] * 20)
    assert run(["compare", "my runs/y.run", "my runs/x.run"]) == 64
    assert "'my runs/x.run'" in capsys.readouterr().err


def test_no_path_stands_bare_in_a_command_that_is_offered():
    bare = []
    for path in sorted(path for room in ("app", "train", "evaluate", "curate") for path in (ROOT / room).rglob("*.py")):
        bare += [f"{path.relative_to(ROOT)}:{line}: {found}" for line, found in _bare(path) if found not in WORDS]
    assert bare == [], "wrap a path in curate.wording.shell; what is no path belongs in WORDS"


def _bare(path):
    """Return line and expression of what stands unquoted in a command of an f-string."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.JoinedStr):
            continue
        in_command = False
        for part in node.values:
            if isinstance(part, ast.Constant):
                last = re.split(rf"(?=vetset (?:{VERBS}) )|[`;)]|, (?!then)", str(part.value))[-1]
                in_command = bool(re.match(rf"vetset ({VERBS}) ", last)) or (in_command and last == str(part.value))
            elif in_command and not ast.unparse(part.value).startswith(("shell(", "in_code(", "shlex.quote(")):
                yield part.lineno, ast.unparse(part.value)
