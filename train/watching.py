"""What watches over a run: the curves, the rate, an end before the last step, and a loss that is no number any more."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..curate import disk
from .curves import COLUMNS, FILE
from .recipe import Recipe

_PAIRED = ("rewards/margins", "rewards/accuracies")
_ALSO = {"grpo": ("reward",), "dpo": _PAIRED, "orpo": _PAIRED, "kto": ("rewards/margins",)}
"""What is looked at besides the loss, which says little of these methods; by TRL's names."""


@dataclass(frozen=True)
class Step:
    """Where a run stands."""

    step: int
    total: int
    loss: float
    tokens_per_second: float | None
    seconds_left: float
    reward: float | None
    """Mean of the answers, of grpo."""


class Watch:
    """Events of a training run, by the names of transformers' ``TrainerCallback``; it needs no torch.

    The run's own log is the truth: it stands in each checkpoint, so that a run that was killed has each step once. ``curves.csv``
    is what it says, and is written anew from it when a run goes on.
    """

    def __init__(self, folder: Path, recipe: Recipe, *, progress: Callable[[Step], None] | None) -> None:
        """Watch a run that writes into ``folder``."""
        self.folder, self.patience, self.progress = folder, recipe.patience, progress
        self.columns = [*COLUMNS.names(), *_ALSO.get(recipe.method, ())]
        self.broken: int | None = None
        """The step after which a loss or gradient was no number."""
        self.stopped_early = False
        self.seconds = 0.0
        """Of the steps alone, without looks at the valid loss and checkpoints; earlier parts of the run included."""
        self._began = self._before = 0.0
        self._tokens = self._first = 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Take up the log of the checkpoint that the run goes on from."""
        told = [entry for entry in state.log_history if "seconds" in entry]
        self.seconds = told[-1]["seconds"] if told else 0.0
        self._before, self._tokens, self._first = self.seconds, state.num_input_tokens_seen, state.global_step
        if state.is_world_process_zero:
            self._write(state.log_history)

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start the clock."""
        self._began = time.perf_counter()

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any], **_: Any) -> None:
        """Write down a step or a look at the valid loss, and end the run where it must."""
        entry = state.log_history[-1]
        if "loss" in logs:
            took = time.perf_counter() - self._began
            self.seconds += took
            tokens = state.num_input_tokens_seen - self._tokens
            self._tokens = state.num_input_tokens_seen
            entry |= {
                "seconds": self.seconds,
                "tokens": self._tokens,
                "tokens_per_second": tokens / took if tokens else None,
            }
            self._tell(state, entry)
        elif "eval_loss" in logs:
            self.stopped_early = 0 < self.patience <= self._without_gain(state.log_history)
            control.should_training_stop |= self.stopped_early
        else:
            return
        looked = (
            ("loss", "eval_loss") if args.fp16 else ("loss", "eval_loss", "grad_norm")
        )  # float16 skips steps that overflow
        if not all(math.isfinite(entry.get(name, 0.0)) for name in looked):
            self.broken = state.global_step
            control.should_training_stop, control.should_save, control.should_evaluate = True, False, False
        if state.is_world_process_zero:
            with (self.folder / FILE).open("a", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerow(self._line(entry))

    def _tell(self, state: Any, entry: Mapping[str, Any]) -> None:
        if self.progress is None or not state.is_world_process_zero:
            return
        done, left = state.global_step - self._first, state.max_steps - state.global_step
        each = (self.seconds - self._before) / done
        self.progress(
            Step(
                state.global_step,
                state.max_steps,
                entry["loss"],
                entry["tokens_per_second"],
                left * each,
                entry.get("reward"),
            )
        )

    def _without_gain(self, history: list[dict[str, Any]]) -> int:
        looks = [entry["eval_loss"] for entry in history if "eval_loss" in entry]
        return len(looks) - 1 - looks.index(min(looks))

    def _write(self, history: list[dict[str, Any]]) -> None:
        def write(path: Path) -> None:
            with path.open("w", encoding="utf-8", newline="") as file:
                told = csv.writer(file, lineterminator="\n")
                told.writerow(self.columns)
                told.writerows(self._line(entry) for entry in history if "loss" in entry or "eval_loss" in entry)

        disk.write_whole(self.folder / FILE, write)

    def _line(self, entry: Mapping[str, Any]) -> list[Any]:
        named = {"valid_loss" if name == "eval_loss" else name.removeprefix("eval_"): entry[name] for name in entry}
        return [_short(named.get(name)) for name in self.columns]


def _short(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value
