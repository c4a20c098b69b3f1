"""An appointment found again, moved or given up, by reference and number."""

import re

from starlette.types import ASGIApp

from booking_backend.slots import RETURN_SECONDS
from ecluse.clock import ManualClock
from tests.booking_backend.test_journey import AMINA, left, says
from tests.booking_backend.visitor import FORM, Answer, Visitor, ask

NUMBER = AMINA["file_number"]


async def booked(visitor: Visitor) -> str:
    [slot, *_] = await visitor.free_slots()
    done = await visitor.post(f"{await visitor.hold(slot['id'])}/confirm", AMINA)
    return done.headers["content-location"].rpartition("/")[2]


async def without_pass(app: ASGIApp, path: str, body: str) -> Answer:
    headers = [(b"content-type", FORM.encode()), (b"accept-language", b"en")]
    return await ask(app, "POST", path, headers=headers, body=body.encode())


async def test_an_appointment_is_found_without_a_pass_by_reference_and_number_however_they_are_typed(
    app: ASGIApp, visitor: Visitor
) -> None:
    reference = await booked(visitor)
    typed = reference.lower().replace("-", "+")
    found = await without_pass(app, "/my/appointment", f"reference={typed}&file_number=75a+1234567")
    assert found.status == 200
    assert reference in found.text
    assert says(found, "The name and the file number cannot be changed")
    assert not re.search(r'<input[^>]*name="name"', found.text)
    assert (await ask(app, "GET", "/my/")).status == 200


async def test_a_wrong_number_or_reference_finds_nothing_and_says_what_to_check(app: ASGIApp, visitor: Visitor) -> None:
    reference = await booked(visitor)
    for body in (
        f"reference={reference}&file_number=0000000000",
        f"reference=RDV-22222-22222&file_number={NUMBER}",
        "",
    ):
        refused = await without_pass(app, "/my/appointment", body)
        assert refused.status == 404
        assert says(refused, "Check both on your confirmation")
        assert "Diallo" not in refused.text


async def test_a_cancelled_place_returns_later_and_only_through_the_line(
    app: ASGIApp, visitor: Visitor, clock: ManualClock
) -> None:
    reference = await booked(visitor)
    before = left(await visitor.get("/"))
    done = await without_pass(app, "/my/cancellation", f"reference={reference}&file_number={NUMBER}")
    assert done.status == 200
    assert says(done, "Appointment cancelled")
    again = await without_pass(app, "/my/cancellation", f"reference={reference}&file_number={NUMBER}")
    assert again.status == 404
    clock.advance(RETURN_SECONDS[0] - 1)
    assert left(await visitor.get("/")) == before
    clock.advance(RETURN_SECONDS[1])
    assert left(await visitor.get("/")) == before + 1
    assert (await without_pass(app, "/holds", "slot=1")).status == 403


async def test_an_appointment_is_moved_through_the_pages_and_stands_until_then(visitor: Visitor) -> None:
    reference = await booked(visitor)
    mover = Visitor(visitor.app, visitor.clock, "another visit")
    asked = await mover.get(f"/move?reference={reference}")
    assert f'value="{reference}"' in asked.text
    chosen = await mover.post("/move", {"reference": reference, "file_number": NUMBER})
    assert chosen.headers["location"] == "/services/1"
    month = await mover.get("/services/1/sites/2")
    assert says(month, f"You are moving appointment {reference}")
    [slot, *_] = (await mover.get("/api/services/1/slots?site=2")).json["slots"]
    check_at = await mover.hold(slot["id"])
    assert check_at.endswith("/confirm")
    check = await mover.get(check_at)
    assert says(check, "The appointment is not moved yet")
    assert "Amina &lt;Diallo&gt;" in check.text
    done = await mover.post(check_at, {"name": "A Buyer", "file_number": "9999999999"})
    assert done.status == 201
    assert reference in done.text
    assert "Amina &lt;Diallo&gt;" in done.text
    assert "A Buyer" not in done.text
    assert "2 quai" in done.text
    assert done.headers["ecluse-command"] == "end-session"


async def test_moving_needs_a_visit(app: ASGIApp) -> None:
    assert (await without_pass(app, "/move", "reference=RDV-22222-22222&file_number=1")).status == 403
    assert (await ask(app, "GET", "/move")).status == 403


async def test_forms_that_are_only_sent_lead_back_when_they_are_opened(visitor: Visitor) -> None:
    for path in ("/my/appointment", "/my/cancellation"):
        assert (await visitor.get(path)).headers["location"] == "/my/"


async def test_an_appointment_that_is_over_can_be_neither_cancelled_nor_moved(
    visitor: Visitor, clock: ManualClock
) -> None:
    reference = await booked(visitor)
    clock.advance(20 * 86_400)
    fields = {"reference": reference, "file_number": NUMBER}
    page = await visitor.post("/my/appointment", fields)
    assert page.status == 200
    assert "cancellation" not in page.text
    assert (await visitor.post("/my/cancellation", fields)).status == 409
    assert (await visitor.post("/move", fields)).status == 409
