"""What ``vetset drift`` prints for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..curate.wording import counted, shell
from .lines import cells, columns, say, show, tell

if TYPE_CHECKING:
    from ..evaluate.drifting.measuring import Comparison, Drift


def print_drift(drift: Drift, names: dict[str, str | None]) -> None:
    """Print what to do, why, and every look with what chance alone brings and what could have been seen."""
    tell(drift.ruling.sentence)
    for reason in drift.ruling.reasons:
        tell(f"- {reason}")
    for comparison in drift.comparisons:
        say()
        _print_comparison(comparison, drift, names)
    say()
    for note in drift.notes:
        tell(f"note: {note}")
    looks = counted(sum(len(each.shifts) for each in drift.comparisons), "look")
    tell(
        f"p after Holm over {looks}: the chance of any false alarm is {drift.alpha:.0%} at most; "
        f"{drift.permutations:,} permutations, seed {drift.seed}"
    )
    _next(drift, names)


def _print_comparison(comparison: Comparison, drift: Drift, names: dict[str, str | None]) -> None:
    other = {"eval": "the eval set", "train": "the training data"}[comparison.against]
    new, known = comparison.units
    tell(
        f"against {other}, {names[comparison.against]}: {counted(drift.rows, 'new row')} ({new:,} independent) and "
        f"{counted(comparison.rows, 'row')} ({known:,})"
    )
    table = columns("look", "effect", "by chance", "p", "would be seen", "", right=(1, 2, 3, 4))
    for shift in comparison.shifts:
        verdict = "counts" if shift.found else "small" if shift.sure else ""
        table.add_row(
            *cells(
                shift.look, f"{shift.effect:.3f}", f"{shift.by_chance:.3f}", f"{shift.adjusted:.3f}",
                f"{shift.detectable:.3f}", verdict,
            )
        )  # fmt: skip
    show(table)
    if drift.told and not drift.drifted:
        say(f"a change of less than {comparison.sight.least:.0%} of the rows may go unseen")


def _next(drift: Drift, names: dict[str, str | None]) -> None:
    if drift.short is not None:
        tell(
            f"next: take a sample of {drift.short:,} independent rows or more, and run this again with it; so many does "
            "`vetset evalset refresh` take"
        )
    elif "refresh" in drift.actions:
        new = str(names["new"])
        if new.rstrip("/").endswith(".vet"):
            say(f"next: vetset evalset refresh {shell(names['eval'])} --from {shell(new)}")
        else:
            say(
                f"next: vetset read {shell(new)} -o newer.vet, "
                f"then vetset evalset refresh {shell(names['eval'])} --from newer.vet"
            )
    elif not drift.told:
        say(
            "next: take a larger sample; `would be seen` says what one of this size shows (--relevant sets what has to be)"
        )
