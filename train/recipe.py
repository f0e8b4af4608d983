"""The recipe: what is trained, on what, and how; one TOML file with few dials, each with a default that was argued."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ..curate.errors import DataError, UsageError, quote
from ..curate.recipe_faults import faults

Method = Literal["sft", "dpo", "kto", "orpo", "grpo", "distil", "cpt"]
"""sft: answers; dpo, orpo: a better and a worse one; kto: good and bad ones; grpo: what a reward finds good; distil: what a
larger model of the same vocabulary would say; cpt: whole texts."""

LEARNING_RATES = {"sft": 2e-4, "dpo": 5e-6, "kto": 5e-6, "orpo": 5e-5, "grpo": 1e-5, "distil": 2e-4, "cpt": 1e-4}
"""Of adapters, which want about ten times what all weights do (Schulman et al., LoRA Without Regret, 2025): ``full`` divides by
ten. Methods that push two answers apart break sooner than those that copy one."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Lora(_Strict):
    """How the adapter is built (Hu et al., 2021). Whatever else peft's ``LoraConfig`` knows stands under ``[lora.more]``."""

    alpha: int | None = Field(None, ge=1, description="scale is alpha / rank; twice the rank where nothing is said")
    dropout: float = Field(0.0, ge=0, lt=1)
    targets: str | list[str] = Field(
        "all-linear", description="names of layers; all of them learn better than attention alone"
    )
    experts: list[str] = Field([], description="names of expert parameters of a mixture of experts")
    dora: bool = False
    rslora: bool = False
    more: dict[str, Any] = {}


