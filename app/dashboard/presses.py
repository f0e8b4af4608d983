"""What a press calls, with its errors as sentences."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec

from ...curate.errors import VetsetError
from . import acting
from .context import fault
from .plain import plain

P = ParamSpec("P")


def heard(*, quiet: bool) -> Callable[[str], str | None]:
    """Return what gives a button its key; none has one while a dialog is open: a key would decide what stands behind it."""
    return lambda letter: None if quiet else letter


def safely(act: Callable[P, None]) -> Callable[P, None]:
    """Return what a press calls so that an error is told by the page's next notice.

    ``context.guarded`` would draw it, which before a fragment runs takes the place of the page's title.
    """

    @functools.wraps(act)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            act(*args, **kwargs)
        except VetsetError as error:
            acting.notice("error", plain(error))
        except Exception as error:  # noqa: BLE001 - as in context.guarded
            acting.notice("error", fault(error))

    return run
