"""The verb ``plan``: what can be known of a run before its first second, without torch; ``train`` refuses what it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ...curate.errors import DataError
from ...evaluate.models.model_folder import model_folder
from ..adapters.lineage import base_license
from ..recipe import Recipe
from ..rows.examples import Examples, turns
from ..rows.examples import examples as read_examples
from ..rows.rendering import Renderer, Tokens, open_renderer
from ..trl_face import GENERATING
from .budget import Budget, budget
from .data_problems import data_problems, known_evalsets
from .device import find_device
from .measured import MEASURED, measured
from .problem import Problem
from .row_problems import row_problems
from .run_problems import run_problems
from .shape import Shape, read_shape

_SHOWN = 3
_PERCENTILES = (0, 5, 25, 50, 75, 95, 99, 100)


@dataclass(frozen=True)
class Lengths:
    """Tokens of rows."""

    total: int
    percentiles: dict[str, int]
    bins: list[tuple[int, int, int]]
    """From, to (exclusive), rows; of equal width."""


@dataclass(frozen=True)
class Shown:
    """A row as it is trained."""

    file: str
    line: int
    tokens: Tokens


@dataclass(frozen=True)
class Plan:
    """What a run would be."""

    recipe: Recipe
    folder: Path
    """Of the base."""
    rows: pl.DataFrame
    """``measured.MEASURED`` of the rows that are trained on."""
    valid: pl.DataFrame | None
    shape: Shape
    renderer: Renderer
    budget: Budget
    licences: dict[str, int]
    base_licence: str | None
    evalsets: list[str]
    shown: list[Shown]
    problems: list[Problem]
    notes: list[str]

    @property
    def refused(self) -> list[Problem]:
        """Those with which nothing is trained."""
        return [one for one in self.problems if one.level == "refuse"]

    @property
    def lengths(self) -> Lengths | None:
        """Of the rows that are trained on; ``None`` where there are none."""
        return _lengths(self.rows.filter(self.kept)["tokens"].clip(upper_bound=self.recipe.max_length).drop_nulls())

    @property
    def trained(self) -> int:
        """Tokens that are trained in an epoch, those beyond the limit left out."""
        rows = self.rows.drop_nulls("tokens")
        if self.recipe.max_length is not None and self.recipe.too_long != "truncate":
            rows = rows.filter(pl.col("tokens") <= self.recipe.max_length)
        return int((rows["trained"] - rows["cut"]).sum())

    @property
    def kept(self) -> pl.Series:
        """Which rows are trained on: those that the limit leaves something to learn of."""
        return _kept(self.recipe, self.rows)

    @property
    def ends(self) -> int:
        """Rows of which the token that ends the answer is trained, and not beyond the limit."""
        return self.rows.filter(pl.col("ends") & (pl.col("cut") == 0)).height

    @property
    def opening(self) -> str | None:
        """What the template sets before a question that has no system prompt, often one of its own."""
        try:
            return self.renderer.text([{"role": "user", "content": "\ufdd0"}]).partition("\ufdd0")[0]
        except DataError:
            return None

    def summary(self) -> dict[str, Any]:
        """Return it as JSON values."""
        shown = [
            {"file": one.file, "line": one.line, "text": self.renderer.page(one.tokens, colour=False)} for one in self.shown
        ]  # fmt: skip
        problems = [one.summary() for one in self.problems]
        return self.figures() | {
            "shown": shown,
            "problems": problems,
            "notes": self.notes,
            "recipe": self.recipe.model_dump(),
        }

    def figures(self) -> dict[str, Any]:
        """Return the numbers alone, with nothing of what rows say: what a lineage may hold."""
        of, lengths = self.rows, self.lengths
        return {
            "base": {
                "name": self.recipe.base, "parameters": self.shape.parameters, "context": self.shape.context,
                "license": self.base_licence,
            },
            "data": {
                "rows": of.height, "general": int(of["general"].sum()), "licenses": self.licences,
                "valid_rows": None if self.valid is None else self.valid.height, "evalsets": self.evalsets,
            },
            "tokens": None if lengths is None else {
                "total": lengths.total, "trained": self.trained, "percentiles": lengths.percentiles, "histogram": lengths.bins,
                "ends_trained": self.ends,
            },
            "template": {
                "digest": self.renderer.digest, "opening": self.opening, "unalike": int((~of["alike"]).sum()),
                "dated": self.renderer.dated,
            },
            "budget": self.budget.summary(), "refused": bool(self.refused),
            "found": {one.kind: len(one.rows) for one in self.problems},
        }  # fmt: skip


def plan(recipe: Recipe, *, examples: Examples | None = None, device: str | None = None) -> Plan:
    """Return what a run would be, and all that speaks against it.

    Args:
        recipe: as it was read.
        examples: its rows, where they were read already.
        device: to plan for in place of the recipe's: ``h100``, ``l4``, ``cpu`` ...

    Raises:
        UsageError: a path or device of the recipe is not there.
        DataError: the data or the base can't be read, or rows lack what the method needs.
    """
    folder = model_folder(recipe.base)
    shape, renderer, machine = (
        read_shape(folder),
        open_renderer(folder, template=recipe.template),
        find_device(device or recipe.device),
    )
    of = examples or read_examples(recipe)
    renders = bool(renderer.templates) or recipe.method == "cpt"
    rows = measured(recipe, renderer, of.train) if renders else MEASURED.to_frame()
    valid = measured(recipe, renderer, of.valid) if renders and of.valid is not None else None
    fed = rows.filter(_kept(recipe, rows)).with_columns(pl.col("tokens").clip(upper_bound=recipe.max_length))
    written = int(recipe.trl.get("max_completion_length", 512)) if recipe.method in GENERATING else 0
    taken = budget(
        recipe, shape, machine, rows=max(fed.height, 1), tokens=int(fed["tokens"].sum()), trained=int(fed["trained"].sum()),
        longest=int(fed["tokens"].max() or 1) + written, valid_tokens=0 if valid is None else int(valid["tokens"].sum()),  # type: ignore[arg-type]
        teacher=None if recipe.teacher is None else read_shape(model_folder(recipe.teacher)),
    )  # fmt: skip
    licence = base_license(folder)
    problems = [*run_problems(recipe, folder, renderer, shape, taken, fed["tokens"])]
    problems += row_problems(recipe, renderer, shape, rows) if renders else []
    problems += data_problems(recipe, of, rows, licence)
    problems.sort(key=lambda one: one.level != "refuse")
    return Plan(
        recipe, folder, rows, valid, shape, renderer, taken, of.licenses, licence,
        [str(one.folder) for one in known_evalsets(recipe, of)], _first(recipe, renderer, of.train), problems, of.notes,
    )  # fmt: skip


def _kept(recipe: Recipe, rows: pl.DataFrame) -> pl.Series:
    limit, cuts = recipe.max_length, recipe.too_long == "truncate"
    fits = pl.lit(True) if limit is None else pl.col("tokens") <= limit
    if recipe.method not in GENERATING:  # of these rows the prompt alone is taken
        fits = (fits | cuts) & (pl.col("trained") > (pl.col("cut") if cuts else 0))
    return rows.select(kept=fits.fill_null(False))["kept"]


def _first(recipe: Recipe, renderer: Renderer, rows: pl.DataFrame) -> list[Shown]:
    """The first rows, and the first that calls tools where none of these does."""
    calls = (
        pl.col("messages").list.eval(pl.element().struct.field("tool_calls").is_not_null()).list.any()
        | pl.col("tools").is_not_null()
    )
    chosen = rows.head(_SHOWN)
    if not chosen.select(calls.any()).item():
        chosen = pl.concat([chosen, rows.filter(calls).head(1)])
    shown = []
    for row in chosen.iter_rows(named=True):
        said = turns(row)
        try:
            if recipe.method == "cpt":
                tokens = renderer.plain(said.messages[0]["content"])
            else:
                tokens = renderer.tokens(
                    said.messages, said.tools, loss=recipe.loss if recipe.method == "sft" else "answer"
                )
        except DataError:
            continue  # a problem says so
        shown.append(Shown(row["file"], row["line"], tokens))
    return shown


def _lengths(tokens: pl.Series) -> Lengths | None:
    if tokens.is_empty():
        return None
    lengths = tokens.to_numpy()
    points = np.percentile(lengths, _PERCENTILES, method="inverted_cdf")
    width = max(1, -(-int(lengths.max()) // 10))
    counts = np.bincount(np.minimum((lengths - 1) // width, 9).clip(0), minlength=-(-int(lengths.max()) // width))
    bins = [(place * width + 1, (place + 1) * width + 1, int(count)) for place, count in enumerate(counts)]
    return Lengths(
        int(lengths.sum()), {f"p{p}": int(value) for p, value in zip(_PERCENTILES, points, strict=True)}, bins
    )
