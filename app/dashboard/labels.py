"""What else a row could be: the suggestion, and every label by a digit or by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import polars as pl
import streamlit as st

from ...curate.decisions.decision import Action
from ...curate.review.desk import Look
from .label_search import label_search
from .plain import plain, short

DIGITS = 9


@dataclass(frozen=True)
class Suggestion:
    """What a finding says should become of a row."""

    action: Action
    value: str | None
    said: str
    """On the button."""
    help: str
    rule: str


def suggestion(found: pl.DataFrame, row: Mapping[str, Any], *, first: str | None = None) -> Suggestion | None:
    """Return what the findings of a row suggest: that of rule ``first``, or the first that suggests something.

    A label that a finding names for review is a suggestion, too: here a person looks.
    """
    order = (
        pl.concat([found.filter(pl.col("rule") == first), found.filter(pl.col("rule") != first)]) if first else found
    )
    for finding in order.iter_rows(named=True):
        action = finding["suggest"]
        if action == "review" and finding["value"] is not None and row["label"] is not None:
            action = "relabel"
        help_ = plain(finding["note"], 200)
        if action == "relabel" and finding["value"] is not None and finding["value"] != row["label"]:
            return Suggestion("relabel", finding["value"], short(finding["value"], 60), help_, finding["rule"])
        if action == "edit" and finding["value"] is not None:
            return Suggestion("edit", finding["value"], "the mended text", help_, finding["rule"])
    return None


def offered(look: Look, row: Mapping[str, Any], suggested: Suggestion | None, near: Sequence[str]) -> list[str]:
    """Return the labels that stand on digits: few labels keep their digit, of many those that are likeliest here.

    Args:
        look: of this moment.
        row: at hand.
        suggested: for it.
        near: labels of the rows that are most like it, the nearest first.
    """
    known = look.view.labels
    if len(known) <= DIGITS:
        return sorted(known)
    first = [suggested.value or ""] if suggested is not None and suggested.action == "relabel" else []
    likely = [label for label in dict.fromkeys([*first, *near]) if label in known and label != row["label"]]
    return likely[:DIGITS]


def token(label: str) -> str:
    """Return what a button's key holds of its label: a press that comes late is let go where its digit has another by now."""
    return blake2b(label.encode(), digest_size=8).hexdigest()


def keys(
    look: Look,
    row: Mapping[str, Any],
    suggested: Suggestion | None,
    *,
    near: Sequence[str],
    on_pick: Callable[[str], None],
    quiet: bool = False,
) -> None:
    """Draw the labels that stand on digits, and the way to all others.

    Args:
        look: of this moment.
        row: at hand.
        suggested: for it.
        near: labels of the rows that are most like it, the nearest first.
        on_pick: is told the label.
        quiet: a dialog is open, so no key is heard.
    """
    if not look.view.labels:
        return
    with st.container(horizontal=True, gap="small"):
        for digit, label in enumerate(offered(look, row, suggested, near), 1):
            st.button(
                plain(label, 28), key=f"label-{token(label)}-{row['id']}", shortcut=None if quiet else str(digit),
                on_click=on_pick, args=(label,), help=plain(label) if len(label) > 28 else None,
            )  # fmt: skip
    label_search(look.view.labels, row_id=row["id"], on_pick=on_pick)
