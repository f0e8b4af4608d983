"""The rules ``privacy.*``: which rows hold what, never shown, and what an edit makes of them."""

import json

import polars as pl
import pytest
from vetset.curate import findings
from vetset.curate.checking import check
from vetset.curate.dataset import Dataset, frame
from vetset.curate.decisions.applied import apply, head_for
from vetset.curate.decisions.deciding import decide_by_rule
from vetset.curate.decisions.ledger import Ledger
from vetset.curate.decisions.policy import DEFAULT_BLOCK
from vetset.curate.distill.lineage import Lineage, Teacher
from vetset.curate.masking import mask
from vetset.curate.material import Material
from vetset.curate.privacy import find
from vetset.curate.privacy.in_rows import RULES as KINDS
from vetset.curate.privacy.in_rows import private
from vetset.curate.rules import RULES
from vetset.curate.text import turns
from vetset.tests.curate.test_privacy import bench

CARD, MAIL, PHONE = "4111 1111 1111 1111", "ann@firma.ie", "+49 170 1234560"
VALUES = {
    "privacy.email": MAIL,
    "privacy.card": CARD,
    "privacy.iban": "DE89370400440532013000",
    "privacy.ssn": "219-45-6789",
    "privacy.phone": PHONE,
    "privacy.ip": "93.184.216.34",
    "privacy.secret": "hf_" + "aB3dE5gH7jK9" * 3,
    "privacy.private_key": "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIIrYSSNQ\n-----END EC PRIVATE KEY-----",
    "privacy.url_credentials": "redis://ann:hunter2@db",
}


def found(rule, *rows):
    material = Material(frame([row if isinstance(row, dict) else {"messages": row} for row in rows]))
    return material, RULES[rule].find(material)


def test_every_kind_has_its_rule_and_every_rule_its_kind():
    assert (
        {rule for rule, _ in KINDS.values()} == {rule for rule in RULES if rule.startswith("privacy.")} == set(VALUES)
    )


@pytest.mark.parametrize(("rule", "value"), VALUES.items())
def test_a_row_is_found_once_and_its_note_shows_no_value(rule, value):
    material, hit = found(rule, "nothing here", f"it is {value}, again {value}", f"and {value}")
    assert hit.schema == findings.SCHEMA
    assert hit["id"].to_list() == material.rows["id"].to_list()[1:]
    assert not any(value in note or value.split()[0] in note for note in hit["note"])
    assert "2 " in hit["note"][0]
    assert "[" in hit["note"][0]
    figures = RULES[rule].figures(material, hit)
    assert figures == {"rows": 2, "found": 3, "different": 1}
    assert value not in json.dumps(figures)


def test_clean_rows_and_no_rows_give_nothing():
    for rows in ([], ["hello", "order 4111 1111 1111 1112", ""]):
        for rule in VALUES:
            material, hit = found(rule, *rows)
            assert hit.is_empty()
            assert hit.schema == findings.SCHEMA
            assert RULES[rule].figures(material, hit) == {}


def chat(**more):
    call = json.dumps([{"type": "function", "function": {"name": "f", "arguments": json.dumps({"to": MAIL})}}])
    return {
        "messages": [
            {"role": "user", "content": f"my card is {CARD}"},
            {"role": "assistant", "content": None, "tool_calls": call},
            {"role": "tool", "content": "sent", "tool_call_id": "1"},
            {"role": "assistant", "content": f"sent to {MAIL}"},
        ],
        **more,
    }


def test_an_edit_masks_all_kinds_in_all_messages_and_changes_nothing_else():
    material, hit = found("privacy.card", chat())
    _, mails = found("privacy.email", chat())
    assert hit["suggest"].to_list() == ["edit"]
    assert hit["value"].to_list() == mails["value"].to_list()  # or two findings of a row would never agree
    was, now = material.rows["messages"][0].to_list(), json.loads(hit["value"][0])
    assert [one["role"] for one in now] == [one["role"] for one in was]
    assert [one["content"] for one in now] == ["my card is [card number]", None, "sent", "sent to [mail address]"]
    assert json.loads(json.loads(now[1]["tool_calls"])[0]["function"]["arguments"]) == {"to": "[mail address]"}
    assert now[2] == was[2]
    assert mails["note"][0].startswith("Holds 2 mail addresses, the first in the tool calls of message 2: ")


