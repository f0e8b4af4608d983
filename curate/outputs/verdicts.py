"""What two answers to one question can disagree on for certain: a number, yes or no, a letter, a label, a value in JSON."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from .. import text

_FINAL = re.compile(
    r"(?im)(?:^\s*####|^\s*A:|\\boxed\{|\b(?:final )?answer(?: is)?\s*[:=]?|答案(?:是|为)?[:：]?)\s*\**\s*[$€£]?\s*"
    r"(-?\d[\d,]*(?:\.\d+)?)(?![\d/:])"
)
_LETTER = re.compile(
    r"(?i)^\s*(?:the )?(?:(?:correct |best )?(?:answer|option|choice)(?: is)?\s*[:=]?\s*)?\(?([A-H])\)?(?:[.):：]|\s*$)"
)
_YES_NO = re.compile(r"(?i)^\s*[*_\"'“]{0,3}(yes|no|true|false|是的?|不是|不|对|错|正确|错误|oui|non|ja|nein|sí)\b")
_POLES = {
    **dict.fromkeys(("yes", "true", "是", "是的", "对", "正确", "oui", "ja", "sí"), "yes"),
    **dict.fromkeys(("no", "false", "不是", "不", "错", "错误", "non", "nein"), "no"),
}
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_SHORT = 40  # characters of an answer that is a label or a value as a whole
_CHOICE = 300  # of one that opens with its letter
_NUMERIC = 60  # of one that is a number with a few words


class Verdict(NamedTuple):
    """What an answer decides."""

    kind: str
    value: str


def verdict(answer: str) -> Verdict | None:
    r"""Return what an answer decides, or ``None`` where it is free text.

    >>> verdict("She has 48 + 24 = 72.\n#### 72"), verdict("No, it does not."), verdict("(B) Paris")
    (Verdict(kind='number', value='72'), Verdict(kind='yes or no', value='no'), Verdict(kind='choice', value='B'))
    """
    answer = answer.strip()
    if final := list(_FINAL.finditer(answer)):
        return Verdict("number", _number(final[-1][1]))
    if (pole := _YES_NO.match(answer)) and pole[1].lower() in _POLES:
        return Verdict("yes or no", _POLES[pole[1].lower()])
    if (letter := _LETTER.match(answer)) and len(answer) <= _CHOICE:
        return Verdict("choice", letter[1].upper())
    return _json(answer) if answer[:1] in "{[" else _short(answer)


def _json(answer: str) -> Verdict | None:
    try:
        return Verdict("JSON", json.dumps(json.loads(answer), sort_keys=True, ensure_ascii=False)[:2_000])
    except (ValueError, RecursionError):
        return None


def _short(answer: str) -> Verdict | None:
    if len(answer) <= _NUMERIC and len(numbers := _NUMBER.findall(answer)) == 1:
        return Verdict("number", _number(numbers[0]))
    folded = text.fold(answer).strip(" .!。！")
    return Verdict("label", folded) if folded and len(answer) <= _SHORT and len(folded.split()) <= 3 else None


def _number(written: str) -> str:
    whole, _, part = written.replace(",", "").partition(".")
    return whole + (f".{part.rstrip('0')}" if part.rstrip("0") else "")
