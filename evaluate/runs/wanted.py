"""What ``vetset eval`` can be told, with argued defaults."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ..evalsets.evalset import Part, reference
from .examples import SHOTS, Choice
from .prompts import BUDGET, Prompt, RungName


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """How a model is to be asked and scored."""

    part: Part = "dev"
    """The part that may be looked at; ``ship`` is one look."""
    scorers: tuple[str, ...] = ()
    """As ``scorers.registry`` knows them, the primary one first; guessed where none is named."""
    judge: str | None = None
    """The model of the scorer ``judge:RUBRIC``."""
    rung: RungName | None = None
    """``plain`` with an adapter, which is asked as it was trained; else ``bare``."""
    prompt: Path | None = None
    """The user's own, in place of a rung's."""
    examples: Path | None = None
    shots: int = SHOTS
    choose: Choice = "nearest"
    documents: Path | None = None
    budget: int = BUDGET
    gold: str | None = None
    encoder: str | None = None
    """For examples and documents: words alone are compared without one."""
    adapter: Path | None = None
    other_base: bool = False
    train: Path | None = None
    """What the model was trained on: refused where it holds what the eval set asks."""
    samples: int = 1
    max_tokens: int | None = None
    """By the longest reference (``tokens_for``) where none is given."""
    temperature: float = 0.0
    """Greedy: a score that can be had again."""
    seed: int = 0
    """Of the examples, and of the draw of tokens where there is a temperature."""
    prices: Path | None = None
    out: Path = Path("runs")
    name: str | None = None
    """Of the run; of a ladder what the names of its runs and its file begin with. By model, rung and part for ``None``."""
    digest: str | None = None
    journal: Path | None = None
    baseline: bool = False
    """It is what a candidate has to beat, and no candidate: its look costs none of them anything."""
    by: str = ""
    key_env: str | None = None
    device: str | None = None
    dtype: str | None = None
    template: Path | None = None
    """Jinja in place of the model's own chat template, and of its adapter's: for one that takes no tools."""
    download: bool = False
    candidate: str | None = None
    """Of a ladder: the model that has to beat the rungs, where it is no adapter."""
    forgetting: bool = False
    """Whether to measure what the model forgot that its base could, too."""
    base: str | None = None
    """The model before training, where what was trained is no adapter."""
    concurrency: int | None = None
    """Most calls at once to a server."""
    reasoner: str | None = None
    """Of a ladder: the model of its rung ``reasoning``, where it is another."""


_THINKING = 1024
"""Tokens for an answer with its reasons: worked solutions of grade-school problems take 100 to 400, and few models stop early."""


def tokens_for(rows: pl.DataFrame, prompt: Prompt) -> int:
    """Return how long an answer may be: twice the longest reference and some words around it, 32 to 1,024 tokens.

    A token is about three characters here, of European languages; labels with odd spelling take more.

    Args:
        rows: of the eval set.
        prompt: one that asks for reasons gets 1,024.
    """
    if prompt.mark is not None:
        return _THINKING
    longest = max((len(reference(row) or "") for row in rows.iter_rows(named=True)), default=0)
    return int(min(max(32, 16 + 2 * longest // 3), 1024))
