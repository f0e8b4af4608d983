"""The command line: the main flow on real and on sample data, for people and for machines, and what reaches a terminal."""

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from vetset.app.cli import run
from vetset.app.terminal import tame, tame_json
from vetset.curate import RULES, Dataset, checking
from vetset.curate.checking import judge

BY_DEFAULT = [name for name, rule in RULES.items() if rule.default]

OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")  # all but the line feed


@pytest.fixture
def vetset(capsys):
    """Run a command; return its exit code, stdout and stderr."""

    def call(*words):
        code = run([str(word) for word in words])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def machine(vetset):
    """Run a command with ``--json``; stdout must be one JSON object on one line."""

    def call(*words, code=0):
        got, out, err = vetset(*words, "--json")
        assert got == code, err
        assert out.count("\n") == 1
        document = json.loads(out)
        assert isinstance(document, dict)
        return document

    return call


@pytest.fixture(scope="module")
def told(shared, tmp_path_factory):
    """A real set, read and checked, and what the check told a machine and a person of it.

    All rules on ten thousand texts take half a minute: they look once, and what they found is told twice.
    """
    folder, find, found = tmp_path_factory.mktemp("pristine") / "tweets.vet", checking.find, []

    def find_once(dataset, rows, *, progress, **options):
        if not found:
            found.append(find(dataset, rows, progress=progress, **options))
        for number, rule in enumerate(RULES, 1):
            progress(rule, number, len(RULES))
        return found[0]

    assert run(["read", str(shared / "arabic_sentiment"), "-o", str(folder), "--json"]) == 0
    shutil.copytree(folder, folder.parent / "again.vet")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checking, "find", find_once)
        with contextlib.redirect_stdout(io.StringIO()) as machine:
            assert run(["check", str(folder), "--json"]) == 1
        with contextlib.redirect_stdout(io.StringIO()) as person, contextlib.redirect_stderr(io.StringIO()) as err:
            assert run(["check", str(folder.parent / "again.vet")]) == 1
    assert err.getvalue() == ""
    return folder, machine.getvalue(), person.getvalue()


@pytest.fixture(scope="module")
def pristine(told):
    """That set; tests get copies."""
    return told[0]


@pytest.fixture(scope="module")
def printed(told):
    """What a check by all rules prints of it."""
    return told[2]


@pytest.fixture
def tweets(pristine, tmp_path, monkeypatch):
    """The name of a copy of the real set, in the folder that the test works in."""
    shutil.copytree(pristine, tmp_path / "tweets.vet")
    monkeypatch.chdir(tmp_path)
    return "tweets.vet"


def widest(out):
    return max(
        len(line) for line in out.splitlines() if "sha256" not in line and "/" not in line and "vetset" not in line
    )


