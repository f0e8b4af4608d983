"""The logs of Inspect: one JSON file, or a ``.eval`` zip with an entry a sample.

Source: Inspect 0.3.285, log schema version 2: ``inspect_ai/log/_log.py`` (``EvalLog``, ``EvalSample``, ``Score``),
``log/_recorders/eval.py`` (``header.json``, ``samples/``, ``_journal/start.json``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from json import dumps
from pathlib import Path
from typing import Any

from ...curate.errors import DataError, UsageError, quote
from ..models.protocol import Finish
from .bounded import Archive, json_file
from .judged import judged_by_scorer
from .record import (
    Logged,
    Record,
    content,
    last_user,
    mapping,
    only_numbers,
    seconds,
    sequence,
    text,
    whole,
    without_secrets,
)

_GRADES = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}  # its constants CORRECT, PARTIAL, INCORRECT, NOANSWER
_FINISHES: dict[str, Finish] = {
    "max_tokens": "length", "model_length": "length", "content_filter": "filtered", "tool_calls": "tool_calls",
}  # fmt: skip
_ATTACHED = "attachment://"


def read(paths: Sequence[Path], *, only: str | None = None) -> Logged:
    """Return the answers of one log.

    Args:
        paths: one file.
        only: no log holds more than one model and task; must be ``None``.

    Raises:
        UsageError: more than one file, or a model to choose.
        DataError: the file is no log of Inspect's.
    """
    if len(paths) != 1 or only is not None:
        raise UsageError("a log of Inspect's is one run of one model; give one file, and no --only.")
    path = paths[0]
    with path.open("rb") if path.is_file() else _missing(path) as opened:
        zipped = opened.read(4) == b"PK\x03\x04"
    if zipped:
        with Archive(path) as archive:
            return _logged(_header(archive), _entries(archive), path)
    log = mapping(json_file(path))
    return _logged(log, (mapping(sample) for sample in sequence(log.get("samples"))), path)


def _missing(path: Path) -> Any:
    raise UsageError(f"{path}: no such file; give a log of Inspect's, *.eval or *.json.")


def _header(archive: Archive) -> Mapping[str, Any]:
    """What stands before the samples; a run that was cut off has only written how it began."""
    name = next((name for name in ("header.json", "_journal/start.json") if name in archive.names), None)
    if name is None:
        raise DataError(
            f"{archive.path} holds no header.json, so it is no log of Inspect's; give the *.eval that it wrote."
        )
    return mapping(archive.json(name))


def _entries(archive: Archive) -> Iterator[Mapping[str, Any]]:
    for name in archive.names:
        if name.startswith("samples/") and name.endswith(".json"):
            yield mapping(archive.json(name))


def _logged(log: Mapping[str, Any], samples: Iterator[Mapping[str, Any]], path: Path) -> Logged:
    spec = mapping(log.get("eval"))
    if log.get("version") not in (1, 2) or not spec.get("task"):
        raise DataError(
            f"{path} is no log of Inspect's that is known (version {quote(log.get('version'), 10)}, 2 is); write it anew with "
            "`inspect log convert`."
        )
    stats = mapping(log.get("stats"))
    facts = mapping(spec.get("metadata"))
    settings = {**mapping(spec.get("model_generate_config")), **mapping(mapping(log.get("plan")).get("config"))}
    logged = Logged(
        tool="inspect",
        task=str(spec["task"]),
        model=str(spec.get("model") or "model"),
        records=[],
        primary=None,
        # Arguments may hold keys, or whole canned answers: that they are the same is all that is to be known.
        identity={
            "model": spec.get("model"),
            "base_url": spec.get("model_base_url"),
            "arguments": _digest(spec.get("model_args")),
        },
        parameters={
            key: value
            for key, value in without_secrets(settings).items()
            if isinstance(value, int | float | str | bool)
        },
        prompt={"name": f"inspect {spec['task']}", "arguments": _digest(spec.get("task_args")), "steps": _steps(log)},
        facts=dict(facts) if facts.get("vetset") else {},
        at=text(stats.get("started_at") or spec.get("created")),
        tool_version=text(mapping(spec.get("packages")).get("inspect_ai")),
    )
    if log.get("status") not in (None, "success"):
        logged.leave_out(
            f"samples that a run which ended as {quote(log.get('status'), 20)} never came to, if there are any"
        )
    scores: list[dict[str, Any]] = []
    judges: dict[str, str] = {}
    for sample in samples:
        if sample.get("invalidation"):
            logged.leave_out("samples that were marked invalid")
            continue
        logged.records.append(_record(sample, logged))
        scores.append(_values(sample))
        judges |= _judges(sample, spec)
    names = list(dict.fromkeys(name for one in scores for name in one))
    only_numbers(logged.records, {name: [one.get(name) for one in scores] for name in names}, logged)
    kept = [name for name in names if logged.records and name in logged.records[0].scores]
    logged.primary = kept[0] if kept else None
    # A score that is an object gives a column a key, NAME.KEY.
    told = {
        name: how for name in kept for judge, how in judges.items() if name == judge or name.startswith(f"{judge}.")
    }
    logged.judged = {name: how for name, how in told.items() if name != logged.facts.get("match")}
    return logged


def _judges(sample: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, str]:
    """The scores of a sample that a model gave."""
    scores = mapping(sample.get("scores"))
    scorers = [str(mapping(one).get("name") or "") for one in sequence(spec.get("scorers"))]
    scorers = scorers if len(scorers) == len(scores) else [""] * len(scores)
    grader = any("grader" in mapping(of) for of in (spec.get("model_roles"), sample.get("role_usage")))
    found = {
        name: judged_by_scorer(name, scorer, mapping(score), grader=grader)
        for (name, score), scorer in zip(scores.items(), scorers, strict=True)
    }
    return {name: how for name, how in found.items() if how is not None}


def _digest(value: Any) -> str | None:
    return sha256(dumps(value, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()[:16] if value else None


def _steps(log: Mapping[str, Any]) -> list[str]:
    return [str(mapping(step).get("solver")) for step in sequence(mapping(log.get("plan")).get("steps"))]


def _values(sample: Mapping[str, Any]) -> dict[str, Any]:
    """The scores of a sample by name; one that is an object gives a score a key."""
    found: dict[str, Any] = {}
    for name, score in mapping(sample.get("scores")).items():
        value = mapping(score).get("value")
        parts = {f"{name}.{key}": one for key, one in value.items()} if isinstance(value, dict) else {name: value}
        found |= {key: _GRADES.get(one, one) if isinstance(one, str) else one for key, one in parts.items()}
    return found


def _record(sample: Mapping[str, Any], logged: Logged) -> Record:
    output, metadata = mapping(sample.get("output")), mapping(sample.get("metadata"))
    choice = mapping(next(iter(sequence(output.get("choices"))), None))
    asked, target = sample.get("input"), sample.get("target")
    said = output.get("completion") or content(mapping(choice.get("message")).get("content"))
    error = mapping(sample.get("error")).get("message") or output.get("error")
    usage = mapping(output.get("usage")) or _summed(mapping(sample.get("model_usage")))
    limit = mapping(sample.get("limit")).get("type")
    answers = [mapping(score) for score in mapping(sample.get("scores")).values()]
    ours = bool(logged.facts)
    epoch = whole(sample.get("epoch"))
    finish = "error" if error else "length" if limit else _FINISHES.get(str(choice.get("stop_reason")), "stop")
    return Record(
        question=asked if isinstance(asked, str) else last_user(asked) or "",
        reference=text(target[0] if isinstance(target, list) and len(target) == 1 else target),
        output=None if error else _attached(str(said), sample),
        scores={},
        id=text(metadata.get("id")) if ours else None,
        digest=text(metadata.get("digest")) if ours else None,
        evalset=text(metadata.get("evalset_digest")) if ours else None,
        part=text(metadata.get("part")) if "digest" in metadata else None,
        sample=epoch - 1 if epoch else None,
        prediction=text(answers[0].get("answer")) if answers else None,
        unparsed=any(score.get("value") == "N" for score in answers[:1]),
        finish=finish,
        error=text(error)[:500] if error else None,  # pyright: ignore[reportOptionalSubscript]
        prompt_tokens=whole(usage.get("input_tokens")),
        completion_tokens=whole(usage.get("output_tokens")),
        seconds=seconds(output.get("time")) or seconds(sample.get("working_time")),
        cost=seconds(usage.get("total_cost")),
    )


def _summed(usage: Mapping[str, Any]) -> dict[str, int]:
    """The tokens of all models that a sample called, a judge among them: the only ones that an older log has."""
    counts = ("input_tokens", "output_tokens")
    return (
        {count: sum(whole(mapping(one).get(count)) or 0 for one in usage.values()) for count in counts} if usage else {}
    )


def _attached(said: str, sample: Mapping[str, Any]) -> str:
    """Long texts stand once, beside the messages."""
    if not said.startswith(_ATTACHED):
        return said
    return str(mapping(sample.get("attachments")).get(said.removeprefix(_ATTACHED)) or said)
