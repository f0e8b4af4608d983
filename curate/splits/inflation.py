"""How much a random split of the rows would have inflated a score, measured with a small model.

TF-IDF and logistic regression are cross-validated twice on the same rows: with folds that keep units whole, and with
folds dealt at random. The random folds are the grouped ones with fold numbers shuffled within each label, so both arms
train on the same number of rows of every label, and what is left of the difference is the leak. (With folds of other
sizes, one large unit alone makes the grouped arm train on less, and its lower score would be taken for a leak.)

A small model learns less by heart than a large one: read the figure as a lower bound for a fine-tune.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from ..errors import UsageError
from ..text import turns
from .balance import place
from .components import connect

_ROWS = 50  # fewer give an interval that says nothing
_CLASSES = 200  # more are answers rather than classes; and the cost grows with each
_CHARACTERS = 8_000_000  # of all texts together; each text is cut at its share of these
_FEATURES = 30_000  # the most frequent: keeps the cost in bounds for long texts
_RESAMPLES = 1000  # gives a 95% interval to about a twentieth of its width


@dataclass(frozen=True)
class Score:
    """A score on random and on grouped folds, and the 95% interval of the difference."""

    random: float
    grouped: float
    low: float
    high: float

    @property
    def difference(self) -> float:
        """Random less grouped: by how much the random split flatters."""
        return self.random - self.grouped


@dataclass(frozen=True)
class Inflation:
    """What the two arms scored, or why they could not be run."""

    accuracy: Score | None
    macro_f1: Score | None
    majority: float | None  # accuracy of always answering with the most frequent label
    rows: int  # that were used
    of: int  # rows that have a label and a text
    units: int
    folds: int
    features: str
    characters: int  # at which texts were cut
    seed: int
    reason: str | None  # why nothing was computed

    def summary(self) -> dict[str, Any]:
        """Return the figures as plain JSON."""
        figures = asdict(self)
        for name, score in (("accuracy", self.accuracy), ("macro_f1", self.macro_f1)):
            if score is not None:
                figures[name]["difference"] = score.difference
        return figures

    @property
    def sentence(self) -> str:
        """What was found, for a person."""
        if self.accuracy is None:
            return f"Not measured: {self.reason}."
        score = self.accuracy
        part = "" if self.rows == self.of else f" (on {self.rows:,} of {self.of:,} rows, whole units drawn at random)"
        clear = "" if score.low > 0 or score.high < 0 else ", which may be nothing"
        return (
            f"A small model scores {score.random:.3f} on random rows and {score.grouped:.3f} on whole units{part}: "
            f"{100 * score.difference:+.1f} points (95%: {100 * score.low:+.1f} to {100 * score.high:+.1f}){clear}; "
            f"the most frequent label alone scores {self.majority:.3f}."
        )


def measure(
    rows: pl.DataFrame,
    groups: pl.Series,
    *,
    folds: int = 5,
    max_rows: int = 20_000,
    features: Literal["words", "characters"] | None = None,
    seed: int = 0,
) -> Inflation:
    """Cross-validate a small model on random and on whole-unit folds of the same sizes.

    Args:
        rows: a rows frame; rows with a label and an input are used.
        groups: unit of each row (``SplitResult.units``, or any group column); null is alone.
        folds: five leave four fifths to train on, near the usual 80%.
        max_rows: more are cut to so many by drawing whole units (drawing rows would break the units up).
        features: ``words`` (words and pairs) or ``characters`` (2 to 5 within words, about five times slower); by
            default words, and characters where texts have few spaces, as in Chinese or Japanese.
        seed: for the draw, the folds and the bootstrap.

    Returns:
        Accuracy and macro-F1 of both arms; the interval is a paired bootstrap over units, since rows of one unit are
        not independent (Efron and Tibshirani, 1993, chapter 8). ``reason`` says why, where nothing was computed.

    Raises:
        UsageError: ``groups`` has another length than ``rows``, or an option makes no sense.
    """
    if len(groups) != rows.height:
        raise UsageError(f"groups has {len(groups)} values for {rows.height} rows; give one a row.")
    if folds < 2 or max_rows < 1 or features not in ("words", "characters", None):
        raise UsageError("give at least 2 folds, 1 row, and 'words' or 'characters' as features.")
    texts, labels, units = _labelled(rows, groups)
    of = len(texts)
    kept = _draw(units, max_rows, seed)
    texts, labels = texts.gather(kept), np.unique(labels[kept], return_inverse=True)[1]
    units = np.unique(units[kept], return_inverse=True)[1]
    features = features or ("words" if _spaced(texts) else "characters")
    limit = max(_CHARACTERS // max(len(texts), 1), 200)
    common: dict[str, Any] = {"rows": len(texts), "of": of, "units": int(units.max(initial=-1)) + 1, "folds": folds}
    common |= {"features": features, "characters": limit, "seed": seed}
    reason = _reason(labels, units, folds)
    if reason:
        return Inflation(None, None, None, **common, reason=reason)

    matrix = _vectorise(texts.str.slice(0, limit), features)
    per_fold = np.full(folds, len(labels) / folds)
    # Afresh: folds are not kept, and the evener they are, the less else than the leak is measured.
    positions = np.random.default_rng(seed).permutation(units.max() + 1) / (units.max() + 1)
    grouped = place(units, labels, per_fold, positions=positions, afresh=True)[units]
    random = _shuffle_within(grouped, labels, seed)
    truth = [_predict(matrix, labels, fold, folds, seed) for fold in (random, grouped)]
    accuracy, macro_f1 = _compare(labels, truth[0], truth[1], units, seed)
    majority = float(np.bincount(labels).max() / len(labels))
    return Inflation(accuracy, macro_f1, majority, **common, reason=None)


def _labelled(rows: pl.DataFrame, groups: pl.Series) -> tuple[pl.Series, np.ndarray, np.ndarray]:
    asked = turns(rows.select("messages")).filter(~pl.col("is_target")).group_by("row")
    texts = asked.agg(pl.col("content").fill_null("").str.join("\n").alias("text"))
    frame = rows.select("label", group=groups).with_row_index("row").join(texts, on="row", how="left")
    frame = frame.filter(pl.col("label").is_not_null() & (pl.col("text").str.strip_chars() != "")).sort("row")
    labels = np.unique(frame["label"].to_numpy(), return_inverse=True)[1] if len(frame) else np.zeros(0, dtype=np.int64)
    return frame["text"], labels, connect(frame.height, frame["group"])


def _draw(units: np.ndarray, max_rows: int, seed: int) -> np.ndarray:
    """Return the rows of as many whole units, in random order, as fit into ``max_rows``."""
    if len(units) <= max_rows:
        return np.arange(len(units))
    order = np.random.default_rng(seed).permutation(units.max() + 1)
    total = np.cumsum(np.bincount(units)[order])
    return np.flatnonzero(np.isin(units, order[total <= max_rows]))


def _spaced(texts: pl.Series) -> bool:
    spaces, letters = texts.str.count_matches(r"\s").sum(), texts.str.len_chars().sum()
    return spaces * 20 > letters  # English has one in 6, German one in 7, Chinese none


def _reason(labels: np.ndarray, units: np.ndarray, folds: int) -> str | None:
    if len(labels) < _ROWS:
        return f"{len(labels)} rows have a label and a text, and it takes {_ROWS}"
    return _no_classes(labels) or _no_folds(units, folds)


def _no_classes(labels: np.ndarray) -> str | None:
    classes = int(labels.max()) + 1
    if classes < 2:
        return "every row has the same label"
    if classes > _CLASSES or classes > len(labels) / 2:
        return f"{classes:,} labels in {len(labels):,} rows are answers, not classes"
    return None


def _no_folds(units: np.ndarray, folds: int) -> str | None:
    sizes = np.bincount(units)
    if len(sizes) < folds:
        return f"the rows form {len(sizes)} unit{'s' * (len(sizes) != 1)}, and {folds} folds need {folds}"
    if len(sizes) == len(units):
        return "no two of the rows hang together, so a random split keeps every unit whole"
    if sizes.max() > len(units) / 2:
        return f"one unit holds {sizes.max():,} of {len(units):,} rows, so no fold without it is large enough"
    return None


def _vectorise(texts: pl.Series, features: str) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    options: dict[str, Any] = (
        {"analyzer": "word", "ngram_range": (1, 2), "token_pattern": r"(?u)\b\w+\b"}
        if features == "words"
        else {"analyzer": "char_wb", "ngram_range": (2, 5)}
    )
    # Word frequencies of all rows, for both arms alike: they hold no label, and one fit instead of ten.
    vectoriser = TfidfVectorizer(sublinear_tf=True, max_features=_FEATURES, **options)
    try:
        return vectoriser.fit_transform(texts.to_list())
    except ValueError:  # sklearn's answer to texts without any word
        return TfidfVectorizer(analyzer="char").fit_transform(texts.to_list())


def _shuffle_within(folds: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    shuffled = folds.copy()
    for label in range(labels.max() + 1):
        shuffled[labels == label] = random.permutation(folds[labels == label])
    return shuffled


def _predict(matrix: Any, labels: np.ndarray, fold: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Return each row's label as predicted by the model that did not see the row's fold."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from threadpoolctl import threadpool_limits

    predicted = np.zeros(len(labels), dtype=np.int64)
    for held in range(folds):
        test = fold == held
        classes = np.unique(labels[~test])
        if len(classes) < 2:  # logistic regression needs two
            predicted[test] = classes[0] if len(classes) else 0
            continue
        # One against the rest by liblinear: on 20,000 chat turns with 41 labels 1.7 s a fit and 0.902 right, where the
        # joint model by lbfgs takes 5.7 s for 0.901.
        model = LogisticRegression(C=10.0, solver="liblinear", tol=1e-2, random_state=seed)
        model = OneVsRestClassifier(model) if len(classes) > 2 else model
        with threadpool_limits(1):  # its vectors are short: with two threads that wait on each other, 170 s, not 16
            predicted[test] = np.asarray(model.fit(matrix[~test], labels[~test]).predict(matrix[test]))
    return predicted


def _compare(
    labels: np.ndarray, random: np.ndarray, grouped: np.ndarray, units: np.ndarray, seed: int
) -> tuple[Score, Score]:
    classes = int(labels.max()) + 1
    counts = [_counts(labels, predicted, units, classes) for predicted in (random, grouped)]
    whole = np.ones((1, int(units.max()) + 1))
    points = [_scores(whole @ count, classes) for count in counts]
    draws = np.random.default_rng(seed)
    drawn: list[list[np.ndarray]] = [[], []]
    for _ in range(0, _RESAMPLES, 50):  # fifty at a time: 50 x units counts fit in memory
        times = draws.multinomial(whole.shape[1], np.full(whole.shape[1], 1 / whole.shape[1]), size=50)
        for arm, count in zip(drawn, counts, strict=True):
            arm.append(_scores(times @ count, classes))
    difference = np.concatenate(drawn[0], axis=1) - np.concatenate(drawn[1], axis=1)
    low, high = np.quantile(difference, [0.025, 0.975], axis=1)
    return tuple(  # pyright: ignore[reportReturnType]
        Score(float(points[0][i, 0]), float(points[1][i, 0]), float(low[i]), float(high[i])) for i in range(2)
    )


def _counts(labels: np.ndarray, predicted: np.ndarray, units: np.ndarray, classes: int) -> Any:
    """Return, for each unit: right answers, then rows, then answers, of each class (units x 3 classes, sparse)."""
    from scipy.sparse import coo_array

    right = labels == predicted
    columns = np.concatenate([labels[right], classes + labels, 2 * classes + predicted])
    lines = np.concatenate([units[right], units, units])
    shape = (int(units.max()) + 1, 3 * classes)
    return coo_array((np.ones(len(lines)), (lines, columns)), shape=shape).tocsr()


def _scores(counts: Any, classes: int) -> np.ndarray:
    """Return accuracy and macro-F1 (over classes that occur) for each line of ``counts``."""
    right, rows, answers = counts[:, :classes], counts[:, classes : 2 * classes], counts[:, 2 * classes :]
    f1 = 2 * right / np.maximum(rows + answers, 1)
    occurs = rows > 0
    return np.stack([right.sum(axis=1) / rows.sum(axis=1), (f1 * occurs).sum(axis=1) / occurs.sum(axis=1)])
