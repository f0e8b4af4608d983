"""Sets of labels with one that is probably wrong, or one that is probably missing: rows with several labels each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from ..clusters import ids
from ..findings import empty, report
from ..wording import counted
from .cell_noise import fit_cell_noise
from .cells import Cells, Ints, gather_cells
from .classes import shown
from .labelled import Labelled, by_text
from .suspect import LIKELY
from .targets import write_set

_TEXTS = 10  # fewer tell no label from another
_CELLS = 100_000_000  # texts times labels: some 5 GB at work
_KNOWS = 0.05  # least share of what there is to know of the labels that the best view has to know, as in ``judged``
_CHANCE = 5.0  # nats that a view of random labels may seem to know
_ROWS = 8_192  # looked through at a time
_LISTED = 3  # labels of a row that its note tells of


def find_suspect_sets(
    rows: pl.DataFrame,
    of: Labelled,
    *,
    notes: list[str] | None = None,
    seed: int = 0,
) -> pl.DataFrame:
    """Find rows whose set of labels probably has a wrong one, or lacks one, by what all other rows say.

    Each label of each row is judged, and each that it lacks, apart from each other (``cell_noise``). Found is a row with a
    chance of a mistake of a fifth; its score is the highest, ``value`` its set with what is rather wrong than right set right,
    the likeliest mistake alone where nothing is.

    Args:
        rows: the rows.
        of: those with labels; ``of.several``.
        notes: takes a sentence where nothing can be said.
        seed: of everything that is drawn.
    """
    from threadpoolctl import threadpool_limits

    reason = _why_not(of)
    if reason is None:
        of = by_text(of)
        with threadpool_limits(1):  # small products: threads that wait for each other cost more than they save
            cells = gather_cells(of, seed=seed)
        reason = _knows_nothing(cells)
        if reason is None:
            return _report(rows, of, cells, mistakes(of, cells, seed=seed))
    if notes is not None:
        notes.append(f"labels were not judged: {reason}")
    return empty()


def mistakes(of: Labelled, cells: Cells, *, least: float = LIKELY, seed: int = 0) -> pl.DataFrame:
    """Return the cells with a chance of a mistake of ``least``: place among the rows, label, whether it is there, chance.

    A label on a single text has no other row that could speak for it, and is passed over.
    """
    assert of.given is not None  # noqa: S101 - asked for by ``several``
    row, code = of.given.row, of.given.code
    text = of.text[row]
    order = np.lexsort((code, text))  # by value: what is planted is planted alike for every order of the rows
    noise = fit_cell_noise(cells, text[order], code[order], seed=seed)
    wrong = np.empty(code.size)
    wrong[order] = noise.wrong
    known = np.count_nonzero(cells.given, axis=0) > 1
    here = np.flatnonzero((wrong >= least) & known[code])
    found = [_cells_of(row[here], code[here], wrong[here], there=True)]
    noise.missing[:, ~known] = 0.0
    starts = np.searchsorted(row, np.arange(0, len(of.row) + _ROWS, _ROWS))
    for number, low in enumerate(range(0, len(of.row), _ROWS)):
        chance = noise.missing[of.text[low : low + _ROWS]]
        mine = slice(starts[number], starts[number + 1])
        chance[row[mine] - low, code[mine]] = 0.0
        place, lacking = np.nonzero(chance >= least)
        found.append(_cells_of(place + low, lacking, chance[place, lacking], there=False))
    return pl.concat(found).sort("place", "chance", "code", descending=[False, True, False])


def _cells_of(place: Ints, code: Ints, chance: npt.NDArray[np.floating], *, there: bool) -> pl.DataFrame:
    columns = {"place": place, "code": code, "chance": np.round(chance.astype(np.float64), 6)}
    return pl.DataFrame(columns, schema={"place": pl.Int64, "code": pl.Int64, "chance": pl.Float64}).with_columns(
        pl.lit(there).alias("there")
    )


def _report(rows: pl.DataFrame, of: Labelled, cells: Cells, found: pl.DataFrame) -> pl.DataFrame:
    if found.is_empty():
        return empty()
    assert of.given is not None  # noqa: S101
    found = found.with_columns(
        text=pl.Series(of.text[found["place"].to_numpy()]), name=pl.Series(of.given.names).gather(found["code"])
    )
    found = found.with_columns(said=_said(cells, found), peer=_peers(rows, of, cells, found))
    frame = found.group_by("place", maintain_order=True).agg(
        pl.col("chance").first().alias("score"),
        pl.col("said").head(_LISTED).str.join(", "),
        pl.len().alias("cells"),
        pl.col("peer").drop_nulls().first(),
        pl.col("name").filter((pl.col("chance") >= 0.5) | (pl.int_range(pl.len()) == 0)).alias("turned"),
    )
    own = pl.DataFrame({"place": of.given.row, "name": pl.Series(of.given.names).gather(of.given.code)})
    own = own.group_by("place").agg(pl.col("name").alias("own"))
    frame = frame.join(own, on="place", how="left", maintain_order="left").with_columns(pl.col("own").fill_null([]))
    more = pl.when(pl.col("cells") > _LISTED).then(pl.format(" and {} more.", pl.col("cells") - _LISTED))
    frame = frame.select(
        ids(rows, pl.Series(of.row[frame["place"].to_numpy()])).alias("id"),
        "score",
        "peer",
        pl.concat_str("said", more.otherwise(pl.lit("."))).alias("note"),
        pl.when(pl.col("score") >= 0.5).then(pl.lit("relabel")).otherwise(pl.lit("review")).alias("suggest"),
        pl.Series("value", _turned(frame)),
    )
    return report(frame.sort("score", "id", descending=[True, False]), "labels.suspect")


def _turned(frame: pl.DataFrame) -> list[str]:
    """Return each row's set without what should not be there, with what should."""
    pairs = zip(frame["own"].to_list(), frame["turned"].to_list(), strict=True)
    return [write_set(set(own) ^ set(turned)) for own, turned in pairs]


