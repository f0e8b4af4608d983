"""All of TRL's, peft's and transformers' interface that moves between versions: what a recipe says, as they want to hear it.

vetset renders, tokenizes and masks the rows itself, and every trainer here takes token ids as they are. So what ``plan`` showed
is what is trained, whatever a release changes in how it reads conversations.
"""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from importlib import import_module
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from typing import Any

from ..curate.errors import DataError, MissingExtra, UsageError, quote
from .recipe import Recipe

EXTRA = "pip install 'vetset[train]'"

KINDS: dict[str, tuple[str, str, str]] = {
    "sft": ("trl", "SFT", ""), "cpt": ("trl", "SFT", ""),
    "dpo": ("trl", "DPO", "_prepare_dataset"), "kto": ("trl", "KTO", "_prepare_dataset"),
    "orpo": ("trl.experimental.orpo", "ORPO", "tokenize_row"),
    "grpo": ("trl", "GRPO", "_tokenize_prompts"), "distil": ("trl", "Distillation", "_tokenize_prompts"),
}  # fmt: skip
"""Method to module, trainer, and the one of its methods that would tokenize and is replaced."""

GENERATING = ("grpo", "distil")
"""Methods that answer the prompts themselves; no loss of theirs on other rows says which checkpoint is best."""

OWNED = {
    "output_dir": "out", "seed": "seed", "data_seed": "seed", "learning_rate": "learning_rate", "max_length": "max_length",
    "num_train_epochs": "epochs", "max_steps": "steps", "per_device_train_batch_size": "at_once",
    "per_device_eval_batch_size": "at_once", "gradient_accumulation_steps": "batch", "gradient_checkpointing": "checkpointing",
    "bf16": "dtype", "fp16": "dtype", "use_cpu": "device", "report_to": "report_to", "save_steps": "saves",
    "save_strategy": "saves", "eval_steps": "saves", "eval_strategy": "saves", "load_best_model_at_end": "valid",
    "metric_for_best_model": "valid", "greater_is_better": "valid", "completion_only_loss": "loss",
    "assistant_only_loss": "loss", "truncation_mode": "too_long", "chat_template_path": "template",
    "teacher_model_name_or_path": "teacher",
}  # fmt: skip
"""What TRL calls a thing that a recipe says by a key of its own."""

OURS = (
    "hub_", "push_to_hub", "trust_remote_code", "model_init_kwargs", "teacher_model", "dataset_kwargs", "dataset_text_field",
    "remove_unused", "restore_callback", "resume_from", "ignore_data_skip", "disable_tqdm", "eos_token", "pad_token", "logging_",
    "include_num_input", "log_completions_hub", "trackio_space", "trackio_bucket", "trackio_static", "do_", "pad_to_multiple",
    "packing_strategy", "save_only_model", "dataloader_drop_last", "auto_find_batch_size",
)  # fmt: skip
"""Beginnings of keys that nobody may set: they would upload, run code of a model, or undo what was checked."""

OWNED_BY_LORA = {
    "r": "rank", "lora_alpha": "lora.alpha", "lora_dropout": "lora.dropout", "target_modules": "lora.targets",
    "target_parameters": "lora.experts", "use_dora": "lora.dora", "use_rslora": "lora.rslora", "task_type": "method",
}  # fmt: skip
"""The same of what peft calls so."""


@dataclass(frozen=True)
class Setting:
    """What of a run is no matter of the recipe: the machine, and what the rows are like."""

    device: str
    at_once: int
    """Rows in memory of one device."""
    accumulate: int
    """Batches of that many that make a step."""
    flat: bool
    """Whether the rows of a batch are laid end to end instead of padded."""
    watched: bool
    """Whether there are rows whose loss picks the checkpoint."""
    longest: int
    checkpointing: bool

    @property
    def bfloat16(self) -> bool:
        """Whether arithmetic on short numbers pays: on this processor a step took ten times as long with them."""
        return self.device != "cpu"


