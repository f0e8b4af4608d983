"""Where rows are from and whether they may be used, against the manifest, the rows and `vetset why`."""

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetset.curate.checking import check
from vetset.curate.dataset import Dataset, frame
from vetset.curate.decisions.decision import Decision
from vetset.curate.errors import UsageError
from vetset.curate.exports.exporting import export
from vetset.curate.exports.life import why
from vetset.curate.licence_terms import terms
from vetset.curate.reading.reader import read
from vetset.curate.review.desk import Desk
from vetset.curate.review.sources import FILES, files, licensed, origins, rejects, unlicensed_files
from vetset.curate.review.trail import EXPORTS, STEPS, exports, life, read_from, stages, steps
from vetset.curate.spdx import HUB, SPDX


@pytest.fixture
def read_set(tmp_path):
    """A set read from two files, one of which has no licence and a line that is no row."""
    named, bare = tmp_path / "named.jsonl", tmp_path / "bare.jsonl"
    named.write_text(
        "\n".join(json.dumps({"text": f"سؤال {n}", "label": "ab"[n % 2], "license": "cc by-nc 4.0"}) for n in range(6))
    )
    bare.write_text("\n".join([*(json.dumps({"text": f"何時 {n}", "label": "a"}) for n in range(4)), '{"text": "cut']))
    read([named, bare], tmp_path / "s.vet")
    with Desk(tmp_path / "s.vet") as desk:
        yield desk


def test_rows_are_counted_by_source_and_licence_and_the_unknown_stand_first(read_set):
    look = read_set.look()
    found = licensed(look)
    assert [(of.license, of.rows, of.terms.kind) for of in found] == [
        (None, 4, "unknown"), ("cc by-nc 4.0", 6, "no-commercial"),
    ]  # fmt: skip
    assert [read_set.pick(look, of.filter).size for of in found] == [4, 6]
    assert [path.rpartition("/")[2] for path in unlicensed_files(look)] == ["bare.jsonl"]
    assert origins(look) == {"unknown": 10}


def test_files_and_rejects_are_those_of_the_manifest(read_set):
    look = read_set.look()
    assert files(look)["rows"].to_list() == [6, 4]
    assert files(look)["sha256"].str.len_chars().to_list() == [64, 64]
    found = rejects(look)
    assert (found.count, found.lost, len(found.first)) == (1, None, 1)
    assert "cut" in found.first[0]["text"]
    assert [path.rpartition("/")[2] for path in read_from(look.view.manifest)] == ["named.jsonl", "bare.jsonl"]


def test_lost_or_damaged_rejects_are_a_sentence_with_the_command(read_set):
    look, path = read_set.look(), read_set.folder / "rejects.jsonl"
    path.write_text("{")
    damaged = rejects(look).lost or ""
    assert "vetset read" in damaged
    path.unlink()
    lost = rejects(look).lost or ""
    assert "is gone" in lost
    assert "vetset read" in lost
    assert rejects(look).count == 1


def test_the_way_of_a_set_says_what_was_not_done_yet(read_set, tmp_path):
    said = {of.verb: (of.said, of.done) for of in stages(read_set.look())}
    assert said["read"] == ("2 files, 10 rows, 1 reject", True)
    assert [said[verb] for verb in ("check", "decide", "export")] == [("not yet", False)] * 3
    check(Dataset.open(read_set.folder), select=["licences.unknown"])
    look = read_set.look()
    read_set.decide([Decision(look.view.rows["id"][0], "drop")], reviewer="ann", seen=look.seq)
    export(Dataset.open(read_set.folder), tmp_path / "out")
    look = read_set.look()
    said = {of.verb: of.said for of in stages(look)}
    assert said["check"] == f"1 rule, {look.view.findings.height} findings"
    assert (said["decide"], said["export"]) == ("1 row decided", "1 export")
    assert steps(look.view.manifest)["verb"].to_list() == ["read", "check", "export"]
    made = exports(look)
    assert made["there"].all()
    assert set(made["file"]) > {"provenance.json", "decisions.jsonl"}
    (tmp_path / "out" / "provenance.json").unlink()
    assert not exports(look)["there"].any()


def test_the_life_of_a_row_from_the_view_is_that_of_why(read_set, tmp_path):
    check(Dataset.open(read_set.folder), select=["licences", "duplicates.near"])
    look = read_set.look()
    row = look.view.rows["id"][7]
    read_set.decide([Decision(row, "relabel", "b", reason="mail ann@example.org")], reviewer="ann", seen=look.seq)
    export(Dataset.open(read_set.folder), tmp_path / "out")
    for wanted in (row, row[:9]):
        assert life(read_set.look().view, wanted) == why(Dataset.open(read_set.folder), wanted)
    with pytest.raises(UsageError, match="has no row"):
        life(read_set.look().view, "nothing")


@pytest.mark.parametrize("rows", [[], [{"messages": "متى؟"}]], ids=["no row", "one row"])
def test_the_smallest_sets_have_a_provenance(make_set, tmp_path, rows):
    with Desk(make_set(tmp_path / "s.vet", frame(rows))) as desk:
        look = desk.look()
        assert sum(of.rows for of in licensed(look)) == len(rows)
        assert files(look).schema == FILES
        assert exports(look).schema == EXPORTS
        assert steps(look.view.manifest).schema == STEPS
        assert read_from(look.view.manifest) == []
        assert licensed(look) == licensed(look)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("MIT", "attribution"), ("apache 2.0", "attribution"), ("CC0-1.0", "free"), ("cc-by-sa-4.0", "share-alike"),
        ("CC-BY-NC-ND-4.0", "no-commercial"), ("CC-BY-ND-4.0", "no-derivatives"), ("GPL-3.0-only", "share-alike"),
        ("llama3.1", "read"), ("openrail++", "read"), ("LicenseRef-acme", "own"), ("proprietary", "own"),
        ("MIT OR CC-BY-NC-4.0", "attribution"), ("MIT AND CC-BY-NC-4.0", "no-commercial"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "share-alike"),
        ("free for all 😀", "unknown"), ("unknown", "unknown"), ("", "unknown"), (None, "unknown"),
    ],
)  # fmt: skip
def test_each_kind_of_licence_says_what_it_allows(name, kind):
    assert terms(name).kind == kind


@given(st.sampled_from([*SPDX, *HUB]), st.sampled_from([*SPDX, *HUB]))
def test_a_choice_allows_no_less_and_a_sum_no_more_than_either(first, second):
    either = {terms(first).kind, terms(second).kind}
    assert "unknown" not in either
    assert {terms(f"{first} OR {second}").kind, terms(f"{first} AND {second}").kind} == either


def test_real_files_are_listed_with_their_digests(shared, tmp_path):
    facts = [shared / "arabic_sentiment" / f"ArSarcasm_{side}.csv" for side in ("train", "test")]
    read(facts, tmp_path / "s.vet")
    with Desk(tmp_path / "s.vet") as desk:
        look = desk.look()
        assert files(look)["rows"].to_list() == [8437, 2110]
        assert {of.source for of in licensed(look)} == set(look.view.rows["source"].unique())
        assert sum(of.rows for of in licensed(look)) == 10_547
        assert unlicensed_files(look) == sorted(map(str, facts))
        assert isinstance(files(look), pl.DataFrame)
