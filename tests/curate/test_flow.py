"""Where the verbs meet: what one writes, the next must not lose, forget or contradict."""

import json

import polars as pl
import pytest
from vetset.curate import (
    DataError,
    Dataset,
    StaleError,
    UsageError,
    check,
    decide_by_policy,
    decide_by_rule,
    decide_rows,
    export,
    read,
    split,
    verify,
)


def write(path, texts, label=lambda i: f"label{i % 2}"):
    path.write_text("".join(json.dumps({"text": text, "label": label(i)}) + "\n" for i, text in enumerate(texts)))
    return path


@pytest.fixture
def official(tmp_path):
    """Twenty train rows and five test rows, three of which stand in train word for word."""
    folder = tmp_path / "data"
    folder.mkdir()
    train = [f"the ticket number {i}" for i in range(20)] + ["the ticket number 3"]
    write(folder / "train.jsonl", train, label=lambda _: "a")
    write(folder / "a_test.jsonl", [*train[:5:2], "fresh one", "fresh two"], label=lambda _: "a")
    return read([folder], tmp_path / "s.vet").dataset


def exported(folder):
    files = [path for path in folder.glob("*.jsonl") if path.stem != "decisions"]
    return {path.stem: [json.loads(line)["text"] for line in path.read_text().splitlines()] for path in files}


def test_the_policy_does_not_mend_a_leak_by_losing_the_text(official, tmp_path):
    check(official)
    decide_by_policy(Dataset.open(official.folder))
    export(Dataset.open(official.folder), tmp_path / "out", format="text-label")
    files = exported(tmp_path / "out")
    assert {f"the ticket number {i}" for i in range(20)} <= set(files["train"])
    assert set(files["test"]) == {"fresh one", "fresh two"}
    assert verify(tmp_path / "out").ok


def test_a_repeat_within_a_split_is_dropped_and_keeps_its_copy_there(official):
    check(official)
    findings = official.findings.filter(rule="duplicates.exact")
    assert sorted(findings["suggest"]) == ["drop", "review", "review", "review"]
    rows = official.rows
    dropped = findings.filter(suggest="drop").row(0, named=True)
    splits = dict(rows.select("id", "split").iter_rows())
    assert splits[dropped["id"]] == splits[dropped["peer"]]


def test_a_second_check_remembers_the_eval_file(tmp_path):
    dataset = read([write(tmp_path / "a.jsonl", [f"ticket number {i}" for i in range(30)])], tmp_path / "s.vet").dataset
    held_out = write(tmp_path / "eval.jsonl", ["ticket number 4", "never seen"])
    assert check(dataset, against=[held_out]).counts()["leakage.exact"]["rows"] == 1
    assert check(Dataset.open(dataset.folder)).counts()["leakage.exact"]["rows"] == 1
    assert check(Dataset.open(dataset.folder), against=()).counts()["leakage.exact"]["rows"] == 0


def test_a_split_looks_for_the_eval_file_too_and_says_when_it_is_gone(tmp_path):
    texts = [f"ticket number {i}" for i in range(30)]
    dataset = read([write(tmp_path / "a.jsonl", texts)], tmp_path / "s.vet").dataset
    held_out = write(tmp_path / "eval.jsonl", texts)
    check(dataset, against=[held_out])
    made = split(Dataset.open(dataset.folder), ratios=(0.8, 0.2), inflation=False)
    found = (Dataset.open(dataset.folder).findings["rule"] == "leakage.exact").sum()
    assert found == made.result.sizes["train"] > 0
    held_out.unlink()
    with pytest.raises(UsageError, match=r"eval\.jsonl"):
        split(Dataset.open(dataset.folder), ratios=(0.8, 0.2), inflation=False)


def test_an_eval_file_is_read_by_the_columns_of_the_set(tmp_path):
    rows = [
        {"summary": f"a long summary that is not the text at all, number {i}", "ticket": f"t {i}"} for i in range(20)
    ]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    other = [row | {"summary": "quite another summary, longer than the ticket is"} for row in rows[:4]]
    (tmp_path / "e.jsonl").write_text("".join(json.dumps(row) + "\n" for row in other))
    from vetset.curate import Given

    dataset = read([tmp_path / "a.jsonl"], tmp_path / "s.vet", columns=Given(text="ticket", label="none")).dataset
    assert check(dataset, against=[tmp_path / "e.jsonl"]).counts()["leakage.exact"]["rows"] == 4


