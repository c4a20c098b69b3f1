"""Transactions on either database, with an end to every wait: reads, and steps that are run again if they collide."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_backend.engine import WRITES, collided, is_locked, open_engine, unreachable
from booking_backend.slots import Busy
from booking_backend.turns import Turns

T = TypeVar("T")
_TRIES = 8
"""How often a step that collides is run before we call the database busy."""
_FILE = ("file",)
"""The turn of all that write to a SQLite file."""


@contextmanager
def _busy() -> Iterator[None]:
    try:
        yield
    except PoolTimeout:
        raise Busy("no connection came free") from None
    except (DBAPIError, OSError, TimeoutError) as error:
        if isinstance(error, DBAPIError) and not (is_locked(error) or unreachable(error)):
            raise
        raise Busy(str(error)) from None


class Transactions:
    """The engine of one database."""

    def __init__(self, database: Path | str, *, lock_wait_seconds: float = 5.0) -> None:
        self._engine = open_engine(database)
        self.embedded = self._engine.dialect.name == "sqlite"
        """Whether the database is a file of our own, which we also migrate."""
        self._writer = self._engine.execution_options(**{WRITES: True})
        self._lock_wait_seconds = lock_wait_seconds
        self._turns = Turns(wait_seconds=None if self.embedded else lock_wait_seconds)

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection to read with. Raises Busy."""
        with _busy():
            async with self._engine.connect() as conn:
                yield conn

    async def write(self, step: Callable[[AsyncConnection], Awaitable[T]], *, turns: Collection[str] = ()) -> T:
        """Run a step in a transaction of its own; if a concurrent one came first, once more. Raises Busy.

        Steps that share one of `turns` come one after the other, each seeing all that the earlier ones wrote.
        """
        # Who waits for a turn has no connection yet: else one visit that presses often would occupy the whole pool.
        # SQLite's lock is polled; within a process a fair queue in front of it is faster and starves nobody.
        with _busy():
            async with self._turns.of(_FILE if self.embedded else turns):
                return await self._write(step, turns)

    async def _write(self, step: Callable[[AsyncConnection], Awaitable[T]], turns: Collection[str]) -> T:
        for _ in range(_TRIES):
            try:
                async with AsyncExitStack() as stack:
                    conn = await self._lock(stack)
                    await self._take_turns(conn, turns)
                    return await step(conn)
            except DBAPIError as error:
                if not collided(error):
                    raise
            await asyncio.sleep(random.uniform(0.001, 0.02))  # noqa: S311 - only to fall out of step
        raise Busy("every try collided with another")

    async def _lock(self, stack: AsyncExitStack) -> AsyncConnection:
        """A connection of `stack` in a transaction that has the write lock, which another process may be using."""
        ends_at = time.monotonic() + self._lock_wait_seconds
        while True:
            try:
                return await stack.enter_async_context(self._writer.begin())
            except OperationalError as error:
                if not is_locked(error) or time.monotonic() >= ends_at:
                    raise
                await asyncio.sleep(random.uniform(0.001, 0.005))  # noqa: S311 - only to fall out of step

    async def _take_turns(self, conn: AsyncConnection, turns: Collection[str]) -> None:
        """Wait until no other process has one of `turns`: at most one connection for each turn of this one."""
        if self.embedded:
            return  # all that write take turns there
        for each in sorted(turns):  # in this order and before any row, so that no two can wait for each other
            await conn.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:turn, 0))"), {"turn": each})
