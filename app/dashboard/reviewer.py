"""Who decides: whoever signed in, or who was named when the server was started, or who runs it."""

from __future__ import annotations

import streamlit as st

from .context import told
from .plain import named

KEY = "reviewer"
_UNKNOWN = "reviewer-unknown"


def signed_in() -> str | None:
    """Return the mail address (or name) of who signed in by OpenID Connect; ``None`` where none is configured."""
    user = st.user.to_dict()
    if not user.get("is_logged_in"):
        return None
    return next((str(user[name]) for name in ("email", "name", "sub") if user.get(name)), None)


def needs_sign_in() -> bool:
    """Say whether OpenID Connect is configured (``[auth]`` in secrets.toml): then nobody decides unnamed."""
    return "is_logged_in" in st.user.to_dict()


def reviewer() -> str:
    """Return the name that decisions are written under."""
    who = signed_in()
    if who is not None:
        return who
    names = told().reviewers
    chosen = st.session_state.get(KEY)
    return str(chosen) if chosen in names else names[0]


def choose() -> None:
    """Show who decides, and let one choose where several are named."""
    names = told().reviewers
    if needs_sign_in():
        st.caption(f":material/person: {named(reviewer())}")
        if st.button("Sign out", key="sign-out"):
            st.logout()
    elif len(names) > 1:
        asked = st.query_params.get(KEY)
        if asked is not None and asked not in names:
            st.session_state[_UNKNOWN] = asked
        if (unknown := st.session_state.get(_UNKNOWN)) and st.session_state.get(KEY) in (None, names[0]):
            st.warning(
                f"{named(unknown)} is not among the reviewers; you decide as {named(names[0])} until you choose."
            )
        st.selectbox("Reviewer", names, key=KEY, bind="query-params", filter_mode=None)  # shows text as it is
    else:
        st.caption(f":material/person: {named(reviewer())}")
