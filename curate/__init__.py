"""Rows in, vetted rows out: read, check, decide, split, export, and the story of every row.

read(["tickets.csv"], "tickets.vet")      any file to a set
check(Dataset.open("tickets.vet"))        rules report findings
decide_by_policy(dataset)                 decisions, by policy or by people
split(dataset)                            by group, time and duplicates
export(dataset, "vetted")                 files with their provenance
"""

from .checking import CheckResult, check
from .dataset import Dataset
from .deciding import decide_by_policy, decide_by_rule, decide_rows, undo
from .errors import DataError, GateError, MissingExtra, StaleError, UsageError, VetsetError
from .exporting import ExportResult, export
from .ledger import Decision, Ledger
from .life import Life, why
from .mapping import Given
from .policy import Policy
from .provenance import Verification, verify
from .reading import ReadResult, read
from .rules import RULES, explain
from .splits import SplitResult, split_rows
from .splitting import SetSplit, split

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
