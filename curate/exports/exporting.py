"""The verb ``export``: vetted rows to files, with the story of every row beside them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import polars as pl

from .. import disk, parts
from ..dataset import Dataset
from ..decisions.policy import Policy
from ..errors import DataError, GateError, UsageError, quote
from ..formats import wire as formats
from ..formats.wire import Loss, Tally
from ..manifest import announce
from ..version import version
from ..wording import shell
from .account import compose
from .card import card
from .lineage import trace
from .provenance import (
    CARD,
    DECISIONS,
    LINEAGE,
    PROVENANCE,
    FileWritten,
    digest_ids,
    licenses_of,
    our_files,
    seal,
    sha256,
)
from .split_files import part
from .synthetic import Waiver, account_of, refuse_closed, unused, waiver_of, with_origin
from .vetted import Vetting, vet

Held = Literal["hold", "keep", "refuse"]
"""What becomes of rows on which a blocking finding stands: left out, written all the same, or nothing is written."""


@dataclass(frozen=True)
class ExportResult:
    """What was written, what was not, and why. ``counts`` adds up: read = written + all else but rejects."""

    folder: Path
    format: str
    files: list[FileWritten]
    counts: dict[str, int]
    """read, rejects, written, dropped, held, unsplit, left_out; and kept_blocking, which are among the written."""
    rules: dict[str, dict[str, int]]
    """Each rule that ran: found, settled, standing, held."""
    losses: list[Loss]
    notes: list[str]
    synthetic: dict[str, Any] | None = None
    """Of the rows written, those that a teacher wrote (``synthetic.account_of``)."""

    def summary(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {**asdict(self), "folder": str(self.folder)}


def export(
    dataset: Dataset,
    folder: str | Path,
    *,
    format: str | None = None,
    held: Held = "hold",
    extra: bool = False,
    seed: int = 0,
    policy: Policy | None = None,
    waive_terms: str | None = None,
) -> ExportResult:
    """Write the vetted rows of a set, one file a split, with provenance, decisions, lineage and a dataset card.

    The same set, options and seed give the same bytes. All files of the folder change together or not at all; files of
    an earlier export that are no longer made go with the change.

    Args:
        dataset: the set; decisions are applied, the set's rows stay.
        folder: is made if missing; may hold an earlier export and nothing else.
        format: one of ``formats.FORMATS``; for ``None`` ``messages``, or ``preference`` where each row has a worse answer, too.
        held: rows on which a blocking finding stands are held back by default: a check that blocks and a file that
            holds the row anyway would contradict each other.
        extra: write the source's other fields too; off, as trainers refuse or ignore what they don't know.
        seed: kept in the provenance; nothing in an export is drawn by chance today.
        policy: says which findings block; the default policy for ``None``.
        waive_terms: ``REASON by NAME``: why rows may be written of a teacher whose terms are unknown or not open to the training
            of other models, and who says so; it is recorded. Without it such rows stop the export.

    Raises:
        UsageError: an unknown option, or a folder that holds files which vetset did not write.
        GateError: ``held="refuse"`` and a blocking finding stands, or a teacher's terms are closed; nothing was written.
        DataError: no row is left to write; nothing was written.
    """
    if format is not None:
        formats.known_format(format)
    if held not in get_args(Held):
        raise UsageError(f"held is {quote(held)}; give hold, keep or refuse.")
    waiver = waiver_of(waive_terms)
    folder = Path(folder)
    _refuse_foreign(folder)
    vetting = vet(dataset, policy or Policy())
    if held == "refuse" and vetting.blocked.height:
        rules = ", ".join(rule for rule in vetting.blocking if (vetting.standing["rule"] == rule).any())
        raise GateError(
            f"{vetting.blocked.height:,} rows have findings that block ({rules}), so nothing was written; decide them "
            f"(`vetset decide {shell(dataset.folder)}`), or export with --held hold to leave them out."
        )
    rows = vetting.to_write(keep=held == "keep")
    paired = rows.height > 0 and rows["rejected"].null_count() == 0
    options = {"format": format or ("preference" if paired else "messages"), "held": held, "extra": extra, "seed": seed}
    if waiver is not None:
        options["waive_terms"] = asdict(waiver)
    with _staged(folder) as stage:
        result = _write(dataset, stage, rows, vetting=vetting, options=options, waiver=waiver)
        listed = disk.writable(dataset.folder)
        if listed:  # before the files are in place, so that a kill right after finds them in the set's manifest
            _announce(dataset, stage, result, options)
        stage.commit()
        if listed:
            # What was announced counts from here; this makes the file say so, too.
            with contextlib.suppress(OSError, UsageError):
                Dataset(dataset.folder).save({})
    return result if listed else replace(result, notes=[*result.notes, _unlisted(dataset)])


def _unlisted(dataset: Dataset) -> str:
    return f"{dataset.folder} can't be written, so this export is not listed there; keep {PROVENANCE} as its record."


class _Stage:
    """Files written beside their places, until all of them are put in place as one change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stale = _earlier(folder)
        self.paths: dict[str, Path] = {}

    def path(self, name: str) -> Path:
        """Return where the file of that name is written; ``disk.recover`` sweeps the pattern after a kill."""
        return self.paths.setdefault(name, self.folder / f".{name}.part{os.getpid()}")

    def drop(self, name: str) -> None:
        self.paths.pop(name).unlink()

    def commit(self) -> None:
        change: dict[str, disk.Writer | None] = {name: None for name in self.stale if name not in self.paths}
        disk.replace_together(self.folder, change | {name: _mover(path) for name, path in self.paths.items()})

    def close(self) -> None:
        for path in self.paths.values():
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def _staged(folder: Path) -> Iterator[_Stage]:
    """Hold the folder from the look at what stands there to the end: exports into one folder wait for each other."""
    made = not folder.exists()
    with disk.locked(folder, make=True):
        try:
            with contextlib.closing(_Stage(folder)) as stage:
                yield stage
        except BaseException as error:
            if made:
                disk.remove_empty(folder)
            if isinstance(error, OSError):
                raise UsageError(f"{folder} can't be written ({error.strerror}); nothing was exported.") from error
            raise


