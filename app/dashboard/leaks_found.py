"""The leaks that the rules found, listed once for all pages and presses."""

from __future__ import annotations

import streamlit as st

from ...curate.review.desk import Look
from ...curate.review.leak_matrix import Leaks, find_leaks

PAGE = "splits"


@st.cache_data(max_entries=8, show_spinner=False)
def rules_found(key: str, _look: Look) -> list[str]:
    """Return the rules that found anything."""
    return _look.view.findings["rule"].unique(maintain_order=True).to_list()


@st.cache_resource(max_entries=4, show_spinner="Listing leaks…")
def leaks_of(key: str, rule: str, _look: Look) -> Leaks:
    """Return the leaks that a rule found, or any for an empty name."""
    return find_leaks(_look.view, rule)
