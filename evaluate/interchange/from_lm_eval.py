"""The logs of lm-eval: ``samples_TASK_DATE.jsonl``, a line a document and filter, and the ``results_DATE.json`` beside them.

Source: lm-evaluation-harness 0.4.13, ``lm_eval/result_schema.py`` (``SampleResult``), ``loggers/evaluation_tracker.py``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...curate.errors import DataError, UsageError, quote
from .bounded import json_file, json_lines, within
from .judged import named_as_judged
from .record import Logged, Record, content, last_user, mapping, only_numbers, seconds, sequence, text, without_secrets
from .to_lm_eval import UNPARSED

_NAME = re.compile(r"samples_(?P<task>.+)_(?P<date>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?)\.jsonl(?:\.gz|\.zst)?\Z")
_NAMED = ("peft", "delta", "pretrained", "model", "path", "engine")  # arguments that lm-eval takes a model's name from
_WHOLE = "none"  # the filter that changes nothing
_FALLBACKS = {UNPARSED, "[invalid]"}  # what its pattern filters write where they find nothing


def read(paths: Sequence[Path], *, only: str | None = None) -> Logged:
    """Return the answers of one task.

    Args:
        paths: files of samples, of results, or folders that hold them.
        only: the task, where there are several.

    Raises:
        UsageError: there is no file of samples, or there are several tasks or runs and none is named.
        DataError: a file is not as lm-eval writes it.
    """
    samples, results = _files(paths, only)
    by_document: dict[tuple[Path, str], list[dict[str, Any]]] = {}
    for path in samples:
        for number, line in enumerate(json_lines(path), 1):
            if "resps" not in line or "doc" not in line:
                raise DataError(
                    f"{path} line {number:,} has no `doc` and `resps`; give the samples_*.jsonl that --log_samples writes."
                )
            by_document.setdefault((path, str(line.get("doc_id", number))), []).append(line)
    if not by_document:
        raise DataError(f"{samples[0]} holds no line; lm-eval logged no sample.")
    task = _task(samples[0])
    told = mapping(json_file(results)) if results is not None else {}
    logged = _of_results(told, task, samples[0])
    if results is None:
        logged.notes.append(_without_results(samples[0], logged.model))
    logged.files = [*samples, *([results] if results is not None else [])]
    _scored(list(by_document.values()), logged, mapping(mapping(told.get("higher_is_better")).get(task)))
    return logged


def _files(paths: Sequence[Path], only: str | None) -> tuple[list[Path], Path | None]:
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(path.rglob("samples_*.jsonl"))
        elif not path.exists():
            raise UsageError(f"{path}: no such file; give lm-eval's samples_*.jsonl, or the folder that holds it.")
        elif not path.name.startswith("results_"):
            found.append(path)
        else:
            found += sorted(path.parent.glob(f"samples_*_{path.stem.removeprefix('results_')}.jsonl"))
    found = list(dict.fromkeys(found))
    if not found:
        raise UsageError(f"{paths[0]} holds no samples_*.jsonl; run lm-eval with --log_samples.")
    tasks = sorted({_task(path) for path in found})
    if only is not None:
        found = [path for path in found if _task(path) == only]
    if not found or (only is None and len(tasks) > 1):
        raise UsageError(f"lm-eval logged the tasks {', '.join(tasks)}, and a run is of one; name it with --only.")
    if len(found) > 1:
        raise UsageError(f"{found[0]} and {found[1]} are {len(found)} runs of one task; give the file of one of them.")
    date = _NAME.match(found[0].name)
    beside = found[0].with_name(f"results_{date['date']}.json") if date else None
    return found, beside if beside is not None and beside.is_file() else None


def _without_results(samples: Path, model: str) -> str:
    """Say what is not known without the results, so that nobody takes two models for one, or a loss for a score."""
    date = _NAME.match(samples.name)
    name = f"results_{date['date']}.json" if date else "results_DATE.json"
    return (
        f"{samples.with_name(name)} is missing, which lm-eval writes beside its samples: the model is called {quote(model, 60)} "
        "by the folder's name, and its weights, settings and examples are not known (models in folders of one name are one); "
        "nor is of which scores less is better, nor whether vetset wrote the task, so answers are joined by content and scored "
        "under lm-eval's own names; copy it there and import again, or score anew with --scorer"
    )


def _task(path: Path) -> str:
    found = _NAME.match(path.name)
    return found["task"] if found else path.name.split(".")[0].removeprefix("samples_")


def _of_results(told: Mapping[str, Any], task: str, samples: Path) -> Logged:
    """What the results tell of the run; without them the folder's name is the model's, as lm-eval names it."""
    setup = mapping(mapping(told.get("configs")).get(task))
    of = mapping(told.get("config"))
    facts = mapping(setup.get("metadata"))
    date = seconds(told.get("date"))
    took = told.get("total_evaluation_time_seconds")
    arguments = of.get("model_args")
    # A model without a name in its arguments gets a random one, another in each run.
    named = any(key in arguments for key in _NAMED) if isinstance(arguments, dict | str) else not told
    name = str(
        (told.get("model_name") if named else told.get("model_source"))
        or samples.parent.name.replace("__", "/")
        or "model"
    )
    return Logged(
        tool="lm-eval",
        task=task,
        model=name,
        records=[],
        primary=None,
        identity={
            "source": told.get("model_source"),
            "model": name,
            "arguments": without_secrets(of.get("model_args")) or None,
            # Digests alone: a branch's name and a number format tell no weights from others.
            "weights": {key: of[key] for key in ("model_sha", "peft_sha", "delta_sha") if of.get(key)},
            "variant": {key: of[key] for key in ("model_revision", "model_dtype") if of.get(key)},
        },
        parameters=without_secrets({**mapping(setup.get("generation_kwargs")), **mapping(of.get("gen_kwargs"))}),
        prompt={
            "name": f"lm-eval {task}",
            "shots": setup.get("num_fewshot"),
            "system": told.get("system_instruction"),
            "chat_template": told.get("chat_template_sha"),
        },
        facts=dict(facts) if facts.get("vetset") else {},
        at=datetime.fromtimestamp(date, UTC).isoformat(timespec="seconds") if date and date < 1 << 33 else None,
        seconds=_float(took),
        tool_version=str(told["lm_eval_version"]) if told.get("lm_eval_version") else None,
    )


def _float(value: Any) -> float | None:
    try:
        return seconds(float(value))
    except (TypeError, ValueError):
        return None


def _scored(documents: list[list[dict[str, Any]]], logged: Logged, higher: Mapping[str, Any]) -> None:
    values: dict[str, list[Any]] = {}
    lower = [name for name, better in higher.items() if better is False]
    for place, lines in enumerate(documents):
        logged.records.append(_record(lines, logged))
        for line in lines:
            for metric in [name for name in sequence(line.get("metrics")) if isinstance(name, str)]:
                kept = line.get("filter") or _WHOLE
                name = str(metric) if kept == _WHOLE else f"{metric}.{kept}"
                if metric in lower:
                    logged.leave_out(f"values of {name}, of which less is better")
                    continue
                column = values.setdefault(name, [None] * len(documents))
                column[place] = line.get(metric)
    only_numbers(logged.records, values, logged)
    told = [name for name in values if name in logged.records[0].scores]
    logged.judged = {name: name for name in told if named_as_judged(name)}
    # A filter takes the answer out of the text, so what it found is what was meant to be scored.
    logged.primary = next((name for name in told if "." in name), told[0] if told else None)


def _record(lines: list[dict[str, Any]], logged: Logged) -> Record:
    first = next((line for line in lines if line.get("filter") not in (None, _WHOLE)), lines[0])
    doc = mapping(first.get("doc"))
    requests = [mapping(one) for one in mapping(first.get("arguments")).values()]
    answers = sequence(first.get("resps"))
    filtered = sequence(first.get("filtered_resps"))
    ours = bool(logged.facts)
    asked = _asked(requests)
    record = Record(
        question=(last_user(within(doc["messages"])) if ours and isinstance(doc.get("messages"), str) else None)
        or asked,
        reference=text(first.get("target")),
        output=None,
        scores={},
        id=doc.get("id") if ours and isinstance(doc.get("id"), str) else None,
        digest=doc.get("digest") if ours and isinstance(doc.get("digest"), str) else None,
        evalset=logged.facts.get("evalset_digest"),
        part=text(doc.get("part")) if "digest" in doc else None,  # also where no results tell whose task it is
        sample=0,
    )
    if len(requests) > 1:
        _chosen(record, requests, filtered)
        return record
    texts = sequence(answers[0]) if answers else []
    record.output = text(texts[0]) if texts else None
    if len(texts) > 1:
        logged.leave_out("repeated answers beside the first", len(texts) - 1)
    taken = text(filtered[0]) if filtered else None
    record.unparsed = taken in _FALLBACKS
    record.prediction = None if record.unparsed else taken
    return record


def _asked(requests: list[Mapping[str, Any]]) -> str:
    """Return the last user turn of the prompt where it is a chat; else all of it."""
    prompt = requests[0].get("arg_0") if requests else None
    whole = content(prompt) if not isinstance(prompt, str) else prompt
    if whole.startswith("[{"):
        return last_user(within(whole)) or whole
    return whole


def _chosen(record: Record, requests: list[Mapping[str, Any]], likelihoods: list[Any]) -> None:
    """Of a multiple choice: the likeliest continuation is the answer."""
    choices = [str(request.get("arg_1") or "").strip() for request in requests]
    logs = [_log(one) for one in likelihoods]
    best = max(range(len(logs)), key=lambda at: logs[at], default=None) if logs and len(logs) == len(choices) else None
    record.output = record.prediction = choices[best] if best is not None else None
    if record.reference is not None and record.reference.isdigit() and int(record.reference) < len(choices):
        record.reference = choices[int(record.reference)]


def _log(value: Any) -> float:
    """The log likelihood of a choice: lm-eval logs it as a number or a text, alone or beside whether it was the greedy one."""
    first: Any = value[0] if isinstance(value, list) and value else value
    try:
        return float(first)
    except (TypeError, ValueError):
        return float("-inf")
