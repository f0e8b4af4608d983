"""The hand-off: rows of a run come into the set once, stand with their parents, and stay whatever is read again."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import polars as pl
import pytest
from vetset.curate import check, read, split
from vetset.curate.dataset import Dataset, digest_of, frame
from vetset.curate.decisions.ledger import Decision, Ledger
from vetset.curate.distill.handoff import bring_in, with_ids
from vetset.curate.distill.kept import place
from vetset.curate.distill.lineage import synthetic
from vetset.curate.distill.rows_file import read_rows
from vetset.curate.errors import DataError, StaleError, UsageError
from vetset.curate.exports.exporting import export
from vetset.curate.exports.life import why
from vetset.curate.exports.provenance import verify
from vetset.curate.reading.mapping import Given
from vetset.tests.curate.children_made import child, children, write_lines


@pytest.fixture
def tickets(tmp_path):
    """A set of 40 rows that was read from a file."""
    rows = [{"text": f"ticket {n} about my card", "label": "ab"[n % 2]} for n in range(40)]
    (tmp_path / "tickets.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read([tmp_path / "tickets.jsonl"], tmp_path / "t.vet").dataset


def made_from(dataset, *places, start=0, **more):
    """One child of each row at these places."""
    ids = dataset.rows["id"]
    return children(*(child(f"made {start + n}", ids[row], label="a", **more) for n, row in enumerate(places)))


def opened(dataset):
    return Dataset.open(dataset.folder)


def test_rows_come_in_behind_those_that_stand_there_and_the_manifest_tells_of_them(tickets, tmp_path):
    before = tickets.rows
    run = tmp_path / "first.distill"
    write_lines(run / "accepted.jsonl", made_from(tickets, 0, 1))
    write_lines(run / "review.jsonl", made_from(tickets, 2, start=2, fate="review", why="votes differ"))
    told = bring_in(opened(tickets), run)
    assert (told.offered, told.added, told.known, told.review) == (3, 3, 0, 1)
    now = opened(tickets)
    assert now.rows.head(40).equals(before)
    assert synthetic(now.rows)["fate"].to_list() == ["accepted", "accepted", "review"]
    assert now.rows["file"].tail(3).to_list() == [str(run / "accepted.jsonl")] * 2 + [str(run / "review.jsonl")]
    assert now.rows["line"].tail(3).to_list() == [1, 2, 1]
    assert now.manifest["rows"] == 43
    assert [(one["path"], one["rows"], one["container"]) for one in now.manifest["inputs"][1:]] == [
        (str(run / "accepted.jsonl"), 2, "distill"), (str(run / "review.jsonl"), 1, "distill"),
    ]  # fmt: skip
    assert now.manifest["steps"][-1]["verb"] == "distill"
    assert now.manifest["steps"][-1]["counts"] == {"offered": 3, "added": 3, "known": 0, "review": 1, "train": 0}


def test_the_same_run_twice_adds_nothing_and_a_longer_one_what_is_new(tickets, tmp_path):
    run, rows = tmp_path / "x.distill", made_from(tickets, *range(10))
    for offered, added in ((4, 4), (4, 0), (10, 6), (2, 0)):
        write_lines(run / "accepted.jsonl", rows.head(offered))
        before = (tickets.folder / "rows.parquet").read_bytes()
        told = bring_in(opened(tickets), run)
        assert (told.offered, told.added, told.known) == (offered, added, offered - added)
        if not added:
            assert (tickets.folder / "rows.parquet").read_bytes() == before
    assert told.gone == 8  # what the run no longer has stays
    assert opened(tickets).rows.height == 50


def test_a_row_that_says_what_a_real_one_does_is_a_row_of_its_own(tickets):
    copy = children(child("ticket 0 about my card", tickets.rows["id"][0], label="a"))
    told = bring_in(opened(tickets), copy)
    assert told.added == 1
    assert opened(tickets).rows["id"].n_unique() == 41


def test_two_drafts_that_say_the_same_are_two_rows_and_one_draft_is_one():
    rows = children(child("same", draft="d-1"), child("same", draft="d-2"), child("same", draft="d-1"))
    assert with_ids(rows).height == 2


def test_a_draft_that_says_something_else_now_comes_in_beside_what_it_said(tickets):
    bring_in(opened(tickets), children(child("before", tickets.rows["id"][0], draft="d-1")))
    told = bring_in(opened(tickets), children(child("after", tickets.rows["id"][0], draft="d-1")))
    assert (told.added, told.anew, told.gone) == (1, 1, 1)
    assert opened(tickets).rows.height == 42


def test_new_rows_stand_in_train_only_where_all_parents_do(tickets):
    split(opened(tickets), inflation=False)
    now = opened(tickets)
    train, held = (now.rows.filter((pl.col("split") == "train") == side)["id"].to_list() for side in (True, False))
    rows = children(
        child("a", train[0], train[1]),
        child("b", train[0], held[0]),
        child("c", "f" * 20 + "-0"),
        child("d"),
        child("e", held[1]),
    )
    told = bring_in(now, rows)
    now = opened(tickets)
    # Of the parent of c, which the set does not have, nobody knows whether an eval row is that one under another id.
    assert now.rows["split"].tail(5).to_list() == ["train", None, None, "train", None]
    assert told.train == 2
    assert told.unsplit.pop("a parent is not in the set") == 1
    assert sum(told.unsplit.values()) == 2
    assert all(reason.startswith("a parent stands in ") for reason in told.unsplit)
    assert not check(now, select=["leakage.parent"]).findings.height


def test_a_set_without_an_eval_split_takes_rows_of_other_sets_to_train():
    real = frame([{"messages": text, "split": "train"} for text in "ab"])
    made = synthetic(children(child("p", "f" * 20 + "-0")))
    assert place(made, real, train="train")["split"].to_list() == ["train"]
    other = real.with_columns(split=pl.Series(["train", "test"]))
    assert place(made, other, train="train").select("split", "why").rows() == [(None, "a parent is not in the set")]


def test_a_set_without_a_split_gives_none(tickets):
    told = bring_in(opened(tickets), made_from(tickets, 0))
    assert (told.train, told.unsplit) == (0, {})
    assert opened(tickets).rows["split"].null_count() == 41


def test_children_of_new_rows_stand_with_them_and_a_circle_ends():
    real = frame([{"messages": "a", "split": "train"}, {"messages": "b", "split": "test"}])
    made = synthetic(children(*(child(text) for text in "pqrs"))).with_columns(id=pl.Series(list("pqrs")))
    parents = [[real["id"][1]], ["p"], ["s"], ["r"]]
    assert place(made.with_columns(parents=pl.Series(parents)), real, train="train")["split"].to_list() == [
        None, None, "train", "train",
    ]  # fmt: skip


def test_what_the_parents_share_is_filled_in_and_what_the_row_says_stays(tickets):
    rows = frame([
        {"messages": "a", "group": "g", "time": datetime(2026, 1, 1, tzinfo=UTC)},
        {"messages": "b", "group": "g", "time": datetime(2026, 2, 1, tzinfo=UTC)}, {"messages": "c", "group": "h"},
    ])  # fmt: skip
    a, b, c = rows["id"]
    tickets.save({"rows.parquet": rows.write_parquet}, digest=digest_of(rows["id"]), rows=3)
    bring_in(opened(tickets), children(child("1", a, b), child("2", b, c), child("3", a, group="own")))
    made = pl.read_parquet(tickets.folder / "rows.parquet").tail(3)
    assert made["group"].to_list() == ["g", None, "own"]
    assert made["time"].dt.strftime("%Y-%m-%d").to_list() == ["2026-02-01", "2026-02-01", "2026-01-01"]


def test_findings_stay_new_rows_are_looked_at_and_stale_rules_are_named(tickets):
    check(opened(tickets), select=["quality.length", "licences.unknown", "labels.conflict"])
    before = opened(tickets).findings
    told = bring_in(opened(tickets), made_from(tickets, 0, 1, fate="review", model="my-own"))
    now = opened(tickets)
    assert now.findings.filter(pl.col("rule") == "licences.unknown").equals(
        before.filter(pl.col("rule") == "licences.unknown")
    )
    assert (now.findings["rule"] == "synthetic.review").sum() == 2
    assert (now.findings["rule"] == "licences.teacher").sum() == 2
    assert set(told.stale) == {"quality.length", "licences.unknown", "labels.conflict"}
    assert now.manifest["checked"] == ["leakage.parent", "synthetic.review", "licences.teacher"]


def test_decisions_stay_also_on_rows_that_were_handed_over(tickets, tmp_path):
    bring_in(opened(tickets), made_from(tickets, 0, 1))
    row = opened(tickets).rows["id"][41]
    with Ledger.open(tickets.folder) as ledger:
        ledger.decide([Decision(row, "drop"), Decision(tickets.rows["id"][3], "keep")], reviewer="ann")
    bring_in(opened(tickets), made_from(tickets, 5, start=7))
    again = read([tmp_path / "tickets.jsonl"], tickets.folder)
    assert "3 synthetic rows of 'distill:first' stay" in again.notes[0]
    assert not any("stale" in note for note in again.notes)
    assert export(opened(tickets), tmp_path / "out", format="text-label").counts["dropped"] == 1
    assert verify(tmp_path / "out").ok


def test_reading_the_same_files_again_keeps_split_and_findings_with_the_rows(tickets, tmp_path):
    split(opened(tickets), inflation=False)
    bring_in(opened(tickets), made_from(tickets, 0, 1, fate="review"))
    before = opened(tickets)
    read([tmp_path / "tickets.jsonl"], tickets.folder)
    now = opened(tickets)
    assert now.rows.equals(before.rows)
    assert now.findings.equals(before.findings)
    assert now.manifest["inputs"] == before.manifest["inputs"]


def test_rows_stay_when_the_sources_change_and_when_the_manifest_is_damaged(tickets, tmp_path):
    split(opened(tickets), inflation=False)
    bring_in(opened(tickets), made_from(tickets, *range(4), fate="review"))
    source = tmp_path / "tickets.jsonl"
    source.write_text(source.read_text() + json.dumps({"text": "one more", "label": "b"}) + "\n")
    for spoil in (None, "{"):
        if spoil:
            (tickets.folder / "manifest.json").write_text(spoil)
        result = read([source], tickets.folder)
        assert any("4 synthetic rows" in note for note in result.notes)
        now = opened(tickets)
        assert now.rows.height == now.manifest["rows"] == 45
        assert sum(one["rows"] for one in now.manifest["inputs"]) == 45
    # Nobody has checked since; what a gate left for a person is held back all the same.
    told = export(now, tmp_path / "out", format="text-label")
    assert (told.counts["written"], told.counts["held"]) == (41, 4)


def test_other_files_are_not_read_over_a_set_that_holds_synthetic_rows(tickets, tmp_path):
    bring_in(opened(tickets), made_from(tickets, 0))
    (tmp_path / "other.jsonl").write_text('{"text": "other", "label": "a"}\n')
    with pytest.raises(
        UsageError, match="holds synthetic rows that were made from them; give the new set another name"
    ):
        read([tmp_path / "other.jsonl"], tickets.folder)
    assert opened(tickets).rows.height == 41


def test_what_is_no_synthetic_row_is_refused_and_nothing_is_written(tickets, tmp_path):
    before = {path.name: path.read_bytes() for path in tickets.folder.iterdir()}
    for given, error, said in (
        (frame([{"messages": "real"}]), UsageError, "tells of no teacher and no parents"),
        (tmp_path / "nowhere", UsageError, "give a folder that `vetset distill` wrote"),
        (frame([{"messages": "x"}]).drop("extra"), UsageError, "need the column 'extra'"),
    ):
        with pytest.raises(error, match=said):
            bring_in(opened(tickets), given)
    run = tmp_path / "bad.distill"
    run.mkdir()
    for line in ('{"text": 3}', "[]", '{"label": "a"}', "{", '{"text": "a", "time": "soon"}'):
        (run / "accepted.jsonl").write_text(line + "\n")
        with pytest.raises(DataError, match=r"accepted\.jsonl line 1"):
            bring_in(opened(tickets), run)
    assert {path.name: path.read_bytes() for path in tickets.folder.iterdir()} == before


def test_an_empty_run_adds_nothing(tickets, tmp_path):
    (tmp_path / "e.distill").mkdir()
    (tmp_path / "e.distill" / "accepted.jsonl").write_text("")
    assert bring_in(opened(tickets), tmp_path / "e.distill").added == 0


def test_rows_of_a_run_are_read_as_vetset_read_reads_them(tmp_path):
    rows = children(child("مرحبا 👋\n\u2028 x", "a-0", label="x", license="MIT"), child("", label="y"))
    write_lines(tmp_path / "accepted.jsonl", rows)
    ours, theirs = (
        read_rows(tmp_path / "accepted.jsonl"),
        read([tmp_path / "accepted.jsonl"], tmp_path / "r.vet").dataset.rows,
    )
    same = ["messages", "label", "source", "license", "origin", "line"]
    assert ours.select(same).equals(theirs.select(same))
    assert synthetic(ours).drop("id").equals(synthetic(theirs).drop("id"))


def test_a_set_that_was_split_or_read_meanwhile_is_not_written_over(tickets, tmp_path):
    split(opened(tickets), inflation=False)
    mine = opened(tickets)
    _ = mine.rows
    split(opened(tickets), inflation=False, seed=7)
    with pytest.raises(StaleError, match="run the command again"):
        bring_in(mine, made_from(tickets, 0))
    mine = opened(tickets)
    _ = mine.manifest
    bring_in(opened(tickets), made_from(tickets, 0))
    with pytest.raises(StaleError):
        bring_in(mine, made_from(tickets, 1, start=1))
    assert opened(tickets).rows.height == 41


def judged(run, accepted=(), review=(), rejected=()):
    """Write a run of these children: texts and parents; rejected ones as a run keeps them."""
    write_lines(run / "accepted.jsonl", children(*(child(text, parent, label="a") for text, parent in accepted)))
    write_lines(
        run / "review.jsonl",
        children(*(child(text, parent, label="a", fate="review", why="the judge failed") for text, parent in review)),
    )
    lines = [
        {"draft": f"d-{text}", "fate": fate, "gate": "distill.judge", "why": "it is wrong",
         "made": {"messages": [{"role": "user", "content": text}], "label": "a"}}
        for text, fate in rejected
    ]  # fmt: skip
    (run / "rejected.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def waiting(dataset):
    found = opened(dataset).findings.filter(pl.col("rule") == "synthetic.review")
    return [found.filter(pl.col("id") == row)["note"].to_list() for row in opened(dataset).rows["id"].tail(4)]


def test_the_newest_run_says_what_is_under_review_and_no_row_changes(tickets, tmp_path):
    ids, run = tickets.rows["id"], tmp_path / "first.distill"
    one, two, three, four = ((f"made {n}", ids[n]) for n in range(4))
    judged(run, review=[one, two, three, four])
    bring_in(opened(tickets), run)
    check(opened(tickets), select=["quality.length"])
    rows = (tickets.folder / "rows.parquet").read_bytes()
    judged(run, accepted=[one], review=[three], rejected=[("made 1", "rejected"), ("made 3", "failed")])
    told = bring_in(opened(tickets), run)
    assert (told.added, told.known, told.changed) == (0, 2, {"accepted": 1, "rejected": 1})
    assert (tickets.folder / "rows.parquet").read_bytes() == rows
    left = ["A gate left it for a person: the judge failed."]
    assert waiting(tickets) == [[], ["The run rejects it by now: it is wrong."], left, left]
    assert "quality.length" in opened(tickets).manifest["checked"]  # no row came in
    assert bring_in(opened(tickets), run).changed == {}
    assert [why(opened(tickets), row).synthetic["fate"] for row in opened(tickets).rows["id"].tail(4)] == [
        "accepted", "rejected", "review", "review",
    ]  # fmt: skip
    # It holds for a check, for an export of rows that nobody has checked since, and when the sources are read again.
    check(opened(tickets), select=["synthetic.review"])
    assert waiting(tickets)[0] == []
    source = tmp_path / "tickets.jsonl"
    source.write_text(source.read_text() + json.dumps({"text": "one more", "label": "b"}) + "\n")
    read([source], tickets.folder)
    told = export(opened(tickets), tmp_path / "out", format="text-label")
    assert (told.counts["written"], told.counts["held"]) == (42, 3)


def test_a_run_that_judges_anew_and_has_more_rows_does_both_and_may_change_its_mind_again(tickets, tmp_path):
    ids, run = tickets.rows["id"], tmp_path / "first.distill"
    one, two = ((f"made {n}", ids[n]) for n in range(2))
    judged(run, review=[one])
    bring_in(opened(tickets), run)
    judged(run, accepted=[one, two])
    told = bring_in(opened(tickets), run)
    assert (told.added, told.changed) == (1, {"accepted": 1})
    assert not (opened(tickets).findings["rule"] == "synthetic.review").any()
    judged(run, accepted=[two], rejected=[("made 0", "rejected")])
    assert bring_in(opened(tickets), run).changed == {"rejected": 1}
    found = opened(tickets).findings.filter(pl.col("rule") == "synthetic.review")
    assert found["id"].to_list() == [opened(tickets).rows["id"][40]]


@pytest.mark.parametrize("change", ["label", "text"])
def test_no_child_of_a_row_that_was_read_under_another_id_trains(tmp_path, change):
    rows = [{"text": f"card {n} {n * 7919}", "label": "ab"[n % 2], "topic": "xy"[n % 2]} for n in range(60)]
    source = tmp_path / "t.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    dataset = read([source], tmp_path / "t.vet").dataset
    bring_in(opened(dataset), made_from(dataset, *range(60)))
    if change == "text":
        source.write_text("".join(json.dumps(row | {"text": row["text"] + "!"}) + "\n" for row in rows))
    read([source], dataset.folder, columns=Given(label="topic") if change == "label" else None)
    told = split(opened(dataset), ratios=(0.5, 0.5), inflation=False)
    now = opened(dataset)
    assert now.rows["split"].tail(60).null_count() == 60
    assert told.summary()["synthetic"]["reasons"] == {"a parent is not in the set": 60}
    # Who puts them into train all the same is told, and nothing is exported.
    made = now.rows.select("id", pl.col("split").fill_null("train"))
    now.save({"splits.parquet": made.write_parquet})
    found = check(opened(dataset), select=["leakage.parent"])
    assert found.standing.height == 60
    assert found.blocking == ["leakage.parent"]
    assert "which is not in the set any more, so nobody can say on which side it stands" in found.findings["note"][0]


VICTIM = """
import sys
from pathlib import Path
from vetset.curate.dataset import Dataset
from vetset.curate.distill.handoff import bring_in
print("ready", flush=True)
for line in sys.stdin:
    bring_in(Dataset.open(sys.argv[1]), Path(line.strip()))
    print("done", flush=True)
