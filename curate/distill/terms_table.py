"""What teachers' terms say of training other models on what they write: a table with a source and a date for each line.

It is a reader's note and no legal advice: the terms themselves hold, and they change. What is not here is unknown. Each line was
looked up on ``SEEN`` in public copies of the page that it names; nothing is fetched when vetset runs.
"""

from __future__ import annotations

from typing import NamedTuple

SEEN = "2026-11-23"

_META = "https://www.llama.com/llama{}/license/"
_HUB = "https://huggingface.co/"


class Line(NamedTuple):
    """One line of the table."""

    pattern: str
    """Regular expression, found in a model's name (its last part, lower case) or in the name of a server."""
    name: str
    training: str
    """One of ``teachers.WORDS``."""
    says: str
    source: str


_APACHE = "The weights are under Apache-2.0, which says nothing of outputs."
_MIT = "The weights are under the MIT licence, which says nothing of outputs."
_COMPETE = "Outputs must not be used to develop models that compete with {}."
_LLAMA = (
    "A model that was trained on outputs and is passed on has a name that begins with 'Llama', and says 'Built with Llama'; "
    "the acceptable use policy holds."
)
_QWEN = "A model that was trained on outputs and is passed on says 'Built with Qwen' or 'Improved using Qwen' in its papers."
_ONLY = "Outputs must not improve any other large language model than {}."

HOSTS: tuple[Line, ...] = (
    Line(r"(^|\.)openai\.com$", "OpenAI", "no-competing", _COMPETE.format("OpenAI"), "https://openai.com/policies/terms-of-use/"),
    Line(r"(^|\.)anthropic\.com$", "Anthropic", "no-competing",
         "Outputs may train models that don't compete with Anthropic's, such as classifiers; competing ones need its permission.",
         "https://support.claude.com/en/articles/12326764-can-i-use-my-outputs-to-train-an-ai-model"),
    Line(r"^generativelanguage\.googleapis\.com$", "Gemini API", "no-competing",
         "The services must not be used to develop models that compete with them.", "https://ai.google.dev/gemini-api/terms"),
    Line(r"^api\.deepseek\.com$", "DeepSeek platform", "allowed",
         "Outputs may be applied to training other models, distillation named.",
         "https://cdn.deepseek.com/policies/en-US/deepseek-open-platform-terms-of-service.html"),
    # Vendors that serve their own open weights under other terms than the weights', which were not found in full.
    Line(r"^api\.mistral\.ai$", "Mistral platform", "unknown", "The terms of the platform were not found in full.", "https://mistral.ai/terms"),
    Line(r"^api\.cohere\.(com|ai)$", "Cohere platform", "unknown", "The terms of the platform were not found in full.",
         "https://cohere.com/terms-of-use"),
)  # fmt: skip
"""By the server that was called; they go before those of the model, since the server's terms bind whoever calls it."""

