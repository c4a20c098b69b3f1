import base64
import re
from datetime import datetime, timedelta
from urllib.parse import quote

import pytest

from booking_backend.forms import BODY_MAX_BYTES
from booking_backend.slots import EXTENSIONS_MAX, HOLD_SECONDS
from ecluse.clock import ManualClock
from tests.booking_backend.visitor import FORM, Answer, Visitor

AMINA = {"name": "Amina <Diallo>", "file_number": "75 a 123 45 67"}
OTHERS = ("a", "b", "c")


def left(answer: Answer) -> int:
    return int(answer.headers["ecluse-slots-left"])


def says(answer: Answer, text: str) -> bool:
    return text in answer.text.replace("&#39;", "'")


async def fill(visitor: Visitor, slot: int) -> None:
    """Others hold every place of the slot."""
    for session in OTHERS:
        await Visitor(visitor.app, visitor.clock, session).post("/holds", {"slot": slot})


async def test_a_visitor_books_from_the_first_page_to_the_confirmation(visitor: Visitor) -> None:
    home = await visitor.get("/")
    [first, *_] = home.found(r'href="(/services/\d+)"')
    sites = await visitor.get(first)
    [site, *_] = sites.found(r'href="(/services/\d+/sites/\d+)"')
    month = await visitor.get(site)
    [day, *_] = month.found(r'class="day" href="([^"]+)"')
    times = await visitor.get(day)
    [slot, *_] = times.found(r'name="slot" value="(\d+)"')
    held = await visitor.post("/holds", {"slot": slot})
    assert held.status == 303
    details = await visitor.get(held.headers["location"])
    [action] = details.found(r'action="([^"]+/details)"')
    typed = await visitor.post(action, AMINA)
    check = await visitor.get(typed.headers["location"])
    [confirm] = check.found(r'action="([^"]+/confirm)"')
    done = await visitor.post(confirm)

    pages = (home, sites, month, times, details, check, done)
    assert [answer.status for answer in pages] == [200, 200, 200, 200, 200, 200, 201]
    assert [answer.found(r"Step (\d) of 4") for answer in pages] == [["1"], ["1"], ["2"], ["2"], ["3"], ["4"], []]
    [reference, *_] = done.found(r"RDV-\w{5}-\w{5}")
    assert says(done, "Appointment confirmed")
    assert says(check, "The appointment is not made yet")
    for page in (check, done):
        assert "Amina &lt;Diallo&gt;" in page.text
        assert "75A1234567" in page.text
        assert "1 quai<br>99000 Pontlieu" in page.text
    assert done.headers["content-location"] == f"/bookings/{reference}"
    assert left(details) == left(done) == left(home) - 1
    assert reference in (await visitor.get(f"/bookings/{reference}")).text


async def test_the_confirmation_brings_a_code_and_a_calendar_file_along(visitor: Visitor) -> None:
    [slot, *_] = await visitor.free_slots()
    done = await visitor.post(f"{await visitor.hold(slot['id'])}/confirm", AMINA)
    [reference, *_] = done.found(r"RDV-\w{5}-\w{5}")
    [code] = done.found(r'src="data:image/svg\+xml;base64,([^"]+)"')
    assert b"<svg" in base64.b64decode(code)
    assert done.found(r'alt="([^"]+)"')[-1] == f"Code to show at the counter: {reference}"
    [calendar] = done.found(r'href="data:text/calendar;base64,([^"]+)"')
    [name] = done.found(r'download="([^"]+)"')
    lines = base64.b64decode(calendar).decode().split("\r\n")
    assert name == f"{reference}.ics"
    assert f"UID:{reference}@ecluse" in lines
    starts = datetime.fromisoformat(slot["starts_at"])
    assert f"DTSTART:{starts:%Y%m%dT%H%M%SZ}" in lines
    assert f"DTEND:{starts + timedelta(minutes=30):%Y%m%dT%H%M%SZ}" in lines


async def test_what_is_checked_can_still_be_corrected_and_given_more_time(visitor: Visitor) -> None:
    [slot, *_] = await visitor.free_slots()
    form = await visitor.hold(slot["id"])
    assert (await visitor.get(f"{form}/confirm")).headers["location"] == form
    assert (await visitor.post(f"{form}/details", {"name": "Amina", "file_number": "1"})).status == 422
    await visitor.post(f"{form}/details", AMINA)
    check = await visitor.get(f"{form}/confirm")
    assert f'href="{form}"' in check.text
    assert (await visitor.post(f"{form}/extend")).headers["location"] == f"{form}/confirm"
    assert 'value="75 a 123 45 67"' in (await visitor.get(form)).text