"""


@pytest.mark.slow
def test_a_kill_leaves_the_set_with_all_rows_of_a_run_or_with_none(tickets, tmp_path):
    split(opened(tickets), inflation=False)
    rows, draw = made_from(tickets, *(n % 40 for n in range(400))), random.Random(1)
    before, seen = opened(tickets).rows.height, set()
    for number in range(12):
        run = tmp_path / f"{number}.distill"
        write_lines(run / "accepted.jsonl", rows.slice(number * 30, 30))
        victim = subprocess.Popen(
            [sys.executable, "-c", VICTIM, tickets.folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert victim.stdout.readline() == "ready\n"
        victim.stdin.write(f"{run}\n")
        victim.stdin.flush()
        time.sleep(draw.uniform(0.0, 0.12))  # a moment of the work, which takes about 0.1 s
        os.kill(victim.pid, signal.SIGKILL)
        victim.communicate()
        now = opened(tickets)
        assert now.rows.height - before in (0, 30)  # also reads the split, which has to be of these rows
        assert now.manifest["rows"] == now.rows.height == sum(one["rows"] for one in now.manifest["inputs"])
        seen.add(now.rows.height - before)
        told = bring_in(opened(tickets), run)
        assert told.added + told.known == 30
        before = opened(tickets).rows.height
    assert before == 40 + 12 * 30
    assert 0 in seen
