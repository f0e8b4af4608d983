"""Exports with synthetic rows: closed terms stop them, a waiver is told, and every count can be verified."""

import json

import polars as pl
import pytest
from vetset.curate import check, why
from vetset.curate.dataset import Dataset, digest_of, frame, parquet
from vetset.curate.decisions.ledger import Decision, Ledger
from vetset.curate.distill.handoff import bring_in
from vetset.curate.errors import DataError, GateError, UsageError
from vetset.curate.exports.exporting import export
from vetset.curate.exports.provenance import seal, sha256, verify
from vetset.curate.exports.synthetic import Waiver, waiver_of
from vetset.curate.formats.wire import FORMATS
from vetset.curate.review.export_preview import answer, preview
from vetset.tests.curate.children_made import MODEL, child, children

STATED = {"training": "allowed", "source": "contract 7", "dated": "2026-01-02"}


def made_set(folder, *records):
    """Four real rows and these children of the first."""
    rows = frame(
        [{"messages": f"ticket {n}", "label": "ab"[n % 2], "license": "MIT", "source": "desk"} for n in range(4)]
    )
    folder.mkdir()
    inputs = [{"path": "memory", "sha256": "0" * 64, "rows": 4, "rejects": 0, "license": "MIT"}]
    Dataset(folder).save(
        {"rows.parquet": parquet(rows)}, inputs=inputs, rows=4, rejects=0, digest=digest_of(rows["id"])
    )
    if records:
        bring_in(
            Dataset.open(folder), children(*(child(text, rows["id"][0], label="a", **more) for text, more in records))
        )
    return Dataset.open(folder)


def account(folder):
    return json.loads((folder / "provenance.json").read_text())


def test_open_terms_are_told_with_their_source_in_account_card_and_lineage(tmp_path):
    dataset = made_set(tmp_path / "s.vet", ("one", {}), ("two", {}), ("three", {"model": "Llama-3.1-8B"}))
    result = export(dataset, tmp_path / "out", format="text-label")
    told = account(tmp_path / "out")["synthetic"]
    assert told == result.synthetic == result.summary()["synthetic"]
    assert (told["rows"], told["waiver"]) == (3, None)
    assert [(one["teacher"], one["rows"], one["training"]) for one in told["teachers"]] == [
        (MODEL, 2, "allowed"), ("Llama-3.1-8B", 1, "with-name"),
    ]  # fmt: skip
    assert told["runs"] == [{"run": "first", "kind": "labelled", "recipe": "c" * 64, "rows": 3}]
    card = (tmp_path / "out" / "README.md").read_text()
    assert "## Synthetic rows: 3" in card
    assert '- "synthetic"' in card.partition("# ")[0]
    assert "Built with Llama" in card
    assert "2026\\-11\\-23" in card
    assert "cccccccccccc" in card
    lineage = pl.read_parquet(tmp_path / "out" / "lineage.parquet")
    assert lineage["teacher"].to_list() == [None] * 4 + [MODEL, MODEL, "Llama-3.1-8B"]
    assert lineage["parents"].to_list()[4:] == [[dataset.rows["id"][0]]] * 3
    found = verify(tmp_path / "out")
    assert found.ok
    assert any(one.what == "synthetic" for one in found.checks)


@pytest.mark.parametrize(
    ("model", "terms"),
    [
        ("my-own", None), ("gpt-4o-mini", None), ("Qwen2.5-3B-Instruct", None),
        ("phi-4", {**STATED, "training": "forbidden"}), ("phi-4", {**STATED, "training": "restricted"}),
    ],
)  # fmt: skip
def test_closed_terms_stop_the_export_and_nothing_is_written(tmp_path, model, terms):
    dataset = made_set(tmp_path / "s.vet", ("one", {"model": model, "terms": terms}), ("two", {}))
    with pytest.raises(GateError, match=r"1 row: .*--waive-terms 'REASON by NAME'") as error:
        export(dataset, tmp_path / "out")
    assert repr(model) in str(error.value)
    assert not (tmp_path / "out").exists()
    assert "announced" not in Dataset.open(dataset.folder).manifest


