"""Teachers' terms: whether what a model writes may train other models, by vetset's dated table or by the recipe's own word."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import msgspec
import polars as pl

from .terms_table import HOSTS, MODELS, SEEN, Line

WORDS: dict[str, str] = {
    "allowed": "allowed",
    "with-name": "allowed, and the model bears a name",
    "with-terms": "allowed, and terms are passed on",
    "same-family": "for models of the same family only",
    "no-competing": "not for models that compete",
    "non-commercial": "not for commercial use",
    "restricted": "restricted",
    "forbidden": "forbidden",
    "unknown": "unknown",
}
"""What terms say of training other models."""

OPEN = frozenset({"allowed", "with-name", "with-terms"})
"""Words under which rows may be written without anybody's word: the duties, where there are any, stand in the card."""

STATED = ("allowed", "restricted", "forbidden")
"""What a recipe may say; under ``restricted`` somebody has to say why this use is within."""

_TORN = re.compile(r"[/\\]")


@dataclass(frozen=True)
class Terms:
    """A teacher's terms, as far as they are known."""

    name: str
    training: str
    """One of ``WORDS``."""
    says: str
    """One sentence."""
    source: str | None
    dated: str | None
    """When it was looked up, ``YYYY-MM-DD``."""
    by: str
    """``vetset``: its table says so; ``recipe``: the user does."""

    @property
    def open(self) -> bool:
        """Whether rows may be written without a waiver."""
        return self.training in OPEN

    def summary(self) -> dict[str, Any]:
        """Return the terms as JSON values."""
        return asdict(self)


def terms_of(model: str, url: str | None = None, stated: Mapping[str, str] | None = None) -> Terms:
    """Return the terms of a teacher.

    The recipe's word goes before the table's, and is told as such. In the table the server goes before the model: its terms bind
    whoever calls it. A server that the table does not know may be the user's own, so there the model's licence holds.

    Args:
        model: its name: of a hub, a server, or a folder.
        url: of the server.
        stated: what the recipe says (``stated_terms``).

    >>> terms_of("meta-llama/Llama-3.1-8B-Instruct").training, terms_of("my-own").training
    ('with-name', 'unknown')
    """
    known = _known(model, url)
    if not stated or stated.get("training") not in STATED:
        return known
    says = f"The recipe says so of {model}."
    if known.training not in ("unknown", stated["training"]):
        says += f" vetset's table has: {WORDS[known.training]} ({known.source}, {known.dated})."
    return Terms(known.name, stated["training"], says, stated.get("source"), stated.get("dated"), "recipe")


@lru_cache(maxsize=1024)
def _known(model: str, url: str | None) -> Terms:
    host = _host(url)
    line = next((one for one in HOSTS if host and re.search(one.pattern, host)), None)
    line = line or next((one for one in MODELS if re.search(one.pattern, _plain(model))), None)
    if line is None:
        return Terms(model, "unknown", "vetset's table has no line for this model.", None, None, "vetset")
    return _as_terms(line)


def _as_terms(line: Line) -> Terms:
    return Terms(line.name, line.training, line.says, line.source, SEEN, "vetset")


def _plain(model: str) -> str:
    """Return the last part of a name, lower case: of ``openai:meta-llama/Llama-3.1-8B`` the model.

    A name with a tag (``llama3.1:8b``) keeps it.
    """
    name = model.partition("@")[0].removeprefix("openai:").rstrip("/\\")
    return _TORN.split(name)[-1].casefold()


def _host(url: str | None) -> str | None:
    try:
        return urlsplit(url).hostname if url else None
    except ValueError:
        return None


def terms_of_rows(made: pl.DataFrame) -> pl.DataFrame:
    """Return ``id, teacher, revision`` of synthetic rows with the terms: ``training, name, says, source, dated, by``.

    Args:
        made: ``lineage.synthetic`` of the rows.
    """
    asked = made.select("teacher", "url", "terms").unique(maintain_order=True)
    told = [
        terms_of(model, url, None if stated is None else msgspec.json.decode(stated, type=dict[str, str]))
        for model, url, stated in asked.iter_rows()
    ]
    columns = {
        name: [getattr(one, name) for one in told] for name in ("training", "name", "says", "source", "dated", "by")
    }
    table = asked.hstack(pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)))
    return (
        made.select("id", "teacher", "revision", "url", "terms")
        .join(table, on=["teacher", "url", "terms"], how="left", maintain_order="left", nulls_equal=True)
        .drop("url", "terms")
    )
