"""Work that takes memory and seconds, done in another process: a server stays small, and gives nothing back late."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from typing import Any

from ..errors import UsageError, VetsetError, quote
from ..masking import mask

_READ, _SAID = 20_000, 200  # characters of its last line: those that are masked, and of these, those that are said
_FRAME = re.compile(r'^ {2}File "([^"\n]+)", line (\d+)', re.MULTILINE)

_LONGEST = 3_600  # seconds; a million rows take minutes


def ask(module: str, told: dict[str, Any]) -> dict[str, Any]:
    """Return what ``answer(told)`` of a module of curate returns, run by another process.

    Args:
        module: its name in curate, such as ``agreement.report``.
        told: JSON values.

    Raises:
        UsageError: what the other process could not do, in its own sentence, or that it ended before it answered.
    """
    room = __package__.rpartition(".")[0] if __package__ else ""
    begin = f"from {__package__}.aside import work; work()"
    # -P: a file in the folder that the server was started in must not stand for a module.
    command = [sys.executable, "-P", "-c", begin, f"{room}.{module}"]
    try:
        done = subprocess.run(
            command, input=json.dumps(told), capture_output=True, check=False, text=True, timeout=_LONGEST
        )
    except subprocess.TimeoutExpired as error:
        raise UsageError("it took more than an hour and was stopped; run the command in a terminal instead.") from error
    except OSError as error:
        raise UsageError(f"no process could be started for it ({error.strerror}); free some memory.") from error
    try:
        found = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        sys.stderr.write(_places(done.stderr))
        raise UsageError(
            f"the process that was to work this out ended with {done.returncode} and no answer; memory may have run out."
        ) from None
    if "error" in found:
        raise UsageError(found["error"])
    return found["answer"]


def _places(trace: str) -> str:
    """Return of what a process said as it failed where that was and the last line, masked: a trace may hold rows."""
    found = [f"  {quote(file, 300)}:{line}" for file, line in _FRAME.findall(trace)[-8:]]
    last = (trace.strip().splitlines() or [""])[-1]
    said = [f"  {quote(mask(last[:_READ]), _SAID)}"] if last else []
    return "\n".join(["vetset review: another process failed", *said, *found]) + "\n"


def work() -> None:
    """Answer one question, in the other process: the module stands in the arguments, the question on the standard input."""
    told = json.load(sys.stdin)
    try:
        said = {"answer": importlib.import_module(sys.argv[1]).answer(told)}
    except VetsetError as error:
        said = {"error": str(error)}
    except OSError as error:
        said = {"error": f"{error.filename or 'a file'}: {(error.strerror or str(error)).lower()}; free the place."}
    sys.stdout.write(json.dumps(said) + "\n")
