"""The labels of a set, judged: for each row the chance that its label is wrong, and which label the others would give."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from ..wording import counted
from .evidence import Evidence, gather_evidence, label_shares
from .labelled import Labelled
from .names import likeness
from .noise import Noise, fit_noise, with_annotators
from .planted import Doubles, Ints, Ranked

_CELLS = 150_000_000  # texts times labels: each takes some 40 bytes at work
_TEXTS = 10  # fewer tell no label from another
KNOWS = 0.05
"""Least share of what there is to know of the labels that the best view has to know."""
CHANCE = 5.0
"""Nats that a view of random labels may seem to know."""


@dataclass(frozen=True)
class Judged:
    """n labelled rows, judged by all others."""

    of: Labelled
    evidence: Evidence
    ranked: Ranked
    by_text: Noise
    """By the texts alone: what annotators are held against."""
    noise: Noise
    """With who labelled it, where that is known."""

    @cached_property
    def suggested(self) -> Ints:
        """(n) the likeliest label other than the given one."""
        return self.ranked.other(self.of.text, self.of.code)

    @cached_property
    def confidence(self) -> Doubles:
        """(n) chance that the suggested label is right, if the given one is wrong."""
        odds = self.ranked.odds.astype(np.float64)
        peak = odds.max(axis=1)
        total = np.exp(odds - peak[:, None]).sum(axis=1)
        text, code = self.of.text, self.of.code
        given = np.exp(odds[text, code] - peak[text])
        other = np.exp(odds[text, self.suggested] - peak[text])
        return other / np.maximum(total[text] - given, 1e-12)

    @cached_property
    def settled_elsewhere(self) -> npt.NDArray[np.bool_]:
        """(n) whether other rules say what there is to say of a row's label.

        That is so where the suggested label is the same name in another spelling (``labels.alias``), and where three rows or more
        of a text have no label of the majority (``labels.conflict``): any label of such a text is doubted by its own copies.
        """
        of, targets = self.of, self.evidence.targets
        undecided = ((targets.max(axis=1) <= 0.5) & (np.bincount(of.text, minlength=len(targets)) > 2))[of.text]
        pair = of.code * len(of.names) + self.suggested
        pairs, place = np.unique(pair, return_inverse=True)
        named = [(of.names[at // len(of.names)], of.names[at % len(of.names)]) for at in pairs.tolist()]
        return undecided | np.array([likeness(*names) == "same" for names in named], bool)[place]


def why_not(of: Labelled) -> str | None:  # noqa: PLR0911 - a reason a line
    """Return a sentence on why labels can't be judged; ``None`` where they can."""
    rows, labels, texts = len(of.code), len(of.names), len(of.vectors)
    if rows == 0:
        return "no row has both a label and a text, so there is nothing to hold labels against"
    if rows == 1:
        return "one row alone has a label, so there is nothing to hold it against"
    if labels == 1:
        return f"all {rows:,} labelled rows have one label, so there is none to take it for"
    if texts < _TEXTS:
        return f"{counted(texts, 'text')} with a label are too few to judge one by the others; it takes {_TEXTS}"
    if labels > max(rows // 2, 1):
        return (
            f"{labels:,} labels on {rows:,} rows are no classes: most stand once, so none can be held against another"
        )
    if texts * labels > _CELLS:
        return f"{texts:,} texts times {labels:,} labels do not fit into memory; give a part of the rows, or coarser labels"
    if (np.count_nonzero(of.targets, axis=0) >= 2).sum() < 2:
        return f"of {labels:,} labels fewer than two stand on more than one text, so there is nothing to hold a text against"
    if float(np.ptp(of.vectors, axis=0).max(initial=0.0)) < 1e-6:
        return "all vectors are the same, so nothing tells one text from another"
    return None


def knows_nothing(judged: Judged) -> str | None:
    """Return a sentence where the texts say next to nothing of the labels; ``None`` where they do.

    Then right labels look as wrong as planted ones, and every number on them would be made up. Little is 5% of what there is to
    know of the labels, or what chance would give: a gain of 5 nats for the best of six views, each fitted by two numbers.
    """
    targets = judged.evidence.targets
    unseen = float(-np.log(targets @ label_shares(targets)).sum())
    best = max((view.knows for view in judged.evidence.views), default=0.0)
    if best >= max(KNOWS, CHANCE / max(unseen, 1e-9)):
        return None
    return (
        f"the texts tell next to nothing of the labels ({max(best, 0.0):.0%} of what there is to know), so right ones and wrong "
        "ones look alike; an encoder that reads their language (--encoder) may tell more"
    )


def judge_labels(
    of: Labelled,
    rows: pl.DataFrame | None = None,
    *,
    words: npt.NDArray[np.float32] | None = None,
    came: Ints | None = None,
    seed: int = 0,
) -> Judged:
    """Judge each label by all other rows; ask ``why_not`` first.

    Args:
        of: the labelled rows.
        rows: the rows frame, for its annotators.
        words: (m, e) vectors of words, made of the texts for ``None``.
        came: (n) the labels that rows came with where a person has confirmed or changed them since, -1 elsewhere: these rows are
            right, and the others' chances are held against what was found of them.
        seed: of everything that is drawn.
    """
    from threadpoolctl import threadpool_limits

    of, words = _in_order(of, words)
    with threadpool_limits(1):  # small products: threads that wait for each other cost more than they save
        evidence = gather_evidence(of, words=words, seed=seed)
    ranked = Ranked.of(evidence.odds)
    came = np.full(len(of.code), -1) if came is None else came
    who = _annotators(of, rows)
    order = np.lexsort((who, came, of.code, of.text))
    by_text = fit_noise(
        ranked, of.text[order], of.code[order], came=came[order] if (came >= 0).any() else None, seed=seed
    )
    noise = with_annotators(by_text, who[order])
    return Judged(of, evidence, ranked, _back(by_text, order), _back(noise, order))


def _in_order(of: Labelled, words: npt.NDArray[np.float32] | None) -> tuple[Labelled, npt.NDArray[np.float32] | None]:
    """Return the same with the texts sorted: what is drawn by place is drawn alike for every order of the rows."""
    order = np.array(sorted(range(len(of.texts)), key=of.texts.__getitem__), np.int64)
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    texts = [of.texts[at] for at in order]
    found = replace(of, text=place[of.text], vectors=of.vectors[order], texts=texts)
    return found, None if words is None else words[order]


def _annotators(of: Labelled, rows: pl.DataFrame | None) -> Ints:
    """Return (n) which annotator each row has, -1 for unknown."""
    if rows is None:
        return np.full(len(of.code), -1)
    return rows["annotator"].gather(of.row).rank("dense").cast(pl.Int64).fill_null(0).to_numpy() - 1


def _back(noise: Noise, order: Ints) -> Noise:
    """Return the noise of rows that were taken in ``order``, row by row again."""
    back = np.argsort(order)
    foretold = None if noise.foretold is None else noise.foretold[back]
    found = None if noise.found is None else noise.found[back]
    return replace(noise, wrong=noise.wrong[back], rank=noise.rank[back], foretold=foretold, found=found)
