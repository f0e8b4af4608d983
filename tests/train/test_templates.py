"""Templates and special tokens are found where transformers finds them; what a stranger's template does stays in a sandbox."""

import json
import shutil
import time
from datetime import datetime

import pytest
from vetset.curate.errors import DataError, UsageError
from vetset.evaluate.models.chat_template import find_template
from vetset.tests.small_models import CHATML, smollm2
from vetset.tests.train import templates_made as made
from vetset.tests.train.templates_made import TALKS, TOOLS, same, talk
from vetset.train.rows.rendering import open_renderer

transformers = pytest.importorskip("transformers")


def test_named_templates_are_found_where_transformers_finds_them(tiny_folder, tmp_path):
    place = tmp_path / "model"
    shutil.copytree(tiny_folder, place)
    theirs = transformers.AutoTokenizer.from_pretrained(place)
    theirs.chat_template = {"default": CHATML, "tool_use": made.THINKS}
    theirs.save_pretrained(place)
    assert sorted(path.name for path in (place / "additional_chat_templates").iterdir()) == ["tool_use.jinja"]
    ours, theirs = open_renderer(place), transformers.AutoTokenizer.from_pretrained(place)
    same(ours, theirs, talk("plain"))
    same(ours, theirs, talk("plain"), TOOLS)
    assert ours.digest == find_template(theirs, str(place)).digest
    shutil.rmtree(place / "additional_chat_templates")
    (place / "chat_template.jinja").unlink()
    config = json.loads((place / "tokenizer_config.json").read_text())
    named = [{"name": "default", "template": CHATML}, {"name": "tool_use", "template": made.THINKS}]
    (place / "tokenizer_config.json").write_text(json.dumps({**config, "chat_template": named}))
    same(open_renderer(place), transformers.AutoTokenizer.from_pretrained(place), talk("plain"), TOOLS)
    assert open_renderer(place).digest == ours.digest


def test_special_tokens_are_read_in_every_form(tiny_folder, tmp_path):
    place = tmp_path / "model"
    shutil.copytree(tiny_folder, place)
    config = json.loads((tiny_folder / "tokenizer_config.json").read_text())
    config |= {
        "eos_token": {"__type": "AddedToken", "content": "<|im_end|>", "lstrip": False, "special": True},
        "pad_token": "<|fill|>",
        "bos_token": None,
    }
    config["extra_special_tokens"] = ["<|more|>"]
    (place / "tokenizer_config.json").write_text(json.dumps(config))
    (place / "chat_template.jinja").write_text(
        "{{ messages[0].content + eos_token + pad_token + (bos_token or 'none') }}"
    )
    ours, theirs = open_renderer(place), transformers.AutoTokenizer.from_pretrained(place)
    messages = [{"role": "user", "content": "<|more|> x"}]
    assert ours.text(messages) == theirs.apply_chat_template(messages, tokenize=False)
    assert ours.tokens(messages).ids == theirs.apply_chat_template(messages, return_dict=False)
    assert (ours.eos, ours.pad) == (theirs.eos_token_id, theirs.pad_token_id)
    assert ours.tokenizer.get_vocab_size() == len(theirs)


def test_the_time_may_be_fixed(with_template):
    ours, _ = with_template(made.DATED)
    fixed = open_renderer(ours.folder, now=datetime(2001, 2, 3))
    assert "Today: 03 Feb 2001" in fixed.text(talk("plain"))
    assert (ours.dated, open_renderer(smollm2()).dated) == (True, False)


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ messages.append(1) }}",
        "{% for n in range(10 ** 9) %}{% endfor %}",
        "{{ 'x' * 10 ** 9 }}",
        "{{ 2 ** 10 ** 8 }}",
        "{{ [0] * 10 ** 9 }}",
        "{% for n in range(99999) %}{{ 'x' * 9999 }}{% endfor %}",
        "{% set ns = namespace(__class__=1) %}",
        "{% set ns = namespace() %}{% set ns.__call__ = 1 %}",
        "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
        "{{ messages[0].nothing.more }}",
        "{{ raise_exception('no') }}",
        "{{ dict.__subclasses__() }}",
    ],
)
def test_a_hostile_template_is_refused_in_a_sentence(with_template, source):
    begun = time.process_time()
    with pytest.raises(DataError, match=r"can't take a conversation of user, assistant \(.*template = FILE\.$"):
        with_template(source)[0].text(talk("plain"))
    assert time.process_time() - begun < 20


