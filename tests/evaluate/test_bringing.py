"""What is said of rows of a run that came into a set."""

from pathlib import Path

from vetset.curate.distill.handoff import Brought
from vetset.evaluate.distilling.bringing import BroughtIn


def brought(**more):
    told = {"added": 1, "known": 6, "review": 0, "train": 1, "unsplit": {}, "anew": 0, "gone": 0}
    return BroughtIn(Path("t.vet"), Brought(Path("t.vet"), offered=7, **{**told, **more})).sentence


def test_what_did_not_happen_is_not_told():
    assert brought() == "t.vet: 1 row added, 6 stood there already, 0 wait for a person"


def test_rows_that_are_judged_anew_are_gone_or_unseen_by_a_rule_are_told():
    said = brought(
        changed={"accepted": 3, "rejected": 1}, anew=1, gone=2, stale=["quality.length", "labels.conflict"],
        unsplit={"a parent is not in the set": 1},
    )  # fmt: skip
    for words in (
        "1 stand in no split (a parent is not in the set)", "3 of these are accepted by now",
        "1 of these are rejected by now", "1 draft said something else before", "2 rows that the run has no more stay",
        "2 rules have not seen the new rows: vetset check t.vet",
    ):  # fmt: skip
        assert words in said
