"""The gates of a set, against what check, decide and export say of it."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vetset.curate.checking import check, judge
from vetset.curate.dataset import Dataset, frame
from vetset.curate.decisions.deciding import decide_by_policy
from vetset.curate.decisions.decision import Decision
from vetset.curate.decisions.policy import Policy
from vetset.curate.exports.exporting import export
from vetset.curate.review.desk import Desk
from vetset.curate.review.gates import Gate, gates, unlicensed, verdict
from vetset.curate.review.shipping import shipping
from vetset.curate.review.standing import by_rule, standing, worst
from vetset.curate.review.worklist import NONE, Filter, still

SEEN = ["duplicates.exact", "labels.conflict", "leakage.exact", "leakage.answer", "quality.empty", "licences.unknown"]


def rows_with_faults(clean=520):
    """Rows of which 8 are at fault; Arabic and Han among them."""
    good = [
        {
            "messages": f"سؤال {n} 何時?",
            "label": "ab"[n % 2],
            "split": "test" if n % 10 == 0 else "train",
            "license": "MIT",
        }
        for n in range(clean)
    ]
    bad = [
        *({"messages": "the same twice", "label": "a", "split": "train", "license": "MIT"} for _ in range(2)),
        *({"messages": "one text", "label": label, "split": "train", "license": "cc by 4.0"} for label in "ab"),
        {"messages": " ", "label": "a", "split": "train", "license": None},
        {"messages": "a leak", "label": "a", "split": "train", "license": "who knows"},
        {"messages": "a leak", "label": "a", "split": "test", "license": "MIT"},
        {"messages": "in no split", "label": "b", "license": "MIT"},
    ]
    return frame([*bad, *good])


@pytest.fixture
def faulty(make_set, tmp_path):
    folder = make_set(tmp_path / "faults.vet", rows_with_faults())
    check(Dataset.open(folder), select=SEEN)
    with Desk(folder) as desk:
        yield desk


def of(desk, policy=None):
    policy, look = policy or Policy(), desk.look()
    stands = standing(look)
    counts, ships = by_rule(look, stands, policy), shipping(look, stands, policy)
    return (
        counts,
        ships,
        {gate.name: gate for gate in gates(look, policy=policy, stands=stands, counts=counts, ships=ships)},
    )


def decide(desk, *decided, reviewer="ann"):
    ids = desk.look().view.rows["id"]
    desk.decide([Decision(ids[row], *what) for row, *what in decided], reviewer=reviewer, seen=desk.look().seq)


def agrees(desk, policy=None):
    """Hold the counts against ``vetset check``'s, on the same state; returns what both say."""
    counts, _, _ = of(desk, policy)
    told = judge(Dataset.open(desk.folder), policy=policy)
    mine = {one.rule: {"rows": one.found, "standing": one.standing} for one in counts}
    theirs = {rule: {"rows": c["rows"], "standing": c["standing"]} for rule, c in told.counts().items()}
    assert list(mine.items()) == list(theirs.items())
    assert {one.rule for one in counts if one.blocks} == set(told.blocking)
    return mine


def test_counts_are_those_of_check_whatever_is_decided(faulty):
    assert agrees(faulty)["labels.conflict"] == {"rows": 2, "standing": 2}
    decide(faulty, (2, "relabel", "b"))  # ends the conflict of rows 2 and 3, on both
    assert agrees(faulty)["labels.conflict"]["standing"] == 0
    decide(faulty, (4, "skip"), (5, "keep"), (6, "drop"))
    agrees(faulty)
    decide_by_policy(Dataset.open(faulty.folder))
    assert agrees(faulty)["duplicates.exact"]["standing"] == 0
    faulty.undo([1], reviewer="ann")
    assert agrees(faulty)["labels.conflict"]["standing"] == 2
    agrees(faulty, Policy(block=("licences.unknown",)))


def test_each_number_opens_as_many_rows(faulty):
    decide(faulty, (4, "keep"))
    counts, _, found = of(faulty)
    look = faulty.look()
    for one in counts:
        assert still(faulty.pick(look, Filter(one.rule)), look.heads).size == one.rows
    (link,) = found["No leak stands"].links
    assert link.text == f"{still(faulty.pick(look, link.rows), look.heads).size} row"
    (link,) = found["Licences known"].links
    assert (link.text, faulty.pick(look, link.rows).size) == ("2 rows", 2)