def test_a_damaged_template_is_told_with_its_line(tiny_folder, tmp_path):
    (tmp_path / "bad.jinja").write_text("a\n{% for x %}")
    with pytest.raises(DataError, match="line 2 is no Jinja"):
        open_renderer(tiny_folder, template=str(tmp_path / "bad.jinja")).text(talk("plain"))
    with pytest.raises(UsageError, match="can't be read"):
        open_renderer(tiny_folder, template=str(tmp_path / "none.jinja"))


def test_a_folder_without_template_or_tokenizer_is_told(tiny_folder, tmp_path):
    shutil.copy(tiny_folder / "tokenizer.json", tmp_path)
    bare = open_renderer(tmp_path)
    assert (bare.eos, bare.pad, bare.digest, bare.plain("a").ends) == (None, None, None, False)
    with pytest.raises(DataError, match="has no chat template"):
        bare.tokens(talk("plain"))
    (tmp_path / "tokenizer_config.json").write_text("[1]")
    with pytest.raises(DataError, match="is damaged"):
        open_renderer(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(DataError, match=r"holds no tokenizer\.json"):
        open_renderer(tmp_path)


def changed(tiny_folder, place, **entries):
    """The tiny model with other entries in its tokenizer.json: our renderer, and the judge."""
    shutil.copytree(tiny_folder, place)
    told = json.loads((place / "tokenizer.json").read_text())
    (place / "tokenizer.json").write_text(json.dumps({**told, **entries}))
    return open_renderer(place), transformers.AutoTokenizer.from_pretrained(place)


@pytest.mark.parametrize("name", TALKS)
@pytest.mark.parametrize(
    "entries",
    [
        {"normalizer": {"type": "NFC"}},
        {"post_processor": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}},
        {"truncation": {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0}},
        {"padding": {"strategy": {"Fixed": 99}, "direction": "Left", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0,
                     "pad_token": "<|endoftext|>"}},
    ],
    ids=["normalizer", "post_processor", "truncation", "padding"],
)  # fmt: skip
def test_what_a_tokenizer_does_besides_changes_no_row(tiny_folder, tmp_path, entries, name):
    row = same(*changed(tiny_folder, tmp_path / "model", **entries), talk(name))
    assert row.ends


@pytest.mark.parametrize("name", TALKS)
def test_special_tokens_that_take_in_spaces_are_no_part_of_an_answer(tiny_folder, tmp_path, name):
    told = json.loads((tiny_folder / "tokenizer.json").read_text())["added_tokens"]
    changed(tiny_folder, tmp_path / "model", added_tokens=[{**one, "rstrip": True} for one in told])
    (tmp_path / "model" / "chat_template.jinja").write_text(
        "{% for message in messages %}<|im_start|>{{ message.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>{% endif %}"
    )
    ours, theirs = open_renderer(tmp_path / "model"), transformers.AutoTokenizer.from_pretrained(tmp_path / "model")
    row = same(ours, theirs, talk(name))
    assert (row.alike, row.ends) == (True, True)
    assert row.ids[row.prompt - 1] == 1


@pytest.mark.parametrize("scheme", ["first", "always", "never"])
@pytest.mark.parametrize("name", TALKS)
def test_a_sentencepiece_tokenizer_renders_alike(tmp_path, scheme, name):
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

    words = ["<unk>", "<|im_start|>", "<|im_end|>", "\u2581", *"abcdefghijklmnopqrstuvwxyz"]
    words += [f"<0x{byte:02X}>" for byte in range(256)]
    vocabulary = {word: place for place, word in enumerate(words)}
    whole = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>", byte_fallback=True))
    whole.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=False)
    whole.add_special_tokens([AddedToken("<|im_start|>", special=True), AddedToken("<|im_end|>", special=True)])
    theirs = transformers.PreTrainedTokenizerFast(tokenizer_object=whole, eos_token="<|im_end|>", unk_token="<unk>")
    theirs.chat_template = CHATML
    theirs.save_pretrained(tmp_path)
    row = same(open_renderer(tmp_path), transformers.AutoTokenizer.from_pretrained(tmp_path), talk(name))
    assert row.ends


def test_nulls_and_thoughts_reach_the_template_as_transformers_hands_them_over(with_template):
    ours, theirs = with_template(
        "{% for one in messages %}{{ one.keys() | sort | join(' ') }}: {{ one.thinking }}"
        "/{{ one.reasoning_content }};{% endfor %}"
    )
    messages = [{"role": "user", "content": None, "name": None}]
    messages += [
        {"role": "assistant", "content": "x", key: "hm"} for key in ("reasoning", "thinking", "reasoning_content")
    ]
    assert ours.text(messages) == theirs.apply_chat_template(messages, tokenize=False)
