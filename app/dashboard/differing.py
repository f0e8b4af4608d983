"""Two rows against each other: what only one of them says is marked, by a line under or through it and not by colour."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from ...curate.review.side_by_side import Piece, word_diff
from .record import bidi, cut

_AROUND = 160  # characters that are shown of what both have, before and behind what differs
_MOST = 2_500  # characters of one row that are shown
_READ = 10_000  # characters of one row that are masked and compared: to mask 2.5 MB takes 0.65 s, at each draw


def spoken(row: Mapping[str, Any]) -> str:
    """Return the beginning of what a row says as one text, masked; of several turns each begins with who speaks."""
    said = [message for message in row["messages"] if message["content"] or message["tool_calls"]]
    turns = [(message["content"] or "") + (message["tool_calls"] or "") for message in said]
    if len(said) > 1:
        turns = [f"{message['role']}: {turn}" for message, turn in zip(said, turns, strict=True)]
    if row["rejected"]:
        turns.append(f"worse reply: {row['rejected']}")
    return cut("\n".join(turns), _READ)


def whole(text: str) -> str:
    """Return the markup of one text, of a long one the beginning."""
    return bidi(html.escape(_clipped(text)))


def against(text: str, other: str) -> str:
    """Return the markup of ``text``: underlined what ``other`` has not, struck out what only ``other`` has."""
    if text == other:
        return bidi("<em>The same, as far as it is shown: masked, and of a long text the beginning.</em>")
    shown: list[str] = []
    room = _MOST
    for number, piece in enumerate(pieces := word_diff(text, other)):
        part = _middle(piece, first=number == 0, last=number == len(pieces) - 1)
        part, room = part[: max(room, 0)], room - len(part)
        shown.append(_TAGS[piece.kind].format(html.escape(_visible(part) if piece.kind != "equal" else part)))
        if room <= 0:
            shown.append(" …")
            break
    return bidi("".join(shown))


_TAGS = {
    "equal": "{}",
    "here": '<ins style="font-weight: 600; text-decoration: underline; text-decoration-thickness: 2px">{}</ins>',
    "there": '<del style="text-decoration: line-through">{}</del>',
}


def _clipped(text: str) -> str:
    return text if len(text) <= _MOST else text[:_MOST] + " …"


def _middle(piece: Piece, *, first: bool, last: bool) -> str:
    """Return a piece without the middle of what both have."""
    text = piece.text
    before, behind = (0 if first else _AROUND), (0 if last else _AROUND)
    if piece.kind != "equal" or len(text) <= before + behind + 40:
        return text
    return text[:before] + " … " + (text[-behind:] if behind else "")


def _visible(text: str) -> str:
    """Show white space that is all there is of a piece, and characters without a width."""
    if not text.strip():
        text = text.replace(" ", "␣").replace("\t", "⇥").replace("\n", "⏎\n")
    return "".join(f"[U+{ord(letter):04X}]" if letter in _HIDDEN else letter for letter in text)


_HIDDEN = "\u00a0\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
