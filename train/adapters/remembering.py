"""What each of several adapters made the base forget, and one against another, over one loaded base."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from ...curate.errors import UsageError
from ...evaluate.models.local import open_local
from ...evaluate.stats.noninferiority import noninferior
from ...evaluate.verdicts.budgets import Budgets
from ...evaluate.verdicts.forgetting import Forgetting, measure_forgetting
from ...evaluate.verdicts.gates import FLOOR
from ..trl_face import quietly
from .library import Adapter, base_folder
from .lineage import Base


@dataclass(frozen=True)
class Loss:
    """What ``after`` has forgotten of what ``before`` could; ends of one-sided 95% intervals."""

    before: str
    after: str
    right: tuple[float, float]
    """Share of the general items that each gets right."""
    items: float
    items_at_most: float
    nats: float
    """Nats a token of general text, after less before."""
    nats_at_most: float
    holds: bool
    """Both ends are within the budgets of the verdict, and ``before`` gets enough right for a loss to be seen."""

    def summary(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def forgotten_by(
    adapters: Sequence[Adapter], *, base: str | None = None, device: str | None = None, journal: str | Path | None = None,
    told: Callable[[str], None] | None = None,
) -> list[Loss]:  # fmt: skip
    """Measure each adapter against the base, and every other one against the first.

    Args:
        adapters: of one base.
        base: folder or hub name of it, where it is not the one that the first names.
        device: as torch calls it.
        journal: that keeps answers.
        told: is given a sentence before each step.

    Raises:
        UsageError: there is none, or the base is not here.
        DataError: an adapter does not fit, or changes nothing.
    """
    if not adapters:
        raise UsageError("there is no adapter to look at; name one or more.")
    first = adapters[0]
    folder = base or base_folder(first.folder, first.lineage.base if first.lineage else Base(name=first.base))
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # see merging
    found: list[Forgetting] = []
    with quietly():
        plain = open_local(folder, device=device)
        for adapter in adapters:
            view = plain.with_adapter(adapter.folder)
            earlier = found[-1] if found else None
            found.append(
                measure_forgetting(plain.with_adapter(None), view, earlier=earlier, journal=journal, told=told)
            )
    names = [adapter.name for adapter in adapters]
    against = [_loss(plain.name, name, *_sides(one, one)) for name, one in zip(names, found, strict=True)]
    others = zip(names[1:], found[1:], strict=True)
    return against + [_loss(names[0], name, *_sides(found[0], one, base=False)) for name, one in others]


def _sides(
    one: Forgetting, other: Forgetting, *, base: bool = True
) -> tuple[list[float], list[float], list[float], list[float]]:
    side = 0 if base else 1
    return one.item_pairs()[side], other.item_pairs()[1], one.text_pairs()[side], other.text_pairs()[1]


def _loss(
    before: str, after: str, items: list[float], items_after: list[float], nats: list[float], nats_after: list[float]
) -> Loss:
    budgets = Budgets()
    right = noninferior(items, items_after, margin=budgets.forgetting)
    text = noninferior([-one for one in nats], [-one for one in nats_after], margin=budgets.perplexity, bounded=False)
    seen = fmean(items) >= FLOOR  # what is not there can't be lost
    holds = seen and -right.low <= budgets.forgetting and -text.low <= budgets.perplexity
    pair = fmean(items), fmean(items_after)
    return Loss(before, after, pair, -right.gain, -right.low, -text.gain, -text.low, holds)
