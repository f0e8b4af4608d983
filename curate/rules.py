"""The rules: what each is called, what it finds in a line, whether it blocks, and the function that finds it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any

import polars as pl

from . import findings, licences
from .coverage.balance import find_unknown_labels, label_figures, opener_figures
from .coverage.edge_cases import edge_case_figures
from .coverage.thin import find_thin, thin_figures
from .distill.waiting import find_review, find_teacher
from .duplicates import boilerplate, contained, near
from .duplicates import exact as duplicates
from .errors import MissingExtra, UsageError, quote
from .labels import conflict as labels
from .labels.alias import find_alias
from .labels.ambiguous import find_ambiguous
from .labels.annotators import find_annotator
from .labels.drift import find_drift, may_drift
from .labels.estimate import estimate_figures
from .labels.multi import find_suspect_sets
from .labels.near_conflict import COSINE, find_near_conflict
from .labels.outlier import find_outlier
from .labels.rare import find_rare
from .labels.suspect import find_suspect
from .leakage import containment, grams, grouped, later, masked, meaning, short
from .leakage import exact as leakage
from .leakage import near as near_leaks
from .leakage.parents import find_parent
from .material import Material
from .near.compiled import compiled
from .outputs import arithmetic, copies, drift, ignores, language, refusals, truncated
from .outputs import conflict as output_conflicts
from .preferences import bias, pairs
from .preferences import conflict as preference
from .privacy import Kind, in_rows
from .quality import encoding_faults, leftovers, outputs_schema, roles
from .quality import lengths as quality
from .quality.tool_use import uncheckable_tools


@dataclass(frozen=True)
class Rule:
    """One rule."""

    finds: str
    """What it finds, in a line."""
    find: Callable[[Material], pl.DataFrame]
    """Material to a findings frame (``findings.SCHEMA``)."""
    figures: Callable[[Material, pl.DataFrame], dict[str, Any]] | None = None
    """Material and the rule's findings to what can be counted over the whole set, as JSON values."""
    default: bool = True
    """Whether it runs without being named; what takes minutes has to be asked for."""
    compiled: bool = False
    """Whether there is no way to find it but by compiled loops (numba)."""


def _leak_figures(m: Material) -> dict[str, Any]:
    """Nothing where there is no eval side: then no rule looks for a leak either."""
    figures = leakage.leak_figures(m.rows, m.keys, against=m.against, train=m.train)
    return figures if figures["eval_rows"] or m.against is not None else {}


def _tool_figures(m: Material) -> dict[str, Any]:
    figures = uncheckable_tools(m.rows)
    return figures if figures["tools"] else {}


def _privacy(kind: Kind, finds: str) -> Rule:
    return Rule(
        finds,
        lambda m: in_rows.find_kind(m.rows, m.private, kind),
        lambda m, _: in_rows.figures(m.private, kind),
    )


