"""A recipe with the rows that it names: what is asked of the teacher, and what holds the replies against the gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from ..calls import Ask
from ..dataset import Dataset
from ..embed.encoder import Encoder
from ..errors import UsageError
from ..leakage.closeness import How, too_close
from .draft import Step
from .failures import read_failures
from .gates.gate import Batch, Check, JudgeRows
from .gates.order import judge_batch
from .kinds import KINDS
from .kinds.kind import Kind
from .lineage import Verdict, is_synthetic
from .outcome import Outcome
from .planning import CellPlan, plan_cells
from .recipe import Recipe
from .rounds import Judge
from .rows import Origin, Parents, drafts_as_rows
from .seeds import Seeds, open_seeds
from .task import Task


@dataclass(frozen=True)
class Prepared:
    """A recipe with the rows that it names: all that decides what is asked."""

    recipe: Recipe
    dataset: Dataset
    seeds: Seeds
    held: pl.DataFrame | None
    """Rows that nothing made may come close to: eval sets, and the set's own eval side."""
    task: Task
    cells: Sequence[CellPlan]

    @property
    def kind(self) -> Kind:
        """The kind of plan."""
        return KINDS[self.recipe.plan.kind]

    @cached_property
    def step(self) -> Step:
        """What asks and reads."""
        return self.kind.make(self.task)

    @cached_property
    def real(self) -> pl.DataFrame:
        """All rows of the set that no teacher wrote and that are held against nothing, whatever was decided of them.

        A copy of an eval row is told by the gate of the eval sets, and not as a duplicate: who looks for leaks looks there.
        """
        rows = self.dataset.rows.filter(~is_synthetic(self.dataset.rows))
        return rows if self.held is None else rows.filter(~pl.col("id").is_in(self.held["id"].implode()))

    @cached_property
    def parents(self) -> Parents:
        """What rows inherit."""
        return Parents.of(self.seeds.rows)


@dataclass(frozen=True)
class Helpers:
    """What the gates ask besides the rows."""

    checks: Mapping[str, Check] = field(default_factory=dict)
    """Verifiers by name."""
    judge: JudgeRows | None = None
    encoder: Encoder | None = None
    cache: Path | None = None


def prepare(recipe: Recipe, dataset: Dataset, *, held: pl.DataFrame | None = None) -> Prepared:
    """Return a recipe with its rows, without asking anybody.

    Args:
        recipe: the recipe.
        dataset: its ``seeds``, opened.
        held: rows of the eval sets that it names, ``dataset.ROWS``.

    Raises:
        UsageError: the plan fits no row or label.
        DataError: no row may be shown.
    """
    train = dataset.manifest.get("train", "train")
    own = dataset.rows.filter(pl.col("split").is_not_null() & (pl.col("split") != train))
    sides = [frame.select(dataset.rows.columns) for frame in (held, own) if frame is not None and frame.height]
    held = pl.concat(sides) if sides else None
    if held is not None:
        held = held.unique(
            "id", keep="first", maintain_order=True
        )  # an eval set's rows may stand in an eval split, too
        # Without what teachers wrote: how rare words are hangs on the rows that are looked at, and rows that a run brings in
        # must not change what it is shown next time.
        trained = dataset.rows.filter(~pl.col("id").is_in(held["id"].implode()) & ~is_synthetic(dataset.rows))
        close = too_close(trained, held, How(one_source=True))["id"].to_list()
    else:
        close = []
    seeds = open_seeds(dataset, held=held, too_close=close)
    plan = recipe.plan
    failures = read_failures(plan.failures) if plan.failures else None
    axes, about = ({"failure": failures.values}, failures.about) if failures else ({}, {})
    if plan.kind == "edge_cases" and not plan.failures and "failure" not in plan.grid:
        raise UsageError(
            "plan.failures: edge_cases needs the file of kinds of failure, or an axis failure in plan.grid."
        )
    cells = plan_cells(recipe, seeds, axes=axes)
    kind = KINDS[plan.kind]
    task = Task(
        plan.instruction,
        seeds.by_id,
        tuple(sorted({*seeds.labels, *(cell.cell["label"] for cell in cells if "label" in cell.cell)})),
        {**about, **plan.about},
        recipe.teacher.parameters,
        recipe.teacher.form,
        recipe.teacher.system,
        holds_schema=recipe.teacher.model.startswith(("openai:", "recorded:", "canned:")),
        options={**kind.options, **plan.options},
    )
    return Prepared(recipe, dataset, seeds, held, task, cells)


def gates_of(
    prepared: Prepared, origin: Origin, ask: Ask, *, helpers: Helpers | None = None, notes: list[str] | None = None
) -> Judge:
    """Return what holds made drafts against the gates of the recipe.

    Args:
        prepared: the recipe with its rows.
        origin: what the rows say of where they come from.
        ask: the teacher, for the gate that asks it what label it sees.
        helpers: what the gates ask besides.
        notes: takes what the gates have to say beside their verdicts.
    """
    helpers, said = helpers or Helpers(), [] if notes is None else notes
    train = prepared.dataset.manifest.get("train", "train")

    def judge(made: Sequence[Outcome], kept: Sequence[Outcome]) -> list[list[Verdict]]:
        batch = Batch(
            made=drafts_as_rows(made, origin, prepared.parents, split=train),
            kept=drafts_as_rows(kept, origin, prepared.parents, split=train),
            real=prepared.real,
            held=prepared.held,
            same_text=prepared.kind.same_text,
            encoder=helpers.encoder,
            cache=helpers.cache,
            notes=said,
            ask=ask,
            checks=helpers.checks,
            judge=helpers.judge,
            task=prepared.task,
        )
        found: dict[str, list[Verdict]] = {outcome.draft.id: [] for outcome in made}
        for line in judge_batch(batch, prepared.recipe.gates).iter_rows(named=True):
            verdict = Verdict(line["gate"], line["verdict"], line["score"], line["note"] or "", line["peer"])
            found[line["id"]].append(verdict)
        return [found[outcome.draft.id] for outcome in made]

    return judge


def summary_of(prepared: Prepared) -> dict[str, Any]:
    """Return what the plan is, as JSON values."""
    return {
        "kind": prepared.recipe.plan.kind,
        "cells": len(prepared.cells),
        "wanted": sum(cell.wanted for cell in prepared.cells),
        "drafts_at_most": sum(cell.most for cell in prepared.cells),
        "seeds": prepared.seeds.rows.height,
        "seeds_left_out": dict(prepared.seeds.left),
        "held": 0 if prepared.held is None else prepared.held.height,
    }