def stay_here(recipe: Recipe) -> None:
    """Keep the libraries from the network: TRL tells the hub of each trainer, bitsandbytes looks there for faster kernels.

    They read this once, as they are loaded. Who names a service in ``report_to`` wants it reached.
    """
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    if not set(recipe.report_to) - {"tensorboard", "none"}:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")


def configuration(recipe: Recipe, setting: Setting, folder: Path) -> Any:
    """Return TRL's configuration of the recipe's method.

    Args:
        recipe: as it was read.
        setting: of the machine and the rows.
        folder: of the checkpoints.

    Raises:
        UsageError: TRL refuses a key or a value; ``plan`` has looked at the keys before (``run_problems``).
    """
    _, configured = _classes(recipe.method)
    said = _said(recipe, setting, folder) | recipe.trl
    if said.get("packing"):
        said |= {"max_length": recipe.max_length or setting.longest}
    try:
        with quietly():
            return configured(**said)
    except (TypeError, ValueError, ImportError) as error:
        raise UsageError(f"trl refuses the recipe ({quote(error, 300)}); mend the key that it names.") from error


def _said(recipe: Recipe, setting: Setting, folder: Path) -> dict[str, Any]:
    """What is set of TRL's configuration where ``[trl]`` says nothing; its other defaults stand."""
    every = min(1 / recipe.saves, 0.999999)  # below 1 it is a share of the steps
    short = recipe.dtype or ("bfloat16" if setting.bfloat16 else "float32")
    said: dict[str, Any] = {
        "output_dir": str(folder), "seed": recipe.seed, "data_seed": recipe.seed, "learning_rate": recipe.rate,
        "num_train_epochs": recipe.epochs, "max_steps": recipe.steps or -1, "per_device_train_batch_size": setting.at_once,
        "per_device_eval_batch_size": setting.at_once, "gradient_accumulation_steps": setting.accumulate,
        "gradient_checkpointing": setting.checkpointing, "use_cpu": setting.device == "cpu", "bf16": short == "bfloat16",
        "fp16": short == "float16", "report_to": list(recipe.report_to), "save_strategy": "steps", "save_steps": every,
        "save_total_limit": 2, "logging_strategy": "steps", "logging_steps": 1, "logging_nan_inf_filter": False,
        "disable_tqdm": True, "lr_scheduler_type": "cosine",
        "warmup_steps": 0.03 if recipe.full else 0,  # half of an adapter begins as zeros, so its first steps are small anyway
        "dataloader_pin_memory": setting.device.startswith("cuda"), "ddp_find_unused_parameters": bool(recipe.lora.experts),
    }  # fmt: skip
    if setting.watched:
        said |= {
            "eval_strategy": "steps", "eval_steps": every, "load_best_model_at_end": True, "prediction_loss_only": True,
            "metric_for_best_model": "eval_loss", "greater_is_better": False,
        }  # fmt: skip
    if recipe.method in ("sft", "cpt"):
        said |= {"max_length": None, "padding_free": setting.flat}
        said |= {} if setting.flat else {"train_sampling_strategy": "group_by_length"}
    if recipe.method in ("dpo", "kto"):
        said |= {"max_length": None}
    if recipe.method == "orpo":
        said |= {"max_length": setting.longest, "remove_unused_columns": False}
    if recipe.method != "grpo":  # it counts by itself
        said |= {"include_num_input_tokens_seen": "all"}
    return said


def lora(recipe: Recipe) -> Any:
    """Return peft's configuration of the adapter.

    Raises:
        UsageError: peft refuses a key or a value.
    """
    kind = import_module("peft").LoraConfig
    of = recipe.lora
    said: dict[str, Any] = {
        "r": recipe.rank, "lora_alpha": recipe.alpha, "lora_dropout": of.dropout, "target_modules": of.targets,
        "use_dora": of.dora, "use_rslora": of.rslora, "task_type": "CAUSAL_LM",
    }  # fmt: skip
    said |= {"target_parameters": of.experts} if of.experts else {}
    try:
        return kind(**said, **of.more)
    except (TypeError, ValueError) as error:
        raise UsageError(f"peft refuses the recipe ({quote(error, 300)}); mend the key that it names.") from error


