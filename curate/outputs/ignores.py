"""Answers that belong to another input: shifted by a row, swapped, or the same for all."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from .. import text
from ..clusters import ids, place
from ..findings import empty, report
from ..leakage.quoting import shown
from ..quality.stock_phrases import REFUSALS, any_of
from ..wording import counted
from .fits import Fits, Ints, fits

_ENOUGH = 20  # rows; under this neither chance nor habit can be measured
_RUN = 5  # rows in a row that fit the input of another: two or three may be one topic
_SHIFTS = (1, -1)
_AMPLE = 1.25  # times what is usual would be shared by texts with as many rare words: short ones may miss by accident
_OVER_CHANCE = 5  # times as often as by chance an answer has to fit the input of a row that lost its own
_REPEATED = 40  # characters of an answer that stands under unlike inputs; a shorter one is a class
_TIMES = 3
_CANNED = 0.05  # of a set may be such answers; where more are, canned replies are the task
_TELLING = 0.1  # of inputs or answers hold a word at most that tells what they are about
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]|[^\W_]+")
_MOST_STRAYS = 20_000
_MOST = 100_000  # answers that are read, 150 words of 8 bytes each on either side and 30 CPU microseconds
_STRETCHES = 10
_SAMPLED = 5_000  # rows by which chance is measured


@dataclass(frozen=True)
class Habit:
    """What fits weigh in this set."""

    own: npt.NDArray[np.float32]
    """(n) how well each answer fits its own input."""
    chance: float
    """What nine in ten answers share with the input of some other row, at most."""
    usual: float
    """What half of the answers share with the input that they belong to, be it their own or one a row off."""


def find_ignoring(rows: pl.DataFrame, said: pl.DataFrame, *, notes: list[str] | None = None) -> pl.DataFrame:
    """Find targets that answer another row's input, or none.

    The fit of an answer to an input is the weight of the rare words and numbers that both hold (``outputs.fits``).

    * At least 5 rows in a row (by file and line) fit the input of the row before or after, and not their own.
    * Two rows fit each other's inputs, or one fits that of a row that lost its own.
    * One answer of 40 characters and more stands under three and more inputs that share nothing, with no word of theirs.

    Args:
        rows: the rows.
        said: ``exchanges(turns)``.
        notes: told where only a part of the set was read.

    Returns:
        Findings of ``outputs.ignores``; ``peer`` is the row whose input the answer fits.
    """
    if said.height < _ENOUGH:
        return empty()
    said = said.with_columns(rows.select("file", "line")[said["row"]]).sort("file", "line", maintain_order=True)
    if said.height > _MOST:
        if notes is not None:
            notes.append(
                f"outputs.ignores read {_MOST:,} of {said.height:,} answers, in {_STRETCHES} stretches; a join that is off shows"
            )
        said = _stretches(said)
    fit = fits(said["asked"], said["answer"])
    habit, shifted = _habit(fit)
    if habit.usual < 2 * habit.chance:
        return _report(rows, said, _repeated(said, fit, habit))  # answers share little with inputs: poems, classes
    found = _runs(said, habit, shifted)
    found |= {at: what for at, what in _swapped(said, fit, habit, set(found)).items() if at not in found}
    found |= {at: what for at, what in _repeated(said, fit, habit).items() if at not in found}
    return _report(rows, said, found)


def _stretches(said: pl.DataFrame) -> pl.DataFrame:
    """Leave stretches of rows that follow each other, as far apart as they can be."""
    long = _MOST // _STRETCHES
    starts = [(said.height - long) * number // (_STRETCHES - 1) for number in range(_STRETCHES)]
    return pl.concat([said.slice(start, long) for start in starts])


@dataclass(frozen=True)
class Stray:
    """What is said of one answer."""

    score: float
    note: str
    peer: int | None = None
    """The row (in the order of ``said``) whose input it fits."""
    first: int | None = None
    """The first row of its run or group."""
    named: bool = True
    """Whether the note goes on with the place of the peer."""


def _habit(fit: Fits) -> tuple[Habit, dict[int, npt.NDArray[np.float32]]]:
    own = fit.own()
    count = len(own)
    # Rows far from each other in the file: near ones may share a topic.
    here = np.arange(0, count, max(count // _SAMPLED, 1), dtype=np.int64)
    far = [fit.of(np.column_stack([here, (here + max(count * part // 7, 1)) % count])) for part in (2, 3, 4)]
    chance = max(float(np.quantile(np.concatenate(far), 0.9)), 4.0)
    shifted = {shift: fit.own(shift) for shift in _SHIFTS}
    usual = max(float(np.median(fits)) for fits in (own, *shifted.values()))
    return Habit(own, chance, usual), shifted


def _runs(said: pl.DataFrame, habit: Habit, shifted: dict[int, npt.NDArray[np.float32]]) -> dict[int, Stray]:
    """Find runs of inputs that the answer of a neighbour fits; a row that fits nowhere breaks none."""
    found: dict[int, Stray] = {}
    file = said["file"].fill_null("").rle_id().to_numpy()
    for shift, fit in shifted.items():
        off = (fit >= 2 * habit.chance) & (fit >= 3 * habit.own) & (habit.own <= 2 * habit.chance)
        well = (habit.own > habit.chance) & (habit.own >= fit)
        breaks = np.cumsum(well | np.concatenate([[False], file[1:] != file[:-1]]))
        for stretch in np.flatnonzero(np.bincount(breaks[off], minlength=1) >= _RUN):
            inside = np.flatnonzero((breaks == stretch) & off)
            members = np.arange(inside[0], inside[-1] + 1)
            if inside.size < 0.6 * members.size:
                continue
            where = "before" if shift > 0 else "after"
            for at in (int(member) + shift for member in inside):
                note = (
                    f"The answer fits the input of the row {where}, not its own; so do {inside.size} of {members.size} rows "
                    "that follow each other: a join or a paste is off"
                )
                found.setdefault(at, Stray(0.95, note, at - shift, int(members[0])))
    return found


def _swapped(said: pl.DataFrame, fit: Fits, habit: Habit, known: set[int]) -> dict[int, Stray]:
    """Find, among answers that fit their own input badly, those that fit the input of another such row.

    Of thousands of inputs one fits by chance, or by its topic: how often is measured on as many inputs that have their own
    answer. Two answers that fit each other's input need no such proof.
    """
    low = np.flatnonzero(habit.own <= habit.chance)
    low = np.array([at for at in low.tolist() if at not in known], np.int64)[:_MOST_STRAYS]
    if low.size < 2:
        return {}
    best = _fitting(fit, habit, low, low)
    back = dict(best.select("at", "at_of").iter_rows())
    mutual = pl.Series([back.get(of) == at for at, of in back.items()], dtype=pl.Boolean)
    own = np.flatnonzero(habit.own > habit.chance)
    decoys = own[np.linspace(0, own.size - 1, min(low.size, own.size)).astype(np.int64)]
    strong = pl.col("fit") >= max(_AMPLE * habit.usual, 4 * habit.chance)
    single = best.filter(~mutual & strong)
    by_chance = _fitting(fit, habit, low, decoys).filter(strong).height
    if single.height < _OVER_CHANCE * by_chance:
        single = single.clear()
    folded = text.fold_all(said["asked"])
    note = "The answer shares no rare word with its input and fits that of another row, which has lost its own"
    return {
        at: Stray(0.9, note, of)
        for at, of in pl.concat([best.filter(mutual), single]).select("at", "at_of").iter_rows()
        if folded[at] != folded[of]
    }


def _fitting(fit: Fits, habit: Habit, answers: Ints, inputs: Ints) -> pl.DataFrame:
    """Return ``at, at_of, fit``: of each answer the input (not its own) that it fits best, where it fits one."""
    asked, told = _rare_words(fit, inputs, "asked"), _rare_words(fit, answers, "answers")
    pairs = (
        told.join(asked, on="word", suffix="_of")
        .filter(pl.col("at") != pl.col("at_of"))
        .group_by("at", "at_of")
        .agg(pl.col("weight").sum())
        .filter(pl.col("weight") >= habit.usual / 2)
        .select("at_of", "at")
        .sort("at_of", "at")
    )
    exact = fit.of(pairs.select("at_of", "at").to_numpy().astype(np.int64))
    best = (
        pairs.with_columns(fit=exact)
        .filter(pl.col("fit") >= max(habit.usual / 2, 3 * habit.chance))
        .sort("at", "fit", "at_of", descending=[False, True, False])
        .group_by("at", maintain_order=True)
        .first()
    )
    # A long text shares something with everything: the part that is shared has to be as large as is usual here.
    room = fit.room
    part = float(np.median(habit.own[room > 0] / room[room > 0])) / 2
    weights = fit.asked_weight[best["at_of"].to_numpy()], fit.answer_weight[best["at"].to_numpy()]
    return best.filter(pl.col("fit") / np.minimum(*weights) >= part)


def _rare_words(fit: Fits, texts: Ints, side: str) -> pl.DataFrame:
    sets = fit.asked if side == "asked" else fit.answers
    sizes = sets.sizes[texts]
    ends = np.cumsum(sizes)
    places = np.arange(int(sizes.sum())) - np.repeat(ends - sizes, sizes) + np.repeat(sets.starts[texts], sizes)
    words = sets.hashes[places]
    weights = fit.weights[(words & np.uint64(len(fit.weights) - 1)).astype(np.int64)]
    table = pl.DataFrame({"at": np.repeat(texts, sizes), "word": words, "weight": weights})
    return table.filter((pl.col("weight") > 0) & (pl.len().over("word") <= 50))


def _repeated(said: pl.DataFrame, fit: Fits, habit: Habit) -> dict[int, Stray]:
    """Find long answers that stand under several inputs which have nothing in common, nor with the answer."""
    several = (
        said.select(
            pl.int_range(pl.len()).alias("at"), pl.col("answer").hash(seed=3).alias("key"), "last",
            "answer", long=pl.col("answer").str.len_chars() >= _REPEATED,
        )
        .filter(pl.col("long") & (pl.col("last").str.len_chars() >= _REPEATED))
        .filter(pl.len().over("key") >= _TIMES)
        .filter(pl.col("last").n_unique().over("key") >= _TIMES)
        .filter(~pl.col("answer").str.contains(rf"^\s*{any_of(REFUSALS)}"))
    )  # fmt: skip
    if several.is_empty() or several.height > _CANNED * said.height:
        return {}
    usual = _usual(said)
    found: dict[int, Stray] = {}
    for (_,), group in several.group_by("key", maintain_order=True):
        members = group["at"].to_numpy().astype(np.int64)
        told = _words(said["answer"][int(members[0])]) - usual
        apart = members[habit.own[members] <= habit.chance]
        apart = np.array([at for at in apart.tolist() if told.isdisjoint(_words(said["last"][at]))], np.int64)
        if apart.size < _TIMES or not _unlike(said["last"].gather(apart), usual):
            continue
        note = (
            f"The same answer stands under {counted(apart.size, 'input')} that share no telling word "
            f"with it and hardly one with each other: {shown(said['answer'][int(members[0])])}"
        )
        found |= {int(at): Stray(0.7, note, None, int(apart[0]), named=False) for at in apart}
    return found


def _words(one: str) -> set[str]:
    return set(_WORD.findall(text.fold(one[:2_000])))


def _usual(said: pl.DataFrame) -> set[str]:
    """Words that stand in more than a tenth of inputs or of answers: they tell nothing of a subject (2,000 are read)."""
    some = said.gather_every(max(said.height // 2_000, 1))
    usual: set[str] = set()
    for side in ("last", "answer"):
        counts = Counter(word for one in some[side].to_list() for word in _words(one))
        usual.update(word for word, rows in counts.items() if rows > _TELLING * some.height)
    return usual


def _unlike(texts: pl.Series, usual: set[str]) -> bool:
    """Say whether texts share few words, under a third of each with the next, and half of them no telling one (50 are read)."""
    telling = [_words(one) - usual for one in texts.unique(maintain_order=True).head(50)]
    if any(2 * rows > len(telling) for rows in Counter(word for words in telling for word in words).values()):
        return False
    words = [set(text.fold(one[:2_000]).split()) for one in texts.unique(maintain_order=True).head(50)]
    shares = [len(a & b) / max(min(len(a), len(b)), 1) for a, b in zip(words, words[1:] + words[:1], strict=True)]
    return len(words) >= _TIMES and sum(shares) / len(shares) < 0.35


def _report(rows: pl.DataFrame, said: pl.DataFrame, found: dict[int, Stray]) -> pl.DataFrame:
    if not found:
        return empty()
    order = sorted(found, key=lambda at: said["row"][at])
    row = said["row"].gather(order)
    peers, firsts = (
        said["row"].gather(pl.Series(places, dtype=pl.UInt32))
        for places in ([found[at].peer for at in order], [found[at].first for at in order])
    )
    places = place(rows, peers.fill_null(0))
    notes = [
        f"{found[at].note}{f' ({where})' if found[at].named else ''}." for at, where in zip(order, places, strict=True)
    ]
    return report(
        pl.DataFrame(
            {
                "id": ids(rows, row),
                "score": [found[at].score for at in order],
                "cluster": ids(rows, firsts),
                "peer": ids(rows, peers),
                "note": pl.Series(notes, dtype=pl.String),
                "suggest": pl.repeat("review", len(order), eager=True),
            }
        ),
        "outputs.ignores",
    )
