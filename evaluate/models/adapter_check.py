"""Whether an adapter does anything: one that silently did not load scores exactly as its base."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...curate.errors import DataError, quote
from .local import LocalModel
from .protocol import Request
from .weights_digest import weights_digest

_REQUESTS = 4  # the answer is the same for one; several guard against an odd one


@dataclass(frozen=True)
class AdapterCheck:
    """What an adapter changes of the next token's scores."""

    difference: float
    """Largest absolute change of a logit."""
    noise: float
    """What rounding alone could change it by: one unit in the last place of the largest logit."""
    first_tokens: float
    """Share of the requests whose likeliest first token is another one."""
    requests: int
    base_recorded: str | None
    """The base that the adapter says it was trained on."""
    base_known: bool
    """Whether that is the loaded one for sure: by its digest or its name."""

    def summary(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def check_adapter(model: LocalModel, requests: Sequence[Request], *, other_base: bool = False) -> AdapterCheck:
    """Make sure that an adapter is applied, and over the base it was trained on.

    Args:
        model: a model with an adapter.
        requests: of the eval set; the first four are tried.
        other_base: the adapter may name another base, such as a quantized copy of this one.

    Raises:
        DataError: the adapter changes nothing, or names another base.
    """
    adapter = model.adapter
    if adapter is None:
        raise DataError(f"{quote(model.name)} has no adapter that could be checked; give one.")
    recorded, known, other = _base(model, adapter)
    if other and not other_base:
        raise DataError(
            f"the adapter {quote(adapter)} was trained on {quote(recorded)}, and {quote(model.weights.name)} is loaded; load "
            "that base, or say that another base is meant."
        )
    tried = list(requests[:_REQUESTS])
    if not tried:
        raise DataError("there is no request to try the adapter on; give at least one.")
    import torch  # pyright: ignore[reportMissingImports]

    difference = largest = changed = 0.0
    for request in tried:
        ids = model.tokenizer(model.rendered(request).text, add_special_tokens=False, return_tensors="pt")["input_ids"]
        if model.weights.limit is not None:
            ids = ids[:, : model.weights.limit]
        scores = []
        for on in (None, adapter):
            with model.weights.with_adapter(on) as module, torch.inference_mode():
                scores.append(module(input_ids=ids.to(module.device), use_cache=False).logits.float())
        difference = max(difference, float((scores[0] - scores[1]).abs().max()))
        largest = max(largest, float(scores[0].abs().max()))
        changed += float(scores[0][0, -1].argmax() != scores[1][0, -1].argmax())
    # The two passes do the same arithmetic, so that without an adapter they agree to the last bit.
    noise = torch.finfo(getattr(torch, model.weights.dtype)).eps * largest
    if not difference > noise:  # not "<=": a difference that is no number must not pass
        raise DataError(
            f"the adapter {quote(adapter)} changes nothing: its logits differ from the base's by {difference:.2g}, which "
            "is rounding; it was not trained, or saved before it was."
        )
    return AdapterCheck(difference, noise, changed / len(tried), len(tried), recorded, known)


def _base(model: LocalModel, adapter: Path) -> tuple[str | None, bool, bool]:
    """The base that is recorded, whether it is surely the loaded one, and whether it is surely another.

    A folder that stands here is compared by its weights. Otherwise names are compared by what follows the last slash, since the
    same model stands under other paths elsewhere; two hub names that differ in it are two models.
    """
    try:
        said = json.loads((adapter / "adapter_config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{adapter}/adapter_config.json is damaged; save the adapter again.") from error
    recorded = said.get("base_model_name_or_path") if isinstance(said, dict) else None
    if not isinstance(recorded, str) or not recorded:
        return None, False, False
    if any(Path(recorded).glob("*.safetensors")):
        same = weights_digest(Path(recorded)) == model.weights.digest
        return recorded, same, not same
    loaded = model.weights.name
    if _last(recorded) in (_last(loaded), _last(str(model.weights.folder))):
        return recorded, True, False
    return recorded, False, recorded.count("/") == 1 and loaded.count("/") == 1


def _last(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2].casefold()
