"""The agreement of a set as a page shows it: the report, where two differ, and the decisions that settle it."""

import polars as pl
import pytest
from vetset.curate.agreement.disagreements import (
    crossed,
    differing_items,
    in_row_order,
    side_by_side,
    still_open,
    verdict,
)
from vetset.curate.agreement.report import Question, make_report, place_of_report, read_report
from vetset.curate.agreement.reviewers import ADJUDICATED, decided_twice, votes_of
from vetset.curate.dataset import Dataset, frame
from vetset.curate.decisions.applied import apply
from vetset.curate.decisions.decision import Decision
from vetset.curate.decisions.ledger import Ledger
from vetset.curate.errors import UsageError
from vetset.curate.reading.mapping import Given
from vetset.curate.reading.reader import read
from vetset.curate.review import aside
from vetset.curate.review.heads import read_heads
from vetset.curate.review.view import open_view, place_of

VOTES = pl.DataFrame(
    [("1", "ann", "ja"), ("1", "bob", "nein"), ("2", "ann", "ja"), ("2", "bob", "ja"), ("3", "ann", "nein"),
     ("3", "bob", "ja"), ("3", "çelik", "ja"), ("4", "çelik", "ja")],
    ["item", "annotator", "label"], orient="row",
)  # fmt: skip


def test_items_on_which_two_differ():
    assert differing_items(VOTES, one="ann", other="bob").to_list() == ["1", "3"]
    assert differing_items(VOTES, one="ann", other="bob", labels=("ja", "nein")).to_list() == ["1"]
    assert differing_items(VOTES, one="bob", other="çelik").to_list() == []
    assert differing_items(VOTES).to_list() == ["1", "3"]
    assert differing_items(VOTES.clear()).to_list() == []


def test_labels_of_two_side_by_side_and_counted():
    pair = side_by_side(VOTES, "ann", "bob")
    assert pair.rows() == [("1", "ja", "nein"), ("2", "ja", "ja"), ("3", "nein", "ja")]
    assert crossed(pair).rows() == [("ja", "nein", 1), ("nein", "ja", 1), ("ja", "ja", 1)]
    assert crossed(side_by_side(VOTES, "ann", "nobody")).is_empty()


def test_a_verdict_leaves_one_row_with_the_label_and_drops_its_copies():
    rows = [("a-0", "no"), ("b-0", "yes"), ("c-0", "no")]
    assert [(d.row_id, d.action, d.value) for d in verdict(rows, "yes")] == [
        ("b-0", "keep", None), ("a-0", "drop", None), ("c-0", "drop", None)]  # fmt: skip
    assert next((d.row_id, d.action, d.value) for d in verdict(rows, "maybe")) == ("a-0", "relabel", "maybe")
    assert [(d.row_id, d.action) for d in verdict([("a-0", "no")], "no")] == [("a-0", "keep")]
    assert {d.rule for d in verdict(rows, "no")} == {ADJUDICATED}


def test_a_row_that_was_dropped_stays_out_unless_it_is_the_only_one():
    rows = [("a-0", "no"), ("b-0", "yes")]
    assert [(d.row_id, d.action) for d in verdict(rows, "yes", out={"b-0"})] == [("a-0", "relabel")]
    assert [(d.row_id, d.action) for d in verdict(rows[1:], "yes", out={"b-0"})] == [("b-0", "keep")]
    with pytest.raises(UsageError, match="no row"):
        verdict([], "yes")


@pytest.fixture
def crowd(tmp_path):
    """Forty texts by three annotators, a row a vote; cy says no to every fifth."""
    lines = ["text,label,who"]
    for number in range(40):
        right = "yes" if number % 2 else "no"
        votes = {"ann": right, "bob": right, "cy": "maybe" if number % 5 == 0 else right}
        lines += [f"question number {number} é,{label},{who}" for who, label in votes.items()]
    (tmp_path / "crowd.csv").write_text("\n".join(lines), encoding="utf-8")
    return read([tmp_path / "crowd.csv"], tmp_path / "crowd.vet", columns=Given(annotator="who")).dataset


def test_a_report_holds_what_the_command_says_and_the_rows_of_each_item(crowd):
    report = make_report(crowd, Question(classifier=False))
    assert report.summary["names"] == ["ann", "bob", "cy"]
    assert report.summary["shared"] == 40
    assert report.votes.height == 120
    assert report.members.height == 120
    assert len(differing_items(report.votes, one="ann", other="cy")) == 8
    assert len(differing_items(report.votes, one="ann", other="bob")) == 0
    assert report.views.is_empty()


