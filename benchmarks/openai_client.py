"""What a call to a chat server costs the client, and how near it comes to as many calls as the server could answer.

    python benchmarks/openai_client.py [--python OTHER/bin/python] [--only vetset aiohttp]

The server (tests/evaluate/fault_server.py) waits so long and answers; it runs in a process of its own, as does each client.
Counted is the client's CPU from the first call to the last answer, imports aside. vetset writes its journal meanwhile, the others
only ask. Peers that the interpreter of ``--python`` lacks are left out.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

SERVER = Path(__file__).resolve().parent.parent / "tests" / "evaluate" / "fault_server.py"
SETTINGS = ((64, 0.2, 3000), (256, 0.5, 6000))  # calls at once, seconds of each, calls
QUESTION = "Which of these labels fits the ticket? " + "My parcel has not arrived. " * 12


def body(number: int) -> dict:
    """Return a call as the peers send it."""
    messages = [{"role": "user", "content": f"{QUESTION}{number}"}]
    return {"model": "tiny", "messages": messages, "temperature": 0, "max_tokens": 64}


def vetset(url: str, at_once: int, calls: int, *, budget: bool = False) -> tuple[float, float]:
    """Ask through vetset."""
    from vetset.curate.distill.budget import Account, Budget
    from vetset.curate.distill.within import within
    from vetset.curate.messages import Said
    from vetset.evaluate.models.calling import answer_all
    from vetset.evaluate.models.openai_client import Limits, OpenAIModel
    from vetset.evaluate.models.protocol import Parameters, Request

    importlib.import_module("aiohttp")  # before the clock
    requests = [
        Request((Said("user", f"{QUESTION}{number}"),), parameters=Parameters(max_tokens=64)) for number in range(calls)
    ]
    model = OpenAIModel("tiny", url, limits=Limits(concurrency=at_once))
    with tempfile.TemporaryDirectory() as folder:
        began, used = time.perf_counter(), time.process_time()
        asked = partial(answer_all, model, journal=Path(folder) / "journal.jsonl")
        answers = within(asked, Account(Budget(tokens=10**9)), requests) if budget else asked(requests)
        spent = time.perf_counter() - began, time.process_time() - used
    assert all(answer.text for answer in answers)
    return spent


def vetset_budget(url: str, at_once: int, calls: int) -> tuple[float, float]:
    """Ask through vetset on an ample budget."""
    return vetset(url, at_once, calls, budget=True)


def _asked(at_once: int, calls: int, connect, ask) -> tuple[float, float]:
    """Ask through a peer: so many workers, each with one call after another."""

    async def run() -> tuple[float, float]:
        async with connect() as client:
            numbers = iter(range(calls))

            async def work() -> None:
                for number in numbers:
                    assert await ask(client, number)

            began, used = time.perf_counter(), time.process_time()
            await asyncio.gather(*(work() for _ in range(at_once)))
            return time.perf_counter() - began, time.process_time() - used

    return asyncio.run(run())


def aiohttp(url: str, at_once: int, calls: int) -> tuple[float, float]:
    """Ask through aiohttp alone."""
    import aiohttp

    async def ask(client, number):
        async with client.post(f"{url}/chat/completions", json=body(number)) as response:
            return (await response.json())["choices"][0]["message"]["content"]

    return _asked(at_once, calls, lambda: aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=at_once)), ask)


def _httpx(module: str, url: str, at_once: int, calls: int) -> tuple[float, float]:
    library = importlib.import_module(module)

    async def ask(client, number):
        response = await client.post(f"{url}/chat/completions", json=body(number))
        return response.json()["choices"][0]["message"]["content"]

    limits = library.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    return _asked(at_once, calls, lambda: library.AsyncClient(limits=limits, timeout=60), ask)


def httpx(url: str, at_once: int, calls: int) -> tuple[float, float]:
    """Ask through httpx."""
    return _httpx("httpx", url, at_once, calls)


def httpx2(url: str, at_once: int, calls: int) -> tuple[float, float]:
    """Ask through httpx2."""
    return _httpx("httpx2", url, at_once, calls)


def openai(url: str, at_once: int, calls: int) -> tuple[float, float]:
    """Ask through the openai SDK."""
    import openai

    async def ask(client, number):
        return (await client.chat.completions.create(**body(number))).choices[0].message.content

    return _asked(at_once, calls, lambda: openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0), ask)


CLIENTS = {
    "vetset": vetset,
    "vetset-budget": vetset_budget,
    "aiohttp": aiohttp,
    "httpx": httpx,
    "httpx2": httpx2,
    "openai": openai,
}


def measure(name: str, python: str, at_once: int, latency: float, calls: int) -> str | None:
    """Return one line of the table; nothing where the peer is not installed."""
    with subprocess.Popen(
        [sys.executable, SERVER, "--latency", str(latency)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        url = server.stdout.readline().strip()
        words = [python, __file__, "--client", name, "--url", url, "--at-once", str(at_once), "--calls", str(calls)]
        run = subprocess.run(words, capture_output=True, text=True, check=False)
        server.stdin.close()
    if run.returncode:
        return None if "ModuleNotFoundError" in run.stderr else f"| {name} | {run.stderr[-200:]} |"
    wall, cpu = json.loads(run.stdout)
    share = calls / wall * latency / at_once
    return f"| {name} | {at_once} x {latency * 1000:.0f} ms | {cpu / calls * 1000:.2f} | {calls / wall:,.0f} | {share:.0%} |"


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--python", default=sys.executable, help="interpreter that has the peers")
    options.add_argument("--only", nargs="+", choices=CLIENTS, default=list(CLIENTS))
    options.add_argument("--client", help=argparse.SUPPRESS)
    options.add_argument("--url", help=argparse.SUPPRESS)
    options.add_argument("--at-once", type=int, help=argparse.SUPPRESS)
    options.add_argument("--calls", type=int, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.client:
        print(json.dumps(CLIENTS[chosen.client](chosen.url, chosen.at_once, chosen.calls)))
        return
    print("| client | at once | CPU ms a call | calls a second | of the most there could be |\n|-|-|-|-|-|", flush=True)
    for at_once, latency, calls in SETTINGS:
        for name in chosen.only:
            python = sys.executable if name.startswith("vetset") else chosen.python
            line = measure(name, python, at_once, latency, calls)
            if line is not None:
                print(line, flush=True)


if __name__ == "__main__":
    main()
