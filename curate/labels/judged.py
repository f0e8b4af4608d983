"""The labels of a set, judged: for each row the chance that its label is wrong, and which label the others would give."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from .evidence import Evidence, gather_evidence
from .labelled import Labelled
from .noise import Noise, fit_noise, with_annotators
from .planted import Doubles, Ints, Ranked

_CELLS = 400_000_000  # texts times labels: some 5 GB at work


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


def why_not(of: Labelled) -> str | None:  # noqa: PLR0911 - a reason a line
    """Return a sentence on why labels can't be judged; ``None`` where they can."""
    rows, labels, texts = len(of.code), len(of.names), len(of.vectors)
    if rows == 0:
        return "no row has both a label and a text, so there is nothing to hold labels against"
    if labels == 1:
        return f"all {rows} labelled rows have one label, so there is none to take it for"
    if texts < 10 or (of.counts >= 2).sum() < 2:
        return f"{texts} texts with {labels} labels are too few to judge one by the others; it takes ten, and two labels twice"
    if labels > max(rows // 2, 1):
        return f"{labels} labels on {rows} rows are no classes but all different, so none can be held against another"
    if float(np.ptp(of.vectors, axis=0).max(initial=0.0)) < 1e-6:
        return "all vectors are the same, so nothing tells one text from another"
    if texts * labels > _CELLS:
        return f"{texts} texts times {labels} labels are more than fit into memory; give a part of the rows, or coarser labels"
    return None


def judge_labels(
    of: Labelled, rows: pl.DataFrame | None = None, *, words: npt.NDArray[np.float32] | None = None, seed: int = 0
) -> Judged:
    """Judge each label by all other rows; ask ``why_not`` first.

    Args:
        of: the labelled rows.
        rows: the rows frame, for its annotators.
        words: (m, e) vectors of words, made of the texts for ``None``.
        seed: of everything that is drawn.
    """
    evidence = gather_evidence(of, words=words, seed=seed)
    ranked = Ranked.of(evidence.odds)
    noise = fit_noise(ranked, of.text, of.code, seed=seed)
    found = Judged(of, evidence, ranked, noise, noise)
    if rows is None or rows["annotator"].null_count() == rows.height:
        return found
    who = rows["annotator"].gather(of.row).rank("dense").cast(pl.Int64).fill_null(0).to_numpy() - 1
    return replace(found, noise=with_annotators(noise, who))
