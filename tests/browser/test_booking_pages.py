"""Every page of the booking backend on a phone: axe finds nothing, nothing scrolls sideways, and the keyboard is enough."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.rig import Room
from tests.browser.test_accessibility import PHONE, findings
from tests.browser.test_journey import state

pytestmark = pytest.mark.browser


def assert_clean(page: Page) -> None:
    assert list(findings(page)) == [], page.url
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


def press(page: Page, selector: str) -> None:
    """Choose with the keyboard."""
    page.locator(selector).first.focus()
    page.keyboard.press("Enter")


def test_the_journey_is_clean_on_a_phone_and_goes_by_keyboard(bookable: Room, visit: Visit) -> None:
    bookable.set(pace_per_minute=600, burst=10)
    page = visit(viewport=PHONE, refusals=(422,))
    page.goto(bookable.url)
    state(page, "called")
    page.get_by_role("button", name="Enter now").click()
    for heading, choice in (
        ("What are you coming for?", "a.choice"),
        ("Where do you want to come?", "a.choice"),
        ("Choose a day", "a.day"),
        ("Choose a time", 'button[name="slot"]'),
    ):
        expect(page.locator("h1")).to_have_text(heading)
        assert_clean(page)
        press(page, choice)
    expect(page.locator("h1")).to_have_text("Your details")
    press(page, "form.details button.main")
    expect(page.locator('.alert [href="#name"]')).to_be_visible()
    assert_clean(page)
    page.locator("#name").fill("Aminata Diallo")
    page.locator("#file_number").fill("77C1234567")
    press(page, "form.details button.main")
    expect(page.locator("h1")).to_have_text("Check before you confirm")
    assert_clean(page)
    press(page, "form.confirm button.main")
    expect(page.locator("h1")).to_have_text("Appointment confirmed")
    assert_clean(page)
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Add to my calendar").click()
    assert downloading.value.suggested_filename.endswith(".ics")
