"""What is wrong with the rows, as they are rendered and tokenized."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from ...curate.wording import counted
from ..recipe import Recipe
from ..rows.rendering import Renderer
from .problem import Problem, refused, warned
from .shape import Shape

FEW = 500
"""Rows under which a run is warned of."""
_LOST = {
    "system prompt dropped": (
        "system.dropped",
        "the model would learn to do without what it is told there; put it into the user's turn",
    ),
    "user turn dropped": (
        "user.dropped",
        "the model would learn to answer what it never reads; give a template that keeps it",
    ),
    "tool result dropped": (
        "tools.lost",
        "the model would learn to answer without it; give a template for tools with template = FILE",
    ),
    "answer dropped": ("answer.dropped", "what is left would be trained; give a template that keeps it"),
    "tool schema lost": (
        "tools.lost",
        "the model would learn to call tools that it is not told of; give a template for tools with template = FILE",
    ),
    "tool call lost": (
        "tools.lost",
        "the model would learn to say nothing where it should call; give a template for tools with template = FILE",
    ),
}
_ANSWERING = ("sft", "dpo", "kto", "orpo")


def row_problems(recipe: Recipe, renderer: Renderer, shape: Shape, rows: pl.DataFrame) -> Iterator[Problem]:
    """Yield what is wrong with rows.

    Args:
        recipe: as it was read.
        renderer: of the base.
        shape: of the base.
        rows: ``measured.MEASURED``.
    """
    yield from _judged(recipe, rows)
    yield from _rendered(recipe, renderer, rows)
    yield from _long(recipe, shape, rows)
    size = renderer.tokenizer.get_vocab_size(with_added_tokens=True)
    words = max(size - 1, int(rows["highest"].max() or 0)) + 1  # type: ignore[arg-type] - a column of numbers
    if 0 < shape.embedded < words:
        over = rows.filter(pl.col("highest") >= shape.embedded)
        yield refused(
            "vocabulary.resized",
            f"the tokenizer of {recipe.base} has {words:,} tokens and its embedding {shape.embedded:,} rows "
            f"({counted(over.height, 'row')} of the data hold such a token): tokens were added and the model was not "
            "resized; resize it with model.resize_token_embeddings() and save it, or take the tokenizer that belongs to it.",
            over,
        )
    own = rows.filter(~pl.col("general"))
    if own.height < FEW:
        yield warned(
            "rows.few",
            f"{counted(own.height, 'row')} to train on: with fewer than {FEW} a prompt with examples often does as well, "
            "and what an adapter gains is within the chance of the draw; measure it against `vetset eval --ladder`, or add "
            "rows.",
        )


def _judged(recipe: Recipe, rows: pl.DataFrame) -> Iterator[Problem]:
    """Answers that are trained as good ones though somebody called them bad, and pairs that tell nothing apart."""
    if recipe.method in ("sft", "distil") and (bad := rows.filter(~pl.col("good"))).height:
        yield warned(
            "answer.bad",
            f"{counted(bad.height, 'row')} have an answer that their label calls bad, and it would be trained like the good "
            "ones; take method = 'kto', or leave these rows out.",
            bad,
        )
    if recipe.method in ("dpo", "orpo") and (bad := rows.filter(pl.col("target") == pl.col("worse"))).height:
        yield warned(
            "pair.same",
            f"in {counted(bad.height, 'pair')} the worse answer is the better one, so there is nothing to tell apart; leave "
            "them out.",
            bad,
        )
    if recipe.method in ("dpo", "orpo") and (bad := rows.filter(~pl.col("worse").str.contains(r"\S"))).height:
        yield warned(
            "pair.empty",
            f"in {counted(bad.height, 'pair')} the worse answer is empty: the model would learn that to say anything is better; "
            "leave them out.",
            bad,
        )


def _rendered(recipe: Recipe, renderer: Renderer, rows: pl.DataFrame) -> Iterator[Problem]:
    where = f"the chat template of {recipe.template or recipe.base}"
    if (bad := rows.filter(pl.col("refused").is_not_null())).height:
        yield refused(
            "template.refuses", f"{counted(bad.height, 'row')} can't be rendered: {bad['refused'][0]}", bad, "refused"
        )
    rows = rows.filter(pl.col("refused").is_null())
    if recipe.method in _ANSWERING and (bad := rows.filter(~pl.col("ends"))).height:
        yield refused(
            "end.untrained",
            f"in {counted(bad.height, 'row')} no token that ends the answer is trained ({where} sets none after it), so the "
            "model would learn to write on and on; give a template that ends a turn.",
            bad,
        )
    if recipe.method not in ("grpo", "distil") and (bad := rows.filter(pl.col("trained") == 0)).height:
        say = refused if bad.height == rows.height else warned
        yield say(
            "row.untrained",
            f"no token is trained of {counted(bad.height, 'row')} (loss = {recipe.loss!r}), which would be left out; take "
            "them out of the data, or train another part of them.",
            bad,
        )
    if (bad := rows.filter(~pl.col("alike"))).height:
        yield warned(
            "prompt.unalike",
            f"in {counted(bad.height, 'row')} what stands before the answer is not what {where} gives the model in use, so "
            "it is trained on prompts that it will never see; `examples` below show how it begins.",
            bad,
        )
    for words in rows["lost"].explode().drop_nulls().unique().sort():
        bad = rows.filter(pl.col("lost").list.contains(words))
        kind, then = _LOST.get(
            words,
            ("control.token", "the model may take what a user writes for the end of a turn; take it out of the text"),
        )
        say = refused if words in _LOST else warned
        yield say(kind, f"{words} in {counted(bad.height, 'row')} by {where}: {then}.", bad)
    if (bad := rows.filter(pl.col("rewritten") > 0)).height:
        yield warned(
            "answer.rewritten",
            f"{where} writes earlier answers of {counted(bad.height, 'row')} otherwise than it would when they are given "
            "(it takes their thoughts out), so these are not trained; make a row of each answer.",
            bad,
        )


def _long(recipe: Recipe, shape: Shape, rows: pl.DataFrame) -> Iterator[Problem]:
    limit = recipe.max_length
    if limit is not None and (bad := rows.filter(pl.col("tokens") > limit)).height:
        bad = bad.with_columns(
            share=pl.col("cut") / pl.max_horizontal("trained", pl.lit(1)),
            stop_goes=pl.col("ends") & (pl.col("cut") > 0),
        ).sort("tokens", descending=True)
        stops = int(bad["stop_goes"].sum())
        all_of_it = bad.filter(pl.col("cut") >= pl.col("trained")).height
        most = int(rows["tokens"].max() or 0)  # type: ignore[arg-type] - a column of numbers
        if recipe.too_long == "drop":
            said = f"would be left out (too_long = 'drop'); max_length = {most} keeps all"
        else:
            said = (
                f"would lose {bad['share'].mean():.0%} of what is trained of them on average, {stops:,} of them the token "
                f"that ends the answer, {all_of_it:,} the whole answer, and such rows teach a model never to stop; set "
                f"max_length = {most}, or too_long = 'drop'"
            )
        say = refused if recipe.too_long == "refuse" else warned
        yield say(
            "length.over", f"more than {limit:,} tokens in {counted(bad.height, 'row')}, which {said}.",
            bad, "tokens", "trained", "cut", "share", "stop_goes",
        )  # fmt: skip
    kept = rows if limit is None else rows.filter(pl.col("tokens") <= limit)
    if shape.context is not None and (bad := kept.filter(pl.col("tokens") > shape.context)).height:
        say = refused if limit is None else warned
        yield say(
            "length.context",
            f"more tokens in {counted(bad.height, 'row')} than the {shape.context:,} that {recipe.base} was trained to "
            f"read; set max_length = {shape.context} and too_long = 'drop', or shorten them.",
            bad.sort("tokens", descending=True), "tokens",
        )  # fmt: skip