def test_leaks_are_found_whatever_the_train_split_is_called(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(
        "".join(
            json.dumps({"text": f"ticket number {i // 2}", "label": "a", "user": f"u{i % 40}"}) + "\n"
            for i in range(80)
        )
    )
    dataset = read([path], tmp_path / "s.vet").dataset
    check(dataset)
    split(Dataset.open(dataset.folder), ratios=(0.5, 0.5), by=("group",), names=("fit", "held"), inflation=False)
    after = Dataset.open(dataset.folder)
    held = after.rows.filter(split="held")["messages"].list.first().struct.field("content")
    fit = after.rows.filter(split="fit")["messages"].list.first().struct.field("content")
    leaks = held.is_in(fit.to_list()).sum()
    assert leaks > 0
    assert (after.findings["rule"] == "leakage.exact").sum() == leaks


def test_an_empty_selection_is_no_check(official):
    with pytest.raises(UsageError, match="no rule is named"):
        check(official, select=[])


def test_mended_text_can_be_decided_as_it_is_suggested(tmp_path):
    texts = [f"an ordinary ticket {i}" for i in range(20)] + ["it is 5 o’clock".encode().decode("cp1252")]
    dataset = read([write(tmp_path / "a.jsonl", texts)], tmp_path / "s.vet").dataset
    check(dataset)
    outcome = decide_by_rule(Dataset.open(dataset.folder), "quality.encoding", "edit", reviewer="ann")
    assert len(outcome.seqs) == 1
    export(Dataset.open(dataset.folder), tmp_path / "out", format="text-label")
    assert "it is 5 o’clock" in exported(tmp_path / "out")["data"]


def test_verbs_leave_folders_that_are_not_theirs_as_they_are(tmp_path):
    folder = tmp_path / "thesis"
    folder.mkdir()
    for name in (".config.next", ".notes.part12", "thesis.txt"):
        (folder / name).write_text("mine")
    assert not verify(folder).ok
    with pytest.raises(UsageError):
        Dataset.open(folder)
    dataset = read([write(tmp_path / "a.jsonl", [f"ticket {i}" for i in range(9)])], tmp_path / "s.vet").dataset
    with pytest.raises(UsageError):
        export(dataset, folder, format="text-label")
    assert sorted(path.name for path in folder.iterdir()) == [".config.next", ".notes.part12", "thesis.txt"]


def test_an_export_can_be_read_and_its_decisions_are_not_taken_for_rows(official, tmp_path):
    check(official)
    decide_by_policy(Dataset.open(official.folder))
    export(Dataset.open(official.folder), tmp_path / "out", format="text-label")
    again = read([tmp_path / "out"], tmp_path / "again.vet")
    assert again.rejects == 0
    assert set(again.dataset.rows["split"]) == {"train", "test"}
    assert again.dataset.rows["origin"].unique().to_list() == ["unknown"]
    assert isinstance(again.dataset.rows, pl.DataFrame)


def test_what_was_found_on_other_rows_is_not_written(tmp_path):
    path = write(tmp_path / "a.jsonl", [f"ticket number {i}" for i in range(30)])
    early = read([path], tmp_path / "s.vet").dataset
    assert early.rows.height == 30
    write(path, [f"another ticket {i}" for i in range(12)])
    read([path], tmp_path / "s.vet")
    with pytest.raises(StaleError, match="read anew"):
        check(early)
    assert Dataset.open(tmp_path / "s.vet").findings is None


@pytest.mark.parametrize("damage", ["{", "[]", "{}", "\x00\x01"])
def test_a_damaged_manifest_is_told_and_a_new_read_mends_it(tmp_path, damage):
    path = write(tmp_path / "a.jsonl", [f"ticket number {i}" for i in range(9)])
    read([path], tmp_path / "s.vet")
    (tmp_path / "s.vet" / "manifest.json").write_text(damage)
    with pytest.raises(DataError, match="vetset read"):
        Dataset.open(tmp_path / "s.vet")
    assert read([path], tmp_path / "s.vet").dataset.rows.height == 9


def test_an_export_does_not_take_a_strangers_provenance_for_its_own(tmp_path):
    dataset = read([write(tmp_path / "a.jsonl", [f"ticket {i}" for i in range(9)])], tmp_path / "s.vet").dataset
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    (folder / "provenance.json").write_text('{"files": [{"name": "thesis.txt"}], "seal": "x"}')
    with pytest.raises(UsageError):
        export(dataset, folder, format="text-label")
    assert (folder / "thesis.txt").read_text() == "years of work"


def test_an_edit_that_makes_a_leak_holds_the_eval_row_back(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    write(folder / "train.jsonl", [f"the ticket number {i}" for i in range(20)], label=lambda _: "a")
    write(folder / "test.jsonl", ["fresh one", "fresh two"], label=lambda _: "a")
    dataset = read([folder], tmp_path / "s.vet").dataset
    check(dataset)
    row = dataset.rows.filter(split="train")["id"][3]
    words = json.dumps([{"role": "user", "content": "Fresh  one"}])
    decide_rows(Dataset.open(dataset.folder), [row], "edit", value=words, reviewer="ann")
    result = export(Dataset.open(dataset.folder), tmp_path / "out", format="text-label")
    assert exported(tmp_path / "out")["test"] == ["fresh two"]
    assert result.counts["held"] == 1
    assert result.rules["leakage.exact"]["held"] == 1
    assert verify(tmp_path / "out").ok


def test_a_second_round_after_a_split_changes_nothing(tmp_path):
    """Rows that were dropped before the split are in none; that makes no leak of them, and no decision is taken back."""
    lines = [{"text": f"how do I reset the password of account {i // 2}", "label": "a"} for i in range(80)]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    folder = read([tmp_path / "x.jsonl"], tmp_path / "x.vet").dataset.folder
    check(Dataset.open(folder))
    assert len(decide_by_policy(Dataset.open(folder)).seqs) == 40
    split(Dataset.open(folder), by=("duplicates",), inflation=False)
    check(Dataset.open(folder))
    again = decide_by_policy(Dataset.open(folder))
    assert (len(again.seqs), again.withdrawn) == (0, 0)


def test_repeats_that_a_new_split_puts_together_are_found_and_said(tmp_path):
    for name in ("train", "test"):
        lines = [{"text": f"how do I reset the password of account {i}", "label": "a"} for i in range(40)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    folder = read([tmp_path / "train.jsonl", tmp_path / "test.jsonl"], tmp_path / "x.vet").dataset.folder
    check(Dataset.open(folder))
    assert not decide_by_policy(Dataset.open(folder)).seqs  # a copy in each official split: a leak, and no repeat
    made = split(Dataset.open(folder), by=("duplicates",), inflation=False)
    assert made.repeats == 40
    assert made.official == ["test", "train"]
    assert len(decide_by_policy(Dataset.open(folder)).seqs) == 40


def test_what_a_split_leaves_of_the_findings_is_what_a_check_would_find(tmp_path):
    lines = [{"text": f"how do I reset the password of account {i}", "label": "a", "split": "train"} for i in range(30)]
    lines += [{**line, "text": line["text"].upper(), "split": "test"} for line in lines]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    folder = read([tmp_path / "x.jsonl"], tmp_path / "x.vet").dataset.folder
    check(Dataset.open(folder))
    split(Dataset.open(folder), by=("duplicates",), inflation=False)
    left = Dataset.open(folder).findings
    assert "duplicates.normalised" in left["rule"]
    assert left.equals(check(Dataset.open(folder)).findings)


def test_a_set_that_was_split_goes_on_with_the_new_split_without_being_opened_again(tmp_path):
    dataset = read([write(tmp_path / "x.jsonl", [f"ticket number {i}" for i in range(40)])], tmp_path / "x.vet").dataset
    assert dataset.rows["split"].null_count() == 40
    split(dataset, by=(), inflation=False)
    assert dataset.rows["split"].null_count() == 0
    assert set(exported(export(dataset, tmp_path / "out", format="text-label").folder)) == {
        "train",
        "validation",
        "test",
    }


def test_a_set_may_be_named_with_brackets_and_stars(tmp_path):
    """Readers of files take such names for patterns."""
    source = tmp_path / "a.jsonl"
    source.write_text('{"text": "hi", "label": "x"}\n{"text": "ho", "label": "y"}\n', encoding="utf-8")
    out = tmp_path / "out [1]*"
    read([source], tmp_path / "new [2]*.vet")
    dataset = Dataset.open(tmp_path / "new [2]*.vet")
    check(dataset, select=["duplicates.exact"])
    split(Dataset.open(dataset.folder), ratios=(0.5, 0.5))
    export(Dataset.open(dataset.folder), out)
    assert verify(out).ok
