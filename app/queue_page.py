"""What ``vetset queue`` prints for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..curate.wording import counted, shell
from .lines import clipped, listed, page_width, say, short_id, tell

if TYPE_CHECKING:
    from ..curate.dataset import Dataset
    from ..curate.labels.queue import Queue

_LABEL = 24  # columns
_LEAST = 0.01


def print_queue(dataset: Dataset, queue: Queue) -> None:
    """Print the rows, the first first, what reviews came to so far, and how to decide."""
    if not queue.waiting:
        say("no label waits for review")
    else:
        first = "what there is to gain" if queue.by == "gain" else "how likely the label is wrong"
        say(f"{counted(queue.waiting, 'label')} to review, by {first}:")
    places = [f"{file}:{line}" for file, line in queue.frame.select("file", "line").iter_rows()]
    wide = max(map(len, places), default=0)
    for place, row in zip(places, queue.frame.iter_rows(named=True), strict=True):
        head = f"  {short_id(row['id'])}  {place:<{wide}}  "
        tell(head + _said(row), indent=" " * (len(head) if len(head) < page_width() // 2 else 4))
    if queue.waiting > queue.frame.height:
        say(f"  and {queue.waiting - queue.frame.height:,} more (--limit N or --all)")
    _so_far(queue)
    if queue.frame.height:
        say(f"next: vetset decide {shell(dataset.folder)} --id ID --action relabel --value LABEL, or --action keep")


def _said(row: dict[str, Any]) -> str:
    labels = f"{clipped(row['label'], _LABEL)} -> {clipped(row['suggested'], _LABEL)}"
    reason = f": {row['note']}" if row["note"] else ""
    chance = f"{row['wrong']:.0%}" if row["wrong"] >= _LEAST else "under 1%"
    return f"{labels}, {chance} likely to be wrong, gain {row['gain']:.2f}{reason}"


def _so_far(queue: Queue) -> None:
    """Print how right the queue was, and when it moves."""
    if queue.decided:
        shares = [
            f"{share:.0%} of {'all' if at == 'all' else f'the first {at}'}" for at, share in queue.precision.items()
        ]
        wrong = f", {queue.confirmed_wrong:,} of them wrong" + (f" ({listed(shares)})" if shares else "")
        tell(f"reviewed so far: {counted(queue.decided, 'label')}{wrong}")
        for line in queue.calibration:
            tell(
                f"  of {counted(line['rows'], 'row')} with a chance from {line['from']:.0%} to {line['to']:.0%} "
                f"({line['foretold']:.0%} foretold) {line['found']:.0%} were wrong"
            )
    if queue.waiting:
        said = f"rests on {counted(queue.fitted_with, 'answer')}" if queue.fitted_with else "rests on no answer yet"
        tell(f"the order {said}; it is worked out again in {counted(queue.refit_in, 'answer')}")
