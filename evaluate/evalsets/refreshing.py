"""The verb ``evalset refresh``: a share of the rows makes place for newer ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from ...curate import disk
from ...curate.dataset import Dataset
from ...curate.embed.encoder import find_encoder
from ...curate.embed.encoding import Report
from ...curate.errors import DataError, UsageError
from ...curate.leakage.closeness import How, kept_by, leaving, too_close
from ...curate.options import Options
from ...curate.wording import counted
from .aside import Aside, drop, refuse_namesake, set_aside, taken
from .candidates import NONE, Pool, pool_of, standing
from .choosing import EDGE_SHARE, choose, design, region_count
from .edges import edge_cases
from .evalset import EVAL_ROWS, EvalSet
from .freezing import must_be_frozen, next_version
from .parting import DEV, SHIP, Shares
from .reserve import read_reserve
from .resuming import begin, end, take_back


@dataclass(frozen=True)
class Refreshed:
    """A version that was made from another one."""

    evalset: EvalSet
    version_before: int
    kept: int
    """Rows of the version before that are still there."""
    fresh: int
    """Rows that were not."""
    gone: int
    """Rows that are no longer there; they may be trained on now."""
    aside: Aside | None
    """What was done to the set of the new rows."""
    too_close: int
    """Rows of the new sample that could not be chosen, being too close to a row that stays."""
    trained: dict[str, Any]
    """Rows of the training set that were dropped, and the batch."""
    notes: list[str]

    def summary(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        of = self.evalset.manifest
        aside = None if self.aside is None else {
            "split": self.aside.split, "batch": self.aside.batch, "dropped": dict(self.aside.counts),
            "unchecked": self.aside.unchecked,
        }  # fmt: skip
        return {
            "evalset": str(self.evalset.folder), "version": of["version"], "digest": of["digest"], "before": self.version_before,
            "kept": self.kept, "fresh": self.fresh, "gone": self.gone, "parts": of["parts"], "population": of["population"],
            "since": of["since"], "reserve": of.get("reserve", 0), "set": aside, "not_candidates": self.too_close,
            "train": self.trained, "notes": self.notes,
        }  # fmt: skip


def refresh(
    evalset: EvalSet,
    dataset: Dataset,
    *,
    share: float = 0.2,
    by: Sequence[str] | None = None,
    train: Dataset | None = None,
    encoder: str | None = None,
    cosine: float | None = None,
    download: bool = False,
    seed: int = 0,
    who: str | None = None,
    at: str | None = None,
    say: Callable[[str], None] = lambda _: None,
    progress: Report | None = None,
) -> Refreshed:
    """Replace a share of each part by rows of a newer sample; the version before stays under ``versions/``.

    Which rows go is drawn by lot, so those that stay still stand for what they were drawn from. The new rows are chosen as by
    ``build``. The set then estimates ``1 - share`` of the old population and ``share`` of the new one: weights of the rows that
    stay sum to the first part, those of the new rows to the second, as the manifest's ``population`` says.

    A look at rows that stay is not forgotten (``touches.looks``).

    Args:
        evalset: a frozen set.
        dataset: the newer sample, as a set.
        share: of the rows that are replaced.
        by: columns of the strata, as ``build``; those of the build for ``None``.
        train: the set that is trained on; its rows that are too close to a new eval row are dropped by decisions.
        encoder: as ``build``.
        cosine: as ``build``.
        download: as ``build``.
        seed: of every random choice.
        who: who did it.
        at: when.
        say: told what takes time.
        progress: told how far an encoding is.

    Raises:
        UsageError: the set is not frozen, or a share makes no sense.
        DataError: the sample has too few rows.
    """
    if not 0 < share < 1:
        raise UsageError(f"--share {share} is no share of the rows; give one above 0 and under 1, such as 0.2.")
    must_be_frozen(evalset)
    if (healed := take_back(evalset)) is not None:
        say(f"{healed}.")
        for one in (dataset, *([train] if train is not None else [])):
            one.forget()
    old = evalset.rows
    staying, wanted = _staying(old, share, seed)
    sample, notes = _sample_of(evalset, dataset), []
    found = find_encoder(encoder, download=download).encoder if encoder is not None else None
    options = Options.given(dataset.manifest.get("options", {}))
    how = How(options, found, cosine, dataset.folder / "vectors", progress, say, kept=kept_by(evalset.manifest))
    guarded = pl.concat([staying, read_reserve(evalset.folder)])
    say(f"looking among {sample.height:,} rows for those that are too close to the {guarded.height:,} that stand ...")
    near = too_close(sample, guarded, how)
    free = sample.filter(~pl.col("id").is_in(near["id"].implode()))
    built = evalset.manifest.get("built", {}).get("options", {})
    pool = _pool(free, dataset, by, built, wanted, how, encoder=encoder, download=download, notes=notes)
    region = pool.regions(region_count(wanted))
    planned = design(
        pool, edge_cases(pool, region, dataset, rows=wanted), region, rows=wanted,
        edge_share=built.get("edge_share", EDGE_SHARE),
    )  # fmt: skip
    dev = int((old["part"] == DEV).sum()) / old.height
    chosen = choose(planned, Shares(dev=dev if dev < 1 else 0.0), seed=seed)
    rows = _mixed(staying, chosen.rows, share)
    rest = sample.filter(~pl.col("id").is_in([*chosen.rows["id"], *near["id"]]))
    trained_on = dataset.manifest.get("train", "train")
    close = pl.concat([near, leaving(rest, chosen.rows, replace(how, one_source=True), train=trained_on, notes=notes)])
    population = [
        *({**one, "share": round(one["share"] * (1 - share), 9)} for one in evalset.manifest.get("population", [])),
        {
            "from": str(dataset.folder), "rows": pool.rows.height, "units": len(planned.size), "too_close": near.height,
            "share": share,
        },
    ]  # fmt: skip
    step = {
        "verb": "refresh", "from": str(dataset.folder), "share": share, "seed": seed,
        "options": {"by": list(pool.by), "encoder": pool.encoder},
    }  # fmt: skip
    begin(evalset, dataset, chosen.rows, train=train)
    try:
        aside = set_aside(
            dataset, evalset.name, dataset.rows.select("id", "split"), chosen.rows, close, out=evalset.folder, seed=seed,
            verb="evalset refresh",
        )  # fmt: skip
        trained = _apart(evalset.name, train, chosen.rows, how)
        after = next_version(evalset, rows, step, population=population, who=who, at=at)
    except BaseException:
        take_back(EvalSet.open(evalset.folder))
        raise
    end(evalset)
    return Refreshed(
        after, evalset.manifest["version"], staying.height, chosen.rows.height, old.height - staying.height, aside, near.height,
        trained, notes,
    )  # fmt: skip


def _staying(old: pl.DataFrame, share: float, seed: int) -> tuple[pl.DataFrame, int]:
    """Return the rows that stay, whole clusters of them, and how many new ones there is room for."""
    random = np.random.default_rng([seed, 3])
    kept = []
    for part in (DEV, SHIP):
        own = old.filter(pl.col("part") == part)
        names = own.unique("cluster", maintain_order=True).sort("stratum", maintain_order=True)["cluster"]
        if names.is_empty():
            continue
        wanted = max(1, round(len(names) * (1 - share)))
        step = (
            len(names) / wanted
        )  # at even steps along the strata (Madow 1949): each cluster has the same chance to stay
        at = np.floor(random.random() * step + step * np.arange(wanted)).astype(np.int64)
        kept.append(own.filter(pl.col("cluster").is_in(names.gather(at).implode())))
    staying = pl.concat(kept)
    if staying.height == old.height:
        raise UsageError(f"--share {share} of {old.height:,} rows is not even one; give a larger share.")
    return staying, max(2, old.height - staying.height)


def _pool(
    free: pl.DataFrame, dataset: Dataset, by: Sequence[str] | None, built: Mapping[str, Any], wanted: int, how: How, *,
    encoder: str | None, download: bool, notes: list[str],
) -> Pool:  # fmt: skip
    """Return the candidates, in the strata of the build where so few rows can cover those."""
    given: dict[str, Any] = {"encoder": encoder, "download": download, "cache": how.cache, "progress": how.progress}
    columns = tuple(by) if by is not None else tuple(built.get("by") or [NONE])
    pool = pool_of(dataset, free, by=columns, **given)
    strata = len(set(pool.stratum))
    if strata <= wanted:
        return pool
    if by is not None:
        raise DataError(
            f"{counted(wanted, 'new row')} can't cover {strata:,} strata ({' x '.join(by)}); give a larger --share, or --by none."
        )
    notes.append(
        f"{counted(wanted, 'new row')} can't cover {strata:,} strata ({' x '.join(columns)}), so they cover regions alone"
    )
    return pool_of(dataset, free, by=(NONE,), **given)


def _sample_of(evalset: EvalSet, dataset: Dataset) -> pl.DataFrame:
    """Return the rows of the newer sample that stand in no eval set."""
    if not disk.writable(dataset.folder):
        raise UsageError(
            f"{dataset.folder} can't be written, so chosen rows could not leave it; copy it to a folder of yours."
        )
    known = taken(dataset)
    if evalset.name in known:
        refuse_namesake(dataset, evalset.name, evalset.folder)
    rows = standing(dataset)
    sample = rows.filter(~pl.col("split").is_in(list(known.values())) | pl.col("split").is_null())
    if sample.is_empty():
        raise DataError(
            f"{dataset.folder} has no row that stands outside of eval sets; read a newer sample with `vetset read`."
        )
    return sample


def _mixed(staying: pl.DataFrame, fresh: pl.DataFrame, share: float) -> pl.DataFrame:
    """Return both, in each part with weights that sum to their shares of what the part stood for."""
    parts = []
    fresh = fresh.with_columns(digest=pl.lit("")).select(EVAL_ROWS.names())
    for part in (DEV, SHIP):
        old, new = (rows.filter(pl.col("part") == part) for rows in (staying, fresh))
        total = float(old["weight"].sum()) or float(new["weight"].sum())
        for rows, of in ((old, 1 - share), (new, share)):
            if rows.height:
                both = old.height and new.height
                parts.append(
                    rows.with_columns(
                        pl.col("weight") * (total * (of if both else 1.0) / float(rows["weight"].to_numpy().sum()))
                    )
                )
    return pl.concat(parts)


def _apart(name: str, train: Dataset | None, chosen: pl.DataFrame, how: How) -> dict[str, Any]:
    """Drop the rows of the training set that are too close to the new eval rows."""
    if train is None:
        return {}
    rows = standing(train)
    rows = rows.filter(~pl.col("split").is_in(list(taken(train).values())) | pl.col("split").is_null())
    own = replace(how, cache=train.folder / "vectors")
    close = leaving(rows, chosen, own, train=train.manifest.get("train", "train"))
    return {"set": str(train.folder), "rows": close.height, "batch": drop(train, name, chosen, close)}
