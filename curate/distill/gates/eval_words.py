"""What an eval text shares with a made one where it is too short for the rules on leaks: all words but one, or half of them.

Rules on leaks compare runs of 8 and 13 words and near copies; a question of nine words with one of them changed has neither.
Here it costs a draft to be mistaken, so more is looked for. A run of few words proves nothing by its length: "how do I get a"
stands in half of a bank's questions. It proves something where no real row has it and chance would hardly have set it, by how
the real rows put one word behind the other.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from ...text import fold

Words = tuple[str, ...]

LONGEST = 24
"""Words of an eval text that is looked at: half of a longer one is a run of 12 words and more, which ``leakage.ngram`` finds."""
LEAST = 3
"""Words of the shortest one: of two, one is a word."""
HALF = 0.4
"""Share of an eval text's words that counts as half of it: addresses and signs at an end are words to one and none to another."""
SURPRISE = 16.0
"""Nats by which a run has to be rarer than that chance would set it somewhere among the eval texts (one in 9 million). People who
write of one matter repeat each other more than chance does: at 16 up to 1% of the clean rows of four real sets share such a
run with an eval text, at 10 up to 4% (benchmarks/distill_gates.py)."""

_ADDRESS = re.compile(r"https?://\S+")
_APART = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\s\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")
_SIGNS = re.compile(r"[\W_]+")
_PLACES = 8  # eval texts of one run that are looked at: the others hold the same words


def words_of(text: str) -> Words:
    """Return the words of a text, folded, without accents, signs and addresses; each Chinese or Japanese character is one.

    >>> words_of("Can't I top-up?  See https://example.org/x")
    ('cant', 'i', 'topup', 'see')
    """
    text = _ADDRESS.sub(" ", fold(text))
    if not text.isascii():
        text = "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))
    return tuple(word for part in _APART.findall(text) if (word := _SIGNS.sub("", part)))


def but_one(words: Words) -> set[Words]:
    """Return the words, and all that are left of them when one is taken away."""
    return {words, *(words[:at] + words[at + 1 :] for at in range(len(words)))}


class Habits:
    """How texts put one word behind the other: a bigram model (Witten and Bell 1991)."""

    def __init__(self, texts: Sequence[Words]) -> None:
        self._alone = Counter(word for words in texts for word in words)
        self._before = Counter(word for words in texts for word in words[:-1])
        self._pairs = Counter(pair for words in texts for pair in pairwise(words))
        self._next = Counter(first for first, _ in self._pairs)
        self._total = sum(self._alone.values()) + 0.5 * (len(self._alone) + 1)

    def surprise(self, run: Words) -> float:
        """Return how little chance would set this run at a place of a text, in nats."""
        total = -math.log(self._share(run[0]))
        return total - sum(math.log(self._after(one, two)) for one, two in pairwise(run))

    def _share(self, word: str) -> float:
        return (self._alone[word] + 0.5) / self._total

    def _after(self, one: str, two: str) -> float:
        seen, kinds = self._before[one], self._next[one]
        return (self._pairs[one, two] + kinds * self._share(two)) / (seen + kinds) if seen else self._share(two)


@dataclass(frozen=True)
class Shared:
    """What a made text has of an eval text."""

    peer: int
    """Position of the eval text."""
    run: Words
    """The words."""
    surprise: float | None
    """Of the run; ``None`` where that is not asked for."""
    why: str


class EvalWords:
    """Short eval texts, in which made texts are looked up."""

    def __init__(self, held: Sequence[str], real: Iterable[str]) -> None:
        """Take the texts of eval rows, and of the real rows that a teacher may be shown."""
        self._held = [words_of(text) for text in held]
        self._real = real
        self._short = [at for at, words in enumerate(self._held) if LEAST <= len(words) <= LONGEST]
        self._edits: dict[Words, int] = {}
        self._runs: dict[Words, list[tuple[int, int]]] = defaultdict(list)
        for at in self._short:
            words = self._held[at]
            for left in but_one(words):
                self._edits.setdefault(left, at)
            width = max(int(HALF * len(words)), 2)
            for start in range(len(words) - width + 1):
                self._runs[words[start : start + width]].append((at, start))
        self._widths = sorted({len(run) for run in self._runs})
        self._enough = SURPRISE + math.log(max(sum(len(self._held[at]) for at in self._short), 1))

    def find(self, text: str) -> Shared | None:
        """Return what a made text shares with an eval text, if that is too much."""
        words = words_of(text)
        return self._edited(words) or self._halved(words)

    def _edited(self, words: Words) -> Shared | None:
        if not LEAST - 1 <= len(words) <= LONGEST + 1:
            return None
        at = next((self._edits[left] for left in sorted(but_one(words)) if left in self._edits), None)
        return None if at is None else Shared(at, words, None, "all words but one")

    def _halved(self, words: Words) -> Shared | None:
        best = None
        for width in self._widths:
            for start in range(len(words) - width + 1):
                for at, place in self._runs.get(words[start : start + width], ())[:_PLACES]:
                    low, high = _longest(words, start, self._held[at], place, width)
                    run = words[low:high]
                    if (best is None or len(run) > len(best.run)) and (found := self._telling(words, run, at)):
                        best = found
        return best

    def _telling(self, words: Words, run: Words, at: int) -> Shared | None:
        if self._stands(run):
            return None
        surprise = self._habits.surprise(run)
        if len(run) == len(words):
            return Shared(at, run, surprise, "nothing but a part of it")
        return Shared(at, run, surprise, "a run of words") if surprise >= self._enough else None

    def _stands(self, run: Words) -> bool:
        return f" {' '.join(run)} " in self._lines

    @cached_property
    def _known(self) -> list[Words]:
        return [words_of(text) for text in self._real]

    @cached_property
    def _habits(self) -> Habits:
        return Habits(self._known or self._held)

    @cached_property
    def _lines(self) -> str:
        return "\n".join(f" {' '.join(words)} " for words in self._known)


def _longest(words: Words, start: int, other: Words, place: int, width: int) -> tuple[int, int]:
    """Return where the run that two texts share begins and ends in the first, from a part of it that is known."""
    low, high, before, behind = start, start + width, place, place + width
    while low and before and words[low - 1] == other[before - 1]:
        low, before = low - 1, before - 1
    while high < len(words) and behind < len(other) and words[high] == other[behind]:
        high, behind = high + 1, behind + 1
    return low, high
