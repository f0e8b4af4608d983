"""What ``vetset evalset`` prints for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..curate.masking import mask
from ..curate.wording import counted, shell
from .lines import cells, clipped, columns, listed, say, show, tell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..evaluate.evalsets.ageing import Status
    from ..evaluate.evalsets.building import Built
    from ..evaluate.evalsets.freezing import Frozen
    from ..evaluate.evalsets.refreshing import Refreshed
    from ..evaluate.evalsets.sight import Sight

_SHOWN = 5  # eval rows that are shown; --json has all


def print_built(result: Built) -> None:
    """Print what was chosen, what left the train side, and what the rows can see."""
    told = result.summary()
    of, folder = told["population"], result.evalset.folder
    parts = [f"{rows:,} {name}" for name, rows in sorted(told["parts"].items())]
    tell(f"{folder}: {counted(result.rows.height, 'row')} of {of['rows']:,} ({listed(parts)})")
    for count, what in (
        (of["dropped"], "dropped by decisions"),
        (of["blank"], "ask nothing that can be seen"),
        (of["common"], "have a text that stands too often"),
    ):
        if count:
            tell(f"  not to choose from: {counted(count, 'row')}, {what}")
    covered = told["covered"]
    tell(
        f"strata: {covered['strata']['met']:,} of {covered['strata']['count']:,} met; regions of the texts: "
        f"{covered['regions']['met']:,} of {covered['regions']['count']:,}; edge cases: {_tags(told['edge_cases'])}"
    )
    close = told["too_close"]
    if close["rows"]:
        tell(f"{counted(close['rows'], 'row')} of the other {close['of']:,} left the set, too close to an eval row:")
        _rules(close["by_rule"])
        say(f"undo: vetset decide {shell(result.dataset)} --undo {result.aside.batch}")
    else:
        tell(f"none of the other {close['of']:,} rows is too close to an eval row")
    tell(
        f"the eval rows stand in split {result.aside.split} of {shell(result.dataset)}, in no train file of `vetset export`"
    )
    _sights(result.sights)
    for note in result.notes:
        tell(f"note: {note}")
    if result.aside.unchecked:
        tell(
            f"splits changed, so {listed(result.aside.unchecked)} have to look again: vetset check {shell(result.dataset)}"
        )
    say(f"next: vetset evalset freeze {shell(folder)}")


def print_frozen(result: Frozen) -> None:
    """Print the digest."""
    of = result.evalset.manifest
    word = "was frozen already" if result.before else "is frozen"
    tell(
        f"{result.evalset.folder} {word}: version {of['version']}, {counted(len(of['row_digests']), 'row')}, digest "
        f"{of['digest'][:16]}..., at {of['frozen_at']} by {clipped(of['frozen_by'], 30)}"
    )
    say(f"next: vetset eval MODEL --on {shell(result.evalset.folder)}")


def print_refreshed(result: Refreshed) -> None:
    """Print what a new version holds."""
    of, folder = result.evalset.manifest, result.evalset.folder
    tell(
        f"{folder} is version {of['version']}: {result.kept:,} rows stay, {result.fresh:,} are new, {result.gone:,} went; "
        f"version {result.version_before} stands in {folder}/versions/{result.version_before}"
    )
    for name, part in of["parts"].items():
        tell(f"  {name}: {counted(part['rows'], 'row')} in {counted(part['clusters'], 'cluster')}")
    if result.too_close:
        tell(
            f"{counted(result.too_close, 'row')} of the sample could not be chosen, too close to an eval row that stands"
        )
    if result.aside is not None and result.aside.counts:
        tell(
            f"{counted(sum(result.aside.counts.values()), 'row')} of the sample are dropped, too close to a new eval row:"
        )
        _rules(result.aside.counts)
    if result.trained:
        tell(
            f"{counted(result.trained['rows'], 'row')} of {result.trained['set']} are dropped, too close to a new eval row"
        )
    for note in result.notes:
        tell(f"note: {note}")
    tell("scores on the version before are no longer comparable: score the baseline again")
    say(f"next: vetset evalset status {shell(folder)} --train NAME.vet")


def print_status(result: Status) -> None:
    """Print how an eval set stands."""
    of = result.evalset.manifest
    if of.get("digest"):
        tell(
            f"{result.evalset.folder}: version {of['version']}, digest {of['digest'][:16]}..., frozen "
            f"{counted(result.age or 0, 'day')} ago by {clipped(of['frozen_by'], 30)}"
        )
    else:
        say(f"{result.evalset.folder}: not frozen")
    table = columns("part", "rows", "clusters", "sees", "looks", "next tested at", right=(1, 2, 3, 4, 5))
    for part in result.parts:
        one = part.sight
        table.add_row(
            *cells(one.part, one.rows, one.clusters, f"{one.least_gain:.1%}", len(part.looks), f"{part.alpha:.4g}")
        )
    show(table)
    if result.reserve:
        tell(
            f"a reserve of {counted(result.reserve, 'row')} waits for "
            f"`vetset evalset refresh {shell(result.evalset.folder)} --confirm`"
        )
    if result.drift is not None:
        tell(f"drift: {result.drift.ruling.sentence}")
    if result.overlap is not None:
        _overlap(result)
    for note in result.notes:
        tell(f"note: {note}")
    for sentence in result.rot:
        tell(f"rot: {sentence}")
    if not result.rot:
        say("no rot")


def _overlap(result: Status) -> None:
    overlap = result.overlap
    assert overlap is not None  # noqa: S101 -- asked before
    if overlap.is_empty():
        forms = f", but {counted(len(result.forms), 'form')} of eval rows, below" if result.forms else ""
        say(f"training data: no row too close to an eval row{forms}")
        return
    say(f"training data: {counted(overlap.height, 'eval row')} with a row too close to it:")
    _rules(dict(overlap.group_by("rule", maintain_order=True).len().iter_rows()))
    for row in overlap.head(_SHOWN).iter_rows(named=True):
        say(f"  {row['id'][:10]}  {clipped(mask(row['note']), 86)}")


def _sights(sights: list[Sight]) -> None:
    for one in sights:
        tell(one.sentence)


def _rules(counts: Mapping[str, Any]) -> None:
    table = columns("rule", "rows", right=(1,))
    for rule, rows in counts.items():
        table.add_row(*cells(rule, rows))
    show(table)


def _tags(counts: Mapping[str, int]) -> str:
    return listed([f"{rows:,} {tag}" for tag, rows in counts.items()]) or "none"
