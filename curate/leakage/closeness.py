"""Rows that stand too close to an eval row to be trained on: the rules on leaks, asked about these rows alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from .. import text
from ..dataset import ROWS
from ..distill.lineage import ancestors, synthetic
from ..embed.encoder import Encoder
from ..embed.encoding import Report
from ..near.shingles import Shingle
from ..options import Options
from ..rules import out_of_reach
from . import containment, exact, grams, masked, meaning, near, short
from .parents import RULE as PARENT

NEAR = 0.8
"""Least Jaccard index of word 5-grams of a near copy, as `leakage.near` has it."""
NEAR_SHORT = 0.9
"""The same of character 5-grams, which see the texts too short for word 5-grams, and are alike sooner by chance."""
COPIES = ("leakage.exact", "leakage.near")
"""What these find is the same question, and a model that was trained on it may know the answer by heart; what other rules find
may have told it something."""

ALIKE = (
    "leakage.near", "leakage.ngram", "leakage.contained", "leakage.masked", "leakage.short", "leakage.meaning",
)  # fmt: skip
"""Rules that a set may be told to keep rows in spite of. Not the same text: that is learnt by heart; nor the group, which was
named since it must not be broken."""

CLOSE = pl.Schema({"id": pl.String, "rule": pl.String, "note": pl.String, "peer": pl.String})
"""Rows, the first rule that found each, and what it says; the note names the row on the other side, ``peer`` has its id where it
is known."""

TRAIN = "train"  # what is held against the eval rows is taken for train rows, whatever split it stands in
_ROUNDS = 20  # each takes one row of the pool an eval row; real sets took 1 to 4
_RUNNING = r"^\d{1,6}$"  # a bare number this short numbers the groups of one file, and says nothing of another


@dataclass(frozen=True)
class How:
    """How rows are compared."""

    options: Options = Options()
    """Threshold and shingle of near copies, as the set's checks have them; never laxer than the defaults."""
    encoder: Encoder | None = None
    """For meaning; without it meaning is not compared."""
    cosine: float | None = None
    """Least cosine of the same meaning; for ``None`` by how close the questions of the larger side come to each other."""
    cache: Path | None = None
    """A folder to keep vectors in."""
    progress: Report | None = None
    """Told how far the encoding is."""
    say: Callable[[str], None] = lambda _: None
    """Told which comparison takes its time."""
    one_source: bool = False
    """Both sides were read from the same files, so that group "7" is the same in both."""
    kept: tuple[str, ...] = ()
    """Of ``ALIKE``, the rules that don't look: what they find is what the task is made of, as with filled-in forms."""


def too_close(
    pool: pl.DataFrame, chosen: pl.DataFrame, how: How | None = None, *, notes: list[str] | None = None
) -> pl.DataFrame:
    """Return the rows of the pool that are too close to a chosen one, ``CLOSE`` columns, in the order of the pool.

    Too close is what ``vetset check`` calls a leak: the same text but for case and width, a Jaccard index of 0.8 and more (of
    short texts, 0.9 of runs of characters), a shared run of 13 or 8 words that is no turn of phrase, a text inside of the other,
    other numbers and names, a group in common, a synthetic row and what it was made from, and with an encoder the same meaning.

    Args:
        pool: rows that may be trained on.
        chosen: the eval rows.
        how: what is compared.
        notes: takes what there is to say beside the rows.
    """
    if pool.is_empty() or chosen.is_empty():
        return CLOSE.to_frame()
    how, pool, chosen = how or How(), rows_of(pool, TRAIN), rows_of(chosen, "eval")
    found = [*_by_rules(pool, chosen, how, notes), _same_group(pool, chosen, how), _children(pool, chosen)]
    if how.encoder is not None:
        found += _by_meaning(pool, chosen, how, notes, held=pool)
    close = _first(pool, found)
    # Rarity is judged by the side that is asked: what only the eval rows' own look finds goes as well, so that a later look at
    # what is left finds nothing.
    for _ in range(_ROUNDS):
        rest = pool.filter(~pl.col("id").is_in(close["id"].implode()))
        back = spoilt(chosen, rest, replace(how, encoder=None))
        more = back.select(id="peer", rule="rule", note=pl.format("{} (told of the eval row)", "note"), peer="id")
        more = more.drop_nulls("id").unique("id", keep="first", maintain_order=True)
        if more.is_empty():
            break
        close = _first(pool, [close, more])
    return close


