"""What a run takes: memory part by part, the largest batch that fits, time and cost; before anything is loaded.

The parts are those of PyTorch's autograd on a decoder of the Llama kind: what each layer keeps for the way back was counted with
``saved_tensors_hooks`` (``benchmarks/training_memory.py`` counts again, and holds the sum against a real step). docs/plan.md has
the error, which was measured on a CPU; no GPU was.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import prod
from typing import Any

from ..recipe import Recipe
from .device import Device
from .shape import Shape

BOTH_SIDES = {"dpo": 2, "orpo": 2, "kto": 2}
"""Conversations in memory a row of the batch."""
_HEAD = (4096, 32768)
"""Tokens and words of the tile in which TRL makes logits (1.16, ``chunked_logprob.py``); in orpo and distil all at once."""
_LIBRARIES = {"cpu": 750 << 20, "cuda": 900 << 20, "mps": 750 << 20}
"""Bytes before there is a model: torch, transformers, peft and trl; on a GPU its context and workspaces."""
_SLACK = {"cpu": 1.28, "cuda": 1.1, "mps": 1.28}
"""What the allocator holds over what is in use; of glibc's as measured, of CUDA's as usual."""
_REACHED = {"cpu": 0.45, "cuda": 0.35}
"""Share of a matrix product's rate that a training step reaches; on the CPU as measured, on a GPU as usual."""
_ROOM = 0.85
"""Share of the free memory that a batch of our choice may take: the rest is for the estimate's error."""
_STARTS = {"cuda": 0.004}
"""Seconds a layer of each batch that starting kernels takes, which is most of the time of small models; as usual."""
_DTYPES = {"float32": 4, "bfloat16": 2, "float16": 2}


@dataclass(frozen=True)
class Budget:
    """What a run takes on one device."""

    device: Device
    memory: dict[str, int]
    """Bytes: ``libraries, weights, adapter, activations, logits``; of all weights ``optimizer, gradients`` for the adapter."""
    at_once: int
    """Rows in memory at once."""
    largest: int
    """Rows that would fit at most, with room for the estimate's error; 0 where not one does."""
    checkpointing: bool
    trained: int
    """Weights that are trained."""
    steps: int
    seconds: float | None
    """``None`` where nobody can tell: of a device without a known rate, and of methods that write answers of their own."""
    cost: float | None

    @property
    def bytes(self) -> int:
        """Memory at the peak."""
        return sum(self.memory.values())

    @property
    def fits(self) -> bool:
        """Whether it should."""
        return self.bytes <= self.device.memory

    def summary(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self) | {"bytes": self.bytes, "fits": self.fits}


