"""Answers that are the reference: to the character, or as the same text; and those that hold it."""

from __future__ import annotations

from collections.abc import Sequence

from ...curate.text import fold
from .answers import settle, spoken, wanted
from .case import Case, Scored
from .word_pattern import any_word

_QUOTES = "\"'`“”‘’„«»「」"


def score_exact(cases: Sequence[Case]) -> list[Scored]:
    """Score 1 where the answer is the reference to the character, white space around both aside.

    >>> [one.score for one in score_exact([Case(" refund", "refund"), Case("Refund", "refund")])]
    [1.0, 0.0]
    """
    texts = [spoken(case.output).strip() for case in cases]
    return _equal(cases, texts, [wanted(case, "exact").strip() for case in cases])


def score_normalised(cases: Sequence[Case]) -> list[Scored]:
    """Score 1 where the answer is the same text as the reference (``curate.text.fold``), quotes and a full stop aside.

    >>> [one.score for one in score_normalised([Case('"Ｐaris."', "paris"), Case("Lyon", "paris")])]
    [1.0, 0.0]
    """
    references = {reference: plain(reference) for case in cases if (reference := wanted(case, "normalised"))}
    texts = [plain(spoken(case.output)) for case in cases]
    return _equal(cases, texts, [references.get(case.reference or "", "") for case in cases])


def _equal(cases: Sequence[Case], texts: Sequence[str], references: Sequence[str]) -> list[Scored]:
    found = [
        Scored(1.0, prediction=text) if text == reference else None
        for text, reference in zip(texts, references, strict=True)
    ]
    return settle(cases, found, else_=lambda place: Scored(0.0, prediction=texts[place]))


def score_contains(cases: Sequence[Case]) -> list[Scored]:
    """Score 1 where the reference stands in the answer as whole words, both folded.

    >>> [one.score for one in score_contains([Case("It is Paris, I think.", "paris"), Case("parish", "Paris")])]
    [1.0, 0.0]
    """
    references = [plain(wanted(case, "contains")) for case in cases]
    patterns = {reference: any_word([reference]) for reference in set(references)}
    found, passing = [], []
    for place, (case, reference) in enumerate(zip(cases, references, strict=True)):
        text = fold(spoken(case.output))
        there = reference in text and patterns[reference].search(text) is not None
        found.append(Scored(1.0, prediction=reference) if there else None)
        if there and len(text) > len(reference):
            passing.append(place)
    return settle(cases, found, else_=lambda _: Scored(0.0), passing=passing)


def plain(text: str) -> str:
    """Return the folded text without quotes around it and a full stop at its end.

    >>> plain(" 'Yes.' ")
    'yes'
    """
    folded = fold(text)
    return folded.strip(_QUOTES).rstrip(".。 ").strip(_QUOTES).strip() or folded
