"""Who turns texts into vectors: a sentence-transformers model that is on this machine, or TF-IDF where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..errors import MissingExtra, UsageError, quote

DEFAULT = "sentence-transformers/all-MiniLM-L6-v2"  # 22M parameters, 90 MB: the smallest that finds rephrased questions
TFIDF = "tfidf"
"""The name under which the fallback can be asked for."""

_EXTRA = "pip install 'vetset[embed]'"
_UNNEEDED = ["onnx/*", "openvino/*", "*.h5", "*.ot", "*.msgpack"]  # the same weights for other frameworks


class Encoder(Protocol):
    """Anything that turns n texts into (n, d) float32, row by row; a row of zeros says that a text can't be read.

    Three attributes are looked for and may be missing: ``fingerprint`` (str: which model this is to the last weight; without it
    no vector is kept on disk), ``batch`` (int: texts a call; without it all come in one call, as TF-IDF needs it) and ``reach``
    (int: bytes of UTF-8 that are surely read; what stands after them may be cut off).
    """

    def __call__(self, texts: list[str], /) -> npt.NDArray[np.float32]:
        """Return one vector a text."""
        ...


@dataclass(frozen=True)
class Found:
    """An encoder, and what there is to say of the choice."""

    encoder: Encoder
    name: str
    note: str | None
    """One or two sentences to show once, where this is not the encoder that one would wish for."""


def find_encoder(name: str | None = None, *, download: bool = False, device: str | None = None) -> Found:
    """Return the encoder of that name; nothing is fetched from a network unless ``download`` says so.

    Args:
        name: a folder with a sentence-transformers model, a name on the Hugging Face hub, ``tfidf``; or ``None`` for the default
            model where it is on this machine, and TF-IDF with a note where it is not.
        download: a model that is not on this machine may be fetched from the hub.
        device: as torch calls it; the best there is for ``None``.

    Raises:
        MissingExtra: a model is named, and sentence-transformers is not installed.
        UsageError: there is no such folder, or the model is not on this machine and may not be fetched.
    """
    if name == TFIDF:
        return Found(_tfidf(), TFIDF, f"TF-IDF and SVD compare words and not meanings: {_LOST}.")
    wanted = name or DEFAULT
    if find_spec("sentence_transformers") is None:
        if name is not None or download:
            raise MissingExtra(f"an encoder such as {quote(wanted)} needs sentence-transformers; run {_EXTRA}.")
        return _fallback(f"sentence-transformers is not installed ({_EXTRA})")
    folder = _folder(wanted, download=download)
    if folder is None and name is None:
        return _fallback(f"{_what_is_fetched(wanted)}; `--encoder {wanted} --download` fetches it")
    if folder is None:
        raise UsageError(
            f"{_what_is_fetched(wanted)}; add --download to fetch it, or give a folder that holds a model."
        )
    from .sentence_model import SentenceModel

    return Found(SentenceModel(folder, name=wanted, device=device), wanted, None)


_LOST = "texts that say the same in other words are mostly missed, only shared words and word parts count"


def _tfidf() -> Encoder:
    from .tfidf import tfidf_vectors

    return tfidf_vectors


def _fallback(why: str) -> Found:
    return Found(_tfidf(), TFIDF, f"Meaning is compared by TF-IDF and SVD, since {why}. What is lost: {_LOST}.")


def _what_is_fetched(name: str) -> str:
    size = "about 90 MB" if name == DEFAULT else "its weights"
    return f"{quote(name)} is not on this machine and would be fetched from https://huggingface.co/{quote(name)[1:-1]} ({size})"


def _folder(name: str, *, download: bool) -> Path | None:
    """Return where the model's files stand; ``None`` where they would have to be fetched first."""
    if (Path(name) / "config.json").is_file() or (Path(name) / "modules.json").is_file():
        return Path(name)
    if Path(name).exists() or name.count("/") > 1 or name.startswith((".", "/", "~")):
        raise UsageError(
            f"{quote(name)} is no folder with a model (it needs a modules.json or config.json); check the path."
        )
    import huggingface_hub

    try:
        known = huggingface_hub.try_to_load_from_cache(name, "config.json")
        if isinstance(known, str):
            return Path(known).parent
        if not download:
            return None
        return Path(huggingface_hub.snapshot_download(name, ignore_patterns=_UNNEEDED))
    except huggingface_hub.errors.HFValidationError as error:
        raise UsageError(f"{quote(name)} is neither a folder nor a name on the hub, which is OWNER/MODEL.") from error
    except Exception as error:  # each release of huggingface_hub brings another HTTP library with errors of its own
        raise UsageError(
            f"{quote(name)} could not be fetched from the Hugging Face hub ({type(error).__name__}); check the name and the "
            "network, or give a folder that holds a model."
        ) from error
