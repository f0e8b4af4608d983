"""Every wire format that rows can be written in, and what each cannot carry.

Nothing is dropped in silence. A row that a format has no place for is *left out* of the file and counted; a field that
it has no place for is *left behind* and counted; what a user of the files should know is a *note*. Each is a ``Loss``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO, Literal

import msgspec
import polars as pl

from ..errors import UsageError, quote
from ..labels.targets import kind_of_set
from . import records
from .records import CannotCarry, Layout, Row, objects
from .records_openai import KEYS, openai
from .table_files import write_csv, write_parquet

COLUMNS = ("group", "time", "annotator", "source", "license", "origin")
"""Row columns that no trainer's format has a place for."""

CHUNK = 20_000
"""Rows that are Python objects at one time: about 100 MB of chat."""


@dataclass(frozen=True)
class Format:
    """One wire format."""

    what: str
    """What it is for, in a line."""
    record: Callable[[Row, Layout], Row] | None
    """Makes one record; ``None`` where the rows are written as a table."""
    carries: frozenset[str]
    """Of tools, rejected, label, ids (of calls), keys (further keys of messages): what it has a place for."""
    suffix: str = ".jsonl"
    trains: bool = True
    """The last turn, or the label, is what a model learns to say."""


_CHAT = frozenset(("tools", "ids", "keys"))
_NONE: frozenset[str] = frozenset()

FORMATS: dict[str, Format] = {
    "messages": Format("TRL, conversational language modelling", records.messages, _CHAT),
    "prompt-completion": Format("TRL, prompt and completion", records.prompt_completion, _CHAT),
    "preference": Format("TRL, chosen and rejected (DPO)", records.preference, _CHAT | {"rejected"}, trains=False),
    "kto": Format("TRL, unpaired preference", records.kto, _CHAT | {"label"}, trains=False),
    "openai": Format("OpenAI chat fine-tuning", openai, frozenset(("tools", "ids"))),
    "alpaca": Format("Alpaca: instruction, input, output", records.alpaca, _NONE),
    "sharegpt": Format(
        "ShareGPT with tools, as LLaMA-Factory reads it", records.sharegpt, frozenset(("tools", "keys"))
    ),
    "text-label": Format("text and label, for classifiers", records.text_label, frozenset(("label",)), trains=False),
    "text": Format("plain text, for language modelling", records.text, _NONE, trains=False),
    "parquet": Format("the rows as they stand in the set", None, _CHAT, ".parquet", trains=False),
    "csv": Format("text, label and what is known of them", None, frozenset(("label",)), ".csv", trains=False),
}


Kind = Literal["row", "field", "note"]


@dataclass(frozen=True)
class Loss:
    """What a format could not carry, over all files of an export."""

    kind: Kind
    what: str
    rows: int
    example: str
    """The id of the first such row."""
    sentence: str


