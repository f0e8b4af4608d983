"""What a run is, by its recipe and its data, and how it goes on after it was stopped."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..curate import disk
from ..curate.errors import UsageError
from ..curate.exports.provenance import sha256
from ..curate.wording import shell
from ..evaluate.models.model_folder import model_folder
from ..evaluate.models.weights_digest import tokenizer_digest, weights_digest
from .adapters.lineage import LINEAGE
from .recipe import Recipe
from .rows.examples import Examples

CHECKPOINTS = "checkpoints"
_RUN = "run.json"
_ELSEWHERE = {
    "out",
    "data",
    "base",
    "valid",
    "general",
    "task",
    "report_to",
    "price_per_hour",
    "checkpointing",
    "at_once",
    "evalsets",
    "template",
    "teacher",
}
"""Keys of a recipe that may change in mid-run: where things stand (their contents may not), and what moves no weight."""


_NO_ROOM = ("no space left", "file too large", "inline_container", "iostream error")
"""What the operating system, safetensors and torch say of a full disk."""
_FITS = "fits"  # rows in memory at once, by which the sums of a batch are rounded: a resumed run takes the same


def run_of(recipe: Recipe, examples: Examples, base: Path) -> dict[str, Any]:
    """Return what decides a run's weights, as JSON values."""
    said = {key: value for key, value in recipe.model_dump(mode="json").items() if key not in _ELSEWHERE}
    if recipe.method == "kto":  # its answers cross within a batch
        said["at_once"] = recipe.at_once
    rows = {"data": examples.digest("train"), "general": examples.digest("general"), "valid": examples.digest("valid")}
    told = said | rows | {"base": weights_digest(base), "tokenizer": tokenizer_digest(base)}
    if recipe.template:
        told["template"] = sha256(Path(recipe.template))
    if recipe.teacher:
        told["teacher"] = weights_digest(model_folder(recipe.teacher))
    return told


def _of_a_run(folder: Path) -> bool:
    kept = folder / CHECKPOINTS
    return (kept / _RUN).is_file() or ((folder / LINEAGE).is_file() and not kept.exists())


def not_ours(folder: Path) -> str | None:
    """Return why a run can't write there, ``None`` where it can: what nobody's run made is never written over."""
    if folder.exists() and not folder.is_dir():
        return f"{folder} is a file; give a folder as `out`."
    if not _of_a_run(folder) and any(path.is_file() and not path.name.startswith(".") for path in folder.rglob("*")):
        return f"{folder} is not empty, and no run has made what it holds; give a folder of its own as `out`."
    return None


def checkpoint_of(folder: Path, run: dict[str, Any], *, resume: bool) -> Path | None:
    """Return the last whole checkpoint of this very run in an adapter's folder; ``None`` where it begins anew.

    Raises:
        UsageError: an adapter stands there, or checkpoints of another recipe or other data, and nobody said to begin anew; or
            the folder holds what is no adapter.
    """
    kept = folder / CHECKPOINTS
    if why := not_ours(folder):
        raise UsageError(why)
    if not _of_a_run(folder) or not resume:
        return None
    if not kept.exists():
        raise UsageError(f"{folder} holds an adapter already; give another `out`, or train it again with --anew.")
    try:
        before = json.loads((kept / _RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        before = {}
    if changed := sorted(key for key in run | before if key != _FITS and run.get(key) != before.get(key)):
        raise UsageError(
            f"{kept} is of a run with another {', '.join(changed[:5])}; set that back, or throw the checkpoints away with --anew."
        )
    return max((path for path in kept.glob("checkpoint-*") if _whole(path)), key=step_of, default=None)


def fitted(folder: Path) -> int | None:
    """Return how many rows a run that is gone on from had in memory at once."""
    try:
        return json.loads((folder / CHECKPOINTS / _RUN).read_text(encoding="utf-8")).get(_FITS)
    except (OSError, ValueError, AttributeError):
        return None


def begin(folder: Path, run: dict[str, Any], last: Path | None, *, at_once: int) -> None:
    """Make the folder ready: without checkpoints that are not gone on from, half written ones above all.

    Args:
        folder: of the adapter.
        run: see ``run_of``.
        last: the checkpoint that is gone on from.
        at_once: rows in memory.

    Raises:
        UsageError: it can't be written.
    """
    kept = folder / CHECKPOINTS
    try:
        if last is None and kept.is_dir():
            shutil.rmtree(kept)
        kept.mkdir(parents=True, exist_ok=True)
        for path in kept.glob("checkpoint-*"):
            if last is not None and step_of(path) > step_of(last):
                shutil.rmtree(path)
        disk.write_whole(
            kept / _RUN,
            lambda beside: beside.write_text(json.dumps(run | {_FITS: at_once}, indent=1) + "\n", encoding="utf-8"),
        )
    except OSError as error:
        raise UsageError(
            f"{folder} can't be written ({error.strerror}); give a folder that you may write to."
        ) from error


@contextmanager
def alone(folder: Path, *, first: bool) -> Iterator[None]:
    """Hold an adapter's folder while its steps are made: two runs would write over each other's checkpoints.

    Raises:
        UsageError: another run is at work there, or there is no room for a checkpoint.
    """
    if not first:  # of several processes one holds it for all
        yield
        return
    with (folder / CHECKPOINTS / ".lock").open("wb") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UsageError(f"another run is at work in {folder}; wait for it, or give another `out`.") from error
        try:
            yield
        except Exception as error:  # safetensors' own is no OSError
            if not any(word in str(error).lower() for word in _NO_ROOM):
                raise
            raise UsageError(
                f"there was no room for a checkpoint in {folder}; make some, and run it again: it goes on from the last "
                "whole one."
            ) from error


def broken(folder: Path, step: int) -> str:
    """Return the sentence about a run whose loss is no number any more after ``step``."""
    last = max(
        (path for path in (folder / CHECKPOINTS).glob("checkpoint-*") if _whole(path)), key=step_of, default=None
    )
    kept = (
        "no checkpoint was written before"
        if last is None
        else f"the adapter as of step {step_of(last)} is kept in {shell(last)}"
    )
    return (
        f"the loss is no number any more at step {step}, so training was stopped; {kept}. Lower learning_rate, or look for rows "
        "that break it, and begin with --anew."
    )


def step_of(checkpoint: Path) -> int:
    """Return the step of a checkpoint by its name; -1 for what is none."""
    number = checkpoint.name.rpartition("-")[2]
    return int(number) if number.isdecimal() else -1


def _whole(checkpoint: Path) -> bool:
    """Say whether a checkpoint was written to its end: the trainer's state is what transformers writes last."""
    try:
        return json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))["global_step"] == step_of(
            checkpoint
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False
