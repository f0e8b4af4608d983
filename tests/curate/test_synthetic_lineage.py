"""The lineage of synthetic rows, and what is known of their teachers' terms."""

import re
import time
from datetime import date

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetset.curate.dataset import frame
from vetset.curate.distill.lineage import (
    SYNTHETIC,
    Lineage,
    Teacher,
    Verdict,
    ancestors,
    is_synthetic,
    lineage_of,
    synthetic,
)
from vetset.curate.distill.teachers import OPEN, STATED, WORDS, terms_of, terms_of_rows
from vetset.curate.distill.terms_table import HOSTS, MODELS, SEEN
from vetset.curate.leakage.parents import find_parent
from vetset.curate.rules import RULES, Material
from vetset.tests.curate.children_made import child

words = st.text(max_size=8)
lineages = st.builds(
    Lineage,
    parents=st.lists(words, max_size=3).map(tuple),
    teacher=st.builds(Teacher, model=words, url=st.none() | words, revision=st.none() | words),
    run=st.none() | words,
    cell=st.dictionaries(words, words, max_size=2),
    tokens=st.none() | st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)),
    cost=st.none() | st.floats(0, 10, allow_nan=False),
    verdicts=st.lists(
        st.builds(Verdict, gate=words, verdict=st.sampled_from(["pass", "review", "reject"])), max_size=2
    ).map(tuple),
    fate=st.sampled_from(["accepted", "review"]),
    why=st.none() | words,
    made_extra=st.dictionaries(words, st.integers(-5, 5), max_size=2),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)


@given(lineages)
def test_a_lineage_comes_back_as_it_was_written(told):
    assert lineage_of(told.to_extra({"note": "kept"})) == told


@given(json_values)
def test_no_value_under_distill_stops_anybody(value):
    extra = msgspec.json.encode({"distill": value}).decode()
    told = lineage_of(extra)
    is_one = isinstance(value, dict) and isinstance(value.get("parents"), list) and "teacher" in value
    assert (told is not None) == is_one
    assert synthetic(pl.DataFrame({"id": ["a"], "extra": [extra]})).schema == SYNTHETIC


@given(st.dictionaries(st.sampled_from([field.name for field in msgspec.structs.fields(Lineage)]), json_values))
def test_a_row_stays_synthetic_whatever_stands_in_the_other_fields(fields):
    found = {**fields, "parents": ["a-0"], "teacher": {"model": "m"}}
    told = lineage_of(msgspec.json.encode({"distill": found}).decode())
    assert (told.parents, told.teacher.model) == (("a-0",), "m")


@pytest.mark.parametrize(
    "extra",
    [
        "{}",
        '{"distill": true}',
        '{"distill": {"parents": ["a"]}}',
        '{"text": "the \\"distill\\" of"}',
        "[]",
        '["distill"]',
    ],
)
def test_a_field_of_that_name_that_is_somebody_elses_makes_no_synthetic_row(extra):
    rows = frame([{"messages": "hi", "extra": extra}])
    assert synthetic(rows).is_empty()
    assert not is_synthetic(rows).any()


def test_numbers_that_no_column_holds_and_texts_without_end_stop_nobody():
    deep = (
        '{"distill": {"parents": [], "teacher": {"model": "m"}, "made_extra": '
        + '{"a":' * 9000
        + "1"
        + "}" * 9000
        + "}}"
    )
    for extra in (
        '{"distill": {"parents": [], "teacher": {"model": "m"}, "tokens": [99999999999999999999999, 1], "cost": 1e400}}',
        '{"distill": {"parents": [], "teacher": {"model": "m"}, "tokens": [-5, 1]}}',
        deep,
    ):
        made = synthetic(frame([{"messages": "hi", "extra": extra}]))
        assert made["tokens"].null_count() == made.height


