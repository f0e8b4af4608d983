"""`distill` from its recipe to its folder, before a server on this machine that writes by plan and fails by plan."""

import json
from hashlib import sha256

import polars as pl
import pytest
from vetset.curate import Dataset, decide_rows, split
from vetset.curate.distill.folder import read_report
from vetset.curate.distill.outcome import FATES
from vetset.curate.errors import UsageError
from vetset.curate.reading.mapping import Given
from vetset.curate.reading.reader import read
from vetset.evaluate.distilling.alone import alone
from vetset.evaluate.distilling.batching import read_back, write_next
from vetset.evaluate.distilling.bringing import bring
from vetset.evaluate.distilling.distilled import distill
from vetset.evaluate.distilling.estimating import estimate
from vetset.evaluate.distilling.opened import open_recipe
from vetset.evaluate.models.journal import Journal
from vetset.tests.evaluate.distill_victims import Paid, outputs, write_recipe, written
from vetset.tests.evaluate.fault_server import Faults, serving


@pytest.fixture
def seeds(tmp_path):
    lines = [f"my card number {number} has still not come to my house,card_arrival" for number in range(12)]
    lines += [f"what is the rate of exchange for currency {number} today,exchange_rate" for number in range(12)]
    (tmp_path / "real.csv").write_text("text,label\n" + "\n".join(lines) + "\n")
    return read([tmp_path / "real.csv"], tmp_path / "real.vet", columns=Given(label="label")).dataset


@pytest.fixture
def server():
    with serving(Faults(), keep=False) as found:
        found.reply = Paid()
        yield found


def recipe(tmp_path, url, *, accepted=4, more="", **changed):
    path = write_recipe(tmp_path, "real.vet", url, accepted=accepted, at_once=4)
    text = path.read_text()
    for old, new in changed.items():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text + more)
    return path


def adds_up(report):
    assert report["planned"] == sum(report[fate] for fate in FATES)
    assert report["planned"] == sum(cell["drafts"] for cell in report["cells"])


def test_a_run_gives_every_cell_its_rows_and_the_same_again_asks_for_nothing(tmp_path, seeds, server):
    path = recipe(tmp_path, server.url)
    first = distill(open_recipe(path))
    adds_up(first.report)
    assert first.report["accepted"] == first.report["wanted"] == 24
    rows = [json.loads(line) for line in (first.folder / "accepted.jsonl").read_text().splitlines()]
    assert len(rows) == 24
    assert all(row["distill"]["teacher"]["model"] == "tiny" and len(row["distill"]["parents"]) == 4 for row in rows)
    asked = server.reply.calls.total()
    again = distill(open_recipe(path))
    assert (again.unchanged, again.calls, server.reply.calls.total()) == (True, 0, asked)


def test_every_draft_stands_in_the_table_with_its_calls_tokens_and_digests(tmp_path, seeds, server):
    found = distill(open_recipe(recipe(tmp_path, server.url)))
    table = pl.read_parquet(found.folder / "drafts.parquet")
    assert dict(table["fate"].value_counts().iter_rows()) == {
        fate: found.report[fate] for fate in FATES if found.report[fate]
    }
    assert table["calls"].list.len().to_list() == [1] * table.height
    with Journal(found.folder / "calls.jsonl") as journal:
        kept = journal.answers
    assert set(table["calls"].explode()) == set(kept)
    told = [kept[key].prompt_tokens for key in table["calls"].list.first()]
    assert table["prompt_tokens"].to_list() == told


def test_more_rows_ask_for_no_more_than_these(tmp_path, seeds, server):
    distill(open_recipe(recipe(tmp_path, server.url, accepted=10)))
    before = set(server.reply.calls)
    found = distill(open_recipe(recipe(tmp_path, server.url, accepted=11)))
    assert found.report["accepted"] == 66
    assert max(server.reply.calls.values()) == 1
    assert found.calls == len(set(server.reply.calls) - before)
    assert found.calls < 12


def test_another_reader_of_replies_costs_no_call(tmp_path, seeds, server):
    path = recipe(tmp_path, server.url)
    first = distill(open_recipe(path))
    expected = outputs(first.folder)
    found = distill(open_recipe(path), anew=True)
    assert (found.calls, found.unchanged) == (0, False)
    assert outputs(found.folder) == expected