def test_what_would_ship_is_what_an_export_writes(faulty, tmp_path):
    for number, decided in enumerate([[], [(4, "drop")], [(2, "keep"), (3, "keep"), (6, "keep")]]):
        decide(faulty, *decided)
        _, ships, _ = of(faulty)
        told = export(Dataset.open(faulty.folder), tmp_path / str(number)).counts
        assert (ships.ships, ships.dropped, ships.held, ships.unsplit) == tuple(
            told[name] for name in ("written", "dropped", "held", "unsplit")
        )
        assert ships.rows == ships.ships + ships.dropped + ships.held + ships.unsplit == told["read"]
        assert sum(ships.splits.values()) == ships.ships


def test_each_planted_fault_fails_its_gate_and_no_other(faulty):
    _, _, found = of(faulty)
    assert {name for name, gate in found.items() if gate.status == "fails"} == {
        "Checked by this version", "No blocking finding stands", "No leak stands", "Licences known",
    }  # fmt: skip
    assert found["No blocking finding stands"].links[0].rows == Filter("labels.conflict")
    assert found["Wrong labels under 5%"].status == "open"  # its rule was not asked for
    assert found["An eval split exists"].said == "52 rows would ship in 1 split"
    assert found["At least 500 rows would ship"].said == "523 of 528: 4 held back, 1 in no split"


@pytest.mark.slow
def test_a_clean_set_that_was_checked_whole_is_ready(make_set, tmp_path):
    words = ("card arrival delayed", "refund for transfer", "limit raised today", "exchange rate wrong")
    rows = frame(
        [
            {"messages": f"{words[n % 4]} number {n} of order {n * 7919}", "label": words[n % 4].split()[0],
             "split": "test" if n % 5 == 0 else "train", "license": "CC-BY-4.0"}
            for n in range(600)
        ]
    )  # fmt: skip
    folder = make_set(tmp_path / "clean.vet", rows)
    policy = Policy(block=("labels.conflict",))
    check(Dataset.open(folder), policy=policy)
    with Desk(folder) as desk:
        found = of(desk, policy)[2]
        left = {name: gate for name, gate in found.items() if gate.status in ("fails", "open")}
        leaks = left.pop("No leak stands", None)  # numbered texts are near copies of each other, and settled so
        if leaks is not None:
            look = desk.look()
            ids = look.view.rows["id"].gather(desk.pick(look, Filter("leakage"))).to_list()
            desk.decide([Decision(row, "keep") for row in ids], reviewer="ann", seen=look.seq)
        assert not left
        assert verdict(list(of(desk, policy)[2].values())) == (True, "Ready: all 8 gates hold")


def test_an_unchecked_set_says_what_is_not_known_and_no_zero(make_set, tmp_path):
    with Desk(make_set(tmp_path / "s.vet", rows_with_faults())) as desk:
        counts, ships, found = of(desk)
        assert counts == []
        assert found["Checked by this version"].command == "check {}"
        assert {name for name, gate in found.items() if gate.status == "open"} == {
            "No blocking finding stands", "No leak stands", "Wrong labels under 5%", "At least 500 rows would ship",
        }  # fmt: skip
        assert "at most" in found["At least 500 rows would ship"].said
        assert ships.ships == 527


@pytest.mark.parametrize("rows", [[], [{"messages": "متى؟"}]], ids=["no row", "one row"])
def test_the_smallest_sets_have_gates_and_fail(make_set, tmp_path, rows):
    folder = make_set(tmp_path / "s.vet", frame(rows))
    check(Dataset.open(folder), select=SEEN)
    with Desk(folder) as desk:
        found = of(desk)[2]
        assert found["At least 500 rows would ship"].status == "fails"
        assert found["No leak stands"].status == "none"
        assert not verdict(list(found.values()))[0]


def test_a_policy_settles_by_one_command_until_it_has_run(faulty):
    counts, _, _ = of(faulty)
    commands = {one.rule: one.command for one in counts if one.standing}
    assert commands["duplicates.exact"] == "decide {} --policy"
    assert commands["labels.conflict"] is None
    assert worst(counts) == counts[0]
    assert counts[0].rule == "labels.conflict"
    decide_by_policy(Dataset.open(faulty.folder))
    assert not any((one.command or "").startswith("decide") for one in of(faulty)[0])


def test_what_waits_for_a_person_goes_before_what_a_command_settles(faulty):
    counts, _, _ = of(faulty, Policy(block=()))
    assert counts[0].standing == max(one.standing for one in counts)
    assert worst(counts) == next(one for one in counts if one.standing and one.command is None)
    last = [one for one in counts if one.rule == "licences.unknown"]
    assert worst(last) == last[0]
    assert worst([]) is None


