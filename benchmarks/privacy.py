"""How well personal data and secrets are found: on a seeded set (``privacy_set.py``), on real prose, and how fast.

``python benchmarks/privacy.py [--peers]``; peers (scrubadub, detect-secrets) are asked where they can be imported.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from privacy_set import KINDS, Sample, samples

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SLACK = 3  # characters that a finding may hold beside the value: a bracket, a sign
Find = Callable[[str], Iterable[tuple[str, int, int]]]


def score(found_in: Find, made: list[Sample]) -> tuple[dict[str, dict[str, float]], list[tuple[str, str, str]]]:
    """Return recall and precision by kind and whole, and what went wrong: (missed or wrong, kind, text).

    A value counts as found where a finding of its kind holds all of it and at most ``SLACK`` characters more.
    """
    planted, hit, told, right = Counter(), Counter(), Counter(), Counter()
    faults = []
    for text, values, about in made:
        found = [tuple(each) for each in found_in(text)]
        for kind, start, end in values:
            planted[kind] += 1
            if any(of == kind and low <= start and end <= high for of, low, high in found):
                hit[kind] += 1
            else:
                faults.append(("missed", kind, f"{text!r} [{text[start:end]!r}]"))
        for of, low, high in found:
            told[of] += 1
            if any(of == kind and low <= start and end <= high and high - low - end + start <= SLACK for kind, start, end in values):
                right[of] += 1
            else:
                faults.append(("wrong", of, f"{about}: {text!r} [{text[low:high]!r}]"))
    table = {
        kind: {"planted": planted[kind], "recall": hit[kind] / max(planted[kind], 1), "precision": right[kind] / max(told[kind], 1)}
        for kind in KINDS
    }
    table["whole"] = {
        "planted": planted.total(), "recall": hit.total() / planted.total(), "precision": right.total() / max(told.total(), 1),
    }  # fmt: skip
    return table, faults


def prose() -> dict[str, list[str]]:
    """Return real texts by set. In none of them should there be personal data, but for what the figures name."""
    def column(name: str, path: str, delimiter=",") -> list[str]:
        with (DATA / path).open(encoding="utf-8", newline="") as lines:
            csv.field_size_limit(10**9)
            return [row[name] for row in csv.DictReader(lines, delimiter=delimiter) if row[name]]

    def lines(path: str, *names: str) -> list[str]:
        rows = [json.loads(line) for line in (DATA / path).read_text(encoding="utf-8").splitlines()]
        return [row[name] for row in rows for name in names if isinstance(row.get(name), str)]

    pubmed = json.loads((DATA / "pubmedqa/ori_pqal.json").read_text(encoding="utf-8"))
    return {
        "bank_intents": column("text", "bank_intents/train.csv"),
        "arabic_sentiment": column("tweet", next(str(p.relative_to(DATA)) for p in sorted((DATA / "arabic_sentiment").glob("*rain*.csv")))),
        "gsm8k": lines(next(str(p.relative_to(DATA)) for p in sorted((DATA / "math_contamination").rglob("*rain*.jsonl"))), "question", "answer"),
        "pubmedqa": ["\n".join(each["CONTEXTS"]) for each in pubmed.values()],
    }


def cost(find: Find, texts: list[str], turns: int = 3) -> float:
    """Return CPU microseconds a KB (1,024 characters), the least of some turns."""
    kilobytes = sum(map(len, texts)) / 1024
    best = float("inf")
    for _ in range(turns):
        start = time.process_time()
        for text in texts:
            find(text)
        best = min(best, time.process_time() - start)
    return best / kilobytes * 1e6


def main() -> None:
    from vetset.curate.privacy import find

    made = samples(seed=int(next((a for a in sys.argv[1:] if a.isdigit()), 1)), each=400)
    table, faults = score(find, made)
    print("| kind | planted | recall | precision |\n|-|-|-|-|")
    for kind, of in table.items():
        print(f"| {kind} | {of['planted']:,} | {of['recall']:.4f} | {of['precision']:.4f} |")
    if "--faults" in sys.argv:
        for fault in faults:
            print(*(part[:400] for part in fault[:2]), fault[2][-600:])
    print(f"\nCPU microseconds a KB on the seeded set: {cost(find, [sample.text for sample in made]):.0f}")
    for name, texts in prose().items():
        flagged = [(text, list(find(text))) for text in texts]
        flagged = [(text, found) for text, found in flagged if found]
        print(f"{name}: {len(flagged)} of {len(texts):,} flagged ({len(flagged) / len(texts):.2%}), {cost(find, texts, 1):.0f} us a KB")
        for text, found in flagged[:30] if "--faults" in sys.argv else []:
            print("   ", [(each.kind, text[max(each.start - 25, 0) : each.end + 12]) for each in found][:3])


if __name__ == "__main__":
    main()
