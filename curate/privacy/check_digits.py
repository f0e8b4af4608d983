"""The check digits of payment cards (Luhn, ISO/IEC 7812-1) and of bank accounts (mod 97, ISO 13616 and ISO 7064)."""

from __future__ import annotations

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def luhn(digits: str) -> bool:
    """Say whether the last digit of ``digits`` is the check digit of those before it.

    >>> luhn("4111111111111111"), luhn("4111111111111112")
    (True, False)
    """
    total = sum(map(int, digits[-1::-2])) + sum(_DOUBLED[int(digit)] for digit in digits[-2::-2])
    return total % 10 == 0


def mod_97(account: str) -> bool:
    """Say whether an IBAN (capitals and digits only) has the check digits that it should.

    >>> mod_97("GB82WEST12345698765432"), mod_97("GB83WEST12345698765432")
    (True, False)
    """
    return int("".join(str(int(character, 36)) for character in account[4:] + account[:4])) % 97 == 1
