"""Numbers and commands in sentences."""

from __future__ import annotations

import shlex


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "record"), counted(2_000, "record")
    ('1 record', '2,000 records')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def shell(place: object) -> str:
    """Return a path, or another word, as a command that is offered has it: a shell takes it for one word, and for no option.

    >>> print("vetset check", shell("my set.vet"), shell("-a.vet"))
    vetset check 'my set.vet' ./-a.vet
    """
    word = str(place)
    return shlex.quote(f"./{word}" if word.startswith("-") else word)
