"""How much hangs on a row's label: its own weight, and that of the texts that lean on it."""

from __future__ import annotations

import numpy as np
import polars as pl

from .neighbours import Neighbours
from .planted import Doubles, Ints

_MOST = 10.0  # times a train row that an eval row weighs at most
_SHARP = 10.0  # how fast a neighbour's voice falls with the cosine, as in ``neighbours``


def row_weights(split: pl.Series, *, train: str) -> Doubles:
    """Return (n) what a wrong label costs by where the row stands: 1 in train, more in an eval split.

    A wrong label moves the score by one in the eval rows, and what is learnt by one in the train rows; an eval row therefore
    weighs train rows over eval rows, from 1 to 10. Rows without a split are train rows.
    """
    held_out = ((split != train) & split.is_not_null()).fill_null(value=False).to_numpy()
    tested = int(held_out.sum())
    ratio = float(np.clip((held_out.size - tested) / max(tested, 1), 1.0, _MOST))
    return np.where(held_out, ratio, 1.0)


def influence(near: Neighbours, text: Ints, weight: Doubles) -> Doubles:
    """Return (n) each row's weight plus the share that it has in the near texts of all others, each by its own weight.

    A text that stands among the nearest of many is heard by all of them; rows of one text share what it has.

    Args:
        near: the nearest of m texts.
        text: (n) which text each row has.
        weight: (n) of each row (``row_weights``).
    """
    texts = len(near.near)
    rows = np.bincount(text, minlength=texts)
    if not near.near.shape[1]:
        return weight.copy()
    voice = np.exp((near.cosine - near.cosine[:, :1]).astype(np.float64) * _SHARP)
    voice *= (np.bincount(text, weight, minlength=texts) / voice.sum(axis=1))[:, None]
    heard = np.bincount(near.near.ravel(), voice.ravel(), minlength=texts)
    return weight + heard[text] / np.maximum(rows[text], 1)
