"""What goes wrong with a text on its way to a training file: each function plants one flaw in a clean text."""

from __future__ import annotations

import re
from random import Random

from . import words
from .tickets import Customer, fill, pick


def spaced(text: str) -> str:
    """Return the text with white space as a form or a mail program mangles it."""
    return "  " + text.replace(". ", ".\n").replace(", ", ",  ") + " \n"


def wide(text: str) -> str:
    """Return the text with its first letters and all digits in full width, as an East Asian keyboard types them."""
    head = re.sub(r"[A-Za-z]", lambda m: chr(ord(m[0]) + 0xFEE0), text[:24])
    return head + re.sub(r"[0-9]", lambda m: chr(ord(m[0]) + 0xFEE0), text[24:])


def zero_width(text: str) -> str:
    """Return the text with zero-width spaces, as a rich-text editor leaves them."""
    return text.replace(" ", " \u200b", 3) + "\ufeff"


def sent_again(rng: Random, text: str) -> str:
    """Return the text as it is sent once more, with a line below."""
    return text + pick(rng, ("\n\nAny news?", "\n\nStill waiting.", "\n\nPlease answer."))


VARIANTS = (str.upper, spaced, wide, zero_width)
"""Ways to write the same text with other characters."""


def mojibake(rng: Random, text: str) -> str:
    """Return the text in UTF-8 bytes that were read as Windows-1252."""
    ends = (
        " We don’t know what to do.",
        " That’s all for now, René.",
        " Grüße from the café!",
        " It’s urgent – señor Peña waits.",
    )
    return (text.replace("'", "’") + pick(rng, ends)).encode().decode("cp1252")


def html(rng: Random, text: str) -> str:
    """Return the text with the tags and entities of a web form left in."""
    lines = text.replace("\n", "<br>").replace(". ", ".<br>")
    forms = (f"<p>{lines}</p>", f"{lines}&nbsp;&amp; thanks", f'<div class="body">{lines}</div>')
    return pick(rng, forms)


def replaced(rng: Random, text: str) -> str:
    """Return the text with characters that an export could not write."""
    return text + pick(
        rng, (" I can\ufffdt wait.", " Our caf\ufffd is closed.", " It\ufffds the \ufffdbig\ufffd till.")
    )


def pasted_log(rng: Random, text: str, who: Customer) -> str:
    """Return the text with 90 to 200 lines of a device's log below it: some 6,000 to 13,000 characters."""
    lines = []
    for minute in range(90 + int(rng.random() * 110)):
        stamp = f"03:{minute // 60:02d}:{minute % 60:02d}"
        lines.append(fill(rng, pick(rng, words.LOG_LINES).replace("{stamp}", stamp), who, 0))
    return "\n".join([text, "", *lines])


def tagged(rng: Random, text: str, intent: str) -> str:
    """Return the text with the answer in it, as the old help desk exported it."""
    return pick(rng, (f"[intent: {intent}] {text}", f"{text}\nCategory: {intent}"))


def templated(rng: Random, text: str) -> str:
    """Return the text in a form letter whose blanks nobody filled."""
    blank = pick(rng, words.PLACEHOLDERS)
    return pick(rng, (f"Message from {blank}: {text}", f"{text} Answer to {blank}"))
