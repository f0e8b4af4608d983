"""An adapter deleted, so that it can be had back, and so that nothing else goes with it."""

from __future__ import annotations

import datetime
import shutil
from pathlib import Path

from ...curate.errors import UsageError, VetsetError, quote
from ...evaluate.models.weights_digest import weights_digest
from ...evaluate.runs.training_data import LINEAGE
from .library import SETTINGS, TRASH, find_adapters

_OWN_FOLDERS = {"checkpoints", "runs", "logs", "tensorboard"}  # what training leaves, TensorBoard's included


def delete_adapter(folder: str | Path, *, for_good: bool = False) -> Path | None:
    """Move an adapter into ``.trash`` beside it and return where it is now, or delete it for good.

    Links are never followed: one in the place of the folder is refused; one inside goes, and what it leads to stays.

    Raises:
        UsageError: it is no adapter, holds what is none of an adapter's, or another adapter here was merged from it.
    """
    folder = Path(folder)
    if folder.is_symlink():
        raise UsageError(f"{folder} is a link; name the folder that it leads to.")
    folder = folder.resolve()  # "." has no name to be moved by
    if not any((folder / name).is_file() and not (folder / name).is_symlink() for name in (SETTINGS, LINEAGE)):
        raise UsageError(
            f"{folder} is no adapter: it holds neither {SETTINGS} nor {LINEAGE}; only adapters are deleted."
        )
    strange = [item.name for item in sorted(folder.iterdir()) if item.is_dir() and item.name not in _OWN_FOLDERS]
    if strange:
        raise UsageError(
            f"{folder} holds the folder {quote(strange[0])}, which is none of an adapter's; move that out first."
        )
    digest = _digest(folder)
    for other in find_adapters(folder.parent)[0]:
        parents = [one.digest for one in other.lineage.parents] if other.lineage else []
        if digest in parents and other.folder.resolve() != folder:
            raise UsageError(f"{other.folder} was merged from {folder}; delete that first, or keep both.")
    try:
        if for_good:
            shutil.rmtree(folder)
            return None
        trash = folder.parent / TRASH
        trash.mkdir(exist_ok=True)
        stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%S%f")
        return folder.rename(trash / f"{folder.name}-{stamp}")
    except OSError as error:
        raise UsageError(f"{folder} can't be deleted ({error.strerror}); look who may write there.") from error


def _digest(folder: Path) -> str | None:
    try:
        return weights_digest(folder)
    except VetsetError:  # a damaged one may go, too
        return None
