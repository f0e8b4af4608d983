"""Solved examples for few-shot prompts: from training data only, never one that the eval set asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from ...curate.embed.encoder import Encoder
from ...curate.embed.encoding import encode, row_texts
from ...curate.embed.tfidf import tfidf_vectors
from ...curate.errors import DataError, UsageError, quote
from ...curate.messages import Said
from ..evalsets.evalset import question, reference
from .training_rows import training_rows

Choice = Literal["nearest", "per-class", "random"]
SHOTS = 8
"""Examples a question: what Brown et al. 2020 and most since gain comes with the first few, and each costs tokens."""


@dataclass(frozen=True)
class Shots:
    """Where examples come from and how they are chosen."""

    pool: pl.DataFrame
    """Training rows with an answer, without those that are too close to an eval row."""
    source: str
    digest: str
    """SHA-256 over the ids of the pool."""
    left_out: int
    """Training rows that were left out since the eval set holds them, or a near copy."""
    count: int = SHOTS
    choice: Choice = "nearest"
    seed: int = 0
    encoder: Encoder | None = None
    encoder_name: str = "tfidf"

    def said(self) -> dict[str, Any]:
        """Return what a manifest keeps."""
        return {
            "source": self.source, "rows": self.pool.height, "digest": self.digest, "left_out": self.left_out,
            "count": self.count, "choice": self.choice, "seed": self.seed,
            **({"by": self.encoder_name} if self.choice == "nearest" else {}),
        }  # fmt: skip


def open_shots(
    source: str | Path,
    eval_rows: pl.DataFrame,
    *,
    count: int = SHOTS,
    choice: Choice = "nearest",
    seed: int = 0,
    encoder: Encoder | None = None,
    encoder_name: str = "tfidf",
    kept: tuple[str, ...] = (),
) -> Shots:
    """Read training data for examples.

    Rows that are too close to an eval row (``closeness.too_close``) are left out, as they are from what is trained on: an answer
    that stands in the prompt measures nothing.

    Args:
        source: a set (its train split, where it has splits), or a file that ``vetset read`` would read.
        eval_rows: every row of the eval set, of both parts.
        count: examples a question.
        choice: ``nearest``: those most like the question (the strongest in most published comparisons since Liu et al.,
            "What makes good in-context examples for GPT-3?", 2022; so it is what a fine-tune has to beat); ``per-class``: the
            same for all questions, from each label in turn; ``random``: the same for all.
        seed: of ``per-class`` and ``random``.
        encoder: compares by meaning; TF-IDF for ``None``.
        encoder_name: for the manifest.
        kept: rules that don't look, as the eval set was built (``closeness.kept_by``).

    Raises:
        UsageError: no such file, or fewer than one example is asked for.
        DataError: no row of it can serve.
    """
    if count < 1:
        raise UsageError(f"--shots {count} asks for no example; give 1 or more, or another rung.")
    rows = training_rows(source)
    from ...curate.leakage.closeness import How, too_close  # its rules take a quarter of a second to import

    close = too_close(rows, eval_rows, How(kept=kept))["id"]
    answered = pl.Series(
        [reference(row) is not None and bool(question(row)) for row in rows.iter_rows(named=True)], dtype=pl.Boolean
    )
    pool = rows.filter(answered & ~rows["id"].is_in(close.implode()))
    if eval_rows["label"].null_count() < eval_rows.height:
        pool = _with_classes(pool, set(eval_rows["label"].drop_nulls()))
    if pool.is_empty():
        raise DataError(
            f"{quote(source)}: none of its {rows.height:,} rows can be an example ({len(close):,} are too close to the eval "
            "set, the rest has no answer); name training data with answers."
        )
    digest = sha256("\n".join(pool["id"].sort()).encode()).hexdigest()
    return Shots(pool, str(source), digest, len(close), count, choice, seed, encoder, encoder_name)


def _with_classes(pool: pl.DataFrame, labels: set[str]) -> pl.DataFrame:
    """Return the rows whose answer is a class: their label, or the last assistant turn, as an export of messages has it.

    Where no row has a label and no turn is one, what the assistant says is the answer as it stands; else rows that answer by a
    sentence are left out, so that no class is answered by one.
    """
    said = pl.Series([reference(row) for row in pool.iter_rows(named=True)], dtype=pl.String)
    classes = pool["label"].is_not_null() | said.str.strip_chars().is_in(list(labels))
    if not classes.any():
        return pool
    return pool.with_columns(label=pool["label"].fill_null(said.str.strip_chars())).filter(classes)


def choose(shots: Shots, rows: pl.DataFrame, *, cache: Path | None = None) -> list[list[int]]:
    """Return for each eval row the positions of its examples in the pool; the most alike stands last, next to the question."""
    count = min(shots.count, shots.pool.height)
    if shots.choice == "nearest":
        return _nearest(shots, rows, count, cache)
    draw = np.random.default_rng(shots.seed)
    order = draw.permutation(shots.pool.height)
    if shots.choice == "per-class":
        order = _in_turn(shots.pool["label"].to_list(), order)
    return [order[:count].tolist()] * rows.height


def example_turns(pool: pl.DataFrame, positions: Sequence[int]) -> dict[int, tuple[Said, Said]]:
    """Return the two turns of each example: what is asked, and what is right."""
    found = {}
    for position, row in zip(positions, pool[list(positions)].iter_rows(named=True), strict=True):
        said = question(row)
        asked = next((turn.content for turn in reversed(said) if turn.role == "user"), None) or said[-1].content or ""
        found[position] = Said("user", asked), Said("assistant", reference(row))
    return found


def _nearest(shots: Shots, rows: pl.DataFrame, count: int, cache: Path | None) -> list[list[int]]:
    texts = pl.concat([row_texts(shots.pool, "input"), row_texts(rows, "input")])
    # Of TF-IDF the vectors hold among the texts of one call alone, so pool and questions go together.
    encoded = encode(texts, shots.encoder or tfidf_vectors, cache=cache)
    known, asked = encoded.of_row[: shots.pool.height], encoded.of_row[shots.pool.height :]
    if not len(encoded.vectors):
        return [list(range(count))] * rows.height
    chosen = []
    for low in range(0, rows.height, 256):
        some = asked[low : low + 256]
        likeness = np.where(some[:, None] >= 0, encoded.vectors[some] @ encoded.vectors[known].T, 0.0)
        likeness[:, known < 0] = -1.0
        best = np.argsort(-likeness, axis=1, kind="stable")[:, :count]
        chosen += best[:, ::-1].tolist()
    return chosen


def _in_turn(labels: Sequence[str | None], order: np.ndarray) -> np.ndarray:
    """Return the order in which each label gives its first, then each its second ..., labels in the order they are met."""
    seen: dict[str | None, int] = {}
    rounds = []
    for at in order:
        rounds.append(seen.get(labels[at], 0))
        seen[labels[at]] = rounds[-1] + 1
    return order[np.argsort(np.array(rounds), kind="stable")]
