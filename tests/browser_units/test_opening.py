"""What opening hours do in the browser: the countdown, the drawn place, and a place that a new campaign ended."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Route, sync_playwright

from ecluse.domain import draw
from gateway.pages import TEMPLATES
from tests.browser_units.test_line import CHROMIUM, FLAGS

pytestmark = pytest.mark.browser
NOW_MS = 1_800_000_000_000
SEED = bytes(range(32))
TICKET = "AAAAAAAAAAA"
STANDIN = """
async ({now, handed}) => {
  const { Opening } = await import('/opening.js');
  const { Speech } = await import('/line.js');
  document.body.innerHTML = '<main><p><time data-slot="opening-day"></time> <span data-slot="opens"></span></p><p data-slot="opens"></p></main>';
  const main = document.querySelector('main');
  Object.assign(main.dataset, handed);
  const words = { opensIn: 'In %(time)s.', drawn: '%(done)s of %(total)s' };
  window.asked = 0;
  window.page = {
    main, id: 'AAAAAAAAAAA', place: 5, phase: '', state: 'waiting', slots: { drawn: document.createElement('p') },
    speech: new Speech(words, 'en'), clock: now, now() { return this.clock; }, show() {},
    async readTicket() { window.asked += 1; this.state = window.answer ?? 'waiting'; return 5; },
  };
  window.opening = new Opening(window.page);
}
"""


@pytest.fixture(scope="module")
def browser_page() -> Iterator[Page]:
    """A blank page over https, as Web Crypto asks; nothing leaves the machine."""
    if shutil.which(CHROMIUM) is None and not os.environ.get("CI"):
        pytest.skip(f"there is no {CHROMIUM}: install the package chromium")

    def serve(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        if name.endswith(".js"):
            route.fulfill(path=TEMPLATES / "static/js" / name, content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html><title>opening</title>", content_type="text/html")

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        page.route("**/*", serve)
        page.goto("https://opening.test/")
        yield page
        browser.close()


def begin(page: Page, **handed: str) -> None:
    handed = {"campaign": str(NOW_MS - 5), "zone": "UTC", "opensAt": str(NOW_MS + 3_725_000)} | handed
    page.evaluate(STANDIN, {"now": NOW_MS, "handed": handed})


def follow(page: Page, **board: Any) -> Any:
    whole = {
        "phase": "prequeue", "opens_at": "2027-01-15T09:02:05Z", "campaign": {"started_at_ms": NOW_MS - 5},
        "draw": {"state": "announced", "n": None, "done": 0, "seed": None}, "poll_seconds": {"near": 3, "far": 20},
    } | board  # fmt: skip
    return page.evaluate("(board) => window.opening.follow(board)", whole)


def test_the_countdown_runs_in_every_place_that_tells_it_and_ends(browser_page: Page) -> None:
    begin(browser_page)
    told = "() => [...document.querySelectorAll('[data-slot=opens]')].map((slot) => slot.textContent)"
    assert browser_page.evaluate(told) == ["In 62 min 5 sec."] * 2
    browser_page.evaluate("window.page.clock += 3600000; window.opening.tick()")
    assert browser_page.evaluate(told) == ["In 2 min 5 sec."] * 2
    browser_page.evaluate("window.page.clock -= 13600000; window.opening.tick()")
    assert browser_page.evaluate(told) == ["In 3 hr 48 min."] * 2
    browser_page.evaluate("window.page.clock += 20000000; window.opening.tick()")
    assert browser_page.evaluate(told) == ["", ""]


def test_when_another_opening_is_the_next_one_its_day_is_told_on_the_rooms_clocks(browser_page: Page) -> None:
    begin(browser_page, zone="Europe/Paris")
    told = "[document.querySelector('time').textContent, document.querySelector('time').parentElement.hidden]"
    follow(browser_page, phase="closed", opens_at="2027-01-22T09:00:00Z")
    day, hidden = browser_page.evaluate(told)
    assert ("Friday, January 22, 2027" in day, "10:00" in day, hidden) == (True, True, False)
    assert browser_page.evaluate("document.querySelector('span').textContent") == "In 7 days."
    follow(browser_page, phase="closed", opens_at=None)
    assert browser_page.evaluate(told)[1] is True


def test_before_the_draw_it_looks_seldom_and_just_after_the_opening(browser_page: Page) -> None:
    begin(browser_page, undrawn="")
    assert follow(browser_page) == 20
    browser_page.evaluate("window.page.clock += 3725000 - 8000")
    assert follow(browser_page) == 9
    assert follow(browser_page, phase="drawing") == 3
    assert browser_page.evaluate("window.asked") == 0


def test_the_drawn_place_is_worked_out_here_and_is_the_servers(browser_page: Page) -> None:
    begin(browser_page, undrawn="")
    drawing = {"state": "drawn", "n": 2_000, "done": 600, "seed": SEED.hex()}
    assert follow(browser_page, phase="drawing", draw=drawing) == 3
    assert browser_page.evaluate("window.page.slots.drawn.textContent") == "600 of 2,000"
    assert browser_page.evaluate("window.page.place") == 5
    assert follow(browser_page, phase="open", draw=drawing | {"state": "placed", "done": 2_000}) is None
    assert browser_page.evaluate("window.page.place") == draw.place(SEED, TICKET)
    assert browser_page.evaluate("window.asked") == 0, "a crowd that all asks at once"


def test_a_room_that_opened_without_its_draw_makes_the_browser_ask_where_it_stands(browser_page: Page) -> None:
    begin(browser_page, undrawn="")
    assert follow(browser_page, phase="open", draw={"state": "none", "n": None, "done": 0, "seed": None}) == 5
    assert browser_page.evaluate("[window.asked, window.opening.undrawn]") == [1, False]


def test_a_new_campaign_makes_it_ask_once_and_a_place_that_ended_is_told_so(browser_page: Page) -> None:
    begin(browser_page)
    browser_page.evaluate("window.answer = 'gone'")
    later = {"started_at_ms": NOW_MS + 86_400_000}
    assert follow(browser_page, campaign=later) == 5
    assert browser_page.evaluate("window.page.state") == "over"
    assert follow(browser_page, campaign=later) is None
    assert browser_page.evaluate("window.asked") == 1
