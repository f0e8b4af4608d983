"""One row as a person reads it: what it is, what was said, why it was flagged, what was decided."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import streamlit as st

from ...curate.masking import mask
from ...curate.review.view import View
from ...curate.review.worklist import found_by
from .plain import named, plain, short

_LONG = 4_000  # characters of one turn that are shown at once; the rest is a click away
_TURNS = 12
_AVATARS = {"user": ":material/person:", "assistant": ":material/smart_toy:", "system": ":material/tune:"}
_FACTS = (
    ("split", "call_split"), ("source", "folder_open"), ("license", "gavel"), ("annotator", "edit"), ("group", "group"),
    ("origin", "history_edu"),
)  # fmt: skip


def show(view: View, position: int, *, heads: pl.DataFrame, key: str) -> None:
    """Draw a row.

    Args:
        view: the frames.
        position: of the row.
        heads: what stands of it, ``ledger.HEADS``.
        key: unlike any other on the page.
    """
    row = view.row(position)
    facts(row, heads)
    turns(row["messages"], key=f"{key}-{row['id']}")
    if row["rejected"]:
        st.caption("The worse reply")
        said(row["rejected"], key=f"{key}-rejected-{row['id']}")
    if row["tools"]:
        with st.expander("Tools on offer", icon=":material/build:"):
            st.code(_pretty(row["tools"]), language="json", wrap_lines=True)


def facts(row: Mapping[str, Any], heads: pl.DataFrame) -> None:
    """Draw the label, where the row is from, and what stands of it."""
    badges = [] if row["label"] is None else [("blue", "label", plain(row["label"], 60))]
    badges += [
        ("green", "task_alt", f"{_stands(head)} \\({plain(head['at'][:16])} UTC\\)")
        for head in heads.iter_rows(named=True)
    ]
    badges += [
        ("gray", icon, f"{name} {plain(row[name], 40)}") for name, icon in _FACTS
        if row[name] is not None and not (name == "origin" and row[name] == "unknown")
    ]  # fmt: skip
    if row["time"] is not None:
        badges.append(("gray", "schedule", plain(f"{row['time']:%Y-%m-%d %H:%M}")))
    if badges:
        st.markdown(" ".join(f":{colour}-badge[:material/{icon}: {told}]" for colour, icon, told in badges))
    st.caption(f"{plain(row['id'])} · {plain(row['file'], 80)} line {row['line']}")


def turns(messages: Sequence[Mapping[str, Any]], *, key: str) -> None:
    """Draw a conversation, a bubble a turn; of a long one the last turns, the rest on request."""
    first = 0
    if len(messages) > _TURNS and not st.toggle(f"Show all {len(messages)} turns", key=f"all-{key}"):
        first = len(messages) - _TURNS
        st.caption(f"{first} earlier turns are not shown.")
    for number, message in enumerate(messages[first:], first):
        with st.chat_message(plain(message["role"], 20), avatar=_AVATARS.get(message["role"], ":material/build:")):
            if message["content"] is not None:
                said(message["content"], key=f"{key}-{number}", who=message["role"])
            elif not message["tool_calls"]:
                said("(nothing said)", key=f"{key}-{number}", who=message["role"])
            for name, arguments in _calls(message["tool_calls"]):
                with st.expander(f"Calls {plain(name, 60)}", icon=":material/call_made:"):
                    st.code(arguments, language="json", wrap_lines=True)


def said(text: str, *, key: str, who: str = "") -> None:
    """Draw one text in its own direction, every line break kept, masked; a long one is cut until asked for."""
    if len(text) > _LONG and not st.toggle(f"Show all {len(text):,} characters", key=f"whole-{key}"):
        text = cut(text, _LONG)
    else:
        text = mask(text)
    speaks = f'<small style="opacity: 0.75">{html.escape(short(who, 20))}</small>' if who else ""
    st.html(speaks + bidi(html.escape(text)))  # of one piece: each that is drawn costs the server a millisecond


def cut(text: str, limit: int) -> str:
    """Return the beginning of a text, masked before it is cut: half of a card number is none to the mask."""
    return mask(text[: 2 * limit])[:limit]


def bidi(markup: str) -> str:
    """Return markup, safe already, as a block that takes its direction from its first letter (Arabic runs right to left)."""
    return f'<div dir="auto" style="white-space: pre-wrap; overflow-wrap: anywhere">{markup}</div>'


def findings(view: View, position: int) -> pl.DataFrame:
    """Return the findings of a row, the worst first, but those that every row has (Overview tells of them)."""
    own = ~pl.col("rule").is_in(list(view.everywhere))
    return view.found_on(position).filter(own).sort("score", descending=True, maintain_order=True)


def reasons(found: pl.DataFrame, *, first: str = "") -> None:
    """Draw why a row was flagged, a line a rule, that of the queue at hand first."""
    mine = found_by(first) if first else pl.lit(value=False)
    lines = []
    for finding in pl.concat([found.filter(mine), found.filter(~mine)]).iter_rows(named=True):
        score = f" · {finding['score']:.0%}" if finding["score"] < 1 else ""
        lines.append(f":material/flag: **{plain(finding['rule'])}**{score}: {plain(finding['note'], 600)}")
    if lines:
        st.markdown("\n\n".join(lines))


def decided(history: pl.DataFrame) -> None:
    """Draw what was decided of a row before, the latest first."""
    for line in history.reverse().iter_rows(named=True):
        what = f"undo of {line['undoes']}" if line["undoes"] else line["action"]
        value = f" to {plain(line['value'], 80)}" if line["value"] else ""
        why = f": {plain(line['reason'], 200)}" if line["reason"] else ""
        st.caption(f"{line['seq']}. {what}{value} by {named(line['reviewer'], 60)}, {plain(line['at'][:19])} UTC{why}")


def _stands(head: Mapping[str, Any]) -> str:
    value = f" {plain(head['value'], 40)}" if head["action"] == "relabel" else ""
    return f"{head['action']}{value} by {named(head['reviewer'], 40)}"


def _calls(text: str | None) -> list[tuple[str, str]]:
    """Return name and arguments of each tool call; what is no list of calls is shown as it is."""
    if not text:
        return []
    try:
        calls = json.loads(text)
        return [_call(call) for call in calls]
    except (ValueError, TypeError, AttributeError, RecursionError):
        return [("a tool", short(text, 2_000))]


def _call(call: Mapping[str, Any]) -> tuple[str, str]:
    function = call.get("function") or call
    arguments = function.get("arguments")
    return str(function.get("name")), _pretty(arguments if isinstance(arguments, str) else json.dumps(arguments))


def _pretty(text: str) -> str:
    try:
        pretty = json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        pretty = text
    return cut(pretty, 4 * _LONG)
