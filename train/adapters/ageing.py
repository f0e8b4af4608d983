"""Which adapters are due for a re-tune: their base is another by now, or the data has moved on."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from ...curate.dataset import is_set
from ...curate.errors import VetsetError, quote
from ...curate.exports.provenance import digest_rows, sha256
from ...curate.wording import counted
from ...evaluate.models.weights_digest import weights_digest
from ...evaluate.runs.training_rows import training_rows
from .library import Adapter, base_folder, open_adapter
from .lineage import Base, Data, Parent

UNSEEN = "not checked: "
"""How a sentence begins that tells what could not be looked at."""


def moved_on(adapter: Adapter) -> list[str]:
    """Return a sentence for each thing that is not any more what the adapter was made of, and for what can't be looked at."""
    if adapter.lineage is None:
        return [f"{UNSEEN}nothing tells what it was trained on"]
    folder, of = adapter.folder, adapter.lineage
    if of.parents:
        return [sentence for parent in of.parents for sentence in _parent(folder, parent)]
    said = [_base(folder, of.base), _data(folder, of.data), _general(folder, of.general)]
    return [sentence for sentence in said if sentence]


def due(sentences: list[str]) -> bool:
    """Say whether one of the sentences asks for a re-tune; what was not looked at asks for nothing."""
    return any(not sentence.startswith(UNSEEN) for sentence in sentences)


def _parent(folder: Path, parent: Parent) -> list[str]:
    """What is to be said of an adapter that was merged, as of what it is now."""
    try:
        of = open_adapter(folder / parent.path)
    except VetsetError:
        return [f"{UNSEEN}its parent {quote(parent.name)} is not where it was"]
    if of.digest != parent.digest:
        return [f"its parent {quote(parent.name)} was trained again"]
    if of.lineage and of.lineage.parents:  # of merges of merges the last step is looked at: a stranger's may be a ring
        return []
    return [
        f"{UNSEEN}of its parent {quote(parent.name)}, {one.removeprefix(UNSEEN)}" if one.startswith(UNSEEN)
        else f"of its parent {quote(parent.name)}, {one}"
        for one in moved_on(of)
    ]  # fmt: skip


def _base(folder: Path, base: Base) -> str | None:
    if base.digest is None:
        return f"{UNSEEN}nothing tells which weights its base had"
    try:
        at = base_folder(folder, base)
        digest = _digest(at, _stamps(at))
    except VetsetError:
        return f"{UNSEEN}its base {quote(base.name)} is not on this machine"
    return None if digest == base.digest else f"its base {quote(base.name)} has other weights than it was trained on"


def _data(folder: Path, data: Data) -> str | None:
    source = folder / data.path if data.path else None
    if source is None or data.sha256 is None:
        return f"{UNSEEN}nothing tells where its data stands"
    if not (source.is_file() or source.is_dir()):  # nor is a pipe read, which a stranger's lineage may name
        return f"{UNSEEN}its data {quote(source.name)} is not where it was"
    try:
        if source.is_file() and sha256(source) == data.sha256:
            return None
        rows = training_rows(source)
    except (VetsetError, OSError) as error:
        return f"{UNSEEN}its data {quote(source.name)} can't be read ({quote(error, 80)})"
    if not source.is_file() and digest_rows(rows) == data.sha256:
        return None
    now, then = set(rows["id"]), set(data.ids or ())
    how = f"{counted(len(now - then), 'row')} it was not trained on, {counted(len(then - now), 'row')} gone"
    how = "the same rows have other labels or texts" if now == then else how
    return f"its {'set' if is_set(source) else 'file'} {quote(source.name)} has moved on: {how}"


def _general(folder: Path, data: Data | None) -> str | None:
    """Of these rows a part was drawn, so that only the file can be compared."""
    source = folder / data.path if data and data.path and data.sha256 else None
    if data is None or source is None or not source.is_file() or sha256(source) == data.sha256:
        return None
    return f"its general rows {quote(source.name)} are others by now"


def _stamps(folder: Path) -> tuple[tuple[str, int, int], ...]:
    found = [*folder.glob("*.safetensors"), *folder.glob("*config.json")]
    return tuple(sorted((path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in found))


@lru_cache(maxsize=64)  # a library has many adapters over few bases, and a dashboard asks again and again
def _digest(folder: Path, _stamps: tuple[tuple[str, int, int], ...]) -> str:
    return weights_digest(folder)
