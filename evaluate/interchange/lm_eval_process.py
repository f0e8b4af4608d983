"""Public benchmarks by lm-eval, in a process of its own: its many dependencies never meet vetset's, and it can be stopped.

It runs offline unless it is told otherwise, and never with ``trust_remote_code`` or ``--confirm_run_unsafe_code``, nor with the
environment's leave for either: a task that would run code of a model's, or of a data set's, fails and says so.
Source: lm-evaluation-harness 0.4.13, ``lm_eval/_cli/run.py``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from itertools import count
from pathlib import Path

from ...curate.errors import DataError, MissingExtra, UsageError, quote
from ...curate.masking import mask
from .importing import ImportResult, import_run
from .record import is_secret, without_secrets

OFFLINE = dict.fromkeys(("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "HF_EVALUATE_OFFLINE", "TRANSFORMERS_OFFLINE"), "1")
QUIET = {"HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1", "WANDB_MODE": "disabled", "PYTHONUNBUFFERED": "1"}
LEAVE = ("HF_DATASETS_TRUST_REMOTE_CODE", "HF_ALLOW_CODE_EVAL")
"""What in an environment would let it run a data set's code, or a model's answers."""
_LAST = 20  # lines of its output that an error may quote from


def run_lm_eval(
    model: str,
    tasks: Sequence[str],
    out: str | Path,
    *,
    model_args: str = "",
    python: str | Path | None = None,
    include: str | Path | None = None,
    shots: int | None = None,
    limit: int | None = None,
    chat: bool = False,
    download: bool = False,
    timeout: float | None = None,
    told: Callable[[str], None] | None = None,
) -> list[ImportResult]:
    """Run tasks of lm-eval and write each as a run; what lm-eval wrote stays under ``OUT/lm-eval``.

    A run is called ``OUT/MODEL-TASK-DIGEST.run``, by a digest of the model's arguments: of ``a/final`` and ``b/final`` each has a
    name of its own. None is replaced; one more of the same gets ``-2`` at its end.

    Args:
        model: lm-eval's kind of model: ``hf``, ``local-chat-completions`` ...
        tasks: names of its tasks.
        out: the folder of runs.
        model_args: as lm-eval takes them: ``pretrained=PATH,dtype=float32``.
        python: the interpreter that has lm-eval; this one for ``None``.
        include: a folder with further tasks, such as an export of an eval set.
        shots: examples before a question; the task's own number for ``None``.
        limit: rows of each task; all for ``None``.
        chat: ask by the model's chat template.
        download: let it fetch tasks and models from the hub.
        timeout: seconds after which it is stopped; never for ``None``.
        told: is told each line that it prints.

    Raises:
        MissingExtra: the interpreter has no lm-eval.
        UsageError: no task; it ran longer than ``timeout``; the arguments would let it run a model's own code.
        DataError: it failed, or logged nothing.
    """
    interpreter = str(python or sys.executable)
    if not tasks:
        raise UsageError("--tasks names no task; give one of `lm-eval ls tasks`.")
    odd = next((word for word in (model, *tasks) if word.startswith("-")), None)
    if odd is not None:
        raise UsageError(f"{quote(odd, 40)} would be read as an option of lm-eval's; give its name.")
    _check_arguments(model_args)
    _check_installed(interpreter)
    logs = Path(out) / "lm-eval"
    try:
        logs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{logs} can't be made ({error.strerror}); give a folder that you may write to.") from error
    written = Path(tempfile.mkdtemp(dir=logs, prefix="run-"))
    command = [interpreter, "-m", "lm_eval", "run", "--model", model, "--tasks", ",".join(tasks)]
    command += ["--output_path", str(written), "--log_samples"]
    for option, value in (
        ("--model_args", model_args),
        ("--include_path", include),
        ("--num_fewshot", shots),
        ("--limit", limit),
    ):
        if value not in (None, ""):
            command += [option, str(value)]
    if chat:
        command.append("--apply_chat_template")
    hide = _hiding(model_args)
    _run(command, timeout=timeout, download=download, told=told, hide=hide)
    files = sorted(written.rglob("samples_*.jsonl"))
    if not files:
        raise DataError(
            f"lm-eval ended well and logged no sample under {written}; run it by hand with --log_samples to see why."
        )
    return [import_run([path], _free(Path(out), _name(path, model, model_args)), source="lm-eval") for path in files]


def _check_arguments(model_args: str) -> None:
    plainly_not = re.sub(r"trust_remote_code[\"']?\s*[=:]\s*[\"']?false\b", "", model_args, flags=re.IGNORECASE)
    if "trust_remote_code" in plainly_not:
        raise UsageError(
            "--model-args has trust_remote_code, which would run the model's own code here; leave it out, or run lm-eval by "
            "hand where that does no harm and take its logs over with `vetset runs import`."
        )


def _hiding(model_args: str) -> Callable[[str], str]:
    """Return what takes the arguments' secrets out of a line: lm-eval prints its arguments when it begins."""
    values = {value for name, value in _pairs(model_args) if is_secret(name) and len(value) > 3}

    def hide(line: str) -> str:
        for value in sorted(values, key=len, reverse=True):
            line = line.replace(value, "[secret]")
        return mask(line)

    return hide


