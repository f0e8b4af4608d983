"""What is trained on: the rows of a set, an export or a file, in the shape of the method, with the general rows mixed in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from ...curate.dataset import MESSAGE, Dataset, is_set
from ...curate.errors import DataError, UsageError, quote
from ...curate.exports.provenance import digest_rows, licenses_of, sha256
from ...curate.formats.records import target_of
from ...curate.manifest import PROVENANCE
from ...curate.messages import Said
from ...curate.reading.mapping import official_split, split_of_name
from ...curate.wording import counted
from ...evaluate.models.chat_template import turn
from ...evaluate.runs.training_rows import training_rows
from ..recipe import Method, Recipe

_WORDS = {"true": True, "1": True, "good": True, "yes": True, "up": True, "thumbs_up": True, "👍": True,
          "false": False, "0": False, "bad": False, "no": False, "down": False, "thumbs_down": False, "👎": False}  # fmt: skip
_VALID = ("validation", "dev")


@dataclass(frozen=True)
class Turns:
    """One row as a chat template takes it."""

    messages: list[dict[str, Any]]
    """The whole conversation; its last turn is the answer where there is one. A label is the answer of a row without."""
    tools: list[Any] | None
    target: str | None
    """What the answer says, or the calls that it makes as JSON; ``None`` where the row has no answer."""
    rejected: str | None
    good: bool | None
    """What a label of good or bad says of the answer."""

    def whole(self, method: Method) -> str | None:
        """The text of a row that is trained as it stands: any of cpt, and of sft a general one that nobody answers."""
        if method == "cpt":  # its rows are one turn, after which a label may stand as an answer
            return self.messages[0]["content"]
        alone = len(self.messages) == 1 and method == "sft" and self.target is None
        return self.messages[0]["content"] if alone else None

    @property
    def prompt(self) -> list[dict[str, Any]]:
        """The conversation before the answer."""
        return self.messages if self.target is None else self.messages[:-1]


@dataclass(frozen=True)
class Examples:
    """Rows of ``curate.dataset.ROWS``; those of ``train`` have a column ``general``, too."""

    train: pl.DataFrame
    valid: pl.DataFrame | None
    source: Path
    """The file or set that ``train`` is from."""
    sha256: str
    """Of that file; of a set over what its rows say (``digest_rows``)."""
    licenses: dict[str, int]
    """Licence to rows of ``source``, the most first; of an export's file as its provenance has them."""
    provenance: Path | None
    """The export's account beside the file, where it tells of this very file."""
    notes: list[str]
    """What is to be said of the data: sentences."""

    def digest(self, what: Literal["train", "valid", "general"]) -> str | None:
        """Return the SHA-256 over what the rows say; ``None`` where there are none."""
        rows = self.valid if what == "valid" else self.train.filter(pl.col("general") == (what == "general"))
        return digest_rows(rows) if rows is not None and rows.height else None


def examples(recipe: Recipe) -> Examples:
    """Read what a recipe trains on.

    Raises:
        UsageError: a path of the recipe is not there.
        DataError: a file can't be read, or rows lack what the method needs; the first of them is named.
    """
    data, valid = Path(recipe.data), None
    notes: list[str] = []
    if data.is_dir() and not is_set(data):
        data, beside = _files_in(data)
        valid = None if beside is None else training_rows(beside)
    rows = training_rows(data, tell=notes.append)
    whole = is_set(data)
    account, provenance = ({}, None) if whole else _account(data, notes)
    if recipe.valid is not None:
        at = Path(recipe.valid)
        valid = _valid_of(at) if is_set(at) else None
        valid = training_rows(at) if valid is None else valid
    elif whole:
        valid = _valid_of(data)
    train = _shaped(rows, recipe.method, str(data)).with_columns(general=pl.lit(False))
    # Most exports have no place for a row's licence, and an account of an older vetset tells none.
    licenses = account if account and rows["license"].null_count() == rows.height else licenses_of(train)
    if recipe.general is not None:
        train = pl.concat([train, _general(recipe, train.height, notes)])
    return Examples(
        train, None if valid is None else _shaped(valid, recipe.method, str(recipe.valid or data)), data,
        digest_rows(rows) if whole else sha256(data), licenses, provenance, notes,
    )  # fmt: skip


