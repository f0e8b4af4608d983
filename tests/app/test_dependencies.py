"""What the code imports is what the package asks for: nothing comes along by luck with somebody else's dependency."""

import ast
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMES = {"sklearn": "scikit-learn", "faiss": "faiss-cpu"}  # import name to distribution, where they differ


def imported(path):
    """Names of the top-level modules that a file imports, anywhere in it; relative imports left out."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def test_every_library_that_is_imported_is_declared_and_every_declared_one_is_imported():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    core = {re.split(r"[\[<>=! ]", line)[0] for line in project["dependencies"]}
    extra = {re.split(r"[\[<>=! ]", line)[0] for lines in project["optional-dependencies"].values() for line in lines}
    files = [path for room in ("curate", "evaluate", "train", "app") for path in (ROOT / room).rglob("*.py")]
    found = {name for path in files for name in imported(path)} - set(sys.stdlib_module_names) - {"__future__"}
    found = {NAMES.get(name, name.replace("_", "-")) for name in found}
    assert found <= core | extra, f"imported and not declared: {sorted(found - core - extra)}"
    assert core <= found, f"declared and not imported: {sorted(core - found)}"
