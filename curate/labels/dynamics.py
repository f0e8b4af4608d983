"""Training dynamics: how far a row's label stays ahead while a classifier that doesn't see the row learns."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_FOLDS = 4
_STEPS = 900  # of the optimiser, whatever the size: fewer leave small sets half learnt
_MANY = 200  # labels from which half of the steps do: 1,000 labels on 6,000 rows were told better so (0.937 for 0.906)
_EPOCHS = (8, 200)  # at least, at most
_BATCH = 256
_STEP = 0.05  # of Adam; weights of a softmax on vectors of length 1 have to grow to some ten
_DECAY = 2e-3  # on the squared weights, a row: with less of it more noise is learnt (measured on three real sets);
_CLASSES = 4  # but over so many classes each has fewer rows to make itself heard with, so it falls with their number
_LEARNT = 24_000  # rows a fold learns from at most


def learning_scores(vectors: Floats, targets: Floats, shares: Floats, *, seed: int = 0) -> Floats:
    """Return (m, k) log-odds of a softmax classifier, averaged over its epochs, for rows that it did not learn from.

    The labels' shares are taken off again: a classifier that learns with them knows more than one that has to forget them.

    The average over training is the area under the margin (Pleiss et al. 2020): right labels are learnt early and stay ahead,
    wrong ones fall behind or win late. Here each row is judged by three quarters of the others: none is learnt by heart.

    Args:
        vectors: (m, d) of length 1.
        targets: (m, k) shares of labels.
        shares: (k) of the labels, over 0.
        seed: of folds and batches.
    """
    draw = np.random.default_rng(seed)
    fold = draw.permutation(len(vectors)) % _FOLDS
    found = np.zeros_like(targets)
    for held in range(_FOLDS):
        learn, judge = np.flatnonzero(fold != held), np.flatnonzero(fold == held)
        if not judge.size or not learn.size:
            continue
        if learn.size > _LEARNT:
            learn = np.sort(draw.choice(learn, _LEARNT, replace=False))
        found[judge] = _averaged(vectors, targets, learn, judge, draw)
    return found - np.log(shares)


def _averaged(vectors: Floats, targets: Floats, learn: Ints, judge: Ints, draw: np.random.Generator) -> Floats:
    """Adam (Kingma and Ba 2015) on minibatches; scores of the judged rows are averaged over the later half of the epochs."""
    centre = vectors[learn].mean(axis=0)
    inputs, wanted = vectors[learn] - centre, targets[learn]
    slopes = np.zeros((vectors.shape[1], targets.shape[1]), np.float32)
    bias = np.zeros(targets.shape[1], np.float32)
    moments = [np.zeros_like(slopes), np.zeros_like(slopes), np.zeros_like(bias), np.zeros_like(bias)]
    total = np.zeros((judge.size, targets.shape[1]), np.float32)
    decay = np.float32(_DECAY * min(1.0, _CLASSES / targets.shape[1]))
    steps = _STEPS if targets.shape[1] < _MANY else _STEPS // 2
    epochs = int(np.clip(steps * _BATCH // learn.size, *_EPOCHS))
    step = 0
    for epoch in range(epochs):
        order = draw.permutation(learn.size)
        for low in range(0, learn.size, _BATCH):
            batch = order[low : low + _BATCH]
            step += 1
            logits = inputs[batch] @ slopes + bias
            logits -= logits.max(axis=1, keepdims=True)
            chance = np.exp(logits)
            chance /= chance.sum(axis=1, keepdims=True)
            wrong = (chance - wanted[batch]) * np.float32(1 / batch.size)
            rate = _STEP * (1 - epoch / (epochs + 1))
            _adam(slopes, inputs[batch].T @ wrong + decay * slopes, moments[0], moments[1], step, rate)
            _adam(bias, wrong.sum(axis=0), moments[2], moments[3], step, rate)
        if epoch >= epochs // 2:
            total += (vectors[judge] - centre) @ slopes + bias
    return total / np.float32(epochs - epochs // 2)


def _adam(value: Floats, slope: Floats, first: Floats, second: Floats, step: int, rate: float) -> None:
    first += np.float32(0.1) * (slope - first)
    second += np.float32(0.01) * (slope * slope - second)
    scale = np.float32(rate * (1 - 0.99**step) ** 0.5 / (1 - 0.9**step))
    value -= scale * first / (np.sqrt(second) + np.float32(1e-8))
