"""Training: is it learning, or forgetting? Adapters beside the set, and the curves of one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import altair
import polars as pl
import streamlit as st

from ...curate.errors import VetsetError
from ...evaluate.runs.finding import places_of
from ...evaluate.runs.training_data import LINEAGE
from ...train.adapters.library import compare_adapters, open_adapter
from ...train.adapters.listing import Listed, find_trainings, listed
from ...train.curves import FILE as CURVES
from ...train.curves import read_curves, summary
from . import notyet
from .addressed import tell_unknown
from .context import desk, folder, guarded
from .plain import in_code, plain, short

PREFIX = "t."
"""Of the parameters of this page in the address."""

_DRAWN = {
    "Loss": ("loss", "valid_loss"), "Learning rate": ("learning_rate",), "Gradient norm": ("grad_norm",),
    "Tokens a second": ("tokens_per_second",),
}  # fmt: skip
_NAMES = {"loss": "train", "valid_loss": "valid"}
_LOOK = 5  # seconds between looks at a training that is at work
_FRESH = 30  # seconds that a look at base and data holds: it reads them


def page() -> None:
    """Draw the page."""
    desk()
    found = {_name(path): path for path in find_trainings(places_of(folder()))}
    if not found:
        notyet.say(
            (
                "loss on train and valid rows by step, learning rate, tokens a second, gradient norm",
                "what the recipe changed against another run",
                "adapters with their verdict, and those that base or data left behind",
                "which vetted file went in, by its sha256, and what the plan had said",
            ),
            "vetset train RECIPE.toml",
            "Adapters are looked for beside the set and one folder further down.",
        )
        return
    _library([path for path in found.values() if (path / LINEAGE).is_file()])
    tell_unknown(f"{PREFIX}run", list(found))
    first = sorted(found, key=lambda name: not (found[name] / CURVES).is_file())  # a merge has nothing to draw
    name = st.selectbox("Training", first, key=f"{PREFIX}run", bind="query-params", width=300)
    at_work = not (found[name] / LINEAGE).is_file()
    if at_work:
        st.info("At work, or cut off: there is no lineage yet.", icon=":material/hourglass_empty:")
    st.fragment(_curves, run_every=_LOOK if at_work else None)(found[name])
    if not at_work:
        _made_of(found[name], {other: path for other, path in found.items() if other != name})


def _name(path: Path) -> str:
    return short(f"{path.parent.name}/{path.name}" if path.parent != folder().parent else path.name, 80)


@st.cache_resource(max_entries=200, ttl=_FRESH, show_spinner="Looking at adapters…")
def _looked(place: str, _stamp: int) -> Listed | str:
    try:
        return listed(open_adapter(place))
    except VetsetError as error:
        return str(error)


def _look(path: Path) -> Listed | str:
    return _looked(str(path), (path / LINEAGE).stat().st_mtime_ns)


def _library(paths: list[Path]) -> None:
    looked = [(path, _look(path)) for path in paths]
    for _, fault in looked:
        if isinstance(fault, str):
            st.warning(plain(fault, 400), icon=":material/broken_image:")
    good = [(path, one) for path, one in looked if isinstance(one, Listed)]
    if not good:
        return
    of = [one.summary() for _, one in good]
    told = pl.DataFrame(
        {
            "adapter": [_name(path) for path, _ in good],
            "task": [short(one["task"], 60) for one in of],
            "base": [short(Path(one["base"]).name, 60) for one in of],
            "data": [(one["data_sha256"] or "")[:12] for one in of],
            "rows": [one["rows"] for one in of],
            "verdict": [one["verdict"] or "none yet" for one in of],
            "days": [one["days"] for one in of],
            "due": [short("; ".join(one["why"]), 300) if one["due"] else "" for one in of],
        },
        schema={"adapter": pl.String, "task": pl.String, "base": pl.String, "data": pl.String, "rows": pl.Int64}
        | {"verdict": pl.String, "days": pl.Float64, "due": pl.String},
    )
    column = st.column_config
    st.dataframe(
        told, hide_index=True, height=min(38 + 35 * max(told.height, 1), 320), alt="Adapters, the newest first",
        column_config={
            "adapter": column.TextColumn("Adapter"), "task": column.TextColumn("Task"), "base": column.TextColumn("Base"),
            "data": column.TextColumn("Data, sha256"), "rows": column.NumberColumn("Rows"),
            "verdict": column.TextColumn("Verdict"), "days": column.NumberColumn("Age, days", format="%.1f"),
            "due": column.TextColumn("Re-tune, since", width="large"),
        },
    )  # fmt: skip


@guarded
def _curves(place: Path) -> None:
    curves = read_curves(place)
    if curves.is_empty():
        st.caption("It left no curves.")
        return
    told = summary(curves)
    last: Any = curves["tokens_per_second"].drop_nulls()
    with st.container(horizontal=True):
        st.metric("Steps", f"{told.steps:,}", border=True)
        st.metric(
            "Loss",
            _figure(told.last_loss),
            f"{_figure(told.first_loss)} at first",
            delta_color="off",
            delta_arrow="off",
            border=True,
        )
        best = "" if told.best_step is None else f"at step {told.best_step:,}, which was kept"
        st.metric(
            "Best valid loss", _figure(told.best_valid_loss), best, delta_color="off", delta_arrow="off", border=True
        )
        st.metric("Tokens a second", f"{last[-1]:,.0f}" if len(last) else "unknown", border=True)
    what = st.selectbox("Draw", list(_DRAWN), key=f"{PREFIX}what", width=200)
    lines = curves.unpivot(list(_DRAWN[what]), index="step", variable_name="rows", value_name="value")
    lines = lines.filter(pl.col("value").is_finite()).with_columns(pl.col("rows").replace(_NAMES))
    if lines.is_empty():
        st.caption(f"{what} was not measured.")
        return
    drawn = (
        altair.Chart(lines)
        .mark_line(point=lines.height <= 200)
        .encode(
            x=altair.X("step:Q", title="Step", axis=altair.Axis(format="d", tickMinStep=1)),
            y=altair.Y("value:Q", title=what, scale=altair.Scale(zero=False)),
            color=altair.Color("rows:N", title=None, legend=altair.Legend(orient="top") if what == "Loss" else None),
            tooltip=["rows:N", altair.Tooltip("step:Q", format=","), altair.Tooltip("value:Q", format=".4g")],
        )
    )
    st.altair_chart(drawn, alt=f"{what} by step")


@guarded
def _made_of(place: Path, others: dict[str, Path]) -> None:
    one = _look(place)
    if isinstance(one, str):
        return
    for sentence in one.moved:
        st.caption(plain(sentence, 300))
    lineage = one.adapter.known()
    if lineage.parents:
        st.caption(plain("Merged from " + ", ".join(f"{of.name} by {of.weight:g}" for of in lineage.parents), 300))
        return
    licences = ", ".join(f"{name} {count:,}" for name, count in lineage.data.licenses.items()) or "unknown"
    st.caption(
        f"Trained on {lineage.data.rows:,} rows of {plain(lineage.data.path or 'an unknown file', 120)} "
        f"({plain((lineage.data.sha256 or 'digest unknown')[:16])}, licence {plain(licences, 120)}), seed {lineage.seed}, on "
        f"{plain(lineage.device or 'an unknown device', 60)}"
    )
    _against(one, others)
    if lineage.plan:
        with st.expander("What the plan had said"):
            st.json(_shown(lineage.plan))
    st.caption("All that is known of it, in a terminal")
    st.code(f"vetset adapters show {in_code(str(place))}", language="bash", wrap_lines=True)


def _against(one: Listed, others: dict[str, Path]) -> None:
    other = st.selectbox("Against", ["", *others], key=f"{PREFIX}against", width=300)
    if not other:
        return
    try:
        told = compare_adapters(open_adapter(others[other]), one.adapter)
    except VetsetError as error:
        st.warning(plain(error, 400))
        return
    changed = [(key, short(pair[0], 80), short(pair[1], 80)) for key, pair in told["recipe"].items()]
    if changed:
        frame = pl.DataFrame(changed, schema=["key", "other", "this"], orient="row")
        st.dataframe(frame, hide_index=True, alt="What the recipe changed against the other training")
    data = told["data"]
    st.caption(
        f"{data['both']:,} rows in both, {data['only'][0]:,} only in the other, {data['only'][1]:,} only in this"
    )


def _shown(value: Any) -> Any:
    """Figures as they are, texts masked and cut."""
    if isinstance(value, dict):
        return {short(name, 80): _shown(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shown(item) for item in value[:50]]
    return short(value, 200) if isinstance(value, str) else value


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4g}"
