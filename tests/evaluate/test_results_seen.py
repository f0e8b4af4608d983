"""What the ledger knows of results: an edited file ships nothing, and other answers behind one name are another look."""

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetset.curate.errors import GateError, UsageError
from vetset.evaluate.evalsets.evalset import EvalSet
from vetset.evaluate.evalsets.seen import answers_digest, manifest_digest, pins_weights, results_digest, unanswered
from vetset.evaluate.evalsets.touches import looks, touch, touches
from vetset.evaluate.models.canned import CannedModel
from vetset.evaluate.models.protocol import Answer
from vetset.evaluate.runs.harness import evaluate
from vetset.evaluate.runs.results import Run
from vetset.evaluate.scorers.case import Scorer
from vetset.evaluate.scorers.exact_match import score_normalised
from vetset.evaluate.verdicts.comparing import compare
from vetset.tests.evaluate.runs_made import made_evalset

EXACT = Scorer("normalised", "normalised", score_normalised)
ROWS = 300
SERVER = {"kind": "openai", "url": "http://localhost:8000/v1", "model": "ft"}
WAIVED = dict.fromkeys(("forgetting", "cheaper", "contamination", "training rows"), "not what this test is about")


@pytest.fixture
def letters(tmp_path):
    rows = [{"messages": f"say {i}{letter}", "label": letter} for i, letter in enumerate("abc" * (ROWS // 3))]
    return made_evalset(tmp_path / "l.evalset", rows)


class Served(CannedModel):
    """A model behind a name: right on a share of the rows, whatever weights stand there today."""

    def __init__(self, right, *, name="ft", gone=()):
        super().__init__(lambda request: self._say(request.messages[-1].content.split()[1]), name=name)
        self.right, self.gone = right, gone
        self._identity = {**SERVER, "model": name}

    def _say(self, word):
        number, letter = int(word[:-1]), word[-1]
        if number in self.gone:
            return Answer(finish="error", error="gone")
        return letter if number % 10 < self.right else "z"


def scored(letters, model, *, journal="journal.jsonl", **options):
    folder = letters.folder.parent
    return evaluate(letters, model, part="ship", scorers=[EXACT], out=folder, journal=folder / journal, **options)


def pair_of(letters):
    return scored(letters, Served(5, name="base"), baseline=True), scored(letters, Served(8))


def edited(run, which):
    """Make all answers of a run right, or wrong, in its file."""
    rows = pl.read_parquet(run.folder / "results.parquet")
    rows = rows.with_columns(pl.lit(which).alias("score.normalised"))
    rows.write_parquet(run.folder / "results.parquet")
    return Run.open(run.folder)


def test_results_that_nobody_touched_are_those_the_ledger_saw(letters):
    verdict = compare(*pair_of(letters), waivers=WAIVED)
    assert verdict.word == "ship"
    assert next(gate for gate in verdict.gates if gate.name == "results").state == "holds"


def test_a_candidate_whose_results_were_edited_is_refused(letters):
    one, other = pair_of(letters)
    with pytest.raises(GateError, match=r"ft-bare\S*\.run/results\.parquet was changed after it was scored"):
        compare(one, edited(other, 1.0), waivers=WAIVED)


def test_a_baseline_whose_results_were_edited_is_refused(letters):
    one, other = pair_of(letters)
    with pytest.raises(GateError, match=r"base-bare\S*\.run/results\.parquet was changed"):
        compare(edited(one, 0.0), other, waivers=WAIVED)


@pytest.mark.parametrize(
    "change",
    [
        {"train": {"set": "t.jsonl", "digest": "d", "rows": 9000, "checked": True, "overlap": 0}},
        {"model": {"name": "another", "identity": {**SERVER, "model": "ft"}}},
        {"prompt": {"digest": "p"}}, {"rung": "few-shot"}, {"scorers": []}, {"samples": 3},
    ],
)  # fmt: skip
@pytest.mark.parametrize("which", [0, 1])
def test_a_run_whose_manifest_was_edited_is_refused(letters, change, which):
    runs = list(pair_of(letters))
    path = runs[which].folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    runs[which] = Run.open(runs[which].folder)
    with pytest.raises((GateError, UsageError), match=r"run\.json was changed after|has the spec"):
        compare(*runs, waivers=WAIVED)


def test_a_manifest_that_was_moved_or_made_later_is_the_same_and_an_older_ledger_is_told(letters):
    one, other = pair_of(letters)
    path = other.folder / "run.json"
    told = json.loads(path.read_text())
    path.write_text(json.dumps(dict(sorted(told.items())) | {"at": "2030-01-01T00:00:00+00:00", "by": "bob"}))
    assert compare(one, Run.open(other.folder), waivers=WAIVED).word == "ship"
    assert manifest_digest(told | {"by": "x"}) == manifest_digest(told) != manifest_digest(told | {"train": {}})
    ledger = letters.folder / "touches.jsonl"
    ledger.write_text(ledger.read_text().splitlines()[0] + "\n")
    for run, rung in ((one, "bare"), (other, None)):
        touch(
            letters, candidate=run.manifest["candidate"], part="ship", run=run.folder.name, by="ann", rung=rung,
            results=run.results, identity=SERVER,
        )  # fmt: skip
    verdict = compare(one, other, waivers=WAIVED)
    assert (verdict.word, next(gate.state for gate in verdict.gates if gate.name == "results")) == ("hold", "missing")


def test_a_file_that_was_written_anew_with_the_same_values_is_the_same(letters):
    one, other = pair_of(letters)
    path = other.folder / "results.parquet"
    pl.read_parquet(path).reverse().write_parquet(path, compression="gzip")
    assert compare(one, Run.open(other.folder), waivers=WAIVED).word == "ship"


def test_a_ledger_of_an_older_vetset_says_what_is_missing(letters):
    one, other = pair_of(letters)
    path = letters.folder / "touches.jsonl"
    first = path.read_text().splitlines()[0]
    path.write_text(first + "\n")
    for run, rung in ((one, "bare"), (other, None)):
        touch(letters, candidate=run.manifest["candidate"], part="ship", run=run.folder.name, by="ann", rung=rung)
    assert all("results" not in json.loads(line) for line in path.read_text().splitlines())
    verdict = compare(one, other, waivers=WAIVED)
    gate = next(gate for gate in verdict.gates if gate.name == "results")
    assert (verdict.word, gate.state) == ("hold", "missing")
    assert "older vetset" in gate.said
    with pytest.raises(UsageError, match="the gate results can't be waived"):
        compare(one, other, waivers=WAIVED | {"results": "they were made before"})
    for run in (Served(5, name="base"), Served(8)):
        scored(letters, run, baseline=run.name == "base")
    assert compare(one, other, waivers=WAIVED).word == "ship", "the next step that was said helps"
    assert len(looks(letters, "ship")) == 1, "the older line is of the same look"


def test_checkpoints_behind_one_name_are_a_look_each(letters):
    for right, journal in ((5, "a"), (6, "b"), (7, "c"), (7, "c"), (7, "d")):
        scored(letters, Served(right), journal=journal)
    assert len(looks(letters, "ship")) == 3
    assert len({one.candidate for one in touches(letters)}) == 1


def test_a_checkpoint_that_was_called_a_baseline_is_a_look_of_the_one_that_was_picked(letters):
    scored(letters, Served(5, name="base"), baseline=True, journal="base")
    for right in (5, 6, 7):
        scored(letters, Served(right), journal=str(right), baseline=True)
    assert looks(letters, "ship") == []
    scored(letters, Served(7), journal="7")
    assert len(looks(letters, "ship")) == 3


def test_answers_that_came_late_are_no_other_look_and_what_they_completed_is_held_against(letters):
    scored(letters, Served(5, gone=range(1, ROWS)))  # one answer alone
    scored(letters, Served(5, gone=range(9)))
    scored(letters, Served(5))
    assert len(looks(letters, "ship")) == 1
    scored(letters, Served(6), journal="other")  # alike in the row that was answered first
    assert len(looks(letters, "ship")) == 2


def test_weights_that_a_digest_pins_are_one_look_whatever_they_answer(letters):
    for right in (5, 6):
        model = Served(right)
        model._identity = {"kind": "transformers", "weights": "sha256:1"}
        scored(letters, model, journal=str(right))
    assert len(looks(letters, "ship")) == 1
    assert pins_weights({"kind": "recorded", "digest": "d"})
    assert not pins_weights({"imported_from": "inspect"})


def test_another_scorer_is_no_other_look(letters):
    scored(letters, Served(5))
    other = Scorer("other", "other", score_normalised)
    run = evaluate(
        letters, Served(5), part="ship", scorers=[other], out=letters.folder.parent, name="x",
        journal=letters.folder.parent / "journal.jsonl",
    )  # fmt: skip
    assert len(looks(EvalSet.open(letters.folder), "ship")) == 1
    assert touches(letters)[-1].results == results_digest(run.results)


LINES = st.lists(
    st.tuples(st.text(max_size=3), st.integers(0, 3), st.none() | st.text(max_size=4), st.none() | st.floats(0, 1)),
    max_size=5,
)


def table(lines):
    columns = {"id": pl.String, "sample": pl.Int32, "output": pl.String, "score.x": pl.Float64}
    return pl.DataFrame(lines, schema=columns, orient="row").with_columns(status=pl.lit("ok"))


@given(LINES, LINES, st.randoms())
def test_digests_are_alike_exactly_where_the_lines_are(one, other, draw):
    mixed = draw.sample(one, len(one))
    assert results_digest(table(one)) == results_digest(table(mixed))
    assert (results_digest(table(one)) == results_digest(table(other))) == (
        sorted(map(repr, one)) == sorted(map(repr, other))
    )


def test_what_never_came_is_no_answer():
    rows = table([("a", 0, "x", 1.0), ("b", 0, None, None)]).with_columns(status=pl.Series(["ok", "error"]))
    assert unanswered(rows) == ("b",)
    assert answers_digest(rows) == answers_digest(rows.head(1)) == answers_digest(rows, but=["b"])
    assert answers_digest(rows) != answers_digest(rows, but=["a"])