async def test_only_the_confirmation_ends_the_visit_and_needs_nothing_behind_the_gate(visitor: Visitor) -> None:
    [slot, *_] = await visitor.free_slots()
    form = await visitor.hold(slot["id"])
    before = [await visitor.get("/"), await visitor.get(form), await visitor.post(f"{form}/confirm", {})]
    assert all("ecluse-command" not in answer.headers for answer in before)

    done = await visitor.post(f"{form}/confirm", AMINA)
    assert done.headers["ecluse-command"] == "end-session"
    needed = {each for each in done.found(r'(?:href|src|action)="([^"]*)"') if not each.startswith("data:")}
    assert needed == {"/static/booking.css", "/static/ecluse.css", "/static/logo.svg", "#content"}


async def test_confirming_again_shows_the_same_reference_and_ends_the_visit_again(visitor: Visitor) -> None:
    [slot, *_] = await visitor.free_slots()
    form = await visitor.hold(slot["id"])
    first, again = [await visitor.post(f"{form}/confirm", AMINA) for _ in range(2)]
    assert (first.status, again.status) == (201, 200)
    assert first.headers["content-location"] == again.headers["content-location"]
    assert again.headers["ecluse-command"] == "end-session"
    assert left(first) == left(again)
    assert (await visitor.get(form)).headers["location"] == first.headers["content-location"]


async def test_wrong_details_are_explained_beside_their_field_and_nothing_typed_is_lost(visitor: Visitor) -> None:
    [slot, *_] = await visitor.free_slots()
    form = await visitor.hold(slot["id"])
    refused = await visitor.post(f"{form}/confirm", {"name": 'Amina "A"', "file_number": "123"})
    assert refused.status == 422
    assert refused.found(r"<title>(Error) ")
    assert 'value="Amina &#34;A&#34;"' in refused.text
    assert 'value="123"' in refused.text
    assert refused.found(r'<a href="#(\w+)">The file number has exactly 10') == ["file_number"]
    [described] = refused.found(r'aria-describedby="([^"]+)" aria-invalid="true"')
    assert all(f'id="{each}"' in refused.text for each in described.split())
    assert 'value="123"' in (await visitor.get(form)).text


async def test_somebody_faster_leaves_a_choice_of_other_times(visitor: Visitor) -> None:
    [slot, *_] = await visitor.free_slots()
    await fill(visitor, slot["id"])
    refused = await visitor.post("/holds", {"slot": slot["id"]})
    assert refused.status == 409
    assert says(refused, "has just taken the last place")
    offered = refused.found(r'name="slot" value="(\d+)"')
    assert offered
    assert str(slot["id"]) not in offered


async def test_a_hold_that_ran_out_says_so_and_may_still_be_confirmed(visitor: Visitor, clock: ManualClock) -> None:
    [slot, *_] = await visitor.free_slots()
    form = await visitor.hold(slot["id"])
    assert says(await visitor.get(form), "(5 minutes left)")
    clock.advance(HOLD_SECONDS - 1)
    assert says(await visitor.get(form), "(1 minute left)")
    clock.advance(1)
    assert says(await visitor.get(form), "the place is no longer kept")
    assert (await visitor.post(f"{form}/confirm", AMINA)).status == 201


async def test_a_hold_that_ran_out_and_was_taken_loses_nothing_typed(visitor: Visitor, clock: ManualClock) -> None:
    slot, other, *_ = await visitor.free_slots()
    form = await visitor.hold(slot["id"])
    clock.advance(HOLD_SECONDS)
    await fill(visitor, slot["id"])
    refused = await visitor.post(f"{form}/confirm", AMINA)
    assert refused.status == 409
    assert says(refused, "somebody else took this place")
    details = await visitor.get(await visitor.hold(other["id"]))
    assert 'value="75 a 123 45 67"' in details.text
    assert 'value="Amina &lt;Diallo&gt;"' in details.text


async def test_more_time_is_given_ten_times_and_keeps_what_was_typed(visitor: Visitor, clock: ManualClock) -> None:
    [slot, *_] = await visitor.free_slots()
    form = await visitor.hold(slot["id"])
    for _ in range(EXTENSIONS_MAX):
        clock.advance(HOLD_SECONDS - 1)
        assert (await visitor.post(f"{form}/extend", AMINA)).headers["location"] == form
        assert says(await visitor.get(form), "(5 minutes left)")
    refused = await visitor.post(f"{form}/extend", AMINA)
    assert refused.status == 409
    assert says(refused, "extended ten times")
    assert 'value="75 a 123 45 67"' in refused.text


async def test_a_second_appointment_for_the_same_service_is_refused_with_the_way_to_the_first(
    visitor: Visitor,
) -> None:
    slot, other, *_ = await visitor.free_slots()
    done = await visitor.post(f"{await visitor.hold(slot['id'])}/confirm", AMINA)
    refused = await visitor.post("/holds", {"slot": other["id"]})
    assert refused.status == 409
    assert f'href="{done.headers["content-location"]}"' in refused.text


