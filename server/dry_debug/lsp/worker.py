"""The thread for the analysis, so that the event loop only moves messages; and when memory is tidied up."""

import asyncio
import gc
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

# A thread gets less stack than the main thread on macOS (512 KiB); CPython's parser recurses on nested source.
_STACK = 16 * 1024 * 1024
_REST = 0.3  # seconds without work after which there is time for the collector
_MOST = 20  # runs after which it comes anyway


class Worker:
    """Runs functions off the event loop, one after the other.

    One thread: the interpreter runs one at a time anyway, and the host's memory of other files needs no locks. The
    cycle collector is switched off for the process: it goes through every tree that is kept, in the middle of an
    analysis, and doubles the time of the one that it meets. It runs when nobody waits.
    """

    def __init__(self) -> None:
        previous = threading.stack_size(_STACK)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dry-debug")
        self._pool.submit(int).result()  # the thread starts with its first work, while the size is in force
        threading.stack_size(previous)
        self._runs = 0
        self._timer: asyncio.TimerHandle | None = None
        gc.freeze()  # what is there now stays to the end
        gc.disable()

    async def run(self, function: Callable[[], T]) -> T:
        """The result of `function`, which must not touch the event loop."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._pool, function)
        finally:
            self._runs += 1
            if self._timer is not None:
                self._timer.cancel()
            self._timer = loop.call_later(0.0 if self._runs >= _MOST else _REST, self._tidy)

    def close(self) -> None:
        """Starts nothing more; what runs is not waited for."""
        if self._timer is not None:
            self._timer.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _tidy(self) -> None:
        self._runs = 0
        self._pool.submit(gc.collect)
