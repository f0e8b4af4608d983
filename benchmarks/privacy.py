"""How well personal data and secrets are found: on a seeded set (``privacy_set.py``), on real prose, and how fast.

``python benchmarks/privacy.py [SEED] [--faults]``; with ``--peers``, in an environment that has them, scrubadub (Apache-2.0) and
detect-secrets (Apache-2.0) instead.
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
            if any(
                of == kind and low <= start and end <= high and high - low - end + start <= SLACK
                for kind, start, end in values
            ):
                right[of] += 1
            else:
                faults.append(("wrong", of, f"{about}: {text!r} [{text[low:high]!r}]"))
    table = {
        kind: {
            "planted": planted[kind],
            "recall": hit[kind] / max(planted[kind], 1),
            "precision": right[kind] / max(told[kind], 1),
        }
        for kind in KINDS
    }
    table["whole"] = {
        "planted": planted.total(),
        "recall": hit.total() / planted.total(),
        "precision": right.total() / max(told.total(), 1),
    }
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
        "arabic_sentiment": column(
            "tweet", next(str(p.relative_to(DATA)) for p in sorted((DATA / "arabic_sentiment").glob("*rain*.csv")))
        ),
        "gsm8k": lines(
            next(str(p.relative_to(DATA)) for p in sorted((DATA / "math_contamination").rglob("*rain*.jsonl"))),
            "question",
            "answer",
        ),
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


def touched(find: Find, made: list[Sample], kind: str) -> tuple[float, float]:
    """Return the share of texts with a kind in which something is found of it, and of texts with nothing in which it is.

    The mildest way to count, for peers: where a value begins and ends is not asked.
    """
    holding = [text for text, values, _ in made if any(of == kind for of, *_ in values)]
    clean = [text for text, values, _ in made if not values]
    return tuple(
        sum(any(of == kind for of, *_ in find(text)) for text in texts) / len(texts) for texts in (holding, clean)
    )


def peers() -> dict[str, tuple[Find, tuple[str, ...]]]:
    """Return what peers can be imported find, and the kinds that they know."""
    found: dict[str, tuple[Find, tuple[str, ...]]] = {}
    try:
        import scrubadub
    except ImportError:
        pass
    else:
        names = {"email": "email", "credit_card": "card", "phone": "phone", "social_security_number": "ssn"}
        scrubber = scrubadub.Scrubber(
            locale="en_US",
            detector_list=[
                scrubadub.detectors.EmailDetector(locale="en_US"),
                scrubadub.detectors.CreditCardDetector(locale="en_US"),
                scrubadub.detectors.PhoneDetector(locale="en_US"),
                scrubadub.detectors.en_US.SocialSecurityNumberDetector(locale="en_US"),
            ],
        )
        found["scrubadub"] = (
            lambda text: [(names.get(each.type, each.type), each.beg, each.end) for each in scrubber.iter_filth(text)],
            ("email", "card", "ssn", "phone"),
        )
    try:
        from detect_secrets.core.scan import scan_line
        from detect_secrets.settings import default_settings
    except ImportError:
        pass
    else:
        kinds = {"Private Key": "private_key", "Basic Auth Credentials": "url_credentials"}

        def secrets(text: str) -> list[tuple[str, int, int]]:
            with default_settings():
                told = [each for line in text.splitlines() for each in scan_line(line)]
            return [(kinds.get(each.type, "secret"), 0, len(text)) for each in told]

        found["detect-secrets"] = (secrets, ("secret", "private_key", "url_credentials"))
    return found


def table(found: Find, made: list[Sample]) -> None:
    of_kinds, faults = score(found, made)
    print("| kind | planted | recall | precision |\n|-|-|-|-|")
    for kind, of in of_kinds.items():
        print(f"| {kind} | {of['planted']:,} | {of['recall']:.4f} | {of['precision']:.4f} |")
    for fault in faults if "--faults" in sys.argv else []:
        print(*fault[:2], fault[2][-600:])


def main() -> None:
    seed = int(next((word for word in sys.argv[1:] if word.isdigit()), 1))
    made = samples(seed=seed, each=400)
    if "--peers" in sys.argv:
        finders = peers()
    else:
        from vetset.curate.privacy import find

        table(find, made)
        finders = {"vetset": (find, KINDS)}
    for name, (found, kinds) in finders.items():
        for kind in kinds:
            here, clean = touched(found, made, kind)
            print(
                f"{name}: {kind} told in {here:.1%} of the texts that hold one and in {clean:.2%} of those that hold nothing"
            )
        print(
            f"{name}: {cost(found, [sample.text for sample in made], 1):,.0f} CPU microseconds a KB of the seeded set"
        )
        for which, texts in prose().items():
            flagged = [(text, list(found(text))) for text in texts]
            flagged = [(text, told) for text, told in flagged if told]
            print(f"{name}: {which}: {len(flagged)} of {len(texts):,} flagged ({len(flagged) / len(texts):.2%})")
            if "--peers" not in sys.argv:
                print(f"  {cost(found, texts):.0f} CPU microseconds a KB")
                for text, told in flagged[:30] if "--faults" in sys.argv else []:
                    print("  ", [(kind, text[max(start - 25, 0) : end + 12]) for kind, start, end in told][:3])


if __name__ == "__main__":
    main()
