"""The slot store: one typed call per read or step, each in its own transaction on the SQL database.

Raises `slots.Busy` when the database stays locked or away; then nothing was changed, or the same step may be repeated.
"""

import random
from collections.abc import Mapping, Sequence
from datetime import date, tzinfo
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from booking_backend import filling, holding, migrating, queries, schema, steps
from booking_backend.office import Office, ServiceRules, Site
from booking_backend.planning import days_ahead
from booking_backend.prefecture import WEEKS, Filling, prefecture
from booking_backend.slots import Applicant, Booking, Draft, Hold, Refusal, Service, Slot, Visit
from booking_backend.transactions import Transactions
from ecluse.clock import Clock, system_clock

SYSTEM_DICE = random.SystemRandom()
"""What decides when a place given up returns: nothing that anybody could foresee."""

_FILLING = "filling"
"""Who adds slots comes one after the other."""


def _turns(visit: Visit, applicant: Applicant | None = None) -> list[str]:
    """Whose steps come one after the other: those of one visit and, where limits are counted, of one person."""
    known = {"visit": visit.session, "person": visit.person, "number": applicant and applicant.file_number}
    return [f"{what} {name}" for what, name in known.items() if name is not None]


class SlotStore:
    """Services, slots, holds and bookings. Any number of stores, in any number of processes, may share one database."""

    def __init__(
        self,
        database: Path | str,
        *,
        clock: Clock = system_clock,
        lock_wait_seconds: float = 5.0,
        dice: random.Random = SYSTEM_DICE,
    ) -> None:
        self._in = Transactions(database, lock_wait_seconds=lock_wait_seconds)
        self._clock = clock
        self._dice = dice
        self._office = Office(services=(), sites=(), counters=(), weekly=())

    @property
    def now(self) -> int:
        """The store's time in Unix seconds."""
        return int(self._clock())

    @property
    def transactions(self) -> Transactions:
        """For the other stores on the same tables."""
        return self._in

    async def prepare(self, *, zone: tzinfo, wanted: Filling | Office | None, weeks: int = WEEKS) -> int:
        """Bring SQLite to this program's schema, fill an empty database, add the slots of days up to `weeks` ahead.

        Returns how many slots were added. With None an empty database stays empty. Raises migrating.WrongSchema.
        """
        if not self._in.embedded:
            async with self._in.reading() as conn:
                await migrating.check(conn)

        async def prepare(conn: AsyncConnection) -> int:
            if self._in.embedded:
                await migrating.migrate(conn)
            return await self._fill(conn, zone, wanted, weeks)

        added = await self._in.write(prepare, turns=[_FILLING])
        async with self._in.reading() as conn:
            self._office = await filling.read_office(conn)
        return added

    async def migrate(self) -> None:
        """Bring the database to this program's schema. Raises migrating.WrongSchema."""
        await self._in.write(migrating.migrate)

    async def _fill(self, conn: AsyncConnection, zone: tzinfo, wanted: Filling | Office | None, weeks: int) -> int:
        days = days_ahead(self.now, zone, weeks)
        if wanted is not None and await filling.is_empty(conn):
            office = wanted if isinstance(wanted, Office) else prefecture(wanted, first=days[0])
            await filling.write_office(conn, office)
        return await filling.write_slots(conn, days, zone)

    async def add_days(self, days: Sequence[date], zone: tzinfo) -> int:
        """Add the slots of `days` that are not there yet; how many those were."""
        return await self._in.write(lambda conn: filling.write_slots(conn, days, zone), turns=[_FILLING])

    async def close(self) -> None:
        """Close every connection."""
        await self._in.close()

    @property
    def sites(self) -> Sequence[Site]:
        """The sites, as of the last `prepare`."""
        return self._office.sites

    def service_and_site(self, slot: Slot) -> tuple[ServiceRules, Site]:
        """What a slot is for, and where."""
        service = next(each for each in self._office.services if each.id == slot.service_id)
        return service, next(each for each in self._office.sites if each.id == slot.site_id)

    def minutes(self, service_id: int) -> int:
        """How long an appointment of the service takes."""
        return next(each.minutes for each in self._office.services if each.id == service_id)

    async def services(self, site_id: int | None = None) -> list[Service]:
        """Every service with its free places, at one site or all."""
        async with self._in.reading() as conn:
            return await queries.services(conn, self.now, site_id)

    async def free_by_site(self, service_id: int) -> Mapping[int, int]:
        """Free places of a service at each site that offers it."""
        async with self._in.reading() as conn:
            return await queries.free_by_site(conn, service_id, self.now)

    async def slots(
        self,
        service_id: int | None = None,
        *,
        site_id: int | None = None,
        starts: tuple[int, int] | None = None,
        free: bool = False,
        limit: int | None = None,
    ) -> list[Slot]:
        """The bookable slots of a service, a site, a span of time, soonest first; with `free`, none that are full."""
        wanted = {"service_id": service_id, "site_id": site_id}
        conditions = [schema.slot.c[name] == value for name, value in wanted.items() if value is not None]
        if starts is not None:
            conditions += [schema.slot.c.starts_at >= starts[0], schema.slot.c.starts_at < starts[1]]
        async with self._in.reading() as conn:
            return await queries.slots(conn, self.now, *conditions, free=free, limit=limit)

    async def slot(self, slot_id: int) -> Slot | None:
        """One slot, past or to come."""
        async with self._in.reading() as conn:
            return await queries.slot(conn, slot_id, self.now)

    async def slots_left(self) -> int:
        """Free places in all slots that can be booked."""
        async with self._in.reading() as conn:
            return await queries.slots_left(conn, self.now)

    async def hold(self, visit: Visit, hold_id: str | None = None) -> Hold | None:
        """The visit's hold; with `hold_id`, only if it is that one."""
        async with self._in.reading() as conn:
            return await queries.hold(conn, visit.session, self.now, hold_id)

    async def booking(
        self, visit: Visit, *, reference: str | None = None, hold_id: str | None = None, service_id: int | None = None
    ) -> Booking | None:
        """The live booking of the visit or its person with this reference, from this hold, or for this service."""
        wanted = {"reference": reference, "hold_id": hold_id, "service_id": service_id}
        conditions = [schema.booking.c[name] == value for name, value in wanted.items() if value is not None]
        async with self._in.reading() as conn:
            return await queries.booking(conn, self.now, queries.same_visit(visit), *conditions)

    async def _hopeless(self, visit: Visit, slot_id: int) -> Refusal | None:
        """A refusal that a reading can tell for sure, so that a crowd at a full slot does not queue for the lock."""
        async with self._in.reading() as conn:
            seen = await queries.outlook(conn, visit, slot_id, self.now)
        if seen is None:
            return Refusal.NO_SLOT
        return None if seen.booked else seen.refusal(self.now)

    async def place_hold(self, visit: Visit, slot_id: int) -> Hold | Refusal:
        """Keep a place for this visit while its form is filled in."""
        if refusal := await self._hopeless(visit, slot_id):
            return refusal
        return await self._in.write(
            lambda conn: holding.place_hold(conn, visit, slot_id, self.now), turns=_turns(visit)
        )

    async def extend(self, visit: Visit, hold_id: str, draft: Draft | None) -> Hold | Refusal:
        """Start the hold's time again, keeping what was typed, if anything was."""

        async def extend(conn: AsyncConnection) -> Hold | Refusal:
            if draft is not None:
                await holding.keep_draft(conn, visit.session, hold_id, draft)
            return await holding.extend(conn, visit.session, hold_id, self.now)

        return await self._in.write(extend, turns=_turns(visit))

    async def keep_draft(self, visit: Visit, hold_id: str, draft: Draft) -> None:
        """Remember what was typed, right or wrong."""
        await self._in.write(lambda conn: holding.keep_draft(conn, visit.session, hold_id, draft), turns=_turns(visit))

    async def confirm(self, visit: Visit, hold_id: str, draft: Draft, applicant: Applicant | None) -> Booking | Refusal:
        """Turn the hold into a booking, or move one; refused, it keeps what was typed. Repeated, it is the same."""

        async def confirm(conn: AsyncConnection) -> Booking | Refusal:
            await holding.keep_draft(conn, visit.session, hold_id, draft)
            return await steps.confirm(conn, visit, hold_id, applicant, self.now, dice=self._dice)

        return await self._in.write(confirm, turns=_turns(visit, applicant))

    async def book(self, visit: Visit, slot_id: int, applicant: Applicant) -> Booking | Refusal:
        """Hold and confirm in one step."""
        if refusal := await self._hopeless(visit, slot_id):
            return refusal
        return await self._in.write(
            lambda conn: steps.book(conn, visit, slot_id, applicant, self.now), turns=_turns(visit, applicant)
        )

    async def find(self, reference: str, file_number: str, person: str | None = None) -> Booking | Refusal:
        """The live booking with this reference and number."""
        async with self._in.reading() as conn:
            return await steps.find(conn, reference, file_number, person, self.now)

    async def cancel(self, reference: str, file_number: str, person: str | None = None) -> Booking | Refusal:
        """Give an appointment up; its place returns after a random time."""

        async def cancel(conn: AsyncConnection) -> Booking | Refusal:
            found = await steps.find(conn, reference, file_number, person, self.now)
            return found if isinstance(found, Refusal) else await steps.cancel(conn, found, self.now, self._dice)

        return await self._in.write(cancel)

    async def start_moving(self, visit: Visit, reference: str, file_number: str) -> Booking | Refusal:
        """Let this visit choose another time for the booking."""

        async def start(conn: AsyncConnection) -> Booking | Refusal:
            found = await steps.find(conn, reference, file_number, visit.person, self.now)
            return found if isinstance(found, Refusal) else await steps.start_moving(conn, visit, found, self.now)

        return await self._in.write(start, turns=_turns(visit))

    async def moving(self, visit: Visit) -> Booking | None:
        """The booking that this visit is choosing another time for."""
        async with self._in.reading() as conn:
            return await queries.moving(conn, visit.session, self.now)

    async def to_come(self, file_numbers: Sequence[str]) -> list[Booking]:
        """The standing bookings, not yet begun, of these file numbers."""
        async with self._in.reading() as conn:
            return await queries.to_come(conn, file_numbers, self.now)
