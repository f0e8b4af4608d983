"""How often the verdict's rule ships what has gained nothing, holds back what has, and how often its interval holds the truth.

    python benchmarks/verdict_simulation.py [samples a world, default 4000]

Samples come from a world whose true gain is known and are judged by the code that ``gain`` runs. The rule: the lower bound of
the two-sided 95% interval above 0, and a gain of at least 5 points. Beside it stand what is done without: the point gain alone,
and the rule with errors that know of no clusters. Worlds: paired 0/1 scores in which a share of rows differs; rows of a cluster
correlate (ICC of the differences) through a latent normal variable, or by copying one row of the cluster; clusters are of one
size, log-normal, Zipf's (one holds a fifth to a quarter of all rows) or single rows beside a few large ones.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from itertools import product

import numpy as np
from vetset.evaluate.stats.clustered import design
from vetset.evaluate.stats.difference import mean_difference, p_not_above
from vetset.evaluate.stats.sequential import confidence_sequence

MARGIN, ALPHA = 0.05, 0.025
POINTS, WEIGHTS = np.polynomial.hermite_e.hermegauss(80)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


@dataclass(frozen=True)
class World:
    """What is true."""

    rows: int
    clusters: int
    sizes: str = "equal"
    differing: float = 0.2
    gain: float = 0.0
    correlation: float = 0.0
    how: str = "latent"
    weighted: bool = False


def sizes_of(world: World) -> np.ndarray:
    """Return the rows of each cluster."""
    from scipy.special import ndtri

    many, rows = world.clusters, world.rows
    if many == rows:
        return np.ones(rows, int)
    share = {
        "equal": np.ones(many),
        "log-normal": np.exp(ndtri((np.arange(many) + 0.5) / many)),
        "Zipf": 1 / np.arange(1, many + 1),
        "few large": np.where(np.arange(many) < max(2, many // 10), 10.0, 1.0),
    }[world.sizes]
    sizes = np.maximum(1, np.floor(share / share.sum() * rows)).astype(int)
    while sizes.sum() != rows:
        wanted = share / share.sum() * rows - sizes
        place = wanted.argmax() if sizes.sum() < rows else np.where(sizes > 1, wanted, np.inf).argmin()
        sizes[place] += 1 if sizes.sum() < rows else -1
    return sizes


def latent(world: World) -> tuple[float, float, float]:
    """Return the latent correlation that gives the differences theirs, and the cuts for won and lost."""
    from scipy.special import ndtr, ndtri

    won, lost = ndtri(1 - (world.differing + world.gain) / 2), ndtri(max((world.differing - world.gain) / 2, 1e-12))
    variance = world.differing - world.gain**2
    low, high = 0.0, 0.9999
    for _ in range(50):
        middle = (low + high) / 2
        mean = ndtr((np.sqrt(middle) * POINTS - won) / np.sqrt(1 - middle))
        mean = mean - ndtr((lost - np.sqrt(middle) * POINTS) / np.sqrt(1 - middle))
        seen = (WEIGHTS @ mean**2 - world.gain**2) / variance
        low, high = (middle, high) if seen < world.correlation else (low, middle)
    return low, won, lost


def differences(world: World, samples: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return (samples, n) differences and (n) clusters."""
    cluster = np.repeat(np.arange(world.clusters), sizes_of(world))
    if world.how == "latent" and world.correlation:
        share, won, lost = latent(world)
        common = random.standard_normal((samples, world.clusters))[:, cluster]
        value = np.sqrt(share) * common + np.sqrt(1 - share) * random.standard_normal((samples, world.rows))
        return (value > won).astype(float) - (value < lost), cluster
    value = random.random((samples, world.rows))
    if world.correlation:
        common = random.random((samples, world.clusters))[:, cluster]
        value = np.where(random.random(value.shape) < np.sqrt(world.correlation), common, value)
    return (value < (world.differing + world.gain) / 2).astype(float) - (
        value > 1 - (world.differing - world.gain) / 2
    ), cluster


