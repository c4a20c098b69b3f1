"""A helper at a counter, in a real browser: signs in, takes places, prints a ticket, and the person takes over."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.rig import HELPED, Machine, Room
from tests.browser.test_accessibility import findings
from tests.browser.test_journey import state
from tests.browser.test_moving import shot
from tests.ecluse.cli.commands import KEYS

pytestmark = pytest.mark.browser


def take_three(desk: Page, room: Room) -> None:
    """Sign in, and take as many places as the quota allows; names are not sent."""
    desk.goto(f"{room.url}_ecluse/help/")
    desk.get_by_label("Key").fill("not the key")
    desk.get_by_role("button", name="Sign in").click()
    expect(desk.get_by_role("alert")).to_be_visible()
    assert list(findings(desk)) == []
    shot(desk, "signin")
    desk.get_by_label("Key").fill(KEYS["ECLUSE_TEST_HELPER"])
    desk.get_by_role("button", name="Sign in").click()
    sent: list[str] = []
    desk.on("request", lambda request: sent.append(f"{request.url} {request.post_data or ''} {request.headers}"))
    for name in ("Mme Diallo", "M. Nguyen", ""):
        desk.get_by_label("For whom").fill(name)
        desk.get_by_role("button", name="Take a place for somebody").click()
        expect(desk).to_have_url(f"{room.url}_ecluse/help/")
    rows = desk.locator(".places tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("Mme Diallo")
    expect(rows.nth(0)).to_contain_text("Number 1")
    expect(rows.nth(1)).to_contain_text("M. Nguyen")
    assert not [line for line in sent if "Diallo" in line or "Nguyen" in line]
    assert list(findings(desk)) == []
    shot(desk, "desk")
    desk.get_by_role("button", name="Take a place for somebody").click()
    expect(desk.get_by_role("alert")).to_contain_text("as many places")
    desk.goto(f"{room.url}_ecluse/help/")


def print_first(desk: Page) -> str:
    """The paper of the first place has the name that only this browser knows, the picture, and the code."""
    desk.get_by_role("link", name="Ticket to print").first.click()
    expect(desk.locator(".name")).to_have_text("Name: Mme Diallo")
    expect(desk.get_by_role("button", name="Print")).to_be_visible()
    assert list(findings(desk)) == []
    code = desk.locator("p.code b").inner_text()
    desk.emulate_media(media="print")
    expect(desk.get_by_role("button", name="Print")).to_be_hidden()
    expect(desk.get_by_role("link", name="Back")).to_be_hidden()
    shot(desk, "paper")
    desk.emulate_media(media="screen")
    return code


def test_an_aide_takes_three_places_prints_one_and_the_person_takes_it_over(machine: Machine, visit: Visit) -> None:
    room = Room(machine, HELPED)
    room.busy()
    # The booking backend behind knows only its own room: it answers 403 here, which shows that it was reached.
    desk = visit(refusals=(401, 403, 409))
    phone = visit(refusals=(403,), viewport={"width": 390, "height": 780})
    take_three(desk, room)
    code = print_first(desk)
    # The person scans it, and takes the place over.
    phone.goto(f"{room.page}/code#{code}")
    assert list(findings(phone)) == []
    phone.get_by_role("button", name="Show the place").click()
    assert list(findings(phone)) == []
    phone.get_by_role("button", name="Move the place to this device").click()
    state(phone, "waiting")
    desk.goto(f"{room.url}_ecluse/help/")
    rows = desk.locator(".places tbody tr")
    expect(rows.nth(0)).to_contain_text("On the person’s own device")
    expect(rows.nth(0).get_by_role("button")).to_have_count(0)
    # The next place is opened at the counter when its turn comes.
    rows.nth(2).get_by_role("button", name="Give up").click()
    expect(rows).to_have_count(2)
    room.set(pace_per_minute=600, burst=10)
    state(phone, "called")
    desk.goto(f"{room.url}_ecluse/help/")
    shot(desk, "desk-called")
    desk.get_by_role("button", name="Enter here").click()
    expect(desk).to_have_url(room.url)
    phone.get_by_role("button", name="Enter now").click()
    expect(phone).to_have_url(room.url)


def test_an_aide_works_without_javascript_and_signs_out(machine: Machine, visit: Visit) -> None:
    room = Room(machine, HELPED)
    desk = visit(java_script_enabled=False, locale="fr-FR")
    desk.goto(f"{room.url}_ecluse/help/")
    desk.get_by_label("Clé").fill(KEYS["ECLUSE_TEST_HELPER"])
    desk.get_by_role("button", name="Se connecter").click()
    desk.get_by_role("button", name="Prendre une place pour quelqu’un").click()
    desk.get_by_role("link", name="Ticket à imprimer").last.click()
    expect(desk.locator("p.code b")).to_be_visible()
    shot(desk, "paper-fr")
    desk.get_by_role("link", name="Retour").click()
    desk.get_by_role("button", name="Abandonner").last.click()
    desk.get_by_role("button", name="Se déconnecter").click()
    expect(desk.get_by_label("Clé")).to_be_visible()
    assert not desk.context.cookies()
