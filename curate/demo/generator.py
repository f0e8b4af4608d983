"""The sample set: help-desk tickets, chats and preference pairs of an imaginary product, with flaws of known number.

A flaw never touches a row that has another one, so each rule finds what was planted for it and nothing else. The one
exception is a repeat with zero-width characters, which is a repeat and an encoding flaw: it is counted for both.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from ..disk import write_whole
from ..errors import UsageError
from . import chats as talk
from . import flaws, words
from .tickets import AGENTS, START, Customer, Desk, Ticket, customers, fill, pick, shuffled, version_on

TICKETS, HELD_OUT, CHATS, PAIRS = "tickets.csv", "tickets_eval.csv", "chats.jsonl", "pairs.jsonl"

CUSTOMERS, HELD_OUT_CUSTOMERS = 300, 40
ROWS, HELD_OUT_ROWS = 1200, 150
SHARED = 20  # fresh rows of the held-out file by customers who are in tickets.csv too
LEAKED_VERBATIM, LEAKED_NORMALISED = 9, 6

EXACT_COPIES = (1,) * 34 + (2,) * 4 + (3,) * 2  # 48 surplus rows
NORMALISED_COPIES = (1,) * 16 + (2,) * 8  # 32 surplus rows, 8 of each of flaws.VARIANTS
NEAR_COPIES = 10
BLANK_TEXTS = ("", " ", "\n", "", "   ", "\u00a0", "", "\n\n", "")
MOJIBAKE, HTML, REPLACEMENT, LOGS, PLACEHOLDERS, ANSWERS, UNLICENSED, WRONG = 10, 9, 5, 5, 8, 36, 20, 30
CARELESS = "agent-07"  # gave half of the wrong labels

COLUMNS = ("ticket_id", "text", "intent", "customer", "created", "product_version", "channel", "agent", "license")
OLD_DESK = "old helpdesk"  # the channel whose texts carry the answer


@dataclass(frozen=True)
class Planted:
    """What ``generate`` wrote and what the rules must find in it."""

    rows: dict[str, int]
    """File to lines that can become rows."""
    rejects: dict[str, int]
    """File to lines that cannot."""
    expected: dict[str, dict[str, int]]
    """File to rule to rows that it must find when the file is read alone; a rule that is not named finds none.

    ``leakage.exact`` needs ``tickets.csv`` checked against ``tickets_eval.csv``. Each leaked row has one partner of its
    own, so the number is the same counted in either file."""
    wrong_labels: dict[str, str]
    """Ticket id to true intent, of rows of ``tickets.csv`` that an agent labelled wrong."""

    @property
    def files(self) -> list[str]:
        """Names of the files, in the order of reading."""
        return list(self.rows)

    def summary(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return asdict(self)


def generate(folder: Path, *, seed: int = 0) -> Planted:
    """Write the sample set into ``folder`` and return what was planted; the same bytes for the same seed.

    Args:
        folder: made where it does not exist. A file that stands there is never overwritten by other bytes.
        seed: another seed gives other tickets with the same number of flaws.

    Raises:
        UsageError: ``folder`` can't be written, or holds a file of one of these names that this call did not write.
    """
    rng = Random(seed)  # noqa: S311  (no secret hangs on it, and it must repeat)
    desk, people = Desk(rng), customers(rng, CUSTOMERS)
    tickets, spare = _tickets(rng, desk, people)
    newcomers = customers(rng, HELD_OUT_CUSTOMERS, start=CUSTOMERS, foreign_each=1)
    held_out = _held_out(rng, desk, people, newcomers, spare)
    english = [who for who in people if who.language == "en"]
    chats, pairs = talk.chats(rng, desk, english), talk.pairs(rng, desk, english)
    lines, wrong = _csv(tickets, 10_000)
    broken = _broken_lines(rng, desk, english)
    contents = {
        TICKETS: "".join(_spread(rng, lines, broken)),
        HELD_OUT: "".join(_csv(held_out, 20_000)[0]),
        CHATS: _jsonl(rng, chats, '{"messages": [{"role": "user", "content": "The export was cut off he'),
        PAIRS: _jsonl(rng, pairs, '{"prompt": "Where is my receipt?", "chosen": '),
    }
    _write(folder, contents)
    return Planted(
        rows={TICKETS: len(tickets), HELD_OUT: len(held_out), CHATS: len(chats), PAIRS: len(pairs)},
        rejects={TICKETS: len(broken), HELD_OUT: 0, CHATS: 1, PAIRS: 1},
        expected=_expected(tickets, held_out),
        wrong_labels=wrong,
    )


def _expected(tickets: list[Ticket], held_out: list[Ticket]) -> dict[str, dict[str, int]]:
    known = {ticket.customer.key for ticket in held_out}
    exact, further = sum(EXACT_COPIES), sum(NORMALISED_COPIES)
    invisible = further // len(flaws.VARIANTS)
    return {
        TICKETS: {
            "duplicates.exact": exact,
            "duplicates.normalised": exact + further,
            # The rows of a conflict say the same too, all but for their labels.
            "duplicates.near": exact + further + NEAR_COPIES + sum(len(labels) - 1 for _, labels in words.CONFLICTS),
            "labels.conflict": sum(len(labels) for _, labels in words.CONFLICTS),
            "leakage.exact": LEAKED_VERBATIM + LEAKED_NORMALISED,
            "leakage.near": LEAKED_VERBATIM + LEAKED_NORMALISED,
            "leakage.group": sum(ticket.customer.key in known for ticket in tickets),
            "leakage.answer": ANSWERS,
            "quality.empty": len(BLANK_TEXTS),
            "quality.encoding": MOJIBAKE + HTML + REPLACEMENT + invisible,
            "quality.length": LOGS,
            "quality.template": PLACEHOLDERS,
            "licences.unknown": UNLICENSED,
        },
        HELD_OUT: {},
        CHATS: {rule: sum(talk.CHAT_FLAWS[flaw] for flaw in found) for rule, found in talk.CHAT_FINDINGS.items()},
        PAIRS: {"preference.same": talk.SAME, "preference.conflict": 2 * talk.REVERSED},
    }


def _tickets(rng: Random, desk: Desk, people: list[Customer]) -> tuple[list[Ticket], list[Ticket]]:
    """Return the rows of tickets.csv by time, and clean ones among them that have no partner: the source of leaks."""
    conflicts = _conflicts(rng, desk, people)
    empties = _empties(rng, desk, people)
    fresh = ROWS - len(conflicts) - len(empties) - sum(EXACT_COPIES) - sum(NORMALISED_COPIES) - NEAR_COPIES
    # Two tickets for everybody, the rest skewed to few: a help desk has its regulars.
    regulars = [people[-1 - int(rng.random() ** 1.6 * len(people))] for _ in range(fresh - 2 * len(people))]
    written = shuffled(rng, [desk.ticket(who) for who in [*people, *people, *regulars]])
    foreign = [ticket for ticket in written if ticket.customer.language != "en"]
    # Flaws go to English texts: capitals, full width or Windows-1252 do nothing to the others, or break them.
    english = iter([ticket for ticket in written if ticket.customer.language == "en"])
    flawed = _flawed(rng, english)
    exact = [(next(english), count) for count in EXACT_COPIES]
    normalised = [(next(english), count) for count in NORMALISED_COPIES]
    near = [next(english) for _ in range(NEAR_COPIES)]
    spare = list(english)
    repeated = [ticket for ticket, _ in [*exact, *normalised]]
    copies = [_again(rng, ticket) for ticket, count in exact for _ in range(count)]
    copies += [replace(_again(rng, ticket), text=flaws.sent_again(rng, ticket.text)) for ticket in near]
    variants = _variants(rng, normalised, people)
    rows = [*conflicts, *empties, *foreign, *flawed, *repeated, *near, *copies, *variants, *spare]
    return sorted(rows, key=lambda ticket: ticket.created), spare


def _flawed(rng: Random, queue: Iterator[Ticket]) -> list[Ticket]:
    """Take tickets from the queue and plant one flaw in each."""

    def plant(count: int, change: Callable[[Ticket], dict[str, Any]]) -> list[Ticket]:
        return [replace(ticket, **change(ticket)) for ticket in islice(queue, count)]

    return [
        *plant(MOJIBAKE, lambda t: {"text": flaws.mojibake(rng, t.text)}),
        *plant(HTML, lambda t: {"text": flaws.html(rng, t.text)}),
        *plant(REPLACEMENT, lambda t: {"text": flaws.replaced(rng, t.text)}),
        *plant(LOGS, lambda t: {"text": flaws.pasted_log(rng, t.text, t.customer)}),
        *plant(PLACEHOLDERS, lambda t: {"text": flaws.templated(rng, t.text)}),
        *plant(ANSWERS, lambda t: {"text": flaws.tagged(rng, t.text, t.intent), "channel": OLD_DESK}),
        *plant(UNLICENSED, lambda _: {"license": pick(rng, ("", "", "unknown"))}),
        *plant(WRONG, lambda t: _mislabelled(rng, t)),
    ]


def _mislabelled(rng: Random, ticket: Ticket) -> dict[str, Any]:
    intent = pick(rng, [name for name in words.INTENTS if name != ticket.intent])
    return {"intent": intent, "truth": ticket.intent, "agent": CARELESS if rng.random() < 0.5 else ticket.agent}


def _conflicts(rng: Random, desk: Desk, people: list[Customer]) -> list[Ticket]:
    """Return tickets that two or three agents read differently; in every second one the text was also re-typed."""
    found = []
    for number, (opening, intents) in enumerate(words.CONFLICTS):
        who = people[-1 - number]  # the last ones write English

        def write(opening: str = opening, who: Customer = who) -> str:
            sentences = [opening, *shuffled(rng, words.GENERIC)[:3], who.habit]
            return " ".join(fill(rng, sentence, who, 0) for sentence in sentences)

        text = desk.once(write)
        for position, intent in enumerate(intents):
            said = flaws.spaced(text.upper()) if position and number % 2 else text
            found.append(replace(desk.blank(who, intent), text=said))
    return found


def _empties(rng: Random, desk: Desk, people: list[Customer]) -> list[Ticket]:
    """Return tickets without a visible character, each with another intent: two of one intent would be repeats."""
    intents = shuffled(rng, words.INTENTS)
    return [
        replace(desk.blank(pick(rng, people), intent), text=text)
        for text, intent in zip(BLANK_TEXTS, intents, strict=False)
    ]


def _again(rng: Random, ticket: Ticket) -> Ticket:
    agent = f"agent-{1 + int(rng.random() * AGENTS):02d}"
    return replace(ticket, created=ticket.created + timedelta(minutes=1 + int(rng.random() * 50)), agent=agent)


def _variants(rng: Random, bases: Sequence[tuple[Ticket, int]], people: list[Customer]) -> list[Ticket]:
    """Return repeats in other characters; every second one is sent by somebody else, as form letters are."""
    spread = [ticket for ticket, count in bases for _ in range(count)]
    made = []
    for number, ticket in enumerate(spread):
        sender = pick(rng, people) if number % 2 else ticket.customer
        text = flaws.VARIANTS[number % len(flaws.VARIANTS)](ticket.text)
        made.append(replace(_again(rng, ticket), text=text, customer=sender))
    return made


def _held_out(
    rng: Random, desk: Desk, people: list[Customer], newcomers: list[Customer], spare: list[Ticket]
) -> list[Ticket]:
    """Return the held-out rows; ``spare`` are the clean rows of tickets.csv that some of them repeat."""
    fresh = HELD_OUT_ROWS - SHARED - LEAKED_VERBATIM - LEAKED_NORMALISED
    rows = [desk.ticket(pick(rng, newcomers)) for _ in range(fresh)]
    rows += [desk.ticket(pick(rng, people)) for _ in range(SHARED)]
    leaked = shuffled(rng, spare)[: LEAKED_VERBATIM + LEAKED_NORMALISED]
    rows += leaked[:LEAKED_VERBATIM]
    # Zero-width characters would be an encoding flaw of the held-out file, which is to have none.
    ways = flaws.VARIANTS[:3]
    rows += [replace(ticket, text=ways[n % 3](ticket.text)) for n, ticket in enumerate(leaked[LEAKED_VERBATIM:])]
    return sorted(rows, key=lambda ticket: ticket.created)


def _csv(tickets: list[Ticket], first: int) -> tuple[list[str], dict[str, str]]:
    """Return the file's records, the header first, and the true intents of those labelled wrong."""
    wrong = {}
    lines = [_record(COLUMNS)]
    for number, ticket in enumerate(tickets, first):
        if ticket.truth is not None:
            wrong[f"T-{number}"] = ticket.truth
        version = version_on((ticket.created - START).days)
        lines.append(
            _record((
                f"T-{number}", ticket.text, ticket.intent, ticket.customer.key, _date(ticket), version, ticket.channel,
                ticket.agent, ticket.license,
            ))
        )  # fmt: skip
    return lines, wrong


