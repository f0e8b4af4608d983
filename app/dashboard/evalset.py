"""Eval set: is it sound, frozen, covered?"""

from __future__ import annotations

import polars as pl
import streamlit as st

from ...curate.review.worklist import Filter
from ...curate.wording import counted
from . import links, notyet
from .context import desk, in_commands
from .plain import in_code, plain


def page() -> None:
    """Draw what the eval splits hold, and what a frozen eval set will show."""
    look = desk().look()
    train = look.view.manifest.get("train", "train")
    rows = look.view.rows.select("split", "label", "source").filter(pl.col("split") != train)
    if rows.height:
        st.caption("Rows that stand in eval splits today; nothing has frozen them.")
        for split, many in (
            rows["split"].value_counts(sort=True).sort("count", "split", descending=[True, False]).iter_rows()
        ):
            links.to_rows(f"{plain(split, 40)}: {counted(many, 'row')}", Filter("rows", split=(split,)), icon="quiz")
    else:
        st.info(f"No row stands in an eval split; run `vetset split {in_code(in_commands())} --ratios 0.8,0.1,0.1`.")
    notyet.say(
        (
            "strata of label and source: how many rows there are, and how many it takes",
            "candidates to add: rare, uncertain, failed before",
            "whether any of it stands in the train rows",
            "the digest it was frozen with, and how often it was looked at",
        ),
        "vetset evalset build",
        "`vetset evalset` is not part of this version; `vetset check` holds eval splits against train already.",
    )
