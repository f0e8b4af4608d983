"""Whether the model that is asked again is the one that failed: another one's answers say nothing of its failures."""

from __future__ import annotations

from typing import Any

from ...curate.errors import UsageError, quote
from ..models.protocol import Model
from ..runs.results import Run

_DECIDE = {"transformers": ("weights", "adapter"), "openai": ("model",)}
"""What makes a model another one, by kind; an address may move, and a template or a number format is only said."""
_UNKNOWN = ("recorded", "canned")
"""Outputs that were written down: by whom, they don't say."""


def check_same_model(run: Run, model: Model) -> list[str]:
    """Return what is to be said of a model that is to be asked a run's failures again.

    Raises:
        UsageError: it is another one than the model that failed.
    """
    told = run.manifest.get("model") or {}
    was: dict[str, Any] = dict(told.get("identity") or {})
    now = dict(model.identity())
    kind = was.get("kind")
    if kind is None or kind in _UNKNOWN:
        if kind == now.get("kind") and kind is not None:
            return []
        return [
            f"{run.folder} doesn't say which model gave its answers, so whether {quote(model.name, 40)} is the one that failed "
            "could not be checked."
        ]
    deciding = ("kind", *_DECIDE.get(str(kind), ()))
    if apart := [key for key in deciding if was.get(key) != now.get(key)]:
        raise UsageError(
            f"--model is {quote(model.name, 40)}, and {run.folder} was answered by {quote(told.get('name'), 40)} (its {apart[0]} "
            f"{'is' if apart[0] != 'weights' else 'are'} another): what one model can't do another's answers don't tell; name "
            "the model that failed, its --adapter too."
        )
    changed = sorted(key for key in was.keys() | now.keys() if was.get(key) != now.get(key))
    return [f"the model that was asked again differs from that of the run in {', '.join(changed)}."] if changed else []
