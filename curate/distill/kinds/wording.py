"""What a cell asks for, in words for a prompt."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from ..asking import quieted
from ..task import Task

_LISTED = 100  # labels besides the one that is meant: more cost tokens in every call and help little


def axes_in_words(task: Task, cell: Mapping[str, str], *, but: tuple[str, ...] = ("label",)) -> str:
    """Return what a cell asks for, a line an axis; an empty text where there is none."""
    lines = [f"- {name}: {told(task, value)}" for name, value in cell.items() if name not in but]
    return "It has these traits:\n" + "\n".join(lines) if lines else ""


def told(task: Task, value: str) -> str:
    """Return a value of an axis with what it means, on one line."""
    return f"{_line(value)}{_meaning(task, value)}"


def named(task: Task, label: str, *, plain: bool = False) -> str:
    """Return a label in quotes with what it means: labels are data, and end where their quotes do.

    Args:
        task: the work.
        label: the label.
        plain: with blanks for low lines.
    """
    return f"{json.dumps(label.replace('_', ' ') if plain else label, ensure_ascii=False)}{_meaning(task, label)}"


def listed(task: Task, labels: Iterable[str]) -> str:
    """Return labels with what they mean, a line each."""
    return "\n".join(f"- {named(task, label)}" for label in labels)


def others(task: Task, label: str) -> str:
    """Return the labels besides one, in a line; an empty text where there is none."""
    rest = [json.dumps(each, ensure_ascii=False) for each in task.labels if each != label]
    return ", ".join(rest[:_LISTED])


def parts(*said: str) -> str:
    r"""Return the parts of a prompt with a blank line between two; an empty one is left out.

    >>> parts("A", "", "B")
    'A\n\nB'
    """
    return "\n\n".join(part for part in said if part)


def _meaning(task: Task, value: str) -> str:
    return f" ({_line(task.about[value])})" if value in task.about else ""


def _line(value: str) -> str:
    return " ".join(quieted(value).split())
