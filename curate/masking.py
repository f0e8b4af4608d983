"""Secrets and personal data masked where a text is shown; the rows themselves never change.

A display guard, not a finder: it masks what has an unmistakable form (mail addresses, card numbers that pass the Luhn
check, IBANs that pass theirs, phone numbers with their country, API keys with known prefixes, bearer tokens, passwords that
are called so, private keys). Names and postal addresses have no such form.
"""

from __future__ import annotations

import re
from collections import Counter

_FORMS = re.compile(
    r"(?P<mail>[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4})"
    r"|(?P<key>\b(?:sk-(?=[A-Za-z_-]{0,200}\d)[A-Za-z0-9_-]{16,200}|[sr]k_(?:live|test)_\w{10,200}|npm_\w{30,80}"
    r"|gh[pousr]_[A-Za-z0-9]{20,200}|github_pat_\w{20,200}|hf_[A-Za-z0-9]{20,200}"
    r"|A[KS]IA[0-9A-Z]{16}|AIza[\w-]{30,60}|xox[abprs]-[\w-]{10,200}|glpat-[\w-]{16,80}"
    r"|eyJ[\w-]{8,300}+\.[\w-]{8,2000}+\.[\w-]{8,2000}))"
    r"|(?P<bearer>(?i:bearer)[ :=\\\"]{1,4}(?=[A-Za-z._~+/-]{0,200}\d)[\w.~+/-]{16,2000}=*)"
    # To its end; cut off (as it may be where only a piece is shown), as far as it looks like base64. \\ and n: a line
    # feed inside of JSON.
    r"|(?P<pem>-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"
    r"(?:[^-]{0,12000}(?:-[^-]{1,200}){0,4}-----END [A-Z ]{0,30}PRIVATE KEY-----|[A-Za-z0-9+/=\s\\]*))"
    r"|(?P<iban>\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b)"
    r"|(?P<card>\b[2-6](?:[ -]?\d){12,18}\b)"
)
_NAMES = {
    "mail": "mail address", "key": "secret", "bearer": "secret", "pem": "private key", "iban": "bank account",
    "card": "card number",
}  # fmt: skip

# Looked for by themselves, where their mark stands: among the forms they would cost every text a third more.
_PHONE = re.compile(r"(?<![\w+])\+[1-9](?:[ ().-]{0,2}\d){8,14}\b")  # with its country, as ITU-T E.164 has it
# Told with a sign, and no plain word: "password: forgotten" says nothing.
_PASSWORD = re.compile(r"\b(?i:passw(?:or[dt]|d)|passphrase|pwd)[\"']? ?[:=] ?(?=\S{0,60}[\d!@#$%^&*])\S{4,200}")
_CALLED = ("passw", "passphrase", "pwd")
_WORDS = re.compile(r"\w+")
# What tears a form apart: a few words between two groups of digits, spaces at the sign of a mail address.
_TORN = re.compile(r"(?<=\d)[ ,;:]{1,3}(?:[^\W\d_]{1,20}[ ,;:]{1,3}){1,3}(?=\d)|(?<=@) {1,3}| {1,3}(?=@)")


def mask(text: str) -> str:
    """Return ``text`` with secrets and personal data replaced by what they are.

    >>> mask("write to ann@example.com, card 4111 1111 1111 1111, order 4111 1111 1111 1112")
    'write to [mail address], card [card number], order 4111 1111 1111 1112'
    """
    text = _FORMS.sub(_name, text)
    if "+" in text:
        text = _PHONE.sub("[phone number]", text)
    return _PASSWORD.sub("[password]", text) if any(word in text.lower() for word in _CALLED) else text


def hidden(*texts: str) -> set[str]:
    """Return the words, folded, that masking takes out of any of these texts, also where a word or a space tears them apart.

    For notes that show words one by one, of texts that are nearly the same: what is whole in the one may be torn in the other.

    >>> sorted(hidden("card 4111 1111 please 1111 1111 of ann @ example.com"))
    ['1111', '4111', 'ann', 'com', 'example']
    """
    found: set[str] = set()
    for text in texts:
        for whole in {text, _TORN.sub(lambda gap: " " if gap[0].strip(" ") else "", text)}:
            masked = mask(whole)
            if masked != whole:
                found |= (_counted(whole) - _counted(masked)).keys()
    return found


def _counted(text: str) -> Counter[str]:
    return Counter(word.casefold() for word in _WORDS.findall(text))


def _name(found: re.Match[str]) -> str:
    kind = found.lastgroup or ""
    if kind == "card" and not _luhn(found.group()):
        return found.group()
    if kind == "iban":  # words in capitals may follow an account: what passes decides where it ends
        text = found.group()
        ends = [match.end() for match in re.finditer(r"\S+", text)]
        end = next((end for end in reversed(ends) if end > 14 and _mod_97(text[:end])), 0)
        return f"[{_NAMES[kind]}]{text[end:]}" if end else text
    return f"[{_NAMES[kind]}]"


def _mod_97(account: str) -> bool:
    """The check digits of an IBAN (ISO 13616): its number, letters as 10 to 35, leaves 1 when divided by 97."""
    plain = account.replace(" ", "")
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def _luhn(digits: str) -> bool:
    """The check digit of ISO/IEC 7812-1."""
    total = 0
    for place, digit in enumerate(reversed([int(c) for c in digits if c.isdigit()])):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0
