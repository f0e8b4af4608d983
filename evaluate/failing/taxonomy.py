"""The kinds of failure that are known, with names and ids that stay the same from run to run; a JSON file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from ...curate import disk
from ...curate.errors import DataError, UsageError, quote
from .words import Weights

MOST = 20
"""Kinds that are kept: more than twenty are a list that nobody reads."""
OTHER = "other"
"""The id of what fits no kind."""
FORMAT = 1

Namer = Literal["words", "person", "judge"]


@dataclass(frozen=True)
class Kind:
    """One kind of failure."""

    id: str
    """``F1``, ``F2`` ...; never used again for another."""
    name: str
    status: str
    """``wrong``, ``unparsed``, ``truncated``, ``refused`` or ``error``: kinds of different status never mix."""
    named_by: Namer = "words"
    words: Weights = field(default_factory=dict)
    """The middle of its failures; empty where the status alone says what it is."""
    reach: float = 0.0
    """Least cosine to the middle of a failure that is of this kind."""
    runs: Mapping[str, int] = field(default_factory=dict)
    """Failures of each run."""
    since: int = 0
    """Which run brought it, from 0: what an older kind reaches is never taken by a newer one."""


@dataclass(frozen=True)
class Taxonomy:
    """All kinds that are known."""

    kinds: tuple[Kind, ...] = ()
    next: int = 1
    """Number of the next id."""
    seen: Mapping[str, str] = field(default_factory=dict)
    """Digests of the failures of each run, by the run's name: what was seen once makes no new kinds."""

    def find(self, kind: str) -> Kind | None:
        """Return a kind by its id."""
        return next((one for one in self.kinds if one.id == kind), None)

    def named(self, names: Mapping[str, str], *, by: Namer = "person") -> Taxonomy:
        """Return the taxonomy with new names.

        Args:
            names: by id.
            by: who gave them.

        Raises:
            UsageError: no kind has such an id, a name is empty, or two kinds would have one.
        """
        for kind, name in names.items():
            if self.find(kind) is None:
                known = ", ".join(one.id for one in self.kinds) or "none yet"
                raise UsageError(f"{quote(kind)} is no kind of failure; there is {known}.")
            if not name.strip() or len(name) > 80:
                raise UsageError(f"{kind}: {quote(name)} is no name; give one of 1 to 80 characters.")
        kinds = [
            replace(one, name=names[one.id].strip(), named_by=by) if one.id in names else one for one in self.kinds
        ]
        taken: dict[str, str] = {}
        for one in kinds:
            folded = one.name.casefold()
            if one.named_by != "words" and taken.setdefault(folded, one.id) != one.id:
                raise UsageError(
                    f"{one.id} and {taken[folded]} would both be called {quote(one.name)}; give two names."
                )
        return replace(self, kinds=tuple(kinds))


def read_taxonomy(path: Path) -> Taxonomy:
    """Read a taxonomy; an empty one where there is no file.

    Raises:
        DataError: it is damaged, or of a newer vetset.
    """
    if not path.exists():
        return Taxonomy()
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        listed = told["kinds"]
        if told["format"] != FORMAT:
            raise DataError(f"{path} has format {told['format']!r}, this vetset reads {FORMAT}; update vetset.")
        kinds = tuple(_kind(one) for one in listed)
        return Taxonomy(kinds, int(told["next"]), {str(run): str(digest) for run, digest in told["seen"].items()})
    except DataError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{path} is no taxonomy of failures ({type(error).__name__}); put it back from a copy, or name another "
            "with --taxonomy."
        ) from error


def save_taxonomy(path: Path, of: Taxonomy) -> None:
    """Write a taxonomy.

    Raises:
        UsageError: it can't be written there.
    """
    told: dict[str, Any] = {
        "format": FORMAT,
        "next": of.next,
        "kinds": [
            {
                "id": one.id, "name": one.name, "named_by": one.named_by, "status": one.status, "reach": one.reach,
                "since": one.since, "runs": dict(one.runs), "words": one.words,
            }
            for one in of.kinds
        ],
        "seen": dict(of.seen),
    }  # fmt: skip
    text = json.dumps(told, indent=1, ensure_ascii=False) + "\n"
    try:
        disk.write_whole(path, lambda beside: beside.write_text(text, encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{path} can't be written ({(error.strerror or 'no such place').lower()}); name another file with --taxonomy."
        ) from error


def _kind(told: Mapping[str, Any]) -> Kind:
    words = {str(word): float(weight) for word, weight in told["words"].items()}
    runs = {str(run): int(count) for run, count in told["runs"].items()}
    by = told["named_by"]
    if by not in ("words", "person", "judge"):
        raise ValueError(by)
    name, status, reach, since = str(told["name"])[:80], str(told["status"]), float(told["reach"]), int(told["since"])
    return Kind(str(told["id"]), name, status, by, words, reach, runs, since)
