"""``lineage.json`` in an adapter's folder: what it was made of, how, and what that took."""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
from collections.abc import Mapping
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from ...curate import disk
from ...curate.errors import DataError, UsageError, quote
from ...curate.exports.provenance import digest_ids, licenses_of
from ...curate.exports.provenance import sha256 as digest_of
from ...evaluate.models.weights_digest import tokenizer_digest, weights_digest
from ...evaluate.runs.training_data import LINEAGE
from ..curves import Curves, read_curves, summary
from ..recipe import Recipe

if TYPE_CHECKING:
    from ..rows.examples import Examples

FORMAT = 1
_LIBRARIES = ("vetset", "torch", "transformers", "trl", "peft", "accelerate", "bitsandbytes")


class Data(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that were trained on. ``vetset eval --adapter`` reads ``path``, ``sha256``, ``rows`` and ``ids``."""

    path: str | None = None
    """As seen from the adapter's folder, so that both can be moved together."""
    sha256: str | None = None
    """Of the file; of a set over what the rows of its train split say (``digest_rows``)."""
    rows: int = 0
    seen: int | None = None
    """Rows that were read before the run ended; ``None`` where each was, once or more."""
    ids: list[str] | None = None
    """``None`` where nobody knows them."""
    rows_sha256: str | None = None
    """Over the ids, sorted, one a line."""
    licenses: dict[str, int] = {}
    provenance: str | None = None
    """SHA-256 of the ``provenance.json`` that came with the file."""


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """The model before training."""

    name: str = ""
    """As the recipe calls it."""
    path: str | None = None
    digest: str | None = None
    """Of its weights, see ``weights_digest``."""
    revision: str | None = None
    """Commit on the hub, where it came from there."""
    license: str | None = None


class Parent(msgspec.Struct, frozen=True, kw_only=True):
    """An adapter that was merged."""

    name: str
    path: str
    digest: str
    weight: float


class Lineage(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of an adapter, or of a model that adapters were merged into."""

    format: int
    finished: str
    """UTC, ISO 8601."""
    task: str = ""
    method: str = ""
    recipe: dict[str, Any] = {}
    recipe_sha256: str | None = None
    data: Data = Data()
    general: Data | None = None
    valid: Data | None = None
    base: Base = Base()
    tokenizer: str | None = None
    template: str | None = None
    """SHA-256 of the chat template, 24 hex digits, as a run's manifest has it."""
    seed: int | None = None
    versions: dict[str, str] = {}
    device: str | None = None
    curves: Curves = Curves()
    tokens: int | None = None
    seconds: float | None = None
    cost: float | None = None
    """``price_per_hour`` of the recipe by the hours."""
    energy_joules: float | None = None
    plan: dict[str, Any] = {}
    parents: list[Parent] = []


def write_lineage(
    folder: str | Path, recipe: Recipe, examples: Examples, *, base: Path, device: str, seconds: float, tokens: int,
    stopped_early: bool = False, energy_joules: float | None = None, plan: Mapping[str, Any] | None = None,
) -> Lineage:  # fmt: skip
    """Write ``lineage.json`` and the model card into the folder of a trained adapter, and return what the first holds.

    ``curves.csv``, the weights and the tokenizer have to be there already.

    Args:
        folder: of the adapter.
        recipe: as it was trained.
        examples: what was trained on.
        base: folder of the model.
        device: in words, such as ``NVIDIA H100`` or ``cpu``.
        seconds: of training, all resumed parts together.
        tokens: that went through the model.
        stopped_early: the valid loss had no gain any more.
        energy_joules: two ``read_joules`` apart; ``None`` where no counter tells.
        plan: its figures (``Plan.figures``): the file is passed on with the adapter, so no text of a row.

    Raises:
        UsageError: the folder can't be written.
        DataError: the base or ``curves.csv`` is damaged.
    """
    from .model_card import write_card

    folder = Path(folder)
    resolved = recipe.model_copy(update={"learning_rate": recipe.rate})
    own, curves = examples.train.filter(~pl.col("general")), summary(read_curves(folder), stopped_early=stopped_early)
    mixed = examples.train.filter(pl.col("general"))
    lineage = Lineage(
        format=FORMAT, finished=now(), task=recipe.task or "", method=recipe.method,
        recipe=resolved.model_dump(mode="json"), recipe_sha256=recipe_digest(resolved),
        data=_data(
            own, folder, examples.source, sha256=examples.sha256, licenses=examples.licenses,
            seen=_seen(own.height, read_curves(folder)),
            provenance=None if examples.provenance is None else _sha256(examples.provenance),
        ),
        general=None if mixed.is_empty() else _data(
            mixed, folder, recipe.general, sha256=_sha256(recipe.general), licenses=licenses_of(mixed)
        ),
        valid=None if examples.valid is None else _data(examples.valid, folder, recipe.valid, sha256=_sha256(recipe.valid)),
        base=base_of(base, recipe.base, folder), tokenizer=tokenizer_digest(_tokenizer(folder, base)),
        template=template_digest(_tokenizer(folder, base)), seed=recipe.seed, versions=versions(), device=device,
        curves=curves, tokens=tokens, seconds=round(seconds, 3),
        cost=None if recipe.price_per_hour is None else round(recipe.price_per_hour * seconds / 3600, 6),
        energy_joules=energy_joules, plan=dict(plan or {}),
    )  # fmt: skip
    save_lineage(folder, lineage)
    write_card(folder, lineage)
    return lineage


def _seen(rows: int, curves: pl.DataFrame) -> int | None:
    """How many rows were read by the epoch of the last step; ``None`` where each was, or nobody knows."""
    share: Any = curves["epoch"].max()
    return None if share is None or share >= 1 else round(rows * share)


def save_lineage(folder: Path, lineage: Lineage) -> None:
    """Write ``lineage.json`` whole.

    Raises:
        UsageError: the folder can't be written.
    """
    # Hours of training must not be lost to a path that is no UTF-8 or a figure that is no JSON.
    told = _writable(msgspec.to_builtins(lineage, enc_hook=str))
    text = msgspec.json.format(msgspec.json.encode(told), indent=1) + b"\n"
    try:
        disk.write_whole(folder / LINEAGE, lambda beside: beside.write_bytes(text))
    except OSError as error:
        raise UsageError(
            f"{folder} can't be written ({error.strerror}); give a folder that you may write to."
        ) from error


def read_lineage(folder: str | Path) -> Lineage:
    """Return what the folder of an adapter says of it.

    Raises:
        UsageError: it says nothing.
        DataError: what it says is damaged, or of another vetset.
    """
    path = Path(folder) / LINEAGE
    try:
        data = path.read_bytes()
        found = msgspec.json.decode(data, type=dict[str, Any]).get("format")
        if found != FORMAT:
            newer = isinstance(found, int) and found > FORMAT
            raise DataError(
                f"{path} has {'no format' if found is None else f'format {quote(found, 20)}'}, this vetset reads {FORMAT}; "
                + ("update vetset." if newer else "train again to have one.")
            )
        return msgspec.json.decode(data, type=Lineage)
    except FileNotFoundError as error:
        raise UsageError(f"{folder} holds no {LINEAGE}; `vetset train` writes one beside the adapter.") from error
    except OSError as error:
        raise UsageError(f"{path} can't be read ({error.strerror}); give a folder that you may read.") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(
            f"{path} is damaged ({quote(error, 120)}); train again, or take it from a copy of the folder."
        ) from error


def recipe_digest(recipe: Recipe) -> str:
    """Return the SHA-256 of a recipe as it was resolved."""
    return sha256(json.dumps(recipe.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()


def base_of(base: Path, name: str, folder: Path) -> Base:
    """Return what the folder of a base model tells of it."""
    revision = base.name if base.parent.name == "snapshots" else None  # how the hub's cache is laid out
    path = None if revision else seen_from(folder, base)
    return Base(name=name, path=path, digest=weights_digest(base), revision=revision, license=base_license(base))


def seen_from(folder: Path, place: str | Path) -> str:
    """Return the way from a folder to a place; a link on it stays one, for what it leads to may be anywhere."""
    return os.path.relpath(os.path.abspath(place), folder.resolve())


def template_digest(folder: Path) -> str | None:
    """Return the digest of a folder's chat template, ``None`` where it has none."""
    try:
        source = (folder / "chat_template.jinja").read_text("utf-8")
    except OSError:
        try:
            source = json.loads((folder / "tokenizer_config.json").read_text("utf-8")).get("chat_template")
        except (OSError, ValueError, AttributeError):
            return None
    return sha256(json.dumps(source, sort_keys=True).encode()).hexdigest()[:24] if source else None


def versions() -> dict[str, str]:
    """Return the versions of what a training run rests on."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def now() -> str:
    """Return the time as a lineage has it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _writable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_writable(str(name)): _writable(item) for name, item in value.items()}
    return [_writable(item) for item in value] if isinstance(value, list) else value


def _data(rows: pl.DataFrame, folder: Path, source: str | Path | None, **said: Any) -> Data:
    ids = rows["id"].unique(maintain_order=True).to_list()  # general rows may come up again and again
    path = seen_from(folder, source) if source else None
    return Data(path=path, rows=rows.height, ids=ids, rows_sha256=digest_ids(rows["id"]), **said)


def _tokenizer(folder: Path, base: Path) -> Path:
    return folder if (folder / "tokenizer_config.json").is_file() else base


def _sha256(path: str | Path | None) -> str | None:
    if path is None or not Path(path).is_file():
        return None
    return digest_of(Path(path))


_HEAD = re.compile(r"\A---\s*\n(.*?)\n---", re.DOTALL)
_LICENSE = re.compile(r"^(license|license_name):[ \t]*[\"']?([^\"'\n#]{1,80}?)[\"']?[ \t]*$", re.MULTILINE)


def base_license(base: Path) -> str | None:
    """Return the licence as the head of a model's card names it, ``None`` where there is no card or no licence in it."""
    try:
        head = _HEAD.match((base / "README.md").read_text("utf-8", errors="replace")[:20_000])
    except OSError:
        return None
    told = dict(_LICENSE.findall(head[1])) if head else {}
    return told.get("license_name") if told.get("license") == "other" else told.get("license")