def _mover(staged: Path) -> disk.Writer:
    return lambda path: os.replace(staged, path)


def _write(
    dataset: Dataset,
    stage: _Stage,
    rows: pl.DataFrame,
    *,
    vetting: Vetting,
    options: dict[str, Any],
    waiver: Waiver | None,
) -> ExportResult:
    """Write all files; none of them is in its place before the end."""
    tally = Tally(options["format"])
    files, written, unsplit = _write_splits(stage, rows, options, tally)
    ids = pl.concat([frame["id"] for frame in written]) if written else pl.Series("id", [], dtype=pl.String)
    made = account_of(rows, ids, waiver)
    refuse_closed(made, dataset.folder)
    fates = trace(dataset, vetting, written, unsplit, tally, keep=options["held"] == "keep")
    losses = tally.losses()
    if not files:
        raise DataError(nothing_left(fates, losses))
    with_origin(fates, dataset.rows).write_parquet(stage.path(LINEAGE), compression="zstd", compression_level=3)
    stage.path(DECISIONS).write_bytes(vetting.log)
    notes = [*notes_of(dataset, vetting), *unused(waiver, made)]
    document = compose(
        dataset, options=options, policy=vetting.policy, files=files, lineage=fates, losses=losses, notes=notes,
        found=vetting.findings, standing=vetting.standing, blocked=vetting.blocked, applied=vetting.applied,
        unapplied=vetting.unapplied, log=vetting.log, rows=rows, synthetic=made,
    )  # fmt: skip
    stage.path(CARD).write_text(card(document), encoding="utf-8")
    document["beside"] = {
        name: {"sha256": sha256(stage.path(name)), "bytes": stage.path(name).stat().st_size}
        for name in (LINEAGE, DECISIONS, CARD)
    }
    stage.path(PROVENANCE).write_bytes(seal(document))
    return ExportResult(
        stage.folder, options["format"], files, document["counts"], document["rules"], losses, notes, made
    )


