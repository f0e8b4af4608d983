"""The eval files that a set was held against, as its manifest has them."""

from __future__ import annotations

import os
from pathlib import Path

from .dataset import Dataset
from .errors import UsageError


def known_against(dataset: Dataset) -> list[str]:
    """Return the eval files of the last check that looked for leaks: as they were named, or as they lie from the set.

    Raises:
        UsageError: one of them is gone.
    """
    named = dataset.manifest.get("against", [])
    ways = dataset.manifest.get("against_from_set", [None] * len(named))
    here = dataset.folder.resolve()
    found = []
    for path, way in zip(named, ways, strict=True):
        # What lies beside the set goes before what has that name in the folder that we happen to be in.
        place = None if way is None else Path(os.path.normpath(here / way))
        if place is not None and place.exists():
            found.append(path if Path(path).exists() and place.samefile(path) else str(place))
        elif Path(path).exists():
            found.append(path)
        else:
            raise UsageError(
                f"{path}, which {dataset.folder} was checked against, is not there; put it back, or check with "
                "--against another file, or with --against none."
            )
    return found
