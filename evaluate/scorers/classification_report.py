"""How well classes are told apart: accuracy, precision, recall and F1 of each, and which is taken for which.

Computed over the answers that name a class. What has no answer, refuses, is cut off or can't be parsed is counted beside, by
class too: a model that answers half of the rows, all right, has an accuracy of 1.0 and answers half of the rows.

Weights count rows as often as they stand for the population. Precision where nothing was predicted, and recall where nothing
is, count as 0, as scikit-learn does with ``zero_division=0``; macro figures are plain means over all classes that stand in
references or predictions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ...curate.errors import DataError

CLASSES = pl.Schema(
    {
        "label": pl.String,
        "rows": pl.Int64,  # whose reference it is
        "unanswered": pl.Int64,  # of these, without a class
        "support": pl.Float64,  # weight of the answered rows whose reference it is
        "predicted": pl.Float64,  # weight of the rows for which it was said
        "precision": pl.Float64,
        "recall": pl.Float64,
        "f1": pl.Float64,
    }
)
CONFUSED = pl.Schema(
    {
        "reference": pl.String,
        "prediction": pl.String,
        "rows": pl.Int64,
        "weight": pl.Float64,
        "share": pl.Float64,  # of the reference's weight
    }
)


@dataclass(frozen=True)
class ClassificationReport:
    """What classes come to; figures are ``None`` where no row has an answer."""

    rows: int
    answered: int
    statuses: dict[str, int]
    accuracy: float | None
    """Of the answered rows."""
    accuracy_of_all: float | None
    """Of all rows, those without a class counted as not right."""
    macro_precision: float | None
    macro_recall: float | None
    macro_f1: float | None
    weighted_f1: float | None
    """Mean of F1 by support."""
    classes: pl.DataFrame
    """``CLASSES``, the worst F1 first."""
    confusion: pl.DataFrame
    """``CONFUSED``, right ones too, in the order of labels."""

    def confused(self, most: int = 20) -> pl.DataFrame:
        """Return the pairs that are taken for each other most, by weight."""
        wrong = self.confusion.filter(pl.col("reference") != pl.col("prediction"))
        return wrong.sort("weight", "reference", "prediction", descending=[True, False, False]).head(most)

    def summary(self) -> dict[str, Any]:
        """Return it as JSON values."""
        figures = {name: value for name, value in vars(self).items() if name not in ("classes", "confusion")}
        return figures | {"classes": self.classes.to_dicts(), "confused": self.confused().to_dicts()}


def classification_report(
    results: pl.DataFrame, *, labels: Sequence[str] = (), weighted: bool = True
) -> ClassificationReport:
    """Return how well classes are told apart in the results of a run.

    Args:
        results: ``prediction``, ``reference``, and ``status`` and ``weight`` where they are known.
        labels: classes to report besides those that stand in references or predictions.
        weighted: count rows by ``weight``; else alike.

    Raises:
        DataError: a row has no reference, or a weight is negative.

    >>> table = pl.DataFrame({"prediction": ["a", "b", "b", None], "reference": ["a", "b", "a", "a"]})
    >>> found = classification_report(table)
    >>> round(found.macro_f1, 4), found.accuracy_of_all
    (0.6667, 0.5)
    """
    table = _table(results, weighted=weighted)
    known = table.filter(pl.col("prediction").is_not_null())
    names = sorted({*labels, *table["reference"], *known["prediction"]})
    classes = _classes(table, known, names)
    right = float(known.filter(pl.col("reference") == pl.col("prediction"))["weight"].sum())
    total, everything = float(known["weight"].sum()), float(table["weight"].sum())

    def mean(column: str) -> float | None:
        return None if total == 0 else float(classes[column].mean())  # pyright: ignore[reportArgumentType]

    return ClassificationReport(
        rows=table.height,
        answered=known.height,
        statuses=dict(sorted(table.group_by("status").len().iter_rows())),
        accuracy=right / total if total else None,
        accuracy_of_all=right / everything if everything else None,
        macro_precision=mean("precision"),
        macro_recall=mean("recall"),
        macro_f1=mean("f1"),
        weighted_f1=float((classes["f1"] * classes["support"]).sum()) / total if total else None,
        classes=classes.sort("f1", "label"),
        confusion=_confusion(known),
    )


def _table(results: pl.DataFrame, *, weighted: bool) -> pl.DataFrame:
    status = pl.col("status") if "status" in results.columns else _status_by_prediction()
    weight = pl.col("weight").fill_null(1.0) if weighted and "weight" in results.columns else pl.lit(1.0)
    table = results.select(
        "reference", pl.when(status == "ok").then("prediction").alias("prediction"), status.alias("status"),
        weight.cast(pl.Float64).alias("weight"),
    )  # fmt: skip
    for wrong, why in (
        (table["reference"].is_null(), "no reference; report labelled rows."),
        (table["weight"] < 0, "a negative weight; weights count rows."),
    ):
        if wrong.any():
            raise DataError(f"row {wrong.arg_true()[0] + 1} of the results has {why}")
    return table


def _status_by_prediction() -> pl.Expr:
    return pl.when(pl.col("prediction").is_null()).then(pl.lit("unparsed")).otherwise(pl.lit("ok"))


def _classes(table: pl.DataFrame, known: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    hit = pl.col("weight").filter(pl.col("reference") == pl.col("prediction")).sum().alias("right")
    asked = table.group_by(pl.col("reference").alias("label")).agg(
        pl.len().cast(pl.Int64).alias("rows"), pl.col("prediction").is_null().sum().cast(pl.Int64).alias("unanswered")
    )
    answered = known.group_by(pl.col("reference").alias("label")).agg(pl.col("weight").sum().alias("support"), hit)
    said = known.group_by(pl.col("prediction").alias("label")).agg(pl.col("weight").sum().alias("predicted"))
    joined = pl.DataFrame({"label": names}, schema={"label": pl.String})
    for part in (asked, answered, said):
        joined = joined.join(part, on="label", how="left", maintain_order="left")
    joined = joined.with_columns(pl.exclude("label").fill_null(0))

    def over(below: pl.Expr) -> pl.Expr:
        return pl.when(below > 0).then(pl.col("right") / below).otherwise(0.0)

    f1 = 2 * over(pl.col("support") + pl.col("predicted"))
    return joined.with_columns(
        over(pl.col("predicted")).alias("precision"), over(pl.col("support")).alias("recall"), f1.alias("f1")
    ).select(pl.col(name).cast(kind) for name, kind in CLASSES.items())


def _confusion(known: pl.DataFrame) -> pl.DataFrame:
    pairs = known.group_by("reference", "prediction").agg(
        pl.len().cast(pl.Int64).alias("rows"), pl.col("weight").sum().alias("weight")
    )
    share = pl.col("weight") / pl.col("weight").sum().over("reference")
    return (
        pairs.with_columns(share.fill_nan(0.0).alias("share")).select(CONFUSED.names()).sort("reference", "prediction")
    )
