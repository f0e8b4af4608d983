"""Eval rows whose question stands in the training side in other words: what no comparison of characters can see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from ..clusters import ids, place
from ..embed.encoder import Encoder
from ..embed.encoding import Encoded, Report, encode, row_texts, tell
from ..errors import quote
from ..findings import empty, report
from ..masking import mask
from ..near.cosine import Hits, Index, Ints, Method, closest, exact_cosines, index
from ..near.numbers import Numbers, numbers_of
from ..near.score_curve import Proposal, propose

_SAMPLE = 1_000  # texts of the known side whose nearest is looked for, to see how close other questions come
_FLOOR = 0.2  # from where on they are looked for: nearest ones under it change neither the median nor the percentile
_QUOTED = 400  # characters in which secrets are masked before 60 of them are shown


@dataclass(frozen=True)
class _Side:
    """One line between training and evaluation: who is held against whom."""

    name: str
    rows: pl.DataFrame
    source: pl.DataFrame
    held: Ints
    """Rows of ``rows``."""
    known: Ints
    """Rows of ``source``."""
    of_held: Ints
    """The text of each held row; -1 for none."""
    of_known: Ints


def find_meaning(
    rows: pl.DataFrame,
    *,
    encoder: Encoder,
    against: pl.DataFrame | None = None,
    train: str = "train",
    threshold: float | None = None,
    method: Method = "auto",
    cache: Path | None = None,
    progress: Report | None = None,
    notes: list[str] | None = None,
) -> pl.DataFrame:
    """Find rows whose input means what an input on the other side of the line between training and evaluation means.

    Who is held against whom, and which rows are found, is as in ``leakage.exact.find_leak``: within the set the rows of every
    split but ``train``, and with ``against`` those of this set (split null or ``train``) that are in the eval file. Repeats
    are found too.

    Two inputs mean the same where the cosine of their vectors is at least the threshold and their numbers agree
    (``near.numbers``): without the second half, a question of the same story with other numbers is as close as a rephrased one
    (of GSM8K's test questions 6% have one in train at cosine 0.8, and with it 1%).

    Args:
        rows: the rows.
        encoder: ``embed.encoder.find_encoder(...).encoder``, or any other.
        against: the rows of an eval file (``dataset.ROWS``).
        train: name of the split that is trained on.
        threshold: a cosine, over 0, at most 1; for ``None`` that of ``meaning_thresholds``.
        method: how they are looked for (``near.cosine``).
        cache: a folder to keep vectors in.
        progress: told after each batch that is encoded.
        notes: takes what there is to say beside the findings (``Encoded.notes``, and the threshold that the data gave),
            each sentence once.

    Raises:
        UsageError: a threshold out of bounds.
        DataError: the encoder is broken.
    """
    sides, encoded = _sides(rows, encoder, against, train, cache, progress)
    tell(encoded, notes)
    numbers = numbers_of(encoded.texts)
    found = [_leaks(side, encoded, numbers, threshold, method, notes) for side in sides]
    lines = pl.concat([empty().with_columns(row=pl.lit(0, pl.Int64)), *found])
    return lines.sort("row", maintain_order=True).drop("row")


def meaning_thresholds(
    rows: pl.DataFrame,
    *,
    encoder: Encoder,
    against: pl.DataFrame | None = None,
    train: str = "train",
    method: Method = "auto",
    cache: Path | None = None,
    progress: Report | None = None,
) -> dict[str, Proposal]:
    """Return the threshold that each known side suggests: ``{"train": ..., "the eval file": ...}``, those that there are.

    How close other questions come is seen on the known side alone, among texts whose numbers agree: the held side may be
    leaked from the first row to the last, and would say that closeness is normal (``near.score_curve.propose``).
    """
    sides, encoded = _sides(rows, encoder, against, train, cache, progress)
    numbers = numbers_of(encoded.texts)
    return {side.name: _proposal(encoded, numbers, *_known(side, encoded, method)) for side in sides}


def _sides(
    rows: pl.DataFrame,
    encoder: Encoder,
    against: pl.DataFrame | None,
    train: str,
    cache: Path | None,
    progress: Report | None,
) -> tuple[list[_Side], Encoded]:
    """Encode what stands on either side, in one call: TF-IDF's vectors hold among texts of one call only."""
    trained = (rows["split"] == train).fill_null(value=False)
    held = rows["split"].is_not_null() & ~trained
    ours = np.flatnonzero((trained | rows["split"].is_null()).to_numpy())
    inside = np.flatnonzero(held.to_numpy()), np.flatnonzero(trained.to_numpy())
    compared = bool(inside[0].size and inside[1].size)
    texts = row_texts(rows, "input")
    if against is None and not compared:
        texts = texts.clear()
    elif not compared:  # a row on no side is not worth its encoding
        texts = pl.select(pl.when(trained | rows["split"].is_null()).then(texts).otherwise(pl.lit(""))).to_series()
    there = texts.clear() if against is None else row_texts(against, "input")
    encoded = encode(pl.concat([texts.alias("text"), there.alias("text")]), encoder, cache=cache, progress=progress)
    own, other = encoded.of_row[: len(texts)], encoded.of_row[len(texts) :]
    sides = []
    if compared:
        sides.append(_Side("train", rows, rows, *inside, own[inside[0]], own[inside[1]]))
    if against is not None:
        sides.append(_Side("the eval file", rows, against, ours, np.arange(len(against)), own[ours], other))
    return sides, encoded


def _known(side: _Side, encoded: Encoded, method: Method) -> tuple[Ints, Index]:
    """Return the distinct texts of the known side, and an index of them."""
    texts = np.unique(side.of_known[side.of_known >= 0])
    return texts, index(encoded.vectors[texts], method)


def _leaks(
    side: _Side, encoded: Encoded, numbers: Numbers, threshold: float | None, method: Method, notes: list[str] | None
) -> pl.DataFrame:
    known, searched = _known(side, encoded, method)
    asked = np.unique(side.of_held[side.of_held >= 0])
    if threshold is None:
        proposal = _proposal(encoded, numbers, known, searched)
        threshold = proposal.threshold
        if notes is not None:
            notes.append(
                f"leakage.meaning took a cosine of {threshold} and more for the same meaning as in {side.name}: {proposal.why} "
                "--cosine sets another."
            )
    _, peer = _agreeing(encoded, numbers, asked, known, searched, threshold)
    peers = np.append(peer, -1)[side.of_held]
    hit = np.flatnonzero(peers >= 0)
    first = np.full(len(encoded.texts), -1)
    first[side.of_known[::-1][side.of_known[::-1] >= 0]] = side.known[::-1][
        side.of_known[::-1] >= 0
    ]  # the first is written last
    return _report(side, encoded, hit, peers[hit], first[peers[hit]])


def _agreeing(
    encoded: Encoded,
    numbers: Numbers,
    asked: Ints,
    known: Ints,
    searched: Index,
    threshold: float,
    *,
    others: bool = False,
) -> tuple[npt.NDArray[np.float32], Ints]:
    """Return, by number of text, the best score of each text asked for and its peer among the known whose numbers agree."""
    from ..near.cosine_kernels import pick_agreeing

    best = np.full(len(encoded.texts), -1.0, np.float32)
    peer = np.full(len(encoded.texts), -1)

    def pick(hits: Hits) -> None:
        rows, there = asked[hits.rows], known[hits.others]
        wanted = rows != there if others else np.ones(len(rows), bool)
        pick_agreeing(rows[wanted], there[wanted], hits.scores[wanted], *numbers, best, peer)

    if len(known):
        closest(encoded.vectors[asked], searched, threshold, pick)
    return best, peer


def _proposal(encoded: Encoded, numbers: Numbers, known: Ints, searched: Index) -> Proposal:
    sample = (
        np.sort(np.random.default_rng(0).choice(known, min(known.size, _SAMPLE), replace=False))
        if known.size
        else known
    )
    best, _ = _agreeing(encoded, numbers, sample, known, searched, _FLOOR, others=True)
    return propose(np.maximum(best[sample], np.float32(_FLOOR)))[0]


def _report(side: _Side, encoded: Encoded, hit: Ints, texts: Ints, peer: Ints) -> pl.DataFrame:
    """Report the held rows at ``hit``, each with its known text and the first row that has it; with ``row`` to sort by."""
    if not hit.size:
        return empty().with_columns(row=pl.lit(0, pl.Int64))
    here = side.held[hit]
    scores = exact_cosines(encoded.vectors, side.of_held[hit], encoded.vectors, texts)
    cut = encoded.long[side.of_held[hit]] | encoded.long[texts]
    outside = side.source is not side.rows
    table = pl.DataFrame(
        {
            "id": ids(side.rows, pl.Series(here)),
            "score": np.clip(scores, 0.0, 1.0),
            "place": place(side.source, pl.Series(peer)),
            "span": list(_spans(encoded, texts)),
            "cut": cut,
            "row": here,
        }
    )
    ended = pl.when("cut").then(pl.lit(", as far as the encoder reaches")).otherwise(pl.lit(""))
    note = pl.format(
        f"Asks what {{}} in {side.name} asks, cosine {{}}{{}}: {{}}.",
        pl.col("place"),
        pl.col("score").round(3),
        ended,
        pl.col("span"),
    )
    told = report(
        table.with_columns(
            note.alias("note"),
            # A row of another file has no id in this set, so nothing may point at it.
            (pl.lit(None) if outside else ids(side.source, pl.Series(peer))).alias("peer"),
            pl.when("cut").then(pl.lit("review")).otherwise(pl.lit("drop")).alias("suggest"),
        ),
        "leakage.meaning",
    )
    return told.with_columns(row=pl.Series(here, dtype=pl.Int64))


def _spans(encoded: Encoded, texts: Ints) -> Iterator[str]:
    for text in texts:
        yield quote(mask(encoded.texts[text][:_QUOTED]))
