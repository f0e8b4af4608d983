"""What settles by itself, what blocks, and which findings still stand."""

import json
import re

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vetset.curate import findings as table
from vetset.curate.dataset import frame
from vetset.curate.decisions.applied import HEADS, Ledger, head_for
from vetset.curate.decisions.decision import ACTIONS as DECIDABLE
from vetset.curate.decisions.policy import (
    ACTIONS,
    DEFAULT,
    DEFAULT_BLOCK,
    REVIEWER,
    Policy,
    load,
    policy_decisions,
    standing,
    withdrawn,
)
from vetset.curate.errors import UsageError
from vetset.curate.rules import RULES

NO_HEADS = pl.DataFrame(schema=HEADS)


def found(*lines: dict) -> pl.DataFrame:
    """Return findings; what a line leaves out is plain."""
    plain = {"score": 1.0, "note": "A note.", "suggest": "drop"}
    return (
        pl.DataFrame([{**plain, **line} for line in lines], schema=table.SCHEMA, orient="row")
        if lines
        else table.empty()
    )


def heads(*lines: dict) -> pl.DataFrame:
    plain = {"reviewer": "ann", "at": "2026-01-01T00:00:00.000000+00:00", "batch": "b"}
    full = [{**plain, "seq": seq, "content": line["row_id"].split("-")[0], **line} for seq, line in enumerate(lines, 1)]
    return pl.DataFrame(full, schema=HEADS, orient="row")


def decided(*args, **kwargs) -> list[tuple]:
    return [(d.row_id, d.action, d.value) for d in policy_decisions(*args, **kwargs)]


# The defaults and vetset.toml


def test_every_rule_has_a_default_that_can_be_carried_out():
    assert {rule for rule, action in DEFAULT.items() if action != "wait"} == {
        "duplicates.exact",
        "quality.empty",
        "preference.same",
    }
    assert set(DEFAULT.values()) <= set(ACTIONS)
    assert set(DEFAULT_BLOCK) <= set(DEFAULT)
    assert set(ACTIONS) - {"wait"} < set(DECIDABLE)


def test_every_rule_of_the_registry_stands_in_the_default_policy():

    assert set(RULES) == set(DEFAULT)


def test_what_the_user_says_of_a_family_beats_the_default_of_a_rule_and_the_longest_name_wins():
    policy = Policy({"duplicates": "wait", "quality": "keep", "quality.empty": "wait"})
    assert policy.action("duplicates.exact") == "wait"
    assert policy.action("quality.length") == "keep"
    assert policy.action("quality.empty") == "wait"
    assert policy.action("preference.same") == "drop"
    assert policy.action("duplicatesx.exact") == "wait"
    assert policy.action("some.new") == "wait"


def test_a_file_overrides_what_it_names_and_nothing_else(tmp_path):
    file = tmp_path / "vetset.toml"
    file.write_text(
        '[policy]\nduplicates = "wait"\n"duplicates.exact" = "drop"\nquality.length = "keep"\n'
        '[check]\nblock = ["leakage", "labels.conflict"]\n[train]\nepochs = 3\n'
    )
    policy = load(file)
    assert policy.own == {"duplicates": "wait", "duplicates.exact": "drop", "quality.length": "keep"}
    assert policy.block == ("labels.conflict", *(rule for rule in RULES if rule.startswith("leakage.")))
    file.write_text("")
    assert load(file) == load(None) == Policy()
    file.write_text("[check]\nblock = []\n")
    assert load(file).block == ()


