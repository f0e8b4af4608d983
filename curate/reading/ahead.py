"""Work that runs ahead on a thread of its own: what it yields waits in a short line, what it raises comes out here."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from typing import TypeVar

Item = TypeVar("Item")

_DEPTH = 2  # items that wait: enough that neither side waits for long, few enough that memory stays small


class _End:
    """Comes after the last item; holds what ended them, if not their end."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def ahead(items: Iterator[Item]) -> Generator[Item, None, None]:
    """Yield ``items`` in order while another thread makes the next ones. Closing the generator ends that thread.

    It pays where making them lets go of the interpreter's lock: reading, searching and copying large arrays.

    >>> list(ahead(iter("abc")))
    ['a', 'b', 'c']
    """
    line: queue.Queue[Item | _End] = queue.Queue(_DEPTH)
    left = threading.Event()

    def put(item: Item | _End) -> None:
        while not left.is_set():
            try:
                line.put(item, timeout=0.1)
            except queue.Full:
                continue
            return

    def work() -> None:
        error: BaseException | None = None
        try:
            for item in items:
                put(item)
                if left.is_set():
                    break
        except BaseException as raised:  # noqa: BLE001 - handed to the thread that takes the items, which raises it
            error = raised
        put(_End(error))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while not isinstance(item := line.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        left.set()
        thread.join()
