"""The page Eval set: what is frozen beside a set, what it sees, and who looked at it."""

import json

import pytest
from vetset.app.cli import run
from vetset.evaluate.evalsets.touches import touch
from vetset.tests.evaluate.runs_made import made_evalset

EVIL = "![a](http://evil.example/a.png) <b>x</b>"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A set of four rows, two of them in a test split."""
    monkeypatch.chdir(tmp_path)
    lines = [{"text": f"text {i}", "label": "a", "split": ("train", "test")[i % 2]} for i in range(4)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run(["read", "a.jsonl"]) == 0
    return tmp_path / "a.vet"


def test_without_an_eval_set_the_splits_are_shown_and_the_command(folder, drawn):
    page = drawn(folder, "evalset")
    assert [link.proto.label for link in page.get("page_link")] == ["test: 2 rows"]
    assert any("vetset evalset build" in info.value for info in page.info)


def test_a_frozen_set_shows_its_digest_strata_and_looks(folder, drawn):
    rows = [{"messages": f"question {i}", "label": "ab"[i % 2]} for i in range(60)]
    evalset = made_evalset(folder.parent / "e.evalset", rows, stratum=[EVIL if i % 2 else "b" for i in range(60)])
    touch(evalset, candidate=EVIL, part="ship", run="r", by="ann")
    page = drawn(folder, "evalset")
    assert any(evalset.digest[:16] in caption.value for caption in page.caption)
    strata, looks = (element.value for element in page.dataframe)
    assert sorted(strata["rows"].to_list()) == [30, 30]
    assert looks["by"].to_list() == ["ann"]
    assert {metric.label: metric.value for metric in page.metric} == {"Part ship": "60 rows"}


def test_rows_that_are_not_those_that_were_frozen_are_an_error(folder, drawn):
    made = made_evalset(folder.parent / "e.evalset", [{"messages": f"q {i}", "label": "a"} for i in range(30)])
    other = made_evalset(folder.parent / "f.evalset", [{"messages": f"p {i}", "label": "a"} for i in range(30)])
    (made.folder / "rows.parquet").write_bytes((other.folder / "rows.parquet").read_bytes())
    page = drawn(folder, "evalset", errors=True, address={"e.set": "e.evalset"})
    assert any("holds other rows" in error.value for error in page.error)


def test_a_look_after_the_page_was_drawn_is_on_it_when_it_is_drawn_again(folder, drawn):
    evalset = made_evalset(folder.parent / "e.evalset", [{"messages": f"q {i}", "label": "a"} for i in range(30)])
    for who in (["ann"], ["ann", "bob"]):
        touch(evalset, candidate=f"of {who[-1]}", part="ship", run="r", by=who[-1])
        assert sorted(drawn(folder, "evalset").dataframe[-1].value["by"].to_list()) == who
