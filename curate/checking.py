"""The verb ``check``: run the rules, write the findings, count what stands."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from . import disk
from . import findings as findings_table
from .dataset import Dataset, parquet
from .decisions.applied import head_for
from .decisions.ledger import Ledger
from .decisions.policy import Policy, standing
from .embed.encoding import Progress
from .errors import UsageError
from .near.compiled import compiled
from .options import Options
from .reading.mapping import Given
from .reading.reader import read
from .rules import RULES, Material, out_of_reach, select_rules
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
    notes: list[str] = field(default_factory=list)
    """What else to know: the findings could not be saved."""
    figures: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What some rules counted over the whole set (``rules.Rule.figures``), whatever stands."""

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
        return {
            "rows": self.rows, "rejects": self.rejects,
            "rules": {
                rule: {**of, "figures": self.figures[rule]} if rule in self.figures else of
                for rule, of in self.counts().items()
            },
            "blocking": self.blocking, "notes": self.notes,
        }  # fmt: skip


def check(
    dataset: Dataset,
    *,
    select: Sequence[str] | None = None,
    against: Sequence[str | Path] | None = None,
    options: Options | None = None,
    policy: Policy | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    encoding: Callable[[Progress], None] | None = None,
) -> CheckResult:
    """Run rules over a set and write its findings; those of rules that did not run are kept.

    A set that can't be written is checked all the same; ``notes`` then says that nothing was saved.

    Args:
        dataset: the set.
        select: rule names or families; all by default.
        against: files of eval rows that must not stand in this set; by default those of the last check, so that a
            second check does not forget them. ``()`` is none.
        options: thresholds and such; by default those of the last check.
        policy: says which findings block; the default policy for ``None``.
        progress: told the rule that starts, its number and how many there are.
        encoding: told how far an encoder is.

    Raises:
        UsageError: a rule or a file that does not exist.
        StaleError: the set was read or split anew in the meantime; nothing was written.
    """
    if against is None:
        against = known_against(dataset)
    train = dataset.manifest.get("train", "train")
    found = find(dataset, dataset.rows, select=select, against=against, train=train, options=options, progress=progress)
    if not disk.writable(dataset.folder):
        return _unsaved(dataset, found, policy)
    dataset.save(
        found.files(), step=found.step, checked=found.checked, against=found.against, figures=found.figures,
        options=found.options.said(),
    )  # fmt: skip
    result = judge(dataset, policy=policy)
    return replace(result, notes=[*result.notes, *found.notes, *([] if compiled() else [_slow()])])


def _slow() -> str:
    left = [name for name in RULES if out_of_reach(name)]
    return (
        f"numba can't be imported here, so near copies were looked for in a slower way and {', '.join(left)} did not run; "
        "run: pip install numba"
    )


@dataclass(frozen=True)
class Found:
    """What rules found, before it is written.

    What other rules found is read when this is written, and not before: another check may have written meanwhile.
    """

    dataset: Dataset
    frame: pl.DataFrame
    rules: list[str]
    """Those that ran, whose earlier findings are replaced."""
    given: list[str]
    """Eval files that they were given."""
    step: dict[str, Any]
    counted: dict[str, dict[str, Any]]
    """The figures of those that ran and have some."""
    options: Options
    """What they were told."""
    notes: list[str]
    """What there is to say beside the findings."""

    def files(self) -> dict[str, disk.Writer | None]:
        """Return the file to write, for ``Dataset.save``."""
        return {"findings.parquet": self._write}

    def _write(self, path: Path) -> None:
        parquet(self.merged(Dataset(self.dataset.folder).findings))(path)

    def merged(self, before: pl.DataFrame | None) -> pl.DataFrame:
        """Return the findings with those of the rules that did not run, in the order of the rules."""
        if before is None:
            return self.frame
        both = pl.concat([self.frame, before.filter(~pl.col("rule").is_in(self.rules))])
        place = pl.col("rule").replace_strict(
            list(RULES), range(len(RULES)), default=len(RULES), return_dtype=pl.UInt32
        )
        return both.sort(place, maintain_order=True)

    def checked(self, before: list[str] | None) -> list[str]:
        """Return the rules that have run on these rows, for ``Dataset.save``."""
        return [rule for rule in RULES if rule in {*self.rules, *(before or [])}]

    def against(self, before: list[str] | None) -> list[str]:
        """Return the eval files of the last look for leaks, for ``Dataset.save``."""
        return self.given if any(rule.startswith("leakage.") for rule in self.rules) else before or []

    def figures(self, before: dict[str, dict[str, Any]] | None) -> dict[str, dict[str, Any]]:
        """Return the figures of all rules that have some, for ``Dataset.save``."""
        return {rule: of for rule, of in (before or {}).items() if rule not in self.rules} | self.counted