async def test_a_file_number_that_has_an_appointment_is_refused_on_the_form(visitor: Visitor) -> None:
    slot, other, *_ = await visitor.free_slots()
    await visitor.post(f"{await visitor.hold(slot['id'])}/confirm", AMINA)
    second = Visitor(visitor.app, visitor.clock, "session-2")
    refused = await second.post(f"{await second.hold(other['id'])}/confirm", AMINA)
    assert refused.status == 409
    assert says(refused, "already has an appointment")
    assert 'value="75 a 123 45 67"' in refused.text


async def test_another_visit_sees_neither_the_hold_nor_the_booking(visitor: Visitor) -> None:
    [slot, *_] = await visitor.free_slots()
    form = await visitor.hold(slot["id"])
    stranger = Visitor(visitor.app, visitor.clock, "stranger")
    assert (await stranger.get(form)).status == 404
    assert (await stranger.post(f"{form}/confirm", AMINA)).status == 404
    done = await visitor.post(f"{form}/confirm", AMINA)
    seen = await stranger.get(done.headers["content-location"])
    assert seen.status == 404
    assert "Amina" not in seen.text


async def test_every_page_forbids_scripts_frames_and_caches(visitor: Visitor) -> None:
    [slot, *_] = await visitor.free_slots()
    form = await visitor.hold(slot["id"])
    answers = [await visitor.get(path) for path in ("/", "/services/1", form, "/nowhere", "/bookings/x")]
    answers += [await visitor.get(path) for path in ("/services/1/sites/1", "/services/1/sites/1/2027-01-18", "/move")]
    answers += [await visitor.post("/holds", {}), await visitor.post(f"{form}/confirm", AMINA)]
    for answer in answers:
        assert answer.headers["content-security-policy"] == (
            "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'"
        )
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert left(answer) > 0
        assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=", answer.text)
        assert answer.text.count("<h1") == 1
        assert re.search(r'<html lang="en" dir="ltr">', answer.text)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404), ("/services/0", 404), ("/services/abc", 404), ("/services/99999999999999999999", 404),
        ("/services/4", 404), ("/holds/none", 404), ("/bookings/RDV-AAAAA-AAAAA", 404), ("/holds", 303),
        ("/holds/x/confirm", 404), ("/holds/x/extend", 303),
        ("/holds/x/details", 303), ("/services/1/sites/9", 404), ("/services/1/sites/x", 404), ("/move", 200),
    ],
)  # fmt: skip
async def test_addresses_that_lead_nowhere_say_so(visitor: Visitor, path: str, status: int) -> None:
    answer = await visitor.get(path)
    assert answer.status == status
    if status == 404:
        assert 'href="/"' in answer.text


@pytest.mark.parametrize("slot", ["", "0", "-1", "1.5", "x", "999999999", "9" * 40, "1;DROP TABLE slot"])
async def test_a_slot_that_does_not_exist_is_refused(visitor: Visitor, slot: str) -> None:
    refused = await visitor.post("/holds", {"slot": slot})
    assert refused.status == 404
    assert says(refused, "There is no such time")


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"slot=1", "text/plain", 415), (b"slot=1", "", 415), (b"slot=1&slot=2", FORM, 400),
        (b"slot=%ff%fe", FORM, 400), ("slot=é".encode(), FORM, 400),
        ("&".join(f"f{n}=1" for n in range(30)).encode(), FORM, 400),
        (b"slot=" + b"1" * BODY_MAX_BYTES, FORM, 413),
    ],
)  # fmt: skip
async def test_a_body_that_is_not_a_form_is_refused(
    visitor: Visitor, body: bytes, content_type: str, status: int
) -> None:
    refused = await visitor.post_raw("/holds", body, content_type)
    assert refused.status == status
    assert says(refused, "This could not be done")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_form_sent_from_another_site_is_refused(visitor: Visitor, site: str) -> None:
    refused = await visitor.post("/holds", {"slot": 1}, sec_fetch_site=site)
    assert refused.status == 403
    assert (await visitor.post("/holds", {"slot": 1}, sec_fetch_site="same-origin")).status == 303


async def test_the_wrong_method_is_told_with_the_right_ones(visitor: Visitor) -> None:
    answer = await visitor.post("/", {})
    assert answer.status == 405
    assert answer.headers["allow"]


async def test_overlong_and_odd_answers_are_refused_and_come_back_escaped(visitor: Visitor) -> None:
    [slot, *_] = await visitor.free_slots()
    form = await visitor.hold(slot["id"])
    typed = {"name": "x" * 5000, "file_number": '"><script>'}
    refused = await visitor.post(f"{form}/confirm", typed)
    assert refused.status == 422
    assert says(refused, "too long")
    assert "<script" not in refused.text
    assert (await visitor.post(f"{form}/confirm", {"name": quote("\0"), "file_number": "\0" * 10})).status == 422
