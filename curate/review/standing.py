"""What of the last check still stands, by rule: the counts of ``vetset check``, from mapped frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ..decisions.policy import CONFLICTS, REVIEWER, Policy
from ..rules import RULES
from .desk import Look
from .heads import SETTLED

_NAMES = list(RULES)
_CONFLICTS = [_NAMES.index(rule) for rule in CONFLICTS]
_COMMANDS = {
    "licences.unknown": "read SOURCE... -o {} --license SPDX",  # the source knows, and no row by itself does
    "leakage.group": "split {} --by group",
    "leakage.time": "split {} --by time",
}
"""Rules that one command settles for all their rows at once."""


@dataclass(frozen=True)
class RuleCount:
    """What one rule found, and what of it stands."""

    rule: str
    found: int
    """Findings of the last check."""
    standing: int
    """Findings that no decision has settled."""
    rows: int
    """Rows on which one of them stands: what there is to look at."""
    blocks: bool
    """Whether the policy lets none of them stand, and some do."""
    command: str | None = None
    """What settles them without looking at each, if anything does; ``{}`` stands for the set."""


def standing(look: Look) -> pl.DataFrame:
    """Return ``row, rule_order`` of the findings that nothing has settled, in their order; see ``policy.standing``."""
    found = look.view.findings
    stands = look.heads.marks[found["row"].to_numpy()] != SETTLED
    if look.heads.over:
        gone = pl.DataFrame(list(look.heads.over), schema={"rule": pl.String, "cluster": pl.String}, orient="row")
        conflicts = found.select("rule_order", "rule", "cluster").with_row_index("place")
        conflicts = conflicts.filter(pl.col("rule_order").is_in(_CONFLICTS))
        stands[conflicts.join(gone, on=["rule", "cluster"], how="semi")["place"].to_numpy()] = False
    return found.select("row", "rule_order").filter(pl.Series(stands, dtype=pl.Boolean))


def by_rule(look: Look, stands: pl.DataFrame, policy: Policy) -> list[RuleCount]:
    """Return a count for each rule that ran, in the order of ``vetset check``: those that block first, then the most standing.

    Args:
        look: of this moment.
        stands: ``standing`` of it.
        policy: says which rules block, and which the policy settles.
    """
    # numpy: a group_by of two million findings leaves hundreds of megabytes with the allocator.
    found = np.bincount(look.view.findings["rule_order"].to_numpy(), minlength=len(_NAMES))
    orders, rows = stands["rule_order"].to_numpy(), stands["row"].to_numpy()
    left = np.bincount(orders, minlength=len(_NAMES))
    seen = np.zeros(look.view.rows.height, bool)
    counts = []
    for rule in ran(look):
        order = _NAMES.index(rule)
        command = _command(rule, policy, look) if left[order] else None
        seen[:] = False
        seen[rows[orders == order]] = True
        blocks = bool(left[order]) and rule in policy.block
        counts.append(RuleCount(rule, int(found[order]), int(left[order]), int(seen.sum()), blocks, command))
    return sorted(counts, key=lambda of: (not of.blocks, -of.standing, -of.found, of.rule))


def ran(look: Look) -> list[str]:
    """Return the rules that have run on these rows, in their order."""
    checked = set(look.view.manifest.get("checked", []))
    return [rule for rule in RULES if rule in checked]


def worst(counts: list[RuleCount]) -> RuleCount | None:
    """Return the first rule that waits for a person, or, where none does, the first of which anything stands."""
    left = [of for of in counts if of.standing]
    return next((of for of in left if of.blocks or of.command is None), left[0] if left else None)


def _command(rule: str, policy: Policy, look: Look) -> str | None:
    if rule in _COMMANDS:
        return _COMMANDS[rule]
    # What is left after the policy decided waits for a person: findings that only suggest a look, and copies that stay.
    decided = (look.heads.frame["reviewer"] == REVIEWER).any()
    return "decide {} --policy" if policy.action(rule) != "wait" and not decided else None
