"""The hand-off: synthetic rows of a run into the set that they were made for, beside the rows that were read.

Rows are added and never changed. A row goes by what it says and by the draft that it is of, so a run that is handed over again
adds nothing, and one that has made more adds what is new. What a run no longer has stays: it was handed over, and may have been
decided on. Where it judges a row otherwise by now, the manifest keeps that beside the row (``fates``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from .. import disk, parts
from ..against import known_against
from ..checking import Found, find
from ..dataset import ROWS, Dataset, digest_of, parquet
from ..errors import StaleError, UsageError, VetsetError, quote
from ..exports.provenance import digest_rows
from ..exports.provenance import sha256 as digest_file
from ..messages import Content, Said, content_hash
from ..version import version
from ..wording import shell
from . import fates
from .folder import SUFFIX
from .kept import CONTAINER, entry, place
from .lineage import synthetic
from .rows_file import read_rows
from .waiting import REVIEW, TEACHER

FILES = ("accepted.jsonl", "review.jsonl")
"""What of a run folder is handed over."""

REJECTED = "rejected.jsonl"
"""What it tells of rows that were handed over before, and that it rejects by now."""

_Changed = dict[str, list[str | None]]

RULES = ("leakage.parent", REVIEW, TEACHER)
"""Rules that look at once: a row under review must not be written before somebody has seen it."""


@dataclass(frozen=True)
class Brought:
    """What a hand-off came to; ``offered = added + known``."""

    dataset: Path
    offered: int
    added: int
    known: int
    """Rows that stood there already."""
    review: int
    """Of those added, rows that wait for a person."""
    train: int
    """Of those added, rows that went to the split that is trained on, since their parents stand there."""
    unsplit: dict[str, int]
    """Why others stand in no split, and how many."""
    anew: int
    """Of those added, rows of a draft that said something else before; what it said then stays."""
    gone: int
    """Rows of the run that were handed over before, and that it no longer has; they stay."""
    changed: dict[str, int] = field(default_factory=dict)
    """Of those known, rows that the run judges otherwise by now: how many, by their fate now."""
    stale: list[str] = field(default_factory=list)
    """Rules that ran before, and have not seen the new rows."""
    notes: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {**self.__dict__, "dataset": str(self.dataset)}


def bring_in(dataset: Dataset, given: Path | pl.DataFrame, *, name: str | None = None) -> Brought:
    """Add the rows of a run to a set, in one change: a kill leaves the set with all of them or with none.

    New rows stand in the split that is trained on where every parent that the set has stands there, and in no split otherwise.
    Where the run accepts or rejects by now what stood under review, or the other way round, the finding follows its newest word.
    Findings on the rows that stood there are kept; the rules of ``RULES`` run at once, all others are to run again. A group and a
    time that a row has not are taken from its parents: a group that they share, the newest time.

    Args:
        dataset: the set; it is read anew when it has changed.
        given: the run's folder, or its rows (``dataset.ROWS``, with a lineage in ``extra``); ids are made here.
        name: of the source, where rows are given; by default ``distill:`` and the run that the first row names.

    Raises:
        UsageError: a row that is not synthetic, no run at that folder, or a set that can't be written.
        DataError: a line of the run is no row.
        StaleError: the set was changed in the meantime; nothing was written.
    """
    if not disk.writable(dataset.folder):
        raise UsageError(
            f"{dataset.folder} can't be written, so nothing can be handed over; copy it to a folder of yours."
        )
    offered, sources = _of_folder(given) if isinstance(given, Path) else _of_frame(given, name)
    made = synthetic(offered)
    if made.height < offered.height:
        odd = offered.join(made, on="id", how="anti").row(0, named=True)
        raise UsageError(
            f"{odd['file']} line {odd['line']} tells of no teacher and no parents; only synthetic rows are handed over."
        )
    here = dataset.as_read().rows
    stand = synthetic(here)
    new = offered.join(here.select("id"), on="id", how="anti", maintain_order="left")
    drafts = made.join(new, on="id", how="semi").join(stand, on=["run", "draft"], how="semi")
    gone = stand.filter(pl.col("run").is_in(made["run"].unique().implode())).join(offered, on="id", how="anti").height
    before = fates.newest(dataset.manifest)
    current = fates.with_newest(stand, before)
    rejected = _rejected(given, here, current, made["run"]) if isinstance(given, Path) else {}
    changed = fates.changed(current, made, rejected)
    told = Brought(
        dataset.folder, offered.height, new.height, offered.height - new.height,
        made.join(new, on="id", how="semi").filter(pl.col("fate") == "review").height, 0, {}, drafts.height, gone,
        dict(sorted(Counter(str(of[0]) for of in changed.values()).items())),
    )  # fmt: skip
    if new.is_empty():
        return _judged_anew(dataset, here, changed, sources, told) if changed else told
    return _added(dataset, here, new, sources, told, changed)


def _rejected(folder: Path, here: pl.DataFrame, stand: pl.DataFrame, runs: pl.Series) -> dict[str, str | None]:
    """Return the rows of the set that this run made and rejects by now, by id, and why: the same draft that says the same."""
    names = [*runs.unique().drop_nulls(), folder.name.removesuffix(SUFFIX)]
    own = pl.col("run").is_in(names) | pl.col("file").is_in([str(folder / name) for name in FILES])
    return fates.rejected_by(folder / REJECTED, here.join(stand.select("id", "draft", "run"), on="id").filter(own))


def _judged_anew(
    dataset: Dataset, here: pl.DataFrame, changed: _Changed, sources: list[dict[str, Any]], told: Brought
) -> Brought:
    """Write what the run says of rows that stand; no row comes in, so what other rules have found still holds."""
    found, notes = _looked(dataset, dataset.rows, {**fates.newest(dataset.manifest), **changed})
    step = {
        "verb": "distill", "version": version(), "options": {"sources": [one["path"] for one in sources]},
        "counts": {"offered": told.offered, "added": 0, "known": told.known, "changed": told.changed},
    }  # fmt: skip
    dataset.save(
        found.files(), step=step, inputs=lambda now: _inputs(now, sources, here), checked=found.checked,
        figures=found.figures, fates=lambda now: {**(now or {}), **changed},
    )  # fmt: skip
    return replace(told, notes=notes)


def _added(
    dataset: Dataset,
    here: pl.DataFrame,
    new: pl.DataFrame,
    sources: list[dict[str, Any]],
    told: Brought,
    changed: _Changed,
) -> Brought:
    train, made = dataset.manifest.get("train", "train"), synthetic(new)
    new = _filled(new, made, here)
    parted = (dataset.folder / parts.SPLITS).exists()
    official = place(made, here, train="train" if parted else train)
    new = new.with_columns(official["split"])
    both = pl.concat([here, new])
    files: dict[str, disk.Writer | None] = {parts.ROWS: parquet(both)}
    placed, standing = official, both
    if parted:
        placed = place(made, dataset.rows, train=train)
        splits = pl.concat([dataset.rows.select("id", "split"), placed.select("id", "split")])
        files[parts.SPLITS] = parquet(splits)
        standing = both.with_columns(splits["split"])
    digest, seen = digest_of(both["id"]), dataset.manifest.get("digest")
    found, notes = _looked(dataset, standing, {**fates.newest(dataset.manifest), **changed})
    checked = dataset.manifest.get("checked", [])
    told = replace(
        told, train=int((placed["split"] == train).sum()), unsplit=_reasons(placed), notes=notes,
        stale=[rule for rule in checked if rule not in found.rules],
    )  # fmt: skip
    step = {
        "verb": "distill", "version": version(), "options": {"sources": [one["path"] for one in sources]},
        "counts": {"offered": told.offered, "added": told.added, "known": told.known, "review": told.review, "train": told.train},
    }  # fmt: skip
    if told.changed:
        step["counts"]["changed"] = told.changed

    def still(stands: str | None) -> str:
        if stands != seen or not _same_split(dataset, parted):
            raise StaleError(
                f"{dataset.folder} was read or split anew in the meantime, so nothing was handed over; run the command again."
            )
        return digest

    dataset.save(
        files | found.files(), step=step, digest=still, rows=both.height, inputs=lambda now: _inputs(now, sources, both),
        checked=found.rules, figures=found.figures, **({"fates": lambda now: {**(now or {}), **changed}} if changed else {}),
    )  # fmt: skip
    return told


def _same_split(dataset: Dataset, parted: bool) -> bool:
    path = dataset.folder / parts.SPLITS
    if not (parted and path.exists()):
        return parted == path.exists()
    return pl.read_parquet(path, columns=["split"], glob=False)["split"].equals(dataset.rows["split"])


def _reasons(placed: pl.DataFrame) -> dict[str, int]:
    return dict(placed.filter(pl.col("why").is_not_null()).group_by("why", maintain_order=True).len().iter_rows())


def _filled(new: pl.DataFrame, made: pl.DataFrame, here: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with what they have not and their parents tell: the group that all share, and the newest time."""
    pairs = made.select("id", parent="parents").explode("parent").join(
        pl.concat([here, new]).select(parent="id", above="group", moment="time"), on="parent", how="left"
    )  # fmt: skip
    told = pairs.group_by("id").agg(
        shared=pl.when((pl.col("above").n_unique() == 1) & pl.col("above").is_not_null().all()).then(pl.col("above").first()),
        newest=pl.col("moment").max(),
    )  # fmt: skip
    joined = new.join(told, on="id", how="left", maintain_order="left")
    return joined.with_columns(group=pl.coalesce("group", "shared"), time=pl.coalesce("time", "newest")).select(
        ROWS.names()
    )


