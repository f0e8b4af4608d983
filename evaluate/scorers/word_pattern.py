"""One pattern for many words: a tree of their beginnings, so that a place in a text is tried once and not once a word."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SPACED = re.compile(r"[0-9A-Za-z_\u00c0-\u02ff\u0370-\u06ff\u0900-\u0dff]")  # of scripts that part words by spaces


def starts_word(char: str) -> bool:
    """Say whether a word that begins or ends with this character needs an end of a word there.

    Chinese, Japanese, Korean and Thai write words without spaces, or with endings: there any place will do.

    >>> starts_word("p"), starts_word("正"), starts_word("+")
    (True, False, False)
    """
    return _SPACED.match(char) is not None


def any_word(words: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern that finds any of the words, whole, and the longest of those that stand at one place.

    >>> any_word(["card", "card lost", "cash"]).findall("a card lost, postcards, cash")
    ['card lost', 'cash']
    """
    by_edge: dict[str, list[str]] = {r"(?<!\w)": [], "": []}
    for word in set(words) - {""}:
        by_edge[r"(?<!\w)" if starts_word(word[0]) else ""].append(word)
    parts = [f"{edge}{_tree(sorted(some))}" for edge, some in by_edge.items() if some]
    return re.compile("|".join(parts) if parts else r"(?!)")


def _tree(words: list[str]) -> str:
    """Return the pattern of sorted words, those with a common beginning as one branch."""
    branches = []
    place = 0
    while place < len(words):
        begin = place
        while place < len(words) and words[place][:1] == words[begin][:1]:
            place += 1
        branches.append(_branch(words[begin:place]))
    branches.reverse()  # "" sorts first, and the shorter word comes last: the longest wins
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"


def _branch(words: list[str]) -> str:
    if words[0] == "" and len(words) == 1:
        return ""
    shared = _shared(words[0], words[-1])
    rests = [word[len(shared) :] for word in words]
    end = r"(?!\w)" if starts_word(shared[-1]) else ""
    if rests == [""]:
        return re.escape(shared) + end
    if rests[0] == "":
        return f"{re.escape(shared)}(?:{_tree(rests[1:])}|{end})"
    return re.escape(shared) + _tree(rests)


def _shared(one: str, other: str) -> str:
    """The common beginning of the first and the last of sorted words is that of all."""
    length = next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    return one[:length]
