"""The class that an answer names: one of a list of labels, or none.

In this order, until a label is found:

1. The whole answer is a label. Case, quotes, Markdown, a full stop, and spaces, hyphens or underscores between words don't count.
2. The answer (or the code block in it) is JSON that holds one: ``{"label": "refund"}``, ``["refund"]``.
3. It begins with one ("refund, since ..."), or a line says so: "Label: refund", "The category is refund.", a line of its own.
4. It names exactly one as whole words, the longest at each place: "card lost" is not "card". Labels of one letter count in
   brackets only: "a" is a word too. An answer that was cut off is not searched: the label may have been to come.

An answer that names two, such as "refund or card", is unparsed. So is one that says what it is not ("this is not a refund"): a
label that is only mentioned doesn't count behind a word of negation. More of the sense of an answer is not read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from ...curate.errors import DataError, UsageError, quote
from ...curate.masking import mask
from ...curate.text import fold
from .answers import settle, spoken, wanted
from .case import Case, Scored
from .word_pattern import any_word

_AROUND = " \t\r\n\"'`*_“”‘’„«»「」()[]{}<>.!,;:。，：#"
_KEYS = (
    "label", "class", "category", "intent", "answer", "prediction", "classification", "sentiment", "topic", "type", "tag",
    "result", "output", "标签", "类别", "答案",
)  # fmt: skip
_JOINTS = re.compile(r"(?<=[^\W_])(?:[_ ]+|-)(?=[^\W_])")
_SAID = re.compile(rf"(?:{'|'.join(_KEYS)})s?(?:\*\*)? ?(?:is|would be|should be|[:=：])(?: ?[:=>])*(?P<what>[^:=]*)\Z")
_FENCE = re.compile(r"```[^\n`]*\n(.*?)(?:```|\Z)", re.DOTALL)
_BREAKS = ",.;:!)]。，"
# At most two words between the negation and the label, in one clause: "not", "isn't a", "kein", "ne ... pas un"; in Chinese none.
_NEGATED = re.compile(
    r"(?:(?<!\w)(?:not|no|non|never|neither|nor|cannot|without|nicht|keine?[mnrs]?|pas|jamais|nunca|não|geen|niet|не)"
    r"|\wn['’]t)(?:[ \"'`*“«(\[]+[^\s.,;:!?]+){0,2}[ \"'`*“«(\[]+\Z|(?:不|不是|不属于|不算|并非|非|没有?) ?\Z"
)
_BEFORE = 80  # characters before a label that are read for a negation
_LINE = 300  # characters of a line that are read for what it begins with
_SEARCHED = 100_000


def loose(text: str) -> str:
    """Return the folded text with spaces, hyphens and underscores between words alike.

    >>> loose("Card_Payment-fee  charged"), loose("-1")
    ('card payment fee charged', '-1')
    """
    return _JOINTS.sub(" ", fold(text))


class Named(NamedTuple):
    """A label that an answer names."""

    label: str
    passing: bool
    """It is only mentioned, in a sentence that may say anything of it."""


@dataclass(frozen=True)
class LabelFinder:
    """A list of labels, ready to be found in many answers."""

    labels: tuple[str, ...]
    written: dict[str, str]
    """Label by its own spelling, its loose form, and that without signs around."""
    words: re.Pattern[str]
    """Finds loose forms as whole words."""
    leading: re.Pattern[str]
    """Finds loose forms, those of one letter too, where a line begins."""
    letters: re.Pattern[str]
    """Finds labels of one letter in brackets."""
    begun: frozenset[str]
    """Labels that another label begins with: of a cut answer, what may be half of another."""

    @classmethod
    def of(cls, labels: Sequence[str]) -> LabelFinder:
        """Make a finder.

        Raises:
            UsageError: no label, an empty one, or two that can't be told apart in an answer.
        """
        known: dict[str, str] = {}
        for label in dict.fromkeys(labels):
            form = loose(label)
            if not form:
                raise UsageError("a label of the list is empty; leave it out, or name what it stands for.")
            if form in known:
                raise UsageError(
                    f"the labels {_shown(known[form])} and {_shown(label)} can't be told apart in an answer; relabel the one "
                    "as the other."
                )
            known[form] = label
        if not known:
            raise UsageError("`class` needs labels; give a list, or rows that have some.")
        bare = [(form.strip(_AROUND), label) for form, label in known.items()]
        counts: dict[str, int] = {}
        for form, _ in bare:
            counts[form] = counts.get(form, 0) + 1
        written = {form: label for form, label in bare if form and counts[form] == 1} | known
        written |= {label: label for label in known.values()}
        letters = {form for form in known if len(form) == 1 and form.isalpha() and form.isascii()}
        return cls(
            labels=tuple(known.values()),
            written=written,
            words=any_word(form for form in known if form not in letters),
            leading=any_word(known),
            letters=re.compile(rf"[(\[]([{''.join(sorted(letters))}])[)\]]" if letters else r"(?!)"),
            begun=frozenset(
                known[form] for form in known if any(other.startswith(form) and other != form for other in known)
            ),
        )

    def find(self, text: str, *, whole: bool = True) -> str | None:
        """Return the label that an answer names.

        Args:
            text: the answer.
            whole: it was not cut off.

        >>> LabelFinder.of(["card lost", "card"]).find("I think it's **card_lost**, isn't it?")
        'card lost'
        """
        named = self.named(text, whole=whole)
        return named.label if named else None

    def named(self, text: str, *, whole: bool = True) -> Named | None:
        """Return the label that an answer names, and whether only in passing; arguments as of ``find``."""
        label = self.written.get(text)
        lines = [] if label is not None else [line for line in map(loose, text[:_SEARCHED].split("\n")) if line]
        if len(lines) == 1:
            label = self._is(lines[0])
        if label is not None:
            return Named(label, passing=False) if whole or label not in self.begun else None
        inner = _FENCE.search(text) if "```" in text else None
        body = inner[1] if inner else text
        label = self._in_json(body.strip())
        if label is not None:
            return Named(label, passing=False)  # JSON that is read was not cut
        label = self._is(loose(body)) if inner else None
        if label is None:
            label = self._on_lines(lines)
        if label is not None:
            return Named(label, passing=False) if label and (whole or not self._is_half(label, lines)) else None
        label = self._mentioned(lines) if whole else None
        return Named(label, passing=True) if label else None

    def _is_half(self, label: str, lines: Sequence[str]) -> bool:
        """Say whether a text that was cut off ends in what may be the beginning of a longer label."""
        if label not in self.begun:
            return False
        form = loose(label)
        place = lines[-1].rfind(form)
        if place < 0:
            return len(lines) == 1
        end = lines[-1][place:].rstrip(_AROUND + "-—–") or form
        return any(other.startswith(end) and other != form for other in map(loose, self.labels))

    def _is(self, form: str) -> str | None:
        """Return the label that a loose form is."""
        label = self.written.get(form)
        return label if label is not None else self.written.get(form.strip(_AROUND))

    def _in_json(self, text: str) -> str | None:
        if not text.startswith(("{", "[")):
            return None
        try:
            value: Any = msgspec.json.decode(text)
        except (ValueError, RecursionError):
            return None
        if isinstance(value, dict):
            named = [value[key] for key in value if key.casefold() in _KEYS]
            value = named[0] if len(named) == 1 else next(iter(value.values())) if len(value) == 1 else None
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        return self._is(loose(str(value))) if isinstance(value, str | int) else None

    def _on_lines(self, lines: Sequence[str]) -> str | None:
        """Return the label that the first line begins with, or that lines say; "" where they say several."""
        if not lines:
            return None
        first = self._leads(_said(lines[0]) or lines[0])
        if first:
            listed = [self._is(line) for line in lines]
            return first if len(lines) == 1 or None in listed or len(set(listed)) == 1 else ""
        if first == "":
            return ""
        told = set()
        for line in lines[1:]:
            said = _said(line)
            label = self._is(line) if said is None else self._leads(said)
            if label is not None:
                told.add(label)
        return told.pop() if len(told) == 1 else "" if told else None

    def _leads(self, line: str) -> str | None:
        """Return the label that a line begins with, before a sign or its end; "" where another one follows."""
        label = self._is(line)
        if label is not None:
            return label
        line = line[:_LINE].lstrip(_AROUND)
        begun = self.leading.match(line)
        if begun is None:
            return None
        rest = line[begun.end() :].lstrip("\"'`*_”’»")
        if rest and rest[0] not in _BREAKS and not rest.lstrip().startswith(("-", "—", "–", "(")):
            return None
        following = rest.lstrip(_AROUND + "-—–")
        return "" if self.leading.match(following) else self.written[begun[0]]

    def _mentioned(self, lines: Sequence[str]) -> str | None:
        text = "\n".join(lines)
        found = set(self.words.findall(text)) | set(self.letters.findall(text))
        if len(found) != 1:
            return None
        for pattern in (self.words, self.letters):
            for one in pattern.finditer(text):
                if _NEGATED.search(text[max(0, one.start() - _BEFORE) : one.start()]):
                    return None
        return self.written[found.pop()]


def _said(line: str) -> str | None:
    """Return what a line gives as the label, class, answer ...; ``None`` where it gives none."""
    found = _SAID.search(line[:_LINE])
    return found["what"].strip(_AROUND) or None if found else None


def score_class(cases: Sequence[Case], *, labels: Sequence[str] | None = None) -> list[Scored]:
    """Score 1 where the label that the answer names is the reference.

    Args:
        cases: the answers.
        labels: all there are; those of the references for ``None``.

    Raises:
        UsageError: two labels can't be told apart.
        DataError: a reference is none of the labels.

    >>> [(one.score, one.status) for one in score_class([Case("It's spam.", "spam"), Case("ham or spam?", "ham")])]
    [(1.0, 'ok'), (None, 'unparsed')]
    """
    if not cases:
        return []
    finder = LabelFinder.of(labels if labels is not None else [wanted(case, "class") for case in cases])
    right = {case.reference or "": case for case in cases if wanted(case, "class") is not None}
    right = {reference: _known(finder, case) for reference, case in right.items()}
    named = [finder.named(spoken(case.output), whole=case.finish != "length") for case in cases]
    found = [
        None if one is None else Scored(float(one.label == right[case.reference or ""]), prediction=one.label)
        for one, case in zip(named, cases, strict=True)
    ]
    return settle(cases, found, passing=[place for place, one in enumerate(named) if one and one.passing])


def _known(finder: LabelFinder, case: Case) -> str:
    label = finder.written.get(case.reference or "") or finder.written.get(loose(case.reference or ""))
    if label is None:
        raise DataError(
            f"row {quote(case.id)}: its reference {_shown(case.reference or '')} is none of the {len(finder.labels):,} labels; "
            "name all of them, or take the row out."
        )
    return label


def _shown(label: str) -> str:
    return quote(mask(label[:200]), 40)
