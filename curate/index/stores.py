"""Where an index lives: what every store can do, and which one an address names."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
import polars as pl

from ..errors import UsageError
from .signatures import U32, Settings
from .sketches import Sketches

Ints = npt.NDArray[np.int64]

INCOMING = pl.Schema(
    {
        "number": pl.Int64,  # of the set in the batch
        "content": pl.String,  # the row's id without its ordinal
        "split": pl.String,
        "file": pl.String,
        "line": pl.Int64,
        "part": pl.Int64,
    }
)
"""What a store is given of a row beside its sets."""

STANDING = pl.Schema(
    {
        "handle": pl.Int64,  # a set of the store
        "part": pl.Int64,
        "set": pl.String,  # the name under which it was added
        "split": pl.String,
        "peer": pl.String,  # the content hash of the first row that has it there
        "file": pl.String,
        "line": pl.Int64,
        "added": pl.String,  # ISO time, UTC
        "times": pl.Int64,  # rows that have it there
    }
)
"""What a store knows of a set of shingles: one line for each part, set name and split that it stands in."""


@dataclass(frozen=True)
class Batch:
    """Rows to be added: their sets, signed, and where they stand."""

    name: str
    added: str
    sketches: Sketches
    signed: U32
    standings: pl.DataFrame
    """``INCOMING``; no line twice."""

    def evidence(self, number: int, settings: Settings) -> bytes:
        """Return what proves (all hashes) or estimates (the signature) a hit on a set."""
        if settings.exact:
            return self.sketches.hashes(number)
        return self.signed[number].astype("<u4", copy=False).tobytes()


class Store(AbstractContextManager["Store"], Protocol):
    """A place that keeps an index. A set of shingles has a handle, a whole number that holds while the store is open."""

    @property
    def settings(self) -> Settings:
        """The settings that stand at its head."""
        ...

    def write(self, batch: Batch) -> npt.NDArray[np.bool_]:
        """Keep a batch, all of it or nothing, on the disk when this returns; return which standings were new."""
        ...

    def suspects(
        self, signed: U32, limit: int, apart_from: Sequence[str] = ()
    ) -> Generator[tuple[Ints, Ints], None, None]:
        """Yield query numbers and handles of sets that share a band, some queries at a time, each query's together.

        Of each query the ``limit`` that share most, of a file in each of its segments. A file leaves those out that stand
        under the names ``apart_from`` only, so that a crowd there crowds nobody out.
        """
        ...

    def evidence(self, handles: Ints) -> tuple[list[bytes], list[bytes]]:
        """Return the key of each set and what ``Batch.evidence`` gave; both empty for a set that is not whole."""
        ...

    def standings(self, handles: Ints, apart_from: Sequence[str]) -> pl.DataFrame:
        """Return where sets stand (``STANDING``), but for rows added under the names given."""
        ...

    def figures(self) -> dict[str, Any]:
        """Return ``sketches``, ``bytes`` (``None`` where unknown) and ``sets``: name, split, rows, first and last addition."""
        ...


def opened(address: str | Path, new: Callable[[], Settings] | None = None) -> Store:
    """Open an index: a file, or ``redis://host:port/db`` (``#NAME`` behind it for several in one database).

    Args:
        address: where it is.
        new: makes the settings of a new index, where there is none yet; ``None``: there must be one, and it is only read.

    Raises:
        UsageError: there is none, it can't be opened, or its rows were signed in another way.
        DataError: it is damaged.
        MissingExtra: Redis is named, and its client is not installed.
    """
    if in_redis(address):
        from .redis_store import RedisStore

        return RedisStore.opened(str(address), new)
    if "://" in str(address):
        raise UsageError(f"{shown(address)} is no index: name a file, or redis://HOST:PORT/DATABASE.")
    from .file_store import FileStore

    return FileStore.opened(Path(address), new)


def in_redis(address: str | Path) -> bool:
    """Say whether an address names a Redis server."""
    return str(address).startswith(("redis://", "rediss://"))


def shown(address: str | Path) -> str:
    """Return an address without the user and the password that may stand in it."""
    if not in_redis(address):
        return str(address)
    parts = urlsplit(str(address))
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
