"""The lineage of a synthetic row: what stands in its ``extra`` under ``distill``, and the same of many rows as a frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
import polars as pl

KEY = "distill"

Fate = Literal["accepted", "review"]

TEXT_OF_PEOPLE = frozenset({"label_rows", "soft_labels", "rationale"})
"""Kinds whose rows keep the text of a real one: the teacher added a label or a rationale. They stand in a set of their own."""

GONE = "a parent is not in the set"
"""Why a row stands in no split of which a parent was read under another id, left the sources, or is of another set."""


class Teacher(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who wrote the row."""

    model: str
    url: str | None = None
    """Of the server, where it was one."""
    revision: str | None = None
    terms: dict[str, str] | None = None
    """What the recipe says of the teacher's terms (``teachers.stated``): ``training``, ``source``, ``dated``."""


class Verdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one gate said."""

    gate: str
    verdict: Literal["pass", "review", "reject"]
    score: float | None = None
    note: str = ""
    peer: str | None = None


class Lineage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a row came to be. Fields that are as by default are not written."""

    parents: tuple[str, ...]
    """Ids of the rows that it was made from; those that the teacher was shown are parents, too."""
    teacher: Teacher
    run: str | None = None
    kind: str | None = None
    draft: str | None = None
    cell: dict[str, str] = {}
    recipe: str | None = None
    """SHA-256 of the recipe, as it was when the row was made."""
    parameters: dict[str, Any] = {}
    prompt_sha256: str | None = None
    response_sha256: str | None = None
    tokens: tuple[int, int] | None = None
    """Of all prompts and of all replies that led to it."""
    cost: float | None = None
    currency: str | None = None
    made: str | None = None
    """The day, ``YYYY-MM-DD``."""
    verdicts: tuple[Verdict, ...] = ()
    fate: Fate = "accepted"
    why: str | None = None
    """Why it is under review."""
    made_extra: dict[str, Any] = {}
    """What has no column: a rationale, votes, soft labels."""

    def to_extra(self, more: Mapping[str, Any] | None = None) -> str:
        """Return the row's ``extra``: a JSON object with the lineage, and ``more`` beside it.

        >>> Lineage(parents=("a-0",), teacher=Teacher("m")).to_extra()
        '{"distill":{"parents":["a-0"],"teacher":{"model":"m"}}}'
        """
        return msgspec.json.encode({**(more or {}), KEY: self}).decode()


def lineage_of(extra: str) -> Lineage | None:
    """Return the lineage in a row's ``extra``; ``None`` where the row is not synthetic.

    A row is synthetic where ``distill`` is an object with ``parents``, a list, and ``teacher``; any other field of that name is
    somebody else's. A field of the lineage that is not what it should be counts as not told: the row stays synthetic.

    >>> lineage_of('{"distill": {"parents": [], "teacher": {"model": "m"}, "cost": "dear"}}').teacher.model
    'm'
    >>> lineage_of('{"distill": true}') is None
    True
    """
    if f'"{KEY}"' not in extra:
        return None
    try:
        found = msgspec.json.decode(extra).get(KEY)
    except (msgspec.DecodeError, AttributeError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("parents"), list) or "teacher" not in found:
        return None
    try:
        return msgspec.convert(found, Lineage)
    except msgspec.ValidationError:
        return _as_far_as_told(found)


def texts_in(value: Any) -> list[str]:
    """Return every text in a JSON value, the names of its fields too, in order.

    >>> texts_in({"quote": "It is late.", "votes": {"card": 2}})
    ['quote', 'It is late.', 'votes', 'card']
    """
    if isinstance(value, Mapping):
        return [text for name, one in value.items() for text in (str(name), *texts_in(one))]
    if isinstance(value, list | tuple):
        return [text for one in value for text in texts_in(one)]
    return [value] if isinstance(value, str) else []


