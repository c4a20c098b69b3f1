"""A visitor's whole way in a real browser: wait, be called, enter, book, and the visit is over."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.rig import Room, Someone
from tests.ecluse.small_programs import wait_until

pytestmark = pytest.mark.browser


def state(page: Page, wanted: str, seconds: float = 15) -> None:
    """The page comes to this state by itself."""
    expect(page.locator("main")).to_have_attribute("data-state", wanted, timeout=seconds * 1000)


def number(page: Page) -> int:
    return int(page.locator('[data-slot="number"] b').inner_text())


def in_language(page: Page, name: str) -> None:
    """Open the languages of the page and choose one."""
    page.locator(".languages summary").click()
    page.locator(".languages").get_by_role("link", name=name, exact=True).click()


def book(page: Page, file_number: str, confirmed: str) -> None:
    """From the first page of the booking backend to its confirmation."""
    page.locator("a.choice").first.click()
    page.locator("a.choice").first.click()
    page.locator("table.month a.day").first.click()
    page.locator('button[name="slot"]').first.click()
    page.locator("#name").fill("Aminata Diallo")
    page.locator("#file_number").fill(file_number)
    page.locator("form.details button.main").click()
    page.locator("form.confirm button.main").click()
    expect(page.locator("h1")).to_have_text(confirmed)
    assert re.fullmatch(r"RDV-\w{5}-\w{5}", page.locator(".reference dd").inner_text())


def test_a_number_falls_by_itself_when_somebody_ahead_leaves(room: Room, visit: Visit) -> None:
    room.busy()
    room.set(pace_per_minute=2)  # the next call is half a minute away, and near the front the page looks often
    first, _ = Someone(room), Someone(room)
    page = visit()
    page.goto(room.url)
    assert number(page) == 3
    first.leave()
    expect(page.locator('[data-slot="number"] b')).to_have_text("2", timeout=15_000)
    expect(page).to_have_title("(2) Residence permit renewal")


def test_a_visitor_waits_is_called_books_and_the_visit_is_over(bookable: Room, visit: Visit) -> None:
    bookable.set(pace_per_minute=2, burst=1)
    for _ in range(3):
        Someone(bookable)
    page = visit(locale="fr-FR")
    page.goto(bookable.url)
    state(page, "waiting")
    ticket = page.locator("main").get_attribute("data-id")
    bookable.set(pace_per_minute=600, burst=10)
    state(page, "called")
    assert page.title().startswith("C’est à vous")
    expect(page.locator("section.go h2")).to_be_focused()
    page.get_by_role("button", name="Entrer maintenant").click()
    expect(page.locator("h1")).to_have_text("Pour quelle démarche venez-vous ?")
    book(page, "75A1234567", "Rendez-vous confirmé")
    assert not page.context.cookies()
    bookable.set(pace_per_minute=0.1, burst=1)
    page.goto(bookable.url)
    assert page.locator("main").get_attribute("data-id") != ticket


def test_the_whole_way_works_by_links_and_forms_without_javascript(bookable: Room, visit: Visit) -> None:
    bookable.set(pace_per_minute=2, burst=1)
    others = [Someone(bookable) for _ in range(3)]
    page = visit(java_script_enabled=False)
    page.goto(bookable.url)
    state(page, "waiting")
    for other in others:
        other.leave()
    bookable.set(pace_per_minute=600, burst=10)
    # The page reloads by itself, every few seconds.
    expect(page.get_by_role("button", name="Enter now")).to_be_visible(timeout=75_000)
    page.get_by_role("button", name="I need more time").click()
    state(page, "called")
    page.get_by_role("button", name="Enter now").click()
    expect(page.locator("h1")).to_have_text("What are you coming for?")
    book(page, "92B7654321", "Appointment confirmed")
    assert not page.context.cookies()


def test_who_leaves_has_no_place_until_asking_for_one_whatever_the_language(room: Room, visit: Visit) -> None:
    room.busy()
    page = visit()
    page.goto(room.url)
    state(page, "waiting")
    page.get_by_text("Leave the line").click()
    page.get_by_role("button", name="Give up my place").click()
    state(page, "none")
    in_language(page, "Français")
    expect(page.get_by_role("button", name="Prendre une place")).to_be_visible()
    state(page, "none")
    assert not [cookie for cookie in page.context.cookies() if "ticket" in cookie.get("name", "")]
    page.get_by_role("button", name="Prendre une place").click()
    state(page, "waiting")


def test_a_missed_turn_is_offered_again_at_the_same_place_and_then_no_more(brief_room: Room, visit: Visit) -> None:
    page = visit()
    page.goto(brief_room.url)
    ticket = page.locator("main").get_attribute("data-id")
    state(page, "called")
    state(page, "missed", 25)
    page.get_by_role("button", name="Take my place back").click()
    assert page.locator("main").get_attribute("data-id") == ticket
    state(page, "called")
    state(page, "gone", 25)
    page.get_by_role("button", name="Join again").click()
    assert page.locator("main").get_attribute("data-id") != ticket


def test_who_asks_for_more_time_gets_it(room: Room, visit: Visit) -> None:
    page = visit()
    page.goto(room.url)
    state(page, "called")
    until: list[int] = []
    for _ in range(2):
        page.reload()
        state(page, "called")
        until.append(int(page.locator("main").get_attribute("data-claim-until") or 0))
        page.get_by_role("button", name="I need more time").click()
        expect(page.locator('[data-slot="live"]')).to_contain_text("You have more time")
        expect(page.locator('[data-slot="left"]')).to_contain_text("Time left to enter")
    assert until[1] > until[0] > 0


def test_a_pause_and_its_reason_show_within_seconds_and_the_line_goes_on(room: Room, visit: Visit) -> None:
    room.busy()
    page = visit(locale="fr-FR")
    page.goto(room.url)
    state(page, "waiting")
    before = number(page)
    notice = {"fr": "Reprise à 14 h.", "en": "Back at two."}
    room.set(mode="paused", notice=notice, reason="printers")
    expect(page.get_by_text("Reprise à 14 h.")).to_be_visible(timeout=10_000)
    state(page, "paused")
    assert number(page) == before
    in_language(page, "English")
    expect(page.get_by_text("Back at two.")).to_be_visible()
    room.set(mode="queueing", notice={})
    state(page, "waiting")
    expect(page.locator('[data-slot="notice"]')).to_be_hidden()


def test_a_called_visitor_sees_a_pause_and_then_the_button_again(room: Room, visit: Visit) -> None:
    page = visit()
    page.goto(room.url)
    state(page, "called")
    room.set(mode="paused", reason="fire drill")
    state(page, "paused")
    expect(page.get_by_role("button", name="Enter now")).to_be_hidden()
    room.set(mode="queueing")
    state(page, "called")
    expect(page.get_by_role("button", name="Enter now")).to_be_visible()


def test_a_new_language_a_reload_and_a_second_tab_keep_the_place(room: Room, visit: Visit) -> None:
    room.busy()
    Someone(room)
    page = visit(locale="fr-FR")
    page.goto(room.url + "?day=2026-11-24")
    main = page.locator("main")
    ticket, place = main.get_attribute("data-id"), main.get_attribute("data-place")
    in_language(page, "English")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    assert main.get_attribute("data-id") == ticket
    assert page.locator('[data-form="claim"] input[name="to"]').get_attribute("value") == "/?day=2026-11-24"
    page.reload()
    second = page.context.new_page()
    second.goto(room.url)
    for tab in (page, second):
        assert tab.locator("main").get_attribute("data-id") == ticket
        assert tab.locator("main").get_attribute("data-place") == place
        expect(tab.locator("html")).to_have_attribute("lang", "en")
    wait_until(lambda: room.board()["waiting"] == 2)


def test_a_form_sent_without_a_pass_says_that_it_was_not_sent(room: Room, visit: Visit) -> None:
    room.busy()
    page = visit(refusals=(429,))
    page.goto(room.url)
    state(page, "waiting")
    with page.expect_navigation():
        page.evaluate("""() => {
            const form = document.createElement("form");
            Object.assign(form, { method: "post", action: "/holds" });
            document.body.append(form);
            form.submit();
        }""")
    expect(page.get_by_role("heading", name="Your form was not sent")).to_be_visible()
    state(page, "waiting")