def test_the_frame_tells_what_the_rows_do_in_their_order():
    rows = frame([child("two", "a-0", "b-0", fate="review", why="votes differ"), {"messages": "real"}, child("one")])
    made = synthetic(rows)
    assert made["id"].to_list() == [rows["id"][0], rows["id"][2]]
    assert made["parents"].to_list() == [["a-0", "b-0"], []]
    assert made.row(0, named=True) | {"id": ""} == {
        "id": "", "draft": "d-two", "run": "first", "kind": "labelled", "teacher": "HuggingFaceTB/SmolLM2-360M-Instruct",
        "revision": "r1", "url": None, "terms": None, "recipe": "c" * 64, "parents": ["a-0", "b-0"], "fate": "review",
        "why": "votes differ", "cell": '{"label":"none"}', "prompt_tokens": 120, "completion_tokens": 30, "tokens": 150,
        "cost": 0.002, "currency": "EUR", "made": "2026-11-20", "prompt_sha256": "a" * 64, "response_sha256": "b" * 64,
        "verdicts": '[{"gate":"distill.schema","verdict":"pass"},'
        '{"gate":"distill.judge","verdict":"pass","score":0.8,"note":"clear"}]',
    }  # fmt: skip


def test_ancestors_go_through_synthetic_parents_and_end_in_a_circle():
    rows = frame([child("b", "a-0"), child("c"), child("d")])
    b, c, d = rows["id"]
    made = synthetic(rows).with_columns(parents=pl.Series([["a-0"], [b, d], [c]]))
    found = {tuple(sorted(ids)) for ids in ancestors(made).group_by("id").agg("ancestor")["ancestor"].to_list()}
    assert found == {("a-0",), tuple(sorted(["a-0", b, c, d]))}


def test_a_set_without_synthetic_rows_costs_next_to_nothing():
    rows = pl.DataFrame({"id": [str(number) for number in range(500_000)], "extra": ['{"channel":"mail"}'] * 500_000})
    began = time.process_time()
    assert synthetic(rows).is_empty()
    assert time.process_time() - began < 0.5  # measured: 0.01 s


# ---- rules ----------------------------------------------------------------------------------------------------------


def test_a_child_of_an_eval_row_is_found_in_train_alone_and_names_its_parent():
    real = frame([{"messages": f"row {n}", "split": split} for n, split in enumerate(["train", "test", "dev"])])
    train, test, dev = real["id"]
    kids = frame([
        child("good", train, split="train"), child("bad", train, test, split="train"), child("aside", test),
        child("worse", dev, split="train"),
    ])  # fmt: skip
    found = find_parent(pl.concat([real, kids]))
    assert found.select("id", "peer").rows() == [(kids["id"][1], test), (kids["id"][3], dev)]
    assert found["note"][0] == f"It was made from {test}, which stands in the split test."
    assert set(found["suggest"]) == {"drop"}


def test_a_grandchild_of_an_eval_row_is_found():
    real = frame([{"messages": "asked", "split": "test"}])
    first = frame([child("once more", real["id"][0])])
    second = frame([child("deeper", first["id"][0], split="train")])
    assert find_parent(pl.concat([real, first, second]))["peer"].to_list() == [real["id"][0]]


def test_a_child_of_a_row_of_an_eval_file_is_found_by_what_the_row_says():
    there = frame([{"messages": "same"}, {"messages": "same"}, {"messages": "asked"}])
    kids = frame([child("a", there["id"][1].replace("-1", "-7")), child("b", "0" * 20 + "-0")])
    found = find_parent(kids, against=there)
    assert found["id"].to_list() == [kids["id"][0]]
    assert found["peer"].to_list() == [None]
    assert "which stands in the eval file" in found["note"][0]


def test_rows_under_review_and_closed_terms_are_found():
    rows = frame([
        child("a", fate="review", why="ask ann@example.com"), child("b", model="gpt-4o-mini"), child("c", model="my-own"),
        child("d", model="gpt-4o-mini", terms={"training": "allowed", "source": "contract 7", "dated": "2026-01-02"}),
        {"messages": "real"},
    ])  # fmt: skip
    material = Material(rows)
    review, terms = (RULES[name].find(material) for name in ("synthetic.review", "licences.teacher"))
    assert review["id"].to_list() == [rows["id"][0]]
    assert review["note"].to_list() == ["A gate left it for a person: ask [mail address]."]
    assert terms["id"].to_list() == rows["id"][1:3].to_list()
    assert terms["score"].to_list() == [0.8, 1.0]
    assert "not for models that compete (https://openai.com/policies/terms-of-use/" in terms["note"][0]
    assert terms["note"][1].endswith("'my-own' for the training of other models: unknown.")


