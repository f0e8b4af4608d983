"""Labels that can't all be right: nearly the same text, or a paraphrase, under different labels."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from ..clusters import ids, place
from ..errors import UsageError
from ..findings import empty, report
from ..near import joining
from ..near.explain import in_short
from ..near.shingles import Shingle, shingled
from ..text import fold_all
from .classes import are_classes, shown
from .differing_words import Meanings, difference, same_numbers, words_of
from .labelled import Labelled
from .outlier import fitted
from .paraphrases import paraphrases

Ints = npt.NDArray[np.int64]

COSINE = 0.95  # of paraphrases: of BANKING77's pairs by all-MiniLM-L6-v2 98% have one label there, and 97% at 0.9
_SHINGLE = Shingle(
    "char", 5
)  # runs of five words leave nothing of short texts: one word changed in eight, and all differ
_MOST = 2_000_000  # pairs of one kind
_TOGETHER = 50  # texts of the same words that are held against each other
_PRIOR = 45, 50  # pairs that agree, of pairs, as if seen before: three conflicts among three pairs are not the rule
_FIRM = 3  # times as many alike rows with the one label as with the other: then the one stands, and the other is found
_AGREE = 0.82  # share of pairs that have one label, of those that no words explain, from which one that has not is odd: 0.98 in
# BANKING77, 0.89 with a tenth of its labels drawn by lot, 0.78 in SICK, where a word decides
_FEW = 0.05  # share of texts that are in such pairs: of fewer nobody can say that the set is made of small differences,
_APART = 0.7  # if so many texts of the labels in question are told apart by their words


class Pairs(NamedTuple):
    """Pairs of texts that say the same, each once."""

    one: Ints
    other: Ints
    likeness: npt.NDArray[np.float64]
    kind: str
    """"same words", "other order", "near" or "paraphrase"."""


class Clash(NamedTuple):
    """Two texts whose labels their differences do not explain."""

    one: int
    other: int
    likeness: float
    kind: str


_SCORES = {"same words": 0.95, "near": 0.85, "other order": 0.8, "paraphrase": 0.7}


def find_near_conflict(
    of: Labelled,
    rows: pl.DataFrame,
    *,
    threshold: float = 0.8,
    paraphrase: float | None = None,
    notes: list[str] | None = None,
) -> pl.DataFrame:
    """Find rows that say nearly the same as rows with another label, where the difference does not explain the other label.

    Texts that differ in signs, spaces or a misspelling alone say the same. So do, in sets where such pairs agree in their label
    as a rule: the same words in another order, near copies (a Jaccard index of runs of five characters), and paraphrases by
    their vectors. A pair is left out where its numbers differ, or where the words that only one has speak for its label elsewhere
    (``differing_words``). Texts that are equal when folded are left to ``labels.conflict``.

    ``peer`` is the closest such row, ``score`` grows with likeness. Where three times as many alike rows have the one label as
    have the other, the few are found and the many are not; a single row against three or more with one label is told to
    ``relabel``.

    Args:
        of: the labelled rows.
        rows: the rows.
        threshold: Jaccard index of near copies.
        paraphrase: cosine of paraphrases; ``None`` where the vectors know words alone.
        notes: takes what is left out.

    Raises:
        UsageError: a threshold out of bounds.
    """
    if not are_classes(of, notes) or len(of.texts) < 2 or not any(of.texts):
        return empty()
    label = _majority(of)
    folded = fold_all(pl.Series(of.texts, dtype=pl.String))
    number = folded.rank("dense").to_numpy().astype(np.int64)
    kinds = [_usable(pairs, label, number) for pairs in _pairs(of, folded, threshold, paraphrase, notes)]
    meanings = Meanings(of)
    clashes: dict[tuple[int, int], Clash] = {}
    found = {pairs.kind: _clashes(of, pairs, label, meanings) for pairs in kinds}
    rule = _as_a_rule(of, kinds, found, label, notes)
    for kind, some in found.items():
        for clash in some:
            if kind in rule or clash.kind == "same words":
                clashes.setdefault((clash.one, clash.other), clash)
    if not clashes:
        return empty()
    return _report(of, rows, list(clashes.values()), label, _support(of, kinds, label))


def _majority(of: Labelled) -> Ints:
    """Return (m) the label that has more than half of a text's rows, shares by their numbers; -1 where none has."""
    labels, given = len(of.names), of.given
    text, code = (of.text, of.code) if given is None else (of.text[given.row], given.code)
    cells, cell = np.unique(text * labels + code, return_inverse=True)  # texts times labels would be too many
    rows = np.bincount(cell, None if given is None else given.share)
    where, what = np.divmod(cells, labels)
    found = np.full(len(of.vectors), -1, np.int64)
    most = 2 * rows > np.bincount(of.text, minlength=len(found))[where]
    found[where[most]] = what[most]
    return found


