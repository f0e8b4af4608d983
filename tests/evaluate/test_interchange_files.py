"""Logs are files of strangers: what is damaged, huge or something else is refused with a sentence, and nothing is written."""

import gzip
import json
import os
import re
import shutil
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vetset.curate.errors import DataError, MissingExtra, UsageError, VetsetError
from vetset.evaluate.interchange.bounded import Archive, json_file, json_lines
from vetset.evaluate.interchange.importing import import_run
from vetset.evaluate.interchange.lm_eval_process import run_lm_eval
from vetset.evaluate.interchange.yaml_text import scalar, to_yaml

DATA = Path(__file__).resolve().parents[1] / "data" / "interchange"


def sample(place, **changed):
    arguments = {"gen_args_0": {"arg_0": f"question {place}"}}
    line = {
        "doc_id": place, "doc": {"q": f"question {place}"}, "target": "yes", "arguments": arguments,
        "resps": [["yes"]], "filtered_resps": ["yes"], "filter": "none", "metrics": ["exact_match"], "exact_match": 1.0,
    }  # fmt: skip
    return line | changed


def log(folder, lines, name="samples_qa_2026-01-01T00-00-00.0.jsonl"):
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_a_zip_gives_no_more_bytes_than_it_may(method, tmp_path):
    path = tmp_path / "bomb.eval"
    with zipfile.ZipFile(path, "w", method) as made:
        for name in ("header.json", "samples/a.json", "samples/b.json"):
            made.writestr(name, b'"' + b"a" * 3_000_000 + b'"')
    with Archive(path, most=4_000_000) as archive:
        assert len(archive.json("header.json")) == 3_000_000
        with pytest.raises(DataError, match="bytes come out of it"):
            archive.json("samples/a.json")


def test_a_compressed_file_gives_no_more_bytes_than_it_may(tmp_path):
    path = tmp_path / "bomb.json.gz"
    path.write_bytes(gzip.compress(b'["' + b"a" * 5_000_000 + b'"]'))
    with pytest.raises(DataError, match="more than 1,000,000 bytes"):
        json_file(path, most=1_000_000)
    with pytest.raises(DataError, match="more than 1,000,000 bytes"):
        list(json_lines(path, most=1_000_000))


def test_a_damaged_entry_is_no_sample(tmp_path):
    data = bytearray((DATA / "inspect.eval").read_bytes())
    with zipfile.ZipFile(DATA / "inspect.eval") as known:
        at = known.infolist()[1].header_offset
    for place in range(at + 200, at + 400):
        data[place] ^= 0x55
    path = tmp_path / "damaged.eval"
    path.write_bytes(data)
    with pytest.raises(DataError, match="damaged"):
        import_run([path], tmp_path / "a.run")
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match="no zip that can be read"):
        import_run([path], tmp_path / "a.run")
    assert not (tmp_path / "a.run").exists()


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 100_000, "null", '{"results": 3}', '{"version": 2, "eval": []}', "\x00\x01", "1" * 10_000]
)
@pytest.mark.parametrize("tool", ["lm-eval", "inspect", "promptfoo", "openai-evals"])
def test_what_is_no_log_is_refused_with_a_sentence(text, tool, tmp_path):
    path = tmp_path / "log.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"log\.json"):
        import_run([path], tmp_path / "a.run", source=tool)
    with pytest.raises(VetsetError):
        import_run([path], tmp_path / "a.run")
    assert not (tmp_path / "a.run").exists()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = ["doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics", "exact_match"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.sampled_from(KEYS), value=JSON)
def test_odd_values_anywhere_in_a_sample_are_no_fault_of_vetsets(tmp_path, key, value):
    path = log(tmp_path / "odd", [sample(0), sample(1, **{key: value})])
    shutil.rmtree(tmp_path / "odd.run", ignore_errors=True)
    try:
        result = import_run([path], tmp_path / "odd.run")
    except VetsetError:
        return  # a sentence; anything else fails the test
    assert result.run.results.height >= 1


SAMPLE_KEYS = [
    "id",
    "epoch",
    "input",
    "target",
    "output",
    "scores",
    "metadata",
    "error",
    "limit",
    "model_usage",
    "attachments",
]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.sampled_from(SAMPLE_KEYS), value=JSON)
def test_odd_values_anywhere_in_an_inspect_sample_are_no_fault_of_vetsets(tmp_path, key, value):
    whole = json.loads(gzip.decompress((DATA / "inspect.json.gz").read_bytes()))
    whole["samples"][0][key] = value
    path = tmp_path / "odd.json"
    path.write_text(json.dumps(whole), encoding="utf-8")
    shutil.rmtree(tmp_path / "odd.run", ignore_errors=True)
    try:
        result = import_run([path], tmp_path / "odd.run")
    except VetsetError:
        return  # a sentence; anything else fails the test
    assert result.run.results.height == 8


def test_scores_of_another_scale_are_left_out_and_told(tmp_path):
    path = log(tmp_path / "l", [sample(0, metrics=["exact_match", "perplexity"], perplexity=12.5), sample(1)])
    result = import_run([path], tmp_path / "a.run")
    assert result.run.scorers == ["exact_match"]
    assert result.notes[0] == "left out: values of perplexity, which are no numbers from 0 to 1 (1)"