def budget(
    recipe: Recipe,
    shape: Shape,
    device: Device,
    *,
    rows: int,
    tokens: int,
    trained: int,
    longest: int,
    valid_tokens: int = 0,
    teacher: Shape | None = None,
) -> Budget:
    """Return what a run takes.

    Args:
        recipe: as it was read.
        shape: of the base.
        device: what is trained on.
        rows: of an epoch.
        tokens: of them all together.
        trained: those of them that are trained.
        longest: tokens of the longest row: the batch that it stands in sets the peak.
        valid_tokens: of the rows whose loss is looked at.
        teacher: of distil.
    """
    share, room = trained / max(tokens, 1), _ROOM * device.memory

    def needed(at_once: int, checkpointing: bool) -> dict[str, int]:
        return memory(
            recipe,
            shape,
            device,
            tokens=at_once * longest,
            checkpointing=checkpointing,
            share=share,
            accumulates=at_once < recipe.batch,
            teacher=teacher,
        )

    def largest(checkpointing: bool) -> int:
        low, high = 0, 4097
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if sum(needed(middle, checkpointing).values()) <= room else (low, middle)
        return low

    # It pays only where not even a quarter of the step fits without: each pass forward is made twice.
    checkpointing = recipe.checkpointing
    if checkpointing is None:
        checkpointing = largest(False) < max(1, min(recipe.batch, rows) // 4)
    most = largest(checkpointing)
    fitting = [n for n in range(1, recipe.batch + 1) if recipe.batch % n == 0 and n <= most]
    at_once = recipe.at_once or max(fitting, default=1)
    steps = recipe.steps or max(1, round(recipe.epochs * -(-rows // recipe.batch)))
    seen = tokens * min(recipe.epochs, steps * recipe.batch / max(rows, 1)) if recipe.steps else tokens * recipe.epochs
    looks = recipe.saves * valid_tokens
    work = _work(recipe, shape, checkpointing) * seen + 2 * (shape.multiplied + _head(shape)) * looks
    reached = _REACHED.get(device.kind)
    known = device.rate and reached and recipe.method not in ("grpo", "distil")
    seconds = work / (device.rate * reached) if known and device.rate and reached else None
    if seconds is not None:
        seconds = max(seconds, _STARTS.get(device.kind, 0) * shape.layers * steps * recipe.batch / at_once)
    cost = None if seconds is None or recipe.price_per_hour is None else seconds / 3600 * recipe.price_per_hour
    changed = shape.parameters if recipe.full else shape.adapted(recipe)
    return Budget(device, needed(at_once, checkpointing), at_once, most, checkpointing, changed, steps, seconds, cost)


def memory(
    recipe: Recipe,
    shape: Shape,
    device: Device,
    *,
    tokens: int,
    checkpointing: bool,
    share: float = 1.0,
    accumulates: bool = False,
    teacher: Shape | None = None,
) -> dict[str, int]:
    """Return the bytes that each part takes at the peak, which is where the way back begins.

    Args:
        recipe: as it was read.
        shape: of the base.
        device: what is trained on.
        tokens: of a batch, padding counted.
        checkpointing: whether what the layers keep is made again on the way back.
        share: of the tokens, that are trained: a GPU makes logits of these only.
        accumulates: whether a step has more than one batch.
        teacher: of distil.
    """
    # Numbers that are computed with; all weights are trained in float32, whatever that is.
    short = device.kind != "cpu" and recipe.dtype != "float32"
    held = _DTYPES["float32" if recipe.full else recipe.dtype or ("bfloat16" if short else "float32")]
    linear = sum(map(prod, shape.linear.values()))
    weights = shape.parameters * (held + 2 * (recipe.full and short))  # autocast holds short copies of what is trained
    if recipe.quantize:  # NF4 with its scales quantized again takes 4.127 bits (Dettmers et al., 2023); the rest stays
        weights = int(linear * 4.127 / 8 + (shape.parameters - linear) * held)
    changed = shape.parameters if recipe.full else shape.adapted(recipe)
    states = changed * (
        8 if recipe.full else 16
    )  # float32: AdamW's two means; of an adapter itself and its gradient, too
    both = tokens * BOTH_SIDES.get(recipe.method, 1)
    layer = _kept(shape, recipe, short=short) * both
    residual = shape.hidden * (2 if short else 4) * both
    activations = shape.layers * residual + layer if checkpointing else shape.layers * layer
    kept, logits = (
        int(one * _SLACK[device.kind]) for one in (activations, _logits(shape, recipe, device, both, share))
    )
    parts = {
        "libraries": _LIBRARIES[device.kind],
        "weights": weights,
        **({"teacher": teacher.parameters * (4 if device.kind == "cpu" else 2)} if teacher else {}),
        # All weights are held against a copy of what they were; an adapter is switched off for that.
        **({"reference": shape.parameters * held} if recipe.full and recipe.method in ("dpo", "kto") else {}),
        "optimizer" if recipe.full else "adapter": states,
    }
    if recipe.full:  # gradients come as activations go, unless those of the batch before are there already
        parts["gradients"] = 4 * changed if accumulates else max(0, 4 * changed - kept - logits)
    return parts | {"activations": kept, "logits": logits}


def _kept(shape: Shape, recipe: Recipe, *, short: bool) -> int:
    """Bytes a token that one layer keeps for the way back."""
    wide, query, key, inner = shape.hidden, shape.queries, shape.keys, shape.inner
    if not short:
        numbers = 4 * wide + 2 * query + 2 * key + 4 * inner + (2 * wide if recipe.full else 7 * recipe.rank)
        return 4 * numbers
    # The norms compute in float32, and each adapted layer keeps its input in short numbers of its own.
    numbers = 5 * wide + 3 * query + 2 * key + 4 * inner + (3 * wide if recipe.full else 7 * recipe.rank)
    return 2 * numbers + 8 * wide


def _logits(shape: Shape, recipe: Recipe, device: Device, tokens: int, share: float) -> int:
    words = shape.embedded
    if recipe.method in ("orpo", "distil"):
        return 16 * tokens * words  # themselves, their logarithm, and the gradients of both
    if device.kind == "cuda":
        return 4 * min(int(tokens * share) + 1, _HEAD[0]) * min(words, _HEAD[1])
    return 12 * 4 * min(tokens, _HEAD[0]) * min(words, _HEAD[1])  # without Triton each step has a copy; as measured


def _head(shape: Shape) -> int:
    return shape.embedded * shape.hidden


def _work(recipe: Recipe, shape: Shape, checkpointing: bool) -> float:
    """Floating-point operations a token: two a weight forward, two for the inputs' gradients, two for the weights' own."""
    passes = (6 if recipe.full else 4) + 2 * checkpointing
    sides = {"dpo": 1.5, "kto": 2.5}.get(
        recipe.method, 1
    )  # the reference reads them, too; kto reads answers of other prompts
    return sides * (passes * shape.multiplied + 6 * _head(shape))
