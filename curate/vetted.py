"""A set as its decisions have it at one moment: the rows left, what was dropped, and what still stands."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from . import findings
from .dataset import Dataset
from .decisions import Applied, apply, head_for
from .ledger import Ledger
from .ledger_jsonl import export_jsonl
from .policy import Policy, standing


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


def vet(dataset: Dataset, policy: Policy) -> Vetting:
    """Return the set as its decisions have it now."""
    rows = dataset.rows
    with Ledger.open(dataset.folder) as ledger:
        applied, log = _heads_and_log(ledger, rows)
    vetted = apply(rows, applied.heads)
    found = findings.empty() if dataset.findings is None else dataset.findings
    stands = standing(found, applied.heads, rows)
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
