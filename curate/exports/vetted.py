"""A set as its decisions have it at one moment: the rows left, what was dropped, and what still stands."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from .. import findings
from ..against import known_against
from ..dataset import Dataset
from ..decisions.applied import Applied, apply, head_for
from ..decisions.ledger import Ledger
from ..decisions.ledger_jsonl import export_jsonl
from ..decisions.policy import Policy, standing
from ..distill import fates
from ..distill.waiting import REVIEW
from ..eval_rows import eval_rows
from ..material import Material
from ..options import Options
from ..rules import RULES


@dataclass(frozen=True)
class Vetting:
    """Rows, findings and decisions as they stood at one moment."""

    rows: pl.DataFrame  # decided, dropped ones out
    applied: Applied
    dropped: pl.DataFrame
    unapplied: int
    findings: pl.DataFrame
    standing: pl.DataFrame
    blocking: tuple[str, ...]
    blocked: pl.DataFrame  # id, why
    log: bytes  # decisions.jsonl
    policy: Policy

    def to_write(self, *, keep: bool) -> pl.DataFrame:
        """Return the rows that an export writes: those on which a blocking finding stands only where they are to be kept."""
        return self.rows if keep else self.rows.join(self.blocked, on="id", how="anti", maintain_order="left")


def vet(dataset: Dataset, policy: Policy) -> Vetting:
    """Return the set as its decisions have it now."""
    rows = dataset.rows
    with Ledger.open(dataset.folder) as ledger:
        applied, log = _heads_and_log(ledger, rows)
    vetted = apply(rows, applied.heads)
    found = findings.empty() if dataset.findings is None else dataset.findings
    found = pl.concat([found, _of_lineage(dataset, policy)])
    stands = standing(found, applied.heads, rows)
    fresh = _of_changes(dataset, vetted.rows, applied.heads, policy).join(found, on=["id", "rule"], how="anti")
    found, stands = pl.concat([found, fresh]), pl.concat([stands, fresh])
    blocked = (
        stands.filter(pl.col("rule").is_in(policy.block))
        .join(vetted.rows.select("id"), on="id", how="semi")
        .group_by("id", maintain_order=True)
        .agg(why=pl.col("rule").unique(maintain_order=True).str.join(", "))
    )
    return Vetting(
        vetted.rows,
        applied,
        vetted.dropped,
        vetted.unapplied.height,
        found,
        stands,
        tuple(policy.block),
        blocked,
        log,
        policy,
    )


def _of_lineage(dataset: Dataset, policy: Policy) -> pl.DataFrame:
    """Return what the blocking rules on synthetic rows find where they have not run: a set that was read again has no findings.

    A row that a gate left for a person is no row of the set until somebody says so, whether anybody has checked or not.
    """
    checked = dataset.manifest.get("checked", [])
    rules = [rule for rule in ("leakage.parent", REVIEW) if rule in policy.block and rule not in checked]
    train, newest = dataset.manifest.get("train", "train"), fates.newest(dataset.manifest)
    material = Material(dataset.rows, train=train, fates=newest)
    if not rules or material.synthetic.is_empty():
        return findings.empty()
    known = findings.empty() if dataset.findings is None else dataset.findings
    return pl.concat([RULES[rule].find(material) for rule in rules]).join(known, on=["id", "rule"], how="anti")


def _of_changes(dataset: Dataset, rows: pl.DataFrame, heads: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Return what the blocking rules find on rows that an edit or a relabel changed, or on rows that those clash with.

    The checks saw the rows as read: an edit can make a train row the text of a test row, or empty.
    """
    changed = heads.filter(pl.col("action").is_in(["edit", "relabel"]))["row_id"].implode()
    rules = [rule for rule in RULES if rule in policy.block and rule in dataset.manifest.get("checked", [])]
    if not len(changed.item()) or not rules:
        return findings.empty()
    options = Options.given(dataset.manifest.get("options", {}))
    # With the eval files, too: an edit can make a train row the text of one of their rows.
    leaks = any(rule.startswith("leakage.") for rule in rules)
    held = eval_rows(dataset, known_against(dataset) if leaks else ()).rows
    material = Material(
        rows, held, dataset.manifest.get("train", "train"), options, known=dataset.rows["id"],
        fates=fates.newest(dataset.manifest),
    )  # fmt: skip
    found = pl.concat([RULES[rule].find(material) for rule in rules])
    own = pl.col("id").is_in(changed)
    clash = pl.col("cluster").is_not_null() & own.any().over("rule", "cluster")
    return found.filter(own | pl.col("peer").is_in(changed) | clash)


def _heads_and_log(ledger: Ledger, rows: pl.DataFrame) -> tuple[Applied, bytes]:
    """Read both from the same state of the ledger: somebody may be deciding at this moment."""
    with tempfile.TemporaryDirectory(prefix="vetset-") as scratch:
        path = Path(scratch) / "decisions.jsonl"
        while True:
            last = ledger.last()
            applied = head_for(ledger, rows)
            export_jsonl(ledger, path)
            if ledger.last() == last:
                return applied, path.read_bytes()
