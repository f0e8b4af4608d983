"""What is wrong with a record, in words; and NaN, which is no fault but has no word in JSON."""

from __future__ import annotations

import json
import re

from .raw_messages import NotARow

_DEEP = "it is nested too deeply to be read"


# A string that never ends is taken to the line's end, so that no line costs more than its length.
_NAN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|-?Infinity|NaN', re.DOTALL)


def nulled(line: bytes) -> bytes:
    """Put null for NaN and Infinity outside of strings; every other character stays."""
    if b"NaN" not in line and b"Infinity" not in line:
        return line
    return _NAN.sub(lambda found: found[0] if found[0][:1] == b'"' else b"null", line)


def fault(raw: bytes) -> str:
    """Say what is wrong with a line that msgspec refuses; Python's reader tells where."""
    try:
        record = json.loads(raw.decode(), object_pairs_hook=list)  # pairs, since keys may hold half surrogates too
    except RecursionError:
        return _DEEP
    except UnicodeDecodeError as wrong:
        return f"it is not UTF-8 at byte {wrong.start + 1}"
    except json.JSONDecodeError as error:
        return f"it is not JSON: {error.msg[0].lower()}{error.msg[1:]} at character {error.pos + 1}"
    except ValueError:  # an integer of more digits than Python reads
        return "it is not JSON that can be read"
    if not (raw.lstrip()[:1] == b"{" and isinstance(record, list)):
        return "it is not a JSON object"
    return "it holds half of a surrogate pair (such as \\ud83d alone), which is no character"


def why(error: Exception) -> str:
    """Say why a record was refused."""
    if isinstance(error, RecursionError):
        return _DEEP
    if isinstance(error, UnicodeError):
        return "it holds what is no character in UTF-8"
    return str(error) if isinstance(error, NotARow) else f"it can't be read ({error})"
