"""Outputs that were recorded elsewhere, as records: JSON Lines, CSV or Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from ...curate.errors import DataError, UsageError, quote
from .openai_wire import BadReply, error_text, read_reply
from .protocol import Answer, Finish

IDS = ("id", "row_id", "doc_id", "custom_id")
QUESTIONS = ("question", "prompt", "input", "query")
OUTPUTS = ("output", "response", "answer", "completion", "prediction", "generated_text", "text")
_FINISHES: dict[str, Finish] = {
    **{name: name for name in Finish.__args__},
    "max_tokens": "length", "content_filter": "filtered", "safety": "filtered", "refusal": "filtered",
    "function_call": "tool_calls", "tool_use": "tool_calls",
}  # fmt: skip
"""As the records of vetset, OpenAI, Anthropic and Gemini have it; letters' case aside."""
_ENDINGS = (".jsonl", ".ndjson", ".csv", ".parquet")


@dataclass(frozen=True)
class Columns:
    """Which columns of a file say what."""

    key: str
    output: str
    by_id: bool
    """Whether ``key`` is the row's id, or else what is asked."""


def read_records(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return the records of a file, each with its place for error sentences.

    Raises:
        UsageError: there is no such file, or its ending is none that is known.
        DataError: it can't be read.
    """
    ending = path.suffix.lower()
    if ending not in _ENDINGS:
        raise UsageError(f"{path} ends in none of {', '.join(_ENDINGS)}; give recorded outputs in one of these.")
    try:
        if ending == ".csv":  # as text: an output such as 007 is no number
            return list(_rows(pl.read_csv(path, infer_schema=False, glob=False)))
        if ending == ".parquet":
            return list(_rows(pl.read_parquet(path, glob=False)))
        return list(_lines(path))
    except pl.exceptions.PolarsError as error:
        raise DataError(
            f"{path} can't be read ({quote(str(error).partition(chr(10))[0], 160)}); write it again."
        ) from error
    except OSError as error:
        why = error.strerror or "it is damaged"
        raise UsageError(f"{path} can't be read ({why}); give a file of recorded outputs.") from error


def _rows(frame: pl.DataFrame) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((f"row {number:,}", row) for number, row in enumerate(frame.iter_rows(named=True), 1))


def _lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield f"line {number:,}", decode(line)
            except (msgspec.MsgspecError, UnicodeError) as error:
                raise DataError(f"{path} line {number:,}: no JSON object ({error}); correct the line.") from error


def find_columns(path: Path, records: list[tuple[str, dict[str, Any]]], key: str | None, output: str | None) -> Columns:
    """Return the columns that hold key and output: those that are named, or the first by the usual names.

    Raises:
        DataError: there is none, or the file is empty.
    """
    if not records:
        raise DataError(f"{path} holds no records; give a file with one recorded output a line.")
    names = dict.fromkeys(name for _, record in records[:100] for name in record)
    has = f"it has {', '.join(map(quote, list(names)[:12]))}"
    for name in (key, output):
        if name is not None and not any(value_of(record, name) is not None for _, record in records):
            raise DataError(f"{path} has no column {quote(name)}; {has}.")
    found = key or next((name for name in (*IDS, *QUESTIONS) if name in names and name != output), None)
    if found is None:
        raise DataError(
            f"{path} has neither a row's id ({', '.join(IDS)}) nor what was asked ({', '.join(QUESTIONS)}); {has}: name the "
            "column (key)."
        )
    said = output or next((name for name in OUTPUTS if name in names and name != found), None)
    if said is None:
        raise DataError(f"{path} has no recorded output ({', '.join(OUTPUTS)}); {has}: name the column (output).")
    return Columns(found, said, found not in QUESTIONS)


def value_of(record: dict[str, Any], column: str) -> Any:
    """Return what stands in a column, or under a nested key: ``large.solution``."""
    found: Any = record.get(column)
    if found is None and column not in record:
        found = record
        for name in column.split("."):
            found = found.get(name) if isinstance(found, dict) else None
    return found


def read_answer(path: Path, place: str, record: dict[str, Any], column: str) -> Answer:
    """Return the answer that a record holds: a text, a line of a provider's batch, or a fault where there is none."""
    value = value_of(record, column)
    if isinstance(value, dict) and isinstance(value.get("body"), dict):  # a line of OpenAI's batch output
        body = msgspec.json.encode(value["body"])
        try:
            return msgspec.structs.replace(read_reply(body, 0.0), seconds=None)
        except BadReply as error:
            return Answer(finish="error", error=f"{path} {place}: {quote(error_text(body) or error, 160)}.")
    if record.get("error") and value is None:
        return Answer(finish="error", error=_text(record["error"]))
    calls = _text(record.get("tool_calls"))
    if value is None and calls is None:
        return Answer(finish="error", error=f"{path} {place} has no {quote(column)}.")
    ended = str(record.get("finish") or record.get("finish_reason")).lower()
    return Answer(
        text=_text(value),
        finish=_FINISHES.get(ended, "tool_calls" if calls and value is None else "stop"),
        tool_calls=calls,
        reasoning=_text(record.get("reasoning")),
        prompt_tokens=_whole(record.get("prompt_tokens")),
        completion_tokens=_whole(record.get("completion_tokens")),
        seconds=_number(record.get("seconds")),
        served_by=_text(record.get("model")),
    )


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else msgspec.json.encode(value).decode()


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _whole(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None and abs(number) < 1e15 else None
