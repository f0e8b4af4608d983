"""The model card: ``README.md`` of an adapter, filled from its lineage, with a head that the Hugging Face hub reads."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any

from ...curate import disk
from ...curate.licence_terms import Terms, terms
from ...curate.masking import mask
from ...curate.spdx import identify
from ...curate.wording import counted
from ...evaluate.interchange.yaml_text import to_yaml
from .lineage import Data, Lineage

FILE = "README.md"
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[\w.-]{1,96}\Z", re.ASCII)
_HUB_LICENSES = frozenset(
    (
        "apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-4.0", "cc-by-3.0", "cc-by-sa-4.0", "cc-by-sa-3.0",
        "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "cc-by-nc-nd-4.0", "cc-by-nd-4.0", "gpl-3.0", "agpl-3.0", "lgpl-3.0", "odbl", "pddl",
        "unlicense", "gemma", "llama2", "llama3", "llama3.1", "llama3.2", "llama3.3", "openrail", "bigscience-openrail-m",
    )
)  # fmt: skip
"""Names that the hub knows (huggingface.co/docs/hub/repositories-licenses); any other is ``other`` with a license_name."""

_ROWS_MATTER = 500  # below, what a score says of a model is chance to a good part


def write_card(folder: str | Path, lineage: Lineage, verdict: Mapping[str, Any] | None = None) -> Path:
    """Write the model card into an adapter's folder, and return its path."""
    path = Path(folder) / FILE
    text = card(lineage, _settings(Path(folder)), verdict)
    disk.write_whole(path, lambda beside: beside.write_text(text, "utf-8"))
    return path


