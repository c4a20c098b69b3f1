"""Reading the tables: every function takes an open connection and the time, and changes nothing.

A lapsed hold, and a place held back whose time has come, count as free here even before a writer has swept them away.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_backend import schema
from booking_backend.slots import Applicant, Booking, Draft, Hold, Refusal, Service, Slot, Visit

_slot, _hold, _booking, _moving = schema.slot, schema.hold, schema.booking, schema.moving


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What stands between a visit and a place in a slot."""

    slot: Slot
    booked: bool
    """The visit, or its person, has a live booking for the slot's service."""
    held: bool
    """The visit itself holds a place in the slot."""
    moving: int | None
    """The booking that this visit moves, if it is one of the slot's service."""

    def refusal(self, now: int) -> Refusal | None:
        """Why the visit cannot have the place, the file number apart."""
        if self.booked and self.moving is None:
            return Refusal.ALREADY_BOOKED
        if self.slot.closes_at <= now:
            return Refusal.PAST
        if self.slot.opens_at > now:
            return Refusal.NOT_OPEN
        return None if self.held or self.slot.free > 0 else Refusal.TAKEN


def _freed(now: int) -> Any:
    """Slot id and how many of its taken places are free by now."""
    each = union_all(
        select(_hold.c.slot_id).where(_hold.c.live == 1, _hold.c.expires_at <= now),
        select(schema.returning.c.slot_id).where(schema.returning.c.due_at <= now),
    ).subquery()
    return select(each.c.slot_id, func.count().label("places")).group_by(each.c.slot_id).subquery()


def _slots(now: int) -> Select[Any]:
    freed = _freed(now)
    free = (_slot.c.capacity - _slot.c.taken + func.coalesce(freed.c.places, 0)).label("free")
    columns = ("id", "service_id", "site_id", "starts_at", "opens_at", "closes_at", "capacity")
    return select(*(_slot.c[name] for name in columns), free).select_from(
        _slot.outerjoin(freed, freed.c.slot_id == _slot.c.id)
    )


def bookable(now: int) -> ColumnElement[bool]:
    """The condition that a slot can be booked now, whether or not a place is free."""
    return and_(_slot.c.opens_at <= now, _slot.c.closes_at > now)


def _as_slot(row: Any) -> Slot:
    return Slot(
        id=row.id, service_id=row.service_id, site_id=row.site_id, starts_at=row.starts_at, opens_at=row.opens_at,
        closes_at=row.closes_at, capacity=row.capacity, free=row.free,
    )  # fmt: skip


async def services(conn: AsyncConnection, now: int, site_id: int | None = None) -> list[Service]:
    """Every service with its free places, in their order; with `site_id`, those of one site."""
    wanted = _slots(now).where(bookable(now))
    places = (wanted if site_id is None else wanted.where(_slot.c.site_id == site_id)).subquery()
    found = await conn.execute(
        select(
            schema.service.c.id, schema.service.c.names, func.coalesce(func.sum(places.c.free), 0).label("free")
        )
        .outerjoin(places, places.c.service_id == schema.service.c.id)
        .group_by(schema.service.c.id)
        .order_by(schema.service.c.id)
    )  # fmt: skip
    # JSON columns cannot be grouped by on PostgreSQL, but the key of their row can.
    return [Service(id=row.id, names=row.names, free=int(row.free)) for row in found]


async def free_by_site(conn: AsyncConnection, service_id: int, now: int) -> dict[int, int]:
    """Free places of a service at each site that offers it."""
    places = _slots(now).where(_slot.c.service_id == service_id, bookable(now)).subquery()
    found = await conn.execute(select(places.c.site_id, func.sum(places.c.free)).group_by(places.c.site_id))
    return {row[0]: int(row[1]) for row in found}


async def slots(
    conn: AsyncConnection, now: int, *wanted: ColumnElement[bool], free: bool = False, limit: int | None = None
) -> list[Slot]:
    """The bookable slots that fit `wanted` (conditions on `schema.slot`), soonest first; with `free`, no full ones."""
    chosen = _slots(now).where(bookable(now), *wanted).order_by(_slot.c.starts_at, _slot.c.site_id, _slot.c.id)
    if free:
        places = chosen.selected_columns.free
        chosen = chosen.where(places > 0)
    return [_as_slot(row) for row in await conn.execute(chosen.limit(limit))]


async def slot(conn: AsyncConnection, slot_id: int, now: int) -> Slot | None:
    """One slot, past or to come."""
    row = (await conn.execute(_slots(now).where(_slot.c.id == slot_id))).first()
    return None if row is None else _as_slot(row)


