"""Which shape a source has and which column means what: guessed from a sample, each guess with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from ..errors import DataError, UsageError, quote
from ..labels.targets import kind_of, names_in
from ..wording import counted
from .column_names import LABEL_TAILS, NAMES, PAIRS, TWO_TEXTS
from .column_names import plain as plain_name
from .mapping import COMMON, SAMPLE, SHAPES, Given, NoText, Plan, as_text, text_columns, value
from .odd_labels import odd_labels
from .times import day_first, parse


def plan(sample: Sequence[Mapping[str, Any]], given: Given, *, name: str, file_split: str | None = None) -> Plan:
    """Guess how records become rows; what ``given`` says is taken as said.

    Args:
        sample: decoded records, from all over the source.
        given: what the user set.
        name: the source, for messages.
        file_split: the official split that the file's name tells of.

    Raises:
        UsageError: a column was named that no record has, or an unknown format.
        DataError: nothing in the records can be taken for a text.
    """
    if given.text is not None and given.label == given.text:
        raise UsageError(f"--text and --label both name column {quote(given.text, 40)}; name one for each.")
    columns = _columns(sample)
    reasons: list[str] = []
    if not columns:
        raise DataError(f"{name}: its records are empty objects; give a file whose records have at least a text.")
    shape, parts = _shape(columns, sample, given, name, reasons)
    constants: dict[str, str] = {}
    taken = {
        column for part, said in parts.items() for column in (text_columns(said, columns) if part == "text" else [said])
    }
    for part in COMMON:
        _common(part, columns, sample, given, name, taken, parts, constants, reasons)
    if "split" not in parts and "split" not in constants and given.split is None and file_split:
        constants["split"] = file_split
        reasons.append(f"split   '{file_split}', from the file's name")
    days_lead = False
    if "time" in parts:
        texts = pl.Series([as_text(value(record, parts["time"])) for record in sample], dtype=pl.String)
        decided = day_first(texts)
        days_lead = bool(decided)
        if decided is None and texts.str.contains(r"^\s*\d{1,2}[-/.]\d{1,2}[-/.]\d{4}").any():
            reasons.append("time    dates such as 3/9/2020 are taken as month first: nothing in the sample decides")
    targets = None
    if "label" in parts and shape != "kto":
        labels = [value(record, parts["label"]) for record in sample]
        targets = kind_of(labels)
        if targets is None and (odd := odd_labels(labels)) is not None:
            reasons.append(
                f"        '{parts['label']}' holds {odd}; each is one label, lists and objects as the text of their JSON"
            )
    if targets is not None:
        held = "lists: several labels a row" if targets == "several" else "objects: shares of labels"
        reasons.append(f"        '{parts['label']}' holds {held}")
    return Plan(shape, parts, constants, days_lead, reasons, targets)


def _columns(sample: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(column for record in sample for column in record))


def _named(part: str, columns: Sequence[str], taken: Iterable[str] = ()) -> list[str]:
    """Columns whose name says that they are this part, best first."""
    plain = {plain_name(column): column for column in reversed(columns) if column not in taken}
    return [plain[name] for name in NAMES[part] if name in plain]


def _values(sample: Sequence[Mapping[str, Any]], column: str) -> list[str]:
    texts = (as_text(record.get(column)) for record in sample)
    return [text for text in texts if text]


def _names(sample: Sequence[Mapping[str, Any]], column: str) -> list[str]:
    """The labels that stand in lists or objects."""
    return [name for record in sample if record.get(column) is not None for name in names_in(record[column])]


def _is_nested(sample: Sequence[Mapping[str, Any]], column: str) -> bool:
    """Whether lists or objects are the rule there; in a row or two they are read as the text of their JSON."""
    filled = [record[column] for record in sample if record.get(column) is not None]
    return sum(isinstance(item, (list, Mapping)) for item in filled) * 2 > len(filled)


def _is_list_of(item: Any, key: str) -> bool:
    return isinstance(item, list) and bool(item) and all(isinstance(part, Mapping) and key in part for part in item)


def _column_of(sample: Sequence[Mapping[str, Any]], columns: Sequence[str], key: str) -> str | None:
    """The column that holds lists of objects with ``key`` in most records."""
    for column in columns:
        filled = [record[column] for record in sample if record.get(column) not in (None, "")]
        hits = sum(_is_list_of(_unwrapped(item), key) for item in filled)
        if filled and hits * 2 > len(filled):
            return column
    return None


def _unwrapped(item: Any) -> Any:
    """A CSV keeps a conversation as JSON text."""
    if isinstance(item, str) and item[:1] == "[":
        import json

        try:
            return json.loads(item)
        except ValueError:
            return None
    return item


def _is_bool(sample: Sequence[Mapping[str, Any]], column: str) -> bool:
    found = {str(record[column]).lower() for record in sample if record.get(column) is not None}
    return bool(found) and (found <= {"true", "false"} or found <= {"0", "1"})


def _shape(
    columns: list[str], sample: Sequence[Mapping[str, Any]], given: Given, name: str, reasons: list[str]
) -> tuple[str, dict[str, str]]:
    if given.format is not None and given.format not in SHAPES:
        raise UsageError(f"--format {quote(given.format)} is not known; use one of {', '.join(SHAPES)}.")
    plain = {plain_name(column): column for column in reversed(columns)}
    optional = {part: plain[part] for part in ("system", "tools", "history") if part in plain}
    if "tools" not in optional and "functions" in plain:
        optional["tools"] = plain["functions"]
    finders = {
        "preference": _preference, "messages": _messages, "kto": _kto, "sharegpt": _sharegpt, "alpaca": _alpaca,
        "prompt-completion": _prompt_completion, "text-label": _text_label, "text": _plain_text,
    }  # fmt: skip
    wanted = given.format or (
        "text-label" if given.text and given.label not in (None, "none") else "text" if given.text else None
    )
    order = (
        [wanted]
        if wanted
        else ["preference", "kto", "messages", "sharegpt", "alpaca", "prompt-completion", "text-label", "text"]
    )
    if wanted == "text" and given.format is None and given.label is None:
        order = ["text-label", "text"]
    for shape in order:
        parts = finders[shape](columns, plain, sample, given, name, reasons)
        if parts is not None:
            parts |= {part: column for part, column in optional.items() if part in SHAPES[shape] and part not in parts}
            if given.label not in (None, "none", parts.get("completion")) and "label" not in parts:
                parts["label"] = _known(given.label or "", columns, sample, name, "--label")
            return shape, parts
    listed = ", ".join(quote(column, 30) for column in columns[:12])
    if given.format:
        raise DataError(
            f"{name}: its records don't have the columns of format '{given.format}' "
            f"({', '.join(SHAPES[given.format])}); they have {listed}."
        )
    took = [
        f"--{option} took {quote(column, 30)}"
        for option, column in given.said().items()
        if column in columns and option not in ("format", "text")
    ]
    but = f" ({', '.join(took)})" if took else ""
    raise NoText(f"{name}: none of the columns {listed} looks like a text{but}; say which it is with --text COLUMN.")


def _known(path: str, columns: Sequence[str], sample: Sequence[Mapping[str, Any]], name: str, option: str) -> str:
    for column in text_columns(path, columns) if option == "--text" else [path]:
        if column not in columns and all(value(record, column) is None for record in sample):
            raise UsageError(
                f"{name} has no column {quote(column)} ({option}); it has {', '.join(quote(c, 30) for c in columns[:12])}."
            )
    return path


def _preference(columns, plain, sample, given, name, reasons) -> dict[str, str] | None:  # noqa: ANN001
    if not {"chosen", "rejected"} <= plain.keys():
        return None
    parts = {part: plain[part] for part in ("chosen", "rejected")}
    for part in ("prompt", "conversations", "messages", "instruction", "question"):
        if part in plain:
            parts["prompt" if part == "question" else part] = plain[part]
            if part == "instruction" and "input" in plain:
                parts["input"] = plain["input"]
            break
    reasons.append(f"shape   preference: columns {_listed(parts)}")
    return parts


def _messages(columns, plain, sample, given, name, reasons) -> dict[str, str] | None:  # noqa: ANN001
    column = _column_of(sample, columns, "role")
    if column is None or ("prompt" in plain and plain_name(column) in ("prompt", "completion")):
        return None
    reasons.append(f"shape   messages: '{column}' holds lists of objects with a 'role'")
    return {"messages": column}


def _kto(columns, plain, sample, given, name, reasons) -> dict[str, str] | None:  # noqa: ANN001
    label = plain.get("label")
    if label is None or not (_is_bool(sample, label) or given.format == "kto"):
        return None
    if {"prompt", "completion"} <= plain.keys():
        parts = {"prompt": plain["prompt"], "completion": plain["completion"], "label": label}
    elif (column := _column_of(sample, columns, "role")) is not None:
        parts = {"messages": column, "label": label}
    else:
        return None
    reasons.append(f"shape   kto: columns {_listed(parts)}, and '{label}' is true or false")
    return parts


def _sharegpt(columns, plain, sample, given, name, reasons) -> dict[str, str] | None:  # noqa: ANN001
    column = _column_of(sample, columns, "from")
    if column is None:
        return None
    reasons.append(f"shape   sharegpt: '{column}' holds lists of objects with a 'from'")
    return {"conversations": column}


def _alpaca(columns, plain, sample, given, name, reasons) -> dict[str, str] | None:  # noqa: ANN001
    output = next((plain[part] for part in ("output", "response", "answer", "completion") if part in plain), None)
    if "instruction" not in plain or output is None:
        return None
    parts = {"instruction": plain["instruction"], "output": output}
    if "input" in plain:
        parts["input"] = plain["input"]
    reasons.append(f"shape   alpaca: columns {_listed(parts)}")
    return parts


def _prompt_completion(columns, plain, sample, given, name, reasons) -> dict[str, str] | None:  # noqa: ANN001
    if given.format is not None and given.text and given.label not in (None, "none"):
        parts = {
            "prompt": _known(given.text, columns, sample, name, "--text"),
            "completion": _known(given.label or "", columns, sample, name, "--label"),
        }
        reasons.append(f"shape   prompt-completion: {_listed(parts)}, as said")
        return parts
    for asks, answers in PAIRS:
        if asks in plain and answers in plain:
            parts = {"prompt": plain[asks], "completion": plain[answers]}
            if _few_values(sample, plain[answers]) and given.format is None and given.text is None and asks != "prompt":
                return None  # a question with a handful of answers is a classification set
            reasons.append(f"shape   prompt-completion: columns {_listed(parts)}")
            return parts
    return None


def _few_values(sample: Sequence[Mapping[str, Any]], column: str) -> bool:
    found = _values(sample, column)
    return len(found) >= 20 and len(set(found)) * 10 <= len(found) and max(map(len, found)) <= 60


def _text_label(columns, plain, sample, given, name, reasons) -> dict[str, str] | None:  # noqa: ANN001
    text = _text_column(columns, sample, given, name, reasons)
    if text is None or given.label == "none":
        reasons[:] = [reason for reason in reasons if not reason.startswith("text ")]
        return None
    if given.label is not None:
        label = _known(given.label, columns, sample, name, "--label")
        reasons.append(f"label   '{label}', as said")
    else:
        said = {column for option, column in given.said().items() if option not in ("format", "text", "label")}
        label = _label_column(columns, sample, said | set(text_columns(text, columns)), reasons)
        if label is None and given.format != "text-label":
            reasons[:] = [reason for reason in reasons if not reason.startswith("text ")]
            return None
        if label is None:
            raise DataError(f"{name}: no column looks like a label; say which it is with --label COLUMN.")
    reasons.insert(0, f"shape   text-label: '{text}' and '{label}'")
    return {"text": text, "label": label}


def _plain_text(columns, plain, sample, given, name, reasons) -> dict[str, str] | None:  # noqa: ANN001
    text = _text_column(columns, sample, given, name, reasons)
    if text is None:
        return None
    reasons.insert(0, f"shape   text: '{text}'" + ("" if given.label == "none" else "; no column looks like a label"))
    return {"text": text}


def _text_column(
    columns: Sequence[str], sample: Sequence[Mapping[str, Any]], given: Given, name: str, reasons: list[str]
) -> str | None:
    if given.text is not None:
        reasons.append(f"text    '{given.text}', as said")
        return _known(given.text, columns, sample, name, "--text")
    used = {column for option, column in given.said().items() if option not in ("format", "text")}

    def average(column: str) -> float:
        found = [record[column] for record in sample if isinstance(record.get(column), str)]
        return sum(map(len, found)) / len(sample) if found else 0.0

    plain = {plain_name(column): column for column in reversed(columns) if column not in used}
    for first, second in TWO_TEXTS:
        if first in plain and second in plain and average(plain[first]) > 0 and average(plain[second]) > 0:
            reasons.append(f"text    '{plain[first]}' and '{plain[second]}', by their names: a pair of texts")
            return f"{plain[first]},{plain[second]}"
    named = [column for column in _named("text", columns, used) if average(column) > 0]
    if named:
        reasons.append(f"text    '{named[0]}', by its name")
        return named[0]
    wordy = [
        (average(column), column)
        for column in columns
        if column not in used and not column.startswith("_") and _is_prose(sample, column)
    ]
    length, best = max(wordy, default=(0.0, ""))
    if length < 8:  # shorter than any sentence
        return None
    reasons.append(f"text    '{best}', the longest text column ({length:.0f} characters on average)")
    return best


def _is_prose(sample: Sequence[Mapping[str, Any]], column: str) -> bool:
    """Whether most values could be sentences: ids, paths and addresses have no white space and only ASCII letters."""
    found = [record[column] for record in sample if isinstance(record.get(column), str) and record[column]]
    return sum(not text.isascii() or " " in text.strip() or "\n" in text for text in found) * 2 > len(found)


def _label_column(
    columns: Sequence[str], sample: Sequence[Mapping[str, Any]], taken: set[str], reasons: list[str]
) -> str | None:
    named = _named("label", columns, taken)
    named += [c for c in columns if c not in taken and c not in named and plain_name(c).endswith(LABEL_TAILS)]
    kinds = {column: kind_of([record.get(column) for record in sample]) for column in named}
    # a list under such a name may be of something else, as the headings of an abstract are; one label a row comes first
    for column in sorted(named, key=lambda column: kinds[column] is not None):
        several = kinds[column]
        found = _values(sample, column) if several is None else _names(sample, column)
        distinct = len(set(found))
        if distinct == 1 and len(named) > 1 and len(found) > 1:
            reasons.append(f"        not '{column}': it is {quote(found[0], 30)} in every record of the sample")
        elif found and several is None and _is_nested(sample, column):
            reasons.append(f"        not '{column}': it holds {odd_labels([record.get(column) for record in sample])}")
        elif found and (distinct <= max(2, len(found) // 2) or len(found) < 20):
            records = len(found) if several is None else sum(record.get(column) is not None for record in sample)
            reasons.append(
                f"label   '{column}', by its name: {counted(distinct, 'value')} in {counted(records, 'record')} of the sample"
            )
            return column
    return None


def _common(
    part: str, columns: Sequence[str], sample: Sequence[Mapping[str, Any]], given: Given, name: str,
    taken: set[str], parts: dict[str, str], constants: dict[str, str], reasons: list[str],
) -> None:  # fmt: skip
    said = getattr(given, part)
    if said == "none":
        return
    if said is not None:
        is_column = said in columns or any(value(record, said) is not None for record in sample)
        if is_column or part not in ("source", "license", "split", "origin"):
            parts[part] = _known(said, columns, sample, name, f"--{part}")
        else:
            constants[part] = said
            if part == "license" and _by_name(part, columns, sample, taken, parts, reasons):
                reasons.append(
                    f"        '{said}' where that is empty, as said"
                )  # what a row says of itself outranks it
                return
        reasons.append(f"{part:<7} '{said}', as said" + ("" if is_column else ", for every row"))
        return
    if part == "split" and "_split" in columns:
        parts[part] = "_split"
        return
    _by_name(part, columns, sample, taken, parts, reasons)


def _by_name(
    part: str, columns: Sequence[str], sample: Sequence[Mapping[str, Any]],
    taken: set[str], parts: dict[str, str], reasons: list[str],
) -> bool:  # fmt: skip
    """Take the first column whose name and values fit a part; return whether there was one."""
    for column in _named(part, columns, taken):
        found = _values(sample, column)
        doubt = _doubt(part, column, found, sample)
        if doubt is None:
            parts[part] = column
            reasons.append(
                f"{part:<7} '{column}', by its name: {counted(len(set(found)), 'value')} in {counted(len(found), 'record')}"
            )
            return True
        if found:
            reasons.append(f"        not '{column}' as {part}: {doubt}")
    return False


def _doubt(part: str, column: str, found: Sequence[str], sample: Sequence[Mapping[str, Any]]) -> str | None:
    """Why a column with the right name is not taken for a part, or ``None``."""
    if not found:
        return "it is empty"
    if _is_nested(sample, column):
        return "it holds lists or objects"
    if part == "group" and len(set(found)) == len(found) and 1 < len(sample) < SAMPLE:
        return "no value stands twice"  # a full sample may be too small to show a repeat
    if part == "time":
        texts = pl.Series(found, dtype=pl.String)
        share = 1 - parse(texts, day_is_first=bool(day_first(texts))).null_count() / len(found)
        if share < 0.9:
            return f"only {share:.0%} of its values are dates"
    if part in ("split", "annotator", "source") and len(set(found)) > max(2, len(found) // 2) and len(found) >= 20:
        return "its values hardly ever repeat"
    return None


def _listed(parts: Mapping[str, str]) -> str:
    return ", ".join(f"'{column}'" for column in parts.values())