def load_model(recipe: Recipe, folder: Path, device: str) -> Any:
    """Read the model that is trained; no code in the folder is run, and no pickled weights are read.

    All weights are trained in float32, for in bfloat16 a step of a small learning rate is rounded away.

    Raises:
        MissingExtra: 4 bits without bitsandbytes.
        DataError: the folder holds no whole model that transformers knows.
    """
    torch, transformers = import_module("torch"), import_module("transformers")
    short = "float32" if recipe.full else recipe.dtype or ("float32" if device == "cpu" else "bfloat16")
    options: dict[str, Any] = {"dtype": getattr(torch, short)}
    if device.startswith("cuda") and find_spec("flash_attn") is not None:
        options["attn_implementation"] = "flash_attention_2"
    if recipe.quantize:
        if find_spec("bitsandbytes") is None:
            raise MissingExtra("quantize = '4bit' needs bitsandbytes; run pip install 'vetset[qlora]'.")
        options["quantization_config"] = transformers.BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=getattr(torch, recipe.dtype or ("float32" if device == "cpu" else "bfloat16")),
        )  # fmt: skip
    if device == "cuda" and (
        recipe.quantize or "WORLD_SIZE" not in os.environ
    ):  # else each process takes its share later
        options["device_map"] = {"": int(os.environ.get("LOCAL_RANK", "0"))}
    try:
        model, info = transformers.AutoModelForCausalLM.from_pretrained(
            str(folder), local_files_only=True, use_safetensors=True, trust_remote_code=False, output_loading_info=True,
            **options,
        )  # fmt: skip
    except Exception as error:  # a damaged folder fails in as many ways as there are kinds of models
        raise DataError(
            f"{quote(folder)} can't be loaded to be trained ({type(error).__name__}: {quote(error, 200)}); check that it is "
            "whole, that transformers is new enough for it, and that it needs no code of its own."
        ) from error
    if missing := sorted({*info["missing_keys"], *(str(key) for key in info["mismatched_keys"])}):
        raise DataError(
            f"{quote(folder)} lacks {len(missing)} of the tensors that its config.json asks for ({quote(missing[0])}); fetch "
            "or save it again."
        )
    for part in model.modules() if recipe.quantize else ():
        # On some processors a look at the valid loss packs the weights for good, into what can't be trained (bitsandbytes 0.50).
        if hasattr(part, "support_avx512bf16_for_cpu"):
            part.support_avx512bf16_for_cpu = False
    return model


def trainer(
    recipe: Recipe, *, model: Any, tokenizer: Any, arguments: Any, train: Sequence[Mapping[str, Any]],
    valid: Sequence[Mapping[str, Any]] | None, watch: Any, rewards: Sequence[Callable[..., Any]] = (), teacher: Any = None,
) -> Any:  # fmt: skip
    """Return TRL's trainer, ready for ``train``.

    Args:
        recipe: as it was read.
        model: from ``load_model``.
        tokenizer: transformers' own, for the padding and to be saved beside the adapter.
        arguments: from ``configuration``.
        train: token ids, see ``tokenized.tokenized``.
        valid: those whose loss picks the checkpoint.
        watch: an object with any of the events of a ``TrainerCallback``.
        rewards: of grpo.
        teacher: of distil.

    Raises:
        UsageError: the model has no such layers, or no vocabulary in common with its teacher; or what ``report_to`` names is not
            installed.
    """
    parent, _ = _classes(recipe.method)
    transformers, dataset = import_module("transformers"), import_module("datasets").Dataset
    more: dict[str, Any] = {"reward_funcs": list(rewards)} if recipe.method == "grpo" else {}
    more |= {"teacher_model": teacher} if recipe.method == "distil" else {}
    callback = type("Watching", (type(watch), transformers.TrainerCallback), {"__init__": lambda _: None})()
    callback.__dict__ = watch.__dict__  # one state, for who made it to read
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    try:
        made = _without_calls_home(parent, KINDS[recipe.method][2])(
            model=model, args=arguments, train_dataset=dataset.from_list(list(train)),
            eval_dataset=None if valid is None else dataset.from_list(list(valid)), processing_class=tokenizer,
            callbacks=[callback], peft_config=None if recipe.full else lora(recipe), **more,
        )  # fmt: skip
    except (ValueError, NotImplementedError, RuntimeError, ImportError) as error:
        raise UsageError(f"this run can't be set up ({quote(error, 300)}); mend what it names.") from error
    made.remove_callback(transformers.PrinterCallback)  # it prints to stdout
    for one in made.callback_handler.callbacks:
        if hasattr(one, "logging_dir"):  # TensorBoard's, which would write into the folder that one stands in
            one.logging_dir = str(watch.folder / "tensorboard")
    if recipe.quantize and not arguments.bf16:
        for (
            weights
        ) in made.model.parameters():  # TRL makes them bfloat16, which a processor without it trains at a tenth
            weights.data = weights.data.float() if weights.requires_grad else weights.data
    return made


