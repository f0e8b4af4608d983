"""The recipe of a distillation: a TOML file that says which teacher makes what, of which rows, through which gates, for how much.

seeds = "tickets.vet"               # real rows, which the accepted ones are to join
accepted = 40                       # rows a cell that pass every gate
against = ["ship.evalset"]          # eval sets that no row may come close to, beside those that the set was checked against

[teacher]
model = "openai:qwen2.5-7b@http://localhost:8000/v1"

[plan]
kind = "labelled"
instruction = "A message that a customer sends to the support of a bank"

[plan.grid]                         # one cell for each combination
label = ["card_lost", "pin_blocked"]
tone = ["calm", "angry"]
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from ..calls import Parameters
from ..errors import DataError, MissingExtra, UsageError, quote
from ..recipe_faults import faults
from .gates.wanted import TABLES, Gates
from .kinds import KINDS
from .task import Form

try:
    from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
except ImportError as error:
    raise MissingExtra("a recipe is read with pydantic; run pip install 'vetset[distill]'.") from error


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


COUNTS = ("wanted", "accepted", "rejected", "review", "failed", "missing")
"""Columns of the grid's account, which no axis may be called."""

_RESERVED = {
    "max_tokens": "give teacher.max_tokens",
    "max_completion_tokens": "give teacher.max_tokens",
    "n": "leave it out: every draft is a call of its own",
    "best_of": "leave it out: every draft is a call of its own",
    "messages": "the plan writes them",
    "prompt": "the plan writes it",
    "model": "give teacher.model",
    "stream": "leave it out",
}
"""Fields of a call that ``teacher.extra`` may not set: a budget could be passed by them."""


class Terms(_Table):
    """What the user says of the teacher's terms, in place of what vetset knows."""

    training: Literal["allowed", "restricted", "forbidden"] = Field(description="of other models, on what it writes")
    source: str = Field(min_length=1, description="where that stands: an address, a contract")
    dated: date = Field(description="when it was looked up")


class Teacher(_Table):
    """Who writes."""

    model: str = Field(description="openai:MODEL@URL, a folder or hub name, recorded:FILE or canned:FILE")
    revision: str | None = Field(
        None, description="which weights, where the name does not say it; it stands in the lineage"
    )
    key_env: str | None = Field(None, description="environment variable that holds the API key")
    extra: dict[str, Any] = Field({}, description="further fields of every call to a server")
    temperature: float = Field(0.8, ge=0, le=2, description="0 writes the same again; 0.7 to 1 is usual for data")
    top_p: float | None = Field(
        None, gt=0, le=1, description="least probable tokens that are left out, as servers have it"
    )
    max_tokens: int = Field(512, ge=1, description="of a reply; what is cut off is rejected")
    seed: int | None = Field(None, description="of the draw of tokens, where the server takes one")
    form: Form = Field("json", description="plain for models that write no JSON")
    system: str | None = Field(None, description="a system turn of your own")
    concurrency: int = Field(64, ge=1, description="calls at once; a server that refuses lowers it")
    requests_per_minute: float | None = Field(None, gt=0, description="that the server allows")
    tokens_per_minute: float | None = Field(None, gt=0, description="of prompts and replies")
    same_as: list[str] = Field([], description="other addresses of the same weights, whose kept replies count, too")
    terms: Terms | None = None

    @field_validator("extra")
    @classmethod
    def _beside(cls, value: dict[str, Any]) -> dict[str, Any]:
        if taken := sorted(value.keys() & _RESERVED):
            raise ValueError(f"{taken[0]} decides what a call may cost, or what it asks; {_RESERVED[taken[0]]}")
        return value

    @property
    def parameters(self) -> Parameters:
        """What changes a reply."""
        return Parameters(temperature=self.temperature, top_p=self.top_p, max_tokens=self.max_tokens, seed=self.seed)


class Quota(BaseModel):
    """Cells that want another number of rows; besides ``accepted`` its keys are axes."""

    model_config = ConfigDict(extra="allow", frozen=True)

    accepted: int = Field(ge=0, strict=True)

    @property
    def cell(self) -> dict[str, str]:
        """The values that a cell has to have."""
        return {axis: str(value) for axis, value in (self.model_extra or {}).items()}


class Making(_Table):
    """What is made."""

    kind: str = Field(description="what is made: labelled, paraphrase, questions ...")
    instruction: str = Field("", description="what a row is, in your words")
    examples: int = Field(4, ge=0, description="real rows that the teacher is shown at once")
    attempts: float = Field(3.0, ge=1, description="drafts for each row that is wanted, at most")
    grid: dict[str, list[str]] = Field({}, description="values of each axis; label = ['*'] is every label of the set")
    about: dict[str, str] = Field({}, description="what a value means, by value")
    without: list[dict[str, str]] = Field([], description="combinations that are left out")
    quotas: list[Quota] = Field([], description="cells that want another number: {label = 'x', accepted = 10}")
    fill: int | None = Field(
        None, ge=1, description="in place of accepted: up to so many rows a label, real ones counted"
    )
    failures: str | None = Field(None, description="of edge_cases: the file of kinds of failure")
    options: dict[str, Any] = Field({}, description="of the kind")

    @field_validator("kind")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in KINDS:
            near = get_close_matches(value, list(KINDS), n=1)
            hint = f"did you mean {near[0]}?" if near else f"there is {', '.join(KINDS)}"
            raise ValueError(f"{quote(value)} is no kind of plan; {hint}")
        return value

    @field_validator("grid")
    @classmethod
    def _filled(cls, value: dict[str, list[str]]) -> dict[str, list[str]]:
        for axis, values in value.items():
            if axis in COUNTS:
                raise ValueError(f"an axis can't be called {axis}, as a count is; give it another name")
            if not values or len(set(values)) < len(values) or any(not one.strip() for one in values):
                raise ValueError(f"{axis} has no value, an empty one, or one twice")
        return value


