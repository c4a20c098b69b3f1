"""The same promises on both databases: SQLite in a file, and a real PostgreSQL."""

import asyncio
import random
from itertools import count

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from booking_backend import migrating, schema
from booking_backend.engine import BadUrl, open_engine
from booking_backend.slots import (
    CANCELLATIONS_MAX,
    HOLD_SECONDS,
    MOVES_MAX,
    RETURN_SECONDS,
    Applicant,
    Booking,
    Busy,
    Draft,
    Hold,
    Refusal,
    Visit,
)
from booking_backend.store import SlotStore
from ecluse.clock import ManualClock
from tests.booking_backend.conftest import OFFICE, PARIS
from tests.booking_backend.places import AMINA, assert_consistent, booked, free

_numbers = count()


async def test_racers_on_two_stores_get_exactly_the_places_there_are(
    both: tuple[SlotStore, SlotStore], url: str
) -> None:
    slots = [slot.id for slot in await both[0].slots(1)][:12]
    places = sum([await free(both[0], slot_id) for slot_id in slots])
    left = await both[0].slots_left()

    async def race(number: int) -> Booking | Refusal:
        store, visit = both[number % 2], Visit(f"racer-{number}")
        who = Applicant(name="Racer", file_number=f"{number // 2:010d}")
        result: Booking | Refusal = Refusal.TAKEN
        for slot_id in random.Random(number).sample(slots, len(slots)):
            if number % 3:
                result = await store.book(visit, slot_id, who)
            else:
                hold = await store.place_hold(visit, slot_id)
                result = await store.confirm(visit, hold.id, Draft(), who) if isinstance(hold, Hold) else hold
            if result is not Refusal.TAKEN:
                break
        return result

    async def patiently(number: int) -> Booking | Refusal:
        while True:
            try:
                return await race(number)
            except Busy:  # more racers than connections on a slow machine: nothing was changed, so once more
                continue

    results = await asyncio.gather(*(patiently(number) for number in range(120)))
    made = [result for result in results if isinstance(result, Booking)]
    numbers = [each.applicant.file_number for each in made]
    assert len(set(numbers)) == len(numbers)
    unused = await asyncio.gather(*(both[0].hold(Visit(f"racer-{n}")) for n in range(120)))
    assert len(made) + sum(1 for hold in unused if hold and hold.live) == places
    assert await both[1].slots_left() == left - places
    await assert_consistent(url)


async def test_a_hold_that_expires_while_it_is_confirmed_never_gives_its_place_twice(
    both: tuple[SlotStore, SlotStore], url: str, clock: ManualClock
) -> None:
    places = await free(both[0], 2)
    holds = [await both[0].place_hold(Visit(f"s{n}"), 2) for n in range(places)]
    clock.advance(HOLD_SECONDS)
    confirming = [
        both[n % 2].confirm(Visit(f"s{n}"), hold.id, Draft(), Applicant(name="A", file_number=f"{n:010d}"))
        for n, hold in enumerate(holds)
        if isinstance(hold, Hold)
    ]
    taking = [both[n % 2].book(Visit(f"t{n}"), 2, Applicant(name="B", file_number=f"B{n:09d}")) for n in range(6)]
    results = await asyncio.gather(*confirming, *taking)
    assert sum(isinstance(result, Booking) for result in results) == places
    await assert_consistent(url)


async def test_an_impatient_visit_has_one_hold_and_one_booking(both: tuple[SlotStore, SlotStore], url: str) -> None:
    held = await asyncio.gather(*(store.place_hold(Visit("s"), 1) for store in both * 5))
    assert len({hold.id for hold in held if isinstance(hold, Hold)}) == 1
    [hold, *_] = held
    assert isinstance(hold, Hold)
    made = await asyncio.gather(*(store.confirm(Visit("s"), hold.id, Draft(), AMINA) for store in both * 5))
    assert {each.reference for each in made if isinstance(each, Booking)} == {made[0].reference}  # type: ignore[union-attr]
    assert [each.fresh for each in made if isinstance(each, Booking)].count(True) == 1
    await assert_consistent(url)