def _record(values: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(values)
    return line.getvalue()


def _date(ticket: Ticket) -> str:
    """Return the time as the channel's system spells it."""
    at = ticket.created
    if ticket.channel == "phone":
        return f"{at.year}/{at.month}/{at.day}"
    form = {"web form": "%Y-%m-%d %H:%M", OLD_DESK: "%d.%m.%Y %H:%M"}.get(ticket.channel, "%Y-%m-%dT%H:%M:%SZ")
    return at.strftime(form)


def _broken_lines(rng: Random, desk: Desk, people: list[Customer]) -> list[str]:
    """Return lines with too few or too many fields, as a hand-made export has them: commas without quotes."""
    cut = [f"T-9000{number},{desk.ticket(pick(rng, people)).intent}\r\n" for number in range(3)]
    loose = [
        "T-90003,Hello, the till is down, call me,crash_report,c-0200,2024-05-02 09:10,3.0,chat,agent-3,CC0-1.0\r\n",
        "T-90004,Stock count, day report: all gone,sync_problem,c-0201,2025-01-20 18:40,3.1,chat,agent-11,CC0-1.0\r\n",
    ]
    return [*cut, *loose]


def _spread(rng: Random, lines: list[str], others: list[str]) -> list[str]:
    """Put ``others`` at random places after the header."""
    places = [(1 + rng.random() * (len(lines) - 1), line) for line in others]
    return [line for _, line in sorted([*enumerate(lines), *places], key=lambda pair: pair[0])]


def _jsonl(rng: Random, records: list[dict[str, Any]], broken: str) -> str:
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
    return "".join(_spread(rng, lines, [broken + "\n"]))


def _write(folder: Path, contents: dict[str, str]) -> None:
    for name, text in contents.items():
        path = folder / name
        if path.exists() and (not path.is_file() or path.read_bytes() != text.encode()):
            raise UsageError(f"{path} exists and is not what the demo would write; give an empty folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in contents.items():
            write_whole(folder / name, partial(_put, text.encode()))
    except OSError as error:
        raise UsageError(
            f"{folder} can't be written ({error.strerror}); give a folder that you may write to."
        ) from error


def _put(data: bytes, path: Path) -> None:
    path.write_bytes(data)
