"""The verb ``train``: the rows that ``plan`` showed, through TRL, to an adapter with its lineage."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl

from ..curate.errors import DataError, GateError, UsageError
from ..curate.exports.provenance import licenses_of
from ..evaluate.models.local_loading import load_tokenizer
from ..evaluate.models.model_folder import model_folder
from .adapters.lineage import write_lineage
from .curves import read_curves, summary
from .energy import read_joules
from .planning.device import Device
from .planning.preflight import Plan, plan
from .recipe import Recipe
from .resuming import CHECKPOINTS, alone, begin, broken, checkpoint_of, fitted, run_of, step_of
from .rewards import rewards
from .rows.examples import examples, turns
from .rows.rendering import Renderer
from .rows.tokenized import Fed, length, tokenized
from .saving import save
from .trl_face import GENERATING, Setting, apart, configuration, load_model, quietly, stay_here, trainer
from .watching import Step, Watch

_FLAT = 2048
"""Most tokens of a batch that is laid end to end where attention reads all of it: beyond, what it reads in vain costs more than
padding does (benchmarks/training.py)."""
_COMPARED = 200  # rows whose tokens are made by transformers, too


@dataclass(frozen=True)
class Trained:
    """What a run came to."""

    folder: Path
    rows: int
    steps: int
    loss: float | None
    """Of the last step."""
    valid_loss: float | None
    """Of the weights that were kept."""
    best_step: int | None
    stopped_early: bool
    tokens: int
    seconds: float
    """Of the steps, of all parts of the run."""
    resumed_at: int | None
    """The step of the checkpoint that this part of the run went on from."""

    def summary(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self) | {"folder": str(self.folder)}


def train(
    recipe: Recipe, *, resume: bool = True, tell: Callable[[str], None], progress: Callable[[Step], None] | None = None
) -> Trained:
    """Train by a recipe; a run that was stopped, by a kill or a full disk, goes on from its last checkpoint.

    On a CPU the same recipe gives the same weights to the bit, stopped in between or not.

    Args:
        recipe: as it was read.
        resume: go on from checkpoints that are there; else begin anew.
        tell: is told what a person should know.
        progress: is told of each step.

    Raises:
        GateError: the plan says that it would go wrong; or a loss was no number, and the last good checkpoint is kept.
        UsageError: recipe or data have changed since the checkpoints, or a finished adapter stands at ``out``.
        MissingExtra: torch, trl or peft is not installed.
        DataError: data or model can't be used.
    """
    stay_here(recipe)
    tell = tell if os.environ.get("RANK", "0") == "0" else lambda _: None
    found, base, folder = examples(recipe), model_folder(recipe.base), Path(recipe.out).resolve()
    run = run_of(recipe, found, base)
    last = checkpoint_of(folder, run, resume=resume)
    planned = plan(recipe, examples=found)
    _heed(planned, tell)
    device = _kind(recipe, planned.budget.device)
    before = None if last is None else fitted(folder)  # the memory that is free now may be another
    fits, checkpointing = _agreed(before or planned.budget.at_once, planned.budget.checkpointing)
    at_once, accumulate = _parted(recipe, fits)
    renderer = planned.renderer
    fed = tokenized(recipe, renderer, found.train, at_once=at_once)
    looked = found.valid if recipe.method not in GENERATING else None
    valid = None if looked is None else tokenized(recipe, renderer, looked, at_once=at_once)
    tokenizer = _tokenizer(recipe, base, renderer, found.train)
    watch = Watch(folder, recipe, progress=progress)
    with quietly():
        model = load_model(recipe, base, device)
        flat = _flat(recipe, fed, at_once, model)
        longest = max(map(length, fed))
        setting = Setting(device, at_once, accumulate, flat, valid is not None, longest, checkpointing)
        made = trainer(
            recipe, model=model, tokenizer=tokenizer, arguments=configuration(recipe, setting, folder / CHECKPOINTS),
            train=fed, valid=valid, watch=watch, **_judging(recipe, found.train, renderer, device),
        )  # fmt: skip
        made.accelerator.wait_for_everyone()  # each process has read what stands there, before the first changes it
        if made.is_world_process_zero():
            begin(folder, run, last, at_once=at_once)
        made.accelerator.wait_for_everyone()
        if last is not None:
            tell(f"going on from step {step_of(last)}, the last checkpoint in {folder / CHECKPOINTS}.")
        drawn = read_joules()
        try:
            with alone(folder, first=made.is_world_process_zero()):
                made.train(resume_from_checkpoint=None if last is None else str(last))
        except import_module("torch").OutOfMemoryError as error:
            raise UsageError(
                f"memory of {device} is too small for {at_once} rows of {longest:,} tokens; set at_once = "
                f"{max(1, at_once // 2)} or checkpointing = true, and run it again: it goes on from the last checkpoint."
            ) from error
        after = read_joules()
        if watch.broken is not None:
            raise GateError(broken(folder, watch.broken))
        save(
            made, folder, recipe.model_copy(update={"at_once": at_once})
        )  # with another number sums are rounded otherwise
    if {entry["reward_std"] for entry in made.state.log_history if "reward_std" in entry} == {0.0}:
        tell(
            "warning: all answers to a question earned the same in each step, so nothing was learnt; look at the rewards."
        )
    curves = summary(read_curves(folder), stopped_early=watch.stopped_early)
    trained = Trained(
        folder, len(fed), curves.steps, curves.last_loss, curves.best_valid_loss, curves.best_step, watch.stopped_early,
        made.state.num_input_tokens_seen, watch.seconds, None if last is None else step_of(last),
    )  # fmt: skip
    if made.is_world_process_zero():
        taught = replace(found, train=found.train.filter(planned.kept))
        if taught.provenance is None:
            taught = replace(taught, licenses=licenses_of(taught.train.filter(~pl.col("general"))))
        write_lineage(
            folder, recipe, taught, base=base, device=planned.budget.device.name, seconds=watch.seconds, tokens=trained.tokens,
            stopped_early=watch.stopped_early, plan=planned.figures(),
            energy_joules=None if drawn is None or after is None or last is not None else after - drawn,
        )  # fmt: skip
        shutil.rmtree(folder / CHECKPOINTS)
    return trained


def _heed(planned: Plan, tell: Callable[[str], None]) -> None:
    if planned.refused:
        raise GateError(" ".join(one.said for one in planned.refused))
    for one in planned.problems:
        tell(f"warning: {one.said}")
    for note in planned.notes:
        tell(note)


def _kind(recipe: Recipe, device: Device) -> str:
    """Return a device as torch calls it."""
    if ":" in (recipe.device or ""):
        number = str(recipe.device).partition(":")[2]
        raise UsageError(
            f"device = {recipe.device}: set CUDA_VISIBLE_DEVICES={number}, and take device out of the recipe."
        )
    if not device.here:
        raise UsageError(
            f"device = {device.name} is not on this machine; take it out of the recipe, or plan for it alone."
        )
    return device.kind


def _agreed(*chosen: Any) -> tuple[Any, ...]:
    """Return what the first of several processes chose: each of them sees another amount of free memory."""
    told = list(chosen)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        import_module("accelerate").PartialState()
        import_module("accelerate.utils").broadcast_object_list(told)
    return tuple(told)


def _parted(recipe: Recipe, fits: int) -> tuple[int, int]:
    """Return the rows in memory of one device, and how many such batches make a step, of a recipe's ``batch`` of rows."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    each, left = divmod(recipe.batch, world)
    if left or not each:
        raise UsageError(f"batch = {recipe.batch} rows can't be shared by {world} devices; give a multiple of {world}.")
    wanted = min(recipe.at_once or fits, each)
    at_once = max(number for number in range(1, max(wanted, 1) + 1) if each % number == 0)
    return at_once, each // at_once


