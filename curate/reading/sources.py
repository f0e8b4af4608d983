"""Whatever a user points at, as sources: files, folders, globs and names on the hub."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..dataset import is_set, sources_of
from ..errors import DataError, UsageError, quote
from ..wording import shell
from . import tables
from .chunks import Chunk, Reject, Source
from .dialects import delimiter_of
from .encodings import known_encoding
from .file_kinds import TEXTS, Options, open_file, table_notes
from .hub import HubData, looks_like_hub_name

__all__ = ["Chunk", "Reject", "Source", "find_sources"]

_BESIDE = {"readme", "license", "licence", "notice", "copying", "changelog", "contributing", "citation", "authors"}
_SET = "a set of vetset"
_OF_AN_EXPORT = {"decisions.jsonl": "the decisions of an export", "lineage.parquet": "the lineage of an export"}
_METADATA = {"dataset_info.json", "dataset_infos.json", "state.json", "dataset_dict.json", "provenance.json"}


def find_sources(
    given: Sequence[str | Path],
    *,
    header: bool | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
) -> tuple[list[Source], list[str]]:
    """Return the sources that the given paths, globs and hub names stand for, and what was passed over, with reasons.

    Args:
        given: files, folders (read to their depth), globs (``**`` too), ``owner/name`` on the hub.
        header: whether the first line of delimited text holds names; guessed.
        delimiter: of delimited text; guessed.
        encoding: of text; guessed file by file.

    Raises:
        UsageError: nothing is there, it is a set, or an option makes no sense.
        DataError: a file that was named is empty or no data.
    """
    options = Options(
        header, delimiter_of(delimiter) if delimiter else None, known_encoding(encoding) if encoding else None
    )
    sources: list[Source] = []
    skipped: list[str] = []
    for item in given:
        path = Path(item)
        if (
            not str(item) or len(os.fsencode(path.name)) > 255
        ):  # no name of a file, and Path("") is the folder we are in
            raise UsageError(f"{quote(item)} is no path; give a file, a folder, a pattern or owner/name on the hub.")
        if path.is_dir() and is_set(path):
            raise UsageError(_set_for_data(path))
        if path.is_dir():
            found, passed = _folder(path, str(item), options)
        elif path.exists():
            found, passed = [open_file(path, str(item), options)], []
        elif glob.has_magic(str(item)):
            found, passed = _many(sorted(map(Path, glob.glob(str(item), recursive=True))), options)
            if not found and not passed:
                raise UsageError(f"no file matches {quote(item)}; check the pattern, and quote it against the shell.")
        elif looks_like_hub_name(str(item)):
            found, passed = [_hub(str(item))], []
        else:
            raise UsageError(f"{quote(item, 100)}: no such file or folder; check the path.")
        sources += found
        skipped += passed
    return _once(sources, skipped)


def _set_for_data(folder: Path) -> str:
    """Say what to read in the place of a set.

    Its rows alone would lose what was decided, and would be said to come from the set and not from their source.
    """
    read_from = sources_of(folder)
    source = (
        f"the files that it was read from ({', '.join(quote(name, 300) for name in read_from[:3])})"
        if read_from
        else "its source"
    )
    return (
        f"{folder} is a set and no data: read {source}, or, for the rows as they were decided, what "
        f"`vetset export {shell(folder)} -o DIR` writes."
    )


def _once(sources: list[Source], skipped: list[str]) -> tuple[list[Source], list[str]]:
    first: dict[Path, Source] = {}
    again = [source.name for source in sources if first.setdefault(source.path.resolve(), source) is not source]
    return list(first.values()), [*skipped, *(f"{name}: given twice" for name in again)]


def _folder(path: Path, name: str, options: Options) -> tuple[list[Source], list[str]]:
    if saved := tables.saved_splits(path):
        return [_saved(folder, split, _join(name, split)) for split, folder in saved], []
    files: list[Path] = []
    sources: list[Source] = []
    skipped: list[str] = []
    for root, folders, names in os.walk(path):
        for inner in sorted(folders):
            if inner.startswith(".") or inner.endswith(".vet") or is_set(Path(root, inner)):
                skipped.append(f"{_join(root, inner)}: {'hidden' if inner.startswith('.') else _SET}")
            elif saved := tables.saved_splits(Path(root, inner)):
                sources += [_saved(folder, split, _join(root, inner, split)) for split, folder in saved]
            else:
                continue
            folders.remove(inner)
        folders.sort()
        files += [Path(root, file) for file in names]
    found, passed = _many(sorted(files), options, has_data=bool(sources))
    return sorted(sources + found, key=lambda source: source.name), skipped + passed


def _join(*parts: str | None) -> str:
    return os.path.join(*(part for part in parts if part))


def _many(files: list[Path], options: Options, *, has_data: bool = False) -> tuple[list[Source], list[str]]:
    """Open what holds data among files that were not named one by one; texts count only where nothing else does."""
    sources: list[Source] = []
    skipped: list[str] = []
    for path in files:
        name = str(path)
        reason = _not_data(path)
        if path.name in _OF_AN_EXPORT and path.with_name("provenance.json").exists():
            reason = _OF_AN_EXPORT[path.name]
        if reason is None:
            try:
                sources.append(open_file(path, name, options))
            except (DataError, UsageError) as error:
                reason = str(error).removeprefix(name).removeprefix(":").partition(";")[0].strip(" .")
        if reason:
            skipped.append(f"{name}: {reason}")
    if has_data or any(source.container not in TEXTS for source in sources):
        beside = [source for source in sources if source.container in TEXTS]
        sources = [source for source in sources if source.container not in TEXTS]
        skipped += [f"{source.name}: text beside data; name it to read it" for source in beside]
    return sources, skipped


def _not_data(path: Path) -> str | None:
    """Return why a file of a folder is not even opened; an empty reason passes over it in silence."""
    if path.is_dir():
        return _SET if is_set(path) else ""
    if not path.is_file():
        return "not a regular file"
    if path.name.startswith("."):
        return "hidden"
    if path.name in _METADATA:
        return "metadata"
    if path.name.partition(".")[0].lower() in _BESIDE:
        return "text beside data"
    return None


def _hub(name: str) -> Source:
    data = HubData(name)
    note = f"{name}: no such path here, so it is fetched from the Hugging Face hub (kept in the cache of datasets)"
    return Source(Path(name), name, "hub", [note], data.chunks, data.files)


def _saved(folder: Path, split: str | None, name: str) -> Source:
    files = tables.saved_files(folder, name)

    def chunks() -> Iterator[Chunk]:
        first = 1
        for path in files:
            for chunk in tables.table_chunks(tables.batches_of(path, str(path)), split=split, first=first):
                yield chunk
                first += len(chunk.lines)

    everything = sorted(path for path in folder.iterdir() if path.is_file())
    notes = table_notes(files[0], name) if files else []
    return Source(folder, name, "datasets folder", notes, chunks, lambda: everything)
