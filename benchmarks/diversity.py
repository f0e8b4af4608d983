"""How diverse texts are: real sets beside themselves, and planted collapse beside them; CPU seconds of the measuring.

    python benchmarks/diversity.py [--encoder FOLDER] [--rows 2000]

The texts are those of the public samples. Collapse: ten rows of the set, each said again with another name and last word; some
rows collapsed and the rest real; rows of one label in seven; each real row said twice.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path

from vetset.curate.distill.diversity import Diversity, diversity
from vetset.curate.embed.encoder import Found, find_encoder

DATA = Path(os.environ.get("VETSET_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
NAMES = ["Anna", "Bob", "Carl", "Dora", "Emil", "Fay", "Gus", "Hal", "Ivy", "Joe"]
ENDINGS = ["please", "thanks", "now", "today", "asap"]


def main() -> None:
    """Print the tables."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--encoder", default="tfidf")
    arguments.add_argument("--rows", type=int, default=2_000)
    given = arguments.parse_args()
    found = find_encoder(given.encoder)
    print(
        "| set | made rows | distinct-1/2/3 | real | compression | real | nearest | real | near | real | Vendi | real",
        end=" ",
    )
    print("| regions held | outside 95/99% | CPU s | told |")
    print("|-" * 17 + "|")
    for name, read in SETS.items():
        texts = shuffled(read(), seed=0)
        half = min(given.rows, len(texts) // 2)
        made, real = texts[:half], texts[half : 2 * half]
        row(name, "the other half", made, real, found)
        if name in ("bank intents", "GSM8K"):
            row(name, "1 in 10 collapsed", [*made[half // 10 :], *collapsed(made, half // 10)], real, found)
            row(name, "half collapsed", [*made[half // 2 :], *collapsed(made, half // 2)], real, found)
            row(name, "all collapsed", collapsed(made, half), real, found)
            row(name, "each twice", [*made[: half // 2]] * 2, real, found)
            row(name, "the real rows", [f"{text} " for text in real], real, found)
    bank = shuffled(bank_rows(), seed=0)
    labels = sorted({label for _, label in bank})[:11]
    few = [text for text, label in bank if label in labels]
    row("bank intents", "11 of 77 labels", few, [text for text, _ in bank if text not in set(few)][:2_000], found)
    speed(found)


def row(name: str, what: str, made: list[str], real: list[str], found: Found) -> None:
    """Print one line."""
    seconds, result = timed(lambda: diversity(made, real, encoder=found.encoder, name=found.name))
    assert result.real is not None
    assert result.reach is not None
    one, other, reach = result.made, result.real, result.reach
    cells = [
        name, f"{what}, {len(made):,}", distinct(one.wording.distinct), distinct(other.wording.distinct),
        f"{one.wording.compression:.2f}", f"{other.wording.compression:.2f}",
        f"{one.spread.nearest:.2f}", f"{other.spread.nearest:.2f}", f"{one.spread.near:.0%}", f"{other.spread.near:.0%}",
        f"{one.spread.vendi:.0f}", f"{other.spread.vendi:.0f}", f"{reach.covered:.0%} of {len(reach.regions)}",
        f"{reach.outside[0]:.0%} / {reach.outside[1]:.0%}", f"{seconds:.1f}",
        "nothing" if "Nothing stands" in result.sentences[0] else f"{len(result.sentences)}",
    ]  # fmt: skip
    print("| " + " | ".join(cells) + " |", flush=True)


def distinct(shares: tuple[float | None, ...]) -> str:
    """Return shares as they are shown."""
    return " ".join("-" if share is None else f"{share:.3f}"[1:] for share in shares)


def speed(found: Found) -> None:
    """Print the CPU seconds of 10,000 made texts beside 10,000 real ones."""
    texts = shuffled([text for text, _ in bank_rows()] + chat(), seed=0)[:20_000]
    seconds, _ = timed(lambda: diversity(texts[:10_000], texts[10_000:], encoder=found.encoder, name=found.name))
    print(f"\n10,000 made texts beside 10,000 real ones: {seconds:.1f} CPU s with {found.name}")


def timed(make: Callable[[], Diversity]) -> tuple[float, Diversity]:
    """Return CPU seconds and what was made."""
    start = time.process_time()
    result = make()
    return time.process_time() - start, result


def collapsed(texts: list[str], count: int) -> list[str]:
    """Return ten texts again and again with small changes."""
    draw = random.Random(1)
    return [f"{texts[at % 10].rstrip('?.')} {draw.choice(NAMES)}, {draw.choice(ENDINGS)}" for at in range(count)]


def shuffled(things: list, *, seed: int) -> list:
    """Return them in another order."""
    return random.Random(seed).sample(things, len(things))


def bank_rows() -> list[tuple[str, str]]:
    """Texts and labels of BANKING77."""
    with (DATA / "bank_intents" / "train.csv").open(encoding="utf-8") as file:
        return [(line["text"], line["category"]) for line in csv.DictReader(file)]


def chat() -> list[str]:
    """Distinct customer turns."""
    found: dict[str, None] = {}
    for path in sorted((DATA / "support_chat").rglob("*.tsv")):
        with path.open(encoding="utf-8", newline="") as file:
            found |= dict.fromkeys(line.get("utterance") or "" for line in csv.DictReader(file, delimiter="\t"))
    return [text for text in found if text]


def gsm8k() -> list[str]:
    """Questions."""
    lines = (DATA / "math_contamination" / "gsm8k" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["question"] for line in lines]


def alpaca_zh() -> list[str]:
    """Chinese instructions."""
    path = next((DATA / "llm_formats").rglob("alpaca_zh*.json"))
    return [line["instruction"] for line in json.loads(path.read_text(encoding="utf-8"))]


def tweets() -> list[str]:
    """Arabic tweets."""
    path = next((DATA / "arabic_sentiment").rglob("*train*.csv"))
    with path.open(encoding="utf-8") as file:
        return [line["tweet"] for line in csv.DictReader(file)]


SETS = {
    "bank intents": lambda: [text for text, _ in bank_rows()],
    "support chat": chat,
    "GSM8K": gsm8k,
    "alpaca_zh": alpaca_zh,
    "Arabic tweets": tweets,
}

if __name__ == "__main__":
    main()
