"""Personal data and secrets in the rows of a set: what the rules ``privacy.*`` say."""

from __future__ import annotations

import json
import re
from typing import Any

import polars as pl

from ..distill.lineage import lineage_of, texts_in
from ..errors import quote
from ..findings import empty, report
from ..masking import mask, without
from .finding import find
from .found import NAMES, Kind
from .plain import DASHES, SPACES, UNSEEN, UNUSUAL
from .secret import MARKS

RULES: dict[Kind, tuple[str, float]] = {
    "email": ("privacy.email", 0.5),
    "card": ("privacy.card", 0.9),
    "iban": ("privacy.iban", 0.8),
    "ssn": ("privacy.ssn", 0.9),
    "phone": ("privacy.phone", 0.5),
    "ip": ("privacy.ip", 0.3),
    "secret": ("privacy.secret", 1.0),
    "private_key": ("privacy.private_key", 1.0),
    "url_credentials": ("privacy.url_credentials", 1.0),
}
"""Kind to its rule and the score of a row that holds one: what can be misused at once is worst."""

# Polars tells in one scan which texts may hold anything; the finders, which are exact, read those alone.
_MARKS = "|".join(
    [
        *map(re.escape, ("@", "%40", "PRIVATE KEY", "PuTTY-User-Key-File", *MARKS)),
        r"://[^\s/]{0,300}@",
        r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]",
        rf"[A-Za-z]{{2}}[0-9]{{2}}[ {SPACES}{DASHES}-]{{0,2}}[A-Za-z0-9]{{2}}[ {SPACES}{DASHES}-]{{0,2}}[A-Za-z0-9]{{2}}",
        rf"[0-9](?:[ ().\-/{SPACES}{DASHES}]{{0,3}}[0-9]){{6}}",
        UNUSUAL,
        rf"[\x20-\x7e{SPACES}{DASHES}][{UNSEEN}]{{1,20}}[\x20-\x7e{SPACES}{DASHES}]",  # it may stand within any value
    ]
)


def private(rows: pl.DataFrame, turns: pl.DataFrame) -> pl.DataFrame:
    """Return the personal data in the rows: one line a row and text that holds some.

    Looked at are what is said, what tools are called with and told, the rejected reply, the label, the tools on offer, and what
    a teacher gave beside a row that it wrote (a rationale, a quote).

    Returns:
        ``row`` (u32), ``turn`` (u32, null outside of the messages), ``place`` (``content``, ``tool_calls``, ``rejected``,
        ``label``, ``tools`` or ``made_extra``), ``text``, ``found`` (a list of ``Found``, as an object), in the order of the
        rows.
    """
    said = [
        turns.select("row", "turn", pl.lit(place).alias("place"), pl.col(place).alias("text"))
        for place in ("content", "tool_calls")
    ]
    beside = [
        rows.select(pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"), pl.lit(None, pl.UInt32).alias("turn"),
                    pl.lit(place).alias("place"), pl.col(place).alias("text"))
        for place in ("rejected", "label", "tools")
    ]  # fmt: skip
    texts = pl.concat([frame.filter(_may_hold(frame["text"])) for frame in (*said, *beside, _made_beside(rows))])
    found = {text: find(text) for text in texts["text"].unique()}
    texts = texts.filter(pl.Series([bool(found[text]) for text in texts["text"]], dtype=pl.Boolean)).sort(
        "row", "turn", nulls_last=True, maintain_order=True
    )
    return texts.with_columns(pl.Series("found", [found[text] for text in texts["text"]], dtype=pl.Object))


