"""Made rows that come close to a row that a model is evaluated on: the rules on leaks, and what they can't see in short texts."""

from __future__ import annotations

import polars as pl

from ... import text
from ...embed.encoding import row_texts
from ...errors import quote
from ...leakage.closeness import How, too_close, with_cosine
from ...masking import mask
from .eval_words import EvalWords
from .gate import Batch, of_lines, plain, verdicts
from .wanted import EvalSet

EDITED, HALF = "leakage.edited", "leakage.half"
_MARK = "\x1f"  # between a row's id and the number of its part


def find_close(batch: Batch, _: EvalSet) -> pl.DataFrame:
    """Find made rows that are too close to an eval row.

    By the rules on leaks (``leakage.closeness``), with an encoder by meaning as well, over the whole input and over each turn,
    the worse reply and what stands beside the row (a rationale) by itself: an eval question in an answer is as bad as in a
    question. And by words, where an eval text is too short for these rules (``eval_words``).
    """
    held = batch.held
    if held is None:
        return of_lines([])
    rows = _parts(batch.made, batch.beside)
    how = with_cosine(How(encoder=batch.encoder, cache=batch.cache), batch.shown, plain(held), batch.notes)
    said: list[str] = []
    close = too_close(rows, held, how, notes=said)
    for note in said:
        batch.say(note)
    found = verdicts(_whole(close), severity="reject")
    left = rows.filter(~_row_of(pl.col("id")).is_in(found["id"].implode()))
    return pl.concat([found, _by_words(batch, left, held)])


def _parts(made: pl.DataFrame, beside: pl.Series) -> pl.DataFrame:
    """Return the rows, and each turn, worse reply and text beside as a row of one turn where there are several texts."""
    rows = plain(made)
    told = text.turns(rows).filter(pl.col("role").ne_missing("system") & pl.col("content").str.contains(r"\S"))
    worse = rows.select(row=pl.int_range(pl.len(), dtype=pl.UInt32), content="rejected").drop_nulls()
    more = pl.DataFrame({"row": range(rows.height), "content": beside}, schema_overrides={"row": pl.UInt32}).explode(
        "content"
    )
    more = more.filter(pl.col("content").str.contains(r"\S\s+\S|[^\x00-\x7f]"))  # a name of a field is no text
    texts = pl.concat([told.select("row", "content"), worse, more])
    texts = texts.filter(pl.len().over("row") > 1).with_columns(number=pl.int_range(pl.len()).over("row"))
    lone = rows[texts["row"]].with_columns(
        id=pl.format(f"{{}}{_MARK}{{}}", pl.col("id"), texts["number"]), label=None, tools=None, rejected=None,
        messages=texts.select(
            pl.concat_list(
                pl.struct(role=pl.lit("user"), content="content", tool_calls=pl.lit(None, pl.String),
                          tool_call_id=pl.lit(None, pl.String), extra=pl.lit(None, pl.String))
            )
        ).to_series(),
    )  # fmt: skip
    return pl.concat([rows, plain(lone)])


def _row_of(ids: pl.Expr) -> pl.Expr:
    return ids.str.split(_MARK).list.first()


def _whole(close: pl.DataFrame) -> pl.DataFrame:
    """Return what was found of parts as found of their rows, one line a row."""
    return close.with_columns(id=_row_of(pl.col("id"))).unique("id", keep="first", maintain_order=True)


def _by_words(batch: Batch, left: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    short = EvalWords(row_texts(held, "input").to_list(), row_texts(batch.shown).to_list())
    shown, ids = row_texts(held, "input"), held["id"]
    lines = []
    for row_id, said in zip(left["id"], row_texts(left), strict=True):
        found = short.find(said)
        if found is not None:
            edited = found.surprise is None
            told = quote(mask(shown[found.peer][:200]), 50)
            note = f"It has {found.why} of the eval row {told}" + (
                "." if edited else f", and no real row has these {len(found.run)} words."
            )
            gate = EDITED if edited else HALF
            lines.append({"id": row_id, "gate": gate, "score": found.surprise, "note": note, "peer": ids[found.peer]})
    return _whole(of_lines(lines, severity="reject"))
