"""The demo's chats with tool calls and its preference pairs, each with the flaws that its rules must find."""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random
from typing import Any

from .tickets import Customer, Desk, pick

CHATS, PAIRS = 60, 40
LICENSE = "CC-BY-4.0"

CHAT_FLAWS = {
    "orphan": 3,  # a tool's result that nobody asked for
    "unanswered": 2,  # a call whose result never comes
    "unknown": 3,  # a tool that is not on offer
    "broken": 3,  # arguments cut off
    "unfit": 2,  # arguments that are JSON but not what the tool's schema asks for
    "prose": 2,  # targets that are no JSON
    "truncated": 2,
    "keyless": 1,
    "refusal": 4,  # the teacher's boilerplate, inside JSON of the right shape
}
"""Rows of chats.jsonl with each flaw; no row has two."""
CHAT_FINDINGS = {
    "quality.roles": ("orphan", "unanswered", "unknown", "broken", "unfit"),
    "quality.schema": ("prose", "truncated", "keyless"),
    "quality.template": ("refusal",),
}
SAME, REVERSED = 4, 3  # pairs of one reply; prompts that stand twice, with the two replies swapped

SYSTEM = (
    "You answer for the help desk of Tallyfern. Look things up with a tool before you promise anything. "
    "End with one object that has intent, reply and closed."
)


def _tool(name: str, description: str, **properties: str) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": {key: {"type": kind} for key, kind in properties.items()},
        "required": list(properties),
    }
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


TOOLS = [
    _tool("find_invoice", "Look up one bill by its number.", invoice="string"),
    _tool("device_status", "Say when a device last sent its sales.", customer="string", device="string"),
    _tool("unlock_account", "Unlock an account and send a fresh code.", customer="string", minutes="integer"),
]


@dataclass(frozen=True)
class Call:
    """One tool call of a chat and what the tool answered."""

    name: str
    arguments: str
    result: dict[str, Any]


def _call(rng: Random, who: Customer) -> Call:
    number = int(rng.random() * 9000) + 1000
    calls = (
        Call(
            "find_invoice",
            _json({"invoice": f"R-2{number}"}),
            {"state": pick(rng, ("paid", "open")), "sum": number / 100},
        ),
        Call(
            "device_status",
            _json({"customer": who.key, "device": who.device}),
            {"pending": number % 40, "online": True},
        ),
        Call("unlock_account", _json({"customer": who.key, "minutes": 15 + number % 4 * 15}), {"sent": True}),
    )
    return pick(rng, calls)


_REPLIES = (
    "Thank you for the details, {name}. I have noted them and a colleague checks it before {weekday} evening.",
    "Hello {name}, I see the entry now and have put it right. Please look once more and tell me if anything is off.",
    "I have looked it up, {name}: the state in our books agrees with what you wrote. The correction follows by mail.",
    "That should not have happened, {name}. I have set it back and will watch it until {weekday}.",
    "{name}, please restart the device once; after that the figures on both sides are the same again.",
    "I have passed this to the people who look after it, {name}, with your number {phone}. Expect a call on {weekday}.",
)
_CURT = (
    "Read the help pages, {name}, it is all in there.",
    "This is not our job, ask the shop where you bought the machine, {name}.",
    "We have had no other report of this, so it must be on your side, {name}.",
    "Please wait. We answer in the order of arrival and {weekday} is full.",
    "Try again later, {name}, and do not write twice about the same thing.",
)
_REFUSALS = (
    "As an AI language model, I have no access to the books of {name}.",
    "As a large language model, I am not in a position to judge what {name} has paid.",
)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _say(rng: Random, templates: tuple[str, ...], who: Customer) -> str:
    weekday = pick(rng, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"))
    return pick(rng, templates).format(name=who.name, phone=who.phone, weekday=weekday)


def chats(rng: Random, desk: Desk, people: list[Customer]) -> list[dict[str, Any]]:
    """Return ``CHATS`` chats in OpenAI's shape, those with a flaw spread among the clean ones."""
    flaws = [flaw for flaw, count in CHAT_FLAWS.items() for _ in range(count)]
    flaws += ["clean"] * (CHATS - len(flaws))
    placed = sorted((rng.random(), number, flaw) for number, flaw in enumerate(flaws))
    return [_chat(rng, desk, pick(rng, people), flaw) for _, _, flaw in placed]


def _chat(rng: Random, desk: Desk, who: Customer, flaw: str) -> dict[str, Any]:
    ticket = desk.ticket(who)
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": ticket.text}]
    # Every second clean chat does without a tool; a chat with a flaw in its target always calls one properly.
    if flaw != "clean" or rng.random() < 0.5:
        messages += _tool_turns(rng, who, flaw)
    reply = _say(rng, _REFUSALS if flaw == "refusal" else _REPLIES, who)
    target = _json({"intent": ticket.intent, "reply": reply, "closed": rng.random() < 0.5})
    if flaw == "prose":
        target = reply
    elif flaw == "truncated":
        target = target[: len(target) - 20]
    elif flaw == "keyless":
        target = _json({"answer": reply})
    messages.append({"role": "assistant", "content": target})
    return {"messages": messages, "tools": TOOLS, "customer": who.key, "license": LICENSE}


def _tool_turns(rng: Random, who: Customer, flaw: str) -> list[dict[str, Any]]:
    call = _call(rng, who)
    name, arguments = call.name, call.arguments
    if flaw == "unknown":
        name = pick(rng, ("close_account", "send_voucher"))
    elif flaw == "broken":
        arguments = arguments[:-2]
    elif flaw == "unfit":
        name, arguments = "unlock_account", _json({"customer": who.key, "minutes": "a quarter of an hour"})
    key = f"call_{int(rng.random() * 90000) + 10000}"
    asked = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": key, "type": "function", "function": {"name": name, "arguments": arguments}}],
    }
    result = {"role": "tool", "tool_call_id": key, "content": _json(call.result)}
    if flaw == "orphan":
        return [result]
    return [asked] if flaw == "unanswered" else [asked, result]


def pairs(rng: Random, desk: Desk, people: list[Customer]) -> list[dict[str, Any]]:
    """Return ``PAIRS`` preference pairs: prompt, chosen, rejected."""
    made = []
    for number in range(PAIRS - REVERSED):
        who = people[number % len(people)]
        chosen, rejected = _say(rng, _REPLIES, who), _say(rng, _CURT, who)
        if number < SAME:
            rejected = chosen
        pair = {
            "prompt": desk.ticket(who).text,
            "chosen": chosen,
            "rejected": rejected,
            "customer": who.key,
            "license": LICENSE,
        }
        made.append(pair)
        if SAME <= number < SAME + REVERSED:
            made.append({**pair, "chosen": rejected, "rejected": chosen})
    placed = sorted((rng.random(), number) for number in range(len(made)))
    return [made[number] for _, number in placed]
