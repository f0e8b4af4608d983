"""Which tool wrote a file: by its name, or by the keys that it begins with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...curate.errors import UsageError
from ...curate.reading.compression import DAMAGED, open_plain
from .exporting import Tool

_HEAD = 1 << 16  # bytes: every tool names itself, by its keys, at the beginning
_KEYS: dict[Tool, tuple[bytes, ...]] = {
    "lm-eval": (b'"doc_id"', b'"resps"'),
    "openai-evals": (b'"spec"', b'"run_id"'),
    "promptfoo": (b'"evalId"', b'"promptIdx"', b'"namedScores"'),
    "inspect": (b'"eval"', b'"task"'),
}


def guess(paths: Sequence[Path]) -> Tool:
    """Return the tool that wrote the files.

    Raises:
        UsageError: no such file, or none that is known.
    """
    path = paths[0]
    if not path.exists():
        raise UsageError(f"{path}: no such file; give the log that the tool wrote.")
    if path.is_dir() or path.name.startswith(("samples_", "results_")):
        return "lm-eval"
    head = _head(path)
    if head.startswith(b"PK\x03\x04"):
        return "inspect"
    found: list[Any] = [tool for tool, keys in _KEYS.items() if sum(key in head for key in keys) >= 2]
    if not found:
        raise UsageError(
            f"{path} is of no tool that is known by its first lines; say --from lm-eval, inspect, promptfoo or openai-evals."
        )
    return found[0]


def _head(path: Path) -> bytes:
    try:
        with open_plain(path) as opened:
            return opened.read(_HEAD)
    except DAMAGED as error:
        raise UsageError(
            f"{path} can't be unpacked ({type(error).__name__}); copy it again from where it was made."
        ) from error
