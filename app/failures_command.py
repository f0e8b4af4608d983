"""The command ``failures``: what goes wrong in a run, and whether a fine-tune could help."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .answering import Json, announce, answer

if TYPE_CHECKING:
    import polars as pl

    from ..evaluate.failing.causes import Judged
    from ..evaluate.runs.results import Run


def failures(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run, made by `vetset eval`.")],
    on: Annotated[
        Path | None,
        typer.Option("--on", metavar="EVALSET", help="Its eval set (default: where the run says it stands)."),
    ] = None,
    threshold: Annotated[float, typer.Option(help="Least score that is no failure.")] = 1.0,
    scorer: Annotated[str | None, typer.Option(help="To judge by (default: the run's first).")] = None,
    taxonomy: Annotated[
        Path | None,
        typer.Option(help="File of the kinds that are known (default: failures-EVALSET.json beside the run)."),
    ] = None,
    save: Annotated[bool, typer.Option("--save/--no-save", help="Write the kinds down for the next run.")] = True,
    names: Annotated[Path | None, typer.Option(help='TOML file of names: F1 = "wrong currency" a line.')] = None,
    label: Annotated[list[str] | None, typer.Option(metavar="ID=NAME", help="Name a kind; may be repeated.")] = None,
    judge: Annotated[
        str | None,
        typer.Option(metavar="SPEC", help="A model that names kinds: it is shown five masked failures of each."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="SPEC", help="The model that was run, to ask failures again with --gold.")
    ] = None,
    gold: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN|DIR",
            help="What answers each row: a column or extra field with the text, or a folder of which `source` names a document.",
        ),
    ] = None,
    rag: Annotated[Path | None, typer.Option(metavar="RUN", help="A run of the same rows with documents.")] = None,
    doubtful: Annotated[
        Path | None,
        typer.Option(metavar="SET.vet", help="The set: rows that labels.suspect found there are data, not behaviour."),
    ] = None,
    adapter: Annotated[Path | None, typer.Option(help="The adapter of --model.")] = None,
    key_env: Annotated[str | None, typer.Option(help="Environment variable with the server's API key.")] = None,
    encoder: Annotated[str | None, typer.Option(help="Clusters by meaning (default: TF-IDF, words alone).")] = None,
    download: Annotated[bool, typer.Option("--download", help="Models may be fetched from the hub.")] = False,
    seed: Annotated[int, typer.Option(help="Of the clusters.")] = 0,
    as_json: Json = False,
) -> None:
    """Sort the failures of a run into kinds with names that stay, and say whether a fine-tune could help.

    With --model and --gold each failure is asked again with the document that answers it: right now is retrieval, still wrong is
    behaviour, no document or a doubtful reference is data. At least half behaviour is when a fine-tune can help.
    """
    from ..curate.embed.encoder import TFIDF, find_encoder
    from ..evaluate.failing.finding import find_failures
    from ..evaluate.failing.naming import read_names, split_names
    from ..evaluate.failing.taxonomy import read_taxonomy, save_taxonomy
    from ..evaluate.failing.taxonomy_place import known_kinds, taxonomy_file
    from ..evaluate.runs.results import Run
    from ..evaluate.verdicts.gathering import find_evalset
    from .failures_page import print_failures

    opened = Run.open(run)
    evalset = find_evalset(opened, on)
    rows = evalset.rows if evalset is not None else None
    place = taxonomy or taxonomy_file(opened)
    known, came = (read_taxonomy(taxonomy), None) if taxonomy is not None else known_kinds(opened)
    if came is not None:
        announce(f"note: {came}")
    given = {**(read_names(names) if names is not None else {}), **split_names(label or [])}
    options = {"key_env": key_env, "download": download}
    judged = _causes(opened, rows, model, gold, rag, doubtful, threshold, scorer, {**options, "adapter": adapter})
    found = find_failures(
        opened, rows, taxonomy=known, names=given, causes=judged, threshold=threshold, scorer=scorer,
        judge=None if judge is None else _model(judge, options), journal=_journal(opened),
        encoder=find_encoder(encoder or TFIDF, download=download).encoder, seed=seed,
    )  # fmt: skip
    if save:
        save_taxonomy(place, found.taxonomy)
    answer(
        {**found.summary(), "taxonomy": str(place) if save else None}, as_json,
        lambda: print_failures(found, str(run), str(place) if save else None),
    )  # fmt: skip
    if as_json:
        for note in found.notes:
            announce(f"note: {note}")


def _causes(
    run: Run, rows: pl.DataFrame | None, model: str | None, gold: str | None, rag: Path | None, doubtful: Path | None,
    threshold: float, scorer: str | None, options: dict[str, Any],
) -> Judged | None:  # fmt: skip
    from ..curate.errors import UsageError

    if model is None and gold is None:
        if rag is not None or doubtful is not None:
            raise UsageError("--rag and --doubtful tell causes apart; add --model SPEC and --gold COLUMN or DIR.")
        return None
    if model is None or gold is None:
        raise UsageError(
            "--model and --gold belong together: the model is asked again with what answers each row; give both."
        )
    if rows is None:
        raise UsageError(f"the eval set of {run.folder} is not where the run says; name it with --on EVALSET.")
    from ..evaluate.failing.causes import doubtful_rows, gold_texts, judge_causes
    from ..evaluate.failing.failed import failed_rows
    from ..evaluate.failing.scoring_again import scorer_of
    from ..evaluate.runs.results import Run

    return judge_causes(
        failed_rows(run, rows, threshold=threshold, scorer=scorer), rows, run, model=_model(model, options),
        scorer=scorer_of(run, rows, scorer), gold=gold_texts(rows, gold), rag=None if rag is None else Run.open(rag),
        doubtful=() if doubtful is None else doubtful_rows(doubtful), threshold=threshold, journal=_journal(run),
    )  # fmt: skip


def _journal(run: Run) -> Path:
    return run.folder.resolve().parent / "journal.jsonl"


def _model(spec: str, options: dict[str, Any]) -> Any:
    from ..evaluate.models.opening import open_model

    return open_model(spec, **{name: value for name, value in options.items() if value})
