"""The files of the splits: their order, and a name for each; split names come from the data and are not to be trusted."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from .provenance import CARD, DECISIONS, LINEAGE, PROVENANCE

_ORDER = {"train": 0, "training": 0, "validation": 1, "valid": 1, "val": 1, "dev": 1}


def in_order(splits: Sequence[str], *, train: str = "train") -> list[str]:
    """Return the splits as people list them: what is trained on, what it is tuned on, all others as they came.

    >>> in_order(["test", "dev", "part", "train"])
    ['train', 'dev', 'test', 'part']
    """
    return sorted(splits, key=lambda name: -1 if name == train else _ORDER.get(name.casefold(), 2))


def file_names(splits: Sequence[str], suffix: str) -> dict[str, str]:
    r"""Return a file name for each split: its own name without what a file system or a shell would take for more.

    >>> file_names(["train", "../../etc/passwd", "Train", ".x"], ".jsonl")
    {'train': 'train.jsonl', '../../etc/passwd': 'etc-passwd.jsonl', 'Train': 'Train-2.jsonl', '.x': 'x.jsonl'}
    """
    names: dict[str, str] = {}
    taken = {name.casefold() for name in (PROVENANCE, DECISIONS, LINEAGE, CARD)}
    for split in splits:
        plain = unicodedata.normalize("NFKC", split)
        kept = "".join(c if c.isalnum() or c in "._-" else "-" for c in plain)
        stem = (
            kept.strip(".-")[:40].rstrip(".-") or "split"
        )  # 40 characters of 4 bytes leave room for ".part" and a pid
        name, number = stem + suffix, 1
        while name.casefold() in taken:  # as file systems without case see it
            number += 1
            name = f"{stem}-{number}{suffix}"
        taken.add(name.casefold())
        names[split] = name
    return names


class Part(NamedTuple):
    """The rows of one file."""

    file: str
    split: str | None
    rows: pl.DataFrame


class Parted(NamedTuple):
    """Rows by the files that they go into."""

    files: list[Part]
    unsplit: pl.DataFrame
    """``id`` of rows without a split, where others have one: they go into no file."""


def part(rows: pl.DataFrame, suffix: str) -> Parted:
    """Return rows by their splits, or as one ``data`` file where no row has a split.

    Args:
        rows: ``dataset.ROWS``.
        suffix: of the files.
    """
    splits = in_order(rows["split"].drop_nulls().unique(maintain_order=True).to_list())
    unsplit = rows.filter(pl.col("split").is_null()).select("id")
    if not splits:
        return Parted([Part(f"data{suffix}", None, rows)], unsplit.head(0))
    named = file_names(splits, suffix)
    return Parted([Part(named[split], split, rows.filter(pl.col("split") == split)) for split in splits], unsplit)
