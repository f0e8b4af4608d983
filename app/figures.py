"""What a check counted over the whole set, as one sentence a rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..curate.coverage.sentences import balance_sentence, edge_case_sentence, thin_sentence
from ..curate.wording import counted


def sentences(figures: Mapping[str, Mapping[str, Any]], *, decided: int = 0) -> dict[str, str]:
    """Return what is worth a line of each rule's figures; a rule that counted nothing but zeros has none.

    Args:
        figures: of each rule.
        decided: rows whose label, text or place in the set a decision changes. A check judges rows as they were read.
    """
    said = {rule: _SAY[rule](of) for rule, of in figures.items() if rule in _SAY}
    if decided and said.get("labels.suspect"):
        said["labels.suspect"] += (
            f"; all this of labels as read, with the decisions on {counted(decided, 'row')} not counted"
        )
    return {rule: sentence for rule, sentence in said.items() if sentence}


def _conflict(of: Mapping[str, Any]) -> str:
    if not of["groups"]:
        return ""
    rows, odd = of["rows"], of["rows_not_majority"]
    has = "has" if of["groups"] == 1 else "have"
    return (
        f"{counted(of['groups'], 'input')} {has} several targets, in {rows:,} rows; where one target is right, at least "
        f"{odd:,} of them are wrong"
    )


def _suspect(of: Mapping[str, Any]) -> str:
    if not of:
        return ""
    whole = of["expected"]
    rows, wrong, most = whole["rows"], round(whole["wrong"]), round(whole["high"])
    unseen = "errors that follow a rule of their own not counted"
    if not wrong:
        return f"next to none of {rows:,} labels seems wrong, at most {most:,} (95%), {unseen}"
    said = f"about {wrong:,} of {rows:,} labels are wrong (95%: {round(whole['low']):,} to {most:,}), {unseen}"
    if of["review"]:
        said += f"; {counted(of['review'], 'review')}, the worst first, would bring them under {of['target']:.0%}"
    as_is, without = round(100 * of["accuracy_as_is"], 1), round(100 * of["accuracy_without"], 1)
    if without > as_is:
        said += (
            f"; a linear classifier trained as is scores {as_is}% on right labels, without the doubtful ones {without}%"
        )
    return said


def _leak(of: Mapping[str, Any]) -> str:
    outside = of["pairs"].get("against in set")
    here = "the train rows of this set" if of["eval_rows"] else "this set"  # its own eval rows are not held against it
    parts = [_overlap(of, "eval rows stand in train"), _overlap(outside, f"rows of the eval file stand in {here}")]
    return "; ".join(filter(None, parts))


def _overlap(of: Mapping[str, Any] | None, what: str) -> str:
    if of is None or not of["normalised"]:
        return ""
    return f"{of['normalised']:,} of {of['eval_rows']:,} {what}, {of['raw']:,} of them character for character"


def _length(of: Mapping[str, Any]) -> str:
    sides = [
        f"{side} {q['p50']:,.0f} characters at the median, {q['p05']:,.0f} to {q['p95']:,.0f} in 5-95%, "
        f"{q['min']:,.0f} to {q['max']:,.0f} in all"
        for side, q in of.items()
    ]
    return "; ".join(sides)


def _encoding(of: Mapping[str, Any]) -> str:
    zero = of["zero_width"]
    if not zero["rows"]:
        return ""
    rows = counted(zero["rows"], "row")
    return f"zero-width characters in {rows}: a fault in {zero['faults']:,}, spelling in {zero['spelling']:,}"


def _tools(of: Mapping[str, Any]) -> str:
    if not of["unchecked"]:
        return ""
    return (
        f"{of['unchecked']:,} of {of['tools']:,} tools have no schema that JSON Schema allows, so arguments were not "
        "held against it"
    )


def _semantic(of: Mapping[str, Any]) -> str:
    proposed = of["proposed"]
    steps = [line for line in of["curve"] if round(100 * line["threshold"]) % 5 == 0 or line["threshold"] >= 0.99]
    takes = ", ".join(f"{line['threshold']:.2f} {line['removed']:,}" for line in steps)
    why = proposed["why"].rstrip(".")
    return f"the data proposes a cosine of {proposed['threshold']} ({why}); rows that a cosine takes away: {takes}"


def _ngram(of: Mapping[str, Any]) -> str:
    keys = lambda counts: {str(words): rows for words, rows in counts.items()}  # noqa: E731 - a number, or a word once saved
    sides = {
        "eval in train": "eval rows share {} with train",
        "against in set": "rows of the eval file share {} with this set",
    }
    said = []
    for side, what in sides.items():
        if side in of and keys(of[side]["shared"])["8"]:
            shared, sign = keys(of[side]["shared"]), keys(of[side]["counted"])
            runs = f"a run of 8 words (of 13: {shared['13']:,})"
            only = shared["8"] - sign["8"]
            said.append(
                f"{shared['8']:,} of {of[side]['eval_rows']:,} " + what.format(runs)
                + (f", {only:,} of them only runs that stand everywhere" if only else "")
            )  # fmt: skip
    return "; ".join(said)


_SAY = {
    "coverage.balance": balance_sentence,
    "coverage.thin": thin_sentence,
    "coverage.edge_case": edge_case_sentence,
    "leakage.ngram": _ngram,
    "duplicates.semantic": _semantic,
    "labels.conflict": _conflict,
    "labels.suspect": _suspect,
    "leakage.exact": _leak,
    "quality.length": _length,
    "quality.encoding": _encoding,
    "quality.roles": _tools,
}
