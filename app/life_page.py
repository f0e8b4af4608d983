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
