"""The ledger of a run: one line for every draft that was planned, whatever became of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
import polars as pl

from ..calls import Request
from .draft import Made
from .outcome import Outcome
from .rows import Origin, cost_of, digest_answers, digest_requests

DRAFTS = pl.Schema(
    {
        "id": pl.String,  # of the draft
        "cell": pl.String,  # JSON
        "index": pl.Int64,
        "parents": pl.List(pl.String),
        "fate": pl.String,  # accepted, rejected, review or failed
        "gate": pl.String,  # that decided; null where accepted
        "why": pl.String,
        "verdicts": pl.String,  # JSON
        "made": pl.String,  # JSON: what the replies made, also of a rejected draft
        "calls": pl.List(pl.String),  # keys in the journal
        "prompt_sha256": pl.String,
        "response_sha256": pl.String,
        "prompt_tokens": pl.Int64,
        "completion_tokens": pl.Int64,
        "cost": pl.Float64,
    }
)
"""Columns of ``drafts.parquet``."""

Keys = Callable[[Sequence[Request]], Iterable[str]]
"""Requests to their keys in the journal."""

_encode = msgspec.json.Encoder(order="deterministic").encode


def drafts_table(outcomes: Sequence[Outcome], origin: Origin, keys: Keys) -> pl.DataFrame:
    """Return the drafts as a frame, ``DRAFTS`` columns, in the order in which they were planned."""
    return pl.DataFrame([_line(outcome, origin, keys) for outcome in outcomes], schema=DRAFTS, orient="row")


def _line(outcome: Outcome, origin: Origin, keys: Keys) -> dict[str, Any]:
    prompt, completion = outcome.tokens
    requests = [request for request, _ in outcome.calls]
    made = outcome.made
    return {
        "id": outcome.draft.id,
        "cell": json.dumps(dict(outcome.draft.cell), ensure_ascii=False),
        "index": outcome.draft.index,
        "parents": list(outcome.draft.parents),
        "fate": outcome.fate,
        "gate": outcome.gate,
        "why": outcome.why,
        "verdicts": _encode(outcome.verdicts).decode(),
        "made": None if made is None else _encode(made_as_json(made)).decode(),
        "calls": list(keys(requests)),
        "prompt_sha256": digest_requests(requests),
        "response_sha256": digest_answers([answer for _, answer in outcome.calls]),
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "cost": cost_of(outcome, origin),
    }


def made_as_json(made: Made) -> dict[str, Any]:
    """Return what a draft made as JSON values, without what it has not."""
    told = {
        "messages": [msgspec.to_builtins(said) for said in made.messages],
        "label": made.label,
        "rejected": made.rejected,
        "tools": made.tools,
        "extra": dict(made.extra),
    }
    return {name: value for name, value in told.items() if value}