def _write_splits(
    stage: _Stage, rows: pl.DataFrame, options: dict[str, Any], tally: Tally
) -> tuple[list[FileWritten], list[pl.DataFrame], pl.DataFrame]:
    """Write one file a split, or one ``data`` file where no row has a split; return the ids of rows in neither, too."""
    name = options["format"]
    suffix = formats.FORMATS[name].suffix
    layout = formats.layout(rows, name, extra=options["extra"])
    parted = part(rows, suffix)
    files: list[FileWritten] = []
    written: list[pl.DataFrame] = []
    for file, split, some in parted.files:
        path = stage.path(file)
        with path.open("wb") as out:
            ids = formats.write(some, out, name, layout, tally)
        if not len(ids):  # loaders refuse a file without a record
            stage.drop(file)
            continue
        written.append(pl.DataFrame({"id": ids}).select("id", file=pl.lit(file), record=pl.int_range(1, pl.len() + 1)))
        told = licenses_of(some.filter(pl.col("id").is_in(ids.implode())))
        files.append(FileWritten(file, split, len(ids), path.stat().st_size, sha256(path), digest_ids(ids), told))
    return files, written, parted.unsplit


def nothing_left(fates: pl.DataFrame, losses: list[Loss]) -> str:
    """Return why no row can be written."""
    counts = fates.group_by("fate", maintain_order=True).len().iter_rows()
    shares = ", ".join(f"{count:,} {fate.replace('_', ' ')}" for fate, count in counts) or "the set has none"
    reason = f" ({losses[0].sentence.rstrip('.')})" if losses else ""
    return f"no row is left to write: {shares}{reason}; nothing was exported, take another --format or decide anew."


def notes_of(dataset: Dataset, vetting: Vetting) -> list[str]:
    """Return what is to be told of an export besides its counts."""
    notes = []
    if parts.is_lost(dataset.folder, parts.REJECTS):
        notes.append(
            f"{dataset.folder / parts.REJECTS} is gone, and with it the text of what could not be read: read the sources again."
        )
    if dataset.findings is None:
        notes.append("The rows were never checked, so no finding holds a row back.")
    elif missing := [rule for rule in vetting.blocking if rule not in dataset.manifest.get("checked", [rule])]:
        notes.append(f"Rules that block and did not run on these rows: {', '.join(missing)}.")
    if vetting.unapplied:
        notes.append(f"{vetting.unapplied:,} decisions could not be carried out: a label can't stand for a tool call.")
    if vetting.applied.stale.height:
        stale = vetting.applied.stale.height
        many = f"{stale:,} decisions are stale: their rows" if stale > 1 else "1 decision is stale: its row"
        notes.append(f"{many} changed or left, and {'they apply' if stale > 1 else 'it applies'} to none.")
    return notes


def _refuse_foreign(folder: Path) -> None:
    """Refuse a folder of anybody else's without touching it; one in which vetset has written is looked at when held."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; give a folder for the export.")
    try:
        _earlier(folder)
    except UsageError:
        # Files of an export that is being put in place have no account yet; whoever writes here has made the lock first.
        if not any((folder / name).exists() for name in (".lock", ".commit.json")):
            raise


def _earlier(folder: Path) -> list[str]:
    """Return the files of an earlier export in ``folder``; a file of anybody else's is refused."""
    try:
        there = sorted(item.name for item in folder.iterdir() if not item.name.startswith("."))
    except FileNotFoundError:
        return []
    ours = our_files(folder)
    foreign = [name for name in there if name not in ours or not (folder / name).is_file()]
    if foreign:
        raise UsageError(
            f"{folder} holds {quote(foreign[0])}, which no export wrote, so nothing was written; "
            "give an empty or a new folder."
        )
    return there


def _announce(dataset: Dataset, stage: _Stage, result: ExportResult, options: dict[str, Any]) -> None:
    """Say in the set's manifest what is about to stand; it counts as done once it does (``manifest.settled``)."""
    names = [PROVENANCE, LINEAGE, DECISIONS, CARD]
    entry = {
        "path": os.path.abspath(result.folder), "format": result.format, "rows": result.counts["written"],
        "from_set": os.path.relpath(os.path.realpath(result.folder), os.path.realpath(dataset.folder)),
        "files": {f.name: f.sha256 for f in result.files} | {name: sha256(stage.path(name)) for name in names},
    }  # fmt: skip
    step = {"verb": "export", "version": version(), "options": options, "counts": result.counts}
    try:
        dataset.save({}, announced=lambda before: announce(before, entry, step))
    except OSError as error:
        raise UsageError(f"{dataset.folder} can't be written ({error.strerror}); nothing was exported.") from error
