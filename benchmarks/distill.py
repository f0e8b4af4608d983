"""What `vetset distill` costs and holds to: reruns without a call, kills, faults, speed, and how near its plan comes.

    python benchmarks/distill.py [rerun] [faults] [speed] [plan] [kills] [--kills 100]

The teacher is a server on this machine (tests/evaluate/fault_server.py) that joins halves of real questions of the label that is
asked for (PolyAI's banking data, ../shared/data/bank_intents): all gates look at texts as they are. Each command of vetset is a
process of its own; its CPU is what the kernel counts for it, start and imports with it.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from hashlib import sha256
from pathlib import Path

from vetset.tests.evaluate.distill_victims import LIBRARIES, killed_often
from vetset.tests.evaluate.fault_server import Faults, serving
from vetset.tests.test_kill import FORKER, Verbs

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "bank_intents" / "train.csv"
LABELS, SEEDS = 50, 30
RECIPE = """
seeds = "seeds.vet"
accepted = {accepted}

[teacher]
model = "openai:tiny@{url}"
concurrency = {at_once}
max_tokens = 64
seed = 1

[plan]
kind = "labelled"
instruction = "A question that a customer sends to a bank's support"
attempts = 4

[plan.grid]
label = ["*"]
"""


class Teacher:
    """Joins halves of real questions; what it says hangs on the call alone."""

    def __init__(self, rows: list[dict[str, str]]) -> None:
        """Take the questions that are no seeds."""
        self.texts: dict[str, list[str]] = {}
        for row in rows:
            self.texts.setdefault(row["category"], []).append(row["text"])
        self.calls: Counter[str] = Counter()
        self.tokens = 0

    def __call__(self, body: dict) -> tuple[int, dict, dict]:
        """Reply to a call."""
        said = body["messages"][-1]["content"]
        label = re.search(r'Its label is "([^"]+)"', said)[1]
        draw = random.Random(sha256(json.dumps([said, body.get("seed")]).encode()).hexdigest())
        one, other = (draw.choice(self.texts[label]).split() for _ in range(2))
        text = " ".join([*one[: len(one) // 2 + 1], *other[len(other) // 2 :]])
        reply = json.dumps({"text": text}) if draw.random() > 0.03 else "No."
        usage = {"prompt_tokens": len(json.dumps(body["messages"])) // 4, "completion_tokens": len(reply) // 4 + 1}
        self.calls[json.dumps([said, body.get("seed")])] += 1
        self.tokens += sum(usage.values())
        message = {"role": "assistant", "content": reply}
        return 200, {}, {"model": "tiny", "choices": [{"message": message, "finish_reason": "stop"}], "usage": usage}


def prepare(folder: Path) -> list[dict[str, str]]:
    """Make the set of seeds; return the other questions of its labels."""
    with DATA.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    labels = [label for label, _ in Counter(row["category"] for row in rows).most_common(LABELS)]
    own = {label: [row for row in rows if row["category"] == label] for label in labels}
    with (folder / "seeds.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["text", "category"])
        writer.writeheader()
        for label in labels:
            writer.writerows(own[label][:SEEDS])
    vetset("read", folder / "seeds.csv", "-o", folder / "seeds.vet", "--label", "category")
    return [row for label in labels for row in own[label][SEEDS:]]


def vetset(*words: object) -> tuple[dict, float, float]:
    """Run a command; return its JSON, CPU seconds and wall seconds."""
    command = [sys.executable, "-c", "from vetset.app.cli import main; main()", *map(str, words), "--json"]
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout), cpu, time.perf_counter() - begun


def write(folder: Path, url: str, *, accepted: int, at_once: int = 64, name: str = "bank", more: str = "") -> Path:
    """Write a recipe."""
    path = folder / f"{name}.toml"
    path.write_text(RECIPE.format(url=url, accepted=accepted, at_once=at_once) + more, encoding="utf-8")
    return path


def rerun(folder: Path, rows: list[dict[str, str]]) -> None:
    """5,000 rows, the same again, 10% more, and everything read and judged anew."""
    with serving(Faults(latency=0.01), keep=False) as server:
        server.reply = teacher = Teacher(rows)
        recipe = write(folder, server.url, accepted=100)
        report, cpu, wall = vetset("distill", recipe)
        told(
            f"{report['accepted']:,} of {report['wanted']:,} rows, {report['planned']:,} drafts",
            report["calls"],
            cpu,
            wall,
        )
        told("  by gate: " + ", ".join(f"{gate} {count}" for gate, count in report["gates"].items()))
        again, cpu, wall = vetset("distill", recipe)
        told("the same again", again["calls"], cpu, wall)
        asked = set(teacher.calls)
        anew, cpu, wall = vetset("distill", recipe, "--anew")
        told("replies read and judged anew", anew["calls"], cpu, wall)
        same = {name: anew[name] for name in ("accepted", "gates")} == {
            name: report[name] for name in ("accepted", "gates")
        }
        told(f"  the same outcome: {same}")
        write(folder, server.url, accepted=110)
        more, cpu, wall = vetset("distill", recipe)
        new = len(set(teacher.calls) - asked)
        told(
            f"10% more: {more['accepted']:,} rows, {more['planned'] - report['planned']:,} more drafts",
            more["calls"],
            cpu,
            wall,
        )
        told(
            f"  calls that were not asked before: {new:,}; asked twice: {sum(one > 1 for one in teacher.calls.values())}"
        )


def faults(folder: Path, rows: list[dict[str, str]]) -> None:
    """2% 500, 1% 429, 1% dropped connections, 1% cut replies."""
    for seed in range(3):
        shaky = Faults(latency=0.05, error=0.02, busy=0.01, drop=0.01, cut=0.01, seed=seed)
        with serving(shaky, keep=False) as server:
            teacher = Teacher(rows)
            server.speaks = lambda body, teacher=teacher: teacher(body)[2]
            recipe = write(folder, server.url, accepted=20, name=f"faults{seed}")
            report, cpu, wall = vetset("distill", recipe)
            told(
                f"seed {seed}: {report['accepted']:,} of {report['wanted']:,} rows, {report['failed']} failed, of "
                f"{report['planned']:,} drafts; server said {dict(server.told)}", report["calls"], cpu, wall,
            )  # fmt: skip


def speed(folder: Path, rows: list[dict[str, str]]) -> None:
    """How near a run comes to what the server could answer, and what a call costs, gates and imports with it."""
    for at_once, latency, accepted in ((64, 0.2, 40), (256, 0.5, 80)):
        with serving(Faults(latency=latency), keep=False) as server:
            server.reply = Teacher(rows)
            recipe = write(folder, server.url, accepted=accepted, at_once=at_once, name=f"speed{at_once}")
            server.at.clear()
            report, cpu, wall = vetset("distill", recipe)
            first = server.at[: LABELS * accepted]  # of the first round: what follows waits for few
            rate = len(first) / (first[-1] - first[0] + latency)
            told(
                f"{at_once} x {latency * 1000:.0f} ms: {rate / (at_once / latency):.0%} of the most in the first round",
                report["calls"],
                cpu,
                wall,
            )


def plan(folder: Path, rows: list[dict[str, str]]) -> None:
    """A plan by 16 and 32 probes against what the run then takes."""
    for probes in (16, 32):
        with serving(Faults(latency=0.01), keep=False) as server:
            server.reply = teacher = Teacher(rows)
            recipe = write(folder, server.url, accepted=20, name=f"plan{probes}")
            planned, _, _ = vetset("distill", recipe, "--plan", "--probe", probes)
            spent = teacher.tokens
            report, cpu, wall = vetset("distill", recipe)
            ahead, real = planned["estimate"]["tokens"]["value"] + spent, teacher.tokens
            told(
                f"{probes} probes: {ahead:,.0f} tokens planned, {real:,} taken, {ahead / real - 1:+.1%}",
                report["calls"],
                cpu,
                wall,
            )


def kills(folder: Path, count: int) -> None:
    """Kill -9 at random moments."""
    command = [sys.executable, "-c", FORKER, "polars", "numba", "vetset.curate.checking", *LIBRARIES]
    began = time.monotonic()
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=subprocess.DEVNULL, text=True) as forker:
        assert forker.stdout.readline() == "ready\n"
        verbs = Verbs(forker, time.monotonic() - began, folder / "out")
        with DATA.open(encoding="utf-8", newline="") as file:
            lines = [row for row in csv.DictReader(file) if row["category"] in ("card_arrival", "exchange_rate")]
        with (folder / "two.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, ["text", "category"])
            writer.writeheader()
            writer.writerows(lines)
        vetset("read", folder / "two.csv", "-o", folder / "two.vet", "--label", "category")
        with serving(Faults(latency=0.02), keep=False) as server:
            found = killed_often(
                verbs, server, folder / "kills", folder / "two.vet", kills=count, accepted=60, at_once=8
            )
        forker.stdin.close()
    told(
        f"{found.kills} kills of {found.calls} calls: lost {found.lost}, same bytes {found.same}, paid again {found.paid_again} "
        f"(in flight at most {found.in_flight}), of these not listed {found.unlisted}"
    )


def told(what: str, calls: int | None = None, cpu: float = 0.0, wall: float = 0.0) -> None:
    """Print a line of the table."""
    each = f", {cpu / calls * 1000:.2f} ms a call" if calls else ""
    print(what if calls is None else f"{what}: {calls:,} calls, {cpu:.2f} CPU s{each}, {wall:.2f} s", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", default=["rerun", "faults", "speed", "plan", "kills"])
    parser.add_argument("--kills", type=int, default=100)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        where = Path(place)
        others = prepare(where)
        for part in given.parts:
            print(f"## {part}", flush=True)
            kills(where, given.kills) if part == "kills" else globals()[part](where, others)
