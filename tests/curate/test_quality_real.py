"""The quality rules on real sets: figures that were counted by brute force, and findings that were read one by one."""

import csv
import json

import pytest
from vetset.curate import text
from vetset.curate.dataset import frame
from vetset.curate.quality import encoding_faults, leftovers, outputs_schema, roles
from vetset.curate.quality import lengths as quality

SPEAKERS = {"human": "user", "gpt": "assistant", "observation": "tool"}


def turn(said):
    if said["from"] != "function_call":
        return {"role": SPEAKERS.get(said["from"], said["from"]), "content": said["value"]}
    made = json.dumps([{"type": "function", "function": json.loads(said["value"])}])
    return {"role": "assistant", "content": None, "tool_calls": made}


def sharegpt(path):
    return frame(
        [
            {"messages": [turn(said) for said in row["conversations"]], "tools": row["tools"]}
            for row in json.loads(path.read_text(encoding="utf-8"))
        ]
    )


def pairs(path, question="instruction", answer="output"):
    return frame(
        [
            {"messages": [{"role": "user", "content": row[question]}, {"role": "assistant", "content": row[answer]}]}
            for row in json.loads(path.read_text(encoding="utf-8"))
        ]
    )


def table(paths, column, label, delimiter=","):
    records = []
    for path in sorted(paths):
        with path.open(encoding="utf-8", newline="") as lines:
            records += [
                {"messages": row[column], "label": row[label]} for row in csv.DictReader(lines, delimiter=delimiter)
            ]
    return frame(records)


def find(rule, rows):
    return rule(rows, text.turns(rows))


@pytest.fixture(scope="session")
def facts(shared):
    return json.loads((shared / "facts.json").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_support_chat_has_forty_empty_texts(shared, facts):
    rows = table((shared / "support_chat").glob("*/*.tsv"), "utterance", "intent", "\t")
    found = find(quality.find_empty, rows)
    assert found.height == facts["support_chat"]["empty_prompt"] == 40
    assert find(outputs_schema.find_schema, rows).is_empty()


def test_arabic_tweets_hold_ten_zero_width_rows_of_which_six_are_faults(shared, facts):
    rows = table((shared / "arabic_sentiment").glob("*.csv"), "tweet", "sentiment")
    counted = encoding_faults.zero_width_rows(rows, text.turns(rows))
    assert counted == {"rows": facts["arabic_sentiment"]["zero_width_rows"], "faults": 6, "spelling": 4}
    found = find(encoding_faults.find_encoding, rows)
    assert found["note"].str.contains("zero-width").sum() == counted["faults"]
    assert find(quality.find_empty, rows).is_empty()
    assert find(leftovers.find_template, rows).is_empty()


def test_the_longest_issues_are_found(shared, facts):
    lines = [
        json.loads(line)
        for path in sorted((shared / "github_docs_issues" / "assets").glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    rows = frame([{"messages": line["text"], "label": line["answer"]} for line in lines])
    told = quality.length_distribution(text.turns(rows))
    assert told["input"]["max"] == facts["github_docs_issues"]["longest_prompt_chars"]
    long = rows["messages"].list.first().struct.field("content").str.len_chars() > 20_000
    assert long.sum() == facts["github_docs_issues"]["rows_over_20000_chars"]
    assert set(rows["id"].filter(long)) <= set(find(quality.find_length, rows)["id"])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_results_without_a_call_are_the_rows_that_the_facts_name(shared, facts, language):
    rows = sharegpt(shared / "llm_formats" / f"glaive_toolcall_{language}_demo.json")
    fact = facts["llm_formats"][f"lf_glaive_{language}"]
    found = find(roles.find_roles, rows)
    orphans = found.filter(found["note"].str.contains("result without a call"))["id"].to_list()
    assert orphans == [rows["id"][at] for at in fact["rows_observation_without_call"]]
    assert found["note"].str.contains("gets no result").sum() == fact["call_without_observation"]
    assert found["note"].str.contains("not among").sum() == fact["calls_to_undeclared_tool"]
    assert found["note"].str.contains("not JSON|not a JSON").sum() == fact["function_call_not_json"]
    assert found["note"].str.contains("both the|unknown role|system's").sum() == 0
    assert found["note"].str.contains("do not fit").sum() == {"en": 1, "zh": 6}[language]


def test_stock_phrases_of_the_samples_are_found_in_both_languages(shared):
    english = find(leftovers.find_template, pairs(shared / "llm_formats" / "alpaca_en_demo.json"))
    chinese = find(leftovers.find_template, pairs(shared / "llm_formats" / "alpaca_zh_demo.json"))
    for found, least in ((english, 25), (chinese, 30)):
        assert found["note"].str.contains("speaks of itself|refusal").sum() >= least
        assert found["note"].str.len_chars().max() < 200


def test_clean_sets_stay_clean(shared):
    bank = table((shared / "bank_intents").glob("t*.csv"), "text", "category")
    for rule in (
        quality.find_empty,
        encoding_faults.find_encoding,
        leftovers.find_template,
        roles.find_roles,
        outputs_schema.find_schema,
    ):
        assert find(rule, bank).is_empty(), rule.__name__
    assert find(quality.find_length, bank).height < 0.01 * bank.height
