"""The verb export: which rows are written, where every other row went, and the same bytes twice."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from hashlib import sha256

import polars as pl
import pytest
from vetset.curate import disk
from vetset.curate.dataset import Dataset, frame, parquet
from vetset.curate.decisions.ledger import Decision, Ledger
from vetset.curate.decisions.policy import Policy
from vetset.curate.errors import DataError, GateError, UsageError
from vetset.curate.exports.card import escape
from vetset.curate.exports.exporting import export
from vetset.curate.exports.lineage import where
from vetset.curate.exports.provenance import verify
from vetset.curate.exports.split_files import file_names
from vetset.curate.findings import report
from vetset.curate.reading.reader import read

ROWS = [
    {"messages": "no login", "label": "access", "split": "train", "source": "desk", "license": "MIT"},
    {"messages": "no login", "label": "billing", "split": "train", "source": "desk", "license": "MIT"},
    {"messages": "", "label": "access", "split": "train"},
    {"messages": "مرحبا 你好 👋", "label": "hello", "split": "test"},
    {"messages": "too late", "label": "time", "split": None},
    {"messages": "spam", "label": "access", "split": "test"},
]


def make(folder, records=ROWS, found=(), **manifest):
    """A set of these records; ``found`` names (row, rule) of findings."""
    rows = frame(records)
    files = {"rows.parquet": parquet(rows)}
    if found is not None:
        base = {"score": 1.0, "note": "n", "suggest": "review"}
        findings = [report(pl.DataFrame([{"id": rows["id"][row], **base}]), rule) for row, rule in found]
        files["findings.parquet"] = parquet(
            pl.concat([report(pl.DataFrame([{"id": "x", **base}]), "x").head(0), *findings])
        )
    folder.mkdir()
    inputs = [{"path": "/home/ann/memory", "sha256": "0" * 64, "rows": rows.height, "rejects": 2, "license": None}]
    checked = sorted({rule for _, rule in found or ()})
    Dataset(folder).save(files, **{"inputs": inputs, "rows": rows.height, "rejects": 2, "checked": checked, **manifest})
    return Dataset.open(folder)


def decide(dataset, **actions):
    """Decide rows by their position: ``decide(dataset, drop=[1])``."""
    with Ledger.open(dataset.folder) as ledger:
        for action, rows in actions.items():
            value = {"relabel": "new"}.get(action)
            given = [Decision(dataset.rows["id"][row], action, value=value, uid=f"{action}{row}") for row in rows]
            ledger.decide(given, reviewer="ann", batch=f"{action}")


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]


def bytes_of(folder):
    return {item.name: item.read_bytes() for item in sorted(folder.iterdir())}


CONFLICT = [(0, "labels.conflict"), (1, "labels.conflict"), (2, "quality.empty"), (3, "quality.length")]


def test_every_row_is_in_a_file_or_counted_with_its_reason(tmp_path):
    dataset = make(tmp_path / "a.vet", found=CONFLICT)
    decide(dataset, drop=[5], relabel=[1])
    result = export(dataset, tmp_path / "out", format="text-label")
    assert result.counts == {
        "read": 6, "rejects": 2, "written": 2, "dropped": 1, "held": 2, "unsplit": 1, "left_out": 0, "kept_blocking": 0,
    }  # fmt: skip
    assert lines(tmp_path / "out/train.jsonl") == [{"text": "no login", "label": "new"}]
    assert lines(tmp_path / "out/test.jsonl") == [{"text": "مرحبا 你好 👋", "label": "hello"}]
    assert result.rules["labels.conflict"] == {"found": 2, "settled": 1, "standing": 1, "held": 1}
    assert result.rules["quality.length"] == {"found": 1, "settled": 0, "standing": 1, "held": 0}
    ids = dataset.rows["id"]
    assert where(tmp_path / "out", ids[0]) == {"fate": "held", "why": "labels.conflict", "file": None, "record": None}
    assert where(tmp_path / "out", ids[1]) == {"fate": "written", "why": None, "file": "train.jsonl", "record": 1}
    assert where(tmp_path / "out", ids[5])["why"] == "by ann"
    assert where(tmp_path / "out", "nobody") is None
    assert verify(tmp_path / "out").ok


def test_held_rows_can_be_kept_or_stop_the_export(tmp_path):
    dataset = make(tmp_path / "a.vet", found=CONFLICT)
    with pytest.raises(GateError, match=r"3 rows have findings that block \(labels.conflict, quality.empty\)"):
        export(dataset, tmp_path / "out", held="refuse")
    assert not (tmp_path / "out").exists()
    result = export(dataset, tmp_path / "out", held="keep")
    assert (result.counts["held"], result.counts["kept_blocking"], result.counts["written"]) == (0, 3, 5)
    assert verify(tmp_path / "out").ok
    lenient = export(dataset, tmp_path / "other", held="refuse", policy=Policy(block=()))
    assert lenient.counts["written"] == 5


def test_what_a_format_cannot_carry_is_left_out_and_counted(tmp_path):
    records = [{"messages": [{"role": "user", "content": "q"}]}, {"messages": "q", "label": "l"}]
    result = export(make(tmp_path / "a.vet", records), tmp_path / "out", format="alpaca")
    assert (result.counts["left_out"], result.counts["written"]) == (1, 1)
    assert [f.name for f in result.files] == ["data.jsonl"]
    assert result.losses[0].sentence in (tmp_path / "out/README.md").read_text(encoding="utf-8")
    assert verify(tmp_path / "out").ok


def test_export_of_no_decisions_is_the_input(tmp_path):
    dataset = make(tmp_path / "a.vet", [{**row, "split": None} for row in ROWS], found=None)
    result = export(dataset, tmp_path / "out", format="parquet")
    assert pl.read_parquet(tmp_path / "out/data.parquet").equals(dataset.rows)
    assert "never checked" in result.notes[0]


def test_the_same_set_and_options_give_the_same_bytes(tmp_path):
    dataset = make(tmp_path / "a.vet", found=CONFLICT)
    decide(dataset, drop=[5], keep=[0])
    for name in ("messages", "csv", "parquet"):
        export(dataset, tmp_path / f"{name}1", format=name, seed=7)
        export(Dataset.open(tmp_path / "a.vet"), tmp_path / f"{name}2", format=name, seed=7)
        assert bytes_of(tmp_path / f"{name}1") == bytes_of(tmp_path / f"{name}2")


def test_nothing_of_the_machine_or_the_hour_stands_in_an_export(tmp_path):
    export(make(tmp_path / "a.vet"), tmp_path / "out")
    everything = b"".join(bytes_of(tmp_path / "out").values())
    assert b"/home/ann" not in everything
    assert str(tmp_path).encode() not in everything
    document = json.loads((tmp_path / "out/provenance.json").read_bytes())
    assert document["inputs"][0]["path"] == "memory"


def test_an_export_takes_the_place_of_an_earlier_one_whole(tmp_path):
    dataset = make(tmp_path / "a.vet")
    export(dataset, tmp_path / "out", format="text-label")
    export(dataset, tmp_path / "out", format="parquet")
    names = {"train.parquet", "test.parquet", "provenance.json", "lineage.parquet", "decisions.jsonl", "README.md"}
    assert {name for name in bytes_of(tmp_path / "out") if not name.startswith(".")} == names
    assert verify(tmp_path / "out").ok
    exports = Dataset.open(tmp_path / "a.vet").manifest["exports"]
    assert [(entry["format"], set(entry["files"])) for entry in exports] == [("parquet", names)]
    assert [step["verb"] for step in Dataset.open(tmp_path / "a.vet").manifest["steps"]] == ["export", "export"]


def test_a_folder_with_files_of_others_is_left_alone(tmp_path):
    dataset = make(tmp_path / "a.vet")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"holds 'thesis.txt', which no export wrote"):
        export(dataset, tmp_path / "out")
    assert os.listdir(tmp_path / "out") == ["thesis.txt"]
    with pytest.raises(UsageError, match="no export wrote"):
        export(dataset, dataset.folder)
    with pytest.raises(UsageError, match="is a file"):
        export(dataset, tmp_path / "out/thesis.txt")


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"format": "dpo"}, UsageError, "there is no format 'dpo'"),
        ({"held": "maybe"}, UsageError, "give hold, keep or refuse"),
        ({"format": "preference"}, DataError, "no row is left to write: 5 left out, 1 unsplit .*no rejected reply"),
    ],
)
def test_wrong_use_writes_nothing(tmp_path, options, error, says):
    dataset = make(tmp_path / "a.vet")
    with pytest.raises(error, match=says):
        export(dataset, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
    assert "exports" not in Dataset.open(tmp_path / "a.vet").manifest


def test_an_export_that_fails_leaves_the_earlier_one_as_it_was(tmp_path):
    dataset = make(tmp_path / "a.vet")
    export(dataset, tmp_path / "out")
    before = bytes_of(tmp_path / "out")
    with pytest.raises(DataError):
        export(dataset, tmp_path / "out", format="preference")
    assert bytes_of(tmp_path / "out") == before


def test_split_names_from_the_data_make_safe_file_names():
    splits = [
        "train",
        "TRAIN",
        "../../etc",
        "a/b",
        "a\\b",
        "a\x00b",
        ".git",
        "",
        "训练",
        "x" * 300,
        "provenance",
        "decisions",
    ]
    names = file_names(splits, ".jsonl")
    assert len({name.casefold() for name in names.values()}) == len(splits)
    for name in names.values():
        assert "/" not in name
        assert not name.startswith(".")
        assert len(name.encode()) < 200
    assert names["训练"] == "训练.jsonl"
    assert names["decisions"] == "decisions-2.jsonl"


def test_the_card_holds_a_header_that_hubs_read_and_no_markup_from_the_data(tmp_path):
    import yaml

    evil = '"\n---\nx: <script>alert(1)</script> | [a](http://b.c) `c`'
    records = [{**row, "split": row["split"] and row["split"] + evil, "license": evil, "source": evil} for row in ROWS]
    export(make(tmp_path / "a.vet", records), tmp_path / "out")
    text = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    _, header, body = text.split("---\n", 2)
    card = yaml.safe_load(header)
    assert card["license"] == ["unknown"]
    assert card["size_categories"] == ["n<1K"]
    files = card["configs"][0]["data_files"]
    assert {(tmp_path / "out" / file["path"]).is_file() for file in files} == {True}
    assert all(file["split"].replace("_", "a").isalnum() for file in files)
    assert "<script" not in body
    assert "](http" not in body
    assert escape("*a*") == "\\*a\\*"


def test_loaders_open_what_the_card_says(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    for name in ("messages", "parquet", "csv"):
        export(make(tmp_path / f"{name}.vet"), tmp_path / name, format=name)
        loaded = datasets.load_dataset(str(tmp_path / name), cache_dir=str(tmp_path / "cache"))
        assert {split: len(part) for split, part in loaded.items()} == {"train": 3, "test": 2}


def test_a_real_set_goes_out_in_every_format_and_verifies(tmp_path, shared):
    sample = shared / "llm_formats" / "glaive_toolcall_en_demo.json"
    dataset = read([sample], tmp_path / "g.vet").dataset
    wrote = {}
    for name in ("messages", "prompt-completion", "openai", "alpaca", "sharegpt", "parquet", "csv"):
        result = export(dataset, tmp_path / name, format=name)
        assert verify(tmp_path / name).ok
        wrote[name] = result.counts["written"]
    assert Counter(wrote.values())[300] == 5
    assert wrote["alpaca"] == 109  # conversations without a tool on offer


# One process imports what exports need and forks them; it has not computed anything by then, so there are no threads to lose.
EXPORTS = """
import json, os, signal, sys
import polars, pyarrow.parquet
from vetset.curate.dataset import Dataset
from vetset.curate.exports.exporting import export