def test_an_eval_row_that_the_teacher_writes_is_caught(tmp_path, seeds, server):
    leaked = "the machine in the station of Oslo ate my blue card on Monday evening"
    (tmp_path / "eval.csv").write_text(f"text,label\n{leaked},card_arrival\n")
    forms = [leaked, leaked.upper(), leaked.replace("blue", "red"), " ".join(leaked.split()[:7])]

    def leaking(body):
        status, headers, reply = written(body)
        number = int(sha256(json.dumps(body).encode()).hexdigest(), 16)
        if number % 3 == 0:
            reply["choices"][0]["message"]["content"] = json.dumps({"text": forms[number // 3 % 4]})
        return status, headers, reply

    server.reply = leaking
    path = recipe(tmp_path, server.url, **{"accepted = 4": 'accepted = 4\nagainst = ["eval.csv"]'})
    found = distill(open_recipe(path))
    assert found.report["accepted"] == 24
    text = (found.folder / "accepted.jsonl").read_text() + (found.folder / "review.jsonl").read_text()
    assert not any(form in text for form in forms)
    assert sum(count for gate, count in found.report["gates"].items() if gate.startswith("leakage.")) > 3


def test_a_budget_stops_the_run_below_its_cap_and_a_larger_one_goes_on(tmp_path, seeds, server):
    stopped = distill(open_recipe(recipe(tmp_path, server.url, more="\n[budget]\ncalls = 10\n")))
    adds_up(stopped.report)
    assert server.reply.calls.total() == 10
    assert stopped.report["gates"]["distill.budget"] == 14
    assert stopped.short
    whole = distill(open_recipe(recipe(tmp_path, server.url)))
    assert whole.report["accepted"] == 24
    assert max(server.reply.calls.values()) == 1


def test_faults_of_the_server_leave_every_draft_with_a_fate(tmp_path, seeds):
    shaky = Faults(error=0.05, busy=0.03, drop=0.03, cut=0.03, seed=2)
    with serving(shaky, keep=False) as server:
        server.speaks = lambda body: written(body)[2]
        found = distill(open_recipe(recipe(tmp_path, server.url, accepted=8)))
    adds_up(found.report)
    assert (found.report["accepted"], found.report["failed"]) == (48, 0)
    assert server.told.keys() == {200, 429, 500}


def test_a_plan_with_a_probe_keeps_its_answers_and_comes_near(tmp_path, seeds, server):
    path = recipe(tmp_path, server.url, accepted=15)
    planned = estimate(open_recipe(path), probe=12)
    probed = server.reply.calls.total()
    found = distill(open_recipe(path))
    assert max(server.reply.calls.values()) == 1
    spent = found.report["spend"]["settled"]
    real = spent["prompt_tokens"] + spent["completion_tokens"]
    ahead = planned.estimate.tokens.value + planned.estimate.tokens.value / planned.estimate.calls.value * probed
    assert planned.known_calls == probed == 12
    assert abs(ahead / real - 1) < 0.3


def replied(line):
    return {"custom_id": line["custom_id"], "response": {"status_code": 200, "body": written(line["body"])[2]}}


def test_a_batch_is_written_and_its_answers_are_taken_in(tmp_path, seeds, server):
    path = recipe(tmp_path, server.url, accepted=2)
    turns = 0
    while (batch := write_next(open_recipe(path), tmp_path / f"batch{turns}.jsonl")).files.calls:
        lines = [json.loads(line) for file in batch.files.files for line in file.read_text().splitlines()]
        replies = [
            {"custom_id": one["custom_id"], "response": {"status_code": 200, "body": written(one["body"])[2]}}
            for one in lines
        ]
        (tmp_path / "out.jsonl").write_text("".join(json.dumps(one) + "\n" for one in replies))
        assert read_back(open_recipe(path), [tmp_path / "out.jsonl"]).answers == len(lines)
        turns += 1
    found = distill(open_recipe(path))
    assert (found.calls, found.report["accepted"], server.reply.calls.total()) == (0, 12, 0)


def test_kept_replies_of_another_run_are_taken_over(tmp_path, seeds, server):
    distill(open_recipe(recipe(tmp_path, server.url)))
    before = server.reply.calls.total()
    path = recipe(tmp_path, server.url, **{"accepted = 4": 'accepted = 4\nreuse = ["cards.distill"]'})
    found = distill(open_recipe(path, tmp_path / "other.distill"))
    assert (found.calls, server.reply.calls.total()) == (0, before)
    assert found.report["accepted"] == 24
    assert found.report["spend"]["settled"]["calls"] == 0


def test_the_journals_loss_leaves_the_files_and_a_lost_file_is_made_anew_without_a_call(tmp_path, seeds, server):
    path = recipe(tmp_path, server.url)
    found = distill(open_recipe(path))
    expected = outputs(found.folder)
    (found.folder / "accepted.jsonl").write_text("")
    again = distill(open_recipe(path))
    assert (again.calls, outputs(again.folder)) == (0, expected)


def test_a_verifier_rejects_what_it_does_not_pass(tmp_path, seeds, server):
    path = recipe(tmp_path, server.url, **{"accepted = 4": 'accepted = 4\nverify = ["regex:(?i)card|pin|rate"]'})
    found = distill(open_recipe(path))
    assert found.report["gates"]["distill.verify"]
    rows = [json.loads(line)["text"].casefold() for line in (found.folder / "accepted.jsonl").read_text().splitlines()]
    assert all(any(word in text for word in ("card", "pin", "rate")) for text in rows)


def test_rows_come_into_the_set_once_and_stand_there_as_the_teachers(tmp_path, seeds, server):
    opened = open_recipe(recipe(tmp_path, server.url))
    distill(opened)
    assert bring(opened).of.added == 24
    again = distill(open_recipe(opened.path))
    assert (again.unchanged, again.calls) == (True, 0)
    assert bring(open_recipe(opened.path)).of.added == 0
    rows = open_recipe(opened.path).dataset.rows
    assert rows.filter(pl.col("origin") == "tiny").height == 24


def test_rows_that_say_what_their_seeds_say_are_not_brought_in_beside_them(tmp_path, seeds, server):
    text = recipe(tmp_path, server.url).read_text().replace('kind = "labelled"', 'kind = "rationale"')
    (tmp_path / "why.toml").write_text(text.partition("[plan.grid]")[0])
    opened = open_recipe(tmp_path / "why.toml")
    distill(opened)
    with pytest.raises(UsageError, match="read the rows as a set of their own"):
        bring(opened)


def test_a_folder_of_something_else_is_left_alone(tmp_path, seeds, server):
    path = recipe(tmp_path, server.url)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds other files"):
        open_recipe(path, tmp_path / "mine")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "report.json").write_text("mine")
    with pytest.raises(UsageError, match="holds other files"):
        open_recipe(path, tmp_path / "notes")
    with pytest.raises(UsageError, match="no finished run"):
        read_report(tmp_path / "mine")


def test_the_folder_that_one_stands_in_changes_nothing(tmp_path, seeds, server, monkeypatch):
    path = recipe(tmp_path, server.url)
    first = distill(open_recipe(path))
    expected = outputs(first.folder)
    monkeypatch.chdir(tmp_path)
    assert distill(open_recipe(path.name)).unchanged
    assert outputs(distill(open_recipe(path.name), anew=True).folder) == expected


def test_a_row_that_moved_to_the_eval_side_makes_the_run_look_again(tmp_path, seeds, server):
    path = recipe(tmp_path, server.url)
    distill(open_recipe(path))
    seeds.save({}, digest=seeds.manifest["digest"])
    split(Dataset.open(seeds.folder), ratios=(0.5, 0.5), inflation=False)
    found = distill(open_recipe(path))
    assert not found.unchanged
    eval_side = set(Dataset.open(seeds.folder).rows.filter(pl.col("split") != "train")["id"])
    rows = [json.loads(line) for line in (found.folder / "accepted.jsonl").read_text().splitlines()]
    assert rows
    assert not eval_side & {parent for row in rows for parent in row["distill"]["parents"]}


def test_a_run_beside_a_waiting_batch_makes_no_other_drafts_and_goes_on_once_it_is_read(tmp_path, seeds, server):
    path = recipe(tmp_path, server.url, accepted=2)
    batch = write_next(open_recipe(path), tmp_path / "batch.jsonl").files
    waiting = distill(open_recipe(path))
    assert (waiting.calls, waiting.report["accepted"], waiting.report["failed"]) == (0, 0, batch.calls)
    lines = [json.loads(line) for line in batch.files[0].read_text().splitlines()]
    replies = [
        {"custom_id": one["custom_id"], "response": {"status_code": 200, "body": written(one["body"])[2]}}
        for one in lines
    ]
    (tmp_path / "out.jsonl").write_text("".join(json.dumps(one) + "\n" for one in replies))
    read_back(open_recipe(path), [tmp_path / "out.jsonl"])
    found = distill(open_recipe(path))
    assert (found.unchanged, found.report["accepted"]) == (False, 12)
    assert server.reply.calls.total() == found.report["planned"] - batch.calls


def test_a_batch_leaves_out_what_another_run_knows_and_a_probe_does_not_pay_for_it(tmp_path, seeds, server):
    distill(open_recipe(recipe(tmp_path, server.url)))
    before = server.reply.calls.total()
    path = recipe(tmp_path, server.url, **{"accepted = 4": 'accepted = 4\nreuse = ["cards.distill"]'})
    estimate(open_recipe(path, tmp_path / "probed.distill"), probe=6)
    assert server.reply.calls.total() == before
    assert write_next(open_recipe(path, tmp_path / "other.distill"), tmp_path / "batch.jsonl").files.calls == 0


def test_two_processes_never_work_in_one_folder(tmp_path, seeds, server):
    opened = open_recipe(recipe(tmp_path, server.url))
    with alone(opened.folder), pytest.raises(UsageError, match="another process is at work"):
        distill(opened)
    assert server.reply.calls.total() == 0


def test_a_row_that_leaves_the_set_takes_only_the_drafts_of_its_block_with_it(tmp_path, seeds, server):
    path = recipe(tmp_path, server.url, accepted=6)
    distill(open_recipe(path))
    before = set(server.reply.calls)
    decide_rows(Dataset.open(seeds.folder), [seeds.rows["id"][0]], "drop", reviewer="ann")
    distill(open_recipe(path))
    assert 0 < len(set(server.reply.calls) - before) <= len(before) / 2


def test_half_a_character_in_a_reply_is_a_rejection_and_no_end(tmp_path, seeds, server):
    def broken(body):
        status, headers, reply = written(body)
        reply["choices"][0]["message"]["content"] = '{"text": "my card \\ud83d is gone",}'
        return status, headers, reply

    server.reply = broken
    found = distill(open_recipe(recipe(tmp_path, server.url)))
    assert found.report["gates"] == {"distill.schema": found.report["planned"]}


def test_fields_of_a_call_that_a_budget_hangs_on_can_not_be_set_beside_it(tmp_path, seeds, server):
    path = recipe(tmp_path, server.url, **{"seed = 1": "seed = 1\nextra = { max_tokens = 8000 }"})
    with pytest.raises(UsageError, match=r"teacher\.extra: max_tokens decides what a call may cost"):
        open_recipe(path)


def test_a_plan_counts_the_votes_of_a_gate(tmp_path, seeds, server):
    path = recipe(tmp_path, server.url, accepted=6, **{'length = "off"': 'length = "off"\nlabel_votes = { votes = 3 }'})
    planned = estimate(open_recipe(path))
    assert planned.estimate.calls.value == 36 * 4


def test_rows_brought_in_change_nothing_of_what_is_shown_next_time(tmp_path, shared, server):
    lines = (shared / "bank_intents" / "train.csv").read_text().splitlines(keepends=True)
    rows = [line for line in lines if line.rstrip().endswith((",card_arrival", ",exchange_rate"))]
    (tmp_path / "real.csv").write_text("text,label\n" + "".join(rows[:150] + rows[-60:]))
    read([tmp_path / "real.csv"], tmp_path / "real.vet", columns=Given(label="label"))
    (tmp_path / "eval.csv").write_text("text,label\n" + "".join(rows[150:190]))
    path = recipe(tmp_path, server.url, **{"accepted = 4": 'accepted = 4\nagainst = ["eval.csv"]'})
    distill(open_recipe(path))
    opened = open_recipe(path)
    before = opened.prepared.seeds.rows["id"].to_list()
    bring(opened)
    assert open_recipe(path).prepared.seeds.rows["id"].to_list() == before
    again = distill(open_recipe(path), anew=True)
    assert again.calls == 0
    assert bring(open_recipe(path)).of.added == 0


def test_control_characters_and_html_of_a_reply_come_into_no_row(tmp_path, seeds, server):
    def odd(body):
        status, headers, reply = written(body)
        text = (
            json.loads(reply["choices"][0]["message"]["content"])
            if "{" in reply["choices"][0]["message"]["content"]
            else {}
        )
        if text and len(text["text"]) % 2:
            text["text"] += " \x1b[31m now <div class='x'>&nbsp;</div>"
            reply["choices"][0]["message"]["content"] = json.dumps(text)
        return status, headers, reply

    server.reply = odd
    found = distill(open_recipe(recipe(tmp_path, server.url)))
    assert found.report["gates"]["quality.encoding"]
    assert "\\u001b" not in (found.folder / "accepted.jsonl").read_text()
    assert "\x1b" not in (found.folder / "accepted.jsonl").read_text()
