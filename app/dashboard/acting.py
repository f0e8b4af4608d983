"""From a click to the ledger, and back to the page as a sentence: the only way in which pages decide."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import pairwise
from typing import Literal

import polars as pl
import streamlit as st

from ...curate.decisions.decision import Decision, Outcome
from ...curate.decisions.remarks import on_new_labels
from ...curate.errors import VetsetError
from ...curate.wording import counted
from .context import desk
from .plain import named, plain
from .reviewer import reviewer

REASON = "reason"
"""Key of the reason box, whichever page draws it."""

DIALOG = "dialog"
"""Key of the dialog that is open, ``None`` or its name: while one is, no button of the page has a key."""

OPENED = "dialog-opened"
"""Key of the ledger's last line when the dialog was opened, where a dialog keeps it; goes as it closes."""

_NOTICE, _PACE, _TAB = "notice", "pace", "written-here"
_ASKED_ABOVE = 100  # rows of a batch that one press of U takes back: an undo can't be undone
_ASKED_FOR = 10.0  # seconds in which the second press counts
_Kind = Literal["done", "warning", "error"]
_ICONS = {"done": "check_circle", "warning": "warning", "error": "error"}


@dataclass
class _Written:
    """What one tab wrote: two people may share a name, so a name does not tell whose batch the last one is.

    Changed in place, without ``st.session_state``, at whose next use a press may be cut short.
    """

    batches: list[tuple[str, str]] = field(default_factory=list)
    """Reviewer and batch, the latest last."""
    asked: tuple[str, float] | None = None
    """The large batch that one press of U was on, and when."""


def _written() -> _Written:
    return st.session_state.setdefault(_TAB, _Written())


def decide(decisions: Sequence[Decision], *, seen: int, done: Callable[[], None] | None = None) -> Outcome | None:
    """Write decisions as one batch and say what came of it; ``None`` where nothing could be written.

    Args:
        decisions: a row each.
        seen: the ledger's last line when the page was drawn: what others decided since is not written over.
        done: is called once all is written, before anything in which the next press could cut this one short; it must not
            use ``st.session_state``.
    """
    here, written = desk(), _written()
    try:
        who, undone = reviewer(), _last_undo(seen)
        outcome = here.decide([_once(one, who, seen, undone) for one in decisions], reviewer=who, seen=seen)
        if outcome.batch is not None and outcome.seqs:
            written.batches.append((who, outcome.batch))
    except VetsetError as error:
        notice("error", f"{plain(error)} What you chose is kept; try again.")
        return None
    if done is not None and not outcome.conflicts:
        done()
    if outcome.conflicts:
        notice("warning", _late(decisions, outcome))
    else:
        _tell(decisions, outcome)
        _keep_pace(len(outcome.seqs))
    return outcome


def _once(decision: Decision, who: str, seen: int, undone: int) -> Decision:
    """Return a decision that is written once, however often its click arrives: told by what its reviewer had seen.

    Where something was taken back since, it is another: what no longer stands must not be taken for this one.
    """
    told = "\n".join([who, str(seen), str(undone), decision.row_id, decision.action, decision.value or ""])
    return replace(decision, uid=blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest())


def _last_undo(seen: int) -> int:
    """Return the last line since ``seen`` that takes one back, 0 for none."""
    sql = "SELECT coalesce(max(seq), 0) FROM decision WHERE seq > ? AND undoes IS NOT NULL"
    found = desk().ledger.select(sql, (seen,), pl.Schema({"seq": pl.Int64}))
    return found["seq"][0] if found.height else 0


def undo() -> list[str]:
    """Take back the last batch that the reviewer wrote in this tab; a large one only when asked twice.

    Returns:
        The rows that it was on; none where nothing was taken back.
    """
    written = _written()
    try:
        batch, rows = _last_standing(written.batches, reviewer())
    except VetsetError as error:
        notice("error", plain(error))
        return []
    if batch is None:
        notice("done", "Nothing that you decided in this tab is left to undo; Decisions takes back any batch.")
        return []
    if rows > _ASKED_ABOVE and not _asked_just_now(written.asked, batch):
        notice("warning", f"U once more takes back {counted(rows, 'row')}; within {_ASKED_FOR:.0f} seconds.")
        written.asked = (batch, time.monotonic())  # after the question: a press that is cut short here asks again
        return []
    written.asked = None
    return undo_batch(batch)


