"""The tables of the page Agreement: who agrees with whom, who errs, which labels are taken for which; a cell opens its texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import streamlit as st

from .plain import plain, short

_WIDE = 12  # people or labels in a square table; of more the pairs are listed
_LISTED = 50
PAINTS = {
    "light": ("#111111", (249, 186, 120), (250, 244, 235)),  # orange to cream, under black letters
    "dark": ("#ECEEF2", (122, 66, 16), (38, 32, 26)),
}
"""Theme to the letters, and the grounds of a share of 0 and of 1."""
_ADDRESS = ("g.one", "g.other", "g.a", "g.b")


@dataclass(frozen=True)
class Chosen:
    """What the tables narrow the texts to: two annotators, and a label of each."""

    one: str = ""
    other: str = ""
    labels: tuple[str, ...] = ()

    @classmethod
    def of_address(cls, names: Sequence[str]) -> Chosen:
        """Return what the address says; two annotators are a pair at once."""
        one, other, a, b = (st.query_params.get(name, "") for name in _ADDRESS)
        if one not in names or other not in names or one == other:
            one, other = (names[0], names[1]) if len(names) == 2 else ("", "")
        return cls(one, other, (a, b) if one and a and b else ())

    def keep(self) -> None:
        """Write it into the address."""
        a, b = self.labels or ("", "")
        for name, value in zip(_ADDRESS, (self.one, self.other, a, b), strict=True):
            if value:
                st.query_params[name] = value
            else:
                st.query_params.pop(name, None)


def figure(name: str, value: float | None, low: float | None, high: float | None, *, why: str | None = None) -> None:
    """Draw a coefficient with its interval."""
    if value is None:
        st.metric(name, "not defined", plain(why or ""), delta_color="off", delta_arrow="off", border=True)
        return
    bounds = "no interval" if low is None or high is None else f"{low:.4f} to {high:.4f}"
    st.metric(
        name, f"{value:.4f}", bounds, delta_color="off", delta_arrow="off", border=True, help="95% interval below"
    )


def pairs(summary: Mapping[str, Any], chosen: Chosen) -> None:
    """Draw annotator by annotator: Cohen's kappa and the share of texts on which two say the same."""
    names, found = summary["names"], summary["pairs"]
    if not found:
        st.caption("No text was labelled by two annotators, or they are too many for a table of pairs.")
        return
    st.subheader("Annotator by annotator", anchor=False)
    st.caption(
        "Cohen's kappa and, in brackets, the share of texts on which both say the same. A cell opens its differences."
    )
    if len(names) > _WIDE:
        _listed_pairs(found)
        return
    cells = {(pair[a], pair[b]): pair for pair in found for a, b in (("one", "other"), ("other", "one"))}
    shown = [[_pair(cells.get((row, column))) for column in names] for row in names]
    shares = [[_share(cells.get((row, column))) for column in names] for row in names]

    def pick(row: int, column: int) -> None:
        if (names[row], names[column]) in cells:
            Chosen(names[row], names[column]).keep()

    _square(shown, shares, names, names, key="agreement-pairs", on_pick=pick, alt="Agreement of each two annotators")
    if len(names) > 2 and chosen.one:
        st.button("All annotators", icon=":material/close:", on_click=Chosen().keep, key="agreement-all")


