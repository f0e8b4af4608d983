"""A model whose outputs were recorded elsewhere and stand in a file, by the row's id or by what was asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from ...curate.errors import DataError, UsageError, quote
from ...curate.masking import mask
from ...curate.wording import counted
from .asked import asked
from .protocol import Answer, Request
from .recorded_files import Columns, find_columns, read_answer, read_records, value_of


class RecordedModel:
    """The outputs of a file.

    Attributes:
        name: of the file, without its ending.
        note: which columns are read.
    """

    def __init__(self, path: Path, columns: Columns, answers: Mapping[str, Mapping[int, Answer]], digest: str) -> None:
        """Take what was read; see ``open_recorded``."""
        self.name = path.stem
        self.path = path
        self.columns = columns
        by = "the row's id" if columns.by_id else "what is asked"
        self.note = (
            f"{path}: {quote(columns.output)} of {counted(len(answers), 'row')}, found by {by} ({quote(columns.key)})."
        )
        if several := sum(len(samples) > 1 for samples in answers.values()):
            self.note += (
                f" {counted(several, 'row')} with several outputs: they are samples in the order in which they stand (or by the "
                "column sample), and without --samples only the first counts."
            )
        self._answers = answers
        self._digest = digest

    def identity(self) -> Mapping[str, Any]:
        """Return the file's digest and the columns."""
        return {"kind": "recorded", "digest": self._digest, "key": self.columns.key, "output": self.columns.output}

    def answer(self, requests: Sequence[Request], done: Callable[[int, Answer], None], /) -> None:
        """Answer by what is asked.

        Raises:
            UsageError: the file goes by the row's id, or none of the requests is in it.
        """
        if self.columns.by_id:
            raise UsageError(
                f"{self.path} goes by the row's id ({quote(self.columns.key)}), which is not told here; name the column that "
                "holds what was asked (key)."
            )
        self.answer_keys([asked(request) for request in requests], requests, done)

    def of_rows(self, ids: Sequence[str], requests: Sequence[Request], /) -> _OfRows:
        """Return a model that answers exactly these requests, in this order."""
        return _OfRows(self, list(ids) if self.columns.by_id else [asked(request) for request in requests])

    def answer_keys(
        self, keys: Sequence[str], requests: Sequence[Request], done: Callable[[int, Answer], None]
    ) -> None:
        """Answer each request with what stands under its key; what the file lacks is an error of that call."""
        if keys and not any(key in self._answers for key in keys):
            recorded = quote(mask(next(iter(self._answers))))
            raise UsageError(
                f"{self.path} has none of the {counted(len(keys), 'row')} that are asked: by {quote(self.columns.key)} it has "
                f"{recorded}, and asked was {quote(mask(keys[0]))}; name the right column (key), or record outputs of these rows."
            )
        for place, (key, request) in enumerate(zip(keys, requests, strict=True)):
            samples = self._answers.get(key)
            found = samples.get(request.sample) if samples is not None else None
            if found is None:
                what = "this row" if samples is None else f"sample {request.sample} of this row"
                found = Answer(finish="error", error=f"{self.path} has no output for {what} ({quote(mask(key))}).")
            done(place, found)


class _OfRows:
    """The outputs of certain rows."""

    def __init__(self, model: RecordedModel, keys: Sequence[str]) -> None:
        self.name = model.name
        self._model = model
        self._keys = keys

    def identity(self) -> Mapping[str, Any]:
        return self._model.identity()

    def answer(self, requests: Sequence[Request], done: Callable[[int, Answer], None], /) -> None:
        self._model.answer_keys(self._keys, requests, done)


def open_recorded(path: str | Path, *, key: str | None = None, output: str | None = None) -> RecordedModel:
    """Return the model of a file of recorded outputs.

    JSON Lines, CSV or Parquet; a line of a provider's batch output is read too. Several records of one key are its samples, by a
    column ``sample`` or in the order in which they stand. Read where they are there: ``finish, error, tool_calls, reasoning,
    prompt_tokens, completion_tokens, seconds, model``.

    Args:
        path: the file.
        key: column with the row's id, or with what was asked; by the usual names for ``None``, an id first. Other names than
            those of questions hold ids.
        output: column with the output, or the path of a nested key (``large.solution``); by the usual names for ``None``.

    Raises:
        UsageError: there is no such file.
        DataError: it can't be read, or lacks a column.
    """
    path = Path(path)
    records = read_records(path)
    columns = find_columns(path, records, key, output)
    answers: dict[str, dict[int, Answer]] = {}
    for place, record in records:
        samples = answers.setdefault(_key(value_of(record, columns.key)), {})
        given = str(record.get("sample") if record.get("sample") is not None else "")
        answer = read_answer(path, place, record, columns.output)
        said = samples.setdefault(int(given) if given.isdecimal() else len(samples), answer)
        if (said.text, said.tool_calls) != (answer.text, answer.tool_calls):
            raise DataError(
                f"{path} {place}: {quote(columns.key)} {quote(mask(_key(value_of(record, columns.key))))} has another output of "
                f"sample {quote(given)} before; keep one of them, or number them in the column sample."
            )
    return RecordedModel(path, columns, answers, sha256(path.read_bytes()).hexdigest())


def _key(value: Any) -> str:
    return "" if value is None else str(value).strip()
