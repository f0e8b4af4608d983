"""The filter of Audit as its address writes it. Streamlit puts into an address what a choice is shown as, so both are one."""

from __future__ import annotations

from ...curate.review.worklist import FACETS, NONE, Filter, Order, Reviewed
from .plain import short

PREFIX = "a."
"""Of the parameters of Audit in the address."""

ANY, EVERY = "any rule", "every row"
"""Choices of the rule that are none."""

NO_VALUE = "(none)"
"""Choice of a column for rows in which it is empty."""

REVIEWED: dict[str, Reviewed] = {"Open": "open", "Decided": "decided", "Skipped": "skipped", "All": "all"}
ORDERS: dict[str, Order] = {"Worst first": "worst", "Most to gain first": "gain", "As in the file": "file"}


def query(wanted: Filter, reviewed: Reviewed = "open") -> dict[str, str | list[str]]:
    """Return the parameters of the address that opens a filter in Audit.

    >>> query(Filter("labels.suspect", split=("test",)))
    {'a.rule': 'labels.suspect', 'a.split': ['test']}
    """
    found: dict[str, str | list[str]] = {"rule": {"": ANY, "rows": EVERY}.get(wanted.rule, wanted.rule)}
    if wanted.text:
        found["text"] = wanted.text
    if wanted.ids:
        found["ids"] = ",".join(wanted.ids)
    if wanted.area:
        found["area"] = ";".join(f"{x:.4g},{y:.4g}" for x, y in wanted.area)
    found |= {name: [_shown(value) for value in values] for name in FACETS if (values := getattr(wanted, name))}
    if reviewed != "open":
        found["seen"] = next(shown for shown, value in REVIEWED.items() if value == reviewed)
    if wanted.order != "worst":
        found["order"] = next(shown for shown, value in ORDERS.items() if value == wanted.order)
    return {f"{PREFIX}{name}": value for name, value in found.items()}


def _shown(value: str) -> str:
    return NO_VALUE if value == NONE else short(value, 80)
