"""Rows taken into an index, so that later rows can be checked against them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from ..errors import UsageError, quote
from ..near.shingles import Shingle
from . import signatures
from .sketches import Sketches, sketched
from .stores import INCOMING, Batch, opened, shown

BATCH = 25_000  # rows that are cut, signed and committed at a time: 100 MB, and what a kill costs at most


@dataclass(frozen=True)
class AddResult:
    """What an addition did."""

    index: str
    name: str
    rows: int
    added: int
    """Rows that the index did not have under this name and split."""
    known: int
    """Rows that it had, or that repeat a row of the same addition word for word."""
    empty: int
    """Rows without a visible text: nothing to compare, so they are not kept."""

    def summary(self) -> dict[str, Any]:
        """Return all figures as JSON values."""
        return asdict(self)


def add(
    index: str | Path,
    rows: pl.DataFrame,
    *,
    name: str,
    shingle: str | None = None,
    threshold: float | None = None,
    exact: bool | None = None,
    at: datetime | None = None,
    threads: int | None = None,
) -> AddResult:
    """Take rows into an index; what stands in it already, under the same name and split, is passed over.

    Rows are committed in batches of 25,000, each whole or not at all, and each on the disk before the next begins. A run that is
    killed has kept the batches before; the same command again adds the rest.

    Args:
        index: a file, made where it is missing, or ``redis://HOST:PORT/DATABASE``.
        rows: the rows (``dataset.ROWS``).
        name: of the set that they belong to; a hit names it.
        shingle: what texts are cut into, as in ``Shingle.named``; ``word5`` in a new index.
        threshold: the lowest Jaccard index that checks can ask for; 0.8 in a new index.
        exact: keep the hashes of all shingles (8 bytes each), so that hits are proved; true in a new index. Without them the
            signature (512 bytes) is kept, from which little but likeness can be told, and hits are estimated.
        at: the time that stands beside the rows; now for ``None``.
        threads: as many as there are cores for ``None``.

    Raises:
        UsageError: an option differs from the index's, its rows were signed in another way, or it can't be written.
        DataError: it is damaged.
        MissingExtra: Redis is named, and its client is not installed.
    """
    if not name or len(name) > 200:
        raise UsageError(f"the name of a set has from 1 to 200 characters, not {len(name)}; a hit names it.")
    if not name.isprintable():
        raise UsageError(
            f"the name of a set is one line of visible characters, not {quote(name)}; give another --name."
        )
    moment = datetime.now(UTC) if at is None else at
    if moment.tzinfo is None:
        raise UsageError("the time of an addition needs a time zone, such as datetime.now(UTC).")
    added = moment.astimezone(UTC).isoformat(timespec="seconds")
    named = str(Shingle.named("word5" if shingle is None else shingle))
    lowest = signatures.THRESHOLD if threshold is None else threshold
    signatures.banded(lowest)

    def new() -> signatures.Settings:
        return signatures.made(named, lowest, exact=exact is not False)

    kept = empty = 0
    with opened(index, new) as store:
        _same(store.settings, index, shingle=shingle and named, threshold=threshold, exact=exact)
        for batch in rows.iter_slices(BATCH):
            sketches = sketched(batch, Shingle.named(store.settings.shingle), threads=threads)
            signed = signatures.signatures(sketches.sets, sketches.numbers, store.settings.parameters, threads=threads)
            standings = _standings(batch, sketches)
            fresh = store.write(Batch(name, added, sketches, signed, standings.select(*INCOMING)))
            kept += standings["row"].filter(pl.Series(fresh)).n_unique()
            empty += batch.height - sketches.standings["row"].n_unique()
    return AddResult(shown(index), name, rows.height, kept, rows.height - kept - empty, empty)


def _standings(rows: pl.DataFrame, sketches: Sketches) -> pl.DataFrame:
    """Return ``row`` and ``INCOMING``, the first of rows that repeat each other."""
    lines = sketches.standings
    told = rows.select(pl.col("id").str.replace(r"-\d+$", "").alias("content"), "split", "file", "line")[lines["row"]]
    return (
        pl.concat([lines, told], how="horizontal")
        .unique(["number", "content", "split"], keep="first", maintain_order=True)
        .select("row", *(pl.col(column).cast(kind) for column, kind in INCOMING.items()))
    )


def _same(settings: signatures.Settings, index: str | Path, **asked: Any) -> None:
    """Refuse an option that differs from what the index was made with."""
    for option, value in asked.items():
        stands = getattr(settings, option)
        if value is not None and value != stands:
            raise UsageError(
                f"{shown(index)} was made with {option} {quote(stands)[1:-1]}, not {quote(value)[1:-1]}; leave the option "
                "out, or name a new index."
            )
