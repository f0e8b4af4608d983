"""The command ``vetset eval``: a model asked all rows of a frozen eval set, scored and written down."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from .answering import Json, announce, answer
from .given import commas, user
from .model_given import check_model, reachable
from .opened import open_evalset
from .stopping import answers_kept, stoppable

if TYPE_CHECKING:
    from ..evaluate.runs.wanted import Wanted

_WORDS = {
    "part": ("dev", "ship"),
    "rung": ("plain", "bare", "few-shot", "rag", "reasoning"),
    "choose": ("nearest", "per-class", "random"),
}


def eval(  # the verb's own name; nothing here needs Python's
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="A folder or hub name, openai:MODEL@URL, recorded:FILE or canned:FILE."),
    ],
    on: Annotated[Path, typer.Option("--on", metavar="EVALSET", help="A frozen eval set.")],
    part: Annotated[str, typer.Option(help="dev while you work; ship is one look, and is counted.")] = "dev",
    scorer: Annotated[
        list[str] | None, typer.Option(help="class, number, json ...; repeat it for more (default: guessed).")
    ] = None,
    judge: Annotated[str | None, typer.Option(help="Model of the scorer judge:RUBRIC.")] = None,
    rung: Annotated[str | None, typer.Option(help="plain, bare, few-shot, rag or reasoning (default: bare).")] = None,
    prompt: Annotated[
        Path | None, typer.Option(help="Your own prompt: text or TOML with {question}, {labels}, {context}.")
    ] = None,
    examples: Annotated[Path | None, typer.Option(help="Training data for few-shot prompts: a set or a file.")] = None,
    shots: Annotated[int, typer.Option(min=1, help="Examples a question.")] = 8,
    choose: Annotated[str, typer.Option(help="Which examples: nearest, per-class or random.")] = "nearest",
    documents: Annotated[Path | None, typer.Option(help="Folder of .md, .txt, .jsonl for the rag rung.")] = None,
    context: Annotated[int, typer.Option(min=200, help="Characters of documents before a question.")] = 4000,
    gold: Annotated[
        str | None, typer.Option(help="Column that names a row's document, for recall (default: source).")
    ] = None,
    encoder: Annotated[
        str | None, typer.Option(help="Finds examples and documents by meaning, too (default: words alone).")
    ] = None,
    adapter: Annotated[Path | None, typer.Option(help="A PEFT adapter over the model.")] = None,
    other_base: Annotated[bool, typer.Option("--other-base", help="The adapter may name another base.")] = False,
    train: Annotated[
        Path | None, typer.Option(help="What the model was trained on: no eval row may stand in it.")
    ] = None,
    baseline: Annotated[
        bool, typer.Option("--baseline", help="What a candidate has to beat: its look costs none of them.")
    ] = False,
    ladder: Annotated[bool, typer.Option("--ladder", help="Run every cheaper way, then the candidate.")] = False,
    candidate: Annotated[str | None, typer.Option(help="With --ladder: the model that has to beat the rungs.")] = None,
    reasoner: Annotated[str | None, typer.Option(help="With --ladder: another model for the reasoning rung.")] = None,
    samples: Annotated[int, typer.Option(min=1, help="Answers a row.")] = 1,
    max_tokens: Annotated[
        int | None, typer.Option(min=1, help="Longest answer (default: by the longest reference).")
    ] = None,
    temperature: Annotated[float, typer.Option(min=0.0, help="0 takes the likeliest token.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Of examples, and of the draw of tokens.")] = 0,
    prices: Annotated[Path | None, typer.Option(help="A dated price file.")] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of runs.")] = Path("runs"),
    name: Annotated[
        str | None, typer.Option(help="Of the run; of a ladder the beginning of all names (default: the model's).")
    ] = None,
    digest: Annotated[str | None, typer.Option(help="What the eval set's digest has to begin with.")] = None,
    journal: Annotated[Path | None, typer.Option(help="Where answers are kept (default: RUNS/journal.jsonl).")] = None,
    key_env: Annotated[str | None, typer.Option(help="Environment variable with the server's API key.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda ... (default: the best there is).")] = None,
    dtype: Annotated[str | None, typer.Option(help="float32, bfloat16 or float16.")] = None,
    template: Annotated[
        Path | None, typer.Option(help="Jinja file in place of the chat template of the model and its adapter.")
    ] = None,
    download: Annotated[bool, typer.Option("--download", help="Fetch a model or encoder that is not here.")] = False,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="Most calls at once to a server (default: 64).")
    ] = None,
    forgetting: Annotated[
        bool, typer.Option("--forgetting", help="Measure what it forgot that its base could, for the verdict.")
    ] = False,
    base: Annotated[
        str | None, typer.Option(help="With --forgetting: the model before training, where there is no adapter.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask a model all rows of a frozen eval set, score the answers, write a run.

    Every answer is kept as it comes: the same command again asks only what is missing. --ladder runs the cheaper ways too,
    which a fine-tune has to beat.
    """
    from ..evaluate.runs.wanted import Wanted

    _check_words(part=part, rung=rung, choose=choose)
    _check_judge(scorer, judge)
    wanted = Wanted(
        part=cast(Any, part), scorers=_specs(scorer), judge=judge, rung=cast(Any, rung), prompt=prompt,
        examples=examples, shots=shots, choose=cast(Any, choose), documents=documents,
        budget=context, gold=gold, encoder=encoder, adapter=adapter, other_base=other_base, train=train, samples=samples,
        max_tokens=max_tokens, temperature=temperature, seed=seed, prices=prices, out=out, name=name, digest=digest,
        journal=journal, baseline=baseline, by=user(), key_env=key_env, device=device, dtype=dtype,
        template=template, download=download,
        candidate=candidate,
        reasoner=reasoner, forgetting=forgetting, base=base, concurrency=concurrency,
    )  # fmt: skip
    _run(model, on, wanted, ladder=ladder, as_json=as_json)


