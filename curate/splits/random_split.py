"""What a random split of the rows would have leaked, and what the split that was made leaks.

A row of the eval side leaks when a row that gives it away stands in train: one of its group or source, one with its
input or a near copy of it, one with its input and another answer, or (in time) a later one. If rows are dealt at
random, an eval row with ``k`` such partners among ``n`` rows, of which ``m`` are eval, is clean only if all partners
are eval too: C(n-1-k, m-1-k) / C(n-1, m-1), the hypergeometric chance. The mean over rows is exact; nothing is
simulated.
"""

from __future__ import annotations

import numpy as np
import polars as pl


def expected_leak(partners: np.ndarray, *, rows: int, eval_rows: int) -> float:
    """Return the expected share of eval rows that have a partner in train, rows dealt at random.

    Args:
        partners: for each row that counts, how many other rows give it away.
        rows: rows dealt.
        eval_rows: rows of these that are not train.
    """
    from scipy.special import gammaln

    if len(partners) == 0 or not 0 < eval_rows < rows:
        return 0.0
    count, times = np.unique(partners, return_counts=True)
    possible = count < eval_rows
    inside = np.where(possible, count, 0)
    log_clean = gammaln(rows - inside) - gammaln(eval_rows - inside) - gammaln(rows) + gammaln(eval_rows)
    clean = np.where(possible, np.exp(log_clean), 0.0)
    clean[count == 0] = 1.0  # the logarithms leave 10^-14 there
    return float(((1 - clean) * times).sum() / times.sum())


def expected_group_leak(groups: pl.Series, *, test_share: float = 0.2) -> float:
    """Return the expected share of test rows whose group stands in train, rows dealt at random.

    Rows without a group count neither as rows dealt nor as test rows.

    >>> round(expected_group_leak(pl.Series(["a"] * 5 + ["b"] * 5)), 4)
    1.0
    """
    known = groups.drop_nulls()
    partners = _others(known).to_numpy()
    return expected_leak(partners, rows=len(known), eval_rows=round(len(known) * test_share))


def leaks(
    rows: pl.DataFrame,
    keys: pl.DataFrame,
    assignment: pl.Series,
    *,
    train: str,
    clusters: pl.Series | None = None,
    by_source: bool = False,
) -> dict[str, dict[str, float]]:
    """Return, for each kind of leak that the rows can have, the share of eval rows made and at random.

    Args:
        rows: columns ``group``, ``source`` and ``time``.
        keys: of ``text.keys``, aligned with ``rows``.
        assignment: the split of each row; null rows stand nowhere.
        train: the split that counts as train; every other one is the eval side.
        clusters: of near copies, null is alone; a row whose cluster stands in train leaks.
        by_source: rows of one source give one another away. Only where the split keeps sources apart: most sets have
            a few that all splits share.

    Returns:
        ``group``, ``source``, ``duplicate``, ``near``, ``conflict``, ``time``, each ``rows`` (that can leak so),
        ``made`` and ``random``.
    """
    # An empty input says nothing that a model could have learned by heart.
    text = pl.when(~keys["input_empty"]).then(keys["input_folded"]).alias("text")
    answer = pl.when(keys["target_folded"].is_not_null()).then(text)
    frame = rows.select("group", "source" if by_source else pl.lit(None).alias("source"), "time").with_columns(
        text, answer.alias("asked"), keys["target_folded"].alias("answer"), assignment.alias("split"),
        (pl.repeat(None, rows.height, eager=True) if clusters is None else clusters).alias("near"),
    )  # fmt: skip
    frame = frame.filter(pl.col("split").is_not_null())
    in_train = frame["split"] == train
    kinds = {
        "group": (frame["group"], None),
        "source": (frame["source"], None),
        "duplicate": (frame["text"], None),
        "near": (frame["near"], None),
        "conflict": (frame["asked"], frame["answer"]),
    }
    found = {}
    for name, (key, unlike) in kinds.items():
        if key.null_count() < len(key):
            found[name] = _pair_leak(key, unlike, in_train)
    if frame["time"].null_count() < frame.height:
        found["time"] = _time_leak(frame["time"], in_train)
    return found


def _pair_leak(key: pl.Series, unlike: pl.Series | None, in_train: pl.Series) -> dict[str, float]:
    frame = pl.DataFrame({"key": key, "train": in_train})
    frame = frame.with_columns(unlike.alias("unlike")) if unlike is not None else frame
    frame = frame.filter(pl.col("key").is_not_null())
    partners, hits = _partners(frame, "key")
    if unlike is not None:
        alike, alike_hits = _partners(frame, "key", "unlike")
        partners, hits = partners - alike, hits - alike_hits
    return _figures(partners, hits, frame["train"])


def _partners(frame: pl.DataFrame, *key: str) -> tuple[pl.Series, pl.Series]:
    """Return how many other rows share the key, and how many rows of train do."""
    counted = frame.select(
        (pl.len().over(*key).cast(pl.Int64) - 1).alias("all"), pl.col("train").sum().over(*key).cast(pl.Int64)
    )
    return counted["all"], counted["train"]


def _time_leak(time: pl.Series, in_train: pl.Series) -> dict[str, float]:
    frame = pl.DataFrame({"time": time, "train": in_train}).filter(pl.col("time").is_not_null())
    later = frame.height - frame["time"].rank("max").cast(pl.Int64)
    newest = frame.filter("train")["time"].max()
    hits = (frame["time"] < newest).cast(pl.Int64) if newest is not None else pl.zeros(frame.height, eager=True)
    return _figures(later, hits, frame["train"])


def _figures(partners: pl.Series, hits: pl.Series, in_train: pl.Series) -> dict[str, float]:
    eval_hits = hits.filter(~in_train) > 0
    random = expected_leak(partners.to_numpy(), rows=len(partners), eval_rows=int((~in_train).sum()))
    return {"rows": len(partners), "made": float(eval_hits.mean() or 0.0), "random": random}  # pyright: ignore


def _others(groups: pl.Series) -> pl.Series:
    return groups.alias("group").to_frame().select(pl.len().over("group").cast(pl.Int64) - 1).to_series()
