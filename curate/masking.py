"""Secrets and personal data masked where a text is shown; the rows themselves never change.

What is masked is what the finders of ``privacy`` find, and what only ever is shown and never judged: bearer tokens and
passwords that are called so. Names and postal addresses have no form by which they could be found.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from .privacy import NAMES, Found, find

_BEARER = re.compile(r"(?i:bearer)[ :=\\\"]{1,4}(?=[A-Za-z._~+/-]{0,200}\d)[\w.~+/-]{16,2000}=*")
# Told with a sign, and no plain word: "password: forgotten" says nothing.
_PASSWORD = re.compile(r"\b(?i:passw(?:or[dt]|d)|passphrase|pwd)[\"']? ?[:=] ?(?=\S{0,60}[\d!@#$%^&*])\S{4,200}")
_CALLED = ("passw", "passphrase", "pwd")
_WORDS = re.compile(r"\w+")
# What tears a form apart: a few words between two groups of digits, spaces at the sign of a mail address.
_TORN = re.compile(r"(?<=\d)[ ,;:]{1,3}(?:[^\W\d_]{1,20}[ ,;:]{1,3}){1,3}(?=\d)|(?<=@) {1,3}| {1,3}(?=@)")


def mask(text: str) -> str:
    """Return ``text`` with secrets and personal data replaced by what they are.

    >>> mask("write to ann@example.com, card 4111 1111 1111 1111, order 4111 1111 1111 1112")
    'write to [mail address], card [card number], order 4111 1111 1111 1112'
    """
    lowered = text.lower()
    if "bearer" in lowered:
        text = _BEARER.sub("[secret]", text)
    text = without(text, find(text))
    return _PASSWORD.sub("[password]", text) if any(word in lowered for word in _CALLED) else text


def without(text: str, found: Sequence[Found]) -> str:
    """Return ``text`` with each of ``found`` (in order, as ``privacy.find`` has them) replaced by what it is."""
    if not found:
        return text
    pieces, at = list[str](), 0
    for kind, start, end in found:
        pieces += [text[at:start], f"[{NAMES[kind]}]"]
        at = end
    return "".join([*pieces, text[at:]])


def hidden(*texts: str) -> set[str]:
    """Return the words, folded, that masking takes out of any of these texts, also where a word or a space tears them apart.

    For notes that show words one by one, of texts that are nearly the same: what is whole in the one may be torn in the other.

    >>> sorted(hidden("card 4111 1111 please 1111 1111 of ann @ example.com"))
    ['1111', '4111', 'ann', 'com', 'example']
    """
    found: set[str] = set()
    for text in texts:
        for whole in {text, _TORN.sub(lambda gap: " " if gap[0].strip(" ") else "", text)}:
            masked = mask(whole)
            if masked != whole:
                found |= (_counted(whole) - _counted(masked)).keys()
    return found


def _counted(text: str) -> Counter[str]:
    return Counter(word.casefold() for word in _WORDS.findall(text))
