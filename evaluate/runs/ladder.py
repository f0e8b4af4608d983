"""The ladder: the cheaper ways to the same answer, each a run of its own, and the best of them, which a fine-tune has to beat."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...curate import disk
from ...curate.errors import DataError, StaleError, UsageError, quote
from ...curate.wording import shell
from ..evalsets.evalset import EvalSet
from .naming import plain_name
from .results import Run
from .run_score import run_score

FILES = "*ladder*.json"
"""Of a folder of runs: a ladder for each part and prefix, and ``ladder.json`` of an older vetset."""
FORMAT = 1


@dataclass(frozen=True)
class Rung:
    """One step: a run, and what it came to."""

    rung: str
    run: str
    """Name of the run's folder, beside the ladder's file."""
    candidate: bool
    """Whether it is the one that has to beat the others."""
    score: float
    low: float
    high: float
    """Of the 95% interval."""
    rows: int
    failed: int
    """Answers that never came."""
    unscored: int
    """Answers that count as 0, as nothing in them could be scored."""
    tokens: float | None
    """A call, prompt and answer."""
    seconds: float | None
    """A call, in the mean."""
    cost: float | None
    """A call."""


@dataclass(frozen=True)
class Ladder:
    """All rungs of one model on one part of one eval set."""

    folder: Path
    evalset: dict[str, Any]
    scorer: str
    rungs: list[Rung]
    file: str = "ladder.json"

    @property
    def path(self) -> Path:
        """Where it stands."""
        return self.folder / self.file

    @property
    def best_cheaper(self) -> Rung:
        """The best of all that need no training; of equals the one that takes fewer tokens."""
        cheaper = [rung for rung in self.rungs if not rung.candidate]
        return max(cheaper, key=lambda rung: (rung.score, -(rung.tokens or 0)))

    @property
    def candidate(self) -> Rung | None:
        """The fine-tuned one, where there is one."""
        return next((rung for rung in self.rungs if rung.candidate), None)

    def summary(self) -> dict[str, Any]:
        """Return it as JSON values: what its file holds."""
        return {
            "format": FORMAT, "evalset": self.evalset, "scorer": self.scorer, "best_cheaper": self.best_cheaper.run,
            "candidate": self.candidate.run if self.candidate else None, "rungs": [asdict(rung) for rung in self.rungs],
        }  # fmt: skip


def climb(
    evalset: EvalSet,
    steps: Sequence[tuple[str, bool, Callable[[], Run]]],
    *,
    out: str | Path,
    prefix: str | None = None,
) -> Ladder:
    """Make a run of each step and write ``OUT/ladder-PART.json``.

    The best of several rungs is picked on the rows that it is then compared on, so its score is a little flattered: that errs
    against the candidate.

    Args:
        evalset: frozen; what all runs are made on.
        steps: name, whether it is the candidate, and what makes the run.
        out: the folder of runs.
        prefix: what the file's name begins with, so that several ladders have a place in one folder.

    Raises:
        UsageError: there is no step but the candidate.
    """
    if all(candidate for _, candidate, _ in steps):
        raise UsageError("a ladder needs a rung besides the candidate; give one, such as bare.")
    rungs, told, scorer = [], {}, ""
    for name, candidate, make in steps:
        run = make()
        told, scorer = run.manifest["evalset"], str(run.manifest["primary"])
        rungs.append(_rung(name, run, candidate))
    if told.get("digest") != evalset.digest:
        raise StaleError(f"{evalset.folder} was frozen anew while the ladder ran; run it again.")
    file = f"{'' if prefix is None else plain_name(prefix) + '-'}ladder-{told['part']}.json"
    ladder = Ladder(Path(out), told, scorer, rungs, file)
    text = json.dumps(ladder.summary(), indent=1, ensure_ascii=False) + "\n"
    disk.write_whole(ladder.path, lambda path: path.write_text(text, encoding="utf-8"))
    return ladder


def ladders(folder: str | Path) -> list[Ladder]:
    """Return the ladders of a folder of runs, by name.

    Raises:
        DataError: one is damaged, or a newer vetset wrote it.
    """
    return [_read(path) for path in sorted(Path(folder).glob(FILES))]


def open_ladder(place: str | Path) -> Ladder:
    """Open a ladder: a file, or the only one of a folder of runs.

    Raises:
        UsageError: there is none, or there are several.
        DataError: it is damaged, or a newer vetset wrote it.
    """
    place = Path(place)
    found = [place] if place.is_file() else sorted(place.glob(FILES))
    if not found:
        raise UsageError(
            f"{place} holds no ladder; make one with `vetset eval MODEL --on EVALSET --ladder -o {shell(place)}`."
        )
    if len(found) > 1:
        raise UsageError(f"{place} holds several ladders; name one of {', '.join(str(path) for path in found)}.")
    return _read(found[0])


def _read(path: Path) -> Ladder:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["format"] != FORMAT:
            raise DataError(f"{path} has format {found['format']!r}, this vetset reads {FORMAT}; update vetset.")
        rungs = [Rung(**rung) for rung in found["rungs"]]
        return Ladder(path.parent, found["evalset"], found["scorer"], rungs, path.name)
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            f"{path} is damaged ({type(error).__name__}); run `vetset eval --ladder` again: nothing is paid for twice."
        ) from error


def best_cheaper_rung(place: str | Path) -> Run:
    """Return the run of the best rung that needs no training: what a candidate has to beat.

    Args:
        place: a ladder, or the folder of runs with the only one.

    Raises:
        UsageError: there is no ladder, there are several, or the run has gone.
        DataError: it is damaged, or names a run that lies elsewhere.
    """
    ladder = open_ladder(place)
    rung = ladder.best_cheaper
    if Path(rung.run).name != rung.run or rung.run in ("", ".."):
        raise DataError(f"{ladder.path} names {quote(rung.run)}, which is no run of its folder; run the ladder again.")
    return Run.open(ladder.folder / rung.run)


def _rung(name: str, run: Run, candidate: bool) -> Rung:
    results, counts = run.results, run.manifest["counts"]
    found = run_score(run)
    tokens = (results["prompt_tokens"] + results["completion_tokens"]).drop_nulls()
    return Rung(
        name, run.folder.name, candidate, found.mean, found.low, found.high, found.rows, counts["error"],
        counts["unparsed"] + counts["truncated"] + counts["refused"],
        _mean(tokens), _mean(results["seconds"]), _mean(results["cost"]),
    )  # fmt: skip


def _mean(column: Any) -> float | None:
    value = column.mean()
    return None if value is None else float(value)
