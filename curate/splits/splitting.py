"""The verb ``split``: assign the rows that stand, write the assignment, and look for leaks in what came out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import polars as pl

from .. import disk, parts, text
from ..against import known_against
from ..checking import find
from ..dataset import Dataset, parquet
from ..decisions.applied import apply, head_for
from ..decisions.ledger import Ledger
from ..distill.lineage import TEXT_OF_PEOPLE, synthetic
from ..errors import DataError, StaleError, UsageError, quote
from ..options import Options
from ..rules import RULES, out_of_reach
from ..version import version
from .assignment import SplitResult, split_rows, tie_columns
from .families import Followed, families, follow, through_synthetic
from .inflation import Inflation, measure
from .near import near_clusters
from .order import choose_ways

_SAID = 20_000  # rows from which the search for near copies takes long enough to be said


@dataclass(frozen=True)
class SetSplit:
    """A split of a set, and what a random split would have done to a score."""

    result: SplitResult
    dropped: int
    """Rows that decisions took out before."""
    inflation: Inflation | None
    repeats: int
    """Exact repeats that stand in one split now: the policy keeps one copy a split, and the splits were others."""
    official: list[str]
    """Names of the splits that the sources gave and this one replaces."""
    aside: int = 0
    """Rows that stand in an eval set, and stay in its split."""
    followed: Followed | None = None
    """Where synthetic rows went; ``None`` where there is none. ``result`` is of the others."""
    taught: int = 0
    """Rows of which people wrote the text and a teacher the label or the rationale, in a set of only such rows: split as real
    ones are, and no gold to measure by."""

    def summary(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        inflation = None if self.inflation is None else self.inflation.summary()
        return {
            **self.result.report,
            "dropped": self.dropped,
            "inflation": inflation,
            "repeats": self.repeats,
            "replaces": self.official,
            "aside": self.aside,
            **({} if self.followed is None else {"synthetic": self.followed.summary()}),
            **({"taught": self.taught} if self.taught else {}),
        }


def split(
    dataset: Dataset,
    *,
    ratios: tuple[float, ...] | None = None,
    counts: tuple[int, ...] | None = None,
    by: tuple[str, ...] | None = None,
    names: tuple[str, ...] | None = None,
    stratify: bool = True,
    seed: int = 0,
    inflation: bool = True,
    say: Callable[[str], None] = lambda _: None,
) -> SetSplit:
    """Split the rows that no decision has dropped; rows and their official split stay as they are on disk.

    Where the rules on leaks and on repeats have run before, they run again: what they say depends on the split.

    Args:
        dataset: the set.
        ratios: shares of the splits; 0.8, 0.1, 0.1 when neither they nor counts are given.
        counts: rows of each split.
        by: what must not be broken (``splits.split_rows``).
        names: of the splits.
        stratify: keep label shares alike.
        seed: of every random choice.
        inflation: estimate what a random split would have added to a score (some seconds).
        say: told what takes time.

    Raises:
        UsageError: an option makes no sense.
        DataError: it can't be done; the text holds the figures and what can be.
    """
    given, dataset = dataset, dataset.as_read()  # the split that this one replaces may be lost, or be of other rows
    against = known_against(dataset)
    with Ledger.open(dataset.folder) as ledger:
        vetted = apply(dataset.rows, head_for(ledger, dataset.rows).heads).rows
    aside = _of_evalsets(given, names)
    dropped = dataset.rows.height - vetted.height
    vetted = vetted.join(aside, on="id", how="anti", maintain_order="left")
    official = _official(dataset)
    if ratios is None and counts is None:
        ratios = (0.8, 0.1, 0.1)
    dealt = _deal(
        dataset, vetted, aside, ratios=ratios, counts=counts, by=by, names=names, stratify=stratify, seed=seed,
        inflation=inflation, say=say,
    )  # fmt: skip
    result, followed, train = dealt.result, dealt.followed, next(iter(dealt.result.sizes))
    splits = dataset.rows.select("id").join(dealt.assigned, on="id", how="left", maintain_order="left")
    said = {"ratios": ratios, "counts": counts, "by": by, "names": names, "stratify": stratify}
    step = {
        "verb": "split", "version": version(), "seed": seed,
        "options": {name: value for name, value in said.items() if value is not None},
        "counts": {"rows": vetted.height, **result.sizes, "held": int(result.held.sum())},
    }  # fmt: skip
    if followed is not None:
        step["counts"]["synthetic"] = followed.summary()
    files: dict[str, disk.Writer | None] = {"splits.parquet": parquet(splits)}
    checked = dataset.manifest.get("checked", [])
    # Of a split and findings that are both lost, a check would ask for the split first, so the findings are made here.
    whole = all(parts.is_lost(dataset.folder, name) for name in (parts.SPLITS, parts.FINDINGS))
    hanging = [rule for rule in checked if rule in RULES and (whole or hangs_on_splits(rule))]
    again = [rule for rule in hanging if RULES[rule].default and not out_of_reach(rule)]
    left = [rule for rule in hanging if rule not in again]  # a split waits for no encoder
    if left:
        say(f"{', '.join(left)} said what held for the splits before, and did not run again: vetset check does it")
    repeats = 0
    if again:
        # One change with the split: after a kill between the two, old leaks would be taken for those of the new split.
        found = find(dataset, dataset.rows.with_columns(splits["split"]), select=again, against=against, train=train)
        step["counts"] |= {"findings": found.step["counts"]["findings"]}
        inside = splits.filter(pl.col("split").is_not_null())["id"].implode()
        repeats = found.frame.filter(
            (pl.col("rule") == "duplicates.exact") & (pl.col("suggest") == "drop") & pl.col("id").is_in(inside)
        ).height
        found = replace(found, rules=[*found.rules, *left])  # whose findings go
        run = lambda now: [rule for rule in found.checked(now) if rule not in left]  # noqa: E731
        dataset.save(
            files | found.files(), step=step, checked=run, against=found.against,
            against_from_set=found.against_from_set, figures=found.figures,
            train=train,
        )  # fmt: skip
    else:
        # A first check for leaks that ended meanwhile looked at the old split.
        unchecked = lambda now: [rule for rule in now or [] if not hangs_on_splits(rule)]  # noqa: E731
        dataset.save(files, step=step, train=train, checked=unchecked)
    given.forget()
    return SetSplit(result, dropped, dealt.inflation, repeats, official, aside.height, followed, dealt.taught)


class _Dealt(NamedTuple):
    """Which row goes where."""

    result: SplitResult
    """Of the real rows."""
    inflation: Inflation | None
    assigned: pl.DataFrame
    """``id, split`` of all rows that were given."""
    followed: Followed | None
    taught: int = 0


def _deal(
    dataset: Dataset, vetted: pl.DataFrame, aside: pl.DataFrame, *, ratios: tuple[float, ...] | None,
    counts: tuple[int, ...] | None, by: tuple[str, ...] | None, names: tuple[str, ...] | None, stratify: bool, seed: int,
    inflation: bool, say: Callable[[str], None],
) -> _Dealt:  # fmt: skip
    """Split the real rows, and let the synthetic ones follow."""
    keys = text.keys(vetted)
    clusters = None
    if by is None or "near" in by:
        if vetted.height > _SAID:
            say("looking for near copies that must stay together ...")
        told = Options.given(dataset.manifest.get("options", {}))  # what is near to a check is near to a split
        clusters = near_clusters(vetted, threshold=told.threshold, shingle=told.shingle)
    made, taught = synthetic(vetted), 0
    if made.height == vetted.height:  # labels of a teacher, read as a set of their own: the texts are of people
        made = made.filter(~pl.col("kind").is_in(list(TEXT_OF_PEOPLE)).fill_null(value=False))
        taught = vetted.height - made.height
    kin = None if made.is_empty() else families(vetted, made)
    ties = tie_columns(vetted, keys, clusters, kin)
    ties = [ties[way] for way in choose_ways(vetted, by, clusters, kin) if way != "time"]
    real, parents = vetted, None
    if kin is not None:
        is_real = ~vetted["id"].is_in(made["id"].implode())
        parents = through_synthetic(is_real, ties)
        real, keys = vetted.filter(is_real), keys.filter(is_real)
        if real.is_empty():
            raise DataError(
                f"{dataset.folder}: every row is synthetic, and an eval split is of real rows; read real rows, too."
            )
        clusters = None if clusters is None else clusters.filter(is_real)
    result = split_rows(
        real, ratios=ratios, counts=counts, names=names, by=by, stratify=stratify, seed=seed, keys=keys,
        clusters=clusters, parents=parents,
    )  # fmt: skip
    estimated = None
    if inflation:
        say("estimating what a random split would have added to a score ...")
        estimated = measure(real, result.units, seed=seed)
    assigned = pl.concat([pl.DataFrame({"id": real["id"], "split": result.assignment}), aside])
    if kin is None:
        return _Dealt(result, estimated, assigned, None, taught)
    train = next(iter(result.sizes))
    followed = follow(vetted, made, assigned, ties=ties, train=train, in_time="time" in (by or ()), whole=dataset.rows)
    return _Dealt(result, estimated, pl.concat([assigned, followed.split.select("id", "split")]), followed, taught)


_ON_SPLITS = ("duplicates.exact", "duplicates.normalised", "duplicates.near", "duplicates.semantic", "quality.length")
"""Rules that say something else of the same rows in other splits, beside those on leaks and coverage."""


def hangs_on_splits(rule: str) -> bool:
    """Say whether a rule says something else of the same rows in other splits."""
    return rule.startswith(("leakage.", "coverage.")) or rule in _ON_SPLITS


def _of_evalsets(dataset: Dataset, names: Sequence[str] | None) -> pl.DataFrame:
    """Return ``id, split`` of the rows that ``vetset evalset build`` set aside: dealt out again, they would be trained on.

    Where the split that names them is lost, the eval sets are asked that hold them.

    Raises:
        DataError: nothing tells which rows they are.
        UsageError: a split is to have the name of theirs.
    """
    taken = {str(name): of for name, of in (dataset.manifest.get("evalsets") or {}).items()}
    if not taken:
        return pl.DataFrame(schema={"id": pl.String, "split": pl.String})
    if clash := sorted(set(names or ()) & {of["split"] for of in taken.values()}):
        raise UsageError(
            f"the split {quote(clash[0], 40)} holds the rows of an eval set; give this one another name (--names)."
        )
    try:
        here = dataset.rows.select("id", "split")
    except (DataError, StaleError):
        here = dataset.as_read().rows.select("id", split=pl.lit(None, pl.String))
    found = []
    for name, of in taken.items():
        own = here.filter(pl.col("split") == of["split"])
        found.append(own if own.height else _asked(dataset, name, of).join(here, on="id", how="semi"))
    return pl.concat(found)


def _asked(dataset: Dataset, name: str, of: Mapping[str, str]) -> pl.DataFrame:
    path = dataset.folder / of["path"] / "rows.parquet"
    reserve = path.with_name("reserve.parquet")  # rows that were kept for later
    try:
        found = [
            pl.read_parquet(one, columns=["id"], glob=False) for one in (path, reserve) if one == path or one.exists()
        ]
        return pl.concat(found).unique(maintain_order=True).with_columns(split=pl.lit(of["split"]))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(
            f"{dataset.folder} gave rows to the eval set {quote(name)}, and neither its split nor {path} says which; put one of "
            "them back from a copy, or they would be trained on."
        ) from error


def _official(dataset: Dataset) -> list[str]:
    """Return the names of the splits that came with the sources."""
    return (
        pl.scan_parquet(dataset.folder / "rows.parquet", glob=False)
        .select("split")
        .collect()["split"]
        .drop_nulls()
        .unique()
        .sort()
        .to_list()
    )
