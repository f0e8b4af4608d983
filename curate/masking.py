"""Secrets and personal data masked where a text is shown; the rows themselves never change.

A display guard, not a finder: it masks what has an unmistakable form (mail addresses, card numbers that pass the Luhn
check, IBANs, API keys with known prefixes, bearer tokens, private keys). Names and postal addresses have no such form.
"""

from __future__ import annotations

import re

_FORMS = re.compile(
    r"(?P<mail>[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4})"
    r"|(?P<key>\b(?:sk-[A-Za-z0-9_-]{16,200}|gh[pousr]_[A-Za-z0-9]{20,200}|github_pat_\w{20,200}|hf_[A-Za-z0-9]{20,200}"
    r"|AKIA[0-9A-Z]{16}|AIza[\w-]{30,60}|xox[abprs]-[\w-]{10,200}|glpat-[\w-]{16,80}"
    r"|eyJ[\w-]{8,2000}\.[\w-]{8,2000}\.[\w-]{8,2000}))"
    r"|(?P<pem>-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----)"
    r"|(?P<iban>\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b)"
    r"|(?P<card>\b\d(?:[ -]?\d){12,18}\b)"
)
_NAMES = {"mail": "mail address", "key": "secret", "pem": "private key", "iban": "bank account", "card": "card number"}


def mask(text: str) -> str:
    """Return ``text`` with secrets and personal data replaced by what they are.

    >>> mask("write to ann@example.com, card 4111 1111 1111 1111, order 4111 1111 1111 1112")
    'write to [mail address], card [card number], order 4111 1111 1111 1112'
    """
    return _FORMS.sub(_name, text)


def _name(found: re.Match[str]) -> str:
    kind = found.lastgroup or ""
    if kind == "card" and not _luhn(found.group()):
        return found.group()
    return f"[{_NAMES[kind]}]"


def _luhn(digits: str) -> bool:
    """The check digit of ISO/IEC 7812-1."""
    total = 0
    for place, digit in enumerate(reversed([int(c) for c in digits if c.isdigit()])):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0
