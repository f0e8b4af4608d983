"""The kinds of failure that a run of `vetset failures` left, as an axis of a plan."""

import json

import pytest
from vetset.curate.distill.draft import Draft
from vetset.curate.distill.failures import read_failures
from vetset.curate.distill.kinds import KINDS
from vetset.curate.errors import DataError, UsageError
from vetset.evaluate.failing.taxonomy import Kind, Taxonomy, save_taxonomy
from vetset.tests.curate.test_distill_kinds import LOST, prompt, task_of


@pytest.fixture
def taxonomy(tmp_path):
    """The file as vetset writes it, with kinds of every status."""
    kinds = (
        Kind("F1", "not, never", "wrong", words={"not": 0.4, "never": 0.9}, runs={"a": 3, "b": 5}),
        Kind("F2", "dates", "wrong", words={"monday": 1.0}, runs={"a": 9}),
        Kind("F3", "cut off", "truncated", runs={"a": 50}),
        Kind("F4", "no answer", "error", runs={"a": 60}),
        Kind("F5", "prose", "unparsed", runs={"a": 1}),
        Kind("F6", "dates", "refused", runs={"b": 1}),
        Kind("F7", "mail jane.doe@example.com", "wrong", runs={"b": 1}),
    )
    save_taxonomy(tmp_path / "failures.json", Taxonomy(kinds, 8))
    return tmp_path / "failures.json"


def test_kinds_come_by_their_largest_run_and_say_what_they_are(taxonomy):
    found = read_failures(taxonomy)
    assert found.values[:4] == ("dates", "not, never", "prose", "dates (F6)")
    assert dict(found.rows) == dict(zip(found.values, (9, 5, 1, 1, 1), strict=True))
    assert found.about["not, never"] == "the model's answer is wrong; its rows have words such as never, not"
    assert "form" in found.about["prose"]


def test_what_no_row_can_mend_is_left_out_and_personal_data_is_masked(taxonomy):
    told = json.dumps([read_failures(taxonomy).values, dict(read_failures(taxonomy).about)])
    assert "cut off" not in told
    assert "no answer" not in told
    assert "jane.doe" not in told


def test_fewer_kinds_may_be_asked_for(taxonomy):
    assert read_failures(taxonomy, most=1).values == ("dates",)
    assert read_failures(taxonomy, least=5).values == ("dates", "not, never")
    with pytest.raises(DataError, match="no kind of failure"):
        read_failures(taxonomy, least=100)


def test_a_teacher_is_told_the_kind_and_its_meaning(taxonomy):
    found = read_failures(taxonomy)
    task = task_of(LOST, about=found.about)
    asked = KINDS["edge_cases"].make(task)(Draft({"failure": "dates"}, 0, ("r1",)), ())
    assert "of this kind: dates (the model's answer is wrong; its rows have words such as monday)" in prompt(asked[0])


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "7", '{"format": 1}', '{"format": 1, "kinds": [{"id": "F1"}]}', '{"format": 9, "kinds": []}',
     '{"format": 1, "kinds": 3}', "[" * 100_000],
)  # fmt: skip
def test_another_file_is_refused(tmp_path, text):
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(DataError, match=r"other\.json"):
        read_failures(tmp_path / "other.json")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match="vetset failures"):
        read_failures(tmp_path / "none.json")
