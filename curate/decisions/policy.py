"""What settles by itself and what waits for a person, what blocks, and what still stands.

``vetset.toml`` overrides them::

    [policy]
    duplicates = "wait"             # a rule or a family; the longest name that fits wins
    "duplicates.exact" = "drop"

    [check]
    block = ["labels.conflict", "leakage"]
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import polars as pl

from ..errors import UsageError, quote
from ..text import keys
from ..vetset_toml import read_tables
from .applied import Action, Decision, apply, match, refused
from .decision import check

DEFAULT: dict[str, str] = {
    "duplicates.exact": "drop",  # the first copy stays, so no text is lost; copies only weigh their row more
    "duplicates.normalised": "wait",  # case or width can be the very thing to learn
    "duplicates.near": "wait",  # a number changed is a near copy, and may be the whole point of the row
    "duplicates.semantic": "wait",  # an encoder takes "not" and a number lightly
    "duplicates.contained": "wait",  # the longer row may hold another answer
    "duplicates.boilerplate": "wait",  # the rest of the row may be what nobody else says
    "labels.conflict": "wait",  # the majority is often wrong where annotators share a habit
    "labels.suspect": "wait",  # a chance is no proof; who relabels by it should look
    "labels.ambiguous": "wait",  # the definition has to be mended first
    "labels.annotator": "wait",  # a person is named: that takes a person
    "labels.near_conflict": "wait",  # the word that differs may be the reason after all
    "labels.alias": "wait",  # two names may be two definitions that nobody wrote down
    "labels.rare": "wait",  # more such rows are better than fewer
    "labels.outlier": "wait",  # a row from the edge of a label is worth more than one from its middle
    "preference.same": "drop",  # chosen = rejected has no gradient: there is nothing to lose
    "preference.conflict": "wait",  # which reply is better is a judgement
    "preference.bias": "wait",  # speaks of an annotator, not of one row
    "leakage.exact": "wait",  # a leak is mended on the train side or on the eval side: two different tests
    "leakage.near": "wait",  # the same choice, and a near copy may be another question
    "leakage.ngram": "wait",  # a run of words can be a phrase that everybody uses
    "leakage.contained": "wait",  # the part that leaks can be cut out of the longer text
    "leakage.masked": "wait",  # a template filled anew may be what the test is for
    "leakage.short": "wait",  # short texts stand inside of long ones by chance too
    "leakage.meaning": "wait",  # a cosine is no proof
    "leakage.group": "wait",  # one split by group settles all of them at once
    "leakage.time": "wait",  # one split by time settles all of them at once
    "leakage.parent": "wait",  # a new split settles all of them at once, and loses no row
    "leakage.answer": "wait",  # the answer has to be cut out of the input, which an edit does, not a drop
    "quality.empty": "drop",  # nothing to read, or nothing to learn
    "quality.encoding": "wait",  # the mended text is a guess
    "quality.length": "wait",  # the longest rows are often the most valuable ones
    "quality.template": "wait",  # a refusal can be the right answer
    "quality.roles": "wait",  # mostly mended by an edit, and all rows of one source have the same fault
    "quality.schema": "wait",  # the odd one out may be the correct one
    "outputs.conflict": "wait",  # which answer is right is a judgement
    "outputs.format": "wait",  # the rare form may be the one to keep
    "outputs.ignores": "wait",  # a join that shifted is mended at its source, for all of its rows at once
    "outputs.copy": "wait",  # to repeat may be the task
    "outputs.language": "wait",  # to translate may be the task
    "outputs.arithmetic": "wait",  # mended by an edit, and the sum that fails may be quoted
    "outputs.truncated": "wait",  # the end has to be written, which an edit does
    "coverage.balance": "wait",  # an unknown label may be a new class, or an old name
    "coverage.thin": "wait",  # mended by other rows, not by these
    "coverage.edge_case": "wait",  # finds no rows
    "labels.drift": "wait",  # which of the two meanings holds is a judgement
    "synthetic.review": "wait",  # a gate could not tell, which is why it asks
    "licences.teacher": "wait",  # terms are of a teacher, and no row by itself settles them
    "privacy.email": "wait",  # a support address of one's own is meant to be learnt; masking the rest is an edit
    "privacy.card": "wait",  # masked, replaced by an invented one, or dropped: three different sets
    "privacy.iban": "wait",  # the same
    "privacy.ssn": "wait",  # the same
    "privacy.phone": "wait",  # a hotline is meant to be learnt
    "privacy.ip": "wait",  # which machine an address names is not seen in it
    "privacy.secret": "wait",  # has to be withdrawn at its service first: a drop would hide that
    "privacy.private_key": "wait",  # the same
    "privacy.url_credentials": "wait",  # the same
    "licences.unknown": "wait",  # asking the source settles it for all of its rows at once
}
"""Rule to what becomes of its findings when nobody says otherwise; a finding that suggests ``review`` always waits."""

DEFAULT_BLOCK: tuple[str, ...] = (
    "labels.conflict",  # one input, two targets: no model can learn both, and an eval row of them can't be passed
    "preference.conflict",  # A over B and B over A cancel, and the margin that is reported is noise
    "leakage.exact",  # the score on a row that was trained on says nothing
    "leakage.near",  # nor does one on a row of which a near copy was trained on
    "leakage.parent",  # a child tells what its parent's answer is
    "leakage.answer",  # the model learns to copy the answer, which no input of real use holds
    "quality.empty",  # an empty target teaches to stop at once
    "quality.roles",  # chat templates raise on such rows, or train on the wrong turn without a word
    "privacy.card",  # a model gives it back word for word, to whoever asks
    "privacy.secret",  # the same, and whoever has it has the account
    "privacy.private_key",
    "privacy.url_credentials",
    "synthetic.review",  # a row that nobody has accepted is no row yet
)
"""Rules of which no finding may stand: ``check`` exits with 1. All others cost quality, not validity."""

ACTIONS = ("drop", "keep", "relabel", "edit", "wait")
"""What a policy may say of a rule. relabel and edit act where the finding suggests them and knows the new value."""

REVIEWER = "policy"
"""The reviewer of what a policy decided."""

CONFLICTS = ("labels.conflict", "preference.conflict")
"""Rules whose findings on a whole cluster end when its rows no longer disagree."""

SETTLING = ("keep", "drop", "relabel", "edit")
"""Decisions that settle the findings of a row; a skip says "not now" and settles none."""


@dataclass(frozen=True)
class Policy:
    """What becomes of each rule's findings, and which of them block."""

    own: Mapping[str, str] = field(default_factory=dict)
    """Rule or family to action, as the user set it; ``DEFAULT`` holds for the rest."""
    block: tuple[str, ...] = DEFAULT_BLOCK
    """Names of the rules that block."""

    def action(self, rule: str) -> str:
        """Return what becomes of a rule's findings.

        >>> Policy({"duplicates": "wait", "duplicates.exact": "keep"}).action("duplicates.exact")
        'keep'
        """
        return self.own_action(rule) or DEFAULT.get(rule, "wait")

    def own_action(self, rule: str) -> str | None:
        """Return what the user set for a rule or a family of it, or ``None``."""
        fitting = [name for name in self.own if _fits(name, rule)]
        return self.own[max(fitting, key=len)] if fitting else None


