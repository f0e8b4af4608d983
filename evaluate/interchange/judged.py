"""Which scores of another tool are the verdicts of a model: a judge that nobody held against people, as far as a log tells.

Source: promptfoo 0.121.20, ``src/assertions/constants.ts`` and the page "Model-graded metrics"; Inspect 0.3.285,
``scorer/_model.py`` (its graded scores carry ``grading`` among their metadata, and its judge has the role ``grader``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .record import mapping, sequence

_ASSERTIONS = frozenset({
    "agent-rubric", "answer-relevance", "classifier", "context-faithfulness", "context-recall", "context-relevance",
    "conversation-relevance", "factuality", "g-eval", "llm-rubric", "model-graded-closedqa", "model-graded-factuality",
    "moderation", "pi", "search-rubric", "select-best", "trajectory:goal-success", "web-search",
})  # fmt: skip
"""Those of promptfoo's that ask a model for a verdict; ``similar`` compares vectors, and is none."""
_OF_WORDS = frozenset({
    "answer", "choice", "compare_answers", "exact", "f1", "includes", "match", "math", "pattern", "perplexity",
})  # fmt: skip
"""Inspect's own scorers that ask no model."""
_NAMES = re.compile(
    r"(?<![a-z])(?:judge|rubric|model[-_ ]?graded|grad(?:er|ing)|g[-_]?eval|gpt[-_]?(?:eval|score)|llm[-_]?(?:as|eval|score))",
    re.I,
)  # fmt: skip


def named_as_judged(name: str) -> bool:
    """Say whether a score is called as the verdicts of a judge are.

    >>> [named_as_judged(name) for name in ("model_graded_qa1", "llm_judge.mean", "exact_match", "avg_eval", "upgrade")]
    [True, True, False, False, False]
    """
    return _NAMES.search(name) is not None


def judged_by_assertions(asserted: Iterable[Any]) -> dict[str | None, str]:
    """Return the assertion by metric of promptfoo's assertions that a model decides; ``None`` is the metric of those without.

    Args:
        asserted: assertions, and sets of them.

    >>> judged_by_assertions([{"type": "equals"}, {"type": "not-llm-rubric", "metric": "kind"}])
    {'kind': 'not-llm-rubric'}
    """
    found: dict[str | None, str] = {}
    for one in map(mapping, asserted):
        kind, metric = str(one.get("type") or ""), one.get("metric")
        inner = judged_by_assertions(sequence(one.get("assert")))
        plain = kind.removeprefix("not-")
        if plain in _ASSERTIONS or plain.startswith("promptfoo:redteam:"):
            inner = {None: kind}
        if inner:  # the metric of a set is that of all in it
            found |= inner | ({str(metric): next(iter(inner.values()))} if metric else {})
            found = {name: how for name, how in found.items() if name is not None or metric is None}
    return found


def judged_by_scorer(name: str, scorer: str, score: Mapping[str, Any], *, grader: bool) -> str | None:
    """Return what says that a score of Inspect's is a judge's; ``None`` where nothing does.

    Args:
        name: of the score.
        scorer: that made it, by the name it is registered under; empty where that isn't told.
        score: as the sample has it.
        grader: whether the run had a model in the role of the grader.
    """
    plain = (scorer or name).rpartition("/")[2]
    for called in (plain, name):
        if named_as_judged(called):
            return called
    if any(named_as_judged(str(key)) for key in mapping(score.get("metadata"))):
        return f"{name}, which keeps what its grader said"
    if grader and plain.rstrip("0123456789") not in _OF_WORDS and plain not in _OF_WORDS:
        return f"{name}, in a run with a grader"
    return None
