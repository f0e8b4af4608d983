"""What ``vetset eval`` prints for people."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..curate.masking import mask
from ..curate.wording import counted, shell
from .lines import cells, clipped, columns, progress_line, say, show, tell

if TYPE_CHECKING:
    from pathlib import Path

    from ..evaluate.models.protocol import Answer
    from ..evaluate.runs.ladder import Ladder, Rung
    from ..evaluate.runs.results import Run


@contextmanager
def rate() -> Iterator[Callable[[int, int, Answer], None]]:
    """Give what says on stderr how many answers have come, how fast, and how many of them are errors."""
    began, errors = time.monotonic(), 0
    with progress_line(keep=False) as write:

        def progress(done: int, total: int, came: Answer) -> None:
            nonlocal errors
            errors += came.finish == "error"
            failed = f", {errors:,} failed" if errors else ""
            speed = done / max(time.monotonic() - began, 1e-9)
            write(f"asked {done:,} of at most {total:,}, {speed:,.1f} a second{failed}", False)

        yield progress


def print_run(run: Run, evalset: Path, *, baseline: bool = False) -> None:
    """Print the scores with their intervals, what could not be scored, what it took, and what to do next."""
    from ..evaluate.runs.run_score import run_score

    of = run.manifest
    told = of["evalset"]
    say(
        f"{run.folder}: {clipped(of['model']['name'], 60)} on {told['part']} of {told['name']}, {counted(told['rows'], 'row')}"
    )
    table = columns("scorer", "score", "95% interval", "rows", right=(1, 2, 3))
    for name in run.scorers:
        found = run_score(run, scorer=name)
        table.add_row(*cells(name, f"{found.mean:.1%}", f"{found.low:.1%} to {found.high:.1%}", found.rows))
    show(table)
    if odd := _not_scored(of["counts"]):
        tell(f"not scored: {odd}")
    tell(_took(of))
    _print_retrieval(of.get("retrieval"))
    if (train := of.get("train")) and train.get("note"):
        tell(f"note: {train['note']}")
    for status in ("error", "unparsed"):
        first = run.results.filter(run.results["status"] == status).head(1)
        if first.height:
            row = first.row(0, named=True)
            shown = row["error"] if status == "error" else row["output"]
            tell(f"first {status}: row {row['id']}: '{clipped(mask(str(shown)[:400]), 100)}'")
    say(f"next: {_next(run, evalset, baseline=baseline)}")


def _next(run: Run, evalset: Path, *, baseline: bool) -> str:
    """Return the command after this run: what answers from a file has no ladder, and a baseline needs who has to beat it."""
    part = run.manifest["evalset"]["part"]
    if baseline:
        return (
            f"vetset eval CANDIDATE --on {shell(evalset)} --part {shell(part)} -o {shell(run.folder.parent)}, then "
            f"vetset compare {shell(run.folder)} ITS_RUN"
        )
    if part == "ship":
        return f"vetset compare BASELINE {shell(run.folder)}"
    if (run.manifest["model"].get("identity") or {}).get("kind") == "recorded":
        return f"vetset failures {shell(run.folder)}"
    return f"vetset eval MODEL --on {shell(evalset)} --ladder -o {shell(run.folder.parent)}"


def _not_scored(counts: dict[str, int]) -> str:
    """Say what of the answers could not be scored, and how each kind counts."""
    zero = ", ".join(
        f"{count:,} {status}" for status, count in counts.items() if count and status not in ("ok", "error")
    )
    lost = f"{counts['error']:,} error (no answer came: left out of the score)" if counts.get("error") else ""
    return "; ".join(part for part in (f"{zero} (counted as 0)" if zero else "", lost) if part)


def _took(of: dict[str, Any]) -> str:
    """Say what the answers took, those that were known before included."""
    figures = of["figures"]
    seconds, prompt, answer, cost = (
        figures[name] for name in ("seconds", "prompt_tokens", "completion_tokens", "cost")
    )
    known = ", all others were known" if of["fresh"] < figures["answers"] else ""
    parts = [f"{counted(of['fresh'], 'call')} made now in {of['seconds']:,.1f} s{known}"]
    if seconds["known"]:
        parts.append(f"an answer took {seconds['p50']:,.3g} s (95% at most {seconds['p95']:,.3g} s)")
    if prompt["known"]:
        parts.append(f"{prompt['total']:,} tokens in and {answer['total'] or 0:,} out")
    if cost["known"]:
        prices = of["prices"]
        parts.append(f"cost {cost['total']:,.4f} {prices['currency']} by prices of {prices['date']}")
    return "; ".join(parts)


def _print_retrieval(found: dict[str, Any] | None) -> None:
    if found is not None:
        at = ", ".join(f"{share:.1%} at {k}" for k, share in found["recall"].items())
        tell(
            f"retrieval: the right document is found by {at}; MRR {found['mrr']:.3f} ({counted(found['rows'], 'row')} name one)"
        )


def print_ladder(ladder: Ladder) -> None:
    """Print the rungs, and what the candidate has to beat."""
    told = ladder.evalset
    say(f"{ladder.path}: {told['part']} of {told['name']}, {counted(told['rows'], 'row')}, by {ladder.scorer}")
    table = columns(
        "rung", "score", "95% interval", "not scored", "tokens", "seconds", "cost", "run", right=(1, 2, 3, 4, 5, 6)
    )
    for rung in ladder.rungs:
        table.add_row(*cells(*_line(rung)))
    show(table)
    best, candidate = ladder.best_cheaper, ladder.candidate
    if candidate is None:
        tell(f"a fine-tune has to beat {best.rung} ({best.score:.1%})")
        return
    word = "beats" if candidate.score > best.score else "does not beat"
    tell(
        f"the candidate ({candidate.score:.1%}) {word} the best cheaper rung, {best.rung} ({best.score:.1%}): "
        f"{100 * (candidate.score - best.score):+.1f} points; whether that is more than noise, `vetset compare` says"
    )
    say(f"next: vetset compare {shell(ladder.folder / best.run)} {shell(ladder.folder / candidate.run)}")


def _line(rung: Rung) -> tuple[object, ...]:
    return (
        rung.rung, f"{rung.score:.1%}", f"{rung.low:.1%} to {rung.high:.1%}", rung.unscored + rung.failed,
        _figure(rung.tokens, "{:,.0f}"), _figure(rung.seconds, "{:,.3f}"), _figure(rung.cost, "{:,.6f}"), rung.run,
    )  # fmt: skip


def _figure(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)
