"""What becomes of every row: its tokens, which are trained, what a limit of length would take, what the template loses."""

from __future__ import annotations

from typing import Any

import polars as pl

from ...curate.errors import DataError
from ..recipe import Recipe
from ..rows.examples import Turns, turns
from ..rows.rendering import Renderer, Tokens

MEASURED = pl.Schema(
    {
        "id": pl.String, "file": pl.String, "line": pl.Int64, "general": pl.Boolean,
        "tokens": pl.Int64,  # that the model reads at once; of a pair, with the longer answer
        "trained": pl.Int64,  # of them, of both answers of a pair
        "ends": pl.Boolean,  # the token that ends the answer is trained
        "alike": pl.Boolean,  # what stands before the answer is what the model is given in use
        "rewritten": pl.Int64,  # earlier answers that the template writes otherwise
        "lost": pl.List(pl.String),
        "refused": pl.String,  # why the template takes no such conversation
        "cut": pl.Int64,  # trained tokens beyond the limit
        "highest": pl.Int64,  # token id
        "target": pl.String,
        "worse": pl.String,
        "good": pl.Boolean,  # what a label says of the answer
        "prompt": pl.String,  # what system and user say
    }
)  # fmt: skip


def measured(recipe: Recipe, renderer: Renderer, rows: pl.DataFrame) -> pl.DataFrame:
    """Return ``MEASURED`` of rows, in order; the columns of tokens are null where the template refuses a row.

    Args:
        recipe: its ``method``, ``loss`` and ``max_length`` count.
        renderer: of the model.
        rows: of ``examples``.
    """
    named = (
        rows.select("id", "file", "line", "general").rows()
        if "general" in rows.columns
        else [(*one, False) for one in rows.select("id", "file", "line").rows()]
    )
    said = [turns(row) for row in rows.iter_rows(named=True)]
    lines = [
        (*name, *_line(recipe, renderer, one, tokens), one.target, one.rejected, one.good, _prompt(one))
        for name, one, tokens in zip(named, said, _tokens(recipe, renderer, said), strict=True)
    ]
    return pl.DataFrame(lines, schema=MEASURED, orient="row")


def _tokens(recipe: Recipe, renderer: Renderer, said: list[Turns]) -> list[Tokens | str]:
    """Return each row's tokens, or why it has none."""
    texts = [one.whole(recipe.method) for one in said]
    loss = recipe.loss if recipe.method == "sft" else "answer"
    rows = [(one.messages, one.tools) for one, text in zip(said, texts, strict=True) if text is None]
    try:
        answered = iter(renderer.many(rows, loss=loss))
    except DataError:  # of one row at least: it is to be named, and the others still to be measured
        answered = iter([_one(renderer, row, loss) for row in rows])
    return [next(answered) if text is None else renderer.plain(text) for text in texts]


def _one(renderer: Renderer, row: Any, loss: Any) -> Tokens | str:
    try:
        return renderer.tokens(*row, loss=loss)
    except DataError as error:
        return str(error)


def _line(recipe: Recipe, renderer: Renderer, said: Turns, tokens: Tokens | str) -> tuple[Any, ...]:
    if isinstance(tokens, str):
        return (None, None, None, None, None, [], tokens, None, None)
    highest, limit = max(tokens.ids, default=0), recipe.max_length
    if said.whole(recipe.method) is not None:
        return _counts(len(tokens.ids), range(1, len(tokens.ids)), limit, tokens, [], highest)
    lost = renderer.lost(said.messages, said.tools, renderer.text(said.messages, said.tools))
    if recipe.method in ("grpo", "distil"):
        return _counts(tokens.prompt, [], limit, tokens, lost, highest)
    if recipe.method in ("dpo", "orpo", "kto"):
        length = tokens.end
        trained = list(range(tokens.prompt, length))
        if said.rejected is not None:
            prompt, better, worse = renderer.pair(said.messages, said.rejected, said.tools)
            length, highest = len(prompt) + max(len(better), len(worse)), max(highest, *worse, 0)
            trained = [len(prompt) + place for answer in (better, worse) for place in range(len(answer))]
        return _counts(length, trained, limit, tokens, lost, highest)
    # The first token has nothing before it that could foretell it.
    places = [place for place, one in enumerate(tokens.trained) if one and place]
    return _counts(len(tokens.ids), places, limit, tokens, lost, highest)


def _counts(
    length: int, trained: Any, limit: int | None, tokens: Tokens, lost: list[str], highest: int
) -> tuple[Any, ...]:  # fmt: skip
    cut = 0 if limit is None or length <= limit else sum(place >= limit for place in trained)
    return length, len(trained), tokens.ends, tokens.alike, tokens.rewritten, lost, None, cut, highest


def _prompt(said: Turns) -> str:
    return "\n".join(str(one.get("content") or "") for one in said.prompt if one["role"] in ("system", "user"))
