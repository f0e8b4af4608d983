"""How many rows meet each edge case that was asked for, in which splits, and which are lacking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from ..embed.encoding import row_texts
from ..labels.targets import has_any
from ..text import fold, fold_all
from .sentences import UNSPLIT
from .wanted import EdgeCase, Wanted

# Where words stand apart and their endings change, "refund" is meant to find refunds and not prerefund. Words of other
# scripts stand inside of a run of letters (Chinese, Thai), or behind an article that is written with them (Arabic, Hebrew).
_APART = r"^[\p{Latin}\p{Greek}\p{Cyrillic}\p{Nd}]"


@dataclass(frozen=True)
class Met:
    """How an edge case is met."""

    name: str
    rows: int
    splits: dict[str, int]
    """Rows of each split of the set that meet it; those without a split count as ``(no split)``."""
    at_least: dict[str, int]
    """Rows that were asked for, by split; ``""`` is the whole set."""

    @property
    def lacking(self) -> dict[str, int]:
        """Rows that there are where there should be more, by split."""
        have = {"": self.rows, **self.splits}
        return {split: have.get(split, 0) for split, least in self.at_least.items() if have.get(split, 0) < least}


def met(rows: pl.DataFrame, case: EdgeCase, folded: pl.Series, texts: pl.Series) -> pl.Series:
    """Say of each row whether it meets a case.

    Args:
        rows: n rows.
        case: what is asked.
        folded: (n) inputs, folded.
        texts: (n) inputs as they are.
    """
    asked = texts != ""
    if case.any:
        asked &= folded.str.contains(_one_of(case.any))
    for word in case.all:
        asked &= folded.str.contains(_one_of((word,)))
    if case.none:
        asked &= ~folded.str.contains(_one_of(case.none))
    if case.pattern is not None:
        asked &= texts.str.contains(case.pattern)
    if case.label:
        asked &= has_any(rows["label"], case.label)
    if case.script is not None:
        script = rf"\p{{{case.script.capitalize()}}}"
        own, letters = texts.str.count_matches(script), texts.str.count_matches(r"\p{L}")
        asked &= (own > 0) & (2 * own >= letters)
    if case.min_length is not None:
        asked &= texts.str.len_chars() >= case.min_length
    if case.max_length is not None:
        asked &= texts.str.len_chars() <= case.max_length
    return asked


def edge_cases(rows: pl.DataFrame, wanted: Wanted) -> list[Met]:
    """Return how each edge case is met by the inputs of the rows."""
    if not wanted.edge_cases:
        return []
    texts = row_texts(rows, "input")
    folded = fold_all(texts)
    splits = rows["split"].fill_null(UNSPLIT)
    known = splits.unique().sort().to_list()
    found = []
    for case in wanted.edge_cases:
        hits = splits.filter(met(rows, case, folded, texts))
        of_split = dict(hits.value_counts().iter_rows()) if len(hits) else {}
        least = case.at_least if not isinstance(case.at_least, int) else {"": case.at_least}
        found.append(Met(case.name, len(hits), {name: of_split.get(name, 0) for name in known}, dict(least)))
    return found


def edge_case_figures(rows: pl.DataFrame, wanted: Wanted) -> dict[str, Any]:
    """Return how many rows meet each edge case, as JSON values; nothing where none was asked for."""
    cases = edge_cases(rows, wanted)
    if not cases:
        return {}
    return {
        "file": wanted.file,
        "lacking": sum(bool(case.lacking) for case in cases),
        "cases": [
            {"name": case.name, "rows": case.rows, "splits": case.splits, "at_least": case.at_least, "lacking": case.lacking}
            for case in cases
        ],
    }  # fmt: skip


def _one_of(words: tuple[str, ...]) -> str:
    parts = pl.Series([fold(word) for word in words])
    apart = parts.str.contains(_APART)
    return "|".join(
        (r"\b" if starts else "") + pl.escape_regex(word) for word, starts in zip(parts, apart, strict=True)
    )
