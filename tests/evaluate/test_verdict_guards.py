"""What a careless or a clever hand could do to get a ship: none of it does."""

import json

import numpy as np
import polars as pl
import pytest
from vetset.curate.errors import DataError, GateError, UsageError
from vetset.evaluate.evalsets.ageing import status
from vetset.evaluate.evalsets.evalset import EvalSet
from vetset.evaluate.runs.results import Run, save_run
from vetset.evaluate.runs.training_data import check_training_data
from vetset.evaluate.verdicts.comparing import compare, save_verdict
from vetset.tests.evaluate.runs_made import made_evalset, made_run, noted

TRAINED = {"train": {"set": "a.vet", "digest": "d", "rows": 2000, "checked": True, "overlap": 0}}
WAIVED = {"forgetting": "not what this test is about", "cheaper": "not what this test is about"}
ROWS = 400


@pytest.fixture
def evalset(tmp_path):
    """A frozen ship part, in which every row is its own cluster."""
    rows = [{"messages": f"ticket {i}", "label": "abc"[i % 3], "source": "xy"[i % 2]} for i in range(ROWS)]
    return made_evalset(tmp_path / "e.evalset", rows)


def pair_of(evalset, *, known=True, one=(), **other):
    """Return a baseline with 60% and a candidate with 80%, both on all rows."""
    place = evalset.folder.parent
    before = [float(i % 5 < 3) for i in range(ROWS)]
    after = [float(i % 5 < 4) for i in range(ROWS)]
    first = made_run(place / "base.run", evalset, before, outputs=["no"] * ROWS, **dict(one))
    second = made_run(
        place / "new.run", evalset, after, **({"outputs": [f"a {i}" for i in range(ROWS)]} | TRAINED | other)
    )
    noted(first, evalset, baseline=True)
    return first, noted(second, evalset) if known else second


def changed(run, results=None, **manifest):
    """Write a run over, and note it as one that was scored so: what a clever hand can do."""
    now = save_run(run.folder, {**run.manifest, **manifest}, run.results if results is None else results)
    return noted(now, EvalSet.open(run.folder.parent / "e.evalset"), baseline=run.name == "base")


def state(verdict, name):
    return next(gate.state for gate in verdict.gates if gate.name == name)


def ladder(folder, evalset, *rungs, scorer="exact", part="ship", failed=0, unscored=0, file="ladder.json"):
    """Write a ladder of runs that stand in the folder."""
    told = [
        {"rung": rung, "run": run, "candidate": False, "score": 0.6, "low": 0.5, "high": 0.7, "rows": ROWS, "failed": failed,
         "unscored": unscored, "tokens": 1.0, "seconds": 1.0, "cost": None}
        for rung, run in rungs
    ]  # fmt: skip
    of = {"name": "e", "digest": evalset.digest, "part": part}
    text = {"format": 1, "evalset": of, "scorer": scorer, "best_cheaper": rungs[0][1], "candidate": None, "rungs": told}
    (folder / file).write_text(json.dumps(text))


def test_the_plain_case_ships(evalset):
    assert compare(*pair_of(evalset), waivers=WAIVED).word == "ship"


def test_a_candidate_that_the_ledger_does_not_know_may_be_the_best_of_many(evalset):
    verdict = compare(*pair_of(evalset, known=False), waivers=WAIVED)
    assert (verdict.word, state(verdict, "looks")) == ("hold", "missing")


def test_runs_that_leave_out_rows_are_refused(evalset):
    for run in pair_of(evalset):
        changed(run, run.results.head(ROWS - 20))
    with pytest.raises(DataError, match="leave out 20 rows"):
        compare(evalset.folder.parent / "base.run", evalset.folder.parent / "new.run", waivers=WAIVED)


def test_weights_clusters_and_slices_are_those_of_the_frozen_set(evalset):
    one, other = pair_of(evalset)
    before = compare(one, other, waivers=WAIVED).gain
    heavy = np.where(other.results["score.exact"].to_numpy() > 0, 1000.0, 0.001)
    edited = other.results.with_columns(weight=pl.Series(heavy), cluster=pl.lit("one"), source=pl.lit("elsewhere"))
    after = compare(one, changed(other, edited), waivers=WAIVED)
    assert (after.gain.gain, after.gain.clusters) == (before.gain, ROWS)
    assert "elsewhere" not in [slice.value for slice in after.sliced.slices]


