"""What a booking hub asks, and that the answers are what the document promises."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from schemathesis.core.result import Ok
from starlette.types import ASGIApp

from booking_backend.app import Extras, create_app
from booking_backend.partners_openapi import document
from ecluse.clock import ManualClock
from tests.booking_backend.conftest import OFFICE, PARIS
from tests.booking_backend.visitor import KEY, ROOM, Answer, Visitor, ask, running

TOKEN = "the token of a hub"
URL = "https://rdv.example.fr"


@pytest.fixture
async def app(database: Path, clock: ManualClock) -> AsyncIterator[ASGIApp]:
    extras = Extras(weeks=3, wanted=OFFICE, partner_tokens=["another", TOKEN], public_url=URL)
    made = create_app(database=database, room=ROOM, keys=[KEY], zone=PARIS, clock=clock, extras=extras)
    async with running(made) as app:
        yield app


async def asked(app: ASGIApp, what: str, sent: str = TOKEN, **query: Any) -> Answer:
    target = f"/partners/{what}?{urlencode(query, doseq=True)}"
    return await ask(app, "GET", target, headers=[(b"x-hub-rdv-auth-token", sent.encode())])


async def test_the_sites_are_listed(app: ASGIApp) -> None:
    points = (await asked(app, "getManagedMeetingPoints")).json
    assert points[0] == {
        "id": "1", "name": "Préfecture", "longitude": 2.0, "latitude": 49.0, "public_entry_address": "1 quai",
        "zip_code": "99000", "city_name": "Pontlieu", "website": f"{URL}/",
    }  # fmt: skip
    assert len(points) == 2


async def test_free_times_are_told_by_site_for_so_many_people(app: ASGIApp, clock: ManualClock) -> None:
    days: dict[str, Any] = {"start_date": "2027-01-18", "end_date": "2027-01-19", "reason": 1}
    found = (await asked(app, "availableTimeSlots", meeting_point_ids=[1, 2], **days)).json
    assert {point: len(slots) for point, slots in found.items()} == {"1": 32, "2": 32}
    assert found["2"][0] == {
        "datetime": "2027-01-18T08:00:00Z", "callback_url": f"{URL}/services/1/sites/2/2027-01-18",
    }  # fmt: skip
    assert (await asked(app, "availableTimeSlots", meeting_point_ids=1, **{**days, "end_date": "2027-01-17"})).json == {
        "1": []
    }
    three = (await asked(app, "availableTimeSlots", meeting_point_ids=[1, 2], documents_number=3, **days)).json
    assert {point: len(slots) for point, slots in three.items()} == {"1": 32, "2": 0}
    assert (await asked(app, "availableTimeSlots", meeting_point_ids=77, **days)).json == {"77": []}


async def test_appointments_are_found_by_file_number(app: ASGIApp, clock: ManualClock) -> None:
    order = {"slot_id": 1, "name": "Amina", "file_number": "75A1234567"}
    reference = (await Visitor(app, clock).post_json("/api/bookings", order)).json["reference"]
    found = (await asked(app, "searchApplicationIds", application_ids=["75A1234567", "0000000000"])).json
    assert found["0000000000"] == []
    assert found["75A1234567"] == [
        {
            "meeting_point": "Préfecture", "datetime": "2027-01-18T08:00:00Z",
            "management_url": f"{URL}/my/?reference={reference}", "cancel_url": f"{URL}/my/?reference={reference}",
        }
    ]  # fmt: skip
    clock.advance(7 * 86_400)
    assert (await asked(app, "searchApplicationIds", application_ids="75A1234567")).json == {"75A1234567": []}


async def test_without_a_right_token_nothing_is_told(app: ASGIApp) -> None:
    for token in ("", "wrong", TOKEN[:-1]):
        answer = await asked(app, "getManagedMeetingPoints", token)
        assert answer.status == 401
        assert answer.headers["content-type"] == "application/problem+json"
    assert (await asked(app, "getManagedMeetingPoints", "another")).status == 200
    assert (await ask(app, "GET", "/partners/openapi.json")).json == document(URL)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"meeting_point_ids": []}, "meeting_point_ids"), ({"meeting_point_ids": "x"}, "meeting_point_ids"),
        ({"meeting_point_ids": list(range(1, 52))}, "meeting_point_ids"), ({"start_date": "18/01/2027"}, "start_date"),
        ({"start_date": ["2027-01-18", "2027-01-18"]}, "start_date"),         ({"reason": "x"}, "reason"), ({"documents_number": 0}, "documents"),
        ({"start_date": "0001-01-01"}, "start_date"),
    ],
)  # fmt: skip
async def test_a_question_that_cannot_be_read_says_what_is_wrong(
    app: ASGIApp, wrong: dict[str, Any], named: str
) -> None:
    right: dict[str, Any] = {"meeting_point_ids": 1, "start_date": "2027-01-18", "end_date": "2027-01-18", "reason": 1}
    answer = await asked(app, "availableTimeSlots", **{**right, **wrong})
    assert answer.status == 422
    assert named in answer.json["detail"]


def test_every_answer_keeps_the_contract(tmp_path: Path) -> None:
    """Hundreds of questions, sensible and not, drawn from the document: no server error, no answer it does not name."""
    extras = Extras(weeks=3, wanted=OFFICE, partner_tokens=[TOKEN], public_url="")
    app = create_app(database=tmp_path / "contract.sqlite3", room=ROOM, keys=[KEY], zone=PARIS, extras=extras)
    schema = schemathesis.openapi.from_asgi("/partners/openapi.json", app)
    asked_for: set[str] = set()
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)

        @seed(20270115)
        @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(case=result.ok().as_strategy())
        def keeps_the_contract(case: Any) -> None:
            case.call_and_validate(headers={"X-HUB-RDV-AUTH-TOKEN": TOKEN})
            asked_for.add(case.path)

        keeps_the_contract()
    assert asked_for == set(document("")["paths"])
