"""A text file as whole lines of UTF-8, whatever it was written in; what had to be guessed is said.

UTF-8 passes through untouched. Where nobody gave an encoding, a line that is not UTF-8 is read as Windows-1252 (a superset
of Latin-1, and what such bytes nearly always are), that line only: files put together from several sources are mixed. An
encoding that was given is never guessed over: bytes that it lacks stay visible as digits.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO

import polars as pl

from ..errors import DataError, UsageError, quote
from .chunks import SIZE
from .compression import DAMAGED, is_compressed, open_plain

HEAD = 1 << 20
"""Bytes that a guess looks at."""
LINE = 1 << 27
"""Bytes of one line, and so of a record: as long as a field of a CSV file may be. A reader takes some 25 times that where
the record is nothing but brackets."""
WHOLE = 1 << 29
"""Bytes of a document that has to be held as a whole; reading one takes some four times that."""

# UTF-32 before UTF-16: its little-endian mark begins with that of UTF-16.
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\x1b"))


def sniff_encoding(head: bytes, *, is_text: bool = False) -> str | None:
    r"""Return the encoding that the first bytes of a file speak for, or ``None`` when they are no text.

    Args:
        head: the first bytes, at best a megabyte.
        is_text: the file's name says that it is text; a few NUL bytes are then a flaw of it, not another format.

    >>> sniff_encoding("a,b\n".encode("utf-16-be"))
    'utf-16-be'
    """
    if mark := marked_encoding(head):
        return mark
    if b"\x00" not in head and not _is_binary(head, 0.05):
        return "utf-8"
    return _unmarked_utf16(head) or (None if _is_binary(head, 0.05 if is_text else 0.0) else "utf-8")


def marked_encoding(head: bytes) -> str | None:
    """Return the encoding whose mark a file begins with."""
    return next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)


def _is_binary(head: bytes, share: float) -> bool:
    # Random or compressed bytes hold about 10% control characters, text none or a stray one.
    return len(head) - len(head.translate(None, _CONTROL)) > share * len(head)


def _unmarked_utf16(head: bytes) -> str | None:
    """Tell UTF-16 by its NULs: characters below 256 have one each, always on the same side."""
    even, odd = head[: len(head) & ~1 : 2].count(0), head[1::2].count(0)
    few, many = sorted((even, odd))
    if many * 10 < len(head) // 2 or few * 20 > many:
        return None
    if many * 4 < len(head) and head.isascii() and not _is_binary(head.replace(b"\x00", b""), 0.05):
        return None  # ASCII with NULs between: in UTF-16, other scripts than ours have bytes that are not ASCII
    name = "utf-16-le" if odd == many else "utf-16-be"
    text = head[: len(head) & ~1].decode(name, errors="replace")
    return None if _is_binary(text.encode("utf-8", errors="replace"), 0.05) else name


@dataclass
class TextFile:
    """A text file; ``notes`` grows while it is read."""

    path: Path
    name: str
    """As shown in messages."""
    encoding: str
    given: bool = False
    """The user named the encoding."""
    json: bool = False
    """It is JSON, in which a bad byte is written so that a string stays a string."""
    notes: list[str] = field(default_factory=list)

    @property
    def head(self) -> bytes:
        """The first megabyte or two as UTF-8, with all of the last line unless that is very long."""
        head = next(self._blocks(HEAD, longest=HEAD), b"")
        return head if len(head) < 2 * HEAD - 4 else head[: _boundary(head[:HEAD])]

    def blocks(self) -> Iterator[bytes]:
        """Yield the file as UTF-8 in blocks of whole lines, each a few megabytes or one line.

        Raises:
            DataError: a compressed file breaks off, or a line is longer than ``LINE``.
        """
        yield from self._blocks(SIZE)

    def pieces(self) -> Iterator[bytes]:
        """Yield the file as UTF-8 in pieces of a few megabytes, each of whole characters."""
        yield from self._blocks(SIZE, longest=SIZE)

    def up_to(self, limit: int) -> bytes | None:
        """Return the whole file as UTF-8, or ``None`` if it is longer."""
        held: list[bytes] = []
        length = 0
        for piece in self.pieces():
            held.append(piece)
            length += len(piece)
            if length > limit:
                return None
        return b"".join(held)

    def whole(self) -> bytes:
        """Return the whole file as UTF-8.

        Raises:
            DataError: it is longer than ``WHOLE``.
        """
        data = self.up_to(WHOLE)
        if data is None:
            raise DataError(
                f"{self.name} is one document of more than {WHOLE >> 20} MiB{self.inside}, too much to be held in memory; "
                "write its records as JSON Lines, one on each line, and give that file."
            )
        return data

    @property
    def inside(self) -> str:
        """Words for a message about the length of a compressed file."""
        return f" once decompressed (from {self.path.stat().st_size / 1e6:,.0f} MB)" if is_compressed(self.path) else ""

    def _blocks(self, size: int, longest: int | None = None) -> Iterator[bytes]:
        """Yield blocks of whole lines; with ``longest``, lines beyond it are cut between two characters."""
        try:
            with open_plain(self.path) as file:
                start = file.read(HEAD)
            with open_plain(self.path) as file:  # opened again, as a decompressor can't go back
                mark = next(
                    (mark for mark, name in _MARKS.items() if start.startswith(mark) and name == self.encoding), b""
                )
                file.read(len(mark))
                if self.encoding != "utf-8":
                    pieces = _recut(self._decoded(file), size, longest)
                elif b"\r" in start and b"\n" not in start:
                    line_feeds = (piece.replace(b"\r", b"\n") for piece in iter(lambda: file.read(HEAD), b""))
                    pieces = _recut(line_feeds, size, longest)
                else:
                    pieces = _whole_lines(file, size, longest)
                yield from self._repaired(pieces)
        except _TooLong as error:
            raise DataError(
                f"{self.name} has a line of more than {LINE >> 20} MiB{self.inside}; write one record on each line, "
                "or check whether this is text at all."
            ) from error
        except DAMAGED as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise UsageError(f"{self.name} can't be read ({error.strerror}); check the disk.") from error
            raise DataError(f"{self.name} is damaged or cut off: it can't be decompressed; fetch it again.") from error

    def _decoded(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield a file in another encoding as UTF-8; where only carriage returns end its lines, line feeds do."""
        strict, lenient = (
            codecs.getincrementaldecoder(self.encoding)(errors) for errors in ("strict", _shown_as(self.json))
        )
        old_mac: bool | None = None
        while True:
            piece = file.read(HEAD)
            state = strict.getstate()
            try:
                text = strict.decode(piece, final=not piece)
            except UnicodeDecodeError:
                lenient.setstate(state)
                text = lenient.decode(piece, final=not piece)
                strict.setstate(lenient.getstate())
                self._say(
                    f"{self.name}: some bytes are not {self.encoding}; each stands in the text as \\x and two digits"
                )
            if old_mac is None:
                old_mac = "\r" in text.rstrip("\r") and "\n" not in text
            # Half of a surrogate pair (UTF-16) has no UTF-8: it is written as the bad bytes are.
            yield (text.replace("\r", "\n") if old_mac else text).encode("utf-8", errors="backslashreplace")
            if not piece:
                return

    def _repaired(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        mend = _western if not self.given else partial(bytes.decode, errors=_shown_as(self.json))
        bad = 0
        for block in blocks:
            if is_utf8(block):
                yield block
            else:
                mended, lines = _mended(block, mend)
                bad += lines
                yield mended
        if bad:
            self._say(
                f"{self.name}: {bad:,} line{'s are' if bad > 1 else ' is'} not UTF-8"
                + (
                    ", as was given; each bad byte stands in the text as \\x and two digits"
                    if self.given
                    else "; read as Windows-1252 (give the encoding if the text looks wrong)"
                )
            )

    def _say(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


class _TooLong(Exception):
    """A line is longer than ``LINE``."""


def _shown_as(json: bool) -> str:
    return "vetset.visible_in_json" if json else "backslashreplace"


def _visible_in_json(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(f"\\\\x{byte:02x}" for byte in error.object[error.start : error.end]), error.end


# JSON has no escape \xe9: the backslash is doubled, so that the string's value holds the same characters as other text.
codecs.register_error("vetset.visible_in_json", _visible_in_json)


def _whole_lines(file: BinaryIO, size: int, longest: int | None = None) -> Iterator[bytes]:
    limit = longest or LINE
    if not isinstance(getattr(file, "raw", None), io.FileIO):
        held = b""
        while block := held + file.read(size):
            if not block.endswith(b"\n"):
                block += file.readline(limit + 1)
            cut = _cut(block, size + limit, longest)
            yield block[:cut]
            held = block[cut:]
        return
    start = file.tell()
    while True:  # on disk, look for the line's end first: joining its rest to a large block costs more than reading it
        file.seek(start + size)
        file.readline(limit + 1)
        end = file.tell()
        file.seek(start)
        block = file.read(end - start)
        if not block:
            return
        cut = _cut(block, size + limit, longest)
        yield block[:cut]
        start += cut


def _cut(block: bytes, limit: int, longest: int | None) -> int:
    """Return where to cut a block: at its end, or where its last line is too long, between two characters of it."""
    if len(block) <= limit or block.endswith(b"\n"):
        return len(block)
    if longest is None:
        raise _TooLong
    return _boundary(block)


def _boundary(data: bytes) -> int:
    """Return the place of the last character if that may be cut off, else the length: UTF-8 has 4 bytes at most."""
    for back in range(1, min(4, len(data)) + 1):
        if data[-back] & 0xC0 != 0x80:  # no continuation
            return len(data) - back if data[-back] >= 0xC0 and back < len(data) else len(data)
    return len(data)


def _recut(pieces: Iterator[bytes], size: int, longest: int | None = None) -> Iterator[bytes]:
    held: list[bytes] = []
    length, limit = 0, size + (longest or LINE)
    for piece in pieces:
        held.append(piece)
        length += len(piece)
        if length >= size and b"\n" in piece:
            block = b"".join(held)
            cut = block.rfind(b"\n") + 1
            yield block[:cut]
            held, length = [block[cut:]], len(block) - cut
        elif length > limit:
            block = b"".join(held)
            cut = _cut(block, limit, longest)
            yield block[:cut]
            held, length = [block[cut:]], len(block) - cut
    if length:
        yield b"".join(held)


def is_utf8(data: bytes) -> bool:
    """Whether the bytes are UTF-8. polars' check runs at 3 to 5 GB/s; ``bytes.decode`` at 0.4 where it is not ASCII."""
    if data.isascii():
        return True
    try:
        pl.Series([data]).cast(pl.String)
    except pl.exceptions.PolarsError:
        return False
    return True


def _mended(block: bytes, mend: Callable[[bytes], str]) -> tuple[bytes, int]:
    lines = block.split(b"\n")
    bad = 0
    for i, line in enumerate(lines):
        if not line.isascii():
            try:
                line.decode()
            except UnicodeDecodeError:
                lines[i] = mend(line).encode()
                bad += 1
    return b"\n".join(lines), bad


def _western(line: bytes) -> str:
    try:
        return line.decode("cp1252")
    except UnicodeDecodeError:  # five bytes have no meaning in Windows-1252; in Latin-1 every byte has one
        return line.decode("latin-1")


def known_encoding(name: str) -> str:
    """Return the codec's own name of an encoding.

    Raises:
        UsageError: there is no such text encoding.

    >>> known_encoding("UTF8")
    'utf-8'
    """
    try:
        codec = codecs.lookup(name)
        "".encode(codec.name)
        codecs.getincrementaldecoder(codec.name)
    except (LookupError, UnicodeError) as error:
        raise UsageError(f"there is no text encoding {quote(name, 40)}; try utf-8, cp1252 or utf-16.") from error
    return {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(codec.name, codec.name)
