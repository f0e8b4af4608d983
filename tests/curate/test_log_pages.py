"""A long log in pages: what a filter finds, the lines of a batch, and sums that cost no more than the page."""

import time

import polars as pl
import pytest
from vetset.curate.dataset import Dataset, frame
from vetset.curate.decisions.decision import Decision
from vetset.curate.decisions.history import BATCHES, batches, summed
from vetset.curate.decisions.ledger import Ledger
from vetset.curate.decisions.log_pages import LINES, PAGE, Asked, choices, find, lines, reasons


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path) as ledger:
        ledger.decide(
            [Decision("a-0", "drop", reason="spam 100%"), Decision("b-0", "keep")], reviewer="ann", batch="one"
        )
        ledger.decide(
            [Decision("c-0", "relabel", "Zürich", "wrong town", "labels.suspect")], reviewer="ben", batch="two"
        )
        ledger.undo("one", reviewer="ben", reason="no spam")
        yield ledger


def names(ledger, **asked):
    return find(ledger, Asked(**asked)).names


def test_the_latest_batch_comes_first_and_a_filter_finds_those_with_such_a_line(ledger):
    undo = find(ledger, Asked()).names[0]
    assert names(ledger) == (undo, "two", "one")
    assert names(ledger, reviewer="ben") == (undo, "two")
    assert names(ledger, action="drop") == ("one",)
    assert names(ledger, rule="labels.suspect") == ("two",)
    assert names(ledger, text="SPAM") == (undo, "one")
    assert names(ledger, reviewer="ann", action="undo") == ()


def test_signs_of_a_pattern_are_letters_like_others(ledger):
    assert names(ledger, text="100%") == ("one",)
    assert names(ledger, text="spam%0") == ()
    assert names(ledger, text="_") == ()
    assert names(ledger, text="'; DROP TABLE decision") == ()


def test_lines_of_a_batch_tell_which_were_taken_back(ledger):
    found = lines(ledger, "one")
    assert found.schema == LINES
    assert found.select("row_id", "taken").rows() == [("a-0", True), ("b-0", True)]
    assert lines(ledger, "two")["taken"].to_list() == [False]
    assert lines(ledger, "none").is_empty()


def test_a_batch_that_is_longer_than_a_page_is_read_page_by_page(tmp_path):
    with Ledger.open(tmp_path) as ledger:
        ledger.decide([Decision(f"{n}-0", "drop") for n in range(2 * PAGE + 3)], reviewer="ann", batch="b")
        pages = [lines(ledger, "b", page=number) for number in (1, 2, 3, 4)]
    assert [page.height for page in pages] == [PAGE, PAGE, 3, 0]
    assert pl.concat(pages)["seq"].to_list() == list(range(1, 2 * PAGE + 4))


def test_reasons_and_choices(ledger):
    undo = find(ledger, Asked()).names[0]
    assert reasons(ledger, [undo, "one", "two"]) == {
        undo: ("no spam", 1), "one": ("spam 100%", 1), "two": ("wrong town", 1),
    }  # fmt: skip
    assert choices(ledger) == {
        "reviewer": ["ben", "ann"], "action": ["undo", "drop", "keep", "relabel"], "rule": ["labels.suspect"],
    }  # fmt: skip


def test_an_empty_log_has_no_page(tmp_path):
    with Ledger.open(tmp_path) as ledger:
        assert find(ledger, Asked(text="a")).names == ()
        assert lines(ledger, "b").is_empty()
        assert summed(ledger).schema == BATCHES
        assert choices(ledger) == {"reviewer": [], "action": [], "rule": []}
    assert not (tmp_path / "decisions.db").exists()


def test_sums_of_named_batches_are_those_of_all(make_set, tmp_path):
    rows = frame([{"messages": f"text {n}"} for n in range(4)])
    folder = make_set(tmp_path / "s.vet", rows)
    with Ledger.open(folder) as ledger:
        ledger.decide([Decision(row, "drop", rule="quality.empty") for row in rows["id"]], reviewer="ann", batch="b")
        ledger.decide([Decision("gone-0", "keep"), Decision(rows["id"][0], "keep")], reviewer="ben", batch="c")
        ledger.undo([2], reviewer="ann")
        every = batches(Dataset.open(folder))
        assert every["stale"].to_list() == [0, 1, 0]
        assert every["undone"].to_list() == [1, 0, 0]
        assert summed(ledger, ["c"], gone=["gone-0"]).equals(every.filter(batch="c"))
        assert summed(ledger, [], gone=[]).is_empty()


@pytest.mark.slow
def test_a_log_of_150_000_lines_is_paged_in_under_a_second_of_cpu(tmp_path):
    with Ledger.open(tmp_path) as ledger:
        for part in range(3):
            many = [Decision(f"{part}x{n}-0", "drop", reason="spam") for n in range(33_000)]
            ledger.decide(many, reviewer=f"r{part}", batch=f"big{part}")
        with ledger.writing() as connection:  # and 51,000 that were made one by one
            connection.execute(
                """INSERT INTO decision SELECT seq + 99000, uid || 'y', at, 'solo', row_id || 'y', content, 'keep', NULL,
                NULL, NULL, 'b' || seq, 'labels.suspect' FROM decision WHERE seq <= 51000"""
            )
        begin = time.process_time()
        found = find(ledger, Asked())
        summed(ledger, found.names)
        reasons(ledger, found.names)
        lines(ledger, "big1", page=300)
        took = time.process_time() - begin
        assert (found.batches, found.lines) == (51_003, 150_000)
        assert took < 1
        deep = find(ledger, Asked(text="SPAM"))
        begin = time.process_time()
        assert summed(ledger, deep.names)["rows"].to_list() == [33_000] * 3
        assert time.process_time() - begin < 1
