import os
import random
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from starlette.types import ASGIApp

from booking_backend.app import Extras, create_app
from booking_backend.office import Counter, Office, ServiceRules, Site, Weekly
from booking_backend.store import SlotStore
from ecluse.clock import ManualClock
from tests.booking_backend.postgres import Postgres, binaries
from tests.booking_backend.visitor import KEY, ROOM, Visitor, running

PARIS = ZoneInfo("Europe/Paris")
_numbers = count()
OFFICE = Office(
    services=[
        ServiceRules(id=number, names=names, minutes=30, horizon_days=14)
        for number, names in enumerate(
            (
                {"fr": "Renouvellement de titre de séjour", "en": "Residence permit renewal"},
                {"fr": "Première demande", "en": "First application"},
                {"fr": "Remise de titre", "en": "Collection of a permit"},
            ),
            1,
        )
    ],
    sites=[
        Site(
            id=1,
            names={"fr": "Préfecture", "en": "Prefecture"},
            address="1 quai",
            postcode="99000",
            city="Pontlieu",
            latitude=49.0,
            longitude=2.0,
        ),
        Site(
            id=2,
            names={"fr": "Annexe", "en": "Annexe"},
            address="2 quai",
            postcode="99000",
            city="Pontlieu",
            latitude=49.1,
            longitude=2.1,
        ),
    ],
    counters=[
        Counter(id=11, site_id=1, name="A"),
        Counter(id=12, site_id=1, name="B"),
        Counter(id=21, site_id=2, name="C"),
    ],
    weekly=[
        Weekly(
            counter_id=counter, service_id=service, weekday=weekday, from_minute=540, until_minute=1020, places=places
        )
        for weekday in range(5)
        for counter, service, places in ((11, 1, 2), (12, 1, 1), (11, 2, 2), (11, 3, 3), (21, 1, 2))
    ],
)
"""Weekdays from 9:00 to 17:00, bookable two weeks ahead. Slots 1, 2, 3 are those of the first time at the first site,
one per service; slot 4 is service 1 at the second site, slot 5 service 1 half an hour later."""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "booking.sqlite3"


@pytest.fixture
async def store(database: Path, clock: ManualClock) -> AsyncIterator[SlotStore]:
    store = SlotStore(database, clock=clock)
    await store.prepare(zone=PARIS, wanted=OFFICE, weeks=3)
    yield store
    await store.close()


@pytest.fixture
async def app(database: Path, clock: ManualClock) -> AsyncIterator[ASGIApp]:
    async with running(
        create_app(
            database=database, room=ROOM, keys=[KEY], zone=PARIS, clock=clock, extras=Extras(weeks=3, wanted=OFFICE)
        )
    ) as app:
        yield app


@pytest.fixture
def visitor(app: ASGIApp, clock: ManualClock) -> Visitor:
    return Visitor(app, clock)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL; without one the test fails in CI and is skipped, loudly, elsewhere."""
    folder = binaries()
    if folder is None:
        why = "no PostgreSQL: install the development requirements, or apt-get install postgresql"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    server = Postgres(folder)
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'booking.sqlite3'}"
    made: str = request.getfixturevalue("postgres").make(f"booking_{next(_numbers)}")
    return made


@pytest.fixture
async def both(url: str, clock: ManualClock) -> AsyncIterator[tuple[SlotStore, SlotStore]]:
    """Two stores on one database, as two processes would have."""
    stores = tuple(SlotStore(url, clock=clock, dice=random.Random(7)) for _ in range(2))
    await stores[0].migrate()
    for store in stores:
        await store.prepare(zone=PARIS, wanted=OFFICE, weeks=3)
    yield stores[0], stores[1]
    for store in stores:
        await store.close()
