"""Rows, recipes and plans for tests."""

import json

from vetset.train.planning.preflight import plan
from vetset.train.recipe import read_recipe

SAYS = {"lost": "it is gone since {}", "arrival": "did the post bring it on {}", "fee": "why was I charged for {}"}
DAYS = (
    "monday",
    "tuesday",
    "the ninth",
    "easter",
    "my birthday",
    "new year",
    "friday",
    "sunday",
    "the third",
    "may day",
)


def asked(question, answer, *, system=None, **more):
    """A row: a question, its answer, perhaps a system prompt."""
    before = [{"role": "system", "content": system}] if system else []
    return {
        "messages": [*before, {"role": "user", "content": question}, {"role": "assistant", "content": answer}],
        **more,
    }


def tickets(count=30):
    """Rows of three labels, each of another question."""
    return [
        asked(SAYS[label].format(f"{DAYS[turn % 10]} {turn // 10 or ''}".strip()), label)
        for turn, label in ((place // 3, list(SAYS)[place % 3]) for place in range(count))
    ]


def written(path, rows):
    """Write rows as JSON lines; return the path."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def planned(model, rows, folder, /, *, device="cpu", **keys):
    """Return the plan of a recipe over these rows."""
    data = written(folder / "rows.jsonl", rows) if isinstance(rows, list) else rows
    recipe = read_recipe(None, {"base": str(model), "data": str(data), "out": str(folder / "adapter"), **keys})
    return plan(recipe, device=device)


def problems(*given, **keys):
    """Return what speaks against it, by kind."""
    return {one.kind: one for one in planned(*given, **keys).problems}
