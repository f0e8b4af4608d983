"""The line that runs an export pastes into a shell, whatever the folder is called."""

import shlex

import pytest
from vetset.evaluate.interchange.exporting import export
from vetset.tests.evaluate.runs_made import made_evalset


@pytest.mark.parametrize("tool", ["lm-eval", "inspect", "openai-evals", "promptfoo"])
def test_the_line_that_runs_an_export_keeps_a_folder_with_blanks_and_signs_whole(tmp_path, tool):
    rows = [{"messages": f"ticket {i}", "label": "ab"[i % 2]} for i in range(6)]
    evalset = made_evalset(tmp_path / "e.evalset", rows)
    folder = tmp_path / "my export & more"
    words = shlex.split(export(evalset, folder, to=tool, part="ship").run, posix=True)
    assert any(word in (str(folder), f"{folder}/promptfooconfig.yaml") for word in words)
