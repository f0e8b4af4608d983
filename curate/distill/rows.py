"""Made drafts as rows of a set, each with its lineage in ``extra``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
import polars as pl

from ..calls import Answer, Request
from ..dataset import ROWS
from ..messages import Content, Said, content_hash
from .lineage import Lineage, Teacher, texts_in
from .outcome import Outcome

_encode = msgspec.json.Encoder(order="deterministic").encode


@dataclass(frozen=True)
class Origin:
    """What all rows of a run have in common."""

    run: str
    """Name of the run."""
    kind: str
    teacher: str
    """Name of the teacher: the rows' ``origin``."""
    about: Teacher
    """The teacher as the lineage tells it."""
    parameters: Mapping[str, Any]
    license: str | None
    made: str
    """Day on which the run was begun, YYYY-MM-DD."""
    recipe: str
    """Digest of the recipe."""
    input_price: float | None = None
    """Of one token."""
    output_price: float | None = None
    currency: str | None = None


@dataclass(frozen=True)
class Parents:
    """What rows inherit, by id of the parent."""

    group: Mapping[str, str | None]
    time: Mapping[str, datetime | None]

    @classmethod
    def of(cls, rows: pl.DataFrame) -> Parents:
        """Return what the rows of a set pass on."""
        ids = rows["id"].to_list()
        return cls(dict(zip(ids, rows["group"], strict=True)), dict(zip(ids, rows["time"], strict=True)))

    def group_of(self, parents: Sequence[str]) -> str | None:
        """Return the group that all parents share; ``None`` where they share none."""
        groups = {self.group.get(parent) for parent in parents}
        return next(iter(groups)) if len(groups) == 1 else None

    def time_of(self, parents: Sequence[str]) -> datetime | None:
        """Return the time of the newest parent: a split in time then has the child where all parents are past."""
        return max((time for parent in parents if (time := self.time.get(parent)) is not None), default=None)


def drafts_as_rows(outcomes: Sequence[Outcome], origin: Origin, parents: Parents, *, split: str) -> pl.DataFrame:
    """Return what drafts have made as rows that the gates look at: ``ROWS``, ``parents`` and ``beside``, the draft's id as id.

    ``beside`` (List[String]) is what they made that has no column: a rationale, a quote.
    """
    lines = [_row(outcome, origin, parents) | {"id": outcome.draft.id, "split": split} for outcome in outcomes]
    frame = pl.DataFrame(lines, schema=ROWS, orient="row")
    return frame.with_columns(
        parents=pl.Series([list(one.draft.parents) for one in outcomes], dtype=pl.List(pl.String)),
        beside=pl.Series([texts_in(one.made.extra) if one.made else [] for one in outcomes], dtype=pl.List(pl.String)),
    )


def rows_of(outcomes: Sequence[Outcome], origin: Origin, parents: Parents) -> pl.DataFrame:
    """Return what drafts have made as rows of a set, ``ROWS`` columns."""
    seen: dict[str, int] = {}
    lines = []
    for number, outcome in enumerate(outcomes, 1):
        row = _row(outcome, origin, parents)
        if (made := outcome.made) is None:
            continue
        digest = content_hash(Content(list(made.messages), made.tools, made.rejected, made.label))
        seen[digest] = seen.get(digest, -1) + 1
        extra = lineage_of(outcome, origin).to_extra()
        lines.append(row | {"id": f"{digest}-{seen[digest]}", "extra": extra, "line": number})
    return pl.DataFrame(lines, schema=ROWS, orient="row")


def cost_of(outcome: Outcome, origin: Origin) -> float | None:
    """Return what a draft's replies cost, whoever paid for them; ``None`` without prices."""
    if origin.input_price is None or origin.output_price is None:
        return None
    prompt, completion = outcome.tokens
    return round(prompt * origin.input_price + completion * origin.output_price, 9)


def lineage_of(outcome: Outcome, origin: Origin) -> Lineage:
    """Return the lineage of a row that was accepted or is under review."""
    return Lineage(
        parents=outcome.draft.parents,
        teacher=origin.about,
        run=origin.run,
        kind=origin.kind,
        draft=outcome.draft.id,
        cell=dict(outcome.draft.cell),
        recipe=origin.recipe,
        parameters=dict(origin.parameters),
        prompt_sha256=digest_requests([request for request, _ in outcome.calls]),
        response_sha256=digest_answers([answer for _, answer in outcome.calls]),
        tokens=outcome.tokens,
        cost=cost_of(outcome, origin),
        currency=origin.currency,
        made=origin.made,
        verdicts=outcome.verdicts,
        fate="review" if outcome.fate == "review" else "accepted",
        why=outcome.why,
        made_extra=dict(outcome.made.extra) if outcome.made else {},
    )


def digest_requests(requests: Sequence[Request]) -> str:
    """Return the SHA-256 of what was asked: messages, tools and parameters of every call, in order."""
    return sha256(b"\n".join(_encode(request) for request in requests)).hexdigest()


def digest_answers(answers: Sequence[Answer]) -> str:
    """Return the SHA-256 of what was replied: texts and tool calls of every answer, in order."""
    return sha256(b"\n".join(_encode([answer.text, answer.tool_calls]) for answer in answers)).hexdigest()


def _row(outcome: Outcome, origin: Origin, parents: Parents) -> dict[str, Any]:
    made = outcome.made
    messages = [] if made is None else [_message(said) for said in made.messages]
    return {
        "id": outcome.draft.id,
        "messages": messages,
        "tools": made.tools if made else None,
        "rejected": made.rejected if made else None,
        "label": made.label if made else None,
        "group": parents.group_of(outcome.draft.parents),
        "time": parents.time_of(outcome.draft.parents),
        "annotator": None,
        "source": f"distill:{origin.run}",
        "license": origin.license,
        "origin": origin.teacher,
        "split": None,
        "file": "accepted.jsonl",
        "line": 1,
        "extra": "{}",
    }


def _message(said: Said) -> dict[str, Any]:
    calls = said.tool_calls
    return {
        "role": said.role,
        "content": said.content,
        "tool_calls": bytes(calls).decode() if isinstance(calls, msgspec.Raw) else calls,
        "tool_call_id": said.tool_call_id,
        "extra": said.extra,
    }
