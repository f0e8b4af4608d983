"""Can one train on this? The gates of a set, each with its number, the rows behind it and the command that mends it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from ..decisions.policy import Policy
from ..licences import is_known
from ..rules import RULES
from ..version import version
from ..wording import counted
from .desk import Look
from .shipping import Shipping
from .standing import RuleCount, ran
from .worklist import NONE, Filter, Reviewed

Status = Literal["holds", "fails", "open", "none"]
"""``open``: it can't be known yet; ``none``: it is no question of this set, and counts neither way."""

LEAST_ROWS = 500  # fewer are rarely worth a fine-tune, and an eval split of them tells little
MOST_WRONG = 0.05  # share of wrong labels from which on more of them cost more than cleaning does
_NAMES = 12  # of licences that a link names; an address has an end


@dataclass(frozen=True)
class Link:
    """Rows behind a number."""

    text: str
    """Of vetset's own, no text of the data."""
    rows: Filter
    reviewed: Reviewed = "open"


@dataclass(frozen=True)
class Gate:
    """One condition of training on a set."""

    name: str
    status: Status
    said: str
    """What is so, with its number; of vetset's own, no text of the data."""
    links: tuple[Link, ...] = ()
    command: str | None = None
    """What mends it, where one command does; ``{}`` stands for the set."""


def gates(
    look: Look, *, policy: Policy, stands: pl.DataFrame, counts: Sequence[RuleCount], ships: Shipping
) -> list[Gate]:
    """Return the gates of a set, in the order in which to mend them.

    Args:
        look: of this moment.
        policy: says what blocks.
        stands: ``standing`` of it.
        counts: ``by_rule`` of it.
        ships: ``shipping`` of it.
    """
    return [
        _checked(look), _blocking(look, policy, counts, ships), _leaks(look, stands, ships), _labels(look, counts),
        _licences(look), _eval_split(look, ships), _enough(look, ships), _stale(look),
    ]  # fmt: skip


def verdict(found: Sequence[Gate]) -> tuple[bool, str]:
    """Return whether all gates hold, and the sentence that says so.

    >>> verdict([Gate("a", "holds", ""), Gate("b", "fails", ""), Gate("c", "none", "")])
    (False, 'Not ready: 1 of 2 gates holds')
    """
    asked = [gate for gate in found if gate.status != "none"]
    hold = sum(gate.status == "holds" for gate in asked)
    if hold == len(asked):
        return True, f"Ready: all {len(asked)} gates hold"
    return False, f"Not ready: {hold} of {len(asked)} gates {'holds' if hold == 1 else 'hold'}"


def _checked(look: Look) -> Gate:
    name, ran_now = "Checked by this version", ran(look)
    if not ran_now:
        return Gate(name, "fails", "no rule has run on these rows", command="check {}")
    missing = [rule for rule, of in RULES.items() if of.default and not of.compiled and rule not in ran_now]
    if missing:
        return Gate(name, "fails", f"{counted(len(missing), 'rule')} of {len(RULES)} did not run", command="check {}")
    versions = _versions(look.view.manifest)
    older = [rule for rule in ran_now if versions.get(rule, version()) != version()]
    if older:
        return Gate(
            name, "fails", f"{counted(len(older), 'rule')} ran in another version of vetset", command="check {}"
        )
    return Gate(name, "holds", f"{len(ran_now)} rules ran on these rows")


