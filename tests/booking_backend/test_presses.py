"""One visit presses many times at the same moment, in several tabs and processes: it is one visit all the same."""

import asyncio
import random
from collections.abc import Mapping

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_backend import schema, steps
from booking_backend.slots import LIVE_MAX, Booking, Busy, Draft, Hold, Refusal, Visit
from booking_backend.store import SlotStore
from tests.booking_backend.places import AMINA, assert_consistent, booked

VISITS = [Visit(f"visit-{number}") for number in range(9)]
PRESSES = 3
"""By each visit at each of the two stores."""

Both = tuple[SlotStore, SlotStore]


async def slot_ids(store: SlotStore, many: int) -> list[int]:
    """Slots of the first service with three places each."""
    return [slot.id for slot in await store.slots(1) if slot.capacity == 3][:many]


async def holds(store: SlotStore) -> Mapping[str, str]:
    """The hold of each visit that has a live one."""
    async with store.transactions.reading() as conn:
        found = (await conn.execute(select(schema.hold).where(schema.hold.c.live == 1))).all()
    assert len({row.session for row in found}) == len(found)
    return {row.session: row.id for row in found}


async def test_many_visits_that_press_many_times_at_once_hold_one_place_each(both: Both, url: str) -> None:
    slots, left = await slot_ids(both[0], len(VISITS) // 3), await both[0].slots_left()

    async def press(number: int, store: SlotStore) -> Hold | Refusal:
        return await store.place_hold(VISITS[number], slots[number // 3])

    pressed = [(number, store) for _ in range(PRESSES) for number in range(len(VISITS)) for store in both]
    results = await asyncio.gather(*(press(*each) for each in pressed))
    told = {(held.session, held.id) for held in results if isinstance(held, Hold)}
    assert told == set((await holds(both[0])).items())
    assert len(told) == len(VISITS)
    assert not any(isinstance(each, Refusal) for each in results)
    assert await both[0].slots_left() == left - len(VISITS)
    await assert_consistent(url)


async def test_a_visit_that_presses_several_slots_at_once_ends_with_one_of_them(both: Both, url: str) -> None:
    slots, left = await slot_ids(both[0], 6), await both[0].slots_left()

    async def press(store: SlotStore, visit: Visit, number: int) -> Hold | Refusal:
        return await store.place_hold(visit, slots[number % len(slots)])

    results = await asyncio.gather(
        *(
            press(store, visit, at + turn)
            for turn in range(PRESSES)
            for at, visit in enumerate(VISITS)
            for store in both
        )
    )
    kept = await holds(both[1])
    assert set(kept) == {held.session for held in results if isinstance(held, Hold)}
    assert set(kept.values()) <= {held.id for held in results if isinstance(held, Hold)}
    assert {each for each in results if isinstance(each, Refusal)} <= {Refusal.TAKEN}
    assert await both[0].slots_left() == left - len(kept)
    await assert_consistent(url)


async def test_each_press_for_more_time_counts_once(both: Both, url: str) -> None:
    slots = await slot_ids(both[0], len(VISITS) // 3)
    held = [await both[0].place_hold(visit, slots[at // 3]) for at, visit in enumerate(VISITS)]
    ids = [each.id for each in held if isinstance(each, Hold)]
    await asyncio.gather(
        *(
            store.extend(visit, hold_id, None)
            for visit, hold_id in zip(VISITS, ids, strict=True)
            for store in both * PRESSES
        )
    )
    after = [await both[0].hold(visit) for visit in VISITS]
    assert [each and each.extensions for each in after] == [2 * PRESSES] * len(VISITS)
    await assert_consistent(url)


async def test_more_time_for_one_slot_while_another_is_chosen_leaves_one_hold(both: Both, url: str) -> None:
    slots, left = await slot_ids(both[0], len(VISITS) // 3 * 2), await both[0].slots_left()
    held = [await both[0].place_hold(visit, slots[at // 3]) for at, visit in enumerate(VISITS)]

    async def press(at: int, hold: Hold | Refusal, store: SlotStore, turn: int) -> Hold | Refusal:
        assert isinstance(hold, Hold)
        if turn % 2:
            return await store.place_hold(VISITS[at], slots[len(VISITS) // 3 + at // 3])
        return await store.extend(VISITS[at], hold.id, None)

    every = [(at, hold, store, turn) for turn in range(2 * PRESSES) for at, hold in enumerate(held) for store in both]
    results = await asyncio.gather(*(press(*each) for each in every))
    assert {each for each in results if isinstance(each, Refusal)} <= {Refusal.NO_HOLD}
    after = [await both[0].hold(visit) for visit in VISITS]
    assert [each and each.slot.id for each in after] == [slots[len(VISITS) // 3 + at // 3] for at in range(len(VISITS))]
    assert await both[0].slots_left() == left - len(VISITS)
    await assert_consistent(url)


async def test_the_database_itself_refuses_a_second_hold_of_a_visit(both: Both) -> None:
    held = await both[0].place_hold(VISITS[0], 1)
    assert isinstance(held, Hold)

    async def write(conn: AsyncConnection) -> None:
        await conn.execute(
            schema.hold.insert().values(id="second", session=held.session, slot_id=5, expires_at=0, live=0)
        )

    with pytest.raises((IntegrityError, Busy)):
        await both[0].transactions.write(write)
    assert await holds(both[0]) == {held.session: held.id}


async def test_one_order_sent_many_times_at_once_is_one_booking(both: Both, url: str) -> None:
    made = await asyncio.gather(*(store.book(Visit("s"), 1, AMINA) for store in both * PRESSES))
    assert len({each.reference for each in made if isinstance(each, Booking)}) == 1
    assert not any(isinstance(each, Refusal) for each in made)
    await assert_consistent(url)


async def test_visits_that_book_everything_at_once_with_one_number_get_what_one_person_may(
    both: Both, url: str
) -> None:
    made = await asyncio.gather(
        *(
            store.book(Visit(f"{slot_id}-{at}"), slot_id, AMINA)
            for slot_id in (1, 2, 3)
            for at, store in enumerate(both)
        )
    )
    assert sum(isinstance(each, Booking) for each in made) == LIVE_MAX
    await assert_consistent(url)


async def test_an_appointment_moved_just_before_it_is_cancelled_gives_back_the_place_it_has_now(
    both: Both, url: str
) -> None:
    store, visit = both[0], VISITS[0]
    found = await booked(store, "first", 1)
    await store.start_moving(visit, found.reference, AMINA.file_number)
    hold = await store.place_hold(visit, 5)
    assert isinstance(hold, Hold)
    assert isinstance(await both[1].confirm(visit, hold.id, Draft(), None), Booking)

    async def cancel(conn: AsyncConnection) -> Booking | Refusal:
        return await steps.cancel(conn, found, store.now, random.Random(7))

    ended = await store.transactions.write(cancel)
    assert isinstance(ended, Booking)
    assert ended.slot.id == 5
    assert await store.transactions.write(cancel) is Refusal.NOT_FOUND
    await assert_consistent(url)