def test_rules_that_the_registry_adds_can_be_named(tmp_path):
    file = tmp_path / "vetset.toml"
    file.write_text('[policy]\n"duplicates.near" = "drop"\n[check]\nblock = ["duplicates"]\n')
    rules = ["duplicates.exact", "duplicates.near"]
    assert load(file, rules=rules).action("duplicates.near") == "drop"
    assert load(file, rules=rules).block == ("duplicates.exact", "duplicates.near")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[policy]\n"quality.emtpy" = "drop"', "[policy] quality.emtpy: there is no rule 'quality.emtpy'; families"),
        ('[policy]\nqual = "drop"', "there is no rule 'qual'"),
        ('[policy]\n"quality.empty" = "delete"', "quality.empty: 'delete' is none of drop, keep, relabel, edit, wait"),
        ('[policy]\nquality.empty = ["drop"]', "[policy] quality.empty:"),
        ('[policy]\n"quality.empty" = "skip"', "'skip' is none of"),
        ('policy = "drop"', "policy is 'drop'; make it a table"),
        ("check = 3", "check is '3'; make it a table"),
        ("[check]\nblock = true", "[check] block is 'True'; give a list"),
        ('[check]\nblock = "labels"', "[check] block is 'labels'; give a list"),
        ('[check]\nblock = ["label"]', "[check] block: there is no rule 'label'"),
        ("[check]\nblock = [3]", "[check] block: there is no rule '3'"),
        ("[check]\nblocks = []", "[check] 'blocks' is no setting"),
        ('[policy]\nquality = "drop"\nquality.empty = "keep"', "is not TOML"),
        ("[policy\n", "is not TOML"),
    ],
)  # fmt: skip
def test_a_fault_in_the_file_is_said_with_file_and_key(tmp_path, text, said):
    file = tmp_path / "vetset.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=re.escape(said)) as caught:
        load(file)
    assert "vetset.toml" in str(caught.value)


