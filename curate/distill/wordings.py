"""How many ways of saying things some texts hold: distinct runs of words, how far they compress, and how they begin.

All three fall or rise with the amount of text, so two sets are compared at equal amounts (``beside``): runs of words by the
number that a draw of so many is expected to hold, which needs no draw and hangs on no order; bytes by texts drawn with a seed.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import polars as pl

from ..masking import mask
from ..near.cosine import Ints
from ..text import fold_all

_ALONE = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Myanmar}\p{Khmer}"  # no blanks between words
_WORD = rf"[{_ALONE}]|[\w--[{_ALONE}]]+"
_RUNS = 3  # words of the longest run that is counted
_OPENING = 3  # words: two are shared by chance ("how do"), of four a small change hides that rows begin alike
_BYTES = 2_000_000  # that are compressed at most: 0.2 s; from one million to 1.75 the ratio of GSM8K rises by 1%
_SHOWN = 80  # characters of an opening that are shown


@dataclass(frozen=True)
class Counts:
    """The words of n texts, counted."""

    texts: int
    """Texts that hold a word."""
    words: int
    runs: tuple[Ints, ...]
    """Of one, two and three words: how often each distinct run stands there."""
    opening: str
    """The words that most texts begin with, masked; empty where no two begin alike."""
    opening_share: float
    """Share of the texts that begin so."""


@dataclass(frozen=True)
class Wording:
    """Measures of the wording of some texts."""

    texts: int
    words: int
    distinct: tuple[float | None, float | None, float | None]
    """Distinct runs of one, two and three words a run (Li et al. 2016, "distinct-n"), in a draw of ``of`` runs; or no run."""
    of: tuple[int, int, int]
    compression: float | None
    """Bytes a compressed byte (Shaib et al. 2024): the higher, the more is said again. ``None``: no text."""
    opening: str
    opening_share: float
    """Share of the texts that begin with the commonest three words, which ``opening`` has."""


def wording(
    texts: Sequence[str], beside: Sequence[str] | None = None, *, seed: int = 0
) -> tuple[Wording, Wording | None]:
    """Measure some texts, and others beside them at equal amounts of words and bytes.

    Args:
        texts: the texts.
        beside: those to compare with.
        seed: of the draw of what is compressed.
    """
    own, other = counts(texts), counts(beside or [])
    both = (own, other) if beside else (own,)
    of = tuple(min(int(one.runs[at].sum()) for one in both) for at in range(_RUNS))
    sizes = [sum(len(text.encode()) for text in part) for part in (texts, beside) if part]
    size = min([*sizes, _BYTES])
    first = _wording(own, of, compression(texts, size=size, seed=seed))
    return first, _wording(other, of, compression(beside, size=size, seed=seed)) if beside else None


def counts(texts: Sequence[str]) -> Counts:
    """Count runs of folded words within each text; scripts without blanks have a word a character."""
    folded = fold_all(pl.Series("word", texts, dtype=pl.String))
    said = pl.DataFrame({"text": np.arange(len(texts)), "word": folded.str.extract_all(_WORD)}).filter(
        pl.col("word").list.len() > 0
    )
    begun = said.select(pl.col("word").list.head(_OPENING).list.join(" "))["word"]
    said = said.explode("word").with_columns((pl.col("word").rank("dense") - 1).cast(pl.UInt64).alias("code"))
    text, code = said["text"].to_numpy(), said["code"].to_numpy()
    runs = [_often(code)]
    run, last = code, code
    for length in range(2, _RUNS + 1):
        whole = text[length - 1 :] == text[: -(length - 1)]
        # Two numbers under 2^32 in one: the run without its last word, renumbered, and that word.
        run = np.unique(run[:-1], return_inverse=True)[1].astype(np.uint64) << np.uint64(32) | last[length - 1 :]
        runs.append(_often(run[whole]))
    opening, times = _commonest(begun)
    shown = mask(opening)[:_SHOWN] if times > 1 else ""
    return Counts(len(begun), len(code), tuple(runs), shown, times / len(begun) if len(begun) else 0.0)


def expected_distinct(often: Ints, drawn: int) -> float:
    """Return how many kinds a draw without replacement is expected to hold: rarefaction (Hurlbert 1971).

    Unlike a draw it has no chance in it, and unlike a correction by a fitted curve no assumption about the words.

    >>> expected_distinct(np.array([2, 1]), 2)  # aa, ab, ab
    1.6666666666666665

    Args:
        often: how often each kind stands in the whole.
        drawn: things that are drawn.

    Raises:
        ValueError: more are drawn than there are.
    """
    from scipy.special import gammaln

    total = int(often.sum())
    if not 0 <= drawn <= total:
        raise ValueError(f"{drawn} can't be drawn of {total}.")
    times, kinds = np.unique(often, return_counts=True)
    left = total - times
    missed = np.zeros(times.size)
    possible = left >= drawn
    left = left[possible].astype(np.float64)
    missed[possible] = np.exp(
        gammaln(left + 1) - gammaln(left - drawn + 1) - gammaln(total + 1.0) + gammaln(total - drawn + 1.0)
    )
    return float((kinds * (1.0 - missed)).sum())


def compression(texts: Sequence[str], *, size: int = _BYTES, seed: int = 0) -> float | None:
    """Return bytes a compressed byte of the texts, or ``None`` where they hold nothing.

    Compressed by zlib at level 9, as gzip does. It looks back no more than 32 KB, so texts are sorted first: the order in which
    rows stand changes nothing, and those that begin alike stand together however many there are.

    Args:
        texts: n texts.
        size: bytes at most; more are drawn down to it, the last text cut.
        seed: of the draw.
    """
    taken, left = [], size
    for at in drawn(texts, seed=seed):
        if left <= 0:
            break
        taken.append(texts[at].encode()[:left])
        left -= len(taken[-1])
    whole = b"\n".join(sorted(taken))
    return len(whole) / len(zlib.compress(whole, 9)) if whole.strip() else None


def drawn(texts: Sequence[str], *, seed: int = 0) -> list[int]:
    """Return the positions of the texts in an order by lot that hangs on what they say and not on how they stand."""
    times: dict[str, int] = {}
    keys = []
    for text in texts:
        times[text] = times.get(text, 0) + 1  # copies are drawn one by one, not all where one is
        keys.append(blake2b(f"{seed}\n{times[text]}\n{text}".encode(), digest_size=16).digest())
    return sorted(range(len(texts)), key=keys.__getitem__)


def _wording(found: Counts, of: Sequence[int], ratio: float | None) -> Wording:
    shares = [
        expected_distinct(often, size) / size if size else None for often, size in zip(found.runs, of, strict=True)
    ]
    return Wording(
        found.texts, found.words, (shares[0], shares[1], shares[2]), (of[0], of[1], of[2]),
        ratio, found.opening, found.opening_share,
    )  # fmt: skip


def _often(codes: npt.NDArray[np.uint64]) -> Ints:
    return np.unique(codes, return_counts=True)[1].astype(np.int64)


def _commonest(begun: pl.Series) -> tuple[str, int]:
    if not len(begun):
        return "", 0
    often = begun.rename("begun").value_counts().sort("count", "begun", descending=[True, False])
    return often["begun"][0], int(often["count"][0])
