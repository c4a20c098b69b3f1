from datetime import datetime

import pytest

from booking_backend.interface import SLOTS_MAX
from ecluse.clock import ManualClock
from tests.booking_backend.visitor import Answer, Visitor

AMINA = {"name": "Amina Diallo", "file_number": "75A1234567"}


def assert_problem(answer: Answer, status: int, reason: str) -> None:
    assert answer.status == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json["status"] == status
    assert answer.json["reason"] == reason
    assert answer.json["detail"]


async def test_services_and_their_slots_are_listed(visitor: Visitor) -> None:
    services = (await visitor.get("/api/services")).json["services"]
    assert [each["id"] for each in services] == [1, 2, 3]
    assert services[0]["name"] == {"fr": "Renouvellement de titre de séjour", "en": "Residence permit renewal"}
    answer = await visitor.get(services[0]["slots_url"])
    slots = answer.json["slots"]
    assert sum(slot["free"] for slot in slots) <= services[0]["free"]
    assert len(slots) == SLOTS_MAX
    there = (await visitor.get(f"{services[0]['slots_url']}?site=2")).json["slots"]
    assert {slot["site_id"] for slot in there} == {2}
    assert len(there) == 160
    assert (await visitor.get(f"{services[0]['slots_url']}?site=x")).json["slots"] == []
    assert sum(each["free"] for each in services) == int(answer.headers["ecluse-slots-left"])
    starts = [datetime.fromisoformat(slot["starts_at"]) for slot in slots]
    assert starts == sorted(starts)
    assert slots[0]["starts_at"].endswith("Z")


async def test_an_order_is_booked_once_however_often_it_is_sent(visitor: Visitor) -> None:
    [slot, *_] = await visitor.free_slots()
    first, again = [await visitor.post_json("/api/bookings", {"slot_id": slot["id"], **AMINA}) for _ in range(2)]
    assert (first.status, again.status) == (201, 200)
    assert first.json == again.json
    assert first.json["starts_at"] == slot["starts_at"]
    assert first.headers["ecluse-command"] == "end-session"
    assert first.json["reference"] in (await visitor.get(first.headers["location"])).text


async def test_a_full_slot_is_no_longer_listed_and_is_refused(visitor: Visitor) -> None:
    [slot, *_] = await visitor.free_slots()
    order = {"slot_id": slot["id"], "name": "Somebody"}
    for number in range(slot["free"]):
        other = Visitor(visitor.app, visitor.clock, f"other-{number}")
        assert (await other.post_json("/api/bookings", {**order, "file_number": f"{number:010d}"})).status == 201
    assert slot["id"] not in {each["id"] for each in await visitor.free_slots()}
    assert_problem(await visitor.post_json("/api/bookings", {**order, **AMINA}), 409, "taken")


async def test_a_second_appointment_a_used_number_and_an_unknown_slot_are_refused(visitor: Visitor) -> None:
    slot, other, *_ = await visitor.free_slots()
    await visitor.post_json("/api/bookings", {"slot_id": slot["id"], **AMINA})
    refused = await visitor.post_json("/api/bookings", {"slot_id": other["id"], **AMINA})
    assert_problem(refused, 409, "already_booked")
    assert "ecluse-command" not in refused.headers
    second = Visitor(visitor.app, visitor.clock, "session-2")
    assert_problem(await second.post_json("/api/bookings", {"slot_id": other["id"], **AMINA}), 409, "number_used")
    assert_problem(await second.post_json("/api/bookings", {"slot_id": 999_999, **AMINA}), 404, "no_slot")
    assert_problem(await second.post_json("/api/bookings", {"slot_id": 10**30, **AMINA}), 404, "no_slot")


async def test_a_slot_that_has_begun_is_refused(visitor: Visitor, clock: ManualClock) -> None:
    [slot, *_] = await visitor.free_slots()
    clock.now = datetime.fromisoformat(slot["starts_at"]).timestamp()
    assert_problem(await visitor.post_json("/api/bookings", {"slot_id": slot["id"], **AMINA}), 409, "past")


@pytest.mark.parametrize(
    "order",
    [
        [], "x", None, 1, {}, {"slot_id": 1}, {"slot_id": "1", **AMINA}, {"slot_id": True, **AMINA},
        {"slot_id": 1.5, **AMINA}, {"slot_id": 1, "name": None, "file_number": "75A1234567"},
        {"slot_id": 1, "name": "A", "file_number": 7512345678},
    ],
)  # fmt: skip
async def test_an_order_of_the_wrong_shape_is_refused(visitor: Visitor, order: object) -> None:
    answer = await visitor.post_json("/api/bookings", order)
    assert_problem(answer, 422 if isinstance(order, dict) else 400, "bad_form")


async def test_wrong_details_are_told_by_field_in_the_language_asked_for(visitor: Visitor) -> None:
    order = {"slot_id": 1, "name": "\ud800", "file_number": "1"}
    english = await visitor.post_json("/api/bookings", order)
    assert_problem(english, 422, "bad_form")
    assert set(english.json["errors"]) == {"name", "file_number"}
    visitor.headers = {"accept-language": "fr"}
    french = await visitor.post_json("/api/bookings", order)
    assert "exactement" in french.json["errors"]["file_number"]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * 10_000, "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"slot_id=1", "application/x-www-form-urlencoded", 415),
    ],
)
async def test_a_body_that_is_not_json_is_refused(
    visitor: Visitor, body: bytes, content_type: str, status: int
) -> None:
    assert_problem(await visitor.post_raw("/api/bookings", body, content_type), status, "bad_form")


async def test_a_body_that_is_too_long_is_refused(visitor: Visitor) -> None:
    assert_problem(await visitor.post_json("/api/bookings", {"name": "x" * 20_000}), 413, "too_large")


async def test_addresses_and_methods_that_do_not_exist_are_problems(visitor: Visitor) -> None:
    assert_problem(await visitor.get("/api/nowhere"), 404, "not_found")
    assert_problem(await visitor.get("/api/services/9/slots"), 404, "not_found")
    assert_problem(await visitor.get("/api/services/x/slots"), 404, "not_found")
    assert_problem(await visitor.get("/api/bookings"), 405, "method")
