"""What a model is made of, read from its config.json and the headers of its weights; nothing is loaded."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from ...curate.errors import DataError
from ...evaluate.models.weights_digest import tensor_names
from ..recipe import Recipe

_NO_LINEAR = re.compile(r"(^|\.)(lm_head|embed\w*|wte|wpe|embeddings?|norm\w*|ln_\w+)(\.|$)")
_LAYER = re.compile(r"(?:^|\.)(?:layers|h|blocks)\.\d+\.")


@dataclass(frozen=True)
class Shape:
    """A causal language model."""

    tensors: dict[str, tuple[int, ...]]
    """Shape of each tensor as stored."""
    hidden: int
    layers: int
    queries: int
    """Width of all query heads together."""
    keys: int
    """Width of all key heads together, which is that of the values."""
    inner: int
    """Width of the feed-forward layer; of a mixture of experts, of those that a token sees."""
    seen: float
    """Share of the experts' weights that a token sees; 1 where there are none."""
    context: int | None
    """Tokens that it was trained to read."""
    quantized: str | None
    """How its weights are shortened already, if they are."""

    @property
    def parameters(self) -> int:
        """Weights, all of them."""
        return sum(map(prod, self.tensors.values()))

    @property
    def embedded(self) -> int:
        """Rows of the embedding: token ids from there on have none."""
        found = [
            shape[0]
            for name, shape in self.tensors.items()
            if re.search(r"(embed_tokens|wte|embed_in|word_embeddings)\.", name)
        ]
        return found[0] if found else 0

    @property
    def linear(self) -> dict[str, tuple[int, ...]]:
        """Linear layers by module name, output layer and embedding apart."""
        named = {
            name.removesuffix(".weight"): shape for name, shape in self.tensors.items() if name.endswith(".weight")
        }
        return {name: shape for name, shape in named.items() if len(shape) == 2 and not _NO_LINEAR.search(name)}

    @property
    def multiplied(self) -> float:
        """Weights of the layers that each token is multiplied with; the output layer comes on top."""
        experts = sum(prod(shape) for name, shape in self.tensors.items() if "expert" in name and _LAYER.search(name))
        dense = sum(prod(shape) for name, shape in self.linear.items() if "expert" not in name)
        return dense + self.seen * experts

    def adapted(self, recipe: Recipe) -> int:
        """Return how many weights an adapter of that recipe has; 0 where none of its layers is here."""
        targets, rank = recipe.lora.targets, recipe.rank
        chosen = [shape for name, shape in self.linear.items() if _is_target(name, targets)]
        apart = [shape for name, shape in self.tensors.items() if name.endswith(tuple(recipe.lora.experts or ["\0"]))]
        saved = recipe.lora.more.get("modules_to_save") or []
        whole = [shape for name, shape in self.tensors.items() if set(name.split(".")) & set(saved)]
        return (
            sum(rank * (shape[0] + shape[1]) + shape[0] * recipe.lora.dora for shape in chosen)
            + sum(prod(shape[:-2]) * rank * (shape[-2] + shape[-1]) for shape in apart)
            + sum(map(prod, whole))
        )


def _is_target(name: str, targets: str | list[str]) -> bool:
    if isinstance(targets, str):  # peft takes a text for a pattern
        return targets == "all-linear" or re.fullmatch(targets, name) is not None
    return any(name == target or name.endswith(f".{target}") for target in targets)


def read_shape(folder: Path) -> Shape:
    """Return the shape of a model's folder.

    Raises:
        DataError: config.json is damaged or says too little, or there are no safetensors.
    """
    path = folder / "config.json"
    try:
        said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        said |= said.get("text_config") or {}
        hidden = int(_first(said, "hidden_size", "n_embd", "d_model"))
        layers = int(_first(said, "num_hidden_layers", "n_layer", "num_layers"))
        heads = int(_first(said, "num_attention_heads", "n_head"))
        each = int(said.get("head_dim") or hidden // heads)
        groups = int(said.get("num_key_value_heads") or heads)
        inner = int(said.get("intermediate_size") or said.get("n_inner") or 4 * hidden)
        experts = int(said.get("num_local_experts") or said.get("num_experts") or said.get("n_routed_experts") or 0)
        at_once = int(said.get("num_experts_per_tok") or said.get("experts_per_token") or experts or 1)
        context = said.get("max_position_embeddings") or said.get("n_positions")
        shortened = said.get("quantization_config")
    except (OSError, ValueError, TypeError, KeyError, AttributeError, ZeroDivisionError, RecursionError) as error:
        raise DataError(
            f"{path} does not tell the shape of a language model ({type(error).__name__}: {error}); save the model anew."
        ) from error
    headers = [tensor_names(file) for file in sorted(folder.glob("*.safetensors"))]
    if not headers:
        raise DataError(
            f"{folder} holds no *.safetensors; save the model with save_pretrained(): pickled weights are not read."
        )
    tensors = {name: one for header in headers for name, one in header.items()}
    inner = int(said.get("moe_intermediate_size") or inner) * at_once if experts else inner
    return Shape(
        {name: tuple(one["shape"]) for name, one in tensors.items()},
        hidden, layers, heads * each, groups * each, inner, at_once / experts if experts else 1.0, context,
        str(shortened.get("quant_method", "it")) if isinstance(shortened, dict) else None,
    )  # fmt: skip


def _first(said: dict[str, Any], *names: str) -> Any:
    return (
        next(said[name] for name in names if said.get(name))
        if any(said.get(name) for name in names)
        else said[names[0]]
    )
