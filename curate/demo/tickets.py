"""The demo's customers and their clean tickets: no two texts are the same, and each customer has a style."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TypeVar

from ..text import fold
from . import words

AGENTS = 12
FOREIGN_EACH = 4  # customers a language: 5% of the tickets, enough to see that a rule folds other scripts
START, DAYS = datetime(2024, 1, 1, tzinfo=UTC), 730
VERSIONS = (("3.0", 0), ("3.1", 240), ("4.0", 500))  # and the day of release
SHORTEST, LONGEST = 90, 560  # characters: within a factor of four of the median, so that no clean text is an outlier

T = TypeVar("T")


def pick(rng: Random, options: Sequence[T]) -> T:
    """Return one of ``options``."""
    # Of Python's generator only random() is promised to give the same numbers in later versions.
    return options[int(rng.random() * len(options))]


def shuffled(rng: Random, items: Iterable[T]) -> list[T]:
    """Return the items in a random order."""
    return [item for _, item in sorted(((rng.random(), item) for item in items), key=lambda pair: pair[0])]


@dataclass(frozen=True)
class Customer:
    """Who writes: the words that come back in all of their tickets."""

    name: str
    key: str
    language: str
    greeting: str
    goodbye: str
    habit: str
    shop: str
    town: str
    device: str
    goods: str
    lower: bool  # writes without capitals
    favourite: str  # the intent of most of their tickets
    phone: str
    email: str


@dataclass(frozen=True)
class Ticket:
    """One line of the file before its id and its date's spelling."""

    text: str
    intent: str
    customer: Customer
    created: datetime
    channel: str
    agent: str
    license: str
    truth: str | None = None  # the right intent, where ``intent`` was planted wrong


def customers(rng: Random, count: int, *, start: int = 0, foreign_each: int = FOREIGN_EACH) -> list[Customer]:
    """Return customers; the first ``4 * foreign_each`` write in another language."""
    languages = [language for language in words.LANGUAGES for _ in range(foreign_each)]
    return [
        _customer(rng, start + index, languages[index] if index < len(languages) else "en") for index in range(count)
    ]


def _customer(rng: Random, number: int, language: str) -> Customer:
    name = pick(rng, words.SLOTS["colleague"])
    english = language == "en"
    return Customer(
        name=name,
        key=f"c-{number + 1:04d}",
        language=language,
        greeting=pick(rng, words.GREETINGS if english else words.LANGUAGES[language].greetings),
        goodbye=pick(rng, words.GOODBYES if english else words.LANGUAGES[language].goodbyes),
        habit=pick(rng, words.HABITS),
        shop=pick(rng, words.SHOPS),
        town=pick(rng, words.TOWNS),
        device=pick(rng, words.DEVICES),
        goods=pick(rng, words.SLOTS["goods"]),
        lower=rng.random() < 0.15,
        favourite=_intent(rng),
        # 555-0100 to 555-0199 and example.com are kept free for fiction: nobody can be reached there.
        phone=f"555-01{int(rng.random() * 100):02d}",
        email=f"{name.lower()}.{number + 1}@example.com",
    )


def _intent(rng: Random) -> str:
    return pick(rng, [name for name, intent in words.INTENTS.items() for _ in range(intent.share)])


def version_on(day: int) -> str:
    """Return the newest version on a day, counted from ``START``."""
    return [version for version, release in VERSIONS if release <= day][-1]


def fill(rng: Random, template: str, who: Customer, day: int) -> str:
    """Return ``template`` with every ``{slot}`` drawn; a customer mostly speaks of their own device and goods."""

    def value(match: re.Match[str]) -> str:
        slot, dice = match[1], rng.random()
        made: dict[str, Callable[[], str]] = {
            "amount": lambda: f"{int(4 + dice * 190)}.{pick(rng, ('00', '50', '90', '99'))} euros",
            "invoice": lambda: f"R-{20000 + int(dice * 9999)}",
            "four": lambda: str(1000 + int(dice * 8999)),
            "days": lambda: str(3 + int(dice * 24)),
            "hour": lambda: f"{8 + int(dice * 11)}:{pick(rng, ('00', '15', '30', '45'))}",
            "version": lambda: version_on(day),
            "product": lambda: words.PRODUCT,
            "device": lambda: who.device if dice < 0.8 else pick(rng, words.DEVICES),
            "goods": lambda: who.goods if dice < 0.6 else pick(rng, words.SLOTS["goods"]),
            "name": lambda: who.name,
            "colleague": lambda: pick(rng, [name for name in words.SLOTS["colleague"] if name != who.name]),
            "town": lambda: who.town,
            "phone": lambda: who.phone,
            "email": lambda: who.email,
        }
        if slot in made:
            return made[slot]()
        return pick(rng, words.SLOTS[slot])

    filled = re.sub(r"\{(\w+)\}", value, template)
    return filled[:1].upper() + filled[1:]


