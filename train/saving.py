"""The folder that a run leaves: what peft, transformers and vLLM load, and the recipe that made it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ..curate import disk
from .adapters.lineage import LINEAGE
from .recipe import PATHS, Recipe

_LEFT = ("training_args.bin", "README.md")
"""What a trainer writes besides: a pickle, and a card without a word about this run."""
_BEFORE = ("adapter_config.json", "adapter_model*", "model*.safetensors*", "config.json", LINEAGE)
"""What another adapter or model may have left in the folder."""


def save(trainer: Any, folder: Path, recipe: Recipe) -> None:
    """Write the weights, the tokenizer and the recipe; every process of a run has to call it.

    Args:
        trainer: transformers' own, with the weights that are kept.
        folder: of the adapter.
        recipe: as it was trained.
    """
    if trainer.is_world_process_zero():
        for pattern in _BEFORE:
            for path in folder.glob(pattern):
                path.unlink()
    trainer.save_model(str(folder))
    if not trainer.is_world_process_zero():
        return
    for name in _LEFT:
        (folder / name).unlink(missing_ok=True)
    config = folder / "adapter_config.json"
    if config.is_file():
        said = json.loads(config.read_text(encoding="utf-8")) | {"base_model_name_or_path": _named(recipe.base)}
        # peft keeps names in a set, whose order is another in each process.
        said = {key: sorted(value) if _names(value) else value for key, value in said.items()}
        disk.write_whole(config, lambda path: path.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8"))
    (folder / "recipe.toml").write_text(as_toml(recipe, folder), encoding="utf-8")
    mask = os.umask(0)
    os.umask(mask)
    for path in folder.iterdir():
        if path.is_file():
            path.chmod(0o666 & ~mask)  # they come out as 0600, which another user's server can't read


def as_toml(recipe: Recipe, folder: Path) -> str:
    """Return a recipe as TOML, without what is as it would be anyway; paths as seen from the folder.

    >>> print(as_toml(Recipe(base="owner/model", data="-", rank=8), Path(".")), end="")
    base = "owner/model"
    data = "-"
    rank = 8
    """
    said = recipe.model_dump(mode="json", exclude_defaults=True)
    tables = {name: said.pop(name) for name in ("lora", "trl") if name in said}
    for name in PATHS:
        if name in said and (name == "out" or Path(said[name]).exists()):
            said[name] = os.path.relpath(said[name], folder)
    if "evalsets" in said:
        said["evalsets"] = [os.path.relpath(one, folder) for one in said["evalsets"]]
    lines = [f"{key} = {_toml(value)}" for key, value in said.items()]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    # Strings, numbers and booleans are written alike, but for a character that TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _named(base: str) -> str:
    """The base as the recipe has it; a folder with its whole path, for a path from here leads nowhere from the adapter."""
    return str(Path(base).resolve()) if Path(base).is_dir() else base
