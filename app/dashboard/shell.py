"""The frame around every page: its title, the navigation, who decides."""

from __future__ import annotations

import base64
import importlib
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from . import acting, links, reviewer
from .context import ARRIVED, PAGE, desk, folder, guarded, told
from .plain import named, plain

# As an address that holds its picture: a Material icon would be fetched from outside, and a file anew at each key press.
_ICON = "data:image/png;base64," + base64.b64encode((Path(__file__).parent / "icon.png").read_bytes()).decode()

PAGES: dict[str, list[tuple[str, str, str, str]]] = {
    "Audit": [
        ("overview", "Overview", "space_dashboard", "Can I train on this, and what first?"),
        ("audit", "Audit", "rate_review", "Is this row right? One row in full, decided by a key."),
        ("duplicates", "Duplicates", "content_copy", "Which copy stays?"),
        ("splits", "Splits", "call_split", "Does the test leak? Do groups cross?"),
        ("agreement", "Agreement", "groups", "Do annotators agree, and who differs where?"),
        ("map", "Map", "scatter_plot", "Where are noise, gaps, odd clusters?"),
    ],
    "Evaluate": [
        ("evalset", "Eval set", "quiz", "Is the eval set sound, frozen, covered?"),
        ("runs", "Runs", "compare_arrows", "Did the candidate beat the baseline, and where?"),
        ("training", "Training", "monitoring", "Is it learning, or forgetting?"),
    ],
    "Ship": [
        ("synthetic", "Synthetic", "science", "Which of the rows that a teacher wrote are good?"),
        ("provenance", "Provenance", "account_tree", "May I use each row, and where is it from?"),
        ("exporting", "Export", "ios_share", "What exactly ships?"),
        ("decisions", "Decisions", "history", "Who decided what, and why?"),
    ],
}
"""Section to its pages: module, title, icon, and the question that the page answers."""


def run() -> None:
    """Draw the page that the address names."""
    st.set_page_config(page_title="vetset", page_icon=_ICON, layout="wide")
    if (told().sign_in or reviewer.needs_sign_in()) and reviewer.signed_in() is None:
        _sign_in()
        return
    if told().allowed and reviewer.signed_in() not in (None, *told().allowed):
        _not_asked_in()
        return
    pages = {section: [_page(*page) for page in of] for section, of in PAGES.items()}
    links.register({page.url_path or "overview": page for of in pages.values() for page in of})
    chosen = st.navigation(pages, expanded=True)  # from thirteen on it would hide the last behind a click
    with st.sidebar:
        st.markdown(f"**{plain(folder().name, 40)}**")
        reviewer.choose()
    st.title(chosen.title, anchor=False)
    chosen.run()


def _page(module: str, title: str, icon: str, question: str) -> st.Page:
    return st.Page(
        _runner(module), title=title, icon=f":material/{icon}:", url_path=links.URLS.get(module, module),
        default=module == "overview", help=question,
    )  # fmt: skip


def _runner(module: str) -> Callable[[], None]:
    @guarded
    def draw() -> None:
        st.session_state[ARRIVED] = st.session_state.get(PAGE) != module
        st.session_state[PAGE] = module
        if st.session_state[ARRIVED]:
            acting.close_dialog()  # one that was left open by going back would open over another row
        desk()  # a set that can't be opened is told in one place
        importlib.import_module(f".{module}", __package__).page()

    draw.__name__ = module
    return draw


def _not_asked_in() -> None:
    st.title("vetset", anchor=False)
    who = named(reviewer.reviewer())
    st.error(f"{who} is not among the reviewers of this set; who runs the server names them by --reviewer.")
    if st.button("Sign out", key="sign-out"):
        st.logout()


def _sign_in() -> None:
    st.title("vetset", anchor=False)
    if (
        not reviewer.needs_sign_in()
    ):  # the command found an [auth] that Streamlit does not read: closed rather than open
        st.error(
            "Sign-in is asked for here, and is not set up: see [auth] in .streamlit/secrets.toml, and start it again."
        )
        return
    st.write("Sign in to review this set; decisions are written under your name.")
    if st.button("Sign in", type="primary", key="sign-in"):
        st.login()