def compose(rng: Random, who: Customer, intent: str, day: int) -> str:
    """Return the text of one ticket: what it is about, in the customer's style."""
    if who.language != "en":
        return _compose_foreign(rng, who, intent, day)
    about = words.INTENTS[intent]
    vague = rng.random() < 0.15  # with these and the asides a bag of words stays below 90%
    body = [pick(rng, words.VAGUE if vague else about.openings)]
    if not vague and rng.random() < 0.55:
        body.append(pick(rng, about.details))
    if rng.random() < 0.2:
        others = [other.topic for name, other in words.INTENTS.items() if name != intent]
        body.append(pick(rng, words.ASIDES).replace("{topic}", pick(rng, others)))
    body += shuffled(rng, words.GENERIC)[: 1 + (rng.random() < 0.4)]
    if vague or rng.random() < 0.55:
        body.append(who.habit)
    if vague or rng.random() < 0.45:
        body.insert(0 if rng.random() < 0.5 else len(body), f"I work in {who.shop} in {who.town}.")
    if rng.random() < (0.3 if vague else 0.6):
        body.append(pick(rng, about.asks))
    return _signed(rng, who, [fill(rng, sentence, who, day) for sentence in body], fill(rng, who.goodbye, who, day))


def _compose_foreign(rng: Random, who: Customer, intent: str, day: int) -> str:
    language = words.LANGUAGES[who.language]
    body = [pick(rng, language.openings[intent]), *shuffled(rng, language.details)[:2]]
    return _signed(rng, who, [fill(rng, sentence, who, day) for sentence in body], fill(rng, who.goodbye, who, day))


def _signed(rng: Random, who: Customer, body: list[str], goodbye: str) -> str:
    parts = [who.greeting] if rng.random() < 0.75 else []
    parts.append(("" if who.language == "zh" else " ").join(body))
    if rng.random() < 0.7:
        parts.append(goodbye)
    text = ("\n" if rng.random() < 0.3 else " ").join(parts)
    return text.lower() if who.lower else text


class Desk:
    """Writes tickets of which no two are the same text: it remembers every folded form."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.seen: set[str] = set()

    def once(self, write: Callable[[], str]) -> str:
        """Return the first text of ``write`` of a usual length whose folded form has not been seen."""
        while True:  # ends: a ticket has millions of forms
            text = write()
            folded = fold(text)
            if folded not in self.seen and SHORTEST <= len(text) <= LONGEST:
                self.seen.add(folded)
                return text

    def ticket(self, who: Customer) -> Ticket:
        """Return a fresh ticket of this customer."""
        rng = self.rng
        intent = who.favourite if rng.random() < 0.75 else _intent(rng)
        blank = self.blank(who, intent)
        day = (blank.created - START).days
        return replace(blank, text=self.once(lambda: compose(rng, who, intent, day)))

    def blank(self, who: Customer, intent: str) -> Ticket:
        """Return a ticket without a text: when, where and by whom it was taken."""
        rng = self.rng
        created = START + timedelta(days=int(rng.random() * DAYS), minutes=420 + int(rng.random() * 840))
        channel = pick(rng, ("e-mail", "e-mail", "web form", "web form", "chat", "phone"))
        agent = f"agent-{1 + int(rng.random() * AGENTS):02d}"
        return Ticket("", intent, who, created, channel, agent, "CC0-1.0" if rng.random() < 0.2 else "CC-BY-4.0")
