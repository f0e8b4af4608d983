"""Overview: can I train on this, and what first?"""

from __future__ import annotations

from datetime import UTC, datetime

import altair
import polars as pl
import streamlit as st

from ...curate.decisions.policy import Policy, load
from ...curate.review.desk import Look
from ...curate.review.gates import Gate, Status, expected_wrong, verdict
from ...curate.review.standing import RuleCount
from ...curate.review.summary import SECONDS_A_ROW, Summary, summarise
from ...curate.review.worklist import Filter
from ...curate.rules import RULES
from ...curate.vetset_toml import settings_file
from ...curate.wording import counted, shell
from ..figures import sentences
from . import acting, links
from .context import desk, folder, in_commands, told
from .plain import named, plain, short

_ICONS: dict[Status, tuple[str, str, str]] = {
    "holds": ("check_circle", "green", "holds"), "fails": ("cancel", "red", "fails"),
    "open": ("help", "orange", "not known"), "none": ("remove", "gray", "no question here"),
}  # fmt: skip
_FIRST = 8  # rules that are shown at once
_NO_SPLIT, _NO_LABEL = "(no split)", "(no label)"


def page() -> None:
    """Draw the page."""
    look = desk().look()
    if not look.view.rows.height:
        st.info("This set has no rows. Read a file into it; what could not be read stands under Provenance.")
        command("read FILE -o {}")
        return
    policy = load(settings_file(told().config, folder()), rules=tuple(RULES))
    found = _summary(_key(look, policy), f"{datetime.now(UTC):%Y-%m-%d}", look, policy)
    _verdict(look, found)
    left, right = st.columns([5, 4], gap="large")
    with left:
        _gates(found.gates)
        _next(found)
    with right:
        _fix_first(found)
        _progress(found)
    left, right = st.columns([5, 4], gap="large")
    with left:
        _figures(look, found)
    with right:
        _balance(look, found)


def command(said: str) -> None:
    """Draw a command that is run in a terminal; ``{}`` stands for the set."""
    st.code(_in_terminal(said), language="bash", wrap_lines=True)


def _in_terminal(said: str) -> str:
    return f"vetset {said.replace('{}', shell(in_commands()))}"


def _key(look: Look, policy: Policy) -> str:
    return repr((look.view.key, look.heads.file, look.seq, sorted(policy.own.items()), policy.block))


@st.cache_data(max_entries=4, show_spinner="Counting what stands…")
def _summary(key: str, day: str, _look: Look, _policy: Policy) -> Summary:
    return summarise(_look, _policy, day=day)


def _verdict(look: Look, found: Summary) -> None:
    ready, said = verdict(found.gates)
    with st.container(horizontal=True, vertical_alignment="center"):
        icon, colour = ("check_circle", "green") if ready else ("cancel", "red")
        st.markdown(f"### :{colour}[:material/{icon}:] {said}", width="content")
        if found.worst is not None and st.button(
            "Review", type="primary", shortcut="G", icon=":material/rate_review:", key="overview-review",
            help=f"Opens {plain(found.worst.rule)}",
        ):  # fmt: skip
            links.go_to_rows(Filter(found.worst.rule))
    splits = " · ".join(
        f"{plain(name, 20)} {rows:,}" for name, rows in look.view.rows["split"].value_counts(sort=True).head(4).iter_rows()
        if name is not None
    )  # fmt: skip
    st.caption(
        f"{plain(folder().name, 60)} · {counted(look.view.rows.height, 'row')}" + (f" · {splits}" if splits else "")
    )


def _gates(found: list[Gate]) -> None:
    st.subheader("Gates", anchor=False)
    for gate in found:
        icon, colour, word = _ICONS[gate.status]
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.markdown(
                f":{colour}[:material/{icon}:] **{plain(gate.name)}** · {word}: {plain(gate.said)}",
                width="content",
                help=None if gate.command is None else f"Mended by: {plain(_in_terminal(gate.command))}",
            )
            for one in gate.links:
                links.to_rows(plain(one.text), one.rows, reviewed=one.reviewed, icon="arrow_forward")


def _next(found: Summary) -> None:
    links.link("provenance", "Sources, files and licences", icon="account_tree")
    st.subheader("Next", anchor=False)
    st.markdown(plain(found.next.said))
    if found.next.command:
        command(found.next.command)


def _fix_first(found: Summary) -> None:
    st.subheader("What to fix first", anchor=False)
    left = [of for of in found.rules if of.standing]
    if not found.rules:
        st.info("Nothing was checked yet, so nothing is known to be at fault.")
        return
    if not left:
        st.success(f"Nothing stands of what {counted(len(found.rules), 'rule')} found.", icon=":material/check_circle:")
        return
    for of in left[:_FIRST]:
        _rule(of, found.ships.rows)
    if left[_FIRST:]:
        with st.expander(f"{counted(len(left) - _FIRST, 'more rule')}", icon=":material/more_horiz:"):
            for of in left[_FIRST:]:
                _rule(of, found.ships.rows)
    pace = acting.pace()
    st.caption(
        f"Findings that stand, share of rows, time at {pace or SECONDS_A_ROW:.0f} s a row"
        + (", your pace." if pace else "; yours is taken once you decide.")
    )


