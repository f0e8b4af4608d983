"""The words of a text in any script: what failures and drift count."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W_]+")
_RUN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\u0e00-\u0e7f]")  # scripts that set no blanks, and Hangul


def words(text: str) -> list[str]:
    """Return the words of a text in lower case, pairs of characters where a script sets no blanks.

    >>> words("Karte weg!"), words("卡丢了")
    (['karte', 'weg'], ['卡丢', '丢了'])
    """
    found = []
    for word in _WORD.findall(text.lower()):
        if _RUN.match(word) and len(word) > 1:
            found += [word[at : at + 2] for at in range(len(word) - 1)]
        else:
            found.append(word)
    return found
