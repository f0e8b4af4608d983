"""Adapters merged: one into its base, or several by weight into one; what the merge cost is measured and said."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from ...curate import disk
from ...curate.errors import DataError, UsageError, quote
from ...evaluate.models.local_loading import Weights, load_adapter, load_tokenizer, load_weights
from ...evaluate.models.model_folder import model_folder
from ...evaluate.models.weights_digest import tokenizer_digest
from ...evaluate.verdicts.general import general_text
from ..trl_face import quietly
from .library import Adapter, base_folder
from .lineage import (
    FORMAT,
    Base,
    Data,
    Lineage,
    Parent,
    base_of,
    now,
    save_lineage,
    seen_from,
    template_digest,
    versions,
)
from .model_card import write_card

Way = Literal["cat", "svd", "linear"]
"""``cat`` is exact, and the ranks add up; ``svd`` keeps a rank, and of it what counts most; ``linear`` is a rough guess."""

_DTYPES = ("float32", "bfloat16", "float16")
_SAME = 1e-3  # of the largest logit: float32 in another order of sums comes to 1e-5
_TOKENIZER = (
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template*",
)


@dataclass(frozen=True)
class Merged:
    """A merge that stands."""

    folder: Path
    kind: Literal["model", "adapter"]
    parents: list[str]
    way: str
    error: float
    """Of a model: largest change of a logit against base and adapter, as a share of the largest, on a paragraph of general text.
    Of an adapter: norm of what a layer's weights are off by, as a share of the weighted sum's; the worst layer's."""
    notes: list[str]

    def summary(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "folder": str(self.folder)}


def merge_into_base(adapter: Adapter, out: str | Path, *, base: str | None = None, dtype: str | None = None) -> Merged:
    """Write the model that base and adapter come to.

    It is added up in float32, which takes 4 bytes of memory a weight, and rounded once, into the file.

    Args:
        adapter: one.
        out: folder of the model; must not be there yet.
        base: folder or hub name of the base, where it is not the one that the lineage names.
        dtype: of the file: ``float32``, ``bfloat16`` or ``float16``; what the base was saved as for ``None``.

    Raises:
        UsageError: ``out`` is there, the base is not, or it is a quantized one.
        DataError: the adapter does not fit, or the sum answers otherwise than its parts.
    """
    if dtype not in (None, *_DTYPES):
        raise UsageError(f"{quote(dtype)} is no number type of a model; give one of {', '.join(_DTYPES)}.")
    with new_folder(Path(out)) as made, quietly():
        weights, folder = _loaded([adapter], base)
        probe = _probe(folder)
        with weights.with_adapter(adapter.folder.resolve()) as module:
            before = _logits(module, probe)
        try:
            merged = weights.module.merge_and_unload(safe_merge=True)
        except ValueError as error:  # weights that are no numbers
            raise DataError(f"{adapter.folder} can't be merged ({quote(error, 120)}); train it again.") from error
        if not (off := _off(before, _logits(merged, probe))) < _SAME:
            raise DataError(f"merged, {adapter.name} answers otherwise (logits off by {off:.2g}); use it unmerged.")
        merged.to(
            getattr(
                import_module("torch"),
                dtype or _settings(folder).get("dtype") or _settings(folder).get("torch_dtype") or "float32",
            )
        )
        merged.save_pretrained(made)
        error = _off(before, _logits(merged.float(), probe))
        (made / "generation_config.json").unlink(missing_ok=True)  # loading takes the model's own settings out
        _take(folder, made, "generation_config.json")
        _finish(made, Path(out), [adapter], [1.0], folder, base)
    notes = ["score it again: what was measured of base and adapter was not measured of this"]
    if adapter.lineage and adapter.lineage.recipe.get("quantize"):
        notes.append("it was trained over a base in 4 bits, and merged into the 16-bit one")
    return Merged(Path(out), "model", [adapter.name], "into the base", error, notes)


