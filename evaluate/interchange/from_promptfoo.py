"""The results of promptfoo: ``-o OUT.json`` (version 3, or 2), or ``-o OUT.jsonl`` with a line a result.

Source: promptfoo 0.121.20, ``OutputFile``, ``EvaluateResult``; ``failureReason`` 0 none, 1 an assertion, 2 an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from ...curate.errors import DataError, UsageError, quote
from ..models.protocol import Finish
from .bounded import json_file, json_lines, within
from .judged import judged_by_assertions, named_as_judged
from .record import Logged, Record, last_user, mapping, only_numbers, seconds, sequence, text, whole, without_secrets

_ERROR = 2
_UNTOLD = object()
_FINISHES: dict[str, Finish] = {"length": "length", "max_tokens": "length", "content_filter": "filtered"}


def read(paths: Sequence[Path], *, only: str | None = None) -> Logged:
    """Return the answers of one provider to one prompt.

    Args:
        paths: one file.
        only: the provider, where several were run.

    Raises:
        UsageError: more than one file; several providers or prompts and none is named.
        DataError: the file is no result of promptfoo's.
    """
    if len(paths) != 1:
        raise UsageError("the results of promptfoo stand in one file, and a run is of one; give one.")
    path = paths[0]
    whole_file: Mapping[str, Any] = {}
    if path.name.removesuffix(".gz").endswith(".jsonl"):
        results = list(json_lines(path))
    else:
        whole_file = mapping(json_file(path))
        inner = mapping(whole_file.get("results"))
        results = [mapping(one) for one in sequence(inner.get("results") or whole_file.get("results"))]
    if not results or not all("provider" in one and ("vars" in one or "testCase" in one) for one in results):
        raise DataError(f"{path} holds no result of promptfoo's; write it with `promptfoo eval -o OUT.json`.")
    return _logged(_one_provider(results, only), whole_file, path)


def _provider(result: Mapping[str, Any]) -> str:
    provider = result.get("provider")
    told = mapping(provider)
    return str(told.get("label") or told.get("id") or provider)


def _one_provider(results: list[Any], only: str | None) -> list[Mapping[str, Any]]:
    names = sorted({_provider(one) for one in results})
    if only is not None:
        results = [one for one in results if _provider(one) == only]
    if not results or (only is None and len(names) > 1):
        raise UsageError(f"promptfoo asked {', '.join(names)}, and a run is of one; name it with --only.")
    prompts = {str(one.get("promptIdx", 0)) for one in results}
    if len(prompts) > 1:
        raise UsageError(
            f"promptfoo asked {len(prompts)} prompts, and a run is of one; run it with one prompt at a time."
        )
    return results


def _logged(results: Sequence[Mapping[str, Any]], whole_file: Mapping[str, Any], path: Path) -> Logged:
    setup, about = mapping(whole_file.get("config")), mapping(whole_file.get("metadata"))
    facts = mapping(setup.get("metadata"))
    prompt = mapping(results[0].get("prompt"))
    logged = Logged(
        tool="promptfoo",
        task=str(setup.get("description") or path.stem),
        model=_provider(results[0]),
        records=[],
        primary=None,
        identity={"provider": _provider(results[0])},
        parameters={
            name: value
            for name, value in without_secrets(mapping(prompt.get("config"))).items()
            if isinstance(value, int | float | str | bool)
        },
        prompt={"name": "promptfoo", "template": _digest(prompt.get("label"))},
        facts=dict(facts) if facts.get("vetset") else {},
        at=text(about.get("evaluationCreatedAt") or mapping(whole_file.get("results")).get("timestamp")),
        tool_version=text(about.get("promptfooVersion")),
    )
    values: dict[str, list[Any]] = {}
    for place, result in enumerate(results):
        logged.records.append(_record(result))
        named = mapping(result.get("namedScores"))
        for name, value in [*named.items(), ("pass", result.get("success")), ("score", result.get("score"))]:
            values.setdefault(str(name), [None] * len(results))[place] = value
    only_numbers(logged.records, values, logged)
    logged.judged = _judged(results, values)
    kept = logged.records[0].scores
    # A metric that the assertions name says more than that all of them held.
    logged.primary = next((name for name in values if name not in ("pass", "score") and name in kept), "pass")
    return logged


def _judged(results: Sequence[Mapping[str, Any]], names: Iterable[str]) -> dict[str, str]:
    """The metrics that a model decides; with one of them a model has a say in whether a test passes, and in its score."""
    by_metric: dict[str | None, str] = {}
    for result in results:
        parts = sequence(mapping(result.get("gradingResult")).get("componentResults"))
        asserted = [
            *sequence(mapping(result.get("testCase")).get("assert")),
            *(mapping(part).get("assertion") for part in parts),
        ]
        by_metric |= judged_by_assertions(asserted)
    judged = {name: by_metric[name] for name in names if name in by_metric}
    judged |= {name: name for name in names if name not in judged and named_as_judged(name)}
    if any(metric is not None and "{{" in metric for metric in by_metric):  # a template: which name it got isn't told
        judged |= {name: next(iter(by_metric.values())) for name in names if name not in judged}
    first = next(iter([*by_metric.values(), *judged.values()]), None)
    return judged | (dict.fromkeys(("pass", "score"), first) if first is not None else {})


def _digest(value: Any) -> str | None:
    return sha256(str(value).encode("utf-8", "surrogatepass")).hexdigest()[:16] if value else None


def _record(result: Mapping[str, Any]) -> Record:
    response, test = mapping(result.get("response")), mapping(result.get("testCase"))
    variables = mapping(result.get("vars") or test.get("vars"))
    metadata = {**mapping(test.get("metadata")), **mapping(result.get("metadata"))}
    ours = "evalset_digest" in metadata
    failed = result.get("failureReason") == _ERROR or ("output" not in response and bool(result.get("error")))
    usage = mapping(response.get("tokenUsage") or result.get("tokenUsage"))
    finish: Finish = "error" if failed else _FINISHES.get(str(response.get("finishReason")), "stop")
    if response.get("isRefusal") is True and not failed:
        finish = "filtered"
    latency = seconds(result.get("latencyMs"))
    taken = _taken(result) if ours else _UNTOLD
    return Record(
        question=_question(mapping(result.get("prompt")).get("raw"), variables),
        reference=_reference(variables, test, ours=ours),
        output=None if failed else text(response.get("output")),
        scores={},
        id=text(metadata.get("id")) if ours else None,
        digest=text(metadata.get("digest")) if ours else None,
        evalset=text(metadata.get("evalset_digest")) if ours else None,
        part=text(metadata.get("part")) if ours else None,
        prediction=text(taken) if taken is not _UNTOLD else None,
        unparsed=taken is None,
        finish=finish,
        error=str(response.get("error") or result.get("error") or "promptfoo tells no cause")[:500] if failed else None,
        prompt_tokens=whole(usage.get("prompt")) or None,  # 0 stands for "not told", and for an answer from its cache
        completion_tokens=whole(usage.get("completion")) or None,
        seconds=latency / 1000 if latency is not None and not response.get("cached") else None,
        cost=seconds(result.get("cost")) or None,
    )


def _taken(result: Mapping[str, Any]) -> Any:
    """Return what the rule of an exported task took from the answer; ``None`` where it found nothing."""
    for one in sequence(mapping(result.get("gradingResult")).get("componentResults")):
        said = within(str(mapping(one).get("reason")))
        if said is not None:
            return mapping(said).get("taken", _UNTOLD)
    return _UNTOLD


def _question(raw: Any, variables: Mapping[str, Any]) -> str:
    if isinstance(raw, str) and raw.lstrip().startswith("["):
        said = last_user(within(raw))
        if said is not None:
            return said
    for name in ("question", "input", "query", "prompt", "text"):  # the names that its examples give the one variable
        if isinstance(variables.get(name), str):
            return str(variables[name])
    return raw if isinstance(raw, str) else quote(raw)


def _reference(variables: Mapping[str, Any], test: Mapping[str, Any], *, ours: bool) -> str | None:
    if ours and isinstance(variables.get("target"), str):
        return text(within(str(variables["target"])))
    for one in sequence(test.get("assert")):
        told = mapping(one)
        if told.get("type") in ("equals", "icontains", "contains") and isinstance(told.get("value"), str):
            return str(told["value"])
    found = variables.get("expected", variables.get("target"))
    return text(found) if found is not None else None
