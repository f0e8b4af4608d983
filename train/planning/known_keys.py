"""Which keys TRL and peft take, read from their source as it is installed: importing them takes six seconds and torch."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from ..recipe import Method

_CLASSES = {
    "sft": ("trainer/sft_config.py", "SFTConfig"), "cpt": ("trainer/sft_config.py", "SFTConfig"),
    "dpo": ("trainer/dpo_config.py", "DPOConfig"), "kto": ("trainer/kto_config.py", "KTOConfig"),
    "grpo": ("trainer/grpo_config.py", "GRPOConfig"), "orpo": ("experimental/orpo/orpo_config.py", "ORPOConfig"),
    "distil": ("trainer/distillation_config.py", "DistillationConfig"),
}  # fmt: skip
_PARENTS = ("trl:trainer/base_config.py", "transformers:training_args.py")


def trl_keys(method: Method) -> frozenset[str] | None:
    """Return the keys of TRL's configuration of a method; ``None`` where TRL is not installed or has another layout."""
    file, name = _CLASSES[method]
    own = _fields("trl", file, name)
    parents = [_fields(*place.split(":"), None) for place in _PARENTS]
    return None if own is None or None in parents else own.union(*(one for one in parents if one))


def peft_keys() -> frozenset[str] | None:
    """Return the keys of peft's ``LoraConfig``; ``None`` where peft is not installed or has another layout."""
    own = _fields("peft", "tuners/lora/config.py", "LoraConfig")
    parents = [_fields("peft", "config.py", name) for name in ("PeftConfigMixin", "PeftConfig")]
    return None if own is None or None in parents else own.union(*(one for one in parents if one))


@cache
def _fields(package: str, file: str, name: str | None) -> frozenset[str] | None:
    """Annotated names of a class, or of all classes of a file."""
    spec = find_spec(package)
    for place in (spec.submodule_search_locations or []) if spec else []:
        path = Path(place) / file
        if path.is_file():
            tree = ast.parse(path.read_text(encoding="utf-8"))
            return frozenset(field for one in ast.walk(tree) if _is_class(one, name) for field in _annotated(one))
    return None


def _is_class(node: ast.AST, name: str | None) -> bool:
    return isinstance(node, ast.ClassDef) and name in (None, node.name)


def _annotated(node: ast.AST) -> Iterator[str]:
    for line in getattr(node, "body", []):
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            yield line.target.id
