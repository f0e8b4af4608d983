"""Rows held against all that an index has: which of them are near copies of rows that were kept, and where those stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ..errors import UsageError, quote
from ..findings import empty, report
from ..near.shingles import Shingle
from . import signatures
from .adding import BATCH
from .sketches import TEXT, Sketches, sketched
from .stores import STANDING, Ints, Store, opened, shown

HITS = pl.Schema(
    {
        "id": pl.String,  # the row
        "part": pl.String,  # what is alike: "text", the whole row; "input", all before its target
        "set": pl.String,  # where the peer stands: the name that it was added under
        "split": pl.String,
        "peer": pl.String,  # content hash of the first row there that is so alike: its id without the ordinal
        "file": pl.String,  # and where it was read
        "line": pl.Int64,
        "added": pl.Datetime("us", "UTC"),
        "times": pl.Int64,  # rows there that have the very same shingles
        "jaccard": pl.Float64,
        "verified": pl.Boolean,  # exact, by all shingles; else an estimate, off by some 0.035
    }
)
"""Columns of ``CheckResult.hits``: of each row and part the closest peer in each set and split that has one."""

_LIMIT = 1_000  # suspects a row: where a template fills the index, the closest of so many stand for all
_PAIRS = 100_000  # suspects that are proved at a time
_SHINGLES = 16_000_000  # and shingles of their sets, each of 8 bytes: fewer pairs of long texts


@dataclass(frozen=True)
class CheckResult:
    """What an index knows of rows."""

    index: str
    rows: int
    empty: int
    """Rows without a visible text, which are like nothing."""
    threshold: float
    recall: float
    """The chance that a pair of just the threshold is suspected at all; it grows quickly above."""
    exact: bool
    train: str
    hits: pl.DataFrame
    """``HITS``, in row order."""

    @property
    def found(self) -> int:
        """How many rows have a hit."""
        return self.hits["id"].n_unique()

    @property
    def findings(self) -> pl.DataFrame:
        """The hits as findings of the rule ``index.near``, one a row: eval rows before others, then the closest."""
        return _findings(self.hits, self.train)

    def summary(self) -> dict[str, Any]:
        """Return all figures as JSON values; ``sets`` says how many rows are near copies of each set and split."""
        grouped = self.hits.group_by("set", "split", maintain_order=True).agg(
            pl.col("id").n_unique().alias("rows"),
            pl.col("id").filter(pl.col("jaccard") == 1).n_unique().alias("identical"),
        )
        figures = {name: getattr(self, name) for name in ("index", "rows", "empty", "found", "threshold", "exact")}
        return {
            **figures,
            "recall": round(self.recall, 4),
            "verified": self.hits.filter("verified")["id"].n_unique(),
            "sets": grouped.sort("rows", "set", "split", descending=[True, False, False]).to_dicts(),
        }


def check(
    index: str | Path,
    rows: pl.DataFrame,
    *,
    threshold: float | None = None,
    apart_from: Sequence[str] = (),
    train: str = "train",
    threads: int | None = None,
) -> CheckResult:
    """Find the rows that are near copies of rows in an index; nothing is written.

    Suspects are the rows that share a band of MinHash values (``signatures``). Where the index holds their shingles each is
    proved, and no pair under the threshold is reported; else the Jaccard index is estimated, and ``verified`` says so. Whole
    texts are held against whole texts, inputs against inputs.

    Args:
        index: a file, or ``redis://HOST:PORT/DATABASE``.
        rows: the rows (``dataset.ROWS``).
        threshold: at least that of the index, which is taken for ``None``.
        apart_from: names of sets whose rows don't count, such as the one that these rows were added under.
        train: name of the split that is trained on; every other is an eval side.
        threads: as many as there are cores for ``None``.

    Raises:
        UsageError: there is no index, its rows were signed in another way, or an option is out of bounds.
        DataError: it is damaged.
        MissingExtra: Redis is named, and its client is not installed.
    """
    with opened(index) as store:
        lowest = store.settings.threshold
        threshold = lowest if threshold is None else threshold
        if not lowest <= threshold <= 1:
            raise UsageError(
                f"{shown(index)} was made for thresholds from {lowest} to 1, so at {threshold} it would miss too much; "
                "give one from there, or add the sets to a new index with a lower --threshold."
            )
        _known(store, apart_from)
        found, blank = [pl.DataFrame(schema=HITS)], 0
        for batch in rows.iter_slices(BATCH):
            sketches = sketched(batch, Shingle.named(store.settings.shingle), threads=threads)
            blank += batch.height - sketches.standings["row"].n_unique()
            found.append(_batch_hits(store, batch, sketches, threshold, apart_from, threads))
        settings = store.settings
    chance = signatures.recall(threshold, settings.bands, settings.width)
    return CheckResult(shown(index), rows.height, blank, threshold, chance, settings.exact, train, pl.concat(found))


def _known(store: Store, names: Sequence[str]) -> None:
    """Refuse a name that the index does not have: it would be a typing error that hides nothing."""
    if not names:
        return
    have = {entry["set"] for entry in store.figures()["sets"]}
    for name in names:
        if name not in have:
            raise UsageError(f"no set {quote(name)} stands in the index; `vetset index info` lists them.")


def _batch_hits(
    store: Store,
    batch: pl.DataFrame,
    sketches: Sketches,
    threshold: float,
    apart_from: Sequence[str],
    threads: int | None,
) -> pl.DataFrame:
    """Return ``HITS`` of a batch; of suspects, at most some ten thousand are held at a time."""
    signed = signatures.signatures(sketches.sets, sketches.numbers, store.settings.parameters, threads=threads)
    weights = sketches.sets.sizes[sketches.numbers]
    known, best = _Known(store, apart_from), [_hits(sketches, _NEAR.to_frame(), STANDING.to_frame())]
    with closing(store.suspects(signed, _LIMIT, apart_from)) as suspects:
        for numbers, handles in suspects:
            for part in _portions(weights[numbers]):
                near = _near(known, sketches, signed, numbers[part], handles[part], threshold)
                if near.height:
                    best.append(_hits(sketches, near, known.standings(near["handle"])))
    found = _closest(pl.concat(best))
    added = pl.col("added").str.to_datetime(time_unit="us", time_zone="UTC")
    return found.with_columns(batch["id"].gather(found["row"]).alias("id"), added).select(
        pl.col(name).cast(kind) for name, kind in HITS.items()
    )


def _portions(weights: Ints) -> Iterator[slice]:
    """Cut pairs where they are many, or the shingles of their sets are: what they are held against is as long."""
    total = np.concatenate([[0], np.cumsum(weights)])
    low = 0
    while low < weights.size:
        high = int(np.searchsorted(total, total[low] + _SHINGLES, side="right")) - 1
        high = min(max(high, low + 1), low + _PAIRS, weights.size)
        yield slice(low, high)
        low = high


_NEAR = pl.Schema({"number": pl.Int64, "handle": pl.Int64, "jaccard": pl.Float64, "verified": pl.Boolean})


class _Known:
    """What a store told of its sets; that of the last sets asked for is kept, since neighbours have the same suspects."""

    def __init__(self, store: Store, apart_from: Sequence[str]) -> None:
        self._store, self._apart_from = store, apart_from
        self._evidence: dict[int, tuple[bytes, bytes]] = {}
        self._standings = STANDING.to_frame()
        self._asked = np.empty(0, np.int64)
        self.settings = store.settings

    def evidence(self, handles: Ints) -> tuple[list[bytes], list[bytes]]:
        """See ``Store``."""
        fresh = np.array([handle for handle in handles.tolist() if handle not in self._evidence], np.int64)
        told = (
            dict(zip(fresh.tolist(), zip(*self._store.evidence(fresh), strict=True), strict=True)) if fresh.size else {}
        )
        self._evidence = {handle: told.get(handle) or self._evidence[handle] for handle in handles.tolist()}
        return [key for key, _ in self._evidence.values()], [held for _, held in self._evidence.values()]

    def standings(self, handles: pl.Series) -> pl.DataFrame:
        """Return where sets stand (``STANDING``)."""
        wanted = handles.unique().sort().to_numpy()
        fresh = np.setdiff1d(wanted, self._asked, assume_unique=True)
        kept = self._standings.filter(pl.col("handle").is_in(wanted))
        self._standings = pl.concat([kept, self._store.standings(fresh, self._apart_from)]) if fresh.size else kept
        self._asked = wanted
        return self._standings


def _near(
    known: _Known, sketches: Sketches, signed: signatures.U32, own: Ints, other: Ints, threshold: float
) -> pl.DataFrame:
    """Return ``number`` (set of the batch), ``handle`` (set of the index), ``jaccard`` and ``verified`` of alike sets."""
    distinct, place = np.unique(other, return_inverse=True)
    keys, evidence = known.evidence(distinct)
    whole = np.array([bool(key) for key in keys], np.bool_)[place]
    own, other, place = own[whole], other[whole], place[whole]
    prove = _proved if known.settings.exact else _estimated
    jaccard, near, verified = prove(sketches, signed, own, place, keys, evidence, threshold)
    table = {"number": own[near], "handle": other[near], "jaccard": jaccard[near], "verified": verified[near]}
    return pl.DataFrame(table, schema=_NEAR)


_Outcome = tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]


def _proved(
    sketches: Sketches, signed: signatures.U32, own: Ints, place: Ints, keys: list[bytes], evidence: list[bytes],
    threshold: float,
) -> _Outcome:  # fmt: skip
    """Return the exact Jaccard index of pairs, which are at or over the threshold, and that all are proved."""
    del signed, keys
    sizes = np.array([len(held) // 8 for held in evidence], np.int64)
    starts = np.cumsum(sizes) - sizes
    hashes = np.frombuffer(b"".join(evidence), "<u8")
    sets, own = sketches.sets, sketches.numbers[own]
    exact = Fraction(str(threshold)).limit_denominator(1_000_000)
    low, high = np.minimum(sets.sizes[own], sizes[place]), np.maximum(sets.sizes[own], sizes[place])
    possible = low * exact.denominator >= high * exact.numerator
    shared = np.zeros(own.size, np.int64)
    counted = np.empty(int(possible.sum()), np.int64)
    signatures.loops().common(
        sets.hashes, sets.starts, sets.sizes, own[possible], hashes, starts, sizes, place[possible], counted
    )
    shared[possible] = counted
    shared = np.minimum(shared, low)  # a file from a stranger may hold a hash twice
    union = low + high - shared
    near = shared * exact.denominator >= union * exact.numerator
    return shared / union, near, np.ones(own.size, np.bool_)


def _estimated(
    sketches: Sketches, signed: signatures.U32, own: Ints, place: Ints, keys: list[bytes], evidence: list[bytes],
    threshold: float,
) -> _Outcome:  # fmt: skip
    """Return the estimated Jaccard index of pairs, which are at or over the threshold, and which are proved: equal sets."""
    held = np.frombuffer(b"".join(evidence), "<u4").reshape(len(evidence), -1)
    jaccard = np.mean(signed[own] == held[place], axis=1)
    sums = np.frombuffer(b"".join(key or bytes(16) for key in keys), "<u8").reshape(len(keys), 2)
    equal = (sketches.sets.sums[sketches.numbers[own]] == sums[place]).all(axis=1)
    # All values alike and yet not equal: very close, but 1 would say that nothing differs.
    jaccard = np.where(equal, 1.0, np.minimum(jaccard, 1 - 0.5 / signed.shape[1]))
    return jaccard, jaccard >= threshold, equal


def _hits(sketches: Sketches, near: pl.DataFrame, standings: pl.DataFrame) -> pl.DataFrame:
    """Return of each row and part the closest peer in each set and split."""
    # Numbers in place of names and dates: of a template there are a million pairs, and all but a few thousand go.
    told = standings.sort("added", "peer", "set", "split", "line").with_row_index("rank")
    told = told.with_columns(pl.struct("set", "split").rank("dense").alias("place"))
    joined = near.join(told.select("handle", "part", "rank", "place"), on="handle")
    # A set is the whole text of some rows and only the input of others: what it is here and there must agree.
    shared = pl.col("part") & pl.col("part_here")
    met = joined.join(sketches.standings, on="number", suffix="_here").filter(shared > 0)
    best = (
        met.with_columns((shared & TEXT == 0).alias("asked"))
        .sort("row", "jaccard", "asked", "rank", descending=[False, True, False, False])
        .unique(["row", "asked", "place"], keep="first", maintain_order=True)
    )
    what = pl.when("asked").then(pl.lit("input")).otherwise(pl.lit("text"))
    names = told.select("rank", "set", "split", "peer", "file", "line", "added", "times")
    return _closest(best.with_columns(what.alias("part")).drop("handle", "number").join(names, on="rank"))


def _closest(met: pl.DataFrame) -> pl.DataFrame:
    order = ["row", "jaccard", "part", "added", "peer"]
    return met.sort(*order, descending=[False, True, True, False, False]).unique(
        ["row", "part", "set", "split"], keep="first", maintain_order=True
    )


def _findings(hits: pl.DataFrame, train: str) -> pl.DataFrame:
    """Return one finding a row; a row near to an eval row has to go, whatever else it is near to."""
    if hits.is_empty():
        return empty()
    held = pl.col("split").is_not_null() & (pl.col("split") != train)
    first = (
        hits.with_columns(held.alias("held"), pl.struct("set", "split").n_unique().over("id").alias("places"))
        .sort("held", descending=True, maintain_order=True)
        .unique("id", keep="first", maintain_order=True)
    )
    order = hits.select("id").unique(maintain_order=True)
    lines = [
        {
            "id": line["id"],
            "score": line["jaccard"],
            "note": _note(line),
            "suggest": "drop" if line["held"] or line["part"] == "text" else "review",
        }
        for line in order.join(first, on="id", how="left", maintain_order="left").iter_rows(named=True)
    ]
    return report(pl.DataFrame(lines, schema_overrides={"score": pl.Float64}), "index.near")


def _note(hit: dict[str, Any]) -> str:
    what = "The text is" if hit["part"] == "text" else "The input is"
    near = min(hit["jaccard"], 0.999) if hit["jaccard"] < 1 else 1
    how = f"Jaccard {near:.3g}" if hit["verified"] else f"Jaccard about {hit['jaccard']:.2f}, not verified"
    split = f", split {quote(hit['split'], 20)}" if hit["split"] is not None else ""
    file = hit["file"] if len(hit["file"]) <= 40 else "…" + hit["file"][-39:]
    more = f"; and in {hit['places'] - 1} more set{'s' if hit['places'] > 2 else ''}" if hit["places"] > 1 else ""
    place = f"{quote(file)[1:-1]} line {hit['line'] or 0}, added {hit['added']:%Y-%m-%d}"
    return f"{what} nearly that of a row in {quote(hit['set'], 30)}{split} ({place}), {how}{more}."