def _flat(recipe: Recipe, fed: list[Fed], at_once: int, model: Any) -> bool:
    """Say whether a batch is laid end to end: where it pays, and the model tells the rows apart.

    Flash attention skips what other rows hold, and others read it in vain.

    Raises:
        UsageError: ``[trl]`` asks for it, and the model mixes the rows up.
    """
    if "labels" not in fed[0]:
        return False
    asked = bool(recipe.trl.get("packing") or recipe.trl.get("padding_free"))
    lengths = [length(one) for one in fed]
    flash = "flash" in str(model.config._attn_implementation)
    short = max(lengths) <= _FLAT and at_once * sum(lengths) / len(lengths) <= _FLAT
    if not asked and (at_once == 1 or not (flash or short)):
        return False
    told = apart(model, fed)
    if asked and not told:
        raise UsageError(
            f"{recipe.base} mixes up rows that stand in one sequence, so they can't be packed; take packing and padding_free out "
            "of [trl]."
        )
    return told


def _tokenizer(recipe: Recipe, base: Path, renderer: Renderer, rows: pl.DataFrame) -> Any:
    """Return transformers' tokenizer, which has to make the same tokens of the rows as vetset does.

    Raises:
        DataError: it makes others.
    """
    tokenizer = load_tokenizer(base)
    if recipe.template:
        tokenizer.chat_template = Path(recipe.template).read_text(encoding="utf-8")
    if recipe.method == "cpt":
        return tokenizer
    every = max(1, rows.height // _COMPARED)
    for row in rows.gather_every(every).iter_rows(named=True):
        said = turns(row)
        text = tokenizer.apply_chat_template(said.messages, tools=said.tools, tokenize=False)
        if tokenizer(text, add_special_tokens=False)["input_ids"] != renderer.tokens(said.messages, said.tools).ids:
            raise DataError(
                f"{row['file']} line {row['line']}: transformers makes other tokens of it than `vetset plan` showed; save the "
                f"tokenizer of {recipe.base} anew, update transformers, and if it stays so report it."
            )
    return tokenizer


def _judging(recipe: Recipe, rows: pl.DataFrame, renderer: Renderer, device: str) -> dict[str, Any]:
    """Return what judges the answers that a model gives while it is trained."""
    if recipe.method == "grpo":
        ends = frozenset(token for token in (renderer.end, renderer.eos) if token is not None)
        return {"rewards": rewards(recipe, rows, ends=ends)}
    if recipe.method == "distil":
        teacher = model_folder(str(recipe.teacher))
        return {"teacher": load_model(recipe.model_copy(update={"quantize": None}), teacher, device)}
    return {}
