"""Rows that mean the same in other words, by the cosine of their vectors."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from .. import text
from ..clusters import ids, place
from ..embed.encoder import Encoder
from ..embed.encoding import Encoded, Report, encode, row_texts, tell
from ..findings import empty, report
from ..near.cosine import Ints, Method, stars
from ..near.explain import in_short
from ..near.keepers import keeping_order
from ..near.row_texts import Part
from ..near.score_curve import Curve, score_curve

_EXPLAINED = 5_000  # pairs of which the note says what differs, as in duplicates.near


@dataclass(frozen=True)
class _Ranked:
    """Distinct texts, the one most worth keeping first."""

    order: Ints
    """(m) numbers of the encoded texts."""
    best: Ints
    """(m) the row most worth keeping of those that have the text, in that order."""


def find_semantic(
    rows: pl.DataFrame,
    *,
    encoder: Encoder,
    threshold: float | None = None,
    keep: str = "longest",
    part: Part = "text",
    train: str = "train",
    method: Method = "auto",
    cache: Path | None = None,
    progress: Report | None = None,
    notes: list[str] | None = None,
) -> pl.DataFrame:
    """Find every row whose vector is close to that of a row that is kept; holds repeats too.

    ``peer`` is the row kept in place of this one, ``score`` their cosine, ``cluster`` the first row of all that have this
    peer. Chains are not followed: each step of them leads further away, and at the end of a few there is the whole topic.

    A row may be dropped where label, target and split are those of the row that is kept, and the encoder read both to the
    end; all others are left to a person. So are rows with other numbers: "order 17" and "order 18" are close to every encoder.

    Args:
        rows: the rows.
        encoder: ``embed.encoder.find_encoder(...).encoder``, or any other.
        threshold: a cosine, over 0, at most 1; for ``None`` the one that ``semantic_curve`` proposes.
        keep: which row of a cluster is kept (``near.keepers``).
        part: what is compared: every turn but system prompts, the input, or the target.
        train: name of the split that is trained on.
        method: how pairs are looked for (``near.cosine``).
        cache: a folder to keep vectors in.
        progress: told after each batch that is encoded.
        notes: takes what there is to say beside the findings (``Encoded.notes``), each sentence once.

    Raises:
        UsageError: an option out of bounds.
        DataError: the encoder is broken.
    """
    return semantic(
        rows, encoder=encoder, threshold=threshold, keep=keep, part=part, train=train, method=method, cache=cache,
        progress=progress, notes=notes,
    )[0]  # fmt: skip


def semantic(
    rows: pl.DataFrame,
    *,
    encoder: Encoder,
    threshold: float | None = None,
    keep: str = "longest",
    part: Part = "text",
    train: str = "train",
    method: Method = "auto",
    cache: Path | None = None,
    progress: Report | None = None,
    notes: list[str] | None = None,
) -> tuple[pl.DataFrame, Curve]:
    """Return what ``find_semantic`` and ``semantic_curve`` do, from one encoding; options are those of ``find_semantic``."""
    texts = row_texts(rows, part)
    encoded = encode(texts, encoder, cache=cache, progress=progress)
    tell(encoded, notes)
    curve = _curve(rows, texts, encoded, keep="longest", train=train, method=method)
    found = _found(
        rows, texts, encoded, curve.proposed.threshold if threshold is None else threshold, keep, train, method
    )
    return found, curve


def _found(
    rows: pl.DataFrame, texts: pl.Series, encoded: Encoded, threshold: float, keep: str, train: str, method: Method
) -> pl.DataFrame:
    ranked = _ranked(rows, texts, encoded, "longest" if keep == "majority" else keep, train=train)
    keeper, cosine = stars(encoded.vectors[ranked.order], threshold, method=method)
    if keep == "majority":  # of what would a row be one of the majority: of those that hang on one keeper
        component = _of_rows(encoded, ranked, ranked.best[keeper])
        ranked = _ranked(rows, texts, encoded, keep, train=train, component=component)
        keeper, cosine = stars(encoded.vectors[ranked.order], threshold, method=method)
    peer = _of_rows(encoded, ranked, ranked.best[keeper])
    found = np.flatnonzero((peer >= 0) & (peer != np.arange(len(rows))))
    if not found.size:
        return empty()
    scores = np.zeros(len(encoded.texts))
    scores[ranked.order] = cosine
    return _report(rows, texts, encoded, found, peer, scores[encoded.of_row[found]])


def semantic_curve(
    rows: pl.DataFrame,
    *,
    encoder: Encoder,
    keep: str = "longest",
    part: Part = "text",
    train: str = "train",
    method: Method = "auto",
    cache: Path | None = None,
    progress: Report | None = None,
) -> Curve:
    """Return what each threshold from 0.70 to 0.99 would find, and the one that the set itself suggests.

    Options are those of ``find_semantic``.
    """
    texts = row_texts(rows, part)
    encoded = encode(texts, encoder, cache=cache, progress=progress)
    return _curve(rows, texts, encoded, keep=keep, train=train, method=method)


def _curve(rows: pl.DataFrame, texts: pl.Series, encoded: Encoded, *, keep: str, train: str, method: Method) -> Curve:
    ranked = _ranked(rows, texts, encoded, "longest" if keep == "majority" else keep, train=train)
    seen = int((encoded.of_row >= 0).sum())
    return score_curve(encoded.vectors[ranked.order], rows=seen, method=method)


def _ranked(
    rows: pl.DataFrame, texts: pl.Series, encoded: Encoded, keep: str, *, train: str, component: Ints | None = None
) -> _Ranked:
    sizes = texts.str.len_chars().to_numpy().astype(np.int64)
    component = np.zeros(len(rows), np.int64) if component is None else component
    rank = keeping_order(rows, keep, sizes=sizes, component=component, train=train)
    row_of_rank = np.argsort(rank)
    row_of_rank = row_of_rank[encoded.of_row[row_of_rank] >= 0]
    order, first = np.unique(encoded.of_row[row_of_rank], return_index=True)
    by_rank = np.argsort(first, kind="stable")
    return _Ranked(order[by_rank], row_of_rank[first[by_rank]])


def _of_rows(encoded: Encoded, ranked: _Ranked, values: Ints) -> Ints:
    """Give each row what its text has; -1 where it has none."""
    by_text = np.full(len(encoded.texts) + 1, -1)
    by_text[ranked.order] = values
    return by_text[encoded.of_row]  # -1 reads the last, which is -1


def _report(
    rows: pl.DataFrame, texts: pl.Series, encoded: Encoded, found: Ints, peer: Ints, scores: npt.NDArray[np.float64]
) -> pl.DataFrame:
    here, peers = pl.Series(found), pl.Series(peer[found])
    members = pl.DataFrame({"row": np.arange(len(rows)), "peer": peer}).filter(pl.col("peer") >= 0)
    stars_of = members.group_by("peer").agg(pl.col("row").min().alias("first"), pl.len().alias("size"))
    own = pl.DataFrame({"peer": peers}).join(stars_of, on="peer", how="left", maintain_order="left")
    pairs = list(zip(found[:_EXPLAINED].tolist(), peer[found[:_EXPLAINED]].tolist(), strict=True))
    differs = [in_short(texts[a], texts[b]) for a, b in pairs]
    table = pl.DataFrame(
        {
            "id": ids(rows, here),
            "score": np.clip(scores, 0.0, 1.0),
            "cluster": ids(rows, own["first"]),
            "peer": ids(rows, peers),
            "place": place(rows, peers),
            "size": own["size"],
            "relabelled": rows["label"].gather(here).ne_missing(rows["label"].gather(peers)),
            "answered": _other_targets(rows, here, peers),
            # A row in no split was taken out before.
            "elsewhere": (rows["split"].gather(here) != rows["split"].gather(peers)).fill_null(value=False),
            "cut": encoded.long[encoded.of_row[found]] | encoded.long[encoded.of_row[peer[found]]],
            "numbered": _other_numbers(encoded, encoded.of_row[found], encoded.of_row[peer[found]]),
            "differs": differs + [""] * (len(found) - len(differs)),
        }
    )
    of = pl.when(pl.col("size") == 2).then(pl.lit("")).otherwise(pl.format(" (one of {})", pl.col("size")))
    tails = {
        "relabelled": ", with another label",
        "answered": ", with another target",
        "elsewhere": ", in another split",
        "numbered": ", with other numbers",
        "cut": ", read only as far as the encoder reaches",
    }
    shown = pl.when(pl.col("differs") != "").then(pl.concat_str(pl.lit(": "), "differs")).otherwise(pl.lit(""))
    ends = [pl.when(flag).then(pl.lit(tail)).otherwise(pl.lit("")) for flag, tail in tails.items()]
    start = pl.format("Means nearly the same as {}{}, cosine {}", pl.col("place"), of, pl.col("score").round(3))
    return report(
        table.with_columns(
            pl.concat_str(start, shown, *ends, pl.lit(".")).alias("note"),
            pl.when(pl.any_horizontal(*tails)).then(pl.lit("review")).otherwise(pl.lit("drop")).alias("suggest"),
        ),
        "duplicates.semantic",
    )


def _other_targets(rows: pl.DataFrame, here: pl.Series, peers: pl.Series) -> pl.Series:
    """Say where both rows answer something and the answers, folded, are not the same; plain text is no answer."""
    wanted, inverse = np.unique(np.concatenate([here.to_numpy(), peers.to_numpy()]), return_inverse=True)
    some = rows[wanted]
    turns = text.turns(some).filter("is_target", pl.col("turn") > 0)
    said = turns.select("row", "tool_calls", text.fold_all(turns["content"]).alias("content"))
    every = pl.select(pl.int_range(len(some), dtype=pl.UInt32).alias("row"))
    answers = every.join(said, on="row", how="left", maintain_order="left").select("content", "tool_calls")
    answers = answers.with_columns(text.fold_all(some["rejected"]).alias("rejected"))
    one, other = answers[inverse[: len(here)]], answers[inverse[len(here) :]]
    return (
        pl.DataFrame({name: one[name].ne_missing(other[name]) for name in answers.columns})
        .select(pl.any_horizontal(pl.all()))
        .to_series()
    )


def _other_numbers(encoded: Encoded, here: Ints, there: Ints) -> list[bool]:
    from ..near.numbers import agree, numbers_of

    wanted, inverse = np.unique(np.concatenate([here, there]), return_inverse=True)
    starts, values = numbers_of([encoded.texts[at] for at in wanted])
    sets = [set(values[low:high].tolist()) for low, high in pairwise(starts)]
    return [not agree(sets[a], sets[b]) for a, b in zip(inverse[: len(here)], inverse[len(here) :], strict=True)]