RULES: dict[str, Rule] = {
    "duplicates.exact": Rule("the same input and the same target, again", lambda m: duplicates.find_exact(m.rows)),
    "duplicates.normalised": Rule(
        "the same but for case, width, white space or zero-width characters",
        lambda m: duplicates.find_normalised(m.rows, m.keys),
    ),
    "duplicates.near": Rule(
        "nearly the same words: a near copy of a row that is kept",
        lambda m: near.find_near(
            m.rows,
            threshold=m.options.threshold,
            shingle=m.options.shingle,
            keep=m.options.keep,
            clusters=m.options.clusters,
            train=m.train,
        ),
    ),
    "duplicates.semantic": Rule(
        "the same in other words, by an encoder",
        lambda m: m.meanings[0],
        lambda m, _: {"proposed": asdict(m.meanings[1].proposed), "curve": m.meanings[1].frame.to_dicts()},
        default=False,
        compiled=True,
    ),
    "duplicates.contained": Rule(
        "the text stands inside of a longer one",
        lambda m: contained.find_contained(m.rows, alike=m.options.threshold),
        compiled=True,
    ),
    "duplicates.boilerplate": Rule(
        "lines that many rows share, or one row says again and again",
        lambda m: boilerplate.find_boilerplate(m.rows, m.turns),
    ),
    "labels.conflict": Rule(
        "the same input with different targets",
        lambda m: labels.find_conflict(m.single, m.single_keys),
        lambda _, found: asdict(labels.conflict_figures(found)),
    ),
    "labels.suspect": Rule(
        "a label that is probably wrong or missing, by all other rows",
        lambda m: (
            find_suspect_sets(m.rows, m.labelled, notes=m.notes)
            if m.several
            else findings.empty()
            if m.judged is None
            else find_suspect(m.single, m.judged)
        ),
        lambda m, _: {} if m.judged is None else estimate_figures(m.rows, m.judged),
    ),
    "labels.ambiguous": Rule(
        "two labels fit the text alike: their definitions are at fault",
        lambda m: findings.empty() if m.judged is None else find_ambiguous(m.single, m.judged),
    ),
    "labels.annotator": Rule(
        "annotators who err more than the rest, or confuse some labels",
        lambda m: (
            findings.empty()
            if m.judged is None
            else find_annotator(m.single, m.labelled, m.judged.by_text.wrong, m.judged.suggested)
        ),
    ),
    "labels.near_conflict": Rule(
        "nearly the same input, or a paraphrase, with another label",
        lambda m: find_near_conflict(
            m.labelled,
            m.single,
            threshold=m.options.threshold,
            paraphrase=None if m.knows_words_alone else m.options.cosine or COSINE,
            notes=m.notes,
        ),
    ),
    "labels.alias": Rule(
        "two labels that are one: misspelt, renamed or merged", lambda m: find_alias(m.labelled, m.single, m.aliases)
    ),
    "labels.rare": Rule(
        "a label that fewer than five rows have, or none that is trained on",
        lambda m: find_rare(
            m.labelled, m.single, train=m.train, skip=frozenset(alias.rare for alias in m.aliases), notes=m.notes
        ),
    ),
    "labels.outlier": Rule(
        "the text belongs to no label",
        lambda m: find_outlier(m.labelled, m.single, words=m.knows_words_alone, notes=m.notes),
    ),
    "labels.drift": Rule(
        "labels whose meaning moved with time, source or version",
        lambda m: (
            find_drift(m.single, m.labelled, columns=m.wanted.drift)
            if may_drift(m.single, m.wanted.drift)
            else findings.empty()
        ),
    ),
    "leakage.exact": Rule(
        "eval rows whose input stands in train",
        lambda m: leakage.find_leak(m.rows, m.keys, against=m.against, train=m.train),
        lambda m, _: _leak_figures(m),
    ),
    "leakage.near": Rule(
        "eval rows of which a near copy stands in train",
        lambda m: near_leaks.find_near(
            m.rows, against=m.against, train=m.train, shingle=m.options.shingle, threshold=m.options.threshold
        ),
    ),
    "leakage.ngram": Rule(
        "eval rows that share a run of 13 or 8 words with train",
        lambda m: grams.find_ngram(m.rows, against=m.against, train=m.train, phrases=False),
        lambda m, _: {
            sides: asdict(figures)
            for sides, figures in grams.ngram_figures(m.rows, against=m.against, train=m.train).items()
        },
        compiled=True,
    ),
    "leakage.contained": Rule(
        "eval rows whose text stands inside of a train text",
        lambda m: containment.find_contained(m.rows, against=m.against, train=m.train),
        compiled=True,
    ),
    "leakage.masked": Rule(
        "eval rows that are train rows but for numbers and names",
        lambda m: masked.find_masked(m.rows, against=m.against, train=m.train),
        compiled=True,
    ),
    "leakage.short": Rule(
        "eval rows too short for a run of 8 words, inside of a train text",
        lambda m: short.find_short(m.rows, against=m.against, train=m.train),
        compiled=True,
    ),
    "leakage.meaning": Rule(
        "eval rows that stand in train in other words, by an encoder",
        lambda m: meaning.find_meaning(
            m.rows,
            encoder=m.encoder,
            against=m.against,
            train=m.train,
            threshold=m.options.cosine,
            cache=m.cache,
            progress=m.report,
            notes=m.notes,
        ),
        default=False,
        compiled=True,
    ),
    "leakage.group": Rule(
        "eval rows whose group stands in train",
        lambda m: grouped.find_group(m.rows, against=m.against, train=m.train),
    ),
    "leakage.time": Rule(
        "rows that are older or newer than a split in time allows",
        lambda m: later.find_time(m.rows, against=m.against, train=m.train),
    ),
    "leakage.parent": Rule(
        "synthetic rows of train made from an eval row, or one that is gone",
        lambda m: find_parent(m.rows, against=m.against, train=m.train, made=m.synthetic, known=m.known),
    ),
    "leakage.answer": Rule("the label stands in the input", lambda m: leakage.find_answer(m.rows, m.turns)),
    "preference.same": Rule("chosen and rejected are the same", lambda m: pairs.find_same(m.rows)),
    "preference.conflict": Rule(
        "A over B in one row, B over A in another, or a circle",
        lambda m: preference.find_preference_conflict(m.rows, m.keys),
    ),
    "preference.bias": Rule(
        "an annotator who chooses by length or place",
        lambda m: bias.find_bias(m.rows),
        lambda m, _: bias.bias_figures(m.rows),
    ),
    "quality.empty": Rule("no visible character in input or target", lambda m: quality.find_empty(m.rows, m.turns)),
    "quality.encoding": Rule(
        "mojibake, control and zero-width characters, left-over HTML",
        lambda m: encoding_faults.find_encoding(m.rows, m.turns),
        lambda m, _: {"zero_width": encoding_faults.zero_width_rows(m.rows, m.turns)},
    ),
    "quality.length": Rule(
        "far longer or shorter than the rest",
        lambda m: quality.find_length(m.rows, m.turns),
        lambda m, _: quality.length_distribution(m.turns),
    ),
    "quality.template": Rule(
        "placeholders, refusals and special tokens left in",
        lambda m: leftovers.find_template(m.rows, m.turns),
        lambda m, found: refusals.refusal_figures(m.rows, m.turns, found),
    ),
    "quality.roles": Rule(
        "role order, tool calls and results that don't fit",
        lambda m: roles.find_roles(m.rows, m.turns),
        lambda m, _: _tool_figures(m),
    ),
    "quality.schema": Rule(
        "most targets are JSON of one shape, this one is not", lambda m: outputs_schema.find_schema(m.rows, m.turns)
    ),
    "coverage.balance": Rule(
        "how rows spread over the labels, and labels that should not be",
        lambda m: find_unknown_labels(m.rows, m.wanted),
        lambda m, _: label_figures(m.rows, m.wanted, train=m.train) | opener_figures(m.rows),
    ),
    "coverage.thin": Rule(
        "texts that train or eval lacks, or one source labels all alike",
        lambda m: find_thin(m.rows, *m.regions) if m.regions else findings.empty(),
        lambda m, _: thin_figures(m.regions[1]) if m.regions else {},
    ),
    "coverage.edge_case": Rule(
        "how many rows meet the edge cases that vetset.toml asks for",
        lambda _: findings.empty(),
        lambda m, _: edge_case_figures(m.rows, m.wanted),
    ),
    "outputs.conflict": Rule(
        "nearly the same prompt, and answers that can't both be right",
        lambda m: output_conflicts.find_output_conflict(m.rows, m.exchanges),
    ),
    "outputs.format": Rule(
        "a form that is rare in the set, and the rule in its source or time",
        lambda m: drift.find_format(m.rows, m.turns),
    ),
    "outputs.ignores": Rule(
        "the answer to another row's input (shifted joins, swaps)",
        lambda m: ignores.find_ignoring(m.rows, m.exchanges, notes=m.notes),
        compiled=True,
    ),
    "outputs.copy": Rule(
        "the answer gives the prompt back, word for word", lambda m: copies.find_copy(m.rows, m.exchanges)
    ),
    "outputs.language": Rule(
        "answered in another language than asked", lambda m: language.find_language(m.rows, m.exchanges)
    ),
    "outputs.arithmetic": Rule("sums that don't compute", lambda m: arithmetic.find_arithmetic(m.rows, m.turns)),
    "outputs.truncated": Rule("the answer breaks off", lambda m: truncated.find_truncated(m.rows, m.turns)),
    "synthetic.review": Rule(
        "synthetic rows that a gate left for a person", lambda m: find_review(m.rows, m.synthetic)
    ),
    "privacy.email": _privacy("email", "mail addresses"),
    "privacy.card": _privacy("card", "payment card numbers"),
    "privacy.iban": _privacy("iban", "bank accounts (IBAN)"),
    "privacy.ssn": _privacy("ssn", "US social security numbers"),
    "privacy.phone": _privacy("phone", "telephone numbers"),
    "privacy.ip": _privacy("ip", "public IPv4 addresses"),
    "privacy.secret": _privacy("secret", "keys and tokens of services"),
    "privacy.private_key": _privacy("private_key", "private keys"),
    "privacy.url_credentials": _privacy("url_credentials", "addresses that hold a password"),
    "licences.unknown": Rule("no licence, or none that is known", lambda m: licences.find_unknown(m.rows)),
    "licences.teacher": Rule(
        "a teacher whose terms are unknown or closed to training",
        lambda m: find_teacher(m.rows, m.synthetic),
    ),
}
"""Name to rule, in the order in which they run."""