def test_adjudicating_a_set_with_a_row_a_vote_exports_each_text_once(crowd):
    report = make_report(crowd, Question(classifier=False))
    view = open_view(crowd.folder)
    with Ledger.open(crowd.folder) as ledger:
        listed = in_row_order(differing_items(report.votes), report.members, view)
        left = still_open(listed, read_heads(view, ledger))
        assert len(left) == 8
        rows = listed.filter(item=left[0])["place"].to_list()
        labels = view.rows[rows].select("id", "label").rows()
        assert len(labels) == 3
        ledger.decide(verdict(labels, "maybe"), reviewer="dee", batch="one")
        heads = read_heads(view, ledger)
        assert still_open(listed, heads) == left[1:]
        vetted = apply(crowd.rows, ledger.head()).rows
        assert vetted.filter(pl.col("id").is_in([row for row, _ in labels]))["label"].to_list() == ["maybe"]
        ledger.undo("one", reviewer="dee")
        ledger.decide([Decision(labels[0][0], "skip")], reviewer="dee")
        assert still_open(listed, read_heads(view, ledger)) == [*left[1:], left[0]]


def test_rows_that_two_reviewers_decided_are_votes_of_theirs(make_set, tmp_path):
    rows = frame([{"messages": f"text {n}", "label": "yes"} for n in range(5)])
    folder = make_set(tmp_path / "s.vet", rows)
    a, b, c, d, e = rows["id"]
    with Ledger.open(folder) as ledger:
        ledger.decide([Decision(row, "keep") for row in (a, b, c)], reviewer="ann")
        ledger.decide([Decision(a, "relabel", "no"), Decision(b, "keep"), Decision(d, "drop")], reviewer="ben")
        ledger.decide([Decision(c, "drop"), Decision(e, "drop")], reviewer="policy")
        ledger.decide([Decision(d, "skip")], reviewer="ann")
        gone = ledger.decide([Decision(c, "drop")], reviewer="ben")
        ledger.undo(gone.seqs, reviewer="ben")
        found = decided_twice(ledger)
        assert votes_of(found, rows).rows() == sorted(
            [(a, "ann", "yes"), (a, "ben", "no"), (b, "ann", "yes"), (b, "ben", "yes")])  # fmt: skip
        ledger.decide(verdict([(a, "yes")], "yes"), reviewer="ann")
        assert decided_twice(ledger).equals(found)
        view = open_view(folder)
        report = make_report(Dataset.open(folder), Question("reviewers", classifier=False))
        listed = in_row_order(differing_items(report.votes), report.members, view)
        assert listed["row"].to_list() == [a]
        assert still_open(listed, read_heads(view, ledger), reviewers=True) == []


def test_a_set_that_nobody_decided_has_no_votes_of_reviewers(make_set, tmp_path):
    folder = make_set(tmp_path / "s.vet", frame([{"messages": "text", "label": "yes"}]))
    with Ledger.open(folder) as ledger:
        assert votes_of(decided_twice(ledger), Dataset.open(folder).rows).is_empty()


def test_a_report_is_made_by_another_process_and_mapped_from_its_files(crowd):
    view = open_view(crowd.folder)
    question = Question(classifier=False)
    path = place_of_report(place_of(crowd.folder), view.rows_key, question)
    assert read_report(path) is None
    told = {"folder": str(crowd.folder), "path": str(path), "question": question.__dict__}
    assert aside.ask("agreement.report", told) == str(path)
    found, again = read_report(path), make_report(crowd, question)
    assert found is not None
    assert found.summary == again.summary
    assert found.votes.equals(again.votes)
    (path / "votes.arrow").write_bytes(b"cut off")
    assert read_report(path) is None
    aside.ask("agreement.report", told)
    assert read_report(path) is not None


def test_what_the_other_process_can_not_do_comes_back_as_its_sentence(make_set, tmp_path):
    folder = make_set(tmp_path / "s.vet", frame([{"messages": "text", "label": "yes"}]))
    told = {"folder": str(folder), "path": str(tmp_path / "agreement-a-b-c"), "question": Question().__dict__}
    with pytest.raises(UsageError, match="says of no row who labelled it"):
        aside.ask("agreement.report", told)
    assert not list(tmp_path.glob("agreement-*"))


@pytest.mark.slow
def test_pubmedqa_has_the_published_figures(shared, tmp_path):
    dataset = read([shared / "pubmedqa" / "ori_pqal.json"], tmp_path / "p.vet").dataset
    question = Question(columns=("reasoning_required_pred", "reasoning_free_pred"), classifier=False)
    report = make_report(dataset, question)
    assert report.summary["pairs"][0]["kappa"] == pytest.approx(0.4567, abs=1e-4)
    assert report.summary["coefficients"]["krippendorff_alpha"]["value"] == pytest.approx(0.4555, abs=1e-4)
    assert len(differing_items(report.votes)) == 299
