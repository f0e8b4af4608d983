"""Imported scores that a model gave stand for no verdict, and answers from elsewhere are scored anew by vetset's scorers."""

import json

import pytest
from vetset.curate.errors import DataError, GateError, UsageError
from vetset.evaluate.evalsets.touches import looks
from vetset.evaluate.interchange.exporting import export
from vetset.evaluate.interchange.importing import import_run
from vetset.evaluate.models.canned import CannedModel
from vetset.evaluate.runs.harness import evaluate
from vetset.evaluate.scorers.registry import scorer
from vetset.evaluate.verdicts.comparing import compare
from vetset.tests.evaluate.test_interchange import DATA, LOGS, evalset_of
from vetset.tests.evaluate.test_interchange_files import log, sample
from vetset.tests.evaluate.test_interchange_kept import promptfoo


@pytest.fixture
def tickets(tmp_path):
    return evalset_of(tmp_path / "tickets.evalset", json.loads((DATA / "rows.json").read_text(encoding="utf-8")))


def graded(kind, metric=None, inside=None):
    one = {"type": kind} | ({"metric": metric} if metric else {})
    return {
        "testCase": {"assert": [{"type": "assert-set", "assert": [one]} if inside else one]},
        "namedScores": {metric: 1.0} if metric else {},
    }


def inspect_log(path, score, *, name="quality", **spec):
    """A log of Inspect's with one score a sample."""
    samples = [
        {
            "id": n, "epoch": 1, "input": f"q{n}", "target": "yes", "metadata": {},
            "output": {"choices": [{"message": {"content": "yes"}, "stop_reason": "stop"}]}, "scores": {name: score},
        }
        for n in range(3)
    ]  # fmt: skip
    told = {"version": 2, "status": "success", "eval": {"task": "qa", "model": "m", **spec}, "samples": samples}
    path.write_text(json.dumps(told), encoding="utf-8")
    return path


def spec_of(run):
    return next(one["spec"] for one in run.manifest["scorers"] if one["name"] == run.manifest["primary"])


@pytest.mark.parametrize(
    "kind", ["llm-rubric", "not-llm-rubric", "g-eval", "factuality", "promptfoo:redteam:hijacking"]
)
@pytest.mark.parametrize(("metric", "inside"), [(None, False), ("kindness", False), ("kindness", True), (None, True)])
def test_what_promptfoo_asks_a_model_is_a_judges(kind, metric, inside, tmp_path):
    result = import_run([promptfoo(tmp_path / "p.json", graded(kind, metric, inside))], tmp_path / "p.run")
    assert result.run.manifest["primary"] == (metric or "pass")
    specs = {one["name"]: one["spec"] for one in result.run.manifest["scorers"]}
    assert set(specs.values()) == {f"judge:promptfoo:{name}" for name in specs}
    assert any(f"a model's verdict ({kind})" in note for note in result.notes)


def test_a_rule_beside_a_judge_stays_a_rule(tmp_path):
    asserted = [{"type": "equals", "metric": "same"}, {"type": "llm-rubric", "metric": "kind"}, {"type": "similar"}]
    one = {"testCase": {"assert": asserted}, "namedScores": {"same": 1, "kind": 0}}
    run = import_run([promptfoo(tmp_path / "p.json", one)], tmp_path / "p.run").run
    specs = {one["name"]: one["spec"].partition(":")[0] for one in run.manifest["scorers"]}
    assert specs == {"same": "promptfoo", "kind": "judge", "pass": "judge", "score": "judge"}
    asserted = [{"type": "equals"}, {"type": "similar"}, {"type": "javascript"}]
    run = import_run([promptfoo(tmp_path / "r.json", {"testCase": {"assert": asserted}})], tmp_path / "r.run").run
    assert spec_of(run) == "promptfoo:pass"


@pytest.mark.parametrize(
    ("score", "name", "spec", "judged"),
    [
        ({"value": "C"}, "model_graded_qa", {}, True),
        ({"value": "C"}, "model_graded_fact1", {}, True),
        ({"value": "C"}, "quality", {"scorers": [{"name": "inspect_ai/model_graded_qa"}]}, True),
        ({"value": "C", "metadata": {"grading": [{"role": "user", "content": "grade"}]}}, "quality", {}, True),
        ({"value": {"tone": 1.0}, "metadata": {"grading": []}}, "quality", {}, True),
        ({"value": "C"}, "quality", {"model_roles": {"grader": {"model": "big"}}}, True),
        ({"value": "C"}, "match", {"model_roles": {"grader": {"model": "big"}}}, False),
        ({"value": "C", "metadata": {"seen": 1}}, "quality", {}, False),
    ],
)
def test_what_inspect_has_graded_by_a_model_is_a_judges(score, name, spec, judged, tmp_path):
    run = import_run([inspect_log(tmp_path / "l.json", score, name=name, **spec)], tmp_path / "i.run").run
    assert (spec_of(run).partition(":")[0] == "judge") is judged


def test_scores_of_other_tools_are_judges_by_their_names(tmp_path):
    path = log(tmp_path / "l", [sample(0, metrics=["llm_judge"], llm_judge=1.0)])
    assert spec_of(import_run([path], tmp_path / "l.run").run) == "judge:lm-eval:llm_judge"


def judged_runs(tmp_path):
    made = [graded("llm-rubric") | {"success": n % 3 > 0, "score": float(n % 3 > 0)} for n in range(30)]
    runs = []
    for name in ("base", "new"):
        given = [one | {"provider": {"id": name}, "response": {"output": f"{name} yes"}} for one in made]
        runs.append(import_run([promptfoo(tmp_path / f"{name}.json", *given)], tmp_path / f"{name}.run").run)
    return runs