def test_other_references_in_both_runs_are_refused(evalset):
    for run in pair_of(evalset):
        changed(run, run.results.with_columns(reference=pl.lit("a")))
    with pytest.raises(DataError, match="what is right differs between the runs and"):
        compare(evalset.folder.parent / "base.run", evalset.folder.parent / "new.run", waivers=WAIVED)


def test_untrained_is_not_said_of_what_was_trained(evalset):
    with pytest.raises(UsageError, match="names its training data"):
        compare(*pair_of(evalset), untrained=True)
    adapter = {"train": None, "model": {"identity": {"kind": "transformers", "weights": "w", "adapter": "x"}}}
    with pytest.raises(UsageError, match="through an adapter"):
        compare(*pair_of(evalset, **adapter), untrained=True)


@pytest.mark.parametrize(
    "identity", [{"kind": "openai", "url": "u", "model": "m"}, {"kind": "transformers", "weights": "w", "adapter": "x"}]
)
def test_one_name_or_one_adapter_on_both_sides_does_not_say_that_nothing_was_trained(evalset, identity):
    told = {"model": {"identity": identity}}
    verdict = compare(*pair_of(evalset, train=None, one=told, **told), waivers=WAIVED)
    assert {state(verdict, name) for name in ("contamination", "training rows")} == {"missing"}


def test_the_same_local_weights_under_another_prompt_are_asked_nothing_of_training(evalset):
    told = {"model": {"identity": {"kind": "transformers", "weights": "w", "adapter": None}}}
    verdict = compare(*pair_of(evalset, train=None, one=told, **told), waivers={"cheaper": "it is the cheaper way"})
    assert verdict.word == "ship"


def test_training_data_that_the_run_does_not_name_is_refused(evalset, tmp_path):
    (tmp_path / "t.jsonl").write_text("".join(json.dumps({"text": f"row {i}", "label": "a"}) + "\n" for i in range(30)))
    with pytest.raises(UsageError, match="is not what"):
        compare(*pair_of(evalset), train=tmp_path / "t.jsonl", waivers=WAIVED)


def test_training_data_that_changed_since_the_run_was_made_is_not_measured_and_gone_it_is_told(evalset, tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps({"text": f"row {i}", "label": "a"}) + "\n" for i in range(600)))
    runs = pair_of(evalset, train=check_training_data(path, evalset.rows, name="e").said())

    def gate():
        return next(one for one in compare(*runs, waivers=WAIVED).gates if one.name == "contamination")

    assert (gate().state, gate().said.count("any more")) == ("holds", 0)
    whole = path.read_text()
    path.write_text(whole + json.dumps({"text": "one more", "label": "a"}) + "\n")
    assert gate().state == "missing"
    assert "t.jsonl has changed" in gate().said
    path.write_text("")
    assert gate().state == "missing"
    path.unlink()
    assert gate().state == "holds"
    assert "t.jsonl is not there any more" in gate().said


def test_what_another_model_forgot_counts_for_nothing(evalset):
    one, other = pair_of(evalset)
    (other.folder / "forgetting.json").write_text(
        json.dumps({"base": "b", "candidate": "c", "base_digest": "1", "candidate_digest": "2", "suite": "3",
                    "items": [], "texts": [], "format": 1})
    )  # fmt: skip
    assert state(compare(one, other), "forgetting") == "missing"


