"""Runs: did the candidate beat the baseline, and where?"""

from __future__ import annotations

from . import notyet


def page() -> None:
    """Draw the page."""
    notyet.say(
        (
            "two runs on one frozen eval set, row by row: wins, losses, both right, both wrong",
            "the difference with its interval, and McNemar's test on the rows that changed",
            "slices by label, source and length, each with its own interval",
            "the gates of the verdict: ship, hold or inconclusive, and why",
        ),
        "vetset eval MODEL --on EVALSET",
        "`vetset eval` and `vetset compare` are not part of this version.",
    )
