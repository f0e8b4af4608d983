"""The commands that write: open, one call into a room, print. Rooms are imported by the command that needs them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .answering import Json, SetArgument, announce, answer
from .given import ConfigOption, SelectOption, commas, numbers, user, warn
from .given import policy as policy_of
from .given import wanted as wanted_of

if TYPE_CHECKING:
    from ..curate.dataset import Dataset
    from ..curate.decisions.policy import Policy


class Report(StrEnum):
    """How `check` prints its findings."""

    table = "table"
    github = "github"


def demo(
    folder: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("vetset-demo"),
    seed: Annotated[int, typer.Option(help="Of the sample data.")] = 0,
    as_json: Json = False,
) -> None:
    """Write a sample set with planted flaws, and run the main job on it."""
    from ..curate.demo.run import run_demo
    from .printing import print_demo

    result = run_demo(folder, seed=seed, say=announce)
    answer(result.summary(), as_json, lambda: print_demo(result))
    if not result.all_found:
        raise typer.Exit(1)


def read(
    sources: Annotated[
        list[str], typer.Argument(metavar="SRC...", help="Files, folders, globs, or owner/name on the hub.")
    ],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="The set (default: NAME.vet after the first source).")
    ] = None,
    text: Annotated[str | None, typer.Option(help="Column of the text; several with commas between.")] = None,
    label: Annotated[str | None, typer.Option(help="Column of the label; `none` if there is none.")] = None,
    group: Annotated[
        str | None, typer.Option(help="Column that must not be split: user, conversation ... (meta.url for nested).")
    ] = None,
    time: Annotated[str | None, typer.Option(help="Column of the time.")] = None,
    annotator: Annotated[str | None, typer.Option(help="Column of who labelled it.")] = None,
    split: Annotated[str | None, typer.Option(help="Column of the official split, or its name for every row.")] = None,
    source: Annotated[str | None, typer.Option(help="Column of where it came from, or one word for every row.")] = None,
    license_: Annotated[
        str | None,
        typer.Option("--license", help="Column of the licence, or an SPDX id for every row that names none."),
    ] = None,
    origin: Annotated[
        str | None, typer.Option(help="Column of who wrote it (human, or a teacher model), or one word for all.")
    ] = None,
    format_: Annotated[str | None, typer.Option("--format", help="The shape, if the guess is wrong.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Of text files, if the guess is wrong.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="Of delimited text, if the guess is wrong.")] = None,
    header: Annotated[
        bool | None, typer.Option("--header/--no-header", help="Whether the first line holds names.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Read any file into a set; says what it guessed, keeps what it can't read."""
    from ..curate.reading.mapping import Given
    from ..curate.reading.reader import default_out
    from ..curate.reading.reader import read as run
    from .lines import progress_bytes
    from .printing import print_read

    given = Given(
        text=text, label=label, group=group, time=time, annotator=annotator, split=split, source=source,
        license=license_, origin=origin, format=format_,
    )  # fmt: skip
    with progress_bytes("reading") as progress:
        result = run(
            sources, out or default_out(sources[0]), columns=given, encoding=encoding, delimiter=delimiter,
            header=header, progress=progress,
        )  # fmt: skip
    answer(result.summary(), as_json, lambda: print_read(result))


_ENCODED = ("duplicates.semantic", "leakage.meaning")


