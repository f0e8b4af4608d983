"""Labels that are not one word a row: several at once (``["delay","refund"]``) or shares (``{"delay":0.3,"refund":0.7}``).

Both stand in a row's ``label`` as JSON in one form: an array that is sorted and without repeats, or an object with sorted keys
and the numbers of the source. Here alone that form is written and read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

Ints = npt.NDArray[np.int64]
Kind = Literal["several", "shares"]

_GOOD = 0.9  # of a column's values, from which it is one of sets or of shares; what is not is told, and rejected
_HUGE = 1e300  # no number of votes; JSON can write what becomes infinite
_decode = msgspec.json.Decoder().decode
_decode_set = msgspec.json.Decoder(list[str]).decode
_decode_shares = msgspec.json.Decoder(dict[str, float]).decode
_encode = msgspec.json.Encoder(order="sorted").encode


class NotATarget(ValueError):
    """Why a value is neither a set of labels nor shares of them, in words that follow its column's name."""


@dataclass(frozen=True)
class Targets:
    """The labels of n rows, a cell for each label of a row."""

    kind: Kind
    names: list[str]
    """(k) the labels that occur, sorted."""
    row: Ints
    """(c) position in the series, rising."""
    code: Ints
    """(c) which label."""
    share: npt.NDArray[np.float32]
    """(c) 1 where rows have several labels; else the label's share, those of a row sum to 1."""


def write_set(names: Iterable[str]) -> str:
    """Return several labels in the form in which they stand in a row.

    >>> write_set(["refund", "delay", "refund"])
    '["delay","refund"]'
    """
    return _encode(sorted(set(names))).decode()


def kind_of(values: Sequence[Any]) -> Kind | None:
    """Tell a column of sets or of shares by a sample of its decoded values. Text is a label of its own, also that of JSON.

    Numbers that repeat within a list are no labels but flags or places, and labels that repeat are those of tokens.
    """
    values = [item for item in values if item not in (None, "")]
    sets = [
        item
        for item in values
        if isinstance(item, list) and all(isinstance(name, str) or _whole(name) for name in item)
    ]
    if sets and len(sets) >= _GOOD * len(values):
        repeated = sum(len(set(map(str, item))) < len(item) for item in sets)
        return "several" if repeated * 20 <= len(sets) else None
    shares = [item for item in values if isinstance(item, Mapping) and _weighed(item)]
    return "shares" if shares and len(shares) >= _GOOD * len(values) else None


def names_in(item: Any) -> list[str]:
    """Return the labels that a decoded value of such a column names."""
    return list(map(str, item)) if isinstance(item, (list, Mapping)) else [str(item)]


def canonical(item: Any, kind: Kind) -> str | None:
    """Return a decoded value in the one form; a single label stands for a set of its own; null gives ``None``.

    >>> canonical(["b", "a"], "several"), canonical({"b": 1, "a": 3, "c": None}, "shares"), canonical("a", "shares")
    ('["a","b"]', '{"a":3,"b":1}', '{"a":1}')

    Raises:
        NotATarget: the value is of another kind.
    """
    item = _opened(item)
    if item is None or item == "":
        return None
    if isinstance(item, str) or _whole(item):
        return write_set([str(item)]) if kind == "several" else _encode({str(item): 1}).decode()
    if kind == "several":
        if not isinstance(item, list) or not all(isinstance(name, str) or _whole(name) for name in item):
            raise NotATarget("is no list of labels, as the others are")
        return write_set(str(name) for name in item if name != "")
    if not isinstance(item, Mapping) or not _weighed(item):
        raise NotATarget("does not give shares of labels, as the others do: numbers from 0 on, not all of them 0")
    return _encode({name: share for name, share in item.items() if share is not None}).decode()


def parse(labels: pl.Series) -> Targets | None:
    """Return the labels of a set where most of them are sets, or shares; ``None`` where rows have one label each.

    What begins as such a label does has to be one, or none is: ``[URGENT]`` and ``{name}`` are names. A few labels that are a
    word count as a set of one (people write them so when they decide).
    """
    kind, head = _begins(labels)
    if kind is None:
        return None
    known = labels.drop_nulls().unique()
    try:
        cells = [_cells(text, kind, head) for text in known.to_list()]
    except (msgspec.MsgspecError, NotATarget):
        return None
    names = sorted({name for of in cells for name in of})
    place = {name: number for number, name in enumerate(names)}
    # flat arrays and no lists in a frame: a million rows of shares are a million different labels
    code = np.array([place[name] for of in cells for name in sorted(of)], np.int64)
    share = np.array([of[name] for of in cells for name in sorted(of)], np.float32)
    sizes = np.array([len(of) for of in cells], np.int64)
    starts = np.concatenate([[0], sizes.cumsum()])
    which = pl.DataFrame({"label": labels}).join(
        pl.DataFrame({"label": known, "at": range(len(known))}, schema={"label": pl.String, "at": pl.Int64}),
        on="label",
        how="left",
        maintain_order="left",
    )["at"]
    have = which.is_not_null().arg_true().to_numpy().astype(np.int64)
    at = which.drop_nulls().to_numpy()
    row = np.repeat(have, sizes[at])
    cell = np.arange(row.size) + np.repeat(starts[at] - np.concatenate([[0], sizes[at].cumsum()])[:-1], sizes[at])
    return Targets(kind, names, row, code[cell], share[cell])


