"""How rows spread over the labels: counts, how many classes that is in effect, who is missing where, and negatives."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import numpy as np
import polars as pl

from ..errors import quote
from ..findings import empty, report
from ..labels.targets import exploded, kind_of_labels
from ..masking import mask
from ..text import fold, fold_all, turns
from .wanted import Wanted

_LISTED = 200  # labels whose counts are kept in the figures: the most frequent, and the rarest
_FREE = 0.5  # more labels than that share of the rows are answers and no classes
_FEW = 20  # rows, up to which so many labels may be classes after all

NEGATIVES = (
    "none", "other", "others", "misc", "miscellaneous", "unknown", "unrelated", "irrelevant", "oos", "ood", "null", "neither",
    "nothing", "n_a", "na", "not_applicable", "not_relevant", "none_of_the_above", "no_label", "no_intent", "nointent",
    "out_of_scope", "outofscope", "out_of_domain", "outofdomain", "off_topic", "offtopic", "background", "fallback", "autre",
    "sonstiges", "otro", "другое", "أخرى", "其他", "其它", "无", "その他",
)  # fmt: skip
"""Labels, folded and with ``_`` for blanks and signs, that by their name hold what is none of the rest."""

_NOES = ("no", "not", "negative", "false", "0", "ham", "reject", "benign", "normal", "clean")
"""Those that of two labels are the negative; of three, "negative" is a sentiment."""


def label_figures(rows: pl.DataFrame, wanted: Wanted, *, train: str = "train") -> dict[str, Any]:
    """Return how the rows spread over the labels, as JSON values; nothing where no row has a label.

    ``effective`` is the perplexity of the shares: as many classes of equal size would be as uncertain (exp of Shannon's
    entropy). ``ratio`` is the most frequent label's rows over the rarest one's. Each label of a row with several is counted, of
    shares the likeliest.

    Args:
        rows: the rows.
        wanted: labels that there should be, and the label of negatives.
        train: name of the split that is trained on.
    """
    known = rows.select("label", "split").filter(pl.col("label").is_not_null())
    labelled = exploded(known)
    if labelled.is_empty():
        return {}
    counts = labelled.group_by("label").agg(pl.len().alias("rows")).sort("rows", "label", descending=[True, False])
    figures: dict[str, Any] = {
        "rows": known.height,
        "unlabelled": rows.height - known.height,
        "labels": counts.height,
    }
    if kind_of_labels(known["label"]) == "several":
        figures["labels_a_row"] = round(labelled.height / known.height, 2)
    if counts.height > max(_FREE * labelled.height, _FEW):
        return figures | {"classes": False}
    shares = counts["rows"].to_numpy() / labelled.height
    figures |= {
        "classes": True,
        "effective": round(float(np.exp(-(shares * np.log(shares)).sum())), 2),
        "ratio": round(float(shares.max() / shares.min()), 2),
        "counts": dict(_ends(counts).iter_rows()),
        "single": int((counts["rows"] == 1).sum()),
        "absent": _absent(labelled, counts["label"], train),
        "negative": _negatives(counts, known.height, wanted),
    }
    if wanted.expected:
        have = set(counts["label"])
        figures |= {
            "missing": [label for label in wanted.expected if label not in have],
            "unknown": counts.filter(~pl.col("label").is_in(list(wanted.expected)))["label"].head(_LISTED).to_list(),
        }
    return figures


def opener_figures(rows: pl.DataFrame, *, most: int = 5) -> dict[str, Any]:
    """Return with what the conversations begin: those of two user turns or more, the commonest first turns.

    A set in which every talk begins with the same greeting does not show a model how else one may begin.
    """
    said = turns(rows).filter(pl.col("role") == "user").select("row", "content")
    first = said.group_by("row", maintain_order=True).agg(pl.col("content").first(), pl.len().alias("turns"))
    first = first.filter((pl.col("turns") > 1) & (pl.col("content").fill_null("") != ""))
    if first.is_empty():
        return {}
    shown = first.with_columns(fold_all(first["content"]).str.slice(0, 200).alias("opener"))
    counts = shown.group_by("opener").agg(pl.len().alias("rows")).sort("rows", "opener", descending=[True, False])
    shares = counts["rows"].to_numpy() / first.height
    top = {mask(opener)[:60]: rows for opener, rows in counts.head(most).iter_rows()}
    effective = round(float(np.exp(-(shares * np.log(shares)).sum())), 2)
    return {"openers": {"rows": first.height, "distinct": counts.height, "effective": effective, "top": top}}


def find_unknown_labels(rows: pl.DataFrame, wanted: Wanted) -> pl.DataFrame:
    """Find rows whose label is none of those that there should be; nothing where none were named.

    A label that is written almost as an expected one is suggested to be that one; not so where rows have several labels, of which
    the first that is not expected is told.

    Returns:
        Findings of ``coverage.balance``.
    """
    if not wanted.expected:
        return empty()
    odd = exploded(rows.select("id", "label")).filter(
        pl.col("label").is_not_null() & ~pl.col("label").is_in(list(wanted.expected))
    )
    if odd.is_empty():
        return empty()
    names = odd["label"].unique().sort().to_list()
    meant = [_meant(name, wanted.expected) for name in names]
    notes = [_note(name, value, wanted) for name, value in zip(names, meant, strict=True)]
    known = pl.DataFrame({"label": names, "value": meant, "note": notes}, schema_overrides={"value": pl.String})
    told = odd.join(known, on="label", how="left", maintain_order="left")
    if kind_of_labels(rows["label"]) == "several":
        told = told.unique("id", keep="first", maintain_order=True).with_columns(pl.lit(None, pl.String).alias("value"))
    suggest = pl.when(pl.col("value").is_null()).then(pl.lit("review")).otherwise(pl.lit("relabel"))
    return report(
        told.select("id", pl.lit(1.0).alias("score"), "note", suggest.alias("suggest"), "value"), "coverage.balance"
    )


def _meant(name: str, expected: tuple[str, ...]) -> str | None:
    """Return the expected label that differs least, where one letter in five or less differs."""
    by_form = {fold(label): label for label in reversed(expected)}
    close = get_close_matches(fold(name)[:200], list(by_form), n=1, cutoff=0.8)
    return by_form[close[0]] if close else None


def _note(name: str, meant: str | None, wanted: Wanted) -> str:
    what = f"The label {quote(mask(name), 25)} is none of the {len(wanted.expected)} that are expected"
    return f"{what}; {quote(mask(meant), 25)} is written almost like it." if meant else f"{what}."


def _ends(counts: pl.DataFrame) -> pl.DataFrame:
    """Return all counts, or of very many the largest and the smallest."""
    return counts if counts.height <= _LISTED else pl.concat([counts.head(_LISTED // 2), counts.tail(_LISTED // 2)])


def _absent(labelled: pl.DataFrame, labels: pl.Series, train: str) -> dict[str, list[str]]:
    """Return the labels that a split lacks, the rarest last; of the eval splits and of train, where there are both.

    A split with fewer rows than twice the labels can't hold them all, and is not asked to.
    """
    split = sorted(labelled["split"].drop_nulls().unique(), key=lambda name: (name != train, name))
    found = {}
    for name in split if train in split and len(split) > 1 else []:
        own = labelled.filter(pl.col("split") == name)["label"]
        gone = labels.filter(~labels.is_in(own.unique().implode()))
        if len(gone) and len(own) >= 2 * len(labels):
            found[name] = gone.head(_LISTED).to_list()
    return found


def _negatives(counts: pl.DataFrame, rows: int, wanted: Wanted) -> dict[str, Any]:
    """Return the labels of negatives and their rows: those that were named, else those that are called so."""
    form = fold_all(counts["label"]).str.replace_all(r"[^\p{L}\p{N}]+", "_").str.strip_chars("_")
    called = [*NEGATIVES, *_NOES] if counts.height == 2 else list(NEGATIVES)
    named = counts["label"].is_in(list(wanted.negative)) if wanted.negative else form.is_in(called)
    own = counts.filter(named)
    return {
        "named": list(wanted.negative),
        "labels": own["label"].head(_LISTED).to_list(),
        "rows": int(own["rows"].sum()),
        "share": round(float(own["rows"].sum()) / rows, 4),
    }
