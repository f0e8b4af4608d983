"""Failures of a run: what goes wrong, how often, why, and whether a fine-tune could help."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ...curate.embed.encoder import Encoder
from ...curate.errors import quote
from ...curate.masking import mask
from ...curate.wording import counted
from ..models.journal import Journal
from ..models.protocol import Model
from ..runs.results import Run
from .advice import Advice, advise
from .causes import CAUSES, Cause, Judged
from .failed import WRONG, failed_rows
from .naming import EXAMPLES, ask_names
from .sorting import sort_failures
from .taxonomy import OTHER, Kind, Taxonomy

_SHOWN = 3  # examples and mix-ups of a kind
_READ = 4_000  # characters that are masked, of which the cut is taken: half a secret has no form


@dataclass(frozen=True)
class Group:
    """The failures of one kind in this run."""

    kind: Kind
    ids: tuple[str, ...]
    mixed: tuple[tuple[str, str, int], ...]
    """What was right, what was said, and how often: the commonest first. Empty where answers are texts."""
    examples: tuple[tuple[str, str, str], ...]
    """Row, question and answer, masked and cut."""
    causes: dict[str, int]

    def summary(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "id": self.kind.id, "name": self.kind.name, "named_by": self.kind.named_by, "status": self.kind.status,
            "rows": len(self.ids), "runs": dict(self.kind.runs), "causes": self.causes,
            "mixed": [{"right": right, "said": said, "rows": rows} for right, said, rows in self.mixed],
            "examples": [{"id": row, "question": asked, "output": said} for row, asked, said in self.examples],
            "ids": list(self.ids),
        }  # fmt: skip


@dataclass(frozen=True)
class Failures:
    """All failures of a run."""

    run: str
    rows: int
    """Rows of the run."""
    failed: pl.DataFrame
    """``FAILED``."""
    kind_of: dict[str, str]
    """The kind of each failed row."""
    groups: tuple[Group, ...]
    """The largest first; what fits no kind is the last."""
    taxonomy: Taxonomy
    advice: Advice
    reasons: dict[str, str]
    """Why each failed, where it was asked again."""
    notes: tuple[str, ...]
    absorbed: int = 0
    """Wrong answers that were taken for kinds which earlier runs brought."""

    def summary(self) -> dict[str, Any]:
        """Return it as JSON values."""
        statuses = Counter(self.failed["status"].to_list())
        return {
            "run": self.run, "rows": self.rows, "failed": self.failed.height, "statuses": dict(sorted(statuses.items())),
            "kinds": [group.summary() for group in self.groups], "advice": self.advice.summary(), "reasons": self.reasons,
            "absorbed": self.absorbed, "notes": list(self.notes),
        }  # fmt: skip


def find_failures(
    run: Run,
    rows: pl.DataFrame | None = None,
    *,
    taxonomy: Taxonomy | None = None,
    names: Mapping[str, str] | None = None,
    judge: Model | None = None,
    causes: Judged | None = None,
    threshold: float = 1.0,
    scorer: str | None = None,
    encoder: Encoder | None = None,
    journal: Journal | str | Path | None = None,
    seed: int = 0,
) -> Failures:
    """Return the failures of a run by kind, with what is known of their causes.

    Args:
        run: the run.
        rows: of its eval set; without them kinds go by answers alone.
        taxonomy: the kinds that other runs came to; this run's failures are sorted into them first.
        names: new names by id, of a person.
        judge: names the kinds that no person has named.
        causes: why rows failed (``causes.judge_causes``).
        threshold: least score that is no failure.
        scorer: to judge by; the run's primary one for ``None``.
        encoder: for clusters of what fits no kind; TF-IDF for ``None``.
        journal: where the judge's answers are kept.
        seed: of the clusters.

    Raises:
        UsageError: no such scorer, kind or name.
    """
    if encoder is None:
        from ...curate.embed.tfidf import tfidf_vectors as encoder
    failed = failed_rows(run, rows, threshold=threshold, scorer=scorer)
    known, found = sort_failures(failed, taxonomy or Taxonomy(), run=run.name, encoder=encoder, seed=seed)
    known = known.named(names or {})
    kind_of = dict(zip(failed["id"], found, strict=True))
    if judge is not None:
        known = _judged_names(known, failed, kind_of, judge, journal)
    told = causes.causes if causes is not None else {}
    groups = _groups(known, failed, kind_of, told)
    notes = [*(causes.notes if causes is not None else ())]
    if rows is None:
        notes.append("the eval set is not at hand, so kinds go by the answers alone; name it with --on EVALSET.")
    absorbed = _absorbed(known, kind_of, run.name)
    if absorbed:
        wrong = counted(int((failed["status"] == WRONG).sum()), "wrong answer")
        notes.append(
            f"{absorbed:,} of {wrong} {'was' if absorbed == 1 else 'were'} taken for kinds that earlier runs brought, and what "
            "is new but near to one of them goes unseen there; --taxonomy new.json --no-save shows this run's own kinds."
        )
    advice = advise(failed, told)
    total = run.results["id"].n_unique()
    reasons = causes.reasons if causes is not None else {}
    return Failures(run.name, total, failed, kind_of, groups, known, advice, reasons, tuple(notes), absorbed)


def _absorbed(known: Taxonomy, kind_of: Mapping[str, str], run: str) -> int:
    """Count failures in kinds of words that an earlier run brought.

    No bound on the cosine tells a new topic from an old one there: of 15 intents of bank intents that a taxonomy never saw, a
    bound 1.25 times as high lets 32 to 62% out, and of those that it was made from 29 to 35%; 1.5 times 56 to 77%, and 51 to 59%.
    """
    place = list(known.seen).index(run)
    earlier = {kind.id for kind in known.kinds if kind.words and kind.since < place}
    return sum(kind in earlier for kind in kind_of.values())


def _judged_names(
    known: Taxonomy,
    failed: pl.DataFrame,
    kind_of: Mapping[str, str],
    judge: Model,
    journal: Journal | str | Path | None,
) -> Taxonomy:
    """Return the taxonomy with a judge's names for those kinds that are called by their words."""
    examples: dict[str, list[dict[str, Any]]] = {}
    nameless = {kind.id for kind in known.kinds if kind.named_by == "words" and kind.words}
    for row in failed.iter_rows(named=True):
        own = examples.setdefault(kind_of[row["id"]], [])
        if kind_of[row["id"]] in nameless and len(own) < EXAMPLES:
            own.append(row)
    wanted = {kind: own for kind, own in examples.items() if own and kind in nameless}
    taken = {kind.name.casefold() for kind in known.kinds if kind.named_by != "words"}
    given = {
        kind: name for kind, name in ask_names(judge, wanted, journal=journal).items() if name.casefold() not in taken
    }
    return known.named(given, by="judge")