@pytest.mark.parametrize("rule", ["leakage.parent", "synthetic.review", "licences.teacher"])
def test_rules_on_synthetic_rows_find_nothing_in_a_set_of_real_ones(rule, bank):
    rows = frame([{"messages": text, "label": label} for text, label in bank.head(50).iter_rows()])
    assert RULES[rule].find(Material(rows)).is_empty()
    assert RULES[rule].find(Material(rows.head(0))).is_empty()


# ---- terms ----------------------------------------------------------------------------------------------------------

KNOWN = {
    "meta-llama/Llama-3.1-8B-Instruct": "with-name", "llama3.1:8b": "with-name", "meta-llama/Meta-Llama-3-8B": "same-family",
    "Llama-2-7b-chat-hf": "same-family", "llama-3-70b": "same-family", "Llama-4-Scout-17B": "with-name",
    "TinyLlama-1.1B-Chat": "allowed", "gpt-4o-mini": "no-competing", "gpt-oss-20b": "allowed", "gpt2": "unknown",
    "claude-sonnet-4-5": "no-competing", "gemini-2.5-flash": "no-competing", "gemma-7b": "with-terms",
    "gemma-3-27b-it": "with-terms", "gemma-4-31b-it": "allowed", "DeepSeek-R1": "allowed",
    "DeepSeek-R1-Distill-Llama-70B": "with-name", "DeepSeek-V3": "with-terms", "DeepSeek-V3.1": "allowed",
    "Qwen/Qwen3-8B": "allowed", "qwen3-max": "unknown", "qwen3.5-4b": "unknown", "Qwen2.5-7B-Instruct": "allowed",
    "Qwen2.5-3B-Instruct": "non-commercial", "Qwen2.5-72B-Instruct": "with-name", "Mixtral-8x7B-Instruct-v0.1": "allowed",
    "Mistral-Large-Instruct-2411": "non-commercial", "mistral-large-latest": "unknown", "phi-4": "allowed",
    "/models/llama-3/SmolLM2-135M-Instruct/": "allowed", "OLMo-2-1124-7B": "allowed", "c4ai-command-r-plus": "non-commercial",
    "canned:replies.json": "unknown", "": "unknown", "my/llama": "unknown",
}  # fmt: skip


@pytest.mark.parametrize(("model", "training"), KNOWN.items())
def test_a_model_has_the_terms_of_its_family(model, training):
    assert terms_of(model).training == training


def test_the_servers_terms_go_before_the_models():
    assert terms_of("Qwen3-8B", "https://api.openai.com/v1").name == "OpenAI"
    assert terms_of("mistral-7b", "https://api.mistral.ai/v1").training == "unknown"
    for own in ("http://localhost:8000/v1", "https://not-openai.com.example/v1", "http://[broken"):
        assert terms_of("Qwen3-8B", own).name == "Qwen3"


def test_the_recipes_word_goes_before_the_tables_and_is_told_as_such():
    said = terms_of("gpt-4o", None, {"training": "allowed", "source": "contract 7", "dated": "2026-01-02"})
    assert (said.training, said.source, said.by, said.open) == ("allowed", "contract 7", "recipe", True)
    assert "vetset's table has: not for models that compete" in said.says
    assert terms_of("gpt-4o", None, {"training": "whatever"}).by == "vetset"


def test_every_line_of_the_table_has_a_word_a_source_and_a_pattern_that_compiles():
    for line in (*HOSTS, *MODELS):
        assert line.training in WORDS
        assert line.source.startswith("https://")
        assert line.says.endswith(".")
        re.compile(line.pattern)
    assert date.fromisoformat(SEEN) >= date(2026, 11, 1)
    assert set(STATED) | OPEN <= set(WORDS)


def test_terms_of_rows_keep_the_order_of_the_rows():
    rows = frame([child("a", model="phi-4"), child("b", model="x"), child("c", model="phi-4")])
    found = terms_of_rows(synthetic(rows))
    assert found["id"].to_list() == rows["id"].to_list()
    assert found["training"].to_list() == ["allowed", "unknown", "allowed"]
