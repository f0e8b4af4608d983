"""Files, folders, globs and hub names as sources: each is found, read its own way, and told from what holds no data."""

import gzip
import hashlib
import json
import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from vetset.curate.errors import DataError, UsageError
from vetset.curate.reading.hub import HubData
from vetset.curate.reading.sources import find_sources
from vetset.tests.curate.source_records import RECORDS, lines_of, parts


def test_a_txt_is_a_record_a_line_and_other_text_a_record_a_file(read_source, tmp_path):
    assert read_source("a.txt", "one\r\n\n  two \n")[:2] == ([{"text": "one"}, {"text": "  two "}], [1, 3])
    records, lines, _, source = read_source("code.sol", "contract A {\n}\n")
    assert records == [{"text": "contract A {\n}\n", "_folder": tmp_path.name, "_file": "code.sol"}]
    assert (lines, source.container) == ([1], "text document")


def test_a_folder_is_read_by_name_and_says_what_it_passes_over(tmp_path):
    for name in (
        "b.jsonl",
        "a.csv",
        ".hidden.csv",
        "deep/c.tsv",
        "README.md",
        "LICENSE",
        "notes.md",
        "empty.csv",
        "x.bin",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b'{"text":"x"}\n' if name == "b.jsonl" else b"text\tlabel\nx\ty\n")
    (tmp_path / "a.csv").write_text("text,label\nx,y\n")
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "x.bin").write_bytes(bytes(range(256)))
    (tmp_path / ".git").mkdir()
    (tmp_path / "old.vet").mkdir()
    sources, skipped = find_sources([tmp_path])
    assert [source.name for source in sources] == [str(tmp_path / name) for name in ("a.csv", "b.jsonl", "deep/c.tsv")]
    assert sorted(entry.removeprefix(f"{tmp_path}/") for entry in skipped) == [
        ".git: hidden",
        ".hidden.csv: hidden",
        "LICENSE: text beside data",
        "README.md: text beside data",
        "empty.csv: is empty",
        "notes.md: text beside data; name it to read it",
        "old.vet: a set of vetset",
        "x.bin: is a binary file, neither text nor a table that vetset knows",
    ]


def test_a_folder_of_documents_only_is_read_as_documents(tmp_path):
    for name in ("x/a.sol", "x/README.md", "y/b.sol"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("contract\n")
    sources, _ = find_sources([tmp_path])
    assert [json.loads(parts(source)[0][0])["_folder"] for source in sources] == ["x", "y"]


def test_globs_reach_every_depth_and_relative_names_stay_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.csv", "deep/er/b.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text,label\nx,y\n")
    assert [source.name for source in find_sources(["**/*.csv"])[0]] == ["a.csv", "deep/er/b.csv"]
    assert [source.name for source in find_sources(["a.csv"])[0]] == ["a.csv"]


def test_a_file_whose_name_is_not_utf8_is_read(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.md")).write_text("words")
    (source,), _ = find_sources([tmp_path])
    assert source.name.endswith("caf\\xe9.md")
    assert json.loads(parts(source)[0][0])["_file"] == "caf\\xe9.md"


def test_a_file_given_twice_is_read_once(tmp_path):
    (tmp_path / "a.csv").write_text("text,label\nx,y\n")
    sources, skipped = find_sources([tmp_path / "a.csv", tmp_path])
    assert len(sources) == 1
    assert skipped == [f"{tmp_path / 'a.csv'}: given twice"]


def test_what_is_not_there_is_wrong_use(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    for path in ("none.csv", "no/such/file", "data/train", "*.csv", "x y/z", "", "x" * 300, "x\0y"):
        with pytest.raises(UsageError):
            find_sources([path])


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b"", "empty"),
        ("a.jsonl", b" \n\n", "empty"),
        ("a.jsonl", b"\xef\xbb\xbf\n", "white space"),
        ("a.gz", gzip.compress(b"", mtime=0), "empty"),
        ("a.dat", bytes(range(256)) * 4, "binary"),
        ("a.csv", bytes(range(256)) * 4, "binary"),
        ("a.xlsx", b"PK\x03\x04\x14\x00\x06\x00", "save the table as CSV"),
        ("a.csv.gz", b"\x1f\x8bnonsense", "damaged"),
    ],
)
def test_a_named_file_without_data_is_bad_data(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=says):
        find_sources([tmp_path / name])


def test_an_empty_folder_has_no_sources(tmp_path):
    assert find_sources([tmp_path]) == ([], [])


