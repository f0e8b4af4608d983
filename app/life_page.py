"""What ``vetset why`` prints for people: the life of one row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..curate.wording import counted, shell
from .lines import clipped, listed, say, tell

if TYPE_CHECKING:
    from ..curate.dataset import Dataset
    from ..curate.exports.life import Life


def print_life(dataset: Dataset, life: Life) -> None:
    """Print the life of a row on one screen."""
    row, sha256 = life.row, life.origin["sha256"]
    _line("row", row["id"])
    _line("read", f"{life.origin['path']} line {row['line']}" + (f" (sha256 {sha256[:16]}...)" if sha256 else ""))
    if len(row["messages"]) > 6:
        _line("", f"({counted(len(row['messages']) - 6, 'earlier message')})")
    for message in row["messages"][-6:]:
        _line(message["role"], clipped(message.get("content") or message.get("tool_calls") or "", 400))
    for name in ("label", "rejected", "group", "time", "annotator", "source", "license", "origin"):
        if row[name] is not None:
            _line(name, clipped(str(row[name]), 400))
    _made(life)
    differs = life.official_split and life.official_split != row["split"]
    _line("split", (row["split"] or "none") + (f" (the source says {life.official_split})" if differs else ""))
    for finding in life.findings:
        _line("found", f"{finding['rule']}: {clipped(finding['note'], 300)}")
    if not life.findings:
        _line("found", "nothing")
    _beside(life.pairs)
    for decision in life.decisions:
        _line("decided", _decision(decision))
    _line("stands", listed([head["action"] for head in life.standing]) or "undecided")
    for export in life.exports:
        _line("export", _export(export))
    command = f"vetset decide {shell(dataset.folder)}"
    if life.standing:
        say(f"undo: {command} --undo {life.standing[-1]['seq']}")
    else:
        say(f"next: {command} --id {row['id']} --action drop (or keep, relabel, edit)")


def _made(life: Life) -> None:
    """Print how a synthetic row came to be, and which rows came of this one."""
    from ..curate.distill.teachers import WORDS

    told = life.synthetic
    if told is not None:
        teacher, terms, tokens = told["teacher"], told["terms"], told.get("tokens")
        revision = f" at {clipped(teacher['revision'], 40)}" if teacher.get("revision") else ""
        _line(
            "written",
            f"by {clipped(teacher['model'], 100)}{revision} in the run {told.get('run') or '?'}, {told.get('made') or 'undated'}",
        )
        source = f" ({terms['source']}, {terms['dated']})" if terms["source"] else ""
        _line("terms", f"training of other models: {WORDS[terms['training']]}{source}")
        for parent in told["parents"][:6]:
            place = (
                "not in the set"
                if parent.get("gone")
                else f"{parent['file']} line {parent['line']}, split {parent['split'] or 'none'}"
            )
            _line("parent", f"{parent['id']}: {place}")
        if len(told["parents"]) > 6:
            _line("", f"({counted(len(told['parents']) - 6, 'more parent')})")
        cell = ", ".join(f"{axis}: {value}" for axis, value in told.get("cell", {}).items())
        _line(
            "draft",
            clipped(f"{told.get('draft') or '?'} of {told.get('kind') or '?'}" + (f" ({cell})" if cell else ""), 300),
        )
        cost = f", {told['cost']:g} {told.get('currency') or ''}".rstrip() if told.get("cost") is not None else ""
        _line("spent", (f"{tokens[0]:,} + {tokens[1]:,} tokens" if tokens else "tokens unknown") + cost)
        _line(
            "digests",
            f"prompt {(told.get('prompt_sha256') or '?')[:16]}, response {(told.get('response_sha256') or '?')[:16]}",
        )
        for one in told.get("verdicts", []):
            score = "" if one.get("score") is None else f" {one['score']:.2f}"
            _line("gate", clipped(f"{one['gate']}: {one['verdict']}{score} {one.get('note', '')}", 300))
        if told.get("fate") == "review":
            _line("review", clipped(told.get("why") or "left for a person", 300))
        if told.get("fate") == "rejected":
            _line("rejected", clipped(told.get("why") or "by a later run", 300))
    for child in life.children[:6]:
        _line("child", f"{child['id']} by {clipped(child['teacher'], 80)}, split {child['split'] or 'none'}")
    if len(life.children) > 6:
        _line("", f"({counted(len(life.children) - 6, 'more child row')})")


def _beside(pairs: list[dict[str, Any]]) -> None:
    """Print what the row shares with those that it is like."""
    for pair in pairs:
        _line(
            "beside",
            f"{pair['file']} line {pair['line']} ({pair['peer']}): {counted(pair['shared_words'], 'word')} shared",
        )
        for side, runs in (("only here", pair["here"]), ("only there", pair["there"])):
            if runs:
                _line("", f"{side}: {clipped(' | '.join(runs), 300)}")


def _export(export: Mapping[str, Any]) -> str:
    fate = export["fate"].replace("_", " ")
    if "file" not in export:
        return f"{fate}: {export['export']}"
    place = f"{export['file']} record {export['record']}" if export["file"] else export["why"] or ""
    return f"{export['export']}: {fate} {place}".rstrip()


def _line(head: str, text: str) -> None:
    tell(f"{clipped(head, 9):<10}{text}", indent=" " * 10)


def _decision(line: Mapping[str, Any]) -> str:
    what = f"{line['action']} {clipped(line['value'], 60)}" if line["value"] else line["action"]
    undoes = f" of decision {line['undoes']}" if line["undoes"] else ""
    reason = f", {clipped(line['reason'], 80)}" if line["reason"] else ""
    return f"{line['seq']}: {what}{undoes} by {line['reviewer']}, {line['at'][:19]}{reason}"