def select_rules(wanted: Iterable[str] | None) -> list[str]:
    """Return the names of the rules that prefixes choose (``duplicates``, ``labels.conflict``); all for ``None``.

    Rules that need an encoder are chosen by their whole name only.

    Raises:
        UsageError: a prefix that chooses nothing.
        MissingExtra: a rule is named that needs numba, which can't be imported.

    >>> select_rules(["preference"])
    ['preference.same', 'preference.conflict', 'preference.bias']
    """
    if wanted is None:
        return [name for name, rule in RULES.items() if rule.default and not out_of_reach(name)]
    wanted = list(wanted)
    named = named_rules(wanted)
    for name in wanted:
        if name in RULES and out_of_reach(name):
            raise MissingExtra(f"{name} needs numba, which can't be imported here; run: pip install numba")
    return [name for name in named if name in wanted or (RULES[name].default and not out_of_reach(name))]


def named_rules(wanted: Iterable[str]) -> list[str]:
    """Return the names of all rules that prefixes name, for who looks at findings: what needs an encoder or numba, too.

    Raises:
        UsageError: no prefix, or one that names nothing.
    """
    chosen: set[str] = set()
    for prefix in wanted:
        hits = {name for name in RULES if name == prefix or name.startswith(prefix.rstrip(".") + ".")}
        if not hits:
            families = sorted({name.partition(".")[0] for name in RULES})
            raise UsageError(
                f"there is no rule {quote(prefix)}; families are {', '.join(families)} (`vetset rule` lists all)."
            )
        chosen |= hits
    if not chosen:
        raise UsageError("no rule is named; name rules or families with commas between, or leave --select out.")
    return [name for name in RULES if name in chosen]


def out_of_reach(name: str) -> bool:
    """Say whether a rule needs compiled loops that are not to be had."""
    return RULES[name].compiled and not compiled()


def explain(name: str) -> str:
    """Return the page of a rule: what it finds, why it matters, what it cannot see, what to do (Markdown).

    Raises:
        UsageError: there is no such rule.
    """
    if name not in RULES:
        select_rules([name])  # a family is known, and chooses several
        names = [rule for rule in RULES if rule.startswith(name + ".")]
        raise UsageError(f"{quote(name)} is a family of rules; name one of {', '.join(names)}.")
    return (resources.files((__package__ or "").rpartition(".")[0]) / "docs" / "rules" / f"{name}.md").read_text(
        encoding="utf-8"
    )
