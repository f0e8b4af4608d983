"""The commands of ``vetset evalset``: rows chosen and kept apart, frozen, renewed, and how they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .answering import Json, SetArgument, announce, answer
from .given import commas, warn

commands = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]}
)

EvalSetArgument = Annotated[Path, typer.Argument(metavar="NAME.evalset", help="Made by `vetset evalset build`.")]
_Encoder = Annotated[
    str | None,
    typer.Option(help="Compare meanings too, by this model (folder or hub name); without it words are compared."),
]
_Cosine = Annotated[float | None, typer.Option(help="Least cosine of the same meaning (default: the data's own).")]
_Download = Annotated[bool, typer.Option("--download", help="The model may be fetched from the hub.")]
_By = Annotated[
    list[str] | None,
    typer.Option(
        help="Columns whose values make the strata, with commas between; `none` for no strata (default: label)."
    ),
]
_Seed = Annotated[int, typer.Option(help="Of every random choice.")]


@commands.command()
def build(
    name: SetArgument,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The eval set (default: NAME.evalset beside the set).")
    ] = None,
    rows: Annotated[int, typer.Option(help="How many rows are chosen.")] = 200,
    dev_share: Annotated[float, typer.Option(help="Share of them to work with; the rest decides, once.")] = 0.25,
    confirm_share: Annotated[
        float, typer.Option(help="Share that is kept for `refresh --confirm`, when the rest is spent.")
    ] = 0.0,
    by: _By = None,
    from_: Annotated[str | None, typer.Option("--from", help="Choose rows of this split alone, such as test.")] = None,
    edge_share: Annotated[
        float, typer.Option(help="Share of the rows that should be rare, long or hard; weights make up for it.")
    ] = 0.25,
    most_copies: Annotated[
        int | None, typer.Option(help="Leave texts that stand oftener out of the eval set, and in train.")
    ] = None,
    keep_close: Annotated[
        list[str] | None,
        typer.Option(
            help="Leave rows in train that only these rules find: near, ngram, contained, masked, short, meaning (for texts that "
            "are filled-in forms); none lets all leave, even if they are most."
        ),
    ] = None,
    encoder: _Encoder = None,
    cosine: _Cosine = None,
    download: _Download = False,
    seed: _Seed = 0,
    as_json: Json = False,
) -> None:
    """Choose rows, drop from the set what is too close to them, and say what so many rows can see."""
    from ..curate.dataset import Dataset
    from ..evaluate.evalsets.building import build as run
    from ..evaluate.evalsets.parting import Shares
    from .evalset_page import print_built
    from .lines import told_now_and_then

    dataset = Dataset.open(name)
    result = run(
        dataset, out or name.with_name(f"{name.name.removesuffix('.vet')}.evalset"), rows=rows,
        shares=Shares(dev=dev_share, reserve=confirm_share), by=commas(by), split=from_, edge_share=edge_share,
        most_copies=most_copies, keep_close=commas(keep_close), encoder=encoder, cosine=cosine, download=download, seed=seed,
        say=announce, progress=told_now_and_then(announce),
    )  # fmt: skip
    warn(dataset)
    answer(result.summary(), as_json, lambda: print_built(result))


@commands.command()
def freeze(
    evalset: EvalSetArgument,
    anew: Annotated[
        bool, typer.Option("--anew", help="Take rows that were changed since for the next version; looks still count.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Note the digest of every row: runs on other rows are refused, and every look is counted."""
    from ..evaluate.evalsets.evalset import EvalSet
    from ..evaluate.evalsets.freezing import freeze as run
    from .evalset_page import print_frozen

    result = run(EvalSet.open(evalset), anew=anew)
    answer(result.summary(), as_json, lambda: print_frozen(result))


@commands.command()
def refresh(
    evalset: EvalSetArgument,
    from_: Annotated[
        Path | None, typer.Option("--from", metavar="NEWER.vet", help="A newer sample, such as a month of production.")
    ] = None,
    share: Annotated[float, typer.Option(help="Share of the rows that make place for newer ones.")] = 0.2,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Take the reserve for the part that decides, in place of the spent one.")
    ] = False,
    by: _By = None,
    train: Annotated[
        Path | None,
        typer.Option(metavar="NAME.vet", help="What is trained on: its rows too close to a new eval row are dropped."),
    ] = None,
    encoder: _Encoder = None,
    cosine: _Cosine = None,
    download: _Download = False,
    seed: _Seed = 0,
    as_json: Json = False,
) -> None:
    """Replace a share of the rows by newer ones, or a spent part by the reserve; the version before stays readable."""
    from ..curate.dataset import Dataset
    from ..curate.errors import UsageError
    from ..evaluate.evalsets.confirming import confirm as confirm_run
    from ..evaluate.evalsets.evalset import EvalSet
    from ..evaluate.evalsets.refreshing import refresh as run
    from .evalset_page import print_refreshed
    from .lines import told_now_and_then

    if from_ is not None and confirm:
        raise UsageError(
            "--from and --confirm are two steps, each with a version of its own; give one of them, then the other."
        )
    if from_ is None and not confirm:
        raise UsageError("say where newer rows come from with --from NEWER.vet, or take the reserve with --confirm.")
    opened = EvalSet.open(evalset)
    if from_ is None:
        result = confirm_run(opened)
    else:
        result = run(
            opened, Dataset.open(from_), share=share, by=commas(by), train=None if train is None else Dataset.open(train),
            encoder=encoder, cosine=cosine, download=download, seed=seed, say=announce,
            progress=told_now_and_then(announce),
        )  # fmt: skip
    answer(result.summary(), as_json, lambda: print_refreshed(result))


@commands.command()
def status(
    evalset: EvalSetArgument,
    against: Annotated[
        Path | None, typer.Option(metavar="NEWER", help="A newer sample, a set or a file: has what comes in moved?")
    ] = None,
    train: Annotated[
        Path | None,
        typer.Option(metavar="TRAIN", help="What is trained on now, a set or a file: does it hold eval rows?"),
    ] = None,
    encoder: _Encoder = None,
    cosine: _Cosine = None,
    download: _Download = False,
    max_age: Annotated[int, typer.Option(help="Days from which age counts as rot.")] = 180,
    as_json: Json = False,
) -> None:
    """Say how old the set is, how often it was looked at and what that costs; exit code 1 if it rots."""
    from ..evaluate.evalsets.ageing import status as run
    from ..evaluate.evalsets.evalset import EvalSet
    from .evalset_page import print_status
    from .lines import told_now_and_then

    result = run(
        EvalSet.open(evalset), against=against, train=train, encoder=encoder, cosine=cosine, download=download,
        max_age=max_age, say=announce, progress=told_now_and_then(announce),
    )  # fmt: skip
    answer(result.summary(), as_json, lambda: print_status(result))
    if result.rot:
        raise typer.Exit(1)