def test_a_missing_file_and_bytes_that_are_no_text_are_said(tmp_path):
    with pytest.raises(UsageError, match=r"none\.toml can't be read"):
        load(tmp_path / "none.toml")
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe[\x00")
    with pytest.raises(UsageError, match="is not TOML"):
        load(tmp_path / "x.toml")


# Deciding


def test_what_the_policy_settles_is_dropped_once_with_the_rule_as_the_reason():
    findings = found(
        {"id": "a-1", "rule": "duplicates.exact", "peer": "a-0", "cluster": "a-0", "note": "Same as x.jsonl line 1."},
        {"id": "b-0", "rule": "quality.empty", "note": "空です。"},
        {"id": "b-1", "rule": "quality.empty"},
        {"id": "b-1", "rule": "preference.same"},
        {"id": "c-0", "rule": "quality.length", "suggest": "review"},
        {"id": "d-0", "rule": "some.new"},
    )
    decisions = policy_decisions(findings, Policy(), NO_HEADS)
    assert [(d.row_id, d.action, d.value) for d in decisions] == [
        ("a-1", "drop", None),
        ("b-0", "drop", None),
        ("b-1", "drop", None),
    ]
    assert decisions[0].reason == "duplicates.exact: Same as x.jsonl line 1."
    assert [d.rule for d in decisions] == ["duplicates.exact", "quality.empty", "quality.empty"]
    assert len({d.uid for d in decisions}) == 3


def test_no_finding_and_one_finding_are_fine():
    assert policy_decisions(table.empty(), Policy(), NO_HEADS) == []
    assert withdrawn(table.empty(), Policy(), NO_HEADS, checked=list(DEFAULT)) == []
    assert standing(table.empty(), NO_HEADS, frame([])).is_empty()
    assert decided(found({"id": "a-0", "rule": "quality.empty"}), Policy(), NO_HEADS) == [("a-0", "drop", None)]


def test_a_persons_standing_decision_is_never_touched_not_even_a_skip():
    findings = found(*({"id": f"{i}-0", "rule": "quality.empty"} for i in range(4)))
    people = heads(
        {"row_id": "0-0", "action": "keep"},
        {"row_id": "1-0", "action": "skip"},
        {"row_id": "2-0", "action": "relabel", "value": "x"},
    )
    assert decided(findings, Policy(), people) == [("3-0", "drop", None)]


def test_a_finding_that_asks_for_review_waits_unless_the_user_says_otherwise():
    findings = found({"id": "a-1", "rule": "duplicates.exact", "peer": "a-0", "suggest": "review"})
    assert decided(findings, Policy(), NO_HEADS) == []
    assert decided(findings, Policy({"duplicates": "drop"}), NO_HEADS) == [("a-1", "drop", None)]


def test_a_second_run_decides_nothing_anew():
    findings = found(
        {"id": "a-0", "rule": "quality.empty"},
        {"id": "b-0", "rule": "labels.conflict", "suggest": "relabel", "value": "x"},
    )
    policy = Policy({"labels.conflict": "relabel"})
    first = policy_decisions(findings, policy, NO_HEADS)
    stand = heads(
        *(
            {"row_id": d.row_id, "action": d.action, "value": d.value, "reviewer": REVIEWER, "rule": d.rule}
            for d in first
        )
    )
    assert len(first) == 2
    assert policy_decisions(findings, policy, stand) == []
    assert withdrawn(findings, policy, stand, checked=list(DEFAULT)) == []


def test_a_policy_that_changed_decides_anew_and_withdraws_what_it_would_not_decide_now():
    findings = found({"id": "a-0", "rule": "quality.empty"}, {"id": "b-0", "rule": "preference.same"})
    stand = heads(
        {"row_id": "a-0", "action": "drop", "reviewer": REVIEWER, "rule": "quality.empty"},
        {"row_id": "b-0", "action": "drop", "reviewer": REVIEWER, "rule": "preference.same"},
        {"row_id": "c-0", "action": "drop", "reviewer": REVIEWER, "rule": "duplicates.exact"},
        {"row_id": "d-0", "action": "drop", "rule": "quality.empty"},
    )
    policy = Policy({"quality.empty": "keep", "preference": "wait"})
    assert decided(findings, policy, stand) == [("a-0", "keep", None)]
    assert withdrawn(findings, policy, stand, checked=list(DEFAULT)) == [2, 3]
    assert withdrawn(findings, policy, stand, checked=["preference.same"]) == [2], (
        "a rule that has not run can't be judged"
    )


def test_drop_beats_keep_and_a_row_is_decided_once():
    policy = Policy({"quality.length": "keep", "quality.encoding": "edit"})
    findings = found(
        {"id": "a-0", "rule": "quality.length"},
        {"id": "a-0", "rule": "quality.empty"},
        {"id": "b-0", "rule": "quality.length"},
    )
    assert decided(findings, policy, NO_HEADS) == [("a-0", "drop", None), ("b-0", "keep", None)]


def test_a_row_on_which_something_waits_is_not_kept_since_that_would_settle_it_all():
    policy = Policy({"quality.length": "keep"})
    findings = found({"id": "a-0", "rule": "quality.length"}, {"id": "a-0", "rule": "labels.conflict"})
    assert decided(findings, policy, NO_HEADS) == []


def test_relabel_and_edit_act_where_the_finding_suggests_them_and_knows_a_value_that_can_be_one():
    policy = Policy({"labels.conflict": "relabel", "quality": "edit"})
    messages = json.dumps([{"role": "user", "content": "hi"}])
    conflict, encoding = (
        {"rule": "labels.conflict", "suggest": "relabel"},
        {"rule": "quality.encoding", "suggest": "edit"},
    )
    findings = found(
        {"id": "a-0", **conflict, "value": "refund"},
        {"id": "b-0", **conflict},
        {"id": "c-0", **conflict, "value": " "},
        {"id": "d-0", **encoding, "value": messages},
        {"id": "e-0", **encoding, "value": "no messages"},
        {"id": "f-0", **encoding, "value": messages, "suggest": "review"},
        {"id": "g-0", **conflict, "value": "refund"},
        {"id": "g-0", **encoding, "value": messages},
    )
    assert decided(findings, policy, NO_HEADS) == [("a-0", "relabel", "refund"), ("d-0", "edit", messages)]


REPEAT = {"rule": "duplicates.exact", "peer": "a-0", "cluster": "a-0"}
EDIT = json.dumps([{"role": "user", "content": "mended"}])


def test_the_last_copy_of_a_text_is_never_dropped_as_a_repeat():
    findings = found({"id": "a-1", **REPEAT}, {"id": "a-2", **REPEAT})
    assert len(decided(findings, Policy(), NO_HEADS)) == 2
    assert len(decided(findings, Policy(), heads({"row_id": "a-0", "action": "keep"}))) == 2
    ring = found(
        {"id": "a-1", **REPEAT},
        {"id": "a-0", "rule": "duplicates.normalised", "peer": "a-1"},
    )
    assert decided(ring, Policy({"duplicates": "drop"}), NO_HEADS) == [("a-1", "drop", None)]
    empty = found(
        {"id": "a-1", **REPEAT}, {"id": "a-0", "rule": "quality.empty"}, {"id": "a-1", "rule": "quality.empty"}
    )
    assert [row for row, _, _ in decided(empty, Policy(), NO_HEADS)] == ["a-0", "a-1"]


@pytest.mark.parametrize(("action", "value"), [("drop", None), ("edit", EDIT), ("relabel", "x")])
def test_where_a_person_changed_or_dropped_the_first_copy_the_next_one_stays(action, value):
    findings = found({"id": "a-1", **REPEAT}, {"id": "a-2", **REPEAT}, {"id": "a-3", **REPEAT})
    first = {"row_id": "a-0", "action": action, "value": value}
    assert decided(findings, Policy(), heads(first)) == [("a-2", "drop", None), ("a-3", "drop", None)]
    assert decided(findings.head(1), Policy(), heads(first)) == []
    kept = heads(first, {"row_id": "a-3", "action": "keep"})
    assert [row for row, _, _ in decided(findings, Policy(), kept)] == ["a-1", "a-2"], "the copy that a person kept"
    skipped = heads(first, {"row_id": "a-2", "action": "skip"})
    assert [row for row, _, _ in decided(findings, Policy(), skipped)] == ["a-1", "a-3"]
    all_of_them = heads(*({"row_id": f"a-{i}", "action": action, "value": value} for i in range(4)))
    assert decided(findings, Policy(), all_of_them) == []
    both = heads(first, {"row_id": "a-0", "action": "relabel", "value": "y"}) if action == "edit" else heads(first)
    assert len(decided(findings, Policy(), both)) == 2


def test_what_the_policy_decides_does_not_depend_on_whether_it_ran_before_the_person():
    findings = found({"id": "a-1", **REPEAT}, {"id": "a-2", **REPEAT})
    before = [{"row_id": f"a-{i}", "action": "drop", "reviewer": REVIEWER, "rule": "duplicates.exact"} for i in (1, 2)]
    then = heads(*before, {"row_id": "a-0", "action": "edit", "value": EDIT})
    assert withdrawn(findings, Policy(), then, checked=list(DEFAULT)) == [1]
    assert decided(findings, Policy(), heads(before[1], {"row_id": "a-0", "action": "edit", "value": EDIT})) == []


def test_the_copy_that_stays_is_one_that_an_export_does_not_hold_back():
    policy = Policy(block=("licences.unknown", "labels.conflict"))
    unknown = {"id": "a-0", "rule": "licences.unknown", "suggest": "review"}
    copies = [{"id": "a-1", **REPEAT}, {"id": "a-2", **REPEAT}]
    assert decided(found(*copies, unknown), policy, NO_HEADS) == [("a-2", "drop", None)]
    assert len(decided(found(*copies, unknown), Policy(), NO_HEADS)) == 2, "it does not block by default"
    conflict_on_all = [{"id": f"a-{i}", "rule": "labels.conflict", "suggest": "review"} for i in range(3)]
    assert len(decided(found(*copies, *conflict_on_all), policy, NO_HEADS)) == 2, "all of them are held alike"
    kept = heads({"row_id": "a-0", "action": "keep"})
    assert len(decided(found(*copies, unknown), policy, kept)) == 2, "a person has settled it"


def test_a_copy_in_another_split_or_with_other_tools_does_not_stand_for_a_repeat():
    findings = found({"id": "a-1", **REPEAT}, {"id": "a-2", **REPEAT, "suggest": "review"})
    edited = heads({"row_id": "a-0", "action": "edit", "value": EDIT})
    assert decided(findings, Policy(), edited) == []


def test_a_policy_that_edits_what_it_relabelled_takes_the_relabel_back():
    conflict = {"id": "a-0", "rule": "labels.conflict", "suggest": "relabel", "value": "x"}
    encoding = {"id": "a-0", "rule": "quality.encoding", "suggest": "edit", "value": EDIT}
    stand = heads({"row_id": "a-0", "action": "relabel", "value": "x", "reviewer": REVIEWER, "rule": "labels.conflict"})
    now = Policy({"labels.conflict": "keep", "quality.encoding": "edit"})
    assert withdrawn(found(conflict, encoding), now, stand, checked=list(DEFAULT)) == [1]
    person = heads(
        {"row_id": "a-0", "action": "relabel", "value": "x", "reviewer": REVIEWER, "rule": "labels.conflict"},
        {"row_id": "a-0", "action": "edit", "value": EDIT},
    )
    assert withdrawn(found(conflict, encoding), now, person, checked=list(DEFAULT)) == [], "a person has built on it"


PEERS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)).filter(lambda pair: pair[0] != pair[1]), max_size=12)
HANDS = st.dictionaries(st.integers(0, 5), st.sampled_from(("drop", "edit", "relabel", "keep", "skip")))


