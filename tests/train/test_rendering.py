"""Rows are rendered, tokenized and masked as they will be trained and served; transformers is the judge."""

import json
import shutil
import subprocess
import sys
import time
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vetset.curate.errors import DataError
from vetset.tests.small_models import CHATML, smollm2
from vetset.tests.train import templates_made as made
from vetset.tests.train.templates_made import CALL, TALKS, TOOLS, same, talk
from vetset.train.rows.examples import turns
from vetset.train.rows.rendering import open_renderer

transformers = pytest.importorskip("transformers")


@pytest.mark.parametrize("name", TALKS)
@pytest.mark.parametrize(
    "template", ["CHATML", "THINKS", "OPENS_THOUGHT", "STRICT", "DATED", "GENERATION", "CLOSES", "SPACED"]
)
def test_a_row_has_the_text_and_the_tokens_that_transformers_gives_it(with_template, template, name):
    ours, theirs = with_template(CHATML if template == "CHATML" else getattr(made, template))
    if template == "STRICT" and name == "system":
        with pytest.raises(DataError, match=r"of system, user, assistant.*System role not supported"):
            ours.tokens(talk(name))
        return
    same(ours, theirs, talk(name))


@pytest.mark.parametrize("name", TALKS)
def test_smollm2_renders_as_transformers_has_it(smol_both, name):
    row = same(*smol_both, talk(name))
    assert row.alike
    assert row.ends


@pytest.mark.parametrize("name", TALKS)
def test_the_recipe_for_tools_renders_them_and_all_else_as_the_models_own_template(smol_both, name):
    ours, theirs = smol_both
    path = Path(__file__).parents[2] / "examples" / "recipes" / "tool_calls.jinja"
    recipe = open_renderer(ours.folder, template=str(path))
    assert recipe.text(talk(name)) == ours.text(talk(name))
    calls = {"role": "assistant", "content": "", "tool_calls": [CALL]}
    messages = [*talk(name)[:-1], calls, {"role": "tool", "content": "[7]"}, {"role": "assistant", "content": "7"}]
    text = recipe.text(messages, TOOLS)
    assert not {"tool schema lost", "tool call lost", "tool result dropped"} & set(recipe.lost(messages, TOOLS, text))
    assert recipe.tokens(messages[:-2], TOOLS).alike
    told = {"tools": TOOLS, "chat_template": path.read_text(encoding="utf-8"), "tokenize": False}
    assert text == theirs.apply_chat_template(messages, **told)


