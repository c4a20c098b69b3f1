"""The steps that change the tables. Each runs inside one write transaction of the caller and is safe to repeat.

A refusal is an answer, not an error: what it already wrote (a draft, a sweep) is meant to stay.
"""

import secrets
from collections import Counter
from dataclasses import replace

from sqlalchemy import delete, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_backend import queries, schema
from booking_backend.slots import (
    DRAFT_SECONDS,
    EXTENSIONS_MAX,
    HOLD_SECONDS,
    Applicant,
    Booking,
    Draft,
    Hold,
    Refusal,
    Slot,
)

_slot, _hold, _booking = schema.slot, schema.hold, schema.booking
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No 0/O, 1/I/L, U: a reference is read aloud and copied by hand."""


def new_reference() -> str:
    """A booking reference such as RDV-7K3M2-9QXTB: 49 random bits."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(10))
    return f"RDV-{letters[:5]}-{letters[5:]}"


async def sweep(conn: AsyncConnection, now: int) -> None:
    """Free the places of holds that ran out; their drafts stay a while."""
    lapsed = await conn.execute(
        update(_hold).where(_hold.c.live == 1, _hold.c.expires_at <= now).values(live=0).returning(_hold.c.slot_id)
    )
    for slot_id, places in Counter(lapsed.scalars()).items():
        await _give_back(conn, slot_id, places)


async def _forget_old_drafts(conn: AsyncConnection, now: int) -> None:
    await conn.execute(delete(_hold).where(_hold.c.live == 0, _hold.c.expires_at <= now - DRAFT_SECONDS))


async def _give_back(conn: AsyncConnection, slot_id: int, places: int = 1) -> None:
    await conn.execute(update(_slot).where(_slot.c.id == slot_id).values(taken=_slot.c.taken - places))


async def _take(conn: AsyncConnection, slot_id: int, now: int) -> bool:
    """Take one place if there is one: the condition is in the statement, so no two can take the last."""
    taken = await conn.execute(
        update(_slot)
        .where(_slot.c.id == slot_id, _slot.c.taken < _slot.c.capacity, _slot.c.starts_at > now)
        .values(taken=_slot.c.taken + 1)
        .returning(_slot.c.id)
    )
    return taken.first() is not None


def _one_less(slot: Slot) -> Slot:
    return replace(slot, free=slot.free - 1)


async def place_hold(conn: AsyncConnection, session: str, slot_id: int, now: int) -> Hold | Refusal:
    """Keep a place for this visit. A visit that held another slot changes to this one, its draft with it."""
    await sweep(conn, now)
    await _forget_old_drafts(conn, now)
    seen = await queries.outlook(conn, session, slot_id, now)
    if seen is None:
        return Refusal.NO_SLOT
    if refusal := seen.refusal(now):
        return refusal
    before = await queries.hold(conn, session, now)
    if before and seen.held:
        return before
    if not await _take(conn, slot_id, now):
        return Refusal.TAKEN
    if before:
        await _drop(conn, before)
    hold = Hold(
        id=secrets.token_urlsafe(16), session=session, slot=_one_less(seen.slot), expires_at=now + HOLD_SECONDS,
        live=True, extensions=0, draft=before.draft if before else Draft(),
    )  # fmt: skip
    await conn.execute(
        insert(_hold).values(
            id=hold.id, session=session, slot_id=slot_id, expires_at=hold.expires_at, live=1,
            name=hold.draft.name, file_number=hold.draft.file_number,
        )
    )  # fmt: skip
    return hold


async def _drop(conn: AsyncConnection, hold: Hold) -> None:
    if hold.live:
        await _give_back(conn, hold.slot.id)
    await conn.execute(delete(_hold).where(_hold.c.id == hold.id))


async def keep_draft(conn: AsyncConnection, session: str, hold_id: str, draft: Draft) -> None:
    """Remember what was typed, so that no refusal and no expiry loses it."""
    mine = (_hold.c.id == hold_id, _hold.c.session == session)
    await conn.execute(update(_hold).where(*mine).values(name=draft.name, file_number=draft.file_number))


async def extend(conn: AsyncConnection, session: str, hold_id: str, now: int) -> Hold | Refusal:
    """Start the hold's time again, taking the place back if it lapsed and is still free."""
    await sweep(conn, now)
    hold = await queries.hold(conn, session, now, hold_id)
    if hold is None:
        return Refusal.NO_HOLD
    if hold.extensions >= EXTENSIONS_MAX:
        return Refusal.NO_MORE_TIME
    if not hold.live and not await _take(conn, hold.slot.id, now):
        return Refusal.LAPSED
    renewed = {"live": 1, "expires_at": now + HOLD_SECONDS, "extensions": hold.extensions + 1}
    await conn.execute(update(_hold).where(_hold.c.id == hold_id).values(**renewed))
    return await queries.hold(conn, session, now, hold_id) or Refusal.NO_HOLD


async def confirm(
    conn: AsyncConnection, session: str, hold_id: str, applicant: Applicant, now: int
) -> Booking | Refusal:
    """Turn a hold into a booking. Repeated, it returns the same booking; a lapsed hold is served if a place is left."""
    done = await queries.booking(conn, session, now, _booking.c.hold_id == hold_id)
    if done:
        return done
    await sweep(conn, now)
    hold = await queries.hold(conn, session, now, hold_id)
    if hold is None:
        return Refusal.NO_HOLD
    made = await _book(conn, session, hold, applicant, now)
    return Refusal.LAPSED if made is Refusal.TAKEN else made


async def book(conn: AsyncConnection, session: str, slot_id: int, applicant: Applicant, now: int) -> Booking | Refusal:
    """Hold and confirm in one step, for programs. The same order repeated returns the same booking."""
    done = await queries.booking(
        conn, session, now, _booking.c.slot_id == slot_id, _booking.c.file_number == applicant.file_number
    )
    if done:
        return done
    await sweep(conn, now)
    hold = await queries.hold(conn, session, now)
    return await _book(conn, session, hold if hold and hold.slot.id == slot_id else slot_id, applicant, now)


async def _book(
    conn: AsyncConnection, session: str, place: Hold | int, applicant: Applicant, now: int
) -> Booking | Refusal:
    """Book the place of a hold, or one in the slot of this id."""
    hold = place if isinstance(place, Hold) else None
    slot_id = place.slot.id if isinstance(place, Hold) else place
    seen = await queries.outlook(conn, session, slot_id, now, applicant.file_number)
    if seen is None:
        return Refusal.NO_SLOT
    if refusal := seen.refusal(now):
        return refusal
    if seen.number_used:
        return Refusal.NUMBER_USED
    if not seen.held and not await _take(conn, slot_id, now):
        return Refusal.TAKEN
    if hold:  # its place, still taken, passes to the booking
        await conn.execute(delete(_hold).where(_hold.c.id == hold.id))
    reference = new_reference()
    await conn.execute(
        insert(_booking).values(
            reference=reference, hold_id=hold.id if hold else secrets.token_urlsafe(16), session=session,
            service_id=seen.slot.service_id, slot_id=slot_id, name=applicant.name,
            file_number=applicant.file_number, created_at=now,
        )
    )  # fmt: skip
    return Booking(
        reference=reference,
        session=session,
        slot=seen.slot if seen.held else _one_less(seen.slot),
        applicant=applicant,
        fresh=True,
    )
