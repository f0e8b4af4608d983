"""The general mini suite: short items of our own on what a model should still know when it has learnt a task.

106 items of nine kinds (facts, arithmetic, format, reasoning, reading, not inventing what is unknown, languages, words, code),
each with a check that needs no judge, and 32 paragraphs in as many registers for perplexity. They measure what a fine-tune
breaks, not how good a model is: only the paired difference to the base counts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files

import msgspec

from ...curate.messages import Said
from ..models.protocol import Parameters, Request

_MOST = {"format": 48, "code": 64}  # tokens of an answer; others are right or wrong within
_MOST_ELSE = 32
_SPACELESS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")  # scripts without spaces between words
_EDGE = " \t\n\"'`*.,;:!?()[]“”‘’«»"


class Check(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What makes an answer right: every part that is given has to hold."""

    any: tuple[str, ...] = ()
    """One of these stands in it, as whole words."""
    exact: tuple[str, ...] = ()
    """It is one of these, but for case, quotes and punctuation around it."""
    regex: str | None = None
    """The whole of it matches."""


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One question of the suite."""

    id: str
    kind: str
    ask: str
    check: Check

    def request(self) -> Request:
        """Return the question as one user turn, to be answered greedily."""
        return Request((Said("user", self.ask),), parameters=Parameters(max_tokens=_MOST.get(self.kind, _MOST_ELSE)))


class Passage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One paragraph of general text."""

    id: str
    register: str
    text: str


@cache
def general_items() -> tuple[Item, ...]:
    """Return the items.

    >>> item = general_items()[0]
    >>> item.ask, right(item.check, "It is Paris."), right(item.check, "It is Parisian.")
    ('What is the capital of France?', True, False)
    """
    return tuple(msgspec.json.decode(line, type=Item) for line in _lines("general_items.jsonl"))


@cache
def general_text() -> tuple[Passage, ...]:
    """Return the paragraphs."""
    return tuple(msgspec.json.decode(line, type=Passage) for line in _lines("general_text.jsonl"))


@cache
def suite_digest() -> str:
    """Return the SHA-256 of items and paragraphs, 24 hex digits: values of two versions are not compared."""
    return sha256(b"\n".join([*_lines("general_items.jsonl"), *_lines("general_text.jsonl")])).hexdigest()[:24]


def right(check: Check, answer: str | None) -> bool:
    """Return whether an answer passes a check; no answer does not.

    >>> right(Check(any=("do n't", "don’t know")), "I don't know."), right(Check(exact=("yes",)), "**Yes!**")
    (True, True)
    """
    text = _plain(answer or "").strip()
    if check.exact and text.casefold().strip(_EDGE) not in {_plain(each).casefold() for each in check.exact}:
        return False
    if check.any and not any(_stands_in(_plain(each).casefold(), text.casefold()) for each in check.any):
        return False
    return check.regex is None or re.fullmatch(check.regex, text) is not None


def _stands_in(needle: str, text: str) -> bool:
    if _SPACELESS.search(needle):
        return needle in text
    # Not inside of a word, nor of a number: 4 is in neither 42 nor 1.4.
    return re.search(rf"(?<![\w])(?<!\d[.,]){re.escape(needle)}(?!\w)(?![.,]\d)", text) is not None


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).replace("’", "'")


def _lines(name: str) -> Sequence[bytes]:
    return (files(__package__ or "") / name).read_bytes().splitlines()