class Recipe(_Strict):
    """One training run. Paths are as seen from the recipe's folder."""

    base: str = Field(description="folder or hub name of the model")
    data: str = Field(
        description="a set (its train split is used), an export's folder or file, or any file that `read` takes"
    )
    out: str = Field("adapter", description="folder of the adapter")
    task: str | None = Field(None, description="what it is for, in a word or two: shown in the library")
    method: Method = "sft"
    full: bool = Field(False, description="train all weights instead of an adapter")
    loss: Literal["answer", "assistant", "all"] = Field(
        "answer", description="which tokens are trained: of the last answer, of all assistant turns, or of everything"
    )
    epochs: float = Field(1.0, gt=0, le=100)
    learning_rate: float | None = Field(None, gt=0, lt=1)
    rank: int = Field(16, ge=1, le=1024)
    batch: int = Field(8, ge=1, description="rows a step, whatever fits into memory at once")
    at_once: int | None = Field(None, ge=1, description="rows in memory at once; as many as fit where nothing is said")
    seed: int = 0
    steps: int | None = Field(None, ge=1, description="stop after so many steps, for a try")
    max_length: int | None = Field(
        None, ge=8, description="tokens a row; as many as the longest has where nothing is said"
    )
    too_long: Literal["refuse", "drop", "truncate"] = Field(
        "refuse", description="what becomes of rows over max_length; a truncated answer teaches a model never to stop"
    )
    valid: str | None = Field(
        None, description="rows whose loss picks the checkpoint (the set's valid split if it has one)"
    )
    patience: int = Field(3, ge=0, description="looks at the valid loss without a gain before it stops; 0 never stops")
    saves: int = Field(10, ge=1, description="checkpoints, and looks at the valid loss, in the run")
    evalsets: list[str] = Field([], description="frozen eval sets of which no row may be trained on")
    general: str | None = Field(
        None, description="general rows or plain texts that are mixed in, so that less is forgotten"
    )
    general_share: float = Field(0.25, gt=0, lt=1, description="of the rows of an epoch")
    rewards: list[str] = Field([], description="of grpo: scorers as `vetset eval --scorer` takes them")
    teacher: str | None = Field(None, description="of distil: folder or hub name of the larger model")
    template: str | None = Field(None, description="Jinja file that takes the place of the model's chat template")
    quantize: Literal["4bit"] | None = Field(None, description="QLoRA (Dettmers et al., 2023)")
    checkpointing: bool | None = Field(
        None, description="less memory, a third slower; only where it must be if not said"
    )
    device: str | None = None
    dtype: Literal["float32", "bfloat16", "float16"] | None = Field(
        None, description="float32 on a CPU, where bfloat16 took ten times as long; else bfloat16"
    )
    price_per_hour: float | None = Field(None, ge=0, description="of the machine, for the cost in plan and lineage")
    report_to: list[str] = Field(
        [], description="trackio, wandb, mlflow, tensorboard ...; curves.csv is always written"
    )
    lora: Lora = Field(default_factory=lambda: Lora.model_validate({}))
    trl: dict[str, Any] = Field(
        {}, description="anything of TRL's configuration of this method; unknown keys are refused"
    )

    @property
    def rate(self) -> float:
        """The learning rate, the method's default where none is given."""
        return self.learning_rate or LEARNING_RATES[self.method] / (10 if self.full else 1)

    @property
    def alpha(self) -> int:
        """LoRA's scale before it is divided by the rank."""
        return self.lora.alpha or 2 * self.rank

    @field_validator("base", "data")
    @classmethod
    def _said(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("is empty")
        return value

    @model_validator(mode="after")
    def _fits(self) -> Recipe:
        wrong = {
            "quantize: all weights can't be trained in 4 bits; leave out full or quantize": self.full and self.quantize,
            "rewards: grpo needs at least one, such as rewards = ['number']": self.method == "grpo"
            and not self.rewards,
            "rewards: only grpo has rewards": self.rewards and self.method != "grpo",
            "teacher: distil needs the larger model": self.method == "distil" and not self.teacher,
            "general: only sft and cpt mix in general rows": self.general and self.method not in ("sft", "cpt"),
        }
        if found := [sentence for sentence, holds in wrong.items() if holds]:
            raise ValueError("; ".join(found))
        return self


def read_recipe(path: str | Path | None, given: Mapping[str, Any] | None = None) -> Recipe:
    """Read a recipe, with what is given besides in place of what it says.

    Args:
        path: the TOML file; ``None`` where all of it is given.
        given: values by dotted key (``lora.rank`` style); paths in them are as seen from here.

    Raises:
        UsageError: there is no such file, or a key or value is wrong; the sentence names each of them.
        DataError: it is no TOML.
    """
    said: dict[str, Any] = {}
    where = "the options"
    if path is not None:
        path, where = Path(path), str(path)
        try:
            said = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise UsageError(
                f'{path}: no such recipe; write one, of two lines at least: base = "FOLDER" and data = "FILE".'
            ) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise DataError(f"{path} is no TOML ({quote(error, 100)}); mend that line.") from error
        _from_folder(said, path.parent)
    for key, value in (given or {}).items():
        place = said
        *above, last = key.split(".")
        for name in above:
            place = place.setdefault(name, {}) if isinstance(place, dict) else place
        if not isinstance(place, dict):
            raise UsageError(f"{key} is no key of a recipe: {'.'.join(above)} is a value.")
        place[last] = value
    try:
        return Recipe.model_validate(said)
    except ValidationError as error:
        raise UsageError(f"{where}: {faults(error, _keys_of)}.") from error


PATHS = ("base", "data", "out", "valid", "general", "template", "teacher")
"""Keys whose value is a path, or may be one."""


def _from_folder(said: dict[str, Any], folder: Path) -> None:
    """Make paths absolute-or-from-here. A name that is no path there stays: it may be of the hub."""
    for key in PATHS:
        value = said.get(key)
        if isinstance(value, str) and (key == "out" or (folder / value).exists()):
            said[key] = str(folder / value)
    if isinstance(said.get("evalsets"), list):
        said["evalsets"] = [str(folder / one) if isinstance(one, str) else one for one in said["evalsets"]]


def _keys_of(above: list[str]) -> list[str]:
    return list((Lora if above[:1] == ["lora"] else Recipe).model_fields)
