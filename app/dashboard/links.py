"""Links from page to page: every number opens the rows behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from ...curate.review.worklist import Filter, Reviewed
from .audit_filter import query

URLS = {"exporting": "export"}
"""Path of a page where it is not its module's name."""

_PAGES = "pages"


def register(pages: Mapping[str, Any]) -> None:
    """Keep the pages of this session by their path, for ``link``."""
    st.session_state[_PAGES] = dict(pages)


def link(module: str, text: str, *, icon: str | None = None, help: str | None = None, **query: str) -> None:
    """Draw a link to a page of the dashboard.

    Args:
        module: of the page.
        text: Markdown; a user's text goes through ``plain`` first.
        icon: of the Material set.
        help: on hovering.
        **query: parameters of the address.
    """
    page = st.session_state[_PAGES][URLS.get(module, module)]
    st.page_link(
        page, label=text, icon=None if icon is None else f":material/{icon}:", help=help, query_params=query or None
    )


def to_rows(
    text: str, wanted: Filter, *, reviewed: Reviewed = "open", icon: str | None = None, help: str | None = None
) -> None:
    """Draw a link to the queue of Audit with a filter.

    Args:
        text: Markdown.
        wanted: the filter.
        reviewed: which of its rows.
        icon: of the Material set.
        help: on hovering.
    """
    page = st.session_state[_PAGES]["audit"]
    st.page_link(
        page,
        label=text,
        icon=None if icon is None else f":material/{icon}:",
        help=help,
        query_params=query(wanted, reviewed),
    )


def go_to_rows(wanted: Filter) -> None:
    """Leave the page for the queue of Audit with a filter: what a button with a key does where a link would have none."""
    st.switch_page(st.session_state[_PAGES]["audit"], query_params=query(wanted))
