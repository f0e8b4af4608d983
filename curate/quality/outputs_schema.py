"""Most targets parse as JSON of one shape: which do not, and in what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import msgspec
import polars as pl

from ..errors import quote
from ..findings import empty, report

_ENOUGH = 20  # targets of a source; with fewer, a shape may be chance
_MOST = 0.8  # share of them that must have one shape
_OPENS = r"^\s*(?:```(?:json|JSON)?\s*\n\s*)?[\[{]"  # JSON that is an object or a list, fenced or not
_FENCED = r"(?s)^\s*```(?:json|JSON)?\s*\n(.*?)\n?\s*```\s*$"
_KINDS = {
    ord('"'): "string",
    ord("{"): "object",
    ord("["): "list",
    ord("t"): "boolean",
    ord("f"): "boolean",
    ord("n"): "null",
}


class Shape(NamedTuple):
    """A target's outermost form: ``kind`` object, list, text (no JSON) or broken, and the kind of each key."""

    kind: str
    keys: tuple[tuple[str, str], ...] = ()


class Norm(NamedTuple):
    """The shape that most targets of a source have."""

    kind: str
    keys: dict[str, tuple[str, float]]
    """Key to its kind, and the share of targets with that kind among those with the key (nulls left out)."""


def find_schema(rows: pl.DataFrame, turns: pl.DataFrame) -> pl.DataFrame:
    """Find targets that are not of the JSON shape that at least 80% of their source's targets have.

    A shape is the set of top-level keys and the kind of each value; null goes with any kind. Sources with fewer than 20
    targets, and targets that only call tools, are left alone. A target may stand whole in a ``json`` fence.

    Returns:
        Findings of ``quality.schema``; ``score`` is 1.0 where the target is no JSON, else 0.6.
    """
    targets = turns.filter(pl.col("is_target") & pl.col("content").is_not_null()).select(
        "row", "content", pl.col("content").str.contains(_OPENS).alias("opens")
    )
    targets = targets.with_columns(rows["source"].gather(targets["row"]).alias("source"))
    by_source = pl.col("opens").mean().over("source")
    targets = targets.filter((by_source >= _MOST) & (pl.len().over("source") >= _ENOUGH))
    if targets.is_empty():
        return empty()
    # Python, one target at a time, but only for sources of JSON: msgspec reads the keys and skips what they hold.
    bare = targets["content"].str.extract(_FENCED).fill_null(targets["content"])
    shapes = [_shape(text) if opens else _TEXT for text, opens in zip(bare, targets["opens"], strict=True)]
    notes: list[tuple[int, float, str]] = []
    for (_,), group in targets.with_columns(pl.int_range(pl.len()).alias("at")).group_by("source", maintain_order=True):
        norm = _norm(shapes[at] for at in group["at"])
        if norm is not None:
            notes += [
                (row, 1.0 if shapes[at].kind in _NO_JSON else 0.6, reason)
                for row, at in group.select("row", "at").rows()
                if (reason := _misfit(shapes[at], norm)) is not None
            ]
    found = pl.DataFrame(notes, schema={"row": pl.UInt32, "score": pl.Float64, "note": pl.String}, orient="row").sort(
        "row"
    )
    return report(
        found.select(rows["id"].gather(found["row"]), "score", "note", pl.lit("review").alias("suggest")),
        "quality.schema",
    )


_TEXT, _BROKEN = Shape("text"), Shape("broken")
_NO_JSON = ("text", "broken")
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


def _shape(text: str) -> Shape:
    """Return the shape of one target.

    >>> _shape('{"b": 1, "a": null}')
    Shape(kind='object', keys=(('a', 'null'), ('b', 'number')))
    """
    text = text.strip()
    try:
        if text.startswith("["):
            _decode_list(text)
            return Shape("list")
        inner = _decode_object(text)
    except (ValueError, RecursionError):
        return _BROKEN
    return Shape(
        "object", tuple(sorted((key, _KINDS.get(memoryview(value)[0], "number")) for key, value in inner.items()))
    )


def _norm(shapes: Iterable[Shape]) -> Norm | None:
    """Return the shape that most have; ``None`` where no shape has 80%."""
    counts = Counter(shapes)
    total = sum(counts.values())
    kinds: dict[str, Counter[str]] = {}
    key_sets: Counter[tuple[str, ...]] = Counter()
    for shape, count in counts.items():
        if shape.kind not in _NO_JSON:
            key_sets[(shape.kind, *(key for key, _ in shape.keys))] += count
        for key, kind in shape.keys:
            kinds.setdefault(key, Counter())[kind] += 0 if kind == "null" else count
    if not key_sets:
        return None
    kind, *keys = key_sets.most_common(1)[0][0]
    usual = {key: kinds[key].most_common(1)[0] for key in keys}
    norm = Norm(kind, {key: (one, count / max(kinds[key].total(), 1)) for key, (one, count) in usual.items()})
    fitting = sum(count for shape, count in counts.items() if _misfit(shape, norm) is None)
    return norm if fitting >= _MOST * total else None


def _misfit(shape: Shape, norm: Norm) -> str | None:
    if shape.kind == "text":
        return f"The target is not JSON, while most of this source are a JSON {norm.kind}."
    if shape.kind == "broken":
        return f"The target starts as JSON but does not parse, while most of this source are a JSON {norm.kind}."
    if shape.kind != norm.kind:
        return f"The target is a JSON {shape.kind}, while most of this source are a JSON {norm.kind}."
    has = dict(shape.keys)
    faults = [f"key {quote(key, 30)} is missing" for key in norm.keys if key not in has]
    faults += [f"key {quote(key, 30)} is one that most lack" for key in has if key not in norm.keys]
    faults += [
        f"key {quote(key, 30)} is a {has[key]} where {share:.0%} have a {kind}"
        for key, (kind, share) in norm.keys.items()
        if has.get(key, "null") not in ("null", kind)
    ]
    if not faults:
        return None
    more = f", and {len(faults) - 2} more" if len(faults) > 2 else ""
    return f"The target's JSON differs: {', '.join(faults[:2])}{more}."
