"""The little YAML that task files need, written so that no YAML reader can take a text of the user's for anything else."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_TAKEN = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}  # words that YAML 1.1 reads as no text
# What JSON leaves as it is and YAML 1.2 doesn't let stand, or takes for a line's end (section 5.1, c-printable; 5.4).
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


@dataclass(frozen=True)
class Function:
    """A function of a Python file beside the YAML, in lm-eval's way of naming one."""

    name: str


def scalar(value: object) -> str:
    r"""Return a value on one line: JSON, which YAML 1.2 reads as it is.

    >>> scalar({"text": "a: b\u2028#c", "n": 1})
    '{"text": "a: b\\u2028#c", "n": 1}'
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def to_yaml(value: Mapping[str, Any], *, indent: int = 0) -> str:
    """Return a mapping as YAML: a line a key, lists with a line an item, all else as JSON.

    >>> print(to_yaml({"task": "tickets", "metadata": {"version": 1}, "on": [{"a": "b"}]}), end="")
    task: "tickets"
    metadata:
      version: 1
    "on":
      - {"a": "b"}
    """
    lines = []
    space = " " * indent
    for key, item in value.items():
        name = key if _PLAIN.match(key) and key.lower() not in _TAKEN else scalar(key)
        if isinstance(item, Function):
            lines.append(f"{space}{name}: !function {item.name}\n")
        elif isinstance(item, Mapping) and item:
            lines.append(f"{space}{name}:\n{to_yaml(item, indent=indent + 2)}")
        elif isinstance(item, list) and item:
            lines.append(f"{space}{name}:\n" + "".join(f"{space}  - {scalar(one)}\n" for one in item))
        else:
            lines.append(f"{space}{name}: {scalar(item)}\n")
    return "".join(lines)