def again_and_again(dataset, out):
    dataset = Dataset.open(dataset)
    dataset.rows
    print("ready", flush=True)
    while True:
        export(dataset, out, format="text-label")
        export(dataset, out, format="messages")


def up_to_a_rename(dataset, out, left):
    def hook(event, _):
        nonlocal left
        if event == "os.rename":
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    dataset = Dataset.open(dataset)
    sys.addaudithook(hook)
    export(dataset, out, format="messages")


for what, *given in map(json.loads, sys.stdin):
    pid = os.fork()
    if pid == 0:
        try:
            globals()[what](*given)
            os._exit(0)
        finally:
            os._exit(1)
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def exports():
    """A process that forks an export for each line that it is given, and says its number and how it ended."""
    with subprocess.Popen(
        [sys.executable, "-c", EXPORTS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as it:
        yield it
        it.stdin.close()


def killed_export(exports, dataset, out, after):
    """Kill an export ``after`` seconds after it began."""
    print(json.dumps(["again_and_again", str(dataset), str(out)]), file=exports.stdin, flush=True)
    said = {exports.stdout.readline().strip() for _ in range(2)}
    (pid,) = said - {"ready"}
    assert len(said) == 2, "an export ended by itself"
    time.sleep(after)
    os.kill(int(pid), signal.SIGKILL)
    assert int(exports.stdout.readline()) == -signal.SIGKILL


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_no_half_export(tmp_path, exports):
    rows = [{"messages": f"question {i} " + "x" * 500, "label": str(i % 7), "split": "train"} for i in range(2000)]
    dataset, standing = make(tmp_path / "a.vet", rows), tmp_path / "standing"
    export(dataset, standing)
    began = time.perf_counter()
    export(dataset, standing)
    took = time.perf_counter() - began
    states = Counter()
    cut_off = 0
    for turn in range(10):
        out = tmp_path / f"out{turn}"
        for folder in (out, standing):  # a first export, and one in the place of another
            # Up to four times what one export takes (a first one in a process is slower), so that ends are hit, too.
            killed_export(exports, dataset.folder, folder, after=took * 4 * turn / 9)
            cut_off += folder.exists() and any(
                ".part" in item.name or ".next" in item.name for item in folder.iterdir()
            )
            Dataset.open(dataset.folder)
            named = []
            if folder.exists():
                disk.recover(folder)
                named = [item.name for item in folder.iterdir() if item.name != ".lock"]
                assert not named or verify(folder).ok, [c.sentence for c in verify(folder).checks if not c.ok]
            states[folder is standing, "whole" if named else "nothing"] += 1
    assert states[True, "whole"] == 10, states  # the old export or the new one, never neither
    assert cut_off >= 3, (cut_off, states)  # otherwise no kill came while files were being written
    export(Dataset.open(dataset.folder), tmp_path / "out0")
    assert verify(tmp_path / "out0").ok


@pytest.mark.slow
def test_a_kill_at_each_rename_leaves_the_old_export_or_the_new_one(tmp_path, exports):
    """Random moments hardly ever fall between two renames, where a half change would stand."""
    dataset, seen = make(tmp_path / "a.vet"), []
    for renames in range(40):
        out = tmp_path / f"out{renames}"
        export(dataset, out, format="parquet")
        print(json.dumps(["up_to_a_rename", str(dataset.folder), str(out), renames]), file=exports.stdin, flush=True)
        _, ended = (int(exports.stdout.readline()) for _ in ("its number", "how it ended"))
        disk.recover(out)
        assert verify(out).ok, [c.sentence for c in verify(out).checks if not c.ok]
        seen.append(json.loads((out / "provenance.json").read_bytes())["options"]["format"])
        entry = next(one for one in Dataset.open(dataset.folder).manifest["exports"] if one["path"] == str(out))
        assert entry["format"] == seen[-1]
        assert entry["files"]["provenance.json"] == sha256((out / "provenance.json").read_bytes()).hexdigest()
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
    assert ended == 0
    assert seen == sorted(seen, reverse=True)  # parquet up to one rename, messages from there
    assert seen.count("parquet") >= 3
    assert seen.count("messages") >= 3


def test_pairs_are_written_as_pairs_where_nobody_names_a_format(tmp_path):
    pairs = [
        {
            "messages": [{"role": "user", "content": f"q{n}"}, {"role": "assistant", "content": "good"}],
            "rejected": "bad",
        }
        for n in range(3)
    ]
    assert export(make(tmp_path / "pairs.vet", pairs), tmp_path / "out").format == "preference"
    alone = [*pairs, {**pairs[0], "rejected": None}]
    assert export(make(tmp_path / "some.vet", alone), tmp_path / "some").format == "messages"
