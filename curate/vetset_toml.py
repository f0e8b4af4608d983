"""``vetset.toml``: where it stands, and its tables as they are. ``decisions.policy`` and ``coverage.wanted`` read theirs."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from .errors import UsageError, quote

FILE = "vetset.toml"


def settings_file(config: str | Path | None, folder: Path) -> Path | None:
    """Return the file to read: the one that was named, or the one of this folder, or the one beside the set ``folder``."""
    if config is not None:
        return Path(config)
    return next((path for path in (Path(FILE), folder.resolve().parent / FILE) if path.is_file()), None)


def read_tables(path: Path) -> dict[str, Any]:
    """Return the tables of a file.

    Raises:
        UsageError: no such file, or no TOML; the sentence names the file.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{path} can't be read ({error.strerror}); give a TOML file, or leave --config out."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(
            f"{path} is not TOML ({quote(error, 100)}); mend that line; names with a dot and quotes: "
            '"quality.empty" = "wait".'
        ) from error
