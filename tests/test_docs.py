"""Everything that the documentation shows runs, and gives what it says."""

import contextlib
import doctest
import importlib
import io
import re
import shlex
import shutil
from pathlib import Path

import pytest
from vetset.app.cli import run

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(
    "vetset." + ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for room in ("curate", "evaluate", "train", "app")
    for path in (ROOT / room).rglob("*.py")
    if path.name != "__init__.py" and path != ROOT / "app" / "main.py"  # a script, which Streamlit runs
)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("name", MODULES)
def test_the_doctests_of_a_module_hold(name):
    module = importlib.import_module(name)
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed == 0


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands(block):
    """Commands of a console block, each with the output that is shown for it."""
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    return [part.split("\n", 1) if "\n" in part else [part, ""] for part in parts]


@pytest.fixture(scope="module")
def after_the_demo(tmp_path_factory):
    """The folder that `vetset demo` ran in, and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()) as said:
        run(["demo"])
    return folder, said.getvalue()


def test_the_readme_shows_what_really_happens(after_the_demo, tmp_path, monkeypatch, capsys):
    """Console blocks run in order in one folder; `...` stands for what differs from run to run."""
    shutil.copytree(after_the_demo[0], tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    shown = [pair for block in blocks(ROOT / "README.md", "console") for pair in commands(block)]
    assert len(shown) >= 5
    checker = doctest.OutputChecker()
    for command, output in shown:
        program, *arguments = shlex.split(command)
        assert program == "vetset", f"{command!r} can't be run here"
        if arguments == ["demo"]:
            said = after_the_demo[1]
        else:
            run(arguments)
            said = capsys.readouterr().out
        got = "\n".join(line.rstrip() for line in said.splitlines()).strip()
        want = "\n".join(line.rstrip() for line in output.splitlines()).strip()
        assert checker.check_output(want + "\n", got + "\n", doctest.ELLIPSIS), f"$ {command}\n{got}"


def test_the_python_of_the_readme_runs(after_the_demo, tmp_path, monkeypatch):
    shutil.copytree(after_the_demo[0], tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    for block in blocks(ROOT / "README.md", "python"):
        exec(compile(block, "README.md", "exec"), {})


def test_every_command_that_a_page_names_is_one():
    app = importlib.import_module("vetset.app.cli").app
    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    known |= {group.name for group in app.registered_groups}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        named = set(re.findall(r"(?:`|^\$ |&& )vetset ([a-z]+)\b", text, re.MULTILINE))
        assert named <= known, f"{page.name}: {named - known}"


def test_every_link_between_the_pages_leads_somewhere():
    for page in [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "DECISIONS.md"]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_nothing_names_the_machine_that_it_was_written_on():
    for path in [*ROOT.rglob("*.py"), *ROOT.rglob("*.md"), ROOT / ".ci/run", ROOT / "pyproject.toml"]:
        made = path.is_relative_to(ROOT / "benchmarks" / "data")
        if not (made or {".venv", "build", ".git"} & set(path.relative_to(ROOT).parts)):
            assert not re.search(r"/(?:work|root|tmp)/\w", path.read_text(encoding="utf-8")), path
