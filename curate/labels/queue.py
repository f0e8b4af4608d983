"""The verb ``queue``: which labels to review first, and how right the queue has been so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

import polars as pl

from .. import disk
from ..dataset import Dataset
from ..decisions.applied import head_for
from ..decisions.ledger import Ledger
from ..embed.encoder import TFIDF, Encoder, find_encoder
from ..embed.encoding import Report
from ..errors import UsageError, quote
from ..masking import mask
from .queue_fit import Fit, fitted
from .reviewed import Reviewed, counted_heads, reviewed

Order = Literal["gain", "wrong"]
EVERY = 30
"""Answers after which the model is fitted again."""
_AT = (10, 30, 100)  # answers after which precision is told
_BANDS = (0.0, 0.2, 0.5, 0.8, 1.0)  # of chances that are held against what was found

QUEUE = pl.Schema(
    {
        "id": pl.String,
        "file": pl.String,
        "line": pl.Int64,
        "split": pl.String,
        "label": pl.String,
        "suggested": pl.String,
        "wrong": pl.Float64,  # chance that the label is wrong
        "confidence": pl.Float64,  # that the suggested label is right, if the given one is wrong
        "gain": pl.Float64,  # chance times influence
        "note": pl.String,  # the reason; of the first rows only
    }
)
"""Columns of a queue."""


@dataclass(frozen=True)
class Queue:
    """Rows to review, the first first, and what reviews came to so far."""

    frame: pl.DataFrame
    """``QUEUE``; labels and notes are masked for showing."""
    by: Order
    waiting: int
    """Labelled rows that nobody has settled; ``frame`` may hold fewer."""
    expected: float
    """Wrong labels that are expected among them."""
    answers: pl.DataFrame
    """Labels that people reviewed, in the order of their decisions (``reviewed.ANSWERS``), with the chance ``foretold``."""
    fitted_with: int
    """Answers that the order rests on."""
    again: bool = False
    """Whether the model was fitted now, and not read."""
    notes: list[str] = field(default_factory=list)

    @property
    def decided(self) -> int:
        """Labels that people reviewed."""
        return self.answers.height

    @property
    def confirmed_wrong(self) -> int:
        """Those of them that people gave another label."""
        return int(self.answers["wrong"].sum())

    @property
    def refit_in(self) -> int:
        """Answers until the model is fitted again."""
        return EVERY - self.decided % EVERY

    @property
    def precision(self) -> dict[str, float]:
        """Share of wrong labels among the first 10, 30, 100 and all answers that say right or wrong, in their order."""
        told = self.answers["wrong"].drop_nulls()
        steps = {str(k): told.head(k).mean() for k in _AT if told.len() >= k}
        return {at: round(float(share), 4) for at, share in (steps | {"all": told.mean()}).items() if share is not None}  # pyright: ignore[reportArgumentType]

    @property
    def calibration(self) -> list[dict[str, Any]]:
        """Chances that were foretold beside what was found, a line a band of chances that has answers."""
        told = self.answers.drop_nulls(["wrong", "foretold"])
        lines = []
        for low, high in pairwise(_BANDS):
            upper = pl.col("foretold") <= high if high == 1.0 else pl.col("foretold") < high
            rows = told.filter((pl.col("foretold") >= low) & upper)
            if rows.height:
                said, found = rows.select(pl.col("foretold").mean(), pl.col("wrong").cast(pl.Float64).mean()).row(0)
                lines.append(
                    {"from": low, "to": high, "rows": rows.height, "foretold": round(said, 4), "found": round(found, 4)}
                )
        return lines

    def summary(self) -> dict[str, Any]:
        """Return the queue and its figures as JSON values."""
        return {
            "by": self.by, "waiting": self.waiting, "expected_wrong": round(self.expected, 1), "decided": self.decided,
            "confirmed_wrong": self.confirmed_wrong, "precision": self.precision, "calibration": self.calibration,
            "fitted_with": self.fitted_with, "refit_in": self.refit_in, "rows": self.frame.to_dicts(), "notes": self.notes,
        }  # fmt: skip


def review_queue(
    dataset: Dataset,
    *,
    by: Order = "gain",
    encoder: str | Encoder | None = None,
    download: bool = False,
    limit: int | None = 20,
    progress: Report | None = None,
) -> Queue:
    """Return the labels to review first; rows that a decision has settled are out.

    The model is fitted at first, and again after every 30 answers of people, whose labels it then trusts. Until then the order
    stays, and opening the queue costs no fit. Which decisions a fit rests on is told by the ledger alone, so that a lost or
    deleted fit is worked out again, to the same queue.

    Args:
        dataset: the set.
        by: ``wrong`` orders by the chance that the label is wrong, ``gain`` by that times influence (``influence``).
        encoder: a name (``embed.encoder.find_encoder``) or an encoder; for ``None`` that of the last check, or words alone.
        download: an encoder may be fetched from the hub.
        limit: most rows to return; ``None`` is all.
        progress: told how far an encoding is.

    Raises:
        UsageError: there is no such order or encoder.
    """
    if by not in ("gain", "wrong"):
        raise UsageError(f"--by takes gain or wrong, not {quote(by)}.")
    if limit is not None and limit < 0:
        raise UsageError(f"--limit is 0 or more, not {limit}.")
    rows, notes = dataset.rows, list[str]()
    with Ledger.open(dataset.folder) as ledger:
        heads = head_for(ledger, rows).heads
    now = reviewed(rows, heads)
    model, name = _encoder(dataset, encoder, download=download)
    asked = encoder is not None or name != TFIDF  # who named no encoder is told nothing of an encoding
    fit = fitted(
        rows, counted_heads(heads, now.answers, every=EVERY), encoder=model, name=name,
        train=dataset.manifest.get("train", "train"), progress=progress, notes=notes if asked else None,
        cache=dataset.folder / "vectors" if disk.writable(dataset.folder) else None,
    )  # fmt: skip
    if fit.reason is not None:
        notes.append(f"labels were not judged: {fit.reason}")
    waiting = _waiting(rows, fit, now, by)
    shown = waiting if limit is None else waiting.head(limit)
    return Queue(
        shown.select(QUEUE.names()).with_columns(_masked("label", "suggested", "note")),
        by, waiting.height, float(waiting["wrong"].sum()), _held(now, fit), now.answers.height // EVERY * EVERY, fit.again,
        notes,
    )  # fmt: skip


def _encoder(dataset: Dataset, wanted: str | Encoder | None, *, download: bool) -> tuple[Encoder, str]:
    if wanted is not None and not isinstance(wanted, str):
        return wanted, "given"
    found = find_encoder(wanted or dataset.manifest.get("options", {}).get("encoder") or TFIDF, download=download)
    return found.encoder, found.name


def _waiting(rows: pl.DataFrame, fit: Fit, now: Reviewed, by: Order) -> pl.DataFrame:
    """Return the rows that nobody has settled, in order; ties go by id, so that the order of the rows means nothing."""
    place = rows.select("id", "file", "line", "split")
    left = fit.frame.filter(~pl.col("id").is_in(now.settled.implode())).join(place, on="id", how="left")
    first = ["gain", "rank"] if by == "gain" else ["rank", "gain"]
    return left.sort([*first, "id"], descending=[True, True, False])


def _held(now: Reviewed, fit: Fit) -> pl.DataFrame:
    """Return the answers with the chance that the row was wrong, as the fit that stands has it from all other rows."""
    return now.answers.join(fit.frame.select("id", "foretold"), on="id", how="left", maintain_order="left")


def _masked(*names: str) -> list[pl.Expr]:
    return [pl.col(name).map_elements(mask, return_dtype=pl.String) for name in names]
