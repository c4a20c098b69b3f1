"""The pages that lead to a time: services, sites, the calendar, the times of a day."""

from datetime import UTC

import pytest
from starlette.types import ASGIApp

from booking_backend.texts import Words, catalogues
from ecluse.clock import ManualClock
from tests.booking_backend.test_journey import left, says
from tests.booking_backend.visitor import Visitor, ask


async def test_a_service_of_one_site_goes_on_to_its_days(visitor: Visitor) -> None:
    assert (await visitor.get("/services/2")).headers["location"] == "/services/2/sites/1"


async def test_the_calendar_shows_free_full_and_closed_days_and_turns_its_months(
    visitor: Visitor, clock: ManualClock
) -> None:
    page = await visitor.get("/services/1/sites/1")  # the clock says Friday 15 January 2027
    assert page.found(r"<caption>([^<]+)<") == ["January 2027"]
    days = page.found(r'class="day" href="/services/1/sites/1/([^"]+)"')
    assert page.found(r'aria-label="(Monday[^"]+)"')[0] == "Monday, 18 January 2027, 48 places free"
    assert days == [f"2027-01-{day}" for day in (18, 19, 20, 21, 22, 25, 26, 27, 28, 29)]
    assert page.found(r'class="day none"><b>(\d+)')[:3] == ["1", "2", "3"]
    assert page.text.count('<th scope="col">') == 7
    assert page.found(r'rel="(next|prev)"') == []
    for slot in (await visitor.get("/api/services/1/slots?site=1")).json["slots"][:16]:
        assert slot["starts_at"].startswith("2027-01-18")
        for name in "abc":
            other = Visitor(visitor.app, visitor.clock, f"{name} at {slot['id']}")
            assert (await other.post("/holds", {"slot": slot["id"]})).status == 303
    full = await visitor.get("/services/1/sites/1")
    assert full.found(r'class="day full"><b>(\d+)</b> <span class="hidden-text">full<') == ["18"]
    assert says(full, "First free day: Tuesday, 19 January 2027")
    clock.advance(4 * 86_400)
    page = await visitor.get("/services/1/sites/1")
    [after] = page.found(r'rel="next" href="([^"#]+)#month"')
    february = await visitor.get(after)
    assert february.found(r"<caption>([^<]+)<") == ["February 2027"]
    assert february.found(r'rel="(next|prev)"') == ["prev"]
    for nonsense in ("x", "2001-01", "9999-12", "2027-13", "9" * 50):
        assert (await visitor.get(f"/services/1/sites/1?month={nonsense}")).status == 200


async def test_a_day_shows_its_free_times_by_half_and_nonsense_is_nothing(visitor: Visitor) -> None:
    page = await visitor.get("/services/1/sites/1/2027-01-18")
    assert page.found(r"<h3>([^<]+)<") == ["Morning", "Afternoon"]
    assert page.found(r'class="time">([^<]+)<')[:2] == ["09:00", "09:30"]
    assert len(page.found(r'name="slot"')) == 16
    assert says(await visitor.get("/services/1/sites/1/2027-01-17"), "No place left on that day")
    for nonsense in ("x", "2027-1-18", "20270118", "2027-02-30"):
        assert (await visitor.get(f"/services/1/sites/1/{nonsense}")).status == 404


async def test_when_everything_is_past_the_pages_say_there_is_nothing_left(
    visitor: Visitor, clock: ManualClock
) -> None:
    clock.advance(60 * 86_400)
    home = await visitor.get("/")
    assert says(home, "Every place is taken")
    assert left(home) == 0
    assert says(await visitor.get("/services/1/sites/1"), "no place left for this service")


async def test_pages_speak_the_language_of_the_browser_and_then_the_one_chosen(visitor: Visitor) -> None:
    visitor.headers = {"accept-language": "fr-FR,fr;q=0.9"}
    assert '<html lang="fr" dir="ltr">' in (await visitor.get("/")).text
    chosen = await visitor.get("/?lang=en")
    assert '<html lang="en" dir="ltr">' in chosen.text
    cookie = chosen.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "Secure" not in cookie
    visitor.headers = {**visitor.headers, "cookie": cookie.partition(";")[0]}
    assert '<html lang="en" dir="ltr">' in (await visitor.get("/services/1")).text
    assert "Secure" in (await visitor.get("/?lang=fr", x_forwarded_proto="https")).headers["set-cookie"]
    assert '<html lang="en" dir="ltr">' in (await visitor.get("/?lang=xx")).text


async def test_the_address_asked_for_never_becomes_a_link(visitor: Visitor) -> None:
    answer = await visitor.get("//elsewhere.example/x")
    assert answer.status == 404
    assert "elsewhere" not in answer.text


async def test_the_stylesheets_and_the_health_check_are_open_to_all(app: ASGIApp) -> None:
    css = await ask(app, "GET", "/static/booking.css")
    assert css.status == 200
    assert css.headers["content-type"].startswith("text/css")
    again = await ask(app, "GET", "/static/booking.css", headers=[(b"if-none-match", css.headers["etag"].encode())])
    assert (again.status, again.body) == (304, b"")
    assert (await ask(app, "GET", "/healthz")).status == 200


async def test_without_a_pass_no_page_is_served(app: ASGIApp) -> None:
    for path in ("/", "/services/1", "/holds/x", "/bookings/x", "/api/services", "/nowhere"):
        assert (await ask(app, "GET", path)).status == 403


@pytest.mark.parametrize("lang", [code for code in catalogues() if "-x-" not in code])
async def test_who_comes_without_a_pass_is_told_in_their_language(app: ASGIApp, lang: str) -> None:
    refused = await ask(app, "GET", "/", headers=[(b"accept", b"text/html"), (b"accept-language", lang.encode())])
    assert refused.status == 403
    assert refused.headers["content-language"] == lang
    assert Words(lang, UTC).say("door.go_round") in refused.text
