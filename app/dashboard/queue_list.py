"""The queue beside the row at hand: how far it is, and a page of its rows to pick from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import streamlit as st

from ...curate.decisions.policy import REVIEWER
from ...curate.review.desk import Look
from ...curate.review.heads import SETTLED, SKIPPED
from ...curate.review.worklist import Positions, found_by
from ...curate.wording import counted
from . import acting
from .context import in_commands
from .plain import in_code, short

_PAGE = 50
_TOLD = 10  # decisions from which a share says something
_GRID, _NUMBER = "queue-grid", "queue-page"


def progress(look: Look, every: Positions, *, begun: int, rule: str) -> None:
    """Draw how many rows of the queue are decided, and how long the rest takes at this pace.

    Args:
        look: of this moment.
        every: the rows of the queue.
        begun: how many rows the queue had before decisions ended conflicts.
        rule: or family that the queue is of.
    """
    marks = look.heads.marks[every]
    done, skipped = int((marks == SETTLED).sum()), int((marks == SKIPPED).sum())
    left = every.size - done
    done = max(begun - left, done)
    said = f"{done:,} of {done + left:,} decided" + (f" · {skipped:,} skipped" if skipped else "")
    said += _changed(look, rule)
    seconds = acting.pace()
    if seconds is not None and left:
        said += f" · {seconds:.0f} s a row · about {_spell(seconds * left)} left"
    st.progress(done / (done + left) if done + left else 0.0, text=said)


def _changed(look: Look, rule: str) -> str:
    """Return how many of the rows that people decided for a rule they changed: how right it has been so far."""
    if rule in ("", "rows"):
        return ""
    by_people = look.heads.frame.lazy().filter(
        found_by(rule) & (pl.col("reviewer") != REVIEWER) & (pl.col("action") != "skip")
    )
    rows, changed = by_people.select(pl.len(), (pl.col("action") != "keep").sum().alias("changed")).collect().row(0)
    return f" · {changed / rows:.0%} of {rows:,} changed" if rows >= _TOLD else ""


def draw(
    look: Look,
    listed: Positions,
    position: int,
    *,
    rule: str,
    on_pick: Callable[[str], None],
    scored: Callable[[Positions], pl.Series] | None = None,
) -> None:
    """Draw the page of the queue that holds the row at hand, which is marked; a click on another goes there.

    Args:
        look: of this moment.
        listed: the rows of the queue that are shown.
        position: of the row at hand.
        rule: or family whose scores are shown.
        on_pick: is told the id of the row that was clicked on.
        scored: gives the scores of rows at some positions, from 0 to 1, where they are not those of a rule.
    """
    place = np.flatnonzero(listed == position)
    pages = max(-(-listed.size // _PAGE), 1)
    if place.size:
        st.session_state[_NUMBER] = int(place[0]) // _PAGE + 1
    number = min(st.session_state.get(_NUMBER, 1), pages)
    start = (number - 1) * _PAGE
    shown = listed[start : start + _PAGE]
    ids = look.view.rows["id"].gather(shown).to_list()

    def picked() -> None:
        rows = st.session_state[_GRID]["selection"]["rows"]
        if rows and rows[0] < len(ids):
            on_pick(ids[rows[0]])

    here = int(place[0]) - start if place.size else None
    st.session_state[_GRID] = {"selection": {"rows": [] if here is None else [here]}}
    st.dataframe(
        _table(look, shown, rule, scored), key=_GRID, hide_index=True, on_select=picked, selection_mode="single-row", height=480,
        column_config={
            "text": st.column_config.TextColumn("Text", width=160),
            "label": st.column_config.TextColumn("Label", width=105),
            "score": st.column_config.ProgressColumn("Score", min_value=0.0, max_value=1.0, format="%.2f", width="small"),
        },
        alt="Rows of the queue, in its order",
    )  # fmt: skip
    if pages > 1:
        st.pagination(pages, key=_NUMBER, on_change=lambda: _turn(look, listed, on_pick), max_visible_pages=5)


def _turn(look: Look, listed: Positions, on_pick: Callable[[str], None]) -> None:
    first = (st.session_state[_NUMBER] - 1) * _PAGE
    if first < listed.size:
        on_pick(look.view.rows["id"][int(listed[first])])


def nothing_left(look: Look, every: Positions, listed: Positions) -> None:
    """Say why no row is shown, and what to do."""
    if not every.size:
        if not look.view.checked:
            st.info(
                f"Nothing was checked yet: run `vetset check {in_code(in_commands())}`; this page follows by itself."
            )
        else:
            st.info("No row is found by this filter; choose another rule, or clear the search and the filters.")
    elif listed.size:
        st.info("Others are looking at the rows that are left; wait a moment, or choose another filter.")
    else:
        st.success(f"Nothing is left under this filter: {counted(every.size, 'row')} decided.")


def _table(look: Look, shown: Positions, rule: str, scored: Callable[[Positions], pl.Series] | None) -> pl.DataFrame:
    rows = look.view.rows.select("text", "label")[shown]
    score = _scores(look, shown, rule) if scored is None else scored(shown)
    return pl.DataFrame(
        {
            "text": [short(text, 120) for text in rows["text"].fill_null("")],
            "label": [None if label is None else short(label, 60) for label in rows["label"]],
            "score": score,
        },
        schema={"text": pl.String, "label": pl.String, "score": pl.Float64},
    )


def _scores(look: Look, shown: Positions, rule: str) -> pl.Series:
    """Return the best score of each row among the findings of a rule."""
    scores = look.view.found_on(shown)
    if rule not in ("", "rows"):
        scores = scores.filter(found_by(rule))
    best = scores.group_by("row").agg(pl.col("score").max())
    place = pl.DataFrame({"row": pl.Series(shown, dtype=pl.UInt32)})
    return place.join(best, on="row", how="left", maintain_order="left")["score"]


def _spell(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