def _as_far_as_told(found: dict[str, Any]) -> Lineage:
    said = found["teacher"]
    model = said.get("model") if isinstance(said, dict) else said
    parents = tuple(one for one in found["parents"] if isinstance(one, str))
    told: dict[str, Any] = {
        "parents": parents,
        "teacher": _told(said, Teacher) or Teacher(model if isinstance(model, str) else "unknown"),
    }
    for field in msgspec.structs.fields(Lineage):
        if field.name not in told and (value := _told(found.get(field.name), field.type)) is not None:
            told[field.name] = value
    return Lineage(**told)


def _told(value: Any, kind: Any) -> Any:
    try:
        return None if value is None else msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return None


SYNTHETIC = pl.Schema(
    {
        "id": pl.String,
        "draft": pl.String,
        "run": pl.String,
        "kind": pl.String,
        "teacher": pl.String,  # its model's name
        "revision": pl.String,
        "url": pl.String,
        "terms": pl.String,  # JSON, what the recipe said of them
        "recipe": pl.String,
        "parents": pl.List(pl.String),
        "fate": pl.String,
        "why": pl.String,
        "cell": pl.String,  # JSON
        "prompt_tokens": pl.Int64,
        "completion_tokens": pl.Int64,
        "tokens": pl.Int64,  # their sum
        "cost": pl.Float64,
        "currency": pl.String,
        "made": pl.String,
        "prompt_sha256": pl.String,
        "response_sha256": pl.String,
        "verdicts": pl.String,  # JSON
    }
)
"""Columns of the lineages of many rows; of ``id, teacher, parents, fate, cell, verdicts`` none is null."""


def is_synthetic(rows: pl.DataFrame) -> pl.Series:
    """Return which rows a teacher wrote, by their lineage."""
    found = synthetic(rows)["id"]
    if not len(found):
        return pl.repeat(False, rows.height, dtype=pl.Boolean, eager=True)
    return rows["id"].is_in(found.implode())


def synthetic(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the lineage of each synthetic row, ``SYNTHETIC`` columns, in the order of the rows.

    Args:
        rows: at least ``id, extra``. Where no row is synthetic, one look for a word is all that it costs.
    """
    named = rows.select("id", "extra").filter(pl.col("extra").str.contains(f'"{KEY}"', literal=True))
    if named.is_empty():
        return SYNTHETIC.to_frame()
    lines = [_line(row_id, one) for row_id, extra in named.iter_rows() if (one := lineage_of(extra)) is not None]
    return pl.DataFrame(lines, schema=SYNTHETIC, orient="row")


def _line(row_id: str, one: Lineage) -> tuple[Any, ...]:
    # What does not fit a column was not counted by anybody.
    prompt, completion = one.tokens if one.tokens and min(one.tokens) >= 0 and sum(one.tokens) < 2**63 else (None, None)
    tokens = None if prompt is None or completion is None else prompt + completion
    return (
        row_id, one.draft, one.run, one.kind, one.teacher.model, one.teacher.revision, one.teacher.url,
        None if one.teacher.terms is None else _json(one.teacher.terms), one.recipe, list(one.parents), one.fate, one.why,
        _json(one.cell), prompt, completion, tokens, one.cost, one.currency,
        one.made, one.prompt_sha256, one.response_sha256, _json(one.verdicts),
    )  # fmt: skip


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def ancestors(made: pl.DataFrame) -> pl.DataFrame:
    """Return ``id, ancestor``: every parent of each synthetic row, and the parents of those that are synthetic themselves.

    Args:
        made: ``synthetic`` of the rows; a parent that is not among them has no parents that are known.
    """
    first = made.select("id", ancestor="parents").explode("ancestor").drop_nulls().unique(maintain_order=True)
    found = last = first
    while not last.is_empty():  # ends: a round adds pairs that were not there, and there are only so many
        above = last.join(first, left_on="ancestor", right_on="id", suffix="_above").select(
            "id", ancestor="ancestor_above"
        )
        last = above.unique(maintain_order=True).join(found, on=["id", "ancestor"], how="anti", maintain_order="left")
        found = pl.concat([found, last])
    return found
