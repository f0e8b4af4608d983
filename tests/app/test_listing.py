"""What was found is listed with its place; a check says what it was told before, and speaks of what it was asked for."""

import json
from pathlib import Path

import pytest
from vetset.app.cli import run
from vetset.curate import Dataset
from vetset.curate.rules import named_rules

ROWS = [
    ("the parcel from ann@example.com never came", "delivery"),
    ("the parcel from ann@example.com never came", "refund"),
    ("my invoice shows the wrong street and the wrong town", "billing"),
    ("my invoice shows the wrong street and the wrong town", "billing"),
    ("", "billing"),
    ("how do I change the language of the app", "settings"),
]


@pytest.fixture
def tickets(tmp_path, monkeypatch, capsys):
    """A checked set of six tickets, in the folder that the test works in."""
    monkeypatch.chdir(tmp_path)
    lines = [json.dumps({"text": text, "label": label}) for text, label in ROWS]
    (tmp_path / "tickets.jsonl").write_text("\n".join(lines) + "\n")
    assert run(["read", "tickets.jsonl", "--license", "MIT"]) == 0
    assert run(["check", "tickets.vet"]) == 1
    capsys.readouterr()
    return "tickets.vet"


@pytest.fixture
def said(capsys):
    """Run a command; return its exit code, and what it printed with white space collapsed."""

    def call(*words):
        code = run([str(word) for word in words])
        out, err = capsys.readouterr()
        return code, " ".join(out.split()), " ".join(err.split())

    return call


def listed(said, *words):
    code, out, err = said("findings", *words, "--json")
    assert code == 0, err
    return json.loads(out)


def test_every_finding_is_listed_with_its_place_and_masked(tickets, said):
    frame = Dataset.open(tickets).findings
    found = listed(said, tickets)["findings"]
    assert sorted((one["rule"], one["id"]) for one in found) == sorted(frame.select("rule", "id").iter_rows())
    conflict = [one for one in found if one["rule"] == "labels.conflict"]
    assert [(one["file"], one["line"], one["standing"]) for one in conflict] == [
        ("tickets.jsonl", 1, True),
        ("tickets.jsonl", 2, True),
    ]
    assert "ann@example.com" not in json.dumps(found)
    code, out, _ = said("findings", tickets)
    assert code == 0
    assert "labels.conflict: 2 rows, blocks" in out
    assert "tickets.jsonl:5" in out


def test_what_a_decision_settled_is_listed_when_asked_for(tickets, said):
    assert run(["decide", tickets, "--policy"]) == 0
    said("rule")
    empties = listed(said, tickets, "--select", "quality.empty")
    assert empties["findings"] == []
    assert empties["rules"]["quality.empty"] == {"rows": 1, "clusters": 0, "standing": 0}
    (settled,) = listed(said, tickets, "--select", "quality.empty", "--settled")["findings"]
    assert (settled["line"], settled["standing"]) == (5, False)


def test_a_limit_says_how_many_it_leaves_out(tickets, said):
    _, out, _ = said("findings", tickets, "--select", "labels", "--limit", "1")
    assert "and 1 more" in out
    _, out, _ = said("findings", tickets, "--select", "labels", "--limit", "0")
    assert "more" not in out


