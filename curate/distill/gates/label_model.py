"""Made rows whose label the real rows would not give: the audit's kernel classifier, fitted on real labels alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ...embed.encoder import TFIDF, find_encoder
from ...embed.encoding import encode, row_texts
from ...errors import quote
from ...labels.evidence import label_shares
from ...labels.judged import CHANCE, KNOWS
from ...labels.ridge import fourier, leave_one_out
from ...labels.temperature import fit_temperature
from ...masking import mask
from .gate import Batch, of_lines, plain
from .wanted import LabelModel

LABEL = "labels.suspect"
Floats = npt.NDArray[np.float32]

_TEXTS = 20  # labelled real texts; fewer tell no label from another
_LARGEST = 60_000_000  # texts times labels
_LEARNT = 5_000  # real rows that are learnt from, as many of each label as there are: all of 10,000 take 5 CPU seconds a round
_AXES = 1_024  # features; without the kernel, by the 256 axes of the vectors, a fifth fewer near misses are seen
_NAME = 40


@dataclass(frozen=True)
class Believed:
    """What the real rows say of made ones."""

    odds: npt.NDArray[np.float64]
    """(n, k) log-odds of each label, labels weighed alike; NaN for a row without a text."""
    names: list[str]
    knows: float
    """Share of what there is to know of the real labels that it knows, out of sample."""
    nearest: list[str | None]
    """(n) id of the nearest real row of the likeliest label."""


def find_unlike(batch: Batch, options: LabelModel) -> pl.DataFrame:
    """Find made rows for which another label is likelier than the intended one, by the real rows (``labels.suspect``).

    Labels are weighed alike, however many rows they have: that a label is rare is why rows of it are made. Where the texts say
    next to nothing of the real labels nothing is said of the made ones, either, and a label that no real row has is not judged.
    """
    believed = believe(batch)
    if isinstance(believed, str):
        batch.say(f"made labels were not held against the real rows: {believed}")
        return of_lines([])
    place = {name: code for code, name in enumerate(believed.names)}
    lines = []
    for at, (row_id, label) in enumerate(zip(batch.made["id"], batch.made["label"], strict=True)):
        odds = believed.odds[at]
        if label not in place or np.isnan(odds[0]):
            continue
        best = int(odds.argmax())
        behind = float(odds[best] - odds[place[label]])
        if behind < np.log(options.review_odds):
            continue
        severity = "reject" if behind >= np.log(options.reject_odds) else "review"
        names = [quote(mask(name[:200]), _NAME) for name in (believed.names[best], label)]
        note = f"By the real rows {names[0]} is {_times(behind)} times likelier than {names[1]}, which was meant."
        lines.append({"id": row_id, "verdict": severity, "score": behind, "note": note, "peer": believed.nearest[at]})
    return of_lines(lines, LABEL)


def believe(batch: Batch) -> Believed | str:
    """Return what the real rows say of the made ones, or why they say nothing."""
    real = learnt(batch.shown.filter(pl.col("label").is_not_null()))
    rows = pl.concat([plain(real), plain(batch.made)])
    encoder = batch.encoder or find_encoder(TFIDF).encoder
    encoded = encode(row_texts(rows), encoder, cache=batch.cache)
    known, asked = encoded.of_row[: real.height], encoded.of_row[real.height :]
    seen = known >= 0
    names = real["label"].unique().sort().to_list()
    texts = np.unique(known[seen])
    if len(names) < 2:
        return "the real rows have fewer than two labels"
    if len(names) > max(real.height // 2, 1):
        return f"{len(names):,} labels on {real.height:,} real rows are no classes"
    if texts.size < _TEXTS:
        return f"{texts.size} labelled real texts are too few"
    if len(encoded.vectors) * len(names) > _LARGEST:
        return f"{len(encoded.vectors):,} texts times {len(names):,} labels do not fit into memory"
    place = {name: code for code, name in enumerate(names)}
    code = np.array([place[label] for label in real["label"]], np.int64)
    targets = np.zeros((len(encoded.vectors), len(names)), np.float32)
    np.add.at(targets, (known[seen], code[seen]), 1.0)
    of_real = targets.sum(axis=1) > 0
    targets[of_real] /= targets[of_real].sum(axis=1, keepdims=True)
    odds, knows, unseen = _odds(encoded.vectors, targets, of_real)
    if knows < max(KNOWS, CHANCE / max(unseen * texts.size, 1e-9)):
        return f"the texts tell next to nothing of the real labels ({max(knows, 0.0):.0%} of what there is to know)"
    told = np.where((asked >= 0)[:, None], odds[np.maximum(asked, 0)], np.nan)
    return Believed(told, names, knows, _nearest(encoded.vectors, asked, told, real["id"].to_list(), known, code))


def learnt(real: pl.DataFrame) -> pl.DataFrame:
    """Return at most so many rows, of every label the same number where it has them; the same ones in every round."""
    if real.height <= _LEARNT:
        return real
    drawn = real.select("label", order=pl.Series(np.random.default_rng(0).permutation(real.height)))
    drawn = drawn.with_row_index("row").with_columns(turn=pl.col("order").rank("ordinal").over("label"))
    return real[drawn.sort("turn", "order")["row"].head(_LEARNT).sort()]


def _odds(
    vectors: Floats, targets: Floats, of_real: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float64], float, float]:
    """Return the log-odds of every text, the share that they know of the nats that a real label takes, and these nats."""
    from threadpoolctl import threadpool_limits

    shares = label_shares(targets[of_real])
    weight = np.zeros(len(vectors), np.float32)  # a made row takes no part: it is judged, and judges nothing
    weight[of_real] = targets[of_real] @ (1 / np.maximum(targets[of_real].sum(axis=0), 1e-6)).astype(np.float32)
    filled = np.where(of_real[:, None], targets, shares)
    unseen = float(-np.log(targets[of_real] @ shares).mean())
    with threadpool_limits(1):
        scores = leave_one_out(fourier(vectors, axes=min(_AXES, 4 * len(vectors))), filled, weight, shares=shares)
    fitted = fit_temperature(scores[of_real], targets[of_real], shares)
    return fitted.slope * scores.astype(np.float64), 1 - fitted.loss / unseen if unseen > 0 else 0.0, unseen


def _nearest(
    vectors: Floats, asked: npt.NDArray[np.int64], odds: npt.NDArray[np.float64], ids: list[str],
    known: npt.NDArray[np.int64], code: npt.NDArray[np.int64],
) -> list[str | None]:  # fmt: skip
    found: list[str | None] = []
    for text, of in zip(asked.tolist(), odds, strict=True):
        there = np.flatnonzero((code == int(of.argmax())) & (known >= 0)) if text >= 0 else np.zeros(0, np.int64)
        found.append(ids[there[int((vectors[known[there]] @ vectors[text]).argmax())]] if there.size else None)
    return found


def _times(nats: float) -> str:
    return f"{np.exp(nats):,.0f}" if nats < np.log(1000) else "over 1,000"