def load(path: str | Path | None, *, rules: Collection[str] = tuple(DEFAULT)) -> Policy:
    """Read the policy of a ``vetset.toml``; ``None`` gives the default one. Other tables of the file are left alone.

    Args:
        path: the file.
        rules: the names of all rules that there are.

    Raises:
        UsageError: no such file, no TOML, an unknown rule, action or key; the sentence names file and key.
    """
    if path is None:
        return Policy()
    path = Path(path)
    tables = read_tables(path)
    own = _flat(_table(path, tables, "policy"))
    for name, action in own.items():
        _known(path, f"[policy] {name}", name, rules)
        if action not in ACTIONS:
            raise UsageError(f"{path} [policy] {name}: {quote(action)} is none of {', '.join(ACTIONS)}.")
    check_table = _table(path, tables, "check")
    for name in check_table:
        if name != "block":
            raise UsageError(f"{path} [check] {quote(name)} is no setting; there is block.")
    if "block" not in check_table:
        return Policy(own)
    block = check_table["block"]
    if not isinstance(block, list):
        raise UsageError(f'{path} [check] block is {quote(block)}; give a list of rules, such as ["labels.conflict"].')
    for name in block:
        _known(path, "[check] block", name, rules)
    return Policy(own, tuple(rule for rule in rules if any(_fits(name, rule) for name in block)))


