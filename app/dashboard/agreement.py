"""Agreement: how far those who labelled agree, who differs from whom, and one label where they do."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, cast

import polars as pl
import streamlit as st

from ...curate.agreement.disagreements import crossed, differing_items, in_row_order, side_by_side, still_open
from ...curate.agreement.report import Question, Report, Who, place_of_report, read_report
from ...curate.agreement.reviewers import decided_twice
from ...curate.agreement.vote_columns import guessed_columns, vote_columns
from ...curate.review import aside
from ...curate.review.desk import Look
from ...curate.review.view import place_of
from ...curate.review.worklist import Filter
from ...curate.wording import counted
from . import adjudicating, agreement_tables, links
from .addressed import tell_unknown
from .context import desk, guarded, in_commands
from .plain import in_code, plain

_AT_ONCE = 20_000  # rows: of more, somebody asks for the figures first, since they take minutes
_ANNOTATORS, _REVIEWERS = "Annotators of the data", "Reviewers of this dashboard"
_NAMES = {"fleiss_kappa": "Fleiss' kappa", "krippendorff_alpha": "Krippendorff's alpha"}
_making: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


def page() -> None:
    """Draw the page."""
    look = desk().look()
    question = _question(look)
    if question is None:
        return
    report = _report(look, question)
    if report is None:
        return
    _figures(report.summary)
    _work(question)


def _question(look: Look) -> Question | None:
    """Draw whose agreement is asked for; ``None``, with a sentence, where nobody's can be told."""
    tell_unknown("g.of", [_ANNOTATORS, _REVIEWERS])
    chosen = st.segmented_control(
        "Of whom", [_ANNOTATORS, _REVIEWERS], key="g.of", bind="query-params", default=_ANNOTATORS, required=True,
        label_visibility="collapsed",
    )  # fmt: skip
    if chosen == _REVIEWERS:
        state = _state_of_reviewers(str(desk().ledger.identity()), look.seq)
        if state is None:
            st.info(
                "No row was decided by two reviewers yet, so there is nothing to compare. To measure how far you agree, let a "
                "second reviewer decide some rows again: in Audit, show the decided ones (Reviewed: Decided). Fifty such rows "
                "tell something, two hundred more."
            )
            links.to_rows("Decided rows in Audit", Filter("rows"), reviewed="decided", icon="rate_review")
            return None
        return Question(cast("Who", "reviewers"), classifier=False, state=state)
    return _of_annotators(look)


def _of_annotators(look: Look) -> Question | None:
    known, guess, people = _columns(look.view.key, look)
    chosen: Sequence[str] = ()
    if known:
        with st.popover("Columns of annotators", icon=":material/view_column:"):
            chosen = st.multiselect(
                "Columns that hold one annotator each", known, default=[] if people > 1 else guess, key="g.votes",
                bind="query-params", help="Leave it empty where each row names its annotator",
            )  # fmt: skip
    if len(chosen) > 1:
        if people < 2 and set(chosen) == set(guess):
            named = ", ".join(plain(name, 60) for name in chosen)
            st.caption(
                f"{named} hold labels of the set, so each is taken for one annotator; choose other columns above."
            )
        return Question(columns=tuple(chosen), classifier=_with_classifier())
    if people > 1:
        return Question(classifier=_with_classifier())
    name = in_code(in_commands())
    st.info(
        f"{'One annotator only' if people else 'No annotator'} is known in this set, so agreement can't be measured. To add "
        "overlap: have a second person label 200 rows without seeing the first labels, put both labels on lines of their own "
        f"with a column that says who gave them, and read that file: `vetset read FILE --annotator COLUMN -o {name}`. Labels "
        "that stand in columns side by side are named above, or by `vetset agree NAME.vet --votes A,B`."
    )
    return None


def _with_classifier() -> bool:
    """Return whether a classifier votes too: it reads every text, which takes seconds for a thousand and minutes for many."""
    return st.toggle(
        "A classifier of the texts votes, too", key="g.classifier", bind="query-params",
        help="It tells who errs where two differ, if it knows the texts; another process reads them all first",
    )  # fmt: skip


