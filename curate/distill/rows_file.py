"""The rows of a run, read from the JSON lines that its folder keeps (``folder.write_run``)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from ..dataset import MESSAGE, ROWS
from ..errors import DataError, UsageError, quote

_COLUMNS = ("rejected", "label", "group", "annotator", "source", "license", "origin")


def read_rows(path: Path) -> pl.DataFrame:
    """Return the rows of a file of a run, in ``dataset.ROWS``; ``file`` and ``line`` say where they stand, ids are empty.

    What the run wrote is known, so nothing is guessed here as ``vetset read`` has to: a row is the same by either way, but for
    its id (``handoff.with_ids``).

    Raises:
        UsageError: the file can't be read.
        DataError: a line is no row; the sentence names it.
    """
    try:
        with path.open("rb") as lines:
            records = [_row(line, path, number) for number, line in enumerate(lines, 1) if line.strip()]
    except OSError as error:
        raise UsageError(
            f"{path} can't be read ({error.strerror}); give a folder that `vetset distill` wrote."
        ) from error
    return pl.DataFrame(records, schema=ROWS, orient="row")


def _row(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        told = msgspec.json.decode(line, type=dict[str, Any])
        text = told.pop("text", None)
        said = [{"role": "user", "content": text}] if text is not None else told.pop("messages")
        messages = [_message(message) for message in said]
        moment = told.pop("time", None)
        row = {name: told.pop(name, None) for name in _COLUMNS}
        row |= {"time": None if moment is None else _time(moment), "tools": _as_text(told.pop("tools", None))}
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise _no_row(path, number, quote(error, 80)) from error
    texts = [row[name] for name in _COLUMNS] + [message[name] for message in messages for name in ("role", "content")]
    if any(not isinstance(one, str | None) for one in texts):
        raise _no_row(path, number, "a column or a turn is no text")
    extra = msgspec.json.encode(told).decode()
    origin = row["origin"] or "unknown"
    return row | {
        "id": "",
        "messages": messages,
        "origin": origin,
        "split": None,
        "file": str(path),
        "line": number,
        "extra": extra,
    }


def _message(said: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {field.name: said.get(field.name) for field in MESSAGE.fields}
    return told | {"tool_calls": _as_text(told["tool_calls"]), "extra": _as_text(told["extra"])}


def _as_text(value: Any) -> str | None:
    return value if isinstance(value, str | None) else msgspec.json.encode(value).decode()


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _no_row(path: Path, number: int, why: str) -> DataError:
    return DataError(f"{path} line {number} is no row of a run ({why}); make it again with `vetset distill`.")
