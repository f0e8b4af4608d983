"""What a candidate has to keep to be shipped: the numbers of a verdict, each with the reason of its default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ...curate.errors import UsageError, quote
from ..evalsets.touches import MOST_LOOKS


@dataclass(frozen=True, kw_only=True)
class Budgets:
    """The numbers that gates hold a candidate against."""

    margin: float = 0.05
    """Least gain, absolute. Less is seldom worth a model of one's own: it has to be kept, served and trained again."""
    confidence: float = 0.95
    """Of the two-sided interval whose lower end must lie above 0: one in forty candidates without a gain passes."""
    slice_alpha: float = 0.05
    """Chance that any slice is called worse though none is, over all slices."""
    forgetting: float = 0.10
    """Most that the general items may lose, absolute, by the upper end of the one-sided 95% interval of the loss: with a hundred
    items of which one in ten flips, less than half of that can't be told from none."""
    perplexity: float = 0.10
    """Most that general text may cost more, in nats a token, by the same: a tenth is what a seed or a mix of data moves."""
    unparsed: float = 0.02
    """Most answers that nothing can be read from, or that are cut off, as a share; or the baseline's share, if that is more."""
    refused: float = 0.02
    """Most answers that decline, as a share; or the baseline's share, if that is more."""
    seconds: float | None = None
    """Most seconds of the slowest 5% of answers (p95); not looked at unless said: what is fast enough is a product's question."""
    cost: float | None = None
    """Most cost an answer, in the currency of the price file; not looked at unless said."""
    rows: int = 500
    """Least rows of training data: below, a prompt with examples is nearly always the better way."""
    looks: int = MOST_LOOKS
    """Most candidates that one ship part may be asked about; then it is spent, whatever the correction."""

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense."""
        for name, low, high in (
            ("margin", 0.0, 1.0), ("forgetting", 0.0, 1.0), ("unparsed", 0.0, 1.0), ("refused", 0.0, 1.0),
            ("confidence", 0.9, 0.9999), ("slice_alpha", 0.0001, 0.5),
        ):  # fmt: skip
            value = getattr(self, name)
            if not low <= value <= high:
                raise UsageError(f"the budget {name} is {quote(value, 20)}; give a share from {low} to {high}.")

    @classmethod
    def given(cls, told: Mapping[str, Any]) -> Budgets:
        """Return budgets with what was said in place of the defaults.

        Raises:
            UsageError: there is no such budget, or the number makes no sense.
        """
        known = [field.name for field in fields(cls)]
        for name, value in told.items():
            if name not in known:
                raise UsageError(f"{quote(name, 40)} is no budget; use {', '.join(known)}.")
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise UsageError(f"the budget {name} is {quote(value, 20)}; give a number.")
        return cls(**told)

    def laxer(self) -> str:
        """Return the budgets that let more through than the defaults do, as words."""
        usual = Budgets()
        strict = ("margin", "confidence", "slice_alpha", "rows")  # more is stricter
        changed = [
            f"{field.name} {getattr(self, field.name):g}"
            for field in fields(self)
            if field.name not in ("seconds", "cost") and getattr(self, field.name) != getattr(usual, field.name)
            and (getattr(self, field.name) < getattr(usual, field.name)) == (field.name in strict)
        ]  # fmt: skip
        return ", ".join(changed)

    def summary(self) -> dict[str, Any]:
        """Return the numbers as JSON values."""
        return dict(self.__dict__)
