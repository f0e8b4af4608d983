"""Which scorers there are, and the one that a text such as ``class``, ``number:0.01`` or ``schema:ticket.json`` asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path

from ...curate.calls import Ask
from ...curate.embed.encoder import Encoder
from ...curate.errors import UsageError, quote
from ..models.protocol import Model
from .case import Case, Scored, Scorer
from .class_labels import score_class
from .exact_match import score_contains, score_exact, score_normalised
from .field_match import field_names, score_fields
from .json_answers import score_json
from .json_schema import schema_scorer
from .judge import Judge, judge_answers
from .judge_calibration import Calibration, load_calibration, require_calibrated
from .judge_prompts import read_rubric
from .numbers import score_number, tolerance
from .patterns import pattern_scorer
from .refusals import score_refusal
from .similarity import similarity_scorer
from .text_overlap import bleu_scorer, chrf_scorer, rouge_l_scorer
from .token_overlap import score_token_f1
from .tool_calls import tool_call_scorer
from .verifier import verifier_scorer

Score = Callable[[Sequence[Case]], list[Scored]]


@dataclass(frozen=True)
class Given:
    """What the caller brings for the scorers that need it."""

    labels: Sequence[str] | None = None
    judge: Model | None = None
    ask: Ask | None = None
    calibration: Calibration | str | Path | None = None
    encoder: Encoder | None = None


@dataclass(frozen=True)
class Judging:
    """A judge that may score."""

    judge: Judge
    calibration: Calibration

    @classmethod
    def of(cls, option: str, given: Given) -> Judging:
        """Return the scorer of a rubric, by the model that was given.

        Raises:
            UsageError: no rubric or no model, or a rubric for pairs.
            GateError: the judge is not calibrated.
        """
        if not option:
            raise UsageError("`judge` needs a rubric; write judge:RUBRIC, a file that says what a good answer is.")
        if given.judge is None:
            raise UsageError("`judge` needs a model to judge with, and none was named.")
        judge = Judge(given.judge, read_rubric(option), ask=given.ask)
        if judge.rubric.mode == "pair":
            raise UsageError(f"{option} compares two answers, and a scorer sees one; set its mode to pass or score.")
        found = given.calibration if given.calibration is not None else calibration_file(option)
        measured = found if isinstance(found, Calibration) else load_calibration(found)
        return cls(judge, require_calibrated(judge, measured))

    def __call__(self, cases: Sequence[Case]) -> list[Scored]:
        """Score by the judge's verdicts."""
        return judge_answers(self.judge, cases)


@dataclass(frozen=True)
class Kind:
    """One kind of scorer."""

    make: Callable[[str, Given], Score]
    """Its option and what the caller brings to the scorer."""
    says: str
    """What it measures, in a line."""
    option: str | None = None
    """What may stand after the colon; nothing for ``None``."""
    version: int = 1


KINDS: dict[str, Kind] = {
    "exact": Kind(lambda _, __: score_exact, "the answer is the reference to the character"),
    "normalised": Kind(lambda _, __: score_normalised, "the same text: case, width, white space, quotes and a full stop aside"),
    "contains": Kind(lambda _, __: score_contains, "the reference stands in the answer as whole words"),
    "class": Kind(lambda _, given: partial(score_class, labels=given.labels), "the answer names the right one of the labels"),
    "number": Kind(lambda option, _: partial(score_number, allowed=tolerance(option)), "the number it gives", "TOLERANCE"),
    "regex": Kind(lambda option, _: pattern_scorer(option), "what a pattern finds, or whether it matches", "PATTERN"),
    "json": Kind(lambda option, _: partial(score_json, strict=_only("json", option, "strict")), "it holds JSON", "strict"),
    "schema": Kind(lambda option, _: schema_scorer(option), "it holds JSON that fits a schema", "FILE"),
    "fields": Kind(lambda option, _: partial(score_fields, names=field_names(option)), "share of right fields of JSON", "a,b.c"),
    "tool_calls": Kind(lambda option, _: tool_call_scorer(option), "the same tools with the same arguments", "name"),
    "token_f1": Kind(lambda _, __: score_token_f1, "words shared with the reference (SQuAD)"),
    "chrf": Kind(lambda option, _: chrf_scorer(option), "characters shared (extra `text`)", "++"),
    "bleu": Kind(lambda option, _: bleu_scorer(option), "word sequences shared (extra `text`)", "TOKENIZER"),
    "rouge_l": Kind(lambda _, __: rouge_l_scorer(), "longest common sequence of words (extra `text`)"),
    "similarity": Kind(
        lambda option, given: similarity_scorer(option, given.encoder), "cosine of meaning, by an encoder", "ENCODER"
    ),
    "refusal": Kind(lambda _, __: score_refusal, "it refuses where it should, and only there"),
    "verify": Kind(lambda option, _: verifier_scorer(option), "a function of your own says so", "MODULE:FUNCTION"),
    "judge": Kind(Judging.of, "a calibrated model judges by your rubric", "RUBRIC"),
}  # fmt: skip
"""Every kind of scorer, by the word that a spec begins with."""


