"""What a set does not hide: eval rows that are forms of train, rows that nobody has settled, a part that is spent."""

import json
import random
import shlex

import pytest
from vetset.app.cli import run
from vetset.curate import read
from vetset.curate.checking import check
from vetset.curate.dataset import Dataset, frame
from vetset.curate.errors import GateError
from vetset.curate.reading.mapping import Given
from vetset.evaluate.evalsets.ageing import status
from vetset.evaluate.evalsets.building import build
from vetset.evaluate.evalsets.evalset import EvalSet
from vetset.evaluate.evalsets.forms import doubtful, forms_in
from vetset.evaluate.evalsets.freezing import freeze
from vetset.evaluate.evalsets.fresh_part import fresh_part, moved_on
from vetset.evaluate.evalsets.reserve import write_reserve
from vetset.evaluate.evalsets.touches import touch
from vetset.evaluate.runs.harness import _check_unspent
from vetset.evaluate.runs.training_data import check_training_data
from vetset.evaluate.verdicts.comparing import compare
from vetset.tests.evaluate.runs_made import made_evalset, made_run, noted
from vetset.tests.evaluate.sets_made import made_set

FORMS = {
    "a": "Please transfer {n} EUR from the savings to the current one before the end of the month, thank you very much.",
    "b": "Please tell me the present balance of account {n} because the tax office wants to know it by next week, thanks.",
    "c": "Please block the card that ends with {n} as I have lost it on the way home from work this very evening.",
}
WAIVED = {"forgetting": "not what this test is about", "cheaper": "not what this test is about"}


def filled(count, start=0):
    return [
        {"text": FORMS["abc"[n % 3]].format(n=10_000 + 37 * (start + n)), "label": "abc"[n % 3]} for n in range(count)
    ]


def as_set(folder, rows, name="forms"):
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read([path], folder / f"{name}.vet", columns=Given(text="text", label="label")).dataset


@pytest.fixture
def dataset(tmp_path):
    return as_set(tmp_path, filled(300))


def test_forms_that_train_holds_with_other_numbers_are_counted_by_every_later_command(dataset, tmp_path):
    found = build(dataset, tmp_path / "f.evalset", rows=40)
    assert found.forms == found.summary()["forms"] == 40
    assert any("40 of 40 rows are forms that train holds with other numbers" in note for note in found.notes)
    freeze(EvalSet.open(tmp_path / "f.evalset"))
    told = status(EvalSet.open(tmp_path / "f.evalset"), train=dataset.folder)
    assert told.overlap is not None
    assert told.overlap.is_empty()
    assert len(told.forms) == 40
    assert any("40 of 40 rows are forms" in line for line in told.rot)
    checked = check_training_data(dataset.folder, told.evalset.rows, name="f")
    assert (checked.overlap, checked.forms, checked.said()["forms"]) == (0, 40, 40)
    assert "40 of 40 rows are forms" in checked.note


def test_who_said_at_build_that_forms_are_the_task_is_told_and_not_held_back(dataset, tmp_path):
    found = build(dataset, tmp_path / "f.evalset", rows=40, keep_close=["masked"])
    assert any("40 of 40" in note and "--keep-close masked says" in note for note in found.notes)
    freeze(EvalSet.open(tmp_path / "f.evalset"))
    told = status(EvalSet.open(tmp_path / "f.evalset"), train=dataset.folder)
    assert told.rot == []
    assert any("40 of 40 rows are forms" in line for line in told.notes)


@pytest.fixture
def pair(tmp_path):
    """An eval set of forms, and a baseline and a better candidate that trained on the same forms."""
    rows = [{"messages": row["text"], "label": row["label"]} for row in filled(400, start=1000)]
    evalset = made_evalset(tmp_path / "e.evalset", rows)
    train = {"set": "t", "digest": "d", "rows": 2000, "checked": True, "overlap": 0, "forms": 400, "eval_rows": 400}
    place = tmp_path
    base = made_run(place / "base.run", evalset, [float(i % 5 < 3) for i in range(400)], outputs=["no"] * 400)
    new = made_run(
        place / "new.run", evalset, [float(i % 5 < 4) for i in range(400)], train=train,
        outputs=[f"a {i}" for i in range(400)],
    )  # fmt: skip
    return noted(base, evalset, baseline=True), noted(new, evalset)


def contamination(verdict):
    return next(gate for gate in verdict.gates if gate.name == "contamination")


def test_no_verdict_ships_unsaid_on_forms_that_train_holds(pair):
    held = compare(*pair, waivers=WAIVED)
    gate = contamination(held)
    assert (held.word, gate.state) == ("hold", "missing")
    assert gate.said.startswith("400 of 400 rows are forms that train holds with other numbers")
    shipped = compare(*pair, waivers={**WAIVED, "contamination": "the product is these three forms"})
    assert shipped.word == "ship"
    assert "400 of 400" in contamination(shipped).told


def test_training_data_that_compare_is_given_is_looked_at_for_forms(pair, tmp_path):
    base, new = pair
    train = as_set(tmp_path, filled(300)).folder
    saved = {**new.manifest, "train": None, "model": {"name": "m", "identity": {"kind": "other"}}}
    other = made_run(
        tmp_path / "z.run", EvalSet.open(tmp_path / "e.evalset"), [1.0] * 400,
        outputs=[f"b {i}" for i in range(400)], train=saved["train"], model=saved["model"],
    )  # fmt: skip
    noted(other, EvalSet.open(tmp_path / "e.evalset"))
    gate = contamination(compare(base, other, train=train, waivers=WAIVED))
    assert (gate.state, gate.figures) == ("missing", {"forms": 400})


