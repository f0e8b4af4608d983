"""Public benchmarks by lm-eval, in a process of its own: its many dependencies never meet vetset's, and it can be stopped.

It runs offline unless it is told otherwise, and never with ``--trust_remote_code`` or ``--confirm_run_unsafe_code``: a task that
would run code of a model's, or of a data set's, fails and says so.
Source: lm-evaluation-harness 0.4.13, ``lm_eval/_cli/run.py``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from ...curate.errors import DataError, MissingExtra, UsageError, quote
from ...curate.masking import mask
from .importing import ImportResult, import_run

OFFLINE = dict.fromkeys(("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "HF_EVALUATE_OFFLINE", "TRANSFORMERS_OFFLINE"), "1")
QUIET = {"HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1", "WANDB_MODE": "disabled", "PYTHONUNBUFFERED": "1"}
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
    """Run tasks of lm-eval and write each as a run ``OUT/MODEL-TASK.run``; what lm-eval wrote stays under ``OUT/lm-eval``.

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
        UsageError: no task; it ran longer than ``timeout``.
        DataError: it failed, or logged nothing.
    """
    interpreter = str(python or sys.executable)
    if not tasks:
        raise UsageError("--tasks names no task; give one of `lm-eval ls tasks`.")
    odd = next((word for word in (model, *tasks) if word.startswith("-")), None)
    if odd is not None:
        raise UsageError(f"{quote(odd, 40)} would be read as an option of lm-eval's; give its name.")
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
    _run(command, timeout=timeout, download=download, told=told)
    files = sorted(written.rglob("samples_*.jsonl"))
    if not files:
        raise DataError(
            f"lm-eval ended well and logged no sample under {written}; run it by hand: {' '.join(command[1:])}."
        )
    return [import_run([path], Path(out) / f"{_name(path, model, model_args)}.run", source="lm-eval") for path in files]


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


def _run(command: list[str], *, timeout: float | None, download: bool, told: Callable[[str], None] | None) -> None:
    environment = os.environ | QUIET | ({} if download else OFFLINE)
    lines: list[str] = []
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, text=True,
        encoding="utf-8", errors="replace", start_new_session=True,
    ) as process:  # fmt: skip
        try:
            _follow(process, lines, timeout, told)
        except BaseException:
            _stop(process)
            raise
    if process.returncode:
        last = next((line for line in reversed(lines) if line.strip()), "nothing")
        hint = "" if download else "; it ran offline: --download lets it fetch what is missing"
        raise DataError(
            f"lm-eval failed (exit {process.returncode}), its last line: {quote(mask(last.strip()), 200)}{hint}."
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
                told(mask(line.rstrip("\n"))[:300])
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
    pairs = [part.partition("=") for part in model_args.split(",")]
    told = {key: value for key, _, value in pairs}
    named = next((told[key] for key in ("peft", "pretrained", "model") if told.get(key)), model)
    whole = f"{named.rstrip('/').rpartition('/')[2]}-{task}"
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in whole).strip("-.")[:100] or "lm-eval"
