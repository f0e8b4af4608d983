"""One run: a frozen eval set asked of one model with one prompt, scored and written down."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from ...curate.errors import GateError, StaleError, UsageError, quote
from ...curate.masking import mask
from ...curate.version import version
from ...curate.wording import counted, shell
from ..evalsets.evalset import EvalSet, Part
from ..evalsets.fresh_part import fresh_part
from ..evalsets.touches import MOST_LOOKS, candidate_digest, looks, touch
from ..models.calling import answer_all
from ..models.journal import Journal
from ..models.keys import keys
from ..models.protocol import Answer, Model, Parameters, Request
from ..scorers.case import Scorer
from ..scorers.figures import run_figures
from ..scorers.prices import Prices
from .asking import ask
from .naming import default_name, plain_name
from .prompts import Prompt
from .results import Run, save_run
from .scoring import score
from .training_data import TrainingData

Progress = Callable[[int, int, Answer], None]
"""Is told how many of the calls that were to be made are answered, and the last answer."""


def evaluate(
    evalset: EvalSet,
    model: Model,
    *,
    part: Part = "dev",
    scorers: Sequence[Scorer],
    prompt: Prompt | None = None,
    parameters: Parameters | None = None,
    samples: int = 1,
    journal: Journal | str | Path | None = None,
    name: str | None = None,
    out: str | Path = "runs",
    digest: str | None = None,
    train: TrainingData | None = None,
    gold: str | None = None,
    prices: Prices | None = None,
    baseline: bool = False,
    by: str = "",
    cache: Path | None = None,
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
    replace: bool = False,
) -> Run:
    """Ask a model all rows of a part, score the answers and write the run ``OUT/NAME.run``.

    What was answered before is read from the journal, so the same run again calls nothing and writes the same results.

    Args:
        evalset: frozen.
        model: who is asked.
        part: ``dev`` while one works; ``ship`` is one look, which the eval set's ledger keeps.
        scorers: the primary one first.
        prompt: what stands around the questions; the questions alone for ``None``.
        parameters: of every call.
        samples: answers a row, for pass@k or to see how much answers vary; over 1 needs a temperature over 0.
        journal: where answers are kept; ``OUT/journal.jsonl`` for ``None``.
        name: of the run; that of the model, the prompt and the part for ``None``.
        out: the folder of runs.
        digest: what the eval set's digest has to begin with: a script names it, so that a set that was frozen anew is noticed.
        train: what the model was trained on, where it is known (``training_data``).
        gold: where a row says which document answers it: a column, or a key of its ``extra``; its ``source`` for ``None``.
        prices: what tokens cost, with a price of this model.
        baseline: it is what a candidate has to beat: its look is noted, and costs no candidate anything.
        by: who runs it, for the ledger.
        cache: a folder to keep vectors in.
        progress: told after each answer that was asked for now.
        say: is told which of these calls were sent before and never answered, before they are sent again.
        replace: another candidate's run of this name is replaced, and ``say`` is told where a verdict goes with it. Else it is
            kept and this run refused, but for one under a name that is made here and without a verdict.

    Raises:
        UsageError: the eval set is not frozen; a name or number that can't be; another candidate's run has this name.
        StaleError: the eval set is another than the one asked for, or than the one that the run of this name was made on.
        GateError: no call was answered, or the ship part is spent.
        DataError: a row that can't be asked or scored.
    """
    parameters, prompt = parameters or Parameters(), prompt or Prompt("bare")
    rows = askable_rows(evalset, part, digest=digest)
    _check_samples(samples, parameters)
    own_name = bool(name)
    name = plain_name(name) if name else default_name(model.name, prompt.name, part)
    folder = Path(out) / f"{name}.run"
    _check_same_set(folder, evalset, part)
    price = None if prices is None else _price_name(prices, model.name)
    asked = ask(prompt, rows, gold=gold_documents(rows, gold), cache=cache)
    tools = rows["tools"].to_list()
    requests = [
        Request(said, offered, parameters, sample)
        for said, offered in zip(asked.conversations, tools, strict=True)
        for sample in range(samples)
    ]
    ids = [row_id for row_id in rows["id"] for _ in range(samples)]
    began, done = time.monotonic(), 0

    def told(_: int, answer: Answer) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, len(requests), answer)

    identity, kept = dict(model.identity()), prompt.said()
    told_parameters = msgspec.to_builtins(parameters)
    candidate = candidate_digest({"model": identity, "prompt": kept["digest"], "parameters": told_parameters})
    if other := _other_candidate(folder, candidate, model.name, named=own_name):
        if not replace:
            raise UsageError(
                f"{other}, which is kept; give this one a name of its own with --name, or remove that folder."
            )
        if say is not None and (folder / "verdict.json").exists():
            say(f"note: {other}; this run takes its place.")
    if baseline and (train is not None or identity.get("adapter")):
        raise UsageError("--baseline is for what nobody trained: a trained model is a candidate, and its look counts.")
    if not baseline:
        _check_unspent(evalset, part, candidate)
    journal = journal or Path(out) / "journal.jsonl"
    if say is not None:
        _say_sent_in_vain(journal, identity, requests, say)
    answers = answer_all(model, requests, journal=journal, ids=ids, told=told)
    seconds = time.monotonic() - began
    _check_answered(answers, model.name)
    results = score(rows, asked.conversations, answers, scorers, samples=samples, mark=prompt.mark)
    if prices is not None and price is not None:
        results = results.with_columns(prices.costs(results, price).alias("cost"))
    figures = run_figures(results)
    manifest = {
        "name": name,
        "candidate": candidate,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "by": by,
        "evalset": _told(evalset, part, rows) | {"beside": os.path.relpath(evalset.folder.resolve(), folder.resolve())},
        "model": {"name": model.name, "identity": identity},
        "rung": prompt.name,
        "prompt": kept | {"first": _shown(asked.conversations[0])},
        "parameters": told_parameters,
        "samples": samples,
        "scorers": [_scorer_told(one) for one in scorers],
        "primary": scorers[0].name,
        "prices": prices.said() if prices is not None else None,
        "train": train.said() if train is not None else None,
        "retrieval": asked.retrieval.summary() if asked.retrieval is not None else None,
        "counts": figures.statuses,
        "fresh": done,
        "seconds": round(seconds, 3),
        "figures": figures.summary(),
        "version": version(),
    }
    # Before the results are there to be read: a look that can't be noted must not be taken.
    touch(
        evalset, candidate=candidate, part=part, run=folder.name, by=by or None, rung=prompt.name if baseline else None,
        results=results, identity=identity, manifest=manifest,
    )  # fmt: skip
    return save_run(folder, manifest, results)


def _say_sent_in_vain(
    journal: Journal | str | Path, identity: Mapping[str, Any], requests: Sequence[Request], say: Callable[[str], None]
) -> None:
    """Say which of these calls may have been paid for already; those of other models are no matter of this run."""
    if not isinstance(journal, Journal):
        if Path(journal).is_file():
            with Journal(journal) as opened:
                _say_sent_in_vain(opened, identity, requests, say)
        return
    if journal.unsettled() and (calls := journal.sent_in_vain(set(keys(identity, requests)))):
        say(f"note: {journal.path}: {calls}.")


def _check_unspent(evalset: EvalSet, part: Part, candidate: str) -> None:
    """Refuse one more candidate on a ship part that was looked at too often, before anything is paid for."""
    if part != "ship":
        return
    seen = [one.candidate for one in looks(evalset, part)]
    if candidate not in seen and len(seen) >= MOST_LOOKS:
        raise GateError(
            f"the part ship of {evalset.folder} is spent: {len(seen)} candidates were scored on it, and the best of so many says "
            f"little; take a fresh part with {fresh_part(evalset)}, or choose on the part dev."
        )


def gold_documents(rows: pl.DataFrame, column: str | None) -> list[str | None]:
    """Return the document that answers each row, as far as the row says.

    Raises:
        UsageError: no row has that column or key.
    """
    if column is None:
        return rows["source"].to_list()
    if column in rows.columns and rows.schema[column] == pl.String:
        return rows[column].to_list()
    found = [_key(extra, column) for extra in rows["extra"]]
    if not any(found):
        raise UsageError(
            f"--gold {quote(column)} is neither a text column of the eval set nor a key of its rows' extra fields; name the one "
            "that holds the document's name."
        )
    return found


def _key(extra: str, key: str) -> str | None:
    found = msgspec.json.decode(extra)
    value = found.get(key) if isinstance(found, dict) else None
    return str(value) if isinstance(value, str | int) else None


def askable_rows(evalset: EvalSet, part: Part, *, digest: str | None = None) -> pl.DataFrame:
    """Return the rows of a part that a run may ask.

    Raises:
        UsageError: the eval set is not frozen, or has no such row.
        StaleError: its digest is another than the one asked for, or its rows are not those that were frozen.
    """
    if evalset.digest is None:
        raise UsageError(
            f"{evalset.folder} is not frozen, so a run on it could be compared with no other; run `vetset evalset freeze "
            f"{shell(evalset.folder)}` first."
        )
    if digest is not None and (len(digest) < 8 or not evalset.digest.startswith(digest.lower())):
        raise StaleError(
            f"{evalset.folder} has the digest {evalset.digest[:12]}, and {quote(digest, 16)} was asked for: it is another set or "
            "version; name the one that is meant."
        )
    rows = evalset.part(part)
    if rows.is_empty():
        sizes = evalset.rows["part"].value_counts().sort("part").iter_rows()
        held = ", ".join(f"{name} ({counted(count, 'row')})" for name, count in sizes)
        raise UsageError(
            f"{evalset.folder} has no row in its part {part}, it has {held or 'none'}; name another with --part."
        )
    return rows


def _check_samples(samples: int, parameters: Parameters) -> None:
    if samples < 1:
        raise UsageError(f"--samples {samples} asks nothing; give 1 or more.")
    if samples > 1 and parameters.temperature == 0:
        raise UsageError(
            f"--samples {samples} at temperature 0 pays {samples} times for one answer; add --temperature 0.8 or so."
        )


def _check_same_set(folder: Path, evalset: EvalSet, part: Part) -> None:
    if not (folder / "run.json").is_file():
        return
    before = Run.open(folder).manifest.get("evalset") or {}
    if before.get("digest") != evalset.digest:
        raise StaleError(
            f"{folder} was run on another eval set (digest {str(before.get('digest'))[:12]}, {evalset.folder} has "
            f"{str(evalset.digest)[:12]}); give this run a name of its own with --name."
        )
    if before.get("part") != part:
        raise UsageError(
            f"{folder} is a run on the part {before.get('part')}; give this one a name of its own with --name."
        )


def _other_candidate(folder: Path, candidate: str, name: str, *, named: bool) -> str | None:
    """Return in words whose run would be written over; ``None`` where it is the same candidate's, or nobody would miss it."""
    if not (folder / "run.json").is_file():
        return None
    there, verdict = Run.open(folder).manifest, (folder / "verdict.json").exists()
    if there.get("candidate") == candidate or not (named or verdict):
        return None
    what = quote(str((there.get("model") or {}).get("name")), 60)
    return (
        f"{folder} holds the run of another candidate{' and its verdict' if verdict else ''} (the model {what}; this one is "
        f"{quote(name, 60)}, or its prompt or parameters differ)"
    )