def _said(cells: Cells, found: pl.DataFrame) -> pl.Series:
    """Return of each cell what may be wrong with it, how likely, and how many views say so."""
    text, code, there = (found[name].to_numpy() for name in ("text", "code", "there"))
    say = np.sum([present[text, code] != there for _, present in cells.views], axis=0)
    names = found["name"].unique()
    shown_as = pl.Series([shown(name) for name in names], dtype=pl.String)
    told = found.select(
        pl.col("name").replace_strict(names, shown_as, return_dtype=pl.String),
        pl.when(pl.col("chance") >= 0.5).then(pl.lit("is probably")).otherwise(pl.lit("may be")).alias("how"),
        pl.when("there").then(pl.lit("wrong")).otherwise(pl.lit("missing")).alias("what"),
        (pl.col("chance") * 100).round().clip(upper_bound=99).cast(pl.Int64).alias("percent"),
        pl.Series("say", say),
    )
    line = pl.format(
        "{} {} {} ({}%: {} of {} views)", "name", "how", "what", "percent", "say", pl.lit(len(cells.views))
    )
    return told.select(line).to_series()


def _peers(rows: pl.DataFrame, of: Labelled, cells: Cells, found: pl.DataFrame) -> pl.Series:
    """Return the id of a row of the nearest text that has a missing label; null for wrong ones, and where no near text has it."""
    text, code = found["text"].to_numpy(), found["code"].to_numpy()
    near = cells.near[text]
    has = (cells.given[near, code[:, None]] > 0) & ~found["there"].to_numpy()[:, None]
    at = np.where(has.any(axis=1), near[np.arange(len(near)), has.argmax(axis=1)], -1)
    assert of.given is not None  # noqa: S101
    row = of.given.row
    labelled = pl.DataFrame({"text": of.text[row], "code": of.given.code, "id": rows["id"].gather(of.row[row])})
    one = labelled.group_by("text", "code").agg(pl.col("id").min())  # the same one for every order of the rows
    return pl.DataFrame({"text": at, "code": code}).join(one, on=["text", "code"], how="left", maintain_order="left")[
        "id"
    ]


def _why_not(of: Labelled) -> str | None:  # noqa: PLR0911 - a reason a line
    """Return a sentence on why sets of labels can't be judged; ``None`` where they can."""
    assert of.given is not None  # noqa: S101
    rows, labels, texts = len(of.row), len(of.given.names), len(of.vectors)
    if rows == 0:
        return "no row has both labels and a text, so there is nothing to hold labels against"
    if labels == 0:
        return f"the sets of labels of all {counted(rows, 'row')} are empty"
    if texts < _TEXTS:
        return f"{counted(texts, 'text')} with labels are too few to judge one by the others; it takes {_TEXTS}"
    on = pl.DataFrame({"text": of.text[of.given.row], "code": of.given.code}).unique()["code"].value_counts()["count"]
    if int(on.max() or 0) < 2:  # pyright: ignore[reportArgumentType]
        return f"of {counted(labels, 'label')} none stands on more than one text, so there is nothing to hold a text against"
    if int(on.min() or 0) == texts:  # pyright: ignore[reportArgumentType]
        return f"all {counted(rows, 'row')} have the same labels, so nothing tells where one belongs"
    if float(np.ptp(of.vectors, axis=0).max(initial=0.0)) < 1e-6:
        return "all vectors are the same, so nothing tells one text from another"
    if texts * labels > _CELLS:
        return f"{texts} texts times {labels} labels are more than fit into memory; give a part of the rows, or coarser labels"
    return None


def _knows_nothing(cells: Cells) -> str | None:
    if cells.knows >= max(_KNOWS, _CHANCE / max(cells.unseen, 1e-9)):
        return None
    if cells.knows >= _KNOWS:
        return "sets of labels hardly differ from row to row, so there is next to nothing to tell"
    return (
        f"the texts tell next to nothing of the labels ({max(cells.knows, 0.0):.0%} of what there is to know), so right ones and "
        "wrong ones look alike; an encoder that reads their language (--encoder) may tell more"
    )
