"""How characters are folded before texts are compared by words: a table that a compiled loop can read.

A text is folded by NFKC and case folding (Unicode 15, 3.11 and 3.13); format characters (Cf), variation selectors and
combining marks are dropped. Marks of Indic and South-East Asian scripts stay: they write vowels there, and two words that
differ in a vowel are two words. An accent that NFKC composes with its letter stays as well (``é`` is not ``e``).

A word is a run of letters, digits, kept marks and ``_``. Ideographs, kana, Hangul, Thai, Lao, Khmer and Myanmar letters are
words of their own, since those scripts set no space between words.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

SEPARATOR, LETTER, ALONE, DROPPED, EXPANDS, CONTEXT = range(6)
"""What a character is: the upper byte of its entry; the lower 21 bits are the character that it folds to.

``EXPANDS``: it folds to several, and the entry holds where they stand in ``Tables.expansions``, a count first.
``CONTEXT``: what it becomes depends on its neighbours; the text has to be normalised before the table is read.
"""
KIND, CHARACTER = 24, 0x1FFFFF
BLOCK = 8  # bits of a code point that index a block of 256 characters

# Code points whose NFKC is asked one by one; all others are unassigned or ideographs and syllables that stay as they are.
_ASKED = (range(0x3400), range(0xA000, 0xAC00), range(0xD7A4, 0xD800), range(0xE000, 0x20000), range(0xE0000, 0xE0200))
_STAYING = (range(0x3400, 0xA000), range(0xAC00, 0xD7A4), range(0x20000, 0x2FA20), range(0x30000, 0x323B0))
# Kana; Thai, Lao; Myanmar; Khmer; half-width kana become these by NFKC. Ideographs and Hangul syllables are in _STAYING.
_WITHOUT_SPACES = (
    *((span.start, span.stop) for span in _STAYING),
    *((0x3040, 0x3100), (0x31F0, 0x3200), (0x3005, 0x3008), (0x0E00, 0x0F00), (0x1000, 0x10A0), (0x1780, 0x17DE)),
)
# Marks in these blocks write vowels or tones of words: Indic, Tibetan, South-East Asian, and their extensions.
_VOWELS = ((0x0900, 0x10A0), (0x1700, 0x1C50), (0xA800, 0xAC00), (0x11000, 0x12000))
_JAMO = ((0x1160, 0x1200), (0xD7B0, 0xD800))


class Tables(NamedTuple):
    """Two-level tables over all code points; entries as described at ``SEPARATOR``."""

    first: npt.NDArray[np.uint16]
    """Block number of each run of 256 code points, shape (0x1100,)."""
    entries: npt.NDArray[np.uint32]
    """Entries of text as it came, 256 a block."""
    normalised: npt.NDArray[np.uint32]
    """Entries of text that is NFKC already: no character depends on its neighbours any more."""
    expansions: npt.NDArray[np.uint32]
    """Runs of entries, each behind its length."""


@cache
def tables() -> Tables:
    """Return the tables; they take 0.3 s to make, once a process."""
    seconds = _second_in_a_pair()
    expansions: list[int] = [0]
    raw = np.zeros(0x110000, np.uint32)
    for span in _STAYING:
        raw[span.start : span.stop] = np.arange(span.start, span.stop, dtype=np.uint32) | (ALONE << KIND)
    normalised = raw.copy()
    for span in (*_ASKED, range(0xF900, 0xFB00), range(0x2F800, 0x2FA20)):
        for code in span:
            if 0xD800 <= code < 0xE000:
                continue
            folded = _folded(chr(code))
            entry = _entry(folded, expansions)
            normalised[code] = entry
            raw[code] = CONTEXT << KIND if _leans(chr(code), seconds) else entry
    first, entries, normal = _blocks(raw, normalised)
    return Tables(first, entries, normal, np.array(expansions, np.uint32))


def ascii_table() -> npt.NDArray[np.uint8]:
    """Return what each of the 256 bytes folds to: 0 for a separator; bytes over 127 are not asked."""
    table = np.zeros(256, np.uint8)
    for code in range(128):
        if chr(code).isalnum() or code == 0x5F:
            table[code] = ord(chr(code).lower())
    return table


def _folded(character: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", character).casefold())


def _entry(folded: str, expansions: list[int]) -> int:
    if len(folded) == 1:
        return _single(ord(folded))
    kept = [entry for entry in map(_single, map(ord, folded)) if entry >> KIND != DROPPED]
    if len(kept) < 2:
        return kept[0] if kept else DROPPED << KIND
    expansions.extend([len(kept), *kept])
    return EXPANDS << KIND | (len(expansions) - len(kept) - 1)


def _single(code: int) -> int:
    category = unicodedata.category(chr(code))
    if category in ("Cf", "Mn", "Me", "Mc"):
        kept = category != "Cf" and _within(code, _VOWELS)
        if not kept and category != "Mc":
            return DROPPED << KIND
    elif not (category[0] in "LN" or code == 0x5F):
        return SEPARATOR << KIND | code
    alone = _within(code, _WITHOUT_SPACES)
    return (ALONE if alone else LETTER) << KIND | code


def _leans(character: str, seconds: frozenset[str]) -> bool:
    """Say whether NFKC of a text may differ from NFKC of its characters one by one, because of this one."""
    code = ord(character)
    head = unicodedata.normalize("NFKC", character)[0]
    order = unicodedata.combining(head)
    # A dropped mark that composes with nothing can be dropped wherever it stands; one that is kept can be reordered.
    reordered = order > 0 and order != 9 and _within(ord(head), _VOWELS)
    return head in seconds or reordered or _within(code, _JAMO)


def _second_in_a_pair() -> frozenset[str]:
    """Return the characters that NFC may join to the one before."""
    pairs = (unicodedata.decomposition(chr(code)).split() for code in range(0x80, 0x12000))
    return frozenset(chr(int(pair[1], 16)) for pair in pairs if len(pair) == 2 and not pair[0].startswith("<"))


def _within(code: int, spans: tuple[tuple[int, int], ...]) -> bool:
    return any(start <= code < stop for start, stop in spans)


def _blocks(
    raw: npt.NDArray[np.uint32], normalised: npt.NDArray[np.uint32]
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """Store equal blocks once: 4,352 blocks of 256 entries become some 800."""
    both = np.concatenate([raw.reshape(-1, 1 << BLOCK), normalised.reshape(-1, 1 << BLOCK)], axis=1)
    numbers: dict[bytes, int] = {}
    first = np.array([numbers.setdefault(block.tobytes(), len(numbers)) for block in both], np.uint16)
    different = np.frombuffer(b"".join(numbers), np.uint32).reshape(len(numbers), -1)
    size = 1 << BLOCK
    return first, different[:, :size].ravel().copy(), different[:, size:].ravel().copy()
