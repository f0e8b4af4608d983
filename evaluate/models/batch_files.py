"""Calls as a provider's batch file, and its answers back into the journal: half the price for a day's patience.

The form is that of OpenAI's Batch API, which Groq and ``vllm run-batch`` share: a JSON line a call with a ``custom_id``, which is
the call's key in the journal. The user uploads the file and fetches the answers; nothing is sent from here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ...curate.calls import Answer, Request
from ...curate.disk import write_whole
from ...curate.distill.spending import Spent, most_of
from ...curate.errors import DataError, UsageError, quote
from ...curate.masking import mask
from ...curate.wording import counted
from .journal import Journal, Unsettled
from .keys import keys
from .openai_wire import BadReply, TokenField, read_reply, write_request
from .retrying import fault_of

LINES, BYTES = 50_000, 200_000_000
"""The most that OpenAI takes in one file (API reference, "Create batch")."""
URL = "/v1/chat/completions"


@dataclass(frozen=True)
class Written:
    """What became of the calls of a batch."""

    files: tuple[Path, ...]
    calls: int
    """That stand in the files."""
    most: Spent
    """That they can take."""
    known: int
    """That the journal has the answers to."""
    waiting: int
    """That stand in a batch which was not read back."""
    refused: tuple[str, ...]
    """Why others were left out: the budget's sentence, or what can't be written in one of them."""


def write_batch(
    path: str | Path,
    identity: Mapping[str, Any],
    model: str,
    requests: Sequence[Request],
    journal: Journal,
    *,
    before: Callable[[int, Request], str | None] | None = None,
    extra: Mapping[str, Any] | None = None,
    token_field: TokenField | None = None,
    lines: int = LINES,
    size: int = BYTES,
) -> Written:
    """Write the calls that a journal lacks as batch files, and write down that they are asked.

    Files stand there whole before the journal speaks of them. A second file of the same batch is called NAME-2.jsonl.

    Args:
        path: of the first file.
        identity: of the model that the answers will count for (``Model.identity()``): that of its address for calls one by one.
        model: as the provider knows it.
        requests: the calls; those that are the same are written once.
        journal: of the run.
        before: is asked of each call that would be written, as in ``answer_all``; a budget reserves here.
        extra: further fields of every call.
        token_field: what the cap on the answer's length is called; ``max_tokens`` for ``None``, or ``max_completion_tokens``
            where ``extra`` has that: unlike the client, a file can't try the other name.
        lines: calls of one file, at most.
        size: bytes of one file, at most.

    Raises:
        UsageError: a file stands there already, or can't be written.
    """
    known = waiting = 0
    refused: list[str] = []
    texts: dict[str, bytes] = {}
    asked: dict[str, Spent] = {}
    in_batch = journal.in_batch()
    named: TokenField = token_field or (
        "max_completion_tokens" if "max_completion_tokens" in (extra or {}) else "max_tokens"
    )
    for place, (key, request) in enumerate(zip(keys(identity, requests), requests, strict=True)):
        if key in asked:
            continue
        if key in journal.answers or key in in_batch:
            known += key in journal.answers
            waiting += key not in journal.answers
            continue
        try:
            body = write_request(model, request, token_field=named, extra=extra or {})
        except DataError as error:
            refused.append(str(error))
            continue
        if before is not None and (why := before(place, request)) is not None:
            refused.append(why)
            continue
        texts[key] = _encode({"custom_id": key, "method": "POST", "url": URL, "body": msgspec.Raw(body)}) + b"\n"
        asked[key] = most_of(request)
    files = _write_files(Path(path), list(texts.values()), lines, size)
    for key, most in asked.items():
        journal.write_asked(key, most, batch=True)
    journal.flush()
    return Written(files, len(asked), sum(asked.values(), Spent()), known, waiting, tuple(refused))


def _write_files(path: Path, texts: Sequence[bytes], lines: int, size: int) -> tuple[Path, ...]:
    portions: list[list[bytes]] = []
    room = 0
    for text in texts:
        if not portions or len(portions[-1]) >= lines or len(text) > room:
            portions.append([])
            room = size
        portions[-1].append(text)
        room -= len(text)
    files = tuple(
        path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
        for number in range(1, len(portions) + 1)
    )
    for file in files:
        if file.exists():
            raise UsageError(f"{file} stands there already, and may be under way; name another file.")
    for file, portion in zip(files, portions, strict=True):
        try:
            write_whole(file, lambda beside, portion=portion: beside.write_bytes(b"".join(portion)))
        except OSError as error:
            raise UsageError(
                f"{file} can't be written ({error.strerror}); name a file in a folder that you may write to."
            ) from error
    return files


@dataclass
class ReadBack:
    """What stood in the files that a provider returned.

    Attributes:
        answers: that are new in the journal.
        known: lines with an answer that the journal has already.
        failed: calls that brought no answer; a later run asks them again.
        strangers: of the new answers, those to calls that this journal never put into a batch.
        unknown: lines whose ``custom_id`` is no key: another tool's.
        doubles: lines that answer a call a second time and otherwise; the first stands.
        damaged: lines that can't be read.
        waiting: calls in batches that were not read back, after this.
        why: how often each cause of failure was told, the most frequent first.
        examples: the first line of each kind that was passed over.
    """

    answers: int = 0
    known: int = 0
    failed: int = 0
    strangers: int = 0
    unknown: int = 0
    doubles: int = 0
    damaged: int = 0
    waiting: int = 0
    why: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    @property
    def note(self) -> str:
        """Return one sentence on it."""
        parts = [f"{counted(self.answers, 'new answer')}"]
        for number, noun in (
            (self.known, "known already"),
            (self.failed, f"failed ({next(iter(self.why), 'no cause told')}), which a later run asks again"),
            (self.strangers, "of calls that this journal never put into a batch, kept all the same"),
            (self.doubles, f"a second and other answer, left out ({self.examples.get('double', '')})"),
            (self.unknown, f"of another tool, left out ({self.examples.get('unknown', '')})"),
            (self.damaged, f"can't be read ({self.examples.get('damaged', '')}): fetch that file again"),
            (self.waiting, "still waiting for their answers"),
        ):
            if number:
                parts.append(f"{number:,} {noun}")
        return "; ".join(parts) + "."


class _Response(msgspec.Struct):
    status_code: int = 200
    body: msgspec.Raw = msgspec.Raw(b"null")


class _Failed(NamedTuple):
    why: str
    free: bool
    """Nothing can have been paid: it expired, was cancelled, or was turned away."""


class _Line(msgspec.Struct):
    custom_id: str
    response: msgspec.Raw = msgspec.Raw(b"null")
    error: Any = None
    method: str | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Line).decode
_decode_response = msgspec.json.Decoder(_Response | None).decode


def read_batch(paths: Iterable[str | Path], journal: Journal) -> ReadBack:
    """Write the answers of a provider's output and error files into the journal.

    Nothing that was paid for is thrown away: what can't be kept here is counted and stays in its file. Reading a file again adds
    nothing. A call that failed is asked again by a later run; where it may have been worked on, it counts as unknown spend.

    Args:
        paths: the files, in any order.
        journal: of the run.

    Raises:
        UsageError: a file can't be read, or is one that was written to be sent.
    """
    found = ReadBack()
    waiting = journal.in_batch()
    for path in paths:
        for number, text in _lines(Path(path)):
            at = f"{Path(path).name} line {number}"
            try:
                line = _decode(text)
                answer = _answer(line)
            except (msgspec.MsgspecError, UnicodeError, RecursionError):
                found.damaged += 1
                found.examples.setdefault("damaged", at)
                continue
            if line.method is not None and bytes(line.response) == b"null" and line.error is None:
                raise UsageError(
                    f"{path} is a batch as it is sent; give the output or error file that the provider returned for it."
                )
            if not _is_key(line.custom_id):
                found.unknown += 1
                found.examples.setdefault("unknown", f"{at}: {quote(mask(line.custom_id), 80)}")
                continue
            _take(line.custom_id, answer, at, journal, waiting, found)
    journal.flush()
    found.waiting = len(journal.in_batch())
    found.why = Counter(dict(found.why.most_common()))
    return found


def withdraw_batch(paths: Iterable[str | Path], journal: Journal) -> int:
    """Take back batch files that were never sent, so that their calls may be asked otherwise; return how many calls those are.

    Raises:
        UsageError: a file can't be read.
    """
    waiting, taken = journal.in_batch(), 0
    for path in paths:
        for _, text in _lines(Path(path)):
            try:
                key = _decode(text).custom_id
            except (msgspec.MsgspecError, UnicodeError, RecursionError):
                continue
            if waiting.pop(key, None) is not None:
                journal.write_unsent(key, batch=True)
                taken += 1
    journal.flush()
    return taken


def _take(
    key: str, answer: Answer | _Failed, at: str, journal: Journal, waiting: dict[str, Unsettled], found: ReadBack
) -> None:
    if isinstance(answer, _Failed):
        found.failed += 1
        found.why[answer.why] += 1
        if waiting.pop(key, None) is None:
            return
        if answer.free:
            journal.write_unsent(key, batch=True)
        else:
            journal.write_answer(
                key, Answer(finish="error", error=f"the batch gave no answer: {answer.why}."), batch=True
            )
        return
    kept = journal.answers.get(key)
    if kept is not None:
        same = (kept.text, kept.tool_calls) == (answer.text, answer.tool_calls)
        found.known += same
        found.doubles += not same
        if not same:
            found.examples.setdefault("double", at)
        return
    journal.write_answer(key, answer, batch=True)
    found.answers += 1
    found.strangers += waiting.pop(key, None) is None


def _answer(line: _Line) -> Answer | _Failed:
    """Return the answer of a line, or why there is none."""
    response = _decode_response(line.response)
    if response is None:
        told = line.error if isinstance(line.error, dict) else {"message": line.error}
        return _Failed(_shown(told.get("message") or told.get("code") or "no answer"), free=True)
    body = bytes(response.body)
    if response.status_code != 200:
        fault = fault_of(response.status_code, {}, body, answered=True)
        return Answer(finish="filtered") if fault.kind == "filtered" else _Failed(fault.why, free=fault.free)
    try:
        # Some tools leave the envelope out, and put the completion where the response belongs.
        found = read_reply(body if body != b"null" else bytes(line.response), 0.0)
    except BadReply as error:
        return _Failed(_shown(error), free=False)
    return msgspec.structs.replace(found, seconds=None)  # nobody tells how long it took


def _shown(said: object) -> str:
    return quote(mask(str(said)), 160)[1:-1]


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with path.open("rb") as file:
            for number, text in enumerate(file, 1):
                if text.strip():
                    yield number, text
    except OSError as error:
        raise UsageError(
            f"{path} can't be read ({error.strerror}); give the files that the provider returned."
        ) from error


def _is_key(text: str) -> bool:
    return len(text) == 64 and all(sign in "0123456789abcdef" for sign in text)
