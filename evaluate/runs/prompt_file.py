"""A user's own prompt: a text file, or TOML with a part for the system message."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path

from ...curate.errors import DataError, UsageError, quote
from ...curate.vetset_toml import read_tables
from .examples import Shots
from .prompts import BUDGET, Prompt
from .retrieval import Library

_KEYS = ("system", "user", "mark")
_PLACES = ("question", "labels", "context")


def read_prompt(
    path: str | Path,
    *,
    labels: Sequence[str] = (),
    shots: Shots | None = None,
    library: Library | None = None,
    budget: int = BUDGET,
) -> Prompt:
    """Return the prompt of a file.

    A TOML file holds ``user`` (with ``{question}``), ``system`` and ``mark`` (what begins the line of the final answer), each of
    which may be left out. Any other file is the user turn where it holds ``{question}``, and the system message otherwise.
    ``{labels}`` and ``{context}`` are filled in both.

    Args:
        path: the file.
        labels: of a labelled set, for ``{labels}``.
        shots: examples to set before the question.
        library: the documents for ``{context}``.
        budget: characters of documents.

    Raises:
        UsageError: no such file; an unknown key; a place that can't be filled.
        DataError: the file is no text.
    """
    path = Path(path)
    found = _of_toml(path) if path.suffix.lower() == ".toml" else _of_text(path)
    prompt = Prompt(
        path.name,
        found.get("system"),
        found.get("user", "{question}"),
        tuple(labels),
        found.get("mark"),
        shots,
        library,
        budget,
    )
    _check(path, prompt)
    return prompt


def _of_toml(path: Path) -> dict[str, str]:
    if not path.is_file():
        raise UsageError(f"{path}: no such prompt file; check the path.")
    found = read_tables(path)
    for key, value in found.items():
        if key not in _KEYS or not isinstance(value, str):
            raise UsageError(f"{path}: {quote(key)} is no text that a prompt has; it may hold {', '.join(_KEYS)}.")
    return found


def _of_text(path: Path) -> dict[str, str]:
    try:
        text = path.read_text(encoding="utf-8-sig").strip()
    except OSError as error:
        raise UsageError(
            f"{path} can't be read ({error.strerror}); give a text or TOML file with your prompt."
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text; save the prompt as UTF-8.") from error
    if not text:
        raise DataError(f"{path} is empty; write the prompt into it, with {{question}} where the row's text goes.")
    return {"user" if "{question}" in text else "system": text}


def _check(path: Path, prompt: Prompt) -> None:
    """Refuse what would be asked otherwise than it was meant; braces that stand for themselves, as in JSON, are left alone."""
    whole = f"{prompt.system or ''}\n{prompt.user}"
    if "{question}" not in prompt.user:
        raise UsageError(
            f"{path}: `user` has no {{question}}, so no row would be asked; put it where the row's text goes."
        )
    if prompt.system is not None and "{question}" in prompt.system:
        raise UsageError(f"{path}: `system` has {{question}}, which belongs in `user`; move it there.")
    for word in re.findall(r"\{([A-Za-z_]+)\}", whole):
        near = difflib.get_close_matches(word.lower(), _PLACES, 1, 0.75)
        if word not in _PLACES and near:
            raise UsageError(f"{path} has {{{word}}}, which nothing fills; write {{{near[0]}}}.")
    if "{context}" in whole and prompt.library is None:
        raise UsageError(f"{path} has {{context}}; name the folder of your documents with --documents DIR.")
    if "{context}" not in whole and prompt.library is not None:
        raise UsageError(f"{path} has no {{context}}, so --documents would not be seen; put it where the documents go.")
    if "{labels}" in whole and not prompt.labels:
        raise UsageError(f"{path} has {{labels}}, and the eval set's rows have no labels of a class; take it out.")
