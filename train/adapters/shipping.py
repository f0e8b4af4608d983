"""An adapter on its way out: copied for others, served with vLLM, written as GGUF for llama.cpp."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from msgspec.structs import replace

from ...curate.errors import DataError, MissingExtra, UsageError, quote
from ..curves import FILE as CURVES
from .library import SETTINGS, Adapter
from .lineage import Lineage, save_lineage
from .merging import merge_into_base, new_folder
from .model_card import PLACES, write_card

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""Values that ``vllm serve --max-lora-rank`` takes; adapters of lower ranks fit (vLLM's ``LoRAConfig``)."""

GGUF_TYPES = ("auto", "f32", "f16", "bf16", "q8_0")
_CONVERTER = "convert_hf_to_gguf.py"


@dataclass(frozen=True)
class Serving:
    """A command that serves a base with adapters over it; a request names the adapter as its model."""

    words: list[str]
    models: dict[str, str]
    """Name of the model in requests to the folder of the adapter."""


def serving(adapters: Sequence[Adapter], *, base: str | None = None) -> Serving:
    """Return the line with which vLLM serves adapters over one base.

    Args:
        adapters: of one base.
        base: as the server finds it, where that is not as the adapters call it.

    Raises:
        UsageError: there are none, they have other bases, share a name, or are of a kind that vLLM refuses.
    """
    if not adapters:
        raise UsageError("there is no adapter to serve; name one or more.")
    bases = {adapter.base: adapter for adapter in adapters}
    digests = {adapter.lineage.base.digest for adapter in adapters if adapter.lineage}
    if len(digests) > 1 or (len(bases) > 1 and not base):
        first, second, *_ = [*bases, *bases]
        raise UsageError(f"the adapters have other bases ({quote(first)}, {quote(second)}); serve each base by itself.")
    models: dict[str, str] = {}
    for adapter in adapters:
        if refused := _refused(adapter):
            raise UsageError(f"vLLM does not load {adapter.folder}: {refused}; merge it into its base and serve that.")
        name = re.sub(r"[^\w.-]+", "-", adapter.name).lstrip("-") or "adapter"
        if name in models:
            raise UsageError(
                f"two adapters are called {quote(name)}; rename a folder, since requests name the adapter."
            )
        models[name] = str(adapter.folder.resolve())
    rank = next(rank for rank in RANKS if rank >= max(adapter.rank for adapter in adapters))
    served = base or _named(adapters[0])
    if served.startswith("-") or not served:  # it comes from a file, and vLLM would take it for an option
        raise UsageError(f"the base {quote(served)} is no name of a model; name it with --base.")
    words = ["vllm", "serve", served, "--enable-lora", "--max-lora-rank", str(rank)]
    words += ["--max-loras", str(len(models)), "--lora-modules", *(f"{name}={path}" for name, path in models.items())]
    return Serving(words, models)


def _named(adapter: Adapter) -> str:
    """The base by a path that leads there from any folder, or by its name on the hub."""
    beside = adapter.folder / adapter.lineage.base.path if adapter.lineage and adapter.lineage.base.path else None
    return str(beside.resolve()) if beside and beside.is_dir() else adapter.base


def _refused(adapter: Adapter) -> str | None:
    """Why vLLM would not load it: its ``PEFTHelper`` wants these keys, and knows no others than plain LoRA and rsLoRA."""
    settings = adapter.settings
    if adapter.whole:
        return "it is a whole model"
    if missing := [key for key in ("r", "lora_alpha", "target_modules") if not settings.get(key)]:
        return f"its adapter_config.json lacks {missing[0]}"
    if settings.get("peft_type", "LORA") != "LORA":
        return f"it is {quote(settings['peft_type'], 20)}, not LoRA"
    if found := [key for key in ("use_dora", "modules_to_save", "target_parameters") if settings.get(key)]:
        return f"it has {found[0]}"
    if settings.get("bias", "none") != "none":
        return "it trained biases"
    return f"its rank {adapter.rank} is above {RANKS[-1]}" if adapter.rank > RANKS[-1] else None


_FILES = (
    SETTINGS, "*.safetensors", "*.safetensors.index.json", "config.json", "generation_config.json", "tokenizer*", "vocab.json",
    "special_tokens_map.json", "added_tokens.json", "merges.txt", "chat_template*", CURVES,
)  # fmt: skip


