"""Vectors kept on disk by content hash and model, so that added rows cost only their own encoding.

A folder a model, in it immutable files that each hold some thousand vectors. A file's name is the digest of its bytes, so one
that is damaged or cut off is known as such: it is removed, and its texts are encoded again. Files are written whole or not at
all; two processes may add at once. The folder may be deleted at any time.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .. import disk

_MAGIC = b"vetset vectors 1\n"  # the number is the version: files of another are passed over
_HEAD = struct.Struct("<II")  # vectors, axes
_MANY = 32  # files, after which they are made one
_SMALL = 64 << 20  # bytes of those that are: a million vectors would take four times their 0.8 GB each time
Keys = npt.NDArray[np.uint64]
Halves = npt.NDArray[np.float16]


def text_keys(texts: list[str]) -> Keys:
    """Return (n, 2) u64: 128 bits of BLAKE2 of each text."""
    joined = b"".join(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts)
    return np.frombuffer(joined, "<u8").reshape(-1, 2)


def load(folder: Path, fingerprint: str, keys: Keys) -> tuple[npt.NDArray[np.bool_], Halves]:
    """Return which of the keys are known, and their vectors (zeros where not), as (n) bool and (n, d) float16; d is 0 for none.

    Args:
        folder: where vectors are kept; may be missing.
        fingerprint: of the model.
        keys: (n, 2) ``text_keys``.
    """
    known = np.zeros(len(keys), bool)
    vectors = np.zeros((len(keys), 0), np.float16)
    order = np.lexsort((keys[:, 1], keys[:, 0]))
    wanted = _sortable(keys[order])
    for there, values in _files(folder / _name(fingerprint)):
        if vectors.shape[1] == 0:
            vectors = np.zeros((len(keys), values.shape[1]), np.float16)
        if values.shape[1] != vectors.shape[1]:  # a model has one width: this is another's work under its name
            continue
        at = np.minimum(np.searchsorted(wanted, _sortable(there)), max(len(keys) - 1, 0))
        hit = np.flatnonzero(wanted[at] == _sortable(there)) if len(keys) else np.zeros(0, np.int64)
        vectors[order[at[hit]]] = values[hit]
        known[order[at[hit]]] = True
    return known, vectors


def add(folder: Path, fingerprint: str, keys: Keys, vectors: Halves) -> bool:
    """Keep vectors; returns whether they could be written (a folder may be another user's).

    Args:
        folder: made where it is missing.
        fingerprint: of the model.
        keys: (n, 2) ``text_keys``, distinct.
        vectors: (n, d).
    """
    own = folder / _name(fingerprint)
    try:
        own.mkdir(parents=True, exist_ok=True)
        _write(own, keys, vectors)
        names = [path for path in sorted(own.glob("*.vectors")) if path.stat().st_size < _SMALL]
        if len(names) > _MANY:
            _merge(own, names)
    except OSError:
        return False
    return True


def _write(own: Path, keys: Keys, vectors: Halves) -> Path:
    whole = b"".join(
        [_MAGIC, _HEAD.pack(*vectors.shape), keys.astype("<u8").tobytes(), vectors.astype("<f2").tobytes()]
    )
    path = own / f"{blake2b(whole, digest_size=16).hexdigest()}.vectors"
    if not path.exists():
        disk.write_whole(path, lambda beside: beside.write_bytes(whole))
    return path


def _merge(own: Path, names: list[Path]) -> None:
    """Make one file of many; a kill in between leaves some vectors twice, which changes nothing."""
    parts = list(_files(own, names))
    width = parts[0][1].shape[1] if parts else 0
    parts = [part for part in parts if part[1].shape[1] == width]
    if not parts:
        return
    keys, first = np.unique(np.concatenate([keys for keys, _ in parts]), axis=0, return_index=True)
    merged = _write(own, keys, np.concatenate([vectors for _, vectors in parts])[first])
    for name in names:
        if name != merged:
            name.unlink(missing_ok=True)


def _files(own: Path, names: list[Path] | None = None) -> Iterator[tuple[Keys, Halves]]:
    """Yield what the sound files hold, all or those named; damaged ones are removed where that is allowed."""
    if own.is_dir() and disk.writable(own):
        disk.recover(own)  # sweeps what killed writers have left
    for path in sorted(own.glob("*.vectors")) if names is None else names:
        try:
            whole = path.read_bytes()
        except OSError:  # merged by another process just now
            continue
        sound = blake2b(whole, digest_size=16).hexdigest() == path.stem
        content = _content(whole) if sound else None
        if content is not None:
            yield content
        elif not sound and disk.writable(own):  # a sound one is of another version, and not ours to remove
            path.unlink(missing_ok=True)


def _content(whole: bytes) -> tuple[Keys, Halves] | None:
    start = len(_MAGIC) + _HEAD.size
    if len(whole) < start or not whole.startswith(_MAGIC):
        return None
    count, width = _HEAD.unpack_from(whole, len(_MAGIC))
    if len(whole) != start + count * (16 + 2 * width):
        return None
    vectors = np.frombuffer(whole, "<f2", offset=start + 16 * count).reshape(count, width)
    return np.frombuffer(whole, "<u8", 2 * count, start).reshape(count, 2), vectors


def _sortable(keys: Keys) -> npt.NDArray[np.void]:
    """Return (n) values that sort by both halves of the key."""
    return np.ascontiguousarray(keys).view([("high", "<u8"), ("low", "<u8")]).reshape(-1)


def _name(fingerprint: str) -> str:
    return blake2b(fingerprint.encode(), digest_size=10).hexdigest()
