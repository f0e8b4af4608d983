"""How a delimited file is written: its delimiter, whether quotes are quotes, whether its first line holds names."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..errors import UsageError, quote
from .cells import in_order
from .delimited import LIMIT, Blocks, Dialect, Lines, records, restored
from .encodings import HEAD

_BY_ENDING = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".psv": "|"}
_CANDIDATES = ",\t;|"
_WORDS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}
CONTAINERS = {",": "csv", "\t": "tsv"}
"""What a file with this delimiter is called."""

_SAMPLE = 2_000  # records that the guesses look at; the choice about quotes looks at all
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
# A first line with one of these is a line of names, unless one of its cells is a label of later rows.
_NAMES = frozenset(
    {
        "text", "label", "labels", "id", "idx", "index", "prompt", "completion", "instruction", "input", "output",
        "question", "answer", "title", "category", "class", "intent", "sentence", "sentence1", "sentence2", "message",
        "messages", "content", "response", "chosen", "rejected", "target", "source", "split", "date", "time",
        "timestamp", "name", "user", "user_id", "comment", "review", "tweet", "body", "url", "context", "score",
        "rating", "type", "language", "utterance", "sentiment"
    }
)  # fmt: skip


def delimiter_of(given: str) -> str:
    r"""Return the one character that was given as such or by a word.

    Raises:
        UsageError: it is no single character.

    >>> delimiter_of("tab")
    '\t'
    """
    delimiter = _WORDS.get(given.lower(), given)
    if len(delimiter) != 1 or delimiter in '"\r\n' or not delimiter.isprintable() | (delimiter == "\t"):
        raise UsageError(
            f"{quote(given, 20)} can't be a delimiter; give one character, such as ',' or ';', or the word tab."
        )
    return delimiter


def is_table(head: str, delimiter: str) -> bool:
    """Whether every line of a text has the same number of fields, two or more: for files whose name does not say."""
    counts = {line.count(delimiter) for line in head.split("\n")[:-1][:_SAMPLE] if line.strip()}
    return len(counts) == 1 and 0 not in counts and head.count("\n") > 1


def guess_dialect(
    blocks: Blocks,
    head: bytes,
    name: str,
    *,
    ending: str = "",
    delimiter: str | None = None,
    header: bool | None = None,
) -> tuple[Dialect, list[str]]:
    """Return the dialect of a delimited file and what is to be said of the guess.

    Args:
        blocks: opens the file anew, as blocks of whole lines of UTF-8.
        head: its beginning.
        name: as shown in messages.
        ending: of its name, such as ``.csv``: breaks ties.
        delimiter: given, not guessed.
        header: given, not guessed: whether the first line holds names.
    """
    # The last line of a long head is cut in the middle.
    text = head if len(head) < HEAD else head[: head.rfind(b"\n") + 1] or head
    notes: list[str] = []
    delimiter = delimiter or _delimiter(text, ending)
    if delimiter != _BY_ENDING.get(ending, delimiter):
        notes.append(f"{name}: its fields are divided by {quote(delimiter)}")
    quoted, why = _quoted(blocks, delimiter)
    if why:
        notes.append(f"{name}: {why}")
    sample = [restored(fields) for _, fields, problem in _some(text, delimiter, quoted) if not problem]
    if not sample:
        return Dialect(delimiter, ("column_1",), quoted=quoted), notes
    reason = "" if header else _headless(sample)
    if header is None and reason:
        notes.append(f"{name}: no header, as in line 1 {reason}; columns named column_1 to column_{len(sample[0])}")
    has_header = not reason if header is None else header
    names, unnamed_end, said = _names(sample, has_header)
    return Dialect(delimiter, names, has_header, quoted, unnamed_end), notes + [f"{name}: {note}" for note in said]


def _some(text: bytes, delimiter: str, quoted: bool) -> Iterator[tuple[int, list[str], str]]:
    lines = Lines([text])
    return (
        (n, fields, problem)
        for n, fields, problem in itertools.islice(records(lines, delimiter, quoted=quoted), _SAMPLE)
    )


def _delimiter(text: bytes, ending: str) -> str:
    """Return the candidate that gives most rows the first row's number of fields; the ending's own wins a near tie."""
    usual = _BY_ENDING.get(ending, ",")
    if _share(text, usual) >= 0.9:
        return usual
    shares = {candidate: _share(text, candidate) for candidate in _CANDIDATES}
    best = max(_CANDIDATES, key=lambda candidate: shares[candidate])
    return best if shares[best] > max(shares[usual], 0.6) else usual


def _share(text: bytes, delimiter: str) -> float:
    best = 0.0
    for quoted in (True, False):
        widths = [len(fields) for _, fields, _ in _some(text, delimiter, quoted)]
        if widths and widths[0] > 1:
            best = max(best, widths.count(widths[0]) / len(widths))
    return best


class _Tally(NamedTuple):
    records: int
    bad: int


def _quoted(blocks: Blocks, delimiter: str) -> tuple[bool, str]:
    """Choose between quotes that enclose and quotes that are text, by parsing the whole file both ways.

    Where both ways fit every row, enclosing quotes win, unless they join lines that are whole rows by themselves: that
    is how a stray quote at the start of one row and the end of another makes a row of all that lies between.
    """
    if not any(b'"' in block for block in blocks()):
        return True, ""
    width, joined = _fits(blocks, delimiter)
    if width and not joined:
        return True, ""
    if width:
        if width == 1 or _tally(blocks, delimiter, quoted=False, limit=0).bad:
            return True, ""
        return False, (
            f"quotes are read as text: each line has {width} fields by itself, and enclosing quotes would join "
            f"{joined:,} of them to others"
        )
    enclosing = _tally(blocks, delimiter, quoted=True)
    text = _tally(blocks, delimiter, quoted=False, limit=enclosing.bad)
    if text.bad < enclosing.bad:
        return False, (
            f"quotes are read as text: so {text.bad:,} of {text.records:,} lines do not fit the first line's number of "
            f"fields; as enclosing quotes {enclosing.bad:,} of {enclosing.records:,} records would not"
        )
    return True, ""


def _fits(blocks: Blocks, delimiter: str) -> tuple[int, int]:
    """Return the common number of fields (0: rows differ, or quotes break) and how many lines quotes join to others."""
    if (found := in_order(blocks, delimiter, limit=LIMIT)) is not None:
        return found
    csv.field_size_limit(LIMIT)
    lines = itertools.chain.from_iterable(io.StringIO(block.decode(), newline="\n") for block in blocks())
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        widths = Counter(map(len, reader))
    except csv.Error:
        return 0, 0
    filled = [width for width in widths if width]
    return (filled[0] if len(filled) == 1 else 0), reader.line_num - widths.total()


def _tally(blocks: Blocks, delimiter: str, *, quoted: bool, limit: float = float("inf")) -> _Tally:
    """Count the records and those that do not fit the first, giving up beyond ``limit`` of these."""
    width, seen, bad = 0, 0, 0
    for _, fields, problem in records(Lines(blocks()), delimiter, quoted=quoted):
        width = width or len(fields)
        seen += 1
        bad += bool(problem) or len(fields) != width
        if bad > limit:
            break
    return _Tally(seen, bad)


def _headless(sample: Sequence[Sequence[str]]) -> str:
    """Return why the first row looks like data, or nothing: names stand unless something speaks against them."""
    first = [cell.strip() for cell in sample[0]]
    rest = [row for row in sample[1:] if row != sample[0] and len(row) == len(first)]
    if not rest or first == [
        str(i) for i in range(len(first))
    ]:  # 0, 1, 2: what pandas calls columns that have no names
        return ""
    columns = [[cell.strip() for cell in column] for column in zip(*rest, strict=True)]
    for number, (cell, column) in enumerate(zip(first, columns, strict=True), 1):
        repeated = column.count(cell)
        # Twice, in a column of few values: a label. Once may be chance.
        if cell and repeated >= 2 and len(set(column)) * 2 <= len(column):
            return (
                f"column {number} holds {quote(cell, 30)}, which {repeated:,} of the next {len(column):,} rows hold too"
            )
    if {cell.casefold() for cell in first} & _NAMES:
        return ""
    for number, (cell, column) in enumerate(zip(first, columns, strict=True), 1):
        if _NUMBER.fullmatch(cell) and sum(bool(_NUMBER.fullmatch(other)) for other in column) >= 0.9 * len(column):
            return f"column {number} holds a number, as it does below"
        if len(cell) > 60 and len(cell.split()) > 8:
            return f"column {number} holds a sentence of {len(cell)} characters"
    return ""


def _names(sample: Sequence[Sequence[str]], header: bool) -> tuple[tuple[str, ...], bool, list[str]]:
    """Return unique names, whether the last column is only a trailing delimiter, and what was changed."""
    rows = sample[1:] if header else sample
    width = len(sample[0]) if header else Counter(map(len, sample)).most_common(1)[0][0]
    given = [cell.strip() for cell in sample[0]] if header else [""] * width
    notes: list[str] = []
    longer = [row for row in rows if len(row) == width + 1]
    ends = False
    if header and longer and len(longer) >= 0.9 * len(rows):
        if not any(row[-1] for row in longer):
            given, ends = [*given, ""], True
            notes.append("its rows end in a delimiter that the header lacks")
        elif len(longer) == len(rows) > 2:
            given = ["", *given]
            notes.append(
                "its rows have one field more than the header: the first is taken for row names, as R writes them"
            )
    elif header and width > 1 and not given[-1] and not any(row[-1] for row in rows if len(row) == width):
        ends = True
    names: list[str] = []
    for number, name in enumerate(given, 1):
        wanted, unique = name or f"column_{number}", name or f"column_{number}"
        copy = 1
        while unique in names or (unique != wanted and unique in given):
            copy += 1
            unique = f"{wanted}_{copy}"
        if unique != wanted:
            notes.append(f"its column {number} has the name of another, {quote(wanted, 30)}; named {quote(unique, 30)}")
        names.append(unique)
    nameless = [names[i] for i, name in enumerate(given) if not name][: -1 if ends else None]
    if header and nameless:
        notes.append(f"columns without a name: {', '.join(nameless[:5])}{' and more' if len(nameless) > 5 else ''}")
    return tuple(names), ends, notes
