"""An event loop of its own for a test: the browser tests leave one running in the thread that all tests share."""

import asyncio
from concurrent.futures import ThreadPoolExecutor


def run(work):
    """Run a coroutine to its end in a new thread; returns its result."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()