def test_a_ladder_counts_where_it_is_of_these_rows_this_scorer_and_more_than_the_bare_prompt(evalset):
    one, other = pair_of(evalset)
    place = evalset.folder.parent
    told = {"forgetting": "not what this test is about"}
    ladder(place, evalset, ("bare", "base.run"), ("few-shot", "base.run"))
    assert compare(one, other, waivers=told).word == "ship"
    for options in ({"scorer": "number"}, {"part": "dev"}, {"failed": 2}):
        ladder(place, evalset, ("bare", "base.run"), ("few-shot", "base.run"), **options)
        assert state(compare(one, other, waivers=told), "cheaper") == "missing", options
    ladder(place, evalset, ("bare", "base.run"))
    assert state(compare(one, other, waivers=told), "cheaper") == "missing"
    made_run(place / "shots.run", evalset, [float(i % 5 < 4) for i in range(ROWS)])
    ladder(place, evalset, ("few-shot", "shots.run"), ("bare", "base.run"))
    assert state(compare(one, other, waivers=told), "cheaper") == "fails", "its score is computed from its run"
    ladder(place, evalset, ("few-shot", "base.run"), file="other-ladder-ship.json")
    assert state(compare(one, other, waivers=told), "cheaper") == "fails", "the best of all ladders has to be beaten"
    assert compare(one, other, waivers=told, ladder=place / "other-ladder-ship.json").word == "ship"
    ladder(place, evalset, ("few-shot", "shots.run"), part="dev")
    assert compare(one, other, waivers=told).word == "ship", "a ladder of the other part is passed over"


def test_a_baseline_that_was_cut_off_is_no_baseline(evalset):
    cut = {"statuses": ["truncated" if i % 5 > 2 else "ok" for i in range(ROWS)]}
    verdict = compare(*pair_of(evalset, one=cut), waivers=WAIVED)
    assert (verdict.word, state(verdict, "format")) == ("hold", "missing")


def test_a_gain_that_is_left_with_all_cut_answers_taken_for_right_is_no_work_of_the_limit(evalset):
    some = {"statuses": ["truncated" if i % 20 == 4 else "ok" for i in range(ROWS)]}
    verdict = compare(*pair_of(evalset, one=some), waivers=WAIVED)
    found = next(gate for gate in verdict.gates if gate.name == "format")
    assert (verdict.word, found.state) == ("ship", "holds")
    assert found.figures["gain_at_least"] == pytest.approx(verdict.gain.gain - 0.05) == pytest.approx(0.15)
    assert found.figures["low"] > 0
    more = {"statuses": ["truncated" if i % 5 == 4 else "ok" for i in range(ROWS)]}
    few = compare(*pair_of(evalset, one=more), waivers=WAIVED)
    assert (few.gain.low > 0, state(few, "format")) == (True, "missing"), "nothing may be left of it but the limit"


def test_a_rung_that_was_mostly_cut_off_is_told(evalset):
    one, other = pair_of(evalset)
    made_run(one.folder.parent / "think.run", evalset, [0.0] * ROWS, statuses=["truncated"] * 300 + ["ok"] * 100)
    ladder(one.folder.parent, evalset, ("few-shot", "base.run"), ("reasoning", "think.run"), unscored=300)
    said = next(gate for gate in compare(one, other, waivers=WAIVED).gates if gate.name == "cheaper").said
    assert said.endswith("reasoning cut off in 75%")


def test_a_slice_that_is_not_there_is_refused_and_others_are_added_to_the_usual(evalset):
    runs = pair_of(evalset)
    with pytest.raises(
        UsageError, match=r"'chanel' is no column .* source \('x', 'y'\), .* --by` named stand in stratum"
    ):
        compare(*runs, slices=["chanel"])
    assert {one.column for one in compare(*runs, slices=["reference"]).sliced.slices} >= {"label", "source"}


def test_a_score_that_an_imported_run_has_not_is_had_by_importing_it_again(evalset):
    foreign = {"imported": {"from": "promptfoo"}, "scorer": "label", "spec": "promptfoo:label"}
    one, other = pair_of(evalset, one={"scorer": "class"}, **foreign)
    with pytest.raises(UsageError, match=r"vetset runs import LOG --on EVALSET -o \S*new\.run --scorer class`"):
        compare(one, other)
    with pytest.raises(UsageError, match=r"vetset runs import LOG --on EVALSET -o \S*new\.run --scorer class`"):
        compare(one, other, scorer="class")
    one, other = pair_of(evalset, one={"scorer": "class"}, **foreign | {"scorer": "class", "spec": "exported:class"})
    with pytest.raises(UsageError, match=r"vetset runs import LOG --on EVALSET -o \S*new\.run --scorer class`"):
        compare(one, other)