def _run(model: str, on: Path, wanted: Wanted, *, ladder: bool, as_json: bool) -> None:
    from ..evaluate.runs.evaluating import eval_ladder, eval_model
    from ..evaluate.runs.results import Run
    from .eval_page import print_ladder, print_run, rate

    journal = wanted.journal or wanted.out / "journal.jsonl"
    asked = {"MODEL": model, "--judge": wanted.judge, "--candidate": wanted.candidate, "--reasoner": wanted.reasoner}
    asked |= {"--base": wanted.base}
    with stoppable(lambda: answers_kept(journal)), reachable(*asked.values(), journal=journal), rate() as progress:
        evalset = open_evalset(on)
        for option, spec in asked.items():
            check_model(option, spec, download=wanted.download)
        made = (eval_ladder if ladder else eval_model)(model, evalset, wanted, say=announce, progress=progress)
    if isinstance(made, Run):
        answer(_summary(made), as_json, lambda: print_run(made, on, baseline=wanted.baseline))
    else:
        answer(made.summary(), as_json, lambda: print_ladder(made))


def _summary(run: Any) -> dict[str, Any]:
    from dataclasses import asdict

    from ..evaluate.runs.run_score import run_score

    return {
        "run": str(run.folder),
        **run.manifest,
        "scores": {one: asdict(run_score(run, scorer=one)) for one in run.scorers},
    }


def _check_words(**given: str | None) -> None:
    from ..curate.errors import UsageError, quote

    for option, word in given.items():
        if word is not None and word not in _WORDS[option]:
            raise UsageError(
                f"--{option} {quote(word, 30)} is none; give {', '.join(_WORDS[option][:-1])} or {_WORDS[option][-1]}."
            )


def _check_judge(scorers: list[str] | None, judge: str | None) -> None:
    from ..curate.errors import UsageError, quote

    judging = [one for one in _specs(scorers) if one.startswith("judge:")]
    if judging and judge is None:
        raise UsageError(
            f"--scorer {quote(judging[0])} needs a model that judges; name it with --judge MODEL, one that `vetset judge` has "
            "held against people."
        )
    if judge is not None and not judging:
        raise UsageError("--judge is the model of the scorer judge:RUBRIC; add --scorer judge:RUBRIC, or leave it out.")


def _specs(scorers: list[str] | None) -> tuple[str, ...]:
    """Return the scorers; one with an option, such as a pattern, may hold commas of its own."""
    return tuple(one for given in scorers or [] for one in ([given] if ":" in given else commas([given]) or []))
