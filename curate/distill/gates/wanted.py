"""What a recipe asks of the gates: what becomes of a row that fails one, and the few numbers that may be turned."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, Literal

from ...errors import MissingExtra, UsageError, quote
from ...near.shingles import Shingle

try:
    from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
except ImportError as error:
    raise MissingExtra("a recipe is read with pydantic; run pip install 'vetset[distill]'.") from error


class Gate(BaseModel):
    """One gate; a bare word stands for its action."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: Literal["reject", "review", "off"] = "reject"

    @model_validator(mode="before")
    @classmethod
    def _worded(cls, value: Any) -> Any:
        return {"action": value} if isinstance(value, str) else value


class Copies(Gate):
    """A row that says what another says."""

    threshold: float = Field(
        0.8, ge=0.3, le=1, description="least Jaccard index of runs of words that two near rows share"
    )
    shingle: str = Field("word5", description="what is compared, such as word5 or char5")
    contained: bool = Field(True, description="a text inside of another, too")
    cosine: float | None = Field(
        None,
        gt=0,
        le=1,
        description="of the same meaning, with an encoder; by the real rows' own closeness if not said",
    )

    @field_validator("shingle")
    @classmethod
    def _named(cls, value: str) -> str:
        try:
            return str(Shingle.named(value))
        except UsageError as error:
            raise ValueError(str(error).removeprefix("--").rstrip(".")) from error


class EvalSet(Gate):
    """A row that comes close to one that a model is evaluated on. Always looks."""

    action: Literal["reject", "review"] = "reject"  # pyright: ignore[reportIncompatibleVariableOverride]

    @field_validator("action", mode="before")
    @classmethod
    def _on(cls, value: Any) -> Any:
        if value == "off":
            raise ValueError("can't be off: a row that comes close to an eval row makes every later score worthless")
        return value


class Verify(Gate):
    """Verifiers of the recipe's ``verify``."""

    least: float = Field(1.0, gt=0, le=1, description="score that passes")


class Rules(Gate):
    """Rules of `vetset check`, over made and real rows together."""

    action: Literal["reject", "review", "off"] = "review"
    names: list[str] = Field([], description="rules or families, as `vetset check --select` takes them")

    @model_validator(mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return {"names": value} if isinstance(value, list) else value

    @field_validator("names")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        from ...rules import (  # they take half a second to import, and few recipes name one
            RULES,
            named_rules,
            out_of_reach,
        )

        for name in value:
            try:
                chosen = named_rules([name])
            except UsageError as error:
                near = get_close_matches(name, list(RULES), n=1, cutoff=0.6)
                hint = f"did you mean {near[0]}?" if near else "`vetset rule` lists all"
                raise ValueError(f"there is no rule {quote(name, 40)}; {hint}") from error
            if name in RULES and out_of_reach(name):
                raise ValueError(f"{name} needs numba, which can't be imported here; run: pip install numba")
            if whole := [one for one in chosen if one.split(".")[0] in ("leakage", "splits")]:
                raise ValueError(f"{whole[0]} looks at the sides of a split; the gate evalset does that here")
        return value


class Judging(Gate):
    """The recipe's ``judge``."""

    least: float = Field(0.5, ge=0, le=1, description="mean of the votes that passes, from 0 to 1")
    apart: float = Field(0.5, gt=0, le=1, description="votes that lie further apart than this send a row to review")


class LabelModel(Gate):
    """What the real rows say of a made row's label, by the model of the audit."""

    reject_odds: float = Field(
        200.0, gt=1, description="how much likelier another label has to be, for a row to be rejected"
    )
    review_odds: float = Field(20.0, gt=1, description="the same, for a row to be looked at")

    @model_validator(mode="after")
    def _ordered(self) -> LabelModel:
        if self.review_odds > self.reject_odds:
            raise ValueError("review_odds is over reject_odds; a row that is rejected would never be looked at")
        return self


class LabelVotes(Gate):
    """What the teacher says of a made row's label when it is not told which one was meant."""

    votes: int = Field(0, ge=0, le=25, description="times that it is asked; each is a call")
    agree: float = Field(0.5, gt=0, le=1, description="share of the votes that the intended label needs")


class Gates(BaseModel):
    """The recipe's ``[gates]``: every gate, in the order in which they look."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    length: Gate = Gate()
    leftovers: Gate = Gate()
    truncated: Gate = Gate()
    personal: Gate = Gate()
    duplicates: Copies = Copies.model_validate({})
    evalset: EvalSet = EvalSet.model_validate({})
    verify: Verify = Verify.model_validate({})
    rules: Rules = Rules.model_validate({})
    judge: Judging = Judging.model_validate({})
    label_model: LabelModel = LabelModel.model_validate({})
    label_votes: LabelVotes = LabelVotes.model_validate({})


TABLES: dict[str, type[BaseModel]] = {
    name: kind for name, field in Gates.model_fields.items() if isinstance(kind := field.annotation, type)
}
"""Gate to what its table may hold, for who says which key was meant."""
