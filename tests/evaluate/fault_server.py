"""A chat server on this machine that fails by plan: latency, 429s, 500s, dropped connections, cut replies, a cap on calls.

What befalls a call depends on the seed, its question and how often that was asked, not on the order in which calls come. As a
script it serves until its input ends, and prints its address first:

    python tests/evaluate/fault_server.py --latency 0.2
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import random
import sys
import threading
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Faults:
    """Shares of calls, 0 to 1, and what else is done to them."""

    latency: float = 0.0
    busy: float = 0.0  # 429
    retry_after: str | None = None  # header of these
    error: float = 0.0  # 500
    drop: float = 0.0  # the connection is closed without a word
    cut: float = 0.0  # half of the reply, then the connection is closed
    cap: int | None = None  # calls at once; one more is told 429
    seed: int = 0


@dataclass
class FaultServer:
    faults: Faults = field(default_factory=Faults)
    url: str = ""
    seen: Counter = field(default_factory=Counter)  # by question, also those that failed
    paid: Counter = field(default_factory=Counter)  # by question: answers made, whether they arrived or not
    told: Counter = field(default_factory=Counter)  # by status
    bodies: list = field(default_factory=list)
    headers: list = field(default_factory=list)
    active: int = 0
    peak: int = 0
    keep: bool = True  # bodies and headers
    reply: Callable | None = None  # function of the body: (status, headers, object), in place of the answer
    speaks: Callable | None = None  # function of the body: what is answered where no fault comes before it
    open: list = field(
        default_factory=list
    )  # transports of all connections: one that closes may still have something to send
    at: list = field(default_factory=list)  # when each call came, on the loop's clock

    async def serve(self, reader, writer):
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self.answer(await self.read(reader), writer):
                    pass
        finally:
            writer.close()

    async def read(self, reader):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        if self.keep:
            self.headers.append(headers)
            self.bodies.append(body)
        return body

    async def answer(self, body, writer):
        question = body["messages"][-1]["content"]
        self.seen[question] += 1
        self.at.append(asyncio.get_running_loop().time())
        draw = random.Random(f"{self.faults.seed}:{question}:{self.seen[question]}").random()
        faults = self.faults
        if faults.cap is not None and self.active >= faults.cap:
            return await self.say(writer, 429, {}, {"error": {"message": "too many at once"}})
        self.active += 1
        self.peak = max(self.peak, self.active)
        try:
            if self.reply is not None:
                await asyncio.sleep(faults.latency)
                return await self.say(writer, *self.reply(body))
            for kind, share in (("busy", faults.busy), ("error", faults.error), ("drop", faults.drop)):
                if draw < share:
                    return await self.fail(kind, writer)
                draw -= share
            await asyncio.sleep(faults.latency)
            self.paid[question] += 1
            found = completion(question) if self.speaks is None else self.speaks(body)
            return await self.say(writer, 200, {}, found, cut=draw < faults.cut)
        finally:
            self.active -= 1

    async def fail(self, kind, writer):
        if kind == "drop":
            return False
        if kind == "error":
            return await self.say(writer, 500, {}, {"error": {"message": "a fault"}})
        headers = {"Retry-After": self.faults.retry_after} if self.faults.retry_after is not None else {}
        return await self.say(writer, 429, headers, {"error": {"message": "slow down"}})

    async def say(self, writer, status, headers, found, *, cut=False):
        self.told[status] += 1
        text = found if isinstance(found, bytes) else json.dumps(found).encode()
        lines = [f"HTTP/1.1 {status} Said", "Content-Type: application/json", f"Content-Length: {len(text)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + (text[: len(text) // 2] if cut else text))
        await writer.drain()
        return not cut

    async def run(self, started, ended):
        loop = asyncio.get_running_loop()
        kept = lambda: Kept(self.open, asyncio.StreamReader(loop=loop), self.serve, loop=loop)  # noqa: E731
        server = await loop.create_server(kept, "127.0.0.1", 0, backlog=1024)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        started()
        await ended.wait()
        server.close()
        for _ in range(3):
            await asyncio.sleep(0)  # connections that were just accepted are made
        for transport in self.open:
            transport.abort()  # what is left to send would keep its socket open
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for transport in [*self.open, *getattr(loop, "_transports", {}).values()]:  # and any that nobody was told of
            transport.abort()
        for _ in range(3):
            await asyncio.sleep(0)  # in which closed connections are let go of


class Kept(asyncio.StreamReaderProtocol):
    """A connection that is known from the moment it is made: a task that is cancelled before its first step closes nothing."""

    def __init__(self, known, *arguments, **options):
        super().__init__(*arguments, **options)
        self.known = known

    def connection_made(self, transport):
        self.known.append(transport)
        super().connection_made(transport)


def completion(question):
    """Return what is answered to a question, in OpenAI's shape."""
    return {
        "model": "served",
        "choices": [{"message": {"role": "assistant", "content": f"re: {question}"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": len(question.split()), "completion_tokens": 2, "total_tokens": 9},
    }


@contextmanager
def serving(faults=None, **fields):
    """Serve from a thread; gives the server, whose ``url`` is known by then."""
    server = FaultServer(faults or Faults(), **fields)
    ready, loops = threading.Event(), []

    async def main():
        ended = asyncio.Event()
        loops.append((asyncio.get_running_loop(), ended))
        await server.run(ready.set, ended)

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    ready.wait()
    try:
        yield server
    finally:
        loop, ended = loops[0]
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        with (
            warnings.catch_warnings()
        ):  # a connection that came while the server ended has a socket of its own, let go of here
            warnings.simplefilter("ignore", ResourceWarning)
            loops.clear()
            gc.collect()


def main():
    options = argparse.ArgumentParser()
    for name in ("latency", "busy", "error", "drop", "cut"):
        options.add_argument(f"--{name}", type=float, default=0.0)
    options.add_argument("--cap", type=int)
    chosen = options.parse_args()
    server = FaultServer(Faults(**vars(chosen)), keep=False)

    async def run():
        ended = asyncio.Event()
        asyncio.get_running_loop().run_in_executor(None, sys.stdin.read).add_done_callback(lambda _: ended.set())
        await server.run(lambda: print(server.url, flush=True), ended)

    asyncio.run(run())


if __name__ == "__main__":
    main()
