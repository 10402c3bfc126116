"""The worker: work off the event loop, and memory tidied up when nobody waits."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Iterator

import pytest
from dry_debug.lsp import worker as module
from dry_debug.lsp.worker import Worker


class Knot:
    """An object that only the cycle collector can free."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    monkeypatch.setattr(module, "_REST", 0.05)
    one = Worker()
    yield one
    one.close()
    gc.enable()
    gc.unfreeze()


async def test_works_off_the_event_loop_in_one_thread(worker: Worker) -> None:
    threads = {await worker.run(threading.get_ident) for _ in range(5)}
    assert len(threads) == 1 and threading.get_ident() not in threads


async def test_what_the_analysis_leaves_behind_is_collected_at_rest(worker: Worker) -> None:
    left = await worker.run(lambda: weakref.ref(Knot()))
    assert not gc.isenabled()
    assert left() is not None
    async with asyncio.timeout(10):
        while left() is not None:
            await asyncio.sleep(0.02)


async def test_what_is_left_behind_is_collected_without_a_rest_too(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REST", 1000.0)
    first = await worker.run(lambda: weakref.ref(Knot()))
    async with asyncio.timeout(10):
        while first() is not None:
            await worker.run(Knot)
            await asyncio.sleep(0)


async def test_errors_come_back_to_who_asked(worker: Worker) -> None:
    def fails() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await worker.run(fails)
