"""An event loop of its own for a call that returns when all is done, also in a notebook, whose loop runs already."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run to its end, or until it is interrupted, also where a notebook's event loop runs in this thread already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(work)
        return
    failed: list[BaseException] = []
    begun, ended = threading.Event(), threading.Event()
    under_way: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]] = []

    async def told() -> None:
        task = asyncio.current_task()
        if task is not None:
            under_way.append((asyncio.get_running_loop(), task))
        begun.set()
        await work

    def thread_run() -> None:
        try:
            asyncio.run(told())
        except BaseException as error:  # noqa: BLE001 - raised again below, in the caller's thread
            failed.append(error)
        finally:
            begun.set()
            ended.set()

    thread = threading.Thread(target=thread_run, name="calls")
    thread.start()
    try:
        ended.wait()  # a join that is interrupted takes the thread for stopped up to Python 3.12 (bpo-45274)
    except BaseException:  # an interrupt: without this the calls would go on, and be paid for
        begun.wait()
        for loop, task in under_way:
            with suppress(RuntimeError):  # it ended by itself meanwhile
                loop.call_soon_threadsafe(task.cancel)
        thread.join()
        raise
    thread.join()
    if failed:
        raise failed[0]
