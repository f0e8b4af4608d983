"""A text file as whole lines of UTF-8, whatever it was written in; what had to be guessed is said.

UTF-8 passes through untouched. A line that is not UTF-8 is read as Windows-1252 (a superset of Latin-1, and what such
bytes nearly always are), that line only: files put together from several sources are mixed.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import polars as pl

from ..errors import DataError, UsageError, quote
from .chunks import SIZE
from .compression import DAMAGED, open_plain

HEAD = 1 << 20
"""Bytes that a guess looks at."""

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
    for mark, name in _MARKS.items():
        if head.startswith(mark):
            return name
    if b"\x00" not in head and not _is_binary(head, 0.05):
        return "utf-8"
    return _unmarked_utf16(head) or (None if _is_binary(head, 0.05 if is_text else 0.0) else "utf-8")


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
    notes: list[str] = field(default_factory=list)

    @property
    def head(self) -> bytes:
        """The first megabyte or two as UTF-8, with all of the last line unless that is very long."""
        head = next(self._blocks(HEAD), b"")
        return head if len(head) < 2 * HEAD else head[:HEAD]

    def blocks(self) -> Iterator[bytes]:
        """Yield the file as UTF-8 in blocks of whole lines, each a few megabytes or one line.

        Raises:
            DataError: a compressed file breaks off.
        """
        yield from self._blocks(SIZE)

    def whole(self) -> bytes:
        """Return the whole file as UTF-8."""
        return b"".join(self.blocks())

    def _blocks(self, size: int) -> Iterator[bytes]:
        try:
            with open_plain(self.path) as file:
                start = file.read(HEAD)
            with open_plain(self.path) as file:  # opened again, as a decompressor can't go back
                mark = next(
                    (mark for mark, name in _MARKS.items() if start.startswith(mark) and name == self.encoding), b""
                )
                file.read(len(mark))
                if self.encoding != "utf-8":
                    pieces = _recut(self._decoded(file), size)
                elif b"\r" in start and b"\n" not in start:
                    pieces = _recut((piece.replace(b"\r", b"\n") for piece in iter(lambda: file.read(HEAD), b"")), size)
                else:
                    pieces = _whole_lines(file, size)
                yield from self._repaired(pieces)
        except DAMAGED as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise UsageError(f"{self.name} can't be read ({error.strerror}); check the disk.") from error
            raise DataError(f"{self.name} is damaged or cut off: it can't be decompressed; fetch it again.") from error

    def _decoded(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield a file in another encoding as UTF-8; where only carriage returns end its lines, line feeds do."""
        strict, lenient = (
            codecs.getincrementaldecoder(self.encoding)(errors) for errors in ("strict", "backslashreplace")
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
        bad = 0
        for block in blocks:
            if is_utf8(block):
                yield block
            else:
                mended, lines = _mended(block)
                bad += lines
                yield mended
        if bad:
            self._say(
                f"{self.name}: {bad:,} line{'s are' if bad > 1 else ' is'} not UTF-8; read as Windows-1252 "
                "(give the encoding if the text looks wrong)"
            )

    def _say(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


def _whole_lines(file: BinaryIO, size: int) -> Iterator[bytes]:
    if not isinstance(getattr(file, "raw", None), io.FileIO):
        while block := file.read(size):
            yield block if block.endswith(b"\n") else block + file.readline()
        return
    start = file.tell()
    while True:  # on disk, look for the line's end first: joining its rest to a large block costs more than reading it
        file.seek(start + size)
        file.readline()
        end = file.tell()
        file.seek(start)
        block = file.read(end - start)
        if not block:
            return
        yield block
        start += len(block)


def _recut(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    held: list[bytes] = []
    length = 0
    for piece in pieces:
        held.append(piece)
        length += len(piece)
        if length >= size and b"\n" in piece:
            block = b"".join(held)
            cut = block.rfind(b"\n") + 1
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


def _mended(block: bytes) -> tuple[bytes, int]:
    lines = block.split(b"\n")
    bad = 0
    for i, line in enumerate(lines):
        if not line.isascii():
            try:
                line.decode()
            except UnicodeDecodeError:
                lines[i] = _western(line).encode()
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
