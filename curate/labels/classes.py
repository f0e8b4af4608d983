"""Whether labels are classes at all: several of them, each on several rows. Ids and free answers are none."""

from __future__ import annotations

from ..errors import quote
from ..masking import mask
from ..wording import counted
from .labelled import Labelled

SEVERAL = "Rows carry several labels each: labels.suspect judges them label by label; what else looks at labels wants one a row."
"""What is said, once, where a rule that looks at single labels is passed over."""


def are_classes(of: Labelled, notes: list[str] | None = None) -> bool:
    """Say whether labels can be held against each other; why not is said in ``notes``, once.

    Rows without any label are the rule among chats, and nothing is said of them.

    Args:
        of: the labelled rows.
        notes: takes the sentence.
    """
    rows, labels = len(of.row), len(of.names)
    if rows == 0:
        return False
    if of.several:
        why = SEVERAL
    elif labels == 1:
        why = f"All {counted(rows, 'labelled row')} have the label {shown(of.names[0])}: there is none to hold it against."
    elif 2 * labels > rows:
        # A label that stands once can't be checked; where most do, they are numbers, names or answers.
        why = f"{labels:,} different labels on {counted(rows, 'row')}: answers or ids, and no classes to hold rows against."
    else:
        return True
    if notes is not None and why not in notes:
        notes.append(why)
    return False


def shown(name: str, limit: int = 24) -> str:
    """Return a label as a note shows it: masked, then cut short."""
    return quote(mask(name[:200]), limit=limit)
