"""The compact trainer: a vetted file in, an adapter with its lineage out.

plan(read_recipe("recipe.toml"))             what is trained, token by token, and what would go wrong; no torch
train(read_recipe("recipe.toml"), tell=print)    TRL and peft do the steps; a run that was killed goes on
list_adapters("adapters")                    what was trained on what, how it was judged, what is due again
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..curate.faces import lazy

if TYPE_CHECKING:
    from .adapters.lineage import Lineage, read_lineage
    from .adapters.listing import list_adapters
    from .adapters.merging import merge_into_base, merge_weighted
    from .planning.preflight import Plan, plan
    from .recipe import Recipe, read_recipe
    from .rows.rendering import Renderer, open_renderer
    from .training import Trained, train

__all__ = [
    "Lineage",
    "Plan",
    "Recipe",
    "Renderer",
    "Trained",
    "list_adapters",
    "merge_into_base",
    "merge_weighted",
    "open_renderer",
    "plan",
    "read_lineage",
    "read_recipe",
    "train",
]
_HOMES = {
    "Lineage": ".adapters.lineage",
    "Plan": ".planning.preflight",
    "Recipe": ".recipe",
    "Renderer": ".rows.rendering",
    "Trained": ".training",
    "list_adapters": ".adapters.listing",
    "merge_into_base": ".adapters.merging",
    "merge_weighted": ".adapters.merging",
    "open_renderer": ".rows.rendering",
    "plan": ".planning.preflight",
    "read_lineage": ".adapters.lineage",
    "read_recipe": ".recipe",
    "train": ".training",
}

__getattr__, __dir__ = lazy(globals(), _HOMES)
