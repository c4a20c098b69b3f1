"""A nominative room in a real browser: asked, told what is wrong, given a place, and the same place on another device."""

import os

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.rig import Room
from tests.browser.test_accessibility import PHONE, findings
from tests.browser.test_journey import state

pytestmark = pytest.mark.browser


def shot(page: Page, name: str) -> None:
    """A picture of the page, where somebody wants to look at it."""
    folder = os.environ.get("ECLUSE_TEST_SHOTS")
    if folder:
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def ask_for_a_place(page: Page, number: str, lane: str = "Renewal") -> None:
    page.locator("#person").fill(number)
    page.get_by_label(lane).check()
    page.get_by_role("button", name="Join the line").click()


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
def test_asking_and_confirming(nominative: Room, visit: Visit, script: bool) -> None:
    number = "990312345" + ("6" if script else "7")
    first = visit(java_script_enabled=script, refusals=(422,))
    first.goto(nominative.url)
    expect(first.get_by_label("Number of your residence permit")).to_be_visible()
    ask_for_a_place(first, "99 03 12")
    expect(first.get_by_role("alert")).to_contain_text("exactly ten digits")
    expect(first.locator("#person")).to_be_focused()
    expect(first.locator("#person")).to_have_value("99 03 12")
    expect(first.get_by_label("Renewal")).to_be_checked()
    first.locator("#person").fill(f"{number[:4]} {number[4:]}")
    first.locator("#person").press("Enter")
    expect(first.locator("main")).to_have_attribute("data-lane", "renewal")
    ticket = first.locator("main").get_attribute("data-id")

    second = visit(java_script_enabled=script, refusals=(409,))
    second.goto(nominative.url)
    ask_for_a_place(second, number, "First application")
    expect(second.locator("h2")).to_have_text("This number already has a place")
    second.get_by_role("button", name="Go on with my place here").click()
    expect(second.locator("main")).to_have_attribute("data-id", str(ticket))
    expect(second.locator("main")).to_have_attribute("data-lane", "renewal")


def test_the_pages_that_ask_can_be_used_by_everybody(nominative: Room, visit: Visit) -> None:
    page = visit(viewport=PHONE, refusals=(422, 409))
    for lang in ("fr", "en"):
        page.goto(f"{nominative.page}?lang={lang}")
        assert list(findings(page)) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        shot(page, f"ask-{lang}")
    ask_for_a_place(page, "12")
    expect(page.get_by_role("alert")).to_be_visible()
    assert list(findings(page)) == []
    shot(page, "wrong")
    ask_for_a_place(page, "9903120000")
    state(page, "called")
    other = visit(viewport=PHONE, refusals=(409,))
    other.goto(nominative.url)
    ask_for_a_place(other, "9903120000")
    expect(other.locator("h2")).to_have_text("This number already has a place")
    assert list(findings(other)) == []
    shot(other, "known")