def _looked(dataset: Dataset, rows: pl.DataFrame, newest: fates.Fates) -> tuple[Found, list[str]]:
    """Run the rules that can't wait; eval files that are gone keep nobody from handing rows over."""
    train = dataset.manifest.get("train", "train")
    try:
        against, notes = known_against(dataset), []
    except UsageError as error:
        against, notes = [], [str(error)]
    if parts.is_lost(dataset.folder, parts.FINDINGS):
        notes.append(
            f"{dataset.folder / parts.FINDINGS} was gone or cut off; run `vetset check {shell(dataset.folder)}`"
        )
    try:
        found = find(dataset, rows, select=RULES, against=against, train=train, newest=newest)
    except VetsetError as error:
        if not against:
            raise
        notes.append(f"no row was held against {', '.join(against)}: {error}")
        found = find(dataset, rows, select=RULES, train=train, newest=newest)
    return found, notes


def _of_folder(folder: Path) -> tuple[pl.DataFrame, list[dict[str, Any]]]:
    there = [folder / name for name in FILES if (folder / name).is_file()]
    if not there:
        raise UsageError(f"{folder} holds no {' and no '.join(FILES)}; give a folder that `vetset distill` wrote.")
    rows = with_ids(pl.concat([read_rows(path) for path in there]))
    entries = [entry(str(path), digest_file(path), path.stat().st_size) for path in there]
    return rows, entries