class Caps(_Table):
    """What it may cost, at most; nothing is sent that could go over."""

    tokens: int | None = Field(None, ge=1, description="of prompts and replies")
    money: float | None = Field(None, gt=0, description="in the currency of the price file")
    calls: int | None = Field(None, ge=1, description="sendings, further tries too")
    seconds: float | None = Field(None, gt=0, description="of one run of the command")
    prices: str | None = Field(None, description="your dated price file, as `vetset eval --prices` takes it")
    price_of: str | None = Field(None, description="name of the teacher in it, where it differs")

    @model_validator(mode="after")
    def _priced(self) -> Caps:
        if self.money is not None and self.prices is None:
            raise ValueError("money needs prices: name your dated price file")
        return self


class JudgeOf(_Table):
    """A model that scores what was made."""

    model: str = Field(description="as teacher.model")
    rubric: str = Field(description="the file that says what a good row is")
    votes: int = Field(1, ge=1, description="on each row")
    key_env: str | None = Field(None, description="environment variable that holds its API key")


class Recipe(_Table):
    """A recipe."""

    seeds: str = Field(description="the set with the real rows")
    accepted: int = Field(0, ge=0, description="rows a cell that pass every gate")
    against: list[str] = Field([], description="eval sets and files that no row may come close to")
    seed: int = Field(0, ge=0, description="of which rows are shown together")
    license: str | None = Field(None, description="of what is written, as you have it by the teacher's terms")
    encoder: str | None = Field(None, description="for the gates and measures that go by meaning")
    reuse: list[str] = Field([], description="other runs whose kept replies count")
    teacher: Teacher
    plan: Making
    gates: Gates = Field(default_factory=lambda: Gates.model_validate({}))
    verify: list[str] = Field(
        [], description="scorers that every row has to pass, as `vetset eval --scorer` takes them"
    )
    judge: JudgeOf | None = None
    budget: Caps = Field(default_factory=lambda: Caps.model_validate({}))

    @field_validator("seeds")
    @classmethod
    def _said(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("is empty")
        return value

    @model_validator(mode="after")
    def _fits(self) -> Recipe:
        kind = KINDS[self.plan.kind]
        unknown, known = sorted(self.plan.options.keys() - kind.options.keys()), ", ".join(kind.options) or "none"
        wrong = {
            "plan.instruction: say what a row is": kind.draws in ("examples", "nothing")
            and not self.plan.instruction.strip(),
            "accepted: say how many rows a cell are wanted": not self.accepted
            and not self.plan.fill
            and kind.draws != "each"
            and not self.plan.quotas,
            "plan.fill: it is by label; add label = ['*'] to plan.grid": self.plan.fill
            and "label" not in self.plan.grid,
            f"plan.options: {self.plan.kind} has no option {', '.join(unknown)} (it has {known})": bool(unknown),
        }
        if found := [sentence for sentence, holds in wrong.items() if holds]:
            raise ValueError("; ".join(found))
        return self


def read_recipe(path: str | Path) -> Recipe:
    """Read a recipe; its paths are seen from the folder that it stands in.

    Raises:
        UsageError: there is no such file, or a key or value is wrong; the sentence names each of them.
        DataError: it is no TOML.
    """
    path = Path(path)
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{path} can't be read ({error.strerror}); write a recipe (docs/distill.md has one to begin with)."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{path} is no TOML ({quote(error, 100)}); mend that line.") from error
    _from_folder(said, path.parent)
    try:
        return Recipe.model_validate(said)
    except ValidationError as error:
        raise UsageError(f"{path}: {faults(error, _keys_of)}.") from error


def _from_folder(said: dict[str, Any], folder: Path) -> None:
    """Make paths seen from here. A name that is no path there stays: it may be of the hub."""

    def moved(table: Any, key: str) -> None:
        if not isinstance(table, Mapping) or not isinstance(table, dict):
            return
        value = table.get(key)
        if isinstance(value, list):
            table[key] = [_seen(one, folder) for one in value]
        elif isinstance(value, str):
            table[key] = _seen(value, folder)

    for key in ("seeds", "encoder", "against", "reuse", "verify"):
        moved(said, key)
    for table, key in (
        ("teacher", "model"),
        ("budget", "prices"),
        ("judge", "model"),
        ("judge", "rubric"),
        ("plan", "failures"),
    ):
        moved(said.get(table), key)


def _seen(value: Any, folder: Path) -> Any:
    """Return a path of the recipe's folder as it is seen from here; after a colon, too (``verify:FILE.py:f``)."""
    if not isinstance(value, str) or not value:
        return value
    kind, colon, rest = value.partition(":")
    if colon and kind in ("recorded", "canned", "schema", "verify"):
        file, mark, after = rest.partition(":") if kind == "verify" else rest.partition("?")
        return f"{kind}:{folder / file}{mark}{after}" if (folder / file).exists() else value
    return str(folder / value) if (folder / value).exists() else value


def _keys_of(above: list[str]) -> list[str]:
    tables: dict[str, type[BaseModel]] = {
        "teacher": Teacher, "plan": Making, "gates": Gates, "judge": JudgeOf, "budget": Caps, "terms": Terms,
    }  # fmt: skip
    if above[:1] == ["gates"] and len(above) > 1:
        return list(TABLES[above[1]].model_fields) if above[1] in TABLES else []
    return list((tables.get(above[-1], Recipe) if above else Recipe).model_fields)
