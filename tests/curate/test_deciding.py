"""What deciding tells: labels that are new, other people's decisions, and why nothing was decided; batches as a list."""

import json
import random

import pytest
from vetset.curate import Dataset, Ledger, check, decide_by_policy, decide_by_rule, decide_rows, read, undo
from vetset.curate.decisions.deciding import give_out, take_in
from vetset.curate.decisions.decision import Decision
from vetset.curate.decisions.history import BATCHES, batches
from vetset.curate.errors import UsageError


def made(tmp_path, records):
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records))
    return read([tmp_path / "a.jsonl"], tmp_path / "s.vet").dataset


@pytest.fixture
def dataset(tmp_path):
    """Thirty tickets of two labels: three exact repeats, one conflict, one empty."""
    records = [{"text": f"ticket number {i}", "label": ["delivery", "billing"][i % 3 == 0]} for i in range(24)]
    records += [*records[:3], {"text": "ticket number 5", "label": "billing"}, {"text": " ", "label": "billing"}]
    dataset = made(tmp_path, records)
    check(dataset, select=["duplicates.exact", "labels", "quality.empty"])
    return Dataset.open(dataset.folder)


def heads(dataset):
    with Ledger.open(dataset.folder) as ledger:
        return ledger.head()


def again(dataset):
    return Dataset.open(dataset.folder)


def test_a_label_that_no_row_has_is_accepted_and_told(dataset):
    outcome = decide_rows(dataset, [dataset.rows["id"][0]], "relabel", value="delivrey", reviewer="ann")
    assert len(outcome.seqs) == 1
    assert outcome.notes == (
        "no row had the label 'delivrey' so far; labels of this set are 'delivery', 'billing' "
        f"(to take it back: vetset decide {dataset.folder} --undo {outcome.batch})",
    )
    assert outcome.summary()["notes"] == list(outcome.notes)
    undo(again(dataset), str(outcome.batch), reviewer="ann")
    assert heads(dataset).is_empty()


def test_a_new_label_that_is_a_mail_address_is_told_masked(dataset):
    (note,) = decide_rows(dataset, [dataset.rows["id"][0]], "relabel", value="ann@example.com", reviewer="ann").notes
    assert note.startswith("no row had the label '[mail address]' so far")


def test_a_label_that_was_new_once_is_told_once(dataset):
    ids = dataset.rows["id"]
    assert decide_rows(dataset, [ids[0]], "relabel", value="refund", reviewer="ann").notes
    assert not decide_rows(again(dataset), [ids[1]], "relabel", value="refund", reviewer="ann").notes


def test_a_known_label_is_nothing_to_tell(dataset):
    assert not decide_rows(dataset, [dataset.rows["id"][0]], "relabel", value="delivery", reviewer="ann").notes
    assert not decide_rows(again(dataset), [dataset.rows["id"][1]], "drop", reviewer="ann").notes


def test_a_new_label_by_rule_is_told_too(dataset):
    outcome = decide_by_rule(dataset, "labels.conflict", "relabel", value="Café ☕", reviewer="ann")
    assert len(outcome.seqs) == 2
    assert [note.partition(" so far")[0] for note in outcome.notes] == ["no row had the label 'Café ☕'"]


def test_of_many_labels_the_commonest_are_named(tmp_path):
    dataset = made(tmp_path, [{"text": f"t {i}", "label": f"label {i % 12:02}"} for i in range(40)])
    (note,) = decide_rows(dataset, [dataset.rows["id"][0]], "relabel", value="x", reviewer="ann").notes
    assert "'label 00', 'label 01'" in note
    assert "'label 07' and 4 more" in note


def test_answers_are_no_labels(tmp_path):
    """A relabel of a reply writes the reply, and reference answers are mostly all different."""
    chat = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    chats = made(tmp_path, [{"messages": [*chat[:1], {**chat[1], "content": f"hello {i}"}]} for i in range(4)])
    assert not decide_rows(chats, [chats.rows["id"][0]], "relabel", value="good day", reviewer="ann").notes
    (tmp_path / "b").mkdir()
    answers = made(tmp_path / "b", [{"text": f"what is {i} and {i}?", "label": str(2 * i)} for i in range(9)])
    assert not decide_rows(answers, [answers.rows["id"][0]], "relabel", value="nought", reviewer="ann").notes


def test_a_decision_in_the_place_of_somebody_elses_is_told(dataset):
    ids = dataset.rows["id"]
    decide_rows(dataset, list(ids[:5]), "keep", reviewer="bob")
    outcome = decide_rows(again(dataset), list(ids[:6]), "drop", reviewer="ann")
    assert len(outcome.seqs) == 6
    (note,) = outcome.notes
    assert note.startswith("on 5 rows a decision of somebody else stood, and the later one counts: ")
    assert f"{ids[0]} keep by bob at 20" in note
    assert " and 2 more (to take it back: vetset decide" in note
    undo(again(dataset), str(outcome.batch), reviewer="ann")
    assert set(heads(dataset)["reviewer"]) == {"bob"}