def test_where_forms_were_said_to_be_the_task_the_gate_holds_and_tells_them(pair, tmp_path):
    path = tmp_path / "e.evalset" / "evalset.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "built": {"options": {"keep_close": ["leakage.masked"]}}}))
    verdict = compare(*pair, waivers=WAIVED)
    assert (verdict.word, contamination(verdict).state) == ("ship", "holds")
    assert "400 of 400 rows are forms" in contamination(verdict).said


def test_few_forms_are_told_and_hold_nothing_back():
    assert not doubtful(10, 200)
    assert doubtful(11, 200)
    assert not doubtful(200, 200, ("leakage.masked",))
    assert doubtful(200, 200, ("leakage.near",))


def test_texts_of_their_own_and_short_commands_are_no_forms():
    draw = random.Random(1)
    words = ["".join(draw.choices("abcdefghij", k=6)) for _ in range(300)]
    own = [{"messages": " ".join(draw.sample(words, 14)), "label": "a"} for _ in range(40)]
    short = [{"messages": f"a table for {n} people please", "label": "a"} for n in range(40)]
    assert forms_in(frame([*own[:20], *short[:20]]), frame([*own[20:], *short[20:]])) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bank_intents", "math_contamination/gsm8k"])
def test_real_questions_are_hardly_ever_forms(shared, tmp_path, name):
    rows = read([shared / name], tmp_path / "r.vet", columns=Given()).dataset.rows
    test, train = (rows.filter(split=split) for split in ("test", "train"))
    assert len(forms_in(test, train)) <= 0.002 * test.height  # 2 of 1,319 and none of 3,080


def test_rows_with_standing_findings_and_unchecked_sets_are_told_at_build(tmp_path):
    draw = random.Random(3)
    words = ["".join(draw.choices("abcdefghijklmnop", k=6)) for _ in range(900)]
    rows = [{"text": " ".join(draw.sample(words, 12)), "label": "xy"[n % 2]} for n in range(60)]
    rows += [{**row, "label": "y" if row["label"] == "x" else "x"} for row in rows[:30]]
    dataset = as_set(tmp_path, rows, "two")
    found = build(dataset, tmp_path / "two.evalset", rows=50)
    assert found.doubted is None
    assert "never checked" in found.notes[0]
    assert found.contested[0] >= found.contested[1] > 0
    assert any("no model can get both right" in note for note in found.notes)
    check(Dataset.open(dataset.folder), select=["labels.conflict"])
    again = build(Dataset.open(dataset.folder), tmp_path / "two.evalset", rows=50)
    assert again.doubted == {"labels.conflict": again.contested[0]}
    assert "vetset review" in again.notes[0]
    assert f"labels.conflict on {again.contested[0]}" in again.notes[0]


def test_a_clean_set_that_was_checked_has_nothing_unsettled(tmp_path):
    dataset = made_set(tmp_path)
    check(dataset, select=["labels.conflict", "quality.empty"])
    found = build(Dataset.open(dataset.folder), tmp_path / "t.evalset", rows=60)
    assert (found.doubted, found.contested) == ({}, (0, 0))


def test_the_command_for_a_fresh_part_runs_as_it_is_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    made_set(tmp_path, copies=20)
    assert (
        run(["evalset", "build", "tickets.vet", "-o", "my set.evalset", "--rows", "60", "--confirm-share", "0.25"]) == 0
    )
    assert run(["evalset", "freeze", "my set.evalset"]) == 0
    evalset = EvalSet.open("my set.evalset")
    for number in range(20):
        touch(evalset, candidate=f"c{number}", part="ship")
    with pytest.raises(GateError) as told:
        _check_unspent(evalset, "ship", "other")
    command = str(told.value).split("`")[1]
    assert command == fresh_part(evalset).strip("`")
    assert any(command in line for line in status(evalset).rot)
    capsys.readouterr()
    assert run(shlex.split(command)[1:]) == 0
    old, now = EvalSet.open("my set.evalset/versions/1"), EvalSet.open("my set.evalset")
    assert moved_on(old) == "of version 1 of my set, which is at version 2 now"
    assert moved_on(now) is None
    made_set(tmp_path, rows=300, seed=9, name="NEWER")
    command = fresh_part(now).strip("`")  # no reserve is left, and `refresh --from` would keep the looks
    assert command.startswith("vetset evalset build NEWER.vet")
    assert run([*shlex.split(command)[1:], "--rows", "60"]) == 0


def test_a_verdict_on_an_older_version_says_that_the_set_moved_on(pair, tmp_path):
    evalset = EvalSet.open(tmp_path / "e.evalset")
    assert "now" not in compare(*pair, waivers=WAIVED).reason
    spare = evalset.rows.head(8).with_columns(id="id" + evalset.rows.head(8)["id"])
    write_reserve(evalset.folder, spare)
    assert run(["evalset", "refresh", str(evalset.folder), "--confirm"]) == 0
    assert "of version 1 of e, which is at version 2 now" in compare(*pair, waivers=WAIVED).reason