def test_size_and_digest_are_those_of_the_bytes_on_disk(tmp_path):
    content = gzip.compress(lines_of(RECORDS).encode())
    (tmp_path / "a.jsonl.gz").write_bytes(content)
    (source,), _ = find_sources([tmp_path / "a.jsonl.gz"])
    assert (source.size, source.sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_a_hub_name_is_announced_before_anything_is_fetched(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (source,), _ = find_sources(["owner/name"])
    assert (source.container, source.size) == ("hub", 0)
    assert "fetched from the Hugging Face hub" in source.notes[0]


def test_a_hub_name_without_a_network_is_wrong_use_in_one_sentence(tmp_path):
    code = (
        "from vetset.curate.reading.sources import find_sources\nfrom vetset.curate.errors import UsageError\n"
        "(source,), _ = find_sources(['nobody/nothing'])\n"
        "try:\n    list(source.chunks())\nexcept UsageError as error:\n    print(error)"
    )
    environment = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert "neither a path here nor in the cache" in done.stdout
    assert "unset it" in done.stdout
    assert done.stdout.count("\n") == 1


def test_a_hub_that_does_not_answer_is_said_within_seconds_and_without_warnings(tmp_path):
    code = (
        "import time\nfrom vetset.curate.reading.hub import HubData\n"
        "started = time.monotonic()\n"
        "try:\n    list(HubData('nobody/nothing').chunks())\nexcept ValueError as error:\n    print(error)\n"
        "print(time.monotonic() - started)"
    )
    environment = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    said, seconds = done.stdout.splitlines()
    assert "neither a path here nor could it be fetched" in said
    assert "give a file, or set HF_HUB_OFFLINE=1" in said
    assert float(seconds) < 20  # datasets itself gives up after 25 to 30
    assert "Retrying" not in done.stderr


def test_what_the_hub_gave_is_read_split_by_split_from_its_cache(saved):
    import datasets

    both = datasets.load_from_disk(saved / "both")
    data = HubData("owner/name", dict(both))
    chunks = list(data.chunks())
    assert [json.loads(raw)["_split"] for chunk in chunks for raw in chunk.data.splitlines()] == ["train"] * 3 + [
        "test"
    ]
    assert [json.loads(raw)["label"] for chunk in chunks for raw in chunk.data.splitlines()] == [
        "pos",
        "neg",
        None,
        "pos",
    ]
    assert [n for chunk in chunks for n in chunk.lines] == [1, 2, 3, 4]
    assert all(path.suffix == ".arrow" for path in data.files())


# ---- real data -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "records"),
    [
        ("smart_contracts/dataset/**/*.sol", 143),
        ("smart_contracts/dataset", 143),
        ("smart_contracts/versions.csv", 143),
        ("smart_contracts/vulnerabilities.json", 143),
        ("pubmedqa/ori_pqal.json", 1_000),
        ("pubmedqa/test_ground_truth.json", 500),
        ("toolformer_neardup/Toolformer/toolformer-dedupe-only-dataset.json", 7_673),
        ("toolformer_neardup/Toolformer/toolformer-similarity-0.9-dataset.json", 5_959),
        ("toolformer_neardup/Toolformer/toolformer-similarity-0.6-dataset.json", 2_396),
        ("llm_formats/alpaca_en_demo.json", 999),
        ("llm_formats/dpo_zh_demo.json", 300),
        ("github_docs_issues", 1_161),
        ("math_contamination", 10_111),
        ("model_solutions", 1_319),
    ],
)
def test_real_files_have_their_exact_records(shared, given, records):
    sources, _ = find_sources([shared / given])
    found = [parts(source) for source in sources]
    assert sum(len(raw) for raw, _, _ in found) == records
    assert not any(rejects for _, _, rejects in found)


def test_real_json_comes_out_equal_to_what_the_json_module_reads(shared):
    for name in ("llm_formats/glaive_toolcall_zh_demo.json", "pubmedqa/ori_pqal.json"):
        (source,), _ = find_sources([shared / name])
        expected = json.loads((shared / name).read_text(encoding="utf-8"))
        if isinstance(expected, dict):
            expected = [{"_key": key, **record} for key, record in expected.items()]
        assert [json.loads(raw) for raw in parts(source)[0]] == expected


def test_real_parquet_comes_out_equal_to_what_pyarrow_reads(shared):
    for path in sorted(shared.glob("labels/*/*.parquet")):
        (source,), _ = find_sources([path])
        expected = pa.parquet.read_table(path).to_pylist()
        assert [json.loads(raw) for raw in parts(source)[0]] == expected


@pytest.mark.parametrize("form", ["gz", "zst", "utf-16"])
@pytest.mark.parametrize(
    "name",
    [
        "support_chat/airline/dev.tsv",
        "model_solutions/example_model_solutions.jsonl",
        "llm_formats/alpaca_zh_demo.json",
    ],
)
def test_real_files_are_the_same_compressed_or_in_utf16(shared, tmp_path, name, form):
    data = (shared / name).read_bytes()
    (plain,), _ = find_sources([shared / name])
    path = tmp_path / (name.rpartition("/")[2] + ("" if form == "utf-16" else f".{form}"))
    if form == "gz":
        path.write_bytes(gzip.compress(data))
    elif form == "zst":
        with pa.CompressedOutputStream(str(path), "zstd") as packed:
            packed.write(data)
    else:
        path.write_bytes(data.decode().encode("utf-16"))
    (other,), _ = find_sources([path])
    assert other.container == plain.container
    first, second = parts(plain), parts(other)
    assert first[0] == second[0]
    assert list(first[1]) == list(second[1])