@dataclass
class Tally:
    """Losses as they are met, in order."""

    format: str
    found: dict[tuple[Kind, str], list[Any]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    """Id of each row that was left out, and why."""

    def leave_out(self, row_id: str, why: str) -> None:
        """Count a row that the format has no place for."""
        self.left_out[row_id] = why
        self.add("row", why, row_id)

    def add(self, kind: Kind, what: str, row_id: str | None, rows: int = 1) -> None:
        """Count ``rows`` more rows; ``row_id`` is the first of them."""
        if rows:
            entry = self.found.setdefault((kind, what), [0, row_id])
            entry[0] += rows

    def losses(self) -> list[Loss]:
        """Return what was met: rows left out first, then fields left behind, then notes."""
        order = {"row": 0, "field": 1, "note": 2}
        found = sorted(self.found.items(), key=lambda item: order[item[0][0]])
        return [
            Loss(kind, what, rows, example, self._sentence(kind, what, rows)) for (kind, what), (rows, example) in found
        ]

    def _sentence(self, kind: str, what: str, rows: int) -> str:
        of = f"{rows:,} row{'s' if rows > 1 else ''}"
        if kind == "row":
            return f"{of} left out: {what}; {self.format} has no place for {'them' if rows > 1 else 'it'}."
        if kind == "field":
            return f"{what} left behind in {of}: {self.format} has no place for it."
        return f"{of}: {what}."


def known_format(name: str) -> Format:
    """Return a format by its name.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in FORMATS:
        raise UsageError(f"there is no format {quote(name)}; use one of {', '.join(FORMATS)}.")
    return FORMATS[name]


def layout(rows: pl.DataFrame, name: str, *, extra: bool = False) -> Layout:
    """Return what all records of these rows have in common in a format, so that the files have one shape."""
    if name == "preference":
        rows = rows.filter(pl.col("rejected").is_not_null())
    tools_as_text = extra and not all(map(records.comes_back, rows["tools"].drop_nulls().unique()))
    said = pl.col("messages").list
    system = said.eval(pl.element().struct.field("role") == "system").list.any()
    long = said.len() - said.eval(pl.element().struct.field("role") == "system").list.sum() > 2
    needs = rows.select(chat=(~_plain()).any(), system=system.any(), history=long.any()).row(0)
    chat, has_system, history = (bool(need) for need in needs)
    return Layout(chat, has_system, history, tools_as_text, extra, targets=kind_of_set(rows["label"]))


def _plain() -> pl.Expr:
    """Whether a row is one user message and one reply, all text."""
    messages, first = pl.col("messages"), pl.col("messages").list.first().struct
    reply = messages.list.get(1, null_on_oob=True).struct
    bare = [side.field(name).is_null() for side in (first, reply) for name in ("tool_calls", "tool_call_id", "extra")]
    answered = (messages.list.len() == 2) & (reply.field("role") == "assistant") & reply.field("content").is_not_null()
    labelled = (messages.list.len() == 1) & pl.col("label").is_not_null()
    asked = (first.field("role") == "user") & first.field("content").is_not_null()
    return (pl.all_horizontal(asked, pl.col("tools").is_null(), *bare) & (answered | labelled)).fill_null(value=False)


def write(rows: pl.DataFrame, out: BinaryIO, name: str, layout: Layout, tally: Tally) -> pl.Series:
    """Write rows in a format and return the ids of those that were written, in the order of the file.

    Args:
        rows: ``dataset.ROWS``.
        out: open for writing; the files are never in memory.
        name: of the format.
        layout: what all files of the export have in common (``layout``).
        tally: gets what was left out and left behind.
    """
    if name == "parquet":
        write_parquet(rows, out)
        return rows["id"]
    ids: list[pl.Series] = []
    writer = write_csv(rows, out, tally) if name == "csv" else _write_lines(rows, out, FORMATS[name], layout, tally)
    for chunk in writer:
        ids.append(chunk["id"])
        _left_behind(chunk, name, layout, tally)
    return pl.concat(ids) if ids else pl.Series("id", [], dtype=pl.String)


def _write_lines(
    rows: pl.DataFrame, out: BinaryIO, form: Format, layout: Layout, tally: Tally
) -> Iterator[pl.DataFrame]:
    """Write JSON lines; yields the rows of each chunk that went in."""
    assert form.record is not None  # noqa: S101 - tables go another way
    encode = msgspec.json.Encoder().encode
    record = form.record if not layout.extra else _with_columns(form.record)
    clashes: set[str] = set()
    layout = layout._replace(clashes=clashes)
    for chunk in rows.iter_slices(CHUNK):
        unwanted = _unwanted(chunk) if form.trains else None
        kept, lines = [], []
        for place, row in enumerate(chunk.iter_rows(named=True)):
            try:
                if unwanted is not None and unwanted[place]:
                    raise CannotCarry("a reply that is marked as unwanted (label false)")
                lines.append(encode(record(row, layout)))
            except CannotCarry as reason:
                tally.leave_out(row["id"], str(reason))
            else:
                kept.append(place)
                for what in sorted(clashes):
                    tally.add("field", what, row["id"])
            clashes.clear()
        if lines:
            out.write(b"\n".join(lines) + b"\n")
        yield chunk if len(kept) == chunk.height else chunk[kept]


def _unwanted(chunk: pl.DataFrame) -> list[bool] | None:
    """Replies of KTO rows that are not to be learnt, or ``None`` where there are none."""
    if not (chunk["label"] == "false").any():
        return None
    reply = pl.col("messages").list.last().struct.field("role") == "assistant"
    unwanted = (pl.col("label") == "false") & reply & pl.col("rejected").is_null()
    return chunk.select(unwanted.fill_null(value=False)).to_series().to_list()


def _with_columns(record: Callable[[Row, Layout], Row]) -> Callable[[Row, Layout], Row]:
    """Write the row's columns and the rest of its source row beside what the format says."""

    def whole(row: Row, layout: Layout) -> Row:
        made = record(row, layout)
        more = {name: row[name] for name in ("label", *COLUMNS, "split") if row[name] is not None}
        rest = objects(row["extra"])
        # The text of a time that was read stands in extra; a second one would come back as a field of its own.
        if "time" in more and rest:
            del more["time"]
        if more["origin"] == "unknown":
            del more["origin"]
        if "label" in more and _is_reply(row):
            del more["label"]
        if "label" in more:
            more["label"] = records.label_of(row, layout)
        for name, value in more.items():
            made.setdefault(name, value)
        for name, value in rest.items():
            records.add_key(made, name, value, layout, of="of extra")
        return made

    return whole


def _is_reply(row: Row) -> bool:
    return not row["messages"] or row["messages"][-1]["role"] != "assistant"


def _left_behind(chunk: pl.DataFrame, name: str, layout: Layout, tally: Tally) -> None:
    """Count the fields of written rows that stand in no column of the file."""
    carries = FORMATS[name].carries
    reply = (pl.col("messages").list.last().struct.field("role") == "assistant").fill_null(value=False)
    filled: dict[str, pl.Expr | pl.Series] = {column: pl.col(column).is_not_null() for column in COLUMNS}
    filled["origin"] = pl.col("origin") != "unknown"
    if name == "csv":
        filled = {"origin": filled["origin"]}
    elif not layout.extra:
        filled["extra"] = pl.col("extra") != "{}"
    else:
        filled = {}
    if "label" not in carries and not layout.extra:
        filled["label"] = pl.col("label").is_not_null() & (reply | pl.lit(value=name == "text"))
    if "rejected" not in carries:
        filled["rejected"] = pl.col("rejected").is_not_null()
    if "label" in carries and name != "kto":
        filled["the reply"] = pl.col("label").is_not_null() & reply
    if name == "text":
        filled["tools"] = pl.col("tools").is_not_null()
    if "ids" not in carries:
        filled["tool_call_id"] = _any_message("tool_call_id")
    if "keys" not in carries:
        filled["further keys of messages"] = _other_keys(chunk) if name == "openai" else _any_message("extra")
    if name == "openai" and layout.extra:
        del filled["further keys of messages"]
    for what, rows in filled.items():
        ids = chunk.filter(rows)["id"]
        tally.add("field", what, ids[0] if len(ids) else None, len(ids))
    _notes(chunk, name, layout, tally)


def _any_message(name: str) -> pl.Expr:
    return pl.col("messages").list.eval(pl.element().struct.field(name).is_not_null()).list.any()


def _other_keys(chunk: pl.DataFrame) -> pl.Series:
    """Rows with message keys that OpenAI refuses; only rows with any further key are looked into."""
    found = chunk.select(_any_message("extra")).to_series().fill_null(value=False)
    odd = [
        any(objects(message["extra"]).keys() - KEYS for message in messages)
        for messages in chunk["messages"].filter(found)
    ]
    return found.scatter(found.arg_true(), pl.Series(odd, dtype=pl.Boolean)) if odd else found


def _notes(chunk: pl.DataFrame, name: str, layout: Layout, tally: Tally) -> None:
    notes: dict[str, pl.Expr] = {}
    reply = pl.col("messages").list.last().struct.field("role") == "assistant"
    if name in ("messages", "sharegpt"):
        notes["no assistant turn at the end, so nothing to learn"] = ~reply & pl.col("label").is_null()
    if name in ("prompt-completion", "preference", "kto") and not layout.chat:
        notes["TRL joins prompt and completion as they stand, without a space between"] = pl.lit(value=True)
    if name == "openai":
        without = pl.element().struct.field("tool_calls").str.contains('"id"', literal=True).not_()
        notes["tool calls had no ids; they were given call_1, call_2 and so on"] = (
            pl.col("messages").list.eval(without).list.any()
        )
    for what, rows in notes.items():
        ids = chunk.filter(rows)["id"]
        tally.add("note", what, ids[0] if len(ids) else None, len(ids))


def summary(losses: list[Loss]) -> list[dict[str, Any]]:
    """Return losses as JSON values."""
    return [asdict(loss) for loss in losses]