def _pairs(
    of: Labelled, folded: pl.Series, threshold: float, paraphrase: float | None, notes: list[str] | None
) -> list[Pairs]:
    run = folded.str.replace_all(r"[^\p{L}\p{N}\p{M}]+", "")
    found = [_together(of, run, "same words")]
    words = folded.str.extract_all(r"[\p{L}\p{N}\p{M}]+")
    found.append(_together(of, words.list.sort().list.join(" "), "other order"))
    try:
        sets = shingled(pl.Series(of.texts, dtype=pl.String), shingle=_SHINGLE)
        near = joining.pairs(sets, joining.prepare(sets, threshold), most=_MOST)
        one, other = (near[side].to_numpy().astype(np.int64) for side in ("a", "b"))
        found.append(Pairs(one, other, near["jaccard"].to_numpy(), "near"))
        if paraphrase is not None:
            hits = paraphrases(of.vectors, paraphrase, most=_MOST)
            found.append(Pairs(hits.rows, hits.others, hits.scores.astype(np.float64), "paraphrase"))
    except UsageError as error:
        if "pairs" not in str(error):
            raise
        if notes is not None:
            notes.append(
                f"labels.near_conflict looked at texts of the same words only: over {_MOST:,} pairs of texts are near, "
                "as in filled-in forms."
            )
    return found


def _together(of: Labelled, key: pl.Series, kind: str) -> Pairs:
    """Pairs of texts that share a key; of many, the fifty that sort first, whatever the order of rows."""
    groups = (
        pl.DataFrame({"key": key, "text": of.texts})
        .with_row_index("at")
        .filter(pl.col("key") != "")
        .group_by("key")
        .agg(pl.col("at").sort_by("text").head(_TOGETHER).sort())
        .filter(pl.col("at").list.len() > 1)["at"]
    )
    pairs = sorted(pair for group in groups.to_list() for pair in combinations(group, 2))
    both = np.array(pairs, np.int64).reshape(-1, 2)
    return Pairs(both[:, 0], both[:, 1], np.ones(len(both)), kind)


def _usable(pairs: Pairs, label: Ints, number: Ints) -> Pairs:
    """Keep pairs of which both texts have a label of their own, and that are not equal once folded."""
    one, other = pairs.one, pairs.other
    kept = (label[one] >= 0) & (label[other] >= 0) & (number[one] != number[other])
    return Pairs(one[kept], other[kept], pairs.likeness[kept], pairs.kind)


def _as_a_rule(
    of: Labelled, kinds: list[Pairs], clashes: dict[str, list[Clash]], label: Ints, notes: list[str] | None
) -> set[str]:
    """Return the kinds of pairs that have one label as a rule; of paraphrases only where that holds for near copies too.

    Pairs of which the words explain the labels are left out: they say nothing for or against. A few pairs that differ are no
    rule where their labels are told apart elsewhere.
    """
    found = {"same words"}
    for some in (("other order", "near"), ("paraphrase",)):
        agree = sum(int((label[pairs.one] == label[pairs.other]).sum()) for pairs in kinds if pairs.kind in some)
        total = agree + sum(clash.kind in some for kind in some for clash in clashes.get(kind, ()))
        odd = [clash for kind in some for clash in clashes.get(kind, ()) if clash.kind in some]
        if (agree + _PRIOR[0]) / (total + _PRIOR[1]) < _AGREE and not _few_and_odd(of, total, odd, label):
            if notes is not None:
                notes.append(
                    f"Of {total:,} pairs of texts that are near, only {agree / total:.0%} have one label, so small differences "
                    "seem to decide it here; labels.near_conflict lists only what differs in signs, spaces or spelling."
                )
            break
        found |= set(some)
    return found


def _few_and_odd(of: Labelled, total: int, odd: list[Clash], label: Ints) -> bool:
    """Say whether pairs are few, and the labels of those that differ told apart by most texts that have them."""
    if 2 * total > _FEW * len(of.texts):
        return False
    known = np.flatnonzero(label >= 0)
    fits = fitted(of.vectors[known].astype(np.float64), label[known], len(of.names))
    concerned = np.isin(label[known], label[[text for clash in odd for text in (clash.one, clash.other)]])
    return bool((fits.own > fits.wrong)[concerned].mean() >= _APART)


def _clashes(of: Labelled, pairs: Pairs, label: Ints, meanings: Meanings) -> list[Clash]:
    """Return the pairs of one kind whose labels differ for no reason that can be seen."""
    differ = label[pairs.one] != label[pairs.other]
    found = []
    for one, other, likeness in zip(pairs.one[differ], pairs.other[differ], pairs.likeness[differ], strict=True):
        texts = of.texts[one], of.texts[other]
        words = words_of(texts[0]), words_of(texts[1])
        apart = difference(*words)
        # The order of words may be the point of a text: "a cow eats hay" may be said of grass in the next line.
        kind = "same words" if words[0] == words[1] or (apart.here and apart.trivial) else pairs.kind
        if same_numbers(*texts) and not meanings.explain(apart, int(label[one]), int(label[other])):
            found.append(Clash(int(one), int(other), float(likeness), kind))
    return found


