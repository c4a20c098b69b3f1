"""The operator console in a real browser: sign in, look, change, and read what was changed."""

import pytest
from playwright.sync_api import APIResponse, Page, Route, expect

from tests.browser.conftest import Visit
from tests.browser.rig import Room
from tests.ecluse.cli.commands import KEYS, PASSWORD
from tests.ecluse.small_programs import wait_until

pytestmark = pytest.mark.browser


def signed_in(visit: Visit, room: Room, **options: object) -> Page:
    page = visit(viewport={"width": 1280, "height": 900}, **options)
    page.goto(f"{room.base}/_ecluse/console/?lang=en")
    by_password(page, PASSWORD)
    expect(page.locator(".room").first).to_be_visible()
    return page


def by_password(page: Page, password: str) -> None:
    page.get_by_label("Name", exact=True).fill("astreinte")
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_label("Password", exact=True).press("Enter")


def by_key(page: Page, key: str) -> None:
    page.get_by_label("Operator key").fill(key)
    page.get_by_label("Operator key").press("Enter")


def test_a_password_opens_the_console_through_reloads_until_signed_out(room: Room, visit: Visit) -> None:
    page = visit(refusals=(401,))
    page.goto(f"{room.base}/_ecluse/console/?lang=en")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    by_password(page, "not the password at all")
    expect(page.get_by_role("alert").filter(has_text="This name and password are not accepted.")).to_be_visible()
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    assert page.locator(".room").count() == 0
    by_password(page, PASSWORD)
    expect(page.locator(".room", has_text=room.id)).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_be_hidden()
    kept = page.evaluate("[document.cookie, JSON.stringify(sessionStorage), JSON.stringify(localStorage)].join()")
    assert PASSWORD not in kept
    assert "ecluse_console" not in kept
    page.reload()
    expect(page.locator(".room", has_text=room.id)).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    assert page.locator(".room").count() == 0
    page.reload()
    expect(page.get_by_label("Name", exact=True)).to_be_visible()
    assert page.context.cookies() == []


def test_an_answer_that_comes_after_signing_out_shows_nothing(room: Room, visit: Visit) -> None:
    page = signed_in(visit, room)
    held: list[tuple[Route, APIResponse]] = []
    page.route("**/api/v1/rooms", lambda route: held.append((route, route.fetch())))
    while not held:
        page.wait_for_timeout(50)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    [(route, answer)] = held
    with page.expect_response("**/api/v1/rooms"):
        route.fulfill(response=answer)
    page.wait_for_timeout(200)
    assert page.locator(".room").count() == 0
    assert page.get_by_label("Name", exact=True).is_visible()


def test_a_session_that_ended_elsewhere_asks_to_sign_in_again(room: Room, visit: Visit) -> None:
    page = signed_in(visit, room, refusals=(401,))
    page.context.clear_cookies()
    expect(page.get_by_role("alert").filter(has_text="Your session has ended: sign in again.")).to_be_visible()
    assert page.locator(".room").count() == 0


def test_a_wrong_key_is_refused_with_words_and_the_right_one_shows_every_room(room: Room, visit: Visit) -> None:
    page = visit(refusals=(401,))
    page.goto(f"{room.base}/_ecluse/console/?lang=en")
    page.get_by_text("Sign in with a key").click()
    by_key(page, "not the key at all")
    expect(page.get_by_role("alert").filter(has_text="This key is not accepted.")).to_be_visible()
    assert page.locator(".room").count() == 0
    by_key(page, KEYS["ECLUSE_TEST_OPERATOR"])
    expect(page.locator(".room", has_text=room.id)).to_be_visible()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    assert page.locator(".room").count() == 0
    expect(page.get_by_label("Name", exact=True)).to_be_focused()


def test_a_pause_needs_a_reason_reaches_visitors_and_stands_in_the_journal(room: Room, visit: Visit) -> None:
    room.busy()
    visitor = visit()
    visitor.goto(room.url)
    page = signed_in(visit, room)
    card = page.locator(".room", has=page.get_by_text(room.id, exact=True))
    card.get_by_text("Change", exact=True).click()
    card.get_by_label("Mode").select_option("paused")
    card.get_by_label("Pace per minute").fill("240")
    card.get_by_label("Message to visitors (English)").fill("Back at two.")
    apply = card.get_by_role("button", name="Apply")
    apply.click()
    assert page.evaluate("document.activeElement.name") == "reason"
    assert room.board()["phase"] == "open"
    card.get_by_label("Reason, for the journal").fill("printers")
    apply.click()
    expect(visitor.get_by_text("Back at two.")).to_be_visible(timeout=10_000)
    expect(card.get_by_text("Saved: live everywhere within a second.")).to_be_visible()
    expect(card.locator(".badge")).to_have_text("paused")
    card.get_by_text("Journal", exact=True).click()
    entry = card.locator(".journal li").first
    for text in ("astreinte", "changed the settings", "mode: queueing → paused", "0.1 → 240", "printers"):
        expect(entry).to_contain_text(text)
    expect(entry).to_contain_text("en “Back at two.”")


def test_a_message_is_shown_in_the_languages_it_has_and_the_others_stay_behind(room: Room, visit: Visit) -> None:
    room.set(notice={"fr": "Retour à 14 h.", "fr-x-facile": "Attendez un peu."})
    page = signed_in(visit, room)
    card = page.locator(".room", has=page.get_by_text(room.id, exact=True))
    card.get_by_text("Change", exact=True).click()
    expect(card.locator('textarea[lang="fr-x-facile"]')).to_have_value("Attendez un peu.")
    for lang in ("en", "fr", "fr-x-facile"):
        expect(card.locator(f'textarea[lang="{lang}"]')).to_be_visible()
    expect(card.locator('textarea[lang="tr"]')).to_be_hidden()
    card.locator("form details summary").click()
    card.locator('textarea[lang="tr"]').fill("Saat ikide.")
    card.get_by_role("button", name="Apply").click()
    expect(card.get_by_text("Saved: live everywhere within a second.")).to_be_visible()
    told = {"fr": "Retour à 14 h.", "fr-x-facile": "Attendez un peu.", "tr": "Saat ikide."}
    wait_until(lambda: room.board()["notice"] == told)
