"""The call: told by title, icon, sound, message, or by entering; the numbers may stand still; several tabs agree."""

import re
import time
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.rig import Room, Someone
from tests.browser.test_journey import in_language, number, state

pytestmark = pytest.mark.browser
RING = "With a sound and a vibration"
ENTER = "Enter by itself when it is my turn, without pressing the button"


def live(page: Page) -> Page:
    """The page once its script runs."""
    page.locator("main[data-script]").wait_for()
    return page


def asked(page: Page, what: str) -> Callable[[], int]:
    """How often the page asks for an address that ends so, from now on."""
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url) if request.url.endswith(what) else None)
    return lambda: len(seen)


def call_next(room: Room) -> None:
    """The pace rises, so that who is at the front is called."""
    room.set(pace_per_minute=600, burst=10)


def test_a_call_changes_title_and_icon_and_sounds_where_that_was_chosen_and_it_is_remembered(
    room: Room, visit: Visit
) -> None:
    room.busy()
    page = visit()
    page.goto(room.url)
    state(live(page), "waiting")
    page.get_by_label(RING).check()
    expect(page.get_by_text("You will hear this when it is your turn.")).to_be_visible()
    page.reload()
    expect(live(page).get_by_label(RING)).to_be_checked()
    page.locator("h1").click(force=True)  # a press, without which browsers make no sound
    expect(page.locator('link[rel="icon"]')).to_have_attribute("href", re.compile("/favicon.svg"))
    call_next(room)
    state(page, "called")
    expect(page.locator('link[rel="icon"]')).to_have_attribute("href", re.compile("favicon-called.svg"))
    expect(page).to_have_title("Your turn! – Residence permit renewal")
    expect(page.locator("main")).to_have_attribute("data-rang", "1")
    expect(page.locator('[data-slot="left"]')).to_contain_text("Time left to enter")


def test_nobody_is_taken_anywhere_unless_they_asked_to_enter_by_themselves(room: Room, visit: Visit) -> None:
    page = visit(refusals=(403,))  # the origin behind this room serves another
    page.goto(room.url)
    state(live(page), "called")
    expect(page.get_by_label(ENTER)).not_to_be_checked()
    page.wait_for_timeout(3500)
    state(page, "called")
    with page.expect_navigation(timeout=15_000):
        page.get_by_label(ENTER).check()
    expect(page.locator("main[data-room]")).to_have_count(0)
    assert any("pass" in cookie.get("name", "") for cookie in page.context.cookies())


def test_a_message_of_the_browser_is_asked_for_only_by_a_press_and_shown_when_called(room: Room, visit: Visit) -> None:
    room.busy()
    page = visit(permissions=["notifications"])
    page.add_init_script(
        "window.told = []; window.Notification = class extends EventTarget {"
        " static permission = 'granted'; static async requestPermission() { return 'granted'; }"
        " constructor(title) { super(); window.told.push(title); } close() {} };"
    )
    page.goto(room.url)
    live(page).get_by_label("With a message of the browser").check()
    call_next(room)
    state(page, "called")
    page.wait_for_function("told.length === 1")
    assert page.evaluate("told[0]") == "Your turn! – Residence permit renewal"


def test_the_numbers_stand_still_when_asked_to_and_the_call_comes_all_the_same(room: Room, visit: Visit) -> None:
    room.busy()
    room.set(pace_per_minute=2)
    first = Someone(room)
    page = visit()
    page.goto(room.url)
    assert number(live(page)) == 2
    page.get_by_role("button", name="Pause the updates").click()
    first.leave()
    page.reload()
    expect(live(page).get_by_role("button", name="Resume the updates")).to_have_attribute("aria-pressed", "true")
    updated = page.locator('[data-slot="updated"]')
    at = updated.get_attribute("datetime")
    page.wait_for_timeout(4000)
    assert updated.get_attribute("datetime") == at
    call_next(room)
    state(page, "called")


