"""What ``vetset index`` prints for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..curate.wording import counted, shell
from .lines import cells, clipped, columns, say, show, tell

if TYPE_CHECKING:
    from ..curate.index.adding import AddResult
    from ..curate.index.checking import CheckResult
    from ..curate.index.describing import IndexInfo

_SHOWN = 10  # hits that are listed; --json has all


def print_added(result: AddResult) -> None:
    """Print what an addition did."""
    tell(
        f"{result.index}: {counted(result.added, 'row')} of {result.name} added, {result.known:,} known already, "
        f"{result.empty:,} without a visible text"
    )
    say(f"next: vetset index check {shell(result.index)} NAME.vet")


def print_hits(result: CheckResult, name: str) -> None:
    """Print how many rows of the set ``name`` are near copies of what was kept, and the first of them."""
    tell(
        f"{result.found:,} of {counted(result.rows, 'row')} are near copies (Jaccard {result.threshold} and more) of rows in "
        f"{result.index}{'' if result.exact else '; estimated, since it holds no shingles'}"
    )
    if not result.found:
        return
    table = columns("jaccard", "row", "part", "stands in", "split", "at", right=(0,))
    for hit in result.hits.sort("jaccard", descending=True, maintain_order=True).head(_SHOWN).iter_rows(named=True):
        at = f"{clipped(hit['file'] or '?', 40)} line {hit['line']}"
        table.add_row(
            *cells(
                f"{hit['jaccard']:.3f}", hit["id"][:10], hit["part"], clipped(hit["set"], 30), hit["split"] or "", at
            )
        )
    show(table)
    if result.hits.height > _SHOWN:
        say(f"... and {counted(result.hits.height - _SHOWN, 'further hit')}; --json gives all")
    if name in result.hits["set"]:
        tell(f"{name} was added to this index before, so its rows hit themselves: --apart-from {name} leaves them out")


def print_info(result: IndexInfo) -> None:
    """Print what an index holds."""
    size = "" if result.bytes is None else f", {result.bytes / 1e6:,.1f} MB"
    tell(
        f"{result.index}: {counted(result.sketches, 'distinct text')}{size}; {result.shingle}, Jaccard {result.threshold} "
        f"and more (found with a chance of {result.recall}), hits are {'proved' if result.exact else 'estimated'}"
    )
    table = columns("set", "split", "rows", "first", "last", right=(2,))
    for entry in result.sets:
        table.add_row(
            *cells(
                clipped(entry["set"], 40),
                entry["split"] or "",
                entry["rows"],
                *(str(entry[at])[:16] for at in ("first", "last")),
            )
        )
    show(table)