def kind_of_labels(labels: pl.Series) -> Kind | None:
    """Tell whether rows have sets of labels, or shares, as ``parse`` does."""
    found = parse(labels)
    return None if found is None else found.kind


def kind_of_set(labels: pl.Series) -> Kind | None:
    """Tell a set whose labels all stand in the one form, and so may be written as lists or objects and read again alike."""
    kind, head = _begins(labels)
    if kind is None:
        return None
    known = labels.drop_nulls().unique().to_list()
    try:
        forms = [(text, canonical(text, kind)) for text in known]
    except NotATarget:
        return None
    return kind if all(form == text or text[:1] != head for text, form in forms) else None


def likeliest(labels: pl.Series) -> pl.Series:
    """Return the labels with that of the largest share in place of shares; sets and single labels stay as they are."""
    found = parse(labels)
    if found is None or found.kind == "several":
        return labels
    cells = pl.DataFrame({"row": found.row, "code": found.code, "share": found.share})
    top = cells.sort("row", "share", "code", descending=[False, True, False]).unique(
        "row", keep="first", maintain_order=True
    )
    names = pl.Series(found.names, dtype=pl.String).gather(top["code"])
    return pl.Series(labels.name, [None] * len(labels), dtype=pl.String).scatter(top["row"], names)


def exploded(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with a line for each label of a row (none for a row with an empty set); the likeliest of shares."""
    found = parse(rows["label"])
    if found is None:
        return rows
    if found.kind == "shares":
        return rows.with_columns(likeliest(rows["label"]))
    names = pl.Series("label", found.names, dtype=pl.String).gather(pl.Series(found.code))
    return rows[found.row].with_columns(names)


def has_any(labels: pl.Series, wanted: Sequence[str]) -> pl.Series:
    """Say of each row whether it has one of the labels ``wanted``: in its set, or as the likeliest of shares."""
    found = parse(labels)
    if found is None or found.kind == "shares":
        return likeliest(labels).is_in(list(wanted)).fill_null(value=False)
    hit = np.isin(found.code, [place for place, name in enumerate(found.names) if name in set(wanted)])
    has = np.zeros(len(labels), np.bool_)
    has[found.row[hit]] = True
    return pl.Series(labels.name, has)


def _begins(labels: pl.Series) -> tuple[Kind | None, str]:
    """Return the kind that most labels begin like, and how they begin: a look that costs next to nothing."""
    count = len(labels) - labels.null_count()
    sets = (labels.str.starts_with('["') | (labels == "[]")).sum()
    shares = labels.str.starts_with('{"').sum()
    if count and sets * 2 > count:
        return "several", "["
    return ("shares", "{") if count and shares * 2 > count else (None, "")


def _cells(text: str, kind: Kind, head: str) -> dict[str, float]:
    if text[:1] != head:
        return {text: 1.0}
    if kind == "several":
        return dict.fromkeys(_decode_set(text), 1.0)
    shares = _decode_shares(text)
    total = math.fsum(shares.values())
    if not 0 < total < _HUGE or min(shares.values()) < 0:
        raise NotATarget
    return {name: share / total for name, share in shares.items() if share > 0}


def _weighed(shares: Mapping[str, Any]) -> bool:
    given = [share for share in shares.values() if share is not None]
    good = all(
        isinstance(share, (int, float)) and not isinstance(share, bool) and 0 <= share < _HUGE for share in given
    )
    return good and any(given)


def _whole(item: Any) -> bool:
    return isinstance(item, int) and not isinstance(item, bool)


def _opened(item: Any) -> Any:
    """A CSV keeps a list or an object as the text of its JSON."""
    if isinstance(item, str) and item[:1] in ("[", "{"):
        try:
            return _decode(item)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return item
    return item
