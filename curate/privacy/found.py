"""What a finder gives back: of which kind a piece of personal data is, and where it stands."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["private_key", "url_credentials", "secret", "email", "iban", "ip", "card", "ssn", "phone"]

NAMES: dict[Kind, str] = {
    "private_key": "private key",
    "url_credentials": "address with password",
    "secret": "secret",
    "email": "mail address",
    "iban": "bank account",
    "ip": "ip address",
    "card": "card number",
    "ssn": "social security number",
    "phone": "phone number",
}
"""Kind to what people call it, in the order in which they are looked for: what one has claimed no later one may take, so
that the password of an address is no mail name and the digits of an account are no phone number."""


class Found(NamedTuple):
    """A piece of a text that is personal data or a secret; ``start`` and ``end`` count characters."""

    kind: Kind
    start: int
    end: int


Span = tuple[int, int]
