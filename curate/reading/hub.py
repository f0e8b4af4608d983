"""Data sets on the Hugging Face hub: the only source that needs a network, and only when its records are asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import UsageError, quote
from .chunks import Chunk
from .tables import table_chunks

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(:[\w.-]+)?")
_FILES = re.compile(r"\.(jsonl?|ndjson|csv|tsv|txt|md|parquet|arrow|gz|zst|vet)$", re.IGNORECASE)


def looks_like_hub_name(given: str) -> bool:
    """Whether a text is ``owner/name`` (or ``owner/name:configuration``) rather than a path that is missing.

    >>> looks_like_hub_name("PolyAI/banking77"), looks_like_hub_name("data/train.csv")
    (True, False)
    """
    return bool(_NAME.fullmatch(given)) and not _FILES.search(given) and not Path(given.partition("/")[0]).exists()


_SECONDS = 4
"""That the hub may take for its first answer. ``datasets`` would try for half a minute, with a warning for each try."""


@dataclass
class HubData:
    """A data set of the hub, fetched at first use through ``datasets`` and kept in its cache."""

    name: str
    splits: dict[str, Any] = field(default_factory=dict)

    def files(self) -> list[Path]:
        """Return the Arrow files in the cache; none before the first use."""
        return sorted(Path(entry["filename"]) for part in self.splits.values() for entry in part.cache_files)

    def chunks(self) -> Iterator[Chunk]:
        """Yield the records of every split, each with its ``_split``.

        Raises:
            UsageError: the hub can't be reached, or has no such data set.
        """
        if not self.splits:
            self.splits = self._fetch()
        first = 1
        for split, part in self.splits.items():
            batches = part.with_format("arrow").iter(batch_size=10_000)
            for table in batches:
                for chunk in table_chunks(table.to_batches, split=split, first=first):
                    yield chunk
                    first += len(chunk.lines)

    def _fetch(self) -> dict[str, Any]:
        import datasets

        name, _, configuration = self.name.partition(":")
        _ask_for(name)
        try:
            parts = datasets.load_dataset(name, configuration or None)
            return {str(split): part for split, part in parts.items()}
        except OSError as error:  # ConnectionError, and FileNotFoundError for a name that the hub does not know
            raise _unfetched(self.name, type(error).__name__) from error
        except ValueError as error:
            named = ", ".join(re.findall(r"'([\w.-]{1,40})'", str(error))[:6])
            raise UsageError(
                f"{quote(self.name)} has several configurations ({named}); give one as {name}:CONFIGURATION."
            ) from error


def _ask_for(name: str) -> None:
    """Ask the hub once for what it knows of a data set, so that no network is said within seconds.

    Raises:
        UsageError: there is no answer, or it is no.
    """
    import huggingface_hub
    from datasets import config

    if config.HF_HUB_OFFLINE:
        return  # the user has said that the cache must do
    try:
        huggingface_hub.HfApi().dataset_info(name, timeout=_SECONDS)
    except huggingface_hub.errors.RepositoryNotFoundError as error:
        raise UsageError(
            f"{quote(name)} is neither a path here nor a public data set on the Hugging Face hub; check the name, or "
            "log in with `hf auth login` if it is private."
        ) from error
    except Exception as error:  # each release of huggingface_hub brings another HTTP library with errors of its own
        raise _unfetched(name, type(error).__name__) from error


def _unfetched(name: str, why: str) -> UsageError:
    from datasets import config

    start = f"{quote(name)} is neither a path here nor "
    if config.HF_HUB_OFFLINE:
        return UsageError(f"{start}in the cache ({why}), and HF_HUB_OFFLINE forbids the hub; unset it, or give a file.")
    return UsageError(
        f"{start}could it be fetched from the Hugging Face hub ({why}); check the name and the network, give a file, or "
        "set HF_HUB_OFFLINE=1 to read what was fetched before."
    )
