"""chrF, BLEU and ROUGE-L through sacrebleu and rouge-score, the libraries by which such figures are published.

Scores are of single answers, from 0 to 1. A mean of them is not what papers report as BLEU: that counts over all answers
together (``corpus_score``). chrF: Popović (2015), characters up to 6, beta 2. BLEU: Papineni et al. (2002), for one answer
with the order that it has (a text of two words has no 4-grams). ROUGE-L: Lin (2004), F-measure of the longest common
subsequence, words not stemmed; rouge-score's own words are a to z alone, ours are of every script.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from typing import Any, Literal

from ...curate.errors import MissingExtra, UsageError, quote
from .answers import settle, spoken, wanted
from .case import Case, Scored
from .token_overlap import squad_words

TOKENIZERS = ("13a", "intl", "zh", "char", "none")
"""Of sacrebleu, those that come with it: others fetch a model."""

Overlap = Callable[[str, str], float]


def bleu_scorer(option: str) -> partial[list[Scored]]:
    """Return the scorer of BLEU; ``option`` is a tokenizer, 13a (that of WMT) without one.

    Raises:
        UsageError: there is no such tokenizer.
        MissingExtra: sacrebleu is not installed.
    """
    tokenizer = option or "13a"
    if tokenizer not in TOKENIZERS:
        raise UsageError(f"bleu:{quote(option, 30)[1:-1]} names no tokenizer; take {', '.join(TOKENIZERS)}.")
    _need("sacrebleu", "bleu")
    from sacrebleu.metrics.bleu import BLEU

    metric = BLEU(tokenize=tokenizer, effective_order=True)
    return partial(
        score_overlap, name="bleu", overlap=lambda text, right: metric.sentence_score(text, [right]).score / 100
    )


def chrf_scorer(option: str) -> partial[list[Scored]]:
    """Return the scorer of chrF; ``option`` is ``++`` for chrF++, which counts words too (Popović 2017).

    Raises:
        UsageError: another option.
        MissingExtra: sacrebleu is not installed.
    """
    if option not in ("", "++"):
        raise UsageError(f"chrf:{quote(option, 30)[1:-1]} is unknown; write chrf, or chrf:++ for chrF++.")
    _need("sacrebleu", "chrf")
    from sacrebleu.metrics.chrf import CHRF

    metric = CHRF(word_order=2 if option else 0)
    return partial(
        score_overlap, name="chrf", overlap=lambda text, right: metric.sentence_score(text, [right]).score / 100
    )


def rouge_l_scorer() -> partial[list[Scored]]:
    """Return the scorer of ROUGE-L.

    Raises:
        MissingExtra: rouge-score is not installed.
    """
    _need("rouge_score", "rouge_l")
    from rouge_score.rouge_scorer import RougeScorer

    metric: Any = RougeScorer(["rougeL"], tokenizer=_Words())
    return partial(
        score_overlap, name="rouge_l", overlap=lambda text, right: metric.score(right, text)["rougeL"].fmeasure
    )


class _Words:
    """What rouge-score asks for words."""

    def tokenize(self, text: str) -> list[str]:
        return squad_words(text)


def score_overlap(cases: Sequence[Case], *, name: str, overlap: Overlap) -> list[Scored]:
    """Score whole answers by what they share with their references.

    Args:
        cases: the answers.
        name: of the scorer.
        overlap: answer and reference to a score from 0 to 1.
    """
    references = [wanted(case, name) for case in cases]

    def scored(place: int) -> Scored:
        return Scored(min(max(overlap(spoken(cases[place].output), references[place]), 0.0), 1.0))

    return settle(cases, [None] * len(cases), else_=scored)


def corpus_score(
    outputs: Sequence[str], references: Sequence[str], *, kind: Literal["bleu", "chrf"], tokenizer: str = "13a"
) -> tuple[float, str]:
    """Return BLEU or chrF over all answers together, 0 to 100 as papers give it, and sacrebleu's signature of how.

    Args:
        outputs: (n) the answers.
        references: (n) what is right.
        kind: which.
        tokenizer: of BLEU.

    Raises:
        UsageError: not as many references as answers, or no such tokenizer.
        MissingExtra: sacrebleu is not installed.
    """
    if len(outputs) != len(references):
        raise UsageError(f"there are {len(outputs):,} answers and {len(references):,} references; give one for each.")
    if tokenizer not in TOKENIZERS:
        raise UsageError(f"{quote(tokenizer, 30)} names no tokenizer; take {', '.join(TOKENIZERS)}.")
    _need("sacrebleu", kind)
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    metric = BLEU(tokenize=tokenizer) if kind == "bleu" else CHRF()
    found = metric.corpus_score(list(outputs), [list(references)])
    return float(found.score), str(metric.get_signature())


def _need(module: str, scorer: str) -> None:
    if find_spec(module) is None:
        raise MissingExtra(f"the scorer {scorer} needs {module.replace('_', '-')}; run pip install 'vetset[text]'.")