def test_the_last_update_is_told_in_hours_and_minutes_as_the_page_came_and_after_it(room: Room, visit: Visit) -> None:
    room.busy()
    updated = 'time[data-slot="updated"]'
    for lang, told in (("en", r"\d{1,2}:\d\d\s[AP]M"), ("fr", r"\d\d:\d\d"), ("tr", r"\d\d:\d\d")):
        for scripted in (False, True):
            page = visit(java_script_enabled=scripted, timezone_id="Europe/Paris")
            page.goto(f"{room.url}?lang={lang}")
            if scripted:
                # The board says when it was made to the millisecond, the page as it came to the minute.
                expect(page.locator(updated)).to_have_attribute("datetime", re.compile(r"\.\d{3}Z$"))
            else:
                expect(page.locator(updated)).to_have_attribute("datetime", re.compile(r":00Z$"))
            assert re.fullmatch(told, page.locator(updated).inner_text())


def test_times_are_those_of_the_room_wherever_the_visitor_is(room: Room, visit: Visit) -> None:
    room.busy()
    page = visit(locale="fr-FR", timezone_id="Asia/Tokyo")
    page.goto(room.url)
    updated = live(page).locator('time[data-slot="updated"]')
    expect(updated).to_have_attribute("datetime", re.compile(r"\.\d{3}Z$"))
    for told, at in updated.evaluate_all("all => all.map((el) => [el.textContent, el.dateTime])"):
        assert told == datetime.fromisoformat(at).astimezone(ZoneInfo("Europe/Paris")).strftime("%H:%M")


def test_the_digits_of_the_page_stay_as_they_came(room: Room, visit: Visit) -> None:
    room.busy()
    for _ in range(3):
        Someone(room)
    for scripted in (False, True):
        page = visit(java_script_enabled=scripted)
        page.goto(f"{room.url}?lang=bn")
        if scripted:
            expect(live(page).locator('time[data-slot="updated"]')).to_have_attribute(
                "datetime", re.compile(r"\.\d{3}Z$")
            )
        expect(page.locator('[data-slot="number"] b')).to_have_text(re.compile(r"^[45]$"))
        assert re.search(r"\d:\d\d", page.locator('time[data-slot="updated"]').inner_text(), re.ASCII)


def test_near_the_front_the_board_comes_by_itself_and_a_hidden_tab_hears_its_call(room: Room, visit: Visit) -> None:
    room.busy()
    room.set(pace_per_minute=2)
    page = visit()
    streams = asked(page, "/board/events")
    page.goto(room.url)
    state(live(page), "waiting")
    page.wait_for_function("performance.getEntriesByType('resource').some((e) => e.name.endsWith('tabs.js'))")
    page.wait_for_timeout(2500)
    assert streams() == 1
    looks = asked(page, "/board.json")
    # As in a hidden tab, no timer of the page's fires any more: only the stream is left.
    page.evaluate("window.setTimeout = () => 0; for (let i = 0; i < 10000; i += 1) clearTimeout(i)")
    call_next(room)
    state(page, "called")
    assert looks() <= 1


def test_of_several_tabs_one_asks_for_all_and_all_agree(room: Room, visit: Visit) -> None:
    room.busy()
    for _ in range(3):
        Someone(room)
    page = visit()
    page.goto(room.url)
    second = page.context.new_page()
    second.goto(room.url)
    live(page)
    live(second)
    page.wait_for_timeout(4000)
    counts = [asked(tab, "/board.json") for tab in (page, second)]
    page.wait_for_timeout(9000)
    one, other = (count() for count in counts)
    assert min(one, other) == 0 or min(one, other) * 3 <= max(one, other)
    assert number(page) == number(second) == 4
    call_next(room)
    state(page, "called")
    state(second, "called")


