"""Two labels that are one: renamed, merged or misspelt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from ..clusters import ids
from ..findings import empty, report
from ..wording import counted
from .classes import are_classes, shown
from .exclusive import Apart, apart
from .labelled import Labelled
from .names import Likeness, alike_names
from .separation import Separation, chance_error, separation

Kind = Literal["same", "misspelt", "reworded", "by time", "by source", "content"]

_ENOUGH = 30  # texts of a label from which its content alone can speak: the AUC of 30 and 30 errs by 0.08
_ALIKE = 0.1  # AUC over chance up to which two labels are taken for one: real sets had 0.18 and more, but 0.02 where no
# label can be told at all. Or three errors, if they are more: halves of a label of 70 rows keep to 0.68
_RELATED = 0.25  # the same where the names are alike, or one label ends where the other begins
_TOLD = 0.75  # AUC against all other labels: where the texts say nothing of the label, any two labels look like one
_FITS = 0.25  # share of third labels that may fit better: a few rows are judged by rank, for want of an AUC
_SCORES: dict[Kind, float] = {
    "same": 1.0, "misspelt": 0.9, "by time": 0.8, "by source": 0.8, "reworded": 0.8, "content": 0.6,
}  # fmt: skip


@dataclass(frozen=True)
class Alias:
    """Two labels that seem to be one."""

    rare: int
    """The label with fewer rows, as a position in ``Labelled.names``; of equals that whose name sorts last."""
    other: int
    kind: Kind
    auc: float | None
    """How often a text of the one is told from one of the other; ``None`` where they are too few."""
    apart: Apart | None = None
    """Where one ends and the other begins."""


def aliases(of: Labelled, rows: pl.DataFrame, notes: list[str] | None = None) -> list[Alias]:
    """Return each label that seems to be another one: of several that it may be, the likeliest, then the largest.

    Names that are equal but for case, separators and such are one. Names that differ by a slip, a plural, the order of words or
    the mark of a version are one where the texts do not speak against it. Other names are one where the texts can't be told
    apart, out of sample, although they are well told from all others.

    Args:
        of: the labelled rows.
        rows: the rows, for their time and source.
        notes: takes what there is to say where labels are no classes.
    """
    if not are_classes(of, notes):
        return []
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):  # small products: threads that wait for each other took thrice the CPU
        return _aliases(of, rows)


def _aliases(of: Labelled, rows: pl.DataFrame) -> list[Alias]:
    seen = separation(of)
    found = [
        alias
        for (one, other), how in alike_names(of.names).items()
        if (alias := _by_name(of, seen, *_rarer(of, one, other), how)) is not None
    ]
    known = {(alias.rare, alias.other) for alias in found}
    large = np.flatnonzero(np.array([len(members) >= _ENOUGH for members in seen.members]))
    if large.size > 2:
        for one, other in sorted(seen.close_pairs(large)):
            rare, more = _rarer(of, one, other)
            if (rare, more) not in known and (alias := _by_content(of, rows, seen, rare, more)) is not None:
                found.append(alias)
    found.sort(key=lambda alias: (alias.rare, -_SCORES[alias.kind], -of.counts[alias.other], alias.other))
    best: dict[int, Alias] = {}
    for alias in found:
        best.setdefault(alias.rare, alias)
    return list(best.values())


def find_alias(
    of: Labelled, rows: pl.DataFrame, found: list[Alias] | None = None, notes: list[str] | None = None
) -> pl.DataFrame:
    """Find the rows of labels that seem to be other labels (``aliases``), each with the other name as ``value``.

    The rows are those of the rarer name. A misspelling, and a name that is the same after folding, are suggested for ``relabel``;
    all else is for a person. ``peer`` is the row under the other name that is nearest, ``cluster`` one for each pair.

    Args:
        of: the labelled rows.
        rows: the rows.
        found: ``aliases(of, rows)``, if it is at hand.
        notes: takes what there is to say where labels are no classes.
    """
    found = aliases(of, rows, notes) if found is None else found
    frames = [_findings(of, rows, alias) for alias in found]
    if not frames:
        return empty()
    return report(pl.concat(frames).sort("row"), "labels.alias")


def _rarer(of: Labelled, one: int, other: int) -> tuple[int, int]:
    first, second = sorted((one, other), key=lambda code: (int(of.counts[code]), -code))
    return first, second


def _by_name(of: Labelled, seen: Separation, rare: int, other: int, how: Likeness) -> Alias | None:
    few, many = len(seen.members[rare]), len(seen.members[other])
    auc = _told_apart(seen, rare, other) if min(few, many) >= _ENOUGH else None
    if how == "same":
        return Alias(rare, other, how, auc)
    if auc is not None:
        fits = auc <= _bound(few, many, _RELATED)
    elif how == "misspelt" and 2 * few > many:  # a slip is rarer than what it is a slip of; codes are as frequent
        fits = False
    elif len(of.names) > 2:
        fits = seen.rank(rare, other) <= _FITS
    else:  # there is no third label that could fit better: what is a slip must be rare
        fits = how == "misspelt" and 20 * few <= many
    return Alias(rare, other, how, auc) if fits else None


def _by_content(of: Labelled, rows: pl.DataFrame, seen: Separation, rare: int, other: int) -> Alias | None:
    few, many = len(seen.members[rare]), len(seen.members[other])
    auc = seen.auc([rare], [other])
    if auc > _bound(few, many, _RELATED):
        return None
    where = apart(of, rows, rare, other)
    bound = _bound(few, many, _ALIKE if where is None else _RELATED)
    if auc > bound or (auc := max(auc, seen.neighbour_auc(rare, other))) > bound:
        return None
    rest = [code for code in range(len(of.names)) if code not in (rare, other)]
    if seen.auc([rare, other], rest) < _TOLD:
        return None
    return Alias(rare, other, "content" if where is None else where.kind, auc, where)


def _bound(few: int, many: int, over: float) -> float:
    return 0.5 + max(over, min(3 * chance_error(few, many), 0.18))


def _told_apart(seen: Separation, one: int, other: int) -> float:
    return max(seen.auc([one], [other]), seen.neighbour_auc(one, other))


def _findings(of: Labelled, rows: pl.DataFrame, alias: Alias) -> pl.DataFrame:
    here, there = (np.flatnonzero(of.code == code) for code in (alias.rare, alias.other))
    peers = of.row[there[_nearest(of, here, there, rows)]]
    first = int(min(of.row[here[0]], of.row[there[0]]))
    relabel = alias.kind in ("same", "misspelt")
    return pl.DataFrame({"row": of.row[here]}).with_columns(
        ids(rows, pl.Series(of.row[here])).alias("id"),
        pl.lit(_SCORES[alias.kind]).alias("score"),
        pl.lit(rows["id"][first]).alias("cluster"),
        ids(rows, pl.Series(peers)).alias("peer"),
        pl.lit(_sentence(of, alias)).alias("note"),
        pl.lit("relabel" if relabel else "review").alias("suggest"),
        pl.lit(of.names[alias.other]).alias("value"),
    )


def _nearest(of: Labelled, here: np.ndarray, there: np.ndarray, rows: pl.DataFrame) -> np.ndarray:
    """The closest row under the other name; of equally close ones that whose id sorts first, whatever the order of rows."""
    there_ids = ids(rows, pl.Series(of.row[there]))
    order = there_ids.arg_sort().to_numpy()[:4_000]
    known = of.vectors[of.text[there[order]]]
    found = [
        np.round(of.vectors[of.text[here[low : low + 2_048]]] @ known.T, 4).argmax(axis=1)
        for low in range(0, here.size, 2_048)
    ]
    return order[np.concatenate(found)]


def _sentence(of: Labelled, alias: Alias) -> str:
    rare, other = (
        f"{shown(of.names[code])} ({counted(int(of.counts[code]), 'row')})" for code in (alias.rare, alias.other)
    )
    told = "" if alias.auc is None else f" (AUC {max(alias.auc, 0.5):.2f}, 0.50 is chance)"
    match alias.kind:
        case "same":
            return f"Label {rare} is {other} but for case, separators or signs."
        case "misspelt":
            return f"Label {rare} looks like a misspelling of {other}, and its texts fit that label{told}."
        case "reworded":
            return f"Label {rare} has the words of {other} in another form, and its texts fit that label{told}."
        case "content":
            return f"Label {rare} can't be told from {other} by the texts{told}, while all other labels can."
        case _:
            where = "" if alias.apart is None else alias.apart.sentence
            return f"Label {rare} may be {other} under another name: {where}, and the texts are alike{told}."