@pytest.mark.parametrize("template", ["THINKS", "DATED"])
def test_tools_and_calls_render_as_transformers_has_them(with_template, template):
    ours, theirs = with_template(getattr(made, template))
    messages = [
        {"role": "user", "content": "add"}, {"role": "assistant", "content": "", "tool_calls": [CALL]},
        {"role": "tool", "content": "3", "tool_call_id": "c1"}, {"role": "assistant", "content": "It is 3."},
    ]  # fmt: skip
    for place in (2, 4):
        row = same(ours, theirs, messages[:place], TOOLS)
        assert (row.alike, row.ends) == (True, True)
        assert ours.lost(messages[:place], TOOLS, ours.text(messages[:place], TOOLS)) == []
    trained = [one for one, kept in zip(row.ids, row.trained, strict=True) if kept]
    assert ours.tokenizer.decode(trained, skip_special_tokens=False).endswith("It is 3.<|im_end|>")


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["<|im_end|>", "\n\n", " x", "é"]
)
talks = st.builds(
    lambda system, said, last: [
        *([{"role": "system", "content": system}] if system is not None else []),
        *({"role": ("user", "assistant")[at % 2], "content": one} for at, one in enumerate(said[: len(said) // 2 * 2])),
        {"role": "user", "content": last[0]}, {"role": "assistant", "content": last[1]},
    ],
    st.none() | text, st.lists(text, max_size=4), st.tuples(text, text),
)  # fmt: skip


@given(talks)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_conversation_has_the_tokens_that_transformers_gives_it(smol_both, messages):
    ours, theirs = smol_both
    row = same(ours, theirs, messages)
    answer = ours.tokenizer.encode(f"{messages[-1]['content']}<|im_end|>", add_special_tokens=False).ids
    assert not row.alike or row.ids[row.prompt : row.end] == answer
    assert all(row.trained[row.prompt : row.end])
    assert not any(row.trained[: row.prompt])
    assert row.ends


@given(talks)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_answer_of_a_conversation_is_trained_through_its_end(smol_both, messages):
    ours, _ = smol_both
    row = ours.tokens(messages, loss="assistant")
    answers = [one["content"] for one in messages if one["role"] == "assistant"]
    wanted = [ours.tokenizer.encode(f"{answer}<|im_end|>", add_special_tokens=False).ids for answer in answers]
    trained = [one for one, kept in zip(row.ids, row.trained, strict=True) if kept]
    assert trained.count(ours.end) == list(chain(*wanted)).count(ours.end)
    assert not row.alike or trained == list(chain(*wanted))


@given(st.lists(talks, min_size=1, max_size=5))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_together_are_what_each_is_alone(smol_both, rows):
    ours, _ = smol_both
    assert ours.many([(row, None) for row in rows]) == [ours.tokens(row) for row in rows]


def test_the_marks_of_a_template_agree_with_what_is_trained(with_template):
    ours, theirs = with_template(made.GENERATION)
    told = theirs.apply_chat_template(talk("long"), return_dict=True, return_assistant_tokens_mask=True)
    assert ours.tokens(talk("long"), loss="assistant").trained == [bool(one) for one in told["assistant_masks"]]


def test_everything_is_trained_where_that_is_asked_for(smol_both):
    row = smol_both[0].tokens(talk("system"), loss="all")
    assert all(row.trained)
    assert row.labels == row.ids
    assert (row.prompt, row.ends, row.alike) == (smol_both[0].tokens(talk("system")).prompt, True, True)


def test_what_follows_the_end_is_not_trained(smol_both):
    row = smol_both[0].tokens(talk("plain"))
    assert smol_both[0].tokenizer.decode(row.ids[row.end :]) == "\n"
    assert not any(row.trained[row.end :])
    assert row.labels[-1] == -100
    assert (
        row.ids[row.end - 1] == smol_both[0].eos == smol_both[0].pad
    )  # pad is eos here, and it is trained all the same


def test_a_token_that_ends_the_whole_conversation_is_not_taken_for_the_end_of_a_turn(with_template):
    ours, _ = with_template(made.CLOSES)
    row = ours.tokens(talk("long"), loss="assistant")
    assert ours.page(row, colour=False).count("<|im_end|>⟧") == 3
    assert (row.ends, row.rewritten) == (True, 0)
    assert not row.trained[-1]


def test_a_prompt_that_opens_a_thought_is_told_and_the_mask_begins_where_both_part(with_template):
    ours, _ = with_template(made.OPENS_THOUGHT)
    row = ours.tokens([{"role": "user", "content": "q"}, {"role": "assistant", "content": "<thanks"}])
    assert (row.alike, row.ends) == (False, True)
    assert ours.page(row, colour=False).endswith("<|endoftext|>⟦<thanks<|im_end|>⟧")


def test_a_space_that_goes_into_the_answers_first_token_is_told(tmp_path):
    shutil.copytree(smollm2(), tmp_path / "model", ignore=shutil.ignore_patterns("*.safetensors"))
    (tmp_path / "model" / "chat_template.jinja").write_text(made.SPACED)
    ours = open_renderer(tmp_path / "model")
    row = same(ours, transformers.AutoTokenizer.from_pretrained(tmp_path / "model"), talk("plain"))
    assert not row.alike
    assert ours.page(row, colour=False).endswith("assistant:⟦ greeting<|im_end|>⟧")


def test_an_empty_thought_before_an_answer_is_trained_with_it_and_earlier_answers_are_not(with_template):
    ours, _ = with_template(made.THINKS)
    row = ours.tokens(talk("long"), loss="assistant")
    assert (row.alike, row.ends, row.rewritten) == (True, True, 2)
    assert ours.page(row, colour=False).endswith("⟦<think>\n\n</think>\n\nf<|im_end|>⟧\n")
    assert ours.page(row, colour=False).count("⟦") == 1


def test_a_template_without_an_end_token_has_none_that_is_trained(with_template):
    ours, _ = with_template(made.ENDLESS)
    assert not ours.tokens(talk("plain")).ends


def test_a_row_without_an_answer_trains_nothing(smol_both):
    row = smol_both[0].tokens([{"role": "user", "content": "hi"}])
    assert (sum(row.trained), row.prompt, row.ends, row.end) == (0, len(row.ids), False, 0)


def test_an_answer_of_weight_0_is_not_trained(smol_both):
    messages = talk("long")
    messages[1]["weight"] = 0
    shown = smol_both[0].page(smol_both[0].tokens(messages, loss="assistant"), colour=False)
    assert "⟦b" not in shown
    assert shown.count("⟦") == 2


def test_a_pair_shares_its_prompt_and_both_answers_end(smol_both):
    ours, theirs = smol_both
    prompt, chosen, rejected = ours.pair(talk("system"), "It is two.", None)
    assert prompt == theirs.apply_chat_template(talk("system")[:-1], add_generation_prompt=True, return_dict=False)
    assert (theirs.decode(chosen), theirs.decode(rejected)) == ("2<|im_end|>", "It is two.<|im_end|>")


def test_a_plain_text_ends_once_and_begins_as_the_tokenizer_has_it(tiny_folder, tmp_path, smol_both):
    assert smol_both[0].plain("abc").ids == [*smol_both[1]("abc")["input_ids"], smol_both[0].eos]
    assert smol_both[0].plain("abc<|im_end|>").ids == smol_both[0].plain("abc").ids
    shutil.copytree(tiny_folder, tmp_path / "model")
    told = json.loads((tiny_folder / "tokenizer.json").read_text())
    begin = {"SpecialToken": {"id": "<|im_start|>", "type_id": 0}}
    told["post_processor"] = {
        "type": "TemplateProcessing", "single": [begin, {"Sequence": {"id": "A", "type_id": 0}}], "pair": [],
        "special_tokens": {"<|im_start|>": {"id": "<|im_start|>", "ids": [1], "tokens": ["<|im_start|>"]}},
    }  # fmt: skip
    (tmp_path / "model" / "tokenizer.json").write_text(json.dumps(told))
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "model")
    ours = open_renderer(tmp_path / "model")
    assert ours.plain("ab").ids == [*theirs("ab")["input_ids"], theirs.eos_token_id]
    assert ours.plain("ab").ids[0] == 1
    same(ours, theirs, talk("plain"))


def test_what_is_said_and_not_rendered_is_found(with_template, smol_both):
    ours, _ = smol_both
    assert ours.lost(talk("system"), TOOLS, ours.text(talk("system"), TOOLS)) == ["tool schema lost"]
    called = [{"role": "user", "content": "add"}, {"role": "assistant", "content": "", "tool_calls": [CALL]}]
    assert ours.lost(called, None, ours.text(called)) == ["tool call lost"]
    assert ours.lost(talk("control"), None, ours.text(talk("control"))) == ["control token in a turn"]
    deaf, _ = with_template(
        "{% for message in messages %}{% if message.role == 'user' %}{{ message.content }}{% endif %}{% endfor %}"
    )
    assert deaf.lost(talk("system"), None, deaf.text(talk("system"))) == ["system prompt dropped", "answer dropped"]
    numb, _ = with_template("{{ messages[-1].content }}")
    assert numb.lost(talk("long"), None, numb.text(talk("long"))) == ["user turn dropped"]
    assert ours.lost(talk("thought"), None, ours.text(talk("thought"))) == []


def test_a_page_shows_no_secret_and_nothing_that_a_terminal_obeys(smol_both):
    messages = [
        {"role": "user", "content": "I am ann@example.com \x1b[31m\u202eevil"},
        {"role": "assistant", "content": "x" * 5000},
    ]
    row = smol_both[0].tokens(messages)
    shown = smol_both[0].page(row, colour=False, limit=400)
    assert "ann@" not in shown
    assert "[mail address]" in shown
    assert not {"\x1b", "\u202e"} & set(shown)
    assert len(shown) < 1000
    assert smol_both[0].page(row, colour=True).count("\x1b[32m") == 1


def test_the_row_that_a_template_refuses_is_named(with_template):
    ours, _ = with_template(made.STRICT)
    with pytest.raises(DataError, match=r"^tickets.jsonl line 2: the chat template"):
        ours.many(
            [(talk("plain"), None), (talk("system"), None)], names=["tickets.jsonl line 1", "tickets.jsonl line 2"]
        )


def test_it_renders_without_torch_and_is_imported_in_a_moment():
    program = (
        "import sys, time; begun = time.process_time(); import vetset.train.rows.rendering; "
        "print(time.process_time() - begun, *{'torch', 'transformers'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert len(told) == 1
    assert float(told[0]) < 0.5  # 0.06 when alone


@pytest.mark.slow
def test_ten_thousand_rows_take_three_seconds(shared):
    from vetset.evaluate.runs.training_rows import training_rows

    rows = [turns(row) for row in training_rows(shared / "bank_intents" / "train.csv").iter_rows(named=True)]
    begun = time.process_time()
    made_rows = open_renderer(smollm2()).many([(row.messages, row.tools) for row in rows])
    assert time.process_time() - begun < 3  # 1.2 when alone
    assert len(made_rows) == len(rows) > 10_000
    assert all(row.ends and row.alike for row in made_rows)
