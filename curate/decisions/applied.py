"""What decisions do to rows: which still apply, and what the vetted rows are. The ledger keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from ..dataset import MESSAGE, ROWS
from .decision import ACTIONS, Action, Conflict, Decision, Outcome
from .ledger import HEADS, LOG, Ledger

__all__ = [
    "ACTIONS", "HEADS", "LOG", "Action", "Applied", "Conflict", "Decision", "Ledger", "Outcome", "Vetted",
    "apply", "head_for", "match", "refused",
]  # fmt: skip


@dataclass(frozen=True)
class Applied:
    """The heads that belong to these rows, in row order, and those whose row changed or left, which apply to none."""

    heads: pl.DataFrame
    stale: pl.DataFrame


@dataclass(frozen=True)
class Vetted:
    """The rows as decided, and what became of each."""

    rows: pl.DataFrame  # ``dataset.ROWS``, in the order that they came in
    dropped: pl.DataFrame  # ``ledger.HEADS``, in row order
    unapplied: pl.DataFrame  # heads that can't be carried out (see ``apply``), ``HEADS`` in row order
    counts: dict[str, int]  # rows by their last action, "unapplied" and "undecided"; adds up to the rows that came in

    def summary(self) -> dict[str, Any]:
        """Return the counts for ``--json``."""
        return {"rows_in": sum(self.counts.values()), "rows_out": self.rows.height, **self.counts}


def head_for(ledger: Ledger, rows: pl.DataFrame) -> Applied:
    """Return the standing decisions that apply to ``rows``, and the stale ones.

    A decision is bound to the row's content: its id holds the content hash, so a row that was changed at the source
    comes back with another id and no decision.
    """
    return match(ledger.head(), rows)


def match(heads: pl.DataFrame, rows: pl.DataFrame) -> Applied:
    """Part ``heads`` into those whose row is among ``rows`` and those whose row is not."""
    ids = rows.select(pl.col("id").alias("row_id"))
    return Applied(
        heads=ids.join(heads, on="row_id", how="inner", maintain_order="left").select(HEADS.names()),
        stale=heads.join(ids, on="row_id", how="anti", maintain_order="left").select(HEADS.names()),
    )


def apply(rows: pl.DataFrame, heads: pl.DataFrame) -> Vetted:
    """Return ``rows`` as ``heads`` have them: the only place where a decision changes what is exported.

    drop leaves the row out. relabel sets ``label``; on a row without a label whose last turn is the assistant's, it
    replaces the text of that turn. edit replaces ``messages``. keep and skip leave the row. The id always stays.
    An edit and a relabel of one row are carried out one after the other, in the order of their ``seq``.
    A relabel of a turn that calls tools can't be carried out, since a text can't stand for a call: the row stays as it
    is and the head is in ``unapplied``; an edit says what is meant.

    Heads without a row are left aside; ``match`` finds them.

    >>> from vetset.curate.dataset import frame
    >>> rows = frame([{"messages": "hi", "label": "bye"}, {"messages": "spam"}])
    >>> heads = pl.DataFrame({"row_id": rows["id"], "action": ["relabel", "drop"], "value": ["greeting", None]})
    >>> apply(rows, heads.match_to_schema(HEADS, missing_columns="insert")).rows["label"].to_list()
    ['greeting']
    """
    heads = match(heads, rows).heads
    changed, no = _changed(rows, heads)
    done = heads.join(no, on=["row_id", "action"], how="anti", maintain_order="left")
    last = done.sort("seq", nulls_last=False, maintain_order=True).unique("row_id", keep="last")
    of = dict(last.group_by("action").len().iter_rows())
    dropped = done.filter(pl.col("action") == "drop")
    out = rows
    if dropped.height:
        out = out.join(dropped, left_on="id", right_on="row_id", how="anti", maintain_order="left")
    if changed.height:
        out = _replace(out, changed)
    decided = heads["row_id"].n_unique()
    return Vetted(
        rows=out,
        dropped=dropped,
        unapplied=heads.join(no, on=["row_id", "action"], how="semi", maintain_order="left"),
        counts={
            **{action: of.get(action, 0) for action in ACTIONS},
            "unapplied": decided - last.height,
            "undecided": rows.height - decided,
        },
    )


def refused(rows: pl.DataFrame, heads: pl.DataFrame) -> pl.DataFrame:
    """Return ``row_id, action`` of the heads that can't be carried out: relabels that would make a tool call a text."""
    return _changed(rows, heads)[1]


