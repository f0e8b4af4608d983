"""Labels with so few rows that they can be neither learnt nor tested."""

from __future__ import annotations

import numpy as np
import polars as pl

from ..clusters import ids
from ..findings import empty, report
from ..wording import counted
from .classes import are_classes, shown
from .labelled import Labelled

LEAST = 5  # rows: of fewer, a split of 80 to 20 leaves less than one to test on
_WORTH = 0.2  # share of the rows under rare labels from which these are the set's nature, and one sentence says so


def find_rare(
    of: Labelled, rows: pl.DataFrame, *, train: str = "train", skip: frozenset[int] = frozenset(),
    notes: list[str] | None = None,
) -> pl.DataFrame:  # fmt: skip
    """Find the rows of labels that fewer than five rows have, and those of labels that no row has that is trained on.

    ``score`` is 1 for a single row and less for more; ``cluster`` is one for each label. Where a fifth of the rows stands under
    rare labels, this is said in ``notes`` in place of findings.

    Args:
        of: the labelled rows.
        rows: the rows.
        train: name of the split that is trained on.
        skip: labels that ``labels.alias`` has found to be another one.
        notes: takes what there is to say where labels are no classes, or rare throughout.
    """
    if not are_classes(of, notes):
        return empty()
    splits = rows["split"].gather(of.row)
    trained = (splits == train).fill_null(value=True).to_numpy()
    learnt = np.bincount(of.code[trained], minlength=len(of.names))
    unseen = (learnt == 0) & bool(trained.any())
    rare = (of.counts < LEAST) | unseen
    rare[list(skip)] = False
    share = of.counts[rare].sum() / max(len(of.row), 1)
    if share > _WORTH:
        if notes is not None:
            notes.append(
                f"{int(rare.sum()):,} of {len(of.names):,} labels have fewer than {LEAST} rows or none in {train}, "
                f"{share:.0%} of all rows: too many to list, and too few to learn them."
            )
        return empty()
    at = np.flatnonzero(rare[of.code])
    if not at.size:
        return empty()
    code = of.code[at]
    first = np.full(len(of.names), len(rows))
    np.minimum.at(first, of.code, of.row)
    notes_of = {int(c): _sentence(of, int(c), learnt=int(learnt[c]), unseen=bool(unseen[c])) for c in np.unique(code)}
    score = np.where(of.counts < LEAST, 1 - (of.counts - 1) / LEAST, 0.5)
    found = pl.DataFrame(
        {
            "id": ids(rows, pl.Series(of.row[at])),
            "score": score[code],
            "cluster": ids(rows, pl.Series(first[code])),
            "note": [notes_of[int(c)] for c in code],
        }
    )
    return report(found.with_columns(pl.lit("review").alias("suggest")), "labels.rare")


def _sentence(of: Labelled, code: int, *, learnt: int, unseen: bool) -> str:
    name, own = shown(of.names[code]), int(of.counts[code])
    rows = "the only row" if own == 1 else f"one of {counted(own, 'row')}"
    if unseen:
        return f"This is {rows} with the label {name}, none of which is trained on: a model can't know that label."
    why = (
        "it can be learnt or tested, never both" if own == 1
        else "too few to learn it from and to test it on"
    )  # fmt: skip
    return f"This is {rows} with the label {name} among {len(of.row):,}: {why}."
