"""The root is the package: what ships is what stands on the disk."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("curate", "evaluate", "train", "app", "docs")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_list_of_packages_is_what_stands_on_the_disk():
    listed = set(PROJECT["tool"]["setuptools"]["packages"])
    found = {"vetset"}
    for room in ROOMS:
        for init in (ROOT / room).rglob("__init__.py"):
            found.add("vetset." + ".".join(init.parent.relative_to(ROOT).parts))
    assert listed == found


def test_the_root_holds_no_module_but_its_docstring():
    assert {path.name for path in ROOT.glob("*.py")} == {"__init__.py"}
    lines = (ROOT / "__init__.py").read_text(encoding="utf-8")
    assert "import " not in lines.replace("Import a room", "")


def test_no_module_has_the_name_of_a_function_that_its_package_exports():
    from vetset import curate

    modules = {path.stem for path in (ROOT / "curate").glob("*.py")}
    assert not modules & set(curate.__all__)


def test_every_exported_name_is_there():
    from vetset import curate

    missing = [name for name in curate.__all__ if not hasattr(curate, name)]
    assert not missing


@pytest.mark.parametrize("heavy", ["torch", "datasets", "sklearn", "scipy", "streamlit", "pandas"])
def test_the_help_page_and_the_checks_import_nothing_heavy(heavy):
    code = (
        "import sys, vetset.app.cli as c; assert c.run(['--help']) == 0; import vetset.curate;"
        f" import vetset.curate.rules; sys.exit({heavy!r} in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, cwd="/").returncode == 0


def test_every_rule_has_its_page():
    from vetset.curate.rules import RULES, explain

    pages = {path.stem for path in (ROOT / "docs" / "rules").glob("*.md")}
    assert pages == set(RULES)
    for name in RULES:
        page = explain(name)
        assert page.startswith(f"# {name}\n")
        for heading in ("What it finds", "Why it matters for a fine-tune", "What it cannot see", "What to do"):
            assert f"## {heading}" in page


def test_torch_is_bounded_where_it_is_asked_for():
    from packaging.requirements import Requirement

    for extra in ("embed", "train"):
        torch = [
            Requirement(line) for line in PROJECT["project"]["optional-dependencies"][extra] if line.startswith("torch")
        ]
        assert torch[0].specifier.contains("2.13.0")
        assert not torch[0].specifier.contains("2.14.0")


@pytest.mark.slow
def test_the_wheel_holds_every_room_and_the_pages(tmp_path):
    import zipfile

    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path), str(ROOT)],
        check=True,
        capture_output=True,
    )
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    assert "vetset/py.typed" in names
    assert "vetset/docs/rules/quality.empty.md" in names
    assert {f"vetset/{path.relative_to(ROOT)}" for room in ROOMS for path in (ROOT / room).rglob("*.py")} <= set(names)
    assert not [name for name in names if "tests/" in name or "benchmarks/" in name or name.endswith("conftest.py")]
