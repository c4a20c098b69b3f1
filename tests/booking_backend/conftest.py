from collections.abc import AsyncIterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from starlette.types import ASGIApp

from booking_backend.app import create_app
from booking_backend.samples import Sample
from booking_backend.store import SlotStore
from ecluse.clock import ManualClock
from tests.booking_backend.visitor import KEY, ROOM, Visitor, running

PARIS = ZoneInfo("Europe/Paris")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "booking.sqlite3"


@pytest.fixture
async def store(database: Path, clock: ManualClock) -> AsyncIterator[SlotStore]:
    store = SlotStore(database, clock=clock)
    await store.prepare(zone=PARIS, sample=Sample(seed=1))
    yield store
    await store.close()


@pytest.fixture
async def app(database: Path, clock: ManualClock) -> AsyncIterator[ASGIApp]:
    async with running(create_app(database=database, room=ROOM, keys=[KEY], zone=PARIS, clock=clock)) as app:
        yield app


@pytest.fixture
def visitor(app: ASGIApp, clock: ManualClock) -> Visitor:
    return Visitor(app, clock)
