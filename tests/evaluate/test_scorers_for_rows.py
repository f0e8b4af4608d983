"""Scorers and judges asked about made rows: the answer is the last turn, what is right is told by the row it was made from."""

import polars as pl
import pytest
from vetset.curate.calls import Answer
from vetset.curate.dataset import frame
from vetset.curate.distill.budget import REFUSED
from vetset.curate.distill.gates.gate import Batch
from vetset.curate.distill.gates.order import judge_batch
from vetset.curate.distill.gates.wanted import Gates
from vetset.curate.distill.task import Task
from vetset.curate.errors import DataError, GateError, UsageError
from vetset.evaluate.scorers.case import Case
from vetset.evaluate.scorers.for_rows import bench_of, cases_of, checks_of
from vetset.evaluate.scorers.judge import Judge
from vetset.evaluate.scorers.judge_calibration import calibrate
from vetset.evaluate.scorers.judge_prompts import Rubric

REAL = frame(
    [
        {"messages": [{"role": "user", "content": "2 and 2?"}, {"role": "assistant", "content": "It is 4"}]},
        {"messages": "where is my card", "label": "card"},
    ]
)


def made(*lines):
    """Made rows: a question, an answer, a label and positions of parents in REAL."""
    said = [
        [
            {"role": "user", "content": asked},
            *([{"role": "assistant", "content": answer}] if answer is not None else []),
        ]
        for asked, answer, _, _ in lines
    ]
    rows = frame([{"messages": one, "label": line[2]} for one, line in zip(said, lines, strict=True)])
    parents = [[REAL["id"][at] for at in line[3]] for line in lines]
    return rows.with_columns(
        id=pl.format("d-{}", pl.int_range(pl.len())), parents=pl.Series(parents, dtype=pl.List(pl.String))
    )


def test_a_pattern_a_schema_and_a_function_check_the_answer_else_the_text(tmp_path):
    (tmp_path / "ticket.json").write_text('{"type": "object", "required": ["id"]}')
    (tmp_path / "mine.py").write_text("def short(case):\n    return len(case.output) < 10\n")
    rows = made(("Ticket?", '{"id": 7}', None, []), ("a text that is long", None, "x", []))
    specs = ["digits=regex:[0-9]", f"schema:{tmp_path}/ticket.json", f"mine=verify:{tmp_path}/mine.py:short"]
    found = {name: [one.score for one in check(rows)] for name, check in checks_of(specs, REAL).items()}
    assert found["digits"] == [1.0, 0.0]
    assert found["schema"] == [1.0, 0.0]
    assert found["mine"] == [1.0, 0.0]


def test_the_reference_is_the_only_parents_answer_or_label():
    rows = made(
        ("2+2?", "The result is 4.", None, [0]),
        ("2+2?", "5", None, [0]),
        ("2+2?", "4", None, [0, 1]),
        ("2+2?", "4", None, []),
    )
    said = checks_of(["number"], REAL)["number"](rows)
    assert [(one.score, one.asked) for one in said] == [(1.0, True), (0.0, True), (None, False), (None, False)]
    cases = cases_of(made(("my card?", None, "card", [1])), {REAL["id"][1]: "card"})
    assert cases[0].output == "my card?"
    assert cases[0].reference == "card"
    assert "card" in cases[0].question[-1].content


def test_no_rows_are_no_cases():
    assert checks_of(["number", "regex:x"], REAL)["number"](made()) == []


@pytest.mark.parametrize("spec", ["judge:rubric.md", "nunber", "schema:", "verify:nowhere.py:f"])
def test_what_is_no_verifier_is_refused(spec):
    with pytest.raises(UsageError):
        checks_of([spec], REAL)


def test_a_verifier_that_fails_on_a_made_row_says_which(tmp_path):
    (tmp_path / "mine.py").write_text("def short(case):\n    return 1 / 0\n")
    with pytest.raises(UsageError, match="d-0"):
        checks_of([f"verify:{tmp_path}/mine.py:short"], REAL)["verify"](made(("a", "b", None, [])))