def rates(summary: Mapping[str, Any]) -> None:
    """Draw how often each annotator errs, where anything tells."""
    st.subheader("Who errs", anchor=False)
    known = [person for person in summary["annotators"] if person["rate"] is not None]
    if not summary["tells_apart"] or not known:
        st.caption(
            "Of two annotators nothing tells who errs where they differ; a third, or a classifier that knows the texts, does."
        )
        known = []
    else:
        st.caption("Share of votes that are wrong, told by all other votes and the classifier where it has a say.")
    told = known or summary["annotators"]
    st.dataframe(
        pl.DataFrame(
            {
                "annotator": _names([person["annotator"] for person in told[:_LISTED]]),
                "votes": [person["votes"] for person in told[:_LISTED]],
                "wrong": [f"{person['rate']:.1%}" if known else "" for person in told[:_LISTED]],
                "interval": [f"{p['low']:.1%} to {p['high']:.1%}" if known else "" for p in told[:_LISTED]],
            },
            schema={"annotator": pl.String, "votes": pl.Int64, "wrong": pl.String, "interval": pl.String},
        ).select(pl.all() if known else pl.col("annotator", "votes")),
        hide_index=True, alt="Error rate of each annotator", height="content" if len(told) < 9 else 320,
        column_config={"annotator": "Annotator", "votes": "Votes", "wrong": "Wrong", "interval": "95% interval"},
    )  # fmt: skip
    if len(told) > _LISTED:
        st.caption(f"The first {_LISTED} of {len(told):,}; `vetset agree --json` has all.")


def labels(counts: pl.DataFrame, chosen: Chosen, *, order: Sequence[str]) -> None:
    """Draw which labels two annotators give the same texts.

    Args:
        counts: ``one, other, items`` (``disagreements.crossed``).
        chosen: the two, and the cell that is open.
        order: of all labels.
    """
    one, other = plain(short(chosen.one, 40)), plain(short(chosen.other, 40))
    st.subheader(f"Labels of {one} and {other}", anchor=False)
    seen = {*counts["one"], *counts["other"]}
    names = [name for name in order if name in seen]
    many = {(a, b): items for a, b, items in counts.iter_rows()}
    if len(names) > _WIDE:
        differ = counts.filter(pl.col("one") != pl.col("other")).head(_LISTED)
        _listed_labels(differ, chosen)
        return
    st.caption(f"Lines: what {one} says; columns: what {other} says. A cell opens its texts.")
    top = max([items for (a, b), items in many.items() if a != b], default=1)
    shown = [[f"{many.get((a, b), 0):,}" for b in names] for a in names]
    shares = [[None if a == b else 1 - many.get((a, b), 0) / top for b in names] for a in names]

    def pick(row: int, column: int) -> None:
        if row != column:
            Chosen(chosen.one, chosen.other, (names[row], names[column])).keep()

    _square(
        shown,
        shares,
        names,
        names,
        key="agreement-labels",
        on_pick=pick,
        alt="Labels of the one by labels of the other",
    )
    _narrowed(chosen)


def confusions(summary: Mapping[str, Any]) -> None:
    """Draw which label an annotator gives where the rest say another, as far as that is more than chance."""
    found = summary["confusions"][:_LISTED]
    if not found:
        return
    st.subheader("What is taken for what", anchor=False)
    st.caption("More often than the others do, and than chance gives.")
    st.dataframe(
        pl.DataFrame(
            {
                "annotator": [short(entry["annotator"], 40) for entry in found],
                "says": [short(entry["given"], 40) for entry in found],
                "where the rest say": [short(entry["rest"], 40) for entry in found],
                "times": [f"{entry['times']:,} of {entry['of']:,}" for entry in found],
                "others": [f"{entry['others_times']:,} of {entry['others_of']:,}" for entry in found],
            }
        ),
        hide_index=True, alt="Labels that an annotator gives where the rest say another",
    )  # fmt: skip


def _listed_pairs(found: Sequence[Mapping[str, Any]]) -> None:
    shown = found[:_LISTED]

    def picked() -> None:
        rows = st.session_state["agreement-pair-list"]["selection"]["rows"]
        (Chosen(shown[rows[0]]["one"], shown[rows[0]]["other"]) if rows else Chosen()).keep()

    st.dataframe(
        pl.DataFrame(
            {
                "one": [short(pair["one"], 40) for pair in shown],
                "other": [short(pair["other"], 40) for pair in shown],
                "texts": [pair["items"] for pair in shown],
                "differ": [pair["differ"] for pair in shown],
                "kappa": [pair["kappa"] for pair in shown],
                "95% interval": [
                    "" if pair["kappa_low"] is None else f"{pair['kappa_low']:.3f} to {pair['kappa_high']:.3f}" for pair in shown
                ],
            },
            schema_overrides={"kappa": pl.Float64},
        ),
        key="agreement-pair-list", hide_index=True, on_select=picked, selection_mode="single-row", height=360,
        column_config={"kappa": st.column_config.NumberColumn(format="%.3f")},
        alt="Pairs of annotators, those that differ most first",
    )  # fmt: skip
    if len(found) > _LISTED:
        st.caption(f"The {_LISTED} of {len(found):,} pairs that differ most; `vetset agree --json` has all.")


