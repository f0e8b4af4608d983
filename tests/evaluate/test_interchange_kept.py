"""What an import must not lose or let out: other runs, the looks at a ship part, keys of the user's, odd signs."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetset.curate.errors import DataError, UsageError
from vetset.evaluate.evalsets.touches import looks
from vetset.evaluate.interchange.bounded import parsed
from vetset.evaluate.interchange.exporting import export
from vetset.evaluate.interchange.importing import import_run
from vetset.evaluate.interchange.lm_eval_process import run_lm_eval
from vetset.evaluate.interchange.record import without_secrets
from vetset.evaluate.runs.results import Run
from vetset.tests.evaluate.test_interchange import DATA, evalset_of
from vetset.tests.evaluate.test_interchange_files import fake_python, log, sample


def promptfoo(path, *results, config=None):
    made = [
        {
            "provider": {"id": "acme"}, "vars": {"question": f"q{n}"}, "response": {"output": "yes"}, "success": True,
            "score": 1, "promptIdx": 0, "namedScores": {}, "prompt": {"raw": f"q{n}", "config": config or {}}, **result,
        }
        for n, result in enumerate(results)
    ]  # fmt: skip
    text = json.dumps({"evalId": "e", "results": {"version": 3, "results": made}})
    if path.suffix == ".jsonl":
        text = "".join(json.dumps(one) + "\n" for one in made)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_run_of_something_else_is_kept_and_the_same_one_is_made_again(tmp_path):
    first = log(tmp_path / "a", [sample(0)])
    other = log(tmp_path / "b", [sample(0, resps=[["no"]], exact_match=0.0)])
    before = import_run([first], tmp_path / "base.run").run.manifest
    with pytest.raises(UsageError, match=r"base\.run holds another run, which is kept"):
        import_run([other], tmp_path / "base.run")
    assert Run.open(tmp_path / "base.run").manifest == before
    assert import_run([first], tmp_path / "base.run").run.manifest == before


def test_lm_eval_replaces_no_run(tmp_path):
    logged = log(tmp_path / "l", [sample(0)])
    python = fake_python(
        tmp_path,
        f"""for word; do [ "$before" = --output_path ] && out=$word; before=$word; done
