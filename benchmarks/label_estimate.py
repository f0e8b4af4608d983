"""Does the interval of the total of wrong labels hold? Simulated sets whose errors are known, of every size and kind.

    python benchmarks/label_estimate.py [--sets 200] [--first 200] [--encoder FOLDER]

Half of the sets are normal clouds, half (with an encoder) draw texts of some labels of BANKING77. Rows 300 to 20,000, labels 2 to
150, 1 to 30% wrong, evenly in the logarithm; wrong labels by lot, to one of the three nearest, half and half, or in some labels
oftener than in others. The interval was fitted to the sets 0 to 39; those from 200 on were not looked at while it was.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from vetset.curate.embed.encoder import find_encoder
from vetset.curate.embed.encoding import encode
from vetset.curate.labels.estimate import expected_wrong
from vetset.curate.labels.judged import judge_labels
from vetset.curate.labels.labelled import from_arrays

DATA = Path(os.environ.get("VETSET_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
Array = np.ndarray


@dataclass(frozen=True)
class Known:
    """A set whose right labels are known."""

    kind: str
    vectors: Array
    right: Array
    given: Array


def simulate(seed: int, texts: tuple[Array, Array] | None) -> Known:
    """Draw a set."""
    draw = np.random.default_rng(seed)
    rows = int(np.exp(draw.uniform(np.log(300), np.log(20_000))))
    labels = min(int(np.exp(draw.uniform(np.log(2), np.log(150)))), rows // 15)
    share = float(np.exp(draw.uniform(np.log(0.01), np.log(0.3))))
    kind = str(draw.choice(["by lot", "nearest", "mixed", "by label"]))
    if texts is not None and draw.random() < 0.5 and labels <= 77 and rows <= len(texts[1]) * labels / 77:
        vectors, right = _texts(texts, labels, rows, draw)
    else:
        vectors, right = _clouds(labels, rows, draw)
    right = np.unique(right, return_inverse=True)[1]
    given = _mislabelled(vectors, right, share, kind, draw)
    return Known(kind, vectors.astype(np.float32), right, given)


def _texts(texts: tuple[Array, Array], labels: int, rows: int, draw: np.random.Generator) -> tuple[Array, Array]:
    chosen = np.flatnonzero(np.isin(texts[1], draw.choice(77, labels, replace=False)))
    chosen = draw.permutation(chosen)[:rows]
    return texts[0][chosen], texts[1][chosen]


def _clouds(labels: int, rows: int, draw: np.random.Generator) -> tuple[Array, Array]:
    apart, axes = draw.uniform(2.5, 6), 64
    centres = draw.standard_normal((labels, axes)) * apart / np.sqrt(2 * axes)
    right = draw.choice(labels, rows, p=draw.dirichlet(np.full(labels, draw.choice([2.0, 20.0]))))
    return centres[right] + draw.standard_normal((rows, axes)), right


def _mislabelled(vectors: Array, right: Array, share: float, kind: str, draw: np.random.Generator) -> Array:
    labels = int(right.max()) + 1
    centres = np.stack([vectors[right == label].mean(axis=0) for label in range(labels)])
    apart = ((centres[:, None] - centres[None]) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    nearest = np.argsort(apart, axis=1)[:, : min(3, labels - 1)]
    chance = np.clip(share * draw.gamma(2, 0.5, labels), 0, 0.5)[right] if kind == "by label" else share
    wrong = draw.random(right.size) < chance
    lot = (right + draw.integers(1, max(labels, 2), right.size)) % labels
    near = nearest[right, draw.integers(0, nearest.shape[1], right.size)]
    either = np.where(draw.random(right.size) < 0.5, lot, near)
    return np.where(wrong, {"by lot": lot, "nearest": near}.get(kind, either), right)


def main() -> None:
    """Print a line a set, and how many intervals hold."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sets", type=int, default=200)
    options.add_argument("--first", type=int, default=200)
    options.add_argument("--encoder")
    options.add_argument("--cache", type=Path, help="a folder to keep vectors in")
    chosen = options.parse_args()
    texts = None
    if chosen.encoder:
        frame = pl.concat([pl.read_csv(DATA / "bank_intents" / f"{part}.csv") for part in ("train", "test")])
        encoded = encode(frame["text"], find_encoder(chosen.encoder).encoder, cache=chosen.cache)
        texts = encoded.vectors[encoded.of_row], frame["category"].rank("dense").to_numpy().astype(np.int64) - 1
    held = []
    for seed in range(chosen.first, chosen.first + chosen.sets):
        known = simulate(seed, texts)
        judged = judge_labels(from_arrays(known.vectors, [f"{label:03d}" for label in known.given]))
        told, wrong = expected_wrong(judged), int((known.right != known.given).sum())
        held.append(told.low <= wrong <= told.high)
        print(
            f"{seed} {len(known.right)} rows {known.right.max() + 1} labels {known.kind}: {wrong} wrong, "
            f"{told.wrong:.0f} expected ({told.low:.0f} to {told.high:.0f}){'' if held[-1] else ' MISSED'}",
            flush=True,
        )
    print(f"{sum(held)} of {len(held)} intervals hold: {np.mean(held):.1%}")


if __name__ == "__main__":
    main()