def judge(world: World, samples: int, random: np.random.Generator) -> dict[str, float]:
    """Return how often each rule ships and each interval holds the true gain."""
    values, cluster = differences(world, samples, random)
    weights = np.exp(0.5 * random.standard_normal(world.rows)) if world.weighted else None
    form = design(world.rows, weights=weights, clusters=None if world.clusters == world.rows else cluster)
    found = mean_difference(values, form)
    plain = mean_difference(values, design(world.rows, weights=weights))
    usual = usual_errors(values, form)
    enough = found.mean >= MARGIN - 1e-9

    def holds(low: np.ndarray, high: np.ndarray) -> float:
        return float(((low <= world.gain + 1e-9) & (high >= world.gain - 1e-9)).mean())

    return {
        "ships": float((enough & (found.low > 0)).mean()),
        "ships by point gain": float(enough.mean()),
        "ships unclustered": float((enough & (plain.low > 0)).mean()),
        "ships by G/(G-1)": float((enough & (usual[0] > 0)).mean()),
        "above": float((found.low > world.gain + 1e-9).mean()),
        "holds": holds(found.low, found.high),
        "holds unclustered": holds(plain.low, plain.high),
        "holds by G/(G-1)": holds(*usual),
        "differing": float(np.median(found.differing)),
    }


def usual_errors(values, form) -> tuple[np.ndarray, np.ndarray]:
    """Return the textbook interval: sandwich with G/(G-1), t on G-1."""
    from scipy.special import stdtrit

    total, many = form.weights.sum(), form.clusters
    mean = values @ form.weights / total
    sums = form.sums((values - mean[:, None]) * form.weights)
    half = stdtrit(many - 1, 0.975) * np.sqrt(many / (many - 1) * (sums**2).sum(axis=1)) / total
    return mean - half, mean + half


def looks(rows: int, differing: float, many: int, samples: int, random: np.random.Generator, clusters: int = 0):
    """Return how often the best of ``many`` candidates without any gain ships: uncorrected, point gain, Holm, fresh rows.

    All candidates share the baseline's scores (60% right), as checkpoints do; with clusters, latent scores share a cluster's part
    (0.3 of the variance).
    """
    from scipy.special import ndtri

    cluster = np.arange(rows) % (clusters or rows)
    form = design(rows, clusters=cluster if clusters else None)
    share = 0.3 if clusters else 0.0

    def scores(many: int) -> np.ndarray:
        common = random.standard_normal((many, samples, clusters or rows))[..., cluster] if share else 0.0
        return np.sqrt(share) * common + np.sqrt(1 - share) * random.standard_normal((many, samples, rows))

    right = 0.6
    keep, gain = 1 - differing / 2 / right, differing / 2 / (1 - right)  # as many rows won as lost
    base = scores(1)[0] < ndtri(right)
    values = np.stack([(scores(1)[0] < np.where(base, ndtri(keep), ndtri(gain))) * 1.0 - base for _ in range(many)])
    found = mean_difference(values, form)
    p = p_not_above(found)
    best = found.mean.argmax(axis=0)
    pick = best, np.arange(samples)
    enough = found.mean[pick] >= MARGIN - 1e-9
    fresh_base = scores(1)[0] < ndtri(right)
    fresh = mean_difference((scores(1)[0] < np.where(fresh_base, ndtri(keep), ndtri(gain))) * 1.0 - fresh_base, form)
    any_holm = ((p * many <= ALPHA) & (found.mean >= MARGIN - 1e-9)).any(axis=0)
    return {
        "point": enough.mean(),
        "uncorrected": ((p <= ALPHA) & (found.mean >= MARGIN - 1e-9)).any(axis=0).mean(),
        "Holm": any_holm.mean(),
        "fresh": ((fresh.mean >= MARGIN - 1e-9) & (fresh.low > 0)).mean(),
    }