def _last_standing(batches: list[tuple[str, str]], who: str) -> tuple[str | None, int]:
    """Return the reviewer's last batch of which something stands, and of how many rows; drops those that went before."""
    sql = "SELECT count(DISTINCT row_id) AS rows FROM live WHERE batch = ?"
    for name, batch in reversed(batches.copy()):
        if name != who:  # whoever used this tab before under another name
            continue
        rows: int = desk().ledger.select(sql, (batch,), pl.Schema({"rows": pl.Int64}))["rows"][0]
        if rows:
            return batch, rows
        batches.remove((name, batch))  # what was taken back never stands again
    return None, 0


def _asked_just_now(asked: tuple[str, float] | None, batch: str) -> bool:
    return asked is not None and asked[0] == batch and time.monotonic() - asked[1] <= _ASKED_FOR


def undo_batch(batch: str) -> list[str]:
    """Take back a batch, whoever made it; returns the rows that it was on."""
    here = desk()
    try:
        outcome = here.undo(batch, reviewer=reviewer())
        rows = here.ledger.touched_since(outcome.seqs[0] - 1) if outcome.seqs else []
    except VetsetError as error:
        notice("error", plain(error))
        return []
    notice("done", f"Took back {counted(len(outcome.seqs), 'decision')}.")
    return rows


def close_dialog() -> None:
    """Let the page's keys be heard again."""
    st.session_state[DIALOG] = None
    st.session_state.pop(OPENED, None)


def notice(kind: _Kind, text: str) -> None:
    """Have a sentence (Markdown) shown by the next ``show_notice``."""
    st.session_state[_NOTICE] = (kind, text)


def show_notice() -> None:
    """Draw the sentence on what was done last, in a place that is always there, so that nothing jumps."""
    kind, text = st.session_state.pop(_NOTICE, ("done", ""))
    if kind == "done":
        st.caption(
            f":material/check_circle: {text}" if text else ":material/keyboard: Keys are printed on the buttons."
        )
    else:
        (st.warning if kind == "warning" else st.error)(text, icon=f":material/{_ICONS[kind]}:")


def pace() -> float | None:
    """Return the seconds between this person's last decisions (median), once there are some."""
    times: list[float] = st.session_state.get(_PACE, [])
    gaps = sorted(later - earlier for earlier, later in pairwise(times))
    return gaps[len(gaps) // 2] if len(gaps) >= 3 else None


def _keep_pace(rows: int) -> None:
    times: list[float] = st.session_state.setdefault(_PACE, [])
    if rows == 1:  # a batch says nothing of how long one row takes
        times.append(time.time())
        del times[:-31]


def _late(decisions: Sequence[Decision], outcome: Outcome) -> str:
    first = outcome.conflicts[0]
    value = f" to {plain(first.value, 40)}" if first.action == "relabel" else ""
    if len(decisions) == 1:
        return (
            f"{named(first.reviewer, 60)} decided this row while you looked at it: {first.action}{value}. Yours was not "
            "written; decide again to replace theirs."
        )
    return (
        f"{len(outcome.seqs):,} decided; {counted(len(outcome.conflicts), 'row')} left as others decided them meanwhile "
        f"(the first: {first.action}{value} by {named(first.reviewer, 60)})."
    )


def _tell(decisions: Sequence[Decision], outcome: Outcome) -> None:
    what = decisions[0].action
    if len(decisions) == 1:
        value = f" to {plain(decisions[0].value, 40)}" if what == "relabel" else ""
        said = f"{_DONE[what]}{value}: {plain(decisions[0].row_id[:12])} · U takes it back"
    else:
        said = f"{_DONE[what]}: {counted(len(outcome.seqs), 'row')} · U takes all of it back"
    new = _new_labels(decisions, outcome) if what == "relabel" else []
    if new:
        notice("warning", f"{said}. {plain(new[0][:1].upper() + new[0][1:])}")
    else:
        notice("done", said)


def _new_labels(decisions: Sequence[Decision], outcome: Outcome) -> list[str]:
    """Return a remark for each label that no row had before: a slip of the pen makes a class of its own."""
    look = desk().look()
    known = set(look.view.labels)
    if all(one.value in known for one in decisions):
        return []
    before = look.heads.frame.filter(~pl.col("seq").is_in(list(outcome.seqs)))
    return on_new_labels(look.view.rows, before, decisions)


_DONE = {"keep": "Kept", "drop": "Dropped", "relabel": "Relabelled", "edit": "Edited", "skip": "Skipped"}
