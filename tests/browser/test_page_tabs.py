"""Several tabs of one browser hold one place: what one learns, chooses or does holds in all, and none is misled."""

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Visit
from tests.browser.rig import Room, Someone
from tests.browser.test_journey import number, state
from tests.browser.test_moving import code_on
from tests.browser.test_page_call import RING, call_next, live

pytestmark = pytest.mark.browser


def opened(page: Page, address: str) -> Page:
    """The page, once it hears other tabs."""
    page.goto(address)
    live(page).wait_for_timeout(800)
    return page


def leave_and_join(page: Page) -> None:
    """Give the place up and take another one."""
    page.get_by_text("Leave the line").click()
    page.get_by_role("button", name="Give up my place").click()
    state(page, "none")
    page.get_by_role("button", name="Join the line").click()
    state(page, "waiting")


def test_a_tab_that_has_no_place_does_not_take_it_from_another(room: Room, visit: Visit) -> None:
    room.busy()
    page = visit()
    opened(page, room.url)
    page.get_by_text("Leave the line").click()
    page.get_by_role("button", name="Give up my place").click()
    state(live(page), "none")
    page.wait_for_timeout(800)
    second = page.context.new_page()
    second.goto(f"{room.page}?left=1")
    # The network is slow: the other tab looks and tells before this one does.
    second.route("**/board.json", lambda route: route.abort())
    second.get_by_role("button", name="Join the line").click()
    state(live(second), "waiting")
    second.wait_for_timeout(800)
    page.evaluate("dispatchEvent(new Event('online'))")
    second.wait_for_timeout(1500)
    state(second, "waiting")
    second.unroute("**/board.json")
    state(page, "waiting")


def test_a_place_taken_anew_in_another_tab_is_no_rise_of_the_old_number(room: Room, visit: Visit) -> None:
    room.busy()
    page = visit()
    opened(page, room.url)
    assert number(page) == 1
    for _ in range(3):
        Someone(room)
    second = page.context.new_page()
    opened(second, room.url)
    leave_and_join(second)
    expect(page.locator('[data-slot="number"] b')).to_have_text("4", timeout=15_000)
    expect(page.locator('[data-slot="moved"]')).to_be_hidden()


def test_a_sound_chosen_in_one_tab_rings_whichever_tab_learns_of_the_call(room: Room, visit: Visit) -> None:
    room.busy()
    page = visit()
    opened(page, room.url)
    second = page.context.new_page()
    opened(second, room.url)
    page.wait_for_timeout(500)
    second.get_by_label(RING).check()
    expect(page.get_by_label(RING)).to_be_checked()
    before = int(second.locator("main").get_attribute("data-rang") or 0)
    call_next(room)
    state(page, "called")
    state(second, "called")
    page.wait_for_timeout(1000)
    rang = sum(int(tab.locator("main").get_attribute("data-rang") or 0) for tab in (page, second))
    assert rang - before == 1


def cut_off(page: Page, what: str = "board") -> None:
    """From here on the page gets nothing more at such addresses."""
    page.evaluate(
        "window.unhindered = fetch;"
        f"window.fetch = (url, told) => /{what}/.test(url) ? Promise.reject(new Error()) : unhindered(url, told);"
        "undefined"
    )


def test_more_time_asked_for_in_one_tab_shows_in_the_other(room: Room, visit: Visit) -> None:
    page = visit()
    opened(page, room.url)
    state(page, "called")
    second = page.context.new_page()
    opened(second, room.url)
    left = page.locator('[data-slot="left"]')
    expect(left).to_contain_text("Time left to enter: 1 min 5", timeout=15_000)
    page.wait_for_timeout(5000)
    for tab in (page, second):
        cut_off(tab)
    page.wait_for_timeout(2000)
    second.get_by_role("button", name="I need more time").click()
    expect(second.locator('[data-slot="live"]')).to_contain_text("You have more time")
    expect(left).to_have_text(second.locator('[data-slot="left"]').inner_text(), timeout=2500)


