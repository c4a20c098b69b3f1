"""The steps that make, move and cancel bookings. Each runs inside one write transaction and is safe to repeat.

A name or a number is written once, when the booking is made; no step changes it, and the database refuses to.
"""

import random
import secrets
from dataclasses import replace

from sqlalchemy import and_, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_backend import queries, schema
from booking_backend.holding import hold_back, one_less, sweep, take, use_hold
from booking_backend.slots import (
    CANCELLATIONS_MAX,
    CANCELLATIONS_SECONDS,
    LIVE_MAX,
    MOVES_MAX,
    RETURN_SECONDS,
    Applicant,
    Booking,
    Hold,
    Refusal,
    Slot,
    Visit,
)

_slot, _booking, _moving = schema.slot, schema.booking, schema.moving
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No 0/O, 1/I/L, U: a reference is read aloud and copied by hand."""


def new_reference() -> str:
    """A booking reference such as RDV-7K3M2-9QXTB: 49 random bits."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(10))
    return f"RDV-{letters[:5]}-{letters[5:]}"


def return_at(slot: Slot, now: int, dice: random.Random) -> int:
    """When a place given up is free again: at a moment nobody can know, early enough to be of use to somebody."""
    shortest, longest = RETURN_SECONDS
    latest = max(now, min(now + longest, slot.closes_at - shortest))
    earliest = min(now + shortest, latest)
    return dice.randint(earliest, latest)


async def confirm(
    conn: AsyncConnection, visit: Visit, hold_id: str, applicant: Applicant | None, now: int, *, dice: random.Random
) -> Booking | Refusal:
    """Turn a hold into a booking, or move the booking the hold is for; then `applicant` counts for nothing.

    Repeated, it returns the same booking; a lapsed hold is served if a place is left.
    """
    done = await queries.booking(conn, now, _booking.c.session == visit.session, _booking.c.hold_id == hold_id)
    if done:
        return done
    await sweep(conn, now)
    hold = await queries.hold(conn, visit.session, now, hold_id)
    if hold is None:
        return Refusal.NO_HOLD
    if hold.moves:
        made = await _move(conn, visit, hold, now, dice)
    else:
        made = Refusal.NO_HOLD if applicant is None else await _book(conn, visit, hold.slot.id, applicant, now)
    return Refusal.LAPSED if made is Refusal.TAKEN else made


async def book(conn: AsyncConnection, visit: Visit, slot_id: int, applicant: Applicant, now: int) -> Booking | Refusal:
    """Hold and confirm in one step, for programs. The same order repeated returns the same booking."""
    same = (_booking.c.session == visit.session, _booking.c.slot_id == slot_id)
    done = await queries.booking(conn, now, *same, _booking.c.file_number == applicant.file_number)
    if done:
        return done
    await sweep(conn, now)
    return await _book(conn, visit, slot_id, applicant, now)


async def _book(conn: AsyncConnection, visit: Visit, slot_id: int, applicant: Applicant, now: int) -> Booking | Refusal:
    seen = await queries.outlook(conn, visit, slot_id, now)
    if seen is None:
        return Refusal.NO_SLOT
    if seen.booked:
        return Refusal.ALREADY_BOOKED
    if refusal := seen.refusal(now) or await _too_much(conn, visit, applicant, seen.slot.service_id, now):
        return refusal
    hold = await queries.hold(conn, visit.session, now)
    mine = hold if hold and hold.slot.id == slot_id else None
    if not await _have_place(conn, slot_id, mine, now):
        return Refusal.TAKEN
    reference = new_reference()
    await conn.execute(
        insert(_booking).values(
            reference=reference, hold_id=mine.id if mine else secrets.token_urlsafe(16), session=visit.session,
            person=visit.person, service_id=seen.slot.service_id, slot_id=slot_id,
            counter_id=await _counter(conn, slot_id), name=applicant.name, file_number=applicant.file_number,
            email=applicant.email, created_at=now,
        )
    )  # fmt: skip
    return Booking(
        reference=reference, session=visit.session, slot=seen.slot if seen.held else one_less(seen.slot),
        applicant=applicant, person=visit.person, fresh=True,
    )  # fmt: skip


async def _have_place(conn: AsyncConnection, slot_id: int, hold: Hold | None, now: int) -> bool:
    """The place of the hold passes on if it is still kept; else one is taken if there is one."""
    return (hold is not None and await use_hold(conn, hold.id)) or await take(conn, slot_id, now)


async def _counter(conn: AsyncConnection, slot_id: int) -> int:
    """The counter of the slot with most places left. Holds the slot's row, so that no two count at once."""
    counters = await conn.execute(select(_slot.c.counters).where(_slot.c.id == slot_id).with_for_update(key_share=True))
    places = {int(counter_id): many for counter_id, many in counters.scalar_one().items()}
    standing = (_booking.c.slot_id == slot_id, _booking.c.cancelled_at.is_(None))
    busy = await conn.execute(
        select(_booking.c.counter_id, func.count()).where(*standing).group_by(_booking.c.counter_id)
    )
    for counter_id, many in busy:
        places[counter_id] = places.get(counter_id, 0) - many
    return max(sorted(places), key=lambda counter_id: places[counter_id])