def _groups(
    known: Taxonomy, failed: pl.DataFrame, kind_of: Mapping[str, str], causes: Mapping[str, Cause]
) -> tuple[Group, ...]:
    members: dict[str, list[dict[str, Any]]] = {}
    for row in failed.iter_rows(named=True):
        members.setdefault(kind_of[row["id"]], []).append(row)
    kinds = [kind for kind in known.kinds if kind.id in members]
    kinds.sort(key=lambda kind: (-len(members[kind.id]), int(kind.id[1:])))
    if OTHER in members:
        kinds.append(Kind(OTHER, "what fits no kind", "wrong"))
    return tuple(_group(kind, members[kind.id], causes) for kind in kinds)


def _group(kind: Kind, rows: list[dict[str, Any]], causes: Mapping[str, Cause]) -> Group:
    ids = tuple(row["id"] for row in rows)
    pairs = Counter((row["reference"], row["prediction"]) for row in rows if row["reference"] and row["prediction"])
    often = sorted(((pair, count) for pair, count in pairs.items() if count > 1), key=lambda one: (-one[1], one[0]))
    mixed = tuple((_shown(right, 40), _shown(said, 40), count) for (right, said), count in often[:_SHOWN])
    examples = tuple(
        (row["id"], _shown(row["question"] or "", 100), _shown(row["output"] or row["error"] or "", 100))
        for row in rows[:_SHOWN]
    )
    told = Counter(causes.get(row_id, "unknown") for row_id in ids)
    return Group(kind, ids, mixed, examples, {cause: told[cause] for cause in CAUSES if told[cause]})


def _shown(text: str, width: int) -> str:
    return quote(mask(text[:_READ]), width)[1:-1]