def policy_decisions(findings: pl.DataFrame, policy: Policy, heads: pl.DataFrame) -> list[Decision]:
    """Return what ``policy`` decides anew of ``findings``, one decision a row, in the order of the findings.

    - A row on which a person's decision stands is never touched, nor is one that the policy has decided so already.
    - A finding that suggests ``review`` waits, unless the user's own policy names its rule.
    - drop beats all else. A row is otherwise decided only if nothing on it waits, since a decision settles all of a
      row's findings, and only if the findings agree on the new value.
    - A repeat is dropped only while another copy of it stays, unchanged by people (``_droppable``): a text that nobody
      decided on never goes.

    Write them with ``reviewer=REVIEWER`` and, as ``expect``, the ``seq`` before ``heads`` was read.
    """
    verdicts = _verdicts(findings, policy, heads)
    same = heads.filter(pl.col("reviewer") == REVIEWER).select("row_id", "action", "value")
    new = verdicts.join(same, left_on=["id", "action", "value"], right_on=["row_id", "action", "value"], how="anti",
                        nulls_equal=True, maintain_order="left")  # fmt: skip
    return [
        Decision(row_id, action, value=value, reason=f"{rule}: {note}", rule=rule)
        for row_id, action, value, rule, note in new.iter_rows()
    ]


def withdrawn(findings: pl.DataFrame, policy: Policy, heads: pl.DataFrame, *, checked: Collection[str]) -> list[int]:
    """Return the ``seq`` of the policy's standing decisions that it would no longer make; undo them before deciding.

    Args:
        findings: of the last check.
        policy: the policy now.
        heads: those that apply to the rows (``head_for(...).heads``).
        checked: rules that have run on these rows: what another rule decided can't be judged and stays.
    """
    people = heads.filter(pl.col("reviewer") != REVIEWER)
    made = heads.filter((pl.col("reviewer") == REVIEWER) & pl.col("rule").is_in(list(checked)))
    made = made.join(people, on="row_id", how="anti", maintain_order="left")  # a person has built on it
    now = _verdicts(findings, policy, heads).select(pl.col("id").alias("row_id"), pl.col("action").alias("now"))
    judged = made.join(now, on="row_id", how="left", maintain_order="left")
    # Any other new decision takes the place of the old one by itself; an edit and a relabel would both stand.
    adds_up = pl.col("now").is_in(["edit", "relabel"]) & pl.col("action").is_in(["edit", "relabel"])
    return judged.filter(pl.col("now").is_null() | (adds_up & (pl.col("now") != pl.col("action"))))["seq"].to_list()


