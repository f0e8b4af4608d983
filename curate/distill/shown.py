"""What a teacher is shown that should perhaps not leave the machine: rows that hold personal data or secrets."""

from __future__ import annotations

from collections import Counter

from ..privacy.found import NAMES
from ..privacy.in_rows import SEVERAL, private
from ..text import turns
from ..wording import counted
from .seeds import Seeds


def private_in(seeds: Seeds) -> str | None:
    """Return how many of the rows that may be shown hold personal data or secrets, in a sentence; ``None`` where none does."""
    held = private(seeds.rows, turns(seeds.rows))
    if held.is_empty():
        return None
    rows = held["row"].n_unique()
    kinds = Counter(one.kind for found in held["found"] for one in found)
    told = ", ".join(f"1 {NAMES[kind]}" if kinds[kind] == 1 else f"{kinds[kind]:,} {SEVERAL[kind]}"
                     for kind in NAMES if kinds[kind])  # fmt: skip
    of, holds = counted(seeds.rows.height, "row"), "holds" if rows == 1 else "hold"
    return (
        f"{rows:,} of {of} that the teacher may be shown {holds} personal data or secrets ({told}), which are sent as they are; "
        "drop or edit them first (`vetset check --select privacy`)."
    )