def merge_weighted(
    adapters: Sequence[Adapter], out: str | Path, *, weights: Sequence[float] | None = None, way: Way = "cat",
    rank: int | None = None, base: str | None = None,
) -> Merged:  # fmt: skip
    """Write one adapter that does what several do, each by its weight (peft's ``add_weighted_adapter``).

    Args:
        adapters: of the same base, by their weights' digest.
        out: folder of the new adapter; must not be there yet.
        weights: one each; equal shares of 1 for ``None``: full strengths added up overshoot.
        way: how; see ``Way``.
        rank: of the result, with ``svd``; the highest of theirs for ``None``.
        base: as in ``merge_into_base``.

    Raises:
        UsageError: fewer than two, not a weight each, other bases, or an adapter that can't be added up.
        DataError: one of them does not fit the base.
    """
    shares = list(weights or [1 / len(adapters)] * len(adapters))
    _addable(adapters, shares, way, rank)
    with new_folder(Path(out)) as made, quietly():
        loaded, folder = _loaded(adapters, base)
        module = loaded.module
        names = [loaded.adapters[str(adapter.folder.resolve())] for adapter in adapters]
        for name in names:  # peft 0.21 would scale the sum, which holds the scales already, by the root of its rank
            module.peft_config[name].use_rslora = False
        try:
            module.add_weighted_adapter(names, shares, "default", combination_type=way, svd_rank=rank)
        except (ValueError, TypeError, RuntimeError) as error:
            raise UsageError(
                f"these adapters can't be added up by {way} ({quote(error, 200)}); try --way cat."
            ) from error
        error = _distance(module, names, shares)
        module.save_pretrained(made, selected_adapters=["default"])  # any other name would be a folder below
        (made / "README.md").unlink(missing_ok=True)
        _finish(made, Path(out), adapters, shares, folder, base)
    total = module.peft_config["default"].r
    notes = [f"its rank is {total}"] + (
        [f"{way} is not exact: the worst layer is off by {error:.1%}"] if error > 0.01 else []
    )
    return Merged(
        Path(out), "adapter", [one.name for one in adapters], way, error, [*notes, "score it before it is used"]
    )


def _addable(adapters: Sequence[Adapter], shares: list[float], way: Way, rank: int | None) -> None:
    if len(adapters) < 2 or len(shares) != len(adapters):
        raise UsageError(
            f"{len(adapters)} adapters and {len(shares)} weights; give two adapters at least, and a weight each."
        )
    if rank is not None and way != "svd":
        raise UsageError(f"--rank belongs to --way svd; the rank of {way} follows from theirs.")
    for adapter in adapters:
        for key in ("use_dora", "modules_to_save", "target_parameters"):
            if adapter.settings.get(key):
                raise UsageError(
                    f"{adapter.folder} has {key}, which does not add up; merge it into the base by itself."
                )
        if adapter.settings.get("bias", "none") != "none":
            raise UsageError(f"{adapter.folder} trained biases, which do not add up; merge it into the base by itself.")


def _loaded(adapters: Sequence[Adapter], base: str | None) -> tuple[Weights, Path]:
    first = adapters[0]
    if whole := [adapter for adapter in adapters if adapter.whole]:
        raise UsageError(f"{whole[0].folder} is a whole model; only adapters are merged.")
    told = first.lineage.base if first.lineage else Base(name=first.base)
    folder = model_folder(base) if base else base_folder(first.folder, told)
    if _settings(folder).get("quantization_config"):
        raise UsageError(
            f"{folder} is quantized, and a merge into few bits loses what was learnt; name the 16-bit model it was made from "
            "with --base."
        )
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # bitsandbytes, which peft loads, looks on the hub for faster kernels
    weights = load_weights(folder, folder.name, device="cpu", dtype="float32")
    for adapter in adapters:
        digest = adapter.lineage.base.digest if adapter.lineage else None
        other = digest is not None and digest != weights.digest
        if other and not (base and adapter.lineage and adapter.lineage.recipe.get("quantize")):
            raise UsageError(
                f"{adapter.folder} was trained on other weights than {folder} holds; name its base with --base."
            )
        load_adapter(weights, adapter.folder.resolve())
    return weights, folder


def _settings(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / "config.json").read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return {}  # loading says what is wrong with it


def _probe(folder: Path) -> Any:
    """Tokens of a paragraph: on tokens that no text holds, rounding alone moves logits by half."""
    return load_tokenizer(folder)(general_text()[0].text, return_tensors="pt", add_special_tokens=False)["input_ids"][
        :, :256
    ]