def standing(findings: pl.DataFrame, heads: pl.DataFrame, rows: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return the findings that nothing has settled yet, in their order.

    A finding is settled when its row is kept, dropped, relabelled or edited. A conflict is settled for all of its
    cluster, too, once the rows left of it that ask the same also answer the same, to the character.

    Args:
        findings: a findings frame.
        heads: the standing decisions.
        rows: the rows; without them conflicts are settled row by row only.
    """
    heads = heads.filter(pl.col("action").is_in(SETTLING))
    if rows is not None:
        heads = match(heads, rows).heads
        heads = heads.join(refused(rows, heads), on=["row_id", "action"], how="anti", maintain_order="left")
    left = findings.join(heads, left_on="id", right_on="row_id", how="anti", maintain_order="left")
    if rows is None:
        return left
    over = ended(findings.filter(pl.col("rule").is_in(CONFLICTS)), heads, rows)
    return left.join(over, on=["rule", "cluster"], how="anti", maintain_order="left")


def _verdicts(findings: pl.DataFrame, policy: Policy, heads: pl.DataFrame) -> pl.DataFrame:
    """Return ``id, action, value, rule, note``: what the policy makes of each row that no person has decided."""
    people = heads.filter(pl.col("reviewer") != REVIEWER)
    found = findings.join(people, left_on="id", right_on="row_id", how="anti", maintain_order="left")
    found = found.select(
        "id", "peer", "rule", "note", "suggest", "value", _action(found["rule"], policy)
    ).with_row_index("order")
    drops = found.filter(pl.col("action") == "drop")
    out_already = heads.filter(pl.col("action") == "drop").join(drops, left_on="row_id", right_on="id", how="anti")
    changed = people.filter(pl.col("action").is_in(["edit", "relabel"]))
    blocked = found.filter(pl.col("rule").is_in(policy.block) & (pl.col("action") == "wait"))
    dropped = _droppable(
        drops,
        copies=findings.filter(_REPEAT & (pl.col("suggest") == "drop")),
        gone={*out_already["row_id"], *changed["row_id"]},
        held=dict(blocked.group_by("id").len().iter_rows()),
    )
    rest = found.join(dropped, on="id", how="anti", maintain_order="left")
    verdicts = pl.concat([dropped, _agreed(rest)]).sort("order")
    return verdicts.select(
        "id",
        "action",
        pl.when(pl.col("action").is_in(["relabel", "edit"])).then("value").alias("value"),
        "rule",
        "note",
    )


def _action(rules: pl.Series, policy: Policy) -> pl.Expr:
    """Return each finding's action; ``wait`` where its suggestion or its value does not allow another."""
    names = rules.unique().sort()
    rule, suggest = pl.col("rule"), pl.col("suggest")
    own = rule.replace_strict(names, [policy.own_action(name) for name in names], return_dtype=pl.String)
    default = rule.replace_strict(names, [DEFAULT.get(name, "wait") for name in names], return_dtype=pl.String)
    wanted = pl.coalesce(own, pl.when(suggest != "review").then(default).otherwise(pl.lit("wait")))
    possible = ~wanted.is_in(["relabel", "edit"]) | ((suggest == wanted) & pl.col("value").is_not_null())
    return pl.when(possible).then(wanted).otherwise(pl.lit("wait")).alias("action")


_REPEAT = pl.col("rule").str.starts_with("duplicates.") & pl.col("peer").is_not_null()


def _droppable(drops: pl.DataFrame, *, copies: pl.DataFrame, gone: set[str], held: Mapping[str, int]) -> pl.DataFrame:
    """Return the first finding of each row to drop; of repeats, all but one copy, which stays.

    The copy that stays is the first that people left as it was and that no other rule drops; one on which fewer
    blocking findings wait goes before, since an export would hold the other back and the text with it.

    Args:
        drops: findings whose action is to drop.
        copies: findings that say of a row that it repeats its ``peer`` in every respect.
        gone: ids of rows that no longer stand as they were read.
        held: row to number of blocking findings that wait on it.
    """
    certain = drops.filter(~_REPEAT).unique("id", keep="first", maintain_order=True)
    gone = gone | set(certain["id"])
    alike = copies.group_by("rule", "peer", maintain_order=True).agg("id")
    others = {(rule, peer): ids for rule, peer, ids in alike.iter_rows()}
    chosen: list[int] = []
    # One cluster at a time, since a drop may take away the row that the next cluster leans on (a chain of peers).
    clusters = drops.filter(_REPEAT).group_by("rule", "peer", maintain_order=True).agg("order", "id")
    for rule, peer, orders, ids in clusters.iter_rows():
        left = [row for row in (peer, *others.get((rule, peer), ())) if row not in gone]
        if not left:
            continue
        asked = set(ids)
        _, _, first = min((held.get(row, 0), row in asked, place) for place, row in enumerate(left))
        for order, row in zip(orders, ids, strict=True):
            if row != left[first] and row not in gone:
                gone.add(row)
                chosen.append(order)
    return pl.concat([certain, drops.filter(pl.col("order").is_in(chosen))])


def _agreed(found: pl.DataFrame) -> pl.DataFrame:
    """Return the one finding that decides each row: none of the row's findings waits, and all that change it agree."""
    # A drop that is still here is of the copy that stays, or lost its peer; it waits.
    waits = found.filter(pl.col("action").is_in(["wait", "drop"]))
    ready = found.join(waits, on="id", how="anti", maintain_order="left")
    change = ready.filter(pl.col("action") != "keep")
    odd = change.select("id", "action", "value").unique().filter(pl.len().over("id") > 1)
    first = pl.concat([change, ready.join(change, on="id", how="anti", maintain_order="left")])
    first = first.join(odd, on="id", how="anti", maintain_order="left").unique("id", keep="first", maintain_order=True)
    return first.filter([_possible(*line) for line in first.select("id", "action", "value").iter_rows()])


def _possible(row_id: str, action: str, value: str | None) -> bool:
    try:
        check(Decision(row_id, cast("Action", action), None if action == "keep" else value))
    except UsageError:
        return False  # a rule's value that is no label or no messages: left to a person
    return True


def ended(findings: pl.DataFrame, heads: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return ``rule, cluster`` of the conflicts that decisions have ended: the rows left of them answer alike.

    Args:
        findings: of the rules in ``CONFLICTS``.
        heads: standing decisions that settle (``SETTLING``) and can be carried out.
        rows: the rows.
    """
    cluster = ["rule", "cluster"]
    members = findings.filter(pl.col("cluster").is_not_null()).select(*cluster, "id")
    # Only a decision can end a conflict, so clusters without one are not looked at.
    touched = members.join(heads, left_on="id", right_on="row_id", how="semi").select(cluster).unique()
    # Rows that findings speak of and that are gone may have held the other answer: then nothing is known.
    lost = members.join(rows.select("id"), on="id", how="anti")
    touched = touched.join(lost, on=cluster, how="anti")
    drops = heads.filter(pl.col("action") == "drop")
    left = members.join(touched, on=cluster, how="semi").join(drops, left_on="id", right_on="row_id", how="anti")
    several = left.filter(pl.len().over(cluster) > 1)
    vetted = apply(rows.join(several, on="id", how="semi", maintain_order="left"), heads).rows
    said = vetted.select("id").with_columns(keys(vetted).select("input_folded", "target"))
    odds = (
        several.join(said, on="id")
        .group_by(*cluster, "input_folded")
        .agg(pl.col("target").n_unique().alias("targets"))
        .filter(pl.col("targets") > 1)
    )
    return touched.join(odds, on=cluster, how="anti")


def _fits(name: str, rule: str) -> bool:
    return rule == name or rule.startswith(f"{name}.")


def _known(path: Path, where: str, name: object, rules: Collection[str]) -> None:
    if not isinstance(name, str) or not any(_fits(name, rule) for rule in rules):
        families = sorted({rule.partition(".")[0] for rule in rules})
        raise UsageError(
            f"{path} {where}: there is no rule {quote(name)}; families are {', '.join(families)} "
            "(`vetset rule` lists all)."
        )


def _table(path: Path, tables: dict[str, Any], name: str) -> dict[str, Any]:
    table = tables.get(name, {})
    if not isinstance(table, dict):
        raise UsageError(f"{path}: {name} is {quote(table)}; make it a table that begins with [{name}].")
    return table


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a table with dotted names: TOML reads ``quality.empty = "wait"`` without quotes as a table in a table."""
    flat: dict[str, Any] = {}
    for name, value in table.items():
        flat.update(_flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value})
    return flat