def _listed_labels(differ: pl.DataFrame, chosen: Chosen) -> None:
    st.caption("The commonest differences; a line opens its texts.")

    def picked() -> None:
        rows = st.session_state["agreement-label-list"]["selection"]["rows"]
        both = differ.row(rows[0])[:2] if rows else ()
        Chosen(chosen.one, chosen.other, both).keep()

    st.dataframe(
        pl.DataFrame(
            {
                "one says": [short(name, 60) for name in differ["one"]],
                "the other": [short(name, 60) for name in differ["other"]],
                "texts": differ["items"],
            }
        ),
        key="agreement-label-list", hide_index=True, on_select=picked, selection_mode="single-row", height=320,
        alt="Pairs of labels by which the two differ",
    )  # fmt: skip
    _narrowed(chosen)


def _narrowed(chosen: Chosen) -> None:
    if chosen.labels:
        a, b = (plain(short(name, 40)) for name in chosen.labels)
        st.button(
            f"Only {a} against {b}", icon=":material/close:", on_click=Chosen(chosen.one, chosen.other).keep,
            key="agreement-cell", help="Show all their differences again",
        )  # fmt: skip


def _square(
    shown: Sequence[Sequence[str]],
    shares: Sequence[Sequence[float | None]],
    lines: Sequence[str],
    columns: Sequence[str],
    *,
    key: str,
    on_pick: Callable[[int, int], None],
    alt: str,
) -> None:
    """Draw a square table whose cells can be picked; a share of 0 is orange, of 1 near the page, ``None`` plain."""
    import pandas as pd  # Streamlit's own; colours of cells go by its Styler alone

    titles = _names(columns)
    frame = pd.DataFrame(shown, columns=pd.Index(titles), index=pd.Index(_names(lines)))
    paint = pd.DataFrame(
        [[_paint(share) for share in line] for line in shares], columns=frame.columns, index=frame.index
    )

    def picked() -> None:
        cells = st.session_state[key]["selection"]["cells"]
        if cells and cells[0][1] in titles:
            on_pick(cells[0][0], titles.index(cells[0][1]))

    st.dataframe(
        frame.style.apply(lambda _: paint, axis=None), key=key, on_select=picked, selection_mode="single-cell", alt=alt,
        height="content",
    )  # fmt: skip


def _names(names: Sequence[str]) -> list[str]:
    """Return names as they may be shown; what is masked or clipped to the same needs its number to be told apart."""
    shown = [short(name, 30) for name in names]
    return [name if shown.count(name) == 1 else f"{name} {number}" for number, name in enumerate(shown, 1)]


def _paint(share: float | None) -> str:
    if share is None:
        return ""
    letters, lowest, highest = PAINTS["dark" if st.context.theme.type == "dark" else "light"]
    mixed = (round(low + (high - low) * share) for low, high in zip(lowest, highest, strict=True))
    return "background-color: #{:02x}{:02x}{:02x}; color: {}".format(*mixed, letters)


def _pair(pair: Mapping[str, Any] | None) -> str:
    if pair is None:
        return "–"
    kappa = "–" if pair["kappa"] is None else f"{round(pair['kappa'], 2) + 0.0:.2f}"
    return f"{kappa} ({1 - pair['differ'] / pair['items']:.0%} of {pair['items']:,})"


def _share(pair: Mapping[str, Any] | None) -> float | None:
    return None if pair is None else 1 - pair["differ"] / pair["items"]
