"""The slot store: one typed call per read or step, each in its own transaction on the SQL database.

Raises `slots.Busy` when the database stays locked; then nothing was changed.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from sqlalchemy import insert, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_backend import queries, samples, schema, steps
from booking_backend.slots import Applicant, Booking, Busy, Draft, Hold, Refusal, Service, Slot
from ecluse.clock import Clock


def _is_lock(error: OperationalError) -> bool:
    return "locked" in str(error.orig)


@contextmanager
def _busy() -> Iterator[None]:
    try:
        yield
    except PoolTimeout:
        raise Busy("no connection came free") from None
    except OperationalError as error:
        if not _is_lock(error):
            raise
        raise Busy(str(error.orig)) from None


class SlotStore:
    """Services, slots, holds and bookings. Any number of stores, in any number of processes, may share one file."""

    def __init__(self, database: Path, *, clock: Clock, lock_wait_seconds: float = 5.0) -> None:
        self._engine = schema.open_engine(database)
        self._writer = self._engine.execution_options(**{schema.WRITES: True})
        self._clock = clock
        self._lock_wait_seconds = lock_wait_seconds
        # SQLite's lock is polled; within a process a fair queue in front of it is faster and starves nobody.
        self._turn = asyncio.Lock()

    @property
    def now(self) -> int:
        """The store's time in Unix seconds."""
        return int(self._clock())

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        with _busy():
            async with self._engine.connect() as conn:
                yield conn

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        with _busy():
            async with self._turn, AsyncExitStack() as stack:
                yield await self._lock(stack)

    async def _lock(self, stack: AsyncExitStack) -> AsyncConnection:
        """A connection of `stack` in a transaction that has the write lock, which another process may be using."""
        ends_at = time.monotonic() + self._lock_wait_seconds
        while True:
            try:
                return await stack.enter_async_context(self._writer.begin())
            except OperationalError as error:
                if not _is_lock(error) or time.monotonic() >= ends_at:
                    raise
                await asyncio.sleep(random.uniform(0.001, 0.005))  # noqa: S311 - only to fall out of step

    async def prepare(self, *, zone: tzinfo, sample: samples.Sample) -> None:
        """Make the tables, and fill a database that has no service with the sample. Raises schema.WrongSchema."""
        async with self._writing() as conn:
            await schema.create(conn)
            if (await conn.execute(select(schema.service.c.id))).first() is None:
                today = datetime.fromtimestamp(self.now, UTC).astimezone(zone).date()
                wanted = list(samples.sample_slots(after=today, zone=zone, seed=sample.seed, counters=sample.counters))
                names = [{"id": number, "names": names} for number, names in enumerate(samples.SERVICES, 1)]
                await conn.execute(insert(schema.service), names)
                rows = [
                    {"service_id": each.service + 1, "starts_at": each.starts_at, "capacity": each.capacity}
                    for each in wanted
                ]
                await conn.execute(insert(schema.slot), rows)

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    async def services(self) -> list[Service]:
        """Every service with its free places."""
        async with self._reading() as conn:
            return await queries.services(conn, self.now)

    async def slots(self, service_id: int) -> list[Slot]:
        """The slots to come of a service, soonest first, the full ones too."""
        async with self._reading() as conn:
            return await queries.slots(conn, service_id, self.now)

    async def slot(self, slot_id: int) -> Slot | None:
        """One slot, past or to come."""
        async with self._reading() as conn:
            return await queries.slot(conn, slot_id, self.now)

    async def slots_left(self) -> int:
        """Free places in all slots to come."""
        async with self._reading() as conn:
            return await queries.slots_left(conn, self.now)

    async def hold(self, session: str, hold_id: str | None = None) -> Hold | None:
        """The visit's hold; with `hold_id`, only if it is that one."""
        async with self._reading() as conn:
            return await queries.hold(conn, session, self.now, hold_id)

    async def booking(
        self, session: str, *, reference: str | None = None, hold_id: str | None = None, service_id: int | None = None
    ) -> Booking | None:
        """The visit's live booking with this reference, from this hold, or for this service."""
        wanted = {"reference": reference, "hold_id": hold_id, "service_id": service_id}
        conditions = [schema.booking.c[name] == value for name, value in wanted.items() if value is not None]
        async with self._reading() as conn:
            return await queries.booking(conn, session, self.now, *conditions)

    async def _hopeless(self, session: str, slot_id: int) -> Refusal | None:
        """A refusal that a reading can tell for sure, so that a crowd at a full slot does not queue for the lock."""
        async with self._reading() as conn:
            seen = await queries.outlook(conn, session, slot_id, self.now)
        if seen is None:
            return Refusal.NO_SLOT
        return None if seen.booked else seen.refusal(self.now)

    async def place_hold(self, session: str, slot_id: int) -> Hold | Refusal:
        """Keep a place for this visit while its form is filled in."""
        if refusal := await self._hopeless(session, slot_id):
            return refusal
        async with self._writing() as conn:
            return await steps.place_hold(conn, session, slot_id, self.now)

    async def extend(self, session: str, hold_id: str, draft: Draft) -> Hold | Refusal:
        """Start the hold's time again, keeping what was typed."""
        async with self._writing() as conn:
            await steps.keep_draft(conn, session, hold_id, draft)
            return await steps.extend(conn, session, hold_id, self.now)

    async def keep_draft(self, session: str, hold_id: str, draft: Draft) -> None:
        """Remember what was typed, right or wrong."""
        async with self._writing() as conn:
            await steps.keep_draft(conn, session, hold_id, draft)

    async def confirm(self, session: str, hold_id: str, draft: Draft, applicant: Applicant) -> Booking | Refusal:
        """Turn the hold into a booking; refused, it keeps what was typed. Repeated, it returns the same booking."""
        async with self._writing() as conn:
            await steps.keep_draft(conn, session, hold_id, draft)
            return await steps.confirm(conn, session, hold_id, applicant, self.now)

    async def book(self, session: str, slot_id: int, applicant: Applicant) -> Booking | Refusal:
        """Hold and confirm in one step."""
        if refusal := await self._hopeless(session, slot_id):
            return refusal
        async with self._writing() as conn:
            return await steps.book(conn, session, slot_id, applicant, self.now)