def _of_frame(rows: pl.DataFrame, name: str | None) -> tuple[pl.DataFrame, list[dict[str, Any]]]:
    if missing := [column for column in ROWS if column not in rows.columns]:
        raise UsageError(f"rows to hand over need the column {quote(missing[0])}; see dataset.ROWS.")
    if name is None:
        run = synthetic(rows.head(1))["run"].to_list()
        name = f"{CONTAINER}:{run[0] if run and run[0] else 'unnamed'}"
    rows = rows.select(pl.col(column).cast(kind) for column, kind in ROWS.items())
    rows = with_ids(rows.with_columns(file=pl.lit(name), line=pl.int_range(1, pl.len() + 1)))
    return rows, [entry(name, digest_rows(rows), int(rows.estimated_size()))]


def _inputs(
    now: Iterable[dict[str, Any]] | None, sources: list[dict[str, Any]], rows: pl.DataFrame
) -> list[dict[str, Any]]:
    """Return the inputs with those of the run, each with the rows that are of it now."""
    mine = {one["path"]: one for one in sources}
    others = [one for one in now or [] if one.get("path") not in mine]
    of = dict(rows.filter(pl.col("file").is_in(list(mine))).group_by("file").len().iter_rows())
    return [*others, *({**one, "rows": of[path]} for path, one in mine.items() if of.get(path))]


def with_ids(rows: pl.DataFrame) -> pl.DataFrame:
    """Return synthetic rows with their ids, each once: by what a row says, its draft and its teacher.

    A teacher may well write what a person wrote. With an id of the content alone, one of the two would be taken for the other as
    soon as the sources are read again; with this one it stays the same row, whatever else is read.
    """
    drafts = dict(
        synthetic(rows.with_columns(id=pl.int_range(pl.len()).cast(pl.String))).select("id", "draft").iter_rows()
    )
    ids = []
    for number, row in enumerate(rows.select("messages", "tools", "rejected", "label", "origin").iter_rows(named=True)):
        said = [Said(**message) for message in row["messages"]]
        content = content_hash(Content(said, row["tools"], row["rejected"], row["label"]))
        told = "\n".join((content, drafts.get(str(number)) or "", row["origin"]))
        ids.append(f"{sha256(told.encode()).hexdigest()[:20]}-0")
    return rows.with_columns(id=pl.Series(ids, dtype=pl.String)).unique("id", keep="first", maintain_order=True)
