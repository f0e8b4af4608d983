"""Chat files for the benches: real conversations, replicated and perturbed, as JSONL in OpenAI's shape.

Of every 100 rows about 10 repeat an earlier row to the character, 3 repeat it in another case, 2 answer an earlier input
otherwise, and 1 has one of the other flaws (empty, mojibake, a placeholder, a tool result without a call); a quarter call
tools. The rest are a real conversation with a few words exchanged for words of the same set, so that the texts keep the
lengths, scripts and vocabulary of real ones and hardly any two are alike.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "llm_formats"
HERE = Path(__file__).resolve().parent / "data"
ROLES = {"human": "user", "gpt": "assistant", "observation": "tool"}


def conversations() -> list[dict]:
    """Real conversations of the shared samples, as messages."""
    found = []
    for name in ("glaive_toolcall_en", "glaive_toolcall_zh"):
        for row in json.loads((DATA / f"{name}_demo.json").read_text(encoding="utf-8")):
            messages = []
            for turn in row["conversations"]:
                if turn["from"] == "function_call":
                    call = {"type": "function", "function": json.loads(turn["value"])}
                    messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
                else:
                    messages.append({"role": ROLES[turn["from"]], "content": turn["value"]})
            found.append(
                {"messages": messages, **({"tools": json.loads(row["tools"])} if len(row["tools"]) > 2 else {})}
            )
    for name in ("alpaca_en", "alpaca_zh"):
        for row in json.loads((DATA / f"{name}_demo.json").read_text(encoding="utf-8")):
            asked = "\n".join(filter(None, (row["instruction"], row["input"])))
            found.append(
                {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": row["output"]}]}
            )
    return found


def write(rows: int, *, seed: int = 0) -> Path:
    """Write ``rows`` conversations and return the file; one that stands there is taken as it is."""
    path = HERE / f"chats-{rows}.jsonl"
    if path.exists():
        return path
    HERE.mkdir(exist_ok=True)
    draw = random.Random(seed)
    real = conversations()
    words = sorted(
        {word for row in real for m in row["messages"] for word in (m["content"] or "").split() if word.isalpha()}
    )
    recent: list[dict] = []
    with path.with_suffix(".part").open("w", encoding="utf-8") as out:
        for number in range(rows):
            row = _row(draw, real, words, recent)
            recent = [*recent[-999:], row] if len(recent) >= 1000 else [*recent, row]
            out.write(
                json.dumps({**row, "user": f"u{draw.randrange(rows // 5 + 1)}", "n": number}, ensure_ascii=False) + "\n"
            )
    path.with_suffix(".part").rename(path)
    return path


def _row(draw: random.Random, real: list[dict], words: list[str], recent: list[dict]) -> dict:
    kind = draw.random()
    if recent and kind < 0.10:
        return recent[draw.randrange(len(recent))]
    if recent and kind < 0.15:
        row = json.loads(json.dumps(recent[draw.randrange(len(recent))]))
        side = row["messages"][0 if kind < 0.13 else -1]
        side["content"] = (side["content"] or "").upper() if kind < 0.13 else " ".join(draw.sample(words, 20))
        return row
    row = json.loads(json.dumps(real[draw.randrange(len(real))]))
    for message in row["messages"]:
        if message["content"] and message["role"] != "tool":
            said = message["content"].split(" ")
            for _ in range(2 + len(said) // 10):
                said.insert(draw.randrange(len(said) + 1), draw.choice(words))
            message["content"] = " ".join(said)
    if kind > 0.99:
        _flaw(draw, row["messages"])
    return row


def _flaw(draw: random.Random, messages: list[dict]) -> None:
    flaw = draw.randrange(4)
    if flaw == 0:
        messages[-1]["content"] = " "
    elif flaw == 1:
        messages[-1]["content"] = (messages[-1]["content"] or "") + " it’s café".encode().decode("cp1252")
    elif flaw == 2:
        messages[-1]["content"] = "Dear {{customer_name}}, " + (messages[-1]["content"] or "")
    else:
        messages.insert(1, {"role": "tool", "content": "{}"})


if __name__ == "__main__":
    for size in sys.argv[1:]:
        print(write(int(size)))