def export_adapter(adapter: Adapter, out: str | Path, *, base: str | None = None) -> list[str]:
    """Copy what others need to load and to judge an adapter, and return the names of the files.

    Paths of this machine become names: in its settings, in the lineage and in the card, which is filled anew.

    Args:
        adapter: or a whole model.
        out: a new folder.
        base: what others know the base by, such as its name on the hub.

    Raises:
        UsageError: ``out`` is there, or can't be written.
    """
    with new_folder(Path(out)) as made:
        for path in (path for pattern in _FILES for path in adapter.folder.glob(pattern)):
            if path.is_file():
                shutil.copyfile(path, made / path.name)
        name = base or (
            _last(adapter.base) if Path(adapter.base).is_absolute() or Path(adapter.base).exists() else adapter.base
        )
        if not adapter.whole:
            settings = {**adapter.settings, "base_model_name_or_path": name}
            (made / SETTINGS).write_text(json.dumps(settings, indent=2) + "\n", "utf-8")
        if adapter.lineage:
            lineage = _placeless(adapter.lineage, name)
            save_lineage(made, lineage)
            write_card(made, lineage)
        return sorted(path.name for path in made.iterdir())


def _placeless(lineage: Lineage, base: str) -> Lineage:
    told = {
        key: _last(value) if key in PLACES and isinstance(value, str) else value
        for key, value in lineage.recipe.items()
    }
    if isinstance(told.get("evalsets"), list):
        told["evalsets"] = [_last(str(one)) for one in told["evalsets"]]
    parts = {
        name: replace(part, path=_last(part.path)) if part and part.path else part
        for name, part in (("data", lineage.data), ("general", lineage.general), ("valid", lineage.valid))
    }
    parents = [replace(parent, path=_last(parent.path)) for parent in lineage.parents]
    of = replace(lineage.base, name=base, path=None)
    return replace(lineage, recipe=told | ({"base": base} if told else {}), base=of, parents=parents, **parts)


def _last(name: str) -> str:
    return PurePath(name).name or name


def find_converter(given: str | Path | None = None) -> Path:
    """Return llama.cpp's converter: the one given, of the folder in ``LLAMA_CPP``, or on the path. Nothing is fetched.

    Raises:
        UsageError: there is none at the place given.
        MissingExtra: there is none.
    """
    for place in (given, os.environ.get("LLAMA_CPP")):
        if place:
            path = Path(place) / _CONVERTER if Path(place).is_dir() else Path(place)
            if not path.is_file():
                raise UsageError(f"{place} holds no {_CONVERTER}; name a clone of llama.cpp.")
            return path
    found = shutil.which(_CONVERTER)
    if found is None:
        raise MissingExtra(
            f"GGUF is written by llama.cpp's {_CONVERTER}, which is not here; run `git clone "
            "https://github.com/ggml-org/llama.cpp && pip install -r llama.cpp/requirements.txt`, and name the folder with "
            "--converter or LLAMA_CPP."
        )
    return Path(found)


def to_gguf(
    adapter: Adapter,
    out: str | Path,
    *,
    kind: str = "auto",
    converter: str | Path | None = None,
    base: str | None = None,
) -> Path:
    """Write a model as GGUF through llama.cpp's own converter; an adapter is merged into its base first.

    Args:
        adapter: or a whole model.
        out: the file.
        kind: numbers in it, one of ``GGUF_TYPES``.
        converter: see ``find_converter``.
        base: as in ``merge_into_base``.

    Raises:
        UsageError: an option is wrong, or there is a file at ``out``.
        MissingExtra: there is no converter.
        DataError: the converter fails.
    """
    out = Path(out)
    if kind not in GGUF_TYPES:
        raise UsageError(f"{quote(kind)} is no kind of GGUF; give one of {', '.join(GGUF_TYPES)}.")
    if out.exists():
        raise UsageError(f"{out} is there already; name a new file with --out.")
    script = find_converter(converter)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".vetset-") as scratch:
        model, part = adapter.folder, Path(scratch) / "model.gguf"
        if not adapter.whole:
            model = merge_into_base(adapter, Path(scratch) / "merged", base=base).folder
        command = [sys.executable, str(script), str(model), "--outfile", str(part), "--outtype", kind]
        offline = {**os.environ, "HF_HUB_OFFLINE": "1"}  # it may ask the hub about the base
        done = subprocess.run(command, capture_output=True, check=False, env=offline)
        said = done.stderr.decode(errors="replace").strip().splitlines()
        if done.returncode or not part.is_file() or _magic(part) != b"GGUF":
            raise DataError(
                f"{script} made no GGUF of {adapter.folder} ({quote(said[-1] if said else 'it said nothing', 200)}); look "
                "whether its requirements are installed here, and whether llama.cpp knows this kind of model."
            )
        part.rename(out)
    return out


def _magic(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)
