"""The set's frames as files that are mapped into memory: what a page reads of a million rows costs what it shows.

Parquet has to be decoded whole; Arrow IPC is used where it lies. The files stand in ``NAME.vet/view``, are named by what they
were made of, and may be deleted at any time.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from .. import disk, parts
from .. import findings as findings_table
from ..dataset import Dataset
from ..errors import DataError, StaleError, UsageError, VetsetError
from ..rules import RULES
from ..wording import shell

FINDINGS = pl.Schema({**findings_table.SCHEMA, "row": pl.UInt32, "rule_order": pl.UInt16})
"""Columns of the findings of a view: ``row`` is the position in ``rows``; in the order of the rules, the worst first."""

_FORM = 1  # of the files; raised when what is in them changes
_FEW = 1_000  # rows that are cut out one by one
_TRIES = 5  # to open a set that changes at this very moment
_RESTLESS = "{} changes faster than it can be opened; wait until what writes to it has ended."


@dataclass(frozen=True)
class View:
    """The mapped frames of one state of a set."""

    folder: Path
    key: str
    """Digest of what the frames were made of: the rows, their split, the findings."""
    rows: pl.DataFrame
    """``dataset.ROWS``, and ``text``: the turns one below the other, for search."""
    findings: pl.DataFrame
    """``FINDINGS``; empty where nothing was checked."""
    checked: bool
    """Whether a check has run on these rows."""
    manifest: dict[str, Any]
    manifest_key: str = ""
    """Tells this manifest from a later one: an export, say, is listed there and changes no frame."""
    rows_key: str = ""
    """Digest of the rows alone: what is made of texts stands for every split and finding."""

    @cached_property
    def _hashes(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
        hashes = self.rows["id"].hash(seed=0).to_numpy()
        order = np.argsort(hashes)
        return hashes[order], order

    def positions(self, ids: Sequence[str] | pl.Series) -> npt.NDArray[np.int64]:
        """Return (n) the position of each id in ``rows``, -1 for one that is not there.

        >>> import polars as pl
        >>> View(Path(), "", pl.DataFrame({"id": ["a", "b"]}), pl.DataFrame(), False, {}).positions(["b", "c"]).tolist()
        [1, -1]
        """
        hashes, order = self._hashes
        wanted = pl.Series(ids, dtype=pl.String)
        if hashes.size == 0 or wanted.is_empty():
            return np.full(wanted.len(), -1, np.int64)
        asked, here = wanted.hash(seed=0).to_numpy(), self.rows["id"]
        first = np.searchsorted(hashes, asked)
        place = order[np.minimum(first, hashes.size - 1)]
        found = np.where((here.gather(place) == wanted).to_numpy(), place, -1)
        for number in np.flatnonzero((found < 0) & (hashes[np.minimum(first, hashes.size - 1)] == asked)):
            last = np.searchsorted(hashes, asked[number], "right")  # another id has the same hash
            same = (one for one in order[first[number] : last] if here[int(one)] == wanted[int(number)])
            found[number] = next(same, -1)
        return found

    def named(self, wanted: str) -> list[str]:
        """Return the ids that are, or else begin with, ``wanted``: at most two, since more than one names no row.

        >>> import polars as pl
        >>> View(Path(), "", pl.DataFrame({"id": ["ab", "ac", "b"]}), pl.DataFrame(), False, {}).named("b")
        ['b']
        """
        ids = self.rows["id"]
        return [wanted] if self.positions([wanted])[0] >= 0 else ids.filter(ids.str.starts_with(wanted))[:2].to_list()

    @cached_property
    def everywhere(self) -> frozenset[str]:
        """Rules that found every row: they speak of the set, and tell no row from another."""
        counts = self.findings["rule"].value_counts()
        return frozenset(counts.filter(pl.col("count") >= max(self.rows.height, 1))["rule"])

    @cached_property
    def labels(self) -> list[str]:
        """The labels of the set, the commonest first; none where hardly one stands twice: those are reference answers."""
        counts = (
            self.rows["label"].drop_nulls().value_counts(sort=True).sort("count", "label", descending=[True, False])
        )
        return counts["label"].to_list() if 2 * counts.height <= counts["count"].sum() else []

    def told(self) -> View:
        """Return the view as the manifest of its set is now: the same frames, and what was computed from them."""
        manifest_key, dataset = manifest_state_of(self.folder), Dataset.open(self.folder)
        checked = bool(dataset.manifest.get("checked"))
        view = replace(self, checked=checked, manifest=dataset.manifest, manifest_key=manifest_key)
        view.__dict__.update({name: value for name, value in self.__dict__.items() if name not in view.__dict__})
        return view

    def take(self, positions: npt.NDArray[np.int64]) -> pl.DataFrame:
        """Return the rows at these positions, ``dataset.ROWS``, in their order.

        A few are cut out one by one: to gather nested columns costs as much as a pass over all of a million rows.
        """
        rows = self.rows.drop("text")
        if len(positions) > _FEW or not len(positions):
            return rows[positions] if len(positions) else rows.clear()
        return pl.concat([rows.slice(int(position), 1) for position in positions], rechunk=False)

    def found_on(self, positions: int | npt.NDArray[np.integer[Any]]) -> pl.DataFrame:
        """Return the findings of rows at these positions, ``FINDINGS``, in the order of ``findings``."""
        of, order = self._findings_of
        low = np.searchsorted(of, np.ravel(positions).astype(of.dtype))
        high = np.searchsorted(of, np.ravel(positions).astype(of.dtype), "right")
        size = high - low
        ends = np.cumsum(size)
        places = np.repeat(low - ends + size, size) + np.arange(int(size.sum()))
        return self.findings[np.sort(order[places])]

    @cached_property
    def _findings_of(self) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
        """The rows of all findings in their order, and which finding each is of: 8 bytes a finding, for no pass at each look."""
        of = self.findings["row"].to_numpy()
        order = np.argsort(of, kind="stable").astype(np.uint32)
        return of[order], order

    def row(self, position: int) -> dict[str, Any]:
        """Return one row as plain values."""
        return self.rows.row(position, named=True)


def open_view(folder: str | Path) -> View:
    """Return the mapped frames of a set as it stands, making their files where they are missing.

    Raises:
        UsageError: there is no set, or there is no place for the files.
        DataError: a part of it is lost or damaged.
        StaleError: its split or its findings belong to other rows.
    """
    folder = Path(folder)
    for _ in range(_TRIES):
        before, manifest_key, rows_key = state_of(folder), manifest_state_of(folder), _rows_key(folder)
        try:
            dataset = Dataset.open(folder)
            rows, findings = (_mapped(path) for path in prepare(dataset))
        except FileNotFoundError:
            continue  # who made the files of a later state, or cleared the folder, took these away
        except VetsetError:
            if state_of(folder) == before:
                raise
            continue  # it was looked at while another process put a change in place
        # The key is of the moment before all that was read: what changed since is seen at the next look.
        checked = bool(dataset.manifest.get("checked"))
        return View(folder, before, rows, findings, checked, dataset.manifest, manifest_key, rows_key)
    raise UsageError(_RESTLESS.format(folder))


def prepare(dataset: Dataset) -> tuple[Path, Path]:
    """Make the files that ``open_view`` maps, where they are missing; returns those of the rows and of the findings.

    Takes a few times the memory of the rows, so a server has it done by another process.
    """
    place = place_of(dataset.folder)
    for _ in range(_TRIES):
        paths = _paths(dataset.folder, place)
        if all(path.exists() for path in paths):
            return paths
        with disk.locked(place):  # of two that come at once, one does the work
            _make(Dataset.open(dataset.folder), *paths)  # anew: what was read before may be older than the names
            if _paths(dataset.folder, place) == paths:  # else rows and findings may be of two states
                _sweep(place, set(paths), _rows_key(dataset.folder))
                return paths
    raise UsageError(_RESTLESS.format(dataset.folder))


def _make(dataset: Dataset, rows_path: Path, findings_path: Path) -> None:
    try:
        if not rows_path.exists():
            _write(rows_path, dataset.rows.with_columns(text=_text()))
        if not findings_path.exists():
            _write(findings_path, _findings(dataset))
    except OSError as error:
        raise UsageError(
            f"{rows_path.parent} can't be written ({error.strerror or error}), and what the pages show is kept there; "
            "free some space and try again."
        ) from error


def is_prepared(folder: str | Path) -> bool:
    """Say whether ``open_view`` finds its files."""
    folder = Path(folder)
    return all(path.exists() for path in _paths(folder, place_of(folder)))


def _paths(folder: Path, place: Path) -> tuple[Path, Path]:
    """Return the files of the rows and of the findings; their names tell what they were made of."""
    rows, split, findings = (_stamp(folder / name) for name in (parts.ROWS, parts.SPLITS, parts.FINDINGS))
    return place / f"rows-{_digest(rows, split)}.arrow", place / f"findings-{_digest(rows, split, findings)}.arrow"


def _text() -> pl.Expr:
    said = pl.col("messages").list.eval(pl.element().struct.field("content").drop_nulls())
    return said.list.join("\n")


def _findings(dataset: Dataset) -> pl.DataFrame:
    found = dataset.findings if dataset.findings is not None else findings_table.empty()
    if not found.schema == findings_table.SCHEMA:
        raise DataError(
            f"{dataset.folder / parts.FINDINGS} has not the columns of findings; move it away and run "
            f"`vetset check {shell(dataset.folder)}`."
        )
    place = dataset.rows.select("id").with_row_index("row")
    order = pl.col("rule").replace_strict(list(RULES), range(len(RULES)), default=len(RULES), return_dtype=pl.UInt16)
    placed = found.join(place, on="id", how="inner")
    if placed.height < found.height:
        raise StaleError(
            f"{dataset.folder / parts.FINDINGS} speaks of rows that are not here; run `vetset check {shell(dataset.folder)}`."
        )
    return (
        placed.with_columns(order.alias("rule_order"), pl.col("row").cast(pl.UInt32))
        .sort("rule_order", -pl.col("score"), "row", maintain_order=True)
        .select(FINDINGS.names())
    )


def _write(path: Path, frame: pl.DataFrame) -> None:
    # One batch: rows are taken by position, and a frame of many pieces is searched for each of them.
    disk.write_whole(path, lambda beside: frame.rechunk().write_ipc(beside, compression="uncompressed"))


def _mapped(path: Path) -> pl.DataFrame:
    try:
        table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    except (pa.ArrowInvalid, OSError):  # cut off by a disk that failed; what it was made of is still there
        path.unlink(missing_ok=True)
        raise FileNotFoundError(path) from None
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a table is never a series
    return frame


def place_of(folder: Path) -> Path:
    """Return where the files stand: in the set, or where that can't be written, in a folder of this user's own."""
    name = blake2b(str(folder.resolve()).encode(), digest_size=8).hexdigest()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "vetset" / f"view-{name}"
    places = [(folder / "view", 0o777)] if disk.writable(folder) else []  # open to whom the set is open to
    for place, mode in [*places, (cache, 0o700)]:
        try:
            place.mkdir(mode=mode, parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(place, os.R_OK | os.W_OK | os.X_OK):
            return place
    raise UsageError(
        f"neither {folder} nor {cache} can be written, and what the pages show is kept there; set XDG_CACHE_HOME to a "
        "folder of yours."
    )


def _stamp(path: Path) -> str:
    """Return what tells the state of a file: its place on the disk, time and size; "" of one that is not there."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return ""
    return f"{found.st_ino} {found.st_mtime_ns} {found.st_size}"


def state_of(folder: Path) -> str:
    """Return a digest of the set's files that a view is made of: another one than ``View.key`` says that they changed."""
    return _digest(*(_stamp(folder / name) for name in (parts.ROWS, parts.SPLITS, parts.FINDINGS)))


def manifest_state_of(folder: Path) -> str:
    """Return what tells the set's manifest from a later one: another one than ``View.manifest_key`` says that it changed."""
    return _stamp(folder / "manifest.json")


def _rows_key(folder: Path) -> str:
    return _digest(_stamp(folder / parts.ROWS))


def _digest(*told: str) -> str:
    return blake2b("\n".join([str(_FORM), *told]).encode(), digest_size=8).hexdigest()


def _sweep(place: Path, wanted: set[Path], rows_key: str) -> None:
    """Remove files of earlier states; a process that still maps them keeps what it sees (not on Windows, where they stay)."""
    for path in place.glob("*.arrow"):
        if path not in wanted:
            with suppress(OSError):
                path.unlink(missing_ok=True)
    for folder in place.glob("sketch-*"):  # of other rows; these are folders, for which ``sketch`` has the names
        if not folder.name.startswith(f"sketch-{rows_key}"):
            shutil.rmtree(folder, ignore_errors=True)
