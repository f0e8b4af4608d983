"""The verb ``read``: any file to a set. Guesses, says what it guessed, and keeps what it can't read."""

from __future__ import annotations

import gc
import itertools
import json
import os
import queue
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, TextIO

import msgspec
import polars as pl
import pyarrow as pa
from pyarrow.parquet import ParquetWriter

from ..dataset import Dataset, is_whole
from ..decisions.applied import Ledger, head_for
from ..errors import DataError, UsageError, quote
from ..version import version
from .convert import Converter, repeated_key
from .guesses import plan as guess
from .mapping import SAMPLE, Given, NoText, Plan, split_of_name
from .row_columns import ARROW, Columns, flat, ids, table
from .sources import Chunk, Source, find_sources
from .times import parse

Progress = Callable[[int, int], None]
"""Told bytes done and bytes in all, after each chunk."""

# Only these columns repeat their values; trying a dictionary on the rest costs a third of the writing time.
_DICTIONARY: Any = [
    "label",
    "group",
    "annotator",
    "source",
    "license",
    "origin",
    "split",
    "file",
    "messages.list.element.role",
]


@dataclass
class SourceRead:
    """What came of one source."""

    name: str
    container: str
    plan: Plan
    rows: int = 0
    rejects: int = 0
    notes: list[str] = field(default_factory=list)


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
    """
    columns = columns or Given()
    out = Path(out)
    _check_out(out)
    sources, skipped = find_sources(given, header=header, delimiter=delimiter, encoding=encoding)
    if not sources:
        raise DataError(f"nothing to read in {', '.join(map(str, given))}; {'; '.join(skipped[:3]) or 'it is empty'}.")
    sources, plans, skipped = _plans(sources, columns, skipped, named={Path(item) for item in given})
    options = {"sources": [str(item) for item in given], **columns.said()}
    options |= {
        name: value
        for name, value in (("encoding", encoding), ("delimiter", delimiter), ("header", header))
        if value is not None
    }
    before = _before(out, sources)
    with _beside(out) as folder:
        results, digest = _write(sources, plans, folder, progress)
        result = ReadResult(Dataset(out), results, skipped)
        if not result.rows:
            first = _first_reject(folder / "rejects.jsonl")
            if not first:
                raise DataError(f"{results[0].name} holds a header and no record; give a file with at least one.")
            raise DataError(
                f"{results[0].name}: none of its {result.rejects:,} records became a row; the first, on line "
                f"{first.get('line')}: {first.get('reason')}; say what the columns mean with --format, --text and --label."
            )
        out.mkdir(parents=True, exist_ok=True)
        inputs = [_input(*pair) for pair in zip(sources, results, strict=True)]
        same = (before.get("digest"), before.get("vetset"), before.get("inputs")) == (digest, version(), inputs)
        old = {} if same else {"findings.parquet": None, "splits.parquet": None}
        lost = [
            word for word, file in (("findings", "findings"), ("split", "splits")) if (out / f"{file}.parquet").exists()
        ]
        Dataset(out).save(
            {
                "rows.parquet": lambda path: os.replace(folder / "rows.parquet", path),
                "rejects.jsonl": lambda path: os.replace(folder / "rejects.jsonl", path),
                **old,
            },
            step={
                "verb": "read", "version": version(), "options": options,
                "counts": {"rows": result.rows, "rejects": result.rejects},
            },
            vetset=version(),
            rows=result.rows,
            rejects=result.rejects,
            digest=digest,
            inputs=inputs,
            exports=before.get("exports", []),
            **({} if same else {"checked": [], "against": [], "train": "train"}),
        )  # fmt: skip
    dataset = Dataset.open(out)
    return ReadResult(dataset, results, skipped, _told(dataset, lost=[] if same else lost))


def _before(out: Path, sources: Sequence[Source]) -> dict[str, Any]:
    """Return the manifest of the set that stands at ``out``; a set of other files that holds decisions is refused."""
    if not (out / "manifest.json").exists():
        return {}
    if not is_whole(out):
        return {}  # a damaged manifest is what a new read mends
    manifest = Dataset.open(out).manifest
    known = {entry["path"] for entry in manifest.get("inputs", [])}
    if known and (out / "decisions.db").exists() and not known & {source.name for source in sources}:
        raise UsageError(
            f"{out} was read from {quote(sorted(known)[0])} and holds decisions on its rows; give the new set another name "
            f"with -o, or remove {out} first."
        )
    return manifest


def _told(dataset: Dataset, *, lost: list[str]) -> list[str]:
    notes = []
    if lost:
        verbs = {"findings": "check", "split": "split"}
        again = " and ".join(f"`vetset {verbs[word]} {dataset.folder}`" for word in lost)
        notes.append(f"the {' and the '.join(lost)} of the rows before are gone; run {again} again")
    if not (dataset.folder / "decisions.db").exists():
        return notes
    with Ledger.open(dataset.folder) as ledger:
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
        "rows": result.rows, "rejects": result.rejects, "license": result.plan.constants.get("license"),
        "shape": result.plan.shape, "columns": result.plan.columns, "constants": result.plan.constants,
        "notes": result.notes,
    }  # fmt: skip


def _check_out(out: Path) -> None:
    if out.is_file():
        raise UsageError(f"{out} is a file; give the set another name with -o NAME.vet.")
    if out.is_dir() and not (out / "manifest.json").exists():
        foreign = [item.name for item in out.iterdir() if not item.name.startswith(".") and item.name != "decisions.db"]
        if foreign:
            raise UsageError(
                f"{out} is a folder that is no set (it holds {quote(foreign[0])}); give another name with -o NAME.vet."
            )
    parent = next(folder for folder in [out, *out.absolute().parents] if folder.exists())
    if not os.access(parent, os.W_OK):
        raise UsageError(f"{parent} can't be written to; give another place with -o NAME.vet.")


@contextmanager
def _beside(out: Path) -> Iterator[Path]:
    """A working folder beside the set; those of reads that were killed are swept away."""
    out.parent.mkdir(parents=True, exist_ok=True)
    for stray in out.parent.glob(f".{out.name}.reading-*"):
        pid = stray.name.rpartition("-")[2]
        if not (pid.isdigit() and Path(f"/proc/{pid}").exists()):
            shutil.rmtree(stray, ignore_errors=True)
    folder = out.parent / f".{out.name}.reading-{os.getpid()}"
    folder.mkdir(exist_ok=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _plans(
    sources: Sequence[Source], given: Given, skipped: list[str], *, named: set[Path]
) -> tuple[list[Source], list[tuple[Plan, list[str]]], list[str]]:
    """Plan every source; of a folder or glob, files without any text (lists of ids, of answers) are passed over."""
    kept: list[Source] = []
    plans: list[tuple[Plan, list[str]]] = []
    passed: list[DataError] = []
    for source in sources:
        try:
            plans.append(_plan(source, given))
            kept.append(source)
        except NoText as error:
            if source.path in named:
                raise
            passed.append(error)
    if not kept:
        beside = next((text.partition(": ")[0] for text in skipped if text.endswith("name it to read it")), None)
        if beside is None:
            raise passed[0]
        raise DataError(f"{str(passed[0]).removesuffix('.')}, or name the texts beside it, such as {beside}.")
    return kept, plans, [*skipped, *(str(error).rpartition("; ")[0] for error in passed)]


def _plan(source: Source, given: Given) -> tuple[Plan, list[str]]:
    sample, doubled = _sample(source)
    if not sample:
        return Plan(given.format or "text", {"text": "text"}), ["text"]
    plan = guess(sample, given, name=source.name, file_split=split_of_name(Path(source.name).name))
    return replace(plan, repeated_keys=doubled), list(dict.fromkeys(column for record in sample for column in record))


def _sample(source: Source) -> tuple[list[dict[str, Any]], bool]:
    """Return records from all over the first chunks (files are often sorted by label), and whether one repeats a key."""
    records: list[dict[str, Any]] = []
    doubled = False
    for chunk in itertools.islice(source.chunks(), 2):
        lines = chunk.data.split(b"\n") if len(chunk.lines) <= SAMPLE else _spread(chunk)
        for line in lines[: SAMPLE - len(records)]:
            try:
                record = json.loads(line)
                json.dumps(record, ensure_ascii=False).encode()  # half a surrogate pair can't be shown or compared
            except (ValueError, RecursionError):
                continue
            if isinstance(record, dict):
                doubled = doubled or repeated_key(line) is not None
                records.append(record)
        if len(records) >= SAMPLE:
            break
    return records, doubled


def _spread(chunk: Chunk) -> list[bytes]:
    lines = chunk.data.split(b"\n")[: len(chunk.lines)]
    step = len(lines) / SAMPLE
    return [lines[int(i * step)] for i in range(SAMPLE)]


def _write(
    sources: Sequence[Source], plans: Sequence[tuple[Plan, list[str]]], folder: Path, progress: Progress | None
) -> tuple[list[SourceRead], str]:
    """Convert every chunk and write rows and rejects; converting and compressing run on two cores at once."""
    total, done = sum(source.size for source in sources), 0
    seen: dict[str, int] = {}
    digest = blake2b(digest_size=16)
    results = []
    collecting = gc.isenabled()
    gc.disable()  # millions of short strings and no cycles: the collector only costs (measured: half of the decoding time)
    try:
        with (
            _parquet_writer(folder / "rows.parquet") as write,
            (folder / "rejects.jsonl").open("w", encoding="utf-8") as rejects,
        ):
            for source, (plan, known) in zip(sources, plans, strict=True):
                result = SourceRead(source.name, source.container, plan)
                converter = Converter(plan, known)
                undated: list[str] = []
                for chunk in source.chunks():
                    done += _convert(chunk, converter, result, rejects, write, undated, seen, digest)
                    if progress is not None:
                        progress(min(done, total), total)
                result.notes = [*source.notes, *_notes(converter, undated)]
                results.append(result)
        if progress is not None:
            progress(total, total)
    finally:
        if collecting:
            gc.enable()
    return results, digest.hexdigest()


def _convert(
    chunk: Chunk, converter: Converter, result: SourceRead, rejects: TextIO, write: Callable[[Callable[[], pa.Table]], None],
    undated: list[str], seen: dict[str, int], digest: Any,
) -> int:  # fmt: skip
    columns, odd = converter.convert(chunk.data, chunk.lines) if chunk.lines else (Columns(), [])
    for reject in sorted([*chunk.rejects, *odd], key=lambda reject: reject.line):
        record = {"file": result.name, "line": reject.line, "reason": reject.reason, "text": reject.text}
        rejects.write(msgspec.json.encode(record).decode() + "\n")
        result.rejects += 1
    if columns.contents:
        row_ids = ids(columns.digests, seen)
        texts = pl.Series(columns.common["time"], dtype=pl.String)
        times = parse(texts, day_is_first=converter.plan.day_first)
        if (missing := times.is_null() & texts.is_not_null()).any():
            undated += texts.filter(missing).to_list()
        digest.update("\n".join(row_ids).encode())
        write(partial(table, flat(columns, row_ids, times), file=result.name))
        result.rows += len(row_ids)
    return len(chunk.data)


def _notes(converter: Converter, undated: list[str]) -> list[str]:
    notes = []
    if converter.nan_records:
        notes.append(
            f"{converter.nan_records:,} records hold NaN or Infinity, which JSON has no word for; read as null"
        )
    if undated:
        notes.append(
            f"{len(undated):,} values of '{converter.plan.columns['time']}' are no date (first: {quote(undated[0], 30)}); "
            "their time is null, their text is kept in extra"
        )
    return notes


@contextmanager
def _parquet_writer(path: Path) -> Iterator[Callable[[Callable[[], pa.Table]], None]]:
    """Write tables to one Parquet file on a second thread (compression lets go of the interpreter lock)."""
    tables: queue.Queue[Callable[[], pa.Table] | None] = queue.Queue(maxsize=2)
    failed: list[BaseException] = []

    def work() -> None:
        try:
            with ParquetWriter(
                path,
                ARROW,
                compression="zstd",
                compression_level=1,
                use_dictionary=_DICTIONARY,
                write_statistics=False,
            ) as writer:
                while (item := tables.get()) is not None:
                    writer.write_table(item())
        except BaseException as error:  # noqa: BLE001 - handed to the reading thread, which raises it
            failed.append(error)
            while tables.get() is not None:
                pass

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield tables.put
    finally:
        tables.put(None)
        thread.join()
    if failed:
        raise failed[0]
