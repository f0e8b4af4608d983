"""What stands out of the diversity of made rows, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import quote
from ..wording import counted

if TYPE_CHECKING:
    from .diversity import Diversity, Side

# Two halves of one real set differ by less than a tenth in each of these (benchmarks/diversity.py): what is told is no chance.
_FEWER = 0.75  # of the real rows' distinct runs, or of their Vendi score
_MORE = 1 / 0.75  # times as far compressed
_CLOSER = 0.75  # of the distance that real rows have to their nearest
_POINTS = 0.05  # that a share has to be higher by, and three times what chance moves the difference of two by
_RUNS = 200  # words, under which no share of them is told
_ROWS = 30  # rows a side, under which none is
_PLACED = 60  # rows a side, under which nothing is told of where they lie: halves of 30 differ in one of 12
_RUN = ("words", "pairs of words", "runs of three words")


def outstanding(found: Diversity) -> list[str]:
    """Return sentences on what differs from the real rows by more than two halves of one set do."""
    if found.real is None:
        return ["There are no real rows to compare with."]
    told = [
        *_wording(found.made, found.real),
        *_spread(found.made, found.real, found.parameters.near),
        *_reach(found),
    ]
    few = min(found.made.rows, found.real.rows)
    if few < _ROWS:
        return [
            *told,
            f"There {'is' if few == 1 else 'are'} only {counted(few, 'row')} to compare on one side: at least "
            f"{_ROWS} say something.",
        ]
    return told or [f"Nothing stands out beside {counted(found.real.rows, 'real row')}."]


def _wording(made: Side, real: Side) -> list[str]:
    told = []
    for at in (2, 1, 0):  # the longest runs show it first
        own, other = made.wording.distinct[at], real.wording.distinct[at]
        if own is not None and other and made.wording.of[at] >= _RUNS and own / other < _FEWER:
            told.append(
                f"{_share(own / other)} as many distinct {_RUN[at]} as the real rows, among {made.wording.of[at]:,} of either."
            )
            break
    own, other = made.wording.compression, real.wording.compression
    if own and other and own / other > _MORE and made.wording.of[0] >= _RUNS:
        told.append(
            f"The text compresses {own:.1f} to 1, that of the real rows {other:.1f} to 1: more of it is repeated."
        )
    own, other = made.wording.opening_share, real.wording.opening_share
    if made.wording.texts >= _ROWS and _higher(own, other, min(made.wording.texts, real.wording.texts)):
        told.append(
            f"{own:.0%} of the rows begin with {quote(made.wording.opening)}; "
            f"the commonest opening of the real rows has {other:.0%}."
        )
    return told


def _spread(made: Side, real: Side, near: float) -> list[str]:
    told = []
    if min(made.spread.rows, real.spread.rows) < _ROWS:
        return told
    own, other = made.spread.vendi, real.spread.vendi
    if own and other and own / other < _FEWER:
        told.append(
            f"As diverse as {own:.0f} rows that share nothing; as many real rows are as diverse as {other:.0f} (Vendi score)."
        )
    own, other = made.spread.near or 0.0, real.spread.near or 0.0
    if _higher(own, other, made.spread.rows):
        told.append(
            f"{own:.0%} of the rows have another at a cosine of {near:g} or more, of the real rows {other:.0%}."
        )
    own, other = made.spread.nearest, real.spread.nearest
    if own is not None and other is not None and (1 - own) < _CLOSER * (1 - other):
        told.append(f"The median row's nearest other is at a cosine of {own:.2f}, among the real rows of {other:.2f}.")
    return told


def _reach(found: Diversity) -> list[str]:
    reach, told = found.reach, []
    if reach is None or found.real is None or min(found.made.spread.rows, found.real.spread.rows) < _PLACED:
        return told
    if reach.covered < _FEWER * reach.expected:
        missed = sum(not region.made for region in reach.regions)
        largest = f", the largest of {counted(found.gaps[0].rows, 'row')}" if found.gaps else ""
        about = f" ({', '.join(found.gaps[0].words)})" if found.gaps and found.gaps[0].words else ""
        told.append(
            f"{missed} of {counted(len(reach.regions), 'region')} of the real rows hold no made row{largest}{about}; of as many "
            f"real rows, {1 - reach.expected:.0%} of the regions would hold none."
        )
    if _higher(reach.outside[0], 0.05, found.made.spread.rows):
        told.append(
            f"{reach.outside[0]:.0%} of the rows are farther from every real row than 95% of the real rows are from the nearest "
            f"other (5% would be usual), {reach.outside[1]:.0%} farther than 99% are."
        )
    other = found.real.spread.near or 0.0
    if _higher(reach.near, other, found.made.spread.rows):
        told.append(
            f"{reach.near:.0%} of the rows have a real row at a cosine of {found.parameters.near:g} or more: "
            "they nearly repeat it."
        )
    return told


def _higher(own: float, other: float, rows: int) -> bool:
    """Say whether a share is half as high again as another, by more than the points of two samples of so many rows."""
    mean = (own + other) / 2
    chance = 3 * (2 * mean * (1 - mean) / rows) ** 0.5
    return own > 1.5 * other and own - other > max(_POINTS, chance)


def _share(ratio: float) -> str:
    """Return a ratio under 0.75 in words where it has some.

    >>> _share(0.51), _share(0.62)
    ('Half', '62%')
    """
    named = {0.5: "Half", 1 / 3: "A third", 0.25: "A quarter", 0.2: "A fifth", 0.1: "A tenth"}
    return next((name for value, name in named.items() if abs(ratio - value) < 0.04 * value), f"{ratio:.0%}")
