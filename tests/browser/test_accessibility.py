"""axe-core finds nothing on any page a visitor or operator may meet: both schemes, both languages, a phone and a desk."""

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.rig import Room
from tests.browser.test_console import signed_in
from tests.browser.test_journey import state

pytestmark = pytest.mark.browser
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
PHONE: Any = {"width": 360, "height": 740}


def findings(page: Page) -> Iterator[str]:
    """What axe finds in each scheme, one line each."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for found in Axe().run(page).response["violations"]:
            yield f"{scheme} {found['id']}: {[node['target'] for node in found['nodes']]}"


def assert_clean(page: Page, address: str, wanted: str) -> None:
    """The page in its state, in each language and scheme, is without findings and does not scroll sideways."""
    for lang in ("fr", "en"):
        page.goto(f"{address}?lang={lang}")
        state(page, wanted)
        expect(page.locator("html")).to_have_attribute("lang", lang)
        assert list(findings(page)) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_pages_of_somebody_who_waits_sees_a_pause_and_is_called(room: Room, visit: Visit) -> None:
    room.busy()
    page = visit(viewport=PHONE)
    page.goto(room.url)
    assert_clean(page, room.page, "waiting")
    room.set(mode="paused", notice={"fr": "Reprise à 14 h.", "en": "Back at two."}, reason="printers")
    state(page, "paused")
    assert_clean(page, room.page, "paused")
    room.set(mode="queueing", pace_per_minute=60)
    state(page, "called")
    assert_clean(page, room.page, "called")


def test_the_pages_of_somebody_who_misses_the_turn_twice(brief_room: Room, visit: Visit) -> None:
    page = visit(viewport=PHONE)
    page.goto(brief_room.url)
    state(page, "missed", 30)
    assert_clean(page, brief_room.page, "missed")
    page.get_by_role("button", name="Take my place back").click()
    state(page, "gone", 30)
    assert_clean(page, brief_room.page, "gone")


def test_the_pages_of_a_closed_room_and_of_an_address_that_is_none(room: Room, visit: Visit) -> None:
    page = visit(refusals=(404, 503))
    room.set(mode="closed", reason="no slot left")
    page.goto(room.url)
    assert_clean(page, room.page, "closed")
    for lang in ("fr", "en"):
        page.goto(f"{room.url}_ecluse/nothing-here?lang={lang}")
        assert list(findings(page)) == []


def test_the_console_before_and_after_signing_in(room: Room, visit: Visit) -> None:
    page = visit()
    page.goto(f"{room.base}/_ecluse/console/")
    assert list(findings(page)) == []
    for pace in range(1, 13):
        room.set(pace_per_minute=pace, reason="a journal long enough to scroll")
    page = signed_in(visit, room)
    card = page.locator(".room", has=page.get_by_text(room.id, exact=True))
    for summary in card.locator("summary").all():
        summary.click()
    expect(card.locator(".journal li")).to_have_count(12)
    assert list(findings(page)) == []
