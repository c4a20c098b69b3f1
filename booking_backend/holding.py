"""The steps that keep, give back and count places. Each runs inside one write transaction and is safe to repeat.

A refusal is an answer, not an error: what it already wrote (a draft, a sweep) is meant to stay.
"""

import secrets
from collections import Counter
from dataclasses import replace

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_backend import queries, schema
from booking_backend.slots import (
    DRAFT_SECONDS,
    EXTENSIONS_MAX,
    HOLD_SECONDS,
    Draft,
    Hold,
    Refusal,
    Slot,
    Visit,
)

_slot, _hold, _returning = schema.slot, schema.hold, schema.returning


async def sweep(conn: AsyncConnection, now: int) -> None:
    """Free the places of holds that ran out, whose drafts stay a while, and the places held back whose time came."""
    lapsed = await conn.execute(
        update(_hold).where(_hold.c.live == 1, _hold.c.expires_at <= now).values(live=0).returning(_hold.c.slot_id)
    )
    due = await conn.execute(delete(_returning).where(_returning.c.due_at <= now).returning(_returning.c.slot_id))
    places = Counter([*lapsed.scalars(), *due.scalars()])
    for slot_id in sorted(places):  # always in this order, so that two sweeps cannot wait for each other
        await give_back(conn, slot_id, places[slot_id])


async def _forget_old_drafts(conn: AsyncConnection, now: int) -> None:
    await conn.execute(delete(_hold).where(_hold.c.live == 0, _hold.c.expires_at <= now - DRAFT_SECONDS))


async def give_back(conn: AsyncConnection, slot_id: int, places: int = 1) -> None:
    """Free places of a slot at once."""
    await conn.execute(update(_slot).where(_slot.c.id == slot_id).values(taken=_slot.c.taken - places))


async def hold_back(conn: AsyncConnection, slot_id: int, due_at: int) -> None:
    """A place given up stays taken until `due_at`."""
    await conn.execute(insert(_returning).values(slot_id=slot_id, due_at=due_at))


async def take(conn: AsyncConnection, slot_id: int, now: int) -> bool:
    """Take one place if there is one: the condition is in the statement, so no two can take the last."""
    taken = await conn.execute(
        update(_slot)
        .where(_slot.c.id == slot_id, _slot.c.taken < _slot.c.capacity, queries.bookable(now))
        .values(taken=_slot.c.taken + 1)
        .returning(_slot.c.id)
    )
    return taken.first() is not None


async def reserve(conn: AsyncConnection, *slot_ids: int) -> None:
    """Lock the rows of slots in the order of all, so that two that change places cannot wait for each other."""
    await conn.execute(
        select(_slot.c.id).where(_slot.c.id.in_(slot_ids)).order_by(_slot.c.id).with_for_update(key_share=True)
    )


async def use_hold(conn: AsyncConnection, hold_id: str) -> bool:
    """End a hold; True if its place was still kept, and now belongs to the caller."""
    live = await conn.execute(delete(_hold).where(_hold.c.id == hold_id).returning(_hold.c.live))
    return live.scalar() == 1


def one_less(slot: Slot) -> Slot:
    """The slot after one more place is taken."""
    return replace(slot, free=slot.free - 1)


async def place_hold(conn: AsyncConnection, visit: Visit, slot_id: int, now: int) -> Hold | Refusal:
    """Keep a place for this visit. A visit that held another slot changes to this one, its draft with it."""
    await sweep(conn, now)
    await _forget_old_drafts(conn, now)
    seen = await queries.outlook(conn, visit, slot_id, now)
    if seen is None:
        return Refusal.NO_SLOT
    if refusal := seen.refusal(now):
        return refusal
    before = await queries.hold(conn, visit.session, now)
    if before and seen.held:
        return before
    if before:
        await reserve(conn, slot_id, before.slot.id)
    if not await take(conn, slot_id, now):
        return Refusal.TAKEN
    if before and await use_hold(conn, before.id):
        await give_back(conn, before.slot.id)
    hold_id, draft = secrets.token_urlsafe(16), before.draft if before else Draft()
    await conn.execute(
        insert(_hold).values(
            id=hold_id, session=visit.session, slot_id=slot_id, expires_at=now + HOLD_SECONDS, live=1,
            name=draft.name, file_number=draft.file_number, email=draft.email,
        )
    )  # fmt: skip
    return await queries.hold(conn, visit.session, now, hold_id) or Refusal.NO_HOLD


async def keep_draft(conn: AsyncConnection, session: str, hold_id: str, draft: Draft) -> None:
    """Remember what was typed, so that no refusal and no expiry loses it."""
    mine = (_hold.c.id == hold_id, _hold.c.session == session)
    typed = {"name": draft.name, "file_number": draft.file_number, "email": draft.email}
    await conn.execute(update(_hold).where(*mine).values(**typed))


async def extend(conn: AsyncConnection, session: str, hold_id: str, now: int) -> Hold | Refusal:
    """Start the hold's time again, taking the place back if it lapsed and is still free."""
    await sweep(conn, now)
    hold = await queries.hold(conn, session, now, hold_id)
    if hold is None:
        return Refusal.NO_HOLD
    if hold.extensions >= EXTENSIONS_MAX:
        return Refusal.NO_MORE_TIME
    if not await _prolong(conn, hold, now, live=1):
        if not await take(conn, hold.slot.id, now):
            return Refusal.LAPSED
        if not await _prolong(conn, hold, now, live=0):  # gone meanwhile, or extended by another tab
            await give_back(conn, hold.slot.id)
    return await queries.hold(conn, session, now, hold_id) or Refusal.NO_HOLD


async def _prolong(conn: AsyncConnection, hold: Hold, now: int, *, live: int) -> bool:
    renewed = await conn.execute(
        update(_hold)
        .where(_hold.c.id == hold.id, _hold.c.live == live)
        .values(live=1, expires_at=now + HOLD_SECONDS, extensions=hold.extensions + 1)
        .returning(_hold.c.id)
    )
    return renewed.first() is not None
