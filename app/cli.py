"""The command line: open, one call into a room, print. Rooms are imported by the command that needs them."""

from __future__ import annotations

import getpass
import io
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from . import index_commands
from .answering import Json, SetArgument, announce, answer

if TYPE_CHECKING:
    from ..curate.checking import CheckResult
    from ..curate.dataset import Dataset
    from ..curate.decisions.policy import Policy

app = typer.Typer(
    name="vetset",
    help="Vet training data before you fine-tune: read, check, decide, split, export.",
    no_args_is_help=True,
    rich_markup_mode=None,  # importing rich for the help page alone costs 0.2 s
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="vetset.toml (default: the one in this folder, if any).")
]
ReviewerOption = Annotated[str | None, typer.Option("--reviewer", help="Who decides (default: your user name).")]

app.add_typer(index_commands.commands, name="index", help="Hold rows against all that were ever kept.")


class Report(StrEnum):
    """How `check` prints its findings."""

    table = "table"
    github = "github"


@app.command()
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


@app.command()
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
        str | None, typer.Option("--license", help="Column of the licence, or an SPDX id for every row.")
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


@app.command()
def check(
    name: SetArgument,
    select: Annotated[list[str] | None, typer.Option(help="Rules or families, with commas between.")] = None,
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
    output_format: Annotated[Report, typer.Option(help="github: annotations for a pull request.")] = Report.table,
    config: ConfigOption = None,
    as_json: Json = False,
) -> None:
    """Run the rules; exit code 1 if a blocking finding stands.

    What is said of likeness is kept with the set and holds for the next checks.
    """
    from ..curate.checking import check as run
    from ..curate.dataset import Dataset
    from ..curate.rules import select_rules
    from .lines import progress_steps, told_now_and_then
    from .printing import print_check, print_github

    dataset = Dataset.open(name)
    told = {
        "threshold": threshold, "shingle": shingle, "keep": keep, "clusters": clusters, "encoder": encoder, "cosine": cosine,
        "download": download or None,
    }  # fmt: skip
    chosen = _commas(select)
    if encoder is not None:
        chosen = [*select_rules(chosen), "duplicates.semantic", "leakage.meaning"]
    with progress_steps() as progress:
        result = run(
            dataset, select=chosen, against=_against(against), options=told, policy=_policy(config),
            progress=progress, encoding=told_now_and_then(announce),
        )  # fmt: skip
    _warn(dataset)
    printer = print_github if output_format is Report.github else print_check
    answer(result.summary(), as_json, lambda: printer(dataset, result))
    for note in result.notes:
        announce(f"note: {note}")
    _gate(result)


