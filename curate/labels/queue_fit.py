"""The fit that a queue is drawn from: labels judged in sight of people's answers, kept until there are enough new ones."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import polars as pl

from .. import disk
from ..embed.encoder import Encoder
from ..embed.encoding import Report
from ..version import version
from .classes import SEVERAL
from .influence import influence, row_weights
from .judged import Judged, judge_labels, knows_nothing, why_not
from .labelled import Labelled, labelled
from .planted import Doubles, Ints
from .reviewed import Reviewed, reviewed
from .suspect import reasons
from .targets import likeliest

FIT = pl.Schema(
    {
        "id": pl.String,
        "label": pl.String,  # as decided so far
        "suggested": pl.String,
        "wrong": pl.Float64,  # chance that the label is wrong
        "rank": pl.Float64,  # log-odds, finer than ``wrong``
        "confidence": pl.Float64,  # that the suggested label is right, if the given one is wrong
        "gain": pl.Float64,
        "foretold": pl.Float64,  # chance that the label it came with is wrong, by all other rows: what an answer is held against
        "note": pl.String,  # the reason; of the first rows only
    }
)
"""Columns of a fit."""

_LEAST = 0.01  # share of wrong labels that an order by gain starts from: an estimate of none would make all rows alike
_TOLD = 500  # rows that get their reasons, by either order: far more than are reviewed before the next fit
_FORM = 1  # of the file; raised when what is in it changes


@dataclass(frozen=True)
class Fit:
    """What the labels look like after some answers."""

    frame: pl.DataFrame
    """``FIT``, in the order of the rows."""
    reason: str | None
    """Why labels can't be judged, where they can't: there is no line then."""
    again: bool
    """Whether it was worked out now, and not read."""


def fitted(
    rows: pl.DataFrame,
    heads: pl.DataFrame,
    *,
    encoder: Encoder,
    name: str,
    train: str = "train",
    cache: Path | None = None,
    progress: Report | None = None,
    notes: list[str] | None = None,
) -> Fit:
    """Return the fit with these decisions; the one that is kept, where it is of the same rows, decisions and encoder.

    Args:
        rows: the rows as read.
        heads: the standing decisions to take into account.
        encoder: see ``embed.encoder``.
        name: of the encoder.
        train: name of the split that is trained on.
        cache: folder to keep the fit and vectors in; what is lost there is worked out again.
        progress: told how far an encoding is.
        notes: takes what there is to say of the encoding.
    """
    model = str(getattr(encoder, "fingerprint", None) or name)
    key = _key(rows, heads, model, train)
    path = None if cache is None else cache / f"queue-{blake2b(model.encode(), digest_size=6).hexdigest()}.parquet"
    kept = None if path is None else _kept(path, key)
    if kept is not None:
        return Fit(kept, None, again=False)
    seen = reviewed(rows, heads)
    of = labelled(seen.rows, encoder=encoder, cache=cache, progress=progress, notes=notes)
    reason = SEVERAL if of.several else why_not(of)
    if reason is not None:
        return Fit(pl.DataFrame(schema=FIT), reason, again=True)
    came, held = _came(seen, of)
    judged = judge_labels(of, seen.rows, came=came)
    reason = knows_nothing(judged)
    if reason is not None:
        return Fit(pl.DataFrame(schema=FIT), reason, again=True)
    frame = _fit(seen, judged, came, held, train)
    if path is not None:
        _keep(path, frame, key)
    return Fit(frame, None, again=True)


def _fit(seen: Reviewed, judged: Judged, came: Ints, held: np.ndarray, train: str) -> pl.DataFrame:
    of, noise, names = judged.of, judged.noise, pl.Series(judged.of.names, dtype=pl.String)
    weight = influence(judged.evidence.neighbours, of.text, row_weights(seen.rows["split"].gather(of.row), train=train))
    prior = np.log(max(noise.rate, _LEAST) / (1 - max(noise.rate, _LEAST)))
    chance = np.maximum(noise.wrong, np.where(came >= 0, 0.0, 1 / (1 + np.exp(-np.clip(noise.rank + prior, -50, 50)))))
    gain = chance * weight
    top = np.union1d(_first(gain, noise.rank), _first(noise.rank, gain))
    top = top[came[top] < 0]
    notes = np.full(came.size, None, object)
    notes[top] = reasons(judged, top, judged.suggested[top])
    foretold = noise.wrong if noise.foretold is None else noise.foretold
    return pl.DataFrame(
        {
            "id": seen.rows["id"].gather(of.row),
            "label": names.gather(of.code),
            "suggested": names.gather(judged.suggested),
            "wrong": noise.wrong,
            "rank": noise.rank,
            "confidence": judged.confidence,
            "gain": gain,
            "foretold": pl.Series(np.where(held | (came < 0), foretold, np.nan)).fill_nan(None),
            "note": pl.Series(notes.tolist(), dtype=pl.String),
        },
        schema=FIT,
    )


def _came(seen: Reviewed, of: Labelled) -> tuple[Ints, np.ndarray]:
    """Return (n) the labels that trusted rows came with, -1 elsewhere, and of which of them that can be held against an answer.

    A label that no row has any longer can't be judged; there the label of now stands for it.
    """
    trusted = seen.answers.filter("trusted").select("id", "came")
    trusted = trusted.with_columns(likeliest(trusted["came"]))
    ids = pl.DataFrame({"id": seen.rows["id"].gather(of.row), "now": of.code})
    code = pl.DataFrame({"came": of.names, "code": range(len(of.names))}, schema={"came": pl.String, "code": pl.Int64})
    found = ids.join(trusted, on="id", how="left", maintain_order="left").join(
        code, on="came", how="left", maintain_order="left"
    )
    held = found["code"].is_not_null().to_numpy()
    came = pl.select(pl.when(found["came"].is_null()).then(-1).otherwise(found["code"].fill_null(found["now"])))
    return came.to_series().to_numpy().astype(np.int64), held


def _first(values: Doubles, then: Doubles) -> Ints:
    return np.lexsort((-then, -values))[:_TOLD]


def _key(rows: pl.DataFrame, heads: pl.DataFrame, model: str, train: str) -> str:
    """Return the digest of all that a fit depends on; ids hold texts and labels."""
    digest = blake2b(json.dumps([_FORM, version(), model, train]).encode(), digest_size=16)
    for frame, names in (
        (rows, ("id", "split", "annotator")),
        (heads.sort("row_id", "seq"), ("row_id", "action", "value", "reviewer", "rule")),
    ):
        digest.update(frame.select(pl.struct(names).struct.json_encode()).to_series().str.join("\n").item().encode())
        digest.update(b"\0")
    return digest.hexdigest()


def _kept(path: Path, key: str) -> pl.DataFrame | None:
    """Return the kept fit, or ``None`` where it is of something else, or lost, or damaged."""
    try:
        if pl.read_parquet_metadata(path).get("fit") != key:
            return None
        frame = pl.read_parquet(path, glob=False)
    except (pl.exceptions.PolarsError, OSError):
        return None
    return frame if frame.schema == FIT else None


def _keep(path: Path, frame: pl.DataFrame, key: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        disk.write_whole(path, lambda beside: frame.write_parquet(beside, compression="zstd", metadata={"fit": key}))
    except OSError:
        return  # a folder of another user: the next look works it out again
