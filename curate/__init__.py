"""Rows in, vetted rows out: read, check, decide, split, export, and the story of every row.

read(["tickets.csv"], "tickets.vet")      any file to a set
check(Dataset.open("tickets.vet"))        rules report findings
decide_by_policy(dataset)                 decisions, by policy or by people
split(dataset)                            by group, time and duplicates
export(dataset, "vetted")                 files with their provenance
"""

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
