"""Rows that say the same again: character for character, or once case, width and white space are folded away."""

from __future__ import annotations

import polars as pl

from .. import text
from ..clusters import clustered, ids, place
from ..findings import empty, report

_EXPLAINED = 20_000  # pairs of which the note says what differs; that costs 0.2 ms a pair, and nobody reads more
_ZERO_WIDTH = "[\u200b-\u200d\u2060\ufeff]"


def find_exact(rows: pl.DataFrame) -> pl.DataFrame:
    """Find every row whose input and target another row before it has, character for character.

    The tools on offer are not compared: a conversation that is repeated under reworded tool schemas trains the same
    answer twice. Such a repeat is left to a person (``suggest`` is ``review``), and so is the first copy in each further
    split, which is a leak rather than a repeat; all others may be dropped.

    >>> from vetset.curate.dataset import frame
    >>> find_exact(frame([{"messages": "hi", "label": "a"}] * 3))["note"][0]
    'Same input and same target as memory line 1; they stand 3 times in the set.'
    """
    again = _repeats(rows, _identities(rows))
    if again.is_empty():
        return empty()
    note = pl.format(
        "Same input and same target as {}; they stand {} times in the set", pl.col("place"), pl.col("size")
    )
    return report(
        again.select(
            ids(rows, again["row"]).alias("id"),
            pl.lit(1.0).alias("score"),
            ids(rows, again["first"]).alias("cluster"),
            ids(rows, again["kept"]).alias("peer"),
            place(rows, again["kept"]),
            "tools",
            "size",
            "leak",
        ).with_columns(pl.concat_str(note, _ending()).alias("note"), _review()),
        "duplicates.exact",
    )


