"""A user's text where Streamlit reads Markdown: labels of buttons and choices, messages, captions.

Markdown in data could load an image from somebody's server, show a link as something else, or break the page.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ...curate.masking import mask
from ...curate.wording import shell

_MARKS = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~$:^=&@/])")
# What Streamlit makes a link of although every mark is escaped: it looks for addresses in the text that is left.
_LINKS = re.compile(r"(?i)(?<=[a-z])(?=\\:\\/\\/)|(?<=\bwww)(?=\\\.)|(?=\\@)")
_JOINER = "\u2060"  # has no width, and no address goes on behind it
_SPACES = re.compile(r"\s+")


def plain(text: object, limit: int = 0) -> str:
    r"""Return text that Markdown shows as it is, on one line, with secrets and personal data masked.

    Args:
        text: of the user, a file, an error.
        limit: characters at most, 0 for no limit; a longer one ends in "…".

    >>> plain("![x](http://a.b/c.png) *hi*")
    '\\!\\[x\\]\\(http\u2060\\:\\/\\/a\\.b\\/c\\.png\\) \\*hi\\*'
    """
    return _LINKS.sub(_JOINER, _MARKS.sub(r"\\\1", short(text, limit)))


def in_code(name: str) -> str:
    """Return a file's name as it stands in a command between the marks of code, quoted for a shell where it needs it.

    >>> in_code("my `data`.vet")
    "'my 'data'.vet'"
    """
    return shell(short(name)).replace("`", "'")


def named(name: object, limit: int = 80) -> str:
    """Return a reviewer's name as Markdown shows it: who signs in is a mail address, and masked all of them are one."""
    line = _SPACES.sub(" ", str(name)).strip()
    return _LINKS.sub(_JOINER, _MARKS.sub(r"\\\1", line if len(line) <= limit else line[: limit - 1] + "…"))


def short(text: object, limit: int = 0) -> str:
    """Return text on one line, masked and clipped, for places that show text as it is: cells, tooltips of charts."""
    return _clipped(str(text)[: max(4 * limit, 2_000)], limit)


@lru_cache(maxsize=4_096)  # a key press shows 49 of 50 rows of a queue again, and masking is what they cost
def _clipped(text: str, limit: int) -> str:
    # Masked before it is clipped: half of a card number is no card number to the mask.
    line = _SPACES.sub(" ", mask(text)).strip()
    return line if not limit or len(line) <= limit else line[: limit - 1].rstrip() + "…"
