"""Each way in which a training run goes wrong without a word is refused or warned of before it begins."""

import importlib
import json
import shutil
import subprocess
import sys

import polars as pl
import pytest
from vetset.app.cli import run
from vetset.curate.dataset import Dataset
from vetset.curate.errors import DataError, UsageError
from vetset.tests.evaluate.runs_made import made_evalset
from vetset.tests.small_models import smollm2, tiny_model
from vetset.tests.train.plans_made import SAYS, asked, planned, problems, tickets, written
from vetset.train.planning.known_keys import peft_keys, trl_keys
from vetset.train.recipe import read_recipe
from vetset.train.rows.examples import examples
from vetset.train.rows.rendering import open_renderer
from vetset.train.rows.tokenized import tokenized

TURNS = "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
OPEN = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
TOOLS = [
    {"type": "function", "function": {"name": "refund", "parameters": {"type": "object", "properties": {"id": {}}}}}
]
CALL = {
    "role": "assistant",
    "tool_calls": [{"id": "1", "type": "function", "function": {"name": "refund", "arguments": "{}"}}],
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    pytest.importorskip("transformers")
    return tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture
def model(tiny, tmp_path):
    """A copy of the tiny model that a test may break."""
    return shutil.copytree(tiny, tmp_path / "model")


def with_template(model, template):
    (model / "chat_template.jinja").write_text(template, encoding="utf-8")
    return model


def with_settings(model, **more):
    path = model / "tokenizer_config.json"
    told = json.loads(path.read_text(encoding="utf-8")) | more
    path.write_text(json.dumps({key: value for key, value in told.items() if value is not None}), encoding="utf-8")
    return model


def test_a_sound_recipe_is_warned_of_little_and_refused_nothing(tiny, tmp_path):
    found = planned(tiny, tickets(600), tmp_path)
    assert {one.kind for one in found.problems} <= {"licence.data", "licence.base"}
    assert found.trained == sum(len(label) + 1 for label in SAYS) * 200
    assert found.ends == 600
    assert found.lengths.total == int(found.rows["tokens"].sum())
    assert sum(rows for _, _, rows in found.lengths.bins) == 600


def test_a_missing_template_is_refused(model, tmp_path):
    (model / "chat_template.jinja").unlink(missing_ok=True)
    found = problems(with_settings(model, chat_template=None), tickets(), tmp_path)
    assert found["template.missing"].level == "refuse"


def test_an_end_that_is_not_trained_is_refused(model, tmp_path):
    found = problems(with_template(model, TURNS + "\n{% endfor %}" + OPEN), tickets(), tmp_path)
    assert found["end.untrained"].level == "refuse"
    assert len(found["end.untrained"].rows) == 30


def test_a_truncated_answer_is_refused_with_what_goes_of_each_row(tiny, tmp_path):
    rows = [*tickets(), asked("x" * 40, "y" * 100)]
    found = problems(tiny, rows, tmp_path, max_length=120)["length.over"]
    assert found.level == "refuse"
    (row,) = found.rows
    length = row["tokens"]
    assert row["line"] == 31
    assert (row["cut"], row["trained"], row["stop_goes"]) == (min(101, length - 1 - 120), 101, True)
    assert row["share"] == pytest.approx(row["cut"] / 101)
    for word in ("truncate", "drop"):
        assert problems(tiny, rows, tmp_path, max_length=120, too_long=word)["length.over"].level == "warn"


def test_what_the_plan_counts_is_what_the_trainer_is_fed(tiny, tmp_path):
    rows = [*tickets(), *(asked("q", "y" * size) for size in (30, 60, 61, 62, 63, 64, 100))]
    for word in ("drop", "truncate"):
        found = planned(tiny, rows, tmp_path, max_length=96, too_long=word)
        fed = tokenized(found.recipe, found.renderer, examples(found.recipe).train)
        assert sum(label != -100 for one in fed for label in one["labels"]) == found.trained
        assert len(fed) == found.kept.sum() < found.rows.height + (word == "truncate")
        ends = [place for place, one in enumerate(fed) if found.renderer.end in one["labels"]]
        assert len(ends) == (
            found.rows.filter((pl.col("tokens") <= 96) & pl.col("ends")).height if word == "drop" else found.ends
        )


@pytest.mark.parametrize(
    ("template", "rows", "kind"),
    [
        (
            "{% for message in messages if message['role'] != 'system' %}<|im_start|>{{ message['role'] }}\n"
            "{{ message['content'] }}<|im_end|>\n{% endfor %}" + OPEN,
            [asked("where is it", "lost", system="Answer with a label.")], "system.dropped",
        ),
        (TURNS + "<|im_end|>\n{% endfor %}" + OPEN, [asked("pay it back", "done", tools=TOOLS)], "tools.lost"),
        (
            TURNS + "<|im_end|>\n{% endfor %}" + OPEN,
            [{"messages": [{"role": "user", "content": "pay it back"}, CALL]}], "tools.lost",
        ),
    ],
)  # fmt: skip
def test_what_the_template_loses_is_refused(model, tmp_path, template, rows, kind):
    found = problems(with_template(model, template), [*tickets(), *rows], tmp_path)[kind]
    assert found.level == "refuse"
    assert [row["line"] for row in found.rows] == [31]


def test_a_template_that_takes_no_system_prompt_names_the_rows(model, tmp_path):
    refuses = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    rows = [*tickets(), asked("a", "b", system="s")]
    found = planned(with_template(model, refuses + TURNS + "<|im_end|>\n{% endfor %}" + OPEN), rows, tmp_path)
    assert [(one.kind, len(one.rows)) for one in found.refused] == [("template.refuses", 1)]
    assert found.rows["tokens"].null_count() == 1


def test_prompts_that_use_renders_otherwise_are_warned_of(model, tmp_path):
    thinks = TURNS + "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}"
    assert len(problems(with_template(model, thinks), tickets(), tmp_path)["prompt.unalike"].rows) == 30


def test_a_tokenizer_without_pad_and_one_that_pads_with_the_end_are_warned_of(model, tmp_path):
    assert "pad.is_end" in problems(with_settings(model, pad_token="<|im_end|>"), tickets(), tmp_path)
    assert "pad.none" in problems(with_settings(model, pad_token=None), tickets(), tmp_path)


def test_a_vocabulary_that_outgrew_the_model_is_refused(model, tmp_path):
    tokenizer = importlib.import_module("transformers").AutoTokenizer.from_pretrained(model)
    tokenizer.add_tokens(["<|new|>"])
    tokenizer.save_pretrained(model)
    found = problems(model, [*tickets(), asked("a <|new|> b", "c")], tmp_path)["vocabulary.resized"]
    assert found.level == "refuse"
    assert [row["line"] for row in found.rows] == [31]


def test_an_eval_row_in_train_is_refused(tiny, tmp_path):
    rows = tickets()
    question = rows[4]["messages"][0]["content"]
    made = made_evalset(
        tmp_path / "bank.evalset", [{"messages": question.upper(), "label": "x"}, {"messages": "else", "label": "y"}]
    )
    found = problems(tiny, rows, tmp_path, evalsets=[str(made.folder)])["eval.in_train"]
    assert found.level == "refuse"
    assert [row["line"] for row in found.rows] == [5]
    loose = made_evalset(tmp_path / "loose.evalset", [{"messages": "else", "label": "y"}], frozen=False)
    assert "eval.in_train" not in problems(tiny, rows, tmp_path, evalsets=[str(loose.folder)])
    assert "evalset.unfrozen" in problems(tiny, rows, tmp_path, evalsets=[str(loose.folder)])


def test_the_eval_set_that_a_set_gave_rows_to_is_found_by_itself(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "rows.jsonl", tickets(90))
    assert run(["read", "rows.jsonl", "-o", "a.vet"]) == 0
    made = made_evalset(tmp_path / "a.evalset", [{"messages": SAYS["fee"].format("monday"), "label": "fee"}])
    Dataset.open("a.vet").save({}, evalsets={"a": {"split": "eval", "path": "../a.evalset"}})
    found = planned(tiny, tmp_path / "a.vet", tmp_path)
    assert found.evalsets == [str(made.folder)]
    assert "eval.in_train" in {one.kind for one in found.refused}
    assert "findings.none" in {one.kind for one in found.problems}


def test_findings_without_a_decision_are_told_of_a_set_and_of_its_export(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "rows.jsonl", [*tickets(90), *tickets(3)])
    for words in (
        ["read", "rows.jsonl", "-o", "a.vet"],
        ["check", "a.vet"],
        ["export", "a.vet", "-o", "out", "--held", "keep"],
    ):
        assert run(words) in (0, 1)
    of_set = problems(tiny, tmp_path / "a.vet", tmp_path)["findings.open"]
    assert "duplicates.exact 3" in of_set.said
    assert of_set.rows
    assert "duplicates.exact 3" in problems(tiny, tmp_path / "out", tmp_path)["findings.open"].said


def test_a_label_that_stands_in_the_question_is_warned_of(tiny, tmp_path):
    pairs = [(row["messages"][0]["content"], row["messages"][1]["content"]) for row in tickets(60)]
    given = [asked(f"{question} ({label})", label) for question, label in pairs]
    assert len(problems(tiny, given, tmp_path)["label.in_prompt"].rows) == 60
    announced = [asked(f"{question}\nlabel: {label}", label) for question, label in pairs]
    assert "label.in_prompt" in problems(tiny, announced, tmp_path)


def test_labels_that_are_all_listed_or_are_words_of_the_question_now_and_then_give_nothing_away(tiny, tmp_path):
    listed = [
        asked(row["messages"][0]["content"], row["messages"][1]["content"], system=f"One of {', '.join(SAYS)}.")
        for row in tickets(60)
    ]
    assert "label.in_prompt" not in problems(tiny, listed, tmp_path)
    spoken = [asked("the fee is too high", "fee"), asked("I lost it", "lost"), *tickets(60)]
    assert "label.in_prompt" not in problems(tiny, spoken, tmp_path)


def test_one_answer_alone_and_repeats_are_warned_of(tiny, tmp_path):
    same = [asked(row["messages"][0]["content"], "yes") for row in tickets(30)]
    assert "label.one" in problems(tiny, same, tmp_path)
    found = problems(tiny, [*tickets(30), *tickets(30)], tmp_path)
    assert len(found["rows.repeated"].rows) == 30
    long = "please tell me when the parcel that I sent to my aunt in the mountains will be there " * 3
    near = [asked(f"{long}{place}", "soon" if place % 2 else "late") for place in range(30)]
    assert "rows.near" in problems(tiny, near, tmp_path)


def test_rows_whose_answer_is_empty_are_refused(tiny, tmp_path):
    with pytest.raises(DataError, match=r"line 31: sft needs an answer"):
        planned(tiny, [*tickets(), asked("where", " \n")], tmp_path)


def test_rows_that_train_nothing_are_named(tiny, tmp_path):
    rows = [
        *tickets(),
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": 0}]},
    ]
    found = problems(tiny, rows, tmp_path, loss="assistant")
    assert [row["line"] for row in found["row.untrained"].rows] == [31]


def test_valid_rows_that_are_trained_on_are_warned_of(tiny, tmp_path):
    valid = written(tmp_path / "valid.jsonl", [*tickets(6), asked("quite another thing", "fee")])
    assert len(problems(tiny, tickets(), tmp_path, valid=str(valid))["valid.in_train"].rows) == 6


def test_an_adapter_is_no_base(model, tiny, tmp_path):
    (model / "adapter_config.json").write_text('{"base_model_name_or_path": "other/base"}', encoding="utf-8")
    assert problems(model, tickets(), tmp_path)["base.adapter"].level == "refuse"
    (model / "config.json").unlink()
    with pytest.raises(UsageError, match="it is an adapter"):
        planned(model, tickets(), tmp_path)
    (tmp_path / "adapter").mkdir()
    shutil.copy(model / "adapter_config.json", tmp_path / "adapter")
    assert problems(tiny, tickets(), tmp_path)["adapter.other_base"].level == "refuse"


@pytest.mark.parametrize(
    ("keys", "kind", "level"),
    [
        ({"learning_rate": 0.05}, "rate.range", "warn"),
        ({"learning_rate": 1e-7}, "rate.range", "warn"),
        ({"batch": 30}, "steps.few", "warn"),
        ({"rank": 64}, "rank.over", "warn"),
        ({"lora.targets": ["query"]}, "targets.none", "refuse"),
        ({"trl.packng": True}, "key.unknown", "refuse"),
        ({"trl.output_dir": "x"}, "key.owned", "refuse"),
        ({"trl.push_to_hub": True}, "key.ours", "refuse"),
        ({"trl.trust_remote_code": True}, "key.ours", "refuse"),
        ({"lora.more.r": 4}, "key.owned", "refuse"),
        ({"lora.more.init_lora_weight": "pissa"}, "key.unknown", "refuse"),
    ],
)
def test_dials_out_of_range_and_keys_that_nobody_knows_are_told(tiny, tmp_path, keys, kind, level):
    found = problems(tiny, tickets(), tmp_path, **keys)
    assert found[kind].level == level


def test_what_does_not_fit_is_refused_with_what_would(tiny, tmp_path):
    rows = [*tickets(), asked("x" * 1900, "y")]
    told = problems(tiny, rows, tmp_path, device="t4", batch=65536, at_once=65536)["memory.over"]
    assert told.level == "refuse"
    assert "checkpointing = true" in told.said
    assert "dtype.unfit" in problems(tiny, rows, tmp_path, device="t4")


def test_four_bits_without_the_library_are_refused(tiny, tmp_path, monkeypatch):
    seen = importlib.import_module("vetset.train.planning.run_problems")
    monkeypatch.setattr(seen, "find_spec", lambda name: None)
    assert problems(tiny, tickets(), tmp_path, quantize="4bit")["quantize.missing"].level == "refuse"


def test_a_disk_that_is_too_full_is_refused(tiny, tmp_path, monkeypatch):
    seen = importlib.import_module("vetset.train.planning.run_problems")
    monkeypatch.setattr(seen.shutil, "disk_usage", lambda place: type("Use", (), {"free": 1000})())
    assert problems(tiny, tickets(), tmp_path)["disk.short"].level == "refuse"


@pytest.mark.parametrize(
    ("licence", "words"),
    [
        ("CC-BY-NC-4.0", "no commercial use"), ("CC-BY-ND-4.0", "no changed copies"), ("CC-BY-SA-4.0", "stays under"),
        ("gemma", "read them"), (None, "nobody can say"),
    ],
)  # fmt: skip
def test_licences_that_ask_for_something_are_said_with_what_it_means(model, tmp_path, licence, words):
    rows = [{**row, "license": licence} if licence else row for row in tickets()]
    (model / "README.md").write_text(f"---\nlicense: {licence or 'other'}\n---\n# A model\n", encoding="utf-8")
    found = problems(model, rows, tmp_path)
    assert words in found["licence.data"].said
    assert words in found["licence.base"].said


def test_general_rows_that_hold_what_forgetting_is_measured_by_are_refused(model, tmp_path):
    from vetset.evaluate.verdicts.general import general_items, general_text

    held = [asked(f"{general_items()[3].ask}\nBe short.", "it is"), {"text": general_text()[0].text}]
    for more, level in (([], "warn"), ([asked(item.ask, "yes") for item in general_items()[10:15]], "refuse")):
        general = written(tmp_path / "general.jsonl", [*held[:1], *more, *tickets()[:5]])
        found = problems(model, tickets(), tmp_path, general=str(general), general_share=0.3)["general.measured"]
        assert (found.level, {row["line"] for row in found.rows}) == (level, set(range(1, 2 + len(more))))
    texts = written(tmp_path / "texts.jsonl", held[1:])
    assert problems(model, tickets(), tmp_path, general=str(texts))["general.measured"].level == "warn"
    clean = written(tmp_path / "clean.jsonl", [*tickets()[:5], asked("What is a walrus?", "An animal.")])
    found = problems(model, tickets(), tmp_path, general=str(clean))
    assert "general.measured" not in found
    assert str(clean) in found["licence.data"].said, "of general rows the licence counts, too"


def test_free_licences_are_passed_over(model, tmp_path):
    (model / "README.md").write_text("---\nlicense: apache-2.0\n---\n", encoding="utf-8")
    found = planned(model, [{**row, "license": "MIT"} for row in tickets()], tmp_path)
    assert found.base_licence == "apache-2.0"
    assert not [one for one in found.problems if one.kind.startswith("licence")]


@pytest.mark.parametrize("method", ["dpo", "orpo", "kto", "grpo", "cpt"])
def test_every_method_has_a_plan(tiny, tmp_path, method):
    said = [f"{row['messages'][0]['content']} please" for row in tickets()]
    rows = (
        [{"text": one} for one in said]
        if method == "cpt"
        else [{"prompt": one, "chosen": "a card", "rejected": "no"} for one in said]
    )
    rows = [asked(one, "a card") for one in said] if method == "grpo" else rows
    found = planned(tiny, rows, tmp_path, method=method, **({"rewards": ["number"]} if method == "grpo" else {}))
    assert not found.refused
    assert (found.budget.seconds is None) == (method == "grpo")
    if method in ("dpo", "orpo"):
        assert found.rows["trained"][0] == len("a card") + len("no") + 2


def test_the_keys_that_are_read_from_source_are_those_that_the_libraries_have():
    from dataclasses import fields

    trl = importlib.import_module("vetset.train.trl_face")
    for method in trl.KINDS:
        assert trl_keys(method) == {one.name for one in fields(trl._classes(method)[1])}, method
    assert {one.name for one in fields(importlib.import_module("peft").LoraConfig)} <= peft_keys()


def test_the_same_plan_twice_says_the_same(tiny, tmp_path):
    one, other = (planned(tiny, tickets(), tmp_path, device="h100").summary() for _ in range(2))
    assert json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@pytest.mark.slow
def test_ten_thousand_rows_take_five_seconds_and_none_of_the_heavy_libraries(tmp_path, shared):
    head = (shared / "bank_intents" / "train.csv").read_text(encoding="utf-8")
    (tmp_path / "rows.csv").write_text(head, encoding="utf-8")
    code = (
        "import sys, time; began = time.process_time()\n"
        "from vetset.train.planning.preflight import plan; from vetset.train.recipe import read_recipe\n"
        "found = plan(read_recipe(None, {'base': sys.argv[1], 'data': sys.argv[2]})).summary()\n"
        "heavy = {'torch', 'transformers', 'sklearn', 'trl', 'peft', 'datasets'} & sys.modules.keys()\n"
        "print(found['data']['rows'], time.process_time() - began, sorted(heavy))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(smollm2()), str(tmp_path / "rows.csv")],
        capture_output=True,
        text=True,
        check=True,
    )
    rows, seconds, heavy = done.stdout.split(maxsplit=2)
    assert int(rows) > 10_000
    assert float(seconds) < 8  # 3.8 on an idle core, and numba's first start compiles
    assert heavy.strip() == "[]"


def test_a_renderer_is_opened_with_the_template_of_the_recipe(tiny, tmp_path):
    (tmp_path / "own.jinja").write_text(TURNS + "<|im_end|>\n{% endfor %}" + OPEN, encoding="utf-8")
    recipe = read_recipe(None, {"base": str(tiny), "data": "x", "template": str(tmp_path / "own.jinja")})
    own = planned(tiny, tickets(), tmp_path, template=recipe.template)
    assert own.renderer.digest == open_renderer(tiny, template=recipe.template).digest
