"""What of an answer is scored, and the status of one that can't be: no answer, refused, cut off, nothing to score in it.

None of these is "wrong": a model that is cut off at 16 tokens and one that is mistaken call for different cures.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cache

import polars as pl

from ...curate.errors import DataError, quote
from ...curate.quality.stock_phrases import REFUSALS, any_of
from ..runs.results import Status
from .case import Case, Scored

_THOUGHT_ENDS = "</think>"
_THOUGHT_BEGINS = "<think>"
_HEAD = 600  # characters: a refusal opens the answer, and the longest pattern is far shorter


def spoken(output: str | None) -> str:
    """Return what a model answered, without the thoughts that a server left in front of it.

    A thought that never ends is no answer. Templates that open the thought themselves leave only its end.

    >>> spoken("<think>refund or card?</think> refund"), spoken("<think>hm"), spoken(None)
    (' refund', '', '')
    """
    if not output or "think>" not in output:
        return output or ""
    _, end, after = output.rpartition(_THOUGHT_ENDS)
    if end:
        return after
    return "" if output.lstrip().startswith(_THOUGHT_BEGINS) else output


def refusing(texts: Sequence[str]) -> list[bool]:
    """Say which texts open with a stock refusal, in any of 17 languages (``curate.quality.stock_phrases``).

    >>> refusing(["I'm sorry, but I can't help with that.", "refund"])
    [True, False]
    """
    heads = pl.Series([text[:_HEAD] for text in texts], dtype=pl.String)
    return heads.str.contains(_refusal()).to_list()


@cache
def _refusal() -> str:
    return rf"^\s*{any_of(REFUSALS)}"


def statuses(cases: Sequence[Case]) -> list[Status]:
    """Return the status of each answer, taken as a text: ``ok`` is one that is whole, not empty and no refusal.

    An answer that refuses where the reference refuses is ``ok``: then refusing may be right. So is a text that a server's filter
    cut off there.
    """
    texts = [spoken(case.output) for case in cases]
    refused = refusing(texts) if texts else []
    refused = [
        found or (case.finish == "filtered" and bool(text.strip()))
        for found, case, text in zip(refused, cases, texts, strict=True)
    ]
    places = [place for place, found in enumerate(refused) if found]
    expected = refusing([cases[place].reference or "" for place in places]) if places else []
    meant = {place for place, found in zip(places, expected, strict=True) if found}
    return [
        _status(case, text, refused=found and place not in meant)
        for place, (case, text, found) in enumerate(zip(cases, texts, refused, strict=True))
    ]


def _status(case: Case, text: str, *, refused: bool) -> Status:
    if case.finish == "error":
        return "error"
    if refused or (case.finish == "filtered" and not text.strip()):
        return "refused"
    if case.finish == "length":
        return "truncated"
    return "ok" if text.strip() else "unparsed"


def settle(
    cases: Sequence[Case],
    found: Sequence[Scored | None],
    *,
    else_: Callable[[int], Scored] | None = None,
    passing: Collection[int] = (),
    filtered: bool = False,
) -> list[Scored]:
    """Return the scores, with a status where nothing was found, and where what was found does not count.

    A refusal names what it refuses: "I can't help with refund requests" is no answer *refund*. And what a server's filter cut
    off was never given. Where the reference refuses too, both are scored.

    Args:
        cases: the answers.
        found: the score of each; ``None`` where the answer holds nothing that this scorer can score.
        else_: the place of a whole answer in which nothing was found to what it scores; without it, it is ``unparsed``.
        passing: places of what was found in passing: unlike a whole answer, JSON or what follows a mark, it does not make an
            answer of a refusal.
        filtered: what was found counts although a filter held the answer back.
    """
    settled = [None if case.finish == "error" else one for one, case in zip(found, cases, strict=True)]
    doubtful = set(passing) | {place for place, case in enumerate(cases) if case.finish == "filtered" and not filtered}
    doubtful = sorted(place for place in doubtful if settled[place] is not None)
    for place, status in zip(doubtful, statuses([cases[place] for place in doubtful]), strict=True):
        if status == "refused":
            settled[place] = None
    missing = [place for place, one in enumerate(settled) if one is None]
    for place, status in zip(missing, statuses([cases[place] for place in missing]), strict=True):
        if status == "ok" and else_ is not None:
            settled[place] = else_(place)
        else:
            settled[place] = Scored(None, "unparsed" if status == "ok" else status)
    return [one for one in settled if one is not None]


def wanted(case: Case, kind: str) -> str:
    """Return the reference of a case.

    Raises:
        DataError: it has none.
    """
    if case.reference is None:
        raise DataError(
            f"row {quote(case.id)} has no reference, and `{kind}` compares with one; give the row a label or a last assistant "
            "turn, or take a scorer that needs none: json, schema:FILE, judge:RUBRIC."
        )
    return case.reference