async def _too_much(
    conn: AsyncConnection, visit: Visit, applicant: Applicant, service_id: int, now: int
) -> Refusal | None:
    """The limits of one person, known by file number and, in nominative rooms, by digest."""
    same = _booking.c.file_number == applicant.file_number
    if visit.person is not None:
        same = or_(same, _booking.c.person == visit.person)
    here = _booking.c.service_id == service_id
    recent = and_(here, _booking.c.cancelled_at > now - CANCELLATIONS_SECONDS)
    standing = _booking.c.cancelled_at.is_(None)
    to_come = and_(standing, _slot.c.starts_at > now)
    counted = [func.count().filter(condition) for condition in (and_(standing, here), to_come, recent)]
    found = await conn.execute(
        select(*counted).select_from(_booking.join(_slot, _slot.c.id == _booking.c.slot_id)).where(same)
    )
    used, live, given_up = tuple(found.one())
    if used:
        return Refusal.NUMBER_USED
    if live >= LIVE_MAX:
        return Refusal.TOO_MANY
    return Refusal.CANCELLED_OFTEN if given_up >= CANCELLATIONS_MAX else None


async def find(
    conn: AsyncConnection, reference: str, file_number: str, person: str | None, now: int
) -> Booking | Refusal:
    """The live booking with this reference and number, for its own person where the visit has one."""
    same = (_booking.c.reference == reference, _booking.c.file_number == file_number)
    found = await queries.booking(conn, now, *same)
    if found is None:
        return Refusal.NOT_FOUND
    return Refusal.OTHER_PERSON if _somebody_else(person, found.person) else found


def _somebody_else(person: str | None, other: str | None) -> bool:
    """Whether two digests are surely of two people: those of two campaigns, named before the dash, tell nothing."""
    if person is None or other is None or person.partition("-")[0] != other.partition("-")[0]:
        return False
    return person != other


async def cancel(conn: AsyncConnection, booking: Booking, now: int, dice: random.Random) -> Booking | Refusal:
    """Give the appointment up. Its place is free again only after a random time."""
    if booking.slot.starts_at <= now:
        return Refusal.PAST
    ended = await conn.execute(
        update(_booking)
        .where(_booking.c.reference == booking.reference, _booking.c.cancelled_at.is_(None))
        .values(cancelled_at=now)
        .returning(_booking.c.slot_id)
    )
    slot_id = ended.scalar()
    slot = booking.slot if slot_id == booking.slot.id else await queries.slot(conn, slot_id or 0, now)
    if slot is None:
        return Refusal.NOT_FOUND
    await hold_back(conn, slot.id, return_at(slot, now, dice))  # where it stood: it may just have been moved
    return replace(booking, slot=slot)


async def start_moving(conn: AsyncConnection, visit: Visit, booking: Booking, now: int) -> Booking | Refusal:
    """From now on this visit chooses another time for the booking, which stands until the new one is confirmed."""
    if booking.slot.starts_at <= now:
        return Refusal.PAST
    if booking.moves >= MOVES_MAX:
        return Refusal.MOVED_OFTEN
    await conn.execute(delete(_moving).where(_moving.c.session == visit.session))
    found = select(_booking.c.id).where(_booking.c.reference == booking.reference).scalar_subquery()
    await conn.execute(insert(_moving).values(session=visit.session, booking_id=found))
    return booking


async def _move(conn: AsyncConnection, visit: Visit, hold: Hold, now: int, dice: random.Random) -> Booking | Refusal:
    before = await queries.booking(conn, now, _booking.c.reference == hold.moves)
    if before is None or before.slot.starts_at <= now:
        return Refusal.NOT_FOUND
    if _somebody_else(visit.person, before.person):
        return Refusal.OTHER_PERSON
    if before.moves >= MOVES_MAX:
        return Refusal.MOVED_OFTEN
    if not await _have_place(conn, hold.slot.id, hold, now):
        return Refusal.TAKEN
    moved = await conn.execute(
        update(_booking)
        .where(_booking.c.reference == hold.moves, _booking.c.slot_id == before.slot.id, _booking.c.moves < MOVES_MAX)
        .where(_booking.c.cancelled_at.is_(None))
        .values(
            slot_id=hold.slot.id, counter_id=await _counter(conn, hold.slot.id), hold_id=hold.id,
            session=visit.session, moves=_booking.c.moves + 1,
        )
        .returning(_booking.c.id)
    )  # fmt: skip
    if moved.first() is None:  # cancelled or moved elsewhere at the same moment: our place goes back
        await hold_back(conn, hold.slot.id, now)
        return Refusal.NOT_FOUND
    await conn.execute(delete(_moving).where(_moving.c.session == visit.session))
    await hold_back(conn, before.slot.id, return_at(before.slot, now, dice))
    made = await queries.booking(conn, now, _booking.c.reference == hold.moves)
    return Refusal.NOT_FOUND if made is None else replace(made, fresh=True, moved=True)
