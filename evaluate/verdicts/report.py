"""The verdict as a page that people read: the word, the gates, the slices, and the rows that flipped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import polars as pl

from ...curate.masking import mask
from ...curate.wording import counted
from ..evalsets.evalset import EvalSet, question
from .gates import Gate
from .pairing import Pairs
from .verdict import Verdict

_SHOWN = 20  # flips of each kind: enough to see what kind of rows they are
_CUT = 240  # characters of a text
_READ = 4_000  # characters that are masked, of which the cut is taken


def report(verdict: Verdict, pairs: Pairs, evalset: EvalSet | None = None) -> str:
    """Return the verdict in Markdown.

    Args:
        verdict: the verdict.
        pairs: the rows that it was made of.
        evalset: for the questions; without it flips are shown by their ids and answers.
    """
    of = verdict.gain
    told = verdict.evalset
    lines = [
        f"# {verdict.word.upper()}: {_line(verdict.candidate, 80)} against {_line(verdict.baseline, 80)}",
        "",
        _line(verdict.reason, 600),
        "",
        f"Eval set {_line(str(told.get('name')), 80)}, version {told.get('version')}, part {told.get('part')}, digest "
        f"`{str(told.get('digest'))[:16]}`; scorer {_line(verdict.scorer, 60)}; {counted(of.rows, 'row')} in "
        f"{counted(of.clusters, 'cluster')}.",
        "",
        "| | baseline | candidate | gain | interval |",
        "|-|-|-|-|-|",
        f"| all | {of.baseline:.1%} | {of.candidate:.1%} | {100 * of.gain:+.1f} | {100 * of.low:+.1f} to {100 * of.high:+.1f} |",
        *(
            f"| {_line(f'{one.column} = {one.value}', 60)} ({one.gain.rows}) | {one.gain.baseline:.1%} | "
            f"{one.gain.candidate:.1%} | {100 * one.gain.gain:+.1f} | {'worse, ' if one.worse else ''}p {one.p_worse:.2g} |"
            for one in verdict.sliced.slices[:_SHOWN]
        ),
        "",
        *_second(verdict),
        f"How: {of.method} Won {len(verdict.won)}, lost {len(verdict.lost)}; a gain of {100 * of.minimum_gain:.1f} points would "
        "have been seen four times in five.",
        "",
        "## Gates",
        "",
        "| gate | holds | what was found |",
        "|-|-|-|",
        *(_gate(gate) for gate in verdict.gates),
        "",
        "## Answers",
        "",
        *(f"- {which}: {_counts(counts)}" for which, counts in verdict.statuses.items()),
        "",
        *_flipped("Lost", verdict.lost, pairs, evalset),
        *_flipped("Won", verdict.won, pairs, evalset),
    ]
    return "\n".join(lines) + "\n"


def _second(verdict: Verdict) -> list[str]:
    """Return what the bootstrap says, where it says something."""
    found = verdict.resampled
    if found.bca is None:
        return []
    low, high = 100 * found.bca.low, 100 * found.bca.high
    return [
        f"Second opinion: {low:+.1f} to {high:+.1f} by {found.draws:,} bootstrap draws of whole clusters (BCa).",
        "",
    ]


def _gate(gate: Gate) -> str:
    step = f" Next: {gate.next}." if gate.next and not gate.passes else ""
    return f"| {gate.name} | {gate.mark} | {_line(gate.told + '.' + step, 400)} |"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{rows} {status}" for status, rows in counts.items())


def _flipped(title: str, ids: Iterable[str], pairs: Pairs, evalset: EvalSet | None) -> list[str]:
    every = list(ids)
    if not every:
        return []
    shown = pairs.rows.filter(pl.col("id").is_in(every[:_SHOWN]))
    questions = _questions(evalset, shown["id"].to_list())
    more = f", the first {_SHOWN}" if len(every) > _SHOWN else ""
    lines = [
        f"## {title}: {counted(len(every), 'row')}{more}",
        "",
        "| row | asked | right | baseline | candidate |",
        "|-|-|-|-|-|",
    ]
    for row in shown.iter_rows(named=True):
        cells = (questions.get(row["id"], ""), row["reference"], row["baseline_output"], row["candidate_output"])
        lines.append(f"| {row['id']} | " + " | ".join(_line(text or "", _CUT) for text in cells) + " |")
    return [*lines, ""]


def _questions(evalset: EvalSet | None, ids: list[str]) -> dict[str, str]:
    if evalset is None:
        return {}
    found = evalset.rows.filter(pl.col("id").is_in(ids))
    return {row["id"]: _last_said(row) for row in found.iter_rows(named=True)}


def _last_said(row: Mapping[str, Any]) -> str:
    said = question(row)
    return (said[-1].content or "") if said else ""


def _line(text: str, limit: int) -> str:
    """Return a user's text as one cell of a table: masked, cut, and with nothing in it that Markdown or HTML would obey."""
    masked = " ".join(mask(text[:_READ]).split())
    cut = masked[:limit] + ("…" if len(masked) > limit else "")
    return re.sub(r"([\\`*_{}\[\]()#+!|~:@])", r"\\\1", escape(cut, quote=False))