@settings(max_examples=120, deadline=None)
@given(PEERS, st.sets(st.integers(0, 5)), st.sets(st.integers(0, 5)), HANDS)
def test_every_dropped_repeat_leads_to_a_copy_that_stays_as_it_was(pairs, empty, blocked, by_hand):
    findings = found(
        *({"id": f"{a}-0", "rule": "duplicates.exact", "peer": f"{b}-0"} for a, b in pairs),
        *({"id": f"{a}-0", "rule": "quality.empty"} for a in sorted(empty)),
        *({"id": f"{a}-0", "rule": "quality.roles", "suggest": "review"} for a in sorted(blocked)),
    )
    values = {"edit": EDIT, "relabel": "x"}
    people = heads(
        *({"row_id": f"{a}-0", "action": act, "value": values.get(act)} for a, act in sorted(by_hand.items()))
    )
    decisions = policy_decisions(findings, Policy(), people)
    dropped = [d.row_id for d in decisions]
    assert len(dropped) == len(set(dropped))
    assert not {f"{a}-0" for a in by_hand} & set(dropped)
    gone = set(dropped) | {f"{a}-0" for a, act in by_hand.items() if act in ("drop", "edit", "relabel")}
    repeats = {d.row_id for d in decisions if d.rule == "duplicates.exact"} - {f"{a}-0" for a in empty}
    # Rows are alike that one finding, or two findings with the same peer, tie together.
    for start in repeats:
        reached, todo = set(), [start]
        while todo:
            row = todo.pop()
            if row not in reached:
                reached.add(row)
                peers = {b for a, b in pairs if f"{a}-0" == row}
                todo += [f"{n}-0" for a, b in pairs if b in peers for n in (a, b)]
        assert reached - gone, (start, dropped)
    stand = heads(
        *({"row_id": d.row_id, "action": d.action, "reviewer": REVIEWER, "rule": d.rule} for d in decisions),
        *people.select("row_id", "action", "value").to_dicts(),
    )
    assert policy_decisions(findings, Policy(), stand) == [], "a second run decides nothing anew"
    assert withdrawn(findings, Policy(), stand, checked=list(DEFAULT)) == []


