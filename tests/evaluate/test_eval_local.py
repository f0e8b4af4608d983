"""`eval` over a real local model: the adapter is tried before anything is scored, and base and candidate are loaded once."""

import shutil

import pytest
from vetset.curate.errors import DataError, UsageError
from vetset.evaluate.evalsets.touches import touches
from vetset.evaluate.runs.evaluating import eval_ladder, eval_model
from vetset.evaluate.runs.results import Run
from vetset.evaluate.runs.wanted import Wanted
from vetset.evaluate.verdicts.comparing import compare
from vetset.evaluate.verdicts.forgetting import read_forgetting
from vetset.tests.evaluate.runs_made import made_evalset
from vetset.tests.small_models import CHATML, tiny_adapter

pytestmark = pytest.mark.slow  # torch and transformers take 10 seconds to import


@pytest.fixture
def few(tmp_path):
    rows = [{"messages": f"word {i}", "label": "ab"[i % 2]} for i in range(6)]
    return made_evalset(tmp_path / "few.evalset", rows, part=["dev"] * 4 + ["ship"] * 2)


def test_an_adapter_that_does_nothing_is_refused_before_anything_is_asked(few, tiny, tmp_path):
    idle = tiny_adapter(tmp_path / "idle", tiny, strength=0)
    wanted = Wanted(adapter=idle, out=tmp_path / "runs", device="cpu", scorers=("class",), max_tokens=4)
    with pytest.raises(DataError, match="changes nothing"):
        eval_model(str(tiny), few, wanted, say=lambda _: None)
    assert not (tmp_path / "runs").exists() or not list((tmp_path / "runs").iterdir())
    assert not touches(few)


def test_a_model_without_a_chat_template_is_refused(few, tiny, tmp_path):
    bare = tmp_path / "bare"
    shutil.copytree(tiny, bare)
    (bare / "chat_template.jinja").unlink()
    with pytest.raises(DataError, match="chat template"):
        eval_model(str(bare), few, Wanted(out=tmp_path / "runs", device="cpu", max_tokens=4), say=lambda _: None)


def test_a_ladder_scores_base_and_adapter_over_one_loaded_model(few, tiny, adapter, tmp_path):
    said = []
    wanted = Wanted(adapter=adapter, out=tmp_path / "runs", device="cpu", scorers=("class",), max_tokens=6)
    ladder = eval_ladder(str(tiny), few, wanted, say=said.append)
    assert [rung.rung for rung in ladder.rungs] == ["bare", "reasoning", "candidate"]
    bare, candidate = (Run.open(tmp_path / "runs" / rung.run) for rung in (ladder.rungs[0], ladder.rungs[2]))
    assert bare.manifest["model"]["identity"]["adapter"] is None
    assert candidate.manifest["model"]["identity"]["adapter"]
    assert candidate.manifest["prompt"]["system"] is None, "it is asked as its training rows stand"
    assert bare.results["output"].to_list() != candidate.results["output"].to_list()
    assert sum("chat template" in sentence for sentence in said) == 1
    assert [(touch.rung, touch.run) for touch in touches(few)] == [
        ("bare", ladder.rungs[0].run), ("reasoning", ladder.rungs[1].run), (None, ladder.rungs[2].run)
    ]  # fmt: skip


def test_tools_reach_base_and_adapter_by_a_template_that_takes_them(tiny, adapter, tmp_path):
    rows = [{"messages": f"how warm is {city}?", "label": "[]", "tools": '[{"name": "weather"}]'} for city in "AB"]
    asked = made_evalset(tmp_path / "tools.evalset", rows, part=["dev", "ship"])
    common = {
        "adapter": adapter,
        "out": tmp_path / "runs",
        "device": "cpu",
        "scorers": ("tool_calls",),
        "max_tokens": 4,
    }
    with pytest.raises(DataError, match="--template FILE"):
        eval_ladder(str(tiny), asked, Wanted(**common), say=lambda _: None)
    template = tmp_path / "tools.jinja"
    template.write_text("{{ tools | tojson }}" + CHATML, encoding="utf-8")
    ladder = eval_ladder(str(tiny), asked, Wanted(template=template, **common), say=lambda _: None)
    runs = [Run.open(tmp_path / "runs" / rung.run) for rung in ladder.rungs]
    assert len({run.manifest["model"]["identity"]["template"] for run in runs}) == 1
    with pytest.raises(UsageError, match="this machine"):
        eval_model("canned:none", asked, Wanted(template=template), say=lambda _: None)
    template.unlink()
    with pytest.raises(UsageError, match="Jinja file"):
        eval_model(str(tiny), asked, Wanted(template=template, **common), say=lambda _: None)


def test_what_was_forgotten_reaches_the_verdict(few, tiny, adapter, tmp_path):
    said = []
    common = {"out": tmp_path / "runs", "device": "cpu", "scorers": ("class",), "max_tokens": 4}
    base = eval_model(str(tiny), few, Wanted(rung="plain", baseline=True, name="base", **common), say=said.append)
    wanted = Wanted(adapter=adapter, forgetting=True, name="new", **common)
    new = eval_model(str(tiny), few, wanted, say=said.append)
    assert any(sentence.startswith("forgetting: general items") for sentence in said)
    [gate] = [gate for gate in compare(base, new).gates if gate.name == "forgetting"]
    measured = read_forgetting(new.folder).summary()
    assert gate.figures["nats"] == pytest.approx(measured["nats_candidate"] - measured["nats_base"])
    assert gate.state == "missing", "random weights know nothing"
    assert "nothing could be seen to be lost" in gate.said
    with pytest.raises(UsageError, match="--base MODEL"):
        eval_model(str(tiny), few, Wanted(forgetting=True, **common), say=said.append)
