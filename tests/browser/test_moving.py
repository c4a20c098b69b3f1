"""A place on two devices: shown on one, followed on another, moved to it, and the first is told."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.rig import Room
from tests.browser.test_accessibility import findings
from tests.browser.test_journey import state

pytestmark = pytest.mark.browser


def shot(page: Page, name: str) -> None:
    """A picture to look at, where SHOTS names a folder."""
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def code_on(page: Page) -> str:
    """The code of the place that this device holds, by way of its own link."""
    page.get_by_text("Keep my place").click()
    page.get_by_role("link", name="Show my code").click()
    return page.locator("p.code b").inner_text()


def test_a_place_is_followed_on_another_device_moved_to_it_and_the_first_is_told(room: Room, visit: Visit) -> None:
    room.busy()
    first, second = visit(), visit(viewport={"width": 390, "height": 780})
    first.goto(room.url)
    ticket = first.locator("main").get_attribute("data-id")
    code = code_on(first)
    expect(first.locator(".proof img")).to_have_js_property("complete", True)
    assert first.evaluate("document.querySelector('.proof img').naturalWidth") > 100
    shot(first, "ticket")
    first.go_back()
    state(first, "waiting")
    # The QR leads to the page with the code behind the #, which stays in no address.
    second.goto(f"{room.page}/code#{code}")
    expect(second.locator("#code")).to_have_value(code)
    assert "#" not in second.url
    shot(second, "code")
    second.get_by_role("button", name="Show the place").click()
    expect(second.locator("h1")).to_have_text("You follow a place")
    expect(second.locator(".number b")).to_have_text("1")
    shot(second, "follow")
    second.get_by_role("button", name="Move the place to this device").click()
    expect(second.get_by_role("heading", name="You are in line")).to_be_visible()
    state(second, "waiting")
    assert second.locator("main").get_attribute("data-id") == ticket
    # The first device looks again when somebody comes back to it.
    first.clock.install()
    first.reload()
    state(first, "moved")
    expect(first.get_by_role("heading", name="Your place is on another device now")).to_be_visible()
    shot(first, "moved")
    assert list(findings(first)) == []
    first.get_by_role("link", name="Take the place back").click()
    first.locator("#code").fill(code.lower().replace("-", " "))
    first.get_by_role("button", name="Show the place").click()
    first.get_by_role("button", name="Move the place to this device").click()
    state(first, "waiting")


def test_a_page_that_stays_open_learns_by_itself_that_its_place_moved(room: Room, visit: Visit) -> None:
    room.busy()
    first, second = visit(), visit()
    first.clock.install()
    first.goto(room.url)
    state(first, "waiting")
    code = code_on(first)
    first.go_back()
    second.goto(f"{room.page}/code")
    second.locator("#code").fill(code)
    second.get_by_role("button", name="Show the place").click()
    second.get_by_role("button", name="Move the place to this device").click()
    state(second, "waiting")
    first.clock.fast_forward("06:00")
    state(first, "moved")
    expect(first.get_by_role("link", name="Take the place back")).to_be_visible()


def test_following_and_moving_work_without_javascript(room: Room, visit: Visit) -> None:
    room.busy()
    first, second = (visit(java_script_enabled=False, refusals=(422,)) for _ in range(2))
    first.goto(room.url)
    code = code_on(first)
    second.goto(f"{room.page}/code")
    second.locator("#code").fill("ZZZZ")
    second.get_by_role("button", name="Show the place").click()
    expect(second.get_by_role("alert")).to_have_text("This code cannot be right: check each character.")
    shot(second, "mistyped")
    second.locator("#code").fill(code)
    second.get_by_role("button", name="Show the place").click()
    expect(second.locator("h1")).to_have_text("You follow a place")
    second.get_by_role("link", name="Stop the reloading").click()
    expect(second.get_by_role("link", name="Reload now")).to_be_visible()
    second.get_by_role("button", name="Move the place to this device").click()
    state(second, "waiting")
    first.goto(room.url)
    state(first, "moved")