@app.command()
def findings(
    name: SetArgument,
    select: Annotated[list[str] | None, typer.Option(help="Rules or families, with commas between.")] = None,
    settled: Annotated[bool, typer.Option("--settled", help="Those that a decision has settled, too.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="Most rows that are shown of a rule; 0 shows all.")] = 20,
    config: ConfigOption = None,
    as_json: Json = False,
) -> None:
    """List the rows that the last check found, with their places; no rule runs."""
    from ..curate.dataset import Dataset
    from ..curate.listing import list_findings
    from .listing_pages import print_findings

    dataset = Dataset.open(name)
    found = list_findings(dataset, select=_commas(select), settled=settled, policy=_policy(config))
    _warn(dataset)
    answer(found.summary(), as_json, lambda: print_findings(dataset, found, limit=limit))


@app.command()
def rule(
    name: Annotated[str | None, typer.Argument(help="The rule; without it, all are listed.")] = None,
    as_json: Json = False,
) -> None:
    """Explain a rule: what it finds, why it matters, what it cannot see, what to do."""
    from ..curate.decisions.policy import Policy
    from ..curate.rules import RULES, explain
    from .printing import print_rules

    if name is None:
        block = Policy().block
        known = {rule: {"finds": of.finds, "blocks": rule in block} for rule, of in RULES.items()}
        answer(known, as_json, lambda: print_rules(known))
        return
    page = explain(name)
    shown = f"{page.rstrip()}\n\nnext: vetset check NAME.vet --select {name}"
    answer({"rule": name, "page": page}, as_json, lambda: typer.echo(shown))


@app.command()
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
    reviewer: ReviewerOption = None,
    config: ConfigOption = None,
    as_json: Json = False,
) -> None:
    """Write decisions: by policy, by rule, or row by row; take them in from a file, or give them out."""
    from ..curate.checking import judge
    from ..curate.dataset import Dataset
    from ..curate.decisions import deciding
    from ..curate.errors import UsageError
    from .printing import print_decided

    dataset, who = Dataset.open(name), reviewer or _user()
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
    unused = {"--action": action, "--value": value, "--reason": reason, "--reviewer": reviewer}
    if extra := [option for option, given in unused.items() if given is not None and not _used(option, ways[0])]:
        raise UsageError(f"{ways[0]} takes no {extra[0]}; see `vetset decide --help`.")
    if import_ or export_:
        _exchange(dataset, import_, export_, _policy(config), as_json)
        return
    if policy:
        outcome = deciding.decide_by_policy(dataset, _policy(config))
    elif undo:
        outcome = deciding.undo(dataset, undo, reviewer=who)
    elif rule:
        outcome = deciding.decide_by_rule(dataset, rule, action or "", reviewer=who, value=value, reason=reason)
    else:
        outcome = deciding.decide_rows(dataset, row or [], action or "", reviewer=who, value=value, reason=reason)
    result = judge(dataset, policy=_policy(config))
    summary = {**outcome.summary(), "standing": result.counts(), "blocking": result.blocking}
    _warn(dataset)
    answer(summary, as_json, lambda: print_decided(dataset, outcome, result, undone=bool(undo)))


def _used(option: str, way: str) -> bool:
    """Whether a way to decide looks at an option."""
    if way in ("--rule", "--id"):
        return True
    return way == "--undo" and option == "--reviewer"


def _exchange(dataset: Dataset, source: Path | None, target: Path | None, policy: Policy, as_json: bool) -> None:
    """Take decisions in from a file, or give them out to one."""
    from ..curate.checking import judge
    from ..curate.decisions import deciding
    from .printing import print_given_out, print_taken_in

    if source is None:
        assert target is not None  # noqa: S101 -- one of the two is given
        lines = deciding.give_out(dataset, target)
        _warn(dataset)
        answer({"file": str(target), "exported": lines}, as_json, lambda: print_given_out(dataset, target, lines))
        return
    taken = deciding.take_in(dataset, source)
    result = judge(dataset, policy=policy)
    _warn(dataset)
    summary = {**taken.summary(), "standing": result.counts(), "blocking": result.blocking}
    answer(summary, as_json, lambda: print_taken_in(dataset, taken, result))


@app.command()
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
            help="What must not be broken, of group, source, time, duplicates, near (default: group if rows have one, "
            "duplicates, near)."
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
        dataset, ratios=_numbers(ratios, float, "--ratios"), counts=_numbers(counts, int, "--counts"),
        by=tuple(_commas([by]) or ()) if by else None, names=tuple(_commas([names]) or ()) if names else None,
        stratify=stratify, seed=seed, inflation=inflation, say=announce,
    )  # fmt: skip
    _warn(dataset)
    answer(result.summary(), as_json, lambda: print_split(result, name))


@app.command()
def export(
    name: SetArgument,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the files.")],
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            help="messages, prompt-completion, preference, kto, openai, alpaca, sharegpt, text-label, text, "
            "parquet or csv.",
        ),
    ] = "messages",
    held: Annotated[
        str, typer.Option(help="Rows on which blocking findings stand: hold (leave out), keep, or refuse to export.")
    ] = "hold",
    extra: Annotated[bool, typer.Option("--extra/--no-extra", help="Write the source's other fields too.")] = False,
    seed: Annotated[int, typer.Option(help="Kept in the provenance.")] = 0,
    config: ConfigOption = None,
    as_json: Json = False,
) -> None:
    """Write the vetted files, with provenance.json and a dataset card beside them."""
    from ..curate.dataset import Dataset
    from ..curate.exports.exporting import export as run
    from .printing import print_export

    dataset = Dataset.open(name)
    result = run(dataset, out, format=format_, held=held, extra=extra, seed=seed, policy=_policy(config))  # pyright: ignore[reportArgumentType]
    _warn(dataset)
    answer(result.summary(), as_json, lambda: print_export(result))


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="A folder that `vetset export` wrote.")],
    as_json: Json = False,
) -> None:
    """Recompute every digest and count of an export; exit code 1 if one differs."""
    from ..curate.exports.provenance import verify as run
    from .printing import print_verify

    result = run(folder)
    answer(result.summary(), as_json, lambda: print_verify(result))
    if not result.ok:
        raise typer.Exit(1)