def test_nothing_is_told_where_people_agree_add_to_each_other_or_overrule_the_policy(dataset):
    ids = dataset.rows["id"]
    decide_rows(dataset, [ids[0]], "drop", reviewer="bob")
    assert not decide_rows(again(dataset), [ids[0]], "drop", reviewer="ann").notes
    decide_rows(again(dataset), [ids[1]], "relabel", value="billing", reviewer="bob")
    words = json.dumps([{"role": "user", "content": "mended"}])
    assert not decide_rows(again(dataset), [ids[1]], "edit", value=words, reviewer="ann").notes
    decide_by_policy(again(dataset))
    dropped = heads(dataset).filter(reviewer="policy")["row_id"]
    assert not decide_rows(again(dataset), [dropped[0]], "keep", reviewer="ann").notes
    assert not decide_rows(again(dataset), [ids[1]], "edit", value=words, reviewer="ann").notes


def test_who_decides_at_the_same_moment_as_another_is_told_of_a_conflict(dataset, monkeypatch):
    row, head = dataset.rows["id"][0], Ledger.head

    def bob_comes_between(self):
        stands = head(self)
        monkeypatch.setattr(Ledger, "head", head)
        with Ledger.open(dataset.folder) as ledger:
            ledger.decide([Decision(row, "keep")], reviewer="bob")
        return stands

    monkeypatch.setattr(Ledger, "head", bob_comes_between)
    outcome = decide_rows(dataset, [row], "drop", reviewer="ann")
    assert (outcome.seqs, [one.reviewer for one in outcome.conflicts]) == ((), ["bob"])
    assert heads(dataset)["action"].to_list() == ["keep"]


def test_a_rule_that_has_not_run_says_so(dataset):
    outcome = decide_by_rule(dataset, "quality.length", "drop", reviewer="ann")
    assert outcome.seqs == ()
    assert outcome.notes == (
        f"quality.length has not run on these rows; run `vetset check {dataset.folder} --select quality.length`",
    )


def test_a_rule_that_found_nothing_says_so(dataset, tmp_path):
    (tmp_path / "b").mkdir()
    clean = made(tmp_path / "b", [{"text": f"ticket {i}", "label": "a"} for i in range(5)])
    check(clean, select=["quality.empty"])
    note = "no row has a finding of quality.empty, so there is nothing to decide"
    assert decide_by_rule(again(clean), "quality.empty", "drop", reviewer="ann").notes == (note,)
    (family,) = decide_by_rule(again(clean), "quality", "drop", reviewer="ann").notes
    assert family.startswith("no row has a finding of quality (quality.encoding, ")


def test_a_rule_of_which_all_is_settled_says_by_whom(dataset):
    decide_by_policy(dataset)
    assert decide_by_rule(again(dataset), "quality.empty", "drop", reviewer="ann").notes == (
        "1 row with findings of quality.empty, all settled already: 1 by the policy",
    )
    conflict = dataset.findings.filter(rule="labels.conflict")["id"]
    decide_rows(again(dataset), [conflict[0]], "drop", reviewer="bob")
    assert decide_by_rule(again(dataset), "labels.conflict", "drop", reviewer="ann").notes == (
        "2 rows with findings of labels.conflict, all settled already: 1 by bob, 1 as the others of their conflict now agree",
    )


def test_rows_without_a_value_of_their_own_are_counted(tmp_path):
    texts = ["caf\u00c3\u00a9 is open", "bad \u0000 byte", "lost \ufffd character"]
    dataset = made(tmp_path, [{"text": text, "label": "a"} for text in texts])
    check(dataset, select=["quality.encoding"])
    outcome = decide_by_rule(again(dataset), "quality.encoding", "edit", reviewer="ann")
    assert len(outcome.seqs) == 2
    assert outcome.notes == ("1 row of which no finding suggests a value left alone; give one with --value",)


@pytest.fixture
def renamed(tmp_path):
    """Every third label of cards in another case, which is sure, and every second of refunds by another word, which is not."""
    draw = random.Random(0)
    topics = ("card", "refund", "delay", "login")
    records = [
        {"text": " ".join(draw.sample([f"{topic}{i}" for i in range(12)], 5)), "label": topic}
        for topic in topics
        for _ in range(80)
    ]
    for number, record in enumerate(records):
        if record["label"] == "refund" and number % 2:
            record["label"] = "new refund"
        if record["label"] == "card" and number % 3 == 0:
            record["label"] = "Card"
    dataset = made(tmp_path, records)
    check(dataset, select=["labels.alias"])
    return again(dataset)


