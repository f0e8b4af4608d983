"""A small OpenAI-compatible server for a transformers model on this machine: a teacher for examples and tests.

    python examples/distill/serve.py FOLDER [--port 8000] [--batch 16]

It prints its address first, listens on this machine alone, and serves until its input ends or it is interrupted. Calls that come
while a batch is under way make up the next one. It is for trying things out: vLLM or llama.cpp serve many times as fast.

Taken: messages, max_tokens (or max_completion_tokens), temperature, top_p, seed, stop, tools, logprobs and top_logprobs.
Passed over: response_format, for nothing here can hold a model to it; and all else.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from vetset.curate.calls import Answer, Parameters, Request
from vetset.curate.errors import VetsetError
from vetset.curate.messages import Said
from vetset.evaluate.models.local import open_local
from vetset.evaluate.models.protocol import Model

LARGEST = 8 << 20
"""Bytes of a call."""


class Teacher:
    """A model that answers the calls that have come so far, batch by batch."""

    def __init__(self, model: Model, *, batch: int) -> None:
        """Take a model.

        Args:
            model: who answers.
            batch: calls of one batch, at most.
        """
        self.model = model
        self.batch = batch
        self.waiting: asyncio.Queue[tuple[Request, asyncio.Future[Answer]]] = asyncio.Queue()

    async def ask(self, request: Request) -> Answer:
        """Return the answer to a call, when its turn has come."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.waiting.put_nowait((request, future))
        return await future

    async def work(self) -> None:
        """Answer for ever."""
        while True:
            calls = [await self.waiting.get()]
            await asyncio.sleep(0.005)  # what was sent together comes in over a few turns of the loop
            while len(calls) < self.batch and not self.waiting.empty():
                calls.append(self.waiting.get_nowait())
            try:
                answers = await asyncio.to_thread(self.answers, [request for request, _ in calls])
            except (VetsetError, RuntimeError) as error:
                answers = [Answer(finish="error", error=str(error))] * len(calls)
            for (_, future), answer in zip(calls, answers, strict=True):
                if not future.done():  # else who asked has gone away
                    future.set_result(answer)

    def answers(self, requests: list[Request]) -> list[Answer]:
        """Return the answers to one batch."""
        found: dict[int, Answer] = {}
        self.model.answer(requests, found.__setitem__)
        return [found[place] for place in range(len(requests))]

    async def chat(self, call: web.Request) -> web.Response:
        """Answer ``POST /v1/chat/completions``."""
        try:
            body = await call.json()
            request = read_request(body)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            return refusal(400, f"no chat completion request: {error!r}")
        if body.get("model") not in (None, self.model.name):
            return refusal(404, f"the model here is called {self.model.name!r}")
        answer = await self.ask(request)
        if answer.finish == "error":
            return refusal(400, answer.error or "no answer")
        return web.json_response(completion(answer, self.model.name))

    async def models(self, call: web.Request) -> web.Response:
        """Answer ``GET /v1/models``."""
        return web.json_response({"object": "list", "data": [{"id": self.model.name, "object": "model"}]})


def read_request(body: Mapping[str, Any]) -> Request:
    """Return the request of a body; what is wrong with it raises an error of the standard library."""
    messages = []
    for said in body["messages"]:
        calls = said.get("tool_calls")
        content = said.get("content")
        if content is not None and not isinstance(content, str):
            raise TypeError("content has to be a text")
        calls = None if calls is None else json.dumps(calls)
        messages.append(Said(str(said["role"]), content, calls, said.get("tool_call_id")))
    if not messages:
        raise ValueError("messages is empty")
    stop = body.get("stop") or ()
    most = int(body.get("max_completion_tokens") or body.get("max_tokens") or 256)
    if most < 1:
        raise ValueError("max_tokens is below 1")
    parameters = Parameters(
        temperature=float(body.get("temperature", 1.0)),
        top_p=None if body.get("top_p") is None else float(body["top_p"]),
        max_tokens=most,
        stop=(stop,) if isinstance(stop, str) else tuple(map(str, stop)),
        seed=None if body.get("seed") is None else int(body["seed"]),
        top_logprobs=int(body.get("top_logprobs") or 1) if body.get("logprobs") else 0,
    )
    tools = body.get("tools")
    # A local model draws by what it is asked: without a seed the same question would get the same answer for ever.
    sample = next(_COUNT) if parameters.seed is None else 0
    return Request(tuple(messages), None if not tools else json.dumps(tools), parameters, sample)


_COUNT = itertools.count()


def completion(answer: Answer, model: str) -> dict[str, Any]:
    """Return an answer in OpenAI's shape."""
    message = {"role": "assistant", "content": answer.text}
    if answer.reasoning:
        message["reasoning_content"] = answer.reasoning
    choice = {"index": 0, "message": message, "finish_reason": answer.finish}
    if answer.logprobs:
        choice["logprobs"] = {"content": json.loads(answer.logprobs)}
    prompt, completion = answer.prompt_tokens or 0, answer.completion_tokens or 0
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return {
        "id": "chatcmpl-local", "object": "chat.completion", "created": int(time.time()), "model": model,
        "choices": [choice], "usage": usage,
    }  # fmt: skip


def refusal(status: int, message: str) -> web.Response:
    """Return an error in OpenAI's shape."""
    return web.json_response({"error": {"message": message, "type": "invalid_request_error"}}, status=status)


async def serve(model: Model, *, port: int, batch: int) -> None:
    """Serve until the input ends or somebody interrupts."""
    teacher = Teacher(model, batch=batch)
    app = web.Application(client_max_size=LARGEST)
    app.add_routes([web.post("/v1/chat/completions", teacher.chat), web.get("/v1/models", teacher.models)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, backlog=1024)
    await site.start()
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    reading = loop.run_in_executor(None, sys.stdin.read) if not sys.stdin.isatty() else None
    if reading is not None:
        reading.add_done_callback(lambda _: ended.set())
    work = asyncio.create_task(teacher.work())
    print(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", flush=True)
    await ended.wait()
    work.cancel()
    await runner.cleanup()


def main() -> None:
    """Serve the model that is named."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("model", help="folder or hub name of a transformers model")
    options.add_argument("--port", type=int, default=0, help="any free one for 0")
    options.add_argument("--batch", type=int, default=16, help="calls of one batch, at most")
    chosen = options.parse_args()
    try:
        asyncio.run(serve(open_local(chosen.model), port=chosen.port, batch=chosen.batch))
    except VetsetError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
