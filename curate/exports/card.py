"""The dataset card: ``README.md`` of an export, with the header that dataset hubs read."""

from __future__ import annotations

import json
import re
from typing import Any

from ..distill.teachers import WORDS
from ..errors import quote
from ..formats.wire import FORMATS
from ..wording import counted

_SIZES = {
    1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M", 10_000_000: "1M<n<10M",
}  # fmt: skip
_TASKS = {"text-label": "text-classification", "csv": "text-classification"}
_FATES = {
    "held": "held back: a blocking finding stands",
    "unsplit": "in no split", "left_out": "left out: the format has no place for them",
}  # fmt: skip
_MOST = 30  # lines of a table: past that a reader is better served by provenance.json


def escape(text: object, limit: int = 80) -> str:
    r"""Return text from the data as plain text of Markdown: no table, link, code, HTML or line is made by it.

    >>> escape("a|b <img src=x>")
    'a\\|b &lt;img src=x&gt;'
    """
    if text is None:
        return "-"
    shown = quote(text, limit)[1:-1]
    shown = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    shown = re.sub(r"([\\`*_{}\[\]()#+!|~$-])", r"\\\1", shown)
    # A bare address becomes a link in most renderers; with an entity in it, it stays text.
    return shown.replace("://", "&#58;//").replace("@", "&#64;").replace("www.", "www&#46;")


def card(document: dict[str, Any]) -> str:
    """Return the card of an export, from its account (``account.compose``)."""
    counts, options = document["counts"], document["options"]
    parts = [
        _header(document),
        f"# {counted(counts['written'], 'vetted row')}\n\n{_about(document)}\n",
        _table("Files", ("file", "split", "rows", "bytes"), [
            (escape(f["name"]), escape(f["split"]), f"{f['rows']:,}", f"{f['bytes']:,}") for f in document["files"]
        ]),
        _table("Sources and licences", ("source", "licence", "origin", "rows"), [
            (escape(s["source"]), escape(s["license"]), escape(s["origin"]), f"{s['rows']:,}")
            for s in document["sources"]
        ]),
        _synthetic(document.get("synthetic")),
        _table("What it was made from", ("input", "rows", "rejected lines", "sha256"), [
            (escape(i["path"]), f"{i['rows']:,}", f"{i['rejects']:,}", escape(str(i.get("sha256"))[:12]))
            for i in document["inputs"]
        ]),
        _taken_out(document),
        _findings(document),
        _format_losses(document, options["format"]),
        _VERIFY,
    ]  # fmt: skip
    return "\n".join(part for part in parts if part)


def _header(document: dict[str, Any]) -> str:
    """The YAML block. JSON texts are YAML texts, so what came from the data can't break out of its quotes."""
    licences = sorted({s["license"] for s in document["sources"] if s["license"]})
    known = [licence.lower() for licence in licences if re.fullmatch(r"[A-Za-z0-9.+-]{1,40}", licence)]
    unknown = len(known) < len(licences) or any(not s["license"] for s in document["sources"])
    known = list(dict.fromkeys(known))
    names = [*known, *(["unknown"] if (unknown or not known) and "unknown" not in known else [])]
    size = next((name for most, name in _SIZES.items() if document["counts"]["written"] < most), "n>10M")
    form = document["options"]["format"]
    synthetic = ["synthetic"] if document.get("synthetic") else []
    lines = ["---", *_listed("license", names), *_listed("tags", ["vetset", form, *synthetic])]
    lines += _listed("task_categories", [_TASKS.get(form, "text-generation")])
    lines += [*_listed("size_categories", [size]), "configs:", "- config_name: default", "  data_files:"]
    for split, file in zip(split_names(document["files"]), document["files"], strict=True):
        lines += [f"  - split: {json.dumps(split)}", f"    path: {json.dumps(file['name'])}"]
    return "\n".join([*lines, "---", ""])


def _listed(key: str, values: list[str]) -> list[str]:
    return [f"{key}:", *(f"- {json.dumps(value)}" for value in values)]


def split_names(files: list[dict[str, Any]]) -> list[str]:
    """Return a name for each file's split as hubs allow it: letters, digits and underscores, none twice."""
    names: list[str] = []
    for file in files:
        stem = re.sub(r"\W+", "_", file["split"] or "train", flags=re.ASCII).strip("_")[:40] or "split"
        name, number = stem, 1
        while name in names:
            number += 1
            name = f"{stem}_{number}"
        names.append(name)
    return names


