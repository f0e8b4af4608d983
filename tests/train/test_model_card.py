"""The model card: a head that the hub reads, a short body, and nothing in it that a user's text could make happen."""

import html
import re

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from vetset.train.adapters.lineage import Base, Data, Lineage, Parent
from vetset.train.adapters.model_card import card, license_of, write_card
from vetset.train.curves import Curves

EVIL = "x\n---\nlicense: mit\n# head <script>1</script> ![a](http://evil.example/a.png) {{x}} | `c` ann@example.com \x1b[31m"
LORA = {"r": 16, "peft_type": "LORA"}


def lineage(**said):
    told = {
        "format": 1, "finished": "2026-11-23T00:00:00+00:00", "task": "intents", "method": "sft",
        "recipe": {"epochs": 1.0, "batch": 8, "data": "d.jsonl"},
        "data": Data(path="../d.jsonl", sha256="ab" * 32, rows=500, licenses={"CC-BY-4.0": 500}),
        "base": Base(name="models/tiny", path="../tiny", digest="sha256:00", license="apache-2.0"),
        "curves": Curves(steps=63, first_loss=2.5, last_loss=0.5), "tokens": 12_345, "seconds": 390.0, "device": "cpu",
    }  # fmt: skip
    return Lineage(**{**told, **said})


def head(text):
    assert text.startswith("---\n")
    return yaml.safe_load(text.split("\n---\n", 1)[0].removeprefix("---\n"))


def test_the_head_is_what_the_hub_reads_and_the_body_is_short():
    text = card(lineage(), LORA)
    assert head(text) == {
        "base_model": "tiny", "base_model_relation": "adapter", "library_name": "peft", "pipeline_tag": "text-generation",
        "license": "other", "license_name": "apache-2.0-and-cc-by-4.0", "tags": ["vetset", "lora", "sft"],
    }  # fmt: skip
    body = text.split("\n---\n", 1)[1]
    assert [line for line in body.splitlines() if line.startswith("#")] == [
        "# intents", "## Data", "## Training", "## Evaluation", "## Limits",
    ]  # fmt: skip
    for said in (
        "rank 16",
        "500 rows",
        "63",
        "2\\.5 to 0\\.5".replace("\\", ""),
        "12,345",
        "390 s on cpu",
        "Unknown: nobody",
    ):
        assert said in body
    assert "Energy" not in body
    assert len(body.split()) < 300


def test_the_hub_reads_it_as_its_own_library_does(tmp_path):
    hub = pytest.importorskip("huggingface_hub")
    told = lineage(base=Base(name="owner/model", digest="sha256:0", revision="c0ffee", license="apache-2.0"), task=EVIL)
    write_card(tmp_path, told)
    data = hub.ModelCard.load(tmp_path / "README.md").data
    assert (data.base_model, data.library_name, data.license) == ("owner/model", "transformers", "other")


def test_a_hub_name_stays_whole_and_a_path_of_this_machine_does_not_leave_it():
    hub = card(lineage(base=Base(name="owner/model", digest="d", license="mit", revision="c0ffee")), LORA)
    assert head(hub)["base_model"] == "owner/model"
    assert "c0ffee" in hub
    text = card(
        lineage(base=Base(name="/home/ann/models/tiny", path="../../models/tiny"), recipe={"base": "/home/ann/m"}), LORA
    )
    assert "/home/ann" not in text
    assert "ann/models" not in text


@pytest.mark.parametrize(
    "field", ["task", "method", "device", "base", "path", "license", "recipe", "version", "parent"]
)
def test_no_text_of_a_user_is_obeyed(field):
    said = {
        "base": {"base": Base(name=EVIL, license=EVIL, digest=EVIL, revision=EVIL)},
        "path": {"data": Data(path=f"../{EVIL}", sha256=EVIL, rows=1, licenses={"MIT": 1})},
        "license": {"data": Data(rows=1, licenses={EVIL: 1})},
        "recipe": {"recipe": {"epochs": EVIL, "batch": EVIL, EVIL: EVIL}},
        "version": {"versions": {EVIL: EVIL}},
        "parent": {"parents": [Parent(name=EVIL, path=EVIL, digest=EVIL, weight=1.0)]},
    }.get(field, {field: EVIL})
    verdict = {"verdict": EVIL, "reason": EVIL, "evalset": {"name": EVIL, "part": EVIL}}
    text = card(lineage(**said), LORA, verdict)
    assert head(text)["library_name"] == "peft"
    assert head(text)["license"] != "mit" or field != "task"
    body = text.split("\n---\n", 1)[1]
    assert "\x1b" not in text
    assert "ann@example.com" not in body
    outside = re.sub(r"`[^`\n]*`|^    .*$", "", body, flags=re.MULTILINE)  # between the marks of code nothing is obeyed
    assert "<script" not in outside
    assert "http://" not in outside
    assert not re.search(r"(?<!\\)\]\(", outside)
    assert "\n# head" not in body
    assert body.count("\n---") == 0


@given(st.text(), st.text(), st.text())
def test_whatever_the_texts_the_head_stays_a_mapping_of_the_same_keys(task, base, method):
    told = lineage(task=task, base=Base(name=base), method=method)
    found = head(card(told, LORA))
    assert found.keys() == head(card(lineage(base=Base(name="b")), LORA)).keys()
    assert found["license"] == "unknown"
    assert found["tags"][2:] == ([method] if method else [])


def test_a_licence_that_nobody_knows_is_said_and_never_made_up():
    assert license_of(lineage(data=Data(rows=1)))[0] == "unknown"
    assert "Of the data: unknown; of the base: apache" in license_of(lineage(data=Data(rows=1)))[1]
    assert license_of(lineage(base=Base(name="b")))[0] == "unknown"
    assert license_of(lineage(data=Data(rows=2, licenses={"MIT": 1, "unknown": 1})))[0] == "unknown"
    text = card(lineage(data=Data(rows=1)), LORA)
    assert head(text)["license"] == "unknown"
    assert "before you pass this on" in text


def test_the_strictest_licence_is_said_and_one_for_all_is_the_adapters():
    name, said = license_of(lineage(data=Data(rows=3, licenses={"CC-BY-NC-4.0": 1, "CC0-1.0": 2})))
    assert name == "Apache-2.0 and CC-BY-NC-4.0 and CC0-1.0"
    assert "no commercial use" in said
    alike = lineage(data=Data(rows=3, licenses={"Apache 2.0": 3}))
    assert license_of(alike)[0] == "Apache-2.0"
    assert head(card(alike, LORA))["license"] == "apache-2.0"


def test_general_rows_count_among_the_licences():
    told = lineage(general=Data(rows=5, licenses={}), data=Data(rows=2, licenses={"MIT": 2}))
    assert license_of(told)[0] == "unknown"


def test_a_merged_model_names_its_parents_and_a_verdict_is_shown():
    parents = [Parent(name="a", path="../a", digest="sha256:1", weight=0.5)]
    text = card(lineage(parents=parents), None, {"verdict": "hold", "reason": "forgetting: lost"})
    assert head(text)["base_model_relation"] == "finetune"
    assert "- a by 0.5" in text
    assert "**hold**: forgetting" in html.unescape(text)


def test_few_rows_and_missing_general_rows_are_limits():
    text = card(lineage(data=Data(rows=40, licenses={"MIT": 40})), LORA)
    assert "Fewer than 500" in text
    assert "forgotten" in text
    assert "Fewer than 500" not in card(
        msgspec.structs.replace(lineage(), general=Data(rows=9, licenses={"MIT": 9})), LORA
    )