def test_the_likeliest_choice_is_the_answer(tmp_path):
    arguments = {f"gen_args_{n}": {"arg_0": "Which?", "arg_1": f" {word}"} for n, word in enumerate(["red", "green"])}
    line = sample(
        0, target="1", arguments=arguments, resps=[[["-2.5", "False"]], [["-0.5", "True"]]], metrics=["acc"], acc=1.0
    )
    line["filtered_resps"] = [["-2.5", "False"], ["-0.5", "True"]]
    row = import_run([log(tmp_path / "l", [line])], tmp_path / "a.run").run.results.row(0, named=True)
    assert (row["output"], row["reference"], row["score.acc"], row["status"]) == ("green", "green", 1.0, "ok")


def test_alike_questions_of_a_benchmark_stay_apart(tmp_path):
    path = log(tmp_path / "l", [sample(0), sample(1, arguments=sample(0)["arguments"]), sample(2)])
    assert import_run([path], tmp_path / "a.run").run.results["id"].n_unique() == 3


def test_several_tasks_or_runs_in_a_folder_want_a_name(tmp_path):
    log(tmp_path / "l", [sample(0)])
    log(tmp_path / "l", [sample(0)], "samples_other_2026-01-01T00-00-00.0.jsonl")
    with pytest.raises(UsageError, match=r"other, qa.*--only"):
        import_run([tmp_path / "l"], tmp_path / "a.run")
    assert import_run([tmp_path / "l"], tmp_path / "a.run", only="qa").run.manifest["imported"]["task"] == "qa"
    log(tmp_path / "l", [sample(0)], "samples_qa_2026-01-02T00-00-00.0.jsonl")
    with pytest.raises(UsageError, match="2 runs of one task"):
        import_run([tmp_path / "l"], tmp_path / "a.run", only="qa")


def test_a_line_that_a_killed_writer_left_half_is_passed_over(tmp_path):
    path = log(tmp_path / "l", [sample(0), sample(1)])
    with path.open("a", encoding="utf-8") as opened:
        opened.write('{"doc_id": 2, "doc"')
    assert import_run([path], tmp_path / "a.run").run.results.height == 2


@given(
    st.dictionaries(st.text(max_size=12), st.text(max_size=30) | st.lists(st.text(max_size=10), max_size=3), max_size=4)
)
def test_yaml_that_is_written_reads_as_what_it_was(value):
    yaml = pytest.importorskip("yaml")
    if any("\ud800" <= character <= "\udfff" for character in json.dumps(value, ensure_ascii=False)):
        return
    assert yaml.safe_load(to_yaml(value) or "{}") == value
    assert json.loads(scalar(value)) == value


def fake_python(folder, body):
    path = folder / "python"
    path.write_text(f'#!/bin/sh\ncase "$1" in -c) exit 0;; esac\n{body}\n', encoding="utf-8")
    path.chmod(0o755)
    return path


def test_lm_eval_that_is_not_there_is_said_with_the_command_that_installs_it(tmp_path):
    path = tmp_path / "python"
    path.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    path.chmod(0o755)
    with pytest.raises(MissingExtra, match=r"pip install 'vetset\[lm-eval\]'"):
        run_lm_eval("dummy", ["qa"], tmp_path / "runs", python=path)
    with pytest.raises(UsageError, match="can't be run"):
        run_lm_eval("dummy", ["qa"], tmp_path / "runs", python=tmp_path / "none")


def test_lm_eval_runs_offline_and_apart_and_its_logs_become_runs(tmp_path):
    logged = log(tmp_path / "l", [sample(0), sample(1)])
    body = f"""for word; do [ "$before" = --output_path ] && out=$word; before=$word; done
echo "offline $HF_HUB_OFFLINE telemetry $HF_HUB_DISABLE_TELEMETRY"
mkdir -p "$out/m" && cp {logged} "$out/m/" """
    told = []
    (result,) = run_lm_eval(
        "hf",
        ["qa"],
        tmp_path / "runs",
        model_args="pretrained=acme/tiny,dtype=float32",
        python=fake_python(tmp_path, body),
        told=told.append,
    )
    assert told == ["offline 1 telemetry 1"]
    assert re.fullmatch(r"tiny-qa-[0-9a-f]{8}\.run", result.run.folder.name)
    run_lm_eval("dummy", ["qa"], tmp_path / "runs", python=tmp_path / "python", download=True, told=told.append)
    assert told[1] == f"offline {os.environ.get('HF_HUB_OFFLINE', '')} telemetry 1"


def test_lm_eval_that_fails_or_takes_too_long_is_told(tmp_path):
    with pytest.raises(DataError, match=r"exit 3.*last line: 'no such task'.*--download"):
        run_lm_eval("dummy", ["qa"], tmp_path / "runs", python=fake_python(tmp_path, "echo no such task; exit 3"))
    with pytest.raises(UsageError, match="stopped after"):
        run_lm_eval(
            "dummy",
            ["qa"],
            tmp_path / "runs",
            python=fake_python(tmp_path, "exec cat /dev/zero > /dev/null"),
            timeout=0.5,
        )
    with pytest.raises(UsageError, match="read as an option"):
        run_lm_eval("dummy", ["--trust_remote_code"], tmp_path / "runs")