def _pairs(model_args: str) -> Iterator[tuple[str, str]]:
    """The names and values of ``a=b,c=d``, or of JSON, which lm-eval takes as well."""
    for found in re.finditer(r"([\w-]+)[\"']?\s*[=:]\s*[\"']?([^,\"'}]*)", model_args):
        yield found[1], found[2].strip()


def _free(folder: Path, name: str) -> Path:
    """Return the first of ``NAME.run, NAME-2.run, ...`` that is not there: hours of a model's answers replace no others."""
    names = (folder / f"{name}{f'-{number}' if number > 1 else ''}.run" for number in count(1))
    return next(path for path in names if not path.exists())


def _check_installed(interpreter: str) -> None:
    """Ask the interpreter itself, without importing lm-eval: that alone takes seconds."""
    probe = "import importlib.util, sys; sys.exit(importlib.util.find_spec('lm_eval') is None)"
    try:
        missing = subprocess.run([interpreter, "-c", probe], capture_output=True, timeout=60, check=False).returncode
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(
            f"--python {interpreter} can't be run ({type(error).__name__}); give a Python that has lm-eval."
        ) from error
    if missing:
        raise MissingExtra(
            f"{interpreter} has no lm-eval; install it with `pip install 'vetset[lm-eval]'`, "
            "or name the Python that has it with --python."
        )


def _run(
    command: list[str],
    *,
    timeout: float | None,
    download: bool,
    told: Callable[[str], None] | None,
    hide: Callable[[str], str],
) -> None:
    environment = os.environ | QUIET | ({} if download else OFFLINE)
    environment = {name: value for name, value in environment.items() if name not in LEAVE}
    lines: list[str] = []
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, text=True,
        encoding="utf-8", errors="replace", start_new_session=True,
    ) as process:  # fmt: skip
        try:
            _follow(process, lines, timeout, (lambda line: told(hide(line)[:300])) if told is not None else None)
        except BaseException:
            _stop(process)
            raise
    if process.returncode:
        last = next((line for line in reversed(lines) if line.strip()), "nothing")
        hint = "" if download else "; it ran offline: --download lets it fetch what is missing"
        raise DataError(
            f"lm-eval failed (exit {process.returncode}), its last line: {quote(hide(last.strip()), 200)}{hint}."
        )


def _follow(
    process: subprocess.Popen[str], lines: list[str], timeout: float | None, told: Callable[[str], None] | None
) -> None:
    """Pass its lines on while it runs; a timer stops it, since a line may never come."""
    import threading

    late = threading.Event()

    def stop() -> None:
        late.set()
        _stop(process)

    timer = threading.Timer(timeout, stop) if timeout is not None else None
    if timer is not None:
        timer.start()
    try:
        for line in process.stdout or ():
            lines.append(line)
            del lines[:-_LAST]
            if told is not None:
                told(line.rstrip("\n"))
        process.wait()
    finally:
        if timer is not None:
            timer.cancel()
    if late.is_set():
        raise UsageError(
            f"lm-eval was stopped after {timeout:,.0f} s; give it more with --timeout, or fewer rows with --limit."
        )


def _stop(process: subprocess.Popen[str]) -> None:
    """Stop it and what it started: loaders of data run as children."""
    import signal

    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()


def _name(samples: Path, model: str, model_args: str) -> str:
    """The run's name: the model's, which is the last part of its path, and the task's."""
    task = samples.name.removeprefix("samples_").rsplit("_", 1)[0]
    told = dict(_pairs(model_args))
    named = next((told[key] for key in ("peft", "pretrained", "model") if told.get(key)), model)
    whole = f"{named.rstrip('/').rpartition('/')[2]}-{task}"
    plain = "".join(c if c.isalnum() or c in "-_." else "-" for c in whole).strip("-.")[:100] or "lm-eval"
    digest = sha256(f"{model}\n{without_secrets(model_args)}".encode("utf-8", "surrogatepass")).hexdigest()
    return f"{plain}-{digest[:8]}" if model_args else plain
