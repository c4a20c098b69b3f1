"""Turns within one process: steps that share a name come one after the other, and wait without a connection."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from weakref import WeakValueDictionary


class Turns:
    """Any number of names; one is known as long as somebody has its turn or waits for it."""

    def __init__(self, *, wait_seconds: float | None) -> None:
        self._wait_seconds = wait_seconds
        self._locks = WeakValueDictionary[str, asyncio.Lock]()

    @asynccontextmanager
    async def of(self, names: Collection[str]) -> AsyncIterator[None]:
        """The turns of all these names, first come, first served. Raises TimeoutError."""
        async with AsyncExitStack() as taken:
            async with asyncio.timeout(self._wait_seconds):
                for name in sorted(set(names)):  # always in this order, so that no two can wait for each other
                    await taken.enter_async_context(self._locks.setdefault(name, asyncio.Lock()))
            yield
