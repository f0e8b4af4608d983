"""The commands that speak with other tools: an eval set as their task, their logs as a run, and lm-eval's public benchmarks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from .answering import Json, announce, answer

if TYPE_CHECKING:
    from ..evaluate.evalsets.evalset import Part
    from ..evaluate.interchange.exporting import Tool
    from ..evaluate.interchange.judging import Match

commands = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]}
)

_TOOLS = "lm-eval, inspect, promptfoo or openai-evals"


def export(
    evalset: Annotated[Path, typer.Argument(metavar="EVALSET", help="A frozen eval set.")],
    to: Annotated[str, typer.Option("--to", metavar="TOOL", help=f"Whose task it becomes: {_TOOLS}.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder to write.")],
    part: Annotated[str, typer.Option(help="dev, or ship: outside of vetset nothing counts the looks at it.")] = "dev",
    match: Annotated[
        str | None, typer.Option(help="How answers are judged there: exact, label or number (default: by the rows).")
    ] = None,
    prompt: Annotated[
        Path | None, typer.Option(help="A file with the words around the questions (default: the bare rung).")
    ] = None,
    max_tokens: Annotated[int, typer.Option(min=1, help="Tokens that an answer may have.")] = 256,
    as_json: Json = False,
) -> None:
    """Write a frozen eval set as a task of another tool; every row carries its id and digest."""
    from ..evaluate.evalsets.evalset import EvalSet
    from ..evaluate.interchange.exporting import export as run
    from ..evaluate.runs.prompt_file import read_prompt
    from ..evaluate.runs.prompts import labels_of
    from .interchange_page import print_exported

    opened = EvalSet.open(evalset)
    words = read_prompt(prompt, labels=labels_of(opened.rows)) if prompt is not None else None
    result = run(
        opened, output, to=cast("Tool", to), part=cast("Part", part), prompt=words, match=cast("Match | None", match),
        most=max_tokens,
    )  # fmt: skip
    _warn(result.notes)
    answer(result.summary(), as_json, lambda: print_exported(result))


@commands.command("import")
def import_(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="What the tool wrote; of lm-eval also its folder.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="NAME.run", help="The run to write.")],
    source: Annotated[
        str | None, typer.Option("--from", metavar="TOOL", help=f"{_TOOLS} (default: by the file).")
    ] = None,
    on: Annotated[
        Path | None, typer.Option(metavar="EVALSET", help="The frozen eval set whose rows were asked.")
    ] = None,
    part: Annotated[str | None, typer.Option(help="dev or ship, where rows of both were answered.")] = None,
    only: Annotated[str | None, typer.Option(help="The task (lm-eval) or provider (promptfoo), of several.")] = None,
    primary: Annotated[
        str | None, typer.Option(help="The score that counts (default: the first --scorer, else the tool's first).")
    ] = None,
    scorer: Annotated[
        list[str] | None,
        typer.Option(help="Score the answers anew by class, number, json ...; repeat it for more.", metavar="SPEC"),
    ] = None,
    judge: Annotated[str | None, typer.Option(metavar="SPEC", help="The model of --scorer judge:RUBRIC.")] = None,
    key_env: Annotated[str | None, typer.Option(help="Environment variable with the judge's API key.")] = None,
    baseline: Annotated[
        bool, typer.Option("--baseline", help="It is what candidates are held against, and none itself.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Take over a run that another tool made, so that `vetset compare` can judge it."""
    from ..evaluate.evalsets.evalset import EvalSet
    from ..evaluate.interchange.importing import import_run
    from ..evaluate.models.opening import open_model
    from .interchange_page import print_imported

    result = import_run(
        files, output, source=cast("Tool | None", source), on=EvalSet.open(on) if on is not None else None,
        part=cast("Part | None", part), only=only, primary=primary, scorers=scorer or (),
        judge=None if judge is None else open_model(judge, key_env=key_env), baseline=baseline,
    )  # fmt: skip
    _warn(result.notes)
    answer(result.summary(), as_json, lambda: print_imported(result))


@commands.command("lm-eval")
def lm_eval(
    model: Annotated[str, typer.Option(help="lm-eval's kind of model: hf, local-chat-completions ...")],
    tasks: Annotated[str, typer.Option(help="Its tasks, with commas: gsm8k,mmlu.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="The folder of runs.")],
    model_args: Annotated[str, typer.Option(help="As lm-eval takes them: pretrained=PATH,dtype=float32.")] = "",
    python: Annotated[Path | None, typer.Option(help="The Python that has lm-eval (default: this one).")] = None,
    include: Annotated[Path | None, typer.Option(help="A folder with tasks of your own, such as an export.")] = None,
    shots: Annotated[int | None, typer.Option(min=0, help="Examples before a question (default: the task's).")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Rows of a task; for a trial, never for a verdict.")] = None,
    chat: Annotated[bool, typer.Option("--chat", help="Ask by the model's chat template.")] = False,
    download: Annotated[bool, typer.Option("--download", help="Let it fetch tasks and models from the hub.")] = False,
    timeout: Annotated[float | None, typer.Option(min=1, help="Seconds after which it is stopped.")] = None,
    as_json: Json = False,
) -> None:
    """Run public benchmarks by lm-eval, in a process of its own, and take each task over as a run."""
    from ..evaluate.interchange.lm_eval_process import run_lm_eval
    from .given import commas
    from .interchange_page import print_benchmarks

    results = run_lm_eval(
        model, commas([tasks]) or (), output, model_args=model_args, python=python, include=include, shots=shots, limit=limit,
        chat=chat, download=download, timeout=timeout, told=announce,
    )  # fmt: skip
    for result in results:
        _warn([note for note in result.notes if "log's own" not in note])
    answer({"runs": [result.summary() for result in results]}, as_json, lambda: print_benchmarks(results))


def _warn(notes: list[str]) -> None:
    for note in notes:
        announce(f"note: {note}")
