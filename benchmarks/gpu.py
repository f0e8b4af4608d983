"""Training on one large GPU: vetset, TRL by hand with the same arguments, and a bare PyTorch loop over the same batches.

    python benchmarks/gpu.py [--shapes qwen2.5-0.5b,llama-1b] [--ways lora,full,qlora] [--tokens 2048] [--at-once 8] [--steps 30]
    python benchmarks/gpu.py --device cpu --shapes tiny --at-once 2 --tokens 256 --steps 6       tries the protocol itself

The models have the shapes of Qwen2.5-0.5B and Llama-3.2-1B and random weights: a step costs the same whatever they say,
and nothing has to be fetched. Rows are packed: each is as long as the context, so that no step pads. Every figure is taken in a
process of its own: tokens a second by the wall after five steps, with the device waited for; the share of the device's peak that
the steps' floating point operations come to (6 a weight and token for all weights, 4 for adapters, whose base has no gradients of
weights; attention's 12 x layers x width x context beside, nothing that is computed again: Chowdhery et al., PaLM, 2022, appendix
B); and the most memory that torch had given out. 4-bit weights are those of bitsandbytes (NF4).
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SHAPES = {
    "qwen2.5-0.5b": {
        "model_type": "qwen2", "vocab_size": 151_936, "hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24,
        "num_attention_heads": 14, "num_key_value_heads": 2, "tie_word_embeddings": True,
    },
    "llama-1b": {
        "model_type": "llama", "vocab_size": 128_256, "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
        "num_attention_heads": 32, "num_key_value_heads": 8, "tie_word_embeddings": True,
    },
    "tiny": {
        "model_type": "llama", "vocab_size": 512, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": True,
    },
}  # fmt: skip
WHO = ("vetset", "trl", "torch")
WARM = 5  # steps that are not counted: kernels are chosen, memory is laid out


def build(shape, folder):
    """Save a model of random weights with a tokenizer of bytes, which knows fewer tokens than the model has rows for."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM
    from vetset.tests.small_models import tiny_model

    tiny_model(folder)  # for its tokenizer and template
    said = {**SHAPES[shape], "max_position_embeddings": 32_768, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(AutoConfig.for_model(**said), dtype=torch.bfloat16).save_pretrained(folder)


def rows_of(tokens, count):
    """Token ids of whole contexts; half of each is an answer."""
    import random

    draw = random.Random(0)
    rows = [[draw.randrange(3, 259) for _ in range(tokens)] for _ in range(count)]
    return [{"input_ids": ids, "labels": [-100] * (tokens // 2) + ids[tokens // 2 :]} for ids in rows]


def recipe_of(given, base, folder):
    from vetset.train.recipe import read_recipe

    said = {
        "base": str(base),
        "data": str(base),
        "out": str(folder / "out"),
        "batch": given.at_once,
        "steps": given.steps,
        "saves": 1,
    }
    more = {"lora": {}, "full": {"full": True}, "qlora": {"quantize": "4bit"}}[given.way]
    return read_recipe(None, said | more | {"learning_rate": 1e-4, "seed": 0})


def measure(given):
    """Take one figure, in this process, and print it as JSON."""
    import torch
    from vetset.train.trl_face import quietly

    folder = Path(tempfile.mkdtemp(prefix="vetset-gpu-"))
    recipe = recipe_of(given, Path(given.base), folder)
    fed = rows_of(given.tokens, given.at_once * given.steps)
    marks = []

    def mark():
        if given.device == "cuda":
            torch.cuda.synchronize()
        marks.append(time.perf_counter())

    with quietly():
        run = bare(recipe, fed, given, mark) if given.who == "torch" else through_trl(recipe, fed, given, mark, folder)
        if given.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        parameters = run()
    seconds = (marks[-1] - marks[WARM - 1]) / (len(marks) - WARM)
    peak = torch.cuda.max_memory_allocated() / 2**30 if given.device == "cuda" else float("nan")
    print(json.dumps({"tokens": given.at_once * given.tokens / seconds, "gib": peak, "parameters": parameters}))


def through_trl(recipe, fed, given, mark, folder):
    """vetset's own trainer, or TRL's as one writes it, with the arguments that vetset takes."""
    from datasets import Dataset
    from transformers import AutoTokenizer, TrainerCallback
    from trl import SFTTrainer
    from vetset.train.trl_face import Setting, configuration, load_model, lora, trainer
    from vetset.train.watching import Watch

    class Clock(TrainerCallback):
        def on_step_end(self, *_, **__):
            mark()

    setting = Setting(given.device, recipe.batch, 1, False, False, given.tokens, checkpointing=given.checkpointing)
    arguments = configuration(recipe, setting, folder)
    model, tokenizer = load_model(recipe, Path(recipe.base), given.device), AutoTokenizer.from_pretrained(recipe.base)
    if given.who == "vetset":
        watch = Watch(folder, recipe, progress=lambda step: None)
        made = trainer(
            recipe, model=model, tokenizer=tokenizer, arguments=arguments, train=fed, valid=None, watch=watch
        )
    else:
        made = SFTTrainer(
            model=model, args=arguments, train_dataset=Dataset.from_list(fed), processing_class=tokenizer,
            peft_config=None if recipe.full else lora(recipe),
        )  # fmt: skip
    made.add_callback(Clock())

    def run():
        made.train()
        return made.model.num_parameters()

    return run


def bare(recipe, fed, given, mark):
    """The loop as PyTorch's tutorials have it: forward, backward, clip, AdamW; the same model, batches and number types."""
    import torch
    from peft import get_peft_model
    from vetset.train.trl_face import load_model, lora

    model = load_model(recipe, Path(recipe.base), given.device)
    if not recipe.full:
        model = get_peft_model(model, lora(recipe))
    if given.checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
        model.enable_input_require_grads()
    model.train()
    trained = [weights for weights in model.parameters() if weights.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=recipe.rate, fused=given.device == "cuda")
    number = torch.bfloat16 if given.device == "cuda" else torch.float32

    def run():
        for step in range(given.steps):
            rows = fed[step * recipe.batch : (step + 1) * recipe.batch]
            batch = {
                name: torch.tensor([row[name] for row in rows], device=given.device) for name in ("input_ids", "labels")
            }
            with torch.autocast(given.device, dtype=number, enabled=given.device == "cuda"):
                loss = model(**batch, use_cache=False).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            mark()
        return model.num_parameters()

    return run


def operations(shape, parameters, tokens, way):
    """Floating point operations a token, as the field counts them: what is computed again is not counted twice."""
    said = SHAPES[shape]
    attention = 12 * said["num_hidden_layers"] * said["hidden_size"] * tokens
    return (6 if way == "full" else 4) * parameters + attention


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shapes", default="qwen2.5-0.5b,llama-1b")
    parser.add_argument("--ways", default="lora,full,qlora")
    parser.add_argument("--tokens", type=int, default=2048, help="of a row: the context")
    parser.add_argument("--at-once", type=int, default=8, help="rows a step")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--device", default="cuda")
    parser.add_argument(
        "--peak", type=float, default=989.0, help="TFLOPS of dense bf16; an H100 SXM has 989 by its data sheet"
    )
    parser.add_argument("--checkpointing", action="store_true")
    for name in ("base", "who", "way"):
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)  # of the process that takes one figure
    given = parser.parse_args()
    if given.who:
        measure(given)
        return
    print("| shape | way | trainer | tokens/s | share of the peak | GiB |\n|-|-|-|-|-|-|")
    for shape in given.shapes.split(","):
        with tempfile.TemporaryDirectory(prefix="vetset-gpu-") as folder:
            build(shape, folder)
            for way in given.ways.split(","):
                for who in WHO:
                    print(line(given, shape, way, who, folder), flush=True)


def line(given, shape, way, who, folder):
    own = ["--base", folder, "--who", who, "--way", way]
    done = subprocess.run([sys.executable, __file__, *sys.argv[1:], *own], capture_output=True, text=True, check=False)
    if done.returncode:
        return f"| {shape} | {way} | {who} | {done.stderr.strip().splitlines()[-1][:120]} | | |"
    found = json.loads(done.stdout.strip().splitlines()[-1])
    share = found["tokens"] * operations(shape, found["parameters"], given.tokens, way) / (given.peak * 1e12)
    return f"| {shape} | {way} | {who} | {found['tokens']:,.0f} | {share:.1%} | {found['gib']:.1f} |"


if __name__ == "__main__":
    main()
