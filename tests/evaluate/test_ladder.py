"""The ladder: every cheaper way is a run of its own, and the best of them is what a candidate has to beat."""

import json

import pytest
from vetset.curate.errors import DataError, UsageError
from vetset.evaluate.evalsets.touches import looks
from vetset.evaluate.models.canned import CannedModel
from vetset.evaluate.models.protocol import Answer
from vetset.evaluate.runs.evaluating import eval_ladder
from vetset.evaluate.runs.harness import evaluate
from vetset.evaluate.runs.ladder import Ladder, Rung, best_cheaper_rung, climb, ladders, open_ladder
from vetset.evaluate.runs.naming import default_name
from vetset.evaluate.runs.wanted import Wanted
from vetset.evaluate.scorers.case import Scorer
from vetset.evaluate.scorers.exact_match import score_normalised
from vetset.tests.evaluate.runs_made import made_evalset

EXACT = Scorer("normalised", "normalised", score_normalised)


def rung(name, score, *, candidate=False, tokens=10.0):
    return Rung(name, f"{name}.run", candidate, score, 0.0, 1.0, 10, 0, 0, tokens, 0.1, None)


def test_the_best_cheaper_rung_is_never_the_candidate_and_of_equals_the_one_with_fewer_tokens(tmp_path):
    rungs = [
        rung("bare", 0.4),
        rung("few-shot", 0.6, tokens=90.0),
        rung("rag", 0.6, tokens=50.0),
        rung("candidate", 0.9, candidate=True),
    ]
    ladder = Ladder(tmp_path, {}, "class", rungs)
    assert ladder.best_cheaper.rung == "rag"
    assert ladder.candidate.rung == "candidate"


@pytest.fixture
def letters(tmp_path):
    rows = [{"messages": f"say {letter}", "label": letter} for letter in "abcd" * 3 + "a"]
    return made_evalset(tmp_path / "l.evalset", rows, part=["dev"] * 12 + ["ship"])


def step(letters, out, name, right, *, candidate=False):
    model = CannedModel(
        lambda r: Answer(
            text=r.messages[-1].content[-1] if r.messages[-1].content[-1] in right else "z",
            prompt_tokens=5,
            completion_tokens=1,
        ),
        name=name,
    )
    return name, candidate, lambda: evaluate(letters, model, scorers=[EXACT], out=out, baseline=not candidate)


def test_a_ladder_is_written_opened_again_and_names_its_best_rung(letters, tmp_path):
    out = tmp_path / "runs"
    steps = [
        step(letters, out, "one", "a"),
        step(letters, out, "two", "abc"),
        step(letters, out, "tuned", "abcd", candidate=True),
    ]
    ladder = climb(letters, steps, out=out)
    assert [round(of.score, 2) for of in ladder.rungs] == [0.25, 0.75, 1.0]
    assert open_ladder(out) == ladder
    assert best_cheaper_rung(out).folder == out / "two-bare-dev.run"
    assert ladder.rungs[0].tokens == 6
    assert all(of.low <= of.score <= of.high for of in ladder.rungs)
    assert [touch.run for touch in looks(letters, "dev")] == ["tuned-bare-dev.run"], "rungs cost no candidate a look"


def test_a_ladder_of_the_candidate_alone_is_refused(letters, tmp_path):
    with pytest.raises(UsageError, match="besides the candidate"):
        climb(letters, [step(letters, tmp_path, "tuned", "a", candidate=True)], out=tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 9}, "this vetset reads 1"),
        ({"rungs": [{"rung": "bare"}]}, "is damaged"),
        ({"rungs": "x"}, "is damaged"),
    ],
)
def test_a_ladder_that_can_not_be_read_is_refused(letters, tmp_path, change, said):
    climb(letters, [step(letters, tmp_path, "one", "a")], out=tmp_path)
    path = tmp_path / "ladder-dev.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change), encoding="utf-8")
    with pytest.raises(DataError, match=said):
        best_cheaper_rung(tmp_path)


def test_a_ladder_can_not_point_out_of_its_folder(letters, tmp_path):
    climb(letters, [step(letters, tmp_path, "one", "a")], out=tmp_path)
    path = tmp_path / "ladder-dev.json"
    path.write_text(path.read_text().replace("one-bare-dev.run", "../one-bare-dev.run"), encoding="utf-8")
    with pytest.raises(DataError, match="no run of its folder"):
        best_cheaper_rung(tmp_path)
    with pytest.raises(UsageError, match="--ladder"):
        best_cheaper_rung(tmp_path / "empty")