def test_corrected_labels_are_taken_off_the_estimate(make_set, tmp_path):
    folder = make_set(tmp_path / "s.vet", rows_with_faults(), None)
    expected = {"rows": 100, "wrong": 5.0, "low": 2.0, "high": 6.0, "share": 0.05}
    Dataset(folder).save({}, checked=["labels.suspect"], figures={"labels.suspect": {"expected": expected}})
    with Desk(folder) as desk:
        gate = of(desk)[2]["Wrong labels under 5%"]
        assert (gate.status, gate.said) == ("fails", "at most 6.0% (95%) of 100 labels")
        decide(desk, (9, "relabel", "b"), (10, "relabel", "b"), (11, "keep"))  # row 9 was b before
        assert of(desk)[2]["Wrong labels under 5%"].said.startswith("at most 5.0%")
        decide(desk, (12, "drop", None, None, "labels.suspect"), (13, "drop", None, None, "duplicates.near"))
        gate = of(desk)[2]["Wrong labels under 5%"]
        assert (gate.status, gate.said[:12]) == ("holds", "at most 4.0%")


@pytest.mark.slow
def test_rules_of_another_version_have_to_run_again(make_set, tmp_path):
    folder = make_set(tmp_path / "s.vet", rows_with_faults())
    check(Dataset.open(folder))
    with Desk(folder) as desk:
        assert of(desk)[2]["Checked by this version"].status == "holds"
        steps = [{**step, "version": "0.0.1"} for step in Dataset(folder).manifest["steps"]]
        Dataset(folder).save({}, steps=steps)
        gate = of(desk)[2]["Checked by this version"]
        assert gate.status == "fails"
        assert "another version" in gate.said
        check(Dataset.open(folder), select=["quality"])
        assert "another version" in of(desk)[2]["Checked by this version"].said  # the others ran in the old one


def test_a_stale_decision_fails_its_gate(make_set, tmp_path):
    with Desk(make_set(tmp_path / "s.vet", rows_with_faults())) as desk:
        decide(desk, (0, "keep"))
        assert of(desk)[2]["No decision is stale"].said == "decisions on 1 row, all in force"
        desk.decide([Decision("feedbead-0", "keep")], reviewer="ann", seen=desk.look().seq)
        gate = of(desk)[2]["No decision is stale"]
        assert (gate.status, gate.said[:5]) == ("fails", "1 row")


def test_a_set_held_against_an_eval_file_needs_no_split_of_its_own(make_set, tmp_path):
    rows = rows_with_faults().with_columns(split=pl.lit("train"))
    folder = make_set(tmp_path / "s.vet", rows)
    with Desk(folder) as desk:
        assert of(desk)[2]["An eval split exists"].command == "split {}"
        Dataset(folder).save({}, against=["eval.csv"])
        assert of(desk)[2]["An eval split exists"].status == "holds"


def test_a_link_to_unlicensed_rows_names_them_or_their_rule():
    assert unlicensed({None: 3, "?": 1}) == Filter("rows", license=(NONE, "?"))
    assert unlicensed({f"licence {n}": 1 for n in range(50)}) == Filter("licences.unknown")


@given(st.lists(st.sampled_from(("holds", "fails", "open", "none")), max_size=9))
def test_a_set_is_ready_only_if_every_gate_that_is_asked_holds(statuses):
    ready, said = verdict([Gate(str(n), status, "") for n, status in enumerate(statuses)])
    asked = [status for status in statuses if status != "none"]
    assert ready == all(status == "holds" for status in asked)
    assert str(len(asked)) in said


def test_real_questions_agree_with_check(bank, make_set, tmp_path):
    records = [
        {"messages": text, "label": label, "split": "train" if n < 10_003 else "test"}
        for n, (text, label) in enumerate(bank.iter_rows())
    ]
    folder = make_set(tmp_path / "bank.vet", frame(records))
    check(Dataset.open(folder), select=["duplicates.exact", "duplicates.normalised", "leakage.exact", "licences"])
    with Desk(folder) as desk:
        assert agrees(desk)["licences.unknown"]["standing"] == 13_083
        look = desk.look()
        leaks = look.view.rows["id"].gather(desk.pick(look, Filter("leakage.exact"))).to_list()
        desk.decide([Decision(row, "drop") for row in leaks[:3]], reviewer="ann", seen=look.seq)
        assert agrees(desk)["leakage.exact"]["standing"] == 4