def _report(look: Look, question: Question) -> Report | None:
    path = place_of_report(place_of(look.view.folder), look.view.rows_key, question)
    found = read_report(path)
    if found is not None:
        return found
    rows = look.view.rows.height
    if question.who == "annotators" and rows > _AT_ONCE and not st.button(
        "Measure agreement", type="primary", icon=":material/calculate:", key="agreement-go",
        help=f"Another process reads {rows:,} rows; it may take minutes",
    ):  # fmt: skip
        return None
    with st.spinner("Another process works out how far they agree…", show_time=True), _making[str(path)]:
        if (found := read_report(path)) is None:
            told = {"folder": str(look.view.folder), "path": str(path), "question": question.__dict__}
            aside.ask("agreement.report", told)
            found = read_report(path)
    if found is None:
        st.error(
            "The files of the report are gone as soon as they were made; reload the page.", icon=":material/error:"
        )
    return found


def _figures(summary: Mapping[str, Any]) -> None:
    """Draw the coefficients with their intervals, and what they rest on."""
    with st.container(horizontal=True):
        pairs = summary["pairs"]
        if len(pairs) == 1:
            agreement_tables.figure("Cohen's kappa", pairs[0]["kappa"], pairs[0]["kappa_low"], pairs[0]["kappa_high"])
        for name, entry in summary["coefficients"].items():
            agreement_tables.figure(_NAMES[name], entry["value"], entry["low"], entry["high"], why=entry["why"])
        st.metric("Texts with two votes or more", f"{summary['shared']:,}", f"of {summary['items']:,}", delta_color="off",
                  delta_arrow="off", border=True)  # fmt: skip
    st.caption(
        f"{counted(summary['votes'], 'vote')} of "
        f"{counted(len(summary['names']), 'annotator')} with {counted(len(summary['labels']), 'label')}; intervals hold 95 of "
        "100 times. 1 is full agreement, 0 what chance gives."
    )
    notes = [*summary["guessed"], *summary["notes"]]
    if notes:
        with st.expander(f"What to know of these figures ({len(notes)})", icon=":material/info:"):
            for note in notes:
                st.markdown(f"- {plain(note)}")


@st.fragment
@guarded
def _work(question: Question) -> None:
    """Draw who differs from whom, and the difference at hand; a key press runs this and nothing else."""
    look = desk().look()
    report = read_report(place_of_report(place_of(look.view.folder), look.view.rows_key, question))
    if report is None:
        st.rerun()
    assert report is not None  # noqa: S101 - a rerun does not return
    chosen = agreement_tables.Chosen.of_address(report.summary["names"])
    several = len(report.summary["names"]) > 4  # wide tables stand below each other
    tables, people = (st.container(), st.container()) if several else st.columns([3, 2], gap="medium")
    with tables:
        agreement_tables.pairs(report.summary, chosen)
    with people:
        agreement_tables.rates(report.summary)
    counts, listed = _differences(str(place_of(look.view.folder)), look.view.key, question, chosen, report, look)
    if counts is not None:
        agreement_tables.labels(counts, chosen, order=report.summary["labels"])
    else:
        agreement_tables.confusions(report.summary)
    left = still_open(listed, look.heads, reviewers=question.who == "reviewers")
    adjudicating.draw(look, report, listed, left, chosen, reviewers=question.who == "reviewers")


@st.cache_resource(max_entries=8, show_spinner=False)
def _differences(
    place: str, key: str, question: Question, chosen: agreement_tables.Chosen, _report: Report, _look: Look
) -> tuple[pl.DataFrame | None, pl.DataFrame]:
    """Return the labels of two annotators counted, and the rows of the texts that differ: a key press changes neither."""
    items = differing_items(_report.votes, one=chosen.one, other=chosen.other, labels=chosen.labels)
    pair = crossed(side_by_side(_report.votes, chosen.one, chosen.other)) if chosen.one else None
    return pair, in_row_order(items, _report.members, _look.view)


@st.cache_data(max_entries=4, show_spinner=False)
def _columns(key: str, _look: Look) -> tuple[list[str], list[str], int]:
    people = _look.view.rows["annotator"].drop_nulls().n_unique()
    return vote_columns(_look.view), guessed_columns(_look.view), people


@st.cache_data(max_entries=4, show_spinner=False)
def _state_of_reviewers(file: str, seq: int) -> str | None:
    found = decided_twice(desk().ledger)
    if found.is_empty():
        return None
    return blake2b(found.write_csv().encode(), digest_size=8).hexdigest()