def test_every_sample_counts_for_the_format(evalset):
    one, other = pair_of(evalset)
    second = other.results.with_columns(
        sample=pl.lit(1, pl.Int32), status=pl.lit("unparsed"), **{"score.exact": pl.lit(None, pl.Float64)}
    )
    verdict = compare(one, changed(other, pl.concat([other.results, second])), waivers=WAIVED)
    assert state(verdict, "format") == "fails"
    assert next(gate for gate in verdict.gates if gate.name == "format").figures["candidate"] == pytest.approx(0.5)


def test_a_time_that_is_not_known_is_not_a_short_one(evalset):
    one, other = pair_of(evalset)
    some = other.results.with_columns(seconds=pl.when(pl.int_range(pl.len()) == 0).then("seconds"))
    verdict = compare(one, changed(other, some), waivers=WAIVED, budgets={"seconds": 1.0})
    assert state(verdict, "latency") == "missing"


def test_laxer_budgets_are_told_and_have_a_floor(evalset):
    runs = pair_of(evalset)
    assert "margin 0.01" in compare(*runs, waivers=WAIVED, budgets={"margin": 0.01}).reason
    assert "budgets" not in compare(*runs, waivers=WAIVED, budgets={"margin": 0.1}).reason
    with pytest.raises(UsageError, match="confidence"):
        compare(*runs, budgets={"confidence": 0.5})


def test_new_results_take_the_old_verdict_away(evalset):
    runs = pair_of(evalset)
    save_verdict(compare(*runs, waivers=WAIVED), *runs, evalset=evalset)
    assert (runs[1].folder / "verdict.json").exists()
    changed(runs[1])
    assert not (runs[1].folder / "verdict.json").exists()


def test_a_run_that_was_damaged_is_a_sentence(evalset):
    one, other = pair_of(evalset)
    other.results.drop("seconds").write_parquet(other.folder / "results.parquet")
    with pytest.raises(DataError, match="lacks the column seconds"):
        compare(one, other.folder)
    (other.folder / "run.json").write_text("[]")
    with pytest.raises(DataError, match="damaged"):
        Run.open(other.folder)


CLOSE = "the customer of ticket {} wrote again today about the parcel that was sent to the old address in the north last week"


def test_eval_compare_and_status_agree_on_what_is_too_close(tmp_path):
    rows = [{"messages": CLOSE.format(f"number {i} " + "abcdefghij"[i] * 9), "label": "a"} for i in range(10)]
    rows += [{"messages": f"something else {i}", "label": "b", "group": f"user {i}"} for i in range(ROWS - 10)]
    evalset = made_evalset(tmp_path / "e.evalset", rows)
    path = tmp_path / "train.jsonl"
    learnt = [
        {
            "text": f"Hello, my name is Bob. {CLOSE.format('x')} and I would like to know what became of it.",
            "label": "a",
        },
        *({"text": f"an own text {i} of nobody", "label": "b", "user": f"user {i}"} for i in range(600)),
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in learnt))
    found = check_training_data(path, evalset.rows, name="e")
    told = status(evalset, train=path).overlap
    assert found.overlap == told.height > 0
    assert set(told["rule"]) & {"leakage.ngram", "leakage.contained"}
    assert f"{path} line 1" in found.note
    one, other = pair_of(evalset, train={"set": str(path), "digest": found.digest, "rows": found.rows})
    verdict = compare(one, other, train=path, waivers=WAIVED)
    gate = next(gate for gate in verdict.gates if gate.name == "contamination")
    assert (verdict.word, gate.state, gate.figures) == ("hold", "fails", {"rows": told.height})
    learnt[0]["text"] = rows[0]["messages"]
    path.write_text("".join(json.dumps(line) + "\n" for line in learnt))
    with pytest.raises(
        GateError, match=r"1 row that e asks \(1 the same, 0 near copies; one is .*train\.jsonl line 1\)"
    ):
        check_training_data(path, evalset.rows, name="e")