def test_no_verdict_stands_on_an_imported_judge(tmp_path):
    with pytest.raises(GateError, match=r"judge's of promptfoo, .*import the log again with --scorer"):
        compare(*judged_runs(tmp_path))


@pytest.mark.parametrize("tool", LOGS)
def test_answers_of_every_tool_are_scored_as_vetset_would(tool, tickets, tmp_path):
    run = import_run([LOGS[tool]], tmp_path / "a.run", on=tickets, scorers=["class", "strict=exact"]).run
    answers = dict(run.results.select("id", "output").iter_rows())
    questions = {row["id"]: row["messages"][-1]["content"] for row in tickets.rows.iter_rows(named=True)}
    canned = CannedModel(
        {questions[row]: said for row, said in answers.items() if said is not None} | {"*": "I'm sorry, but I can't."},
        name="c",
    )
    own = evaluate(
        tickets, canned, part="dev", scorers=[scorer("class", labels=sorted(set(tickets.rows["label"]))), scorer("exact")],
        out=tmp_path, name="own",
    )  # fmt: skip
    given = {row["id"]: row for row in run.results.iter_rows(named=True) if row["output"] is not None}
    wanted = {row["id"]: row for row in own.results.iter_rows(named=True) if row["id"] in given}
    for column in ("status", "prediction", "score.class", "reference"):
        assert {row: given[row][column] for row in given} == {row: wanted[row][column] for row in given}, column
    assert run.manifest["primary"] == "class"
    assert {"name": "class", "spec": "class", "version": 1} in run.manifest["scorers"]
    assert {"name": "strict", "spec": "exact", "version": 1} in run.manifest["scorers"]


def test_scored_anew_runs_of_two_tools_and_of_vetset_are_judged_together(tickets, tmp_path):
    runs = [
        import_run([LOGS[tool]], tmp_path / f"{n}.run", on=tickets, scorers=["class"]).run
        for n, tool in enumerate(("promptfoo", "openai-evals"))
    ]
    verdict = compare(*runs, evalset=tickets)
    assert verdict.scorer == "class"
    assert {gate.name: gate.state for gate in verdict.gates}["results"] == "holds"  # the ledger saw them
    assert len(looks(tickets, "dev")) == 2
    import_run([LOGS["promptfoo"]], tmp_path / "0.run", on=tickets, scorers=["exact"])  # no further look at it
    assert len(looks(tickets, "dev")) == 2


def test_a_judged_log_can_be_scored_anew_and_its_own_score_stays_beside(tmp_path):
    path = promptfoo(
        tmp_path / "p.json",
        *(graded("llm-rubric") | {"vars": {"question": f"q{n}", "target": "yes"}} for n in range(2)),
    )
    result = import_run([path], tmp_path / "p.run", scorers=["exact"])
    assert result.run.results["score.exact"].to_list() == [1.0, 1.0]
    assert result.run.results["score.pass"].to_list() == [1.0, 1.0]
    assert spec_of(result.run) == "exact"
    assert not any("verdict" in note for note in result.notes)
    back = import_run([path], tmp_path / "p.run", scorers=["exact"], primary="pass")
    assert any("a model's verdict" in note for note in back.notes)


def test_wrong_scorers_are_refused_before_anything_is_written(tickets, tmp_path):
    for specs, error, said in (
        (["exakt"], UsageError, "did you mean exact"),
        (["exact", "exact"], UsageError, "two scorers are called exact"),
        (["judge:rubric.toml"], UsageError, "needs a model to judge with"),
    ):
        with pytest.raises(error, match=said):
            import_run([LOGS["inspect"]], tmp_path / "a.run", on=tickets, scorers=specs)
    with pytest.raises(DataError, match="has no reference"):
        import_run([promptfoo(tmp_path / "p.json", {})], tmp_path / "a.run", scorers=["exact"])
    assert not (tmp_path / "a.run").exists()
    assert not looks(tickets, "dev")


def test_lm_evals_samples_without_the_results_say_what_is_lost(tmp_path):
    path = log(tmp_path / "llama", [sample(0)])
    (note,) = [note for note in import_run([path], tmp_path / "a.run").notes if "is missing" in note]
    assert str(path.parent / "results_2026-01-01T00-00-00.0.json") in note
    assert "the model is called 'llama'" in note
    (path.parent / "results_2026-01-01T00-00-00.0.json").write_text('{"model_name": "m"}', encoding="utf-8")
    assert not any("is missing" in note for note in import_run([path], tmp_path / "b.run").notes)


@pytest.mark.parametrize(
    ("labels", "match", "said"),
    [
        ([str(n) for n in range(60)], "number", None),
        ([str(n % 30) for n in range(60)], "number", None),  # each twice: sums, and no classes
        (["yes", "no"] * 30, "label", None),
        ([f"answer {n}" for n in range(60)], "exact", "normalised"),
        ([json.dumps({"n": n}) for n in range(60)], "exact", "fields"),
    ],
)
def test_a_task_is_judged_as_eval_would_guess(labels, match, said, tmp_path):
    rows = [
        {"id": f"r{n}", "messages": [{"role": "user", "content": f"q{n}"}], "label": label, "part": "dev"}
        for n, label in enumerate(labels)
    ]
    made = export(evalset_of(tmp_path / "e.evalset", rows), tmp_path / "task", to="promptfoo")
    assert made.out.rule.match == match
    assert [note for note in made.notes if "vetset eval" in note] == [
        note for note in made.notes if said is not None and f"--scorer {said}" in note
    ]
    assert bool(made.notes) is (said is not None)