def test_by_rule_no_row_is_relabelled_whose_finding_is_for_review(renamed):
    suggested = dict(renamed.findings.group_by("suggest").len().iter_rows())
    outcome = decide_by_rule(renamed, "labels.alias", "relabel", reviewer="ann")
    assert suggested == {"relabel": 27, "review": 40}
    assert set(heads(renamed)["value"]) == {"card"}
    assert len(outcome.seqs) == 27
    (note,) = outcome.notes
    assert note.startswith("40 rows left for review, ")
    assert "--id ID --action relabel --value VALUE" in note
    with pytest.raises(UsageError, match="names a value for 40 rows, each for review and none to relabel"):
        decide_by_rule(again(renamed), "labels.alias", "relabel", reviewer="ann")
    assert len(decide_by_rule(again(renamed), "labels.alias", "relabel", value="refund", reviewer="ann").seqs) == 40


def test_batches_are_listed_in_the_order_of_writing(dataset):
    ids = dataset.rows["id"]
    policy = decide_by_policy(dataset)
    drops = decide_rows(again(dataset), [ids[8], ids[9]], "drop", reviewer="ann")
    by_rule = decide_by_rule(again(dataset), "labels", "relabel", value="billing", reviewer="bob")
    back = undo(again(dataset), str(drops.seqs[0]), reviewer="bob")
    frame = batches(again(dataset))
    assert frame.schema == BATCHES
    assert frame["batch"].to_list() == [policy.batch, drops.batch, by_rule.batch, back.batch]
    assert frame["reviewer"].to_list() == ["policy", "ann", "bob", "bob"]
    assert frame["rows"].to_list() == [len(policy.seqs), 2, 2, 1]
    assert frame["drop"].to_list() == [len(policy.seqs), 2, 0, 0]
    assert frame["relabel"].to_list() == [0, 0, 2, 0]
    assert frame["undo"].to_list() == [0, 0, 0, 1]
    assert frame["rules"].to_list() == [["duplicates.exact", "quality.empty"], [], ["labels.conflict"], []]
    assert frame["undone"].to_list() == [0, 1, 0, 0]
    assert frame["seq"].to_list() == [1, drops.seqs[0], by_rule.seqs[0], back.seqs[0]]
    assert frame["at"].is_sorted()
    assert frame["stale"].sum() == 0


def test_an_undo_keeps_its_reason(dataset):
    outcome = decide_rows(dataset, [dataset.rows["id"][0]], "drop", reviewer="ann", reason="spam")
    undo(again(dataset), str(outcome.seqs[0]), reviewer="bob", reason="no spam after all")
    with Ledger.open(dataset.folder) as ledger:
        assert ledger.log()["reason"].to_list() == ["spam", "no spam after all"]


def test_a_row_that_is_named_twice_is_decided_once(dataset):
    row = dataset.rows["id"][4]
    assert len(decide_rows(dataset, [row, row[:12], row], "drop", reviewer="ann").seqs) == 1


def test_a_set_without_decisions_has_no_batch(dataset):
    assert batches(dataset).is_empty()
    assert batches(dataset).schema == BATCHES
    assert not (dataset.folder / "decisions.db").exists()


def test_a_batch_that_was_taken_back_as_a_whole_shows_it(dataset):
    outcome = decide_rows(dataset, list(dataset.rows["id"][:4]), "skip", reviewer="ann")
    undo(again(dataset), str(outcome.batch), reviewer="ann")
    first = batches(again(dataset)).row(0, named=True)
    assert first["skip"] == first["undone"] == 4


def test_decisions_on_rows_that_left_are_counted_as_stale(dataset, tmp_path):
    decide_rows(dataset, list(dataset.rows["id"][:3]), "drop", reviewer="ann")
    lines = (tmp_path / "a.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "a.jsonl").write_text("".join(lines[2:24]))
    read([tmp_path / "a.jsonl"], dataset.folder)
    assert batches(again(dataset))["stale"].to_list() == [2]


def test_batches_of_an_import_keep_their_names(dataset, tmp_path):
    decide_by_policy(dataset)
    decide_rows(again(dataset), [dataset.rows["id"][0]], "keep", reviewer="ann")
    give_out(again(dataset), tmp_path / "d.jsonl")
    other = read([tmp_path / "a.jsonl"], tmp_path / "other.vet").dataset
    take_in(other, tmp_path / "d.jsonl")
    assert batches(other).equals(batches(again(dataset)))
