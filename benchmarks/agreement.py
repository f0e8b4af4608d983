"""Agreement: figures beside the peer's, whether intervals hold, what aggregation gets right, and how long it takes.

    python benchmarks/agreement.py [python of an environment that has the package krippendorff]

The peer is GPL-3.0, so it is no dependency of vetset, and runs in a process of its own; without it, its part is left out.
The data stands in ``../shared/data``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
from vetset.curate.agreement.agreeing import agree
from vetset.curate.agreement.choosing import choose, ways
from vetset.curate.agreement.coefficients import Level, fleiss, kinds, krippendorff
from vetset.curate.agreement.pairs import cohen
from vetset.curate.agreement.resampling import drawn, interval, whole
from vetset.curate.agreement.vote_sources import Where, find_votes
from vetset.curate.agreement.votes import Votes, gathered

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
LEVELS: tuple[Level, ...] = ("nominal", "ordinal", "interval")
PEER = """
import json, sys, krippendorff, numpy as np
for line in sys.stdin:
    table = np.array(json.loads(line), float)
    levels = ("nominal", "ordinal", "interval")
    print(json.dumps([krippendorff.alpha(reliability_data=table, level_of_measurement=level) for level in levels]))
"""


def table(random: np.random.Generator, items: int, *, annotators: int = 4, labels: int = 3, right: float = 0.7):
    """Annotators times items; each is right so often, and guesses else."""
    truth = random.integers(0, labels, items)
    guess = random.integers(0, labels, (annotators, items))
    return np.where(random.random((annotators, items)) < right, truth, guess).astype(float)


def votes_of(values: np.ndarray) -> Votes:
    """The votes of a table; NaN is a gap."""
    annotator, item = np.nonzero(~np.isnan(values))
    label = values[annotator, item].astype(int).astype(str)
    frame = {"item": item.astype(str), "annotator": annotator.astype(str), "label": label}
    return gathered(pl.DataFrame(frame))


def alphas(votes: Votes) -> list[float]:
    """Alpha on each level."""
    found = kinds(votes)
    return [whole(krippendorff(found, level, values=votes.values), found.many) for level in LEVELS]


def beside_the_peer(python: str, tables: int = 200) -> None:
    """Print the largest difference on random tables with gaps."""
    random = np.random.default_rng(0)
    asked = []
    while len(asked) < tables:
        values = table(random, int(random.integers(4, 80)), annotators=int(random.integers(2, 8)), labels=5)
        values[random.random(values.shape) < 0.3] = np.nan
        if len(votes_of(values).labels) > 1 and votes_of(values).shared > 2:
            asked.append(values)
    said = "\n".join(json.dumps(values.tolist()) for values in asked).replace("NaN", "null")
    done = subprocess.run(
        [python, "-c", PEER.replace("json.loads(line)", "json.loads(line.replace('null', 'NaN'))")],
        input=said, capture_output=True, text=True, check=True,
    )  # fmt: skip
    theirs = np.array([json.loads(line) for line in done.stdout.splitlines()])
    ours = np.array([alphas(votes_of(values)) for values in asked])
    print(f"\n{tables} random tables with gaps, largest difference to the peer: ", end="")
    print(", ".join(f"{level} {gap:.1e}" for level, gap in zip(LEVELS, np.abs(ours - theirs).max(axis=0), strict=True)))


def real_figures() -> None:
    """Print the figures of the sets that have them."""
    for name, path, columns in (
        ("pubmedqa", "pubmedqa/ori_pqal.json", ("reasoning_required_pred", "reasoning_free_pred")),
        ("arabic_sentiment", "arabic_sentiment", ("sentiment", "original_sentiment")),
    ):
        result = agree(gathered(find_votes(DATA / path, Where(votes=columns)).frame))
        pair, alpha = result.pairs.row(0, named=True), result.coefficients[1]
        print(f"{name}: kappa {pair['kappa']:.4f} ({pair['kappa_low']:.3f} to {pair['kappa_high']:.3f}), ", end="")
        print(f"alpha {alpha.value:.4f} ({alpha.low:.3f} to {alpha.high:.3f})")


def coverage(simulations: int = 400) -> None:
    """Print how often the 95% intervals hold the truth."""
    print("\n| items | annotators | gaps | Cohen | Fleiss | alpha nominal | alpha interval |\n|-|-|-|-|-|-|-|")
    for items, annotators, gaps in ((20, 3, 0.0), (50, 3, 0.0), (50, 5, 0.3), (200, 3, 0.0), (1000, 3, 0.3)):
        random = np.random.default_rng(items)
        large = votes_of(table(random, 60_000, annotators=annotators))
        found = kinds(large)
        one, two = (large.label[large.annotator == person] for person in (0, 1))
        truth = [cohen(one, two, draws=0).value, whole(fleiss(found), found.many), *alphas(large)[::2]]
        held = np.zeros(4)
        for _ in range(simulations):
            values = table(random, items, annotators=annotators)
            pair = cohen(values[0].astype(int), values[1].astype(int), draws=500)
            values[random.random(values.shape) < gaps] = np.nan
            votes = votes_of(values)
            found = kinds(votes)
            statistics = [fleiss(found), krippendorff(found), krippendorff(found, "interval", values=votes.values)]
            bounds = [pair.interval] + [
                interval(some, point=0.0) for some in drawn(statistics, found.many, draws=500, seed=1)
            ]
            held += [
                bound.low is not None and bound.low <= true <= bound.high
                for bound, true in zip(bounds, truth, strict=True)
            ]
        shares = " | ".join(f"{share:.3f}" for share in held / simulations)
        print(f"| {items} | {annotators} | {gaps:.0%} | {shares} |")


def aggregation() -> None:
    """Print what each way gets right of a real crowd with gold, and how sure it is of what."""
    folder = DATA / "labels" / "crowd_sp"
    votes = gathered(pl.read_parquet(folder / "annotations.parquet").rename({"id": "item"}))
    gold = dict(pl.read_parquet(folder / "data.parquet").select("id", "gold").iter_rows())
    truth = np.array([votes.labels.index(gold[item]) for item in votes.items])
    choice = choose(votes)
    evidence = {entry.method: entry for entry in choice.evidence}
    print("\n| crowd_sp | right | a held-back vote | mean confidence | right where 0.99 sure | CPU s |\n|-|-|-|-|-|-|")
    for method, fit in ways(votes).items():
        start = time.process_time()
        found = fit(votes).labels()
        cpu = time.process_time() - start
        sure = found.confidence >= 0.99
        print(
            f"| {method} | {(found.label == truth).mean():.4f} | {np.exp(evidence[method].held_back):.4f} | "
            f"{found.confidence.mean():.3f} | {(found.label == truth)[sure].mean():.3f} of {sure.sum():,} | {cpu:.2f} |"
        )
    print(f"chosen: {choice.sentence}")


def speed() -> None:
    """Print CPU seconds for 100,000 items with 5 votes each."""
    print("\n| labels | gathering | coefficients, 1,000 draws | all of agree |\n|-|-|-|-|")
    for labels in (5, 77):
        random = np.random.default_rng(0)
        values = table(random, 100_000, annotators=5, labels=labels)
        who = random.permuted(np.tile(np.arange(50), (100_000, 1)), axis=1)[:, :5]
        frame = pl.DataFrame(
            {"item": np.repeat(np.arange(100_000), 5).astype(str), "annotator": who.ravel().astype(str),
             "label": values.T.ravel().astype(int).astype(str)}
        )  # fmt: skip
        start = time.process_time()
        votes = gathered(frame)
        read = time.process_time() - start
        found = kinds(votes)
        start = time.process_time()
        drawn([fleiss(found), krippendorff(found, "ordinal")], found.many)
        coefficients = time.process_time() - start
        start = time.process_time()
        agree(votes)
        print(f"| {labels} | {read:.1f} | {coefficients:.1f} | {time.process_time() - start:.1f} |")


if __name__ == "__main__":
    real_figures()
    if len(sys.argv) > 1:
        beside_the_peer(sys.argv[1])
    aggregation()
    coverage()
    speed()
