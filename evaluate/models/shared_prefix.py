"""What all prompts of a batch begin with, read once: instructions and examples are most of a prompt, and the same in each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_WORTH = 16  # tokens: below, the pass of its own costs as much as it saves


def shared_length(listed: Sequence[Sequence[int]]) -> int:
    """Return how many tokens all prompts begin with, of which each keeps its last one; 0 where it isn't worth a pass.

    >>> shared_length([[*range(40), 7], [*range(40), 8, 9]]), shared_length([[1, 2, 3], [1, 2, 4]]), shared_length([[1] * 40])
    (40, 0, 0)
    """
    if len(listed) < 2:
        return 0
    # Of all sorted, the first and the last differ soonest.
    first, last = min(map(list, listed)), max(map(list, listed))
    same = next((place for place, (one, two) in enumerate(zip(first, last, strict=False)) if one != two), len(first))
    length = min(same, min(map(len, listed)) - 1)
    return length if length >= _WORTH else 0


def read_prefix(module: Any, ids: Sequence[int], rows: int) -> Any:
    """Return the keys and values of a prefix for so many rows; ``None`` where the model keeps something else than these.

    Windows that slide and states that sum up what was read count the padding that then stands between prefix and rest.
    """
    import torch  # pyright: ignore[reportMissingImports]

    if getattr(getattr(module, "active_peft_config", None), "is_prompt_learning", False):
        return None  # it puts tokens of its own before the prompt
    with torch.inference_mode():
        cache = module(input_ids=torch.tensor([list(ids)], device=module.device), use_cache=True).past_key_values
    if any(type(layer).__name__ != "DynamicLayer" for layer in getattr(cache, "layers", None) or [None]):
        return None
    cache.batch_repeat_interleave(rows)
    return cache