def _rule(of: RuleCount, rows: int) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        links.to_rows(f"**{plain(of.rule)}**", Filter(of.rule), help=RULES[of.rule].finds)
        if of.blocks:
            st.badge("blocks", icon=":material/block:", color="red")
        takes = "one command" if of.command else spell((acting.pace() or SECONDS_A_ROW) * of.rows)
        st.caption(f"{of.standing:,} standing · {of.rows / rows:.1%} · {takes}", width="content")


def spell(seconds: float) -> str:
    """Return a time as people say it.

    >>> spell(90), spell(9_000)
    ('2 min', '2.5 h')
    """
    minutes = seconds / 60
    return "under 1 min" if minutes < 1 else f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:,.1f} h"


def _figures(look: Look, found: Summary) -> None:
    st.subheader("Figures of the last check", anchor=False)
    figures = look.view.manifest.get("figures", {})
    expected = expected_wrong(look.view.manifest)
    if expected is not None:
        low, high = (expected[end] / expected["rows"] for end in ("low", "high"))
        st.metric(
            "Wrong labels, estimated", f"{expected['wrong'] / expected['rows']:.1%}",
            help=f"95% interval {low:.1%} to {high:.1%}, of {expected['rows']:,} labels as they were read",
        )  # fmt: skip
        st.caption(f"95%: {low:.1%} to {high:.1%} · n = {expected['rows']:,}")
    changed = sum(rows for action, rows in found.progress.by_action.items() if action not in ("keep", "skip"))
    told_ = sentences(figures, decided=changed)
    for rule, sentence in told_.items():
        st.markdown(f"**{plain(rule)}**: {plain(sentence)}")
    if not told_:
        st.caption("None: nothing was counted over the whole set." if look.view.checked else "None before a check.")


def _balance(look: Look, found: Summary) -> None:
    named = bool(look.view.labels)
    st.subheader("Labels by split" if named else "Rows by split", anchor=False)
    counts = found.balance.drop_nulls("label") if named else found.balance
    bar, part = ("label", _NO_LABEL) if named else ("split", _NO_SPLIT)
    shown = counts.select(
        bar=_cells(counts[bar], 40, part),
        split=_cells(counts["split"], 30, _NO_SPLIT),
        rows=counts["rows"].cast(pl.Int64),
    )
    bars = (
        altair.Chart(shown)
        .mark_bar()
        .encode(
            x=altair.X("rows:Q", title="Rows"),
            y=altair.Y("bar:N", sort="-x", title=None, axis=altair.Axis(labelLimit=240)),
            color=altair.Color("split:N", title="Split", legend=altair.Legend(orient="top") if named else None),
            tooltip=[altair.Tooltip("bar:N", title=bar), "split:N", altair.Tooltip("rows:Q", format=",")],
        )
    )
    st.altair_chart(bars, alt="Rows of each label, by split" if named else "Rows of each split")
    rest = found.balance.filter(pl.col("label").is_null())["rows"].sum()
    if rest:
        st.caption(
            f"The commonest {counts['label'].n_unique()} of {len(look.view.labels)} labels; the others have {rest:,} rows."
        )


def _cells(values: pl.Series, limit: int, empty: str) -> pl.Series:
    """Return what is shown of each value; two that are masked alike stay one bar."""
    return pl.Series([short(value, limit) if value else empty for value in values], dtype=pl.String)


def _progress(found: Summary) -> None:
    st.subheader("Progress", anchor=False)
    told_ = found.progress
    st.progress(
        told_.settled / found.ships.rows,
        text=f"{told_.settled:,} of {found.ships.rows:,} rows decided · {told_.today:,} today (UTC)",
    )
    if told_.settled:
        links.to_rows(f"{told_.settled:,} decided", Filter("rows"), reviewed="decided", icon="arrow_forward")
    if not told_.by_reviewer:
        st.caption("Nothing was decided yet.")
        return
    st.markdown(" · ".join(f"{action} {rows:,}" for action, rows in told_.by_action.items() if rows))
    st.markdown(" · ".join(f":material/person: {named(name, 40)} {rows:,}" for name, rows in told_.by_reviewer.items()))
    st.markdown("**Last decisions that stand**")
    for line in told_.last.iter_rows(named=True):
        st.caption(
            f"{plain(line['at'][:16])} UTC · {named(line['reviewer'], 40)} · {line['action']} · {counted(line['rows'], 'row')}"
        )
    links.link("decisions", "All decisions", icon="history")
