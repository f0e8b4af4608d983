"""The verb ``check``: run the rules, write the findings, count what stands."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from . import disk
from . import findings as findings_table
from .dataset import Dataset, parquet
from .decisions.applied import head_for
from .decisions.ledger import Ledger
from .decisions.policy import Policy, standing
from .errors import UsageError
from .reading.mapping import Given
from .reading.reader import read
from .rules import RULES, Material, select_rules
from .version import version


@dataclass(frozen=True)
class CheckResult:
    """What the rules found. ``standing`` is the part that no decision has settled."""

    rows: int
    rejects: int
    rules: list[str]
    findings: pl.DataFrame
    standing: pl.DataFrame
    blocking: list[str]
    """Rules that block and of which something stands."""

    def counts(self) -> dict[str, dict[str, int]]:
        """Return rows, clusters and standing rows of each rule that ran, most standing first."""
        per_rule = self.findings.group_by("rule").agg(rows=pl.len(), clusters=pl.col("cluster").drop_nulls().n_unique())
        found = {rule: (rows, clusters) for rule, rows, clusters in per_rule.iter_rows()}
        stand = dict(self.standing.group_by("rule").len().iter_rows())
        counts = {
            rule: {
                "rows": found.get(rule, (0, 0))[0],
                "clusters": found.get(rule, (0, 0))[1],
                "standing": stand.get(rule, 0),
            }
            for rule in self.rules
        }
        order = sorted(
            counts, key=lambda rule: (rule not in self.blocking, -counts[rule]["standing"], -counts[rule]["rows"], rule)
        )
        return {rule: counts[rule] for rule in order}

    def summary(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {"rows": self.rows, "rejects": self.rejects, "rules": self.counts(), "blocking": self.blocking}


def check(
    dataset: Dataset,
    *,
    select: Sequence[str] | None = None,
    against: Sequence[str | Path] | None = None,
    policy: Policy | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> CheckResult:
    """Run rules over a set and write its findings; those of rules that did not run are kept.

    Args:
        dataset: the set.
        select: rule names or families; all by default.
        against: files of eval rows that must not stand in this set; by default those of the last check, so that a
            second check does not forget them. ``()`` is none.
        policy: says which findings block; the default policy for ``None``.
        progress: told the rule that starts, its number and how many there are.

    Raises:
        UsageError: a rule or a file that does not exist.
    """
    if against is None:
        against = known_against(dataset)
    train = dataset.manifest.get("train", "train")
    found = find(dataset, dataset.rows, select=select, against=against, train=train, progress=progress)
    dataset.save(found.files(), step=found.step, checked=found.checked, against=found.against)
    return judge(dataset, policy=policy)


@dataclass(frozen=True)
class Found:
    """What rules found, before it is written: the whole findings table, and what the manifest says of it."""

    frame: pl.DataFrame
    step: dict[str, Any]
    checked: list[str]
    against: list[str]

    def files(self) -> dict[str, disk.Writer | None]:
        """Return the file to write."""
        return {"findings.parquet": parquet(self.frame)}


def find(
    dataset: Dataset,
    rows: pl.DataFrame,
    *,
    select: Sequence[str] | None = None,
    against: Sequence[str | Path] = (),
    train: str = "train",
    progress: Callable[[str, int, int], None] | None = None,
) -> Found:
    """Run rules over ``rows`` (the set's rows, as they will stand) without writing; arguments as in ``check``."""
    chosen = select_rules(select)
    material = Material(rows, _read_against(dataset, against) if against else None, train)
    frames = []
    for number, name in enumerate(chosen):
        if progress is not None:
            progress(name, number, len(chosen))
        frames.append(RULES[name].find(material))
    if dataset.findings is not None:
        frames.append(dataset.findings.filter(~pl.col("rule").is_in(chosen)))
    frame = pl.concat(frames) if frames else findings_table.empty()
    counts = dict(frame.filter(pl.col("rule").is_in(chosen)).group_by("rule").len().sort("rule").iter_rows())
    options = {"select": list(select) if select else None, "against": [str(path) for path in against] or None}
    step = {
        "verb": "check", "version": version(), "options": {name: value for name, value in options.items() if value},
        "counts": {"rows": rows.height, "findings": {rule: counts.get(rule, 0) for rule in chosen}},
    }  # fmt: skip
    ran = [rule for rule in RULES if rule in {*chosen, *dataset.manifest.get("checked", [])}]
    known = [str(path) for path in against] if "leakage.exact" in chosen else dataset.manifest.get("against", [])
    return Found(frame, step, ran, known)


def judge(dataset: Dataset, *, policy: Policy | None = None) -> CheckResult:
    """Return what the last check found and what of it stands now, without running a rule."""
    policy = policy or Policy()
    frame = dataset.findings
    frame = findings_table.empty() if frame is None else frame
    with Ledger.open(dataset.folder) as ledger:
        heads = head_for(ledger, dataset.rows).heads
    stands = standing(frame, heads, dataset.rows)
    rules = [rule for rule in RULES if rule in dataset.manifest.get("checked", [])]
    blocking = [rule for rule in rules if rule in policy.block and (stands["rule"] == rule).any()]
    return CheckResult(dataset.manifest["rows"], dataset.manifest["rejects"], rules, frame, stands, blocking)


def known_against(dataset: Dataset) -> list[str]:
    """Return the eval files of the last check that looked for leaks.

    Raises:
        UsageError: one of them is gone.
    """
    against = dataset.manifest.get("against", [])
    if gone := [path for path in against if not Path(path).exists()]:
        raise UsageError(
            f"{gone[0]}, which {dataset.folder} was checked against, is not there (paths are taken from the folder "
            "you are in); put it back, or check with --against another file, or with --against none."
        )
    return against


def _read_against(dataset: Dataset, paths: Sequence[str | Path]) -> pl.DataFrame:
    """Read eval files as the set was read where they have its columns; otherwise their columns are guessed."""
    inputs = dataset.manifest.get("inputs") or [{}]
    shape, columns = inputs[0].get("shape"), inputs[0].get("columns", {})
    alike = Given(text=columns.get("text"), label=columns.get("label")) if shape in ("text", "text-label") else Given()
    with tempfile.TemporaryDirectory(prefix="vetset-") as folder:
        try:
            return read(paths, Path(folder) / "against.vet", columns=alike).dataset.rows
        except UsageError:
            if alike == Given():
                raise
        return read(paths, Path(folder) / "guessed.vet", columns=Given()).dataset.rows
