"""The pages over PostgreSQL: the same journey, and nothing typed or asked for that the database would choke on."""

from collections.abc import AsyncIterator

import pytest
from starlette.types import ASGIApp

from booking_backend.app import Extras, create_app
from booking_backend.store import SlotStore
from ecluse.clock import ManualClock
from tests.booking_backend.conftest import OFFICE, PARIS
from tests.booking_backend.postgres import Postgres
from tests.booking_backend.visitor import KEY, ROOM, Visitor, running


@pytest.fixture
async def app(postgres: Postgres, clock: ManualClock) -> AsyncIterator[ASGIApp]:
    url = postgres.make("pages")
    store = SlotStore(url, clock=clock)
    await store.migrate()
    await store.close()
    extras = Extras(weeks=3, wanted=OFFICE)
    async with running(create_app(database=url, room=ROOM, keys=[KEY], zone=PARIS, clock=clock, extras=extras)) as app:
        yield app


async def test_the_journey_and_odd_questions_over_postgresql(app: ASGIApp, clock: ManualClock) -> None:
    visitor = Visitor(app, clock)
    for path in ("/", "/services/1", "/services/1/sites/1", "/services/1/sites/1/2027-01-18"):
        assert (await visitor.get(path)).status == 200
    form = await visitor.hold(1)
    assert (await visitor.post(f"{form}/details", {"name": "A\0", "file_number": "\0" * 10})).status == 422
    assert (await visitor.get("/holds/\0")).status == 404
    assert (await visitor.get("/bookings/\0")).status == 404
    assert (await visitor.post("/my/appointment", {"reference": "\0", "file_number": "\0"})).status == 404
    assert (await visitor.post("/holds", {"slot": "999999999"})).status == 404
    await visitor.post(f"{form}/details", {"name": "Amina", "file_number": "75A1234567"})
    done = await visitor.post(f"{form}/confirm")
    assert done.status == 201
    reference = done.headers["content-location"].rpartition("/")[2]
    fields = {"reference": reference, "file_number": "75A1234567"}
    assert (await visitor.post("/my/cancellation", fields)).status == 200
