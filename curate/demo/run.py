"""The verb ``demo``: write the sample set, run the main job on it, and hold what was found against what was planted."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..checking import check
from ..dataset import Dataset
from ..decisions.deciding import decide_by_policy
from ..exports.exporting import ExportResult, export
from ..exports.provenance import verify
from ..reading.reader import read
from ..rules import RULES
from ..splits.splitting import SetSplit, split
from ..wording import shell
from .generator import HELD_OUT, TICKETS, Planted, generate

SENTENCES = (
    "leakage.ngram", "leakage.contained", "leakage.masked", "duplicates.contained", "duplicates.boilerplate",
    "labels.outlier", "labels.rare", "labels.suspect", "labels.ambiguous", "labels.annotator",
    "privacy.email", "privacy.phone",
)  # fmt: skip
"""Rules that the demo leaves out: its tickets are put together from a stock of sentences, which these find, and rightly; but
how many sentences two tickets share is drawn and not planted. So is how many tickets in Arabic or Spanish share no word with the
rest, how many of the held-out ones have a label, and how many name an address or a number to answer to."""

COUNTED = [name for name, rule in RULES.items() if rule.default and name not in SENTENCES]
"""Rules whose findings the demo counts against what was planted."""


@dataclass(frozen=True)
class Found:
    """Rows that a rule found in a file, beside the rows that were planted for it."""

    file: str
    rule: str
    planted: int
    found: int


@dataclass(frozen=True)
class DemoResult:
    """Everything that the demo did."""

    folder: Path
    planted: Planted
    found: list[Found]
    settled: int
    """Rows that the policy settled."""
    split: SetSplit
    export: ExportResult
    verified: bool

    @property
    def all_found(self) -> bool:
        """Whether every planted flaw was found, and nothing else."""
        return all(line.found == line.planted for line in self.found) and self.verified

    def summary(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "folder": str(self.folder), "found": [asdict(line) for line in self.found], "all_found": self.all_found,
            "settled": self.settled, "split": self.split.summary(), "export": self.export.summary(),
            "verified": self.verified, "left_out": list(SENTENCES), "next": self.next_commands(),
        }  # fmt: skip

    def next_commands(self) -> list[str]:
        """Return three commands to try next."""
        tickets = self.folder / "tickets.vet"
        dataset = Dataset.open(tickets)
        assert dataset.findings is not None  # noqa: S101 - the demo has checked it
        row = dataset.findings.filter(dataset.findings["rule"] == "labels.conflict")["id"][0]
        return [
            f"vetset why {shell(tickets)} {row}",
            f"vetset decide {shell(tickets)} --rule quality.template --action drop",
            "vetset read YOUR_FILE -o yours.vet && vetset check yours.vet",
        ]


def run_demo(folder: str | Path, *, seed: int = 0, say: Callable[[str], None] = lambda _: None) -> DemoResult:
    """Generate, read, check, decide, split, export and verify in ``folder``.

    Raises:
        UsageError: the folder holds files that the demo did not write.
    """
    folder = Path(folder)
    planted = generate(folder, seed=seed)
    say(f"{sum(planted.rows.values()):,} rows with planted flaws written to {folder}")
    found = []
    for file in planted.files:
        made = folder / f"{Path(file).stem}.vet"
        shutil.rmtree(made, ignore_errors=True)  # an earlier demo's: its split would leave other rows to find
        result = read([folder / file], made)
        found.append(Found(file, "rejects", planted.rejects.get(file, 0), result.rejects))
        against = [folder / HELD_OUT] if file == TICKETS else []
        counts = check(result.dataset, select=COUNTED, against=against).counts()
        expected = planted.expected.get(file, {})
        found += [
            Found(file, rule, expected.get(rule, 0), counts[rule]["rows"])
            for rule in counts
            if expected.get(rule) or counts[rule]["rows"]
        ]
    say("read and checked; now settling by policy, splitting, exporting")
    dataset = Dataset.open(folder / f"{Path(TICKETS).stem}.vet")
    settled = len(decide_by_policy(dataset).seqs)
    parted = split(dataset, seed=seed)
    exported = export(dataset, folder / "vetted", seed=seed)
    return DemoResult(folder, planted, found, settled, parted, exported, verify(exported.folder).ok)
