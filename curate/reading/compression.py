"""Compressed files as plain bytes: gzip, zstd, bzip2 and xz, known by their first bytes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa

from ..errors import UsageError

DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError)
"""What the openers raise when a compressed file is cut off or damaged."""


def _zstd(path: Path) -> BinaryIO:
    # pyarrow brings a zstd decoder, so none has to be installed; it reads on where a second frame follows the first.
    stream = pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")
    return cast("BinaryIO", io.BufferedReader(cast("io.RawIOBase", stream)))


_OPENERS: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.GzipFile,
    b"\x28\xb5\x2f\xfd": _zstd,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}
_ENDINGS = {".gz", ".gzip", ".zst", ".zstd", ".bz2", ".xz"}


def is_compressed(path: Path) -> bool:
    """Whether the file's first bytes are those of a compressed stream."""
    with _opened(path) as file:
        return file.read(6).startswith(tuple(_OPENERS))


def open_plain(path: Path) -> BinaryIO:
    """Open a file for reading, through its decompressor if it has one.

    Raises:
        UsageError: the file can't be opened.
    """
    file = _opened(path)
    magic = file.read(6)
    for start, opener in _OPENERS.items():
        if magic.startswith(start):
            file.close()
            return opener(path)
    file.seek(0)
    return file


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise UsageError(f"{path} can't be opened ({error.strerror}); check the path and its permissions.") from error


def ending(path: Path) -> str:
    """Return the ending that tells the format, in lower case, without that of the compression.

    >>> ending(Path("train.JSONL.gz"))
    '.jsonl'
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while suffixes and suffixes[-1] in _ENDINGS:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""
