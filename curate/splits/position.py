"""Where a unit would fall if nothing but its name decided: a number from 0 to 1 that new rows don't change."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import polars as pl


def positions(units: np.ndarray, names: list[pl.Series], *, seed: int) -> np.ndarray:
    """Return the position of each unit, at least 0 and below 1, by a hash of what names it and of the seed.

    The smallest value of the first series that has one names a unit: a new row takes that over only if its own is
    smaller still. Units of one name (the same text twice, tied by nothing) are numbered in the order of their rows.

    Args:
        units: unit of each row, 0 to U-1.
        names: strings, one a row each, the coarsest first; the last has no null.
        seed: another seed gives other positions.

    >>> positions(np.array([0, 0, 1]), [pl.Series("group", ["a", "b", "c"])], seed=0).round(2).tolist()
    [0.92, 0.26]
    """
    frame = pl.DataFrame([pl.Series("unit", units), *names]).group_by("unit").agg(pl.all().min()).sort("unit")
    # The kind stands before the name: a source and a group of one name are two things.
    first = pl.coalesce(pl.lit(f"{name.name}\n") + pl.col(name.name) for name in names).alias("name")
    frame = frame.select(first).with_columns(number=pl.col("name").cum_count().over("name").cast(pl.String))
    key = str(seed).encode()
    said = frame.select(pl.concat_str("name", "number", separator="\n")).to_series().to_list()
    digests = b"".join(blake2b(name.encode(), digest_size=8, key=key).digest() for name in said)
    # 53 bits: a float holds no more, and 64 would round up to 1.
    return (np.frombuffer(digests, dtype=">u8") >> np.uint64(11)) / 2.0**53
