"""IPv4 addresses that name a machine in the world.

Those that name none are let be, since they point at nobody: private, loopback, link-local, documentation, multicast and
reserved ones (RFC 6890 and its registry), and resolvers that everybody uses. So are version numbers and sections, which
have the same form.
"""

from __future__ import annotations

import re

from .found import Span
from .plain import begins

_QUAD = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}")
_JOINED = re.compile(r"[0-9A-Za-z]|_[0-9A-Za-z]|\.[0-9A-Za-z]|-[A-Za-z]|,[0-9]{1,2}(?![0-9.])")
_NOBODYS = (
    ("0.0.0.0", 8),  # noqa: S104 - nothing is bound to it
    ("10.0.0.0", 8), ("100.64.0.0", 10), ("127.0.0.0", 8), ("169.254.0.0", 16), ("172.16.0.0", 12),
    ("192.0.0.0", 24), ("192.0.2.0", 24), ("192.88.99.0", 24), ("192.168.0.0", 16), ("198.18.0.0", 15),
    ("198.51.100.0", 24), ("203.0.113.0", 24), ("224.0.0.0", 3),
)  # fmt: skip
RESOLVERS = ("1.1.1.1", "1.0.0.1", "8.8.8.8", "8.8.4.4", "9.9.9.9", "208.67.222.222", "208.67.220.220", "4.2.2.2")
_VERSION = re.compile(
    r"(?i)(?:\b(?:v|ver|vers|version|release|rev|revision|build|patch|firmware|driver|bios|kernel|update|sdk|upgraded? to|"
    r"section|sect|sec|chapter|clause|article|paragraph|figure|fig|table|appendix|oid|rfc|abschnitt|kapitel|versión|версия|"
    r"第|版本)\b[.:]?[ \"'(]{0,3}|§ ?|[=~<>!]= ?|[~^] ?|(?<![\w\"'/-])[<>] ?|[^\W\d_]/|[A-Za-z]-)$"
)
_ADDRESS = re.compile(
    r"(?i)\b(?:ip|ipv4|ips|address|addr|host|hosts|server|client|remote|from|gateway|dns|peer|ping|ssh|src|dst|source|login|"
    r"logged|subnet|node|endpoint|connect\w*|block\w*|ban\w*)\b|://$|адрес|地址"
)
_AFTER = re.compile(r":[0-9]{2,5}\b|/(?:[89]|[12][0-9]|3[0-2])\b")


def find_ip(text: str) -> list[Span]:
    """Return the spans of IPv4 addresses, in order.

    >>> find_ip("from 93.184.216.34, and version 2.184.216.34 on 192.168.0.7")
    [(5, 18)]
    """
    return [match.span() for match in _QUAD.finditer(text) if _is_address(text, match)]


def _is_address(text: str, match: re.Match[str]) -> bool:
    start, end = match.span()
    parts = match[0].split(".")
    if any(int(part) > 255 or (part[0] == "0" and part != "0") for part in parts) or _JOINED.match(text, end):
        return False
    before = text[max(start - 40, 0) : start]
    if not begins(text, start) or (before[-1:] == "." and before[-2:-1].isalnum()):
        return False
    if before[-1:] == "," and before[-2:-1].isdigit():  # a place in a list of numbers, unless the list is of addresses
        return before.count(".") >= 3 and is_anybodys(parts)
    if _VERSION.search(before) or not is_anybodys(parts) or match[0] in RESOLVERS:
        return False
    # 3.1.2.14 is a section or a version oftener than a machine
    return max(map(int, parts)) > 31 or bool(_ADDRESS.search(before) or _AFTER.match(text, end))


def is_anybodys(parts: list[str]) -> bool:
    """Say whether an address, in its four parts, is of a machine that the whole world may reach."""
    number = _number(parts)
    return not any(number >> (32 - bits) == network for network, bits in _NETWORKS)


def _number(parts: list[str]) -> int:
    return int.from_bytes(bytes(map(int, parts)))


_NETWORKS = [(_number(network.split(".")) >> (32 - bits), bits) for network, bits in _NOBODYS]
