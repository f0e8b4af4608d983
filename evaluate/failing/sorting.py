"""Failures into kinds: first those that are known, then new ones from what fits none of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

import numpy as np
import polars as pl

from ...curate.coverage.typical import typical_words
from ...curate.embed.encoder import Encoder
from .clustering import clusters, failure_text
from .failed import WRONG
from .taxonomy import MOST, OTHER, Kind, Taxonomy
from .words import Weights, cosine, middle, weighted

_REACH = 10  # percentile of a kind's own cosines below which a failure is not taken for one of it
_WIDER = (
    0.9  # that of a kind's own is optimistic: they drew the middle (bank intents: 3% stay out, of a held-out half 10%)
)
_FLOOR = 0.15  # cosine: two failures of bank intents drawn by chance have 0.05, and one in fifty has this
_CEILING = 0.5  # cosine: failures of one template are closer to each other than to the same with another wrong answer
_SMALLEST = 2  # failures that make a kind

_TITLES = {
    "unparsed": "answers in which nothing can be scored", "truncated": "answers that were cut off",
    "refused": "answers that decline", "error": "calls without an answer",
}  # fmt: skip


def sort_failures(
    failed: pl.DataFrame, known: Taxonomy, *, run: str, encoder: Encoder, seed: int = 0
) -> tuple[Taxonomy, list[str]]:
    """Return the taxonomy with this run in it, and the kind of each failure (``other`` for what fits none).

    A kind is what lies within its reach: its members are found by its words alone, also those that it was made from, so that
    the same run sorted again comes to the same.

    Args:
        failed: ``FAILED``.
        known: what other runs came to.
        run: name of this one.
        encoder: for the clusters.
        seed: of the clusters.
    """
    texts = [failure_text(row) for row in failed.iter_rows(named=True)]
    statuses = failed["status"].to_list()
    weights = weighted(texts)
    digest = _digest(failed)
    taxonomy = _with_statuses(known, statuses)
    found = assigned(taxonomy.kinds, weights, statuses)
    if known.seen.get(run) != digest:
        loose = [at for at, kind in enumerate(found) if kind == OTHER]
        taxonomy = _with_new(taxonomy, [texts[at] for at in loose], [weights[at] for at in loose], encoder, seed=seed)
        found = assigned(taxonomy.kinds, weights, statuses)
    return _counted(taxonomy, found, run, digest), found


def assigned(kinds: Sequence[Kind], weights: Sequence[Weights], statuses: Sequence[str]) -> list[str]:
    """Return the kind of each failure: by its status where that says all, else the nearest of the oldest ones in reach."""
    by_status = {kind.status: kind.id for kind in kinds if not kind.words}
    worded = [kind for kind in kinds if kind.words]
    found = []
    for weight, status in zip(weights, statuses, strict=True):
        if status != WRONG:
            found.append(by_status.get(status, OTHER))
            continue
        near = [(kind, cosine(weight, kind.words) - kind.reach) for kind in worded if kind.status == status]
        reached = [(kind.since, -margin, kind.id) for kind, margin in near if margin >= 0]
        found.append(min(reached)[2] if reached else OTHER)
    return found


def _with_statuses(of: Taxonomy, statuses: Sequence[str]) -> Taxonomy:
    """Add a kind for each status of its own that is not known yet."""
    have = {kind.status for kind in of.kinds if not kind.words}
    for status, title in _TITLES.items():
        if status in statuses and status not in have:
            of = _added(of, Kind("", title, status))
    return of


def _with_new(of: Taxonomy, texts: list[str], weights: list[Weights], encoder: Encoder, *, seed: int) -> Taxonomy:
    """Add kinds for what fits none, the largest first, as long as there is room."""
    room = MOST - len(of.kinds)
    if room < 1 or len(texts) < _SMALLEST:
        return of
    cut = clusters(texts, encoder, most=room, seed=seed)
    groups = [np.flatnonzero(cut == number) for number in range(int(cut.max()) + 1)]
    groups = sorted(
        (group for group in groups if group.size >= _SMALLEST), key=lambda group: (-group.size, int(group[0]))
    )
    for group, telling in zip(groups, typical_words(texts, groups), strict=True):
        centre = middle([weights[at] for at in group])
        reaches = [cosine(weights[at], centre) for at in group]
        first = telling or sorted(centre, key=lambda word: (-centre[word], word))[:4]
        reach = round(float(np.clip(np.percentile(reaches, _REACH) * _WIDER, _FLOOR, _CEILING)), 4)
        of = _added(of, Kind("", ", ".join(first) or "failures", WRONG, "words", centre, reach, since=len(of.seen)))
    return of


def _added(of: Taxonomy, kind: Kind) -> Taxonomy:
    return replace(of, kinds=(*of.kinds, replace(kind, id=f"F{of.next}")), next=of.next + 1)


def _counted(of: Taxonomy, found: Sequence[str], run: str, digest: str) -> Taxonomy:
    kinds = []
    for kind in of.kinds:
        count = found.count(kind.id)
        others = {name: number for name, number in kind.runs.items() if name != run}
        kinds.append(replace(kind, runs={**others, run: count} if count else others))
    # A kind that nobody named and no run has any more is nobody's: its place is free, its id is not given again.
    kept = tuple(kind for kind in kinds if kind.runs or kind.named_by != "words")
    return replace(of, kinds=kept, seen={**of.seen, run: digest})


def _digest(failed: pl.DataFrame) -> str:
    whole = "\n".join(
        "\t".join(str(value) for value in row) for row in failed.select("id", "status", "output").iter_rows()
    )
    return sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:20]