def find(
    dataset: Dataset,
    rows: pl.DataFrame,
    *,
    select: Sequence[str] | None = None,
    against: Sequence[str | Path] = (),
    train: str = "train",
    options: Options | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    encoding: Callable[[Progress], None] | None = None,
) -> Found:
    """Run rules over ``rows`` (the set's rows, as they will stand) without writing; arguments as in ``check``."""
    chosen = select_rules(select)
    options = Options.given(dataset.manifest.get("options", {})) if options is None else options
    cache = dataset.folder / "vectors" if disk.writable(dataset.folder) else None
    material = Material(rows, _read_against(dataset, against) if against else None, train, options, cache, encoding)
    frames: list[pl.DataFrame] = []
    counted: dict[str, dict[str, Any]] = {}
    for number, name in enumerate(chosen):
        if progress is not None:
            progress(name, number, len(chosen))
        rule = RULES[name]
        frames.append(rule.find(material))
        if rule.figures is not None and (figures := rule.figures(material, frames[-1])):
            counted[name] = figures
    frame = pl.concat(frames) if frames else findings_table.empty()
    counts = dict(frame.group_by("rule").len().iter_rows())
    said = {"select": list(select) if select else None, "against": [str(path) for path in against] or None}
    step = {
        "verb": "check", "version": version(),
        "options": {name: value for name, value in said.items() if value} | options.said(),
        "counts": {"rows": rows.height, "findings": {rule: counts.get(rule, 0) for rule in chosen}},
    }  # fmt: skip
    return Found(dataset, frame, chosen, [str(path) for path in against], step, counted, options, material.notes)


def judge(dataset: Dataset, *, policy: Policy | None = None) -> CheckResult:
    """Return what the last check found and what of it stands now, without running a rule."""
    figures = dataset.manifest.get("figures", {})
    return _judged(dataset, dataset.findings, dataset.manifest.get("checked", []), figures, policy)


def _judged(
    dataset: Dataset, frame: pl.DataFrame | None, checked: list[str], figures: dict[str, dict[str, Any]],
    policy: Policy | None, *notes: str,
) -> CheckResult:  # fmt: skip
    policy = policy or Policy()
    frame = findings_table.empty() if frame is None else frame
    with Ledger.open(dataset.folder) as ledger:
        heads = head_for(ledger, dataset.rows).heads
    stands = standing(frame, heads, dataset.rows)
    rules = [rule for rule in RULES if rule in checked]
    blocking = [rule for rule in rules if rule in policy.block and (stands["rule"] == rule).any()]
    rows, rejects = dataset.manifest["rows"], dataset.manifest["rejects"]
    told = {rule: figures[rule] for rule in rules if rule in figures}
    return CheckResult(rows, rejects, rules, frame, stands, blocking, list(notes), told)


def _unsaved(dataset: Dataset, found: Found, policy: Policy | None) -> CheckResult:
    note = (
        f"{dataset.folder} can't be written, so these findings were not saved and `vetset decide` won't see them; copy "
        "the set to a folder of yours to go on."
    )
    checked = found.checked(dataset.manifest.get("checked"))
    figures = found.figures(dataset.manifest.get("figures"))
    return _judged(dataset, found.merged(dataset.findings), checked, figures, policy, note)


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