def test_the_same_findings_give_the_same_decisions_in_the_same_order():
    findings = found(
        *(
            {"id": f"{i % 70}-0", "rule": rule, "peer": f"{i % 7}-0"}
            for i in range(300)
            for rule in ("duplicates.exact", "quality.empty")
        )
    )
    runs = [decided(findings, Policy(), NO_HEADS) for _ in range(3)]
    assert runs[0] == runs[1] == runs[2]
    assert len(runs[0]) == 70


# What stands


def test_a_skip_does_not_settle_and_the_other_decisions_do():
    rows = frame([{"messages": f"ticket {i}", "label": "a"} for i in range(5)])
    findings = found(*({"id": row, "rule": "quality.template"} for row in rows["id"]))
    decisions = heads(
        {"row_id": rows["id"][0], "action": "skip"},
        {"row_id": rows["id"][1], "action": "keep"},
        {"row_id": rows["id"][2], "action": "drop"},
        {"row_id": rows["id"][3], "action": "relabel", "value": "b"},
    )
    left = standing(findings, decisions, rows)
    assert left.schema == table.SCHEMA
    assert left["id"].to_list() == [rows["id"][0], rows["id"][4]]
    assert standing(findings, decisions).equals(left)


def conflict(rows: pl.DataFrame, *members: int, rule: str = "labels.conflict") -> list[dict]:
    return [
        {"id": rows["id"][i], "rule": rule, "cluster": rows["id"][members[0]], "suggest": "relabel"} for i in members
    ]


def test_a_conflict_ends_for_its_cluster_once_the_rows_left_agree():
    rows = frame(
        [{"messages": "Reset?", "label": x} for x in ("a", "b", "a")] + [{"messages": "reset? ", "label": "c"}]
    )
    ids = rows["id"]
    findings = found(*conflict(rows, 0, 1, 2, 3))

    def left(*lines: dict) -> list[int]:
        stands = standing(findings, heads(*lines), rows)["id"].to_list()
        return [i for i, row in enumerate(ids) if row in stands]

    assert left() == [0, 1, 2, 3]
    assert left({"row_id": ids[1], "action": "drop"}) == [0, 2, 3]
    assert left({"row_id": ids[1], "action": "drop"}, {"row_id": ids[3], "action": "drop"}) == []
    assert (
        left(
            {"row_id": ids[1], "action": "relabel", "value": "a"}, {"row_id": ids[3], "action": "relabel", "value": "a"}
        )
        == []
    )
    assert left({"row_id": ids[1], "action": "relabel", "value": "A"}, {"row_id": ids[3], "action": "drop"}) == [0, 2]
    assert left({"row_id": ids[0], "action": "keep"}) == [1, 2, 3], "keeping one does not make the others right"
    assert left({"row_id": ids[1], "action": "skip"}, {"row_id": ids[3], "action": "drop"}) == [0, 1, 2]
    other = json.dumps([{"role": "user", "content": "Something else"}])
    assert left({"row_id": ids[1], "action": "edit", "value": other}, {"row_id": ids[3], "action": "drop"}) == []


