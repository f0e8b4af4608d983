"""An eval set as a promptfoo configuration: a test a row, judged by one line of JavaScript that all share.

promptfoo fills templates in variables (``{{env.KEY}}`` in a row would send a key to the model) and opens a variable that begins
with ``file://``. So each text goes as JSON with its braces escaped: no template, no path, and the same text once it is parsed.
Source: promptfoo 0.121.20, ``renderPrompt``, ``resolveVariables``.
"""

from __future__ import annotations

import json
import re

from .out_rows import OutSet, chat
from .yaml_text import scalar, to_yaml

SHORT = 16
"""Digits of a digest, 64 bits: promptfoo takes a whole one for a secret and writes "[REDACTED]" in its place."""

_TAKE = {
    "exact": "const taken = text.trim();",
    "label": "const found = text.match(new RegExp(PATTERN, 'iu')); const taken = found ? found[0].toLowerCase() : null;",
    "number": "const found = text.match(new RegExp(PATTERN, 'g')); "
    "const taken = found ? found[found.length - 1].split(',').join('') : null;",
}
_RIGHT = {"exact": "right.trim()", "label": "right.toLowerCase()", "number": "right"}


def files(out: OutSet, *, most: int) -> dict[str, str]:
    """Return the configuration.

    Args:
        out: the rows.
        most: tokens that an answer may have; a provider of promptfoo is told its own.
    """
    del most
    pattern = _inert(json.dumps(out.rule.pattern or ""))
    code = (  # several lines: promptfoo takes one line for an expression
        "const text = typeof output === 'string' ? output : JSON.stringify(output);\n"
        f"const right = JSON.parse(context.vars.target);\n{_TAKE[out.rule.match].replace('PATTERN', pattern)}\n"
        f"const pass = taken === {_RIGHT[out.rule.match]};\n"
        "return { pass, score: pass ? 1 : 0, reason: JSON.stringify({ taken }) };"
    )
    head = {
        "description": f"{out.task}, digest {out.digest[:12]}",
        "metadata": out.facts() | {"evalset_digest": out.digest[:SHORT]},
        "prompts": ["{{conversation}}"],
        "providers": ["echo"],  # promptfoo wants one; `-r PROVIDER` takes its place
        "defaultTest": {"assert": [{"type": "javascript", "metric": out.rule.match, "value": code}]},
    }
    tests = [
        {
            "vars": {
                "conversation": _inert(json.dumps(chat(row.messages), ensure_ascii=False)),
                "target": _inert(json.dumps(row.target, ensure_ascii=False)),
            },
            "metadata": {
                "id": row.id,
                "digest": row.digest[:SHORT],
                "evalset_digest": out.digest[:SHORT],
                "part": out.part,
            },
        }
        for row in out.rows
    ]
    body = "".join(f"  - {scalar(test)}\n" for test in tests)
    return {"promptfooconfig.yaml": f"{to_yaml(head)}tests:\n{body}"}


_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"')


def _inert(text: str) -> str:
    r"""Return JSON that says the same without a brace in any of its strings.

    >>> _inert('{"a": "{{env.KEY}}"}')
    '{"a": "\\u007b\\u007benv.KEY\\u007d\\u007d"}'
    """
    return _STRINGS.sub(lambda found: found[0].replace("{", "\\u007b").replace("}", "\\u007d"), text)
