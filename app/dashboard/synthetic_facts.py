"""What the synthetic rows come to as a whole: how full the grid is, how diverse they are, what they cost, whose terms hold."""

from __future__ import annotations

from typing import Any

import polars as pl
import streamlit as st

from ...curate.distill.teachers import OPEN, WORDS
from ...curate.review import diversity_told
from ...curate.review.desk import Look
from ...curate.review.synthetic import Asked, queue, spent, teachers, values
from ...curate.review.synthetic_runs import Run, find_runs, measure
from ...curate.wording import counted
from ...evaluate.runs.finding import places_of
from . import synthetic_grid
from .context import folder, guarded
from .plain import plain, short

_MEASURED = "synthetic-measured"
_LINES = 200  # of a table


@guarded
def draw(view: str, look: Look, made: pl.DataFrame, asked: Asked) -> None:
    """Draw one of ``grid``, ``diversity`` and ``spend``.

    Args:
        view: which.
        look: of this moment.
        made: ``synthetic.MADE``.
        asked: the filter.
    """
    runs = find_runs(places_of(folder()))
    wanted = asked.run or tuple(values(made, "run"))
    if view == "grid":
        synthetic_grid.draw(made, look.view.rows_key, [name for name in wanted if name], runs)
    elif view == "diversity":
        _diversity(look, made, asked, [runs[name] for name in wanted if name in runs])
    else:
        _spend(
            made.filter(pl.col("position").is_in(queue(made, asked))), [runs[name] for name in wanted if name in runs]
        )
        _teachers(look)


def _diversity(look: Look, made: pl.DataFrame, asked: Asked, runs: list[Run]) -> None:
    for run in runs:
        if run.report.get("diversity"):
            st.subheader(f"Run {plain(run.name, 60)}", anchor=False)
            st.caption("As it ended: the rows that its gates accepted, beside real rows.")
            _measures(run.report["diversity"])
    st.subheader("The rows of this filter", anchor=False)
    key = (look.view.rows_key, asked)
    if st.session_state.get(_MEASURED) != key:
        st.caption("Beside the real rows of the same labels, by the words they share (TF-IDF). It takes a few seconds.")
        if st.button("Measure", type="primary", key="synthetic-measure", icon=":material/straighten:"):
            st.session_state[_MEASURED] = key
            st.rerun()
        return
    _measures(_measured(look.view.rows_key, asked, look, made))


@st.cache_resource(max_entries=8, show_spinner="Measuring…")
def _measured(key: str, asked: Asked, _look: Look, _made: pl.DataFrame) -> dict[str, Any]:
    return measure(_look.view, queue(_made, asked), queue(_made, Asked())).summary()


@guarded
def _measures(summary: Any) -> None:
    told = diversity_told.told(summary)
    for sentence in told.sentences:
        st.markdown(f":material/info: {plain(sentence, 400)}")
    shown = diversity_told.measures(told)
    st.dataframe(
        shown, hide_index=True, height=38 + 35 * shown.height, alt="Measures of the synthetic rows beside the real ones",
        column_config={"measure": "Measure", "made": "Synthetic", "real": "Real",
            "means": st.column_config.TextColumn("Says", width="large"),
        },
    )  # fmt: skip
    sizes = f"{counted(told.made.rows, 'synthetic row')}" + (
        f", {counted(told.real.rows, 'real row')}" if told.real else ""
    )
    st.caption(
        f"{sizes}; each measure at equal sizes. Vectors by {plain(told.parameters.encoder or 'an encoder', 60)}."
    )
    if told.gaps:
        st.markdown("**Real rows that no synthetic row is near to**")
        for gap in told.gaps[:5]:
            words = f" ({plain(', '.join(gap.words), 80)})" if gap.words else ""
            st.markdown(f"- {counted(gap.rows, 'row')}{words}: “{plain(gap.example, 120)}”")


def _spend(made: pl.DataFrame, runs: list[Run]) -> None:
    st.subheader("Spend", anchor=False)
    for run in runs:
        told = _paid(run)
        if told:
            st.markdown(f"Run **{plain(run.name, 60)}**, rejected drafts and all: {told}")
    days = spent(made)
    st.caption("By day and teacher, of the rows of this filter that stand in this set:")
    st.dataframe(
        days.head(_LINES).with_columns(
            pl.Series(name, [None if value is None else short(value, 60) for value in days[name].head(_LINES)], dtype=pl.String)
            for name in ("made", "teacher", "currency")
        ),
        hide_index=True, alt="Tokens and money by day and teacher",
        column_config={
            "made": "Day", "teacher": "Teacher", "currency": "Currency",
            "rows": st.column_config.NumberColumn("Rows", format="localized"),
            "prompt_tokens": st.column_config.NumberColumn("Prompt tokens", format="localized"),
            "completion_tokens": st.column_config.NumberColumn("Reply tokens", format="localized"),
            "cost": st.column_config.NumberColumn("Cost", format="%.4f"),
            "unpriced": st.column_config.NumberColumn("Rows without a price", format="localized"),
        },
    )  # fmt: skip
    if days.height > _LINES:
        st.caption(f"The first {_LINES} of {days.height:,}.")


def _paid(run: Run) -> str:
    """Return what a run paid, as far as its file tells."""
    settled, unknown = _part(run, "settled"), _part(run, "unknown")
    told = []
    for name, noun in (("calls", "call"), ("prompt_tokens", "prompt token"), ("completion_tokens", "reply token")):
        if isinstance(value := settled.get(name), int):
            told.append(counted(value, noun))
    if isinstance(money := settled.get("money"), int | float):
        told.append(f"{money:,.4g} {plain(run.paid.get('currency') or '', 10)}".strip())
    if isinstance(lost := unknown.get("calls"), int) and lost:
        told.append(f"{counted(lost, 'call')} that may have been paid for without an answer")
    return ", ".join(told)


def _part(run: Run, name: str) -> dict[str, Any]:
    found = run.paid.get(name)
    return found if isinstance(found, dict) else {}


def _teachers(look: Look) -> None:
    st.subheader("Teachers' terms", anchor=False)
    found = _terms(look.view.rows_key, look)
    for line in found.head(12).iter_rows(named=True):
        revision = f" {plain(line['revision'], 40)}" if line["revision"] else ""
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.markdown(f"**{plain(line['teacher'], 60)}**{revision} · {counted(line['rows'], 'row')}", width="content")
            opened = line["training"] in OPEN
            st.badge(
                WORDS[line["training"]], icon=":material/check_circle:" if opened else ":material/block:",
                color="green" if opened else "red",
            )  # fmt: skip
            st.caption(plain(line["says"], 300), width="content")
            if line["source"]:
                st.caption(f"{plain(line['source'], 200)}, {plain(line['dated'] or 'undated', 20)}", width="content")
    if found.height > 12:
        st.caption(f"{counted(found.height - 12, 'more teacher')}.")
    st.caption(
        "What terms say of training other models on what a teacher writes is a reading aid, and no legal advice."
    )


@st.cache_resource(max_entries=2, show_spinner=False)
def _terms(key: str, _look: Look) -> pl.DataFrame:
    return teachers(_look.view)
