"""Sets of filled-in forms: what a choice would cost is said before anything is decided, and alike rows may stay."""

import json
import random

import polars as pl
import pytest
from vetset.app.cli import run
from vetset.curate import read
from vetset.curate.dataset import Dataset
from vetset.curate.errors import GateError, UsageError
from vetset.curate.leakage.closeness import ALIKE, kept_by
from vetset.curate.reading.mapping import Given
from vetset.evaluate.evalsets.ageing import status
from vetset.evaluate.evalsets.building import build
from vetset.evaluate.evalsets.candidates import standing
from vetset.evaluate.evalsets.evalset import EvalSet
from vetset.evaluate.evalsets.freezing import freeze
from vetset.evaluate.evalsets.keeping import kept_rules
from vetset.evaluate.runs.training_data import check_training_data

REST = (
    "this message was written with the form on our page for private customers and it is read by the first colleague who is free "
    "on weekdays between eight and six so that an answer takes two days at most as is said there below the button"
)
FORMS = {
    "transfer": f"transfer {{n}} euros from my current account please to {{who}} by friday at noon and {REST}",
    "block": f"number {{n}} is my card that was stolen while {{who}} and I sat in the train back home, {REST}",
    "limit": f"up to {{n}} euros is what I want to be able to spend abroad, says {{who}} as well, since {REST}",
}


@pytest.fixture(scope="module")
def forms(tmp_path_factory):
    """A set of 900 filled-in forms and 100 texts of their own."""
    folder, draw = tmp_path_factory.mktemp("forms"), random.Random(0)
    names = [f"{first} {last}" for first in ("Ann", "Bob", "Eve", "Tom") for last in ("Hill", "Lake", "Wood", "Field")]
    rows = []
    for number in range(900):
        label = list(FORMS)[number % 3]
        rows.append({"text": FORMS[label].format(n=1000 + number, who=draw.choice(names)), "label": label})
    words = "".join(draw.choice("abcdefghijklmnop") for _ in range(6000))
    rows += [
        {"text": " ".join(words[60 * n + 6 * k : 60 * n + 6 * k + 6] for k in range(10)), "label": "else"}
        for n in range(100)
    ]
    path = folder / "forms.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read([path], folder / "forms.vet", columns=Given(text="text", label="label")).dataset


@pytest.fixture
def place(forms, tmp_path):
    import shutil

    return shutil.copytree(forms.folder, tmp_path / "forms.vet").parent


def built(place, **options):
    return build(Dataset.open(place / "forms.vet"), place / "forms.evalset", rows=40, **options)


def test_a_choice_that_would_take_most_rows_away_is_refused_with_figures_and_decides_nothing(place):
    with pytest.raises(
        GateError, match=r"8\d\d of the other 960 rows .* nothing was decided.*`--keep-close [a-z,]+` about \d"
    ) as told:
        built(place)
    assert "--keep-close none" in str(told.value)
    assert not (place / "forms.evalset").exists()
    dataset = Dataset.open(place / "forms.vet")
    assert standing(dataset).height == 1000
    assert dataset.rows["split"].null_count() == 1000


def test_the_way_out_that_is_named_leaves_about_so_many(place):
    with pytest.raises(GateError) as told:
        built(place)
    way, figure = str(told.value).rsplit("with `--keep-close ", 2)[-2].split("` about ")
    found = built(place, keep_close=way.split(","))
    assert sum(found.aside.counts.values()) == pytest.approx(int(figure.split()[0].replace(",", "")), abs=20)
    assert found.remaining - sum(found.aside.counts.values()) > 500


def test_rows_and_weights_are_the_same_whatever_may_stay(place):
    """What is chosen hangs on no rule of closeness, so an estimate is as unbiased as without."""
    one = built(place, keep_close=["none"]).evalset.rows
    other = built(place, keep_close=list(ALIKE)).evalset.rows
    assert one.equals(other)


def test_every_later_look_goes_by_what_the_set_was_built_with(place):
    rules = kept_rules(["near", "ngram", "contained", "masked", "short"])
    found = built(place, keep_close=rules)
    freeze(EvalSet.open(place / "forms.evalset"))
    evalset, train = EvalSet.open(place / "forms.evalset"), place / "forms.vet"
    assert kept_by(evalset.manifest) == rules
    assert any("stays in train" in note for note in found.notes)
    assert status(evalset, train=train).overlap.is_empty()
    assert check_training_data(train, evalset.rows, name="forms", kept=rules).overlap == 0
    with pytest.raises(GateError, match="near copies"):
        check_training_data(train, evalset.rows, name="forms")
    asked = evalset.rows["messages"].list.first().struct.field("content")[0]
    path = place / "more.jsonl"
    path.write_text(json.dumps({"text": asked.upper(), "label": "a"}) + "\n" + '{"text": "else", "label": "b"}\n')
    with pytest.raises(GateError, match="1 the same"):
        check_training_data(path, evalset.rows, name="forms", kept=rules)


def test_the_same_text_and_a_group_can_not_be_kept(place):
    for name, said in (("exact", "by heart"), ("leakage.group", "not to be broken"), ("nothing", "no such rule")):
        with pytest.raises(UsageError, match=said):
            built(place, keep_close=[name])


def test_the_command_says_so_and_takes_the_way_out(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    assert run(["evalset", "build", "forms.vet", "--rows", "40"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "nothing was decided" in said.err
    assert run(["evalset", "build", "forms.vet", "--rows", "40", "--keep-close", "none", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["too_close"]["rows"] > 800
    assert any("left to train on" in note for note in told["notes"])
    assert pl.read_parquet("forms.evalset/rows.parquet").height == 40
