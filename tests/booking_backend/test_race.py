"""Many want few places at once, over the real SQLite file: nothing is ever booked twice."""

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from booking_backend.slots import Applicant, Booking, Draft, Hold, Refusal, Slot, Visit
from booking_backend.store import SlotStore
from ecluse.clock import ManualClock
from tests.booking_backend.conftest import OFFICE, PARIS

RACERS, PLACES = 200, 30


@pytest.fixture
async def other(database: Path, clock: ManualClock) -> AsyncIterator[SlotStore]:
    """A second engine on the same file, as a second process would have."""
    other = SlotStore(database, clock=clock)
    yield other
    await other.close()


async def thirty_places(store: SlotStore) -> list[Slot]:
    return [slot for slot in await store.slots(1) if slot.capacity == 3][: PLACES // 3]


async def race(store: SlotStore, number: int, slots: list[Slot], file_number: str) -> Booking | Refusal:
    """One racer: tries the slots in their own order until one is theirs, half of them by way of a hold."""
    session, who = f"racer-{number}", Applicant(name="Racer", file_number=file_number)
    result: Booking | Refusal = Refusal.TAKEN
    for slot in random.Random(number).sample(slots, len(slots)):
        if number % 2:
            result = await store.book(Visit(session), slot.id, who)
        else:
            hold = await store.place_hold(Visit(session), slot.id)
            result = await store.confirm(Visit(session), hold.id, Draft(), who) if isinstance(hold, Hold) else hold
        if result is not Refusal.TAKEN:
            break
    return result


def assert_consistent(database: Path) -> None:
    raw = sqlite3.connect(database)
    wrong = raw.execute(
        "SELECT id FROM slot WHERE taken > capacity OR taken <> (SELECT count(*) FROM booking WHERE slot_id = slot.id)"
        " + (SELECT count(*) FROM hold WHERE slot_id = slot.id AND live)"
    ).fetchall()
    assert wrong == []
    assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    raw.close()


async def test_two_hundred_racers_get_exactly_thirty_places(store: SlotStore, other: SlotStore, database: Path) -> None:
    slots = await thirty_places(store)
    left = await store.slots_left()
    stores = [store, other]
    results = await asyncio.gather(
        *(race(stores[n // 2 % 2], n, slots, f"{n:010d}") for n in range(RACERS)),
    )
    made = [result for result in results if isinstance(result, Booking)]
    assert len(made) == len({each.reference for each in made}) == PLACES
    assert {result for result in results if not isinstance(result, Booking)} == {Refusal.TAKEN}
    assert await other.slots_left() == left - PLACES
    assert_consistent(database)


async def test_a_file_number_used_by_two_racers_gets_one_place(
    store: SlotStore, other: SlotStore, database: Path
) -> None:
    slots = await thirty_places(store)
    results = await asyncio.gather(*(race((store, other)[n % 2], n, slots, f"{n // 2:010d}") for n in range(30)))
    numbers = [result.applicant.file_number for result in results if isinstance(result, Booking)]
    assert sorted(numbers) == [f"{n:010d}" for n in range(15)]
    assert results.count(Refusal.NUMBER_USED) == 15
    assert_consistent(database)


async def test_one_impatient_visit_confirming_many_times_at_once_has_one_booking(
    store: SlotStore, database: Path
) -> None:
    hold = await store.place_hold(Visit("s"), 1)
    assert isinstance(hold, Hold)
    who = Applicant(name="Amina", file_number="1234567890")
    results = await asyncio.gather(*(store.confirm(Visit("s"), hold.id, Draft(), who) for _ in range(20)))
    made = [result for result in results if isinstance(result, Booking)]
    assert len(made) == 20
    assert len({each.reference for each in made}) == 1
    assert [each.fresh for each in made].count(True) == 1
    assert_consistent(database)


async def test_two_stores_that_open_a_new_file_at_once_fill_it_once(tmp_path: Path, clock: ManualClock) -> None:
    stores = [SlotStore(tmp_path / "new.sqlite3", clock=clock) for _ in range(4)]
    await asyncio.gather(*(store.prepare(zone=PARIS, wanted=OFFICE) for store in stores))
    found = {(len(await store.services()), await store.slots_left()) for store in stores}
    for store in stores:
        await store.close()
    assert len(found) == 1
    assert found.pop()[0] == 3
