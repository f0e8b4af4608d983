"""How a page is laid out on a terminal: lines, tables, counts, a progress line; no markup or escape of the data is obeyed."""

from __future__ import annotations

import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .terminal import tame

if TYPE_CHECKING:
    from ..curate.embed.encoding import Progress

_PAGE = 100  # columns where nobody looks at a terminal: a log or a README keeps its lines


def page_width() -> int:
    """Return how many columns a line may have."""
    return shutil.get_terminal_size((_PAGE, 24)).columns if sys.stdout.isatty() else _PAGE


def say(line: str = "") -> None:
    """Print a line."""
    sys.stdout.write(tame(line) + "\n")


def tell(sentence: str, *, indent: str = "  ") -> None:
    """Print a sentence, folded at the page's width; words are never broken, as some are paths and commands."""
    lines = textwrap.wrap(
        tame(sentence), page_width(), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    sys.stdout.write("\n".join(lines) + "\n")


def columns(*heads: str, right: tuple[int, ...] = ()) -> Table:
    """Return an empty table with these heads."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, head in enumerate(heads):
        table.add_column(head, justify="right" if number in right else "left", no_wrap=True)
    return table


def show(table: Table) -> None:
    """Print a table."""
    # As wide as it needs to be: a folded number or path is harder to read than a long line.
    console = Console(file=sys.stdout, markup=False, highlight=False, emoji=False, width=1000, legacy_windows=False)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        sys.stdout.write(line.rstrip() + "\n")


def cells(*items: object) -> list[Text]:
    """Return the cells of a line of a table; numbers get their commas."""
    return [Text(f"{cell:,}" if isinstance(cell, int) else tame(str(cell))) for cell in items]


def listed(words: list[str]) -> str:
    """Return words with commas, and ``and`` before the last."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def clipped(text: str, width: int) -> str:
    """Return the text on one line of at most ``width`` columns (a Chinese character takes two)."""
    line = tame(" ".join(text.split()))
    return line if cell_len(line) <= width else set_cell_size(line, max(width - 1, 1)).rstrip() + "…"


def short_id(row_id: str) -> str:
    """Return the beginning of an id that `vetset why` takes; repeats differ in the number at the end only."""
    start, _, ordinal = row_id.partition("-")
    return f"{start[:8]}-{ordinal}"


@contextmanager
def progress_bytes(verb: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on stderr for anything that takes more than a second."""
    with _progress() as show:

        def tell(done: int, total: int) -> None:
            bar = "#" * int(30 * done / max(total, 1))
            show(
                lambda s: f"{verb} [{bar:<30}] {done / 1e6:,.0f} of {total / 1e6:,.0f} MB, {done / s / 1e6:,.0f} MB/s "
            )

        yield tell


@contextmanager
def progress_steps() -> Iterator[Callable[[str, int, int], None]]:
    """Name the step at work on stderr once the whole takes more than a second."""
    with _progress() as show:
        yield lambda step, number, steps: show(lambda _: f"checking {number + 1} of {steps}: {step:<30}")


@contextmanager
def _progress() -> Iterator[Callable[[Callable[[float], str]], None]]:
    """Give what writes one line over and over, told the seconds gone by; nothing before a second, or to a file."""
    started, shown = time.monotonic(), False

    def show(line: Callable[[float], str]) -> None:
        nonlocal shown
        seconds = time.monotonic() - started
        if seconds > 1 and sys.stderr.isatty():
            sys.stderr.write("\r" + line(seconds))
            sys.stderr.flush()
            shown = True

    try:
        yield show
    finally:
        if shown:
            sys.stderr.write("\r" + " " * 90 + "\r")
            sys.stderr.flush()


_EVERY = 10  # seconds between two lines of a log; a terminal's line is written over five times a second


@contextmanager
def progress_line(*, keep: bool) -> Iterator[Callable[[str, bool], None]]:
    """Give what says on stderr where a long work stands: over and over on a terminal, now and then in a log.

    It takes the line, and whether to say it in any case.

    Args:
        keep: the last line stays on a terminal.
    """
    last, shown, terminal = time.monotonic(), False, sys.stderr.isatty()

    def write(line: str, always: bool) -> None:
        nonlocal last, shown
        now = time.monotonic()
        if not always and now - last < (0.2 if terminal else _EVERY):
            return
        last, shown = now, True
        sys.stderr.write(f"\r{line:<80}" if terminal else line + "\n")
        sys.stderr.flush()

    try:
        yield write
    finally:
        if shown and terminal:
            sys.stderr.write("\n" if keep else "\r" + " " * 90 + "\r")
            sys.stderr.flush()


def told_now_and_then(announce: Callable[[str], None]) -> Callable[[Progress], None]:
    """Return what says how far an encoding is: every ten seconds, and never before the first ten."""
    last = time.monotonic()

    def tell_progress(at: Progress) -> None:
        nonlocal last
        if time.monotonic() - last > 10:
            last = time.monotonic()
            announce(
                f"encoding: {at.done:,} of {at.total:,} texts, {at.rate:,.0f} a second, some {at.seconds_left:,.0f} s left"
            )

    return tell_progress
