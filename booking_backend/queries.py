"""Reading the tables: every function takes an open connection and the time, and changes nothing.

A lapsed hold counts as free here even before a writer has swept it away.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_backend import schema
from booking_backend.slots import Applicant, Booking, Draft, Hold, Refusal, Service, Slot

_slot, _hold, _booking = schema.slot, schema.hold, schema.booking


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What stands between a visit and a place in a slot."""

    slot: Slot
    booked: bool
    """The visit has a live booking for the slot's service."""
    number_used: bool
    """A live booking of the service has the file number asked about."""
    held: bool
    """The visit itself holds a place in the slot."""

    def refusal(self, now: int) -> Refusal | None:
        """Why the visit cannot have the place, the file number apart."""
        if self.booked:
            return Refusal.ALREADY_BOOKED
        if self.slot.starts_at <= now:
            return Refusal.PAST
        return None if self.held or self.slot.free > 0 else Refusal.TAKEN


def _free(now: int) -> ColumnElement[int]:
    lapsed = (
        select(func.count())
        .select_from(_hold)
        .where(_hold.c.slot_id == _slot.c.id, _hold.c.live == 1, _hold.c.expires_at <= now)
        .correlate(_slot)
        .scalar_subquery()
    )
    return (_slot.c.capacity - _slot.c.taken + lapsed).label("free")


def _slots(now: int) -> Select[Any]:
    return select(_slot.c.id, _slot.c.service_id, _slot.c.starts_at, _slot.c.capacity, _free(now))


def _as_slot(row: Any) -> Slot:
    return Slot(
        id=row.id, service_id=row.service_id, starts_at=row.starts_at, capacity=row.capacity, free=row.free
    )  # fmt: skip


async def services(conn: AsyncConnection, now: int) -> list[Service]:
    """Every service with its free places, in their order."""
    places = _slots(now).where(_slot.c.starts_at > now).subquery()
    found = await conn.execute(
        select(
            schema.service.c.id, schema.service.c.names, func.coalesce(func.sum(places.c.free), 0).label("free")
        )
        .outerjoin(places, places.c.service_id == schema.service.c.id)
        .group_by(schema.service.c.id)
        .order_by(schema.service.c.id)
    )  # fmt: skip
    return [Service(id=row.id, names=row.names, free=row.free) for row in found]


async def slots(conn: AsyncConnection, service_id: int, now: int) -> list[Slot]:
    """The slots to come of a service, soonest first, the full ones too."""
    wanted = and_(_slot.c.service_id == service_id, _slot.c.starts_at > now)
    return [_as_slot(row) for row in await conn.execute(_slots(now).where(wanted).order_by(_slot.c.starts_at))]


async def slot(conn: AsyncConnection, slot_id: int, now: int) -> Slot | None:
    """One slot, past or to come."""
    row = (await conn.execute(_slots(now).where(_slot.c.id == slot_id))).first()
    return None if row is None else _as_slot(row)


async def slots_left(conn: AsyncConnection, now: int) -> int:
    """Free places in all slots to come."""
    lapsed = (
        select(func.count())
        .select_from(_hold.join(_slot))
        .where(_hold.c.live == 1, _hold.c.expires_at <= now, _slot.c.starts_at > now)
        .scalar_subquery()
    )
    free = func.coalesce(func.sum(_slot.c.capacity - _slot.c.taken), 0) + lapsed
    return int((await conn.execute(select(free).where(_slot.c.starts_at > now))).scalar_one())


async def hold(conn: AsyncConnection, session: str, now: int, hold_id: str | None = None) -> Hold | None:
    """The hold of a visit; with `hold_id`, only if it is that one."""
    wanted = select(_hold).where(_hold.c.session == session)
    row = (await conn.execute(wanted if hold_id is None else wanted.where(_hold.c.id == hold_id))).first()
    kept = None if row is None else await slot(conn, row.slot_id, now)
    if row is None or kept is None:
        return None
    return Hold(
        id=row.id, session=row.session, slot=kept, expires_at=row.expires_at,
        live=row.live == 1 and row.expires_at > now, extensions=row.extensions,
        draft=Draft(name=row.name, file_number=row.file_number),
    )  # fmt: skip


async def booking(conn: AsyncConnection, session: str, now: int, *wanted: ColumnElement[bool]) -> Booking | None:
    """The live booking of a visit that fits `wanted` (conditions on `schema.booking`)."""
    mine = and_(_booking.c.session == session, _booking.c.cancelled_at.is_(None), *wanted)
    row = (await conn.execute(select(_booking).where(mine).order_by(_booking.c.id))).first()
    booked = None if row is None else await slot(conn, row.slot_id, now)
    if row is None or booked is None:
        return None
    who = Applicant(name=row.name, file_number=row.file_number)
    return Booking(reference=row.reference, session=row.session, slot=booked, applicant=who)


async def outlook(conn: AsyncConnection, session: str, slot_id: int, now: int, file_number: str = "") -> Outlook | None:
    """All that decides whether a visit may have a place in a slot, in one statement; None if there is no such slot."""
    standing = and_(_booking.c.service_id == _slot.c.service_id, _booking.c.cancelled_at.is_(None))
    held = and_(_hold.c.session == session, _hold.c.slot_id == _slot.c.id, _hold.c.live == 1, _hold.c.expires_at > now)
    row = (
        await conn.execute(
            _slots(now)
            .add_columns(
                select(_booking.c.id).where(standing, _booking.c.session == session).exists().label("booked"),
                select(_booking.c.id).where(standing, _booking.c.file_number == file_number).exists().label("used"),
                select(_hold.c.id).where(held).exists().label("held"),
            )
            .where(_slot.c.id == slot_id)
        )
    ).first()
    if row is None:
        return None
    return Outlook(slot=_as_slot(row), booked=bool(row.booked), number_used=bool(row.used), held=bool(row.held))