def worlds() -> list[World]:
    """Return every world without and with a gain."""
    found = []
    for rows, differing, gain in product((50, 100, 200, 500, 1000), (0.1, 0.2, 0.4), (0.0, 0.05, 0.1)):
        if gain >= differing:
            continue
        found.append(World(rows, rows, "single", differing, gain))
        found.append(World(rows, rows, "single", differing, gain, weighted=True))
        for clusters, sizes in (
            (20, "equal"), (20, "log-normal"), (20, "Zipf"), (20, "few large"),
            (rows // 5, "equal"), (rows // 5, "log-normal"), (rows // 5, "Zipf"), (rows // 5, "few large"),
        ):  # fmt: skip
            if clusters < 20 or (
                clusters == 20 and rows == 100 and found[-1].sizes == "few large" and sizes == "equal"
            ):
                continue
            for correlation, how in (
                (0.0, "latent"),
                (0.1, "latent"),
                (0.3, "latent"),
                (0.5, "latent"),
                (0.5, "copies"),
            ):
                found.append(
                    World(rows, clusters, sizes, differing, gain, correlation, how, rows == 200 and sizes == "equal")
                )
    return list(dict.fromkeys(found))


def table(head: list[str], lines: list[list[str]]) -> None:
    """Print Markdown."""
    print("\n| " + " | ".join(head) + " |\n|" + "-|" * len(head))
    for line in lines:
        print("| " + " | ".join(line) + " |")


def percent(values) -> str:
    """Mean and largest."""
    return f"{100 * np.mean(values):.1f}, {100 * np.max(values):.1f}"


def report(found: list[tuple[World, dict[str, float]]], samples: int, random: np.random.Generator) -> None:
    """Print the tables of single looks."""
    noise = 100 * np.sqrt(ALPHA * (1 - ALPHA) / samples)
    print(f"\n{len(found)} worlds, {samples} samples each; Monte Carlo error of a share of 2.5%: {noise:.2f} points")
    kinds = {
        "single rows": lambda w: w.sizes == "single",
        "equal clusters": lambda w: w.sizes == "equal",
        "log-normal clusters": lambda w: w.sizes == "log-normal",
        "few large clusters": lambda w: w.sizes == "few large",
        "Zipf's clusters": lambda w: w.sizes == "Zipf",
    }
    lines = []
    for name, of in kinds.items():
        null = [r for w, r in found if of(w) and w.gain == 0]
        lines.append([name, str(len(null)), *(percent([r[key] for r in null]) for key in
            ("ships", "above", "ships by point gain", "ships unclustered", "ships by G/(G-1)"))])  # fmt: skip
    print("\nFalse ship: the true gain is 0 (mean and largest over the worlds, %)")
    table(["rows", "worlds", "vetset", "lower bound above 0", "gain of 5 points alone", "rule, unclustered errors",
           "rule, G/(G-1) and t on G-1"], lines)  # fmt: skip
    lines = []
    for rows in (50, 100, 200, 500, 1000):
        line = [str(rows)]
        for gain, differing in ((0.05, 0.1), (0.05, 0.2), (0.1, 0.2), (0.1, 0.4)):
            single = [1 - r["ships"] for w, r in found
                if (w.rows, w.gain, w.differing, w.sizes, w.weighted) == (rows, gain, differing, "single", False)]  # fmt: skip
            several = [1 - r["ships"] for w, r in found
                if (w.rows, w.gain, w.differing, w.sizes, w.correlation) == (rows, gain, differing, "equal", 0.3)]  # fmt: skip
            line.append(f"{100 * np.mean(single):.0f} / " + (f"{100 * np.mean(several):.0f}" if several else "-"))
        lines.append(line)
    print("\nFalse hold: a true gain that is not shipped, % (single rows / equal clusters with ICC 0.3)")
    table(["rows", "gain 5, 10% differ", "gain 5, 20%", "gain 10, 20%", "gain 10, 40%"], lines)
    lines = []
    for name, of in kinds.items():
        for least, most in ((0, 5), (5, 10), (10, 20), (20, 9999)):
            some = [r for w, r in found if of(w) and least <= r["differing"] < most]
            if some:
                lines.append([name, f"{least} to {most}" if most < 9999 else f"{least} up", str(len(some)), *(
                    f"{100 * np.min([r[key] for r in some]):.1f} to {100 * np.max([r[key] for r in some]):.1f} "
                    f"(mean {100 * np.mean([r[key] for r in some]):.1f})"
                    for key in ("holds", "holds by G/(G-1)", "holds unclustered"))])  # fmt: skip
    print("\nCoverage of the 95% interval, %, by effective rows that differ (all gains)")
    table(["rows", "differ", "worlds", "vetset", "G/(G-1), t on G-1", "unclustered"], lines)
    worst = sorted((x for x in found if x[0].gain == 0), key=lambda x: -x[1]["ships"])[:5]
    print("\nThe worlds that ship nothing-gained most often, and the same with ten times as many new samples:")
    for world, first in worst:
        again = np.mean([judge(world, samples, random)["ships"] for _ in range(10)])
        print(f"  {100 * first['ships']:.2f}% then {100 * again:.2f}% in {world}")
    beyond = np.mean([r["ships"] > ALPHA + 2 * noise / 100 for w, r in found if w.gain == 0])
    print(f"worlds beyond 2.5% and two Monte Carlo errors: {beyond:.1%} (of those at exactly 2.5% it would be 2.3%)")
    low = sorted(found, key=lambda x: x[1]["holds"])[:5]
    print(
        "\nleast coverage:", *(f"{w} {100 * r['holds']:.1f} ({r['differing']:.1f} differ)" for w, r in low), sep="\n  "
    )
    inside = [0.93 <= r["holds"] <= 0.97 for w, r in found]
    enough = [0.93 <= r["holds"] <= 0.97 for w, r in found if r["differing"] >= 20]
    above = [r["holds"] >= 0.93 for w, r in found]
    print(f"\ncoverage 93-97% in {np.mean(inside):.1%} of worlds, with 20 effective differing rows {np.mean(enough):.1%}; "
          f"at least 93% in {np.mean(above):.1%}")  # fmt: skip


def main() -> None:
    """Run everything."""
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    random = np.random.default_rng(0)
    begin = time.process_time()
    report([(world, judge(world, samples, random)) for world in worlds()], samples, random)
    lines = []
    for rows, differing, clusters in ((200, 0.2, 0), (200, 0.2, 40), (50, 0.1, 0), (500, 0.3, 0), (1000, 0.2, 50)):
        for many in (1, 5, 10, 20):
            part = max(1, min(samples, 400_000 // rows))  # of what memory holds
            parts = [looks(rows, differing, many, part, random, clusters) for _ in range(-(-samples // part))]
            got = {key: np.mean([one[key] for one in parts]) for key in parts[0]}
            lines.append([str(rows), f"{differing:.0%}", str(clusters or "-"), str(many),
                          *(f"{100 * got[key]:.1f}" for key in ("point", "uncorrected", "Holm", "fresh"))])  # fmt: skip
    print("\nBest of k candidates without any gain, false ship, %")
    table(["rows", "differ", "clusters", "k", "gain of 5 points alone", "rule, uncorrected", "vetset: Holm over k",
           "vetset: fresh part"], lines)  # fmt: skip
    some = 500
    missed, once = 0, 0
    for _ in range(some):
        value = random.choice([1.0, -1.0, 0.0], 1000, p=[0.1, 0.1, 0.8])
        found = confidence_sequence(value, least=-1, most=1)
        missed += bool((found.low > 0).any() or (found.high < 0).any())
        sums, squares = np.cumsum(value), np.cumsum(value**2)
        once += bool((np.abs(sums) > 1.96 * np.sqrt(squares))[49:].any())
    print(f"\nLooking after every row from 50 to 1,000, no gain: a 95% interval for one look misses 0 at some time in "
          f"{once / some:.1%} of {some} samples, the confidence sequence in {missed / some:.1%}")  # fmt: skip
    print(f"\n{time.process_time() - begin:.0f} CPU s")


if __name__ == "__main__":
    main()