def card(lineage: Lineage, adapter: Mapping[str, Any] | None, verdict: Mapping[str, Any] | None = None) -> str:
    """Return the card.

    Args:
        lineage: of the adapter.
        adapter: its ``adapter_config.json``; ``None`` for a whole model.
        verdict: as ``verdict.json`` holds it, where somebody compared.
    """
    name, said = license_of(lineage)
    hub = name.lower() in _HUB_LICENSES or name == "unknown"
    base = lineage.base.name
    head = {
        "base_model": base
        if _HUB_NAME.match(base) and not lineage.base.path
        else PurePosixPath(base).name or "unknown",
        "base_model_relation": "finetune" if adapter is None else "merge" if lineage.parents else "adapter",
        "library_name": "transformers" if adapter is None else "peft",
        "pipeline_tag": "text-generation",
        "license": name.lower() if hub else "other",
        **({} if hub else {"license_name": re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-")}),
        "tags": ["vetset", *(["lora"] if adapter is not None else []), *([lineage.method] if lineage.method else [])],
    }
    parts = [
        f"---\n{to_yaml(head)}---\n",
        f"# {_plain(lineage.task or 'An adapter', 80)}\n",
        f"{_what(lineage, adapter)}\n",
        f"## Data\n\n{_rows('trained on', lineage.data)}",
        *([_rows("general rows, mixed in so that less is forgotten", lineage.general)] if lineage.general else []),
        *([_rows("whose loss picked the checkpoint", lineage.valid)] if lineage.valid else []),
        f"Licence: {said}\n",
        *([f"## Training\n\n{_training(lineage)}"] if not lineage.parents else [_merged(lineage)]),
        f"## Evaluation\n\n{_evaluation(verdict)}\n",
        f"## Limits\n\n{_limits(lineage)}",
    ]  # fmt: skip
    return "\n".join(parts)


def license_of(lineage: Lineage) -> tuple[str, str]:
    """Return the name of the licence that data and base leave to the adapter, ``unknown`` where one is not known, and a sentence.

    A reading aid: several licences are all named, and the strictest is said.
    """
    parts = [part for part in (lineage.data, lineage.general) if part]
    rows: dict[str, int] = {}
    for name, count in (pair for part in parts for pair in part.licenses.items()):
        rows[name] = rows.get(name, 0) + count
    given = {name: terms(name) for name in (*rows, *([lineage.base.license] if lineage.base.license else []))}
    named = ", ".join(f"{_plain(name, 60)} ({counted(count, 'row')})" for name, count in rows.items()) or "unknown"
    whole = f"Of the data: {named}; of the base: {_plain(lineage.base.license or 'unknown', 60)}."
    lacking = not lineage.base.license or not all(part.licenses for part in parts)
    if lacking or any(of.kind == "unknown" for of in given.values()):
        return "unknown", f"unknown. {whole} Find out what is not known before you pass this on."
    name = " and ".join(sorted({identify(name) or name for name in given}))
    return name, f"{_plain(name, 200)}. {whole} The strictest allows {max(given.values(), key=_strictness).said}."


def _strictness(of: Terms) -> int:
    order = ("free", "attribution", "share-alike", "own", "read", "no-derivatives", "no-commercial", "unknown")
    return order.index(of.kind)


def _what(lineage: Lineage, adapter: Mapping[str, Any] | None) -> str:
    rank = f"of rank {adapter['r']} " if adapter and isinstance(adapter.get("r"), int) else ""
    kind = "A whole model made from" if adapter is None else f"A LoRA adapter {rank}over"
    revision = f" (revision {_plain(lineage.base.revision, 40)})" if lineage.base.revision else ""
    base = f"`{_code(PurePosixPath(lineage.base.name).name if lineage.base.path else lineage.base.name)}`{revision}"
    return (
        f"{kind} {base}, weights {_plain(lineage.base.digest or 'unknown', 40)}. Made {_plain(lineage.finished, 25)}."
    )


def _rows(what: str, data: Data) -> str:
    told = f"- {counted(data.rows, 'row')} {what}"
    told += "" if data.seen is None else f", of which the run read {data.seen:,} before it ended"
    told += f", of `{_code(PurePosixPath(data.path).name)}`" if data.path else ""
    return told + (f" (sha256 `{_code(data.sha256[:16])}`)\n" if data.sha256 else "\n")


def _read(data: Data) -> int:
    return data.rows if data.seen is None else data.seen


def _training(lineage: Lineage) -> str:
    recipe, curves = lineage.recipe, lineage.curves
    lines = {
        "Method": f"{lineage.method}{', all weights' if recipe.get('full') else ''}",
        "Epochs, batch": f"{recipe.get('epochs')}{' at most' if recipe.get('steps') else ''}, {recipe.get('batch')}",
        "Learning rate": recipe.get("learning_rate"),
        "Seed": lineage.seed,
        "Steps": f"{curves.steps:,}{', stopped early' if curves.stopped_early else ''}",
        "Loss": _span(curves.first_loss, curves.last_loss),
        "Valid loss": _span(curves.first_valid_loss, curves.last_valid_loss),
        "Best valid loss": None if curves.best_valid_loss is None else f"{curves.best_valid_loss:.4g} at step {curves.best_step}",
        "Tokens": None if lineage.tokens is None else f"{lineage.tokens:,}",
        "Time": None if lineage.seconds is None else f"{lineage.seconds:,.0f} s on {lineage.device}",
        "Cost": None if lineage.cost is None else f"{lineage.cost:,.2f} in the currency of the recipe's price",
        "Energy": None if lineage.energy_joules is None else f"{lineage.energy_joules / 3.6e6:,.4g} kWh by the GPU's counter",
        "Versions": ", ".join(f"{name} {of}" for name, of in lineage.versions.items()),
    }  # fmt: skip
    told = [f"| {name} | {_plain(value, 300)} |" for name, value in lines.items() if value not in (None, "")]
    said = {name: value for name, value in recipe.items() if name not in PLACES and value not in (None, [], {}, "")}
    recipe_text = json.dumps(said, ensure_ascii=True)
    return "\n".join(["| | |", "|-|-|", *told, "", "Recipe:", "", f"    {_code(recipe_text, 4000)}", ""])


PLACES = (
    "base",
    "data",
    "out",
    "valid",
    "evalsets",
    "general",
    "template",
    "teacher",
)  # folders of somebody's machine


def _merged(lineage: Lineage) -> str:
    told = [f"- {_plain(one.name, 80)} by {one.weight:g} (`{_code(one.digest)}`)" for one in lineage.parents]
    return "\n".join(["## Merged from", "", *told, ""])


def _span(first: float | None, last: float | None) -> str | None:
    return None if first is None or last is None else f"{first:.4g} to {last:.4g}"


def _evaluation(verdict: Mapping[str, Any] | None) -> str:
    if verdict is None:
        return (
            "Unknown: nobody has compared it to the base yet (`vetset eval BASE --adapter FOLDER`, `vetset compare`)."
        )
    evalset = verdict.get("evalset")
    of = evalset if isinstance(evalset, Mapping) else {}
    asked = f"Eval set {_plain(of.get('name'), 80)}, part {_plain(of.get('part'), 20)}"
    return f"**{_plain(verdict.get('verdict'), 20)}**: {_plain(verdict.get('reason'), 600)}\n\n{asked}."


def _limits(lineage: Lineage) -> str:
    lines = [
        f"It learnt from {counted(_read(lineage.data), 'row')} for one task; what it does on anything else is not known."
    ]
    if 0 < _read(lineage.data) < _ROWS_MATTER:
        lines.append(f"Fewer than {_ROWS_MATTER} rows: it may have learnt them by heart.")
    if not lineage.general:
        lines.append("No general rows were mixed in, so it may have forgotten what the base could do.")
    if lineage.recipe.get("quantize"):
        lines.append("It was trained over a base in 4 bits; over the 16-bit base its scores may differ.")
    return "".join(f"- {line}\n" for line in lines)


def _settings(folder: Path) -> Mapping[str, Any] | None:
    try:
        found = json.loads((folder / "adapter_config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, Mapping) else None


def _plain(text: object, limit: int) -> str:
    """A user's text as Markdown and HTML show it: masked, on one line, cut, with nothing in it that they would obey."""
    line = " ".join(mask(str(text)[:4_000]).split())
    cut = line[:limit] + ("…" if len(line) > limit else "")
    shown = escape("".join(c for c in cut if c.isprintable()), quote=False)
    # Addresses, too, of which Markdown makes links without any mark; a parenthesis is one only behind a bracket.
    return re.sub(r"([\\`*_{}\[\]#!|~@$]|:(?=//)|(?<=www)\.)", r"\\\1", shown)


def _code(text: str, limit: int = 80) -> str:
    """The same between the marks of code, where no escape is read."""
    line = " ".join(mask(text[:4_000]).split())[:limit]
    return "".join(c for c in line.replace("`", "'") if c.isprintable())
