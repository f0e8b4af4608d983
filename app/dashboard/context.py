"""What every page starts from: the set, who is at work, and errors as sentences."""

from __future__ import annotations

import functools
import gc
import json
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

import streamlit as st

from ...curate.errors import VetsetError
from ...curate.masking import mask
from ...curate.review.desk import Desk
from ..terminal import tame
from .plain import plain

_READ, _SAID = 20_000, 200  # characters of a fault's message: those that are masked, and of these, those that are said

P = ParamSpec("P")
R = TypeVar("R")

PAGE, ARRIVED = "page", "page-arrived"
"""Keys of the session: the module of the page that was drawn last, and whether somebody came to this one just now. Only then does
the address say where to go: later a page writes it, and what a browser sends may be a key press old."""


@dataclass(frozen=True)
class Told:
    """What `vetset review` told the server: the arguments of the script, as one JSON object."""

    folder: str
    reviewers: tuple[str, ...]  # one at the least
    config: str | None = None
    sign_in: bool = False  # strangers may come by: nobody sees a row unnamed
    allowed: tuple[str, ...] = ()  # of those who sign in; none named: whoever the identity provider lets in
    named: str = ""  # the set as it was named on the command line

    def argument(self) -> str:
        """Return it as the script's argument."""
        return json.dumps(self.__dict__)


def told() -> Told:
    """Return what the server was told."""
    given = json.loads(sys.argv[1])
    return Told(
        given["folder"],
        tuple(given["reviewers"]),
        given.get("config"),
        given.get("sign_in", False),
        tuple(given.get("allowed", ())),
        given.get("named", ""),
    )


@st.cache_resource(show_spinner="Opening the set…")
def _desk(folder: str) -> Desk:
    return Desk(folder)


def desk() -> Desk:
    """Return the set that this server is for; all sessions share it."""
    return _desk(told().folder)


def folder() -> Path:
    """Return the folder of the set."""
    return Path(told().folder)


def in_commands() -> str:
    """Return the set as commands name it: as who started the server did, since theirs is the folder commands are copied to."""
    return told().named or folder().name


def guarded(page: Callable[P, R]) -> Callable[P, R | None]:
    """Return a page, or a fragment of one, that shows an error as a sentence in its place.

    A fragment needs its own: a click in it runs the fragment alone.
    """

    @functools.wraps(page)
    def run(*args: P.args, **kwargs: P.kwargs) -> R | None:
        # The last draw's rest: a run of Streamlit ends in cycles, and lists of a million rows hang on them.
        gc.collect(1)
        try:
            return page(*args, **kwargs)
        except VetsetError as error:
            st.error(plain(error), icon=":material/error:")
        except Exception as error:  # noqa: BLE001 - the last place: a sentence in the page, the trace in the server's log
            st.error(fault(error), icon=":material/bug_report:")
        return None

    return run


def fault(error: Exception) -> str:
    """Return the sentence on an error that is none of ours to expect; the server's terminal says where it happened.

    What people report must hold no row: places only, no source and no values, and the message as a page would show it.
    """
    lines = [f"vetset review: a fault, {_named(error)}"]
    cause = error.__cause__ or error.__context__
    if cause is not None:
        lines.append(f"  after {_named(cause)}")
    lines += [f"  {tame(at.filename)}:{at.lineno}" for at in traceback.extract_tb(error.__traceback__, limit=-8)]
    sys.stderr.write("\n".join(lines) + "\n")
    return (
        f"A fault of vetset's, not yours: {type(error).__name__}. What was decided stands. Reload the page; if this comes "
        "again, report what the terminal shows that runs `vetset review`."
    )


def _named(error: BaseException) -> str:
    said = tame(mask(str(error)[:_READ]))
    return f"{type(error).__name__}: {said[:_SAID]}{'…' if len(said) > _SAID else ''}"
