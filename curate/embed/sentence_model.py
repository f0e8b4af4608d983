"""A sentence-transformers model in a folder: read when the first text comes that no cache knows."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import MissingExtra, UsageError, quote

_BATCH = {"cpu": 64, "cuda": 256}  # texts a forward pass; short ones go half as fast at 16, longer ones are as fast
_BYTES_A_TOKEN = (
    3  # English has 4 to 5 bytes a word piece, CJK 3: what is shorter than this times the limit is read whole
)
_NO_LIMIT = 1_000_000  # tokens: tokenizers without a limit write 10^30


@dataclass
class SentenceModel:
    """An ``Encoder`` (see ``encoder``) with a fingerprint of its weights.

    Texts of which the vocabulary knows less than half get a vector of zeros: to a model that was not trained on them all emoji,
    or all words of a script, are one and the same token, and their vectors would be equal.
    """

    folder: Path
    name: str
    device: str | None = None
    batch: int = 128
    """Texts a call: after each, progress is told."""
    _model: Any = field(default=None, repr=False)
    _threads: int = field(default=1, repr=False)

    @cached_property
    def fingerprint(self) -> str:
        """A digest of every file that says what the vectors are, wherever the folder stands: 90 MB take 0.2 s."""
        digest = blake2b(digest_size=12)
        wanted = (".json", ".txt", ".model", ".safetensors", ".bin")
        for path in sorted(self.folder.rglob("*")):
            if path.suffix in wanted and path.parts[len(self.folder.parts)] not in ("onnx", "openvino"):
                digest.update(f"{path.relative_to(self.folder)}\n{path.stat().st_size}\n".encode())
                with path.open("rb") as file:
                    while block := file.read(1 << 20):
                        digest.update(block)
        return f"sentence-transformers {digest.hexdigest()}"

    @cached_property
    def reach(self) -> int | None:
        """How many bytes of a text are surely read: models cut off what is longer than their limit of tokens.

        Where the folder has no limit of sentence-transformers' own, that is the lower of the tokenizer's and the model's.
        """
        own = self._said("sentence_bert_config.json", "max_seq_length")
        limits = [own] if own else [
            self._said("tokenizer_config.json", "model_max_length"), self._said("config.json", "max_position_embeddings")
        ]  # fmt: skip
        return min((_BYTES_A_TOKEN * limit for limit in limits if limit), default=None)

    def _said(self, name: str, key: str) -> int | None:
        """A number of tokens in a file of the folder."""
        try:
            value = json.loads((self.folder / name).read_text("utf-8")).get(key)
        except (OSError, ValueError, AttributeError):
            return None
        return value if isinstance(value, int) and 0 < value < _NO_LIMIT else None

    def __call__(self, texts: list[str], /) -> npt.NDArray[np.float32]:
        """Return (n, d) vectors of length 1, or of zeros where the vocabulary knows too little of a text.

        Raises:
            MissingExtra: sentence-transformers is not installed.
            UsageError: the folder holds no model that it can read.
        """
        if self._model is None:
            self._model = _loaded(self.folder, self.device)
            self._threads = _free_threads()
        size = _BATCH["cpu" if self._model.device.type == "cpu" else "cuda"]
        with _limited(self._threads):
            vectors = self._model.encode(texts, batch_size=size, show_progress_bar=False, normalize_embeddings=True)
        vectors = np.asarray(vectors, np.float32)
        vectors[_unknown(self._model.tokenizer, texts)] = 0.0
        return vectors


def _loaded(folder: Path, device: str | None) -> Any:
    try:
        from sentence_transformers import SentenceTransformer  # pyright: ignore[reportMissingImports]
        from transformers.utils import logging  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingExtra("sentence-transformers can't be imported; run pip install 'vetset[embed]'.") from error
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # "Loading weights" would be written over the caller's own lines
    try:
        # Never code from a model's folder: what is looked at here is data, and the model is given by name only.
        return SentenceTransformer(str(folder), device=device, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # a damaged folder fails in as many ways as there are kinds of modules
        raise UsageError(
            f"{quote(folder)} can't be loaded as a sentence-transformers model ({type(error).__name__}); give another model."
        ) from error
    finally:
        if shown:
            logging.enable_progress_bar()


def _free_threads() -> int:
    """Return how many threads have a core of their own: two that share one wait for each other at every layer.

    On two cores with three other processes one thread encoded 2.3 to 3 times as many texts a second as two did.
    """
    import torch  # pyright: ignore[reportMissingImports]

    most = torch.get_num_threads()
    return min(most, max(1, most - round(os.getloadavg()[0])))


@contextmanager
def _limited(threads: int) -> Iterator[None]:
    import torch  # pyright: ignore[reportMissingImports]

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _unknown(tokenizer: Any, texts: list[str]) -> npt.NDArray[np.bool_]:
    unknown = getattr(tokenizer, "unk_token_id", None)
    if unknown is None:  # bytes are its tokens: there is none that it does not know
        return np.zeros(len(texts), bool)
    listed = tokenizer(texts, add_special_tokens=False, truncation=True)["input_ids"]
    return np.array([not ids or 2 * ids.count(unknown) > len(ids) for ids in listed], bool)
