"""What ``vetset agree`` prints for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from ..curate.errors import quote
from ..curate.masking import mask
from ..curate.wording import counted
from .lines import cells, clipped, columns, say, show, tell

if TYPE_CHECKING:
    from ..curate.agreement.agreeing import Agreement, Coefficient

_SHOWN = 8  # annotators, pairs, confusions; --json has all
_NAMES = {"fleiss_kappa": "Fleiss' kappa", "krippendorff_alpha": "Krippendorff's alpha"}


def print_agreement(result: Agreement, guessed: Sequence[str], *, source: str, out: Path | None) -> None:
    """Print how far annotators agree, who errs and how, and what was made of their votes."""
    votes = result.votes
    tell(
        f"{source}: {counted(len(votes.item), 'vote')} of {counted(len(votes.annotators), 'annotator')} on "
        f"{counted(len(votes.items), 'item')} with {counted(len(votes.labels), 'label')}; {votes.shared:,} have two votes or more"
    )
    for note in [*guessed, *result.notes]:
        tell(f"  {note}", indent="    ")
    if votes.shared:
        _print_coefficients(result)
    names = {name: _named(name, number) for number, name in enumerate(votes.annotators, 1)}
    if not votes.shared:
        _print_unshared(result, names)
        return
    _print_annotators(result, names)
    _print_pairs(result, names)
    _print_confusions(result, names)
    tell(f"one label an item by {result.choice.sentence}", indent="  ")
    if tied := int(result.labels["tied"].sum()):
        tell(f"  {counted(tied, 'item')} tied: the label that is more frequent in all votes was taken", indent="    ")
    if result.right:
        shares = ", ".join(f"{method} {share:.4f}" for method, share in result.right.items())
        tell(f"  right by gold, of {counted(result.gold_items, 'item')}: {shares}", indent="    ")
    if out is not None:
        say(f"{out}: {counted(result.labels.height, 'label')} written")
    else:
        say("next: -o labels.csv writes a label for each item, with its confidence")


def _print_unshared(result: Agreement, names: dict[str, str]) -> None:
    known = result.annotators.drop_nulls("rate").height
    tell(
        "no item was labelled by two annotators, so agreement can't be measured; "
        + (
            "errors are told by the classifier, and `vetset check NAME.vet` says which rows"
            if known
            else "in a set whose rows name their annotators, `vetset check NAME.vet` holds each annotator against the "
            "classifier instead"
        )
    )
    _print_annotators(result, names)


def _print_coefficients(result: Agreement) -> None:
    for entry in result.coefficients:
        tell(f"{_NAMES[entry.name]} ({_level(result, entry)}): {_value(entry)}")
    if result.pairs.height == 1:
        pair = result.pairs.row(0, named=True)
        tell(f"Cohen's kappa: {_bounded(pair['kappa'], pair['kappa_low'], pair['kappa_high'], pair['why'])}")
        if pair["kappa_linear"] is not None:
            tell(f"  weighted: linear {pair['kappa_linear']:.4f}, quadratic {pair['kappa_quadratic']:.4f}")


def _level(result: Agreement, entry: Coefficient) -> str:
    return "nominal" if entry.name == "fleiss_kappa" else result.level


def _value(entry: Coefficient) -> str:
    return _bounded(entry.value, entry.low, entry.high, entry.why)


def _bounded(value: float | None, low: float | None, high: float | None, why: str | None) -> str:
    if value is None:
        return f"not defined: {why}"
    if low is None or high is None:
        return f"{value:.4f}" + (f" (no interval: {why})" if why else "")
    return f"{value:.4f} (95% interval {low:.4f} to {high:.4f})"


def _print_annotators(result: Agreement, names: dict[str, str]) -> None:
    # What two differ by is both's, unless a classifier tells who errs.
    if not result.tells_apart:
        return
    table = columns("annotator", "votes", "errors", "95% interval", right=(1, 2, 3))
    for entry in result.annotators.drop_nulls("rate").head(_SHOWN).iter_rows(named=True):
        bounds = f"{entry['low']:.1%} to {entry['high']:.1%}"
        table.add_row(*cells(names[entry["annotator"]], entry["votes"], f"{entry['rate']:.1%}", bounds))
    say()
    show(table)
    _more(result.annotators.height, "annotator")


def _print_pairs(result: Agreement, names: dict[str, str]) -> None:
    if result.pairs.height < 2:
        return
    table = columns("pair that differs", "", "items", "differ", "kappa", right=(2, 3, 4))
    for pair in result.pairs.head(_SHOWN).iter_rows(named=True):
        kappa = "" if pair["kappa"] is None else f"{pair['kappa']:.3f}"
        table.add_row(*cells(names[pair["one"]], names[pair["other"]], pair["items"], pair["differ"], kappa))
    say()
    show(table)
    _more(result.pairs.height, "pair")


def _print_confusions(result: Agreement, names: dict[str, str]) -> None:
    found = result.confusions.filter(pl.col("credible"))
    rest = "the other says" if len(result.votes.annotators) == 2 else "the rest say"
    say()
    for entry in found.head(_SHOWN).iter_rows(named=True):
        given, other = (quote(mask(entry[side][:200]), 25) for side in ("given", "rest"))
        tell(
            f"{names[entry['annotator']]} gives {given} where {rest} {other}: {entry['times']:,} of {entry['of']:,}, "
            f"others {entry['others_times']:,} of {entry['others_of']:,}"
        )
    _more(found.height, "confusion")


def _more(count: int, noun: str) -> None:
    if count > _SHOWN:
        say(f"... and {counted(count - _SHOWN, f'further {noun}')}; --json gives all")


def _named(name: str, number: int) -> str:
    """Return an annotator's name as it may be shown; what is masked needs its number to be told apart."""
    shown = mask(name[:200])
    return clipped(shown if shown == name[:200] else f"{shown} {number}", 30)
