"""The command line: which commands there are, and how every one of them ends."""

from __future__ import annotations

import io
import os
import sys
from typing import Annotated, NoReturn

import typer

from . import (
    acting,
    adapters_command,
    agree_command,
    compare_command,
    distill_command,
    drift_command,
    eval_command,
    evalset_command,
    failures_command,
    index_commands,
    interchange_command,
    judge_command,
    looking,
    payback_command,
    plan_command,
    queue_command,
    review_command,
    train_command,
)
from .answering import announce, answer
from .stopping import INTERRUPTED, Stopped

_STOPPED = "stopped; nothing half-written is left behind."

app = typer.Typer(
    name="vetset",
    help="Vet training data before you fine-tune: read, check, decide, split, export.",
    no_args_is_help=True,
    rich_markup_mode=None,  # importing rich for the help page alone costs 0.2 s
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for verb in (
    acting.demo, acting.read, acting.check, looking.findings, looking.rule, queue_command.queue, review_command.review,
    acting.decide, looking.decisions,
    acting.split, acting.export, looking.verify, looking.why, agree_command.agree,
    judge_command.judge, eval_command.eval, compare_command.compare, drift_command.drift,
    payback_command.payback, distill_command.distill, plan_command.plan, train_command.train,
    failures_command.failures,
):  # fmt: skip
    app.command()(verb)  # in the order of the work
app.add_typer(
    evalset_command.commands, name="evalset", help="Choose eval rows, keep them apart, freeze and renew them."
)
app.add_typer(index_commands.commands, name="index", help="Hold rows against all that were ever kept.")
evalset_command.commands.command("export")(interchange_command.export)
app.add_typer(
    adapters_command.commands, name="adapters", help="The library: list, compare, merge, serve, delete adapters."
)
app.add_typer(interchange_command.commands, name="runs", help="Take over runs that other tools made.")


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


def main() -> NoReturn:
    """Run the command line and exit with the codes of the design: 0, 1, 2, 64, 65, 70."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal of another encoding shows what it can
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; errors become one sentence on stderr."""
    try:
        code = app(arguments, standalone_mode=False) or 0
        if code == INTERRUPTED:  # what typer makes of an interrupt that no command has spoken of
            announce(_STOPPED)
        return code
    except typer.Exit as stop:
        return stop.exit_code
    except (Stopped, typer.Abort, KeyboardInterrupt) as stop:
        announce(str(stop) or _STOPPED)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the last place: one sentence and an exit code, never a traceback
        return _failed(error, as_json="--json" in arguments)


def _failed(error: Exception, *, as_json: bool) -> int:
    """Say why on stderr, and with ``--json`` on stdout too, so that a script that reads one object gets one."""
    code, sentence = _told(error)
    announce(sentence)
    if as_json:
        said = sentence.removeprefix("vetset: ")
        answer({"error": said, "exit": code}, True, lambda: None)
    return code


def _told(error: Exception) -> tuple[int, str]:
    """Return the exit code of an error and its sentence."""
    from ..curate.errors import VetsetError, quote

    if hasattr(error, "format_message"):  # click's usage errors, wherever this typer keeps their classes
        message = error.format_message()  # pyright: ignore[reportAttributeAccessIssue]
        context = getattr(error, "ctx", None)
        command = "vetset" if context is None else " ".join(["vetset", *context.command_path.split()[1:]])
        return 64, message if "Usage:" in message else f"vetset: {message.rstrip('.')}; see `{command} --help`."
    if isinstance(error, VetsetError):
        return error.exit_code, f"vetset: {error}"
    if isinstance(error, OSError) and error.strerror:
        return 64, f"vetset: {error.filename or 'a file'}: {error.strerror.lower()}; free the place or name another."
    if os.environ.get("VETSET_DEBUG"):
        raise error
    return 70, (
        f"vetset: a fault of vetset's, not yours: {type(error).__name__}: {quote(error, 100)}; "
        "run again with VETSET_DEBUG=1 and report what it prints."
    )
