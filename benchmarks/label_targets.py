"""Mistakes in sets of labels and in shares of labels found, by average precision, with cleanlab beside us on the same vectors.

    python benchmarks/label_targets.py --encoder FOLDER [--peer PYTHON] [--texts 5000]

Texts are one to three of BANKING77 joined, with all their labels. One label in 25 is taken away, one in 25 gets a wrong one
beside it or in its place: any label by lot, or one of the four nearest. Shares: single texts, their label at 0.55 to 0.95 and
one of the four nearest for the rest; one in 17 has a wrong label ahead, half of these the right one behind it. FOLDER and PYTHON
are as in labels.py, and so is the place of the data.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from labels import DATA, average_precision, by_peer, calibration_error
from vetset.curate.embed.encoder import find_encoder
from vetset.curate.embed.encoding import encode
from vetset.curate.labels.cell_noise import fit_cell_noise
from vetset.curate.labels.cells import gather_cells
from vetset.curate.labels.judged import judge_labels
from vetset.curate.labels.labelled import Labelled
from vetset.curate.labels.targets import Targets

PEER = Path(__file__).with_name("label_targets_peer.py")


def joined(texts: list[str], code: np.ndarray, labels: int, count: int, draw: np.random.Generator):
    """Return ``count`` texts made of one to three others, and (count, k) which labels they have."""
    order, at = draw.permutation(len(texts)), 0
    found, true = [], np.zeros((count, labels), bool)
    for row, size in enumerate(draw.choice([1, 2, 3], count, p=[0.35, 0.4, 0.25])):
        parts = [order[(at + step) % len(order)] for step in range(size)]
        at += size
        found.append(" ".join(texts[part] for part in parts))
        true[row, code[parts]] = True
    return found, true


def spoilt(true: np.ndarray, near: np.ndarray | None, draw: np.random.Generator, rate: float = 0.08) -> np.ndarray:
    """Return the sets with mistakes; the wrong labels by lot, or of ``near`` (k, 4)."""
    given, labels = true.copy(), true.shape[1]
    for row, label in zip(*np.nonzero(true), strict=True):
        chance = draw.random()
        other = int(draw.integers(labels)) if near is None else int(draw.choice(near[label]))
        if chance < rate / 2:
            given[row, label] = False
        elif chance < rate:
            given[row, other] = True
            given[row, label] = given[row, label] and draw.random() < 0.5
    return given


def sets(name: str, texts: list[str], vectors: np.ndarray, true: np.ndarray, given: np.ndarray, peer: str | None):
    """Return one line of the table on sets."""
    place, (row, code) = np.arange(len(texts)), np.nonzero(given)
    names = [str(label) for label in range(true.shape[1])]
    targets = Targets("several", names, row, code, np.ones(len(row), np.float32))
    started = time.process_time()
    cells = gather_cells(Labelled(place, place * 0, ["-"], place, vectors, texts, given=targets))
    noise = fit_cell_noise(cells, row, code)
    spent = time.process_time() - started
    chance = noise.missing.astype(np.float64)
    chance[row, code] = noise.wrong
    wrong = given != true
    prior = np.log((given.mean(axis=0) + 1e-6) / (1 - given.mean(axis=0)))
    scores = {"vetset": (chance, chance.max(axis=1))}
    if peer:
        with tempfile.TemporaryDirectory() as folder:
            asked, told = Path(folder) / "in.npz", Path(folder) / "out.npz"
            ours = 1 / (1 + np.exp(-(cells.odds + prior)))
            np.savez(asked, vectors=vectors, given=given.astype(np.int64), ours=ours)
            subprocess.run([peer, str(PEER), str(asked), str(told)], check=True)
            found = dict(np.load(told))
        scores["cleanlab"] = found["own_cells"], found["own_rows"]
        scores["cleanlab on our chances"] = found["ours_cells"], found["ours_rows"]
    seen = ~given & (chance > 0.05)
    errors = [calibration_error(wrong[where], chance[where]) for where in (given, seen)]
    print(
        f"{name}: mistakes in {wrong.any(axis=1).sum()} of {len(texts)} rows; calibration error {errors[0]:.3f} for labels that "
        f"are there, {errors[1]:.3f} for missing ones over 5%; {spent:.0f} CPU s"
    )
    for who, (of_cells, of_rows) in scores.items():
        parts = [average_precision(wrong[where], of_cells[where]) for where in (given, ~given)]
        whole = average_precision(wrong.ravel(), of_cells.ravel()), average_precision(wrong.any(axis=1), of_rows)
        print(f"  {who:<26} wrong {parts[0]:.3f}  missing {parts[1]:.3f}  cells {whole[0]:.3f}  rows {whole[1]:.3f}")


def shares(texts: list[str], vectors: np.ndarray, code: np.ndarray, near: np.ndarray, peer: str | None) -> None:
    """Print one line on shares: with their numbers, by the likeliest label alone, and the peer on that."""
    draw = np.random.default_rng(1)
    rows, labels = len(code), len(near)
    wrong = draw.random(rows) < 1 / 17
    first = np.where(wrong, (code + draw.integers(1, labels, rows)) % labels, code)
    second = np.where(wrong & (draw.random(rows) < 0.5), code, near[first, draw.integers(0, 4, rows)])
    share = draw.uniform(0.55, 0.95, rows).astype(np.float32)
    cells = np.repeat(np.arange(rows), 2), np.stack([first, second], 1).ravel(), np.stack([share, 1 - share], 1).ravel()
    place, names = np.arange(rows), [str(label) for label in range(labels)]
    print(f"shares: {wrong.sum()} of {rows} rows")
    for name, given in (("vetset", Targets("shares", names, *cells)), ("vetset, likeliest alone", None)):
        judged = judge_labels(Labelled(place, first, names, place, vectors, texts, given=given))
        print(f"  {name:<26} rows {average_precision(wrong, judged.noise.rank):.3f}")
    if peer:
        score = by_peer(peer, vectors, first)["self_confidence"]
        print(f"  {'cleanlab':<26} rows {average_precision(wrong, score):.3f}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", required=True)
    parser.add_argument("--peer")
    parser.add_argument("--texts", type=int, default=5_000)
    parser.add_argument("--cache", type=Path, help="a folder to keep vectors in")
    asked = parser.parse_args()
    encoder = find_encoder(asked.encoder).encoder

    def vectors(texts: list[str]) -> np.ndarray:
        found = encode(pl.Series(texts, dtype=pl.String), encoder, cache=asked.cache)
        return found.vectors[found.of_row]

    frame = pl.concat([pl.read_csv(DATA / "bank_intents" / f"{part}.csv") for part in ("train", "test")])
    names = frame["category"].unique().sort().to_list()
    code = frame["category"].replace_strict(names, range(len(names)), return_dtype=pl.Int64).to_numpy()
    draw = np.random.default_rng(0)
    texts, true = joined(frame["text"].to_list(), code, len(names), asked.texts, draw)
    found = vectors(texts)
    centres = np.stack([found[true[:, label]].mean(axis=0) for label in range(len(names))])
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    near = np.argsort(-(centres @ centres.T), axis=1)[:, 1:5]
    sets("sets, near labels", texts, found, true, spoilt(true, near, np.random.default_rng(1)), asked.peer)
    sets("sets, by lot", texts, found, true, spoilt(true, None, np.random.default_rng(1)), asked.peer)
    few = np.sort(draw.permutation(len(code))[: asked.texts])
    texts = frame["text"].gather(few).to_list()
    shares(texts, vectors(texts), code[few], near, asked.peer)


main()
