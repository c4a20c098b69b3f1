"""Days that come while the program runs, on both databases and a clock that moves when told."""

import asyncio
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from booking_backend import horizon
from booking_backend.app import Extras, create_app
from booking_backend.horizon import Horizon
from booking_backend.slots import Busy
from booking_backend.store import SlotStore
from ecluse.clock import ManualClock
from tests.booking_backend.conftest import OFFICE, PARIS
from tests.booking_backend.visitor import KEY, ROOM, Visitor, running

WEEKDAY = 16 * 4
"""Slots of a weekday: half hours from 9:00 to 17:00, of four pairs of service and site."""
FRIDAY = datetime(2027, 1, 15, 23, 59, tzinfo=PARIS)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(FRIDAY.timestamp())


async def test_a_new_day_of_the_office_is_added_once_by_however_many_processes(
    both: tuple[SlotStore, SlotStore], clock: ManualClock
) -> None:
    looking = [Horizon(store, PARIS, 3) for store in both]
    assert [await each.look() for each in looking] == [0, 0]
    clock.advance(120)  # Saturday: the day that comes into sight is the Saturday in three weeks
    assert [await each.look() for each in looking] == [0, 0]
    clock.advance(2 * 86_400)  # Monday: a Sunday and a Monday come into sight
    assert sorted(await asyncio.gather(*(each.look() for each in looking))) == [0, WEEKDAY]
    assert [await each.look() for each in looking] == [0, 0]


async def test_a_machine_that_slept_adds_all_the_days_it_missed(
    both: tuple[SlotStore, SlotStore], clock: ManualClock
) -> None:
    looking = Horizon(both[0], PARIS, 3)
    clock.advance(28 * 86_400)
    assert await looking.look() == 15 * WEEKDAY
    assert await both[1].prepare(zone=PARIS, wanted=None, weeks=3) == 0


async def test_days_begin_at_the_midnight_of_the_office_not_of_the_machine(
    store: SlotStore, clock: ManualClock
) -> None:
    clock.advance(3 * 86_400 - 3600)  # Monday 22:59 in Paris, 21:59 UTC
    looking = {zone: Horizon(store, zone, 3) for zone in (PARIS, UTC)}
    clock.advance(3600 + 60)  # Tuesday in Paris, still Monday in UTC
    assert await looking[UTC].look() == 0
    assert await looking[PARIS].look() == WEEKDAY


async def test_a_database_that_is_away_at_midnight_is_asked_again(
    database: Path, store: SlotStore, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(horizon, "LOOK_SECONDS", 0.01)
    impatient = SlotStore(database, clock=clock, lock_wait_seconds=0.05)
    looking = Horizon(impatient, PARIS, 3)
    clock.advance(3 * 86_400)
    other = sqlite3.connect(database, isolation_level=None)
    [last] = other.execute("SELECT max(id) FROM slot").fetchone()
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy):
        await looking.look()
    trying = asyncio.create_task(looking.run())
    other.execute("COMMIT")
    other.close()
    async with asyncio.timeout(30):
        while await store.slot(last + WEEKDAY) is None:
            await asyncio.sleep(0)
    trying.cancel()
    await asyncio.gather(trying, return_exceptions=True)
    await impatient.close()


async def test_the_running_service_offers_the_days_that_came(
    database: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(horizon, "LOOK_SECONDS", 0.01)
    extras = Extras(weeks=3, wanted=OFFICE)
    async with running(
        create_app(database=database, room=ROOM, keys=[KEY], zone=PARIS, clock=clock, extras=extras)
    ) as app:
        clock.advance(28 * 86_400)
        async with asyncio.timeout(30):
            while not (found := await Visitor(app, clock).free_slots()):
                await asyncio.sleep(0)
    assert found[0]["starts_at"] == "2027-02-15T08:00:00Z"