mkdir -p "$out/m" && cp {logged} "$out/m/" """,
    )
    names = [
        run_lm_eval("hf", ["qa"], tmp_path / "runs", model_args=f"pretrained={model}", python=python)[0].run.folder.name
        for model in ("a/final", "b/final", "a/final")
    ]
    assert len(set(names)) == 3
    assert all(name.startswith("final-qa-") for name in names)
    assert names[2] == names[0].replace(".run", "-2.run")


def test_lm_eval_gets_no_leave_to_run_code_of_others(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_DATASETS_TRUST_REMOTE_CODE", "1")
    monkeypatch.setenv("HF_ALLOW_CODE_EVAL", "1")
    python = fake_python(tmp_path, 'echo "leave:$HF_DATASETS_TRUST_REMOTE_CODE$HF_ALLOW_CODE_EVAL."; exit 1')
    for arguments in ("pretrained=a,trust_remote_code=True", "trust_remote_code=1", '{"trust_remote_code": true}'):
        with pytest.raises(UsageError, match="would run the model's own code"):
            run_lm_eval("hf", ["qa"], tmp_path / "runs", model_args=arguments, python=python)
    with pytest.raises(DataError, match="its last line: 'leave:\\.'"):
        run_lm_eval("hf", ["qa"], tmp_path / "runs", model_args="trust_remote_code=False", python=python)


def test_a_key_among_lm_evals_arguments_is_shown_nowhere(tmp_path):
    arguments = "model=acme,api_key=hunter2hunter"
    told = []
    for body in ('echo "arguments: $*"', 'echo "arguments: $*"; exit 1'):
        python = fake_python(tmp_path, body)
        with pytest.raises(DataError) as caught:
            run_lm_eval("hf", ["qa"], tmp_path / "runs", model_args=arguments, python=python, told=told.append)
        assert "hunter2" not in str(caught.value)
    assert "api_key=[secret]" in told[0]
    assert "hunter2" not in str(told)


@pytest.mark.parametrize(
    "arguments",
    ["model=m,api_key=hunter2,hunter3,dtype=x", '{"model": "m", "api_key": "hunter2", "dtype": "x"}',
     {"model": "m", "dtype": "x", "headers": {"x": "hunter2"}, "more": {"apiKey": "hunter2"}}],
)  # fmt: skip
def test_keys_in_a_log_do_not_reach_the_run(arguments, tmp_path):
    path = log(tmp_path / "l", [sample(0)])
    results = {"config": {"model_args": arguments}, "model_name": "m"}
    (path.parent / "results_2026-01-01T00-00-00.0.json").write_text(json.dumps(results), encoding="utf-8")
    run = import_run([path], tmp_path / "a.run").run
    assert "hunter" not in (run.folder / "run.json").read_text(encoding="utf-8")
    assert "dtype" in str(run.manifest["model"]["identity"]["arguments"])
    config = {"apiKey": "hunter2", "max_tokens": 5, "apiHost": "x"}
    run = import_run([promptfoo(tmp_path / "p.json", {}, config=config)], tmp_path / "p.run").run
    assert "hunter" not in (run.folder / "run.json").read_text(encoding="utf-8")
    assert run.manifest["parameters"] == {"max_tokens": 5, "apiHost": "x"}


@given(
    st.recursive(st.text(max_size=6) | st.integers() | st.none(), lambda one: st.dictionaries(st.text(max_size=6), one))
)
def test_no_setting_is_too_odd_to_be_cleaned(settings):
    assert without_secrets({"api_key": settings, "a": settings}).keys() == (
        {"api_key", "a"} if isinstance(settings, int) else {"a"}
    )


def test_half_a_sign_and_damaged_messages_are_no_end_of_an_import(tmp_path):
    half = {"response": {"output": "cut \ud83d"}, "prompt": {"raw": '[{"role": "user", "content": "x \\ud83d"}]'}}
    run = import_run([promptfoo(tmp_path / "p.json", half)], tmp_path / "p.run").run
    assert run.results["output"].to_list() == ["cut ?"]
    assert parsed(b'["\\ud83d\\ude00", "\\ud83d"]', "x") == ["\N{GRINNING FACE}", "?"]
    path = log(tmp_path / "l", [sample(0, doc={"id": "a-0", "digest": "d", "messages": "[{"})])
    facts = {"configs": {"qa": {"metadata": {"vetset": 1}}}}
    (path.parent / "results_2026-01-01T00-00-00.0.json").write_text(json.dumps(facts), encoding="utf-8")
    assert import_run([path], tmp_path / "l.run").run.results.height == 1


@pytest.fixture
def ship(tmp_path):
    return evalset_of(tmp_path / "tickets.evalset", json.loads((DATA / "rows.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize("to", ["lm-eval", "inspect", "openai-evals", "promptfoo"])
def test_every_exported_row_tells_its_part(to, ship, tmp_path):
    made = export(ship, tmp_path / to, to=to, part="ship")
    rows = [name for name in made.files if name.endswith(("samples.jsonl", "_ship.jsonl", "config.yaml"))]
    text = (made.folder / rows[0]).read_text(encoding="utf-8")
    assert text.count('"part": "ship"') == ship.part("ship").height


def test_answers_to_a_ship_part_are_known_by_their_rows_alone(ship, tmp_path):
    export(ship, tmp_path / "oe", to="openai-evals", part="ship")
    given = (tmp_path / "oe" / "data" / "tickets_ship" / "samples.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in given.splitlines()]
    events = [{"spec": {"completion_fns": ["m"], "eval_name": "tickets.ship.v1"}, "run_id": "r"}]
    for n, row in enumerate(rows):
        event = {"sample_id": f"tickets.ship.{n}", "run_id": "r"}
        events.append(event | {"type": "raw_sample", "data": row})
        events.append(
            event | {"type": "match", "data": {"correct": True, "expected": row["ideal"], "sampled": row["ideal"]}}
        )
    record = tmp_path / "record.jsonl"
    record.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    told = {"id": "a-0", "digest": "0" * 16, "evalset_digest": "0" * 16, "part": "ship"}
    logs = {
        "openai-evals": record,
        "promptfoo": promptfoo(tmp_path / "p.jsonl", {"testCase": {"metadata": told}}),
        "lm-eval": log(tmp_path / "l", [sample(0, doc={"id": "a-0", "digest": "0" * 64, "part": "ship"})]),
    }
    for tool, path in logs.items():
        with pytest.raises(UsageError, match="ship part of an eval set"):
            import_run([path], tmp_path / "a.run", source=tool)
    assert import_run([record], tmp_path / "a.run", on=ship).run.results.height == len(rows)


def test_a_number_format_does_not_say_which_weights_lm_eval_ran(ship, tmp_path):
    """Two checkpoints in one folder are two looks, though lm-eval tells of both the same."""
    asked = [row["messages"][-1]["content"] for row in ship.part("dev").iter_rows(named=True)]
    for turn, said in enumerate(("yes", "no")):
        lines = [
            sample(
                n,
                target=row["label"],
                arguments={"gen_args_0": {"arg_0": asked[n]}},
                resps=[[said]],
                filtered_resps=[said],
            )
            for n, row in enumerate(ship.part("dev").iter_rows(named=True))
        ]
        path = log(tmp_path / f"l{turn}", lines)
        results = {"config": {"model_args": "pretrained=out", "model_dtype": "torch.bfloat16"}, "model_name": "out"}
        (path.parent / "results_2026-01-01T00-00-00.0.json").write_text(json.dumps(results), encoding="utf-8")
        import_run([path], tmp_path / f"{turn}.run", on=ship)
    assert len(looks(ship, "dev")) == 2