def find_kind(rows: pl.DataFrame, held: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """Return the findings of one kind's rule, one a row.

    Args:
        rows: the rows.
        held: ``private`` of them.
        kind: of what.

    Returns:
        Findings; no note holds what was found, and ``value`` is the row's messages with everything that was found masked, as an
        edit takes them, unless something stands outside of the messages.
    """
    rule, score = RULES[kind]
    count = pl.Series("count", [sum(each.kind == kind for each in found) for found in held["found"]], dtype=pl.UInt32)
    hit = held.with_columns(count).filter(pl.col("count") > 0)
    if hit.is_empty():
        return empty()
    first = hit.group_by("row", maintain_order=True).agg(pl.col("count").sum(), pl.col("turn", "place", "text").first())
    values = _edits(rows, held.filter(pl.col("row").is_in(first["row"].implode())))
    notes = [
        f"Holds {_counted(count, kind)} in {_where(turn, place)}: {_shown(text, kind)}."
        for count, turn, place, text in first.select("count", "turn", "place", "text").iter_rows()
    ]
    value = pl.Series("value", [values.get(row) for row in first["row"]], dtype=pl.String)
    return report(
        first.select(
            rows["id"].gather(first["row"]),
            pl.lit(score).alias("score"),
            pl.Series("note", notes, dtype=pl.String),
            value,
            pl.when(value.is_null()).then(pl.lit("review")).otherwise(pl.lit("edit")).alias("suggest"),
        ),
        rule,
    )


def figures(held: pl.DataFrame, kind: Kind) -> dict[str, Any]:
    """Return how many rows hold a kind, how many of it there are and how many different ones; nothing where there is none."""
    rows, values = set[int](), list[str]()
    for row, text, found in held.select("row", "text", "found").iter_rows():
        here = [text[start:end] for of, start, end in found if of == kind]
        values += here
        if here:
            rows.add(row)
    return {"rows": len(rows), "found": len(values), "different": len(set(values))} if values else {}


SEVERAL = {
    "private_key": "private keys", "url_credentials": "addresses with passwords", "secret": "secrets",
    "email": "mail addresses", "iban": "bank accounts", "ip": "ip addresses", "card": "card numbers",
    "ssn": "social security numbers", "phone": "phone numbers",
}  # fmt: skip


def _counted(number: int, kind: Kind) -> str:
    return f"{_ARTICLE.get(kind, 'a')} {NAMES[kind]}" if number == 1 else f"{number:,} {SEVERAL[kind]}, the first"


_ARTICLE: dict[Kind, str] = {"url_credentials": "an", "ip": "an"}


def _made_beside(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the texts that teachers gave beside the rows that they wrote, a line each."""
    schema = {"row": pl.UInt32, "turn": pl.UInt32, "place": pl.String, "text": pl.String}
    if "extra" not in rows.columns:
        return pl.DataFrame(schema=schema)
    named = rows.select("extra", row=pl.int_range(pl.len(), dtype=pl.UInt32)).filter(
        pl.col("extra").str.contains('"made_extra"', literal=True)
    )
    lines = [
        (row, None, "made_extra", text)
        for extra, row in named.iter_rows()
        if (told := lineage_of(extra)) is not None
        for text in texts_in(told.made_extra)
    ]
    return pl.DataFrame(lines, schema=schema, orient="row")


def _may_hold(texts: pl.Series) -> pl.Series:
    return texts.str.contains(_MARKS).fill_null(value=False)


def _where(turn: int | None, place: str) -> str:
    if turn is None:
        return _PLACES[place]
    return f"message {turn + 1}" if place == "content" else f"the tool calls of message {turn + 1}"


_PLACES = {
    "rejected": "the rejected reply", "label": "the label", "tools": "the tools on offer",
    "made_extra": "what the teacher gave beside it",
}  # fmt: skip


def _shown(text: str, kind: Kind) -> str:
    """Return what stands around the first of a kind. Cut after masking: what is cut off before would not be known."""
    masked, sign = mask(text), f"[{NAMES[kind]}]"
    at = masked.find(sign)
    if at < 0:  # inside of what is masked as a password
        return f"'{sign}'"
    return quote(masked[max(at - _AROUND, 0) : at + len(sign) + _AROUND], 2 * _AROUND + len(sign))


_AROUND = 24


def _edits(rows: pl.DataFrame, held: pl.DataFrame) -> dict[int, str]:
    """Return each row's messages as JSON, with all that was found masked, where that masks the row whole."""
    whole = held.filter(pl.col("turn").is_null().any().over("row").not_())
    edits: dict[int, str] = {}
    for (row,), lines in whole.group_by("row", maintain_order=True):
        messages = rows["messages"][row].to_list()
        for turn, place, text, found in lines.select("turn", "place", "text", "found").iter_rows():
            messages[turn][place] = without(text, found)
            if place == "tool_calls" and not _is_json(messages[turn][place]):
                break
        else:
            edits[row] = json.dumps(messages, ensure_ascii=False)
    return edits


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
