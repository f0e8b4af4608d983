"""The verb ``read``: any file to a set. Guesses, says what it guessed, and keeps what it can't read."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import parts
from ..dataset import Dataset, is_whole
from ..decisions.applied import Ledger, head_for
from ..distill.kept import handed, kept_rows
from ..errors import DataError, StaleError, UsageError, quote
from ..version import version
from ..wording import shell
from .mapping import Given
from .planning import plan_all
from .sources import Source, find_sources
from .working_folder import working_folder
from .writing import Progress, SourceRead, write_rows


@dataclass
class ReadResult:
    """What came of a read. ``rows + rejects`` is the number of records in the sources."""

    dataset: Dataset
    sources: list[SourceRead]
    skipped: list[str]
    notes: list[str] = field(default_factory=list)
    """What became of the findings, the split and the decisions of a set that stood there before."""

    @property
    def rows(self) -> int:
        """Rows in the set."""
        return sum(source.rows for source in self.sources)

    @property
    def rejects(self) -> int:
        """Records that could not become rows."""
        return sum(source.rejects for source in self.sources)

    def summary(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "set": str(self.dataset.folder),
            "rows": self.rows,
            "rejects": self.rejects,
            "sources": [
                {
                    "path": source.name, "container": source.container, "shape": source.plan.shape,
                    "columns": source.plan.columns, "constants": source.plan.constants, "rows": source.rows,
                    "rejects": source.rejects, "reasons": source.plan.reasons, "notes": source.notes,
                }
                for source in self.sources
            ],
            "skipped": self.skipped,
            "notes": self.notes,
        }  # fmt: skip


def read(
    given: Sequence[str | Path],
    out: str | Path,
    *,
    columns: Given | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    progress: Progress | None = None,
) -> ReadResult:
    """Read files, folders, globs or hub names into the set ``out``.

    A set that stands at ``out`` gets the new rows; its decisions are kept. Its findings and its split are kept where the
    same files are read in the same way again, and go otherwise, as they belong to other rows. Nothing is written unless
    the whole read succeeds.

    Args:
        given: paths, globs, or ``owner/name`` on the hub (the only case that goes to the network, and it is said).
        out: the set's folder, by custom ``NAME.vet``.
        columns: what the columns mean; what it leaves out is guessed.
        encoding: of text files; guessed file by file.
        delimiter: of delimited text; guessed.
        header: whether delimited text has a first line of names; guessed.
        progress: told bytes done and in all.

    Raises:
        UsageError: a path, column or format that is not there.
        DataError: a source that cannot be read at all.
        StaleError: the same files were read again, and others in the meantime; nothing was written.
    """
    columns = columns or Given()
    out = Path(out)
    _check_out(out)
    sources, skipped = find_sources(given, header=header, delimiter=delimiter, encoding=encoding)
    if not sources:
        raise DataError(f"nothing to read in {', '.join(map(str, given))}; {'; '.join(skipped[:3]) or 'it is empty'}.")
    sources, plans, skipped = plan_all(sources, columns, skipped, named={Path(item) for item in given})
    options = {"sources": [str(item) for item in given], **columns.said()}
    options |= {
        name: value
        for name, value in (("encoding", encoding), ("delimiter", delimiter), ("header", header))
        if value is not None
    }
    before = _before(out, sources)
    kept = kept_rows(out, before, read={source.name for source in sources})  # synthetic ones, which no source holds
    with working_folder(out) as folder, _hashed(sources):
        results, digest = write_rows(sources, plans, folder, progress)
        result = ReadResult(Dataset(out), results, skipped)
        if not result.rows:
            first = _first_reject(folder / "rejects.jsonl")
            if not first:
                raise DataError(f"{results[0].name} holds no record; give a file with at least one.")
            raise DataError(
                f"{results[0].name}: none of its {result.rejects:,} records became a row; the first, on line "
                f"{first.get('line')}: {first.get('reason')}; say what the columns mean with --format, --text and --label."
            )
        out.mkdir(parents=True, exist_ok=True)
        inputs = [_input(*pair) for pair in zip(sources, results, strict=True)]
        rows = result.rows
        if kept is not None:
            digest = kept.append_to(folder / "rows.parquet")
            inputs, rows = [*inputs, *kept.inputs], rows + kept.rows.height
        same = (before.get("digest"), before.get("vetset"), before.get("inputs")) == (digest, version(), inputs)
        left = _left_behind(out, same=same)
        lost = [name for name in left if (out / name).exists() or parts.is_lost(out, name)]

        def still(stands: str | None) -> str:
            if same and stands != digest:  # the findings and the split that would be kept are of other rows by now
                raise StaleError(f"{out} was read anew in the meantime, so nothing was written; run the command again.")
            return digest

        def of(stands: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
            if handed(stands) != handed(before.get("inputs")):  # they would be lost
                raise StaleError(
                    f"synthetic rows came into {out} in the meantime, so nothing was written; run the command again."
                )
            return inputs

        Dataset(out).save(
            {
                "rows.parquet": lambda path: os.replace(folder / "rows.parquet", path),
                "rejects.jsonl": lambda path: os.replace(folder / "rejects.jsonl", path),
                **dict.fromkeys(left),
            },
            step={
                "verb": "read", "version": version(), "options": options,
                "counts": {"rows": result.rows, "rejects": result.rejects},
            },
            vetset=version(),
            rows=rows,
            rejects=result.rejects,
            digest=still,
            inputs=of,
            exports=lambda stands: stands or [],  # also one that was written while this read went on
            **({"checked": []} if parts.FINDINGS in left else {}),
            **({"train": "train"} if parts.SPLITS in left else {}),
            **({} if same else {"against": []}),
        )  # fmt: skip
    dataset = Dataset.open(out)
    notes = [] if kept is None else [kept.note]
    return ReadResult(dataset, results, skipped, [*notes, *_told(dataset, lost)])


def _left_behind(out: Path, *, same: bool) -> list[str]:
    """Return which of findings and split don't stay: they belong to other rows, or are lost.

    What was found while a split stood that is lost now belongs to no split.
    """
    if not same or parts.is_lost(out, parts.SPLITS):
        return [parts.FINDINGS, parts.SPLITS]
    return [parts.FINDINGS] if parts.is_lost(out, parts.FINDINGS) else []


def _before(out: Path, sources: Sequence[Source]) -> dict[str, Any]:
    """Return the manifest of the set that stands at ``out``; a set of other files that holds decisions is refused."""
    if not (out / "manifest.json").exists():
        return {}
    if not is_whole(out):
        return {}  # a damaged manifest is what a new read mends
    manifest = Dataset.open(out).manifest
    made = handed(manifest.get("inputs"))
    known = {entry["path"] for entry in manifest.get("inputs", []) if entry not in made}
    decided = (out / parts.DECISIONS).exists() or parts.is_lost(out, parts.DECISIONS)
    if known and (decided or made) and not known & {source.name for source in sources}:
        what = "decisions on its rows" if decided else "synthetic rows that were made from them"
        raise UsageError(
            f"{out} was read from {quote(sorted(known)[0])} and holds {what}; give the new set another name "
            f"with -o, or remove {out} first."
        )
    return manifest


def _told(dataset: Dataset, lost: list[str]) -> list[str]:
    notes = []
    if lost:
        said = {parts.FINDINGS: ("findings", "check"), parts.SPLITS: ("split", "split")}
        words = " and the ".join(said[name][0] for name in lost)
        again = " and ".join(f"`vetset {said[name][1]} {shell(dataset.folder)}`" for name in lost)
        notes.append(f"the {words} of the rows before are gone; run {again} again")
    if parts.is_lost(dataset.folder, parts.DECISIONS):
        return [*notes, str(parts.decisions_lost(dataset.folder)).rstrip(".")]
    with Ledger.open(dataset.folder) as ledger:
        if not ledger.last():
            return notes
        applied = head_for(ledger, dataset.rows)
    if applied.stale.height:
        total = applied.stale.height + applied.heads.height
        notes.append(
            f"{applied.stale.height:,} of {total:,} decisions are stale: their rows changed or left; they are kept, not applied"
        )
    return notes


def default_out(source: str) -> Path:
    """Return the set's folder for a source: its name without endings, in the current folder.

    >>> default_out("data/tickets.csv.gz").name
    'tickets.vet'
    """
    name = Path(source.rstrip("/*").split("*")[0].rstrip("/") or "data").name or "data"
    return Path(f"{name.split('.')[0] or 'data'}.vet")


def _first_reject(path: Path) -> dict[str, Any]:
    with path.open(encoding="utf-8") as lines:
        return next(map(json.loads, lines), {})


def _input(source: Source, result: SourceRead) -> dict[str, Any]:
    return {
        "path": source.name, "sha256": source.sha256, "bytes": source.size, "container": source.container,
        "rows": result.rows, "rejects": result.rejects,
        "license": None if "license" in result.plan.columns else result.plan.constants.get("license"),
        "shape": result.plan.shape, "columns": result.plan.columns, "constants": result.plan.constants,
        "notes": result.notes,
    }  # fmt: skip


def _check_out(out: Path) -> None:
    if out.is_file():
        raise UsageError(f"{out} is a file; give the set another name with -o NAME.vet.")
    if out.is_dir() and not (out / "manifest.json").exists():
        foreign = [item.name for item in out.iterdir() if not item.name.startswith((".", parts.DECISIONS))]
        if foreign:
            raise UsageError(
                f"{out} is a folder that is no set (it holds {quote(foreign[0])}); give another name with -o NAME.vet."
            )
    parent = next(folder for folder in [out, *out.absolute().parents] if folder.exists())
    if not os.access(parent, os.W_OK):
        raise UsageError(f"{parent} can't be written to; give another place with -o NAME.vet.")


@contextmanager
def _hashed(sources: Sequence[Source]) -> Iterator[None]:
    """Compute the files' SHA-256 beside the reading: hashing large blocks needs no lock of the interpreter."""

    def work() -> None:
        with suppress(OSError):  # asked for again below, it is raised there
            for source in sources:
                _ = source.sha256

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    thread.join()
