"""Decisions and batches of them in the words of the page Decisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...curate.decisions.decision import ACTIONS
from .plain import short


def when(at: str) -> str:
    """Return a time of the log to the minute."""
    return at[:16].replace("T", " ")


def what(batch: Mapping[str, Any]) -> str:
    """Return what a batch did."""
    return ", ".join(f"{batch[action]:,} {action}" for action in (*ACTIONS, "undo") if batch[action])


def said(line: Mapping[str, Any]) -> str:
    """Return what one line of the log did."""
    return f"{line['action']} to {short(line['value'], 60)}" if line["action"] == "relabel" else line["action"]


def state(batch: Mapping[str, Any]) -> str:
    """Return what became of a batch: how much was undone, how much is stale."""
    acts = sum(batch[action] for action in ACTIONS)
    undone = "undone" if batch["undone"] == acts else f"{batch['undone']:,} undone"
    return ", ".join([undone] * bool(acts and batch["undone"]) + [f"{batch['stale']:,} stale"] * bool(batch["stale"]))


def why(found: tuple[str, int] | None) -> str:
    """Return the commonest reason of a batch, and how many others there are."""
    if found is None:
        return ""
    return short(found[0], 120) + (f" (and {found[1] - 1:,} other)" if found[1] > 1 else "")