def _check_answered(answers: Sequence[Answer], name: str) -> None:
    if all(answer.finish == "error" for answer in answers):
        first = quote(mask(answers[0].error or "nothing"), 200)
        raise GateError(
            f"{name} answered none of {len(answers):,} calls; the first says: {first}. Nothing was scored; run it again when the "
            "cause is mended."
        )


def _told(evalset: EvalSet, part: Part, rows: pl.DataFrame) -> dict[str, Any]:
    return {
        "name": evalset.name, "folder": str(evalset.folder), "digest": evalset.digest, "version": evalset.manifest.get("version"),
        "part": part, "rows": rows.height,
    }  # fmt: skip


def _scorer_told(scorer: Scorer) -> dict[str, Any]:
    told = {"name": scorer.name, "spec": scorer.spec, "version": scorer.version}
    return told | ({"calibration": scorer.calibration} if scorer.calibration else {})


def _price_name(prices: Prices, name: str) -> str:
    """Return the model's name in the price file, before anything is paid for; an adapter costs what its base does."""
    base = name.partition(" + ")[0]
    found = name if name in prices.models else base
    prices.of(found)
    return found


def _shown(conversation: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the first conversation as it was sent, so that one sees the whole prompt filled in."""
    return [{"role": said.role, "content": said.content} for said in conversation]
