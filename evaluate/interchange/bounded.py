"""Files of other tools, read as what they are: data of strangers, bounded in size and depth, never run.

A zip can say that it holds little and unpack to a thousand times its size, or hold one piece of data under many names; so it is
the bytes that come out that are counted, over all of its entries.
"""

from __future__ import annotations

import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from hashlib import sha256
from io import BufferedIOBase
from pathlib import Path
from typing import IO, Any, cast

from ...curate.errors import DataError, UsageError
from ...curate.reading.compression import DAMAGED, open_plain

MOST = 2 << 30
"""Bytes that may come out of one file: 2 GiB, some 100,000 logged conversations."""
ENTRY = 512 << 20
"""Bytes of one entry of a zip, or of one line: a whole agent's transcript is some megabytes."""
_ZSTD = 93  # APPNOTE 6.3.8, 4.4.5: method 93 is Zstandard, which Python's zipfile reads from 3.14 on
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, _ZSTD)  # LZMA lets a file ask for 4 GiB of memory


def file_digest(path: Path) -> dict[str, Any]:
    """Return ``path, sha256, bytes`` of a file, as a manifest keeps them."""
    digest, size = sha256(), 0
    try:
        with path.open("rb") as opened:
            while piece := opened.read(1 << 20):
                digest.update(piece)
                size += len(piece)
    except OSError as error:
        raise UsageError(f"{path} can't be opened ({error.strerror}); check the path and its permissions.") from error
    return {"path": str(path), "sha256": digest.hexdigest(), "bytes": size}


def json_file(path: Path, *, most: int = MOST) -> Any:
    """Return what a JSON file holds; compressed ones are unpacked.

    Raises:
        UsageError: it can't be opened.
        DataError: it is no JSON, damaged, or larger than ``most``.
    """
    try:
        with open_plain(path) as opened:
            data = _read(opened, most, path)
    except DAMAGED as error:
        raise DataError(f"{path} is damaged ({type(error).__name__}); copy it again from where it was made.") from error
    return parsed(data, str(path))


def json_lines(path: Path, *, most: int = MOST) -> Iterator[dict[str, Any]]:
    """Give the objects of a JSON Lines file; a last line that a killed writer left half is passed over.

    Raises:
        UsageError: it can't be opened.
        DataError: a line is no JSON object, or the file is larger than ``most``.
    """
    left = most
    try:
        with open_plain(path) as opened:
            number = 0
            while line := opened.readline(min(ENTRY, left) + 1):
                number += 1
                left -= len(line)
                if left < 0 or len(line) > ENTRY:
                    raise DataError(f"{path} line {number:,}: more than {most:,} bytes come out of the file; split it.")
                if not line.strip():
                    continue
                try:
                    value = parsed(line, f"{path} line {number:,}")
                except DataError:
                    if not line.endswith(b"\n"):
                        return
                    raise
                if not isinstance(value, dict):
                    raise DataError(f"{path} line {number:,} is no JSON object; give the file as the tool wrote it.")
                yield value
    except DAMAGED as error:
        raise DataError(f"{path} is damaged ({type(error).__name__}); copy it again from where it was made.") from error


def parsed(data: bytes, where: str) -> Any:
    """Return JSON; NaN and Infinity, which Python's tools write, are read.

    Raises:
        DataError: it is none, or nested too deeply.
    """
    try:
        return _loaded(data)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{where} is no JSON that can be read ({type(error).__name__}); give the file as the tool wrote it."
        ) from error


def within(text: str) -> Any:
    """Return the JSON that a text of a log holds; ``None`` where it holds none.

    >>> within('[1]'), within("[1")
    ([1], None)
    """
    try:
        return _loaded(text.encode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        return None


_HALF = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]|\x00")
"""What there is where half a surrogate pair may be: an answer that was cut inside a sign. A zero byte stands in UTF-16 and 32."""


def _loaded(data: bytes) -> Any:
    value = json.loads(data)
    return _whole(value) if _HALF.search(data) else value


def _whole(value: Any) -> Any:
    """Return the value with a question mark for each half of a pair, which no file could be written with."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_whole(one) for one in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(one) for key, one in value.items()}
    return value


class Archive:
    """A zip whose entries are read one by one, and no more than ``MOST`` bytes of all together."""

    def __init__(self, path: Path, *, most: int = MOST) -> None:
        """Open it.

        Raises:
            UsageError: it can't be opened.
            DataError: it is no zip.
        """
        self.path, self._left, self._most = path, most, most
        try:
            self._zip = zipfile.ZipFile(path)
        except OSError as error:
            raise UsageError(
                f"{path} can't be opened ({error.strerror}); check the path and its permissions."
            ) from error
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise DataError(f"{path} is no zip that can be read; copy it again from where it was made.") from error
        self.names = {
            info.filename: info for info in self._zip.infolist()
        }  # of two of one name the last counts, as in all readers

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def json(self, name: str) -> Any:
        """Return the JSON of one entry.

        Raises:
            DataError: it is damaged, too large, encrypted, or packed in a way that is not read.
        """
        where, info = f"{self.path} entry {name}", self.names[name]
        if info.flag_bits & 1 or info.compress_type not in _METHODS:
            raise DataError(
                f"{where} is encrypted or packed by method {info.compress_type}, which is not read; export it as JSON."
            )
        try:
            with self._opened(info) as opened:
                data = _read(opened, min(ENTRY, self._left), self.path)
        except (*DAMAGED, zipfile.BadZipFile, struct.error, RuntimeError, ValueError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(
                f"{where} is damaged ({type(error).__name__}); copy the file again from where it was made."
            ) from error
        if zlib.crc32(data) != info.CRC:
            raise DataError(f"{where} is damaged (its checksum differs); copy the file again from where it was made.")
        self._left -= len(data)
        return parsed(data, where)

    def _opened(self, info: zipfile.ZipInfo) -> IO[bytes] | BufferedIOBase:
        if info.compress_type != _ZSTD:
            return self._zip.open(info)
        import pyarrow as pa

        with self.path.open("rb") as file:  # the packed bytes, which stand after the entry's own header (APPNOTE 4.3.7)
            file.seek(info.header_offset)
            head = file.read(30)
            if head[:4] != b"PK\x03\x04":
                raise zipfile.BadZipFile
            name, extra = struct.unpack("<26xHH", head)
            file.seek(name + extra, 1)
            packed = file.read(info.compress_size)
        return cast("IO[bytes]", pa.CompressedInputStream(pa.BufferReader(packed), "zstd"))


def _read(opened: Any, most: int, path: Path) -> bytes:
    """Read at most ``most`` bytes, piece by piece: how many come out is not known before."""
    pieces, size = [], 0
    while piece := opened.read(1 << 20):
        size += len(piece)
        if size > most:
            raise DataError(
                f"{path}: more than {most:,} bytes come out of it; split it, or leave out what is not scored."
            )
        pieces.append(piece)
    return b"".join(pieces)