async def slots_left(conn: AsyncConnection, now: int) -> int:
    """Free places in all slots that can be booked."""
    freed = _freed(now)
    left = await conn.execute(
        select(
            func.coalesce(func.sum(_slot.c.capacity - _slot.c.taken), 0)
            + func.coalesce(func.sum(func.coalesce(freed.c.places, 0)), 0)
        )
        .select_from(_slot.outerjoin(freed, freed.c.slot_id == _slot.c.id))
        .where(bookable(now))
    )
    return int(left.scalar_one())


async def hold(conn: AsyncConnection, session: str, now: int, hold_id: str | None = None) -> Hold | None:
    """The hold of a visit; with `hold_id`, only if it is that one."""
    moved = select(_booking.c.reference, _booking.c.service_id, _moving.c.session).join_from(_booking, _moving)
    moves = moved.where(_booking.c.cancelled_at.is_(None)).subquery()
    wanted = (
        select(_hold, moves.c.reference, moves.c.service_id.label("moves_service"))
        .outerjoin(moves, moves.c.session == _hold.c.session)
        .where(_hold.c.session == session)
    )
    row = (await conn.execute(wanted if hold_id is None else wanted.where(_hold.c.id == hold_id))).first()
    kept = None if row is None else await slot(conn, row.slot_id, now)
    if row is None or kept is None:
        return None
    return Hold(
        id=row.id, session=row.session, slot=kept, expires_at=row.expires_at,
        live=row.live == 1 and row.expires_at > now, extensions=row.extensions,
        draft=Draft(name=row.name, file_number=row.file_number, email=row.email),
        moves=row.reference if row.reference and row.moves_service == kept.service_id else "",
    )  # fmt: skip


def _standing(*wanted: ColumnElement[bool]) -> Select[Any]:
    at = select(_booking, schema.counter.c.name.label("counter")).join(schema.counter)
    return at.where(_booking.c.cancelled_at.is_(None), *wanted).order_by(_booking.c.id)


async def to_come(conn: AsyncConnection, file_numbers: Sequence[str], now: int) -> list[Booking]:
    """The live bookings of these file numbers whose time is not reached."""
    later = select(_slot.c.id).where(_slot.c.starts_at > now)
    wanted = _standing(_booking.c.file_number.in_(file_numbers), _booking.c.slot_id.in_(later))
    found = [await _as_booking(conn, row, now) for row in await conn.execute(wanted)]
    return [each for each in found if each is not None]


async def booking(conn: AsyncConnection, now: int, *wanted: ColumnElement[bool]) -> Booking | None:
    """The live booking that fits `wanted` (conditions on `schema.booking`)."""
    row = (await conn.execute(_standing(*wanted))).first()
    return None if row is None else await _as_booking(conn, row, now)


async def _as_booking(conn: AsyncConnection, row: Any, now: int) -> Booking | None:
    booked = await slot(conn, row.slot_id, now)
    if booked is None:
        return None
    who = Applicant(name=row.name, file_number=row.file_number, email=row.email)
    return Booking(
        reference=row.reference, session=row.session, slot=booked, applicant=who, person=row.person,
        counter=row.counter, moves=row.moves,
    )  # fmt: skip


async def moving(conn: AsyncConnection, session: str, now: int) -> Booking | None:
    """The live booking that a visit moves."""
    moved = select(_moving.c.booking_id).where(_moving.c.session == session).scalar_subquery()
    return await booking(conn, now, _booking.c.id == moved)


def same_visit(visit: Visit) -> ColumnElement[bool]:
    """The condition that a booking was made in this visit, or for its person."""
    mine = _booking.c.session == visit.session
    return mine if visit.person is None else or_(mine, _booking.c.person == visit.person)


async def outlook(conn: AsyncConnection, visit: Visit, slot_id: int, now: int) -> Outlook | None:
    """All that decides whether a visit may have a place in a slot, in one statement; None if there is no such slot."""
    standing = and_(_booking.c.service_id == _slot.c.service_id, _booking.c.cancelled_at.is_(None))
    held = and_(
        _hold.c.session == visit.session, _hold.c.slot_id == _slot.c.id, _hold.c.live == 1, _hold.c.expires_at > now
    )
    moving = (
        select(_booking.c.id)
        .join_from(_booking, _moving)
        .where(standing, _moving.c.session == visit.session)
        .correlate(_slot)
        .scalar_subquery()
    )
    row = (
        await conn.execute(
            _slots(now)
            .add_columns(
                select(_booking.c.id).where(standing, same_visit(visit)).correlate(_slot).exists().label("booked"),
                select(_hold.c.id).where(held).correlate(_slot).exists().label("held"),
                moving.label("moving"),
            )
            .where(_slot.c.id == slot_id)
        )
    ).first()
    if row is None:
        return None
    return Outlook(slot=_as_slot(row), booked=bool(row.booked), held=bool(row.held), moving=row.moving)
