"""Eval sets out to other tools and their logs back in: real logs, made by the real tools from what the export writes."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from vetset.curate.dataset import frame
from vetset.curate.errors import DataError, StaleError, UsageError
from vetset.evaluate.evalsets.evalset import EvalSet, digest_of, row_digests, save_evalset
from vetset.evaluate.evalsets.touches import looks
from vetset.evaluate.interchange.exporting import export
from vetset.evaluate.interchange.importing import import_run
from vetset.evaluate.runs.results import Run

DATA = Path(__file__).resolve().parents[1] / "data" / "interchange"
LOGS = {
    "lm-eval": next((DATA / "lm-eval").glob("samples_*")),
    "inspect": DATA / "inspect.eval",
    "inspect (json)": DATA / "inspect.json.gz",
    "promptfoo": DATA / "promptfoo.json.gz",
    "openai-evals": DATA / "openai-evals.jsonl.gz",
}
RIGHT = ["Where is the card you sent me?", "I dropped my card {{env.HOME}} in a river", "My card is gone"]


def evalset_of(folder, given, **manifest):
    rows = frame([{key: value for key, value in row.items() if key != "part"} for row in given]).with_columns(
        pl.Series("part", [row["part"] for row in given]),
        pl.lit(1.0).alias("weight"),
        pl.col("label").alias("stratum"),
        pl.col("id").alias("cluster"),
        pl.lit([], dtype=pl.List(pl.String)).alias("tags"),
        pl.lit(None, dtype=pl.String).alias("digest"),
    )
    # Format 1: the real logs were made from a set of that format, and tell its digests.
    told = {"format": 1, "name": "tickets", "version": 1, "digest": digest_of(rows, rule=1), "frozen_at": "2026-01-01"}
    save_evalset(folder, told | manifest, rows)
    path = Path(folder) / "rows.parquet"
    kept = pl.read_parquet(path)
    kept.with_columns(pl.Series("digest", row_digests(kept, rule=1))).write_parquet(path)
    (Path(folder) / "touches.jsonl").touch()
    return EvalSet.open(folder)


@pytest.fixture
def tickets(tmp_path):
    return evalset_of(tmp_path / "tickets.evalset", json.loads((DATA / "rows.json").read_text(encoding="utf-8")))


def asked(run, evalset):
    said = {row["id"]: row["messages"][-1]["content"] for row in evalset.rows.iter_rows(named=True)}
    return {said[row["id"]]: row for row in run.results.iter_rows(named=True)}


@pytest.mark.parametrize("log", LOGS)
def test_a_log_of_every_tool_says_the_same_of_the_same_answers(log, tickets, tmp_path):
    result = import_run([LOGS[log]], tmp_path / "a.run", on=tickets)
    rows = asked(result.run, tickets)
    assert len(rows) == 8
    assert result.counts["by_id" if log != "openai-evals" else "by_content"] == 8
    assert result.counts["missing"] == result.counts["unknown"] == 0
    primary = f"score.{result.run.manifest['primary']}"
    assert sorted(text for text, row in rows.items() if row[primary] == 1) == sorted(RIGHT)
    assert rows["I dropped my card {{env.HOME}} in a river"]["output"] == "I think: lost card"
    refused = next(row for text, row in rows.items() if text.startswith("file:///"))
    assert (refused["status"], refused[primary]) == ("refused", None)
    assert rows["The till refused me"]["status"] == "unparsed"
    assert set(result.run.results["part"]) == {"dev"}
    assert result.run.results["cluster"].to_list() == result.run.results["id"].to_list()


def test_what_only_some_tools_log_is_taken_over(tickets, tmp_path):
    inspect = asked(import_run([LOGS["inspect"]], tmp_path / "i.run", on=tickets).run, tickets)
    assert inspect["Two weeks and no card"]["status"] == "truncated"
    assert inspect["Where is the card you sent me?"]["prompt_tokens"] == 20
    assert inspect["Where is the card you sent me?"]["seconds"] > 0
    assert inspect["Where is the card you sent me?"]["prediction"] == "card arrival"
    promptfoo = asked(import_run([LOGS["promptfoo"]], tmp_path / "p.run", on=tickets).run, tickets)
    failed = promptfoo["Somebody took my purse"]
    assert (failed["status"], failed["error"], failed["output"]) == ("error", "server said no", None)
    assert promptfoo["Where is the card you sent me?"]["cost"] == 0.001


def test_both_forms_of_an_inspect_log_give_the_same_answers(tickets, tmp_path):
    one, other = (
        import_run([LOGS[log]], tmp_path / f"{n}.run", on=tickets).run.results for n, log in enumerate(list(LOGS)[1:3])
    )
    assert one.drop("seconds").equals(other.drop("seconds"))


def test_the_manifest_keeps_the_digests_of_the_files(tickets, tmp_path):
    from hashlib import sha256

    told = import_run([LOGS["lm-eval"]], tmp_path / "a.run", on=tickets).run.manifest
    files = {Path(file["path"]).name: file["sha256"] for file in told["imported"]["files"]}
    assert files == {path.name: sha256(path.read_bytes()).hexdigest() for path in (DATA / "lm-eval").iterdir()}
    assert told["imported"]["tool_version"] == "0.4.13"
    assert told["evalset"]["digest"] == tickets.digest
    assert told["parameters"]["max_gen_toks"] == 256
    assert told["model"]["name"] == "acme/canned-1"


def test_the_same_log_gives_the_same_bytes(tickets, tmp_path):
    one, other = (import_run([LOGS["promptfoo"]], tmp_path / name / "a.run", on=tickets).run.folder for name in "ab")
    assert (one / "results.parquet").read_bytes() == (other / "results.parquet").read_bytes()
    assert (one / "run.json").read_bytes() == (other / "run.json").read_bytes()


def test_two_imported_runs_are_compared_as_any_other(tickets, tmp_path):
    from vetset.evaluate.verdicts.pairing import pair

    one = import_run([LOGS["lm-eval"]], tmp_path / "a.run", on=tickets).run
    other = import_run([LOGS["inspect"]], tmp_path / "b.run", on=tickets).run
    pairs = pair(one, other)
    assert pairs.scorer == "label"
    assert pairs.baseline.sum() == pairs.candidate.sum() == 3


def test_runs_of_one_benchmark_without_an_eval_set_have_one_digest(tmp_path):
    from vetset.evaluate.verdicts.pairing import pair

    one = import_run([LOGS["inspect"]], tmp_path / "a.run").run
    other = import_run([LOGS["lm-eval"]], tmp_path / "b.run").run
    assert one.manifest["evalset"]["digest"] == other.manifest["evalset"]["digest"]
    assert pair(one, other).rows.height == 8


def test_every_look_at_the_set_is_kept(tickets, tmp_path):
    import_run([LOGS["inspect"]], tmp_path / "a.run", on=tickets, by="ann")
    import_run([LOGS["inspect"]], tmp_path / "b.run", on=tickets, by="ann")
    import_run([LOGS["promptfoo"]], tmp_path / "c.run", on=tickets, by="ann")
    assert len(looks(tickets, "dev")) == 2


def test_answers_to_other_rows_are_refused_or_counted(tickets, tmp_path):
    given = json.loads((DATA / "rows.json").read_text(encoding="utf-8"))
    given[1]["label"] = "card arrival"
    other = evalset_of(tmp_path / "other.evalset", given)
    with pytest.raises(StaleError, match="its rows are others"):
        import_run([LOGS["inspect"]], tmp_path / "a.run", on=other)
    result = import_run([LOGS["openai-evals"]], tmp_path / "b.run", on=other)  # tells no digest, so content decides
    assert (result.counts["by_content"], result.counts["unknown"], result.counts["missing"]) == (7, 1, 1)
    assert any("belong to no row" in note for note in result.notes)
    foreign = evalset_of(tmp_path / "foreign.evalset", [{"messages": "x", "label": "y", "part": "dev"}] * 2)
    with pytest.raises(DataError, match="none of 8 answers"):
        import_run([LOGS["openai-evals"]], tmp_path / "c.run", on=foreign)
    assert not (tmp_path / "c.run").exists()


def test_answers_to_the_ship_part_are_taken_over_only_with_the_set(tickets, tmp_path):
    lines = [json.loads(line) for line in __import__("gzip").decompress(LOGS["lm-eval"].read_bytes()).splitlines()]
    results = json.loads(next((DATA / "lm-eval").glob("results_*")).read_text(encoding="utf-8"))
    results["configs"]["tickets_dev"]["metadata"]["part"] = "ship"
    (tmp_path / LOGS["lm-eval"].name.removesuffix(".gz")).write_text(
        "".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8"
    )
    (tmp_path / next((DATA / "lm-eval").glob("results_*")).name).write_text(json.dumps(results), encoding="utf-8")
    with pytest.raises(UsageError, match="ship part"):
        import_run([tmp_path], tmp_path / "a.run")


@pytest.mark.parametrize("to", ["lm-eval", "inspect", "openai-evals", "promptfoo"])
def test_an_export_is_the_same_bytes_and_holds_no_row_of_the_ship_part(to, tickets, tmp_path):
    one, other = (export(tickets, tmp_path / name, to=to) for name in "ab")
    assert one.files == other.files
    text = "".join((one.folder / name).read_text(encoding="utf-8") for name in one.files)
    assert all(row_id in text for row_id in tickets.part("dev")["id"])
    assert not any(row_id in text for row_id in tickets.part("ship")["id"])
    assert tickets.digest[:16] in text
    assert (
        export(tickets, tmp_path / "c", to=to, part="ship").notes[0].startswith("these are the rows of the ship part")
    )


def test_what_promptfoo_would_run_or_open_is_written_as_plain_text(tickets, tmp_path):
    yaml = pytest.importorskip("yaml")
    text = (export(tickets, tmp_path / "p", to="promptfoo").folder / "promptfooconfig.yaml").read_text(encoding="utf-8")
    tests = yaml.safe_load(text)["tests"]
    for test, row in zip(tests, tickets.part("dev").iter_rows(named=True), strict=True):
        assert not any(mark in value for value in test["vars"].values() for mark in ("{{", "{%", "{#"))
        assert not any(value.startswith(("file:", "package:")) for value in test["vars"].values())
        assert json.loads(test["vars"]["conversation"])[-1]["content"] == row["messages"][-1]["content"]
        assert json.loads(test["vars"]["target"]) == row["label"]


def test_what_can_not_be_exported_says_why(tickets, tmp_path):
    with pytest.raises(UsageError, match="--to 'nothing'"):
        export(tickets, tmp_path / "x", to="nothing")
    with pytest.raises(UsageError, match="--match 'odd'"):
        export(tickets, tmp_path / "x", to="inspect", match="odd")
    with pytest.raises(DataError, match="has no number in its reference"):
        export(tickets, tmp_path / "x", to="inspect", match="number")
    loose = evalset_of(tmp_path / "loose.evalset", [{"messages": "x", "label": "y", "part": "dev"}], digest=None)
    with pytest.raises(UsageError, match="is not frozen"):
        export(loose, tmp_path / "x", to="inspect")
    bare = evalset_of(tmp_path / "bare.evalset", [{"messages": "x", "part": "dev"}])
    with pytest.raises(DataError, match="has no reference"):
        export(bare, tmp_path / "x", to="inspect")
    assert not (tmp_path / "x").exists()


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("lm_eval"), reason="lm-eval is not installed")
def test_lm_eval_runs_the_export(tickets, tmp_path):
    from vetset.evaluate.interchange.lm_eval_process import run_lm_eval

    export(tickets, tmp_path / "task", to="lm-eval")
    (result,) = run_lm_eval("dummy", ["tickets_dev"], tmp_path / "runs", include=tmp_path / "task", timeout=120)
    assert result.run.results["output"].to_list() == ["lol"] * 8
    assert import_run([tmp_path / "runs" / "lm-eval"], tmp_path / "on.run", on=tickets).counts["by_id"] == 8


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("inspect_ai"), reason="Inspect is not installed")
def test_inspect_runs_the_export(tickets, tmp_path):
    task = export(tickets, tmp_path / "task", to="inspect").folder / "vetset_task.py"
    script = (
        "import sys; from inspect_ai import eval; from inspect_ai.model import *\n"
        "out = [ModelOutput.from_content('mockllm/model', 'lost card') for _ in range(8)]\n"
        "for one in out: one.usage = ModelUsage(input_tokens=1, output_tokens=2, total_tokens=3)\n"
        "eval(sys.argv[1], model=get_model('mockllm/model', custom_outputs=out), log_dir=sys.argv[2], display='none')\n"
    )
    subprocess.run(
        [sys.executable, "-c", script, task.name, str(tmp_path / "logs")], check=True, timeout=120, cwd=task.parent
    )
    (log,) = (tmp_path / "logs").glob("*.eval")
    assert import_run([log], tmp_path / "a.run", on=tickets).summary()["scores"] == {"label": 3 / 8}


def test_a_run_stands_where_it_is_said_and_opens_again(tickets, tmp_path):
    with pytest.raises(UsageError, match=r"give .*plain\.run"):
        import_run([LOGS["inspect"]], tmp_path / "plain", on=tickets)
    import_run([LOGS["inspect"]], tmp_path / "a.run", on=tickets)
    shutil.move(tmp_path / "a.run", tmp_path / "b.run")
    assert Run.open(tmp_path / "b.run").scorers == ["label"]