def scorer(
    spec: str,
    *,
    labels: Sequence[str] | None = None,
    judge: Model | None = None,
    ask: Ask | None = None,
    calibration: Calibration | str | Path | None = None,
    encoder: Encoder | None = None,
) -> Scorer:
    """Return the scorer that a spec asks for.

    Args:
        spec: ``KIND`` or ``KIND:OPTION``; with ``NAME=`` before it the scorer is called that, else by its kind.
        labels: for ``class``: all that an answer may name; those of the references for ``None``.
        judge: for ``judge``: the model that judges.
        ask: how the judge's calls are made, so that a journal keeps them.
        calibration: of the judge, or its file; ``RUBRIC.calibration.json`` beside the rubric for ``None``.
        encoder: for ``similarity``, in place of the one that its option names.

    Raises:
        UsageError: there is no such kind, or its option makes no sense.
        MissingExtra: it needs a library that is not installed.
        GateError: the judge is not calibrated.

    >>> scorer("total=number:0.01").score([Case("It is 3.005", "3")])[0].score
    1.0
    """
    name, kind, option = parse(spec)
    given = Given(labels=labels, judge=judge, ask=ask, calibration=calibration, encoder=encoder)
    score = KINDS[kind].make(option, given)
    digest = score.calibration.digest if isinstance(score, Judging) else None
    told = f"{kind}:{option}" if option else kind  # without the name: others read the kind off it
    return Scorer(name=name, spec=told, score=score, version=KINDS[kind].version, calibration=digest)


def scorers(
    specs: Sequence[str],
    *,
    labels: Sequence[str] | None = None,
    judge: Model | None = None,
    ask: Ask | None = None,
    calibration: Calibration | str | Path | None = None,
    encoder: Encoder | None = None,
) -> list[Scorer]:
    """Return the scorers of several specs, the primary one first; arguments as of ``scorer``.

    Raises:
        UsageError: two have one name.
    """
    given = Given(labels=labels, judge=judge, ask=ask, calibration=calibration, encoder=encoder)
    found = [scorer(spec, **vars(given)) for spec in specs]
    names = [one.name for one in found]
    for one in found:
        if names.count(one.name) > 1:
            raise UsageError(f"two scorers are called {one.name}; name one of them, such as `second={one.spec}`.")
    return found


def parse(spec: str) -> tuple[str, str, str]:
    """Return name, kind and option of a spec.

    Raises:
        UsageError: there is no such kind, or it takes no option.

    >>> parse("order=regex:id=([0-9]+)"), parse("class")
    (('order', 'regex', 'id=([0-9]+)'), ('class', 'class', ''))
    """
    head, colon, option = spec.partition(":")
    named, equals, kind = head.rpartition("=")
    kind, named = kind.strip(), named.strip()
    if kind not in KINDS:
        near = get_close_matches(kind.replace("-", "_").casefold(), list(KINDS), n=3, cutoff=0.5)
        meant = f"did you mean {' or '.join(near)}?" if near else f"use one of {', '.join(KINDS)}."
        raise UsageError(f"{quote(kind, 40)} is no scorer; {meant}")
    if equals and not named.replace("-", "_").isidentifier():
        raise UsageError(f"a scorer can't be called {quote(named, 40)}; give it a name of letters, digits and _.")
    takes = KINDS[kind].option
    if colon and takes is None:
        raise UsageError(f"`{kind}` takes no option, and {quote(option, 40)} was given; write `{kind}` alone.")
    return named or kind, kind, option


def _only(kind: str, option: str, word: str) -> bool:
    if option not in ("", word):
        raise UsageError(f"{kind}:{quote(option, 30)[1:-1]} is unknown; write {kind}, or {kind}:{word}.")
    return option == word


def calibration_file(rubric: str | Path) -> Path:
    """Return where the calibration of a rubric is looked for: ``NAME.calibration.json`` beside it."""
    return Path(rubric).with_suffix(".calibration.json")