@pytest.mark.parametrize("column", ["rejected", "label", "tools"])
def test_what_stands_outside_of_the_messages_is_found_and_left_to_a_person(column):
    row = {"messages": "hello", column: f'{{"call": "{PHONE}"}}'}
    _, hit = found("privacy.phone", row)
    assert hit.select("suggest", "value").row(0) == ("review", None)
    assert PHONE not in hit["note"][0]


def test_what_a_teacher_gave_beside_its_row_is_found_and_left_to_a_person():
    more = {"rationale": f"call {PHONE}", "votes": {MAIL: 2}}
    extra = Lineage(parents=("a-0",), teacher=Teacher("tiny"), made_extra=more).to_extra()
    rows = {"messages": "hello", "extra": extra}, {"messages": "hello", "extra": json.dumps({"note": PHONE})}
    for rule, value in (("privacy.phone", PHONE), ("privacy.email", MAIL)):
        _, hit = found(rule, *rows)
        assert hit.select("suggest", "value").rows() == [("review", None)]
        assert "in what the teacher gave beside it" in hit["note"][0]
        assert value not in hit["note"][0]


def test_an_edit_that_would_break_a_tool_call_is_not_offered():
    call = json.dumps([{"type": "function", "function": {"name": "pay", "arguments": {"card": 4111111111111111}}}])
    row = {"messages": [{"role": "user", "content": "pay"}, {"role": "assistant", "tool_calls": call}]}
    _, hit = found("privacy.card", row)
    assert hit.select("suggest", "value").row(0) == ("review", None)


def test_a_check_holds_and_shows_no_value_and_an_edit_settles_all_of_a_row(make_set, tmp_path):
    rows = frame([{"messages": f"{rule} {value}"} for rule, value in VALUES.items()] + [{"messages": f"{CARD} {MAIL}"}])
    folder = make_set(tmp_path / "a.vet", rows)
    result = check(Dataset.open(folder), select=["privacy"])
    assert set(result.blocking) == {"privacy.card", "privacy.secret", "privacy.private_key", "privacy.url_credentials"}
    assert set(result.blocking) == {rule for rule in DEFAULT_BLOCK if rule.startswith("privacy.")}
    told = json.dumps([result.summary(), result.findings.to_dicts()])
    assert not any(json.dumps(value)[1:-1] in told for value in VALUES.values())
    for rule in VALUES:
        decide_by_rule(Dataset.open(folder), rule, "edit", reviewer="ann")
    with Ledger.open(folder) as ledger:
        vetted = apply(rows, head_for(ledger, rows).heads).rows
    assert vetted["id"].to_list() == rows["id"].to_list()
    again = Material(vetted)
    assert pl.concat([RULES[rule].find(again) for rule in VALUES]).is_empty()
    texts = [messages[0]["content"] for messages in vetted["messages"].to_list()]
    assert [mask(text) for text in texts] == texts


def test_the_first_look_lets_nothing_pass_that_the_finders_would_find():
    """The scan by polars only saves time: every positive of the seeded set goes through it."""
    made = [sample.text for sample in bench("privacy_set").samples(seed=9, each=60)]
    made += [text[: len(text) // 2] + "\u200b" + text[len(text) // 2 :] for text in made]
    made += ["\u00ad".join(text) for text in made[:600]]
    rows = frame([{"messages": text} for text in made])
    held = private(rows, turns(rows))
    assert held["row"].to_list() == [at for at, text in enumerate(made) if find(text)]