async def test_a_place_given_up_returns_only_after_a_random_time(
    both: tuple[SlotStore, SlotStore], url: str, clock: ManualClock
) -> None:
    store = both[0]
    before, left = await free(store, 1), await store.slots_left()
    made = await booked(store, "s", 1)
    ended = await asyncio.gather(*(each.cancel(made.reference, AMINA.file_number) for each in both))
    assert [isinstance(each, Booking) for each in ended].count(True) == 1
    assert Refusal.NOT_FOUND in ended
    clock.advance(RETURN_SECONDS[0] - 1)
    assert await free(store, 1) == before - 1
    clock.advance(RETURN_SECONDS[1])
    assert (await free(store, 1), await store.slots_left()) == (before, left)
    await booked(store, "t", 1)
    await assert_consistent(url)


async def test_a_booking_is_moved_in_one_step_and_keeps_its_reference_name_and_number(
    both: tuple[SlotStore, SlotStore], url: str
) -> None:
    store, visit = both[0], Visit("mover")
    made = await booked(store, "s", 1)
    assert isinstance(await store.start_moving(visit, made.reference, AMINA.file_number), Booking)
    hold = await store.place_hold(visit, 5)
    assert isinstance(hold, Hold)
    assert hold.moves == made.reference
    moved = await asyncio.gather(*(each.confirm(visit, hold.id, Draft(), None) for each in both))
    assert [each.reference for each in moved if isinstance(each, Booking)] == [made.reference] * 2
    found = await store.find(made.reference, AMINA.file_number)
    assert isinstance(found, Booking)
    assert (found.slot.id, found.applicant, found.moves) == (5, AMINA, 1)
    await assert_consistent(url)


async def test_moving_has_an_end_and_stays_within_the_service(both: tuple[SlotStore, SlotStore]) -> None:
    store = both[0]
    made = await booked(store, "s", 1)
    for number in range(MOVES_MAX):
        visit = Visit(f"mover-{number}")
        await store.start_moving(visit, made.reference, AMINA.file_number)
        other = await store.place_hold(visit, 2)  # another service: a hold of its own, which moves nothing
        assert isinstance(other, Hold)
        assert other.moves == ""
        hold = await store.place_hold(visit, 5 if number % 2 == 0 else 1)
        assert isinstance(hold, Hold)
        assert isinstance(await store.confirm(visit, hold.id, Draft(), None), Booking)
    assert await store.start_moving(Visit("once more"), made.reference, AMINA.file_number) is Refusal.MOVED_OFTEN


async def test_in_a_nominative_room_everything_is_for_the_person_of_the_pass(
    both: tuple[SlotStore, SlotStore],
) -> None:
    store, mine, theirs = both[0], Visit("s", "digest-of-amina"), Visit("t", "digest-of-boris")
    made = await store.book(mine, 1, AMINA)
    assert isinstance(made, Booking)
    assert made.person == "digest-of-amina"
    again = Visit("another visit", "digest-of-amina")
    assert await store.place_hold(again, 5) is Refusal.ALREADY_BOOKED
    other_number = Applicant(name="Amina", file_number="0000000000")
    assert await store.book(again, 5, other_number) is Refusal.ALREADY_BOOKED
    assert await store.find(made.reference, AMINA.file_number, theirs.person) is Refusal.OTHER_PERSON
    assert await store.start_moving(theirs, made.reference, AMINA.file_number) is Refusal.OTHER_PERSON
    assert await store.cancel(made.reference, AMINA.file_number, theirs.person) is Refusal.OTHER_PERSON
    assert await store.booking(theirs, reference=made.reference) is None
    assert await store.booking(again, reference=made.reference) is not None


