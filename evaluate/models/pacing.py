"""How many calls are under way, and how many begin a minute.

The number under way follows the server: it doubles with each round of answers until a first refusal, then falls by a fifth once
for all refusals of a burst and rises by about one a round: additive increase, multiplicative decrease (Chiu and Jain, 1989).
"""

from __future__ import annotations

import asyncio
from collections import deque

DOWN = 0.8
"""What is left after a refusal. TCP halves; a server that counts calls refuses at once, and gently undercut it stays 80% busy."""


class Gate:
    """Lets calls pass while fewer are under way than the limit, which moves.

    Attributes:
        limit: calls that may be under way.
        active: calls that are.
    """

    def __init__(self, most: int) -> None:
        """Make a gate.

        Args:
            most: calls that are ever under way; a quarter of it to begin with, so that a wrong key costs few.
        """
        self.most = most
        self.limit = max(1.0, min(most, 4), most / 4)
        self.active = 0
        self._burst = 0
        self._refused = False
        self._closed_until = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> int:
        """Wait for a place; return the number of the burst that the call belongs to."""
        loop = asyncio.get_running_loop()
        while True:
            closed = self._closed_until - loop.time()
            if closed > 0:
                await asyncio.sleep(closed)
            elif self.active < int(self.limit):
                self.active += 1
                return self._burst
            else:
                place = loop.create_future()
                self._waiting.append(place)
                await place

    def leave(self) -> None:
        """Give the place back."""
        self.active -= 1
        self._wake()

    def answered(self) -> None:
        """Take note of an answer: there may be room for more."""
        if self.active < self.limit / 2:  # the limit is not what holds calls back: nothing is learned of it
            return
        self.limit = min(float(self.most), self.limit + (1 / self.limit if self._refused else 1))
        self._wake()

    def refused(self, burst: int) -> None:
        """Take note that a call was one too many; of a burst only the first counts."""
        if burst == self._burst:
            self._burst += 1
            self._refused = True
            self.limit = max(1.0, self.limit * DOWN)

    def close(self, seconds: float) -> None:
        """Let nobody pass for so long."""
        self._closed_until = max(self._closed_until, asyncio.get_running_loop().time() + seconds)

    def shut(self) -> None:
        """Let nobody pass ever again."""
        self.limit = 0.0

    def _wake(self) -> None:
        free = int(self.limit) - self.active
        while free > 0 and self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                free -= 1


class Rate:
    """So many a minute, with at most three seconds' worth at once: what the services count by is a minute that slides.

    The generic cell rate algorithm (ITU-T I.371): the time at which all that was taken is due.
    """

    def __init__(self, a_minute: float | None) -> None:
        """Make a rate; ``None`` has no bound."""
        self._each = 60 / a_minute if a_minute else 0.0
        self._due = 0.0

    async def take(self, amount: float = 1) -> None:
        """Wait until so much may be taken."""
        if not self._each:
            return
        now = asyncio.get_running_loop().time()
        begins = max(self._due, now - _AT_ONCE)
        self._due = begins + amount * self._each
        if begins > now:
            await asyncio.sleep(begins - now)

    def give_back(self, amount: float) -> None:
        """Take back what was taken too much (or, below zero, too little)."""
        self._due -= amount * self._each


_AT_ONCE = 3.0