def find_normalised(rows: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """Find every row whose folded input and folded target another row before it has; holds the exact repeats too.

    Folding is ``text.fold``: NFKC, case folding, zero-width characters dropped, white space collapsed. As in ``find_exact``
    each split keeps a copy of its own, and the first of a further split is left to a person; so are repeats under other tools.

    Args:
        rows: the rows.
        keys: ``text.keys(rows)``.
    """
    keyed = keys.select("input_folded", "target_folded").with_row_index("row").filter(~_blank(rows))
    again = _repeats(rows, keyed)
    if again.is_empty():
        return empty()
    pairs = again.with_columns(_differences(rows, keys, again).alias("differs"))
    same = pl.col("differs") == ""
    what = (
        pl.when(same)
        .then(pl.lit("Same input and same target as "))
        .otherwise(pl.format("Differs only in {} from ", pl.col("differs")))
    )
    return report(
        pairs.with_columns(place(rows, pairs["kept"])).select(
            ids(rows, pairs["row"]).alias("id"),
            pl.when(same).then(1.0).otherwise(0.9).alias("score"),
            ids(rows, pairs["first"]).alias("cluster"),
            ids(rows, pairs["kept"]).alias("peer"),
            pl.format("{}{}; the text stands {} times in the set{}", what, "place", "size", _ending()).alias("note"),
            _review(),
        ),
        "duplicates.normalised",
    )


def _repeats(rows: pl.DataFrame, keyed: pl.DataFrame) -> pl.DataFrame:
    """Return all rows of clusters but the first: ``row, first, size, kept`` (the row kept in its place), ``leak, tools``.

    Each split keeps a copy of its own, and the first there is a leak rather than a repeat: to drop the train copy of an eval
    row would settle a leak by losing the row. A row in no split (a decision took it out before the split was made) is a
    repeat like any other, and no leak. ``tools``: other tools are on offer than in the row that is kept.
    """
    members = clustered(keyed)
    members = members.with_columns(rows["split"].gather(members["row"]).alias("split"))
    own = pl.col("row").min().over("first", "split")
    settled = (
        pl.col("split").is_null()
        | pl.col("split").filter(pl.col("row") == pl.col("first")).first().over("first").is_null()
    )
    members = members.with_columns(pl.when(settled).then("first").otherwise(own).alias("own"))
    again = members.filter(pl.col("row") != pl.col("first")).with_columns(
        pl.when(pl.col("row") == pl.col("own")).then("first").otherwise("own").alias("kept"),
        (pl.col("row") == pl.col("own")).alias("leak"),
    )
    tools = rows["tools"].gather(again["row"]).ne_missing(rows["tools"].gather(again["kept"]))
    return again.with_columns(tools.alias("tools"))


def _review() -> pl.Expr:
    return pl.when(pl.col("tools") | pl.col("leak")).then(pl.lit("review")).otherwise(pl.lit("drop")).alias("suggest")


def _ending() -> pl.Expr:
    across, other = pl.lit(", this one in another split."), pl.lit(", here with other tools on offer.")
    return pl.when("leak").then(across).when("tools").then(other).otherwise(pl.lit("."))


def _blank(rows: pl.DataFrame) -> pl.Series:
    """Say which rows have neither input nor target: they are faulty, not alike."""
    return rows.select(
        (pl.col("messages").list.len() == 0) & pl.col("label").is_null() & pl.col("rejected").is_null()
    ).to_series()


def _identities(rows: pl.DataFrame) -> pl.DataFrame:
    """Return ``row`` and a key of all that stands in it, tools apart."""
    if rows["tools"].null_count() == len(rows):
        # The id holds the content hash already; hashing the text again would cost a second a million rows.
        digest = rows.select(pl.col("id").str.replace(r"-\d+$", "").alias("key"))
    else:
        flat = text.turns(rows)
        said = pl.struct("turn", "role", "content", "tool_calls", "tool_call_id", "extra").hash(seed=11).alias("said")
        summed = flat.select("row", said).group_by("row").agg(pl.col("said").sum())
        digest = (
            rows.select("label", "rejected", pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"))
            .join(summed, on="row", how="left", maintain_order="left")
            .select(pl.struct("said", "label", "rejected").hash(seed=12).alias("key"))
        )
    return digest.with_row_index("row").filter(~_blank(rows))


def _differences(rows: pl.DataFrame, keys: pl.DataFrame, pairs: pl.DataFrame) -> pl.Series:
    """Name what tells each pair apart (``case and white space``), the empty text where they are identical."""
    raw = keys.select("input", "target")
    here, there = raw[pairs["row"]], raw[pairs["kept"]]
    identical = pl.select(
        here["input"].eq_missing(there["input"]) & here["target"].eq_missing(there["target"])
    ).to_series()
    unlike = pairs.filter(~identical)
    if unlike.is_empty():
        return pl.repeat("", len(pairs), eager=True)
    explained = unlike.head(_EXPLAINED)
    a, b = _whole(rows[explained["row"]]), _whole(rows[explained["kept"]])
    # A kind of difference is there when folding all other kinds leaves the two texts apart.
    kinds = {
        "case": "case",
        "width or compatibility form": "width",
        "white space": "space",
        "zero-width characters": "zero",
    }
    named = pl.DataFrame({shown: _fold_but(a, kind) != _fold_but(b, kind) for shown, kind in kinds.items()})
    words = named.select(
        pl.concat_list(pl.when(pl.col(shown)).then(pl.lit(shown)) for shown in kinds).list.drop_nulls().list.join(", ")
    ).to_series()
    rest = pl.repeat("case, width, white space or zero-width characters", len(unlike) - len(explained), eager=True)
    words = pl.concat([words.replace("", "folded characters"), rest])
    index = pl.arange(len(pairs), eager=True, dtype=pl.UInt32).filter(~identical)
    return pl.repeat("", len(pairs), eager=True).scatter(index, words)


def _whole(rows: pl.DataFrame) -> pl.Series:
    """Return all text of each row as one string."""
    said = text.turns(rows).group_by("row").agg(pl.col("content").str.join("\n"))
    lined = rows.with_row_index("row").join(said, on="row", how="left", maintain_order="left")
    return lined.select(pl.concat_str("content", "label", "rejected", separator="\n", ignore_nulls=True)).to_series()


def _fold_but(texts: pl.Series, kind: str) -> pl.Series:
    if kind != "width":
        texts = texts.str.normalize("NFKC")
    if kind != "zero":
        texts = texts.str.replace_all(_ZERO_WIDTH, "")
    if kind != "case":
        # polars lower-cases; the two letters on which case folding differs most often are mended by hand.
        texts = texts.str.to_lowercase().str.replace_many(["ß", "ς"], ["ss", "σ"])
    return texts if kind == "space" else texts.str.replace_all(r"\s{2,}|[^\S ]", " ").str.strip_chars()