@app.command()
def why(
    name: SetArgument,
    row: Annotated[str, typer.Argument(metavar="ID", help="The row, or the beginning of its id.")],
    as_json: Json = False,
) -> None:
    """Show the whole life of one row: source line, findings, decisions, splits, exports."""
    from ..curate.dataset import Dataset
    from ..curate.exports.life import why as run
    from .printing import print_life

    dataset = Dataset.open(name)
    result = run(dataset, row)
    _warn(dataset)
    answer(result.summary(), as_json, lambda: print_life(dataset, result))


def _version(wanted: bool) -> None:
    if wanted:
        from ..curate.version import version

        typer.echo(version())
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    pass


def _warn(dataset: Dataset) -> None:
    """Say once, on stderr, what can't be done with the set's decisions here."""
    from ..curate.decisions.deciding import warning

    if (said := warning(dataset)) is not None:
        announce(f"warning: {said}")


def _against(paths: list[Path] | None) -> list[Path] | None:
    return [] if paths == [Path("none")] else paths or None


def _gate(result: CheckResult) -> None:
    if result.blocking:
        raise typer.Exit(1)


def _policy(config: Path | None) -> Any:
    from ..curate.decisions.policy import load
    from ..curate.rules import RULES

    return load(config or (Path("vetset.toml") if Path("vetset.toml").exists() else None), rules=tuple(RULES))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _commas(values: list[str] | None) -> list[str] | None:
    return [item.strip() for value in values for item in value.split(",") if item.strip()] if values else None


def _numbers(text: str | None, kind: type, option: str) -> Any:
    from ..curate.errors import UsageError, quote

    if text is None:
        return None
    try:
        return tuple(kind(item) for item in text.split(","))
    except ValueError as error:
        example = "0.8,0.1,0.1" if kind is float else "1000,100,100"
        raise UsageError(f"{option} {quote(text)} is not a list of numbers such as {example}.") from error


def main() -> NoReturn:
    """Run the command line and exit with the codes of the design: 0, 1, 2, 64, 65, 70."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal of another encoding shows what it can
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; errors become one sentence on stderr."""
    try:
        return app(arguments, standalone_mode=False) or 0
    except typer.Exit as stop:
        return stop.exit_code
    except typer.Abort:
        announce("stopped.")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        announce("stopped; nothing half-written is left behind.")
        return 130
    except Exception as error:  # noqa: BLE001 - the last place: one sentence and an exit code, never a traceback
        return _failed(error)


def _failed(error: Exception) -> int:
    from ..curate.errors import VetsetError, quote

    if hasattr(error, "format_message"):  # click's usage errors, wherever this typer keeps their classes
        message = error.format_message()  # pyright: ignore[reportAttributeAccessIssue]
        context = getattr(error, "ctx", None)
        command = "vetset" if context is None else " ".join(["vetset", *context.command_path.split()[1:]])
        announce(message if "Usage:" in message else f"vetset: {message.rstrip('.')}; see `{command} --help`.")
        return 64
    if isinstance(error, VetsetError):
        announce(f"vetset: {error}")
        return error.exit_code
    if isinstance(error, OSError) and error.strerror:
        announce(f"vetset: {error.filename or 'a file'}: {error.strerror.lower()}; free the place or name another.")
        return 64
    if os.environ.get("VETSET_DEBUG"):
        raise error
    announce(
        f"vetset: a fault of vetset's, not yours: {type(error).__name__}: {quote(error, 100)}; "
        "run again with VETSET_DEBUG=1 and report what it prints."
    )
    return 70