def check(
    name: SetArgument,
    select: SelectOption = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(
            help="Eval file that must not stand in this set; may be repeated; kept for the next checks, `none` forgets it."
        ),
    ] = None,
    threshold: Annotated[float | None, typer.Option(help="Least Jaccard index of near copies (default 0.8).")] = None,
    shingle: Annotated[
        str | None,
        typer.Option(help="Runs that are compared: word5 (default), char5, word2 ..."),
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(
            help="Which near copy stays: longest (default), first, newest, majority, source:A,B or column:NAME."
        ),
    ] = None,
    clusters: Annotated[
        str | None,
        typer.Option(
            help="star (default): a row goes only if it is near to the one that stays; connected: chains count."
        ),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="Compare meanings too, by this model (folder or hub name; tfidf needs none): duplicates.semantic, "
            "leakage.meaning."
        ),
    ] = None,
    cosine: Annotated[
        float | None, typer.Option(help="Least cosine of two meanings (default: by the data's own score curve).")
    ] = None,
    download: Annotated[bool, typer.Option("--download", help="The model may be fetched from the hub.")] = False,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Forget what earlier checks were told of likeness and encoders.")
    ] = False,
    output_format: Annotated[Report, typer.Option(help="github: annotations for a pull request.")] = Report.table,
    config: ConfigOption = None,
    as_json: Json = False,
) -> None:
    """Run the rules; exit code 1 if a blocking finding stands.

    What is said of likeness is kept with the set and holds for the next checks.
    """
    from ..curate.checking import check as run
    from ..curate.dataset import Dataset
    from ..curate.errors import UsageError
    from ..curate.options import Options
    from ..curate.rules import named_rules, select_rules
    from .lines import progress_steps, told_now_and_then
    from .printing import print_check, print_github

    if as_json and output_format is Report.github:
        raise UsageError("--json and --output-format github are two ways to answer; give one of them.")
    dataset = Dataset.open(name)
    told = {
        "threshold": threshold, "shingle": shingle, "keep": keep, "clusters": clusters, "encoder": encoder, "cosine": cosine,
        "download": download or None,
    }  # fmt: skip
    chosen = commas(select)
    if encoder is not None:
        asked = [rule for rule in _ENCODED if chosen is None or rule in named_rules(chosen)]
        if not asked:
            raise UsageError(f"--encoder is for {' and '.join(_ENCODED)}; add one of them to --select.")
        chosen = [*select_rules(chosen), *asked]
    wanted = wanted_of(config, dataset)
    with progress_steps() as progress:
        result = run(
            dataset, select=chosen, against=_against(against), options=Options.given(told) if defaults else told,
            policy=policy_of(config, dataset), progress=progress, encoding=told_now_and_then(announce),
            wanted=wanted,
        )  # fmt: skip
    warn(dataset)
    printer = print_github if output_format is Report.github else print_check
    answer(result.summary(), as_json, lambda: printer(dataset, result))
    for note in result.notes:
        announce(f"note: {note}")
    if result.blocking:
        raise typer.Exit(1)


def decide(
    name: SetArgument,
    policy: Annotated[bool, typer.Option("--policy", help="What the policy settles by itself.")] = False,
    rule: Annotated[str | None, typer.Option(help="All rows on which findings of this rule or family stand.")] = None,
    row: Annotated[list[str] | None, typer.Option("--id", help="One row; may be repeated.")] = None,
    undo: Annotated[str | None, typer.Option(help="Take back a batch, or a decision by its number.")] = None,
    import_: Annotated[
        Path | None, typer.Option("--import", help="Take in a decisions.jsonl; what is there already is left out.")
    ] = None,
    export_: Annotated[Path | None, typer.Option("--export", help="Write all decisions to a decisions.jsonl.")] = None,
    action: Annotated[str | None, typer.Option(help="keep, drop, relabel, edit or skip.")] = None,
    value: Annotated[str | None, typer.Option(help="The new label (relabel), or messages as JSON (edit).")] = None,
    reason: Annotated[str | None, typer.Option(help="Why, for the log.")] = None,
    reviewer: Annotated[str | None, typer.Option("--reviewer", help="Who decides (default: your user name).")] = None,
    config: ConfigOption = None,
    as_json: Json = False,
) -> None:
    """Write decisions: by policy, by rule, or row by row; take them in from a file, or give them out."""
    from ..curate.checking import judge
    from ..curate.dataset import Dataset
    from ..curate.decisions import deciding
    from ..curate.decisions.decision import ACTIONS
    from ..curate.errors import UsageError, quote
    from .printing import print_decided

    dataset, who = Dataset.open(name), reviewer or user()
    if who == "policy":
        raise UsageError("the reviewer 'policy' is the policy's own name; give yours with --reviewer.")
    offered = {
        "--policy": policy, "--rule": rule, "--id": row, "--undo": undo, "--import": import_, "--export": export_,
    }  # fmt: skip
    ways = [way for way, given in offered.items() if given]
    if len(ways) != 1:
        raise UsageError(f"say what to decide with one of {', '.join(offered)} ({len(ways)} given).")
    if ways[0] in ("--rule", "--id") and action is None:
        raise UsageError(f"{ways[0]} needs --action: keep, drop, relabel, edit or skip.")
    if action is not None and action not in ACTIONS:
        raise UsageError(f"--action {quote(action)} is not known; use {', '.join(ACTIONS[:-1])} or {ACTIONS[-1]}.")
    unused = {"--action": action, "--value": value, "--reason": reason, "--reviewer": reviewer}
    if extra := [option for option, given in unused.items() if given is not None and not _used(option, ways[0])]:
        raise UsageError(f"{ways[0]} takes no {extra[0]}; see `vetset decide --help`.")
    if import_ or export_:
        _exchange(dataset, import_, export_, policy_of(config, dataset), as_json)
        return
    if policy:
        outcome = deciding.decide_by_policy(dataset, policy_of(config, dataset))
    elif undo:
        outcome = deciding.undo(dataset, undo, reviewer=who, reason=reason)
    elif rule:
        outcome = deciding.decide_by_rule(dataset, rule, action or "", reviewer=who, value=value, reason=reason)
    else:
        outcome = deciding.decide_rows(dataset, row or [], action or "", reviewer=who, value=value, reason=reason)
    result = judge(dataset, policy=policy_of(config, dataset))
    summary = {**outcome.summary(), "standing": result.counts(), "blocking": result.blocking}
    warn(dataset)
    answer(summary, as_json, lambda: print_decided(dataset, outcome, result, undone=bool(undo)))