def _logits(module: Any, probe: Any) -> Any:
    import torch  # pyright: ignore[reportMissingImports]

    with torch.inference_mode():
        return module(input_ids=probe, use_cache=False).logits


def _off(before: Any, after: Any) -> float:
    return float((before - after).abs().max() / before.abs().max())


def _distance(module: Any, names: Sequence[str], shares: Sequence[float]) -> float:
    worst = 0.0
    for layer in module.modules():
        known = getattr(layer, "lora_A", ())
        if "default" not in known or not hasattr(layer, "get_delta_weight"):
            continue
        wanted: Any = sum(
            share * layer.get_delta_weight(name) for name, share in zip(names, shares, strict=True) if name in known
        )
        off = (layer.get_delta_weight("default") - wanted).norm() / wanted.norm().clamp(min=1e-12)
        worst = max(worst, float(off))
    return worst


def _finish(
    made: Path, out: Path, adapters: Sequence[Adapter], shares: Sequence[float], folder: Path, base: str | None
) -> None:
    """Put tokenizer, lineage and card beside the weights."""
    source = next((one.folder for one in adapters if (one.folder / "tokenizer_config.json").is_file()), folder)
    for place in dict.fromkeys((source, folder)):  # an adapter may have a tokenizer and leave the template to its base
        for name in _TOKENIZER:
            _take(place, made, name)
    known = [adapter.lineage for adapter in adapters if adapter.lineage]
    alone = known[0] if len(adapters) == len(known) == 1 else None
    lineage = Lineage(
        format=FORMAT, finished=now(), task=" + ".join(dict.fromkeys(one.task for one in known if one.task)),
        method=alone.method if alone else "", recipe=alone.recipe if alone else {},
        recipe_sha256=alone.recipe_sha256 if alone else None,
        data=_learnt([one.data for one in known]) if len(known) == len(adapters) else Data(),
        general=_learnt(general) if (general := [one.general for one in known if one.general]) else None,
        base=base_of(folder, base or adapters[0].base, out), tokenizer=tokenizer_digest(made), template=template_digest(made),
        seed=alone.seed if alone else None, versions=versions(),
        parents=[
            Parent(name=one.name, path=seen_from(out, one.folder), digest=one.digest, weight=share)
            for one, share in zip(adapters, shares, strict=True)
        ],
    )  # fmt: skip
    save_lineage(made, lineage)
    write_card(made, lineage)


def _learnt(parts: Sequence[Data]) -> Data:
    """All rows that were trained on, by their ids: so that `vetset eval` refuses an eval set that holds one of them."""
    known = [one for part in parts for one in part.ids or ()]
    apart = len(known) == len(set(known))  # else a row that two of them learnt would count twice
    licenses: dict[str, int] = {}
    for name, count in (pair for part in parts for pair in part.licenses.items()):
        licenses[name] = licenses.get(name, 0) + count if apart else max(licenses.get(name, 0), count)
    if any(part.ids is None for part in parts):
        return Data(rows=sum(part.rows for part in parts), licenses=licenses)
    ids = list(dict.fromkeys(one for part in parts for one in part.ids or ()))
    return Data(rows=len(ids), ids=ids, licenses=licenses)


def _take(source: Path, made: Path, pattern: str) -> None:
    for path in source.glob(pattern):
        if path.is_file() and not (made / path.name).exists():
            shutil.copyfile(path, made / path.name)


@contextlib.contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Give a folder to write into, which takes its name once it is whole."""
    if out.exists() or out.is_symlink():
        raise UsageError(f"{out} is there already; name a new folder with --out.")
    made = out.with_name(f".{out.name}.part{os.getpid()}")
    try:
        made.mkdir(parents=True)
        yield made
        mask = os.umask(0)
        os.umask(mask)
        for path in made.iterdir():
            path.chmod(0o666 & ~mask)  # weights come out as 0600, which another user's server can't read
            disk.flush(path)
        made.rename(out)
    except OSError as error:
        raise UsageError(
            f"{out} can't be written ({error.strerror or quote(error, 80)}); name another with --out."
        ) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