def test_other_clusters_and_other_rules_of_the_rows_stay():
    rows = frame([{"messages": m, "label": x} for m in ("hi", "bye") for x in "ab"])
    findings = found(*conflict(rows, 0, 1), *conflict(rows, 2, 3), {"id": rows["id"][0], "rule": "quality.length"})
    left = standing(findings, heads({"row_id": rows["id"][1], "action": "drop"}), rows)
    assert left.select("id", "rule").rows() == [
        (rows["id"][2], "labels.conflict"), (rows["id"][3], "labels.conflict"), (rows["id"][0], "quality.length"),
    ]  # fmt: skip


def test_replies_and_preferences_end_alike():
    def reply(text: str, rejected: str | None = None) -> dict:
        return {
            "messages": [{"role": "user", "content": "how?"}, {"role": "assistant", "content": text}],
            "rejected": rejected,
        }

    rows = frame([reply("so"), reply("no"), reply("A", "B"), reply("B", "A"), reply("A", "B")])
    ids = rows["id"]
    findings = found(*conflict(rows, 0, 1), *conflict(rows, 2, 3, 4, rule="preference.conflict"))
    done = heads({"row_id": ids[1], "action": "relabel", "value": "so"}, {"row_id": ids[3], "action": "drop"})
    assert standing(findings, done, rows).is_empty()
    half = heads({"row_id": ids[1], "action": "relabel", "value": "So"}, {"row_id": ids[2], "action": "drop"})
    assert standing(findings, half, rows)["id"].to_list() == [ids[0], ids[3], ids[4]]


def test_a_conflict_whose_rows_are_not_all_here_and_a_stale_decision_settle_nothing():
    rows = frame([{"messages": "hi", "label": x} for x in "ab"])
    findings = found(*conflict(rows, 0, 1), {**conflict(rows, 0)[0], "id": "gone-0"})
    left = standing(
        findings, heads({"row_id": rows["id"][1], "action": "drop"}, {"row_id": "gone-0", "action": "drop"}), rows
    )
    assert left["id"].to_list() == [rows["id"][0], "gone-0"]


def test_a_relabel_that_cannot_be_carried_out_settles_nothing():
    call = {"role": "assistant", "content": None, "tool_calls": "[]"}
    rows = frame([{"messages": [{"role": "user", "content": "x"}, call]}])
    findings = found({"id": rows["id"][0], "rule": "quality.roles"})
    assert standing(findings, heads({"row_id": rows["id"][0], "action": "relabel", "value": "y"}), rows).height == 1


# All together, on real rows


def test_on_real_rows_the_policy_leaves_one_copy_of_each_and_a_second_run_does_nothing(tmp_path, shared):
    tweets = pl.read_csv(shared / "arabic_sentiment" / "ArSarcasm_train.csv").select("tweet", "sentiment")
    rows = frame([{"messages": text, "label": label} for text, label in tweets.iter_rows()])
    content = pl.col("id").str.split("-").list.first()
    repeats = rows.select("id", content.alias("content")).with_columns(
        pl.col("id").first().over("content").alias("peer")
    )
    repeats = repeats.filter(pl.col("id") != pl.col("peer"))
    findings = table.report(
        repeats.select(
            "id", "peer", pl.lit(1.0).alias("score"), pl.lit("Again.").alias("note"), pl.lit("drop").alias("suggest")
        ),
        "duplicates.exact",
    )
    with Ledger.open(tmp_path) as ledger:
        outcome = ledger.decide(
            policy_decisions(findings, Policy(), ledger.head()), reviewer=REVIEWER, expect=ledger.last()
        )
        assert len(outcome.seqs) == repeats.height
        applied = head_for(ledger, rows)
        assert policy_decisions(findings, Policy(), applied.heads) == []
        assert standing(findings, applied.heads, rows).is_empty()
        assert withdrawn(findings, Policy({"duplicates": "wait"}), applied.heads, checked=["duplicates.exact"]) == list(
            outcome.seqs
        )