def test_a_stopped_export_leaves_an_earlier_one_as_it_was(tmp_path):
    dataset = made_set(tmp_path / "s.vet", ("one", {}))
    export(dataset, tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    bring_in(Dataset.open(dataset.folder), children(child("more", dataset.rows["id"][1], model="my-own")))
    with pytest.raises(GateError):
        export(Dataset.open(dataset.folder), tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_a_waiver_is_recorded_everywhere_with_its_name(tmp_path):
    dataset = made_set(tmp_path / "s.vet", ("one", {"model": "gpt-4o"}), ("two", {}))
    export(dataset, tmp_path / "out", waive_terms="a classifier does not compete by Ann Lee")
    told = account(tmp_path / "out")
    said = {"reason": "a classifier does not compete", "by": "Ann Lee"}
    assert told["synthetic"]["waiver"] == told["options"]["waive_terms"] == said
    assert [one["waived"] for one in told["synthetic"]["teachers"]] == [False, True]
    assert "waived by Ann Lee: a classifier does not compete" in (tmp_path / "out" / "README.md").read_text()
    assert Dataset.open(dataset.folder).manifest["steps"][-1]["options"]["waive_terms"] == said
    assert verify(tmp_path / "out").ok


@pytest.mark.parametrize("text", ["", " ", "because", "by Ann", "reason by ", " by "])
def test_a_waiver_needs_a_reason_and_a_name(tmp_path, text):
    with pytest.raises(UsageError, match="REASON by NAME"):
        export(made_set(tmp_path / "s.vet"), tmp_path / "out", waive_terms=text)


def test_a_reason_may_hold_the_word_by():
    assert waiver_of("allowed by contract 7 by Ann") == Waiver("allowed by contract 7", "Ann")


def test_a_waiver_that_nobody_needed_is_not_recorded(tmp_path):
    dataset = made_set(tmp_path / "s.vet", ("one", {}))
    result = export(dataset, tmp_path / "out", waive_terms="no need by Ann")
    assert account(tmp_path / "out")["synthetic"]["waiver"] is None
    assert any("no written row needed it" in note for note in result.notes)


def test_the_recipes_word_opens_the_export_and_is_told_as_such(tmp_path):
    dataset = made_set(tmp_path / "s.vet", ("one", {"model": "gpt-4o", "terms": STATED}))
    export(dataset, tmp_path / "out")
    (told,) = account(tmp_path / "out")["synthetic"]["teachers"]
    assert (told["by"], told["source"], told["dated"]) == ("recipe", "contract 7", "2026-01-02")
    assert "vetset's table has: not for models that compete" in (tmp_path / "out" / "README.md").read_text().replace(
        "\\", ""
    )


def test_rows_that_are_not_written_need_no_terms(tmp_path):
    dataset = made_set(tmp_path / "s.vet", ("one", {"model": "my-own", "fate": "review"}), ("two", {"model": "my-own"}))
    with Ledger.open(dataset.folder) as ledger:
        ledger.decide([Decision(dataset.rows["id"][5], "drop")], reviewer="ann")
    result = export(dataset, tmp_path / "out")
    assert result.synthetic is None
    assert "synthetic" not in account(tmp_path / "out")
    assert (result.counts["held"], result.counts["dropped"]) == (1, 1)
    assert verify(tmp_path / "out").ok


def test_a_child_of_an_eval_row_is_unsplit_and_the_lineage_says_why(tmp_path):
    dataset = made_set(tmp_path / "s.vet", ("one", {}))
    ids = dataset.rows["id"]
    dataset.save(
        {"splits.parquet": parquet(pl.DataFrame({"id": ids, "split": ["test", "train", "train", "train", None]}))}
    )
    result = export(Dataset.open(dataset.folder), tmp_path / "out")
    assert result.counts["unsplit"] == 1
    lineage = pl.read_parquet(tmp_path / "out" / "lineage.parquet").row(4, named=True)
    assert (lineage["fate"], lineage["origin"]) == ("unsplit", MODEL)
    assert lineage["why"].startswith("no split: a synthetic row follows what it was made from")
    assert verify(tmp_path / "out").ok


def test_a_row_under_review_is_held_until_it_is_kept(tmp_path):
    dataset = made_set(tmp_path / "s.vet", ("one", {"fate": "review", "why": "votes differ"}))
    row = dataset.rows["id"][4]
    assert check(dataset, select=["synthetic"]).blocking == ["synthetic.review"]
    assert export(dataset, tmp_path / "out").counts["held"] == 1
    with Ledger.open(dataset.folder) as ledger:
        ledger.decide([Decision(row, "keep")], reviewer="ann")
    assert export(Dataset.open(dataset.folder), tmp_path / "out").counts["written"] == 5


def test_a_changed_count_of_synthetic_rows_is_found(tmp_path):
    export(made_set(tmp_path / "s.vet", ("one", {}), ("two", {})), tmp_path / "out")
    told = account(tmp_path / "out")
    told["synthetic"]["teachers"][0]["rows"] = 1
    (tmp_path / "out" / "provenance.json").write_bytes(seal(told))
    assert [one.what for one in verify(tmp_path / "out").checks if not one.ok] == [repr(MODEL)]
    del told["synthetic"]
    (tmp_path / "out" / "provenance.json").write_bytes(seal(told))
    assert not verify(tmp_path / "out").ok
    told["synthetic"] = "gone"
    (tmp_path / "out" / "provenance.json").write_bytes(seal(told))
    assert not verify(tmp_path / "out").ok


def test_an_export_of_before_there_were_teachers_still_verifies(tmp_path):
    export(made_set(tmp_path / "s.vet"), tmp_path / "out")
    path = tmp_path / "out" / "lineage.parquet"
    pl.read_parquet(path).drop("teacher", "run", "parents").write_parquet(path)
    told = account(tmp_path / "out")
    told["beside"]["lineage.parquet"] = {"sha256": sha256(path), "bytes": path.stat().st_size}
    (tmp_path / "out" / "provenance.json").write_bytes(seal(told))
    assert verify(tmp_path / "out").ok


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_every_format_carries_the_origin_or_says_that_it_does_not(tmp_path, form):
    dataset = made_set(tmp_path / "s.vet", ("one", {"license": "Apache-2.0"}))
    try:
        result = export(dataset, tmp_path / "out", format=form, extra=False)
    except DataError:
        return  # the format has no place for such rows
    (file,) = [path for path in (tmp_path / "out").iterdir() if path.stem == "data"]
    said = pl.read_parquet(file).to_dicts() if file.suffix == ".parquet" else file.read_text()
    for column, value in (("origin", MODEL), ("license", "Apache-2.0")):
        lost = any(loss.kind == "field" and loss.what == column for loss in result.losses)
        assert lost != (value in str(said))


def test_the_same_set_and_options_give_the_same_bytes(tmp_path):
    dataset = made_set(tmp_path / "s.vet", ("one", {"model": "gpt-4o"}), ("two", {}), ("three", {"run": "second"}))
    for name in ("a", "b"):
        export(dataset, tmp_path / name, waive_terms="it may be by Ann")
    first, second = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("a", "b"))
    assert first == second


def test_the_card_lets_nothing_of_a_teachers_name_or_a_waiver_out_of_its_cell(tmp_path):
    dataset = made_set(tmp_path / "s.vet", ("one", {"model": "a|b <img src=x>\n# big"}))
    export(dataset, tmp_path / "out", waive_terms="| <b> by [x](http://a.b)")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "<img" not in card
    assert "\n# big" not in card
    assert "](http" not in card


def test_the_page_is_told_what_stops_the_export_and_writes_with_a_waiver(tmp_path):
    dataset = made_set(tmp_path / "s.vet", ("one", {"model": "gpt-4o"}))
    told = preview(dataset)
    assert told.synthetic["rows"] == 1
    assert "'gpt-4o', 1 row: not for models that compete" in told.closed
    asked = {"folder": str(dataset.folder), "format": "messages", "held": "hold", "extra": False, "config": None}
    with pytest.raises(GateError):
        answer({**asked, "out": str(tmp_path / "out")})
    done = answer({**asked, "out": str(tmp_path / "out"), "waive_terms": "no competing by Ann"})
    assert done["synthetic"]["waiver"] == {"reason": "no competing", "by": "Ann"}
    assert preview(made_set(tmp_path / "r.vet", ("one", {}))).closed is None


def test_why_tells_a_synthetic_row_how_it_came_to_be_and_a_real_one_its_children(tmp_path):
    dataset = made_set(tmp_path / "s.vet", ("one", {}), ("two", {}))
    parent, first = dataset.rows["id"][0], dataset.rows["id"][4]
    made = why(dataset, first)
    assert made.synthetic["parents"][0] | {"line": 1} == {
        "id": parent,
        "file": "memory",
        "line": 1,
        "split": None,
        "origin": "unknown",
    }
    assert made.synthetic["teacher"] == {"model": MODEL, "revision": "r1"}
    assert made.synthetic["terms"]["training"] == "allowed"
    assert (made.synthetic["prompt_sha256"], made.synthetic["response_sha256"]) == ("a" * 64, "b" * 64)
    assert (list(made.synthetic["tokens"]), made.synthetic["cost"]) == ([120, 30], 0.002)
    assert [one["gate"] for one in made.synthetic["verdicts"]] == ["distill.schema", "distill.judge"]
    assert made.children == []
    assert [one["id"] for one in why(dataset, parent).children] == dataset.rows["id"][4:].to_list()
    assert why(dataset, parent).synthetic is None
    json.dumps(made.summary())
