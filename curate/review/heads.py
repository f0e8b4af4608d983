"""What stands of each row, by its position: followed by the new lines of the ledger alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ..decisions.applied import match, refused
from ..decisions.decision import ACTIONS
from ..decisions.ledger import HEADS, Ledger
from ..decisions.policy import CONFLICTS, SETTLING, ended
from ..rules import RULES
from .view import View

Marks = npt.NDArray[np.uint8]

UNDECIDED, SKIPPED, SETTLED = 0, 1, 2
"""What a mark says of a row: nothing stands, a skip stands, or a decision that settles its findings."""

_MANY = 5_000  # rows that changed: from there on reading all heads costs less than asking for these
_PIECES = 64  # of the frame, one more for each decision that is followed; each look goes through all of them


@dataclass(frozen=True)
class Heads:
    """The standing decisions on the rows of a view, as of the ledger's line ``seq``."""

    file: tuple[int, int] | None
    """Which file the ledger was (``Ledger.identity``): a copy that was put in its place has other lines."""
    seq: int
    frame: pl.DataFrame
    """``ledger.HEADS`` of rows of the view, in no order."""
    stale: int
    """Standing decisions whose row changed or left, of which ``frame`` holds none."""
    marks: Marks
    """(n) UNDECIDED, SKIPPED or SETTLED."""
    over: frozenset[tuple[str, str]]
    """``(rule, cluster)`` of conflicts that decisions have ended."""

    def counts(self) -> dict[str, int]:
        """Return how many rows each action stands on; a row that is edited and relabelled counts at both."""
        of = dict(self.frame.group_by("action").len().iter_rows())
        return {action: of.get(action, 0) for action in ACTIONS}


def read_heads(view: View, ledger: Ledger) -> Heads:
    """Return what stands now."""
    file, seq = ledger.identity(), ledger.last()  # first: lines written meanwhile are seen again at the next follow
    applied = match(ledger.head(), view.rows)
    marks = np.zeros(view.rows.height, np.uint8)
    _mark(marks, view, applied.heads)
    over = _ended(view, applied.heads, _clusters(view, np.flatnonzero(marks == SETTLED)))
    return Heads(file, seq, applied.heads, applied.stale["row_id"].n_unique(), marks, over)


def follow(heads: Heads, view: View, ledger: Ledger) -> Heads:
    """Return what stands now, from what stood at ``heads.seq``; the same object where nothing was decided since."""
    file, seq = ledger.identity(), ledger.last()
    if file != heads.file or seq < heads.seq:
        return read_heads(view, ledger)
    if seq == heads.seq:
        return heads
    touched = ledger.touched_since(heads.seq)
    places = view.positions(touched)
    if len(touched) > _MANY or (places < 0).any():  # lines on rows that are not here change what is stale
        return read_heads(view, ledger)
    now = ledger.head(touched)
    frame = pl.concat([heads.frame.filter(~pl.col("row_id").is_in(touched)), now])
    frame = frame.rechunk() if frame.n_chunks() > _PIECES else frame
    marks = heads.marks.copy()
    marks[places] = UNDECIDED
    _mark(marks, view, now)
    clusters = _clusters(view, places)  # of the rows that changed alone: after a bulk decision thousands have ended
    over = heads.over - set(clusters.iter_rows()) | _ended(view, frame, clusters) if clusters.height else heads.over
    return Heads(file, seq, frame, heads.stale, marks, over)


def empty_heads(view: View) -> Heads:
    """Return what stands in a set whose ledger can't be read."""
    return Heads(None, 0, pl.DataFrame(schema=HEADS), 0, np.zeros(view.rows.height, np.uint8), frozenset())


def _mark(marks: Marks, view: View, heads: pl.DataFrame) -> None:
    settling = _carried_out(view, heads)
    for of, mark in ((heads.filter(pl.col("action") == "skip"), SKIPPED), (settling, SETTLED)):
        places = view.positions(of["row_id"])
        marks[places[places >= 0]] = mark


def _carried_out(view: View, heads: pl.DataFrame) -> pl.DataFrame:
    """Return the heads that settle findings; a relabel that can't be carried out settles none."""
    settling = heads.filter(pl.col("action").is_in(list(SETTLING)))
    relabels = settling.filter(pl.col("action") == "relabel")["row_id"]
    if relabels.is_empty():
        return settling
    places = view.positions(relabels)
    rows = view.take(places[places >= 0])
    return settling.join(refused(rows, settling), on=["row_id", "action"], how="anti")


def _clusters(view: View, places: npt.NDArray[np.int64]) -> pl.DataFrame:
    """Return ``rule, cluster`` of the conflicts that these rows are in."""
    return _of_conflicts(view.found_on(places)).select("rule", "cluster").drop_nulls().unique()


def _ended(view: View, heads: pl.DataFrame, clusters: pl.DataFrame) -> frozenset[tuple[str, str]]:
    """Return those of the conflicts that ``heads`` have ended."""
    if clusters.is_empty():
        return frozenset()
    members = _of_conflicts(view.findings).join(clusters, on=["rule", "cluster"], how="semi")
    rows = view.take(members["row"].unique().sort().cast(pl.Int64).to_numpy())
    settling = _carried_out(view, match(heads, rows).heads)
    return frozenset(ended(members, settling, rows).select("rule", "cluster").iter_rows())


def _of_conflicts(findings: pl.DataFrame) -> pl.DataFrame:
    return findings.filter(pl.col("rule_order").is_in([list(RULES).index(rule) for rule in CONFLICTS]))
