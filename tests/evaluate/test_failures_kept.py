"""Kinds of failure that stay with their eval set, and a second asking that says what it is said to say."""

import json

import pytest
from vetset.curate.errors import UsageError
from vetset.evaluate.failing.finding import find_failures
from vetset.evaluate.failing.same_model import check_same_model
from vetset.evaluate.failing.taxonomy import read_taxonomy, save_taxonomy
from vetset.evaluate.failing.taxonomy_place import known_kinds, taxonomy_file
from vetset.evaluate.models.canned import CannedModel
from vetset.evaluate.models.openai_client import OpenAIModel
from vetset.tests.evaluate.runs_made import made_evalset, made_run
from vetset.tests.evaluate.test_failures import complaints, judged, wrong

LOCAL = {"kind": "transformers", "weights": "w1", "adapter": "a1", "template": "t1", "dtype": "float32"}
SERVED = {"kind": "openai", "url": "http://localhost:8000/v1", "model": "base"}


class Named:
    """A model that only says who it is."""

    name = "other"

    def __init__(self, identity):
        self.told = identity

    def identity(self):
        return self.told


@pytest.fixture
def evalset(tmp_path):
    return made_evalset(tmp_path / "a.evalset", complaints())


def run_of(tmp_path, evalset, name="one", **manifest):
    return made_run(tmp_path / f"{name}.run", evalset, [0.0] * 36, outputs=wrong(evalset.rows), **manifest)


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        (LOCAL, LOCAL | {"weights": "w2"}, "its weights are another"),
        (LOCAL, LOCAL | {"adapter": None}, "its adapter is another"),
        (LOCAL, SERVED, "its kind is another"),
        (SERVED, SERVED | {"model": "tuned"}, "its model is another"),
    ],
)
def test_another_model_is_not_asked_why_this_one_failed(was, now, said, tmp_path, evalset):
    run = run_of(tmp_path, evalset, model={"name": "mine", "identity": was})
    with pytest.raises(UsageError, match=f"'other', and .*one.run was answered by 'mine' .{said}"):
        check_same_model(run, Named(now))


def test_another_model_is_refused_before_anything_is_asked(tmp_path, evalset):
    run = run_of(tmp_path, evalset, model={"name": "base", "identity": SERVED})
    with pytest.raises(UsageError, match="name the model that failed"):
        judged(run, evalset, CannedModel({"*": "x"}))
    assert check_same_model(run, OpenAIModel("base", "http://localhost:8000/v1")) == []


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        (SERVED, SERVED | {"url": "http://elsewhere:1/v1"}, "differs from that of the run in url"),
        (LOCAL, LOCAL | {"dtype": "bfloat16", "template": "t2"}, "differs from that of the run in dtype, template"),
        ({"imported_from": "promptfoo", "provider": "acme"}, LOCAL, "doesn't say which model gave its answers"),
        ({"kind": "recorded", "digest": "d"}, SERVED, "doesn't say which model gave its answers"),
        ({}, SERVED, "doesn't say which model gave its answers"),
    ],
)
def test_what_can_not_be_checked_or_hardly_matters_is_said(was, now, said, tmp_path, evalset):
    (note,) = check_same_model(run_of(tmp_path, evalset, model={"name": "mine", "identity": was}), Named(now))
    assert said in note


def test_an_answer_that_may_be_copied_shows_no_retrieval(tmp_path, evalset):
    label = dict(evalset.rows.select("id", "label").iter_rows())
    gold = {
        row: {"card": "card", "soup": "It is soup.", "train": "The delayed train is the topic."}[label[row]]
        for row in label
    }
    model = CannedModel(
        lambda request: next(topic for topic in ("soup", "train", "card") if topic in request.messages[-1].content)
    )
    _, found = judged(run_of(tmp_path, evalset), evalset, model, gold=gold)
    assert {found.causes[row] for row in label if label[row] == "train"} == {"retrieval"}
    assert {found.causes[row] for row in label if label[row] != "train"} == {"unknown"}
    assert len(model.asked) == 12
    assert any("24 failures were not asked again" in note for note in found.notes)


def test_each_eval_set_has_its_own_kinds_and_those_of_the_shared_file_are_taken_over(tmp_path, evalset):
    other = made_evalset(
        tmp_path / "b.evalset", [{"messages": f"sum {i} and {i + 1}", "label": str(2 * i + 1)} for i in range(36)]
    )
    mine, theirs = run_of(tmp_path, evalset), made_run(tmp_path / "sums.run", other, [0.0] * 36, outputs=["no"] * 36)
    assert taxonomy_file(mine).name == "failures-a.json"
    assert taxonomy_file(theirs).name == "failures-b.json"
    assert known_kinds(mine) == (read_taxonomy(tmp_path / "none.json"), None)
    first = find_failures(mine, evalset.rows).taxonomy.named({"F1": "lost"})
    both = find_failures(theirs, other.rows, taxonomy=first).taxonomy
    assert len(both.kinds) > len(first.kinds)
    save_taxonomy(tmp_path / "failures.json", both)
    before = (tmp_path / "failures.json").read_bytes()
    taken, said = known_kinds(mine)
    assert [kind.name for kind in taken.kinds] == [kind.name for kind in first.kinds]
    assert (set(taken.seen), taken.next) == ({"one"}, both.next)
    assert f"{len(first.kinds)} of {len(both.kinds)} kinds were taken over" in said
    again = find_failures(mine, evalset.rows, taxonomy=taken)
    assert again.kind_of == find_failures(mine, evalset.rows, taxonomy=first).kind_of
    save_taxonomy(taxonomy_file(mine), again.taxonomy)
    assert known_kinds(mine) == (read_taxonomy(taxonomy_file(mine)), None)
    assert {name for kind in known_kinds(theirs)[0].kinds for name in kind.runs} == {"sums"}
    assert (tmp_path / "failures.json").read_bytes() == before
    refreshed = made_run(
        tmp_path / "later.run", evalset, [0.0] * 36, evalset={**mine.manifest["evalset"], "digest": "new"}
    )
    assert taxonomy_file(refreshed) == taxonomy_file(mine)
    assert (
        taxonomy_file(made_run(tmp_path / "odd.run", evalset, [0.0] * 36, evalset={"name": "../x/y"})).name
        == "failures-x-y.json"
    )


def test_what_older_kinds_took_in_is_said_with_its_count(tmp_path, evalset):
    first = find_failures(run_of(tmp_path, evalset), evalset.rows)
    assert first.absorbed == 0
    assert not first.notes
    second = find_failures(run_of(tmp_path, evalset, "two"), evalset.rows, taxonomy=first.taxonomy)
    taken = sum(len(group.ids) for group in second.groups if group.kind.id != "other")
    assert second.absorbed == taken > 30
    assert f"{taken} of 36 wrong answers were taken for kinds that earlier runs brought" in second.notes[0]
    assert second.summary()["absorbed"] == taken
    assert json.dumps(
        find_failures(run_of(tmp_path, evalset), evalset.rows, taxonomy=first.taxonomy).summary()
    ) == json.dumps(first.summary())
