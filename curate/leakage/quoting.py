"""What a note shows of a user's text: a piece on one line, secrets and personal data masked."""

from __future__ import annotations

import re
from collections.abc import Iterable

import polars as pl

from ..errors import quote
from ..masking import mask

_READ = 400  # characters of a piece, of which 58 are shown: what is masked gets shorter
_AROUND = 2_500  # characters on either side, in which a secret begins or ends that the piece cuts
_TRIED = 40  # words by which a piece gives way: an account has nine, a private key has one a line


def shown(text: str, low: int = 0, high: int | None = None) -> str:
    """Quote a piece of a text, at most 60 characters; what is masked in the whole text is masked in the piece.

    A piece that begins or ends inside of a secret (in the middle of a card number) gives way by whole words: half of one
    has no form that could be known.

    Args:
        text: the text.
        low: where the piece begins.
        high: and where it ends; the end of the text for ``None``.

    >>> text = "card 4111 1111 1111 1111 of ann@example.com"
    >>> shown(text), shown(text, 5, 19), shown(text, 10)
    ("'card [card number] of [mail address]'", "'…'", "'of [mail address]'")
    """
    high = min(len(text) if high is None else high, low + _READ)
    first = max(0, low - _AROUND)
    around = text[first : high + _AROUND]
    piece = text[low:high]
    if mask(around) != around:
        begins = (low - first, *(low - first + found.end() for found in re.finditer(r"\s+", piece)))
        low = _clean(around, begins)
        ends = [high - first, *(high - first - len(piece) + found.start() for found in re.finditer(r"\s+", piece))]
        high = _clean(around, [ends[0], *reversed(ends[1:])])
        piece = mask(around[low:high]) if 0 <= low < high else ""
    return quote(" ".join(piece.split()) or "…", 58)


def shown_all(values: pl.Series, limit: int) -> pl.Series:
    """Quote short values (labels, groups, answers), each at most ``limit`` characters, masked."""
    distinct = values.unique().drop_nulls()
    return values.replace_strict(distinct, named(distinct, limit), default="''", return_dtype=pl.String)


def named(values: Iterable[str], limit: int) -> pl.Series:
    """Quote short values one by one; see ``shown_all``."""
    return pl.Series([quote(mask(value[:_READ]), limit) for value in values], dtype=pl.String)


def _clean(text: str, places: Iterable[int]) -> int:
    """Return the first place that cuts no secret in two; -1 where there is none among so many."""
    for place, _ in zip(places, range(_TRIED), strict=False):
        if mask(text) == mask(text[:place]) + mask(text[place:]):
            return place
    return -1
