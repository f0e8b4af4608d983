"""What a licence lets one do with rows that a model is trained on: a reading aid, in the order of how much it allows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from .licences import is_known
from .spdx import identify

Class = Literal["free", "attribution", "share-alike", "read", "no-derivatives", "no-commercial", "own", "unknown"]


@dataclass(frozen=True)
class Terms:
    """What a licence allows, in a word and in a sentence."""

    kind: Class
    word: str
    said: str


_TERMS = (
    Terms("free", "Any use", "any use, with nothing to keep or to name"),
    Terms("attribution", "Any use, name it", "any use; keep the notice, or name whose it is"),
    Terms("share-alike", "Share alike", "any use; what is passed on of it, changed or not, stays under this licence"),
    Terms("own", "Own terms", "terms that are in no list: those of your contract, or your own"),
    Terms("read", "Read it", "terms of its own that restrict some uses: read them"),
    Terms("no-derivatives", "No changes", "no changed copies may be passed on: an edited or relabelled export is one"),
    Terms("no-commercial", "Not commercial", "no commercial use"),
    Terms("unknown", "Unknown", "nobody can say: no licence, or none that is known"),
)
_RANK: dict[Class, int] = {terms.kind: rank for rank, terms in enumerate(_TERMS)}

# The first that fits an identifier, whole; the rest of the SPDX list that is known here asks for a notice.
_PATTERNS: tuple[tuple[str, Class], ...] = (
    (r"CC0-.*|CC-PDDC|CC-PDM-.*|PDDL-.*|Unlicense|0BSD|MIT-0|WTFPL|DL-DE-ZERO-.*", "free"),
    (r"CC-BY-NC.*", "no-commercial"),
    (r"CC-BY-ND.*", "no-derivatives"),
    (r"CC-BY-SA.*|ODbL-.*|CDLA-Sharing-.*|GFDL-.*", "share-alike"),
    (r"(A|L)?GPL-.*|MPL-.*|EPL-.*|EUPL-.*|CDDL-.*|OSL-.*|MS-RL", "share-alike"),
    (r"BUSL-.*|C-UDA-.*|BSD-4-Clause|.*openrail.*|.*rail-1\.0|deepfloyd.*|llama.*|gemma", "read"),
    (r"LicenseRef-.*", "own"),
)


def terms(name: str | None) -> Terms:
    """Return what the licence of that name allows; of an expression's parts, the best of OR and the strictest of AND.

    >>> terms("cc by-nc 4.0").word, terms("MIT OR GPL-3.0-only").word, terms(None).word
    ('Not commercial', 'Any use, name it', 'Unknown')
    """
    known = identify(name) if name is not None and is_known(name) else None
    if known is None:
        return _TERMS[-1]
    # Parentheses are gone by now, so AND is taken to part the whole: the stricter of two readings.
    parts: list[int] = [
        min(_RANK[_kind(name)] for name in re.split(r"\s+OR\s+", part)) for part in re.split(r"\s+AND\s+", known)
    ]
    return _TERMS[max(parts)]


def _kind(name: str) -> Class:
    name = re.split(r"\s+WITH\s+", name.strip("() "))[0].strip("() ")
    for pattern, kind in _PATTERNS:
        if re.fullmatch(pattern, name, re.IGNORECASE):
            return kind
    return "attribution"