def _about(document: dict[str, Any]) -> str:
    counts, made, options = document["counts"], document["made_with"], document["options"]
    what = FORMATS[options["format"]].what
    text = (
        f"Written by vetset {escape(made['vetset'])} as `{options['format']}` ({what}). "
        f"Read: {counted(counts['read'], 'row')}; rejected: {counted(counts['rejects'], 'line')}; in the files: "
        f"{counted(counts['written'], 'row')}."
    )
    if counts["kept_blocking"]:
        text += f" Kept on request though a blocking finding stands: {counted(counts['kept_blocking'], 'row')}."
    return "\n\n".join([text, *map(escape_sentence, document["notes"])])


def escape_sentence(text: str) -> str:
    """Return a sentence of vetset's own, which may hold a few words of the data."""
    return escape(text, 400)


def _table(title: str, heads: tuple[str, ...], lines: list[tuple[str, ...]]) -> str:
    if not lines:
        return ""
    table = [f"## {title}", "", f"| {' | '.join(heads)} |", f"|{'-|' * len(heads)}"]
    table += [f"| {' | '.join(line)} |" for line in lines[:_MOST]]
    if len(lines) > _MOST:
        table += ["", f"{counted(len(lines) - _MOST, 'more line')} in `provenance.json`."]
    return "\n".join([*table, ""])


def _synthetic(account: dict[str, Any] | None) -> str:
    """Tell of rows that a teacher wrote: by whom, under which terms, on whose word, and by which recipe."""
    if account is None:
        return ""
    teachers = [
        (escape(one["teacher"]), escape(one["revision"]), f"{one['rows']:,}",
         WORDS[one["training"]] + " (waived)" * one["waived"], escape(one["source"], 120), escape(one["dated"]),
         "the recipe" if one["by"] == "recipe" else "vetset's table")
        for one in account["teachers"]
    ]  # fmt: skip
    heads = ("teacher", "revision", "rows", "training of other models", "source", "looked up", "says")
    parts = [_table(f"Synthetic rows: {account['rows']:,}", heads, teachers)]
    parts += [f"- {escape(one['teacher'])}: {escape_sentence(one['says'])}" for one in account["teachers"][:_MOST]]
    if account["waiver"] is not None:
        said = account["waiver"]
        parts.append(
            f"\nTerms that are not open were waived by {escape(said['by'])}: {escape_sentence(said['reason'])}"
        )
    runs = [
        (escape(one["run"]), escape(one["kind"]), f"{one['rows']:,}", escape((one["recipe"] or "unknown")[:12]))
        for one in account["runs"]
    ]
    return "\n".join([*parts, "", _table("Runs that made them", ("run", "kind", "rows", "recipe sha256"), runs)])


def _taken_out(document: dict[str, Any]) -> str:
    counts = document["counts"]
    lines = [
        (what, "-", "-", f"{counts[fate]:,}") for fate, what in _FATES.items() if counts[fate] and fate != "dropped"
    ]
    lines += [
        ("dropped", escape(d["rule"] or "by hand"), escape(d["reviewer"]), f"{d['rows']:,}")
        for d in document["decisions"]["dropped"]
    ]
    if not lines:
        return "## What was taken out\n\nNothing: every row that was read is in the files.\n"
    return _table("What was taken out", ("what", "rule", "by", "rows"), lines)


def _findings(document: dict[str, Any]) -> str:
    lines = [
        (f"`{rule}`", *(f"{of[name]:,}" for name in ("found", "settled", "standing", "held")))
        for rule, of in document["rules"].items()
    ]
    return _table("What the checks found", ("rule", "found", "settled", "standing", "held"), lines)


def _format_losses(document: dict[str, Any], form: str) -> str:
    if not document["losses"]:
        return ""
    lines = [f"- {escape_sentence(loss['sentence'])}" for loss in document["losses"]]
    return "\n".join([f"## What `{form}` could not carry", "", *lines, ""])


_VERIFY = """## How to verify

`vetset verify .` in this folder recomputes every digest and count. `provenance.json` holds the whole account,
`lineage.parquet` says of every row that was read where it went and why, `decisions.jsonl` who decided what.
"""