async def test_one_person_has_two_appointments_to_come_and_cancels_three_at_most(
    both: tuple[SlotStore, SlotStore], clock: ManualClock
) -> None:
    store = both[0]
    first, _ = await booked(store, "a", 1), await booked(store, "b", 2)
    assert await store.book(Visit("c"), 3, AMINA) is Refusal.TOO_MANY
    made = first
    for number in range(CANCELLATIONS_MAX):
        assert isinstance(await store.cancel(made.reference, AMINA.file_number), Booking)
        if number < CANCELLATIONS_MAX - 1:
            made = await booked(store, f"again-{number}", (5, 8)[number])
    assert await store.book(Visit("once more"), 5, AMINA) is Refusal.CANCELLED_OFTEN
    boris = Applicant(name="Boris", file_number="93B7654321")
    assert isinstance(await store.book(Visit("boris"), 5, boris), Booking)


async def test_the_database_refuses_another_name_number_or_person_for_a_booking(
    both: tuple[SlotStore, SlotStore],
) -> None:
    await booked(both[0], "s", 1)
    for column in ("name", "file_number", "person", "reference"):
        change = schema.booking.update().values(**{column: "other"})

        async def write(conn: AsyncConnection, change: object = change) -> None:
            await conn.execute(change)  # type: ignore[call-overload]

        with pytest.raises(DBAPIError, match="booking_for_life"):
            await both[0].transactions.write(write)


async def test_counters_share_the_people_of_a_slot(both: tuple[SlotStore, SlotStore]) -> None:
    for number in range(3):  # counter 11 has two places in slot 1, counter 12 one
        await booked(both[0], f"s{number}", 1, Applicant(name="A", file_number=f"{number:010d}"))
    async with both[0].transactions.reading() as conn:
        counters = await conn.execute(select(schema.booking.c.counter_id).order_by(schema.booking.c.id))
        assert sorted(counters.scalars()) == [11, 11, 12]


async def test_a_slot_beyond_the_horizon_cannot_be_booked_yet(
    both: tuple[SlotStore, SlotStore], clock: ManualClock
) -> None:
    async with both[0].transactions.reading() as conn:
        far = (await conn.execute(select(schema.slot.c.id).order_by(schema.slot.c.starts_at.desc()))).scalars().first()
    assert far is not None
    assert await both[0].place_hold(Visit("s"), far) is Refusal.NOT_OPEN
    assert await both[0].book(Visit("s"), far, AMINA) is Refusal.NOT_OPEN
    clock.advance(8 * 86_400)
    assert isinstance(await both[0].place_hold(Visit("s"), far), Hold)


async def test_days_that_come_are_added_and_what_is_there_stays(
    both: tuple[SlotStore, SlotStore], clock: ManualClock
) -> None:
    made = await booked(both[0], "s", 1)
    assert await both[0].prepare(zone=PARIS, wanted=OFFICE, weeks=3) == 0
    clock.advance(7 * 86_400)
    assert await both[1].prepare(zone=PARIS, wanted=OFFICE, weeks=3) == 5 * 16 * 4
    assert isinstance(await both[0].find(made.reference, AMINA.file_number), Booking)


async def test_migrations_give_exactly_the_tables_of_the_program(both: tuple[SlotStore, SlotStore]) -> None:
    async with both[0].transactions.reading() as conn:
        differences = await conn.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), schema.metadata)
        )
    assert differences == []


async def test_a_database_that_was_not_migrated_says_what_to_run(postgres: object, clock: ManualClock) -> None:
    url = postgres.make(f"bare_{next(_numbers)}")  # type: ignore[attr-defined]
    store = SlotStore(url, clock=clock)
    with pytest.raises(migrating.WrongSchema, match="ecluse booking migrate"):
        await store.prepare(zone=PARIS, wanted=OFFICE, weeks=3)
    await store.close()


@pytest.mark.parametrize("url", ["mysql://root@127.0.0.1/x", "postgresql://x:y:z/", "redis://x"])
def test_another_kind_of_database_is_refused(url: str) -> None:
    with pytest.raises(BadUrl):
        open_engine(url)
