"""Libraries that look on a hub by themselves are imported where they can't."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator

OFFLINE = "HF_HUB_OFFLINE"


@contextlib.contextmanager
def offline() -> Iterator[None]:
    """Import within this what would fetch from the Hugging Face hub on the way.

    peft imports bitsandbytes, which on some processors asks the hub for faster kernels at import (0.50, where the package
    ``kernels`` is installed). huggingface-hub reads its variable when it is imported itself: to set it alone comes too late.

    >>> with offline():
    ...     os.environ["HF_HUB_OFFLINE"]
    '1'
    """
    from huggingface_hub import constants

    logger = logging.getLogger("bitsandbytes")  # tells that it fetched nothing
    kept = os.environ.get(OFFLINE), constants.HF_HUB_OFFLINE, logger.level
    os.environ[OFFLINE], constants.HF_HUB_OFFLINE = "1", True
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = kept[1]
        logger.setLevel(kept[2])
        if kept[0] is None:
            del os.environ[OFFLINE]
        else:
            os.environ[OFFLINE] = kept[0]
