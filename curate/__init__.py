"""Rows in, vetted rows out: read, check, decide, split, export, and the story of every row.

read(["tickets.csv"], "tickets.vet")      any file to a set
check(Dataset.open("tickets.vet"))        rules report findings
decide_by_policy(dataset)                 decisions, by policy or by people
split(dataset)                            by group, time and duplicates
export(dataset, "vetted")                 files with their provenance
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .faces import lazy

if TYPE_CHECKING:
    from .checking import CheckResult, check
    from .dataset import Dataset
    from .decisions.deciding import decide_by_policy, decide_by_rule, decide_rows, undo
    from .decisions.ledger import Decision, Ledger
    from .decisions.policy import Policy
    from .errors import DataError, GateError, MissingExtra, StaleError, UsageError, VetsetError
    from .exports.exporting import ExportResult, export
    from .exports.life import Life, why
    from .exports.provenance import Verification, verify
    from .reading.mapping import Given
    from .reading.reader import ReadResult, read
    from .rules import RULES, explain
    from .splits.assignment import SplitResult, split_rows
    from .splits.splitting import SetSplit, split

__all__ = [
    "RULES",
    "CheckResult",
    "DataError",
    "Dataset",
    "Decision",
    "ExportResult",
    "GateError",
    "Given",
    "Ledger",
    "Life",
    "MissingExtra",
    "Policy",
    "ReadResult",
    "SetSplit",
    "SplitResult",
    "StaleError",
    "UsageError",
    "Verification",
    "VetsetError",
    "check",
    "decide_by_policy",
    "decide_by_rule",
    "decide_rows",
    "explain",
    "export",
    "read",
    "split",
    "split_rows",
    "undo",
    "verify",
    "why",
]

_HOMES = {
    "CheckResult": ".checking",
    "DataError": ".errors",
    "Dataset": ".dataset",
    "Decision": ".decisions.ledger",
    "ExportResult": ".exports.exporting",
    "GateError": ".errors",
    "Given": ".reading.mapping",
    "Ledger": ".decisions.ledger",
    "Life": ".exports.life",
    "MissingExtra": ".errors",
    "Policy": ".decisions.policy",
    "RULES": ".rules",
    "ReadResult": ".reading.reader",
    "SetSplit": ".splits.splitting",
    "SplitResult": ".splits.assignment",
    "StaleError": ".errors",
    "UsageError": ".errors",
    "Verification": ".exports.provenance",
    "VetsetError": ".errors",
    "check": ".checking",
    "decide_by_policy": ".decisions.deciding",
    "decide_by_rule": ".decisions.deciding",
    "decide_rows": ".decisions.deciding",
    "explain": ".rules",
    "export": ".exports.exporting",
    "read": ".reading.reader",
    "split": ".splits.splitting",
    "split_rows": ".splits.assignment",
    "undo": ".decisions.deciding",
    "verify": ".exports.provenance",
    "why": ".exports.life",
}

__getattr__, __dir__ = lazy(globals(), _HOMES)
