"""The diversity of a run as its report tells it, and as lines to show."""

from __future__ import annotations

from typing import Any

import msgspec
import polars as pl

from ..errors import DataError, quote

MEASURES = pl.Schema({"measure": pl.String, "made": pl.String, "real": pl.String, "means": pl.String})
"""A line a measure, as it is shown; ``real`` is empty where none was measured."""


class _Wording(msgspec.Struct):
    texts: int
    distinct: tuple[float | None, float | None, float | None]
    compression: float | None
    opening: str
    opening_share: float


class _Spread(msgspec.Struct):
    rows: int
    nearest: float | None
    near: float | None
    vendi: float | None


class _Side(msgspec.Struct):
    rows: int
    wording: _Wording
    spread: _Spread


class _Regions(msgspec.Struct):
    covered: float
    expected: float
    outside: tuple[float, float]
    near: float
    regions: list[Any]


class _Parameters(msgspec.Struct):
    near: float
    encoder: str = ""


class _Gap(msgspec.Struct):
    rows: int
    words: list[str]
    example: str


class Told(msgspec.Struct):
    """The summary of a ``Diversity``, as a report holds it."""

    made: _Side
    parameters: _Parameters
    sentences: list[str] = []
    real: _Side | None = None
    reach: _Regions | None = None
    gaps: list[_Gap] = []


def told(summary: Any) -> Told:
    """Return the summary of a ``Diversity`` that a file held.

    Raises:
        DataError: it is none.
    """
    try:
        return msgspec.convert(summary, Told)
    except msgspec.ValidationError as error:
        raise DataError(
            f"a report's diversity is damaged ({quote(error)}); run `vetset distill` again, which writes it anew."
        ) from error


def measures(told: Told) -> pl.DataFrame:
    """Return the measures as lines to show, ``MEASURES``."""
    sides = [told.made, *([told.real] if told.real is not None else [])]
    near = f"{told.parameters.near:g}"
    lines = [
        *(
            (name, [_share(side.wording.distinct[at]) for side in sides], "the more, the more is said in new words")
            for at, name in enumerate(("Distinct words", "Distinct pairs of words", "Distinct runs of three words"))
        ),
        ("Compressed", [_times(side.wording.compression) for side in sides], "the more, the more is repeated"),
        ("Commonest opening", [_share(side.wording.opening_share) for side in sides], "rows that begin with the same words"),
        ("Nearest other row", [_cosine(side.spread.nearest) for side in sides], "median cosine; 1 is the same"),
        (f"Has one at {near} or more", [_share(side.spread.near) for side in sides], "rows that are nearly said again"),
        ("Vendi score", [_number(side.spread.vendi) for side in sides], "as diverse as so many rows that share nothing"),
    ]  # fmt: skip
    if told.reach is not None:
        of = told.reach
        lines += [
            (
                "Regions held",
                [_share(of.covered), _share(of.expected)],
                f"of {len(of.regions)}; real: as many rows drawn",
            ),
            (
                "Outside",
                [_share(of.outside[0]), _share(0.05)],
                "farther from any real row than 95% of the real rows are",
            ),
            (f"Real row at {near} or more", [_share(of.near)], "rows that nearly repeat a real one"),
        ]
    return pl.DataFrame(
        [(name, shown[0], shown[1] if len(shown) > 1 else "", means) for name, shown, means in lines],
        schema=MEASURES, orient="row",
    )  # fmt: skip


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _cosine(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _times(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} to 1"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"
