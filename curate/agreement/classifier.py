"""The classifier's view of items: what the texts of all other items, with their votes, say of each, as one more voter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from ..embed.encoder import Encoder
from ..embed.encoding import Report, encode, tell
from ..labels.evidence import label_shares
from ..labels.judged import Judged, judge_labels, knows_nothing, why_not
from ..labels.labelled import Labelled
from .votes import Floats, Votes


@dataclass(frozen=True)
class View:
    """What a classifier says of n items and v votes; of an item without a text it says nothing."""

    shares: Floats | None
    """(n, k) probability of each label, a line of noughts where it says nothing; ``None`` where it can't say anything."""
    wrong: Floats | None
    """(v) probability that a vote is wrong, NaN where it says nothing."""
    notes: list[str]
    """How much it knows, or why there is none."""


def view(
    votes: Votes,
    texts: pl.DataFrame,
    *,
    encoder: Encoder,
    name: str,
    cache: Path | None = None,
    progress: Report | None = None,
    seed: int = 0,
) -> View:
    """Return the view of a classifier that learns from all votes but those on the item itself.

    Items with the same text are judged together: neither has a say in the other. So votes that are held back to choose a way
    of aggregation are unseen by the classifier too.

    Args:
        votes: the votes.
        texts: ``item, text``, a line an item.
        encoder: see ``embed.encoder``.
        name: of the encoder, for the notes.
        cache: a folder to keep vectors in.
        progress: told how far the encoding is.
        seed: of everything that is drawn.

    Raises:
        DataError: the encoder is broken.
    """
    own = pl.DataFrame({"item": votes.items}).join(texts, on="item", how="left", maintain_order="left")["text"]
    encoded = encode(own.fill_null(""), encoder, cache=cache, progress=progress)
    notes: list[str] = []
    tell(encoded, notes)
    text = encoded.of_row[votes.item]
    kept = np.flatnonzero(text >= 0)
    names, code = np.unique(votes.label[kept], return_inverse=True)
    of = Labelled(
        kept, code.astype(np.int64), [votes.labels[at] for at in names], text[kept], encoded.vectors, encoded.texts
    )
    reason = why_not(of)
    judged = judge_labels(of, seed=seed) if reason is None else None
    if judged is not None:
        reason = knows_nothing(judged)
    if judged is None or reason is not None:
        return View(None, None, [*notes, f"no classifier has a say: {reason}"])
    best = max(entry.knows for entry in judged.evidence.views)
    notes.append(
        f"a classifier ({name}) of {len(of.texts):,} texts has a say, each without its own votes: it knows {best:.0%} of what "
        "there is to know of them"
    )
    wrong = np.full(len(votes.item), np.nan)
    wrong[kept] = judged.by_text.wrong
    return View(_shares(votes, judged, kept, names), wrong, notes)


def _shares(votes: Votes, judged: Judged, kept: np.ndarray, names: np.ndarray) -> Floats:
    """Return (n, k) the probability of each label by the text of each item."""
    # The evidence weighs labels alike; a voter knows that some are rare.
    mass = judged.evidence.odds.astype(np.float64) + np.log(label_shares(judged.evidence.targets))
    share = np.exp(mass - mass.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    found = np.zeros((len(votes.items), len(votes.labels)))
    found[votes.item[kept][:, None], names] = share[judged.of.text]  # every vote on an item brings the same line
    return found
