"""Every pair of texts with a Jaccard index at or over 0.8, by the definition: slow, sure, and none of vetset's code.

Texts are folded by ``unicodedata`` and cut by ``str.split``; shared shingles are counted by a product of sparse matrices.
Nothing is hashed, filtered or sampled.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import polars as pl
from dup_tools import grams
from scipy import sparse  # noqa: TID253 -- a bench has no help page to keep quick

WIDTH = 5
FIFTHS = 4  # J >= 4/5
_KEPT_MARKS = ((0x0900, 0x10A0), (0x1700, 0x1C50), (0xA800, 0xAC00), (0x11000, 0x12000))
_ALONE = (
    (0x3400, 0xA000), (0xAC00, 0xD7A4), (0x20000, 0x2FA20), (0x30000, 0x323B0), (0x3040, 0x3100), (0x31F0, 0x3200),
    (0x3005, 0x3008), (0x0E00, 0x0F00), (0x1000, 0x10A0), (0x1780, 0x17DE),
)  # fmt: skip


class _Folding(dict[int, str]):
    """What each character becomes, found out when it is first met."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        category = unicodedata.category(sign)
        kept = any(low <= code < high for low, high in _KEPT_MARKS)
        if category == "Cf" or (category in ("Mn", "Me") and not kept):
            self[code] = ""
        elif category[0] in "LN" or category in ("Mn", "Me", "Mc") or sign == "_":
            self[code] = f" {sign} " if any(low <= code < high for low, high in _ALONE) else sign
        else:
            self[code] = " "
        return self[code]


def shingles(text: str, folding: _Folding) -> set[tuple[str, ...]]:
    """Return the runs of five words of a text; all its words, or all its signs, where there are fewer."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    words = folded.translate(folding).split()
    kind: tuple[str, ...] = ()
    if not words:
        words = [sign for sign in folded if folding[ord(sign)] and ord(sign) > 32 and ord(sign) != 127]
        kind = ("signs",)
    if len(words) < WIDTH:
        return {("short", *kind, *words)} if words else set()
    return {kind + tuple(words[at : at + WIDTH]) for at in range(len(words) - WIDTH + 1)}


def pairs(path: Path) -> pl.DataFrame:
    """Return ``a``, ``b`` (rows, a < b) and ``jaccard`` of all pairs of a corpus; kept beside it."""
    texts = pl.read_ipc(path)["text"]
    digest = hashlib.blake2b("\0".join(texts).encode() + Path(__file__).read_bytes()).hexdigest()[:12]
    kept = path.with_suffix(f".{digest}.truth.parquet")
    if not kept.exists():
        _all_pairs(texts).write_parquet(kept)
    return pl.read_parquet(kept)


def _all_pairs(texts: pl.Series) -> pl.DataFrame:
    numbers: dict[tuple[str, ...], int] = {}
    folding = _Folding()
    sizes, columns = np.zeros(len(texts), np.int64), []
    for row, text in enumerate(texts):
        own = [numbers.setdefault(shingle, len(numbers)) for shingle in shingles(text, folding)]
        sizes[row] = len(own)
        columns.append(np.array(own, np.int64))
    held = sparse.csr_array(
        (np.ones(sizes.sum(), np.int32), np.concatenate(columns), np.concatenate([[0], np.cumsum(sizes)])),
        shape=(len(texts), len(numbers)),
    )
    held = held[:, np.flatnonzero(held.sum(axis=0) > 1)].tocsr()  # a shingle that stands once is shared by none
    turned = held.T.tocsr()
    found = []
    for low in range(0, len(texts), 500):
        common = (held[low : low + 500] @ turned).tocoo()
        a, b, shared = common.row + low, common.col, common.data
        union = sizes[a] + sizes[b] - shared
        near = (a < b) & (shared * 5 >= union * FIFTHS)
        found.append(pl.DataFrame({"a": a[near], "b": b[near], "jaccard": shared[near] / union[near]}))
    return pl.concat(found).cast({"a": pl.Int64, "b": pl.Int64}).sort("a", "b")


def components(truth: pl.DataFrame, rows: int) -> np.ndarray:
    """Return for each row the lowest row that it hangs together with."""
    _, label = sparse.csgraph.connected_components(
        sparse.csr_array((np.ones(len(truth)), (truth["a"].to_numpy(), truth["b"].to_numpy())), shape=(rows, rows)),
        directed=False,
    )
    lowest = np.full(rows, rows)
    np.minimum.at(lowest, label, np.arange(rows))
    return lowest[label]


def neighbours(truth: pl.DataFrame) -> dict[int, set[int]]:
    """Return the rows that each row is near to."""
    near: dict[int, set[int]] = defaultdict(set)
    for a, b in truth.select("a", "b").iter_rows():
        near[a].add(b)
        near[b].add(a)
    return near


def plain(truth: pl.DataFrame, texts: pl.Series) -> np.ndarray:
    """Say which pairs are near as well by words in lower case between white space, which is what the peers are given."""
    one, other = (texts.gather(truth[side]).to_list() for side in ("a", "b"))
    cut = ((set(grams(a)), set(grams(b))) for a, b in zip(one, other, strict=True))
    return np.array([len(a & b) * 5 >= len(a | b) * FIFTHS for a, b in cut], bool)


def scores(
    truth: pl.DataFrame, near: dict[int, set[int]], plain: np.ndarray, planted: list[tuple[int, int, str]], said: dict
) -> dict[str, float]:
    """Hold what a tool said against the truth.

    Args:
        truth: ``pairs``.
        near: ``neighbours(truth)``.
        plain: ``plain(truth, texts)``.
        planted: the planted copies.
        said: ``label`` (a cluster number a row) and ``removed`` (0 or 1 a row). A tool that only flags rows has no ``label``.

    Returns:
        ``recall``: pairs of which both rows stand in one cluster (or one row is flagged); ``plain``: the same of the plain
        pairs; ``precision``: removed rows that are near to a row that was kept (or to any row, for flags); ``removed``: how
        many; and recall by kind of planted copy.
    """
    removed = np.array(said["removed"], bool)
    a, b = truth["a"].to_numpy(), truth["b"].to_numpy()
    if said.get("label") is None:
        found = removed[a] | removed[b]
        right = sum(1 for row in np.flatnonzero(removed) if near.get(int(row)))
    else:
        label = np.array(said["label"])
        found = label[a] == label[b]
        right = sum(any(not removed[other] for other in near.get(int(row), ())) for row in np.flatnonzero(removed))
    together = dict(zip(zip(a.tolist(), b.tolist(), strict=True), found.tolist(), strict=True))
    hits: dict[str, list[bool]] = defaultdict(list)
    for source, copy, kind in planted:
        pair = (min(source, copy), max(source, copy))
        if pair in together:
            hits[kind].append(together[pair])
    return {
        "recall": float(found.mean()) if len(found) else 1.0,
        "plain": float(found[plain].mean()) if plain.any() else 1.0,
        "precision": right / max(int(removed.sum()), 1),
        "removed": int(removed.sum()),
        **{kind: sum(some) / len(some) for kind, some in hits.items()},
    }


def described(truth: pl.DataFrame, planted: list[tuple[int, int, str]]) -> dict[str, tuple[int, int]]:
    """Return for each kind how many copies were planted, and how many of them are near by the definition."""
    index = set(truth.select("a", "b").iter_rows())
    count = Counter(kind for _, _, kind in planted)
    over = Counter(kind for a, b, kind in planted if (min(a, b), max(a, b)) in index)
    return {kind: (count[kind], over[kind]) for kind in count}
