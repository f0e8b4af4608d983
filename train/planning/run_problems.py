"""What is wrong with the recipe, the base and the machine."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

import polars as pl

from ...curate.errors import quote
from ...curate.wording import counted
from ..recipe import LEARNING_RATES, Recipe
from ..resuming import not_ours
from ..rows.rendering import Renderer
from ..trl_face import OURS, OWNED, OWNED_BY_LORA
from .budget import Budget
from .known_keys import peft_keys, trl_keys
from .problem import Problem, refused, warned
from .shape import Shape

_STEPS = 20
"""Updates under which a rate that rises and falls has no time to do either."""


def run_problems(
    recipe: Recipe, folder: Path, renderer: Renderer, shape: Shape, taken: Budget, lengths: pl.Series
) -> Iterator[Problem]:
    """Yield what is wrong with a run, its rows aside.

    Args:
        recipe: as it was read.
        folder: of the base.
        renderer: of the base.
        shape: of the base.
        taken: what the run takes.
        lengths: tokens of the rows that are trained on.
    """
    yield from _out(recipe)
    yield from _base(recipe, folder, renderer, shape)
    yield from _dials(recipe, shape, taken)
    yield from _keys(recipe)
    yield from _machine(recipe, taken, lengths)


def _out(recipe: Recipe) -> Iterator[Problem]:
    if why := not_ours(Path(recipe.out)):
        yield refused("out.taken", why)


def _base(recipe: Recipe, folder: Path, renderer: Renderer, shape: Shape) -> Iterator[Problem]:
    if not renderer.templates and recipe.method != "cpt":
        yield refused(
            "template.missing",
            f"{recipe.base} has no chat template, so nothing says how a conversation is put to it, now or in use; take its "
            "instruction-tuned version, or give a Jinja file with template = FILE.",
        )
    if renderer.dated:
        yield warned(
            "template.dated",
            f"the chat template of {recipe.base} writes today's date into every prompt, so what is trained differs from day "
            "to day; give a template with a date that stands.",
        )
    if renderer.pad is None or renderer.pad in (renderer.eos, renderer.end):
        has = "has no pad token" if renderer.pad is None else "pads with the token that ends an answer"
        yield warned(
            "pad.none" if renderer.pad is None else "pad.is_end",
            f"the tokenizer of {recipe.base} {has}: a trainer that masks by token would never train the end; here padding "
            "is told by its place, and the end is trained.",
        )
    if (folder / "adapter_config.json").is_file():
        yield refused(
            "base.adapter",
            f"{recipe.base} holds a model and an adapter over {quote(_base_of(folder))}, and transformers would load both "
            "without a word; merge them (`vetset adapters merge`), or name a folder with the model alone.",
        )
    if (other := _base_of(Path(recipe.out))) is not None and not _same(other, recipe, folder):
        yield refused(
            "adapter.other_base",
            f"{recipe.out} holds an adapter over {quote(other)}, and this run is over {quote(recipe.base)}; name another "
            "folder with out, or that base.",
        )
    if shape.quantized is not None:
        yield warned(
            "base.quantized",
            f"the weights of {recipe.base} are shortened already ({quote(shape.quantized, 20)}): an adapter over them can't "
            "be merged without loss, and the figures on memory don't hold; take the model in 16 bits, with quantize = "
            "'4bit' if need be.",
        )


def _base_of(folder: Path) -> str | None:
    try:
        told = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        return str(told["base_model_name_or_path"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _same(told: str, recipe: Recipe, folder: Path) -> bool:
    return told == recipe.base or Path(told).resolve() in (folder.resolve(), Path(recipe.base).resolve())


def _dials(recipe: Recipe, shape: Shape, taken: Budget) -> Iterator[Problem]:
    usual = LEARNING_RATES[recipe.method] / (10 if recipe.full else 1)
    low, high = usual / 20, usual * 10
    if not low <= recipe.rate <= high:
        then = "it breaks what the model knows" if recipe.rate > high else "it learns next to nothing"
        yield warned(
            "rate.range",
            f"learning_rate = {recipe.rate:g} is far from the {usual:g} of "
            f"{recipe.method}{' of all weights' if recipe.full else ''}: {then}; take one from {low:g} to {high:g}.",
        )
    if taken.steps < _STEPS:
        yield warned(
            "steps.few",
            f"{counted(taken.steps, 'step')}: too few for the rate to rise and fall; "
            + (
                "take more steps, or leave out steps."
                if recipe.steps
                else f"take a smaller batch than {recipe.batch}, or more epochs than {recipe.epochs:g}."
            ),
        )
    if recipe.full:
        return
    if not taken.trained:
        yield refused(
            "targets.none",
            f"no layer of {recipe.base} is called {quote(recipe.lora.targets, 80)}, so nothing would be trained; its layers "
            f"end in {', '.join(sorted({name.rpartition('.')[2] for name in shape.linear})[:12])}.",
        )
    if recipe.rank > shape.hidden:
        yield warned(
            "rank.over",
            f"rank = {recipe.rank} is over the model's width of {shape.hidden}, so the adapter has more weights than what "
            "it changes; take 8 to 64, or full = true.",
        )


def _keys(recipe: Recipe) -> Iterator[Problem]:
    for table, given, owned, known, whose in (
        ("trl", recipe.trl, OWNED, trl_keys(recipe.method), "TRL's configuration of " + recipe.method),
        ("lora.more", recipe.lora.more, OWNED_BY_LORA, peft_keys(), "peft's LoraConfig"),
    ):
        for key in given:
            if key in owned:
                said = f"{table}.{key} is said by `{owned[key]}` of the recipe; set that, and take this out."
                yield refused("key.owned", said)
            elif table == "trl" and key.startswith(OURS):
                yield refused("key.ours", f"trl.{quote(key, 60)[1:-1]} is vetset's own to set; take it out.")
            elif known is not None and key not in known:
                near = get_close_matches(key, sorted(known - owned.keys()), n=1, cutoff=0.6)
                hint = f"did you mean {near[0]}?" if near else "take it out."
                yield refused("key.unknown", f"{table}.{quote(key, 60)[1:-1]} is no key of {whose}; {hint}")
        if given and known is None:
            yield warned(
                "key.unchecked", f"the keys of [{table}] can't be checked, for the library is not installed here."
            )


def _machine(recipe: Recipe, taken: Budget, lengths: pl.Series) -> Iterator[Problem]:
    device, needs = taken.device, f"{taken.bytes / 1e9:.1f} GB"
    has = f"{device.name} has {device.memory / 1e9:.1f} GB"
    if not taken.fits:
        usual = int(lengths.quantile(0.99, "higher") or 0)
        long = lengths.filter(lengths > usual).len()
        smaller = [
            f"max_length = {usual} with too_long = 'drop' (the {counted(long, 'row')} above it set the peak)"
            * (2 * usual < int(lengths.max() or 0)),  # type: ignore[arg-type] - a column of numbers
            f"at_once = {taken.largest}" * (0 < taken.largest < taken.at_once),
            "checkpointing = true" * (not taken.checkpointing),
            "quantize = '4bit'" * (not recipe.quantize and not recipe.full), "a smaller max_length, rank or base",
        ]  # fmt: skip
        # What several processes share is not reckoned with.
        say = warned if int(os.environ.get("WORLD_SIZE", "1")) > 1 else refused
        yield say(
            "memory.over",
            f"it takes about {needs} at the peak and {has}; try {', '.join(filter(None, smaller))}, or several GPUs "
            "(docs/training.md).",
        )
    elif taken.bytes > 0.85 * device.memory:
        yield warned(
            "memory.near",
            f"it takes about {needs} at the peak and {has}, which is within the estimate's error; leave room.",
        )
    if device.kind == "cuda" and not device.bfloat16 and recipe.dtype in (None, "bfloat16"):
        yield warned(
            "dtype.unfit",
            f"{device.name} has no bfloat16, so a step takes several times as long; set dtype = 'float16'.",
        )
    if recipe.method == "kto" and taken.at_once < 2:
        yield refused("kto.alone", "kto measures a row against another one of its batch; set at_once = 2 or more.")
    if not device.here:
        return
    if recipe.quantize and find_spec("bitsandbytes") is None:
        yield refused("quantize.missing", "quantize = '4bit' needs bitsandbytes; run pip install 'vetset[qlora]'.")
    out = Path(recipe.out).absolute()
    there = next(place for place in (out, *out.parents) if place.exists())
    # Two checkpoints of weights and AdamW's two means, and what is left in the end.
    needed, free = taken.trained * 4 * (3 * 2 + 1), shutil.disk_usage(there).free
    if needed > free:
        yield refused(
            "disk.short",
            f"checkpoints take about {needed / 1e9:.1f} GB and {there} has {free / 1e9:.1f} GB free; name another folder "
            "with out.",
        )
