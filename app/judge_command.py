"""The command ``vetset judge``: how far a model agrees with people, before its scores count."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .answering import Json, answer
from .model_given import check_model, reachable
from .stopping import answers_kept, stoppable


def judge(
    rubric: Annotated[
        Path, typer.Argument(metavar="RUBRIC", help="A text or TOML file that says what a good answer is.")
    ],
    model: Annotated[str, typer.Option(help="Who judges: a folder or hub name, openai:MODEL@URL, canned:FILE.")],
    labels: Annotated[
        Path, typer.Option(help="JSON lines of answers with people's labels: output, human, question ...")
    ],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Where it is written (default: RUBRIC.calibration.json).")
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option(
            help="Where the judge's replies are kept, so that none is paid twice (default: RUBRIC.journal.jsonl)."
        ),
    ] = None,
    key_env: Annotated[str | None, typer.Option(help="Environment variable with the server's API key.")] = None,
    seed: Annotated[int, typer.Option(help="Of the draws for the interval.")] = 0,
    as_json: Json = False,
) -> None:
    """Measure a judge against at least 30 human labels; exit code 1 if it agrees too little to count.

    Replies are kept, so that none is paid twice; one that can't be read is asked for anew by the same command.
    """
    from ..curate.errors import GateError
    from ..evaluate.models.calling import answer_all
    from ..evaluate.models.opening import open_model
    from ..evaluate.scorers.human_labels import read_labelled
    from ..evaluate.scorers.judge import Judge
    from ..evaluate.scorers.judge_calibration import calibrate, require_calibrated
    from ..evaluate.scorers.judge_prompts import read_rubric
    from ..evaluate.scorers.registry import calibration_file
    from .judge_page import print_calibration

    kept = journal or rubric.with_name(f"{rubric.stem}.journal.jsonl")
    with stoppable(lambda: answers_kept(kept)), reachable(model, journal=kept):
        labelled = read_labelled(labels)
        wanted = read_rubric(rubric)
        check_model("--model", model)
        opened = open_model(model, key_env=key_env)
        judging = Judge(
            opened, wanted, again=lambda requests, broken: answer_all(opened, requests, journal=kept, again=broken)
        )
        found = calibrate(judging, labelled.cases, labelled.human, others=labelled.others, seed=seed)
        path = found.save(out or calibration_file(rubric))
    try:
        require_calibrated(judging, found)
        refused = None
    except GateError as error:
        refused = str(error)
    summary = vars(found) | {"file": str(path), "counts": refused is None, "why_not": refused}
    answer(summary, as_json, lambda: print_calibration(found, path, refused, rubric=rubric, model=model))
    if refused is not None:
        raise typer.Exit(1)
