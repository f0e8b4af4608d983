"""What may reach a terminal: a text from the data can look like a command to it, or turn a line's direction around."""

from __future__ import annotations

import re

# C0 and C1 controls (ESC begins a command, CR overwrites the line, U+009B is a one-character ESC-[), line and paragraph
# separators, the bidirectional controls that reorder what stands around them (CVE-2021-42574), and lone surrogates,
# which no encoding can print. Joiners and direction marks stay: Persian, Hindi and emoji need them.
_OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def tame(text: str) -> str:
    r"""Return ``text`` as one line that a terminal shows and does not obey.

    >>> tame("\x1b[31mred\x1b[0m and\nmore")
    '\\x1b[31mred\\x1b[0m and\\nmore'
    """
    return _OBEYED.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def tame_json(document: str) -> str:
    r"""Return a JSON document that says the same; inside strings every such character is written as an escape.

    >>> tame_json('"\x9b31m"')
    '"\\u009b31m"'
    """
    return _OBEYED.sub(lambda found: f"\\u{ord(found.group()):04x}", document)