class Model:
    """A judge that passes what holds the word good, and says so as it is asked to; at a temperature it wavers."""

    name = "canned"

    def identity(self):
        return {"model": self.name}


def ask(requests):
    replies = []
    for request in requests:
        said = request.messages[-1].content
        code = said.rsplit("VERDICT ", 2)[-1].split(":")[0]
        good = "good" in said.split("<<< answer")[1] and not ("unsure" in said and request.sample % 2)
        replies.append(Answer(text=f"Because.\nVERDICT {code}: {'PASS' if good else 'FAIL'}"))
    return replies


def judge(mode="pass"):
    return Judge(Model(), Rubric("Is it good?", mode), ask=ask)


def held_against_people():
    cases = [Case("good" if at % 2 else "bad", None, id=str(at)) for at in range(40)]
    return calibrate(judge(), cases, ["pass" if at % 2 else "fail" for at in range(40)])


def verdicts(bench, *answers):
    rows = made(*((f"Question {at} of the made ones", answer, None, []) for at, answer in enumerate(answers)))
    found = judge_batch(Batch(made=rows, real=REAL.head(0), task=Task("", {}), judge=bench), Gates())
    return found.filter(pl.col("gate").is_in(["distill.judge", "judge"]))["verdict"].to_list()


def test_a_judge_held_against_people_rejects_and_another_sends_to_review():
    measured = bench_of([judge()], calibration=held_against_people())
    assert measured.calibrated == (True,)
    assert verdicts(measured, "a good one", "a poor one") == ["pass", "reject"]
    bare = bench_of([judge()])
    assert verdicts(bare, "a good one", "a poor one") == ["pass", "review"]
    assert "never held against people" in bare.why[0]


def test_further_votes_are_drawn_and_disagreement_goes_to_review():
    bench = bench_of([judge()], calibration=held_against_people(), votes=3)
    assert bench.calibrated == (True, False, False)
    assert [seat.parameters.temperature for seat in bench.judges] == [0.0, 0.7, 0.7]
    assert verdicts(bench, "a good one", "a good one, but unsure", "a poor one") == ["pass", "review", "reject"]


def test_a_calibration_beside_the_rubric_is_found_and_a_torn_one_is_refused(tmp_path):
    rubric = tmp_path / "tone.md"
    assert "judge not calibrated" in bench_of([judge()], rubric=rubric).why[0]
    held_against_people().save(tmp_path / "tone.calibration.json")
    assert bench_of([judge()], rubric=rubric).why == ()
    (tmp_path / "tone.calibration.json").write_text("{")
    with pytest.raises(DataError):
        bench_of([judge()], rubric=rubric)


def test_a_bench_without_a_judge_a_vote_or_a_verdict_is_refused():
    for judges, votes in (([], 1), ([judge()], 0), ([judge("pair")], 1)):
        with pytest.raises(UsageError):
            bench_of(judges, votes=votes)
    silent = Judge(
        Model(), Rubric("Is it good?"), ask=lambda requests: [Answer(finish="error", error="gone")] * len(requests)
    )
    with pytest.raises(GateError, match="gone"):
        bench_of([silent])(made(("a", "b", None, [])))


def test_a_vote_says_why_its_call_brought_no_answer_and_a_spent_budget_does_not_end_the_run():
    def by_word(requests):
        return [
            Answer(finish="error", error="gone") if "lost" in request.messages[-1].content else one
            for request, one in zip(requests, ask(requests), strict=True)
        ]

    def bench(how):
        return bench_of([Judge(Model(), Rubric("Is it good?"), ask=how)])

    rows = made(("a", "good", None, []), ("a", "lost", None, []), ("a", "", None, []))
    assert [(vote.score, vote.error) for [vote] in bench(by_word)(rows)] == [(1.0, None), (None, "gone"), (None, None)]
    refused = Answer(finish="error", error=f"{REFUSED}no call is left.")
    votes = bench(lambda requests: [refused] * len(requests))(rows)
    assert [vote.error for [vote] in votes] == [refused.error, refused.error, None]
