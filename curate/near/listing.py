"""What both joins share: the threshold as whole numbers, and what was found of distinct sets told of rows."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt
import polars as pl

from ..errors import UsageError


def whole_numbers(threshold: float) -> tuple[int, int]:
    """Return a threshold as ``top, bottom``, to a millionth, so that no pair hangs on the rounding of a product.

    Raises:
        UsageError: it is not over 0 and at most 1.

    >>> whole_numbers(0.8)
    (4, 5)
    """
    if not 0 < threshold <= 1:
        raise UsageError(f"a threshold is over 0 and at most 1, not {threshold}; the default is 0.8.")
    # Never 0: then nothing would have to be shared, and a prefix would be longer than its set.
    exact = max(Fraction(str(threshold)).limit_denominator(1_000_000), Fraction(1, 1_000_000))
    return exact.numerator, exact.denominator


def refuse_over(found: int, most: int) -> None:
    """Raise ``UsageError`` where more pairs were found than are listed."""
    if found > most:
        raise UsageError(f"{found:,} pairs are more than the {most:,} that are listed; ask for components or stars.")


def written_out(between: pl.DataFrame, first: npt.NDArray[np.int64], most: int) -> pl.DataFrame:
    """Return pairs of rows for pairs of distinct sets, and the pairs of rows that have one set.

    Args:
        between: ``a, b`` (the first row of each of two sets) and ``jaccard``.
        first: (n) the first row with an equal set; -1 for rows in which nothing is seen.
        most: pairs that are listed.

    Returns:
        ``a`` (u32, the lower row), ``b`` (u32), ``jaccard`` (f64), sorted.

    Raises:
        UsageError: there are more than ``most``.
    """
    equal = pl.DataFrame({"first": first, "row": np.arange(first.size)}).filter(pl.col("first") >= 0)
    # Counts are 32 bits wide, and so would be their products: 65,600 equal rows would pass for four million pairs.
    rows = pl.col("len").cast(pl.Int64)
    counts = equal.group_by("first").len().select("first", rows, (rows * (rows - 1) // 2).alias("pairs"))
    refuse_over(int(counts["pairs"].sum()), most)
    sizes = counts.select("first", "len")
    crossed = between.join(sizes, left_on="a", right_on="first").join(sizes, left_on="b", right_on="first", suffix="_b")
    refuse_over(int(crossed.select((pl.col("len") * pl.col("len_b")).sum()).item()), most)
    repeated = equal.join(counts.filter(pl.col("len") > 1).select("first"), on="first", how="semi")
    same = repeated.join(repeated, on="first").filter(pl.col("row") < pl.col("row_right"))
    spread = (
        between.join(equal.rename({"first": "a", "row": "one"}), on="a")
        .join(equal.rename({"first": "b", "row": "other"}), on="b")
        .select(pl.min_horizontal("one", "other").alias("a"), pl.max_horizontal("one", "other").alias("b"), "jaccard")
    )
    inside = same.select(pl.col("row").alias("a"), pl.col("row_right").alias("b"), pl.lit(1.0).alias("jaccard"))
    return pl.concat([spread, inside]).with_columns(pl.col("a", "b").cast(pl.UInt32)).sort("a", "b")


def spread(
    first: npt.NDArray[np.int64], order: npt.NDArray[np.int64], values: npt.NDArray, missing: float = -1
) -> npt.NDArray:
    """Give each row what its distinct set has.

    Args:
        first: (n) the first row with an equal set; -1 for rows in which nothing is seen, which are given ``missing``.
        order: (m) the row of each distinct set.
        values: (m) of each distinct set.
        missing: of rows without a set.

    Returns:
        (n), of the type of ``values``.
    """
    number = np.full(first.size, -1)
    number[order] = np.arange(order.size)
    where = np.where(first >= 0, number[first], -1)
    return np.where(where >= 0, values[where] if values.size else missing, missing).astype(values.dtype)