def leaving(
    rest: pl.DataFrame, chosen: pl.DataFrame, how: How, *, train: str, notes: list[str] | None = None
) -> pl.DataFrame:
    """Return the rows of a set that leave it for a choice: ``too_close`` of all rows, and again of the train split alone.

    What is rare hangs on the rows that are looked at, and later looks see the train split alone.

    Args:
        rest: rows of the set that were not chosen, in their splits.
        chosen: the eval rows.
        how: what is compared.
        train: name of the split that is trained on.
        notes: takes what there is to say beside the rows.
    """
    close = too_close(rest, chosen, how, notes=notes)
    left = rest.filter((pl.col("split") == train) & ~pl.col("id").is_in(close["id"].implode()))
    return pl.concat([close, too_close(left, chosen, replace(how, encoder=None))])


def spoilt(
    evaluated: pl.DataFrame, trained: pl.DataFrame, how: How | None = None, *, notes: list[str] | None = None
) -> pl.DataFrame:
    """Return the eval rows to which a training row is too close, ``CLOSE`` columns: the same comparison, told of the other side.

    Args:
        evaluated: the eval rows.
        trained: the rows that are trained on.
        how: what is compared.
        notes: takes what there is to say beside the rows.
    """
    if evaluated.is_empty() or trained.is_empty():
        return CLOSE.to_frame()
    how, evaluated, trained = how or How(), rows_of(evaluated, "eval"), rows_of(trained, TRAIN)
    found = [
        *_by_rules(pl.concat([trained, evaluated]), None, how, notes), _same_group(evaluated, trained, how),
        _with_children(evaluated, trained),
    ]  # fmt: skip
    if how.encoder is not None:
        found += _by_meaning(trained, evaluated, how, notes, held=evaluated)
    return _first(evaluated, found)


def found_by(pool: pl.DataFrame, chosen: pl.DataFrame, how: How) -> dict[str, frozenset[str]]:
    """Return the ids of the pool's rows that each rule finds too close to a chosen one, whatever the others find."""
    pool, chosen = rows_of(pool, TRAIN), rows_of(chosen, "eval")
    found: dict[str, set[str]] = {}
    more = _by_meaning(pool, chosen, how, None, held=pool) if how.encoder is not None else []
    for frame in (
        *_by_rules(pool, chosen, how, None),
        _same_group(pool, chosen, how),
        _children(pool, chosen),
        *more,
    ):
        for rule, ids in frame.group_by("rule").agg("id").iter_rows():
            found.setdefault(rule, set()).update(ids)
    return {rule: frozenset(ids) for rule, ids in found.items()}


