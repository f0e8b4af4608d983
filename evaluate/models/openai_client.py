"""A model behind an OpenAI-compatible server: vLLM, llama.cpp, Ollama, hosted services.

Many calls are under way at once, as many as the server bears; faults that pass are met by further tries; what no try will mend
stops all with one sentence. ``answer`` returns when every request has its answer, and runs an event loop of its own.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...curate.errors import DataError, UsageError
from ...curate.wording import counted
from .calling import Before
from .openai_address import base_url, note, read_key
from .openai_transport import Connection, Reply, Unanswered, check_installed, connect
from .openai_wire import BadReply, TokenField, read_reply, write_request
from .own_loop import run
from .pacing import Gate, Rate
from .protocol import Answer, Request
from .retrying import Fault, fault_of, pause

UNREACHED = 3
"""Tries until a server that never answered is said not to be there: some two seconds."""
IN_A_ROW = 10
"""Calls that fail for good, one after another, until the server is given up: each was tried many times over a minute."""
TURNED_AWAY = 30
"""Times that one call may be told 429: with pauses of up to half a minute these are some seven minutes."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How a server is used; nothing of it changes an answer."""

    concurrency: int = 64
    """Calls under way at most; the server's refusals lower it."""
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    """Of prompt and answer. What a call may need is taken before it is sent (its cap, and a token for four bytes of prompt), the
    difference is given back after."""
    deadline: float = 600.0
    """Seconds of one try. A long answer of a slow model takes minutes; the usual clients have the same."""
    tries: int = 6
    """Of one call, for faults that may pass: with pauses, some 15 seconds."""
    pause: float = 0.5
    """Bound of the first pause in seconds."""
    longest_wait: float = 900.0
    """Seconds of waiting that a server may ask for before it is given up: tomorrow's quota is none for this run."""


