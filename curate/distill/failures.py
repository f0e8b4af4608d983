"""The kinds of failure that ``vetset failures`` found, as values of the axis ``failure`` and what each means.

The rows that failed are of an eval set, so no teacher is shown one: what it learns of a kind is its name and its words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DataError, UsageError, quote
from ..masking import mask

_FORMAT = 1
_WORDS = 8  # of a kind: from there on they are those of single rows
_MEANS = {
    "wrong": "the model's answer is wrong",
    "unparsed": "the model's answer does not have the form that is asked for",
    "refused": "the model refuses, and should not",
}
"""What a status says of the data; a cut-off answer or a failed call says nothing of it."""


@dataclass(frozen=True)
class Failures:
    """Kinds of failure, those of most failures first."""

    values: tuple[str, ...]
    """Names, for the axis; of two that are alike, the later one has its id."""
    about: Mapping[str, str]
    """What each means, by name."""
    rows: Mapping[str, int]
    """Failures of each, in its largest run."""


def read_failures(path: str | Path, *, most: int = 20, least: int = 1) -> Failures:
    """Read the kinds of failure from the file that ``vetset failures`` keeps beside the runs (``failures-NAME.json``).

    Args:
        path: the file.
        most: kinds that are taken.
        least: failures that a kind has in its largest run; of fewer it is left out.

    Raises:
        UsageError: there is no such file.
        DataError: it is something else, of a newer vetset, or holds no kind that data could mend.
    """
    path = Path(path)
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["format"] != _FORMAT:
            raise DataError(f"{path} has format {quote(told['format'])}, this vetset reads {_FORMAT}; update vetset.")
        kinds = [(max(one["runs"].values(), default=0), one) for one in told["kinds"] if one["status"] in _MEANS]
        kinds.sort(key=lambda kind: (-kind[0], str(kind[1]["id"])))
        found: dict[str, tuple[str, int]] = {}
        for rows, one in kinds:
            name = " ".join(mask(str(one["name"])).split())
            if rows >= least and name and len(found) < most:
                found[f"{name} ({one['id']})" if name in found else name] = (_meaning(one), rows)
    except DataError:
        raise
    except OSError as error:
        raise UsageError(
            f"{path} can't be read ({error.strerror}); name the file that `vetset failures` wrote."
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{path} holds no kinds of failure; name the file that `vetset failures` wrote.") from error
    if not found:
        raise DataError(
            f"{path} has no kind of failure that other rows could mend; run `vetset failures` on a run first."
        )
    means = {name: meaning for name, (meaning, _) in found.items()}
    return Failures(tuple(found), means, {name: rows for name, (_, rows) in found.items()})


def _meaning(kind: Mapping[str, Any]) -> str:
    weights = kind["words"]
    words = sorted(weights, key=lambda word: (-float(weights[word]), word))[:_WORDS]
    marks = f"; its rows have words such as {', '.join(mask(word) for word in words)}" if words else ""
    return _MEANS[kind["status"]] + marks
