"""What ``vetset failures`` prints for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..curate.wording import counted, shell
from .lines import cells, clipped, columns, listed, say, short_id, show, tell

if TYPE_CHECKING:
    from ..evaluate.failing.finding import Failures, Group

_NAME = 44  # columns
_TEXT = 70


def print_failures(found: Failures, run: str, taxonomy: str | None) -> None:
    """Print the kinds, the largest first, with examples, what they come to, and what to do next."""
    share = found.failed.height / found.rows if found.rows else 0.0
    statuses = found.summary()["statuses"]
    told = [f"{count:,} {status}" for status, count in statuses.items()]
    of = f"{found.failed.height:,} of {counted(found.rows, 'row')} failed ({share:.1%})"
    say(f"{run}: {of}{': ' if told else ''}{', '.join(told)}")
    if found.groups:
        _table(found)
        for group in found.groups:
            _examples(group)
        say()
    tell(found.advice.sentence)
    for note in found.notes:
        tell(f"note: {note}")
    if taxonomy is not None:
        say(f"kinds: {taxonomy}")
    nameless = next(
        (group.kind.id for group in found.groups if group.kind.named_by == "words" and group.kind.words), None
    )
    if nameless is not None:
        say(f"next: vetset failures {shell(run)} --label {nameless}='what goes wrong'")


def _table(found: Failures) -> None:
    judged = any(set(group.causes) - {"unknown"} for group in found.groups)
    heads = ("behavioural", "retrieval", "data") if judged else ()
    table = columns("kind", "rows", *heads, "before", "name", right=tuple(range(1, 3 + len(heads))))
    for group in found.groups:
        before = sum(group.kind.runs.values()) - len(group.ids) if group.kind.runs else ""
        table.add_row(
            *cells(
                group.kind.id, len(group.ids), *(group.causes.get(head, 0) for head in heads), before,
                clipped(group.kind.name, _NAME) + (" (words)" if group.kind.named_by == "words" and group.kind.words else ""),
            )
        )  # fmt: skip
    show(table)


def _examples(group: Group) -> None:
    say()
    say(f"{group.kind.id} {clipped(group.kind.name, _NAME)}")
    if group.mixed:
        tell(
            f"  {listed([f'{right} taken for {said} ({rows:,})' for right, said, rows in group.mixed])}", indent="    "
        )
    for row, asked, said in group.examples:
        tell(f"  {short_id(row)}  {clipped(asked, _TEXT)} -> {clipped(said, _TEXT)}", indent="    ")