def _changed(rows: pl.DataFrame, heads: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows that edits and relabels change, changed, and ``row_id, action`` of those that are refused."""
    edits, relabels = (heads.filter(pl.col("action") == action) for action in ("edit", "relabel"))
    concerned = pl.concat([edits, relabels]).select("row_id").unique()
    if concerned.is_empty():  # a row that is dropped by a key press should not cost what a relabel does
        return rows.head(0), heads.head(0).select("row_id", "action")
    touched = rows.join(concerned, left_on="id", right_on="row_id", how="semi", maintain_order="left")
    edited_at = relabels.select("row_id", "seq").join(edits.select("row_id", edited="seq"), on="row_id")
    before = relabels.join(edited_at.filter(pl.col("edited") > pl.col("seq")), on="row_id", how="semi")
    after = relabels.join(before, on="row_id", how="anti")
    touched, too_early = _relabel(touched, before)
    touched = _replace(touched, _edited(touched, edits))
    touched, no = _relabel(touched, after)
    return touched, pl.concat([too_early, no])


def _relabel(rows: pl.DataFrame, heads: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows with these relabels, and ``row_id, action`` of the relabels that are refused."""
    no = _calls_tools(rows, heads).select(pl.col("id").alias("row_id"), pl.lit("relabel").alias("action"))
    return _replace(rows, _relabelled(rows, heads.join(no, on="row_id", how="anti"))), no


def _calls_tools(rows: pl.DataFrame, relabels: pl.DataFrame) -> pl.DataFrame:
    """Return ``id`` of the rows whose relabel would have to replace a turn that calls tools."""
    asked = rows.select("id", "label", "messages").join(relabels, left_on="id", right_on="row_id", how="semi")
    last = pl.col("messages").list.last()
    calls = last.struct.field("tool_calls").is_not_null() & (last.struct.field("role") == "assistant")
    return asked.filter(pl.col("label").is_null() & calls).select("id")


def _relabelled(rows: pl.DataFrame, heads: pl.DataFrame) -> pl.DataFrame:
    found = _with_value(rows, heads)
    messages, value = pl.col("messages"), pl.col("value")
    last = messages.list.last()
    on_target = pl.col("label").is_null() & (last.struct.field("role") == "assistant").fill_null(value=False)
    retold = pl.concat_list(messages.list.head(messages.list.len() - 1), last.struct.with_fields(content=value))
    return found.with_columns(
        pl.when(on_target).then(retold).otherwise(messages).cast(ROWS["messages"]).alias("messages"),
        pl.when(on_target).then(pl.col("label")).otherwise(value).alias("label"),
    ).drop("value")


def _edited(rows: pl.DataFrame, heads: pl.DataFrame) -> pl.DataFrame:
    found = _with_value(rows, heads)
    return found.with_columns(pl.col("value").str.json_decode(pl.List(MESSAGE)).alias("messages")).drop("value")


def _with_value(rows: pl.DataFrame, heads: pl.DataFrame) -> pl.DataFrame:
    values = heads.select("row_id", "value")
    return rows.join(values, left_on="id", right_on="row_id", how="inner", maintain_order="left")


def _replace(rows: pl.DataFrame, changed: pl.DataFrame) -> pl.DataFrame:
    if changed.is_empty():
        return rows
    place = rows.select("id").with_row_index("place")
    rest = rows.join(changed, on="id", how="anti", maintain_order="left")
    both = pl.concat([rest, changed.select(rows.columns)])
    order = both.select("id").with_row_index("now").join(place, on="id").sort("place")["now"]
    return both[order]
