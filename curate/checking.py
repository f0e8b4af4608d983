"""The verb ``check``: run the rules, write the findings, count what stands."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from . import disk, parts
from . import findings as findings_table
from .against import known_against
from .coverage.wanted import Wanted
from .dataset import Dataset, parquet
from .decisions.applied import head_for
from .decisions.ledger import Ledger
from .decisions.policy import Policy, standing
from .distill import fates
from .embed.encoding import Progress
from .errors import UsageError, quote
from .eval_rows import eval_rows
from .material import Material
from .near.compiled import compiled
from .options import Options
from .rules import RULES, out_of_reach, select_rules
from .version import version
from .wording import counted, shell


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
    options: Options | Mapping[str, Any] | None = None,
    policy: Policy | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    encoding: Callable[[Progress], None] | None = None,
    wanted: Wanted | None = None,
) -> CheckResult:
    """Run rules over a set and write its findings; those of rules that did not run are kept, and not told.

    A set that can't be written is checked all the same; ``notes`` then says that nothing was saved.

    Args:
        dataset: the set.
        select: rule names or families; all by default.
        against: files of eval rows that must not stand in this set; by default those of the last check, so that a
            second check does not forget them. ``()`` is none.
        options: thresholds and such, as they are; a mapping changes those of the last check, which hold by default.
        policy: says which findings block; the default policy for ``None``.
        progress: told the rule that starts, its number and how many there are.
        encoding: told how far an encoder is.
        wanted: what the set should hold (``coverage.wanted.load``); by default what the last check was told.

    Raises:
        UsageError: a rule or a file that does not exist, or ``against`` without a rule that looks at it.
        StaleError: the set was read or split anew in the meantime; nothing was written.
    """
    parts.miss_no_decisions(dataset.folder)
    asked = select
    options, notes = _told(dataset, options)
    if parts.is_lost(dataset.folder, parts.FINDINGS):
        select = [*select_rules(select), *(rule for rule in dataset.manifest.get("checked", []) if rule in RULES)]
        notes.append(
            f"{dataset.folder / parts.FINDINGS} was gone or cut off, so every rule that had run before ran again"
        )
    if not any(name.startswith("leakage.") for name in select_rules(select)):
        if against is not None:
            raise UsageError("--against is for the rules on leaks, of which none is selected; add leakage to --select.")
        against = ()  # nobody would look at them
    if against is None and (against := known_against(dataset)):
        notes.append(
            f"held against {', '.join(against)} again, as in the check before (--against names other files, --against "
            "none forgets them)"
        )
    train = dataset.manifest.get("train", "train")
    found = find(
        dataset, dataset.rows, select=select, against=against, train=train, options=options, progress=progress,
        encoding=encoding, wanted=wanted,
    )  # fmt: skip
    if disk.writable(dataset.folder):
        dataset.save(
            found.files(), step=found.step, checked=found.checked, against=found.against,
            against_from_set=found.against_from_set, figures=found.figures, options=found.options.said(),
            wanted=found.wanted.said(),
        )  # fmt: skip
        result = judge(dataset, policy=policy)
    else:
        result = _unsaved(dataset, found, policy)
    notes = [*notes, *result.notes, *found.notes, *([] if compiled() else [_slow()])]
    return replace(result if asked is None else _of(result, select_rules(asked)), notes=notes)


def _told(dataset: Dataset, options: Options | Mapping[str, Any] | None) -> tuple[Options, list[str]]:
    """Return the options of a check, and a sentence on those that hold because an earlier check was told them."""
    if isinstance(options, Options):
        return options, []
    given = {name: value for name, value in (options or {}).items() if value is not None}
    before = dataset.manifest.get("options", {})
    kept = [f"--{name} {value}" for name, value in before.items() if name not in given]
    note = f"as in the check before: {', '.join(kept)} (say it anew to change it; --defaults forgets it)"
    return Options.given({**before, **given}), [note] if kept else []


def _of(result: CheckResult, rules: list[str]) -> CheckResult:
    """Return the part of a result that some rules said: who asks for them is told of them, and judged by them."""
    mine = pl.col("rule").is_in(rules)
    return replace(
        result, rules=rules, findings=result.findings.filter(mine), standing=result.standing.filter(mine),
        blocking=[rule for rule in result.blocking if rule in rules],
        figures={rule: of for rule, of in result.figures.items() if rule in rules},
    )  # fmt: skip


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
    wanted: Wanted = Wanted()
    """What the set should hold."""

    def files(self) -> dict[str, disk.Writer | None]:
        """Return the file to write, for ``Dataset.save``."""
        return {"findings.parquet": self._write}

    def _write(self, path: Path) -> None:
        parquet(self.merged(self.before()))(path)

    def before(self) -> pl.DataFrame | None:
        """Return the findings that stand; lost ones are not missed where every rule that had run ran again."""
        now = Dataset(self.dataset.folder)
        again = {rule for rule in now.manifest.get("checked", []) if rule in RULES} <= set(self.rules)
        return None if again and parts.is_lost(now.folder, parts.FINDINGS) else now.findings

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

    def against_from_set(self, before: list[str] | None) -> list[str]:
        """Return the way to these files from the set, which still leads there from another folder."""
        if not any(rule.startswith("leakage.") for rule in self.rules):
            return before or []
        here = self.dataset.folder.resolve()
        return [_way(here, path) for path in self.given]

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
    wanted: Wanted | None = None,
    newest: fates.Fates | None = None,
) -> Found:
    """Run rules over ``rows`` (the set's rows, as they will stand) without writing; arguments as in ``check``.

    ``newest``: fates of synthetic rows as they will stand (``distill.fates``), by default those of the manifest.
    """
    chosen = select_rules(select)
    options = Options.given(dataset.manifest.get("options", {})) if options is None else options
    cache = dataset.folder / "vectors" if disk.writable(dataset.folder) else None
    held = eval_rows(dataset, against)
    wanted = Wanted.given(dataset.manifest.get("wanted", {})) if wanted is None else wanted
    newest = fates.newest(dataset.manifest) if newest is None else newest
    material = Material(rows, held.rows, train, options, cache, encoding, wanted=wanted, fates=newest)
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
    notes = [
        *held.notes, *_own_eval_rows(rows, against, chosen, train), *_unlabelled(rows, chosen if select else []),
        *material.notes,
    ]  # fmt: skip
    return Found(dataset, frame, chosen, [str(path) for path in against], step, counted, options, notes, wanted)


def _own_eval_rows(rows: pl.DataFrame, against: Sequence[str | Path], chosen: list[str], train: str) -> list[str]:
    """Say which rows were not held against eval files, being eval rows themselves: a name such as eval.csv makes them so."""
    own = rows.filter(pl.col("split") != train)
    if not against or own.is_empty() or not any(name.startswith("leakage.") for name in chosen):
        return []
    names = ", ".join(quote(name, 20) for name in own["split"].unique().sort()[:3])
    what = "all" if own.height == rows.height else f"{own.height:,} of"
    return [
        f"{what} {counted(rows.height, 'row')} stand in eval splits ({names}) and were not held against "
        f"{', '.join(str(path) for path in against)}; rows that are trained on are read with `vetset read ... --split "
        f"{shell(train)}`"
    ]


def _unlabelled(rows: pl.DataFrame, asked: list[str]) -> list[str]:
    """Say that rules on labels, asked for by name, had none to look at; ``labels.conflict`` looks at answers as well."""
    if not any(name.startswith("labels.") and name != "labels.conflict" for name in asked) or rows["label"].count():
        return []
    return [
        "no row has a label, so rules on labels found nothing; name the column that holds it: vetset read ... --label COLUMN"
    ]


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
    return _judged(dataset, found.merged(found.before()), checked, figures, policy, note)


def _way(here: Path, path: str) -> str:
    try:
        return os.path.relpath(Path(path).resolve(), here)
    except ValueError:  # another drive
        return str(Path(path).resolve())
