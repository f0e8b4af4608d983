"""A causal language model from a folder into memory, with any number of adapters over one set of weights."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any

from ...curate.errors import DataError, MissingExtra, UsageError, quote
from .offline import offline
from .weights_digest import tensor_names, weights_digest

EXTRA = "pip install 'vetset[train]'"


@dataclass
class Weights:
    """One loaded model. Adapters are switched on and off over it, so that base and candidate need memory once."""

    module: Any
    """transformers' model, or peft's around it as soon as there is an adapter."""
    folder: Path
    name: str
    digest: str
    device: str
    dtype: str
    limit: int | None
    """Tokens that it was trained to read, where its configuration tells."""
    eos: tuple[int, ...]
    """Tokens that end a text, as its generation settings name them."""
    adapters: dict[str, str] = field(default_factory=dict)
    """Folder of an adapter to the name that peft knows it by."""
    lock: Any = field(default_factory=RLock, repr=False)

    @contextlib.contextmanager
    def with_adapter(self, folder: Path | None) -> Iterator[Any]:
        """Give the module with this adapter on, or with none; one user at a time."""
        with self.lock:
            if not self.adapters:
                yield self.module
            elif folder is None:
                with self.module.disable_adapter():
                    yield self.module
            else:
                self.module.set_adapter(self.adapters[str(folder)])
                yield self.module


def load_weights(folder: Path, name: str, *, device: str | None, dtype: str | None) -> Weights:
    """Read a model from a folder; code in it is never run, and pickled weights are not read.

    Args:
        folder: as ``save_pretrained`` writes it.
        name: what the user called it.
        device: as torch calls it; the best there is for ``None``.
        dtype: ``float32``, ``bfloat16`` or ``float16``. ``None`` is float32 on a CPU, where most have no fast arithmetic on
            shorter numbers (bfloat16 took ten times as long), and what the model was saved as elsewhere.

    Raises:
        MissingExtra: transformers or torch is not installed.
        UsageError: there is no such device or dtype.
        DataError: the folder holds no whole model that transformers knows.
    """
    try:
        import torch  # pyright: ignore[reportMissingImports]
        from transformers import AutoModelForCausalLM, GenerationConfig  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingExtra(f"a local model needs torch and transformers; run {EXTRA}.") from error
    digest = weights_digest(folder)
    device = device or _best_device(torch)
    wanted = dtype or ("float32" if device == "cpu" else "auto")
    if wanted not in ("auto", "float32", "bfloat16", "float16"):
        raise UsageError(f"{quote(wanted)} is no number type of a model; give float32, bfloat16 or float16.")
    with _quietly():
        try:
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                str(folder), dtype=wanted, local_files_only=True, use_safetensors=True, trust_remote_code=False,
                output_loading_info=True, **({} if device == "cpu" else {"device_map": {"": device}}),
            )  # fmt: skip
        except Exception as error:  # a damaged folder fails in as many ways as there are kinds of models
            raise DataError(
                f"{quote(folder)} can't be loaded as a language model ({type(error).__name__}: {quote(error, 200)}); check that "
                "it is whole, that transformers is new enough for it, and that it needs no code of its own."
            ) from error
    module, info = loaded
    if missing := sorted({*info["missing_keys"], *(str(key) for key in info["mismatched_keys"])}):
        # transformers fills them with random numbers and goes on
        raise DataError(
            f"{quote(folder)} lacks {len(missing)} of the tensors that its config.json asks for ({quote(missing[0])}); fetch or "
            "save it again."
        )
    module.eval()
    eos = module.generation_config.eos_token_id
    # A model's own settings (temperature, repetition penalty ...) would be taken for all that a request leaves open.
    module.generation_config = GenerationConfig()
    limit = getattr(module.config.get_text_config(), "max_position_embeddings", None)
    return Weights(
        module, folder, name, digest, device, str(module.dtype).removeprefix("torch."), limit,
        tuple(eos) if isinstance(eos, list) else () if eos is None else (eos,),
    )  # fmt: skip


def load_tokenizer(folder: Path) -> Any:
    """Read a tokenizer from a folder.

    Raises:
        DataError: it holds none.
    """
    from transformers import AutoTokenizer  # pyright: ignore[reportMissingImports]

    with _quietly():
        try:
            return AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
        except Exception as error:
            raise DataError(
                f"{quote(folder)} holds no tokenizer that transformers can read ({type(error).__name__}); save the model's "
                "tokenizer beside it."
            ) from error


def load_adapter(weights: Weights, folder: Path) -> None:
    """Put a PEFT adapter over loaded weights; it is off until it is asked for.

    Raises:
        MissingExtra: peft is not installed.
        DataError: the folder holds no adapter, or one that does not fit: other shapes, or tensors without a place. peft itself
            warns of tensors that are missing and is silent on those that it has no place for.
    """
    if str(folder) in weights.adapters:
        return
    try:
        with offline():
            import peft  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingExtra(f"an adapter needs peft; run {EXTRA}.") from error
    _whole_adapter(folder)
    name = f"adapter{len(weights.adapters)}"
    with weights.lock, _quietly():
        try:
            if not weights.adapters:
                module = peft.PeftModel.from_pretrained(weights.module, str(folder), adapter_name=name)
            else:
                module = weights.module
            # A second time, for only so does peft say what it found.
            result = module.load_adapter(str(folder), adapter_name=name, torch_device=weights.device)
        except Exception as error:
            _take_back(weights, name)
            raise DataError(
                f"the adapter {quote(folder)} does not fit {quote(weights.name)} ({quote(error, 200)}); load the base that it "
                "was trained on."
            ) from error
        strays = sorted({*result.missing_keys, *result.unexpected_keys})
        if strays:
            module.delete_adapter(name) if weights.adapters else module.unload()
            raise DataError(
                f"the adapter {quote(folder)} and {quote(weights.name)} do not match in {len(strays)} tensors "
                f"({quote(strays[0], 120)}); load the base that it was trained on."
            )
        module.eval()
        weights.module = module
        weights.adapters[str(folder)] = name


def _whole_adapter(folder: Path) -> None:
    if not (folder / "adapter_config.json").is_file():
        raise DataError(
            f"{quote(folder)} holds no adapter_config.json, so it is no adapter; give the folder that peft saved."
        )
    if not (folder / "adapter_model.safetensors").is_file():
        raise DataError(
            f"{quote(folder)} holds no adapter_model.safetensors; save the adapter again: pickled weights are not read."
        )
    if not tensor_names(folder / "adapter_model.safetensors"):
        raise DataError(f"{quote(folder)} holds no tensors: training saved an empty adapter; train again.")


def _take_back(weights: Weights, name: str) -> None:
    """Take out what peft had put into the model when it failed, so that the base is the base again."""
    module = weights.module
    with contextlib.suppress(Exception):
        if weights.adapters:
            module.delete_adapter(name)
        else:
            from peft.tuners.tuners_utils import BaseTunerLayer  # pyright: ignore[reportMissingImports]

            for path, part in list(module.named_modules()):
                if isinstance(part, BaseTunerLayer):
                    parent, _, leaf = path.rpartition(".")
                    setattr(module.get_submodule(parent), leaf, part.get_base_layer())


def _best_device(torch: Any) -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without progress bars and warnings: what they would tell of is checked here, and told in an error."""
    from transformers.utils import logging  # pyright: ignore[reportMissingImports]

    shown, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if shown:
            logging.enable_progress_bar()