def test_more_time_that_was_refused_is_said_for_longer_than_a_glance(room: Room, visit: Visit) -> None:
    page = visit(refusals=(503,))
    opened(page, room.url)
    state(page, "called")

    def refuse(route: Route) -> None:
        route.fulfill(status=503, body="{}", content_type="application/problem+json")

    page.route("**/claim/extend", refuse)
    page.get_by_role("button", name="I need more time").click()
    refused = page.locator("section.go").get_by_text("We could not give you more time.")
    expect(refused).to_be_visible()
    page.wait_for_timeout(3000)
    expect(refused).to_be_visible()
    expect(page.locator('[data-slot="left"]')).to_contain_text("Time left to enter")
    page.unroute("**/claim/extend")
    page.get_by_role("button", name="I need more time").click()
    expect(refused).to_be_hidden()


def test_a_place_that_moved_is_told_to_every_tab_at_once(room: Room, visit: Visit) -> None:
    room.busy()
    page, other = visit(), visit()
    page.clock.install()
    opened(page, room.url)
    code = code_on(page)
    page.go_back()
    live(page)
    second = page.context.new_page()
    opened(second, room.url)
    other.goto(f"{room.page}/code")
    other.locator("#code").fill(code)
    other.get_by_role("button", name="Show the place").click()
    other.get_by_role("button", name="Move the place to this device").click()
    state(other, "waiting")
    page.wait_for_timeout(1500)
    cut_off(page)
    cut_off(second, ".")
    page.clock.fast_forward("06:00")
    state(page, "moved")
    state(second, "moved", 3)


def test_a_visit_that_ended_elsewhere_is_no_missed_turn(room: Room, visit: Visit) -> None:
    page = visit(refusals=(403,))  # the origin behind this room serves another
    opened(page, room.url)
    state(page, "called")
    second = page.context.new_page()
    second.goto(room.url)
    second.get_by_role("button", name="Enter now").click()
    expect(second.locator("main[data-room]")).to_have_count(0)
    room.end_visit(page.locator("main").get_attribute("data-id") or "")
    state(page, "ended", 20)
    expect(page.get_by_role("heading", name="Your visit is over")).to_be_visible()
    expect(page.get_by_text("This ticket is finished")).to_be_hidden()


def test_the_tab_that_was_pressed_rings_if_the_one_that_learns_of_the_call_may_not(room: Room, visit: Visit) -> None:
    room.busy()
    page = visit()
    opened(page, room.url)
    page.get_by_label(RING).check()
    before = int(page.locator("main").get_attribute("data-rang") or 0)
    second = page.context.new_page()
    second.add_init_script("Object.defineProperty(navigator, 'userActivation', { value: { hasBeenActive: false } })")
    opened(second, room.url)
    # The first tab's own looks fail from here on: the other learns of the call.
    page.route("**/board*", lambda route: route.abort())
    second.evaluate("dispatchEvent(new Event('online'))")
    second.wait_for_timeout(1500)
    call_next(room)
    state(second, "called")
    state(page, "called")
    expect(page.locator("main")).to_have_attribute("data-rang", str(before + 1))


def test_numbers_that_stand_still_do_so_without_a_connection_too(room: Room, visit: Visit) -> None:
    room.busy()
    room.set(pace_per_minute=0.5)
    for _ in range(6):
        Someone(room)
    page = visit(offline=True)
    page.clock.install()
    opened(page, room.url)
    page.clock.run_for(4000)
    wait = page.locator('[data-slot="wait"]')
    page.get_by_role("button", name="Pause the updates").click()
    before = wait.inner_text()
    page.context.set_offline(True)
    lost = page.get_by_text("The connection is lost.")
    while not lost.is_visible():
        page.clock.run_for(10_000)
        page.wait_for_timeout(50)
    page.clock.run_for(240_000)
    assert wait.inner_text() == before


def test_a_first_number_shows_where_the_updates_were_stopped_before(room: Room, visit: Visit) -> None:
    room.busy()
    page = visit()
    # As a page comes before the draw, or right after joining: with no number yet.
    page.add_init_script("""
        localStorage.setItem('ecluse:still', 'yes');
        document.addEventListener('readystatechange', () => {
            const main = document.querySelector('main');
            if (document.readyState !== 'interactive') return;
            delete main.dataset.ahead;
            for (const [slot, hidden] of [['number', true], ['ahead', true], ['counting', false]])
                main.querySelector(`[data-slot="${slot}"]`).hidden = hidden;
        });
    """)
    opened(page, room.url)
    expect(page.locator('[data-slot="number"] b')).to_have_text("1")
    expect(page.locator('[data-slot="counting"]')).to_be_hidden()