def turns(row: dict[str, Any]) -> Turns:
    """Return a row's conversation as a chat template takes it.

    Args:
        row: of ``Examples.train``, as ``iter_rows(named=True)`` gives it.

    Raises:
        DataError: tools or tool calls are no JSON list of objects.

    >>> said = {"role": "user", "content": "hi", "tool_calls": None, "tool_call_id": None, "extra": None}
    >>> turns({"messages": [said], "label": "greeting", "tools": None, "rejected": None}).messages[-1]
    {'role': 'assistant', 'content': 'greeting'}
    """
    asked, reply = target_of(row)
    try:
        messages = [_turn(message) for message in ([*asked, reply] if reply else asked)]
        tools = json.loads(row["tools"]) if row["tools"] else None
        if not isinstance(tools, list | None) or not all(isinstance(one, dict) for one in tools or ()):
            raise TypeError("tools are no list of objects")
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{row['file']} line {row['line']}: its tools or tool calls are no JSON list of objects ({quote(error, 80)}); "
            "`vetset check` with quality.schema finds such rows."
        ) from error
    judged = row["messages"][-1]["role"] == "assistant" if row["messages"] else False
    target = None if reply is None else reply["tool_calls"] if reply["content"] is None else reply["content"]
    good = _WORDS.get((row["label"] or "").strip().lower()) if judged else None
    return Turns(messages, tools or None, target, row["rejected"], good)


def _turn(message: dict[str, Any]) -> dict[str, Any]:
    said = Said(message["role"], message["content"], message["tool_calls"], message["tool_call_id"])
    return {**(json.loads(message["extra"]) if message["extra"] else {}), **turn(said)}


def _files_in(folder: Path) -> tuple[Path, Path | None]:
    """The train and the valid file of an export, or of any folder that calls them so."""
    files = [path for path in sorted(folder.iterdir()) if path.suffix in (".jsonl", ".json", ".csv", ".parquet")]
    train = [path for path in files if split_of_name(path.name) == "train"] or [
        path for path in files if path.stem == "data"  # of an export of rows without splits
    ]  # fmt: skip
    if not train:
        raise UsageError(f"{folder} holds no set and no train file of an export; name the file to train on.")
    return train[0], next((path for path in files if split_of_name(path.name) in _VALID), None)


def _valid_of(folder: Path) -> pl.DataFrame | None:
    from ...curate.decisions.applied import apply, head_for
    from ...curate.decisions.ledger import Ledger

    dataset = Dataset.open(folder)
    with Ledger.open(dataset.folder) as ledger:
        rows = apply(dataset.rows, head_for(ledger, dataset.rows).heads).rows
    names = [name for name in rows["split"].unique().drop_nulls() if official_split(name) in _VALID]
    rows = rows.filter(pl.col("split").is_in(names))
    return rows if rows.height else None


def _account(data: Path, notes: list[str]) -> tuple[dict[str, int], Path | None]:
    """Licences of a file by the export's account beside it, and that account; both empty where it is not about this file."""
    path = data.parent / PROVENANCE
    if not path.is_file():
        return {}, None
    try:
        account = json.loads(path.read_text(encoding="utf-8"))
        told = next((one for one in account["files"] if one["name"] == data.name), None)
        if told is None:
            return {}, None
        if told["sha256"] == sha256(data):
            return dict(told.get("licenses") or {}), path
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}, None  # somebody else's file of that name
    notes.append(
        f"{data} is not as it was exported ({path} has another digest), so where its rows are from is unknown."
    )
    return {}, None