def _support(of: Labelled, kinds: list[Pairs], label: Ints) -> npt.NDArray[np.int64]:
    """Return, for each text, the rows that have its label and its text or an alike one, and those of alike ones with another."""
    own = np.bincount(of.text[of.code == label[of.text]], minlength=len(of.texts))
    found = np.stack([own, np.zeros_like(own)], axis=1)
    pairs = np.unique(np.concatenate([np.stack([pairs.one, pairs.other], axis=1) for pairs in kinds]), axis=0)
    for one, other in (pairs.T, pairs.T[::-1]):
        np.add.at(found, (one, np.where(label[one] == label[other], 0, 1)), own[other])
    return found


def _report(
    of: Labelled, rows: pl.DataFrame, clashes: list[Clash], label: Ints, support: npt.NDArray[np.int64]
) -> pl.DataFrame:
    best = _best(of, clashes, support)
    first = _first_rows(of, rows, label)
    cluster = _clusters(clashes, first)
    partner = {text: _partner(clash, text) for text, (_, clash) in best.items()}
    rivals: dict[int, set[int]] = {}
    for clash in clashes:
        for text in (clash.one, clash.other):
            rivals.setdefault(text, set()).add(int(label[_partner(clash, text)]))
    sure = {t for t in best if support[t, 0] == 1 and support[t, 1] >= _FIRM and len(rivals[t]) == 1}
    note = {text: _sentence(of, rows, text, partner[text], clash, label, first) for text, (_, clash) in best.items()}
    at = np.flatnonzero(np.isin(of.text, list(best)) & (of.code == label[of.text]))
    texts = of.text[at].tolist()
    value = [of.names[label[partner[text]]] if text in sure else None for text in texts]
    found = pl.DataFrame(
        {
            "id": ids(rows, pl.Series(of.row[at])),
            "score": pl.Series([best[text][0] for text in texts], dtype=pl.Float64),
            "cluster": ids(rows, pl.Series(cluster[of.text[at]])),
            "peer": ids(rows, pl.Series([int(first[partner[text]]) for text in texts], dtype=pl.Int64)),
            "note": pl.Series([note[text] for text in texts], dtype=pl.String),
            "value": pl.Series(value, dtype=pl.String),
        }
    )
    suggest = pl.when(pl.col("value").is_null()).then(pl.lit("review")).otherwise(pl.lit("relabel"))
    return report(found.with_columns(suggest.alias("suggest")), "labels.near_conflict")


def _best(of: Labelled, clashes: list[Clash], support: npt.NDArray[np.int64]) -> dict[int, tuple[float, Clash]]:
    """Return, for each text that is found, its closest clash and the score of it; of equals the one whose text sorts first."""
    best: dict[int, tuple[tuple[float, str], Clash]] = {}
    for clash in clashes:
        score = _SCORES[clash.kind] * clash.likeness
        for mine, theirs in ((clash.one, clash.other), (clash.other, clash.one)):
            if support[mine, 0] >= _FIRM * support[theirs, 0]:
                continue  # the other one is odd
            order = -round(score, 6), of.texts[theirs]
            if mine not in best or order < best[mine][0]:
                best[mine] = order, clash
    return {text: (-order[0], clash) for text, (order, clash) in best.items()}


def _partner(clash: Clash, text: int) -> int:
    return clash.other if clash.one == text else clash.one


def _first_rows(of: Labelled, rows: pl.DataFrame, label: Ints) -> Ints:
    """The row of each text that has the text's label; of several that whose id sorts first."""
    mine = np.flatnonzero(of.code == label[of.text])
    order = ids(rows, pl.Series(of.row[mine])).arg_sort(descending=True).to_numpy()
    first = np.zeros(len(of.texts), np.int64)
    first[of.text[mine[order]]] = of.row[mine[order]]
    return first


def _clusters(clashes: list[Clash], first: Ints) -> Ints:
    """The first row of all texts that clash with each other, for each text."""
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components

    one, other = np.array([(clash.one, clash.other) for clash in clashes], np.int64).T
    graph = sparse.coo_matrix((np.ones(one.size), (one, other)), shape=(first.size, first.size))
    component = connected_components(graph, directed=False)[1]
    lowest = np.full(first.size, np.iinfo(np.int64).max)
    np.minimum.at(lowest, component, first)
    return lowest[component]


def _sentence(of: Labelled, rows: pl.DataFrame, text: int, partner: int, clash: Clash, label: Ints, first: Ints) -> str:
    where = place(rows, pl.Series([int(first[partner])]))[0]
    labels = f"{shown(of.names[label[text]])} here, {shown(of.names[label[partner]])} there"
    differs = in_short(of.texts[text], of.texts[partner])
    match clash.kind:
        case "same words":
            like = f"Says the same as {where} but for signs, spaces or spelling"
        case "other order":
            like = f"Has the words of {where} in another order"
        case "near":
            like = f"Near copy of {where}, Jaccard {clash.likeness:.2f}"
        case _:
            like = f"Says the same as {where} in other words, cosine {clash.likeness:.2f}"
    return f"{like}, with another label: {labels}{'; ' + differs if differs else ''}."
