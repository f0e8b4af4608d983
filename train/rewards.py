"""vetset's scorers as rewards: what a model is graded by, it can be trained by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from ..evaluate.evalsets.evalset import question, reference
from ..evaluate.scorers.case import Case, Scorer
from ..evaluate.scorers.registry import scorers
from .recipe import Recipe

Reward = Callable[..., list[float]]


def rewards(recipe: Recipe, rows: pl.DataFrame, *, ends: frozenset[int]) -> list[Reward]:
    """Return the recipe's rewards, as TRL calls them: an answer that can't be scored (cut off, no JSON in it) earns nothing.

    Args:
        recipe: with ``rewards``, such as ``class``, ``schema:FILE`` or ``verify:MODULE:FUNCTION``.
        rows: that are asked, in the order of their column ``place``.
        ends: tokens that end an answer; one without has been cut off.

    Raises:
        UsageError: there is no such scorer, or its option makes no sense.
    """
    said = [(question(row), reference(row), row["id"]) for row in rows.iter_rows(named=True)]
    labels = sorted({label for label in rows["label"] if label is not None}) or None
    return [_reward(scorer, said, ends) for scorer in scorers(recipe.rewards, labels=labels)]


def _reward(scorer: Scorer, said: Sequence[tuple[Any, str | None, str]], ends: frozenset[int]) -> Reward:
    def reward(completions: list[str], completion_ids: list[list[int]], place: list[int], **_: Any) -> list[float]:
        cases = [
            Case(text, said[at][1], "stop" if ids and ids[-1] in ends else "length", None, said[at][0], said[at][2])
            for text, ids, at in zip(completions, completion_ids, place, strict=True)
        ]
        return [one.score or 0.0 for one in scorer.score(cases)]

    reward.__name__ = scorer.name
    return reward