def test_read_says_what_it_guessed_and_why(vetset, machine, tmp_path, shared, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = vetset("read", shared / "bank_intents", "-o", "bank.vet")
    assert code == 0
    assert "  text      'text', by its name" in out
    assert "columns as in the file before" in out
    assert out.endswith("bank.vet: 13,083 rows, no rejects\nnext: vetset check bank.vet\n")
    document = machine("read", shared / "bank_intents", "-o", "bank.vet")
    assert (document["set"], document["rows"], document["rejects"]) == ("bank.vet", 13083, 0)
    assert all(source["reasons"] for source in document["sources"])


def test_check_json_has_the_documented_form(told):
    said = told[1]
    assert said.count("\n") == 1
    document = json.loads(said)
    assert list(document) == ["rows", "rejects", "rules", "blocking", "notes"]
    assert (document["rows"], document["rejects"]) == (10547, 0)
    assert set(document["rules"]) == set(BY_DEFAULT)
    assert all(list(of)[:3] == ["rows", "clusters", "standing"] for of in document["rules"].values())
    figures = {rule: of["figures"] for rule, of in document["rules"].items() if "figures" in of}
    assert set(figures) == {
        "labels.conflict", "coverage.balance", "coverage.thin", "leakage.exact", "leakage.ngram", "quality.length",
        "quality.encoding", "labels.suspect", "privacy.email",
    }  # fmt: skip
    assert figures["labels.conflict"] == {"groups": 25, "rows": 50, "rows_not_majority": 25}
    assert figures["leakage.exact"]["normalised"] == document["rules"]["leakage.exact"]["rows"]
    assert figures["quality.length"]["input"]["rows"] == 10547
    assert figures["quality.encoding"]["zero_width"] == {"rows": 10, "faults": 6, "spelling": 4}
    assert document["rules"]["labels.conflict"]["rows"] == 50
    assert set(document["blocking"]) <= set(RULES)
    assert "leakage.exact" in document["blocking"]


def test_check_prints_counts_worst_first_and_an_example_of_each(printed):
    lines = printed.splitlines()
    assert lines[0] == f"10,547 rows, 0 rejects, {len(BY_DEFAULT)} rules"
    assert lines[2].split() == ["rule", "rows", "clusters", "standing"]
    assert re.search(r"^labels\.conflict +50 +25 +50  blocks$", printed, re.MULTILINE)
    assert re.search(r"^  labels\.conflict +[0-9a-f]{8}-\d+  \S", printed, re.MULTILINE)
    assert max(len(line) for line in lines if ".vet" not in line) <= 110
    assert not any(line != line.rstrip() for line in lines)
    assert re.fullmatch(r"next: vetset decide \S+again\.vet --policy, then vetset split \S+again\.vet", lines[-1])


def test_rules_are_selected_with_commas_by_name_and_by_family(tweets, machine, vetset, shared):
    machine("read", shared / "arabic_sentiment", "-o", "part.vet")
    document = machine(
        "check", "part.vet", "--select", "duplicates, quality.empty", "--select", "labels.conflict", code=1
    )
    assert set(document["rules"]) == {
        "duplicates.exact",
        "duplicates.normalised",
        "duplicates.near",
        "duplicates.contained",
        "duplicates.boilerplate",
        "quality.empty",
        "labels.conflict",
    }
    assert document["blocking"] == ["labels.conflict"]
    clean = machine("read", shared / "arabic_sentiment", "-o", "clean.vet") and machine(
        "check", "clean.vet", "--select", "preference"
    )
    assert clean["blocking"] == []
    code, _, err = vetset("check", "part.vet", "--select", "duplicates,nothing")
    assert code == 64
    assert "nothing" in err


def test_against_finds_the_rows_of_an_eval_file(machine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.csv").write_text("text,label\n" + "".join(f"question {i},label{i % 3}\n" for i in range(50)))
    (tmp_path / "eval.csv").write_text(
        "text,label\nanother,label1\n" + "".join(f"question {i},label1\n" for i in range(9))
    )
    machine("read", "train.csv", "--license", "MIT")
    assert machine("check", "train.vet", "--select", "leakage.exact")["rules"]["leakage.exact"]["rows"] == 0
    found = machine("check", "train.vet", "--select", "leakage.exact", "--against", "eval.csv", code=1)
    assert found["rules"]["leakage.exact"]["rows"] == 9
    machine("split", "train.vet", "--no-inflation")
    dataset = Dataset.open("train.vet")
    leaks = dataset.findings.filter(dataset.findings["rule"] == "leakage.exact")["id"].to_list()
    training = dataset.rows.filter(dataset.rows["split"] == "train")
    asked = {f"question {i}" for i in range(9)}
    expected = [row for row, said in training.select("id", "messages").iter_rows() if said[0]["content"] in asked]
    assert expected
    assert sorted(leaks) == sorted(expected)  # a split looks for leaks anew, and must not forget these


def test_github_annotations_name_file_and_line(tweets, vetset):
    code, out, _ = vetset("check", tweets, "--select", "labels.conflict", "--output-format", "github")
    assert code == 1
    form = re.compile(r"::(error|warning) (file=[^,]+,line=\d+,)?title=[a-z]+\.[a-z]+::\S.*")
    assert all(form.fullmatch(line) for line in out.splitlines())
    errors = [line for line in out.splitlines() if line.startswith("::error file=") and "labels.conflict" in line]
    assert len(errors) == 10
    assert "::error title=labels.conflict::40 more rows of labels.conflict" in out


def test_decisions_are_written_by_policy_by_rule_by_id_and_taken_back(tweets, machine, vetset):
    settled = machine("decide", tweets, "--policy")
    assert settled["written"] > 20
    assert settled["standing"]["duplicates.exact"]["standing"] == 12  # repeats across the official splits are leaks
    assert machine("decide", tweets, "--policy")["written"] == 0
    by_rule = machine("decide", tweets, "--rule", "labels.conflict", "--action", "drop", "--reviewer", "ann")
    assert "labels.conflict" not in by_rule["blocking"]
    undone = machine("decide", tweets, "--undo", by_rule["batch"])
    assert undone["written"] == by_rule["written"]
    assert "labels.conflict" in undone["blocking"]
    first, second = Dataset.open(tweets).rows["id"][:2]
    one = machine("decide", tweets, "--id", first, "--id", second, "--action", "relabel", "--value", "positive")
    assert one["written"] == 2
    code, out, _ = vetset("decide", tweets, "--id", first, "--action", "keep", "--reason", "it is right")
    assert code == 0
    assert out.startswith("1 decision written\n")
    assert re.search(r"^labels\.conflict +\d+  blocks$", out, re.MULTILINE)
    assert re.search(r"^undo: vetset decide tweets\.vet --undo [0-9a-f]{32}$", out, re.MULTILINE)
    number = json.loads(vetset("why", tweets, first, "--json")[1])["decisions"][-1]["seq"]
    assert machine("decide", tweets, "--undo", number)["written"] == 1


def test_split_tells_sizes_balance_and_leaks(tweets, machine, vetset):
    document = machine("split", tweets, "--ratios", "0.8,0.2", "--seed", "3", "--no-inflation")
    assert list(document["splits"]) == ["train", "test"]
    assert document["leaks"]["duplicate"]["made"] == 0
    assert document["leaks"]["duplicate"]["random"] > 0
    code, out, _ = vetset("split", tweets, "--seed", "3", "--no-inflation")
    assert code == 0
    assert re.search(r"^validation +1,0\d\d +10\.0% +10\.0% +[\d,]+$", out, re.MULTILINE)
    assert re.search(r"^whose text stands in train +0\.0% +\d+\.\d%$", out, re.MULTILINE)
    assert re.search(r"^labels: every share within \d\.\d points", out, re.MULTILINE)
    assert widest(out) <= 100


def test_the_leak_table_shows_what_the_split_made_leaks_itself(vetset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f'{{"text": "text {i % 20}", "label": "l{i % 2}", "user": "u{i % 9}"}}\n' for i in range(200))
    (tmp_path / "a.jsonl").write_text(rows)
    assert vetset("read", "a.jsonl")[0] == 0
    _, out, _ = vetset("split", "a.vet", "--by", "group", "--no-inflation")
    assert re.search(r"^whose group stands in train +0\.0% +\d", out, re.MULTILINE)
    assert re.search(r"^whose text stands in train +[1-9]\d*\.\d% +\d", out, re.MULTILINE)


def test_export_accounts_for_every_row_and_verify_agrees(tweets, machine, vetset, tmp_path):
    document = machine("export", tweets, "-o", "out", "--format", "text-label")
    counts = document["counts"]
    assert (
        counts["read"] == 10547 == sum(counts[fate] for fate in ("written", "dropped", "held", "unsplit", "left_out"))
    )
    code, out, _ = vetset("export", tweets, "-o", "out", "--format", "messages")
    assert code == 0
    assert f"10,547 rows read = {counts['written']:,} written + " in " ".join(out.split())
    assert out.count("has no place for") == 1  # one sentence, not a line a field
    assert "lineage.parquet ties each record to its row" in " ".join(out.split())
    assert widest(out) <= 100
    assert machine("verify", "out")["ok"]
    assert re.match(r"out: (\d+) of \1 checks ok\nnext: train on the files; ", vetset("verify", "out")[1])


def test_verify_finds_one_changed_byte(tweets, machine, vetset, tmp_path):
    machine("export", tweets, "-o", "changed", "--format", "messages")
    path = tmp_path / "changed" / "train.jsonl"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    code, out, _ = vetset("verify", "changed")
    assert code == 1
    assert out.startswith("not ok  train.jsonl: sha256 is ")
    document = machine("verify", "changed", code=1)
    assert [check["what"] for check in document["checks"] if not check["ok"]] == ["train.jsonl"]


def test_why_tells_the_whole_life_of_a_row(tweets, machine, vetset):
    dataset = Dataset.open(tweets)
    conflict = dataset.findings.filter(dataset.findings["rule"] == "labels.conflict")["id"].to_list()
    keep = next(row for row in conflict if dataset.findings.filter(dataset.findings["id"] == row).height <= 2)
    machine("decide", tweets, "--id", keep, "--action", "keep", "--reason", "read twice", "--reviewer", "ann")
    machine("export", tweets, "-o", "whole", "--format", "text-label")
    code, out, _ = vetset("why", tweets, keep)
    assert code == 0
    assert out.startswith(f"row       {keep}\nread      ")
    words = " ".join(out.split())
    assert re.search(r"Arabic|\.csv line \d+ \(sha256 [0-9a-f]{16}\.\.\.\)", words)
    assert "found labels.conflict: " in words
    assert "keep by ann" in words
    assert "read twice" in words
    assert "stands keep" in words
    assert re.search(r"split (train|validation|test)", words)
    assert re.search(r"export whole: written \w+\.jsonl record \d+", words)
    life = machine("why", tweets, keep[:12])
    assert life["row"]["id"] == keep
    assert [head["reviewer"] for head in life["standing"]] == ["ann"]
    written = next(export for export in life["exports"] if export["export"] == "whole")
    lines = (Dataset.open(tweets).folder.parent / "whole" / written["file"]).read_text().splitlines()
    assert json.loads(lines[written["record"] - 1])["text"] == life["row"]["messages"][0]["content"]
    shutil.rmtree("whole")
    assert "\nexport    not found where it was: whole\n" in vetset("why", tweets, keep)[1]


def test_check_tells_figures_and_a_missing_licence_once(printed, tweets, vetset):
    words = " ".join(printed.split())
    assert (
        "labels.conflict: 25 inputs have several targets, in 50 rows; where one target is right, at least 25 of them are wrong"
        in words
    )
    assert re.search(
        r"leakage\.exact: \d+ of 2,110 eval rows stand in train, \d+ of them character for character", words
    )
    assert re.search(
        r"quality\.length: input \d+ characters at the median, \d+ to \d+ in 5-95%, \d+ to \d+ in all", words
    )
    assert "quality.encoding: zero-width characters in 10 rows: a fault in 6, spelling in 4" in words
    assert (
        "licences.unknown: no row has a known licence; if one holds for all of them, `vetset read ... --license"
        in words
    )
    assert not re.search(r"^  licences\.unknown", printed, re.MULTILINE)
    _, out, _ = vetset("check", tweets, "--select", "licences", "--output-format", "github")
    lines = [line for line in out.splitlines() if "licences.unknown" in line]
    assert len(lines) == 1
    assert lines[0].startswith("::warning title=licences.unknown::no row has a known licence; ")


def test_figures_outlive_a_check_of_other_rules_and_follow_a_split(tweets, machine, vetset):
    machine("check", tweets, "--select", "duplicates")
    assert judge(Dataset.open(tweets)).summary()["rules"]["labels.conflict"]["figures"]["groups"] == 25
    machine("split", tweets, "--by", "duplicates", "--no-inflation")
    machine("check", tweets, "--select", "duplicates")
    told = judge(Dataset.open(tweets)).summary()["rules"]["leakage.exact"]
    assert (told["rows"], told["figures"]["normalised"]) == (0, 0)
    assert set(told["figures"]["pairs"]) >= {"test in train", "validation in train"}


def test_one_of_a_thing_is_said_in_the_singular(vetset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("text,label\n" + "".join(f"text {i},{'ab'[i % 2]}\n" for i in range(11)))
    outputs = [vetset("read", "a.csv", "--license", "unknown"), vetset("check", "a.vet", "--output-format", "github")]
    row = Dataset.open("a.vet").rows["id"][0]
    outputs += [vetset("decide", "a.vet", "--id", row, "--action", "drop"), vetset("why", "a.vet", row)]
    outputs += [vetset("split", "a.vet", "--no-inflation"), vetset("decide", "a.vet", "--undo", "1")]
    outputs += [vetset("decide", "a.vet", "--id", i, "--action", "drop") for i in Dataset.open("a.vet").rows["id"][1:]]
    outputs += [
        vetset("export", "a.vet", "-o", "out"),
        vetset("verify", "out"),
        vetset("decide", "a.vet", "--export", "d"),
    ]
    said = "".join(out + err for _, out, err in outputs) + (tmp_path / "out/README.md").read_text()
    assert not re.search(r"(?<![\d,.])1 (?:\w+ )?(?:rows|records|lines|decisions|checks|rejects|units)\b", said), said
    assert "# 1 vetted row\n" in said


def test_each_verb_ends_with_the_next_step_and_json_has_none(vetset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts = [f"text {i % 50} in few words," + "ab"[i % 2] for i in range(60)]
    Path("few.csv").write_text("\n".join(["text,label", *texts]))
    for words in (["read", "few.csv"], ["check", "few.vet", "--select", "duplicates,quality"]):
        assert vetset(*words)[1].splitlines()[-1].startswith("next: "), words
    few = "few.vet"
    row = Dataset.open(few).rows["id"][0]
    commands = [
        ["decide", few, "--policy"], ["split", few, "--no-inflation"], ["export", few, "-o", "next"],
        ["verify", "next"], ["why", few, row], ["rule", "quality.empty"], ["decide", few, "--export", "d.jsonl"],
    ]  # fmt: skip
    for words in commands:
        assert vetset(*words)[1].splitlines()[-1].startswith("next: "), words
        assert "next:" not in vetset(*words, "--json")[1]
    vetset("decide", few, "--id", row, "--action", "keep")
    last = vetset("why", few, row)[1].splitlines()[-1]
    assert re.fullmatch(r"undo: vetset decide few\.vet --undo \d+", last)
    code, out, _ = vetset(*last.split()[2:])
    assert code == 0
    assert out.startswith("1 decision taken back\n")
    assert "undo:" not in out, "an undo can't be undone"


def test_decisions_go_out_to_a_file_and_into_another_copy_once(tweets, machine, vetset, shared):
    first, second, third = Dataset.open(tweets).rows["id"][:3]
    machine("decide", tweets, "--id", first, "--action", "relabel", "--value", "neutral", "--reviewer", "ann")
    machine("decide", tweets, "--id", second, "--action", "drop", "--reviewer", "ann")
    assert machine("decide", tweets, "--export", "decisions.jsonl") == {"file": "decisions.jsonl", "exported": 2}
    stale = json.loads(Path("decisions.jsonl").read_text().splitlines()[1])
    stale |= {"uid": "gone", "row": "00000000000000000000-0"}
    Path("decisions.jsonl").write_text(Path("decisions.jsonl").read_text() + json.dumps(stale) + "\n")
    machine("read", shared / "arabic_sentiment", "-o", "copy.vet")
    machine("decide", "copy.vet", "--id", third, "--action", "keep", "--reviewer", "bob")
    taken = machine("decide", "copy.vet", "--import", "decisions.jsonl")
    assert (taken["written"], taken["repeated"], taken["stale"], taken["conflicts"]) == (3, 0, 1, [])
    again = machine("decide", "copy.vet", "--import", "decisions.jsonl")
    assert (again["written"], again["repeated"], again["stale"]) == (0, 3, 1)
    life = machine("why", "copy.vet", first)
    assert [(head["reviewer"], head["value"]) for head in life["standing"]] == [("ann", "neutral")]
    code, out, _ = vetset("decide", "copy.vet", "--import", "decisions.jsonl")
    assert code == 0
    assert out.startswith("0 decisions imported, 3 there already\n1 decision is stale: ")
    machine("decide", "copy.vet", "--id", second, "--action", "keep", "--reviewer", "bob")
    machine("decide", tweets, "--undo", "2", "--reviewer", "ann")
    machine("decide", tweets, "--export", "decisions.jsonl")
    taken = machine("decide", "copy.vet", "--import", "decisions.jsonl")
    assert [(c["row_id"], c["reviewer"], c["action"]) for c in taken["conflicts"]] == [(second, "bob", "keep")]
    Path("decisions.jsonl").write_text("{")
    code, _, err = vetset("decide", "copy.vet", "--import", "decisions.jsonl")
    assert (code, "line 1" in err) == (65, True)


def test_decisions_are_not_written_over_a_file_of_the_set(vetset, machine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text("text,label\none text,a\nother text,b\n")
    machine("read", "a.csv")
    row = Dataset.open("a.vet").rows["id"][0]
    machine("decide", "a.vet", "--id", row, "--action", "keep", "--reviewer", "ann")
    for name in ("decisions.db", "manifest.json", "rows.parquet"):
        code, _, err = vetset("decide", "a.vet", "--export", f"a.vet/{name}")
        assert (code, "inside of the set" in err) == (64, True)
    assert machine("decide", "a.vet", "--export", "a.vet/decisions.jsonl")["exported"] == 1
    assert [head["action"] for head in machine("why", "a.vet", row)["standing"]] == ["keep"]


def test_hits_in_an_index_say_to_a_machine_when_they_were_added(machine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text("text,label\nmy card was stolen in rome on the way to the station,a\n")
    machine("read", "a.csv")
    machine("index", "add", "kept.index", "a.vet")
    (hit,) = machine("index", "check", "kept.index", "a.vet", code=1)["hits"]
    (known,) = machine("index", "info", "kept.index")["sets"]
    assert hit["added"] == known["first"] is not None


def test_what_the_policy_takes_back_is_said(tmp_path, vetset, machine, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("text,label\n" + "same,a\n" * 3 + "".join(f"text {i},b\n" for i in range(9)))
    machine("read", "a.csv")
    machine("check", "a.vet")
    assert machine("decide", "a.vet", "--policy")["written"] == 2
    row = Dataset.open("a.vet").rows["id"][0]
    machine("decide", "a.vet", "--id", row, "--action", "edit", "--value", '[{"role": "user", "content": "mended"}]')
    code, out, _ = vetset("decide", "a.vet", "--policy")
    assert code == 0
    assert out.startswith(
        "0 decisions written\n1 decision that the policy made before and would not make now taken back\n"
    )
    machine("export", "a.vet", "-o", "out", "--format", "text-label")
    texts = [json.loads(line)["text"] for line in (tmp_path / "out" / "data.jsonl").read_text().splitlines()]
    assert (texts.count("mended"), texts.count("same")) == (1, 1), "the text that nobody decided on is still there"


READ_ONLY = """
import contextlib, io, os, sys
from vetset.app.cli import run
with contextlib.redirect_stdout(io.StringIO()): run(sys.argv[1:])  # all is imported while that may be read
if os.getuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)  # root may write anywhere
sys.exit(run(sys.argv[1:]))
"""


def test_a_set_whose_decisions_cannot_be_written_says_so_once_on_stderr(vetset):
    with tempfile.TemporaryDirectory() as folder:
        source, dataset = Path(folder) / "a.csv", Path(folder) / "a.vet"
        source.write_text("text,label\n" + "".join(f"text {i},b\n" for i in range(9)))
        vetset("read", source, "-o", dataset)
        row = Dataset.open(dataset).rows["id"][0]
        vetset("decide", dataset, "--id", row, "--action", "keep")
        for path in [Path(folder), dataset]:
            path.chmod(0o555)
        words = [sys.executable, "-c", READ_ONLY, "why", dataset, row, "--json"]
        done = subprocess.run(words, capture_output=True, text=True, check=False, cwd="/")
        for path in [Path(folder), dataset]:
            path.chmod(0o755)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["standing"][0]["action"] == "keep"
        assert len(done.stderr.splitlines()) == 1
        assert re.fullmatch(r"warning: .*decisions\.db can't be written: .*\n", done.stderr)
        assert "warning" not in vetset("why", dataset, row)[2]


def test_vetset_toml_of_the_folder_is_obeyed(machine, vetset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("text,label\n" + "same text,a\n" * 3 + "".join(f"text {i},b\n" for i in range(9)))
    machine("read", "a.csv")
    assert machine("check", "a.vet")["blocking"] == []
    (tmp_path / "vetset.toml").write_text('[policy]\nduplicates = "wait"\n[check]\nblock = ["duplicates.exact"]\n')
    assert machine("check", "a.vet", code=1)["blocking"] == ["duplicates.exact"]
    assert machine("decide", "a.vet", "--policy")["written"] == 0
    (tmp_path / "other.toml").write_text("")
    assert machine("check", "a.vet", "--config", "other.toml")["blocking"] == []
    assert machine("decide", "a.vet", "--policy", "--config", "other.toml")["written"] == 2
    (tmp_path / "vetset.toml").write_text("[policy\n")
    assert vetset("check", "a.vet")[0] == 64


def test_vetset_toml_beside_the_set_is_obeyed_where_this_folder_has_none(machine, tmp_path, monkeypatch):
    there = tmp_path / "there"
    there.mkdir()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("text,label\n" + "same text,a\n" * 3 + "".join(f"text {i},b\n" for i in range(9)))
    machine("read", "a.csv", "-o", "there/a.vet")
    (there / "vetset.toml").write_text('[check]\nblock = ["duplicates.exact"]\n')
    assert machine("check", "there/a.vet", code=1)["blocking"] == ["duplicates.exact"]
    (tmp_path / "vetset.toml").write_text("")
    assert machine("check", "there/a.vet")["blocking"] == []


def test_every_rule_is_listed_and_explained(vetset, machine):
    code, out, _ = vetset("rule")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[1:-1]] == list(RULES)
    assert max(map(len, out.splitlines())) <= 100
    assert machine("rule")["quality.empty"] == {"finds": RULES["quality.empty"].finds, "blocks": True}
    for rule in RULES:
        code, out, _ = vetset("rule", rule)
        assert code == 0
        assert out.startswith(f"# {rule}\n")
    assert machine("rule", "quality.empty")["page"].startswith("# quality.empty")


def test_exit_codes_tell_good_from_short_from_wrong_from_unreadable(vetset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.csv").write_text("text,label\n" + "".join(f"text {i},l{i % 2}\n" for i in range(20)))
    (tmp_path / "bad.csv").write_text("text,label\n" + "".join(f"text {i % 5},l{i % 4}\n" for i in range(20)))
    (tmp_path / "empty.csv").write_text("")
    codes = [vetset(*words)[0] for words in (
        ["read", "good.csv"], ["check", "good.vet"], ["read", "bad.csv"], ["check", "bad.vet"], ["check", "gone.vet"],
        ["read", "empty.csv"], ["--version"], ["--help"], ["check", "--help"],
    )]  # fmt: skip
    assert codes == [0, 0, 0, 1, 64, 65, 0, 0, 0]


HOSTILE = [
    "[bold]markup[/bold] [red]x[/red] [/] [link=file:///etc]y[/link] :boom:",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J \x9b31m c1",
    "first\nsecond\r\nthird\roverwritten\u2028fourth",
    "::error file=x,line=1::pwned\n::warning::again %0A",
    "right \u202eot tfel\u202c and \u2066isolated\u2069",
    "مرحبا بالعالم \u200f שלום",
    "漢字の長い文" * 40,
    "\b\b\b\x7f\x00bell\x07",
]


def hostile_set(folder):
    """A set in which texts, labels, groups, sources and reviewers hold what a terminal would obey."""
    rows = []
    for number, text in enumerate(HOSTILE):
        for label in (text, f"other {text}"):  # the same text with two labels: the notes quote both
            rows += [{"text": text, "label": label, "user": text, "source": text, "annotator": text}]
        rows += [
            {"text": f"{text} {number} {i}", "label": text, "user": f"{text}{i}", "source": text} for i in range(6)
        ]
    name = "rows \x1b[31m[bold],:%.jsonl"
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows) + "not json \x1b[31m\n")
    return name


def test_what_stands_in_the_data_never_commands_the_terminal(vetset, machine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = hostile_set(tmp_path)
    read = vetset("read", name, "-o", "h.vet")
    check = vetset("check", "h.vet")
    github = vetset("check", "h.vet", "--output-format", "github")
    assert [read[0], check[0], github[0]] == [0, 1, 1]
    outputs = [read, check, github]
    ids = Dataset.open("h.vet").rows["id"]
    assert vetset("decide", "h.vet", "--id", ids[0], "--action", "relabel", "--value", HOSTILE[1])[0] == 0
    outputs += [vetset("decide", "h.vet", "--policy"), vetset("split", "h.vet", "--by", "group", "--no-inflation")]
    outputs += [vetset("export", "h.vet", "-o", "o", "--held", "keep", "--format", "text-label"), vetset("verify", "o")]
    outputs += [vetset("why", "h.vet", row) for row in ids]
    outputs += [vetset("read", "gone \x1b[31m.csv"), vetset("check", "gone\x9b.vet"), vetset("chec\x1bk")]
    for _, out, err in outputs:
        assert OBEYED.search(out + err) is None
    assert all(line.startswith("::") for line in github[1].splitlines())
    assert not any(line.startswith("::error file=x") for line in github[1].splitlines())
    assert "[bold]markup[/bold]" in outputs[7][1]
    assert "\\x1b[31m" in read[1]
    for words in (["check", "h.vet"], ["why", "h.vet", ids[8]]):
        code = 1 if words[0] == "check" else 0
        machine(*words, code=code)
        assert OBEYED.search(vetset(*words, "--json")[1]) is None


def test_a_right_to_left_text_is_shown_as_it_is(vetset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = "مرحبا بالعالم، می‌خواهم"  # with a joiner, which Persian needs
    (tmp_path / "a.csv").write_text(f"text,label\n{text},greeting\n")
    vetset("read", "a.csv", "--text", "text", "--label", "label")
    _, out, _ = vetset("why", "a.vet", Dataset.open("a.vet").rows["id"][0])
    assert text in out


@pytest.mark.parametrize("text", [*HOSTILE, "", "plain", "\ud800 alone"])
def test_a_tamed_text_says_the_same_in_json(text):
    assert json.loads(tame_json(json.dumps(text, ensure_ascii=False))) == text
    assert OBEYED.search(tame(text)) is None
    assert "\n" not in tame(text)
    tame(text).encode()
    assert tame(tame(text)) == tame(text)


def test_a_terminal_of_another_encoding_gets_what_it_can_show(tmp_path):
    (tmp_path / "a.csv").write_text("text,label\nمرحبا,تحية\n")
    command = [sys.executable, "-c", "from vetset.app.cli import main; main()", "read", "a.csv", "-o", "a.vet", "--text", "text",
               "--label", "label"]  # fmt: skip
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(command, capture_output=True, cwd=tmp_path, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    done = subprocess.run(
        [*command[:3], "why", "a.vet", ""], capture_output=True, cwd=tmp_path, env=environment, check=False
    )
    assert done.returncode == 64
    row = Dataset.open(tmp_path / "a.vet").rows["id"][0]
    done = subprocess.run(
        [*command[:3], "why", "a.vet", row], capture_output=True, cwd=tmp_path, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    assert b"\\u0645" in done.stdout


def cpu_seconds(*words):
    command = [sys.executable, "-c", "from vetset.app.cli import main; main()", *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime


def test_the_help_page_comes_at_once():
    cpu_seconds("--help")  # compiles what was never run
    seconds = min(cpu_seconds("--help") for _ in range(3))
    print(f"vetset --help: {seconds:.2f} CPU seconds")
    assert seconds < 0.4


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo as a new user runs it."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-c", "from vetset.app.cli import main; main()", "demo"]
    return folder, subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)


def test_the_demo_finds_all_that_was_planted_and_ends_with_three_commands(demo):
    _, done = demo
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr.startswith("1,450 rows with planted flaws written to vetset-demo\n")
    assert "differs" not in done.stdout
    found = re.findall(r"^\S+\.\S+ +\S+ +(\d+) +(\d+)$", done.stdout, re.MULTILINE)
    assert len(found) > 15
    assert all(planted == seen for planted, seen in found)
    assert widest(done.stdout) <= 100
    next_commands = done.stdout.partition("try next:\n")[2].splitlines()
    assert len(next_commands) == 3
    assert all(line.startswith("  vetset ") for line in next_commands)


def test_the_first_two_commands_that_the_demo_names_work(demo, vetset, monkeypatch):
    folder, done = demo
    monkeypatch.chdir(folder)
    for line in done.stdout.partition("try next:\n")[2].splitlines()[:2]:
        code, _, err = vetset(*line.split()[1:])
        assert code == 0, err


@pytest.mark.slow
def test_what_the_demo_wrote_passes_every_verb(demo, vetset, machine, monkeypatch):
    folder, _ = demo
    monkeypatch.chdir(folder / "vetset-demo")
    assert machine("verify", "vetted")["ok"]
    found = machine("check", "tickets.vet", "--against", "tickets_eval.csv", code=1)["rules"]["leakage.exact"]["rows"]
    assert 0 < found <= 15  # those of the 15 that the split has put into train
    code, out, err = vetset("split", "tickets.vet")
    assert code == 0
    assert "estimating" in err
    assert "estimating" not in out
    assert "A small model scores" in out
    assert machine("check", "chats.vet", code=1)["blocking"] == ["quality.roles"]
    assert machine("split", "chats.vet", "--no-inflation")["rows"] > 0
    assert machine("export", "pairs.vet", "-o", "pairs", "--format", "preference")["counts"]["written"] > 0
    assert vetset("verify", "pairs")[0] == 0


@pytest.mark.slow
def test_the_demo_says_the_same_to_a_machine(machine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    document = machine("demo", "here", "--seed", "5")
    again = machine("demo", "here", "--seed", "5")
    assert again["found"] == document["found"], "what an earlier demo left behind changes nothing"
    assert document["all_found"]
    assert document["verified"]
    assert all(line["planted"] == line["found"] for line in document["found"])
    assert len(document["next"]) == 3
