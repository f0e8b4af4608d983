"""What a ledger keeps of a run's results, so that an edited file and other answers are told from what was looked at."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Any

import msgspec
import polars as pl

from ..runs.results import RESULTS

_encode = msgspec.json.Encoder().encode


def results_digest(results: pl.DataFrame) -> str:
    """Return the SHA-256 of what results hold, 64 hex digits: every column of every line, in whatever order they stand.

    Of values and not of the file: another version of the Parquet library writes other bytes.

    Args:
        results: ``RESULTS`` columns and the scorers' own.
    """
    return _digest(results.select(pl.col(name).cast(RESULTS.get(name, kind)) for name, kind in results.schema.items()))


DECIDING = ("candidate", "model", "rung", "prompt", "parameters", "samples", "scorers", "primary", "train", "imported")
"""What of a run's manifest a verdict goes by, beside the eval set that it names."""


def manifest_digest(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what of a manifest decides a verdict, 64 hex digits: not when it ran, nor where the set stood.

    Args:
        manifest: as ``Run.manifest``.
    """
    of = manifest.get("evalset") or {}
    told = {name: manifest.get(name) for name in DECIDING} | {"on": [of.get("digest"), of.get("part")]}
    plain = msgspec.json.decode(_encode(told))  # as it is read back: a tuple is a list, a key is a text
    return sha256(msgspec.json.encode(plain, order="deterministic")).hexdigest()


def answers_digest(results: pl.DataFrame, *, but: Collection[str] = ()) -> str:
    """Return the SHA-256 of what was answered alone, which scorers and prices leave as it is; 64 hex digits.

    Args:
        results: ``id, sample, status, output``; what never came is no answer.
        but: ids of rows that are left out.
    """
    told = results.filter((pl.col("status") != "error") & ~pl.col("id").is_in(list(but)))
    return _digest(told.select("id", pl.col("sample").cast(pl.Int64), "output"))


def unanswered(results: pl.DataFrame) -> tuple[str, ...]:
    """Return the ids of rows of which an answer never came, sorted."""
    return tuple(results.filter(status="error")["id"].unique().sort())


def pins_weights(identity: Mapping[str, Any]) -> bool:
    """Say whether a model's identity tells one set of weights from another: a server's name does not.

    >>> pins_weights({"kind": "transformers", "weights": "sha256:9f"}), pins_weights({"kind": "openai", "model": "m"})
    (True, False)
    """
    return bool(identity.get("weights") or identity.get("digest"))


def _digest(frame: pl.DataFrame) -> str:
    names = sorted(frame.columns)
    lines = sorted(_encode(row) for row in frame.select(names).iter_rows())  # JSON holds no line feed of its own
    return sha256(b"\n".join([_encode(names), *lines])).hexdigest()
