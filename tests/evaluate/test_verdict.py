"""The verdict: what ships, what is held back, what stays open, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetset.curate.errors import DataError, GateError, StaleError, UsageError
from vetset.evaluate.evalsets.touches import touch
from vetset.evaluate.runs.results import Run
from vetset.evaluate.verdicts.comparing import compare, save_verdict
from vetset.evaluate.verdicts.gates import Gate
from vetset.evaluate.verdicts.verdict import decide, waive
from vetset.tests.evaluate.runs_made import made_evalset, made_run, noted

TRAINED = {"train": {"set": "a.vet", "digest": "d", "rows": 2000, "checked": True, "overlap": 0}}
WAIVED = {"forgetting": "not what this test is about", "cheaper": "not what this test is about"}


@pytest.fixture
def evalset(tmp_path):
    """A frozen ship part of 600 rows of three labels."""
    rows = [{"messages": f"ticket {i}", "label": "abc"[i % 3], "source": "xy"[i % 2]} for i in range(600)]
    return made_evalset(tmp_path / "e.evalset", rows)


def flipped(before, won, lost, seed=0):
    """Return scores that win so many rows and lose so many, drawn at random."""
    draw = np.random.default_rng(seed)
    after = np.array(before, float)
    after[draw.choice(np.flatnonzero(after == 0), won, replace=False)] = 1
    after[draw.choice(np.flatnonzero(np.array(before) == 1), lost, replace=False)] = 0
    return after.tolist()


def pair_of(evalset, *, won, lost, base=0.6, seed=0, **candidate):
    """Return two runs: a baseline, and a trained candidate that wins and loses so many rows."""
    before = (
        (np.random.default_rng(seed).random(evalset.part(evalset.rows["part"][0]).height) < base).astype(float).tolist()
    )
    outputs = [f"answer {i}" for i in range(len(before))]
    one = made_run(evalset.folder.parent / "base.run", evalset, before, outputs=["no"] * len(before))
    noted(one, evalset, baseline=True)
    other = made_run(
        evalset.folder.parent / "new.run", evalset, flipped(before, won, lost, seed),
        **({"outputs": outputs} | TRAINED | candidate),
    )  # fmt: skip
    return one, noted(other, evalset)


def gate(verdict, name):
    return next(one for one in verdict.gates if one.name == name)


def test_a_gain_that_is_real_and_large_ships(evalset):
    verdict = compare(*pair_of(evalset, won=100, lost=20), waivers=WAIVED)
    assert (verdict.word, verdict.exit_code) == ("ship", 0), verdict.reason
    assert verdict.gain.gain == pytest.approx(80 / 600)
    assert (len(verdict.won), len(verdict.lost)) == (100, 20)
    assert "forgetting" in verdict.reason, "what was waived is told"


def test_a_gain_that_is_noise_is_open_and_says_how_many_rows_would_settle_it(tmp_path):
    rows = [{"messages": f"ticket {i}", "label": "abc"[i % 3]} for i in range(90)]
    verdict = compare(*pair_of(made_evalset(tmp_path / "e.evalset", rows), won=12, lost=7), waivers=WAIVED)
    assert (verdict.word, verdict.exit_code) == ("inconclusive", 2)
    assert gate(verdict, "gain").figures["more_rows"] > 90
    assert f"{gate(verdict, 'gain').figures['more_rows']:,} more rows" in verdict.reason


def test_a_real_gain_under_the_margin_is_held(evalset):
    verdict = compare(*pair_of(evalset, won=24, lost=2), waivers=WAIVED)
    assert verdict.gain.low > 0
    assert (verdict.word, gate(verdict, "margin").state) == ("hold", "fails")
    assert compare(*pair_of(evalset, won=24, lost=2), waivers=WAIVED, budgets={"margin": 0.02}).word == "ship"


def test_a_loss_is_held(evalset):
    verdict = compare(*pair_of(evalset, won=20, lost=90), waivers=WAIVED)
    assert (verdict.word, verdict.exit_code) == ("hold", 1)


def test_what_nobody_measured_holds_back(evalset):
    one, other = pair_of(evalset, won=100, lost=20)
    verdict = compare(one, other)
    assert verdict.word == "hold"
    assert [of.name for of in verdict.gates if of.state == "missing"] == ["cheaper", "forgetting"]
    bare = compare(one, pair_of(evalset, won=100, lost=20, train=None, model={"identity": {"kind": "other"}})[1])
    assert {"forgetting", "contamination", "training rows"} <= {of.name for of in bare.gates if of.state == "missing"}


def test_another_prompt_over_the_same_weights_is_asked_nothing_of_training(evalset):
    verdict = compare(
        *pair_of(evalset, won=100, lost=20, train=None), waivers={"cheaper": "a prompt is the cheaper way"}
    )
    assert verdict.word == "ship"
    assert {gate(verdict, name).state for name in ("forgetting", "contamination", "training rows")} == {"none"}


def test_too_few_training_rows_are_held(evalset):
    few = {"train": {**TRAINED["train"], "rows": 499}}
    verdict = compare(*pair_of(evalset, won=100, lost=20, **few), waivers=WAIVED)
    assert (verdict.word, gate(verdict, "training rows").state) == ("hold", "fails")


def test_a_slice_that_pays_for_the_mean_is_held(evalset):
    labels = evalset.rows["label"]
    before = [1.0 if label == "a" else i % 10 < 4 for i, label in enumerate(labels)]
    after = [0.0 if label == "a" and i % 2 else max(before[i], i % 5 > 0) for i, label in enumerate(labels)]
    one = made_run(evalset.folder.parent / "base.run", evalset, [float(x) for x in before], outputs=["no"] * 600)
    other = made_run(evalset.folder.parent / "new.run", evalset, [float(x) for x in after], **TRAINED)
    verdict = compare(one, other, waivers=WAIVED)
    assert verdict.gain.low > 0.05
    assert (verdict.word, gate(verdict, "slices").state) == ("hold", "fails")
    worst = verdict.sliced.slices[0]
    assert (worst.column, worst.value, worst.worse) == ("label", "a", True)
    assert [one.value for one in verdict.sliced.slices if one.worse] == ["a"]


def test_answers_that_cannot_be_read_fail_a_gate_and_are_not_wrong(evalset):
    one, other = pair_of(evalset, won=100, lost=20, statuses=["unparsed"] * 30 + ["ok"] * 570)
    verdict = compare(one, other, waivers=WAIVED)
    assert (verdict.word, gate(verdict, "format").state) == ("hold", "fails")
    assert verdict.statuses["candidate"] == {"ok": 570, "unparsed": 30}
    assert compare(one, other, waivers=WAIVED, budgets={"unparsed": 0.06}).word == "ship"


def test_answers_that_never_came_are_in_no_figure_and_hold_back(evalset):
    one, other = pair_of(evalset, won=100, lost=20, statuses=["error"] * 3 + ["ok"] * 597)
    verdict = compare(one, other, waivers=WAIVED)
    assert verdict.gain.rows == 597
    assert (verdict.word, gate(verdict, "answers").state) == ("hold", "missing")


def test_budgets_of_time_and_cost_count_once_they_are_said(evalset):
    one, other = pair_of(evalset, won=100, lost=20)
    assert gate(compare(one, other), "latency").state == "none"
    assert gate(compare(one, other, budgets={"seconds": 0.05}), "latency").state == "fails"
    assert gate(compare(one, other, budgets={"seconds": 0.5}), "latency").state == "holds"
    assert gate(compare(one, other, budgets={"cost": 1.0}), "cost").state == "missing"


def test_every_look_widens_the_interval_and_a_spent_part_is_refused(evalset):
    one, other = pair_of(evalset, won=100, lost=20)
    first = compare(one, other, waivers=WAIVED)
    for number in range(9):
        touch(evalset, candidate=f"checkpoint {number}", part="ship", run=str(other.folder), by="test")
    tenth = compare(one, other, waivers=WAIVED)
    assert tenth.gain.low < first.gain.low
    assert tenth.gain.confidence == pytest.approx(0.995)
    for number in range(9, 25):
        touch(evalset, candidate=f"checkpoint {number}", part="ship", run=str(other.folder), by="test")
    spent = compare(one, other, waivers=WAIVED)
    assert (spent.word, gate(spent, "looks").state) == ("hold", "fails")
    assert "spent" in gate(spent, "looks").said


def test_the_part_to_choose_on_ships_nothing(tmp_path):
    rows = [{"messages": f"ticket {i}", "label": "abc"[i % 3]} for i in range(601)]
    evalset = made_evalset(tmp_path / "e.evalset", rows, part=["dev"] * 600 + ["ship"])
    verdict = compare(*pair_of(evalset, won=100, lost=20), waivers=WAIVED)
    assert (verdict.word, gate(verdict, "looks").state) == ("hold", "missing")


def test_runs_on_another_digest_are_refused(evalset, tmp_path):
    one, _ = pair_of(evalset, won=100, lost=20)
    other_set = made_evalset(tmp_path / "f.evalset", [{"messages": f"t {i}", "label": "a"} for i in range(600)])
    other = made_run(tmp_path / "f.run", other_set, [1.0] * 600)
    with pytest.raises(StaleError, match="their rows differ"):
        compare(one, other)


def test_a_run_that_names_no_frozen_set_is_refused(evalset, tmp_path):
    one, _ = pair_of(evalset, won=100, lost=20)
    loose = made_run(tmp_path / "l.run", evalset, [1.0] * 600, evalset={"name": "e", "digest": None, "part": "ship"})
    with pytest.raises(StaleError, match="freeze"):
        compare(one, loose)


def test_an_adapter_that_changed_nothing_is_refused(evalset):
    same = {"outputs": ["no"] * 600, "model": {"identity": {"kind": "canned", "adapter": "abc"}}}
    with pytest.raises(GateError, match="was not applied"):
        compare(*pair_of(evalset, won=100, lost=20, **same))


def test_swapped_labels_are_refused(evalset):
    swapped = [{"a": "b", "b": "a", "c": "c"}[label] for label in evalset.rows["label"]]
    with pytest.raises(GateError, match="swapped"):
        compare(*pair_of(evalset, won=10, lost=100, outputs=swapped))


def test_labels_that_a_bad_model_takes_for_one_are_not_called_swapped(evalset):
    verdict = compare(*pair_of(evalset, won=10, lost=100, outputs=["a"] * 600))
    assert verdict.word == "hold"


def test_other_references_in_one_run_are_refused(evalset, tmp_path):
    one, _ = pair_of(evalset, won=100, lost=20)
    turned = made_evalset(
        tmp_path / "g.evalset", [{"messages": f"ticket {i}", "label": "bca"[i % 3]} for i in range(600)]
    )
    forged = {"name": "e", "digest": evalset.digest, "part": "ship"}
    other = made_run(tmp_path / "g.run", turned, [1.0] * 600, evalset=forged)
    with pytest.raises(DataError, match=r"lacks|differs"):
        compare(one, other)


def test_a_judge_that_nobody_checked_is_refused(evalset):
    before, told = [0.0, 1.0] * 300, {"scorer": "judge", "spec": "judge:helpful"}
    one = made_run(evalset.folder.parent / "base.run", evalset, before, **told)
    other = made_run(evalset.folder.parent / "new.run", evalset, [1.0] * 600, **told)
    with pytest.raises(GateError, match="agreement with people was never measured"):
        compare(one, other)


def test_another_version_of_a_scorer_is_refused(evalset):
    other = pair_of(evalset, won=100, lost=20, scorers=[{"name": "exact", "spec": "exact", "version": 2}])
    with pytest.raises(UsageError, match="version"):
        compare(*other)


def test_the_gain_cannot_be_waived_and_a_waiver_takes_a_reason(evalset):
    runs = pair_of(evalset, won=30, lost=29)
    for waivers, said in (
        ({"gain": "I want it"}, "can't be waived"),
        ({"slices": " "}, "reason"),
        ({"luck": "x"}, "no gate"),
    ):
        with pytest.raises(UsageError, match=said):
            compare(*runs, waivers=waivers)


@given(st.lists(st.sampled_from(["holds", "fails", "unsettled", "missing", "none"]), max_size=8))
def test_nothing_ships_while_a_gate_stands_in_the_way(states):
    word, _ = decide([Gate(f"gate {number}", state, "said") for number, state in enumerate(states)])
    assert (word == "ship") == ({"fails", "unsettled", "missing"}.isdisjoint(states))
    if "fails" in states:
        assert word == "hold"


def test_a_waived_gate_passes_and_keeps_what_it_found():
    (one,) = waive([Gate("slices", "fails", "one is worse")], {"slices": "known"})
    assert (one.passes, one.state, one.waived) == (True, "fails", "known")


def test_the_report_masks_what_rows_say_and_obeys_no_markup(evalset):
    outputs = ["<img src=x onerror=alert(1)> ![x](http://evil.example/a.png) ann.miller@example.com"] * 600
    runs = pair_of(evalset, won=100, lost=20, outputs=outputs)
    verdict = compare(*runs)
    written, page = save_verdict(verdict, *runs, evalset=evalset)
    text = page.read_text()
    assert "ann.miller" not in text
    assert "<img" not in text
    assert "](http" not in text
    assert json.loads(written.read_text())["verdict"] == "hold"
    assert text.startswith("# HOLD")
    assert Run.open(runs[1].folder).results.height == 600, "the run stands as it was"


def test_the_published_solutions_of_gsm8k(shared, tmp_path):
    told = (Path(shared) / "model_solutions/example_model_solutions.jsonl").read_text().splitlines()
    lines = [json.loads(line) for line in told]
    rows = [{"messages": line["question"], "label": str(number)} for number, line in enumerate(lines)]
    evalset = made_evalset(tmp_path / "g.evalset", rows)
    one, other = (
        made_run(tmp_path / f"{name}.run", evalset, [float(line[name]["is_correct"]) for line in lines])
        for name in ("175b_finetuning", "6b_verification")
    )
    verdict = compare(one, other, untrained=True, waivers={"cheaper": "published answers"})
    of = verdict.gain
    assert (of.both, len(verdict.lost), len(verdict.won), of.neither) == (306, 152, 209, 652)
    assert of.gain == pytest.approx(0.043214556, abs=1e-9)
    assert of.error == pytest.approx(0.014361068, abs=1e-9)
    assert of.mcnemar_p == pytest.approx(0.003150656880360618, rel=1e-12)
    assert (verdict.word, gate(verdict, "margin").state) == ("hold", "fails"), "real, and under five points"