def _versions(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the version in which each rule ran last on these rows."""
    found: dict[str, str] = {}
    for step in manifest.get("steps", []):
        if step.get("verb") == "read":
            found = {}
        findings = step.get("counts", {}).get("findings")
        if isinstance(findings, dict):
            found |= dict.fromkeys(findings, step.get("version"))
    return found


def _blocking(look: Look, policy: Policy, counts: Sequence[RuleCount], ships: Shipping) -> Gate:
    name, blocking = "No blocking finding stands", [of for of in counts if of.blocks]
    if blocking:
        said = f"{counted(ships.held, 'row')} that {counted(len(blocking), 'rule')} would hold back"
        links = tuple(Link(f"{of.rule}: {of.rows:,}", Filter(of.rule)) for of in blocking)
        return Gate(name, "fails", said, links)
    left = [rule for rule in policy.block if rule not in ran(look)]
    if left:
        said = f"{len(left)} of {counted(len(policy.block), 'rule')} that block did not run"
        return Gate(name, "open", said, command="check {}")
    return Gate(name, "holds", f"0 rows, by {counted(len(policy.block), 'rule')} that block")


def _leaks(look: Look, stands: pl.DataFrame, ships: Shipping) -> Gate:
    """Judge by the whole family: what stands in train, and what gives its own answer away."""
    name, rules = "No leak stands", [number for number, rule in enumerate(RULES) if rule.startswith("leakage.")]
    if not any(rule.startswith("leakage.") for rule in ran(look)):
        return Gate(name, "open", "no rule on leaks has run", command="check {}")
    rows = stands.filter(pl.col("rule_order").is_in(rules))["row"].n_unique()
    if rows:
        return Gate(
            name, "fails", "between train and eval, or of an answer", (Link(counted(rows, "row"), Filter("leakage")),)
        )
    if not ships.eval_rows and not look.view.manifest.get("against"):
        return Gate(name, "none", "nothing can leak yet: there is no eval split")
    return Gate(name, "holds", "0 rows, as far as the rules see")


def _labels(look: Look, counts: Sequence[RuleCount]) -> Gate:
    name = f"Wrong labels under {MOST_WRONG:.0%}"
    if "labels.suspect" not in ran(look):
        return Gate(name, "open", "not estimated yet", command="check {}")
    expected = expected_wrong(look.view.manifest)
    if expected is None:
        labelled = look.view.rows["label"].null_count() < look.view.rows.height
        return Gate(name, "none", "can't be estimated of these labels" if labelled else "no row has a label")
    corrected = corrected_labels(look)
    high = max(expected["high"] - corrected, 0.0) / expected["rows"]
    said = f"at most {high:.1%} (95%) of {counted(expected['rows'], 'label')}"
    if corrected:
        said += f", the {corrected:,} taken off that review corrected"
    left = sum(of.rows for of in counts if of.rule == "labels.suspect")
    links = (Link(f"{left:,} doubtful", Filter("labels.suspect")),) if left else ()
    return Gate(name, "holds" if high < MOST_WRONG else "fails", said, links)


def expected_wrong(manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the last check's estimate of wrong labels (``labels.estimate``), or ``None`` where it made none."""
    expected = manifest.get("figures", {}).get("labels.suspect", {}).get("expected")
    return expected if expected and expected["rows"] else None


def corrected_labels(look: Look) -> int:
    """Return how many labels were changed since they were read, or dropped for a rule on labels."""
    heads = look.heads.frame
    relabels = heads.filter(pl.col("action") == "relabel")
    places = look.view.positions(relabels["row_id"])
    before = look.view.rows["label"].gather(places[places >= 0])
    changed = relabels.filter(pl.Series(places >= 0, dtype=pl.Boolean))["value"] != before  # null where it had no label
    dropped = heads.filter((pl.col("action") == "drop") & pl.col("rule").str.starts_with("labels."))
    return int(changed.sum() or 0) + dropped.height


def _licences(look: Look) -> Gate:
    name = "Licences known"
    unknown = unknown_licences(look)
    if not look.view.rows.height:
        return Gate(name, "none", "there is no row")
    rows = sum(unknown.values())
    if not rows:
        return Gate(name, "holds", f"of all {counted(look.view.rows.height, 'row')}")
    links = (Link(counted(rows, "row"), unlicensed(unknown), "all"),)
    return Gate(
        name,
        "fails",
        f"unknown of {rows:,} of {counted(look.view.rows.height, 'row')}",
        links,
        "read SOURCE... -o {} --license SPDX",
    )


def unknown_licences(look: Look) -> dict[str | None, int]:
    """Return the rows of each licence that says nothing, the most first; a decision on a row makes it no better known."""
    counts = look.view.rows["license"].value_counts().sort("count", "license", descending=[True, False])
    return {name: rows for name, rows in counts.iter_rows() if not is_known(name)}


def unlicensed(unknown: Mapping[str | None, int]) -> Filter:
    """Return the filter of rows whose licence is one of these."""
    if len(unknown) > _NAMES:
        return Filter("licences.unknown")
    return Filter("rows", license=tuple(NONE if name is None else name for name in unknown))


def _eval_split(look: Look, ships: Shipping) -> Gate:
    name = "An eval split exists"
    if ships.eval_rows:
        evals = tuple(split for split in ships.splits if split != ships.train)
        said = f"{counted(ships.eval_rows, 'row')} would ship in {counted(len(evals), 'split')}"
        return Gate(name, "holds", said, (Link("eval rows", Filter("rows", split=evals), "all"),))
    against = look.view.manifest.get("against", [])
    if against:
        return Gate(name, "holds", f"in {counted(len(against), 'file')} of its own, which the set was held against")
    return Gate(name, "fails", "every row would be trained on", command="split {}")


def _enough(look: Look, ships: Shipping) -> Gate:
    name = f"At least {LEAST_ROWS} rows would ship"
    links = (Link("every row", Filter("rows"), "all"),) if ships.rows else ()
    said = f"{ships.ships:,} of {ships.rows:,}{_parts(ships)}"
    if ships.ships < LEAST_ROWS:
        return Gate(name, "fails", said, links)
    if not ran(look):
        return Gate(name, "open", f"{said} at most: what a check holds back is not known yet", links)
    return Gate(name, "holds", said, links)


def _parts(ships: Shipping) -> str:
    parts = (("dropped", ships.dropped), ("held back", ships.held), ("in no split", ships.unsplit))
    told = ", ".join(f"{rows:,} {what}" for what, rows in parts if rows)
    return f": {told}" if told else ""


def _stale(look: Look) -> Gate:
    name, stale = "No decision is stale", look.heads.stale
    if stale:
        return Gate(name, "fails", f"{counted(stale, 'row')} decided on changed or left: those decisions apply to none")
    made = look.heads.frame["row_id"].n_unique()
    return Gate(name, "holds", f"decisions on {counted(made, 'row')}, all in force" if made else "none was made yet")
