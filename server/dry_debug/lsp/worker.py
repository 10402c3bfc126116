"""Threads for the analysis, so that the event loop only moves messages."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

# A thread gets less stack than the main thread on macOS (512 KiB); CPython's parser recurses on nested source.
_STACK = 16 * 1024 * 1024


class Worker:
    """Runs functions off the event loop: two at once, so that a hover does not wait for the check of a long file."""

    def __init__(self) -> None:
        previous = threading.stack_size(_STACK)
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="dry-debug")
        # A thread starts when there is work and none is idle; the size has to be in force then.
        both = threading.Barrier(2)
        for started in [self._pool.submit(both.wait), self._pool.submit(both.wait)]:
            started.result()
        threading.stack_size(previous)

    async def run(self, function: Callable[[], T]) -> T:
        """The result of `function`, which must not touch the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, function)

    def close(self) -> None:
        """Starts nothing more; what runs is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)
