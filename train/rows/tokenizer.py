"""A model's tokenizer as transformers would load it, read without transformers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...curate.errors import DataError, MissingExtra, quote

try:
    from tokenizers import AddedToken, Tokenizer
except ImportError as error:
    raise MissingExtra("rendering needs jinja2 and tokenizers; run pip install 'vetset[plan]'.") from error

_NAMED = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


@dataclass(frozen=True)
class Read:
    """What a folder says of its tokenizer."""

    tokenizer: Tokenizer
    """Its tokens' places are those of the text, spaces included; nothing is set around a text."""
    special: dict[str, str]
    """Texts of ``bos_token``, ``eos_token``, ``pad_token`` ...; only those that there are."""
    frame: tuple[list[int], list[int]]
    """Tokens that stand before and after a text that is no conversation."""
    settings: dict[str, Any]
    """``tokenizer_config.json``."""


def read_tokenizer(folder: Path) -> Read:
    """Read a tokenizer.

    Args:
        folder: with ``tokenizer.json`` and ``tokenizer_config.json``.

    Raises:
        DataError: one of them is missing or damaged.
    """
    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # tokenizers raises nothing narrower
        raise DataError(
            f"{folder} holds no tokenizer.json that can be read ({quote(error, 80)}); save it anew with transformers: "
            "AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)."
        ) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    try:
        settings = _settings(folder)
        special = {name: text for name in _NAMED if (text := _text(settings.get(name)))}
        _add(tokenizer, _missing(tokenizer, settings, special))
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{folder / 'tokenizer_config.json'} is damaged ({quote(error, 80)}); save it anew.") from error
    frame = _frame(tokenizer)
    tokenizer.post_processor = None  # pyright: ignore[reportAttributeAccessIssue] - it trims spaces off the places
    return Read(tokenizer, special, frame, settings)


def _settings(folder: Path) -> dict[str, Any]:
    """What older transformers wrote beside the file counts where it tells of no added tokens."""
    found: dict[str, Any] = {}
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        if (folder / name).is_file() and "added_tokens_decoder" not in found:
            found.update(json.loads((folder / name).read_text(encoding="utf-8")))
    return found


def _text(told: Any) -> str | None:
    """A special token stands as its text, or as an object that holds it."""
    text = told.get("content") if isinstance(told, dict) else told
    return text if isinstance(text, str) and text else None


def _missing(tokenizer: Tokenizer, settings: dict[str, Any], special: dict[str, str]) -> list[AddedToken]:
    """Tokens that the settings name and ``tokenizer.json`` does not add."""
    told = sorted((settings.get("added_tokens_decoder") or {}).items(), key=lambda pair: int(pair[0]))
    more = settings.get("extra_special_tokens") or settings.get("additional_special_tokens") or []
    named = [*special.values(), *filter(None, map(_text, more.values() if isinstance(more, dict) else more))]
    tokens = [AddedToken(**one) for _, one in told] + [AddedToken(text, special=True) for text in named]
    known = {one.content for one in tokenizer.get_added_tokens_decoder().values()}
    return [one for one in {one.content: one for one in reversed(tokens)}.values() if one.content not in known][::-1]


def _add(tokenizer: Tokenizer, tokens: Iterable[AddedToken]) -> None:
    for one in tokens:
        tokenizer.add_special_tokens([one]) if one.special else tokenizer.add_tokens([one])


def _frame(tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    """What the tokenizer sets around a text, such as the token that begins one."""
    whole, inner = (tokenizer.encode("a", add_special_tokens=wanted).ids for wanted in (True, False))
    begins = next((at for at in range(len(whole)) if whole[at : at + len(inner)] == inner), 0)
    return whole[:begins], whole[begins + len(inner) :]