MODELS: tuple[Line, ...] = (
    Line(r"^gpt-oss", "gpt-oss", "allowed", _APACHE, f"{_HUB}openai/gpt-oss-20b"),
    Line(r"^(gpt-?[3-9]|chatgpt|o[1-9](-|$)|text-davinci|davinci)", "OpenAI", "no-competing", _COMPETE.format("OpenAI"),
         "https://openai.com/policies/terms-of-use/"),
    Line(r"^claude", "Anthropic", "no-competing",
         "Outputs may train models that don't compete with Anthropic's, such as classifiers; competing ones need its permission.",
         "https://support.claude.com/en/articles/12326764-can-i-use-my-outputs-to-train-an-ai-model"),
    Line(r"^gemini", "Gemini", "no-competing", "The services must not be used to develop models that compete with them.",
         "https://ai.google.dev/gemini-api/terms"),
    Line(r"^gemma-?4(?!\d*b)", "Gemma 4", "allowed", _APACHE, "https://ai.google.dev/gemma/terms"),
    # A number with a b behind it is a size: gemma-7b is the first Gemma.
    Line(r"^gemma(?!-?[5-9](?!\d*b))", "Gemma 1 to 3", "with-terms",
         "A model that was trained on outputs so that it performs similarly is a derivative of Gemma: its terms and its use "
         "policy are passed on.", "https://ai.google.dev/gemma/terms"),
    Line(r"^deepseek-r1-distill-llama", "DeepSeek R1 on Llama", "with-name", _LLAMA, f"{_HUB}deepseek-ai/DeepSeek-R1"),
    Line(r"^deepseek-(r1|v3[-.](0324|1|2)(?!\d))", "DeepSeek, MIT", "allowed",
         "MIT; distillation to train other models is named as allowed.",
         f"{_HUB}deepseek-ai/DeepSeek-R1"),
    Line(r"^deepseek-(v2|v3|coder|llm|moe)", "DeepSeek, model licence", "with-terms",
         "Models that are distilled from it are derivatives, which pass its restrictions of use on.",
         "https://deepseeklicense.github.io"),
    Line(r"^(meta-)?llama-?2(?![.\d])", "Llama 2", "same-family", _ONLY.format("Llama 2"),
         "https://ai.meta.com/llama/license/"),
    Line(r"^(meta-)?llama-?3[._-]?1(?!\d*b)", "Llama 3.1", "with-name", _LLAMA, _META.format("3_1")),
    Line(r"^(meta-)?llama-?3[._-]?2(?!\d*b)", "Llama 3.2", "with-name", _LLAMA, _META.format("3_2")),
    Line(r"^(meta-)?llama-?3[._-]?3(?!\d*b)", "Llama 3.3", "with-name", _LLAMA, _META.format("3_3")),
    Line(r"^(meta-)?llama-?3(?![.\d])", "Llama 3", "same-family", _ONLY.format("Llama 3"),
         _META.format("3")),
    Line(r"^llama-?4(?!\d*b)", "Llama 4", "with-name", _LLAMA, _META.format("4")),
    # Not the models that are served alone (qwen3-max), nor versions that came after (qwen3.5).
    Line(r"^qwen3(?!\.)(?!.*-(max|plus|flash|turbo))", "Qwen3", "allowed", _APACHE, f"{_HUB}Qwen/Qwen3-8B"),
    Line(r"^qwen2\.5(?!.*(max|plus|turbo)).*?[-:]72b", "Qwen2.5 72B", "with-name", _QWEN, f"{_HUB}Qwen/Qwen2.5-72B-Instruct"),
    Line(r"^qwen2\.5(?!.*(max|plus|turbo)).*?[-:]3b", "Qwen2.5 3B", "non-commercial",
         "The Qwen research licence is for non-commercial use.", f"{_HUB}Qwen/Qwen2.5-3B-Instruct"),
    Line(r"^qwen2\.5(?!.*(max|plus|turbo)).*?[-:](0\.5|1\.5|7|14|32)b", "Qwen2.5", "allowed", _APACHE,
         f"{_HUB}Qwen/Qwen2.5-7B-Instruct"),
    Line(r"^(mistral-7b|mistral:7b|mixtral|(open-)?mistral-nemo|mistral-small-(24b-|3\.\d-24b-))", "Mistral, Apache",
         "allowed", _APACHE,
         f"{_HUB}mistralai/Mistral-7B-Instruct-v0.3"),
    Line(r"^(mistral-large-instruct-24|ministral-8b-instruct-2410|mistral-small-instruct-2409|pixtral-large-instruct)",
         "Mistral, research licence", "non-commercial", "The Mistral research licence is for research and non-commercial use.",
         "https://mistral.ai/static/licenses/MRL-0.1.md"),
    Line(r"^phi-?(3|4)(?!\d)", "Phi 3 and 4", "allowed", _MIT, f"{_HUB}microsoft/phi-4"),
    Line(r"^smollm", "SmolLM", "allowed", _APACHE, f"{_HUB}HuggingFaceTB/SmolLM2-1.7B-Instruct"),
    Line(r"^olmo", "OLMo", "allowed", _APACHE, f"{_HUB}allenai/OLMo-2-1124-7B-Instruct"),
    Line(r"^granite-?[34](?!\d)", "Granite 3 and 4", "allowed", _APACHE, f"{_HUB}ibm-granite/granite-3.3-8b-instruct"),
    Line(r"^tinyllama", "TinyLlama", "allowed", _APACHE, f"{_HUB}TinyLlama/TinyLlama-1.1B-Chat-v1.0"),
    Line(r"^(c4ai-command|c4ai-aya|command-r|aya-(23|expanse|101))", "Cohere weights", "non-commercial",
         "The weights are under CC-BY-NC-4.0 with an acceptable use addendum.", f"{_HUB}CohereLabs/c4ai-command-r-plus"),
)  # fmt: skip
"""By the name of the model; the first that fits holds."""
