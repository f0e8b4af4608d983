"""Rows with several labels each: which labels are wrong, which are missing, and what is said where nothing can be told."""

import json

import numpy as np
import polars as pl
import pytest
from vetset.curate.checking import check
from vetset.curate.dataset import frame
from vetset.curate.labels.cells import gather_cells
from vetset.curate.labels.classes import SEVERAL
from vetset.curate.labels.labelled import Labelled
from vetset.curate.labels.multi import find_suspect_sets, mistakes
from vetset.curate.labels.targets import parse, write_set
from vetset.curate.reading.reader import read
from vetset.curate.rules import RULES, Material

TOPICS = {
    "refund": "money back please return the amount paid",
    "delay": "parcel late still waiting courier days",
    "bug": "app crashes error screen login fails",
    "praise": "great lovely thank you wonderful staff",
    "возврат": "верните деньги за покупку пожалуйста",
}


def tickets(rows=240, *, seed=3, noise=0.1):
    """Texts on up to three topics, their sets of labels, and the cells that were spoilt."""
    draw = np.random.default_rng(seed)
    names = sorted(TOPICS)
    texts, sets, spoilt = [], [], []
    for number in range(rows):
        true = {str(name) for name in draw.choice(names, draw.integers(0, 4), replace=False)}
        words = [word for name in sorted(true) for word in draw.choice(TOPICS[name].split(), 3)]
        texts.append(" ".join(["ticket", str(number), *words]))
        given = set(true)
        if draw.random() < noise:
            given ^= {str(draw.choice(names))}
        sets.append(write_set(given))
        spoilt.append(given ^ true)
    return texts, sets, spoilt


def rows_of(texts, sets):
    return frame([{"messages": text, "label": given} for text, given in zip(texts, sets, strict=True)])


def found_in(rows, notes=None):
    material = Material(rows, notes=[] if notes is None else notes)
    return RULES["labels.suspect"].find(material)


@pytest.fixture(scope="module")
def spoilt():
    texts, sets, wrong = tickets()
    rows = rows_of(texts, sets)
    return rows, wrong, found_in(rows)


def test_spoilt_sets_are_found_and_set_right(spoilt):
    rows, wrong, found = spoilt
    truth = {row_id: cells for row_id, cells in zip(rows["id"], wrong, strict=True) if cells}
    sure = found.filter(pl.col("suggest") == "relabel")
    assert len(truth) >= 10
    assert len(set(sure["id"]) & truth.keys()) >= 0.7 * len(truth)
    assert len(set(sure["id"]) & truth.keys()) >= 0.7 * sure.height
    given = dict(zip(rows["id"], rows["label"], strict=True))
    mended = [
        set(json.loads(value)) ^ set(json.loads(given[row_id])) == truth.get(row_id)
        for row_id, value in sure.select("id", "value").rows()
    ]
    assert np.mean(mended) >= 0.6


def test_a_row_is_found_once_and_told_in_a_sentence(spoilt):
    _, _, found = spoilt
    assert found["id"].is_unique().all()
    assert found["score"].is_between(0.2, 1).all()
    assert found["note"].str.contains(r"^'.+' (is probably|may be) (wrong|missing) \(\d+%: \d of \d views\).*\.$").all()
    assert found["value"].str.starts_with("[").all()
    missing = found.filter(pl.col("note").str.contains("^'[^']+' is probably missing"))
    assert missing["peer"].is_not_null().any()


def test_a_clean_set_has_next_to_nothing_to_show():
    texts, sets, _ = tickets(noise=0.0)
    found = found_in(rows_of(texts, sets))
    assert found.filter(pl.col("score") >= 0.5).height <= 0.03 * len(texts)


def test_the_order_of_the_rows_does_not_matter(spoilt):
    rows, _, found = spoilt
    again = found_in(rows.sample(fraction=1.0, shuffle=True, seed=1))
    assert again.sort("id").equals(found.sort("id"), null_equal=True)


def test_the_same_rows_give_the_same_findings(spoilt):
    rows, _, found = spoilt
    assert found_in(rows).equals(found, null_equal=True)


def labelled_of(sets, *, seed=0, dims=16):
    given = parse(pl.Series(sets, dtype=pl.String))
    assert given is not None
    draw = np.random.default_rng(seed)
    vectors = draw.standard_normal((len(sets), dims)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    places = np.arange(len(sets), dtype=np.int64)
    texts = [f"text {number}" for number in range(len(sets))]
    return Labelled(places, places * 0, ["x"], places, vectors, texts, given=given)


@pytest.mark.parametrize(
    ("sets", "why"),
    [
        (["[]"] * 30, "are empty"),
        (['["a"]'] * 30, "have the same labels"),
        (['["a","b"]'] * 2, "too few"),
        ([f'["l{n}"]' for n in range(30)], "none stands on more than one text"),
        ([], "nothing to hold labels against"),
    ],
)
def test_what_cannot_be_judged_is_said_in_one_sentence(sets, why):
    if not sets:
        of, rows = labelled_of(["[]"]), rows_of(["a"], ["[]"])
        of = Labelled(of.row[:0], of.code[:0], [], of.text[:0], of.vectors[:0], [], given=of.given)
    else:
        of, rows = labelled_of(sets), rows_of([f"text {n}" for n in range(len(sets))], sets)
    notes: list[str] = []
    assert find_suspect_sets(rows, of, notes=notes).is_empty()
    assert len(notes) == 1
    assert why in notes[0]


def test_labels_by_lot_are_told_to_be_by_lot():
    draw = np.random.default_rng(0)
    sets = [write_set(map(str, draw.choice(list("abcd"), 2, replace=False))) for _ in range(200)]
    notes: list[str] = []
    rows = rows_of([f"text {number}" for number in range(200)], sets)
    assert find_suspect_sets(rows, labelled_of(sets), notes=notes).is_empty()
    assert "next to nothing" in notes[0]


@pytest.mark.parametrize("rare", [["a"], []])
def test_a_label_of_one_row_and_one_of_all_rows_are_passed_over(rare):
    texts, sets, _ = tickets(120)
    sets = [write_set({*json.loads(given), "everywhere"}) for given in sets]
    sets[5] = write_set({*json.loads(sets[5]), *rare})
    found = found_in(rows_of(texts, sets))
    assert not found["note"].str.contains("'a' |'everywhere'").any()


def test_two_thousand_labels_are_no_matter():
    draw = np.random.default_rng(0)
    sets = [write_set(f"l{label}" for label in draw.integers(0, 2_000, 10)) for _ in range(120)]
    of = labelled_of(sets)
    cells = gather_cells(of, words=np.zeros((120, 1), np.float32))
    assert np.isfinite(cells.odds).all()
    found = mistakes(of, cells)
    assert found["chance"].is_between(0.2, 1).all()
    assert found.filter(~pl.col("there")).height < 1_500


def test_a_check_says_once_that_other_rules_look_at_single_labels(tmp_path):
    texts, sets, _ = tickets(80)
    path = tmp_path / "tickets.jsonl"
    records = [{"text": text, "labels": json.loads(given)} for text, given in zip(texts, sets, strict=True)]
    path.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    dataset = read([path], tmp_path / "a.vet").dataset
    result = check(dataset, select=["labels", "coverage"])
    assert result.notes.count(SEVERAL) == 1
    assert set(result.findings["rule"]) <= {"labels.suspect", "coverage.thin"}
    balance = result.figures["coverage.balance"]
    assert balance["labels"] == len(TOPICS)
    assert balance["counts"]["refund"] == sum("refund" in given for given in sets)
