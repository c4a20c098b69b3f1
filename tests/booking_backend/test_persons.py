"""With the key of a nominative room, nobody books for another number than that of the place in line."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.types import ASGIApp

from booking_backend.app import Extras, create_app
from booking_backend.texts import Words, catalogues
from ecluse.clock import ManualClock
from ecluse.tokens import person_digest
from tests.booking_backend.conftest import OFFICE, PARIS
from tests.booking_backend.test_journey import says
from tests.booking_backend.visitor import KEY, ROOM, Visitor, running

SECRET = "the person key of these tests only"
NUMBER, OTHER = "75A1234567", "93B7654321"
CAMPAIGN_MS, NEXT_MS = 1_799_999_000_000, 1_800_600_000_000


def digest(number: str, campaign_ms: int = CAMPAIGN_MS, *, room: str = ROOM, secret: str = SECRET) -> str:
    return person_digest(secret.encode(), room, campaign_ms, number)


@pytest.fixture
async def app(database: Path, clock: ManualClock) -> AsyncIterator[ASGIApp]:
    extras = Extras(weeks=3, wanted=OFFICE, person_key=SECRET)
    async with running(
        create_app(database=database, room=ROOM, keys=[KEY], zone=PARIS, clock=clock, extras=extras)
    ) as app:
        yield app


@pytest.fixture
def visitor(app: ASGIApp, clock: ManualClock) -> Visitor:
    return Visitor(app, clock, person=digest(NUMBER))


def typed(number: str, name: str = "Amina Diallo") -> dict[str, object]:
    return {"name": name, "file_number": number}


async def test_another_number_is_refused_in_plain_words_and_nothing_typed_is_lost(visitor: Visitor) -> None:
    form = await visitor.hold(1)
    for at in ("details", "confirm"):
        refused = await visitor.post(f"{form}/{at}", typed(OTHER))
        assert refused.status == 422
        assert says(refused, "The place in line was not taken with this number.")
        assert f'value="{OTHER}"' in refused.text
        assert 'value="Amina Diallo"' in refused.text
    assert (await visitor.get(f"{form}/confirm")).headers["location"] == form
    assert (await visitor.post(f"{form}/details", typed("75a 123-4567"))).headers["location"] == f"{form}/confirm"
    assert (await visitor.post(f"{form}/confirm")).status == 201


async def test_a_wrong_name_and_another_number_are_both_told(visitor: Visitor) -> None:
    refused = await visitor.post(f"{await visitor.hold(1)}/details", typed(OTHER, name="1"))
    assert refused.text.count('aria-invalid="true"') == 2


async def test_programs_are_refused_as_well(visitor: Visitor) -> None:
    refused = await visitor.post_json("/api/bookings", {"slot_id": 1, **typed(OTHER)})
    assert refused.status == 422
    assert list(refused.json["errors"]) == ["file_number"]
    assert (await visitor.post_json("/api/bookings", {"slot_id": 1, **typed(NUMBER)})).status == 201


@pytest.mark.parametrize(
    "person",
    [None, "", "nonsense", f"{NEXT_MS}-{digest(NUMBER).partition('-')[2]}", digest(NUMBER, room="elsewhere"),
     digest(NUMBER, secret="the person key of somebody else")],
)  # fmt: skip
async def test_a_pass_of_nobody_of_another_campaign_room_or_key_books_nothing(
    app: ASGIApp, clock: ManualClock, person: str | None
) -> None:
    visitor = Visitor(app, clock, person=person)
    assert (await visitor.post(f"{await visitor.hold(1)}/confirm", typed(NUMBER))).status == 422


async def test_a_room_that_is_always_open_has_campaign_nought(app: ASGIApp, clock: ManualClock) -> None:
    visitor = Visitor(app, clock, person=digest(NUMBER, 0))
    assert (await visitor.post(f"{await visitor.hold(1)}/confirm", typed(NUMBER))).status == 201


async def test_an_appointment_is_moved_by_its_person_alone_in_a_later_campaign_too(
    app: ASGIApp, visitor: Visitor, clock: ManualClock
) -> None:
    done = await visitor.post(f"{await visitor.hold(1)}/confirm", typed(NUMBER))
    fields = {"reference": done.headers["content-location"].rpartition("/")[2], "file_number": NUMBER}
    buyer = Visitor(app, clock, "buyer", digest(OTHER, NEXT_MS))
    refused = await buyer.post("/move", fields)
    assert refused.status == 403
    assert says(refused, "This appointment is for another person")
    later = Visitor(app, clock, "next week", digest(NUMBER, NEXT_MS))
    assert (await later.post("/move", fields)).headers["location"] == "/services/1"
    assert (await later.post(await later.hold(4))).status == 201


@pytest.mark.parametrize("lang", list(catalogues()))
def test_the_refusal_is_said_in_every_language(lang: str) -> None:
    said = {code: Words(code, PARIS).say("mistake.number_other") for code in catalogues()}
    assert list(said.values()).count(said[lang]) == 1
