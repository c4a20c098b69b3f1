"""axe-core finds nothing on any page: every state, light and dark, French, English and an Arabic, at 320 pixels."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.preview import NAMES, arabic_layer, served_preview

pytestmark = pytest.mark.browser
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice", "RGAAv4"]
NARROW: Any = {"width": 320, "height": 640}
"""What a screen of 1280 pixels is at 400 %."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served_preview(arabic_layer(tmp_path_factory.mktemp("layer"))) as address:
        yield address


def faults(page: Page) -> Iterator[str]:
    """What axe says in the light scheme, and of colours in the dark one (the rest is the same document)."""
    found = (
        Axe()
        .run(page, options={"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]})
        .response["violations"]
    )
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(
        "axe.run(document, {runOnly: {type: 'rule', values: ['color-contrast', 'link-in-text-block']}, resultTypes: ['violations']})"
    )
    page.emulate_media(color_scheme="light")
    for fault in [*found, *dark["violations"]]:
        yield f"{fault['id']}: {[node['target'] for node in fault['nodes']]}"


@pytest.mark.parametrize("lang", ["fr", "en", "ar"])
def test_no_page_has_a_fault_in_any_state_nor_scrolls_sideways(browser: Browser, base: str, lang: str) -> None:
    context = browser.new_context(viewport=NARROW, reduced_motion="reduce")
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(f"script: {error}"))
    for name in NAMES:
        page.goto(f"{base}/page/{name}?lang={lang}")
        page.locator("main[data-script], main:not([data-room])").wait_for()
        shown = page.locator("main").get_attribute("data-state")
        if shown is not None:
            assert page.locator(f'section[data-when="{shown}"]').is_visible(), name
        wrong += [f"{name}: {fault}" for fault in faults(page)]
        if name != "accessibility" and page.locator('footer a[href="/_ecluse/accessibility"]').count() != 1:
            wrong.append(f"{name}: no way to the accessibility statement")
        if page.locator("input[type=email], #person").evaluate_all("all => all.some((el) => !el.matches(':dir(ltr)'))"):
            wrong.append(f"{name}: an address or a number typed from right to left")
        for size in ("100%", "200%"):  # the letters alone, as a phone makes them larger
            page.evaluate(f"document.documentElement.style.fontSize = '{size}'")
            if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
                wrong.append(f"{name}: scrolls sideways at {size}")
    context.close()
    assert wrong == []


def test_a_page_from_right_to_left_is_mirrored(browser: Browser, base: str) -> None:
    page = browser.new_page(viewport={"width": 1000, "height": 700})
    sides = []
    for lang in ("fr", "ar"):
        page.goto(f"{base}/page/waiting?lang={lang}")
        logo, brand = page.locator(".top img").bounding_box(), page.locator(".brand").bounding_box()
        note = page.locator('[data-slot="notice"]')
        assert logo is not None
        assert brand is not None
        thick = note.evaluate(
            "el => { const s = getComputedStyle(el); return [s.borderLeftWidth, s.borderRightWidth]; }"
        )
        sides.append((logo["x"] < brand["x"], thick[0] > thick[1]))
    page.close()
    assert sides == [(True, True), (False, False)]


def test_the_languages_open_by_keyboard_over_the_page_and_within_a_phone(browser: Browser, base: str) -> None:
    page = browser.new_page(viewport=NARROW, java_script_enabled=False)
    for lang in ("fr", "ar"):
        page.goto(f"{base}/page/waiting?lang={lang}")
        before = page.locator("main").bounding_box()
        assert page.locator(".languages a").first.is_hidden()
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.locator(".languages a").first.is_visible()
        assert page.locator(".languages a:focus").count() == 1
        assert page.locator("main").bounding_box() == before, "the page stays where it was"
        menu = page.locator(".languages ul").bounding_box()
        assert menu is not None
        assert menu["x"] >= 0
        assert menu["x"] + menu["width"] <= NARROW["width"]
        for link in page.locator(".languages a").all():
            box = link.bounding_box()
            assert box is not None
            assert box["height"] >= 44
    page.close()


def test_no_style_names_a_left_or_a_right() -> None:
    for path in (Path(__file__).resolve().parents[2] / "templates/static/css").glob("*.css"):
        style = path.read_text("utf-8").replace("\n", " ")
        for side in ("-left:", "-right:", " left:", " right:", "text-align: left", "text-align: right", "float:"):
            assert side not in style, path.name


def test_with_forced_colours_buttons_and_bars_keep_their_edges(browser: Browser, base: str) -> None:
    context = browser.new_context(forced_colors="active")
    page = context.new_page()
    page.goto(f"{base}/page/called?lang=en")
    enter = page.get_by_role("button", name="Enter now")
    assert enter.evaluate("el => parseFloat(getComputedStyle(el).borderTopWidth)") >= 2
    context.close()