def test_a_lost_connection_is_said_and_the_page_catches_up_when_it_is_back(room: Room, visit: Visit) -> None:
    room.busy()
    room.set(pace_per_minute=2)
    first = Someone(room)
    page = visit(offline=True)
    page.goto(room.url)
    state(live(page), "waiting")
    page.context.set_offline(True)
    expect(page.get_by_text("The connection is lost.")).to_be_visible(timeout=30_000)
    assert number(page) == 2
    first.leave()
    page.context.set_offline(False)
    expect(page.get_by_text("The connection is lost.")).to_be_hidden(timeout=15_000)
    expect(page.locator('[data-slot="number"] b')).to_have_text("1")


def test_a_wait_that_grows_says_why(room: Room, visit: Visit) -> None:
    room.busy()
    room.set(pace_per_minute=1)
    for _ in range(4):
        Someone(room)
    page = visit()
    page.goto(room.url)
    state(live(page), "waiting")
    page.wait_for_timeout(2500)
    room.set(pace_per_minute=0.2)
    expect(page.locator('[data-slot="why"]')).to_contain_text(
        "fewer people are let in now: 12 per hour", timeout=30_000
    )
    room.set(mode="paused", reason="printers")
    state(page, "paused", 30)
    expect(page.locator('[data-slot="why"]')).to_be_hidden()


@pytest.mark.parametrize("hours", [-3, 3])
def test_a_phone_whose_clock_is_wrong_still_counts_the_right_time(room: Room, visit: Visit, hours: int) -> None:
    page = visit()
    page.add_init_script(
        f"const shift = {hours} * 3600000; const now = Date.now; Date.now = () => now() + shift;"
        "Object.defineProperty(performance, 'timeOrigin', { value: performance.timeOrigin + shift });"
    )
    page.goto(room.url)
    state(live(page), "called")
    expect(page.locator('[data-slot="left"]')).to_contain_text(re.compile(r"Time left to enter: 1 min \d+ sec"))


def test_going_back_to_the_page_shows_the_same_place_and_fresh_numbers(room: Room, visit: Visit) -> None:
    room.busy()
    room.set(pace_per_minute=2)
    first = Someone(room)
    page = visit()
    page.goto(room.url)
    ticket = live(page).locator("main").get_attribute("data-id")
    page.goto(f"{room.url}_ecluse/accessibility")
    first.leave()
    page.go_back()
    expect(page.locator('[data-slot="number"] b')).to_have_text("1", timeout=15_000)
    assert page.locator("main").get_attribute("data-id") == ticket


def test_an_old_phone_on_a_slow_line_reads_waits_and_enters(room: Room, visit: Visit) -> None:
    room.busy()
    page = visit(refusals=(403,), viewport={"width": 360, "height": 640})
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    slow = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
    session.send("Network.emulateNetworkConditions", slow)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 5})
    started = time.monotonic()
    page.goto(room.url, wait_until="commit")
    expect(page.locator('[data-slot="number"] b')).to_be_visible(timeout=20_000)
    readable = time.monotonic() - started
    print(f"readable after {readable:.1f} s")
    state(live(page), "waiting")
    call_next(room)
    state(page, "called", 30)
    page.get_by_role("button", name="Enter now").click()
    expect(page.locator("main[data-room]")).to_have_count(0, timeout=30_000)


def test_without_javascript_the_reloading_can_be_stopped_and_the_place_given_up(room: Room, visit: Visit) -> None:
    room.busy()
    page = visit(java_script_enabled=False)
    page.goto(room.url)
    state(page, "waiting")
    expect(page.locator('[data-slot="alerts"]')).to_be_hidden()
    page.get_by_role("link", name="Stop the reloading").click()
    expect(page.get_by_role("link", name="Reload by itself")).to_be_visible()
    assert page.locator('meta[http-equiv="refresh"]').count() == 0
    in_language(page, "Français")
    state(page, "waiting")
    page.get_by_text("Quitter la file").click()
    page.get_by_role("button", name="Rendre ma place").click()
    state(page, "none")
    page.get_by_role("button", name="Prendre une place").click()
    state(page, "waiting")