def test_rules_that_have_not_run_are_named(tmp_path, monkeypatch, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jsonl").write_text('{"text": "one", "label": "x"}\n{"text": "two", "label": "y"}\n')
    said("read", "a.jsonl")
    code, _, err = said("findings", "a.vet")
    assert code == 64
    assert "has not been checked yet" in err
    said("check", "a.vet", "--select", "quality")
    assert listed(said, "a.vet", "--select", "labels,quality.empty")["unchecked"] == named_rules(["labels"])
    assert "duplicates.semantic" in listed(said, "a.vet", "--select", "duplicates")["unchecked"]
    code, _, err = said("findings", "a.vet", "--select", "nosuch")
    assert code == 64
    assert "there is no rule 'nosuch'" in err


def test_a_check_of_some_rules_speaks_of_them_alone_and_forgets_none(tickets, said):
    code, out, _ = said("check", tickets, "--select", "duplicates.exact")
    assert code == 0  # labels.conflict blocks, and nobody asked for it
    assert "labels.conflict" not in out
    assert "1 rule " in out
    assert (Dataset.open(tickets).findings["rule"] == "labels.conflict").sum() == 2


def test_what_a_check_was_told_before_is_said(tickets, said):
    assert "as in the check before" not in said("check", tickets)[2]
    said("check", tickets, "--threshold", "0.6", "--keep", "first")
    _, _, err = said("check", tickets)
    assert "as in the check before: --threshold 0.6, --keep first" in err
    _, _, err = said("check", tickets, "--threshold", "0.7")
    assert "as in the check before: --keep first" in err
    _, out, _ = said("check", tickets, "--json")
    assert any("--threshold 0.7" in note for note in json.loads(out)["notes"])


def test_eval_files_are_found_again_from_another_folder(tickets, said, tmp_path, monkeypatch):
    (tmp_path / "eval.jsonl").write_text('{"text": "How do I change the LANGUAGE of the app", "label": "settings"}\n')
    said("check", tickets, "--against", "eval.jsonl")
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    code, out, err = said("check", "../tickets.vet", "--select", "leakage.exact", "--json")
    assert json.loads(out)["rules"]["leakage.exact"]["rows"] == 1
    assert "eval.jsonl again" in err
    assert "eval.jsonl" not in said("check", "../tickets.vet", "--select", "quality")[2]  # no leak is looked for
    (tmp_path / "eval.jsonl").rename(tmp_path / "other.jsonl")
    code, _, err = said("check", "../tickets.vet")
    assert code == 64
    assert "--against none" in err
    code, out, _ = said("check", "../tickets.vet", "--against", "none", "--json")
    assert json.loads(out)["rules"]["leakage.exact"]["rows"] == 0


def test_a_split_holds_together_what_the_check_was_told_is_near(tmp_path, monkeypatch, said):
    monkeypatch.chdir(tmp_path)
    words = [f"w{i}" for i in range(40)]
    texts = [" ".join([*words[:12], *(f"x{n}y{i}" for i in range(n % 3 + 2))]) for n in range(30)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": text, "label": "x"}) + "\n" for text in texts))
    said("read", "a.jsonl")
    said("check", "a.vet", "--threshold", "0.3", "--shingle", "word2")
    code, out, _ = said("split", "a.vet", "--json")
    assert code == 65, out  # all are near at 0.3, so nothing can be parted
    said("check", "a.vet", "--threshold", "0.95")
    assert said("split", "a.vet")[0] == 0


def test_options_that_a_way_to_decide_does_not_look_at_are_refused(tickets, said):
    for words in (["--policy", "--action", "drop"], ["--export", "d.jsonl", "--reason", "x"]):
        code, _, err = said("decide", tickets, *words)
        assert code == 64
        assert f"takes no {words[-2]}" in err


def test_wrong_options_name_the_help_of_their_command(said):
    assert "`vetset check --help`" in said("check", "x.vet", "--treshold", "1")[2]
    assert "`vetset index add --help`" in said("index", "add", "a")[2]


def test_files_of_an_export_stand_in_the_order_of_their_use(tmp_path, monkeypatch, said):
    monkeypatch.chdir(tmp_path)
    splits = ["test", "dev", "train", "extra"]
    (tmp_path / "a.jsonl").write_text(
        "".join(json.dumps({"text": f"text {i}", "label": "x", "split": splits[i % 4]}) + "\n" for i in range(8))
    )
    said("read", "a.jsonl")
    _, out, _ = said("export", "a.vet", "-o", "out", "--format", "text-label", "--json")
    assert [file["name"] for file in json.loads(out)["files"]] == [
        "train.jsonl", "dev.jsonl", "test.jsonl", "extra.jsonl",
    ]  # fmt: skip


def test_decisions_are_listed_a_batch_a_line(tickets, said):
    assert "nothing has been decided" in said("decisions", tickets)[1]
    said("decide", tickets, "--policy")
    said("decide", tickets, "--rule", "labels.conflict", "--action", "keep", "--reviewer", "ann")
    code, out, _ = said("decisions", tickets)
    assert code == 0
    assert "policy 2 drop 2 (duplicates.exact and quality.empty)" in out
    assert "ann 2 keep 2 (labels.conflict)" in out
    first = json.loads(said("decisions", tickets, "--json")[1])["batches"][0]
    said("decide", tickets, "--undo", first["batch"])
    assert "2 taken back" in said("decisions", tickets)[1]


def test_a_decision_that_may_not_be_meant_is_remarked(tickets, said):
    with open("two.jsonl", "w") as file:
        file.writelines(
            json.dumps({"text": f"text {i}", "label": ["refund", "other"][i % 2]}) + "\n" for i in range(12)
        )
    said("read", "two.jsonl")
    row = Dataset.open("two.vet").rows["id"][0]
    _, out, _ = said("decide", "two.vet", "--id", row, "--action", "relabel", "--value", "refnd")
    assert "no row had the label 'refnd' so far" in out
    _, out, _ = said("decide", tickets, "--rule", "quality.roles", "--action", "drop")
    assert "no row has a finding of quality.roles" in out


def test_an_encoders_threshold_and_curve_are_shown(tickets, said):
    _, out, _ = said("check", tickets, "--select", "duplicates.semantic", "--encoder", "tfidf")
    assert "duplicates.semantic: the data proposes a cosine of" in out
    assert "rows that a cosine takes away: 0.70" in out
    Path("eval.jsonl").write_text('{"text": "the language of the app, how do I change it", "label": "settings"}\n')
    _, _, err = said("check", tickets, "--encoder", "tfidf", "--against", "eval.jsonl")
    assert "leakage.meaning took a cosine of" in err


def test_a_label_that_is_a_mail_address_is_masked_wherever_it_is_shown(tmp_path, monkeypatch, said):
    monkeypatch.chdir(tmp_path)
    lines = [{"text": "who signs this off", "label": label} for label in ("a@b.org", "mail ann.smith@example.com")]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    said("read", "a.jsonl")
    answers = [
        said("check", "a.vet"), said("check", "a.vet", "--output-format", "github"), said("findings", "a.vet"),
        said("findings", "a.vet", "--json"),
    ]  # fmt: skip
    for _, out, _ in answers:
        assert "[mail address]" in out
        assert "a@b.org" not in out
        assert "ann.smith@" not in out


def test_eval_files_are_not_passed_over_where_no_rule_looks_at_them(tickets, said):
    for named in ("nosuch.jsonl", "none"):
        code, out, err = said("check", tickets, "--select", "quality", "--against", named)
        assert (code, out) == (64, "")
        assert "--against is for the rules on leaks" in err


def test_a_check_of_some_rules_that_finds_nothing_goes_on_with_the_rest(tickets, said):
    _, out, _ = said("check", tickets, "--select", "preference")
    assert out.endswith("next: vetset check tickets.vet, which runs all rules")


def test_findings_are_listed_and_decided_where_their_rule_cannot_run(tickets, said, monkeypatch):
    monkeypatch.setattr("vetset.curate.rules.compiled", lambda: False)
    assert listed(said, tickets, "--select", "leakage.ngram")["unchecked"] == []
    code, _, err = said("decide", tickets, "--rule", "leakage.ngram", "--action", "drop")
    assert (code, "pip install" in err) == (0, False)


def test_a_family_is_decided_with_the_rules_that_run_only_when_named(tickets, said):
    said("read", "tickets.jsonl", "-o", "other.vet")
    said("check", "other.vet", "--select", "duplicates.semantic", "--encoder", "tfidf", "--cosine", "0.9")
    assert listed(said, "other.vet")["rules"]["duplicates.semantic"]["standing"] > 0
    said("decide", "other.vet", "--rule", "duplicates", "--action", "drop")
    assert listed(said, "other.vet")["rules"]["duplicates.semantic"]["standing"] == 0


def test_a_set_of_eval_rows_alone_says_that_none_was_held_against_a_file(tmp_path, monkeypatch, said):
    monkeypatch.chdir(tmp_path)
    lines = "".join(json.dumps({"text": f"what is the price of item {i}", "label": "x"}) + "\n" for i in range(9))
    for name in ("bench_eval.jsonl", "train.jsonl"):
        (tmp_path / name).write_text(lines)
    said("read", "bench_eval.jsonl", "-o", "e.vet")
    code, _, err = said("check", "e.vet", "--select", "leakage", "--against", "train.jsonl")
    assert code == 0
    assert "all 9 rows stand in eval splits ('eval') and were not held against train.jsonl" in err
    said("read", "bench_eval.jsonl", "-o", "t.vet", "--split", "train")
    code, _, err = said("check", "t.vet", "--select", "leakage", "--against", "train.jsonl")
    assert code == 1
    assert "not held" not in err


def test_an_encoder_runs_what_was_selected_of_its_rules(tickets, said):
    _, out, _ = said("check", tickets, "--select", "leakage.meaning", "--encoder", "tfidf")
    assert "duplicates.semantic" not in out
    assert "nothing found by leakage.meaning" in out
    code, _, err = said("check", tickets, "--select", "quality", "--encoder", "tfidf")
    assert code == 64
    assert "duplicates.semantic and leakage.meaning" in err


def test_what_a_check_was_told_can_be_forgotten(tickets, said):
    said("check", tickets, "--threshold", "0.6", "--encoder", "tfidf", "--cosine", "0.7")
    _, _, err = said("check", tickets, "--defaults", "--keep", "first")
    assert "as in the check before" not in err
    _, _, err = said("check", tickets)
    assert "as in the check before: --keep first (" in err


def test_a_split_needs_no_encoder_again(tickets, said):
    said("check", tickets, "--encoder", "tfidf")
    code, _, err = said("split", tickets, "--ratios", "0.5,0.5", "--no-inflation")
    assert code == 0, err
    assert "duplicates.semantic, leakage.meaning said what held for the splits before" in err
    assert "duplicates.semantic" not in Dataset.open(tickets).manifest["checked"]
    assert "duplicates.exact" in Dataset.open(tickets).manifest["checked"]


def test_findings_that_were_cut_off_are_made_again(tickets, said, tmp_path):
    path = tmp_path / tickets / "findings.parquet"
    path.write_bytes(path.read_bytes()[:500])
    code, _, err = said("findings", tickets)
    assert code == 65
    assert "gone or cut off; run `vetset check" in err
    assert said("check", tickets, "--select", "quality.empty")[0] == 1
    assert listed(said, tickets, "--select", "labels.conflict")["findings"]


def test_an_edit_that_makes_the_text_of_an_eval_file_is_held_back(tickets, said, tmp_path):
    (tmp_path / "eval.jsonl").write_text('{"text": "how do I reset my pass word today", "label": "settings"}\n')
    said("check", tickets, "--against", "eval.jsonl")
    row = Dataset.open(tickets).rows["id"][5]
    edit = json.dumps([{"role": "user", "content": "How do I reset my pass word today"}])
    said("decide", tickets, "--id", row, "--action", "edit", "--value", edit)
    said("export", tickets, "-o", "out", "--format", "text-label")
    assert "reset" not in (tmp_path / "out/data.jsonl").read_text()


def test_an_export_says_that_what_could_not_be_read_is_gone(tmp_path, monkeypatch, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jsonl").write_text('{"text": "one", "label": "x"}\nnot a record\n{"text": "two", "label": "y"}\n')
    said("read", "a.jsonl")
    said("check", "a.vet")
    assert "rejects.jsonl is gone" not in said("export", "a.vet", "-o", "before")[1]
    (tmp_path / "a.vet/rejects.jsonl").unlink()
    assert "rejects.jsonl is gone" in said("export", "a.vet", "-o", "after")[1]


def test_where_all_is_taken_back_no_undo_is_offered(tickets, said):
    said("decide", tickets, "--policy")
    batch = json.loads(said("decisions", tickets, "--json")[1])["batches"][0]["batch"]
    assert "undo: vetset decide" in said("decisions", tickets)[1]
    said("decide", tickets, "--undo", batch)
    assert "undo: vetset decide" not in said("decisions", tickets)[1]