def test_the_verb_runs_every_rung_that_can_be_had_and_says_which_are_left_out(letters, tmp_path):
    (tmp_path / "canned.json").write_text(json.dumps({"*": "Answer: a"}), encoding="utf-8")
    (tmp_path / "train.csv").write_text(
        "text,label\nplease write the first letter,a\nand now the second,b\n", encoding="utf-8"
    )
    said = []
    wanted = Wanted(
        examples=tmp_path / "train.csv",
        out=tmp_path / "runs",
        scorers=("normalised",),
        candidate=f"canned:{tmp_path}/canned.json",
    )
    ladder = eval_ladder(f"canned:{tmp_path}/canned.json", letters, wanted, say=said.append)
    assert [of.rung for of in ladder.rungs] == ["bare", "few-shot", "reasoning", "candidate"]
    assert ladder.best_cheaper.rung == "reasoning", "its mark is taken off"
    assert any("no RAG rung" in sentence for sentence in said)


def test_a_rung_of_other_examples_takes_the_place_of_the_one_before_and_a_verdict_goes_not_without_a_word(
    letters, tmp_path
):
    model, said = f"canned:{tmp_path}/canned.json", []
    (tmp_path / "canned.json").write_text(json.dumps({"*": "a"}), encoding="utf-8")
    wanted = Wanted(examples=tmp_path / "t.csv", out=tmp_path / "runs", scorers=("normalised",), name="mine")
    for text in ("please write the first letter", "another text of old"):
        (tmp_path / "t.csv").write_text(f"text,label\n{text},a\n", encoding="utf-8")
        eval_ladder(model, letters, wanted, say=said.append)
    assert not any("takes its place" in sentence for sentence in said)
    (tmp_path / "runs" / "mine-few-shot-dev.run" / "verdict.json").write_text("{}")
    (tmp_path / "t.csv").write_text("text,label\nand a third,a\n", encoding="utf-8")
    eval_ladder(model, letters, wanted, say=said.append)
    assert sum("and its verdict" in sentence and "takes its place" in sentence for sentence in said) == 1


@pytest.mark.parametrize("wrong", ["examples", "documents", "prompt"])
def test_what_a_later_rung_lacks_is_said_before_the_first_is_asked(letters, tmp_path, wrong):
    (tmp_path / "canned.json").write_text(json.dumps({"*": "a"}), encoding="utf-8")
    (tmp_path / "examples").write_text("text\nnothing is right here\n", encoding="utf-8")
    model = f"canned:{tmp_path}/canned.json"
    wanted = Wanted(out=tmp_path / "runs", scorers=("normalised",), candidate=model, **{wrong: tmp_path / wrong})
    with pytest.raises((DataError, UsageError), match=r"none of its 1 rows|no such folder|can't be read"):
        eval_ladder(model, letters, wanted, say=lambda said: None)
    assert not (tmp_path / "runs").exists(), "no rung was asked"


@pytest.mark.parametrize("wrong", [{"rung": "bare"}, {"adapter": "a", "candidate": "b"}, {"prompt": "p.txt"}])
def test_what_belongs_to_one_run_is_refused_on_a_ladder(letters, tmp_path, wrong):
    with pytest.raises(UsageError, match=r"ladder|one of them"):
        eval_ladder("canned:x.json", letters, Wanted(out=tmp_path, **wrong), say=print)


def test_ladders_of_both_parts_and_of_two_prefixes_stand_side_by_side(letters, tmp_path):
    (tmp_path / "canned.json").write_text(json.dumps({"*": "Answer: a"}), encoding="utf-8")
    spec, out = f"canned:{tmp_path}/canned.json", tmp_path / "runs"
    for part, name in (("dev", None), ("ship", None), ("ship", "small: one")):
        wanted = Wanted(part=part, name=name, out=out, scorers=("normalised",))
        ladder = eval_ladder(spec, letters, wanted, say=lambda _: None)
        assert open_ladder(ladder.path) == ladder
    assert sorted(path.name for path in out.glob("*ladder*")) == [
        "ladder-dev.json", "ladder-ship.json", "small--one-ladder-ship.json"
    ]  # fmt: skip
    assert sorted(path.name for path in out.glob("*.run")) == [
        "canned-bare-dev.run", "canned-bare-ship.run", "canned-reasoning-dev.run", "canned-reasoning-ship.run",
        "small--one-bare-ship.run", "small--one-reasoning-ship.run",
    ]  # fmt: skip
    assert [ladder.evalset["part"] for ladder in ladders(out)] == ["dev", "ship", "ship"]
    with pytest.raises(UsageError, match="several ladders; name one of"):
        best_cheaper_rung(out)
    assert best_cheaper_rung(out / "ladder-dev.json").manifest["evalset"]["part"] == "dev"


def test_a_long_name_of_a_model_leaves_room_for_rung_and_part():
    assert default_name("m" * 300, "few-shot", "ship").endswith("-few-shot-ship")
    assert default_name("m" * 300, "few-shot", "ship") != default_name("m" * 300, "few-shot", "dev")
