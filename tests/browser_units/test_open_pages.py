"""The draw and the statistics in a browser: checked on the applicant's device, and readable by everybody."""

import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.browser_units.test_line import CHROMIUM, FLAGS
from tests.gateway.test_open_data import HOURS, _days
from tests.gateway.test_openings import GATHER, OPEN, opened, to
from tests.gateway.visitor import ROOM
from tests.gateway.whole import OpenWhole, Whole

pytestmark = pytest.mark.browser
SHOTS = os.environ.get("ECLUSE_SHOTS")


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    if shutil.which(CHROMIUM) is None and not os.environ.get("CI"):
        pytest.skip(f"there is no {CHROMIUM}: install the package chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


async def _page(chromium: Browser, *, locale: str = "en-GB", script: bool = True) -> tuple[Page, list[str]]:
    context = await chromium.new_context(
        locale=locale, java_script_enabled=script, viewport={"width": 360, "height": 740}
    )
    page, wrong = await context.new_page(), []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    return page, wrong


async def _shot(page: Page, name: str) -> None:
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


async def _assert_clean(page: Page) -> None:
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = (await Axe().run(page)).response["violations"]
        assert [(each["id"], [node["target"] for node in each["nodes"]]) for each in found] == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def _at(whole: Whole, path: str) -> str:
    return f"http://127.0.0.1:{whole.ports[0]}{path}"


async def _drawn(open_whole: OpenWhole, page: Page) -> Whole:
    """A page that was there before an opening with a draw, after it."""
    whole = await opened(open_whole, draw="seed", room={"pace_per_minute": 0.1})
    await to(whole, GATHER)
    for _ in range(30):
        await whole.waiting()
    await page.goto(_at(whole, "/"))
    await expect(page.locator("main")).to_have_attribute("data-state", "prequeue")
    await to(whole, OPEN)
    await whole.turn()
    return whole


async def test_an_applicant_checks_the_draw_on_the_waiting_page(open_whole: OpenWhole, chromium: Browser) -> None:
    page, wrong = await _page(chromium, locale="fr-FR")
    whole = await _drawn(open_whole, page)
    await page.reload()
    # One in thirty-one is drawn first, and called by now: they may check as well.
    await expect(page.locator("main")).to_have_attribute("data-state", re.compile("^(waiting|called)$"))
    await page.get_by_text("Vérifier le tirage", exact=True).click()
    await page.get_by_role("button", name="Vérifier ma place dans le tirage").click()
    findings = page.locator("[data-slot=findings] li")
    await expect(findings).to_have_count(6)
    assert await page.locator("[data-verdict=fails]").count() == 0
    told = await findings.all_text_contents()
    assert "Votre ticket est dans la liste, à la ligne" in told[0]
    assert "sur 31" in told[4]
    await _shot(page, "waiting-draw")
    await _assert_clean(page)
    ticket = await page.locator("main").get_attribute("data-id")
    await page.goto(_at(whole, f"{ROOM}/draw?lang=en"))
    await expect(page.get_by_text(f"The ticket {ticket} is in the list")).to_be_visible()
    await page.get_by_role("button", name="Check my place in the draw").click()
    await expect(findings).to_have_count(6)
    await _shot(page, "draw")
    await _assert_clean(page)
    assert wrong == []


async def test_without_a_script_the_server_looks_the_ticket_up(open_whole: OpenWhole, chromium: Browser) -> None:
    page, wrong = await _page(chromium, script=False)
    whole = await _drawn(open_whole, page)
    await page.goto(_at(whole, f"{ROOM}/draw"))
    mine = page.locator("section", has=page.get_by_role("heading", name="My ticket"))
    await expect(mine).to_contain_text("is in the list, at line")
    await expect(mine.get_by_role("button", name="Check my place")).to_be_hidden()
    await mine.get_by_label("Number of the ticket").fill("AAAAAAAAAAA")
    await mine.get_by_role("button", name="Look it up").click()
    await expect(mine).to_contain_text("The ticket AAAAAAAAAAA is not in the list.")
    assert wrong == []


async def test_the_statistics_are_a_chart_and_a_table_for_everybody(open_whole: OpenWhole, chromium: Browser) -> None:
    whole = await open_whole()
    await to(whole, GATHER)
    await _days(whole, d2027_01_13=HOURS, d2027_01_14=HOURS | {"11": {"joined:main": 4, "in:main": 2}})
    page, wrong = await _page(chromium)
    for lang in ("fr", "en"):
        await page.goto(_at(whole, f"{ROOM}/statistics?lang={lang}"))
        await expect(page.locator("html")).to_have_attribute("lang", lang)
        await _assert_clean(page)
        await _shot(page, f"statistics-{lang}")
    await expect(page.get_by_role("img", name="People let in by hour")).to_be_visible()
    await expect(page.get_by_role("table", name="By hour").get_by_role("row")).to_have_count(4)
    await page.get_by_role("link", name="2027-01-13").click()
    await expect(page.get_by_role("heading", name="Wednesday, January 13, 2027")).to_be_visible()
    assert wrong == []