_LAST = pl.col("messages").list.last()
_SAYS = (_LAST.struct.field("role") == "assistant").fill_null(False)
_ANSWERS = _SAYS & (
    _LAST.struct.field("content").fill_null("").str.contains(r"\S") | _LAST.struct.field("tool_calls").is_not_null()
)
_LABELLED = ~_SAYS & pl.col("label").fill_null("").str.contains(r"\S")
_ASKS = pl.col("messages").list.len() > _SAYS.cast(pl.Int8)
_PAIR = _ANSWERS & pl.col("rejected").is_not_null()
_JUDGED = _ANSWERS & pl.col("label").str.strip_chars().str.to_lowercase().is_in(list(_WORDS)).fill_null(False)
_NEEDS: dict[Method, tuple[pl.Expr, str]] = {
    "sft": (_ANSWERS | _LABELLED, "an answer (an assistant's last turn, or a label)"),
    "distil": (_ASKS, "a question"),  # it learns from answers of its own; prompts alone will do
    "dpo": (_PAIR & _ASKS, "a question, a better and a worse answer (`chosen` and `rejected`)"),
    "orpo": (_PAIR & _ASKS, "a question, a better and a worse answer (`chosen` and `rejected`)"),
    "kto": (
        (_PAIR | _JUDGED) & _ASKS,
        "a question, and an answer with a label of good or bad (`vetset read --label` says where), or a better and a worse",
    ),
    "grpo": (_ASKS, "a question"),
    "cpt": (
        pl.col("messages").list.len() == 1,
        'one text and nothing else (of conversations sft with loss = "all" trains everything)',
    ),
}


def _shaped(rows: pl.DataFrame, method: Method, name: str, *, texts: bool = False) -> pl.DataFrame:
    """Refuse rows that the method can't learn from, of which texts may be some; kto learns from both sides of a pair."""
    need, words = _NEEDS[method]
    need = need | _NEEDS["cpt"][0] if texts else need
    short = rows.filter(~need)
    if short.height:
        first = short.row(0, named=True)
        raise DataError(
            f"{first['file']} line {first['line']}: {method} needs {words}, and {counted(short.height, 'row')} of "
            f"{rows.height:,} in {name} lack it; leave them out, or take another method."
        )
    if method != "kto" or rows["rejected"].null_count() == rows.height:
        return rows
    said = {field.name: pl.lit(None, field.dtype) for field in MESSAGE.fields}
    said |= {"role": pl.lit("assistant"), "content": pl.col("rejected")}
    worse = pl.struct([value.alias(name) for name, value in said.items()])
    pairs, alone = rows.filter(pl.col("rejected").is_not_null()), rows.filter(pl.col("rejected").is_null())
    before = pl.col("messages").list.slice(0, pl.col("messages").list.len() - 1)
    sides = [
        pairs.with_columns(label=pl.lit("true")),
        pairs.with_columns(messages=pl.concat_list(before, worse), label=pl.lit("false")),
    ]
    return pl.concat([pl.concat(sides).with_columns(rejected=pl.lit(None, pl.String)), alone])


def _general(recipe: Recipe, height: int, notes: list[str]) -> pl.DataFrame:
    """Rows that keep what a model knows: as many as are their share of an epoch, several times where they are too few."""
    rows = _shaped(training_rows(Path(str(recipe.general))), recipe.method, str(recipe.general), texts=True)
    if recipe.method == "sft" and (texts := rows.filter(~_NEEDS["sft"][0]).height):
        notes.append(
            f"{counted(texts, 'row')} of {recipe.general} have no answer and are trained whole, as plain texts."
        )
    wanted = max(1, round(height * recipe.general_share / (1 - recipe.general_share)))
    draw = np.random.default_rng(recipe.seed)
    order = np.concatenate([draw.permutation(rows.height) for _ in range(-(-wanted // rows.height))])[:wanted]
    if wanted > rows.height:
        notes.append(
            f"{recipe.general} has {counted(rows.height, 'row')} and {recipe.general_share:.0%} of an epoch are {wanted:,}, so "
            f"they come up to {-(-wanted // rows.height)} times; give more, or a smaller general_share."
        )
    return rows[order].with_columns(general=pl.lit(True))
