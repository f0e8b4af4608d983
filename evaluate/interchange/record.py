"""One answer that another tool logged, in the words that all readers share."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from ...curate.masking import mask
from ..models.protocol import Finish
from .bounded import within


@dataclass(slots=True)
class Record:
    """One answer and what the tool said of it."""

    question: str
    """The last user turn, or what comes nearest to one."""
    reference: str | None
    output: str | None
    scores: dict[str, float | None]
    """From 0 to 1; ``None`` where the tool gave none."""
    id: str | None = None
    """Of the eval row, where vetset wrote the task."""
    digest: str | None = None
    """Of the eval row, or at least its first 16 digits."""
    evalset: str | None = None
    """Digest of the eval set, or at least its first 16 digits."""
    part: str | None = None
    """Of the eval set, where vetset wrote the task."""
    sample: int | None = None
    """Which of several answers, where the tool counts them; else they are counted as they come."""
    prediction: str | None = None
    unparsed: bool = False
    """Whether the tool found nothing in the answer that it could judge."""
    finish: Finish = "stop"
    error: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seconds: float | None = None
    cost: float | None = None


@dataclass
class Logged:
    """What was read from the files of one run."""

    tool: str
    task: str
    model: str
    records: list[Record]
    primary: str | None
    """The score that the tool names first."""
    identity: dict[str, Any] = field(default_factory=dict)
    """What the tool tells of the model."""
    parameters: dict[str, Any] = field(default_factory=dict)
    prompt: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    """What vetset wrote into the task."""
    at: str | None = None
    """When it was run, ISO 8601."""
    seconds: float | None = None
    tool_version: str | None = None
    files: list[Path] = field(default_factory=list)
    """What was read, where that is not what was given: the files of a folder."""
    judged: dict[str, str] = field(default_factory=dict)
    """Scores that are the verdicts of a model, and what says so (``judged``)."""
    notes: list[str] = field(default_factory=list)
    """What else is to be said of the files, in sentences."""
    left_out: dict[str, int] = field(default_factory=dict)
    """What could not be taken over, and how often."""

    def leave_out(self, what: str, count: int = 1) -> None:
        """Count something that is not taken over."""
        self.left_out[what] = self.left_out.get(what, 0) + count


def text(value: Any) -> str | None:
    """Return a value as the text that is kept: JSON of what is no text.

    >>> text({"a": 1}), text("x"), text(None)
    ('{"a":1}', 'x', None)
    """
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def share(value: Any) -> float | None:
    """Return a number from 0 to 1; ``None`` for anything else.

    >>> share(True), share(0.5), share(3), share("C")
    (1.0, 0.5, None, None)
    """
    if not isinstance(value, int | float) or not math.isfinite(value) or not 0 <= value <= 1:
        return None
    return float(value)


def whole(value: Any) -> int | None:
    """Return a count; ``None`` for what is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 62 else None


def seconds(value: Any) -> float | None:
    """Return a length of time; ``None`` for what is none."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) and value >= 0 else None


def mapping(value: Any) -> Mapping[str, Any]:
    """Return a mapping, empty for what is none: files of strangers hold anything anywhere."""
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> list[Any]:
    """Return a list, empty for what is none."""
    return value if isinstance(value, list) else []


def content(value: Any) -> str:
    """Return the text of a message's content: a text, or parts of which some are text."""
    if isinstance(value, str):
        return value
    return "\n".join(str(mapping(part).get("text") or "") for part in sequence(value))


def last_user(messages: Any) -> str | None:
    """Return the last user turn of a conversation; ``None`` where there is none."""
    turns = [mapping(turn) for turn in sequence(messages)]
    said = next((turn for turn in reversed(turns) if turn.get("role") == "user"), None)
    return content(said.get("content")) if said is not None else None


_SECRETS = frozenset({
    "apikey", "auth", "authorization", "bearer", "cookie", "credential", "credentials", "header", "headers", "key", "keys",
    "passphrase", "passwd", "password", "pwd", "secret", "secrets", "token",
})  # fmt: skip
_WORDS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+(?![a-z])")


def is_secret(name: str) -> bool:
    """Say whether a setting of this name may hold a key of the user's.

    >>> [is_secret(name) for name in ("apiKey", "OPENAI_API_KEY", "max_tokens", "tokenizer", "monkey")]
    [True, True, False, False, False]
    """
    return any(word.lower() in _SECRETS for word in _WORDS.findall(name))


def without_secrets(value: Any) -> Any:
    """Return settings without those that may hold a key: an object, or text such as ``pretrained=PATH,api_key=KEY``.

    Numbers and truth values stay, whatever they are called; texts are masked.

    >>> without_secrets({"apiKey": "x", "max_token": 5, "model": {"secret": "y"}}), without_secrets("model=a,api_key=b,c")
    ({'max_token': 5, 'model': {}}, 'model=a')
    """
    if isinstance(value, dict):
        kept = {str(key): one for key, one in value.items() if not is_secret(str(key)) or isinstance(one, int | float)}
        return {key: without_secrets(one) for key, one in kept.items()}
    if isinstance(value, list):
        return [without_secrets(one) for one in value]
    if not isinstance(value, str):
        return value
    inner = within(value) if value.lstrip().startswith("{") else None
    return text(without_secrets(inner)) if isinstance(inner, dict) else mask(_without_secret_pairs(value))


def _without_secret_pairs(arguments: str) -> str:
    kept, dropped = [], False
    for piece in arguments.split(","):
        name, sign, value = piece.partition("=")
        if sign:  # a piece without one goes on with the value before
            dropped = is_secret(name) or (value.lstrip()[:1] in ("{", "[") and is_secret(value))
        if not dropped:
            kept.append(piece)
    return ",".join(kept)


def only_numbers(records: list[Record], found: dict[str, list[Any]], logged: Logged) -> None:
    """Take over the scores that are numbers from 0 to 1 on every row, and count the others.

    A metric that leaves this range once has another scale (a perplexity, a mark from 1 to 10): none of it can be compared.
    """
    for name, values in found.items():
        shares = [share(value) for value in values]
        odd = sum(
            value is not None and one is None and not _missing(value) for value, one in zip(values, shares, strict=True)
        )
        if odd:
            logged.leave_out(f"values of {name}, which are no numbers from 0 to 1", odd)
            continue
        for record, one in zip(records, shares, strict=True):
            record.scores[name] = one


def _missing(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)
