"""Which numbers a text holds: a question with other numbers is another question, however alike the words are."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
_WORDS = {word: str(value) for value, word in enumerate(_SMALL)} | {
    "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90",
    "hundred": "100", "dozen": "12", "half": "1/2", "twice": "2", "double": "2", "triple": "3", "once": "1", "third": "3",
}  # fmt: skip
_NUMBER = re.compile(r"\d[\d,.]{0,40}|[a-z]+")

Numbers = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Where each text's numbers begin (one more at the end), and the numbers, as codes that hold for one call."""


def numbers_of(texts: list[str]) -> Numbers:
    """Return the distinct numbers of each text: digits of any script and English words up to ninety.

    >>> starts, values = numbers_of(["two of 1,000", "1000 and 2", "none"])
    >>> starts.tolist(), values.tolist()
    ([0, 2, 4, 4], [0, 1, 0, 1])
    """
    codes: dict[str, int] = {}
    values: list[int] = []
    starts = [0]
    for text in texts:
        values.extend(sorted({codes.setdefault(number, len(codes)) for number in _spelt(text)}))
        starts.append(len(values))
    return np.array(starts, np.int64), np.array(values, np.int64)


def agree(one: set[int], other: set[int]) -> bool:
    """Say whether two texts may be about the same numbers: half of all that stand in either stand in both.

    With fewer than two numbers on a side nothing is said against them: "both of them" may have been "the 2 of them".
    """
    return min(len(one), len(other)) < 2 or 2 * len(one & other) >= len(one | other)


def _spelt(text: str) -> list[str]:
    found = []
    for word in _NUMBER.findall(text.lower()):
        if word in _WORDS:
            found.append(_WORDS[word])
        elif not word[0].isalpha():
            whole, _, part = word.replace(",", "").rstrip(".").partition(".")
            part = part.rstrip("0")
            found.append(
                f"{int(whole[:30])}{'.' + part if part else ''}"
            )  # int: digits of every script, no leading zeros
    return found