def kept_by(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the rules in spite of which an eval set was built to leave rows in train, by its manifest."""
    told = manifest.get("built", {}).get("options", {}).get("keep_close") or []
    return tuple(rule for rule in told if rule in ALIKE)


def with_cosine(how: How, one: pl.DataFrame, other: pl.DataFrame, notes: list[str] | None = None) -> How:
    """Return how rows are compared, with a cosine where an encoder is there and none was given.

    200 eval rows would not tell how close questions of this kind come to each other by chance: the larger side does.
    """
    if how.encoder is None or how.cosine is not None or out_of_reach("leakage.meaning"):
        return how
    known, asked = (one, other) if one.height >= other.height else (other, one)
    both = pl.concat([rows_of(known, TRAIN), rows_of(asked, "eval")])
    found = meaning.meaning_thresholds(both, train=TRAIN, encoder=how.encoder, cache=how.cache, progress=how.progress)
    if notes is not None:
        notes.append(
            f"a cosine of {found[TRAIN].threshold} and more was taken for the same meaning: {found[TRAIN].why}"
        )
    return replace(how, cosine=found[TRAIN].threshold)


def rows_of(rows: pl.DataFrame, split: str) -> pl.DataFrame:
    """Return the columns of a set's rows, all of them in one split."""
    return rows.select(pl.col(name).cast(kind) for name, kind in ROWS.items()).with_columns(split=pl.lit(split))


def _first(rows: pl.DataFrame, found: list[pl.DataFrame]) -> pl.DataFrame:
    """Return one line a row, of the rule that comes first."""
    lines = [CLOSE.to_frame(), *(frame.select(CLOSE.names()) for frame in found)]
    first = pl.concat(lines).unique("id", keep="first", maintain_order=True)
    return rows.select("id").unique(maintain_order=True).join(first, on="id", how="inner", maintain_order="left")


def _by_rules(
    rows: pl.DataFrame, against: pl.DataFrame | None, how: How, notes: list[str] | None
) -> Iterator[pl.DataFrame]:
    """Yield what each rule that compares characters finds, the plainest first."""
    sides: dict[str, Any] = {"against": against, "train": TRAIN}
    yield exact.find_leak(rows, text.keys(rows), **sides)
    if "leakage.near" not in how.kept:
        yield from _by_shingles(rows, how, sides)
    looks: dict[str, Callable[[], pl.DataFrame]] = {
        "leakage.ngram": lambda: grams.find_ngram(rows, phrases=False, **sides),
        "leakage.contained": lambda: containment.find_contained(rows, **sides),
        "leakage.masked": lambda: masked.find_masked(rows, **sides),
        "leakage.short": lambda: short.find_short(rows, **sides),
    }
    looks = {name: look for name, look in looks.items() if name not in how.kept}
    left = [name for name in looks if out_of_reach(name)]
    if left and notes is not None:
        notes.append(f"{', '.join(left)} did not look, since numba can't be imported here; run: pip install numba")
    for name, look in looks.items():
        if name not in left:
            yield look()


def _by_shingles(rows: pl.DataFrame, how: How, sides: dict[str, Any]) -> Iterator[pl.DataFrame]:
    plain = how.options.shingle == Shingle()
    yield near.find_near(rows, threshold=min(how.options.threshold, NEAR) if plain else NEAR, **sides)
    yield near.find_near(rows, shingle=Shingle("char", 5), threshold=NEAR_SHORT, **sides)
    if not plain:
        yield near.find_near(rows, shingle=how.options.shingle, threshold=how.options.threshold, **sides)


def _same_group(rows: pl.DataFrame, others: pl.DataFrame, how: How) -> pl.DataFrame:
    """Return the rows whose group has a row on the other side."""
    named = pl.col("group").str.strip_chars() != ""
    if not how.one_source:
        named &= ~pl.col("group").str.contains(_RUNNING)
    there = others.filter(named).group_by("group").agg(pl.col("id").first().alias("peer"), pl.col("split").first())
    return rows.select("id", "group").filter(named).join(there, on="group", how="inner", maintain_order="left").select(
        "id", rule=pl.lit("leakage.group"), note=pl.format("Its group has the {} row {}.", "split", "peer"), peer="peer"
    )  # fmt: skip


def _children(rows: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """Return the synthetic rows that were made from a chosen row, or from a row that was."""
    return _made_from(rows, chosen).unique("id", keep="first", maintain_order=True).select(
        "id", rule=pl.lit(PARENT), note=pl.format("It was made from the eval row {}.", "ancestor"), peer="ancestor"
    )  # fmt: skip


def _with_children(evaluated: pl.DataFrame, trained: pl.DataFrame) -> pl.DataFrame:
    """Return the eval rows from which a synthetic row of train was made."""
    return _made_from(trained, evaluated).unique("ancestor", keep="first", maintain_order=True).select(
        rule=pl.lit(PARENT), note=pl.format("The row {} was made from it.", "id"), peer="id", id="ancestor"
    )  # fmt: skip


def _made_from(rows: pl.DataFrame, evaluated: pl.DataFrame) -> pl.DataFrame:
    """Return ``id, ancestor`` of synthetic rows and the eval rows that they were made from, also by way of other rows."""
    pairs = ancestors(synthetic(pl.concat([rows, evaluated]).select("id", "extra")))
    pairs = pairs.join(rows, on="id", how="semi", maintain_order="left")
    return pairs.join(evaluated.select(ancestor="id"), on="ancestor", how="semi", maintain_order="left")


def _by_meaning(
    trained: pl.DataFrame, evaluated: pl.DataFrame, how: How, notes: list[str] | None, *, held: pl.DataFrame
) -> list[pl.DataFrame]:
    """Return the rows of ``held``, which is one of the sides, that mean what a row of the other side means."""
    if "leakage.meaning" in how.kept:
        return []
    if out_of_reach("leakage.meaning"):
        if notes is not None:
            notes.append("leakage.meaning did not look, since numba can't be imported here; run: pip install numba")
        return []
    how.say("comparing meanings ...")
    given: dict[str, Any] = {"encoder": how.encoder, "cache": how.cache, "progress": how.progress}
    cosine = with_cosine(how, trained, evaluated, notes).cosine
    if held is trained:
        return [meaning.find_meaning(trained, against=evaluated, train=TRAIN, threshold=cosine, notes=notes, **given)]
    both = pl.concat([trained, evaluated])
    return [meaning.find_meaning(both, train=TRAIN, threshold=cosine, notes=notes, **given)]