def _used(option: str, way: str) -> bool:
    """Whether a way to decide looks at an option."""
    if way in ("--rule", "--id"):
        return True
    return way == "--undo" and option in ("--reviewer", "--reason")


def _exchange(dataset: Dataset, source: Path | None, target: Path | None, policy: Policy, as_json: bool) -> None:
    """Take decisions in from a file, or give them out to one."""
    from ..curate.checking import judge
    from ..curate.decisions import deciding
    from .printing import print_given_out, print_taken_in

    if source is None:
        assert target is not None  # noqa: S101 -- one of the two is given
        lines = deciding.give_out(dataset, target)
        warn(dataset)
        answer({"file": str(target), "exported": lines}, as_json, lambda: print_given_out(dataset, target, lines))
        return
    taken = deciding.take_in(dataset, source)
    result = judge(dataset, policy=policy)
    warn(dataset)
    summary = {**taken.summary(), "standing": result.counts(), "blocking": result.blocking}
    answer(summary, as_json, lambda: print_taken_in(dataset, taken, result))


def split(
    name: SetArgument,
    ratios: Annotated[
        str | None,
        typer.Option(
            help="Shares of train, validation, test: 0.8,0.1,0.1 (the default); two shares make train and test."
        ),
    ] = None,
    counts: Annotated[str | None, typer.Option(help="Numbers of rows instead of shares: 1000,100,100.")] = None,
    by: Annotated[
        str | None,
        typer.Option(
            help="What must not be broken, of group, source, time, duplicates, near, parents (default: group if rows have "
            "one, duplicates, near, parents if rows are synthetic)."
        ),
    ] = None,
    names: Annotated[str | None, typer.Option(help="Names of the splits, with commas between.")] = None,
    stratify: Annotated[bool, typer.Option("--stratify/--no-stratify", help="Keep the shares of labels alike.")] = True,
    seed: Annotated[int, typer.Option(help="Of every random choice.")] = 0,
    inflation: Annotated[
        bool,
        typer.Option("--inflation/--no-inflation", help="Estimate what a random split would have inflated a score."),
    ] = True,
    as_json: Json = False,
) -> None:
    """Split by group, time, duplicates and near copies; says what a random split would have leaked."""
    from ..curate.dataset import Dataset
    from ..curate.errors import UsageError
    from ..curate.splits.splitting import split as run
    from .printing import print_split

    if ratios and counts:
        raise UsageError("--ratios and --counts say the same thing in two ways; give one of them.")

    dataset = Dataset.open(name)
    result = run(
        dataset, ratios=numbers(ratios, float, "--ratios"), counts=numbers(counts, int, "--counts"),
        by=tuple(commas([by]) or ()) if by else None, names=tuple(commas([names]) or ()) if names else None,
        stratify=stratify, seed=seed, inflation=inflation, say=announce,
    )  # fmt: skip
    warn(dataset)
    answer(result.summary(), as_json, lambda: print_split(result, name))


def export(
    name: SetArgument,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the files.")],
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="messages, prompt-completion, preference, kto, openai, alpaca, sharegpt, text-label, text, "
            "parquet or csv (default: messages; preference where each row has a worse answer, too).",
        ),
    ] = None,
    held: Annotated[
        str, typer.Option(help="Rows on which blocking findings stand: hold (leave out), keep, or refuse to export.")
    ] = "hold",
    extra: Annotated[bool, typer.Option("--extra/--no-extra", help="Write the source's other fields too.")] = False,
    seed: Annotated[int, typer.Option(help="Kept in the provenance.")] = 0,
    waive_terms: Annotated[
        str | None,
        typer.Option(
            metavar="'REASON by NAME'",
            help="Why rows may be written of a teacher whose terms are unknown or not open, and who says so; it is recorded.",
        ),
    ] = None,
    config: ConfigOption = None,
    as_json: Json = False,
) -> None:
    """Write the vetted files, with provenance.json and a dataset card beside them."""
    from ..curate.dataset import Dataset
    from ..curate.exports.exporting import export as run
    from .printing import print_export

    dataset = Dataset.open(name)
    result = run(
        dataset, out, format=format_, held=held, extra=extra, seed=seed, policy=policy_of(config, dataset),  # pyright: ignore[reportArgumentType]
        waive_terms=waive_terms,
    )  # fmt: skip
    warn(dataset)
    answer(result.summary(), as_json, lambda: print_export(result))


def _against(paths: list[Path] | None) -> list[Path] | None:
    return [] if paths == [Path("none")] else paths or None
