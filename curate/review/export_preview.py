"""What an export would write, before it does: counts, gates, losses, and the difference from the last; nothing is written.

It goes the same way as the export, down to the writer of the format, which alone knows what it has no place for.
"""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ..dataset import Dataset
from ..decisions.applied import refused
from ..decisions.policy import Policy, load
from ..errors import UsageError, quote
from ..exports.comparing import Difference, against_last
from ..exports.exporting import export, notes_of, nothing_left
from ..exports.lineage import trace
from ..exports.provenance import FATES
from ..exports.split_files import part
from ..exports.synthetic import account_of, why_closed
from ..exports.vetted import Vetting, vet
from ..formats import wire
from ..formats.wire import Loss, Tally
from ..rules import RULES
from ..vetset_toml import settings_file
from ..wording import shell


@dataclass(frozen=True)
class Preview:
    """What an export would write."""

    counts: dict[str, int]
    """As ``ExportResult.counts``: read, rejects, written, dropped, held, unsplit, left_out, kept_blocking."""
    changes: dict[str, int]
    """Of the rows written: as_read, relabelled, edited (a row that is both counts as edited); their sum is written."""
    files: list[dict[str, Any]]
    """``name, split, rows`` of each."""
    gates: list[dict[str, Any]]
    """``rule, rows`` of each rule that blocks and on whose findings rows wait."""
    blocked: int
    """Rows on which a blocking finding stands."""
    stops: str | None
    """Why nothing could be written."""
    losses: list[Loss]
    notes: list[str]
    last: Difference | None
    """The difference from the last export."""
    last_lost: str | None
    """Why that can't be told."""
    synthetic: dict[str, Any] | None = None
    """Of the rows to write, those that a teacher wrote, without a waiver (``exports.synthetic.account_of``)."""
    closed: str | None = None
    """Why their teachers' terms stop the export, unless somebody waives them."""


class _Nowhere(io.RawIOBase):
    """A file that keeps nothing."""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return len(data)


def preview(
    dataset: Dataset, *, format: str = "messages", held: str = "hold", extra: bool = False, policy: Policy | None = None
) -> Preview:
    """Return what ``export`` with the same options would write.

    Raises:
        UsageError: an unknown format.
    """
    wire.known_format(format)
    vetting = vet(dataset, policy or Policy())
    rows = vetting.to_write(keep=held == "keep")
    tally = Tally(format)
    parted = part(rows, wire.FORMATS[format].suffix)
    layout = wire.layout(rows, format, extra=extra)
    written: list[pl.DataFrame] = []
    files: list[dict[str, Any]] = []
    for file, split, some in parted.files:
        ids = wire.write(some, io.BufferedWriter(_Nowhere()), format, layout, tally)
        if len(ids):
            files.append({"name": file, "split": split, "rows": len(ids)})
            written.append(
                pl.DataFrame({"id": ids}).select("id", file=pl.lit(file), record=pl.int_range(1, pl.len() + 1))
            )
    fates = trace(dataset, vetting, written, parted.unsplit, tally, keep=held == "keep")
    now = fates.filter(pl.col("fate") == "written").select("id", "file")
    last = against_last(dataset, now, vetting.applied.heads, vetting.log)
    made = account_of(rows, now["id"], None)
    losses = tally.losses()
    stops = None if files else nothing_left(fates, losses)
    if held == "refuse" and vetting.blocked.height:
        stops = f"{vetting.blocked.height:,} rows have findings that block, and you asked to write nothing then."
    return Preview(
        _counts(dataset, fates, vetting), _changes(dataset, now, vetting), files, _gates(vetting), vetting.blocked.height,
        stops, losses, notes_of(dataset, vetting), last if isinstance(last, Difference) else None,
        last if isinstance(last, str) else None, made, why_closed(made),
    )  # fmt: skip


def _counts(dataset: Dataset, fates: pl.DataFrame, vetting: Vetting) -> dict[str, int]:
    of = dict(fates.group_by("fate").len().iter_rows())
    written = fates.filter(pl.col("fate") == "written")
    blocking = written.join(vetting.blocked, on="id", how="semi").height
    rejects = int(dataset.manifest.get("rejects", 0))
    return {
        "read": fates.height,
        "rejects": rejects,
        **{fate: of.get(fate, 0) for fate in FATES},
        "kept_blocking": blocking,
    }


def _changes(dataset: Dataset, now: pl.DataFrame, vetting: Vetting) -> dict[str, int]:
    heads = vetting.applied.heads
    done = heads.join(refused(dataset.rows, heads), on=["row_id", "action"], how="anti")
    done = done.join(now, left_on="row_id", right_on="id", how="semi")
    edited = done.filter(pl.col("action") == "edit")["row_id"]
    relabelled = done.filter((pl.col("action") == "relabel") & ~pl.col("row_id").is_in(edited.implode()))
    changed = relabelled.height + edited.len()
    return {"as_read": now.height - changed, "relabelled": relabelled.height, "edited": edited.len()}


def _gates(vetting: Vetting) -> list[dict[str, Any]]:
    rules = vetting.blocked.select("id", rule=pl.col("why").str.split(", ")).explode("rule")
    counts = dict(rules.group_by("rule").agg(pl.col("id").n_unique()).iter_rows())
    return [{"rule": rule, "rows": counts[rule]} for rule in RULES if rule in counts]


def answer(told: dict[str, Any]) -> dict[str, Any]:
    """Count what an export would write, or write it, in the other process (``review.aside``).

    Args:
        told: ``folder`` of the set, ``format``, ``held``, ``extra``, ``config`` (a path or null), ``out``: where to write, null
            to count only, and for a writing ``waive_terms`` (``REASON by NAME``) where terms are waived.
    """
    dataset = Dataset.open(told["folder"])
    policy = load(settings_file(told["config"], dataset.folder), rules=tuple(RULES))
    if told["out"] is None:
        found = preview(dataset, format=told["format"], held=told["held"], extra=told["extra"], policy=policy)
        return asdict(found)
    done = export(
        dataset, told["out"], format=told["format"], held=told["held"], extra=told["extra"], policy=policy,
        waive_terms=told.get("waive_terms"),
    )  # fmt: skip
    return done.summary()


def usual_place(folder: Path) -> Path:
    """Return where a set is exported to unless somebody says otherwise.

    >>> usual_place(Path("data/tickets.vet")).as_posix()
    'data/tickets-vetted'
    """
    return folder.with_name(f"{folder.name.removesuffix('.vet')}-vetted")


def place_beside(folder: Path, given: str) -> Path:
    """Return the folder that somebody named in a page: beside the set or below, so that a page writes nowhere else.

    Args:
        folder: the set.
        given: a name, or a path; a relative one counts from the folder in which the set stands.

    Raises:
        UsageError: it is empty, lies elsewhere, or in the set itself.
    """
    here = folder.resolve().parent
    try:
        place = (here / given.strip()).resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise UsageError(f"{quote(given)} is no folder's name; give one such as {usual_place(folder).name}.") from error
    command = f"for another place, run `vetset export {shell(folder.name)} -o FOLDER`"
    if not given.strip() or place == here:
        raise UsageError(f"name a folder for the files, such as {usual_place(folder).name}.")
    if not place.is_relative_to(here):
        raise UsageError(f"{quote(given)} lies outside of {here}, and this page writes beside the set only; {command}.")
    if place.is_relative_to(folder.resolve()) or any(name.endswith(".vet") for name in place.relative_to(here).parts):
        raise UsageError(
            f"{quote(given)} lies in a set; {command}, or name a folder such as {usual_place(folder).name}."
        )
    return place
