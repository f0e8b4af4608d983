"""Text that has no records of its own: a file of lines, or a file that is one document."""

from __future__ import annotations

from collections.abc import Iterator

from .chunks import Chunk, encoded, shown
from .encodings import TextFile


def text_lines(text: TextFile) -> Iterator[Chunk]:
    """Yield each line that is not blank as ``{"text": line}``."""
    first = 1
    for block in text.blocks():
        lines = block.decode().removesuffix("\n").split("\n")
        kept = [(number, line.removesuffix("\r")) for number, line in enumerate(lines, first) if line.strip()]
        first += len(lines)
        if kept:
            yield Chunk(encoded({"text": line} for _, line in kept), [number for number, _ in kept], [])


def text_document(text: TextFile) -> Iterator[Chunk]:
    """Yield the file as one record, with the names of its folder (often the label) and of itself."""
    record = {
        "text": text.whole().decode(),
        "_folder": shown(text.path.resolve().parent.name),
        "_file": shown(text.path.name),
    }
    yield Chunk(encoded([record]), [1], [])
