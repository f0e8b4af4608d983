"""The record of a run of OpenAI's ``evals``: JSON Lines with a ``spec``, events, and a ``final_report``.

Source: evals 3.0.1, ``evals/record.py`` (``LocalRecorder``), ``evals/base.py`` (``RunSpec``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...curate.errors import DataError, UsageError
from .bounded import json_lines
from .record import Logged, Record, last_user, mapping, only_numbers, sequence, text, whole


def read(paths: Sequence[Path], *, only: str | None = None) -> Logged:
    """Return the answers of one record.

    Args:
        paths: one file.
        only: a record is of one model; must be ``None``.

    Raises:
        UsageError: more than one file, or a model to choose.
        DataError: the file is no record of such a run.
    """
    if len(paths) != 1 or only is not None:
        raise UsageError("a record of OpenAI's evals is one run of one model; give one file, and no --only.")
    spec: Mapping[str, Any] = {}
    events: dict[str, dict[str, Mapping[str, Any]]] = {}
    for line in json_lines(paths[0]):
        if "spec" in line:
            spec = mapping(line["spec"])
        elif isinstance(line.get("sample_id"), str) and isinstance(line.get("type"), str):
            # Of several the last counts: an eval that asks step by step is judged by its end.
            events.setdefault(line["sample_id"], {})[line["type"]] = mapping(line.get("data"))
    if not spec or not events:
        raise DataError(
            f"{paths[0]} holds no spec and events, so it is no record of OpenAI's evals; give what --record_path wrote."
        )
    models = sequence(spec.get("completion_fns"))
    logged = Logged(
        tool="openai-evals",
        task=str(spec.get("base_eval") or spec.get("eval_name") or paths[0].stem),
        model=str(models[0]) if models else "model",
        records=[],
        primary="match",
        identity={"completion_fns": [str(model) for model in models]},
        prompt={"name": f"openai-evals {spec.get('eval_name')}"},
        at=text(spec.get("created_at")),
    )
    found = sorted(events.items(), key=lambda item: _place(item[0]))
    logged.records = [_record(by_type) for _, by_type in found]
    kind = str(mapping(mapping(spec.get("run_config")).get("eval_spec")).get("cls") or "")
    if "modelgraded" in kind:
        logged.judged = {"match": kind.rpartition(":")[2]}
    only_numbers(logged.records, {"match": [_match(by_type) for _, by_type in found]}, logged)
    return logged


def _place(sample_id: str) -> tuple[str, int, str]:
    """The order of the samples file, which threads don't keep: the number at the end of ``EVAL.SPLIT.3``."""
    head, _, tail = sample_id.rpartition(".")
    return (head, int(tail), "") if tail.isdecimal() and len(tail) < 10 else (head, 0, tail)


def _match(by_type: Mapping[str, Mapping[str, Any]]) -> Any:
    return mapping(by_type.get("match")).get("correct")


def _record(by_type: Mapping[str, Mapping[str, Any]]) -> Record:
    match, sampling = by_type.get("match", {}), by_type.get("sampling", {})
    raw, error = mapping(by_type.get("raw_sample")), by_type.get("error")
    said = sampling.get("sampled", match.get("sampled"))
    prompt, expected = sampling.get("prompt", match.get("prompt", raw.get("input"))), match.get("expected")
    usage, metadata = mapping(sampling.get("usage")), mapping(raw.get("metadata"))
    failed = error is not None and said is None
    return Record(
        question=prompt if isinstance(prompt, str) else last_user(prompt) or "",
        reference=text(expected[0] if isinstance(expected, list) and len(expected) == 1 else expected),
        output=text(said[0] if isinstance(said, list) and len(said) == 1 else said),
        scores={},
        id=text(metadata.get("id")),
        digest=text(metadata.get("digest")),
        part=text(metadata.get("part")) if "digest" in metadata else None,
        prediction=text(match.get("picked")),
        finish="error" if failed else "stop",
        error=str(mapping(error).get("message") or "the record tells no cause")[:500] if failed else None,
        prompt_tokens=whole(usage.get("prompt_tokens")),
        completion_tokens=whole(usage.get("completion_tokens")),
    )