class OpenAIModel:
    """A model behind an OpenAI-compatible server.

    Attributes:
        name: as the server knows it.
        url: of the server, up to ``/v1``.
        note: one sentence on what leaves this machine, to be shown once.
    """

    def __init__(
        self,
        model: str,
        url: str,
        *,
        key_env: str | None = None,
        extra: Mapping[str, Any] | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Name a model; nothing is sent.

        Args:
            model: as the server knows it.
            url: of the server, such as ``http://localhost:8000/v1``.
            key_env: the environment variable that holds the API key; none is read that is not named.
            extra: further fields of every call (``{"reasoning_effort": "low"}``); they are a part of the journal's key.
            limits: how the server is used.

        Raises:
            MissingExtra: aiohttp is not installed.
            UsageError: the address or the variable can't be used.
        """
        check_installed()
        self.name = model
        self.url = base_url(url)
        self.note = note(self.url, model, key_env)
        self._key = read_key(key_env)
        self._extra = dict(extra or {})
        self._limits = limits or Limits()
        _check(self._limits)

    def __repr__(self) -> str:
        """Return the name and address; the key is in neither."""
        return f"OpenAIModel({self.name!r}, {self.url!r})"

    def identity(self) -> Mapping[str, Any]:
        """Return the server, the model and the further fields."""
        extra = {"extra": self._extra} if self._extra else {}
        return {"kind": "openai", "url": self.url, "model": self.name, **extra}

    def answer(self, requests: Sequence[Request], done: Callable[[int, Answer], None], /) -> None:
        """Answer all requests.

        Raises:
            UsageError: the server can't be asked: it is not there, does not know the model, does not take the key.
        """
        self.send(requests, done, lambda place, request: None)

    def send(
        self,
        requests: Sequence[Request],
        done: Callable[[int, Answer], None],
        before: Before,
        unsent: Callable[[int], None] | None = None,
        /,
    ) -> None:
        """Answer all requests, asking ``before`` right before each sending; see ``calling.Sender``."""
        if requests:
            run(self._send(requests, done, before, unsent or (lambda place: None)))

    async def _send(
        self,
        requests: Sequence[Request],
        done: Callable[[int, Answer], None],
        before: Before,
        unsent: Callable[[int], None],
    ) -> None:
        limits = self._limits
        address = f"{self.url}/chat/completions"
        async with connect(address, key=self._key, most=limits.concurrency, deadline=limits.deadline) as connection:
            await _Sending(self, connection, requests, done, before, unsent).all()


@dataclass(slots=True)
class _Call:
    place: int
    request: Request
    tries: int = 0
    turned_away: int = 0
    field: TokenField | None = None
    """How the cap was called when it was sent last."""


class _Sending:
    """The calls of one ``send``: who waits, how many are under way, how the server does."""

    def __init__(
        self,
        model: OpenAIModel,
        connection: Connection,
        requests: Sequence[Request],
        done: Callable[[int, Answer], None],
        before: Before,
        unsent: Callable[[int], None],
    ) -> None:
        limits = model._limits
        self.unsent = unsent
        self.model, self.connection, self.done, self.before, self.limits = model, connection, done, before, limits
        self.gate = Gate(min(limits.concurrency, len(requests)))
        self.requests, self.tokens = Rate(limits.requests_per_minute), Rate(limits.tokens_per_minute)
        self.waiting: asyncio.Queue[_Call | None] = asyncio.Queue()
        for place, request in enumerate(requests):
            self.waiting.put_nowait(_Call(place, request))
        self.open = len(requests)
        self.answered = 0
        self.failed_in_a_row = 0
        self.field: TokenField = "max_tokens"
        # Chance is wanted here: clients with the same seed would come back at the same moment.
        self.draw = random.SystemRandom().random

    async def all(self) -> None:
        """Settle every call; the first error that stops all ends the others."""
        workers = [asyncio.create_task(self.work()) for _ in range(self.gate.most)]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def work(self) -> None:
        while (call := await self.waiting.get()) is not None:
            answer = await self.ask(call)
            if answer is None:
                continue
            self.done(call.place, answer)
            self.open -= 1
            if not self.open:
                for _ in range(self.gate.most):
                    self.waiting.put_nowait(None)

    async def ask(self, call: _Call) -> Answer | None:
        """Make one try; return the answer, or ``None`` where the call waits for the next try."""
        call.field = self.field
        try:
            body = write_request(self.model.name, call.request, token_field=call.field, extra=self.model._extra)
        except DataError as error:
            return Answer(finish="error", error=str(error))
        needed = len(body) / 4 + call.request.parameters.max_tokens
        burst = await self.gate.enter()
        try:
            await self.requests.take()
            await self.tokens.take(needed)
            if refused := self.before(call.place, call.request):
                return Answer(finish="error", error=refused)
            found = self.read(await self.connection.post(body))
            if isinstance(found, Answer):  # while the place is taken: of a limit of 1 or 2 it is more than half
                self.gate.answered()
        except Unanswered as error:
            found = error.fault
        finally:
            self.gate.leave()
        if isinstance(found, Fault):
            if found.free:
                self.unsent(call.place)
            self.tokens.give_back(needed)
            return self.settle(call, found, burst)
        self.tokens.give_back(needed - (found.prompt_tokens or 0) - (found.completion_tokens or 0))
        self.answered += 1
        self.failed_in_a_row = 0
        return found

    def read(self, reply: Reply) -> Answer | Fault:
        if reply.status != 200:
            return fault_of(reply.status, reply.headers, reply.body, answered=self.answered > 0, secret=self.model._key)
        try:
            return read_reply(reply.body, reply.seconds)
        except BadReply as error:
            return Fault("passing", f"{error}")

    def settle(self, call: _Call, fault: Fault, burst: int) -> Answer | None:
        """Decide what becomes of a call that brought no answer."""
        if fault.kind == "stop" or (fault.wait or 0) > self.limits.longest_wait:
            wait = f"; it wants to be asked again in {fault.wait:,.0f} seconds" if fault.wait else ""
            raise self.stopped(f"{fault.why}{wait}")
        if fault.kind == "filtered":
            return Answer(finish="filtered")
        if fault.crowded:
            self.gate.refused(burst)
        if fault.kind == "busy":
            call.turned_away += 1
            tried, most = call.turned_away, TURNED_AWAY
        else:
            call.tries += 1
            tried, most = call.tries, self.limits.tries
        if fault.unreached and not self.answered and tried >= UNREACHED:
            raise self.stopped(fault.why)
        if fault.kind == "final":
            if fault.wants_field and call.field == "max_tokens":
                self.field = "max_completion_tokens"
                self.waiting.put_nowait(call)
                return None
            return self.failed(fault, tried, passing=False)
        if tried >= most:
            return self.failed(fault, tried, passing=True)
        wait = pause(tried, self.limits.pause, self.draw)
        if fault.wait is not None:  # the others would be refused as well
            self.gate.close(fault.wait)
            wait = max(fault.wait, wait)  # it may name none, or a moment that has passed
        asyncio.get_running_loop().call_later(wait, self.waiting.put_nowait, call)
        return None

    def failed(self, fault: Fault, tried: int, *, passing: bool) -> Answer:
        """Return the answer that says why there is none; stop all where none will come."""
        self.failed_in_a_row += 1
        # What a server refuses may be a run of long texts; only where it never took one is it all of them.
        if self.failed_in_a_row >= IN_A_ROW and (passing or not self.answered):
            raise self.stopped(
                f"{counted(self.failed_in_a_row, 'call')} failed one after another, the last with: {fault.why}"
            )
        return Answer(
            finish="error",
            error=f"{self.model.url} gave no answer ({counted(tried, 'failure')}, the last: {fault.why}).",
        )

    def stopped(self, why: str) -> UsageError:
        """Send nothing more, and return the error that says why."""
        self.gate.shut()
        return UsageError(
            f"{self.model.url} can't be asked for {self.model.name!r}: {why}. {counted(self.answered, 'answer')} came before; "
            "what a journal has is not asked again."
        )


def _check(limits: Limits) -> None:
    for name in ("concurrency", "deadline", "tries", "longest_wait"):
        if getattr(limits, name) < 1:
            raise UsageError(f"{name} is {getattr(limits, name)}; give at least 1.")
    for name in ("requests_per_minute", "tokens_per_minute"):
        value = getattr(limits, name)
        if value is not None and value <= 0:
            raise UsageError(f"{name} is {value}; give a number above 0, or none for no bound.")
