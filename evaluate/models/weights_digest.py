"""Which weights these are: a digest of a model's folder that changes when they do, wherever the folder stands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from ...curate.errors import DataError, quote

WHOLE = 2 << 30
"""Bytes up to which every byte is read: 1 to 2 s of SHA-256. A model of 16 GB would take longer to digest than to load."""

_BLOCK = 4096  # bytes: what a disk reads at once
_BLOCKS = 16  # of a larger tensor: a training step moves nearly all of it, so that one block would tell
_TOKENIZER = (
    "tokenizer.json", "tokenizer.model", "vocab.json", "merges.txt", "special_tokens_map.json", "added_tokens.json",
)  # fmt: skip
_SETTINGS = "tokenizer_config.json"  # add_bos_token, truncation_side and others change the tokens of a text
_APART = ("chat_template", "name_or_path", "special_tokens_map_file", "tokenizer_file")
"""The template is in the identity by itself, the others say where files stood when they were saved."""


def weights_digest(folder: Path, *, whole: int = WHOLE) -> str:
    """Return the digest of all ``*.safetensors`` of a folder and of the configuration that says how they are used.

    Up to ``whole`` bytes it is the SHA-256 of everything. Above, of each file's size and header (names, types, shapes) and of 16
    blocks of 4 KiB spread over every tensor, small tensors whole: any training is seen, and any conversion, merge or exchange of
    tensors; an edit of a few single numbers in a large matrix may not be.

    Raises:
        DataError: there are no such files, or one is no safetensors file.

    Returns:
        ``sha256:`` or ``sampled:``, and 24 hex digits.
    """
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise DataError(
            f"{quote(folder)} holds no *.safetensors; save the model again with save_pretrained(): pickled weights are not read."
        )
    sampled = sum(path.stat().st_size for path in files) > whole
    digest = sha256()
    for path in [*sorted(folder.glob("*config.json")), *files]:
        if path.name in ("generation_config.json", "tokenizer_config.json"):
            continue  # what of them counts is in the identity by itself
        digest.update(f"{path.name}\n{path.stat().st_size}\n".encode())
        if sampled and path.suffix == ".safetensors":
            for block in _sample(path):
                digest.update(block)
        else:
            with path.open("rb") as file:
                digest.update(file_digest(file, "sha256").digest())
    return f"{'sampled' if sampled else 'sha256'}:{digest.hexdigest()[:24]}"


def tokenizer_digest(folder: Path) -> str:
    """Return the SHA-256 of the files that say how a text becomes tokens, 24 hex digits."""
    digest = sha256()
    for path in (folder / name for name in _TOKENIZER):
        if path.is_file():
            digest.update(f"{path.name}\n".encode() + path.read_bytes())
    if (folder / _SETTINGS).is_file():
        digest.update(f"{_SETTINGS}\n".encode() + _settings((folder / _SETTINGS).read_bytes()))
    return digest.hexdigest()[:24]


def _settings(data: bytes) -> bytes:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):  # loading will say so
        return data
    if isinstance(found, dict):
        found = {name: value for name, value in found.items() if name not in _APART}
    return json.dumps(found, sort_keys=True).encode()


def tensor_names(path: Path) -> dict[str, Any]:
    """Return what a safetensors file says of its tensors: name to ``dtype, shape, data_offsets``.

    Raises:
        DataError: it is no safetensors file.
    """
    return _header(path)[1]


def _header(path: Path) -> tuple[int, dict[str, Any]]:
    """Where the tensors begin, and the header: its length in 8 bytes, little-endian, and so much JSON."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > path.stat().st_size:
                raise ValueError
            found = json.loads(file.read(length))
        found = {name: said for name, said in found.items() if name != "__metadata__"}
    except (OSError, ValueError, AttributeError) as error:
        raise DataError(f"{quote(path)} is no safetensors file, or is cut off; fetch or save it again.") from error
    return 8 + length, found


def _sample(path: Path) -> Iterator[bytes]:
    begin, tensors = _header(path)
    yield json.dumps(tensors, sort_keys=True).encode()
    with path.open("rb") as file:
        for _, said in sorted(tensors.items()):
            first, end = said["data_offsets"]
            size = end - first
            if size <= _BLOCK * _BLOCKS:
                file.seek(begin + first)
                yield file.read(size)
                continue
            for place in range(_BLOCKS):
                file.seek(begin + first + (size - _BLOCK) * place // (_BLOCKS - 1))
                yield file.read(_BLOCK)
