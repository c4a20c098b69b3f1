"""Somebody asks in a browser to be told while away: with a mistake first, without a script, and without an axe finding."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from ecluse.ports import free_ports
from tests.browser.conftest import Visit
from tests.browser.rig import ask
from tests.browser.test_accessibility import PHONE, findings
from tests.ecluse.cli.commands import CONFIGURATION, KEYS
from tests.system.test_up import Running

pytestmark = pytest.mark.browser
ROOM = 'mode = "queueing"\npace_per_minute = 0.1\nburst = 1'
NOTIFY = """
[room.notify]
smtp = "env:ECLUSE_TEST_SMTP"
sender = "a@example.org"
hook_url = "http://127.0.0.1:9/"
hook_key = "env:ECLUSE_TEST_KEY"

[[operator]]"""


@pytest.fixture(scope="module")
def telling(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service whose visitors can be told, and where everybody waits."""
    directory = tmp_path_factory.mktemp("telling")
    config = directory / "ecluse.toml"
    text = CONFIGURATION.replace("\n[[operator]]", NOTIFY).replace("[[room]]", f"[[room]]\n{ROOM}")
    config.write_text(f'state_dir = "{directory}/state"\n{text}')
    (port,) = free_ports(1)
    env = {**KEYS, "ECLUSE_TEST_SMTP": "smtp://127.0.0.1:9"}
    running = Running(Path(directory), "up", "--config", str(config), "--port", str(port), "--workers", "1", env=env)
    try:
        running.info()
        # Those first in line are called, and away: who comes later goes on waiting.
        for _ in range(4):
            ask(f"http://localhost:{port}/_ecluse/rooms/sarcelles/tickets", "POST", {})
        yield f"http://localhost:{port}/sarcelles/"
    finally:
        running.close()


@pytest.mark.parametrize("script", [True, False])
def test_an_address_is_given_put_right_seen_and_deleted(telling: str, visit: Visit, script: bool) -> None:
    page = visit(viewport=PHONE, java_script_enabled=script, refusals=(400,))
    page.goto(f"{telling}?service=3")
    page.get_by_text("Be told when your turn is near").click()
    page.get_by_label("E-mail address").fill("amel@example")
    page.get_by_role("button", name="Tell me").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Please check the address")
    wrong = page.get_by_label("E-mail address")
    expect(wrong).to_have_value("amel@example")
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_be_focused()
    wrong.fill("amel@example.org")
    page.get_by_role("button", name="Tell me").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("We write to you")
    expect(page.get_by_text("a•••@example.org")).to_be_visible()
    page.get_by_role("button", name="Delete my address now").click()
    expect(page.get_by_text("No address is kept for you.")).to_be_visible()
    page.get_by_role("link", name="Back to my place in line").click()
    expect(page).to_have_url(
        f"{telling.removesuffix('/sarcelles/')}/_ecluse/rooms/sarcelles?to=/sarcelles/%3Fservice%3D3"
    )


@pytest.mark.parametrize("locale", ["fr-FR", "en-GB"])
def test_axe_finds_nothing_on_the_pages_of_an_address(telling: str, visit: Visit, locale: str) -> None:
    page = visit(locale=locale, viewport=PHONE, refusals=(400,))
    page.goto(telling)
    page.locator("details:has(input[name=phone]) > summary").click()
    assert list(findings(page)) == []
    for to, wanted in (("06 12", 400), ("06 12 34 56 78", 200)):
        page.locator("input[name=phone]").fill(to)
        with page.expect_response(lambda answer: answer.status != 303) as answered:
            page.locator("form:has(input[name=phone]) button").click()
        assert answered.value.status == wanted
        page.wait_for_load_state()
        assert list(findings(page)) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
