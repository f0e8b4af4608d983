"""Mail addresses (RFC 5321, RFC 6531), as people write them: no quoted names, no domain literals.

What has the same sign and is none: ``user@host``, ``@handle``, ``package@1.2.3``, ``icon@2x.png``, and where a program
logs in (``git@host.org:team/repo``, ``ssh://ann@host.org``).
"""

from __future__ import annotations

import re

from .found import Span

_SIGN = re.compile(r"@|%40")
# Scripts that are written without spaces: Thai, Chinese, Japanese, Korean. The words before an address are none of it.
_UNSPACED = r"\u0e00-\u0e7f\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af"
# Read backwards from the sign. Of what RFC 5322 allows in a name, signs that stand around names far oftener are left out.
_NAME = re.compile(rf"[{_UNSPACED}]{{1,20}}|(?![{_UNSPACED}])[\w+%'-](?:(?![{_UNSPACED}])[\w.+%'-]){{0,63}}")
_LETTER = rf"[^\W\d_{_UNSPACED}]"
_LABEL = rf"(?:[{_UNSPACED}]{{1,63}}|[^\W_{_UNSPACED}](?:[^\W{_UNSPACED}-]|-){{0,62}}(?<!-))"
_DOMAIN = re.compile(
    rf"(?:{_LABEL}\.){{1,8}}(?:[xX][nN]--[A-Za-z0-9-]{{1,59}}|[A-Za-z]{{2,24}}(?![0-9])|{_LETTER}{{2,24}}|[{_UNSPACED}]{{2,12}})"
    rf"(?!{_LETTER})(?!-[^\W_])"
)
_VERSION = re.compile(r"[0-9]{1,6}\.[0-9]{1,6}[.-]|[0-9]x\.")
_FILE = (
    "png",
    "jpg",
    "jpeg",
    "gif",
    "svg",
    "webp",
    "js",
    "ts",
    "py",
    "css",
    "json",
    "yaml",
    "yml",
    "txt",
    "tar",
    "gz",
    "zip",
)
"""What ends a file's name and no domain's."""
_REMOTE = re.compile(r":(?:[~/]|[^\s/:,;]{1,100}/)")
"""A path on another machine, as scp and git have it."""
_LOGIN = re.compile(r"(?i)\b(?:ssh|sftp|scp|mosh|rsync) (?:-\S{1,20} ){0,3}$")
_ESCAPE = re.compile(r"(?:u[0-9a-fA-F]{4}|[nrt])(?=[^\W_])")


def find_mail(text: str) -> list[Span]:
    """Return the spans of mail addresses, in order.

    >>> find_mail("mail ann.lee@firma.example, not lodash@4.17.21 or @ann")
    [(5, 26)]
    """
    found: list[Span] = []
    for sign in _SIGN.finditer(text):
        low = max(sign.start() - 64, found[-1][1] if found else 0)
        name = _NAME.match(text[low : sign.start()][::-1])
        domain = name and _DOMAIN.match(text, sign.end())
        if not name or not domain or _VERSION.match(domain[0]) or domain[0].rpartition(".")[2].lower() in _FILE:
            continue
        start, end = _trimmed(text, sign.start() - name.end(), sign.start()), domain.end()
        if _LOGIN.search(text, max(start - 40, 0), start):
            continue
        if start < sign.start() and text[max(start - 3, 0) : start] != "://" and not _REMOTE.match(text, end):
            found.append((start, end))
    return found


def _trimmed(text: str, start: int, end: int) -> int:
    r"""Return where the name begins, without the quote, the dots or the letter of an escape (``\n``) before it."""
    if text[start - 1 : start] == "\\" and (escape := _ESCAPE.match(text, start, end)):
        start = escape.end()
    while start < end and text[start] in ".'-":
        start += 1
    return start
