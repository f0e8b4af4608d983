"""Every brute-force figure of the real data, found again through the real reader and the real rules."""

import json

import polars as pl
import pytest
from vetset.curate import Given, read
from vetset.curate.duplicates.exact import find_exact, find_normalised
from vetset.curate.labels.conflict import conflict_figures, find_conflict
from vetset.curate.leakage.exact import leak_figures
from vetset.curate.quality.lengths import find_empty
from vetset.curate.quality.roles import find_roles
from vetset.curate.splits.random_split import expected_group_leak
from vetset.curate.text import fold_all, keys, turns

REPOSITORY = "meta.url~github.com/([^/]+/[^/]+)"
LLAMA = {
    "lf_alpaca_en": "alpaca_en", "lf_alpaca_zh": "alpaca_zh", "lf_dpo_en": "dpo_en", "lf_dpo_zh": "dpo_zh", "lf_kto_en": "kto_en",
    "lf_glaive_en": "glaive_toolcall_en", "lf_glaive_zh": "glaive_toolcall_zh",
}  # fmt: skip
CUTS = {"dedupe-only": "dedupe-only", "0.9": "similarity-0.9", "0.6": "similarity-0.6"}  # three of the five are there


@pytest.fixture(scope="session")
def facts(shared):
    return json.loads((shared / "facts.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def rows_of(shared, tmp_path_factory):
    """Read a shared set once a session; every record is a row or a reject."""
    done = {}

    def rows(given, **columns):
        key = (given, *sorted(columns.items()))
        if key not in done:
            result = read([shared / given], tmp_path_factory.mktemp("set") / "s.vet", columns=Given(**columns))
            assert result.rejects == 0
            done[key] = result.dataset.rows
        return done[key]

    return rows


def repeats(found, rows):
    clusters = found.group_by("cluster").len()
    return {
        "surplus_rows": found.height, "groups": clusters.height, "rows_in_groups": found.height + clusters.height,
        "largest": (clusters["len"].max() or 0) + 1,
    }  # fmt: skip


def repeated(column):
    counts = column.drop_nulls().value_counts()["count"]
    groups = counts.filter(counts > 1)
    return {
        "surplus_rows": int((groups - 1).sum()), "groups": len(groups), "rows_in_groups": int(groups.sum()),
        "largest": int(counts.max()),
    }  # fmt: skip


def conflicts(rows, row_keys, *, folded):
    figures = conflict_figures(find_conflict(rows, row_keys, folded=folded))
    return {"groups": figures.groups, "rows": figures.rows, "rows_not_majority": figures.rows_not_majority}


def compare(rows, fact, *, prompt=None):
    """Hold everything that facts.json says of a set against what the rules say."""
    row_keys = keys(rows)
    assert rows.height == fact["rows"]
    if "splits" in fact and set(fact["splits"]) != {"all"}:
        assert dict(rows.group_by("split").len().iter_rows()) == fact["splits"]
    assert repeats(find_exact(rows), rows) == fact["exact_dup_pairs_in_out"]
    asked = rows["messages"].list.first().struct.field("content") if prompt == "first" else row_keys["input"]
    assert repeated(asked) == fact["exact_dup_prompt"]
    if "norm_dup_pairs_in_out" in fact:
        assert repeats(find_normalised(rows, row_keys), rows) == fact["norm_dup_pairs_in_out"]
        assert repeated(row_keys["input_folded"]) == fact["norm_dup_prompt"]
    if (
        prompt != "first"
    ):  # the facts take the first turn for the prompt there, which is no conflict (README of the data)
        assert conflicts(rows, row_keys, folded=False) == fact["conflict_raw"]
        if "conflict_norm" in fact:
            assert conflicts(rows, row_keys, folded=True) == fact["conflict_norm"]
    empty = find_empty(rows, turns(rows))
    assert empty["note"].str.contains("input").sum() == fact["empty_prompt"]
    assert empty["note"].str.contains("target|label").sum() == fact["empty_output"]
    if fact.get("labels") and isinstance(fact["labels"], int):
        assert rows["label"].n_unique() == fact["labels"]


def overlaps(rows, fact):
    figures = leak_figures(rows, keys(rows))
    raw = fact["overlap_raw"]
    assert figures["eval_rows"] == raw["eval_rows"]
    assert figures["raw"] == raw["eval_rows_in_train"]
    assert figures["distinct_raw"] == raw["distinct"]
    if "overlap_norm" in fact:
        assert figures["normalised"] == fact["overlap_norm"]["eval_rows_in_train"]
        assert figures["distinct_normalised"] == fact["overlap_norm"]["distinct"]


def grouped(groups, fact):
    known = groups.drop_nulls()
    counts = known.value_counts()["count"]
    assert len(known) == fact["rows_with_group"]
    assert len(counts) == fact["groups"]
    assert counts.max() == fact["largest_group"]
    assert (counts == 1).sum() == fact["singletons"]
    assert round(expected_group_leak(groups), 4) == fact["expected_leak"]


def test_support_chat(rows_of, facts):
    fact, rows = facts["support_chat"], rows_of("support_chat")
    compare(rows, fact)
    overlaps(rows, fact)
    grouped(rows["group"], fact["leak_by_conversation"])
    domains = rows["file"].str.extract(r"/(\w+)/\w+\.tsv$").value_counts()
    assert dict(domains.iter_rows()) == fact["by_domain"]
    per_group = rows.group_by("group").agg(pl.col("split").n_unique())
    assert per_group.height == fact["conversations"]
    assert (per_group["split"] > 1).sum() == fact["conversations_in_more_than_one_official_split"]
    texts = rows["messages"].list.first().struct.field("content")
    assert texts.str.contains("\n", literal=True).sum() == fact["rows_with_line_feed_in_utterance"]
    assert texts.str.contains("\t", literal=True).sum() == fact["rows_with_tab_in_utterance"]
    assert texts.str.len_chars().max() == fact["longest_prompt_chars"]
    assert rows["label"].str.len_chars().max() == fact["longest_output_chars"]


def test_bank_intents(rows_of, facts):
    fact, rows = facts["bank_intents"], rows_of("bank_intents")
    compare(rows, fact)
    overlaps(rows, fact)
    texts = rows["messages"].list.first().struct.field("content")
    assert texts.str.starts_with("\n").sum() == fact["leading_newline_rows"]
    assert (texts != texts.str.strip_chars()).sum() == fact["prompt_not_stripped"]


def test_github_issues(rows_of, facts):
    fact = facts["github_docs_issues"]
    rows = rows_of("github_docs_issues", group=REPOSITORY)
    compare(rows, fact)
    overlaps(rows, fact)
    grouped(rows["group"], fact["leak_by_repo"])
    assert rows["group"].n_unique() == fact["repos"]
    train = rows.filter(split="train")["group"]
    assert rows.filter(split="eval")["group"].is_in(train.to_list()).sum() == fact["eval_rows_whose_repo_is_in_train"]
    answers = rows.group_by("split", "label").len()
    assert {f"{split}:{label}": rows for split, label, rows in answers.iter_rows()} == fact["answers"]
    lengths = rows["messages"].list.first().struct.field("content").str.len_chars()
    assert (lengths > 20_000).sum() == fact["rows_over_20000_chars"]
    assert lengths.max() == fact["longest_prompt_chars"]


@pytest.mark.parametrize("name", LLAMA)
def test_llm_formats(rows_of, facts, name):
    fact, rows = facts["llm_formats"][name], rows_of(f"llm_formats/{LLAMA[name]}_demo.json")
    compare(rows, fact, prompt="first" if "glaive" in name else None)
    if "glaive" not in name:
        return
    flat = turns(rows)
    calls = flat["tool_calls"].is_not_null()
    found = {
        "human": (flat["role"] == "user").sum(), "gpt": ((flat["role"] == "assistant") & ~calls).sum(),
        "function_call": calls.sum(), "observation": (flat["role"] == "tool").sum(),
    }  # fmt: skip
    assert found == fact["roles"]
    assert rows["tools"].is_null().sum() == fact["rows_without_tools"]
    roles = find_roles(rows, flat)
    uncalled = roles.filter(pl.col("note").str.contains("(?i)result without a call|no call"))["id"]
    assert rows["id"].is_in(uncalled.to_list()).arg_true().to_list() == fact["rows_observation_without_call"]
    whole = rows.select(pl.struct("messages").hash()).to_series()
    assert repeated(whole)["surplus_rows"] == fact["dup_whole_conversation"]


def test_math_contamination(rows_of, facts):
    fact, rows = facts["math_contamination"], rows_of("math_contamination/gsm8k")
    figures = leak_figures(rows, keys(rows))
    assert (rows["split"] == "train").sum() == fact["train"]
    assert figures["eval_rows"] == fact["test"]
    assert figures["normalised"] == fact["test_in_train_norm"]
    rephrased = rows_of("math_contamination/decontaminator/rephrase/rephrase_gsm8k.jsonl")
    assert rephrased.height == fact["rephrase_vs_test"]["rows"]
    test = set(keys(rows.filter(split="test"))["input_folded"])
    assert len(test & set(keys(rephrased)["input_folded"])) == fact["rephrase_vs_test"]["norm_equal"]


@pytest.mark.parametrize("cut", CUTS)
def test_toolformer(rows_of, facts, shared, cut):
    given = f"toolformer_neardup/Toolformer/toolformer-{CUTS[cut]}-dataset.json"
    fact, rows = facts["toolformer_neardup"][cut], rows_of(given)
    if cut == "dedupe-only":
        compare(rows, fact)
        assert (rows["extra"] != "{}").sum() == 1  # the one row with a fourth key
    else:
        base = rows_of("toolformer_neardup/Toolformer/toolformer-dedupe-only-dataset.json")
        assert rows.height == fact["rows"]
        assert keys(rows)["input"].is_in(keys(base)["input"].to_list()).sum() == fact["prompt_in_base"]
        assert conflicts(rows, keys(rows), folded=True) == fact["conflict_norm"]


def test_pubmedqa(rows_of, facts, shared):
    fact = facts["pubmedqa"]
    rows = rows_of("pubmedqa/ori_pqal.json", text="QUESTION,CONTEXTS")
    test = json.loads((shared / "pubmedqa/test_ground_truth.json").read_text(encoding="utf-8"))
    side = rows["extra"].str.json_path_match("$._key").is_in(list(test))
    rows = rows.with_columns(split=pl.when(side).then(pl.lit("test")).otherwise(pl.lit("train")))
    compare(rows, fact)
    assert dict(rows["label"].value_counts().iter_rows()) == fact["labels_count"]
    assert rows["time"].null_count() == fact["year_missing"]
    assert rows["time"].dt.year().min() == fact["year_range"][0]
    assert rows["time"].dt.year().max() == fact["year_range"][1]


def test_smart_contracts(shared, facts, tmp_path):
    fact = facts["smart_contracts"]
    rows = read(
        [shared / "smart_contracts/dataset/**/*.sol"], tmp_path / "s.vet", columns=Given(label="_folder")
    ).dataset.rows
    compare(rows.with_columns(split=pl.lit("all")), fact)
    assert dict(rows["label"].value_counts().iter_rows()) == fact["categories"]
    assert rows["messages"].list.first().struct.field("content").str.len_chars().max() == fact["longest_prompt_chars"]
    listed = read(
        [shared / "smart_contracts/vulnerabilities.json"],
        tmp_path / "v.vet",
        columns=Given(text="path", group="source"),
    ).dataset.rows
    grouped(listed["group"], fact["leak_by_source_url"])


def test_arabic_sentiment(rows_of, facts):
    fact, rows = facts["arabic_sentiment"], rows_of("arabic_sentiment")
    compare(rows, fact)
    overlaps(rows, fact)
    original = rows["extra"].str.json_path_match("$.original_sentiment")
    assert (rows["label"] != original).sum() == fact["sentiment_vs_original_differs"]
    assert dict(rows["source"].value_counts().iter_rows()) == fact["by_source"]
    texts = rows["messages"].list.first().struct.field("content")
    assert texts.str.starts_with('"').sum() == fact["leading_quote_rows"]
    assert texts.str.contains("[\u200b-\u200d\u2060\ufeff]").sum() == fact["zero_width_rows"]


def test_folding_is_the_facts_own(rows_of):
    from vetset.curate.text import fold

    texts = rows_of("arabic_sentiment")["messages"].list.first().struct.field("content")
    assert fold_all(texts).to_list() == [fold(text) for text in texts]
