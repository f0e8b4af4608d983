"""What a candidate forgot, from the measurement beside its run to the two numbers that a gate looks at."""

from __future__ import annotations

from statistics import fmean

from ..evalsets.touches import candidate_digest
from ..runs.results import Run
from ..stats.noninferiority import noninferior
from .evidence import Forgotten
from .forgetting import read_forgetting
from .general import suite_digest


def read_forgotten(run: Run) -> Forgotten | None:
    """Return what the candidate of a run lost, ``None`` where nobody measured it: not this model, or not by this suite.

    Both are paired: the same items, the same paragraphs; the ends are one-sided, at 95%. Where a model can't say how likely it
    finds a text, as those behind a server, the nats are ``None``.

    Raises:
        DataError: the file is damaged.
    """
    found = read_forgetting(run.folder)
    identity = (run.manifest.get("model") or {}).get("identity") or {}
    if found is None or (found.candidate_digest, found.suite) != (candidate_digest(identity), suite_digest()):
        return None
    base, candidate = found.item_pairs()
    if not base:
        return None
    items = noninferior(base, candidate, margin=1.0)
    if not found.texts:
        return Forgotten(fmean(base), -items.gain, -items.low, None, None)
    one, other = found.text_pairs()
    nats = noninferior([-value for value in one], [-value for value in other], margin=1.0, bounded=False)
    return Forgotten(fmean(base), -items.gain, -items.low, -nats.gain, -nats.low)