def _without_calls_home(parent: Any, tokenizes: str) -> Any:
    """Return a trainer that tells nobody that it was made, writes no card of its own, and takes token ids as they are."""

    def count(self: Any, inputs: Any) -> None:
        masks = (
            [
                value
                for name, value in inputs.items()
                if name.endswith("attention_mask") and not name.startswith("prompt")
            ]
            if hasattr(inputs, "items")
            else []
        )
        seen = sum(mask.sum() for mask in masks) if masks else None
        if seen is None and "position_ids" in inputs:
            seen = (inputs["position_ids"] >= 0).sum()  # laid end to end, nothing is padding
        if seen is not None:
            self.state.num_input_tokens_seen += int(self.accelerator.gather(seen).sum())

    def sampler(self: Any, *rows: Any) -> Any:
        if self.args.train_sampling_strategy != "group_by_length":
            return parent._get_train_sampler(self, *rows)
        return _by_length([len(one) for one in self.train_dataset["input_ids"]], self.args)

    replaced: dict[str, Any] = {
        "_get_train_sampler": sampler, "_send_telemetry": lambda self: None, "create_model_card": lambda self, *_, **__: None,
        "_track_num_input_tokens": count,
    }  # fmt: skip
    as_given = {
        "_prepare_dataset": lambda self, dataset, *_: dataset,
        "tokenize_row": staticmethod(lambda row: {}),
        "_tokenize_prompts": lambda self, prompts: (prompts, None, {}),
    }
    return type(parent.__name__, (parent,), replaced | ({tokenizes: as_given[tokenizes]} if tokenizes else {}))


def _by_length(lengths: list[int], arguments: Any) -> Any:
    """Return a sampler that groups rows of like length, with an order of its own for each epoch.

    Transformers' draws from the generator of all: a run that is gone on from in a later epoch would read the first one's order.
    """
    torch, utils = import_module("torch"), import_module("transformers.trainer_pt_utils")

    class ByLength(torch.utils.data.Sampler):
        epoch = 0

        def set_epoch(self, epoch: int) -> None:
            self.epoch = epoch

        def __len__(self) -> int:
            return len(lengths)

        def __iter__(self) -> Iterator[int]:
            drawn = torch.Generator().manual_seed(arguments.seed + self.epoch)
            step = arguments.train_batch_size * arguments.gradient_accumulation_steps
            return iter(utils.get_length_grouped_indices(lengths, step, generator=drawn))

    return ByLength()


