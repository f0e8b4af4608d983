"""The figures on balance and edge cases, in a sentence each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import quote
from ..masking import mask
from ..wording import counted

UNSPLIT = "(no split)"
"""Where rows count that are in no split."""
_SHOWN = 3  # names in a sentence


def balance_sentence(of: Mapping[str, Any]) -> str:
    """Say how rows spread over labels and openers."""
    return "; ".join(filter(None, [*_labels(of), _opener(of.get("openers"))]))


def _labels(of: Mapping[str, Any]) -> list[str]:
    if "labels" not in of:
        return []
    if not of["classes"]:
        return [f"{counted(of['labels'], 'label')} in {counted(of['rows'], 'row')}: answers, not classes to balance"]
    counts = of["counts"]
    (most, top), (least, low) = next(iter(counts.items())), list(counts.items())[-1]
    said = [
        f"{counted(of['labels'], 'label')} in {counted(of['rows'], 'row')}, as mixed as {of['effective']:.3g} of equal size"
        + (f"; {_name(most)} has {top:,} and {_name(least)} {low:,}" if of["labels"] > 1 else ": nothing to tell apart")
    ]
    for split, absent in of["absent"].items():
        said.append(f"{_name(split)} has no row of {_names(absent)}")
    if of.get("missing"):
        said.append(f"no row at all of {_names(of['missing'])}, which should be there")
    return [*said, _negative(of)]


def _negative(of: Mapping[str, Any]) -> str:
    negative = of["negative"]
    if negative["rows"]:
        return f"negatives: {_names(negative['labels'])} with {negative['share']:.1%} of the rows"
    if negative["named"]:
        return f"no row of {_names(negative['named'])}, the label of negatives"
    return "no label is named as one for rows that fit no other, such as none or other" if of["labels"] > 2 else ""


def _opener(of: Mapping[str, Any] | None) -> str:
    if of is None:
        return ""
    opener, rows = next(iter(of["top"].items()))
    share = rows / of["rows"]
    if share < 0.1:  # nothing stands out
        return ""
    return f"{share:.0%} of {counted(of['rows'], 'conversation')} begin with {quote(opener, 30)}"


def edge_case_sentence(of: Mapping[str, Any]) -> str:
    """Say how many rows meet each edge case, the lacking ones first."""
    lacking = [case for case in of["cases"] if case["lacking"]]
    met = [case for case in of["cases"] if not case["lacking"]]
    said = [f"{_name(case['name'])} {', '.join(_short(case, split) for split in case['lacking'])}" for case in lacking]
    fine = [f"{_name(case['name'])} {case['rows']:,}" for case in met]
    parts = [
        f"lacking: {', '.join(said)}" if said else "",
        f"met (rows): {', '.join(fine)}" if fine else "",
    ]
    return "; ".join(filter(None, parts))


def thin_sentence(of: Mapping[str, Any]) -> str:
    """Say how many regions have a gap, and which are small."""
    kinds = {"untrained": "hardly trained on", "untested": "hardly tested", "one-sided": "of one label by one source"}
    gaps = [(words, [thin for thin in of["thin"] if thin["gap"] == gap]) for gap, words in kinds.items()]
    said = [
        f"{len(thin):,} {words} ({counted(sum(region['rows'] for region in thin), 'row')})"
        for words, thin in gaps
        if thin
    ]
    small = [_words(region["words"]) for region in of["small"]["regions"] if region["words"]]
    if small:
        said.append(
            f"small ones hold {counted(of['small']['rows'], 'row')}, such as those on {'; '.join(small[:_SHOWN])}"
        )
    return f"{counted(of['regions'], 'region')}: {', '.join(said)}" if said else ""


def _words(words: list[str]) -> str:
    return quote(", ".join(words[:_SHOWN]), 40)


def _short(case: Mapping[str, Any], split: str) -> str:
    least = case["at_least"][split]
    if split and set(case["splits"]) <= {UNSPLIT}:
        return f"in {counted(case['rows'], 'row')} and no split yet, {least:,} asked in {split}"
    where = f" in {split}" if split else ""
    where += ", which is no split of this set" if split and split not in case["splits"] else ""
    return f"{case['lacking'][split]:,} of {least:,}{where}"


def _name(label: str) -> str:
    return quote(mask(label), 25)


def _names(labels: list[str]) -> str:
    more = len(labels) - _SHOWN
    return ", ".join(map(_name, labels[:_SHOWN])) + (f" and {more:,} more" if more > 0 else "")
