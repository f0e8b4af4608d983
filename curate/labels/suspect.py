"""Labels that are probably wrong, the worst first, each with the reason in words."""

from __future__ import annotations

import numpy as np
import polars as pl

from ..clusters import ids
from ..errors import quote
from ..findings import empty, report
from ..masking import mask
from .ambiguous import between
from .judged import Judged
from .planted import Ints
from .telling_words import telling_words

LIKELY = 0.2
"""Chance of being wrong from which a row is found whatever its evidence says of other labels."""
_TOLD = 0.05  # under it a chance is no argument for looking at a row; what its text says is


def find_suspect(rows: pl.DataFrame, judged: Judged) -> pl.DataFrame:
    """Find rows whose label is probably wrong, by what all other rows say.

    Found is a row whose text speaks more for another label than for its own, labels weighed alike and the habits of its label
    and its annotator counted in, or whose chance of being wrong is a fifth; but for texts that stand between two labels
    (``labels.ambiguous``). The score is the calibrated chance that the label is wrong (``noise.fit_noise``), ``value`` the
    label that fits best.

    Args:
        rows: the rows.
        judged: their labels, judged.
    """
    found = np.flatnonzero(suspects(judged))
    if not found.size:
        return empty()
    found = found[np.lexsort((judged.of.row[found], -judged.noise.wrong[found]))]
    other = judged.suggested[found]
    wrong, sure = judged.noise.wrong[found], judged.confidence[found]
    relabel = pl.Series((wrong >= 0.5) & (sure >= 0.5))
    names = pl.Series(judged.of.names, dtype=pl.String)
    frame = pl.DataFrame(
        {
            "id": ids(rows, pl.Series(judged.of.row[found])),
            "score": wrong,
            "peer": _peers(rows, judged, found, other),
            "note": reasons(judged, found, other),
            "suggest": pl.select(pl.when(relabel).then(pl.lit("relabel")).otherwise(pl.lit("review")).alias("s"))["s"],
            "value": names.gather(other),
        }
    )
    return report(frame, "labels.suspect")


def suspects(judged: Judged) -> np.ndarray:
    """Return (n) which rows ``find_suspect`` finds."""
    likely = judged.noise.wrong >= LIKELY
    # a label on a single text has no other row to speak for it: that it stands alone is no word against it (``labels.rare``)
    alone = np.count_nonzero(judged.evidence.targets, axis=0)[judged.of.code] < 2
    return (likely | ((judged.noise.rank > 0) & ~between(judged))) & ~alone & ~judged.settled_elsewhere


def _peers(rows: pl.DataFrame, judged: Judged, found: Ints, other: Ints) -> pl.Series:
    """Return the id of a row of the nearest text that has the other label; null where no near text has."""
    of = judged.of
    near = judged.evidence.neighbours.near[of.text[found]]
    has = judged.evidence.targets[near, other[:, None]] > 0
    text = np.where(has.any(axis=1), near[np.arange(found.size), has.argmax(axis=1)], -1)
    labelled = pl.DataFrame({"text": of.text, "label": of.code, "id": rows["id"].gather(of.row)})
    one = labelled.group_by("text", "label").agg(pl.col("id").min())  # the same one for every order of the rows
    asked = pl.DataFrame({"text": text, "label": other})
    return asked.join(one, on=["text", "label"], how="left", maintain_order="left")["id"]


def reasons(judged: Judged, found: Ints, other: Ints) -> list[str]:
    """Return for rows ``found`` a sentence on what speaks for the labels ``other``: views, neighbours, words."""
    of, shown = judged.of, [quote(mask(name[:200]), limit=24) for name in judged.of.names]
    near = judged.evidence.neighbours.near[of.text[found]]
    share = judged.evidence.targets[near, other[:, None]].sum(axis=1)
    own = judged.evidence.targets[near, of.code[found][:, None]].sum(axis=1)
    views = [view for view in judged.evidence.views if view.weight > 0]
    first = sum((view.best[of.text[found]] == other for view in views), np.zeros(found.size, np.int64))
    odds = judged.ranked.odds
    # rows of a queue may have nothing against them: then the other label is only the next to come
    better = odds[of.text[found], other] > odds[of.text[found], of.code[found]]
    words = telling_words(of, found, other)
    notes = []
    for place in range(found.size):
        given, best = shown[of.code[found[place]]], shown[other[place]]
        how = f"{best} fits better" if better[place] else f"nothing fits better, {best} comes next"
        parts = [f"{how}; {int(first[place])} of {len(views)} views put it first"]
        there, here = round(float(share[place])), round(float(own[place]))
        parts.append(f"{there} of the {near.shape[1]} nearest texts have it, {here} {given}")
        if better[place] and place < len(words) and words[place]:
            parts.append(", ".join(quote(mask(word), limit=12) for word in words[place]) + " speak for it")
        chance = float(judged.noise.wrong[found[place]])
        notes.append("; ".join(parts) + (f" ({chance:.0%} likely to be wrong)." if chance >= _TOLD else "."))
    return notes