def probe() -> list[str]:
    """Return what the installed versions lack of all that is used here, in a few words each; empty where all is well."""
    lacks = []
    for method, (_, _, tokenizes) in KINDS.items():
        made, configured = _classes(method)
        more = {"rewards": ["json"]} if method == "grpo" else {"teacher": "-"}
        recipe = Recipe.model_validate({"base": "-", "data": "-", "method": method} | more)
        uses = _said(recipe, Setting("cpu", 1, 1, False, method not in GENERATING, 1, False), Path("-"))
        lacks += [f"{configured.__name__}: {key}" for key in uses.keys() - {one.name for one in fields(configured)}]
        takes = {"model", "args", "train_dataset", "eval_dataset", "processing_class", "callbacks", "peft_config"}
        takes |= {"grpo": {"reward_funcs"}, "distil": {"teacher_model"}}.get(method, set())
        lacks += [f"{made.__name__}: {name}" for name in takes - signature(made.__init__).parameters.keys()]
        hooks = (
            "_send_telemetry",
            "create_model_card",
            "_track_num_input_tokens",
            "_get_train_sampler",
            tokenizes or "train",
        )
        lacks += [f"{made.__name__}: {name}" for name in hooks if not hasattr(made, name)]
    known = {one.name for one in fields(import_module("peft").LoraConfig)}
    return sorted(lacks + [f"LoraConfig: {name}" for name in OWNED_BY_LORA.keys() - known])


def _classes(method: str) -> tuple[Any, Any]:
    """Return trainer and configuration of a method.

    Raises:
        MissingExtra: a library is not installed, or too old.
    """
    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    module, name, _ = KINDS[method]
    try:
        with quietly():
            found = import_module(module)
            return getattr(found, f"{name}Trainer"), getattr(found, f"{name}Config")
    except (ImportError, AttributeError) as error:
        raise MissingExtra(
            f"training by {method} needs torch, trl and peft ({quote(error, 120)}); run {EXTRA}."
        ) from error


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Without the libraries' progress bars, and without warnings of theirs about each other's names."""
    try:
        transformers, datasets = import_module("transformers.utils.logging"), import_module("datasets")
    except ImportError as error:
        raise MissingExtra(f"this needs torch, transformers and peft; run {EXTRA}.") from error
    shown, level = transformers.is_progress_bar_enabled(), transformers.get_verbosity()
    bars = datasets.are_progress_bars_disabled()
    loggers = {name: logging.getLogger(name).level for name in ("trl", "bitsandbytes")}
    transformers.disable_progress_bar()
    transformers.set_verbosity_error()
    datasets.disable_progress_bars()
    for name in loggers:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            libraries = r"(transformers|trl|peft|accelerate|torch|datasets|bitsandbytes|multiprocess)(\.|$)"
            for kind in (FutureWarning, DeprecationWarning, UserWarning):
                warnings.filterwarnings("ignore", category=kind, module=libraries)
            yield
    finally:
        transformers.set_verbosity(level)
        for name, loud in loggers.items():
            logging.getLogger(name).setLevel(loud)
        if shown:
            transformers.enable_progress_bar()
        if not bars:
            datasets.enable_progress_bars()


def apart(model: Any, fed: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether the model reads rows that are laid end to end as it reads each alone.

    Attention does where it is told the places; states that run through the whole text (Mamba, short convolutions) may not. Tried
    on two rows, for nobody else tells.
    """
    torch = import_module("torch")
    if "flash" in str(model.config._attn_implementation) and model.device.type == "cpu":
        return True  # its kernels are told the rows' ends, and can't be tried before the model is on a GPU
    rows = [torch.tensor(one["input_ids"][:64], device=model.device) for one in (fed[0], fed[-1])]
    places = torch.cat([torch.arange(len(row), device=model.device) for row in rows])[None]
    with torch.inference_mode():
        alone = [model(input_ids=row[None], use_cache=False).logits[0] for row in rows]
        together = model(input_ids=torch.cat(rows)[None], position_ids=places, use_cache=False).logits[0]
    limit = 1e-3 if model.dtype == torch.float32 else 0.1
    return bool((torch.cat(alone) - together).abs().max() <= limit * torch.cat(alone).abs().max())
