"""What ``vetset findings`` and ``vetset decisions`` print for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..curate.wording import counted, shell
from .lines import cells, clipped, columns, listed, page_width, say, short_id, show, tell

if TYPE_CHECKING:
    import polars as pl

    from ..curate.dataset import Dataset
    from ..curate.listing import Listed


def print_findings(dataset: Dataset, found: Listed, *, limit: int) -> None:
    """Print the findings a rule after the other, at most ``limit`` of each (0: all), and what can be done with them."""
    for rule, of in found.counts.items():
        lines = found.frame.filter(found.frame["rule"] == rule)
        if lines.height:
            say(_head(rule, of, blocks=rule in found.blocking))
            shown = lines.head(limit) if limit else lines
            places = [f"{file}:{line}" for file, line in shown.select("file", "line").iter_rows()]
            wide = max(map(len, places))
            for place, row in zip(places, shown.iter_rows(named=True), strict=True):
                head = f"  {short_id(row['id'])}  {place:<{wide}}  "
                tell(head + row["note"], indent=" " * (len(head) if len(head) < page_width() // 2 else 4))
            if lines.height > shown.height:
                say(f"  and {lines.height - shown.height:,} more (--limit 0 lists all, --json has them as data)")
    if silent := [rule for rule in found.counts if not (found.frame["rule"] == rule).any()]:
        tell(f"nothing to list for {listed(silent)}")
    if found.unchecked:
        tell(f"not run on these rows: {listed(found.unchecked)} (vetset check {shell(dataset.folder)} --select RULE)")
    if found.frame.height:
        say(
            f"next: vetset why {shell(dataset.folder)} ID, or vetset decide {shell(dataset.folder)} --id ID --action drop"
        )


def _head(rule: str, of: dict[str, int], *, blocks: bool) -> str:
    settled = of["rows"] - of["standing"]
    parts = [
        counted(of["rows"], "row"),
        *([f"{settled:,} settled"] if settled else []),
        *(["blocks"] if blocks else []),
    ]
    return f"{rule}: {', '.join(parts)}"


def print_decisions(dataset: Dataset, found: pl.DataFrame) -> None:
    """Print a line a batch: who, when, what, and whether it stands."""
    from ..curate.decisions.decision import ACTIONS

    if found.is_empty():
        say("nothing has been decided")
        say(f"next: vetset decide {shell(dataset.folder)} --policy")
        return
    table = columns("batch", "at (UTC)", "by", "rows", "what", "", right=(3,))
    for line in found.iter_rows(named=True):
        table.add_row(*cells(line["batch"], line["at"][:16].replace("T", " "), clipped(line["reviewer"], 20), line["rows"],
                             _what(line), _fate(line)))  # fmt: skip
    show(table)
    if any(sum(line[action] for action in ACTIONS) > line["undone"] for line in found.iter_rows(named=True)):
        say(f"undo: vetset decide {shell(dataset.folder)} --undo BATCH")


def _what(line: dict[str, Any]) -> str:
    from ..curate.decisions.decision import ACTIONS

    did = [f"{action} {line[action]:,}" for action in (*ACTIONS, "undo") if line[action]]
    rules = listed(line["rules"][:2]) + (" ..." if len(line["rules"]) > 2 else "")
    return ", ".join(did) + (f" ({rules})" if rules else "")


def _fate(line: dict[str, Any]) -> str:
    parts = [f"{line[fate]:,} {word}" for fate, word in (("undone", "taken back"), ("stale", "stale")) if line[fate]]
    return ", ".join(parts)
