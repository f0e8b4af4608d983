"""The library: a folder of adapters, what is known of each, and which of them are due for a re-tune."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...curate.errors import DataError, UsageError, VetsetError, quote
from ...evaluate.models.model_folder import model_folder
from ...evaluate.models.weights_digest import tensor_names, weights_digest
from ...evaluate.runs.finding import find_runs
from ...evaluate.runs.training_data import LINEAGE
from .lineage import Base, Lineage, read_lineage

SETTINGS = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
TRASH = ".trash"


@dataclass(frozen=True)
class Adapter:
    """An adapter, as far as its folder tells."""

    folder: Path
    settings: Mapping[str, Any]
    """Of ``adapter_config.json``; empty of a whole model."""
    digest: str
    lineage: Lineage | None
    fault: str | None
    """Why there is no lineage."""

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    @property
    def whole(self) -> bool:
        """Whether it is a whole model: trained in full, or an adapter that was merged into its base."""
        return not self.settings

    @property
    def task(self) -> str:
        """What it is for, empty where nobody said."""
        return self.lineage.task if self.lineage else ""

    @property
    def base(self) -> str:
        """The model it was trained on, as it was called then."""
        told = self.settings.get("base_model_name_or_path")
        return self.lineage.base.name if self.lineage else told if isinstance(told, str) else ""

    @property
    def rank(self) -> int:
        """The highest rank of its layers."""
        pattern = self.settings.get("rank_pattern")
        ranks = [self.settings.get("r"), *(pattern.values() if isinstance(pattern, Mapping) else ())]
        return max((rank for rank in ranks if isinstance(rank, int)), default=0)

    def known(self) -> Lineage:
        """Return the lineage.

        Raises:
            UsageError: there is none.
        """
        if self.lineage is None:
            raise UsageError(self.fault or f"{self.folder} holds no lineage.")
        return self.lineage

    def days(self, now: datetime.datetime | None = None) -> float | None:
        """Return its age in days, ``None`` where nobody wrote down when it was finished."""
        try:
            finished = datetime.datetime.fromisoformat(self.lineage.finished if self.lineage else "")
            return ((now or datetime.datetime.now(datetime.UTC)) - finished).total_seconds() / 86_400
        except (ValueError, TypeError):
            return None


def open_adapter(folder: str | Path) -> Adapter:
    """Open the folder of an adapter that peft saved, whoever trained it, or of a whole model with a lineage.

    Raises:
        UsageError: there is none.
        DataError: its settings or weights are damaged.
    """
    folder = Path(folder)
    lineage, fault = None, None
    try:
        lineage = read_lineage(folder)
    except VetsetError as error:
        fault = str(error)
    if not (folder / SETTINGS).is_file():
        if lineage is None or not (folder / "config.json").is_file():
            raise UsageError(
                f"{folder} is no adapter: it holds no {SETTINGS}; give the folder that `vetset train` wrote."
            )
        return Adapter(folder, {}, weights_digest(folder), lineage, None)
    path = folder / SETTINGS
    try:
        settings = json.loads(path.read_text("utf-8"))
        if not isinstance(settings, dict) or not settings:
            raise ValueError("no settings")
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} is damaged ({quote(error, 80)}); train again, or take it from a copy.") from error
    if not (folder / WEIGHTS).is_file():
        raise DataError(f"{folder} holds no {WEIGHTS}; save the adapter again: pickled weights are not read.")
    held = tensor_names(folder / WEIGHTS)
    ends = [one["data_offsets"][1] for one in held.values() if "data_offsets" in one]
    if (folder / WEIGHTS).stat().st_size < max(ends, default=0):
        raise DataError(f"{folder / WEIGHTS} is cut off; train again, or take it from a copy.")
    return Adapter(folder, settings, weights_digest(folder), lineage, fault)


def find_adapters(place: str | Path) -> tuple[list[Adapter], list[str]]:
    """Return the adapters in a folder, it and one and two levels down, by name, and a sentence a folder that can't be opened.

    Raises:
        UsageError: there is no such folder.
    """
    place = Path(place)
    if not place.is_dir():
        raise UsageError(f"{place} is no folder; name the one that holds the adapters.")
    found, faults = [], []
    names = [depth + name for depth in ("", "*/", "*/*/") for name in (SETTINGS, LINEAGE)]
    folders = {path.parent for name in names for path in place.glob(name)}
    for folder in sorted(folders):
        inside = folder.relative_to(place).parts
        if {TRASH, "checkpoints"} & set(inside) or any(part.startswith(".") for part in inside):
            continue
        try:
            found.append(open_adapter(folder))
        except VetsetError as error:
            faults.append(str(error))
    return found, faults


def verdicts(places: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """Return the newest verdict on each adapter by its digest: what ``compare`` wrote into the candidate's run, and ``run``."""
    found: dict[str, dict[str, Any]] = {}
    for folder in find_runs(places):  # the newest first
        try:
            run = json.loads((folder / "run.json").read_text("utf-8"))
            verdict = json.loads((folder / "verdict.json").read_text("utf-8"))
            identity = run["model"]["identity"]
            digest = identity.get("adapter") or identity["weights"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue  # no verdict, no adapter, or a run that its own commands will complain of
        if isinstance(digest, str) and isinstance(verdict, dict):
            found.setdefault(digest, {**verdict, "run": str(folder)})
    return found


def run_places(place: str | Path, runs: Iterable[str | Path] = ()) -> list[Path]:
    """Return where verdicts on the adapters of a folder are looked for: in it, beside it, in ``runs`` of both, and as given."""
    near = Path(place).resolve()
    places = [*map(Path, runs), near, near / "runs", near.parent, near.parent / "runs", Path.cwd() / "runs"]
    return [one for one in dict.fromkeys(one.resolve() for one in places) if one.is_dir()]


def base_folder(folder: Path, base: Base) -> Path:
    """Return where the base of an adapter stands on this machine.

    Raises:
        UsageError: nowhere.
    """
    beside = folder / base.path if base.path else None
    return beside if beside and (beside / "config.json").is_file() else model_folder(base.name or "unknown base")


def compare_adapters(one: Adapter, other: Adapter) -> dict[str, Any]:
    """Return what differs between two adapters: base, recipe, data, curves.

    Raises:
        UsageError: one of them has no lineage.
    """
    first, second = one.known(), other.known()
    ids = set(first.data.ids or ()), set(second.data.ids or ())
    recipes = _flat(first.recipe), _flat(second.recipe)
    asked = sorted(recipes[0].keys() | recipes[1].keys())
    values = {key: (recipes[0].get(key), recipes[1].get(key)) for key in asked}
    return {
        "names": [one.name, other.name],
        "same_base": None not in (first.base.digest, second.base.digest) and first.base.digest == second.base.digest,
        "recipe": {key: list(pair) for key, pair in values.items() if pair[0] != pair[1] and key != "out"},
        "data": {"both": len(ids[0] & ids[1]), "only": [len(ids[0] - ids[1]), len(ids[1] - ids[0])]},
        "versions": {
            name: [first.versions.get(name), second.versions.get(name)]
            for name in sorted(first.versions.keys() | second.versions.keys())
            if first.versions.get(name) != second.versions.get(name)
        },
        **{name: [getattr(each, name) for each in (first, second)] for name in ("tokens", "seconds", "cost", "energy_joules")},
        "curves": [{key: getattr(each.curves, key) for key in each.curves.__struct_fields__} for each in (first, second)],
    }  # fmt: skip


def _flat(recipe: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Dotted keys, as ``vetset train --set`` takes them."""
    flat: dict[str, Any] = {}
    for key, value in recipe.items():
        flat |= _flat(value, f"{above}{key}.") if isinstance(value, Mapping) and value else {above + key: value}
    return flat
