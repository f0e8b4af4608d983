"""Wrong use: one sentence that names what is wrong and the next step, the exit code of the design, nothing written."""

import json
import subprocess
import sys

import pytest
from vetset.app.cli import run
from vetset.curate import Dataset, check, export, read

MARK = "Zq"  # the user's data, wherever it turns up in a message
LONG = MARK * 5000


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder of good, broken and odd files, and one good set; no test may change it."""
    folder = tmp_path_factory.mktemp("world")
    good = "".join(f"{MARK} text {i},label{i % 2},user{i % 7},2024-01-{i % 28 + 1:02d}\n" for i in range(60))
    (folder / "good.csv").write_text("text,label,user,date\n" + good)
    (folder / "empty.csv").write_text("")
    (folder / "header.csv").write_text("text,label\n")
    (folder / "binary.bin").write_bytes(bytes(range(256)) * 40)
    (folder / "picture.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(2000))
    (folder / "broken.json").write_text('[{"text": "' + LONG)
    (folder / "scalar.json").write_text('"' + LONG + '"')
    (folder / "lengths.json").write_text('{"text": ["a", "b"], "label": ["c"]}')
    (folder / "numbers.jsonl").write_text("".join(f'{{"a": {i}, "b": {i}}}\n' for i in range(30)))
    (folder / "objects.jsonl").write_text('{"text": {"deep": "' + LONG + '"}}\n')
    (folder / "torn.parquet").write_bytes(b"PAR1" + LONG.encode() + b"PAR1")
    (folder / "torn.csv.gz").write_bytes(b"\x1f\x8b\x08\x00" + LONG.encode())
    (folder / "torn.jsonl.zst").write_bytes(b"\x28\xb5\x2f\xfd" + LONG.encode())
    (folder / "torn.arrow").write_bytes(b"ARROW1\x00\x00" + LONG.encode())
    (folder / "notes").mkdir()
    (folder / "folder.csv").mkdir()
    (folder / "void").mkdir()
    (folder / "notes" / "a.txt").write_text("not a set")
    (folder / "bad.toml").write_text("[policy\n")
    (folder / "rule.toml").write_text('[policy]\n"no.such" = "drop"\n')
    (folder / "action.toml").write_text('[policy]\n"quality.empty" = "explode"\n')
    (folder / "block.toml").write_text('[check]\nblock = ["nothing"]\n')
    dataset = read([folder / "good.csv"], folder / "good.vet").dataset
    check(dataset)
    read([folder / "good.csv"], folder / "unchecked.vet")
    export(Dataset.open(folder / "good.vet"), folder / "out", format="text-label")
    (folder / "noman.vet").mkdir()
    (folder / "torn.vet").mkdir()
    (folder / "torn.vet" / "manifest.json").write_text('{"format": 1, "st')
    (folder / "newer.vet").mkdir()
    (folder / "newer.vet" / "manifest.json").write_text('{"format": 99}')
    (folder / "norows.vet").mkdir()
    (folder / "norows.vet" / "manifest.json").write_text('{"format": 1, "rows": 3, "rejects": 0, "inputs": []}')
    (folder / "norows.vet" / "rows.parquet").write_bytes(LONG.encode())
    return folder


CASES = [
    # what is wrong, arguments, exit code, words that the sentence must hold
    ("no such command", ["chekc", "good.vet"], 64, ["chekc"]),
    ("no such option", ["check", "good.vet", "--fast"], 64, ["--fast"]),
    ("no set named", ["check"], 64, ["NAME.vet"]),
    ("no source named", ["read"], 64, ["SRC"]),
    ("a file that is not there", ["read", "gone.csv"], 64, ["gone.csv"]),
    ("a glob that fits nothing", ["read", "gone*.csv"], 64, ["gone*.csv"]),
    ("an empty file", ["read", "empty.csv"], 65, ["empty.csv", "empty"]),
    ("a header and no row", ["read", "header.csv"], 65, ["header.csv"]),
    ("a binary file", ["read", "binary.bin"], 65, ["binary.bin"]),
    ("a picture called csv", ["read", "picture.csv"], 65, ["picture.csv"]),
    ("a JSON file cut off", ["read", "broken.json"], 65, ["broken.json"]),
    ("a JSON text", ["read", "scalar.json"], 65, ["scalar.json"]),
    ("columns of other lengths", ["read", "lengths.json"], 65, ["lengths.json", "2", "1"]),
    ("no text column", ["read", "numbers.jsonl"], 65, ["numbers.jsonl", "--text"]),
    ("a text that is an object", ["read", "objects.jsonl", "--text", "text", "--label", "none"], 65, ["objects.jsonl", "line 1"]),
    ("a torn Parquet file", ["read", "torn.parquet"], 65, ["torn.parquet"]),
    ("a torn gzip", ["read", "torn.csv.gz"], 65, ["torn.csv.gz"]),
    ("a torn zstd", ["read", "torn.jsonl.zst"], 65, ["torn.jsonl.zst"]),
    ("a torn Arrow file", ["read", "torn.arrow"], 65, ["torn.arrow"]),
    ("an empty folder", ["read", "void"], 65, ["void"]),
    ("an unknown format", ["read", "good.csv", "--format", "yaml"], 64, ["yaml", "sharegpt"]),
    ("a format that does not fit", ["read", "good.csv", "--format", "sharegpt"], 65, ["good.csv", "sharegpt"]),
    ("a text column that is not there", ["read", "good.csv", "--text", "body"], 64, ["good.csv", "body", "label"]),
    ("a label column that is not there", ["read", "good.csv", "--label", "klass"], 64, ["good.csv", "klass"]),
    ("a group column that is not there", ["read", "good.csv", "--group", "meta.user"], 64, ["good.csv", "meta.user"]),
    ("a pattern that is none", ["read", "good.csv", "--group", "user~("], 64, ["user~("]),
    ("a pattern without brackets", ["read", "good.csv", "--group", "user~x"], 64, ["bracket"]),
    ("an unknown encoding", ["read", "good.csv", "--encoding", "utf-9"], 64, ["utf-9"]),
    ("a set where a file stands", ["read", "good.csv", "-o", "good.csv"], 64, ["good.csv"]),
    ("a set where another folder stands", ["read", "good.csv", "-o", "notes"], 64, ["notes"]),
    ("a set that is not there", ["check", "gone.vet"], 64, ["gone.vet", "vetset read"]),
    ("a file for a set", ["check", "good.csv"], 64, ["good.csv", "vetset read good.csv"]),
    ("a set inside of a file", ["read", "good.csv", "-o", "good.csv/x.vet"], 64, ["good.csv/x.vet", "-o"]),
    ("a folder that is no set", ["check", "noman.vet"], 64, ["noman.vet", "manifest.json"]),
    ("a torn manifest", ["check", "torn.vet"], 65, ["torn.vet", "manifest.json"]),
    ("a set of a newer vetset", ["check", "newer.vet"], 65, ["newer.vet", "99"]),
    ("torn rows", ["check", "norows.vet"], 65, ["rows.parquet"]),
    ("no such rule", ["check", "good.vet", "--select", "labels.typo"], 64, ["labels.typo", "labels"]),
    ("an eval file that is not there", ["check", "good.vet", "--against", "gone.jsonl"], 64, ["gone.jsonl"]),
    ("no such rule to explain", ["rule", "quality.nice"], 64, ["quality.nice"]),
    ("a family to explain", ["rule", "quality"], 64, ["quality.empty"]),
    ("a config that is not there", ["check", "good.vet", "--config", "gone.toml"], 64, ["gone.toml"]),
    ("a config that is no TOML", ["check", "good.vet", "--config", "bad.toml"], 64, ["bad.toml"]),
    ("a config with an unknown rule", ["decide", "good.vet", "--policy", "--config", "rule.toml"], 64, ["rule.toml", "no.such"]),
    ("a config with an unknown action", ["decide", "good.vet", "--policy", "--config", "action.toml"], 64, ["explode", "drop"]),
    ("a config that blocks nothing known", ["check", "good.vet", "--config", "block.toml"], 64, ["nothing"]),
    ("nothing to decide by", ["decide", "good.vet"], 64, ["--policy", "--rule"]),
    ("two ways to decide", ["decide", "good.vet", "--policy", "--rule", "quality"], 64, ["one of"]),
    ("a rule without an action", ["decide", "good.vet", "--rule", "quality.empty"], 64, ["--action"]),
    ("an action that is none", ["decide", "good.vet", "--rule", "licences.unknown", "--action", "burn"], 64, ["burn", "drop"]),
    ("an action misspelt", ["decide", "good.vet", "--id", "ffffffff", "--action", "dorp"], 64, ["--action", "dorp", "drop"]),
    ("two ways to report", ["check", "good.vet", "--json", "--output-format", "github"], 64, ["--json", "--output-format"]),
    ("a text that is the label", ["read", "good.csv", "--text", "label", "--label", "label"], 64, ["--text", "--label", "label"]),
    ("a text that another option took", ["read", "good.csv", "--annotator", "text"], 65, ["--annotator took 'text'", "--text"]),
    ("an item that is the annotator", ["agree", "good.csv", "--item", "user", "--annotator", "user"], 64,
     ["--item", "--annotator"]),
    ("votes of a set that has no such columns", ["agree", "good.vet", "--votes", "aa,bb"], 64, ["'aa'", "'label'"]),
    ("agreed labels where a folder stands", ["agree", "good.csv", "-o", "folder.csv"], 64, ["folder.csv", "can't be written"]),
    ("agreed labels where nothing can be written", ["agree", "good.csv", "-o", "/proc/l.csv", "--annotator", "user"], 64,
     ["/proc/l.csv", "can't be written"]),
    ("a row that is not there", ["decide", "good.vet", "--id", "ffffffff", "--action", "drop"], 64, ["ffffffff"]),
    ("a relabel without a label", ["decide", "good.vet", "--rule", "licences.unknown", "--action", "relabel"], 64, ["--value"]),
    ("an undo of nothing", ["decide", "good.vet", "--undo", "999"], 64, ["999"]),
    ("decisions from a file that is not there", ["decide", "good.vet", "--import", "gone.jsonl"], 64, ["gone.jsonl"]),
    ("decisions from a file of rows", ["decide", "good.vet", "--import", "good.csv"], 65, ["good.csv", "line 1"]),
    ("decisions to a folder that is not there", ["decide", "good.vet", "--export", "gone/d.jsonl"], 64, ["gone/d.jsonl"]),
    ("decisions before a check", ["decide", "unchecked.vet", "--policy"], 64, ["vetset check"]),
    ("ratios that are words", ["split", "good.vet", "--ratios", "most,some"], 64, ["most,some", "0.8"]),
    ("ratios that are too many", ["split", "good.vet", "--ratios", "0.8,0.8"], 64, ["0.8"]),
    ("ratios and counts", ["split", "good.vet", "--ratios", "0.8,0.2", "--counts", "10,10"], 64, ["counts"]),
    ("more rows than there are", ["split", "good.vet", "--counts", "5000,100"], 65, ["60"]),
    ("an unknown way to split", ["split", "good.vet", "--by", "colour"], 64, ["colour", "group"]),
    ("a split by what is not there", ["split", "good.vet", "--by", "moon"], 64, ["moon", "near"]),
    ("a split by sources that no row has", ["split", "good.vet", "--by", "source"], 65, ["source"]),
    ("more names than shares", ["split", "good.vet", "--ratios", "0.8,0.2", "--names", "a,b,c"], 64, ["names"]),
    ("a seed that is a word", ["split", "good.vet", "--seed", "lucky"], 64, ["--seed"]),
    ("an export to nowhere", ["export", "good.vet"], 64, ["--out"]),
    ("an unknown export format", ["export", "good.vet", "-o", "new", "--format", "xlsx"], 64, ["xlsx", "messages"]),
    ("preference without pairs", ["export", "good.vet", "-o", "new", "--format", "preference"], 65, ["row"]),
    ("an export over other files", ["export", "good.vet", "-o", "notes"], 64, ["notes", "a.txt"]),
    ("an export onto a file", ["export", "good.vet", "-o", "good.csv"], 64, ["good.csv"]),
    ("an unknown word for held rows", ["export", "good.vet", "-o", "new", "--held", "maybe"], 64, ["maybe", "refuse"]),
    ("a folder that is no export", ["verify", "notes"], 1, ["provenance.json"]),
    ("a folder that is not there", ["verify", "gone"], 64, ["gone"]),
    ("findings before a check", ["findings", "unchecked.vet"], 64, ["unchecked.vet", "vetset check"]),
    ("findings of no rule", ["findings", "good.vet", "--select", "nosuch"], 64, ["nosuch", "vetset rule"]),
    ("findings up to less than none", ["findings", "good.vet", "--limit", "-1"], 64, ["--limit"]),
    ("decisions of a file", ["decisions", "good.csv"], 64, ["good.csv"]),
    ("an action for the policy", ["decide", "good.vet", "--policy", "--action", "drop"], 64, ["--policy", "--action"]),
    ("the life of no row", ["why", "good.vet", "zzz"], 64, ["zzz"]),
    ("the life of an unnamed row", ["why", "good.vet"], 64, ["ID"]),
    ("a demo over a file", ["demo", "good.csv"], 64, ["good.csv"]),
]  # fmt: skip


def listing(folder):
    return {
        str(path.relative_to(folder)): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.name not in (".lock", "decisions.db-wal", "decisions.db-shm")
    }


@pytest.mark.parametrize(("what", "arguments", "code", "words"), CASES, ids=[case[0] for case in CASES])
def test_wrong_use_gets_one_sentence_and_writes_nothing(world, monkeypatch, capsys, what, arguments, code, words):
    monkeypatch.chdir(world)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    before = listing(world)
    assert run(arguments) == code
    out, err = capsys.readouterr()
    said = out if code == 1 else err  # a gate reports to stdout; a mistake is told on stderr
    lines = [line for line in said.splitlines() if line.strip()]
    assert len(lines) <= (2 if code == 1 else 1), said
    assert "Traceback" not in out + err
    assert all(word in said for word in words), said
    assert (out + err).count(MARK) * len(MARK) <= 200
    if code != 1:
        if "--json" in arguments:
            assert json.loads(out) == {"error": lines[0].removeprefix("vetset: "), "exit": code}
        else:
            assert out == ""
        assert lines[0].startswith("vetset: ")
        assert lines[0].rstrip().endswith((".", ")"))
    assert listing(world) == before


def test_a_mistake_under_json_is_one_object_and_the_same_sentence_on_stderr(world, monkeypatch, capsys):
    monkeypatch.chdir(world)
    assert run(["check", "gone.vet", "--json"]) == 64
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert told["exit"] == 64
    assert err == f"vetset: {told['error']}\n"


def test_json_is_one_object_and_nothing_else(world, monkeypatch, capsys):
    monkeypatch.chdir(world)
    run(["check", "good.vet", "--json"])
    out = capsys.readouterr().out
    assert json.loads(out)["rows"] == 60
    assert out.count("\n") == 1


def test_a_read_only_place_is_told_in_one_sentence(world, tmp_path, let_in):
    code = (
        f"import os, sys; from vetset.app.cli import run; run(['read', 'good.csv', '-o', {str(tmp_path / 'o.vet')!r}]);"
        "os.setuid(65534) if os.getuid() == 0 else None; sys.exit(run(['read', 'good.csv', '-o', 'new.vet']))"
    )
    let_in(world)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=world, check=False)
    assert done.returncode == 64, done.stderr
    assert "written" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (world / "new.vet").exists()


def test_a_closed_pipe_is_no_fault(world):
    command = f'{sys.executable} -c "from vetset.app.cli import main; main()" rule quality.empty | head -1'
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, cwd=world, check=False
    )
    assert "Traceback" not in done.stderr
