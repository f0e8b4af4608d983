"""Runs: did the candidate beat the baseline, and where? Two runs row by row, and the verdict on them."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ...curate.errors import VetsetError
from ...curate.wording import shell
from ...evaluate.evalsets.evalset import TOUCHES_FILE, EvalSet
from ...evaluate.runs.finding import find_runs, places_of
from ...evaluate.runs.results import Run
from ...evaluate.verdicts.comparing import compare
from ...evaluate.verdicts.forgetting import FILE as FORGETTING
from ...evaluate.verdicts.gathering import find_evalset
from ...evaluate.verdicts.pairing import Pairs, pair
from ...evaluate.verdicts.verdict import Verdict
from . import notyet, run_rows, run_tables
from .addressed import tell_unknown
from .context import desk, folder, guarded
from .named_folders import by_name
from .plain import plain

PREFIX = "r."
"""Of the parameters of this page in the address."""

Stamp = tuple[str, int, int]
"""A file, when it was written, and its bytes."""

_MARKS = {"ship": "check_circle", "hold": "block", "inconclusive": "help"}


def page() -> None:
    """Draw the page."""
    desk()
    found = by_name(find_runs(places_of(folder())), home=folder().parent)
    if len(found) < 2:
        if found:
            st.info(
                f"There is one run, {plain(next(iter(found)))}: two are compared. Run another rung or the candidate."
            )
        notyet.say(
            (
                "two runs on one frozen eval set, row by row: wins, losses, both right, both wrong",
                "the difference with its interval, and McNemar's test on the rows that changed",
                "slices by label and source, each judged by itself",
                "the gates of the verdict: ship, hold or inconclusive, and why",
            ),
            "vetset eval MODEL --on EVALSET",
            "Runs are looked for beside the set and in a folder `runs` beside it.",
        )
        return
    names = list(found)
    tell_unknown(f"{PREFIX}a", names)
    tell_unknown(f"{PREFIX}b", names)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        one = st.selectbox("Baseline", names, min(1, len(names) - 1), key=f"{PREFIX}a", bind="query-params", width=300)
        other = st.selectbox("Candidate", names, 0, key=f"{PREFIX}b", bind="query-params", width=300)
    if one == other:
        st.info("Both are the same run; choose another baseline or candidate.")
        return
    _compared(found[one], found[other])


@st.cache_resource(max_entries=8, show_spinner="Comparing…")
def _judged(baseline: str, candidate: str, stamps: tuple[Stamp, ...]) -> tuple[Verdict, Pairs]:
    one, other = Run.open(baseline), Run.open(candidate)
    return compare(one, other), pair(one, other)


def _stamps(baseline: Path, candidate: Path, held: EvalSet | None) -> tuple[Stamp, ...]:
    """Return what changes with every file that a verdict is made of: the runs, the ladders beside them, the ledger of looks."""
    of_runs = [run / name for run in (baseline, candidate) for name in ("run.json", "results.parquet", FORGETTING)]
    beside = [
        path
        for place in sorted({baseline.parent, candidate.parent})
        for kind in ("*.json", "*/run.json")  # ladders, and the runs of their rungs
        for path in sorted(place.glob(kind))
    ]
    ledger = [] if held is None else [held.folder / TOUCHES_FILE]
    return tuple(found for path in (*of_runs, *beside, *ledger) if (found := _stamp(path)) is not None)


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return str(path), found.st_mtime_ns, found.st_size


@guarded
def _compared(baseline: Path, candidate: Path) -> None:
    held = find_evalset(Run.open(candidate))
    try:
        verdict, pairs = _judged(str(baseline), str(candidate), _stamps(baseline, candidate, held))
    except VetsetError as error:
        st.error(f"These two can't be compared: {plain(error)}", icon=":material/block:")
        return
    _head(verdict)
    run_tables.gates(verdict)
    run_tables.slices(verdict)
    run_rows.draw(verdict, pairs, held)
    _command(baseline, candidate)


def _head(verdict: Verdict) -> None:
    of, told = verdict.gain, verdict.evalset
    st.subheader(f":material/{_MARKS[verdict.word]}: {verdict.word.capitalize()}", anchor=False)
    st.markdown(plain(verdict.reason, 600))
    with st.container(horizontal=True):
        st.metric("Baseline", f"{of.baseline:.1%}", border=True)
        st.metric("Candidate", f"{of.candidate:.1%}", border=True)
        bounds = f"{100 * of.low:+.1f} to {100 * of.high:+.1f}"
        st.metric(
            "Gain, points", f"{100 * of.gain:+.1f}", bounds, delta_color="off", delta_arrow="off", border=True,
            help=plain(f"{of.confidence:.4g} interval below. {of.method}"),
        )  # fmt: skip
        said = "not of 0/1 scores" if of.mcnemar_p is None else f"{of.mcnemar_p:.2g}"
        st.metric("McNemar p", said, border=True, help="Exact, of the rows that changed; takes rows for independent")
    st.caption(
        f"Eval set {plain(told.get('name'), 60)} {plain(str(told.get('digest'))[:12])}, part {plain(told.get('part'), 20)} · "
        f"{of.rows:,} rows in {of.clusters:,} clusters · scored by {plain(verdict.scorer, 60)} · a true gain of "
        f"{100 * of.minimum_gain:.1f} points would have been seen four times in five"
    )


def _command(baseline: Path, candidate: Path) -> None:
    st.caption("The same in a terminal, with an exit code; verdict.md lists the rows that flipped")
    st.code(f"vetset compare {shell(baseline)} {shell(candidate)}", language="bash", wrap_lines=True)
