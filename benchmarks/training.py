"""What a training step costs on a processor: vetset's, a hand-written TRL script's with the same arguments, and TRL's defaults.

    python benchmarks/training.py --base FOLDER [--steps 6] [--turns 2] [--only same,padded] [--data FILE.csv] [--tiny]

Rows are questions of BANKING77 (``../shared/data/bank_intents``) and their labels, the same in the same order for all. CPU
seconds of this process by step, the first one left out; of several turns, which alternate, the median. Tokens are those of the
rows: padding does no work that anybody wanted. ``--tiny`` takes a model of two layers, where what vetset does itself is not lost
beside what the model does.
"""

import argparse
import csv
import json
import random
import statistics
import tempfile
import time
from pathlib import Path

from vetset.tests.small_models import tiny_model
from vetset.train.recipe import read_recipe
from vetset.train.rows.examples import examples
from vetset.train.rows.rendering import open_renderer
from vetset.train.rows.tokenized import length, tokenized
from vetset.train.trl_face import Setting, configuration, load_model, lora, quietly, trainer
from vetset.train.watching import Watch

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "bank_intents" / "train.csv"


def rows_of(path, count, folder):
    """Write questions of ten intents as conversations, as they stand in a trainer's file."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    kept = sorted({row["category"] for row in rows})[:10]
    random.Random(0).shuffle(rows)
    chosen = [row for row in rows if row["category"] in kept][:count]
    out = folder / "rows.jsonl"
    asked = [
        [{"role": "user", "content": row["text"].strip()}, {"role": "assistant", "content": row["category"]}]
        for row in chosen
    ]
    out.write_text("".join(json.dumps({"messages": one}) + "\n" for one in asked), encoding="utf-8")
    return out


class Clock:
    """CPU seconds and tokens by step; a callback like any other."""

    def __init__(self):
        self.marks, self.tokens = [time.process_time()], []

    def on_step_end(self, args, state, control, **_):
        self.marks.append(time.process_time())

    def seconds(self):
        return [later - earlier for earlier, later in zip(self.marks[1:], self.marks[2:], strict=False)]


def callback(kind):
    from transformers import TrainerCallback

    return type(kind.__name__, (kind, TrainerCallback), {})()


def ours(recipe, base, fed, folder, *, flat):
    """vetset's trainer; by length where the rows are not laid end to end."""
    from transformers import AutoTokenizer

    setting = Setting("cpu", recipe.batch, 1, flat, False, max(map(length, fed)), checkpointing=False)
    with quietly():
        return trainer(
            recipe, model=load_model(recipe, base, "cpu"), tokenizer=AutoTokenizer.from_pretrained(base),
            arguments=configuration(recipe, setting, folder), train=fed, valid=None,
            watch=Watch(folder, recipe, progress=lambda step: None),
        )  # fmt: skip


def by_hand(recipe, base, fed, folder, *, same):
    """A script as one writes it with TRL: with vetset's arguments, or with TRL's own and bfloat16 or not."""
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, PrinterCallback
    from trl import SFTConfig, SFTTrainer

    if same is None or isinstance(same, bool):
        more = {} if same is None else {"bf16": same, "use_cpu": True}
        said = {
            "output_dir": str(folder), "max_steps": recipe.steps, "learning_rate": recipe.rate, "seed": recipe.seed,
            "per_device_train_batch_size": recipe.batch, "report_to": "none", "save_strategy": "no", "disable_tqdm": True, **more,
        }  # fmt: skip
        arguments = SFTConfig(**said)
    else:
        arguments = same
    made = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(base, dtype="float32"), args=arguments,
        train_dataset=Dataset.from_list(fed), processing_class=AutoTokenizer.from_pretrained(base), peft_config=lora(recipe),
    )  # fmt: skip
    made.remove_callback(PrinterCallback)
    return made


def kinds(recipe, base, fed, folder):
    """Name to what makes a trainer."""
    setting = Setting("cpu", recipe.batch, 1, True, False, max(map(length, fed)), checkpointing=False)
    return {
        "vetset": lambda: ours(recipe, base, fed, folder, flat=True),
        "same": lambda: by_hand(recipe, base, fed, folder, same=configuration(recipe, setting, folder)),
        "grouped": lambda: ours(recipe, base, fed, folder, flat=False),
        "float32": lambda: by_hand(recipe, base, fed, folder, same=False),
        "defaults": lambda: by_hand(recipe, base, fed, folder, same=True),
    }


SAYS = {
    "vetset": "vetset", "same": "TRL by hand, the same arguments", "grouped": "vetset, grouped by length and padded",
    "float32": "TRL's defaults with bf16 off", "defaults": "TRL's defaults",
}  # fmt: skip


def measured(make):
    with quietly():
        made = make()
        clock = callback(Clock)
        made.add_callback(clock)
        read = made._prepare_inputs
        seen = []

        def counting(inputs):
            mask = inputs.get("attention_mask")
            seen.append(int(mask.sum()) if mask is not None else inputs["input_ids"].numel())
            return read(inputs)

        made._prepare_inputs = counting
        made.train()
    return clock.seconds(), seen[1:]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", type=Path)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--only", default=",".join(SAYS))
    parser.add_argument("--tiny", action="store_true")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="vetset-bench-"))
    base = tiny_model(folder / "tiny") if given.tiny else given.base
    data = rows_of(given.data, given.steps * given.batch, folder)  # one epoch: all see the same rows
    said = {"base": str(base), "data": str(data), "steps": given.steps, "batch": given.batch, "saves": 1}
    recipe = read_recipe(None, said | {"learning_rate": 1e-3})
    fed = tokenized(recipe, open_renderer(base), examples(recipe).train)
    print(f"{len(fed)} rows, {sum(map(length, fed)) / len(fed):.0f} tokens a row, at most {max(map(length, fed))}")
    wanted = {name: make for name, make in kinds(recipe, base, fed, folder).items() if name in given.only.split(",")}
    taken = {name: [] for name in wanted}
    tokens = dict.fromkeys(wanted, 0)
    for _ in range(given.turns):
        for name, make in wanted.items():
            seconds, seen = measured(make)
            taken[name] += seconds
            tokens[name] = statistics.mean(seen)
    first = statistics.median(taken["vetset"]) if "vetset" in taken else None
    print("| trainer | CPU s a step | tokens/s | vetset is faster by |\n|-|-|-|-|")
    for name, seconds in taken.items():
        middle = statistics.median(seconds)
        rate = sum(tokens[name] for _ in seconds) / sum(seconds)
        faster = (
            ""
            if first is None
            else f"{(sum(seconds) / len(seconds)) / (sum(taken['vetset']) / len(taken['vetset'])):.3f}"
        )
        print(f"| {SAYS[name]} | {middle:.4g} | {rate:.1f} | {faster} |", flush=True)


if __name__ == "__main__":
    main()
